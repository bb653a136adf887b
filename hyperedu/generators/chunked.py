"""θ in pieces, all written by one small network."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from hyperedu.batches import whole
from hyperedu.generators.base import Generator, Trunk, hyperfan, in_units
from hyperedu.main_network import MainNetwork


class ChunkedGenerator(Generator):
    """θ in pieces of equal length, all written by one small network that is told which piece: u_k = V trunk([τ, e_k]).

    Each piece k has a learned embedding e_k. von Oswald and others 2020 (arXiv 1906.00695), section 2.3. With pieces of √P
    weights, the default, the generator grows like √P.

    Args:
        descriptor_dim, main, hidden, activation, rng: as in `MLPGenerator`.
        chunk_size: weights per piece; about √P if None.
        embedding_dim: the length of e_k.
    """

    def __init__(
        self,
        descriptor_dim: int,
        main: MainNetwork,
        chunk_size: int | None = None,
        embedding_dim: int = 16,
        hidden: Sequence[int] = (64, 64),
        activation: str = "gelu",
        rng: torch.Generator | None = None,
    ):
        super().__init__(descriptor_dim, main, rng)
        self.moments = main.initial_mean, main.initial_std
        if chunk_size is None:
            chunk_size = math.isqrt(main.weight_dim - 1) + 1
        for name, value in {"chunk_size": chunk_size, "embedding_dim": embedding_dim}.items():
            whole(name, value, 1)
        n_chunks = -(-main.weight_dim // chunk_size)
        self.embeddings = nn.Parameter(torch.randn(n_chunks, embedding_dim, generator=rng))
        self.trunk = Trunk(descriptor_dim + embedding_dim, hidden, activation, rng)
        self.head = nn.Linear(self.trunk.width, chunk_size)
        self.gain = nn.Parameter(torch.zeros(len(main.shapes)))
        tau = torch.randn(64, descriptor_dim, generator=rng)
        some = self.embeddings[torch.randperm(n_chunks, generator=rng)[:64]]
        pairs = torch.cat([tau.repeat_interleave(len(some), 0), some.repeat(len(tau), 1)], dim=-1)
        hyperfan(self.head, self.trunk(pairs), 1.0, rng)

    def forward(self, descriptor: Tensor) -> Tensor:
        """τ (…, d_tau) → θ (…, P)."""
        self.check(descriptor)
        lead, n_chunks = descriptor.shape[:-1], len(self.embeddings)
        tau = descriptor.unsqueeze(-2).expand(*lead, n_chunks, -1)
        h = self.trunk(torch.cat([tau, self.embeddings.expand(*lead, -1, -1)], dim=-1))
        u = self.head(h).flatten(-2)[..., : self.main.weight_dim]  # the last piece is longer than what is left
        return in_units(self, u, self.gain)
