"""Answers that were written from the lessons alone, before anybody looked at the checks: each is told what is wrong with it.

answers.json has for every exercise at least three wrong answers, what a learner believes who gives them, and a part of what the
check says; and two right ones in unusual styles, or three different ones where many answers are good.
`PYTHONPATH=.:course python tests/test_answers.py` shows what each answer is told.
"""

import contextlib
import io
import json
from functools import cache
from pathlib import Path

import pytest
import torch

import editions
from hyperedu.lessons.progress import EXERCISES
from saying import NOT_YET, RIGHT

MAKE = 4  # the exercise with several good answers
ANSWERS = json.loads(Path(__file__).with_name("answers.json").read_text(encoding="utf-8"))


@cache
def namespace(lesson: str) -> dict:
    """What an answer may use: what the lesson imports, what the exercises give, and lesson 00's learner, untrained."""
    names: dict = {}
    for cell in editions.cells(lesson):
        if cell.cell_type == "code" and (cell.id == "imports" or cell.id.endswith("-given")):
            with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(NameError):
                exec(cell.source, names)
    if lesson == "start_here":
        torch.manual_seed(7)
        family = names["ColoradoClimate"]()
        main = names["MainNetwork"].mlp([2, 32, 32, 1], "tanh", family.y_mean, family.y_std)
        learner = names["Hypernetwork"](main, names["MLPGenerator"](descriptor_dim=3, main=main))
        names |= {"family": family, "main": main, "learner": learner}
    return names


def call_of_the_check(lesson: str, exercise: int) -> str:
    (cell,) = [cell for cell in editions.cells(lesson) if cell.id == f"exercise-{exercise}-answer"]
    return cell.source.splitlines()[-1]


def told(answer: dict) -> str:
    names, said = dict(namespace(answer["lesson"])), io.StringIO()
    with contextlib.redirect_stdout(said):
        exec(answer["code"], names)
        exec(call_of_the_check(answer["lesson"], answer["exercise"]), names)
    return said.getvalue().strip()


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda a: f"{a['lesson']}-{a['exercise']}-{a['belief'][:40]}")
def test_an_answer_is_told_what_is_wrong_with_it(answer):
    said = told(answer)
    assert said.startswith(RIGHT if answer["says"] == RIGHT else NOT_YET)
    assert answer["says"] in said


def test_every_exercise_has_wrong_answers_and_right_ones():
    for lesson in editions.LESSONS:
        for exercise in range(1, EXERCISES + 1):
            says = [a["says"] for a in ANSWERS if (a["lesson"], a["exercise"]) == (lesson, exercise)]
            assert len(says) - says.count(RIGHT) >= 3, (lesson, exercise)
            assert says.count(RIGHT) >= (3 if exercise == MAKE else 2), (lesson, exercise)


if __name__ == "__main__":
    for answer in ANSWERS:
        print(f"{answer['lesson']} {answer['exercise']}: {answer['belief']}\n    {told(answer)}\n")
