"""The checks know the right answers, and name the misconception behind every wrong one that they know."""

import pytest
import torch

from hyperedu.lessons.regularization import checks
from saying import NOT_YET, RIGHT, UNANSWERED


def keeper(reduce=lambda t: t.sum(-1).mean(), cut=lambda t: t, offset=0.0):
    def keep(f, old_tau):
        theta_old = f(old_tau).detach() + offset
        return lambda: reduce((cut(f(old_tau)) - theta_old).square())

    return keep


@pytest.mark.parametrize("check", [checks.linear_sensitivity, checks.finite_difference, checks.keeper, checks.between])
def test_an_exercise_not_yet_answered_is_no_error(says, check):
    assert says(check, ...).startswith(UNANSWERED)


@pytest.mark.parametrize(
    ("check", "answer", "words"),
    [
        (checks.linear_sensitivity, torch.tensor([[1.0, 2.0], [0.0, 1.0]]).square().sum() / 2, RIGHT),
        (checks.linear_sensitivity, 6, "divides by P, the number of weights"),
        (checks.linear_sensitivity, 6 / 4, "all four entries"),
        (checks.linear_sensitivity, 6**0.5, "That is the norm"),
        (checks.linear_sensitivity, 6**0.5 / 2, "enters squared"),
        (checks.linear_sensitivity, torch.linalg.matrix_norm(torch.tensor([[1.0, 2.0], [0.0, 1.0]]), 2) ** 2, "(3)"),
        (checks.linear_sensitivity, (3 + 8**0.5) / 2, "largest singular value alone"),
        (checks.linear_sensitivity, 4, "adds the entries up"),
        (checks.linear_sensitivity, 4 / 2, "adds the entries up"),
        (checks.linear_sensitivity, 7, "the Jacobian is V"),
    ],
)
def test_a_number(says, check, answer, words):
    said = says(check, answer)
    assert words in said
    assert said.startswith(RIGHT if words == RIGHT else NOT_YET)


def rough(divide=lambda h: h**2, reduce=torch.mean, cut=lambda t: t):
    return lambda f, tau, error, h: reduce(cut(f(tau + h * error) - f(tau)).square()) / divide(h)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (rough(), RIGHT),
        (rough(lambda h: 1), "not divided by h"),
        (rough(lambda h: h), "by h², not by h"),
        (rough(reduce=torch.sum), "sum over tasks and weights"),
        (rough(reduce=lambda t: t.sum(-1).mean()), "Sum over the tasks' weights"),
        (rough(reduce=lambda t: t.mean(-1).sum()), "sum over tasks: take"),
        (rough(lambda h: h, reduce=lambda t: t.sum(-1).sqrt().mean()), "That is the norm"),
        (rough(cut=torch.Tensor.detach), "The values are right, but no gradient reaches 0.bias, 0.weig"),
        (rough(reduce=lambda t: 3 * t.mean()), "It is 3 times what it should be, whatever it is called with."),
        (rough(reduce=lambda t: t), "shape must be ()"),
        (lambda f, tau: tau, "raises TypeError"),
    ],
)
def test_the_finite_difference(says, answer, words):
    assert words in says(checks.finite_difference, answer)


def forgetful(f, old_tau):
    return lambda: (f(old_tau) - f(old_tau).detach()).square().sum(-1).mean()


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (keeper(), RIGHT),
        (forgetful, "taken anew at every call"),
        (keeper(offset=1.0), "Right after the snapshot the penalty is 0, and after f chang"),
        (keeper(cut=lambda t: t.detach() + 0 * t), "No gradient reaches f"),
        (keeper(reduce=torch.mean), "mean over both"),
        (keeper(reduce=torch.sum), "Equation (5) adds up over the weights and takes the mean ove"),
        (lambda f, tau: 0.0, "must return a function of nothing"),
    ],
)
def test_the_keeper(says, answer, words):
    assert words in says(checks.keeper, answer)


def mixed(f, tau, n=100):
    i, j = torch.randint(len(tau), (2, n))
    part = torch.rand(n, 1)
    return (f(part * tau[i] + (1 - part) * tau[j]) - part * f(tau[i]) - (1 - part) * f(tau[j])).square().mean()


def all_slopes(f, tau):
    """Half-way between all tasks, each with itself too, by whole Jacobians of one description."""
    return torch.func.vmap(torch.func.jacrev(f))(((tau[:, None] + tau) / 2).flatten(0, 1)).square().sum((-1, -2)).mean()


def spread_by_two_means(f, tau):
    """E θ² − (E θ)², which rounding can make a little negative where θ is the same everywhere."""
    theta = f(tau[torch.randint(len(tau), (100,))] + torch.randn(100, tau.shape[1]))
    return (theta.square().mean(0) - theta.mean(0).square()).mean()


def in_float64(f, tau):
    return mixed(f, tau.double()).double()


def one_third(f, tau):
    """Looks from each task a third of the way to the next one, by their order: too few places."""
    return (f((2 * tau + tau.roll(1, 0)) / 3) - f(tau)).square().mean()


def in_place(f, tau):
    found = mixed(f, tau)
    tau += 1
    return found


@pytest.mark.parametrize("answer", [mixed, all_slopes, spread_by_two_means, in_float64, lambda f, tau: 100 * mixed(f, tau)])
def test_penalties_that_differ_are_good(says, answer):
    said = says(checks.between, answer)
    assert said.startswith(RIGHT)
    assert "%" in said


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (3.0, "A function is asked for"),
        (lambda f, tau: None, "It gives back nothing"),
        (lambda f, tau: "small", "it gives a str"),
        (lambda f, tau: f(tau), "for 8 tasks it gives the shape (8, 4)"),
        (lambda f, tau: torch.zeros(()), "It gives 0 for every generator"),
        (lambda f, tau: tau.square().mean(), "for every generator, however it changes"),
        (lambda f, tau: 1 + mixed(f, tau), "or a constant?"),
        (lambda f, tau: f(tau).var(0).mean(), "you do not look there"),
        (lambda f, tau: -mixed(f, tau), "What is below zero is a reward"),
        (lambda f, tau: mixed(f, tau).detach(), "No gradient reaches φ"),
        (lambda f, tau: mixed(f, tau).numpy(), "takes numbers out of the graph"),
        (lambda f, tau: mixed(f, tau).detach().numpy(), "No gradient reaches φ"),
        (lambda f, tau: [mixed(f, tau)], "No gradient reaches φ"),
        (lambda f, tau: len(tau) * mixed(f, tau), "a sum over tasks"),
        (lambda f, tau: sum(p.square().sum() for p in f.parameters()), "no attribute 'parameters'"),
        (one_third, "how often"),
        (lambda f: f, "raises TypeError"),
        (in_place, "in place"),
    ],
)
def test_what_does_not_look_between_the_tasks_is_told_so(says, answer, words):
    said = says(checks.between, answer)
    assert said.startswith(NOT_YET)
    assert words in said
