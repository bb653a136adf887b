# %% opening [markdown]
# # 07 · Hypernetworks meet MAML
#
# **Describe the task, or show examples?**
#
# *You will be able to*
# **place** every learner of this course in one table,
# **explain** how much to trust a description, and when to step away from it,
# **compare** description, examples and both, fairly.
#
# 60 minutes without *Going further*, exercise 4 and the open task. Before: [02 · Training a hypernetwork](02_training_a_hypernetwork.ipynb), [06 · MAML](06_maml.ipynb).

# %% opening-slide [markdown] tags=["slides"]
# # Hypernetworks meet MAML
#
# Describe the task or show examples?

# %% plan-teacher [markdown] tags=["teacher"]
# > **50 minutes**
# >
# > | minutes | what |
# > |---|---|
# > | 15 | *A description that lies*: the four learners on the board; all lock the prediction before anyone moves a slider; settings 1 to 5 projected |
# > | 8 | *One table for all of them*: in pairs, place the learners in an empty table, then show it |
# > | 11 | *How far to step away from a description*: derive (3) on the board, then run the small table |
# > | 9 | *Who wins on sinusoids*: the figure and its printed lines |
# > | 4 | exercise 1, alone |
# > | 3 | quiz 1 and 4 by show of hands |
# >
# > Left out: *Going further*. Homework: exercise 2 for the table, exercise 3 for what an error must do, exercise 4, quiz 2, 3, 5.
# >
# > **90 minutes**
# >
# > | minutes | what |
# > |---|---|
# > | 20 | *A description that lies*: the prediction locked, settings projected; then in pairs, each drags the star and the circle |
# > | 12 | *One table for all of them*, with the code cell aloud |
# > | 15 | *How far to step away from a description*: derivation alone, compared on the board |
# > | 13 | *Who wins on sinusoids*: all sketch *both* against the noise first |
# > | 22 | exercises 1 and 3 alone, 2 in pairs |
# > | 8 | quiz alone, answers aloud; *In one breath* |
# >
# > Left out: *Going further* (12 minutes more, or reading, with its prediction). Homework: exercise 4; the open task, on waves.
# >
# > **Outcomes**
# >
# > | after it a student can | shown in | asked in |
# > |---|---|---|
# > | place every learner in one table, and build one for an empty cell | *One table for all of them* | exercise 2, quiz 1 |
# > | say how far to step away from a description, and why a step may be wrong | *How far to step away from a description* | exercise 1, 4, quiz 2, 4 |
# > | compare description, examples and both fairly, and err in a description as it should be | *A description that lies*, *Who wins on sinusoids* | exercise 3, quiz 3, 5 |

# %% imports
import torch

from hyperedu import MAML, ColoradoClimate, Hypernetwork, Learner, MainNetwork, MLPGenerator
from hyperedu import NoisyDescriptors, SetEncoder, SharedWeights, Sinusoids, TaskConditionedMAML
from hyperedu import data_file, figures, live, load_checkpoint, meta_test, meta_train
from hyperedu.lessons.hypernetworks_meet_maml import checks, questions
from hyperedu.lessons.hypernetworks_meet_maml.figures import DescribeOrShow, all_mappings

torch.manual_seed(0)
family, main = Sinusoids(), MainNetwork.mlp([1, 40, 40, 1])

# %% a-description-that-lies [markdown]
# ## A description that lies
#
# A hypernetwork is told which wave it is. MAML is shown points of it. Until now the description was perfect. Here it errs by a *noise*: the learner gets $\tau + s\,\varepsilon$, with a new standard normal $\varepsilon$ for each task.
# As $\tau$ is standardised, $s$ counts standard deviations of what tasks differ by.
#
# Four learners, three seeds each, were trained with the same 10,000 batches of ten shots:
#
# * **described**, a hypernetwork $f_\varphi(\tau)$;
# * **shown**, MAML;
# * **both**, $U(f_\varphi(\tau), D)$: it starts where the description says, and then descends;
# * **untold**, as *both*, but its generator is told nothing and writes one start for all, with as many numbers to learn.
#
# In training each task drew its own $s$ from 0 to 1.5. So they are *warned* that descriptions may err, but not by how much this one does. Those that descend took one step of $\alpha = 0.01$ in training, and take five here (untuned).
# (`python data/make_checkpoints.py`)

# %% a-description-that-lies-slide [markdown] tags=["slides"]
# ## A description that lies
#
# | learner | what it starts from, and sees |
# |---|---|
# | described | $f_\varphi(\tau)$, no examples |
# | shown | MAML: examples alone |
# | both | $U(f_\varphi(\tau), D)$ |
# | untold | as *both*, told nothing |
#
# Noise: $\tau + s\,\varepsilon$, with $s$ in standard deviations.

# %% untold
class Untold(TaskConditionedMAML):
    def start(self, descriptor, support):  # U(f_φ(1), D): one start for all tasks
        return super().start(torch.ones_like(descriptor), support)

# %% learners
def trained(seed):
    f_1, f_2, f_3 = (MLPGenerator(2, main, hidden=(64, 32)) for _ in range(3))
    found = {"described": Hypernetwork(main, f_1), "shown": MAML(main)}
    found |= {"both": TaskConditionedMAML(main, f_2), "untold": Untold(main, f_3)}
    for name, learner in found.items():
        file = f"{name}_{seed}"
        if name == "shown":
            file = f"maml_{seed}" if seed else "maml"  # MAML of seed 0 is lesson 06's
        load_checkpoint(data_file(f"checkpoints/{file}.safetensors"), learner)
        learner.inner_steps = 5 if learner.inner_steps else 0  # for those that adapt
    return found

# %% trained
learners = [trained(seed) for seed in range(3)]
for name, learner in learners[0].items():
    print(f"{name:10} {sum(p.numel() for p in learner.parameters()):7,} numbers to learn")

# %% trained-then [markdown]
# Now each on 200 unseen waves, with six numbers of shots and six noises, the last beyond training. (Each number of shots draws its own waves and $\varepsilon$, so *described* differs by chance along it.)

# %% errors-measured
noises, shots = (0.0, 0.25, 0.5, 1.0, 1.5, 3.0), (1, 2, 3, 5, 10, 20)


def measure(learners, family, shots, score, **sizes):  # name → (seeds, noises, shots)
    def one(learner):
        tests = [NoisyDescriptors(family.test, s) for s in noises]
        reports = [[meta_test(learner, test, n, **sizes) for n in shots] for test in tests]
        return [[getattr(report, score) for report in row] for row in reports]

    names = learners[0]
    return {name: torch.tensor([one(of_seed[name]) for of_seed in learners]) for name in names}


errors = measure(learners, family, shots, "median", n_tasks=200, queries=50)

# %% describe-or-show-predict [markdown]
# **Predict.** The description is perfect: do ten examples still help? There are ten examples: does a bad description still help, and from which noise on is one better without?
#
# Then drag *noise* and *shots*, the circle on the map, or the star: the task is described as what stands there.

# %% describe-or-show-predict-slide [markdown] tags=["slides"]
# ## Predict
#
# The description is very bad, and there are ten examples. Which learner is best?
#
# * the one with both
# * the one with examples alone
# * the one with the description alone

# %% describe-or-show-slide [markdown] tags=["slides"]
# ## Who errs least, and where

# %% describe-or-show tags=["shown"]
picture = DescribeOrShow(family, learners[0], errors, noises, shots)
sliders = {"task": (0, 19), "noise": (0.0, 3.0, 0.05), "shots": (1, 20)}
figure = live.interact(picture.figure, picture.update, drag=picture.drag, **sliders)
for name, value in {"task": 3, "noise": 0.5, "shots": 5}.items():
    figure.controls[name].value = value
questions.predict("describe-or-show", figure)

# %% describe-or-show-look [markdown]
# **What to look for.** *Left*, the description (star) leaves the task (ring).
#
# *Middle*, the curve with stars is written from the description alone, and is cautious: told the largest amplitude, it draws a smaller one. *Shown* (squares) and *untold* (triangles) know only the points. *Both* (diamonds) starts where its own generator says, and bends to the points.
#
# *Right*, over all tasks: colour and marker say who errs least, the number how much (median, mean of three seeds). A question mark: the seeds do not agree.

# %% describe-or-show-settings tags=["teacher"]
from hyperedu.lessons.hypernetworks_meet_maml import projected

projected.project("describe-or-show", figure)

# %% a-description-that-lies-teacher [markdown] tags=["teacher"]
# > **For the teacher** · 15 minutes. *Purpose*: what a description is worth depends on its error and on the number of examples.
# >
# > *Students believe* that more information cannot hurt. In setting 5 *both* errs about twice as much as *shown*. And that a warned learner knows how much *this* description errs: in setting 1 it is perfect, and still the described curve is too low at its peaks.
# >
# > *Ask*: Perfect description, one example: why is *both* (0.60) worse than *described* (0.17)? [Its steps follow the single point, setting 2; a later cell shows that one step leaves 0.22.] What would be missing without *untold*? [*Both* has 60,385 numbers to learn and *shown* 1,761: its gain might be their doing.]
# >
# > *On the board*: a number $c$, standard normal, told as $c + s\,\varepsilon$. The best guess is what was told, divided by $1 + s^2$: all of it at $s = 0$, a half at 1, a tenth at 3. Who does not know $s$ takes something between.
# >
# > *Short of time*: project settings 1, 4 and 5, and say: examples correct a bad description, up to the errors of training.

# %% one-table-for-all-of-them [markdown]
# ## One table for all of them
#
# Every learner of this course is a mapping $(\tau, D) \mapsto \theta$. They differ in what they take of the description and of the examples:

# %% one-table-for-all-of-them-slide [markdown] tags=["slides"]
# ## One table for all of them
#
# Every learner of this course is one mapping:
#
# $$ (\tau, D) \mapsto \theta $$
#
# They differ in what they take of the description, and what of the examples.

# %% all-mappings-slide [markdown] tags=["slides"]
# ## One cell is yours to fill

# %% all-mappings tags=["shown"]
alt = "All learners by what they take: description, examples, or both; one cell is yours to fill."
figures.show(all_mappings(), alt)

# %% all-mappings-then [markdown]
# ($h$ reads a support set into a vector, $H_\varphi$ (no Hessian) writes a change of weights from $D$ and $g_{\theta_0}(D)$, what the start answers on it; $b_1 + A\tau$ is the first bias.) The same in words:
#
# | of the task | no examples | examples read by a network | gradient steps on examples |
# |---|---|---|---|
# | **no description** | *SharedWeights*: one $\theta_0$ for all tasks. | *SupportSetHypernetwork* writes θ from a summary of the examples; *HyperMAML* writes a change of $\theta_0$. | *MAML* and its kin step from one $\theta_0$. |
# | **τ given** | *Hypernetwork* writes θ from τ; *Conditioned* lets τ move one bias only. | Yours, in exercise 2. | *TaskConditionedMAML* takes steps from a start that is written from τ. |
# | **τ sought** | No learner: nothing to seek by. | No learner of this course. | *DescriptorAdaptation* takes steps on τ, from a learned one, and θ follows. |
#
# *Untold* belongs with MAML. *Both* stands at the right of the middle row:
#
# $$ \theta' = U(f_\varphi(\tau), D), \qquad \theta_0 = f_\varphi(\tau) \text{ instead of one } \theta_0 \text{ for all tasks} \tag{1} $$
#
# If $f_\varphi$ ignores $\tau$, that is MAML; if $U$ takes no step, the hypernetwork. In code:

# %% in-one-line
both, tasks = learners[0]["both"], family.test.sample(4, 10, 50)
theta = both.generator(tasks.descriptor)  # f_φ(τ)
for _ in range(5):  # U
    loss = (main(theta, tasks.support.x) - tasks.support.y).square().mean((-2, -1)).sum()
    theta = theta - 0.01 * torch.autograd.grad(loss, theta, create_graph=True)[0]
own = both(tasks.descriptor, tasks.support)
print("same as the package:", torch.allclose(theta, own, atol=1e-5))

# %% one-table-teacher [markdown] tags=["teacher"]
# > **For the teacher** · 8 minutes. *Purpose*: two questions place a learner: what does it do with τ, and what with $D$?
# >
# > *Students believe* that a hypernetwork and MAML are rivals of different kinds. The code cell is both: line 2 is the one, the loop the other. And that *untold*, which has a generator, belongs to the middle row: it is told nothing.
# >
# > *Ask*: What must $f_\varphi$ do for (1) to be MAML? [Ignore τ.] Where does *DescriptorAdaptation* take its steps? [On τ; φ stays, and θ follows.]
# >
# > *On the board*: one number: $f(\tau) = 2\tau$, $\tau = 1$, loss $\frac12 (\theta - 4)^2$, $\alpha = \frac12$, one step. The hypernetwork says 2, *both* 3; MAML from $\theta_0 = 0$ says 2. Then the empty table: rows *no τ, τ given, τ sought*.
# >
# > *Short of time*: fill the middle row only, and say: *both* is a hypernetwork followed by MAML's steps.

# %% how-far-to-step-away-from-a-description [markdown]
# ## How far to step away from a description
#
# Take the smallest task: one number $c$. In this section $\theta$, our guess of it, and $\tau$ are single numbers too. The description says $\tau = c + s\,\varepsilon$. The examples are $n$ readings of $c$, each with standard deviation $\sigma$; $\bar y$ is their mean. Their errors are independent of $\varepsilon$.
#
# A gradient step on $\frac12(\theta - \bar y)^2$ from $\theta_0 = \tau$ ends between the two. Its $\alpha$ says how far: 0 stays at the description, 1 goes to the examples.
#
# $$ \theta' = \tau + \alpha\,(\bar y - \tau), \qquad \mathbb{E}\,(\theta' - c)^2 = (1 - \alpha)^2 s^2 + \alpha^2\, \sigma^2 / n \tag{2} $$
#
# The error is smallest at
#
# $$ \alpha^* = \frac{s^2}{s^2 + \sigma^2 / n}, \qquad \text{where, for } s > 0, \text{ the error is } \Big(\frac{1}{s^2} + \frac{n}{\sigma^2}\Big)^{-1} \tag{3} $$
#
# This is less than $s^2$ and $\sigma^2/n$: **with the right step, both is better than either**. But the step was chosen in training, for the descriptions there:

# %% how-far-to-step-away-slide [markdown] tags=["slides"]
# ## How far to step from a description
#
# One number $c$, described by $\tau$, read $n$ times with mean $\bar y$:
#
# $$ \theta' = \tau + \alpha\,(\bar y - \tau), \qquad \alpha^* = \frac{s^2}{s^2 + \sigma^2 / n} $$
#
# 0 stays at the description, 1 goes to the examples.

# %% how-far-slide [markdown] tags=["slides"]
# ## A step that is right for one noise only
#
# It wastes a good description, and it believes a bad one.

# %% how-far tags=["shown"]
sigma, n, alpha = 1.0, 4, 0.8  # α* for s = 1
c, e, e_mean = torch.randn(3, 200_000)
y_mean = c + sigma / n**0.5 * e_mean
print("error of:       description   examples   both, best step   both, step for s = 1")
for s in (0.25, 1.0, 3.0):
    tau, best = c + s * e, s**2 / (s**2 + sigma**2 / n)
    ends = tau, y_mean, tau + best * (y_mean - tau), tau + alpha * (y_mean - tau)  # equation (2)
    print(f"s = {s:4}       " + "".join(f"{(theta - c).square().mean():11.3f}" for theta in ends))

# %% how-far-then [markdown]
# The last column's step is right for $s = 1$. It wastes a good description, and believes a bad one: at $s = 3$, both is *worse than the examples alone*. In our networks $\alpha$ is fixed; training chooses where a step begins (how far $\theta_0$ follows $\tau$, how steep the loss is at $\theta_0$), for the descriptions there. We expect the same trade.

# %% how-far-teacher [markdown] tags=["teacher"]
# > **For the teacher** · 11 minutes. *Purpose*: (3), and that a step which is right for one $s$ is wrong for another.
# >
# > *Students believe* that one takes the better of the two, or the mean. At $s = 1$ the best step leaves 0.201, the examples alone 0.251, and the mean of the two 0.313 by (2). And that both can never lose: at $s = 3$ the step for $s = 1$ leaves 0.520.
# >
# > *Ask*: When is $\alpha^* = \frac12$? [When $s^2 = \sigma^2/n$.] Where in (2) is it used that the errors are independent? [There is no term with $\alpha(1 - \alpha)$.]
# >
# > *On the board*: set the derivative $-2(1 - \alpha)s^2 + 2\alpha\,\sigma^2/n$ to 0. With $s = 1$ and $\sigma^2/n = \frac14$: $\alpha^* = 0.8$, and the error is $0.04 \cdot 1 + 0.64 \cdot \frac14 = 0.2$. The same step at $s = 3$: $0.04 \cdot 9 + 0.16 = 0.52$; at $s = \frac14$: 0.1625. These are the last column, up to chance.
# >
# > *Short of time*: state (3), show the last line, and say: the step was chosen for other descriptions.

# %% who-wins-on-sinusoids [markdown]
# ## Who wins on sinusoids
#
# Ten shots, and one more rival: a **trusting** hypernetwork, as large as *described*, trained on perfect descriptions only, for a tenth of the steps. The bar is **shared weights**, trained as long, told and shown nothing.

# %% who-wins-on-sinusoids-slide [markdown] tags=["slides"]
# ## Who wins on sinusoids?
#
# Ten shots, and two more rivals:
#
# * **trusting**: perfect descriptions only in training
# * **shared weights**: told and shown nothing

# %% trusting
errors["trusting"], neither = [], 0.0
tests = [NoisyDescriptors(family.test, s) for s in noises]
for seed in range(3):
    torch.manual_seed(seed)
    trusting = Hypernetwork(main, MLPGenerator(2, main, hidden=(64, 32)))
    shared = SharedWeights(main)
    for learner in (trusting, shared):
        meta_train(learner, family.train, steps=1000, shots=0)
    errors["trusting"].append([meta_test(trusting, test, 10, 50, 200).median for test in tests])
    neither += meta_test(shared, family.test, 10, 50, 200).median / 3
for K in (1, 5):
    one = [meta_test(of["both"], family.test, 1, 50, 200, inner_steps=K).median for of in learners]
    print(f"both, perfect description, one example, {K} steps: {sum(one) / 3:.2f}")

# %% winners-figure-slide [markdown] tags=["slides"]
# ## A bad description: worse than none

# %% winners-figure tags=["shown"]
figure, (axes,) = figures.subplots(width=8, height=4)
colors = figures.VERMILION, figures.BLUE, figures.GREEN, figures.ORANGE, figures.PURPLE
for name, color, marker in zip(errors, colors, ("*-", "s--", "D-", "^:", "v-.")):
    values = torch.as_tensor(errors[name])
    values = values[..., shots.index(10)] if values.ndim == 3 else values  # (seeds, noises)
    low, mean, high = (v.numpy() for v in (values.amin(0), values.mean(0), values.amax(0)))
    axes.plot(noises, mean, marker, color=color, markersize=8, label=name)
    axes.fill_between(noises, low, high, color=color, alpha=0.2)
    print(f"{name:15}", "   ".join(f"s = {s:g}: {m:.3f}" for s, m in zip(noises, mean)))
first, second = torch.tensor(errors["trusting"]).mean(0)[:2]
print(f"shared weights  {neither:.3f};  trusting, s = 0.25 by s = 0: {second / first:.0f} times")
axes.axhline(neither, color=figures.GREY, lw=1, label="shared weights")
axes.axvspan(0, 1.5, color=figures.SKY, alpha=0.15)
axes.set(xlabel="noise in τ (std); blue ground: as in training", yscale="log")
axes.set_ylabel("median loss, range of seeds")
axes.legend(ncols=3, loc="lower right")
figures.show(figure, "Median loss by noise: description alone rises, examples are flat.")

# %% winners-figure-then [markdown]
# **Trust.** While its description is perfect, *trusting* has the least loss of all, without an example. A quarter of a standard deviation undoes that. Where it crosses the grey line, **a bad description is worse than knowing nothing**. *Described* pays for its caution at small errors, and is paid back from $s = 1$ on.
#
# **Both.** It beats *shown* and *untold* while the description is good. At $s = 1.5$, the edge of its training, it ties with *shown*; beyond, it loses. *Untold*, with as many numbers to learn, is no better than MAML: without the description nothing is won.
#
# **One example.** In the first column of the map *described* wins up to $s = 1$. Steps follow a single point too far, five farther than one (printed above).

# %% who-wins-on-sinusoids-teacher [markdown] tags=["teacher"]
# > **For the teacher** · 10 minutes. *Purpose*: a fair comparison names what each was told, shown, and warned of.
# >
# > *Students believe* that the hypernetwork which is best on perfect descriptions is best. *Trusting* has 0.007 there, and 16 times as much at a quarter of a standard deviation. And that *both* wins by its size: *untold* has as many numbers, 0.082 against 0.067 of *shown*.
# >
# > *Ask*: Why are two of the lines flat? [They are told nothing of τ.] Is *trusting* worse because it was trained for a tenth of the steps? [At $s = 0$ it is the best of all; what it lacks is the warning. More steps were not tried.]
# >
# > *On the board*: *both* by *shown*: a fifth at $s = 0$, two thirds at 1, about the same at 1.5, twice at 3. *Trusting* from $s = 0.5$ to 1: 0.358 to 1.538; from 1.5 to 3: 3.589 to 16.347. Both are a little over four times: (2) with $\alpha = 0$ says four.
# >
# > *Short of time*: show the figure alone, and say: where *trusting* crosses the grey line, knowing nothing is better.

# %% who-wins-on-the-stations-of-colorado [markdown]
# ## Going further: who wins on the stations of Colorado
#
# *Nothing below needs this section.* The same with real measurements: a station is described by elevation and place, or shown by some months. Those that adapt take three steps of $\alpha = 3\cdot10^{-4}$ (untuned). *Trusting* is trained as long as the others.

# %% stations
climate = ColoradoClimate("tmax")
year = MainNetwork.mlp([2, 32, 32, 1], "tanh", climate.y_mean, climate.y_std)
warned = NoisyDescriptors(climate.train, (0.0, 1.5))
print(f"one standard deviation of elevation is {climate.descriptors.std[0]:.0f} m")


def fit(name, learner, tasks):
    decay = 0.1 if name in ("shown", "untold") else 1.0  # the better of two on another split
    adamw = torch.optim.AdamW(learner.parameters(), lr=2e-3, weight_decay=decay)
    meta_train(learner, tasks, steps=400, shots=3, queries=6, optimizer=adamw)
    return learner

# %% stations-measured
def train_on_stations(seed):
    torch.manual_seed(seed)
    f_1, f_2, f_3 = (MLPGenerator(3, year, hidden=(32, 32)) for _ in range(3))
    found = {"described": Hypernetwork(year, f_1), "shown": MAML(year, 3, 3e-4)}
    found["both"] = TaskConditionedMAML(year, f_2, 3, 3e-4)
    found["untold"] = Untold(year, f_3, 3, 3e-4)
    return {name: fit(name, learner, warned) for name, learner in found.items()}


stations, months = [train_on_stations(seed) for seed in range(3)], (1, 2, 3, 4, 6)
degrees = measure(stations, climate, months, "rmse", queries=6)
trusting = [Hypernetwork(year, MLPGenerator(3, year, hidden=(32, 32))) for _ in range(3)]
trusting = [{"trusting": fit("trusting", learner, climate.train)} for learner in trusting]
degrees |= measure(trusting, climate, months, "rmse", queries=6)

# %% months-or-description-predict [markdown]
# **Predict.** How many months tell more than a description that is wrong by one standard deviation? And from which noise on do examples alone win, with one month and with six?

# %% months-or-description-predict-slide [markdown] tags=["slides"]
# ## Going further: predict
#
# How many months tell more than a description that is wrong by one standard deviation?
#
# * one
# * three
# * six

# %% months-or-description-slide [markdown] tags=["slides"]
# ## The stations of Colorado

# %% months-or-description tags=["shown"]
picture = DescribeOrShow(climate, stations[0], degrees, noises, months)
picture.what.set(xticks=range(12), xticklabels="JFMAMJJASOND")
sliders["shots"] = (1, 6)
figure = live.interact(picture.figure, picture.update, drag=picture.drag, **sliders)
questions.predict("months-or-description", figure)

# %% months-or-description-look [markdown]
# **What to look for.** *Shots* are months here, the numbers at the right RMSE in °C; the sentence has mean squares. Latitude is not drawn.

# %% months-or-description-settings tags=["teacher"]
from hyperedu.lessons.hypernetworks_meet_maml import projected

projected.project("months-or-description", figure)

# %% months-table
print("RMSE (°C), s =     " + "".join(f"{s:8g}" for s in noises))
for name, values in degrees.items():
    for n in (1, 3):
        means = values.mean(0)[:, months.index(n)]
        print(f"{name:10} months: {n}" + "".join(f"{mean:8.2f}" for mean in means))

# %% months-table-then [markdown]
# Of the four *both* wins with all numbers of months up to $s = 0.5$, with four and six not in all seeds. At 1.5, the edge of what it was warned of, examples alone win: a warning in training does not tell *this* error from another.
#
# **A single month tells more than a description that is wrong by one standard deviation** (*shown*, *described*). The warned *described* wins nowhere; *trusting* beats *both* with one month, while the description is perfect. *Untold* beats *shown* from two months on, so part of what *both* gains may be its size or, not separated, faster training. (One split of the stations.)

# %% going-further-teacher [markdown] tags=["teacher"]
# > **For the teacher** · 12 minutes, or reading. *Purpose*: the same question with measurements, where a description does not say all.
# >
# > *Students believe* that a place on the map says more than one month. With a perfect description *described* errs by 1.27 °C, *shown* by 1.28 with one month; at $s = 1$ it is 2.08 against 1.28. On a single station a month may mislead: setting 4.
# >
# > *Ask*: Why is *described* not at 0 when its description is perfect? [It is cautious: *trusting* has 0.89. The rest of a year is not in elevation and place, or was not learned.] What does a question mark forbid? [To name a winner there: the three seeds do not agree.]
# >
# > *On the board*: one standard deviation of elevation is 596 m. At the rule of thumb of 6.5 °C per km that is 3.9 °C; *trusting* errs by 3.5 °C at $s = 1$.
# >
# > *Short of time*: settings 2 and 3, and say: one month tells more than a description that is wrong by one standard deviation.

# %% exercise-1 [markdown]
# ## Exercises
#
# **1 · Compute.** (4 minutes; how far (3) trusts a description.) A description errs with $s = 1$. There are $n = 12$ examples with $\sigma = 2$. Which $\alpha$ is best?
#
# <details><summary>Hint 1</summary>The mean of n readings has the variance σ²/n.</details>
# <details><summary>Hint 2</summary>Equation (3).</details>

# %% exercise-1-slide [markdown] tags=["slides"]
# ## Exercise 1, on paper
#
# A description errs with $s = 1$. There are $n = 12$ examples with $\sigma = 2$.
#
# Which $\alpha$ is best?

# %% exercise-1-answer tags=["exercise"]
alpha = ...
checks.step_size(alpha)

# %% exercise-1-solution tags=["solution"]
alpha = 1**2 / (1**2 + 2**2 / 12)  # equation (3)
checks.step_size(alpha)

# %% exercise-2 [markdown]
# **2 · Change.** (10 minutes; a learner that takes τ and D, built from the table.) Fill the empty cell of the table: `class Reader(Learner)`, which writes the weights of a sinusoid's network from $\tau$ (two numbers) *and* from the examples, without a gradient
# step: $f_\varphi([\tau, h(D)])$. Its `__init__(self, main)` begins with `super().__init__(main)`; its `start(self, descriptor, support)` returns θ. It need not be trained.
#
# <details><summary>Hint 1</summary><code>SetEncoder(1, 1, 32)</code> is h: called with τ and D, it reads D alone and gives 32 numbers per task.</details>
# <details><summary>Hint 2</summary><code>torch.cat([descriptor, read], dim=-1)</code>, where <code>read</code> is what h gave, goes into an <code>MLPGenerator</code> of 2 + 32 inputs.</details>

# %% exercise-2-answer tags=["exercise"]
Reader = ...
checks.reader(Reader)

# %% exercise-2-solution tags=["solution"]
class Reader(Learner):
    def __init__(self, main):
        super().__init__(main)
        self.encoder, self.generator = SetEncoder(1, 1, 32), MLPGenerator(2 + 32, main)

    def start(self, descriptor, support):
        read = self.encoder(descriptor, support)
        return self.generator(torch.cat([descriptor, read], dim=-1))

checks.reader(Reader)

# %% exercise-3 [markdown]
# **3 · Find what is wrong.** (6 minutes; what an error of a description must do.) Someone corrupts all descriptors, of training and test, by one call of this line, and hypernetworks do not mind. Write `misdescribe(tau, s)` as it should be.
#
# <details><summary>Hint 1</summary>Which shape has the error, and which has τ?</details>
# <details><summary>Hint 2</summary>An error that is the same for all tasks can be learned and taken off.</details>

# %% exercise-3-given
def harmless(tau, s):  # τ (n_tasks, d_tau)
    return tau + s * torch.randn(tau.shape[-1])

# %% exercise-3-answer tags=["exercise"]
misdescribe = ...
checks.misdescribed(misdescribe)

# %% exercise-3-solution tags=["solution"]
def misdescribe(tau, s):
    return tau + s * torch.randn_like(tau)

checks.misdescribed(misdescribe)

# %% exercise-4 [markdown]
# **4 · Make.** (15 minutes; a trust found, not told.) A catalogue's descriptions err with one $s$; nobody tells it, nor $\sigma$. Write `combine(tau, readings)`: from τ, T numbers, and readings, T rows of $n \ge 2$, a guess of each $c$.
# For each of ten catalogues of over 1,000 tasks, with $s^2$ from a tenth to twenty times $\sigma^2/n$, the mean squared error must be at most 1.3 times that of the best α, which knows $s$. Many are good.
#
# <details><summary>Hint</summary>How far τ lies from ȳ, over all tasks, holds both errors; readings of one task differ by theirs alone. Or try α on readings kept back.</details>

# %% exercise-4-answer tags=["exercise"]
combine = ...
checks.own_trust(combine)

# %% exercise-4-solution tags=["solution"]
def combine(tau, readings):
    y, n = readings.mean(dim=1), readings.shape[1]
    v = readings.var(dim=1).mean() / n  # σ²/n
    s_squared = ((tau - y).square().mean() - v).clamp(min=0)  # the mean is s² + σ²/n
    return tau + s_squared / (s_squared + v) * (y - tau)  # equation (3)

checks.own_trust(combine)

# %% exercises-teacher [markdown] tags=["teacher"]
# > **For the teacher** · 20 minutes: 4, 10 and 6, and 15 for exercise 4, which is homework. *Purpose*: (3) in numbers, the empty cell in code, an error that hides something, and an $s$ that tasks give away together.
# >
# > *Students believe*: in 1, 0.25 is the share that is kept, 0.2 forgets $n$, 1/3 is $\sigma^2/n$, 6/7 takes 2 for $\sigma^2$. In 2, modules are made in `start`, `forward` is written instead of `start`, or $D$ is not read at all. In 3, one error serves both numbers of a task, a seed is set inside, $s$ is taken for a variance, or τ is changed in place. In 4, the mean of $(\tau - \bar y)^2$ is taken for $s^2$, each task is judged alone by its one difference, or `numpy.var` divides by $n$.
# >
# > *Good answers of 4* differ in kind: $s^2$ as what is left of the mean of $(\tau - \bar y)^2$ without $\sigma^2/n$ (1.00 times the least error), and the α that predicts readings kept back: of one after the other (1.02 at worst) or of one half (1.17). The last needs no (3), and is how training chooses a step.
# >
# > *Ask*: What does `SetEncoder` spare in exercise 2? [To care for the order and the number of examples.] Why does the error of exercise 3 do no harm? [It is one shift for all tasks; differences between tasks stay.]
# >
# > *On the board*: exercise 3 with τ $= (0, 1), (1, 0)$ and the error $(0.5, -1)$: $(0.5, 0), (1.5, -1)$. The second less the first is $(1, -1)$, before and after. Who is early trains the `Reader` for a few hundred steps, or guesses for the open task.
# >
# > *Short of time*: do exercise 1 only, by weights: the description's is $1/s^2 = 1$, the examples' $n/\sigma^2 = 3$.

# %% open-task [markdown]
# ## Open task
#
# (45 minutes or more.) **How many examples is a description worth?** For three noises up to 1 find the number of shots at which *shown* errs as little as *described*, on waves or stations; `errors` and `degrees` help. Guess first: by (2) they are equal at $n = \sigma^2 / s^2$. A good answer gives the range of the seeds, compares how it falls as $s$ grows, and names a reason for the difference.

# %% open-task-slide [markdown] tags=["slides"]
# ## Open task
#
# How many examples is a description worth? Guess first:
#
# $$ n = \sigma^2 / s^2 $$
#
# Find the number of shots at which *shown* errs as little as *described*, for three noises, with the range of the seeds.

# %% open-task-teacher [markdown] tags=["teacher"]
# > **For the teacher** · 5 minutes to set it. *Purpose*: a worth in examples can be read off what was measured.
# >
# > *Students believe* that the guess $n = \sigma^2/s^2$ must come out. It rises without bound as $s$ falls to 0; on waves *described* still errs by 0.17 to 0.18 there, and *shown* comes below it between five and ten examples (at five with one seed).
# >
# > *Ask*: What does a good answer contain? [Three noises, each with the range of the three seeds: on waves between two and three examples at $s = 0.5$, between one and two at 1, below one at 3, in every seed. From 0.5 to 1 the guess falls to a quarter, the measured number by less. A reason: *described* is cautious; the error of *shown* does not fall as $1/n$, from two to ten it falls to about a ninth.]
# >
# > *On the board*: axes $s$ and $n$, the curve $1/s^2$ with (0.5, 4), (1, 1), (2, ¼); pairs sketch where they expect the networks.
# >
# > *Short of time*: give one noise to each group, on waves, and say: at $s = 3$ a description is worth less than one example.

# %% readers [markdown]
# ## Questions that readers asked

# %% readers-asked
questions.of_readers()

# %% quiz [markdown]
# ## Quiz
#
# **1. Of which learner is MAML a special case?**
# <details><summary>TaskConditionedMAML with a generator that ignores τ</summary>Yes: equation (1) with one θ₀ for all.</details>
# <details><summary>The hypernetwork</summary>No: it takes no step.</details>
#
# **2. A description is perfect. What are examples good for?**
# <details><summary>Nothing, in principle</summary>Yes: with s = 0, (3) says α = 0. Our warned learners do not know that it is perfect, so examples still help them.</details>
# <details><summary>They always halve the error</summary>No: nothing is left to learn.</details>
#
# **3. From s = 1 on, a trusting hypernetwork is worse than one that was warned. Why?**
# <details><summary>It has fewer parameters</summary>No: it has as many.</details>
# <details><summary>It never learned that τ may err</summary>Yes: the warned one hedges towards the middle.</details>
#
# **4. In theory both is never worse than either. Why may it lose?**
# <details><summary>The step was chosen for other descriptions</summary>Yes: the last column of the small table.</details>
# <details><summary>The theory is wrong</summary>No: it speaks of the best step for this s.</details>
#
# **5. The hypernetwork beats MAML. What must be known before that means anything?**
# <details><summary>What each was told</summary>Yes: they may be given different problems.</details>
# <details><summary>Which is the newer method</summary>No.</details>

# %% quiz-answers
questions.quiz()

# %% in-one-breath [markdown]
# ## In one breath
#
# $(\tau, D) \mapsto \theta' = U(f_\varphi(\tau), D)$: start where the description says, and let examples correct it. It fails where the description is worse than training made it expect.

# %% in-one-breath-slide [markdown] tags=["slides"]
# ## In one breath
#
# $$ (\tau, D) \mapsto \theta' = U(f_\varphi(\tau), D) $$
#
# Start where the description says, and let examples correct it. It fails where the description is worse than training made it expect.

# %% references [markdown]
# ## References
#
# * R. Vuorio and others, *Multimodal model-agnostic meta-learning via task-aware modulation*, 2019, [arXiv 1910.13616](https://arxiv.org/abs/1910.13616).
# * M. Przewięźlikowski and others, *HyperMAML*, 2022, [arXiv 2205.15745](https://arxiv.org/abs/2205.15745).
# * L. Zintgraf and others, *Fast context adaptation via meta-learning* (CAVIA), 2019, [arXiv 1810.03642](https://arxiv.org/abs/1810.03642).
