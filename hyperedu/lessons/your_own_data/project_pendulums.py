# %% opening [markdown]
# # A project: how will this pendulum swing?
#
# *A worked example of the project of lesson 11. A table, a main network of four weights, and a win whose reason can be read.*
#
# **The question.** A workshop builds pendulums. It wants to know how a new one will swing, before anybody lets it go. All that it has of the old ones is a few photographs each: six moments in the first four seconds, and the angle in each, read off with an error.
#
# A *task* is one pendulum; it is *described* by its length, the angle at which it is let go, and its air drag; an example is a time $x$ and an angle $y$. Somebody wants weights for a new one because a small device at the pendulum is to know its swing: it has room for a few numbers, and no time to train.
#
# **The data are simulated**, from a model of the world: with $a$ the angle, $\ell$ the length and $c$ the drag,
#
# $$ \ddot a = -\frac{g}{\ell} \sin a - c\,\ell\,\dot a\,\lvert \dot a \rvert \tag{1} $$
#
# the law of a point mass on a rod with drag that grows with the square of the speed. Swings are large, so that it is not the pendulum of school, whose $\cos(\sqrt{g/\ell}\,t)$ is for small ones. No learner is told (1).

# %% imports
import math
import warnings

import numpy
import pandas
import torch
from scipy.optimize import curve_fit
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel
from torch import nn

from hyperedu import Conditioned, Hypernetwork, MainNetwork, MLPGenerator, Rivalry, Table
from hyperedu import figures, live, meta_test, meta_train, rivals
from hyperedu.statistics import half_interval

torch.set_num_threads(1)
warnings.simplefilter("ignore")  # fits that do not end well are counted below

# %% question-teacher [markdown] tags=["teacher"]
# > **How the rubric marks this: the question, 4 of 4.** Task, descriptor, example and the use of the weights are each named, and that the data are simulated stands at the top, with the law. A weaker report would have written "we predict pendulums".

# %% world
G, SECONDS, STEP = 9.81, 4.0, 0.01  # m/s², s, s


def swing(length, start, air):
    """Angles in degrees (n, 401), every 0.01 s, of pendulums let go at rest: equation (1)."""
    length, air, start = (torch.as_tensor(v).double() for v in (length, air, start))
    state = torch.stack([torch.deg2rad(start), torch.zeros_like(start)])  # a, and its rate

    def rate(state):
        a, v = state
        return torch.stack([v, -G / length * a.sin() - air * length * v * v.abs()])
    path = [state[0]]
    for _ in range(round(SECONDS / STEP)):  # Runge and Kutta, fourth order
        k_1 = rate(state)
        k_2 = rate(state + STEP / 2 * k_1)
        k_3 = rate(state + STEP / 2 * k_2)
        k_4 = rate(state + STEP * k_3)
        state = state + STEP / 6 * (k_1 + 2 * k_2 + 2 * k_3 + k_4)
        path.append(state[0])
    return torch.rad2deg(torch.stack(path, dim=-1)).float()

# %% photographs
def photographs(readings=6, n=60, error=1.0):
    rng = torch.Generator().manual_seed(0)
    low, high = torch.tensor([[0.4, 10.0, 0.0], [1.2, 80.0, 0.4]])  # length, start, air
    told = low + (high - low) * torch.rand(n, 3, generator=rng)
    path = swing(*told.T)
    moment = torch.rand(path.shape, generator=rng).argsort(1)[:, :readings]
    angle = path.gather(1, moment) + error * torch.randn(moment.shape, generator=rng)
    each = torch.arange(n).repeat_interleave(readings)
    columns = {"pendulum": [f"number {k}" for k in each.tolist()]}
    columns |= dict(zip(("length (m)", "start (°)", "air (1/m)"), told[each].T.numpy()))
    columns |= {"time (s)": STEP * moment.flatten(), "angle (°)": angle.flatten()}
    return pandas.DataFrame(columns)


roles = {"task": "pendulum", "descriptor": ["length", "start", "air"]}
roles |= {"x": ["time"], "y": ["angle"]}
frame = photographs()
table = Table(frame, **roles)
print(table)

# %% two-main-networks [markdown]
# ## What is written
#
# The first thing we tried was lesson 11's hypernetwork, whose main network is a small tanh network. It is among the rivals below, and is poor: from six readings a curve that turns several times cannot be had. But a main network may be *any* function of weights. We know that pendulums swing and come to rest, and write only that down:
#
# $$ g_\theta(t) = s\,A\,e^{-\gamma t} \cos\big((\omega + \beta t)\,t\big), \qquad \theta = (A, \gamma, \omega, \beta) \tag{2} $$
#
# with $s$ the spread of the angles. $\beta$ lets the swing grow faster as it grows smaller. Which $\theta$ a pendulum has, nobody says: the generator finds it from $\tau$, for all pendulums at once. (`Table` standardises $x$; the module takes that back, since a frequency needs seconds.)

# %% formula
class Swing(nn.Module):
    def __init__(self, table):
        super().__init__()
        self.mean, self.std, self.s = table.x_mean.item(), table.x_std.item(), table.y_std
        begins = {"A": 1.0, "gamma": 0.2, "omega": 3.5, "beta": 0.0}
        for name, value in begins.items():
            self.register_parameter(name, nn.Parameter(torch.tensor([value])))

    def forward(self, x):
        t = self.mean + self.std * x
        fall = self.A * torch.exp(-self.gamma * t)
        return self.s * fall * torch.cos((self.omega + self.beta * t) * t)


def swinging(table, hidden=(32,)):
    main = MainNetwork.from_module(Swing(table))
    return Hypernetwork(main, MLPGenerator(table.descriptors.dim, main, hidden=hidden))

# %% learner
torch.manual_seed(0)
learner = swinging(table)
learner.outer_lr = 0.02  # one of the rates among which is chosen below
history = meta_train(learner, table.train, 500, 20, shots=0, queries=6)
test_error = meta_test(learner, table.test, shots=0).rmse
print(f"{learner.main.weight_dim} weights are written; {test_error:.1f}° on pendulums never seen")
print("(root mean square of all their readings, whose own error is 1°)")

# %% figure [markdown]
# Move a pendulum by its sliders, or by the star. *Left*, the pendulums; *middle*, the frequency that is written for each length with the other two as they are, and the school's; *right*, the swing: what the written weights say, the truth by (1), and the school's cosine. The length goes farther than any training pendulum's.

# %% picture
figure, (where, weights, what) = figures.subplots(3)
for part, look, fill in (("train", ".", figures.BLUE), ("test", "o", "none")):
    told = getattr(table, part).sample(None, 0, 1).properties
    where.plot(told["length"], told["start"], look, color=figures.BLUE, mfc=fill, label=part)
star = where.plot([], [], "*", color=figures.VERMILION, markersize=18, mec="black")[0]
where.set(xlabel="length (m)", ylabel="start (°)", xlim=(0.3, 2.1), ylim=(5, 105))
lengths = torch.linspace(0.4, 2.0, 60)
school = (G / lengths).sqrt()
weights.plot(lengths, school, "--", color=figures.GREY, label="school, √(g/ℓ)")
written = weights.plot(lengths, school, color=figures.VERMILION, label="written ω")[0]
point = weights.plot([], [], "*", color=figures.VERMILION, markersize=18, mec="black")[0]
weights.set(xlabel="length (m)", ylabel="ω (rad/s)", ylim=(0.5, 5.5))
t = torch.linspace(0, SECONDS, 401)
looks = {"school": figures.GREY, "truth": figures.BLUE, "written": figures.VERMILION}
lines = [what.plot(t, 0 * t, color=c, label=n)[0] for n, c in looks.items()]
what.set(xlabel="time (s)", ylabel="angle (°)", ylim=(-100, 130))
for axes, text in ((where, "τ   which pendulum"), (weights, "θ = f(τ)"), (what, "g(θ, t)")):
    figures.title(axes, text)
    axes.legend(loc="upper right", ncols=3 if axes is what else 1, fontsize=9)

# %% omega
@torch.no_grad()
def omega(length, start, air):
    told = torch.stack(torch.broadcast_tensors(*map(torch.as_tensor, (length, start, air))), -1)
    theta = learner(table.descriptors(told.float()), None)
    return theta, learner.main.unflatten(theta)["omega"][..., 0]

# %% update
def update(length=0.8, start=70.0, air=0.2):
    theta, w = omega(length, start, air)
    y = learner.main(theta, ((t - table.x_mean) / table.x_std)[:, None])[:, 0]
    truth = swing([length], [start], [air])[0]
    simple = start * torch.cos(math.sqrt(G / length) * t)
    for line, curve in zip(lines, (simple, truth, y)):
        line.set_ydata(curve)
    written.set_ydata(omega(lengths, start, air)[1])
    star.set_data([length], [start])
    point.set_data([length], [w])
    miss, of_school = ((v - truth).square().mean().sqrt() for v in (y, simple))
    return (
        f"{length:.2f} m, let go at {start:.0f}°, air {air:.2f}: the swing that is written misses "
        f"the true one by {miss:.1f}°, the school's by {of_school:.1f}° (root mean square)."
    )

# %% live
sliders = {"length": (0.4, 2.0, 0.05), "start": (10.0, 80.0), "air": (0.0, 0.4, 0.05)}
view = live.interact(figure, update, drag={where: ("length", "start")}, **sliders)
view

# %% settings
for length, start, air in ((0.8, 15, 0.05), (0.8, 80, 0.05), (2.0, 70, 0.2)):
    view.move_to(length=length, start=start, air=air)
    print(view.sentence)
view.move_to(length=0.8, start=70, air=0.2)

# %% settings-then [markdown]
# Three settings, with their sentences above. A *small* swing: school and network agree, and both are near the truth. A *large* one of the same pendulum: the school's cosine runs ahead, the written swing does not; in the middle panel its frequency lies below the dashed line, as it must. A pendulum *longer* than any that was photographed: a swing is written all the same, and no longer to be trusted; in the middle panel the red line has left the form of the dashed one.

# %% figure-teacher [markdown] tags=["teacher"]
# > **How the rubric marks this: the figure, 4 of 4.** Whoever moves it sees a statement tested: small swings as at school, large ones later. The third setting shows a failure. The weights have units here, and the figure uses it.

# %% rates [markdown]
# ## Rivals, and how their rates were chosen
#
# `rivals` has the models of lesson 11. We add, in its `learners`, all that are trained by steps, each with a rate of its own:
#
# * *network told τ*, two layers of 32 (`Conditioned`);
# * *hypernetwork, tanh network*: lesson 11's;
# * *hypernetwork, (2), linear*: its generator has no hidden layer, so that each of the four weights is a linear function of $\tau$; without the course one would call it nonlinear regression;
# * *hypernetwork, (2)*: as above.
#
# And by hand: *fit each, then regress*, the ordinary way to a formula: fit (2) to the six readings of each training pendulum, leave out fits that failed, and let a Gaussian process say the four numbers from $\tau$. The *Gaussian process* of `rivals` sees at most 200 of 270 rows; one of all rows is added too. (A fit to the new pendulum's own readings is no rival: there are none.)
#
# **The split** is by pendulums: a quarter is held out, in five ways. **Rates** are chosen in each split from its training pendulums alone: these are split once more, each candidate is trained on three quarters of them and tried on the rest, and the best is trained again on all. So no held-out pendulum has a say in its own split.

# %% chosen
RATES, INNER, STEPS, taken = (0.005, 0.02, 0.05), 200, 500, {}

def with_rate(name, make):
    """table → a learner with the rate that suits its training tasks, split once more."""
    def new(table):
        known = [table.names[i] for i in table.train.index]
        inner = Table(frame[frame["pendulum"].isin(known)], **roles)
        found = []
        for rate in RATES:
            torch.manual_seed(0)
            learner = make(inner)
            learner.outer_lr = rate
            meta_train(learner, inner.train, INNER, 20, 0, 6, progress=False)
            found.append(meta_test(learner, inner.test, shots=0).rmse)
        learner = make(table)
        learner.outer_lr = RATES[found.index(min(found))]
        taken.setdefault(name, []).append(learner.outer_lr)
        return learner

    return new

# %% learners
def conditioned(table):
    main = MainNetwork.mlp([1, 32, 32, 1], "tanh", table.y_mean, table.y_std)
    return Conditioned(main, table.descriptors.dim)


def tanh_network(table):
    main = MainNetwork.mlp([1, 16, 1], "tanh", table.y_mean, table.y_std)
    return Hypernetwork(main, MLPGenerator(table.descriptors.dim, main, hidden=(32, 32)))


kinds = {"network told τ": conditioned, "hypernetwork, tanh network": tanh_network}
kinds["hypernetwork, (2), linear"] = lambda table: swinging(table, hidden=())
kinds["hypernetwork, (2)"] = swinging
learners = {name: with_rate(name, make) for name, make in kinds.items()}

# %% by-hand
def process(n):
    kernel = ConstantKernel(1.0) * RBF([1.0] * n, (0.05, 1e3)) + WhiteKernel(0.1)
    return GaussianProcessRegressor(kernel, normalize_y=True, random_state=0)


def rows(table, tasks):
    tau, x, y, number = table.rows_of(tasks)
    t = table.x_mean + table.x_std * x
    return tau.double().numpy(), t[:, 0].numpy(), y[:, 0].numpy(), number


def formula(t, A, gamma, omega, beta):  # (2), with A in degrees
    return A * numpy.exp(-gamma * t) * numpy.cos((omega + beta * t) * t)

# %% fit-then-regress
def fit_then_regress(table):
    tau, t, y, number = rows(table, table.train)
    fits, told = [], []
    for k in table.train.index:
        own = (number == k).numpy()
        try:
            fit = curve_fit(formula, t[own], y[own], (45, 0.2, 3.5, 0.0), maxfev=2000)[0]
        except RuntimeError:
            continue
        if abs(fit[2] - 3.5) < 2 and abs(fit[1]) < 2 and abs(fit[0]) < 120:  # else it failed
            fits.append(fit)
            told.append(tau[own][0])
    regression = process(tau.shape[1]).fit(told, fits)
    new, t, _y, _number = rows(table, table.test)
    return formula(t, *regression.predict(new).T), len(fits)


# %% verdict
def miss(table, predicted):
    """As `rivals` measures: the mean over held-out pendulums of the root mean square."""
    _tau, _t, y, number = rows(table, table.test)
    squared = torch.as_tensor((predicted - y) ** 2)
    return torch.stack([squared[number == k].mean().sqrt() for k in table.test.index]).mean()


def split(number):
    return Table(frame, **roles, split=number)


found = rivals(split, range(5), learners=learners, steps=STEPS, progress=False)
errors, by_hand, fitted = dict(found.errors), {"process": [], "formula": []}, []
for one in map(split, range(5)):
    (tau, t_1, y_1, _), (new, t_2, _y, _) = rows(one, one.train), rows(one, one.test)
    smooth = process(4).fit(numpy.c_[tau, t_1], y_1)
    by_hand["process"].append(miss(one, smooth.predict(numpy.c_[new, t_2])))
    predicted, n = fit_then_regress(one)
    by_hand["formula"].append(miss(one, predicted))
    fitted.append(n)

# %% table
errors["Gaussian process, all rows"] = torch.stack(by_hand["process"])
errors["fit each, then regress"] = torch.stack(by_hand["formula"])
order = ["mean of all rows", "linear regression", "gradient boosting", "Gaussian process"]
order += ["Gaussian process, all rows", "fit each, then regress", *learners]
verdict = Rivalry({name: errors[name].float() for name in order}, "°")
print(verdict, verdict.verdict, sep="\n")
print("fits that did not fail, of 45:", fitted)
print("rates that were taken, split by split:", taken)

# %% won
for name in ("Gaussian process, all rows", "fit each, then regress", "network told τ"):
    less = verdict.errors[name] - verdict.errors["hypernetwork, (2)"]
    print(f"less than {name} by {less.mean():.2f} ± {half_interval(less):.2f}°")

# %% won-then [markdown]
# What wins is not *a hypernetwork*: with the tanh network it is among the poor ones. What wins is formula (2), whose weights are written for all pendulums at once. Six readings are too few to fit four weights well to one pendulum, and where such a fit goes wrong the regression learns from an error; the generator never fits one pendulum alone, and each reading of any pendulum helps it with all.
#
# Whether the hidden layer of the generator is needed is seen in the two last rows of the table.

# %% comparison-teacher [markdown] tags=["teacher"]
# > **How the rubric marks this: the split and the rates, 4 of 4; the comparison, 4 of 4.** Rates are chosen within the training pendulums of each split, and the code shows it. Five splits, intervals of differences. The strongest ordinary model is there, and it is not boosting but the same formula, fitted by hand. A point would be lost if only the tanh network's rivals had been shown: they are no match for a formula.

# %% limits [markdown]
# ## Limits
#
# *Found by trying: the number of readings.* Does it live on the small number of readings? Other photographs, four and twenty of each pendulum; three splits, the rate that was taken most often:

# %% other-readings
rate = max(RATES, key=taken["hypernetwork, (2)"].count)
for readings in (4, 20):
    other, ours, ordinary = photographs(readings), [], []
    for number in range(3):
        one = Table(other, **roles, split=number)
        torch.manual_seed(number)
        last = swinging(one)
        last.outer_lr = rate
        meta_train(last, one.train, STEPS, 20, 0, readings, progress=False)
        tau, x, y, _number = one.rows_of(one.test)
        with torch.no_grad():
            written_y = last.main(last(tau, None), x[:, None])[:, 0, 0]
        ours.append(miss(one, written_y.double().numpy()))
        ordinary.append(miss(one, fit_then_regress(one)[0]))
    ours, ordinary = torch.stack(ours), torch.stack(ordinary)
    less = ordinary - ours
    both = f"(2) written {ours.mean():.1f}°, fitted {ordinary.mean():.1f}°"
    print(f"{readings:2} readings: {both},", end=" ")
    print(f"less by {less.mean():.1f} ± {half_interval(less):.1f}°")

# %% other-readings-then [markdown]
# The fewer the readings, the more is won. With twenty each fit is nearly good by itself, the ordinary way gets much better, and little is left to win by learning from all pendulums at once. With four, a formula of four weights can be put through any readings, and the fits say nothing.

# %% longer
for length in (1.2, 1.6, 2.0):
    view.move_to(length=length, start=70, air=0.2)
    print(view.sentence)

# %% longer-then [markdown]
# *Found by trying: longer pendulums.* 1.2 m is the edge of what was photographed. Beyond it the error grows quickly, and at two metres it is worse than the school's, which knows that frequencies fall with the root of the length. The generator has only learned how they fall where it was trained.
#
# *Not tried*: real photographs, whose errors are not all alike; another formula, or a wrong one; other numbers of pendulums and of steps; larger rates, where the largest was taken. One set of photographs was simulated, so that the intervals are over splits and starts and not over worlds.
#
# ## In words
#
# From few readings each of many pendulums, told only length, start and air, formula (2) with generated weights errs least in our splits, less than the same formula fitted one by one, and less than a Gaussian process of all readings. That is a win of a *formula with shared learning*, inside the lengths that were measured. Whoever knows (1) does not need it.

# %% limits-teacher [markdown] tags=["teacher"]
# > **How the rubric marks this: the limits, 4 of 4. In all 20 of 20.** Two limits were found by trying, and one of them tests the reason that was given for the verdict. What was not tried is a list one could work through.
# >
# > *Ask in the oral part*: Why does the tanh network lose with the same generator? What would happen to (2) if some pendulums turned over? Which of the four weights could be told instead of written? ($A$: it is the start.)
