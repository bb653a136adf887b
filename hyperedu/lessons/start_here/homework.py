# %% opening [markdown]
# # 00 · Start here: homework
#
# **Is it any good on a mountain higher than all that it has seen?**
#
# Lesson 00 set a hypernetwork against linear regression on five splits, and multiplied its interval by a factor that it did not explain. Here you derive the factor, and then set
# both methods a task that splits by chance never set them.
#
# Two hours: *Derive* 40 minutes, *Experiment* 50, *Explain* 30. It stands on lesson 00 and on no later one; *Derive* needs the variance of a sum of random numbers. You may use the lessons, the package, PyTorch's documentation and whatever you find elsewhere, if you say where; talk with others, write alone. *Hand in* this notebook, run from top to bottom, with your answers in it.
# What you predict is written before you run, and stays as it was: a wrong prediction costs nothing. 20 points in all.

# %% imports
import torch

from hyperedu import ColoradoClimate, Hypernetwork, MainNetwork, MLPGenerator
from hyperedu import figures, meta_train
from hyperedu.statistics import half_interval

# %% derive [markdown]
# ## Derive
#
# (7 points.) From $k$ splits come $k$ differences $d_1, \dots, d_k$ between two methods, each the mean over the unseen stations of one split. Write $\bar d$ for their mean and $s^2 = \frac{1}{k-1} \sum_i (d_i - \bar d)^2$.
# Half of the usual 95% interval is $t \sqrt{s^2 / k}$, with Student's $t$; it is right if the $d_i$ are independent and normal. But splits share stations. Suppose that all $d_i$ have the same mean, each the variance $\sigma^2$, and any two of them the covariance $\rho \sigma^2$, with $0 \le \rho < 1$.
#
# 1. Show what the variance of $\bar d$ is, in $\sigma^2$, $\rho$ and $k$. What is left of it when $k$ grows without end, and why, in words?
# 2. Show what the mean of $s^2$ is. (Use $\sum_i (d_i - \bar d)^2 = \sum_i d_i^2 - k \bar d^2$; you may let all $d_i$ have the mean 0: why?)
# 3. So $\operatorname{Var}(\bar d) = c \cdot \mathbb{E}[s^2] / k$: give $c$. Nadeau and Bengio guess $\rho$ as the share of the stations that is used for the test, $n_\text{test} / (n_\text{test} + n_\text{train})$. Show that $\sqrt c$ is then the factor of lesson 00.
#
# Write the steps below, number your results, and put the formulas into the next cell. It compares them with the same quantities from the whole covariance matrix; the two columns should agree.

# %% derive-answer-text [markdown]
# *My steps:* …

# %% derive-answer
k, rho, sigma = 5, 60 / 274, 2.0
variance_of_mean = ...  # step 1
mean_of_s2 = ...  # step 2
c = ...  # step 3

# %% derive-check
one, eye = torch.ones(k, 1, dtype=torch.float64), torch.eye(k, dtype=torch.float64)
covariance = sigma**2 * ((1 - rho) * eye + rho * one @ one.T)
centred = eye - one @ one.T / k  # d ↦ d minus its mean
exact_variance = (one.T @ covariance @ one).item() / k**2
exact_s2 = torch.trace(centred @ covariance).item() / (k - 1)
print(f"variance of the mean: from the matrix {exact_variance:.9f}, yours {variance_of_mean}")
print(f"mean of s²:           from the matrix {exact_s2:.9f}, yours {mean_of_s2}")
print(f"c:                    from the matrix {k * exact_variance / exact_s2:.9f}, yours {c}")
print(f"c of lesson 00:       {1 + 5 * 60 / 214:.9f}")

# %% derive-solution [markdown] tags=["solution"]
# **1.** $\operatorname{Var}(\bar d) = \frac{1}{k^2} \sum_{i,j} \operatorname{Cov}(d_i, d_j)$. There are $k$ pairs with $i = j$ and $k (k - 1)$ others:
#
# $$ \operatorname{Var}(\bar d) = \frac{\sigma^2}{k} \big(1 + (k - 1) \rho\big) \tag{H1} $$
#
# When $k$ grows, $\rho \sigma^2$ is left. More splits of the same stations cannot go below it: they say the same things again.
#
# **2.** Adding one number to all $d_i$ changes no $d_i - \bar d$, so let their common mean be 0. Then $\mathbb{E}[d_i^2] = \sigma^2$ and $\mathbb{E}[\bar d^2]$ is (H1), so that $(k - 1)\, \mathbb{E}[s^2] = k \sigma^2 - \sigma^2 (1 + (k - 1) \rho) = (k - 1)(1 - \rho) \sigma^2$:
#
# $$ \mathbb{E}[s^2] = (1 - \rho)\, \sigma^2 \tag{H2} $$
#
# What the splits share moves all $d_i$ together, and $s^2$ does not see it. So the usual interval is wrong twice: the mean varies more than $\sigma^2 / k$, and $s^2$ says that it varies less.
#
# **3.** Divide (H1) by (H2), and write $1 + (k - 1) \rho = (1 - \rho) + k \rho$:
#
# $$ c = \frac{1 + (k - 1) \rho}{1 - \rho} = 1 + \frac{k \rho}{1 - \rho} \tag{H3} $$
#
# With Nadeau and Bengio's guess $\rho / (1 - \rho) = n_\text{test} / n_\text{train}$, so $\sqrt c = \sqrt{1 + k\, n_\text{test} / n_\text{train}}$, as in lesson 00.

# %% derive-code-solution tags=["solution"]
variance_of_mean = sigma**2 / k * (1 + (k - 1) * rho)  # (H1)
mean_of_s2 = sigma**2 * (1 - rho)  # (H2)
c = 1 + k * rho / (1 - rho)  # (H3)
pairs = ((variance_of_mean, exact_variance), (mean_of_s2, exact_s2), (c, 1 + 5 * 60 / 214))
for name, (mine, exact) in zip(("(H1)", "(H2)", "(H3)"), pairs):
    print(f"{name}: {mine:.9f}, to be compared with {exact:.9f}")

# %% derive-teacher [markdown] tags=["teacher"]
# > **Rubric** · 7 points
# >
# > | points | for |
# > |---|---|
# > | 2 | (H1) with the count of the pairs |
# > | 1 | what is left of it for many splits, and in words why |
# > | 2 | (H2), and why the mean may be taken as 0 |
# > | 2 | (H3) from the two, the factor of the lesson from it; the check agrees |
# >
# > **Common failures**
# >
# > * $\mathbb{E}[s^2] = \sigma^2$ from memory. Ask what $s^2$ is if all $d_i$ are equal, $\rho = 1$. (Zero.)
# > * $\rho = n_\text{test} / n_\text{train}$. That is $\rho / (1 - \rho)$: the guess counts among all stations.
# > * "With 100 splits the interval is as narrow as we like." The usual one is, and that is what is wrong with it: (H1) does not go below $\rho \sigma^2$.
# > * The number $c$ is copied from the last line of the check. It earns nothing without (H1) and (H2).

# %% experiment [markdown]
# ## Experiment
#
# (8 points.) The title of the lesson's first section is *A network for a mountain nobody measured*. But the unseen stations were chosen by chance, so that most of them lie lower than some station of the training set. What if *all* unseen stations lie above all training stations? `by_height()` makes that split of Colorado; `ColoradoClimate("tmax", n_test=40)` draws 40 by chance, as the lesson drew 60. Below are both methods of the lesson, the hypernetwork with half as many steps.
#
# **Predict first, in writing**: (a) at the 40 highest stations, which has the lower error, the hypernetwork or linear regression? And at 40 stations drawn by chance? (b) On average over the year, will each of them draw the highest stations too warm or too cold, and by about how much? With a reason for each.
#
# Then, for both splits, train hypernetworks with the seeds 0 to 7. For each unseen station compute the RMSE of linear regression, the mean RMSE of the eight hypernetworks, and their difference. Print the mean errors, the mean difference and half of an interval; and for (b) the mean of *drawn minus measured* over months and stations. Draw one figure: elevation of the unseen stations against their RMSE at the highest stations, both methods. Say what is shown for each split, and what may explain the sign; call a guess a guess.
#
# One thing to decide: an interval over what? Over the eight seeds, which all meet the same unseen stations, or over the 40 stations? Let $d_i$ be the mean difference of seed $i$: what do the $d_i$ share, and which part of it does $s^2$ of *Derive* see?

# %% experiment-prediction [markdown]
# *My predictions:* …

# %% two-methods
def by_height(n=40):
    """Colorado with the n highest stations unseen; units of τ and y stay those of split 0."""
    family = ColoradoClimate("tmax", n_test=n)
    order = family.stations["elevation"].argsort()
    family.train.index, family.test.index = order[:-n], order[-n:]
    return family


def linear_years(family):
    """The years (n_test, 12) that one linear regression per month draws for unseen stations."""
    values = torch.stack([family.stations[name] for name in family.descriptors.names], dim=-1)
    X = torch.nn.functional.pad(family.descriptors(values), (0, 1), value=1.0)  # ones
    train, test = family.train.index, family.test.index
    return X[test] @ torch.linalg.lstsq(X[train], family.mean_year[train]).solution

# %% hypernetwork-years
def hypernetwork_years(family, seed, steps=500):
    """The same from a hypernetwork that is trained as in lesson 00."""
    torch.manual_seed(seed)
    main = MainNetwork.mlp([2, 32, 32, 1], "tanh", y_mean=family.y_mean, y_std=family.y_std)
    learner = Hypernetwork(main, MLPGenerator(descriptor_dim=3, main=main))
    optimizer = torch.optim.AdamW(learner.parameters(), lr=2e-3, weight_decay=1.0)
    sizes = {"steps": steps, "shots": 0, "queries": 12, "progress": False}
    meta_train(learner, family.train, **sizes, optimizer=optimizer)
    where = {name: family.stations[name][family.test.index] for name in family.descriptors.names}
    with torch.no_grad():
        theta = learner(family.describe(**where))
        return main(theta, family.x(torch.arange(12))).squeeze(-1)

# %% experiment-answer
families = {"drawn by chance": ColoradoClimate("tmax", n_test=40), "the highest": by_height()}
# for each: RMSE of both methods at each unseen station, the table, the figure

# %% experiment-solution tags=["solution"]
rmse = {}
for name, family in families.items():
    measured = family.mean_year[family.test.index]
    top, bottom = (family.stations["elevation"][part.index] for part in (family.train, family.test))
    print(f"{name}: training up to {top.max():,.0f} m, unseen from {bottom.min():,.0f} m", end=" ")
    print(f"to {bottom.max():,.0f} m")
    linear = (linear_years(family) - measured).unsqueeze(0)  # (1, stations, months)
    written = torch.stack([hypernetwork_years(family, seed) - measured for seed in range(8)])
    rmse[name] = {}
    for method, error in (("linear regression", linear), ("hypernetwork", written)):
        each = error.square().mean(-1).sqrt()  # (runs, stations)
        rmse[name][method] = each.mean(0)
        print(f"  {method:17} RMSE", *(f"{r:.2f}" for r in each.mean(1).tolist()), end=" °C; ")
        print("drawn minus measured", *(f"{b:+.2f}" for b in error.mean((1, 2)).tolist()))
    d = rmse[name]["hypernetwork"] - rmse[name]["linear regression"]
    of_runs = each.mean(1) - rmse[name]["linear regression"].mean()  # each: of the hypernetworks
    print(f"  difference {d.mean():+.2f} °C, ± {half_interval(d):.2f} over stations", end=", ")
    print(f"± {half_interval(of_runs):.2f} over seeds; worse with {(of_runs > 0).sum()} of 8")
    print(f"  median std of the runs at one station {each.std(0).median():.2f} °C")

# %% experiment-stations-solution tags=["solution"]
high = family.stations["elevation"][family.test.index] > 2900  # of the highest
share = d[high].sum() / d.sum()
print(f"{high.sum()} stations above 2,900 m make {share:.0%} of the difference there")

# %% experiment-figure-solution tags=["solution"]
figure, (axes,) = figures.subplots(width=6.5, height=4)
family = families["the highest"]
elevation = family.stations["elevation"][family.test.index]
looks = ("linear regression", figures.GREY, "o"), ("hypernetwork", figures.BLUE, "^")
for method, colour, mark in looks:
    errors = rmse["the highest"][method]
    axes.plot(elevation, errors, mark, color=colour, label=method, alpha=0.8)
axes.set(xlabel="elevation of an unseen station (m)", ylabel="RMSE (°C)", ylim=0)
axes.legend()
figures.show(figure, "RMSE against elevation, at 40 stations above all training stations.")

# %% experiment-text-solution [markdown] tags=["solution"]
# *An interval over what*: the eight runs of one split have all 40 unseen stations in common. What is hard about these stations moves all $d_i$ together, and by (H2) an interval over the seeds does not see it at all. It is about one thing only, the luck in training, and would not become a statement about mountains with a thousand seeds. That does not make it narrow: where stations are drawn by chance all runs say nearly the same, and it is tiny; at the highest stations luck in training is large, and it is the wider of the two. An interval over
# stations, of errors averaged over the seeds, is about other stations, but about these eight networks. (It takes stations for independent; neighbours are not quite, so it is rather too narrow.) To say that hypernetworks are worse on mountains, one would need both.
#
# *What is shown*: where the unseen stations are drawn by chance, the hypernetwork is better, and both intervals exclude zero. Above all training stations it is worse on average, and again both exclude zero; but one run of the eight is better than linear regression, and runs differ by more than two degrees. Both methods lose on the way up, and both draw the high stations too warm on average. Linear regression has the same fall per metre everywhere, so stations up there are colder than a straight line from below says. The figure shows where the
# hypernetwork loses: up to about 2,750 m the two are much alike, and the nine stations above 2,900 m, farthest from all that it was trained on, make most of the difference. We guess that nothing in training says how its bent surface goes on outside. That its runs differ so much on the highest stations, and hardly where stations are drawn by chance, fits this: outside, the seed decides.
#
# *Consequence*: the errors of lesson 00 are about places between the stations. For the summit of exercise 2 the honest number is the one measured here, or a larger one.

# %% experiment-teacher [markdown] tags=["teacher"]
# > **Rubric** · 8 points
# >
# > | points | for |
# > |---|---|
# > | 1 | predictions with reasons, written before the run |
# > | 2 | both splits, both methods, eight seeds; differences station by station |
# > | 2 | an interval, and what it is about: other stations, or luck in training; why none over seeds speaks of other mountains |
# > | 1 | a figure with units, every unseen station visible |
# > | 2 | a verdict for each split that follows from its interval; the sign of *drawn minus measured*, with a reason that is called a guess where it is one |
# >
# > **Common failures**
# >
# > * An interval over the eight seeds, and "significant". Ask what the eight had in common. (All 40 stations: another 40 mountains might say otherwise.)
# > * $40 \cdot 8 = 320$ values in one interval, as if they were independent. By chance the eight errors of one station are nearly the same; at the highest they differ by degrees.
# > * "It has lost, so hypernetworks cannot extrapolate." One family, one direction, one set of settings.
# > * The mean of *drawn minus measured* is taken for an error. It may be near 0 where both signs occur.

# %% explain [markdown]
# ## Explain
#
# (5 points.) A newspaper writes: *"Artificial intelligence now knows the temperature of every mountain to within 0.8 degrees, without a thermometer."* It speaks of the hypernetwork of lesson 00. Write half a page to the editor, for readers who know no mathematics. Say what was done, what is given, computed and learned (in plain words, but so that a student could put τ, θ, φ and $x$ beside them); take at least three words of the sentence that
# promise more than was measured, and put beside each what was measured instead. Say also what was achieved. Use a number of your own from above.

# %% explain-answer [markdown]
# *My letter:* …

# %% explain-solution [markdown] tags=["solution"]
# *Dear editor,* somebody took the average years of 274 weather stations in and around Colorado. A program was shown 214 of them and where they lie: height, latitude, longitude. For each place (given: τ) it writes a small formula of 1,185 numbers (computed: θ), into which one puts a time of year (given: $x$) and reads off the temperature. The only thing that is trained is the writer (learned: φ). Then it was asked
# for the 60 stations that it had never seen, and came closer than linear regression, a method that every student learns: 0.80 against 1.16 degrees, at 40 stations that I drew by chance. That is a success.
#
# *"Within 0.8 degrees"*: that is a mean over stations of a typical error. At many it is larger, and at about a third of them plain linear regression came closer. *"Every mountain"*: it was tested in one region, at stations of the same kind as those it learned from. Of the Alps nothing was measured. *"Knows the temperature"*: it draws an average year of the last century, not tomorrow, and of the daily maximum only. *"Without a thermometer"*: it took
# 214. And when I kept the 40 highest from it, it erred there by more than two degrees on average, linear regression by 1.7. *"Now"*: an older method for maps did a little better on the same stations. What is new is what comes out: a formula for each place.

# %% explain-teacher [markdown] tags=["teacher"]
# > **Rubric** · 5 points
# >
# > | points | for |
# > |---|---|
# > | 2 | given, computed and learned told apart, in plain words |
# > | 2 | three words that promise too much, each with what was measured; what was achieved |
# > | 1 | a number of the student's own, used rightly |
# >
# > **Common failures**
# >
# > * "The AI was trained for each mountain." Ask which numbers an optimiser changed, and how often. (φ, once, for all.)
# > * Only doubts, nothing of what was achieved. It did beat linear regression between the stations.
# > * "0.8 degrees is the largest error." It is a mean of roots of means; ask for the upper right corner of the lesson's figure.
# > * A lecture on climate change. Nothing here was measured over time.
