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
# 60 minutes without *Going further*, exercise 4 and the open task. Before: [05 · Learning to learn](05_learning_to_learn.ipynb).

# %% opening-slide [markdown] tags=["slides"]
# # MAML
#
# Why do a few gradient steps suffice?

# %% plan-teacher [markdown] tags=["teacher"]
# > **50 minutes**
# >
# > | minutes | what |
# > |---|---|
# > | 8 | *One step*: (1) and the two quadratics on the board; the code cell aloud; all lock the first prediction before the training runs |
# > | 12 | the training, then settings 1 to 6 projected; all lock the second prediction; read the three printed lines |
# > | 12 | *The gradient through a step*: derive (2) on the board, then run the three ways to it |
# > | 8 | *Relatives*: the table aloud, then the medians; of the costs the first and the last line |
# > | 5 | exercise 1, alone, compared in pairs |
# > | 5 | quiz 1 to 3 by show of hands |
# >
# > Left out: *Feature reuse or rapid learning?* and *Going further*. Homework: exercise 2 after reading *Feature reuse*, exercise 3 for (2) in code, exercise 4, quiz 4 and 5.
# >
# > **90 minutes**
# >
# > | minutes | what |
# > |---|---|
# > | 8 | *One step* on the board and in code; the first prediction |
# > | 15 | the training; settings projected; in pairs, each drags a point and moves *alpha*; the second prediction |
# > | 15 | *The gradient through a step*, with the 2×2 example |
# > | 14 | *Relatives*: table, costs, medians; in pairs, who is best, and after how many steps |
# > | 12 | *Feature reuse or rapid learning?*: a show of hands on the layer first, then the cell |
# > | 16 | exercises 1 and 2 alone, 3 in pairs |
# > | 10 | quiz alone, answers aloud; *In one breath* |
# >
# > Left out: *Going further*, which is reading for those who like expansions. Homework: exercise 4; the open task, with one seed first.
# >
# > **Outcomes**
# >
# > | after it a student can | shown in | asked in |
# > |---|---|---|
# > | derive the gradient through a gradient step, and check it in code | *The gradient through a step* | exercise 1, 3, 4, quiz 2, 3 |
# > | follow an adaptation in weights, function and loss, and say what the start was trained for | *One step* | quiz 1 |
# > | compare MAML with its relatives, by medians and by who diverged | *Relatives* | quiz 3, 4, 5 |
# > | say which layers adapt, and let only some adapt | *Feature reuse or rapid learning?* | exercise 2 |

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
# A task here is a wave with its own amplitude and phase. A learner sees ten points of it, the support set $D$, takes one gradient step from a start $\theta_0$ that all waves share, and is
# judged on others, the query set $D'$. **MAML** (model-agnostic meta-learning) trains the start for that. With $L$ for the loss on $D$ and $L'$ for that on $D'$,
#
# $$ \theta' = \theta_0 - \alpha\, \nabla L(\theta_0), \qquad \text{minimise } L'(\theta') \text{ over } \theta_0 \tag{1} $$
#
# A prime marks the query set, or what comes after the step; it never means a derivative. In code, for one wave:

# %% one-step-slide [markdown] tags=["slides"]
# ## A start made for one step
#
# A task is a wave. One start $\theta_0$ for all waves, one step on ten points $D$, judged on other points $D'$:
#
# $$ \theta' = \theta_0 - \alpha\, \nabla L(\theta_0), \qquad \text{minimise } L'(\theta') \text{ over } \theta_0 \qquad (1) $$
#
# A prime: the query set, or after the step. Never a derivative.

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
# Training moves $\theta_0$ against the gradient of the mean of $L'(\theta')$ over 25 waves, below 2,000 times. The figure shows another wave:
# grey, the present start; orange, where *one* step leads.
#
# **Predict.** Training knows one step. Afterwards you take ten. Will the loss on unseen points fall on after the first, stay, or rise? The weights of which layer will move most, for their size?
# Run the cell; when it ends, press play beside *steps*. The sentence below the figure says both.

# %% step-by-step-predict-slide [markdown] tags=["slides"]
# ## Predict
#
# Training knows *one* step. Afterwards you take ten.

# %% step-by-step-question tags=["shown"]
questions.predict("step-by-step")

# %% step-by-step-slide [markdown] tags=["slides"]
# ## Grey: the start. Orange: one step on

# %% step-by-step tags=["shown"]
picture = AdaptationPicture(family, main, learner.theta_0)
sliders = {"task": (0, 19), "shots": (1, 20), "alpha": (0.001, 0.03, 0.001), "steps": (0, 10)}
figure = live.interact(picture.figure, picture.update, drag=picture.drag, play="steps", **sliders)
figure.move_to(task=18, shots=10, alpha=0.01, steps=1)
display(questions.after("step-by-step", figure))

print(meta_train(learner, family.train, steps=2000, watch=figure))

# %% step-by-step-look [markdown]
# **What to look for.** *First panel*: the loss of this wave on the plane through $\theta_0$ in which the path moves most (dots are projected); the star is where you are. *Second*: how each weight
# has changed. *Third*: the start does not look like the wave, the orange curve does. *Fourth*: the loss falls on, long after the one step of training.
#
# To try:
#
# * *task* 7, 3 *shots*, *alpha* 0.005: the support loss falls at every step, on unseen points it is lowest after the first. Three points are met by other curves too.
# * *task* 18, 10 *shots*, *alpha* 0.03: each step is too long for this wave: it diverges.
# * *alpha* 0.01, all ten steps: pull one point off the wave. The curve follows it part of the way.
#
# **Predict** a number for 600 unseen ones:

# %% step-by-step-settings tags=["teacher"]
from hyperedu.lessons.maml import projected

projected.project("step-by-step", figure)

# %% step-by-step-look-slide [markdown] tags=["slides"]
# ## It need not fall on
#
# * few points: the support loss falls, the loss on unseen points turns
# * a long step: it leads higher, the task diverges
# * a point pulled off the wave: the curve follows part of the way
#
# Single waves are anecdotes.

# %% unseen-waves-predict-slide [markdown] tags=["slides"]
# ## Predict a number

# %% unseen-waves-question tags=["shown"]
def after(K, shots=10):  # on 600 unseen waves
    return meta_test(learner, family.test, shots, inner_steps=K)

questions.predict("unseen-waves", so=100 * after(1).median / after(0).median)

# %% unseen-waves-slide [markdown] tags=["slides"]
# ## 600 unseen waves
#
# One step does most. Few points or long steps undo it.

# %% unseen-waves tags=["shown"]
for shots, learner.lr in ((10, 0.01), (3, 0.01), (10, 0.03)):
    reports = [after(K, shots) for K in (0, 1, 5, 10)]
    print(f"{shots:2} points, rate {learner.lr}: medians after 0 / 1 / 5 / 10 steps", end=" ")
    print(" / ".join(f"{report.median:.2f}" for report in reports), end="; ")
    rise = 1 - (reports[3].per_task <= reports[1].per_task).float().mean()
    print(f"{rise:.0%} worse after 10 than after 1; {reports[3].share_diverged:.0%} diverged")
learner.lr = 0.01

# %% unseen-waves-then [markdown]
# (Diverged: at some step the support loss was over ten times the first, or no number. Some come back.)
#
# One step leaves about a fifth of the loss, and later steps help most waves. With three points more waves rise again, and the loss after ten is over four times as high. At three
# times the rate about a third diverge.

# %% one-step-teacher [markdown] tags=["teacher"]
# > **For the teacher** · 20 minutes. *Purpose*: what MAML optimises is the loss *after* a step, and nothing else.
# >
# > *Students believe* that the start is a good average wave. The grey curve is not, and its median loss (2.03) is poor; one step leaves 0.38. And that more steps always help: of the waves, 3% are worse after ten
# > steps than after one with ten points, 17% with three, 27% at three times the rate.
# >
# > *Ask*: Training knew one step; did anything make the later ones good? [Nothing asked for it. They go downhill on the support set, and ten points mostly say which wave it is.] Why do task 15's
# > four points say so little? [Three lie close together at the right edge. There the support loss rises at first; in setting 3 it falls from the first step on.]
# >
# > *On the board*: two tasks, $\frac12 \cdot 4\,(\theta - 1)^2$ and $\frac12 (\theta + 1)^2$, the same for $D$ and $D'$, $\alpha = \frac14$. The first is solved by one step from anywhere, so MAML starts at −1, where the second is solved.
# > Joint training starts at 0.6. Mean loss before the step: MAML 4, joint 0.8; after it: 0 and 0.36.
# >
# > *Short of time*: project settings 1, 3 and 6 only, and say: few points or long steps undo what the start was made for.

# %% the-gradient-through-a-step [markdown]
# ## The gradient through a step
#
# Moving $\theta_0$ moves $\theta'$ in two ways: directly, and because the gradient there is another one. The derivative of $\nabla L$ is the Hessian
# $H$ of $L$ at $\theta_0$. So $\partial \theta' / \partial \theta_0 = I - \alpha H$, which is symmetric, and by the chain rule
#
# $$ \nabla_{\theta_0} L'(\theta') = \Big(\frac{\partial \theta'}{\partial \theta_0}\Big)^{\!\top} \nabla L'(\theta') = (I - \alpha H)\, \nabla L'(\theta') \tag{2} $$
#
# With more steps there is one such factor for each, the first step's on the left, with the Hessian where that step was taken. *First-order* MAML leaves out $H$, as if the step were a fixed shift. In PyTorch the difference is
# `create_graph=True` in the inner gradient.
#
# Three ways to (2) on a small network: autograd, the formula with $H$ written out, and finite differences.

# %% the-gradient-through-a-step-slide [markdown] tags=["slides"]
# ## The gradient through a step
#
# The derivative of $\nabla L$ is the Hessian $H$ of $L$ at $\theta_0$, on $D$:
#
# $$ \nabla_{\theta_0} L'(\theta') = \left(\frac{\partial \theta'}{\partial \theta_0}\right)^{\!\top} \nabla L'(\theta') = (I - \alpha H)\, \nabla L'(\theta') \qquad (2) $$
#
# First-order MAML leaves out $H$: the same step, another derivative.

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

# %% finite-differences-slide [markdown] tags=["slides"]
# ## Three ways to (2) agree
#
# First order is another gradient.

# %% finite-differences tags=["shown"]
moved = 1e-6 * torch.eye(len(H), dtype=torch.float64)
differences = torch.stack([(outer(theta_0 + e) - outer(theta_0 - e)) / 2e-6 for e in moved])
first_order = torch.func.grad(L)(theta, D_query)
found = {"formula": formula, "finite differences": differences, "first order": first_order}
for name, gradient in found.items():
    differs = (gradient - autograd).abs().max() / autograd.abs().max()
    cosine = torch.cosine_similarity(gradient, autograd, dim=0)
    print(f"{name:18} is off by {differs:.1e} of autograd's largest entry, cosine {cosine:.3f}")

# %% finite-differences-then [markdown]
# The three agree. First order differs, here little in direction.

# %% the-gradient-through-a-step-teacher [markdown] tags=["teacher"]
# > **For the teacher** · 12 minutes. *Purpose*: equation (2), and that a program can check it.
# >
# > *Students believe* that first order takes another step, or that $H$ belongs to the query loss. The step is the same; only the derivative differs (printed: off by 0.47 of the largest entry, cosine 0.949), and $H$ is of $L$,
# > on $D$.
# >
# > *Ask*: At which place and on which set is $H$ taken? [At $\theta_0$, on $D$; $\nabla L'$ at $\theta'$, on $D'$.] Two steps: what changes? [One factor more, with the Hessian at the place after the first step, to the right of the first.]
# >
# > *On the board*: $L = \frac12 (4\theta_1^2 + \theta_2^2)$, $\theta_0 = (1, 2)$, $\alpha = 0.2$: $\nabla L = (4, 2)$, $\theta' = (0.2, 1.6)$. $L' = \frac12 |\theta' - c'|^2$ with $c' = (-0.8, 0.6)$: $\nabla L' = (1, 1)$, which is first order. $I - \alpha H$ is
# > diagonal with 0.2 and 0.8, so MAML's is (0.2, 0.8): along the steep axis the step undoes most of what one does to the start.
# >
# > *Short of time*: derive it for one weight, run the cells, and say: `create_graph=True` keeps the Hessian in.

# %% relatives [markdown]
# ## Relatives
#
# Each relative of MAML changes one thing:
#
# | relative | what it does |
# |---|---|
# | first-order MAML | leaves out $H$ in (2) |
# | ANIL (almost no inner loop) | only the last layer takes the step |
# | Reptile | no query set: $\theta_0 \leftarrow \theta_0 + \epsilon\,(\theta' - \theta_0)$, the mean over tasks, after five steps |
# | shared weights | no step in training: one network fitted to all waves (joint training, pre-training) |
#
# One meta-gradient on 25 waves, MAML's and then first order's, in megabytes kept for the backward pass and in milliseconds:

# %% relatives-slide [markdown] tags=["slides"]
# ## Relatives
#
# | relative | what it changes |
# |---|---|
# | first-order MAML | leaves out $H$ |
# | ANIL | only the last layer steps |
# | Reptile | no query set: $\theta_0 \leftarrow \theta_0 + \epsilon\,(\theta' - \theta_0)$ |
# | shared weights | no step in training |

# %% cost
waves = family.train.sample(25, 10, 10)
for K in (1, 2, 5, 10, 20):
    costs = [cost(kind(main, steps=K), waves) for kind in (MAML, FirstOrderMAML)]
    print(f"{K:2} steps", *(f"   {mb:4.2f} MB, {ms:4.1f} ms" for mb, ms in costs))

# %% cost-then [markdown]
# MAML keeps the graph of every step; first order drops each after its step. The time of both grows, MAML's by more.
#
# These starts were trained before (`python data/make_checkpoints.py`), on the same 10,000 batches (equal batches, not equal time), by Adam at a constant 0.003 (`docs/starts.md`). For Reptile
# it takes $\theta_0 - \theta'$ as the gradient, in place of $\epsilon$. Reptile and shared weights learn from all twenty points of a wave:

# %% learners
learners = {"MAML": MAML(main), "first order": FirstOrderMAML(main), "ANIL": ANIL(main)}
learners |= {"Reptile": Reptile(main, steps=5, lr=0.003), "shared weights": SharedWeights(main)}
for name, learner in learners.items():
    file = name.replace(" ", "_").lower()
    load_checkpoint(data_file(f"checkpoints/{file}.safetensors"), learner)

# %% learners-then [markdown]
# The first three were trained at an inner learning rate of 0.01, Reptile at 0.003. The last two now choose among seven, on training tasks:

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

# %% side-by-side-slide [markdown] tags=["slides"]
# ## After one step it is another world
#
# Before it, MAML is no better than shared weights.

# %% side-by-side tags=["shown"]
tasks, losses = family.test.sample(600, 10, 100, torch.Generator().manual_seed(0)), {}
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
# **Before** the first step (at 0 in the figure) MAML's loss is no better than that of shared weights; after **one** it is another world. Joint training solved its own problem, the mean loss of one network on all waves, and
# never asked what a gradient would do from there.
#
# First order is a little behind MAML. So is Reptile after one step (its rate was chosen for five), not after ten. ANIL stays behind. A single wave (the largest loss) lifts its mean far above
# its median: a mean hides who did badly, a median that anyone did.
#
# One training of each proves no order: `docs/sinusoid.md` has three.

# %% relatives-teacher [markdown] tags=["teacher"]
# > **For the teacher** · 14 minutes. *Purpose*: what each shortcut saves, and where it loses.
# >
# > *Students believe* that a network fitted to all waves is as good a start. Before the step its loss equals MAML's (2.0 in the figure); after one step it is 1.47 against 0.27. And that MAML wins: after ten steps Reptile
# > is lower, 0.049 against 0.058.
# >
# > *Ask*: What do you take when memory ends at twenty steps? [First order: 0.25 MB at any number; MAML keeps about 0.29 MB more for each step.] How can ANIL's mean be 4.8, its median 0.15? [One wave of 600 has a loss of 2614: 4.4 of the 4.8.]
# >
# > *On the board*: Reptile in numbers: $\theta_0 = 1$, two waves end at 3 and 0, $\epsilon = 0.2$: $\theta_0 \leftarrow 1 + 0.2 \cdot \frac12 (2 - 1) = 1.1$. Then the medians after ten steps
# > in `docs/sinusoid.md`, three longer trainings of each: Reptile 0.041, MAML 0.052, ANIL 0.063 (there ahead), first order 0.073.
# >
# > *Short of time*: skip the costs (milliseconds differ from run to run) and say: MAML's memory grows with the steps, first order's does not.

# %% feature-reuse-or-rapid-learning [markdown]
# ## Feature reuse or rapid learning?
#
# Does a step build new features, or read old ones out in another way? If moving the last layer, the **head** ($W_3$ and $b_3$, `4.weight` and `4.bias`), is
# enough, features are reused. `adapt` takes a rate for each layer; unnamed ones stay. The same 600 waves, five steps:

# %% feature-reuse-or-rapid-learning-slide [markdown] tags=["slides"]
# ## Feature reuse or rapid learning?
#
# Predict: only one layer may step. Which does better?
#
# * the first
# * the last, the head

# %% layers-that-move-slide [markdown] tags=["slides"]
# ## The first layer does as well as all
#
# Found on images: reuse. It depends on the tasks.

# %% layers-that-move tags=["shown"]
theta_0 = learners["MAML"].theta_0.detach()
head = {"4.weight": 0.01, "4.bias": 0.01}
best = tuned(learners["MAML"], head)
tries = {"head only": head, f"head, at {best}": {name: best for name in head}}
tries |= {"first only": {"0.weight": 0.01, "0.bias": 0.01}, "all layers": 0.01}
for name, rates in tries.items():
    with torch.no_grad():
        path = adapt(main, theta_0, tasks.support, 5, rates)
    print(f"{name:12} median loss {main.loss(path.final, tasks.query).median():.3f}")
change = main.unflatten(path.final - theta_0)  # of all layers
for name in ("0.weight", "2.weight", "4.weight"):  # W₁, W₂, W₃
    share = change[name].flatten(1).norm(dim=1).median() / main.unflatten(theta_0)[name].norm()
    print(f"{name} changes by {share:.1%} of its norm")

# %% layers-that-move-then [markdown]
# Steps from *MAML's* start do **not** work by reuse here. The head alone hardly lowers the loss, and at the best of seven rates leaves several times as much as all layers. The **first layer** alone does as well as all. The likely reason: $W_1$ and $b_1$ say where along
# $x$ each hidden unit switches on, so small changes shift and stretch the whole curve.
#
# ANIL's start, *trained* for the head, comes further with it (figure above): reuse is possible, here at a cost (at each of four inner rates: `docs/answers.md`). Raghu and others found reuse on images; on what it depends is open.

# %% feature-reuse-or-rapid-learning-teacher [markdown] tags=["teacher"]
# > **For the teacher** · 12 minutes. *Purpose*: which weights do the adapting is a question that can be measured.
# >
# > *Students believe*, from fine-tuning, that the body keeps features and the head adapts. Here the head alone leaves 1.91, at its best rate 0.61; the first layer alone leaves 0.073, as do all layers.
# >
# > *Ask*: Before the cell: the first or the last layer alone, which does better? [The first.] Is anything reused? [Yes: the layers above the first can stay as they are; $W_2$ moves by 0.2% of its norm, $W_1$ by 7.6%.] Is it a law? [No: on images reuse was found.]
# >
# > *On the board*: one hidden unit, $v \max(0, w x + b)$, bends at $x = -b/w$. With $w = 1$, $b = -1$ at 1; with $w = 1.25$ at 0.8. Changing $v$ changes the slope after the bend, never its place.
# >
# > *Short of time*: show the printed lines and say: on these waves the first layer adapts, and the rest is kept.

# %% going-further [markdown]
# ## Going further: which way each pulls
#
# *Nothing below needs this section.* Training moves $\theta_0$ against the mean over tasks of a direction $d$ (ANIL's is left out). Let $g$ (no network here) and $H$ be gradient and Hessian of $L$ at $\theta_0$, $g'$ and $H'$
# those of $L'$, $\bar g$ and $\bar H$ those on all examples of the task, $K$ the number of Reptile's steps; Reptile's $d$ is $(\theta_0 - \theta')/(\alpha K)$. For small $\alpha$, up to terms in $\alpha^2$ (Nichol and others, section 5):
#
# $$ \begin{aligned} d_\text{shared} &= \bar g & d_\text{first order} &\approx g' - \alpha H' g \\
# d_\text{Reptile} &\approx \bar g - \alpha \tfrac{K-1}{2} \bar H \bar g & d_\text{MAML} &\approx g' - \alpha\,(H' g + H g') \end{aligned} \tag{3} $$
#
# $H' g + H g'$ is the gradient of $g^\top g'$. So MAML lowers the mean loss and makes $g^\top g'$ larger: then a step on $D$ helps on $D'$. First order
# does so at half the strength, since $D$ and $D'$ are drawn alike and $H'g$ and $Hg'$ have the same mean. Reptile makes $\bar g^\top \bar g$ larger, with the gradient $2\bar H \bar g$; as $\bar g = \frac12 (g + g')$, half of $g^\top g'$ is in it. All at $\alpha = 0.01$:

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

# %% directions-figure-slide [markdown] tags=["slides"]
# ## Which way each pulls

# %% directions-figure tags=["shown"]
starts, found = {"a new start": MAML(main).theta_0}, {}
starts["where shared weights ended"] = learners["shared weights"].theta_0
for name, theta_0 in starts.items():
    print(f"{name}: length of each direction, its cosine with MAML's; on three batches")
    for seed in (0, 1, 2):
        waves = family.train.sample(1000, 10, 10, torch.Generator().manual_seed(seed))
        d = found[name] = directions(theta_0, waves)
        alike = {n: torch.cosine_similarity(way, d["MAML"], dim=0) for n, way in d.items()}
        print(*(f"  {n} {way.norm():.1f}, {alike[n]:.2f}" for n, way in d.items()))
figures.show(draw_directions(found), "Left the arrows fan out a little; right shared weights part.")

# %% directions-then [markdown]
# (Drawn for the third batch, at length one, projected on the plane of *MAML* and *shared weights*.) At a new start all pull roughly alike. Where joint training has ended, its own arrow points elsewhere and is shorter than MAML's; first order
# and Reptile, with terms in $\alpha$ too, still go nearly beside MAML.

# %% going-further-teacher [markdown] tags=["teacher"]
# > **For the teacher** · 15 minutes, or reading. *Purpose*: one expansion for four learners, and arrows that show its terms.
# >
# > *Students believe* that pre-training and meta-learning pull the same way. At a new start the cosine of shared weights with MAML is 0.76 to 0.92, at 0.76, the picture's, an angle of 40°; where joint training ended it is 0.18 to 0.45.
# >
# > *Ask*: Why is the grey direction shorter there? [Joint training has used up slope: 0.6 to 0.8 against 1.5. The others keep the terms in $\alpha$.] Why not zero? [It was trained at a constant rate, as MAML and its kin are by default, so each batch moves $\theta_0$ to and fro. 2,000 more steps with `anneal=True` leave 0.1 to 0.2.] What is left of (3) at $\alpha = 0$? [$g'$ or $\bar g$: in the mean over tasks all pull alike.]
# >
# > *On the board*: a step $-\alpha g$ changes $L'$ by about $-\alpha\, g^\top g'$. With $\alpha = 0.1$, $g = (2, 1)$: for $g' = (1, 1)$ it is −0.3, for $g' = (1, -2)$ it is 0. So a larger $g^\top g'$ means a step that helps.
# >
# > *Short of time*: skip it; the sentence is: MAML also makes the gradients of $D$ and $D'$ agree.

# %% exercise-1 [markdown]
# ## Exercises
#
# **1 · Compute.** (4 minutes; the factor 1 − αh.) One weight: $L(\theta) = \frac12 h\,\theta^2$ with $h = 2$, $L'(\theta) = \frac12 (\theta - c')^2$ with $c' = -0.4$, $\theta_0 = 2$, $\alpha = 0.3$. What is
# $\mathrm{d} L'(\theta') / \mathrm{d} \theta_0$?
#
# <details><summary>Hint 1</summary>First the step: θ' = θ₀ − α h θ₀.</details>
# <details><summary>Hint 2</summary>Equation (2), with H = h.</details>

# %% exercise-1-slide [markdown] tags=["slides"]
# ## Exercise 1, on paper
#
# $$ L(\theta) = \tfrac12 h\,\theta^2, \qquad L'(\theta) = \tfrac12 (\theta - c')^2 $$
#
# $h = 2$, $c' = -0.4$, $\theta_0 = 2$, $\alpha = 0.3$. What is $\mathrm{d} L'(\theta') / \mathrm{d} \theta_0$?

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
# **3 · Find what is wrong.** (6 minutes; the gradient through the step.) A colleague calls this MAML. It trains. Write `maml(main, theta_0, tasks)`, with the same rate and loss, whose gradient with respect to $\theta_0$ is that of (2).
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

# %% exercise-4 [markdown]
# **4 · Make.** (15 minutes; an inner loop of your own.) Write `update(gradient, theta_0)`, $\theta_0$ (d,), which calls `gradient(theta)`, that is $\nabla L$, at most eight times and returns $\theta'$. Each $L$ is quadratic and least at $c$, with curvatures between 1 and 20 in unknown directions.
# On average $L' = \frac12 |\theta' - c|^2$ must be at most half of what eight plain steps leave at their best rate, and its gradient must reach $\theta_0$.
#
# <details><summary>Hint</summary>One rate leaves flat directions behind, or overshoots along steep ones. Steps may differ, remember those before, or look at how the gradient changed.</details>

# %% exercise-4-answer tags=["exercise"]
update = ...
checks.own_update(update)

# %% exercise-4-solution tags=["solution"]
def update(gradient, theta_0):
    theta, step = theta_0, 0
    for _ in range(8):
        step = 0.5 * step - 0.1 * gradient(theta)  # half of the step before is kept: momentum
        theta = theta + step
    return theta

checks.own_update(update)

# %% open-task [markdown]
# **Open task.** (30 minutes or more.) `hyperedu.MetaSGD` learns a rate for each weight together with the start: $\theta' = \theta_0 - \alpha \odot \nabla L(\theta_0)$, $\odot$ entry by entry.
# Does it beat MAML here, and which layers get large rates? A good answer has both on the same batches, three seeds, medians and the share that diverged, for ten points and for three.

# %% exercises-teacher [markdown] tags=["teacher"]
# > **For the teacher** · 16 minutes: 4, 5 and 6, and one to compare; 15 for exercise 4, which is homework. *Purpose*: (2) by hand, then in a program; then another $U$ than plain steps.
# >
# > *Students believe*: in 1, 1.2 is first order, 0.4 the factor alone, 1.92 has $1 + \alpha h$, 2.4 takes the gradient at $\theta_0$. In 2, `4.weight` is written down (another depth, another name), the bias is forgotten, or names are sorted as text.
# > In 3, the start is detached, the inner loss becomes a mean (each step is divided by the number of tasks), or all tasks share one step. In 4, that the best rate is enough, that more momentum is always better (0.9 ends beyond $c$), or that a step length may be a number from `.item()`: then the gradient is wrong. Each check says which.
# >
# > *Good answers of 4* differ in kind: momentum leaves 0.10 of the loss of plain steps, eight lengths at the zeros of Chebyshev's polynomial 0.04, a length from the last two gradients (Barzilai and Borwein) 0.30, short and long steps by turns 0.42.
# >
# > *Ask*: Why does the colleague's program train at all? [First order often points nearly the same way.] Of 4: Newton's step, with `torch.func.jacrev(gradient)`, calls `gradient` twice and ends at $c$. What does it cost at 1,761 weights, and what can a start still learn? [A matrix of 1,761² numbers; nothing, as $\theta'$ no longer depends on $\theta_0$.] Of the open task: [both learners on the same batches, three seeds, medians and share diverged for ten points and for three, the rates by layer; it says where seeds disagree.]
# >
# > *On the board*: exercise 1 by differences: $\theta_0 = 2.1$ and $1.9$ end at 0.84 and 0.76, where $L'$ is 0.7688 and 0.6728; over 0.2 that is 0.48. Who is early writes exercise 3 with two steps, or begins the open task with one seed.
# >
# > *Short of time*: do exercise 1 only, and say: in exercise 3 one option of `torch.autograd.grad` is missing.

# %% readers [markdown]
# ## Questions that readers asked

# %% readers-asked
questions.of_readers(maml=losses["MAML"][0].median(), shared=losses["shared weights"][0].median())

# %% quiz [markdown]
# ## Quiz
#
# **1. MAML's loss before any step is as bad as that of shared weights. What did training achieve?**
# <details><summary>Nothing</summary>No: look at the loss after one step.</details>
# <details><summary>A place from which gradients lead to solutions</summary>Yes: that was optimised, and nothing else.</details>
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
# <details><summary>A few tasks can make any mean</summary>Yes: steps too long for a task blow up its loss.</details>
# <details><summary>Medians are always smaller</summary>No, nor would that be a reason.</details>
#
# **5. Reptile has no query set. What does it learn from?**
# <details><summary>Where adaptation ends, compared with where it started</summary>Yes: θ₀ moves towards the mean of θ'.</details>
# <details><summary>From the Hessian</summary>No: it uses gradients only.</details>

# %% quiz-answers
questions.quiz()

# %% in-one-breath-slide [markdown] tags=["slides"]
# ## In one breath
#
# $$ D \mapsto \theta' = \theta_0 - \alpha \nabla L(\theta_0) $$
#
# $$ \nabla_{\theta_0} L'(\theta') = (I - \alpha H) \nabla L'(\theta') $$
#
# It fails where one rate does not suit all tasks, and where steps meet few examples and miss the task.

# %% in-one-breath [markdown]
# ## In one breath
#
# $D \mapsto \theta' = \theta_0 - \alpha \nabla L(\theta_0)$ with $\nabla_{\theta_0} L'(\theta') = (I - \alpha H) \nabla L'(\theta')$. No $\tau$ is used. MAML fails where one rate does not suit all tasks, and where steps meet few
# examples and miss the task.

# %% references [markdown]
# ## References
#
# * C. Finn, P. Abbeel, S. Levine, *Model-agnostic meta-learning*, 2017, [arXiv 1703.03400](https://arxiv.org/abs/1703.03400).
# * A. Nichol, J. Achiam, J. Schulman, *On first-order meta-learning algorithms*, 2018, [arXiv 1803.02999](https://arxiv.org/abs/1803.02999).
# * A. Raghu and others, *Rapid learning or feature reuse?*, 2020, [arXiv 1909.09157](https://arxiv.org/abs/1909.09157).
