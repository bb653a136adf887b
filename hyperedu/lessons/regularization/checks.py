"""The checks of this lesson's exercises."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import nn

from hyperedu.generators import MLPGenerator
from hyperedu.lessons import feedback, probes, variants
from hyperedu.lessons.variants import plain
from hyperedu.main_network import MainNetwork
from hyperedu.words import _


@dataclass(frozen=True)
class Linear(variants.Solved):
    """A generator f(τ) = V τ of P = 2 weights."""

    V: tuple[tuple[float, float], tuple[float, float]] = ((1.0, 2.0), (0.0, 1.0))

    choices = {
        "V": tuple(
            ((a, b), (c, d))
            for a in (1.0, 2.0, 3.0, 4.0)
            for b in (0.0, 1.0, 2.0, 3.0, 5.0)
            for c in (0.0, 1.0, 2.0, 4.0)
            for d in (1.0, 2.0, 3.0)
        )
    }

    def __str__(self) -> str:
        return "V = (({}, {}), ({}, {}))".format(*map(plain, (*self.V[0], *self.V[1])))

    @property
    def squares(self) -> float:
        """‖V‖²"""
        return sum(v**2 for row in self.V for v in row)

    @property
    def right(self) -> float:
        return self.squares / 2

    def mistakes(self) -> Mapping[str, Any]:
        ((a, b), (c, d)), norm = self.V, math.sqrt(self.squares)
        largest = (self.squares + math.sqrt(self.squares**2 - 4 * (a * d - b * c) ** 2)) / 2  # the root of det(VᵀV − σ² I)
        added = a + b + c + d
        return {
            "That is ‖V‖². Equation (2) divides by P, the number of weights.": self.squares,
            "You divided by all four entries of V. Equation (2) divides by P = 2.": self.squares / 4,
            "That is the norm; the penalty is its square, by P.": norm,
            "The norm enters squared.": norm / 2,
            "That is the largest singular value squared, (3). Here all singular values count.": largest,
            "That takes the largest singular value alone. Here all of them count: the sum of all squared entries.": largest / 2,
            "That adds the entries up. They enter squared.": (added, added / 2),
            "That squares the sum of the entries; the squares are to be summed.": added**2 / 2,
        }


@variants.keyed(Linear)
def linear_sensitivity(answer, linear: Linear) -> None:
    feedback.number(
        answer,
        linear.right,
        "∂θ/∂τ is V itself, wherever τ is: the sum of its squared entries, by P.",
        linear.told(),
        "For f(τ) = Vτ the Jacobian is V. Add up its squared entries and divide by P = 2.",
    )


def finite_difference(answer) -> None:
    def rough(f, tau, error, h, power=2, still=lambda theta: theta, of=torch.mean, two_sided=0.0):
        change = f(tau + h * error) - still(f(tau - two_sided * h * error))
        return of((change / h**0.5 if power == 1 else change / h ** (power / 2)).square())

    def squares_apart(f, tau, error, h):
        return ((f(tau + h * error).square() - f(tau).square()) / h**2).mean()

    def case(seed, n, width, h):
        random = torch.Generator().manual_seed(seed)
        f = nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, width)).double()
        with torch.no_grad():
            for p in f.parameters():
                p.copy_(torch.randn(p.shape, generator=random, dtype=torch.float64))
        tau, error = (torch.randn(n, 2, generator=random, dtype=torch.float64) for _part in range(2))
        return f, tau, error, h

    mistakes = {
        "The difference was not divided by h: the penalty would fade as h gets smaller.": partial(rough, power=0),
        "The square of the difference must be divided by h², not by h.": partial(rough, power=1),
        "Sum over the tasks' weights: divide by P, or take the mean over tasks and weights.": partial(
            rough, of=lambda s: s.sum(-1).mean()
        ),
        "That is the sum over tasks and weights: take the mean over both.": partial(rough, of=torch.sum),
        "That is the sum over tasks: take their mean.": partial(rough, of=lambda s: s.mean(-1).sum()),
        "That is the norm; the penalty is the square of it, by P.": (
            partial(rough, of=lambda s: s.sum(-1).sqrt().mean()),
            partial(rough, of=lambda s: s.mean().sqrt()),
            partial(rough, of=lambda s: s.sqrt().mean()),
        ),
        "The squares are subtracted; square the difference.": squares_apart,
        "The difference of both sides, τ + hε and τ − hε, spans 2h, and is divided by h.": partial(rough, two_sided=1.0),
        "The value is right, but half of the gradient is missing: the output that was not moved is detached, and depends "
        "on φ too.": (partial(rough, still=torch.Tensor.detach)),
    }
    probes.function(
        answer,
        rough,
        [partial(case, 0, 4, 5, 0.1), partial(case, 1, 3, 7, 0.5)],
        mistakes,
        "For a small h this is what `Sensitivity` computes, and it needs no derivative of the generator.",
        "It should be the mean over tasks and weights of ((f(τ + h · error) − f(τ)) / h)².",
        names=("f", "τ", "error", "h"),
    )


def keeper(answer) -> None:
    def keep(f, tau, what=lambda theta: theta.detach(), now=lambda theta: theta, of=lambda d: d.square().sum(-1).mean()):
        theta_old = what(f(tau))
        return lambda: of(now(f(tau)) - theta_old)

    def case(seed, n, *others):
        random = torch.Generator().manual_seed(seed)
        f = MLPGenerator(2, MainNetwork.mlp([1, 3, 1]), hidden=(4,), rng=random)
        return f, torch.randn(n, 2, generator=random), others

    mistakes = {
        "Still 0 after f changed: the snapshot is taken anew at every call. Take it once, before `penalty`.": (
            _taken_anew,
            _not_copied,
        ),
        "The snapshot is taken at the first call of `penalty`, when f may have changed already. Take it when `keeper` is "
        "called.": (_taken_at_the_first_call),
        "The snapshot is renewed at every call, so that only the last change counts: keep the first one.": _renewed,
        "All keepers share one snapshot, the first: something that is kept outlives the call (a default argument, a global).": (
            _sharing_one_snapshot()
        ),
        "The value is right, but the snapshot is not detached: the gradient also runs through what was written then, "
        "which is to be a "
        "constant.": partial(keep, what=lambda theta: theta),
        "No gradient reaches f: only the snapshot is detached, what f writes now is not.": partial(
            keep, now=torch.Tensor.detach
        ),
        "Equation (5) adds up over the weights and takes the mean over old tasks; you took the mean over both.": partial(
            keep, of=lambda d: d.square().mean()
        ),
        "Equation (5) adds up over the weights and takes the mean over old tasks; you took the sum over both.": partial(
            keep, of=lambda d: d.square().sum()
        ),
        "Equation (5) adds up over the weights and takes the mean over old tasks; you took the norm, not its square.": partial(
            keep, of=lambda d: d.norm(dim=-1).mean()
        ),
    }
    if not probes.is_function(answer):
        return
    probes.function(
        partial(_watched, answer),
        partial(_watched, keep),
        [partial(case, 0, 3, True, 0.5), partial(case, 1, 2, False, 0.2, 0.3), partial(case, 2, 4, True, 0.1, -0.4)],
        probes.through(_watched, mistakes),
        "The snapshot is taken once, before the next task; what f writes now is compared with it at every step.",
        "Right after the snapshot the penalty is 0, and after f changed it is equation (5).",
        learns=False,
        mutates=True,
        words=[_("a first generator"), _("a second one, changed before the first call"), _("a third one")],
    )


def _watched(keeper, f, tau, others):
    """The penalty and its gradients after each of some changes of f, if `others` says so also before the first."""
    penalty = keeper(f, tau)
    if not callable(penalty):
        kind = type(penalty).__name__
        raise probes.Said(_("It must return a function of nothing, as `forgetful` does, not a {kind}.", kind=kind))
    found, parameters = [], list(f.parameters())

    def look():
        value = torch.as_tensor(penalty())
        gradients = (
            torch.autograd.grad(value, parameters, allow_unused=True) if value.requires_grad else [None] * len(parameters)
        )
        found.extend([value.detach()])
        found.extend(torch.zeros_like(p) if g is None else g for p, g in zip(parameters, gradients, strict=True))

    if others[0]:
        look()
    for change in others[1:]:
        with torch.no_grad():
            f.head.bias.add_(change)
            f.head.weight.mul_(1 + change)
        look()
    return found


def _taken_anew(f, tau):
    """A keeper whose snapshot is taken at every call of the penalty."""
    return lambda: (f(tau) - f(tau).detach()).square().sum(-1).mean()


def _not_copied(f, tau):
    """A keeper whose snapshot is f's own parameters, which change with f."""
    old = {name: p.detach() for name, p in f.state_dict().items()}
    return lambda: (f(tau) - torch.func.functional_call(f, old, (tau,)).detach()).square().sum(-1).mean()


def _taken_at_the_first_call(f, tau):
    """A keeper whose snapshot is taken when the penalty is first asked for."""
    kept = []

    def penalty():
        if not kept:
            kept.append(f(tau).detach())
        return (f(tau) - kept[0]).square().sum(-1).mean()

    return penalty


def _renewed(f, tau):
    """A keeper that compares with what f wrote at the call before."""
    kept = [f(tau).detach()]

    def penalty():
        theta = f(tau)
        value = (theta - kept[0]).square().sum(-1).mean()
        kept[0] = theta.detach()
        return value

    return penalty


def _sharing_one_snapshot():
    """A keeper that compares with the snapshot of its first call, whatever it is called with."""
    kept = []

    def keeper(f, tau):
        kept.append(f(tau).detach())
        return lambda: (f(tau) - kept[0]).square().sum(-1).mean()

    return keeper
