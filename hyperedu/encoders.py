"""What a learner makes of a description, or of examples, before it writes weights: parts that are learned with it."""

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn


class SetEncoder(nn.Module):
    """D → h(D): a support set → a vector, in which the order of the examples leaves no trace.

    h(D) = ρ(mean over examples of ψ(x, y)). Zaheer and others 2017 (arXiv 1703.06114), theorem 2. With a mean in place of their
    sum, sets of different sizes look alike.
    """

    def __init__(self, d_in: int, d_out: int, dim: int, hidden: int = 128, generator: torch.Generator | None = None):
        super().__init__()
        self.each = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise([d_in + d_out, hidden, hidden]))
        self.whole = nn.Linear(hidden, dim)
        self.known: tuple[list[str], Tensor, Tensor] | None = None
        with torch.no_grad():
            for layer in (*self.each, self.whole):
                layer.weight.normal_(0, math.sqrt(2 / layer.in_features), generator=generator)
                layer.bias.zero_()

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """x (…, n, d_in) and y (…, n, d_out) → (…, dim)."""
        h = torch.cat([x, y], dim=-1)
        for layer in self.each:
            h = nn.functional.gelu(layer(h))
        return self.whole(h.mean(dim=-2))

    def remember(self, names: Sequence[str], x: Tensor, y: Tensor) -> None:
        """Support sets (n_tasks, n, …) that have names, for `in_words`."""
        self.known = list(names), x, y

    @torch.no_grad()
    def in_words(self, descriptor: Tensor) -> str:
        """What h(D) (dim,) says: its numbers have no names, so that only likeness can be told."""
        if self.known is None:
            return "a set of examples, in numbers that have no names"
        names, x, y = self.known
        return f"examples most like those of {_nearest(descriptor, self(x, y), names)}"


class Learned(nn.Module):
    """One-hot (…, n) → (…, dim): a table with one row for each training task, learned together with the generator.

    A task that is not in the table has no row. Its row is found by gradient descent on its examples, with the generator
    frozen: `adapt(main, row, support, steps, lr, through=generator)`.
    """

    def __init__(self, names: Sequence[str], dim: int, generator: torch.Generator | None = None):
        super().__init__()
        self.names = list(names)
        self.table = nn.Parameter(torch.randn(len(self.names), dim, generator=generator))

    def forward(self, one_hot: Tensor) -> Tensor:
        if one_hot.shape[-1] != len(self.names):
            raise ValueError(f"the table has {len(self.names)} rows, but the one-hot vectors have {one_hot.shape[-1]} numbers")
        return one_hot @ self.table

    def in_words(self, descriptor: Tensor) -> str:
        """What a row (dim,) says: the training task whose row is nearest."""
        return f"most like the task called {_nearest(descriptor, self.table.detach(), self.names)}"


class WordAttention(nn.Module):
    """τ of `Text.words` (…, n_words · width) → (…, heads · dim): each head takes a mean of the words, weighted by attention.

    h = Σ_w a_w V w with a = softmax over the words w of K w. Bahdanau, Cho, Bengio 2014 (arXiv 1409.0473), section 3.1, with
    K linear. Words that are all zeros are not there.
    """

    def __init__(self, width: int = 1152, heads: int = 6, dim: int = 8, generator: torch.Generator | None = None):
        super().__init__()
        self.width, self.K, self.V = width, nn.Linear(width, heads, bias=False), nn.Linear(width, heads * dim)
        with torch.no_grad():
            for layer in (self.K, self.V):
                layer.weight.normal_(0, 1 / math.sqrt(width), generator=generator)
            self.V.bias.zero_()

    def attention(self, tau: Tensor) -> Tensor:
        """How much each head looks at each word, (…, n_words, heads); sums to 1 over the words."""
        words = tau.unflatten(-1, (-1, self.width))
        there = words.any(-1, keepdim=True)
        return self.K(words).masked_fill(~there, -math.inf).softmax(-2)

    def forward(self, tau: Tensor) -> Tensor:
        values = self.V(tau.unflatten(-1, (-1, self.width)))  # (…, n_words, heads · dim)
        a = self.attention(tau)
        return (a.unsqueeze(-1) * values.unflatten(-1, (a.shape[-1], -1))).sum(-3).flatten(-2)


def _nearest(vector: Tensor, table: Tensor, names: Sequence[str]) -> str:
    return names[int((table - vector).square().sum(-1).argmin())]
