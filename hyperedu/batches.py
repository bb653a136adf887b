"""What a batch of tasks is: descriptors, support sets and query sets, with tasks as the first dimension."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Examples:
    """D: the inputs x (…, n, d_in) and outputs y (…, n, d_out) of one task, or of a batch of tasks."""

    x: Tensor
    y: Tensor

    def __post_init__(self):
        if self.x.shape[: self.y.ndim - 1] != self.y.shape[:-1]:
            raise ValueError(
                f"x of shape {tuple(self.x.shape)} and y of shape {tuple(self.y.shape)} do not hold the same examples: "
                "all dimensions of y but the last must be the first ones of x"
            )
        for name, value in (("x", self.x), ("y", self.y)):
            if not torch.isfinite(value).all():
                raise ValueError(f"{name} contains NaN or infinite values: leave out the examples that have them")

    def to(self, *args, **kwargs) -> "Examples":
        return Examples(self.x.to(*args, **kwargs), self.y.to(*args, **kwargs))

    def joined(self, other: "Examples") -> "Examples":
        """These examples and the others, one after the other."""
        along = self.y.ndim - 2
        return Examples(torch.cat([self.x, other.x], dim=along), torch.cat([self.y, other.y], dim=along))


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
    properties: dict[str, Tensor | list]

    def __len__(self) -> int:
        return len(self.descriptor)

    def to(self, *args, **kwargs) -> "TaskBatch":
        """The batch on another device or in another dtype, as `torch.Tensor.to`."""
        return TaskBatch(
            self.descriptor.to(*args, **kwargs),
            self.support.to(*args, **kwargs),
            self.query.to(*args, **kwargs),
            self.properties,
        )


class TaskSet:
    """A set of tasks to sample from.

    Attributes:
        n_tasks: how many tasks there are; None if endlessly many.
    """

    n_tasks: int | None

    def sample(
        self,
        n_tasks: int | None = None,
        shots: int = 10,
        queries: int = 10,
        generator: torch.Generator | None = None,
    ) -> TaskBatch:
        """`n_tasks` tasks with `shots` support and `queries` query examples each.

        Drawn without repetition from a finite set; None takes every task of it once, in order.
        """
        raise NotImplementedError

    def most_queries(self, shots: int) -> int:
        """The number of query examples to test with: 100, or all the data there are beside the support set."""
        raise NotImplementedError

    def check(self, n_tasks: int | None, shots: int, queries: int) -> None:
        """A sentence for every number that cannot be sampled."""
        if n_tasks is None and self.n_tasks is None:
            raise ValueError("this family has endlessly many tasks: say how many with n_tasks")
        if n_tasks is not None and n_tasks < 1:
            raise ValueError(f"an empty set of tasks: n_tasks must be at least 1, got {n_tasks}")
        if n_tasks is not None and self.n_tasks is not None and n_tasks > self.n_tasks:
            raise ValueError(f"{n_tasks} tasks asked for, but this set has {self.n_tasks}: ask for fewer, or None for all")
        if shots < 0 or queries < 1:
            raise ValueError(f"shots must be at least 0 and queries at least 1, got {shots} and {queries}")
