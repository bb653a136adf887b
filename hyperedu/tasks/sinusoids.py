"""Sinusoid regression, the first test of few-shot learning: Finn, Abbeel, Levine 2017 (arXiv 1703.03400), section 5.1."""

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from hyperedu.batches import Examples, TaskBatch, TaskSet, floats
from hyperedu.descriptors import Metadata
from hyperedu.words import _


class Sinusoids:
    """y = A sin(x − p) with A ~ U[0.1, 5], p ~ U[0, π], x ~ U[−5, 5].

    τ is (A, p), standardised with the mean and standard deviation of those distributions (`describe`). The
    amplitudes of `.train` and `.test` are disjoint: [0.1, 5] is cut into 2,000 strips, one for training, the
    next for testing, and so on, so that each set covers the whole range and no task is in both.

    Args:
        amplitude: the range of A.
        phase: the range of p, in radians.
        x: the range of x.
    """

    def __init__(self, amplitude=(0.1, 5.0), phase=(0.0, math.pi), x=(-5.0, 5.0)):
        for name, (low, high) in {"amplitude": amplitude, "phase": phase, "x": x}.items():
            if not low < high:
                raise ValueError(f"the range of {name} is ({low}, {high}): the first must be below the second")
        self.amplitude, self.phase, self.x = amplitude, phase, x
        low, high = torch.tensor([amplitude, phase]).unbind(1)
        dtype = torch.get_default_dtype()
        if not (amplitude[1] - amplitude[0]) / 20_000 > max(map(abs, amplitude)) * torch.finfo(dtype).eps:
            raise ValueError(f"amplitudes from {amplitude[0]} to {amplitude[1]} are too close to be cut in {dtype}: take more")
        self.descriptors = Metadata(
            ["amplitude", "phase"], ["", "rad"], mean=(low + high) / 2, std=(high - low) / math.sqrt(12)
        )
        self.train, self.test = _SinusoidSet(self, 0), _SinusoidSet(self, 1)

    def describe(self, amplitude, phase) -> Tensor:
        """τ (…, 2) of the sinusoid with this amplitude and phase (numbers or tensors)."""
        return self.descriptors(torch.stack(torch.broadcast_tensors(floats(amplitude), floats(phase)), -1))

    @staticmethod
    def function(amplitude, phase, x: Tensor) -> Tensor:
        """y = A sin(x − p)."""
        return amplitude * torch.sin(x - phase)

    axis_labels = ("x", "y")

    def axis(self) -> tuple[Tensor, Tensor]:
        """Positions along x (n,) at which functions are drawn, and the inputs x (n, 1) there."""
        x = torch.linspace(self.x[0], self.x[1], 200)
        return x, x.unsqueeze(-1)

    def truth(self, axis: Tensor, amplitude: float, phase: float) -> Tensor:
        """y (n,) of one sinusoid."""
        return self.function(amplitude, phase, axis)

    def sentence(self, properties: Mapping[str, float], y: Tensor, truth: Tensor, nearest: TaskBatch | None) -> str:
        """The state of a picture in words: `y` (n,) is what a generated network draws of the sinusoid `truth` (n,)."""
        return _(
            "The descriptor says amplitude {amplitude:.2f} and phase {phase:.2f} rad; the network that was written from it "
            "misses that sine with a mean squared error of {error:.4f}.",
            error=(y - truth).square().mean(),
            **properties,
        )

    def curve(self, tasks: TaskBatch) -> tuple[Tensor, Tensor, Tensor]:
        """What to draw of tasks: positions along an axis (n,), the x there (n, 1), and y (n_tasks, n, 1)."""
        axis, x = self.axis()
        amplitude, phase = (tasks.properties[name][:, None, None] for name in ("amplitude", "phase"))
        return axis, x, self.function(amplitude, phase, x)


class _SinusoidSet(TaskSet):
    strips = 2000

    def __init__(self, family: Sinusoids, side: int):
        self.family, self.side = family, side

    def sample(self, n_tasks=None, shots=10, queries=10, rng=None) -> TaskBatch:
        self.check(n_tasks, shots, queries, rng)
        family = self.family
        strip = 2 * torch.randint(self.strips // 2, (n_tasks,), generator=rng) + self.side
        # A tenth of a strip is left empty at either end, so that rounding cannot carry a task across.
        within = 0.1 + 0.8 * torch.rand(n_tasks, generator=rng)
        amplitude = _between(family.amplitude, (strip + within) / self.strips)
        phase = _between(family.phase, torch.rand(n_tasks, generator=rng))
        x = _between(family.x, torch.rand(n_tasks, shots + queries, 1, generator=rng))
        y = family.function(amplitude[:, None, None], phase[:, None, None], x)
        properties = {"amplitude": amplitude, "phase": phase}
        return TaskBatch(family.describe(amplitude, phase), *Examples(x, y).split(shots), properties)


def _between(bounds: tuple[float, float], u: Tensor) -> Tensor:
    """u in [0, 1] → [low, high]."""
    return bounds[0] + (bounds[1] - bounds[0]) * u
