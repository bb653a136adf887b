"""What this lesson asks before its figures answer, its quiz, and what its readers asked."""

from functools import partial

from hyperedu.lessons import asking
from hyperedu.lessons.asking import Choice

PREDICTIONS = {
    "paths": Choice(
        "Halfway between two good networks (left along the sheet, middle straight), is the network good for the wave halfway?",
        {
            "Between written ones and between those trained apart": (
                "Between networks trained apart lies a barrier: their hidden units do not correspond."
            ),
            "Between written ones only": (
                "What one generator writes lies on a smooth sheet that works everywhere; networks trained apart are scattered."
            ),
            "Between those trained apart only": "It is the other way round.",
            "Between neither": "Along the sheet there is, between written ones.",
        },
        "Between written ones only",
    ),
    "ways-to-add": Choice(
        "Δθ is wrapped in nn.Parameter before it is added. What happens?",
        {
            "An error is raised": "It runs without a word: that is what makes it dangerous.",
            "The loss falls and the generator learns": "No gradient reaches the generator: its .grad stays None.",
            "The loss falls and the generator learns nothing": (
                "θ₀ learns, and the loss with it; the generator's .grad is None."
            ),
        },
        "The loss falls and the generator learns nothing",
    ),
}
# What readers asked, and could not answer from the page.
READERS = {}

predict = partial(asking.predict, "training_a_hypernetwork", PREDICTIONS)
quiz = partial(asking.quiz, "training_a_hypernetwork")
of_readers = partial(asking.of_readers, READERS)
