"""Weight tensors decoded like images."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from hyperedu.batches import refuse, whole
from hyperedu.feedforward import activation_and_gain
from hyperedu.generators.base import Generator, Trunk, hyperfan, in_units, matrix_shape
from hyperedu.main_network import MainNetwork


class ConvGenerator(Generator):
    """Each weight tensor decoded like an image: a small picture, convolutions, a larger picture.

    The small picture has, at row i and column j of a grid `zoom` times coarser than the weight matrix, the learned codes
    r_i + c_j of `channels` numbers, which τ scales and shifts (FiLM: Perez and others 2018, arXiv 1709.07871). Two
    convolutions, shared by all tensors, let neighbours speak; the last makes zoom² weights of each place (sub-pixel
    convolution: Shi and others 2016, arXiv 1609.05158). The codes grow like √P, all else stays.

    Args:
        descriptor_dim, main, hidden, activation, rng: as in `MLPGenerator`.
        channels: of the small picture.
        zoom: how many times larger the weight matrix is, each way.
    """

    rms: Tensor

    def __init__(
        self,
        descriptor_dim: int,
        main: MainNetwork,
        channels: int = 32,
        zoom: int = 4,
        hidden: Sequence[int] = (64,),
        activation: str = "gelu",
        rng: torch.Generator | None = None,
    ):
        super().__init__(descriptor_dim, main, rng)
        self.moments = main.initial_mean, main.initial_std
        for name, value in {"channels": channels, "zoom": zoom}.items():
            whole(name, value, 1)
        self.zoom, self.activation = zoom, activation_and_gain(activation)[0]
        self.matrices = [matrix_shape(shape) for shape in main.shapes.values()]
        self.rows, self.columns = (
            nn.ParameterList(math.sqrt(0.5) * torch.randn(channels, -(-n // zoom), generator=rng) for n in lengths)
            for lengths in zip(*self.matrices, strict=True)
        )
        self.trunk = Trunk(descriptor_dim, hidden, activation, rng)
        self.film = nn.Linear(self.trunk.width, 2 * channels * len(self.matrices))
        self.convolution = nn.Conv2d(channels, channels, 3, padding=1)
        self.enlarge = nn.Conv2d(channels, zoom**2, 3, padding=1)
        self.gain = nn.Parameter(torch.zeros(len(self.matrices)))
        self.register_buffer("rms", torch.ones(len(self.matrices)))
        self._initialize(rng)

    @torch.no_grad()
    def _initialize(self, rng: torch.Generator | None) -> None:
        for layer, gain in ((self.convolution, math.sqrt(2)), (self.enlarge, 1.0)):
            layer.weight.normal_(0, gain / math.sqrt(9 * layer.in_channels), generator=rng)
            layer.bias.zero_()  # type: ignore[union-attr]
        hyperfan(self.film, self.trunk(torch.randn(1024, self.descriptor_dim, generator=rng)), 1.0, rng)
        for t, (m, n) in enumerate(self.matrices):  # measured: at the edges of a picture convolutions see fewer neighbours
            tau = torch.randn(min(256, max(8, 1_000_000 // (m * n))), self.descriptor_dim, generator=rng)
            self.rms[t] = self._picture(self._film(tau)[:, t], t).square().mean().sqrt()
        refuse(self.rms == 0, "what the convolutions make of some weight tensor is 0 whatever τ is: give more channels")

    def _film(self, tau: Tensor) -> Tensor:
        """τ (B, d_tau) → how the codes of each tensor are scaled and shifted, (B, tensors, 2 channels)."""
        return self.film(self.trunk(tau)).unflatten(-1, (len(self.matrices), -1))

    def _picture(self, film: Tensor, t: int) -> Tensor:
        """(B, 2 channels) → tensor number t, (B, rows · columns), of variance 1."""
        scale, shift = film[..., None, None].chunk(2, dim=1)
        small = (1 + scale) * (self.rows[t].unsqueeze(-1) + self.columns[t].unsqueeze(-2)) + shift
        large = self.enlarge(self.activation(self.convolution(small)))
        large = nn.functional.pixel_shuffle(large, self.zoom).squeeze(1)
        m, n = self.matrices[t]
        return large[:, :m, :n].flatten(1) / self.rms[t]

    def forward(self, descriptor: Tensor) -> Tensor:
        """τ (…, d_tau) → θ (…, P)."""
        self.check(descriptor)
        film = self._film(descriptor.reshape(-1, self.descriptor_dim))
        u = torch.cat([self._picture(film[:, t], t) for t in range(len(self.matrices))], dim=-1)
        return in_units(self, u, self.gain).reshape(*descriptor.shape[:-1], self.main.weight_dim)
