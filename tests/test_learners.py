"""Every learner against a loop over tasks that is written out with plain PyTorch: values and gradients, for every loss."""

import copy
import inspect
from collections.abc import Mapping

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from hyperedu import (
    ANIL,
    MAML,
    Conditioned,
    DescriptorAdaptation,
    Examples,
    FirstOrderMAML,
    HyperMAML,
    Hypernetwork,
    JointEncoder,
    Learner,
    LowRankGenerator,
    MainNetwork,
    MetaSGD,
    MLPGenerator,
    PrototypicalNetwork,
    Reptile,
    SetEncoder,
    SharedWeights,
    SupportSetHypernetwork,
    TaskBatch,
    TaskConditionedMAML,
    TaskSet,
    adapt,
    learners,
    load_checkpoint,
    meta_test,
    meta_train,
    outer_loss,
    save_checkpoint,
)
from hyperedu.learners import in_mode


def examples_encoder(main, dim=6):
    return SetEncoder(main.d_in, main.d_out, dim)


def both_encoder(main):
    return JointEncoder(nn.Linear(2, 3), examples_encoder(main, 4))


def wide_generator(main, dim):
    """For codes that spread more than standard normal ones, as those of examples in units of their own do."""
    return MLPGenerator(dim, main, descriptors=5 * torch.randn(256, dim))


def parameter(*shape, value=0.05):
    return nn.Parameter(torch.full(shape, value))


def rates_by_name(main, rate):
    """A rate of its own for each weight tensor."""
    return {name: rate(shape) for name, shape in main.shapes.items()}


def mixed_rates(main):
    """A learned number, a learned rate for each weight of a tensor, a fixed number, a fixed tensor; the last stays as it is."""
    names = list(main.shapes)
    fixed = torch.linspace(0.01, 0.1, main.sizes[2]).reshape(main.shapes[names[2]])
    return {names[0]: parameter(), names[1]: parameter(*main.shapes[names[1]]), names[2]: fixed, names[3]: 0.02}


# Every learner there is, made for `main` and descriptors of two numbers.
LEARNERS = {
    "SharedWeights": lambda main: SharedWeights(main),
    "SharedWeights, 2 steps": lambda main: SharedWeights(main, steps=2, lr=0.05),
    "Conditioned": lambda main: Conditioned(main, descriptor_dim=2),
    "Hypernetwork": lambda main: Hypernetwork(main, MLPGenerator(2, main)),
    "Hypernetwork, magnitude invariant": lambda main: Hypernetwork(main, MLPGenerator(2, main, magnitude_invariant=True)),
    "Hypernetwork, encoder": lambda main: Hypernetwork(main, MLPGenerator(4, main), nn.Linear(2, 4)),
    "Hypernetwork, 2 steps": lambda main: Hypernetwork(main, MLPGenerator(2, main), steps=2, lr=0.05),
    "SupportSetHypernetwork": lambda main: SupportSetHypernetwork(main, dim=8),
    "SupportSetHypernetwork, own parts": lambda main: SupportSetHypernetwork(
        main, encoder=both_encoder(main), generator=LowRankGenerator(7, main)
    ),
    "HyperMAML": lambda main: HyperMAML(main, dim=8),
    "HyperMAML, own parts": lambda main: HyperMAML(
        main, encoder=SetEncoder(main.d_in, 2 * main.d_out, 5), generator=LowRankGenerator(5, main)
    ),
    "MAML": lambda main: MAML(main, steps=2, lr=0.05),
    "MAML, first order": lambda main: MAML(main, steps=2, lr=0.05, first_order=True),
    "FirstOrderMAML": lambda main: FirstOrderMAML(main, steps=2, lr=0.05),
    "MAML, one learned rate": lambda main: MAML(main, steps=2, lr=parameter()),
    "MAML, one learned rate in a vector": lambda main: MAML(main, steps=2, lr=parameter(1)),
    "MAML, a learned rate per weight": lambda main: MAML(main, steps=2, lr=parameter(main.weight_dim)),
    "MAML, learned rates by name": lambda main: MAML(main, 2, rates_by_name(main, lambda shape: parameter())),
    "MAML, learned rates by name and weight": lambda main: MAML(main, 2, rates_by_name(main, lambda shape: parameter(*shape))),
    "MAML, rates of all sorts": lambda main: MAML(main, steps=2, lr=mixed_rates(main)),
    "MAML, learned rates, first order": lambda main: MAML(main, 2, parameter(main.weight_dim), first_order=True),
    "ANIL": lambda main: ANIL(main, steps=2, lr=0.05),
    "ANIL, learned rate": lambda main: ANIL(main, steps=2, lr=parameter()),
    "ANIL, other head": lambda main: ANIL(main, steps=2, lr=0.05, head=["0.bias", "2.weight"]),
    "MetaSGD": lambda main: MetaSGD(main, steps=2, lr=0.05),
    "Reptile": lambda main: Reptile(main, steps=3, lr=0.05),
    "TaskConditionedMAML": lambda main: TaskConditionedMAML(main, MLPGenerator(2, main), steps=2, lr=0.05),
    "TaskConditionedMAML, first order": lambda main: TaskConditionedMAML(main, MLPGenerator(2, main), 2, 0.05, True),
    "TaskConditionedMAML, learned rates": lambda main: TaskConditionedMAML(
        main, MLPGenerator(2, main), 2, parameter(main.weight_dim)
    ),
    "TaskConditionedMAML, examples": lambda main: TaskConditionedMAML(
        main, wide_generator(main, 6), 2, 0.05, encoder=examples_encoder(main)
    ),
    "TaskConditionedMAML, both": lambda main: TaskConditionedMAML(
        main, wide_generator(main, 7), 2, 0.05, encoder=both_encoder(main)
    ),
    "DescriptorAdaptation": lambda main: DescriptorAdaptation(main, MLPGenerator(3, main), 3, steps=2, lr=0.01),
    "DescriptorAdaptation, first order": lambda main: DescriptorAdaptation(main, MLPGenerator(3, main), 3, 2, 0.01, True),
    "DescriptorAdaptation, learned rates": lambda main: DescriptorAdaptation(main, MLPGenerator(3, main), 3, 2, parameter(3)),
    "CAVIA": lambda main: DescriptorAdaptation(main, Conditioned(main, 5), 5, steps=2, lr=0.1),
}

READS_NO_EXAMPLES = {
    "SharedWeights", "Conditioned", "Hypernetwork", "Hypernetwork, magnitude invariant", "Hypernetwork, encoder",
}  # fmt: skip
READS_TAU = {
    name for name in LEARNERS
    if name.startswith(("Conditioned", "Hypernetwork", "TaskConditionedMAML")) and "examples" not in name
} | {"SupportSetHypernetwork, own parts"}  # fmt: skip
EXAMPLES = Examples(torch.zeros(3, 5, 1), torch.zeros(3, 5, 1))


def make(name, main, seed=0):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return LEARNERS[name](main)


@pytest.fixture(params=LEARNERS)
def name(request):
    return request.param


@pytest.fixture
def learner(name, main):
    return make(name, main)


def test_every_learner_is_tested():
    made = {type(make(name, MainNetwork.mlp([1, 4, 1]))) for name in LEARNERS if "other head" not in name}

    def below(kind):
        return {kind} | {lower for sub in kind.__subclasses__() for lower in below(sub)}

    own = {kind for kind in below(Learner) if kind.__module__.startswith(learners.__name__)}  # other tests make learners too
    assert made == own - {Learner, PrototypicalNetwork}, "prototypes are of classes: tests/test_few_shot.py"


# ---------------------------------------------------------------------------------------------------- what all have in common


def test_a_learner_maps_a_batch_of_tasks_to_weights(learner, family, random):
    tasks = family.train.sample(6, rng=random)
    P = learner.main.weight_dim
    assert learner(tasks.descriptor, tasks.support).shape == (6, P)
    assert learner.written(tasks.descriptor, tasks.support).shape == (6, P)


def test_a_batch_of_tasks_is_a_loop_over_them(learner, family, random):
    """With a batch of one, and where a task has no dimension for tasks at all, and where tasks have two."""
    learner, tasks = learner.double(), family.train.sample(6, rng=random).to(torch.float64)
    grid = Examples(tasks.support.x.unflatten(0, (2, 3)), tasks.support.y.unflatten(0, (2, 3)))
    for write in (learner, learner.written):
        theta = write(tasks.descriptor, tasks.support)
        for i in range(6):
            one = write(tasks.descriptor[i], tasks.support.task(i))
            torch.testing.assert_close(one, theta[i])
            torch.testing.assert_close(write(tasks.task(i).descriptor, tasks.task(i).support), theta[i : i + 1])
        torch.testing.assert_close(write(tasks.descriptor.unflatten(0, (2, 3)), grid).flatten(0, 1), theta)


def test_every_parameter_receives_a_gradient_and_changes(learner, family, random):
    before = {name: p.detach().clone() for name, p in learner.named_parameters()}
    outer_loss(learner, family.train.sample(25, rng=random)).mean().backward()
    for name, p in learner.named_parameters():
        assert p.grad is not None, name
        assert p.grad.any(), name
    meta_train(learner, family.train, steps=3, rng=random, progress=False)
    for name, p in learner.named_parameters():
        assert not torch.equal(before[name], p), name


def test_the_order_of_a_support_set_does_not_matter(learner, family, random):
    tasks = family.train.sample(4, rng=random).to(torch.float64)
    learner, shuffled = learner.double(), tasks.support.some(torch.randperm(10, generator=random))
    torch.testing.assert_close(learner(tasks.descriptor, shuffled), learner(tasks.descriptor, tasks.support))


def test_a_learner_uses_each_example_or_none(name, learner, family, random):
    tasks = family.train.sample(4, rng=random)
    x, y = tasks.support.x, tasks.support.y
    theta = learner(tasks.descriptor, tasks.support)
    for shot in range(10):
        one = (torch.arange(10) == shot).float().unsqueeze(-1)
        for D in (Examples(x, y + one), Examples(x + 0.5 * one, y)):
            other = learner(tasks.descriptor, D)
            changed = (other != theta).any(-1)
            assert changed.all() if name not in READS_NO_EXAMPLES else torch.equal(other, theta), shot


def test_a_learner_reads_the_descriptor_or_does_not(name, learner, family, random):
    tasks = family.train.sample(4, rng=random)
    theta = learner(tasks.descriptor, tasks.support)
    for k in range(2):
        other = learner(tasks.descriptor + torch.eye(2)[k], tasks.support)
        assert (other != theta).any(-1).all() if name in READS_TAU else torch.equal(other, theta)
    if name not in READS_TAU:
        assert torch.equal(learner(None, tasks.support), theta)


@pytest.mark.parametrize("method", ["forward", "start", "path", "written", "outer_loss"])
def test_no_learner_can_be_given_the_query_set(learner, method):
    own = list(inspect.signature(getattr(type(learner), method)).parameters)
    more = {"path": ["inner_steps", "keep"], "outer_loss": ["judge"]}
    assert own == ["self", "descriptor", "support", *more.get(method, [])]


class Watched(TaskSet):
    """A set of tasks that keeps what was drawn from it."""

    def __init__(self, tasks):
        self.tasks, self.n_tasks, self.batches = tasks, tasks.n_tasks, []

    def sample(self, *args, **kwargs):
        self.batches.append(self.tasks.sample(*args, **kwargs))
        return self.batches[-1]


def test_no_learner_sees_the_query_set_in_training_either(learner, family, random):
    """What training hands it is τ and D of the tasks drawn; all examples where its method, Reptile, knows no query set."""
    handed, outer, tasks = [], learner.outer_loss, Watched(family.train)

    def watch(descriptor, support, judge):
        handed.append((descriptor, support))
        return outer(descriptor, support, judge)

    learner.outer_loss = watch
    meta_train(learner, tasks, 2, 4, 3, 5, rng=random, progress=False)
    assert learner.learns_from_all is (type(learner) is Reptile)
    assert len(handed) == 2
    for (tau, support), batch in zip(handed, tasks.batches, strict=True):
        seen = batch.support.joined(batch.query) if type(learner) is Reptile else batch.support
        assert torch.equal(tau, batch.descriptor)
        assert torch.equal(support.x, seen.x)
        assert torch.equal(support.y, seen.y)


def test_what_a_learner_writes_in_training_does_not_depend_on_the_query_set(learner, family, random):
    tasks = family.train.sample(4, rng=random)
    judged, outer = [], learner.outer_loss

    def watch(descriptor, support, judge):
        return outer(descriptor, support, lambda theta: judged.append(theta.detach()) or judge(theta))

    learner.outer_loss = watch
    for query in (tasks.query, Examples(tasks.query.x.flip(0) + 1, 3 - 2 * tasks.query.y)):
        outer_loss(learner, TaskBatch(tasks.descriptor, tasks.support, query, {})).mean().backward()
    assert torch.equal(*judged) is not learner.learns_from_all


def test_a_test_hands_every_learner_the_support_set_alone(learner, family, random):
    handed, path, tasks = [], learner.path, Watched(family.test)
    learner.path = lambda descriptor, support, *args, **kwargs: (
        handed.append(support) or path(descriptor, support, *args, **kwargs)
    )
    meta_test(learner, tasks, shots=4, queries=6, n_tasks=5, rng=random)
    (support,), (batch,) = handed, tasks.batches
    assert torch.equal(support.x, batch.support.x)
    assert torch.equal(support.y, batch.support.y)


def test_the_path_ends_where_the_learner_does(learner, family, random):
    tasks = family.train.sample(4, rng=random)
    path = learner.path(tasks.descriptor, tasks.support)
    assert len(path.theta) == learner.inner_steps + 1
    theta = learner(tasks.descriptor, tasks.support)
    torch.testing.assert_close(learner.through(path.final), theta)
    torch.testing.assert_close(learner.through(path.theta[0]).expand(4, -1), learner.written(tasks.descriptor, tasks.support))
    short = learner.path(tasks.descriptor, tasks.support, inner_steps=1, keep=False)
    assert short.theta.shape == (1, *path.theta.shape[1:])
    two = learner.path(tasks.descriptor, tasks.support, inner_steps=2)
    torch.testing.assert_close(two.theta[1], short.final)


def test_a_copy_and_a_checkpoint_of_a_learner_write_the_same(name, learner, family, random, tmp_path):
    tasks = family.train.sample(3, rng=random)
    theta = learner(tasks.descriptor, tasks.support).detach().clone()
    save_checkpoint(tmp_path / "it", learner)
    loaded, copied = make(name, learner.main, seed=1), copy.deepcopy(learner)
    load_checkpoint(tmp_path / "it", loaded)
    with torch.no_grad():
        for p in learner.parameters():
            p.add_(1)
    for other in (loaded, copied):
        assert torch.equal(other(tasks.descriptor, tasks.support), theta)


def test_the_modes_of_a_learner_reach_its_main_network_and_are_put_back(random):
    main = MainNetwork.from_module(nn.Sequential(nn.Linear(1, 4), nn.Dropout(0.5), nn.Linear(4, 1)))
    learner = Hypernetwork(main, MLPGenerator(2, main), nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.5)))
    everywhere = lambda: {m.training for m in (*learner.modules(), *main.modules())} | {main.training}  # noqa: E731
    assert learner.eval() is learner
    assert everywhere() == {False}
    learner.train()
    assert everywhere() == {True}
    learner.encoder.module[1].eval()
    found = {m: m.training for m in (*learner.modules(), *main.modules())}
    with in_mode(learner, False):
        assert everywhere() == {False}
    assert found == {m: m.training for m in (*learner.modules(), *main.modules())}
    assert main.training


def test_the_settings_that_a_learner_has_where_none_are_given(main):
    """Those of the docstrings: one step of 0.01, for CAVIA's idea of 1, five for Reptile, none where nothing needs to adapt."""
    f = MLPGenerator(2, main)
    found = {
        type(one).__name__: (one.inner_steps, one.first_order, one.lr)
        for one in (
            SharedWeights(main), Conditioned(main, 2), Hypernetwork(main, f), SupportSetHypernetwork(main), HyperMAML(main),
            MAML(main), FirstOrderMAML(main), Reptile(main), TaskConditionedMAML(main, f), DescriptorAdaptation(main, f, 2),
        )
    }  # fmt: skip
    assert found == {
        "SharedWeights": (0, False, 0.01), "Conditioned": (0, False, 0.01), "Hypernetwork": (0, False, 0.01),
        "SupportSetHypernetwork": (0, False, 0.01), "HyperMAML": (0, False, 0.01), "MAML": (1, False, 0.01),
        "FirstOrderMAML": (1, True, 0.01), "Reptile": (5, True, 0.01), "TaskConditionedMAML": (1, False, 0.01),
        "DescriptorAdaptation": (1, False, 1.0),
    }  # fmt: skip
    assert (ANIL(main).inner_steps, ANIL(main).lr) == (1, {"4.weight": 0.01, "4.bias": 0.01})
    assert MetaSGD(main).inner_steps == 1
    assert torch.equal(MetaSGD(main).lr, torch.full((main.weight_dim,), 0.01))
    for one in (SupportSetHypernetwork(main), HyperMAML(main)):
        assert one.encoder.dim == one.generator.descriptor_dim == 64


def test_each_learner_says_how_it_is_trained_best(main):
    """(outer learning rate, whether it falls, the norm that gradients are scaled down to), and `meta_train` follows."""
    descends, writes = (3e-3, False, 10.0), (1e-3, True, 1.0)
    expected = {
        "SharedWeights": descends, "Conditioned": (3e-3, True, 1.0), "Hypernetwork": writes, "SupportSetHypernetwork": writes,
        "HyperMAML": writes, "MAML": descends, "FirstOrderMAML": descends, "ANIL": descends, "MetaSGD": descends,
        "Reptile": descends, "TaskConditionedMAML": writes, "DescriptorAdaptation": (3e-3, True, 1.0),
    }  # fmt: skip
    made = {type(one).__name__: one for one in (make(name, main) for name in LEARNERS)}
    assert {kind: (one.outer_lr, one.anneal, one.max_norm) for kind, one in made.items()} == expected
    assert [kind for kind, one in made.items() if one.learns_from_all] == ["Reptile"]


def test_what_descends_begins_at_the_scale_of_torch_and_what_is_written_at_that_of_he(random):
    """Standard deviations 1 / √(3 fan_in), that of `nn.Linear`, and √(2 / fan_in), its own in the last layer 1 / √fan_in."""
    main = MainNetwork.mlp([50, 100, 60])
    for make in (SharedWeights, MAML, MetaSGD, Reptile, HyperMAML, lambda main, rng: Conditioned(main, 2, rng)):
        for name, values in main.unflatten(make(main, rng=random).theta_0.detach()).items():
            fan_in = 50 if name.startswith("0") else 100
            rel = 0.05 if values.ndim == 2 else 0.3
            assert values.std().item() == pytest.approx(1 / (3 * fan_in) ** 0.5, rel=rel), name
    theta = Hypernetwork(main, MLPGenerator(5, main, rng=random))(torch.randn(200, 5, generator=random)).detach()
    for name, std in (("0.weight", (2 / 50) ** 0.5), ("2.weight", 0.1)):
        assert main.unflatten(theta)[name].std().item() == pytest.approx(std, rel=0.1)


@pytest.mark.parametrize(
    "make",
    [
        SharedWeights, MAML, FirstOrderMAML, ANIL, MetaSGD, Reptile, HyperMAML, SupportSetHypernetwork,
        lambda main, rng: Conditioned(main, 2, rng=rng),
    ],
)  # fmt: skip
def test_the_source_of_randomness_decides_where_a_learner_begins(main, make):
    def begun(seed):
        return list(make(main, rng=torch.Generator().manual_seed(seed)).parameters())

    torch.manual_seed(0)
    one = begun(7)
    torch.manual_seed(1)
    same, other = begun(7), begun(8)
    assert all(torch.equal(a, b) for a, b in zip(one, same, strict=True))
    assert not any(torch.equal(a, b) for a, b in zip(one, other, strict=True) if a.unique().numel() > 1)


# ------------------------------------------------------------------------------------------------ by hand, for every loss

SIZES = [2, 6, 5, 3]


def nats(prediction, y):
    """−log softmax, for logits and class indices."""
    return (prediction.exp().sum(-1).log() - prediction[torch.arange(len(y)), y]).mean()


# How a main network is told its loss, how one task is judged by hand, and whether y is a class.
LOSSES = {
    "squared error": ("squared_error", lambda p, y: ((p - y) ** 2).sum() / p.numel(), False),
    "cross-entropy": ("cross_entropy", nats, True),
    "absolute error": (F.l1_loss, lambda p, y: (p - y).abs().sum() / p.numel(), False),
    "a sum": (
        lambda p, y: ((p - y) ** 4).sum(),  # what is reduced, and how, is the function's own affair
        lambda p, y: (p - y).square().square().sum(),
        False,
    ),
    "Huber": (
        nn.HuberLoss(delta=0.3),
        lambda p, y: torch.where((p - y).abs() < 0.3, (p - y) ** 2 / 2, 0.3 * ((p - y).abs() - 0.15)).mean(),
        False,
    ),
    "smoothed cross-entropy": (
        nn.CrossEntropyLoss(label_smoothing=0.2),
        lambda p, y: 0.8 * nats(p, y) - 0.2 * p.log_softmax(-1).mean(),
        True,
    ),
}


def network(theta, x):
    """x (n, d) through the layers that lie one after the other in θ; the first may be wider than SIZES says."""
    at, last = 0, len(SIZES) - 2
    for layer, fan_out in enumerate(SIZES[1:]):
        fan_in = x.shape[-1]
        W, b = theta[at : at + fan_in * fan_out], theta[at + fan_in * fan_out : at + (fan_in + 1) * fan_out]
        at += (fan_in + 1) * fan_out
        x = x @ W.view(fan_out, fan_in).T + b
        if layer < last:
            x = torch.tanh(x)
    assert at == len(theta)
    return x


def numbers(y):
    return y if y.is_floating_point() else torch.eye(SIZES[-1], dtype=torch.float64)[y]


def encoded(encoder, x, y):
    """ρ(mean over examples of ψ(x, y))."""
    codes = []
    for one_x, one_y in zip(x, y, strict=True):
        h = torch.cat([one_x, one_y])
        for layer in encoder.each:
            h = F.gelu(layer.weight @ h + layer.bias)
        codes.append(h)
    return encoder.whole.weight @ (sum(codes) / len(codes)) + encoder.whole.bias


def both(encoder, tau, x, y):
    linear, of_set = encoder.parts[0].module, encoder.parts[1]
    return torch.cat([linear.weight @ tau + linear.bias, encoded(of_set, x, numbers(y))])


def descend(what, loss, alpha, steps=2, second_order=True):
    """`steps` times what ← what − α ∇ loss(what)."""
    for _ in range(steps):
        (gradient,) = torch.autograd.grad(loss(what), what, create_graph=second_order)
        what = what - alpha * gradient
    return what


def spread_out(rates, main):
    """Rates by name → (P,): a number serves its whole tensor, and what has none has 0."""
    parts = []
    for weight, shape in main.shapes.items():
        rate = torch.as_tensor(rates.get(weight, 0.0), dtype=torch.float64)
        parts.append((rate + torch.zeros(shape, dtype=torch.float64)).flatten())
    return torch.cat(parts)


def adapted_by_hand(name, learner, tau, D, judged):
    """How each learner gets its y for x: a function of x. `judged(predict)` is the loss of predictions on the support set."""
    x, y = D
    kind, _, how = name.partition(", ")
    first_order = kind == "FirstOrderMAML" or "first order" in how
    on_support = lambda theta: judged(lambda x: network(theta, x))  # noqa: E731

    def maml(start, alpha=0.05):
        theta = descend(start, on_support, alpha, second_order=not first_order)
        return lambda x: network(theta, x)

    if kind == "SharedWeights":
        return maml(learner.theta_0) if how else lambda x: network(learner.theta_0, x)
    if kind == "Conditioned":
        theta = beside(learner)
        return lambda x: network(theta, torch.cat([x, tau.expand(len(x), -1)], -1))
    if kind == "Hypernetwork":
        code = learner.encoder.module.weight @ tau + learner.encoder.module.bias if how == "encoder" else tau
        theta = learner.generator(code)
        return maml(theta) if how == "2 steps" else lambda x: network(theta, x)
    if kind == "SupportSetHypernetwork":
        code = both(learner.encoder, tau, x, y) if how else encoded(learner.encoder, x, numbers(y))
        return lambda x: network(learner.generator(code), x)
    if kind == "HyperMAML":
        seen = torch.cat([numbers(y), network(learner.theta_0, x)], -1)
        theta = learner.theta_0 + learner.generator(encoded(learner.encoder, x, seen))
        return lambda x: network(theta, x)
    if kind == "TaskConditionedMAML":
        code = {"examples": lambda: encoded(learner.encoder, x, numbers(y)), "both": lambda: both(learner.encoder, tau, x, y)}
        start = learner.generator(code.get(how, lambda: tau)())
        return maml(start, learner.rates.alpha_0 if how == "learned rates" else 0.05)
    if kind == "DescriptorAdaptation":
        adapts = lambda tau: judged(lambda x: network(learner.generator(tau), x))  # noqa: E731
        code = descend(learner.tau_0, adapts, learner.rates.alpha_0 if "rates" in how else 0.01, second_order=not first_order)
        return lambda x: network(learner.generator(code), x)
    if kind == "CAVIA":
        theta = beside(learner.generator)
        predict = lambda context, x: network(theta, torch.cat([x, context.expand(len(x), -1)], -1))  # noqa: E731
        context = descend(learner.tau_0, lambda context: judged(lambda x: predict(context, x)), 0.1)
        return lambda x: predict(context, x)
    if kind == "MetaSGD":
        return maml(learner.theta_0, learner.rates.alpha_0)
    if kind == "ANIL":
        head = ["0.bias", "2.weight"] if how == "other head" else ["4.weight", "4.bias"]
        rate = learner.rates.alpha_0 if how == "learned rate" else 0.05
        return maml(learner.theta_0, spread_out(dict.fromkeys(head, rate), learner.main))
    learned = dict(learner.rates.named_parameters())
    if "rates by name" in how:
        return maml(learner.theta_0, spread_out(dict(zip(learner.main.shapes, learned.values(), strict=True)), learner.main))
    if how == "rates of all sorts":
        fixed = {"2.weight": torch.linspace(0.01, 0.1, 30).reshape(5, 6).double(), "2.bias": 0.02}
        rates = {"0.weight": learned["alpha_0"], "0.bias": learned["alpha_1"], **fixed}
        return maml(learner.theta_0, spread_out(rates, learner.main))
    return maml(learner.theta_0, *learned.values())


def beside(conditioned):
    """θ of the network on x and τ side by side: its first matrix has the columns of A after those for x."""
    first = SIZES[0] * SIZES[1]
    W = conditioned.theta_0[:first].view(SIZES[1], SIZES[0])
    return torch.cat([torch.cat([W, conditioned.A], dim=1).flatten(), conditioned.theta_0[first:]])


def problem(loss, has_classes, n_tasks=3, shots=4, queries=5):
    """A main network with this loss and tasks for it, in float64."""
    random = torch.Generator().manual_seed(3)
    main = MainNetwork.mlp(SIZES, "tanh", loss=loss)

    def some(n):
        x = torch.randn(n_tasks, n, SIZES[0], generator=random, dtype=torch.float64)
        if has_classes:
            return Examples(x, torch.randint(SIZES[-1], (n_tasks, n), generator=random))
        return Examples(x, torch.randn(n_tasks, n, SIZES[-1], generator=random, dtype=torch.float64))

    tau = torch.randn(n_tasks, 2, generator=random, dtype=torch.float64)
    return main, TaskBatch(tau, some(shots), some(queries), {})


GRADED = [name for name in LEARNERS if name != "Reptile"]  # whose gradient is not that of its loss: see below


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("name", GRADED)
def test_the_outer_loss_and_its_gradient_are_those_of_a_loop_over_tasks(name, loss):
    """Lesson 02, equation 1; and the inner steps use the loss that the outer one judges by."""
    given, by_hand, has_classes = LOSSES[loss]
    main, tasks = problem(given, has_classes)
    learner = make(name, main).double()
    found, expected = outer_loss(learner, tasks), []
    for i in range(len(tasks)):
        x, y = tasks.support.x[i], tasks.support.y[i]
        judged = lambda predict, x=x, y=y: by_hand(predict(x), y)  # noqa: E731
        predict = adapted_by_hand(name, learner, tasks.descriptor[i], (x, y), judged)
        expected.append(by_hand(predict(tasks.query.x[i]), tasks.query.y[i]))
    torch.testing.assert_close(found, torch.stack(expected), rtol=1e-9, atol=1e-11)
    parameters = list(learner.parameters())
    ours = torch.autograd.grad(found.mean(), parameters)
    theirs = torch.autograd.grad(sum(expected) / len(expected), parameters)
    for (which, _), one, other in zip(learner.named_parameters(), ours, theirs, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-7, atol=1e-10, msg=lambda said, which=which: f"{which}: {said}")


@pytest.mark.parametrize("loss", LOSSES)
def test_reptile_is_its_definition(loss):
    """θ₀ ← θ₀ + ε (mean θ' − θ₀) under SGD with rate ε, θ' from all examples. Nichol, Achiam, Schulman 2018, algorithm 2."""
    given, by_hand, has_classes = LOSSES[loss]
    main, tasks = problem(given, has_classes)
    learner = make("Reptile", main).double()
    start, targets, values = learner.theta_0.detach().clone(), [], []
    for i in range(3):
        x, y = torch.cat([tasks.support.x[i], tasks.query.x[i]]), torch.cat([tasks.support.y[i], tasks.query.y[i]])
        on_all = lambda theta, x=x, y=y: by_hand(network(theta, x), y)  # noqa: E731
        targets.append(descend(start.clone().requires_grad_(), on_all, 0.05, steps=3).detach())
        values.append(by_hand(network(targets[-1], tasks.query.x[i]), tasks.query.y[i]))
    optimizer = torch.optim.SGD(learner.parameters(), lr=0.1)
    losses = outer_loss(learner, tasks)
    torch.testing.assert_close(losses.detach(), torch.stack(values))
    losses.mean().backward()
    optimizer.step()
    torch.testing.assert_close(learner.theta_0.detach(), start + 0.1 * (torch.stack(targets).mean(0) - start))


@pytest.mark.parametrize("name", GRADED)
def test_whole_trainings_are_those_of_plain_torch_optim(name):
    """Five steps of the outer loop with Adam: our loop and one by hand end at the same φ."""
    main, _ = problem("cross_entropy", True)
    learner = make(name, main).double()
    other = copy.deepcopy(learner)

    class Given(TaskSet):
        n_tasks = None

        def sample(self, n_tasks, shots, queries, rng):
            x = torch.randn(n_tasks, shots + queries, 2, generator=rng, dtype=torch.float64)
            y = torch.randint(3, (n_tasks, shots + queries), generator=rng)
            tau = torch.randn(n_tasks, 2, generator=rng, dtype=torch.float64)
            return TaskBatch(tau, *Examples(x, y).split(shots), {})

    history = meta_train(
        learner, Given(), 5, 3, 4, 5, optimizer=torch.optim.Adam(learner.parameters(), lr=0.01), anneal=False, max_norm=None,
        rng=torch.Generator().manual_seed(4), progress=False,
    )  # fmt: skip
    optimizer, random, losses, shares = torch.optim.Adam(other.parameters(), lr=0.01), torch.Generator().manual_seed(4), [], []
    for _ in range(5):
        tasks, value, right = Given().sample(3, 4, 5, random), 0.0, 0
        for i in range(3):
            x, y = tasks.support.x[i], tasks.support.y[i]
            judged = lambda predict, x=x, y=y: nats(predict(x), y)  # noqa: E731
            logits = adapted_by_hand(name, other, tasks.descriptor[i], (x, y), judged)(tasks.query.x[i])
            value = value + nats(logits, tasks.query.y[i]) / 3
            right += sum(int(row.argmax()) == int(label) for row, label in zip(logits, tasks.query.y[i], strict=True))
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        losses.append(value.item())
        shares.append(right / 15)
    assert history.loss == pytest.approx(losses, rel=1e-7)
    assert history.accuracy == pytest.approx(shares)
    for (which, one), two in zip(learner.named_parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(one, two, rtol=1e-6, atol=1e-8, msg=lambda said, which=which: f"{which}: {said}")


@pytest.mark.parametrize(
    ("second", "first"),
    [
        ("MAML", "MAML, first order"),
        ("MAML", "FirstOrderMAML"),
        ("TaskConditionedMAML", "TaskConditionedMAML, first order"),
        ("DescriptorAdaptation", "DescriptorAdaptation, first order"),
    ],
)
def test_the_first_order_has_the_same_value_and_another_gradient(second, first):
    main, tasks = problem("cross_entropy", True)
    (one, gradient), (other, approximation) = (
        (value, torch.autograd.grad(value, list(learner.parameters())))
        for learner in (make(second, main).double(), make(first, main).double())
        for value in [outer_loss(learner, tasks).mean()]
    )
    torch.testing.assert_close(one, other)
    assert all((a - b).abs().max() > 1e-4 * a.abs().max() for a, b in zip(gradient, approximation, strict=True))


# ---------------------------------------------------------------------------------------------------------- learned rates

RATES = [name for name in LEARNERS if "learned rate" in name or "all sorts" in name] + ["MetaSGD"]


@pytest.mark.parametrize("name", RATES)
def test_a_learned_rate_is_a_parameter_of_the_learner_that_moves(name, main, family, random):
    learner = make(name, main)
    rates = {which: p for which, p in learner.named_parameters() if which.startswith("rates.")}
    assert rates
    before = {which: p.detach().clone() for which, p in rates.items()}
    meta_train(learner, family.train, 3, rng=random, progress=False)
    for which, p in rates.items():
        assert (p != before[which]).any(), which
    given = learner.lr.values() if isinstance(learner.lr, Mapping) else [learner.lr]
    learned = [value for value in given if isinstance(value, nn.Parameter)]
    assert {id(value) for value in learned} == {id(p) for p in rates.values()}, "and adaptation uses what was learned"


def test_fixed_rates_move_along_with_a_learner_and_are_not_learned(main):
    learner = MAML(main, lr=mixed_rates(main)).double()
    names = list(main.shapes)
    assert list(learner.lr) == names[:4]
    assert learner.lr[names[2]].dtype == torch.float64
    assert learner.lr[names[3]] == 0.02
    assert [name for name, _ in learner.named_parameters()] == ["theta_0", "rates.alpha_0", "rates.alpha_1"]
    learner.lr = 0.5
    assert learner.lr == 0.5
    assert [name for name, _ in learner.named_parameters()] == ["theta_0"]


def test_the_rate_of_a_head_is_one_parameter_under_two_names(main):
    learner = copy.deepcopy(make("ANIL, learned rate", main))
    assert learner.lr["4.weight"] is learner.lr["4.bias"]
    assert len(list(learner.parameters())) == 2


def test_a_rate_that_is_put_into_the_rates_by_name_is_not_lost(main):
    learner = ANIL(main)
    with pytest.raises(TypeError, match="assignment"):
        learner.lr["4.weight"] = 0.5
    learner.lr = {**learner.lr, "4.weight": 0.5}
    assert learner.lr == {"4.weight": 0.5, "4.bias": 0.01}


def test_meta_sgd_is_its_equation(family, random, main):
    """θ' = θ₀ − α ⊙ ∇L, with a rate for each weight, all alike at the start. Li, Zhou, Chen, Li 2017, equation 2."""
    learner, tasks = MetaSGD(main, lr=0.03, rng=random).double(), family.train.sample(3, rng=random).to(torch.float64)
    plain = MAML(main, lr=0.03).double()
    plain.theta_0.data = learner.theta_0.data
    torch.testing.assert_close(learner(None, tasks.support), plain(None, tasks.support))
    with torch.no_grad():
        learner.rates.alpha_0.normal_(generator=random)
    gradient = torch.stack([
        torch.autograd.grad(main.loss(learner.theta_0, tasks.support.task(i)), learner.theta_0)[0] for i in range(3)
    ])  # fmt: skip
    torch.testing.assert_close(learner(None, tasks.support), learner.theta_0 - learner.rates.alpha_0 * gradient)


# ------------------------------------------------------------------------------------------------------- one by one


def test_lesson_00_equation_1(main, family, random):
    """y = g_θ(x) with θ = f_φ(τ): the learner is the generator, and writes new weights for each task."""
    learner = make("Hypernetwork", main)
    tasks = family.train.sample(3, rng=random)
    theta = learner(tasks.descriptor, tasks.support)
    for tau, weights, x, y in zip(tasks.descriptor, theta, tasks.query.x, main(theta, tasks.query.x), strict=True):
        torch.testing.assert_close(weights, learner.generator(tau))
        layers = main.unflatten(weights)
        h = torch.relu(x @ layers["0.weight"].T + layers["0.bias"])
        h = torch.relu(h @ layers["2.weight"].T + layers["2.bias"])
        torch.testing.assert_close(y, h @ layers["4.weight"].T + layers["4.bias"])


def test_hypermaml_begins_near_its_shared_weights(random):
    """Its updates have a tenth of the standard deviation of fresh weights, and mean 0 whatever mean those have."""
    module = nn.Linear(3, 2)
    nn.init.normal_(module.weight, 5.0, 1.0, generator=random)
    main = MainNetwork.from_module(module)
    learner = HyperMAML(main, dim=16, rng=random)
    update = learner.generator(torch.randn(20_000, 16, generator=random)).detach()
    torch.testing.assert_close(update.square().mean(0).sqrt(), 0.1 * main.initial_std, rtol=0.6, atol=0)
    assert update.square().mean().sqrt().item() == pytest.approx(0.1 * main.initial_std.square().mean().sqrt().item(), rel=0.2)
    assert not learner.generator.head.bias.any()
    assert learner.theta_0[:6].mean().item() == pytest.approx(5.0, abs=1.5)


def test_anil_adapts_its_last_layer_alone(main, family, random):
    learner, tasks = ANIL(main, steps=3), family.train.sample(5, rng=random)
    moved = main.unflatten((learner(None, tasks.support) - learner.theta_0).detach())
    assert {name for name, change in moved.items() if change.any()} == {"4.weight", "4.bias"}


def test_reptile_with_no_step_asks_for_nothing(main, family, random):
    learner, tasks = Reptile(main, steps=0), family.train.sample(3, rng=random)
    outer_loss(learner, tasks).mean().backward()
    assert not learner.theta_0.grad.any()


def test_descriptor_adaptation_stays_on_the_sheet(main, family, random):
    """Whatever τ adapts to, θ is what the generator writes from it; it begins at 0, and adapting lowers the support loss."""
    learner = DescriptorAdaptation(main, MLPGenerator(3, main, rng=random), 3, steps=5, lr=1e-3)
    assert torch.equal(learner.tau_0, torch.zeros(3))
    tasks = family.train.sample(5, rng=random)
    path = learner.path(None, tasks.support)
    assert path.theta.shape == (6, 5, 3)
    torch.testing.assert_close(learner(None, tasks.support), learner.generator(path.final))
    assert (path.loss[-1] < path.loss[0]).all()


def test_conditioned_is_concatenating_tau_to_x(random):
    """W [x; τ] + b = W_x x + (b + A τ): an ordinary network on x and τ side by side gives the same y."""
    main = MainNetwork.mlp([3, 16, 16, 2], activation="relu")
    learner = Conditioned(main, descriptor_dim=4, rng=random).double()
    weights = main.unflatten(learner.theta_0)
    net = nn.Sequential(nn.Linear(3 + 4, 16), nn.ReLU(), nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 2)).double()
    net.load_state_dict({**weights, "0.weight": torch.cat([weights["0.weight"], learner.A], dim=1)})
    tau, x = torch.randn(5, 4, generator=random).double(), torch.randn(5, 7, 3, generator=random).double()
    wide = torch.cat([x, tau.unsqueeze(1).expand(-1, 7, -1)], dim=-1)
    torch.testing.assert_close(main(learner(tau), x), net(wide))


class LastState(nn.Module):
    """A recurrent layer whose last state is y."""

    def __init__(self, d_in: int):
        super().__init__()
        self.lstm = nn.LSTM(d_in, 4, batch_first=True)

    def forward(self, x):
        return self.lstm(x)[0][:, -1]


def test_conditioned_is_concatenating_tau_to_every_time_of_a_recurrent_layer(random):
    main, wide = MainNetwork.from_module(LastState(3), input_dims=2), LastState(3 + 2).double()
    learner, tau = Conditioned(main, 2, rng=random).double(), torch.randn(2, generator=random).double()
    weights, x = main.unflatten(learner.theta_0), torch.randn(6, 5, 3, generator=random).double()
    name = "lstm.weight_ih_l0"
    wide.load_state_dict({**weights, name: torch.cat([weights[name], learner.A], dim=1)})
    torch.testing.assert_close(main(learner(tau), x), wide(torch.cat([x, tau.expand(6, 5, 2)], dim=-1)))


def test_conditioned_starts_as_one_layer_on_both(random):
    main = MainNetwork.mlp([3, 4000, 1])
    learner = Conditioned(main, descriptor_dim=3, rng=random)
    columns = main.unflatten(learner.theta_0)["0.weight"]
    assert learner.A.std().item() == pytest.approx(columns.std().item(), rel=0.05)


def test_shared_weights_are_the_same_for_every_task(main, family, random):
    learner, tasks = SharedWeights(main), family.train.sample(4, rng=random)
    theta = learner(tasks.descriptor, tasks.support)
    assert torch.equal(theta, learner.theta_0.expand(4, -1))
    assert torch.equal(learner(None, tasks.support), theta)
    assert torch.equal(learner(tasks.descriptor), theta)
    assert torch.equal(learner(None), learner.theta_0)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda main: Conditioned(main, 2)(torch.zeros(5, 3)), ["3", "2"]),
        (lambda main: Conditioned(main, 2)(None), ["Conditioned", "None"]),
        (lambda main: Hypernetwork(main, MLPGenerator(2, main))(None), ["Hypernetwork", "None"]),
        (lambda main: MAML(main)(None, None), ["MAML", "1 inner steps", "support set"]),
        (lambda main: MAML(main)(None, Examples(torch.zeros(3, 0, 1), torch.zeros(3, 0, 1))), ["at least one", "shots"]),
        (lambda main: HyperMAML(main)(None, None), ["HyperMAML", "support set"]),
        (lambda main: SupportSetHypernetwork(main)(torch.zeros(3, 2), None), ["SetEncoder", "support set"]),
        (lambda main: TaskConditionedMAML(main, MLPGenerator(2, main))(None, EXAMPLES), ["TaskConditionedMAML", "None"]),
        (lambda main: SupportSetHypernetwork(MainNetwork.from_module(nn.Conv2d(1, 1, 3), 3)), ["3 dimensions", "encoder="]),
        (lambda main: HyperMAML(MainNetwork.from_module(nn.Conv2d(1, 1, 3), 3)), ["3 dimensions", "encoder=SetEncoder"]),
        (lambda main: Conditioned(MainNetwork.from_module(nn.Linear(2, 2, bias=False)), 2), ["no bias", "weight"]),
        (lambda main: Hypernetwork(main, MLPGenerator(2, main), nn.Linear(2, 5)), ["5 numbers", "takes 2"]),
        (lambda main: Hypernetwork(main, MLPGenerator(2, main), SetEncoder(1, 1, 6)), ["6 numbers", "takes 2"]),
        (lambda main: SupportSetHypernetwork(main, generator=MLPGenerator(2, main)), ["64 numbers", "takes 2"]),
        (lambda main: HyperMAML(main, generator=MLPGenerator(2, main)), ["64 numbers", "takes 2"]),
        (lambda main: HyperMAML(main, 8, generator=MLPGenerator(8, MainNetwork.mlp([1, 4, 1]))), ["13", "97"]),
        (lambda main: TaskConditionedMAML(main, MLPGenerator(2, MainNetwork.mlp([1, 4, 1]))), ["13", "97"]),
        (lambda main: DescriptorAdaptation(main, MLPGenerator(2, MainNetwork.mlp([1, 4, 1])), 2), ["13", "97"]),
        (lambda main: DescriptorAdaptation(main, MLPGenerator(2, main), 5), ["5 numbers", "takes 2"]),
        (lambda main: DescriptorAdaptation(main, nn.Linear(2, 97), 2), ["Linear", "generator"]),
        (lambda main: MAML(main, lr=torch.tensor(0.1, requires_grad=True)), ["nn.Parameter"]),
        (lambda main: MAML(main, lr={"0.bias": 2 * parameter()}), ["0.bias", "nn.Parameter"]),
    ],
)
def test_bad_input_gets_a_sentence(main, call, words):
    with pytest.raises(ValueError) as error:  # noqa: PT011, the words are checked below
        call(main)
    assert all(word in str(error.value) for word in words), str(error.value)


def test_an_encoder_of_unknown_length_is_found_out_where_it_is_used(main, family, random):
    """A sequence of layers does not say how long its codes are; `dim` says it for SupportSetHypernetwork."""
    tasks = family.train.sample(3, rng=random)
    right = Hypernetwork(main, MLPGenerator(5, main), nn.Sequential(nn.Linear(2, 5), nn.Tanh()))
    assert right(tasks.descriptor, None).shape == (3, main.weight_dim)
    wrong = Hypernetwork(main, MLPGenerator(4, main), nn.Sequential(nn.Linear(2, 5), nn.Tanh()))
    with pytest.raises(ValueError, match=r"\(3, 5\).*of 4"):
        wrong(tasks.descriptor, None)

    class Mean(nn.Module):
        def forward(self, descriptor, support):
            return support.y.mean(-2)

    for kind in (SupportSetHypernetwork, HyperMAML):
        learner = kind(main, 1 if kind is SupportSetHypernetwork else 2, encoder=Mean())
        assert learner(None, tasks.support).shape == (3, main.weight_dim)
    assert SupportSetHypernetwork(main, encoder=nn.Linear(2, 5)).generator.descriptor_dim == 5
    assert HyperMAML(main, encoder=nn.Linear(2, 5)).generator.descriptor_dim == 5


def test_lesson_07_equation_1(main, family, random):
    """TaskConditionedMAML is U(f_φ(τ), D): MAML from a start of its own for each task."""
    learner = TaskConditionedMAML(main, MLPGenerator(2, main, rng=random), steps=2, lr=0.02)
    tasks = family.train.sample(3, 5, 5, random)
    theta = learner(tasks.descriptor, tasks.support)
    for k in range(3):
        one = MAML(main, steps=2, lr=0.02)
        one.theta_0.data = learner.generator(tasks.descriptor[k]).detach()
        torch.testing.assert_close(theta[k], one(None, tasks.task(k).support)[0])


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
