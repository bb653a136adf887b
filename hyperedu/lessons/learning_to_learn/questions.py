"""What this lesson asks before its figures answer, and its quiz."""

from functools import partial

from hyperedu.lessons import asking
from hyperedu.lessons.asking import Choice

PREDICTIONS = {
    "two-quadratics": Choice(
        "Where is the best start for two tasks, if one step follows?",
        {
            "In the middle of the two": "Only where one step achieves as much for both.",
            "Nearer to the task for which the step achieves less": "There less of the way can be made up.",
            "Nearer to the task for which the step achieves more": "That one can reach its optimum from further away.",
            "Where the support losses are smallest now": "That is where shared weights lie; it forgets the step that follows.",
        },
        "Nearer to the task for which the step achieves less",
    ),
}
predict = partial(asking.predict, "learning_to_learn", PREDICTIONS)
quiz = partial(asking.quiz, "learning_to_learn")
