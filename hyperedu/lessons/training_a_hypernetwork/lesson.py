# %% opening [markdown]
# # 02 · Training a hypernetwork
#
# **How does a gradient get through generated weights?**
#
# *You will be able to*
# **derive** the gradient that trains a generator,
# **detect** the mistakes that cut it silently,
# **compare** a hypernetwork with two baselines at equal budget.
#
# 60 minutes, 20 of them for the exercises; the open task comes on top. Before: [01 · Everything is a mapping](01_everything_is_a_mapping.ipynb).

# %% imports
import torch

from hyperedu import ColoradoClimate, Conditioned, Examples, Hypernetwork, MainNetwork, MLPGenerator
from hyperedu import SharedWeights, Sinusoids, compare, figures, live, meta_train, outer_loss
from hyperedu.lessons.training_a_hypernetwork import checks, questions
from hyperedu.lessons.training_a_hypernetwork.figures import PathTriptych, learning_curves
from hyperedu.lessons.training_a_hypernetwork.figures import weight_spread

# %% two-ways-to-own-36-networks [markdown]
# ## Two ways to own 36 networks
#
# One network for each of 36 sine waves. The first way: train one generator $f_\varphi$ and let it write them. The second: train
# each network on its own, from its own start, all 36 as one batch of $\theta$ of shape (6, 6, P).

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
    meta_train(learners[seed], family.train, steps=1000, shots=0)

# %% one-by-one
def one_by_one(start, steps=500):
    theta, waves = start.clone().requires_grad_(), examples_of(A, p)
    optimizer = torch.optim.Adam([theta], lr=5e-3)
    for _ in range(steps):
        optimizer.zero_grad()
        main.loss(theta, waves).sum().backward()
        optimizer.step()
    return theta.detach()


separate = one_by_one(main.initial_weights(36).view(6, 6, -1))
networks = {"written": learners[0](family.describe(A, p)), "trained one by one": separate}
for name, theta in networks.items():
    print(f"median error of 36, {name}: {main.loss(theta, examples_of(A, p)).median():.4f}")

# %% paths-predict [markdown]
# **Predict.** Each dot below is a whole network, drawn in the two directions in which the weights vary most; lines join waves that are
# alike. Go from one network to another. Halfway between two good networks, is there a good network? Decide for both figures, then
# drag *along*.

# %% paths
picture = PathTriptych(family, learners[0], A, p, separate)
figure = live.interact(picture.figure, picture.update, pair=(0, 19), along=(0.0, 1.0, 0.01))
questions.predict("paths", figure)

# %% paths-look [markdown]
# **What to look for.** *Left*, a smooth sheet: like tasks have like weights, and every point of the sheet works. *Middle*, the same
# waves, each network good by itself, but scattered: neighbours in task are no neighbours in weights, and on the way between
# two of them the function falls apart. Hidden ReLU units can be permuted and rescaled without changing the function, so each
# training ends in its own corner. Is it the start that matters? Let all 36 begin at the same point, and measure over all pairs, for three seeds:

# %% halfway
pairs, rows = torch.combinations(torch.arange(36)), []
a, q = (value.flatten()[pairs].mean(1) for value in (A, p))  # the wave in the middle of each pair
for learner in learners:
    own, same = main.initial_weights(36).view(6, 6, -1), main.initial_weights().expand(6, 6, -1)
    ends = one_by_one(own), one_by_one(same), learner(family.describe(A, p))
    middles = [theta.flatten(0, 1)[pairs].mean(1) for theta in ends]
    middles.append(learner(family.describe(a, q)))
    rows.append([main.loss(theta, examples_of(a, q)).median().item() for theta in middles])
kinds = "trained, own starts", "trained, one start", "written, straight", "written, on the sheet"
for name, values in zip(kinds, zip(*rows)):
    low, mean, high = min(values), sum(values) / 3, max(values)
    print(f"halfway, {name:21} median error {mean:.4f}  (seeds {low:.4f} to {high:.4f})")

# %% halfway-then [markdown]
# A common start helps, but the middle still fails. Even between written networks the *straight line* leaves the sheet, and its middle is
# bad; *along* the sheet the middle is about as good as the 36 themselves. That is what a generator learns beyond 36 solutions: how they hang together.

# %% the-problem-that-is-solved [markdown]
# ## The problem that is solved
#
# $$ \min_\varphi \; \mathbb{E}_{\tau} \; L\big(g(\theta, x'), y'\big) \qquad \text{with } \theta = f_\varphi(\tau) \tag{1} $$
#
# where $x', y'$ are the points on which a task is judged, its queries. Many texts write $\min_{\varphi, \theta}$ with the constraint $\theta = f_\varphi(\tau)$. That is not wrong, but it misleads: the constraint leaves
# $\theta$ no freedom. Choose $\varphi$, and $\theta$ is *computed*, for every task; nothing is left to minimise over. Were $\theta$ free, each task would
# have its own, and (1) would fall apart into separate trainings: the scattered picture. Only $\varphi$ is learned.

# %% the-gradient [markdown]
# ## The gradient
#
# By the chain rule, the loss's gradient at the generated weights is carried on into the generator:
#
# $$ \frac{\partial L}{\partial \varphi} = \sum_{k=1}^{P} \frac{\partial L}{\partial \theta_k}\, \frac{\partial \theta_k}{\partial \varphi}
# \qquad\text{and for the head } \theta = V h + c:\quad \frac{\partial L}{\partial V} = \frac{\partial L}{\partial \theta}\, h^\top \tag{2} $$
#
# where $h$ is what the generator's last hidden layer gives and $c$ the head's bias. The first factor is what ordinary training of $g$ would use; the second passes it on. Check it in two ways: against autograd, and by
# moving one entry of $V$ a little, in double precision.

# %% chain-rule
generator, tau = MLPGenerator(2, main).double(), family.describe(amplitude=2.0, phase=1.0).double()
wave = examples_of(torch.tensor(2.0), torch.tensor(1.0)).to(torch.float64)
h, theta = generator.hidden(tau), generator(tau)
loss = main.loss(theta, wave)
dL_dtheta, dL_dV = torch.autograd.grad(loss, (theta, generator.head.weight))
print("equation (2) agrees with autograd:", torch.allclose(torch.outer(dL_dtheta, h), dL_dV))
with torch.no_grad():
    generator.head.weight[5, 7] += 1e-6
    moved = main.loss(generator(tau), wave)
print(f"moving one entry of V: {(moved - loss).item() / 1e-6:.5f}, autograd: {dL_dV[5, 7]:.5f}")

# %% chain-rule-then [markdown]
# The line that every training of this course shares is (1) on a batch of tasks, `outer_loss`:

# %% one-line
tasks = family.train.sample(25, shots=0)
theta = learner.generator(tasks.descriptor)  # θ = f_φ(τ), (25, P)
loss = main.loss(theta, tasks.query)  # L(g(θ, x'), y'), one number per task
print("same as the package:", torch.equal(loss, outer_loss(learner, tasks)))

# %% two-lines-that-cut-it [markdown]
# ## Two lines that cut it
#
# PyTorch wants the weights of a module to be `nn.Parameter`s, so it is tempting to make generated weights into some, or to put them into a
# module through `.data`. Here a learner has shared weights $\theta_0$ *and* a generator, $\theta = \theta_0 + f_\varphi(\tau)$, written in four
# ways. The last cuts nothing: it is a switch that somebody left at 0.

# %% ways-to-add-predict [markdown]
# **Predict.** For each way: does it raise an error? Does the loss fall? Does the generator learn? What is then in the `.grad` of its parameters?

# %% ways-to-add-question
questions.predict("ways-to-add")

# %% ways-to-add
ways = {  # θ from θ₀ and Δθ = f(τ)
    "right": lambda theta_0, change: theta_0 + change,
    "nn.Parameter": lambda theta_0, change: theta_0 + torch.nn.Parameter(change),  # a new leaf
    ".data": lambda theta_0, change: theta_0 + change.data,  # numbers without a history
    "times 0": lambda theta_0, change: theta_0 + 0 * change,  # a history, and a factor of 0
}

# %% ways-to-cut
def train(way, steps=500):  # gives the losses and the generator's gradient norms
    torch.manual_seed(0)
    theta_0 = torch.nn.Parameter(main.initial_weights())
    generator = MLPGenerator(descriptor_dim=2, main=main)
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

# %% cut-curves
curves = {}
for name, way in ways.items():
    curves[name], norms = train(way)
    last, none, zero = sum(curves[name][-50:]) / 50, norms.count(None), norms.count(0)
    print(f"{name:12}  last losses {last:.2f}; {len(norms)} gradients: {none} None, {zero} zero")
figures.show(learning_curves(curves), "All four losses fall; three stop far above the right one.")

# %% cut-curves-then [markdown]
# No error, and all four losses fall, the last a little: in the wrong three only $\theta_0$ learns, one function for all waves (the two cuts draw the same curve). The loss does not show
# the mistake; the **gradient** does, and it makes two findings that mean different things. **None**: no path leads from the loss to the generator.
# Look for the cut: a new `nn.Parameter`, `.data`, `.detach()`, `no_grad()`. **Zero**: the path is whole, and a factor on it is 0. Look for a mask, a strength of 0, silent
# units. A norm alone mixes them up, since that of an empty list is 0 too: ask for None first. Look at it in every new training.

# %% the-start [markdown]
# ## The start
#
# A layer of $n$ inputs wants weights of variance about $1/n$. `nn.Linear` makes the *generator's* head so, and knows nothing of the layers that
# it writes. With $\theta_k = \sum_j V_{kj} h_j$, wanting variance $\sigma_k^2$ for $\theta_k$ asks for
#
# $$ \operatorname{Var}(V_{kj}) = \sigma_k^2 \,/\, \mathbb{E}\,\lVert h \rVert^2 \tag{3} $$
#
# which is *hyperfan* initialisation (Chang and others, 2020). The deeper the main network, the more it matters, since each layer multiplies the
# mistake of the one before; so here it has five hidden layers.

# %% spreads
deep = MainNetwork.mlp([1, 40, 40, 40, 40, 40, 1])
descriptors = family.train.sample(1000, shots=0).descriptor
spreads = {"wanted": deep.unflatten(deep.initial_weights(1000))}
for init in ("hyperfan", "default"):
    finals = []
    for seed in range(3):
        torch.manual_seed(seed)
        learner = Hypernetwork(deep, MLPGenerator(descriptor_dim=2, main=deep, init=init))
        spreads[init] = deep.unflatten(learner(descriptors))
        finals.append(meta_train(learner, family.train, 300, shots=0).recent()["loss"])
    print(f"{init}: loss after 300 steps, three seeds:", *(f"{loss:.2f}" for loss in finals))
figures.show(weight_spread(spreads), "Spread of written weights: hyperfan meets what is wanted.")

# %% against-baselines [markdown]
# ## Against baselines
#
# Three learners and one budget: the same tasks, the same steps. **Shared weights** (also called joint training, or pre-training) ignore $\tau$. **Conditioned** gives $\tau$ to the network as further
# inputs, which is a small hypernetwork itself: $W[x; \tau] + b = W_x x + (b + W_\tau \tau)$ writes the first bias. It has far fewer numbers to learn, so
# a wide one, with about as many as the hypernetwork, takes part too. (*Diverged*, in the first table, is the share of tasks whose loss ran off during inner steps,
# the adaptation of lesson 05; here nobody takes any.)

# %% contest
def contest(family, d_tau, main, wide, seed):
    torch.manual_seed(seed)
    learners = {
        "shared weights": SharedWeights(main),
        "conditioned": Conditioned(main, d_tau),
        "conditioned, wide": Conditioned(wide, d_tau),
        "hypernetwork": Hypernetwork(main, MLPGenerator(d_tau, main)),
    }
    adam = lambda parameters: torch.optim.Adam(parameters, lr=1e-2)
    return compare(learners, family, steps=250, optimizer=adam, shots=0, seed=seed)


sines = [contest(family, 2, main, MainNetwork.mlp([1, 340, 340, 1]), seed) for seed in range(3)]
sines[0]

# %% contest-table
climate = ColoradoClimate("tmax")
sizes = [2, 32, 32, 1], [2, 280, 280, 1]
small, wide = (MainNetwork.mlp(s, "tanh", climate.y_mean, climate.y_std) for s in sizes)
years = [contest(climate, 3, small, wide, seed) for seed in range(3)]
for name, results in (("sinusoids", sines), ("Colorado", years)):
    for learner, row in results[0].rows.items():
        errors = torch.tensor([result.rows[learner].reports[0].mean for result in results])
        seeds = f"seeds {errors.min():.3f} to {errors.max():.3f}"
        print(f"{name:10} {learner:18} {row.parameters:8,} learned {errors.mean():7.3f}  ({seeds})")

# %% contest-then [markdown]
# Where the ranges of the seeds overlap, no difference is shown. Between the hypernetwork and the wide baseline none is, on **either** family. The small one is worse than both on Colorado; on the sinusoids it is
# worse than the wide one, but its range meets the hypernetwork's. Even so it leaves less than a tenth of the error of shared weights: moving the kinks of one network's first layer goes a long way.
#
# Why is conditioning enough? A tempting answer: such tasks differ by a *shift*, the same number added to y at every x, so that writing a bias is enough. Test it: how much of the variance between tasks does a shift explain?

# %% shift
for name, tasks in (("sinusoids", family), ("Colorado", climate)):
    y = tasks.curve(tasks.test.sample(60, shots=0))[2].squeeze(-1)  # (tasks, positions)
    apart = y - y.mean(0)  # each task less the mean task; the mean of a row is its shift
    share = apart.mean(1).square().mean() / apart.square().mean()
    print(f"{name:10} a shift explains {share:.0%} of the variance between tasks")

# %% exercise-1 [markdown]
# It is most of what differs between stations and next to nothing between waves, and the wide baseline keeps up on both. So a shift is not the reason, and these two
# families do not tell when a hypernetwork is *needed*. What it saves on the sinusoids is time (last column of the first table), since the network that it writes stays small. The rate of Adam decides such contests: $10^{-2}$ is
# the best of five for the hypernetwork (`docs/rates.md`); at $10^{-3}$ all but the shared weights are far from done after 250 steps, and
# by other amounts, which says who is fast and not who is good.
#
# ## Exercises
#
# **1 · Compute.** (4 minutes; the outer product in (2).) Two weights are written from two hidden units, $\theta = V h + c$, with $h = (2, 3)$ and
# $\partial L / \partial \theta = (0.5, -1)$. Give $\partial L / \partial V$ as a tensor of shape (2, 2).
#
# <details><summary>Hint 1</summary>Equation (2): an outer product.</details>
# <details><summary>Hint 2</summary>Row k belongs to θ<sub>k</sub>, column j to h<sub>j</sub>.</details>

# %% exercise-1-answer tags=["exercise"]
dL_dV = ...
checks.head_gradient(dL_dV)

# %% exercise-1-solution tags=["solution"]
dL_dV = torch.outer(torch.tensor([0.5, -1.0]), torch.tensor([2.0, 3.0]))
checks.head_gradient(dL_dV)

# %% exercise-2 [markdown]
# **2 · Change.** (8 minutes; None and zero, told apart and both found.) Make the guard that this lesson asks for: `untrained(generator)` returns the names of all parameters that got no gradient,
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
# **3 · Find what is wrong.** (8 minutes; θ is a result, not a store.) A training loop calls `loss()` at each step. "Writing the same weights again and again is a waste", says a
# colleague, and makes this `loss`, with `backward(retain_graph=True)` so that PyTorch does not complain. Write `mended`.
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

# %% open-task [markdown]
# **Open task.** (20 minutes or more.) Find a family of tasks on which the hypernetwork and the wide conditioned network *do* differ. Change one thing, such as the ranges in
# `Sinusoids(amplitude=…, phase=…)`, the depth of `main` or the number of steps, and run `contest` for three seeds. A good answer says beforehand what will happen and why, gives each learner its own best rate of Adam
# and about as many learned numbers, shows the ranges of the seeds, and says which result would have refuted it.

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
# <details><summary>Many θ give the same function</summary>Yes: permuted and rescaled hidden units; each training picks its own.</details>
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
# Between it and a conditioned network with about as many learned numbers no difference was found on either family.

# %% references [markdown]
# ## References
#
# * D. Ha, A. Dai, Q. Le, *HyperNetworks*, 2016, [arXiv 1609.09106](https://arxiv.org/abs/1609.09106).
# * O. Chang, L. Flokas, H. Lipson, *Principled weight initialization for hypernetworks*, 2020, [arXiv 2312.08399](https://arxiv.org/abs/2312.08399).
