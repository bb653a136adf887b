# %% opening [markdown]
# # 02 · Training a hypernetwork
#
# **How does a gradient get through generated weights?**
#
# *You will be able to*
# **derive** the gradient that trains a generator,
# **detect** the mistakes that cut it silently,
# **compare** a hypernetwork with three baselines at equal budget.
#
# 60 minutes without exercise 4 and the open task. Before: [01 · Everything is a mapping](01_everything_is_a_mapping.ipynb).

# %% opening-slide [markdown] tags=["slides"]
# # Training a hypernetwork
#
# How does a gradient get through generated weights?

# %% plan-teacher [markdown] tags=["teacher"]
# > Run all cells before the class: the trainings take longer than one wants to wait.
# >
# > **50 minutes**
# >
# > | minutes | what |
# > |---|---|
# > | 3 | the question; all lock the prediction of *Two ways*, alone |
# > | 12 | *Two ways*: the figure projected, then the table of the cell `halfway`; swapped units on the board |
# > | 4 | *The problem that is solved*: what is learned and what is computed, on the board |
# > | 10 | *The gradient*, with exercise 1 alone (4 minutes) |
# > | 10 | *Four lines*: prediction locked by all, then the printed lines, then the curves |
# > | 8 | exercise 2 in pairs |
# > | 3 | quiz 1, 2 and 3 by show of hands |
# >
# > Left out: *The start* and *Against baselines*, a sentence each. Homework: these two sections, quiz 4 and 5, exercises 3 and 4.
# >
# > **90 minutes**
# >
# > | minutes | what |
# > |---|---|
# > | 3 | the question; all lock the prediction of *Two ways*, alone |
# > | 14 | *Two ways*: figure, table, swapped units on the board |
# > | 5 | *The problem that is solved*, on the board |
# > | 12 | *The gradient*, with exercise 1 alone (4 minutes) |
# > | 12 | *Four lines*: prediction locked by all, lines, curves, a table on the board |
# > | 10 | exercise 2 in pairs; two guards compared in front of all |
# > | 10 | *The start*: the count on the board, then the bars |
# > | 12 | *Against baselines*: all write down an order first; then what ± allows to say |
# > | 8 | exercise 3 in pairs |
# > | 4 | quiz, by show of hands |
# >
# > Left out: exercise 4 and the open task, which are the homework.
# >
# > **Outcomes**
# >
# > | after it a student can | shown in | asked in |
# > |---|---|---|
# > | say why trained networks do not lie on a sheet | the figure of *Two ways*, the cell `halfway` | quiz 3 |
# > | derive how the gradient reaches φ, and say that only φ is learned | *The problem that is solved*, equation (2) | exercise 1, quiz 1 |
# > | find out whether a generator learns, and tell None from zero | the printed lines of *Four lines* | exercise 2, quiz 2 |
# > | say when θ must be written anew | the cell `one-line` | exercise 3 |
# > | say what size the written weights need | the bars of *The start* | exercise 4, quiz 4 |
# > | set a hypernetwork against conditioning at equal budget | the table of *Against baselines* | quiz 5 |

# %% imports
import torch

from hyperedu import ColoradoClimate, Conditioned, Examples, Hypernetwork, MainNetwork, MLPGenerator
from hyperedu import SharedWeights, Sinusoids, compare, figures, live, meta_train, outer_loss
from hyperedu.lessons.training_a_hypernetwork import checks, questions, figures as drawn
from hyperedu.statistics import half_interval

# %% two-ways-to-own-36-networks [markdown]
# ## Two ways to own 36 networks
#
# One network for each of 36 sine waves. First, train one generator $f_\varphi$ and let it write them. Second, train
# each network on its own, from its own start, all 36 as one batch of $\theta$ of shape (6, 6, P).

# %% two-ways-to-own-36-networks-slide [markdown] tags=["slides"]
# ## Two ways to own 36 networks
#
# One for each of 36 waves:
#
# * one generator $f_\varphi$ writes them all
# * each is trained on its own, from its own start

# %% by-one-generator
family, main = Sinusoids(), MainNetwork.mlp([1, 40, 40, 1])
A, p = torch.meshgrid(torch.linspace(0.5, 4.6, 6), torch.linspace(0.3, 2.8, 6), indexing="ij")
x, learners = torch.linspace(-5, 5, 100).unsqueeze(-1), []


def examples_of(A, p):  # D for each wave: 100 points of it
    y = family.function(A[..., None, None], p[..., None, None], x)
    return Examples(x.expand_as(y), y)


for seed in range(3):
    torch.manual_seed(seed)
    learners.append(Hypernetwork(main, MLPGenerator(descriptor_dim=2, main=main)))
    meta_train(learners[seed], family.train, steps=700, shots=0)  # 10 queries a task

# %% one-by-one
def one_by_one(start, steps=300):
    theta, waves = start.clone().requires_grad_(), examples_of(A, p)
    optimizer = torch.optim.Adam([theta], lr=5e-3)
    for _ in range(steps):
        optimizer.zero_grad()
        main.loss(theta, waves).sum().backward()
        optimizer.step()
    return theta.detach()


separate = one_by_one(main.initial_weights(36).view(6, 6, -1))

# %% paths-predict [markdown]
# **Predict.** Each dot below is a whole network, drawn in the two directions in which the weights vary most; lines join waves that are
# alike; *pair* picks two. Go from one to the other: left along the sheet, $f_\varphi$ of what lies between the two τ; in the middle straight through the
# weights. Is the network halfway good for the wave halfway, whose amplitude and phase lie between the two? Decide for both panels, then
# drag *along*.

# %% paths-predict-slide [markdown] tags=["slides"]
# ## Predict
#
# From one good network to another: *left* along the sheet $f_\varphi(\tau)$, *middle* straight through the weights. Is the network halfway good for the wave halfway?
#
# * between written ones and those trained apart
# * between written ones only
# * between those trained apart only
# * between neither

# %% paths-slide [markdown] tags=["slides"]
# ## A sheet, and points scattered

# %% paths tags=["shown"]
picture = drawn.PathTriptych(family, learners[0], A, p, separate)
figure = live.interact(picture.figure, picture.update, pair=(0, 19), along=(0.0, 1.0, 0.01))
questions.predict("paths", figure)

# %% paths-look [markdown]
# **What to look for.** *Left*, a smooth sheet: every point of it works. *Middle*, the same
# waves: networks good by themselves, but scattered, and between two of them the function falls apart. Two dimensions show little, so the next cell correlates distances in τ and in all of θ. Hidden ReLU units can be permuted and rescaled without changing the function, so
# trainings from different starts need not agree. Is that the whole reason? Let all 36 begin at the same point, and take the median error halfway over all pairs, for three seeds, beside that of the flat line:

# %% paths-settings tags=["teacher"]
from hyperedu.lessons.training_a_hypernetwork import projected

projected.project("paths", figure)

# %% halfway-slide [markdown] tags=["slides"]
# ## Only along the sheet
#
# The median error of the network halfway:

# %% halfway tags=["shown"]
pairs, rows = torch.combinations(torch.arange(36)), []
a, q = (value.flatten()[pairs].mean(1) for value in (A, p))  # the wave in the middle of each pair
for learner in learners:
    own, same = main.initial_weights(36).view(6, 6, -1), main.initial_weights().expand(6, 6, -1)
    ends = one_by_one(own), one_by_one(same), learner(family.describe(A, p)), 0 * same
    middles = [*(t.flatten(0, 1)[pairs].mean(1) for t in ends), learner(family.describe(a, q))]
    rows.append([main.loss(theta, examples_of(a, q)).median().item() for theta in middles])
kinds = "own starts", "one start", "written, straight", "flat line y = 0", "written, on the sheet"
for name, theta in ("written", learners[0](family.describe(A, p))), ("one by one", separate):
    far = torch.stack([torch.pdist(v.flatten(0, 1)) for v in (family.describe(A, p), theta)])
    print(f"36 {name}: median error {main.loss(theta, examples_of(A, p)).median():.4f},", end=" ")
    print(f"distances in τ and in θ: correlation {torch.corrcoef(far)[0, 1]:.2f}")
for name, values in zip(kinds, zip(*rows)):
    print(f"halfway, {name:22}{sum(values) / 3:.4f} (seeds {min(values):.4f} to {max(values):.4f})")

# %% halfway-then [markdown]
# Written networks differ the more, the more their tasks do; for those trained from starts of their own the correlation is near zero, and the middle worse than the flat line. From a common start, where hidden units correspond, the middle is far better, but not good. Nor is the *straight line* between written networks good: it leaves the sheet. So symmetry is probably one reason; another may be that good weights lie on a bent sheet.
# *Along* the sheet the middle is about as good as the 36 themselves.

# %% two-ways-to-own-36-networks-teacher [markdown] tags=["teacher"]
# > **For the teacher** · 14 minutes. *Purpose*: a generator ties the networks of all tasks together; separate training does not.
# >
# > *Students believe* that two good networks for like tasks have like weights, so that their mean is good too. The setting *pair 7* answers: the two waves are neighbours, the trained θ over 20 apart, and the error halfway is 53. The middle panel shows only 11% of the variance; what counts is the correlation near zero.
# >
# > *Ask*: Is the straight line between written networks good? [No, a median of 0.43 against 0.013 along the sheet: the sheet is bent.]
# >
# > *On the board*: y = ReLU(x) + ReLU(−x) = |x|, first-layer weights (1, −1). Swap the units: (−1, 1), the same function. The mean is (0, 0): y = 0.
# >
# > *Short of time*: stop after the figure, and say: a common start brings the error halfway from 7.2 to 0.6, still nearly fifty times that of the sheet.

# %% the-problem-that-is-solved [markdown]
# ## The problem that is solved
#
# $$ \min_\varphi \; \mathbb{E}_{\tau} \; L\big(g(\theta, x'), y'\big) \qquad \text{with } \theta = f_\varphi(\tau) \tag{1} $$
#
# where $x', y'$ are the points on which a task is judged, its queries. Many texts write $\min_{\varphi, \theta}$ with the constraint $\theta = f_\varphi(\tau)$. That misleads: choose $\varphi$, and $\theta$ is *computed*; nothing is left to minimise over. Were $\theta$ free, (1) would fall apart into separate trainings: the scattered picture.

# %% the-problem-that-is-solved-slide [markdown] tags=["slides"]
# ## The problem that is solved
#
# $$ \min_\varphi \; \mathbb{E}_{\tau} \; L\big(g(\theta, x'), y'\big) \qquad \text{with } \theta = f_\varphi(\tau) \qquad (1) $$
#
# Only over $\varphi$. Choose it, and $\theta$ is *computed*: nothing is left to minimise over.

# %% the-problem-that-is-solved-teacher [markdown] tags=["teacher"]
# > **For the teacher** · 5 minutes. *Purpose*: to say what is learned (φ) and what is computed (θ).
# >
# > *Students believe* that θ is learned too, since the loss is a function of it. Equation (1) has one variable under min.
# >
# > *Ask*: What would happen with θ free for each task? [Separate trainings: the scattered panel, and no θ for a new τ.]
# >
# > *On the board*: θ = φτ, two tasks, τ = 1 and 2, that would like θ = 1 and 4. Free: loss 0. Tied: (φ − 1)² + (2φ − 4)² is least at φ = 1.8, so θ = 1.8 and 3.6, loss 0.8. But τ = 3 gets θ = 5.4; free θ say nothing of it.
# >
# > *Short of time*: only the last sentence of the text: only φ is learned.

# %% the-gradient [markdown]
# ## The gradient
#
# By the chain rule, the loss's gradient at the generated weights is carried on into the generator:
#
# $$ \frac{\partial L}{\partial \varphi} = \sum_{k=1}^{P} \frac{\partial L}{\partial \theta_k}\, \frac{\partial \theta_k}{\partial \varphi}
# \qquad\text{and for the head } \theta = V h + c:\quad \frac{\partial L}{\partial V} = \frac{\partial L}{\partial \theta}\, h^\top \tag{2} $$
#
# where $h$ is what the generator's last hidden layer gives and $c$ the head's bias. Check it against autograd:

# %% the-gradient-slide [markdown] tags=["slides"]
# ## The gradient
#
# $$ \frac{\partial L}{\partial \varphi} = \sum_{k=1}^{P} \frac{\partial L}{\partial \theta_k}\, \frac{\partial \theta_k}{\partial \varphi} $$
#
# For the head $\theta = V h + c$:
#
# $$ \frac{\partial L}{\partial V} = \frac{\partial L}{\partial \theta}\, h^\top \qquad (2) $$

# %% chain-rule
generator, tau = MLPGenerator(2, main), family.describe(amplitude=2.0, phase=1.0)
h, theta = generator.hidden(tau), generator(tau)
loss = main.loss(theta, examples_of(torch.tensor(2.0), torch.tensor(1.0)))
dL_dtheta, dL_dV = torch.autograd.grad(loss, (theta, generator.head.weight))
print("equation (2) agrees with autograd:", torch.allclose(torch.outer(dL_dtheta, h), dL_dV))

# %% chain-rule-then [markdown]
# The line that every training of this course shares is (1) on a batch of tasks, `outer_loss`:

# %% one-line
tasks = family.train.sample(25, shots=0)
theta = learner.generator(tasks.descriptor)  # θ = f_φ(τ), (25, P)
loss = main.loss(theta, tasks.query)  # L(g(θ, x'), y'), one number per task
print("same as the package:", torch.equal(loss, outer_loss(learner, tasks)))

# %% the-gradient-teacher [markdown] tags=["teacher"]
# > **For the teacher** · 8 minutes, without exercise 1. *Purpose*: backpropagation does not stop at θ.
# >
# > *Students believe* that a gradient needs parameters to land on, and that θ has none because it is no `nn.Parameter`. The cell `chain-rule` asks autograd for the gradient at θ itself, and equation (2) agrees with it.
# >
# > *Ask*: Which rows of V get no gradient? [Those of weights that do not matter here, as behind a silent unit of g.] Which columns? [Those with h_j = 0.]
# >
# > *On the board*: θ = V h with V the identity, h = (2, 1), L = ½(θ₁ − 1)² + ½(θ₂ − 3)². Then θ = (2, 1), ∂L/∂θ = (1, −2), and ∂L/∂V has the rows (2, 1) and (−4, −2). Try it: V₁₂ up by 0.1 takes L from 2.5 to 2.605; (2) says +0.1.
# >
# > *Short of time*: the board alone, and: every training of the course is the two lines of the cell `one-line`.

# %% two-lines-that-cut-it [markdown]
# ## Four lines that look alike
#
# PyTorch wants weights to be `nn.Parameter`s: it is tempting to make some of generated ones, or to put them in
# through `.data`. Here a learner has shared weights $\theta_0$ *and* a generator, $\theta = \theta_0 + f_\varphi(\tau)$, in four
# ways (0 is a switch somebody left off):

# %% two-lines-that-cut-it-slide [markdown] tags=["slides"]
# ## Four lines that look alike
#
# With $\Delta\theta = f_\varphi(\tau)$:
#
# ```python
# theta_0 + change
# theta_0 + torch.nn.Parameter(change)
# theta_0 + change.data
# theta_0 + 0 * change
# ```

# %% ways-to-add
ways = {  # θ from θ₀ and Δθ = f(τ)
    "right": lambda theta_0, change: theta_0 + change,
    "nn.Parameter": lambda theta_0, change: theta_0 + torch.nn.Parameter(change),
    ".data": lambda theta_0, change: theta_0 + change.data,
    "times 0": lambda theta_0, change: theta_0 + 0 * change,
}

# %% ways-to-add-predict [markdown]
# **Predict.** Take the second, `nn.Parameter`. Does it raise an error? Does the loss fall? Does the generator learn?

# %% ways-to-add-predict-slide [markdown] tags=["slides"]
# ## Predict

# %% ways-to-add-question tags=["shown"]
questions.predict("ways-to-add")

# %% ways-to-cut
def train(way, steps=300):  # gives the losses and the generator's gradient norms
    torch.manual_seed(0)
    theta_0, generator = torch.nn.Parameter(main.initial_weights()), MLPGenerator(2, main)
    optimizer, record = torch.optim.Adam([theta_0, *generator.parameters()], lr=1e-3), []
    for _ in range(steps):
        tasks = family.train.sample(25, shots=0)
        loss = main.loss(way(theta_0, generator(tasks.descriptor)), tasks.query).mean()
        optimizer.zero_grad()
        loss.backward()
        gradients = [w.grad for w in generator.parameters() if w.grad is not None]
        norm = torch.nn.utils.get_total_norm(gradients).item() if gradients else None
        optimizer.step()
        record.append((loss.item(), norm))
    return zip(*record)

# %% cut-curves-slide [markdown] tags=["slides"]
# ## All four losses fall
#
# Ask for the gradient: **None** is a path that was cut, **zero** a factor of 0 on it.

# %% cut-curves tags=["shown"]
curves = {}
for name, way in ways.items():
    curves[name], norms = train(way)
    last, none, zero = sum(curves[name][-50:]) / 50, norms.count(None), norms.count(0)
    print(f"{name:12}  last losses {last:.2f}; {len(norms)} gradients: {none} None, {zero} zero")
figures.show(drawn.learning_curves(curves), "All four losses fall; three stay far above one.")

# %% cut-curves-then [markdown]
# No error, and all four losses fall, the last a little: in the wrong three only $\theta_0$ learns. (The two cuts are one curve.) The loss hides
# the mistake; the **gradient** makes two findings. **None**: no path leads from the loss to the generator.
# Look for the cut: a new `nn.Parameter`, `.data`, `.detach()`, `no_grad()`. **Zero**: the path is whole, and a factor on it is 0. Look for a mask, a strength of 0, silent
# units (0 for every input). A norm alone mixes them up, since that of an empty list is 0 too: ask for None first.

# %% two-lines-that-cut-it-teacher [markdown] tags=["teacher"]
# > **For the teacher** · 12 minutes. *Purpose*: a falling loss is no proof that the generator learns.
# >
# > *Students believe* that a cut raises an error, or that the loss then stands still. All four run, and the loss of the two cuts falls from near 90 (the mean of the first 50 steps) to 7.3. They also take None and zero for one thing: the cell prints 300 None for the cuts, 300 zeros for *times 0*.
# >
# > *Ask*: Why do the cuts end above *times 0*, 7.3 against 3.3? [They add a random f_φ(τ) that nothing trains.] Which way would raise an error if there were no θ₀? [Only `.data`: nothing would require a gradient. A new `nn.Parameter` takes the gradient, and nobody looks at it.]
# >
# > *On the board*: a table with a row for each way and the columns *error*, *loss falls*, *.grad*, *look for*. Below: θ = θ₀ + s f_φ(τ), so ∂θ/∂φ = s ∂f_φ/∂φ, which is zero, and not None, for s = 0.
# >
# > *Short of time*: only `right`, `.data` and `times 0`; say that `nn.Parameter` has the curve of `.data`.

# %% the-start [markdown]
# ## The start
#
# So that signals keep their size, a layer of $n$ inputs wants weights of variance about $2/n$ before a ReLU, and $1/n$ at the end (and smaller biases). `nn.Linear` scales the *generator's* head by the head's own inputs, and knows nothing of the layers that
# it writes. With $\theta_k = \sum_j V_{kj} h_j$ ($c$ begins at 0), wanting variance $\sigma_k^2$ for $\theta_k$ asks for
#
# $$ \operatorname{Var}(V_{kj}) = \sigma_k^2 \,/\, \mathbb{E}\,\lVert h \rVert^2 \tag{3} $$
#
# which is *hyperfan* initialisation (Chang and others, 2020). The variance is over draws of $V$, the mean $\mathbb{E}$ over τ (drawn standard normal); $\sigma_k$ is a standard deviation, not lesson 01's activation. Each layer multiplies the
# mistake of the one before, hence five hidden layers here.

# %% the-start-slide [markdown] tags=["slides"]
# ## The start
#
# The weights that are *written* should have the size that their layer wants, $\sigma_k$:
#
# $$ \operatorname{Var}(V_{kj}) = \sigma_k^2 \,/\, \mathbb{E}\,\lVert h \rVert^2 \qquad (3) $$
#
# *Hyperfan*. `nn.Linear` knows nothing of the layers that it writes.

# %% spreads-slide [markdown] tags=["slides"]
# ## Hyperfan meets what is wanted

# %% spreads tags=["shown"]
deep = MainNetwork.mlp([1, 40, 40, 40, 40, 40, 1])
descriptors, wanted = family.train.sample(1000, shots=0).descriptor, deep.initial_weights(1000)
spreads = {"wanted": deep.unflatten(wanted)}
size_of_y = lambda theta: deep(theta, x).square().mean((1, 2)).sqrt().median()  # over networks
for init in ("hyperfan", "default"):
    for seed in range(3):
        torch.manual_seed(seed)
        learner = Hypernetwork(deep, MLPGenerator(descriptor_dim=2, main=deep, init=init))
        theta = learner(descriptors)
        spreads[init], y = deep.unflatten(theta), size_of_y(theta)
        loss = meta_train(learner, family.train, 100, shots=0).recent()["loss"]
        print(f"{init:8} seed {seed}: size of y {y:5.1f}, loss after 100 steps {loss:.2f}")
print(f"size of y with the wanted weights: {size_of_y(wanted):.1f}")
figures.show(drawn.weight_spread(spreads), "Size of each layer: hyperfan is close to wanted.")

# %% spreads-then [markdown]
# **What to look for.** For each matrix and bias, the root mean square of what is written for 1,000 waves (the last seed). Hyperfan meets what is wanted, on the average over τ, but for $b_6$, a single number. The default gives all layers about the same size, too small for $W_1$ and too
# large for $W_2$ to $W_6$, and layer upon layer makes y far too large. After 100 steps of Adam at 0.001 its loss is higher, with every seed; at 0.003 it is lower (below the exercises).

# %% the-start-teacher [markdown] tags=["teacher"]
# > **For the teacher** · 10 minutes. *Purpose*: what counts at the start is the size of θ, not that of the generator's weights.
# >
# > *Students believe* that PyTorch's default is safe everywhere. Here it makes y 62 to 121 in size, against 1.9 for the wanted weights, and the loss after 100 steps about 3.9, against 2.7 with hyperfan. That is so at this rate, 0.001; the table in `docs/answers.md` has others, and longer trainings.
# >
# > *Ask*: Why is y so much further off than any one layer? [Each layer multiplies the mistake of the one before.]
# >
# > *On the board*: h = (1, 1, 1, 1), so ‖h‖² = 4. A layer with n = 8 before a ReLU wants 2/8 = ¼. By (3) Var(V) = 1/16, and back: 4 · 1/16 = ¼. Then the bars, default by wanted, without biases: W₁ 0.39, W₂ to W₅ 2.4 each, W₆ 3.2: 0.39 · 2.4⁴ · 3.2 ≈ 41. Printed, last seed: 73.7 / 1.9 ≈ 39.
# >
# > *Short of time*: the bars, and: a generator must be told how large the layers are that it writes.

# %% against-baselines [markdown]
# ## Against baselines
#
# Four learners, one budget: the same tasks, 250 steps of 25, each at the best of five rates of Adam, chosen on the unseen tasks (`docs/rates.md`; some at their grid's edge). **Shared weights** (joint training) ignore $\tau$. **Conditioned** gives $\tau$ to the network as further
# inputs, which is a small hypernetwork itself: $W[x; \tau] + b = W_x x + (b + W_\tau \tau)$ writes the first bias. It has far fewer numbers to learn;
# a wide one has about as many.

# %% against-baselines-slide [markdown] tags=["slides"]
# ## Against baselines
#
# | rival | what it does |
# |---|---|
# | shared weights | ignore $\tau$ |
# | conditioned | gets $\tau$ as inputs: writes the first bias |
# | conditioned, wide | about as many numbers to learn |
# | hypernetwork | writes everything |

# %% contest
def contest(family, main, wide, rates, seed):  # a rate of Adam for each learner
    d_tau, rows = len(family.descriptors.names), {}
    torch.manual_seed(seed)
    learners = {
        "shared weights": SharedWeights(main),
        "conditioned": Conditioned(main, d_tau),
        "conditioned, wide": Conditioned(wide, d_tau),
        "hypernetwork": Hypernetwork(main, MLPGenerator(d_tau, main)),
    }
    for (name, learner), lr in zip(learners.items(), rates):
        adam = lambda parameters, lr=lr: torch.optim.Adam(parameters, lr=lr)
        rows |= compare({name: learner}, family, 250, optimizer=adam, shots=0, seed=seed).rows
    return rows


wide, rates = MainNetwork.mlp([1, 340, 340, 1]), (3e-3, 3e-2, 3e-2, 1e-2)
sines = [contest(family, main, wide, rates, seed) for seed in range(3)]

# %% contest-table-slide [markdown] tags=["slides"]
# ## Shared weights are far behind
#
# Among the others: where ± contains zero, no difference is shown.

# %% contest-table tags=["shown"]
years, sizes, rates = [], ([2, 32, 32, 1], [2, 280, 280, 1]), (1e-3, 3e-2, 1e-2, 1e-2)
for seed in range(3):  # on Colorado each run has another choice of stations, too
    climate = ColoradoClimate("tmax", split=seed)
    small, wide = (MainNetwork.mlp(s, "tanh", climate.y_mean, climate.y_std) for s in sizes)
    years.append(contest(climate, small, wide, rates, seed))
for on, runs in (("sinusoids", sines), ("Colorado (°C²)", years)):
    errors = {k: torch.tensor([run[k].reports[0].mean for run in runs]) for k in runs[0]}
    for k, row in runs[0].items():
        more = errors[k] - errors["hypernetwork"]  # run by run
        print(f"{on:14} {k:17} {row.parameters:7,} numbers {row.history.seconds:4.1f} s", end=" ")
        print(f"{errors[k].mean():7.3f}, minus last {more.mean():6.3f} ± {half_interval(more):.3f}")

# %% contest-then [markdown]
# Printed are the seconds of the first run, the mean error on unseen tasks in three runs, and its excess over the hypernetwork's. ± is half of a 95% interval of the differences run by run; where it contains zero, no difference is shown. Between the hypernetwork and either conditioned network no difference is shown, on **either** family.
# That does not make them equal. On sinusoids ± is larger than these errors: not even a factor of two could be seen. (Ten runs tell more: below the exercises.) On Colorado a difference of two fifths of the hypernetwork's error (for the wide one a fifth) might have been seen, by lesson 00's wider interval. Against the wide one the hypernetwork saves time: what it writes stays small. When a hypernetwork is *needed*, neither family tells.

# %% against-baselines-teacher [markdown] tags=["teacher"]
# > **For the teacher** · 12 minutes. *Purpose*: an honest comparison, in which the favourite does not win.
# >
# > *Students believe* that the hypernetwork must beat plain conditioning, or else that "no difference shown" means "equal". The table has 0.001 ± 0.065 and −0.013 ± 0.062 on the sinusoids: a difference as large as the hypernetwork's whole error, 0.027, could hide there. (One run makes ± so wide: the hypernetwork's errors are 0.015, 0.011 and 0.054.)
# >
# > *Ask*: Why is the wide one in it? [The small one has about a 64th of the hypernetwork's learned numbers.] Were all rates searched far enough? [No: in `docs/rates.md` the best lies at the edge for *conditioned* on both families, the wide one on the sinusoids, shared weights on Colorado. `docs/answers.md` has farther ones, and ten further runs.]
# >
# > *On the board*: W[x; τ] + b = W_x x + (b + W_τ τ): underline what τ changes. Then ±: the differences 0.1, 0.2, 0.3 have mean 0.2 and s = 0.1; for three runs t = 4.3, so ± = 4.3 · 0.1 / √3 ≈ 0.25. All three are positive, and no difference is shown.
# >
# > *Short of time*: skip Colorado, and say: there too, shared weights are far behind and no other difference is shown.

# %% exercise-1 [markdown]
# ## Exercises
#
# **1 · Compute.** (4 minutes; the outer product in (2).) Two weights are written from two hidden units, $\theta = V h + c$, with $h = (2, 3)$ and
# $\partial L / \partial \theta = (0.5, -1)$. Give $\partial L / \partial V$ as a tensor of shape (2, 2).
#
# <details><summary>Hint 1</summary>Equation (2): an outer product.</details>
# <details><summary>Hint 2</summary>Row k belongs to θ<sub>k</sub>, column j to h<sub>j</sub>.</details>

# %% exercise-1-slide [markdown] tags=["slides"]
# ## Exercise 1, on paper
#
# $\theta = V h + c$ with $h = (2, 3)$ and $\partial L / \partial \theta = (0.5, -1)$.
#
# Give $\partial L / \partial V$, of shape (2, 2).

# %% exercise-1-answer tags=["exercise"]
dL_dV = ...
checks.head_gradient(dL_dV)

# %% exercise-1-solution tags=["solution"]
dL_dV = torch.outer(torch.tensor([0.5, -1.0]), torch.tensor([2.0, 3.0]))
checks.head_gradient(dL_dV)

# %% exercise-2 [markdown]
# **2 · Change.** (8 minutes; None and zero, told apart and both found.) Write a guard: `untrained(generator)` returns a list of the names of all parameters that got no gradient,
# or one of zeros, from the last `loss.backward()`.
#
# <details><summary>Hint 1</summary><code>generator.named_parameters()</code> gives names and parameters.</details>
# <details><summary>Hint 2</summary>There are two cases: <code>.grad is None</code>, and <code>.grad</code> is all zeros.</details>

# %% exercise-2-answer tags=["exercise"]
untrained = ...
checks.guard(untrained)

# %% exercise-2-solution tags=["solution"]
def untrained(generator):
    return [name for name, w in generator.named_parameters() if w.grad is None or not w.grad.any()]


checks.guard(untrained)

# %% exercise-3 [markdown]
# **3 · Find what is wrong.** (8 minutes; θ is a result, not a store.) A loop repeats `loss()`, `backward(retain_graph=True)`, `optimizer.step()`. "Writing the same weights each time is a waste", says a
# colleague, and makes `loss` by `stale(learner, tasks)`. Without hidden layers in the generator nothing complains, and the loss never changes. With some, the second `backward` raises an error, "modified by an inplace operation": the step
# changed $V$, which the kept graph still needs. Write `mended(learner, tasks)`, which returns the right `loss`, for both.
#
# <details><summary>Hint 1</summary>After the first step φ has changed. Has θ?</details>
# <details><summary>Hint 2</summary>θ must be written inside the function that is called at each step.</details>

# %% exercise-3-given
def stale(learner, tasks):
    theta = learner(tasks.descriptor)
    return lambda: learner.main.loss(theta, tasks.query).mean()

# %% exercise-3-answer tags=["exercise"]
mended = ...
checks.fresh_weights(mended)

# %% exercise-3-solution tags=["solution"]
def mended(learner, tasks):
    # outer_loss calls the learner, and so the generator, each time
    return lambda: outer_loss(learner, tasks).mean()


checks.fresh_weights(mended)

# %% exercise-4 [markdown]
# **4 · Make.** (15 minutes; a start in any units.) Write `started(generator, tau)`. It gets an `MLPGenerator` with `init="default"` and 400 descriptors in any units (means up to twice the standard deviation). It returns an `nn.Module` with the generator's trunk, of which only the first layer may get other numbers; the head may change or be replaced. On 400 new τ of the same distribution, with $s$ the number that `generator.main.initial_std` has for a matrix (it is flat like $\theta$; `unflatten` cuts it): in one network the entries of the matrix have a standard deviation of $s/2$ to $2s$ (on the average over τ), those of its bias are at most $2s$ (root mean square);
# from τ to τ entries of the matrix vary by at least $0.05 s$ (root mean square); a gradient reaches every parameter.
#
# <details><summary>Hint</summary>Compare what <code>generator(tau)</code> writes with what is wanted. A size can be drawn, or given afterwards.</details>

# %% exercise-4-answer tags=["exercise"]
started = ...
checks.own_start(started)

# %% exercise-4-solution tags=["solution"]
def started(generator, tau):  # (3), on the descriptors that there are
    head, norm = generator.head, generator.hidden(tau).square().sum(1).mean().sqrt()
    with torch.no_grad():
        head.weight.normal_().mul_(generator.main.initial_std.unsqueeze(1) / norm)
        head.bias.zero_()
    return generator


checks.own_start(started)

# %% open-task [markdown]
# **Open task.** (20 minutes.) Find a family of tasks on which the hypernetwork and the wide conditioned network *do* differ. Change one thing, such as the ranges in
# `Sinusoids(amplitude=…, phase=…)`, the depth of `main` or the number of steps, and run `contest` for three seeds. A good answer says beforehand what will happen and why, and what would refute it, gives each learner its best rate of Adam
# and about as many learned numbers, and shows intervals of the differences.

# %% exercises-teacher [markdown] tags=["teacher"]
# > **For the teacher** · 22 minutes: 4, then 8 with 2 to compare, then 8, and 15 for exercise 4, which is homework. *Purpose*: (2), the two findings, (1) and (3), each used once.
# >
# > *Students believe*, in exercise 1, that the answer is ((1, −2), (1.5, −3)), the transpose, or entries (1, −3), which is h times ∂L/∂θ entry by entry. In 2 they test None only, or zero only; `.grad.sum() == 0`, true of 5, −5, 0; `(.grad == 0).any()`, true of a silent unit; or `requires_grad`. In 3 they keep θ, or what the trunk gave, outside the inner function; copy the learner; detach θ; judge on the support set; or sum over the tasks. In 4 they take (3) with standard normal τ (then τ in percent makes θ 82 times too large), scale all layers alike, or set V to zero, so that all tasks begin alike. Good answers to 4: V drawn anew by (3) with the ‖h‖² of the given τ; or what is written measured, and each row of V and c divided by it; or a drawn bias with a small V. Compare two: by how much does τ move θ?
# >
# > *Ask*: Does PyTorch notice `stale`? [With this lesson's generator yes: the second `backward` is an error even with `retain_graph=True`, as the optimiser has changed weights in place. With `hidden=()` no: the loss just stays the same.] What does a good answer to the open task contain? [A forecast with its reason, the result that would refute it, each learner's best rate, about equally many learned numbers, three seeds, intervals of the differences.]
# >
# > *On the board*: for 3, two timelines: φ₀, φ₁, φ₂ above; below θ₀ three times (`stale`), or θ₀, θ₁, θ₂ (`mended`).
# >
# > *Short of time*: 1 and 2; for 3 say: θ is a result, write it anew whenever φ has changed. Who is done early puts the guard into `train` and runs it on all four ways, or begins the open task.

# %% readers [markdown]
# ## Questions that readers asked

# %% readers-asked
questions.of_readers(sines, one_start=main.loss(ends[1], examples_of(A, p)).median().item())

# %% quiz [markdown]
# ## Quiz
#
# **1. Which numbers does the optimiser change?**
# <details><summary>θ</summary>No: θ is a result, computed anew at each step.</details>
# <details><summary>φ</summary>Yes: the trunk and the head of the generator.</details>
#
# **2. The loss falls. Does the generator learn?**
# <details><summary>Yes, otherwise it could not fall</summary>No: something else may be learning, as θ₀ did above.</details>
# <details><summary>Look at its gradient norm</summary>Yes: None, or a norm of zero, gives it away.</details>
#
# **3. Why do separately trained networks not lie on a sheet?**
# <details><summary>They were not trained long enough</summary>No: each one is good by itself.</details>
# <details><summary>Many θ give the same function</summary>Yes, for one: hidden units can be permuted and rescaled, and each training picks its own.</details>
#
# **4. What does hyperfan make right?**
# <details><summary>The variance of the written weights</summary>Yes: as large as each layer of the main network wants it.</details>
# <details><summary>The variance of the generator's own weights</summary>No: it is a means; what counts is what they write.</details>
#
# **5. Concatenating τ to the input is a hypernetwork that writes …**
# <details><summary>… the first layer's biases</summary>Yes: the product with τ is a constant within a task, a bias.</details>
# <details><summary>… the first layer's matrix</summary>No: the part for x is the same for all tasks.</details>

# %% quiz-answers
questions.quiz()

# %% in-one-breath [markdown]
# ## In one breath
#
# $\min_\varphi \mathbb{E}_\tau L(g(f_\varphi(\tau), x'), y')$, with the gradient carried through $\theta$ by the chain rule. It fails silently where the chain is cut (None) or multiplied by 0 (zero).
# From a conditioned network with about as many learned numbers three runs could not tell it apart.

# %% in-one-breath-slide [markdown] tags=["slides"]
# ## In one breath
#
# $$ \min_\varphi \mathbb{E}_\tau L(g(f_\varphi(\tau), x'), y') $$
#
# The gradient is carried through $\theta$ by the chain rule. It fails silently where the chain is cut (None) or multiplied by 0 (zero).

# %% references [markdown]
# ## References
#
# * D. Ha, A. Dai, Q. Le, *HyperNetworks*, 2016, [arXiv 1609.09106](https://arxiv.org/abs/1609.09106).
# * O. Chang, L. Flokas, H. Lipson, *Principled weight initialization for hypernetworks*, 2020, [arXiv 2312.08399](https://arxiv.org/abs/2312.08399).
