"""What the learners of this lesson are compared with, and the sentences that one of them is tried on."""

import pytest

from hyperedu.lessons.task_descriptors import phrases, trainings
from hyperedu.tasks import ColoradoClimate


def test_the_mean_year_errs_in_the_query_months_about_as_in_the_whole_year():
    climate = ColoradoClimate()
    mean_year = climate.mean_year[climate.train.index].mean(0)
    whole = (climate.mean_year[climate.test.index] - mean_year).square().mean(1).sqrt().mean().item()
    assert trainings.rmse_of_the_mean_year(climate) == pytest.approx(whole, rel=0.05)


@pytest.mark.parametrize(("how", "n"), [("plainly", 16), ("negated", 16), ("in digits", 8)])
def test_half_of_the_sentences_of_each_kind_tell_a_small_wave(how, n):
    told = phrases.told_heights(how)
    assert len({sentence for sentence, _small in told}) == n
    assert sum(small for _sentence, small in told) == n / 2
    for sentence, small in told:
        low = any(f" {word}" in sentence for word in ("small,", "low,", "1,"))
        assert small == (low != (how == "negated"))
