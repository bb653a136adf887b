"""The checks know the right answers, and name the misconception behind every wrong one that they know."""

from itertools import permutations

import pytest
import torch

from hyperedu import MainNetwork
from hyperedu.lessons.everything_is_a_mapping import checks
from saying import NOT_YET, RIGHT, UNANSWERED


@pytest.mark.parametrize("check", [checks.weight_count, checks.relu_network, checks.cut, checks.other_weights])
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


def rescaled(factors, before=lambda W_1, b_1: (W_1, b_1), after=lambda W_2, b_2: (W_2, b_2)):
    """n weight vectors: what goes into the units times `factors(n)`, (n, 1) or (n, 4), what leads out of them divided by it."""

    def others(theta, n):
        W_1, b_1, W_2, b_2 = theta.split([4, 4, 4, 1])
        c, (W_1, b_1), (W_2, b_2) = factors(n), before(W_1, b_1), after(W_2, b_2)
        return torch.cat([c * W_1, c * b_1, W_2 / c, b_2.expand(n, 1)], dim=-1)

    return others


def whole(n):
    return torch.arange(2.0, n + 2).unsqueeze(-1)


def in_other_orders(theta, n):
    orders = [list(order) for order in permutations(range(4))][1:]
    rows = [orders[k % 23] for k in range(n)]
    return torch.stack([torch.cat([*(part[row] for part in theta[:12].split(4)), theta[12:]]) for row in rows])


def in_place(theta, n):
    with torch.no_grad():
        theta[0] += 1
    return theta.repeat(n, 1)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (rescaled(whole), RIGHT),
        (rescaled(lambda n: 2.0 ** torch.arange(1, n + 1).unsqueeze(-1)), RIGHT),  # to 1e30, and exact
        (rescaled(lambda n: 0.5 + torch.rand(n, 1)), RIGHT),  # some near each other, and near θ
        (rescaled(lambda n: 1 + 1 / torch.arange(1, n + 1).unsqueeze(-1)), RIGHT),
        (lambda theta, n: rescaled(whole)(theta.double(), n), RIGHT),
        (lambda theta, n: [list(row) for row in rescaled(whole)(theta, n)], RIGHT),
        (lambda theta, n: rescaled(whole)(theta[torch.tensor([1, 0, 2, 3, 5, 4, 6, 7, 9, 8, 10, 11, 12])], n), RIGHT),
        (rescaled(lambda n: torch.linspace(1, 2, n).unsqueeze(-1)), "number 1 is as good as θ itself"),
        (lambda theta, n: theta.repeat(n, 1), "number 1 is as good as θ itself"),
        (lambda theta, n: theta + 1e-7 * torch.randn(n, 13), "number 1 is as good as θ itself"),
        (lambda theta, n: theta + 3e-5 * torch.randn(n, 13), "is not that of θ"),
        (in_other_orders, "number 1 and number 24 are as good as alike; without repeats 23 of 100 are left"),
        (lambda theta, n: in_other_orders(theta, n)[:23], "For n = 100 there are only 23."),
        (rescaled(lambda n: -torch.ones(n, 1)), "What is ReLU(−h)?"),
        (rescaled(lambda n: -whole(n)), "Without ReLU all would draw one curve"),
        (rescaled(lambda n: 10.0 ** torch.arange(1, n + 1).unsqueeze(-1)), "number 39 has nan or inf"),
        (lambda theta, n: whole(n) * theta, "Without b₂ curve number 7 is 64 times as high"),
        (lambda theta, n: torch.cat([whole(n) * theta[:8], theta[8:].expand(n, 5)], 1), "number 7 is 8 times as high"),
        (lambda theta, n: theta + whole(n) * torch.eye(13)[12], "b₂ belongs to no unit"),
        (lambda theta, n: theta + whole(n) * torch.eye(13)[4], "is not that of θ: at x = "),
        (rescaled(whole, before=lambda W_1, b_1: (W_1.flip(0), b_1.flip(0))), "it must go where its unit goes"),
        (rescaled(whole, before=lambda W_1, b_1: (W_1, b_1.flip(0))), "is right. What is done to a unit's W₁ must"),
        (rescaled(whole, before=lambda W_1, b_1: (W_1, b_1.detach())), "their gradient at b₁ is not that"),
        (lambda theta, n: rescaled(whole)(theta.detach(), n), "no gradient reaches θ"),
        (lambda theta, n: rescaled(whole)(theta.detach(), n).numpy(), "no gradient reaches θ"),
        (lambda theta, n: theta.numpy(), "compute with torch"),
        (in_place, "It changes θ in place"),
        (lambda theta, n: theta.mul_(2), "It changes its argument in place"),
        (lambda theta, n: rescaled(whole)(theta, n).T, "the shape must be (7, 13), it is (13, 7)"),
        (lambda theta, n: rescaled(whole)(theta, n).squeeze(), "For n = 1 the shape must be (1, 13), it is (13,)"),
        (lambda theta, n: [], "it is (0,)"),
        (lambda theta, n: None, "is a `return` missing?"),
        (lambda theta, n: {}, "It gives back a dict"),
        (lambda theta: theta, "raises TypeError"),
        (torch.zeros(7, 13), "A function is asked for, this is Tensor"),
    ],
)
def test_other_weights_that_draw_the_same_curve(says, answer, words):
    said = says(checks.other_weights, answer)
    assert words in said
    assert said.startswith(RIGHT if words == RIGHT else NOT_YET)


def test_a_unit_that_is_off_where_one_looks_is_not_free(says):
    def others(theta, n):
        return theta + whole(n) * torch.eye(13)[8] * ((5 * theta[0].abs() + theta[4]) < 0)

    assert "From −5 to 5 all draw the curve of θ" in says(checks.other_weights, others)


def test_the_curve_of_the_check_is_that_of_the_package():
    theta, x = torch.randn(5, 13, generator=torch.Generator().manual_seed(0)), torch.linspace(-5, 5, 9)
    assert torch.allclose(
        checks._curve(theta, x), MainNetwork.mlp([1, 4, 1])(theta, x[:, None]).squeeze(-1).double(), atol=1e-5
    )
