"""A table of the reader's own as a family of tasks: one column names the task, others describe it, others are x and y."""

import math
from collections.abc import Mapping, Sequence
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from hyperedu.batches import Examples, TaskBatch, TaskSet, expect, floats, whole
from hyperedu.descriptors import Metadata
from hyperedu.tasks.columns import Column, named, parsed, read_csv

__all__ = ["Table"]

FEWEST_TASKS = 3
POSITIONS = 40  # at most, at which the rows of a task are drawn


class Table:
    """Tasks from a table with one row for each example: `Table.from_csv`, or a pandas frame, or a mapping of columns.

    Tasks, not rows, are split into `.train` and `.test`. τ are the columns that describe, standardised on the training tasks
    (`Metadata`: a missing one is their mean); one with words becomes one number for each word, 1 where it is said. x is
    standardised on the training rows, y stays in its unit: `MainNetwork.mlp([table.d_in, 32, table.d_out], "tanh",
    table.y_mean, table.y_std)`. Dates become days since the first. Units are read from headers such as "height (m)". Rows
    without a task, an x or a y are left out, and tasks with fewer than `least` rows; `print(table)` says how many.

    Args:
        frame: a pandas frame, or a mapping of column → values.
        task: the column that names the task.
        descriptor: the columns that describe it, each with one value for all rows of a task.
        x, y: the columns of inputs and outputs.
        n_test: how many tasks are held out; a quarter if None.
        split: which random choice of them; each is fixed.
        least: the fewest rows of a task that is kept; shots and queries together cannot be more.
        decimal: "," or ".", where a column's numbers do not say it themselves.

    Attributes:
        train, test: disjoint sets of tasks.
        descriptors: the `Metadata` that makes τ. `describe(**values)` is τ of one task.
        d_in, d_out: how many x and y there are.
        y_mean, y_std: of the training rows: numbers for one y, (d_out,) for several.
        left_out: what → how many rows or tasks.

    Raises:
        ValueError: a table that cannot be used as it is, with the column, the row and what to do.
    """

    def __init__(
        self,
        frame: Any,
        task: str,
        descriptor: Sequence[str],
        x: Sequence[str],
        y: Sequence[str],
        *,
        n_test: int | None = None,
        split: int = 0,
        least: int = 2,
        decimal: str | None = None,
        separator: str | None = None,
    ):
        whole("least, the fewest rows of a task,", least, 2)
        whole("split", split, 0)
        frame = _frame(frame)
        roles = {"descriptor": _names("descriptor", descriptor), "x": _names("x", x), "y": _names("y", y)}
        header = {role: [named(frame, name) for name in names] for role, names in roles.items()}
        task_header = named(frame, task)
        _check_roles({"task": [task_header], **header})
        columns = parsed(frame, [h for names in header.values() for h in names], separator, decimal)
        for role in ("x", "y"):
            _check_numbers(role, header[role], columns)
        self.x_columns, self.y_columns = ([columns[h] for h in header[role]] for role in ("x", "y"))
        self.left_out: dict[str, int] = {}
        self._keep_rows(frame[task_header], least)
        train, test = self._split(n_test, split)
        self.values, names, units = self._describe([columns[h] for h in header["descriptor"]], train)
        self.descriptors = Metadata.fit(self.values[train], names, units)
        rows = self._rows_of(train)
        for role in ("x", "y"):
            for name in header[role]:
                _check_differs(name, role, _numbers(columns[name])[self.rows][rows])
        self.x_mean, self.x_std = self._x[rows].mean(0), self._x[rows].std(0, correction=0)
        y_mean, y_std = self.y[rows].mean(0), self.y[rows].std(0, correction=0)
        self.y_mean, self.y_std = (v.item() if len(v) == 1 else v for v in (y_mean, y_std))
        self.x = (self._x - self.x_mean) / self.x_std
        self.d_in, self.d_out = self.x.shape[1], self.y.shape[1]
        self.train, self.test = _Rows(self, train), _Rows(self, test)

    @classmethod
    def from_csv(
        cls, path: str | Path, task: str, descriptor: Sequence[str], x: Sequence[str], y: Sequence[str], **settings
    ) -> "Table":
        """From a file of text, its columns parted by commas, semicolons, tabs or bars; arguments as above.

        UTF-8 with or without a byte-order mark, UTF-16 or Windows-1252; decimal points or commas, thousands parted or not.
        """
        frame, separator = read_csv(path)
        return cls(frame, task, descriptor, x, y, separator=separator, **settings)

    def _keep_rows(self, tasks: Any, least: int) -> None:
        """Rows with a task, an x and a y, ordered by task; tasks with at least `least` of them."""
        import pandas

        name = tasks.astype(object).where(tasks.notna(), "").astype(str).str.strip().to_numpy(dtype=object)
        x, y = (np.stack([_numbers(c) for c in columns], axis=1) for columns in (self.x_columns, self.y_columns))
        whole_rows = (name != "") & ~np.isnan(x).any(1) & ~np.isnan(y).any(1)
        self._count("rows without a task, an x or a y", int((~whole_rows).sum()))
        kept = np.flatnonzero(whole_rows)
        number, names = pandas.factorize(name[kept], sort=True)
        counts = np.bincount(number, minlength=len(names))
        enough = counts >= least
        self._count(f"tasks with fewer than {least} rows", int((~enough).sum()))
        if enough.sum() < FEWEST_TASKS:
            raise ValueError(
                f"{int(enough.sum())} tasks have at least {least} rows with an x and a y: {FEWEST_TASKS} are the fewest that "
                f"can be split into training and test. The column of the task has {len(names)} names in {len(kept)} rows"
            )
        new = np.cumsum(enough) - 1
        here = enough[number]
        number, kept = new[number[here]], kept[here]
        order = np.argsort(number, kind="stable")
        self.rows, self.names = kept[order], names[enough].tolist()
        self.counts = torch.from_numpy(counts[enough])
        self.starts = self.counts.cumsum(0) - self.counts
        self._x, self.y = floats(x[self.rows]), floats(y[self.rows])

    def _count(self, what: str, n: int) -> None:
        if n:
            self.left_out[what] = self.left_out.get(what, 0) + n

    def _describe(self, columns: list[Column], train: Tensor) -> tuple[Tensor, list[str], list[str]]:
        """The values (n_tasks, d_tau) that describe each task, names and units; words must differ among training tasks."""
        values, names, units = [], [], []
        plain = [column.name for column in columns]
        for column in columns:
            called = column.label if plain.count(column.name) > 1 else column.name  # "heat (mean)" and "heat (max)" are two
            if column.numbers is not None:
                numbers = self._one_per_task(column, column.numbers, ~np.isnan(column.numbers))
                told = numbers[train.numpy()]
                _check_kept(column.name, "descriptor", told[~np.isnan(told)])
                values.append(numbers)
                names.append(called)
                units.append(column.unit)
                continue
            words, code = np.unique(column.texts, return_inverse=True)
            code = self._one_per_task(column, code.astype(float), column.texts != "")
            said = [k for k, word in enumerate(words) if word != "" and (code == k).any()]
            if len(said) > max(2, len(self.names) // 2):
                raise ValueError(
                    f"column {column.name!r} has {len(said)} different words for {len(self.names)} tasks: it says which task "
                    "it is, and not what it is like. Leave it out, or give numbers"
                )
            for k in said[1:] if len(said) == 2 else said:
                is_said = np.where(np.isnan(code), np.nan, code == k)
                if np.unique(is_said[train.numpy()][~np.isnan(is_said[train.numpy()])]).size < 2:
                    self._count(f"words of {column.name!r} that all training tasks say, or none", 1)
                    continue
                values.append(is_said)
                names.append(f"{called}: {words[k]}")
                units.append("")
        if "name" in names:
            raise ValueError("a descriptor cannot be called 'name', as the task's own name is: give its column another")
        if not values:
            raise ValueError("no column tells the training tasks apart: give a descriptor whose values differ")
        return floats(np.stack(values, axis=1)), names, units

    def _one_per_task(self, column: Column, numbers: np.ndarray, known: np.ndarray) -> np.ndarray:
        """The value of each task (n_tasks,), NaN where no row has one; an error where its rows differ."""
        starts = self.starts.numpy()
        here, there = numbers[self.rows], known[self.rows]
        low = np.minimum.reduceat(np.where(there, here, np.inf), starts)
        high = np.maximum.reduceat(np.where(there, here, -np.inf), starts)
        differs = np.flatnonzero(low < high)
        if len(differs):
            task = differs[0]
            span = slice(starts[task], starts[task] + int(self.counts[task]))
            seen = list(dict.fromkeys(str(v) for v in column.texts[self.rows[span]][there[span]]))[:2]
            raise ValueError(
                f"column {column.name!r} describes {self.names[task]!r} as {seen[0]} and as {seen[1]}: a descriptor has one "
                f"value for a task ({len(differs)} tasks have several). Make it an x, or write its mean"
            )
        return np.where(low <= high, low, np.nan)

    def _split(self, n_test: int | None, split: int) -> tuple[Tensor, Tensor]:
        n = len(self.names)
        n_test = max(1, n // 4) if n_test is None else n_test
        whole("n_test", n_test, 1)
        if n_test > n - 2:
            raise ValueError(f"n_test must be at most {n - 2}, since {n} tasks have enough rows; got {n_test}")
        order = torch.randperm(n, generator=torch.Generator().manual_seed(split))
        return order[n_test:].sort().values, order[:n_test].sort().values

    def describe(self, /, **values: float) -> Tensor:
        """τ (d_tau,) of a task with these properties, named as in `descriptors.names`; what is left out is not known."""
        unknown = values.keys() - set(self.descriptors.names)
        if unknown:
            raise ValueError(f"no property is called {sorted(unknown)[0]!r}: there are {', '.join(self.descriptors.names)}")
        for name, value in values.items():
            expect(name, value, (Real, Tensor), f"a property is a number, {value!r} is none; leave out what is not known")
        return self.descriptors(floats([values.get(name, math.nan) for name in self.descriptors.names]))

    def _span(self, task: int) -> range:
        """The rows of one task."""
        start = int(self.starts[task])
        return range(start, start + int(self.counts[task]))

    def _rows_of(self, tasks: Tensor) -> Tensor:
        return torch.tensor([row for task in tasks.tolist() for row in self._span(task)])

    def rows_of(self, tasks: "_Rows") -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """All rows of a set of tasks: τ (n, d_tau), x (n, d_in), y (n, d_out), and the number of each row's task (n,)."""
        number = tasks.index.repeat_interleave(self.counts[tasks.index])
        rows = self._rows_of(tasks.index)
        return self.descriptors(self.values[number]), self.x[rows], self.y[rows], number

    def __repr__(self) -> str:
        said = [
            f"{len(self.names)} tasks with {int(self.counts.min())} to {int(self.counts.max())} rows, {len(self.y):,} in all; "
            f"{len(self.train.index)} to train on, {len(self.test.index)} held out",
            f"τ: {', '.join(self.descriptors.names)}; {self.d_in} x: {', '.join(c.label for c in self.x_columns)}; "
            f"{self.d_out} y: {', '.join(c.label for c in self.y_columns)}",
        ]
        if self.left_out:
            said.append("left out: " + ", ".join(f"{what} ({n:,})" for what, n in self.left_out.items()))
        return "\n".join(said)

    # ------------------------------------------------------------------------------------------------ how it is drawn

    @property
    def axis_labels(self) -> tuple[str, str]:
        return self.x_columns[0].label, self.y_columns[0].label

    def axis(self) -> tuple[Tensor, Tensor]:
        """Positions (n,) along the first x in its unit, and the inputs (n, d_in) there: other x at their training mean."""
        positions = torch.linspace(self._x[:, 0].min().item(), self._x[:, 0].max().item(), 120)
        return positions, self._inputs(positions)

    def _inputs(self, positions: Tensor) -> Tensor:
        x = torch.zeros(len(positions), self.d_in)
        x[:, 0] = (positions - self.x_mean[0]) / self.x_std[0]
        return x

    def curve(self, tasks: TaskBatch) -> tuple[Tensor, Tensor, Tensor]:
        """Positions (m,) along the first x, the inputs there (m, d_in), and the first y (n_tasks, m, 1), NaN where not known.

        Each position is a value of x where there are few, and else the middle of an interval; y is the mean of the rows there.
        """
        first = self._x[:, 0]
        positions = first.unique()
        if len(positions) > POSITIONS:
            ends = torch.linspace(first.min().item(), first.max().item(), POSITIONS + 1)
            positions = (ends[1:] + ends[:-1]) / 2
            place = torch.bucketize(first, ends[1:-1])
        else:
            place = torch.searchsorted(positions, first.contiguous())
        y = torch.full((len(tasks), len(positions), 1), math.nan)
        for row, name in enumerate(tasks.properties["name"]):
            rows = self._span(self.names.index(name))
            span = slice(rows.start, rows.stop)
            n = torch.bincount(place[span], minlength=len(positions))
            total = torch.bincount(place[span], self.y[span, 0].double(), len(positions))
            y[row, :, 0] = (total / n).to(y)
        return positions, self._inputs(positions), y


class _Rows(TaskSet):
    """Some of the tasks of a `Table`; `index` (n_tasks,) says which."""

    n_tasks: int

    def __init__(self, table: Table, index: Tensor):
        self.table, self.index, self.n_tasks = table, index, len(index)
        self.fewest = int(table.counts[index].min())

    def most_queries(self, shots: int) -> int:
        return self.fewest - shots

    def check(self, n_tasks: int | None, shots: int, queries: int, rng: torch.Generator | None = None) -> None:
        super().check(n_tasks, shots, queries, rng)
        if shots + queries > self.fewest:
            raise ValueError(
                f"{shots} shots and {queries} queries asked for, but some task has only {self.fewest} rows: ask for fewer, or "
                f"make the table with least={shots + queries}, which leaves out tasks with fewer rows"
            )

    def sample(
        self, n_tasks: int | None = None, shots: int = 10, queries: int = 10, rng: torch.Generator | None = None
    ) -> TaskBatch:
        self.check(n_tasks, shots, queries, rng)
        table = self.table
        which = self.index if n_tasks is None else self.index[torch.randperm(len(self.index), generator=rng)[:n_tasks]]
        some = [
            torch.randperm(int(table.counts[i]), generator=rng)[: shots + queries] + table.starts[i] for i in which.tolist()
        ]
        rows = torch.stack(some)
        D, D_query = (Examples(table.x[part], table.y[part]) for part in rows.split([shots, queries], dim=1))
        properties: dict[str, Any] = {"name": [table.names[i] for i in which.tolist()]}
        properties |= dict(zip(table.descriptors.names, table.values[which].unbind(-1), strict=True))
        return TaskBatch(table.descriptors(table.values[which]), D, D_query, properties)


def _frame(frame: Any) -> Any:
    import pandas

    if isinstance(frame, Mapping):
        for name, values in frame.items():
            if isinstance(values, str) or not hasattr(values, "__len__") or getattr(values, "ndim", 1) != 1:
                raise ValueError(f"column {name!r} is a {type(values).__name__}: give one value for each row, in a list")
        lengths = {name: len(values) for name, values in frame.items()}
        if len(set(lengths.values())) > 1:
            raise ValueError(f"the columns have different lengths: {lengths}")
        orders = [values.index for values in frame.values() if isinstance(values, pandas.Series)]
        if any(not order.equals(orders[0]) for order in orders[1:]):
            raise ValueError("the columns have different indices, and pandas would change their order: give their .to_numpy()")
        frame = pandas.DataFrame({name: v.tolist() if isinstance(v, Tensor) else v for name, v in frame.items()})
    if not isinstance(frame, pandas.DataFrame):
        kind = type(frame).__name__
        advice = "Table.from_csv(path, …) reads a file"
        raise ValueError(f"a table is made of a pandas frame or a mapping of columns, got {kind}; {advice}")
    if not len(frame):
        raise ValueError("the table has no rows")
    if frame.columns.nlevels > 1:
        raise ValueError("the columns of this frame have names of several levels: join them, frame.columns = [...]")
    return frame.reset_index(drop=True).rename(columns=str)


def _names(role: str, names: Sequence[str]) -> list[str]:
    if isinstance(names, str):
        raise ValueError(f"{role} takes a list of columns: {role}=[{names!r}]")
    names = [] if names is None else list(names)
    if not names:
        raise ValueError(f"{role} needs at least one column")
    return names


def _check_roles(header: Mapping[str, Sequence[str]]) -> None:
    seen: dict[str, str] = {}
    for role, names in header.items():
        for name in names:
            if name in seen:
                raise ValueError(f"column {name!r} is given as {seen[name]} and as {role}: a column has one role")
            seen[name] = role


def _check_numbers(role: str, headers: Sequence[str], columns: Mapping[str, Column]) -> None:
    for header in headers:
        column = columns[header]
        if column.numbers is None:
            example = next((text for text in column.texts if text != ""), "")
            raise ValueError(
                f"column {header!r} ({role}) has words such as {example!r}: x and y must be numbers or dates, as 2024-03-31"
            )


def _check_differs(name: str, role: str, numbers: np.ndarray) -> None:
    if numbers.min() == numbers.max():
        raise ValueError(f"column {name!r} ({role}) is the same in every training row: leave it out")
    _check_kept(name, role, numbers)
    if role == "y" and not 1e-3 <= numbers.std() <= 1e15:
        raise ValueError(
            f"column {name!r} (y) has a standard deviation of {numbers.std():.2g}, whose square training would take for "
            "nothing or for too much: give it in a unit in which it is about 1"
        )


def _check_kept(name: str, role: str, numbers: np.ndarray) -> None:
    """A sentence for numbers that differ too little for their size to be kept in the default dtype, or are too large for it."""
    lost = np.abs(floats(numbers).double().numpy() - numbers)
    if len(numbers) and numbers.min() < numbers.max() and not lost.max() < 0.003 * np.ptp(numbers):
        raise ValueError(
            f"column {name!r} ({role}) has numbers such as {numbers[0]:.9g}, which {torch.get_default_dtype()} cannot tell "
            "apart: subtract the smallest from all, or give them in another unit"
        )


def _numbers(column: Column) -> np.ndarray:
    assert column.numbers is not None
    return column.numbers
