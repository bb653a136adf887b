"""Lesson 05 on tasks of which everything has a closed form, against the code that all learners share."""

import pytest
import torch

from hyperedu import MAML, Quadratics, adapt, outer_loss
from hyperedu.lessons.learning_to_learn.figures import QuadraticPicture
from hyperedu.tasks.quadratics import best_start, hessian, pull, shrinkage


@pytest.fixture
def tasks(random):
    return Quadratics().train.sample(6, shots=3, queries=5, rng=random).to(torch.float64)


def test_the_loss_is_the_quadratic(tasks, random):
    """L(θ) = ½ (θ − c)ᵀ H (θ − c)."""
    main, theta = Quadratics().main, torch.randn(2, generator=random).double()
    away = theta - tasks.descriptor
    expected = torch.einsum("ni,nij,nj->n", away, hessian(tasks.support.x), away) / 2
    torch.testing.assert_close(main.loss(theta, tasks.support), expected)


@pytest.mark.parametrize("steps", [0, 1, 4])
def test_lesson_05_equation_3(tasks, random, steps):
    """K steps leave (I − αH)^K of the distance to the optimum."""
    theta = torch.randn(2, generator=random).double()
    path = adapt(Quadratics().main, theta, tasks.support, steps, 0.2)
    away = shrinkage(tasks, steps, 0.2) @ (theta - tasks.descriptor).unsqueeze(-1)
    torch.testing.assert_close(path.final - tasks.descriptor, away.squeeze(-1))


@pytest.mark.parametrize("steps", [1, 3])
def test_lesson_05_equation_4(tasks, steps):
    """MAML's optimum is the closed form: there the meta-gradient is zero, and training goes there."""
    learner = MAML(Quadratics().main, steps=steps, lr=0.2).double()
    best = best_start(tasks, shrinkage(tasks, steps, 0.2))
    learner.theta_0.data.copy_(best)
    (gradient,) = torch.autograd.grad(outer_loss(learner, tasks).mean(), learner.theta_0)
    torch.testing.assert_close(gradient, torch.zeros(2).double(), atol=1e-6, rtol=0)
    learner.theta_0.data.zero_()
    optimizer = torch.optim.LBFGS(learner.parameters(), max_iter=200, tolerance_grad=1e-12, line_search_fn="strong_wolfe")

    def closure():
        optimizer.zero_grad()
        loss = outer_loss(learner, tasks).mean()
        loss.backward()
        return loss

    optimizer.step(closure)
    torch.testing.assert_close(learner.theta_0.detach(), best, atol=1e-5, rtol=1e-5)


def test_lesson_05_equation_2(tasks, random):
    """The inner argmin with a pull λ to the start leaves λ (H + λI)⁻¹; gradient descent on it ends there."""
    theta = torch.randn(2, generator=random).double()
    inner = theta.expand(6, 2).clone().requires_grad_()
    optimizer = torch.optim.LBFGS([inner], max_iter=500, tolerance_grad=1e-13, line_search_fn="strong_wolfe")
    main = Quadratics().main

    def closure():
        optimizer.zero_grad()
        loss = main.loss(inner, tasks.support).sum()
        loss = loss + 0.7 / 2 * (inner - theta).square().sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    expected = tasks.descriptor + (pull(tasks, 0.7) @ (theta - tasks.descriptor).unsqueeze(-1)).squeeze(-1)
    torch.testing.assert_close(inner.detach(), expected, atol=1e-5, rtol=1e-5)


def test_lesson_05_equation_1(tasks):
    """The outer loss is the mean query loss of what the support sets adapt to."""
    learner = MAML(Quadratics().main, steps=2, lr=0.1).double()
    total = 0.0
    for i, c in enumerate(tasks.descriptor):
        theta, one = learner.theta_0, tasks.task(i)
        for _ in range(2):
            theta = theta - 0.1 * hessian(one.support.x[0]) @ (theta - c)
        total = total + (one.query.x[0] @ (theta - c)).square().mean()
    torch.testing.assert_close(outer_loss(learner, tasks).mean(), total / 6)


def test_what_is_no_x_gets_a_sentence(random):
    main = Quadratics().main
    for x in (torch.zeros(5, 3), torch.zeros(5, 2, dtype=torch.int64)):
        with pytest.raises(ValueError, match="two floating point numbers"):
            main(torch.zeros(2), x)
    drawn = main.initial_weights(20_000, random)
    assert drawn.mean().item() == pytest.approx(0, abs=0.02)
    y = drawn @ torch.randn(2, 2000, generator=random)  # of x from N(0, I)
    assert y.std().item() == pytest.approx(1, abs=0.05)


def test_the_picture_shows_the_closed_form_and_the_adapted_weights():
    picture = QuadraticPicture()
    optima = {"x_1": -2.0, "y_1": 0.0, "x_2": 2.0, "y_2": 1.0}
    assert "after 1 step " in picture.update(**optima, steps=1)
    sentence = picture.update(**optima, steps=3)
    line, start, curve = picture.paths["meta"]
    losses = torch.as_tensor(curve.get_ydata())
    assert f"after 3 steps {losses[3]:.4f}" in sentence
    assert losses[3] < torch.as_tensor(picture.paths["shared"][2].get_ydata())[3]
    assert losses[0] >= torch.as_tensor(picture.paths["shared"][2].get_ydata())[0]
    for path in torch.as_tensor(line.get_xdata()).view(2, 5):  # to each task, and a gap
        assert path[0] == start.get_xdata()[0]
        assert path.isnan().tolist() == [False] * 4 + [True]
    for rings, c, x in zip(picture.rings, torch.tensor([[-2.0, 0.0], [2.0, 1.0]]), picture.x, strict=True):
        places = torch.as_tensor(rings.get_xydata()).float().view(3, 81, 2)
        assert torch.allclose(places[:, :79].mean(1), c.expand(3, 2), atol=0.01)
        loss = ((places[:, :80] - c) @ hessian(x) * (places[:, :80] - c)).sum(-1) / 2
        assert torch.allclose(loss, torch.tensor([[1 / 8], [1 / 2], [9 / 8]]).expand(3, 80), rtol=1e-4)
