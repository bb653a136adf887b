import psutil
import pytest
import torch
from torch import nn

from hyperedu import MAML, Examples, FirstOrderMAML, MainNetwork, SharedWeights, adapt, meta_test, meta_train, outer_loss


@pytest.fixture
def small():
    """A main network whose loss has a Hessian that is not zero, and four tasks in float64."""
    random = torch.Generator().manual_seed(0)
    main = MainNetwork.mlp([1, 5, 1], activation="tanh")
    x, y = torch.randn(4, 6, 1, generator=random).double(), torch.randn(4, 6, 1, generator=random).double()
    return main, main.initial_weights(rng=random).double(), Examples(x, y), Examples(x.flip(0), y.flip(0))


def squares(main, theta, examples):
    return (main(theta, examples.x) - examples.y).square().mean((-2, -1))


def test_a_batch_of_tasks_adapts_as_a_loop_over_them(small):
    """Lesson 06, equation 1: θ' = θ − α ∇_θ L, each task with a plain module and torch.optim.SGD."""
    main, theta, support, _ = small
    path = adapt(main, theta, support, steps=3, lr=0.1)
    for i in range(4):
        net = nn.Sequential(nn.Linear(1, 5), nn.Tanh(), nn.Linear(5, 1)).double()
        net.load_state_dict(main.unflatten(theta))
        optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
        for step in range(4):
            torch.testing.assert_close(main.flatten(dict(net.named_parameters())), path.theta[step, i])
            loss = (net(support.x[i]) - support.y[i]).square().mean()
            torch.testing.assert_close(loss.detach(), path.loss[step, i])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    assert path.theta.shape == (4, 4, main.weight_dim)
    assert path.loss.shape == (4, 4)
    assert torch.equal(path.final, path.theta[-1])


@pytest.mark.parametrize("steps", [1, 3])
def test_the_meta_gradient_is_that_of_finite_differences(small, steps):
    main, theta, support, query = small

    def outer(theta):
        return squares(main, adapt(main, theta, support, steps, 0.1, keep=False).final, query).mean()

    assert torch.autograd.gradcheck(outer, theta.clone().requires_grad_())


def test_lesson_06_equation_2(small):
    """The meta-gradient is (I − α H) ∇L' at θ', with H the Hessian of the support loss; first order leaves out H."""
    main, theta, support, query = small
    expected = {True: [], False: []}
    for i in range(4):

        def inner(theta, i=i):
            return squares(main, theta, Examples(support.x[i], support.y[i]))

        adapted = theta - 0.1 * torch.func.grad(inner)(theta)
        outer = torch.func.grad(lambda t, i=i: squares(main, t, Examples(query.x[i], query.y[i])))(adapted)
        hessian = torch.func.hessian(inner)(theta)
        expected[False].append(outer - 0.1 * hessian @ outer)
        expected[True].append(outer)
    found = {}
    for first_order in (False, True):
        start = theta.clone().requires_grad_()
        path = adapt(main, start, support, 1, 0.1, first_order)
        (found[first_order],) = torch.autograd.grad(squares(main, path.final, query).mean(), start)
        torch.testing.assert_close(found[first_order], torch.stack(expected[first_order]).mean(0))
    assert not torch.allclose(found[True], found[False], rtol=0.01)


def test_maml_and_its_first_order_differ_in_the_gradient_alone(family, random):
    tasks = family.train.sample(5, rng=random)
    main = MainNetwork.mlp([1, 8, 1])
    gradients, losses = [], []
    for kind in (MAML, FirstOrderMAML):
        learner = kind(main, steps=2, lr=0.05, rng=torch.Generator().manual_seed(0))
        losses.append(outer_loss(learner, tasks))
        gradients.append(torch.autograd.grad(losses[-1].mean(), learner.theta_0)[0])
    torch.testing.assert_close(*losses)
    assert not torch.allclose(*gradients, rtol=0.01)


def test_without_the_trajectory_the_end_is_the_same(small):
    main, theta, support, _ = small
    whole, end = (adapt(main, theta, support, 4, 0.1, keep=keep) for keep in (True, False))
    assert end.theta.shape == (1, 4, main.weight_dim)
    torch.testing.assert_close(end.final, whole.final)
    with torch.no_grad():
        tested = adapt(main, theta, support, 4, 0.1)
    torch.testing.assert_close(tested.theta, whole.theta)
    torch.testing.assert_close(tested.loss, whole.loss)
    assert not tested.theta.requires_grad


def test_zero_steps_give_theta_back(small):
    main, theta, support, _ = small
    path = adapt(main, theta, support, steps=0)
    assert torch.equal(path.final, theta.expand(4, -1))
    assert path.loss.shape == (1, 4)


@pytest.mark.parametrize("kind", ["per weight", "per layer"])
def test_rates_may_differ_and_what_has_none_stays(small, kind):
    main, theta, support, _ = small
    rates = torch.zeros(main.weight_dim).double()
    rates[-6:] = torch.tensor([0.1] * 5 + [0.2])
    lr = rates if kind == "per weight" else {"2.weight": 0.1, "2.bias": 0.2}
    path = adapt(main, theta, support, 1, lr)
    full = adapt(main, theta, support, 1, 1.0)
    torch.testing.assert_close(path.final - theta, rates * (full.final - theta))
    assert torch.equal(path.final[:, :-6], theta[:-6].expand(4, -1))


def test_a_rate_can_be_learned(small):
    main, theta, support, query = small
    rate = torch.full((main.weight_dim,), 0.1).double().requires_grad_()
    squares(main, adapt(main, theta, support, 2, rate).final, query).mean().backward()
    assert rate.grad.abs().min() > 0


def test_what_adapts_can_be_a_descriptor(small):
    main, theta, support, _ = small
    directions = torch.randn(3, main.weight_dim, generator=torch.Generator().manual_seed(1)).double()
    tau = torch.zeros(3).double()
    path = adapt(main, tau, support, 1, 0.1, through=lambda tau: theta + tau @ directions)
    full = adapt(main, theta, support, 1, 0.1)
    torch.testing.assert_close(path.final, (full.final - theta) @ directions.T)  # the chain rule


def test_divergence_is_reported_for_each_task(small):
    main, (_, theta, support, _) = MainNetwork.mlp([1, 5, 1], activation="relu"), small
    wild = Examples(support.x * torch.tensor([1.0, 1.0, 1.0, 100.0])[:, None, None], support.y)
    path = adapt(main, theta, wild, steps=30, lr=0.1)
    assert path.diverged[:3].tolist() == [0, 0, 0]
    step = path.diverged[3].item()
    assert step > 0
    ratio = path.loss[:, 3] / path.loss[0, 3]
    assert not ratio[step] <= 10
    assert (ratio[:step] <= 10).all()
    torch.testing.assert_close(path.final[:3], adapt(main, theta, support, 30, 0.1).final[:3])  # the others are left alone


def test_a_test_says_which_tasks_diverged(family):
    learner = MAML(MainNetwork.mlp([1, 8, 1]), lr=3.0, rng=torch.Generator().manual_seed(0))
    report = meta_test(learner, family.test, shots=5, steps=8, n_tasks=20)
    assert report.steps == 8
    assert report.share_diverged > 0.2
    first = report.diverged.nonzero()[0].item()
    assert f"task {first} at step {report.diverged[first]}" in repr(report)
    calm = meta_test(learner, family.test, shots=5, steps=0, n_tasks=20)
    assert calm.share_diverged == 0
    assert "diverged" not in repr(calm)


def test_a_training_that_diverges_inside_says_at_which_step_of_the_adaptation(family):
    learner = MAML(MainNetwork.mlp([1, 8, 1], activation="relu"), steps=40, lr=1e3)
    before = learner.theta_0.detach().clone()
    with pytest.raises(FloatingPointError, match=r"step 1; \d+ of 25 diverged: task \d+ at step \d"):
        meta_train(learner, family.train, 5, progress=False)
    assert torch.equal(learner.theta_0, before)


def test_a_test_may_take_other_steps_than_the_training(family):
    learner = MAML(MainNetwork.mlp([1, 8, 1]), steps=1, rng=torch.Generator().manual_seed(0))
    tasks = family.test.sample(5, 10, 100, torch.Generator().manual_seed(0))
    theta = learner.theta_0.detach().expand(5, -1)
    report = meta_test(learner, family.test, shots=10, n_tasks=5, steps=7)
    expected = squares(learner.main, adapt(learner.main, theta, tasks.support, 7, 0.01).final, tasks.query)
    torch.testing.assert_close(report.per_task, expected.detach())
    with pytest.raises(ValueError, match="SharedWeights takes no gradient steps"):
        meta_test(SharedWeights(learner.main), family.test, steps=3)


def test_more_steps_than_memory_allows_are_refused(small, monkeypatch):
    main, theta, support, _ = small
    with pytest.raises(MemoryError, match="fewer steps or tasks, first_order=True, or keep=False"):
        adapt(main, theta, support, steps=10**9)
    free = type("Memory", (), {"available": 100_000})
    monkeypatch.setattr(psutil, "virtual_memory", lambda: free)
    with pytest.raises(MemoryError):
        adapt(main, theta.requires_grad_(), support, steps=100_000)
    with torch.no_grad():
        assert adapt(main, theta, support, steps=100, keep=False).final.shape == (4, main.weight_dim)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"support": None}, ["support set", "shots"]),
        ({"support": Examples(torch.zeros(4, 0, 1), torch.zeros(4, 0, 1))}, ["at least one"]),
        ({"steps": -1}, ["at least 0", "-1"]),
        ({"lr": {"9.weight": 0.1}}, ["9.weight", "0.weight"]),
        ({"lr": torch.ones(3)}, ["3", "16"]),
    ],
)
def test_bad_input_gets_a_sentence(small, change, words):
    main, theta, support, _ = small
    with pytest.raises(ValueError) as error:  # noqa: PT011, the words are checked below
        adapt(main, theta, **({"support": support} | change))
    assert all(word in str(error.value) for word in words), str(error.value)
