"""U : (θ, D) → θ'. A few gradient steps on the support set, for a batch of tasks at once."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import psutil
import torch
from torch import Tensor

from hyperedu.main_network import MainNetwork, mean_squared_error

# A task has diverged when its support loss is this many times what it was before the first step.
DIVERGED = 10.0


@dataclass(frozen=True)
class Path:
    """What adaptation went through.

    Attributes:
        theta: (steps + 1, …, P) from the start to the end; (1, …, P), the end alone, where the trajectory was not kept.
        loss: (steps + 1, …) the support loss of each task before each step and at the end; without the end, (steps, …),
            inside a training that does not keep the trajectory, which has no use for it.
        diverged: (…,) the first step after which a task's support loss was not finite or over ten times what it was at
            the start; 0 for the tasks that did not diverge.
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
    support,
    steps: int = 5,
    lr: float | Tensor | Mapping[str, float | Tensor] = 0.01,
    first_order: bool = False,
    *,
    through: Callable[[Tensor], Tensor] | None = None,
    keep: bool = True,
    loss=mean_squared_error,
) -> Path:
    """θ' = θ − α ∇_θ L(g(θ, x), y), `steps` times; each task by itself, all tasks at once.

    Finn, Abbeel, Levine 2017 (arXiv 1703.03400), equation 1. The result can be differentiated: through the gradients too
    (second order), or as if they were constants (`first_order`).

    Args:
        theta: (P,) one start for all tasks, or (…, P) one for each.
        support: D, with at least one example per task.
        steps: how many; 0 gives θ back.
        lr: α, one number; or (P,), one for each weight; or {name: α} for whole layers, where those not named stay as
            they are: {"4.weight": 0.01, "4.bias": 0.01} adapts the head alone.
        through: where something else than θ adapts, the map from it to θ. A generator, for instance, and `theta` is τ;
            then the path is that of τ.
        keep: whether the path keeps every θ or only the last.
        loss: (prediction, y) → one number per task.

    Raises:
        ValueError: no examples, a negative number of steps, rates that do not fit.
        MemoryError: what differentiating through these steps takes is more than there is.
    """
    if support is None or support.x.shape[-main.input_dims - 1] == 0:
        raise ValueError("adaptation needs a support set with at least one example (shots), but got none")
    if steps < 0:
        raise ValueError(f"the number of steps must be at least 0, got {steps}")
    lead = torch.broadcast_shapes(theta.shape[:-1], support.y.shape[:-2])
    rates = _rates(main, lr, theta)
    training = torch.is_grad_enabled()
    _check_memory(main, theta, support, steps, lead, training and not first_order, keep)
    thetas, losses = [], []
    with torch.enable_grad():
        now = theta.expand(*lead, -1)
        for step in range(steps + 1):
            if not now.requires_grad or not training:
                now = now.detach().requires_grad_()
            if keep:
                thetas.append(now)
            if step == steps and training and not keep:
                break
            value = loss(main(now if through is None else through(now), support.x), support.y)
            losses.append(value.detach())
            if step < steps:
                (gradient,) = torch.autograd.grad(value.sum(), now, create_graph=training and not first_order)
                now = torch.addcmul(now, rates, gradient, value=-1)  # now − α · gradient
    path = torch.stack(thetas) if keep else now.unsqueeze(0)
    loss_on_the_way = torch.stack(losses) if losses else path.new_zeros(0, *lead)
    return Path(path if training else path.detach(), loss_on_the_way, _diverged(loss_on_the_way))


def _rates(main: MainNetwork, lr, theta: Tensor) -> Tensor:
    """α as a tensor that multiplies θ."""
    if isinstance(lr, Mapping):
        unknown = lr.keys() - main.shapes.keys()
        if unknown:
            raise ValueError(f"there is no weight called {sorted(unknown)}: the names are {list(main.shapes)}")
        sizes = dict(zip(main.shapes, main.sizes, strict=True))
        return torch.cat([torch.as_tensor(lr.get(name, 0.0)).to(theta).expand(size) for name, size in sizes.items()])
    if isinstance(lr, Tensor) and lr.ndim and lr.shape[-1] != theta.shape[-1]:
        raise ValueError(f"there are {lr.shape[-1]} learning rates for {theta.shape[-1]} weights")
    return torch.as_tensor(lr).to(theta)


def _diverged(losses: Tensor) -> Tensor:
    """The first row (…,) in which a loss of (rows, …) is not finite or too large; 0 if none is."""
    if len(losses) == 0:
        return losses.new_zeros(losses.shape[1:], dtype=torch.long)
    bad = ~(losses <= DIVERGED * losses[0]) & (losses > 0)  # NaN compares as false
    bad |= ~torch.isfinite(losses)
    return torch.where(bad.any(0), bad.int().argmax(0), 0)


def _check_memory(main, theta, support, steps, lead, second_order, keep) -> None:
    """Refuse what would make the kernel be killed, and everything in it be lost."""
    n_tasks = lead.numel()
    kept = steps + 1 if keep or second_order else 1
    needed = kept * n_tasks * theta.shape[-1] * theta.element_size()
    if second_order:
        # Measured: the graph of one step holds about six copies of θ and, for each example, eight of the activations.
        units = sum(shape[0] for shape in main.shapes.values() if len(shape) == 1)
        examples = support.y.shape[-2] * n_tasks
        needed += steps * theta.element_size() * (6 * n_tasks * main.weight_dim + 8 * examples * units)
    if theta.device.type != "cpu" or needed < 2**27:  # asking what is free would take longer than a small adaptation
        return
    available = psutil.virtual_memory().available
    if needed > 0.9 * available:
        raise MemoryError(
            f"{steps} steps on {n_tasks} tasks need about {needed / 2**30:.1f} GB, and {available / 2**30:.1f} GB are free: "
            "take fewer steps or tasks, first_order=True, or keep=False"
        )
