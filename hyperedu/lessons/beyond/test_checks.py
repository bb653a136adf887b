"""The checks know the right answers, and name the misconception behind every wrong one that they know."""

import pytest
import torch

from hyperedu.lessons.beyond import checks
from saying import NOT_YET, RIGHT, UNANSWERED


@pytest.mark.parametrize("check", [checks.one_round, checks.adapted, checks.server])
def test_an_exercise_not_yet_answered_is_no_error(says, check):
    assert says(check, ...).startswith(UNANSWERED)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (1 + 0.5 * 1 * 0.2 + 0.5 * 2 * -0.2, RIGHT),
        (1 - 0.5 * 1 * 0.2 - 0.5 * 2 * -0.2, "points downhill"),
        (1 + 1 * 0.2 + 2 * -0.2, "shares are ½"),
        (1 + 0.5 * 0.2 + 0.5 * -0.2, "left out"),
        (1 + 0.5 * 1 * 2 + 0.5 * 2 * -2, "α times"),
        (0.5 * 1 * 0.2 + 0.5 * 2 * -0.2, "change of φ"),
        (7, "Δθ = −α"),
    ],
)
def test_one_round(says, answer, words):
    said = says(checks.one_round, answer)
    assert words in said
    assert said.startswith(RIGHT if words == RIGHT else NOT_YET)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda x, W, b, B, A: x @ W.T + (x @ A.T) @ B.T + b, RIGHT),
        (lambda x, W, b, B, A: torch.nn.functional.linear(x, W, b) + x @ A.T @ B.T, RIGHT),
        (lambda x, W, b, B, A: x @ (W + B @ A).T + b, "as large as W₀"),
        (lambda x, W, b, B, A: torch.nn.functional.linear(x, W + B @ A, b), "as large as W₀"),
        (lambda x, W, b, B, A: x @ W.T + b + x @ (A.T @ B.T), "as large as W₀"),
        (lambda x, W, b, B, A: x @ W.T + (x @ A.T) @ B.T, "bias"),
        (lambda x, W, b, B, A: x @ W.T + b, "B A x is missing"),
        (lambda x, W, b, B, A: (x @ A.T) @ B.T + b, "frozen W₀ x"),
        (lambda x, W, b, B, A: x @ W.T - (x @ A.T) @ B.T + b, "subtracted"),
        (lambda x, W, b, B, A: x @ W.T + ((x @ A.T) @ B.T).detach() + b, "no gradient"),
        (lambda x, W, b, B, A: 2 * x @ W.T, "other values"),
        (lambda x, W, b, B, A: x, "shape must be"),
        (lambda x, W, b, B, A: x @ W, "raises RuntimeError"),
    ],
)
def test_an_adapted_layer(says, answer, words):
    assert words in says(checks.adapted, answer)


def server(factor=1.0, sent=lambda theta: theta.detach(), average=len):
    def answer(f, tau, ask):
        theta = f(tau)
        theta.backward(-factor * ask(sent(theta)) / average(tau))

    return answer


def on_a_loss(f, tau, ask):
    theta = f(tau)
    ask(theta.detach()).square().mean().backward()


def on_a_loss_of_theta(f, tau, ask):
    theta = f(tau)
    (theta - (theta.detach() + ask(theta.detach()))).square().mean().backward()


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (server(), RIGHT),
        (server(-1), "sign"),
        (server(average=lambda tau: 1), "sum over the clients"),
        (server(average=torch.numel), "not −"),
        (server(average=lambda tau: 3 * len(tau)), "The gradient is not −(∂θ/∂φ)ᵀ Δθ / n"),
        (server(sent=lambda theta: theta), "with its graph"),
        (on_a_loss_of_theta, "not −"),
        (on_a_loss, "lost its graph"),
        (lambda f, tau, ask: ask(f(tau)), "no .grad afterwards"),
        (lambda f, tau, ask: None, "No client"),
        (lambda f, tau: None, "raises TypeError"),
    ],
)
def test_a_server(says, answer, words):
    assert words in says(checks.server, answer)
