"""Tasks that are described in another way."""

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from hyperedu.batches import TaskBatch, TaskSet, expect


class NoisyDescriptors(TaskSet):
    """The same tasks, described wrongly: τ + s ε with ε standard normal, its own for each task.

    A standardised τ has standard deviation 1 over the tasks: with s = 1 a description errs as much as tasks differ.

    Args:
        tasks: the set that is described.
        s: the standard deviation of the error; (low, high) draws it anew for each task, and no learner is told.
    """

    def __init__(self, tasks: TaskSet, s: float | tuple[float, float]):
        TaskSet.expect(tasks, "train")
        self.low, self.high = s if isinstance(s, tuple | list) else (s, s)
        if not 0 <= self.low <= self.high:
            raise ValueError(f"the error of a description must be at least 0, and a range begin with its lower end; got {s}")
        self.tasks, self.n_tasks = tasks, tasks.n_tasks

    def most_queries(self, shots: int) -> int:
        return self.tasks.most_queries(shots)

    def sample(self, n_tasks=None, shots=10, queries=10, rng=None) -> TaskBatch:
        batch = self.tasks.sample(n_tasks, shots, queries, rng)
        error = torch.randn(batch.descriptor.shape, generator=rng)
        s = self.low + (self.high - self.low) * torch.rand(len(batch), 1, generator=rng)
        return replace(batch, descriptor=batch.descriptor + s * error)


class Described(TaskSet):
    """The same tasks, described in another way.

    Args:
        tasks: the set that is described.
        describe: `TaskBatch` → τ (n_tasks, d_tau). It may use the batch's properties and support set, and must not use
            its query set.
    """

    def __init__(self, tasks: TaskSet, describe: Callable[[TaskBatch], Tensor]):
        TaskSet.expect(tasks, "train")
        self.tasks, self.describe, self.n_tasks = tasks, describe, tasks.n_tasks

    def most_queries(self, shots: int) -> int:
        return self.tasks.most_queries(shots)

    def sample(self, n_tasks=None, shots=10, queries=10, rng=None) -> TaskBatch:
        batch = self.tasks.sample(n_tasks, shots, queries, rng)
        descriptor = self.describe(batch)
        expect("what describe gave", descriptor, Tensor, "it must be a tensor (n_tasks, d_tau)")
        if descriptor.ndim != 2 or len(descriptor) != len(batch):
            raise ValueError(
                f"describe gave τ of shape {tuple(descriptor.shape)}; a row for each of {len(batch)} tasks is needed"
            )
        return replace(batch, descriptor=descriptor)
