"""Means and intervals against scipy, closed forms and simulation."""

import math
from itertools import pairwise

import pytest
import torch
from scipy import stats

from hyperedu.statistics import T, half_interval, in_words, interval, median


def test_the_table_is_that_of_student():
    assert len(T) == 30
    for k, t in enumerate(T, start=1):
        assert t == pytest.approx(stats.t.ppf(0.975, k), abs=5.01e-4), k


@pytest.mark.parametrize("n", [2, 3, 10, 30, 31, 32, 33, 40, 60, 100, 600, 10_000])
def test_half_an_interval_is_t_times_the_standard_error(n, random):
    values = torch.randn(n, generator=random, dtype=torch.float64) * 3 + 7
    mean = sum(values.tolist()) / n
    s = math.sqrt(sum((v - mean) ** 2 for v in values.tolist()) / (n - 1))
    expected = stats.t.ppf(0.975, n - 1) * s / math.sqrt(n)
    # Three decimals in the table; beyond it the expansion has an error of order 1 / (n − 1)³.
    assert half_interval(values) == pytest.approx(expected, rel=3e-4 if n <= 31 else 5e-5)
    low, high = interval(values)
    assert low == pytest.approx(mean - expected, rel=1e-3)
    assert high == pytest.approx(mean + expected, rel=1e-3)
    assert high - low == pytest.approx(2 * half_interval(values))
    assert low < mean < high


def test_known_numbers():
    assert half_interval(torch.tensor([1.0, 3.0])) == pytest.approx(12.706)  # s = √2, √n = √2
    assert half_interval(torch.tensor([1.0, 2.0, 3.0])) == pytest.approx(4.303 / math.sqrt(3))
    assert interval(torch.tensor([5.0, 5.0, 5.0])) == (5.0, 5.0)


def test_there_is_no_step_where_the_table_ends():
    """A fixed spread, one more degree of freedom: t falls, by less than it fell before."""
    t = [half_interval(v) * math.sqrt(len(v)) / v.std().item() for v in (torch.arange(float(n)) for n in range(29, 36))]
    falls = [a - b for a, b in pairwise(t)]
    assert all(0 < later <= earlier + 6e-4 for earlier, later in pairwise(falls)), falls


@pytest.mark.parametrize("values", [torch.ones(1), torch.ones(())])
def test_a_single_value_has_no_interval(values):
    assert math.isnan(half_interval(values))
    assert all(math.isnan(end) for end in interval(values))


def test_an_interval_holds_the_mean_in_95_of_100_cases(random):
    """4,000 samples of five normal numbers with mean 2: a share of 95%, give or take four standard errors of 0.35%."""
    samples = torch.randn(4000, 5, generator=random) + 2
    held = sum(low <= 2 <= high for low, high in map(interval, samples)) / len(samples)
    assert held == pytest.approx(0.95, abs=0.014)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([3.0], 3.0),
        ([3.0, 1.0], 1.0),
        ([3.0, 1.0, 2.0], 2.0),
        ([4.0, 1.0, 3.0, 2.0], 2.0),
        ([1.0, 2.0, math.nan], 2.0),
        ([1.0, math.nan, math.nan], math.inf),
        ([1.0, 2.0, math.inf], 2.0),
        ([1.0, -math.inf, 2.0], 2.0),
        ([-math.inf, -math.inf, 2.0], math.inf),
    ],
)
def test_the_median_counts_what_is_not_finite_as_infinitely_bad(values, expected):
    assert median(torch.tensor(values)) == expected


@pytest.mark.parametrize(
    ("values", "sign", "said"),
    [
        ([1.0, 2.0, 3.0, 4.0, 5.0], "", "3.0 ± 2.0"),
        ([0.1, -0.1, 0.1, -0.1, 0.1], "+", "+0.02 ± 0.14"),
        ([-0.1, 0.1, -0.1, 0.1, -0.1], "+", "-0.02 ± 0.14"),
        ([1000.0, 2000.0], "", "1500 ± 6353"),
        ([0.001, 0.002, 0.003], "", "0.0020 ± 0.0025"),
        ([2.5, 2.5], "", "2.5 ± 0"),
        ([3.25], "", "3.25 ± nan"),
    ],
)
def test_a_mean_is_said_as_exactly_as_its_interval(values, sign, said):
    assert in_words(torch.tensor(values), sign) == said


def test_counts_have_a_mean_too():
    counts = torch.tensor([1, 2, 3])
    assert half_interval(counts) == half_interval(counts.float())
    assert (in_words(counts), interval(counts)) == (in_words(counts.float()), interval(counts.float()))
