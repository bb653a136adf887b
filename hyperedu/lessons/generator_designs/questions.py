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
READERS = {
    "3,022 parameters: how many seeds are that, when attention's losses differ by a factor of eight?": (
        "One. The other seeds were not tried here; python data/make_checkpoints.py tiny, with another seed in trainings.py, "
        "would show it. What the section claims needs one: that so few numbers can do it."
    ),
    "What does a conditioned network of 3,000 numbers reach on the same waves?": (
        "Of three seeds, trained with the same rate, batches and steps, the mean loss is 0.0056 (0.0043 to 0.0065), against "
        "0.0029 of the one above: docs/answers.md. So the waves need no 300,000 weights. The question was how few numbers can "
        "write so many, not whether one should."
    ),
    "Low rank has the least loss: is that so at each design's best rate?": (
        "On the waves it is so with the better of two rates, 0.001 and 0.004, chosen on training tasks for each seed, and "
        "2,000 steps: 0.0010, the next has 0.0021. On Colorado's stations low rank has the largest mean error, 0.86 °C, "
        "chunked the smallest, 0.77, and the ranges of most overlap. Both tables are in docs/generators.md; other rates were "
        "not tried."
    ),
    "Convolutional grows like P^0.21: in the end too?": (
        "No, in the end like √P. Of a network 1-n-n-1 the codes of rows and columns are about 48 n numbers (six sides of n / "
        "4 places, of 32 channels each), and n is about √P; all else, some 39,000 numbers, stays as it is. At n = 1,000 the "
        "codes are about 48,000 of 87,222, so the slope between the last two sizes is still far below ½."
    ),
    "Of low rank, did BA shrink or W₀ grow in training?": (
        "BA shrank, as the printed lines show; W₀ grew a little. At the start the variance is shared half and half on average "
        "over τ drawn from a standard normal, but BA is a product of two things that τ writes, so it is small for waves in "
        "the middle and large for those at the edge. The one wave in the picture lies near the middle."
    ),
    "LoRA starts at B = 0: does this design?": (
        "No. Both B and A are drawn, and written from τ. LoRA starts from weights that are already trained and wants to keep "
        "them at first; here W₀ is noise at the start, and there is nothing to keep."
    ),
    "Does attention's γ move with τ, if it is one of t?": (
        "Yes. Tokens have listened to τ when γ is made of them, so each wave has its own six γ. In chunked and convolutional "
        "they are six learned numbers, the same for all waves."
    ),
    "Why is 36 worse than 40, why do attention's seeds differ, and why are some units of connected strong?": (
        "We do not know. Of widths there is a single training, so 36 may be chance: several seeds of it would tell. For the "
        "seeds of attention one would try several rates; that was not tried here."
    ),
    "Must Own of exercise 4 be a Generator, and how is it tested?": (
        "Any nn.Module will do; Generator only adds a check of what τ is. It is made, untrained, for three networks, "
        "1-40-40-1, 2-60-60-1 and 1-25-25-25-2, and given the τ of 32 waves. Then all waves get the amplitude, or the phase, "
        "of the wave before them; the changes in θ, of both kinds together, must span more than one direction. A singular "
        "value counts for the rank if it is over 1% of the largest."
    ),
}

predict = partial(asking.predict, "generator_designs", PREDICTIONS)
quiz = partial(asking.quiz, "generator_designs")
of_readers = partial(asking.of_readers, READERS)
