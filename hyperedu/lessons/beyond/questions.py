"""What this lesson asks before its figures answer, and its quiz."""

from functools import partial

from hyperedu.lessons import asking
from hyperedu.lessons.asking import Choice

PREDICTIONS = {
    "forgetting": Choice(
        "The second task is learned. What happens to the first, in the plain network?",
        {
            "It stays: the intervals do not overlap": "The network could hold both, but nothing asks it to.",
            "It is forgotten at once": "Its weights serve all tasks, and move for the one that is seen.",
            "It gets better": "Nothing of it is seen any more.",
        },
        "It is forgotten at once",
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
predict = partial(asking.predict, "beyond", PREDICTIONS)
quiz = partial(asking.quiz, "beyond")
