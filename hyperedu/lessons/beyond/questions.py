"""What this lesson asks before its figures answer, its quiz, and what its readers asked."""

from functools import partial

from hyperedu.lessons import asking
from hyperedu.lessons.asking import Choice, Sketch

PREDICTIONS = {
    "forgetting": Sketch(
        "How large is the plain network's error on the first task, while all three are learned, 600 steps each? Sketch it.",
        "step",
        "mean squared error",
        [str(step) for step in range(0, 2000, 200)],
        0.0,
        3.0,
        "The first task is forgotten as soon as the second is learned: the weights serve all tasks, and move for the one seen.",
    ),
    "map": Choice(
        "What lies between two hands' drawings of one letter?",
        {
            "The letter, in a hand between": "The noise on τ made neighbours alike.",
            "A blur of both": "That is what lies between weights, not between places on the map.",
            "Nothing that can be read": "Between letters there are such places; within one there are few.",
        },
        "The letter, in a hand between",
    ),
    "walk": Choice(
        "Half way from one drawing to another: which way is still a drawing?",
        {
            "Over the map (τ)": "The generator was trained on what lies there, if only by noise.",
            "Straight through written weights": "Between two written networks lies a blur.",
            "Between networks trained apart": "Their hidden units do not correspond: nothing that anybody drew.",
        },
        "Over the map (τ)",
    ),
    "adapter": Choice(
        "The digits are upright, and the sentence says that they stand on their heads. What is read?",
        {
            "As much as without an adapter": "The adapter believes the sentence, and changes the network for it.",
            "Much less": "A wrong sentence destroys what the frozen network could do.",
            "More": "It was adapted to what is not there.",
        },
        "Much less",
    ),
}
# What readers asked, and could not answer from the page.
READERS = {}

predict = partial(asking.predict, "beyond", PREDICTIONS)
quiz = partial(asking.quiz, "beyond")
of_readers = partial(asking.of_readers, READERS)
