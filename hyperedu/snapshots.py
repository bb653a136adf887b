"""The last good state of a training, kept in memory at every step."""

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LRScheduler

from hyperedu.history import History


class Snapshot:
    """The last weights whose loss was finite, and how far the optimizer, the schedule and the history were then.

    Args:
        parts: all that is trained.
    """

    def __init__(
        self,
        parts: Sequence[nn.Module],
        optimizer: torch.optim.Optimizer,
        schedule: LRScheduler | None,
        history: History,
    ):
        self.parts, self.optimizer, self.schedule, self.history = parts, optimizer, schedule, history
        self.copies: dict[Any, dict] = {}
        self.keep()

    def keep(self) -> None:
        self.steps = self.history.steps
        states: dict[Any, Mapping] = {**{part: part.state_dict() for part in self.parts}, **self.optimizer.state}
        self.copies = {owner: _copied(values, self.copies.get(owner, {})) for owner, values in states.items()}
        self.put_back = standing(self.schedule)

    def restore(self) -> None:
        del self.history.loss[self.steps :], self.history.accuracy[self.steps :]
        for part in self.parts:
            part.load_state_dict(self.copies.pop(part))
        self.optimizer.state.clear()
        self.optimizer.state.update(self.copies)
        self.put_back()


def standing(schedule: LRScheduler | None) -> Callable[[], None]:
    """What puts a schedule back to where it stands now, and with it the rates and other settings of its optimizer."""
    if schedule is None:
        return lambda: None
    groups, state = schedule.optimizer.param_groups, copy.deepcopy(schedule.state_dict())
    settings = [{key: copy.deepcopy(value) for key, value in group.items() if key != "params"} for group in groups]

    def put_back() -> None:
        schedule.load_state_dict(state)
        for group, setting in zip(groups, settings, strict=True):
            group.update(setting)

    return put_back


def _copied(values: Mapping, old: Mapping) -> dict:
    """Copies of values, in the memory of older copies where they fit: asking for new memory would take twice as long."""
    copies = {}
    for key, value in values.items():
        into = old.get(key)
        if not isinstance(value, Tensor):
            copies[key] = copy.deepcopy(value)
        elif isinstance(into, Tensor) and (into.shape, into.dtype) == (value.shape, value.dtype):
            copies[key] = into.copy_(value)
        else:
            copies[key] = value.detach().clone()
    return copies
