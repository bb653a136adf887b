"""The checks know the right answers, and name the misconception behind every wrong one that they know."""

import numpy as np
import pytest
import torch

from hyperedu.lessons.beyond import checks
from saying import NOT_YET, RIGHT, UNANSWERED


@pytest.mark.parametrize("check", [checks.one_round, checks.adapted, checks.server, checks.placed])
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


def steps(rate=1.0, start=lambda tau: tau.mean(0), given=lambda own: own, n=90):
    def place(f, tau, ask):
        own = start(tau)
        for _ in range(n):
            own = own.detach().requires_grad_()
            theta = f(own)
            own = own + rate * torch.autograd.grad(theta, own, ask(theta.detach())[1])[0]
        return given(own)

    return place


@torch.inference_mode()
def searched(f, tau, ask):
    best, size = tau.mean(0), 1.0
    least, _delta = ask(f(best))
    for _ in range(98):
        new = best + size * torch.randn(len(best))
        loss, _delta = ask(f(new).tolist())
        best, least, size = (new, loss, size) if loss < least else (best, least, 0.93 * size)
    return best[None].double().numpy()


def best_of_the_others(f, tau, ask):
    return min(tau, key=lambda one: ask(f(one).detach())[0])


def drawn(f, tau, ask):
    """As many places as may be, and none of the others'; far from all."""
    return min(3 + torch.randn(100, tau.shape[1]), key=lambda one: ask(f(one).detach())[0])


def moves_f(f, tau, ask):
    """With a generator that is moved its loss is low; the others' networks are lost."""
    with torch.no_grad():
        f[2].bias += 10 * ask(f(tau[0]).detach())[1]
    return tau[0]


def moves_tau(f, tau, ask):
    tau += 0.1
    return steps()(f, tau, ask)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (steps(), RIGHT),
        (steps(given=lambda own: own.tolist()), RIGHT),
        (steps(given=lambda own: tuple(own)), RIGHT),  # with its graph
        (searched, RIGHT),
        (steps(-1), "The loss rises"),
        (steps(10), "keep the best"),
        (steps(0.02), "too small or too large"),
        (steps(n=2), "It asked 2 of 100 times"),
        (steps(n=101), "more than 100 times"),
        (steps(given=lambda own: own / 0), "no finite number"),
        (steps(0.0), "or their mean"),
        (best_of_the_others, "one of the others' τ"),
        (drawn, "most places far from the best"),
        (moves_f, "other weights"),
        (moves_tau, "other weights"),
        (lambda f, tau, ask: f.double() and tau[0], "other weights"),
        (lambda f, tau, ask: tau.mean(0), "not asked"),
        (lambda f, tau, ask: torch.zeros(tau.shape[1]), "not asked"),
        (lambda f, tau, ask: ask(f(tau[0]).detach())[1], "which is a θ"),
        (lambda f, tau, ask: tau, "a τ has 2 here"),
        (lambda f, tau, ask: int(np.argmin([ask(f(one).detach())[0] for one in tau])), "gives back 1 numbers"),
        (lambda f, tau, ask: ask(f(tau[0])), "with its graph"),
        (lambda f, tau, ask: ask(tau[0]), "sent 2 numbers"),
        (lambda f, tau, ask: ask(f(tau).detach()), "sent 64 numbers"),
        (lambda f, tau, ask: None, "nothing"),
        (lambda f, tau, ask: (tau[0], 0.1), "gives back a tuple"),
        (lambda f, tau, ask: "tau", "gives back a str"),
        (lambda f, tau: tau[0], "raises TypeError"),
        (torch.zeros(2), "A function is asked for"),
    ],
)
def test_a_place_for_a_newcomer(says, answer, words):
    said = says(checks.placed, answer)
    assert words in said
    assert said.startswith(RIGHT if words == RIGHT else NOT_YET)


def test_a_newcomer_is_the_same_each_time_and_its_step_is_one_against_its_gradient():
    f, tau, ask = checks.newcomer()
    theta = f(tau[0]).detach()
    loss, delta = ask(theta)
    again, _delta = checks.newcomer()[2](theta)
    assert loss == again
    nearer, _delta = ask(theta + 0.01 * delta)
    assert (nearer - loss) / 0.01 == pytest.approx(-delta.square().sum().item() / checks.RATE, rel=0.05)
