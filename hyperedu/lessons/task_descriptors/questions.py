"""What this lesson asks before its figures answer, and its quiz."""

from functools import partial

from hyperedu.lessons import asking
from hyperedu.lessons.asking import Choice

PREDICTIONS = {
    "sentence": Choice(
        "Which of these will be understood?",
        {
            "a slow tall wave, shifted left": "Known words in a new order.",
            "a wave that is not tall": "The word tall is read, not is not: it writes a tall wave.",
            "une grande vague lente": "The language model is an English one, and nothing in training was French.",
            "all of them": "Negation and French are not.",
        },
        "a slow tall wave, shifted left",
    ),
}
predict = partial(asking.predict, "task_descriptors", PREDICTIONS)
quiz = partial(asking.quiz, "task_descriptors")
