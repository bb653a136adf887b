"""The ground floor: examples, batches and sets of tasks, and what a family of tasks is. Tasks are the first dimension."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from numbers import Integral
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor

__all__ = ["Examples", "Family", "TaskBatch", "TaskSet"]


def floats(value: object) -> Tensor:
    """Numbers as a tensor of the default floating dtype (`torch.set_default_dtype`)."""
    return torch.as_tensor(value).to(torch.get_default_dtype())


def readable(value: Tensor) -> bool:
    """Whether a tensor has values to look at: there are none on the meta device, nor inside vmap."""
    functorch = torch._C._functorch
    while functorch.is_functorch_wrapped_tensor(value):  # one transform within another, such as a gradient inside vmap
        if functorch.is_batchedtensor(value):
            return False
        value = functorch.get_unwrapped(value)
    return not value.is_meta


def whole(name: str, value: object, least: int) -> None:
    """A sentence for what is no whole number of at least `least`."""
    if isinstance(value, bool) or not isinstance(value, Integral) or value < least:
        raise ValueError(f"{name} must be a whole number of at least {least}, got {value!r}")


def expect(name: str, value: object, kind: type | tuple[type, ...], advice: str) -> None:
    """A sentence for what is not of a kind."""
    if not isinstance(value, kind):
        raise ValueError(f"{name} is a {type(value).__name__}: {advice}")


def same_dtype(name: str, value: Tensor, like: Tensor) -> None:
    """A sentence for numbers of another dtype than the parameters that read them."""
    if value.dtype != like.dtype:
        raise ValueError(
            f"{name} of shape {tuple(value.shape)} has dtype {value.dtype}, but what reads it has {like.dtype}: give "
            f"{name}.to({like.dtype}), or bring what reads it to {value.dtype}"
        )


def refuse(bad: Tensor, sentence: str) -> None:
    """A sentence where any value is what it should not be, as far as there are values to look at."""
    if readable(bad) and bad.any():
        raise ValueError(sentence)


def source(rng: object) -> None:
    """A sentence for what is no source of randomness, such as a seed."""
    if rng is not None:
        expect("rng", rng, torch.Generator, f"give a source of randomness, torch.Generator().manual_seed({rng!r})")


@dataclass(frozen=True)
class Examples:
    """D: the inputs and outputs of one task, or of a batch of tasks.

    This is the one place that reads how many tasks and examples there are: class indices have one number per example,
    everything else a last dimension of its own.

    Attributes:
        x: (…, n, d_in), or (…, n, *shape of one input), such as (…, n, channels, height, width). Floating point, or int64 where
            inputs are indices (of words, say).
        y: (…, n, d_out) floating point; or class indices (…, n) in int64, 0 for the first class.

    Raises:
        ValueError: x and y do not hold the same examples, or one of them is not what it should be; both shapes are named.
    """

    x: Tensor
    y: Tensor

    def __post_init__(self):
        for name, value in (("x", self.x), ("y", self.y)):
            expect(name, value, Tensor, f"it must be a tensor, torch.as_tensor({name}) makes one")
            if not value.is_floating_point() and value.dtype != torch.int64:
                advice = f"class labels are int64 (y.long()), everything else is floating point ({name}.float())"
                raise ValueError(f"{name} of shape {tuple(value.shape)} has dtype {value.dtype}: {advice}")
        shapes = f"x of shape {tuple(self.x.shape)} and y of shape {tuple(self.y.shape)}"
        if self.y.ndim < (1 if self.has_classes else 2):
            needed = "one dimension (…, n) of class indices" if self.has_classes else "two dimensions (…, n, d_out)"
            raise ValueError(f"{shapes}: y needs at least {needed}; for a single number per example use y.unsqueeze(-1)")
        counted = self.y.shape if self.has_classes else self.y.shape[:-1]
        if self.x.ndim <= len(counted):
            advice = "class indices have one dimension fewer than x" if self.has_classes else "both need a last dimension"
            raise ValueError(
                f"{shapes}: {advice}; use x.unsqueeze(-1) for inputs of one number, y.squeeze(-1) for labels in a row"
            )
        if self.x.shape[: len(counted)] != counted:
            raise ValueError(
                f"{shapes} do not hold the same examples: y says {tuple(counted)} (tasks …, examples), x begins with "
                f"{tuple(self.x.shape[: len(counted)])}; leave out what has no partner"
            )
        if self.has_classes:
            refuse(self.y < 0, "y contains negative labels: class indices begin at 0, leave out unlabelled examples")
        for name, value in (("x", self.x), ("y", self.y)):
            refuse(~value.isfinite(), f"{name} contains NaN or infinite values: leave out the examples that have them")

    @property
    def has_classes(self) -> bool:
        """Whether y is a class, rather than numbers."""
        return self.y.dtype == torch.int64

    @property
    def lead(self) -> torch.Size:
        """The leading dimensions: (n_tasks,) of a batch, () of one task."""
        return self.y.shape[:-1] if self.has_classes else self.y.shape[:-2]

    def __len__(self) -> int:
        """n, how many examples each task has."""
        return self.y.shape[len(self.lead)]

    def task(self, i: int | slice | Sequence[int] | Tensor) -> "Examples":
        """The examples of task number i of a batch; a batch again where several are named."""
        if not self.lead:
            raise ValueError(f"x of shape {tuple(self.x.shape)} and y of shape {tuple(self.y.shape)} are one task, not a batch")
        _check_index(i, self.lead[0], "task")
        i = list(i) if isinstance(i, tuple) else i  # a tuple would be a place in several dimensions
        return Examples(self.x[i], self.y[i])

    def some(self, index: slice | Sequence[int] | Tensor) -> "Examples":
        """Some examples of each task, in the order of `index`."""
        if not isinstance(index, slice) and torch.as_tensor(index).ndim != 1:
            raise ValueError(f"some examples are named by numbers in a row, such as [0, 3], got {index!r}")
        _check_index(index, len(self), "example")
        before = (slice(None),) * len(self.lead)
        return Examples(self.x[(*before, index)], self.y[(*before, index)])

    def first(self, n: int) -> "Examples":
        """The first n examples of each task: fewer shots."""
        if not isinstance(n, Integral) or not 0 <= n <= len(self):
            raise ValueError(f"the first {n} examples asked for, but each task has {len(self)}: a whole number from 0 to that")
        return self.some(slice(n))

    def split(self, n: int) -> tuple["Examples", "Examples"]:
        """The first n examples of each task, and the others."""
        return self.first(n), self.some(slice(n, None))

    def joined(self, other: "Examples") -> "Examples":
        """These examples and the others, one after the other."""
        along = len(self.lead)
        for name, one, two in (("x", self.x, other.x), ("y", self.y, other.y)):
            tasks_and_sizes = [value.shape[:along] + value.shape[along + 1 :] for value in (one, two)]
            if one.is_floating_point() != two.is_floating_point() or tasks_and_sizes[0] != tasks_and_sizes[1]:
                raise ValueError(
                    f"{name} of shape {tuple(one.shape)} ({one.dtype}) and {name} of shape {tuple(two.shape)} ({two.dtype}) "
                    "cannot be joined: both must be of the same tasks and differ in the number of examples alone"
                )
        return Examples(torch.cat([self.x, other.x], dim=along), torch.cat([self.y, other.y], dim=along))

    def to(self, *args, **kwargs) -> "Examples":
        """On another device or in another floating dtype, as `torch.Tensor.to`; what is int64 stays so."""
        return Examples(_to(self.x, *args, **kwargs), _to(self.y, *args, **kwargs))


def recordable(value: Tensor) -> Tensor:
    """What was made in inference mode autograd refuses outside of it; a copy will do."""
    return value.clone() if value.is_inference() and not torch.is_inference_mode_enabled() else value


def _to(value: Tensor, *args, **kwargs) -> Tensor:
    value = recordable(value)
    if not value.is_floating_point():  # never by way of a floating dtype, which would round them
        return value.to(value.new_empty(0).to(*args, **kwargs).device)
    moved = value.to(*args, **kwargs)
    if not moved.is_floating_point():
        raise ValueError(f"examples of dtype {value.dtype} cannot become {moved.dtype}: give a device or a floating dtype")
    return moved


def _check_index(index: int | slice | Sequence[int] | Tensor, n: int, what: str) -> None:
    """A sentence for places that are not there."""
    if isinstance(index, slice):
        return
    places = torch.as_tensor(index)
    if (places.is_floating_point() and places.numel()) or (places.dtype == torch.bool and places.shape != (n,)):
        raise ValueError(f"{index!r} names no {what}: give whole numbers, or True or False for each of the {n}")
    if places.dtype != torch.bool and readable(places):
        missing = places[(places < -n) | (places >= n)]
        if missing.numel():
            raise ValueError(f"there is no {what} number {missing[0].item()} among {n}")


@dataclass(frozen=True)
class TaskBatch:
    """A batch of tasks.

    Attributes:
        descriptor: τ (n_tasks, d_tau).
        support: D, what a learner may see.
        query: D', what it is judged on.
        properties: what the tasks are, in their own units: name → one value per task.
    """

    descriptor: Tensor
    support: Examples
    query: Examples
    properties: dict[str, Any]

    def __post_init__(self):
        expect("descriptor", self.descriptor, Tensor, "it must be a tensor (n_tasks, d_tau)")
        if self.descriptor.ndim != 2:
            raise ValueError(f"descriptor has shape {tuple(self.descriptor.shape)}, and must be (n_tasks, d_tau)")
        advice = "write 0 for what is not known, as Metadata does"
        refuse(~self.descriptor.isfinite(), f"descriptor contains NaN or infinite values: {advice}")
        rows = {"descriptor": self.descriptor.shape[:1], "support": self.support.lead, "query": self.query.lead}
        if len(set(rows.values())) > 1:
            said = ", ".join(f"{name} {tuple(size)}" for name, size in rows.items())
            raise ValueError(f"the parts of a batch must have the same number of tasks in their first dimension, got: {said}")
        if self.support.has_classes != self.query.has_classes:
            raise ValueError(
                f"the support set's y has dtype {self.support.y.dtype} and the query set's {self.query.y.dtype}: both must be "
                "classes or both numbers"
            )
        for name, values in self.properties.items():
            if len(values) != len(self):
                raise ValueError(f"the property {name!r} has {len(values)} values for {len(self)} tasks: give one for each")

    def __len__(self) -> int:
        """How many tasks there are."""
        return len(self.descriptor)

    def task(self, i: int) -> "TaskBatch":
        """A batch of task number i alone."""
        _check_index(i, len(self), "task")
        one = slice(i, i + 1 or None)
        properties = {name: values[one] for name, values in self.properties.items()}
        return TaskBatch(self.descriptor[one], self.support.task(one), self.query.task(one), properties)

    def with_shots(self, n: int) -> "TaskBatch":
        """The same tasks, of which a learner sees only the first n support examples."""
        return replace(self, support=self.support.first(n))

    def to(self, *args, **kwargs) -> "TaskBatch":
        """The batch on another device or in another floating dtype, as `torch.Tensor.to`; class indices stay int64."""
        moved = (self.support.to(*args, **kwargs), self.query.to(*args, **kwargs))
        return TaskBatch(_to(self.descriptor, *args, **kwargs), *moved, self.properties)


class TaskSet:
    """A set of tasks to sample from.

    Attributes:
        n_tasks: how many tasks there are; None if endlessly many.
    """

    n_tasks: int | None = None

    def sample(
        self, n_tasks: int | None = None, shots: int = 10, queries: int = 10, rng: torch.Generator | None = None
    ) -> TaskBatch:
        """`n_tasks` tasks with `shots` support and `queries` query examples each.

        Drawn without repetition from a finite set; None takes every task of it once, in order.
        """
        raise NotImplementedError

    def most_queries(self, shots: int) -> int:
        """The number of query examples to test with: 100, or all the data there are beside the support set."""
        return 100

    @staticmethod
    def expect(tasks: object, part: str) -> None:
        """A sentence for what cannot be sampled, such as a family in place of one of its two sets."""
        if not hasattr(tasks, "sample"):
            raise ValueError(f"{type(tasks).__name__} is no set of tasks: give one, such as family.{part}")

    def check(self, n_tasks: int | None, shots: int, queries: int, rng: torch.Generator | None = None) -> None:
        """A sentence for every number that cannot be sampled, and for a seed in place of its source."""
        source(rng)
        for name, value in {"n_tasks": n_tasks, "shots": shots, "queries": queries}.items():
            if not isinstance(value, Integral) and (value is not None or name != "n_tasks"):
                raise ValueError(f"{name} must be a whole number, got {value!r}")
        if n_tasks is None and self.n_tasks is None:
            raise ValueError("this family has endlessly many tasks: say how many with n_tasks")
        if n_tasks is not None and n_tasks < 1:
            raise ValueError(f"an empty set of tasks: n_tasks must be at least 1, got {n_tasks}")
        if n_tasks is not None and self.n_tasks is not None and n_tasks > self.n_tasks:
            raise ValueError(f"{n_tasks} tasks asked for, but this set has {self.n_tasks}: ask for fewer, or None for all")
        if shots < 0 or queries < 1:
            raise ValueError(f"shots must be at least 0 and queries at least 1, got {shots} and {queries}")


@runtime_checkable
class Family(Protocol):
    """A family of tasks: two disjoint sets of the same kind of task. Everything that trains and tests asks for no more."""

    @property
    def train(self) -> TaskSet: ...

    @property
    def test(self) -> TaskSet: ...
