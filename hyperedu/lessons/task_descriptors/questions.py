"""What this lesson asks before its figures answer, its quiz, and what its readers asked."""

from functools import partial

from hyperedu.lessons import asking
from hyperedu.lessons.asking import Choice

PREDICTIONS = {
    "sentence": Choice(
        "Which of these will be misread?",
        {
            "wave slow tall left": "It is read rightly: every word is known, and their order is no trouble.",
            "a pagoda, moving like lava": "It is read rightly: new images, but the language model knows what they are like.",
            "a wave that is not tall": "The word tall is heard, and not is ignored: it writes a tall wave.",
            "none of them": "One is: look at what it makes of not.",
        },
        "a wave that is not tall",
    ),
}
# What readers asked, and could not answer from the page.
READERS = {}

predict = partial(asking.predict, "task_descriptors", PREDICTIONS)
quiz = partial(asking.quiz, "task_descriptors")
of_readers = partial(asking.of_readers, READERS)
