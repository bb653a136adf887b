import math

import pytest
import torch
from torch import nn

from hyperedu import (
    AttentionGenerator,
    ChunkedGenerator,
    ClassGenerator,
    ConvGenerator,
    DescriptorAdaptation,
    Examples,
    Generator,
    Hypernetwork,
    LowRankGenerator,
    MainNetwork,
    MLPGenerator,
    OneHot,
    Sinusoids,
    constant_norm,
    generators,
    meta_test,
    meta_train,
    outer_loss,
)

# Every design that is there but that of classifiers, which is told a code for each class and tested in test_few_shot.py.
OTHERS = Generator, ClassGenerator
SHOWN = [getattr(generators, name) for name in generators.__all__]
KINDS = [kind for kind in SHOWN if isinstance(kind, type) and kind not in OTHERS]
every_kind = pytest.mark.parametrize("kind", KINDS)


class Drawing(nn.Module):
    """A small network of images, with every kind of weight tensor: convolution, normalisation, a lone number."""

    def __init__(self):
        super().__init__()
        self.convolution, self.norm = nn.Conv2d(1, 4, 3, padding=1), nn.GroupNorm(2, 4)
        self.head, self.scale = nn.Linear(4 * 16, 3), nn.Parameter(torch.ones(()))

    def forward(self, x):
        return self.scale * self.head(torch.relu(self.norm(self.convolution(x))).flatten(1))


@pytest.mark.parametrize("magnitude_invariant", [False, True])
@pytest.mark.parametrize(("hidden", "activation"), [((), "gelu"), ((64,), "relu"), ((64,), "tanh"), ((64, 64), "gelu")])
def test_generated_layers_have_the_variance_of_directly_initialised_ones(hidden, activation, magnitude_invariant):
    """Lesson 02, equation 3. Mean over generators (different φ) and descriptors, layer by layer."""
    main = MainNetwork.mlp([3, 40, 40, 2])
    written = []
    for seed in range(40):
        random = torch.Generator().manual_seed(seed)
        generator = MLPGenerator(
            4, main, hidden=hidden, activation=activation, magnitude_invariant=magnitude_invariant, rng=random
        )
        written.append(generator(torch.randn(50, 4, generator=random)).detach())
    written = main.unflatten(torch.stack(written))
    direct = main.unflatten(main.initial_weights(2000, rng=torch.Generator().manual_seed(0)))
    for name in main.shapes:
        ratio = written[name].std() / direct[name].std()
        # A bias of two numbers is measured on 40 generators only; the large layers are sharp.
        assert ratio == pytest.approx(1.0, abs=0.05 if main.shapes[name] == (40, 40) else 0.3), name


def test_the_default_initialisation_misses_it():
    main = MainNetwork.mlp([1, 40, 40, 1])
    generator = MLPGenerator(2, main, init="default", rng=torch.Generator().manual_seed(0))
    layer = main.unflatten(generator(torch.randn(500, 2)).detach())["2.weight"]
    assert layer.std() > 2 * main.unflatten(main.initial_std)["2.weight"].mean()


def test_the_initialisation_can_be_measured_on_given_descriptors():
    main, names = MainNetwork.mlp([1, 40, 40, 1]), [f"task {i}" for i in range(30)]
    tau = OneHot(names)(names)
    generator = MLPGenerator(30, main, descriptors=tau, rng=torch.Generator().manual_seed(0))
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
        generator = MLPGenerator(3, main, magnitude_invariant=invariant, rng=torch.Generator().manual_seed(1))
        spread[invariant] = (generator(10 * tau).std() / generator(0.1 * tau).std()).item()
    assert spread[False] > 5
    assert spread[True] == pytest.approx(1.0, abs=0.5)


def test_lesson_02_equation_2(random):
    """∂L/∂V = ∂L/∂θ hᵀ, against autograd and finite differences in float64."""
    main = MainNetwork.mlp([1, 5, 1], activation="tanh")
    generator = MLPGenerator(2, main, hidden=(6,), rng=random).double()
    tau = torch.randn(2, generator=random).double()
    D = Examples(*torch.randn(2, 7, 1, generator=random).double())
    theta = generator(tau)
    dL_dtheta, dL_dV = torch.autograd.grad(main.loss(theta, D), (theta, generator.head.weight))
    torch.testing.assert_close(dL_dV, torch.outer(dL_dtheta, generator.hidden(tau)))

    def loss(*phi):
        named = dict(zip(dict(generator.named_parameters()), phi, strict=True))
        theta = torch.func.functional_call(generator, named, (tau,))
        return main.loss(theta, D)

    phi = tuple(p.detach().clone().requires_grad_() for p in generator.parameters())
    assert torch.autograd.gradcheck(loss, phi)


def test_lesson_01_equation_2(random):
    """θ = V h(τ) + c."""
    main = MainNetwork.mlp([1, 5, 1])
    generator = MLPGenerator(2, main, rng=random)
    tau = torch.randn(4, 2, generator=random)
    h = tau
    for layer in generator.trunk:
        h = torch.nn.functional.gelu(layer(h))
    torch.testing.assert_close(generator(tau), h @ generator.head.weight.T + generator.head.bias)


def test_randomness_is_explicit(main):
    def weights(seed):
        return MLPGenerator(2, main, rng=torch.Generator().manual_seed(seed)).head.weight

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
    generator = MLPGenerator(2, main, rng=torch.Generator().manual_seed(0)).double()
    jacobian = torch.func.jacrev(generator)(family.describe(2.0, 1.0).double())
    assert jacobian.shape == (1761, 2)
    assert torch.linalg.matrix_rank(jacobian) == 2


@every_kind
def test_every_generator_writes_layers_of_the_right_variance(kind):
    """Mean over generators (different φ) and descriptors, layer by layer, as a direct initialisation has it."""
    main, written = MainNetwork.mlp([3, 40, 40, 10]), []
    for seed in range(30):
        random = torch.Generator().manual_seed(seed)
        written.append(kind(4, main, rng=random)(torch.randn(50, 4, generator=random)).detach())
    written = main.unflatten(torch.stack(written))
    for name, std in main.unflatten(main.initial_std).items():
        ratio = written[name].square().mean().sqrt() / std.mean()
        # Biases are few numbers of which each generator writes similar ones: only the matrices are sharp.
        assert ratio == pytest.approx(1.0, abs=0.1 if "weight" in name else 0.3), name


@every_kind
def test_no_task_has_no_weights(kind, main):
    assert kind(2, main)(torch.zeros(0, 2)).shape == (0, main.weight_dim)


@every_kind
def test_a_batch_is_written_as_one_by_one(kind, main, random):
    generator, tau = kind(3, main, rng=random), torch.randn(2, 4, 3, generator=random)
    together = generator(tau)
    assert together.shape == (2, 4, main.weight_dim)
    for i, j in ((0, 0), (1, 3)):
        torch.testing.assert_close(generator(tau[i, j]), together[i, j])


@every_kind
def test_every_parameter_of_every_generator_learns(kind, family, main, random):
    generator = kind(2, main, rng=random)
    before = {name: p.detach().clone() for name, p in generator.named_parameters()}
    meta_train(Hypernetwork(main, generator), family.train, 3, shots=0, rng=random, progress=False)
    for name, p in generator.named_parameters():
        assert p.grad is not None, name
        assert p.grad.any(), name
        assert not torch.equal(p, before[name]), name


@every_kind
def test_the_gradient_of_every_generator_is_that_of_finite_differences(kind, random):
    main = MainNetwork.mlp([1, 3, 1], activation="tanh")
    generator = kind(2, main, rng=random).double()
    D = Examples(*torch.randn(2, 5, 1, generator=random).double())
    tau = torch.randn(2, generator=random).double().requires_grad_()
    assert torch.autograd.gradcheck(lambda tau: main.loss(generator(tau), D), tau)
    for p in list(generator.parameters())[::3]:  # one entry of every third parameter
        loss = main.loss(generator(tau), D)
        (gradient,) = torch.autograd.grad(loss, p)
        sides = []
        for step in (1e-5, -1e-5):
            with torch.no_grad():
                p.flatten()[0] += step
                sides.append(main.loss(generator(tau), D))
                p.flatten()[0] -= step
        assert ((sides[0] - sides[1]) / 2e-5).item() == pytest.approx(gradient.flatten()[0].item(), rel=1e-4, abs=1e-8)


@every_kind
def test_any_module_can_be_written_and_each_of_its_tensors_can_learn(kind, random):
    """Also those that a direct initialisation does not spread: biases of zero, scales of one."""
    main = MainNetwork.from_module(Drawing(), input_dims=3)
    generator = kind(2, main, rng=random)
    theta = main.unflatten(generator(torch.randn(6, 2, generator=random)))
    torch.testing.assert_close(theta["norm.weight"].detach(), torch.ones(6, 4))
    optimizer = torch.optim.Adam(generator.parameters(), 1e-2)
    tau, x = torch.randn(6, 2, generator=random), torch.randn(6, 5, 1, 4, 4, generator=random)
    for _ in range(3):
        optimizer.zero_grad()
        main(generator(tau), x).square().mean().backward()
        optimizer.step()
    after = main.unflatten(generator(tau))
    assert all((after[name] - theta[name]).abs().amax() > 1e-6 for name in main.shapes)


@pytest.mark.parametrize("kind", [ChunkedGenerator, ConvGenerator, AttentionGenerator])
def test_a_million_weights_are_written_by_few_parameters(kind, random):
    main = MainNetwork.mlp([1, 1000, 1000, 1])
    generator = kind(2, main, rng=random)
    assert main.weight_dim > 1_000_000
    assert sum(p.numel() for p in generator.parameters()) < 200_000
    x = torch.linspace(-1, 1, 8).view(1, 8, 1)
    D = Examples(x, x)
    optimizer, losses = torch.optim.Adam(generator.parameters(), 1e-3), []
    for _ in range(12):
        loss = main.loss(generator(torch.zeros(1, 2)), D).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]


def test_lesson_03_equation_1(main, random):
    """Chunked: u_k = V trunk([τ, e_k]), piece by piece; θ = μ + (σ + γ) u."""
    generator, tau = ChunkedGenerator(3, main, chunk_size=10, rng=random), torch.randn(3, generator=random)
    pieces = [generator.head(generator.trunk(torch.cat([tau, e]))) for e in generator.embeddings]
    u = torch.cat(pieces)[: main.weight_dim]
    torch.testing.assert_close(generator(tau), main.initial_mean + main.initial_std * u)
    with torch.no_grad():
        generator.gain[2] = 0.5  # of the third tensor, "2.weight"
    expected = main.unflatten(main.initial_mean + (main.initial_std + 0.5) * u)["2.weight"]
    torch.testing.assert_close(main.unflatten(generator(tau))["2.weight"], expected)


def test_a_convolutional_generator_sees_neighbours(main, random):
    """What is written at a place depends on the codes of rows near it and on no others."""
    generator = ConvGenerator(2, MainNetwork.mlp([1, 64, 64, 1]), rng=random)
    names = list(generator.main.shapes)
    theta = generator.main.unflatten(generator(torch.zeros(2)))["2.weight"]
    (gradient,) = torch.autograd.grad(theta[30, 30], generator.rows[names.index("2.weight")])
    rows = gradient.abs().sum(0).nonzero().flatten().tolist()
    assert rows == [5, 6, 7, 8, 9]  # 30 // zoom is 7; two convolutions of width 3 reach two places


def test_lesson_03_equation_2(main, random):
    """Attention: W_ij = ⟨a_i, b_j⟩ / √rank, with tokens from softmax(Q Kᵀ / √d) V written as a loop over heads."""
    generator, tau = AttentionGenerator(3, main, rank=4, rng=random), torch.randn(1, 3, generator=random)
    tokens = generator.tokens(tau)
    t = list(main.shapes).index("2.weight")
    a, b = (generator.unit_codes(tokens[:, t], 8, side)[0] for side in "ab")
    W = torch.stack([torch.stack([a[i] @ b[j] for j in range(8)]) for i in range(8)]) / math.sqrt(4)
    std = main.unflatten(main.initial_std)["2.weight"]
    torch.testing.assert_close(main.unflatten(generator(tau))["2.weight"][0], std * W)
    assert torch.linalg.matrix_rank(W) == 4
    layer, X = generator.attention[0], generator._first(tau)[0]
    Q, K, V = (layer.norms[0](X) @ w.T for w in layer.qkv.weight.chunk(3))
    d, heads = 64 // layer.heads, []
    for h in range(layer.heads):
        part = slice(h * d, (h + 1) * d)
        A = torch.softmax(Q[:, part] @ K[:, part].T / math.sqrt(d), dim=-1)
        torch.testing.assert_close(A, layer.weights_and_values(X)[0][h])
        heads.append(A @ V[:, part])
    X = X + layer.out(torch.cat(heads, dim=-1))
    torch.testing.assert_close(X + layer.each(layer.norms[1](X)), layer(generator._first(tau)[0]))
    torch.testing.assert_close(generator.attention_map(tau).sum(-1), torch.ones(2, 7))


def test_lesson_03_equation_3(main, random):
    """Low rank: W = W₀ + B A, of rank r; tensors for which it does not pay are written whole."""
    generator, tau = LowRankGenerator(2, main, rank=2, rng=random), torch.randn(5, 2, generator=random)
    change = main.unflatten(generator(tau) - generator.theta_0)
    assert (torch.linalg.matrix_rank(change["2.weight"]) == 2).all()
    t = list(main.shapes).index("2.weight")
    written = generator.head(generator.trunk(tau[0])).split(generator.sizes)[t]
    B, A = written[:16].view(8, 2), written[16:].view(2, 8)
    std = main.unflatten(main.initial_std)["2.weight"] * math.sqrt(0.5) / generator.product_std
    torch.testing.assert_close(change["2.weight"][0], std * (B @ A) / math.sqrt(2))
    assert generator.sizes[list(main.shapes).index("0.weight")] == 8


def test_film_is_the_rank_one_relative(random):
    """Scaling the units of a layer by 1 + s multiplies W by a matrix of rank one, where LoRA adds one of rank r."""
    W, s = torch.randn(6, 4, generator=random), torch.randn(6, generator=random)
    factor = torch.outer(1 + s, torch.ones(4))
    torch.testing.assert_close(W * factor, W + torch.diag(s) @ W)
    assert torch.linalg.matrix_rank(factor) == 1


def test_one_attention_generator_drives_a_network_that_it_never_saw(family):
    """Trained on two widths by turns, it writes a third between them: over nine tenths of the variance of y (4.2) is right."""
    torch.manual_seed(0)
    seen, unseen = [MainNetwork.mlp([1, n, n, 1]) for n in (32, 48)], MainNetwork.mlp([1, 40, 40, 1])
    generator = AttentionGenerator(2, seen[0])
    learners = [Hypernetwork(main, generator.for_main(main)) for main in seen]
    assert all(p is q for p, q in zip(generator.parameters(), learners[1].parameters(), strict=True))
    untrained = meta_test(Hypernetwork(unseen, generator.for_main(unseen)), family.test, 0).mean
    optimizer = torch.optim.Adam(generator.parameters(), 3e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 500)
    for _ in range(500):
        tasks = family.train.sample(25, 0, 10)
        optimizer.zero_grad()
        sum(outer_loss(learner, tasks).mean() for learner in learners).backward()
        nn.utils.clip_grad_norm_(generator.parameters(), 1.0)
        optimizer.step()
        schedule.step()
    assert all(meta_test(learner, family.test, 0).mean < 0.1 for learner in learners)
    swapped = meta_test(Hypernetwork(unseen, generator.for_main(unseen)), family.test, 0).mean
    assert swapped < 0.42 < untrained
    deeper = MainNetwork.mlp([1, 40, 40, 40, 1])  # other depths are at least written
    assert generator.for_main(deeper)(torch.zeros(3, 2)).shape == (3, deeper.weight_dim)
    assert generator.main is seen[0]


@every_kind
def test_a_descriptor_can_adapt_through_every_generator(kind, family, main, random):
    """The meta-gradient goes through the generator twice."""
    learner = DescriptorAdaptation(main, kind(2, main, rng=random), 2, steps=2, lr=0.01)
    meta_train(learner, family.train, 2, shots=5, rng=random, progress=False)
    assert learner.tau_0.grad.any()


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda main: ChunkedGenerator(2, main, chunk_size=0), ["chunk_size", "0"]),
        (lambda main: ConvGenerator(2, main, zoom=0), ["zoom", "0"]),
        (lambda main: AttentionGenerator(2, main, dim=10, heads=4), ["multiple", "10"]),
        (lambda main: LowRankGenerator(2, main, rank=0), ["rank", "0"]),
        *((lambda main, kind=kind: kind(2, main)(torch.full((3, 2), torch.nan)), ["NaN"]) for kind in KINDS),
        *((lambda main, kind=kind: kind(2, main)(torch.zeros(5, 3)), ["(5, 3)"]) for kind in KINDS),
    ],
)
def test_other_generators_refuse_nonsense(main, call, words):
    with pytest.raises(ValueError) as error:  # noqa: PT011, the words are checked below
        call(main)
    assert all(word in str(error.value) for word in words), str(error.value)


@pytest.mark.parametrize("design", [MLPGenerator, ChunkedGenerator, ConvGenerator, LowRankGenerator, AttentionGenerator])
@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_a_generator_writes_in_the_dtype_that_it_was_brought_to(design, dtype, random):
    generator, tau = design(2, MainNetwork.mlp([1, 8, 1]), rng=random), torch.randn(3, 2, generator=random)
    theta = generator(tau)
    same = generator.to(dtype)(tau.to(dtype))
    assert same.dtype == dtype
    assert (same - theta).norm() < (0.1 if dtype == torch.bfloat16 else 1e-5) * theta.norm()


def test_the_map_of_attention_is_a_mean_over_any_descriptors(random):
    generator, tau = AttentionGenerator(2, MainNetwork.mlp([1, 8, 1]), rng=random), torch.randn(2, 3, 2, generator=random)
    each = torch.stack([generator.attention_map(one) for one in tau.flatten(0, 1)])
    torch.testing.assert_close(generator.attention_map(tau), each.mean(0))
    with pytest.raises(ValueError, match="descriptor_dim"):
        generator.attention_map(tau[..., :1])


def test_convolutions_in_which_nothing_is_left_are_refused():
    """Their standard deviation, 0, would divide what they write."""
    main = MainNetwork.mlp([1, 3, 1])
    with pytest.raises(ValueError, match="is 0 whatever τ is: give more channels"):
        ConvGenerator(2, main, channels=1, activation="relu", rng=torch.Generator().manual_seed(0))
