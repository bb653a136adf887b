# %% opening [markdown]
# # 08 · Regularization: homework
#
# **Is a little noise on τ a penalty, and is it as good as one?**
#
# Lesson 08 added a term to the loss. Here the loss stays as it is, and the description is shaken: in each step of training the generator is told $\tau + \sigma\varepsilon$ instead of τ. You find out on paper which penalty that is, and by a run whether it helps stations never seen.
#
# *Three hours*: Derive 60 minutes, Experiment 90, Explain 30. It stands on lesson 08 and those before it, and on no later one. You may use the lessons, the package, PyTorch's documentation and whatever you find elsewhere, if you say where; talk with others, write alone. *Hand in* this notebook, run from top to bottom, with your answers in it.

# %% imports
import torch
from torch import nn
from torch.func import hessian, jacfwd, vmap

from hyperedu import ColoradoClimate, Hypernetwork, MainNetwork, MLPGenerator, Sensitivity, figures
from hyperedu import meta_test, meta_train
from hyperedu.statistics import half_interval

torch.set_num_threads(1)  # networks as small as these are trained faster by one

# %% derive [markdown]
# ## Derive
#
# (8 points.) One task with $K$ examples $(x_k, y_k)$. Write $y_k(\tau) = g(f_\varphi(\tau), x_k)$ for what the written network says, and $L(\tau) = \frac1K \sum_k (y_k(\tau) - y_k)^2$ for its loss. Let $\varepsilon$ have mean 0, covariance $I$, and no third moments, as $N(0, I)$ has.
#
# **a.** Expand $L(\tau + \sigma\varepsilon)$ in σ, and take the mean over ε. Show that
#
# $$ \mathbb{E}_\varepsilon L(\tau + \sigma\varepsilon) = L(\tau) + \sigma^2 N(\tau) + O(\sigma^4), \qquad N(\tau) = \tfrac12 \operatorname{tr} \nabla_\tau^2 L(\tau) \tag{H1} $$
#
# **b.** Differentiate $L$ twice. Write $N$ as a sum of two terms: one that is never negative, and one that vanishes if the network fits its examples exactly. Can $N$ be negative? When is it surely not?
#
# **c.** Use the chain rule $\nabla_\tau y_k = (\partial f_\varphi / \partial\tau)^\top \nabla_\theta\, g$ in the first term. Compare it with the sensitivity (2) of lesson 08: which changes of θ does (2) punish, that noise does not?
#
# Write a, b and c below. Then write your two terms as code, in `two_terms`. The check compares their sum with two other ways to get $N$: by the Hessian, and by (H1) itself at a small σ, where the $2d$ points $\pm\sqrt d\, e_j$ stand for ε (they have the same mean and covariance, and no third moments).

# %% derive-answer [markdown]
# *Your derivation.*

# %% derive-code
def two_terms(said, tau, y):  # said: τ (d,) → all y_k(τ), (K,)
    never_negative = torch.zeros(())  # yours
    vanishes = torch.zeros(())  # yours
    return never_negative, vanishes

# %% derive-check
def check_terms(two_terms, sigma=1e-3):
    torch.manual_seed(0)
    main = MainNetwork.mlp([2, 8, 1], "tanh")
    f, tau = MLPGenerator(3, main, hidden=(8,)).double(), torch.randn(3, dtype=torch.float64)
    x, y = torch.randn(12, 2, dtype=torch.float64), torch.randn(12, dtype=torch.float64)

    def said(tau):
        return main(f(tau), x)[:, 0]

    def loss(tau):
        return (said(tau) - y).square().mean()

    points = 3**0.5 * torch.cat([torch.eye(3), -torch.eye(3)]).double()
    shaken = torch.stack([loss(tau + sigma * point) for point in points]).mean()
    first, second = two_terms(said, tau, y)
    print(f"your terms {first:.6f} and {second:.6f}, their sum {first + second:.6f}")
    fitted = two_terms(said, tau, said(tau).detach())[1]
    print(f"where the network fits its examples the second is {fitted:.6f}; it should be 0")
    print(f"by the Hessian {hessian(loss)(tau).trace() / 2:.6f}")
    print(f"by (H1) at σ = {sigma} {(shaken - loss(tau)) / sigma**2:.6f}")

# %% derive-check-run
check_terms(two_terms)

# %% derive-solution [markdown] tags=["solution"]
# **a.** By Taylor, $L(\tau + \sigma\varepsilon) = L + \sigma \nabla L \cdot \varepsilon + \frac{\sigma^2}2 \varepsilon^\top \nabla^2 L\, \varepsilon + \dots$ The mean of the first order is zero since $\mathbb{E}\,\varepsilon = 0$. That of the second is $\frac{\sigma^2}2 \operatorname{tr}(\nabla^2 L\; \mathbb{E}\,\varepsilon\varepsilon^\top) = \frac{\sigma^2}2 \operatorname{tr} \nabla^2 L$. The third order has mean zero, since there are no third moments; so the next is of order four.
#
# **b.** $\nabla L = \frac2K \sum_k (y_k(\tau) - y_k)\, \nabla y_k(\tau)$. Once more, by the product rule, and half of the trace:
#
# $$ N = \underbrace{\frac1K \sum_k \lVert \nabla_\tau y_k(\tau) \rVert^2}_{\text{never negative}} + \underbrace{\frac1K \sum_k \big(y_k(\tau) - y_k\big) \operatorname{tr} \nabla_\tau^2\, y_k(\tau)}_{0 \text{ if all } y_k(\tau) = y_k} \tag{H2} $$
#
# Where residuals are large the second term may be negative and outweigh the first, as in the check: there noise is no penalty. Where the network fits its examples it surely is.
#
# **c.** The first term is $\frac1K \sum_k \lVert (\partial f_\varphi/\partial\tau)^\top \nabla_\theta\, g(\theta, x_k) \rVert^2$. Sensitivity (2) is $\frac1P \lVert \partial f_\varphi/\partial\tau \rVert^2$. Both ask for little change with τ. Sensitivity asks it of every weight alike. Noise asks it of what the network *says* at the examples: a change of θ that is orthogonal to all $\nabla_\theta\, g(\theta, x_k)$ costs nothing in the first term. (The second still hears how what is said bends along it, where residuals are left.) (That training with noise is a penalty is a known result: C. Bishop, 1995, *Training with noise is equivalent to Tikhonov regularization*, Neural Computation 7.)

# %% derive-code-solution tags=["solution"]
def two_terms(said, tau, y):
    never_negative = jacfwd(said)(tau).square().sum(-1).mean()
    curvature = hessian(said)(tau).diagonal(dim1=-2, dim2=-1).sum(-1)
    return never_negative, ((said(tau) - y) * curvature).mean()


check_terms(two_terms)

# %% derive-teacher [markdown] tags=["teacher"]
# > **Rubric** · 8 points
# >
# > | points | for |
# > |---|---|
# > | 3 | a: the first order vanishes by the mean, the second is a trace by the covariance, the third vanishes |
# > | 3 | b: both terms, and which is which; when $N$ may be negative; the code agrees with both other ways to five digits |
# > | 2 | c: noise looks at what is said at the examples, (2) at every weight; an example, or the orthogonality for the first term |
# >
# > **Common failures**
# >
# > * *Only the first term.* The check differs. Answer: what is the derivative of the residual's factor? At the start of training residuals are large, and the second term may be negative.
# > * *A factor 2.* Answer: ½ of the Hessian's trace, and 2 from the square, cancel.
# > * *$\mathbb{E}\,(\varepsilon^\top H \varepsilon) = \sum_{ij} H_{ij}$.* Answer: $\mathbb{E}\,\varepsilon_i\varepsilon_j$ is 0 for $i \ne j$; only the diagonal stays.

# %% experiment [markdown]
# ## Experiment
#
# (8 points.) Twenty training stations, as in the first figure of lesson 08, and 120 held out, of which half choose and half judge. **Does noise on τ lower the error on stations never seen? And is it told apart from sensitivity?**
#
# **Predict first, in writing**, in the cell below: (i) what happens to the training error as σ grows; (ii) which of σ = 0.1, 0.3, 1, 3 is best, from the distance of a training station to the nearest other one, which the next cell prints in the units of τ; (iii) whether noise or sensitivity is ahead, or neither.
#
# Then complete `Noise`: in training it returns τ + σε with a new ε ~ N(0, I) each time, else τ itself (`self.training` says which). It is an encoder in the sense of the package: what the description goes through before the generator.

# %% experiment-prediction [markdown]
# *Your predictions, written before the first run.*

# %% experiment-distances
def nearest(split):  # of each of the twenty stations, the distance to the nearest other one
    family = ColoradoClimate(split=split, n_test=120, n_train=20)
    tau = family.train.sample(None, 0, 12).descriptor
    return (torch.cdist(tau, tau) + 1e9 * torch.eye(20)).min(1).values


print(f"median distance to the nearest: {torch.cat([nearest(s) for s in range(4)]).median():.2f}")

# %% experiment-noise
class Noise(nn.Module):
    def __init__(self, sigma, rng):
        super().__init__()
        self.sigma, self.rng = sigma, rng

    def forward(self, tau):
        return tau  # yours: with noise in training (randn takes generator=self.rng)

# %% experiment-training
def trained(seed, sigma=0.0, penalties=None):
    rng, family = torch.Generator(), ColoradoClimate(split=seed, n_test=120, n_train=20)
    main = MainNetwork.mlp([2, 16, 16, 1], "tanh", family.y_mean, family.y_std)
    generator = MLPGenerator(3, main, hidden=(32, 32), rng=rng.manual_seed(seed))
    learner = Hypernetwork(main, generator, Noise(sigma, rng))
    adamw = torch.optim.AdamW(learner.parameters(), lr=4e-3)
    settings = {"optimizer": adamw, "penalties": penalties, "rng": rng, "progress": False}
    meta_train(learner, family.train, 300, 20, 0, 12, **settings)
    return family, learner


def errors(family, learner):  # RMSE in °C: training stations, those that choose, those that judge
    new = meta_test(learner, family.test, shots=0).per_task.sqrt()
    known = meta_test(learner, family.train, shots=0).rmse
    return torch.tensor([known, new[::2].mean(), new[1::2].mean()])  # by turns, over the state


print("no noise, seed 0:", [f"{e:.2f}" for e in errors(*trained(0)).tolist()])

# %% experiment-task [markdown]
# Train with σ = 0, 0.1, 0.3, 1 and 3, and without noise with `Sensitivity()` at the strengths 100 and 1000; four seeds each. (Fewer steps than in the lesson, at a larger rate, to save time. Try one before you start all.) Then
#
# 1. a figure: the three errors against σ, with intervals over the seeds;
# 2. for each seed let the sixty stations that choose find σ (of all five), and the strength λ (of the two). On those that judge print what noise gains over none, what sensitivity gains over none, and the difference of the two, seed by seed with their 95% intervals (`half_interval`). Say in one sentence for each what was shown;
# 3. your part c, measured: for a training without noise, and for one of each kind at the best σ and λ, print for each seed the sensitivity (2), and the first term of your $N$ as a mean over the held-out stations and the twelve months.

# %% experiment-answer
# yours

# %% experiment-conclusion [markdown]
# *What was shown, what was not, and which of your predictions was wrong.*

# %% experiment-solution tags=["solution"]
class Noise(nn.Module):
    def __init__(self, sigma, rng):
        super().__init__()
        self.sigma, self.rng = sigma, rng

    def forward(self, tau):
        if not self.training:
            return tau
        return tau + self.sigma * torch.randn(tau.shape, generator=self.rng)


sigmas, strengths, seeds = (0, 0.1, 0.3, 1, 3), (100, 1000), range(4)
kept = {}  # (way, strength, seed) → family and learner
for seed in seeds:
    for s in sigmas:
        kept["noise", s, seed] = trained(seed, s)
    for s in strengths:
        kept["sensitivity", s, seed] = trained(seed, penalties={Sensitivity(): s})
measured = {key: errors(*each) for key, each in kept.items()}

# %% experiment-figure-solution tags=["solution"]
figure, (axes,) = figures.subplots(1, width=7, height=4)
for column, name in enumerate(("training stations", "stations that choose", "that judge")):
    each = torch.tensor([[measured["noise", s, k][column] for k in seeds] for s in sigmas])
    half = [half_interval(row) for row in each]
    places = [place + 0.08 * (column - 1) for place in range(len(sigmas))]
    axes.errorbar(places, each.mean(1), half, marker="o", capsize=3, label=name)
axes.set(xlabel="σ, in standard deviations of τ", ylabel="RMSE (°C)", ylim=(0, None))
axes.set_xticks(range(len(sigmas)), [str(s) for s in sigmas])
axes.legend()
figures.show(figure, "Training error rises with σ; that of new stations first falls, then rises.")

# %% experiment-differences-solution tags=["solution"]
def chosen(way, tried):  # of each seed the error on those that judge, and the strength chosen
    best = [min(tried, key=lambda s: measured[way, s, k][1]) for k in seeds]
    return torch.tensor([measured[way, s, k][2] for s, k in zip(best, seeds)]), best


none = torch.tensor([measured["noise", 0, k][2] for k in seeds])
(noise, best_sigma), (sensitivity, best_lam) = (
    chosen("noise", sigmas), chosen("sensitivity", strengths))
print("chosen: σ", best_sigma, "λ", best_lam)
for name, gain in {"none - noise": none - noise, "none - sensitivity": none - sensitivity,
                   "sensitivity - noise": sensitivity - noise}.items():
    print(f"{name:20} {gain.mean():5.2f} ± {half_interval(gain):.2f} °C")

# %% experiment-both-solution tags=["solution"]
def both(family, learner):  # (2), and the first term of (H2) in °C²
    tau, x = family.test.sample(None, 0, 12).descriptor, family.x(torch.arange(12.0))
    f, g = learner.generator, learner.main
    of_theta = vmap(jacfwd(f))(tau).square().sum((1, 2)).mean() / g.weight_dim
    of_y = vmap(jacfwd(lambda t: g(f(t), x)[:, 0]))(tau).square().sum(-1).mean()
    return of_theta, of_y


for k in seeds:
    bare = both(*kept["noise", 0, k])
    print(f"seed {k}: none         (2) {bare[0]:.4f}, of what is said {bare[1]:6.1f} °C²")
    for way, strength in (("noise", best_sigma[k]), ("sensitivity", best_lam[k])):
        of_theta, of_y = both(*kept[way, strength, k])
        print(f"{way:>19}  1/{bare[0] / of_theta:<9.1f} of that, 1/{bare[1] / of_y:.1f}")

# %% experiment-text-solution [markdown] tags=["solution"]
# (Numbers may differ a little on your machine.) (i) The training error rises with σ: a station's year must now be said around it too. (ii) The errors of new stations fall and rise again. Three seeds of four chose σ = 0.3, half of the median distance to the nearest station (0.62), one σ = 1. With σ = 3 a description is told the years of many stations, and all errors are near each other, and large.
#
# (iii) Noise lowers the error of new stations by 1.12 ± 0.59 °C, sensitivity by 1.10 ± 0.89 °C: both were shown. The difference, 0.02 ± 0.32 °C, contains zero: neither was shown to be ahead, and only two strengths were tried, of which seeds chose both, the ends.
#
# **The two are not the same penalty**, as the last lines say. Sensitivity made (2), which is a square, some two hundred to nearly five hundred times smaller, so ∂θ/∂τ itself thirteen to twenty-two times; noise left more than half of (2). But of the square of how what the network *says* changes, both left little: about a fifth or less, and about a quarter or less. This is part c: noise does not ask weights to stay where a change of them is not heard, and for stations never seen that seems to do no harm. (The second term of $N$ was not measured, and with σ = 0.3 higher orders count too.)

# %% experiment-teacher [markdown] tags=["teacher"]
# > **Rubric** · 8 points
# >
# > | points | for |
# > |---|---|
# > | 1 | predictions with a reason, written before; the wrong ones are named afterwards |
# > | 2 | `Noise` is right: new each time, in training only |
# > | 2 | the figure: three curves, units, intervals over seeds |
# > | 2 | σ and λ chosen by those that choose, for each seed; differences seed by seed with intervals, and a sentence for each that says no more than the interval does |
# > | 1 | both measures, and a sentence that ties them to c |
# >
# > **Common failures**
# >
# > * *Noise in the test too.* Errors are larger and change from run to run. Answer: look at `self.training`, and at what `meta_test` does with modes.
# > * *σ is chosen by those that judge.* Answer: quiz 3 of the lesson.
# > * *"Noise is better than sensitivity", from two means.* Answer: where is the interval of the differences? And only two strengths were tried.
# > * *Seeds differ in ε but share the split.* Answer: then the interval says nothing of other stations.

# %% explain [markdown]
# ## Explain
#
# (4 points.) A report says:
#
# > *We trained our hypernetwork with noise on the descriptors. On our split, the best of eight noise levels lowered the test error from 3.0 to 1.4 °C, while the training error rose from 0.04 to 0.4. The rise shows that the network has too few weights, and will be cured by a larger one. Noise adds training tasks, so with enough of it no further tasks need be measured.*
#
# Write half a page to its author, who knows lesson 02 and has not read 08. What is wrong with each of the three sentences that draw on numbers or conclude from them, what would mend it, and what in the report may well be right?

# %% explain-answer [markdown]
# *Your half page.*

# %% explain-solution [markdown] tags=["solution"]
# *The best of eight.* The level was chosen by the stations that then judged it, so 1.4 is too small: the least of eight noisy numbers. Let other stations choose the level, and report those that judge; do it over several splits, and give the interval of the differences. A single split may be lucky.
#
# *The rise of the training error.* It does not show too few weights: the same network without noise reached 0.04. With noise it is asked for something else, the loss plus about $\sigma^2 N$ (H1), and pays for it at the training stations. That is what a penalty does; a larger network would be asked the same. What would show a lack of weights is a training error that stays high with σ = 0.
#
# *Noise adds tasks.* It adds descriptions, and gives each the year of a station that is not there: near a station the year is said to be the same. It brings no measurement of how the year changes with height. With σ of the order of the distance between stations, a description is told the years of two stations, and the best answer is their mean: what tells tasks apart is lost, as in our figure at the right. More stations do bring what noise cannot, as the lesson showed: there the remedies hardly matter with 154.
#
# *What may be right:* that noise helps much where stations are few. Our own run shows it, with stations that judge and an interval over four splits. It is a cheap way to ask that what is said changes little with τ.

# %% explain-teacher [markdown] tags=["teacher"]
# > **Rubric** · 4 points
# >
# > | points | for |
# > |---|---|
# > | 1 | who chose, who judged; one split; what would mend it |
# > | 1 | the rise is the penalty's price, with σ = 0 as the test of it |
# > | 1 | noise brings no new year; what happens at σ as large as the distance between stations |
# > | 1 | fair, and written for somebody without lesson 08: what may be right is said |
# >
# > **Common failures**
# >
# > * *Everything is called wrong.* Answer: your own run shows a gain; say which part of the report it supports.
# > * *"Noise is data augmentation, and that always helps."* Answer: a shifted image has the same label; has a station 300 m higher the same year?
# > * *Formulas without words.* Answer: the reader has not seen (2); say what is asked of the network between two stations.
