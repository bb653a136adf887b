"""The rivals without a network, on stations whose answer is known."""

import pytest
import torch

from hyperedu.lessons.learning_to_learn import rivals
from hyperedu.tasks import ColoradoClimate


@pytest.fixture
def climate():
    return ColoradoClimate("tmax", n_train=12)


def test_years_that_are_linear_in_the_place_are_found_by_regression_alone(climate):
    tau = torch.cat([climate.train.sample(None, 0, 1).descriptor, climate.test.sample(None, 0, 1).descriptor])
    slopes = torch.randn(3, 12, generator=torch.Generator().manual_seed(0))
    climate.mean_year[torch.cat([climate.train.index, climate.test.index])] = 5 + tau @ slopes
    assert rivals.linear_regression(climate) < 1e-3
    assert rivals.shifted_mean_year(climate) > 0.1


def test_years_that_are_shifted_are_found_from_any_month(climate):
    year = torch.randn(12, generator=torch.Generator().manual_seed(0))
    climate.mean_year[:] = year + 10 * torch.rand(len(climate.mean_year), 1, generator=torch.Generator().manual_seed(1))
    for shots in (1, 3, 11):
        assert rivals.shifted_mean_year(climate, shots) < 1e-4
    assert rivals.linear_regression(climate) > 1


def test_without_examples_of_use_the_shift_errs_by_the_rest_of_the_year(climate):
    climate.mean_year[climate.train.index] = 0.0
    climate.mean_year[climate.test.index] = torch.cat([torch.ones(11), -torch.ones(1)])
    new = climate.test.sample(None, 3, 9, torch.Generator().manual_seed(0))
    by_hand = [(y - D.mean()).square().mean().sqrt() for D, y in zip(new.support.y, new.query.y, strict=True)]
    assert rivals.shifted_mean_year(climate) == pytest.approx(torch.stack(by_hand).mean().item(), rel=1e-5)
