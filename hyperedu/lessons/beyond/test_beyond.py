"""Tasks in sequence, clients, drawings and adapters: the mathematics of the lesson, and what its tables say."""

import json

import pytest
import torch
from torch import nn

from hyperedu.batches import Examples
from hyperedu.files import data_file
from hyperedu.generators import MLPGenerator
from hyperedu.learners import Hypernetwork, SharedWeights
from hyperedu.lessons.beyond import adapters, clients, drawings, sequences
from hyperedu.main_network import MainNetwork
from hyperedu.penalties import OutputRegularizer
from hyperedu.tasks import ColoradoClimate, Digits
from hyperedu.training import meta_train, outer_loss


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def climate():
    return ColoradoClimate(examples="years")


@pytest.fixture(scope="module")
def stations(climate):
    return clients.Clients(climate)


# ------------------------------------------------------------------------------------------------------------- in sequence


def final_errors(kind, strength, seed):
    tasks, main, rng = sequences.polynomials(seed), MainNetwork.mlp([1, 10, 10, 1], "tanh"), seeded(seed)
    learner = sequences.beginner(kind, main, 3, (32, 32), rng)
    theta = sequences.in_sequence(learner, tasks, 800, strength, rng=rng)[-1]
    grid = Examples(*(torch.stack([getattr(task.grid, v) for task in tasks]) for v in "xy"))
    return main.loss(theta, grid)


@pytest.mark.parametrize("seed", range(2))
def test_the_output_penalty_prevents_forgetting(seed):
    plain, free, held = (final_errors(*way, seed) for way in sequences.WAYS.values())
    assert held.max() < 0.02
    for forgot in (free, plain):
        assert forgot[:2].max() > 0.1, "without it the first two are lost"
        assert forgot[2] < 0.1, "the last one is learned by all"


def test_the_path_begins_before_the_first_step_and_ends_with_the_last():
    tasks, main = sequences.polynomials(), MainNetwork.mlp([1, 4, 1], "tanh")
    learner = sequences.beginner("hypernetwork", main, 3, (4,), seeded())
    before = sequences.weights(learner, 3)
    path = sequences.in_sequence(learner, tasks, 100, rng=seeded())
    assert path.shape == (1 + 3 * 100 // sequences.EVERY, 3, main.weight_dim)
    torch.testing.assert_close(path[0], before)
    torch.testing.assert_close(path[-1], sequences.weights(learner, 3))


def test_a_polynomial_is_judged_without_noise_on_its_own_interval():
    for task, (_name, f, low, high) in zip(sequences.polynomials(3), sequences.POLYNOMIALS, strict=True):
        assert (task.grid.x.min(), task.grid.x.max()) == (low, high)
        torch.testing.assert_close(task.grid.y, f(task.grid.x))
        noise = task.points.y - f(task.points.x)
        assert 0.035 < noise.std() < 0.065
        batch = task.sample(1, 3, 20, seeded())
        assert (len(batch.support), len(batch.query)) == (3, 20)


def test_turned_digits_are_those_of_their_angle():
    digits = Digits()
    for task in sequences.turned_digits("test", digits):
        one = task.sample(1, 1, 5, seeded())
        other = digits.test.sample(1, 1, 5, seeded(), angle=task.angle)
        assert torch.equal(one.query.x, other.query.x)
        assert one.descriptor.argmax() == sequences.ANGLES.index(task.angle)


# ----------------------------------------------------------------------------------------------------------------- clients


def test_lesson_10_equation_1_is_gradient_descent_where_clients_take_one_step(climate, stations, monkeypatch):
    """Lesson 10, equation 1. In float64, against the gradient of the loss on all readings; and against finite differences."""
    monkeypatch.setattr(clients, "LOCAL_STEPS", 1)
    some = stations.sample(7, rng=seeded())
    some = type(some)(some.descriptor.double(), some.support.to(torch.float64), some.query, some.properties)
    main = MainNetwork.mlp([2, 5, 1], "tanh", climate.y_mean, climate.y_std)
    learner = Hypernetwork(main, MLPGenerator(3, main, hidden=(4,), rng=seeded())).double()
    before = [p.detach().clone() for p in learner.parameters()]
    clients.federated_round(learner, some, torch.optim.SGD(learner.parameters(), lr=1.0))
    moved = [p.detach() - old for p, old in zip(learner.parameters(), before, strict=True)]
    with torch.no_grad():
        for p, old in zip(learner.parameters(), before, strict=True):
            p.copy_(old)
    count = some.properties["count"]

    def loss():
        return (count / count.sum() * main.loss(learner.written(some.descriptor), some.support)).sum()

    gradients = torch.autograd.grad(loss(), list(learner.parameters()))
    for step, gradient in zip(moved, gradients, strict=True):
        torch.testing.assert_close(step, -clients.ALPHA * gradient, rtol=1e-6, atol=1e-9)
    p = learner.generator.head.bias
    with torch.no_grad():
        p[3] += 1e-5
        above = loss()
        p[3] -= 2e-5
        below = loss()
    slope = (above - below) / 2e-5
    torch.testing.assert_close(moved[-1][3], -clients.ALPHA * slope, rtol=1e-4, atol=1e-9)


def test_a_round_changes_every_parameter(climate, stations):
    for learner, _decay in clients.learners(climate, seeded()).values():
        before = [p.detach().clone() for p in learner.parameters()]
        optimizer = torch.optim.Adam(learner.parameters(), lr=1e-3)
        clients.federated_round(learner, stations.sample(20, rng=seeded()), optimizer)
        assert all(p.grad.any() and not torch.equal(p, old) for p, old in zip(learner.parameters(), before, strict=True))


def test_a_client_has_as_many_different_readings_as_it_says(stations):
    different = 0
    for x, y, count in zip(stations.own.x, stations.own.y, stations.count.tolist(), strict=True):
        pairs = torch.cat([x, y], dim=-1)
        different += len(pairs[:count].unique(dim=0))
        assert torch.equal(pairs, pairs[:count].repeat(clients.SLOTS // count, 1)), "each is repeated as often"
    assert 0.99 < different / stations.count.sum() <= 1, "two years may have had the same reading"


def test_readings_and_years_are_of_the_same_station(climate, stations):
    """Single readings lie about the mean year of their own station, and less so about that of others."""
    month = torch.atan2(stations.own.x[..., 0], stations.own.x[..., 1]) * 6 / torch.pi
    month = month.round().long() % 12
    own = stations.year.y[..., 0].gather(1, month) - stations.own.y[..., 0]
    other = stations.year.y.roll(1, 0)[..., 0].gather(1, month) - stations.own.y[..., 0]
    assert own.square().mean().sqrt() < 0.7 * other.square().mean().sqrt()
    torch.testing.assert_close(stations.year.y[..., 0], climate.mean_year[climate.train.index])
    names = set(climate.test.sample(None, 0, 1).properties["name"])
    assert len(clients.newcomers(climate).query.y) == len(names)


def test_what_is_written_beats_one_network_for_all_after_few_rounds(climate, stations):
    found = {}
    for name, (learner, decay) in clients.learners(climate, seeded()).items():
        clients.federated(learner, stations, decay, seeded(), rounds=150)
        found[name] = clients.errors(learner.main, learner.written(stations.tau), stations.sample())
    assert found["written for each"]["1 or 2 readings"] < found["one network for all"]["1 or 2 readings"] - 0.5


def test_one_reading_can_be_computed_from_what_is_sent(climate, stations):
    """Lesson 10, equation 2: the first layer moved by an outer product with x, from which x is read off."""
    learner, _decay = clients.learners(climate, seeded())["written for each"]
    k = (stations.count == 1).nonzero()[3]
    own, theta = stations.own.task(k), learner.written(stations.tau[k]).detach()
    sent = learner.main.unflatten(clients.own_steps(learner.main, theta, own, 1) - theta)
    x = sent["0.weight"].sum(1) / sent["0.bias"].sum(1, keepdim=True)
    outer = sent["0.bias"].unsqueeze(-1) * own.x[:, :1]  # (1, hidden, 2); its one reading is repeated
    torch.testing.assert_close(sent["0.weight"], outer, atol=1e-6, rtol=1e-3)
    y = learner.main(theta, x.unsqueeze(1)) + sent["4.bias"] / (2 * clients.ALPHA * climate.y_std)
    torch.testing.assert_close(x, own.x[:, 0], atol=0.01, rtol=0.01)
    torch.testing.assert_close(y.flatten(), own.y[:, 0, 0], atol=0.05, rtol=0.01)


@pytest.mark.parametrize(("readings", "steps"), [(1, 3), (2, 1), (2, 3)])
def test_what_is_read_off_lies_on_the_line_through_the_readings(climate, stations, readings, steps):
    """An answer of lesson 10: rows of ΔW₁ = Σ δ xᵀ over Δb₁ = Σ δ are combinations of the x, after any number of steps."""
    learner, _decay = clients.learners(climate, seeded())["written for each"]
    k = (stations.count == readings).nonzero()[0]
    own, theta = stations.own.task(k), learner.written(stations.tau[k]).detach()
    sent = learner.main.unflatten(clients.own_steps(learner.main, theta, own, steps) - theta)
    first, last = own.x[0, 0], own.x[0, readings - 1]
    away = sent["0.weight"][0] - sent["0.bias"][0, :, None] * first  # (hidden, 2)
    along = last - first  # nothing, where there is one reading
    across = away[:, 0] * along[1] - away[:, 1] * along[0] if readings == 2 else away.norm(dim=-1)
    assert across.abs().max() < 1e-3 * sent["0.weight"].abs().max()
    assert readings == 1 or away.abs().max() > 1e-2 * sent["0.weight"].abs().max()


# ---------------------------------------------------------------------------------------------------------------- drawings


@pytest.fixture(scope="module")
def tasks():
    return drawings.Drawings()


def test_lesson_10_equation_4_is_what_is_minimised(tasks):
    """Lesson 10, equation 4: mean over drawings and places of the squared difference of ink; the noise is in the code alone."""
    learner = drawings.painter(tasks, seeded())
    batch = tasks.sample(5, 0, 40, seeded())
    learner.train()
    torch.manual_seed(0)
    found = outer_loss(learner, batch)
    torch.manual_seed(0)
    place = learner.encoder.table[batch.descriptor.argmax(1)] + 0.3 * torch.randn(5, 2)
    by_hand = []
    for i in range(5):
        theta = learner.generator(place[i])
        by_hand += [
            (learner.main(theta, x[None])[0] - y).square() for x, y in zip(batch.query.x[i], batch.query.y[i], strict=True)
        ]
    torch.testing.assert_close(found.mean(), torch.stack(by_hand).mean())
    learner.eval()
    torch.testing.assert_close(learner.written(batch.descriptor), learner.written(batch.descriptor))


def test_pixels_are_the_image_at_their_place(tasks):
    pixels, side = tasks.pixels(), 28
    row, column = 5, 20
    k = row * side + column
    assert torch.equal(pixels.y[3, k, 0], tasks.images[3, row, column])
    at = torch.linspace(-drawings.REACH, drawings.REACH, side)
    torch.testing.assert_close(pixels.x[3, k], torch.stack([at[column], at[row]]))


def test_the_three_ways_begin_and_end_at_the_drawings(tasks):
    learner = drawings.painter(tasks, seeded()).eval()
    apart = torch.randn(tasks.n_tasks, learner.main.weight_dim)
    one, other = torch.tensor(2), torch.tensor(7)
    for way in drawings.WAYS:
        for share, k in ((0.0, 2), (1.0, 7)):
            expected = apart[k] if way == "θ trained apart" else learner.generator(learner.encoder.table[k])
            torch.testing.assert_close(drawings.between(way, learner, apart, one, other, share), expected)


def test_likeness_is_the_correlation_with_the_most_similar(tasks):
    ink = torch.stack([2 * tasks.images[4].flatten() + 1, torch.rand(784, generator=seeded())])
    found = drawings.likeness(ink, tasks.images)
    by_hand = max(torch.corrcoef(torch.stack([ink[1], image.flatten()]))[0, 1] for image in tasks.images)
    torch.testing.assert_close(found, torch.stack([torch.tensor(1.0), by_hand]))


def test_the_scale_of_likeness_is_each_drawing_against_itself_and_against_the_others(tasks):
    learner = drawings.painter(tasks, seeded()).eval()
    flat, x = tasks.images.flatten(1), drawings.coordinates()
    between = torch.corrcoef(flat).fill_diagonal_(-1).max(1).values.mean()
    painted = [learner.main(learner.generator(place), x)[:, 0].detach() for place in learner.encoder.table]
    own = torch.stack([drawings.likeness(ink[None], tasks.images)[0] for ink in painted]).mean()
    apart = torch.randn(tasks.n_tasks, learner.main.weight_dim, generator=seeded())
    alone = torch.stack([drawings.likeness(learner.main(theta, x)[None, :, 0], tasks.images)[0] for theta in apart]).mean()
    assert drawings.scale(learner, apart, tasks) == pytest.approx((own.item(), alone.item(), between.item()), abs=1e-4)
    pairs = drawings.half_way(learner, apart, tasks)
    assert {way: len(found) for way, found in pairs.items()} == dict.fromkeys(drawings.WAYS, 2)


# ---------------------------------------------------------------------------------------------------------------- adapters


def make_generator(rank=2):
    main = MainNetwork.mlp([6, 5, 3], "relu", loss="cross_entropy")
    theta_0 = main.initial_weights(rng=seeded())
    torch.manual_seed(0)
    return main, theta_0, adapters.AdapterGenerator(4, main, theta_0, rank)


def test_lesson_10_equation_3_is_the_first_matrix_that_is_written():
    """Lesson 10, equation 3, for every task by itself, and for a layer that applies A first."""
    main, theta_0, generator = make_generator()
    nn.init.normal_(generator.write_B.weight)
    tau = torch.randn(3, 4)
    theta, base = generator(tau), main.unflatten(theta_0)
    h = generator.trunk(tau)
    for i in range(3):
        B, A = generator.write_B(h[i]).view(5, 2), generator.write_A(h[i]).view(2, 6)
        named = main.unflatten(theta[i])
        torch.testing.assert_close(named["0.weight"], base["0.weight"] + B @ A)
        x = torch.randn(6)
        torch.testing.assert_close(named["0.weight"] @ x, base["0.weight"] @ x + B @ (A @ x), atol=1e-5, rtol=1e-4)
        assert torch.linalg.matrix_rank(named["0.weight"] - base["0.weight"], atol=1e-4) == 2
        for name in base.keys() - {"0.weight"}:
            assert torch.equal(named[name], base[name]), "the rest is frozen"


def test_an_adapter_begins_as_no_change_and_theta_0_is_not_learned():
    main, theta_0, generator = make_generator()
    assert torch.equal(generator(torch.randn(3, 4)), theta_0.expand(3, -1))
    assert all(p.shape != theta_0.shape for p in generator.parameters())
    digits = Digits()
    told = adapters.ToldDigits(digits.train, adapters.sentences()[0], lambda s: torch.randn(len(s), 4, generator=seeded()))
    main = MainNetwork.mlp([64, 5, 10], "relu", loss="cross_entropy")
    learner = Hypernetwork(main, adapters.AdapterGenerator(4, main, main.initial_weights(rng=seeded()), 2))
    before = {name: p.detach().clone() for name, p in learner.named_parameters()}
    theta_0 = learner.generator.theta_0.clone()
    meta_train(learner, told, 3, 4, 0, 2, progress=False, rng=seeded())
    assert torch.equal(learner.generator.theta_0, theta_0)
    for name, p in learner.named_parameters():
        assert not torch.equal(p, before[name]), f"{name} was not learned"


@pytest.mark.parametrize(
    ("names", "by_hand"),
    [
        (["left"], lambda x: x.transpose(-1, -2).flip(-2)),
        (["upside down"], lambda x: x.flip(-1).flip(-2)),
        (["mirrored"], lambda x: x.flip(-1)),
        (["negative"], lambda x: 1 - x),
        (["shifted"], lambda x: torch.cat([x[..., 2:, :], torch.zeros_like(x[..., :2, :])], -2)),
        (["mirrored", "left"], lambda x: x.flip(-1).transpose(-1, -2).flip(-2)),
        ([], lambda x: x),
    ],
)
def test_what_is_done_to_digits(names, by_hand):
    x = torch.rand(3, 8, 8)
    torch.testing.assert_close(adapters.changed(x.flatten(1), names), by_hand(x).flatten(1))


def test_a_quarter_to_the_left_is_that_of_digits():
    digits = Digits()
    turned = digits.train.sample(1, 1, 2, seeded(), angle=90).query.x
    upright = digits.train.sample(1, 1, 2, seeded(), angle=0).query.x
    torch.testing.assert_close(adapters.changed(upright, ["left"]), turned, atol=1e-5, rtol=0)


def test_new_sentences_have_ways_and_templates_that_training_has_not():
    for split in range(3):
        train, new = adapters.sentences(split)
        assert not set(train) & set(new)
        for name, (_change, ways) in adapters.CHANGES.items():
            said = {way for way in ways if any(way in sentence for sentence, done in new.items() if done == (name,))}
            assert len(said) == 2
            assert not any(way in sentence for way in said for sentence, done in train.items() if done == (name,))
    assert all(len(done) == 2 for done in adapters.pairs().values())


def test_a_sentence_and_its_digits_belong_together():
    told = {"a": ("negative",), "b": (), "c": ("shifted", "mirrored")}
    tau = torch.eye(3)
    tasks = adapters.ToldDigits(Digits().test, told, lambda sentences: tau)
    batch = tasks.sample(None, 1, 2, seeded())
    assert batch.properties["sentence"] == ["a", "b", "c"]
    upright = Digits().test.sample(3, 1, 2, seeded(), angle=0)
    for i, done in enumerate(told.values()):
        torch.testing.assert_close(batch.query.x[i], adapters.changed(upright.query.x[i], done))
    few = tasks.sample(2, 0, 2, seeded(1))
    assert [told[s] for s in few.properties["sentence"]] == list(few.properties["done"])
    assert torch.equal(few.descriptor, torch.stack([tau[list(told).index(s)] for s in few.properties["sentence"]]))


# ------------------------------------------------------------------------------------------------------------ what was kept


def test_what_the_tables_say():
    """von Oswald's toy reaches the published errors in each of five seeds, and forgets without the penalty."""
    tables = json.loads(data_file("beyond.json").read_text(encoding="utf-8"))
    assert len(tables["polynomials"]) == 5
    for run in tables["polynomials"]:
        assert all(
            e <= published for e, published in zip(run["with the output penalty"], (0.00419, 0.00239, 0.00607), strict=True)
        )
        assert min(max(run[way][:2]) for way in ("plain network", "hypernetwork")) > 0.1
    for run in tables["digits"]:
        assert min(run["with the output penalty"]) > max(run[way][0] for way in ("plain network", "hypernetwork"))
    for run in tables["clients"]:
        for group in ("1 or 2 readings", "3 or 4", "none: new"):
            assert run["written for each"][group] < min(
                errors[group] for way, errors in run.items() if not way.startswith("written") and group in errors
            )


def test_the_penalty_is_that_of_the_codes_before():
    """Only what is written for old tasks is held: the penalty is zero when it is made, and not for the new one."""
    main = MainNetwork.mlp([1, 4, 1], "tanh")
    learner = sequences.beginner("hypernetwork", main, 3, (4,), seeded())
    penalty = OutputRegularizer(learner, torch.eye(3)[:1])
    assert penalty(learner, None, None).item() == 0
    with torch.no_grad():
        learner.encoder.table[1:] += 1
    assert penalty(learner, None, None).item() == 0
    with torch.no_grad():
        learner.encoder.table[0] += 1
    assert penalty(learner, None, None).item() > 0
    assert isinstance(sequences.beginner("plain", main, 3, (4,), seeded()), SharedWeights)
