"""The checks of this lesson's exercises."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from hyperedu.lessons import feedback, probes, variants
from hyperedu.lessons.variants import spelled
from hyperedu.main_network import MainNetwork
from hyperedu.words import _

PARTS = {"W₁": 4, "b₁": 4, "W₂": 4, "b₂": 1}  # of the ReLU network with four hidden units
ALIKE = 1e-5  # of the norm of θ, within which two weight vectors are one
ROUNDING = 2e-6  # of the sizes of what is added up to y, within which two curves are one
ORDERS = "The four units have 24 orders, with that of θ; what else may change?"
# Where curves are compared: as far as the lesson draws them, and far beyond.
NEAR = torch.arange(-100, 101, dtype=torch.float64) / 20
FAR = torch.tensor([-1000, -100, -30, -10, 10, 30, 100, 1000], dtype=torch.float64)


@dataclass(frozen=True)
class Sizes(variants.Solved):
    """A network of two layers, from a to b to c units."""

    a: int = 2
    b: int = 5
    c: int = 3

    choices = {"a": (2, 3, 4, 5, 6, 7, 8), "b": (4, 5, 6, 7, 8, 9), "c": (2, 3, 4, 5, 6)}

    def __str__(self) -> str:
        return _("the sizes [{a}, {b}, {c}]", a=self.a, b=self.b, c=self.c)

    @property
    def matrices(self) -> int:
        return self.a * self.b + self.b * self.c

    @property
    def right(self) -> int:
        return self.matrices + self.b + self.c

    def mistakes(self) -> Mapping[str, int]:
        a, b, c, right = self.a, self.b, self.c, self.right
        A, B, C = (spelled(n).capitalize() for n in (a, b, c))
        numbers = {"a": a, "b": b, "c": c, "ab": a * b, "bc": b * c, "A": A, "B": B, "C": C}
        outputs = "{C} too few: the outputs have biases too, though no activation."
        if a * b * c == right - c:
            outputs = "{C} too few: the outputs have biases too, though no activation. (Or it is {a} · {b} · {c}: they add up.)"
        return {
            _("That counts the matrices, {ab} + {bc}, but not the biases.", **numbers): self.matrices,
            _("{C} too many: the {c} outputs have their biases once.", **numbers): right + c,
            _("{A} too many: the {a} inputs have no biases of their own, they are given, not computed.", **numbers): right + a,
            _("{B} too few: the biases of the first layer, one for each of its units.", **numbers): right - b,
            _(outputs, **numbers): right - c,
            _("That is {a} · {b} · {c}: layers add up.", **numbers): a * b * c,
            _("{A} too few: biases belong to units that compute something, {b} and {c} of them.", **numbers): right - a,
            _("That gives each layer a single bias: each of the {b} + {c} units has its own.", **numbers): self.matrices + 2,
            _("That has a layer from {b} to {b} more: three sizes are two layers.", **numbers): right + b * b + b,
        }


@variants.keyed(Sizes)
def weight_count(answer, sizes: Sizes) -> None:
    feedback.number(
        answer,
        sizes.right,
        _("MainNetwork.mlp([{a}, {b}, {c}]).weight_dim says the same.", a=sizes.a, b=sizes.b, c=sizes.c),
        sizes.told(),
        "Each layer from a to b units has a · b weights and b biases; add up the two layers.",
    )


def relu_network(answer) -> None:
    def network(theta, x, activation=torch.relu, last=lambda y: y, bias=1.0):
        W_1, b_1, W_2, b_2 = theta[:4].view(4, 1), theta[4:8], theta[8:12].view(1, 4), theta[12:]
        return last(activation(x @ W_1.T + bias * b_1) @ W_2.T + bias * b_2)

    def matrices_first(theta, x):
        return network(torch.cat([theta[:4], theta[8:12], theta[4:8], theta[12:]]), x)

    def case(seed, n):
        random = torch.Generator().manual_seed(seed)
        main = MainNetwork.mlp([1, 4, 1])
        theta = main.initial_weights(rng=random) + 0.3 * torch.randn(13, generator=random)
        return theta.requires_grad_(), torch.randn(n, 1, generator=random)

    mistakes = {
        "This is still tanh: replace it by torch.relu.": partial(network, activation=torch.tanh),
        "An activation after the last layer too: no output could be negative. Only the hidden layer has one.": partial(
            network, last=torch.relu
        ),
        "There is no activation in between: two linear layers are one linear map.": partial(network, activation=lambda h: h),
        "The biases are missing.": partial(network, bias=0.0),
        "θ holds layer after layer, W₁, b₁, W₂, b₂; you took both matrices first.": matrices_first,
    }
    probes.function(
        answer,
        network,
        [partial(case, 0, 6), partial(case, 1, 1), partial(case, 2, 4)],
        mistakes,
        "And since θ is only an argument, a gradient flows into it: the next lesson lives on that.",
        "The values differ from those of MainNetwork.mlp([1, 4, 1]): are W₁, b₁, W₂, b₂ cut from θ in this order?",
        names=("θ", "x"),
    )


def cut(answer) -> None:
    def right(theta, W_1=lambda w: w.view(3, 2)):
        return W_1(theta[0:6]), theta[6:9], theta[9:12].view(1, 3), theta[12:13]

    def case(seed):
        theta = torch.arange(13.0) if seed == 0 else torch.randn(13, generator=torch.Generator().manual_seed(seed))
        return (theta.requires_grad_(),)

    mistakes = {
        "The shape is right, the order is not: .view(2, 3).T puts the second number of θ into the second row, but it is "
        "the second weight of the first unit.": partial(right, W_1=lambda w: w.view(2, 3).T),
        "W₁ has a row for each of the 3 units that it leads to and a column for each of the 2 inputs: (3, 2).": partial(
            right, W_1=lambda w: w.view(2, 3)
        ),
        "θ holds layer after layer, W₁, b₁, W₂, b₂; you took both matrices first.": lambda theta: (
            theta[0:6].view(3, 2), theta[9:12], theta[6:9].view(1, 3), theta[12:13],
        ),
    }  # fmt: skip
    probes.function(
        answer,
        right,
        [partial(case, 0), partial(case, 1)],
        mistakes,
        "A generator could even learn with the wrong order, since it writes whatever works; but weights taken from an "
        "ordinary network would be scrambled without an error.",
        "θ is filled row by row, layer by layer: W₁ (3, 2), b₁ (3), W₂ (1, 3), b₂ (1).",
        names=("θ",),
    )


def other_weights(answer) -> None:
    probes.made(answer, [_vectors, _one_curve, _all_different, _learns], _how_far)


def _curve(theta: Tensor, x: Tensor, activation: Callable = torch.relu) -> Tensor:
    """What weights (…, 13) draw at x (n,): (…, n)."""
    W_1, b_1, W_2, b_2 = theta.double().unsqueeze(-1).split(list(PARTS.values()), dim=-2)
    return (W_2 * activation(W_1 * x + b_1)).sum(-2) + b_2.squeeze(-2)


def _some_theta(seed: int) -> Tensor:
    """Weights (13,) that ask for a gradient. The first unit is off from −5 to 5: its kink is at 8 or −8."""
    random = torch.Generator().manual_seed(seed)
    theta = MainNetwork.mlp([1, 4, 1]).initial_weights(rng=random) + 0.3 * torch.randn(13, generator=random)
    theta[4] = -8 * theta[0].abs()
    return theta.requires_grad_()


def _tensor(result: Any) -> Tensor:
    """A tensor of whatever holds numbers, with the graph that it has."""
    if isinstance(result, Tensor):
        return result.double()
    if isinstance(result, np.ndarray | np.generic | float | int):
        return torch.as_tensor(np.asarray(result, dtype=float))
    if result is None:
        raise probes.Said(_("It gives back nothing: is a `return` missing?"))
    if not isinstance(result, list | tuple):
        raise probes.Said(_("It gives back a {kind}, and numbers are asked for.", kind=type(result).__name__))
    return torch.stack([_tensor(part) for part in result]) if result else torch.zeros(0)


def _others(answer: Callable, theta: Tensor, n: int) -> Tensor:
    """What it gives for θ (13,), as (n, 13) in float64, with its graph.

    Raises:
        Said: these are not n weight vectors.
    """
    before = theta.detach().clone()
    found = _tensor(answer(theta, n))
    if not torch.equal(before, theta.detach()):
        raise probes.Said(_("It changes θ in place: whoever calls it has other weights afterwards."))
    shape = tuple(found.shape)
    if shape[1:] == (13,) and len(found) < n:
        raise probes.Said(_("For n = {n} there are only {m}. {orders}", n=n, m=len(found), orders=_(ORDERS)))
    if shape != (n, 13):
        raise probes.Said(_("For n = {n} the shape must be ({n}, 13), it is {shape}.", n=n, shape=shape))
    if not found.isfinite().all():
        number = found.isfinite().all(1).int().argmin().item() + 1
        raise probes.Said(
            _("For n = {n}, number {number} has nan or inf in it: is it divided by zero, or too large?", n=n, number=number)
        )
    return found


def _vectors(others) -> str:
    if not callable(others):
        kind = type(others).__name__
        return _("A function is asked for, this is {kind}: it will be called for other θ and n.", kind=kind)
    for seed, n in enumerate((7, 1, 100)):
        _others(others, _some_theta(seed), n)
    return ""


def _all_different(others) -> str:
    for seed, n in enumerate((7, 1, 100)):
        theta = _some_theta(seed)
        found = torch.cat([theta.detach().double().unsqueeze(0), _others(others, theta, n).detach()])
        away = torch.cdist(found, found, compute_mode="donot_use_mm_for_euclid_dist") / theta.detach().norm()
        pairs = (away < ALIKE).triu(1)
        if not pairs.any():
            continue
        if pairs[0].any():
            number = pairs[0].int().argmax().item()
            return _("For n = {n}, number {number} is as good as θ itself: others are asked for.", n=n, number=number)
        one, other = pairs.nonzero()[0].tolist()
        different = n - pairs.any(0).sum().item()
        return _(
            "For n = {n}, number {one} and number {other} are as good as alike; without repeats {different} "
            "of {n} are left. {orders}",
            orders=_(ORDERS),
            n=n,
            different=different,
            one=one,
            other=other,
        )
    return ""


def _away(theta: Tensor, found: Tensor, x: Tensor, activation: Callable = torch.relu) -> Tensor:
    """By how much each of n curves differs from that of θ at x, for the size of what is added up there: (n, len(x))."""
    W_1, b_1, W_2, b_2 = theta.detach().double().abs().unsqueeze(-1).split(list(PARTS.values()))
    size = (W_2 * (W_1 * x.abs() + b_1)).sum(0) + b_2.squeeze(0)
    return (_curve(found, x, activation) - _curve(theta, x, activation)).detach().abs() / size


def _one_curve(others) -> str:
    for seed, n in enumerate((7, 1, 100)):
        theta = _some_theta(seed)
        found = _others(others, theta, n).detach()
        x = torch.cat([NEAR, FAR, (-theta[4:8] / theta[:4]).detach().double()])  # there are the kinks
        away = _away(theta, found, x)
        if (away < ROUNDING).all():
            continue
        number, k = divmod(away.argmax().item(), len(x))
        return _of_another_network(theta, found) or _of_other_weights(others, theta, n) or _(
            "Curve number {number} is not that of θ: at x = {x:.4g} it has {y:.6g}, and θ has {right:.6g}.",
            number=number + 1,
            x=x[k].item(),
            y=_curve(found[number], x)[k].item(),
            right=_curve(theta, x)[k].item(),
        )  # fmt: skip
    return ""


def _of_another_network(theta: Tensor, found: Tensor) -> str:
    """What is said of weights that draw something else, but would not in another network, or nearly not."""
    x = torch.cat([NEAR, FAR])
    if (_away(theta, found, x, torch.tanh) < ROUNDING).all():
        return _("With tanh all would draw one curve: tanh(−h) is −tanh(h). What is ReLU(−h)?")
    if (_away(theta, found, x, lambda h: h) < ROUNDING).all():
        return _(
            "Without ReLU all would draw one curve. With it: does what you do to W₁ and b₁, before ReLU, come out behind it in "
            "the same form?"
        )
    if (_away(theta, found, NEAR) < ROUNDING).all():
        return _("From −5 to 5 all draw the curve of θ, but not farther out: at every x is asked for.")
    hidden, right = _curve(found, x) - found[:, 12:], (_curve(theta, x) - theta[12]).detach()
    factor = (hidden @ right) / (right @ right)
    if ((hidden - factor.unsqueeze(-1) * right).abs() < ROUNDING * hidden.abs().amax(-1, keepdim=True)).all():
        k = (factor - 1).abs().argmax()
        if abs(factor[k] - 1) > ROUNDING:
            return _(
                "Without b₂ curve number {number} is {factor:.3g} times as high as that of θ: what leads out of the units, W₂, "
                "must make up for what is done to W₁ and b₁, and only for that.",
                number=k.item() + 1,
                factor=factor[k].item(),
            )
        return _("The curves have the form of that of θ, but some lie higher or lower: b₂ belongs to no unit.")
    return ""


def _of_other_weights(others: Callable, theta: Tensor, n: int) -> str:
    """What is said of a function that is right for θ of which a part is simple."""
    simple = (
        (slice(4, 8), 0.0, "For θ with b₁ = 0 it is right. What is done to a unit's W₁ must be done to its b₁."),
        (
            slice(8, 12),
            1.0,
            "For θ in which all of W₂ are 1 it is right. Each number of W₂ belongs to a unit: it must go where its unit goes.",
        ),
    )
    for cut, value, said in simple:
        plain = theta.detach().clone()
        plain[cut] = value
        try:
            found = _others(others, plain.requires_grad_(), n).detach()
        except Exception:  # of θ that was not promised
            continue
        if (_away(plain, found, torch.cat([NEAR, FAR])) < ROUNDING).all():
            return _(said)
    return ""


def _learns(others) -> str:
    x = torch.linspace(-5, 5, 50, dtype=torch.float64)
    weights = torch.randn(50, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    for seed, n in enumerate((7, 1, 100)):
        theta = _some_theta(seed)
        (right,) = torch.autograd.grad(_curve(theta, x) @ weights, theta)
        y = (_curve(_others(others, theta, n), x) @ weights).mean()
        found = torch.autograd.grad(y, theta, allow_unused=True)[0] if y.requires_grad else None
        if found is None:
            return _(
                "The curves are right, but no gradient reaches θ: .data, .detach(), .item(), no_grad, numpy or torch.tensor "
                "cut the graph."
            )
        wrong = ((found - right).abs() > 1e-3 * right.abs().max()).split(list(PARTS.values()))
        if any(part.any() for part in wrong):
            names = ", ".join(name for name, part in zip(PARTS, wrong, strict=True) if part.any())
            return _(
                "The curves are right, but their gradient at {names} is not that of the curve of θ: a part of the graph "
                "is cut.",
                names=names,
            )
    return ""


def _how_far(others) -> str:
    theta = _some_theta(2)
    away = (_others(others, theta, 100) - theta).norm(dim=-1) / theta.norm()
    return _(
        "A hundred weight vectors, from {least:.2g} to {most:.2g} norms of θ away from it, and one curve. So the size of a "
        "unit's weights says nothing of the curve, and two networks that do the same need not be near each other.",
        least=away.min().item(),
        most=away.max().item(),
    )
