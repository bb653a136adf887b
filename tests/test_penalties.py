"""Each penalty against its closed form or an independent computation, and what `meta_train` does with it."""

import copy
import functools
import math

import pytest
import torch
from torch import nn
from torch.nn.utils import parameters_to_vector

from hyperedu import (
    MAML,
    Conditioned,
    ConvGenerator,
    Examples,
    HyperMAML,
    Hypernetwork,
    JointEncoder,
    LowRankGenerator,
    MainNetwork,
    MLPGenerator,
    OutputRegularizer,
    Penalty,
    Reconstruction,
    Sensitivity,
    SetEncoder,
    SharedWeights,
    SpectralNorm,
    SupportSetHypernetwork,
    TaskBatch,
    TaskConditionedMAML,
    TowardSharedWeights,
    WeightNorm,
    compare,
    load_checkpoint,
    meta_train,
    outer_loss,
    penalties,
)
from test_generators import every_kind


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def make(main, kind=MLPGenerator, seed=0, **options):
    return Hypernetwork(main, kind(2, main, rng=seeded(seed), **options)).double()


@pytest.fixture
def learner(main):
    return make(main)


@pytest.fixture
def tasks(family, random):
    return family.train.sample(5, 4, 6, random).to(torch.float64)


def value(penalty, learner, tasks, rng=None):
    return penalties.total(learner, tasks, {penalty: 1.0}, rng)


def moved(learner, size=0.1, seed=1):
    """The learner, its generator's parameters moved at random."""
    random = seeded(seed)
    with torch.no_grad():
        for p in learner.generator.parameters():
            p.add_(size * torch.randn(p.shape, generator=random))
    return learner


def exact_sensitivity(learner, tau):
    """Row by row with autograd's reverse mode."""
    rows = [torch.autograd.functional.jacobian(learner.generator, t) for t in tau]
    return torch.stack(rows).square().sum((1, 2)).mean() / learner.main.weight_dim


PENALTIES = {
    "WeightNorm": lambda learner: WeightNorm(),
    "TowardSharedWeights": lambda learner: TowardSharedWeights(),
    "Sensitivity": lambda learner: Sensitivity(),
    "Reconstruction": lambda learner: Reconstruction(learner.main, 2, rng=seeded()),
    "OutputRegularizer": lambda learner: OutputRegularizer(learner, torch.tensor([[0.3, -1.0], [1.0, 0.5]])),
    "SpectralNorm": lambda learner: SpectralNorm(),
}


def test_every_penalty_is_tested(learner):
    made = {type(make(learner.float())) for make in PENALTIES.values()}
    assert made == {kind for kind in Penalty.__subclasses__() if kind.__module__.startswith("hyperedu")}


# ---------------------------------------------------------------------------------------------------------- their equations


def test_penalties_are_added_to_the_loss_that_is_differentiated(main, family):
    """Lesson 08, equation 1: one step of plain gradient descent, by hand."""
    learner = make(main).float()
    by_hand = copy.deepcopy(learner)
    batch = family.train.sample(25, 10, 10, seeded(1))
    theta = by_hand(batch.descriptor)
    loss = outer_loss(by_hand, batch).mean()
    sigmas = [torch.linalg.svdvals(layer.weight)[0] for layer in (*by_hand.generator.trunk, by_hand.generator.head)]
    (loss + 0.3 * theta.square().mean() + 0.01 * sum(s**2 for s in sigmas)).backward()
    optimizer = torch.optim.SGD(learner.parameters(), lr=1e-3)
    history = meta_train(
        learner, family.train, 1, optimizer=optimizer, max_norm=None, penalties={WeightNorm(): 0.3, SpectralNorm(): 0.01},
        rng=seeded(1), progress=False,
    )  # fmt: skip
    assert history.loss == pytest.approx([loss.item()]), "the history has the query loss alone"
    for ours, hand in zip(learner.parameters(), by_hand.parameters(), strict=True):
        torch.testing.assert_close(ours.detach(), hand.detach() - 1e-3 * hand.grad, rtol=1e-5, atol=1e-6)


def test_the_total_is_the_sum_of_strength_times_penalty(learner, tasks):
    two, three = lambda learner, tasks, theta: theta.new_tensor(2.0), lambda learner, tasks, theta: theta.new_tensor(3.0)
    assert penalties.total(learner, tasks, {two: 0.5, three: 10}).item() == pytest.approx(31.0)
    assert penalties.total(learner, tasks, {two: 0.0, three: 0.25}).item() == pytest.approx(0.75)


def test_weight_norm_is_the_mean_square_of_the_weights_before_adaptation(main, tasks, learner):
    theta = learner.generator(tasks.descriptor)
    expected = sum((row @ row).item() / len(row) for row in theta) / len(theta)
    assert value(WeightNorm(), learner, tasks).item() == pytest.approx(expected)
    adapting = TaskConditionedMAML(main, learner.generator, steps=3, lr=0.1)
    assert value(WeightNorm(), adapting, tasks).item() == pytest.approx(expected)


@pytest.mark.parametrize(("kind", "options"), [(LowRankGenerator, {}), (MLPGenerator, {"magnitude_invariant": True})])
def test_toward_shared_weights_is_the_distance_to_the_shared_start(main, tasks, kind, options):
    learner = make(main, kind, **options)
    theta_0 = learner.generator.theta_0
    expected = sum(((learner.generator(t) - theta_0) ** 2).mean() for t in tasks.descriptor) / len(tasks)
    found = value(TowardSharedWeights(), learner, tasks)
    assert found.item() == pytest.approx(expected.item())
    found.backward()
    if kind is MLPGenerator:  # θ₀ cancels: what is pulled is Δθ
        assert theta_0.grad.abs().max() < 1e-12


@pytest.mark.parametrize(("kind", "options"), [(LowRankGenerator, {}), (MLPGenerator, {"magnitude_invariant": True})])
def test_the_shared_start_has_the_mean_of_a_direct_initialisation(kind, options):
    """So that what is pulled toward it is Δθ, whose mean over generators is 0."""
    main = MainNetwork.conv((1, 8, 8), channels=(4, 4), d_out=3)  # the scales of its norms begin at 1
    generators = [kind(2, main, rng=seeded(seed), **options) for seed in range(200)]
    theta_0 = torch.stack([generator.theta_0.detach() for generator in generators])
    theta = torch.stack([generator(torch.zeros(2)).detach() for generator in generators])
    bound = 5 * main.initial_std / math.sqrt(len(generators)) + 1e-6
    assert ((theta_0.mean(0) - main.initial_mean).abs() <= bound).all()
    assert ((theta.mean(0) - main.initial_mean).abs() <= bound).all()


def test_toward_shared_weights_of_conditioned_weights_is_what_tau_adds(main, tasks):
    learner = Conditioned(main, 2).double()
    added = tasks.descriptor @ learner.A.mT
    expected = added.square().sum() / len(tasks) / main.weight_dim
    assert value(TowardSharedWeights(), learner, tasks).item() == pytest.approx(expected.item())


def test_toward_shared_weights_of_hypermaml_is_its_update(main, tasks):
    learner = HyperMAML(main, dim=4).double()
    update = learner(None, tasks.support) - learner.theta_0
    assert value(TowardSharedWeights(), learner, tasks).item() == pytest.approx(update.square().mean().item())
    assert value(TowardSharedWeights(), MAML(main).double(), tasks).item() == 0


@every_kind
def test_sensitivity_is_an_unbiased_estimate_of_the_jacobians_norm(main, tasks, kind):
    """Lesson 08, equation 2."""
    learner = make(main, kind)
    nothing = Examples(torch.zeros(4000, 1, 1), torch.zeros(4000, 1, 1))
    many = TaskBatch(tasks.descriptor.repeat(800, 1), nothing, nothing, {})
    with torch.no_grad():
        estimate = Sensitivity()(learner, many, None, seeded()).item()
    assert estimate == pytest.approx(exact_sensitivity(learner, tasks.descriptor).item(), rel=0.06)


def test_sensitivity_in_one_direction_for_each_task_against_finite_differences(main, tasks, learner):
    error, h = torch.randn(tasks.descriptor.shape, generator=seeded(3)).double(), 1e-6
    assert len(error.unique()) == error.numel(), "an ε of its own for each task"
    with torch.no_grad():
        change = (learner(tasks.descriptor + h * error) - learner(tasks.descriptor - h * error)) / (2 * h)
    found = value(Sensitivity(), learner, tasks, seeded(3))
    assert found.item() == pytest.approx(change.square().mean().item(), rel=1e-6)


def test_the_source_of_randomness_decides_the_directions_of_sensitivity(learner, tasks):
    one, same, other = (value(Sensitivity(), learner, tasks, seeded(seed)).item() for seed in (1, 1, 2))
    assert one == same != other
    random = seeded(1)
    assert value(Sensitivity(), learner, tasks, random).item() == one
    assert value(Sensitivity(), learner, tasks, random).item() != one, "new ones at every step"


@pytest.mark.parametrize("kind", [Hypernetwork, TaskConditionedMAML])
def test_sensitivity_is_of_the_map_from_tau_to_the_weights_that_are_written(main, tasks, kind):
    """Through the encoder, with the examples as they are, and before any inner step."""
    encoder = JointEncoder(nn.Linear(2, 3), SetEncoder(1, 1, 4))
    learner = kind(main, MLPGenerator(7, main), encoder=encoder).double()
    error, h = torch.randn(tasks.descriptor.shape, generator=seeded(3)).double(), 1e-6
    with torch.no_grad():
        above, below = (learner.generator(encoder(tasks.descriptor + s * h * error, tasks.support)) for s in (1, -1))
    expected = ((above - below) / (2 * h)).square().mean().item()
    assert value(Sensitivity(), learner, tasks, seeded(3)).item() == pytest.approx(expected, rel=1e-6)


def test_spectral_norm_against_svd_and_the_bound_that_it_gives(main, tasks, learner):
    """Lesson 08, equation 3: Σ σ².

    Lesson 08, equation 4: ‖f(τ) − f(τ')‖ ≤ c Π σ(W) ‖τ − τ'‖ with c = 1.13 for each of the two GELUs.
    """
    f = learner.generator
    sigmas = [torch.linalg.svdvals(layer.weight)[0].item() for layer in (*f.trunk, f.head)]
    assert value(SpectralNorm(), learner, tasks).item() == pytest.approx(sum(s**2 for s in sigmas))
    apart = torch.pdist(tasks.descriptor)
    assert (torch.pdist(f(tasks.descriptor)) <= 1.13**2 * math.prod(sigmas) * apart).all()


def test_the_spectral_norm_of_a_convolution_is_that_of_its_matrix(main, tasks):
    learner = make(main, ConvGenerator)
    f = learner.generator
    weights = [f.convolution.weight, f.enlarge.weight, f.film.weight, *(layer.weight for layer in f.trunk)]
    expected = sum(torch.linalg.matrix_norm(w.reshape(len(w), -1), 2).item() ** 2 for w in weights)
    assert value(SpectralNorm(), learner, tasks).item() == pytest.approx(expected)


def test_the_output_regularizer_is_the_distance_from_what_was_written(main, tasks, learner):
    """Lesson 08, equation 5: mean over old tasks of the squared norm, summed over weights (von Oswald et al., equation 2)."""
    old = torch.tensor([[0.3, -1.0], [1.0, 0.5], [0.0, 2.0]], dtype=torch.float64)
    held = OutputRegularizer(learner, old)
    assert value(held, learner, tasks).item() == 0
    before = [learner.generator(t).detach() for t in old]
    moved(learner)
    expected = sum(((learner.generator(t) - b) ** 2).sum() for t, b in zip(old, before, strict=True)) / 3
    assert value(held, learner, tasks).item() == pytest.approx(expected.item())
    assert value(OutputRegularizer(learner, old[:1]), learner, tasks).item() == 0, "one made now remembers what is written now"


def test_a_snapshot_is_of_weights_without_dropout(main, tasks):
    encoder = nn.Sequential(nn.Linear(2, 4), nn.Dropout(0.5))
    learner = Hypernetwork(main, MLPGenerator(4, main), encoder).double()
    held = OutputRegularizer(learner, tasks.descriptor)
    assert learner.training
    assert encoder[1].training
    torch.testing.assert_close(held.old_theta, learner.eval().written(tasks.descriptor))


def test_a_snapshot_follows_neither_the_learner_nor_the_tensor_given(learner, tasks):
    given = tasks.descriptor.clone().requires_grad_()
    held = OutputRegularizer(learner, given)
    tau, theta = held.old_tau.clone(), held.old_theta.clone()
    torch.testing.assert_close(theta, learner.generator(tasks.descriptor))
    with torch.no_grad():
        given.zero_()
    moved(learner)
    assert torch.equal(held.old_tau, tau)
    assert torch.equal(held.old_theta, theta)
    assert not held.old_tau.requires_grad
    assert not held.old_theta.requires_grad
    assert list(held.parameters()) == []
    assert set(held.state_dict()) == {"old_tau", "old_theta"}


def test_the_snapshot_is_of_weights_before_any_inner_step(main, learner, tasks):
    adapting = TaskConditionedMAML(main, learner.generator, steps=3, lr=0.1)
    torch.testing.assert_close(OutputRegularizer(adapting, tasks.descriptor).old_theta, learner.generator(tasks.descriptor))


def test_a_snapshot_of_weights_that_all_tasks_share_has_a_row_for_each(main, family):
    """One θ₀ in memory under n rows would be a view of what learns on."""
    learner = SharedWeights(main)
    held = OutputRegularizer(learner, torch.zeros(3, 2))
    assert held.old_theta.shape == (3, main.weight_dim)
    with torch.no_grad():
        learner.theta_0.add_(0.5)
    assert value(held, learner, family.train.sample(2)).item() == pytest.approx(0.25 * main.weight_dim, rel=1e-5)


def test_reconstruction_reads_the_descriptor_back_from_the_weights(main, tasks, learner):
    penalty = Reconstruction(main, 2, rng=seeded()).double()
    with torch.no_grad():
        for p in penalty.parameters():
            p.add_(0.1)
    first, second = penalty.layers
    h = torch.nn.functional.gelu(learner(tasks.descriptor) @ first.weight.T + first.bias)
    read = h @ second.weight.T + second.bias
    torch.testing.assert_close(penalty.decoder(learner(tasks.descriptor)), read)
    assert value(penalty, learner, tasks).item() == pytest.approx((read - tasks.descriptor).square().mean().item())


def test_a_decoder_of_weights_that_all_begin_at_zero_is_finite():
    net = nn.Linear(1, 1)
    nn.init.zeros_(net.weight)
    nn.init.zeros_(net.bias)
    decoder = Reconstruction(MainNetwork.from_module(net), 2)
    assert torch.isfinite(parameters_to_vector(decoder.parameters())).all()


def test_the_decoder_begins_with_numbers_of_size_one(random):
    """θ divided by the root mean square of fresh weights, then each layer by √fan_in; 32 wide where nothing is said."""
    main = MainNetwork.mlp([1, 200, 100, 1])
    penalty = Reconstruction(main, 50, rng=random)
    first, second = penalty.layers
    assert (first.in_features, first.out_features, second.out_features) == (main.weight_dim, 32, 50)
    scale = main.initial_std.square().mean().sqrt().item()
    assert first.weight.std().item() == pytest.approx(1 / (scale * math.sqrt(main.weight_dim)), rel=0.01)
    assert second.weight.std().item() == pytest.approx(1 / math.sqrt(32), rel=0.05)
    assert not first.bias.any()
    assert not second.bias.any()
    assert first(main.initial_weights(2000, rng=random)).std().item() == pytest.approx(1, rel=0.05)
    one, same, other = (Reconstruction(main, 2, hidden=7, rng=seeded(seed)) for seed in (1, 1, 2))
    assert one.layers[0].out_features == 7
    assert torch.equal(parameters_to_vector(one.parameters()), parameters_to_vector(same.parameters()))
    assert not torch.equal(parameters_to_vector(one.parameters()), parameters_to_vector(other.parameters()))


# ---------------------------------------------------------------------------------------------------------------- gradients

# Parameters of the learner that a penalty rightly does not move, by a part of their names: it does not depend on them.
UNMOVED = {
    "TowardSharedWeights": ("theta_0",),
    "Sensitivity": ("theta_0", "head.bias"),
    "SpectralNorm": ("bias", "theta_0"),
}


@pytest.mark.parametrize("name", PENALTIES)
def test_every_parameter_that_a_penalty_depends_on_gets_a_gradient(main, tasks, name):
    learner = make(main, magnitude_invariant=True)
    penalty = PENALTIES[name](learner.float()).double()
    moved(learner.double())
    value(penalty, learner, tasks).backward()
    named = [*learner.named_parameters(), *penalty.named_parameters()]
    missing = {n for n, p in named if p.grad is None or p.grad.abs().max() < 1e-12}
    assert missing == {n for n, _ in named if any(part in n for part in UNMOVED.get(name, ()))}


@pytest.mark.parametrize("name", PENALTIES)
def test_the_gradient_of_a_penalty_against_finite_differences(main, tasks, name):
    learner = make(main, LowRankGenerator)
    penalty = PENALTIES[name](learner.float()).double()
    moved(learner.double())  # at the snapshot itself the gradient is 0
    parameters = [p for n, p in learner.named_parameters() if "trunk.1.weight" in n or "head.weight" in n]
    unit = [torch.randn(p.shape, generator=seeded(5), dtype=p.dtype) for p in parameters]

    def at(h):
        with torch.no_grad():
            for p, u in zip(parameters, unit, strict=True):
                p.add_(h * u)
        found = value(penalty, learner, tasks, seeded())
        with torch.no_grad():
            for p, u in zip(parameters, unit, strict=True):
                p.sub_(h * u)
        return found.item()

    value(penalty, learner, tasks, seeded()).backward()
    slope = sum((p.grad * u).sum().item() for p, u in zip(parameters, unit, strict=True))
    h = 1e-5
    assert slope == pytest.approx((at(h) - at(-h)) / (2 * h), rel=1e-4, abs=1e-7)


# -------------------------------------------------------------------------------------------------------------- in training


def test_the_decoder_is_trained_with_the_learner_and_learns_to_read(main, family):
    learner, penalty = make(main).float(), Reconstruction(main, 2, rng=seeded())
    before = [p.detach().clone() for p in penalty.parameters()]
    batch = family.test.sample(200, 0, 1, seeded())
    error = value(penalty, learner, batch).item()
    meta_train(learner, family.train, 200, penalties={penalty: 1.0}, rng=seeded(1), progress=False)
    assert not any(torch.equal(b, p) for b, p in zip(before, penalty.parameters(), strict=True))
    assert value(penalty, learner, batch).item() < 0.1 * error


def test_an_optimizer_without_the_parameters_of_a_penalty_is_refused(main, family):
    learner, penalty = make(main).float(), Reconstruction(main, 2)
    optimizer = torch.optim.Adam(learner.parameters())
    with pytest.raises(ValueError, match=r"layers.0.weight.*those of penalties"):
        meta_train(learner, family.train, 1, optimizer=optimizer, penalties={penalty: 1.0}, progress=False)
    optimizer = torch.optim.Adam([*learner.parameters(), *penalty.parameters()])
    meta_train(learner, family.train, 1, optimizer=optimizer, penalties={penalty: 1.0}, progress=False)


@every_kind
def test_every_generator_can_be_kept_honest(main, family, kind):
    learner = make(main, kind).float()
    strengths = {make(learner): 1e-3 for name, make in PENALTIES.items() if name != "TowardSharedWeights"}
    if kind is LowRankGenerator:
        strengths[TowardSharedWeights()] = 1e-3
    assert meta_train(learner, family.train, 2, penalties=strengths, progress=False).steps == 2


def test_learners_that_read_examples_have_weights_to_penalise_too(main, family):
    for learner in (SupportSetHypernetwork(main), HyperMAML(main), MAML(main), SharedWeights(main)):
        meta_train(learner, family.train, 1, penalties={WeightNorm(): 1e-3}, progress=False)


def test_a_penalty_is_handed_the_support_set_and_never_asks_for_the_query(main, family, random):
    """θ is what is written from τ and D: another query set changes no penalty."""
    learner = SupportSetHypernetwork(main, 4, encoder=JointEncoder(nn.Linear(2, 3), SetEncoder(1, 1, 4))).float()
    tasks = family.train.sample(4, rng=random)
    other = TaskBatch(tasks.descriptor, tasks.support, Examples(tasks.query.x + 1, tasks.query.y - 1), {})
    for penalty in (WeightNorm(), Sensitivity(), Reconstruction(main, 2), SpectralNorm()):
        assert value(penalty, learner, tasks, seeded()).item() == value(penalty, learner, other, seeded()).item()


@pytest.mark.parametrize(
    ("make_penalty", "strength", "words"),
    [
        (WeightNorm, -1.0, "strength of WeightNorm must be at least 0.*-1"),
        (WeightNorm, math.nan, "finite, got nan"),
        (WeightNorm, math.inf, "finite, got inf"),
        (lambda: WeightNorm, 1.0, "WeightNorm.* is no penalty: give one such as WeightNorm.., made"),
        (lambda: "weight_norm", 1.0, "'weight_norm' is no penalty"),
        (TowardSharedWeights, 1.0, "Hypernetwork has no θ₀.*magnitude_invariant=True"),
        (lambda: lambda learner, tasks, theta: theta.square().sum(-1), 1.0, r"<lambda> gave a tensor of shape \(25,\).*mean"),
        (lambda: lambda learner, tasks, theta: theta.square().mean().item(), 1.0, r"<lambda> gave a float, but one number"),
        (lambda: lambda learner, tasks, theta: None, 1.0, "<lambda> gave a NoneType"),
    ],
)
def test_what_cannot_be_added_is_refused_in_words(main, family, make_penalty, strength, words):
    learner = Hypernetwork(main, MLPGenerator(2, main))
    before = copy.deepcopy(learner.state_dict())
    with pytest.raises(ValueError, match=words):
        meta_train(learner, family.train, 3, penalties={make_penalty(): strength}, progress=False)
    assert all(torch.equal(before[k], v) for k, v in learner.state_dict().items())


@pytest.mark.parametrize(("penalty", "words"), [(Sensitivity(), "do not depend on τ"), (SpectralNorm(), "MAML has none")])
def test_penalties_on_a_generator_need_one(main, family, penalty, words):
    with pytest.raises(ValueError, match=words):
        meta_train(MAML(main), family.train, 1, penalties={penalty: 1.0}, progress=False)


def test_nothing_is_remembered_of_no_task(learner):
    with pytest.raises(ValueError, match="at least one task"):
        OutputRegularizer(learner, torch.zeros(0, 2))


def test_no_penalty_leaves_a_training_as_it_was(main, family):
    def train(given):
        learner = make(main).float()
        meta_train(learner, family.train, 5, penalties=given, rng=seeded(1), progress=False)
        return parameters_to_vector(learner.parameters())

    assert torch.equal(train(None), train({}))
    assert torch.equal(train(None), train({WeightNorm(): 0.0}))
    assert not torch.equal(train(None), train({WeightNorm(): 1.0}))


# ------------------------------------------------------------------------------------------------------- a reader's own


def biggest(learner, tasks, theta):
    """Of three arguments."""
    return theta.square().amax(-1).mean()


def thinned(learner, tasks, theta, rng):
    """Of four: a random half of the weights."""
    return (theta * (torch.rand(theta.shape, generator=rng) < 0.5)).square().mean()


def powered(learner, tasks, theta, power=4):
    """A fourth that is no source of randomness."""
    return theta.abs().pow(power).mean()


def by_name(learner, tasks, theta, *, rng=None):
    return thinned(learner, tasks, theta, rng)


def by_another_name(learner, tasks, theta, source):
    return thinned(learner, tasks, theta, source)


class Own(nn.Module):
    """A module that is no `Penalty`: a target that is learned with the learner, and a count of its steps."""

    def __init__(self, P):
        super().__init__()
        self.target = nn.Parameter(torch.zeros(P))
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, learner, tasks, theta):
        self.calls += 1
        return (theta - self.target).square().mean()


def test_a_penalty_is_any_function_of_three_arguments_or_four(learner, tasks):
    theta = learner.generator(tasks.descriptor)
    assert value(biggest, learner, tasks).item() == pytest.approx(sum(max(row**2) for row in theta).item() / 5)
    assert value(powered, learner, tasks).item() == pytest.approx((theta**4).mean().item())
    assert value(functools.partial(powered, power=2), learner, tasks).item() == pytest.approx((theta**2).mean().item())
    mask = torch.rand(theta.shape, generator=seeded(4)) < 0.5
    for penalty in (thinned, by_name, by_another_name):
        expected = (theta * mask).square().mean().item()
        assert value(penalty, learner, tasks, seeded(4)).item() == pytest.approx(expected), penalty.__name__


def test_a_function_changes_what_is_learned_and_draws_from_the_source_of_the_training(main, family):
    def train(penalty, seed=1):
        learner = make(main).float()
        meta_train(learner, family.train, 3, penalties={penalty: 10.0}, rng=seeded(seed), progress=False)
        return parameters_to_vector(learner.parameters())

    assert not torch.equal(train(biggest), train(powered))
    assert torch.equal(train(thinned), train(thinned))
    learner, random = make(main).float(), seeded(1)
    optimizer = torch.optim.Adam(learner.parameters())
    for step in range(3):  # by hand: a batch, then the mask of the penalty, from the one source
        batch = family.train.sample(25, 10, 10, random)
        whole = outer_loss(learner, batch).mean() + 10 * thinned(None, None, learner(batch.descriptor), random)
        optimizer.zero_grad()
        whole.backward()
        nn.utils.clip_grad_norm_(learner.parameters(), 1.0)
        optimizer.param_groups[0]["lr"] = 1e-3 * (1 + math.cos(math.pi * step / 3)) / 2
        optimizer.step()
    torch.testing.assert_close(parameters_to_vector(learner.parameters()), train(thinned), rtol=1e-4, atol=1e-6)


def test_a_module_of_ones_own_is_trained_with_the_learner(main, family):
    learner, own = make(main).float(), Own(main.weight_dim)
    batch = family.test.sample(100, 0, 1, seeded())
    meta_train(learner, family.train, 100, optimizer=None, penalties={own: 1.0}, rng=seeded(1), progress=False)
    assert own.calls.item() == 100
    assert own.target.abs().max() > 0.01
    with torch.no_grad():
        theta = learner(batch.descriptor)
        assert (theta - own.target).square().mean() < theta.square().mean(), "the target went to where the weights are"
    optimizer = torch.optim.Adam(learner.parameters())
    with pytest.raises(ValueError, match=r"was not given \['target'\].*those of penalties"):
        meta_train(learner, family.train, 1, optimizer=optimizer, penalties={own: 1.0}, progress=False)


@pytest.mark.filterwarnings("error:optimizer contains")
def test_a_penalty_that_holds_the_learner_does_not_train_it_twice(main, family):
    """The gradient of a parameter that is there twice would count twice, and so would its step."""

    class Holding(nn.Module):
        def __init__(self, learner):
            super().__init__()
            self.learner = learner

        def forward(self, learner, tasks, theta):
            return theta.square().mean()

    one, two = make(main).float(), make(main).float()
    meta_train(one, family.train, 3, penalties={Holding(one): 1.0}, rng=seeded(1), progress=False)
    meta_train(two, family.train, 3, penalties={WeightNorm(): 1.0}, rng=seeded(1), progress=False)
    assert torch.equal(parameters_to_vector(one.parameters()), parameters_to_vector(two.parameters()))


# ---------------------------------------------------------------------------------------------- checkpoints, copies, compare


def state_of(parts):
    return [tensor for part in parts for tensor in part.state_dict().values()]


def test_a_training_with_penalties_resumes_bit_for_bit(main, family, tmp_path):
    """With what is learned in them, and with what they remember: all of it is in the file, none in what is given then."""
    path = tmp_path / "run.safetensors"

    def train(steps, seed=0, **kwargs):
        learner = make(main, seed=seed).float()
        held = OutputRegularizer(make(main, seed=seed + 7).float(), torch.randn(3, 2, generator=seeded(seed)))
        given = {
            Sensitivity(): 0.1, Reconstruction(main, 2, rng=seeded(seed)): 0.1, held: 1e-3, Own(main.weight_dim): 0.1,
            thinned: 0.1,
        }  # fmt: skip
        parts = [learner, *(penalty for penalty in given if isinstance(penalty, nn.Module))]
        meta_train(learner, family.train, steps, penalties=given, rng=seeded(seed + 1), anneal=False, progress=False, **kwargs)
        return state_of(parts)

    whole = train(12)
    train(7, checkpoint=path)
    resumed = train(12, seed=5, checkpoint=path)
    assert len(whole) == len(resumed)
    assert all(torch.equal(a, b) for a, b in zip(whole, resumed, strict=True))


def redefined():
    """As if the cell that defines it had been changed and run again: another function of the same name."""

    def biggest(learner, tasks, theta):
        return theta.abs().amax(-1).mean()

    biggest.__qualname__ = "biggest"
    return biggest


@pytest.mark.parametrize(
    ("then", "now", "differs"),
    [
        ({WeightNorm(): 0.1}, {WeightNorm(): 0.2}, "0.1.*0.2"),
        ({WeightNorm(): 0.1}, None, "WeightNorm"),
        (None, {WeightNorm(): 0.1}, "WeightNorm"),
        ({WeightNorm(): 0.1}, {SpectralNorm(): 0.1}, "WeightNorm.*SpectralNorm"),
        ({biggest: 0.1}, {powered: 0.1}, "biggest.*powered"),
        ({biggest: 0.1}, {redefined(): 0.1}, "biggest.*biggest"),
        ({functools.partial(powered, power=2): 0.1}, {functools.partial(powered, power=3): 0.1}, "power"),
        ({WeightNorm(): 0.1, SpectralNorm(): 0.1}, {SpectralNorm(): 0.1, WeightNorm(): 0.1}, "penalties"),
    ],
)
def test_a_training_goes_on_with_the_penalties_that_it_had(main, family, tmp_path, then, now, differs):
    def train(steps, given):
        learner, saving = make(main).float(), {"checkpoint": tmp_path / "run.safetensors", "anneal": False, "progress": False}
        return meta_train(learner, family.train, steps, penalties=given, **saving)

    train(2, then)
    with pytest.raises(ValueError, match=f"was trained differently.*{differs}"):
        train(4, now)
    assert train(4, then).steps == 4


def test_a_penalty_leaves_nothing_on_the_learner(main, family, tmp_path):
    """So that copies and checkpoints of it are those of any learner: with or without one it loads."""
    learner = make(main).float()
    before = set(vars(learner)) | set(learner.state_dict())
    held = {OutputRegularizer(learner, torch.zeros(2, 2)): 0.01, Reconstruction(main, 2): 0.1, Sensitivity(): 0.1}
    meta_train(learner, family.train, 2, penalties=held, checkpoint=tmp_path / "run.safetensors", progress=False)
    assert set(vars(learner)) | set(learner.state_dict()) == before
    copied = copy.deepcopy(learner)
    meta_train(copied, family.train, 1, penalties=held, progress=False)
    other = make(main, seed=3).float()
    load_checkpoint(tmp_path / "run.safetensors", other)
    assert torch.equal(parameters_to_vector(other.parameters()), parameters_to_vector(learner.parameters()))
    assert not torch.equal(parameters_to_vector(copied.parameters()), parameters_to_vector(learner.parameters()))


def test_a_penalty_remembers_what_another_learner_wrote(main, tasks, learner):
    """The learner is handed over at each call: one snapshot serves any learner that writes as many weights."""
    held, other = OutputRegularizer(learner, tasks.descriptor), make(main, seed=9)
    expected = (other(tasks.descriptor) - learner(tasks.descriptor)).square().sum(-1).mean()
    assert value(held, other, tasks).item() == pytest.approx(expected.item())
    assert value(held, copy.deepcopy(learner), tasks).item() == 0


def test_compare_trains_every_learner_with_the_same_penalties(main, family):
    learners = {name: make(main).float() for name in ("one", "other")}
    free = compare({"free": make(main).float()}, family, 5, progress=False)
    held = compare(learners, family, 5, penalties={WeightNorm(): 100.0}, progress=False)
    assert held.rows["one"].reports[0].mean == held.rows["other"].reports[0].mean != free.rows["free"].reports[0].mean


def test_compare_gives_each_learner_its_own_copy_of_a_penalty(main, family):
    """What is learned in one for the first learner must not help the second, nor change what was given."""
    own, decoder = Own(main.weight_dim), Reconstruction(main, 2, rng=seeded())
    before = parameters_to_vector(decoder.parameters()).clone()
    learners = {name: make(main).float() for name in ("one", "twin")}
    table = compare(learners, family, 5, penalties={own: 1.0, decoder: 1.0}, progress=False)
    assert table.rows["one"].history.loss == table.rows["twin"].history.loss
    one, twin = (parameters_to_vector(learner.parameters()) for learner in learners.values())
    assert torch.equal(one, twin)
    assert own.calls.item() == 0
    assert not own.target.any()
    assert torch.equal(parameters_to_vector(decoder.parameters()), before)
    alone = make(main).float()
    meta_train(alone, family.train, 5, penalties={own: 1.0, decoder: 1.0}, rng=seeded(), progress=False)
    torch.testing.assert_close(parameters_to_vector(alone.parameters()), one)
    assert own.calls.item() == 5, "whereas meta_train trains what it is given"


def test_the_spectral_norm_is_of_every_matrix_once_whatever_layer_has_it(main, tasks):
    class Many(nn.Module):
        def __init__(self):
            super().__init__()
            self.main, self.descriptor_dim = main, 2
            self.attention, self.recurrent = nn.MultiheadAttention(4, 2, batch_first=True), nn.LSTM(2, 4, proj_size=3)
            self.up, self.head = nn.ConvTranspose2d(4, 6, 3, groups=2), nn.Linear(2, main.weight_dim)
            self.tied = nn.Linear(2, main.weight_dim)
            self.tied.weight = self.head.weight
            self.normed = nn.utils.parametrizations.weight_norm(nn.Linear(3, 5))

        def forward(self, tau):
            return self.head(tau)

    f = Many().double()
    up = [f.up.weight[2 * k : 2 * k + 2, o].flatten() for k in range(2) for o in range(3)]
    recurrent = [f.recurrent.weight_ih_l0, f.recurrent.weight_hh_l0, f.recurrent.weight_hr_l0]
    matrices = [f.attention.in_proj_weight, f.attention.out_proj.weight, *recurrent, torch.stack(up)]
    matrices += [f.head.weight, f.normed.weight]
    expected = sum(torch.linalg.matrix_norm(w, 2).item() ** 2 for w in matrices)
    assert value(SpectralNorm(), Hypernetwork(main, f).double(), tasks).item() == pytest.approx(expected)


def test_a_generator_that_begins_with_equal_weights_for_all_may_be_kept_from_changing(main, tasks):
    learner = make(main)
    nn.init.zeros_(learner.generator.head.weight)
    assert value(Sensitivity(), learner, tasks).item() == 0


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_the_spectral_norm_of_a_generator_of_few_digits(main, family, random, dtype):
    learner = make(main)
    exact, tasks = value(SpectralNorm(), learner, family.train.sample(2, 4, 4, random).to(torch.float64)), None
    tasks = family.train.sample(2, 4, 4, random).to(dtype)
    assert value(SpectralNorm(), learner.to(dtype), tasks).item() == pytest.approx(exact.item(), rel=0.02)


def test_a_learner_that_learns_from_all_is_penalised_for_what_it_writes_from_all(main, family):
    class FromAll(SupportSetHypernetwork):
        learns_from_all = True

    found = []

    def watched(learner, tasks, theta):
        found.append((tasks.support, theta.detach()))
        return theta.square().mean()

    learner = FromAll(main)
    before = copy.deepcopy(learner)
    meta_train(learner, family.train, 1, 3, shots=0, queries=4, penalties={watched: 0.1}, rng=seeded(), progress=False)
    tasks = family.train.sample(3, 0, 4, seeded())
    ((support, theta),) = found
    assert torch.equal(support.x, tasks.query.x)
    torch.testing.assert_close(theta, before(tasks.descriptor, tasks.query).detach())


@pytest.mark.parametrize("penalty", [lambda theta, rng: theta, lambda a, b: b, lambda a, b, c, d, e: e])
def test_a_function_of_other_arguments_is_no_penalty(learner, tasks, penalty):
    with pytest.raises(ValueError, match=r"takes \(.*\), but is called with \(learner, tasks, theta\)"):
        value(penalty, learner, tasks, seeded())


def test_a_penalty_that_writes_into_the_weights_writes_for_itself(main, learner, tasks):
    """The others were taken of what it wrote; of a start that tasks share it could not write at all."""

    def clipped(learner, tasks, theta):
        return theta.clamp_(-0.01, 0.01).abs().mean()

    for one in learner, MAML(main):
        theta = one.written(tasks.descriptor, tasks.support)
        found = penalties.total(one, tasks, {clipped: 1.0, WeightNorm(): 1.0})
        torch.testing.assert_close(found, theta.clamp(-0.01, 0.01).abs().mean() + theta.square().mean())


def test_a_decoder_reads_the_weights_of_a_main_network():
    with pytest.raises(ValueError, match="the main network is a Linear"):
        Reconstruction(nn.Linear(2, 1), 2)


def test_what_a_layer_averages_over_a_training_is_what_the_training_gave_it(main, family):
    """BatchNorm saw each batch again with every penalty, and the tasks that are remembered among them."""

    class Normed(MLPGenerator):
        def __init__(self):
            super().__init__(2, main, rng=seeded())
            self.norm = nn.BatchNorm1d(self.trunk.width)

        def hidden(self, descriptor):
            return getattr(self, "norm", nn.Identity())(super().hidden(descriptor))

    def trained(*kinds):
        learner = Hypernetwork(main, Normed())
        penalties = {kind(learner): 0.0 for kind in kinds}
        meta_train(learner, family.train, 3, 4, penalties=penalties, rng=seeded(), progress=False)
        return learner.generator.norm

    alone, watched = trained(), trained(PENALTIES["WeightNorm"], PENALTIES["OutputRegularizer"])
    assert alone.num_batches_tracked == watched.num_batches_tracked == 3
    torch.testing.assert_close(watched.running_mean, alone.running_mean)
    torch.testing.assert_close(watched.running_var, alone.running_var)
