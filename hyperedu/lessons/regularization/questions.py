"""What this lesson asks before its figures answer, its quiz, and what its readers asked."""

from functools import partial

from hyperedu.lessons import asking
from hyperedu.lessons.asking import Choice

PREDICTIONS = {
    "strengths": Choice(
        "Which penalty lowers the error on stations never seen?",
        {
            "weight norm": "It holds the weights small, which by itself helps no new station.",
            "sensitivity": "It asks for what a new station needs: that near descriptors give near weights.",
            "both alike": "Only one of them does.",
        },
        "sensitivity",
    ),
}
# What readers asked, and could not answer from the page.
READERS = {
    "At twenty stations the last row excludes zero: why is nothing safe shown between linear regression and decay?": (
        "Because it only just does, and our intervals are too narrow by an unknown factor, since splits share stations: half "
        "as wide again, it would contain zero. The same holds of every difference here that is no more than its interval and "
        "a little, such as that of one station per step with all stations; of those that are several times their interval it "
        "does not matter."
    ),
    "Sensitivity gains less than twice its interval, and intervals are too narrow: does it help?": (
        "It lowers the error in {n[6]} of five seeds, the larger learning rate in {n[2]}, spectral norm in {n[5]}, weight "
        "decay in {n[7]}. How much sensitivity and the rate gain differs much from seed to seed: the true intervals of these "
        "two may well be wider than what is printed."
    ),
    "Plain weight decay on φ makes θ small too, and small weights do not help. What else does it do?": (
        "It makes what is written change less between places, and that far more. At 20 stations weight decay 10 and weight "
        "norm 10 write weights of the same size, 0.18; between places a weight then changes by 0.01 with weight decay and by "
        "0.15 with weight norm, and the test errors are 1.10 and 3.41 °C. Weight decay pulls on the matrices through which τ "
        "enters, weight norm only on what comes out, at the training stations (docs/answers.md)."
    ),
    "'Sixty more chose its strength; eighty without do as well': is weight decay worth anything, then?": (
        "Eighty stations without it reach 1.12 ± 0.13 °C, where twenty with it reach 1.10 ± 0.06 (docs/answers.md). If the "
        "sixty that chose count as known stations, no gain was shown. Whoever knows a good strength from elsewhere needs no "
        "such sixty; here all five seeds chose 10 at twenty stations. A strength could also be chosen by leaving out some of "
        "the twenty in turn; that was not tried here."
    ),
    "'A simpler model keeps us modest': where is lesson 00's Gaussian process?": (
        "It has 1.50 °C at 10 stations, 1.21 at 20, 0.93 at 50 and 0.79 at 154, without a strength to choose. From the "
        "network with weight decay it cannot be told at 10, 20 and 50; at 154 it leads by 0.07 ± 0.03 (docs/answers.md). The "
        "figure has linear regression alone, since that is the simplest."
    ),
    "In lesson 05 the hypernetwork is behind MAML at 40 stations; here descriptions reach 1.10 °C with 20. Which holds?": (
        "Both, each for what it trained. The hypernetwork of lesson 05 has a weight decay of 1, a larger network and half as "
        "many steps; the one here has a decay of 10 that validation stations chose. Together they say that descriptions need "
        "more stations or a stronger remedy. Splits and networks differ, so the numbers of the two lessons are no contest; "
        "one of both on the same splits was not tried here."
    ),
    "(2) is taken at the training stations only. Why should it calm what is written between them?": (
        "It need not: exercise 4 has generators that agree near their tasks, slopes too, and are wild between them. Here it "
        "did. With sensitivity 100 a weight changes by 0.03 between held-out places, without a remedy by 0.47 (20 stations; "
        "docs/answers.md). A likely reason is that one φ serves all places, and that two layers of 32 smooth units bend "
        "little: matrices that make the slopes small at twenty stations make them small elsewhere too. With a larger "
        "generator this may fail; it was not tried here."
    ),
    "Encoding τ alone gains 2.29 °C at ten stations, a shared start as much. Why, and whose ideas are they?": (
        "Why was not separated. The encoding bounds what enters: however far a station lies from the others, its code has the "
        "same length, so that the weights written there cannot run away as they can with τ itself. A shared start draws half "
        "of the variance of θ once, for all places, so that what depends on τ begins smaller. And θ₀ and the bias have the "
        "same gradient, so that Adam moves their sum about twice as far as one of them; a plain generator with twice the rate "
        "for its bias would tell what this does. Both are from Ortiz, Guttag and Dalca 2023 (arXiv 2304.07645); they scale to "
        "a bounded interval where we take arctan."
    ),
    "What says the star beside maml in the table of optimizers, and how is Reptile trained?": (
        "Maml's strength is the rate α of its three inner steps, and some seed chose the larger of only two; a larger one "
        "might do better and was not tried. A round of Reptile has five steps of Adam on one draw of five stations; 240 "
        "rounds at ten stations, 480 at twenty and 600 from fifty on see as many stations as 600 steps of the others. Its "
        "Adam has no momentum, as in its authors' code, and no weight decay. β begins at 0.3 or 1 and falls to zero in a "
        "straight line (data/make_regularization.py)."
    ),
    "When did early stopping stop?": (
        "At 20 stations after 580, 300, 580, 600 and 80 of 600 steps, seed by seed (docs/answers.md). The generator is wrong "
        "between the stations from early on, and stays so: in the last seed the test error is 3.5 °C at step 80 and 3.6 at "
        "the end (data/regularization.json). There is no good moment to stop at."
    ),
    "Exercise 4: do Adam's steps follow the penalty alone, and what is 'right' between the tasks?": (
        "The penalty alone. The check makes generators that are linear in φ and moves only those directions of φ that change "
        "nothing at the tasks, so they stay right there whatever the penalty does. Right is a smooth function of τ, a sine of "
        "a linear map, which your penalty never sees, and the error is taken at mixtures of three tasks each. You need not "
        "guess that function: to be calm between the tasks brings a generator near it."
    ),
    "Weak waves are at 0.3 to 0.6 after forgetting. How bad is a flat line there?": (
        "About 0.7. The mean square of a wave is half of its squared amplitude, and amplitudes are spread evenly from 0.1 to "
        "2, whose mean square is 1.4. Before, the generator errs by a fiftieth of that, after forgetting by two fifths to "
        "nearly nine tenths of it."
    ),
}

predict = partial(asking.predict, "regularization", PREDICTIONS)
quiz = partial(asking.quiz, "regularization")
of_readers = partial(asking.of_readers, READERS)
