"""The outer problem: minimise over φ the mean over tasks of L(g(learner(τ, D), x'), y')."""

import contextlib
import inspect
import math
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LRScheduler
from tqdm.auto import tqdm

from hyperedu.batches import TaskSet, source, whole
from hyperedu.checkpoints import checked_path, load_checkpoint, save_checkpoint
from hyperedu.facts import facts
from hyperedu.history import History
from hyperedu.learners import Learner, expect_learner, in_mode
from hyperedu.objective import computed, differentiate, handed, judged, outer_loss, sampled, where_it_diverged
from hyperedu.penalties import Penalties, check, parts, total
from hyperedu.snapshots import Snapshot
from hyperedu.words import _

__all__ = ["meta_train", "outer_loss"]


class Watched(Protocol):
    """What can be looked at while a training runs, such as a live figure."""

    def redraw(self, history: History) -> None: ...


# A figure is redrawn once in so many times of what that takes; messages to the browser take a little more.
WATCHING = 30.0


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
    watch: Watched | None = None,
) -> History:
    """Train φ on batches of tasks. The stop button ends it between two steps and keeps what was learned.

    Args:
        learner: changed in place.
        tasks: a `TaskSet`, such as `family.train`.
        steps: how many steps of the outer loop in all, those of the checkpoint included.
        tasks_per_step, shots, queries: the size of each batch; shots and queries are per class where there are classes.
        optimizer: on `learner.parameters()` and those of the penalties; Adam with `learner.outer_lr` if None. Its learning
            rates are those it has now, and it has them again afterwards.
        anneal: let the learning rate fall to zero over `steps` along half a cosine (Loshchilov, Hutter 2017, arXiv
            1608.03983), which averages out the noise of the last batches; None as `learner.anneal` says.
        schedule: of the optimizer, stepped after each step, instead of annealing.
        max_norm: the gradient is scaled down to this norm where it is larger, so that one hard task cannot throw the
            weights away; None leaves it; "learner" as `learner.max_norm` says.
        penalties: penalty → its strength: what is added to the outer loss, such as {WeightNorm(): 1e-3} (`penalties`).
        rng: source of the tasks, and of what is random in penalties; seeded from torch's global one if None.
        checkpoint: a safetensors file, written after the first step, every `checkpoint_every` steps and at the end. If it
            exists, training resumes from it, bit for bit as if it had never stopped (on the same machine with the same
            versions); it is refused where the training would be another one.
        progress: whether to show a progress bar.
        watch: a live figure that is redrawn while the training runs, for at most a twentieth of its time, and at its end.

    Raises:
        ValueError: an optimizer that lacks some of the parameters; a checkpoint of something else; a penalty that does not fit;
            something to watch that cannot be redrawn.
        FloatingPointError: the loss or its gradient is no longer finite. The learner keeps its last good weights, and so does
            the checkpoint.
    """
    whole("checkpoint_every", checkpoint_every, 1)
    if watch is not None and not callable(getattr(watch, "redraw", None)):
        raise ValueError(f"watch must be a live figure, what live.interact gave back; got {type(watch).__name__}")
    sizes = {"n_tasks": tasks_per_step, "shots": shots, "queries": queries}
    run = _Run(learner, tasks, steps, sizes, optimizer, anneal, schedule, max_norm, penalties or {}, rng, checkpoint)
    with _watching(watch, run) as look:
        return run.train(checkpoint_every, progress, look)


@dataclass
class _Run:
    """One call of `meta_train`: what it was given, and how far it has come."""

    learner: Learner
    tasks: TaskSet
    steps: int
    sizes: dict[str, int]
    optimizer: Any  # what is None or "learner" in these, `__post_init__` replaces
    anneal: bool | None
    schedule: LRScheduler | None
    max_norm: Any
    penalties: Penalties
    rng: torch.Generator | None
    checkpoint: Any
    history: History = field(default_factory=History)
    parts: list[nn.Module] = field(init=False)  # all that is trained: the learner, and penalties that are modules
    facts: dict[str, object] = field(init=False)  # what must be the same where the training goes on

    def __post_init__(self):
        expect_learner(self.learner)
        TaskSet.expect(self.tasks, "train")
        whole("steps", self.steps, 1)
        source(self.rng)
        check(self.penalties)
        self.parts = list(parts(self.learner, self.penalties).values())
        # Each once: a penalty may hold a part of the learner.
        named = {p: name for part in self.parts for name, p in part.named_parameters() if p.requires_grad}
        if not named:
            raise ValueError(f"{type(self.learner).__name__} has no parameter that takes a gradient: there is nothing to train")
        if self.optimizer is None:
            self.optimizer = torch.optim.Adam(list(named), lr=self.learner.outer_lr)
        held = set(self._trained())
        forgotten = [name for p, name in named.items() if p not in held]
        if forgotten:
            raise ValueError(
                f"the optimizer was not given {forgotten}: make it with learner.parameters(), and those of penalties"
            )
        _expect_plain_step("the optimizer", self.optimizer)
        if self.schedule is not None:
            _expect_plain_step("the schedule", self.schedule)
            if self.anneal or getattr(self.schedule, "optimizer", None) is not self.optimizer:
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
        self.facts = {
            **self.sizes, "anneal": self.anneal, "max_norm": self.max_norm, "tasks": facts(self.tasks),
            "penalties": [[facts(penalty), float(strength)] for penalty, strength in self.penalties.items()],
            "schedule": None if self.schedule is None else type(self.schedule).__name__,
            **({"steps": self.steps} if self.anneal else {}),  # on which the rates depend
        }  # fmt: skip

    def train(self, checkpoint_every: int, progress: bool, look: Callable[[], None]) -> History:
        if self.checkpoint is not None and self.checkpoint.exists():
            self.history = load_checkpoint(self.checkpoint, self.learner, run=self.facts, **self._state())
        history, self.begun = self.history, time.perf_counter() - self.history.seconds
        bar = tqdm(total=self.steps, initial=history.steps, disable=not progress, desc=_("meta-training"), unit="step")
        good = Snapshot(self.parts, self.optimizer, self.schedule, history)
        with bar, in_mode(self.learner, True), _stop_between_steps() as stopped:
            try:
                while history.steps < self.steps and not stopped.is_set():
                    self.meta_step(good)
                    bar.update()
                    look()
                    if history.steps % 50 == 0:
                        bar.set_postfix({name: f"{value:.4g}" for name, value in history.recent().items()}, refresh=False)
                    # After the first step too: what cannot be written must say so before much is learned.
                    if (history.steps == 1 or history.steps % checkpoint_every == 0) and history.steps < self.steps:
                        self.save_finite()
                history.interrupted = history.steps < self.steps
                self.save_finite()
            except FloatingPointError as error:  # the last good numbers stay, in memory and in the file
                good.restore()
                self.save()
                raise FloatingPointError(
                    f"{error}. Try a lower learning rate. The learner keeps its last good weights"
                ) from None
        return history

    def meta_step(self, good: Snapshot) -> None:
        """One step of the outer loop: φ goes against the gradient of the mean outer loss and the penalties of a new batch.

        Raises:
            FloatingPointError: the loss or its gradient is not finite; no step was taken.
        """
        learner, optimizer, step = self.learner, self.optimizer, self.history.steps + 1
        batch = sampled(learner, self.tasks, **self.sizes, rng=self.rng)
        with computed(step):
            losses, shares = judged(learner, batch)
            loss = losses.mean()
            objective = loss + total(learner, handed(learner, batch), self.penalties, self.rng) if self.penalties else loss
        if not torch.isfinite(objective):
            raise FloatingPointError(f"the loss became {objective.item()} at step {step}{where_it_diverged(learner, batch)}")
        good.keep()
        optimizer.zero_grad()
        differentiate(objective)
        gradients = [p.grad for p in self._trained() if p.grad is not None]
        if not gradients:
            raise ValueError(
                f"the loss does not depend on what {type(learner).__name__} learns: its gradient is cut (by detach, .data, "
                ".item() or no_grad) in the learner, the main network or the loss"
            )
        if any(gradient.is_sparse for gradient in gradients):
            raise ValueError("some gradient is sparse, which cannot be scaled down: make the layer with sparse=False")
        norm = nn.utils.get_total_norm(gradients)
        if not torch.isfinite(norm):
            raise FloatingPointError(
                f"the gradient became {norm.item()} at step {step}, though the loss was {objective.item():.4g}"
            )
        if self.max_norm is not None:
            nn.utils.clip_grads_with_norm_(self._trained(), self.max_norm, norm)
        with _annealed(optimizer, self.history.steps / self.steps) if self.anneal else contextlib.nullcontext():
            optimizer.step()
        if self.schedule is not None:
            self.schedule.step()
        self.history.loss.append(loss.item())
        if shares is not None:
            self.history.accuracy.append(shares.mean().item())

    def _trained(self) -> list[Tensor]:
        return [p for group in self.optimizer.param_groups for p in group["params"]]

    def save_finite(self) -> None:
        """Nothing is kept that the last step made infinite: no loss has been computed with it yet."""
        norm = nn.utils.get_total_norm(self._trained())
        if not torch.isfinite(norm):
            raise FloatingPointError(f"the weights became {norm.item()} at step {self.history.steps}")
        self.save()

    def save(self) -> None:
        self.history.seconds = time.perf_counter() - self.begun
        if self.checkpoint is not None:
            save_checkpoint(self.checkpoint, self.learner, history=self.history, run=self.facts, **self._state())

    def _state(self) -> dict[str, Any]:
        return {"optimizer": self.optimizer, "rng": self.rng, "penalties": self.penalties, "schedule": self.schedule}


@contextlib.contextmanager
def _annealed(optimizer: torch.optim.Optimizer, share: float) -> Iterator[None]:
    """The learning rates of a step, along half a cosine from all of them at share 0 to none at share 1; then as they were."""
    rates = [group["lr"] for group in optimizer.param_groups]
    try:
        for group in optimizer.param_groups:
            group["lr"] = group["lr"] * ((1 + math.cos(math.pi * share)) / 2)
        yield
    finally:
        for group, rate in zip(optimizer.param_groups, rates, strict=True):
            group["lr"] = rate


def _expect_plain_step(what: str, stepped: object) -> None:
    """A sentence for an optimizer or a schedule whose step asks for something, such as LBFGS and ReduceLROnPlateau."""
    try:
        inspect.signature(type(stepped).step).bind(stepped)  # type: ignore[attr-defined]
    except (AttributeError, TypeError):
        raise ValueError(
            f"{what} is a {type(stepped).__name__}, which cannot be stepped with nothing but step(): give another"
        ) from None


@contextlib.contextmanager
def _watching(figure: Watched | None, run: _Run) -> Iterator[Callable[[], None]]:
    """Something to call after each step: it redraws the figure when that has become affordable. At the end it is redrawn too.

    The learner is shown as it is used, in evaluation mode, and no random number is taken from the training.
    """
    due = 0.0

    def look(last: bool = False) -> None:
        nonlocal due
        begins = time.perf_counter()
        if figure is not None and (last or begins >= due):
            with in_mode(run.learner, False), torch.random.fork_rng():
                figure.redraw(run.history)
            due = begins + WATCHING * (time.perf_counter() - begins)

    try:
        yield look
    finally:
        look(last=True)


@contextlib.contextmanager
def _stop_between_steps() -> Iterator[threading.Event]:
    """An event that is set by the stop button (SIGINT), so that no step is left half done.

    Signals reach the main thread only; elsewhere the event is never set and an interrupt works as always.
    """
    stopped = threading.Event()
    with contextlib.ExitStack() as afterwards:
        if threading.current_thread() is threading.main_thread():
            before = signal.signal(signal.SIGINT, lambda *_: stopped.set())
            afterwards.callback(signal.signal, signal.SIGINT, before)
        yield stopped
