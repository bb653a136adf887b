# %% opening [markdown]
# # 05 · Learning to learn: homework
#
# **What is a start worth when examples are noisy?**
#
# The lesson had two inner problems: a few gradient steps, and an argmin that is *pulled* to the start. You find the gradient through the second for any loss, not for quadratics alone; then you make the examples err, and see how far adaptation should go.
#
# Three hours: *Derive* 60 minutes, *Experiment* 90, *Explain* 30. It stands on lesson 05 and no later one. You may use the lessons, the package, PyTorch's documentation and whatever you find elsewhere, if you say where; talk with others, write alone. *Hand in* this notebook, run from top to bottom, with your answers in it.
# What you predict is written before you run, and stays as it was: a wrong prediction costs nothing. 20 points in all.

# %% imports
from dataclasses import replace

import torch

from hyperedu import Examples, MainNetwork, Quadratics, adapt, figures, statistics
from hyperedu.tasks.quadratics import hessian

torch.set_num_threads(1)

# %% derive [markdown]
# ## Derive
#
# (60 minutes, 8 points.) The pulled argmin of lesson 05 is
#
# $$ \theta^* = \operatorname*{argmin}_{\theta} \; L(\theta) + \tfrac{\lambda}{2}\, \lVert \theta - \theta_0 \rVert^2 \tag{H1} $$
#
# For a quadratic $L$ the lesson said how $\theta^*$ depends on the start $\theta_0$, without a proof. Now let $L$ be any smooth loss, and let $H$ be its Hessian **at** $\theta^*$.
#
# 1. At $\theta^*$ the gradient of what is minimised is zero. Write this equation down. It holds for every $\theta_0$; suppose that $\theta^*$ moves smoothly with it, differentiate both sides with respect to $\theta_0$, and solve for the matrix $\partial \theta^* / \partial \theta_0$. What must $\lambda$ and $H$ satisfy for that, and why do they at a proper minimum?
# 2. $L'$ is the loss on the query set. Give $\nabla_{\theta_0} L'(\theta^*)$, the gradient that the outer level needs. No inner step may stand in it.
# 3. What becomes of both as $\lambda \to \infty$, and as $\lambda \to 0$ where $H$ is invertible? Say for each what it means for the choice of a start.
#
# The next cell makes a small network in double precision, with $\lambda = 1$, and finds $\theta^*$ by Newton's method. Fill in `meta_gradient`; the last cell compares it with finite differences of $L'(\theta^*)$: the whole inner problem is solved anew from starts that are a little moved.

# %% derive-answer-text [markdown]
# *My derivation:* …

# %% derive-given
torch.manual_seed(0)
net, lam = MainNetwork.mlp([1, 5, 1], activation="tanh"), 1.0
theta_0 = net.initial_weights().double()
x = torch.linspace(-2, 2, 12, dtype=torch.float64).unsqueeze(-1)
D, D_query = ((part, torch.sin(2 * part)) for part in (x[::2], x[1::2]))  # support, query


def L(theta, examples):  # the mean squared error, of one task
    return (net(theta, examples[0]) - examples[1]).square().mean()


def pulled(theta, theta_0):  # what (H1) minimises
    return L(theta, D) + lam / 2 * (theta - theta_0).square().sum()

# %% derive-given-solver
def theta_star(theta_0):
    theta = theta_0
    for _ in range(200):  # towards the minimum
        theta = theta - 0.1 * torch.func.grad(pulled)(theta, theta_0)
    for _ in range(4):  # Newton's method: to the last digit
        slope = torch.func.grad(pulled)(theta, theta_0)
        theta = theta - torch.linalg.solve(torch.func.hessian(pulled)(theta, theta_0), slope)
    return theta

# %% derive-answer
def meta_gradient(theta):  # at θ*: your answer to 2; torch.func.hessian(L)(theta, D) is H
    ...

# %% derive-check
# It takes a quarter of a minute.
moved = 1e-5 * torch.eye(len(theta_0), dtype=torch.float64)
both = [[L(theta_star(theta_0 + way * e), D_query) for way in (1, -1)] for e in moved]
differences = torch.stack([(plus - minus) / 2e-5 for plus, minus in both])
found = meta_gradient(theta_star(theta_0))
print("finite differences", [round(v, 6) for v in differences[:5].tolist()])
if found is not None:
    print("yours             ", [round(v, 6) for v in found[:5].tolist()])
    print(f"largest difference {(found - differences).abs().max():.0e}; it should be below 1e-8")

# %% derive-solution [markdown] tags=["solution"]
# **1.** At $\theta^*$, $\nabla L(\theta^*) + \lambda\,(\theta^* - \theta_0) = 0$. Differentiated with respect to $\theta_0$, with the chain rule for the first term:
#
# $$ H\, \frac{\partial \theta^*}{\partial \theta_0} + \lambda \Big(\frac{\partial \theta^*}{\partial \theta_0} - I\Big) = 0, \qquad \text{so} \qquad \frac{\partial \theta^*}{\partial \theta_0} = \lambda\, (H + \lambda I)^{-1} \tag{H2} $$
#
# $H + \lambda I$ must be invertible. That is, no eigenvalue of $H$ may be $-\lambda$. At a proper minimum of (H1) it is, being its Hessian: all eigenvalues of $H$ lie above $-\lambda$. On a quadratic $H$ is the same everywhere, and (H2) is the lesson's $M$ for the pull.
#
# **2.** By the chain rule, and since (H2) is symmetric,
#
# $$ \nabla_{\theta_0} L'(\theta^*) = \lambda\, (H + \lambda I)^{-1}\, \nabla L'(\theta^*) \tag{H3} $$
#
# Where the solver came from, and in how many steps, is not in it: only $\theta^*$ is.
#
# **3.** For $\lambda \to \infty$ the matrix goes to $I$, $\theta^*$ to $\theta_0$ and the gradient to $\nabla L'(\theta_0)$: the outer level is left with shared weights. For $\lambda \to 0$ with an invertible $H$ both go to 0: the end does not depend on small moves of the start. Where there is one minimum, as on a quadratic, there is nothing to choose; where there are several, the start still decides which of them. (Where $H$ is singular, $\lambda (H + \lambda I)^{-1}$ goes to the projection on its null space: along that the start is never forgotten.) Along a direction of curvature $h$ the share $\lambda/(h + \lambda)$ is left.

# %% derive-solution-code tags=["solution"]
def meta_gradient(theta):
    H = torch.func.hessian(L)(theta, D)
    slope = torch.func.grad(L)(theta, D_query)
    return lam * torch.linalg.solve(H + lam * torch.eye(len(H)).to(H), slope)  # (H3)


end = theta_star(theta_0)
print(f"(H3) off by {(meta_gradient(end) - differences).abs().max():.0e} of finite differences")
H = torch.func.hessian(L)(end, D)
jacobian = torch.stack([(theta_star(theta_0 + e) - theta_star(theta_0 - e)) / 2e-5 for e in moved])
written = lam * torch.linalg.inv(H + lam * torch.eye(len(H)).to(H))  # (H2)
print(f"(H2) off by {(written - jacobian).abs().max():.0e}")
zero = torch.func.grad(L)(end, D) + lam * (end - theta_0)
print(f"(H1) the gradient of what is minimised: {zero.abs().max():.0e}")

# %% derive-solution-quadratic tags=["solution"]
from hyperedu.tasks.quadratics import pull

tasks = Quadratics().train.sample(200, 5, 5)  # the lesson's
H = hessian(tasks.support.x)
same = torch.allclose(pull(tasks, 0.5), 0.5 * torch.linalg.inv(H + 0.5 * torch.eye(2)), atol=1e-5)
print("on a quadratic (H2) is the lesson's M:", same)
for strength in (1e-4, 1.0, 1e4):
    left = torch.linalg.eigvalsh(pull(tasks, strength)).median()
    print(f"λ = {strength:g}: a median share of {left:.4f} is left")

# %% derive-teacher [markdown] tags=["teacher"]
# > **Rubric** · 8 points
# >
# > | points | for |
# > |---|---|
# > | 3 | the condition at $\theta^*$, differentiated: both terms, $H$ taken at $\theta^*$ |
# > | 1 | what must be invertible, and why it is at a minimum |
# > | 2 | (H3), and code that agrees with finite differences |
# > | 2 | both limits, each with what it means for the choice of a start |
# >
# > **Common failures**
# >
# > * *$H$ is taken at $\theta_0$.* The code is off. Answer: the condition that was differentiated holds at $\theta^*$; at $\theta_0$ nothing is zero.
# > * *One of the two terms is differentiated as if $\theta^*$ did not move*: the first, and the matrix comes out as $I$; or the second, and it is $\lambda H^{-1}$. Answer: move $\theta_0$ in one dimension, and watch $\theta^*$ follow.
# > * *$\nabla L'$ is taken at $\theta_0$, or on $D$.* Answer: which examples judge, and which weights?
# > * *"$\lambda \to 0$ is best, for the inner problem is then solved."* Answer: best for what? The outer gradient has become zero.

# %% experiment [markdown]
# ## Experiment
#
# (90 minutes, 8 points.) In the lesson the data of quadratic tasks had no noise, and more steps on them were always better. Now each support output errs by a normal error of standard deviation $\sigma$; query outputs are exact, so that we judge how well
# $c$ was found. Each task has five examples and two weights, and its $c$ is standard normal in both directions. A step has $\alpha = 0.1$.
#
# **How far should adaptation go, and is stopping early as good as a pull?**
#
# *Predict first, in the cell below*: (a) the number of steps $K$, of 0 to 150, with the least mean query loss, for $\sigma = 0, 0.5, 1$ and 2, from the start $(0, 0)$; (b) whether the best $\lambda$ beats the best $K$, and by how many percent of the loss at the best $K$, at $\sigma = 1$;
# (c) what changes in (a) from the start $(2, 2)$: are the best $K$ larger or smaller, and after 150 steps at $\sigma = 1$, which share is left of the difference between the two starts before the first step?
#
# *Then*
#
# 1. write `pulled_ends`: $\theta^*$ of (H1), for every task in closed form. With $L = \frac1n \lVert X\theta - y \rVert^2$ the gradient of $L$ is $H\theta - r$ with $r = \frac2n X^\top y$; the functions `hessian` and `torch.linalg.solve` help;
# 2. for each $\sigma$, both starts and five seeds choose $K$ and $\lambda$ on training tasks, and judge both on test tasks (equal seeds draw equal tasks from both: take other seeds there);
# 3. give the difference of the two losses for each $\sigma$ as a mean over seeds with its 95% interval (`statistics.half_interval`, of a tensor with one number for each seed), and say what this interval does not speak of;
# 4. draw the loss against $K$ for the four $\sigma$, from both starts, and say which predictions held.

# %% experiment-prediction [markdown]
# *My predictions:* …

# %% experiment-given
family, sigmas, alpha, most = Quadratics(), (0.0, 0.5, 1.0, 2.0), 0.1, 150
near, far, pulls = torch.zeros(2), torch.full((2,), 2.0), torch.logspace(-3, 1, 41)


def noisy(tasks, sigma, seed):  # 500 tasks whose support outputs err
    rng = torch.Generator().manual_seed(seed)
    batch = tasks.sample(500, shots=5, queries=20, rng=rng)
    x, y = batch.support.x, batch.support.y
    y = y + sigma * torch.randn(y.shape, generator=rng)
    return replace(batch, support=Examples(x, y))

# %% experiment-given-steps
def after_steps(batch, start):  # the mean query loss after 0, 1, … steps
    path = adapt(family.main, start, batch.support, most, alpha, first_order=True)
    return family.main.loss(path.theta.detach(), batch.query).mean(1)  # (most + 1,)


for sigma in sigmas:
    loss = after_steps(noisy(family.train, sigma, seed=0), near)
    print(f"σ = {sigma}: before {loss[0]:.3f}, a step {loss[1]:.3f}, all {loss[-1]:.3f}")

# %% experiment-answer
def pulled_ends(batch, start, lam):  # θ* of every task, (n_tasks, 2)
    ...

# %% experiment-check
def check_ends(pulled_ends):
    batch = noisy(family.train, 1.0, seed=0)
    theta = pulled_ends(batch, far, 0.4)
    if theta is None:
        return print("Nothing to check yet: pulled_ends is still empty.")
    theta = theta.detach().requires_grad_()
    minimised = family.main.loss(theta, batch.support) + 0.2 * (theta - far).square().sum(-1)
    (slope,) = torch.autograd.grad(minimised.sum(), theta)
    print(f"the gradient at your ends: at most {slope.abs().max():.0e}; it should be below 1e-3")
    batch = noisy(family.train, 0.0, seed=0)
    away = (pulled_ends(batch, far, 1e-5) - batch.descriptor).norm(dim=-1).median()
    print(f"without noise, with hardly a pull: {away:.0e} from c; it should be below 1e-3")


check_ends(pulled_ends)

# %% experiment-answer-rest
# your loop over sigmas, starts and seeds, and your figure

# %% experiment-solution tags=["solution"]
def pulled_ends(batch, start, lam):
    x, y = batch.support.x, batch.support.y  # (n_tasks, 5, 2), (n_tasks, 5, 1)
    right = 2 * x.mT @ y / x.shape[1] + lam * start.unsqueeze(-1)
    return torch.linalg.solve(hessian(x) + lam * torch.eye(2), right).squeeze(-1)


def after_pull(batch, start):  # the mean query loss for each λ of `pulls`
    ends = torch.stack([pulled_ends(batch, start, lam) for lam in pulls])
    return family.main.loss(ends, batch.query).mean(1)


def one_seed(sigma, seed, start):  # K and λ chosen on training tasks, judged on test tasks
    train, test = noisy(family.train, sigma, seed), noisy(family.test, sigma, seed + 100)
    K, lam = after_steps(train, start).argmin(), after_pull(train, start).argmin()
    steps, pulled = after_steps(test, start), after_pull(test, start)
    return K, pulls[lam], steps[K], pulled[lam], steps[-1], steps[0]


check_ends(pulled_ends)

# %% experiment-solution-table tags=["solution"]
apart = {}  # (start, σ) → mean loss before the first step, and after the last
for where, start in {"near": near, "far": far}.items():
    for sigma in sigmas:
        rows = torch.tensor([one_seed(sigma, seed, start) for seed in range(5)])
        K, lam, steps, pulled, end, before = rows.mean(0).tolist()
        apart[where, sigma] = torch.tensor([before, end])
        gain = rows[:, 2] - rows[:, 3]
        print(f"{where:4} σ = {sigma}: best K {K:5.1f} (loss {steps:.3f}),", end=" ")
        print(f"best λ {lam:.3f} (loss {pulled:.3f}), at the end {end:.3f};", end=" ")
        print(f"the pull gains {gain.mean():.4f} ± {statistics.half_interval(gain):.4f}", end="")
        print(f", {gain.mean() / steps:.1%}")
for sigma in sigmas:
    before, end = (apart["far", sigma] - apart["near", sigma]).tolist()
    print(f"σ = {sigma}: starts {before:.2f} apart, in the end {end:.3f}", end=", ")
    print(f"a share of {end / before:.1%}")
print("(H4) with n = 5, v = 1:", [2 * sigma**2 / 5 for sigma in sigmas])

# %% experiment-solution-figure tags=["solution"]
figure, panels = figures.subplots(2, width=10, height=3.8, sharey=True)
colors = figures.BLACK, figures.BLUE, figures.GREEN, figures.VERMILION
for axes, start, where in zip(panels, (near, far), ("start (0, 0)", "start (2, 2)")):
    for sigma, color, line in zip(sigmas, colors, ("-", "--", "-.", ":")):
        tests = [noisy(family.test, sigma, 100 + seed) for seed in range(5)]
        losses = torch.stack([after_steps(test, start) for test in tests])
        mean, K = losses.mean(0), losses.mean(0).argmin()
        low, high = losses.amin(0), losses.amax(0)
        axes.plot(mean, line, color=color, label=f"σ = {sigma:g}")
        axes.fill_between(range(most + 1), low, high, color=color, alpha=0.2)
        axes.plot(K, mean[K], "o", color=color)
    axes.set(xlabel="steps K", yscale="log", title=where)
panels[0].set_ylabel("query loss, range of 5 seeds")
panels[0].legend(loc="lower left")
alt = "Query loss against steps: with noise it falls, then rises; a dot marks the least."
figures.show(figure, alt)

# %% experiment-solution-text [markdown] tags=["solution"]
# **(a)** Without noise the last $K$ is the best. With noise the loss falls and rises again, and the more noise there is, the sooner one should stop. **(b)** Once there is noise the best pull gains two to four percent of the loss, and the interval over five seeds
# lies above zero: real, and small. Without noise it gains because 150 steps do not reach the end along flat directions, and a tiny pull does; that speaks of the budget, not of the method.
#
# Why is a pull the better one? Let tasks have $c \sim N(m, v I)$, and outputs an error of variance $\sigma^2$. Bayes' rule gives $-\log p(c \mid D) = \lVert Xc - y \rVert^2 / 2\sigma^2 + \lVert c - m \rVert^2 / 2v$ up to a constant. Multiplied by $2\sigma^2/n$ that is (H1) with
#
# $$ \theta_0 = m, \qquad \lambda = \frac{2 \sigma^2}{n v} \tag{H4} $$
#
# All is normal, so that its minimum is the posterior mean, which has the least expected query loss. The measured $\lambda$ lies near (H4), as far as a flat minimum on 500 tasks allows. Steps leave the share $(1 - \alpha h)^K$ in place of $\lambda/(h + \lambda)$: another way to go nearly as far.
#
# **(c)** From the far start the best $K$ is larger and $\lambda$ smaller: a start that says less is worth leaving. (At $\sigma = 0.5$ it is at or next to 150 steps, the last that was tried: the least may come later.) At the end less than a hundredth is left of the difference between the starts, but that end is bad for both. With noise a good start is worth something that no number of steps replaces.

# %% experiment-teacher [markdown] tags=["teacher"]
# > **Rubric** · 8 points
# >
# > | points | for |
# > |---|---|
# > | 1 | predictions in writing, for (a), (b) and (c), with numbers |
# > | 2 | `pulled_ends` in closed form, with the start in it |
# > | 2 | $K$ and $\lambda$ chosen on other tasks than those that judge (other seeds); five seeds |
# > | 1 | the difference with its interval, and what it does not speak of: a budget beyond 150 steps, other tasks |
# > | 2 | a legible figure with axes named, and a sentence on each prediction |
# >
# > **Common failures**
# >
# > * *The factor 2 of $H$ is forgotten in $r$*, or the mean over $n$: the ends are wrong also without noise. Answer: at $\sigma = 0$ and a tiny $\lambda$ the end must be $c$, the batch's descriptor.
# > * *The pull leaves out $\lambda \theta_0$.* Nothing is seen at $(0, 0)$; from $(2, 2)$ all is wrong. Answer: to which place does it pull?
# > * *"The pull is better" without a size.* Answer: by how much, of what, and is the interval of the differences or of each by itself? (The same tasks serve both, so that differences vary far less.)
# > * *The same seed for choosing and judging.* Then they are the same tasks, and nothing in the numbers shows it. Answer: compare the two batches.
# > * *Noise is added to the query outputs too.* The curves are lifted by $\sigma^2$, and the conclusions stay. Answer: what do you judge, $c$ or the noise?

# %% explain [markdown]
# ## Explain
#
# (30 minutes, 4 points.) A fellow student who has read lesson 05 writes: *"Where the inner problem is solved to its end, every start is as good as any other. So a learned start is only a way to save steps. Whoever can afford a few thousand steps needs no meta-learning."*
#
# Answer in half a page. Say what is right in it, and under which conditions; use your figure and your derivation for what is not; and name one thing about real tasks that neither this homework nor the lesson's quadratics can tell.

# %% explain-answer [markdown]
# *My answer:* …

# %% explain-solution [markdown] tags=["solution"]
# The first sentence is right where two things hold: the examples fix the optimum, so that $H$ is invertible, and there is no pull. Then the share of the start that is left, $\lambda (H + \lambda I)^{-1}$ or $(I - \alpha H)^K$, goes to zero. In the figure hardly anything is left, after 150 steps, of what the two starts differ by.
#
# The conclusion does not follow. *Every start is equally good* may mean that every start is equally bad. With noisy examples the end of the inner problem fits the noise; in the figure, from the centre, the loss there is above the least on the way, and far above it for large $\sigma$. From the centre of the tasks the least is lower
# than from a start far off, and no number of steps makes up for that. The start says what tasks have in common; a pull to it, or stopping early, weighs that against five unreliable examples. By (H4) it should weigh the more, the noisier and fewer the examples, and the more alike the tasks.
# So a learned start does not only save steps: it is knowledge that the examples do not contain. The student is right about many, exact examples, where $\lambda$ of (H4) goes to zero.
#
# And in a network the condition itself fails: that of *Derive* has 16 weights and six examples. There $H$ is singular where the examples are fitted, there are many optima, and which of them is reached depends on the start, with no pull and after any number of steps.
#
# What neither can tell: how many tasks it takes to learn a start well, since ours was given; what noise of another kind does, or tasks without a common centre.

# %% explain-teacher [markdown] tags=["teacher"]
# > **Rubric** · 4 points
# >
# > | points | for |
# > |---|---|
# > | 1 | what is right, with its two conditions |
# > | 2 | why the conclusion fails, from the student's own figure and derivation |
# > | 1 | a limit that is real: how the start is learned, other noise, no common centre. (More weights than examples belongs to what is wrong: *Derive* has such a network; it counts here, too.) |
# >
# > **Common failures**
# >
# > * *Only "noise is bad".* Answer: bad for whom? Say at which $K$ the two starts differ, and how much.
# > * *"Stopping early saves time."* True, and beside the point. Answer: suppose that steps cost nothing.
# > * *A limit that says only that data were artificial.* Answer: which property of real data would change which sentence?
