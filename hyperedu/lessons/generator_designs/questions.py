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
        "2,000 steps: three seeds have 0.0008 to 0.0012, the next design, connected, 0.0020 to 0.0023. On Colorado's stations "
        "low rank has the largest mean error, 0.86 °C, chunked the smallest, 0.77, and the ranges of most overlap. Both "
        "tables are in docs/generators.md; other rates were not tried."
    ),
    "Convolutional grows like P^0.21: in the end too?": (
        "No, in the end like √P. Of a network 1-n-n-1 the codes of rows and columns are about 48 n numbers (six sides of n / "
        "4 places, of 32 channels each), and n is about √P; all else, some 39,000 numbers, stays as it is. At n = 1,000 the "
        "codes are about 48,000 of 87,222, so the slope between the last two sizes is still far below ½."
    ),
    "Of low rank, did BA shrink or W₀ grow in training, and did B begin at 0, as in LoRA?": (
        "BA shrank, W₀ grew a little: the first printed line is of an untrained generator, the others of trained ones, on the "
        "same waves. That BA begins below W₀ is no mistake: they have the same variance over τ drawn from a standard normal, "
        "which has tails; those of waves are uniform in a box. Far out BA, a product of two things that τ writes, is largest. "
        "B and A are both drawn: LoRA begins at weights that are trained and wants to keep them; here W₀ is noise at first."
    ),
    "Does attention's γ move with τ, if it is one of t?": (
        "Yes. Tokens have listened to τ when γ is made of them, so each wave has its own six γ. In chunked and convolutional "
        "they are six learned numbers, the same for all waves."
    ),
    "Why is 36 worse than 40, why do attention's seeds differ, and why are some units of connected strong?": (
        "We do not know. Of widths there is a single training, so 36 may be chance: several seeds of it would tell. For the "
        "seeds of attention one would try several rates; that was not tried here."
    ),
    "Why does the convolution repeat its tile, when each place has codes of its own?": (
        "A tile is what all places share: the biases, the shift by τ, and what the activation leaves on average. In W₂ of the "
        "wave in the row, the mean tile makes about a quarter of the mean square of an untrained generator and 63 to 73% of a "
        "trained one (docs/answers.md). Why training strengthens it, we do not know."
    ),
    "Must Own of exercise 4 be a Generator, and for which networks and waves is it tested?": (
        "Any nn.Module will do; Generator only adds a check of what τ is. It is made, untrained, for three networks, "
        "1-40-40-1, 2-60-60-1 and 1-25-25-25-2, and given the τ of 32 waves. Half of these, given alone, must get the same θ "
        "as before; so must the same τ, asked twice. A piece is repeated if θ of the first wave, divided by initial_std, "
        "comes again after fewer than P / 2 numbers, all along."
    ),
    "Exercise 4: how are spread, rank, gradient and change computed?": (
        "Spread: the variance of one network's entries in a matrix, averaged over the waves; its root is compared with "
        "initial_std of that matrix, and so is the root mean square of the biases beside it. Rank: how many singular values "
        "exceed 1% of the largest, the median over the waves. Gradient: of the mean of θ times fixed noise; in every "
        "parameter tensor some entry must not be 0. Change: every wave gets the amplitude, or the phase, of the wave before "
        "it; the changes of both kinds together must span more than one direction."
    ),
    "Connected and convolutional print the same loss and the same range: is that one set of files, loaded twice?": (
        "No, it is chance. Their seeds have 0.00188, 0.00172, 0.00126 and 0.00131, 0.00149, 0.00192; and phase moves their W₁ "
        "by other amounts."
    ),
    "Do the 3,022 parameters do better than attention with 30,000, which has a larger loss?": (
        "That is not shown: they were trained in another way, on 3,000 batches of 8 waves by Adam at 0.005, the five designs "
        "on as many batches of 25 waves at 0.004 (both rates fall to 0), and with one seed only. The generator for two widths "
        "had 3,000 batches of 25 waves at 0.003, with clipped gradients. Their recipes differ, so that their losses rank "
        "nothing."
    ),
    "What can the convolution not write?": (
        "Weights that have nothing to do with their neighbours: no weight has numbers of its own, as in connected. Two places "
        "of a matrix differ only as far as the codes of their rows and columns do, and their places within a tile. And these "
        "codes belong to the sizes of this main network, so that, unlike attention, it serves no other."
    ),
    "Writing takes time like P: must W be written at all, if a change of low rank can be applied to x?": (
        "Of low rank the change alone need not be: B (A x) costs less than B A (lesson 10, exercise 2). Here θ is written "
        "whole, so that one main network serves all designs; and W₀ has as many numbers as W in any case, though it is "
        "written once and not for each task."
    ),
    "A third hidden layer: is depth a share or a count, and is that why it fails?": (
        "A share: the first tensor is at 0, the last at 1, so a third layer brings tokens at shares that were never met, as "
        "well as two more tensors to attend to. Which of these makes it fail was not separated."
    ),
    "Exercise 4: may a generator keep fixed random numbers that it does not learn?": (
        "Yes. What counts is what it learns, its parameters; buffers are not counted. But θ must follow from τ, and the call "
        "must not set torch's seed."
    ),
    "Attention makes hills since codes are smooth functions of the place: why smooth, if cosines go up to ν = 16?": (
        "They need not be: with 40 units the fastest cosine repeats every five. The hills that one sees say that the slow "
        "ones weigh more here. That training favours them was not measured."
    ),
    "Low rank: few directions of what, and may its lead have another reason?": (
        "Of the change of W₂, which has rank 4. But a learned W₀ may be what helps, or biases that are written whole, or "
        "room: at about 30,000 parameters the layer before the head has 50 units in low rank and 15 in connected. Not "
        "separated."
    ),
    "What is rms, by which the convolution is divided?": (
        "One number for each matrix, measured once when the generator is made, so that the entries begin with the spread that "
        "is wanted; a constant afterwards."
    ),
}

predict = partial(asking.predict, "generator_designs", PREDICTIONS)
quiz = partial(asking.quiz, "generator_designs")
of_readers = partial(asking.of_readers, READERS)
