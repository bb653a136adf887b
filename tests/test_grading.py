"""The lessons as a course of nbgrader and of otter: from the instructor's notebooks to grades, with students of all kinds."""

import ast
import csv
import json
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import zip_longest

import nbformat
import pytest

import editions
import environments
import grading
import keys
from hyperedu.lessons import feedback, variants
from hyperedu.lessons.maml import checks
from hyperedu.lessons.progress import EXERCISES
from saying import RIGHT
from test_answers import ANSWERS, call_of_the_check, namespace

pytestmark = pytest.mark.xdist_group("grading")  # one course, and one environment that is made for it
LESSON = "maml"
OTHERS = ("everything_is_a_mapping", "learning_to_learn")  # whose exercises run fast: more wrong answers are graded
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
def short():
    """Assignments are short in this module: of a lesson what its exercises need."""

    def cells(lesson):
        return [cell for cell in editions.cells(lesson) if cell.id == "imports" or cell.id.startswith("exercise-")]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(grading, "cells", cells)
        yield


@pytest.fixture(scope="module")
def course(tmp_path_factory, short):
    """A course without keys."""
    folder = tmp_path_factory.mktemp("course")
    grading.write(folder, [LESSON, *OTHERS])
    config = folder / "nbgrader_config.py"
    shorter = config.read_text(encoding="utf-8").replace(f"timeout = {grading.SECONDS}", "timeout = 15")
    config.write_text(shorter, encoding="utf-8")
    for lesson in (LESSON, *OTHERS):
        assert grading.run(folder, "nbgrader", "generate_assignment", lesson) == 0
    return folder


@pytest.fixture(scope="module")
def course_with_keys(tmp_path_factory, short):
    folder = tmp_path_factory.mktemp("keys")
    # No secret of chance: one pair of students in 75 has the same numbers in this exercise.
    (folder / keys.SECRET).write_text("ab" * 32, encoding="utf-8")
    keys.write(folder, ["ada", "ben", "cem", "dee", "eve", "teacher"])
    grading.write(folder, [LESSON])
    assert grading.run(folder, "nbgrader", "generate_assignment", LESSON) == 0
    return folder


def hand_in(course, student, answers, lesson=LESSON, path=None):
    """A student's notebook, whose cells in `answers` are so; where nbgrader looks for it, or elsewhere."""
    name = editions.file_name(lesson)
    notebook = nbformat.read(course / "release" / lesson / name, 4)
    for cell in notebook.cells:
        cell.source = answers.get(cell.id, cell.source)
    path = path or course / "submitted" / student / lesson / name
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, path)


def collect(course, *options):
    return grading.run(course, "nbgrader", "zip_collect", LESSON, *options)


def solved_with(lesson, tail):
    return {
        cell.id.removesuffix(tail) + "answer": cell.source
        for cell in editions.cells(lesson)
        if cell.id.startswith("exercise-") and cell.id.endswith(tail)
    }


def wrong_of(lesson):
    """The notebooks of four students who err in known ways: of each exercise another mistake."""
    mistakes = [
        [f"{a['code']}\n{call_of_the_check(lesson, n)}" for a in ANSWERS
         if (a["lesson"], a["exercise"]) == (lesson, n) and a["says"] != RIGHT][:4]
        for n in range(1, EXERCISES + 1)
    ]  # fmt: skip
    return [
        {f"exercise-{n}-answer": code for n, code in enumerate(one, 1) if code is not None} for one in zip_longest(*mistakes)
    ]


def graded(course, lesson=LESSON):
    assert grading.run(course, "nbgrader", "export") == 0
    with (course / "grades.csv").open(encoding="utf-8") as file:
        return {row["student_id"]: float(row["score"]) for row in csv.DictReader(file) if row["assignment"] == lesson}


def test_what_is_released_has_no_solution_and_no_hidden_test(course):
    released = nbformat.read(course / "release" / LESSON / editions.file_name(LESSON), 4)
    text = json.dumps(released)
    assert "HIDDEN" not in text
    assert "SOLUTION" not in text
    assert "create_graph=True" not in "".join(cell.source for cell in released.cells if cell.id.endswith("-answer"))


def test_from_release_to_grades(course, tmp_path, capfd):
    """Each student passes or fails alone: those who are right, those who err in known ways, and those who do harm."""
    solved, name = solved_with(LESSON, "solution"), editions.file_name(LESSON)
    archive = course / "downloaded" / LESSON / "archive"
    wanted = {"perfect": FULL, "untouched": 0, "claims": 0, "broken": 0}
    # These come from an LMS: as a file, with what an LMS writes behind the name, and in a zip.
    hand_in(course, "perfect", solved, path=archive / f"perfect_{name}")
    hand_in(course, "untouched", {}, path=archive / "untouched_LATE_17_my answers-1.ipynb")
    hand_in(course, "zipped", solved, path=tmp_path / "zipped" / f"zipped_4711_file_{name}")
    shutil.make_archive(str(archive / "all"), "zip", tmp_path / "zipped")
    # And as Moodle has them: a folder for each student, in which lies what they handed in, as they named it.
    moodle, behind = tmp_path / "moodle", "4711_assignsubmission_file"
    hand_in(course, "", solved, path=moodle / f"Ada Lovelace_{behind}_" / name)
    hand_in(course, "", {}, path=moodle / f"Ben Ö_{behind}" / "my_answers" / "untouched_2.ipynb")
    (moodle / f"Ada Lovelace_{behind}_" / "notes.txt").write_text("no notebook", encoding="utf-8")
    hand_in(course, "", solved, path=moodle / f"_{behind}" / "nobody.ipynb")
    shutil.make_archive(str(archive / "Course_06-4711"), "zip", moodle)
    wanted |= {"zipped": FULL, "Ada Lovelace": FULL, "Ben Ö": 0}
    hand_in(course, "", solved, path=archive / name)
    hand_in(course, "", solved, path=archive / "ada.ipynb")
    shutil.copy(editions.NOTEBOOKS / name, archive / f"own_{name}")  # the lesson's own notebook, not the graded one
    assert collect(course) == 0
    said = capfd.readouterr().err
    assert {file for file in (name, "ada.ipynb") if f" {file} names no student" in said} == {name, "ada.ipynb"}
    assert f" _{behind} names no student" in said
    assert all(f"{file} is not the notebook of release/{LESSON}" in said for file in (f"own_{name}", "notes.txt"))
    assert {path.relative_to(course / "submitted").as_posix() for path in (course / "submitted").rglob(f"{LESSON}/*")} == {
        f"{student}/{LESSON}/{name}" for student in ("perfect", "untouched", "zipped", "Ada Lovelace", "Ben Ö")
    }
    hand_in(course, "claims", dict.fromkeys(solved, 'print("✓ Right. 8 points")'))
    for k, answers in enumerate(wrong_of(LESSON)):
        wanted[f"wrong-{k}"] = 0
        hand_in(course, f"wrong-{k}", answers)
    harm = {
        "loops": "import time\nwhile True:\n    time.sleep(0.1)",
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

    assert grading.run(course, "nbgrader", "generate_feedback", LESSON, "--student", "untouched") == 0
    (page,) = (course / "feedback" / "untouched" / LESSON).glob("*.html")
    assert "✓ Right" not in page.read_text(encoding="utf-8")

    # The lesson is written and released again, and one student, who hands in late, is graded again: the others' grades stay.
    grading.write(course, [LESSON])
    assert grading.run(course, "nbgrader", "generate_assignment", LESSON, "--force") == 0
    hand_in(course, "untouched", solved, path=archive / "untouched_LATE_17_my answers-1.ipynb")
    assert collect(course) != 0, "what was collected before is not overwritten without --force"
    assert collect(course, "--force") == 0
    assert grading.run(course, "nbgrader", "autograde", LESSON, "--student", "untouched", "--force") == 0
    assert graded(course) == wanted | {"untouched": FULL}
    assert grading.run(course, "nbgrader", "generate_feedback", LESSON, "--student", "untouched", "--force") == 0
    assert page.read_text(encoding="utf-8").count("✓ Right") >= 3


def test_with_keys_a_file_is_that_of_one_of_the_class_and_of_two_of_one_student_none_is_taken(course, tmp_path, capfd):
    keys.write(tmp_path, ["ada", "ada_b", "Ada Ö", "Ada Ö_12"])
    grading.write(tmp_path, [LESSON])
    shutil.copytree(course / "release", tmp_path / "release")
    archive, name = tmp_path / "downloaded" / LESSON / "archive", editions.file_name(LESSON)
    for student in ("ada", "ada_b", "stranger"):
        hand_in(course, student, {}, path=archive / f"{student}_{name}")
    of_moodle = {n: f"{owner}_{n}_assignsubmission_file" for n, owner in ((11, "Ada Ö"), (12, "Ada Ö"), (13, "stranger"))}
    for folder in of_moodle.values():  # two have one name, and the list tells them apart; the file is named by its student
        hand_in(course, "", {}, path=archive / folder / f"ada_{name}")
    assert collect(tmp_path) == 0
    assert {path.name for path in (tmp_path / "submitted").iterdir()} == {"ada", "ada_b", "Ada Ö", "Ada Ö_12"}
    said = capfd.readouterr().err
    assert all(f" {lost} names no student of the class" in said for lost in (f"stranger_{name}", of_moodle[13]))
    hand_in(course, "ada", {}, path=archive / "ada_06_maml (1).ipynb")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "submitted").rglob("*")}
    assert collect(tmp_path, "--force") != 0
    assert "Duplicate submission file" in capfd.readouterr().err
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "submitted").rglob("*")} == before


def test_wrong_answers_of_other_lessons_earn_nothing(course):
    for lesson in OTHERS:
        wanted = {"perfect": FULL}
        hand_in(course, "perfect", solved_with(lesson, "solution"), lesson)
        for k, answers in enumerate(wrong_of(lesson)):
            wanted[f"wrong-{k}"] = 0
            hand_in(course, f"wrong-{k}", answers, lesson)
        assert grading.run(course, "nbgrader", "autograde", lesson) == 0
        found = graded(course, lesson)
        assert {student: found[student] for student in wanted} == wanted
    assert sum(len(answers) for lesson in (LESSON, *OTHERS) for answers in wrong_of(lesson)) >= 30


def test_nobody_is_graded_by_another_students_numbers(course_with_keys):
    """With keys: one's own answer counts, a copied notebook does not, with its key or without, and neither does the text's."""
    course, solved, points = course_with_keys, solved_with(LESSON, "solution"), grading.POINTS["exercise-1"]
    key = keys.known(course)

    def answered(owner, typed):
        right = checks.meta_gradient.instance.of(key[owner]).right
        line = f"from hyperedu.lessons import variants\nvariants.key = {typed}"
        return solved | {"key": line, "exercise-1-answer": f"gradient = {right}\nchecks.meta_gradient(gradient)"}

    hand_in(course, "ada", answered("ada", repr(key["ada"])))
    hand_in(course, "ben", answered("ada", repr(key["ada"])))  # a copy
    hand_in(course, "cem", answered("ada", repr(key["cem"])))  # a copy with a key of his own
    hand_in(course, "dee", solved)  # the published solutions
    hand_in(course, "eve", answered("eve", "..."))  # right, who forgot to type the key
    hand_in(course, "stranger", answered("ada", repr(key["ada"])))  # is not on the list
    source = nbformat.read(course / "source" / LESSON / editions.file_name(LESSON), 4)
    hand_in(course, "teacher", {cell.id: cell.source for cell in source.cells if cell.id.endswith("-answer")})
    assert grading.run(course, "nbgrader", "autograde", LESSON) == 0
    without = FULL - points
    assert graded(course) == {
        "ada": FULL, "ben": without, "cem": without, "dee": without, "eve": FULL, "stranger": without, "teacher": FULL
    }  # fmt: skip
    assert grading.run(course, "nbgrader", "generate_feedback", LESSON, "--student", "ben") == 0
    (page,) = (course / "feedback" / "ben" / LESSON).glob("*.html")
    assert f"The key {key['ada']} is another's" in page.read_text(encoding="utf-8").replace("&#39;", "'")


def test_what_is_private_is_made_by_one_command_and_not_released(course_with_keys, tmp_path, monkeypatch, capsys):
    course, known = course_with_keys, keys.known(course_with_keys)
    secret = (course / keys.SECRET).read_text(encoding="utf-8")
    for file in [*(course / "release").rglob("*"), *(course / "source").rglob("*")]:
        if file.is_file():
            text = file.read_text(encoding="utf-8")
            assert not any(hidden in text for hidden in (secret, *known.values()))
    subprocess.run(["git", "init", "--quiet", str(course)], check=True)
    asked = ["git", "-C", str(course), "check-ignore", keys.SECRET, f"{keys.PRIVATE}/{keys.KEYS}"]
    assert subprocess.run(asked, capture_output=True).returncode == 0
    sheet = (course / keys.PRIVATE / f"{LESSON}.md").read_text(encoding="utf-8")
    for student, key in known.items():
        one = checks.meta_gradient.instance.of(key)
        assert f"| {student} | {key} | {one} | {one.right:.6g} |" in sheet
    # A paper, which is the teacher's from then on.
    paper, answers = (course / keys.PRIVATE / name for name in ("exam.md", "answers.md"))
    asked = paper.read_text(encoding="utf-8").count(" points) ")
    assert asked == answers.read_text(encoding="utf-8").count("*Points*") > 5
    paper.write_text("a paper of my own", encoding="utf-8")
    keys.write(course, [])
    assert paper.read_text(encoding="utf-8") == "a paper of my own"
    # Again, with a table: who was there keeps their key, and who is new gets one.
    (tmp_path / "students.csv").write_text("Student,Name\nnew,Somebody\nada,Ada\n", encoding="utf-8")
    monkeypatch.setattr(sys, "argv", ["grading.py", "keys", str(tmp_path / "course"), str(tmp_path / "students.csv")])
    assert grading.main() == 0
    (tmp_path / "course" / keys.SECRET).write_text(secret, encoding="utf-8")
    assert keys.write(tmp_path / "course", ["zoe"])["ada"] == known["ada"]
    assert list(keys.known(tmp_path / "course")) == ["new", "ada", "zoe"]
    capsys.readouterr()
    for does in (["keys", "ada"], ["write"]):
        monkeypatch.setattr(sys, "argv", ["grading.py", does[0], str(editions.ROOT / "course" / "mine"), *does[1:]])
        assert grading.main() == 1
        assert "choose a folder outside of it" in capsys.readouterr().out
    assert not (editions.ROOT / "course" / "mine").exists()


@pytest.mark.parametrize(
    "table",
    [
        "ada\nben-b\nCem Ö\n",
        "Student,Name\nada,Ada\n\nben-b,Ben\nCem Ö,\n",
        "Student;Name;Mark\nada;Ada, Countess;1,5\nben-b;Ben;2,0\nCem Ö;Cem;\n;;\n",
        "ada;Ada\nben-b;Ben\nCem Ö;Cem\n",
        '"ada";"Ada; Countess"\n"ben-b";"Ben"\n"Cem Ö";"Cem"\n',
        "id\tname\nada\tAda\nben-b\tBen\nCem Ö\tCem\n",
    ],
    ids=["one column", "commas", "semicolons", "semicolons, no heading", "semicolons, quoted", "tabs"],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_students_are_the_first_column_of_a_table_however_it_is_separated(tmp_path, table, encoding):
    (tmp_path / "students.csv").write_text(table, encoding=encoding)
    assert keys.students([str(tmp_path / "students.csv"), "dee"]) == ["ada", "ben-b", "Cem Ö", "dee"]


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (b"ada\n../ben\n", "write it without"),
        (b"ada\nben\\b\n", "write it without"),
        (b"ada\n..\n", "write it without"),
        (b"ada,Ada\n,Ben\n", "a student has no name"),
        (b"ada,Ada\nben,Ben\nada,Another\n", "two students are called ada"),
        ("ada\nCem Ö\n".encode("cp1252"), "is not in UTF-8"),
        (b"student;name\n", "nobody is in it"),
        (None, "there is no file"),
    ],
)
def test_a_name_that_can_be_no_folder_is_said_and_no_key_is_written(tmp_path, monkeypatch, capsys, table, said):
    if table is not None:
        (tmp_path / "students.csv").write_bytes(table)
    monkeypatch.setattr(sys, "argv", ["grading.py", "keys", str(tmp_path / "course"), str(tmp_path / "students.csv")])
    assert grading.main() == 1
    assert said in capsys.readouterr().out
    assert keys.known(tmp_path / "course") == {}


def test_a_course_configured_before_there_were_keys_is_not_graded_without_them(course_with_keys, tmp_path, capsys):
    keys.write(tmp_path, ["ada"])
    (tmp_path / "nbgrader_config.py").write_text("c = get_config()\n", encoding="utf-8")
    assert grading.run(tmp_path, "nbgrader", "autograde", LESSON) == 1
    assert "older than the keys" in capsys.readouterr().out


@pytest.mark.parametrize("lesson", editions.LESSONS)
def test_solutions_in_a_course_with_keys_are_right_for_any(lesson, monkeypatch, capsys):
    monkeypatch.setattr(variants, "key", variants.key_of(b"any"))
    for part in grading.parts(lesson, with_keys=True):
        if isinstance(part, grading.Exercise) and keys.keyed(lesson, part.check.func.attr):
            names = dict(namespace(lesson))
            exec(part.solution, names)
            exec(ast.unparse(part.check), names)
            assert RIGHT in capsys.readouterr().out


def test_with_otter_a_key_is_one_of_the_class_and_is_reported(course_with_keys):
    course, key = course_with_keys, keys.known(course_with_keys)
    assert grading.run(course, "otter", "assign", f"otter/{LESSON}.ipynb", f"otter/{LESSON}", "--no-pdfs") == 0
    made = course / "otter" / LESSON
    (archive,) = (made / "autograder").glob("*.zip")
    student = nbformat.read(made / "student" / f"{LESSON}.ipynb", 4)
    points = {}
    for name, typed in (("known", key["ada"]), ("unknown", variants.key_of(b"of another course")), ("none", None)):
        right = checks.meta_gradient.instance.of(typed or "").right
        for cell in student.cells:
            if "variants.key = " in cell.source:
                cell.source = f"from hyperedu.lessons import variants\nvariants.key = {typed!r}"
            if "checks.meta_gradient(" in cell.source:
                cell.source = f"gradient = {right}\nchecks.meta_gradient(gradient)"
        file, folder = course / f"{name}.ipynb", course / f"{name}-results"
        nbformat.write(student, file)
        folder.mkdir()
        assert grading.run(course, "otter", "run", "--no-logo", "-a", str(archive), "-o", folder.name, file.name) == 0
        text = (folder / "results.json").read_text(encoding="utf-8")
        points[name] = [test["score"] for test in json.loads(text)["tests"] if test["name"].startswith("exercise-1")]
        assert f"typed in: {typed or ''}" in text
    assert points == {"known": [grading.POINTS["exercise-1"]], "unknown": [0], "none": [0]}


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
    assert points == {"untouched": [0, 0, 0, 0], "one": [grading.POINTS["exercise-1"], 0, 0, 0]}
    assert "Not answered yet" in json.dumps(results, ensure_ascii=False)
