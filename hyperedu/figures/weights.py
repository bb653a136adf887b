"""Heatmaps of all the weights of a network, and their map in two dimensions."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.image import PcolorImage
from matplotlib.ticker import MaxNLocator
from torch import Tensor

from hyperedu.figures.style import DIVERGING, as_numpy
from hyperedu.generators.base import matrix_shape
from hyperedu.main_network import MainNetwork
from hyperedu.words import _

MOST_CELLS = 600  # on a side of a heatmap, whose panel has some 300 pixels, or 900 on the sharpest screens


def labels(names) -> list[str]:
    """The names of weight tensors as in the formulas: W₁, b₁, W₂, …"""
    labels, layer = [], 0
    for name in names:
        kind = name.rsplit(".", 1)[-1]
        layer += kind == "weight"
        subscript = str(layer).translate(str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉"))
        labels.append({"weight": f"W{subscript}", "bias": f"b{subscript}"}.get(kind, name))
    return labels


class WeightGrid:
    """Where each weight of θ stands in one picture of all layers, side by side: W₁ b₁ W₂ b₂ …

    Matrices stand upright, one row per unit of the wider side; vectors are drawn three cells wide, or wider beside a large
    matrix.

    Args:
        most: cells on a side; of larger pictures every second row and column is shown, or every third, and so on.

    Attributes:
        index: (height, width) positions in θ; P, one past the end, where there is a gap.
        labels, centers: the layers' names and the columns at which they stand.
    """

    def __init__(self, main: MainNetwork, most: int | None = None):
        blocks, self.labels, self.n = [], labels(main.shapes), main.weight_dim
        widest = max(min(matrix_shape(shape)) for shape in main.shapes.values())
        gap, least_width = max(3, widest // 30), max(3, widest // 12)  # so that the labels have room
        for shape, part in zip(main.shapes.values(), torch.arange(main.weight_dim).split(main.sizes), strict=True):
            block = part.reshape(matrix_shape(shape))
            block = block.T if block.shape[0] < block.shape[1] else block
            blocks.append(block.repeat_interleave(-(-least_width // block.shape[1]), dim=1))
        height = max(block.shape[0] for block in blocks)
        width = sum(block.shape[1] for block in blocks) + gap * (len(blocks) - 1)
        self.index, self.centers, left = torch.full((height, width), main.weight_dim), [], 0
        for block in blocks:
            rows, columns = block.shape
            top = (height - rows) // 2
            self.index[top : top + rows, left : left + columns] = block
            self.centers.append(left + (columns - 1) / 2)
            left += columns + gap
        every = -(-max(height, width) // (most or max(height, width)))
        middle = (height - 1) // 2 % every  # the row in the middle stays, since it is all that a single number has
        self.index, self.centers = self.index[middle::every, ::every], [center / every for center in self.centers]

    def __call__(self, theta: Tensor) -> Tensor:
        """θ (P,) → (height, width), NaN in the gaps."""
        if theta.shape != (self.n,):
            raise ValueError(f"θ has shape {tuple(theta.shape)}, and must be ({self.n},): the weights of one network")
        return torch.cat([theta, theta.new_full((1,), torch.nan)])[self.index]


def heatmap(
    axes: Axes, height: int, width: int, cmap: str, norm: Normalize, extent: tuple[float, float, float, float] | None = None
) -> tuple[PcolorImage, Callable[[Any], None]]:
    """An empty picture of cells, and a function that fills it with values (height, width), the first row on top.

    As `imshow` shows them without smoothing, in a third of its time: not each pixel gets a colour, but each cell.

    Args:
        extent: left, right, bottom and top of the picture, as of `imshow`.
    """
    left, right, bottom, top = extent or (-0.5, width - 0.5, height - 0.5, -0.5)
    edges = np.linspace(left, right, width + 1), np.linspace(top, bottom, height + 1)
    image = PcolorImage(axes, *edges, np.full((height, width), np.nan), cmap=cmap, norm=norm)
    image.set_in_layout(False)  # it fills its axes, and says of itself no extent
    axes.add_image(image)
    axes.set(xlim=(left, right), ylim=(bottom, top))
    return image, partial(image.set_data, *edges)


def weight_heatmap(axes: Axes, main: MainNetwork, limit: float, label: str | None = None):
    """An empty heatmap of all weights; returns a function θ (P,) → None that fills it."""
    grid = WeightGrid(main, MOST_CELLS)
    image, fill = heatmap(axes, *grid.index.shape, DIVERGING, Normalize(-limit, limit))
    axes.set(xticks=grid.centers, xticklabels=grid.labels, yticks=[])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    bar = axes.figure.colorbar(image, ax=axes, location="bottom", aspect=40, pad=0.04)
    bar.set_label(label or _("value of a weight"))
    bar.locator = MaxNLocator(4)
    bar.outline.set_visible(False)
    return lambda theta: fill(as_numpy(grid(theta)))


def weight_limit(theta: Tensor) -> float:
    """A colour limit for many θ (…, P): it covers all but two of a hundred weights."""
    some = theta.detach().abs().flatten()[:: max(1, theta.numel() // 100_000)]
    return (some if some.dtype == torch.float64 else some.float()).quantile(0.98).item()


class Plane:
    """θ (…, P) → its coordinates (…, 2) in the two directions in which the given θ (n, P) vary most (PCA)."""

    def __init__(self, theta: Tensor):
        self.mean = theta.mean(0)
        _left, s, directions = torch.linalg.svd(theta - self.mean, full_matrices=False)
        self.directions, self.share = directions[:2], (s[:2].square().sum() / s.square().sum()).item()

    def __call__(self, theta: Tensor) -> Tensor:
        return (theta - self.mean) @ self.directions.T
