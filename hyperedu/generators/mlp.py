"""The fully connected generator, the reference for every other."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from hyperedu.generators.base import Generator, Trunk, constant_norm, hyperfan
from hyperedu.main_network import MainNetwork


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
        rng: source of randomness.
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
        rng: torch.Generator | None = None,
    ):
        super().__init__(descriptor_dim, main, rng)
        if init not in ("hyperfan", "default"):
            raise ValueError(f"init must be 'hyperfan' or 'default', got {init!r}")
        self.magnitude_invariant = magnitude_invariant
        if magnitude_invariant:
            self.theta_0 = nn.Parameter(main.initial_weights(rng=rng))
        self.trunk = Trunk(descriptor_dim * (2 if magnitude_invariant else 1), hidden, activation, rng)
        self.head = nn.Linear(self.trunk.width, main.weight_dim)
        if init == "hyperfan":
            self._initialize_head(descriptors, rng)
        else:
            bound = 1 / math.sqrt(self.trunk.width)
            nn.init.uniform_(self.head.weight, -bound, bound, generator=rng)
            nn.init.uniform_(self.head.bias, -bound, bound, generator=rng)

    @torch.no_grad()
    def _initialize_head(self, descriptors: Tensor | None, rng: torch.Generator | None) -> None:
        if descriptors is None:
            descriptors = torch.randn(4096, self.descriptor_dim, generator=rng)
        self.check(descriptors)
        share = math.sqrt(0.5) if self.magnitude_invariant else 1.0
        hyperfan(self.head, self.hidden(descriptors), share * self.main.initial_std, rng)
        if self.magnitude_invariant:  # θ₀ carries the mean and the other half of the variance
            self.theta_0.sub_(self.main.initial_mean).mul_(share).add_(self.main.initial_mean)
        else:
            self.head.bias.copy_(self.main.initial_mean)

    def hidden(self, descriptor: Tensor) -> Tensor:
        """h: what the trunk makes of τ, (…, d_tau) → (…, hidden[-1])."""
        return self.trunk(constant_norm(descriptor) if self.magnitude_invariant else descriptor)

    def forward(self, descriptor: Tensor) -> Tensor:
        """τ (…, d_tau) → θ (…, P)."""
        self.check(descriptor)
        theta = self.head(self.hidden(descriptor))
        return self.theta_0 + theta if self.magnitude_invariant else theta
