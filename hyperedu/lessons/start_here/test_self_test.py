"""The self-test: right answers are right, each mistake is named, it says what to do first, and it counts in no progress."""

import re

import jupytext
import pytest
import torch

import editions
from hyperedu.lessons.start_here import self_test_checks as checks
from saying import NOT_YET, RIGHT, UNANSWERED

SOURCE = editions.FOLDERS / "start_here" / "self_test.py"


@pytest.fixture(autouse=True)
def nothing_answered():
    checks._given.clear()


def run(answers):
    """Run all of the notebook's code, as its build does, with these answers, name → value, in place of the three dots."""
    names = {}
    for cell in jupytext.read(SOURCE, fmt="py:percent").cells:
        if cell.cell_type == "code":
            asked = re.search(r'checks\.check\("(.+)",', cell.source)
            if asked and asked[1] in answers:
                assert cell.source.count("...") == 1
                cell.source = cell.source.replace("...", repr(answers[asked[1]]))
            exec(cell.source, names)


def test_right_answers_are_right_and_nothing_is_noted(capsys, monkeypatch, tmp_path):
    progress = tmp_path / "progress.json"
    monkeypatch.setenv("HYPEREDU_PROGRESS", str(progress))
    run({name: asked.right for name, asked in checks.QUESTIONS.items()})
    said = capsys.readouterr().out
    assert said.count(RIGHT) == len(checks.QUESTIONS) == 10
    assert said.endswith("Ready: begin with lesson 00.\n")
    assert not progress.exists()


def test_untouched_it_is_no_error_and_says_that_nothing_is_answered(capsys):
    run({})
    said = capsys.readouterr().out
    assert said.count(UNANSWERED) == 10
    assert said.splitlines()[-1].startswith("Nothing is answered yet")
    assert "Ready" not in said


def test_half_done_it_says_how_many_are_missing(capsys):
    run({"gradient": 30, "step": 4.2})
    said = capsys.readouterr().out
    assert "8 of 10 are not answered yet: detach, weights, broadcast, test-set" in said
    assert said.endswith(f"Before lesson 05: {checks.CALCULUS}\n")
    assert "Nothing is answered" not in said
    assert "Ready" not in said


@pytest.mark.parametrize("name", checks.QUESTIONS)
def test_every_mistake_is_named_and_something_is_to_be_read(says, name):
    asked = checks.QUESTIONS[name]
    assert len(asked.mistakes) >= 2
    for mistake, words in asked.mistakes.items():
        said = says(checks.check, name, mistake)
        assert said.startswith(f"{NOT_YET} {words}")
        assert said.endswith(f"Read {asked.read}.\n")
    if isinstance(asked.right, str):
        assert {asked.right, *asked.mistakes} == set("abc")


def test_what_pytorch_says_is_right():
    w = torch.tensor(2.0, requires_grad=True)
    ((3 * w - 1) ** 2).backward()
    W, x = torch.tensor([[1.0, 2.0], [0.0, 1.0]], requires_grad=True), torch.tensor([2.0, 1.0])
    (0.5 * (W @ x).square().sum()).backward()
    theta = torch.tensor(3.0, requires_grad=True)
    (0.5 * 4 * theta**2).backward()
    tensor = torch.zeros(2)
    other = tensor
    other += 1
    right = {
        "gradient": w.grad.item(),
        "weights": sum(p.numel() for p in torch.nn.Linear(3, 4).parameters()),
        "broadcast": tuple((torch.zeros(25, 7, 1) - torch.zeros(7, 1)).shape),
        "step": (theta - 0.1 * theta.grad).item(),
        "chain-rule": W.grad[0, 0].item(),
        "product": tuple((torch.zeros(25, 7, 3) @ torch.zeros(25, 3, 4)).shape),
        "alias": tensor.sum().item(),
    }
    assert {name: checks.QUESTIONS[name].right for name in right} == pytest.approx(right)
    with pytest.raises(RuntimeError, match="does not require grad"):
        ((3 * w.detach() - 1) ** 2).backward()


@pytest.mark.parametrize(
    ("name", "answer", "words"),
    [
        ("broadcast", torch.zeros(25, 7, 1).shape, RIGHT),
        ("broadcast", [25, 7, 1], RIGHT),
        ("broadcast", 175, "in parentheses"),
        ("detach", " C ", RIGHT),
        ("detach", "none", "letter of an answer"),
        ("detach", None, "letter of an answer"),
        ("gradient", "30", "without quotation marks"),
        ("step", torch.tensor(1.8), RIGHT),
    ],
)
def test_an_answer_in_another_form(says, name, answer, words):
    assert words in says(checks.check, name, answer)


def test_the_summary_says_what_to_do_first(capsys):
    answers = {name: asked.right for name, asked in checks.QUESTIONS.items()} | {"gradient": 10, "detach": "b", "step": 4.2}
    for name, answer in answers.items():
        checks.check(name, answer)
    capsys.readouterr()
    checks.summary()
    said = capsys.readouterr().out.splitlines()
    assert said == [f"Do this first: {checks.AUTOGRAD}", f"Before lesson 05: {checks.CALCULUS}"]
    checks.check("gradient", 30)
    checks.check("detach", "c")
    capsys.readouterr()
    checks.summary()
    assert capsys.readouterr().out.splitlines()[-1] == "Ready: begin with lesson 00, and read the above in time."


def test_a_question_that_is_none_is_an_error():
    with pytest.raises(ValueError, match="no question 'gradints', but gradient"):
        checks.check("gradints", 1)
