"""The checks know the right answers, and name the misconception behind every wrong one that they know."""

import pytest

from hyperedu import adapt
from hyperedu.lessons.learning_to_learn import checks
from saying import NOT_YET, RIGHT, UNANSWERED


def loss_on(main, theta, examples):
    return main.loss(theta, examples).mean()


def gap(first, second):
    def measure(learner, tasks):
        theta = learner(tasks.descriptor, tasks.support)
        before = learner.theta_0
        sets = {"query": (theta, tasks.query), "support": (theta, tasks.support), "before": (before, tasks.query)}
        return sum(sign * loss_on(learner.main, *sets[name]) for name, sign in (first, second)).item()

    return measure


@pytest.mark.parametrize("check", [checks.best_start, checks.gap, checks.honest])
def test_an_exercise_not_yet_answered_is_no_error(says, check):
    assert says(check, ...).startswith(UNANSWERED)


@pytest.mark.parametrize(
    ("check", "answer", "words"),
    [
        (checks.best_start, 0.5**2 * 4 / (0.5**2 + 0.25**2), RIGHT),
        (checks.best_start, 0.25**2 * 4 / (0.5**2 + 0.25**2), "wrong way round"),
        (checks.best_start, 4 * 1 / (1 + 1.5), "as shared weights do"),
        (checks.best_start, 2.0, "middle is right"),
        (checks.best_start, 0.5 * 4 / (0.5 + 0.25), "enters squared"),
        (checks.best_start, 0.5**2 * 4 / (0.5**2 + 1.5 * 0.25**2), "no h in front"),
        (checks.best_start, 99, "Minimise the sum"),
    ],
)
def test_a_number(says, check, answer, words):
    said = says(check, answer)
    assert words in said
    assert said.startswith(RIGHT if words == RIGHT else NOT_YET)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (gap(("query", 1), ("support", -1)), RIGHT),
        (gap(("query", -1), ("support", 1)), "other way round"),
        (gap(("query", 1), ("support", 0)), "query loss alone"),
        (gap(("query", 0), ("support", 1)), "support loss alone"),
        (gap(("query", 1), ("before", -1)), "before adaptation"),
        (lambda learner, tasks: 17.0, "It gives the same for 20 tasks of 5 examples and for 7 tasks"),
        (lambda learner: 0.0, "raises TypeError"),
    ],
)
def test_the_gap(says, answer, words):
    assert words in says(checks.gap, answer)


def adapted_on(inner, outer):
    def loss(main, theta_0, tasks):
        sets = {"support": tasks.support, "query": tasks.query, "both": tasks.support.joined(tasks.query)}
        return loss_on(main, adapt(main, theta_0, sets[inner], 3, 0.1).final, sets[outer])

    return loss


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (adapted_on("support", "query"), RIGHT),
        (adapted_on("query", "query"), "Still adapted on the query set"),
        (adapted_on("both", "query"), "still among those"),
        (adapted_on("support", "support"), "judged on the support set"),
        (lambda main, theta_0, tasks: 5.0, "It gives the same for θ₀ (2,), 5 tasks of 3 examples and for"),
        (lambda: 5.0, "raises TypeError"),
    ],
)
def test_an_honest_outer_loss(says, answer, words):
    assert words in says(checks.honest, answer)
