"""The checks know the right answers, and name the misconception behind every wrong one that they know."""

import numpy as np
import pandas
import pytest
import torch

from hyperedu.lessons.your_own_data import checks
from saying import NOT_YET, RIGHT, UNANSWERED

TRAIN, ALL = torch.tensor([100.0, 200, 600]), torch.tensor([100.0, 200, 600, 500])


@pytest.mark.parametrize("check", [checks.tau, checks.held_out_by_task, checks.without_peeking, checks.two_winners])
def test_an_exercise_not_yet_answered_is_no_error(says, check):
    assert says(check, ...).startswith(UNANSWERED)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((500 - TRAIN.mean()) / TRAIN.std(correction=0), RIGHT),
        ((500 - TRAIN.mean()) / TRAIN.std(), "n − 1"),
        ((500 - ALL.mean()) / ALL.std(correction=0), "held-out task is in"),
        ((500 - ALL.mean()) / ALL.std(), "held-out task is in"),
        ((500 - 100) / (600 - 100), "smallest and the largest"),
        (500 - TRAIN.mean(), "divide by"),
        (3, "less the mean"),
    ],
)
def test_tau(says, answer, words):
    said = says(checks.tau, answer)
    assert words in said
    assert said.startswith(RIGHT if words == RIGHT else NOT_YET)


def by_task(n=None, fixed=None):
    def split(names, share, seed):
        every = np.unique(names)
        held_out = np.random.default_rng(seed if fixed is None else fixed).permutation(every)[: n or round(share * len(every))]
        return np.isin(names, held_out)

    return split


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (by_task(), RIGHT),
        (by_task(n=8), "8 of 20 tasks"),
        (by_task(fixed=0), "Another seed"),
        (lambda names, share, seed: np.random.default_rng(seed).random(len(names)) < share, "rows on both sides"),
        (lambda names, share, seed: by_task()(names, share, None), "The same seed"),
        (lambda names, share, seed: names[:3], "each row"),
        (lambda names: names, "raises TypeError"),
    ],
)
def test_a_split_by_task(says, answer, words):
    assert words in says(checks.held_out_by_task, answer)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda v, train: (v - v[train].mean()) / v[train].std(), RIGHT),
        (lambda v, train: (v - v[train].mean()) / v[train].std(correction=0), RIGHT),
        (lambda v, train: (v - v.mean()) / v.std(), "still those of all"),
        (lambda v, train: v - v[train].mean(), "The mean is taken off, and the spread is left as it was."),
        (lambda v, train: v[train], "shape must be"),
        (lambda v, train: 3, "the shape must be"),
        (lambda v: v, "raises TypeError"),
    ],
)
def test_standardised_without_peeking(says, answer, words):
    assert words in says(checks.without_peeking, answer)


def table(tasks=60, rows=12, line=3.0, own=1.0, bend=0.0, noise=0.1, **columns):
    """y is a line in τ, something of the task's own, a bend in τ that all tasks share, x, and noise."""
    rng = np.random.default_rng(0)
    task = np.repeat(np.arange(tasks), rows)
    tau, level = rng.normal(size=(2, tasks))
    x, tau = rng.random(len(task)), tau[task]
    y = line * tau + own * level[task] + bend * np.sin(2 * tau) + x + noise * rng.normal(size=len(task))
    return pandas.DataFrame({"task": task, "tau": tau, "x": x, "y": y} | columns)


def as_tensors(frame):
    return {name: torch.tensor(frame[name].to_numpy(), requires_grad=name != "task") for name in frame}


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (table(), RIGHT),
        (table(noise=0), RIGHT),
        (as_tensors(table()), RIGHT),
        (table().to_dict("list"), RIGHT),
        (table().to_records(), RIGHT),
        (table().astype({"task": "category", "tau": "float32"}).sample(frac=1, random_state=0).assign(note="more"), RIGHT),
        (pandas.concat([table(rows=8, own=0, noise=1)] * 4), RIGHT),  # a row's twin is known
        (table(own=0), "By rows the copy errs"),
        (table(noise=1), "it must err a fifth less"),
        (table(line=0), "without tau"),
        (table(bend=6), "the copy wins there too"),
        (table(task=range(720)), "the copy wins there too"),  # each row a task of its own: both splits ask the same
        (table(line=30, own=0.05, noise=0), "By rows"),
        (table(tau=np.random.default_rng(1).normal(size=720)), "it describes the task"),
        (table(tasks=14), "It has 14 tasks"),
        (table(tasks=101, rows=20), "It has 2020 rows"),
        (table(x=1.0), "Column x is the same"),
        (table(y=np.nan), "Column y has missing"),
        (table(x="Monday"), "Column x holds what is no number"),
        (table().drop(columns="tau"), "no column tau"),
        (table().to_numpy(), "no column task"),
        ({"task": range(20), "tau": [1, 2], "x": [1], "y": [2]}, "alike in length"),
        ({name: [[1.0]] * 20 for name in checks.COLUMNS}, "alike in length"),
        (table()[:0], "It has 0 tasks"),
        (table, "This is a function"),
        (3, "no column task"),
        (None, "no column task"),
        ("my_table", "no column task"),
    ],
)
def test_a_table_of_two_winners(says, answer, words):
    said = says(checks.two_winners, answer)
    assert words in said
    assert said.startswith(RIGHT if words == RIGHT else NOT_YET)


def test_a_tie_is_said():
    close = checks.Duel(*torch.tensor([[1.0, 5.0, 3.0], [2.0, 1.0, 3.0], [9.0, 9.0, 9.0]]).double())
    assert "1 ± 6.6, a tie by (1)" in checks._regression_wins_by_task(checks.Judged(close, close))
    far = checks.Duel(close.copy + 9, close.regression, close.untold)
    assert not checks._regression_wins_by_task(checks.Judged(far, far))


def test_the_copy_and_the_regression_by_hand():
    tau, x = np.array([0.0, 0.0, 1.0, 1.0, 0.9]), np.array([0.0, 1.0, 0.0, 1.0, 0.6])
    y = 2 * tau + x + np.array([0, 0, 0, 0, 5.0])
    copy, regression, untold = checks._errors(tau, x, y, np.array([False] * 4 + [True]))
    assert copy == pytest.approx(1.8 + 0.6 + 5 - 3)  # of the task at 1, the row at 1
    assert regression == pytest.approx(5)
    assert untold == pytest.approx(1.8 + 0.6 + 5 - 1.6)
