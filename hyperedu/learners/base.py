"""What all learners share: θ = through(U(start(τ, D), D))."""

import contextlib
from collections.abc import Callable, Iterator

from torch import Tensor, nn

from hyperedu.adaptation import LearningRate, Rates, Trajectory, adapt, check_rates
from hyperedu.batches import Examples, expect, whole
from hyperedu.main_network import MainNetwork


class Learner(nn.Module):
    """(τ, D) → θ = through(U(start(τ, D), D)) with learned parameters φ = `learner.parameters()`.

    A start, some inner steps (none for most), and a map from what adapts to θ (the identity for most). A learner of one's own
    fills in `start`, and the others where they differ. `forward(descriptor, support)` never receives the query set, so that no
    learner can see what it is tested on.

    Args:
        main: the main network whose weights are given; its loss is what adapts.
        steps: how many inner steps are taken in training; a test may ask for others.
        lr: α of the inner steps, as in `adapt`; an `nn.Parameter` in it is learned.
        first_order: whether training takes the gradients of the inner steps for constants.

    Attributes:
        inner_steps: `steps`.
        learns_from_all: whether training hands the learner all examples of a task, because its method knows no query set.
        outer_lr, anneal, max_norm: how this learner is trained best, as far as was measured (docs/starts.md), unless
            `meta_train` is told otherwise.
    """

    learns_from_all = False
    outer_lr = 1e-3
    anneal = True
    max_norm: float | None = 1.0

    def __init__(self, main: MainNetwork, steps: int = 0, lr: LearningRate = 0.01, first_order: bool = False):
        super().__init__()
        expect("the main network", main, MainNetwork, "MainNetwork.from_module makes one of any module")
        whole("the number of inner steps", steps, 0)
        check_rates(main, lr)
        self.main, self.inner_steps, self.first_order, self.rates = main, steps, first_order, Rates(lr)

    @property
    def lr(self) -> LearningRate:
        """α, to be read: other rates are given whole, `learner.lr = …`."""
        return self.rates()

    @lr.setter
    def lr(self, lr: LearningRate) -> None:
        check_rates(self.main, lr)
        self.rates = Rates(lr)

    def start(self, descriptor: Tensor | None, support: Examples | None) -> Tensor:
        """What the inner steps begin from: (P,) for all tasks, or (n_tasks, P)."""
        raise NotImplementedError(
            f"{type(self).__name__} does not say what its inner steps begin from, where it takes none θ itself: fill in start"
        )

    def through(self, adapted: Tensor) -> Tensor:
        """From what adapts, (…, P) or of another length, to θ (…, P)."""
        return adapted

    def path(
        self, descriptor: Tensor | None, support: Examples | None, inner_steps: int | None = None, keep: bool = True
    ) -> Trajectory:
        """The adaptation of every task, as `adapt` gives it: of θ, or of what `through` maps to θ."""
        steps = self.inner_steps if inner_steps is None else inner_steps
        if steps and (support is None or len(support) == 0):
            raise ValueError(
                f"{type(self).__name__} takes {steps} inner steps and needs a support set with at least one example (shots), "
                "but got none"
            )
        start = self.start(descriptor, support)
        return adapt(self.main, start, support, steps, self.lr, self.first_order, through=self.through, keep=keep)

    def forward(self, descriptor: Tensor | None, support: Examples | None = None) -> Tensor:
        """τ (n_tasks, d_tau) and D (`Examples`) → θ (n_tasks, P); (P,) where neither τ nor D says how many tasks there are."""
        if self.inner_steps == 0:
            return self.written(descriptor, support)
        return self.through(self.path(descriptor, support, keep=False).final)

    def written(self, descriptor: Tensor | None, support: Examples | None = None) -> Tensor:
        """θ before any inner step, (n_tasks, P): through(start(τ, D))."""
        expect("the support set", support, (Examples, type(None)), "it must be Examples(x, y)")
        theta = self.through(self.start(descriptor, support))
        if theta.ndim > 1:
            return theta
        if descriptor is not None:
            return theta.expand(*descriptor.shape[:-1], -1)
        return theta if support is None else theta.expand(*support.lead, -1)

    def outer_loss(self, descriptor: Tensor | None, support: Examples | None, judge: Callable[[Tensor], Tensor]) -> Tensor:
        """What training minimises, (n_tasks,). `judge`, θ (n_tasks, P) → L(θ, D'), is all that is heard of the query set."""
        return judge(self(descriptor, support))

    def train(self, mode: bool = True) -> "Learner":
        """As in every module; the main network follows."""
        self.main.train(mode)
        return super().train(mode)


def expect_learner(learner: object) -> None:
    """A sentence for what is no learner, such as a main network."""
    expect("the learner", learner, Learner, "SharedWeights(main) or another learner gives a main network its weights")


@contextlib.contextmanager
def in_mode(learner: Learner, training: bool) -> Iterator[None]:
    """Everything of a learner in training or evaluation mode, and afterwards as it was found."""
    parts: list[nn.Module | MainNetwork] = [learner.main, *learner.main.modules(), *learner.modules()]
    found = [part.training for part in parts]
    learner.train(training)
    try:
        yield
    finally:
        for part, mode in zip(parts, found, strict=True):
            part.training = mode
