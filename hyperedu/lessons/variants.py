"""Exercises whose numbers are drawn from a student's key, so that an answer cannot be passed on.

Without a key an exercise has the numbers of its text. A student of a class types the key they were given into the first cell of
the notebook, `variants.key = "…"`, or has it in HYPEREDU_KEY; then the check of the exercise prints their own numbers, and goes
by them. The right answer and the number of every known mistake are formulas of the numbers, so that it says the same of each.

Where notebooks are graded, HYPEREDU_GRADED_KEY is the key of the student whose notebook it is, and another's that stands in it
earns nothing (course/grading.py).
"""

import hashlib
import itertools
import math
import os
from abc import ABC, abstractmethod
from base64 import b32encode
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Self, TypeVar

import numpy as np

from hyperedu.lessons import feedback
from hyperedu.words import _

KEY, GRADED = "HYPEREDU_KEY", "HYPEREDU_GRADED_KEY"
NOBODY = "nobody"  # the graded key of a notebook that is no student's of the class
LENGTH = 8  # letters and digits of a key, the last of which is a checksum
APART = 5e-3  # by how much, as a share, two answers that mean two things differ at least

key: Any = ...  # that a student has typed in, in place of the dots


def key_of(secret: bytes) -> str:
    """A key of 35 bits of a secret, and a letter by which a mistyped one is known."""
    letters = b32encode(secret).decode().lower()[: LENGTH - 1]
    return letters + _checksum(letters)


def _checksum(letters: str) -> str:
    return b32encode(hashlib.sha256(letters.encode()).digest()).decode().lower()[0]


def typed() -> str:
    """The key that was typed in, or stands in the environment; empty where there is none."""
    return str(os.environ.get(KEY, "") if key in (..., None, "") else key).strip().lower()


def digest(a_key: str) -> str:
    """By which a key is known to who does not have it."""
    return hashlib.sha256(a_key.encode()).hexdigest()[:16]


def grade_among(digests: Collection[str]) -> None:
    """Grade by the key that was typed in, if it is one of a class: where nobody says whose a notebook is."""
    os.environ[GRADED] = typed() if digest(typed()) in digests else NOBODY


def current() -> str:
    """The key that exercises go by; empty where there is none.

    Raises:
        ValueError: what was typed in is no key, or not that of the student whose notebook is graded.
    """
    mine, graded = typed(), os.environ.get(GRADED, "")
    if mine and (len(mine) != LENGTH or _checksum(mine[:-1]) != mine[-1]):
        raise ValueError(_("{key} is no key: look whether it is typed as it was given to you.", key=mine))
    if mine and graded and mine != graded:
        raise ValueError(_("The key {key} is another's: an answer counts with your own key and your own numbers.", key=mine))
    if graded == NOBODY:
        raise ValueError(_("No key of yours is known here: type it into the first cell."))
    return graded or mine


class Instance(ABC):
    """The numbers of an exercise: a frozen dataclass, whose defaults are the numbers of the text.

    Attributes:
        choices: for each number, what it may be for somebody with a key.
        solution: code that gives the right answer in a notebook, where {numbers} are these.
    """

    choices: ClassVar[Mapping[str, Sequence]]
    solution: ClassVar[str]

    @abstractmethod
    def __str__(self) -> str:
        """The numbers, as their owner reads them."""

    @property
    def comes_out(self) -> bool:
        """Whether these numbers are given to somebody."""
        return True

    @classmethod
    def of(cls, key: str) -> Self:
        """The numbers of a key, the same everywhere: of many draws the first that comes out well. Without a key the text's."""
        for draw in itertools.count() if key else ():
            digest = int(hashlib.sha256(f"{cls.__module__}.{cls.__name__} {key} {draw}".encode()).hexdigest(), 16)
            numbers = {}
            for name, choices in cls.choices.items():
                digest, k = divmod(digest, len(choices))
                numbers[name] = choices[k]
            if (found := cls(**numbers)).comes_out:
                return found
        return cls()

    def of_the_text(self, answer: Callable[[Self], Any]) -> dict[str, Any]:
        """The mistake of who took the numbers of the text, where one's own are others: what is said, and their answer."""
        text = type(self)()
        said = _("That is right for the numbers of the text; yours are these: {numbers}.", numbers=self)
        return {} if self == text else {said: answer(text)}


class Solved(Instance):
    """An instance whose right answer, and what known mistakes give in its place, are formulas of its numbers."""

    solution = "{numbers}.right"

    @property
    @abstractmethod
    def right(self) -> Any:
        """The right answer: a number, or a tensor."""

    @abstractmethod
    def mistakes(self) -> Mapping[str, Any]:
        """What is said → the answer of who makes this mistake, or several of them."""

    @property
    def is_short(self) -> bool:
        """Whether it is fit for computing by hand."""
        return True

    @property
    def comes_out(self) -> bool:
        """It is short, and no two answers that mean two things are alike: the right one, the text's, those of mistakes."""
        pairs = itertools.combinations(self._answers(), 2) if self.is_short else ()
        return self.is_short and not any(one != other and _alike(a, b) for (one, a), (other, b) in pairs)

    def _answers(self) -> Iterator[tuple[str, list[float]]]:
        yield "right", _flat(self.right)
        for said, answers in self.told().items():
            yield from ((said, _flat(answer)) for answer in feedback.each(answers))

    def told(self) -> dict[str, Any]:
        """The mistakes, and with a key that of who took the numbers of the text."""
        return self.of_the_text(lambda text: text.right) | dict(self.mistakes())


def _flat(answer: Any) -> list[float]:
    return np.asarray(answer, dtype=float).ravel().tolist()


def _alike(one: list[float], other: list[float]) -> bool:
    return all(math.isclose(a, b, rel_tol=APART) for a, b in zip(one, other, strict=True))


I = TypeVar("I", bound=Instance)  # noqa: E741


@dataclass(frozen=True)
class Keyed(Generic[I]):
    """A check that is called with an answer, and goes by the numbers of whoever answers."""

    instance: type[I]
    check: Callable[..., None]

    def __call__(self, answer: Any, *given: Any) -> None:
        try:
            found = current()
        except ValueError as error:
            feedback.wrong(str(error))
            return
        mine = self.instance.of(found)
        if found:
            print(_("For you: {numbers}. These take the place of the numbers in the text and in its hints.", numbers=mine))
        self.check(answer, *given, mine)

    def numbers(self) -> I:
        """Those of whoever answers."""
        return self.instance.of(current())


def keyed(instance: type[I]) -> Callable[[Callable[..., None]], Keyed[I]]:
    """Make a check of one that also takes the numbers, as its last argument."""
    return lambda check: Keyed(instance, check)


def spelled(n: int) -> str:
    """A number of things as a word, up to twelve."""
    words = (_("one"), _("two"), _("three"), _("four"), _("five"), _("six"), _("seven"), _("eight"), _("nine"), _("ten"),
             _("eleven"), _("twelve"))  # fmt: skip
    return words[n - 1] if 1 <= n <= len(words) else str(n)


def plain(x: float) -> str:
    """A number as it is written in a text: short, and with a minus."""
    return f"{x:.10g}".replace("-", "−")
