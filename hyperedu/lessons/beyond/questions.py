"""What this lesson asks before its figures answer, its quiz, and what its readers asked."""

from functools import partial

from hyperedu.lessons import asking
from hyperedu.lessons.asking import Choice, Sketch

PREDICTIONS = {
    "forgetting": Sketch(
        "How large is the plain network's error on the first task, while all three are learned, 600 steps each? Sketch it.",
        "step",
        "mean squared error",
        [str(step) for step in range(0, 2000, 200)],
        0.0,
        3.0,
        "The first task is forgotten as soon as the second is learned: the weights serve all tasks, and move for the one seen.",
    ),
    "map": Choice(
        "What lies between two hands' drawings of one letter?",
        {
            "The letter, in a hand between": "The noise on τ made neighbours alike.",
            "A blur of both": "That is what lies between weights, not between places on the map.",
            "Nothing that can be read": "Between letters there are such places; within one there are few.",
        },
        "The letter, in a hand between",
    ),
    "walk": Choice(
        "Half way from one drawing to another: which way is still a drawing?",
        {
            "Over the map (τ)": "The generator was trained on what lies there, if only by noise.",
            "Straight through written weights": "Between two written networks lies a blur.",
            "Between networks trained apart": "Their hidden units do not correspond: nothing that anybody drew.",
        },
        "Over the map (τ)",
    ),
    "adapter": Choice(
        "The digits are upright, and the sentence says that they stand on their heads. What is read?",
        {
            "As much as without an adapter": "The adapter believes the sentence, and changes the network for it.",
            "Much less": "A wrong sentence destroys what the frozen network could do.",
            "More": "It was adapted to what is not there.",
        },
        "Much less",
    ),
}
# What readers asked, and could not answer from the page.
READERS = {
    "It needs “only these snapshots”, but the three networks “could as well lie in a table”: what is gained?": (
        "With three tasks nothing: φ has more numbers than the three θ together, and who keeps every θ has the networks. But "
        "all snapshots are of one moment, so they need not be stored: one copy of the old φ, with the old codes, writes them "
        "all again. Then each further task costs two numbers and not a θ, which pays where tasks are many; von Oswald and "
        "others have longer sequences. Whether new tasks also profit from what old ones share was not tried here."
    ),
    "Only “written for each” is told elevation and place: how well does a federated network do that is told them beside x?": (
        "It errs more. In the same rounds, on the same five splits, its error is larger by 0.14 ± 0.05 °C at clients of one "
        "or two readings, and by 0.12 ± 0.04 °C at new stations (docs/answers.md). So most of the gain over one network for "
        "all comes from being told, and the rest from written weights. That is with the weight decay of one network for all; "
        "with that of the generator the difference is larger. Rates and rounds were tuned for neither, so another recipe may "
        "change the order."
    ),
    "A right sentence “restores most of the reading”: what does one network reach that is told nothing?": (
        "No less: trained on all five changes, it reads 0.92 ± 0.01 (docs/answers.md), adapters of rank 8 0.87 ± 0.15 after "
        "known sentences, which three splits do not tell apart. So who may train all weights on all changes needs no sentence "
        "here. What is shown is something else: a network that stays as it is can be changed by words, and by a few numbers."
    ),
    "“No training sentence had two changes”: could adapters read them if they had been taught?": (
        "Better, but not well. Taught all twenty pairs too, adapters of rank 8 read 0.44 ± 0.07 of the drawings after these "
        "same sentences, where untaught ones of rank 8 have 0.21 ± 0.07, and single changes about as before "
        "(docs/answers.md). So part of the failure is that pairs were not taught, but not all of it. Whether a larger rank, "
        "longer training or adapters in both layers would do more was not tried here."
    ),
    "Text-to-LoRA has 74.0%, adapters trained for each task 75.8%: what has the model without an adapter?": (
        "That number is not on this page, and without it the two do not say how much an adapter adds. Look in the paper's "
        "tables (arXiv 2506.06105) for the model as it is, and for one adapter trained on all tasks together: it is the rival "
        "that is told nothing, as one network for all was above."
    ),
    "“Few data can be read off Δθ”: also after three steps, or from several readings?": (
        "Of a single reading x can be found after any number of steps: each moves the first layer along the same x, so (2) "
        "holds for their sum. (Its y no longer follows by one division; one could try values until the same three steps give "
        "the same change. Not tried here.) Of two readings every row gives another point, but all lie on the line through "
        "both x, and that line meets the circle of months in these two. With three or more this division says no more. There "
        "are searches for data that would cause the same change (Zhu, Liu, Han, Deep leakage from gradients, 2019, arXiv "
        "1906.08935); they were not tried here."
    ),
    "The plain network is not told the angle of the digits: is that a fair rival?": (
        "No, and it is not there to be beaten: it shows what happens to weights that all tasks share when only one is seen at "
        "a time. The fair comparison is within the hypernetwork, with the penalty and without: the last row of the table. A "
        "plain network that is told a code beside x was not tried here."
    ),
    "Why is a wrong sentence so bad, if the frozen network could read the digits before?": (
        "Because nothing in it looks at the digits: the adapter is written from the sentence alone, and added to the first "
        "matrix whatever is drawn. In training the sentence was always true, so there was no reason to doubt it."
    ),
}

predict = partial(asking.predict, "beyond", PREDICTIONS)
quiz = partial(asking.quiz, "beyond")
of_readers = partial(asking.of_readers, READERS)
