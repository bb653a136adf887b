"""What this lesson asks before its figures answer, its quiz, and what its readers asked."""

from functools import partial

from hyperedu.lessons import asking
from hyperedu.lessons.asking import Choice

PREDICTIONS = {
    "written": Choice(
        "Which letters will be taken for each other?",
        {
            "Those that look alike to you too": (
                "Their rows of the last layer are alike, and one example does not say which differences matter."
            ),
            "Any, by chance": "What is confused is similar in shape.",
            "Those that were drawn by the same hand": "Every drawing has a hand of its own.",
        },
        "Those that look alike to you too",
    ),
    "draw": Choice(
        "Prototypes write the layer. You draw all five letters exactly alike. What are the five probabilities?",
        {
            "20% each": "Equal rows and biases give equal logits.",
            "100% for the one you meant": "Nothing tells the five apart.",
            "100% for the first": "A softmax of equal logits has no first.",
        },
        "20% each",
    ),
}
# What readers asked, and could not answer from the page.
READERS = {}

predict = partial(asking.predict, "few_shot_characters", PREDICTIONS)
quiz = partial(asking.quiz, "few_shot_characters")
of_readers = partial(asking.of_readers, READERS)
