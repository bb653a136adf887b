# %% opening [markdown]
# # 09 · Few-shot characters
#
# **Does it work on images?**
#
# *You will be able to*
# **write** a classifier from one drawing of each letter, without a gradient,
# **test** it on scripts that no training knew, with ways, shots and chance in mind,
# **find** a leak that makes such tests look better than they are.
#
# 60 minutes without *Going further*, exercise 4 and the open task. Before: [06 · MAML](06_maml.ipynb).

# %% opening-slide [markdown] tags=["slides"]
# # Few-shot characters
#
# Does it work on images?

# %% plan-teacher [markdown] tags=["teacher"]
# > **50 minutes**
# >
# > | minutes | what |
# > |---|---|
# > | 8 | *An alphabet never seen*: all lock their prediction, then two settings are projected |
# > | 13 | *A last layer, written*: (1) and (2) on the board, exercise 1 alone |
# > | 6 | *Draw one yourself*: one laptop goes round; the five alike are predicted first |
# > | 9 | *Who is best?*: the printed table, in pairs |
# > | 10 | *A precaution, and a leak*: the table of batch norm |
# > | 4 | *In one breath*, and the homework |
# >
# > Left out: *Where it fails*, *Going further*. Homework: exercises 2 to 4, the quiz.
# >
# > **90 minutes**
# >
# > | minutes | what |
# > |---|---|
# > | 10 | *An alphabet never seen*: predictions, then the figure in pairs |
# > | 17 | *A last layer, written*: the board, exercise 1 alone, the anatomy together |
# > | 8 | *Draw one yourself* |
# > | 12 | *Who is best?*: in pairs, then what the table cannot separate |
# > | 14 | *A precaution, and a leak*: predict the three rows of batch norm before they are shown |
# > | 6 | *Where it fails* |
# > | 18 | exercises 2 and 3 alone |
# > | 5 | the quiz, by a show of hands |
# >
# > Homework: exercise 4, the open task; *Going further*.
# >
# > **Outcomes**
# >
# > | after it a student can | shown in | asked in |
# > |---|---|---|
# > | write a last layer from examples, by (1) and (2), and say what was learned and what was written | the cell *by-hand*, the anatomy | exercise 1, 2, 4, quiz 3 |
# > | read an accuracy with its ways, shots and chance, and say why labels change their order | the first figure, *Going further* | quiz 1, 2 |
# > | build a test on new scripts and new drawings in which no query helps another | the tables of scripts and of batch norm | exercise 3, 4, quiz 4, 5 |

# %% imports
import json

import torch

from hyperedu import MAML, Characters, PrototypicalNetwork, accuracy, data_file, figures
from hyperedu import live, load_checkpoint, meta_test
from hyperedu.lessons.few_shot_characters import checks, questions
from hyperedu.lessons.few_shot_characters.figures import ClassifierPicture, DrawingPicture
from hyperedu.lessons.few_shot_characters.figures import anatomy, page, rows_alike
from hyperedu.lessons.few_shot_characters.trainings import network, written_by_a_generator
from hyperedu.statistics import half_interval

torch.set_num_threads(1)  # images this small are not worth two

# %% an-alphabet-never-seen [markdown]
# ## An alphabet never seen
#
# You see five letters of a script that you cannot read, one drawing of each, and a sixth drawing: which is it? You can say; a classifier trained on five drawings hardly: it has thousands of weights.
#
# The letters of 140 scripts come from open fonts (`data/README.md`); every drawing is by a new hand: slanted, stretched, warped, by another pen. 110 scripts are for training; 30 are held out, Greek and Latin among them. This
# is a task of *five ways* and *one shot*: five classes from any held-out scripts, drawn at random, one example of each. Such a task is an *episode*; a class is only its number in it. Chance is 20%.

# %% an-alphabet-never-seen-slide [markdown] tags=["slides"]
# ## An alphabet never seen
#
# Five letters, one drawing of each, and a sixth drawing: which of the five is it?
#
# * scripts for training, others held out
# * five ways, one shot: an *episode*
# * chance is 20%

# %% family
family = Characters()
learners = {
    "prototypes": PrototypicalNetwork(network(20)),
    "support-set hypernetwork": written_by_a_generator(),
    "MAML": MAML(network(), steps=1, lr=0.4),
}
files = "prototypes", "written_classifier", "characters_maml"
for learner, file in zip(learners.values(), files):
    load_checkpoint(data_file(f"checkpoints/{file}.safetensors"), learner)
print(f"{len(family.train.alphabets):,} letters to train on, {len(family.test.alphabets)} held out")

# %% written-predict [markdown]
# Three learners, trained for two to five minutes each (`python data/make_checkpoints.py`), with the same main network: four convolutions with group norm (which, unlike batch norm, looks at one image at a time), then one linear layer on 128 features. *Prototypes* and the *support-set hypernetwork* **write** the last layer from the examples; *MAML* steps towards it. The loss is now the cross-entropy, $-\log p(y \mid x)$.
#
# **Predict.** Which letters will be taken for each other: those that look alike to you? Then move *shots*, *episode* and *alphabet*; for MAML, *steps*.

# %% written-predict-slide [markdown] tags=["slides"]
# ## Predict
#
# Which letters will be taken for each other?
#
# * those that look alike to you too
# * any, by chance
# * those that were drawn by the same hand

# %% written-slide [markdown] tags=["slides"]
# ## A last layer, written from the examples

# %% written tags=["shown"]
picture = ClassifierPicture(learners, family.test)
sliders = {"episode": (0, 19), "shots": (1, 5), "steps": (0, 5)}
menus = {"learner": list(learners), "alphabet": ["Greek", "Latin", "Shavian", "Javanese"]}
figure = live.interact(picture.figure, picture.update, **menus, **sliders)
figure.controls["learner"].value = "MAML"
figure.controls["alphabet"].value = "Shavian"
figure.controls["shots"].value = figure.controls["steps"].value = 1
questions.predict("written", figure)

# %% written-settings tags=["teacher"]
from hyperedu.lessons.few_shot_characters import projected

projected.project("written", figure)

# %% never-seen-teacher [markdown] tags=["teacher"]
# > **For the teacher** · 8 minutes. *Purpose*: what an episode is: ways, shots, chance, and a class that is only a number.
# >
# > *Students believe*: that the network has met these letters, or that class 1 is always the same letter. At 0 steps MAML is at chance, 6 of 30, since nothing says which letter is called 1.
# >
# > *Ask*: Setting 1: why are all six drawings of the fifth letter misread? (Its one example hardly shows an H; with five, 29 of 30 are right.) Which pair does the sentence name? (1 and 5, the pair that is confused; it is not always so.)
# >
# > *On the board*: five boxes *D*, an arrow to θ, a sixth box "?"; chance 1/5 = 20%, for 20 ways 1/20 = 5%.
# >
# > *Short of time*: settings 1 and 2 alone. Say: before its step MAML guesses.

# %% written-look [markdown]
# **What to look for.** *Left*, the examples, a row for each class. *Middle*, the rows of the last layer that were written from them; letters that look alike tend to get similar rows, and to be confused (the sentence names the two most alike). *Right*, new drawings: a
# frame says which class one was taken for. At 0 steps MAML's last layer is the same for every episode; one step makes a classifier of it.
#
# ## A last layer, written
#
# Let $h(x)$ be the features, all of the main network but its last layer. The **prototype** of class $k$ is the mean of the features of its examples, $D_k$:
#
# $$ c_k = \frac{1}{|D_k|} \sum_{(x, y) \in D,\; y = k} h(x) \tag{1} $$
#
# A new drawing is likeliest of the nearest: $p(y \mid x, D)$ is the softmax of minus the squared distances, $\lVert h(x)\rVert^2 - 2\, c_k \cdot h(x) + \lVert c_k\rVert^2$, whose first term a softmax ignores. So
#
# $$ \log p(y = k \mid x, D) = 2\,c_k \cdot h(x) - \lVert c_k\rVert^2 + C(x) \tag{2} $$
#
# where $C(x)$ is the same for all $k$; and this is a **linear layer**: row $k$ of its matrix is $2 c_k$, its bias $-\lVert c_k\rVert^2$. A prototypical network (Snell and others 2017) is a hypernetwork that nobody calls one: $D \mapsto \theta$, shared features
# and a written last layer:

# %% written-look-slide [markdown] tags=["slides"]
# ## Prototypes
#
# The mean of the features of its examples stands for a class:
#
# $$ c_k = \frac{1}{|D_k|} \sum_{(x, y) \in D,\; y = k} h(x) \qquad (1) $$
#
# The nearest is the likeliest. So row $k$ is $2c_k$, its bias $-\lVert c_k \rVert^2$.

# %% by-hand
learner, main = learners["prototypes"], learners["prototypes"].main
batch = family.test.sample(1, ways=5, shots=1, queries=6, rng=torch.Generator().manual_seed(4))
D = batch.support.task(0)
with torch.no_grad():
    theta = learner(None, batch.support)[0]
    h = main.features(theta, D.x)  # (5, 128)
    c = torch.stack([h[D.y == k].mean(0) for k in range(5)])  # equation (1)
    weight, bias = 2 * c, -c.square().sum(-1)  # equation (2)
    written = main.unflatten(theta)
for name, by_hand in zip(main.head, (weight, bias)):
    print(name, "is the package's:", torch.allclose(written[name][:5], by_hand, atol=1e-3))

# %% anatomy-slide [markdown] tags=["slides"]
# ## Filters for all tasks, rows for one

# %% anatomy tags=["shown"]
alt = "Filters of the first layer, rows of the last one, and decisions on 30 drawings."
figures.show(anatomy(learner, batch), alt)

# %% last-layer-teacher [markdown] tags=["teacher"]
# > **For the teacher** · 13 minutes. *Purpose*: "nearest mean" is a linear layer, so *D* has written weights.
# >
# > *Students believe*: that a prototypical network trains its last layer, or compares without weights. `by-hand` finds the package's layer again from (1) and (2).
# >
# > *Ask*: Why may ‖h(x)‖² go? (It is the same for every class.) What of the anatomy changes with the next episode? (The rows and biases; the filters stay.)
# >
# > *On the board*: examples (1, 0) and (3, 0) of class 1, (0, 2) of class 2. So $c_1 = (2, 0)$, $c_2 = (0, 2)$; rows (4, 0) and (0, 4), biases −4 and −4. For h(x) = (2, 1) the logits are 4 and 0; the squared distances are 1 and 5. Both say: class 1, by 4.
# >
# > *Short of time*: skip the anatomy and the support-set hypernetwork. Say: it learns the map that (2) gives.

# %% draw-predict [markdown]
# Filters (left) are those of every task; only rows and biases were written. Right, one drawing of class 1 is taken for 4. (Trained on 20 ways, it has 20 rows; `[:5]` are in use, others have a bias of −10⁶.)
#
# The *support-set hypernetwork* (Requeima and others 2019) does the same with a learned map: each class's code $c_k$ goes through a small network that writes row $k$, and the mean of the codes moves the convolutions too.
#
# ## Draw one yourself
#
# **Predict.** Draw five letters in five panels, then one again in the last. What happens if you draw all five alike?

# %% draw-predict-slide [markdown] tags=["slides"]
# ## Predict
#
# You draw all five letters exactly alike. What are the five probabilities?
#
# * 20% each
# * 100% for the one you meant
# * 100% for the first

# %% draw-slide [markdown] tags=["slides"]
# ## Draw one yourself

# %% draw tags=["shown"]
picture = DrawingPicture(learners, family.test)
menus = {"learner": list(learners), "alphabet": ["Greek", "Latin", "Shavian"]}
menus |= {"episode": (0, 19), "add_strokes": False, "paper": list(picture.papers)}
pen = {"pen_x": (-1.0, 1.0, 0.05), "pen_y": (-1.0, 1.0, 0.05), "pen_down": False}
sketch = live.interact(picture.figure, picture.update, drag=picture.drag, **menus, **pen)
sketch.controls["episode"].value = 2
questions.predict("draw", sketch)

# %% draw-settings tags=["teacher"]
projected.project("draw", sketch)

# %% draw-teacher [markdown] tags=["teacher"]
# > **For the teacher** · 6 minutes. *Purpose*: five drawings make a classifier while one looks on.
# >
# > *Students believe*: that a high probability means a right answer, and that what is none of the five gets low ones. Setting 3 is wrong at about 0.9; in setting 4 a dot is taken for the fifth letter at 1.00.
# >
# > *Ask*: All five alike: what comes out? (20% each where the layer is written: equal rows, equal biases. Not with MAML: its rows differ before the step.) Why can it not say "none"? (A softmax over five classes sums to 1.)
# >
# > *On the board*: equal logits (a, a, a, a, a): softmax = 1/5 each, whatever a is.
# >
# > *Short of time*: settings 1 and 4 only. Drawings by hand are never quite alike: leave that as a thought.

# %% draw-look [markdown]
# **What to look for.** Each press begins a new drawing; with *add_strokes* it adds a stroke. (By keyboard: move the pen on a *paper* while it is down.) Five exactly alike get equal rows, and 20% each; not so with MAML, whose rows start apart.
#
# ## Who is best?
#
# 200 episodes of scripts never seen, intervals over episodes; then over three trainings, each with other scripts held out, and how far each is *behind* prototypes, split by split. Baselines are the nearest neighbour *on pixels*, the same main network trained *from scratch* on the five drawings, and a *linear probe*, a last layer on features
# trained to tell all training letters apart.

# %% draw-look-slide [markdown] tags=["slides"]
# ## Who is best?
#
# Beside the learners:
#
# * the nearest neighbour *on pixels*
# * the same network *from scratch*
# * a *linear probe* on features trained to tell all letters apart

# %% tests
for name, learner in learners.items():
    report = meta_test(learner, family.test, shots=1, queries=5, n_tasks=200)
    print(f"{name:12} {report.accuracy:.1%}", "({:.1%}–{:.1%})".format(*report.accuracy_interval))

# %% ranking-slide [markdown] tags=["slides"]
# ## Over trainings, and on real hands

# %% ranking tags=["shown"]
lines = data_file("few_shot.jsonl").read_text(encoding="utf-8").splitlines()
runs = [r for r in map(json.loads, sorted(lines)) if r["kind"] == "drawn"]  # in each, by split
names, places = {run["learner"] for run in runs}, ("scripts held out", "real alphabets")
table = {(name, where): torch.tensor([r["accuracy"][where] for r in runs if r["learner"] == name])
         for name in names for where in places}
wider = (1 + 3 * 30 / 110) ** 0.5  # lesson 00's, of 3 splits: scripts for the test, for training
for name in sorted(names, key=lambda name: -table[name, places[0]].mean()):
    for where in places:
        both = table[name, where], table["prototypes", where] - table[name, where]
        own, behind = (f"{part.mean():.1%} ± {half_interval(part):.1%}" for part in both)
        print(f"{name if where[0] == 's' else '':31} {where:16} {own}, behind {behind}", end=" ")
        print(f"(wider: ± {wider * half_interval(both[1]):.1%})")

# %% ranking-teacher [markdown] tags=["teacher"]
# > **For the teacher** · 9 minutes. *Purpose*: to read a table with its intervals, and say what it cannot separate.
# >
# > *Students believe*: that the order of the rows is a ranking. From ANIL to the support-set hypernetwork means lie between 92% and 94%, ± 1 to 3 points. And that inner steps are what matters: a linear probe is in the same group.
# >
# > *Ask*: Who is told apart from whom, split by split? (By the wider interval: on the real alphabets prototypes from all others; on scripts not from ANIL, MAML and the linear probe, from MetaSGD by a hair, from all others surely. First-order MAML and Reptile from prototypes, far.) Is the formula the reason? (Not separated: prototypes trained on 20 ways, the others on 5.)
# >
# > *On the board*: what is learned, and what an episode writes. Prototypes: features; the last layer. Hypernetwork: features and a map; the last layer, and moved convolutions. MAML: a start; all weights, by a step.
# >
# > *Short of time*: the second table alone. Say: intervals over episodes and over trainings answer different questions.

# %% ranking-then [markdown]
# *Real alphabets* are five of **Omniglot** (Lake and others 2015), by real hands: no training saw them, and their scripts (Balinese, Aramaic, Greek, Korean, Latin) are always held out, or not among the 140.
#
# Prototypes lead in every split. By lesson 00's *wider* interval that counts on real alphabets; on scripts ANIL, MAML and the linear probe tie with them, and MetaSGD is at the edge. Two reasons, not separated: their last layer is a formula, right from the first step, so all training goes into features; and they trained on 20 ways (1,000 steps of 3 episodes), the others on 5 (mostly 1,400 of 8). The support-set hypernetwork must learn that rule, MAML spends a gradient on it. These, *MetaSGD* (a learned rate for each weight), *ANIL* (only the last layer adapts) and the linear probe, whose features never saw an episode, lie within two points: good features seem to matter most (Chen and others 2019).
#
# First-order MAML and Reptile stay far behind, untuned: one step of 0.4 (as MAML, by its paper), and five of 0.1. Published, they come near MAML (Nichol and others 2018).
#
# ## A precaution, and a leak
#
# **Scripts, not characters.** Letters of one script share strokes: half of the Greek ones may teach something of the rest. As a precaution, untested, whole scripts are held out. How much is the letter itself worth? Letters trained on, in new drawings; scripts never seen; five letters of a single script:

# %% scripts
learner, rng = learners["prototypes"], torch.Generator()


def share(tasks, **which):
    batch = tasks.sample(150, 1, 5, rng.manual_seed(2), ways=5, **which)
    with torch.no_grad():
        right = accuracy(learner.main(learner(None, batch.support), batch.query.x), batch.query.y)
    return f"{right.mean():.1%} ± {half_interval(right):.1%}"


print("letters that it was trained on, new drawings:", share(family.train))
print("letters of scripts never seen:               ", share(family.test))
for name in ("Greek", "Latin", "Shavian"):
    print(f"all five of one script never seen, {name:9} ", share(family.test, alphabet=name))

# %% batch-statistics [markdown]
# No gap is measured: of 3,020 letters in ever new hands little is learned by heart. Scripts differ more.
#
# **Statistics of the batch.** Batch norm subtracts the mean over all pixels of drawings classified *at once*, and divides by their deviation. (As in much few-shot code, it keeps no running averages, which would mix tasks.) What is said of one depends on the others: it is **transductive**. In test episodes all
# classes come equally often; in use a drawing comes alone. A smaller learner with batch norm, and the one above with group norm:

# %% batch-statistics-slide [markdown] tags=["slides"]
# ## Statistics of the batch
#
# Batch norm looks at all drawings that are classified *at once*. What is said of one then depends on the others.
#
# In use a drawing comes alone.

# %% leak-slide [markdown] tags=["slides"]
# ## A test that lets the queries speak

# %% leak tags=["shown"]
leaky = PrototypicalNetwork(network(5, "batch", (16,) * 4))
load_checkpoint(data_file("checkpoints/batch_statistics.safetensors"), leaky)
batch = family.test.sample(100, ways=5, shots=1, queries=5, rng=torch.Generator().manual_seed(3))
y, x = batch.query.y, batch.query.x
for name, learner in {"batch norm": leaky, "group norm": learners["prototypes"]}.items():
    with torch.no_grad():
        theta, g = learner(None, batch.support), learner.main
        ways = {"all classes at once": g(theta, x)}
        ways["one class at a time"] = g(theta.unsqueeze(1), x.unflatten(1, (5, 5))).flatten(1, 2)
        ways["one drawing at a time"] = g(theta.unsqueeze(1), x.unsqueeze(2)).flatten(1, 2)
    for how, logits in ways.items():
        right = accuracy(logits, y)
        print(f"{name}, {how:22} {right.mean():.1%} ± {half_interval(right):.1%}")

# %% leak-teacher [markdown] tags=["teacher"]
# > **For the teacher** · 10 minutes. *Purpose*: one precaution that is not tested here, and one leak that is measured.
# >
# > *Students believe*: that a test is fair once the images are new. With batch norm the same learner has about 91% with all classes at once, 61% with one drawing at a time, 55% with one class at a time; with group norm three times 97.5%. Or that trained letters are easier: 97.6% against 97.8%.
# >
# > *Ask*: Why is one class at a time the worst? (What the drawings share is their class, and the mean takes it away.) Which of the three numbers is reported? (That of the way it will be used: here one drawing at a time.)
# >
# > *On the board*: one feature, class A: 3, class B: 1. Together: mean 2, so +1 and −1. A alone: 3 − 3 = 0. Three of A: 0, 0, 0. The class is gone.
# >
# > *Short of time*: skip the table of scripts. Say: whole scripts are held out, as a precaution.

# %% leak-then [markdown]
# With batch norm accuracy falls when a drawing comes alone, and when its neighbours are all of its class: what they share tells the class, and is probably subtracted with the mean.
#
# ## Where it fails
#
# Each learner's worst of 100 episodes: first row the examples, below what was taken for another class. Over all 100, how alike are two rows of the last layer?

# %% failures-slide [markdown] tags=["slides"]
# ## Where it fails
#
# One example does not say which differences matter.

# %% failures tags=["shown"]
shown, panels = figures.subplots(3, width=11, height=3.6)
batch = family.test.sample(100, ways=5, shots=1, queries=5, rng=torch.Generator().manual_seed(6))
for axes, (name, learner) in zip(panels, learners.items()):
    with torch.no_grad():
        theta, y = learner(None, batch.support), batch.query.y
        said = learner.main(theta, batch.query.x)[..., :5].argmax(-1)
    wrong = said != y
    worst = wrong.sum(1).argmax()
    mistaken = batch.query.x[worst][wrong[worst]][:15]
    pairs = zip(y[worst][wrong[worst]], said[worst][wrong[worst]])
    print(f"{name}: class → taken for:", ", ".join(f"{k + 1}→{j + 1}" for k, j in pairs))
    confused, all_pairs = rows_alike(learner.main, theta, said, y)
    print(f"   mean cosine of two rows: {confused:.2f} if confused, {all_pairs:.2f} of all pairs")
    images = torch.cat([batch.support.x[worst], mistaken])
    axes.imshow(page(images, 5), cmap="Greys", vmin=0, vmax=1)
    axes.axhline(28, color=figures.VERMILION, lw=2)
    axes.set(xticks=[], yticks=[])
    figures.title(axes, name)
figures.show(shown, "For each learner five examples, and below what it took for another letter.")

# %% failures-teacher [markdown] tags=["teacher"]
# > **For the teacher** · 6 minutes. *Purpose*: where one example is not enough, for whichever learner.
# >
# > *Students believe*: that another learner would cure the worst case. Here all three fail on the same episode, of single strokes.
# >
# > *Ask*: Do rows say what is confused? (On average: cosine 0.92 for pairs that are confused, 0.85 of all, for prototypes; for MAML 0.09 and −0.13. A tendency.)
# >
# > *On the board*: two strokes, / and \\, and a vertical one by a new hand: to which does it belong?
# >
# > *Short of time*: show the picture, skip the cosines. Say: one example does not say what may vary.

# %% failures-then [markdown]
# All three fail on the same episode: strokes that differ by their slant, which hands vary too. One example does not say which differences matter.
#
# ## Going further: one step at a time
#
# *Nothing below needs this section.* MAML, trained for one step, over 100 episodes:

# %% steps-slide [markdown] tags=["slides"]
# ## Going further: one step at a time

# %% steps tags=["shown"]
tasks = family.test.sample(100, ways=5, shots=1, queries=5, rng=torch.Generator().manual_seed(1))
learner = learners["MAML"]
with torch.no_grad():
    path = learner.path(None, tasks.support, inner_steps=4)
    for k, theta in enumerate(path.theta):
        right = accuracy(learner.main(theta, tasks.query.x), tasks.query.y)
        seen = accuracy(learner.main(theta, tasks.support.x), tasks.support.y)
        print(f"{k} steps: {seen.mean():.0%} of the examples right,", end=" ")
        print(f"{right.mean():.1%} ± {half_interval(right):.1%} of new drawings")

# %% steps-then [markdown]
# Before the first step it is at chance. More steps of so large a rate overshoot, even on the examples.

# %% steps-teacher [markdown] tags=["teacher"]
# > **For the teacher** · 5 minutes, or homework. *Purpose*: a rate that was trained for one step is a rate for one step.
# >
# > *Students believe*: that more steps adapt better. Printed: 92% after one and two, about 88% after four, and even examples get lost (100% to 95%).
# >
# > *Ask*: Why 21% before the first step? (Chance: the start does not know which letter is called 1.)
# >
# > *On the board*: a parabola, a step of rate 0.4 into its valley, the next one past it.
# >
# > *Short of time*: leave it out; settings 4 and 5 of the first figure show the same on one episode.

# %% exercise-1 [markdown]
# ## Exercises
#
# **1 · Compute.** (4 minutes; a decision by hand.) Two prototypes, $c_1 = (1, 0)$ and $c_2 = (0, 2)$, and a drawing with $h(x) = (1, 1)$. What is $p(y = 1 \mid x)$?
#
# <details><summary>Hint 1</summary>Equation (2) gives two logits.</details>
# <details><summary>Hint 2</summary>The softmax of two numbers depends on their difference alone.</details>

# %% exercise-1-slide [markdown] tags=["slides"]
# ## Exercise 1, on paper
#
# Two prototypes, $c_1 = (1, 0)$ and $c_2 = (0, 2)$, and a drawing with $h(x) = (1, 1)$.
#
# What is $p(y = 1 \mid x)$?

# %% exercise-1-answer tags=["exercise"]
probability = ...
checks.probability(probability)

# %% exercise-1-solution tags=["solution"]
logits = torch.tensor([2 * 1 - 1, 2 * 2 - 4.0])  # 2 c · h − ‖c‖²
probability = logits.softmax(0)[0]
checks.probability(probability)

# %% exercise-2 [markdown]
# **2 · Change.** (8 minutes; a last layer, written.) Write `head(features, y, ways)`, from features $(n, F)$ and classes $(n,)$ to the matrix and the bias of the last layer, for one or more examples of each class, so that a gradient reaches the features.
#
# <details><summary>Hint 1</summary>Equations (1) and (2), class by class.</details>
# <details><summary>Hint 2</summary>Return two tensors, (ways, F) and (ways,).</details>

# %% exercise-2-answer tags=["exercise"]
head = ...
checks.written_head(head)

# %% exercise-2-solution tags=["solution"]
def head(features, y, ways):
    c = torch.stack([features[y == k].mean(0) for k in range(ways)])
    return 2 * c, -c.square().sum(-1)

checks.written_head(head)

# %% exercise-3 [markdown]
# **3 · Find what is wrong.** (6 minutes; what a test may see.) This evaluation says that a learner is better than it is. Write `fair(learner, batch)`, the mean accuracy that counts.
#
# <details><summary>Hint 1</summary>What does it say of a learner that only remembers its examples?</details>
# <details><summary>Hint 2</summary>Which drawings may be judged, if D was shown?</details>

# %% exercise-3-given
def too_good(learner, batch):
    x = torch.cat([batch.support.x, batch.query.x], dim=1)
    y = torch.cat([batch.support.y, batch.query.y], dim=1)
    theta = learner(None, batch.support)
    return accuracy(learner.main(theta, x), y).mean()

# %% exercise-3-answer tags=["exercise"]
fair = ...
checks.on_new_drawings(fair)

# %% exercise-3-solution tags=["solution"]
def fair(learner, batch):
    theta = learner(None, batch.support)
    return accuracy(learner.main(theta, batch.query.x), batch.query.y).mean()

checks.on_new_drawings(fair)

# %% exercise-4 [markdown]
# **4 · Make.** (15 minutes; beyond the nearest mean.) A feature is *loud* if it scatters widely within each class. Write `rule(features, y, ways, new)` → scores (m, ways) of the drawings with features `new` (m, F); the largest names the class. Where a few are loud, it beats prototypes by ten points; where none is, or with one shot, it loses at most five (ten if classes differ in shots). Order of the examples, names of the classes and other drawings must not matter. `checks.episode(seed)` gives a loud one: features, y, new, and their classes. Many are good.
#
# <details><summary>Hint</summary>What do a class's own examples say of a feature? And if there is only one?</details>

# %% exercise-4-answer tags=["exercise"]
rule = ...
checks.rule(rule)

# %% exercise-4-solution tags=["solution"]
def rule(features, y, ways, new):  # distances in units of each feature's spread within the classes
    c = torch.stack([features[y == k].mean(0) for k in range(ways)])
    squares = (features - c[y]).square().sum(0)
    variance = (squares + 2) / (len(y) - ways + 2)  # as if two more examples had scattered by 1
    return -((new[:, None] - c).square() / variance).sum(-1)

checks.rule(rule)

# %% open-task [markdown]
# **Open task.** (45 minutes.) Which letters are confused? Guess, find a measure of how alike two letters look that predicts it, and try it on a hundred episodes. A good answer has the guess before the measurement, an interval, and another explanation.

# %% exercises-teacher [markdown] tags=["teacher"]
# > **For the teacher** · 18 minutes. *Purpose*: a decision, a layer, a fair test, and a rule for when the nearest mean is not best. Exercise 1: 4 minutes, 2: 8, 3: 6; and 15 for exercise 4, which is homework.
# >
# > *Students believe*: 1: that logits are distances, so 2/3 or 1/3 (they take no exponential), or exp(−1) (not divided), about 0.12 (no bias), about 0.88 (rows c for 2 c). 2: every class has as many examples (blocks, or `len(features) / ways`); the bias of the examples' mean squared length, or of 2 c. 3: the support set is still judged, or the two halves are averaged, or the learner is shown the queries. 4: that the nearest example is finer than the nearest mean (it is as much misled by a loud feature), that 25 examples give a covariance of 16 features (about 70% where prototypes have 97%), that the
# > spread of the new drawings may be used (a leak).
# >
# > *Ask*: In the open task, what does a good answer contain? (A guess before measuring; a measure on *images*, such as the overlap of two mean drawings; confusion over a hundred episodes with an interval; another explanation, such as slant.) Of exercise 4? (Many are good: distances in units of each feature's spread within the classes, with a little added so that one shot works; or a ridge regression from centred features to the classes, which weighs features by itself. Plain absolute
# > distances pass too, though they gain less: a loud feature still counts more, but not by its square.)
# >
# > *On the board*: 1 with distances: 1 and 2 squared, so logits −1 and −2, p = 1/(1 + e⁻¹) ≈ 0.73.
# >
# > *Short of time*: 3 in words: of what is the mean? Who is done early lets exercise 2 have two classes with one and five examples, and says whose bias is the stronger on average (that of one example: a mean of five is shorter, since noise cancels).

# %% readers [markdown]
# ## Questions that readers asked

# %% readers-asked
ahead = 100 * (table["ANIL", places[0]] - table["MAML", places[0]])
questions.of_readers(ahead=ahead.mean(), half=half_interval(ahead), wider=wider)

# %% quiz [markdown]
# ## Quiz
#
# **1. A 20-way test gives 60%, a 5-way test of the same learner 85%. Which is worse?**
# <details><summary>The 20-way test</summary>No: they cannot be compared without chance, which is 5% and 20%.</details>
# <details><summary>Neither says so by itself</summary>Yes: more ways are harder; always say how many.</details>
#
# **2. Why are labels in another order in every episode?**
# <details><summary>So that only the examples can say what a label means</summary>Yes: else θ₀ could learn the letters by heart.</details>
# <details><summary>To have more data</summary>No: no drawing is new by another label.</details>
#
# **3. What is learned in a prototypical network?**
# <details><summary>The last layer</summary>No: it is written, by a formula without parameters.</details>
# <details><summary>The features</summary>Yes: such that a class lies close to its mean.</details>
#
# **4. A test with batch norm is much better with all drawings at once than with one at a time. Why?**
# <details><summary>The other queries said something</summary>Yes: their statistics are in what is said of each.</details>
# <details><summary>Batch norm is the better layer</summary>No: in use, where drawings come alone, it reads far less.</details>
#
# **5. Why are scripts held out, and not letters?**
# <details><summary>So that the test is what the learner is for, a new script</summary>Yes: letters of one script share strokes.</details>
# <details><summary>There are too few letters</summary>No: there are thousands.</details>

# %% quiz-answers
questions.quiz()

# %% in-one-breath [markdown]
# ## In one breath
#
# $D \mapsto \theta = (\theta_0, 2c_k, -\lVert c_k\rVert^2)$ with $c_k$ the mean of $h(x)$ over class $k$: shared features, and a last layer written from the examples. It fails where a class is not gathered round its mean, where one example does not say
# what varies, and where a test lets the queries speak to each other.

# %% in-one-breath-slide [markdown] tags=["slides"]
# ## In one breath
#
# $$ D \mapsto \theta = (\theta_0, 2c_k, -\lVert c_k\rVert^2) $$
#
# Shared features, and a last layer written from the examples. It fails where a class is not gathered round its mean.

# %% references [markdown]
# ## References
#
# * J. Snell, K. Swersky, R. Zemel, *Prototypical networks*, 2017, [arXiv 1703.05175](https://arxiv.org/abs/1703.05175). C. Finn, P. Abbeel, S. Levine, *MAML*, 2017, [arXiv 1703.03400](https://arxiv.org/abs/1703.03400).
# * A. Raghu and others, *ANIL*, 2020, [arXiv 1909.09157](https://arxiv.org/abs/1909.09157). Z. Li and others, *Meta-SGD*, 2017, [arXiv 1707.09835](https://arxiv.org/abs/1707.09835). A. Nichol and others, *Reptile*, 2018, [arXiv 1803.02999](https://arxiv.org/abs/1803.02999).
# * J. Requeima and others, *Conditional neural adaptive processes*, 2019, [arXiv 1906.07697](https://arxiv.org/abs/1906.07697).
# * W.-Y. Chen and others, *A closer look at few-shot classification*, 2019, [arXiv 1904.04232](https://arxiv.org/abs/1904.04232).
# * B. Lake, R. Salakhutdinov, J. Tenenbaum, *Omniglot*, 2015, Science 350:1332.
