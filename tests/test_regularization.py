"""The measured results of lesson 08, the script that made them, and its pictures."""

import copy
import importlib.util
import json
from pathlib import Path

import pytest
import torch
from torch.nn.utils import parameters_to_vector

from hyperedu import (
    ColoradoClimate,
    Hypernetwork,
    MainNetwork,
    MLPGenerator,
    data_file,
    meta_test,
    outer_loss,
)
from hyperedu.lessons.regularization.figures import StrengthPicture, intervals


@pytest.fixture(scope="module")
def script():
    """data/make_regularization.py, which made the results of lesson 08."""
    path = Path(__file__).parent.parent / "data" / "make_regularization.py"
    spec = importlib.util.spec_from_file_location("make_regularization", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_reptile_moves_a_part_of_the_way(main, family, script):
    """Lesson 08, equation 6, one round: φ + β (φ' − φ), φ' after five steps of Adam with β₁ = 0."""
    learner = Hypernetwork(main, MLPGenerator(2, main))
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
    runs = json.loads(data_file("regularization.json").read_text(encoding="utf-8"))
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


@pytest.fixture(scope="module")
def path():
    """A family, a learner, and φ at three strengths."""
    family, random = ColoradoClimate(n_train=10), torch.Generator().manual_seed(0)
    main = MainNetwork.mlp([2, 8, 1], "tanh", family.y_mean, family.y_std)
    learners = [Hypernetwork(main, MLPGenerator(3, main, hidden=(8,), rng=random)) for _ in range(3)]
    return family, learners, torch.stack([parameters_to_vector(one.parameters()).detach() for one in learners])


def test_the_picture_of_strengths_shows_the_learner_that_was_trained_there(path):
    family, learners, phi = path
    picture = StrengthPicture(family, learners[0], {"sensitivity": phi}, torch.tensor([-1.0, 0.0, 1.0]))
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
    picture = StrengthPicture(family, learners[0], {"sensitivity": phi}, torch.tensor([-1.0, 0.0, 1.0]))
    before = parameters_to_vector(learners[0].parameters()).clone()
    picture.update("sensitivity", 0.25, 0)
    blended = parameters_to_vector(picture.learner.parameters())
    torch.testing.assert_close(blended, 0.75 * phi[1] + 0.25 * phi[2])
    assert torch.equal(before, parameters_to_vector(learners[0].parameters())), "the learner given is not touched"


def test_intervals_are_drawn_one_row_for_each_name():
    seeds = torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0])
    figure = intervals({"one": seeds, "other": seeds + 1}, "RMSE (°C)", (2.0, "a line"))
    (axes,) = figure.axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["one", "other"]
