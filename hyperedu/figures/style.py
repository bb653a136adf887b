"""What all pictures share: colours, style, heatmaps of weights, and the signature picture."""

import base64
import contextlib
import html
import io
import math
from collections.abc import Iterator

import matplotlib
import numpy as np
import torch
from IPython import get_ipython
from IPython.display import display
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from PIL import Image
from torch import Tensor

from hyperedu.batches import Examples
from hyperedu.learners import Learner
from hyperedu.main_network import MainNetwork

# Okabe, Ito 2008: categories that differ for every kind of colour vision.
BLACK, ORANGE, SKY, GREEN, YELLOW, BLUE, VERMILION, PURPLE = (
    "#000000", "#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7"
)  # fmt: skip
GREY = "#767676"
MAGNITUDE, DIVERGING = "viridis", "RdBu_r"

# Large enough to be read at half width; white, so that it reads in a dark theme too. All else is as matplotlib has it, whatever
# the reader has set, but for what belongs to the reader's screen and session.
_THE_READERS = {"backend", "backend_fallback", "date.epoch", "figure.max_open_warning", "interactive", "timezone", "toolbar"}
STYLE = {name: value for name, value in matplotlib.rcParamsDefault.items() if name not in _THE_READERS} | {
    "font.size": 12, "axes.titlesize": 13, "axes.titleweight": "bold", "axes.titlelocation": "left",
    "axes.labelsize": 12, "xtick.labelsize": 11, "ytick.labelsize": 11, "legend.fontsize": 11,
    "axes.spines.top": False, "axes.spines.right": False, "figure.facecolor": "white", "legend.frameon": False,
}  # fmt: skip


@contextlib.contextmanager
def in_style() -> Iterator[None]:
    """The course's own style, whatever the reader's settings are; these are as they were afterwards."""
    before = {name: dict.__getitem__(matplotlib.rcParams, name) for name in STYLE}
    dict.update(matplotlib.rcParams, STYLE)  # valid as they are: checking each again takes longer than drawing a frame
    try:
        yield
    finally:
        dict.update(matplotlib.rcParams, before)


_styled_cell = contextlib.ExitStack()  # entered while a cell draws into a figure of the course
_in_a_styled_cell = False


def _in_style_until_the_cell_ends() -> None:
    """What a cell draws into a figure of the course after it has made it is in its style too."""
    global _in_a_styled_cell
    shell = get_ipython()
    if shell is None or _in_a_styled_cell:
        return

    def end(*_) -> None:
        global _in_a_styled_cell
        _in_a_styled_cell = False
        shell.events.unregister("post_run_cell", end)
        _styled_cell.close()

    _in_a_styled_cell = True
    _styled_cell.enter_context(in_style())
    shell.events.register("post_run_cell", end)


def as_numpy(value: Tensor) -> np.ndarray:
    """What matplotlib draws: a tensor's values, whatever device it is on and whether or not it takes a gradient."""
    return value.detach().cpu().numpy()


@torch.no_grad()
def written(learner: Learner, descriptor: Tensor, support: Examples | None = None) -> Tensor:
    """θ of τ and D: computed where the learner is, given back beside τ, where a family's inputs are."""
    own = next(learner.parameters())
    return learner(descriptor.to(own), None if support is None else support.to(own)).to(descriptor)


def subplots(n_columns: int = 1, width: float = 11.0, height: float = 3.9, **kwargs) -> tuple[Figure, list[Axes]]:
    """A figure in the course's style with `n_columns` panels beside each other; size in inches of 100 pixels."""
    _in_style_until_the_cell_ends()
    with in_style():
        figure = Figure((width, height), dpi=100, layout="constrained")
        axes = figure.subplots(1, n_columns, squeeze=False, **kwargs)[0]
    figure.in_style = in_style  # for `live`, which draws it later
    return figure, list(axes)


def nothing_over(x_axis: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """What a curve begins with that is still to come: positions (n,), and at none of them a value."""
    return as_numpy(x_axis), np.full(len(x_axis), np.nan)


def title(axes: Axes, text: str) -> None:
    """A panel's title, bold and flush left."""
    axes.set_title(text, loc="left", fontsize=13, fontweight="bold")


def show(figure: Figure, alt: str) -> None:
    """Display a figure with `alt`, a sentence that says what is to be seen in it."""
    file, canvas = io.BytesIO(), FigureCanvasAgg(figure)
    with in_style():
        canvas.draw()
    # A palette of 256 colours: a third of the size, and a picture stands in the notebook twice.
    Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB").quantize(256).save(file, "PNG", optimize=True)
    picture = base64.b64encode(file.getvalue()).decode()
    # JupyterLab gives a bare picture no alt text: it takes the page, other places the picture.
    page = f'<img alt="{html.escape(alt)}" style="background: white" src="data:image/png;base64,{picture}">'
    display({"text/html": page, "image/png": picture}, metadata={"image/png": {"alt": alt}}, raw=True)


def learning_curves(histories: dict[str, list[float]], window: int = 50) -> Figure:
    """The loss of each training against its steps, on a logarithmic axis, as running means over `window` steps."""
    figure, (axes,) = subplots(width=7, height=3.2)
    for color, (name, loss) in zip((VERMILION, BLUE, GREEN, PURPLE, ORANGE), histories.items(), strict=False):
        mean = as_numpy(torch.tensor(loss).unfold(0, min(window, len(loss)), 1).mean(-1))
        axes.plot(range(len(loss) - len(mean), len(loss)), mean, color=color, label=name)
    axes.set(xlabel="step", ylabel="query loss", yscale="log")
    axes.legend(frameon=False)
    return figure


def weight_spread(spreads: dict[str, dict[str, Tensor]]) -> Figure:
    """Bars that compare how large the weights of each layer are: kind → {name of the layer: its weights}."""
    figure, (axes,) = subplots(width=9, height=3.2)
    width = 0.8 / len(spreads)
    for k, (color, (kind, weights)) in enumerate(zip((GREY, BLUE, ORANGE), spreads.items(), strict=False)):
        heights = [w.square().mean().sqrt().item() for w in weights.values()]
        axes.bar([layer + k * width for layer in range(len(heights))], heights, width=width, color=color, label=kind)
    names = labels(spreads[kind])
    axes.set(xticks=[layer + 0.4 - width / 2 for layer in range(len(names))], xticklabels=names, ylabel="spread of the weights")
    axes.legend(frameon=False)
    return figure


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

    Attributes:
        index: (height, width) positions in θ; P, one past the end, where there is a gap.
        labels, centers: the layers' names and the columns at which they stand.
    """

    def __init__(self, main: MainNetwork):
        blocks, self.labels = [], labels(main.shapes)
        widest = max(min(shape[0], math.prod(shape[1:])) for shape in main.shapes.values() if shape)
        gap, least_width = max(3, widest // 30), max(3, widest // 12)  # so that the labels have room
        for shape, part in zip(main.shapes.values(), torch.arange(main.weight_dim).split(main.sizes), strict=True):
            block = part.reshape(shape[0] if shape else 1, -1)
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

    def __call__(self, theta: Tensor) -> Tensor:
        """θ (P,) → (height, width), NaN in the gaps."""
        return torch.cat([theta, theta.new_full((1,), torch.nan)])[self.index]


def weight_heatmap(axes: Axes, main: MainNetwork, limit: float, label: str = "value of a weight"):
    """An empty heatmap of all weights; returns a function θ (P,) → None that fills it."""
    grid = WeightGrid(main)
    image = axes.imshow(
        as_numpy(torch.full(grid.index.shape, torch.nan)), cmap=DIVERGING, norm=Normalize(-limit, limit), aspect="auto",
        interpolation="nearest",
    )  # fmt: skip
    axes.set(xticks=grid.centers, xticklabels=grid.labels, yticks=[])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    bar = axes.figure.colorbar(image, ax=axes, location="bottom", aspect=40, pad=0.04)
    bar.set_label(label)
    bar.locator = MaxNLocator(4)
    bar.outline.set_visible(False)
    return lambda theta: image.set_data(as_numpy(grid(theta)))


class Triptych:
    """The signature picture: τ, a point in descriptor space → θ, the generated weights → y = g_θ(x).

    Attributes:
        figure: for `live.interact`.
        where, weights, what: its three panels. Draw what stands still into `where` and `what`.
        drag: for `live.interact`: the sliders that are the axes of `where`, so that the star can be taken by hand.
    """

    @in_style()
    def __init__(self, main: MainNetwork, x_axis: Tensor, weight_limit: float):
        self.figure, (self.where, self.weights, self.what) = subplots(3, width_ratios=(1.05, 1, 1.15))
        title(self.where, "τ   where we are")
        title(self.weights, f"θ = f(τ)   {main.weight_dim:,} weights")
        title(self.what, "y = g(θ, x)   what it does")
        self.drag: dict[Axes, tuple[str, str]] = {}
        self.fill_weights = weight_heatmap(self.weights, main, weight_limit)
        self.x_axis = x_axis
        self.what.set_xlim(x_axis[0].item(), x_axis[-1].item())
        (self.star,) = self.where.plot(
            [], [], "*", color=VERMILION, markersize=20, mec="black", zorder=5, ls="none", label="τ now"
        )
        (self.curve,) = self.what.plot(*nothing_over(x_axis), color=VERMILION, lw=3, zorder=4)

    def move(self, position: tuple[float, float], theta: Tensor, y: Tensor) -> None:
        """Show τ at `position` in the first panel, θ (P,) in the second, y (n,) over `x_axis` in the third."""
        self.star.set_data([position[0]], [position[1]])
        self.fill_weights(theta)
        self.curve.set_ydata(as_numpy(y))


def weight_limit(theta: Tensor) -> float:
    """A colour limit for many θ (…, P): it covers all but two of a hundred weights."""
    return theta.detach().abs().flatten()[:: max(1, theta.numel() // 100_000)].quantile(0.98).item()


class Plane:
    """θ (…, P) → its coordinates (…, 2) in the two directions in which the given θ (n, P) vary most (PCA)."""

    def __init__(self, theta: Tensor):
        self.mean = theta.mean(0)
        _, s, directions = torch.linalg.svd(theta - self.mean, full_matrices=False)
        self.directions, self.share = directions[:2], (s[:2].square().sum() / s.square().sum()).item()

    def __call__(self, theta: Tensor) -> Tensor:
        return (theta - self.mean) @ self.directions.T
