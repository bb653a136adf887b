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


# ------------------------------------------------------------------------------------- a penalty of one's own, `between`

PLACES = ((0, 8, 2, 4), (1, 10, 3, 2))  # seed, tasks, numbers in τ, generated weights
DRAWS = 8  # of a penalty, which may draw at random: their mean counts
STEPS, RATE = 60, 0.1  # down a penalty, by Adam, to which its size is nothing
WAVES = 60  # of a generator that is linear in φ


def between(answer) -> None:
    if not probes.is_function(answer):
        return
    measured: dict[str, float] = {}
    probes.made(
        answer,
        [
            _one_number,
            _nothing_for_no_change,
            partial(_sees_what_lies_between, measured),
            _teaches,
            _no_sum_over_tasks,
            partial(_tames, measured),
        ],
        lambda _answer: _(
            "Of two generators that agree at the tasks the wild one costs {ratio:.0f} times as much or more, and {steps} steps "
            "down your penalty leave at most {left:.0%} of the error between the tasks.",
            steps=STEPS,
            **measured,
        ),
    )


def _tasks(random, n, d):
    """Descriptions τ (n, d) of spread 1, around a place far from zero."""
    tau, away = torch.randn(n, d, generator=random), torch.randn(d, generator=random)
    return (tau - tau.mean(0)) / tau.std(0) + 5 * away / away.norm()


def _float(tau):
    return tau.float() if isinstance(tau, torch.Tensor) else torch.as_tensor(tau, dtype=torch.float32)


def _scene(seed, n, d, width):
    """τ (n, d), and two generators that agree at the tasks and close by: a calm one, and one that is wild between them.

    Both take any leading dimensions. They differ by waves, times a factor that is 0 at each task, and flat to the third order.
    """
    random = torch.Generator().manual_seed(seed)
    tau = _tasks(random, n, d)
    V, shift, fast = (torch.randn(size, generator=random) for size in ((d, width), (width,), (d, width)))
    middle, near = tau.mean(0), torch.pdist(tau).min() / 4

    def calm(at):
        return (_float(at) - middle) @ V / (2 * d**0.5) + shift

    def wild(at):
        at = _float(at)
        free = (1 - torch.exp(-(at.unsqueeze(-2) - tau).square().sum(-1) / (2 * near**2))).square().prod(-1, keepdim=True)
        around = torch.exp(-(at - middle).square().sum(-1, keepdim=True) / 4)
        return calm(at) + 6 * free * around * torch.sin(4 * (at - middle) @ fast + shift)

    return tau, calm, wild


def _mean(penalty, f, tau) -> float:
    """The mean of some draws, always the same ones."""
    torch.manual_seed(0)
    return sum(float(torch.as_tensor(penalty(f, tau.clone())).detach()) for _draw in range(DRAWS)) / DRAWS


def _costs(penalty, *place) -> tuple[float, float]:
    """What the calm generator costs, and the wild one."""
    tau, calm, wild = _scene(*place)
    return _mean(penalty, calm, tau), _mean(penalty, wild, tau)


def _memorised(seed, n, d, width):
    """τ (n, d), a right generator, and z, of a generator f(z) that is right at the tasks alone, whatever z is."""
    random = torch.Generator().manual_seed(seed)
    tau = _tasks(random, n, d)
    V, shift, fast = (torch.randn(size, generator=random) for size in ((d, width), (width,), (d, WAVES)))
    phases = 2 * math.pi * torch.rand(WAVES, generator=random)

    def right(at):
        return torch.sin((at - tau.mean(0)) @ V / (2 * d**0.5) + shift)

    def seen(at):
        at = _float(at) - tau.mean(0)
        return torch.cat([torch.cos(3 * at @ fast + phases) * (2 / WAVES) ** 0.5, at, torch.ones_like(at[..., :1])], -1)

    matrix = seen(tau)  # (n, features): what φ is held to
    start, free = torch.linalg.pinv(matrix) @ right(tau), torch.linalg.svd(matrix).Vh[n:].T
    z = torch.randn(free.shape[1], width, generator=random)
    return tau, right, lambda z: lambda at: seen(at) @ (start + free @ z), z.requires_grad_()


def _left(penalty, *place) -> float:
    """The error between the tasks after some steps down a penalty, as a share of that before."""
    tau, right, f, z = _memorised(*place)
    random, n = torch.Generator().manual_seed(1), len(tau)
    parts = torch.rand(300, 3, 1, generator=random)
    at = (parts * tau[torch.randint(n, (300, 3), generator=random)]).sum(1) / parts.sum(1)  # amid three tasks each

    def error():
        return (f(z)(at) - right(at)).square().mean().sqrt().item()

    before, adam = error(), torch.optim.Adam([z], lr=RATE)
    torch.manual_seed(0)
    for _step in range(STEPS):
        adam.zero_grad()
        penalty(f(z), tau.clone()).backward()
        adam.step()
    return error() / before


def _one_number(penalty) -> str:
    for place in PLACES:
        tau, calm, wild = _scene(*place)
        for f in (calm, wild):
            given = tau.clone()
            value = penalty(f, given)
            if value is None:
                return _("It gives back nothing: is a `return` missing?")
            if isinstance(value, str) or callable(value):
                return _("It must give one number, it gives a {kind}.", kind=type(value).__name__)
            value = torch.as_tensor(value).detach()
            if value.numel() != 1:
                return _(
                    "It must give one number, for {n} tasks it gives the shape {shape}.", n=len(tau), shape=tuple(value.shape)
                )
            if not value.isfinite():
                return _("It gives {value}: a division by zero, as by how far a task is from itself?", value=value.item())
            if value < -1e-4:
                return _(
                    "For one generator it gives {value:.3g}. What is below zero is a reward, which descent may follow for "
                    "ever; a penalty is never below zero.",
                    value=value.item(),
                )
            if not torch.equal(given, tau):
                return _("It changes tau in place: whoever calls it has other descriptions afterwards.")
    return ""


def _nothing_for_no_change(penalty) -> str:
    tau, (calm, wild) = _scene(*PLACES[0])[0], _costs(penalty, *PLACES[0])
    same = torch.linspace(1, 3, PLACES[0][-1])
    cost = _mean(penalty, lambda at: same + 0 * _float(at)[..., :1], tau)
    if all(math.isclose(cost, other, rel_tol=1e-6) for other in (calm, wild)):
        return _("It gives {cost:.3g} for every generator, however it changes: it does not use what f writes.", cost=cost)
    if cost > 1e-3 * max(calm, wild):
        return _(
            "A generator that writes the same θ everywhere costs {cost:.3g}, one that is wild between the tasks {wild:.3g}. "
            "The first never changes and must cost nothing. Is the size of the weights in it, or a constant?",
            cost=cost,
            wild=wild,
        )
    return ""


def _sees_what_lies_between(measured, penalty) -> str:
    measured["ratio"] = math.inf
    for place in PLACES:
        calm, wild = _costs(penalty, *place)
        costs = {"calm": calm, "wild": wild}
        if math.isclose(calm, wild, rel_tol=0.01):
            return _(
                "A calm generator costs {calm:.3g}, and a wild one {wild:.3g}. At the tasks and close by they write the same, "
                "with the same slopes; they differ in between, and you do not look there. (These tasks lie around a place far "
                "from zero.)",
                **costs,
            )
        if wild < calm:
            return _("The wild generator costs {wild:.3g}, the calm one {calm:.3g}: the wild one should cost more.", **costs)
        if wild < 2 * calm:
            return _(
                "The wild generator costs {wild:.3g}, not even twice the {calm:.3g} of the calm one: look where they differ, "
                "between the tasks, which here lie around a place far from zero.",
                **costs,
            )
        measured["ratio"] = min(measured["ratio"], wild / max(calm, 1e-3 * wild))
    return ""


def _teaches(penalty) -> str:
    for place in PLACES:
        tau, _right, f, z = _memorised(*place)
        value = torch.as_tensor(penalty(f(z), tau))
        (gradient,) = torch.autograd.grad(value.sum(), z, allow_unused=True) if value.requires_grad else (None,)
        if gradient is None or not gradient.any():
            return _(
                "No gradient reaches φ, so that nothing can be learned from it: .item(), .detach(), no_grad, a list of "
                "numbers, a count or a comparison cut the graph."
            )
        if not gradient.isfinite().all():
            return _("The value is a number, but its gradient is not: a root, or a norm, of zero?")
    return ""


def _no_sum_over_tasks(penalty) -> str:
    _tau, _right, f, z = _memorised(2, 3, 2, 3)
    tau = _tasks(torch.Generator().manual_seed(3), 32, 2)
    few, many = sum(_mean(penalty, f(z), some) for some in tau.view(4, 8, 2)) / 4, _mean(penalty, f(z), tau)
    if many > 2.5 * few:
        return _(
            "For one generator it gives {few:.3g} with 8 tasks and {many:.3g} with 32. Is it a sum over tasks, or over pairs "
            "of them? λ would have to be chosen anew for every number of tasks.",
            few=few,
            many=many,
        )
    return ""


def _tames(measured, penalty) -> str:
    left = measured["left"] = max(_left(penalty, *place) for place in PLACES)
    if left <= 0.5:
        return ""
    if not math.isfinite(left):
        return _("On the way down your penalty the generator becomes nan: a root, a norm or a division by what may be zero?")
    return _(
        "A generator that is right at its tasks, and stays so, goes {steps} steps down your penalty. Then its error between "
        "the tasks is {left:.0%} of what it was; half was asked. Where do you look, how often, and where does the "
        "gradient pull?",
        steps=STEPS,
        left=left,
    )
