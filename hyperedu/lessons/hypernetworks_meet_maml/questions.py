"""What this lesson asks before its figures answer, its quiz, and what its readers asked."""

from functools import partial

from hyperedu.lessons import asking
from hyperedu.lessons.asking import Choice

PREDICTIONS = {
    "describe-or-show": Choice(
        "The description is very bad, and there are ten examples. Which learner is best?",
        {
            "The one with both": "It was warned of errors, and still listens to the description.",
            "The one with examples alone": "What is far off is worse than nothing.",
            "The one with the description alone": "It has nothing else to go by.",
        },
        "The one with examples alone",
    ),
    "months-or-description": Choice(
        "How many months tell more than a description that is wrong by one standard deviation?",
        {
            "One": "A single month is enough.",
            "Three": "It takes less.",
            "Six": "It takes far less.",
        },
        "One",
    ),
}
# What readers asked, and could not answer from the page.
READERS = {}

predict = partial(asking.predict, "hypernetworks_meet_maml", PREDICTIONS)
quiz = partial(asking.quiz, "hypernetworks_meet_maml")
of_readers = partial(asking.of_readers, READERS)
