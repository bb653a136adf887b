import math

import numpy as np
import pytest
import torch

from hyperedu import Characters, ColoradoClimate, Described, Digits, Examples, NoisyDescriptors, Sinusoids
from hyperedu.files import data_file
from hyperedu.tasks import climate


def test_sinusoids_follow_the_published_protocol(family, random):
    """Finn, Abbeel, Levine 2017, section 5.1."""
    tasks = family.train.sample(5000, shots=10, queries=5, rng=random)
    amplitude, phase = tasks.properties["amplitude"], tasks.properties["phase"]
    for value, low, high in ((amplitude, 0.1, 5.0), (phase, 0.0, math.pi), (tasks.support.x, -5.0, 5.0)):
        assert low <= value.min() < low + 0.01 * (high - low)
        assert high - 0.01 * (high - low) < value.max() <= high
        assert value.mean().item() == pytest.approx((low + high) / 2, abs=0.02 * (high - low))
        assert value.std().item() == pytest.approx((high - low) / math.sqrt(12), rel=0.02)
    for examples in (tasks.support, tasks.query):
        torch.testing.assert_close(examples.y, amplitude[:, None, None] * torch.sin(examples.x - phase[:, None, None]))
    assert tasks.descriptor.shape == (5000, 2)
    assert tasks.support.x.shape == (5000, 10, 1)
    assert tasks.query.y.shape == (5000, 5, 1)


def test_no_sinusoid_is_both_trained_on_and_tested_on(family, random):
    def strips(tasks):
        amplitude = tasks.sample(20_000, 0, 1, random).properties["amplitude"].double()
        return set(((amplitude - 0.1) / 4.9 * 2000).floor().int().tolist())

    train, test = strips(family.train), strips(family.test)
    assert not train & test
    assert len(train) == len(test) == 1000  # each covers the whole range


def test_the_descriptor_of_a_sinusoid_is_standardised(family, random):
    tasks = family.train.sample(20_000, 0, 1, random)
    torch.testing.assert_close(tasks.descriptor.mean(0), torch.zeros(2), atol=0.03, rtol=0)
    torch.testing.assert_close(tasks.descriptor.std(0), torch.ones(2), atol=0.03, rtol=0)
    torch.testing.assert_close(tasks.descriptor, family.describe(**tasks.properties))


@pytest.mark.parametrize("make", [Sinusoids, ColoradoClimate])
def test_sampling_is_reproducible(make):
    def sample(seed):
        return make().train.sample(5, 3, 4, torch.Generator().manual_seed(seed)).query.y

    assert torch.equal(sample(1), sample(1))
    assert not torch.equal(sample(1), sample(2))


@pytest.mark.parametrize("variable", ["tmax", "tmin", "precipitation"])
def test_a_mean_year_is_that_of_the_readings(variable):
    family = ColoradoClimate(variable)
    with np.load(data_file(climate.FILE)) as file:
        raw, names = file[variable], file["name"].tolist()
    for station in (0, 100, -1):
        readings = raw[names.index(family.stations["name"][station])]
        for month in (0, 6):
            known = [value / 10 for value in readings[:, month].tolist() if value != climate.MISSING]
            assert len(known) >= 15
            assert family.mean_year[station, month].item() == pytest.approx(sum(known) / len(known), rel=1e-4)


def test_stations_are_held_out_disjointly_and_always_the_same():
    one, again, other = ColoradoClimate(split=3), ColoradoClimate(split=3), ColoradoClimate(split=4)
    train, test = set(one.train.index.tolist()), set(one.test.index.tolist())
    assert len(test) == 60
    assert not train & test
    assert train | test == set(range(len(one.mean_year)))
    assert torch.equal(one.test.index, again.test.index)
    assert not torch.equal(one.test.index, other.test.index)


def test_the_descriptor_does_not_look_at_unseen_stations():
    family = ColoradoClimate()
    values = torch.stack([family.stations[k] for k in ("elevation", "latitude", "longitude")], -1)[family.train.index]
    torch.testing.assert_close(family.descriptors.mean, values.mean(0))
    torch.testing.assert_close(family.descriptors.std, values.std(0, correction=0), rtol=1e-4, atol=1e-4)
    tasks = family.test.sample(None, 0, 12)
    torch.testing.assert_close(tasks.descriptor, family.descriptors(torch.stack([
        tasks.properties[k] for k in ("elevation", "latitude", "longitude")
    ], -1)))  # fmt: skip


def months(x):
    """The month (0 to 11) of each x = (sin, cos)."""
    return (torch.atan2(x[..., 0], x[..., 1]) * 6 / math.pi).round().long() % 12


def test_support_and_query_are_different_months_of_the_mean_year(random):
    family = ColoradoClimate(examples="months")
    tasks = family.train.sample(40, shots=5, queries=7, rng=random)
    support, query = months(tasks.support.x), months(tasks.query.x)
    for i, name in enumerate(tasks.properties["name"]):
        assert sorted([*support[i].tolist(), *query[i].tolist()]) == list(range(12))
        year, D, D_query = family.mean_year[family.station(name)], tasks.support.task(i), tasks.query.task(i)
        torch.testing.assert_close(D.y[:, 0], year[support[i]])
        torch.testing.assert_close(D_query.y[:, 0], year[query[i]])


def test_support_and_query_are_readings_of_different_years(random):
    family = ColoradoClimate(examples="years")
    readings = family.readings[family.train.index]
    support, query = family.train._two_halves(readings, 12, 12, random)
    years = [set(s.tolist()) for s in support // 12], [set(q.tolist()) for q in query // 12]
    assert not any(s & q for s, q in zip(*years, strict=True))
    tasks = family.train.sample(40, shots=8, queries=12, rng=random)
    for i, name in enumerate(tasks.properties["name"]):
        station, D_query = family.readings[family.station(name)], tasks.query.task(i)
        for month, y in zip(months(D_query.x).tolist(), D_query.y[:, 0].tolist(), strict=True):
            assert y in station[:, month].tolist()


def test_every_station_of_a_finite_set_comes_once(random):
    family = ColoradoClimate()
    assert family.test.sample(None, 0, 12).properties["name"] == [family.stations["name"][i] for i in family.test.index]
    names = family.test.sample(60, 0, 12, random).properties["name"]
    assert len(set(names)) == 60


def test_a_batch_moves_to_another_dtype(family):
    tasks = family.train.sample(3).to(torch.float64)
    assert tasks.descriptor.dtype == tasks.support.x.dtype == tasks.query.y.dtype == torch.float64


def test_an_unknown_station_gets_the_nearest_name():
    family = ColoradoClimate()
    name = family.stations["name"][7]
    assert family.station(name) == 7
    with pytest.raises(ValueError, match="did you mean") as error:
        family.station(name.lower() + "x")
    assert name in str(error.value)


def test_a_missing_data_file_says_how_to_get_it_back(tmp_path):
    with pytest.raises(FileNotFoundError, match="leave out path"):
        ColoradoClimate(path=tmp_path / "nothing.npz")
    with pytest.raises(FileNotFoundError, match="git checkout data/nothing"):
        data_file("nothing.npz")


def test_an_altered_data_file_is_refused(tmp_path):
    file = data_file(climate.FILE)
    for name, change in {"truncated": lambda b: b[:-1], "altered": lambda b: b[:500] + b"!" + b[501:]}.items():
        (tmp_path / name).write_bytes(change(file.read_bytes()))
        with pytest.raises(ValueError, match="SHA-256 differs"):
            ColoradoClimate(path=tmp_path / name)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: Sinusoids().train.sample(0), ["empty", "at least 1"]),
        (lambda: Sinusoids().train.sample(None), ["endlessly many", "n_tasks"]),
        (lambda: Sinusoids().train.sample(5, shots=-1), ["at least 0"]),
        (lambda: Sinusoids().train.sample(5, queries=0), ["at least 1"]),
        (lambda: Sinusoids(amplitude=(5.0, 0.1)), ["amplitude", "below"]),
        (lambda: Sinusoids(amplitude=(1000, 1000.01)), ["too close", "float32"]),
        (lambda: ColoradoClimate(n_train=2.5), ["n_train", "whole number"]),
        (lambda: Characters(n_test=30.5), ["n_test", "whole number"]),
        (lambda: Characters(split=1.5), ["split", "whole number"]),
        (lambda: ColoradoClimate(split="a"), ["split", "whole number"]),
        (lambda: ColoradoClimate().train.sample(5, 1, 1, rng=5), ["rng is a int", "manual_seed(5)"]),
        (lambda: Sinusoids().train.sample(5, 1, 1, rng=5), ["rng is a int", "manual_seed(5)"]),
        (lambda: Described(Sinusoids().train, lambda tasks: [[0.0]]).sample(1), ["describe gave is a list", "tensor"]),
        (lambda: NoisyDescriptors(Sinusoids().train, math.inf).sample(1), ["descriptor contains NaN"]),
        (lambda: ColoradoClimate("wind"), ["wind", "tmax"]),
        (lambda: ColoradoClimate(examples="days"), ["days", "months"]),
        (lambda: ColoradoClimate(n_test=1000), ["1000"]),
        (lambda: ColoradoClimate().test.sample(61, 0, 1), ["61", "60"]),
        (lambda: ColoradoClimate().train.sample(5, shots=10, queries=10), ["20 months", "12"]),
        (lambda: ColoradoClimate(examples="years").train.sample(5, shots=5000), ["5000", "fewest"]),
        (lambda: Examples(torch.zeros(3, 5, 1), torch.zeros(3, 4, 1)), ["(3, 5, 1)", "(3, 4, 1)"]),
        (lambda: Examples(torch.zeros(3, 1), torch.full((3, 1), torch.nan)), ["y contains NaN"]),
    ],
)
def test_bad_input_gets_a_sentence(call, words):
    with pytest.raises(ValueError) as error:  # noqa: PT011, the words are checked below
        call()
    assert all(word in str(error.value) for word in words), str(error.value)


@pytest.mark.parametrize("make", [Sinusoids, ColoradoClimate])
def test_noisy_descriptors_are_those_of_the_same_tasks_with_an_error_of_their_own(make):
    tasks = make().train
    right = tasks.sample(100, 3, 4, torch.Generator().manual_seed(0))
    wrong = NoisyDescriptors(tasks, 0.5).sample(100, 3, 4, torch.Generator().manual_seed(0))
    for part in ("support", "query"):
        assert torch.equal(getattr(right, part).y, getattr(wrong, part).y)
    error = wrong.descriptor - right.descriptor
    torch.testing.assert_close(error.std(0), torch.full_like(error[0], 0.5), rtol=0.25, atol=0)
    assert error.mean(0).abs().max() < 0.2
    correlation = torch.corrcoef(error.T) - torch.eye(error.shape[1])
    assert correlation.abs().max() < 0.35
    # with twice the error, the same tasks are misdescribed in the same direction
    twice = NoisyDescriptors(tasks, 1.0).sample(100, 3, 4, torch.Generator().manual_seed(0))
    torch.testing.assert_close(twice.descriptor - right.descriptor, 2 * error, atol=1e-5, rtol=1e-5)
    none = NoisyDescriptors(tasks, 0).sample(100, 3, 4, torch.Generator().manual_seed(0))
    assert torch.equal(none.descriptor, right.descriptor)
    assert NoisyDescriptors(tasks, 0).n_tasks == tasks.n_tasks


def test_a_range_of_noise_gives_every_task_its_own(family, random):
    noisy = NoisyDescriptors(family.train, (0.0, 2.0)).sample(4000, 0, 1, random)
    error = noisy.descriptor - family.describe(**noisy.properties)
    # E(sε)² = E s² = 4/3 for s uniform on [0, 2], and the errors of one task are large together
    assert error.square().mean().item() == pytest.approx(4 / 3, rel=0.1)
    assert torch.corrcoef(error.abs().T)[0, 1] > 0.2
    for s in (-0.5, (1.0, 0.5)):
        with pytest.raises(ValueError, match="at least 0"):
            NoisyDescriptors(family.train, s)


@pytest.mark.parametrize("make", [Sinusoids, ColoradoClimate])
def test_the_curve_of_a_task_goes_through_its_examples(make, random):
    family = make()
    tasks = family.test.sample(5, 4, 8, random)
    axis, x, y = family.curve(tasks)
    assert x.shape[0] == y.shape[1] == len(axis)
    assert y.shape[0] == 5
    for k in range(5):
        D_query = tasks.query.task(k)
        distance, nearest = torch.cdist(D_query.x, x, compute_mode="donot_use_mm_for_euclid_dist").min(1)
        slope = (y[k].diff(dim=0).abs().max() / x.diff(dim=0).norm(dim=-1).min()).item()
        assert ((y[k, nearest] - D_query.y).abs()[:, 0] <= slope * distance + 1e-4).all()


@pytest.mark.parametrize("kind", [Characters, ColoradoClimate, Digits, Sinusoids])
def test_a_family_that_was_made_in_another_default_dtype_follows_the_one_of_now(kind):
    torch.set_default_dtype(torch.float64)
    try:
        family = kind()
    finally:
        torch.set_default_dtype(torch.float32)
    batch = family.train.sample(2, 1, 1)
    assert {batch.support.x.dtype, batch.query.x.dtype, batch.descriptor.dtype} == {torch.float32}


def test_one_property_may_be_the_same_for_many_that_are_described(family):
    tau = family.describe([1.0, 2.0], 0.5)
    assert torch.equal(tau, torch.stack([family.describe(1.0, 0.5), family.describe(2.0, 0.5)]))
    climate = ColoradoClimate()
    assert torch.equal(climate.describe(2000, [40, 41], -105)[1], climate.describe(2000, 41, -105))
