"""The checks know the right answers, and name the misconception behind every wrong one that they know."""

import pytest
import torch

from hyperedu import MainNetwork
from hyperedu.lessons.everything_is_a_mapping import checks
from saying import NOT_YET, RIGHT, UNANSWERED


@pytest.mark.parametrize("check", [checks.weight_count, checks.relu_network, checks.cut])
def test_an_exercise_not_yet_answered_is_no_error(says, check):
    assert says(check, ...).startswith(UNANSWERED)


@pytest.mark.parametrize(
    ("check", "answer", "words"),
    [
        (checks.weight_count, MainNetwork.mlp([2, 5, 3]).weight_dim, RIGHT),
        (checks.weight_count, 2 * 5 + 5 * 3, "but not the biases"),
        (checks.weight_count, 2 * 5 * 3, "Three too few"),
        (checks.weight_count, 33 + 3, "the 3 outputs have their biases once"),
        (checks.weight_count, 25 + 3, "Five too few"),
        (checks.weight_count, 31, "5 and 3 of them"),
        (checks.weight_count, 7, "add up the two layers"),
    ],
)
def test_a_number(says, check, answer, words):
    said = says(check, answer)
    assert words in said
    assert said.startswith(RIGHT if words == RIGHT else NOT_YET)


def network(activation=torch.relu, order=slice(None), change=lambda theta: theta):
    def g(theta, x):
        theta = change(theta)
        W_1, b_1, W_2, b_2 = [theta[0:4].view(4, 1), theta[4:8], theta[8:12].view(1, 4), theta[12:13]]
        if order != slice(None):
            b_1, W_2 = W_2[0], b_1.view(1, 4)
        return activation(x @ W_1.T + b_1) @ W_2.T + b_2

    return g


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (network(), RIGHT),
        (network(torch.tanh), "still tanh"),
        (network(order="biases last"), "θ holds layer after layer, W₁, b₁, W₂, b₂; you took both mat"),
        (network(change=torch.Tensor.detach), "no gradient reaches θ"),
        (lambda theta, x: theta[:20].view(4, 5), "raises RuntimeError"),
        (lambda theta, x: x[0], "shape must be (6, 1)"),
        (lambda theta, x: None, "Called with θ (13,), x (6, 1) it raises ValueError"),
    ],
)
def test_the_relu_network(says, answer, words):
    assert words in says(checks.relu_network, answer)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda t: (t[0:6].view(3, 2), t[6:9], t[9:12].view(1, 3), t[12:13]), RIGHT),
        (lambda t: (t[0:6].view(2, 3).T, t[6:9], t[9:12].view(1, 3), t[12:13]), "the order is not"),
        (
            lambda t: (t[0:6].view(3, 2), t[9:12], t[6:9].view(1, 3), t[12:13]),
            "θ holds layer after layer, W₁, b₁, W₂, b₂; you took both mat",
        ),
        (
            lambda t: (t[0:6].view(2, 3), t[6:9], t[9:12].view(1, 3), t[12:13]),
            "W₁ has a row for each of the 3 units that it leads to and a",
        ),
        (lambda t: t, "It must give 4 tensors, it gives 1."),
    ],
)
def test_cutting_theta(says, answer, words):
    assert words in says(checks.cut, answer)
