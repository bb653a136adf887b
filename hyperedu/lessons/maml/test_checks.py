"""The checks know the right answers, and name the misconception behind every wrong one that they know."""

import pytest
import torch

from hyperedu.lessons.maml import checks
from saying import NOT_YET, RIGHT, UNANSWERED


@pytest.mark.parametrize("check", [checks.meta_gradient, checks.head_only, checks.second_order])
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
