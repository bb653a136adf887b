"""U : (θ, D) → θ'. A few gradient steps on the support set, for a batch of tasks at once."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from numbers import Real
from types import MappingProxyType

import torch
from torch import Tensor, nn

from hyperedu.batches import Examples, expect, recordable, whole
from hyperedu.main_network import MainNetwork
from hyperedu.memory import free_memory

__all__ = ["Trajectory", "adapt"]

# A task has diverged when its support loss is this many times what it was before the first step.
DIVERGED = 10.0

# α in any form: one number; (P,), one for each weight; {name: α} for whole weight tensors.
LearningRate = float | Tensor | Mapping[str, float | Tensor]


@dataclass(frozen=True)
class Trajectory:
    """What adaptation went through.

    Attributes:
        theta: (steps + 1, …, P) from the start to the end; (1, …, P), the end alone, where the trajectory was not kept.
        loss: (steps + 1, …) the support loss of each task before each step and at the end; without the end, (steps, …),
            inside a training that does not keep the trajectory, which has no use for it; (0, …) where there is no support set.
        diverged: (…,) the first step after which a task's support loss was not finite or over ten times what it was at
            the start (a loss that is not finite at the start counts as step 1); 0 for the tasks that did not diverge, as far
            as `loss` tells.
    """

    theta: Tensor
    loss: Tensor
    diverged: Tensor

    @property
    def final(self) -> Tensor:
        """θ' (…, P)."""
        return self.theta[-1]


def adapt(
    main: MainNetwork,
    theta: Tensor,
    support: Examples | None,
    steps: int = 5,
    lr: LearningRate = 0.01,
    first_order: bool = False,
    *,
    through: Callable[[Tensor], Tensor] | None = None,
    keep: bool = True,
) -> Trajectory:
    """θ' = θ − α ∇_θ L(θ, D), `steps` times; each task by itself, all tasks at once. L is the main network's own loss.

    Finn, Abbeel, Levine 2017 (arXiv 1703.03400), equation 1. The result can be differentiated: through the gradients too
    (second order), or as if they were constants (`first_order`).

    Args:
        theta: (P,) one start for all tasks, or (…, P) one for each.
        support: D, with at least one example per task; None where no step is taken.
        steps: how many; 0 gives θ back.
        lr: α, one number; or (P,), one for each weight; or {name: α} for whole layers, where those not named stay as
            they are: {"4.weight": 0.01, "4.bias": 0.01} adapts the head alone. A tensor that requires a gradient is learned.
        through: where something else than θ adapts, the map from it to θ. A generator, for instance, and `theta` is τ;
            then the path is that of τ.
        keep: whether the path keeps every θ or only the last.

    Raises:
        ValueError: no examples, a negative number of steps, rates that do not fit, a loss that does not depend on θ.
        MemoryError: what differentiating through these steps takes is more than there is.
    """
    whole("the number of steps", steps, 0)
    expect("the main network", main, MainNetwork, "MainNetwork.from_module makes one of any module")
    if through is None:
        main.check(theta)
    if support is not None:
        expect("the support set", support, Examples, "it must be Examples(x, y)")
    lead = theta.shape[:-1] if support is None else _common_lead(theta, support)
    rates = _rates(main, lr, theta, lead)
    if support is None or len(support) == 0:
        if steps:
            raise ValueError(f"adaptation in {steps} steps needs a support set with at least one example (shots), but got none")
        none = theta.new_zeros(0, *lead)
        return Trajectory(theta.expand(*lead, -1).unsqueeze(0), none, _diverged(none))
    training = torch.is_grad_enabled()
    second_order = training and not first_order
    _check_memory(main, theta, support, steps, lead, second_order, keep)
    with torch.inference_mode(False), torch.enable_grad():
        start = recordable(theta).expand(*lead, -1)
        if support.x.is_inference() or support.y.is_inference():
            support = Examples(recordable(support.x), recordable(support.y))
        thetas, losses = _descend(main, start, support, steps, rates, second_order, training, through, keep)
        path = torch.stack(thetas) if keep else thetas[-1].unsqueeze(0)
        loss = torch.stack(losses) if losses else path.new_zeros(0, *lead)
    return Trajectory(path if training else path.detach(), loss, _diverged(loss))


def _descend(main, now, support, steps, rates, second_order, training, through, keep) -> tuple[list[Tensor], list[Tensor]]:
    """The steps themselves: every θ (the last alone if not `keep`), and the loss at each."""
    thetas, losses = [], []
    for step in range(steps + 1):
        if not now.requires_grad or not training:
            now = now.detach().requires_grad_()
        if keep or step == steps:
            thetas.append(now)
        if step == steps and not keep and (training or steps == 0):
            break
        value = main.loss(now if through is None else through(now), support)
        losses.append(value.detach())
        if step < steps:
            gradient = None
            if value.requires_grad:
                (gradient,) = torch.autograd.grad(value.sum(), now, create_graph=second_order, allow_unused=True)
            if gradient is None:
                raise ValueError(
                    "the loss does not depend on what adapts: its gradient is cut (by detach, .data, .item() or no_grad) in "
                    "the loss, in the main network or in the map `through`"
                )
            now = torch.addcmul(now, rates, gradient, value=-1)  # now − α · gradient
    return thetas, losses


def _common_lead(theta: Tensor, support: Examples) -> torch.Size:
    try:
        return torch.broadcast_shapes(theta.shape[:-1], support.lead)
    except RuntimeError:
        raise ValueError(
            f"θ of shape {tuple(theta.shape)} is for tasks {tuple(theta.shape[:-1])}, but the support set, with y of shape "
            f"{tuple(support.y.shape)}, is of tasks {tuple(support.lead)}: give one θ (P,), or one for each task"
        ) from None


def check_rates(main: MainNetwork, lr: LearningRate) -> None:
    """A sentence for what cannot be the learning rates of a main network's adaptation."""
    if isinstance(lr, Mapping) and (unknown := lr.keys() - main.shapes.keys()):
        raise ValueError(f"there is no weight called {sorted(unknown)}: the names are {list(main.shapes)}")
    for name, rate in lr.items() if isinstance(lr, Mapping) else [("adaptation", lr)]:
        if not isinstance(rate, Tensor) and not (isinstance(rate, Real) and 0 <= rate < math.inf):
            got = repr(rate) if isinstance(rate, Real | str) else f"a {type(rate).__name__}"
            raise ValueError(f"the learning rate of {name} must be a number of at least 0 and finite, or a tensor, got {got}")


def _rates(main: MainNetwork, lr: LearningRate, theta: Tensor, lead: torch.Size) -> Tensor:
    """α as a tensor that multiplies what adapts."""
    check_rates(main, lr)
    if isinstance(lr, Mapping):
        if theta.shape[-1] != main.weight_dim:
            raise ValueError(
                f"rates by name ({list(lr)}) are for the {main.weight_dim} weights θ, but what adapts here has "
                f"{theta.shape[-1]} numbers: give one rate"
            )
        rates = []
        for name, shape in main.shapes.items():
            rate = torch.as_tensor(lr.get(name, 0.0), dtype=theta.dtype, device=theta.device)
            if rate.numel() != 1 and rate.shape != shape:
                raise ValueError(
                    f"the learning rate of {name!r} has shape {tuple(rate.shape)}, but the weight has {shape}: give one or all"
                )
            rates.append(rate.reshape(-1).expand(math.prod(shape)))
        return torch.cat(rates)
    if isinstance(lr, Tensor) and lr.ndim:
        adapts = (*lead, theta.shape[-1])
        try:
            lr.expand(adapts)
        except RuntimeError:
            raise ValueError(
                f"learning rates of shape {tuple(lr.shape)} do not fit what adapts, of shape {adapts}: give one rate, or one "
                "for each weight"
            ) from None
    # A number becomes one of θ's dtype at once: by way of the default dtype it would be rounded to that.
    return torch.as_tensor(lr, dtype=theta.dtype, device=theta.device)


class Rates(nn.Module):
    """α as a part of a learner: what is an `nn.Parameter` in it is learned, what is a tensor moves along with the learner.

    `Rates(lr)()` is `lr` again, in the form that `adapt` takes.
    """

    def __init__(self, lr: LearningRate):
        super().__init__()
        self.names = list(lr) if isinstance(lr, Mapping) else None
        self.fixed: list[float | None] = []
        for i, value in enumerate(lr.values() if isinstance(lr, Mapping) else [lr]):
            self.fixed.append(None if isinstance(value, Tensor) else float(value))
            if isinstance(value, nn.Parameter):
                self.register_parameter(f"alpha_{i}", value)
            elif isinstance(value, Tensor) and value.requires_grad:
                name = "adaptation" if self.names is None else repr(self.names[i])
                raise ValueError(
                    f"the learning rate of {name} requires a gradient, but is no parameter that a learner could own: give "
                    "nn.Parameter(rate) to have it learned, or rate.detach()"
                )
            elif isinstance(value, Tensor):
                self.register_buffer(f"alpha_{i}", value)

    def forward(self) -> LearningRate:
        values = [getattr(self, f"alpha_{i}") if value is None else value for i, value in enumerate(self.fixed)]
        return values[0] if self.names is None else MappingProxyType(dict(zip(self.names, values, strict=True)))


def _diverged(losses: Tensor) -> Tensor:
    """The first row (…,) in which a loss of (rows, …) is not finite or too large; 0 if none is."""
    if len(losses) == 0:
        return losses.new_zeros(losses.shape[1:], dtype=torch.long)
    most = DIVERGED * losses[0].abs().clamp(min=torch.finfo(losses.dtype).eps)
    bad = ~(losses <= most) | ~torch.isfinite(losses)  # NaN compares as false
    return torch.where(bad.any(0), bad.int().argmax(0).clamp(min=1), 0)


def _check_memory(main, theta, support, steps, lead, second_order, keep) -> None:
    """Refuse what would make the kernel be killed, and everything in it be lost."""
    n_tasks = lead.numel()
    kept = steps + 1 if keep or second_order else 1
    needed = kept * n_tasks * theta.shape[-1] * theta.element_size()
    if second_order:
        # Measured: the graph of one step holds about six copies of θ and, for each example, eight of the activations.
        examples = len(support) * n_tasks
        needed += steps * theta.element_size() * (6 * n_tasks * main.weight_dim + 8 * examples * main._units)
    if theta.device.type != "cpu" or needed < 2**27:  # asking what is free would take longer than a small adaptation
        return
    available = free_memory()
    if needed > 0.9 * available:
        raise MemoryError(
            f"{steps} steps on {n_tasks} tasks need about {needed / 2**30:.1f} GB, and {available / 2**30:.1f} GB are free: "
            "take fewer steps or tasks, first_order=True, or keep=False"
        )
