"""What this lesson asks before its figures answer, its quiz, and what its readers asked."""

from functools import partial

from hyperedu.lessons import asking
from hyperedu.lessons.asking import Choice

PREDICTIONS = {
    "two-sliders": Choice(
        "You move the amplitude. Which weights change?",
        {
            "Only those of the last layer": (
                "A scaling of the last layer would be enough, but nobody asked for the simplest solution."
            ),
            "Those of every layer": "Training found one of many solutions, and this one moves every layer.",
            "None: the amplitude is multiplied afterwards": "Nothing stands behind the network: the written weights do it all.",
        },
        "Those of every layer",
    ),
    "slider-per-weight": Choice(
        "Ten sliders, one for each weight: can you bring the error below 0.1 within a minute?",
        {
            "Yes, quickly": "If you did, you are rare: each slider bends the curve, and all of them bend it together.",
            "Hardly": (
                "So it goes to most: what a slider does hangs on where the others stand. For more than a thousand "
                "weights it is hopeless."
            ),
        },
        "Hardly",
    ),
}
# What readers asked, and could not answer from the page.
READERS = {}

predict = partial(asking.predict, "everything_is_a_mapping", PREDICTIONS)
after = partial(asking.after, "everything_is_a_mapping")
quiz = partial(asking.quiz, "everything_is_a_mapping")
of_readers = partial(asking.of_readers, READERS)
