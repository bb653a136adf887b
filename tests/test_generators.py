import pytest
import torch

from hyperedu import Hypernetwork, MainNetwork, MLPGenerator, OneHot, Sinusoids, constant_norm, mean_squared_error


@pytest.mark.parametrize("magnitude_invariant", [False, True])
@pytest.mark.parametrize(("hidden", "activation"), [((), "gelu"), ((64,), "relu"), ((64,), "tanh"), ((64, 64), "gelu")])
def test_generated_layers_have_the_variance_of_directly_initialised_ones(hidden, activation, magnitude_invariant):
    """Lesson 02, equation 3. Mean over generators (different φ) and descriptors, layer by layer."""
    main = MainNetwork.mlp([3, 40, 40, 2])
    written = []
    for seed in range(40):
        random = torch.Generator().manual_seed(seed)
        generator = MLPGenerator(
            4, main, hidden=hidden, activation=activation, magnitude_invariant=magnitude_invariant, generator=random
        )
        written.append(generator(torch.randn(50, 4, generator=random)).detach())
    written = main.unflatten(torch.stack(written))
    direct = main.unflatten(main.initial_weights(2000, generator=torch.Generator().manual_seed(0)))
    for name in main.shapes:
        ratio = written[name].std() / direct[name].std()
        # A bias of two numbers is measured on 40 generators only; the large layers are sharp.
        assert ratio == pytest.approx(1.0, abs=0.05 if main.shapes[name] == (40, 40) else 0.3), name


def test_the_default_initialisation_misses_it():
    main = MainNetwork.mlp([1, 40, 40, 1])
    generator = MLPGenerator(2, main, init="default", generator=torch.Generator().manual_seed(0))
    layer = main.unflatten(generator(torch.randn(500, 2)).detach())["2.weight"]
    assert layer.std() > 2 * main.unflatten(main.initial_std)["2.weight"].mean()


def test_the_initialisation_can_be_measured_on_given_descriptors():
    main, names = MainNetwork.mlp([1, 40, 40, 1]), [f"task {i}" for i in range(30)]
    tau = OneHot(names)(names)
    generator = MLPGenerator(30, main, descriptors=tau, generator=torch.Generator().manual_seed(0))
    layer = main.unflatten(generator(tau).detach())["2.weight"]
    assert layer.std().item() == pytest.approx((2 / 40) ** 0.5, rel=0.03)


def test_the_encoding_has_constant_norm(random):
    tau = 100 * torch.randn(50, 3, generator=random)
    torch.testing.assert_close(constant_norm(tau).norm(dim=-1), torch.full((50,), 3**0.5))
    # cos(arctan t) = 1/√(1+t²) and sin(arctan t) = t/√(1+t²)
    expected = torch.cat([torch.ones_like(tau), tau], dim=-1) / (1 + tau.square()).sqrt().repeat(1, 2)
    torch.testing.assert_close(constant_norm(tau), expected)


def test_magnitude_does_not_scale_the_weights(random):
    main = MainNetwork.mlp([1, 40, 40, 1])
    tau = torch.randn(200, 3, generator=random)
    spread = {}
    for invariant in (False, True):
        generator = MLPGenerator(3, main, magnitude_invariant=invariant, generator=torch.Generator().manual_seed(1))
        spread[invariant] = (generator(10 * tau).std() / generator(0.1 * tau).std()).item()
    assert spread[False] > 5
    assert spread[True] == pytest.approx(1.0, abs=0.5)


def test_lesson_02_equation_2(random):
    """∂L/∂V = ∂L/∂θ hᵀ, against autograd and finite differences in float64."""
    main = MainNetwork.mlp([1, 5, 1], activation="tanh")
    generator = MLPGenerator(2, main, hidden=(6,), generator=random).double()
    tau = torch.randn(2, generator=random).double()
    x, y = torch.randn(7, 1, generator=random).double(), torch.randn(7, 1, generator=random).double()
    theta = generator(tau)
    dL_dtheta, dL_dV = torch.autograd.grad(mean_squared_error(main(theta, x), y), (theta, generator.head.weight))
    torch.testing.assert_close(dL_dV, torch.outer(dL_dtheta, generator.hidden(tau)))

    def loss(*phi):
        named = dict(zip(dict(generator.named_parameters()), phi, strict=True))
        theta = torch.func.functional_call(generator, named, (tau,))
        return mean_squared_error(main(theta, x), y)

    phi = tuple(p.detach().clone().requires_grad_() for p in generator.parameters())
    assert torch.autograd.gradcheck(loss, phi)


def test_lesson_01_equation_2(random):
    """θ = V h(τ) + c."""
    main = MainNetwork.mlp([1, 5, 1])
    generator = MLPGenerator(2, main, generator=random)
    tau = torch.randn(4, 2, generator=random)
    h = tau
    for layer in generator.trunk:
        h = torch.nn.functional.gelu(layer(h))
    torch.testing.assert_close(generator(tau), h @ generator.head.weight.T + generator.head.bias)


def test_randomness_is_explicit(main):
    def weights(seed):
        return MLPGenerator(2, main, generator=torch.Generator().manual_seed(seed)).head.weight

    assert torch.equal(weights(1), weights(1))
    assert not torch.equal(weights(1), weights(2))


@pytest.mark.parametrize("bad", [torch.nan, torch.inf])
def test_tau_must_be_finite(main, bad):
    tau = torch.tensor([1.0, bad])
    with pytest.raises(ValueError, match="NaN"):
        MLPGenerator(2, main)(tau)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda main: MLPGenerator(2, main)(torch.zeros(5, 3)), ["(5, 3)", "2"]),
        (lambda main: MLPGenerator(0, main), ["at least 1"]),
        (lambda main: MLPGenerator(2, main, init="magic"), ["magic", "hyperfan"]),
        (lambda main: Hypernetwork(MainNetwork.mlp([2, 2]), MLPGenerator(2, main)), ["97", "6"]),
    ],
)
def test_bad_input_gets_a_sentence(main, call, words):
    with pytest.raises(ValueError) as error:  # noqa: PT011, the words are checked below
        call(main)
    assert all(word in str(error.value) for word in words), str(error.value)


def test_the_surface_of_generated_weights_has_the_dimension_of_tau():
    family, main = Sinusoids(), MainNetwork.mlp([1, 40, 40, 1])
    generator = MLPGenerator(2, main, generator=torch.Generator().manual_seed(0)).double()
    jacobian = torch.func.jacrev(generator)(family.describe(2.0, 1.0).double())
    assert jacobian.shape == (1761, 2)
    assert torch.linalg.matrix_rank(jacobian) == 2
