# %% opening [markdown]
# # 03 · Generator designs: homework
#
# **Does it matter where θ is cut?**
#
# A chunked generator writes θ in pieces, all by one head. Lesson 03 showed what its pieces look like. Here you derive what they can *never* look like, and find out whether it matters that a piece holds weights that belong together.
#
# Three hours: *Derive* 60 minutes, *Experiment* 80, *Explain* 40. It stands on lesson 03 and on no later one. You may use the lessons, the package, PyTorch's documentation and whatever you find elsewhere, if you say where; talk with others, write alone. *Hand in* this notebook, run from top to bottom, with your answers in it.
# What you predict is written before you run, and stays as it was: a wrong prediction costs nothing. 20 points in all.

# %% imports
import torch

from hyperedu import ChunkedGenerator, Hypernetwork, MainNetwork, Sinusoids
from hyperedu import figures, meta_test, meta_train
from hyperedu.statistics import half_interval

torch.set_num_threads(1)
family = Sinusoids()

# %% derive [markdown]
# ## Derive
#
# (8 points.) Equation (1) of lesson 03, with the bias $c$ of the head written out, is $u_k = V h([\tau, e_k]) + c$. There are $K = \lceil P / C \rceil$ pieces of $C$ weights; $h$ has $H$ units. Write the pieces as the rows of a matrix $U$ with $K$ rows and $C$ columns.
#
# 1. Write $U$ as a product of two matrices, so that only one of them depends on τ. Which rank can $U$ not exceed? (Do not forget $c$.)
# 2. Put the matrices $U$ of any number of tasks below each other, $U(\tau_1), U(\tau_2), \dots$. Which rank can this tall matrix not exceed? Say in words what all pieces of all tasks have in common.
# 3. Let the main network be $[1, n, n, 1]$, and cut it with $C = n$. Which rows of $U$ are $W_2$, and so which rank can the written $W_2$ not exceed? (Its $\sigma$ is one number, and $\mu$ is 0 here.) Then let a fixed permutation shuffle the places of all weights in θ before the pieces are put there. Which of your three bounds still hold? Say for each why.
#
# Write the steps below and number your results. Fill in the three bounds, as cut; `Pieces` is a chunked generator that puts its weights into θ in an order of your choice. The check draws heads at random, counts ranks in float64, and prints yours beside them. It shows which bounds hold; what counts is why.

# %% derive-answer-text [markdown]
# *My steps:* …

# %% derive-answer
def rank_of_pieces(H, K, C):
    """The largest rank of U of one task."""
    # your line


def rank_of_tasks(H, K, C, n_tasks):
    """The largest rank of all U below each other."""
    # your line


def rank_of_W_2(H, n):
    """The largest rank of W₂, as cut."""
    # your line

# %% pieces-given
class Pieces(ChunkedGenerator):
    """Equation (1) with C = n; weight number i of θ is number order[i] of the pieces."""

    def __init__(self, main, H, order):
        super().__init__(2, main, chunk_size=main.shapes["0.bias"][0], hidden=(64, H))
        del self.gain  # γ is left out: the scale is σ alone
        self.order = order

    def pieces(self, tau):  # U: (n_tasks, 2) → (n_tasks, K, C)
        tau = tau.unsqueeze(1).expand(-1, len(self.embeddings), -1)
        e = self.embeddings.expand(len(tau), -1, -1)
        return self.head(self.trunk(torch.cat([tau, e], dim=-1)))

    def forward(self, tau):  # θ: (n_tasks, 2) → (n_tasks, P)
        return self.main.initial_std * self.pieces(tau).flatten(1)[:, self.order]


def orders(main):  # two ways to put the pieces into θ
    P = main.weight_dim
    return {"as cut": torch.arange(P), "shuffled": torch.randperm(P)}

# %% derive-check
def check(rank_of_pieces, rank_of_tasks, rank_of_W_2):
    torch.manual_seed(0)
    n, n_tasks = 24, 6
    main, tau = MainNetwork.mlp([1, n, n, 1]), torch.randn(n_tasks, 2, dtype=torch.float64)
    for H in (4, 40):
        for name, order in orders(main).items():
            f = Pieces(main, H, order).double()
            torch.nn.init.normal_(f.head.bias)
            U, W_2 = f.pieces(tau), main.unflatten(f(tau))["2.weight"]
            sizes = H, U.shape[1], n
            ranks = [torch.linalg.matrix_rank(M).max().item() for M in (U, U.flatten(0, 1), W_2)]
            yours = rank_of_pieces(*sizes), rank_of_tasks(*sizes, n_tasks), rank_of_W_2(H, n)
            print(f"H = {H:2}, {name:8}", end=" ")
            for what, rank, mine in zip(("U", f"{n_tasks} tasks", "W₂"), ranks, yours):
                print(f"rank of {what} {rank}, yours {mine};", end=" ")
            print()


check(rank_of_pieces, rank_of_tasks, rank_of_W_2)

# %% derive-solution [markdown] tags=["solution"]
# **1.** Row $k$ of $U$ is $h_k^\top V^\top + c^\top$ with $h_k = h([\tau, e_k])$. Put a 1 at the end of each $h_k$:
#
# $$ U(\tau) = \begin{pmatrix} h_1^\top & 1 \\ \vdots & \vdots \\ h_K^\top & 1 \end{pmatrix} \begin{pmatrix} V^\top \\ c^\top \end{pmatrix}, \qquad \operatorname{rank} U(\tau) \le \min(K, C, H + 1) \tag{H1} $$
#
# Only the left factor depends on τ. **2.** Below each other, all tasks have the same right factor, so for $N$ tasks
#
# $$ \operatorname{rank} \begin{pmatrix} U(\tau_1) \\ \vdots \\ U(\tau_N) \end{pmatrix} \le \min(N K, C, H + 1) \tag{H2} $$
#
# The check shows that both are met. All pieces of all tasks lie in one and the same flat of $H$ dimensions in $\mathbb{R}^C$: $c$ plus the columns of $V$. τ and $e_k$ only say where in it. **3.** The first row of $U$ is $W_1$, the second $b_1$, the next $n$ are the rows of $W_2$. A part of the rows has no larger rank, and one number $\sigma$ does not change it:
#
# $$ \operatorname{rank} W_2 \le \min(n, H + 1) \tag{H3} $$
#
# The shuffle leaves $U$ as it is and changes only where its numbers go. So (H1) and (H2) still hold, and (H3) does not: the numbers of one row of $W_2$ then come from many pieces and many places in them.

# %% derive-code-solution tags=["solution"]
def rank_of_pieces(H, K, C):
    return min(K, C, H + 1)  # (H1)


def rank_of_tasks(H, K, C, n_tasks):
    return min(n_tasks * K, C, H + 1)  # (H2)


def rank_of_W_2(H, n):
    return min(n, H + 1)  # (H3)


check(rank_of_pieces, rank_of_tasks, rank_of_W_2)

# %% derive-teacher [markdown] tags=["teacher"]
# > **Rubric** · 8 points
# >
# > | points | for |
# > |---|---|
# > | 3 | the product of (H1), with the column of ones, and the bound |
# > | 2 | (H2), and in words: one flat of $H$ dimensions for all pieces of all tasks |
# > | 1 | which rows are $W_2$, and (H3) |
# > | 2 | (H1) and (H2) survive the shuffle, (H3) does not, each with a reason |
# >
# > **Common failures**
# >
# > * $\min(K, C, H)$: $c$ is forgotten. The check prints one more. Ask for the rank of $U$ with $V = 0$. (1.)
# > * In 2, the bound is multiplied by the number of tasks. Ask which factor of (H1) knows the task; the other one is shared.
# > * "The trunk is not linear, so there is no bound." The trunk makes $h_k$, whatever it is; after it comes one linear layer.
# > * "A shuffle changes nothing, since θ holds the same numbers." The numbers are the same; which of them share a row is not, and a rank is about rows.

# %% experiment [markdown]
# ## Experiment
#
# (7 points.) Cut along the rows, $W_2$ has at most the rank $H + 1$, but weights of one unit are written together. Shuffled, no such bound holds, but each piece is a handful of weights that have nothing to do with each other. Which is better, and does it depend on $H$?
#
# **Predict first, in writing**, for the main network $[1, 24, 24, 1]$: (a) with $H = 2$, is the error on unseen waves lower *as cut*, lower *shuffled*, or about the same? And with $H = 16$? (b) Which of the two gains more when $H$ grows? Give the reason, not the outcome alone.
#
# Then train `Hypernetwork(main, Pieces(main, H, order))` on `family.train`, with `shots=0`, for 500 steps by Adam at the rate 0.01 (`optimizer=`), for each $H$, both orders, and seeds 0 to 11. Seed before `orders(main)`, so that each seed has a shuffle of its own; and again before each learner, so that both begin alike. Print the error on unseen waves (`meta_test(…, shots=0).mean`) of each, and for each $H$ the mean difference *shuffled minus as cut* of the logarithms (base 10)
# with half of its interval. Draw one figure in which every pair is a line, from *as cut* to *shuffled*. Then say what is shown for which $H$ and what is not, and name one choice that was the same for all and may suit one of them better.
#
# Last, look inside: for one network of each order with $H = 2$, how many singular values (`torch.linalg.svdvals`) of its $W_2$ are above a hundredth of the largest, at amplitude 2.5 and phase 1.5, before its training and after? Compare with your bound: which of these four numbers did you know before? And how good is the best network that is cut along the rows: is its rank too low for a wave?

# %% experiment-prediction [markdown]
# *My predictions:* …

# %% experiment-answer
main, widths = MainNetwork.mlp([1, 24, 24, 1]), (2, 16)
# errors["as cut"], errors["shuffled"]: (widths, seeds) each; table, figure, singular values

# %% experiment-solution tags=["solution"]
def trained(H, name, seed, steps=500):
    torch.manual_seed(seed)
    order = orders(main)[name]
    torch.manual_seed(seed)
    learner = Hypernetwork(main, Pieces(main, H, order))
    adam = torch.optim.Adam(learner.parameters(), lr=0.01)
    if steps:
        meta_train(learner, family.train, steps, shots=0, optimizer=adam, progress=False)
    return learner

# %% experiment-pairs-solution tags=["solution"]
names, learners, errors = ("as cut", "shuffled"), {}, {}
for H in widths:
    for name in names:
        learners[H, name] = [trained(H, name, seed) for seed in range(12)]
        tests = [meta_test(f, family.test, shots=0).mean for f in learners[H, name]]
        errors[H, name] = torch.tensor(tests)
        print(f"H = {H:2}, {name}:", *(f"{e:.4f}" for e in tests))
    d = (errors[H, "shuffled"] / errors[H, "as cut"]).log10()
    print(f"   log10, shuffled minus as cut: {d.mean():+.2f} ± {half_interval(d):.2f}")

# %% experiment-figure-solution tags=["solution"]
figure, panels = figures.subplots(2, width=8, height=4, sharey=True)
for H, axes in zip(widths, panels):
    pairs = torch.stack([errors[H, name] for name in names])  # (2, seeds)
    axes.plot(names, pairs, "o-", color=figures.BLUE, alpha=0.7)
    axes.set(yscale="log", title=f"H = {H}", xlim=(-0.3, 1.3))
panels[0].set_ylabel("mean squared error on unseen waves")
figures.show(figure, "Errors of twelve seeds as cut and shuffled, a line for each, H = 2 and 16.")
tau = family.describe([2.5], [1.5])
for name in names:
    for when, learner in {"new": trained(2, name, 0, 0), "trained": learners[2, name][0]}.items():
        W_2 = main.unflatten(learner(tau).detach())["2.weight"][0]
        s = torch.linalg.svdvals(W_2)
        count = (s > 0.01 * s[0]).sum()
        print(f"W₂ {name}, {when}: {count} of 24 singular values above a hundredth")

# %% experiment-text-solution [markdown] tags=["solution"]
# Both differences are shown on our machine, and they have opposite signs. With $H = 2$ shuffled is better, by a factor of about nine: cut along the rows most seeds hardly learn the waves. With $H = 16$ as cut is better, by a factor of nearly two. For either $H$ one pair goes the other way. So cut along the rows gains more from a larger $H$. "Where should θ be cut?" has no answer without $H$.
#
# *Why*, the run does not say. For $H = 2$ (H3) allows $W_2$ a rank of 3. That is found, but it could not be otherwise as cut, and shuffled 23 or 24 singular values are above a hundredth before any training; so the count tells nothing of what training needs. And rank 3 is enough for a wave: one seed as cut is as good as the best that are shuffled. What is shown is that good networks are *found* less often there, in 500 steps. As cut, not $W_2$ alone is bound, but $W_1$, $b_1$, $b_2$ and $W_3$ are pieces of the same flat; to part the two, one would shuffle the places
# inside $W_2$ only. With $H = 16$ it may count that one embedding speaks for a unit as a whole; that is a guess.
#
# Not shown: other widths, rates, and numbers of steps. One rate was taken for all, and with 500 steps one compares how fast they learn as much as how far they come.

# %% experiment-teacher [markdown] tags=["teacher"]
# > **Rubric** · 7 points
# >
# > | points | for |
# > |---|---|
# > | 2 | predictions with reasons for both $H$, written before the run |
# > | 2 | both orders from the same start, a shuffle for each seed, twelve seeds; differences with intervals |
# > | 1 | a figure with named axes, every seed visible |
# > | 1 | a verdict for each $H$ that follows from its interval, "not decided" included |
# > | 1 | the singular values, of which only those of the shuffled networks were not known before; that the best network as cut is good, with a rank of 3 |
# >
# > **Common failures**
# >
# > * Seeds are compared across orders, not within: seed 0 as cut with seed 0 shuffled is a pair. Ask what the seed has in common for both. (The trunk, the head, the embeddings.)
# > * A new shuffle at each call of the generator. Then nothing can be learned; exercise 3 of the lesson in another dress.
# > * "Shuffled has the higher rank, so it must be better." Ask which rank the waves ask for.
# > * "A low rank cannot fit", from the means. Ask for the least error as cut with $H = 2$.
# > * One rate for all is not mentioned. It may suit one $H$ better than another; it is the same within each pair.

# %% explain [markdown]
# ## Explain
#
# (5 points.) A blog writes of the first figure of lesson 03: *"3,022 parameters write 301,398 weights. So neural networks can be compressed a hundredfold."* Criticise this in half a page, for a reader who knows what a network is and has not seen the lesson. Say what exactly is made from the 3,022 numbers, and for which inputs; give an argument, by counting or by rank, why not every network of that size can be written so; say what your bounds say of chunked generators, and whether your experiment shows
# that a low rank is a loss. End with what one would have to measure before one may speak of compression, and beside which rival.

# %% explain-answer [markdown]
# *My answer:* …

# %% explain-solution [markdown] tags=["solution"]
# What the 3,022 numbers make is a mapping: two numbers τ in, one network for each τ out. For fixed φ all that can be written is a surface of two dimensions in a space of 301,398. They were trained so that this surface passes through networks for sine waves, which need nothing like so many weights. Nobody gave it a network and got the same one back, which is what compressing would mean.
#
# Counting: let φ be free as well. Then 3,022 numbers and the two of τ choose a point, so the points that can be reached at all fill no more dimensions than that, of 301,398. Almost every network of this size lies outside. Rank says it more concretely. The matrix of 547 × 547 in that figure is a product of codes of 8 numbers, so its rank is at most 8, and a matrix of full rank is out of reach. For a chunked generator all pieces of all tasks lie in one flat of $H$ dimensions, by (H2), whatever it was trained on; cut along the rows, $W_2$ has the rank
# $H + 1$ at most, by (H3).
#
# Is that a loss? Not for what can be written: with $H = 2$ the best network that was cut along the rows, of rank 3, drew waves as well as the best that was shuffled. But good ones were found less often: shuffled, where (H3) does not hold, the error was mostly several times lower. With $H = 16$ it was the other way round. Of other families this says nothing. A bound on what can be written becomes a loss only where the tasks need what it excludes.
#
# Before one speaks of compression: take networks that somebody trained for a task that needs its size, write them by a generator with fewer numbers, and measure the loss in accuracy on unseen data, beside a plain rival with as many numbers, such as a smaller network.

# %% explain-teacher [markdown] tags=["teacher"]
# > **Rubric** · 5 points
# >
# > | points | for |
# > |---|---|
# > | 1 | what is made: one network for each τ, of one family, not any network |
# > | 2 | an argument by counting or rank that most networks are out of reach |
# > | 1 | (H2) or (H3) used rightly, and the experiment not over-read: found less often is not *cannot be written* |
# > | 1 | a measurement that would count, with a rival |
# >
# > **Common failures**
# >
# > * "It is compression, as the loss is low." Low for sines; ask which smaller network draws a sine as well.
# > * The two dimensions of the surface are mixed up with the rank of a matrix. One counts what τ can move, the other what one matrix can be.
# > * "Low rank is bad." Of the five designs of lesson 03 the one called so had the least loss. Ask what was of low rank there.
