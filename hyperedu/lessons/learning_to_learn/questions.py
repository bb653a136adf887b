"""What this lesson asks before its figures answer, its quiz, and what its readers asked."""

from functools import partial

from hyperedu.lessons import asking
from hyperedu.lessons.asking import Choice, Sketch

PREDICTIONS = {
    "two-quadratics": Choice(
        "Where is the best start for two tasks, if three steps follow?",
        {
            "In the middle of the two": "Only where the steps achieve as much for both.",
            "Nearer to the task for which the steps achieve less": "There less of the way can be made up.",
            "Nearer to the task for which the steps achieve more": "That one can reach its optimum from further away.",
            "Where the support losses are smallest now": "That is where shared weights lie; it forgets the steps that follow.",
        },
        "Nearer to the task for which the steps achieve less",
    ),
    "task-counts": Sketch(
        "How large is the error of MAML on new stations, after one step on three months, for each number of training stations?",
        "training stations",
        "RMSE (°C)",
        ["4", "12", "40", "214"],
        0.0,
        3.0,
        "From a dozen on it hardly falls: a start has only to learn what years have in common.",
    ),
}
# What readers asked, and could not answer from the page.
READERS = {}

predict = partial(asking.predict, "learning_to_learn", PREDICTIONS)
quiz = partial(asking.quiz, "learning_to_learn")
of_readers = partial(asking.of_readers, READERS)
