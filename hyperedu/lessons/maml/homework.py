# %% opening [markdown]
# # 06 · MAML: homework
#
# **How much of the gradient through many steps is needed?**
#
# With $K$ inner steps MAML's gradient has $K$ factors, and first-order MAML leaves out all of them. You compute the gradient without keeping any graph; then you leave out some of the factors, and see what that costs.
#
# Three and a half hours: *Derive* 75 minutes, *Experiment* 100, *Explain* 35. It stands on lesson 06 and no later one. You may use the lessons, the package, PyTorch's documentation and whatever you find elsewhere, if you say where; talk with others, write alone. *Hand in* this notebook, run from top to bottom, with your answers in it.
# What you predict is written before you run, and stays as it was: a wrong prediction costs nothing. 20 points in all.

# %% imports
import torch

from hyperedu import MAML, Examples, MainNetwork, Sinusoids, adapt, figures, meta_test, meta_train
from hyperedu import outer_loss, statistics
from hyperedu.lessons.maml.figures import cost

torch.set_num_threads(1)

# %% derive [markdown]
# ## Derive
#
# (75 minutes, 8 points.) Let $\theta_{k+1} = \theta_k - \alpha \nabla L(\theta_k)$ for $k = 0, \dots, K-1$, let $H_k$ be the Hessian of $L$ at $\theta_k$, and let $L'$ be the query loss. The lesson said of more steps than one that there is *one such factor for each*:
#
# $$ \nabla_{\theta_0} L'(\theta_K) = (I - \alpha H_0)\,(I - \alpha H_1) \cdots (I - \alpha H_{K-1})\, \nabla L'(\theta_K) \tag{H1} $$
#
# 1. Prove it. Say where the order of the factors comes from, and why nothing is transposed.
# 2. Turn (H1) into a loop that goes backwards and holds one vector $v$ of $P$ numbers, never a matrix: what is $v$ at first, and what happens to it for each $k$? You need only the product $Hv$. Show that it is the gradient of a number, $\nabla L(\theta)^\top v$ with $v$ held fixed. What has to be kept of the way forwards?
# 3. Now keep only the last $m$ factors, those of the steps $K-m, \dots, K-1$. First-order MAML is $m = 0$. Let $L$ be a quadratic, so that all $H_k$ are the same $H$. By which factor is the gradient that is left too large or too small, compared with (H1), in a direction of curvature $h$? Which
# directions are exaggerated most, if all $\alpha h$ lie between 0 and 1? What if $1 < \alpha h < 2$, and what if $h < 0$?
#
# Fill in `backwards`. The last cell compares it, in double precision, with autograd through all steps and with finite differences.

# %% derive-given
torch.manual_seed(0)
net, alpha, K = MainNetwork.mlp([1, 6, 1], activation="tanh"), 0.05, 4
theta_0 = net.initial_weights().double()
one = Sinusoids().train.sample(1, 10, 10).to(torch.float64)
D, D_query = one.support.task(0), one.query.task(0)


def forwards(theta, K):  # θ₀, θ₁, …, θ_K
    path = [theta]
    for _ in range(K):
        path.append(path[-1] - alpha * torch.func.grad(net.loss)(path[-1], D))
    return path


def outer(theta_0):
    return net.loss(forwards(theta_0, K)[-1], D_query)

# %% derive-answer-text [markdown]
# *My answers to 1, 2 and 3:* …

# %% derive-answer
def backwards(path):  # (H1) for the α, D and D_query above, without a matrix; grad and @ will do
    ...

# %% derive-check
autograd = torch.func.grad(outer)(theta_0)
moved = 1e-5 * torch.eye(len(theta_0), dtype=torch.float64)
differences = torch.stack([(outer(theta_0 + e) - outer(theta_0 - e)) / 2e-5 for e in moved])
print(f"finite differences differ from autograd by {(differences - autograd).abs().max():.0e}")
found = backwards(forwards(theta_0, K))
if found is not None:
    print(f"yours differs by {(found - autograd).abs().max():.0e}; it should be below 1e-12")

# %% derive-solution [markdown] tags=["solution"]
# **1.** $\theta_{k+1}$ is a function of $\theta_k$ alone, with the Jacobian $\partial\theta_{k+1}/\partial\theta_k = I - \alpha H_k$. By the chain rule $\partial\theta_K/\partial\theta_0 = (I - \alpha H_{K-1}) \cdots (I - \alpha H_0)$, the last step on the left. The gradient of $L'(\theta_K)$ is the transpose
# of this product times $\nabla L'(\theta_K)$. To transpose a product turns its order round, so that the first step stands on the left; each factor is symmetric, as a Hessian is, and stays what it is.
#
# **2.** From right to left:
#
# $$ v_K = \nabla L'(\theta_K), \qquad v_k = v_{k+1} - \alpha\, H_k v_{k+1}, \qquad \nabla_{\theta_0} L'(\theta_K) = v_0 \tag{H2} $$
#
# $\nabla_\theta \big(\nabla L(\theta)^\top v\big) = H v$ for a fixed $v$, because entry $i$ is $\sum_j v_j\, \partial^2 L / \partial\theta_i \partial\theta_j$. Kept are the places $\theta_0, \dots, \theta_K$, which are $(K+1)\,P$ numbers, and no activation of any step: that is computed anew.
#
# **3.** In that direction each factor multiplies by $1 - \alpha h$. So
#
# $$ \frac{\text{last } m \text{ factors}}{\text{all } K} = (1 - \alpha h)^{-(K - m)} \tag{H3} $$
#
# With $0 < \alpha h < 1$ this is above 1, and largest for the steepest directions. Those are the directions in which the steps undo whatever one does to the start: truncation spends effort where it is lost. With $1 < \alpha h < 2$ each step overshoots the bottom and comes nearer to it: the ratio is above 1 in absolute value, too, and where an odd
# number of factors is left out it is negative, so that the gradient that is left points the wrong way. With $h < 0$ the ratio is below 1: steps carry a change of the start further along, and truncation sees too little of that.

# %% derive-solution-code tags=["solution"]
def backwards(path):
    v = torch.func.grad(net.loss)(path[-1], D_query)
    for theta in reversed(path[:-1]):
        Hv = torch.func.grad(lambda t: torch.func.grad(net.loss)(t, D) @ v)(theta)  # v is fixed
        v = v - alpha * Hv
    return v  # (H2)


path = forwards(theta_0, K)
print(f"(H2) differs from autograd by {(backwards(path) - autograd).abs().max():.0e}")
product = torch.eye(len(theta_0), dtype=torch.float64)
for theta in path[:-1]:
    product = product @ (torch.eye(len(theta)) - alpha * torch.func.hessian(net.loss)(theta, D))
written = product @ torch.func.grad(net.loss)(path[-1], D_query)
print(f"(H1), written out, by {(written - autograd).abs().max():.0e}")

# %% derive-solution-quadratic tags=["solution"]
h = torch.tensor([-2.0, 0.5, 8.0, 30.0], dtype=torch.float64)  # curvatures, a quadratic each
m, start, wanted = 1, torch.ones(4, dtype=torch.float64), torch.full((4,), -3.0).double()


def gradient(kept):  # of ½ |θ_K − wanted|², through the last `kept` steps
    begin = now = start.clone().requires_grad_()
    for k in range(K):
        now = now - alpha * h * now  # the gradient of ½ h θ²
        if k == K - kept - 1:
            begin = now = now.detach().requires_grad_()
    return torch.autograd.grad((now - wanted).square().sum() / 2, begin)[0]


print("measured", [round(v, 4) for v in (gradient(m) / gradient(K)).tolist()])
print("(H3)    ", [round(v, 4) for v in ((1 - alpha * h) ** -(K - m)).tolist()])

# %% derive-teacher [markdown] tags=["teacher"]
# > **Rubric** · 8 points
# >
# > | points | for |
# > |---|---|
# > | 2 | (H1) by the chain rule, with the order explained by the transpose |
# > | 1 | $Hv$ as a gradient, with $v$ held fixed |
# > | 3 | the loop, in code that agrees with autograd; what is kept |
# > | 2 | (H3), the steep directions, and what $\alpha h > 1$ and $h < 0$ change |
# >
# > **Common failures**
# >
# > * *The loop runs forwards.* It is off, though by little if $\alpha$ is small. Answer: matrices do not commute; which factor touches $\nabla L'$?
# > * *$v$ is not held fixed*, so that the derivative of $v$ comes in as well. Answer: of which variable is $\nabla L^\top v$ differentiated?
# > * *$H_k$ at $\theta_{k+1}$*, or of the query loss. Answer: at which place was the gradient of step $k$ taken, and on which examples?
# > * *"Kept are $K$ Hessians."* Answer: count the numbers for $P$ = 1,761.

# %% experiment [markdown]
# ## Experiment
#
# (100 minutes, 8 points.) `Truncated`, below, takes $K = 4$ steps and is to let the gradient go through the last `kept` of them only. As it stands it keeps all, and is MAML. (It can always be tested like MAML: `meta_test` needs no outer gradient.)
#
# **Of four factors, how many are worth their memory?**
#
# *Predict first, in the cell below*: (a) the cosine of the gradient with 0, 1 and 2 factors with the full one, at a new start and at one that was trained: where is it nearer to 1? (b) after training with 0, 1, 2 and 4 factors, in which order are the median losses after four steps, and which neighbours can five seeds not tell apart? (c) the
# megabytes that `cost(learner, waves)` gives for each, with 25 waves.
#
# *Then*
#
# 1. change `forward`: `adapt` has `first_order=True`, and its result can be the start of another `adapt`. Check that `kept=4` gives MAML's gradient, and `kept=0` that of `FirstOrderMAML`;
# 2. train each for 300 outer steps with five seeds, on the same batches for every number of factors (`train`, below, does it), and test each after four steps;
# 3. give the differences of the median losses, to all four factors and between neighbours, as a mean of the five seeds with its 95% interval (`statistics.half_interval`, of a tensor with one number for each seed);
# 4. measure the cosines on 200 waves, for each wave its own and then their mean, at a new start and where training with four factors ended, and draw cosine and loss against the number of factors;
# 5. find the largest $\alpha h$ of $H_0$ for some 50 of these waves, at the same two starts (`torch.func.hessian`): does (H3) speak of our trainings?
#
# Say which predictions held, and what 300 steps at one rate cannot tell.

# %% experiment-prediction [markdown]
# *My predictions:* …

# %% experiment-given
family, main = Sinusoids(), MainNetwork.mlp([1, 20, 20, 1])
factors, seeds = (0, 1, 2, 4), range(5)


class Truncated(MAML):
    def __init__(self, kept):
        super().__init__(main, steps=4, lr=0.01)
        self.kept = kept

    def forward(self, descriptor, support=None):  # change this
        return adapt(main, self.theta_0, support, 4, self.lr, keep=False).final


def train(kept, seed, steps=300):
    torch.manual_seed(seed)
    learner, rng = Truncated(kept), torch.Generator().manual_seed(seed)
    adam = torch.optim.Adam(learner.parameters(), lr=3e-3)
    meta_train(learner, family.train, steps, optimizer=adam, rng=rng, progress=False)
    return learner

# %% experiment-given-one
print("all factors, a few steps:", meta_test(train(4, seed=0, steps=20), family.test))

# %% experiment-answer
# your Truncated, your trainings, your figure

# %% experiment-solution tags=["solution"]
def final(theta_0, support, kept):  # (P,), or a start for each wave, (n, P) → (n, P)
    first = adapt(main, theta_0, support, 4 - kept, 0.01, first_order=True, keep=False).final
    return adapt(main, first, support, kept, 0.01, keep=False).final


class Truncated(MAML):
    def __init__(self, kept):
        super().__init__(main, steps=4, lr=0.01)
        self.kept = kept

    def forward(self, descriptor, support=None):
        return final(self.theta_0, support, self.kept)


rng = torch.Generator().manual_seed(7)
few, waves = family.train.sample(25, 10, 10, rng), family.train.sample(200, 10, 10, rng)

# %% experiment-solution-check tags=["solution"]
def with_start(learner, theta_0):
    with torch.no_grad():
        learner.theta_0.copy_(theta_0)
    return learner


theta_0 = MAML(main).theta_0
for kept, first_order in ((4, False), (0, True)):
    theirs = with_start(MAML(main, steps=4, first_order=first_order), theta_0)
    ours = with_start(Truncated(kept), theta_0)
    mine, other = (
        torch.autograd.grad(outer_loss(learner, few).mean(), learner.theta_0)[0]
        for learner in (ours, theirs)
    )
    same = torch.allclose(mine, other, rtol=1e-4, atol=1e-5)
    print(f"{kept} factors, the package's gradient: {same}")
for kept in range(5):
    print(f"{kept} factors: {cost(Truncated(kept), few)[0]:.2f} MB kept")

# %% experiment-solution-training tags=["solution"]
learners = {kept: [train(kept, seed) for seed in seeds] for kept in factors}
losses = {
    kept: torch.tensor([meta_test(one, family.test).median for one in of])
    for kept, of in learners.items()
}
for kept, loss in losses.items():
    print(f"{kept} factors: median loss", " ".join(f"{v:.3f}" for v in loss))
for one, other in ((0, 4), (1, 4), (2, 4), (0, 1), (1, 2)):
    more = losses[one] - losses[other]
    print(f"{one} less {other}: {more.mean():+.3f} ± {statistics.half_interval(more):.3f}")

# %% experiment-solution-cosines tags=["solution"]
def gradients(theta_0, kept):  # (200, P): each wave has a start of its own to differentiate by
    starts = theta_0.detach().expand(len(waves), -1).clone().requires_grad_()
    loss = main.loss(final(starts, waves.support, kept), waves.query)
    return torch.autograd.grad(loss.sum(), starts)[0]


def cosines(theta_0):
    found = [gradients(theta_0, kept) for kept in factors]
    return [torch.cosine_similarity(g, found[-1]).mean().item() for g in found]


def steepest(theta_0):  # the largest αh of each of 50 waves
    support = waves.support.task(slice(50))
    hessian, theta_0 = torch.func.hessian(main.loss), theta_0.detach()
    H = torch.func.vmap(lambda x, y: hessian(theta_0, Examples(x, y)))(support.x, support.y)
    return 0.01 * torch.linalg.eigvalsh(H.double())[:, -1]

# %% experiment-solution-starts tags=["solution"]
starts = {"new": [], "trained": [one.theta_0 for one in learners[4]]}
for seed in seeds:
    torch.manual_seed(seed)
    starts["new"].append(MAML(main).theta_0)
found = {name: torch.tensor([cosines(theta_0) for theta_0 in of]) for name, of in starts.items()}
for name, of in starts.items():
    print(f"{name:8}", *(f"{k} factors {v:.2f};" for k, v in zip(factors, found[name].mean(0))))
    steep = torch.stack([steepest(theta_0) for theta_0 in of])
    share = (steep > 1).float().mean()
    print(f"         largest αh: median {steep.median():.2f}, above 1 in {share:.0%}")

# %% experiment-solution-figure tags=["solution"]
figure, (left, right) = figures.subplots(2, width=10, height=3.8)
looks = (figures.GREY, "s--", "a new start"), (figures.VERMILION, "o-", "where MAML ended")
for values, (color, mark, name) in zip(found.values(), looks):
    left.plot(factors, values.mean(0), mark, color=color, label=name)
    left.fill_between(factors, values.amin(0), values.amax(0), color=color, alpha=0.2)
left.set(xlabel="factors kept", ylabel="cosine with the full gradient", xticks=range(5))
left.legend()
values = torch.stack(list(losses.values()))  # (factors, seeds)
for seed, mark in zip(seeds, "os^vD"):
    right.plot(factors, values[:, seed], mark + ":", color=figures.BLUE, label=f"seed {seed}")
right.set(xlabel="factors kept in training", ylabel="median loss, 4 steps", xticks=range(5))
right.legend()
alt = "By factors kept: left, cosine with the full gradient; right, loss after training."
figures.show(figure, alt)

# %% experiment-solution-text [markdown] tags=["solution"]
# **(a)** At a new start even no factor at all points nearly the right way. Where MAML has ended it does so much less, and every factor brings the gradient of a wave nearer to the full one. Whoever compares gradients at a new start only, as one does in a quick test, will think the factors superfluous. (Who compares the *mean* gradients of 200 waves finds something else with each 200.)
# **(b)** The mean loss falls with every factor that is added, and the interval of each difference to all four lies above zero: at this rate and after 300 outer steps all factors are worth having. One factor and none are not told apart, one and two are. **(c)** Memory grows by the same amount for each factor but the last, that of the first
# step, which begins at one start for all waves.
#
# *Does (H3) speak of our trainings?* At a new start all αh are small. Where training has ended, the steepest direction of about every second wave has αh > 1: there a step overshoots, and a gradient that leaves out one factor, or three, has the wrong sign in that direction. (H3) is of a quadratic; here $H$ changes from step to step, so it tells what may go wrong, and not how far.
#
# *What is not told*: 300 steps at one rate are a beginning, after which all losses still fall. At a better rate, or later, the differences may be others, and so may their order; and it is one small network, on waves. (On another machine trainings differ somewhat, and so do these numbers.)

# %% experiment-teacher [markdown] tags=["teacher"]
# > **Rubric** · 8 points
# >
# > | points | for |
# > |---|---|
# > | 1 | predictions in writing, for (a), (b) and (c) |
# > | 2 | `Truncated`, checked against `MAML` and `FirstOrderMAML` |
# > | 2 | the same batches for each, five seeds, differences with intervals |
# > | 1 | cosines and αh at a new *and* at a trained start |
# > | 2 | a legible figure, and a sentence on each prediction; what 300 steps at one rate cannot tell |
# >
# > **Common failures**
# >
# > * *The first `kept` factors are kept, not the last*: `first_order=True` on the second `adapt`. Then the gradient lacks the factors next to $\nabla L'$. Answer: compare with (H1) by hand for `kept=1`. (As another experiment it is welcome.)
# > * *The start of the second `adapt` is detached.* Then $\theta_0$ gets no gradient, and PyTorch says so. Answer: what is left of the early steps is the identity, not nothing.
# > * *Seeds are pooled*: five losses beside five losses, and "the ranges overlap". Answer: each seed has its batches and its start in common; take differences first.
# > * *"First order is as good"*, from the new start's cosine. Answer: where does training spend its time?

# %% explain [markdown]
# ## Explain
#
# (35 minutes, 4 points.) Somebody who missed the lesson asks: *"Why does one need second derivatives, if Adam takes any gradient that roughly points downhill? Half of the papers use first order and say that it works."*
#
# Answer in half a page, for somebody who knows the chain rule and has never heard of an inner loop. Say what is differentiated and by what; what a factor $I - \alpha H$ does along a steep and along a flat direction; what your experiment says, and what it does not; and name one circumstance in which you would leave the factors out.

# %% explain-answer [markdown]
# *My answer:* …

# %% explain-solution [markdown] tags=["solution"]
# We look for weights from which a few gradient steps on a new task's examples lead to a good network. So we judge the end of the steps, and ask how the end would move if we moved the start. It does not move along rigidly. Take one direction in which the loss of the task is a valley of curvature $h$. A step multiplies the distance from the bottom by $1 - \alpha h$. If the valley
# is steep, hardly anything is left of the distance: wherever we begin, we end at the bottom, and to move the start is wasted effort. If it is flat, the end keeps nearly all of what we do to the start. The factor $I - \alpha H$ says just that, one factor for each step: it takes the steep directions out of the gradient, which the steps see to themselves. (As long as a step does not overshoot: where $\alpha h > 1$ it turns their sign.)
#
# First order leaves the factors out. It moves the start as if every change arrived at the end undiminished. That points downhill, roughly: at a new start nearly as the full gradient does. But where training has been for a while, it is another direction, and in our runs the start that was found with it is clearly worse after four steps; the more factors we kept, the better it was on average.
#
# I would leave the factors out where memory ends: they must keep the graph of each step. With many steps on a large network I would keep the last one or two if they fit. Our runs were short, with one small network, one rate, and waves; the papers have other tasks and train longer, and the lesson's own figure, after longer training for one step, has first order only a little behind.

# %% explain-teacher [markdown] tags=["teacher"]
# > **Rubric** · 4 points
# >
# > | points | for |
# > |---|---|
# > | 2 | the end is differentiated by the start; steep and flat told in words |
# > | 1 | what was found, with its limits |
# > | 1 | a circumstance with a reason: memory, many steps, small $\alpha h$ |
# >
# > **Common failures**
# >
# > * *"The Hessian tells the curvature, as in Newton's method."* Answer: Newton divides by $H$; what happens here to a steep direction?
# > * *The words of the paper, and no picture of one direction.* Answer: tell it with one number $h$, and $\alpha h = 0.9$.
# > * *"Second order is always better."* Answer: at equal memory, or equal time? You measured one of the costs.
