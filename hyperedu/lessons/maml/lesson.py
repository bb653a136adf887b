# %% opening [markdown]
# # 06 · MAML
#
# **Why do a few gradient steps suffice?**
#
# *You will be able to*
# **derive** the gradient through a gradient step, and check it,
# **follow** an adaptation step by step, in weights, function and loss,
# **compare** MAML with its cheaper relatives, and say where they lose.
#
# 60 minutes without the section *Going further*. Before: [05 · Learning to learn](05_learning_to_learn.ipynb).

# %% imports
import torch

from IPython.display import display

from hyperedu import ANIL, MAML, FirstOrderMAML, MainNetwork, Reptile, SharedWeights, Sinusoids
from hyperedu import adapt, data_file, figures, live, load_checkpoint, meta_test, meta_train
from hyperedu import outer_loss
from hyperedu.lessons.maml import checks, questions
from hyperedu.lessons.maml.figures import AdaptationPicture, cost, draw_directions, draw_medians

# %% one-step [markdown]
# ## One step
#
# A task here is a wave with an amplitude and a phase of its own. A learner sees ten points of it, the support set $D$. It takes one gradient step from a start $\theta_0$ that all waves share, and is
# judged on other points, the query set $D'$. **MAML** (model-agnostic meta-learning) trains the start for that. With $L$ for the loss on $D$ and $L'$ for that on $D'$,
#
# $$ \theta' = \theta_0 - \alpha\, \nabla L(\theta_0), \qquad \text{minimise } L'(\theta') \text{ over } \theta_0 \tag{1} $$
#
# A prime marks the query set, or what comes after the step; it never means a derivative. In code, for one wave:

# %% one-step-in-code
torch.manual_seed(0)
family, main = Sinusoids(), MainNetwork.mlp([1, 40, 40, 1])
learner = MAML(main, steps=1, lr=0.01)  # θ₀ is all that it learns
theta_0 = learner.theta_0
wave = family.train.sample(1, 10, 10, torch.Generator().manual_seed(1))  # 10 of D, 10 of D'

loss = main.loss(theta_0, wave.support)  # L(θ₀)
(gradient,) = torch.autograd.grad(loss.sum(), theta_0, create_graph=True)
theta = theta_0 - 0.01 * gradient  # θ'
ours, package = main.loss(theta, wave.query), outer_loss(learner, wave)
print(f"L'(θ') = {ours.item():.4f}, the package says {package.item():.4f}")

# %% step-by-step-predict [markdown]
# Training moves $\theta_0$ against the gradient of the mean of $L'(\theta')$ over 25 waves; the next cell does so 2,000 times. Meanwhile the figure shows a wave that is not among them:
# grey, the start of the moment; orange, where *one* step leads from there.
#
# **Predict.** Training knows one step only. Afterwards you take ten. Will the loss on unseen points fall on after the first, stay, or rise? The weights of which layer will move most, for their size?
# Run the cell, and when it has ended press the play button beside *steps*. The sentence below the figure says both.

# %% step-by-step-question
questions.predict("step-by-step")

# %% step-by-step
picture = AdaptationPicture(family, main, learner.theta_0)
sliders = {"task": (0, 19), "shots": (1, 20), "alpha": (0.001, 0.03, 0.001), "steps": (0, 10)}
figure = live.interact(picture.figure, picture.update, drag=picture.drag, play="steps", **sliders)
for name, value in {"task": 18, "shots": 10, "alpha": 0.01, "steps": 1}.items():
    figure.controls[name].value = value
display(questions.after("step-by-step", figure))

print(meta_train(learner, family.train, steps=2000, watch=figure))

# %% step-by-step-look [markdown]
# **What to look for.** *First panel*: the loss of this wave on the plane through $\theta_0$ in which the path moves most (dots are projected); the star is where you are. *Second*: how each weight
# has changed. *Third*: the start does not look like the wave, the orange curve does. *Fourth*: the loss falls on, long after the one step that training knew.
#
# It need not. Three things to try:
#
# * *task* 15 with 4 *shots*: on the support set the loss falls to the end. On unseen points it is lowest early, then it rises. Four points do not say which wave it is.
# * *task* 18, 10 *shots*, *alpha* 0.03: each step is too long for this wave and leads higher. It diverges.
# * *alpha* 0.01, all ten steps: pull one point off the wave by hand. The curve follows it part of the way.
#
# Single waves are anecdotes. **Predict** a number for 600 unseen ones:

# %% unseen-waves-question
def after(K, shots=10):  # on 600 unseen waves
    return meta_test(learner, family.test, shots, inner_steps=K)

questions.predict("unseen-waves", so=100 * after(1).median / after(0).median)

# %% unseen-waves
for shots, learner.lr in ((10, 0.01), (3, 0.01), (10, 0.03)):
    reports = [after(K, shots) for K in (0, 1, 5, 10)]
    print(f"{shots:2} points, rate {learner.lr}: medians after 0 / 1 / 5 / 10 steps", end=" ")
    print(" / ".join(f"{report.median:.2f}" for report in reports), end="; ")
    rise = 1 - (reports[3].per_task <= reports[1].per_task).float().mean()
    print(f"{rise:.0%} worse after 10 than after 1; {reports[3].share_diverged:.0%} diverged")
learner.lr = 0.01

# %% unseen-waves-then [markdown]
# (Diverged: at some step the support loss was over ten times what it began with, or no number. Some come back.)
#
# One step leaves about a fifth of the loss, and later steps help most waves. With three points more waves rise again, and the loss stays higher: after ten steps more than four times as high. At three
# times the rate about a third diverge.

# %% the-gradient-through-a-step [markdown]
# ## The gradient through a step
#
# Moving $\theta_0$ moves $\theta'$ in two ways: directly, and because the gradient there is another one. The derivative of $\nabla L$ is the Hessian
# $H$ of $L$ at $\theta_0$. So $\partial \theta' / \partial \theta_0 = I - \alpha H$, which is symmetric, and by the chain rule
#
# $$ \nabla_{\theta_0} L'(\theta') = \Big(\frac{\partial \theta'}{\partial \theta_0}\Big)^{\!\top} \nabla L'(\theta') = (I - \alpha H)\, \nabla L'(\theta') \tag{2} $$
#
# With more steps there is one such factor for each, the first step's on the left, with the Hessian at the place where that step was taken. *First-order* MAML leaves out $H$, as if the step were a fixed shift. In PyTorch the difference is
# `create_graph=True` in the inner gradient.
#
# Three ways to (2) on a small network: autograd, the formula with $H$ written out, and finite differences.

# %% meta-gradient
net = MainNetwork.mlp([1, 6, 1], activation="tanh")
theta_0, one = net.initial_weights().double(), family.train.sample(1, 10, 10).to(torch.float64)
D, D_query = one.support, one.query

def L(theta, examples):
    return net.loss(theta, examples.task(0))

def outer(theta_0, alpha=0.05):
    return L(theta_0 - alpha * torch.func.grad(L)(theta_0, D), D_query)  # equation (1)

autograd = torch.func.grad(outer)(theta_0)
theta = theta_0 - 0.05 * torch.func.grad(L)(theta_0, D)
H = torch.func.hessian(L)(theta_0, D)
formula = (torch.eye(len(H)) - 0.05 * H) @ torch.func.grad(L)(theta, D_query)  # equation (2)

# %% finite-differences
moved = 1e-6 * torch.eye(len(H), dtype=torch.float64)
differences = torch.stack([(outer(theta_0 + e) - outer(theta_0 - e)) / 2e-6 for e in moved])
first_order = torch.func.grad(L)(theta, D_query)
found = {"formula": formula, "finite differences": differences, "first order": first_order}
for name, gradient in found.items():
    differs = (gradient - autograd).abs().max() / autograd.abs().max()
    cosine = torch.cosine_similarity(gradient, autograd, dim=0)
    print(f"{name:18} is off by {differs:.1e} of autograd's largest entry, cosine {cosine:.3f}")

# %% finite-differences-then [markdown]
# The three agree. The first-order gradient is another one; on this small, untrained network its direction is similar.

# %% relatives [markdown]
# ## Relatives
#
# MAML's gradient needs second derivatives. Each relative changes one thing:
#
# | | what it does |
# |---|---|
# | first-order MAML | leaves out $H$ in (2) |
# | ANIL (almost no inner loop) | only the last layer takes the step |
# | Reptile | no query set: $\theta_0 \leftarrow \theta_0 + \epsilon\,(\theta' - \theta_0)$, the mean over tasks, after five steps |
# | shared weights | no step in training: one network fitted to all waves, also called joint training or pre-training |
#
# One meta-gradient on 25 waves costs, in megabytes kept for the backward pass and in milliseconds, for MAML and then for first order:

# %% cost
waves = family.train.sample(25, 10, 10)
for K in (1, 2, 5, 10, 20):
    costs = [cost(kind(main, steps=K), waves) for kind in (MAML, FirstOrderMAML)]
    print(f"{K:2} steps", *(f"   {mb:4.2f} MB, {ms:4.1f} ms" for mb, ms in costs))

# %% cost-then [markdown]
# MAML keeps the graph of every step; first order drops each once its gradient is taken. The time of both grows, MAML's faster.
#
# These starts were trained before (`python data/make_checkpoints.py`), on the same 10,000 batches, five times as many as above, each with an outer learning rate that suited it (`docs/starts.md`). The batches are equal, the time is not. Reptile and shared weights learn from
# all twenty points of a wave:

# %% learners
learners = {"MAML": MAML(main), "first order": FirstOrderMAML(main), "ANIL": ANIL(main)}
learners |= {"Reptile": Reptile(main, steps=5, lr=0.003), "shared weights": SharedWeights(main)}
for name, learner in learners.items():
    file = name.replace(" ", "_").lower()
    load_checkpoint(data_file(f"checkpoints/{file}.safetensors"), learner)

# %% learners-then [markdown]
# The first three were trained for a rate of 0.01. The other two may choose the best of seven, on training tasks:

# %% tuned-rates
def tuned(learner, names=tuple(main.shapes)):  # the inner rate of these, on training tasks
    batch = family.train.sample(200, 10, 100, torch.Generator().manual_seed(9))

    def loss(lr):  # median after five steps
        rates = dict.fromkeys(names, lr)
        theta = adapt(main, learner.theta_0.detach(), batch.support, 5, rates).final
        return main.loss(theta.detach(), batch.query).nan_to_num(1e9).median()

    return min((1, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001), key=loss)

for name in ("Reptile", "shared weights"):
    learners[name].lr = tuned(learners[name])
    print(f"{name}: a rate of {learners[name].lr}")

# %% side-by-side
tasks = family.test.sample(600, 10, 100, torch.Generator().manual_seed(0))
losses = {}
for name, learner in learners.items():
    with torch.no_grad():
        path = learner.path(None, tasks.support, inner_steps=10)
        losses[name] = main.loss(path.theta, tasks.query)  # (11 places on the path, 600 waves)
    _, one, *_, ten = losses[name]
    print(f"{name:14} median after one step {one.median():.2f}, after ten", end=" ")
    print(f"{ten.median():.3f}; then mean {ten.mean():.2f}, largest {ten.max():.1f},", end=" ")
    print(f"diverged {(path.diverged > 0).float().mean():.1%}")
figures.show(draw_medians(losses), "Median loss against steps: MAML falls furthest in one step.")

# %% side-by-side-then [markdown]
# **Before** the first step MAML's loss is no better than that of shared weights; after **one** it is another world. Joint training solved its own problem, the mean loss of one network on all waves. It
# never asked what a gradient would do from there.
#
# First order is a little behind MAML. So is Reptile after one step (its rate was chosen for five); after ten it is ahead. ANIL stays behind. Its mean is far above
# its median because of a single wave (the largest loss): a mean hides who did badly, a median hides that anyone did.
#
# One training of each proves no order: `docs/sinusoid.md` has three.

# %% feature-reuse-or-rapid-learning [markdown]
# ## Feature reuse or rapid learning?
#
# Does a step build new features, or only read old ones out in another way? If moving the last layer, the **head** ($W_3$ and $b_3$, `4.weight` and `4.bias`), is
# enough, features are reused. `adapt` takes a rate for each layer; one that is not named stays. The same 600 waves, five steps:

# %% layers-that-move
theta_0 = learners["MAML"].theta_0.detach()
head = {"4.weight": 0.01, "4.bias": 0.01}
first = {"0.weight": 0.01, "0.bias": 0.01}
best = tuned(learners["MAML"], head)
tries = {"head only": head, f"head, at {best}": {name: best for name in head}}
tries |= {"first only": first, "all layers": 0.01}
for name, rates in tries.items():
    with torch.no_grad():
        path = adapt(main, theta_0, tasks.support, 5, rates)
    print(f"{name:12} median loss {main.loss(path.final, tasks.query).median():.3f}")
change = main.unflatten(path.final - theta_0)  # of all layers
for name in ("0.weight", "2.weight", "4.weight"):  # W₁, W₂, W₃
    share = change[name].flatten(1).norm(dim=1).median() / main.unflatten(theta_0)[name].norm()
    print(f"{name} changes by {share:.1%} of its norm")

# %% layers-that-move-then [markdown]
# Steps from *MAML's* start do **not** work by reuse here. With the head alone the loss hardly falls, and even at the best of seven rates it stays several times as high as with all layers. The **first layer** alone does as well as all. The likely reason: $W_1$ and $b_1$ say where along
# $x$ each hidden unit switches on, so small changes shift and stretch the whole curve.
#
# ANIL's start, *trained* for the head, comes further with it (figure above): reuse is possible, at a cost. Raghu and others found reuse on images; it depends on the tasks.

# %% going-further [markdown]
# ## Going further: which way each pulls
#
# *Nothing below needs this section.* Four of the five move the same $\theta_0$. Each has a direction $d$, and training moves $\theta_0$ against its mean over tasks. Let $g$ and $H$ be gradient and Hessian of $L$ at $\theta_0$, $g'$ and $H'$
# those of $L'$, $\bar g$ and $\bar H$ those on all examples of the task, $K$ the number of Reptile's steps; Reptile's $d$ is $(\theta_0 - \theta')/(\alpha K)$. For small $\alpha$, up to terms in $\alpha^2$ (Nichol and others, section 5):
#
# $$ \begin{aligned} d_\text{shared} &= \bar g & d_\text{first order} &\approx g' - \alpha H' g \\
# d_\text{Reptile} &\approx \bar g - \alpha \tfrac{K-1}{2} \bar H \bar g & d_\text{MAML} &\approx g' - \alpha\,(H' g + H g') \end{aligned} \tag{3} $$
#
# $H' g + H g'$ is the gradient of $g^\top g'$. So MAML lowers the mean loss and makes $g^\top g'$ larger: then a step on $D$ helps on $D'$. First order
# does so at half the strength, since $D$ and $D'$ are drawn alike and $H'g$ and $Hg'$ have the same mean. Reptile does it with $\bar g$ twice, as $2\bar H \bar g$ is the gradient of $\bar g^\top \bar g$. All at $\alpha = 0.01$:

# %% directions
def directions(theta_0, tasks, alpha=0.01, K=5):
    def gradient(loss):
        return torch.autograd.grad(loss.mean(), theta_0)[0]

    both = tasks.support.joined(tasks.query)
    d = {"shared weights": gradient(main.loss(theta_0, both))}
    for name, first_order in (("first order", True), ("MAML", False)):
        theta = adapt(main, theta_0, tasks.support, 1, alpha, first_order).final
        d[name] = gradient(main.loss(theta, tasks.query))
    theta = adapt(main, theta_0.detach(), both, K, alpha, first_order=True).final.detach()
    return d | {"Reptile": (theta_0.detach() - theta).mean(dim=0) / (alpha * K)}

# %% directions-figure
starts, found = {"a new start": MAML(main).theta_0}, {}
starts["where shared weights ended"] = learners["shared weights"].theta_0
for name, theta_0 in starts.items():
    print(f"{name}: length of each direction, its cosine with MAML's; on three batches")
    for seed in (0, 1, 2):
        waves = family.train.sample(1000, 10, 10, torch.Generator().manual_seed(seed))
        d = found[name] = directions(theta_0, waves)
        alike = {n: torch.cosine_similarity(way, d["MAML"], dim=0) for n, way in d.items()}
        print(*(f"  {n} {way.norm():.1f}, {alike[n]:.2f}" for n, way in d.items()))
figures.show(draw_directions(found), "Left four arrows lie close; right shared weights part.")

# %% directions-then [markdown]
# (Arrows of the third batch, at length one, projected on the plane.) At a new start all pull roughly the same way. Where joint training has ended, its own arrow is shorter and points elsewhere; MAML, first order and
# Reptile, which have terms in $\alpha$, still go nearly side by side.

# %% exercise-1 [markdown]
# ## Exercises
#
# **1 · Compute.** (4 minutes; the factor 1 − αh.) One weight: $L(\theta) = \frac12 h\,\theta^2$ with $h = 2$, $L'(\theta) = \frac12 (\theta - c')^2$ with $c' = -0.4$, $\theta_0 = 2$, $\alpha = 0.3$. What is
# $\mathrm{d} L'(\theta') / \mathrm{d} \theta_0$?
#
# <details><summary>Hint 1</summary>First the step: θ' = θ₀ − α h θ₀.</details>
# <details><summary>Hint 2</summary>Equation (2), with H = h.</details>

# %% exercise-1-answer tags=["exercise"]
gradient = ...
checks.meta_gradient(gradient)

# %% exercise-1-solution tags=["solution"]
theta = 2 - 0.3 * 2 * 2  # θ' = 0.8
gradient = (1 - 0.3 * 2) * (theta + 0.4)  # equation (2)
checks.meta_gradient(gradient)

# %% exercise-2 [markdown]
# **2 · Change.** (5 minutes; which layer adapts.) Write `head_rates(main, alpha)`. It returns a dictionary from names to rates, like `head` above, with which only the last layer of any main network adapts.
#
# <details><summary>Hint 1</summary><code>main.shapes</code> has the names in the order of the layers.</details>
# <details><summary>Hint 2</summary>The last two names are the last layer's matrix and bias.</details>

# %% exercise-2-answer tags=["exercise"]
head_rates = ...
checks.head_only(head_rates)

# %% exercise-2-solution tags=["solution"]
def head_rates(main, alpha):
    return dict.fromkeys(list(main.shapes)[-2:], alpha)

checks.head_only(head_rates)

# %% exercise-3 [markdown]
# **3 · Find what is wrong.** (6 minutes; the gradient through the step.) A colleague calls this MAML. It trains, and not badly. Write `maml(main, theta_0, tasks)`, with the same rate and loss, whose gradient with respect to $\theta_0$ is that of (2).
#
# <details><summary>Hint 1</summary>Does the inner gradient remember that it depends on θ₀?</details>
# <details><summary>Hint 2</summary><code>torch.autograd.grad</code> has an option for it.</details>

# %% exercise-3-given
def so_called(main, theta_0, tasks):
    theta = theta_0.expand(len(tasks), -1)
    loss = main.loss(theta, tasks.support).sum()
    theta = theta - 0.05 * torch.autograd.grad(loss, theta)[0]
    return main.loss(theta, tasks.query).mean()

# %% exercise-3-answer tags=["exercise"]
maml = ...
checks.second_order(maml)

# %% exercise-3-solution tags=["solution"]
def maml(main, theta_0, tasks):
    theta = theta_0.expand(len(tasks), -1)
    loss = main.loss(theta, tasks.support).sum()
    theta = theta - 0.05 * torch.autograd.grad(loss, theta, create_graph=True)[0]
    return main.loss(theta, tasks.query).mean()

checks.second_order(maml)

# %% open-task [markdown]
# **4 · Open task.** (30 minutes or more.) `MetaSGD`, which you can import from `hyperedu`, learns a rate for each weight together with the start: $\theta' = \theta_0 - \alpha \odot \nabla L(\theta_0)$, where $\odot$ multiplies entry by entry.
# Does it beat MAML here, and which layers get large rates? A good answer trains both on the same batches from three seeds, gives medians and the share that diverged, for ten points and for three.

# %% quiz [markdown]
# ## Quiz
#
# **1. MAML's loss before any step is as bad as that of shared weights. What did training achieve?**
# <details><summary>Nothing</summary>No: look at the loss after one step.</details>
# <details><summary>A place from which gradients lead to solutions</summary>Yes: that is what was optimised, and nothing else.</details>
#
# **2. Where does the Hessian in (2) come from?**
# <details><summary>From the outer optimiser</summary>No: Adam uses gradients only.</details>
# <details><summary>From differentiating the inner gradient</summary>Yes: the derivative of a gradient is a Hessian.</details>
#
# **3. What does first order MAML leave out?**
# <details><summary>The inner step</summary>No: θ' is the same.</details>
# <details><summary>That the inner gradient changes with θ₀</summary>Yes: the term − α H.</details>
#
# **4. Why report a median and the share that diverged?**
# <details><summary>A few tasks can make any mean</summary>Yes: steps that are too long for a task blow its loss up.</details>
# <details><summary>Medians are always smaller</summary>No, and being smaller would be no reason.</details>
#
# **5. Reptile has no query set. What does it learn from?**
# <details><summary>Where adaptation ends, compared with where it started</summary>Yes: θ₀ moves towards the mean of θ'.</details>
# <details><summary>From the Hessian</summary>No: it uses gradients only.</details>

# %% quiz-answers
questions.quiz()

# %% in-one-breath [markdown]
# ## In one breath
#
# $D \mapsto \theta' = \theta_0 - \alpha \nabla L(\theta_0)$ with $\nabla_{\theta_0} L'(\theta') = (I - \alpha H) \nabla L'(\theta')$. No $\tau$ is used. MAML fails where one rate does not suit all tasks, and where too few
# examples say which task it is.

# %% references [markdown]
# ## References
#
# * C. Finn, P. Abbeel, S. Levine, *Model-agnostic meta-learning*, 2017, [arXiv 1703.03400](https://arxiv.org/abs/1703.03400).
# * A. Nichol, J. Achiam, J. Schulman, *On first-order meta-learning algorithms*, 2018, [arXiv 1803.02999](https://arxiv.org/abs/1803.02999).
# * A. Raghu and others, *Rapid learning or feature reuse?*, 2020, [arXiv 1909.09157](https://arxiv.org/abs/1909.09157).
