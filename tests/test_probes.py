"""Where many answers are good, a check tells the first demand that an answer does not meet."""

import torch

from hyperedu.lessons import probes
from saying import NOT_YET, RIGHT, UNANSWERED


def even(answer):
    return "" if answer() % 2 == 0 else "It is odd."


def small(answer):
    return "" if answer() < 10 else f"{answer()} is not below 10."


def check(answer):
    probes.made(answer, [even, small], lambda answer: f"{answer()} is even and small.")


def test_whatever_meets_all_demands_is_good(says):
    for n in (2, 8):
        said = says(check, lambda n=n: n)
        assert said.startswith(RIGHT)
        assert f"{n} is even and small." in said


def test_the_first_demand_that_is_not_met_is_told(says):
    assert says(check, lambda: 11).startswith(NOT_YET)
    assert "odd" in says(check, lambda: 11)
    assert "12 is not below 10." in says(check, lambda: 12)
    assert says(check, ...).startswith(UNANSWERED)
    assert "raises TypeError" in says(check, lambda n: n)


def test_what_an_answer_draws_is_the_same_each_time_and_moves_nobody_elses_numbers(says):
    drawn = []
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    for _ in range(2):
        probes.made(lambda: torch.rand(1).item(), [lambda answer: drawn.append(answer()) or ""], lambda answer: "It draws.")
    assert drawn[0] == drawn[1]
    assert torch.equal(torch.random.get_rng_state(), before)
