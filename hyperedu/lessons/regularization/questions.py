"""What this lesson asks before its figures answer, and its quiz."""

from functools import partial

from hyperedu.lessons import asking
from hyperedu.lessons.asking import Choice

PREDICTIONS = {
    "strengths": Choice(
        "Which penalty lowers the error on stations never seen?",
        {
            "weight norm": "It holds the weights small, which by itself helps no new station.",
            "sensitivity": "It asks for what a new station needs: that near descriptors give near weights.",
            "both alike": "Only one of them does.",
        },
        "sensitivity",
    ),
}
predict = partial(asking.predict, "regularization", PREDICTIONS)
quiz = partial(asking.quiz, "regularization")
