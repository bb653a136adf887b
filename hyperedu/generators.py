"""f_φ : τ → θ. Generators write the weights of a main network from a task descriptor."""

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from hyperedu.main_network import MainNetwork, activation_and_gain


class Generator(nn.Module):
    """f_φ : τ (…, d_tau) → θ (…, P). The base of every generator: it knows the two ends and checks τ."""

    def __init__(self, descriptor_dim: int, main: MainNetwork):
        super().__init__()
        if descriptor_dim < 1:
            raise ValueError(f"descriptor_dim must be at least 1, got {descriptor_dim}")
        self.descriptor_dim, self.main = descriptor_dim, main

    def check(self, descriptor: Tensor) -> None:
        if descriptor.ndim == 0 or descriptor.shape[-1] != self.descriptor_dim:
            raise ValueError(
                f"τ has shape {tuple(descriptor.shape)}, but this generator was made for a last dimension of "
                f"{self.descriptor_dim} (descriptor_dim)"
            )
        if not torch.isfinite(descriptor).all():
            raise ValueError("τ contains NaN or infinite values: fill missing metadata first (descriptors.Metadata does)")


def constant_norm(descriptor: Tensor) -> Tensor:
    """τ (…, d) → (…, 2d) of norm √d whatever τ is: each τ_i becomes (cos α, sin α) with α = arctan τ_i.

    Ortiz, Guttag, Dalca 2023 (arXiv 2304.07645), equation 9, with arctan in place of their scaling to a
    bounded interval, since standardised metadata have no bounds.
    """
    angle = torch.atan(descriptor)
    return torch.cat([angle.cos(), angle.sin()], dim=-1)


class MLPGenerator(Generator):
    """The fully connected generator, the reference for every other: h = trunk(τ), θ = V h + c.

    Initialisation "hyperfan" (Chang, Flokas, Lipson 2020, arXiv 2312.08399): the rows of V are drawn with
    variance σ_p² / E‖h‖², so that each generated weight θ_p has the variance σ_p² that a directly
    initialised main network gives it, whatever the trunk. "default" leaves V as `nn.Linear` makes it.

    Args:
        descriptor_dim: d_tau.
        main: the main network whose weights are written.
        hidden: the widths of the trunk's layers.
        activation: of the trunk.
        init: "hyperfan" or "default".
        magnitude_invariant: θ = θ₀ + Δθ with Δθ written from the constant-norm encoding of τ
            (Ortiz, Guttag, Dalca 2023, arXiv 2304.07645, equations 9 and 10). θ₀ is learned; at the start it and Δθ
            carry half of the variance each.
        descriptors: (n, d_tau) examples of τ on which E‖h‖² is measured; standard normal if None, which
            suits standardised metadata.
        generator: source of randomness.
    """

    def __init__(
        self,
        descriptor_dim: int,
        main: MainNetwork,
        hidden: Sequence[int] = (64, 64),
        activation: str = "gelu",
        init: str = "hyperfan",
        magnitude_invariant: bool = False,
        descriptors: Tensor | None = None,
        generator: torch.Generator | None = None,
    ):
        super().__init__(descriptor_dim, main)
        if init not in ("hyperfan", "default"):
            raise ValueError(f"init must be 'hyperfan' or 'default', got {init!r}")
        self.activation, gain = activation_and_gain(activation)
        self.magnitude_invariant = magnitude_invariant
        sizes = [2 * descriptor_dim if magnitude_invariant else descriptor_dim, *hidden]
        self.trunk = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(sizes))
        self.head = nn.Linear(sizes[-1], main.weight_dim)
        if magnitude_invariant:
            self.theta_0 = nn.Parameter(main.initial_weights(generator=generator))
        with torch.no_grad():
            for layer in self.trunk:
                bound = 1 / math.sqrt(layer.in_features)
                layer.weight.normal_(0, gain * bound, generator=generator)
                layer.bias.uniform_(-bound, bound, generator=generator)
            if init == "hyperfan":
                self._initialize_head(descriptors, generator)
            else:
                bound = 1 / math.sqrt(sizes[-1])
                self.head.weight.uniform_(-bound, bound, generator=generator)
                self.head.bias.uniform_(-bound, bound, generator=generator)

    def _initialize_head(self, descriptors: Tensor | None, generator: torch.Generator | None) -> None:
        if descriptors is None:
            descriptors = torch.randn(4096, self.descriptor_dim, generator=generator)
        self.check(descriptors)
        h_norm = self.hidden(descriptors).square().sum(-1).mean().sqrt()
        share = math.sqrt(0.5) if self.magnitude_invariant else 1.0
        self.head.weight.normal_(generator=generator)
        self.head.weight.mul_(share * self.main.initial_std.unsqueeze(-1) / h_norm)
        self.head.bias.copy_(self.main.initial_mean)
        if self.magnitude_invariant:  # θ₀ carries the mean and the other half of the variance
            self.head.bias.zero_()
            self.theta_0.sub_(self.main.initial_mean).mul_(share).add_(self.main.initial_mean)

    def hidden(self, descriptor: Tensor) -> Tensor:
        """h: what the trunk makes of τ, (…, d_tau) → (…, hidden[-1])."""
        h = constant_norm(descriptor) if self.magnitude_invariant else descriptor
        for layer in self.trunk:
            h = self.activation(layer(h))
        return h

    def forward(self, descriptor: Tensor) -> Tensor:
        """τ (…, d_tau) → θ (…, P)."""
        self.check(descriptor)
        theta = self.head(self.hidden(descriptor))
        return self.theta_0 + theta if self.magnitude_invariant else theta
