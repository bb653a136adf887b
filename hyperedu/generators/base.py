"""What all generators share: the two ends of f_φ : τ → θ, the trunk, and initialisation of what is written."""

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from hyperedu.batches import expect, refuse, same_dtype, source, whole
from hyperedu.feedforward import activation_and_gain
from hyperedu.main_network import MainNetwork


class Generator(nn.Module):
    """f_φ : τ (…, d_tau) → θ (…, P). The base of every generator: it knows the two ends and checks τ.

    Attributes:
        moments: μ and σ of a direct initialisation, (P,) each, where they are used whenever weights are written; a checkpoint
            of such a generator is refused where they are others.
    """

    moments: tuple[Tensor, Tensor]

    def __init__(self, descriptor_dim: int, main: MainNetwork, rng: torch.Generator | None = None):
        super().__init__()
        source(rng)
        whole("descriptor_dim", descriptor_dim, 1)
        expect("the main network", main, MainNetwork, "MainNetwork.from_module makes one of any module")
        self.descriptor_dim, self.main = descriptor_dim, main

    def check(self, descriptor: Tensor) -> None:
        check_numbers(descriptor, next(self.parameters(), descriptor))
        if descriptor.ndim == 0 or descriptor.shape[-1] != self.descriptor_dim:
            raise ValueError(
                f"τ has shape {tuple(descriptor.shape)}, but this generator was made for a last dimension of "
                f"{self.descriptor_dim} (descriptor_dim)"
            )


def check_numbers(descriptor: Tensor, like: Tensor) -> None:
    """A sentence for a τ that is no tensor or not finite, or of another dtype than the parameters that read it."""
    expect("τ", descriptor, Tensor, "it must be a tensor (…, d_tau), torch.as_tensor(τ) makes one")
    same_dtype("τ", descriptor, like)
    refuse(
        ~descriptor.isfinite(),
        "τ contains NaN or infinite values: fill missing metadata first (descriptors.Metadata does), or lower the learning "
        "rate where τ is what adapts",
    )


def constant_norm(descriptor: Tensor) -> Tensor:
    """τ (…, d) → (…, 2d) of norm √d whatever τ is: each τ_i becomes (cos α, sin α) with α = arctan τ_i.

    Ortiz, Guttag, Dalca 2023 (arXiv 2304.07645), equation 9, with arctan in place of their scaling to a
    bounded interval, since standardised metadata have no bounds.
    """
    angle = torch.atan(descriptor)
    return torch.cat([angle.cos(), angle.sin()], dim=-1)


class Trunk(nn.ModuleList):
    """Fully connected layers with an activation after each, (…, d_in) → (…, width = hidden[-1])."""

    def __init__(self, d_in: int, hidden: Sequence[int], activation: str, rng: torch.Generator | None):
        expect("hidden", hidden, Sequence, f"give the width of each layer of the trunk, ({hidden!r},)")
        for width in hidden:
            whole("each width of the trunk", width, 1)
        sizes = [d_in, *hidden]
        layers = [nn.Linear(a, b) for a, b in pairwise(sizes)]
        super().__init__(layers)
        self.activation, gain = activation_and_gain(activation)
        self.width = sizes[-1]
        with torch.no_grad():
            for layer in layers:
                bound = 1 / math.sqrt(layer.in_features)
                layer.weight.normal_(0, gain * bound, generator=rng)
                layer.bias.uniform_(-bound, bound, generator=rng)

    def forward(self, h: Tensor) -> Tensor:
        for layer in self:
            h = self.activation(layer(h))
        return h


@torch.no_grad()
def hyperfan(head: nn.Linear, h: Tensor, std: Tensor | float, rng: torch.Generator | None) -> None:
    """Draw V of head(h) = V h + c so that its outputs have standard deviation `std` ((out,) or one number) and mean 0.

    Var(V_pj) = σ_p² / E‖h‖², the mean over the rows of h (n, hidden). Chang, Flokas, Lipson 2020 (arXiv 2312.08399).
    """
    norm = h.square().sum(-1).mean().sqrt()
    refuse(
        ~(norm > 0),
        f"h of shape {tuple(h.shape)}, what the trunk makes of the descriptors that it is measured on, is 0 or empty, so "
        "that its scale cannot be told: give other descriptors, or a wider trunk",
    )
    head.weight.normal_(generator=rng).mul_(torch.as_tensor(std).unsqueeze(-1) / norm)
    head.bias.zero_()


def in_units(generator: Generator, u: Tensor, gain: Tensor) -> Tensor:
    """θ = μ + (σ + γ) ⊙ u: what was written with mean 0 and variance 1 gets the moments of a direct initialisation.

    μ and σ are constants of the main network; γ (…, number of tensors), a learned change of scale of each weight tensor,
    begins at 0. Without it, a tensor that a direct initialisation does not spread (biases at zero) could never change.
    """
    main, (mean, std) = generator.main, generator.moments
    sizes = torch.tensor(main.sizes, device=u.device)
    gain = gain.repeat_interleave(sizes, dim=-1, output_size=main.weight_dim)
    return mean.to(u) + (std.to(u) + gain) * u


def matrix_shape(shape: tuple[int, ...]) -> tuple[int, int]:
    """A weight tensor as a matrix: one row for each unit that it leads to. A vector is one column."""
    return (shape[0], math.prod(shape[1:])) if shape else (1, 1)
