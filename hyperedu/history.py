"""What happened in a training."""

from dataclasses import dataclass, field

__all__ = ["History"]


@dataclass(repr=False)
class History:
    """What happened in a training.

    Attributes:
        loss: the mean query loss of each step, without penalties; for a learner that learns from all examples the loss on them.
        accuracy: the mean query accuracy of each step where y is a class, otherwise empty.
        seconds: the time it took, over all its parts if it was resumed.
        interrupted: whether the stop button ended it.
    """

    loss: list[float] = field(default_factory=list)
    accuracy: list[float] = field(default_factory=list)
    seconds: float = 0.0
    interrupted: bool = False

    @property
    def steps(self) -> int:
        """How many steps of the outer loop were taken."""
        return len(self.loss)

    def recent(self, n: int = 50) -> dict[str, float]:
        """Name → mean over the last n steps, of what there is."""
        kept = {"loss": self.loss[-n:], "accuracy": self.accuracy[-n:]}
        return {name: sum(values) / len(values) for name, values in kept.items() if values}

    def __repr__(self) -> str:
        ended = ", interrupted" if self.interrupted else ""
        said = f"{counted(self.steps, 'step')} in {self.seconds:.1f} s{ended}"
        means = ", ".join(f"{name} {value:.4g}" for name, value in self.recent().items())
        return f"{said}; means of the last {min(50, self.steps)}: {means}" if means else said


def counted(n: int, what: str) -> str:
    """How many there are of what, in words: "1 step", "2,000 steps"."""
    return f"{n:,} {what}{'' if n == 1 else 's'}"
