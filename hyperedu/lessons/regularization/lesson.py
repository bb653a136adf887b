# %% opening [markdown]
# # 08 · Regularization
#
# **What keeps a generator honest?**
#
# *You will be able to*
# **recognise** a generator that only memorised its training tasks,
# **write** penalties on what it writes and on how it changes,
# **choose** a strength without looking at the test tasks.
#
# 50 minutes. Before: [02 · Training a hypernetwork](02_training_a_hypernetwork.ipynb).

# %% imports
import copy
import json

import torch
from torch.nn.utils import parameters_to_vector, vector_to_parameters
from tqdm.auto import tqdm

from hyperedu import ColoradoClimate, Hypernetwork, MainNetwork, MLPGenerator, OutputRegularizer
from hyperedu import Sensitivity, Sinusoids, WeightNorm, data_file, figures, live, meta_test
from hyperedu import meta_train
from hyperedu.lessons.regularization import checks, questions
from hyperedu.lessons.regularization.figures import StrengthPicture, intervals
from hyperedu.statistics import half_interval

torch.set_num_threads(1)  # networks as small as these are trained faster by one

# %% twenty-stations [markdown]
# ## Twenty stations
#
# With two hundred stations a hypernetwork learns how the year goes with elevation and place. Here it gets **twenty**, and 120 are held out. A generator has thousands of numbers to
# learn, so that it can give each of the twenty its own year, and draw anything in between. Two remedies, each at nine strengths: 600 steps at the weakest, then 100 more at each of the next. (So the strong end is trained longest too; the fair comparison comes below.)

# %% one-training
def make(n, seed=0):
    family, rng = ColoradoClimate(split=seed, n_test=120, n_train=n), torch.Generator()
    main = MainNetwork.mlp([2, 16, 16, 1], "tanh", family.y_mean, family.y_std)
    generator = MLPGenerator(3, main, hidden=(32, 32), rng=rng.manual_seed(seed))
    return family, Hypernetwork(main, generator), rng


def train(family, learner, rng, steps=600, penalties=None):
    batch, adamw = min(25, family.train.n_tasks), torch.optim.AdamW(learner.parameters(), lr=2e-3)
    settings = {"penalties": penalties, "optimizer": adamw, "rng": rng, "progress": False}
    meta_train(learner, family.train, steps, batch, 0, 12, **settings)
    return parameters_to_vector(learner.parameters()).detach()

# %% paths
exponents, paths = torch.linspace(-1, 3, 9), {}
for name, penalty in {"sensitivity": Sensitivity(), "weight norm": WeightNorm()}.items():
    (family, learner, random), each = make(20), []
    for exponent in tqdm(exponents.tolist()):
        steps = 100 if exponent > -1 else 600
        each.append(train(family, learner, random, steps, {penalty: 10.0**exponent}))
    paths[name] = torch.stack(each)

# %% strengths-predict [markdown]
# **Predict.** *weight norm* asks for small generated weights, *sensitivity* for weights that change little when $\tau$ does. Which of the two lowers the error on stations never seen? What happens to the
# training error (dotted)? Then drag *strength*, the exponent of ten, and change *penalty*. Between the nine strengths φ is blended, hence the small bumps.

# %% strengths
picture = StrengthPicture(family, learner, paths, exponents)
sliders = {"strength": (-1.0, 3.0, 0.05), "station": (0, 19)}
figure = live.interact(picture.figure, picture.update, penalty=list(paths), **sliders)
figure.controls["station"].value = 17
questions.predict("strengths", figure)

# %% strengths-look [markdown]
# **What to look for.** *Left*, at the weak end the network errs by a tenth of a degree or less on what it trained on, and by about three degrees on the rest: right where it was trained, wrong elsewhere. Both penalties raise the training error. On stations never seen, sensitivity
# halves the error; small weights help next to nothing, and at the strong end they hurt. *Middle*, both take colour out. *Right*, one held-out station: rings are measured, the
# orange year is written, the grey ones are the twenty training stations'. At the weak and the strong end:

# %% along-the-paths
everywhere = family.test.sample(None, 0, 12).descriptor
for penalty, path in paths.items():
    for k in (0, -1):
        vector_to_parameters(path[k], learner.parameters())
        theta = learner(everywhere).detach()
        size, change = (f"{v.square().mean().sqrt():.2f}" for v in (theta, theta.std(0)))
        print(f"{penalty:12} strength {10 ** exponents[k]:6.1f}: size of a weight {size}", end=", ")
        print(f"how much it differs between stations {change}")

# %% along-the-paths-then [markdown]
# Weights can be small and still change by almost their whole size from one place to the next.

# %% what-can-be-penalised [markdown]
# ## What can be penalised
#
# Training minimises the query loss (primes, as before) over the $n$ tasks of a step, plus penalties, each with a strength $\lambda$:
#
# $$ \min_\varphi \; \frac1n \sum_{i=1}^{n} L\big(g(f_\varphi(\tau_i), x'_i),\, y'_i\big) + \sum_k \lambda_k R_k(\varphi) \tag{1} $$
#
# | `penalties={…: λ}` | $R$, mean over tasks, but for (3) | what it asks for |
# |---|---|---|
# | `WeightNorm()` | $\lVert\theta\rVert^2 / P$ | small weights |
# | `TowardSharedWeights()` | $\lVert\theta - \theta_0\rVert^2 / P$ | tasks stay near a start they share |
# | `Sensitivity()` | (2) | similar descriptions, similar weights |
# | `SpectralNorm()` | (3) | no layer of $f_\varphi$ stretches |
# | `Reconstruction(main, d_tau)` | $\lVert \mathrm{decoder}(\theta) - \tau\rVert^2 / d_\tau$ | θ still says which task it is for |
# | `OutputRegularizer(learner, τ)` | (5) | what was written before is still written |
#
# ($\mathrm{decoder}$ is a second network, trained along; $\theta_0$ comes below.) **Sensitivity** is the sum of the squared entries of the Jacobian, per weight. A random direction $\varepsilon \sim N(0, I)$ estimates it in one more pass, since $\mathbb{E}\,\varepsilon\varepsilon^\top = I$:
#
# $$ R = \frac1P \Big\lVert \frac{\partial f_\varphi(\tau)}{\partial \tau} \Big\rVert^2 = \frac1P\, \mathbb{E}_\varepsilon \Big\lVert \frac{\partial f_\varphi(\tau)}{\partial \tau}\, \varepsilon \Big\rVert^2 \tag{2} $$

# %% jacobian
tasks, f = family.test.sample(None, 0, 12), learner.generator  # of the last training
tau = tasks.descriptor
with torch.no_grad():
    columns = [torch.func.jvp(f, (tau,), (e.expand_as(tau),))[1] for e in torch.eye(3)]  # ∂θ/∂τ
    exact = sum(column.square().sum(-1) for column in columns).mean() / learner.main.weight_dim
    estimates = [Sensitivity()(learner, tasks, None, random) for _ in range(100)]
mean, spread = torch.stack(estimates).mean(), torch.stack(estimates).std()
print(f"exact {exact:.5f}; mean of 100 estimates {mean:.5f}, each errs by about {spread:.5f}")

# %% jacobian-then [markdown]
# **Spectral norm** bounds the largest stretch, everywhere at once. If $\sigma(W)$ is the largest singular value of $W$, no change of τ can be stretched by more than the product over the layers:
#
# $$ R = \sum_W \sigma(W)^2, \qquad \lVert f_\varphi(\tau) - f_\varphi(\tau')\rVert \le c \prod_W \sigma(W)\; \lVert\tau - \tau'\rVert \tag{3} $$
#
# with $c$ from the activations (1 for tanh). Small $\sigma^2$ keep the product small. Weight decay on φ, the optimizer's own, pulls on *all* singular values: $\lVert W\rVert^2$ is the sum of their squares.

# %% what-helps-stations-never-seen [markdown]
# ## What helps stations never seen
#
# Now the honest test. For 10 to 154 training stations and five seeds (each another split of the stations, another start), every remedy was tried by itself at several strengths (`data/make_regularization.py`, half an hour). Of the 120 held-out stations
# half, the *validation* stations, choose the strength, for each seed by itself; the others, the *test* stations, judge. *None* is the `train` above, with AdamW's usual weight decay of 0.01 and a learning rate of 0.002; its learning rate, its decay, and when to stop are tuned in rows of their own.

# %% runs
runs = json.loads(data_file("regularization.json").read_text(encoding="utf-8"))


def of(way, n, generator="plain"):
    return [r for r in runs if (r["way"], r["stations"], r["generator"]) == (way, n, generator)]


def chosen(way, n, generator="plain", what="test"):  # (seeds,) the runs of least validation error
    best = {}
    for r in of(way, n, generator):
        if r["seed"] not in best or r["validation"] < best[r["seed"]]["validation"]:
            best[r["seed"]] = r
    return torch.tensor([best[seed][what] for seed in range(5)])

# %% one-run-again
family, learner, random = make(20, seed=3)  # one of them again
train(family, learner, random, penalties={Sensitivity(): 100})
(then,) = [r for r in of("sensitivity", 20) if (r["strength"], r["seed"]) == (100, 3)]
now, kept = meta_test(learner, family.test, shots=0).rmse, then["validation"] + then["test"]
print(f"now {now:.3f} °C, in the file {kept / 2:.3f} °C")

# %% ways-table
ways = "none", "early_stopping", "learning_rate", "weight_norm", "reconstruction", "spectral_norm"
ways += "sensitivity", "weight_decay", "decay_and_sensitivity"
at_20 = {way: chosen(way, 20) for way in ways}
line = chosen("linear", 20, "linear").mean().item(), "linear regression per month"
alt = "Test error of each remedy at 20 training stations, mean of five seeds with a 95% interval."
figures.show(intervals(at_20, "RMSE on test stations (°C), 20 training stations", line), alt)
for way, values in at_20.items():
    gain = at_20["none"] - values  # seed by seed
    strengths = ", ".join(f"{s:g}" for s in chosen(way, 20, what="strength").unique())
    tried = sorted({r["strength"] for r in of(way, 20)})
    print(f"{way:22} lowers it by {gain.mean():5.2f} ± {half_interval(gain):.2f} °C", end="; ")
    print(f"chosen: {strengths} of {tried}")

# %% ways-table-then [markdown]
# The printed intervals are of the differences seed by seed; where one contains zero, nothing was shown. Three penalties help: a bound on how the weights change with τ (sensitivity), a bound on each layer (spectral norm), and,
# with the least mean, **plain weight decay on φ**, far stronger than the usual 0.01. Small generated weights, weights that can be read back, and stopping early change next to nothing, probably because they leave open what is drawn *between* the
# stations. A larger learning rate, without any penalty, is worth more than half of the best, and sensitivity on top of decay adds nothing. The dashed line keeps us modest: at twenty stations, linear regression (each month's temperature on elevation, latitude and longitude) is within a tenth of a degree of the best of these networks.

# %% more-tasks [markdown]
# ## More tasks
#
# How do the remedies compare with simply having more stations?

# %% more-tasks-figure
figure, (axes,) = figures.subplots(width=8, height=4)
stations = (10, 20, 50, 154)
colors = figures.GREY, figures.VERMILION, figures.GREEN, figures.PURPLE, figures.BLUE
for k, way in enumerate(("none", "sensitivity", "spectral_norm", "weight_decay", "linear")):
    generator, aside = "linear" if way == "linear" else "plain", 1 + 0.02 * k
    seeds = [chosen(way, n, generator) for n in stations]
    means, half = [s.mean().item() for s in seeds], [half_interval(s) for s in seeds]
    style = {"color": colors[k], "marker": "o", "capsize": 4, "label": way}
    axes.errorbar([n * aside for n in stations], means, half, **style)
    said = (f"{n}: {m:.2f} ± {h:.2f}" for n, m, h in zip(stations, means, half))
    print(f"{way:14}", "   ".join(said))
degrees = (0.8, 1, 1.5, 2, 3, 5)
axes.set(xscale="log", yscale="log", xlabel="training stations", ylabel="RMSE at new ones (°C)")
axes.set(xticks=stations, xticklabels=stations, yticks=degrees, yticklabels=degrees)
axes.minorticks_off()
axes.legend()
figures.show(figure, "Test error against training stations: with a remedy it begins much lower.")

# %% more-tasks-figure-then [markdown]
# Twenty stations with weight decay are worth more than fifty without. With 154, penalties gain hundredths of a degree, and a better learning rate (below) more than they do. Linear regression is unbeaten at ten stations; from twenty on it gains little, because it cannot bend.

# %% a-start-that-tasks-share [markdown]
# ## A start that tasks share
#
# `toward_theta_0` needs a generator that writes $\theta_0 + \Delta\theta(\tau)$. One such, of almost equal size, also encodes τ so that its norm is constant (`magnitude_invariant=True`); what do the two do without a penalty, and what can still be added?

# %% shared-start
def lowered(ways, n, generator="plain"):
    none, said = chosen("none", n, generator), []
    for way in ways:
        gain = none - chosen(way, n, generator)
        said.append(f"{way} {gain.mean():5.2f} ± {half_interval(gain):.2f}")
    return f"{n:3} stations: {none.mean():.2f} °C, lowered by " + "   ".join(said)


for n in stations:
    print(lowered(("toward_theta_0", "sensitivity", "spectral_norm", "weight_decay"), n, "shared"))

# %% shared-start-then [markdown]
# Without a penalty this generator has less than half of the plain one's error at ten stations: an architecture is a regularizer too. Staying near $\theta_0$ is shown to help at fifty stations only, by a tenth of a degree; what helped the plain
# generator mostly helps this one too, until there are 154 stations.

# %% optimizers-as-regularizers [markdown]
# ## Optimizers as regularizers
#
# *How* one descends matters too. **Reptile on φ** takes a few steps to a $\varphi'$ on a few stations, and goes part of the way; **MAML inside** trains $U(f_\varphi(\tau), D)$, a few gradient steps from what is written, and is tested without a step; **small batches** are one
# or five stations a step instead of 25 (or all, if fewer), at as many examples in all.
#
# $$ \varphi \leftarrow \varphi + \beta\,(\varphi' - \varphi) \tag{4} $$

# %% optimizers
for n in stations:
    print(lowered(("learning_rate", "maml", "reptile", "five_tasks", "one_task"), n))
print("β for Reptile:", {n: chosen("reptile", n, what="strength").tolist() for n in stations})

# %% optimizers-then [markdown]
# MAML inside gains a little at fifty stations, and nothing that was shown elsewhere: its start is made to be adapted. One station per step helps everywhere, five per step and Reptile are shown to help from twenty on, though the examples are as many. There are two likely
# reasons, which these runs do not separate: the steps are noisier, and there are more of them. And mind which β was chosen for Reptile: 1 is all the way to $\varphi'$, so that nothing is averaged, and what is left is to take few stations at a time. A larger learning rate, with 25 stations a step, does much the same.

# %% old-tasks-about [markdown]
# ## Old tasks
#
# Another way to be dishonest: forget. Here a hypernetwork learns weak waves, then strong ones, with no weak one to be seen any more. The **output** penalty keeps what it wrote for a hundred old descriptions, θ*:
#
# $$ R = \frac1n \sum_{t=1}^{n} \big\lVert f_\varphi(\tau_t) - \theta^*_t \big\rVert^2 \tag{5} $$

# %% old-tasks
weak, strong = Sinusoids(amplitude=(0.1, 2)), Sinusoids(amplitude=(3, 5))
strong.descriptors = weak.descriptors  # both standardised alike
both = MainNetwork.mlp([1, 40, 40, 1])
for seed in range(3):
    torch.manual_seed(seed)
    before = Hypernetwork(both, MLPGenerator(2, both))
    meta_train(before, weak.train, steps=400, shots=0)
    old = weak.train.sample(100, 0, 1).descriptor
    keep = OutputRegularizer(before, old)  # a snapshot of θ* for 100 old τ
    print(f"seed {seed}: weak waves {meta_test(before, weak.test, 0).mean:.3f}")
    for strength in (0, 0.5):
        after = copy.deepcopy(before)
        meta_train(after, strong.train, steps=400, shots=0, penalties={keep: strength})
        on_weak, on_strong = (meta_test(after, some.test, 0).mean for some in (weak, strong))
        print(f"    then λ = {strength}: weak {on_weak:.3f}, strong {on_strong:.3f}")

# %% exercise-1 [markdown]
# (Mean squared errors; the strength was not tuned.) Without the penalty weak waves are lost while strong ones are learned; with it most is kept, at a price: in each of the three seeds the error on strong waves is larger, up to two and a half times.
#
# ## Exercises
#
# **1 · Compute.** A generator writes $P = 2$ weights as $f(\tau) = V\tau$ with $V = \begin{pmatrix} 1 & 2 \\ 0 & 1 \end{pmatrix}$. How large is its sensitivity (2)?
#
# <details><summary>Hint 1</summary>What is ∂f/∂τ of a linear map?</details>
# <details><summary>Hint 2</summary>The squared norm of a matrix is the sum of its squared entries.</details>

# %% exercise-1-answer tags=["exercise"]
sensitivity = ...
checks.linear_sensitivity(sensitivity)

# %% exercise-1-solution tags=["solution"]
sensitivity = (1**2 + 2**2 + 0**2 + 1**2) / 2  # ‖V‖² / P
checks.linear_sensitivity(sensitivity)

# %% exercise-2 [markdown]
# **2 · Change.** Estimate (2) without any derivative: `rough(f, tau, error, h)`, where `tau` (n, 2) moves by `h * error` and `error` is the ε of (2), returns the mean over tasks and weights of ((change of `f`) / h)². A gradient must reach φ.
#
# <details><summary>Hint 1</summary>(f(τ + hε) − f(τ)) / h becomes the product with the Jacobian as h becomes small.</details>
# <details><summary>Hint 2</summary>Square it, then .mean().</details>

# %% exercise-2-answer tags=["exercise"]
rough = ...
checks.finite_difference(rough)

# %% exercise-2-solution tags=["solution"]
def rough(f, tau, error, h=1e-3):
    return ((f(tau + h * error) - f(tau)) / h).square().mean()

checks.finite_difference(rough)

# %% exercise-3 [markdown]
# **3 · Find what is wrong.** With `forgetful`, below, as its output penalty a generator forgets everything, at any strength. Write `keeper(f, old_tau)`, which returns a function `penalty()` that is right.
#
# <details><summary>Hint 1</summary>When is θ* computed?</details>
# <details><summary>Hint 2</summary>Whatever <code>keeper</code> computes before it defines <code>penalty</code> is computed once.</details>

# %% exercise-3-given
def forgetful(f, old_tau):
    def penalty():
        theta_old = f(old_tau).detach()
        return (f(old_tau) - theta_old).square().sum(-1).mean()
    return penalty

# %% exercise-3-answer tags=["exercise"]
keeper = ...
checks.keeper(keeper)

# %% exercise-3-solution tags=["solution"]
def keeper(f, old_tau):
    theta_old = f(old_tau).detach()
    return lambda: (f(old_tau) - theta_old).square().sum(-1).mean()

checks.keeper(keeper)

# %% quiz [markdown]
# ## Quiz
#
# **1. A generator has a training error of almost zero. What does that say of unseen tasks?**
# <details><summary>Nothing</summary>Yes: in the first picture a tenth of a degree on training stations went with three degrees on the others.</details>
# <details><summary>That they are learned too</summary>No: it can give each training task weights of its own.</details>
#
# **2. Why can small generated weights fail to help?**
# <details><summary>They say how large θ is, not how it changes with τ</summary>Yes: what lies between the training tasks is left open.</details>
# <details><summary>Small weights cannot draw a year</summary>No: they fit the years of the training stations far better than the others.</details>
#
# **3. Twenty strengths are tried, and the least test error is reported. What is wrong?**
# <details><summary>The test stations chose</summary>Yes: the least of twenty noisy numbers is too small. Choose on validation stations.</details>
# <details><summary>Nothing, test stations were never trained on</summary>No: to choose by them is to learn from them.</details>
#
# **4. Five seeds differ from the baseline by 0.1 ± 0.3 °C. What was shown?**
# <details><summary>A small improvement</summary>No: the interval contains zero.</details>
# <details><summary>Nothing yet</summary>Yes: more seeds may show it, or show that it is none.</details>
#
# **5. The output penalty needs no old examples. What does it need?**
# <details><summary>Old descriptions</summary>Yes: and a snapshot of what was written for them.</details>
# <details><summary>Old weights φ</summary>No: of them only what they write for the old descriptions.</details>

# %% quiz-answers
questions.quiz()

# %% in-one-breath [markdown]
# ## In one breath
#
# $\min_\varphi \text{loss} + \sum_k \lambda_k R_k$: what helps tells the generator how to behave *between* its tasks. Choose λ on validation tasks, never on test tasks; a simpler model may do better all the same.

# %% references [markdown]
# ## References
#
# * Y. Yoshida, T. Miyato, *Spectral norm regularization*, 2017, [arXiv 1705.10941](https://arxiv.org/abs/1705.10941).
# * J. von Oswald and others, *Continual learning with hypernetworks*, 2020, [arXiv 1906.00695](https://arxiv.org/abs/1906.00695).
# * A. Nichol, J. Achiam, J. Schulman, *On first-order meta-learning algorithms* (Reptile), 2018, [arXiv 1803.02999](https://arxiv.org/abs/1803.02999).
# * J. Hoffman, D. Roberts, S. Yaida, *Robust learning with Jacobian regularization*, 2019, [arXiv 1908.02729](https://arxiv.org/abs/1908.02729).
