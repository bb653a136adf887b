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
# 60 minutes. Before: [05 · Learning to learn](05_learning_to_learn.ipynb).

# %% imports
import torch

from hyperedu import ANIL, MAML, FirstOrderMAML, MainNetwork, Reptile, SharedWeights, Sinusoids
from hyperedu import adapt, compare, data_file, figures, live, load_checkpoint, meta_test
from hyperedu import meta_train, outer_loss
from hyperedu.lessons.maml import checks, questions
from hyperedu.lessons.maml.figures import AdaptationPicture
from hyperedu.statistics import half_interval

torch.manual_seed(0)
family, main = Sinusoids(), MainNetwork.mlp([1, 40, 40, 1])

# %% step-by-step-about [markdown]
# ## Step by step
#
# Training MAML well takes some minutes, so this lesson loads starts that were trained before, all with the same 10,000 batches of 25 waves;
# `python data/make_checkpoints.py` makes them again.
#
# **MAML** (model-agnostic meta-learning) saw ten points of a wave, took one step of rate $\alpha = 0.01$, and was judged on ten others; its gradient went through that step. *First order* MAML did the same with the step
# taken for a constant. In *ANIL* (almost no inner loop) the last layer alone steps. *Reptile* has no query set: $\theta_0 \leftarrow \theta_0 + \epsilon\,(\theta' - \theta_0)$, the mean over tasks, after five steps. *Shared weights*
# are one network fitted to all waves at once, which is also called joint training or pre-training; they take steps in the test only.

# %% learners
learners = {"MAML": MAML(main), "first order": FirstOrderMAML(main), "ANIL": ANIL(main)}
learners |= {"Reptile": Reptile(main, steps=5, lr=0.003), "shared weights": SharedWeights(main)}
for name, learner in learners.items():
    file = name.replace(" ", "_").lower()
    load_checkpoint(data_file(f"checkpoints/{file}.safetensors"), learner)
    learner.inner_steps = 1  # in tests, unless other numbers are asked for

# %% step-by-step-predict [markdown]
# **Predict.** MAML's start was made for *one* step. What happens at the second, the fifth, the tenth: does the loss fall on, stay, or rise? Which weights
# move most? Press the play button beside *steps*, then try other tasks, fewer *shots*, and a larger *alpha*. Then take a point of the
# support set by hand and pull it off the wave: how far does the curve follow a single wrong point?

# %% step-by-step
picture = AdaptationPicture(family, main, learners["MAML"].theta_0)
sliders = {"task": (0, 19), "shots": (1, 20), "alpha": (0.001, 0.03, 0.001), "steps": (0, 10)}
figure = live.interact(picture.figure, picture.update, drag=picture.drag, play="steps", **sliders)
for name, value in {"task": 3, "shots": 10, "alpha": 0.01, "steps": 1}.items():
    figure.controls[name].value = value
questions.predict("step-by-step", figure)

# %% step-by-step-look [markdown]
# **What to look for.** *First panel*: the loss of this task on the plane in which this path lies, with a dot for each step and the star where you are; the start lies on a slope from which one step goes most of the way. *Second*: single
# weights of $W_1$ and $W_3$ move most, those of $W_2$ little but everywhere. *Third*: the grey curve bends until it meets the points. *Fourth*: the loss falls on long after the one step that training knew. With five shots or fewer the loss on unseen points
# stops falling while that on the support set still does, and with a large α some tasks leave the panel: they diverge.
#
# Now all starts side by side. A rate of 0.01 is what the first three were trained for; Reptile and shared weights may choose the best of five, on training tasks:

# %% tuned-rates
def tuned(learner):  # the inner rate with the least median loss after five steps, on training tasks
    def loss(lr):
        batch = family.train.sample(200, 10, 100, torch.Generator().manual_seed(9))
        with torch.no_grad():
            theta = adapt(main, learner.theta_0, batch.support, 5, lr).final
        return main.loss(theta, batch.query).nan_to_num(1e9).median()

    return min((0.05, 0.02, 0.01, 0.005, 0.002), key=loss)

for name in ("Reptile", "shared weights"):
    learners[name].lr = tuned(learners[name])
    print(f"{name}: a rate of {learners[name].lr}")

# %% five-starts
tasks = family.test.sample(12, 10, 100, torch.Generator().manual_seed(5))
x = torch.linspace(-5, 5, 200).unsqueeze(-1)
shared, panels = figures.subplots(5, width=13, height=3.4, sharey=True)
looks = (0, figures.GREY, 1.5), (1, figures.ORANGE, 2), (5, figures.VERMILION, 3)
for axes, (name, learner) in zip(panels, learners.items()):
    path = learner.path(None, tasks.support, inner_steps=5)
    wave = (tasks.properties[name][0] for name in ("amplitude", "phase"))
    axes.plot(x, family.function(*wave, x), "--", color=figures.BLUE)
    axes.plot(tasks.support.x[0], tasks.support.y[0], "o", color=figures.BLUE)
    for k, color, width in looks:
        y = main(path.theta[k, 0], x).detach()
        axes.plot(x, y, color=color, lw=width, label=f"K = {k}")
    figures.title(axes, name)
    axes.set(xlabel="x", ylim=(-6, 9))
panels[0].set_ylabel("y")
panels[0].legend(loc="upper center", ncols=3, handlelength=0.8, columnspacing=0.6)
alt = "Five starts on one wave, dashed, of which ten points are seen: after no, one and five steps."
figures.show(shared, alt)

# %% five-starts-then [markdown]
# Shared weights move least in five steps; the others go to the points. But one task is an anecdote. On 600 unseen waves, ten points each, and MAML also with three:

# %% table
for steps in (1, 5, 10):
    report = meta_test(learners["MAML"], family.test, shots=3, inner_steps=steps)
    print(f"MAML, three points, {steps} steps: {report}")
# steps=0: no further training
compare(learners, family, steps=0, shots=10, test_inner_steps=(0, 1, 5, 10))

# %% table-then [markdown]
# A task counts as diverged when its support loss ends ten times higher than it began, or is no number; it stays in the mean. The interval is over waves, not over trainings.
#
# **Before** the first step MAML's loss is no better than that of shared weights: all five start as a compromise between all waves, and no compromise is good. After **one** step MAML's is less than a seventh of it, while that of shared
# weights is still three quarters. Joint training is not lazy; it solved its problem, the mean loss of one network on all waves, better than any of the five. It just never asked what a gradient would do from there.
#
# MAML is the best after one step, which is what it was trained for. First order leaves out the curvature and is a little behind; Reptile, which only looks where five small steps lead, is far behind after a single
# one and level after ten. ANIL moves a single layer and stays behind all three. Watch it from five to ten steps: the median falls, the mean jumps, since a few tasks diverge. A mean hides who did badly, a median hides that anyone did; hence both, and the share. With three
# points every loss is several times higher, and more steps help less: three points do not say which wave it is. One training of each is no proof of an order; three of each, under the published protocol, are in `docs/sinusoid.md`.

# %% a-start-of-the-start [markdown]
# ## A start of the start
#
# $\theta_0$ is learned, but its training must begin somewhere too. He's rule, standard deviation $\sqrt{2/\mathrm{fan\_in}}$, keeps the size of activations from layer to layer. PyTorch's `nn.Linear` draws smaller weights, $1/\sqrt{3\,\mathrm{fan\_in}}$; all starts above
# began from those. A short training from either, three seeds, all else equal:

# %% start-of-the-start
def trained_from(draw, seed):  # the median loss after one step
    torch.manual_seed(seed)
    learner = MAML(main)
    learner.theta_0.data = draw()
    meta_train(learner, family.train, steps=600)
    return meta_test(learner, family.test, shots=10, inner_steps=1).median

for name, draw in {"He's": main.initial_weights, "nn.Linear's": main.start_weights}.items():
    losses = torch.tensor([trained_from(draw, seed) for seed in range(3)])
    print(f"from {name:12} {losses.mean():.2f} ± {half_interval(losses):.2f}, one by one", end=" ")
    print(", ".join(f"{loss:.2f}" for loss in losses))

# %% start-of-the-start-then [markdown]
# From the smaller weights MAML learns faster, and about as fast with each seed; from He's some seeds lag far behind. The two still differ after 8,000 steps, and with other
# rates of the outer loop: `docs/starts.md` has what was tried. Why is not settled by this: a rule made for one thing, activations of even size, need not suit another.

# %% the-gradient-through-a-step [markdown]
# ## The gradient through a step
#
# The inner step and the outer loss are, with $L$ on the support and $L'$ on the query set (here a prime never means a derivative),
#
# $$ \theta' = \theta_0 - \alpha\, \nabla L(\theta_0), \qquad \text{minimise } L'(\theta') \text{ over } \theta_0 \tag{1} $$
#
# Moving $\theta_0$ moves $\theta'$ in two ways: directly, and because the gradient at the new place is another one. The derivative of the gradient $\nabla L$ is the Hessian $H$ of $L$ at $\theta_0$, so that
# $\partial \theta' / \partial \theta_0 = I - \alpha H$, which is symmetric. By the chain rule
#
# $$ \nabla_{\theta_0} L'(\theta') = \Big(\frac{\partial \theta'}{\partial \theta_0}\Big)^{\!\top} \nabla L'(\theta') = (I - \alpha H)\, \nabla L'(\theta') \tag{2} $$
#
# With more steps there is one such factor for each, with the Hessian at the place where the step was taken.
# *First order* MAML leaves out $H$, as if the step were a fixed shift. In PyTorch the difference is `create_graph=True` in the inner gradient. Three ways to (2) on a small
# network: autograd through the step, the formula with $H$ written out, and finite differences.

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
print(f"largest entry of autograd's gradient: {autograd.abs().max():.2f}")
found = {"formula": formula, "finite differences": differences, "first order": first_order}
for name, gradient in found.items():
    print(f"{name:18} differs from autograd by {(gradient - autograd).abs().max():.1e}")
cosine = torch.cosine_similarity(first_order, autograd, dim=0)
print(f"cosine between first order and MAML: {cosine:.3f}")

# %% finite-differences-then [markdown]
# On this small network, not yet trained, the two directions are almost the same; that does not settle where training ends, as the table above shows.
#
# The package does the same for a batch of tasks at once, and agrees with a loop over tasks and three steps:

# %% three-steps-by-hand
learner, tasks = MAML(main, steps=3), family.train.sample(25, 10, 10)
(batched,) = torch.autograd.grad(outer_loss(learner, tasks).mean(), learner.theta_0)
loop = 0
for i in range(25):
    D, D_query, theta = tasks.support.task(i), tasks.query.task(i), learner.theta_0
    for _ in range(3):
        loss = main.loss(theta, D)
        theta = theta - 0.01 * torch.autograd.grad(loss, theta, create_graph=True)[0]
    loop = loop + main.loss(theta, D_query) / 25
(by_hand,) = torch.autograd.grad(loop, learner.theta_0)
largest = (batched - by_hand).abs().max()
print(f"largest difference {largest:.1e} in a gradient of norm {by_hand.norm():.1f}")

# %% feature-reuse-or-rapid-learning [markdown]
# ## Feature reuse or rapid learning?
#
# Does the step build new features, or does it only read old ones out in another way? If only the **head** need move, the last layer ($W_3$ and $b_3$, `4.weight` and `4.bias`), the features are reused; if the **body**, all that comes before, must move, they are
# learned anew. `adapt` takes a rate for each layer, and a layer that is not named stays. Medians over 600 unseen waves, five steps:

# %% layers-that-move
theta_0 = learners["MAML"].theta_0.detach()
tasks = family.test.sample(600, 10, 100, torch.Generator().manual_seed(0))
head = {"4.weight": 0.01, "4.bias": 0.01}
body = {name: 0.01 for name in main.shapes if name not in head}
for name, rates in {"all layers": 0.01, "head only": head, "body only": body}.items():
    with torch.no_grad():
        path = adapt(main, theta_0, tasks.support, 5, rates)
    losses = main.loss(path.final, tasks.query)
    print(f"{name:11} median loss {losses.median():.3f}")
path = adapt(main, theta_0, tasks.support, 5, 0.01)
change = main.unflatten(path.final.detach() - theta_0)
for name, weight in main.unflatten(theta_0).items():
    share = change[name].flatten(1).norm(dim=1).median() / weight.norm()
    print(f"{name:9} changes by {share:.1%} of its norm")

# %% exercise-1 [markdown]
# *MAML's* start does **not** work by reuse on these waves: with the head alone the loss hardly falls, with the body alone it falls as far as with all layers. The first matrix changes most for its
# size: a wave of another phase needs other kinks, and these are made there. ANIL's start, *trained* for the head alone, comes much further with it (its row in the table): reuse is possible here, but costs something. Raghu and others found reuse
# on images, where a body that was trained once serves every class; which of the two it is depends on the tasks.
#
# ## Exercises
#
# **1 · Compute.** One weight: $L(\theta) = \frac12 h\,\theta^2$ with $h = 2$, $L'(\theta) = \frac12 (\theta - c')^2$ with $c' = -0.4$, $\theta_0 = 2$, $\alpha = 0.3$. What is
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
# **2 · Change.** Write `head_rates(main, alpha)`. It returns a dictionary from names to rates, like `head` above, with which only the last layer of any main network adapts.
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
# **3 · Find what is wrong.** A course published this as MAML. It trains, and not badly. Write `maml(main, theta_0, tasks)`, with the same rate and loss, whose gradient with respect to $\theta_0$ is that of (2).
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
