"""g : (θ, x) → y against plain modules, its initialisation against closed forms, and any module as a main network."""

import copy
import itertools
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from hyperedu import MAML, Examples, MainNetwork, SharedWeights, Sinusoids, adapt, meta_test, stateless
from hyperedu.feedforward import ACTIVATIONS, activation_and_gain


def module(*sizes, activation=nn.ReLU):
    layers = []
    for a, b in itertools.pairwise(sizes):
        layers += [nn.Linear(a, b), activation()]
    return nn.Sequential(*layers[:-1]).double()


class Sin(nn.Module):
    def forward(self, x):
        return torch.sin(x)


# The layer between, and its gain: those of torch.nn.init.calculate_gain, √2 for GELU as for ReLU, and 1 for a sine.
MODULES = {
    "relu": (nn.ReLU, math.sqrt(2)),
    "tanh": (nn.Tanh, 5 / 3),
    "sigmoid": (nn.Sigmoid, 1.0),
    "gelu": (nn.GELU, math.sqrt(2)),
    "sin": (Sin, 1.0),
}


def test_every_activation_is_tested():
    assert list(ACTIVATIONS) == list(MODULES)
    for name in ("relu", "tanh", "sigmoid"):
        assert activation_and_gain(name)[1] == pytest.approx(nn.init.calculate_gain(name))


@pytest.mark.parametrize("name", MODULES)
@pytest.mark.parametrize("sizes", [(2, 5, 4, 3), (2, 3), (1, 6, 1)])
def test_the_mlp_is_the_module_with_the_same_weights(name, sizes, random):
    net, main = module(*sizes, activation=MODULES[name][0]), MainNetwork.mlp(sizes, activation=name)
    assert list(main.shapes.items()) == [(name, tuple(p.shape)) for name, p in net.named_parameters()]
    theta, x = main.flatten(dict(net.named_parameters())), torch.randn(7, sizes[0], generator=random).double()
    torch.testing.assert_close(main(theta, x), net(x))


def test_relu_is_the_activation_unless_told_otherwise(random):
    theta, x = torch.randn(4, 22, generator=random), torch.randn(4, 9, 1, generator=random)
    assert torch.equal(MainNetwork.mlp([1, 7, 1])(theta, x), MainNetwork.mlp([1, 7, 1], "relu")(theta, x))


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


@pytest.mark.parametrize(
    ("mean", "std"),
    [
        (16.0, 10.0),
        (16, 1),
        (0, 10),
        (0.0, 1.0),
        (torch.tensor(16.0), torch.tensor(10.0)),
        (torch.tensor([16.0]), torch.tensor([10.0])),
        (torch.tensor([16.0, -3.0, 0.0]), torch.tensor([10.0, 0.1, 1.0])),
        (torch.tensor([16.0, -3.0, 0.0]), 2.0),
        (0.0, torch.tensor([10.0, 0.1, 1.0])),
        (0.0, torch.tensor(3)),
    ],
)
@pytest.mark.parametrize("lead", [(), (4,), (2, 3)])
def test_y_keeps_its_units(mean, std, lead, random):
    """y_mean + y_std · (last layer), a number for all outputs or one for each."""
    plain, scaled = MainNetwork.mlp([1, 4, 3]), MainNetwork.mlp([1, 4, 3], y_mean=mean, y_std=std)
    assert scaled.shapes == plain.shapes
    assert torch.equal(scaled.initial_std, plain.initial_std), "the units of y are no business of θ"
    theta, x = torch.randn(*lead, 23, generator=random).double(), torch.randn(*lead, 5, 1, generator=random).double()
    found, inside = scaled(theta, x), plain(theta, x)
    assert found.dtype == torch.float64
    for k in range(3):
        m, s = (v if not isinstance(v, torch.Tensor) else v.expand(3)[k].item() for v in (mean, std))
        torch.testing.assert_close(found[..., k], m + s * inside[..., k])


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


@pytest.mark.parametrize("name", MODULES)
def test_each_layer_begins_with_the_spread_of_its_fan_in_and_gain(name):
    """gain / √fan_in, without a gain in the last layer, which no activation follows; biases as U(±1/√fan_in) spreads."""
    main, gain = MainNetwork.mlp([9, 16, 25, 4], activation=name), MODULES[name][1]
    std = main.unflatten(main.initial_std)
    expected = {"0": (gain / 3, 9), "2": (gain / 4, 16), "4": (1 / 5, 25)}
    for layer, (of_weights, fan_in) in expected.items():
        torch.testing.assert_close(std[f"{layer}.weight"], torch.full_like(std[f"{layer}.weight"], of_weights))
        torch.testing.assert_close(std[f"{layer}.bias"], torch.full_like(std[f"{layer}.bias"], 1 / math.sqrt(3 * fan_in)))
    assert len(std) == 6
    assert not main.initial_mean.any()
    assert main.initial_mean.shape == main.initial_std.shape == (main.weight_dim,)


def test_one_layer_alone_has_no_gain():
    std = MainNetwork.mlp([4, 3]).unflatten(MainNetwork.mlp([4, 3]).initial_std)
    assert std["0.weight"].unique().tolist() == [0.5]


def test_initial_weights_have_those_moments(random):
    main = MainNetwork.mlp([10, 200, 200, 1], activation="relu")
    named = main.unflatten(main.initial_weights(100, rng=random))
    for name, std in {"0.weight": (2 / 10) ** 0.5, "2.weight": (2 / 200) ** 0.5, "4.weight": (1 / 200) ** 0.5}.items():
        assert named[name].std().item() == pytest.approx(std, rel=0.02)
        assert named[name].mean().abs() < 0.02 * std
    assert named["0.bias"].std().item() == pytest.approx(1 / math.sqrt(30), rel=0.02)
    kurtosis = (named["2.weight"] / named["2.weight"].std()).pow(4).mean().item()
    assert kurtosis == pytest.approx(3, rel=0.02), "normal, not uniform"


def test_initial_weights_come_in_any_number_and_from_the_source_that_is_given(main):
    def source():
        return torch.Generator().manual_seed(3)

    one, two = main.initial_weights(rng=source()), main.initial_weights(2, rng=source())
    assert one.shape == (97,)
    assert two.shape == (2, 97)
    assert torch.equal(one, main.initial_weights(rng=source()))
    assert torch.equal(two, main.initial_weights(2, rng=source()))
    assert not torch.equal(two[0], two[1])
    assert main.initial_weights(0).shape == (0, 97)
    assert main.initial_weights(1).shape == (1, 97)
    assert not one.requires_grad
    torch.manual_seed(5)
    first = main.initial_weights()
    torch.manual_seed(5)
    assert torch.equal(first, main.initial_weights())


@pytest.mark.parametrize("name", ["relu", "tanh", "sin"])
def test_the_variance_neither_dies_nor_explodes_through_the_layers(name, random):
    main = MainNetwork.mlp([50, 300, 300, 300, 50], activation=name)
    x = torch.randn(200, 50, generator=random)
    y = main(main.initial_weights(5, rng=random), x)
    bound = {"relu": (0.65, 1.35), "tanh": (0.3, 1.0), "sin": (0.2, 1.0)}[name]  # biases add their share
    assert bound[0] < y.var().item() < bound[1]


def test_a_main_network_says_what_goes_in_and_out():
    main = MainNetwork.mlp([2, 5, 3])
    assert (main.d_in, main.d_out, main.input_dims, main.weight_dim) == (2, 3, 1, 33)
    assert main.head == ["2.weight", "2.bias"]
    assert main.sizes == [10, 5, 15, 3]
    assert list(main.modules()) == []
    assert main.training
    assert main.eval() is main
    assert not main.training
    assert main.train() is main
    assert main.training


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


def test_from_module_has_the_mean_and_standard_deviation_of_each_tensor():
    net = nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 1))
    with torch.no_grad():
        net[0].weight.copy_(torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]))
    main = MainNetwork.from_module(net)
    mean, std = main.unflatten(main.initial_mean), main.unflatten(main.initial_std)
    torch.testing.assert_close(mean["0.weight"], torch.full((2, 3), 3.5))
    torch.testing.assert_close(std["0.weight"], torch.full((2, 3), math.sqrt(35 / 12)))  # of all six, not of five
    assert std["1.bias"].item() == 0
    assert mean["1.bias"].item() == net[1].bias.item()


def test_a_weight_that_is_a_single_number(random):
    class Scaled(nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = nn.Parameter(torch.tensor(2.0))

        def forward(self, x):
            return self.scale * x

    main = MainNetwork.from_module(Scaled())
    theta, x = torch.tensor([[3.0], [4.0]]), torch.ones(2, 5, 1)
    assert main.shapes == {"scale": ()}
    assert main.unflatten(theta)["scale"].tolist() == [3.0, 4.0]
    assert torch.equal(main.flatten(main.unflatten(theta)), theta)
    assert main(theta, x)[:, 0, 0].tolist() == [3.0, 4.0]


def test_running_statistics_are_refused():
    with pytest.raises(ValueError, match="track_running_stats=False"):
        MainNetwork.from_module(nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3)))
    MainNetwork.from_module(nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3, track_running_stats=False)))


@pytest.mark.parametrize(
    ("net", "input_dims", "widths"),
    [
        (lambda: module(2, 5, 3), 1, (2, 3)),
        (lambda: nn.Sequential(nn.Linear(2, 5), nn.Dropout(), nn.Linear(5, 1)), 1, (2, 1)),
        (lambda: nn.Linear(4, 6), 2, (None, None)),
        (lambda: nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(2, 3)), 3, (None, None)),
        (lambda: nn.Sequential(nn.Unflatten(1, (2, 2)), nn.Linear(2, 3)), 1, (None, None)),
    ],
)
def test_a_module_says_its_widths_where_they_can_be_known(net, input_dims, widths):
    state = torch.get_rng_state()
    main = MainNetwork.from_module(net(), input_dims)
    assert (main.d_in, main.d_out) == widths
    assert main.input_dims == input_dims
    assert main.head == list(main.shapes)[-2:]
    net()
    torch.set_rng_state(state)


# Layers that behave otherwise in training


def noisy() -> nn.Module:
    return nn.Sequential(nn.Linear(1, 8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, 1))


def test_dropout_is_different_for_each_task_and_each_call(random):
    main = MainNetwork.from_module(noisy())
    theta, x = main.initial_weights(rng=random), torch.randn(20, 1, generator=random)
    y = main(theta.expand(6, -1), x)
    assert all(not torch.equal(one, other) for one, other in itertools.combinations(y, 2))
    assert not torch.equal(main(theta.expand(6, -1), x), y)


@pytest.mark.parametrize("dropout", [nn.Dropout(0.5), nn.AlphaDropout(0.5), nn.Dropout1d(0.5), nn.FeatureAlphaDropout(0.5)])
def test_in_evaluation_mode_there_is_no_dropout(dropout, random):
    net = nn.Sequential(nn.Linear(1, 8), nn.Unflatten(1, (4, 2)), dropout, nn.Flatten(), nn.Linear(8, 1))
    main = MainNetwork.from_module(net).eval()
    theta, x = main.flatten({k: p.detach() for k, p in net.named_parameters()}), torch.randn(5, 1, generator=random)
    torch.testing.assert_close(main(theta, x), net.eval()(x))
    main.train()
    assert not torch.allclose(main(theta, x), net(x))


def test_dropout_of_whole_channels_drops_whole_channels(random):
    net = nn.Sequential(nn.Conv2d(1, 8, 1), nn.Dropout2d(0.5), nn.Flatten(1))
    main = MainNetwork.from_module(net, 3)
    theta = main.flatten({"0.weight": torch.ones(8, 1, 1, 1), "0.bias": torch.ones(8)})
    y = main(theta.expand(3, -1), torch.rand(4, 1, 2, 2, generator=random)).unflatten(-1, (8, 4))
    dropped = y == 0
    assert torch.equal(dropped.any(-1), dropped.all(-1))
    assert dropped.any()
    assert not dropped.all()
    assert not torch.equal(dropped[0], dropped[1])


@pytest.mark.parametrize("mode", [True, False])
def test_a_module_begins_in_the_mode_that_it_is_in_and_is_left_there(mode):
    net = noisy().train(mode)
    main = MainNetwork.from_module(net)
    assert main.training == mode
    assert all(part.training == mode for part in main.modules())
    main.train(not mode)
    assert main.training == (not mode)
    assert {part.training for part in main.modules()} == {not mode}
    assert all(part.training == mode for part in net.modules())


def test_a_learner_takes_its_main_network_along_and_a_test_is_the_same_every_time(family):
    """Test in evaluation mode and put back what was found, a module of the reader's in a mode of its own among it."""
    main = MainNetwork.from_module(noisy())
    for learner in (SharedWeights(main), MAML(main, 2, 0.01)):
        learner.train()
        list(main.modules())[3].eval()  # the dropout alone
        before = [part.training for part in main.modules()]
        assert before == [True, True, True, False, True]
        reports = [meta_test(learner, family.test, n_tasks=5).per_task for _ in range(3)]
        assert torch.equal(reports[0], reports[1])
        assert torch.equal(reports[0], reports[2])
        assert [part.training for part in main.modules()] == before
        assert learner.training
        learner.eval()
        assert not main.training
        assert not any(part.training for part in main.modules())
        torch.testing.assert_close(meta_test(learner, family.test, n_tasks=5).per_task, reports[0])
        assert not learner.training
        assert not main.training


# Layers that vmap has no rule for, or whose fast kernels have no second derivative


class Last(nn.Module):
    """A recurrent layer, and a linear one on what it says at the last moment."""

    def __init__(self, layer: nn.RNNBase):
        super().__init__()
        width = (layer.proj_size or layer.hidden_size) * (1 + layer.bidirectional)
        self.layer, self.out = layer, nn.Linear(width, 1)

    def forward(self, x):
        return self.out(self.layer(x)[0][:, -1])


class Attending(nn.Module):
    def __init__(self):
        super().__init__()
        self.attention, self.out = nn.MultiheadAttention(4, 2, batch_first=True), nn.Linear(4, 1)

    def forward(self, x):
        return self.out(self.attention(x, x, x, need_weights=False)[0].mean(1))


class Scaled(nn.Module):
    """Attention by the function, causal, with two heads."""

    def __init__(self):
        super().__init__()
        self.qkv, self.out = nn.Linear(4, 12), nn.Linear(4, 1)

    def forward(self, x):
        q, k, v = self.qkv(x).unflatten(-1, (3, 2, 2)).permute(2, 0, 3, 1, 4)
        return self.out(F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).flatten(2).mean(1))


class Transformer(nn.Module):
    def __init__(self, layers: int, **settings):
        super().__init__()
        block = nn.TransformerEncoderLayer(4, 2, 8, batch_first=True, activation="gelu", **({"dropout": 0.0} | settings))
        self.blocks = nn.TransformerEncoder(block, layers, enable_nested_tensor=False) if layers > 1 else block
        self.out = nn.Linear(4, 1)

    def forward(self, x):
        return self.out(self.blocks(x).mean(1))


SEQUENCES = {
    "LSTM": lambda: Last(nn.LSTM(4, 3, batch_first=True)),
    "GRU": lambda: Last(nn.GRU(4, 3, batch_first=True)),
    "RNN": lambda: Last(nn.RNN(4, 3, batch_first=True)),
    "LSTM in both directions": lambda: Last(nn.LSTM(4, 3, batch_first=True, bidirectional=True)),
    "two layers of GRU": lambda: Last(nn.GRU(4, 3, num_layers=2, batch_first=True)),
    "LSTM with a projection": lambda: Last(nn.LSTM(4, 3, proj_size=2, batch_first=True)),
    "GRU without biases": lambda: Last(nn.GRU(4, 3, bias=False, batch_first=True)),
    "MultiheadAttention": Attending,
    "scaled_dot_product_attention": Scaled,
    "a transformer block": lambda: Transformer(1),
    "a transformer block, normalised first": lambda: Transformer(1, norm_first=True),
    "a transformer block in evaluation mode": lambda: Transformer(1, dropout=0.1).eval(),
    "two transformer blocks": lambda: Transformer(2),
}


@pytest.fixture(params=SEQUENCES)
def sequences(request, in_float64):
    """A module of sequences (5 examples of 6 moments of 4 numbers), as a main network, and two sets of three tasks."""
    torch.manual_seed(0)
    net, random = SEQUENCES[request.param](), torch.Generator().manual_seed(1)
    main = MainNetwork.from_module(net, input_dims=2)
    some = [Examples(torch.randn(3, 5, 6, 4, generator=random), torch.randn(3, 5, 1, generator=random)) for _ in range(2)]
    return net, main, main.initial_weights(rng=random), *some


def test_recurrent_layers_and_attention_serve_as_main_networks(sequences):
    net, main, theta, D, _ = sequences
    thetas = torch.stack([theta, 2 * theta, -theta])
    y = main(thetas, D.x)
    for one, x, found in zip(thetas, D.x, y, strict=True):
        net.load_state_dict(main.unflatten(one))
        torch.testing.assert_close(found, net(x))
    torch.testing.assert_close(main(thetas, D.x), y)  # again, when it is known whether vmap will do
    assert main(theta, D.x[0]).shape == (5, 1)
    none = thetas[:0].requires_grad_()
    assert main(none, D.x[:0]).shape == (0, 5, 1)
    (gradient,) = torch.autograd.grad(main(none, D.x[:0]).sum(), none)
    assert gradient.shape == none.shape


def test_vmap_is_tried_once_where_it_has_no_rule(monkeypatch):
    """A failed attempt takes longer than the loop."""
    tried = []
    vmap = stateless.vmap
    monkeypatch.setattr(stateless, "vmap", lambda *args, **kwargs: (tried.append(1), vmap(*args, **kwargs))[1])
    for kind, expected in (("GRU", 1), ("MultiheadAttention", 3)):
        tried.clear()
        main = MainNetwork.from_module(SEQUENCES[kind](), input_dims=2)
        for _ in range(3):
            main(torch.zeros(2, main.weight_dim), torch.zeros(5, 6, 4))
        assert len(tried) == expected


def test_adaptation_through_them_has_its_second_derivative(sequences):
    """d/dε of the query loss after two inner steps from θ + ε v, by central differences."""
    _, main, theta, D, query = sequences
    v = torch.randn(theta.shape, generator=torch.Generator().manual_seed(2))

    def outer(start):
        return main.loss(adapt(main, start, D, 2, 0.1).final, query).mean()

    start = theta.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(outer(start), start)
    step = 1e-5
    difference = (outer(theta + step * v) - outer(theta - step * v)) / (2 * step)
    torch.testing.assert_close(gradient @ v, difference.detach(), rtol=1e-5, atol=1e-6)


def test_the_second_derivative_through_attention_is_that_of_a_loop(in_float64):
    torch.manual_seed(0)
    net, random = Scaled(), torch.Generator().manual_seed(1)
    main = MainNetwork.from_module(net, input_dims=2)
    theta = main.initial_weights(rng=random).requires_grad_()
    D = Examples(torch.randn(3, 5, 6, 4, generator=random), torch.randn(3, 5, 1, generator=random))
    (found,) = torch.autograd.grad(main.loss(adapt(main, theta, D, 1, 0.1).final, D).sum(), theta)

    def written_out(theta, x):
        w = main.unflatten(theta)
        q, k, v = (x @ w["qkv.weight"].T + w["qkv.bias"]).unflatten(-1, (3, 2, 2)).permute(2, 0, 3, 1, 4)
        scores = (q @ k.mT / math.sqrt(2)).masked_fill(torch.ones(6, 6).triu(1).bool(), -math.inf)
        return (scores.softmax(-1) @ v).transpose(1, 2).flatten(2).mean(1) @ w["out.weight"].T + w["out.bias"]

    total = 0.0
    for i in range(3):
        loss = (written_out(theta, D.x[i]) - D.y[i]).square().mean()
        (gradient,) = torch.autograd.grad(loss, theta, create_graph=True)
        total = total + (written_out(theta - 0.1 * gradient, D.x[i]) - D.y[i]).square().mean()
    torch.testing.assert_close(found, torch.autograd.grad(total, theta)[0])


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("kind", ["GRU", "a transformer block in evaluation mode"])
def test_what_is_switched_off_for_a_moment_is_switched_on_again(kind):
    """Nor is anything said about it."""

    def switches():
        backends = torch.backends
        return (
            backends.mha.get_fastpath_enabled(),
            backends.mkldnn.is_available() and torch._C._get_mkldnn_enabled(),
            *(enabled() for enabled in (backends.cuda.flash_sdp_enabled, backends.cuda.math_sdp_enabled)),
        )

    main, before = MainNetwork.from_module(SEQUENCES[kind](), input_dims=2), switches()
    theta = torch.zeros(2, main.weight_dim)
    main(theta, torch.zeros(5, 6, 4))
    assert switches() == before
    with pytest.raises(ValueError, match=r"cannot take x of shape \(5, 6, 3\)"):
        main(theta, torch.zeros(5, 6, 3))
    assert switches() == before


def test_a_module_that_looks_at_its_values_runs_task_by_task(random):
    class Branching(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = nn.ModuleList([nn.Linear(2, 1), nn.Linear(2, 1)])

        def forward(self, x):
            return self.layers[int(x.sum() > 0)](x)

    net = Branching()
    main = MainNetwork.from_module(net)
    theta = main.flatten({k: p.detach() for k, p in net.named_parameters()})
    x = torch.randn(6, 5, 2, generator=random)
    assert 0 < (x.sum((1, 2)) > 0).sum() < 6
    torch.testing.assert_close(main(theta, x), torch.stack([net(one) for one in x]))


# What a module may hold and give


def test_a_buffer_follows_the_weights_and_stays_as_it_is(random):
    class Shifted(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(1, 1)
            self.register_buffer("shift", torch.tensor([10.0]))
            self.register_buffer("order", torch.tensor([0]))

        def forward(self, x):
            return self.linear(x[:, self.order]) + self.shift

    net = Shifted()
    main = MainNetwork.from_module(net)
    theta, x = torch.randn(3, 2, generator=random).double(), torch.randn(5, 1, generator=random).double()
    torch.testing.assert_close(main(theta, x), 10 + theta[:, :1, None] * x + theta[:, 1:, None])
    assert main.weight_dim == 2
    assert net.shift.item() == 10


def test_a_buffer_that_is_replaced_does_not_leak_from_call_to_call():
    class Replacing(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(1, 1)
            self.register_buffer("seen", torch.zeros(1))

        def forward(self, x):
            self.seen = self.seen + x.sum()
            return self.linear(x) + self.seen

    main = MainNetwork.from_module(Replacing())
    theta, x = torch.zeros(2, 2), torch.ones(2, 3, 1)
    assert torch.equal(main(theta, x), torch.full((2, 3, 1), 3.0))
    assert torch.equal(main(theta, x), torch.full((2, 3, 1), 3.0))


@pytest.mark.parametrize("layer", ["in place", "spectral"])
def test_a_buffer_that_changes_is_refused_by_name(layer):
    class Counting(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(2, 2)
            self.register_buffer("calls", torch.zeros(()))

        def forward(self, x):
            self.calls.add_(1)
            return self.linear(x)

    net = Counting() if layer == "in place" else nn.utils.parametrizations.spectral_norm(nn.Linear(2, 2))
    main = MainNetwork.from_module(net)
    name = "calls" if layer == "in place" else "_u"
    with pytest.raises(ValueError, match=f"{name}.*leak from task to task"):
        main(torch.ones(3, main.weight_dim), torch.ones(3, 5, 2))


class Bounded(nn.Module):
    """An embedding that scales its own weights down, behind a layer that looks at its values, so that no vmap will do."""

    def __init__(self):
        super().__init__()
        self.words, self.out = nn.Embedding(5, 3, max_norm=0.5), nn.Linear(3, 1)

    def forward(self, x):
        return self.out(self.words(x[:, 0])) if x.max() < 5 else None


@pytest.mark.parametrize("kind", ["x", "weights", "weights one by one"])
def test_a_module_that_writes_into_what_it_is_given_changes_only_copies(kind, random):
    net = {
        "x": lambda: nn.Sequential(nn.ReLU(inplace=True), nn.Linear(1, 1)),
        "weights": lambda: nn.Sequential(nn.Embedding(5, 3, max_norm=0.5), nn.Flatten(), nn.Linear(3, 1)),
        "weights one by one": Bounded,
    }[kind]()
    main = MainNetwork.from_module(net)
    theta = torch.randn(2, main.weight_dim, generator=random)
    x = torch.randn(2, 4, 1, generator=random) if kind == "x" else torch.randint(5, (2, 4, 1), generator=random)
    given = theta.clone(), x.clone()
    y = main(theta, x)
    assert torch.equal(theta, given[0])
    assert torch.equal(x, given[1])
    for i in range(2):
        net.load_state_dict(main.unflatten(theta[i].clone()))
        torch.testing.assert_close(y[i], net(x[i].clone()))
    torch.testing.assert_close(main(theta[0], x)[1], main(theta[0], x[1]))
    torch.testing.assert_close(main(theta, x[0])[1], main(theta[1], x[0]))
    assert torch.equal(theta, given[0]), "nor what tasks share"
    assert torch.equal(x, given[1])


def test_the_gradient_through_a_module_that_writes_into_its_weights_is_that_of_plain_torch(random):
    net = nn.Sequential(nn.Embedding(5, 3, max_norm=0.5), nn.Flatten(), nn.Linear(3, 1))
    main = MainNetwork.from_module(net)
    theta = torch.randn(2, main.weight_dim, generator=random).requires_grad_()
    x = torch.randint(5, (2, 4, 1), generator=random)
    (gradient,) = torch.autograd.grad(main(theta, x).square().sum(), theta)
    for i in range(2):
        net.load_state_dict(main.unflatten(theta[i].detach().clone()))
        plain = torch.autograd.grad(net(x[i]).square().sum(), list(net.parameters()))
        torch.testing.assert_close(gradient[i], torch.cat([g.flatten() for g in plain]))


class Remembering(nn.Module):
    """A layer that computes something of its weights once: as an attribute, or in a container that several layers share."""

    def __init__(self, shared=None, by_loop=False):
        super().__init__()
        self.linear, self.shared, self.by_loop = nn.Linear(1, 1), shared, by_loop

    def forward(self, x):
        if self.by_loop:
            x.max().item()  # no vmap will do
        if self.shared is None and not hasattr(self, "twice"):
            self.twice = 2 * self.linear.weight
        if self.shared is not None and not self.shared:
            self.shared[:] = [2 * self.linear.weight]
        return x @ (self.twice if self.shared is None else self.shared[0]).mT


@pytest.mark.parametrize("by_loop", [False, True])
@pytest.mark.parametrize("shared", [None, []])
def test_what_a_module_keeps_of_a_call_is_not_used_in_the_next(shared, by_loop):
    main = MainNetwork.from_module(nn.Sequential(Remembering(shared, by_loop), Remembering(shared, by_loop)))
    theta, x = torch.tensor([[1.0, 0.0, 3.0, 0.0], [5.0, 0.0, 7.0, 0.0]]), torch.ones(2, 1, 1)
    product = (2 * theta[:, 0]) * 2 * theta[:, 2 if shared is None else 0]  # the second layer reads what the first one wrote
    for scale in (1.0, 2.0):
        assert torch.equal(main(scale * theta, x).flatten(), scale**2 * product)


class Times(nn.Module):
    def __init__(self, W):
        super().__init__()
        self.W = W

    def forward(self, x):
        return x @ self.W.mT


@pytest.mark.parametrize("kind", ["buffer", "layer"])
def test_a_buffer_or_a_layer_that_a_module_makes_in_a_call_is_gone_in_the_next(kind):
    class Making(nn.Linear):
        def forward(self, x):
            if not hasattr(self, "made"):
                twice = 2 * self.weight
                self.register_buffer("made", twice) if kind == "buffer" else self.add_module("made", Times(twice))
            return x @ self.made.mT if kind == "buffer" else self.made(x)

    main = MainNetwork.from_module(Making(1, 1))
    assert [main(torch.tensor([w, 0.0]), torch.ones(1, 1)).item() for w in (1.0, 3.0)] == [2.0, 6.0]
    assert len(list(main.modules())) == 1


class OfPairs(nn.Module):
    """Pairs of weights as complex numbers, which must lie at even places."""

    def __init__(self):
        super().__init__()
        self.scale, self.pairs = nn.Parameter(torch.ones(1)), nn.Parameter(torch.ones(1, 2))

    def forward(self, x):
        return (self.scale * x * torch.view_as_complex(self.pairs)).abs()


def test_weights_may_be_read_as_complex_numbers():
    main = MainNetwork.from_module(OfPairs())
    y = main(torch.tensor([[1.0, 3.0, 4.0], [2.0, 3.0, 4.0]]), torch.ones(2, 1, 1))
    assert y.flatten().tolist() == pytest.approx([5.0, 10.0])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_module_with_a_buffer_works_in_inference_mode(dtype):
    norm = nn.utils.parametrizations.orthogonal(nn.Linear(2, 2))  # whose base is a buffer
    outside = MainNetwork.from_module(norm)
    theta, x = torch.ones(6, dtype=dtype), torch.ones(3, 2, dtype=dtype)
    expected = outside(theta, x)
    with torch.inference_mode():
        torch.testing.assert_close(outside(theta, x), expected)
        torch.testing.assert_close(MainNetwork.from_module(norm)(theta, x), expected)


def drawing(norm):
    return nn.Sequential(nn.Unflatten(1, (1, 2)), norm(nn.Conv1d(1, 2, 2)), nn.Flatten())


@pytest.mark.parametrize("dim", [0, 1, None])
@pytest.mark.parametrize("layer", [lambda norm: norm(nn.Linear(2, 3)), drawing], ids=["linear", "convolution"])
def test_the_second_derivative_through_weight_norm_is_that_of_finite_differences(layer, dim, in_float64, random):
    """That of PyTorch's own takes the norm for a constant; first derivatives and values are as there."""
    net = nn.Sequential(layer(lambda inner: nn.utils.parametrizations.weight_norm(inner, dim=dim)), nn.Tanh(), nn.LazyLinear(1))
    x, y = torch.randn(5, 2, generator=random), torch.randn(5, 1, generator=random)
    expected = net(x)
    main = MainNetwork.from_module(net)
    theta = main.flatten({name: p.detach() for name, p in net.named_parameters()})
    torch.testing.assert_close(main(theta, x), expected)

    def adapted(theta):
        return main.loss(adapt(main, theta, Examples(x, y), 1, 0.1).final, Examples(x, y))

    assert torch.autograd.gradcheck(adapted, theta.requires_grad_())


@pytest.mark.parametrize("layer", [nn.Embedding, nn.EmbeddingBag])
def test_padding_has_no_gradient_in_any_task(layer, random):
    net = nn.Sequential(layer(4, 2, padding_idx=1), nn.Flatten(), nn.LazyLinear(1))
    x = torch.randint(4, (3, 5, 6), generator=random)
    net(x[0])
    main = MainNetwork.from_module(net)
    theta = torch.randn(3, main.weight_dim, generator=random).requires_grad_()
    (gradient,) = torch.autograd.grad(main(theta, x).sum(), theta)
    rows = main.unflatten(gradient)["0.weight"]
    assert not rows[:, 1].any()
    assert rows[:, [0, 2, 3]].any(-1).all()


def test_the_head_is_the_whole_last_layer_where_a_weight_is_made_of_two():
    norm = nn.utils.parametrizations.weight_norm
    weight = "parametrizations.weight.original"
    net = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), norm(nn.Linear(3, 1)))
    assert MainNetwork.from_module(net).head == ["2.bias", f"2.{weight}0", f"2.{weight}1"]
    assert MainNetwork.from_module(norm(nn.Linear(3, 1))).head == ["bias", f"{weight}0", f"{weight}1"]


def test_images_of_no_task():
    main = MainNetwork.conv((1, 8, 8), channels=(4,), d_out=3)
    assert main(torch.zeros(0, main.weight_dim), torch.zeros(0, 5, 1, 8, 8)).shape == (0, 5, 3)


def test_a_lazy_module_will_do_once_it_has_seen_an_example(random):
    net = nn.Sequential(nn.LazyLinear(4), nn.ReLU(), nn.LazyLinear(1))
    with pytest.raises(ValueError, match="have no shape yet: call the Sequential once"):
        MainNetwork.from_module(net)
    x = torch.randn(5, 3, generator=random)
    net(x)
    main = MainNetwork.from_module(net)
    torch.testing.assert_close(main(main.flatten(dict(net.named_parameters())), x), net(x))


@pytest.mark.parametrize("kind", ["tuple", "dict"])
def test_more_than_one_output_is_refused_with_what_to_do(kind):
    class Several(nn.Linear):
        def forward(self, x):
            y = super().forward(x)
            return (y, y) if kind == "tuple" else {"y": y}

    main = MainNetwork.from_module(Several(2, 1))
    with pytest.raises(ValueError, match=f"Several gives a {kind}.*wrap it"):
        main(torch.zeros(2, 3), torch.zeros(5, 2))


def test_words_go_in_as_whole_numbers(random):
    net = nn.Sequential(nn.Embedding(7, 3), nn.Flatten(), nn.Linear(6, 2))
    main = MainNetwork.from_module(net)
    theta = main.flatten({k: p.detach() for k, p in net.named_parameters()})
    x = torch.randint(7, (4, 5, 2), generator=random)
    torch.testing.assert_close(main(theta, x), torch.stack([net(one) for one in x]))
    torch.testing.assert_close(main(theta.double(), x), main(theta, x).double())


@pytest.mark.parametrize("kind", ["mlp", "module", "dropout"])
def test_everything_works_in_inference_mode(kind, random):
    main = {
        "mlp": lambda: MainNetwork.mlp([1, 8, 1]),
        "module": lambda: MainNetwork.from_module(nn.Sequential(nn.Linear(1, 8), nn.Tanh(), nn.Linear(8, 1))),
        "dropout": lambda: MainNetwork.from_module(noisy()),
    }[kind]().eval()
    tasks = Sinusoids().test.sample(4, rng=random)
    theta = main.initial_weights(rng=random)
    expected = main.loss(theta, tasks.support), adapt(main, theta, tasks.support, 2, 0.1).final.detach()
    with torch.inference_mode():
        inside = Sinusoids().test.sample(4, rng=torch.Generator().manual_seed(0)).support
        torch.testing.assert_close(main.loss(theta, tasks.support), expected[0])
        torch.testing.assert_close(adapt(main, theta, tasks.support, 2, 0.1).final, expected[1])
        assert adapt(main, theta.clone(), inside, 2, 0.1).final.shape == (4, main.weight_dim)


# Everything follows the inputs; the meta device shows it without a GPU


@pytest.mark.parametrize("lead", [(), (4,)])
@pytest.mark.parametrize(
    "make",
    [
        lambda: MainNetwork.mlp([2, 8, 3]),
        lambda: MainNetwork.mlp([2, 8, 3], y_mean=1.0, y_std=2.0),
        lambda: MainNetwork.mlp([2, 8, 3], y_mean=torch.zeros(3), y_std=torch.ones(3).double()),
        lambda: MainNetwork.mlp([2, 8, 3], y_mean=torch.tensor(1.0), y_std=torch.tensor([2.0])),
        lambda: MainNetwork.from_module(nn.Sequential(nn.Linear(2, 8), nn.LayerNorm(8), nn.Dropout(), nn.Linear(8, 3))),
        lambda: MainNetwork.from_module(
            nn.Sequential(nn.Linear(2, 8), nn.BatchNorm1d(8, track_running_stats=False), nn.Linear(8, 3))
        ),
    ],
)
def test_a_main_network_follows_its_inputs_to_another_device_and_dtype(make, lead):
    main = make()
    theta, x = torch.zeros(*lead, main.weight_dim), torch.zeros(*lead, 5, 2)
    y = main(theta.to("meta"), x.to("meta"))
    assert y.is_meta
    assert y.shape == (*lead, 5, 3)
    assert main(theta.double(), x.double()).dtype == torch.float64
    loss = main.loss(theta.to("meta"), Examples(x, torch.zeros(*lead, 5, 3)).to("meta"))
    assert loss.is_meta
    assert loss.shape == lead


def test_classes_of_images_on_another_device():
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(8, 3))
    main = MainNetwork.from_module(net, 3, "cross_entropy")
    examples = Examples(torch.zeros(4, 5, 1, 4, 4), torch.zeros(4, 5).long()).to("meta")
    theta = torch.zeros(main.weight_dim, device="meta").requires_grad_()
    loss = main.loss(adapt(main, theta, examples, 2, 0.1).final, examples)
    assert loss.shape == (4,)
    assert torch.autograd.grad(loss.sum(), theta)[0].is_meta


# All shapes


@given(
    sizes=st.lists(st.integers(1, 4), min_size=2, max_size=4),
    theta_lead=st.lists(st.integers(1, 3), max_size=2),
    x_lead=st.lists(st.integers(1, 3), max_size=2),
    n=st.integers(0, 3),
    activation=st.sampled_from(sorted(MODULES)),
    dtype=st.sampled_from([torch.float32, torch.float64]),
    kind=st.sampled_from(["mlp", "module"]),
)
def test_a_batch_is_a_loop_for_all_shapes(sizes, theta_lead, x_lead, n, activation, dtype, kind):
    random = torch.Generator().manual_seed(0)
    net = module(*sizes, activation=MODULES[activation][0]).to(dtype)
    main = MainNetwork.mlp(sizes, activation) if kind == "mlp" else MainNetwork.from_module(net)
    theta = torch.randn(*theta_lead, main.weight_dim, generator=random).to(dtype)
    x = torch.randn(*x_lead, n, sizes[0], generator=random).to(dtype)
    try:
        lead = torch.broadcast_shapes(theta_lead, x_lead)
    except RuntimeError:
        with pytest.raises(ValueError, match="must be equal or broadcast"):
            main(theta, x)
        return
    y = main(theta, x)
    assert (y.shape, y.dtype) == ((*lead, n, sizes[-1]), dtype)
    thetas, xs = theta.expand(*lead, -1), x.expand(*lead, -1, -1)
    for at in itertools.product(*map(range, lead)):
        net.load_state_dict(main.unflatten(thetas[at]))
        torch.testing.assert_close(y[at], net(xs[at]))


@given(sizes=st.lists(st.integers(1, 4), min_size=2, max_size=4), lead=st.lists(st.integers(0, 3), max_size=3))
def test_flatten_and_unflatten_are_inverse_for_all_shapes(sizes, lead):
    main = MainNetwork.mlp(sizes)
    theta = torch.arange(float(torch.Size((*lead, main.weight_dim)).numel())).reshape(*lead, main.weight_dim)
    named = main.unflatten(theta)
    assert {name: tuple(w.shape) for name, w in named.items()} == {n: (*lead, *shape) for n, shape in main.shapes.items()}
    assert torch.equal(main.flatten(named), theta)
    assert torch.equal(main.flatten(dict(reversed(named.items()))), theta), "the order is that of main.shapes"


def test_what_descends_starts_at_the_scale_of_a_linear_layer(random):
    """U(±1/√fan_in) has the standard deviation 1 / √(3 fan_in), for weights and biases of every layer; a module has its own."""
    main = MainNetwork.mlp([10, 300, 200, 7], activation="relu")
    drawn = main.unflatten(torch.stack([main.start_weights(random) for _ in range(200)]))
    for name, fan_in in {"0": 10, "2": 300, "4": 200}.items():
        for kind in ("weight", "bias"):
            assert drawn[f"{name}.{kind}"].std().item() == pytest.approx(1 / math.sqrt(3 * fan_in), rel=0.05)
            assert drawn[f"{name}.{kind}"].mean().abs() < 0.05 / math.sqrt(fan_in)
    again = [main.start_weights(torch.Generator().manual_seed(3)) for _ in range(2)]
    assert torch.equal(*again)
    own = MainNetwork.from_module(nn.Sequential(nn.Linear(4, 3), nn.LayerNorm(3)))
    assert torch.equal(own.start_std, own.initial_std)
    assert own.unflatten(own.start_weights(random))["1.weight"].tolist() == [1, 1, 1]


@pytest.mark.parametrize("normalization", ["group", "batch", None])
@pytest.mark.parametrize("channels", [(), (4,), (4, 8)])
@pytest.mark.parametrize("n_tasks", [1, 3])
def test_images_whose_colours_lie_last_in_memory(n_tasks, channels, normalization, random):
    main = MainNetwork.conv((3, 12, 12), channels, normalization=normalization)
    x = torch.randn(n_tasks, 6, 12, 12, 3, generator=random).movedim(-1, 2)
    for theta in (main.start_weights(random), main.start_weights(random).expand(n_tasks, -1)):
        torch.testing.assert_close(main(theta, x), main(theta, x.contiguous()))
        torch.testing.assert_close(main.features(theta, x), main.features(theta, x.contiguous()))


@pytest.mark.parametrize("n_tasks", [1, 5, 7])
def test_a_prediction_for_every_time_is_no_prediction_for_an_example(n_tasks, random):
    """Where times, examples and tasks were equally many, each y was compared with predictions for other examples."""

    class EveryTime(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer, self.head = nn.GRU(2, 4, batch_first=True), nn.Linear(4, 1)

        def forward(self, x):
            return self.head(self.layer(x)[0])

    main = MainNetwork.from_module(EveryTime(), input_dims=2)
    examples = Examples(torch.randn(n_tasks, 7, 7, 2, generator=random), torch.zeros(n_tasks, 7, 1))
    with pytest.raises(ValueError, match=rf"prediction of shape \({n_tasks}, 7, 7, 1\) for y of shape .* the last time alone"):
        main.loss(main.initial_weights(rng=random), examples)


def test_a_part_that_is_frozen_is_refused():
    """All parameters are weights in θ: a constant among them, or a part that was trained before, would begin anew."""
    net = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 1))
    net[0].requires_grad_(False)
    with pytest.raises(ValueError, match=r"\['0.weight', '0.bias'\] take no gradient.*register_buffer"):
        MainNetwork.from_module(net)
    assert MainNetwork.from_module(net.requires_grad_(False)).weight_dim == 21
