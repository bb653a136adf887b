"""task → τ. Descriptors turn what is known of a task into a vector."""

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn


class OneHot:
    """The name of a task → a vector with a single one. It says which task, and nothing of what the task is like."""

    def __init__(self, names: Sequence[str]):
        if not names or len(set(names)) != len(names):
            raise ValueError("one-hot descriptors need at least one name, and no name twice")
        self.names = list(names)
        self.dim = len(self.names)

    def __call__(self, names: Sequence[str]) -> Tensor:
        """Names (n of them) → τ (n, number of training tasks)."""
        unknown = [name for name in names if name not in self.names]
        if unknown:
            raise ValueError(
                f"one-hot descriptors know only the {self.dim} training tasks, not {unknown[:3]}: "
                "a new task needs a descriptor that says what it is like, such as metadata"
            )
        index = torch.tensor([self.names.index(name) for name in names], dtype=torch.long)
        return torch.nn.functional.one_hot(index, self.dim).float()

    def in_words(self, descriptor: Tensor) -> str:
        """What τ (d_tau,) says."""
        return f"the task called {self.names[int(descriptor.argmax())]}"


class Metadata:
    """Measured properties of a task → τ, standardised: mean 0 and standard deviation 1 over the training tasks.

    A missing value (NaN) is replaced by the training mean, that is by 0 in τ: the best guess that does not
    pretend to know. `values` are in the units given; τ has none.
    """

    def __init__(self, names: Sequence[str], units: Sequence[str], mean: Tensor, std: Tensor):
        self.names, self.units, self.mean, self.std = list(names), list(units), mean, std
        self.dim = len(self.names)

    @classmethod
    def fit(cls, values: Tensor, names: Sequence[str], units: Sequence[str]) -> "Metadata":
        """Mean and standard deviation of `values` (n_tasks, d_tau) of the training tasks, NaN left out."""
        if values.ndim != 2 or values.shape[1] != len(names) or len(values) == 0:
            raise ValueError(f"values of shape {tuple(values.shape)} do not give {len(names)} properties of some tasks")
        known = torch.isfinite(values)
        count = known.sum(0)
        mean = values.nan_to_num(0).sum(0) / count
        std = (((values - mean).nan_to_num(0).square() * known).sum(0) / count).sqrt()
        for name, n, s in zip(names, count, std, strict=True):
            if n == 0 or s == 0:
                what = "has no value for any" if n == 0 else "is the same for every"
                raise ValueError(f"{name!r} {what} training task: it cannot describe tasks, leave it out")
        return cls(names, units, mean, std)

    def __call__(self, values: Tensor) -> Tensor:
        """values (…, d_tau) in their units → τ (…, d_tau)."""
        if values.ndim == 0 or values.shape[-1] != self.dim:
            raise ValueError(f"values have shape {tuple(values.shape)}, but there are {self.dim} properties: {self.names}")
        if torch.isinf(values).any():
            raise ValueError("a property is infinite: use NaN for a value that is missing")
        return ((values - self.mean) / self.std).nan_to_num(0)

    def values(self, descriptor: Tensor) -> Tensor:
        """τ (…, d_tau) → the properties in their units: the inverse."""
        return descriptor * self.std + self.mean

    def in_words(self, descriptor: Tensor) -> str:
        """What τ (d_tau,) says, such as "elevation 3,300 m, latitude 39.4 °"."""
        values = self.values(descriptor).tolist()
        digits = [0 if s > 50 else 1 if s > 1 else 2 for s in self.std.tolist()]
        return ", ".join(
            f"{name} {value:,.{d}f} {unit}".rstrip()
            for name, value, unit, d in zip(self.names, values, self.units, digits, strict=True)
        )


class SetEncoder(nn.Module):
    """D → h(D): a support set → a vector, in which the order of the examples leaves no trace.

    h(D) = ρ(mean over examples of ψ(x, y)). Zaheer and others 2017 (arXiv 1703.06114), theorem 2. With a mean in place of their
    sum, sets of different sizes look alike.
    """

    def __init__(self, d_in: int, d_out: int, dim: int, hidden: int = 128, generator: torch.Generator | None = None):
        super().__init__()
        self.each = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise([d_in + d_out, hidden, hidden]))
        self.whole = nn.Linear(hidden, dim)
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
