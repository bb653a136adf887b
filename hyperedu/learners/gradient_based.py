"""Learners that begin from one θ₀ for all tasks: joint training, MAML and its relatives."""

from collections.abc import Callable, Sequence
from numbers import Real

import torch
from torch import Tensor, nn

from hyperedu.adaptation import LearningRate, check_rates
from hyperedu.batches import Examples, expect
from hyperedu.learners.base import Learner
from hyperedu.main_network import MainNetwork


class SharedWeights(Learner):
    """θ₀ for every task: joint training of all tasks, also called pre-training. The baseline that knows nothing of the task."""

    outer_lr = 3e-3
    anneal = False
    max_norm = 10.0

    def __init__(
        self,
        main: MainNetwork,
        steps: int = 0,
        lr: LearningRate = 0.01,
        first_order: bool = False,
        rng: torch.Generator | None = None,
    ):
        super().__init__(main, steps, lr, first_order)
        self.theta_0 = nn.Parameter(main.start_weights(rng))

    def start(self, descriptor: Tensor | None, support: Examples | None) -> Tensor:
        return self.theta_0


class MAML(SharedWeights):
    """U(θ₀, D), with θ₀ such that a few steps suffice. Finn, Abbeel, Levine 2017 (arXiv 1703.03400), algorithm 2.

    Second order: the outer gradient goes through the inner ones, and so contains the Hessian of the support loss.
    """

    def __init__(
        self,
        main: MainNetwork,
        steps: int = 1,
        lr: LearningRate = 0.01,
        first_order: bool = False,
        rng: torch.Generator | None = None,
    ):
        super().__init__(main, steps, lr, first_order, rng)


class FirstOrderMAML(MAML):
    """MAML whose outer gradient takes the inner ones for constants. Finn, Abbeel, Levine 2017, section 5.2."""

    def __init__(self, main: MainNetwork, steps: int = 1, lr: LearningRate = 0.01, rng: torch.Generator | None = None):
        super().__init__(main, steps, lr, True, rng)


class ANIL(MAML):
    """MAML whose last layer alone adapts. Raghu, Raghu, Bengio, Vinyals 2020 (arXiv 1909.09157), section 4.

    Args:
        head: the names of the weights that adapt; `main.head` if None.
    """

    def __init__(
        self,
        main: MainNetwork,
        steps: int = 1,
        lr: float | Tensor = 0.01,
        head: Sequence[str] | None = None,
        rng: torch.Generator | None = None,
    ):
        if head is not None and not head:
            raise ValueError(f"head is empty, so that no weight would adapt: name at least one of {list(main.shapes)}")
        super().__init__(main, steps, dict.fromkeys(main.head if head is None else head, lr), rng=rng)


class MetaSGD(MAML):
    """MAML with a learned rate for each weight: θ' = θ₀ − α ⊙ ∇L. Li, Zhou, Chen, Li 2017 (arXiv 1707.09835), equation 2.

    Args:
        lr: where all rates begin.
    """

    def __init__(self, main: MainNetwork, steps: int = 1, lr: float = 0.01, rng: torch.Generator | None = None):
        expect("the learning rate that all weights begin with", lr, Real, "give one number, such as 0.01")
        check_rates(main, lr)
        super().__init__(main, steps, nn.Parameter(torch.full((main.weight_dim,), float(lr))), rng=rng)


class Reptile(MAML):
    """U(θ₀, D), with θ₀ moved towards the adapted weights. Nichol, Achiam, Schulman 2018 (arXiv 1803.02999), algorithm 2.

    θ₀ ← θ₀ + ε (mean of θ' − θ₀): the gradient of its outer loss is θ₀ − θ', so that SGD with learning rate ε is the published
    update, and Adam its variant. It knows no query set: in training it adapts on all of a task's examples (`learns_from_all`).
    """

    learns_from_all = True

    def __init__(self, main: MainNetwork, steps: int = 5, lr: LearningRate = 0.01, rng: torch.Generator | None = None):
        super().__init__(main, steps, lr, True, rng)

    def outer_loss(self, descriptor: Tensor | None, support: Examples | None, judge: Callable[[Tensor], Tensor]) -> Tensor:
        """Its value is the loss after adaptation on all examples, its gradient in θ₀ that of ½ ‖θ₀ − θ'‖²."""
        if next(self.rates.parameters(), None) is not None:
            raise ValueError("Reptile cannot learn α, since its update has no gradient in it: give a number or a tensor for lr")
        with torch.no_grad():
            target = self(descriptor, support)
            value = judge(target)
        pull = (self.theta_0 - target).square().sum(-1) / 2
        return value + pull - pull.detach()
