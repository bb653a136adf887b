"""The numbers of exercises that are drawn from a key: those of the text without one, and with each the same check."""

import hashlib
import importlib

import pytest
import torch

import editions
from hyperedu.lessons import feedback, variants
from saying import NOT_YET, RIGHT, UNANSWERED

KEYS = [variants.key_of(hashlib.sha256(bytes([n])).digest()) for n in range(200)]


def checks_of(lesson):
    return importlib.import_module(f"hyperedu.lessons.{lesson}.checks")


KEYED = {
    f"{lesson}.{name}": check
    for lesson in editions.LESSONS
    for name, check in vars(checks_of(lesson)).items()
    if isinstance(check, variants.Keyed)
}
SOLVED = {name: check for name, check in KEYED.items() if issubclass(check.instance, variants.Solved)}


def leaf(x):
    return torch.tensor(float(x), dtype=torch.float64, requires_grad=True)


def meta_gradient(one):
    """By autograd, through the step."""
    start = leaf(one.theta_0)
    (step,) = torch.autograd.grad(one.h * start**2 / 2, start, create_graph=True)
    (gradient,) = torch.autograd.grad((start - one.alpha * step - one.c) ** 2 / 2, start)
    return gradient


# The right answers, each by another way than that of the check.
INDEPENDENT = {
    "maml.meta_gradient": meta_gradient,
}
# What the texts say.
TEXTS = {
    "maml.meta_gradient": (r"h = 2", r"c' = -0.4", r"\theta_0 = 2", r"\alpha = 0.3"),
}
every_solved = pytest.mark.parametrize("name", SOLVED)


@pytest.fixture(params=[False, True], ids=["typed", "in the environment"])
def give(request, monkeypatch):
    """Gives a key to this process, in one of the two ways."""
    monkeypatch.delenv(variants.GRADED, raising=False)

    def give(key):
        if request.param:
            monkeypatch.setenv(variants.KEY, key)
        else:
            monkeypatch.setattr(variants, "key", key)

    return give


def test_each_has_a_right_answer_found_in_another_way():
    assert set(INDEPENDENT) == set(SOLVED)
    assert set(TEXTS) == set(KEYED)


@pytest.mark.parametrize("name", KEYED)
def test_without_a_key_the_numbers_are_those_of_the_text(name):
    lesson, check = name.split(".")
    cells = editions.cells(lesson)
    (n,) = [cell.id[len("exercise-")] for cell in cells if cell.id.endswith("-answer") and f"checks.{check}(" in cell.source]
    (text,) = ["\n".join(cell.source for cell in cells if cell.id in (f"exercise-{n}", f"exercise-{n}-given"))]
    for number in TEXTS[name]:
        assert number in text, number
    assert KEYED[name].instance.of("") == KEYED[name].instance()


@every_solved
def test_the_right_answer_is_taken_and_each_mistake_is_told_as_that_mistake(name, capsys, monkeypatch):
    monkeypatch.delenv(variants.GRADED, raising=False)
    for key in KEYS:
        monkeypatch.setattr(variants, "key", key)
        one = SOLVED[name].instance.of(key)
        found = feedback.result(SOLVED[name], INDEPENDENT[name](one))
        assert found.said.startswith(RIGHT), one
        told = one.told()
        assert len(told) == len(one.mistakes()) + (one != type(one)())
        for said, answers in told.items():
            for answer in feedback.each(answers):
                assert feedback.result(SOLVED[name], answer).said == f"{NOT_YET} {said}", one
        assert str(one) in capsys.readouterr().out


@every_solved
def test_the_text_has_its_own_right_answer(name):
    one = SOLVED[name].instance()
    assert feedback.result(SOLVED[name], INDEPENDENT[name](one)).right


@pytest.mark.parametrize("name", KEYED)
def test_others_have_other_numbers(name):
    numbers = {str(KEYED[name].instance.of(key)) for key in KEYS}
    assert len(numbers) >= 30


@every_solved
def test_few_have_the_same_answer(name):
    answers = [str(torch.as_tensor(SOLVED[name].instance.of(key).right).tolist()) for key in KEYS]
    assert max(map(answers.count, answers)) <= len(KEYS) / 10


def test_a_key_gives_the_same_numbers_on_every_machine():
    assert (KEYS[0], KEYS[1]) == ("ny2axhho", "jp2relz3")
    assert str(SOLVED["maml.meta_gradient"].instance.of(KEYS[0])) == "h = 3, c' = −0.5, θ₀ = 3, α = 0.1"


def test_a_student_reads_their_own_numbers_and_a_learner_without_a_key_nothing_more(give, capsys):
    check = SOLVED["maml.meta_gradient"]
    check(...)
    assert capsys.readouterr().out.startswith(UNANSWERED)
    give(KEYS[0].upper() + " ")
    check(...)
    said = capsys.readouterr().out
    assert said.startswith(f"For you: {check.instance.of(KEYS[0])}. These take the place")
    assert UNANSWERED in said
    check(0.48)
    assert "That is right for the numbers of the text; yours are these: " in capsys.readouterr().out


def test_a_mistyped_key_is_known(give, capsys):
    for wrong in (KEYS[0][:-1] + "7", KEYS[0][1:], "7" + KEYS[0][1:], "key"):
        give(wrong)
        SOLVED["maml.meta_gradient"](0.48)
        assert f"{NOT_YET} {wrong} is no key" in capsys.readouterr().out


def test_where_notebooks_are_graded_the_key_is_the_students_own(give, capsys, monkeypatch):
    check, (mine, others) = SOLVED["maml.meta_gradient"], KEYS[:2]
    monkeypatch.setenv(variants.GRADED, mine)
    for typed, owner, begins in ((mine, mine, RIGHT), ("", mine, RIGHT), ("", others, NOT_YET), (others, others, NOT_YET),
                                 (others, mine, NOT_YET)):  # fmt: skip
        give(typed)
        found = feedback.result(check, check.instance.of(owner).right)
        assert found.said.startswith(begins)
        assert ("another student's" in found.said) == (typed == others)
    capsys.readouterr()
