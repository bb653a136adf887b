"""What this lesson asks before its figures answer, its quiz, and what its readers asked."""

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
# What readers asked, and could not answer from the page.
READERS = {}

predict = partial(asking.predict, "regularization", PREDICTIONS)
quiz = partial(asking.quiz, "regularization")
of_readers = partial(asking.of_readers, READERS)
