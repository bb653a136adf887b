"""The checks know the right answers, and name the misconception behind every wrong one that they know."""

import pytest
import torch

from hyperedu.lessons.task_descriptors import checks
from saying import NOT_YET, RIGHT, UNANSWERED


@pytest.mark.parametrize("check", [checks.table_size, checks.describer, checks.honest_split])
def test_an_exercise_not_yet_answered_is_no_error(says, check):
    assert says(check, ...).startswith(UNANSWERED)


@pytest.mark.parametrize(
    ("check", "answer", "words"),
    [
        (checks.table_size, 200 * 4 + 4 * 64 + 64, RIGHT),
        (checks.table_size, 200 * 64 + 64, "without a table"),
        (checks.table_size, 200 * 4, "table alone"),
        (checks.table_size, 200 * 4 + 4 * 64, "biases are missing"),
        (checks.table_size, 4 * 64 + 64, "layer alone"),
        (checks.table_size, 200 * 4 + 200 * 64 + 64, "not the one-hot vector"),
        (checks.table_size, 7, "Add the table"),
    ],
)
def test_a_number(says, check, answer, words):
    said = says(check, answer)
    assert words in said
    assert said.startswith(RIGHT if words == RIGHT else NOT_YET)


MEAN, STD, VAR = torch.mean, torch.std, torch.var


def of_y(of, part="support", along=(1, 2)):
    return lambda batch: torch.stack([f(getattr(batch, part).y, along) for f in of], dim=-1)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (of_y((MEAN, STD)), RIGHT),
        (of_y((MEAN, STD), "query"), "changes with the query set"),
        (of_y((MEAN, VAR)), "variance"),
        (of_y((STD, MEAN)), "mean comes first"),
        (lambda batch: batch.support.y[:, :2, 0], "another order"),
        (lambda batch: batch.descriptor, "came with"),
        (lambda batch: torch.stack([batch.support.x.mean((1, 2)), batch.support.x.std((1, 2))], -1), "says nothing of them"),
        (lambda batch: torch.stack([batch.support.y.mean(), batch.support.y.std()]).expand(5, 2), "described alike"),
        (of_y((MEAN, torch.amax)), "the second its spread"),
        (lambda batch: batch.support.y.mean((1, 2)), "shape must be (5, 2)"),
        (lambda batch: batch.nothing, "raises AttributeError"),
    ],
)
def test_the_describer(says, answer, words):
    assert words in says(checks.describer, answer)


def split_by(new):
    return lambda sentences, words: ([s for s in sentences if not new(s, words)], [s for s in sentences if new(s, words)])


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (split_by(lambda s, words: any(w in s.lower() for w in words)), RIGHT),
        (split_by(lambda s, words: any(w in s for w in words)), "lower case"),
        (split_by(lambda s, words: words[0] in s.lower()), "should be new in the test"),
        (split_by(lambda s, words: any(w in s.lower() for w in [*words, "fast"])), "flatter"),
        (lambda sentences, words: (sentences[:5], sentences[5:]), "is trained on"),
        (lambda sentences, words: (sentences, sentences), "in both parts"),
        (lambda sentences, words: (["tall"], ["calm"]), "in neither part"),
        (lambda sentences, words: None, "raises TypeError"),
    ],
)
def test_the_honest_split(says, answer, words):
    assert words in says(checks.honest_split, answer)
