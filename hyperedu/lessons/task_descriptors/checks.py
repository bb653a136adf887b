"""The checks of this lesson's exercises."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

import torch

from hyperedu.lessons import feedback, probes, variants
from hyperedu.lessons.variants import plain
from hyperedu.tasks import Sinusoids
from hyperedu.words import _


@dataclass(frozen=True)
class Spread(variants.Solved):
    """How far examples scatter about the mean of their task, and how far their mean may err: two standard deviations."""

    sigma: float = 2.0
    error: float = 0.25

    choices = {
        "sigma": (1.2, 1.5, 1.8, 2.0, 2.4, 2.5, 3.0, 3.5, 4.0, 5.0),
        "error": (0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6),
    }

    def __str__(self) -> str:
        return _("σ = {sigma}, and an error of {error}", sigma=plain(self.sigma), error=plain(self.error))

    @property
    def ratio(self) -> float:
        return self.sigma / self.error

    @property
    def right(self) -> float:
        return self.ratio**2

    @property
    def is_short(self) -> bool:
        return self.ratio > 2.5 and abs(self.ratio - round(self.ratio)) < 1e-6

    def mistakes(self) -> Mapping[str, float]:
        sigma, error = self.sigma, self.error
        told = {"sigma": plain(sigma), "error": plain(error), "variance": plain(sigma**2)}
        return {
            _(
                "That is σ divided by the error, {sigma} / {error}. Its square is how many examples it takes.", **told
            ): self.ratio,
            _("The variance of the mean is σ²/n with σ² = {variance}; you took σ = {sigma} for σ².", **told): sigma / error**2,
            _("That is σ² / {error}: the {error} is a standard deviation too, and enters squared.", **told): sigma**2 / error,
            "That is the variance that is asked of the mean; how many examples does it take?": error**2,
            _("The other way round: n = σ² / {error}².", **told): (error / sigma) ** 2,
            "Squared once too often.": self.right**2,
        }


@variants.keyed(Spread)
def examples_needed(answer, spread: Spread) -> None:
    feedback.number(
        answer,
        spread.right,
        "Half the error costs four times the examples: what a few readings say of a task, they say roughly.",
        spread.told(),
        "The mean of n examples errs with a standard deviation of σ / √n.",
        rel=1e-6,
    )


def describer(answer) -> None:
    def described(batch, D=lambda batch: batch.support, what="y", mean=(1, 2), spread="std", correction=1):
        v = getattr(D(batch), what)
        first, second = v.mean(mean), getattr(v, spread)(mean, correction=correction)
        return torch.stack([first.expand(len(v)), second.expand(len(v))], dim=-1)

    def standardised(batch):
        tau = described(batch)
        return (tau - tau.mean(0)) / tau.std(0)

    def mixed(batch):
        return described(batch).T.reshape(-1, 2)

    def case(seed, tasks, shots):
        return (Sinusoids().train.sample(tasks, shots, 6, torch.Generator().manual_seed(seed)),)

    mistakes = {
        "It is made from the query set: a descriptor must not see the test. Use batch.support.": partial(
            described, D=lambda batch: batch.query
        ),
        "It is made from support and query set together: a descriptor must not see the test.": partial(
            described, D=lambda batch: batch.support.joined(batch.query)
        ),
        "All tasks are described alike: the mean goes over the examples of each task, not over the batch.": partial(
            described, mean=(0, 1, 2)
        ),
        "The second number is the variance; the standard deviation is its root.": partial(described, spread="var"),
        "The second number is the variance (by n); the standard deviation is its root.": partial(
            described, spread="var", correction=0
        ),
        "The mean comes first, then the standard deviation.": lambda batch: described(batch).flip(-1),
        "These are statistics of x, which is drawn alike for all tasks and says nothing of them. Describe y.": partial(
            described, what="x"
        ),
        "That is the descriptor the batch came with; describe the task by its support set.": lambda batch: batch.descriptor,
        "Means and deviations have been mixed between the tasks: stack along the last dimension, and do not reshape.": mixed,
        "It is standardised over the batch: what is said of a task then depends on which others come with it.": standardised,
    }

    def leaks() -> str:
        (batch,) = case(3, 4, 7)
        D = batch.query
        same = torch.as_tensor(answer(batch)), torch.as_tensor(answer(replace(batch, query=replace(D, y=D.y + 1))))
        return "" if torch.allclose(*same) else _("It changes with the query set: a descriptor must not see the test.")

    probes.function(
        answer,
        described,
        [partial(case, 0, 5, 8), partial(case, 1, 3, 4), partial(case, 2, 2, 2)],
        mistakes,
        "Two numbers from examples, in any order and of any number.",
        "The first number should be the mean of batch.support.y of each task, the second its spread (std).",
        also=partial(described, correction=0),
        learns=False,
        more=leaks,
    )


def honest_split(answer) -> None:
    first = [
        "a tall wave", "a lofty wave", "Lofty and slow", "a slow wave", "a calm one, lofty", "calm", "a wave, tall and calm",
        "a fast wave", "fast and CALM.", "tall", "lofty, not fast",
    ]  # fmt: skip
    second = ["Deep water", "deep, and cold", "warm", "a warm lake", "Ice cold!", "shallow", "a lake"]
    told = [(first, ["lofty", "calm"]), (second, ["cold", "warm", "deep"]), (first, ["fast"])]

    def has_any(s, words):
        return any(word in s.lower() for word in words)

    def word_by_word(sentences, words):
        train, _test = _split_by(has_any)(sentences, words[-1:])
        return train, [s for word in words for s in sentences if word in s.lower()]

    mistakes = {
        "“Lofty and slow” is trained on: to Python it is another word than “lofty”. Compare in lower case.": _split_by(
            lambda s, words: any(word in s for word in words)
        ),
        "“lofty, not fast” is trained on: split() leaves the comma at the word. Look for the word in the whole sentence, "
        "or strip "
        "what is no letter.": _split_by(lambda s, words: any(word in s.lower().split() for word in words)),
        "Both at once: “Lofty” is another word to Python than “lofty”, and split() leaves commas at words.": _split_by(
            lambda s, words: any(word in s.split() for word in words)
        ),
        "A sentence is kept for the test only if all the words stand in it: one new word is enough.": _split_by(
            lambda s, words: all(word in s.lower() for word in words)
        ),
        "Only the first of the words is looked for.": _split_by(lambda s, words: words[0] in s.lower()),
        "Only the last of the words is looked for.": _split_by(lambda s, words: words[-1] in s.lower()),
        "Train and test have changed places.": lambda sentences, words: _split_by(has_any)(sentences, words)[::-1],
        "Word by word, a sentence with two of them is in the test twice; and training has what the last word alone leaves.": (
            word_by_word
        ),
        "Every word is new to it: the test has all sentences.": _split_by(lambda s, words: True),
        "The test is empty: every sentence is trained on.": _split_by(lambda s, words: False),
    }
    if not probes.is_function(answer):
        return
    probes.function(
        partial(_parted, answer),
        partial(_parted, _split_by(has_any)),
        [partial(lambda k: told[k], k) for k in range(len(told))],
        probes.through(_parted, mistakes),
        "What is tested now is what was claimed: words that were never trained on.",
        _which(answer, _split_by(has_any), told),
        learns=False,
        words=[", ".join(words) for _sentences, words in told],
    )


def _parted(split, sentences, words):
    """How often each sentence is in each part."""
    train, test = (list(part) for part in split(list(sentences), list(words)))
    unknown = sum(s not in sentences for s in [*train, *test])
    return torch.tensor([[float(train.count(s)), float(test.count(s))] for s in sentences] + [[float(unknown), 0.0]])


def _split_by(is_new):
    """A split that tests on the sentences that are new in some sense."""

    def split(sentences, words):
        new = [is_new(s, words) for s in sentences]
        return (
            [s for s, n in zip(sentences, new, strict=True) if not n],
            [s for s, n in zip(sentences, new, strict=True) if n],
        )

    return split


def _which(answer, right, told) -> str:
    """The first sentence that is on the wrong side, in words."""
    for sentences, words in told:
        try:
            train, test = (list(part) for part in answer(list(sentences), list(words)))
        except Exception:
            return ""
        right_train, right_test = right(sentences, words)
        for s in right_test:
            if s in train:
                return _("“{sentence}” is trained on, and has a word that should be new in the test.", sentence=s)
        for s in right_train:
            if s in test:
                return _("“{sentence}” is in the test without a new word: it would flatter it.", sentence=s)
        if any(train.count(s) + test.count(s) > 1 for s in sentences):
            return _("A sentence comes twice: every sentence is in exactly one of the two.")
    return _("Some sentences are in neither part.")
