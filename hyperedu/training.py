"""The outer problem: minimise over φ the mean over tasks of L(g(learner(τ, D), x'), y')."""

import contextlib
import math
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LRScheduler
from tqdm.auto import tqdm

from hyperedu.batches import TaskBatch, TaskSet
from hyperedu.checkpoints import checked_path, facts, load_checkpoint, save_checkpoint
from hyperedu.history import History
from hyperedu.learners import Learner, in_mode
from hyperedu.losses import accuracy
from hyperedu.penalties import Penalties, check, total


@dataclass
class _Judge:
    """θ (n_tasks, P) → L(θ, D'): all that a learner hears of the query set. Keeps the accuracy of what it judged last."""

    learner: Learner
    tasks: TaskBatch
    accuracy: Tensor | None = None

    def __call__(self, theta: Tensor) -> Tensor:
        main, query = self.learner.main, self.tasks.query
        prediction = main.predict(theta, query)
        if query.has_classes and prediction.ndim >= 2:
            self.accuracy = accuracy(prediction.detach(), query.y)
        return main.loss_of(prediction, query)


def judged(learner: Learner, tasks: TaskBatch) -> tuple[Tensor, Tensor | None]:
    """The outer loss of each task, (n_tasks,), and its accuracy where y is a class."""
    judge = _Judge(learner, tasks)
    support = tasks.support.joined(tasks.query) if learner.learns_from_all else tasks.support
    return learner.outer_loss(tasks.descriptor, support, judge), judge.accuracy


def outer_loss(learner: Learner, tasks: TaskBatch) -> Tensor:
    """L(g(learner(τ, D), x'), y') of each task, (n_tasks,): what all learners are trained on."""
    return judged(learner, tasks)[0]


def _where_it_diverged(learner: Learner, tasks: TaskBatch) -> str:
    if not learner.inner_steps:
        return ""
    return which_diverged(learner.path(tasks.descriptor, tasks.support).diverged) + " of the adaptation"


def which_diverged(diverged: Tensor) -> str:
    """Which tasks diverged, and at which step; empty if none did."""
    tasks = diverged.nonzero().flatten().tolist()
    some = ", ".join(f"task {task} at step {diverged[task]}" for task in tasks[:3])
    return f"; {len(tasks)} of {len(diverged)} diverged: {some}{', …' if len(tasks) > 3 else ''}" if tasks else ""


def meta_train(
    learner: Learner,
    tasks: TaskSet,
    steps: int,
    tasks_per_step: int = 25,
    shots: int = 10,
    queries: int = 10,
    *,
    optimizer: torch.optim.Optimizer | None = None,
    anneal: bool | None = None,
    schedule: LRScheduler | None = None,
    max_norm: float | str | None = "learner",
    penalties: Penalties | None = None,
    rng: torch.Generator | None = None,
    checkpoint: str | Path | None = None,
    checkpoint_every: int = 500,
    progress: bool = True,
) -> History:
    """Train φ on batches of tasks. The stop button ends it between two steps and keeps what was learned.

    Args:
        learner: changed in place.
        tasks: a `TaskSet`, such as `family.train`.
        steps: how many steps of the outer loop in all, those of the checkpoint included.
        tasks_per_step, shots, queries: the size of each batch; shots and queries are per class where there are classes.
        optimizer: on `learner.parameters()` and those of the penalties; Adam with learning rate 1e-3 if None. Its learning
            rates are those it has now, and it has them again afterwards.
        anneal: let the learning rate fall to zero over `steps` along half a cosine (Loshchilov, Hutter 2017, arXiv
            1608.03983), which averages out the noise of the last batches; None as `learner.anneal` says.
        schedule: of the optimizer, stepped after each step, instead of annealing.
        max_norm: the gradient is scaled down to this norm where it is larger, so that one hard task cannot throw the
            weights away; None leaves it; "learner" as `learner.max_norm` says.
        penalties: penalty → its strength: what is added to the outer loss, such as {WeightNorm(): 1e-3} (`penalties`).
        rng: source of the tasks, and of what is random in penalties; seeded from torch's global one if None.
        checkpoint: a safetensors file, written every `checkpoint_every` steps and at the end. If it exists, training
            resumes from it, bit for bit as if it had never stopped (on the same machine with the same versions).
        progress: whether to show a progress bar.

    Raises:
        ValueError: an optimizer that lacks some of the parameters; a checkpoint of something else; a penalty that does not fit.
        FloatingPointError: the loss or its gradient is no longer finite. The learner keeps its last good weights, and so does
            the checkpoint.
    """
    sizes = {"n_tasks": tasks_per_step, "shots": shots, "queries": queries}
    run = _Run(learner, tasks, steps, sizes, optimizer, anneal, schedule, max_norm, penalties or {}, rng, checkpoint)
    return run.train(checkpoint_every, progress)


@dataclass
class _Run:
    """One call of `meta_train`: what it was given, and how far it has come."""

    learner: Learner
    tasks: TaskSet
    steps: int
    sizes: dict[str, int]
    optimizer: torch.optim.Optimizer | None
    anneal: bool | None
    schedule: LRScheduler | None
    max_norm: float | str | None
    penalties: Penalties
    rng: torch.Generator | None
    checkpoint: str | Path | None
    history: History = field(default_factory=History)

    def __post_init__(self):
        if self.steps < 1:
            raise ValueError(f"steps must be at least 1, got {self.steps}")
        check(self.penalties)
        parts = [self.learner, *(penalty for penalty in self.penalties if isinstance(penalty, nn.Module))]
        named = [(name, p) for part in parts for name, p in part.named_parameters() if p.requires_grad]
        if self.optimizer is None:
            self.optimizer = torch.optim.Adam([p for _, p in named], lr=1e-3)
        held = {id(p) for group in self.optimizer.param_groups for p in group["params"]}
        forgotten = [name for name, p in named if id(p) not in held]
        if forgotten:
            raise ValueError(
                f"the optimizer was not given {forgotten}: make it with learner.parameters(), and those of penalties"
            )
        if self.schedule is not None and (self.anneal or self.schedule.optimizer is not self.optimizer):
            raise ValueError("schedule must be one of the optimizer that is given too, and takes the place of anneal=True")
        if self.anneal is None:
            self.anneal = self.schedule is None and self.learner.anneal
        if self.max_norm == "learner":
            self.max_norm = self.learner.max_norm
        if self.max_norm is not None and not (isinstance(self.max_norm, int | float) and self.max_norm > 0):
            raise ValueError(f"max_norm must be above 0, or None to leave gradients as they are, got {self.max_norm!r}")
        if self.rng is None:
            self.rng = torch.Generator().manual_seed(int(torch.randint(2**62, ())))
        if self.checkpoint is not None:
            self.checkpoint = checked_path(self.checkpoint)

    def facts(self) -> dict[str, object]:
        """What must be the same where a training goes on."""
        added = [[facts(penalty), float(strength)] for penalty, strength in self.penalties.items()]
        # An annealed rate depends on how many steps there will be.
        annealed = {"anneal": self.anneal, "steps": self.steps} if self.anneal else {"anneal": self.anneal}
        return {**self.sizes, **annealed, "max_norm": self.max_norm, "penalties": added, "tasks": facts(self.tasks)}

    def train(self, checkpoint_every: int, progress: bool) -> History:
        if self.checkpoint is not None and self.checkpoint.exists():
            self.history = load_checkpoint(self.checkpoint, self.learner, run=self.facts(), **self._state())
        good, begun = _Snapshot(self), time.perf_counter() - self.history.seconds
        bar = tqdm(total=self.steps, initial=self.history.steps, disable=not progress, desc="meta-training", unit="step")
        with bar, self._annealed() as set_rates, in_mode(self.learner, True), _stop_between_steps() as stopped:
            while self.history.steps < self.steps and not stopped.is_set():
                set_rates(self.history.steps)
                try:
                    self.meta_step(good)
                except FloatingPointError as error:
                    failed = self.history.steps + 1
                    good.restore()
                    self.save(begun)
                    raise FloatingPointError(
                        f"{error} at step {failed}. Try a lower learning rate. The learner keeps its last good weights"
                    ) from None
                bar.update()
                if self.history.steps % 50 == 0:
                    bar.set_postfix({name: f"{value:.4g}" for name, value in self.history.recent().items()}, refresh=False)
                if self.history.steps % checkpoint_every == 0 and self.history.steps < self.steps:
                    self.save(begun)
            self.history.interrupted = self.history.steps < self.steps
        self.save(begun)
        return self.history

    def meta_step(self, good: "_Snapshot") -> None:
        """One step of the outer loop: φ goes against the gradient of the mean outer loss and the penalties of a new batch.

        Raises:
            FloatingPointError: the loss or its gradient is not finite; no step was taken.
        """
        learner, optimizer = self.learner, self.optimizer
        batch = self.tasks.sample(**self.sizes, rng=self.rng).to(next(learner.parameters()))
        losses, shares = judged(learner, batch)
        value = losses.mean()
        whole = value + total(learner, batch, self.penalties, self.rng) if self.penalties else value
        if not torch.isfinite(whole):
            raise FloatingPointError(f"the loss became {whole.item()}{_where_it_diverged(learner, batch)}")
        if not whole.requires_grad:
            raise ValueError(
                f"the loss does not depend on what {type(learner).__name__} learns: its gradient is cut (by detach, .data, "
                ".item() or no_grad) in the learner, the main network or the loss"
            )
        good.keep()
        optimizer.zero_grad()
        whole.backward()
        graded = [p for group in optimizer.param_groups for p in group["params"] if p.grad is not None]
        norm = nn.utils.get_total_norm([p.grad for p in graded])
        if not torch.isfinite(norm):
            raise FloatingPointError(f"the gradient became {norm.item()}, though the loss was {whole.item():.4g},")
        if self.max_norm is not None:
            nn.utils.clip_grads_with_norm_(graded, self.max_norm, norm)
        optimizer.step()
        if self.schedule is not None:
            self.schedule.step()
        self.history.loss.append(value.item())
        if shares is not None:
            self.history.accuracy.append(shares.mean().item())

    def save(self, begun: float) -> None:
        self.history.seconds = time.perf_counter() - begun
        if self.checkpoint is not None:
            save_checkpoint(self.checkpoint, self.learner, history=self.history, run=self.facts(), **self._state())

    def _state(self) -> dict[str, Any]:
        return {"optimizer": self.optimizer, "rng": self.rng, "penalties": self.penalties, "schedule": self.schedule}

    @contextlib.contextmanager
    def _annealed(self) -> Iterator[Callable[[int], None]]:
        """Sets the learning rates of a step, starting from those that the optimizer has, and gives them back at the end."""
        groups = self.optimizer.param_groups
        rates = [group["lr"] for group in groups]

        def set_rates(step: int) -> None:
            if self.anneal:
                for group, rate in zip(groups, rates, strict=True):
                    group["lr"] = rate * _half_cosine(step / self.steps)

        try:
            yield set_rates
        finally:
            if self.anneal:
                for group, rate in zip(groups, rates, strict=True):
                    group["lr"] = rate


class _Snapshot:
    """The last weights, with the optimizer's memory, whose loss was finite."""

    def __init__(self, run: _Run):
        self.run = run
        parts = [run.learner, *(penalty for penalty in run.penalties if isinstance(penalty, nn.Module))]
        self.weights = [tensor for part in parts for tensor in (*part.parameters(), *part.buffers())]
        self.kept: tuple[list[Tensor], list[Tensor], int] | None = None

    def _memory(self) -> list[Tensor]:
        return [value for state in self.run.optimizer.state.values() for value in state.values() if isinstance(value, Tensor)]

    @torch.no_grad()
    def keep(self) -> None:
        memory = self._memory()
        if self.kept is None or len(memory) != len(self.kept[1]):
            self.kept = [w.clone() for w in self.weights], [m.clone() for m in memory], self.run.history.steps
            return
        for copy, value in zip(self.kept[0] + self.kept[1], self.weights + memory, strict=True):
            copy.copy_(value)
        self.kept = *self.kept[:2], self.run.history.steps

    @torch.no_grad()
    def restore(self) -> None:
        if self.kept is None:
            return
        weights, memory, steps = self.kept
        for value, copy in zip(self.weights, weights, strict=True):
            value.copy_(copy)
        if len(memory) == len(self._memory()):
            for value, copy in zip(self._memory(), memory, strict=True):
                value.copy_(copy)
        else:  # the optimizer remembered nothing then
            self.run.optimizer.state.clear()
        del self.run.history.loss[steps:], self.run.history.accuracy[steps:]


def _half_cosine(share: float) -> float:
    """From 1 at share 0 to 0 at share 1."""
    return (1 + math.cos(math.pi * share)) / 2


@contextlib.contextmanager
def _stop_between_steps() -> Iterator[threading.Event]:
    """An event that is set by the stop button (SIGINT), so that no step is left half done.

    Signals reach the main thread only; elsewhere the event is never set and an interrupt works as always.
    """
    stopped = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stopped
        return
    before = signal.signal(signal.SIGINT, lambda *_: stopped.set())
    try:
        yield stopped
    finally:
        signal.signal(signal.SIGINT, before)
