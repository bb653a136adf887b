"""What this lesson asks before its figures answer, its quiz, and what its readers asked."""

from functools import partial

from hyperedu.lessons import asking
from hyperedu.lessons.asking import Choice, Sketch

PREDICTIONS = {
    "two-quadratics": Choice(
        "Where is the best start for two tasks, if three steps follow?",
        {
            "In the middle of the two": "Only where the steps achieve as much for both.",
            "Nearer to the task for which the steps achieve less": "There less of the way can be made up.",
            "Nearer to the task for which the steps achieve more": "That one can reach its optimum from further away.",
            "Where the support losses are smallest now": "That is where shared weights lie; it forgets the steps that follow.",
        },
        "Nearer to the task for which the steps achieve less",
    ),
    "task-counts": Sketch(
        "How large is the error of MAML on new stations, after one step on three months, for each number of training stations?",
        "training stations",
        "RMSE (°C)",
        ["4", "12", "40", "214"],
        0.0,
        3.0,
        "From a dozen on it hardly falls: a start has only to learn what years have in common.",
    ),
}
# What readers asked, and could not answer from the page.
READERS = {
    "A dozen stations are about as good as all: does MAML then beat the shifted mean year?": (
        "No. At 214 stations it errs by {MAML:.2f} °C on average over the seeds, the shifted mean year by {shifted:.2f}. One "
        "step from three months, at this rate, does no better than a single number for warmer or colder. Whether more steps, "
        "or more months, would do better was not tried here."
    ),
    "The shifted mean year errs as little as MAML: on the same months, by the same measure?": (
        "Yes. Both see the same three months of an unseen station and are judged on its other nine, as linear regression is; "
        "RMSE is taken for each station, then averaged over the sixty. The hypernetwork sees no months, and is judged on nine "
        "of its own drawing."
    ),
    "Do descriptions need many stations, or only this hypernetwork, which at 12 errs more than the mean year?": (
        "Only this one, trained in this way: at 12 stations it errs by {written:.2f} °C, linear regression on the same three "
        "numbers by {linear:.2f}. Without weight decay it errs there by 3.5 (docs/answers.md), so that is not the reason; "
        "other rates and fewer steps were not tried at each count. Lesson 08 asks what helps at 20 stations."
    ),
    "Why has the hypernetwork a weight decay, and MAML none?": (
        "Because a generator has far more numbers than a start, and few stations to fix them by; lesson 08 measures what "
        "decay does to it. MAML with decay is not tried here. At 214 stations either may do better with another one."
    ),
    "Before adaptation it is the worse of the two: must a meta-learned start be so?": (
        "Its mean training loss before the steps cannot be lower than that of shared weights, which have the least there is. "
        "On unseen tasks, and in the median, as with the stations here, it can be: shared weights are the least of a mean "
        "over training tasks, found in a finite training."
    ),
    "In the first figure, are support and query losses the same?": (
        "Yes: each task has two examples, which serve as both, so that its two Hessians are equal and the ellipses show both "
        "losses. Everywhere else in the lesson they are other examples of the same task."
    ),
    "Is the pull of 1/(αK) the best one, where the ends come nearest?": (
        "Not necessarily: it is the one for which both agree in directions of small curvature. The cell prints one ten times "
        "stronger, whose ends lie much further apart at every K, and one ten times weaker, which is close only after many "
        "steps. Which is nearest was not tried here."
    ),
    "Does the outer level have nothing to learn in large networks too, if the inner problem is solved to its end?": (
        "There it has: a network with more weights than examples has many weights of zero loss, and gradient descent ends at "
        "those near its start, so the start still decides what is between the examples."
    ),
    "Exercise 4 says after them: after which steps, and is a tenth that of 1%?": (
        "After the steps that design is told. Let S be the mean loss of shared weights before these, s the one after them, "
        "and b that of the best start after them: s must be at least S / 100, and b at most s / 10. It is tried with α = 0.25 "
        "and 3 steps, 0.1 and 1, 1 and 10, 0.02 and 6; so H must follow α."
    ),
}

predict = partial(asking.predict, "learning_to_learn", PREDICTIONS)
quiz = partial(asking.quiz, "learning_to_learn")
of_readers = partial(asking.of_readers, READERS)
