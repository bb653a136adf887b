"""(τ, D) → θ. A learner is any way to get the weights of a main network for a task."""

import torch
from torch import Tensor, nn

from hyperedu.generators import Generator
from hyperedu.main_network import MainNetwork


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

    def check_descriptor(self, descriptor: Tensor | None) -> None:
        if descriptor is None:
            raise ValueError(f"{type(self).__name__} maps a descriptor to weights, but the descriptor given is None")


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
    """θ = f_φ(τ): the weights are written from the descriptor. Ha, Dai, Le 2016 (arXiv 1609.09106)."""

    def __init__(self, main: MainNetwork, generator: Generator):
        super().__init__(main)
        if generator.main.shapes != main.shapes:
            raise ValueError(
                f"the generator writes {generator.main.weight_dim} weights for another main network; this one has "
                f"{main.weight_dim}: make the generator with main=main"
            )
        self.generator = generator

    def forward(self, descriptor: Tensor | None, support=None) -> Tensor:
        self.check_descriptor(descriptor)
        return self.generator(descriptor)
