"""task → τ. Descriptors turn what is known of a task into a vector."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from hyperedu.batches import Examples, floats, refuse
from hyperedu.words import _

__all__ = ["Metadata", "OneHot", "SupportStatistics"]


class OneHot:
    """The name of a task → a vector with a single one. It says which task, and nothing of what the task is like."""

    def __init__(self, names: Sequence[str]):
        self.names = list(names)
        if not self.names or len(set(self.names)) != len(self.names):
            raise ValueError("one-hot descriptors need at least one name, and no name twice")
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
        return floats(torch.nn.functional.one_hot(index, self.dim))

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
        if len(set(self.names)) != self.dim or len(self.units) != self.dim:
            raise ValueError(f"each property needs a name of its own and a unit, got names {self.names} and units {self.units}")

    @classmethod
    def fit(cls, values: Tensor, names: Sequence[str], units: Sequence[str]) -> "Metadata":
        """Mean and standard deviation of `values` (n_tasks, d_tau) of the training tasks, NaN left out."""
        values = values if isinstance(values, Tensor) else floats(values)
        if values.ndim != 2 or values.shape[1] != len(names) or len(values) == 0:
            raise ValueError(f"values of shape {tuple(values.shape)} do not give {len(names)} properties of some tasks")
        _expect_no_infinity(values)
        values = values.float() if values.dtype == torch.bool else values
        count, spread = values.isfinite().sum(0), _spread(values)
        mean = values.nan_to_num(0).sum(0) / count
        std = ((values - mean).nan_to_num(0).square().sum(0) / count).sqrt()
        least = torch.finfo(std.dtype).tiny ** 0.5  # what is below has no square
        for name, n, s, deviation in zip(names, count, spread, std, strict=True):  # a std of equal numbers is not always 0
            if n and s and not least < deviation < math.inf:
                raise ValueError(f"{name!r} has numbers whose squares {std.dtype} cannot hold: give it in another unit")
            if n == 0 or s == 0:
                what = "has no value for any" if n == 0 else "is the same for every"
                raise ValueError(f"{name!r} {what} training task: it cannot describe tasks, leave it out")
        return cls(names, units, mean, std)

    def __call__(self, values: Tensor) -> Tensor:
        """values (…, d_tau) in their units → τ (…, d_tau)."""
        values = values if isinstance(values, Tensor) and values.is_floating_point() else floats(values)
        if values.ndim == 0 or values.shape[-1] != self.dim:
            raise ValueError(f"values have shape {tuple(values.shape)}, but there are {self.dim} properties: {self.names}")
        _expect_no_infinity(values)
        return ((values - self.mean.to(values)) / self.std.to(values)).nan_to_num(0)

    def values(self, descriptor: Tensor) -> Tensor:
        """τ (…, d_tau) → the properties in their units: the inverse."""
        return descriptor * self.std.to(descriptor) + self.mean.to(descriptor)

    def in_words(self, descriptor: Tensor) -> str:
        """What τ (d_tau,) says, such as "elevation 3,300 m, latitude 39.4 °"."""
        values = self.values(descriptor).tolist()
        digits = [0 if s > 50 else 1 if s > 1 else max(2, -math.floor(math.log10(s))) for s in self.std.tolist()]
        return ", ".join(
            f"{_(name)} {value:,.{d}f} {unit}".rstrip()
            for name, value, unit, d in zip(self.names, values, self.units, digits, strict=True)
        )


def _expect_no_infinity(values: Tensor) -> None:
    refuse(values.isinf(), "a property is infinite: use NaN for a value that is missing")


def _spread(values: Tensor) -> Tensor:
    """The largest less the smallest of each column (n, d) → (d,), NaN left out; not above 0 where there is no other."""
    return values.nan_to_num(nan=-math.inf).amax(0) - values.nan_to_num(nan=math.inf).amin(0)


class SupportStatistics:
    """D → τ: statistics of the examples, standardised on the training tasks by `Metadata`.

    They are how many examples there are; mean, standard deviation, lowest and highest value of each y; mean and standard
    deviation of each x; and the correlation of each x with each y. A statistic that is the same for every training task is
    left out; one that a set cannot have, such as the correlation of a single example, counts as missing.
    """

    def __init__(self, metadata: Metadata, kept: Tensor, names: Sequence[str]):
        self.metadata, self.kept, self.dim = metadata, kept, metadata.dim
        self._names = list(names)  # of all statistics, also of those that are left out

    @classmethod
    def fit(cls, *supports: Examples) -> "SupportStatistics":
        """From support sets of training tasks: `Examples` with x (n_tasks, n, d_in), one argument for each size n."""
        if not supports or any(len(D.lead) != 1 for D in supports):
            raise ValueError("statistics are learned from batches of training tasks: give examples with x (n_tasks, n, d_in)")
        names = _statistics(supports[0])[0]
        values = torch.cat([_expected(D, names) for D in supports])
        largest = values.nan_to_num(0).abs().amax(0)
        kept = (_spread(values).nan_to_num(0) > 1e-6 * largest).nonzero().flatten()
        return cls(Metadata.fit(values[:, kept], [names[k] for k in kept], [""] * len(kept)), kept, names)

    def __call__(self, support: Examples) -> Tensor:
        """D with x (…, n, d_in) and y (…, n, d_out) → τ (…, dim)."""
        return self.metadata(_expected(support, self._names)[..., self.kept])

    def in_words(self, descriptor: Tensor) -> str:
        """What τ (d_tau,) says."""
        return self.metadata.in_words(descriptor)


def _expected(support: Examples, names: Sequence[str]) -> Tensor:
    """The values of statistics (…, number of them) that must be these: of as many x and y."""
    found, values = _statistics(support)
    if found != names:
        raise ValueError(
            f"x of shape {tuple(support.x.shape)} and y of shape {tuple(support.y.shape)} have other statistics than those "
            f"that were learned, {', '.join(names)}: give as many x and y as then"
        )
    return values


def _statistics(support: Examples) -> tuple[list[str], Tensor]:
    """The names of the statistics, and their values (…, number of statistics)."""
    for name, value, what in (("x", support.x, "indices"), ("y", support.y, "class indices")):
        if not value.is_floating_point():
            raise ValueError(f"{name} of shape {tuple(value.shape)} holds {what}: these statistics are of numbers")
    x, y, n = support.x.flatten(len(support.lead) + 1), support.y, len(support)
    if n == 0:
        raise ValueError("statistics of no examples: a support set needs at least one (shots)")
    x_std, y_std = x.std(-2, correction=0), y.std(-2, correction=0)
    together = ((x - x.mean(-2, keepdim=True)).mT @ (y - y.mean(-2, keepdim=True)) / n).flatten(-2)
    correlation = together / (x_std.unsqueeze(-1) * y_std.unsqueeze(-2)).flatten(-2)  # NaN where nothing varies
    correlation = torch.where(torch.isfinite(correlation), correlation, torch.nan)
    of_y = {"mean": y.mean(-2), "std of": y_std, "lowest": y.amin(-2), "highest": y.amax(-2)}
    of_x = {"mean": x.mean(-2), "std of": x_std}
    xs, ys = ([name + (f"_{k}" if d > 1 else "") for k in range(d)] for name, d in (("x", x.shape[-1]), ("y", y.shape[-1])))
    names = ["number of examples", *(f"{what} {y}" for what in of_y for y in ys), *(f"{what} {x}" for what in of_x for x in xs)]
    names += [f"correlation of {x} and {y}" for x in xs for y in ys]
    return names, torch.cat([torch.full_like(y[..., 0, :1], n), *of_y.values(), *of_x.values(), correlation], dim=-1)
