"""The checks know the right answers, and name the misconception behind every wrong one that they know."""

import numpy as np
import pytest
import torch

from hyperedu import ColoradoClimate, Hypernetwork, MainNetwork, MLPGenerator
from hyperedu.lessons.start_here import checks
from saying import NOT_YET, RIGHT, UNANSWERED


@pytest.fixture(scope="module")
def climate():
    """A learner on the stations; what it was trained to does not matter here."""
    family = ColoradoClimate()
    main = MainNetwork.mlp([2, 8, 1], y_mean=family.y_mean, y_std=family.y_std)
    return Hypernetwork(main, MLPGenerator(3, main, rng=torch.Generator().manual_seed(0))), family


@pytest.mark.parametrize(
    ("check", "needs_climate"),
    [
        (checks.lapse, 0),
        (checks.summit, 2),
        (checks.raw_descriptor, 1),
    ],
)
def test_an_exercise_not_yet_answered_is_no_error(says, climate, check, needs_climate):
    assert says(check, ..., *climate[2 - needs_climate :]).startswith(UNANSWERED)


@pytest.mark.parametrize(
    ("check", "answer", "words"),
    [
        (checks.lapse, 23 - 2 * 6.5, RIGHT),
        (checks.lapse, [10.0], RIGHT),
        (checks.lapse, np.float64(10), RIGHT),
        (checks.lapse, 36, "the sign"),
        (checks.lapse, 13, "how warm is it then"),
        (checks.lapse, 23 - 3.5 * 6.5, "difference in height"),
        (checks.lapse, 23 - 6.5, "it is 2 km"),
        (checks.lapse, 23 - 6.5 * 2000, "per kilometre"),
        (checks.lapse, 20, "twice what is asked"),
        (checks.lapse, -10, "the sign is not"),
        (checks.lapse, 1000, "in kilometres"),
        (checks.lapse, float("nan"), "no finite number"),
        (checks.lapse, "10", "without quotation marks"),
        (checks.lapse, dict, "A number is asked for, this is type"),
        (checks.lapse, torch.tensor([337.0, 0.0]), ".item()"),
    ],
)
def test_a_number(says, check, answer, words):
    said = says(check, answer)
    assert words in said
    assert said.startswith(RIGHT if words == RIGHT else NOT_YET)


@pytest.mark.parametrize(
    ("place", "month", "words"),
    [
        ((4401.0, 39.1, -106.4), 6, RIGHT),
        ((4401.0, 39.1, 106.4), 6, "China"),
        ((4401.0, 39.1, -106.4), 7, "August"),
        ((4401.0, -106.4, 39.1), 6, "changed places"),
        ((1000.0, 39.1, -106.4), 6, "order of work"),
    ],
)
def test_the_summit(says, climate, place, month, words):
    learner, family = climate
    answer = learner.main(learner.generator(family.describe(*place)), family.x([month])).item()
    assert words in says(checks.summit, answer, *climate)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("describe", RIGHT),
        (torch.tensor([2000.0, 38.0, -107.5]), "still metres"),
        (torch.nn.functional.normalize(torch.tensor([2000.0, 38.0, -107.5]), dim=0), "Dividing by the norm"),
        (torch.zeros(3), "It gives zeros."),
        (torch.zeros(2), "shape must be (3,), it is (2,)"),
        ([2000.0, 38.0, -107.5], "These are still metres and degrees"),
    ],
)
def test_the_raw_descriptor(says, climate, answer, words):
    family = climate[1]
    answer = family.describe(2000.0, 38.0, -107.5) if isinstance(answer, str) else answer
    assert words in says(checks.raw_descriptor, answer, family)
