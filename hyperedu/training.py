"""The outer problem: minimise over φ the mean over tasks of L(g(learner(τ, D), x'), y')."""

import contextlib
import json
import math
import os
import signal
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor
from tqdm.auto import tqdm

from hyperedu.learners import Learner
from hyperedu.main_network import mean_squared_error

FORMAT = "hyperedu-checkpoint-1"


@dataclass(repr=False)
class History:
    """What happened in a training.

    Attributes:
        loss: the mean query loss of each step.
        seconds: the time it took, over all its parts if it was resumed.
        interrupted: whether the stop button ended it.
    """

    loss: list[float] = field(default_factory=list)
    seconds: float = 0.0
    interrupted: bool = False

    @property
    def steps(self) -> int:
        return len(self.loss)

    def __repr__(self) -> str:
        last = self.loss[-50:]
        ended = ", interrupted" if self.interrupted else ""
        mean = sum(last) / max(1, len(last))
        return f"{self.steps:,} steps in {self.seconds:.1f} s{ended}; mean loss of the last {len(last)}: {mean:.4g}"


@dataclass(frozen=True, repr=False)
class Report:
    """What a learner did on a set of tasks.

    Attributes:
        per_task: (n_tasks,) the query loss of each task.
        shots: how many support examples each task had.
    """

    per_task: Tensor
    shots: int

    @property
    def n_tasks(self) -> int:
        return len(self.per_task)

    @property
    def mean(self) -> float:
        return self.per_task.mean().item()

    @property
    def median(self) -> float:
        return self.per_task.median().item()

    @property
    def interval(self) -> tuple[float, float]:
        """95% confidence interval of the mean over tasks (normal approximation)."""
        half = 1.96 * self.per_task.std(correction=0).item() / math.sqrt(self.n_tasks)
        return self.mean - half, self.mean + half

    @property
    def rmse(self) -> float:
        """The mean over tasks of the root of each task's mean squared error, in the units of y."""
        return self.per_task.sqrt().mean().item()

    @property
    def share_diverged(self) -> float:
        """The share of tasks whose loss is not finite; they make the mean so too."""
        return (~torch.isfinite(self.per_task)).float().mean().item()

    def __repr__(self) -> str:
        low, high = self.interval
        return (
            f"mean {self.mean:.4g} (95% interval {low:.4g} to {high:.4g}), median {self.median:.4g}, "
            f"{self.n_tasks} tasks, {self.shots} shots"
        )


def outer_loss(learner: Learner, tasks, loss=mean_squared_error) -> Tensor:
    """The query loss of each task, (n_tasks,): the one line that all learners share."""
    return loss(learner.main(learner(tasks.descriptor, tasks.support), tasks.query.x), tasks.query.y)


def meta_train(
    learner: Learner,
    tasks,
    steps: int,
    tasks_per_step: int = 25,
    shots: int = 10,
    queries: int = 10,
    *,
    optimizer: torch.optim.Optimizer | None = None,
    anneal: bool = True,
    max_norm: float | None = 1.0,
    loss=mean_squared_error,
    generator: torch.Generator | None = None,
    checkpoint: str | Path | None = None,
    checkpoint_every: int = 500,
    progress: bool = True,
) -> History:
    """Train φ on batches of tasks. The stop button ends it between two steps and keeps what was learned.

    Args:
        learner: changed in place.
        tasks: a `TaskSet`, such as `family.train`.
        steps: how many steps in all, those of the checkpoint included.
        tasks_per_step, shots, queries: the size of each batch.
        optimizer: on `learner.parameters()`; Adam with learning rate 1e-3 if None.
        anneal: let the learning rate fall to zero over `steps` along half a cosine (Loshchilov, Hutter 2017, arXiv
            1608.03983), which averages out the noise of the last batches; otherwise it stays.
        max_norm: the gradient is scaled down to this norm where it is larger, so that one hard task cannot throw the
            weights away; None leaves it.
        loss: (prediction, y) → one number per task.
        generator: source of the tasks; seeded from torch's global one if None.
        checkpoint: a safetensors file, written every `checkpoint_every` steps and at the end. If it exists, training
            resumes from it, bit for bit as if it had never stopped (on the same machine with the same versions).
        progress: whether to show a progress bar.

    Raises:
        ValueError: an optimizer that lacks some of the learner's parameters; a checkpoint of something else.
        FloatingPointError: the loss is no longer finite. The learner keeps the weights of the step before.
    """
    if steps < 1:
        raise ValueError(f"steps must be at least 1, got {steps}")
    if optimizer is None:
        optimizer = torch.optim.Adam(learner.parameters(), lr=1e-3)
    held = {id(p) for group in optimizer.param_groups for p in group["params"]}
    forgotten = [name for name, p in learner.named_parameters() if p.requires_grad and id(p) not in held]
    if forgotten:
        raise ValueError(f"the optimizer was not given {forgotten}: make it with learner.parameters()")
    if generator is None:
        generator = torch.Generator().manual_seed(int(torch.randint(2**62, ())))
    history = History()
    run = {"tasks_per_step": tasks_per_step, "shots": shots, "queries": queries}
    if checkpoint is not None and Path(checkpoint).exists():
        history = load_checkpoint(checkpoint, learner, optimizer, generator, run)
    for group in optimizer.param_groups:
        group.setdefault("initial_lr", group["lr"])
    like = next(learner.parameters())
    start = time.perf_counter() - history.seconds

    def save():
        history.seconds = time.perf_counter() - start
        if checkpoint is not None:
            save_checkpoint(checkpoint, learner, optimizer, generator, history, run)

    learner.train()
    bar = tqdm(total=steps, initial=history.steps, disable=not progress, desc="meta-training", unit="step")
    with bar, _stop_between_steps() as stopped:
        while history.steps < steps and not stopped.is_set():
            batch = tasks.sample(tasks_per_step, shots, queries, generator).to(like)
            value = outer_loss(learner, batch, loss).mean()
            if not torch.isfinite(value):
                save()
                raise FloatingPointError(
                    f"the loss became {value.item()} at step {history.steps + 1}: try a lower learning rate. The learner "
                    "keeps its weights of the step before"
                )
            optimizer.zero_grad()
            value.backward()
            if max_norm is not None:
                torch.nn.utils.clip_grad_norm_(learner.parameters(), max_norm)
            for group in optimizer.param_groups:
                group["lr"] = group["initial_lr"] * (_half_cosine(history.steps / steps) if anneal else 1)
            optimizer.step()
            history.loss.append(value.item())
            bar.update()
            if history.steps % 50 == 0:
                bar.set_postfix(loss=f"{sum(history.loss[-50:]) / 50:.4g}", refresh=False)
            if history.steps % checkpoint_every == 0 and history.steps < steps:
                save()
    history.interrupted = history.steps < steps
    save()
    for group in optimizer.param_groups:
        group["lr"] = group["initial_lr"]
    return history


def meta_test(
    learner: Learner,
    tasks,
    shots: int = 10,
    queries: int | None = None,
    n_tasks: int | None = None,
    *,
    loss=mean_squared_error,
    generator: torch.Generator | None = None,
) -> Report:
    """The learner's query loss on tasks it was not trained on.

    Args:
        tasks: a `TaskSet`, such as `family.test`.
        shots, queries: per task; `queries` None takes `tasks.most_queries(shots)`.
        n_tasks: None takes every task of a finite set, and 600 of an endless one.
        generator: None gives every learner the same tasks (seed 0).
    """
    if generator is None:
        generator = torch.Generator().manual_seed(0)
    if n_tasks is None and tasks.n_tasks is None:
        n_tasks = 600
    if queries is None:
        queries = tasks.most_queries(shots)
    batch = tasks.sample(n_tasks, shots, queries, generator).to(next(learner.parameters()))
    learner.eval()
    with torch.no_grad():
        return Report(outer_loss(learner, batch, loss), shots)


@dataclass(frozen=True, repr=False)
class Comparison:
    """Learners side by side: name → (history or None, report, number of learned parameters)."""

    rows: dict[str, tuple[History | None, Report, int]]

    header = ("learner", "mean", "95% interval", "median", "parameters", "seconds trained")

    def cells(self) -> list[tuple[str, ...]]:
        cells = []
        for name, (history, report, parameters) in self.rows.items():
            low, high = report.interval
            seconds = "–" if history is None else f"{history.seconds:.1f}"
            interval = f"{low:.3g} to {high:.3g}"
            cells.append((name, f"{report.mean:.3g}", interval, f"{report.median:.3g}", f"{parameters:,}", seconds))
        return cells

    def __repr__(self) -> str:
        table = [self.header, *self.cells()]
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        return "\n".join("  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in table)

    def _repr_html_(self) -> str:
        rows = ["".join(f"<th>{c}</th>" for c in self.header)]
        rows += ["".join(f"<td>{c}</td>" for c in row) for row in self.cells()]
        return "<table>" + "".join(f"<tr>{row}</tr>" for row in rows) + "</table>"


def compare(
    learners: Mapping[str, Learner],
    family,
    steps: int,
    tasks_per_step: int = 25,
    shots: int = 10,
    queries: int = 10,
    *,
    test_queries: int | None = None,
    optimizer=lambda parameters: torch.optim.Adam(parameters, lr=1e-3),
    seed: int = 0,
    progress: bool = True,
) -> Comparison:
    """Train every learner on the same tasks with the same budget, and test it on the same unseen tasks.

    Args:
        learners: name → learner; each is trained in place.
        family: has `.train` and `.test`.
        steps: of training; 0 tests the learners as they are.
        tasks_per_step, shots, queries: as in `meta_train`; `shots` holds for the test too.
        test_queries: as `queries` in `meta_test`.
        optimizer: parameters → the optimizer of one learner.
        seed: of the training tasks.
    """
    rows = {}
    for name, learner in learners.items():
        history = None
        if steps:
            generator = torch.Generator().manual_seed(seed)
            own = optimizer(learner.parameters())
            history = meta_train(
                learner, family.train, steps, tasks_per_step, shots, queries,
                optimizer=own, generator=generator, progress=progress,
            )  # fmt: skip
        report = meta_test(learner, family.test, shots, test_queries)
        rows[name] = history, report, sum(p.numel() for p in learner.parameters())
        if history is not None and history.interrupted:
            break
    return Comparison(rows)


def save_checkpoint(
    path: str | Path,
    learner: Learner,
    optimizer: torch.optim.Optimizer | None = None,
    generator: torch.Generator | None = None,
    history: History | None = None,
    run: Mapping[str, int] | None = None,
) -> None:
    """Write a learner, and if given the state of its training, as safetensors.

    The file appears whole or not at all: it is written beside its place and then moved there.
    """
    tensors = {f"learner/{name}": value for name, value in learner.state_dict().items()}
    facts = {"format": FORMAT, "learner": type(learner).__name__, "run": json.dumps(run or {})}
    if optimizer is not None:
        state = optimizer.state_dict()
        for index, values in state["state"].items():
            tensors |= {f"optimizer/{index}/{key}": torch.as_tensor(value) for key, value in values.items()}
        facts |= {"optimizer": type(optimizer).__name__, "groups": json.dumps(state["param_groups"])}
    if generator is not None:
        tensors["generator"] = generator.get_state()
    if history is not None:
        tensors["history/loss"] = torch.tensor(history.loss, dtype=torch.float64)
        tensors["history/seconds"] = torch.tensor(history.seconds, dtype=torch.float64)
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{path.name}.{os.getpid()}.part")
    save_file({name: value.detach().cpu().contiguous() for name, value in tensors.items()}, beside, metadata=facts)
    os.replace(beside, path)


def load_checkpoint(
    path: str | Path,
    learner: Learner,
    optimizer: torch.optim.Optimizer | None = None,
    generator: torch.Generator | None = None,
    run: Mapping[str, int] | None = None,
) -> History:
    """Read what `save_checkpoint` wrote into the learner and, where given, the optimizer and the generator.

    Nothing is changed unless everything fits: a file that is truncated, foreign or of another learner, optimizer or
    run is refused with a ValueError that says what to do.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"there is no checkpoint at {path}")
    try:
        with safe_open(path, framework="pt") as file:
            facts = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise ValueError(f"{path} is truncated or not a safetensors file ({error}): delete it to start anew") from None
    if facts.get("format") != FORMAT:
        raise ValueError(f"{path} was not written by hyperedu (no {FORMAT!r} in it): give another path")
    saved = {name.removeprefix("learner/"): t for name, t in tensors.items() if name.startswith("learner/")}
    own = {name: value.shape for name, value in learner.state_dict().items()}
    differ = [
        name for name in own.keys() | saved.keys() if name not in own or name not in saved or own[name] != saved[name].shape
    ]
    if differ or facts["learner"] != type(learner).__name__:
        raise ValueError(
            f"{path} holds another learner ({facts['learner']}) than this one ({type(learner).__name__}); they differ in "
            f"{sorted(differ)[:3] or 'their kind'}: give another path, or make the learner as it was"
        )
    if run is not None and json.loads(facts["run"]) != dict(run):
        raise ValueError(f"{path} was trained with {facts['run']}, now asked for {json.dumps(dict(run))}: give another path")
    if optimizer is not None:
        if facts.get("optimizer") != type(optimizer).__name__ or "generator" not in tensors:
            raise ValueError(
                f"{path} holds the state of {facts.get('optimizer', 'no optimizer')}, not of {type(optimizer).__name__}: "
                "give another path, or train with the optimizer it was made with"
            )
        state: dict[int, dict[str, Tensor]] = {}
        for name, value in tensors.items():
            if name.startswith("optimizer/"):
                _, index, key = name.split("/")
                state.setdefault(int(index), {})[key] = value
        optimizer.load_state_dict({"state": state, "param_groups": json.loads(facts["groups"])})
    if generator is not None:
        generator.set_state(tensors["generator"])
    learner.load_state_dict(saved)
    if "history/loss" not in tensors:
        return History()
    return History(tensors["history/loss"].tolist(), tensors["history/seconds"].item())


def _half_cosine(share: float) -> float:
    """From 1 at share 0 to 0 at share 1."""
    return (1 + math.cos(math.pi * share)) / 2


@contextlib.contextmanager
def _stop_between_steps():
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
