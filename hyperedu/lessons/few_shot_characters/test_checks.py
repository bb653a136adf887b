"""The checks know the right answers, and name the misconception behind every wrong one that they know."""

import math

import pytest
import torch

from hyperedu.lessons.few_shot_characters import checks
from hyperedu.losses import accuracy
from saying import NOT_YET, RIGHT, UNANSWERED


@pytest.mark.parametrize("check", [checks.probability, checks.written_head, checks.on_new_drawings, checks.rule])
def test_an_exercise_not_yet_answered_is_no_error(says, check):
    assert says(check, ...).startswith(UNANSWERED)


def softmax(a, b):
    return math.exp(a) / (math.exp(a) + math.exp(b))


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (softmax(2 - 1, 4 - 4), RIGHT),
        (softmax(-1, -2), RIGHT),
        (softmax(2, 4), "biases are missing"),
        (softmax(1 - 1, 2 - 4), "2 c, not c"),
        (softmax(-2, -1), "other class"),
        (softmax(-1, -math.sqrt(2)), "squared"),
        (0.5, "That is as if both were as far"),
        ("most", "This is a text"),
    ],
)
def test_the_probability(says, answer, words):
    said = says(checks.probability, answer)
    assert words in said
    assert said.startswith(RIGHT if words == RIGHT else NOT_YET)


def head(reduce=torch.mean, factor=2, bias=lambda c: -c.square().sum(-1)):
    def write(features, y, ways):
        c = torch.stack([reduce(features[y == k], 0) for k in range(ways)])
        return factor * c, bias(c)

    return write


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (head(), RIGHT),
        (head(torch.sum), "the mean"),
        (head(bias=lambda c: c.square().sum(-1)), "sign of the bias"),
        (head(factor=1), "The rows are 2 c"),
        (head(bias=lambda c: -c.norm(dim=-1)), "square of the length"),
        (head(bias=lambda c: 0 * c.sum(-1)), "There is no bias"),
        (lambda features, y, ways: features, "It must give 2 tensors, it gives 1."),
        (lambda features, y: None, "raises TypeError"),
    ],
)
def test_the_written_head(says, answer, words):
    assert words in says(checks.written_head, answer)


def judged(seen, on):
    def evaluate(learner, batch):
        parts = {"D": batch.support, "D'": batch.query, "both": batch.support.joined(batch.query)}
        return accuracy(learner.main(learner(None, parts[seen]), parts[on].x), parts[on].y).mean()

    return evaluate


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (judged("D", "D'"), RIGHT),
        (judged("D", "both"), "still among"),
        (judged("both", "D'"), "shown the query set"),
        (judged("both", "both"), "judged on all"),
        (judged("D'", "D"), "changed places"),
        (judged("D", "D"), "its own examples alone"),
        (lambda learner, batch: 1 / 3, "It gives the same for 20 tasks of 10 examples and for 7 task"),
        (lambda learner: 1.0, "raises TypeError"),
    ],
)
def test_new_drawings(says, answer, words):
    assert words in says(checks.on_new_drawings, answer)


def means(features, y, ways):
    return torch.stack([features[y == k].mean(0) for k in range(ways)])


def nearest_mean(features, y, ways, new):
    return -torch.cdist(new, means(features, y, ways)).square()


def in_units_of_spread(features, y, ways, new):
    c = means(features, y, ways)
    spread = (((features - c[y]).square().sum(0) + 2) / (len(y) - ways + 2)).sqrt()
    return -torch.cdist(new / spread, c / spread)


def without_the_loudest(features, y, ways, new):
    """Leaves out each feature that scatters twice as much as the middle one does."""
    spread = (features - means(features, y, ways)[y]).square().mean(0).sqrt()
    kept = spread <= 2 * spread.median()
    return nearest_mean(features[:, kept], y, ways, new[:, kept])


def from_a_random_start(features, y, ways, new):
    """Not the same at every call, but nearly: that is no leak, and no matter of names."""
    W = 0.01 * torch.randn(ways, features.shape[1])
    for _ in range(80):
        W = W - 0.02 * ((features @ W.T).softmax(1) - torch.eye(ways)[y]).T @ features / len(y)
    return new @ W.T


@pytest.mark.parametrize(
    "answer",
    [
        in_units_of_spread,
        without_the_loudest,
        from_a_random_start,
        lambda *given: in_units_of_spread(*given).double().numpy(),
        lambda *given: in_units_of_spread(*given).softmax(1).tolist(),
    ],
)
def test_rules_that_differ_are_good(says, answer):
    said = says(checks.rule, answer)
    assert said.startswith(RIGHT)
    assert "%" in said


def on_all_together(features, y, ways, new):
    """Subtracts the mean of the new drawings too, as batch norm does."""
    return in_units_of_spread(features - features.mean(0), y, ways, new - new.mean(0))


def first_come(features, y, ways, new):
    return in_units_of_spread(features[: len(y) // 2], y[: len(y) // 2].clone(), ways, new).nan_to_num(-1e9)


def low_numbers_first(features, y, ways, new):
    return in_units_of_spread(features, y, ways, new) - torch.arange(ways)


def changing(features, y, ways, new):
    features -= features.mean(0)
    return in_units_of_spread(features, y, ways, new)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (0.5, "A function is asked for"),
        (lambda features, y, ways: features, "raises TypeError"),
        (lambda *given: None, "It gives back nothing"),
        (lambda *given: "class 1", "raises"),
        (lambda *given: nearest_mean(*given).T, "it gives the shape (5, 100)"),
        (lambda *given: nearest_mean(*given).argmax(1), "a score for each drawing and class"),
        (lambda features, y, ways, new: torch.zeros(len(new), ways), "as good as chance"),
        (lambda features, y, ways, new: torch.rand(len(new), ways), "as good as chance"),
        (lambda *given: -nearest_mean(*given), "Are these distances?"),
        (nearest_mean, "ten points more are asked"),
        (lambda *given: 100 * nearest_mean(*given), "ten points more are asked"),
        (on_all_together, "a leak"),
        (first_come, "in another order"),
        (low_numbers_first, "only its number in the episode"),
        (changing, "in place"),
    ],
)
def test_what_is_no_better_rule_is_told_why(says, answer, words):
    said = says(checks.rule, answer)
    assert said.startswith(NOT_YET)
    assert words in said


def test_an_episode_has_the_spread_that_is_said_of_it():
    h, y, new, right = checks.episode(3, ways=2, shots=[400, 600], width=6, loud=2, queries=5)
    spread = (h - means(h, y, 2)[y]).square().mean(0).sqrt()
    assert y.bincount().tolist() == [400, 600]
    assert right.bincount().tolist() == [5, 5]
    assert new.shape == (10, 6)
    torch.testing.assert_close(spread.sort().values, torch.tensor([1.0] * 4 + [5.0] * 2), rtol=0.1, atol=0)
