# %% opening [markdown]
# # 09 · Few-shot characters: homework
#
# **Is a class with one example at a disadvantage, and can what is written for it make up for that?**
#
# In lesson 09 every class had as many examples as the others. Here ten classes have one example and ten have ten. On paper you find what that does to the written last layer, and a bias that corrects it; a run says whether that is worth having.
#
# *Three and a half hours*: Derive 75 minutes, Experiment 105, Explain 30. It stands on lesson 09 and those before it, and on no later one. You may use the lessons, the package, PyTorch's documentation and whatever you find elsewhere, if you say where; talk with others, write alone. *Hand in* this notebook, run from top to bottom, with your answers in it.

# %% imports
import itertools

import torch

from hyperedu import Characters, PrototypicalNetwork, data_file, figures, load_checkpoint
from hyperedu import meta_train
from hyperedu.lessons.few_shot_characters.trainings import network
from hyperedu.statistics import half_interval

torch.set_num_threads(1)  # images this small are not worth two

# %% derive [markdown]
# ## Derive
#
# (8 points.) The features of drawings of class $k$ have the mean $c_k$ and the covariance $\Sigma$, the same for all classes. From $n_k$ examples, drawn independently, (1) of the lesson computes $\hat c_k$, which is only near $c_k$. Let $h$ be the features of a new drawing.
#
# **a.** Show that for a fixed $h$ the mean over all possible examples is
#
# $$ \mathbb{E}\, \lVert h - \hat c_k \rVert^2 = \lVert h - c_k \rVert^2 + \frac{\operatorname{tr} \Sigma}{n_k} \tag{H1} $$
#
# Which classes does the written layer (2) put at a disadvantage, and what happens if all have as many examples?
#
# **b.** Find an estimate $\hat S$ of $\operatorname{tr}\Sigma$ from the features of the examples alone, whose mean is right whatever the $n_k$ are (one of them at least two). Then write down the bias $b_k$ with which the logits of (2), on average, say the true distances; the rows $2\hat c_k$ stay.
#
# **c.** One example $h_i$ of class $k$ is moved a little. Find the gradient of the *uncorrected* logit $2\,\hat c_k \cdot h - \lVert \hat c_k \rVert^2$ with respect to $h_i$. How much more does an example count that is the only one of its class?
#
# Write a, b and c below; then complete `spread`, `head` and `influence`. In the check each class has three possible drawings, so it goes through *all* sets of examples: one of class 0, two of class 1, three of class 2. Autograd judges c.

# %% derive-answer [markdown]
# *Your derivation.*

# %% derive-code
def spread(h, y, ways):  # features (n, F) and classes (n,) → the estimate of b, ()
    return torch.zeros(())  # yours


def head(h, y, ways):  # → rows (ways, F), and the corrected biases (ways,)
    c = torch.stack([h[y == k].mean(0) for k in range(ways)])
    return 2 * c, -c.square().sum(-1)  # yours: this is (2), uncorrected


def influence(h, c, n):  # h: of the new drawing; c, n: mean and number of a class's examples
    return torch.zeros_like(h)  # yours: the gradient of c, for one example

# %% derive-check
def check_derivation(spread, head, influence):
    rng = torch.Generator().manual_seed(0)
    means, cloud, h = (torch.randn(m, 4, generator=rng).double() for m in (3, 3, 1))
    cloud = cloud - cloud.mean(0)  # the three drawings of each class, around its mean
    y, logits, spreads = torch.tensor([0, 1, 1, 2, 2, 2]), [], []
    for draw in itertools.product(range(3), repeat=6):
        D = means[y] + cloud[list(draw)]
        rows, bias = head(D, y, 3)
        logits.append(rows @ h[0] + bias)
        spreads.append(spread(D, y, 3))
    said, far = torch.stack(logits).mean(0), (h - means).square().sum(-1)
    trace = cloud.square().sum(-1).mean()
    print(f"tr Σ {trace:.6f}, mean of spread {torch.stack(spreads).mean():.6f}")
    for k in (1, 2):
        print(f"logit 0 - logit {k}: true {far[k] - far[0]:.6f}, written {said[0] - said[k]:.6f}")
    D.requires_grad_()
    c = D[3:].mean(0)  # class 2, of three examples
    (2 * c @ h[0] - c.square().sum()).backward()
    print("autograd ", [f"{v:.6f}" for v in D.grad[3].tolist()])
    print("influence", [f"{v:.6f}" for v in influence(h[0], c.detach(), 3).tolist()])

# %% derive-check-run
check_derivation(spread, head, influence)

# %% derive-solution [markdown] tags=["solution"]
# **a.** $h - \hat c_k = (h - c_k) - (\hat c_k - c_k)$. The mean of the product of the two brackets is zero, since $\mathbb{E}\,\hat c_k = c_k$; so the squares add. $\hat c_k - c_k$ is a mean of $n_k$ independent deviations with covariance Σ, so its covariance is $\Sigma / n_k$, and $\mathbb{E}\lVert \hat c_k - c_k \rVert^2 = \operatorname{tr}\Sigma / n_k$. A class of few examples seems farther away than it is, by up to $\operatorname{tr}\Sigma$; its drawings are given to others. If all $n_k$ are the same, all logits are lowered alike, which a softmax does not see: hence the lesson did not notice.
#
# **b.** Within class $k$ the squared distances to $\hat c_k$, not to $c_k$, sum to $(n_k - 1)\operatorname{tr}\Sigma$ on average. With $N$ examples of $K$ classes
#
# $$ \hat S = \frac1{N - K} \sum_k \sum_{(x, y) \in D,\; y = k} \lVert h(x) - \hat c_k \rVert^2 \tag{H2} $$
#
# $$ b_k = -\lVert \hat c_k \rVert^2 + \frac{\hat S}{n_k} \tag{H3} $$
#
# so that $2\,\hat c_k \cdot h + b_k = \lVert h \rVert^2 - \lVert h - \hat c_k \rVert^2 + \hat S / n_k$ has the mean $\lVert h \rVert^2 - \lVert h - c_k \rVert^2$.
#
# **c.** $\partial \hat c_k / \partial h_i = I / n_k$, hence
#
# $$ \frac{\partial}{\partial h_i}\big(2\,\hat c_k \cdot h - \lVert \hat c_k \rVert^2\big) = \frac{2}{n_k}\,(h - \hat c_k) \tag{H4} $$
#
# The only example of a class counts $n$ times as much as one of $n$: a bad drawing has nobody to correct it.

# %% derive-code-solution tags=["solution"]
def spread(h, y, ways):
    off = torch.cat([h[y == k] - h[y == k].mean(0) for k in range(ways)])
    return off.square().sum() / (len(y) - ways)


def head(h, y, ways):
    n = torch.stack([(y == k).sum() for k in range(ways)])
    c = torch.stack([h[y == k].mean(0) for k in range(ways)])
    return 2 * c, -c.square().sum(-1) + spread(h, y, ways) / n


def influence(h, c, n):
    return 2 * (h - c) / n


check_derivation(spread, head, influence)

# %% derive-teacher [markdown] tags=["teacher"]
# > **Rubric** · 8 points
# >
# > | points | for |
# > |---|---|
# > | 3 | a: the mixed term vanishes, and why; tr Σ / n; equal numbers cancel in a softmax |
# > | 3 | b: N − K, or another estimate that is shown to be right on average; the sign of the correction; all pairs of the check agree to six digits |
# > | 2 | c: the gradient, by hand, and the sentence on an only example |
# >
# > **Common failures**
# >
# > * *Divided by N.* The mean of `spread` is too small: in the check, with N = 6 and K = 3, half of tr Σ. Answer: distances to the mean of the same examples are too short; a class of one has none at all.
# > * *The sign.* The difference moves away from the true one. Answer: a class of one seems too far; its logit must rise.
# > * *n_k forgotten in c, or taken twice.* Answer: write out ĉ as a sum over examples first.

# %% experiment [markdown]
# ## Experiment
#
# (8 points.) Twenty ways from scripts never seen: of the classes 0 to 9 one example, of 10 to 19 ten. Bias $-\lVert \hat c_k \rVert^2 + s\,\hat S / n_k$: $s = 0$ is the lesson's layer, $s = 1$ your correction. Two kinds of features: those of the lesson, trained for minutes (a checkpoint), and those of small networks, trained for seconds here with three seeds. **Does the correction raise the accuracy? With both?**
#
# **Predict first, in writing**: (i) for $s = 0$, which share of queries is said to be one of the ten classes with one example, where half of them are? (ii) the same for $s = 1$; (iii) does the accuracy over all queries rise with $s = 1$, for the good features, for the bad ones? With a reason each.

# %% experiment-prediction [markdown]
# *Your predictions, written before the first run.*

# %% experiment-given
def small(seed):  # scripts held out and start are those of the seed
    torch.manual_seed(seed)
    family = Characters(20, split=seed)
    learner = PrototypicalNetwork(network(20, "group", (8,) * 4))
    rng = torch.Generator().manual_seed(seed)
    meta_train(learner, family.train, 150, 2, 1, 3, rng=rng, progress=False)
    return family, learner


def episodes(family, learner, n_tasks=60):  # features of 10 examples and 3 queries per class
    rng = torch.Generator().manual_seed(0)
    batch = family.test.sample(n_tasks, ways=20, shots=10, queries=3, rng=rng)
    with torch.no_grad():
        theta, h = learner(None, batch.support), learner.main.features
        examples = h(theta, batch.support.x).unflatten(1, (20, 10))  # (n_tasks, 20, 10, F)
        return examples, h(theta, batch.query.x), batch.query.y  # y (n_tasks, 60)

# %% experiment-features
good = PrototypicalNetwork(network(20))
load_checkpoint(data_file("checkpoints/prototypes.safetensors"), good)
features = {"checkpoint": episodes(Characters(20), good)}
for seed in range(3):
    features[f"small, seed {seed}"] = episodes(*small(seed))

# %% experiment-task [markdown]
# (Of the classes 0 to 9 take `examples[:, :10, :1]` alone, also for $\hat S$.)
#
# 1. For $s$ = 0, 0.25, 0.5, 1, 2: the share of queries that is said to be of a class with one example, the accuracy on queries of classes with one example, with ten, and on all; and of the queries that are said to be of a class with one example, and of the others, the share that is.
# 2. A figure: accuracy on all queries against $s$, a line for the checkpoint with intervals over episodes, and one for the small networks with intervals over the three trainings.
# 3. The difference of $s = 1$ and $s = 0$ with its 95% interval (`half_interval`), for both kinds: episode by episode, and training by training (with the wider one of the lesson: splits share scripts). What does each interval speak of?
# 4. By (H1) the corrected distances are right on average. Find out why that need not give the best decisions: for queries, look at the corrected distances to the *wrong* classes, those with one example and those with ten. Compare the two means, and the two minima (the nearest wrong class of each kind).
# 5. Is it that features are bad? Spoil those of the checkpoint by normal noise: once of 0.2 in each direction, once of the same total variance in two directions alone. For which of them does $s = 1$ gain?

# %% experiment-answer
# yours

# %% experiment-conclusion [markdown]
# *What was shown, what was not, and which of your predictions was wrong.*

# %% experiment-solution tags=["solution"]
n = torch.tensor([1] * 10 + [10] * 10)
is_few = n == 1


def distances(examples, h, s):  # ‖h − ĉ_k‖² − s Ŝ / n_k, (n_tasks, queries, 20)
    there = (torch.arange(10) < n[:, None])[..., None]  # which examples may be used
    c = (examples * there).sum(2) / n[:, None]
    S = ((examples - c[:, :, None]) * there).square().sum((1, 2, 3)) / (n.sum() - 20)  # (H2)
    far = torch.cdist(h, c).square()
    return far - s * S[:, None, None] / n

# %% experiment-shares-solution tags=["solution"]
def shares(examples, h, y, s):  # (n_tasks, 6): said few; right of few, of many, of all; kinds
    said = distances(examples, h, s).argmin(-1)
    right, few = (said == y).float(), is_few[y].float()
    rows = [is_few[said].float().mean(1), (right * few).sum(1) / few.sum(1)]
    rows += [(right * (1 - few)).sum(1) / (1 - few).sum(1), right.mean(1)]
    said_few = is_few[said].float()  # of those said to be of a kind, the share that is
    rows += [(said_few * few).sum(1) / said_few.sum(1)]
    rows += [((1 - said_few) * (1 - few)).sum(1) / (1 - said_few).sum(1)]
    return torch.stack(rows, -1)

# %% experiment-table-solution tags=["solution"]
strengths = (0, 0.25, 0.5, 1, 2)
found = {}
for name, each in features.items():
    found[name] = torch.stack([shares(*each, s) for s in strengths])
for name, each in found.items():
    print(f"{name:15} said few; right: of few, of many, of all; is few, many")
    for s, row in zip(strengths, each.nanmean(1)):  # in some episodes nothing is said to be of many
        print(f"   s = {s:<4}     ", *(f"{share:8.1%}" for share in row))

# %% experiment-figure-solution tags=["solution"]
episodes_of = found["checkpoint"][..., 3]  # (strengths, n_tasks)
trainings = torch.stack([found[f"small, seed {k}"][..., 3].mean(1) for k in range(3)], 1)
figure, (axes,) = figures.subplots(1, width=7, height=4)
for name, each in {"checkpoint (over episodes)": episodes_of,
                   "small (over trainings)": trainings}.items():
    half = [half_interval(row) for row in each]
    axes.errorbar(strengths, each.mean(1), half, marker="o", capsize=3, label=name)
axes.set(xlabel="s, the strength of the correction", ylabel="accuracy on all queries", ylim=(0, 1))
axes.legend()
figures.show(figure, "Accuracy against s: a low hill for the checkpoint, falling for small ones.")
for name, each in {"checkpoint": episodes_of, "small": trainings}.items():
    gain = each[3] - each[0]
    print(f"{name:12} s = 1 less s = 0: {gain.mean():+.1%} ± {half_interval(gain):.1%}")
wider = (1 + 3 * 30 / 110) ** 0.5  # the lesson's: scripts for the test, for training
print(f"small, wider: ± {wider * half_interval(gain):.1%}")

# %% experiment-why-solution tags=["solution"]
for name, (examples, h, y) in features.items():
    far = distances(examples, h, 1)
    far = far / far.gather(-1, (y[..., None])).mean()  # unit: the mean to the right class
    wrong = torch.arange(20) != y[..., None]
    kinds = {"one": wrong & is_few, "ten": wrong & ~is_few}
    means = {k: far[some].mean().item() for k, some in kinds.items()}
    least = {k: far.where(some, torch.inf).amin(-1).mean().item() for k, some in kinds.items()}
    print(f"{name:15}", *(f"{k}: mean {means[k]:.2f}, nearest {least[k]:.2f};  " for k in kinds))

# %% experiment-control-solution tags=["solution"]
examples, h, y = features["checkpoint"]
rng, F = torch.Generator().manual_seed(1), h.shape[-1]
two = torch.linalg.qr(torch.randn(F, 2, generator=rng)).Q.T * (F / 2) ** 0.5
for name, ways in {"in all directions": torch.eye(F), "in two": two}.items():
    noisy = [
        each + 0.2 * torch.randn(*each.shape[:-1], len(ways), generator=rng) @ ways
        for each in (examples, h)
    ]
    of_s = torch.stack([shares(*noisy, y, s)[:, 3] for s in (0, 1)])
    gain, before, after = of_s[1] - of_s[0], *of_s.mean(1)
    print(f"noise {name:17} {before:.1%}, corrected {after:.1%}", end=": ")
    print(f"{gain.mean():+.1%} ± {half_interval(gain):.1%}")

# %% experiment-text-solution [markdown] tags=["solution"]
# (Numbers may differ a little on your machine.) (i) With $s = 0$ the classes with one example are named too seldom, as (H1) says: in 44% of the queries by the checkpoint, in a third by the small networks, instead of half. (ii) With $s = 1$ the checkpoint names them in 51%. The small networks overshoot, to about 80%.
#
# (iii) **The correction helps this checkpoint and harms these small networks.** The checkpoint gains 1.9% ± 0.9%: an interval over episodes, so it speaks of other episodes with *these* weights and from these scripts. The small networks lose 8.0% ± 0.7% (wider: 0.9%), over three trainings, each with other scripts held out: it speaks of trainings like these.
#
# *Why.* Corrected distances to wrong classes have nearly the same mean whether a class has one example or ten: (H1) holds. But one is right on average only. That from a single example scatters more, and what decides is the *nearest* of ten: among wrong classes with one example it is nearer than among those with ten, a little for the checkpoint, by far for the small networks. An estimate without bias is not yet a good decision; $s$ between 0 and 1, chosen on training scripts, would be a compromise.
#
# It is not that their features are bad. The checkpoint's, spoiled in all directions, are much worse than before, and the correction gains 19 points on them; spoiled as much in two directions, it loses 8. Where drawings of a class differ in many directions, $\lVert \hat c - c \rVert^2$ is a sum of many squares and nearly the same each time, so that to take off its mean is right nearly always. Where they differ in few it varies much, and what is right on average is wrong most of the time.
#
# Not shown: in how many directions the features of the small networks differ, and other numbers of examples or ways.

# %% experiment-teacher [markdown] tags=["teacher"]
# > **Rubric** · 8 points
# >
# > | points | for |
# > |---|---|
# > | 1 | predictions with a reason, written before; the wrong ones are named afterwards |
# > | 2 | the table; Ŝ from the examples that may be used alone |
# > | 2 | the figure, with two kinds of intervals and what each speaks of: new episodes for these weights, or new trainings |
# > | 1 | both differences with a sentence each |
# > | 2 | 4: equal means, unequal minima; a conclusion about decisions, not distances. 5: bad features alone do not explain it |
# >
# > **Common failures**
# >
# > * *All ten examples of the first classes are used for Ŝ or ĉ.* The handicap is gone. Answer: what was D?
# > * *"The correction works", from the checkpoint alone.* Answer: one training; look at the others.
# > * *"The derivation is wrong", from the small networks.* Answer: the check was exact. What does an average promise about the nearest of ten?
# > * *"Good features gain, bad ones lose."* Answer: which of the two spoiled ones is worse, and which gains?
# > * *60 episodes of each of three trainings are pooled to 180.* Answer: an interval over episodes of one network says nothing of another training.

# %% explain [markdown]
# ## Explain
#
# (4 points.) An archive wants to sort letters of an unknown script. Of common letters it has dozens of examples, of rare ones a single one. Its reader, who missed the lesson, asks: *"May I trust it when it says that a drawing is one of the rare letters? And when it says that it is not?"*
#
# Write half a page without a formula: how examples make the last layer; what an only example does to it; what your runs say to both questions, and what they cannot say.

# %% explain-answer [markdown]
# *Your half page.*

# %% explain-solution [markdown] tags=["solution"]
# Nobody trained this classifier on your script. A network turns each drawing into a list of numbers, such that drawings of one letter get similar lists. For each letter it takes the mean of the lists of its examples, and a new drawing is given to the letter whose mean is nearest. These means *are* the last layer: your examples have written it.
#
# Where there are dozens of examples, the mean is steady: an odd one hardly moves it. Where there is one, that drawing is the mean, with all the quirks of the hand that drew it. So the letter is placed a little wrongly, and any new drawing of it seems farther away than it should.
#
# *"It is the rare letter."* Said too seldom rather than too often, as the program comes. In our test, where each kind was half of the drawings, it was true of more than 99% of the drawings of which it was said. *"It is not"* deserves less trust: of one in nine it was false. There is a correction that brings the letters with one example nearer, and then the second saying is the safer one: 97% against less than 96%, with well trained features. With poorly trained ones the corrected program called four in five drawings rare, and was right about little more than half of these. So let somebody test it before you use it.
#
# What we cannot say: your rare letters are perhaps one in a thousand drawings, ours were one in two, and then even few false alarms outnumber the true ones. Ours were drawn by a program from the shapes of fonts; your ink has stains. We tested one well trained network. And it always names one of the letters it was shown, also for a blot.

# %% explain-teacher [markdown] tags=["teacher"]
# > **Rubric** · 4 points
# >
# > | points | for |
# > |---|---|
# > | 1 | the layer is written from means of features; no formula, and right |
# > | 1 | an only example: too far on average, and far from sure |
# > | 1 | both questions answered by shares of what was *said*; which saying is the safer, without the correction and with it |
# > | 1 | limits: half of these queries were of rare letters; one checkpoint; drawn letters; a letter that is none of the twenty |
# >
# > **Common failures**
# >
# > * *One answer for both questions.* Answer: an uncorrected layer says *rare* too seldom; so which of its two sayings is the safer? (*Rare*; corrected, the other.)
# > * *Rates are carried over.* Answer: in an archive rare letters are rare; here they were half of all queries.
# > * *"More training cures it."* Answer: the checkpoint, trained for minutes, shows the handicap too.
