"""What is asked of every generator that a learner makes: that it writes all weights, in the right size, and learns.

Each function says what is the matter, in a sentence, or nothing.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from hyperedu.lessons import probes
from hyperedu.main_network import MainNetwork
from hyperedu.words import _


def faulty(f: Any, tau: Tensor, main: MainNetwork, case: object) -> str:
    """What is the matter with f as a function from τ (n, d_tau) to θ (n, P), whatever it writes."""
    if f is None:
        return _("It gives back nothing: is a `return` missing?")
    if not isinstance(f, nn.Module):
        return _(
            "It gives back a {kind}; an `nn.Module` is asked for, in whose `parameters()` an optimiser finds what is to be "
            "learned.",
            kind=type(f).__name__,
        )
    theta, wanted = f(tau), (len(tau), main.weight_dim)
    if not isinstance(theta, Tensor) or theta.shape != wanted:
        found = tuple(theta.shape) if isinstance(theta, Tensor) else type(theta).__name__
        return _("For {case} it must write {wanted}, it writes {found}.", case=case, wanted=wanted, found=found)
    if not theta.isfinite().all():
        return _("For {case} it writes nan or inf: a division by zero, or the spread of a single number?", case=case)
    if not torch.equal(theta, f(tau)):
        return _("The same τ gets other weights at the next call: a start is drawn once, not in every `forward`.")
    half = len(tau) // 2
    if not probes.close(theta[:half].double(), f(tau[:half]).double()):
        return _(
            "A task's weights change with the tasks that are asked for beside it: what is measured over many τ must be kept "
            "from the start, not taken anew from each batch."
        )
    return ""


@dataclass(frozen=True)
class Size:
    """Of one weight tensor as it is written, in units of the spread that the matrix of its layer wants.

    Attributes:
        spread: of a network's own entries, on the average over tasks.
        root_mean_square: of all entries of all tasks.
        moved: how far τ moves an entry.
    """

    name: str
    spread: float
    root_mean_square: float
    moved: float

    @property
    def of_a_matrix(self) -> bool:
        return self.name.endswith("weight")


@torch.no_grad()
def sizes(theta: Tensor, main: MainNetwork) -> list[Size]:
    """Of each weight tensor of θ (n, P); a bias stands beside its matrix."""
    written, wanted, found = main.unflatten(theta), main.unflatten(main.initial_std), []
    for name, value in written.items():
        value, std = value.flatten(1).double(), wanted[name.replace("bias", "weight")].mean().item()
        spread = value.var(1, correction=0).mean().sqrt().item()
        moved = value.var(0).mean().sqrt().item()
        found.append(Size(name, spread / std, value.square().mean().sqrt().item() / std, moved / std))
    return found


def missized(found: list[Size], low: float, high: float, case: object) -> str:
    """What is the matter with the sizes of what is written, if matrices may be `low` to `high` times as large as wanted."""
    matrices = [size for size in found if size.of_a_matrix]
    alike = next((s for s in matrices if s.spread < 0.1 * s.root_mean_square), None)
    off = max(matrices, key=lambda s: max(s.spread / high, low / max(s.spread, 1e-9)))
    bias = max((s for s in found if not s.of_a_matrix), key=lambda s: s.root_mean_square)
    if alike:
        return _(
            "For {case}, all weights of {name} are nearly the same number: they have the right size at most, and units "
            "that are alike learn alike.",
            case=case,
            name=alike.name,
        )
    if not low <= off.spread <= high:
        return _wrong_spread(matrices, off, high, case)
    if bias.root_mean_square > high:
        return _(
            "For {case}, {name} is {n:.1f} times as large as the weights beside it should be: biases need a start too.",
            case=case,
            name=bias.name,
            n=bias.root_mean_square,
        )
    return ""


def _wrong_spread(matrices: list[Size], off: Size, high: float, case: object) -> str:
    factors = [s.spread for s in matrices]
    if off.spread > high and all(0.8 < s.moved < 1.25 for s in matrices):
        return _(
            "For {case} τ moves every weight by as much as is wanted, but around a mean that is not zero: with it {name} has "
            "{n:.2g} times the spread. Was the spread over tasks taken for the size of a network?",
            case=case,
            name=off.name,
            n=off.spread,
        )
    if max(factors) < 1.5 * min(factors):
        return _(
            "For {case} all matrices are {n:.2g} times as large as wanted: the layers agree, and one factor that they "
            "share is off. Is the size of what the last layer is given, on these τ, in it?",
            case=case,
            n=off.spread,
        )
    return _(
        "For {case}, {name} has {n:.2g} times the spread that is wanted, other layers are off by another factor ({low:.2g} to "
        "{high:.2g}): each layer wants its own spread, whatever writes it.",
        case=case,
        name=off.name,
        n=off.spread,
        low=min(factors),
        high=max(factors),
    )


def unlearned(f: nn.Module, tau: Tensor) -> str:
    """Whether a gradient reaches every parameter, and nothing that is no parameter."""
    written = f(tau)
    noise = torch.randn(written.shape, generator=torch.Generator().manual_seed(0))
    if written.requires_grad:
        (noise * written).mean().backward()
    lost = [name for name, p in f.named_parameters() if p.grad is None]
    zero = [name for name, p in f.named_parameters() if p.grad is not None and not p.grad.any()]
    if lost:
        return _(
            "The sizes are right, but no gradient reaches {names} (None): .data, .detach() or no_grad cuts the path, it is "
            "frozen, or what is written does not use it.",
            names=", ".join(lost[:3]),
        )
    if zero:
        return _(
            "The sizes are right, but the gradient of {names} is zero: a factor on the path is 0.", names=", ".join(zero[:3])
        )
    return ""


def unlisted(f: nn.Module, tau: Tensor) -> int:
    """How many numbers θ is made of that ask for a gradient, and that `parameters()` does not list."""
    listed = {id(p) for p in f.parameters()}
    return sum(leaf.numel() for leaf in _leaves(f(tau)) if id(leaf) not in listed)


def _leaves(result: Tensor) -> Iterator[Tensor]:
    """The tensors at the ends of a graph, each once."""
    nodes, seen = [result.grad_fn], set()
    while nodes:
        node = nodes.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        if hasattr(node, "variable"):
            yield node.variable
        nodes += [before for before, _index in node.next_functions]


def reseeds(write: Callable[[], object]) -> str:
    """Whether torch's seed is set while a generator is made, and writes."""
    torch.manual_seed(12345)
    write()
    if torch.initial_seed() != 12345:
        return _("It sets torch's seed: the start is the same in every run, and three seeds would be no three runs.")
    return ""
