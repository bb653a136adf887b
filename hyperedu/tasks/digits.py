"""Handwritten digits, all turned by one angle: a task that is described by two numbers."""

import math

import numpy as np
import torch
from torch import Tensor

from hyperedu.batches import TaskBatch, TaskSet, floats
from hyperedu.tasks.characters import by_class

__all__ = ["Digits"]

SIDE = 8
# Test angles lie in these arcs, in degrees; training angles between them.
TEST_ARCS = ((30.0, 60.0), (150.0, 180.0), (270.0, 300.0))
TEST_SHARE = 3  # every third drawing of a digit is for tests


class Digits:
    """The ten digits, turned by an angle: which digit is it? τ = (cos, sin) of the angle, x an image (64,), y its class.

    The drawings are those of scikit-learn's `load_digits`: 1,797 digits of 8 × 8 pixels by 43 hands (Alpaydin, Kaynak 1998).
    τ is not the angle itself, since 359° and 1° are the same task but for 2°. `.train` and `.test` have neither an angle nor a
    drawing in common: test angles lie in three arcs of 30°.

    Attributes:
        train, test: endlessly many tasks each; `shots` and `queries` are of each digit.
    """

    def __init__(self):
        images, label = _load()
        of_test = torch.zeros(len(label), dtype=torch.bool)
        for digit in range(10):
            of_test[(label == digit).nonzero().flatten()[::TEST_SHARE]] = True
        after = zip(TEST_ARCS, TEST_ARCS[1:] + TEST_ARCS[:1], strict=True)
        between = [(end, start if start > end else start + 360) for (_, end), (start, _) in after]
        self.train = _TurnedDigits(images[~of_test], label[~of_test], between)
        self.test = _TurnedDigits(images[of_test], label[of_test], list(TEST_ARCS))

    @staticmethod
    def describe(angle) -> Tensor:
        """τ (…, 2) of an angle in degrees, counter-clockwise."""
        radians = floats(angle) * (math.pi / 180)
        return torch.stack([radians.cos(), radians.sin()], dim=-1)


class _TurnedDigits(TaskSet):
    n_tasks = None

    def __init__(self, images: Tensor, label: Tensor, arcs: list[tuple[float, float]]):
        self.images, self.arcs = images, arcs
        self.members = [(label == digit).nonzero().flatten() for digit in range(10)]
        self.fewest = min(map(len, self.members))

    def most_queries(self, shots: int) -> int:
        return min(20, self.fewest - shots)

    def sample(self, n_tasks=None, shots=1, queries=5, rng=None, *, angle=None) -> TaskBatch:
        """`n_tasks` tasks, with `shots` and `queries` drawings of each digit; `angle` in degrees, or of chance if None."""
        self.check(n_tasks, shots, queries, rng)
        if shots + queries > self.fewest:
            raise ValueError(
                f"{shots} shots and {queries} queries asked for, but there are {self.fewest} drawings of some digit: "
                "ask for fewer"
            )
        given = None if angle is None else floats(angle)
        if given is not None and given.shape not in ((), (1,), (n_tasks,)):
            raise ValueError(f"angles of shape {tuple(given.shape)} for {n_tasks} tasks: give one for all, or one for each")
        if given is not None and not torch.isfinite(given).all():
            raise ValueError(f"an angle is a number of degrees, got {angle}")
        angles = self._angles(n_tasks, rng) if given is None else given.expand(n_tasks)
        each = [torch.rand(n_tasks, len(m), generator=rng).argsort(1)[:, : shots + queries] for m in self.members]
        which = torch.stack([m[order] for m, order in zip(self.members, each, strict=True)], 1)  # (n, 10, shots + queries)
        x = turned(floats(self.images[which]).flatten(1, 2), angles.unsqueeze(-1)).unflatten(1, which.shape[1:]).flatten(-2)
        D, D_query = by_class(x, shots)
        return TaskBatch(Digits.describe(angles), D, D_query, {"angle": angles})

    def _angles(self, n: int, rng: torch.Generator | None) -> Tensor:
        """Uniform over the arcs, in degrees from 0 to 360."""
        low, high = floats(self.arcs).unbind(-1)
        ends = (high - low).cumsum(0)
        at = torch.rand(n, generator=rng) * ends[-1]
        arc = torch.searchsorted(ends, at, right=True).clamp(max=len(ends) - 1)
        return (high[arc] - (ends[arc] - at)) % 360


def turned(images: Tensor, angle: Tensor) -> Tensor:
    """Images (…, h, w) turned counter-clockwise about their middle by degrees (…,), which broadcast; bilinear."""
    radians = angle.to(images) * (math.pi / 180)
    height, width = images.shape[-2:]
    y, x = torch.meshgrid(torch.arange(height) - (height - 1) / 2, torch.arange(width) - (width - 1) / 2, indexing="ij")
    cos, sin = (v[..., None, None] for v in (radians.cos(), radians.sin()))
    # Where the ink of each pixel comes from: the point turned back. Rows go downwards.
    from_x, from_y = cos * x - sin * y + (width - 1) / 2, sin * x + cos * y + (height - 1) / 2
    left, above = (from_x + 1e-6).floor(), (from_y + 1e-6).floor()  # a quarter turn ends on pixels, but for rounding
    result = torch.zeros_like(images)
    for right, down in ((0, 0), (0, 1), (1, 0), (1, 1)):
        column, row = left + right, above + down
        share = (1 - (from_x - column).abs()).clamp(0, 1) * (1 - (from_y - row).abs()).clamp(0, 1)
        inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
        place = (row.clamp(0, height - 1) * width + column.clamp(0, width - 1)).long()
        ink = images.flatten(-2).gather(-1, place.flatten(-2).expand(*images.shape[:-2], -1)).view_as(images)
        result = result + torch.where(inside, share * ink, 0)
    return result


def _load() -> tuple[Tensor, Tensor]:
    """(1797, 8, 8) ink from 0 to 1, and the digits (1797,)."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    return floats(digits.images / 16), torch.from_numpy(np.asarray(digits.target, np.int64))
