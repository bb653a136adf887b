"""The checks know the right answers, and name the misconception behind every wrong one that they know."""

import math

import pytest
import torch

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


@pytest.mark.parametrize("check", [checks.best_start, checks.gap, checks.honest, checks.worth_learning])
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


def valleys(shares, c=((2.0, 0.0), (0.0, 2.0))):
    """Tasks whose valleys lie along the axes, by the eigenvalues of α H."""
    return lambda alpha, steps: (torch.tensor(c), torch.diag_embed(torch.tensor(shares)) / alpha)


def turned(n, angle, along=0.03):
    """n tasks around (0, 0), each across its own valley from there."""

    def design(alpha, steps):
        directions = torch.stack([(torch.arange(n) * angle).cos(), (torch.arange(n) * angle).sin()], -1)
        across = directions[:, :, None] * directions[:, None, :]
        return 2 * directions, (along * torch.eye(2) + (1 - along) * across) / alpha

    return design


def by_steps(alpha, steps):
    across, along = 1 - 1e-3 ** (1 / steps), 1 - 0.8 ** (1 / steps)
    return valleys([[across, along], [along, across]])(alpha, steps)


CROSSED = valleys([[1.0, 0.05], [0.05, 1.0]])
IN_SPACE = valleys((0.05 + 0.95 * torch.eye(3)).tolist(), (3 * torch.eye(3)).tolist())
STEEP = valleys([[1.0, 1.95], [1.95, 1.0]])


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (CROSSED, RIGHT),
        (IN_SPACE, RIGHT),
        (STEEP, RIGHT),
        (by_steps, RIGHT),
        (turned(2, 0.5), RIGHT),
        (turned(3, 0.8), RIGHT),  # the second task ends as well from shared weights: what counts after the steps is the mean
        (valleys([[1.0, 0.05], [0.05, 1.0]], ((1002.0, 1000.0), (1000.0, 1002.0))), RIGHT),
        (lambda alpha, steps: tuple(part.double().numpy() for part in CROSSED(alpha, steps)), RIGHT),
        (lambda alpha, steps: [part.tolist() for part in CROSSED(alpha, steps)], RIGHT),
        (valleys([[0.95, 0.05], [0.05, 0.95]]), RIGHT),
        (valleys([[0.9, 0.05], [0.05, 0.9]]), "For α = 0.1 and one step the best start keeps"),
        (valleys([[1.0], [0.05]], ((0.0,), (4.0,))), "Each H is a multiple of the identity"),  # worse before in the mean
        (valleys([[1.0, 1.0], [0.05, 0.05]]), "Each H is a multiple of the identity"),
        (valleys([[1.0, 0.05], [0.05, 1.0]], ((2.0, 0.0), (2.0, 1e-3))), "no worse for task 1 before the steps"),
        (lambda alpha, steps: CROSSED(0.25, steps), "H is the same for every alpha"),
        (valleys([[1.0, 0.2], [0.2, 1.0]]), "For α = 1 and 10 steps shared weights keep only"),
        (valleys([[1.0, 0.9], [0.9, 1.0]]), "solve every task from anywhere"),
        (valleys([[1.0, 0.05], [1.0, 0.05]]), "the best start is that of shared weights"),
        (turned(4, math.pi / 2), "the best start is that of shared weights"),  # as it cancels
        (valleys([[1.0, 0.05], [0.05, 1.0]], ((2.0, 1.0), (2.0, 1.0))), "same optimum"),
        (valleys([[1.0, 0.05]], ((2.0, 1.0),)), "That is one task"),
        (valleys([[1.0, 0.0], [0.0, 1.0]]), "an eigenvalue of αH is 0;"),
        (valleys([[3.0, 0.05], [0.05, 3.0]]), "leads away from the optimum"),
        (lambda alpha, steps: (torch.eye(2), torch.tensor([[[1.0, 0.5], [0.0, 1.0]]] * 2) / alpha), "symmetric"),
        (lambda alpha, steps: CROSSED(alpha, steps)[::-1], "they are (2, 2, 2) and (2, 2)"),
        (lambda alpha, steps: (torch.eye(2) * math.nan, torch.stack([torch.eye(2)] * 2) / alpha), "nan or inf"),
        (lambda alpha, steps: list(zip(*CROSSED(alpha, steps), strict=True)), "c and H must hold numbers alone"),
        (lambda alpha, steps: "cH", "`return c, H`"),
        (lambda alpha, steps: ("c", "H"), "c and H must hold numbers alone"),
        (lambda alpha, steps: None, "`return c, H`"),
        (lambda: 0, "raises TypeError"),
        (CROSSED(0.25, 3), "A function of alpha and steps is asked for"),
    ],
)
def test_tasks_for_which_a_start_is_worth_learning(says, answer, words):
    said = says(checks.worth_learning, answer)
    assert words in said
    assert said.startswith(RIGHT if words == RIGHT else NOT_YET)


def test_what_the_teacher_is_told_of_these_tasks():
    """Lesson 05's note on exercise 4."""
    starts = next(checks._each(CROSSED))
    losses = [starts.loss(s, after).mean().item() for s in (starts.best, starts.shared) for after in (False, True)]
    assert losses == pytest.approx([8, 0, 0.38, 0.27], abs=0.005)


def test_the_starts_of_these_tasks_have_the_least_loss():
    starts = next(checks._each(by_steps))
    for start, after in ((starts.shared, False), (starts.best, True)):
        theta = start.clone().requires_grad_()
        (slope,) = torch.autograd.grad(starts.loss(theta, after).mean(), theta)
        assert slope.abs().max() < 1e-6
