"""The generator of classifiers: each class writes its own row of the last layer."""

import math

import torch
from torch import Tensor, nn

from hyperedu.generators.base import Generator, Trunk, hyperfan
from hyperedu.main_network import MainNetwork


class ClassGenerator(Generator):
    """Codes of classes (…, K · d) → θ: row k of the last layer from (c_k, c̄), the layers before from c̄, the mean code.

    w_k, b_k = V h(c_k, c̄) + c, the same for every k, so that classes that change their places change the places of their rows;
    the other weights move along `rank` directions that are learned, θ_body = θ₀ + B u(c̄). Writing the last layer from each
    class by itself, and adapting the layers before it by the whole set, is the idea of Requeima and others 2019
    (arXiv 1906.07697, sections 2.1 and 2.2), whose c̄ writes scales and shifts.

    Args:
        descriptor_dim: K · d, with K = `main.d_out` classes.
        main: the main network whose weights are written, one that knows its features.
        hidden: the width of h and u.
        rank: how many directions the layers before the last one have.
        rng: source of randomness.
    """

    def __init__(
        self,
        descriptor_dim: int,
        main: MainNetwork,
        hidden: int = 128,
        rank: int = 8,
        rng: torch.Generator | None = None,
    ):
        super().__init__(descriptor_dim, main, rng)
        if main.d_features is None or main.d_out is None or descriptor_dim % main.d_out:
            raise ValueError(
                f"codes of {descriptor_dim} numbers cannot be parted among {main.d_out} classes of a network with "
                f"{main.d_features} features: make it with MainNetwork.mlp or MainNetwork.conv, and give d for each class"
            )
        self.n_classes, self.d_features, d = main.d_out, main.d_features, descriptor_dim // main.d_out
        self.n_body = main.weight_dim - self.n_classes * (self.d_features + 1)
        self.theta_0 = nn.Parameter(main.start_weights(rng)[: self.n_body])
        self.h, self.u = Trunk(2 * d, [hidden], "gelu", rng), Trunk(d, [rank], "tanh", rng)
        self.V, self.B = nn.Linear(hidden, self.d_features + 1), nn.Linear(rank, self.n_body, bias=False)
        with torch.no_grad():
            hyperfan(self.V, self.h(torch.randn(256, 2 * d, generator=rng)), 1 / math.sqrt(self.d_features), rng)
            self.B.weight.normal_(0, 0.1, generator=rng).mul_(main.start_std[: self.n_body].unsqueeze(-1))

    def forward(self, descriptor: Tensor) -> Tensor:
        """(…, K · d) → θ (…, P)."""
        self.check(descriptor)
        c = descriptor.unflatten(-1, (self.n_classes, -1))
        mean = c.mean(-2)
        head = self.V(self.h(torch.cat([c, mean.unsqueeze(-2).expand_as(c)], dim=-1)))
        body = self.theta_0 + self.B(self.u(mean))
        return torch.cat([body, head[..., :-1].flatten(-2), head[..., -1]], dim=-1)
