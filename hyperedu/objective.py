"""The outer objective: L(g(learner(τ, D), x'), y') of each task, and what is said where it cannot be computed."""

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from hyperedu.batches import TaskBatch, TaskSet
from hyperedu.learners import Learner
from hyperedu.losses import accuracy

__all__ = ["outer_loss"]


def judged(learner: Learner, tasks: TaskBatch) -> tuple[Tensor, Tensor | None]:
    """The outer loss of each task, (n_tasks,), and its accuracy where y is a class."""
    main, query = learner.main, tasks.query
    shares: Tensor | None = None

    def judge(theta: Tensor) -> Tensor:
        """θ (n_tasks, P) → L(θ, D'): all that a learner hears of the query set. The accuracy is that of what it judged last."""
        nonlocal shares
        prediction = main.predict(theta, query)
        if query.has_classes:
            shares = accuracy(prediction.detach(), query.y)
        return main.loss_of(prediction, query)

    losses = learner.outer_loss(tasks.descriptor, handed(learner, tasks).support, judge)
    expect_one_each(learner, losses, len(tasks))
    return losses, shares


def expect_one_each(learner: Learner, losses: Tensor, n_tasks: int) -> None:
    """A sentence where a learner gives several θ for each task, so that means and intervals would count each so often."""
    if losses.ndim > 1:
        raise ValueError(
            f"{type(learner).__name__} has losses of shape {tuple(losses.shape)} for {n_tasks} tasks, but one is needed for "
            "each: write one θ for each task, (n_tasks, P)"
        )


def handed(learner: Learner, tasks: TaskBatch) -> TaskBatch:
    """The tasks as training hands them over: a learner that learns from all finds all examples in the support sets."""
    return replace(tasks, support=tasks.support.joined(tasks.query)) if learner.learns_from_all else tasks


def like_of(learner: Learner) -> Tensor | None:
    """A parameter whose device and dtype the examples follow; a learner of fixed weights has none."""
    return next((p for p in learner.parameters() if p.is_floating_point()), None)


def sampled(learner: Learner, tasks: TaskSet, **sizes: Any) -> TaskBatch:
    """A batch of tasks on the device and in the dtype of a learner."""
    batch = tasks.sample(**sizes)
    return batch if (like := like_of(learner)) is None else batch.to(like)


def outer_loss(learner: Learner, tasks: TaskBatch) -> Tensor:
    """L(g(learner(τ, D), x'), y') of each task, (n_tasks,): what all learners are trained on."""
    return judged(learner, tasks)[0]


@torch.no_grad()
def where_it_diverged(learner: Learner, tasks: TaskBatch) -> str:
    """Which tasks diverged in their inner steps, for a learner that takes any."""
    if not learner.inner_steps:
        return ""
    found = which_diverged(learner.path(tasks.descriptor, handed(learner, tasks).support, keep=False).diverged)
    return f"{found} of the adaptation" if found else ""


def which_diverged(diverged: Tensor) -> str:
    """Which tasks diverged, and at which step; empty if none did."""
    tasks = diverged.nonzero().flatten().tolist()
    some = ", ".join(f"task {task} at step {diverged[task]}" for task in tasks[:3])
    return f"; {len(tasks)} of {len(diverged)} diverged: {some}{', …' if len(tasks) > 3 else ''}" if tasks else ""


@contextlib.contextmanager
def computed(step: int) -> Iterator[None]:
    """Tasks are finite: what is refused for not being so, such as a code, the learner has computed."""
    try:
        yield
    except ValueError as error:
        what, found, _advice = str(error).partition(" contains NaN or infinite values")
        if not found:
            raise
        raise FloatingPointError(f"what the learner computes became NaN or infinite ({what}) at step {step}") from None


def differentiate(objective: Tensor) -> None:
    """Gradients of all that the objective depends on; a sentence where a layer or a loss has no second derivative."""
    try:
        if objective.requires_grad:
            objective.backward()
    except RuntimeError as error:
        if "derivative for" not in str(error):
            raise
        said = str(error).rstrip(".")
        raise ValueError(
            f"the gradient of a gradient is needed here, but {said}: make the learner with first_order=True, or take another "
            "layer or loss"
        ) from error
