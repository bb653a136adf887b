"""The checks know the right answers, and name the misconception behind every wrong one that they know."""

import math

import pytest
import torch

from hyperedu.lessons.maml import checks
from saying import NOT_YET, RIGHT, UNANSWERED


@pytest.mark.parametrize("check", [checks.meta_gradient, checks.head_only, checks.second_order, checks.own_update])
def test_an_exercise_not_yet_answered_is_no_error(says, check):
    assert says(check, ...).startswith(UNANSWERED)


@pytest.mark.parametrize(
    ("check", "answer", "words"),
    [
        (checks.meta_gradient, (1 - 0.3 * 2) * (2 - 0.3 * 2 * 2 + 0.4), RIGHT),
        (checks.meta_gradient, 2 - 0.3 * 2 * 2 + 0.4, "first-order"),
        (checks.meta_gradient, 1 - 0.3 * 2, "factor 1 − α h alone"),
        (checks.meta_gradient, (1 + 0.3 * 2) * 1.2, "the sign is minus"),
        (checks.meta_gradient, 2 * 0.4 * 1.2, "Twice too much"),
        (checks.meta_gradient, (1 - 0.3 * 2) * (2 + 0.4), "Twice too much"),
        (checks.meta_gradient, 7, "θ' = θ₀ − α h θ₀"),
    ],
)
def test_a_number(says, check, answer, words):
    said = says(check, answer)
    assert words in said
    assert said.startswith(RIGHT if words == RIGHT else NOT_YET)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda main, alpha: dict.fromkeys(list(main.shapes)[-2:], alpha), RIGHT),
        (lambda main, alpha: {list(main.shapes)[-2]: alpha}, "has a bias too"),
        (lambda main, alpha: {}, "Nothing adapts"),
        (lambda main, alpha: alpha, "It must return a dictionary from names to rates, not a float"),
        (lambda main, alpha: {"head": alpha}, "It must be a dictionary with alpha for the last layer's matr"),
    ],
)
def test_rates_of_the_head(says, answer, words):
    assert words in says(checks.head_only, answer)


def loss_on(main, theta, examples):
    return main.loss(theta, examples).mean()


def one_step(rate=0.05, **options):
    def loss(main, theta_0, tasks):
        theta = theta_0.expand(len(tasks), -1)
        inner = main.loss(theta, tasks.support).sum()
        theta = theta - rate * torch.autograd.grad(inner, theta, **options)[0]
        return loss_on(main, theta, tasks.query)

    return loss


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (one_step(create_graph=True), RIGHT),
        (one_step(), "still the first-order gradient"),
        (one_step(0.5, create_graph=True), "For θ₀ (19,), 4 tasks of 5 examples it is 9.27 times what it"),
        (lambda main, theta_0, tasks: torch.zeros(()), "It gives zeros."),
    ],
)
def test_the_second_order(says, answer, words):
    assert words in says(checks.second_order, answer)


def momentum(rate, kept, steps=8):
    def update(gradient, theta_0):
        theta, step = theta_0, 0
        for _ in range(steps):
            step = kept * step - rate * gradient(theta)
            theta = theta + step
        return theta

    return update


def by_turns(rates):
    def update(gradient, theta_0):
        for rate in rates:
            theta_0 = theta_0 - rate * gradient(theta_0)
        return theta_0

    return update


def barzilai_borwein(gradient, theta_0):
    before, g_before = theta_0, gradient(theta_0)
    theta = theta_0 - 0.05 * g_before
    for _ in range(7):
        g = gradient(theta)
        moved, bent = theta - before, g - g_before
        before, g_before, theta = theta, g, theta - (moved @ bent) / (bent @ bent) * g
    return theta


CHEBYSHEV = [1 / (10.5 + 9.5 * math.cos(math.pi * (2 * k + 1) / 16)) for k in range(8)]


def newton(gradient, theta_0):
    return theta_0 - torch.linalg.solve(torch.func.jacrev(gradient)(theta_0), gradient(theta_0))


def conjugate(gradient, theta_0):
    """Does not use the start: it begins at 0."""
    theta, at_zero = torch.zeros_like(theta_0), gradient(torch.zeros_like(theta_0))
    r = d = -at_zero
    for _ in range(7):
        Hd = gradient(d) - at_zero
        theta, left = theta + (r @ r) / (d @ Hd) * d, r - (r @ r) / (d @ Hd) * Hd
        d, r = left + (left @ left) / (r @ r) * d, left
    return theta.detach()


def adam(gradient, theta_0):
    """Its first step has the length 0.3 along each axis: it bends wherever an entry of the gradient is 0."""
    theta, m, v = theta_0, 0, 0
    for k in range(1, 9):
        g = gradient(theta)
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        theta = theta - 0.3 * (m / (1 - 0.9**k)) / ((v / (1 - 0.999**k)).sqrt() + 1e-8)
    return theta


def optimiser(gradient, theta_0):
    theta = torch.nn.Parameter(theta_0.detach().clone())
    sgd = torch.optim.SGD([theta], lr=0.1, momentum=0.5)
    for _ in range(8):
        theta.grad = gradient(theta).detach()
        sgd.step()
    return theta


def swallows(gradient, theta_0):
    """Asks for one gradient too many, and hides that it was refused."""
    theta = momentum(0.1, 0.5)(gradient, theta_0)
    try:
        return theta - 0.1 * gradient(theta)
    except Exception:
        return theta


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (
            momentum(0.1, 0.5),
            "Its query loss is 0.10 of that of plain steps. Of a change",
        ),  # these four: in the teacher's notes
        (by_turns(CHEBYSHEV), "Its query loss is 0.04 of that of plain steps. Of a change"),
        (barzilai_borwein, "Its query loss is 0.30 of that of plain steps. Of a change"),
        (by_turns([0.06, 0.2] * 4), "Its query loss is 0.42 of that of plain steps. Of a change"),
        (lambda gradient, theta_0: momentum(0.1, 0.5)(gradient, theta_0.float()).double(), RIGHT),
        (by_turns([0.06] * 5 + [0.12, 0.25, 0.6]), RIGHT),
        (newton, "Of a change of the start 0.0% is left at the end"),
        (momentum(0.1, 0.2), "Its query loss is 0.45 of that of plain steps. Of a change"),
        (momentum(0.09, 0.2), "Its query loss is 0.59 of that of plain steps, and 0.5 is asked"),
        (by_turns([0.09] * 8), "These are 8 plain steps of rate 0.09, with 1.00 times"),
        (by_turns([0.09] * 5), "it calls gradient 5 times"),
        (by_turns([0.06, 0.5] * 4), "It diverges"),
        (by_turns([1e200] * 8), "nan or inf"),
        (adam, "where it stops short of c"),
        (conjugate, "No gradient reaches θ₀"),
        (optimiser, "No gradient reaches θ₀"),
        (lambda gradient, theta_0: momentum(0.1, 0.5)(lambda theta: gradient(theta).detach(), theta_0), "first order"),
        (swallows, "more than 8 times"),
        (momentum(0.1, 0.5, steps=9), "more than 8 times"),
        (lambda gradient, theta_0: theta_0, "never calls gradient"),
        (lambda gradient, theta_0: theta_0 - 0 * gradient(theta_0), "gives θ₀ back"),
        (lambda gradient, theta_0: theta_0 - torch.rand(1) * gradient(theta_0), "draws at random"),
        (lambda gradient, theta_0: (theta_0 - gradient(theta_0)).tolist(), "It gives back a list"),
        (lambda gradient, theta_0: (theta_0 - gradient(theta_0)).sum(), "θ' has the shape ()"),
        (lambda gradient, theta_0: gradient(theta_0.detach().numpy()), "called with ndarray"),
        (lambda gradient, theta_0: gradient(theta_0[None]), "called with (1, 9)"),
        (lambda gradient, theta_0: print(end=""), "It gives back nothing"),
        (lambda gradient, theta_0: theta_0 - 0.1 * gradient, "raises TypeError"),
        (torch.zeros(9), "A function is asked for, this is Tensor"),
    ],
)
def test_an_update_of_ones_own(says, answer, words):
    said = says(checks.own_update, answer)
    assert words in said
    assert said.startswith((RIGHT, NOT_YET))
