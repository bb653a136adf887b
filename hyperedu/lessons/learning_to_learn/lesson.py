# %% opening [markdown]
# # 05 · Learning to learn
#
# **What is optimised in meta-learning?**
#
# *You will be able to*
# **separate** what is learned across tasks from what is learned within one,
# **solve** a meta-learning problem in closed form and by gradient steps, and say when the two agree,
# **spot** query examples that leaked into adaptation.
#
# 60 minutes, 20 for exercises 1 to 3; exercise 4 and the open task extra. Before: [02 · Training a hypernetwork](02_training_a_hypernetwork.ipynb).

# %% opening-slide [markdown] tags=["slides"]
# # Learning to learn
#
# What is optimised in meta-learning?

# %% plan-teacher [markdown] tags=["teacher"]
# > **50 minutes**
# >
# > | minutes | what |
# > |---|---|
# > | 8 | *Two tasks and one start*: shares of a step on the board; all lock the first prediction before anyone moves a slider |
# > | 10 | settings 1 to 5 projected, each guessed by show of hands; *What to look for* |
# > | 8 | *Two levels*: (1) on the board, the code cell aloud, the example with numbers |
# > | 8 | *What is the inner problem?*: (3) in one direction; the printed shares and the two starts |
# > | 8 | *What leaks*: the example on the board, then the printed lines |
# > | 8 | exercise 1, alone, compared in pairs; quiz 1 and 3 by show of hands |
# >
# > Left out: *The same code on sines and on stations* (lesson 06 begins there) and *How many tasks are enough?* Homework: the second prediction and its figure, exercises 2 to 4, quiz 2, 4 and 5.
# >
# > **90 minutes**
# >
# > | minutes | what |
# > |---|---|
# > | 8 | *Two tasks and one start* on the board; the first prediction |
# > | 12 | settings projected; in pairs, one drags dot and ring, the other places the square before the star is looked at |
# > | 8 | *Two levels* on the board and in code |
# > | 14 | *What is the inner problem?*: (2) and (3) with numbers, the cells, the two starts |
# > | 8 | *The same code on sines and on stations*: the cells, started early; four lines read aloud |
# > | 10 | *What leaks*: in pairs, what a leak would look like; then the cell |
# > | 10 | *How many tasks are enough?*: all lock their sketch before the figure |
# > | 14 | exercise 1 alone, 3 in pairs |
# > | 6 | quiz alone, answers aloud; *In one breath* |
# >
# > Left out: exercises 2 and 4, which are homework with the open task. The training cells take minutes: run them beforehand.
# >
# > **Outcomes**
# >
# > | after it a student can | shown in | asked in |
# > |---|---|---|
# > | say what is learned across tasks and what within one, and on which examples | *Two levels* | quiz 1, 4 |
# > | find the best start in closed form, and say how the steps move it | *Two tasks and one start*, *What is the inner problem?* | exercise 1, 4, quiz 3 |
# > | measure how much adaptation flatters, and find a leak | *What leaks* | exercise 2, 3, quiz 2 |
# > | say whether more examples or more tasks would help | *How many tasks are enough?* | quiz 5 |

# %% imports
from dataclasses import replace

import torch

from hyperedu import MAML, ColoradoClimate, Hypernetwork, MainNetwork, MLPGenerator, Quadratics
from hyperedu import SharedWeights, Sinusoids, TaskSet, adapt, figures, live, meta_test, meta_train
from hyperedu import outer_loss
from hyperedu.lessons.learning_to_learn import checks, questions, rivals
from hyperedu.lessons.learning_to_learn.figures import QuadraticPicture
from hyperedu.tasks.quadratics import best_start, pull, shrinkage

# %% two-tasks-and-one-start [markdown]
# ## Two tasks and one start
#
# Until now τ, a description, a code or examples, went into a generator. Now there is none: a new task shows only a few examples, and the weights take
# a few gradient steps on them. What can be learned beforehand, from many other tasks, is **where to start**: one kind of *meta-learning* (00).

# %% two-tasks-and-one-start-slide [markdown] tags=["slides"]
# ## Where to start
#
# No description: a new task shows a few examples, and the weights take a few gradient steps on them.
#
# Learned beforehand, from many other tasks: **where to start**.

# %% two-quadratics-predict [markdown]
# **Predict.** Each task below has its own best weights (dot, ring) and narrow valley (ellipses). One start must serve both.
# Where is it best if three steps follow: in the middle, or nearer to one of them? Decide, then drag *steps*,
# and put the square, your start, where you would begin. Dot and ring can be dragged.

# %% two-quadratics-predict-slide [markdown] tags=["slides"]
# ## Predict
#
# Where is the best start for two tasks, if three steps follow?
#
# * in the middle of the two
# * nearer to the task for which the steps achieve less
# * nearer to the task for which the steps achieve more
# * where the support losses are smallest now

# %% two-quadratics-slide [markdown] tags=["slides"]
# ## Worse before the steps, better after

# %% two-quadratics tags=["shown"]
picture = QuadraticPicture(lr=0.25)
optima = {"x_1": (-3.0, 3.0), "y_1": (-2.0, 2.0), "x_2": (-3.0, 3.0), "y_2": (-2.0, 2.0)}
figure = live.interact(picture.figure, picture.update, drag=picture.drag, **optima, steps=(0, 10))
for name, value in {"x_1": -2.0, "y_1": -0.5, "x_2": 2.0, "y_2": 0.8, "steps": 3}.items():
    figure.controls[name].value = value
questions.predict("two-quadratics", figure)

# %% two-quadratics-look [markdown]
# **What to look for.** With no step, the meta-learned start (star) *is* that of shared weights (diamond): the weights with the least mean loss. With more
# steps it moves to places from which both tasks are reached soon (small dots: the steps). Steps across a valley are fast and steps along it slow, and the
# best start makes the slow ones unnecessary. The way between dot and ring lies across the first task's valley and along the second's. With one step the start is still near the dot: towards the ring the first task's loss rises steeply. With three it is near the ring, for which steps achieve less. *Right*, dashed, the
# number of steps that the start was made for (here $D' = D$). **Before adaptation it is the worse of the two**, after these steps the better. Meta-learning looks for weights that *become* good.

# %% two-quadratics-settings tags=["teacher"]
from hyperedu.lessons.learning_to_learn import projected

projected.project("two-quadratics", figure)

# %% two-tasks-and-one-start-teacher [markdown] tags=["teacher"]
# > **For the teacher** · 20 minutes. *Purpose*: the best start is judged after the steps, and depends on their number.
# >
# > *Students believe* that the best start lies in the middle, or where the loss is least now. With three steps the star has a loss of 5.6 before adaptation, the diamond 0.9; after it 0.12 and 0.58. And that it is a matter of the
# > nearer task: with one step the star is near the dot, with three near the ring (settings 2 and 3).
# >
# > *Ask*: At ten steps, why does the star lie on the ring? [The steps solve task 1 from there, across its valley; along the valley of task 2 they would be slow.] How must dot and ring lie for the star to be near the dot at three steps?
# > [One above the other: setting 5.]
# >
# > *On the board*: a narrow valley, $H$ diagonal with 2 and 0.2, $\alpha = \frac14$, nearly those of the figure. A step leaves 0.5 of the distance across it and 0.95 along it; three steps 0.125 and 0.86, ten 0.001 and 0.6.
# >
# > *Short of time*: project settings 1, 3 and 5, and say: the start saves the steps that are slow.

# %% two-levels-about [markdown]
# ## Two levels
#
# Each task splits its examples: the **support set** $D$, which adaptation may see, and the **query set** $D'$, on which the result is judged.
# With $U$ for adaptation, $L_i$ for the loss on task $i$'s support set and $L'_i$ on its query set,
#
# $$ \min_{\theta_0} \; \frac{1}{N}\sum_{i=1}^{N} L'_i(\theta'_i), \qquad \theta'_i = U(\theta_0, D_i) \tag{1} $$
#
# The *outer* level learns $\theta_0$ from all $N$ tasks, the *inner* one $\theta'_i$ from one. (A prime marks what is after adaptation or of the query set, never a derivative.) **MAML** (model-agnostic meta-learning) takes a few gradient
# steps for $U$. In code (every learner gets the descriptor; MAML ignores it):

# %% two-levels-about-slide [markdown] tags=["slides"]
# ## Two levels
#
# $$ \min_{\theta_0} \; \frac{1}{N}\sum_{i=1}^{N} L'_i(\theta'_i), \qquad \theta'_i = U(\theta_0, D_i) \qquad (1) $$
#
# * *inner*: $\theta'_i$ from one task's support set $D_i$
# * *outer*: $\theta_0$ from all tasks' query sets

# %% two-levels
torch.manual_seed(0)
family = Quadratics()  # y = c · x with another c for each task; two weights, θ
tasks = family.train.sample(200, shots=3, queries=20)
learner = MAML(family.main, steps=3, lr=0.1)
theta = learner(tasks.descriptor, tasks.support)  # θ'_i = U(θ₀, D_i), one row per task
loss = family.main.loss(theta, tasks.query)  # L'_i(θ'_i)
same = torch.equal(loss, outer_loss(learner, tasks))
print(f"θ' {tuple(theta.shape)}; same as the package: {same}")

# %% two-levels-about-teacher [markdown] tags=["teacher"]
# > **For the teacher** · 8 minutes. *Purpose*: who sees which examples, in (1) and in three lines of code.
# >
# > *Students believe* that $D'$ is a test set, which training may not touch. The outer level is trained on it; only adaptation may not see it. The cell shows it: the learner gets `tasks.support`, the loss `tasks.query`.
# >
# > *Ask*: Which level is (4) of lesson 04, where a code $e$ is found and $f_\varphi$ is frozen? [The inner one: one task, and what is adapted is $e$.] How many $\theta_0$ and how many $\theta'$ are there in the cell? [One, and 200.]
# >
# > *On the board*: $g = \theta x$; $D$ is $x = 1, y = 2$, $D'$ is $x = 2, y = 4$. $L = (\theta - 2)^2$, $L' = (2\theta - 4)^2$, $\theta_0 = 0$, one step of $\alpha = \frac14$: $\theta' = 1$, $L' = 4$. For any start $\theta' = \frac12 \theta_0 + 1$, so that
# > $L' = (\theta_0 - 2)^2$, with the slope −4 at $\theta_0 = 0$: the outer level moves the start towards 2.
# >
# > *Short of time*: the board only, and say: inner on $D$, outer on $D'$.

# %% what-is-the-inner-problem [markdown]
# ## What is the inner problem?
#
# In **bi-level optimisation** the inner problem is solved to its end:
#
# $$ \theta^*_i = \operatorname*{argmin}_{\theta} \; L_i(\theta) + \tfrac{\lambda}{2}\, \lVert \theta - \theta_0 \rVert^2 \tag{2} $$
#
# where the *pull* $\lambda$ ties $\theta$ to the start. In **MAML** it is not: $\theta'_i$ is what some gradient steps give. On a quadratic, $L_i(\theta) = \frac12 (\theta - c_i)^\top H_i (\theta - c_i)$, both have closed
# forms. Every step multiplies $\theta - c_i$, what is missing to the task's optimum $c_i$, by the same matrix, so that after $K$ steps with rate $\alpha$
#
# $$ \theta'_i - c_i = M_i\, (\theta_0 - c_i), \qquad M_i = (I - \alpha H_i)^K \tag{3} $$
#
# ($c$, a bias in lesson 02, is an optimum here.) In a direction with curvature $h$ (an eigenvalue of $H_i$) a step leaves the share $1 - \alpha h$, nothing if
# $\alpha = 1/h$, and more than there was if $\alpha > 2/h$. The pulled argmin (2) has $M_i = \lambda (H_i + \lambda I)^{-1}$. Either way (1) is a quadratic in $\theta_0$, and its minimum is known. With $H'_i$ for the Hessian of the query loss, whose optimum is $c_i$ too, since the data have no noise:
#
# $$ \theta_0 = \Big(\sum_i M_i^\top H'_i M_i\Big)^{-1} \sum_i M_i^\top H'_i M_i\, c_i \tag{4} $$

# %% what-is-the-inner-problem-slide [markdown] tags=["slides"]
# ## What is the inner problem?
#
# Solved to its end:
#
# $$ \theta^*_i = \operatorname*{argmin}_{\theta} \; L_i(\theta) + \tfrac{\lambda}{2}\, \lVert \theta - \theta_0 \rVert^2 \qquad (2) $$
#
# Or some steps, as in MAML:
#
# $$ \theta'_i - c_i = M_i\, (\theta_0 - c_i), \qquad M_i = (I - \alpha H_i)^K \qquad (3) $$

# %% pulled-argmin
closed = best_start(tasks, shrinkage(tasks, steps=3, lr=0.1))  # (4), with M of (3)
optimizer = torch.optim.Adam(learner.parameters(), lr=0.05)
for _ in range(400):  # the same by gradient descent on (1), through the three steps
    optimizer.zero_grad()
    outer_loss(learner, tasks).mean().backward()
    optimizer.step()
print("closed form      ", [round(v, 4) for v in closed.tolist()])
print("gradient descent ", [round(v, 4) for v in learner.theta_0.tolist()])

# %% pulled-argmin-then [markdown]
# When do $K$ steps (3) end near the pulled argmin (2)? For small $h$, $(1 - \alpha h)^K \approx 1 - \alpha K h$ and $\lambda / (h + \lambda) \approx 1 - h / \lambda$: with a pull of $\lambda = 1/(\alpha K)$
# they are alike. We compare where tasks end, with $\alpha = 0.1$; then the pull is taken away.

# %% a-few-steps-slide [markdown] tags=["slides"]
# ## Stopping early is like a pull to the start
#
# Solved too well, the inner problem leaves nothing to the outer one.

# %% a-few-steps tags=["shown"]
def end(M, start):  # c + M (θ₀ − c); the descriptor of a quadratic task is its c
    return tasks.descriptor + (M @ (start - tasks.descriptor).unsqueeze(-1)).squeeze(-1)


start = torch.zeros(2)
for K in (1, 3, 10, 30, 100):
    steps, said = shrinkage(tasks, K, 0.1), ""
    for times in (1, 10, 0.1):  # the pull 1 / (α K), and two that are wrong
        exact = pull(tasks, times / (0.1 * K))
        apart = (end(steps, start) - end(exact, start)).norm(dim=-1).mean()
        said += f"{apart / (end(steps, start) - start).norm(dim=-1).mean():6.0%} for {times} λ"
    print(f"K = {K:3}: of the way, the ends are apart by {said}")
with torch.no_grad():  # no pull, and on to the end, from two starts far apart
    for place in ((-3.0, 2.0), (2.0, 0.5)):
        learner.theta_0.copy_(torch.tensor(place))
        told = (10, 20, 200)  # examples (not three, as above), queries, tasks
        loss = [meta_test(learner, family.train, *told, inner_steps=K).mean for K in (0, 30, 2000)]
        print(f"from {place}: outer loss {loss[0]:.2f}, after 30 steps {loss[1]:.2f}, ", end="")
        print(f"after 2,000 steps {loss[2]:.0e}")

# %% a-few-steps-then [markdown]
# With this $\lambda$ the ends stay within a quarter of the way of each other, with ten times as much never: stopping early is *like* a pull to the start. Without any pull, two starts differ after 30 steps, and at the end no more. Where the support set fixes the optimum (here: ten examples, two weights), the argmin forgets
# its start: **every** $\theta_0$ is equally good, and nothing is left to the outer level.

# %% what-is-the-inner-problem-teacher [markdown] tags=["teacher"]
# > **For the teacher** · 14 minutes. *Purpose*: to stop early and to be pulled are alike; with neither, there is nothing left to learn.
# >
# > *Students believe* that MAML solves the inner problem, and that more inner steps make a better meta-learner. After 30 steps two starts end at 0.34 and 0.14, after 2,000 both at less than a millionth.
# >
# > *Ask*: With $\alpha = 0.1$, from which curvature on does a step lead away from the optimum? [$h > 20$.] Why may a large network remember its start even at the end? [More weights than examples: many optima, and the start says which.]
# > Is the closed form tested? [Yes: 400 steps of gradient descent give the same four decimals.]
# >
# > *On the board*: $\alpha = \frac14$, $K = 2$, so $\lambda = 2$. What is left of the distance, by steps $(1 - \frac{h}{4})^2$ and by the pull $\frac{2}{h + 2}$: $h = 0.2$: 0.90 and 0.91; $h = 1$: 0.56 and 0.67; $h = 4$: 0 and 0.33. Alike for small $h$, not for large.
# >
# > *Short of time*: skip (2) and (4), keep (3) and the two starts, and say: a few steps remember the start, many forget it.

# %% the-same-code-on-sines-and-on-stations [markdown]
# ## The same code on sines and on stations
#
# A few examples for each task, unseen tasks, the median loss before and after one step. **Shared weights** know
# of no step, and may choose the best of five rates, even on the test tasks. Losses are squares (°C²).

# %% before-and-after
def before_and_after(family, main, lr, shots, queries):
    for name, learner, rates in (
        ("meta-learned", MAML(main, lr=lr), (1,)),
        ("shared weights", SharedWeights(main), (4, 2, 1, 1 / 3, 1 / 10)),
    ):
        meta_train(learner, family.train, 1000, shots=shots, queries=queries)
        before, after = meta_test(learner, family.test, shots, queries, inner_steps=0).median, {}
        for rate in rates:
            learner.lr = rate * lr
            after[meta_test(learner, family.test, shots, queries, inner_steps=1).median] = rate
        left, rate = min(after.items())
        print(f"{type(family).__name__:15} {name:14} median loss {before:5.2f} before, ", end="")
        print(f"{left:5.2f} after a step of {rate:.2g} α: {left / before:.0%} left")

# %% sines-and-stations-slide [markdown] tags=["slides"]
# ## The same code on sines and on stations

# %% sines-and-stations tags=["shown"]
torch.manual_seed(0)
sines, climate = Sinusoids(), ColoradoClimate("tmax")
main = MainNetwork.mlp([1, 40, 40, 1])
before_and_after(sines, main, lr=0.01, shots=10, queries=10)
year = MainNetwork.mlp([2, 32, 32, 1], "tanh", climate.y_mean, climate.y_std)
before_and_after(climate, year, lr=1e-3, shots=3, queries=9)

# %% sines-and-stations-then [markdown]
# Before the step the medians are alike. After one step on ten points of a wave, or on three months of a station's year, the meta-learned one keeps less than a third of its loss, the
# other most of it (one seed).

# %% the-same-code-on-sines-and-on-stations-teacher [markdown] tags=["teacher"]
# > **For the teacher** · 8 minutes. *Purpose*: what the two quadratics show holds for networks.
# >
# > *Students believe* that a start is good if its loss is low, and that shared weights need only a better rate. On waves both begin at nearly the same median loss (1.96 and 1.93); a step leaves 31% and 77%, although
# > shared weights took the best of five rates.
# >
# > *Ask*: Whom does the comparison favour? [Shared weights: they choose their rate on the test tasks.] What is 0.95 °C² in degrees? [About 1 °C; before the step it was about 2.4.] What would make the claim stronger? [More seeds: this is one.]
# >
# > *On the board*: four pairs of bars, before and after, from the printed lines: 1.96 → 0.60, 1.93 → 1.48, 5.89 → 0.95, 6.47 → 5.16.
# >
# > *Short of time*: show the printed lines and say: equally bad before the step, and not after it.

# %% what-leaks [markdown]
# ## What leaks
#
# After adaptation the support loss flatters: it is what the steps went down on. If query examples enter adaptation, the query loss flatters too, and training optimises
# the flattery. A learner of this package never receives the query set, so the mistake is made in the data: one wrong line puts the query set in the support set's place. Compare what each *believes* in training
# with what it *achieves* on unseen tasks (five examples; means, where medians stood above):

# %% what-leaks-slide [markdown] tags=["slides"]
# ## What leaks
#
# The support loss flatters: the steps went down on it.
#
# If query examples enter adaptation, the query loss flatters too, and training optimises the flattery.

# %% leaks-slide [markdown] tags=["slides"]
# ## It looked better, and it was worse

# %% leaks tags=["shown"]
class Leaky(TaskSet):
    n_tasks = None

    def sample(self, n_tasks=None, shots=10, queries=10, rng=None):
        tasks = sines.train.sample(n_tasks, shots, queries, rng)
        return replace(tasks, support=tasks.query)  # WRONG: adapts on the query set

for seed in range(3):
    for name, tasks in {"honest": sines.train, "leaky": Leaky()}.items():
        torch.manual_seed(seed)
        trained = MAML(main, steps=1, lr=0.01)
        believed = meta_train(trained, tasks, 600, shots=5, queries=5).recent(100)["loss"]
        achieved = meta_test(trained, sines.test, shots=5)
        print(f"seed {seed}  {name:6} believes {believed:5.2f}, achieves {achieved.mean:5.2f}")

# %% leaks-then [markdown]
# The leaky one believes in less than half of the loss that it achieves; the honest one is off by a few percent. Nothing raised an error, and the wrong loss looked *better*. What
# it learned is worse too, for every seed.

# %% what-leaks-teacher [markdown] tags=["teacher"]
# > **For the teacher** · 10 minutes. *Purpose*: a leak raises no error, and looks like success.
# >
# > *Students believe* that a mistake shows as a poor training loss. Here it halves it: the leaky learner believes 0.61 to 0.77, the honest one 1.26 to 1.48; on unseen tasks they achieve 1.45 to 1.91 and 1.27 to 1.42.
# >
# > *Ask*: How do you find a leak in a program that is not yours? [Judge on fresh tasks whose query set comes after adaptation; or change the query outputs, and see whether $\theta'$ changes.] Is it enough to judge the leaky learner
# > honestly? [No: its start is worse too, for all three seeds.]
# >
# > *On the board*: $g = \theta$; $D$ says 1, $D'$ says −1. $L = (\theta - 1)^2$, $\alpha = \frac12$: from any start $\theta' = 1$ and $L' = 4$. Leaky: $\theta' = -1$, believed loss 0, whatever the start.
# >
# > *Short of time*: the printed lines only, and say: compare what is believed with what is achieved.

# %% how-many-tasks-are-enough [markdown]
# ## How many tasks are enough?
#
# How many stations must have been seen before a new one is easy? A hypernetwork (told elevation, latitude and longitude; no example)
# and MAML (three months, one step; no description) on unseen stations. Three seeds, each with stations of its own; 300 outer steps at one rate. Two rivals: lesson 00's *linear regression*, and the training stations' *mean year*, shifted by the mean distance of MAML's three months from it. RMSEs are of nine months, averaged over stations; the hypernetwork's nine are others.

# %% how-many-tasks-are-enough-slide [markdown] tags=["slides"]
# ## How many tasks are enough?
#
# Examples teach the inner level, tasks the outer one.

# %% task-counts
counts = 4, 12, 40, 214
names = "hypernetwork, no months", "MAML, three months"
names += "linear regression, no months", "mean year, shifted by three months"
errors = {name: [] for name in names}
for n in counts:
    found = []
    for seed in range(3):
        few = ColoradoClimate("tmax", n_train=n, split=seed)
        torch.manual_seed(seed)
        year = MainNetwork.mlp([2, 32, 32, 1], "tanh", few.y_mean, few.y_std)
        written, adapted = Hypernetwork(year, MLPGenerator(3, year)), MAML(year, lr=1e-3)
        for one, shots, decay in ((written, 0, 1.0), (adapted, 3, 0.0)):
            adamw = torch.optim.AdamW(one.parameters(), lr=2e-3, weight_decay=decay)
            meta_train(one, few.train, 300, min(n, 25), shots, 9, optimizer=adamw)
        both = meta_test(written, few.test, 0, 9).rmse, meta_test(adapted, few.test, 3, 9).rmse
        found.append((*both, rivals.linear_regression(few), rivals.shifted_mean_year(few)))
    for values, name in zip(zip(*found), errors):
        errors[name].append(values)

# %% task-counts-predict [markdown]
# **Predict.** Sketch the error of MAML against the number of training stations, before you run the figure's cell. (Always answering the mean year errs by about 3 °C: lesson 04.)

# %% task-counts-predict-slide [markdown] tags=["slides"]
# ## Predict: sketch it

# %% task-counts-question tags=["shown"]
questions.predict("task-counts", so=torch.tensor(errors["MAML, three months"]).mean(1))

# %% task-counts-figure-slide [markdown] tags=["slides"]
# ## A generator needs more tasks than a start

# %% task-counts-figure tags=["shown"]
figure, (axes,) = figures.subplots(width=7, height=3.6)
looks = [(figures.VERMILION, "o-"), (figures.BLUE, "s--")]
looks += [(figures.ORANGE, "^-."), (figures.GREEN, "D:")]
for (color, mark), (name, values) in zip(looks, errors.items()):
    values = torch.tensor(values)  # (counts, seeds)
    axes.plot(counts, values.mean(1).numpy(), mark, color=color, label=name)
    low, high = (v.numpy() for v in (values.amin(1), values.amax(1)))
    axes.fill_between(counts, low, high, color=color, alpha=0.2)
    for n, v in zip(counts, values):
        seeds = f"seeds {v.min():.2f} to {v.max():.2f}"
        print(f"{name:34} {n:3} stations: {v.mean():5.2f} °C  ({seeds})")
axes.set(xscale="log", yscale="log", xlabel="training stations", ylabel="RMSE (°C)")
axes.set(xticks=counts, xticklabels=counts, yticks=(1, 2, 5, 10), yticklabels=(1, 2, 5, 10))
axes.minorticks_off()
axes.legend(title="mean and range of 3 seeds")
alt = "Error on unseen stations against training stations: the hypernetwork needs the most."
figures.show(figure, alt)

# %% task-counts-then [markdown]
# A generator must learn how τ maps to a year, a start only what years have in common: for this one step, a dozen stations are about as good as all. But the shifted mean year errs as little as MAML. And linear regression errs far less than
# the hypernetwork at 12 stations, at 40 as little as both with examples: that many are needed is due to this generator, not to descriptions. With all 214 the hypernetwork errs least.

# %% how-many-tasks-are-enough-teacher [markdown] tags=["teacher"]
# > **For the teacher** · 10 minutes. *Purpose*: which level errs decides what to collect.
# >
# > *Students believe* that data are data. For MAML 18 times as many stations bring 1.21 °C to 1.17; for the hypernetwork they bring 3.7 to 0.8. Or that MAML is needed to use three months: the mean year, shifted, does as well.
# >
# > *Ask*: You have 12 stations and MAML. Buy more stations, or more months of each? [Months, or more steps: stations hardly help.] Why is the hypernetwork at four stations worse than the mean year (8.6 against about 3)?
# > [Four pairs of τ and year do not say how one depends on the other.] May one conclude that hypernetworks beat MAML from 214 on? [No: one step, 300 updates, one rate.]
# >
# > *On the board*: the empty axes first, for the sketches. Then count: four stations are 4 pairs of τ and year, but $4 \cdot 12 = 48$ months of what years have in common.
# >
# > *Short of time*: the sketch and the figure, and say: examples teach the inner level, tasks the outer one.

# %% exercise-1 [markdown]
# ## Exercises
#
# **1 · Compute.** (6 minutes; the best start (4) in one dimension.) Two tasks have support losses $\frac12 h\,(\theta - c)^2$: $c = 4$ with $h = 1$, and $c = 0$ with $h = 1.5$. One step with
# $\alpha = 0.5$; both query losses are $(\theta' - c)^2$. Where is the best start?
#
# <details><summary>Hint 1</summary>By (3), one step leaves the share 1 − α h of the distance.</details>
# <details><summary>Hint 2</summary>Minimise (0.5 (θ₀ − 4))² + (0.25 θ₀)².</details>

# %% exercise-1-slide [markdown] tags=["slides"]
# ## Exercise 1, on paper
#
# Two tasks, $\frac12 h\,(\theta - c)^2$: $c = 4$ with $h = 1$, and $c = 0$ with $h = 1.5$. One step with $\alpha = 0.5$; both query losses are $(\theta' - c)^2$.
#
# Where is the best start?

# %% exercise-1-answer tags=["exercise"]
start = ...
checks.best_start(start)

# %% exercise-1-solution tags=["solution"]
start = 0.5**2 * 4 / (0.5**2 + 0.25**2)  # equation (4) with M = 0.5 and 0.25
checks.best_start(start)

# %% exercise-2 [markdown]
# **2 · Change.** (8 minutes; how much adaptation flatters, as a number.) Write `gap(learner, tasks)`, with `tasks` a batch as in the cell under (1): by how much, both *after* adaptation, the mean query loss exceeds the mean support loss; one number.
#
# <details><summary>Hint 1</summary>The learner gives θ' from τ and D; the same θ' is judged twice.</details>
# <details><summary>Hint 2</summary><code>learner.main.loss(theta, D).mean()</code> for both sets.</details>

# %% exercise-2-answer tags=["exercise"]
gap = ...
checks.gap(gap)

# %% exercise-2-solution tags=["solution"]
def gap(learner, tasks):
    theta = learner(tasks.descriptor, tasks.support)
    seen, unseen = (learner.main.loss(theta, D).mean() for D in (tasks.support, tasks.query))
    return (unseen - seen).item()

checks.gap(gap)

# %% exercise-3 [markdown]
# **3 · Find what is wrong.** (6 minutes; a leak of one word.) This outer loss falls nicely and means nothing. Write `outer(main, theta_0, tasks)` so that it is the mean in (1), with three steps of rate 0.1, and its gradient with respect to $\theta_0$ that of (1).
#
# <details><summary>Hint 1</summary>Which examples does adaptation see, and which is it judged on?</details>
# <details><summary>Hint 2</summary>One word has to change.</details>

# %% exercise-3-given
def wrong(main, theta_0, tasks):
    theta = adapt(main, theta_0, tasks.query, steps=3, lr=0.1).final
    return main.loss(theta, tasks.query).mean()

# %% exercise-3-answer tags=["exercise"]
outer = ...
checks.honest(outer)

# %% exercise-3-solution tags=["solution"]
def outer(main, theta_0, tasks):
    theta = adapt(main, theta_0, tasks.support, steps=3, lr=0.1).final
    return main.loss(theta, tasks.query).mean()

checks.honest(outer)

# %% exercise-4 [markdown]
# **4 · Make.** (15 minutes; tasks whose start is worth learning.) Write `design(alpha, steps)`: optima $c$ (n, d) and symmetric $H$ (n, d, d) of two tasks or more, with $D' = D$ and the eigenvalues of $\alpha H_i$ in [0.01, 1.99]. Before the steps the best start (4) must be worse than shared weights *for each task*. After them
# shared weights must keep at least 1% of their own mean loss, the best start have at most a tenth of what they keep: for each of four pairs, $\alpha$ from 0.02 to 1, one to ten steps. Many are good.
#
# <details><summary>Hint</summary>Shared weights lie where valleys cross. From where do steps reach each optimum?</details>

# %% exercise-4-answer tags=["exercise"]
design = ...
checks.worth_learning(design)

# %% exercise-4-solution tags=["solution"]
def design(alpha, steps):
    c = torch.tensor([[2.0, 0.0], [0.0, 2.0]])  # from (0, 0) each lies across its own valley,
    shares = torch.tensor([[1.0, 0.05], [0.05, 1.0]])  # where one step goes all the way
    return c, torch.diag_embed(shares) / alpha

checks.worth_learning(design)

# %% open-task [markdown]
# **Open task.** (20 minutes or more.) Is a start that was made for one step also good for ten? Meta-train `MAML(main, steps=K, lr=…)` on the waves for a few $K$, and test each after 0 to 10 steps (`inner_steps=…`).
# A good answer says beforehand which curves will cross, chooses each rate on training tasks, shows three seeds and shared weights beside them, and says where the starts no longer differ.

# %% exercises-teacher [markdown] tags=["teacher"]
# > **For the teacher** · 20 minutes: 6, 8 and 6, and 15 for exercise 4, which is homework. *Purpose*: (4) by hand, the flattery as a number, a leak found.
# >
# > *Students believe*: in 1, 2 is the middle, 1.6 weights by $h$ as shared weights do, 0.8 has the tasks swapped, 8/3 forgets the square. In 2, the loss before adaptation is subtracted, the sign is swapped, or the learner adapts anew on the
# > query set. In 3, it is judged on the support set (the same mistake the other way round), both sets are joined, or a `detach` leaves the right value with a first-order gradient. Each check says which.
# > In 4, a task that steps solve and one that they hardly move are thought enough: then the best start is the second one's optimum, good for it before any step. Or $H$ is the same for every $\alpha$; or steps solve everything, and every start is as good.
# >
# > *Good answers* to 4 have valleys that cross. In the solution the common start has a mean loss of 8 before three steps with $\alpha = \frac14$ and 0 after, shared weights 0.38 and 0.27. Or what the steps do not achieve is steep, $\alpha h = 1.95$, where they
# > jump from side to side; or there are three tasks in space, each with a direction of its own; or $H$ depends on the number of steps.
# >
# > *Ask*: In 3, why is the value not enough? [(1) is minimised over $\theta_0$: the gradient must go through the steps.] In 4, why can it not be done in one dimension? [The best start lies among the optima, and on the way to it from the shared weights one comes nearer to one of them.] Of the open task: [which curves cross is said beforehand; each rate chosen on training tasks; three seeds; shared weights
# > beside them; where the starts no longer differ.]
# >
# > *On the board*: exercise 1, the sum of both losses at $\theta_0 = 0.8$, 2 and 3.2: $2.56 + 0.04$, $1 + 0.25$, $0.16 + 0.64$. Who is early does it for two steps [64/17, about 3.76] or begins the open task with $K = 1$ and 10.
# >
# > *Short of time*: exercise 1 only, and say: in exercise 3 one word is wrong.

# %% readers [markdown]
# ## Questions that readers asked

# %% readers-asked
written, adapted, linear, shifted = (torch.tensor(e).mean(1) for e in errors.values())  # (counts)
questions.of_readers(MAML=adapted[3], shifted=shifted[3], written=written[1], linear=linear[1])

# %% quiz [markdown]
# ## Quiz
#
# **1. What does the outer level learn in MAML?**
# <details><summary>The weights that fit all tasks best</summary>No: these are the shared weights, the case of no step.</details>
# <details><summary>The weights from which a few steps fit each task best</summary>Yes: equation (1).</details>
#
# **2. Why is the query set another one than the support set?**
# <details><summary>To have more data</summary>No: a split makes two smaller sets.</details>
# <details><summary>To judge what was learned, not what was memorised</summary>Yes: the support loss after adaptation flatters.</details>
#
# **3. The inner problem is solved to its end, without a pull. What does the outer level learn?**
# <details><summary>Nothing</summary>Yes: where the examples fix the optimum, every start is equally good.</details>
# <details><summary>An even better start</summary>No: the better the inner solution, the less depends on the start.</details>
#
# **4. A new task comes without labels for its query examples. What can be done?**
# <details><summary>Nothing: the query loss is needed</summary>No: it is needed to train and to judge, not to adapt.</details>
# <details><summary>Adapt on the support set and predict</summary>Yes: that is what a learner is meta-trained for.</details>
#
# **5. A learner errs on new tasks. Should one collect more examples per task, or more tasks?**
# <details><summary>They are interchangeable</summary>No: examples teach the inner level, tasks the outer one.</details>
# <details><summary>It depends on which level errs</summary>Yes: above, MAML gains little beyond 12 stations, the hypernetwork much.</details>

# %% quiz-answers
questions.quiz()

# %% in-one-breath [markdown]
# ## In one breath
#
# $\min_{\theta_0} \frac{1}{N} \sum_i L'_i(U(\theta_0, D_i))$: learn a start by what becomes of it. It fails where query examples leak into $U$, and is empty where $U$ forgets its
# start.

# %% in-one-breath-slide [markdown] tags=["slides"]
# ## In one breath
#
# $$ \min_{\theta_0} \frac{1}{N} \sum_i L'_i(U(\theta_0, D_i)) $$
#
# Learn a start by what becomes of it. It fails where query examples leak into $U$, and it is empty where $U$ forgets its start.

# %% references [markdown]
# ## References
#
# * C. Finn, P. Abbeel, S. Levine, *Model-agnostic meta-learning*, 2017, [arXiv 1703.03400](https://arxiv.org/abs/1703.03400).
# * A. Rajeswaran and others, *Meta-learning with implicit gradients*, 2019, [arXiv 1909.04630](https://arxiv.org/abs/1909.04630).
