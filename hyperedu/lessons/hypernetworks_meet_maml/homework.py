# %% opening [markdown]
# # 07 · Hypernetworks meet MAML: homework
#
# **What is it worth to know how wrong a description is?**
#
# The learners of the lesson were warned that descriptions may err, but not told by how much *this* one does. You derive what that costs in the smallest task; then you tell two learners, on the stations of Colorado, and see whom it helps.
#
# Three and a half hours: *Derive* 70 minutes, *Experiment* 105, *Explain* 35. It stands on lesson 07 and no later one. You may use the lessons, the package, PyTorch's documentation and whatever you find elsewhere, if you say where; talk with others, write alone. *Hand in* this notebook, run from top to bottom, with your answers in it.
# What you predict is written before you run, and stays as it was: a wrong prediction costs nothing. 20 points in all.

# %% imports
from dataclasses import replace

import torch

from hyperedu import ColoradoClimate, Hypernetwork, MainNetwork, MLPGenerator, TaskConditionedMAML
from hyperedu import TaskSet, figures, meta_test, meta_train, statistics

torch.set_num_threads(1)

# %% derive [markdown]
# ## Derive
#
# (70 minutes, 8 points.) As in the lesson, $c$ is one number, told as $\tau = c + s\,\varepsilon$ and read $n$ times; the mean $\bar y$ of the readings has an error of variance $v = \sigma^2/n$, independent of $\varepsilon$. A step of $\alpha$ ends at $\theta' = \tau + \alpha\,(\bar y - \tau)$. For a known $s$ the lesson has the error
#
# $$ R(\alpha, s) = \mathbb{E}\,(\theta' - c)^2 = (1 - \alpha)^2 s^2 + \alpha^2 v \tag{H1} $$
#
# In training $s$ is drawn anew for each task, and $\alpha$ is one number for all of them.
#
# 1. Which $\alpha$ has the least mean error over such tasks? Write it $\bar\alpha$. Of the distribution of $s$ it needs one number only: which? What is it for $s$ uniform between 0 and $b$?
# 2. Let $\alpha^*$ be the best step for a known $s$. Show that $R(\alpha, s) - R(\alpha^*, s)$ is a square times a positive factor, and find both. This is what *not knowing* $s$ costs at this $s$.
# 3. Let $0 < \alpha < 1$ be fixed. From which $s$ on is $\theta'$ worse than the readings alone, whose error is $v$? From which $s$ *downwards* is it worse than the description alone? And between the two? Give both for $\bar\alpha$ with $b = 1.5$ and $v = \frac14$.
#
# Fill in the four functions. The last cell compares them, in double precision, with an average over many $s$, autograd, and the errors themselves.

# %% derive-answer-text [markdown]
# *My steps:* …

# %% derive-given
v, b = 0.25, 1.5
many_s = (torch.arange(100_000, dtype=torch.float64) + 0.5) * b / 100_000  # uniform in [0, b]


def R(alpha, s):  # (H1)
    return (1 - alpha) ** 2 * s**2 + alpha**2 * v

# %% derive-answer
def best_step():  # ᾱ, for s uniform between 0 and b; a number
    ...


def price(alpha, s):  # R(α, s) − R(α*, s)
    ...


def worse_than_readings(alpha):  # the s from which on it is
    ...


def worse_than_description(alpha):  # the s below which it is
    ...

# %% derive-check
def check():
    alpha = torch.tensor(best_step(), dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(R(alpha, many_s).mean(), alpha)
    print(f"slope of the mean error at your step: {slope:.0e}; its size should be below 1e-9")
    s, fixed = torch.tensor([0.0, 0.4, 1.0, 3.0]).double(), alpha.detach()
    least = R(torch.linspace(0, 1, 100_001).double()[:, None], s).amin(0)  # by trying
    print(f"price: off by {(price(fixed, s) - R(fixed, s) + least).abs().max():.0e}", end="")
    print("; it should be below 1e-8")
    s = worse_than_readings(fixed)
    print(f"at s = {s:.4f} the error is {R(fixed, s):.6f}, of the readings {v}; should be equal")
    s = worse_than_description(fixed)
    print(f"at s = {s:.4f} the error is {R(fixed, s):.6f}, of the description {s**2:.6f}; too")


half, one = torch.tensor([0.5, 1.0]).double()
found = best_step(), price(half, one), worse_than_readings(half), worse_than_description(half)
answered = all(value is not None for value in found)
check() if answered else print("Fill in the four functions; then this cell checks them.")

# %% derive-solution [markdown] tags=["solution"]
# **1.** The mean of (H1) over $s$ is $(1 - \alpha)^2\, \mathbb{E}\,s^2 + \alpha^2 v$: (H1) again with $\mathbb{E}\,s^2$ in the place of $s^2$. So by (3) of the lesson
#
# $$ \bar\alpha = \frac{\mathbb{E}\,s^2}{\mathbb{E}\,s^2 + v}, \qquad \mathbb{E}\,s^2 = \frac{b^2}{3} \text{ for } s \sim U[0, b] \tag{H2} $$
#
# Only the mean square counts, and so the large errors most: a warned learner steps as if $s$ were $b/\sqrt3$ always.
#
# **2.** (H1) is a quadratic in $\alpha$ with the leading coefficient $s^2 + v$ and its minimum at $\alpha^* = s^2/(s^2 + v)$. Hence
#
# $$ R(\alpha, s) - R(\alpha^*, s) = (s^2 + v)\,(\alpha - \alpha^*)^2 \tag{H3} $$
#
# **3.** $(1 - \alpha)^2 s^2 + \alpha^2 v > v$ means $(1 - \alpha)^2 s^2 > (1 - \alpha)(1 + \alpha)\, v$. In the same way $(1-\alpha)^2 s^2 + \alpha^2 v > s^2$ means $\alpha^2 v > \alpha\,(2 - \alpha)\, s^2$. So, for $0 < \alpha < 1$, it is worse
#
# $$ \text{than the readings if } s^2 > v\, \frac{1 + \alpha}{1 - \alpha}, \qquad \text{than the description if } s^2 < v\, \frac{\alpha}{2 - \alpha} \tag{H4} $$
#
# Between the two it is better than either, though not as good as could be.

# %% derive-solution-code tags=["solution"]
def best_step():
    return (b**2 / 3) / (b**2 / 3 + v)  # (H2)


def price(alpha, s):
    return (s**2 + v) * (alpha - s**2 / (s**2 + v)) ** 2  # (H3)


def worse_than_readings(alpha):
    return (v * (1 + alpha) / (1 - alpha)) ** 0.5  # (H4)


def worse_than_description(alpha):
    return (v * alpha / (2 - alpha)) ** 0.5


check()

# %% derive-solution-drawn tags=["solution"]
drawn = torch.randn(2, 500_000, generator=torch.Generator().manual_seed(0)).double()
s, e, e_mean = torch.tensor([0.0, 1.0, 3.0]).double()[:, None], *drawn
error = (1 - best_step()) * s * e + best_step() * v**0.5 * e_mean  # θ′ − c
print(f"ᾱ = {best_step():.3f}")
print("(H1), drawn and computed:", error.square().mean(1), R(best_step(), s[:, 0]))

# %% derive-teacher [markdown] tags=["teacher"]
# > **Rubric** · 8 points
# >
# > | points | for |
# > |---|---|
# > | 3 | (H2), with the remark that $\mathbb{E}\,s^2$ is enough, and $b^2/3$ |
# > | 2 | (H3), by completing the square or by two derivatives |
# > | 3 | both bounds of (H4), with numbers, and what lies between them |
# >
# > **Common failures**
# >
# > * *$\bar\alpha$ is taken at the mean of $s$*, $b/2$: 0.69 in place of 0.75. Answer: which power of $s$ stands in (H1)?
# > * *$\bar\alpha$ is the mean of $\alpha^*(s)$.* Answer: what is averaged, steps or errors? The check's slope is not zero.
# > * *One divides by $1 - \alpha$ or $\alpha$ without a word on 1 and 0.* Answer: what is $\theta'$ in these cases?
# > * *"Knowing $s$ helps most at $s = 0$."* Answer: put $s = 3$ into (H3).

# %% experiment [markdown]
# ## Experiment
#
# (105 minutes, 8 points.) Catalogues often say how sure they are: *elevation 2,310 m, give or take 30*. `Misdescribed`, below, gives the stations of Colorado a description with an error of $s$ standard deviations, drawn between two bounds for each station, as in the lesson. To $\tau$ it adds one number more, which is always 0: make it $s$ itself where `tells` is true. A learner
# that is *untold* gets the 0, and is as large as one that is *told*.
#
# **Whom does it help to be told $s$: who has the description alone, or who has three months of the year as well?**
#
# *Predict first, in the cell below*: by how many °C being told changes the error (told − untold), at $s = 0$, 1 and 3 (in training $s$ is between 0 and 1.5), (a) for *described*, a `Hypernetwork`, (b) for *both*, a `TaskConditionedMAML` with three steps on three months. (c) What will a told learner do at $s = 3$, which it never met?
#
# *Then*
#
# 1. complete `Misdescribed`, in its cell; `one_seed`, below, trains a learner and gives its error at each noise, over six draws of ε;
# 2. run *described* and *both*, told and untold, on five splits (`seed` is the split as well);
# 3. for each noise give the difference told − untold on the same split, as a mean of the five with its 95% interval (`statistics.half_interval`, of a tensor with one number for each split);
# 4. draw error against $s$ for all four, and say which predictions held. Your price of *Derive* 2 is one of squared errors: take the differences of those as well. Does it say where telling should help, for *described* and for *both*?

# %% experiment-prediction [markdown]
# *My predictions:* …

# %% experiment-given
class Misdescribed(TaskSet):  # τ + s ε, and one number more
    def __init__(self, tasks, low, high, tells):
        self.tasks, self.low, self.high, self.tells = tasks, low, high, tells
        self.n_tasks = tasks.n_tasks

    def most_queries(self, shots):
        return self.tasks.most_queries(shots)

    def sample(self, n_tasks=None, shots=10, queries=10, rng=None):
        batch = self.tasks.sample(n_tasks, shots, queries, rng)
        tau = batch.descriptor
        s = self.low + (self.high - self.low) * torch.rand(len(batch), 1, generator=rng)
        told = torch.zeros(len(batch), 1)  # change this
        tau = tau + s * torch.randn(tau.shape, generator=rng)
        return replace(batch, descriptor=torch.cat([tau, told], dim=-1))

# %% experiment-given-training
def trained(climate, kind, tells, steps):
    year = MainNetwork.mlp([2, 16, 1], "tanh", climate.y_mean, climate.y_std)
    f = MLPGenerator(4, year, hidden=(32,))  # elevation, latitude, longitude, and the fourth
    learner = Hypernetwork(year, f)
    if kind == "both":
        learner = TaskConditionedMAML(year, f, steps=3, lr=1e-3)
    adamw = torch.optim.AdamW(learner.parameters(), lr=5e-3, weight_decay=0.5)
    tasks = Misdescribed(climate.train, 0.0, 1.5, tells)
    meta_train(learner, tasks, steps, shots=3, queries=9, optimizer=adamw, progress=False)
    return learner

# %% experiment-given-test
noises = (0.0, 0.5, 1.0, 1.5, 3.0)


def one_seed(kind, tells, seed, steps=400):  # the error at each noise, in °C
    climate = ColoradoClimate(split=seed)
    torch.manual_seed(seed)
    learner, squared = trained(climate, kind, tells, steps), torch.zeros(6, len(noises))
    for draw in range(6):  # of ε, others for each split
        for i, s in enumerate(noises):
            rng = torch.Generator().manual_seed(6 * seed + draw)
            test = Misdescribed(climate.test, s, s, tells)
            squared[draw, i] = meta_test(learner, test, 3, 9, rng=rng).rmse ** 2
    return squared.mean(0).sqrt()


print("untold, after a few steps:", one_seed("described", False, 0, 20))

# %% experiment-answer
# your Misdescribed, your twenty trainings, your figure

# %% experiment-solution tags=["solution"]
class Misdescribed(Misdescribed):  # the same with one line changed
    def sample(self, n_tasks=None, shots=10, queries=10, rng=None):
        batch = self.tasks.sample(n_tasks, shots, queries, rng)
        tau = batch.descriptor
        s = self.low + (self.high - self.low) * torch.rand(len(batch), 1, generator=rng)
        told = s if self.tells else torch.zeros(len(batch), 1)
        tau = tau + s * torch.randn(tau.shape, generator=rng)
        return replace(batch, descriptor=torch.cat([tau, told], dim=-1))

# %% experiment-solution-training tags=["solution"]
errors = {}
for kind in ("described", "both"):
    for tells in (False, True):
        name = f"{kind}, {'told' if tells else 'untold'}"
        errors[name] = torch.stack([one_seed(kind, tells, seed) for seed in range(5)])
        print(f"{name:18}", *(f"s = {s:g}: {e:.2f};" for s, e in zip(noises, errors[name].mean(0))))
for kind in ("described", "both"):
    told, untold = errors[f"{kind}, told"], errors[f"{kind}, untold"]  # (splits, noises)
    print(f"{kind}: told − untold, in °C; of squared errors, in °C²; wider: lesson 00's, in °C")
    for i, s in enumerate(noises):
        pair = told[:, i] - untold[:, i], told[:, i] ** 2 - untold[:, i] ** 2
        said = (f"{d.mean():+.3f} ± {statistics.half_interval(d):.3f}" for d in pair)
        wide = (1 + 5 * 60 / 214) ** 0.5 * statistics.half_interval(pair[0])  # lesson 00's
        print(f"  s = {s:g}:", *said, f"wider ± {wide:.3f}", sep="   ")

# %% experiment-solution-figure tags=["solution"]
figure, (axes,) = figures.subplots(width=7.5, height=4)
colors = figures.ORANGE, figures.VERMILION, figures.SKY, figures.BLUE
for color, mark, (name, values) in zip(colors, ("s--", "o-", "^--", "D-"), errors.items()):
    axes.plot(noises, values.mean(0), mark, color=color, label=name)
    axes.fill_between(noises, values.amin(0), values.amax(0), color=color, alpha=0.2)
axes.axvspan(0, 1.5, color=figures.GREY, alpha=0.1)
axes.set_xlabel("noise s (std of τ); grey ground: as in training")
axes.set_ylabel("RMSE (°C), range of splits")
axes.legend()
alt = "Error against noise: telling s lowers that of described at 0, and raises that of both at 3."
figures.show(figure, alt)

# %% experiment-solution-text [markdown] tags=["solution"]
# **(a)** *Described* gains where its description is perfect, by about a quarter of a degree: told that it may trust, it trusts. In the middle of what it was trained on it gains nothing that five splits could show; at $s = 1.5$, the worst that it was trained on, it gains again.
#
# **(b)** *Both* gains a few hundredths of a degree at most, at $s = 1$ and 1.5. Within the range of training the intervals are narrow, so this is not for lack of data: what telling changes is little.
#
# **(c)** At $s = 3$ *described* cannot be said to gain or lose. *Both* loses, by a quarter of a degree: the told learners must do something with a number that they never met.
#
# (The splits share stations. By lesson 00's wider interval the gain of *described* at 0 and the loss of *both* at 3 remain, the one of *both* at 1 by a hair, and the two at 1.5 do not. And of ten intervals at 95% one may leave zero out by chance.)
#
# The price (H3) has this shape, in *squared* errors, of which it is: those of *described* gain as much at $s = 1.5$ as at 0, and less between. Not to know costs nothing where $\alpha^* = \bar\alpha$, at $s = b/\sqrt3$, about 0.87, and more at either end. For *described*, the mean year stands in the place of the readings: an answer whose error $v$ is as large as what stations differ by, so that the price at $s = 0$, which is $v\,\bar\alpha^2$, is high. *Both* has three months.
# If these are good readings, with a small $v$ (we did not measure it), $\alpha^*$ is near 1 for nearly all $s$, and there is little to pay. It also takes steps of a fixed rate, so that it can use $s$ only in where it starts. At $s = 3$ (H3) promises most of all, to whoever *knows* what to do; the network was never shown that $s$. (One main network, one rate, 400 steps; on another machine trainings differ somewhat.)

# %% experiment-teacher [markdown] tags=["teacher"]
# > **Rubric** · 8 points
# >
# > | points | for |
# > |---|---|
# > | 1 | predictions in writing, in °C, for (a), (b) and (c) |
# > | 2 | $s$ itself is told, the untold learner stays as large; the tests tell as the training did |
# > | 2 | five splits, differences on the same split, intervals |
# > | 1 | a legible figure with axes and units |
# > | 2 | a sentence on each prediction; the price compared with the differences of squared errors; no claim where the interval holds zero |
# >
# > **Common failures**
# >
# > * *The error $s\,\varepsilon$ is told, or $|s\,\varepsilon|$.* Then the description can be mended, and all errors fall. Answer: what can a catalogue know?
# > * *Told and untold are compared as two groups*, and their ranges overlap. Answer: a split is hard or easy for both; take differences first.
# > * *"At $s = 3$ telling does harm, so it is useless."* Answer: which $s$ did training show? A network was never asked what to do there.
# > * *The interval holds zero, and a winner is named by the mean.* Answer: how many splits would it take, if the spread stays?

# %% explain [markdown]
# ## Explain
#
# (35 minutes, 4 points.) A company sells weather networks: *"Our model takes the uncertainty of your metadata into account. Tell it how sure you are, and it will never do worse than without."*
#
# Write half a page to a buyer who knows no mathematics. Is *never* right in theory, and why? Is it right of networks? In which situation would you pay for it, in which not, and which single test would you ask the company for?

# %% explain-answer [markdown]
# *My answer:* …

# %% explain-solution [markdown] tags=["solution"]
# In theory it is right. Whoever knows how sure a description is may choose how far to trust it; whoever does not must choose once for all cases. The first can always do what the second does, and so is never worse in the mean (H3): the price of not knowing is a square, and never negative. At a single place it may still be worse, by chance. And there is one condition: that what you tell is true.
#
# Of a network it is not right. A network does not know the best use of what it is told; it learned one from examples, and only for such uncertainties as it met. Told of one that is twice as large as any in its training, it must guess, and no sentence of the theory protects you then. In our trial it did harm there: the network that has three months erred by a quarter of a degree more when it was told. Also, each number more that it reads is
# one more thing to learn from the same stations.
#
# Pay for it if you have the description alone, and if your descriptions differ much in quality, so that good ones are worth trusting: that is where it helped. Do not pay if you have a few months of measurements from each place. They say what the description would have said, and say how far to trust it besides; in our trial telling changed next to nothing, as long as it was told what it knew. And if all your
# descriptions are equally good there is nothing to tell.
#
# The test: your own stations, held out, with the uncertainties of your own catalogue; the same model told the truth, and told one average uncertainty for all; the difference for each station, and its interval, for sure and unsure descriptions apart.

# %% explain-teacher [markdown] tags=["teacher"]
# > **Rubric** · 4 points
# >
# > | points | for |
# > |---|---|
# > | 1 | why *never* is right in theory, in the mean though not at each place: who knows can imitate who does not |
# > | 2 | why it is not right of networks, from the writer's own figure; when to pay |
# > | 1 | a test with something held out, the right comparison, and an interval |
# >
# > **Common failures**
# >
# > * *Equations in a letter to a buyer.* Answer: say it with a clock that is known to be wrong by at most five minutes.
# > * *"More information is always better."* Answer: better for whom: for who knows what to do with it, or who must learn it?
# > * *A test on the company's stations*, or without the untold model beside it. Answer: what would a good number there prove?
