"""(τ, D) → θ. A learner is any way to get the weights of a main network for a task."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from hyperedu.adaptation import Path, adapt
from hyperedu.encoders import SetEncoder
from hyperedu.generators import Generator, MLPGenerator
from hyperedu.main_network import MainNetwork, mean_squared_error


class Learner(nn.Module):
    """(τ, D) → θ with learned parameters φ = `learner.parameters()`.

    `forward(descriptor, support)` never receives the query set, so that no learner can see what it is tested on.
    """

    def __init__(self, main: MainNetwork):
        super().__init__()
        self.main = main

    def forward(self, descriptor: Tensor | None, support=None) -> Tensor:
        """τ (n_tasks, d_tau) and D (`Examples`) → θ (n_tasks, P)."""
        raise NotImplementedError

    def objective(self, tasks, loss=mean_squared_error) -> Tensor:
        """What training minimises, (n_tasks,): the query loss, L(g(learner(τ, D), x'), y')."""
        return loss(self.main(self(tasks.descriptor, tasks.support), tasks.query.x), tasks.query.y)

    def check_descriptor(self, descriptor: Tensor | None) -> None:
        if descriptor is None:
            raise ValueError(f"{type(self).__name__} maps a descriptor to weights, but the descriptor given is None")

    def check_support(self, support) -> None:
        if support is None or support.x.shape[-self.main.input_dims - 1] == 0:
            raise ValueError(f"{type(self).__name__} needs a support set with at least one example (shots), but got none")


class SharedWeights(Learner):
    """θ₀ for every task: multi-task pre-training, the baseline that knows nothing of the task."""

    def __init__(self, main: MainNetwork, generator: torch.Generator | None = None):
        super().__init__(main)
        self.theta_0 = nn.Parameter(main.initial_weights(generator=generator))

    def forward(self, descriptor: Tensor | None, support=None) -> Tensor:
        """θ (n_tasks, P), the same row for each task; (P,) where neither τ nor D says how many there are."""
        if descriptor is not None:
            return self.theta_0.expand(*descriptor.shape[:-1], -1)
        return self.theta_0 if support is None else self.theta_0.expand(*support.x.shape[:-2], -1)


class Conditioned(Learner):
    """θ₀ with first bias b₁ + A τ: exactly what concatenating τ to x does, written as a hypernetwork.

    W [x; τ] + b = W_x x + (b + A τ) with A = W_τ: of all weights, τ writes only the first layer's biases.
    """

    def __init__(self, main: MainNetwork, descriptor_dim: int, generator: torch.Generator | None = None):
        super().__init__(main)
        biases = [k for k, name in enumerate(main.shapes) if name.rsplit(".", 1)[-1] == "bias"]
        if not biases:
            raise ValueError(f"the main network has no bias for τ to enter by; its weights are {list(main.shapes)}")
        start, size = sum(main.sizes[: biases[0]]), main.sizes[biases[0]]
        self.first_bias = slice(start, start + size)
        self.theta_0 = nn.Parameter(main.initial_weights(generator=generator))
        # As if the columns for τ stood beside those for x: the same standard deviation.
        std = main.initial_std[0]
        self.A = nn.Parameter(std * torch.randn(size, descriptor_dim, generator=generator))

    def forward(self, descriptor: Tensor | None, support=None) -> Tensor:
        self.check_descriptor(descriptor)
        if descriptor.shape[-1] != self.A.shape[1]:
            raise ValueError(f"τ has {descriptor.shape[-1]} numbers, but this learner was made for {self.A.shape[1]}")
        before, bias, after = self.theta_0.tensor_split([self.first_bias.start, self.first_bias.stop])
        lead = descriptor.shape[:-1]
        return torch.cat([before.expand(*lead, -1), bias + descriptor @ self.A.mT, after.expand(*lead, -1)], dim=-1)


class Hypernetwork(Learner):
    """θ = f_φ(τ): the weights are written from the descriptor. Ha, Dai, Le 2016 (arXiv 1609.09106).

    Args:
        generator: τ → θ.
        encoder: what a descriptor goes through first, trained together with the generator: `Learned` embeddings of one-hot
            names, or a projection of the embedding of a sentence.
    """

    def __init__(self, main: MainNetwork, generator: Generator, encoder: nn.Module | None = None):
        super().__init__(main)
        if generator.main.shapes != main.shapes:
            raise ValueError(
                f"the generator writes {generator.main.weight_dim} weights for another main network; this one has "
                f"{main.weight_dim}: make the generator with main=main"
            )
        self.generator, self.encoder = generator, encoder

    def forward(self, descriptor: Tensor | None, support=None) -> Tensor:
        self.check_descriptor(descriptor)
        return self.generator(descriptor if self.encoder is None else self.encoder(descriptor))


class SupportSetHypernetwork(Learner):
    """θ = f_φ(h(D)): the weights are written from examples instead of a description.

    Args:
        dim: the width of h(D), the encoded support set.
    """

    def __init__(self, main: MainNetwork, dim: int = 64, generator: torch.Generator | None = None):
        super().__init__(main)
        self.encoder = SetEncoder(*_example_dims(main), dim, generator=generator)
        self.generator = MLPGenerator(dim, main, generator=generator)

    def forward(self, descriptor: Tensor | None, support=None) -> Tensor:
        self.check_support(support)
        return self.generator(self.encoder(support.x, support.y))


class HyperMAML(Learner):
    """θ = θ₀ + H_φ(D, g_θ₀(D)): the update is written from the examples and what θ₀ makes of them, not descended to.

    Przewięźlikowski and others 2022 (arXiv 2205.15745), section 3, for regression: the support set is encoded with, beside
    each x and y, the prediction of the shared network.

    Args:
        dim: the width of the encoded support set.
    """

    def __init__(self, main: MainNetwork, dim: int = 64, generator: torch.Generator | None = None):
        super().__init__(main)
        d_in, d_out = _example_dims(main)
        self.theta_0 = nn.Parameter(main.initial_weights(generator=generator))
        self.encoder = SetEncoder(d_in, 2 * d_out, dim, generator=generator)
        self.generator = MLPGenerator(dim, main, generator=generator)
        with torch.no_grad():  # begin near θ₀
            self.generator.head.weight.mul_(0.1)
            self.generator.head.bias.zero_()

    def forward(self, descriptor: Tensor | None, support=None) -> Tensor:
        self.check_support(support)
        seen = torch.cat([support.y, self.main(self.theta_0, support.x)], dim=-1)
        return self.theta_0 + self.generator(self.encoder(support.x, seen))


class Adapting(Learner):
    """U(start, D): the base of all learners that take gradient steps on the support set.

    Attributes:
        steps: how many are taken in training; a test may ask for others.
        lr: α, as in `adapt`.
        first_order: whether training takes the gradients of these steps for constants.
    """

    def __init__(
        self, main: MainNetwork, steps: int = 1, lr: float | Tensor | Mapping[str, float] = 0.01, first_order: bool = False
    ):
        super().__init__(main)
        self.steps, self.lr, self.first_order = steps, lr, first_order

    def start(self, descriptor: Tensor | None) -> Tensor:
        """What adapts: θ₀ (P,), or one row for each task."""
        return self.theta_0

    through: Callable[[Tensor], Tensor] | None = None

    def path(self, descriptor: Tensor | None, support, steps: int | None = None, keep: bool = True) -> Path:
        """The adaptation of every task, as `adapt` gives it."""
        self.check_support(support)
        steps = self.steps if steps is None else steps
        return adapt(
            self.main, self.start(descriptor), support, steps, self.lr, self.first_order, through=self.through, keep=keep
        )

    def weights(self, path: Path) -> Tensor:
        """θ (rows of the path, …, P)."""
        return path.theta if self.through is None else self.through(path.theta)

    def forward(self, descriptor: Tensor | None, support=None) -> Tensor:
        return self.weights(self.path(descriptor, support, keep=False))[-1]


class MAML(Adapting):
    """U(θ₀, D), with θ₀ such that a few steps suffice. Finn, Abbeel, Levine 2017 (arXiv 1703.03400), algorithm 2.

    Second order: the outer gradient goes through the inner ones, and so contains the Hessian of the support loss.
    """

    def __init__(self, main: MainNetwork, steps: int = 1, lr=0.01, generator: torch.Generator | None = None):
        super().__init__(main, steps, lr)
        self.theta_0 = nn.Parameter(main.initial_weights(generator=generator))


class FirstOrderMAML(MAML):
    """MAML whose outer gradient takes the inner ones for constants. Finn, Abbeel, Levine 2017, section 5.2."""

    def __init__(self, main: MainNetwork, steps: int = 1, lr=0.01, generator: torch.Generator | None = None):
        super().__init__(main, steps, lr, generator)
        self.first_order = True


class ANIL(MAML):
    """MAML whose last layer alone adapts. Raghu, Raghu, Bengio, Vinyals 2020 (arXiv 1909.09157), section 4."""

    def __init__(self, main: MainNetwork, steps: int = 1, lr: float = 0.01, generator: torch.Generator | None = None):
        last = list(main.shapes)[-1].rpartition(".")[0]
        head = [name for name in main.shapes if name.rpartition(".")[0] == last]
        super().__init__(main, steps, dict.fromkeys(head, lr), generator)


class Reptile(MAML):
    """U(θ₀, D), with θ₀ moved towards the adapted weights. Nichol, Achiam, Schulman 2018 (arXiv 1803.02999), algorithm 2.

    θ₀ ← θ₀ + ε (mean of θ' − θ₀): the gradient of its objective is θ₀ − θ', so that SGD with learning rate ε is the published
    update, and Adam its variant. It knows no query set: in training it adapts on all of a task's examples.
    """

    def __init__(self, main: MainNetwork, steps: int = 5, lr=0.01, generator: torch.Generator | None = None):
        super().__init__(main, steps, lr, generator)
        self.first_order = True

    def objective(self, tasks, loss=mean_squared_error) -> Tensor:
        """Its value is the query loss after adaptation on the support set alone, its gradient in θ₀ that of ½ ‖θ₀ − θ'‖²."""
        with torch.no_grad():
            value = super().objective(tasks, loss)
            target = self(tasks.descriptor, tasks.support.joined(tasks.query))
        pull = (self.theta_0 - target).square().sum(-1) / 2
        return value + pull - pull.detach()


class TaskConditionedMAML(Adapting):
    """U(f_φ(τ), D): the description says where to start. The idea of Vuorio and others 2019 (arXiv 1910.13616)."""

    def __init__(self, main: MainNetwork, generator: Generator, steps: int = 1, lr=0.01, first_order: bool = False):
        super().__init__(main, steps, lr, first_order)
        self.generator = generator

    def start(self, descriptor: Tensor | None) -> Tensor:
        self.check_descriptor(descriptor)
        return self.generator(descriptor)


class DescriptorAdaptation(Adapting):
    """f_φ(U(τ₀, D)): the weights are written, and what adapts is the descriptor that they are written from.

    The idea of CAVIA (Zintgraf and others 2019, arXiv 1810.03642), which this is exactly where the generator is
    `Conditioned`, and of LEO (Rusu and others 2019, arXiv 1807.05960).

    Args:
        generator: τ → θ: a `Generator`, or `Conditioned`.
        descriptor_dim: of τ₀, which is learned and begins at 0.
    """

    def __init__(
        self, main: MainNetwork, generator: nn.Module, descriptor_dim: int, steps: int = 1, lr=1.0, first_order: bool = False
    ):
        super().__init__(main, steps, lr, first_order)
        self.generator = generator
        self.tau_0 = nn.Parameter(torch.zeros(descriptor_dim))

    def start(self, descriptor: Tensor | None) -> Tensor:
        return self.tau_0

    def through(self, tau: Tensor) -> Tensor:
        return self.generator(tau)


def _example_dims(main: MainNetwork) -> tuple[int, int]:
    """d_in and d_out of a main network between vectors."""
    if main.input_dims != 1:
        raise ValueError("the encoder of a support set takes examples that are vectors; this main network takes images")
    shapes = list(main.shapes.values())
    return shapes[0][1], shapes[-1][0]
