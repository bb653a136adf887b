"""What this lesson asks before its figures answer, its quiz, and what its readers asked."""

from functools import partial

from hyperedu.lessons import asking
from hyperedu.lessons.asking import Choice

PREDICTIONS = {
    "describe-or-show": Choice(
        "The description is very bad, and there are ten examples. Which learner is best?",
        {
            "The one with both": "It was warned of errors, and still listens to the description.",
            "The one with examples alone": "What is far off is worse than nothing.",
            "The one with the description alone": "It has nothing else to go by.",
        },
        "The one with examples alone",
    ),
    "months-or-description": Choice(
        "How many months tell more than a description that is wrong by one standard deviation?",
        {
            "One": "A single month is enough.",
            "Three": "It takes less.",
            "Six": "It takes far less.",
        },
        "One",
    ),
}
# What readers asked, and could not answer from the page.
READERS = {
    "At which outer rates were the four trained?": (
        "At the defaults of their kinds, which docs/starts.md compares: shown at a constant 0.003, the three with a generator "
        "at 0.001, which falls to zero. They were not tuned for descriptions that err."
    ),
    "'Without the description nothing is won': would MAML do as well if its network were told τ as one more input?": (
        "Not in what was tried. With ten examples and five steps such a MAML leaves a median of 0.061 while the description "
        "is perfect, where both leaves 0.014, and 0.226 at s = 1.5, where both leaves 0.071 (means of three seeds; "
        "docs/answers.md). It had 3,000 steps of training instead of 10,000 and far fewer numbers to learn, so how much is "
        "due to the generator is not settled. At equal steps it was not tried."
    ),
    "'(Median, mean of three seeds)': lesson 06 distrusts a lone median. What are the means, and how many waves diverged?": (
        "With ten examples and five steps the means over waves tell the same up to s = 1.5: 0.027 for both at s = 0, 0.14 for "
        "shown, 0.14 for both at s = 1.5, and none diverged. At s = 3 one wave in 200 diverges for both, and its mean is "
        "without meaning. With one example five steps are too many: over a fifth of the waves diverge for each of the three, "
        "for both at s = 0 nearly two thirds (docs/answers.md)."
    ),
    "With one example one step leaves both 0.22, five leave 0.60: does described still win the first column of the map "
    "against one step?": (
        "Yes. Every seed of described is below every seed of both with one step, at all noises: 0.17 against 0.22 at s = 0, "
        "0.88 against 1.14 at s = 1. From s = 1 on five steps leave both less than one does, as its start is worth little "
        "there (docs/answers.md)."
    ),
    "In the small table the description alone errs by 8.988 at s = 3. Would always answering 0 not err by 1?": (
        "Yes. (2) and (3) use only what was told and what was read; they do not know how c itself scatters. Who knows that c "
        "is standard normal divides what was told by 1 + s², and then errs by s² / (1 + s²), at s = 3 by 0.9. Networks learn "
        "from their training tasks how tasks scatter, which is why described, warned of errors, is cautious and trusting is "
        "not."
    ),
    "'Too far': were five steps of α = 0.01 chosen for any of them?": (
        "No, they are not tuned, for none of the three that take them. With ten examples five are better than one for all "
        "three, at every noise; with one example they are worse for both up to s = 0.5. A fair next trial chooses the number "
        "of steps for each learner and each number of examples on training tasks. Not tried here."
    ),
    "'May be its size or, not separated, faster training': how would one part the two on the stations?": (
        "Untold has the outer rate, the decay and the 400 steps of shown, but many more numbers: its start is what a whole "
        "generator writes, and one step of the optimizer moves all of that generator at once. MAML's start may then just lag "
        "behind. On waves, where both had 10,000 steps, untold is no better than shown. To find out, train shown for four and "
        "for sixteen times as many steps, and at larger outer rates: if it comes up to untold, it was only slower. Not tried "
        "here."
    ),
    "On the stations: three steps of α = 0.0003, a decay of 0.1 or 1, 400 steps. Which of these were tuned?": (
        "The decay alone, as the better of two on another split. Number and length of the inner steps are the same for all "
        "that take them, in training and in the test, and were not tuned; nor were the 400 steps. A larger α might move the "
        "line between both and shown. Not tried here."
    ),
    "Open task: 'equal at n = σ²/s²', but points of a wave have no reading errors. What is σ?": (
        "For waves σ has no measured value. It stands for how much a single point leaves open, and one may choose it so that "
        "the guess is right at one noise. What the guess then says of the others is that n falls to a quarter where s "
        "doubles; this is to be compared with what you find."
    ),
}

predict = partial(asking.predict, "hypernetworks_meet_maml", PREDICTIONS)
quiz = partial(asking.quiz, "hypernetworks_meet_maml")
of_readers = partial(asking.of_readers, READERS)
