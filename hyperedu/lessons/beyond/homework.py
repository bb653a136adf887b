# %% opening [markdown]
# # 10 · Beyond: homework
#
# **How much noise hides a client's reading, and what does it cost?**
#
# In lesson 10 a server read a client's only measurement off its step. A client may add noise to what it sends: the server takes a mean over fifty clients, in which noise should cancel. On paper you find the least-squares answer of a server to noise; a run says whether there is a strength that hides readings and still teaches the generator.
#
# *Three and a half hours*: Derive 75 minutes, Experiment 105, Explain 30. It stands on lesson 10 and those before it, and on no later one. You may use the lessons, the package, PyTorch's documentation and whatever you find elsewhere, if you say where; talk with others, write alone. *Hand in* this notebook, run from top to bottom, with your answers in it.

# %% imports
import torch
from torch.func import jacrev, vmap

from hyperedu import ColoradoClimate, figures
from hyperedu.batches import Examples
from hyperedu.lessons.beyond import clients
from hyperedu.statistics import half_interval

torch.set_num_threads(1)  # networks as small as these are trained faster by one


def beginning(seed):  # another split, other readings, another start
    climate, rng = ColoradoClimate(examples="years", split=seed), torch.Generator()
    learner, _decay = clients.learners(climate, rng.manual_seed(seed))["written for each"]
    return climate, clients.Clients(climate, seed), learner, rng

# %% derive [markdown]
# ## Derive
#
# (8 points.) A client has one reading $y$, of one of twelve months, whose input is $x$. It is sent θ, takes *one* step of rate α on $L(\theta) = (g(\theta, x) - y)^2$, and sends $\Delta\theta$.
#
# **a.** Show that $\Delta\theta$ is a known vector times an unknown number, and say which:
#
# $$ \Delta\theta = v\,\big(y - g(\theta, x)\big) \tag{H1} $$
#
# Why does the server know $v$ for each of the twelve months it may have been?
#
# **b.** Now the client sends $\Delta\theta + s\,\varepsilon$ with $\varepsilon \sim N(0, I)$. Suppose that the server knows the month. Find its least-squares estimate $\hat y$, and the standard deviation of $\hat y$ over ε (call it H2). Why does it beat that of the lesson, which reads $y$ off the last bias alone?
#
# **c.** The client takes part in $T$ rounds with the same reading, with another $\theta_t$ each time (so another $v_t$) and new noise. Find the least-squares estimate from all of them, and its standard deviation (call it H3). How does it change with $T$ if all $\lVert v_t \rVert$ are alike?
#
# Write a, b and c below. Then complete `direction`, `guess` and `deviation`. In the check a client of four rounds is asked without noise, then 5,000 times with it.

# %% derive-answer [markdown]
# *Your derivation.*

# %% derive-code
def direction(g, theta, x, alpha):  # θ (P,), x (2,) → v (P,); g(θ, x[None])[0, 0] is what is said
    return torch.ones_like(theta)  # yours


def guess(v, said, sent):  # v (T, P), said (T,) by g, sent (T, P) → y as the server finds it, ()
    return said.mean()  # yours


def deviation(v, s):  # of that guess
    return torch.zeros(())  # yours

# %% derive-check
def check_attack(direction, guess, deviation, s=0.05, rounds=4):
    climate, _clients, learner, rng = beginning(0)
    g, y = learner.main, torch.tensor(21.5).double()
    x = climate.x(torch.arange(12.0))[6].double()  # July
    lengths = torch.tensor([[0.25], [0.5], [1], [2]])  # so that those of v differ
    theta = g.initial_weights(rounds, rng=rng).double() * lengths
    own = Examples(x.expand(rounds, 1, 2), y.expand(rounds, 1, 1))
    sent = clients.own_steps(g, theta, own, steps=1) - theta
    said = g(theta, x[None])[:, 0, 0]
    v = torch.stack([direction(g, one, x, clients.ALPHA) for one in theta])
    off = (sent - v * (y - said)[:, None]).norm() / sent.norm()
    print(f"(H1) differs from the client's step by {off:.1e} of it")
    print(f"without noise: guess {guess(v, said, sent):.6f}, reading {y:.6f}")
    noise = s * torch.randn(5000, *sent.shape, generator=rng).double()
    found = torch.stack([guess(v, said, sent + each) for each in noise])
    print(f"with noise: mean {found.mean():.2f}, deviation {found.std():.3f}", end=", ")
    print(f"yours {deviation(v, s):.3f}")

# %% derive-check-run
check_attack(direction, guess, deviation)

# %% derive-solution [markdown] tags=["solution"]
# **a.** $\Delta\theta = -\alpha \nabla L = -2\alpha\,(g(\theta, x) - y)\, \nabla_\theta\, g(\theta, x)$, which is (H1) with $v = 2\alpha\,\nabla_\theta\, g(\theta, x)$. The server wrote θ, and knows α and $g$; so it can compute $v$ for each of the twelve $x$. Only the number $y - g(\theta, x)$ is the client's.
#
# **b.** To minimise $\lVert \Delta\theta + s\varepsilon - v\,(\hat y - g) \rVert^2$ over $\hat y$ set its derivative to zero:
#
# $$ \hat y = g(\theta, x) + \frac{v \cdot (\Delta\theta + s\varepsilon)}{\lVert v \rVert^2} = y + s\,\frac{v \cdot \varepsilon}{\lVert v \rVert^2}, \qquad \operatorname{std} \hat y = \frac{s}{\lVert v \rVert} \tag{H2} $$
#
# It uses all $P$ numbers that were sent. The lesson's uses one of them, the step of the last bias, $v_b$ of $v$; the deviation of that is $s / |v_b|$, and $\lVert v \rVert \ge |v_b|$.
#
# **c.** The same with the $T$ vectors one below the other:
#
# $$ \hat y = \frac{\sum_t v_t \cdot \big(\Delta\theta_t + v_t\, g(\theta_t, x)\big)}{\sum_t \lVert v_t \rVert^2}, \qquad \operatorname{std} \hat y = \frac{s}{\sqrt{\sum_t \lVert v_t \rVert^2}} \tag{H3} $$
#
# With equal lengths it is $s / (\sqrt T\, \lVert v \rVert)$: in a hundred rounds a tenth of what it is in one.

# %% derive-code-solution tags=["solution"]
def direction(g, theta, x, alpha):
    return 2 * alpha * jacrev(lambda t: g(t, x[None])[0, 0])(theta)


def guess(v, said, sent):
    return (v * (sent + v * said[:, None])).sum() / v.square().sum()


def deviation(v, s):
    return s / v.norm()


check_attack(direction, guess, deviation)

# %% derive-teacher [markdown] tags=["teacher"]
# > **Rubric** · 8 points
# >
# > | points | for |
# > |---|---|
# > | 2 | a: v with its factor and sign; the server wrote θ |
# > | 3 | b: least squares, unbiased, s / ‖v‖; all P numbers are used |
# > | 3 | c: the sum over rounds, 1/√T; the check agrees to two per cent |
# >
# > **Common failures**
# >
# > * *The sign of v.* The guess without noise is mirrored at what was said. Answer: is the reading above what was said, which way should θ go?
# > * *The mean of T single guesses.* Right on average, but its deviation is larger. Answer: should a round with a short v count as much as one with a long v?
# > * *s · ‖v‖, or s / ‖v‖².* Answer: twice as long a v: is y easier or harder to see?

# %% experiment [markdown]
# ## Experiment
#
# (8 points.) The stations of lesson 10, *written for each*, 300 rounds of 50 clients with one step each; every client adds noise of strength $s$ to what it sends, anew in each round. **Is there an $s$ at which the server can no longer find the only reading of a client, and stations never seen are still served?**
#
# Some 30 clients have a single reading. Say that readings are *hidden* if the RMS error of the server's guesses at them is above 3 °C (in H2 and H3: the standard deviation).
#
# **Predict first, in writing**, with the numbers that the next cell prints: (i) which $s$ hides a reading in *one* round, by your H2; (ii) which hides it over all rounds, by your H3, if a client takes part in as many as are printed; (iii) what the second does to the error at new stations, which is near 1.2 °C without noise. A client's noise is much smaller in a mean over fifty: is that enough?

# %% experiment-prediction [markdown]
# *Your predictions, written before the first run.*

# %% experiment-given
def all_months(g, theta, x):  # θ (n, P), x (12, 2) → v (n, 12, P), and what is said (n, 12)
    def said(one):
        return g(one, x)[:, 0]

    return 2 * clients.ALPHA * vmap(jacrev(said))(theta), g(theta, x)[..., 0]


climate, stations, learner, rng = beginning(0)
x = climate.x(torch.arange(12.0))
theta = learner.written(stations.tau[stations.count == 1]).detach()
v, _said = all_months(learner.main, theta, x)
part = 300 * 50 / stations.n_tasks
print(f"{len(theta)} clients with one reading; each client takes part in about {part:.0f} rounds")
print(f"median length of v, before training: {v.norm(dim=-1).median():.4f}")

# %% experiment-round
def trained(seed, s, rounds=300):
    climate, stations, learner, rng = beginning(seed)
    optimizer = torch.optim.AdamW(learner.parameters(), lr=3e-3, weight_decay=1.0)
    falling = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, rounds)
    server = Server(climate, learner.main)
    for _round in range(rounds):
        some = stations.sample(50, rng=rng)
        theta = learner.written(some.descriptor)
        sent = clients.own_steps(learner.main, theta.detach(), some.support, 1) - theta.detach()
        # yours: noise on `sent`, from a generator of its own: every s is to meet the same clients
        w = some.properties["count"] / some.properties["count"].sum()
        optimizer.zero_grad()
        theta.backward(-w[:, None] * sent)
        optimizer.step()
        falling.step()
        server.look(some, theta.detach(), sent)
    new = clients.newcomers(climate)
    error = clients.errors(learner.main, learner.written(new.descriptor), new)["none: new"]
    return error, *server.found()

# %% experiment-server
class Server:  # what a curious server notes, for clients with a single reading
    def __init__(self, climate, main):
        self.main, self.x = main, climate.x(torch.arange(12.0))
        self.truth = {}  # name of the client → its reading and its month, to judge the server by

    def look(self, some, theta, sent):
        single = some.properties["count"] == 1
        for k in single.nonzero().flatten().tolist():
            x, y = some.support.x[k, 0], some.support.y[k, 0, 0].item()
            month = (self.x - x).norm(dim=-1).argmin().item()
            self.truth[tuple(some.descriptor[k].tolist())] = y, month
        # yours: note what H3 needs for each of the twelve months

    def found(self):  # RMS error of readings, °C; shares: months found, missed by over 3 °C
        return float("nan"), float("nan"), float("nan")  # yours


print("no noise, seed 0:", trained(0, 0.0))

# %% experiment-task [markdown]
# Complete both. The server does not know the month: it makes the guess of H3 for each of the twelve, and believes the month that leaves the least $\sum_t \lVert \mathrm{sent}_t - v_t (\hat y - g_t) \rVert^2$. (Three sums over rounds, for each client and month, are enough: of $\lVert v\rVert^2$, of $v \cdot u$ and of $\lVert u\rVert^2$ with $u = \mathrm{sent} + v\,g$. Why?)
#
# Then, with three seeds and $s$ = 0, 0.003, 0.01, 0.05, 0.1 and 0.3,
#
# 1. a table: the error at new stations, that of the server's readings after all rounds, the share of months it found (chance is 1 in 12), and the share of readings that it misses by more than 3 °C;
# 2. a figure of both errors against $s$, with intervals over seeds (`half_interval`);
# 3. an answer to the question: at the least $s$ of these that hides readings, by how much does the error at new stations rise over that at $s = 0$, seed by seed, with its interval? And how many of the readings are missed by more than 3 °C there?

# %% experiment-answer
# yours

# %% experiment-conclusion [markdown]
# *What was shown, what was not, and which of your predictions was wrong.*

# %% experiment-server-solution tags=["solution"]
class Notes:  # what the server keeps
    def __init__(self, climate, main):
        self.main, self.x, self.truth, self.sums = main, climate.x(torch.arange(12.0)), {}, {}

    def look(self, some, theta, sent):  # three sums for each client and month
        single = (some.properties["count"] == 1).nonzero().flatten()
        v, said = all_months(self.main, theta[single], self.x)
        u = sent[single, None] + v * said[..., None]
        sums = torch.stack([(v * v).sum(-1), (v * u).sum(-1), (u * u).sum(-1)])
        for i, k in enumerate(single.tolist()):
            name = tuple(some.descriptor[k].tolist())
            self.truth[name] = [some.support.y[k, 0, 0].item(), *some.support.x[k, 0].tolist()]
            self.sums[name] = self.sums.get(name, 0) + sums[:, i].double()

# %% experiment-server-found-solution tags=["solution"]
class Server(Notes):
    def found(self):
        vv, vu, uu = torch.stack([self.sums[name] for name in self.truth]).unbind(1)  # (n, 12)
        month = (uu - vu**2 / vv).argmin(1)
        y, truth = (vu / vv).gather(1, month[:, None])[:, 0], torch.tensor([*self.truth.values()])
        right = (self.x[month] - truth[:, 1:]).norm(dim=-1) < 1e-3
        miss = y - truth[:, 0]
        shares = right.float().mean(), (miss.abs() > 3).float().mean()
        return miss.square().mean().sqrt().item(), *(share.item() for share in shares)

# %% experiment-round-solution tags=["solution"]
def trained(seed, s, rounds=300):
    climate, stations, learner, rng = beginning(seed)
    optimizer = torch.optim.AdamW(learner.parameters(), lr=3e-3, weight_decay=1.0)
    falling = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, rounds)
    server, noise = Server(climate, learner.main), torch.Generator().manual_seed(1000 + seed)
    for _round in range(rounds):
        some = stations.sample(50, rng=rng)
        theta = learner.written(some.descriptor)
        sent = clients.own_steps(learner.main, theta.detach(), some.support, 1) - theta.detach()
        sent = sent + s * torch.randn(sent.shape, generator=noise)
        w = some.properties["count"] / some.properties["count"].sum()
        optimizer.zero_grad()
        theta.backward(-w[:, None] * sent)
        optimizer.step()
        falling.step()
        server.look(some, theta.detach(), sent)
    new = clients.newcomers(climate)
    error = clients.errors(learner.main, learner.written(new.descriptor), new)["none: new"]
    return error, *server.found()

# %% experiment-table-solution tags=["solution"]
strengths = (0, 0.003, 0.01, 0.05, 0.1, 0.3)
found = torch.tensor([[trained(seed, s) for s in strengths] for seed in range(3)])
print("s        new stations °C   readings missed by °C   months found   missed by over 3 °C")
for s, row in zip(strengths, found.mean(0)):
    print(f"{s:<6} {row[0]:12.2f} {row[1]:20.2f} {row[2]:20.0%} {row[3]:18.0%}")
for column, name in enumerate(("new stations", "readings", "months", "over 3 °C")):
    print(f"± {name:13}", *(f"{half_interval(v):.2f}" for v in found[..., column].T))
hides = (found[..., 1].mean(0) > 3).nonzero()[0].item()
print(f"s = {strengths[hides]} hides. New stations, more than without noise:")
for s, rise in zip(strengths, (found[..., 0] - found[:, :1, 0]).T):
    print(f"   s = {s:<5} {rise.mean():+.2f} ± {half_interval(rise):.2f} °C")
print(f"by (H2), one round alone: s = {3 * v.norm(dim=-1).median():.3f}", end="; ")
print(f"by (H3), all rounds: s = {3 * part**0.5 * v.norm(dim=-1).median():.3f}")
w = beginning(0)[1].count.float()
alike = 50 * w.mean() ** 2 / w.square().mean()
print(f"a mean weighted by readings: of {alike:.0f} clients that count alike")

# %% experiment-figure-solution tags=["solution"]
figure, (axes,) = figures.subplots(1, width=7, height=4)
for column, name in enumerate(("error at new stations", "readings missed by (the server)")):
    half = [half_interval(each) for each in found[..., column].T]
    mean = found[..., column].mean(0)
    axes.errorbar(range(len(strengths)), mean, half, marker="o", capsize=3, label=name)
axes.axhline(3, color="grey", ls="--", lw=1)
axes.set(xlabel="s, the noise that each client adds", ylabel="°C", ylim=(0, None))
axes.set_xticks(range(len(strengths)), [str(s) for s in strengths])
axes.legend()
figures.show(figure, "Both errors rise with the noise; dashed, what counts as hidden.")

# %% experiment-text-solution [markdown] tags=["solution"]
# (The numbers may differ a little on your machine.) Without noise the server finds every reading, and its month. With noise it hardly forgets them: at $s = 0.1$ it misses by two degrees, and new stations err by four times what they did. Only $s = 0.3$ hides readings, as RMS error; even there more than half of them are found to within 3 °C. New stations err by 5.77 ± 0.99 °C more. **So none of these strengths does both**, at this rate: noise spoils the generator long before it blinds the server.
#
# (i) By (H2) one round alone would be hidden by about 0.05, (ii) all rounds by about 0.45, with the lengths of $v$ before training. The run agrees roughly with the second: $v$ changes as the network does, and from some noise on the server also takes the wrong month, which (H3) does not count. The interval of its error at $s = 0.3$, 4.34 ± 1.52 °C, holds 3 °C.
#
# (iii) Who thought that a mean over fifty makes noise harmless was wrong. Clients count by their readings, so that fifty are as good as 32 that count alike, and noise is divided by about six; the server divides it by $\sqrt T$, about eight, for each client, with (H3).
#
# Not shown: other rules for *hidden*, other rates, more clients, fewer rounds, several own steps (where (H1) no longer holds), or clipping what is sent. How much of what it finds the server could have guessed, from the generator and what is known of the climate, was not measured. That our server misses is no proof either: a client is protected only if *no* server can do better.

# %% experiment-teacher [markdown] tags=["teacher"]
# > **Rubric** · 8 points
# >
# > | points | for |
# > |---|---|
# > | 1 | predictions from the printed numbers, written before; the wrong ones are named afterwards |
# > | 3 | the server: twelve months, sums over rounds, the month by its residual; without noise it finds all |
# > | 2 | table and figure, three seeds, intervals, units |
# > | 2 | an answer with its interval, and its bounds: one rule for *hidden*, this many clients, rounds and steps |
# >
# > **Common failures**
# >
# > * *One noise for all fifty clients.* Answer: whose noise is it? Then it does not cancel in the mean.
# > * *The same noise in every round*, from a generator seeded in the round. Answer: then more rounds tell the server nothing more; is that a cure? (It is not: the mean of what it learns is shifted for good.)
# > * *The server uses the latest round alone.* Answer: c.
# > * *The month is taken from the truth.* Answer: what does the server know?

# %% explain [markdown]
# ## Explain
#
# (4 points.) The board of a network of stations reads: *"We add noise to every message. A single message then says a reading only to within several degrees, and in the sum over fifty stations noise cancels. So nothing is given away, and nothing is lost."*
#
# Write half a page for the board, which missed the lesson: which of the three sentences are true, what your run says to each, and two things that might truly help, with their price; and what your run cannot say.

# %% explain-answer [markdown]
# *Your half page.*

# %% explain-solution [markdown] tags=["solution"]
# *The first sentence* is true. From one message, with noise 0.05, a reading is known to about 3 °C. But each station sends some seventy messages about the same reading, with new noise each time. Who keeps them all and puts them together knows it about eight times better. In our run such noise left readings known to about a degree, and the month, too, in most cases.
#
# *The second* is half true. In a mean over fifty, noise shrinks to about a sixth (stations with more readings count more); it does not cancel. What a station has to teach is small, and gets smaller the better the network is. In our run the noise that hid readings over all rounds raised the error at new stations from about 1 to about 7 °C.
#
# *So the third is wrong on both counts*, for this number of stations and rounds. It would be nearer the truth with thousands of stations, each asked once or twice: then messages cannot be put together, and the mean is over many more.
#
# What might help: **(1)** Ask each station in few rounds only, or let those with a single reading wait until they have twelve. The price is that their knowledge comes late or not at all. **(2)** Let stations add up their messages among themselves, by a protocol in which the server sees the sum alone; then it needs little noise. The price is a protocol that all must run, and that breaks if stations drop out. Neither was tried here. And a promise needs more than that our server failed: it must hold against any.

# %% explain-teacher [markdown] tags=["teacher"]
# > **Rubric** · 4 points
# >
# > | points | for |
# > |---|---|
# > | 1 | the first is true of one message, and readings take part in many |
# > | 1 | the second: the noise of a mean falls with the root of the number, it does not vanish; what the run says of the cost |
# > | 2 | two remedies with their price, and something that the run cannot say |
# >
# > **Common failures**
# >
# > * *"Noise is useless."* Answer: what if a client takes part once, or if there are a million of them?
# > * *"Encrypt it."* Answer: who reads the message in the end? Only a sum over clients that nobody sees apart would hide one.
# > * *No price.* Answer: fewer rounds, more clients, the noise in the sum: what does each cost?
