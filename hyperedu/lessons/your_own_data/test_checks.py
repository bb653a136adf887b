"""The checks know the right answers, and name the misconception behind every wrong one that they know."""

import numpy as np
import pytest
import torch

from hyperedu.lessons.your_own_data import checks
from saying import NOT_YET, RIGHT, UNANSWERED

TRAIN, ALL = torch.tensor([100.0, 200, 600]), torch.tensor([100.0, 200, 600, 500])


@pytest.mark.parametrize("check", [checks.tau, checks.held_out_by_task, checks.without_peeking])
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
