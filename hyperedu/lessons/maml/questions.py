"""What this lesson asks before its figures answer, its quiz, and what its readers asked."""

from functools import partial

from hyperedu.lessons import asking
from hyperedu.lessons.asking import Choice, Number

PREDICTIONS = {
    "step-by-step": Choice(
        "MAML's start was made for one step. What does the loss on unseen points do at the steps after it?",
        {
            "It falls on": "On most tasks by less and less; watch other tasks and rates before you trust it.",
            "It falls on most tasks, and rises again on some": (
                "With few points and a large rate it turns, or the steps run away."
            ),
            "It rises at once, everywhere": "What was made for one step still points downhill for more.",
        },
        "It falls on most tasks, and rises again on some",
    ),
    "unseen-waves": Number(
        "One step on ten points: what percentage of the median loss on unseen points does it leave, over 600 unseen waves?",
        "%",
        8.0,
        "For this one step the start was made. What the next cell prints for ten points at rate 0.01 has both medians.",
    ),
}
# What readers asked, and could not answer from the page.
READERS = {}

predict = partial(asking.predict, "maml", PREDICTIONS)
after = partial(asking.after, "maml")
quiz = partial(asking.quiz, "maml")
of_readers = partial(asking.of_readers, READERS)
