"""What all checks share: how they speak, and how a number is compared with the mistakes that lead to it.

A check names the misconception behind a wrong answer. An exercise not yet answered (`...`) is no error, so that a notebook runs
from top to bottom as it is.
"""

import math
from collections.abc import Mapping

import torch

from hyperedu.words import _


def unanswered(answer) -> bool:
    """Whether the answer is still the `...` of the notebook; says so."""
    if answer is ...:
        print(_("○ Not answered yet: put your answer in place of the three dots and run this cell again."))
    return answer is ...


def right(because: str) -> None:
    print(_("✓ Right. {because}", because=_(because)))


def wrong(misconception: str) -> None:
    print(_("✗ Not yet. {misconception}", misconception=_(misconception)))


def number(answer, expected: float, because: str, mistakes: Mapping[float, str], otherwise: str, rel=1e-3) -> None:
    """Compare a number with the right one and with those that known mistakes give."""
    if unanswered(answer):
        return
    try:
        value = float(answer.detach() if isinstance(answer, torch.Tensor) else answer)
    except (TypeError, ValueError, RuntimeError):
        kind = type(answer).__name__
        wrong(_("A number is asked for, this is {kind}: use .item() to take the one number of a tensor.", kind=kind))
        return
    if math.isclose(value, expected, rel_tol=rel):
        right(because)
        return
    known = [text for mistake, text in mistakes.items() if math.isclose(value, mistake, rel_tol=rel)]
    wrong(known[0] if known else otherwise)


def tensor(answer, shape: tuple[int, ...]) -> torch.Tensor | None:
    """The answer if it is a tensor of this shape; otherwise says what it is instead and gives None."""
    if not isinstance(answer, torch.Tensor):
        wrong(_("A tensor of shape {shape} is asked for, this is {kind}.", shape=shape, kind=type(answer).__name__))
    elif tuple(answer.shape) != shape:
        wrong(_("The shape must be {wanted}, it is {shape}.", wanted=shape, shape=tuple(answer.shape)))
    else:
        return answer
