"""The checks know the right answers, and name the misconception behind every wrong one that they know."""

import math

import pytest
import torch

from hyperedu.lessons.few_shot_characters import checks
from hyperedu.losses import accuracy
from saying import NOT_YET, RIGHT, UNANSWERED


@pytest.mark.parametrize("check", [checks.probability, checks.written_head, checks.on_new_drawings])
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
