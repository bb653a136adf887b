import inspect

import pytest
import torch
from torch import nn

from hyperedu import (
    ANIL,
    MAML,
    Adapting,
    Conditioned,
    DescriptorAdaptation,
    Examples,
    FirstOrderMAML,
    HyperMAML,
    Hypernetwork,
    Learner,
    MainNetwork,
    MLPGenerator,
    Reptile,
    SharedWeights,
    SupportSetHypernetwork,
    TaskConditionedMAML,
    adapt,
    meta_train,
    outer_loss,
)

# Every learner there is, made for `main` and descriptors of two numbers.
LEARNERS = {
    "SharedWeights": lambda main: SharedWeights(main),
    "Conditioned": lambda main: Conditioned(main, descriptor_dim=2),
    "Hypernetwork": lambda main: Hypernetwork(main, MLPGenerator(2, main)),
    "Hypernetwork, magnitude invariant": lambda main: Hypernetwork(main, MLPGenerator(2, main, magnitude_invariant=True)),
    "SupportSetHypernetwork": lambda main: SupportSetHypernetwork(main, dim=8),
    "HyperMAML": lambda main: HyperMAML(main, dim=8),
    "MAML": lambda main: MAML(main, steps=2),
    "FirstOrderMAML": lambda main: FirstOrderMAML(main, steps=2),
    "ANIL": lambda main: ANIL(main),
    "Reptile": lambda main: Reptile(main),
    "TaskConditionedMAML": lambda main: TaskConditionedMAML(main, MLPGenerator(2, main)),
    "DescriptorAdaptation": lambda main: DescriptorAdaptation(main, MLPGenerator(3, main), 3, lr=0.01),
    "CAVIA": lambda main: DescriptorAdaptation(main, Conditioned(main, 5), 5, lr=0.01),
}


EXAMPLES = Examples(torch.zeros(3, 5, 1), torch.zeros(3, 5, 1))


@pytest.fixture(params=LEARNERS)
def learner(request, main):
    torch.manual_seed(0)
    return LEARNERS[request.param](main)


def test_every_learner_is_tested(learner):
    made = {type(make(MainNetwork.mlp([1, 4, 1]))) for make in LEARNERS.values()}

    def below(kind):
        return {kind} | {lower for sub in kind.__subclasses__() for lower in below(sub)}

    own = {kind for kind in below(Learner) if kind.__module__.startswith("hyperedu")}  # other tests make learners too
    assert made == own - {Learner, Adapting}


def test_a_learner_maps_a_batch_of_tasks_to_weights(learner, family, random):
    tasks = family.train.sample(6, rng=random)
    assert learner(tasks.descriptor, tasks.support).shape == (6, learner.main.weight_dim)


def test_every_parameter_receives_a_gradient_and_changes(learner, family, random):
    before = {name: p.detach().clone() for name, p in learner.named_parameters()}
    outer_loss(learner, family.train.sample(25, rng=random)).mean().backward()
    for name, p in learner.named_parameters():
        assert p.grad is not None, name
        assert p.grad.any(), name
    meta_train(learner, family.train, steps=3, rng=random, progress=False)
    for name, p in learner.named_parameters():
        assert not torch.equal(before[name], p), name


def test_no_learner_can_see_the_query_set(learner, family, random):
    assert list(inspect.signature(type(learner).forward).parameters) == ["self", "descriptor", "support"]


def test_the_outer_loss_is_that_of_a_loop_over_tasks(learner, family, random):
    """Lesson 02, equation 1."""
    tasks = family.train.sample(6, rng=random).to(torch.float64)
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
    tasks = family.train.sample(3, rng=random)
    theta = learner(tasks.descriptor, tasks.support)
    for tau, weights, x, y in zip(tasks.descriptor, theta, tasks.query.x, main(theta, tasks.query.x), strict=True):
        torch.testing.assert_close(weights, learner.generator(tau))
        layers = main.unflatten(weights)
        h = torch.relu(x @ layers["0.weight"].T + layers["0.bias"])
        h = torch.relu(h @ layers["2.weight"].T + layers["2.bias"])
        torch.testing.assert_close(y, h @ layers["4.weight"].T + layers["4.bias"])


def test_the_order_of_a_support_set_does_not_matter(learner, family, random):
    tasks = family.train.sample(4, rng=random).to(torch.float64)
    learner, order = learner.double(), torch.randperm(10, generator=random)
    shuffled = Examples(tasks.support.x[:, order], tasks.support.y[:, order])
    torch.testing.assert_close(learner(tasks.descriptor, shuffled), learner(tasks.descriptor, tasks.support))


@pytest.mark.parametrize("kind", ["SupportSetHypernetwork", "HyperMAML", "MAML", "ANIL", "CAVIA", "TaskConditionedMAML"])
def test_a_learner_that_is_given_examples_uses_each_of_them(kind, main, family, random):
    learner, tasks = LEARNERS[kind](main), family.train.sample(4, rng=random)
    theta = learner(tasks.descriptor, tasks.support)
    for shot in range(10):
        y = tasks.support.y.clone()
        y[:, shot] += 1
        assert not torch.allclose(learner(tasks.descriptor, Examples(tasks.support.x, y)), theta), shot


def test_hypermaml_is_its_formula(main, family, random):
    """θ = θ₀ + H(D, g_θ₀(D)), and it begins near θ₀."""
    learner, tasks = HyperMAML(main, dim=8, rng=random), family.train.sample(4, rng=random)
    seen = torch.cat([tasks.support.y, main(learner.theta_0, tasks.support.x)], -1)
    update = learner.generator(learner.encoder(tasks.support.x, seen))
    torch.testing.assert_close(learner(None, tasks.support), learner.theta_0 + update)
    assert update.norm(dim=-1).mean() < 0.5 * learner.theta_0.norm()


def test_reptile_is_its_definition(main, family, random):
    """θ₀ ← θ₀ + ε (mean θ' − θ₀) under SGD with rate ε. Nichol, Achiam, Schulman 2018, algorithm 2."""
    learner, tasks = Reptile(main, steps=3, lr=0.02, rng=random), family.train.sample(5, rng=random)
    start, adapted = learner.theta_0.detach().clone(), []
    for i in range(5):
        theta = start.clone()
        x = torch.cat([tasks.support.x[i], tasks.query.x[i]])
        y = torch.cat([tasks.support.y[i], tasks.query.y[i]])
        for _ in range(3):
            theta.requires_grad_()
            (gradient,) = torch.autograd.grad(((main(theta, x) - y) ** 2).mean(), theta)
            theta = (theta - 0.02 * gradient).detach()
        adapted.append(theta)
    optimizer = torch.optim.SGD(learner.parameters(), lr=0.1)
    losses = outer_loss(learner, tasks)
    losses.mean().backward()
    optimizer.step()
    torch.testing.assert_close(learner.theta_0.detach(), start + 0.1 * (torch.stack(adapted).mean(0) - start))
    query = ((main(learner.path(None, tasks.support).final, tasks.query.x) - tasks.query.y) ** 2).mean((1, 2))
    assert losses.shape == query.shape


def test_anil_adapts_its_last_layer_alone(main, family, random):
    learner, tasks = ANIL(main, steps=3), family.train.sample(5, rng=random)
    moved = main.unflatten((learner(None, tasks.support) - learner.theta_0).detach())
    assert {name for name, change in moved.items() if change.any()} == {"4.weight", "4.bias"}


def test_descriptor_adaptation_stays_on_the_sheet(main, family, random):
    """Whatever τ adapts to, θ is what the generator writes from it; and adapting lowers the support loss."""
    learner = DescriptorAdaptation(main, MLPGenerator(3, main, rng=random), 3, steps=5, lr=1e-3)
    tasks = family.train.sample(5, rng=random)
    path = learner.path(None, tasks.support)
    assert path.theta.shape == (6, 5, 3)
    torch.testing.assert_close(learner(None, tasks.support), learner.generator(path.final))
    assert (path.loss[-1] < path.loss[0]).all()


def test_cavia_is_maml_on_inputs_beside_x(main, family, random):
    """Zintgraf and others 2019: context parameters concatenated to the input, from zero, by gradient steps."""
    learner = DescriptorAdaptation(main, Conditioned(main, 5, rng=random), 5, steps=1, lr=0.1).double()
    tasks = family.train.sample(3, rng=random).to(torch.float64)
    weights = main.unflatten(learner.generator.theta_0)
    wide = MainNetwork.mlp([6, 8, 8, 1])
    theta = wide.flatten({**weights, "0.weight": torch.cat([weights["0.weight"], learner.generator.A], dim=1)})
    for i in range(3):
        x, y = tasks.support.x[i], tasks.support.y[i]
        context = torch.zeros(5, dtype=torch.float64, requires_grad=True)
        loss = ((wide(theta, torch.cat([x, context.expand(10, -1)], -1)) - y) ** 2).mean()
        context = context - 0.1 * torch.autograd.grad(loss, context, create_graph=True)[0]
        expected = wide(theta, torch.cat([tasks.query.x[i], context.expand(10, -1)], -1))
        found = main(learner(None, Examples(x, y)), tasks.query.x[i])
        torch.testing.assert_close(found, expected)


def test_conditioned_is_concatenating_tau_to_x(random):
    """W [x; τ] + b = W_x x + (b + A τ): an ordinary network on x and τ side by side gives the same y."""
    main = MainNetwork.mlp([3, 16, 16, 2], activation="relu")
    learner = Conditioned(main, descriptor_dim=4, rng=random).double()
    weights = main.unflatten(learner.theta_0)
    net = nn.Sequential(nn.Linear(3 + 4, 16), nn.ReLU(), nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 2)).double()
    net.load_state_dict({**weights, "0.weight": torch.cat([weights["0.weight"], learner.A], dim=1)})
    tau, x = torch.randn(5, 4, generator=random).double(), torch.randn(5, 7, 3, generator=random).double()
    beside = torch.cat([x, tau.unsqueeze(1).expand(-1, 7, -1)], dim=-1)
    torch.testing.assert_close(main(learner(tau), x), net(beside))


def test_conditioned_starts_as_one_layer_on_both(random):
    main = MainNetwork.mlp([2, 4000, 1])
    learner = Conditioned(main, descriptor_dim=3, rng=random)
    columns = main.unflatten(learner.theta_0)["0.weight"]
    assert learner.A.std().item() == pytest.approx(columns.std().item(), rel=0.05)


def test_shared_weights_are_the_same_for_every_task(main, family, random):
    learner, tasks = SharedWeights(main), family.train.sample(4, rng=random)
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
        (lambda main: MAML(main)(None, None), ["MAML", "support set"]),
        (lambda main: MAML(main)(None, Examples(torch.zeros(3, 0, 1), torch.zeros(3, 0, 1))), ["at least one", "shots"]),
        (lambda main: HyperMAML(main)(None, None), ["HyperMAML", "support set"]),
        (lambda main: SupportSetHypernetwork(main)(torch.zeros(3, 2), None), ["SupportSetHypernetwork", "support set"]),
        (lambda main: TaskConditionedMAML(main, MLPGenerator(2, main))(None, EXAMPLES), ["TaskConditionedMAML", "None"]),
        (lambda main: SupportSetHypernetwork(MainNetwork.from_module(nn.Conv2d(1, 1, 3), 3)), ["images"]),
        (lambda main: Conditioned(MainNetwork.from_module(nn.Linear(2, 2, bias=False)), 2), ["no bias", "weight"]),
    ],
)
def test_bad_input_gets_a_sentence(main, call, words):
    with pytest.raises(ValueError) as error:  # noqa: PT011, the words are checked below
        call(main)
    assert all(word in str(error.value) for word in words), str(error.value)


def test_lesson_07_equation_1(main, family, random):
    """TaskConditionedMAML is U(f_φ(τ), D): MAML from a start of its own for each task."""
    learner = TaskConditionedMAML(main, MLPGenerator(2, main, rng=random), steps=2, lr=0.02)
    tasks = family.train.sample(3, 5, 5, random)
    theta = learner(tasks.descriptor, tasks.support)
    for k in range(3):
        one = MAML(main, steps=2, lr=0.02)
        one.theta_0.data = learner.generator(tasks.descriptor[k]).detach()
        D = Examples(tasks.support.x[k : k + 1], tasks.support.y[k : k + 1])
        torch.testing.assert_close(theta[k], one(None, D)[0])


def test_lesson_07_equation_2(random):
    """One step from a description that errs by s, on n readings with standard deviation σ. Also lesson 07, equation 3."""
    main = MainNetwork.from_module(torch.nn.Linear(1, 1, bias=False))
    s, sigma, n, n_tasks = 0.7, 1.5, 6, 40_000
    c = torch.randn(n_tasks, 1, generator=random)
    tau = c + s * torch.randn(n_tasks, 1, generator=random)
    y = c.unsqueeze(1) + sigma * torch.randn(n_tasks, n, 1, generator=random)
    D = Examples(torch.ones_like(y), y)

    def measured(alpha):  # the gradient of the mean squared error is 2 (θ − ȳ)
        return (adapt(main, tau, D, steps=1, lr=alpha / 2).final - c).square().mean().item()

    for alpha in (0.0, 0.3, 1.0):
        assert measured(alpha) == pytest.approx((1 - alpha) ** 2 * s**2 + alpha**2 * sigma**2 / n, rel=0.03)
    best = s**2 / (s**2 + sigma**2 / n)
    assert measured(best) == pytest.approx(1 / (1 / s**2 + n / sigma**2), rel=0.03)
    assert measured(best) < min(measured(best - 0.15), measured(best + 0.15))
