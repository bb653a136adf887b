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
            "Yes, quickly": "Then you found a way, though what a slider does hangs on where the others stand.",
            "Hardly": (
                "What a slider does hangs on where the others stand, and with more than a thousand weights there are far "
                "more others."
            ),
        },
        "Hardly",
    ),
}
# What readers asked, and could not answer from the page.
READERS = {
    "Adam at 1e-3, falling to 0, where nothing else is said: does the rate of my own optimiser fall, too?": (
        "Yes. meta_train lets the rate of any optimiser fall from what you gave it to 0 along half a cosine, and gives it "
        "back its own rate afterwards. With anneal=False it stays as it is, as it does by default for MAML and its relatives "
        "(lesson 06); a schedule of your own takes its place (schedule=)."
    ),
    "What is gelu?": (
        "A ReLU without the kink: gelu(u) = u Φ(u), where Φ(u) is the share of a standard normal distribution below u. With "
        "it θ depends smoothly on τ. MLPGenerator takes others by activation=; which is best was not tried here."
    ),
    "Exercise 4, no two alike: how different must two weight vectors be?": (
        "Farther apart, as vectors of 13 numbers, than a hundred-thousandth of the length of θ; and each as far from θ "
        "itself. The curves may differ only by rounding (float32 is good enough); they are compared as far out as x = ±1000."
    ),
    "Could the generator have kept the amplitude in the last layer alone?": (
        "Yes: if W₃ and b₃ are multiplied by a number, so is the wave, whatever its phase. The other layers could then follow "
        "the phase alone, with the same loss. But nothing in the loss rewards that, and the gradient goes to all layers at "
        "once. Not tried here: a generator whose other layers are told the phase only, which would enforce it."
    ),
    "118,817 learned numbers for 1,761 weights and two sliders: why so many?": (
        "Most are the head: 64 numbers of V and one of c for each weight, 1,761 · 65 = 114,465. The trunk has 4,352. A head "
        "that writes each weight by a row of its own is the simplest generator, not the smallest; lesson 03 has smaller ones."
    ),
    "Open task: what would the encoder of the amplitude alone look like, and must what it gives be standardised?": (
        "A class of nn.Module with one method, def forward(self, tau): return tau[..., :1], and d = 1. It can be trained, "
        "tested and drawn like the learner above: the family goes on giving τ = (A, p), standardised, and only the generator "
        "is told less. Its start is made for numbers of mean 0 and standard deviation 1, so bring others near that, say a and "
        "b divided by 2: otherwise the weights begin with other sizes (lesson 02)."
    ),
    "Would longer training or a larger network help beyond amplitude 5?": (
        "Not tried here. Nothing in the loss says what θ should be there: two generators that are equally good up to 5 may "
        "differ beyond. To find out, train three seeds longer and draw the last figure again; to be good there, train there: "
        "Sinusoids(amplitude=(0.1, 10.0))."
    ),
}

predict = partial(asking.predict, "everything_is_a_mapping", PREDICTIONS)
after = partial(asking.after, "everything_is_a_mapping")
quiz = partial(asking.quiz, "everything_is_a_mapping")
of_readers = partial(asking.of_readers, READERS)
