# %% opening [markdown]
# # 01 · Everything is a mapping: homework
#
# **Must the surface of weights be curved?**
#
# In lesson 01 a trained generator laid a curved surface through the weights, one point for each wave. Here you write a generator by hand that is as flat as a sheet of paper, and find out whether training finds one like it, and what it is worth where no wave was trained on.
#
# Three hours: *Derive* 60 minutes, *Experiment* 80, *Explain* 40. It stands on lesson 01 and on no later one. You may use the lessons, the package, PyTorch's documentation and whatever you find elsewhere, if you say where; talk with others, write alone. *Hand in* this notebook, run from top to bottom, with your answers in it.
# What you predict is written before you run, and stays as it was: a wrong prediction costs nothing. 20 points in all.

# %% imports
import math

import torch

from hyperedu import Examples, Hypernetwork, MainNetwork, MLPGenerator, Sinusoids
from hyperedu import figures, meta_train
from hyperedu.statistics import half_interval

torch.set_num_threads(1)
family, main = Sinusoids(), MainNetwork.mlp([1, 40, 40, 1])
x = torch.linspace(-5, 5, 100).unsqueeze(-1)

# %% derive [markdown]
# ## Derive
#
# (8 points.) The main network has the layers $W_1, b_1$, then $W_2, b_2$, then $W_3, b_3$, with ReLU between them. Let $\theta^*$ be any weights of it.
#
# 1. Change $W_3$ and $b_3$ so that the output is $A\, g(\theta^*, x)$ at every $x$. Say why it is.
# 2. Change $b_1$ alone so that the output is $g(\theta^*, x - p)$ at every $x$. Say why it is.
# 3. Do both, and call the result $\theta(A, p)$. Write it as $c_0 + A\, v_A + p\, v_p$: which entries of the three vectors are not zero? Then say what this form means for the surface $\{\theta(A, p)\}$. Suppose that $\theta^*$ draws the sine with the mean squared error $L^*(p)$ at the points $x - p$: what is the error of $\theta(A, p)$
#    on the wave $A \sin(x - p)$ at the points $x$?
#
# Write the steps below and number your results. Then fill in the two functions. `by_hand` takes tensors $A$ and $p$ of one shape, and gives θ of that shape and one dimension more. (`main.unflatten` gives the layers by name, `main.flatten` undoes it; all
# layers must come with the same leading dimensions: `.expand` helps.) The check takes random $\theta^*$, so no training is needed. In its first two lines stand numbers that should be zero up to rounding, in the third two that should be equal.

# %% derive-answer-text [markdown]
# *My steps:* …

# %% derive-answer
def by_hand(theta_star, A, p):
    """θ(A, p): theta_star (P,), A and p (n,) → (n, P)."""
    # your lines


def error_of_wave(A, own):
    """The error of θ(A, p) on its wave; own (n,) is L*(p), that of θ* on the sine at x − p."""
    # your line

# %% derive-check
def check(by_hand, error_of_wave):
    torch.manual_seed(0)
    star, points = main.initial_weights().double(), x.double()
    A, p = 5 * torch.rand(2, 30, dtype=torch.float64)
    theta, across = by_hand(star, A, p), lambda value: value[:, None, None]
    if theta is None or error_of_wave(A, A) is None:
        return print("Nothing to check yet: a function is still empty.")
    drawn, sine = main(star, points - across(p)), torch.sin(points - across(p))
    away = main(theta, points) - across(A) * drawn
    print(f"away from A g(θ*, x − p): at most {away.abs().max():.1e}")
    B, q = A.flip(0), p.flip(0)  # other waves
    bend = by_hand(star, (A + B) / 2, (p + q) / 2) - (theta + by_hand(star, B, q)) / 2
    print(f"θ of the mean wave, minus the mean of both θ: at most {bend.abs().max():.1e}")
    loss = (main(theta, points) - across(A) * sine).square().mean((1, 2))
    mine = error_of_wave(A, (drawn - sine).square().mean((1, 2)))
    print(f"error of the last wave: measured {loss[-1]:.9f}, yours {mine[-1]:.9f}")


check(by_hand, error_of_wave)

# %% derive-solution [markdown] tags=["solution"]
# **1.** Nothing follows the last layer: $y = W_3 h + b_3$ with $h$ from the layers before. So $A W_3$ and $A b_3$ give $A y$, whatever $x$ is. **2.** $x$ enters the network in one place, as $W_1 x + b_1$. Put $b_1 - p W_1$ for $b_1$: then $W_1 x + b_1 - p W_1 = W_1 (x - p) + b_1$, and all that follows sees $x - p$. **3.** The two changes touch different layers, so both can be made:
#
# $$ \theta(A, p) = c_0 + A\, v_A + p\, v_p, \qquad g(\theta(A, p), x) = A\, g(\theta^*, x - p) \tag{H1} $$
#
# where $c_0$ holds $W_1, b_1, W_2, b_2$ of $\theta^*$ and zeros for the last layer, $v_A$ holds $W_3$ and $b_3$ alone, and $v_p$ holds $-W_1$ in the place of $b_1$ alone. There is no product of $A$ and $p$ in it, and no square: the surface is a plane, and the point half-way between two of its networks is the network of the wave half-way.
# It has the form of (2) of lesson 01 without a trunk: $\theta = V \tau + c$. The error has the factor $A^2$, since both $A\, g(\theta^*, x - p)$ and the wave have the factor $A$:
#
# $$ \tfrac1n \textstyle\sum_i \big(g(\theta(A, p), x_i) - A \sin(x_i - p)\big)^2 = A^2 L^*(p) \tag{H2} $$

# %% derive-code-solution tags=["solution"]
def by_hand(theta_star, A, p):
    layers = main.unflatten(theta_star.expand(*A.shape, -1))
    W_1, A, p = layers["0.weight"], A[..., None], p[..., None]
    return main.flatten(layers | {
        "0.bias": layers["0.bias"] - p * W_1.squeeze(-1),
        "4.weight": A[..., None] * layers["4.weight"],
        "4.bias": A * layers["4.bias"],
    })  # fmt: skip


def error_of_wave(A, own):
    return A**2 * own


check(by_hand, error_of_wave)

# %% derive-teacher [markdown] tags=["teacher"]
# > **Rubric** · 8 points
# >
# > | points | for |
# > |---|---|
# > | 1 | step 1, with the reason: nothing follows the last layer |
# > | 2 | step 2, with the reason: $x$ enters in one place |
# > | 3 | the three vectors of (H1), and what it means: a plane, no product of $A$ and $p$ |
# > | 1 | the factor $A^2$ of (H2) |
# > | 1 | code that passes the check's three lines |
# >
# > **Common failures**
# >
# > * All layers times $A$. Ask what three factors give. (Roughly $A^3$; with the biases in between nothing so simple.)
# > * $b_1 - p$ for $b_1 - p W_1$. Each unit sees $x$ through its own weight, so each bias moves by its own amount. The first line of the check is then far from zero.
# > * "It is curved, since two things are multiplied." $A$ multiplies what is fixed, $W_3$; $p$ multiplies $W_1$. A product $A p$ would come if both changed one layer.
# > * The function is linear in $A$ and so the error is, too. It is a *squared* error.

# %% experiment [markdown]
# ## Experiment
#
# (7 points.) So a flat generator *can* serve all waves. Does training find one? And since your step 3 holds for every amplitude: is a flat one better than a curved one outside the amplitudes that were trained on? `MLPGenerator(2, main, hidden=())` has no trunk, and so writes $V \tau + c$ (*flat*); `MLPGenerator(2, main)` is that of lesson 01 (*curved*).
#
# **Predict first, in writing**, each with a reason: (a) which has the lower error on amplitudes from 0.5 to 5, flat or curved, and by which factor, roughly? (b) And on amplitudes from 6 to 10, with phases as in training? (c) Where will your generator by hand stand in both, if $\theta^*$ is trained on the sine alone, for $x$ from $-5 - \pi$ to 5? Why from there?
#
# Then measure. Flat and curved may want different rates of Adam: for each try 0.003, 0.01, 0.03 and 0.1 with seed 10, and take the one with the lowest loss on *training* waves (`history.recent()["loss"]`, with `history` what `meta_train` gives back). Each training has 500 steps with `shots=0`, and all else as it is by default. With it train for seeds 0 to 4, and one $\theta^*$ with `sine_network` for each seed. `error_by_amplitude` gives the error divided by $A^2$: by your step 3 the generator by hand must give a level line. Draw the error divided by $A^2$ against the amplitude, a line for each seed, with the range of training marked. Print for both ranges the mean over amplitudes of each seed, and the mean difference *flat minus curved* of the logarithms (base 10) of these means, with half of its interval (`half_interval`). Say what is shown and what is not, and whether the generator by hand is a rival of the other two.
#
# If flat and by hand differ: both have the same form, so say what keeps training from the plane that you know to be there. One sentence of what you would try.

# %% experiment-prediction [markdown]
# *My predictions:* …

# %% experiment-given
def sine_network(seed, steps=1500):
    """θ* that draws sin x from −5 − π to 5: one ordinary training."""
    torch.manual_seed(seed)
    points = torch.linspace(-5 - math.pi, 5, 300).unsqueeze(-1)
    theta = main.initial_weights().requires_grad_()
    optimizer = torch.optim.Adam([theta], lr=5e-3)
    falling = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(steps):
        optimizer.zero_grad()
        main.loss(theta, Examples(points, points.sin())).backward()
        optimizer.step()
        falling.step()
    return theta.detach()

# %% amplitudes-given
amplitudes = torch.linspace(0.5, 10, 39)


@torch.no_grad()
def error_by_amplitude(f):
    """f : (A, p) (n,) each → θ (n, P). Mean over 20 phases of the error, divided by A²."""
    A, p = torch.meshgrid(amplitudes, torch.linspace(0, math.pi, 20), indexing="ij")
    y = family.function(A.flatten()[:, None, None], p.flatten()[:, None, None], x)
    waves = Examples(x.expand_as(y), y)
    return (main.loss(f(A.flatten(), p.flatten()), waves).view_as(A) / A**2).mean(1)

# %% experiment-answer
# errors["flat"], errors["curved"], errors["by hand"]: (seeds, amplitudes) each; table, figure

# %% experiment-solution tags=["solution"]
def trained(hidden, seed, lr):
    torch.manual_seed(seed)
    learner = Hypernetwork(main, MLPGenerator(2, main, hidden=hidden))
    adam = torch.optim.Adam(learner.parameters(), lr=lr)
    history = meta_train(learner, family.train, 500, shots=0, optimizer=adam, progress=False)
    return learner, history.recent()["loss"]


errors = {"flat": [], "curved": [], "by hand": []}
for name, hidden in (("flat", ()), ("curved", (64, 64))):
    losses = {lr: trained(hidden, 10, lr)[1] for lr in (0.003, 0.01, 0.03, 0.1)}
    rate = min(losses, key=losses.get)
    print(f"{name}: losses", *(f"{loss:.3f}" for loss in losses.values()), f"so the rate is {rate}")
    for learner in (trained(hidden, seed, rate)[0] for seed in range(5)):
        written = lambda A, p, learner=learner: learner(family.describe(A, p))
        errors[name].append(error_by_amplitude(written))

# %% experiment-table-solution tags=["solution"]
for star in (sine_network(seed) for seed in range(5)):
    errors["by hand"].append(error_by_amplitude(lambda A, p, star=star: by_hand(star, A, p)))
errors = {name: torch.stack(of_seeds) for name, of_seeds in errors.items()}
for said, chosen in (("0.5 to 5", amplitudes <= 5), ("6 to 10", amplitudes >= 6)):
    means = {name: each[:, chosen].mean(1) for name, each in errors.items()}
    for name, of_seeds in means.items():
        print(f"A from {said:8} {name:8} error / A²:", *(f"{e:.5f}" for e in of_seeds))
    d = (means["flat"] / means["curved"]).log10()
    print(f"   log10, flat minus curved: {d.mean():+.2f} ± {half_interval(d):.2f}")

# %% experiment-climb-solution tags=["solution"]
low, high = 0, (amplitudes - 5).abs().argmin()
for name in ("flat", "curved"):
    climb = errors[name][:, -1] / errors[name][:, high]
    print(f"{name}: A = 10 over A = 5", *(f"{e:.0f}" for e in climb))
ratio = errors["flat"].mean(0) / errors["curved"].mean(0)
print(f"flat over curved: {ratio[low]:.1f} at A = 0.5, {ratio[high]:.1f} at A = 5")

# %% experiment-figure-solution tags=["solution"]
figure, (axes,) = figures.subplots(width=7, height=4)
colours = figures.VERMILION, figures.BLUE, figures.GREEN
for (name, each), colour in zip(errors.items(), colours):
    lines = axes.plot(amplitudes, each.T, color=colour, alpha=0.8)
    lines[0].set_label(name)
axes.axvspan(0.1, 5, color=figures.SKY, alpha=0.2, label="trained on (not by hand)")
axes.set(xlabel="amplitude A", ylabel="mean squared error / A²", yscale="log")
axes.legend(loc="upper left", bbox_to_anchor=(1, 1))
figures.show(figure, "Error divided by A² against amplitude: flat, curved, and by hand.")

# %% experiment-text-solution [markdown] tags=["solution"]
# *(c)* The points that count are $x - p$ with $x$ from −5 to 5 and $p$ from 0 to π, so $\theta^*$ must draw the sine from $-5 - \pi$ to 5. Its lines are level, as (H2) says, at a height that differs from seed to seed: that is the luck of one small training. It never met an amplitude, so 10 is no harder for it than 1.
#
# *(a)* On amplitudes from 0.5 to 5, flat is worse than curved in all five pairs, by a factor of about five, and the interval excludes zero. So training found a plane that serves, but not one as good as the curved surface, although such planes exist: on average by hand is on the level of curved. The factor is that of 500 steps, in which they differ in how fast they learn as well as in how far they come; and it is largest at small amplitudes, which the division by $A^2$ brings out. *(b)* Outside, flat is not shown to be better, nor worse: the interval holds zero. Both climb by a factor of about a hundred to several hundred from 5 to 10. "Linear, so it extrapolates" is refuted by its own
# lines: θ is linear in τ, but $y$ multiplies three layers. Where all three move with $A$, $y$ can grow like $A^3$; in our plane one of them moves.
#
# (The error divided by $A^2$ is large at the left end, too: the loss of training counts errors as they are, so small waves hardly count.)
#
# *What keeps training from our plane*: it starts at a random $V$ in which every layer moves with both numbers, and no term of the loss asks for the layers to stand still. We guess that many planes serve amplitudes up to 5, and that the gradient goes to one nearby. Rates count as well: at the lowest that was tried flat has many times the loss. *To try*: begin $c$ at the weights of an ordinary network (`main.initial_weights()`), and $V$ at zero but for the last layer and $b_1$; or train longer. Neither was tried here. (With $c$ at zero, as `MLPGenerator` begins, such a $V$ could not learn: all layers but the last would be zero, and with ReLU hardly any weight would have a gradient. On another machine trainings differ somewhat, and so do these numbers.)

# %% experiment-teacher [markdown] tags=["teacher"]
# > **Rubric** · 7 points
# >
# > | points | for |
# > |---|---|
# > | 1 | predictions with reasons, written before the run; why $\theta^*$ needs $x$ from $-5 - \pi$ |
# > | 1 | rates chosen by training waves, with what was tried |
# > | 2 | table and figure: every seed, both ranges, axes with names, intervals of the differences |
# > | 2 | a verdict for each range that follows from its interval, "not decided" included; by hand kept apart from the contest |
# > | 1 | what keeps training from the plane, with something to try that could work |
# >
# > **Common failures**
# >
# > * One rate for both, that of the lesson. Flat then looks hopeless: the printed losses of the lowest rate show by how much. Ask whether the form or the rate was compared.
# > * "Flat must extrapolate, as it is linear." θ is linear in τ; $y$ is not, since three layers that all move are multiplied. By hand only one layer moves with $A$.
# > * The generator by hand is called the winner. It was given the family's formula; the other two had to find it from points.
# > * $\theta^*$ is trained on $x$ from −5 to 5. Then $x - p$ leaves its range for phases above 0, and the level line lies much higher.

# %% explain [markdown]
# ## Explain
#
# (5 points.) A fellow student read lesson 01 and your generator by hand, and says: *"The lesson claims that single weights mean nothing for the task. But in your generator I can point at them: $W_3$ is the amplitude, $b_1$ is the phase. So weights do have a meaning, and one could have used them as sliders."* Answer in half a page, for somebody who missed the lesson. Say what is right in it and what is wrong; what an axis of $\mathbb{R}^P$ is beside a direction in it; what of it is a property of
# the main network, of $\theta^*$, and of the generator; and whether what you say holds of the trained generators, too. Use a number or a line of your figure.

# %% explain-answer [markdown]
# *My answer:* …

# %% explain-solution [markdown] tags=["solution"]
# Right is that the main network lets two changes of its weights have a simple effect: since nothing follows the last layer, its scale is the scale of $y$, and since $x$ enters in one place, biases can shift it. That holds for *every* $\theta^*$, so it is a property of $g$.
#
# But no single weight is the amplitude. One entry of $W_3$ alone bends the curve; all 41 numbers of the last layer must move together, in the proportion that $\theta^*$ gives them. The phase takes 40 biases, each moved by its own $W_1$. The sliders are two *directions* $v_A$ and $v_p$ in $\mathbb{R}^{1761}$, and each touches dozens of axes. Another $\theta^*$ for the same sine, such as one with its units in
# another order, has other directions. With an axis as slider one would have to move 81 of them in step: this is what the generator does. And at a random $\theta^*$ the same directions scale and shift a curve that is no sine: that the plane holds *good* networks comes from $\theta^*$ alone.
#
# The trained generators have no such order. The curved one was never asked for it, and the figure shows that it did not find the rule $A\, g$: its error divided by $A^2$ stays low where there were tasks and climbs outside, where that by hand is a level line. The knowledge "amplitude only multiplies" was put in by hand; no slider on a trained surface gives it.

# %% explain-teacher [markdown] tags=["teacher"]
# > **Rubric** · 5 points
# >
# > | points | for |
# > |---|---|
# > | 1 | what is right: two changes with a simple effect, for every $\theta^*$ |
# > | 2 | what is wrong: directions, not axes; many weights in step, in a proportion that $\theta^*$ sets |
# > | 1 | the three origins told apart: $g$, $\theta^*$, the generator |
# > | 1 | the trained generators, with a number or a line of the figure |
# >
# > **Common failures**
# >
# > * "The student is wrong, weights mean nothing." Ask what happens to $y$ if the whole last layer is doubled.
# > * "So hypernetworks are superfluous." By hand we used that we know the family: amplitude multiplies, phase shifts. Ask for $v_A$ of a weather station.
# > * Direction and axis are mixed up. Have the entries of $v_p$ that are not zero counted. (40.)
