"""The checks know the right answers, and name the misconception behind every wrong one that they know."""

import pytest
import torch

from hyperedu.lessons.task_descriptors import checks
from saying import NOT_YET, RIGHT, UNANSWERED


@pytest.mark.parametrize("check", [checks.examples_needed, checks.describer, checks.honest_split, checks.telling])
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


def of_examples(f):
    return lambda batch: f(batch.support.x, batch.support.y)


def windows(x, y, n=8):
    return (y * torch.exp(-((x - torch.linspace(-3, 3, n)) ** 2))).mean(1)


def halves(x, y):
    return torch.cat([(y * (x < 0)).mean(1), (y * (x >= 0)).mean(1)], -1)


def statistics_of_y(x, y):
    return torch.cat([y.mean(1), y.std(1, correction=0), y.amin(1), y.amax(1)], -1)


def powers_of_y(x, y):
    return torch.cat([(y**k).mean(1) for k in range(1, 9)], -1)


def sines(x, y):
    return torch.cat([(y * wave(k * x)).mean(1) for k in (0.6, 1.3, 2.0) for wave in (torch.sin, torch.cos)], -1)


def polynomial(x, y):
    return torch.linalg.lstsq(torch.cat([x**k for k in range(6)], -1), y).solution[..., 0]


def amplitude_frequency_and_shift(x, y):
    """Of the wave that fits best, among 29 frequencies."""
    found = []
    for f in torch.linspace(0.6, 2, 29):
        S = torch.cat([torch.sin(f * x), torch.cos(f * x)], -1)
        ab = torch.linalg.solve(S.mT @ S + 1e-4 * torch.eye(2), S.mT @ y)
        error, (a, b) = (S @ ab - y).square().mean((1, 2)), ab[..., 0].unbind(-1)
        found.append(torch.stack([error, torch.hypot(a, b), f.expand(len(a)), torch.atan2(-b, a)], -1))
    best = torch.stack(found)[..., 0].argmin(0)
    return torch.stack(found)[best, torch.arange(len(x)), 1:]


class InPlace:
    def __call__(self, batch):
        batch.support.x.sub_(batch.support.x.mean(1, keepdim=True))
        return windows(batch.support.x, batch.support.y)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (of_examples(windows), RIGHT),
        (of_examples(lambda x, y: windows(x.double(), y.double()).numpy()), RIGHT),
        (of_examples(lambda x, y: windows(x, y).requires_grad_()), RIGHT),
        (of_examples(lambda x, y: windows(x, y, 4)), RIGHT),  # fewer numbers than are allowed
        (of_examples(sines), RIGHT),
        (of_examples(polynomial), RIGHT),  # of one example too, where many polynomials fit
        (of_examples(lambda x, y: windows(x, y, 2)), "It hears x and y, and not enough"),
        (of_examples(halves), "It hears x and y, and not enough"),
        (of_examples(statistics_of_y), "it has lost which y was at which x"),
        (of_examples(powers_of_y), "it has lost which y was at which x"),
        (of_examples(amplitude_frequency_and_shift), "a linear layer that reads it explains 18% of new waves, one that bends"),
        (of_examples(lambda x, y: windows(x, y, 9)), "It says 9 numbers of each task, and at most 8"),
        (of_examples(lambda x, y: windows(x, y) * x.shape[1]), "A sum where a mean is meant"),
        (of_examples(lambda x, y: torch.cat([windows(x, y, 6), 0 * y[:, 0] + x.shape[1]], -1)), "shown twice"),  # a count
        (of_examples(lambda x, y: y[:, :1, 0]), "in another order"),
        (of_examples(lambda x, y: windows(x, y) - windows(x, y).mean(0)), "Of a task alone"),
        (of_examples(lambda x, y: y.std(1)), "Of a single example it gives nan"),
        (of_examples(lambda x, y: windows(x, y) / (len(y[0]) - 5)), "For 12 tasks of 5 examples it gives nan or inf"),
        (of_examples(lambda x, y: x.mean(1)), "With the outputs of other tasks it says the same"),
        (of_examples(lambda x, y: y.flatten(1)), "30 numbers where there are 30 examples, 5 where there are 5, and 1 of one"),
        (of_examples(lambda x, y: y.mean((1, 2))), "the shape (12,), and (12, d)"),
        (of_examples(lambda x, y: (y.mean((1, 2)), y.amax((1, 2)))), "the shape (2, 12), and (12, d)"),
        (of_examples(lambda x, y: None), "a `return` missing"),
        (of_examples(lambda x, y: "tall, slow"), "raises TypeError"),
        (lambda batch: windows(batch.query.x, batch.query.y), "a descriptor must not see the test"),
        (lambda batch: batch.descriptor, "which is noise here"),
        (lambda batch: torch.zeros(len(batch), 8), "the same of all tasks"),
        (lambda batch: torch.rand(len(batch), 8), "draws at random"),
        (InPlace(), "in place"),
        (lambda: 0, "raises TypeError"),
        (windows(torch.zeros(2, 3, 1), torch.zeros(2, 3, 1)), "A function is asked for"),
        ("tall, slow", "A function is asked for"),
    ],
)
def test_a_descriptor_that_is_made(says, answer, words):
    said = says(checks.telling, answer)
    assert words.lower() in said.lower()
    assert said.startswith(RIGHT if words == RIGHT else NOT_YET)


def test_what_the_teacher_is_told_of_descriptors():
    """Lesson 04's note on exercise 4."""
    shares = [checks._explained(of_examples(f)) for f in (windows, sines, polynomial, statistics_of_y, powers_of_y)]
    assert [f"{share:.0%}" for share in shares] == ["88%", "89%", "97%", "7%", "3%"]
    assert f"{checks._explained(of_examples(amplitude_frequency_and_shift)):.0%}" == "18%"
    assert f"{checks._explained(of_examples(windows), shots=10):.0%}" == "72%"
    assert checks._explained(of_examples(polynomial), shots=10) < 0
