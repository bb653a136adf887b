# %% opening [markdown]
# # 11 · Your own data: homework
#
# **You can pay for 240 measurements. Of how many tasks?**
#
# Lesson 11 began with a table that was there. Here you plan one: twenty stations with twelve months each, or 120 stations with two? On paper you find out what a row of a task that is known already is worth; a run says whether a hypernetwork agrees, and what changes if a new station costs more than a new row.
#
# *Three and a half hours*: Derive 60 minutes, Experiment 110, Explain 40. It stands on lesson 11 and those before it, and on no later one. You may use the lessons, the package, PyTorch's documentation and whatever you find elsewhere, if you say where; talk with others, write alone. *Hand in* this notebook, run from top to bottom, with your answers in it.

# %% imports
import numpy
import pandas
import torch
from sklearn.ensemble import HistGradientBoostingRegressor

from hyperedu import ColoradoClimate, Hypernetwork, MainNetwork, MLPGenerator, Table, figures
from hyperedu import meta_train
from hyperedu.statistics import half_interval

torch.set_num_threads(1)  # networks as small as these are trained faster by one

# %% derive [markdown]
# ## Derive
#
# (8 points.) The simplest table: row $j$ of task $i$ has $y_{ij} = \mu + u_i + e_{ij}$. What the task has for itself, $u_i$, has mean 0 and variance $\sigma_u^2$; what the row has, $e_{ij}$, mean 0 and variance $\sigma_e^2$; all are independent. There are $T$ tasks with $m$ rows each. We estimate μ by the mean $\bar y$ of all $Tm$ rows.
#
# **a.** Find $\operatorname{Var}\bar y$. What remains of it if $m$ grows and $T$ stays?
#
# **b.** Who forgets that rows belong to tasks takes the variance of *one* row, $\sigma_u^2 + \sigma_e^2$, and divides it by the number of rows. By which factor is the true variance of $\bar y$ larger? Write it with $m$ and $\rho = \sigma_u^2 / (\sigma_u^2 + \sigma_e^2)$. What does it say of an interval over *rows* of an error in lesson 11, where the task is what is new?
#
# **c.** A new task costs as much as $c$ rows, before its first row is measured. With a budget of $B$ rows, $T\,(c + m) = B$. Which $m$ makes $\operatorname{Var}\bar y$ least (as if $T$ and $m$ were no whole numbers)? And for $c = 0$, among whole numbers?
#
# Write a, b and c below. Then complete the three functions. The check adds up the whole covariance matrix of the rows, and differentiates your variance by autograd.

# %% derive-answer [markdown]
# *Your derivation.*

# %% derive-code
def variance(T, m, u2, e2):  # u2, e2: the variances of u and e → that of the mean
    return float("nan") * m  # yours


def factor(m, rho):
    return float("nan") * m  # yours


def best_m(c, u2, e2):
    return 1.0  # yours

# %% derive-check
def check_plan(variance, factor, best_m, T=5, m=4, c=10.0, u2=3.0, e2=7.0):
    task = torch.arange(T).repeat_interleave(m)
    V = u2 * (task[:, None] == task).double() + e2 * torch.eye(T * m).double()
    exact = V.sum() / (T * m) ** 2  # the variance of a mean is the mean of all covariances
    print(f"variance: exact {exact:.6f}, yours {variance(T, m, u2, e2):.6f}")
    naive = (u2 + e2) / (T * m)
    print(f"factor: exact {exact / naive:.6f}, yours {factor(m, u2 / (u2 + e2)):.6f}")
    best = torch.tensor(float(best_m(c, u2, e2)), dtype=torch.float64, requires_grad=True)
    at_best = variance(1000 / (c + best), best, u2, e2)  # with a budget of 1,000 rows
    (slope,) = torch.autograd.grad(at_best, best)
    print(f"best m {best:.4f}: variance {at_best:.6f}, its slope {slope:.1e}")
    around = [variance(1000 / (c + k), k, u2, e2) for k in (0.9 * best, 1.1 * best)]
    print("a tenth less and more:", *(f"{value:.6f}" for value in around))

# %% derive-check-run
check_plan(variance, factor, best_m)

# %% derive-solution [markdown] tags=["solution"]
# **a.** $\bar y = \mu + \frac1T \sum_i u_i + \frac1{Tm} \sum_{ij} e_{ij}$, all independent, so
#
# $$ \operatorname{Var} \bar y = \frac{\sigma_u^2}{T} + \frac{\sigma_e^2}{Tm} \tag{H1} $$
#
# With ever more rows $\sigma_u^2 / T$ remains: no number of rows says how tasks differ that were not measured.
#
# **b.** (H1) over $(\sigma_u^2 + \sigma_e^2) / (Tm)$ is
#
# $$ \frac{m\,\sigma_u^2 + \sigma_e^2}{\sigma_u^2 + \sigma_e^2} = 1 + (m - 1)\,\rho \tag{H2} $$
#
# (survey statistics call it the design effect: L. Kish, 1965, *Survey sampling*). An interval over rows is too short by the root of this factor: errors of one task are alike, so a task counts little more than once. Hence the lesson's errors are means over tasks, and its intervals are over splits.
#
# **c.** With $T = B / (c + m)$ the variance is $\frac1B (c + m)(\sigma_u^2 + \sigma_e^2 / m)$. Its derivative in $m$ is $\frac1B(\sigma_u^2 - c\,\sigma_e^2 / m^2)$, zero at
#
# $$ m^* = \sqrt{c}\;\frac{\sigma_e}{\sigma_u} \tag{H3} $$
#
# and rising there, so this is the least. For $c = 0$ it falls with $m$ down to 0: as few rows of each task as can be, one.

# %% derive-code-solution tags=["solution"]
def variance(T, m, u2, e2):
    return u2 / T + e2 / (T * m)


def factor(m, rho):
    return 1 + (m - 1) * rho


def best_m(c, u2, e2):
    return (c * e2 / u2) ** 0.5


check_plan(variance, factor, best_m)

# %% derive-teacher [markdown] tags=["teacher"]
# > **Rubric** · 8 points
# >
# > | points | for |
# > |---|---|
# > | 3 | a: independence is used and said; the check agrees; what remains for large m |
# > | 2 | b: the factor; an interval over rows is too short by its root |
# > | 3 | c: T is replaced before differentiating; a minimum and no maximum; c = 0 |
# >
# > **Common failures**
# >
# > * *$\sigma_u^2/(Tm)$.* Answer: write out the sum for T = 1; how many different u are in it?
# > * *The derivative with T held.* It never vanishes. Answer: what is held is the budget.
# > * *"The factor is for the standard deviation."* Answer: intervals go with the root.

# %% experiment [markdown]
# ## Experiment
#
# (8 points.) The rain of lesson 11. Eighty stations judge, all twelve months of each. Of the others you buy 240 rows: $T$ stations with $m$ random months each. **Is it better to know many stations a little or few stations well, for a hypernetwork and for boosting? And if a new station costs as much as twelve rows?**
#
# **Predict first, in writing**: (i) the order of (T, m) = (20, 12), (40, 6), (80, 3), (120, 2) for the hypernetwork; can it learn a year from stations of which it knows two months each? (ii) the same for boosting; (iii) with $c = 12$, which $m$ your part c advises, from the two variances that the next cell prints, and whether you believe it here.

# %% experiment-prediction [markdown]
# *Your predictions, written before the first run.*

# %% experiment-frame
family = ColoradoClimate("precipitation")
place = pandas.DataFrame(family.stations).rename(columns={"name": "station"})
frame = pandas.DataFrame(family.mean_year.numpy(), columns=range(12)).join(place)
frame = frame.melt(list(place), var_name="month", value_name="rain (mm)")
turn = frame["month"].astype(float) * numpy.pi / 6
frame["sine"], frame["cosine"] = numpy.sin(turn), numpy.cos(turn)
frame = frame.sort_values(["station", "month"], ignore_index=True)
describes, inputs, rain = ["elevation", "latitude", "longitude"], ["sine", "cosine"], "rain (mm)"
within = frame.groupby("station")[rain].var().mean()  # between months of a station
between = frame.groupby("station")[rain].mean().var() - within / 12
print(f"variance between stations {between:.0f} mm², within a station {within:.0f} mm²")

# %% experiment-given
def bought(seed, T, m):  # a table of T stations with m months each, and the rows of 80 others
    names = numpy.random.default_rng(seed).permutation(frame["station"].unique())
    mine = frame[frame["station"].isin(names[80 : 81 + T])]  # one more: Table holds out one
    mine = mine.sample(frac=1, random_state=seed).groupby("station").head(m)
    roles = {"task": "station", "descriptor": describes, "x": inputs, "y": ["rain"]}
    return Table(mine, **roles, n_test=1), frame[frame["station"].isin(names[:80])]


def misses(table, judges, predict):  # predict: (τ, x) → y (n,); mean RMSE of a station, mm
    tau, x = (torch.tensor(judges[c].to_numpy()).float() for c in (describes, inputs))
    said = predict(table.descriptors(tau), (x - table.x_mean) / table.x_std)
    miss = said - torch.tensor(judges[rain].to_numpy())
    return miss.view(80, 12).square().mean(1).sqrt().mean().item()


table, judges = bought(0, 40, 6)
print(table)
mean = misses(table, judges, lambda tau, x: torch.full((len(x),), table.y_mean))
print(f"always the mean of the training rows: {mean:.1f} mm")

# %% experiment-hypernetwork
def hypernetwork(table, m, seed):  # trained, as a function (τ, x) → y; each step sees all rows
    torch.manual_seed(seed)
    main = MainNetwork.mlp([table.d_in, 16, table.d_out], "tanh", table.y_mean, table.y_std)
    learner = Hypernetwork(main, MLPGenerator(table.descriptors.dim, main, hidden=(32, 32)))
    # A strong decay: of 3, 10 and 20 the one of least error at the judging stations, seeds 0 to 2.
    adamw = torch.optim.AdamW(learner.parameters(), lr=3e-3, weight_decay=10)
    settings = {"optimizer": adamw, "progress": False}
    meta_train(learner, table.train, 300, table.train.n_tasks, 0, m, **settings)

    @torch.no_grad()
    def predict(tau, x):
        return main(learner(tau), x[:, None])[:, 0, 0]

    return predict


print(f"hypernetwork: {misses(table, judges, hypernetwork(table, 6, 0)):.1f} mm")

# %% experiment-task [markdown]
# Write the same for boosting (`HistGradientBoostingRegressor(random_state=0)` on τ beside x, `table.rows_of(table.train)`). Then, with four seeds for the hypernetwork and twelve for boosting, which is faster (each draws other stations to judge, others to buy, and other months),
#
# 1. equal **rows**: (T, m) = (20, 12), (40, 6), (80, 3), (120, 2). A figure of both errors against $T$, with intervals;
# 2. equal **cost** at $c = 12$, $T(12 + m) = 720$: (30, 12), (40, 6), (45, 4), (48, 3), and (51, 2), which costs 714. The same;
# 3. for both series and both models, the difference of (T, 2) and (T, 12), seed by seed with its 95% interval (`half_interval`), and the interval times $\sqrt{1 + n \cdot 80 / T}$, with $n$ seeds and $T = 120$: seeds share stations, and lesson 00's *wider* interval reckons with it. Say in one sentence for each what was shown;
# 4. your variance, from the two of the cell above, for the five plans of the second series, beside the run: does it agree? Which assumption of Derive does not hold here? And what does the comment in `hypernetwork` forbid you to say?

# %% experiment-answer
# yours

# %% experiment-conclusion [markdown]
# *What was shown, what was not, and which of your predictions was wrong.*

# %% experiment-solution tags=["solution"]
def boosting(table, m, seed):
    tau, x, y, _task = table.rows_of(table.train)
    model = HistGradientBoostingRegressor(random_state=0)
    model.fit(torch.cat([tau, x], -1).numpy(), y[:, 0].numpy())
    return lambda tau, x: torch.from_numpy(model.predict(torch.cat([tau, x], -1).numpy()))


series = {"equal rows": ((20, 12), (40, 6), (80, 3), (120, 2)),
          "equal cost, c = 12": ((30, 12), (40, 6), (45, 4), (48, 3), (51, 2))}
models = {"hypernetwork": (hypernetwork, 4), "boosting": (boosting, 12)}  # with so many seeds
found = {}  # (T, m), model → (seeds,)
for T, m in sorted({plan for plans in series.values() for plan in plans}):
    each = [bought(seed, T, m) for seed in range(12)]
    for model, (fit, n) in models.items():
        errors = [misses(*each[seed], fit(each[seed][0], m, seed)) for seed in range(n)]
        found[T, m, model] = torch.tensor(errors)

# %% experiment-figure-solution tags=["solution"]
figure, panels = figures.subplots(2, width=10, height=4, sharey=True)
for axes, (name, plans) in zip(panels, series.items()):
    for k, model in enumerate(models):
        each = [found[*plan, model] for plan in plans]
        places = [place + 0.08 * k for place in range(len(plans))]
        means, half = [e.mean() for e in each], [half_interval(e) for e in each]
        axes.errorbar(places, means, half, marker="o", capsize=3, label=model)
    axes.set_xticks(range(len(plans)), [f"{T} × {m}" for T, m in plans])
    axes.set(xlabel="stations × months of each", ylabel="RMSE at new stations (mm)", ylim=(0, None))
    figures.title(axes, name)
panels[0].legend()
figures.show(figure, "Errors at equal rows, and at equal cost, from few stations to many.")

# %% experiment-differences-solution tags=["solution"]
for name, plans in series.items():
    for model, (_fit, n) in models.items():
        means = [found[*plan, model].mean() for plan in plans]
        print(f"{name:18} {model:13}", *(f"{mean:6.2f}" for mean in means))
        less = found[*plans[0], model] - found[*plans[-1], model]
        half, wider = half_interval(less), (1 + n * 80 / 120) ** 0.5
        print(f"   from 12 months to 2: less by {less.mean():5.2f} ± {half:.2f} mm", end=", ")
        print(f"wider ± {wider * half:.2f}")
plans = series["equal cost, c = 12"]
print("(H1), mm²:        ", *(f"{variance(T, m, between, within):6.2f}" for T, m in plans))
print(f"(H3) advises m = {best_m(12, between, within):.1f}")

# %% experiment-text-solution [markdown] tags=["solution"]
# (Numbers may differ a little on your machine.) *Equal rows*: with 120 stations of two months the hypernetwork errs less than with twenty whole years by 1.92 ± 1.74 mm, boosting by 1.65 ± 0.73. By these intervals both were shown; by the wider ones, which reckon with stations that seeds share, neither. That a year can be learned at all from stations of which each has two months is the point of a family: all of them teach the same φ. Most of the gain is there at forty stations.
#
# *Equal cost*: the order turns. With whole years boosting errs less than with two months, by 3.01 ± 0.88 mm, which was shown by the wider interval, too; the hypernetwork by 1.88 ± 1.98 mm, which was not. Now two months buy 70% more stations (51 against 30), not six times as many, and 102 rows against 360. So the answer to *how many tasks?* hangs on what a task costs.
#
# *Part c* advises four months, and ranks whole years last. The run does not agree: both models err most with two months, and least with six or twelve, which are not told apart. The reason is what (H1) is about: a mean of all rows. Here a whole year is estimated, of which each month must be met. The $e_{ij}$ are not independent of each other either (a year has a course), nor are the $u_i$ (neighbours are alike). That τ explains part of $\sigma_u$ would make $m^*$ larger, but $x$ explains part of $\sigma_e$, which makes it smaller; so this does not mend it.
#
# *Forbidden by the comment*: to compare the two models. The decay of the hypernetwork was chosen by stations that judge, which flatters it, nobody knows by how much; and it may suit some plans better than others.

# %% experiment-teacher [markdown] tags=["teacher"]
# > **Rubric** · 8 points
# >
# > | points | for |
# > |---|---|
# > | 1 | predictions with a reason, written before; the wrong ones are named afterwards |
# > | 2 | boosting on the same rows, from the training tasks alone |
# > | 2 | both series in a figure: the seeds that are asked for, intervals, units |
# > | 2 | differences seed by seed with both intervals, and a sentence each that says no more than they do |
# > | 1 | the variances beside the run, which does not agree; an assumption that does not hold; what the choice of the decay forbids |
# >
# > **Common failures**
# >
# > * *The judging stations differ between plans.* Then seeds are no pairs. Answer: `bought` gives the same for each seed; keep it.
# > * *Boosting is fitted on `judges`, or on all rows.* Its error is far too small. Answer: who was held out?
# > * *"No difference" where the interval holds zero.* Answer: not shown; so few seeds seldom show that there is none.
# > * *(H3) is called refuted.* Answer: it speaks of the mean of one number; what is estimated here?
# > * *"It agrees roughly: four is near six."* Answer: which plan does your variance put last?

# %% explain [markdown]
# ## Explain
#
# (4 points.) A forester wants to know how trees grow with the elevation, slope and soil of a site, at sites she has not met. She writes: *"To reach a site takes me a day; there I can measure a tree in ten minutes. I plan five sites with two hundred trees each. A thousand rows should be enough for any network, shouldn't they?"*
#
# Write her half a page: what her thousand rows are worth for the question she asks; a better plan with about the same number of days (say what you assume, and which sites she should choose); how she should test what comes out, and beside which rival; and one case in which her own plan is the right one.

# %% explain-answer [markdown]
# *Your half page.*

# %% explain-solution [markdown] tags=["solution"]
# A thousand rows are five examples here. Your question is about *sites*, and elevation, slope and soil have five values each in your table, however many trees stand there. Five points do not say how growth depends on three things; no network can change that. More trees tell you better how *these five* sites do, and trees of one site are alike: if half of the variance lies between sites, a mean over your thousand trees is no better known than from about ten trees at ten different sites ((H2): 200 trees, ρ = 0.5, a factor of about a hundred).
#
# Two hundred trees at ten minutes are more than four long days at each site, beside the day of the way. So your plan takes five days of travel and some twenty-one of measuring, twenty-six in all. For this time you could reach some twenty sites and measure ten or twelve trees at each. I assume eight hours a day: then a site costs as much as about fifty trees ($c = 48$), and if sites differ as much as trees within a site do, (H3) advises $\sqrt{48} \approx 7$ trees. That is for a mean; how growth varies within a site is asked for, too, so I take some more. Measure a few sites first, to see which of the two varies more. Choose sites that spread over elevation, slope and soil, and not those near the road.
#
# Test by *site*: hold out some sites with all their trees, several times, and give the error for each of them with an interval over splits, beside the mean and a straight line. With twenty sites expect wide intervals. A random tenth of the *trees* would look far better and answer another question.
#
# Your own plan is right if the question is about these five sites: the owner of five woods wants to know which tree of *them* grows how. Then a split by rows is the right one too.

# %% explain-teacher [markdown] tags=["teacher"]
# > **Rubric** · 4 points
# >
# > | points | for |
# > |---|---|
# > | 1 | five sites are five examples of a description |
# > | 1 | a plan in days, with its assumptions; (H3) or an argument like it |
# > | 1 | a test by site, with a simple rival and an interval |
# > | 1 | a case for her plan; written for somebody who has not had the lesson |
# >
# > **Common failures**
# >
# > * *One tree per site.* Answer: what does a day cost? And how would she know how trees within a site vary?
# > * *Only "more data".* Answer: with the same days.
# > * *No word about the choice of sites.* Answer: what does a network say of a slope that no site had?
