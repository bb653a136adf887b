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
        (checks.own_generator, 0),
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


def by_hand(height=-3.9, north=-1.0, swing=1.0, mean=16.3):
    """θ (n, 3) of τ: the mean of the year falls with height and latitude, its swing shrinks with height."""
    return lambda tau: torch.stack(
        [0 * tau[:, 0] - 1, swing * tau[:, 0] - 12.9, mean + height * tau[:, 0] + north * tau[:, 1]], 1
    )


@pytest.fixture(scope="module")
def fitted():
    """Of a set of stations their τ (n, 3) and the weights (n, 3) that draw their years best."""
    family = ColoradoClimate()

    def of(index):
        tau = family.describe(*(family.stations[name][index] for name in family.descriptors.names))
        x = torch.nn.functional.pad(family.x(torch.arange(12)), (0, 1), value=1.0)
        return tau, torch.linalg.lstsq(x, family.mean_year[index].T).solution.T

    return {"train": of(family.train.index), "test": of(family.test.index), "all": of(torch.arange(len(family.mean_year)))}


def nearest(tau_known, theta_known):
    return lambda tau: theta_known[torch.cdist(tau, tau_known).argmin(-1)]


def linear(tau_known, theta_known):
    ones = torch.nn.functional.pad(tau_known, (0, 1), value=1.0)
    V = torch.linalg.lstsq(ones, theta_known).solution
    return lambda tau: torch.nn.functional.pad(tau, (0, 1), value=1.0) @ V


def test_what_the_teacher_is_told_of_generators_of_ones_own(says, fitted):
    for f, error in ((by_hand(), "1.74"), (nearest(*fitted["train"]), "1.30"), (linear(*fitted["train"]), "1.48")):
        said = says(checks.own_generator, f)
        assert said.startswith(RIGHT)
        assert f"errs by {error} °C; one θ for all has 2.99" in said
    assert "RMSE is 2.06 °C" in says(checks.own_generator, by_hand(north=0.0, swing=0.0))  # the lapse rate alone


def test_the_error_of_a_generator_of_ones_own_is_equation_2_of_the_years_that_its_network_draws(climate):
    family, three = climate[1], MainNetwork.mlp([2, 1])
    test, theta = checks._stations("test"), torch.randn(60, 3, generator=torch.Generator().manual_seed(0))
    away = three(theta, family.x(torch.arange(12))).squeeze(-1) - family.mean_year[family.test.index]
    assert test.rmse(theta.double()) == pytest.approx(away.square().mean(-1).sqrt().mean().item(), rel=1e-5)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (by_hand(north=-0.8), RIGHT),
        (by_hand(mean=15.9), "it would be 1.22; were θ₁ and θ₂, its swing, 1.59"),  # 1.83 °C
        (lambda tau: by_hand()(tau).double().numpy(), RIGHT),
        (lambda tau: list(by_hand()(tau)), RIGHT),
        (lambda tau: by_hand()(tau).tolist(), RIGHT),
        (by_hand(height=3.9), "upwards, its year gets warmer by 7.8 °C"),
        (by_hand(height=-6.5), "colder by 10.9 °C with each kilometre"),
        (by_hand(north=0.0), "elevation alone"),
        (by_hand(height=0.0, swing=0.0), "Begin with what gains more"),
        (lambda tau: by_hand()(tau)[:, [2, 0, 1]], "In another order your weights have 1.74"),
        (lambda tau: by_hand()(tau) * torch.tensor([1, -1, 1]), "other sign of θ₂ it would be 1.74"),
        (lambda tau: (by_hand()(tau) - torch.tensor([0, 0, 15.4])) / 10.2, "scaled as that of `main`"),
        (lambda raw: by_hand()((raw - torch.tensor([1847, 38.9, -105.5])) / torch.tensor([596, 1.3, 2])), "metres and degrees"),
        (lambda tau: by_hand()(tau).T, "that is the transpose"),
        (lambda tau: by_hand()(tau)[0], "a single θ"),
        (lambda tau: torch.zeros(len(tau), 12), "are these temperatures?"),
        (lambda tau: torch.stack([tau[0], tau[1], tau[2]]), "tau[0] is the first place"),
        (lambda tau: torch.zeros(len(tau), 3), "All places get the same θ"),
        (lambda tau: torch.zeros(0), "it gives (0,)"),
        (lambda tau: [], "it gives (0,)"),
        (lambda tau: by_hand()(tau - tau.mean(0)), "in other company or order"),
        (lambda tau: by_hand()((tau - tau.mean(0)) / tau.std(0)), "nan or inf"),
        (lambda tau: torch.randn(len(tau), 3), "draw at random"),
        (lambda tau: by_hand()(tau.add_(0.1)), "changes τ in place"),
        (lambda tau: by_hand()(tau, 1), "raises TypeError"),
        (lambda tau: None, "is a `return` missing?"),
        (lambda tau: "θ", "numbers are asked for"),
        (torch.zeros(60, 3), "A function is asked for, this is Tensor"),
        (MainNetwork.mlp([3, 3]), "raises TypeError"),
    ],
)
def test_a_generator_of_ones_own(says, answer, words):
    said = says(checks.own_generator, answer)
    assert words in said
    assert said.startswith(RIGHT if words == RIGHT else NOT_YET)


def test_stations_kept_aside_are_not_to_be_learned_from(says, fitted):
    """Neither as a table in their order, nor by nearness, nor among all others; a table of the training stations is good."""
    tau, theta = fitted["test"]
    assert "in other company or order" in says(checks.own_generator, lambda tau: theta[: len(tau)])
    for f in (nearest(tau, theta), lambda other: (-10 * torch.cdist(other, tau) ** 2).softmax(1) @ theta):
        assert "At the training stations it errs by" in says(checks.own_generator, f)
    assert "fitted to their own years" in says(checks.own_generator, nearest(*fitted["all"]))
