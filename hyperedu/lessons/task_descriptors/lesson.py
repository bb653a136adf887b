# %% opening [markdown]
# # 04 · Task descriptors
#
# **What must a descriptor say?**
#
# *You will be able to*
# **choose** between a name, a learned code, text, numbers and examples,
# **test** a descriptor on what it was never trained on,
# **spot** where a network that reads has not understood.
#
# 60 minutes, without exercise 4 and the open task. Before: [02 · Training a hypernetwork](02_training_a_hypernetwork.ipynb); the attention of [03 · Generator designs](03_generator_designs.ipynb) helps.

# %% opening-slide [markdown] tags=["slides"]
# # Task descriptors
#
# What must a descriptor say?

# %% plan-teacher [markdown] tags=["teacher"]
# > **50 minutes**
# >
# > | minutes | what |
# > |---|---|
# > | 8 | *Type a sentence, get a network*: the twelve waves on the board; all lock the prediction before anyone types |
# > | 8 | settings 1 to 7 projected, then three sentences of the class |
# > | 7 | *Where a sentence can be heard*: (1) with numbers, the picture of the heads |
# > | 10 | *One family, described five ways*: names, codes, sets on the board; the printed table, the cosines |
# > | 7 | *Where it has not understood*: the 2×2 table on the board, then the printed lines |
# > | 6 | exercise 1, alone, compared in pairs |
# > | 4 | quiz 1, 3 and 4 by show of hands |
# >
# > Left out: *Stations it never saw*. Homework: to read it, with (4) in words, then quiz 2 and 5; exercises 2 to 4.
# >
# > **90 minutes**
# >
# > | minutes | what |
# > |---|---|
# > | 8 | *Type a sentence, get a network* on the board; the prediction |
# > | 12 | settings projected; in pairs, who finds a plain English sentence that is misread? |
# > | 8 | *Where a sentence can be heard*: (1) with numbers, the picture |
# > | 16 | *One family, described five ways*: the table row by row, each guessed first; the cosines |
# > | 8 | *Where it has not understood* |
# > | 14 | *Stations it never saw*: rank the six bars by show of hands, then the figure; (4) on the board |
# > | 18 | exercises 1 and 2 alone, 3 in pairs |
# > | 6 | quiz alone, answers aloud; *In one breath* |
# >
# > Left out: exercise 4, which is homework, and the open task, homework for pairs. Run the training cells beforehand.
# >
# > **Outcomes**
# >
# > | after it a student can | shown in | asked in |
# > |---|---|---|
# > | choose between a name, a code, text, numbers and examples, and say what each cannot say | *One family, described five ways*, *Stations it never saw* | exercise 1, quiz 1, 5 |
# > | describe a task by its examples, without their order and without its query set | *One family, described five ways* | exercise 2, 4, quiz 4 |
# > | say what is adapted for a new task, and what is frozen | *Stations it never saw* | quiz 2 |
# > | test a reader on words it never saw, and say where it only seems to understand | *Where it has not understood* | exercise 3, quiz 3 |

# %% imports
import random
from functools import partial

import ipywidgets
import torch

from hyperedu import ColoradoClimate, Described, Hypernetwork, Learned, MainNetwork, MLPGenerator
from hyperedu import OneHot, SupportSetHypernetwork, SupportStatistics, Text, WordAttention
from hyperedu import data_file, figures, live, load_checkpoint, meta_test
from hyperedu.lessons.task_descriptors import checks, phrases, questions, trainings
from hyperedu.lessons.task_descriptors.figures import SentenceTriptych, attention, error_bars

families = [phrases.WavesInWords(split, n_train=1000, n_test=100) for split in range(3)]
family, main, text = families[0], MainNetwork.mlp([1, 24, 24, 1], "tanh"), Text()
reads = text.available()
if not reads:
    print("To type sentences: pip install 'hyperedu[text]'; all but the text runs without it.")

# %% type-a-sentence-get-a-network [markdown]
# ## Type a sentence, get a network
#
# The tasks are twelve waves $y = A \sin(f x - p)$: small or tall ($A = 1$ or 3), slow or fast ($f = 0.6$ or 2), shifted left, right or not at all ($p = -1, 1, 0$). Each is told in thousands of ways, by plain words or images (breakfast is early, hence left). A plain one, then five:

# %% type-a-sentence-get-a-network-slide [markdown] tags=["slides"]
# ## Type a sentence, get a network
#
# Twelve waves, told in thousands of ways:
#
# $$ y = A \sin(f x - p) $$
#
# small or tall, slow or fast, shifted left, right or not at all.

# %% sentences-and-waves
print("a slow tall wave, shifted left", *family.train.text[:5], sep="\n")

# %% sentences-and-waves-then [markdown]
# A language model, `all-MiniLM-L6-v2` (references), trained on a billion pairs of English sentences, turns each word of a sentence into numbers, together $\tau$. A hypernetwork learned from 8,000 sentences what they mean for a wave (three times, each with
# other words held out: `python data/make_checkpoints.py words_0 words_1 words_2`).

# %% three-readers
readers = [Hypernetwork(main, MLPGenerator(48, main, (64,)), WordAttention()) for _ in range(3)]
for seed, reader in enumerate(readers):
    load_checkpoint(data_file(f"checkpoints/words_{seed}.safetensors"), reader)

# %% sentence-predict [markdown]
# **Predict.** Which of these will be misread: *wave slow tall left*; *a pagoda, moving like lava*; *a wave that is not tall*? Type them, then your own.

# %% sentence-predict-slide [markdown] tags=["slides"]
# ## Predict
#
# Which of these will be misread?
#
# * wave slow tall left
# * a pagoda, moving like lava
# * a wave that is not tall
# * none of them

# %% sentence-slide [markdown] tags=["slides"]
# ## τ is a sentence

# %% sentence tags=["shown"]
picture = SentenceTriptych(family, readers[0], text, text.words) if reads else None
box = ipywidgets.Text("a slow tall wave, shifted left", continuous_update=False)
figure = live.interact(picture.figure, picture.update, sentence=box) if reads else None
questions.predict("sentence", figure)

# %% sentence-look [markdown]
# **What to look for.** *Left*, what the reader makes of each training sentence (48 numbers, next section), projected on the two directions of most difference; the star is yours. *Right*, what is drawn, and the nearest of the
# twelve waves. The line below says what was understood, and the most similar training sentence: a low *cosine* of their two vectors of 384 numbers (1 where they point the same way, 0 at a right angle) is a reason for doubt, a high one no proof.

# %% sentence-settings tags=["teacher"]
from hyperedu.lessons.task_descriptors import projected

if reads:
    projected.project("sentence", figure)

# %% type-a-sentence-get-a-network-teacher [markdown] tags=["teacher"]
# > **For the teacher** · 20 minutes. *Purpose*: τ may be a sentence, and something is always drawn.
# >
# > *Students believe* that word order or unknown images will confuse it; settings 1 to 3 are read rightly. And that a curve close to a wave was understood: *not tall* is drawn as tall, off by 0.27, at a cosine of 0.74.
# >
# > *Ask*: What would show that it understands, and does not look up? [Sentences with words of which none was trained on.] What does a low cosine tell? [That no training sentence is like it. A high one tells only what it is about.]
# >
# > *On the board*: $2 \cdot 2 \cdot 3 = 12$ waves. For the scale of *differs by*: over whole periods a wave of $A = 1$ and one of $A = 3$ differ by $2/\sqrt2 \approx 1.4$ (root mean square); $A = 2$ is 0.7 from both.
# >
# > *Short of time*: settings 2, 4 and 6, and say: it draws something for every sentence.

# %% where-a-sentence-can-be-heard [markdown]
# ## Where a sentence can be heard
#
# The usual way is *one* vector for the whole sentence, 384 numbers of the same model: a mean of what the words say, of which the word that matters is a small part. The reader above keeps the words apart: each of its six heads
# takes its own mean of the words, each a vector $w$ from its sentence, weighted by how much it looks at it, with a learned row $K$ and matrix $V$ of its own; $f_\varphi$ gets the six $h$ side by side, 48 numbers ($K$, $V$ and $h$ are here a head's, not the generator's):
#
# $$ h = \sum_w a_w\, V w, \qquad a = \operatorname{softmax}_w(K w) \tag{1} $$

# %% where-a-sentence-can-be-heard-slide [markdown] tags=["slides"]
# ## Where a sentence can be heard
#
# One vector for the whole sentence: the word that matters is a small part. A head takes its own mean of the words:
#
# $$ h = \sum_w a_w\, V w, \qquad a = \operatorname{softmax}_w(K w) \qquad (1) $$

# %% heads-slide [markdown] tags=["slides"]
# ## Nobody told a head what to look for

# %% heads tags=["shown"]
if reads:
    alt = "Attention of six heads: one looks at tall, two at slow, two at left, one at several."
    figures.show(attention(readers[0].encoder, text, "a slow tall wave, shifted left"), alt)

# %% heads-then [markdown]
# (The model adds *start* and *end*.) Nobody told a head what to look for: in this sentence one found the word of height, two that of speed, two the side, one nothing clear.

# %% where-a-sentence-can-be-heard-teacher [markdown] tags=["teacher"]
# > **For the teacher** · 8 minutes. *Purpose*: a mean drowns the word that matters; attention lets it be heard.
# >
# > *Students believe* that heads are told their subject, or that each has one. Here two heads look at *slow*, two at the side, one at *tall*, and one (head 2) spreads over several words.
# >
# > *Ask*: Why is $h$ a mean? [Softmax gives positive weights with the sum 1.] Does (1) know the order of the words? [No: a sum has none. It can only enter through the vectors $w$, which the language model makes.]
# >
# > *On the board*: two words, $Kw = \ln 3$ and 0: $a = \frac34, \frac14$. With $Vw = 4$ and $-4$, $h = 3 - 1 = 2$; the plain mean is 0.
# >
# > *Short of time*: the picture only, and say: each head takes its own mean.

# %% one-family-described-five-ways [markdown]
# ## One family, described five ways
#
# A **name** is a one-hot vector. It says which task, and nothing of what the task is like. A **learned** code replaces it by a row of a table that is trained with the generator:
#
# $$ \theta = f_\varphi(E^\top \tau), \qquad E \in \mathbb{R}^{n \times d}, \quad \tau \text{ one-hot} \tag{2} $$

# %% one-family-described-five-ways-slide [markdown] tags=["slides"]
# ## One family, described five ways
#
# A name says which task, and nothing of what it is like. A learned code is a row of a table:
#
# $$ \theta = f_\varphi(E^\top \tau), \qquad \tau \text{ one-hot} \qquad (2) $$
#
# Numbers, examples, text say more.

# %% five-descriptors
names = OneHot(sorted(set(family.train.name)))
table, tau = Learned(names.names, dim=4), names(["tall, slow"])
print("a row of the table:", torch.equal(table(tau), table.table[tau.argmax(-1)]))

D = family.train.sample(500, 10, 1, torch.Generator().manual_seed(1)).support
statistics = SupportStatistics.fit(D)
print("ten examples say:", statistics.in_words(statistics(D)[0]))

# %% sets [markdown]
# **Numbers** are properties, standardised. **Examples** describe by their statistics, or through an *encoder of sets*: a network $\psi$ reads each example, a second, $\rho$, the mean of what it says. A mean has no order, by construction:
#
# $$ h(D) = \rho\Big(\tfrac1n \textstyle\sum_{(x, y) \in D} \psi(x, y)\Big) $$

# %% sets-slide [markdown] tags=["slides"]
# ## A set of examples as a descriptor
#
# $$ h(D) = \rho\left(\tfrac1n \textstyle\sum_{(x, y) \in D} \psi(x, y)\right) $$
#
# A mean has no order, and so order cannot matter.

# %% set-encoder
psi, rho = torch.nn.Sequential(torch.nn.Linear(2, 32), torch.nn.GELU()), torch.nn.Linear(32, 8)
xy = torch.cat([D.x, D.y], dim=-1)[0]  # (10, 2)
h, shuffled = (rho(psi(xy[order]).mean(0)) for order in (torch.arange(10), torch.randperm(10)))
print("the same code in another order:", torch.allclose(h, shuffled, atol=1e-6))

# %% five-descriptors-then [markdown]
# The fifth is **text**. How much of the variation of $y$ does each explain?
#
# $$ R^2 = 1 - \frac{\sum (y - \hat y)^2}{\sum (y - \bar y)^2} \tag{3} $$
#
# We measure it on sentences never trained on: training words in *new templates* (other orders and words around them), and known templates with *new images* ("with a croissant") or *new adjectives*, common words ("delicate"): no telling word of these stands in training. *Rare words* ("gargantuan") are new too,
# and not in the language model's vocabulary: it puts them together from pieces. Which images and adjectives are new is drawn for each seed.

# %% explained
def explained(learner, tasks):
    batch = tasks.sample(None, 10, 100, torch.Generator().manual_seed(0))
    with torch.no_grad():
        y, y_hat = batch.query.y, main(learner(batch.descriptor, batch.support), batch.query.x)
    return (1 - (y - y_hat).square().sum() / (y - y.mean()).square().sum()).item()  # equation (3)


def train(dim, encoder, describe, seed, noise):  # on the sentences of its own split
    torch.manual_seed(seed)
    learner = Hypernetwork(main, MLPGenerator(dim, main, hidden=(64, 64)), encoder and encoder())
    how = dict(noise=noise, lr=2e-3, decay=0.01, steps=800, tasks_per_step=64, queries=16)
    return trainings.trained(learner, families[seed].train, describe, **how)  # by AdamW

# %% ways-to-describe
def by_name(batch):
    return names(batch.properties["name"])


def numbers(batch):
    return batch.descriptor

# %% trained-to-describe
row_of_a_table, projection = partial(Learned, names.names, 4), partial(torch.nn.Linear, 384, 32)
torch.set_num_threads(1)  # for networks as small as these, a second thread costs more than it gives
ways = [("name", 12, None, by_name, 0.0), ("learned", 4, row_of_a_table, by_name, 0.0)]
ways.append(("numbers", 3, None, numbers, 0.0))
ways.append(("examples", statistics.dim, None, lambda batch: statistics(batch.support), 0.0))
if reads:
    text([sentence for some in families[:2] for sentence in some.train.text])  # read once, kept
    ways.append(("sentence", 32, projection, lambda batch: text(batch.properties["text"]), 0.5))
found = {}
for name, dim, encoder, describe, noise in ways:  # noise on τ: docs/answers.md
    found[name] = [train(dim, encoder, describe, seed, noise) for seed in range(2)], describe
if reads:
    found["words"] = readers, lambda batch: text.words(batch.properties["text"])

# %% explained-table-slide [markdown] tags=["slides"]
# ## How much of y does each explain?

# %% explained-table tags=["shown"]
sets = "new_templates", "new_images", "new_adjectives", "rare_words"
print(" " * 9, *(f"{what:>20}" for what in sets))
for name, (learners, describe) in found.items():
    said = f"{name:9}"
    for what in sets:
        told = [Described(getattr(some, what), describe) for some in families]
        R2 = [explained(learner, tasks) for learner, tasks in zip(learners, told)]
        said += f"{sum(R2) / len(R2):7.0%} ({min(R2):4.0%} to {max(R2):4.0%})"
    print(said)

# %% explained-table-then [markdown]
# Each entry: a hundred sentences, mean and range of the seeds (three of words, two of others). Names, codes and numbers do not depend on words: they are *given* what the reader must find
# out. Ten examples pin a wave down, their statistics do not: they lose nearly all of which y was at which x. An encoder explains 87%, after four times the steps 99% (`docs/answers.md`). The reader of *words* is close to names in new templates, and explains much less of rare words.
#
# One vector for the *sentence* explains less; the reader had eight times the sentences, and more steps. Given 8,000 and four times the steps (`docs/answers.md`; two seeds), the vector explains 91% in new templates, 72% with new images, 49% with new adjectives, 11% with rare words, where more made it worse: near the reader with new images, behind it elsewhere.

# %% pieces-of-words-slide [markdown] tags=["slides"]
# ## Fast and slow are about the same thing
#
# A descriptor must say what makes tasks differ, where it can be heard.

# %% pieces-of-words tags=["shown"]
pairs = ("tall", "small"), ("fast", "slow"), ("fast", "rapid"), ("a jet", "a hammock")
for a, b in (*pairs, ("a jet", "a helicopter")) if reads else ():
    print(f"{a:6} and {b:12} cosine {torch.cosine_similarity(text(a), text(b), dim=0):.2f}")
for word in ("colossal", "gargantuan", "torpid") if reads else ():
    print(f"{word}: {' · '.join(text.model.tokenizer.tokenize(word))}")

# %% pieces-of-words-then [markdown]
# The model learned which sentences are *about the same thing*. *Fast* and *slow* are about speed, and as near to each other as fast and rapid. A jet and a hammock are not: so, we suppose, the one vector understands most new images. What tells
# fast from slow lies perhaps in few directions among many; it can be learned if heard in each word, and told often. A rare word comes as pieces, of
# which none means what the word does. **A descriptor must say what makes tasks differ, in a place where it can be heard**.

# %% one-family-described-five-ways-teacher [markdown] tags=["teacher"]
# > **For the teacher** · 16 minutes. *Purpose*: what each descriptor is given, and what it must find out.
# >
# > *Students believe* that 100% for names makes them best: they are given the answer, for twelve known waves. And that near vectors mean the same: *fast* and *slow* have a cosine of 0.75, *fast* and *rapid* 0.73.
# >
# > *Ask*: Why is a name's row the same in all four columns? [It does not depend on words.] Which ways could describe a thirteenth wave? [Numbers, examples, text; a code must first be found, a name has no vector.] Is 67% against 98% only a matter of
# > how a sentence is read? [No: the reader had eight times the sentences, and longer.]
# >
# > *On the board*: $E$ with the rows (1, 0), (0, 2), (3, 1) and $\tau = (0, 1, 0)$: $E^\top\tau = (0, 2)$, the second row. $D = \{(0, 1), (1, -1)\}$ and $\{(0, -1), (1, 1)\}$: mean and spread of $y$ are alike, but with $\psi = xy$ the means are $-\frac12$ and $\frac12$, in any order.
# > (3): half the amplitude of a wave whose mean is 0 explains 75% of it.
# >
# > *Short of time*: rows *name*, *examples*, *sentence* and *words* only, and say: a descriptor must say what differs, where it can be heard.

# %% where-it-has-not-understood [markdown]
# ## Where it has not understood

# %% where-it-has-not-understood-slide [markdown] tags=["slides"]
# ## Where it has not understood
#
# * word order is no trouble
# * *not* is ignored: the sentence is about tallness all the same
# * digits stand in no training sentence
#
# A network that reads always draws *something*.

# %% odd-sentences
odd = "wave slow tall left", "a pagoda, moving like lava", "a wave that is not tall", "🌊 tall"
for sentence in (*odd, "une grande vague lente", "высокая медленная волна") if reads else []:
    name, distance, *_ = picture.wave(sentence)
    print(f"{sentence:27} → {name:26} off by {distance:.2f}. {text.remark(sentence)}")

# %% not-tall-slide [markdown] tags=["slides"]
# ## "Not tall"

# %% not-tall tags=["shown"]
for how in ("plainly", "negated", "in digits") if reads else ():
    told = phrases.told_heights(how)
    read = [picture.wave(sentence)[0].startswith("small") for sentence, _ in told]
    right = sum(small == is_small for small, (_, is_small) in zip(read, told))
    print(f"{told[0][0]!r} and the like: {right} of {len(told)} right, {sum(read)} read as small")

# %% odd-sentences-then [markdown]
# (*Off by* is the distance to the *nearest* of the twelve, not to what was meant.) Word order is no trouble. This reader ignores *not*: the sentence is about tallness all the same. Digits stand in no training sentence: it reads all as tall, and nothing says so (the other two do alike). Of
# another language or script the line says that it is a guess, of a sign that it is a blank: the French one (a large slow wave) is right, the Russian one (a tall slow wave) is not. A network that reads always draws *something*.

# %% where-it-has-not-understood-teacher [markdown] tags=["teacher"]
# > **For the teacher** · 8 minutes. *Purpose*: right answers for the wrong reason, and how a test shows it.
# >
# > *Students believe* that 4 of 8 right with digits is half understood, and that a network which has not understood looks unsure. None of the eight is read as small.
# >
# > *Ask*: *Negated*: 0 of 16. Would tossing a coin do better? [Yes: reading *not tall* as tall is worse than guessing.] Which printed line is right, and still to be distrusted? [The French one.] What could warn of digits? [To say which words stand in no training sentence.]
# >
# > *On the board*: what is meant against what is read, small or tall. Plainly 8 and 8 on the diagonal; negated 8 and 8 off it; in digits 4 and 4, both in the column *tall*.
# >
# > *Short of time*: the three printed counts, and say: test each way of saying it, with both answers.

# %% stations-it-never-saw [markdown]
# ## Stations it never saw
#
# Now real tasks: a year of maximum temperatures at each station in Colorado, as in [00](00_start_here.ipynb). Three splits, sixty unseen stations each. Can a **name** describe one?

# %% stations-it-never-saw-slide [markdown] tags=["slides"]
# ## Stations it never saw
#
# A name cannot describe a new station. A learned code $e$ can be found from six months, the generator frozen:
#
# $$ e \leftarrow e - \alpha \, \nabla_e L\big(g(f_\varphi(e), x), y\big) \qquad (4) $$

# %% never-seen
climates = [ColoradoClimate(split=split) for split in range(3)]
station_names = [OneHot(c.train.sample(None, 0, 1).properties["name"]) for c in climates]

new = set(climates[0].test.sample(None, 0, 1).properties["name"])
print(f"of {len(new)} unseen stations {len(new & set(station_names[0].names))} have a vector")

# %% never-seen-then [markdown]
# `OneHot` refuses them with an error. A **learned** code $e$ of three numbers can be found, from six months of the new station's year, drawn at random, by 100 steps of $\alpha = 0.003$ from the mean code, with the generator frozen:
#
# $$ e \leftarrow e - \alpha \, \nabla_e L\big(g(f_\varphi(e), x), y\big) \tag{4} $$
#
# **Text** is coarse on purpose: five landscapes, nine regions, no numbers.

# %% place-and-examples
print(*phrases.tell_places(climates[0].test.sample(3, 0, 1)), sep="\n")


def rmse(climate, learner, describe, noise=0.0):
    how = dict(noise=noise, lr=0.01, decay=0.1, steps=300, shots=6, queries=6)
    trainings.trained(learner, climate.train, describe, **how)
    return meta_test(learner, Described(climate.test, describe), 6, 6).rmse

# %% descriptors-compared
def compare_descriptors(climate, seed):
    def told(batch):
        return text(phrases.tell_places(batch))

    torch.manual_seed(seed)
    year = MainNetwork.mlp([2, 32, 32, 1], "tanh", climate.y_mean, climate.y_std)
    stats = SupportStatistics.fit(climate.train.sample(None, 6, 6).support)
    f, f_stats, f_text = (MLPGenerator(d, year, hidden=(32, 32)) for d in (3, stats.dim, 8))
    yield "numbers", rmse(climate, Hypernetwork(year, f), numbers)
    yield "a code, found from 6 months", trainings.rmse_of_codes(climate, year, station_names[seed])
    shown = rmse(climate, Hypernetwork(year, f_stats), lambda batch: stats(batch.support))
    yield "statistics of 6 months", shown
    yield "6 months, encoded", rmse(climate, SupportSetHypernetwork(year, 32), numbers)  # no τ
    if reads:
        yield "text", rmse(climate, Hypernetwork(year, f_text, torch.nn.Linear(384, 8)), told, 0.2)
    yield "nothing: the mean year", trainings.rmse_of_the_mean_year(climate)

# %% descriptors-figure-slide [markdown] tags=["slides"]
# ## Text is for where nobody has numbers

# %% descriptors-figure tags=["shown"]
errors = {}
for seed, climate in enumerate(climates):
    for name, error in compare_descriptors(climate, seed):
        errors.setdefault(name, []).append(error)
for name, in_splits in errors.items():
    print(f"{name:27}", *(f"{error:.2f}" for error in in_splits), "°C")
alt = "Error on unseen stations by kind of descriptor: statistics err least, the mean year most."
figures.show(error_bars(errors, "RMSE on unseen stations (°C)"), alt)

# %% descriptors-figure-then [markdown]
# (Bar: the mean of three splits, the dots.) **Six months, told by their statistics, err least**: they are of the year whose other six are asked for. Numbers come next, without any measurement, then the code. The encoder has the same months, but must
# first learn what to look at. All have 300 steps at one rate. At a fifth of it, numbers err least; with five times the steps, statistics again, at both (`docs/answers.md`). Text, where nobody has numbers, removes nearly half of the mean year's error.

# %% stations-it-never-saw-teacher [markdown] tags=["teacher"]
# > **For the teacher** · 14 minutes. *Purpose*: a new task, six ways, one measure.
# >
# > *Students believe* that a learned encoder beats fixed statistics (here 1.17 against 0.69 °C from the same six months), and that measurements beat a description (numbers 0.80, a code from six months 0.99).
# >
# > *Ask*: What does (4) adapt? [The code $e$; $f_\varphi$ is frozen.] Is the code better than the encoder? [Not to be said: 0.99 and 1.17, and their dots overlap.] Why does text err more than numbers? [Five landscapes times nine regions: at most 45 things are said.]
# >
# > *On the board*: (4) with $\theta = f(e) = 2e$ and $g = \theta x$, one month $x = 1, y = 4$, $e = 1$: $L = (2e - 4)^2 = 4$, $\nabla_e L = 4(2e - 4) = -8$; with $\alpha = 0.1$, $e = 1.8$ and $L = 0.16$. The 2 of $f$ has not changed.
# >
# > *Short of time*: the figure, and say: the order hangs on training; a name cannot take part.

# %% exercise-1 [markdown]
# ## Exercises
#
# **1 · Compute.** (4 minutes; what examples can say.) A task is described by the mean of the outputs of $n$ examples, which scatter about the task's own mean with $\sigma = 2$. How many examples does it take for this description to err with a standard deviation of 0.25?
#
# <details><summary>Hint 1</summary>What is the variance of the mean of n independent numbers?</details>
# <details><summary>Hint 2</summary>A variance is the square of a standard deviation, on both sides.</details>

# %% exercise-1-slide [markdown] tags=["slides"]
# ## Exercise 1, on paper
#
# A task is described by the mean of $n$ outputs, which scatter with $\sigma = 2$.
#
# How many examples until this description errs with a standard deviation of 0.25?

# %% exercise-1-answer tags=["exercise"]
n = ...
checks.examples_needed(n)

# %% exercise-1-solution tags=["solution"]
n = 2**2 / 0.25**2  # σ² / n = 0.25²
checks.examples_needed(n)

# %% exercise-2 [markdown]
# **2 · Change.** (5 minutes; a descriptor of one's own.) Write `describe(batch)` for `Described`: $\tau$ (n_tasks, 2), the mean and the standard deviation (`.std`) of the outputs y of the support set.
#
# <details><summary>Hint 1</summary><code>batch.support.y</code> has the shape (n_tasks, shots, 1).</details>
# <details><summary>Hint 2</summary><code>.mean((1, 2))</code> leaves one number for each task; <code>torch.stack([…], dim=-1)</code> puts two beside each other.</details>

# %% exercise-2-answer tags=["exercise"]
describe = ...
checks.describer(describe)

# %% exercise-2-solution tags=["solution"]
def describe(batch):
    return torch.stack([batch.support.y.mean((1, 2)), batch.support.y.std((1, 2))], dim=-1)

checks.describer(describe)

# %% exercise-3 [markdown]
# **3 · Find what is wrong.** (8 minutes; what *never saw* must mean.) A reader is said to understand *words it never saw*, tested with `flattering`, below. Write `split(sentences, words)`, where `words`, in lower case, are to be new, in whatever case a sentence has them: two lists, train and test, every sentence in exactly one.
#
# <details><summary>Hint 1</summary>After shuffling, in how many training sentences does a "new" word stand?</details>
# <details><summary>Hint 2</summary>A sentence is for testing if any of the words is in <code>sentence.lower()</code>, else for training.</details>

# %% exercise-3-given
def flattering(sentences, words):
    shuffled = random.sample(sentences, len(sentences))
    return shuffled[: len(shuffled) // 2], shuffled[len(shuffled) // 2 :]

# %% exercise-3-answer tags=["exercise"]
split = ...
checks.honest_split(split)

# %% exercise-3-solution tags=["solution"]
def split(sentences, words):
    new = [s for s in sentences if any(word in s.lower() for word in words)]
    return [s for s in sentences if s not in new], new

checks.honest_split(split)

# %% exercise-4 [markdown]
# **4 · Make.** (15 minutes; more than mean and spread.) Write `tell(batch)`: $\tau$ (n_tasks, $d$), $d \le 8$, from `batch.support`, finite from one example on, the same in any order and if each is shown twice. A linear layer from τ to $y$ at 31 fixed $x$, fitted to 300 waves, must explain 70% of $y$ (3) on new ones:
# $y = A \sin(f x - p)$ with $1 \le A \le 3$, $0.6 \le f \le 2$, any $p$; 30 examples, $-3 \le x \le 3$. Many are good.
#
# <details><summary>Hint</summary>A mean of ψ(x, y) has no order. Which ψ hear where on x the wave is high?</details>

# %% exercise-4-answer tags=["exercise"]
tell = ...
checks.telling(tell)

# %% exercise-4-solution tags=["solution"]
def tell(batch):
    x, y = batch.support.x, batch.support.y
    windows = torch.exp(-((x - torch.linspace(-3, 3, 8)) ** 2))  # (n_tasks, n, 8)
    return (windows * y).mean(1)  # ψ is y where x is in a window

checks.telling(tell)

# %% open-task [markdown]
# **Open task.** (45 minutes.) Make the reader understand *not*, or digits. Say first what must change: the training sentences, the reader, or the language model.
# A good answer has a test of new sentences, the share understood before and after, several seeds, and what got worse.

# %% exercises-teacher [markdown] tags=["teacher"]
# > **For the teacher** · 18 minutes: 4, 5 and 8, and one to compare; 15 for exercise 4, which is homework. *Purpose*: how much examples can say, and a test that does not flatter.
# >
# > *Students believe*: in 1, 8 lacks the square, 32 takes σ for σ², 16 squares σ only, 1/64 is upside down. In 2, the query set is used, the mean goes over the batch, the variance stands for the deviation, or τ is standardised over the
# > batch. In 3, *Lofty* and *lofty,* escape (case, comma), `all` stands for `any`, or train and test are swapped. Each check says which.
# > In 4, lowest, highest or powers of $y$ are added to mean and spread, and explain 7% at most: none knows its $x$. Or $A$, $f$ and $p$ are thought the best τ: they say all, and a linear layer makes 18% of them.
# >
# > *Good answers* to 4 are means of $y$ times something of $x$, such as eight windows (88%) or six sines and cosines (89%); or numbers of a curve through the examples, such as the coefficients of a polynomial of degree 5 (97%). With ten examples the windows still explain 72%,
# > the polynomial less than nothing: ask which they would take.
# >
# > *Ask*: In 2, why not standardise over the batch? [What is said of a task would depend on which others come with it.] Of the open task: [what must change, and why; new sentences as a test; the share understood before and after; several seeds; what
# > got worse.]
# >
# > *On the board*: $\sigma/\sqrt n$ with $\sigma = 2$: $n = 4, 16, 64$ give 1, 0.5, 0.25. Who is early writes ten sentences for the open task's test, five of each answer.
# >
# > *Short of time*: exercise 1, and say: after shuffling, a *new* word has long been trained on.

# %% readers [markdown]
# ## Questions that readers asked

# %% readers-asked
questions.of_readers()

# %% quiz [markdown]
# ## Quiz
#
# **1. A one-hot descriptor has zero error on all training tasks. What does it know of a new one?**
# <details><summary>Nothing: there is no vector for it</summary>Yes. It can only raise an error, or lie.</details>
# <details><summary>A mixture of the training tasks</summary>No: nothing says which mixture.</details>
#
# **2. What is learned when the code of a new task is found by equation (4)?**
# <details><summary>e alone</summary>Yes: f stays as it is, and so few numbers need few examples.</details>
# <details><summary>f and e</summary>No: f is frozen, as it must be to serve the other tasks.</details>
#
# **3. Why are "fast" and "slow" close in the sentence model?**
# <details><summary>They are used in the same contexts</summary>Yes: it learned what sentences are about.</details>
# <details><summary>It was trained too little</summary>No: more of it does not ask for the difference.</details>
#
# **4. An encoder of sets is given the same examples in another order. What does it say?**
# <details><summary>The same</summary>Yes: a mean has no order.</details>
# <details><summary>The same, once it is trained for it</summary>No: it is so by construction.</details>
#
# **5. Text errs more than numbers on the stations. What would help most?**
# <details><summary>Sentences that say more</summary>Yes: two stations with the same sentence get the same network.</details>
# <details><summary>A larger generator</summary>No: it cannot write what τ does not say.</details>

# %% quiz-answers
questions.quiz()

# %% in-one-breath [markdown]
# ## In one breath
#
# $\tau \mapsto f_\varphi(\tau)$ is as good as $\tau$ is telling: names cannot leave the training set, numbers reach what can be measured, text goes where words do. It fails on what no training sentence says (*not*, digits), on words that the language model hardly knows, and where two tasks are told alike.

# %% in-one-breath-slide [markdown] tags=["slides"]
# ## In one breath
#
# $$ \tau \mapsto f_\varphi(\tau) $$
#
# It is as good as $\tau$ is telling. Names cannot leave the training set, numbers reach what can be measured, text goes where words do.

# %% references [markdown]
# ## References
#
# * N. Reimers, I. Gurevych, *Sentence-BERT*, 2019, [arXiv 1908.10084](https://arxiv.org/abs/1908.10084).
# * W. Wang and others, *MiniLM*, 2020, [arXiv 2002.10957](https://arxiv.org/abs/2002.10957).
# * M. Zaheer and others, *Deep sets*, 2017, [arXiv 1703.06114](https://arxiv.org/abs/1703.06114).
# * L. Zintgraf and others, *Fast context adaptation via meta-learning* (CAVIA), 2019, [arXiv 1810.03642](https://arxiv.org/abs/1810.03642).
