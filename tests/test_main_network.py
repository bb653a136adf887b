import copy
import itertools

import pytest
import torch
from torch import nn

from hyperedu import MainNetwork, squared_error


def module(*sizes, activation=nn.ReLU):
    layers = []
    for a, b in itertools.pairwise(sizes):
        layers += [nn.Linear(a, b), activation()]
    return nn.Sequential(*layers[:-1]).double()


@pytest.mark.parametrize(
    ("name", "activation"), [("relu", nn.ReLU), ("tanh", nn.Tanh), ("sigmoid", nn.Sigmoid), ("gelu", nn.GELU)]
)
def test_the_mlp_is_the_module_with_the_same_weights(name, activation, random):
    net, main = module(2, 5, 4, 3, activation=activation), MainNetwork.mlp([2, 5, 4, 3], activation=name)
    theta, x = main.flatten(dict(net.named_parameters())), torch.randn(7, 2, generator=random).double()
    torch.testing.assert_close(main(theta, x), net(x))


def test_lesson_01_equation_1(random):
    """g(θ, x) = W₂ σ(W₁ x + b₁) + b₂ with θ = (W₁, b₁, W₂, b₂)."""
    main = MainNetwork.mlp([1, 3, 1], activation="tanh")
    theta, x = torch.randn(10, generator=random), torch.randn(6, 1, generator=random)
    W_1, b_1, W_2, b_2 = theta[0:3].view(3, 1), theta[3:6], theta[6:9].view(1, 3), theta[9:10]
    torch.testing.assert_close(main(theta, x), torch.tanh(x @ W_1.T + b_1) @ W_2.T + b_2)


@pytest.mark.parametrize(
    ("theta_lead", "x_lead"), [((), ()), ((4,), (4,)), ((4,), ()), ((), (4,)), ((3, 1), (4,)), ((3, 4), (3, 4))]
)
@pytest.mark.parametrize("kind", ["mlp", "module"])
def test_a_batch_is_a_loop(kind, theta_lead, x_lead, random):
    main = MainNetwork.mlp([2, 5, 3]) if kind == "mlp" else MainNetwork.from_module(module(2, 5, 3))
    theta = torch.randn(*theta_lead, main.weight_dim, generator=random).double()
    x = torch.randn(*x_lead, 7, 2, generator=random).double()
    y = main(theta, x)
    lead = torch.broadcast_shapes(theta_lead, x_lead)
    assert y.shape == (*lead, 7, 3)
    thetas, xs = theta.expand(*lead, -1).reshape(-1, main.weight_dim), x.expand(*lead, 7, 2).reshape(-1, 7, 2)
    net = module(2, 5, 3)
    for one_theta, one_x, one_y in zip(thetas, xs, y.reshape(-1, 7, 3), strict=True):
        net.load_state_dict(MainNetwork.mlp([2, 5, 3]).unflatten(one_theta))
        torch.testing.assert_close(one_y, net(one_x))


def test_the_gradient_in_theta_is_that_of_finite_differences(random):
    main = MainNetwork.mlp([2, 4, 3], activation="tanh")
    theta = torch.randn(2, main.weight_dim, generator=random).double().requires_grad_()
    x = torch.randn(2, 5, 2, generator=random).double().requires_grad_()
    assert torch.autograd.gradcheck(main, (theta, x))


def test_y_keeps_its_units(random):
    plain, scaled = MainNetwork.mlp([1, 4, 1]), MainNetwork.mlp([1, 4, 1], y_mean=16.0, y_std=10.0)
    theta, x = plain.initial_weights(rng=random), torch.randn(5, 1, generator=random)
    torch.testing.assert_close(scaled(theta, x), 16 + 10 * plain(theta, x))


def test_flatten_and_unflatten_are_inverse_and_views(random):
    main = MainNetwork.mlp([1, 40, 40, 1])
    assert main.shapes["0.weight"] == (40, 1)
    assert main.shapes["0.bias"] == (40,)
    assert main.weight_dim == 1761
    theta = torch.randn(3, 1761, generator=random)
    named = main.unflatten(theta)
    assert [tuple(w.shape) for w in named.values()] == [(3, *shape) for shape in main.shapes.values()]
    assert torch.equal(main.flatten(named), theta)
    named["0.weight"][0, 0, 0] = 42.0
    assert theta[0, 0] == 42.0


def test_initial_weights_are_fan_in_scaled(random):
    main = MainNetwork.mlp([10, 200, 200, 1], activation="relu")
    named = main.unflatten(main.initial_weights(100, rng=random))
    for name, std in {"0.weight": (2 / 10) ** 0.5, "2.weight": (2 / 200) ** 0.5, "4.weight": (1 / 200) ** 0.5}.items():
        assert named[name].std().item() == pytest.approx(std, rel=0.02)
        assert named[name].mean().abs() < 0.02 * std
    assert main.initial_weights(rng=random).shape == (main.weight_dim,)


def test_the_variance_stays_the_same_through_the_layers(random):
    main = MainNetwork.mlp([50, 300, 300, 300, 50], activation="relu")
    x = torch.randn(200, 50, generator=random)
    y = main(main.initial_weights(5, rng=random), x)
    assert y.var().item() == pytest.approx(1.0, rel=0.35)  # biases add their share


def test_from_module_takes_convolutions_and_leaves_the_module_as_it_was(random):
    net = nn.Sequential(nn.Conv2d(1, 3, 3), nn.GroupNorm(1, 3), nn.ReLU(), nn.Flatten(), nn.Linear(3 * 4 * 4, 2))
    before = copy.deepcopy(net.state_dict())
    main = MainNetwork.from_module(net, input_dims=3)
    assert all(p.is_meta for p in main.module.parameters()), "the copy must hold no weights"
    theta = torch.stack([main.flatten(dict(net.named_parameters()))] * 2).detach()
    x = torch.randn(2, 5, 1, 6, 6, generator=random)
    torch.testing.assert_close(main(theta, x), torch.stack([net(x[0]), net(x[1])]))
    assert all(torch.equal(before[name], value) for name, value in net.state_dict().items())


def test_from_module_keeps_tied_weights_tied(random):
    net = nn.Sequential(nn.Linear(3, 3), nn.Tanh(), nn.Linear(3, 3))
    net[2].weight = net[0].weight
    main = MainNetwork.from_module(net)
    assert main.weight_dim == 9 + 3 + 3
    x = torch.randn(4, 3, generator=random)
    torch.testing.assert_close(main(main.flatten(dict(net.named_parameters())), x), net(x))


def test_from_module_initialises_as_the_module(random):
    net = nn.Sequential(nn.Linear(50, 60), nn.LayerNorm(60), nn.Linear(60, 4))
    main = MainNetwork.from_module(net)
    named = main.unflatten(main.initial_weights(50, rng=random))
    assert named["0.weight"].std().item() == pytest.approx(net[0].weight.std().item(), rel=0.02)
    assert torch.equal(named["1.weight"], torch.ones(50, 60))


def test_running_statistics_are_refused():
    with pytest.raises(ValueError, match="track_running_stats=False"):
        MainNetwork.from_module(nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3)))
    MainNetwork.from_module(nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3, track_running_stats=False)))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda main: main(torch.zeros(5), torch.zeros(3, 1)), ["5", "97"]),
        (lambda main: main(torch.zeros(97), torch.zeros(3, 2)), ["2 inputs", "takes 1"]),
        (lambda main: main(torch.zeros(97), torch.zeros(3)), ["unsqueeze"]),
        (lambda main: main(torch.zeros(4, 97), torch.zeros(3, 5, 1)), ["(4,)", "(3,)"]),
        (lambda main: main.flatten({"0.weight": torch.zeros(8, 1)}), ["missing", "0.bias"]),
        (lambda main: main.flatten(main.unflatten(torch.zeros(97)) | {"0.bias": torch.zeros(9)}), ["(9,)", "(8,)"]),
        (lambda main: MainNetwork.mlp([3]), ["at least two"]),
        (lambda main: MainNetwork.mlp([3, 0, 1]), ["positive"]),
        (lambda main: MainNetwork.mlp([3, 1], activation="swoosh"), ["swoosh", "relu"]),
        (lambda main: MainNetwork.from_module(nn.ReLU()), ["no parameters"]),
        (lambda main: squared_error(torch.zeros(3, 1), torch.zeros(3, 2)), ["(3, 1)", "(3, 2)"]),
    ],
)
def test_bad_input_gets_a_sentence_with_both_numbers(main, call, words):
    with pytest.raises(ValueError) as error:  # noqa: PT011, the words are checked below
        call(main)
    assert all(word in str(error.value) for word in words), str(error.value)
