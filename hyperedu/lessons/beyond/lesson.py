# %% opening [markdown]
# # 10 · Beyond
#
# **Where is this used?**
#
# *You will be able to*
# **keep** old tasks while new ones are learned,
# **train** one generator for many clients who show nobody their data,
# **read** a system of today as $\tau \mapsto \theta \mapsto g_\theta(x)$, and ask what was shown.
#
# 60 minutes without *Going further*, exercise 4 and the open task. Before: [03 · Generator designs](03_generator_designs.ipynb), [08 · Regularization](08_regularization.ipynb).

# %% opening-slide [markdown] tags=["slides"]
# # Beyond
#
# Where is this used?

# %% plan-teacher [markdown] tags=["teacher"]
# > **50 minutes**
# >
# > | minutes | what |
# > |---|---|
# > | 15 | *One task after the other*: all lock their sketch, then three settings and the table |
# > | 17 | *Clients who keep their data*: (1) on the board, `one-round`, the picture, the leak |
# > | 14 | *Today*: one row of the table in pairs, the prediction, the settings, `lies` |
# > | 4 | *In one breath*, and the homework |
# >
# > Left out: the ranks, *Going further*. Homework: exercises 1 and 2, the quiz; exercises 3 and 4 for those who will program.
# >
# > **90 minutes**
# >
# > | minutes | what |
# > |---|---|
# > | 16 | *One task after the other* |
# > | 25 | *Clients who keep their data*, with exercise 1 alone, then compared in pairs |
# > | 20 | *Today*: each pair reads one row, and tells the class its limit; ranks |
# > | 22 | exercises 2 and 3 alone |
# > | 7 | the quiz, by a show of hands; *In one breath* |
# >
# > Left out: *Going further*. Homework: exercise 4, the open task.
# >
# > **Outcomes**
# >
# > | after it a student can | shown in | asked in |
# > |---|---|---|
# > | say why a code of its own does not protect a task, and what the output penalty holds | the first figure and its table | quiz 1, 2 |
# > | train a generator from what clients send back, and say what that gives away | `one-round`, the table of clients, the leak | exercise 1, 3, 4, quiz 3 |
# > | read a system of today as τ → θ → g, with a low-rank change, and find where it stops | the table of systems, `lies`, the ranks | exercise 2, quiz 4, 5 |

# %% imports
import json

import ipywidgets
import torch
from tqdm.auto import tqdm

from hyperedu import ColoradoClimate, Digits, MainNetwork, Text, data_file, figures, live
from hyperedu import load_checkpoint
from hyperedu.lessons.beyond import adapters, checks, clients, drawings, questions, sequences
from hyperedu.lessons.beyond.figures import AdapterPicture, DrawingsPicture, ForgettingPicture
from hyperedu.lessons.beyond.figures import client_errors
from hyperedu.statistics import half_interval

torch.set_num_threads(1)  # networks as small as these are trained faster by one
tables = json.loads(data_file("beyond.json").read_text(encoding="utf-8"))

# %% one-after-the-other [markdown]
# ## One task after the other
#
# Three polynomials, each on its own interval, come one after the other, once. Three learners: a *plain network*, a *hypernetwork* with a learned code of two numbers for each task, and the same *with the output penalty* of lesson 08: to the loss of a task is added
# $\lambda\, \frac1n \sum_i \lVert f_\varphi(\tau_i) - \theta_i^* \rVert^2$ over the $n$ tasks before it, where $\theta_i^*$ was written when the last of them was done. It needs no old example, only these snapshots. φ and the old codes $\tau_i$ may move, if what they *write* stays. Polynomials and $\lambda = 0.005$ are those of von Oswald and others (2020), not tuned here. (Three networks could as well lie in a table.)

# %% one-after-the-other-slide [markdown] tags=["slides"]
# ## One task after the other
#
# Three polynomials, each only once:
#
# * a plain network
# * a hypernetwork with a learned code for each
# * the same, held to what it wrote before
#
# $$ \lambda\, \frac1n \sum_i \lVert f_\varphi(\tau_i) - \theta_i^* \rVert^2 $$

# %% sequence
tasks, main = sequences.polynomials(), MainNetwork.mlp([1, 10, 10, 1], "tanh")
paths = {}
for name, (kind, strength) in tqdm(sequences.WAYS.items()):
    rng = torch.Generator().manual_seed(0)
    learner = sequences.beginner(kind, main, 3, (32, 32), rng)
    paths[name] = sequences.in_sequence(learner, tasks, 600, strength, rng=rng)

# %% forgetting-predict [markdown]
# **Predict.** The plain network *might* hold all three: their intervals do not overlap. What happens to its error on the first, $x + 3$, while the second and the third are learned, 600 steps each? (Always 0: its error is ⅓.) Does a hypernetwork with a code for each task forget less, without a penalty? Then move *step*.

# %% forgetting-predict-slide [markdown] tags=["slides"]
# ## Predict: sketch it
#
# How large is the plain network's error on the first task, while all three are learned, 600 steps each?

# %% forgetting-slide [markdown] tags=["slides"]
# ## A code of its own does not protect a task

# %% forgetting tags=["shown"]
picture = ForgettingPicture(main, tasks, paths)
menu = {"learner": list(paths), "step": (0, 1800, sequences.EVERY)}
figure = live.interact(picture.figure, picture.update, play="step", **menu)
figure.controls["step"].value = 1150
questions.predict("forgetting", figure, so=picture.error["plain network"][::4, 0])

# %% forgetting-settings tags=["teacher"]
from hyperedu.lessons.beyond import projected

projected.project("forgetting", figure)

# %% forgetting-look [markdown]
# **What to look for.** *Left*, an error rises as soon as another task is learned; with the penalty it stays. *Middle*, the first task's weights stand still only there. A code of its own does not protect a task, since φ is shared: without the penalty the hypernetwork errs less on the second; of the first the intervals below do not say.
#
# Final errors after 1,500 steps each, mean of five seeds ± 95% interval; with the penalty their code reports .0042, .0024, .0061 (4,001 steps, other networks: no contest). Ten digits, turned by five angles, $\lambda = 0.05$, ours, untuned: the share read rightly. (The plain network is not told the angle.)

# %% forgetting-table-slide [markdown] tags=["slides"]
# ## Held, without an old example

# %% forgetting-table tags=["shown"]
def seeds_table(runs, form):
    for name in runs[0]:
        data = torch.tensor([run[name] for run in runs]).T  # (columns, seeds)
        print(f"{name:24}", *(f"{row.mean():{form}} ± {half_interval(row):{form}}" for row in data))


print("mean squared error", [task.name for task in tasks])
seeds_table(tables["polynomials"], ".4f")
print("\naccuracy at", [f"{angle}°" for angle in sequences.ANGLES])
for run in tables["digits"]:
    run["gained"] = [b - a for a, b in zip(run["hypernetwork"], run["with the output penalty"])]
seeds_table(tables["digits"], ".2f")

# %% forgetting-teacher [markdown] tags=["teacher"]
# > **For the teacher** · 15 minutes. *Purpose*: forgetting is the rule, and to hold what is written is a cure without old examples.
# >
# > *Students believe*: that networks forget for want of room, or that a code for each task separates them. The same sizes hold all three with the penalty (errors below 0.001, mean of five seeds). Without it the hypernetwork ends at 0.46 ± 0.53 on the first task, worse than a constant (a third).
# >
# > *Ask*: How long does forgetting take? (Setting 1: 50 steps.) What must be stored? (A snapshot of θ for each old task.) Does the hypernetwork alone forget less than the plain network? (Of the second task yes; of the first the intervals do not say.)
# >
# > *On the board*: θ = φτ. Task 1: τ = 1, φ = 3, θ₁ = 3. Task 2 wants θ = 2. With φ moved to 2, τ₂ = 1, task 1 writes 2: lost. With φ = 3, τ₂ = 2/3 both hold: (3, 2).
# >
# > *Short of time*: settings 1 and 3; skip the digits. Say: five angles show the same picture.

# %% clients [markdown]
# **Where it fails:** someone must say which task it is. What is held can cost the next: the fifth angle is read less well (last row).
#
# ## Clients who keep their data
#
# Weather stations shall each get a network for its year. Each has one to twelve readings, and shows them to nobody. A server holds φ. In each round it writes $\theta_i = f_\varphi(\tau_i)$ for some clients, who take a few steps
# of rate $\alpha$ on $L_i$, the loss of their own readings, and send back the change $\Delta\theta_i$. That is nearly all it needs, by the chain rule of lesson 02 (Shamsian and others 2021):
#
# $$ \varphi \leftarrow \varphi + \eta \sum_i w_i \Big(\frac{\partial \theta_i}{\partial \varphi}\Big)^{\!\top} \Delta\theta_i \tag{1} $$
#
# with $w_i$ the client's share of the readings. After *one* step, $\Delta\theta_i = -\alpha \nabla L_i$, and (1) is gradient descent on the readings of all of them:

# %% clients-slide [markdown] tags=["slides"]
# ## Clients who keep their data
#
# A station trains what it was sent, and returns only the change of its weights:
#
# $$ \varphi \leftarrow \varphi + \eta \sum_i w_i \left(\frac{\partial \theta_i}{\partial \varphi}\right)^{\!\top} \Delta\theta_i \qquad (1) $$

# %% one-round
climate, rng = ColoradoClimate(examples="years"), torch.Generator().manual_seed(0)
stations = clients.Clients(climate)
print(stations.n_tasks, "stations,", stations.count.sum().item(), "readings")
learner, _decay = clients.learners(climate, rng)["written for each"]
some, main = stations.sample(50, rng=rng), learner.main
w = some.properties["count"] / some.properties["count"].sum()

theta = learner.written(some.descriptor)  # the server writes
sent = theta.detach()
delta = clients.own_steps(main, sent, some.support, steps=1) - sent  # at the clients
theta.backward(w[:, None] * delta)  # (∂θ/∂φ)ᵀ Δθ
by_round = [p.grad.clone() for p in learner.parameters()]

learner.zero_grad()
(w * main.loss(learner.written(some.descriptor), some.support)).sum().backward()
same = [torch.allclose(r, -clients.ALPHA * p.grad, rtol=1e-3, atol=1e-6)
        for r, p in zip(by_round, learner.parameters())]
print("equation (1) is gradient descent on what nobody showed:", all(same))

# %% rounds [markdown]
# With three steps it is not: $\Delta\theta_i$ is a sum of gradients at three places, and (1) is a recipe, judged by errors. 600 rounds of 50 clients, once here (AdamW takes minus the sum as its gradient); the picture has five splits. Errors are on each station's mean year, of which readings are noisy samples:

# %% clients-table
for name, (learner, decay) in clients.learners(climate, rng).items():
    clients.federated(learner, stations, decay, rng)
    error = clients.errors(main, learner.written(stations.tau), stations.sample())
    print(name, {group: f"{degrees:.2f} °C" for group, degrees in error.items()})

# %% clients-figure-slide [markdown] tags=["slides"]
# ## Written for each

# %% clients-figure tags=["shown"]
alt = "Error by readings: written for each is best at few readings, and works with none."
figures.show(client_errors(tables["clients"]), alt)
for way, groups in tables["clients"][0].items():
    means = {g: torch.tensor([run[way][g] for run in tables["clients"]]).mean() for g in groups}
    print(f"{way:37}", ", ".join(f"{group} {mean:.2f}" for group, mean in means.items()))
each, then = "written for each", "written for each, then own steps"
for group in ("1 or 2 readings", "3 or 4", "6 or 12"):
    gain = torch.tensor([run[each][group] - run[then][group] for run in tables["clients"]])
    print(f"{group}: own steps gain {gain.mean():.2f} ± {half_interval(gain):.2f} °C")

# %% clients-then [markdown]
# *One network for all* (as in federated averaging) cannot know where it is; three own steps repair much of that where readings are many. *Each alone* is hopeless with few. *Written for each* uses what was learned at similar places, and serves stations without a reading; own steps hurt with one or two readings. But it is *told* elevation and place, and needs strong weight decay; a rival told them too stands among the questions.
#
# **Where it fails:** not to show data is not to keep it secret. From what a station with a single reading sends after one step, its month, as $x = (\sin, \cos)$, and its reading can be computed. The last bias moved in proportion to the error, and the first layer by
#
# $$ \Delta W_1 = \Delta b_1\, x^\top \tag{2} $$

# %% leak-slide [markdown] tags=["slides"]
# ## Not to show is not to keep secret
#
# From what a station with a single reading sends, its reading can be computed.

# %% leak tags=["shown"]
k = (stations.count == 1).nonzero()[0]
own = stations.own.task(k)
theta = learner.written(stations.tau[k]).detach()
sent = main.unflatten(clients.own_steps(main, theta, own, steps=1) - theta)
x = sent["0.weight"][:, :1] / sent["0.bias"][:, :1, None]  # (2), any row
y = main(theta, x) + sent["4.bias"] / (2 * clients.ALPHA * climate.y_std)
for said, a, b in (("from Δθ", x.flatten(), y), ("in truth", own.x[0, 0], own.y[0, 0])):
    print(f"{said}: x = {(a.double().round(decimals=4) + 0.0).tolist()}, {b.item():.2f} °C")

# %% clients-teacher [markdown] tags=["teacher"]
# > **For the teacher** · 17 minutes. *Purpose*: the chain rule cut in two: the server has ∂θ/∂φ, the client Δθ.
# >
# > *Students believe*: that the server needs the readings, or their loss; `one-round` prints that (1) is gradient descent without them. And that what is not shown is secret: the leak finds a month and 33.00 °C from one client's step.
# >
# > *Ask*: Who gains from own steps? (*One network for all* much, 3.06 to 2.01 at one or two readings; *written for each* loses 0.23 ± 0.08 there.) Is it written weights that win? (Mostly the telling: a network told place and elevation beside x errs about 0.1 °C more than *written for each*, each with the better of two weight decays; with AdamW's usual one the written network errs far more: `docs/answers.md`.)
# >
# > *On the board*: φ = 2, τ = 1 and 3, so θ = 2 and 6; half squared errors, wanted 4 and 6, α = 0.1: Δθ = 0.2 and 0. With shares of ½: φ ← 2 + ½ · 1 · 0.2 + ½ · 3 · 0 = 2.1. The leak: Δb₁ = (0.2, −0.1), ΔW₁ = ((0.1, −0.2), (−0.05, 0.1)); either row divided gives x = (0.5, −1).
# >
# > *Short of time*: the picture with its five splits, not the table of one run. Say: one reading can be read off, a sum of several not by this division.

# %% today [markdown]
# ## Today
#
# | system | τ → θ → g | shown, by its authors | limit |
# |---|---|---|---|
# | Text-to-LoRA, 2025 | a sentence about a task → low-rank adapters → a language model | 479 training tasks; on eight unseen benchmarks 74.0%, adapters trained for each 75.8% | vague sentences, poor adapters |
# | Doc-to-LoRA, 2026 | a document → adapters → a language model that no longer reads it | a fact is nearly always found in texts over four times as long as the model reads | a generator for each model; less exact than reading |
# | HyperDreamBooth, 2023 | one photo of a face → adapters → a generator of images | 20 seconds, 25 times faster than fine-tuning | faces; fine-tuning must follow |
# | LoGAH, 2024 | the graph of an architecture → up to 774 million weights → that network | a better start than a random one (by how much: their tables) | a start, no trained network |
#
# All but the last write a **low-rank change** of frozen weights (Hu and others 2021):
#
# $$ W = W_0 + B(\tau)\, A(\tau), \qquad B \in \mathbb{R}^{m \times r}, \; A \in \mathbb{R}^{r \times n} \tag{3} $$
#
# The first, in small: a frozen network that reads upright digits; sentences that say what was done; an adapter of rank 8 for its first matrix $W$, 48 × 64. Five changes: left, upside down, mirrored, negative, shifted up.

# %% today-slide [markdown] tags=["slides"]
# ## Today
#
# | from | → what is written |
# |---|---|
# | a sentence | adapters of a language model |
# | a document | adapters of one that no longer reads it |
# | one photo of a face | adapters of a generator of images |
#
# $$ W = W_0 + B(\tau)\, A(\tau) \qquad (3) $$

# %% adapters
digits, reads = Digits(), Text.available()
frozen = adapters.reads_upright(digits)
if reads:
    text, (train, new) = Text(), adapters.sentences()
    told = adapters.ToldDigits(digits.train, train, text)
    writer = adapters.adapter(frozen, 8, told, progress=True)
    print(f"{len(train)} sentences to learn from, such as:", *list(train)[4:100:24], sep="\n   ")
else:
    print("To write adapters from sentences: pip install 'hyperedu[text]'; the rest runs without.")

# %% adapter-predict [markdown]
# **Predict.** Sentence and what is *done* are chosen apart: you may lie. What does *upside down* do to upright digits? What of *They tilt to the left*, *They are not mirrored*, or two changes?

# %% adapter-predict-slide [markdown] tags=["slides"]
# ## Predict
#
# The digits are upright, and the sentence says that they stand on their heads. What is read?
#
# * as much as without an adapter
# * much less
# * more

# %% adapter-slide [markdown] tags=["slides"]
# ## What is told, and what was done

# %% adapter tags=["shown"]
if reads:
    picture = AdapterPicture(writer, text, told, frozen, digits.test)
    box = ipywidgets.Text("The digits stand on their heads.", continuous_update=False)
    done = ["nothing", *adapters.CHANGES]
    adapted = live.interact(picture.figure, picture.update, sentence=box, done=done)
    adapted.controls["done"].value = "upside down"
questions.predict("adapter", adapted if reads else None)

# %% adapter-settings tags=["teacher"]
if reads:
    projected.project("adapter", adapted)

# %% adapter-look [markdown]
# **What to look for.** A right sentence restores most of the reading (here of *negative* drawings only some); most wrong ones destroy what the frozen network could do (grey bar). On held-out drawings:

# %% lies
for said, done in [("Nothing was done to them.", ()), ("The digits are upside down.", ()),
    ("They tilt to the left.", ("left",)), ("They are not mirrored.", ()),
    ("The digits are white on black.", ("negative",)),
    ("The digits are mirrored, then negative.", ("mirrored", "negative"))]:
    if reads:
        share = adapters.told_right(writer, digits, {said: done}, text)
        print(f"{share:.0%} read rightly, told “{said}”; done: {' and '.join(done) or 'nothing'}")

# %% ranks [markdown]
# This "not" is not understood. A change of rank $r$ reaches only $r$ directions of what the layer answers. Over all changes (four known sentences say that nothing was done):

# %% ranks-table-slide [markdown] tags=["slides"]
# ## The rank counts

# %% ranks-table tags=["shown"]
print("share read rightly; rank 0: the frozen network, chance 0.10; mean of 3 splits ± 95%")
print("known sentences, new sentences, two changes:")
by_rank = [{f"rank {r}": list(of.values()) for r, of in run.items()} for run in tables["ranks"]]
seeds_table(by_rank, ".2f")

# %% ranks-then [markdown]
# New ways to say a change are often understood. **Where it fails:** two changes in one sentence, which no training sentence had.

# %% today-teacher [markdown] tags=["teacher"]
# > **For the teacher** · 14 minutes. *Purpose*: to ask of a system what was shown; and to see one fail.
# >
# > *Students believe*: that an adapter written from words understands them. "Not" does nothing: 32%, as if they were mirrored (setting 2). And that a right sentence is enough: in this run *negative* was hardly learned, 40% even by a sentence that says just that (setting 3). So the last line of `lies` tests a weak change too; the column *two changes* has all pairs.
# >
# > *Ask*: Which row of the table has a comparison, which only one number, which none? (Text-to-LoRA has 74.0% beside 75.8%; HyperDreamBooth 25 times; LoGAH none here.) Setting 4: why does it do no harm? (It writes hardly any change; why, we did not test.)
# >
# > *On the board*: B = (1, 2)ᵀ, A = (3, −1): BA = ((3, −1), (6, −2)). For x = (1, 1): Ax = 2, BAx = (2, 4), a multiple of B, as for every x. Numbers at rank 8: 8 · (48 + 64) = 896 instead of 3,072.
# >
# > *Short of time*: skip the ranks. Say: at rank 1 about 40% of known sentences' digits are read, at rank 8 near 90%; no rank reads two changes.

# %% clients-end [markdown]
# ## Going further: drawings as functions
#
# *Nothing below needs this section.* A drawing is a function of the place on the paper (Sitzmann and others 2020): $g(\theta, (x_1, x_2))$ is the ink there. Each of 24 has two learned numbers,
#
# $$ \min_{\varphi,\, \tau_1, \dots, \tau_n} \mathbb{E}_\varepsilon \sum_i \sum_x \big(g(f_\varphi(\tau_i + \varepsilon), x) - \mathrm{ink}_i(x)\big)^2, \qquad \varepsilon \sim N(0, 0.3^2 I) \tag{4} $$
#
# where ε makes each a blot on the map, so that neighbours must be alike.

# %% clients-end-slide [markdown] tags=["slides"]
# ## Going further: drawings as functions
#
# A drawing is a function $g(\theta, (x_1, x_2))$ of the place on the paper. What lies between two hands' drawings of one letter?
#
# * the letter, in a hand between
# * a blur of both
# * nothing that can be read

# %% drawings
family = drawings.Drawings()
learner = drawings.painter(family)
load_checkpoint(data_file("checkpoints/drawings.safetensors"), learner)
learner.eval()  # no noise
apart = drawings.apart(learner.main, family)  # a network for each drawing, by itself

# %% map-predict [markdown]
# **Predict.** What lies between two hands' drawings of one letter? Between two letters? Drag the star.

# %% map-slide [markdown] tags=["slides"]
# ## A map of drawings

# %% map tags=["shown"]
picture = DrawingsPicture(learner, family)
places = {name: (-picture.limit, picture.limit, 0.02) for name in ("tau_1", "tau_2")}
figure = live.interact(picture.figure, picture.update, drag=picture.drag, **places)
figure.controls["tau_1"].value, figure.controls["tau_2"].value = picture.places[2].tolist()
questions.predict("map", figure)

# %% map-settings tags=["teacher"]
projected.project("map", figure)

# %% walk-predict [markdown]
# **Predict.** Now a walk from one drawing to another: over the map (*τ*), straight from one's weights to the other's (*θ written*), or between two networks trained apart, from starts of their own. Which stay drawings half way?

# %% walk-predict-slide [markdown] tags=["slides"]
# ## Predict
#
# Half way from one drawing to another: which way is still a drawing?
#
# * over the map ($\tau$)
# * straight through written weights
# * between networks trained apart

# %% walk-slide [markdown] tags=["slides"]
# ## A walk

# %% walk tags=["shown"]
picture = DrawingsPicture(learner, family, apart)
ends = {"first": (0, 23), "second": (0, 23), "share": (0.0, 1.0, 0.02)}
walk = live.interact(picture.figure, picture.walk, through=list(drawings.WAYS), **ends)
walk.controls["second"].value, walk.controls["share"].value = 13, 0.5
questions.predict("walk", walk)

# %% walk-settings tags=["teacher"]
projected.project("walk", walk)

# %% walk-look [markdown]
# **What to look for.** Over the map, hands of one letter change into each other; from letter to letter the way leads through others. Straight through weight space comes more blur; between networks trained apart, nothing that anybody drew. Half way between all pairs, correlation with the most similar drawing:

# %% half-way
own, alone, other = drawings.scale(learner, apart, family)
print(f"written {own:.2f}, trained apart {alone:.2f}, a drawing with the nearest other {other:.2f}")
for name, (one, two) in drawings.half_way(learner, apart, family).items():
    print(f"{name:16} pairs of one letter {one:.2f}, of two letters {two:.2f}")

# %% half-way-then [markdown]
# **Where it fails:** a new drawing has no place on the map until one is searched.

# %% drawings-teacher [markdown] tags=["teacher"]
# > **For the teacher** · 15 minutes, or homework. *Purpose*: a map on which neighbours are alike, since training put noise on τ; weights have no such map.
# >
# > *Students believe*: that the mean of two good networks is a good one. Half way between networks trained apart the correlation is about 0.2; of written ones 0.70 within a letter and 0.42 between two; over the map about 0.85.
# >
# > *Ask*: Why 0.2? (Hidden units of two trainings do not correspond.) Is the map smooth everywhere? (No: settings 3 of the map and 4 of the walk lie in a double exposure, and far outside there is no drawing.)
# >
# > *On the board*: two networks that compute the same: hidden units (a, b) and (b, a). Their mean has twice (a + b)/2: other features. Draw the two orders with crossing arrows.
# >
# > *Short of time*: the walk alone, at one half. Say: a new drawing has no place on the map until it is searched.

# %% exercise-1 [markdown]
# ## Exercises
#
# **1 · Compute.** (6 minutes; a round by hand.) A generator with one parameter writes $\theta_i = \varphi\,\tau_i$, and $\varphi = 1$. Two clients with $\tau = 1$ and $2$ have the losses $\frac12(\theta_1 - 3)^2$ and $\frac12\theta_2^2$, equal shares, and take one step with $\alpha = 0.1$. What is φ after one round (1) with $\eta = 1$?
#
# <details><summary>Hint 1</summary>Δθ₁ = −0.1 · (1 − 3).</details>
# <details><summary>Hint 2</summary>What is ∂θ₂/∂φ?</details>

# %% exercise-1-slide [markdown] tags=["slides"]
# ## Exercise 1, on paper
#
# $\theta_i = \varphi\,\tau_i$, and $\varphi = 1$. Two clients, $\tau = 1$ and $2$, with $\frac12(\theta_1 - 3)^2$ and $\frac12\theta_2^2$, equal shares, one step with $\alpha = 0.1$.
#
# What is $\varphi$ after one round with $\eta = 1$?

# %% exercise-1-answer tags=["exercise"]
phi = ...
checks.one_round(phi)

# %% exercise-1-solution tags=["solution"]
delta_1, delta_2 = -0.1 * (1 - 3), -0.1 * (2 - 0)
phi = 1 + 0.5 * 1 * delta_1 + 0.5 * 2 * delta_2
checks.one_round(phi)

# %% exercise-2 [markdown]
# **2 · Change.** (6 minutes; what low rank saves.) Write `adapted_layer(x, W_0, b, B, A)`: a linear layer with the weights (3) and the bias `b` (m,), for inputs `x` (…, n), without ever making the m × n matrix B A.
#
# <details><summary>Hint 1</summary>In which order must x, A and B be multiplied?</details>
# <details><summary>Hint 2</summary>Inputs are rows: a matrix M acts as <code>x @ M.T</code>.</details>

# %% exercise-2-answer tags=["exercise"]
adapted_layer = ...
checks.adapted(adapted_layer)

# %% exercise-2-solution tags=["solution"]
def adapted_layer(x, W_0, b, B, A):
    return x @ W_0.T + (x @ A.T) @ B.T + b

checks.adapted(adapted_layer)

# %% exercise-3 [markdown]
# **3 · Find what is wrong.** (10 minutes; what a server needs.) This server learns well, but it breaks a promise. Write `server(f, tau, ask)`, which leaves the parameters of `f` the `.grad` of (1) with $w_i = 1/n$, so that an optimizer's step against it is (1). `ask` is called once, with the $\theta$ (n, P) of all clients, without its graph; it answers with their Δθ (n, P), no more.
#
# <details><summary>Hint 1</summary>What of the clients does <code>nosy</code> see?</details>
# <details><summary>Hint 2</summary>A tensor's <code>backward</code> takes the gradient that comes from outside; the optimizer steps against it.</details>

# %% exercise-3-given
def nosy(f, tau, wanted, alpha=0.1):  # wanted (n, P): the θ that each client's data ask for
    loss = (f(tau) - wanted).square().sum(-1).mean() / 2
    (alpha * loss).backward()

# %% exercise-3-answer tags=["exercise"]
server = ...
checks.server(server)

# %% exercise-3-solution tags=["solution"]
def server(f, tau, ask):
    theta = f(tau)
    delta = ask(theta.detach())
    theta.backward(-delta / len(tau))

checks.server(server)

# %% exercise-4 [markdown]
# **4 · Make.** (15 minutes; a client without descriptor.) A client joins, and nobody knows its τ. Write `place(f, tau, ask)`, which finds one (k,); `tau` (n, k) has those of others. `ask(theta)`, at most 100 times, sends the client one θ (P,), without its graph, and gives its loss and Δθ. `f` and `tau` stay as they are; its loss must fall below a fifth of what the best of `tau` gives. Many are good.
#
# <details><summary>Hint</summary>By which derivative would τ follow Δθ, as φ does in (1)? Or use losses only, and look closer where they are small.</details>

# %% exercise-4-given
f, tau, ask = checks.newcomer()  # a client to try it on; the check has others

# %% exercise-4-answer tags=["exercise"]
place = ...
checks.placed(place)

# %% exercise-4-solution tags=["solution"]
def place(f, tau, ask):
    best = min(tau, key=lambda one: ask(f(one).detach())[0]).clone().requires_grad_()
    optimizer = torch.optim.Adam([best], lr=0.1)
    for _step in range(80):
        theta = f(best)
        _loss, delta = ask(theta.detach())
        (best.grad,) = torch.autograd.grad(theta, best, -delta)  # (1), for τ in place of φ
        optimizer.step()
    return best.detach()

checks.placed(place)

# %% open-task [markdown]
# **Open task.** (60 minutes.) Read the paper of one of these systems, and write half a page: τ, f, θ, g; on what it was trained and tested; where you expect it to fail. A good answer names the test.

# %% exercises-teacher [markdown] tags=["teacher"]
# > **For the teacher** · 22 minutes: 6, 6 and 10 (for many 15: signs and shares), and 15 for exercise 4, which is homework. *Purpose*: one round by hand, a cheap layer, an honest server, a place for a client without a descriptor.
# >
# > *Students believe*: 1: that Δθ must be subtracted (1.1), that changes are summed (0.8), that ∂θ/∂φ is 1 (1.0), or that clients come one after the other (0.88, 0.91). 2: that `B @ A` may be made on the way (right values, but refused), or `.T` of all inputs, which fails with more dimensions. 3: the sign; a sum for the mean; θ sent with its graph; a loss of their own on Δθ, which makes it small. 4: that φ must be trained for who joins, that θ is what is sought, that one of the others' τ will do, that the last step is the best.
# >
# > *Ask*: In the open task, what does a good answer contain? (τ, f, θ, g; trained and tested on what, against what; where it should fail; the test by name.) What is a good answer to 4? (Steps on τ along (∂θ/∂τ)ᵀ Δθ, plain or by Adam, are few asks; a search near the best so far, by the losses alone, needs no derivative, and more asks the more numbers τ has.)
# >
# > *On the board*: for 3: an optimizer does φ ← φ − η · grad, (1) does φ ← φ + η Σ w (∂θ/∂φ)ᵀ Δθ. So grad = −Σ w (∂θ/∂φ)ᵀ Δθ.
# >
# > *Short of time*: 3 and 4 as homework. Who is done early counts multiplications for one x in exercise 2: mn + r(m + n) against mn + rmn with `B @ A`.

# %% readers [markdown]
# ## Questions that readers asked

# %% readers-asked
questions.of_readers()

# %% quiz [markdown]
# ## Quiz
#
# **1. Why does a code for each task not prevent forgetting by itself?**
# <details><summary>All tasks share φ</summary>Yes: what changes φ changes all that it writes.</details>
# <details><summary>Two numbers are too few for a code</summary>No: with the penalty two are enough.</details>
#
# **2. What does the output penalty keep of old tasks?**
# <details><summary>Some of their examples</summary>No: it needs none.</details>
# <details><summary>What was written for their codes</summary>Yes: a snapshot of θ for each.</details>
#
# **3. A client sends Δθ and no data. Is that private?**
# <details><summary>Not by itself</summary>Right: where data are few, Δθ tells them.</details>
# <details><summary>It is</summary>Wrong: the step of one reading tells it.</details>
#
# **4. The generator met “mirrored” and “negative”. Told of both in one sentence, it fails. Why?**
# <details><summary>No training sentence had two changes</summary>Yes, in part: of what it writes for such sentences training asked nothing.</details>
# <details><summary>The rank is too low for both</summary>Not shown: rank 16 reads no more than rank 8.</details>
#
# **5. An adapter of rank 1 leaves most changed digits unread. Why?**
# <details><summary>It changes what the layer answers along one direction only</summary>Yes, likely: B A x is always a multiple of one vector B.</details>
# <details><summary>It has too few sentences</summary>No: rank 8 learned from the same ones.</details>

# %% quiz-answers
questions.quiz()

# %% in-one-breath [markdown]
# ## In one breath
#
# A task that has a descriptor can be held ($\lVert f_\varphi(\tau) - \theta^*\rVert^2$), served without sending data ($(\partial\theta/\partial\varphi)^\top \Delta\theta$) and put into words ($W_0 + B(\tau)A(\tau)$); it fails where a descriptor says what training did not know, or puts together what it knew apart.

# %% in-one-breath-slide [markdown] tags=["slides"]
# ## In one breath
#
# A task that has a descriptor can be held, served without sending data, and put into words:
#
# $$ \lVert f_\varphi(\tau) - \theta^*\rVert^2 \qquad \left(\frac{\partial\theta}{\partial\varphi}\right)^{\!\top} \Delta\theta \qquad W_0 + B(\tau)A(\tau) $$
#
# It fails where a descriptor says what training did not know.

# %% references [markdown]
# ## References
#
# * J. von Oswald and others, *Continual learning with hypernetworks*, 2020, [arXiv 1906.00695](https://arxiv.org/abs/1906.00695).
# * A. Shamsian and others, *Personalized federated learning using hypernetworks*, 2021, [arXiv 2103.04628](https://arxiv.org/abs/2103.04628).
# * V. Sitzmann and others, *SIREN*, 2020, [arXiv 2006.09661](https://arxiv.org/abs/2006.09661).
# * E. Hu and others, *LoRA*, 2021, [arXiv 2106.09685](https://arxiv.org/abs/2106.09685).
# * R. Charakorn and others, *Text-to-LoRA*, 2025, [arXiv 2506.06105](https://arxiv.org/abs/2506.06105); *Doc-to-LoRA*, 2026, [arXiv 2602.15902](https://arxiv.org/abs/2602.15902).
# * N. Ruiz and others, *HyperDreamBooth*, 2023, [arXiv 2307.06949](https://arxiv.org/abs/2307.06949).
# * X. Zhou and others, *LoGAH*, 2024, [arXiv 2405.16287](https://arxiv.org/abs/2405.16287).
