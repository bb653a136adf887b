"""The checks of this lesson's exercises."""

import math

import torch

from hyperedu.generators import MLPGenerator
from hyperedu.lessons import feedback
from hyperedu.main_network import MainNetwork
from hyperedu.words import _


def linear_sensitivity(answer) -> None:
    sigma = 3 + 2 * math.sqrt(2)  # of V = [[1, 2], [0, 1]], squared
    feedback.number(
        answer,
        3.0,
        "∂θ/∂τ is V itself, wherever τ is: the sum of its squared entries, by P.",
        {
            6.0: "That is ‖V‖². Equation (2) divides by P, the number of weights.",
            1.5: "You divided by all four entries of V. Equation (2) divides by P = 2.",
            math.sqrt(6): "That is the norm; the penalty is its square, by P.",
            math.sqrt(6) / 2: "The norm enters squared.",
            sigma: "That is the largest singular value squared, (3). Here all singular values count.",
            sigma / 2: "That takes the largest singular value alone. Here all of them count: the sum of all squared entries.",
            4.0: "That adds the entries up. They enter squared.",
            2.0: "That adds the entries up. They enter squared.",
        },
        "For f(τ) = Vτ the Jacobian is V. Add up its squared entries and divide by P = 2.",
    )


def finite_difference(answer) -> None:
    if feedback.unanswered(answer):
        return
    random, h = torch.Generator().manual_seed(0), 0.1
    V, tau, error = (torch.randn(*shape, generator=random, dtype=torch.float64) for shape in ((5, 2), (4, 2), (4, 2)))
    V.requires_grad_()
    change = (error @ V.mT).square()
    expected = change.mean().item()
    try:
        value = feedback.tensor(answer(lambda t: t @ V.mT, tau, error, h), ())
    except Exception as raised:
        feedback.wrong(
            _("Calling it with τ and error (4, 2) raises {name}: {raised}.", name=type(raised).__name__, raised=raised)
        )
        return
    if value is None:
        return
    known = {
        expected * h**2: "The difference was not divided by h: the penalty would fade as h gets smaller.",
        expected * h: "The square of the difference must be divided by h², not by h.",
        expected * 5: "Sum over the tasks' weights: divide by P = 5, or take the mean over tasks and weights.",
        expected * 20: "That is the sum over tasks and weights: take the mean over both.",
        expected * 4: "That is the sum over tasks: take their mean.",
        change.sum(-1).sqrt().mean().item(): "That is the norm; the penalty is the square of it, by P.",
    }
    said = [text for mistake, text in known.items() if math.isclose(value.item(), mistake, rel_tol=1e-6)]
    if math.isclose(value.item(), expected, rel_tol=1e-6):
        if value.requires_grad:
            feedback.right("For a small h this is what `Sensitivity` computes, and it needs no derivative of the generator.")
        else:
            feedback.wrong("The value is right, but no gradient reaches φ: is something cut by .detach(), .item() or no_grad?")
    elif said:
        feedback.wrong(said[0])
    else:
        feedback.wrong("It should be the mean over tasks and weights of ((f(τ + h · error) − f(τ)) / h)².")


def keeper(answer) -> None:
    if feedback.unanswered(answer):
        return
    random = torch.Generator().manual_seed(0)
    f = MLPGenerator(2, MainNetwork.mlp([1, 3, 1]), hidden=(4,), rng=random)
    tau = torch.randn(3, 2, generator=random)
    before = f(tau).detach()
    try:
        penalty = answer(f, tau)
        at_once = penalty()
        with torch.no_grad():
            f.head.bias.add_(0.5)
        value = penalty()
        difference = (f(tau) - before).square()
        (slope,) = torch.autograd.grad(value, f.head.bias, allow_unused=True)
    except Exception as raised:
        feedback.wrong(
            _(
                "keeper(f, tau)() must give a number that can be differentiated: {name}: {raised}.",
                name=type(raised).__name__,
                raised=raised,
            )
        )
        return
    expected, value = difference.sum(-1).mean().item(), value.item()
    if at_once.item() > 1e-9:
        feedback.wrong("Just after the snapshot nothing has changed yet: the penalty must be 0.")
    elif value < 1e-9:
        feedback.wrong("Still 0 after f changed: the snapshot is taken anew at every call. Take it once, before `penalty`.")
    elif slope is None or not slope.any():
        feedback.wrong("No gradient reaches f: only the snapshot is detached, what f writes now is not.")
    elif math.isclose(value, expected, rel_tol=1e-4):
        feedback.right("The snapshot is taken once, before the next task; what f writes now is compared with it at every step.")
    elif math.isclose(value, difference.mean().item(), rel_tol=1e-4):
        feedback.wrong("Equation (5) adds up over the weights and takes the mean over old tasks; you took the mean over both.")
    else:
        feedback.wrong(
            _(
                "After a change of f it should be {expected:.3f}, equation (5), but it is {value:.3f}.",
                expected=expected,
                value=value,
            )
        )
