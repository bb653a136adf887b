"""A shared θ₀ and a change of low rank for each weight matrix."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from hyperedu.batches import whole
from hyperedu.generators.base import Generator, Trunk, hyperfan, in_units, matrix_shape
from hyperedu.main_network import MainNetwork


class LowRankGenerator(Generator):
    """One shared θ₀, and of each weight matrix a change of rank r that is written from τ: W = W₀ + B A.

    Hu and others 2021 (arXiv 2106.09685) adapt language models so; Charakorn and others 2025 (arXiv 2506.06105) write A and
    B with a hypernetwork from a sentence. (To scale units, as FiLM does, is to multiply W by a matrix of rank one instead.)
    Vectors, and matrices too small for it to pay, are written whole. At the start W₀ and B A carry half of the variance each.

    Args:
        descriptor_dim, main, hidden, activation, rng: as in `MLPGenerator`.
        rank: r.
    """

    product_std: Tensor

    def __init__(
        self,
        descriptor_dim: int,
        main: MainNetwork,
        rank: int = 4,
        hidden: Sequence[int] = (64, 64),
        activation: str = "gelu",
        rng: torch.Generator | None = None,
    ):
        super().__init__(descriptor_dim, main, rng)
        self.moments = torch.zeros_like(main.initial_mean), main.initial_std  # θ₀ has the mean
        whole("rank", rank, 1)
        self.rank, self.matrices = rank, [matrix_shape(shape) for shape in main.shapes.values()]
        self.theta_0 = nn.Parameter(main.initial_weights(rng=rng))
        self.trunk = Trunk(descriptor_dim, hidden, activation, rng)
        self.sizes = [m * n if self._whole(m, n) else rank * (m + n) for m, n in self.matrices]
        self.head = nn.Linear(self.trunk.width, sum(self.sizes))
        self.gain = nn.Parameter(torch.zeros(len(self.sizes)))
        with torch.no_grad():
            h = self.trunk(torch.randn(1024, descriptor_dim, generator=rng))
            hyperfan(self.head, h, 1.0, rng)
            self.theta_0.sub_(main.initial_mean).mul_(math.sqrt(0.5)).add_(main.initial_mean)
            # B and A are written from the same h: the variance of their product is E‖h‖⁴ / (E‖h‖²)², not 1.
            norms = h.square().sum(-1)
            self.register_buffer("product_std", norms.square().mean().sqrt() / norms.mean())

    def _whole(self, m: int, n: int) -> bool:
        return m * n <= self.rank * (m + n)

    def forward(self, descriptor: Tensor) -> Tensor:
        """τ (…, d_tau) → θ (…, P)."""
        self.check(descriptor)
        u = []
        for (m, n), written in zip(self.matrices, self.head(self.trunk(descriptor)).split(self.sizes, dim=-1), strict=True):
            if self._whole(m, n):
                u.append(written)
            else:
                B, A = written.split([m * self.rank, self.rank * n], dim=-1)
                BA = B.unflatten(-1, (m, self.rank)) @ A.unflatten(-1, (self.rank, n))
                u.append(BA.flatten(-2) / (math.sqrt(self.rank) * self.product_std))
        return self.theta_0 + in_units(self, math.sqrt(0.5) * torch.cat(u, dim=-1), self.gain)
