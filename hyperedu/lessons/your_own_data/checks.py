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
