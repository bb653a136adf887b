"""The worked projects: what their live figures say at the settings they name, and the mathematics that is theirs."""

import re
from pathlib import Path

import jupytext
import numpy as np
import pytest
import torch
from scipy.special import ellipk

HERE = Path(__file__).parent
PROJECTS = sorted(HERE.glob("project_*.py"))


def cells(project):
    """Name of a cell → its source, those with code."""
    found = jupytext.read(HERE / f"project_{project}.py", fmt="py:percent").cells
    return {cell.metadata["title"]: cell.source for cell in found if cell.cell_type == "code"}


def run(project, last, without=()):
    """What the cells of a project have defined up to the one called `last`."""
    space = {"__name__": project}
    for name, source in cells(project).items():
        if name not in without:
            exec(compile(source, f"project_{project}, {name}", "exec"), space)
        if name == last:
            return space
    raise KeyError(last)


def numbers(sentence):
    return [float(number) for number in re.findall(r"\d+\.?\d*", sentence)]


@pytest.mark.parametrize("path", PROJECTS, ids=lambda path: path.stem)
def test_its_cells_are_named_and_fit_on_a_page(path):
    found = jupytext.read(path, fmt="py:percent").cells
    names = [cell.metadata.get("title") for cell in found]
    assert names[0] == "opening"
    assert None not in names
    assert len(set(names)) == len(names)
    for cell in found:
        if cell.cell_type == "code":
            lines = cell.source.splitlines()
            assert len(lines) <= 20, cell.metadata["title"]
            assert max(map(len, lines)) <= 100, cell.metadata["title"]


@pytest.mark.parametrize("path", PROJECTS, ids=lambda path: path.stem)
def test_a_student_could_have_written_it(path):
    found = jupytext.read(path, fmt="py:percent").cells
    said = [c.source for c in found if c.cell_type == "markdown" and "teacher" not in c.metadata.get("tags", [])]
    assert 600 <= len(" ".join(said).split()) <= 1200


@pytest.fixture(scope="module")
def pendulums():
    return run("pendulums", "live")


@pytest.mark.parametrize(
    ("length", "start", "air", "written", "school"),
    [(0.8, 15, 0.05, (0, 2), (0, 2)), (0.8, 80, 0.05, (0, 5), (20, 80)), (2.0, 70, 0.2, (20, 120), (0, 120))],
)
def test_a_pendulum(pendulums, length, start, air, written, school):
    view = pendulums["view"]
    view.move_to(length=length, start=start, air=air)
    assert not view.problem
    *_, of_network, of_school = numbers(view.sentence)
    assert written[0] <= of_network <= written[1]
    assert school[0] <= of_school <= school[1]


def test_a_pendulum_without_air_keeps_its_energy_and_one_in_air_loses_it(pendulums):
    G, step, length = pendulums["G"], pendulums["STEP"], 0.7
    free, slowed = (torch.deg2rad(pendulums["swing"]([length], [75.0], [air])[0].double()) for air in (0.0, 0.4))

    def energy(a):  # per mass, in the inner points: ½ (ℓ ȧ)² + g ℓ (1 − cos a)
        v = (a[2:] - a[:-2]) / (2 * step)
        return (length * v).square() / 2 + G * length * (1 - a[1:-1].cos())

    assert energy(free).std() < 2e-3 * energy(free).mean()
    assert energy(slowed)[-1] < 0.8 * energy(slowed)[0]


@pytest.mark.parametrize("start", [5.0, 60.0, 80.0])
def test_the_period_of_a_large_swing(pendulums, start):
    """T = 4 √(ℓ/g) K(sin²(a₀/2)), K the complete elliptic integral; the first zero is at a quarter of it."""
    length = 0.5
    angle = pendulums["swing"]([length], [start], [0.0])[0]
    k = int((angle < 0).nonzero()[0])
    zero = pendulums["STEP"] * (k - 1 + angle[k - 1] / (angle[k - 1] - angle[k]))
    quarter = np.sqrt(length / pendulums["G"]) * ellipk(np.sin(np.deg2rad(start) / 2) ** 2)
    assert zero.item() == pytest.approx(quarter, rel=1e-4)


def test_the_formula_that_is_written_is_the_one_that_is_fitted(pendulums):
    run_on = cells("pendulums")["by-hand"]
    exec(run_on, pendulums)
    table, main = pendulums["table"], pendulums["learner"].main
    theta, t = torch.tensor([0.9, 0.3, 3.1, 0.2]), torch.linspace(0, 4, 9)
    y = main(theta, ((t - table.x_mean) / table.x_std)[:, None])[:, 0]
    fitted = pendulums["formula"](t.numpy(), 0.9 * table.y_std, 0.3, 3.1, 0.2)
    assert np.allclose(y.numpy(), fitted, atol=1e-3)


@pytest.fixture(scope="module")
def digits():
    return run("two_digits", "live")


def test_which_of_two_digits(digits):
    view = digits["view"]
    view.move_to(first=8, second=9)
    assert "never met" in view.sentence
    right = numbers(view.sentence)[-1]
    weights = digits["image"].get_array().copy()
    view.move_to(first=9, second=8)
    assert min(right, numbers(view.sentence)[-1]) > 70
    assert np.corrcoef(weights.flatten(), digits["image"].get_array().flatten())[0, 1] < -0.5
    view.move_to(first=3, second=3)
    assert "there is no such task" in view.sentence
    assert not view.problem


def test_a_new_pair_has_new_drawings(digits):
    train, test = digits["train"], digits["test"]
    assert not {tuple(p) for p in train.pairs.tolist()} & {tuple(p) for p in test.pairs.tolist()}
    assert not set(train.of.flatten().tolist()) & set(test.of.flatten().tolist())
    tasks = test.sample(shots=3, queries=7)
    assert torch.equal(digits["told"](tasks.properties["pair"].flip(1)), -tasks.descriptor)
    drawn = torch.cat([tasks.support.x, tasks.query.x], dim=1)
    label = torch.cat([tasks.support.y, tasks.query.y], dim=1)
    for k, pair in enumerate(tasks.properties["pair"]):
        assert len({tuple(x.tolist()) for x in drawn[k]}) == 20
        for x, y in zip(drawn[k], label[k], strict=True):
            same = (digits["ink"] == x).all(1)
            assert (digits["digit"][same] == pair[y]).all()


def test_the_softmax_of_ten_digits_writes_the_reader_of_a_pair(digits, capsys):
    """θ = V τ with the columns of V the weights of the softmax: the same decision for any pair (1)."""
    exec(cells("two_digits")["conditioned"], digits)
    classes = digits["ten_digits"](digits["train"], 1.0)
    tasks = digits["test"].sample(queries=20)
    space = digits | {"tasks": tasks, "found": {"ten digits": classes(tasks)}, "softmax": classes.fit}
    exec(cells("two_digits")["softmax-writes"], space)
    assert "agree on 100.0%" in capsys.readouterr().out


@pytest.fixture(scope="module")
def countries():
    return run("countries", "alike")


def test_how_a_country_goes_on(countries):
    view = countries["view"]
    missed = {}
    for name, steps in (("Nepal", 3), ("Venezuela", 30), ("Lesotho", 30)):
        view.move_to(country=name, steps=steps)
        assert not view.problem
        found = re.search(r"missed by ([\d.]+) years, after \d+ steps on three readings by ([\d.]+)", view.sentence)
        missed[name] = [float(number) for number in found.groups()]
    assert missed["Nepal"][1] < missed["Nepal"][0]
    assert missed["Venezuela"][1] > missed["Venezuela"][0]
    assert missed["Lesotho"][1] > 3


def test_nothing_of_later_years_is_told_or_shown(countries):
    train, life = countries["train"], countries["life"]
    before = train.sample()
    assert before.support.x.max() == 0
    assert before.query.x.min() > 0
    kept = life[:, 3:].clone()
    life[:, 3:] = 0
    after = train.sample()
    life[:, 3:] = kept
    assert torch.equal(before.descriptor, after.descriptor)
    assert torch.equal(before.support.y, after.support.y)
    assert not set(train.which.tolist()) & set(countries["test"].which.tolist())


def test_the_own_line_is_that_of_least_squares(countries):
    train, test = countries["train"], countries["test"]
    batch, line = countries["in_order"](test), countries["own_line"](train, test)
    for k in range(3):
        x, y = batch.support.x[k, :, 0].numpy(), batch.support.y[k, :, 0].numpy()
        fit = np.polyval(np.polyfit(x, y, 1), batch.query.x[k, :, 0].numpy())
        assert np.allclose(line[k].numpy(), fit, atol=1e-3)
