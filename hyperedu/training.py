"""The outer problem: minimise over φ the mean over tasks of L(g(learner(τ, D), x'), y')."""

import contextlib
import json
import math
import os
import signal
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor
from tqdm.auto import tqdm

from hyperedu import penalties
from hyperedu.learners import Adapting, Learner
from hyperedu.main_network import mean_squared_error

FORMAT = "hyperedu-checkpoint-1"


@dataclass(repr=False)
class History:
    """What happened in a training.

    Attributes:
        loss: the mean query loss of each step, without the penalties of `regularize`.
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
        steps: how many gradient steps were taken on them; None for a learner that takes none.
        diverged: (n_tasks,) the step at which a task's adaptation diverged, as in `Path`; 0 for those that did not.
    """

    per_task: Tensor
    shots: int
    steps: int | None = None
    diverged: Tensor | None = None

    @property
    def n_tasks(self) -> int:
        return len(self.per_task)

    @property
    def mean(self) -> float:
        return self.per_task.mean().item()

    @property
    def median(self) -> float:
        """A task whose loss is NaN counts as infinitely bad."""
        return self.per_task.nan_to_num(math.inf, math.inf).median().item()

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
        """The share of tasks that diverged or whose loss is not finite. They are in the mean too: see the median."""
        bad = ~torch.isfinite(self.per_task)
        return (bad if self.diverged is None else bad | (self.diverged > 0)).float().mean().item()

    def __repr__(self) -> str:
        low, high = self.interval
        said = f"mean {self.mean:.4g} (95% interval {low:.4g} to {high:.4g}), median {self.median:.4g}, "
        said += f"{self.n_tasks} tasks, {self.shots} shots"
        said += "" if self.steps is None else f", {self.steps} steps"
        return said + (_which(self.diverged) if self.diverged is not None and self.diverged.any() else "")


def _which(diverged: Tensor) -> str:
    """Which tasks diverged, and at which step."""
    tasks = diverged.nonzero().flatten().tolist()
    some = ", ".join(f"task {task} at step {diverged[task]}" for task in tasks[:3])
    return f"; {len(tasks)} of {len(diverged)} diverged: {some}{', …' if len(tasks) > 3 else ''}"


def outer_loss(learner: Learner, tasks, loss=mean_squared_error) -> Tensor:
    """The query loss of each task, (n_tasks,): what all learners are trained on."""
    return learner.objective(tasks, loss)


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
    regularize: Mapping[str, float] | None = None,
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
        regularize: name → strength of the penalties that are added to the loss, such as {"weight_norm": 1e-3}; the names
            and what they mean are in `penalties`.
        generator: source of the tasks, and of what is random in penalties; seeded from torch's global one if None.
        checkpoint: a safetensors file, written every `checkpoint_every` steps and at the end. If it exists, training
            resumes from it, bit for bit as if it had never stopped (on the same machine with the same versions).
        progress: whether to show a progress bar.

    Raises:
        ValueError: an optimizer that lacks some of the learner's parameters; a checkpoint of something else; a penalty
            that does not exist, or that this learner does not fit.
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
    if regularize:
        penalties.check(regularize)
        run["regularize"] = {name: float(strength) for name, strength in regularize.items()}
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
            whole = value + penalties.total(learner, batch, regularize, generator) if regularize else value
            if not torch.isfinite(whole):
                save()
                inner = ""
                if isinstance(learner, Adapting):
                    inner = _which(learner.path(batch.descriptor, batch.support).diverged) + " of the adaptation"
                raise FloatingPointError(
                    f"the loss became {whole.item()} at step {history.steps + 1}{inner}. Try a lower learning rate. The "
                    "learner keeps its weights of the step before"
                )
            optimizer.zero_grad()
            whole.backward()
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
    steps: int | None = None,
    loss=mean_squared_error,
    generator: torch.Generator | None = None,
) -> Report:
    """The learner's query loss on tasks it was not trained on.

    Args:
        tasks: a `TaskSet`, such as `family.test`.
        shots, queries: per task; `queries` None takes `tasks.most_queries(shots)`.
        n_tasks: None takes every task of a finite set, and 600 of an endless one.
        steps: of adaptation, for a learner that adapts; None takes as many as in training.
        generator: None gives every learner the same tasks (seed 0).
    """
    if steps is not None and not isinstance(learner, Adapting):
        raise ValueError(f"{type(learner).__name__} takes no gradient steps on the support set: leave out steps={steps}")
    if generator is None:
        generator = torch.Generator().manual_seed(0)
    if n_tasks is None and tasks.n_tasks is None:
        n_tasks = 600
    if queries is None:
        queries = tasks.most_queries(shots)
    batch = tasks.sample(n_tasks, shots, queries, generator).to(next(learner.parameters()))
    learner.eval()
    with torch.no_grad():
        if not isinstance(learner, Adapting):
            return Report(outer_loss(learner, batch, loss), shots)
        path = learner.path(batch.descriptor, batch.support, steps, keep=False)
        per_task = loss(learner.main(learner.weights(path)[-1], batch.query.x), batch.query.y)
        return Report(per_task, shots, learner.steps if steps is None else steps, path.diverged)


@dataclass(frozen=True)
class Row:
    """One learner of a comparison: its training (None if there was none), its tests, its number of learned parameters."""

    history: History | None
    reports: list[Report]
    parameters: int


@dataclass(frozen=True, repr=False)
class Comparison:
    """Learners side by side: name → `Row`."""

    rows: dict[str, Row]

    header = (
        "learner", "shots", "steps", "mean", "95% interval", "median", "diverged", "parameters", "seconds trained"
    )  # fmt: skip

    def cells(self) -> list[tuple[str, ...]]:
        cells = []
        for name, row in self.rows.items():
            seconds = "–" if row.history is None else f"{row.history.seconds:.1f}"
            for report in row.reports:
                low, high = report.interval
                cells.append((
                    name, str(report.shots), "–" if report.steps is None else str(report.steps), f"{report.mean:.3g}",
                    f"{low:.3g} to {high:.3g}", f"{report.median:.3g}", f"{report.share_diverged:.1%}",
                    f"{row.parameters:,}", seconds,
                ))  # fmt: skip
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
    test_shots: Sequence[int] | None = None,
    test_steps: Sequence[int] | None = None,
    test_queries: int | None = None,
    regularize: Mapping[str, float] | None = None,
    optimizer=lambda parameters: torch.optim.Adam(parameters, lr=1e-3),
    seed: int = 0,
    progress: bool = True,
) -> Comparison:
    """Train every learner on the same tasks with the same budget, and test it on the same unseen tasks.

    Args:
        learners: name → learner; each is trained in place.
        family: has `.train` and `.test`.
        steps: of training; 0 tests the learners as they are.
        tasks_per_step, shots, queries: as in `meta_train`.
        test_shots: the sizes of the support sets to test with; `shots` if None.
        test_steps: the numbers of adaptation steps to test with, for learners that adapt; as in training if None.
        test_queries: as `queries` in `meta_test`.
        regularize: as in `meta_train`, the same for every learner.
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
                optimizer=own, regularize=regularize, generator=generator, progress=progress,
            )  # fmt: skip
        adapts = isinstance(learner, Adapting) and test_steps is not None
        reports = [
            meta_test(learner, family.test, n, test_queries, steps=k)
            for n in (test_shots or [shots])
            for k in (test_steps if adapts else [None])
        ]
        rows[name] = Row(history, reports, sum(p.numel() for p in learner.parameters()))
        if history is not None and history.interrupted:
            break
    return Comparison(rows)


def save_checkpoint(
    path: str | Path,
    learner: Learner,
    optimizer: torch.optim.Optimizer | None = None,
    generator: torch.Generator | None = None,
    history: History | None = None,
    run: Mapping[str, object] | None = None,
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
    run: Mapping[str, object] | None = None,
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
