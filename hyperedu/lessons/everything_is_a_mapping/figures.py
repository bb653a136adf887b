"""The signature picture of this lesson, and what is said below the figure that the notebook draws itself."""

import torch
from torch import Tensor

from hyperedu.figures.style import written
from hyperedu.figures.triptych import Triptych
from hyperedu.figures.weights import labels
from hyperedu.words import _


class LayersTriptych(Triptych):
    """The signature picture, which also says by how much each layer has changed.

    It compares with the weights that the same generator writes for the middle of all tasks, τ = 0.
    """

    def __init__(self, family, learner):
        super().__init__(family, learner)
        self.truth.set_zorder(5)  # over the curve, which would hide it
        self.middle = torch.zeros(len(self.names))

    def move(self, position: tuple[float, float], theta: Tensor, y: Tensor) -> None:
        super().move(position, theta, y)
        self.theta = theta

    def changes(self) -> dict[str, float]:
        """How much each weight tensor differs from that for τ = 0, relative to its norm: label → ratio."""
        main, middle = self.learner.main, written(self.learner, self.middle)
        pairs = zip(main.unflatten(self.theta).values(), main.unflatten(middle).values(), strict=True)
        ratios = [((now - then).norm() / then.norm()).item() for now, then in pairs]
        return dict(zip(labels(main.shapes), ratios, strict=True))

    def update(self, **properties: float) -> str:
        said = super().update(**properties)
        changes = ", ".join(f"{name} {ratio:.0%}" for name, ratio in self.changes().items())
        return _("{said} Against the wave in the middle, layers have changed by: {changes}.", said=said, changes=changes)


def error_in_words(error: float, flat: float) -> str:
    """The error of a curve beside that of the flat line y = 0."""
    return _("The mean squared error is {error:.2f}; the flat line y = 0 has {flat:.2f}.", error=error, flat=flat)
