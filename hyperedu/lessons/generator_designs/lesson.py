# %% opening [markdown]
# # 03 · Generator designs
#
# **How do 3,000 parameters write 300,000 weights?**
#
# *You will be able to*
# **build** three designs of generators, each from one equation,
# **measure** what a design costs, and how that grows,
# **say** what each design cannot do.
#
# 60 minutes without *Going further*, exercise 4 and the open task. Before: [02 · Training a hypernetwork](02_training_a_hypernetwork.ipynb).

# %% opening-slide [markdown] tags=["slides"]
# # Generator designs
#
# How do 3,000 parameters write 300,000 weights?

# %% plan-teacher [markdown] tags=["teacher"]
# > **50 minutes**
# >
# > | minutes | what |
# > |---|---|
# > | 8 | *A hundred times smaller*: all lock their prediction, then the settings 1 to 4 |
# > | 14 | *Four designs*: chunked and low rank on the board and as code; of attention only equation (2); the convolution in one sentence |
# > | 10 | *What they write*: all lock their prediction, five settings, the losses with their seeds |
# > | 6 | *Efficiency and scalability*: the left picture, then the exponents |
# > | 7 | *One generator, three main networks*: prediction, one setting, the table |
# > | 5 | quiz, in pairs |
# >
# > Left out: the attention code, *Going further*. Homework in their place: exercises 1 to 4 (35 minutes), and reading the cell `attention-and-low-rank`.
# >
# > **90 minutes**
# >
# > | minutes | what |
# > |---|---|
# > | 8 | *A hundred times smaller*: prediction alone, then the settings |
# > | 22 | *Four designs*: each equation on the board, then its lines of code, read aloud in pairs |
# > | 14 | *What they write*: prediction in pairs, settings, losses |
# > | 9 | *Efficiency and scalability* |
# > | 11 | *One generator, three main networks*: prediction alone, settings, the table in pairs |
# > | 20 | exercises 1 and 2 alone, 3 in pairs |
# > | 6 | quiz, in pairs |
# >
# > Left out: *Going further*. Homework: exercise 4 or the open task.
# >
# > **Outcomes**
# >
# > | after it a student can | shown in | asked in |
# > |---|---|---|
# > | say why few numbers can write many weights, and tell designs by what they write | *A hundred times smaller*, *What they write* | exercise 4, quiz 1 |
# > | build a design from its equation | *Four designs*: "same as the package: True" | exercise 2, 3, 4, quiz 2 |
# > | count what a design costs, and how that grows with P | *Efficiency and scalability* | exercise 1, quiz 3, 4 |
# > | choose a design for a main network, and say where it stops working | *Efficiency and scalability*, *One generator* | quiz 5 |

# %% imports
import timeit

import torch

from hyperedu import AttentionGenerator, ChunkedGenerator, ConvGenerator, Generator, Hypernetwork
from hyperedu import LowRankGenerator, MainNetwork, MLPGenerator, Sinusoids, data_file, figures
from hyperedu import live, load_checkpoint, meta_test
from hyperedu.lessons.generator_designs import checks, questions, trainings
from hyperedu.lessons.generator_designs.figures import DesignsTriptych, SizesPicture, TinyTriptych
from hyperedu.lessons.generator_designs.figures import cost_lines, designs, sensitivity

family = Sinusoids()
sliders = {"amplitude": (0.1, 5.0, 0.05), "phase": (0.0, 3.14, 0.02)}

# %% a-hundred-times-smaller-than-what-it-writes [markdown]
# ## A hundred times smaller than what it writes
#
# The generator of lesson 02 has a head with one row of numbers for each weight, and so is always larger than the main network. This one is not (`python data/make_checkpoints.py tiny`).

# %% a-hundred-times-smaller-slide [markdown] tags=["slides"]
# ## A hundred times smaller
#
# A head with a row for each weight is always larger than the main network.
#
# This generator is not.

# %% tiny
big = MainNetwork.mlp([1, 547, 547, 1])
tiny = Hypernetwork(big, AttentionGenerator(2, big, dim=14, heads=2, layers=1, rank=8))
load_checkpoint(data_file("checkpoints/tiny.safetensors"), tiny)
print(f"{sum(p.numel() for p in tiny.parameters()):,} parameters write {big.weight_dim:,} weights")
print("on unseen waves:", meta_test(tiny, family.test, shots=0, n_tasks=200))

# %% tiny-triptych-predict [markdown]
# **Predict.** With so few numbers, what will the weight matrix in the middle look like? Noise, as before? And will all weights change with τ, or a few?

# %% tiny-triptych-predict-slide [markdown] tags=["slides"]
# ## Predict
#
# What will the weight matrix look like that so few numbers write?
#
# * noise, as in the lessons before
# * something regular, that changes as a whole
# * mostly zeros

# %% tiny-triptych-slide [markdown] tags=["slides"]
# ## Many weights, not independent ones

# %% tiny-triptych tags=["shown"]
picture = TinyTriptych(family, tiny)
figure = live.interact(picture.figure, picture.update, drag=picture.drag, **sliders)
questions.predict("tiny-triptych", figure)

# %% tiny-triptych-settings tags=["teacher"]
from hyperedu.lessons.generator_designs import projected

projected.project("tiny-triptych", figure)

# %% tiny-triptych-look [markdown]
# **What to look for.** Hills and valleys: units side by side have almost the same weights, and most of these move. The weights are many, but *not independent*. They only say
# which point of the two-dimensional sheet of lesson 02 is meant, and a sheet with a pattern can be stored in few numbers.

# %% a-hundred-times-smaller-teacher [markdown] tags=["teacher"]
# > **For the teacher** · 8 minutes. *Purpose*: the number of weights is not the number of things that they say.
# >
# > *Students believe*: 301,398 weights hold more than 3,022 numbers can say; but neighbours correlate 1.00. Or, as the hills stay in place, that hardly a weight moves; at another phase nine tenths have changed by over 1%.
# >
# > *Ask*: How many numbers say which wave it is? (Two.) Where does the amplitude show most? (Compare settings 2 and 4: $W_3$ is pale for amplitude 1 and strong for 5.)
# >
# > *On the board*: $W_{ij} = i \cdot j$, the multiplication table of 547 × 547: 299,209 entries, one rule.
# >
# > *Short of time*: settings 1 and 3 only. Say: a pattern takes fewer numbers than its entries.

# %% four-designs [markdown]
# ## Four designs
#
# Chunked, attention and convolutional write $u$, at the start of mean 0 and variance 1 (the last layer is drawn so; later nothing holds it there), and leave the scale to $\theta = \mu + (\sigma + \gamma) \odot u$: $\mu$ and $\sigma$ are the mean and the spread of a direct
# initialisation ($\sigma$ is no activation here); $\gamma$, one number per weight tensor, is 0 at first, then learned.
#
# **Chunked.** Cut $\theta$ into pieces. One small network writes all, told which by a learned *embedding* $e_k$:
#
# $$ u_k = V\, h\big([\tau, e_k]\big), \qquad k = 1, \dots, \lceil P / C \rceil \tag{1} $$
#
# with pieces of $C$ weights, $h$ the trunk and $V$ the head. Embeddings of $d$ numbers cost $d\,P/C$; a head on $H$ units, with biases, costs $(H + 1)\,C$. Every piece is a mixture of $V$'s $H$ columns. Where $C$ is a fixed multiple of $\sqrt P$, both grow like $\sqrt P$; the package takes $C \approx \sqrt P$.

# %% four-designs-slide [markdown] tags=["slides"]
# ## Chunked: piece by piece
#
# One small network writes all pieces, told which by an embedding $e_k$:
#
# $$ u_k = V\, h\big([\tau, e_k]\big), \qquad k = 1, \dots, \lceil P / C \rceil \qquad (1) $$

# %% chunks-and-channels
main, tau = MainNetwork.mlp([1, 40, 40, 1]), family.describe(amplitude=2.0, phase=1.0)
torch.manual_seed(0)
chunked = ChunkedGenerator(2, main)
pieces = [chunked.head(chunked.trunk(torch.cat([tau, e]))) for e in chunked.embeddings]  # (1)
print(f"{len(pieces)} pieces of {len(pieces[0])} weights")
theta = main.initial_mean + main.initial_std * torch.cat(pieces)[: main.weight_dim]  # γ is 0
print("same as the package:", torch.allclose(theta, chunked(tau), atol=1e-6))

# %% chunks-and-channels-then [markdown]
# **Attention.** Every weight tensor is a *token*, a row of $X$ made from how deep it lies and how large it is; τ is one more row. Each token asks (its row of $Q$), is found ($K$) and says something ($S$). To each is added a mean of what all say, most of those whose $K$ fits its $Q$.
#
# $$ X \leftarrow X + \operatorname{softmax}\big(QK^\top / \sqrt{d_K}\big)\, S $$
#
# $Q$, $K$ (of $d_K$ columns) and $S$ are linear in $X$. (The code adds normalisations, an output matrix and a small network on each token.)
#
# Then unit $i = 1, \dots, n$ of a layer, at the place $p_i = (i - \frac12) / n$, gets a code of $\ell$ numbers, from its tensor's token $t$ and from cosines of its place. A weight is the product of the codes of the units
# that it leads to, $a_i$, and comes from, $b_j$:
#
# $$ u_{ij} = \langle a_i, b_j \rangle / \sqrt \ell, \qquad a_i = M\big(\operatorname{gelu}(T t) \odot R\,[\cos \pi \nu p_i]_{\nu=1}^{16}\big) \tag{2} $$
#
# $M$, $T$, $R$ are linear layers; $b_j$ has its own three. So a matrix has rank $\ell$ at most (`rank`; 8 above). (A bias is a linear function of $a_i$, and $\gamma$ one of $t$, hence of τ.) Places run from 0 to 1 in every layer: no parameter has a shape that depends on the main network.
#
# **Low rank.** A shared $W_0$ ($m \times n$) is learned; only a change of rank $r$ (here 4) is written from τ, by trunk and head. $W_0$ and $BA$ each begin with half of θ's variance, over standard normal τ. (Biases and thin matrices get a whole change.) Language models are adapted so (text-to-LoRA). Up to a fixed scale,
#
# $$ W = W_0 + B A, \qquad B \in \mathbb{R}^{m \times r},\; A \in \mathbb{R}^{r \times n} \tag{3} $$

# %% attention-slide [markdown] tags=["slides"]
# ## Attention: a product of codes
#
# Each weight tensor is a token, and $\tau$ is one more. Each unit gets a code:
#
# $$ u_{ij} = \langle a_i, b_j \rangle / \sqrt \ell \qquad (2) $$
#
# $a_i$ of the unit it leads to, $b_j$ of the one it comes from.

# %% attention-and-low-rank
attention = AttentionGenerator(2, main, heads=1, layers=1)
block, gelu, n = attention.attention[0], torch.nn.functional.gelu, 40
X = torch.cat([attention.tau_token(tau[None]), attention.tensor_token(attention.features)])
Q, K, S = block.qkv(block.norms[0](X)).chunk(3, dim=1)  # of 7 tokens, each of mean 0, variance 1
X = X + block.out(torch.softmax(Q @ K.T / Q.shape[1] ** 0.5, dim=1) @ S)
X = attention.norm(X + block.each(block.norms[1](X)))  # each token by itself, in two layers
waves = torch.cos(torch.pi * (torch.arange(n)[:, None] + 0.5) / n * torch.arange(1, 17))


def code(side, t):  # equation (2)
    M, T, R = (part[side] for part in (attention.codes, attention.of_token, attention.of_place))
    return M(gelu(T(t)) * R(waves))


a, b, std = code("a", X[3]), code("b", X[3]), main.unflatten(main.initial_std)["2.weight"]  # W_2
W, written = a @ b.T / a.shape[1] ** 0.5 * std, main.unflatten(attention(tau))["2.weight"]
print("same as the package:", torch.allclose(W, written, atol=1e-5))

# %% convolutional [markdown]
# **Convolutional.** A weight matrix is decoded like an image, from a picture four times smaller each way: two convolutions let neighbours speak, and the second makes a tile of $4 \times 4$ weights of each place.

# %% low-rank-slide [markdown] tags=["slides"]
# ## A small change; an image
#
# Low rank adds a small change to $W_0$:
#
# $$ W = W_0 + B A, \qquad B \in \mathbb{R}^{m \times r},\; A \in \mathbb{R}^{r \times n} \qquad (3) $$
#
# The convolution enlarges a small picture, and makes a tile of $4 \times 4$ weights of each place.

# %% four-designs-teacher [markdown] tags=["teacher"]
# > **For the teacher** · 22 minutes. *Purpose*: each design is one equation, and a reader can build it.
# >
# > *Students believe*: weights attend to each other. Tensors do: six, and τ, are the code's 7 tokens. And that "low rank" makes $W$ of low rank. Only the change is (the next section prints its rank, 4); $W_0$ is a whole matrix.
# >
# > *Ask*: Chunked without $e_k$: what is written? (The same piece everywhere.) What is the largest rank of what (2) writes? (ℓ, a sum of ℓ products: 8 in the first figure.)
# >
# > *On the board*: $P = 12$, $d = 2$, $H = 3$: embeddings and head cost $24/C + 4C$, so 28 for $C = 1$, 20 for 2, 22 for 4: there is a best length (exercise 1). And for (3), $B = (1, 2)^\top$, $A = (3, 1)$: $BA$ has the rows $(3, 1)$ and $(6, 2)$. With $m = n = 40$ and $r = 4$, 320 numbers make 1,600.
# >
# > *Short of time*: run the attention cell without reading it. Say: a weight is the product of two codes, each smooth in its unit's place.

# %% what-they-write [markdown]
# ## What they write
#
# The four, and lesson 02's fully connected generator (*connected*), with about 30,000 parameters each, trained on 3,000 batches by Adam at one rate, 0.004, which need not be the best for each (`python data/make_checkpoints.py`).

# %% trainings
learners = {}  # of three seeds each; all have about 30,000 parameters
for name, design in trainings.DESIGNS.items():
    learners[name] = [Hypernetwork(main, design(main)) for _ in range(3)]
    for seed, learner in enumerate(learners[name]):
        file = f"checkpoints/design_{name.replace(' ', '_')}_{seed}.safetensors"
        load_checkpoint(data_file(file), learner)
    losses = torch.tensor([meta_test(f, family.test, shots=0).mean for f in learners[name]])
    seeds = f"(seeds {losses.min():.4f} to {losses.max():.4f})"
    print(f"{name:14} loss on unseen waves {losses.mean():.4f}  {seeds}")

# %% designs-predict [markdown]
# **Predict.** One of the five writes hills and valleys, one a small tile over and over, one stripes that lean, two what looks like noise. Which?

# %% designs-predict-slide [markdown] tags=["slides"]
# ## Predict
#
# Which design writes hills and valleys?
#
# * connected
# * chunked
# * convolutional
# * attention
# * low rank

# %% designs-slide [markdown] tags=["slides"]
# ## What they write

# %% designs tags=["shown"]
of_one_seed = {name: of_seeds[0] for name, of_seeds in learners.items()}
picture = DesignsTriptych(family, of_one_seed)
choice = {"design": list(learners)}
figure = live.interact(picture.figure, picture.update, drag=picture.drag, **choice, **sliders)
questions.predict("designs", figure)

# %% designs-settings tags=["teacher"]
from hyperedu.lessons.generator_designs import projected

projected.project("designs", figure)

# %% designs-row-slide [markdown] tags=["slides"]
# ## Functions all but alike, weights not

# %% designs-row tags=["shown"]
alt = "One wave's weights by five designs: noise with strong rows, diagonals, tiles, hills, noise."
figures.show(designs(of_one_seed, tau), alt)
some = family.test.sample(100, 0, 1, torch.Generator().manual_seed(0)).descriptor
for f in (trainings.DESIGNS["low rank"](main), *(one.generator for one in learners["low rank"])):
    W_0, BA = (main.unflatten(t)["2.weight"] / std for t in (f.theta_0, f(some) - f.theta_0))  # (3)
    rank, change = torch.linalg.matrix_rank(BA).max(), BA.square().mean().sqrt()
    print(f"low rank, W₂: BA of rank {rank}, spread {change:.2f} over waves; W₀ {W_0.std():.2f}")

# %% designs-look [markdown]
# **What to look for.** Functions all but alike; weights not. Attention makes hills, since a unit's code is a smooth function of its place. The convolution repeats its tile.
# Low rank ends near $W_0$, which began as noise: $BA$ has shrunk (first printed line: untrained). Chunks of 42 weights lie askew across rows of 40: faint, leaning bands. Connected looks like noise, each weight having its own row in the head; some units are strong.
#
# Low rank has the least loss. We guess that few directions are enough.

# %% what-they-write-teacher [markdown] tags=["teacher"]
# > **For the teacher** · 14 minutes. *Purpose*: very different weights compute the same function, and the pattern betrays the design.
# >
# > *Students believe*: networks that do the same have similar weights. The curves are all but alike; neighbours correlate from −0.02 (low rank) to 0.72 (attention). And that attention, with the largest mean loss, is the worst; its seeds reach from 0.0012 to 0.0102, connected's from 0.0013 to 0.0019.
# >
# > *Ask*: Attention's neighbours correlate 0.72 here, 1.00 in the first figure: why? (The fastest of the 16 cosines has eight waves across a layer: five units of 40 each, but about 68 of 547.) Is low rank the best design? (It has the least loss on this family, at one rate for all.)
# >
# > *On the board*: pieces of 4 in rows of 3. Places in the piece, row by row: 1 2 3, 4 1 2, 3 4 1. One row of the head writes all the 1s, so like stands on diagonals. Pieces of 42 in rows of 40: one row down, two columns right.
# >
# > *Short of time*: the row of five pictures (where the tiles are clearer than in the figure) and the losses. Say: many weights, one function.

# %% efficiency-and-scalability [markdown]
# ## Efficiency and scalability
#
# Parameters and time for writing one network, forward and backward (the fastest of five runs), with the package's own sizes; between the last two sizes of the main network the cost grows like $P^a$. Dotted: as many parameters as weights.

# %% costs
def cost(kind, width):  # P, parameters, milliseconds
    f = kind(2, MainNetwork.mlp([1, width, width, 1]))
    seconds = timeit.repeat(lambda: f(tau).sum().backward(), number=1, repeat=5)
    return f.main.weight_dim, sum(p.numel() for p in f.parameters()), 1000 * min(seconds)


torch.set_num_threads(1)
kinds = MLPGenerator, ChunkedGenerator, ConvGenerator, AttentionGenerator, LowRankGenerator
costs = {}
for name, kind in zip(learners, kinds):
    costs[name] = torch.tensor([cost(kind, w) for w in (30, 100, 315, 1000)], dtype=torch.double).T

# %% costs-figure-slide [markdown] tags=["slides"]
# ## What writing costs
#
# Connected has a row for every weight. Chunked grows like the root.

# %% costs-figure tags=["shown"]
for name, (P, parameters, ms) in costs.items():
    grows, slows = ((c[-1] / c[-2]).log() / (P[-1] / P[-2]).log() for c in (parameters, ms))
    said = f"{parameters[-1]:12,.0f} parameters ~ P^{grows:.2f}, {ms[-1]:6.1f} ms ~ P^{slows:.2f}"
    print(f"{name:14} at P = {P[-1]:,.0f}: {said}")
figures.show(cost_lines(costs), "Cost of five designs over P: attention's parameters do not grow.")

# %% costs-figure-then [markdown]
# Connected has a row for every weight. Low rank is on its way there: more than half of its parameters are $\theta_0$.
#
# Each weight is computed, so in the end *writing* takes at least time in proportion to $P$. Where an exponent is below 1, part of the time does not grow yet; where above, we guess that the processor's fast memory is full. (`docs/generators.md`)

# %% efficiency-and-scalability-teacher [markdown] tags=["teacher"]
# > **For the teacher** · 9 minutes. *Purpose*: to choose by cost, measured.
# >
# > *Students believe*: fewer parameters, less time. At $P \approx 10^6$ low rank has about twenty times attention's parameters and takes less time. (Quote your own machine's times; memory is in `docs/generators.md`.)
# >
# > *Ask*: Below which exponent can time not stay? (1: $P$ numbers are made.) Who has fewer parameters than weights at $P \approx 10^3$? (None: all lie above the dotted line.) At $10^5$? (Chunked, convolutional, attention.)
# >
# > *On the board*: the exponent, $a = \log(c_2 / c_1) / \log(P_2 / P_1)$: a cost that grows tenfold while $P$ grows a hundredfold has $a = 1/2$. Connected's head: $(64 + 1) \cdot 1{,}004{,}001 \approx 65$ million.
# >
# > *Short of time*: the left picture only. Say: attention's parameters do not grow, its time does.

# %% one-generator-three-main-networks [markdown]
# ## One generator, three main networks
#
# The size of the main network is only an input of the attention generator. This one was trained by two networks, of widths 32 and 48, both in each step (`two_widths`; a single training). `for_main` asks it for any other.

# %% one-generator-three-main-networks-slide [markdown] tags=["slides"]
# ## One generator, three main networks
#
# For attention, the size of the main network is only an input. Trained on widths 32 and 48: what works?
#
# * width 40, and a third layer
# * width 40 only
# * neither

# %% three-main-networks-predict [markdown]
# **Predict.** Width 40 it has never seen. Will that network work? And one with a third hidden layer (below)?

# %% three-main-networks-slide [markdown] tags=["slides"]
# ## A width that it has never seen

# %% three-main-networks tags=["shown"]
two = AttentionGenerator(2, MainNetwork.mlp([1, 32, 32, 1]))
load_checkpoint(data_file("checkpoints/two_widths.safetensors"), Hypernetwork(two.main, two))


def driven(*hidden):  # a main network that this generator writes
    net = MainNetwork.mlp([1, *hidden, 1])
    return Hypernetwork(net, two.for_main(net))


sizes = {"32": driven(32, 32), "40, unseen": driven(40, 40), "48": driven(48, 48)}
picture = SizesPicture(family, sizes)
figure = live.interact(picture.figure, picture.update, drag=picture.drag, **sliders)
questions.predict("three-main-networks", figure)

# %% three-main-networks-settings tags=["teacher"]
from hyperedu.lessons.generator_designs import projected

projected.project("three-main-networks", figure)

# %% three-main-networks-table-slide [markdown] tags=["slides"]
# ## "Any size" is true of the shapes

# %% three-main-networks-table tags=["shown"]
y = family.test.sample(600, 0, 50, torch.Generator().manual_seed(0)).query.y
tried = (24, 24), (32, 32), (36, 36), (40, 40), (48, 48), (64, 64), (40, 40, 40)
tried = {f"hidden layers {hidden}": driven(*hidden) for hidden in tried}
tried["(40, 40), its tokens told 48"] = misled = driven(40, 40)
misled.generator.features = sizes["48"].generator.features
for name, learner in tried.items():
    error = meta_test(learner, family.test, shots=0).mean
    print(f"{name:28} explain {1 - error / y.var():7.1%} of the variance (loss {error:.3f})")

# %% three-main-networks-then [markdown]
# **What to look for.** Between the two widths the networks work, though with about ten to thirty times the loss. Places between 0 and 1 fit every width; but a token also says how large its tensor is, and of that the generator met two cases. It does use it: told 48, width 40
# is worse (last line). Outside it gets worse, and with a third layer worse than always answering the mean. "Any size" is true of the shapes, not of the function.

# %% one-generator-teacher [markdown] tags=["teacher"]
# > **For the teacher** · 11 minutes. *Purpose*: to tell "the shapes fit" from "it works".
# >
# > *Students believe*: no parameter has the size of the main network, so any size works. Explained are 99.5% at width 40, 86.7% at 64, −88.1% with a third layer. Or: an unseen width always loses (in setting 3 it wins).
# >
# > *Ask*: How is width 40 made worse without touching a parameter? (Tell its tokens 48: 0.201 for 0.023.) What would you train for a third layer? (Networks of several depths; not tried here.)
# >
# > *On the board*: the places $p_i = (i - \frac12)/n$ on a line from 0 to 1: ¼, ¾ for $n = 2$; ⅛, ⅜, ⅝, ⅞ for $n = 4$; over it one smooth curve, a number of the code. Another width reads it at other places; but the token moves the curve.
# >
# > *Short of time*: the table. Say: between two widths it works, with ten to thirty times the loss; beyond, less and less.

# %% going-further [markdown]
# ## Going further: the convolution, and which layer τ moves
#
# At the place $ij$ of the small picture stand learned codes of row and column, again $a_i$ and $b_j$, of 32 numbers (*channels*), which τ scales and shifts by $s$ and $s'$. The convolutions $\kappa$ are $3 \times 3$; all is counted from 0, $i'$ and $j'$ up to 3;
# what sticks out, as of $W_1$ with its one column, is cut off:
#
# $$ u_{4i + i',\, 4j + j'} = Z^{(4i' + j')}_{ij}, \qquad Z = \kappa_2 * \operatorname{gelu}\big(\kappa_1 * [(1 + s) \odot (a_i + b_j) + s']_{ij}\big) \tag{4} $$

# %% convolutional-small
conv = ConvGenerator(2, main)
s, shift = conv.film(conv.trunk(tau)).view(6, 2, -1, 1, 1)[2]  # of the third of six tensors, W_2
codes = conv.rows[2][:, :, None] + conv.columns[2][:, None, :]  # (32, 10, 10)
Z = conv.enlarge(gelu(conv.convolution((1 + s) * codes + shift)))  # (16, 10, 10)
u = torch.nn.functional.pixel_shuffle(Z, 4)[0] / conv.rms[2]  # (4), scaled to variance 1
written = main.unflatten(conv(tau))["2.weight"]
print("same as the package:", torch.allclose(u * std, written, atol=1e-6))

# %% interpretability [markdown]
# *Which layer does a property move?* Nudge τ, and see by how much each tensor changes, relative to its norm (means of three seeds).

# %% change-of-layers
def change_of_layers(f, tau):  # (properties) for each weight tensor, relative to its size
    theta, steps = main.unflatten(f(tau)), 0.05 * torch.eye(2)  # in amplitude, then in phase
    nudged = [main.unflatten((f(tau + step) - f(tau - step)) / 0.1) for step in steps]
    return torch.tensor([[d[k].norm() / w.norm() for d in nudged] for k, w in theta.items()])

# %% sensitivity-slide [markdown] tags=["slides"]
# ## Going further: which layer does τ move?

# %% sensitivity tags=["shown"]
changes = {}
with torch.no_grad():
    for name, of_seeds in learners.items():
        each = torch.stack([change_of_layers(learner.generator, some) for learner in of_seeds])
        changes[name], of_W_1 = each.mean(0), [f"{change:.2f}" for change in each[:, 0, 1]]
        print(f"{name:14} phase moves W₁ by", ", ".join(of_W_1), "(three seeds)")
alt = "Relative change of each weight tensor when amplitude or phase moves."
figures.show(sensitivity(changes, main.shapes, ["amplitude", "phase"]), alt)

# %% sensitivity-then [markdown]
# When the phase moves, connected changes $W_1$ more than attention does, with every seed: how the work is shared out among layers is no fact about sines. A bright $b_3$ may be chance: relative to one small number every change is large.

# %% going-further-teacher [markdown] tags=["teacher"]
# > **For the teacher** · 15 minutes, outside both plans. *Purpose*: the convolution as an equation; what the share of layers does not say.
# >
# > *Students believe*: the first layer is *the* layer of the phase. When the phase moves, connected changes $W_1$ by 0.53 or more with every seed, attention by 0.13 at most, and both draw the same sines.
# >
# > *Ask*: Writing by hand, where would you put the amplitude? (In $W_3$ and $b_3$: $y$ is linear in them.) Which designs move these most? (Attention, convolutional and chunked; connected and low rank move $W_1$ most.)
# >
# > *On the board*: enlarging twofold: at one place the channels 1, 2, 3, 4 become the tile with rows 1 2 and 3 4, by $i', j' \in \{0, 1\}$ and channel $2i' + j'$, counted from 0.
# >
# > *Short of time*: the heatmap only. Say: how layers share the work is a matter of the design.

# %% exercise-1 [markdown]
# ## Exercises
#
# **1 · Compute.** (6 minutes; what pieces cost.) A main network has $P = 10^6$ weights, written in pieces of $C$ by a trunk that ends in 64 units; embeddings have 16 numbers. For which $C$ have the embeddings and the head, with its biases, together the fewest parameters? (Three digits are enough.)
#
# <details><summary>Hint 1</summary>How many pieces are there, and how many outputs has the head?</details>
# <details><summary>Hint 2</summary>Look for the zero of the derivative.</details>

# %% exercise-1-slide [markdown] tags=["slides"]
# ## Exercise 1, on paper
#
# $P = 10^6$ weights, in pieces of $C$. Embeddings have 16 numbers; the head reads 64 units and has biases.
#
# For which $C$ have embeddings and head together the fewest parameters?

# %% exercise-1-answer tags=["exercise"]
C = ...
checks.best_piece(C)

# %% exercise-1-solution tags=["solution"]
C = (16 * 10**6 / (64 + 1)) ** 0.5  # 16 P / C² = 65
checks.best_piece(C)

# %% exercise-2 [markdown]
# **2 · Change.** (6 minutes; a factor of rank one.) A relative of (3) multiplies: with the scaling of *FiLM*, τ writes one number $s_i$ for each unit, and $W' = W \odot \big((1 + s)\, \mathbf{1}^\top\big)$. Write `film(W, s)` for $W$ (out, in) and a batch $s$ (tasks, out); it returns (tasks, out, in), and a gradient must reach both.
#
# <details><summary>Hint 1</summary>Row i of W belongs to unit i.</details>
# <details><summary>Hint 2</summary><code>s.unsqueeze(-1)</code> has the shape (tasks, out, 1).</details>

# %% exercise-2-answer tags=["exercise"]
film = ...
checks.film(film)

# %% exercise-2-solution tags=["solution"]
def film(W, s):
    return (1 + s).unsqueeze(-1) * W

checks.film(film)

# %% exercise-3 [markdown]
# **3 · Find what is wrong.** (8 minutes; what makes pieces learnable.) This chunked generator trains without an error, but its loss stays high (not for want of scale). Write the class `Mended`, made as `Mended(main)`.
#
# <details><summary>Hint 1</summary>Ask it twice for the same τ.</details>
# <details><summary>Hint 2</summary>What would an optimiser find in <code>parameters()</code>?</details>

# %% exercise-3-given
class Forgetful(Generator):
    def __init__(self, main):
        super().__init__(2, main)
        self.n = -(-main.weight_dim // 10)  # pieces of ten weights: P / 10, rounded up
        self.trunk, self.head = torch.nn.Linear(2 + 6, 32), torch.nn.Linear(32, 10)

    def forward(self, tau):  # (tasks, 2)
        e = torch.randn(self.n, 6)  # one embedding for each piece
        return self.pieces(tau, e).flatten(-2)[..., : self.main.weight_dim]

    def pieces(self, tau, e):
        tau, e = tau.unsqueeze(-2).expand(-1, len(e), -1), e.expand(len(tau), -1, -1)
        return self.head(torch.relu(self.trunk(torch.cat([tau, e], dim=-1))))

# %% exercise-3-answer tags=["exercise"]
Mended = ...
checks.embeddings(Mended)

# %% exercise-3-solution tags=["solution"]
class Mended(Forgetful):
    def __init__(self, main):
        super().__init__(main)
        self.e = torch.nn.Parameter(torch.randn(self.n, 6))

    def forward(self, tau):
        return self.pieces(tau, self.e).flatten(-2)[..., : self.main.weight_dim]


checks.embeddings(Mended)

# %% exercise-4 [markdown]
# **4 · Make.** (15 minutes; a pattern of your own.) Design a generator not in the package: an `nn.Module`, `Own(main)`, that writes θ (tasks, P) from τ (tasks, 2), each row from its own τ, for any `MainNetwork.mlp` of $P > 1000$ with two hidden layers or more. It learns 100 to $P / 2$ numbers; each parameter tensor gets a gradient. Untrained, on the τ of waves: within one network, entries of each matrix
# spread a third to three times as far as `main.initial_std` says, biases at most three times; hidden matrices have rank 4 or more; θ is no piece repeated. If waves swap amplitudes, or phases, entries of every matrix change by 3% of `initial_std` or more (root mean square), and θ not always along one line. Many are good (tests: folded below).
#
# <details><summary>Hint</summary>What does a weight follow from, beside τ? Scale it last.</details>

# %% exercise-4-answer tags=["exercise"]
Own = ...
checks.own_design(Own)

# %% exercise-4-solution tags=["solution"]
class Own(Generator):  # a sum of waves along θ, whose heights τ writes
    def __init__(self, main, n=30):
        super().__init__(2, main)
        place = torch.arange(main.weight_dim).unsqueeze(1)
        self.register_buffer("waves", torch.sin(3 * place * torch.rand(n) + 6 * torch.rand(n)))
        self.trunk, self.heights = torch.nn.Linear(2, 16), torch.nn.Linear(16, n)
        self.size = self.unscaled(torch.randn(100, 2)).std().item()

    def unscaled(self, tau):
        return self.heights(torch.tanh(self.trunk(tau))) @ self.waves.T

    def forward(self, tau):
        return self.main.initial_std * self.unscaled(tau) / self.size


checks.own_design(Own)

# %% open-task [markdown]
# **Open task.** (45 minutes.) Which design would you take for the waves if the *generator* may have 2,000 parameters at most? (Connected and low rank have more.) Train two of the others, three seeds each; `hidden`, `embedding_dim` (chunked), `channels`, `hidden` (convolutional), `dim`, `heads`, `layers`, `rank` (attention) make them small.
# A good answer has losses with their spread, parameters and time, a picture, and a case in which the loser wins.

# %% exercises-teacher [markdown] tags=["teacher"]
# > **For the teacher** · 20 minutes: 6, 6 and 8, and 15 for exercise 4, which is homework, as the open task is. *Purpose*: to count, to write, to mend and to make a design.
# >
# > *Students believe*: (1) $C = 1000$, the package's $\sqrt P$; 500, without biases; 246,154, which is $C^2$; 2,016, embeddings and head exchanged, or the number of pieces. (2) The factor $s$ for $1 + s$; columns scaled, which a square $W$ does not betray. (3) A seed in `forward`, or a plain tensor: the same at each call, but nobody learns it. (4) A layer from τ to all weights, too large; one piece for all places; τ in the last layer only; all layers of one size. Good answers to (4): a small network that is told a weight's layer, row and column (a coordinate network); learned codes of units whose products τ weighs; fixed random directions, mixed by what τ writes. All can be compared by what they learn per weight.
# >
# > *Ask*: For which $d$ would $\sqrt P$ be right in exercise 1? ($d = H + 1 = 65$.) For the open task: what does a good answer contain? (Losses of three seeds with their spread, parameters, time, a picture, a case in which the loser wins; no "better" where seeds overlap.)
# >
# > *On the board*: for the open task, chunked with $C = 42$, $d = 6$, one hidden layer of 32: trunk $9 \cdot 32 = 288$, embeddings $42 \cdot 6 = 252$, head $33 \cdot 42 = 1{,}386$, and six γ: 1,932, within 2,000.
# >
# > *Short of time*: exercise 3 together on the screen, 1 and 2 at home. Who is done early shows that at the best $C$ both parts cost the same. Say: what is to be learned must be in `parameters()`.

# %% readers [markdown]
# ## Questions that readers asked

# %% readers-asked
questions.of_readers()

# %% quiz [markdown]
# ## Quiz
#
# **1. How can 3,000 parameters write 300,000 weights that work?**
# <details><summary>Most of the weights are zero</summary>No: look at the picture.</details>
# <details><summary>The weights follow a pattern</summary>Yes: a pattern takes fewer numbers.</details>
#
# **2. What does the embedding of a piece do?**
# <details><summary>It says which part of θ is asked for</summary>Yes: else all would be the same.</details>
# <details><summary>It describes the task</summary>No: that is τ.</details>
#
# **3. Why do parameters of the chunked design grow like √P?**
# <details><summary>The head grows with the piece, the embeddings with the number of pieces</summary>Yes: with pieces of √P weights, both are √P.</details>
# <details><summary>Because it is deeper</summary>No: its trunk stays as it is.</details>
#
# **4. In the end, writing takes time in proportion to P even where parameters do not grow. Why?**
# <details><summary>The code is slow</summary>No: the fastest must compute every weight.</details>
# <details><summary>P numbers must be made</summary>Yes: no design escapes that.</details>
#
# **5. When is fully connected the right choice?**
# <details><summary>Never</summary>No: it is the simplest, and fast where P is small.</details>
# <details><summary>When the main network is small</summary>Yes: with 1,761 weights its cost does not matter.</details>

# %% quiz-answers
questions.quiz()

# %% in-one-breath [markdown]
# ## In one breath
#
# $\tau \mapsto \theta$ can be written piece by piece, $V h([\tau, e_k])$, as products of codes, $\langle a_i, b_j \rangle / \sqrt \ell$, or as a change, $W_0 + BA$. It would fail where tasks need a pattern that the design
# cannot write; it did fail at a depth that it was not trained for.

# %% in-one-breath-slide [markdown] tags=["slides"]
# ## In one breath
#
# $\tau \mapsto \theta$: piece by piece, as products of codes, or as a change.
#
# $$ V h([\tau, e_k]) \qquad \langle a_i, b_j \rangle / \sqrt \ell \qquad W_0 + BA $$
#
# It did fail at a depth that it was not trained for.

# %% references [markdown]
# ## References
#
# * D. Ha, A. Dai, Q. Le, *HyperNetworks*, 2016, [arXiv 1609.09106](https://arxiv.org/abs/1609.09106).
# * J. von Oswald and others, *Continual learning with hypernetworks*, 2020: chunks, [arXiv 1906.00695](https://arxiv.org/abs/1906.00695).
# * E. Hu and others, *LoRA*, 2021, [arXiv 2106.09685](https://arxiv.org/abs/2106.09685).
# * R. Charakorn and others, *Text-to-LoRA*, 2025, [arXiv 2506.06105](https://arxiv.org/abs/2506.06105).
# * E. Perez and others, *FiLM*, 2018, [arXiv 1709.07871](https://arxiv.org/abs/1709.07871).
