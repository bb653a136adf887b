"""A table of the reader's own as a family of tasks: one column names the task, others describe it, others are x and y."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from hyperedu.batches import Examples, TaskBatch, TaskSet, expect, floats, whole
from hyperedu.descriptors import Metadata
from hyperedu.tasks.columns import Column, check_differs, check_kept, parsed
from hyperedu.tasks.frames import framed, headers, read_csv

if TYPE_CHECKING:
    import pandas

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
        frame = framed(frame)
        header = headers(frame, {"task": [task], "descriptor": descriptor, "x": x, "y": y})
        columns = parsed(frame, [*header["descriptor"], *header["x"], *header["y"]], separator, decimal)
        numbers = {role: _numbers(role, header[role], columns) for role in ("x", "y")}
        self.x_columns, self.y_columns = ([columns[h] for h in header[role]] for role in ("x", "y"))
        self.left_out: Counter[str] = Counter()
        self._keep_rows(frame[header["task"][0]], numbers["x"], numbers["y"], least)
        train, test = self._split(n_test, split)
        self.values, names, units = self._describe([columns[h] for h in header["descriptor"]], train)
        self.left_out = +self.left_out  # without what is nowhere
        self.descriptors = Metadata.fit(self.values[train], names, units)
        rows = self._rows_of(train)
        for role in ("x", "y"):
            for name, values in zip(header[role], numbers[role][self.rows[rows]].T, strict=True):
                check_differs(name, role, values)
        self.x_mean, self.x_std = self._x[rows].mean(0), self._x[rows].std(0, correction=0)
        y_mean, y_std = self.y[rows].mean(0), self.y[rows].std(0, correction=0)
        self.y_mean, self.y_std = (v.item() if len(v) == 1 else v for v in (y_mean, y_std))
        self.x = (self._x - self.x_mean) / self.x_std
        self.d_in, self.d_out = self.x.shape[1], self.y.shape[1]
        self.train, self.test = _Rows(self, train), _Rows(self, test)

    @classmethod
    def from_csv(
        cls, path: str | Path, task: str, descriptor: Sequence[str], x: Sequence[str], y: Sequence[str], **settings
    ) -> Table:
        """From a file of text, its columns parted by commas, semicolons, tabs or bars; arguments as above.

        UTF-8 with or without a byte-order mark, UTF-16 or Windows-1252; decimal points or commas, thousands parted or not.
        """
        frame, separator = read_csv(path)
        return cls(frame, task, descriptor, x, y, separator=separator, **settings)

    def _keep_rows(self, tasks: pandas.Series, x: np.ndarray, y: np.ndarray, least: int) -> None:
        """Rows with a task, an x and a y, ordered by task; tasks with at least `least` of them."""
        name = tasks.astype(object).where(tasks.notna(), "").astype(str).str.strip().astype(object)
        whole_rows = (name != "") & ~np.isnan(x).any(1) & ~np.isnan(y).any(1)
        self.left_out["rows without a task, an x or a y"] = int((~whole_rows).sum())
        name = name[whole_rows].sort_values(kind="stable")
        every = name.groupby(name).size()
        counts = every[every >= least]
        self.left_out[f"tasks with fewer than {least} rows"] = len(every) - len(counts)
        if len(counts) < FEWEST_TASKS:
            raise ValueError(
                f"{len(counts)} tasks have at least {least} rows with an x and a y: {FEWEST_TASKS} are the fewest that "
                f"can be split into training and test. The column of the task has {len(every)} names in {len(name)} rows"
            )
        self.rows, self.names = name.index[name.isin(counts.index)].to_numpy(), counts.index.tolist()
        self.counts = torch.tensor(counts.tolist())
        self.starts = self.counts.cumsum(0) - self.counts
        self._x, self.y = floats(x[self.rows]), floats(y[self.rows])

    def _describe(self, columns: list[Column], train: Tensor) -> tuple[Tensor, Sequence[str], Sequence[str]]:
        """The values (n_tasks, d_tau) that describe each task, names and units; words must differ among training tasks."""
        found: list[tuple[np.ndarray, str, str]] = []
        plain = [column.name for column in columns]
        for column in columns:
            called = column.label if plain.count(column.name) > 1 else column.name  # "heat (mean)" and "heat (max)" are two
            if column.numbers is None:
                found += [(is_said, f"{called}: {word}", "") for word, is_said in self._words(column, train)]
                continue
            numbers = self._one_per_task(column, column.numbers)
            told = numbers[train.numpy()]
            check_kept(column.name, "descriptor", told[~np.isnan(told)])
            found.append((numbers, called, column.unit))
        if not found:
            raise ValueError("no column tells the training tasks apart: give a descriptor whose values differ")
        values, names, units = zip(*found, strict=True)
        if "name" in names:
            raise ValueError("a descriptor cannot be called 'name', as the task's own name is: give its column another")
        return floats(np.stack(values, axis=1)), names, units

    def _words(self, column: Column, train: Tensor) -> Iterator[tuple[str, np.ndarray]]:
        """Each word and whether it is said of each task (n_tasks,), NaN where nothing is; of two words one is enough."""
        import pandas

        said = pandas.Series(self._one_per_task(column, np.where(column.texts == "", np.array(None), column.texts)))
        if said.nunique() > max(2, len(self.names) // 2):
            raise ValueError(
                f"column {column.name!r} has {said.nunique()} different words for {len(self.names)} tasks: it says which task "
                "it is, and not what it is like. Leave it out, or give numbers"
            )
        words = pandas.get_dummies(said, dtype=float)
        words[said.isna()] = math.nan
        for word, is_said in words.iloc[:, 1 if words.shape[1] == 2 else 0 :].items():
            if is_said[train.numpy()].nunique() == 2:
                yield word, is_said.to_numpy()
            else:
                self.left_out[f"words of {column.name!r} that all training tasks say, or none"] += 1

    def _one_per_task(self, column: Column, values: np.ndarray) -> np.ndarray:
        """The value of each task (n_tasks,), NaN or None where no row has one; an error where its rows differ."""
        import pandas

        values, number = values[self.rows], np.repeat(np.arange(len(self.names)), self.counts)
        of_task = pandas.Series(values).groupby(number)
        differs = np.flatnonzero(of_task.nunique() > 1)
        if len(differs):
            seen = pandas.unique(column.texts[self.rows[(number == differs[0]) & pandas.notna(values)]])
            raise ValueError(
                f"column {column.name!r} describes {self.names[differs[0]]!r} as {seen[0]} and as {seen[1]}: a descriptor has "
                f"one value for a task ({len(differs)} tasks have several). Make it an x, or write its mean"
            )
        return of_task.first().to_numpy()

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

    def _rows_of(self, tasks: Tensor) -> Tensor:
        return torch.cat([self.starts[i] + torch.arange(int(self.counts[i])) for i in tasks.tolist()])

    def rows_of(self, tasks: _Rows) -> tuple[Tensor, Tensor, Tensor, Tensor]:
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
        first = (positions - self.x_mean[0]) / self.x_std[0]
        return nn.functional.pad(first.unsqueeze(1), (0, self.d_in - 1))

    def curve(self, tasks: TaskBatch) -> tuple[Tensor, Tensor, Tensor]:
        """Positions (m,) along the first x, the inputs there (m, d_in), and the first y (n_tasks, m, 1), NaN where not known.

        Each position is a value of x where there are few, and else the middle of an interval; y is the mean of the rows there.
        """
        first = self._x[:, 0]
        positions, place = first.unique(return_inverse=True)
        if len(positions) > POSITIONS:
            ends = torch.linspace(first.min().item(), first.max().item(), POSITIONS + 1)
            positions, place = (ends[1:] + ends[:-1]) / 2, torch.bucketize(first, ends[1:-1])
        y = torch.full((len(tasks), len(positions), 1), math.nan)
        for row, name in enumerate(tasks.properties["name"]):
            rows = self._rows_of(torch.tensor([self.names.index(name)]))
            n = torch.bincount(place[rows], minlength=len(positions))
            total = torch.bincount(place[rows], self.y[rows, 0].double(), len(positions))
            y[row, :, 0] = (total / n).to(y)
        return positions, self._inputs(positions), y


class _Rows(TaskSet):
    """Some of the tasks of a `Table`; `index` (n_tasks,) says which."""

    def __init__(self, table: Table, index: Tensor):
        self.table, self.index, self.n_tasks = table, index, len(index)
        self.fewest = int(table.counts[index].min())

    def most_queries(self, shots: int) -> int:
        return self.fewest - shots

    def sample(self, n_tasks=None, shots=10, queries=10, rng=None) -> TaskBatch:
        self.check(n_tasks, shots, queries, rng)
        if shots + queries > self.fewest:
            raise ValueError(
                f"{shots} shots and {queries} queries asked for, but some task has only {self.fewest} rows: ask for fewer, or "
                f"make the table with least={shots + queries}, which leaves out tasks with fewer rows"
            )
        table = self.table
        which = self.index if n_tasks is None else self.index[torch.randperm(len(self.index), generator=rng)[:n_tasks]]
        each = [torch.randperm(int(table.counts[i]), generator=rng) + table.starts[i] for i in which.tolist()]
        rows = torch.stack([some[: shots + queries] for some in each])
        examples, values = Examples(table.x[rows], table.y[rows]), table.values[which]
        properties: dict[str, Any] = {"name": [table.names[i] for i in which.tolist()]}
        properties |= dict(zip(table.descriptors.names, values.unbind(-1), strict=True))
        return TaskBatch(table.descriptors(values), *examples.split(shots), properties)


def _numbers(role: str, headers: Sequence[str], columns: Mapping[str, Column]) -> np.ndarray:
    """The numbers of some columns side by side, (n_rows, n_columns)."""
    found = []
    for header in headers:
        numbers, texts = columns[header].numbers, columns[header].texts
        if numbers is None:
            example = next((text for text in texts if text != ""), "")
            raise ValueError(
                f"column {header!r} ({role}) has words such as {example!r}: x and y must be numbers or dates, as 2024-03-31"
            )
        found.append(numbers)
    return np.stack(found, axis=1)
