"""Models side by side on a table: errors by hand, the interval of the differences, and a verdict that says what it may."""

import functools
import math

import numpy as np
import pytest
import torch

from hyperedu import Rivalry, SharedWeights, Table, rivals
from hyperedu.rivals import _error, _main
from hyperedu.statistics import half_interval


def table(function, split=0, n_tasks=16, n_rows=10):
    g = np.random.default_rng(0)
    task = np.repeat(np.arange(n_tasks), n_rows)
    size, x = np.linspace(-1, 1, n_tasks)[g.permutation(n_tasks)][task], g.uniform(-2, 2, len(task))
    columns = {"t": task, "size": size, "x": x, "y (m)": function(size, x) + 0.05 * g.standard_normal(len(task))}
    return Table(columns, "t", ["size"], ["x"], ["y"], split=split)


def straight(size, x):
    return 3 * size - 2 * x + 1


def twisted(size, x):
    return 3 * size * np.sin(2 * x)


def shared(table):
    return SharedWeights(_main(table))


def test_on_a_plane_the_linear_model_is_the_one_to_use():
    found = rivals(lambda split: table(straight, split), range(4), steps=100, progress=False)
    assert list(found.errors) == [
        "mean of all rows", "linear regression", "gradient boosting", "Gaussian process", "network told τ", "hypernetwork",
    ]  # fmt: skip
    assert all(len(errors) == 4 for errors in found.errors.values())
    assert "linear regression" in found.ties()
    assert "use" in found.verdict.lower()
    assert found.verdict.rstrip(".").endswith(("linear regression", "use it"))
    assert "mean of all rows" not in found.ties()
    assert found.unit == "m"
    assert " m" in repr(found)


def test_the_random_numbers_of_the_reader_are_left_as_they_were():
    state = torch.get_rng_state()
    rivals(lambda split: table(straight, split), range(2), steps=1, progress=False)
    assert torch.equal(torch.get_rng_state(), state)


def test_on_a_twisted_sheet_it_is_not():
    found = rivals(lambda split: table(twisted, split), range(3), steps=300, progress=False)
    assert "linear regression" not in found.ties()
    assert found.errors["hypernetwork"].mean() < 0.5 * found.errors["linear regression"].mean()


def test_an_error_is_the_mean_over_tasks_of_root_mean_squares():
    one = table(straight)
    wanted = []
    for task in one.test.index:
        y = one.y[one.starts[task] : one.starts[task] + one.counts[task], 0]
        wanted.append((y - one.y_mean).square().mean().sqrt())
    found = _error(one, lambda tau, x: torch.full((len(x),), one.y_mean))
    assert found == pytest.approx(torch.stack(wanted).mean().item())


def test_held_out_tasks_are_not_seen():
    one = table(straight)
    seen = one.rows_of(one.train)[3]
    assert not set(seen.tolist()) & set(one.test.index.tolist())
    assert len(seen) + len(one.rows_of(one.test)[3]) == len(one.y)


def test_lesson_11_equation_1_and_what_follows_from_it():
    """Lesson 11, equation 1. A tie: the 95% interval of the paired differences holds 0; errors that rise together differ."""
    hard = torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0])
    found = Rivalry({"simple": hard + torch.tensor([0.1, 0.11, 0.09, 0.1, 0.1]), "better": hard}, "mm")
    assert half_interval(hard) > 1  # the means alone say nothing
    assert found.ties() == ["better"]
    assert "use it" in found.verdict
    found = Rivalry({"simple": hard + torch.tensor([0.1, -0.1, 0.1, -0.1, 0.1]), "better": hard}, "mm")
    assert found.ties() == ["simple", "better"]
    assert "the simple" in found.verdict
    differences = torch.tensor([0.1, -0.1, 0.1, -0.1, 0.1])
    assert abs(differences.mean()) < 2.776 * differences.std() / math.sqrt(5)  # t for four degrees of freedom


def test_learners_of_ones_own():
    found = rivals(lambda split: table(straight, split), range(2), learners={"shared": shared}, steps=5, progress=False)
    assert list(found.errors)[-1] == "shared"
    assert "network told τ" not in found.errors


def test_what_cannot_be_compared_gets_a_sentence():
    with pytest.raises(ValueError, match="at least two"):
        rivals(lambda split: table(straight), [0])
    with pytest.raises(ValueError, match="all splits hold out the same tasks"):
        rivals(lambda split: table(straight), range(3), progress=False)
    several = {split: table(straight, split) for split in range(2)}
    several[0].d_out = 2
    with pytest.raises(ValueError, match="one y"):
        rivals(several.get, (split for split in several), progress=False)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_what_is_no_number_is_neither_best_nor_a_tie(bad):
    errors = torch.tensor([1.0, 2.0, 1.5])
    found = Rivalry({"broken": torch.tensor([1.0, bad, 1.0]), "whole": errors, "worse": errors + 9}, "m")
    assert (found.best, found.ties()) == ("whole", ["whole"])


def test_learners_of_ones_own_are_taken_as_they_are():
    """A number for a name, another dtype, numpy's splits; and none at all."""
    make = functools.partial(table, straight)
    found = rivals(make, np.arange(2), learners={1: shared, "exact": lambda t: shared(t).double()}, steps=2, progress=False)
    assert list(found.errors)[-2:] == ["1", "exact"]
    torch.testing.assert_close(found.errors["1"], found.errors["exact"])
    assert "exact" in repr(found)
    assert len(rivals(make, range(2), learners={}, progress=False).errors) == 4
    with pytest.raises(ValueError, match="each split must be a whole number of at least 0, got -1"):
        rivals(make, [0, -1], progress=False)
