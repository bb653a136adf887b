import inspect

import pytest
import torch
from torch import nn

from hyperedu import (
    Conditioned,
    Examples,
    Hypernetwork,
    Learner,
    MainNetwork,
    MLPGenerator,
    SharedWeights,
    meta_train,
    outer_loss,
)

# Every learner there is, made for `main` and descriptors of two numbers.
LEARNERS = {
    "SharedWeights": lambda main: SharedWeights(main),
    "Conditioned": lambda main: Conditioned(main, descriptor_dim=2),
    "Hypernetwork": lambda main: Hypernetwork(main, MLPGenerator(2, main)),
    "Hypernetwork, magnitude invariant": lambda main: Hypernetwork(main, MLPGenerator(2, main, magnitude_invariant=True)),
}


@pytest.fixture(params=LEARNERS)
def learner(request, main):
    torch.manual_seed(0)
    return LEARNERS[request.param](main)


def test_every_learner_is_tested(learner):
    made = {type(make(MainNetwork.mlp([1, 4, 1]))) for make in LEARNERS.values()}
    assert made == set(Learner.__subclasses__())


def test_a_learner_maps_a_batch_of_tasks_to_weights(learner, family, random):
    tasks = family.train.sample(6, generator=random)
    assert learner(tasks.descriptor, tasks.support).shape == (6, learner.main.weight_dim)


def test_every_parameter_receives_a_gradient_and_changes(learner, family, random):
    before = {name: p.detach().clone() for name, p in learner.named_parameters()}
    outer_loss(learner, family.train.sample(25, generator=random)).mean().backward()
    for name, p in learner.named_parameters():
        assert p.grad is not None, name
        assert p.grad.any(), name
    meta_train(learner, family.train, steps=3, generator=random, progress=False)
    for name, p in learner.named_parameters():
        assert not torch.equal(before[name], p), name


def test_no_learner_can_see_the_query_set(learner, family, random):
    assert list(inspect.signature(type(learner).forward).parameters) == ["self", "descriptor", "support"]


def test_the_outer_loss_is_that_of_a_loop_over_tasks(learner, family, random):
    """Lesson 02, equation 1."""
    tasks = family.train.sample(6, generator=random).to(torch.float64)
    learner = learner.double()
    losses = outer_loss(learner, tasks)
    for i, loss in enumerate(losses):
        support = Examples(tasks.support.x[i : i + 1], tasks.support.y[i : i + 1])
        theta = learner(tasks.descriptor[i : i + 1], support)
        y = learner.main(theta[0], tasks.query.x[i])
        torch.testing.assert_close(loss, ((y - tasks.query.y[i]) ** 2).mean())


def test_lesson_00_equation_1(main, family, random):
    """y = g_θ(x) with θ = f_φ(τ): the learner is the generator, and writes new weights for each task."""
    learner = LEARNERS["Hypernetwork"](main)
    tasks = family.train.sample(3, generator=random)
    theta = learner(tasks.descriptor, tasks.support)
    for tau, weights, x, y in zip(tasks.descriptor, theta, tasks.query.x, main(theta, tasks.query.x), strict=True):
        torch.testing.assert_close(weights, learner.generator(tau))
        layers = main.unflatten(weights)
        h = torch.relu(x @ layers["0.weight"].T + layers["0.bias"])
        h = torch.relu(h @ layers["2.weight"].T + layers["2.bias"])
        torch.testing.assert_close(y, h @ layers["4.weight"].T + layers["4.bias"])


def test_conditioned_is_concatenating_tau_to_x(random):
    """W [x; τ] + b = W_x x + (b + A τ): an ordinary network on x and τ side by side gives the same y."""
    main = MainNetwork.mlp([3, 16, 16, 2], activation="relu")
    learner = Conditioned(main, descriptor_dim=4, generator=random).double()
    weights = main.unflatten(learner.theta_0)
    net = nn.Sequential(nn.Linear(3 + 4, 16), nn.ReLU(), nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 2)).double()
    net.load_state_dict({**weights, "0.weight": torch.cat([weights["0.weight"], learner.A], dim=1)})
    tau, x = torch.randn(5, 4, generator=random).double(), torch.randn(5, 7, 3, generator=random).double()
    beside = torch.cat([x, tau.unsqueeze(1).expand(-1, 7, -1)], dim=-1)
    torch.testing.assert_close(main(learner(tau), x), net(beside))


def test_conditioned_starts_as_one_layer_on_both(random):
    main = MainNetwork.mlp([2, 4000, 1])
    learner = Conditioned(main, descriptor_dim=3, generator=random)
    columns = main.unflatten(learner.theta_0)["0.weight"]
    assert learner.A.std().item() == pytest.approx(columns.std().item(), rel=0.05)


def test_shared_weights_are_the_same_for_every_task(main, family, random):
    learner, tasks = SharedWeights(main), family.train.sample(4, generator=random)
    theta = learner(tasks.descriptor, tasks.support)
    assert torch.equal(theta, learner.theta_0.expand(4, -1))
    assert torch.equal(learner(None, tasks.support), theta)
    assert torch.equal(learner(None), learner.theta_0)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda main: Conditioned(main, 2)(torch.zeros(5, 3)), ["3", "2"]),
        (lambda main: Conditioned(main, 2)(None), ["Conditioned", "None"]),
        (lambda main: Hypernetwork(main, MLPGenerator(2, main))(None), ["Hypernetwork", "None"]),
        (lambda main: Conditioned(MainNetwork.from_module(nn.Linear(2, 2, bias=False)), 2), ["no bias", "weight"]),
    ],
)
def test_bad_input_gets_a_sentence(main, call, words):
    with pytest.raises(ValueError) as error:  # noqa: PT011, the words are checked below
        call(main)
    assert all(word in str(error.value) for word in words), str(error.value)
