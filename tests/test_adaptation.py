"""U : (θ, D) → θ' against plain modules and optimizers, closed forms and finite differences."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from hyperedu import (
    ANIL,
    MAML,
    AttentionGenerator,
    ChunkedGenerator,
    Conditioned,
    ConvGenerator,
    DescriptorAdaptation,
    Examples,
    FirstOrderMAML,
    HyperMAML,
    Hypernetwork,
    JointEncoder,
    LowRankGenerator,
    MainNetwork,
    MetaSGD,
    MLPGenerator,
    Reptile,
    SetEncoder,
    SharedWeights,
    SupportSetHypernetwork,
    TaskConditionedMAML,
    adapt,
    meta_test,
    meta_train,
    outer_loss,
)
from hyperedu.adaptation import DIVERGED, Rates, _diverged


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
    torch.testing.assert_close(path.loss[0], squares(main, theta, support))
    assert adapt(main, theta, support, 0, keep=False).loss.shape == (0, 4)
    start = theta.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(adapt(main, start, support, 0).final.sum(), start)
    assert gradient.tolist() == [4.0] * 16


@pytest.mark.parametrize("lead", [(), (3,), (2, 3)])
@pytest.mark.parametrize("support", [None, "empty"])
def test_zero_steps_need_no_support_set(small, lead, support):
    main, theta, _, _ = small
    theta = theta.expand(*lead, -1)
    nothing = None if support is None else Examples(torch.zeros(*lead, 0, 1), torch.zeros(*lead, 0, 1))
    for keep in (True, False):
        path = adapt(main, theta, nothing, 0, keep=keep)
        assert torch.equal(path.theta, theta[None])
        assert path.loss.shape == (0, *lead)
        assert path.diverged.shape == lead
        assert path.diverged.dtype == torch.int64
        assert not path.diverged.any()


@pytest.mark.parametrize("steps", [0, 1, 3])
@pytest.mark.parametrize("keep", [True, False])
@pytest.mark.parametrize("mode", ["training", "no_grad", "inference_mode"])
def test_the_loss_at_the_end_is_there_unless_nobody_has_a_use_for_it(small, keep, mode, steps):
    main, theta, support, _ = small
    whole = adapt(main, theta, support, steps, 0.1)
    around = {"training": torch.enable_grad, "no_grad": torch.no_grad, "inference_mode": torch.inference_mode}[mode]
    with around():
        path = adapt(main, theta.requires_grad_(), support, steps, 0.1, keep=keep)
    n = steps + (keep or (mode != "training" and steps > 0))
    torch.testing.assert_close(path.loss, whole.loss[:n])
    assert len(path.theta) == (steps + 1 if keep else 1)
    torch.testing.assert_close(path.theta, whole.theta if keep else whole.theta[-1:])
    assert path.theta.requires_grad == (mode == "training")
    assert not path.loss.requires_grad
    assert theta.grad is None, "no gradient is left behind"


def test_every_theta_of_the_path_can_be_differentiated(small):
    main, theta, support, query = small
    for k in range(4):
        start = theta.clone().requires_grad_()
        gradients = [
            torch.autograd.grad(squares(main, found, query).sum(), start)[0]
            for found in (adapt(main, start, support, 3, 0.1).theta[k], adapt(main, start, support, k, 0.1).final)
        ]
        torch.testing.assert_close(*gradients)


@pytest.mark.parametrize("steps", [1, 3])
def test_first_order_takes_the_inner_gradients_for_constants(small, steps):
    """So the outer gradient is that at θ', as if θ' were θ and a number."""
    main, theta, support, query = small
    start = theta.clone().requires_grad_()
    path = adapt(main, start, support, steps, 0.1, first_order=True)
    (found,) = torch.autograd.grad(squares(main, path.final, query).sum(), start)
    end = path.final.detach().requires_grad_()
    torch.testing.assert_close(found, torch.autograd.grad(squares(main, end, query).sum(), end)[0].sum(0))
    torch.testing.assert_close(path.theta, adapt(main, theta, support, steps, 0.1).theta)


@pytest.mark.parametrize(
    ("loss", "single", "classes"),
    [
        ("squared_error", F.mse_loss, False),
        (F.l1_loss, F.l1_loss, False),
        (nn.HuberLoss(delta=0.3), lambda p, y: F.huber_loss(p, y, delta=0.3), False),
        ("cross_entropy", F.cross_entropy, True),
        (F.cross_entropy, F.cross_entropy, True),
    ],
)
def test_what_descends_is_the_loss_of_the_main_network(loss, single, classes, random):
    """Images and three outputs, with as many examples as classes; against torch.optim.SGD on each task's own module."""

    def make():
        return nn.Sequential(nn.Conv2d(1, 2, 2), nn.Tanh(), nn.Flatten(), nn.Linear(8, 3)).double()

    main = MainNetwork.from_module(make(), 3, loss)
    x = torch.randn(4, 3, 1, 3, 3, generator=random).double()
    y = torch.randint(3, (4, 3), generator=random) if classes else torch.randn(4, 3, 3, generator=random).double()
    theta = main.initial_weights(rng=random).double()
    path = adapt(main, theta, Examples(x, y), 3, 0.2)
    for i in range(4):
        net = make()
        net.load_state_dict(main.unflatten(theta))
        optimizer = torch.optim.SGD(net.parameters(), lr=0.2)
        for step in range(4):
            value = single(net(x[i]), y[i])
            torch.testing.assert_close(path.loss[step, i], value.detach())
            optimizer.zero_grad()
            value.backward()
            if step < 3:
                optimizer.step()
        torch.testing.assert_close(path.final[i], main.flatten(dict(net.named_parameters())).detach())


@pytest.mark.parametrize(
    ("theta_lead", "lead"), [((), ()), ((6,), ()), ((), (4,)), ((4,), (4,)), ((6, 1), (4,)), ((6, 4), (4,)), ((), (2, 2))]
)
def test_any_starts_and_any_tasks_adapt_each_by_itself(small, theta_lead, lead):
    main, _, tasks, _ = small
    theta = torch.randn(*theta_lead, 16, generator=torch.Generator().manual_seed(3)).double()
    support = Examples(tasks.x[0], tasks.y[0]) if not lead else Examples(tasks.x.unflatten(0, lead), tasks.y.unflatten(0, lead))
    path = adapt(main, theta, support, 2, 0.1)
    both = torch.broadcast_shapes(theta_lead, lead)
    assert path.theta.shape == (3, *both, 16)
    assert path.loss.shape == (3, *both)
    assert path.diverged.shape == both
    thetas = theta.expand(*both, 16).reshape(-1, 16)
    xs, ys = (value.expand(*both, 6, 1).reshape(-1, 6, 1) for value in (support.x, support.y))
    for i, final in enumerate(path.final.reshape(-1, 16)):
        torch.testing.assert_close(final, adapt(main, thetas[i], Examples(xs[i], ys[i]), 2, 0.1).final)


def test_nothing_of_what_is_given_changes(small):
    main, theta, support, _ = small
    copies = theta.clone(), support.x.clone(), support.y.clone()
    theta.requires_grad_()
    adapt(main, theta, support, 3, 0.1).final.sum()
    assert all(torch.equal(one, other) for one, other in zip(copies, (theta, support.x, support.y), strict=True))
    assert theta.grad is None
    assert theta.requires_grad


@pytest.mark.parametrize("part", ["theta", "x", "y", "all"])
def test_what_was_made_in_inference_mode_adapts_outside_of_it(small, part):
    main, theta, support, _ = small
    expected = adapt(main, theta, support, 2, 0.1).final
    with torch.inference_mode():
        made = {"theta": theta.clone(), "x": support.x.clone(), "y": support.y.clone()}
    plain = {"theta": theta, "x": support.x, "y": support.y}
    use = made if part == "all" else plain | {part: made[part]}
    path = adapt(main, use["theta"], Examples(use["x"], use["y"]), 2, 0.1)
    torch.testing.assert_close(path.final, expected)
    assert not path.final.is_inference()


# What the rates may be → what each weight's is: 16 weights of shapes (5, 1), (5,), (1, 5), (1,), four tasks.
ALL = torch.linspace(0.01, 0.2, 16).double()
HEAD = torch.cat([torch.zeros(10), torch.tensor([0.1] * 5 + [0.2])]).double()
RATES = {
    "a number": (0.1, torch.tensor(0.1)),
    "a whole number": (1, torch.tensor(1.0)),
    "zero": (0, torch.tensor(0.0)),
    "a tensor without dimensions": (torch.tensor(0.1), torch.tensor(0.1)),
    "a tensor of one": (torch.tensor([0.1]), torch.tensor(0.1)),
    "a tensor of a whole number": (torch.tensor(1), torch.tensor(1.0)),
    "one for each weight": (ALL, ALL),
    "one for each task": (torch.tensor([[0.1], [0.0], [0.2], [0.3]]), torch.tensor([[0.1], [0.0], [0.2], [0.3]])),
    "one for each weight of each task": (ALL * torch.arange(4)[:, None], ALL * torch.arange(4)[:, None]),
    "by layer, numbers": ({"2.weight": 0.1, "2.bias": 0.2}, HEAD),
    "by layer, in another order": ({"2.bias": 0.2, "2.weight": 0.1}, HEAD),
    "by layer, tensors without dimensions": ({"2.weight": torch.tensor(0.1), "2.bias": torch.tensor(0.2)}, HEAD),
    "by layer, tensors of one": ({"2.weight": torch.tensor([0.1]), "2.bias": torch.tensor([[0.2]])}, HEAD),
    "by layer, tensors of its shape": (
        {"0.weight": ALL[:5, None], "0.bias": ALL[5:10], "2.weight": ALL[None, 10:15], "2.bias": ALL[15:]}, ALL),
    "by layer, one of each": ({"0.weight": ALL[:5, None], "2.bias": 1}, torch.cat([ALL[:5], torch.zeros(10), torch.ones(1)])),
    "by layer, parameters": (
        {"2.weight": nn.Parameter(torch.full((1, 5), 0.1)), "2.bias": nn.Parameter(torch.tensor(0.2))}, HEAD),
    "for no layer": ({}, torch.tensor(0.0)),
}  # fmt: skip


@pytest.mark.parametrize("name", RATES)
def test_one_step_goes_as_far_as_the_rates_say(small, name):
    """θ' = θ − α ⊙ ∇L, whatever the form of α; what has none stays as it is."""
    main, theta, support, _ = small
    lr, rates = RATES[name]
    start = theta.clone().requires_grad_()
    gradients = torch.stack([torch.autograd.grad(squares(main, start, support.task(i)), start)[0] for i in range(4)])
    path = adapt(main, theta, support, 1, lr)
    torch.testing.assert_close(path.final, theta - rates.double() * gradients)
    stays = (rates == 0).expand(4, 16)
    assert torch.equal(path.final[stays], theta.expand(4, -1)[stays])


def test_a_rate_is_not_rounded_on_its_way_to_float64(small):
    """0.1 in float32 differs from 0.1 by 1.5e-9."""
    main, theta, support, _ = small
    start = theta.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(squares(main, start, support.task(0)), start)
    for lr in (0.1, {name: 0.1 for name in main.shapes}, torch.tensor(0.1, dtype=torch.float64)):
        torch.testing.assert_close(adapt(main, theta, support.task(0), 1, lr).final, theta - 0.1 * gradient, rtol=0, atol=1e-14)


def test_five_steps_of_a_hundredth_unless_told_otherwise(small):
    main, theta, support, query = small
    path = adapt(main, theta.requires_grad_(), support)
    expected = adapt(main, theta, support, steps=5, lr=0.01, first_order=False, through=None, keep=True)
    assert path.theta.shape == (6, 4, 16)
    assert torch.equal(path.theta, expected.theta)
    gradients = [torch.autograd.grad(squares(main, p.final, query).sum(), theta)[0] for p in (path, expected)]
    assert torch.equal(*gradients)


LEARNED = {
    "one": (lambda a: a[0], 1),
    "one for each weight": (lambda a: a, 16),
    "by layer, one": (lambda a: {"0.bias": a[0], "2.weight": a[1]}, 2),
    "by layer, for each weight": (lambda a: {"0.weight": a[:5, None], "0.bias": 0.3, "2.weight": a[None, 5:]}, 10),
    "for each task": (lambda a: a[:, None], 4),
}


@pytest.mark.parametrize("first_order", [False, True])
@pytest.mark.parametrize("name", LEARNED)
def test_the_gradient_in_the_rates_is_that_of_finite_differences(small, name, first_order):
    main, theta, support, query = small
    form, n = LEARNED[name]

    def outer(a, steps=2):
        return squares(main, adapt(main, theta, support, steps, form(a), first_order).final, query).mean()

    a = torch.linspace(0.05, 0.2, n).double().requires_grad_()
    if first_order:  # one step, whose gradient is a constant in α in any case
        assert torch.autograd.gradcheck(lambda a: outer(a, 1), a)
    else:
        assert torch.autograd.gradcheck(outer, a)


def test_rates_are_a_part_of_a_learner():
    """What is a parameter is among its parameters, what is a tensor moves along, a number stays one."""
    alpha, beta = nn.Parameter(torch.ones(3)), torch.ones(2)
    rates = Rates({"a": alpha, "b": 0.1, "c": beta, "d": 2})
    assert list(rates.parameters()) == [alpha]
    assert [b.tolist() for b in rates.buffers()] == [[1.0, 1.0]]
    assert rates() == {"a": alpha, "b": 0.1, "c": beta, "d": 2.0}
    assert list(rates()) == ["a", "b", "c", "d"]
    moved = rates.to(torch.float64)()
    assert moved["a"].dtype == moved["c"].dtype == torch.float64
    assert len(rates.state_dict()) == 2
    assert Rates(0.1)() == 0.1
    assert not list(Rates(0.1).parameters())
    assert Rates(alpha)() is alpha
    assert Rates(beta)() is beta
    assert [p is alpha for p in Rates(alpha).parameters()] == [True]
    assert not list(Rates(beta).parameters())
    assert Rates({})() == {}


@pytest.mark.parametrize("lr", [torch.tensor(0.1, requires_grad=True), {"0.bias": torch.tensor(0.1, requires_grad=True)}])
def test_a_rate_that_nobody_owns_is_refused(lr):
    """It would take part in gradients and never move."""
    with pytest.raises(ValueError, match=r"requires a gradient.*nn.Parameter\(rate\)"):
        Rates(lr)


def rates_of(main):
    return {
        "all in one": nn.Parameter(torch.tensor(0.05)),
        "one for each weight": nn.Parameter(torch.full((main.weight_dim,), 0.05)),
        "by layer": {
            "0.weight": nn.Parameter(torch.full((8, 1), 0.05)),
            "2.bias": nn.Parameter(torch.tensor(0.05)),
            "4.bias": 0.05,
        },
    }


@pytest.mark.parametrize("name", ["all in one", "one for each weight", "by layer"])
@pytest.mark.parametrize("kind", [MAML, FirstOrderMAML, SharedWeights])
def test_learned_rates_move_in_training(name, kind, family):
    main = MainNetwork.mlp([1, 8, 8, 1], activation="tanh")  # of whose units none is dead
    lr = rates_of(main)[name]
    learner = kind(main, steps=1, lr=lr)
    own = [p for p in (lr.values() if isinstance(lr, dict) else [lr]) if isinstance(p, nn.Parameter)]
    assert len(list(learner.parameters())) == 1 + len(own)
    before = [p.detach().clone() for p in own]
    meta_train(learner, family.train, 2, 5, progress=False)
    for old, new in zip(before, own, strict=True):
        assert (old != new).all()
    learner.lr = 0.2
    assert learner.lr == 0.2
    assert len(list(learner.parameters())) == 1


def test_learned_rates_learn_a_better_rate(family, random):
    """Meta-SGD is this one line: where the rate begins far too low, it rises, and the loss falls."""
    main = MainNetwork.mlp([1, 20, 1], activation="tanh")
    learner = MAML(main, 1, nn.Parameter(torch.full((main.weight_dim,), 1e-4)), rng=torch.Generator().manual_seed(0))
    optimizer = torch.optim.Adam([{"params": [learner.theta_0], "lr": 0}, {"params": learner.rates.parameters(), "lr": 1e-2}])
    before = meta_test(learner, family.test, n_tasks=50).mean
    meta_train(learner, family.train, 100, rng=random, optimizer=optimizer, progress=False)
    assert learner.lr.mean() > 0.01
    assert meta_test(learner, family.test, n_tasks=50).mean < 0.95 * before


def test_what_adapts_can_be_a_descriptor(small):
    main, theta, support, _ = small
    directions = torch.randn(3, main.weight_dim, generator=torch.Generator().manual_seed(1)).double()
    tau = torch.zeros(3).double()
    path = adapt(main, tau, support, 1, 0.1, through=lambda tau: theta + tau @ directions)
    full = adapt(main, theta, support, 1, 0.1)
    torch.testing.assert_close(path.final, (full.final - theta) @ directions.T)  # the chain rule


@pytest.mark.parametrize("first_order", [False, True])
def test_the_gradient_through_a_map_reaches_its_own_numbers(small, first_order):
    """θ = θ₀ + τ A, with A learned: finite differences, and what first order leaves out."""
    main, theta, support, query = small
    A = torch.randn(3, 16, generator=torch.Generator().manual_seed(1)).double().requires_grad_()
    tau = torch.full((3,), 0.1).double()

    def outer(A):
        path = adapt(main, tau, support, 2, 0.1, first_order, through=lambda t: theta + t @ A)
        return squares(main, theta + path.final @ A, query).mean()

    if not first_order:
        assert torch.autograd.gradcheck(outer, A)
        return
    end = adapt(main, tau, support, 2, 0.1, through=lambda t: theta + t @ A).final.detach()
    (found,) = torch.autograd.grad(outer(A), A)
    torch.testing.assert_close(found, torch.autograd.grad(squares(main, theta + end @ A, query).mean(), A)[0])


def test_a_map_may_lead_from_one_start_to_weights_for_each_task(small):
    main, theta, support, _ = small
    path = adapt(main, torch.zeros(2).double(), support, 2, 0.1, through=lambda tau: theta + tau.sum(-1, keepdim=True))
    assert path.theta.shape == (3, 4, 2)
    torch.testing.assert_close(path.final[:, 0], path.final[:, 1])
    assert len(path.final[:, 0].unique()) == 4


def line(first: float, loss="squared_error"):
    """g(x) = θ x on x = 1, y = 0, so that L = θ² and a step makes θ (1 − 2α) of θ, beginning at `first`."""
    main = MainNetwork.from_module(nn.Linear(1, 1, bias=False), loss=loss)
    return main, torch.tensor([first]), Examples(torch.ones(1, 1), torch.zeros(1, 1))


@pytest.mark.parametrize(
    ("factor", "steps", "expected"),
    [
        (3.0, 1, 0),  # 9 times the loss at the start
        (3.0, 4, 2),  # 81 times, after the second step
        (3.2, 4, 1),  # 10.24 times
        (3.1, 4, 2),  # 9.61 times
        (1.2, 6, 0),  # 8.9 times at the end
        (1.2, 7, 7),  # 12.8 times
        (0.5, 9, 0),
    ],
)
@pytest.mark.parametrize("evaluation", [True, False])
def test_a_task_diverges_at_the_step_after_which_its_loss_is_over_ten_times_that_at_the_start(
    factor, steps, expected, evaluation
):
    main, theta, support = line(2.0)
    with torch.set_grad_enabled(not evaluation):
        path = adapt(main, theta, support, steps, (1 + factor) / 2)
    torch.testing.assert_close(path.loss, 4 * torch.tensor([factor ** (2 * k) for k in range(steps + 1)]), rtol=1e-4, atol=0)
    assert path.diverged.item() == expected
    assert path.diverged.dtype == torch.int64
    assert path.diverged.shape == ()


def test_a_loss_that_is_not_finite_counts_from_the_first_step():
    main, theta, support = line(1e30)  # its square is more than float32 holds
    path = adapt(main, theta, support, 3, 0.1)
    assert path.loss[0] == torch.inf
    assert path.diverged.item() == 1
    main, theta, support = line(1e15)
    assert adapt(main, theta, support, 9, 1e3).diverged.item() == 1
    main, theta, support = line(0.0)  # nothing to learn: the loss is zero from the start and stays so
    path = adapt(main, theta, support, 3, 0.1)
    assert not path.loss.any()
    assert path.diverged.item() == 0


def test_a_loss_below_zero_may_fall_as_far_as_it_will():
    """L = −mean g: θ rises by α at each step and L falls from −1 to −31."""
    main, theta, support = line(1.0, loss=lambda prediction, y: -prediction.mean())
    path = adapt(main, theta, support, 3, 10.0)
    torch.testing.assert_close(path.loss, torch.tensor([-1.0, -11.0, -21.0, -31.0]))
    assert path.diverged.item() == 0


EPS = torch.finfo(torch.float32).eps


@pytest.mark.parametrize(
    ("losses", "expected"),
    [
        ([1.0, 10.0, 10.0], 0),
        ([1.0, 10.001, 1.0], 1),
        ([1.0, 1.0, 10.001], 2),
        ([1.0], 0),
        ([-1.0, 9.0, 10.0], 0),
        ([-1.0, 9.0, 10.001], 2),
        ([-1.0, -100.0], 0),
        ([0.0, 10 * EPS, 0.0], 0),
        ([0.0, 0.0, 11 * EPS], 2),
        ([math.nan, 1.0], 1),
        ([math.inf, 1.0], 1),
        ([-math.inf, 1.0], 1),
        ([1.0, 1.0, math.nan, 1.0], 2),
        ([1.0, -math.inf], 1),
        ([math.nan], 1),
    ],
)
def test_what_counts_as_divergence(losses, expected):
    assert DIVERGED == 10
    assert _diverged(torch.tensor(losses)).item() == expected
    both = _diverged(torch.tensor([[1.0, v] for v in losses]))
    assert both.tolist() == [0, expected], "each task by itself"


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
    report = meta_test(learner, family.test, shots=5, inner_steps=8, n_tasks=20)
    assert report.inner_steps == 8
    assert report.share_diverged > 0.2
    first = report.diverged.nonzero()[0].item()
    assert f"task {first} at step {report.diverged[first]}" in repr(report)
    calm = meta_test(learner, family.test, shots=5, inner_steps=0, n_tasks=20)
    assert calm.share_diverged == 0
    assert "diverged" not in repr(calm)


def test_a_training_that_diverges_inside_says_at_which_step_of_the_adaptation(family):
    learner = MAML(MainNetwork.mlp([1, 8, 1], activation="relu"), steps=40, lr=1e3)
    before = learner.theta_0.detach().clone()
    with pytest.raises(
        FloatingPointError, match=r"at step 1; 25 of 25 diverged: task 0 at step \d, .* of the adaptation\. Try"
    ):
        meta_train(learner, family.train, 5, progress=False)
    assert torch.equal(learner.theta_0, before)


def test_a_test_may_take_other_steps_than_the_training(family):
    learner = MAML(MainNetwork.mlp([1, 8, 1]), steps=1, rng=torch.Generator().manual_seed(0))
    tasks = family.test.sample(5, 10, 100, torch.Generator().manual_seed(0))
    theta = learner.theta_0.detach().expand(5, -1)
    expected = squares(learner.main, adapt(learner.main, theta, tasks.support, 7, 0.01).final, tasks.query)
    for any_learner in (learner, SharedWeights(learner.main)):
        any_learner.theta_0.data.copy_(learner.theta_0)
        report = meta_test(any_learner, family.test, shots=10, n_tasks=5, inner_steps=7)
        torch.testing.assert_close(report.per_task, expected.detach())


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


# Everything of a learner on another device; the meta device shows it without a GPU


def units() -> MainNetwork:
    return MainNetwork.mlp([1, 8, 8, 1], y_mean=torch.tensor([1.0]), y_std=torch.tensor([2.0]))


MOVED = {
    "SharedWeights": SharedWeights,
    "MAML": lambda main: MAML(main, 2),
    "MAML, rates by layer": lambda main: MAML(
        main, 1, {"0.bias": torch.full((8,), 0.1), "4.bias": nn.Parameter(torch.tensor(0.1))}
    ),
    "MAML, a tensor of rates": lambda main: MAML(main, 1, torch.full((97,), 0.1)),
    "FirstOrderMAML": FirstOrderMAML,
    "ANIL": ANIL,
    "MetaSGD": MetaSGD,
    "Reptile": Reptile,
    "Conditioned": lambda main: Conditioned(main, 2),
    "HyperMAML": HyperMAML,
    "SupportSetHypernetwork": SupportSetHypernetwork,
    "TaskConditionedMAML": lambda main: TaskConditionedMAML(main, MLPGenerator(2, main)),
    "DescriptorAdaptation": lambda main: DescriptorAdaptation(main, MLPGenerator(3, main), 3),
    "CAVIA": lambda main: DescriptorAdaptation(main, Conditioned(main, 3), 3),
    "MLPGenerator": lambda main: Hypernetwork(main, MLPGenerator(2, main, magnitude_invariant=True)),
    "ChunkedGenerator": lambda main: Hypernetwork(main, ChunkedGenerator(2, main)),
    "ConvGenerator": lambda main: Hypernetwork(main, ConvGenerator(2, main)),
    "LowRankGenerator": lambda main: Hypernetwork(main, LowRankGenerator(2, main)),
    "AttentionGenerator": lambda main: Hypernetwork(main, AttentionGenerator(2, main)),
    "JointEncoder": lambda main: Hypernetwork(main, MLPGenerator(7, main), JointEncoder(nn.Linear(2, 3), SetEncoder(1, 1, 4))),
}


@pytest.mark.parametrize("where", ["meta", torch.float64])
@pytest.mark.parametrize("name", MOVED)
def test_a_learner_follows_its_inputs(name, where, family, random):
    """To another device and another dtype: weights, loss and gradients, with the units of y in tensors."""
    learner, tasks = MOVED[name](units()).to(where), family.train.sample(4, 5, 6, random).to(where)
    theta, loss = learner(tasks.descriptor, tasks.support), outer_loss(learner, tasks)
    assert theta.shape == (4, 97)
    assert loss.shape == (4,)
    loss.mean().backward()
    for found in (theta, loss, *(p.grad for p in learner.parameters())):
        assert found.is_meta if where == "meta" else found.dtype == where


# All shapes, dtypes and losses


@given(
    sizes=st.lists(st.integers(1, 3), min_size=2, max_size=3),
    n_tasks=st.integers(1, 3),
    n=st.integers(1, 4),
    steps=st.integers(0, 3),
    lr=st.floats(0, 0.2),
    dtype=st.sampled_from([torch.float32, torch.float64]),
    loss=st.sampled_from(["squared_error", "cross_entropy", "smooth_l1_loss"]),
    settings=st.fixed_dictionaries({"first_order": st.booleans(), "keep": st.booleans()}),
    training=st.booleans(),
)
def test_adaptation_is_a_loop_by_hand_for_all_shapes(sizes, n_tasks, n, steps, lr, dtype, loss, settings, training):
    single = {"squared_error": F.mse_loss}.get(loss) or getattr(F, loss)
    random = torch.Generator().manual_seed(0)
    main = MainNetwork.mlp(sizes, "tanh", loss=single if loss == "smooth_l1_loss" else loss)
    x = torch.randn(n_tasks, n, sizes[0], generator=random).to(dtype)
    y = torch.randn(n_tasks, n, sizes[-1], generator=random).to(dtype)
    if loss == "cross_entropy":
        y = torch.randint(sizes[-1], (n_tasks, n), generator=random)
    theta = main.initial_weights(rng=random).to(dtype)
    with torch.set_grad_enabled(training):
        path = adapt(main, theta, Examples(x, y), steps, lr, **settings)
    assert path.final.dtype == dtype
    assert not path.diverged.any()
    for i in range(n_tasks):
        now = theta
        for step in range(steps + 1):
            now = now.detach().requires_grad_()
            value = single(main(now, x[i]), y[i])
            if step < len(path.loss):
                torch.testing.assert_close(path.loss[step, i], value.detach())
            if settings["keep"]:
                torch.testing.assert_close(path.theta[step, i].detach(), now.detach())
            if step < steps:
                now = now - lr * torch.autograd.grad(value, now)[0]
        torch.testing.assert_close(path.final[i].detach(), now.detach())
