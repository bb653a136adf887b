"""The checks of this lesson's exercises."""

import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch

from hyperedu.lessons import feedback, probes, variants
from hyperedu.lessons.variants import plain
from hyperedu.statistics import half_interval
from hyperedu.words import _


@dataclass(frozen=True)
class Heights(variants.Solved):
    """The heights of three training tasks, and of one held out, m."""

    train: tuple[float, float, float] = (100.0, 200.0, 600.0)
    new: float = 500.0

    choices = {
        "train": tuple(
            (a, b, c) for a in (100.0, 150.0, 200.0) for b in (250.0, 300.0, 400.0) for c in (500.0, 600.0, 650.0, 700.0, 900.0)
        ),
        "new": (200.0, 350.0, 450.0, 500.0, 550.0, 600.0, 700.0, 750.0, 800.0),
    }

    def __str__(self) -> str:
        train = ", ".join(map(plain, self.train))
        return _("{train} m, and {new} m held out", train=train, new=plain(self.new))

    @property
    def mean(self) -> float:
        return statistics.fmean(self.train)

    @property
    def deviation(self) -> float:
        return statistics.pstdev(self.train)

    @property
    def right(self) -> float:
        return (self.new - self.mean) / self.deviation

    @property
    def is_short(self) -> bool:
        return self.mean % 10 == 0

    def mistakes(self) -> Mapping[str, Any]:
        low, middle, high = self.train
        every = [*self.train, self.new]
        return {
            "That is the standard deviation with n − 1; here it is that of the training tasks as they are, with n.": (
                (self.new - self.mean) / statistics.stdev(self.train)
            ),
            "The held-out task is in the mean and the standard deviation: it must not be.": tuple(
                (self.new - statistics.fmean(every)) / deviation(every) for deviation in (statistics.pstdev, statistics.stdev)
            ),
            "That is its place between the smallest and the largest; mean and standard deviation are asked for.": (
                (self.new - low) / (high - low)
            ),
            "That is divided by the variance; the standard deviation is its root.": self.right / self.deviation,
            _("That is less the median of the training tasks; their mean is {mean}.", mean=plain(self.mean)): (
                (self.new - middle) / self.deviation
            ),
            "Now in units of one: divide by the standard deviation.": self.new - self.mean,
        }


@variants.keyed(Heights)
def tau(answer, heights: Heights) -> None:
    feedback.number(
        answer,
        heights.right,
        "Mean and standard deviation are those of the three training tasks; the new one is measured by them.",
        heights.told(),
        "The value less the mean of the training tasks, over their standard deviation.",
        rel=2e-4,
    )


def held_out_by_task(answer) -> None:
    if not probes.is_function(answer):
        return
    names = np.repeat([f"site {k}" for k in range(20)], np.arange(20) + 3)
    names = names[np.random.default_rng(0).permutation(len(names))]
    try:
        masks = [np.asarray(answer(names.copy(), 0.25, seed)) for seed in range(8)]
        again, more = (np.asarray(answer(names.copy(), *told)) for told in ((0.25, 0), (0.5, 0)))
    except Exception as error:
        feedback.wrong(probes.raised(error, _("the names of 250 rows of 20 tasks")))
        return
    said = _of_masks(names, masks, again, more)
    feedback.wrong(said) if said else feedback.right(
        "Whole tasks are on one side: what is asked is how it does on a task that it never saw."
    )


def _of_masks(names, masks, again, more) -> str:
    """What is wrong with a quarter of 20 tasks held out by several seeds, by the first one again, and a half; or nothing."""
    first = masks[0]
    if first.shape != names.shape or first.dtype != bool:
        return _("It must give True or False for each row: an array as long as `names`.")
    torn = sum(len(set(first[names == name].tolist())) > 1 for name in set(names))
    if torn:
        return _("{n} tasks have rows on both sides: draw names, not rows.", n=torn)
    held = [len({name for name, out in zip(names, mask, strict=True) if out}) for mask in masks]
    if held == [15] * len(held):
        return _("15 of 20 tasks are held out, a quarter are 5: True stands for a row that is held out.")
    if len(set(held)) > 1:
        return _("By some seeds {few} of 20 tasks are held out, by others {many}: draw without replacement, and among "
        "the tasks.",
                 few=min(held), many=max(held))  # fmt: skip
    if held[0] != 5:
        return _("{n} of 20 tasks are held out, a quarter are 5: count tasks, not rows.", n=held[0])
    if not np.array_equal(first, again):
        return _("The same seed gives another split: make the source of randomness from the seed.")
    if all(np.array_equal(first, mask) for mask in masks[1:]):
        return _("Another seed gives the same split: is it used?")
    n = len({name for name, out in zip(names, more, strict=True) if out})
    return "" if n == 10 else _("Of a share of one half {n} of 20 tasks are held out.", n=n)


def without_peeking(answer) -> None:
    def standardised(values, train, mean=lambda v, t: v[t], std=lambda v, t: v[t], correction=1, own=False):
        found = (values - mean(values, train).mean()) / std(values, train).std(correction=correction)
        if own:
            test = torch.ones(len(values), dtype=torch.bool)
            test[train] = False
            found[test] = (values[test] - values[test].mean()) / values[test].std(correction=correction)
        return found

    def case(values, train):
        return torch.tensor(values), torch.tensor(train)

    def both(said, **of):
        return {said: [partial(standardised, correction=c, **of) for c in (0, 1)]}

    def every(values, train):
        return values

    mistakes = {
        **both("Mean and spread are still those of all tasks, the held-out ones among them.", mean=every, std=every),
        **both("The spread is still that of all tasks; only the mean is that of the training ones.", std=every),
        **both("The mean is still that of all tasks; only the spread is that of the training ones.", mean=every),
        **both("The held-out tasks are standardised by themselves: their mean and spread are used after all.", own=True),
        **both(
            "It takes the first tasks for the training ones: `train` has their numbers.",
            mean=lambda v, t: v[: len(t)],
            std=lambda v, t: v[: len(t)],
        ),
        "It is divided by the variance; the standard deviation is its root.": lambda v, t: (v - v[t].mean()) / v[t].var(),
        "The mean is taken off, and the spread is left as it was.": lambda v, t: v - v[t].mean(),
        "That is the place between the smallest and the largest; mean and standard deviation are asked for.": (
            lambda v, t: (v - v[t].min()) / (v[t].max() - v[t].min())
        ),
        "Only the training tasks come back: all values are to be standardised, by what the training tasks say.": (
            lambda v, t: (v[t] - v[t].mean()) / v[t].std()
        ),
    }
    probes.function(
        answer,
        standardised,
        [
            partial(case, [1.0, 2.0, 6.0, 50.0, -20.0], [0, 1, 2]),
            partial(case, [3.0, -7.0, 11.0, 2.5, 0.5, 4.0, 9.0], [6, 1, 3, 4]),
        ],
        mistakes,
        "What the training tasks are like is all that may be known before the test.",
        "All values, less the mean of `values[train]`, over the standard deviation of `values[train]`.",
        names=("values", "train"),
        also=partial(standardised, correction=0),
        learns=False,
    )


COLUMNS = ("task", "tau", "x", "y")
TASKS, ROWS, SPLITS, SHARE = 15, 2000, 10, 0.2  # at least, at most; how many splits; by how much an error must differ


@dataclass(frozen=True)
class Duel:
    """Errors of models on what was held out, in each split: (SPLITS,) each, in the unit of y.

    Attributes:
        copy: of the nearest x of the task with the most similar τ.
        regression: of linear regression on (τ, x).
        untold: of linear regression on x alone.
    """

    copy: torch.Tensor
    regression: torch.Tensor
    untold: torch.Tensor

    @property
    def ratio(self) -> float:
        return (self.copy.mean() / self.regression.mean()).item()

    def __str__(self) -> str:
        return _("the copy errs {copy:.3g}, the regression {other:.3g}", copy=self.copy.mean(), other=self.regression.mean())

    def tie(self) -> str:
        """That (1) does not tell the two apart, if it does not."""
        more = self.copy - self.regression
        mean, half = more.mean().item(), half_interval(more)
        if abs(mean) > half:
            return ""
        return _(
            "they differ by {mean:.2g} ± {half:.2g}, a tie by (1): make the difference larger, or the tasks more",
            mean=mean,
            half=half,
        )


@dataclass(frozen=True)
class Judged:
    """What a table says when rows are held out, and when tasks are."""

    by_row: Duel
    by_task: Duel


def _columns(answer: Any) -> dict[str, np.ndarray]:
    """Names of tasks, and numbers, (n,) each; `Said` if they cannot be had."""
    if callable(answer):
        raise probes.Said(_("This is a function; asked is the table that it makes: call it."))
    found = {}
    for name in COLUMNS:
        try:
            column = answer[name]
        except (KeyError, IndexError, TypeError, ValueError):
            listed = ", ".join(COLUMNS)
            raise probes.Said(_("It has no column {name}: asked is a frame of {listed}.", name=name, listed=listed)) from None
        column = column.tolist() if isinstance(column, torch.Tensor) else list(column)
        try:
            found[name] = np.array(column).astype(str if name == "task" else np.float64)
        except (TypeError, ValueError):
            raise probes.Said(_("Column {name} holds what is no number.", name=name)) from None
    return found


def _malformed(columns: Mapping[str, np.ndarray]) -> str:
    """Why no verdict can be had on a table, or nothing."""
    if len({column.shape for column in columns.values()}) > 1 or columns["y"].ndim != 1:
        return _("Its columns must be alike in length, a number for each row.")
    names, place = np.unique(columns["task"], return_inverse=True)
    if len(names) < TASKS:
        return _("It has {n} tasks: {least} at least, or no interval tells models apart.", n=len(names), least=TASKS)
    if len(place) > ROWS:
        return _("It has {n} rows: {most} at most.", n=len(place), most=ROWS)
    for name in COLUMNS[1:]:
        if not np.isfinite(columns[name]).all():
            return _("Column {name} has missing or infinite numbers.", name=name)
        if np.ptp(columns[name]) == 0:
            return _("Column {name} is the same in every row.", name=name)
    torn = sum(np.ptp(columns["tau"][place == k]) > 0 for k in range(len(names)))
    return _("In {n} tasks tau differs from row to row: it describes the task.", n=torn) if torn else ""


def _judged(columns: Mapping[str, np.ndarray]) -> Judged:
    names, place = np.unique(columns["task"], return_inverse=True)
    tau, x, y = (columns[name] for name in COLUMNS[1:])
    by_row, by_task = [], []
    for split in range(SPLITS):
        rng = np.random.default_rng(split)
        rows = rng.permutation(len(y)) < len(y) // 4
        tasks = (rng.permutation(len(names)) < len(names) // 4)[place]
        by_row.append(_errors(tau, x, y, rows))
        by_task.append(_errors(tau, x, y, tasks))
    return Judged(*(Duel(*torch.tensor(np.array(errors)).T) for errors in (by_row, by_task)))


def _errors(tau: np.ndarray, x: np.ndarray, y: np.ndarray, test: np.ndarray) -> list[float]:
    """RMSE over all held-out rows of the copy, of linear regression on (τ, x), and of that on x alone."""
    train, one = ~test, np.ones(len(y))
    off = np.abs(tau[test, None] - tau[train])
    nearest = np.where(off == off.min(1, keepdims=True), np.abs(x[test, None] - x[train]), np.inf).argmin(1)
    said = [y[train][nearest]]
    for columns in ((one, tau, x), (one, x)):
        A = np.stack([(c - c[train].mean()) / (c[train].std() or 1) if c is not one else c for c in columns], 1)
        said.append(A[test] @ np.linalg.lstsq(A[train], y[train], rcond=None)[0])
    return [np.sqrt(np.mean((each - y[test]) ** 2)) for each in said]


def two_winners(answer) -> None:
    found: list[Judged] = []

    def read(answer) -> str:
        columns = _columns(answer)
        said = _malformed(columns)
        if not said:
            found[:] = [_judged(columns)]
        return said

    def because(_answer) -> str:
        return _(
            "By rows {by_row}: the copy has met the task. By tasks {by_task}: it can only copy another. "
            "One table, two questions.",
            by_row=found[0].by_row,
            by_task=found[0].by_task,
        )

    demands = (_copy_wins_by_row, _tau_helps, _regression_wins_by_task)
    probes.made(answer, [read, *(lambda _answer, demand=demand: demand(found[0]) for demand in demands)], because)


def _copy_wins_by_row(judged: Judged) -> str:
    duel = judged.by_row
    if duel.ratio > 1 - SHARE:
        return _(
            "By rows {duel}; it must err a fifth less. It copies another row of the same task: what has the task for itself, "
            "that no line in τ and x can say, and that noise or the way to the next x does not hide?",
            duel=duel,
        )
    tie = duel.tie()
    return _("By rows {duel}; {tie}.", duel=duel, tie=tie) if tie else ""


def _tau_helps(judged: Judged) -> str:
    told, untold = judged.by_task.regression.mean(), judged.by_task.untold.mean()
    if told <= (1 - SHARE) * untold:
        return ""
    return _(
        "By tasks the regression errs {told:.3g}, and {untold:.3g} without tau: τ must make it a fifth less. Let the "
        "description say something that a line can use.",
        told=told,
        untold=untold,
    )


def _regression_wins_by_task(judged: Judged) -> str:
    duel = judged.by_task
    if duel.ratio < 1:
        return _(
            "By tasks {duel}: the copy wins there too. Tasks of similar τ are alike even in what the line misses: what would "
            "make another task a bad guide?",
            duel=duel,
        )
    if duel.ratio < 1 + SHARE:
        return _("By tasks {duel}; the copy must err a fifth more. Is the most similar task too good a guide still?", duel=duel)
    tie = duel.tie()
    return _("By tasks {duel}; {tie}.", duel=duel, tie=tie) if tie else ""
