"""The checks of this lesson's exercises."""

import numpy as np
import torch

from hyperedu.lessons import feedback
from hyperedu.words import _


def tau(answer) -> None:
    feedback.number(
        answer,
        0.9258,
        "Mean and standard deviation are those of the three training tasks; the new one is measured by them.",
        {
            0.7559: "That is the standard deviation with n − 1; here it is that of the training tasks as they are, with n.",
            0.7276: "The held-out task is in the mean and the standard deviation: it must not be.",
            0.6301: "The held-out task is in the mean and the standard deviation: it must not be.",
            0.8: "That is its place between the smallest and the largest; mean and standard deviation are asked for.",
            200.0: "Now in units of one: divide by the standard deviation.",
        },
        "The value less the mean of the training tasks, over their standard deviation.",
    )


def held_out_by_task(answer) -> None:
    if feedback.unanswered(answer):
        return
    names = np.repeat([f"site {k}" for k in range(20)], np.arange(20) + 3)
    try:
        masks = [np.asarray(answer(names, 0.25, seed)) for seed in (0, 0, 1)]
    except Exception as error:
        feedback.wrong(_("Calling it raises {name}: {error}.", name=type(error).__name__, error=error))
        return
    first, again, other = masks
    if first.shape != names.shape or first.dtype != bool:
        feedback.wrong("It must give True or False for each row: an array as long as `names`.")
        return
    torn = sum(len(set(first[names == name].tolist())) > 1 for name in set(names))
    n = len({name for name, out in zip(names, first, strict=True) if out})
    if torn:
        feedback.wrong(_("{n} tasks have rows on both sides: draw names, not rows.", n=torn))
    elif n != 5:
        feedback.wrong(_("{n} of 20 tasks are held out, a quarter are 5: count tasks, not rows.", n=n))
    elif not np.array_equal(first, again):
        feedback.wrong("The same seed gives another split: make the source of randomness from the seed.")
    elif np.array_equal(first, other):
        feedback.wrong("Another seed gives the same split: is it used?")
    else:
        feedback.right("Whole tasks are on one side: what is asked is how it does on a task that it never saw.")


def without_peeking(answer) -> None:
    if feedback.unanswered(answer):
        return
    values, train = torch.tensor([1.0, 2.0, 6.0, 50.0, -20.0]), torch.tensor([0, 1, 2])
    try:
        found = feedback.tensor(answer(values, train), (5,))
    except Exception as error:
        feedback.wrong(_("Calling it raises {name}: {error}.", name=type(error).__name__, error=error))
        return
    if found is None:
        return

    def by(some, correction):
        return (values - some.mean()) / some.std(correction=correction)

    if any(torch.allclose(found, by(values[train], c), atol=1e-4) for c in (0, 1)):
        feedback.right("What the training tasks are like is all that may be known before the test.")
    elif any(torch.allclose(found, by(values, c), atol=1e-4) for c in (0, 1)):
        feedback.wrong("Mean and spread are still those of all tasks, the held-out ones among them.")
    else:
        feedback.wrong("All values, less the mean of `values[train]`, over the standard deviation of `values[train]`.")
