# %% opening [markdown]
# # 02 · Training a hypernetwork: homework
#
# **What does a step on one task do to the networks of all others?**
#
# Equation (2) of lesson 02 carries the gradient of one task into φ. But φ serves all tasks, so the step also rewrites networks that it was not meant for. Here you derive how much, and find out whether the part of the generator that decides it must be trained at all.
#
# Three hours: *Derive* 60 minutes, *Experiment* 80, *Explain* 40. It stands on lesson 02 and on no later one. You may use the lessons, the package, PyTorch's documentation and whatever you find elsewhere, if you say where; talk with others, write alone. *Hand in* this notebook, run from top to bottom, with your answers in it.
# What you predict is written before you run, and stays as it was: a wrong prediction costs nothing. 20 points in all.

# %% imports
import copy

import torch

from hyperedu import Examples, Hypernetwork, MainNetwork, MLPGenerator, Sinusoids
from hyperedu import figures, meta_test, meta_train
from hyperedu.statistics import half_interval

family, main = Sinusoids(), MainNetwork.mlp([1, 40, 40, 1])

# %% derive [markdown]
# ## Derive
#
# (8 points.) The generator is $\theta = V h(\tau) + c$. Take one gradient step of rate $\alpha$ on the head alone, $V$ and $c$, for the loss $L_1$ of one task $\tau_1$; the trunk $h$ stays. Write $G_1 = \partial L_1 / \partial \theta$ at $\theta = f_\varphi(\tau_1)$, a vector of $P$ numbers.
#
# 1. Use (2) of lesson 02, and its like for $c$, to write down the new $V$ and $c$. So by which vector does the step change the weights $f_\varphi(\tau')$ of *any* task $\tau'$? Show that it is $G_1$ times one number, $-\alpha K(\tau_1, \tau')$, and give $K$. Is the result exact, or only for small $\alpha$?
# 2. Now the loss is the mean over $n$ tasks. By which vector do the weights of $\tau'$ change? For which generators, if any, would each task's weights follow their own gradient alone, as if trained separately? Give an example.
# 3. To first order in $\alpha$, by how much does the loss $L'$ of another task $\tau'$ change after the step on $\tau_1$? Write $G'$ for its gradient at its own weights. When does the step help the other task, and when does it harm it?
#
# Write the steps below, number your results, and fill in the three functions. The check takes real steps in float64. In its first two lines stand differences that should be zero up to rounding; in the last three, the ratio of the real change to yours, whose distance from 1 should be about a tenth of that in the line before.

# %% derive-answer-text [markdown]
# *My steps:* …

# %% derive-answer
def K(h_1, h):
    """K(τ₁, τ'): what the trunk makes of both, (64,) and (64,) → one number."""
    # your line


def change_of_weights(alpha, H, G, h):
    """Of τ', after a step on n tasks: their h, H (n, 64), their gradients G (n, P) → (P,)."""
    # your lines


def change_of_loss(alpha, h_1, G_1, h, G):
    """First order, of τ', after a step on τ₁ alone → one number."""
    # your line

# %% derive-setting
torch.manual_seed(0)
generator = MLPGenerator(2, main).double()
x = torch.linspace(-5, 5, 50, dtype=torch.float64).unsqueeze(-1)
A, p = torch.tensor([1.0, 2.0, 4.0, 3.0]), torch.tensor([0.5, 2.5, 1.0, 2.0])
y = family.function(A[:, None, None].double(), p[:, None, None].double(), x)
D, tau = Examples(x.expand_as(y), y), family.describe(A, p).double()  # the last one is τ'


def stepped(alpha, tasks):
    """θ of all four after a real step on the head, for the mean loss of the tasks named."""
    moved = copy.deepcopy(generator)
    main.loss(moved(tau), D)[tasks].mean().backward()
    with torch.no_grad():
        for w in moved.head.parameters():
            w -= alpha * w.grad
    return moved(tau).detach()

# %% derive-check
def check(K, change_of_weights, change_of_loss):
    theta = generator(tau).detach().requires_grad_()
    loss, h = main.loss(theta, D), generator.hidden(tau).detach()
    (G,) = torch.autograd.grad(loss.sum(), theta)
    found = [K(h[0], h[3]), change_of_weights(0.1, h, G, h[3])]
    found += [change_of_loss(0.1, h[0], G[0], h[3], G[3])]
    if any(one is None for one in found):
        return print("Nothing to check yet: a function is still empty.")
    for n in (1, 3):
        real = (stepped(0.1, list(range(n))) - theta)[3]
        mine = change_of_weights(0.1, h[:n], G[:n], h[3])
        print(f"change of θ' after a step on {n}: differs by {(real - mine).abs().max():.1e}")
    for alpha in (1e-5, 1e-6, 1e-7):
        real = (main.loss(stepped(alpha, [0]), D) - loss)[3].item()
        mine = change_of_loss(alpha, h[0], G[0], h[3], G[3])
        print(f"change of L', α = {alpha:.0e}: real / yours = {real / mine:.6f}")


check(K, change_of_weights, change_of_loss)

# %% derive-solution [markdown] tags=["solution"]
# **1.** By (2), $\partial L_1 / \partial V = G_1 h(\tau_1)^\top$ and $\partial L_1 / \partial c = G_1$, since $\partial \theta / \partial c$ is the identity. So $V$ becomes $V - \alpha G_1 h(\tau_1)^\top$ and $c$ becomes $c - \alpha G_1$, and what they write for $\tau'$ changes by
#
# $$ \Delta f_\varphi(\tau') = -\alpha\, K(\tau_1, \tau')\, G_1, \qquad K(\tau_1, \tau') = \langle h(\tau_1), h(\tau') \rangle + 1 \tag{H1} $$
#
# It is exact for every $\alpha$: θ is linear in $V$ and $c$, and $h$ stays. The 1 is the share of $c$. **2.** The gradient of a mean is the mean of the gradients:
#
# $$ \Delta f_\varphi(\tau') = -\frac{\alpha}{n} \sum_{i=1}^{n} K(\tau_i, \tau')\, G_i \tag{H2} $$
#
# Each task's weights would follow their own gradient alone if $K(\tau_i, \tau_j) = 0$ for all $i \neq j$, each at a rate of its own, $\alpha K(\tau_i, \tau_i) / n$. With $c$ the vectors $(h, 1)$ of different tasks must be at right angles, which at most as many tasks can be as these have entries, here 65; where τ may take any value, as for waves, it cannot be: $h$ is
# continuous, so $K$ of two tasks that are nearly the same is nearly $\lVert h \rVert^2 + 1$. Without $c$ a one-hot τ in place of $h$ does it: each task owns a column of $V$, and a new task has none: (1) of lesson 02 with θ free. (With $c$, $K$ is 1 between one-hot tasks: all hear what goes into $c$.)
#
# **3.** $\Delta L' \approx \langle G', \Delta f_\varphi(\tau') \rangle$, so that
#
# $$ \Delta L' \approx -\alpha\, K(\tau_1, \tau')\, \langle G', G_1 \rangle \tag{H3} $$
#
# It helps where $K$ and $\langle G', G_1 \rangle$ have the same sign. $K$ says how far a step is heard, and is a matter of the generator; whether what is heard is good depends on the main network and the tasks.

# %% derive-code-solution tags=["solution"]
def K(h_1, h):
    return h_1 @ h + 1  # (H1)


def change_of_weights(alpha, H, G, h):
    return -alpha * torch.stack([K(h_i, h) * G_i for h_i, G_i in zip(H, G)]).mean(0)  # (H2)


def change_of_loss(alpha, h_1, G_1, h, G):
    return (-alpha * K(h_1, h) * (G @ G_1)).item()  # (H3)


check(K, change_of_weights, change_of_loss)

# %% derive-teacher [markdown] tags=["teacher"]
# > **Rubric** · 8 points
# >
# > | points | for |
# > |---|---|
# > | 3 | (H1) from (2), with the share of $c$, and that it is exact |
# > | 1 | (H2) |
# > | 1 | when tasks would be apart: $K = 0$ between them, with an example: one-hot without $c$, or $(h, 1)$ at right angles |
# > | 2 | (H3), with both factors of its sign |
# > | 1 | code that passes the check |
# >
# > **Common failures**
# >
# > * $K = \langle h, h' \rangle$: the bias $c$ is forgotten. The check's first line is then far from zero. Ask what a step does if $h(\tau_1) = 0$. (It moves all tasks alike.)
# > * "Approximately, for small $\alpha$", in step 1. Ask in which variable θ is not linear. (In the trunk, which stays.)
# > * "Similar tasks help each other" as the answer to 3. That is a guess about $\langle G', G_1 \rangle$; the formula has two factors, and either may be negative.
# > * A generator with very many hidden units is given as the one whose tasks are apart. Wide layers make $K$ smooth, not zero: neighbours still hear each other.

# %% experiment [markdown]
# ## Experiment
#
# (7 points.) In your result for $n$ tasks nothing but $K(\tau_i, \tau')$ depends on τ′, and $K$ is decided by the trunk. If the trunk is never trained, $K$ stays what chance made it. Is that good enough, so that only the head need be trained? And if not: is it enough to *have* a good trunk, or must it move while the head learns?
#
# **Predict first, in writing**: after 300 steps, order the errors on unseen waves of a generator (a) trained as a whole; (b) of the same sizes, its trunk frozen as it was drawn; (c) with the trunk of a trained (a), frozen, below a new head. By which factors, roughly, and why? Which results would say that the trunk need not learn, and that it need not move?
#
# `make` builds the three: `generator.trunk.requires_grad_(False)` freezes a trunk, `load_state_dict` copies one, and `redraw_head` makes a new head for it. The trunk of (c) is that of the (a) of the same seed, trained at the rate that you found for (a): keep these in a dictionary that `make` reads. Give the optimiser only what learns, and train with `shots=0` and
# `rng=torch.Generator().manual_seed(seed)`, so that the three see the same batches. For each of the three try Adam at 0.0003, 0.001, 0.003, 0.01 and 0.03 with seed 10, and take the rate with the lowest loss on *training* waves (`history.recent()["loss"]`, with `history` what `meta_train` gives back). With it train seeds 0 to 4; print how many numbers learn, the error of each on
# unseen waves (`meta_test(…, shots=0).mean`), and the mean differences of logarithms (base 10), (b) minus (a), (c) minus (a) and (b) minus (c), with half of their intervals.
#
# Last, look at what is heard. Draw $K(\tau_1, \tau') / K(\tau_1, \tau_1)$ for (a) and (b), seed 0: $\tau_1$ is the wave with amplitude 2.5 and phase 1.5, $\tau'$ has the same amplitude and all phases from 0 to π. Does the curve say which generator is better? And take 200 training waves, each with its gradient $G$ at the weights that are written for it: for which share of pairs is
# $\langle G, G' \rangle$ negative, in an (a) before its training and after it?

# %% experiment-prediction [markdown]
# *My predictions:* …

# %% redraw-given
@torch.no_grad()
def redraw_head(generator):
    """Equation (3) of lesson 02, for the trunk that the generator has now."""
    size = generator.hidden(torch.randn(4096, 2)).square().sum(-1).mean().sqrt()
    generator.head.weight.normal_().mul_(main.initial_std[:, None] / size)
    generator.head.bias.zero_()

# %% experiment-answer
def make(kind, seed):
    torch.manual_seed(seed)
    # your lines: a Hypernetwork of the kind "whole", "frozen" or "transplanted"

# %% experiment-solution tags=["solution"]
learners, errors = {}, {}  # learners: (kind, seed) → at the best rate of the kind


def make(kind, seed):
    torch.manual_seed(seed)
    generator = MLPGenerator(2, main)
    if kind == "transplanted":
        donor = learners["whole", seed]
        generator.trunk.load_state_dict(donor.generator.trunk.state_dict())
        redraw_head(generator)
    generator.trunk.requires_grad_(kind == "whole")
    return Hypernetwork(main, generator)

# %% experiment-trained-solution tags=["solution"]
def trained(kind, seed, lr):
    learner = make(kind, seed)
    learned = [p for p in learner.parameters() if p.requires_grad]
    adam = torch.optim.Adam(learned, lr=lr)
    settings = {"optimizer": adam, "rng": torch.Generator().manual_seed(seed), "progress": False}
    history = meta_train(learner, family.train, 300, shots=0, **settings)
    return learner, history.recent()["loss"], sum(p.numel() for p in learned)

# %% experiment-rates-solution tags=["solution"]
for kind in ("whole", "frozen", "transplanted"):
    losses = {lr: trained(kind, 10, lr)[1] for lr in (0.0003, 0.001, 0.003, 0.01, 0.03)}
    rate = min(losses, key=losses.get)
    runs = {seed: trained(kind, seed, rate) for seed in (0, 1, 2, 3, 4, 10)}
    learners |= {(kind, seed): run[0] for seed, run in runs.items()}
    tests = [meta_test(learners[kind, seed], family.test, shots=0).mean for seed in range(5)]
    errors[kind] = torch.tensor(tests)
    print(f"{kind:12} {runs[0][2]:,} numbers learn;", end=" ")
    print("losses by rate", *(f"{loss:.3f}" for loss in losses.values()))
    print(f"{'':12} rate {rate}: unseen waves", *(f"{e:.3f}" for e in tests))
for one, other in (("frozen", "whole"), ("transplanted", "whole"), ("frozen", "transplanted")):
    d = (errors[one] / errors[other]).log10()
    print(f"log10, {one} minus {other}: {d.mean():+.2f} ± {half_interval(d):.2f}")

# %% experiment-figure-solution tags=["solution"]
figure, (axes,) = figures.subplots(width=6.5, height=4)
phases = torch.linspace(0, 3.14, 100)
at, others = family.describe(2.5, 1.5), family.describe(torch.full_like(phases, 2.5), phases)
with torch.no_grad():
    for kind, colour in (("whole", figures.VERMILION), ("frozen", figures.BLUE)):
        f = learners[kind, 0].generator
        h_1, h = f.hidden(at), f.hidden(others)
        heard = (h @ h_1 + 1) / (h_1 @ h_1 + 1)
        print(f"{kind}: from {heard.min():.2f} to {heard.max():.2f}")
        axes.plot(phases, heard, color=colour, lw=2, label=kind)
axes.axvline(1.5, color=figures.GREY, ls="--", label="τ₁")
axes.set(xlabel="phase of τ' (rad)", ylabel="K(τ₁, τ') / K(τ₁, τ₁)")
axes.legend()
alt = "How far a step on one wave is heard by waves of other phases, for two trunks."
figures.show(figure, alt)

# %% experiment-harm-solution tags=["solution"]
def harmed(learner):  # the share of pairs of waves whose gradients have a negative inner product
    waves = family.train.sample(200, 0, 50, torch.Generator().manual_seed(7))
    theta = learner(waves.descriptor).detach().requires_grad_()
    (G,) = torch.autograd.grad(main.loss(theta, waves.query).sum(), theta)
    pairs = torch.triu_indices(200, 200, 1)
    return (G @ G.T < 0)[pairs[0], pairs[1]].float().mean()


shares = [(harmed(make("whole", seed)), harmed(learners["whole", seed])) for seed in range(5)]
for name, of in zip(("new", "trained"), zip(*shares)):
    print(f"{name:8} pairs with a negative product:", *(f"{share:.0%}" for share in of))

# %% experiment-text-solution [markdown] tags=["solution"]
# *The trunk must learn*: frozen as it was drawn, the error is more than ten times that of the whole, and the interval excludes zero. Nearly all learned numbers are in the head, and still it cannot make up for a $K$ that chance made, in these 300 steps. *To have a good trunk is about half of it*, in logarithms: below a new head a frozen, trained trunk is several times better than a
# frozen random one, and several times worse than the whole; neither interval holds zero. So here the trunk must also move while the head learns. (That trunk had 300 steps of its own before, so this is not the cheaper way.) Both intervals are wide: by which factor, they hardly say.
#
# Not all want the same rate: at that of the whole, the frozen one would look far worse still. Why, these numbers do not say. It is not the size of $K$ alone: both begin with the same trunk.
#
# *The curve*: neither is a peak at $\tau_1$. That of the random trunk is more than twice as high at one end: a step on $\tau_1$ is heard there louder than at $\tau_1$ itself. The reason is the length of $h$, which is small near the middle of the waves, where τ is near 0. The trained curve is flatter; its shape differs from training to training. So it does not say which is better: one
# would think that a level one cannot tell tasks apart. It shows one row of $K$ along one line of tasks, and what tells the tasks apart may be small differences.
#
# *The pairs*: after training, nearly half have a negative product, in each of the five generators; before, it depends on how the generator was drawn. Where $K$ is positive, as all along our curves, a step on one wave then harms nearly every second other one, to first order.

# %% experiment-teacher [markdown] tags=["teacher"]
# > **Rubric** · 7 points
# >
# > | points | for |
# > |---|---|
# > | 1 | predictions with reasons, and a result that would have said the opposite, written before the run |
# > | 2 | three generators, the trunk truly frozen (how many numbers each learns is printed), rates chosen by training waves |
# > | 2 | errors of five seeds on the same batches, differences of logarithms with intervals, a verdict for (b) and for (c) that fits the intervals found |
# > | 1 | what (c) adds: to have a good trunk, and to move it, told apart |
# > | 1 | the curve of $K$ and the share of pairs, read as they are, and no more read into them (the shape of the trained curve differs from training to training) |
# >
# > **Common failures**
# >
# > * The head is frozen, too, or nothing is. The printed number of learned numbers tells: the trunk has 4,352, the head 114,465.
# > * One rate for all. Ask what the printed losses would say at the best rate of (a).
# > * In (c) the old head is kept, or drawn for the old trunk. The first is (a) trained on; the second begins at another scale than (3) wants.
# > * "A trained $K$ must be a peak at $\tau_1$." It need not; ask for the largest and the smallest value of both curves.

# %% explain [markdown]
# ## Explain
#
# (5 points.) A colleague who missed the lesson says: *"Training a hypernetwork is just training a network for each task, with φ as a clever way to store them. Each gradient still belongs to one task's weights."* Criticise this in half a page. Say where the sentence would be true, and where it fails, with (2) of the lesson and your $K$; what sharing gives to a task that was never trained on, and what it may cost one that was; and which of your numbers or curves show it. Say also what your derivation
# leaves out, since the trunk of (a) does learn.

# %% explain-answer [markdown]
# *My answer:* …

# %% explain-solution [markdown] tags=["solution"]
# The sentence is true of one kind of generator: where $K(\tau_i, \tau_j) = 0$ for different tasks, as for a one-hot τ on a head without bias. There φ is indeed a cupboard with a drawer for each task.
#
# In any other, the gradient of task 1 is not applied to its weights. It goes into $V$ and $c$, and comes out again at *every* τ, as $-\alpha K(\tau_1, \tau') G_1$: (H1). So the weights of one task move along the gradients of all tasks of the batch, by (H2), and most along those whose $h$ is long or points the same way. That is a gift: a wave that was never drawn gets its network from the steps of its neighbours, and the errors on unseen waves above are nothing else. It is also a price: by (H3) a step is
# heard whether or not it is wanted, and where $\langle G', G_1 \rangle < 0$ and $K > 0$ it harms: in our trained generators nearly half of all pairs. In the figure no phase is deaf to a step on $\tau_1$: both curves are far from 0 everywhere, and some waves hear it louder than $\tau_1$ itself. A network stored for each task would have 1 at $\tau_1$ and 0 elsewhere.
#
# Left out: in (a) the trunk moves as well, so $K$ itself changes at each step and (H1) is one part of the step only. Adam also rescales each number of the gradient, so that (H2) describes gradient descent, not exactly our trainings. And (H3) is first order: a large step may harm where it promises help.

# %% explain-teacher [markdown] tags=["teacher"]
# > **Rubric** · 5 points
# >
# > | points | for |
# > |---|---|
# > | 1 | where the sentence is true ($K = 0$ between tasks) |
# > | 2 | where it fails: a gradient is heard by every τ, with $K$; gift and price both named |
# > | 1 | a number or curve of the student's own that shows it |
# > | 1 | what is left out: the trunk learns, or Adam, or the first order |
# >
# > **Common failures**
# >
# > * Only the gift is named. Ask when (H3) is positive.
# > * "θ is not stored, it is computed" and no more. True, and it does not answer the colleague: a table is computed, too.
# > * The figure is read as accuracy. $K$ says how far a step is heard, not whether it was good.
