# %% opening [markdown]
# # 04 · Task descriptors: homework
#
# **What does it cost to say too little, and what to say too much?**
#
# A descriptor that leaves something out sets a limit below which no learner can go: you derive it. A descriptor that says more than it must sets none; you find out whether it does harm all the same.
#
# Three hours: *Derive* 60 minutes, *Experiment* 90, *Explain* 30. It stands on lesson 04 and no later one. You may use the lessons, the package, PyTorch's documentation and whatever you find elsewhere, if you say where; talk with others, write alone. *Hand in* this notebook, run from top to bottom, with your answers in it.
# What you predict is written before you run, and stays as it was: a wrong prediction costs nothing.

# %% imports
import math

import torch

from hyperedu import ColoradoClimate, Described, Hypernetwork, MainNetwork, MLPGenerator, Sinusoids
from hyperedu import figures, meta_test, meta_train, statistics

torch.set_num_threads(1)

# %% derive [markdown]
# ## Derive
#
# (60 minutes, 8 points.) Tasks are drawn at random, and a task gives $y$ at each $x$. A learner is told $\tau$ and answers $\hat y(\tau, x)$, whatever function that is. Its error is $\mathbb{E}\,(y - \hat y(\tau, x))^2$, over tasks and $x$.
#
# 1. Show that for each $\tau$ and $x$
#
# $$ \mathbb{E}\big[(y - \hat y)^2 \,\big|\, \tau, x\big] = \operatorname{Var}(y \mid \tau, x) + \big(\mathbb{E}[y \mid \tau, x] - \hat y\big)^2 \tag{H1} $$
#
# Which answer is best, therefore, and how small is the error at least? Call that the *floor* of the descriptor.
#
# 2. `Sinusoids` has waves $y = A \sin(x - p)$ with $A$ uniform in $[0.1, 5]$, $p$ uniform in $[0, \pi]$, independent of each other. Find the best answer and the least error at each $x$ and $A$ where $\tau$ says $A$ alone, then at each $x$ and $p$ where it says $p$ alone. (You need $\frac1\pi \int_0^\pi \sin(x - p)\, \mathrm{d}p$, the same with the square, and mean and variance of a uniform number.) Which of the
# two would you rather be told, for $x$ uniform in $[-5, 5]$? (The mean of $\cos^2 x$ there is $\frac12 + \frac{\sin 10}{20}$, that of $\sin^2(x - p)$ over $x$ and $p$ is $\frac12$.)
#
# 3. Let $\tau$ become longer by a number $z$ that is drawn independently of everything. What is the floor now? Prove it.
#
# Fill in the four functions ($A$, $p$ and $x$ come as tensors of one number, in double precision); the last cell compares them with sums over many waves in double precision, and asks autograd whether the error is flat at your answers.

# %% derive-answer-text [markdown]
# *My steps:* …

# %% derive-given
grid = (torch.arange(2_000, dtype=torch.float64) + 0.5) / 2_000  # uniform in [0, 1]
A, p = 0.1 + 4.9 * grid, math.pi * grid


def checked(name, waves, answer, floor):  # `waves`: y at one x, of all tasks that τ allows
    y_hat = torch.as_tensor(answer, dtype=torch.float64).clone().requires_grad_()
    error = (waves - y_hat).square().mean()
    (slope,) = torch.autograd.grad(error, y_hat)
    print(f"{name}: slope {slope:.0e}, error {error:.6f}, your floor {floor:.6f}")

# %% derive-answer
def answer_told_A(A, x):  # the best ŷ
    ...


def floor_told_A(A, x):
    ...


def answer_told_p(p, x):
    ...


def floor_told_p(p, x):
    ...

# %% derive-check
def check():  # slopes should be below 1e-5, error and floor agree to five decimals
    for x in torch.tensor([-1.3, 0.4, 2.0], dtype=torch.float64):
        told = torch.tensor(3.0).double()
        waves = told * torch.sin(x - p)
        checked("told A", waves, answer_told_A(told, x), floor_told_A(told, x))
        told = torch.tensor(0.8).double()
        waves = A * torch.sin(x - told)
        checked("told p", waves, answer_told_p(told, x), floor_told_p(told, x))


mine = answer_told_A, floor_told_A, answer_told_p, floor_told_p
answered = all(f(grid[0], grid[0]) is not None for f in mine)
check() if answered else print("Fill in the four functions; then this cell checks them.")

# %% derive-solution [markdown] tags=["solution"]
# **1.** With $\mu = \mathbb{E}[y \mid \tau, x]$, write $y - \hat y = (y - \mu) + (\mu - \hat y)$ and square. The cross term is $2\,(\mu - \hat y)\,\mathbb{E}[y - \mu \mid \tau, x] = 0$, since $\mu - \hat y$ is fixed once $\tau$ and $x$ are. The first square is the variance. So the best answer is $\mu$, the mean of all tasks that are told alike, and the floor is $\mathbb{E} \operatorname{Var}(y \mid \tau, x)$.
#
# **2.** $\frac1\pi \int_0^\pi \sin(x - p)\,\mathrm{d}p = \frac1\pi \big[\cos(x - p)\big]_0^\pi = -\frac2\pi \cos x$, and the mean of the square is $\frac12$. $A$ has the mean 2.55 and the variance $4.9^2/12$. Hence
#
# $$ \text{told } A: \quad \mu = -\tfrac{2}{\pi} A \cos x, \qquad \operatorname{Var} = A^2 \big(\tfrac12 - \tfrac{4}{\pi^2} \cos^2 x\big) \tag{H2} $$
#
# $$ \text{told } p: \quad \mu = 2.55\, \sin(x - p), \qquad \operatorname{Var} = \tfrac{4.9^2}{12} \sin^2(x - p) \tag{H3} $$
#
# On average over tasks and $x$ the first is more than twice the second (printed below): one would rather be told the phase. A wrong height is wrong in proportion; a wrong phase may turn the sign.
#
# **3.** $z$ is independent of $(y, \tau, x)$, so that $\operatorname{Var}(y \mid \tau, z, x) = \operatorname{Var}(y \mid \tau, x)$. The floor is the same: *in principle* a number that says nothing does no harm, for the best answer is a function that ignores it.

# %% derive-solution-code tags=["solution"]
def answer_told_A(A, x):
    return -2 / math.pi * A * torch.cos(x)


def floor_told_A(A, x):
    return A**2 * (1 / 2 - 4 / math.pi**2 * torch.cos(x) ** 2)  # (H2)


def answer_told_p(p, x):
    return 2.55 * torch.sin(x - p)


def floor_told_p(p, x):
    return 4.9**2 / 12 * torch.sin(x - p) ** 2  # (H3)


check()

# %% derive-solution-floors tags=["solution"]
A_squared, cos_squared = 2.55**2 + 4.9**2 / 12, 1 / 2 + math.sin(10) / 20
floors = A_squared * (1 / 2 - 4 / math.pi**2 * cos_squared), 4.9**2 / 12 / 2
print(f"floor told A: {floors[0]:.3f}, told p: {floors[1]:.3f}")
batch = Sinusoids().train.sample(200_000, 0, 1, torch.Generator().manual_seed(0))
x, y = batch.query.x[:, 0, 0], batch.query.y[:, 0, 0]
amplitude, phase = batch.properties["amplitude"], batch.properties["phase"]
for name, answer in (("A", answer_told_A(amplitude, x)), ("p", answer_told_p(phase, x))):
    best, other = ((y - guess).square().mean() for guess in (answer, answer + 0.5))
    print(f"told {name}, 200,000 waves: {best:.3f}; with 0.5 added, {other - best:.3f} more")
print("(H1) says of the last numbers: 0.25")

# %% derive-teacher [markdown] tags=["teacher"]
# > **Rubric** · 8 points
# >
# > | points | for |
# > |---|---|
# > | 2 | (H1), with a reason why the cross term is 0 |
# > | 4 | both answers and both floors, agreeing with the sums; which of the two one would be told |
# > | 2 | an irrelevant number leaves the floor, by independence and not by opinion |
# >
# > **Common failures**
# >
# > * *The best answer for $A$ alone is taken to be 0*, because sines average to 0. Answer: over which range of phases? A half turn is not a whole one.
# > * *The wave of the mean task*: $A \sin(x - \frac\pi2)$ for the unknown phase, which is $-A\cos x$ and too high by $\pi/2$. Answer: the mean of functions is not the function of the mean; the check's slope is not 0.
# > * *$\mathbb{E}A^2$ is confused with $\operatorname{Var}A$.* Answer: which part of $y$ is known?
# > * *"$z$ lowers the floor, more information is better"*, or *raises it*. Answer: what does the best function do with $z$?

# %% experiment [markdown]
# ## Experiment
#
# (90 minutes, 8 points.) By 3. numbers that are drawn independently for a new station leave its floor where it was. Floors are for a learner that has seen all tasks there are. Ours sees 60 stations of Colorado, or 214, described by elevation, latitude and longitude, and by $k$ **idle numbers**: fixed for each station, standard normal, of no meaning, as a registration number or a phone number would be.
#
# **Do idle numbers harm a hypernetwork, and do more stations help?**
#
# *Predict first, in the cell below*: (a) the error on training stations as $k$ goes from 0 to 1, 3 and 10: does it rise, fall, or stay? (b) the same for stations never seen, as numbers in °C (without idle numbers it is about 1 °C, a little more with 60 stations and a little less with 214, and the mean year errs by about 3); from which $k$ on is it better to know nothing? (c) how much of the harm is gone with 214 stations?
#
# *Then*
#
# 1. write `describe`, which puts the station's three numbers and its $k$ idle ones side by side; draw those of a station once, not in every batch (`climate.stations["name"]` has the names of all stations, `batch.properties["name"]` those of a batch);
# 2. train with `train`, below, for $k = 0, 1, 3, 10$, with 60 and 214 stations, on five splits (`seed` is the split, and its idle numbers are its own), and measure the error (`.rmse` of `meta_test`, on `Described(climate.test, describe)`: the mean over stations of each one's root mean squared error) on the training and on the test stations;
# 3. for each $k > 0$ give the harm, the test error less that for $k = 0$ on the same split, as a mean of the five with its 95% interval (`statistics.half_interval`, of a tensor with one number for each split);
# 4. draw both errors against $k$, and say which predictions held.

# %% experiment-prediction [markdown]
# *My predictions:* …

# %% experiment-given
def train(climate, describe, dim, seed, steps=300):  # describe: batch → τ (n_tasks, dim)
    torch.manual_seed(seed)
    year = MainNetwork.mlp([2, 16, 1], "tanh", climate.y_mean, climate.y_std)
    learner = Hypernetwork(year, MLPGenerator(dim, year, hidden=(32,)))
    adamw = torch.optim.AdamW(learner.parameters(), lr=4e-3, weight_decay=0.1)
    tasks = Described(climate.train, describe)
    meta_train(learner, tasks, steps, shots=0, queries=12, optimizer=adamw, progress=False)
    return learner


climate = ColoradoClimate(split=0, n_train=60)
learner = train(climate, lambda batch: batch.descriptor, dim=3, seed=0)
for name, tasks in {"training": climate.train, "test": climate.test}.items():
    print(f"no idle numbers, {name} stations: {meta_test(learner, tasks, 0, 12).rmse:.2f} °C")

# %% experiment-answer
# your describe, your trainings, your figure

# %% experiment-solution tags=["solution"]
counts, widths = (60, 214), (0, 1, 3, 10)


def with_idle_numbers(climate, k, seed):
    names = climate.stations["name"]
    numbers = torch.randn(len(names), k, generator=torch.Generator().manual_seed(100 + seed))
    row = {name: i for i, name in enumerate(names)}

    def describe(batch):
        idle = numbers[[row[name] for name in batch.properties["name"]]]
        return torch.cat([batch.descriptor, idle], dim=-1)

    return describe

# %% experiment-solution-one tags=["solution"]
def one_seed(n, k, seed):  # errors on training and test stations, in °C
    climate = ColoradoClimate(split=seed, n_train=n)
    describe = with_idle_numbers(climate, k, seed)
    learner = train(climate, describe, 3 + k, seed)
    sets = (Described(some, describe) for some in (climate.train, climate.test))
    return [meta_test(learner, tasks, 0, 12).rmse for tasks in sets]

# %% experiment-solution-training tags=["solution"]
errors = torch.tensor(
    [[[one_seed(n, k, seed) for seed in range(5)] for k in widths] for n in counts]
)  # (counts, widths, splits, training and test)
for n, of_n in zip(counts, errors):
    for k, of_k in zip(widths, of_n):
        harm = of_k[:, 1] - of_n[0, :, 1]
        print(f"{n:3} stations, {k:2} idle: training {of_k[:, 0].mean():.2f}", end=", ")
        print(f"test {of_k[:, 1].mean():.2f} °C, split by split", end="")
        print(*(f" {e:.2f}" for e in of_k[:, 1]), end="")
        print(f"; harm {harm.mean():.2f} ± {statistics.half_interval(harm):.2f}" if k else "")

# %% experiment-solution-nothing tags=["solution"]
def error_of_the_mean_year(climate):  # the same answer for every station
    guess = climate.mean_year[climate.train.index].mean(0)
    return (climate.mean_year[climate.test.index] - guess).square().mean(1).sqrt().mean()


nothing = [
    torch.stack([error_of_the_mean_year(ColoradoClimate(split=k, n_train=n)) for k in range(5)])
    for n in counts
]
for n, of_n in zip(counts, nothing):
    print(f"{n} stations: the mean year errs by {of_n.mean():.2f} °C:", *(f"{e:.2f}" for e in of_n))

# %% experiment-solution-figure tags=["solution"]
figure, panels = figures.subplots(2, width=10, height=3.8, sharey=True)
for axes, n, of_n, guess in zip(panels, counts, errors, nothing):
    for what, mark, color in ((0, "o--", figures.GREY), (1, "s-", figures.VERMILION)):
        values = of_n[..., what]  # (widths, splits)
        name = ("training stations", "stations never seen")[what]
        axes.plot(widths, values.mean(1), mark, color=color, label=name)
        axes.fill_between(widths, values.amin(1), values.amax(1), color=color, alpha=0.2)
    axes.axhline(guess.mean(), color=figures.BLACK, lw=1, ls=":", label="the mean year")
    axes.set(xlabel="idle numbers k", xticks=widths, title=f"{n} training stations")
panels[0].set_ylabel("RMSE (°C), range of splits")
panels[0].legend()
alt = "Error against idle numbers: on unseen stations it rises steeply, less so with 214 stations."
figures.show(figure, alt)

# %% experiment-solution-text [markdown] tags=["solution"]
# **(a)** With 60 stations the error on the *training* stations falls with every idle number: they help to tell stations apart, and there are few stations. With 214 it does not: it rises a little, since 300 steps are too few to learn so many by heart.
#
# **(b)** On *unseen* stations it rises with each idle number, and steeply. With 60 stations ten idle numbers make the hypernetwork worse than the mean year: one does better to know nothing of a station than to be told ten numbers beside it that mean nothing. With three it is still better in the mean of the splits, though not in each. The intervals of the harm all lie above zero; how large that of a single idle number is, five splits
# say only roughly.
#
# **(c)** With 214 stations more than half of the harm of ten idle numbers is gone, and the rest is still larger than the whole error without them.
#
# The floor is not contradicted. It is the error of the best function of $\tau$; what we measured is the error of a function that was *found* from some stations. (And step 3 speaks of a new station, whose idle numbers are a fresh draw: over the stations trained on they are fixed, and no longer independent of which station it is.) An idle number does not take away what elevation says; it makes the right function one among many that fit the training stations as well, and nothing in the loss prefers it. To find out that a number is idle takes stations that differ in it and
# agree in the rest, and the more such numbers there are, the farther apart stations lie. (One generator, one rate, 300 steps, little weight decay. On another machine trainings differ somewhat.)

# %% experiment-teacher [markdown] tags=["teacher"]
# > **Rubric** · 8 points
# >
# > | points | for |
# > |---|---|
# > | 1 | predictions in writing, with numbers |
# > | 2 | idle numbers that are fixed for each station, and drawn for test stations in the same way |
# > | 2 | training and test errors, five splits, the harm as a difference on the same split with its interval |
# > | 1 | a legible figure with axes and units |
# > | 2 | a sentence on each prediction, and why the floor of *Derive* is not contradicted |
# >
# > **Common failures**
# >
# > * *New idle numbers in every batch.* That is noise, which the generator learns to ignore, and the harm nearly vanishes. Answer: is a phone number another one each time you look?
# > * *The same numbers for every station*: a constant, which only moves a bias. Answer: what can it tell stations apart by?
# > * *Zeros for the test stations*, "since they mean nothing". Then the test is another one than the use: with few idle numbers easier, with ten harder, since no station that was trained on lies anywhere near zero in all ten. Answer: what will a new station's table have in that column?
# > * *"The network is too large"*, from one setting. Answer: which error would a smaller one have at $k = 0$? Try it before it is said.

# %% explain [markdown]
# ## Explain
#
# (30 minutes, 4 points.) A colleague has a table of 60 rivers with 40 columns, from the length to the number of the form on which it was reported, and wants a hypernetwork that writes a model for a river never measured: *"I give it all columns. More information cannot hurt, and the network will find out for itself what matters."*
#
# Answer in half a page. Where is this right? Where does it go wrong, and how does an idle column become what the lesson calls a **name**? Use both errors of your experiment. What should the colleague do: which rivers are held out to choose columns, and which to judge the choice?

# %% explain-answer [markdown]
# *My answer:* …

# %% explain-solution [markdown] tags=["solution"]
# It is right of what is possible. The best answer to a longer description is never worse than to a shorter one: it can ignore the rest. For a number that is independent of everything the least possible error is the same, not more.
#
# It goes wrong because the network does not know the best answer; it has 60 rivers to learn it from. With many columns each river stands alone at its place in a space of 40 dimensions, and there is always some combination of columns that tells it from the other 59. That combination works as a name does: it says *which* river, and nothing of what the river is like. The training error
# falls, as with one-hot descriptors, and what is learned by it is of no use for a river with another name. A one-hot vector at least refuses a new river with an error. An idle column takes any value: the network answers, as confidently as ever, and in our experiment it came to be worse than the mean year.
#
# What to do: keep the columns for which there is a reason, a mechanism by which they change what the river does, and begin with few. Hold out rivers, not measurements. Choose columns by the error on some held-out rivers, and judge the choice on others that had no part in it: with 40 columns, one looks good by chance. Look at both errors: a training error that falls while the other
# rises says that names are being learned. And more rivers help more than more columns.

# %% explain-teacher [markdown] tags=["teacher"]
# > **Rubric** · 4 points
# >
# > | points | for |
# > |---|---|
# > | 1 | where it is right: the floor does not rise |
# > | 2 | an idle column as a name, with both errors of the writer's own experiment |
# > | 1 | rivers held out to choose, others to judge |
# >
# > **Common failures**
# >
# > * *"Overfitting", and no more.* Answer: of what to what? Say what the generator has learned about river 17.
# > * *Columns are chosen by their correlation over all rivers*, the held-out ones included. Answer: who has seen the test now?
# > * *"Standardise, and it will be fine."* Answer: your idle numbers were standardised.
