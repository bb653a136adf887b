"""What a meta-gradient costs, counted against what is known; and the directions of lesson 06, equation 3."""

import pytest
import torch

from hyperedu import MAML, Examples, FirstOrderMAML, MainNetwork, Sinusoids, adapt
from hyperedu.lessons.maml.figures import GraphMemory, cost


def test_memory_is_what_the_graph_keeps():
    a, b = torch.randn(1000, requires_grad=True), torch.randn(1000, requires_grad=True)
    with GraphMemory() as memory:
        product = a * b
        square = product * product  # keeps product, twice
    assert memory.most == 3 * 1000 * 4
    with GraphMemory() as memory:
        for _round in range(5):
            torch.autograd.grad((a * b).sum(), a)  # each graph is gone before the next
    assert memory.most == 2 * 1000 * 4
    assert square.requires_grad


def test_mamls_memory_grows_with_its_steps_and_first_orders_does_not():
    family, main = Sinusoids(), MainNetwork.mlp([1, 20, 20, 1])
    tasks = family.train.sample(25, 10, 10, torch.Generator().manual_seed(0))

    def kept(kind):
        return torch.tensor([cost(kind(main, steps=K), tasks)[0] for K in (2, 4, 6)])

    second, first = kept(MAML), kept(FirstOrderMAML)
    assert second.diff()[0] == pytest.approx(second.diff()[1].item(), rel=0.01)  # as much for each two steps
    assert second[2] > 2 * second[0]
    assert first.max() < 1.01 * first.min()


def test_which_way_each_learner_pulls():
    """Lesson 06, equation 3: each direction but shared weights' (which is exact) is wrong by terms in α² only."""
    main = MainNetwork.mlp([1, 6, 1], activation="tanh")
    rng = torch.Generator().manual_seed(0)
    task = Sinusoids().train.sample(1, 10, 10, rng).to(torch.float64)
    theta_0 = main.initial_weights(rng=rng).double()
    D, D_query = task.support.task(0), task.query.task(0)
    both = Examples(torch.cat([D.x, D_query.x]), torch.cat([D.y, D_query.y]))
    K = 5

    def at(examples):
        def loss(theta):
            return main.loss(theta, examples)

        return torch.func.grad(loss)(theta_0), torch.func.hessian(loss)(theta_0)

    (g, H), (g_query, H_query), (g_mean, H_mean) = at(D), at(D_query), at(both)

    def errors(alpha):
        start = theta_0.clone().requires_grad_()
        found = []
        for first_order in (True, False):
            loss = main.loss(adapt(main, start, D, 1, alpha, first_order).final, D_query)
            found.append(torch.autograd.grad(loss, start)[0])
        reptile = (theta_0 - adapt(main, theta_0, both, K, alpha).final.detach()) / (alpha * K)
        said = (
            g_query - alpha * H_query @ g,
            g_query - alpha * (H_query @ g + H @ g_query),
            g_mean - alpha * (K - 1) / 2 * H_mean @ g_mean,
        )
        return torch.stack([(a - b).norm() for a, b in zip((*found, reptile), said, strict=True)])

    large, small = errors(2e-3), errors(1e-3)
    torch.testing.assert_close(large / small, torch.full((3,), 4.0, dtype=torch.float64), rtol=0.1, atol=0)
    (shared,) = torch.autograd.grad(main.loss(theta_0.requires_grad_(), both), theta_0)
    torch.testing.assert_close(shared, (g + g_query) / 2)


def test_the_agreement_of_gradients_has_the_gradient_that_the_text_names():
    """H'g + Hg' is the gradient of g·g', and 2H̄ḡ that of ḡ·ḡ."""
    main = MainNetwork.mlp([1, 4, 1], activation="tanh")
    rng = torch.Generator().manual_seed(1)
    task = Sinusoids().train.sample(1, 10, 10, rng).to(torch.float64)
    theta_0 = main.initial_weights(rng=rng).double()
    D, D_query = task.support.task(0), task.query.task(0)

    def gradient(theta, examples):
        return torch.func.grad(lambda t: main.loss(t, examples))(theta)

    def hessian(examples):
        return torch.func.hessian(lambda t: main.loss(t, examples))(theta_0)

    agreement = torch.func.grad(lambda t: gradient(t, D) @ gradient(t, D_query))(theta_0)
    expected = hessian(D_query) @ gradient(theta_0, D) + hessian(D) @ gradient(theta_0, D_query)
    torch.testing.assert_close(agreement, expected)
    itself = torch.func.grad(lambda t: gradient(t, D) @ gradient(t, D))(theta_0)
    torch.testing.assert_close(itself, 2 * hessian(D) @ gradient(theta_0, D))
