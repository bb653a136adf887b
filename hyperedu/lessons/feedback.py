"""What all checks share: how they speak, and how a number is compared with the mistakes that lead to it.

A check names the misconception behind a wrong answer. An exercise not yet answered (`...`) is no error, so that a notebook runs
from top to bottom as it is.
"""

import contextlib
import math
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch

from hyperedu.lessons import progress
from hyperedu.words import _

ROUNDING = 1e-12  # beside which a number is 0


@dataclass(frozen=True)
class Result:
    """What a check found.

    Attributes:
        right: whether the answer is; None where there is none yet.
        said: what the learner reads.
    """

    right: bool | None
    said: str


_heard: list[Result] = []  # what the check said that `result` calls; there is no more than one


def result(check: Callable[..., None], *answers: object) -> Result:
    """Call a check, which says what it says, and give what it found."""
    _heard.clear()
    check(*answers)
    return _heard[-1]


def _say(is_right: bool | None, said: str) -> None:
    _heard[:] = [Result(is_right, said)]
    print(said)


def unanswered(answer) -> bool:
    """Whether the answer is still the `...` of the notebook; says so."""
    if answer is ...:
        _say(None, _("○ Not answered yet: put your answer in place of the three dots and run this cell again."))
    return answer is ...


def right(because: str) -> None:
    _note(True)
    _say(True, _("✓ Right. {because}", because=_(because)))


def _note(is_right: bool) -> None:
    """Keep in the learner's progress that a check has said something: whose it is, the stack knows."""
    frame = sys._getframe(2)
    while frame is not None:
        module = frame.f_globals.get("__name__", "").split(".")
        if module[:2] == ["hyperedu", "lessons"] and module[3:] == ["checks"]:
            progress.tried(module[2], frame.f_code.co_name, is_right)
            return
        frame = frame.f_back


def wrong(misconception: str) -> None:
    _note(False)
    _say(False, _("✗ Not yet. {misconception}", misconception=_(misconception)))


def number(answer, expected: float, because: str, mistakes: Mapping[str, Any], otherwise: str, rel=1e-3) -> None:
    """Compare a number with the right one, with those that known mistakes give, and with what is related to the right one.

    `mistakes`: what is said → the number that a mistake gives, or a tuple of several.
    """
    if unanswered(answer):
        return
    value = plain_number(answer)
    if isinstance(value, str):
        wrong(value)
        return
    alike = partial(math.isclose, value, rel_tol=rel, abs_tol=ROUNDING)
    if alike(expected):
        right(because)
        return
    known = [said for said, gives in mistakes.items() if any(alike(one) for one in each(gives))]
    wrong(known[0] if known else " ".join(filter(None, (_related(value, expected, rel), _(otherwise)))))


def each(answers: Any) -> tuple:
    """Several answers, a tuple, as they are; and one as a tuple of one."""
    return answers if isinstance(answers, tuple) else (answers,)


def plain_number(answer: object) -> float | str:
    """One number of whatever holds one: a number, tensor, array or list; or what is the matter with it."""
    if isinstance(answer, str):
        return _("This is a text: write the number without quotation marks.")
    try:
        values = np.asarray(answer.detach().cpu() if isinstance(answer, torch.Tensor) else answer, dtype=float)
    except (TypeError, ValueError):
        return _(
            "A number is asked for, this is {kind}: use .item() to take the one number of a tensor.", kind=type(answer).__name__
        )
    if values.size != 1:
        return _("One number is asked for, these are {n}: use .item() to take the one number of a tensor.", n=values.size)
    return values.item()


def _related(value: float, expected: float, rel: float) -> str:
    """How a wrong number follows from the right one, if in a way that says something."""
    if not math.isfinite(value):
        return _("This is no finite number.")
    relations = {
        -expected: _("The size is right, the sign is not."),
        2 * expected: _("That is twice what is asked."),
        expected / 2: _("That is half of what is asked."),
        expected**2: _("That is the square of what is asked."),
        1 / expected if expected else math.inf: _("That is the reciprocal of what is asked."),
        math.sqrt(abs(expected)): _("That is the square root of what is asked."),
        1000 * expected: _("That is a thousand times what is asked: look at the units."),
        expected / 1000: _("That is a thousandth of what is asked: look at the units."),
    }
    return next((said for other, said in relations.items() if math.isclose(value, other, rel_tol=rel)), "")


def tensor(answer, shape: tuple[int, ...]) -> torch.Tensor | None:
    """The answer as a tensor of this shape, if it can be one; otherwise says what it is instead and gives None."""
    if isinstance(answer, np.ndarray | np.generic | list | tuple | float | int):
        with contextlib.suppress(TypeError, ValueError):  # what is no number is said below
            answer = torch.as_tensor(np.asarray(answer, dtype=np.float32))
    if not isinstance(answer, torch.Tensor):
        wrong(_("A tensor of shape {shape} is asked for, this is {kind}.", shape=shape, kind=type(answer).__name__))
    elif tuple(answer.shape) != shape:
        wrong(_("The shape must be {wanted}, it is {shape}.", wanted=shape, shape=tuple(answer.shape)))
    else:
        return answer.float()
    return None
