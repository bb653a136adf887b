"""What this lesson asks before its figures answer, its quiz, and what its readers asked."""

from functools import partial

from hyperedu.lessons import asking
from hyperedu.lessons.asking import Choice

PREDICTIONS = {
    "tiny-triptych": Choice(
        "What will the weight matrix look like that so few numbers write?",
        {
            "Noise, as in the lessons before": "Noise takes as many numbers as there are weights.",
            "Something regular, that changes as a whole": (
                "Few numbers can only write what repeats or varies slowly, and τ moves all of it."
            ),
            "Mostly zeros": "Nothing asks for zeros.",
        },
        "Something regular, that changes as a whole",
    ),
    "designs": Choice(
        "Which design writes hills and valleys?",
        {
            "connected": "There every weight has a row of its own in the head, and neighbours nothing in common: noise.",
            "chunked": "Its pieces are a little longer than a row of the matrix: stripes that lean.",
            "convolutional": "It makes a tile of four by four weights of each place, and so repeats a tile.",
            "attention": "A weight is the product of two codes, and a unit's code is a smooth function of its place.",
            "low rank": "It adds a small change to weights that began as noise.",
        },
        "attention",
    ),
    "three-main-networks": Choice(
        "Trained on widths 32 and 48: what works?",
        {
            "Width 40, and a third layer": "A depth that it never met is worse than the mean.",
            "Width 40 only": "Between two widths it interpolates; another depth was never trained.",
            "Neither": "Width 40 works, though less well: places between 0 and 1 fit every width.",
        },
        "Width 40 only",
    ),
}
# What readers asked, and could not answer from the page.
READERS = {}

predict = partial(asking.predict, "generator_designs", PREDICTIONS)
quiz = partial(asking.quiz, "generator_designs")
of_readers = partial(asking.of_readers, READERS)
