"""Images: the convolutional main network against torch's modules, prototypes against their definition, characters as tasks."""

import itertools
import math

import pytest
import torch
from torch import nn
from torch.func import functional_call
from torch.nn import functional as F

from hyperedu import (
    Characters,
    ClassEncoder,
    ClassGenerator,
    Examples,
    MainNetwork,
    PrototypicalNetwork,
    SupportSetHypernetwork,
    adapt,
    meta_test,
    meta_train,
    outer_loss,
)
from hyperedu.feedforward import ALL_AT_ONCE, GROUPS
from hyperedu.tasks import characters as characters_module
from hyperedu.tasks.characters import ALWAYS_TEST, SIDE, Skeletons, by_hand, draw_strokes

NORMALIZATIONS = ["group", "batch", None]


def module(image, channels, d_out, normalization, activation=nn.ReLU):
    layers, c = [], image[0]
    for c_out in channels:
        layers.append(nn.Conv2d(c, c_out, 3, stride=2, padding=1))
        if normalization == "group":
            layers.append(nn.GroupNorm(math.gcd(GROUPS, c_out), c_out))
        elif normalization == "batch":
            layers.append(nn.BatchNorm2d(c_out, track_running_stats=False))
        layers.append(activation())
        c = c_out
    body = nn.Sequential(*layers, nn.Flatten())
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(body(torch.zeros(2, *image)).shape[-1], d_out)).double()


TWO = torch.zeros(1, 2, 1, 8, 8)
SMALL, WITHOUT = MainNetwork.conv((1, 8, 8), (4,)), MainNetwork.from_module(nn.Linear(2, 2))


def weights(main, n, random):
    return main.initial_weights(n).double() + 0.1 * torch.randn(n, main.weight_dim, generator=random, dtype=torch.float64)


# --------------------------------------------------------------------------------------------- the convolutional main network


@pytest.mark.parametrize("normalization", NORMALIZATIONS)
@pytest.mark.parametrize(
    ("image", "channels", "d_out", "activation", "layer"),
    [
        ((1, 28, 28), (8, 8, 8), 5, "relu", nn.ReLU),
        ((3, 9, 6), (6, 4), 2, "tanh", nn.Tanh),
        ((1, 5, 5), (3,), 1, "gelu", nn.GELU),
        ((2, 3, 4), (), 3, "relu", nn.ReLU),
    ],
)
def test_it_is_the_module_with_the_same_weights(normalization, image, channels, d_out, activation, layer, random):
    net, main = module(image, channels, d_out, normalization, layer), MainNetwork.conv(
        image, channels, d_out, activation, normalization
    )  # fmt: skip
    assert list(main.shapes.items()) == [(name, tuple(p.shape)) for name, p in net.named_parameters()]
    theta, x = weights(main, 3, random), torch.randn(3, 7, *image, generator=random, dtype=torch.float64)
    y = torch.stack([functional_call(net, main.unflatten(one), (some,)) for one, some in zip(theta, x, strict=True)])
    torch.testing.assert_close(main(theta, x), y)
    torch.testing.assert_close(main(theta[0], x[0]), y[0])
    features = []
    for one, some in zip(theta, x, strict=True):
        body = {name: w for name, w in main.unflatten(one).items() if name not in main.head}
        features.append(functional_call(net[:-1], body, (some,)))
    torch.testing.assert_close(main.features(theta, x), torch.stack(features))
    assert features[0].shape[-1] == main.d_features
    assert (main.d_in, main.d_out) == (math.prod(image), d_out)


@pytest.mark.parametrize("normalization", NORMALIZATIONS)
def test_large_tasks_go_one_by_one_and_nobody_sees_it(normalization, random, monkeypatch):
    main = MainNetwork.conv((1, 12, 12), (8, 8), 3, normalization=normalization)
    theta, x = weights(main, 4, random).requires_grad_(), torch.randn(4, 6, 1, 12, 12, generator=random, dtype=torch.float64)
    found = []
    for at_once in (ALL_AT_ONCE, 0):
        monkeypatch.setattr("hyperedu.feedforward.ALL_AT_ONCE", at_once)
        y = main(theta, x)
        found.append((y, *torch.autograd.grad(y.square().sum(), theta)))
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize("normalization", NORMALIZATIONS)
def test_one_network_on_many_tasks_is_as_many_networks(normalization, random):
    """One θ goes over all examples in one go, but statistics of a batch stay those of each task."""
    main = MainNetwork.conv((1, 9, 9), (4, 4), 3, normalization=normalization)
    theta, x = weights(main, 1, random)[0], torch.randn(2, 3, 5, 1, 9, 9, generator=random, dtype=torch.float64)
    torch.testing.assert_close(main(theta, x), main(theta.expand(2, 3, -1), x))
    torch.testing.assert_close(main.features(theta, x), main.features(theta.expand(2, 3, -1), x))


@pytest.mark.parametrize("normalization", NORMALIZATIONS)
def test_only_statistics_of_the_batch_look_at_other_examples(normalization, random):
    main = MainNetwork.conv((1, 9, 9), (4, 4), 3, normalization=normalization)
    theta, x = weights(main, 2, random), torch.randn(2, 5, 1, 9, 9, generator=random, dtype=torch.float64)
    apart = torch.cat([main(theta, x[:, i : i + 1]) for i in range(5)], dim=1)
    assert torch.allclose(main(theta, x), apart) == (normalization != "batch")
    assert main.examples_apart == (normalization != "batch")


def test_adaptation_of_convolutions_is_that_of_a_loop_by_hand(random):
    """Two inner steps, and the gradient through them, in float64."""
    main, net = MainNetwork.conv((1, 8, 8), (4, 4), 3, "tanh"), module((1, 8, 8), (4, 4), 3, "group", nn.Tanh)
    start = weights(main, 1, random)[0].requires_grad_()
    x, y = torch.randn(2, 6, 1, 8, 8, generator=random, dtype=torch.float64), torch.tensor([[0, 1, 2, 0, 1, 2]] * 2)
    D = Examples(x, y)
    loss = main.loss(adapt(main, start, D, 2, 0.3).final, D).sum()
    by_loop = 0
    for one_x, one_y in zip(x, y, strict=True):
        theta = start
        for _ in range(2):
            value = F.cross_entropy(functional_call(net, main.unflatten(theta), (one_x,)), one_y)
            theta = theta - 0.3 * torch.autograd.grad(value, theta, create_graph=True)[0]
        by_loop = by_loop + F.cross_entropy(functional_call(net, main.unflatten(theta), (one_x,)), one_y)
    torch.testing.assert_close(loss, by_loop)
    torch.testing.assert_close(*(torch.autograd.grad(value, start)[0] for value in (loss, by_loop)))


def test_fresh_weights_keep_the_variance_of_what_goes_through(random):
    """Behind each convolution, without normalisation: that of its input, where borders add no zeros."""
    main = MainNetwork.conv((16, 64, 64), (64,), 2, normalization=None)
    theta = main.unflatten(main.initial_weights(rng=random))
    x = torch.randn(8, 16, 64, 64, generator=random).relu() * math.sqrt(2)  # as it comes out of a ReLU: mean square 1
    y = F.conv2d(x, theta["0.weight"])
    assert y.square().mean().item() == pytest.approx(2, rel=0.15)
    assert main.unflatten(main.start_weights(rng=random))["0.weight"].std().item() == pytest.approx(
        1 / (3 * 144) ** 0.5, rel=0.05
    )
    scale = MainNetwork.conv((1, 8, 8), (4,), 2).unflatten(MainNetwork.conv((1, 8, 8), (4,), 2).initial_weights())["1.weight"]
    assert torch.equal(scale, torch.ones(4)), "normalisation begins as it is"


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: MainNetwork.conv((28, 28)), ["image", "channels, height, width"]),
        (lambda: MainNetwork.conv((1, 0, 28)), ["image", "0"]),
        (lambda: MainNetwork.conv((1, 28, 28), 32), ["channels", "32"]),
        (lambda: MainNetwork.conv((1, 28, 28), d_out=0), ["d_out", "0"]),
        (lambda: MainNetwork.conv((1, 28, 28), normalization="layer"), ["layer", "group", "batch"]),
        (lambda: MainNetwork.conv((1, 28, 28), activation="swish"), ["swish", "relu"]),
        (lambda: SMALL(SMALL.initial_weights(), torch.zeros(3, 1, 9, 8)), ["(1, 9, 8)", "(1, 8, 8)"]),
        (lambda: SMALL(SMALL.initial_weights(), torch.zeros(8, 8)), ["(8, 8)", "at least 4"]),
        (lambda: SMALL(SMALL.initial_weights(), torch.zeros(3, 1, 8, 8).long()), ["int64", "x.float()"]),
        (lambda: WITHOUT.features(WITHOUT.initial_weights(), torch.zeros(3, 2)), ["features", "mlp", "conv"]),
    ],
)  # fmt: skip
def test_bad_input_gets_a_sentence(call, words):
    with pytest.raises(ValueError) as error:  # noqa: PT011, the words are checked below
        call()
    assert all(word in str(error.value) for word in words), error.value


def test_the_features_of_an_mlp_are_what_its_last_layer_is_given(random):
    for sizes in ([3, 5, 4, 2], [3, 2]):
        main = MainNetwork.mlp(sizes, "tanh")
        theta, x = main.initial_weights(3, rng=random), torch.randn(3, 6, 3, generator=random)
        last = main.unflatten(theta)
        W, b = last[main.head[0]], last[main.head[1]]
        features = main.features(theta, x)
        assert features.shape == (3, 6, main.d_features)
        torch.testing.assert_close(features @ W.mT + b.unsqueeze(1), main(theta, x))


# ------------------------------------------------------------------------------------------------------------ prototypes


def episode(random, n_tasks=3, ways=3, shots=2, side=8):
    y = torch.arange(ways).repeat_interleave(shots).expand(n_tasks, -1)
    x = torch.randn(n_tasks, ways * shots, 1, side, side, generator=random, dtype=torch.float64)
    return Examples(x, y)


@pytest.fixture
def main():
    return MainNetwork.conv((1, 8, 8), (4, 4), 3)


def test_prototypes_are_their_definition(main, random):
    """Lesson 09, equation 1, and lesson 09, equation 2: softmax over −‖features(x) − c_k‖², with c_k the mean of class k."""
    learner, D, new = PrototypicalNetwork(main, rng=random).double(), episode(random), episode(random)
    theta = learner(None, D)
    shared = torch.cat([learner.encoder.body, torch.zeros(main.weight_dim - len(learner.encoder.body)).double()])
    for i in range(3):
        features, new_features = main.features(shared, D.x[i]), main.features(shared, new.x[i])
        c = torch.stack([features[D.y[i] == k].mean(0) for k in range(3)])
        distances = torch.stack([(f - c).square().sum(-1) for f in new_features])
        torch.testing.assert_close(main(theta[i], new.x[i]).log_softmax(-1), (-distances).log_softmax(-1))
        head = main.unflatten(theta[i])
        torch.testing.assert_close(head[main.head[0]], 2 * c)
        torch.testing.assert_close(head[main.head[1]], -c.square().sum(-1))


def test_with_one_layer_and_one_example_it_is_the_nearest_neighbour(random):
    learner, ways = PrototypicalNetwork(MainNetwork.mlp([64, 4], loss="cross_entropy")), 4
    assert sum(p.numel() for p in learner.parameters()) == 0
    x, new = torch.rand(2, ways, 64, generator=random), torch.rand(2, 30, 64, generator=random)
    y = torch.stack([torch.randperm(ways, generator=random) for _ in range(2)])
    found = learner.main(learner(None, Examples(x, y)), new).argmax(-1)
    nearest = torch.cdist(new, x).argmin(-1)
    assert torch.equal(found, y.gather(1, nearest))


def test_a_class_without_an_example_is_never_chosen(main, random):
    learner, D = PrototypicalNetwork(main, rng=random).double(), episode(random, ways=2)
    logits = main(learner(None, D), episode(random).x)
    assert torch.isfinite(logits).all()
    assert (logits.argmax(-1) < 2).all()
    loss = main.loss(learner(None, D), D)
    assert torch.isfinite(loss).all()


@pytest.mark.parametrize("unit", [1e-3, 1.0, 1e3, 1e6])
def test_a_class_without_an_example_is_not_chosen_in_any_unit(unit, random):
    """Altitudes in metres, say, of which the last layer is given the numbers themselves."""
    main = MainNetwork.mlp([1, 4], loss="cross_entropy")
    D = Examples(unit * torch.tensor([[1.5], [2.0], [2.5]]), torch.tensor([0, 1, 2]))
    x = unit * torch.tensor([[0.1], [1.6], [-9.0]])
    assert main(PrototypicalNetwork(main, rng=random)(None, D), x).argmax(-1).tolist() == [0, 0, 0]


WRITERS = {"prototypes": PrototypicalNetwork, "hypernetwork": SupportSetHypernetwork}


@pytest.mark.parametrize("kind", WRITERS)
def test_classes_that_change_places_change_their_rows(kind, main, random):
    """f(D with labels permuted) gives the same predictions, permuted: a label says nothing."""
    learner, D, new = WRITERS[kind](main, rng=random).double(), episode(random), episode(random)
    order = torch.tensor([2, 0, 1])
    logits = main(learner(None, D), new.x)
    renamed = main(learner(None, Examples(D.x, order[D.y])), new.x)
    torch.testing.assert_close(renamed[..., order], logits)


@pytest.mark.parametrize("kind", WRITERS)
def test_the_order_of_examples_leaves_no_trace(kind, main, random):
    learner, D = WRITERS[kind](main, rng=random).double(), episode(random)
    order = torch.randperm(len(D), generator=random)
    torch.testing.assert_close(learner(None, D), learner(None, D.some(order)))


@pytest.mark.parametrize("kind", WRITERS)
def test_a_batch_is_a_loop_over_tasks(kind, main, random):
    learner, D = WRITERS[kind](main, rng=random).double(), episode(random)
    torch.testing.assert_close(learner(None, D), torch.stack([learner(None, D.task(i)) for i in range(3)]))


@pytest.mark.parametrize("kind", WRITERS)
def test_every_parameter_receives_a_gradient_and_changes(kind, main):
    torch.manual_seed(0)
    learner, tasks = WRITERS[kind](MainNetwork.conv((1, 28, 28), (4, 4), 3)), Characters(ways=3)
    before = {name: p.detach().clone() for name, p in learner.named_parameters()}
    outer_loss(learner, tasks.train.sample(3, 1, 2)).sum().backward()
    for name, p in learner.named_parameters():
        assert p.grad is not None, name
        assert p.grad.abs().sum() > 0, name
    meta_train(learner, tasks.train, 2, 3, 1, 2, progress=False)
    assert not any(torch.equal(before[name], p) for name, p in learner.named_parameters())


def test_the_gradient_of_prototypes_is_that_of_finite_differences(random):
    learner, D = (
        PrototypicalNetwork(MainNetwork.conv((1, 4, 4), (2,), 3, "tanh"), rng=random).double(),
        episode(random, 1, side=4),
    )
    new, body = episode(random, 1, side=4), learner.encoder.body

    def loss(value):
        with torch.no_grad():
            body.copy_(value)
        return learner.main.loss(learner(None, D), new).sum()

    at = body.detach().clone()
    (gradient,) = torch.autograd.grad(loss(at), body)
    for i in range(len(at)):
        step = torch.zeros_like(at)
        step[i] = 1e-6
        with torch.no_grad():
            difference = (loss(at + step) - loss(at - step)).item() / 2e-6
        assert gradient[i].item() == pytest.approx(difference, abs=1e-6)


def test_the_generator_of_classifiers_is_its_equation(main, random):
    generator = ClassGenerator(3 * 7, main, rng=random).double()
    codes = torch.randn(2, 21, generator=random, dtype=torch.float64)
    theta = generator(codes)
    for code, written in zip(codes.view(2, 3, 7), theta, strict=True):
        mean, named = code.mean(0), main.unflatten(written)
        for k in range(3):
            row = generator.V(generator.h(torch.cat([code[k], mean])))
            torch.testing.assert_close(named[main.head[0]][k], row[:-1])
            torch.testing.assert_close(named[main.head[1]][k], row[-1])
        body = generator.theta_0 + generator.B.weight @ generator.u(mean)
        torch.testing.assert_close(written[: len(body)], body)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda main: ClassGenerator(7, main), ["7", "3 classes"]),
        (lambda main: ClassEncoder(MainNetwork.from_module(nn.Linear(2, 2))), ["features", "mlp", "conv"]),
        (lambda main: PrototypicalNetwork(main)(None, None), ["at least one example"]),
        (lambda main: PrototypicalNetwork(main)(None, Examples(TWO, torch.zeros(1, 2, 3))), ["int64"]),
        (lambda main: PrototypicalNetwork(main)(None, Examples(TWO, torch.tensor([[0, 3]]))), ["0 to 3", "0 to 2"]),
    ],
)  # fmt: skip
def test_writers_of_classifiers_refuse_nonsense(main, call, words):
    with pytest.raises(ValueError) as error:  # noqa: PT011, the words are checked below
        call(main)
    assert all(word in str(error.value) for word in words), error.value


# ------------------------------------------------------------------------------------------------------------ characters


def test_scripts_are_split_and_never_characters():
    for split in (0, 1):
        family = Characters(split=split)
        train, test = set(family.train.names), set(family.test.names)
        assert not train & test
        assert set(ALWAYS_TEST) <= test
        assert len(test) == 30
        assert len(train) >= 100
        assert min(map(len, (*family.train.members, *family.test.members))) >= 4
    assert Characters(split=1).test.names != Characters(split=0).test.names


def test_an_episode_is_what_it_says(random):
    tasks = Characters().train
    batch = tasks.sample(n_tasks=16, ways=5, shots=2, queries=3, rng=random)
    assert batch.support.x.shape == (16, 10, 1, SIDE, SIDE)
    assert batch.query.x.shape == (16, 15, 1, SIDE, SIDE)
    assert batch.support.y.tolist() == [[0, 0, 1, 1, 2, 2, 3, 3, 4, 4]] * 16
    assert batch.query.y.dtype == torch.int64
    assert batch.descriptor.shape == (16, 0)
    assert 0 <= batch.support.x.min() <= batch.support.x.max() <= 1
    assert all(len(set(row)) == 5 for row in batch.properties["character"].tolist())
    for row, scripts in zip(batch.properties["character"].tolist(), batch.properties["alphabet"], strict=True):
        assert scripts == [tasks.alphabets[i] for i in row]
    images = torch.cat([batch.support.x, batch.query.x], dim=1).flatten(2)
    assert (torch.cdist(images, images) + 9 * torch.eye(25) > 0.1).all(), "no drawing is made twice"


def test_an_episode_repeats_with_its_seed_and_one_alphabet_can_be_asked_for(random):
    tasks = Characters().test
    one, same = (tasks.sample(4, 1, 2, torch.Generator().manual_seed(5)) for _ in range(2))
    assert torch.equal(one.query.x, same.query.x)
    batch = tasks.sample(4, 1, 1, random, ways=20, alphabet="Greek")
    assert {name for row in batch.properties["alphabet"] for name in row} == {"Greek"}
    labels = {
        k: tasks.sample(200, 1, 1, random, alphabet="Greek").properties["character"][:, k].unique().numel() for k in (0, 4)
    }
    assert min(labels.values()) > 20, "any character has any label"


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda tasks: tasks.sample(), ["n_tasks"]),
        (lambda tasks: tasks.sample(2, ways=1), ["ways", "1"]),
        (lambda tasks: tasks.sample(2, ways=10_000), ["10000", "ask for fewer"]),
        (lambda tasks: tasks.sample(2, ways=60, alphabet="Greek"), ["60", "Greek"]),
        (lambda tasks: tasks.sample(2, alphabet="Klingon"), ["Klingon", "Greek"]),
        (lambda tasks: tasks.sample(2, queries=0), ["queries", "0"]),
        (lambda tasks: Characters(ways=5.5), ["ways", "5.5"]),
        (lambda tasks: Characters(n_test=1), ["n_test"]),
    ],
)
def test_what_cannot_be_sampled_gets_a_sentence(call, words):
    with pytest.raises(ValueError) as error:  # noqa: PT011, the words are checked below
        call(Characters().test)
    assert all(word in str(error.value) for word in words), error.value


def test_a_changed_file_is_refused(tmp_path, monkeypatch):
    damaged = tmp_path / "characters.npz"
    damaged.write_bytes(b"not it")
    monkeypatch.setattr(characters_module, "data_file", lambda name: damaged)
    with pytest.raises(ValueError, match="SHA-256"):
        Characters()


def line(*points):
    """A stroke through points, at small distances."""
    parts = [
        torch.lerp(torch.tensor(a), torch.tensor(b), t) for a, b in itertools.pairwise(points) for t in torch.linspace(0, 1, 41)
    ]
    return torch.stack(parts).unsqueeze(0)


def test_a_line_is_drawn_where_it_is_and_as_dark_as_told():
    """A horizontal stroke through the middle of row 20, of σ .5: its profile is a Gaussian's."""
    height = (20 + 0.5) / 14 - 1
    points = line((-0.7, height), (0.7, height))
    image = draw_strokes(points, torch.ones(points.shape[:2], dtype=torch.bool), torch.tensor([[0.5]]), torch.tensor([[0.8]]))[
        0, 0
    ]
    column = image[:, 14]
    assert column.argmax() == 20
    assert column[20].item() == pytest.approx(0.8, rel=0.06)
    assert column[21].item() / column[20].item() == pytest.approx(math.exp(-0.5 / 0.5**2), rel=0.01)
    assert column[19].item() == pytest.approx(column[21].item(), rel=1e-3)
    assert image[:, :2].max() < 1e-3


def test_ink_beside_the_paper_is_lost_and_the_missing_draws_nothing():
    points = line((-3.0, 0.0), (-2.0, 0.0))
    there = torch.ones(points.shape[:2], dtype=torch.bool)
    assert draw_strokes(points, there, torch.tensor([[0.5]]), torch.tensor([[1.0]])).sum() == 0
    assert draw_strokes(0 * points, ~there, torch.tensor([[0.5]]), torch.tensor([[1.0]])).sum() == 0


def test_hands_differ_and_stay_near_the_skeleton(random):
    """Drawings of one character are nearer to each other than to those of another, by far more often than chance."""
    tasks = Characters().test
    greek = tasks.members[tasks.names.index("Greek")]
    x = tasks.draw(greek[:12], 6, random)
    assert x.shape == (12, 6, 1, SIDE, SIDE)
    blurred = F.avg_pool2d(x.flatten(0, 1), 4).flatten(1)
    nearest = (torch.cdist(blurred, blurred) + 99 * torch.eye(72)).argmin(1) // 6
    share = (nearest == torch.arange(72) // 6).float().mean()
    assert 0.4 < share < 1.0


def test_every_skeleton_is_drawn_on_the_paper(random):
    skeletons: Skeletons = Characters().train.skeletons
    images = by_hand(skeletons, random)
    ink = images.sum((1, 2, 3))
    assert ink.min() > 3
    assert (images.amax((1, 2, 3)) > 0.3).all(), "the faintest are letters of Tifinagh that are made of dots"
    border = images[:, 0, [0, -1], :].sum() + images[:, 0, :, [0, -1]].sum()
    assert border / ink.sum() < 0.02


# -------------------------------------------------------------------------------------------------------- what is learned


def test_learners_of_characters_beat_the_nearest_neighbour_on_scripts_never_seen():
    family, n = Characters(ways=5), 100
    pixels = meta_test(PrototypicalNetwork(MainNetwork.conv((1, SIDE, SIDE), ())), family.test, 1, 5, n).accuracy
    torch.manual_seed(0)
    learner = PrototypicalNetwork(MainNetwork.conv((1, SIDE, SIDE), (16, 16, 16), 5))
    meta_train(learner, family.train, 150, 8, 1, 5, rng=torch.Generator().manual_seed(0), progress=False)
    report = meta_test(learner, family.test, 1, 5, n)
    assert report.accuracy_interval[0] > pixels + 0.15
