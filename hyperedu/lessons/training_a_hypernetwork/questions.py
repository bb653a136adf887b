"""What this lesson asks before its figures answer, its quiz, and what its readers asked."""

from collections.abc import Mapping, Sequence
from functools import partial

from hyperedu.lessons import asking
from hyperedu.lessons.asking import Choice
from hyperedu.testing import Row

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
READERS = {
    "A common start brings the middle nearer: are these 36 networks good themselves?": (
        "Yes: in the last of the three seeds their median error on their own waves is {one_start:.4f}. So the middle is bad "
        "although both ends are good."
    ),
    "Halfway between two networks: is it fair, when the generator was also trained on waves near the one halfway?": (
        "As a contest it would not be: each separate network saw its own wave alone, and could know nothing of the one "
        "halfway. What is compared is how the weights lie: on one sheet that can be walked along, or each in a place of its "
        "own. A sheet is there because the generator was trained on waves in between."
    ),
    "Does the default initialisation catch up, with longer training or at another rate of Adam?": (
        "Yes, both (docs/answers.md; three seeds). After 1,000 steps at 0.001 both have a loss of 0.004; at 0.003 the default "
        "has 0.002 and hyperfan 0.003. After 100 steps at 0.003 the default was ahead with each seed, by 1.31 ± 1.66, which "
        "three seeds do not show to be more than chance. At 0.0003 it is far behind after 100 steps and still after 1,000. So "
        "hyperfan makes small steps do; that it is needed for these waves is not shown."
    ),
    "Hyperfan brings the sizes near the wanted ones: why is the printed size of y a median?": (
        "Equation (3) holds on the average over τ. Where h is longer, all of θ is larger, and y, through six layers, far "
        "larger still. A few such waves would decide a mean; the median says what a usual one has."
    ),
    "Both cuts end above times 0, though all three learn θ₀ alone: why?": (
        "With times 0, θ is θ₀ for every wave: shared weights. The two cuts still add to θ₀ what the untrained generator "
        "writes, random and another for each wave. θ₀ cannot take it away from all of them, and so begins and ends higher."
    ),
    "Rates at their grid's edge, ± above the errors: what if one searches farther and runs more often?": (
        "Tried since (docs/answers.md). With ten further runs at the same rates a difference is shown on sinusoids: the small "
        "conditioned network errs by 0.006 ± 0.005 more than the hypernetwork, the wide one by 0.006 ± 0.006 less, which only "
        "just excludes zero. On Colorado still none is shown. So three runs were too few to tell, and who is ahead hangs on "
        "how wide the rival is. Rates beyond the edge have no lower mean, but for the conditioned network on Colorado: 0.81 "
        "at 0.06 instead of 0.84 at 0.03, in three runs of that table, which do not tell them apart. The runs printed "
        "above drew other random numbers, so that their error at 0.03 is another one."
    ),
    "On sinusoids ± is over ten times as wide with the three runs above as with ten further ones: how can that be?": (
        "By a single run. The errors of the hypernetwork above are {errors}, and it is the largest, in a run where neither "
        "rival is so far off, that makes ± so wide. Had the ten further runs spread as these three do, Student's t and the "
        "root of the number of runs would alone make ± 0.29 times as wide; the rest is that none of the ten lies so far off. "
        "Why one run ends there was not found out. At twice the rate all three runs of docs/rates.md do."
    ),
    "When is a hypernetwork needed, then: does a later lesson show one that beats a conditioned network?": (
        "None shows that it is needed. Lesson 11 lets both compete on two other tables, untuned: on one the network told τ "
        "errs less, on the other the hypernetwork, and an interval of their difference is not printed. What a hypernetwork "
        "gives besides is a network of its own for each task: in lesson 07 gradient steps start from it, in lesson 10 a "
        "penalty holds it to what it was. Whether a conditioned network would do as well there was not tried."
    ),
    "Exercise 4: may the generator itself be changed, and what else is demanded?": (
        "Yes, it may be changed and given back: the check makes a new one for each call. Of the trunk all layers but the "
        "first must be among the parameters with the numbers that they had. The module must write the same θ for the same τ "
        "at each call, whatever τ stand beside it, and started must not set torch's seed. It is called on three generators, "
        "of which one is told percentages (mean 60, spread 30)."
    ),
}

predict = partial(asking.predict, "training_a_hypernetwork", PREDICTIONS)
quiz = partial(asking.quiz, "training_a_hypernetwork")


def of_readers(sines: Sequence[Mapping[str, Row]], **values: float) -> None:
    """As `asking.of_readers`; `sines` are the runs of the contest on sinusoids, each a row for each learner."""
    errors = [f"{run['hypernetwork'].reports[0].mean:.3f}" for run in sines]
    asking.of_readers(READERS, errors=", ".join(errors), **values)
