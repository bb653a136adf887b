"""Each penalty against its closed form or an independent computation, and what `meta_train` does with it."""

import copy
import importlib.util
import json
import math
from pathlib import Path

import pytest
import torch
from torch.nn.utils import parameters_to_vector

from hyperedu import (
    MAML,
    AttentionGenerator,
    ChunkedGenerator,
    ColoradoClimate,
    Conditioned,
    ConvGenerator,
    Examples,
    Hypernetwork,
    LowRankGenerator,
    MainNetwork,
    MLPGenerator,
    SharedWeights,
    SupportSetHypernetwork,
    TaskBatch,
    TaskConditionedMAML,
    TaskSet,
    compare,
    data_file,
    meta_test,
    meta_train,
    outer_loss,
    pictures,
    penalties,
)

GENERATORS = MLPGenerator, ChunkedGenerator, ConvGenerator, AttentionGenerator, LowRankGenerator


def make(main, kind=MLPGenerator, seed=0, **options):
    learner = Hypernetwork(main, kind(2, main, rng=torch.Generator().manual_seed(seed), **options)).double()
    learner.decoder = penalties.Decoder(main, 2, generator=torch.Generator().manual_seed(seed)).double()
    return learner


@pytest.fixture
def learner(main):
    return make(main)


@pytest.fixture
def tasks(family, random):
    return family.train.sample(5, 4, 6, random).to(torch.float64)


def penalty(name, learner, tasks, **kwargs):
    return penalties.total(learner, tasks, {name: 1.0}, **kwargs)


def exact_sensitivity(learner, tau):
    """Row by row with autograd's reverse mode."""
    rows = [torch.autograd.functional.jacobian(learner.generator, t) for t in tau]
    return torch.stack(rows).square().sum((1, 2)).mean() / learner.main.weight_dim


def test_penalties_are_added_to_the_loss_that_is_differentiated(main, family):
    """Lesson 08, equation 1: one step of plain gradient descent, by hand."""
    learner, strengths = make(main).float(), {"weight_norm": 0.3, "spectral_norm": 0.01}
    by_hand = copy.deepcopy(learner)
    batch = family.train.sample(25, 10, 10, torch.Generator().manual_seed(1))
    theta = by_hand(batch.descriptor)
    loss = outer_loss(by_hand, batch).mean()
    sigmas = [torch.linalg.svdvals(layer.weight)[0] for layer in (*by_hand.generator.trunk, by_hand.generator.head)]
    (loss + 0.3 * theta.square().mean() + 0.01 * sum(s**2 for s in sigmas)).backward()
    optimizer = torch.optim.SGD(learner.parameters(), lr=1e-3)
    history = meta_train(
        learner, family.train, 1, optimizer=optimizer, max_norm=None, regularize=strengths, progress=False,
        rng=torch.Generator().manual_seed(1),
    )  # fmt: skip
    assert history.loss == pytest.approx([loss.item()]), "the history has the query loss alone"
    for ours, hand in zip(learner.parameters(), by_hand.parameters(), strict=True):
        expected = hand.detach() if hand.grad is None else hand.detach() - 1e-3 * hand.grad
        torch.testing.assert_close(ours.detach(), expected, rtol=1e-5, atol=1e-6)


def test_weight_norm_is_the_mean_square_of_the_weights_before_adaptation(main, tasks, learner):
    theta = learner.generator(tasks.descriptor)
    expected = sum((row @ row).item() / len(row) for row in theta) / len(theta)
    assert penalty("weight_norm", learner, tasks).item() == pytest.approx(expected)
    adapting = TaskConditionedMAML(main, learner.generator, steps=3, lr=0.1)
    assert penalty("weight_norm", adapting, tasks).item() == pytest.approx(expected)


@pytest.mark.parametrize(("kind", "options"), [(LowRankGenerator, {}), (MLPGenerator, {"magnitude_invariant": True})])
def test_toward_theta_0_is_the_distance_to_the_shared_start(main, tasks, kind, options):
    learner = make(main, kind, **options)
    theta_0 = learner.generator.theta_0
    expected = sum(((learner.generator(t) - theta_0) ** 2).mean() for t in tasks.descriptor) / len(tasks)
    value = penalty("toward_theta_0", learner, tasks)
    assert value.item() == pytest.approx(expected.item())
    value.backward()
    if kind is MLPGenerator:  # θ₀ cancels: what is pulled is Δθ
        assert theta_0.grad.abs().max() < 1e-12


def test_toward_theta_0_of_conditioned_weights_is_what_tau_adds(main, tasks):
    learner = Conditioned(main, 2).double()
    added = tasks.descriptor @ learner.A.mT
    expected = added.square().sum() / len(tasks) / main.weight_dim
    assert penalty("toward_theta_0", learner, tasks).item() == pytest.approx(expected.item())


@pytest.mark.parametrize("kind", GENERATORS)
def test_sensitivity_is_an_unbiased_estimate_of_the_jacobians_norm(main, tasks, kind):
    """Lesson 08, equation 2."""
    learner, random = make(main, kind), torch.Generator().manual_seed(0)
    many = TaskBatch(tasks.descriptor.repeat(800, 1), tasks.support, tasks.query, {})
    with torch.no_grad():
        estimate = penalties.sensitivity(learner, many, None, random).item()
    assert estimate == pytest.approx(exact_sensitivity(learner, tasks.descriptor).item(), rel=0.06)


def test_sensitivity_in_one_direction_against_finite_differences(main, tasks, learner):
    error = torch.randn(tasks.descriptor.shape, generator=torch.Generator().manual_seed(3)).double()
    h = 1e-6
    with torch.no_grad():
        change = (learner(tasks.descriptor + h * error) - learner(tasks.descriptor - h * error)) / (2 * h)
    value = penalty("sensitivity", learner, tasks, generator=torch.Generator().manual_seed(3))
    assert value.item() == pytest.approx(change.square().mean().item(), rel=1e-6)


def test_spectral_norm_against_svd_and_the_bound_that_it_gives(main, tasks, learner):
    """Lesson 08, equation 3: Σ σ², and ‖f(τ) − f(τ')‖ ≤ c Π σ(W) ‖τ − τ'‖ with c = 1.13 for each of the two GELUs."""
    f = learner.generator
    sigmas = [torch.linalg.svdvals(layer.weight)[0].item() for layer in (*f.trunk, f.head)]
    assert penalty("spectral_norm", learner, tasks).item() == pytest.approx(sum(s**2 for s in sigmas))
    apart = torch.pdist(tasks.descriptor)
    assert (torch.pdist(f(tasks.descriptor)) <= 1.13**2 * math.prod(sigmas) * apart).all()


def test_the_spectral_norm_of_a_convolution_is_that_of_its_matrix(main, tasks):
    learner = make(main, ConvGenerator)
    f = learner.generator
    weights = [f.convolution.weight, f.enlarge.weight, f.film.weight, *(layer.weight for layer in f.trunk)]
    expected = sum(torch.linalg.matrix_norm(w.reshape(len(w), -1), 2).item() ** 2 for w in weights)
    assert penalty("spectral_norm", learner, tasks).item() == pytest.approx(expected)


def test_output_is_the_distance_from_what_was_written(main, tasks, learner):
    """Lesson 08, equation 5: mean over old tasks of the squared norm, summed over weights (von Oswald et al., equation 2)."""
    old = torch.tensor([[0.3, -1.0], [1.0, 0.5], [0.0, 2.0]], dtype=torch.float64)
    penalties.remember(learner, old)
    assert penalty("output", learner, tasks).item() == 0
    before = [learner.generator(t).detach() for t in old]
    with torch.no_grad():
        for p in learner.generator.parameters():
            p.add_(0.1 * torch.randn_like(p))
    expected = sum(((learner.generator(t) - b) ** 2).sum() for t, b in zip(old, before, strict=True)) / 3
    assert penalty("output", learner, tasks).item() == pytest.approx(expected.item())
    penalties.remember(learner, old[:1])
    assert penalty("output", learner, tasks).item() == 0, "the newest snapshot counts"


@pytest.fixture(scope="module")
def script():
    """data/make_regularization.py, which made the results of lesson 08."""
    path = Path(__file__).parent.parent / "data" / "make_regularization.py"
    spec = importlib.util.spec_from_file_location("make_regularization", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_reptile_moves_a_part_of_the_way(main, family, script):
    """Lesson 08, equation 4, one round: φ + β (φ' − φ), φ' after five steps of Adam with β₁ = 0."""
    learner = make(main).float()
    fast, epsilon = copy.deepcopy(learner), 0.3
    batch = family.train.sample(5, 0, 12, torch.Generator().manual_seed(1))
    optimizer = torch.optim.Adam(fast.parameters(), lr=script.LR, betas=(0.0, 0.999))
    for _ in range(5):
        optimizer.zero_grad()
        outer_loss(fast, batch).mean().backward()
        torch.nn.utils.clip_grad_norm_(fast.parameters(), 1.0)
        optimizer.step()
    start = copy.deepcopy(learner)
    script.reptile(learner, family.train, epsilon, 1, torch.Generator().manual_seed(1))
    for now, was, there in zip(learner.parameters(), start.parameters(), fast.parameters(), strict=True):
        torch.testing.assert_close(now, was + epsilon * (there - was))


def test_the_results_of_lesson_08_are_those_of_the_script(script):
    """All runs are there once; two of them again. Rounding differs between machines, and 600 steps carry it along."""
    runs = json.loads(data_file("regularization.json").read_text())
    found = {(r["generator"], r["stations"], r["seed"], r["way"], r["strength"]): r for r in runs}
    assert len(found) == len(runs)
    wanted = {
        (kind, n, seed, way, strength)
        for way, (strengths, kinds) in script.WAYS.items()
        for kind in kinds for n in script.STATIONS for seed in script.SEEDS for strength in strengths
    }  # fmt: skip
    assert found.keys() == wanted | {("linear", n, seed, "linear", 0) for n in script.STATIONS for seed in script.SEEDS}
    assert all(0 < r[which] < 50 for r in runs for which in ("training", "validation", "test"))
    again = script.run("plain", 20, 1, "weight_decay", 10)
    assert found["plain", 20, 1, "weight_decay", 10]["test"] == pytest.approx(again["test"], abs=0.1)
    assert found["linear", 50, 2, "linear", 0]["test"] == pytest.approx(script.linear(50, 2)["test"], abs=1e-3)


def test_reconstruction_reads_the_descriptor_back_from_the_weights(main, tasks, learner):
    first, second = learner.decoder.layers
    h = torch.nn.functional.gelu(learner(tasks.descriptor) @ first.weight.T + first.bias)
    expected = (h @ second.weight.T + second.bias - tasks.descriptor).square().mean()
    assert penalty("reconstruction", learner, tasks).item() == pytest.approx(expected.item())


def test_the_decoder_is_trained_with_the_learner_and_learns_to_read(main, family):
    learner = make(main).float()
    before = learner.decoder.layers[0].weight.detach().clone()
    batch = family.test.sample(200, 0, 1, torch.Generator().manual_seed(0))
    error = penalty("reconstruction", learner, batch).item()
    meta_train(learner, family.train, 200, regularize={"reconstruction": 1.0}, progress=False)
    assert not torch.equal(learner.decoder.layers[0].weight, before)
    assert penalty("reconstruction", learner, batch).item() < 0.1 * error


# Parameters that a penalty rightly does not move, by the end of their names: it does not depend on them.
UNMOVED = {
    "weight_norm": ("decoder",),
    "toward_theta_0": ("decoder", "theta_0"),
    "sensitivity": ("decoder", "theta_0", "head.bias"),
    "reconstruction": (),
    "output": ("decoder",),
    "spectral_norm": ("decoder", "bias", "theta_0", "gain"),
}


@pytest.mark.parametrize("name", penalties.PENALTIES)
def test_every_parameter_that_a_penalty_depends_on_gets_a_gradient(main, tasks, name):
    learner = make(main, MLPGenerator, magnitude_invariant=True)
    penalties.remember(learner, tasks.descriptor)
    with torch.no_grad():
        for p in learner.generator.parameters():
            p.add_(0.1 * torch.randn(p.shape, generator=torch.Generator().manual_seed(1)))
    penalty(name, learner, tasks).backward()
    missing = [n for n, p in learner.named_parameters() if p.grad is None or p.grad.abs().max() < 1e-12]
    assert [n for n in missing if not any(part in n for part in UNMOVED[name])] == []


@pytest.mark.parametrize("name", penalties.PENALTIES)
def test_the_gradient_of_a_penalty_against_finite_differences(main, tasks, name):
    learner = make(main, LowRankGenerator)
    penalties.remember(learner, tasks.descriptor + 0.1)
    learner.old_theta.add_(0.1)  # at the snapshot itself the gradient is 0
    parameters = [p for n, p in learner.named_parameters() if "trunk.1.weight" in n or "head.weight" in n]

    def value():
        with torch.no_grad():
            for p, d in zip(parameters, directions, strict=True):
                p.add_(d)
        return penalty(name, learner, tasks, generator=torch.Generator().manual_seed(0))

    random, h = torch.Generator().manual_seed(5), 1e-5
    directions = [torch.zeros_like(p) for p in parameters]
    value().backward()
    unit = [torch.randn(p.shape, generator=random, dtype=p.dtype) for p in parameters]
    slope = sum((p.grad * u).sum().item() for p, u in zip(parameters, unit, strict=True))
    directions = [h * u for u in unit]
    above = value().item()
    directions = [-2 * h * u for u in unit]
    assert slope == pytest.approx((above - value().item()) / (2 * h), rel=1e-4, abs=1e-7)


@pytest.mark.parametrize("kind", GENERATORS)
def test_every_generator_can_be_kept_honest(main, family, kind):
    learner = make(main, kind).float()
    penalties.remember(learner, torch.zeros(2, 2))
    strengths = dict.fromkeys(penalties.PENALTIES, 1e-3)
    if kind is not LowRankGenerator:
        del strengths["toward_theta_0"]
    history = meta_train(learner, family.train, 2, regularize=strengths, progress=False)
    assert history.steps == 2


def test_learners_that_read_examples_have_weights_to_penalise_too(main, family):
    for learner in (SupportSetHypernetwork(main), MAML(main), SharedWeights(main)):
        meta_train(learner, family.train, 1, regularize={"weight_norm": 1e-3}, progress=False)


@pytest.mark.parametrize(
    ("strengths", "words"),
    [
        ({"weight_nrom": 1.0}, r"no penalty called \['weight_nrom'\].*'weight_norm', 'toward_theta_0', 'sensitivity'"),
        ({"weight_norm": -1.0}, "strength of 'weight_norm' must be at least 0.*-1"),
        ({"weight_norm": math.nan}, "finite, got nan"),
        ({"toward_theta_0": 1.0}, "has no θ₀.*magnitude_invariant=True"),
        ({"reconstruction": 1.0}, r"learner.decoder = penalties.Decoder\(main, d_tau\)"),
        ({"output": 1.0}, "remember"),
    ],
)
def test_what_cannot_be_added_is_refused_in_words(main, family, strengths, words):
    learner = Hypernetwork(main, MLPGenerator(2, main))
    before = copy.deepcopy(learner.state_dict())
    with pytest.raises(ValueError, match=words):
        meta_train(learner, family.train, 3, regularize=strengths, progress=False)
    assert all(torch.equal(before[k], v) for k, v in learner.state_dict().items())


@pytest.mark.parametrize(("name", "words"), [("sensitivity", "do not depend on τ"), ("spectral_norm", "MAML has none")])
def test_penalties_on_a_generator_need_one(main, family, name, words):
    with pytest.raises(ValueError, match=words):
        meta_train(MAML(main), family.train, 1, regularize={name: 1.0}, progress=False)


def test_a_decoder_that_came_after_the_optimizer_is_noticed(main, family):
    learner = Hypernetwork(main, MLPGenerator(2, main))
    optimizer = torch.optim.Adam(learner.parameters())
    learner.decoder = penalties.Decoder(main, 2)
    with pytest.raises(ValueError, match="decoder"):
        meta_train(learner, family.train, 1, optimizer=optimizer, regularize={"reconstruction": 1.0}, progress=False)


def test_a_resumed_regularized_training_is_exact_and_asks_for_the_same_strengths(main, family, tmp_path):
    strengths = {"sensitivity": 0.1, "reconstruction": 0.1}

    def train(steps, seed=0, regularize=strengths, **kwargs):
        learner = make(main, seed=seed).float()
        random = torch.Generator().manual_seed(1)
        meta_train(
            learner, family.train, steps, regularize=regularize, rng=random, anneal=False, progress=False, **kwargs
        )
        return learner

    path = tmp_path / "run.safetensors"
    whole = train(12)
    train(7, checkpoint=path)
    resumed = train(12, seed=5, checkpoint=path)
    assert all(torch.equal(a, b) for a, b in zip(whole.parameters(), resumed.parameters(), strict=True))
    for other in ({"sensitivity": 0.2, "reconstruction": 0.1}, None):
        with pytest.raises(ValueError, match="was trained with"):
            train(20, regularize=other, checkpoint=path)


def test_no_penalty_leaves_a_training_as_it_was(main, family):
    def train(regularize):
        learner = make(main).float()
        meta_train(learner, family.train, 5, regularize=regularize, rng=torch.Generator().manual_seed(1), progress=False)
        return torch.nn.utils.parameters_to_vector(learner.parameters())

    assert torch.equal(train(None), train({}))
    assert torch.equal(train(None), train({"weight_norm": 0.0}))


def test_compare_trains_every_learner_with_the_same_penalties(main, family):
    learners = {name: make(main).float() for name in ("one", "other")}
    free = compare({"free": make(main).float()}, family, 5, progress=False)
    held = compare(learners, family, 5, regularize={"weight_norm": 100.0}, progress=False)
    assert held.rows["one"].reports[0].mean == held.rows["other"].reports[0].mean != free.rows["free"].reports[0].mean


class Polynomial(TaskSet):
    """One task: a polynomial on an interval, described by a fixed τ."""

    n_tasks = 1

    def __init__(self, tau, f, low, high):
        self.tau, self.f, self.low, self.high = tau, f, low, high

    def most_queries(self, shots):
        return 100

    def sample(self, n_tasks=None, shots=0, queries=32, generator=None):
        x = self.low + (self.high - self.low) * torch.rand(1, queries, 1, generator=generator)
        examples = Examples(x, self.f(x))
        return TaskBatch(self.tau[None], Examples(x[:, :0], x[:, :0]), examples, {})


def in_sequence(strength, seed):
    """The final MSE of three polynomials that were learned one after the other."""
    random = torch.Generator().manual_seed(seed)
    main = MainNetwork.mlp([1, 10, 10, 1], "tanh")
    learner = Hypernetwork(main, MLPGenerator(2, main, hidden=(10, 10), rng=random))
    polynomials = [
        Polynomial(tau, f, low, high)
        for tau, f, low, high in zip(
            torch.tensor([[1.0, 0.0], [-0.5, 0.87], [-0.5, -0.87]]),
            (lambda x: x + 3, lambda x: 2 * x**2 - 1, lambda x: (x - 3) ** 3),
            (-4, -1, 2), (-2, 1, 4), strict=True,
        )
    ]  # fmt: skip
    for k, task in enumerate(polynomials):
        penalties = {"output": strength} if k else None
        if k:
            penalties.remember(learner, torch.stack([p.tau for p in polynomials[:k]]))
        optimizer = torch.optim.Adam(learner.parameters(), lr=1e-2)
        meta_train(learner, task, 600, 1, 0, 32, optimizer=optimizer, regularize=penalties, rng=random, progress=False)
    return [meta_test(learner, task, 0).mean for task in polynomials]


def test_the_output_regulariser_prevents_forgetting():
    """The toy of von Oswald et al. (published: .004, .002, .006 with β = .005; theirs learns τ too, and for 4,000 steps)."""
    for seed in range(2):
        held, forgot = in_sequence(0.005, seed), in_sequence(0.0, seed)
        assert max(held[:2]) < 0.01
        assert min(forgot[:2]) > 0.1, "without it the first two are lost"
        assert max(held[2], forgot[2]) < 0.05, "both learn the last one"


@pytest.fixture(scope="module")
def path():
    """A family, a learner, and φ at three strengths."""
    family, random = ColoradoClimate(n_train=10), torch.Generator().manual_seed(0)
    main = MainNetwork.mlp([2, 8, 1], "tanh", family.y_mean, family.y_std)
    learners = [Hypernetwork(main, MLPGenerator(3, main, hidden=(8,), rng=random)) for _ in range(3)]
    return family, learners, torch.stack([parameters_to_vector(one.parameters()).detach() for one in learners])


def test_the_picture_of_strengths_shows_the_learner_that_was_trained_there(path):
    family, learners, phi = path
    picture = pictures.StrengthPicture(family, learners[0], {"sensitivity": phi}, torch.tensor([-1.0, 0.0, 1.0]))
    for k, exponent in enumerate((-1.0, 0.0, 1.0)):
        sentence = picture.update("sensitivity", exponent, 4)
        assert f"RMSE {meta_test(learners[k], family.test, 0).rmse:.2f} °C on stations never seen" in sentence
        assert f"{meta_test(learners[k], family.train, 0).rmse:.2f} on those it was trained on" in sentence
        y = learners[k].main(learners[k](picture.tasks.descriptor[4]), family.x(picture.months))[:, 0]
        torch.testing.assert_close(torch.as_tensor(picture.curve.get_ydata()), y.detach())
        assert picture.here.get_xdata()[0] == pytest.approx(10**exponent)
    year = family.mean_year[family.station(picture.tasks.properties["name"][4])]
    torch.testing.assert_close(torch.as_tensor(picture.measured.get_ydata()), year)


def test_between_two_strengths_phi_is_blended(path):
    family, learners, phi = path
    picture = pictures.StrengthPicture(family, learners[0], {"sensitivity": phi}, torch.tensor([-1.0, 0.0, 1.0]))
    before = parameters_to_vector(learners[0].parameters()).clone()
    picture.update("sensitivity", 0.25, 0)
    blended = parameters_to_vector(picture.learner.parameters())
    torch.testing.assert_close(blended, 0.75 * phi[1] + 0.25 * phi[2])
    assert torch.equal(before, parameters_to_vector(learners[0].parameters())), "the learner given is not touched"


def test_intervals_over_seeds_are_those_of_student():
    seeds = torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0])
    assert pictures.half_interval(seeds) == pytest.approx(2.776 * (2.5 / 5) ** 0.5, rel=1e-3)
    figure = pictures.intervals({"one": seeds, "other": seeds + 1}, "RMSE (°C)", (2.0, "a line"))
    (axes,) = figure.axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["one", "other"]
