"""Meta-testing: a learner on tasks that it was not trained on, and learners side by side."""

import copy
import html
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from hyperedu import statistics
from hyperedu.batches import Family, TaskSet, expect, readable, source, whole
from hyperedu.history import History, counted
from hyperedu.learners import Learner, expect_learner, in_mode
from hyperedu.losses import LOSSES, accuracy
from hyperedu.objective import expect_one_each, sampled, which_diverged
from hyperedu.penalties import Penalties, name_of, parts
from hyperedu.training import meta_train

__all__ = ["Comparison", "Report", "compare", "meta_test"]


@dataclass(frozen=True, repr=False)
class Report:
    """What a learner did on a set of tasks.

    Attributes:
        per_task: (n_tasks,) the query loss of each task.
        shots: how many support examples each task had.
        inner_steps: how many gradient steps were taken on them.
        diverged: (n_tasks,) the step at which a task's adaptation diverged, as in `Trajectory`; 0 for those that did not.
        accuracy_per_task: (n_tasks,) the query accuracy of each task, where y is a class.
        loss: the name of the loss.
    """

    per_task: Tensor
    shots: int
    inner_steps: int = 0
    diverged: Tensor | None = None
    accuracy_per_task: Tensor | None = None
    loss: str = "squared_error"

    @property
    def n_tasks(self) -> int:
        return len(self.per_task)

    @property
    def mean(self) -> float:
        return self.per_task.mean().item()

    @property
    def median(self) -> float:
        """A task whose loss is NaN counts as infinitely bad."""
        return statistics.median(self.per_task)

    @property
    def interval(self) -> tuple[float, float]:
        """95% confidence interval of the mean over tasks."""
        return statistics.interval(self.per_task)

    @property
    def accuracy(self) -> float | None:
        """The mean over tasks of the share of query examples that are classified rightly; None where y is no class."""
        return None if self.accuracy_per_task is None else self.accuracy_per_task.mean().item()

    @property
    def accuracy_interval(self) -> tuple[float, float] | None:
        """95% confidence interval of the mean accuracy over tasks."""
        return None if self.accuracy_per_task is None else statistics.interval(self.accuracy_per_task)

    @property
    def rmse(self) -> float:
        """The mean over tasks of the root of each task's mean squared error, in the units of y."""
        if self.loss != "squared_error":
            raise ValueError(
                f"the root of a mean squared error was asked for, but the loss of this main network is {self.loss}"
            )
        return self.per_task.sqrt().mean().item()

    @property
    def share_diverged(self) -> float:
        """The share of tasks that diverged or whose loss is not finite. They are in the mean too: see the median."""
        bad = ~torch.isfinite(self.per_task)
        return (bad if self.diverged is None else bad | (self.diverged > 0)).float().mean().item()

    def accuracy_cells(self, shown: bool) -> tuple[str, ...]:
        """Accuracy and its interval for a table, if it has such columns."""
        if not shown or self.accuracy_interval is None:
            return ("–", "–") if shown else ()
        low, high = self.accuracy_interval
        return f"{self.accuracy:.1%}", f"{low:.1%} to {high:.1%}"

    def __repr__(self) -> str:
        low, high = self.interval
        said = f"mean {self.mean:.4g} (95% interval {low:.4g} to {high:.4g}), median {self.median:.4g}, "
        if self.accuracy is not None:
            share, between = self.accuracy_cells(True)
            said = f"accuracy {share} ({between}), {said}"
        said += f"{counted(self.n_tasks, 'task')}, {counted(self.shots, 'shot')}"
        said += f", {counted(self.inner_steps, 'step')}" if self.inner_steps else ""
        return said + ("" if self.diverged is None else which_diverged(self.diverged))


def meta_test(
    learner: Learner,
    tasks: TaskSet,
    shots: int = 10,
    queries: int | None = None,
    n_tasks: int | None = None,
    *,
    inner_steps: int | None = None,
    rng: torch.Generator | None = None,
) -> Report:
    """The learner's query loss on tasks it was not trained on, in evaluation mode; its modes are put back afterwards.

    Args:
        tasks: a `TaskSet`, such as `family.test`.
        shots, queries: per task; `queries` None takes `tasks.most_queries(shots)`.
        n_tasks: None takes every task of a finite set, and 600 of an endless one.
        inner_steps: of adaptation, for any learner; None takes as many as in training.
        rng: None gives every learner the same tasks (seed 0).
    """
    expect_learner(learner)
    TaskSet.expect(tasks, "test")
    source(rng)
    if rng is None:
        rng = torch.Generator().manual_seed(0)
    if n_tasks is None and tasks.n_tasks is None:
        n_tasks = 600
    if queries is None:
        queries = tasks.most_queries(shots)
    batch = sampled(learner, tasks, n_tasks=n_tasks, shots=shots, queries=queries, rng=rng)
    main = learner.main
    with in_mode(learner, False), torch.no_grad():
        path = learner.path(batch.descriptor, batch.support, inner_steps, keep=False)
        theta = learner.through(path.final)
        if inner_steps is None and type(learner).forward is not Learner.forward:
            _expect_the_same(learner, learner(batch.descriptor, batch.support), theta)
        prediction = main.predict(theta, batch.query)
        per_task = _at_least_single(main.loss_of(prediction, batch.query))
        expect_one_each(learner, per_task, len(batch))
    steps = learner.inner_steps if inner_steps is None else inner_steps
    shares = accuracy(_at_least_single(prediction), batch.query.y) if batch.query.has_classes else None
    kind = main.loss_kind
    loss = kind if isinstance(kind, str) else name_of(kind)
    if loss in LOSSES and kind not in (loss, LOSSES[loss]):
        loss = f"another {loss}"
    return Report(per_task, shots, steps, path.diverged, shares, loss)


def _expect_the_same(learner: Learner, given: Tensor, theta: Tensor) -> None:
    """A sentence for a `forward` of one's own that gives other weights than `start`, the inner steps and `through`."""
    if readable(theta) and not torch.allclose(given, theta, rtol=1e-3, atol=1e-5, equal_nan=True):
        raise ValueError(
            f"the forward of {type(learner).__name__} gives other weights than through(U(start(τ, D), D)), of which penalties, "
            "paths and tests are made: fill in start and through instead"
        )


def _at_least_single(values: Tensor) -> Tensor:
    """Values that can be averaged: a mean in bfloat16 has three digits."""
    return values.to(torch.promote_types(values.dtype, torch.float32))


@dataclass(frozen=True)
class Row:
    """One learner of a comparison: its training (None if there was none), its tests, its number of learned parameters."""

    history: History | None
    reports: list[Report]
    parameters: int


@dataclass(frozen=True, repr=False)
class Comparison:
    """Learners side by side: name → `Row`."""

    rows: dict[str, Row]

    @property
    def has_classes(self) -> bool:
        """Whether accuracies are shown."""
        return any(report.accuracy_per_task is not None for row in self.rows.values() for report in row.reports)

    @property
    def header(self) -> tuple[str, ...]:
        share = ("accuracy", "95% interval") if self.has_classes else ()
        shown = ("learner", "shots", "inner steps", *share, "mean loss", "95% interval", "median", "diverged")
        return (*shown, "parameters", "seconds trained")

    def cells(self) -> list[tuple[str, ...]]:
        """One row for each learner and test."""
        cells = []
        for name, row in self.rows.items():
            seconds = "–" if row.history is None else f"{row.history.seconds:.1f}"
            for report in row.reports:
                low, high = report.interval
                cells.append((
                    str(name), str(report.shots), str(report.inner_steps), *report.accuracy_cells(self.has_classes),
                    f"{report.mean:.3g}", f"{low:.3g} to {high:.3g}", f"{report.median:.3g}", f"{report.share_diverged:.1%}",
                    f"{row.parameters:,}", seconds,
                ))  # fmt: skip
        return cells

    def __repr__(self) -> str:
        table = [self.header, *self.cells()]
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        return "\n".join("  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in table)

    def _repr_html_(self) -> str:
        rows = ["".join(f"<th>{c}</th>" for c in self.header)]
        rows += ["".join(f"<td>{html.escape(c)}</td>" for c in row) for row in self.cells()]
        return "<table>" + "".join(f"<tr>{row}</tr>" for row in rows) + "</table>"


def compare(
    learners: Mapping[str, Learner],
    family: Family,
    steps: int,
    tasks_per_step: int = 25,
    shots: int = 10,
    queries: int = 10,
    *,
    test_shots: Sequence[int] | None = None,
    test_inner_steps: Sequence[int] | None = None,
    test_queries: int | None = None,
    penalties: Penalties | None = None,
    optimizer: Callable[[list[nn.Parameter]], torch.optim.Optimizer] | None = None,
    seed: int = 0,
    progress: bool = True,
) -> Comparison:
    """Train every learner on the same tasks with the same budget, and test it on the same unseen tasks.

    Args:
        learners: name → learner; each is trained in place.
        family: has `.train` and `.test`.
        steps: of training; 0 tests the learners as they are.
        tasks_per_step, shots, queries: as in `meta_train`.
        test_shots: the sizes of the support sets to test with; `shots` if None.
        test_inner_steps: the numbers of inner steps to test with, for learners that take any; as in training if None.
        test_queries: as `queries` in `meta_test`.
        penalties: as in `meta_train`, the same for every learner; each gets copies of its own.
        optimizer: parameters → the optimizer of one learner, the same for all; each one's own (`outer_lr`) if None.
        seed: of the training tasks.
    """
    _expect_learners(learners, penalties or {}, trained=steps != 0)
    if not isinstance(family, Family):
        raise ValueError(f"{type(family).__name__} is no family of tasks: one has two sets, .train and .test")
    whole("steps", steps, 0)
    for name, sizes in {"test_shots": test_shots, "test_inner_steps": test_inner_steps}.items():
        expect(name, sizes, (Iterable, type(None)), f"give them in a list, [{sizes!r}]")
    if not (optimizer is None or callable(optimizer)):
        raise ValueError(f"optimizer is a {type(optimizer).__name__}: give what makes one of parameters, as torch.optim.Adam")
    sizes_of_tests = [shots] if test_shots is None else list(test_shots)
    inner_steps = [None] if test_inner_steps is None else list(test_inner_steps)
    if not (sizes_of_tests and inner_steps):
        raise ValueError("a comparison without a test: name at least one of test_shots and of test_inner_steps, or give None")
    rows = {}
    for name, learner in learners.items():
        history = None
        if steps:
            own = {copy.deepcopy(penalty): strength for penalty, strength in (penalties or {}).items()}
            trained = dict.fromkeys(p for part in parts(learner, own).values() for p in part.parameters())
            history = meta_train(
                learner, family.train, steps, tasks_per_step, shots, queries, optimizer=optimizer and optimizer(list(trained)),
                penalties=own, rng=torch.Generator().manual_seed(seed), progress=progress,
            )  # fmt: skip
        inner = inner_steps if learner.inner_steps else [None]
        reports = [meta_test(learner, family.test, n, test_queries, inner_steps=k) for n in sizes_of_tests for k in inner]
        rows[name] = Row(history, reports, sum(p.numel() for p in learner.parameters() if p.requires_grad))
        if history is not None and history.interrupted:
            break
    return Comparison(rows)


def _expect_learners(learners: Mapping[str, Learner], penalties: Penalties, trained: bool) -> None:
    """A sentence where one learner would begin where another was trained to, or a penalty's copy act on a learner's copy."""
    expect("learners", learners, Mapping, 'give each a name, {"MAML": learner}')
    if not learners:
        raise ValueError("there is nothing to compare: give at least one learner")
    for learner in learners.values():
        expect_learner(learner)
    if not trained:
        return
    owners: dict[nn.Parameter, str] = {}
    for name, learner in learners.items():
        for parameter in learner.parameters():
            if owners.setdefault(parameter, name) != name:
                raise ValueError(
                    f"{owners[parameter]!r} and {name!r} share parameters, so that one would begin where the other was trained "
                    "to: give each its own, such as copy.deepcopy(learner)"
                )
    for penalty in penalties:
        copied: dict[int, object] = {}
        copy.deepcopy(penalty, copied)
        if any(id(parameter) in copied for parameter in owners):
            raise ValueError(
                f"{name_of(penalty)} holds a learner, and is copied for each: let it use the one it is called with"
            )
