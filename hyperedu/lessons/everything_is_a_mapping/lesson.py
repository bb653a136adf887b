# %% opening [markdown]
# # 01 · Everything is a mapping
#
# **What is a network a function *of*?**
#
# *You will be able to*
# **write** a network as a function of its weights,
# **explain** why one slider per weight is hard and two on a descriptor are enough,
# **measure** a hypernetwork on tasks it has never seen, and find where it fails.
#
# 55 minutes, without exercise 4 and the open task. Before: [00 · Start here](00_start_here.ipynb).

# %% opening-slide [markdown] tags=["slides"]
# # Everything is a mapping
#
# What is a network a function *of*?

# %% plan-teacher [markdown] tags=["teacher"]
# > **50 minutes**
# >
# > | minutes | what |
# > |---|---|
# > | 3 | recall $\tau \mapsto \theta \mapsto g_\theta$; all run the first two cells |
# > | 14 | *Two sliders*: the training on the screen; all lock the prediction before anyone moves a slider; settings 1 to 3; the Jacobian |
# > | 9 | *A network is a function of two things*: (1) on the board, both code cells |
# > | 9 | *One slider per weight*: all lock the prediction and try for one minute; then settings 1 to 5 |
# > | 6 | *Let a network write them*: (2) on the board |
# > | 5 | *Where does it fail?*: sketches beyond 5 first, then the figure |
# > | 4 | exercise 1, alone |
# >
# > Left out: *Is it good on waves it has never seen?*, of which one printed line is read aloud (its cell must run, for the last figure). Homework: exercises 2, 3 and 4, then that section with the quiz.
# >
# > **90 minutes**
# >
# > | minutes | what |
# > |---|---|
# > | 4 | recall; all run the first two cells |
# > | 16 | *Two sliders*: prediction locked by all; in pairs each drags; settings 1 to 4; the Jacobian |
# > | 14 | *A network is a function of two things*: each writes (1) for three hidden units before it is shown |
# > | 12 | *One slider per weight*: prediction, one minute by hand, settings; what the gradient found |
# > | 8 | *Let a network write them* |
# > | 8 | *Is it good on waves it has never seen?* |
# > | 6 | *Where does it fail?*, sketches first |
# > | 14 | exercises 1 and 2 alone, 3 in pairs |
# > | 8 | quiz alone, answers aloud |
# >
# > Left out: exercise 4 and the open task, which are the homework (the amplitude without the phase first).
# >
# > **Outcomes**
# >
# > | after it a student can | shown in | asked in |
# > |---|---|---|
# > | write a network as a function of its weights, count them, cut them | *A network is a function of two things* | exercise 1, 2, 3, quiz 1, 5 |
# > | explain why one slider per weight is hard and two on a descriptor are enough | *One slider per weight*, *Let a network write them* | exercise 4, quiz 2, 3 |
# > | measure it on unseen tasks, and say which comparison would be unfair | *Is it good on waves it has never seen?* | quiz 4 |

# %% imports
import torch
from IPython.display import display
from torch import nn

from hyperedu import Examples, Hypernetwork, MainNetwork, MLPGenerator, Sinusoids
from hyperedu import figures, live, meta_test, meta_train
from hyperedu.lessons.everything_is_a_mapping import checks, questions
from hyperedu.lessons.everything_is_a_mapping.figures import LayersTriptych, error_in_words

# %% two-sliders-about [markdown]
# ## Two sliders
#
# A task in this lesson is one sine wave, $y = A \sin(x - p)$. The descriptor is the pair $\tau = (A, p)$, standardised as in lesson 00; the main network must draw the
# wave. Training takes some seconds; watch the weights take shape.

# %% two-sliders-about-slide [markdown] tags=["slides"]
# ## Two sliders
#
# A task is one wave, described by two numbers:
#
# $$ y = A \sin(x - p), \qquad \tau = (A, p) $$
#
# A generator reads $\tau$ and writes every weight of the network that draws the wave.

# %% two-sliders-predict [markdown]
# **Predict.** The star of the figure will stand at the wave in the middle, amplitude 2.55 and phase 1.57. After the training you will move *amplitude* from one end to the other.
# Which of the weights will change: a few in the last layer, which sets the height, or all of them? And when you move *phase*? Lock your choice and run the next cell; then drag the sliders below,
# or the star itself. (The line below the figure says by how much each layer differs from that of the wave in the middle.)

# %% two-sliders-predict-slide [markdown] tags=["slides"]
# ## Predict

# %% two-sliders-question tags=["shown"]
questions.predict("two-sliders")

# %% two-sliders-slide [markdown] tags=["slides"]
# ## Every layer changes with either slider

# %% two-sliders tags=["shown"]
torch.manual_seed(0)
family = Sinusoids()
main = MainNetwork.mlp([1, 40, 40, 1], activation="relu")
learner = Hypernetwork(main, MLPGenerator(descriptor_dim=2, main=main))

picture = LayersTriptych(family, learner)
ranges = {"amplitude": (0.1, 5.0, 0.05), "phase": (0.0, 3.14, 0.02)}
figure = live.interact(picture.figure, picture.update, drag=picture.drag, **ranges)
display(questions.after("two-sliders", figure))

# 25 newly drawn waves in each step; Adam at 1e-3, where no optimizer is given.
# The rate, of your own optimizer too, falls to 0 along half a cosine (anneal=False: it stays).
history = meta_train(learner, family.train, steps=3000, shots=0, queries=10, watch=figure)
learned = sum(p.numel() for p in learner.parameters())
print(f"{main.weight_dim:,} weights are written by {learned:,} learned numbers")

# %% two-sliders-look [markdown]
# **What to look for.** The star is the descriptor; the dots are some of the waves that training drew (25 new ones in each step), the rings are unseen ones. The dashed line is
# the wave that the descriptor names, the solid one is what the written network computes. Every layer changes with either
# slider. A scaling of the last layer would be enough for the amplitude, but nobody asked for the simplest solution; training found
# one of many. How much moves what, the next cell measures with the Jacobian $\partial\theta/\partial\tau$: two columns, one per slider; one unit of τ is one
# standard deviation of the amplitudes or phases. Each layer's movement is divided by its weights, norm by norm. These are slopes, at one wave:

# %% two-sliders-settings tags=["teacher"]
from hyperedu.lessons.everything_is_a_mapping import projected

projected.project("two-sliders", figure)

# %% amplitude-or-phase-slide [markdown] tags=["slides"]
# ## No layer belongs to one slider
#
# How much one unit of $\tau$ moves each layer, for its size:

# %% amplitude-or-phase tags=["shown"]
tau = family.describe(amplitude=2.5, phase=1.5)
jacobian = torch.func.jacrev(learner.generator)(tau)  # ∂θ/∂τ, (P, 2)
columns = [main.unflatten(jacobian[:, j].detach()) for j in range(2)]
sizes = main.unflatten(learner.generator(tau).detach())
for label, name in zip(("W₁", "b₁", "W₂", "b₂", "W₃", "b₃"), main.shapes):
    amplitude, phase = (column[name].norm() / sizes[name].norm() for column in columns)
    print(f"{label} ({name}): per unit of τ {amplitude:.0%} in amplitude, {phase:.0%} in phase")

# %% amplitude-or-phase-then [markdown]
# Here the first and middle matrices move more than the last: the amplitude is not kept where one would look for it first, and no layer belongs to one slider.

# %% two-sliders-teacher [markdown] tags=["teacher"]
# > **For the teacher** · 14 minutes. *Purpose*: two numbers that mean something move 1,761 that do not.
# >
# > *Students believe* that amplitude lives in the last layer. At the top end W₃ has changed by about 60% of its norm, W₁ by about 140% (setting 1); in the Jacobian, too, W₁ moves most for its size. And that amplitude and phase
# > have weights of their own: both move every layer, W₁, b₁ and W₂ by nearly the same percentages.
# >
# > *Ask*: Could the last layer alone have done the amplitude? [Yes: W₃ and b₃ times a factor. Then its column would be zero in the other layers.] Where is the curve worse? [At large amplitudes with
# > the phase at an end, as in setting 4.]
# >
# > *On the board*: what a unit of τ is: amplitudes from 0.1 to 5 have the mean 2.55 and the standard deviation $4.9 / \sqrt{12} \approx 1.41$, so $A = 3.96$ is $\tau_1 \approx 1$. What the percentages are: $W = (3, 4)$ and $\partial W / \partial \tau_1 = (0.6, 0.8)$ give $1 / 5 = 20\%$.
# >
# > *Short of time*: settings 1 and 3, skip the Jacobian, and say: every layer moves with either slider.

# %% a-network-is-a-function-of-two-things [markdown]
# ## A network is a function of two things
#
# In `nn.Linear` the weights live *inside* the function, and only $x$ goes in. Take them out. A network with one hidden layer, written $g(\theta, x)$ for the $g_\theta(x)$ of lesson 00, is
#
# $$ g(\theta, x) = W_2\, \sigma(W_1 x + b_1) + b_2, \qquad \theta = (W_1, b_1, W_2, b_2) \in \mathbb{R}^P \tag{1} $$
#
# where $\sigma$ is the activation, $\theta$ is one flat vector and the matrices are *views* of it. The same line in code:

# %% a-network-is-a-function-of-two-things-slide [markdown] tags=["slides"]
# ## A network is a function of two things
#
# $$ g(\theta, x) = W_2\, \sigma(W_1 x + b_1) + b_2 \qquad (1) $$
#
# $$ \theta = (W_1, b_1, W_2, b_2) \in \mathbb{R}^P $$
#
# $g$ stores nothing. The weights go in like $x$, and may come in batches.

# %% by-hand
def g(theta, x):
    """Equation (1) for three hidden units: θ (10,), x (n, 1) → y (n, 1)."""
    W_1, b_1, W_2, b_2 = theta[0:3].view(3, 1), theta[3:6], theta[6:9].view(1, 3), theta[9:10]
    return torch.tanh(x @ W_1.T + b_1) @ W_2.T + b_2

# %% by-hand-then [markdown]
# It must agree with an ordinary module that holds the same numbers, and with the package's version, which we use from now on.

# %% same-as-a-module
small = MainNetwork.mlp([1, 3, 1], activation="tanh")
theta, x = small.initial_weights(), torch.linspace(-5, 5, 200).unsqueeze(-1)
module = nn.Sequential(nn.Linear(1, 3), nn.Tanh(), nn.Linear(3, 1))
module.load_state_dict(small.unflatten(theta))
print("same as the module: ", torch.allclose(g(theta, x), module(x), atol=1e-6))
print("same as the package:", torch.allclose(g(theta, x), small(theta, x), atol=1e-6))
print("the views:", {name: tuple(w.shape) for name, w in small.unflatten(theta).items()})

# %% same-as-a-module-then [markdown]
# Since $\theta$ is an ordinary input, it may come in a batch: 25 weight vectors, 25 sets of points, 25 networks in one call, without a
# loop.

# %% twenty-five-networks
y = small(torch.randn(25, small.weight_dim), torch.randn(25, 7, 1))
print(y.shape, "← 25 networks, 7 points each")
y = small(torch.randn(25, small.weight_dim), torch.randn(7, 1))  # leading dimensions broadcast
print(y.shape, "← 25 networks, the same 7 points for all")

# %% a-network-is-a-function-of-two-things-teacher [markdown] tags=["teacher"]
# > **For the teacher** · 10 minutes. *Purpose*: take the weights out of the module and make them an argument.
# >
# > *Students believe* that a network *has* weights. `g` is three lines, holds nothing, and agrees with the module (printed: True, twice). And that many networks need a loop: 25 of them are one call.
# >
# > *Ask*: What is left of `nn.Linear(1, 3)` without its weights? [The formula and the shapes.] θ is (25, P): which shapes of x give (25, 7, 1)? [(7, 1), the same points for all, or (25, 7, 1).]
# >
# > *On the board*: θ as a strip of ten boxes, cut after 3, 6 and 9. Then one hidden unit, $g(\theta, x) = v \tanh(w x + b) + c$ with $\theta = (w, b, v, c) = (1, -2, 3, 4)$: at $x = 2$ it is 4. With $c = 5$ it is 5: another network, the same $g$.
# >
# > *Short of time*: skip the batches, and say: θ goes in like x, so it may come in a batch like x.

# %% one-slider-per-weight [markdown]
# ## One slider per weight

# %% slider-per-weight-predict [markdown]
# **Predict.** Here are the ten weights of that small network, a slider for each. The dashed wave is wanted. Can you bring
# the error below 0.1 within a minute? Choose, then try for one minute, not longer.

# %% slider-per-weight-predict-slide [markdown] tags=["slides"]
# ## Predict
#
# Ten weights, ten sliders, one wave that is wanted. Can you bring the error below 0.1 within a minute?
#
# * Yes, quickly
# * Hardly

# %% slider-per-weight-slide [markdown] tags=["slides"]
# ## One slider per weight

# %% slider-per-weight tags=["shown"]
wanted = Examples(x, x.sin())  # D: x and y together, so that one can ask for the loss on them
figure, (axes,) = figures.subplots(width=8, height=3)
axes.plot(wanted.x, wanted.y, "--", color=figures.BLUE, zorder=3, label="wanted: sin x")
(curve,) = axes.plot(x, 0 * x, color=figures.VERMILION, lw=3, label="g(θ, x)")
axes.set(xlabel="x", ylabel="y", ylim=(-4, 4), title="one slider per weight")
axes.legend(loc="upper right", ncols=2, frameon=False)

def update(**weights):
    theta = torch.tensor(list(weights.values()))
    curve.set_ydata(small(theta, x))
    error, flat = small.loss(theta, wanted), x.sin().square().mean()
    return error_in_words(error, flat)

figure = live.interact(figure, update, **{f"θ{i}": (-3.0, 3.0) for i in range(1, 11)})
questions.predict("slider-per-weight", figure)

# %% slider-per-weight-look [markdown]
# **What to look for.** At first all weights are zero, and most sliders do nothing at all: the matrices multiply each other. Later
# what a slider does hangs on where the others stand. Whether or not you got below 0.1: there are settings that do, within the sliders' ends, and a gradient finds one from some of ten random starts:

# %% settings-that-do
torch.manual_seed(0)
free = torch.randn(10, 10, requires_grad=True)  # ten starts, as a batch of θ
optimizer = torch.optim.Adam([free], lr=0.1)
for _ in range(1500):
    optimizer.zero_grad()
    small.loss(3 * free.tanh(), wanted).sum().backward()  # 3 tanh: within the ends of the sliders
    optimizer.step()
found = (3 * free.tanh()).detach().round(decimals=2)
errors = small.loss(found, wanted)
best = found[errors.argmin()]
print(f"error below 0.01 from {(errors < 0.01).sum()} of {len(errors)} starts; the best:")
print("θ1 to θ10:", *(f"{weight:.2f}" for weight in best.tolist()))
print(f"error {errors.min():.4f}; with a single one off by 0.3, from θ1 to θ10:")
print("          ", *(f"{small.loss(best + 0.3 * e, wanted):.2f}" for e in torch.eye(10)))

# %% settings-that-do-then [markdown]
# (Type them into the fields beside the sliders.) Moving any single one, the others staying as they are, makes the error more than ten times as large. Afterwards one can read them, several together: $-\theta_4/\theta_1$, $-\theta_5/\theta_2$ and $-\theta_6/\theta_3$ are where the three units step, near the zeros 0, π and $-$π of the sine. But no single one is the amplitude or the phase. The weights are a poor language for *tasks*: a wave has two properties, the network
# has ten coordinates.

# %% slider-per-weight-settings tags=["teacher"]
projected.project("slider-per-weight", figure)

# %% one-slider-per-weight-teacher [markdown] tags=["teacher"]
# > **For the teacher** · 10 minutes. *Purpose*: good weights exist, and no weight says anything about the task.
# >
# > *Students believe* that patience would do, or that the network is too small. A gradient comes below 0.01 from 7 of 10 starts. And that there is one right θ: setting 4 is another than setting 3.
# >
# > *Ask*: At first one slider alone moves the curve; which, and does it help? [θ10, the last bias. It lifts the line, and the error grows.] How many θ draw exactly the curve of setting 3? [At least $3! \cdot 2^3 = 48$: the order of the hidden units, and for
# > each unit the sign of what goes in and comes out, since tanh is odd.]
# >
# > *On the board*: $v \tanh(w x + b) = (-v) \tanh(-w x - b)$: two settings, one function. And why nothing moves at zero: $\partial g / \partial w$ has the factor $v$, $\partial g / \partial v$ has $\tanh(w x + b)$, and both are 0.
# >
# > *Short of time*: settings 1, 3 and 4, and say: the weights are a poor language for tasks.

# %% let-a-network-write-them [markdown]
# ## Let a network write them
#
# The generator is one more mapping, from the two numbers that mean something to the many that do not:
#
# $$ \theta = f_\varphi(\tau) = V\, h(\tau) + c \tag{2} $$
#
# with $h$ an ordinary small network, the *trunk*, and $V, c$ the *head*, whose output has one number per weight. By hand:

# %% let-a-network-write-them-slide [markdown] tags=["slides"]
# ## Let a network write them
#
# $$ \theta = f_\varphi(\tau) = V\, h(\tau) + c \qquad (2) $$
#
# From two numbers that mean something to the many that do not.

# %% head-directions-slide [markdown] tags=["slides"]
# ## A surface of good networks
#
# $f_\varphi(\tau)$ reaches only a two-dimensional surface in $\mathbb{R}^P$.
#
# Training lays it through weights that work. The sliders run along it.

# %% head-directions
generator = learner.generator
h = tau
for layer in generator.trunk:
    h = nn.functional.gelu(layer(h))  # u Φ(u), a smooth ReLU; Φ: the normal distribution
theta = h @ generator.head.weight.T + generator.head.bias  # θ = V h + c
print("same as the package:", torch.allclose(theta, generator(tau), atol=1e-6))
print("V has shape", tuple(generator.head.weight.shape))

# %% head-directions-then [markdown]
# However long $\theta$ is, $f_\varphi(\tau)$ can only reach a two-dimensional surface in $\mathbb{R}^P$, one point for each
# $\tau$. Training lays that surface through weights that work. This is the whole trick: *the sliders run along a surface on
# which every point is a good network for its own task.*

# %% let-a-network-write-them-teacher [markdown] tags=["teacher"]
# > **For the teacher** · 7 minutes. *Purpose*: equation (2), and the surface on which the sliders run.
# >
# > *Students believe* that the generator can write any θ, having 118,817 numbers of its own. For a fixed φ it writes one θ for each τ, a surface of two dimensions. And that one may average weights.
# >
# > *Ask*: Take the written weights for phases 0 and 3 at amplitude 2.5, and their mean. Is it a network for phase 1.5? [No: tried for this note, its error is 1.1; the flat line has about 3. The surface is curved.]
# >
# > *On the board*: $h = (2, 3)$, $V$ with rows $(1, 0), (0, 1), (1, 1)$, $c = (0, 0, 1)$: $\theta = (2, 3, 6)$. All such θ have $\theta_3 = \theta_1 + \theta_2 + 1$, a plane in $\mathbb{R}^3$. Then count: $64 \cdot 1761 + 1761 = 114465$ in the head, 4,352 in the trunk, 118,817 together.
# >
# > *Short of time*: draw a bent sheet in a box, and say the sentence in italics.

# %% is-it-good-on-waves-it-has-never-seen [markdown]
# ## Is it good on waves it has never seen?
#
# Training and test tasks are disjoint: the range of amplitudes is cut into 2,000 strips, in turn for training and for tests, and each set draws its waves from its own, as many as are asked for. Phases are not kept apart. So an unseen wave is new, but has training waves close by: this tests interpolation. The error of one task is $\frac1n \sum_i (g(\theta, x_i) - y_i)^2$, over $n = 100$ points; every $x$, in training too, is drawn uniformly from −5 to 5, anew for each task. We report its mean over 600 unseen
# tasks, with an interval that is about the tasks drawn, for this one network. Luck in training is seen across three seeds; nothing but the seed differs.

# %% unseen-waves-slide [markdown] tags=["slides"]
# ## Waves it has never seen
#
# Three seeds, 600 waves. The descriptors are *perfect*: they say everything.

# %% unseen-waves tags=["shown"]
learners = [learner]
for seed in (1, 2):
    torch.manual_seed(seed)
    learners.append(Hypernetwork(main, MLPGenerator(descriptor_dim=2, main=main)))
    meta_train(learners[-1], family.train, steps=3000, shots=0, queries=10)
for seed, each in enumerate(learners):
    print(f"seed {seed}: {meta_test(each, family.test, shots=0)}")

# %% unseen-waves-then [markdown]
# A fair warning: these descriptors are *perfect*. They say everything there is to know about the wave, so no example is needed. Methods
# such as MAML (lesson 06: shared start weights, and a few gradient steps from them for each task) get no descriptor and must find the wave from points; comparing the two errors would compare two different
# problems.

# %% is-it-good-on-waves-it-has-never-seen-teacher [markdown] tags=["teacher"]
# > **For the teacher** · 7 minutes. *Purpose*: an error on unseen tasks, with two kinds of luck in view. The cell trains two more learners: start it first.
# >
# > *Students believe* that unseen means far away. The strips lie between each other: this is a test of interpolation. And that so low an error beats MAML: here τ is the answer, MAML has to find it from points.
# >
# > *Ask*: What does the interval show, and what the seeds? [The interval how tasks differ, the seeds how trainings do: means from about 0.0015 to 0.0017.]
# >
# > *On the board*: an axis of amplitudes with strips in turn, training and test. A constant miss of 0.04 has an error of 0.0016. The flat line has about $A^2 / 2$.
# >
# > *Short of time*: read one printed line, and say: unseen, but from the same range.

# %% where-does-it-fail [markdown]
# ## Where does it fail?
#
# The generator was trained on amplitudes up to 5. The sliders stop there. What lies beyond?

# %% outside-slide [markdown] tags=["slides"]
# ## Where does it fail?
#
# Interpolation, not magic.

# %% outside tags=["shown"]
amplitudes, phases = torch.linspace(0.1, 10, 100), torch.linspace(0, 3.14, 20)
A, p = torch.meshgrid(amplitudes, phases, indexing="ij")
y = family.function(A[..., None, None], p[..., None, None], x)
waves = Examples(x.expand_as(y), y)  # 100 by 20 of them
figure, (axes,) = figures.subplots(width=7, height=3.3)
with torch.no_grad():
    for each in learners:
        error = main.loss(each(family.describe(A, p)), waves).mean(1)
        axes.plot(amplitudes, error, color=figures.VERMILION, alpha=0.7)
axes.axvspan(0.1, 5, color=figures.SKY, alpha=0.2, label="trained on")
axes.set(xlabel="amplitude A", ylabel="mean squared error", yscale="log")
axes.legend(frameon=False)
alt = "Error against amplitude, three seeds: small up to 5, then rising by orders of magnitude."
figures.show(figure, alt)

# %% where-does-it-fail-teacher [markdown] tags=["teacher"]
# > **For the teacher** · 6 minutes. *Purpose*: interpolation, not magic. The paragraph that begins *Inside the blue range* belongs here, too.
# >
# > *Students believe* that the generator has understood the sine, and will scale it. At amplitude 6 the mean error is already between 0.1 and 1, at 10 from about 30 to 100; the flat line has about 50 there.
# >
# > *Ask*: What would have to be built in, for amplitude 10 to work? [That amplitude only multiplies: $A \cdot g_\theta(x)$ with θ from the phase alone.] Is below a hundredth true of each wave? [Of the mean over phases; setting 4 of *Two sliders* was above.]
# >
# > *On the board*: a curve fitted up to 5 that goes on straight: through (4, 16) and (5, 25) on $A^2$ the line has 70 at 10, where 100 is wanted.
# >
# > *Short of time*: show the figure, and say: the surface is good where training put it, and nowhere else.

# %% exercise-1 [markdown]
# Inside the blue range the error stays below a hundredth. (It is a squared error, and grows with the wave. At either end it turns up: there training saw waves on one side only, which is probably why.) Outside it grows by orders of magnitude, with every seed. The surface is good where training put it and
# nowhere else: *interpolation, not magic*.
#
# ## Exercises
#
# **1 · Compute.** (3 minutes; what θ holds.) How long is $\theta$ for a network with sizes `[2, 5, 3]`?
#
# <details><summary>Hint 1</summary>Two layers: from 2 to 5, from 5 to 3.</details>
# <details><summary>Hint 2</summary>Each unit has as many weights as it has inputs, and a bias.</details>

# %% exercise-1-slide [markdown] tags=["slides"]
# ## Exercise 1, on paper
#
# How long is $\theta$ for a network with sizes `[2, 5, 3]`?

# %% exercise-1-answer tags=["exercise"]
P = ...
checks.weight_count(P)

# %% exercise-1-solution tags=["solution"]
P = (2 * 5 + 5) + (5 * 3 + 3)
checks.weight_count(P)

# %% exercise-2 [markdown]
# **2 · Change.** (7 minutes; a network as a function of its weights.) Write `g_relu(theta, x)` for sizes `[1, 4, 1]` with ReLU in place of tanh. It must also be a function of $\theta$ for
# the gradient: no `nn.Parameter`, no `.data`.
#
# <details><summary>Hint 1</summary>Now θ has 13 numbers: 4, 4, 4 and 1.</details>
# <details><summary>Hint 2</summary>Change the four slices of <code>g</code>, then the activation.</details>

# %% exercise-2-answer tags=["exercise"]
g_relu = ...
checks.relu_network(g_relu)

# %% exercise-2-solution tags=["solution"]
def g_relu(theta, x):
    W_1, b_1, W_2, b_2 = theta[0:4].view(4, 1), theta[4:8], theta[8:12].view(1, 4), theta[12:13]
    return torch.relu(x @ W_1.T + b_1) @ W_2.T + b_2

checks.relu_network(g_relu)

# %% exercise-3 [markdown]
# **3 · Find what is wrong.** (6 minutes; views of one vector.) This function cuts $\theta$ of a `[2, 3, 1]` network into matrices. It raises no error, but it does not cut as the package's `unflatten` (and so `nn.Linear`) does.
# Write `mended_cut`, a function like it that returns the four tensors as `unflatten` cuts them, for any θ, and so that a gradient reaches θ.
#
# <details><summary>Hint 1</summary>Compare with <code>MainNetwork.mlp([2, 3, 1]).unflatten(theta)</code> for <code>theta = torch.arange(13.)</code>.</details>
# <details><summary>Hint 2</summary>A matrix of 3 rows and 2 columns is not the transpose of one filled with 2 rows and 3 columns.</details>

# %% exercise-3-given
def cut(theta):
    return theta[0:6].view(2, 3).T, theta[6:9], theta[9:12].view(1, 3), theta[12:13]

# %% exercise-3-answer tags=["exercise"]
mended_cut = ...
checks.cut(mended_cut)

# %% exercise-3-solution tags=["solution"]
def mended_cut(theta):
    return theta[0:6].view(3, 2), theta[6:9], theta[9:12].view(1, 3), theta[12:13]

checks.cut(mended_cut)

# %% exercise-4 [markdown]
# **4 · Make.** (15 minutes; how many weights draw one curve.) Write `others(theta, n)` for the ReLU network of exercise 2: weight vectors (n, 13), no two alike and none of them θ (closer than a hundred-thousandth of the length of θ counts as alike), which all draw the curve of θ, at every $x$. It must work for any θ without zeros and for $n$ up to 100,
# and a gradient must reach θ. Many answers are good.
#
# <details><summary>Hint</summary>Follow one hidden unit from x to y: three numbers of θ are its own. What may be done to them together? And does it matter which unit comes first?</details>

# %% exercise-4-answer tags=["exercise"]
others = ...
checks.other_weights(others)

# %% exercise-4-solution tags=["solution"]
def others(theta, n):
    W_1, b_1, W_2, b_2 = theta[0:4], theta[4:8], theta[8:12], theta[12:13]
    c = torch.arange(2, n + 2).unsqueeze(-1)  # relu(c h) = c relu(h) for c > 0
    return torch.cat([c * W_1, c * b_1, W_2 / c, b_2.expand(n, 1)], dim=-1)

checks.other_weights(others)

# %% open-task [markdown]
# **Open task.** (40 minutes.) Give the generator a descriptor that says less, or says it otherwise: the amplitude without the phase, or the two numbers of $A \sin(x - p) = a \sin x + b \cos x$. An *encoder*, through which τ goes first, does it, and the figure works as before: `Hypernetwork(main, MLPGenerator(d, main), encoder=e)`, with `e` an `nn.Module` whose `forward(tau)` turns τ (…, 2) into what you say of the wave, (…, d); `family.descriptors.values(tau)` is amplitude and phase in their units. Train it, and move the sliders of amplitude and phase.
# A good answer has the error on unseen waves for three seeds beside the one above, what the network draws where τ does not decide, and a reason for both.

# %% exercises-teacher [markdown] tags=["teacher"]
# > **For the teacher** · 16 minutes: 3, 7 and 6; 15 for exercise 4, which is homework. *Purpose*: θ counted, used and cut; one curve, and no end of θ that draw it.
# >
# > *Students believe*: in 1, 25 (no biases), 28 or 30 (one layer's biases missing, or $2 \cdot 5 \cdot 3$), 27 (one bias for each layer), 35 (biases of the inputs). In 2, tanh is left, an activation follows the last layer, or both matrices are cut first. In 3, `.view(2, 3)` without
# > the transpose: the shape then tells. In 4, that the orders of the units are enough (24, with that of θ), that signs may change as with tanh, or that b₁ stays when W₁ is scaled. Each check says which.
# >
# > *Ask*: Could a generator be trained with the wrong `cut`? [Yes, it writes whatever works; weights from an ordinary network would be scrambled, without an error.] Of exercise 4: [what goes into a unit times $c > 0$, what leads out of it divided by $c$: one factor for all units, one for each, drawn or of the unit's own length; or the orders of the units, and factors where these run out.] Of the open task: [the error on unseen waves for three seeds beside this one; what is drawn where τ does
# > not decide; a reason. Without the phase the best answer is the mean of the waves, $-\frac{2A}{\pi} \cos x$ for phases evenly from 0 to π.]
# >
# > *On the board*: 0 to 5 by `.view(3, 2)`: rows (0, 1), (2, 3), (4, 5); by `.view(2, 3).T`: rows (0, 3), (1, 4), (2, 5). Same shape. Who is early writes θ for `g_relu` by hand so that it is $|x|$: $W_1 = (1, -1, 0, 0)$, $W_2 = (1, 1, 0, 0)$, the rest 0.
# >
# > *Short of time*: do exercise 1, and say of 3: a right shape is no right order.

# %% readers [markdown]
# ## Questions that readers asked

# %% readers-asked
questions.of_readers()

# %% quiz [markdown]
# ## Quiz
#
# **1. In g(θ, x), what are the network's parameters?**
# <details><summary>θ, stored inside g</summary>No: g stores nothing; θ goes in like x.</details>
# <details><summary>It has none</summary>Yes: g is a fixed formula. Whoever makes θ may have parameters.</details>
#
# **2. Why do ten sliders fail where two succeed?**
# <details><summary>Ten are too slow to move</summary>No: what one slider does hangs on where the others stand.</details>
# <details><summary>A single weight has no meaning for the task</summary>Yes: the descriptor's coordinates have one.</details>
#
# **3. What shape is the set of all weights that the generator f can write here?**
# <details><summary>A surface of dimension two</summary>Yes, at most: as many dimensions as τ has.</details>
# <details><summary>All of the weight space</summary>No: two numbers cannot fill so many dimensions.</details>
#
# **4. The hypernetwork needs no examples. Is it better than MAML?**
# <details><summary>Yes, its error is lower</summary>No conclusion: it was told the answer in τ. The problems differ.</details>
# <details><summary>They solve different problems</summary>Yes: description against examples.</details>
#
# **5. Which batch does main(theta, x) accept?**
# <details><summary>θ (25, P) with x (7, 1)</summary>Yes: leading dimensions broadcast, so all 25 networks see the same points.</details>
# <details><summary>θ (25, P) with x (24, 7, 1)</summary>No: 25 and 24 do not broadcast, and an error message says so.</details>

# %% quiz-answers
questions.quiz()

# %% in-one-breath [markdown]
# ## In one breath
#
# $g : (\theta, x) \mapsto y$ and $f_\varphi : \tau \mapsto \theta$. Move $\theta$ from inside the function to its arguments, and a network can write it. It
# fails beyond the tasks that training covered.

# %% in-one-breath-slide [markdown] tags=["slides"]
# ## In one breath
#
# $$ g : (\theta, x) \mapsto y \qquad f_\varphi : \tau \mapsto \theta $$
#
# Move $\theta$ from inside the function to its arguments, and a network can write it. It fails beyond the tasks that training covered.

# %% references [markdown]
# ## References
#
# * D. Ha, A. Dai, Q. Le, *HyperNetworks*, 2016, [arXiv 1609.09106](https://arxiv.org/abs/1609.09106).
# * C. Finn, P. Abbeel, S. Levine, *Model-agnostic meta-learning*, 2017, section 5.1: the sinusoids, [arXiv 1703.03400](https://arxiv.org/abs/1703.03400).
