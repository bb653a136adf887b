"""L : how far predictions are from y, one number per task; and accuracy, where y is a class."""

import functools
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.func import vmap

from hyperedu.batches import readable

__all__ = ["accuracy", "cross_entropy", "squared_error"]

Loss = Callable[[Tensor, Tensor], Tensor]


def squared_error(prediction: Tensor, y: Tensor) -> Tensor:
    """The mean squared error of each task: prediction and y (…, n, d_out) → (…,), mean over examples and outputs."""
    if not y.is_floating_point():
        raise ValueError(
            f"y of shape {tuple(y.shape)} holds class indices ({y.dtype}), which the squared error of a prediction of shape "
            f"{tuple(prediction.shape)} cannot measure: make the main network with loss='cross_entropy', or give y as numbers"
        )
    if prediction.shape != y.shape:
        raise ValueError(f"the prediction has shape {tuple(prediction.shape)} but y has {tuple(y.shape)}: they must be equal")
    if y.ndim < 2:
        raise ValueError(f"y of shape {tuple(y.shape)} must be (…, n, d_out): for a single number per example y.unsqueeze(-1)")
    return nn.functional.mse_loss(prediction, y, reduction="none").mean(dim=(-2, -1))


def cross_entropy(prediction: Tensor, y: Tensor) -> Tensor:
    """The mean cross-entropy of each task, in nats: logits (…, n, classes) and class indices (…, n) → (…,).

    −log p(y), p the softmax of the logits; mean over examples.
    """
    _check_classes(prediction, y)
    return -prediction.log_softmax(-1).gather(-1, y.unsqueeze(-1)).squeeze(-1).mean(-1)


def accuracy(prediction: Tensor, y: Tensor) -> Tensor:
    """The share of examples whose largest logit is that of their class: (…, n, classes) and (…, n) → (…,).

    Logits with NaN among them are never right.
    """
    _check_classes(prediction, y)
    right = (prediction.argmax(-1) == y) & ~prediction.isnan().any(-1)
    return right.to(prediction.dtype).mean(-1)


def _check_classes(prediction: Tensor, y: Tensor) -> None:
    if y.dtype != torch.int64:
        raise ValueError(
            f"y of shape {tuple(y.shape)} has dtype {y.dtype}, but a class is an index in int64, one for each row of the "
            f"prediction of shape {tuple(prediction.shape)}: give y.long() of shape (…, n), or use loss='squared_error'"
        )
    if prediction.shape[:-1] != y.shape or not y.ndim:
        raise ValueError(
            f"the prediction has shape {tuple(prediction.shape)} but y has {tuple(y.shape)}: each example needs a row of "
            "logits and one class index, (…, n, classes) and (…, n)"
        )
    n_classes = prediction.shape[-1]
    if readable(y) and y.numel() and not 0 <= int(y.min()) <= int(y.max()) < n_classes:
        raise ValueError(
            f"y has classes from {int(y.min())} to {int(y.max())}, but a prediction of shape {tuple(prediction.shape)} tells "
            f"{n_classes} apart, 0 to {n_classes - 1}: count classes from 0, make the main network wider at its end, or "
            "give y as numbers (…, n, 1) where the loss is one's own, such as that of a single logit"
        )


LOSSES: dict[str, Loss] = {"squared_error": squared_error, "cross_entropy": cross_entropy}


def loss_of_kind(kind: object) -> Loss:
    """The loss of a name or of a function for one task; a ValueError for what is neither, or would have to be learned."""
    if isinstance(kind, type):
        raise ValueError(f"the loss is the class {kind.__name__}: give a loss of that kind, {kind.__name__}()")
    if isinstance(kind, nn.Module) and any(p.requires_grad for p in kind.parameters()):
        raise ValueError(
            f"the loss {type(kind).__name__} has parameters, which no learner would learn: give loss.requires_grad_(False)"
        )
    if callable(kind):
        return per_task(kind)
    if not isinstance(kind, str) or kind not in LOSSES:
        raise ValueError(f"no loss is called {kind!r}: choose one of {', '.join(LOSSES)}, or give a function (prediction, y)")
    return LOSSES[kind]


def per_task(function: Callable[[Tensor, Tensor], Tensor]) -> Loss:
    """A loss for a batch of tasks from one for a single task: prediction (n, d_out), y → one number.

    Whatever the function reduces, it sees one task at a time; `torch.nn.functional.l1_loss` will do.
    """
    return functools.partial(_by_task, function)


def _by_task(function: Loss, prediction: Tensor, y: Tensor) -> Tensor:
    prediction, y = prediction.clone(), y.clone()  # a function may write into what it is given
    one_task, lead = functools.partial(_of_one_task, function), prediction.shape[:-2]
    if not lead:
        return one_task(prediction, y)
    tasks = prediction.flatten(0, len(lead) - 1), y.flatten(0, len(lead) - 1)
    try:
        flat = vmap(one_task, randomness="different")(*tasks)
    except ValueError:  # what looks at its values cannot be batched; a loss that is wrong says so here too
        flat = torch.stack([one_task(*task) for task in zip(*tasks, strict=True)])
    return flat.unflatten(0, lead)


def _of_one_task(function: Loss, prediction: Tensor, y: Tensor) -> Tensor:
    try:
        value = function(prediction, y)
    except (RuntimeError, ValueError, IndexError, TypeError) as error:
        raise ValueError(
            f"the loss {getattr(function, '__name__', function)} cannot take a prediction of shape "
            f"{tuple(prediction.shape)} and y of shape {tuple(y.shape)} ({y.dtype}), one task: {error}"
        ) from error
    if not isinstance(value, Tensor) or value.ndim:
        got = f"shape {tuple(value.shape)}" if isinstance(value, Tensor) else f"a {type(value).__name__}"
        raise ValueError(
            f"a loss must give one number for a task, a tensor of shape (), and this one gave {got} for a prediction of "
            f"shape {tuple(prediction.shape)} and y of shape {tuple(y.shape)}: end it with .mean()"
        )
    return value
