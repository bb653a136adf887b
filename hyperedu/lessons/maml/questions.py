"""What this lesson asks before its figures answer, its quiz, and what its readers asked."""

from functools import partial

from hyperedu.lessons import asking
from hyperedu.lessons.asking import Choice, Number

PREDICTIONS = {
    "step-by-step": Choice(
        "MAML's start was made for one step. What does the loss on unseen points do at the steps after it?",
        {
            "It falls on": "On most tasks by less and less; watch other tasks and rates before you trust it.",
            "It falls on most tasks, and rises again on some": (
                "With few points and a large rate it turns, or the steps run away."
            ),
            "It rises at once, everywhere": "What was made for one step still points downhill for more.",
        },
        "It falls on most tasks, and rises again on some",
    ),
    "unseen-waves": Number(
        "One step on ten points: what percentage of the median loss on unseen points does it leave, over 600 unseen waves?",
        "%",
        8.0,
        "For this one step the start was made. What the next cell prints for ten points at rate 0.01 has both medians.",
    ),
}
# What readers asked, and could not answer from the page.
READERS = {
    "'No better than that of shared weights': where is the number?": (
        "Before the step the median over the 600 waves is {maml:.2f} for MAML and {shared:.2f} for shared weights: the first "
        "points of their lines in the figure."
    ),
    "Is H not zero for a network with ReLU, which consists of straight pieces?": (
        "No. The loss squares what the network says, and this alone gives H a part that is seldom zero. And layers multiply: "
        "a weight of one layer scales what a weight of the next does, so that mixed second derivatives are not zero either. "
        "Only the second derivative of the ReLU itself is zero; at its kink it has none, and autograd takes it for zero there "
        "too."
    ),
    "'By Adam at a constant 0.003 (docs/starts.md)': was it chosen on training waves?": (
        "No, on 600 unseen ones, after 8,000 steps instead of 10,000. So all of the losses here may be a little too good, and "
        "not all by as much: for MAML five rates were tried, for Reptile two, and for shared weights, first order and ANIL "
        "four or fewer. An order that hangs on a few per cent is not shown by this."
    ),
    "'Do not work by reuse here': does this hold for other starts of MAML?": (
        "For the other two trainings, whose starts lesson 07 uses, it does. After five steps of the head alone, at its best "
        "rate, the three starts leave medians of 0.57 to 1.12; of the first layer alone 0.069 to 0.074; of all layers 0.066 "
        "to 0.074 (docs/answers.md). All three are of one kind of wave and one size of network."
    ),
    "'Points elsewhere and is shorter than MAML's': at its own optimum, is what is left of the direction of shared "
    "weights only noise of the batch?": (
        "Mostly not. The mean of twenty batches of 1,000 waves still has a length of 0.69, and a single batch scatters by "
        "0.28 about it. Its cosine with MAML's mean direction is 0.30, with both from the same batch 0.33 on average, from "
        "two different ones 0.29: that the batch is shared adds little (docs/answers.md). The training ends near its optimum, "
        "not in it, as its rate does not fall: shared weights, MAML and their kin are trained at a constant rate by default; "
        "for the generators of lesson 01 it falls to zero (docs/starts.md)."
    ),
    "'ANIL stays behind', 'at a cost': would it catch up at an inner rate of its own, as the head alone wants 0.3?": (
        "Only in part. Trained for 3,000 batches, three seeds each, ANIL at inner rates of 0.01, 0.03, 0.1 and 0.3 leaves "
        "medians of 0.244, 0.196, 0.183 and 0.289 after ten steps, MAML at 0.01 leaves 0.082; after one step and after five "
        "MAML is ahead of all four, too (docs/answers.md). The rate of 0.01 was not the best for ANIL, then, but the order "
        "stays. That is at equal batches: in the longer trainings of docs/sinusoid.md it comes close to MAML, 0.063 against "
        "0.052 after ten steps."
    ),
    "Where does (3) have the product of g and g′ for Reptile, which has no query set?": (
        "Reptile's batch of twenty points is the support and the query set together, so its gradient is the mean of g and g′. "
        "The product of this mean with itself is ¼ g·g + ¼ g′·g′ + ½ g·g′. So the pull is there, mixed with one towards steep "
        "places."
    ),
    "Training takes one step. Would a start that is trained for five be better after five?": (
        "Not tried here; Finn and others train for one on these waves too. To find out, train MAML(main, steps=5), at five "
        "times the inner gradients for each batch, with three seeds, and compare the medians after five steps."
    ),
    "Which quadratics does the check of exercise 4 take, and what is averaged?": (
        "Forty with 9 weights and forty with 14; c and θ₀ are normal, and curvatures of 1 and of 20 are always among them. "
        "The mean of L′ over each forty is divided by that of eight plain steps at the rate which is best for these forty. "
        "The larger of the two shares must be at most a half. Called twice with the same, your update must end at the same "
        "place, and its gradient is compared with finite differences."
    ),
    "One training of each proves no order: what do the three of docs/sinusoid.md say?": (
        "They are seven times as long, 70,000 batches at 0.001. The medians with ten points after ten steps: Reptile 0.041 "
        "(seeds 0.038 to 0.044), MAML 0.052 (0.050 to 0.053), ANIL 0.063 (0.059 to 0.066), first order 0.073 (0.061 to "
        "0.095), shared weights 0.72. After one step MAML has 0.21, first order 0.32, Reptile and ANIL 0.41. So Reptile leads "
        "late and MAML early, as here; and ANIL comes near MAML with more training, which it has not had on this page."
    ),
    "Three points without noise fix a wave of known frequency: why do they not suffice?": (
        "For who knows that it is a wave. The network knows only what its start has learned; 1,761 weights can meet three "
        "points in many ways, and a few steps take the one that is near, which need not be a wave."
    ),
    "Training asks for one step: why does the loss fall on for ten?": (
        "We do not know. Perhaps because the gradient after the first step still points where D and D′ agree; with more steps "
        "they part, as the lesson's row with three points shows. It was not separated here."
    ),
    "At which rate is MAML trained in front of me?": (
        "At its default, Adam at a constant 0.003: lesson 01's 0.001, which falls, is that of generators. No optimizer is "
        "given, so meta_train asks the learner."
    ),
    "(3) holds for small α: is 0.01 small, and do the arrows agree with it?": (
        "The arrows are computed exactly, not by (3), and were not compared with it here. At α = 0.03 a third of the waves "
        "diverge from MAML's own start, so that there 0.01 is over a third of what is stable, and terms in α² matter; at the "
        "starts of the arrows the curvature was not measured. (3) says which terms there are, not how large all of them "
        "together."
    ),
    "Exercise 4: may I differentiate gradient, for instance by jacrev?": (
        "Yes: torch.func.jacrev(gradient) counts as one call, so Newton's step needs two, and ends at the optimum wherever it "
        "begins. It passes, with a gradient of zero at θ₀, which is right: the start then matters no more. Eight calls are "
        "not enough for a Hessian by differences in 9 directions."
    ),
    "Inner rates of 0.01, and 0.003 for Reptile: whose choice?": (
        "0.01 is that of Finn and others. For Reptile docs/starts.md compares a few after 8,000 batches, on test waves; no "
        "grid was searched, so that a small lead is not safe."
    ),
    "Open task: how is MetaSGD made, and where are its rates?": (
        "MetaSGD(main) begins with 0.01 for every weight; learner.lr are the rates, flat as θ, and main.unflatten cuts them "
        "by layer."
    ),
}

predict = partial(asking.predict, "maml", PREDICTIONS)
after = partial(asking.after, "maml")
quiz = partial(asking.quiz, "maml")
of_readers = partial(asking.of_readers, READERS)
