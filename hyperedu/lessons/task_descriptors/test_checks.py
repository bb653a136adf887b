"""The checks know the right answers, and name the misconception behind every wrong one that they know."""

import pytest
import torch

from hyperedu.lessons.task_descriptors import checks
from saying import NOT_YET, RIGHT, UNANSWERED


@pytest.mark.parametrize("check", [checks.examples_needed, checks.describer, checks.honest_split])
def test_an_exercise_not_yet_answered_is_no_error(says, check):
    assert says(check, ...).startswith(UNANSWERED)


@pytest.mark.parametrize(
    ("check", "answer", "words"),
    [
        (checks.examples_needed, 64, RIGHT),
        (checks.examples_needed, [64.0], RIGHT),
        (checks.examples_needed, 8, "Its square"),
        (checks.examples_needed, 32, "you took σ"),
        (checks.examples_needed, 16, "enters squared"),
        (checks.examples_needed, 1 / 64, "other way round"),
        (checks.examples_needed, 7, "σ / √n"),
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
        (of_y((MEAN, STD), "query"), "It is made from the query set"),
        (of_y((MEAN, VAR)), "variance"),
        (of_y((STD, MEAN)), "mean comes first"),
        (lambda batch: batch.support.y[:, :2, 0], "The first number should be the mean of batch.support.y of ea"),
        (lambda batch: batch.descriptor, "came with"),
        (lambda batch: torch.stack([batch.support.x.mean((1, 2)), batch.support.x.std((1, 2))], -1), "says nothing of them"),
        (
            lambda batch: torch.stack([batch.support.y.mean(), batch.support.y.std()]).expand(5, 2),
            "For 3 tasks of 4 examples the shape must be (3, 2), it is (5",
        ),
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
        (split_by(lambda s, words: words[0] in s.lower()), "Only the first of the words is looked for."),
        (
            split_by(lambda s, words: any(w in s.lower() for w in [*words, "fast"])),
            "It is right for cold, warm, deep and not for lofty, calm",
        ),
        (lambda sentences, words: (sentences[:5], sentences[5:]), "It gives the same for lofty, calm and for fast"),
        (lambda sentences, words: (sentences, sentences), "It gives the same for lofty, calm and for fast"),
        (lambda sentences, words: (["tall"], ["calm"]), "It gives the same for lofty, calm and for fast"),
        (lambda sentences, words: None, "raises TypeError"),
    ],
)
def test_the_honest_split(says, answer, words):
    assert words in says(checks.honest_split, answer)
