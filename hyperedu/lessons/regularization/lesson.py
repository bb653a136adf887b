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
# 60 minutes without the section *Going further*, and the open task. Before: [02 · Training a hypernetwork](02_training_a_hypernetwork.ipynb).

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
from hyperedu.lessons.regularization.figures import StrengthPicture, by_stations, intervals
from hyperedu.statistics import half_interval

torch.set_num_threads(1)  # networks as small as these are trained faster by one

# %% twenty-stations [markdown]
# ## Twenty stations
#
# From many stations a hypernetwork learns how the year goes with elevation and place. Here it gets **twenty**; 120 are held out. A generator has thousands of numbers to learn. So it can give each of the twenty its own year, and draw anything in between.
#
# We try two remedies, each at nine strengths: 600 steps at the weakest, then 100 more at each next one. (So the strong end is trained longest; a fair comparison comes below.)

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
# **Predict.** *weight norm* asks for small generated weights. *sensitivity* asks for weights that change little when $\tau$ does. Which of the two lowers the error on stations never seen? What happens to the training error (dotted)?
#
# Then drag *strength*, the exponent of ten, and change *penalty*. Markers stand where a generator was trained; between them φ is blended, hence the bumps.

# %% strengths
picture = StrengthPicture(family, learner, paths, exponents)
sliders = {"strength": (-1.0, 3.0, 0.05), "station": (0, 19)}
figure = live.interact(picture.figure, picture.update, penalty=list(paths), **sliders)
figure.controls["station"].value = 17
questions.predict("strengths", figure)

# %% strengths-look [markdown]
# **What to look for.** *Left*, at the weak end: right where it was trained, wrong elsewhere. Both penalties raise the training error. On stations never seen only sensitivity helps.
#
# *Middle*, both penalties take colour out of the weights. *Right*, one held-out station: rings are measured, the thick year is written, the grey ones are the training stations'.
#
# In numbers, at the weak and the strong end:

# %% along-the-paths
everywhere = family.test.sample(None, 0, 12).descriptor
print("penalty and its end     RMSE: trained, never seen    a weight: size, change between places")
for penalty, path in paths.items():
    for k, end in ((0, "weak"), (-1, "strong")):
        vector_to_parameters(path[k], learner.parameters())
        known, new = (meta_test(learner, some, 0).rmse for some in (family.train, family.test))
        theta = learner(everywhere).detach()
        size, change = (v.square().mean().sqrt() for v in (theta, theta.std(0)))
        print(f"{penalty:12} {end:8} {known:15.2f} {new:11.2f} {size:19.2f} {change:7.2f}")

# %% along-the-paths-then [markdown]
# The last row is the point: small weights can still change by almost their size between places.

# %% what-can-be-penalised [markdown]
# ## What can be penalised
#
# Training minimises the query loss over the $n$ tasks of a step, plus penalties. Each has a strength $\lambda$:
#
# $$ \min_\varphi \; \frac1n \sum_{i=1}^{n} L\big(g(f_\varphi(\tau_i), x'_i),\, y'_i\big) + \sum_k \lambda_k R_k(\varphi) \tag{1} $$
#
# (Primes mark the query set here, another description in (4), the end of some steps in (6).)
#
# | `penalties={…: λ}` | $R$, mean over tasks, but for (3) | what it asks for |
# |---|---|---|
# | `WeightNorm()` | $\lVert\theta\rVert^2 / P$ | small weights |
# | `TowardSharedWeights()` | $\lVert\theta - \theta_0\rVert^2 / P$ | weights near $\theta_0$, which all tasks share |
# | `Sensitivity()` | (2) | similar descriptions, similar weights |
# | `SpectralNorm()` | (3) | no layer of $f_\varphi$ stretches |
# | `Reconstruction(main, d_tau)` | $\lVert \mathrm{decoder}(\theta) - \tau\rVert^2 / d_\tau$ | θ still says which task it is for |
# | `OutputRegularizer(learner, τ)` | (5), not divided by $P$ | what was written before is still written |
#
# ($\mathrm{decoder}$ is a second network, trained along.)
#
# **Sensitivity** is the sum of the squared entries of the Jacobian, per weight. A random direction $\varepsilon \sim N(0, I)$ estimates it in one more pass, since $\mathbb{E}\,\varepsilon\varepsilon^\top = I$:
#
# $$ R = \frac1P \Big\lVert \frac{\partial f_\varphi(\tau)}{\partial \tau} \Big\rVert^2 = \frac1P\, \mathbb{E}_\varepsilon \Big\lVert \frac{\partial f_\varphi(\tau)}{\partial \tau}\, \varepsilon \Big\rVert^2 \tag{2} $$

# %% jacobian
tasks, f = family.test.sample(None, 0, 12), learner.generator  # of the last training
tau = tasks.descriptor
with torch.no_grad():
    columns = [torch.func.jvp(f, (tau,), (e.expand_as(tau),))[1] for e in torch.eye(3)]  # ∂θ/∂τ
    exact = sum(column.square().sum(-1) for column in columns).mean() / learner.main.weight_dim
    R = torch.stack([Sensitivity()(learner, tasks, None, random) for _ in range(100)])
print(f"exact {exact:.5f}; mean of 100 estimates {R.mean():.5f}, each errs by about {R.std():.5f}")

# %% jacobian-then [markdown]
# **Spectral norm** bounds the largest stretch everywhere. Let $W$ be the matrices of $f_\varphi$ (not those of θ in the picture), and $\sigma(W)$ the largest singular value of one. No change of τ can be stretched by more than their product, times a constant $c$:
#
# $$ R = \sum_W \sigma(W)^2 \tag{3} $$
#
# $$ \lVert f_\varphi(\tau) - f_\varphi(\tau')\rVert \le c \prod_W \sigma(W)\; \lVert\tau - \tau'\rVert \tag{4} $$
#
# An activation stretches too, by its steepest slope at most. So $c$ is that slope, once for each hidden layer: 1 for tanh, a little more for GELU, which our generators use. The penalty leaves it out.

# %% largest-stretch
slopes = torch.func.vmap(torch.func.grad(torch.nn.functional.gelu))(torch.linspace(-4, 4, 801))
c = slopes.max() ** 2  # two hidden layers
sigmas = torch.stack([torch.linalg.matrix_norm(W, 2) for W in f.parameters() if W.ndim == 2])
most = torch.linalg.matrix_norm(torch.stack(columns, -1), 2).max()  # σ(∂θ/∂τ), over the stations
print(f"c = {slopes.max():.3f}² = {c:.2f}; most stretch {most:.1f}, bound {c * sigmas.prod():.1f}")

# %% largest-stretch-then [markdown]
# The bound is loose, but it is one. Weight decay on φ pulls on *all* singular values: $\lVert W\rVert^2$ is the sum of their squares.

# %% what-helps-stations-never-seen [markdown]
# ## What helps stations never seen
#
# The honest test: 10 to 154 training stations, five seeds (each another split and another start), every remedy by itself at several strengths (`data/make_regularization.py`).
#
# Of the 120 held-out stations half are *validation* stations. They choose the strength, for each seed by itself. The others, the *test* stations, judge. (Splits share stations: our intervals are too narrow.)
#
# *None* is the `train` above, with a learning rate of 0.002 and AdamW's usual weight decay of 0.01. Rate, decay, and when to stop are tuned in rows of their own.
#
# A chosen strength at the end of its grid is a warning: farther out might be better. So we print both.

# %% runs
runs = json.loads(data_file("regularization.json").read_text(encoding="utf-8"))


def of(way, n, generator="plain"):
    return [r for r in runs if (r["way"], r["stations"], r["generator"]) == (way, n, generator)]


def chosen(way, n, generator="plain", what="test"):  # (seeds,) the runs of least validation error
    best = {}
    for r in of(way, n, generator):
        if r["seed"] not in best or r["validation"] < best[r["seed"]]["validation"]:
            best[r["seed"]] = r
    return torch.tensor([best[seed][what] for seed in range(5)], dtype=torch.float64)


def grid(way, n, generator="plain"):  # the strengths that were tried
    return sorted({r["strength"] for r in of(way, n, generator)})

# %% one-run-again
family, learner, random = make(20, seed=3)  # one of them again
train(family, learner, random, penalties={Sensitivity(): 100})
(then,) = [r for r in of("sensitivity", 20) if (r["strength"], r["seed"]) == (100, 3)]
now, kept = meta_test(learner, family.test, shots=0).rmse, (then["validation"] + then["test"]) / 2
print(f"now {now:.3f} °C, in the file {kept:.3f} °C")

# %% ways-table
ways = "none", "early_stopping", "learning_rate", "weight_norm", "reconstruction", "spectral_norm"
ways += "sensitivity", "weight_decay"
at_20 = {way: chosen(way, 20) for way in ways}
line = chosen("linear", 20, "linear").mean().item(), "linear regression per month"
alt = "Test error of each remedy at 20 training stations, mean of five seeds with a 95% interval."
figures.show(intervals(at_20, "RMSE on test stations (°C), 20 training stations", line), alt)
for way, values in at_20.items():
    gain = at_20["none"] - values  # seed by seed
    print(f"{way:14} lowers it by {gain.mean():5.2f} ± {half_interval(gain):.2f} °C", end="")
    print(";  chose", *chosen(way, 20, what="strength").tolist(), "of", *grid(way, 20))

# %% ways-table-then [markdown]
# The printed intervals are of the differences seed by seed. Where one contains zero, nothing was shown. Dashed is linear regression of each month's temperature on elevation, latitude and longitude.
#
# **Three remedies help much:** a bound on how the weights change with τ (sensitivity), a bound on each layer (spectral norm), and, with the least mean, **plain weight decay on φ**, a thousand times the usual. (AdamW multiplies it by the learning rate.)
#
# **Three do next to nothing:** small generated weights, weights that can be read back, stopping early. Probably they leave open what is drawn *between* the stations.
#
# **A larger learning rate** brings much of the gain: by its long steps, or by AdamW's small decay, which grows with the rate. The two are not separated.

# %% more-tasks [markdown]
# ## More tasks
#
# Or simply more stations? (RMSE in °C; a star, here and below: some seed chose the largest strength.)

# %% more-tasks-figure
def star(way, n, generator="plain"):  # where some seed chose the largest
    tried = grid(way, n, generator)
    return "*" if len(tried) > 1 and tried[-1] in chosen(way, n, generator, "strength") else " "


stations, ways = (10, 20, 50, 154), ("none", "sensitivity", "spectral_norm", "weight_decay")
kinds = dict.fromkeys(ways, "plain") | {"linear": "linear"}
errors = {way: [chosen(way, n, kind) for n in stations] for way, kind in kinds.items()}
lead = [a - b for a, b in zip(errors["linear"], errors["weight_decay"])]
print(" " * 17 + "".join(f"{n:6} stations" for n in stations))
for way, row in (errors | {"linear - decay": lead}).items():
    mark = (star(way, n) if way in ways else " " for n in stations)
    print(f"{way:17}", *(f"{v.mean():7.2f} ± {half_interval(v):.2f}{s}" for v, s in zip(row, mark)))
figures.show(by_stations(errors, stations), "Test error by training stations, for each remedy.")

# %% more-tasks-figure-then [markdown]
# Twenty stations with weight decay are worth more than fifty without. With 154, penalties gain hundredths of a degree. **A simpler model keeps us modest**: at ten stations nothing was shown between linear regression and weight decay (last row), and at twenty the network leads by less than a tenth of a degree. Linear regression gains little more, because it cannot bend.

# %% old-tasks-about [markdown]
# ## Old tasks
#
# Another way to be dishonest: forget. A hypernetwork learns weak waves, then strong ones alone. The **output** penalty keeps what it wrote for $m = 100$ old descriptions, $\theta^*$ (a snapshot, no optimum):
#
# $$ R = \frac1m \sum_{t=1}^{m} \big\lVert f_\varphi(\tau_t) - \theta^*_t \big\rVert^2 \tag{5} $$

# %% old-tasks
weak, strong = Sinusoids(amplitude=(0.1, 2)), Sinusoids(amplitude=(3, 5))
strong.descriptors = weak.descriptors  # both standardised alike
both = MainNetwork.mlp([1, 40, 40, 1])
for seed in range(3):
    torch.manual_seed(seed)
    before = Hypernetwork(both, MLPGenerator(2, both))
    meta_train(before, weak.train, steps=400, shots=0)
    keep = OutputRegularizer(before, weak.train.sample(100, 0, 1).descriptor)  # a snapshot of θ*
    print(f"seed {seed}: weak waves {meta_test(before, weak.test, 0).mean:.3f}")
    for strength in (0, 0.5):
        after = copy.deepcopy(before)
        meta_train(after, strong.train, steps=400, shots=0, penalties={keep: strength})
        errs = (meta_test(after, some.test, 0).mean for some in (weak, strong))
        print("    then λ = {}: weak {:.3f}, strong {:.3f}".format(strength, *errs))

# %% old-tasks-then [markdown]
# (Mean squared errors; the strength was not tuned.) Without the penalty weak waves are lost while strong ones are learned. With it most is kept, at a price: errors up to three times those before (weak waves), or without it (strong ones).

# %% a-start-that-tasks-share [markdown]
# ## Going further: architectures and optimizers as regularizers
#
# *Nothing below needs this section.* `TowardSharedWeights` needs a generator that writes $\theta_0 + \Delta\theta(\tau)$: shared weights and a change, which begin with half of the variance of θ each. With `magnitude_invariant=True` ours does so. But it also encodes τ: each $\tau_j$ becomes $(\cos a, \sin a)$ with $a = \arctan \tau_j$: twice as many inputs, of constant norm.
#
# So two things change; here they are parted, without a penalty:

# %% shared-start
def lowered(way, n, generator="plain", than="plain"):  # the mean of the differences, °C
    gain = chosen("none", n, than) - chosen(way, n, generator)
    return f"{gain.mean():9.2f} ± {half_interval(gain):.2f}{star(way, n, generator)}"


print(heading := "lowers the error (°C)" + "".join(f"{n:8} stations" for n in stations))
for kind, what in {"encoded": "τ encoded", "start": "θ₀ + Δθ(τ)", "shared": "both"}.items():
    print(f"{what:20}", *(lowered("none", n, kind) for n in stations))
print("more if drawn to θ₀ ", *(lowered("toward_theta_0", n, *["shared"] * 2) for n in stations))

# %% shared-start-then [markdown]
# An architecture is a regularizer too. Up to fifty stations, encoding τ and beginning with shared weights each lower the error by themselves, and the mean is lowest with both. The plain generator has a bias, which could be $\theta_0$. So the second differs only in where training begins.
#
# To be drawn to $\theta_0$ as well gains less than a tenth of a degree, nowhere clearly more than its interval.

# %% optimizers-as-regularizers [markdown]
# Optimizers, beside the learning rate:
#
# * **Reptile on φ** takes a few steps to a $\varphi'$ on a few stations, and goes a part β of the way, (6).
# * **MAML inside** trains $U(f_\varphi(\tau), D)$, a few gradient steps from what is written. It is tested without a step.
# * **Small batches** are one or five stations a step instead of 25 (or all, if fewer), at as many examples in all.
#
# $$ \varphi \leftarrow \varphi + \beta\,(\varphi' - \varphi) \tag{6} $$

# %% optimizers
print(heading)
for way in ("learning_rate", "maml", "reptile", "five_tasks", "one_task"):
    print(f"{way:20}", *(lowered(way, n) for n in stations))
print("Reptile's β:", *(set(chosen("reptile", n, what="strength").tolist()) for n in stations))

# %% optimizers-then [markdown]
# *MAML inside* gains a little at fifty stations, and nothing that was shown elsewhere: its start is made to be adapted.
#
# *One station per step* helps everywhere, five per step and Reptile from twenty on, though the examples are as many. Likely reasons, not separated: the steps are noisier, and there are more.
#
# *Reptile* always chose $\beta = 1$ (last line), the end of its grid, and all the way to $\varphi'$. So nothing is averaged; what is left are few stations at a time.

# %% exercise-1 [markdown]
# ## Exercises
#
# **1 · Compute.** (4 minutes; what (2) measures.) A generator writes $P = 2$ weights as $f(\tau) = V\tau$ with $V = \begin{pmatrix} 1 & 2 \\ 0 & 1 \end{pmatrix}$. How large is its sensitivity (2)?
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
# **2 · Change.** (8 minutes; a penalty written by hand, through which a gradient flows.) Estimate (2) without any derivative: `rough(f, tau, error, h)`, where `tau` (n, 2) moves by `h * error` and `error` is the ε of (2), returns the mean over tasks and weights of ((change of `f`) / h)². A gradient must reach φ.
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
# **3 · Find what is wrong.** (6 minutes; when a snapshot must be taken.) With `forgetful`, below, as its output penalty a generator forgets everything, at any strength. Write `keeper(f, old_tau)`, which returns a function `penalty()` that is right.
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

# %% open-task [markdown]
# ## Open task
#
# (45 minutes or more.) **Keep a generator honest on rain.** Let `make` give `ColoradoClimate("precipitation", …)`, and compare *none* with two remedies of your choice. A good answer has stations that choose and others that judge, an interval of differences, and a simpler rival.

# %% quiz [markdown]
# ## Quiz
#
# **1. A generator has a training error of almost zero. What does that say of unseen tasks?**
# <details><summary>Nothing</summary>Yes: in the first picture less than a tenth of a degree on training stations went with three degrees on the others.</details>
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
# $\min_\varphi \text{loss} + \sum_k \lambda_k R_k$: what helps tells the generator how to behave *between* its tasks. Choose λ on validation tasks, and say when it ends its grid. A simpler model may do better.

# %% references [markdown]
# ## References
#
# * Y. Yoshida, T. Miyato, *Spectral norm regularization*, 2017, [arXiv 1705.10941](https://arxiv.org/abs/1705.10941).
# * J. von Oswald and others, *Continual learning with hypernetworks*, 2020, [arXiv 1906.00695](https://arxiv.org/abs/1906.00695).
# * A. Nichol, J. Achiam, J. Schulman, *On first-order meta-learning algorithms* (Reptile), 2018, [arXiv 1803.02999](https://arxiv.org/abs/1803.02999).
# * J. Hoffman, D. Roberts, S. Yaida, *Robust learning with Jacobian regularization*, 2019, [arXiv 1908.02729](https://arxiv.org/abs/1908.02729).
