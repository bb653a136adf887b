"""The lessons as a course of nbgrader and of otter: from the instructor's notebooks to grades, with students of all kinds."""

import csv
import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import nbformat
import pytest

import editions
import environments
import grading
from hyperedu.lessons import feedback
from hyperedu.lessons.maml import checks
from saying import RIGHT
from test_answers import ANSWERS

pytestmark = pytest.mark.xdist_group("grading")  # one course, and one environment that is made for it
LESSON = "maml"
FULL = sum(grading.POINTS.values())


@pytest.mark.parametrize("lesson", editions.LESSONS)
def test_an_instructors_notebook_has_points_for_each_exercise_and_no_notes_for_teachers(lesson):
    notebook = grading.for_nbgrader(lesson)
    nbformat.validate(notebook)
    points = [cell.metadata.nbgrader.points for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade")]
    assert sum(points) == FULL
    assert not any(set(cell.metadata.get("tags", [])) & {"teacher", "solution", "slides"} for cell in notebook.cells)
    for cell in notebook.cells:
        if cell.metadata.get("nbgrader", {}).get("solution"):
            assert cell.source.index("...") < cell.source.index("### BEGIN SOLUTION") < cell.source.index("### END SOLUTION")


def test_a_check_gives_a_result_beside_what_it_says(capsys):
    for answer, right in ((0.48, True), (1.2, False), (..., None)):
        found = feedback.result(checks.meta_gradient, answer)
        assert found.right is right
        assert capsys.readouterr().out.strip() == found.said


def test_an_exercise_without_a_check_at_its_end_is_an_error():
    with pytest.raises(ValueError, match="must end with the call of its check"):
        grading._parted("x = 1")


def test_two_that_need_the_environment_at_the_same_moment_make_it_once(tmp_path, monkeypatch):
    made = []

    def create(folder, **_options):
        made.append(folder)
        time.sleep(0.3)
        for file in ("Scripts/python.exe", "bin/python"):
            (folder / file).parent.mkdir(parents=True)
            (folder / file).touch()
        (folder / f"lib/python{sys.version_info[0]}.{sys.version_info[1]}/site-packages").mkdir(parents=True)
        (folder / "Lib/site-packages").mkdir(parents=True, exist_ok=True)

    monkeypatch.setattr(environments.venv, "create", create)
    monkeypatch.setattr(environments.subprocess, "run", lambda *_arguments, **_options: None)
    with ThreadPoolExecutor() as pool:
        pythons = list(pool.map(lambda _n: environments.environment(tmp_path / ".graders", grading.PINS, "a test"), range(2)))
    assert made == [tmp_path / ".graders"]
    assert pythons[0] == pythons[1]


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A course with one short assignment: of the lesson what the exercises need."""
    folder = tmp_path_factory.mktemp("course")
    patch = pytest.MonkeyPatch()

    def short(lesson):
        return [cell for cell in editions.cells(lesson) if cell.id == "imports" or cell.id.startswith("exercise-")]

    patch.setattr(grading, "cells", short)
    grading.write(folder, [LESSON])
    config = folder / "nbgrader_config.py"
    shorter = config.read_text(encoding="utf-8").replace(f"timeout = {grading.SECONDS}", "timeout = 30")
    config.write_text(shorter, encoding="utf-8")
    assert grading.run(folder, "nbgrader", "generate_assignment", LESSON) == 0
    yield folder
    patch.undo()


def hand_in(course, student, answers):
    """A student's notebook, whose cells in `answers` are so."""
    name = editions.file_name(LESSON)
    notebook = nbformat.read(course / "release" / LESSON / name, 4)
    for cell in notebook.cells:
        cell.source = answers.get(cell.id, cell.source)
    path = course / "submitted" / student / LESSON / name
    path.parent.mkdir(parents=True)
    nbformat.write(notebook, path)


def call(exercise):
    (cell,) = [cell for cell in editions.cells(LESSON) if cell.id == f"exercise-{exercise}-answer"]
    return cell.source.splitlines()[-1]


def graded(course):
    assert grading.run(course, "nbgrader", "export") == 0
    with (course / "grades.csv").open(encoding="utf-8") as file:
        return {row["student_id"]: float(row["score"]) for row in csv.DictReader(file)}


def test_what_is_released_has_no_solution_and_no_hidden_test(course):
    released = nbformat.read(course / "release" / LESSON / editions.file_name(LESSON), 4)
    text = json.dumps(released)
    assert "HIDDEN" not in text
    assert "SOLUTION" not in text
    assert "create_graph=True" not in "".join(cell.source for cell in released.cells if cell.id.endswith("-answer"))


def test_from_release_to_grades(course):
    """Each student passes or fails alone: those who are right, those who err in known ways, and those who do harm."""
    solved = {
        cell.id.replace("solution", "answer"): cell.source
        for cell in editions.cells(LESSON)
        if cell.id.startswith("exercise-") and cell.id.endswith("-solution")
    }
    hand_in(course, "perfect", solved)
    wanted = {"perfect": FULL, "untouched": 0, "claims": 0, "broken": 0}
    hand_in(course, "untouched", {})
    hand_in(course, "claims", dict.fromkeys(solved, 'print("✓ Right. 8 points")'))
    mistakes = [
        [a["code"] for a in ANSWERS if (a["lesson"], a["exercise"]) == (LESSON, n) and a["says"] != RIGHT] for n in (1, 2, 3)
    ]
    for k, answers in enumerate(zip(*mistakes, strict=False)):
        wanted[f"wrong-{k}"] = 0
        hand_in(course, f"wrong-{k}", {f"exercise-{n}-answer": f"{a}\n{call(n)}" for n, a in enumerate(answers, 1)})
    harm = {
        "loops": "while True:\n    pass",
        "eats": f"x = bytearray({2 * grading.MEMORY} * 2**30)",
        "prints": "for _ in range(1000):\n    print('x' * 100_000)",
        "deletes": "import glob, os\nfor name in glob.glob('*'):\n    os.remove(name)",
    }
    for student, code in harm.items():
        wanted[student] = FULL - grading.POINTS["exercise-2"]  # the others are right
        hand_in(course, student, solved | {"exercise-2-answer": code})
    broken = course / "submitted" / "broken" / LESSON / editions.file_name(LESSON)
    broken.parent.mkdir(parents=True)
    broken.write_text("this is no notebook", encoding="utf-8")

    assert grading.run(course, "nbgrader", "autograde", LESSON) != 0, "one of them is no notebook, and that is said"
    assert graded(course) == wanted

    assert grading.run(course, "nbgrader", "generate_feedback", LESSON, "--student", "wrong-0") == 0
    (page,) = (course / "feedback" / "wrong-0" / LESSON).glob("*.html")
    assert page.read_text(encoding="utf-8").count("✗ Not yet") >= 3

    # The lesson is written and released again, and one student is graded again: the grades of the others stay.
    grading.write(course, [LESSON])
    assert grading.run(course, "nbgrader", "generate_assignment", LESSON, "--force") == 0
    assert grading.run(course, "nbgrader", "autograde", LESSON, "--student", "untouched", "--force") == 0
    assert graded(course) == wanted


def test_with_otter(course):
    """`otter assign` runs the solutions and must find them right; what it gives grades an untouched and a wrong notebook."""
    assert grading.run(course, "otter", "assign", f"otter/{LESSON}.ipynb", f"otter/{LESSON}", "--no-pdfs") == 0
    made = course / "otter" / LESSON
    (archive,) = (made / "autograder").glob("*.zip")
    student = nbformat.read(made / "student" / f"{LESSON}.ipynb", 4)
    assert "feedback.result" not in json.dumps(student)
    points = {}
    for name, first in (("untouched", "gradient = ..."), ("one", 'print("✓ Right.")\ngradient = 0.48')):
        answered = json.loads(json.dumps(student).replace("gradient = ...", json.dumps(first)[1:-1]))
        file, folder = course / f"{name}.ipynb", course / f"{name}-results"
        file.write_text(json.dumps(answered), encoding="utf-8")
        folder.mkdir()
        assert grading.run(course, "otter", "run", "--no-logo", "-a", str(archive), "-o", folder.name, file.name) == 0
        results = json.loads((folder / "results.json").read_text(encoding="utf-8"))["tests"]
        points[name] = [test["score"] for test in results if test["name"].startswith("exercise")]
    assert points == {"untouched": [0, 0, 0], "one": [grading.POINTS["exercise-1"], 0, 0]}
    assert "Not answered yet" in json.dumps(results, ensure_ascii=False)
