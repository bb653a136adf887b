"""A class's page: right counts from what checks and questions really leave in a notebook, and nobody named unless asked for."""

import base64
import contextlib
import copy
import html
import io
import json
import os
import re
import sys

import nbformat
import pytest
from axe_playwright_python.sync_playwright import Axe
from babel.messages.catalog import Catalog
from babel.messages.pofile import write_po

import class_page
import collected
import editions
import lab
from collected import NOT_YET, NOTHING, RIGHT, UNANSWERED
from hyperedu.lessons import asking, progress, variants
from hyperedu.lessons.asking import SKIPPED
from hyperedu.lessons.maml import checks
from hyperedu.lessons.maml.questions import PREDICTIONS

LESSON = "maml"
NAME = editions.file_name(LESSON)
OPTIONS = list(PREDICTIONS["step-by-step"].options)
CHOSEN, NUMBER = PREDICTIONS.values()
SO = 30.0
FIRST_ORDER = "That is the first-order gradient, that of the query loss at θ', without the factor 1 − α h."
HOW_MANY = "One number is asked for, these are …: use .item() to take the one number of a tensor."
# Of eight students: what they say in exercise 1, where step-by-step leads, what unseen-waves says, and quiz 1; None: nothing.
CLASS = {
    "Zoroaster": (0.48, OPTIONS[1], 29, 0),
    "aurelia": (1.2, OPTIONS[0], 31, 0),
    "balthasar": (1.2, OPTIONS[0], 55, 1),
    "Desdemona": (1.2, OPTIONS[0], 1e6, 1),
    "kunigunde": ([1, 2], SKIPPED, SKIPPED, 1),
    "Nebukadnezar": ([1, 2, 3], OPTIONS[2], None, None),
    "ptolemaeus": (0.48, None, -4, None),
    "xanthippe": (..., None, None, None),
}


@pytest.fixture(scope="module")
def lesson():
    return nbformat.read(editions.NOTEBOOKS / NAME, 4)


@pytest.fixture(autouse=True)
def no_progress(monkeypatch):
    monkeypatch.setenv("HYPEREDU_PROGRESS", "off")


def printed(check, answer):
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        check(answer)
    return [nbformat.v4.new_output("stream", name="stdout", text=said.getvalue())]


def kept(asked):
    page = asked._kept()
    return [nbformat.v4.new_output("display_data", page[0] if isinstance(page, tuple) else page)]


def asked(name, value):
    question = asking.predict(LESSON, PREDICTIONS, name, so=SO)
    if value is not None:
        question.lock(value)
    return kept(question)


def notebook_of(lesson, answer, chosen=None, number=None, quiz=None):
    """The learner's notebook with the outputs that these answers give."""
    notebook = copy.deepcopy(lesson)
    given = asking.quiz(LESSON)
    given.given = {} if quiz is None else {"1": quiz}
    outputs = {f"{name}-question": asked(name, value) for name, value in zip(PREDICTIONS, (chosen, number), strict=True)}
    outputs |= {"exercise-1-answer": printed(checks.meta_gradient, answer), "quiz-answers": kept(given)}
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = outputs.get(cell.id, cell.outputs if cell.id.startswith("exercise") else [])
    return notebook


def hand_in(path, notebook, age=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, path)
    os.utime(path, (1e9 - age, 1e9 - age))


@pytest.fixture(scope="module")
def notebooks(lesson):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HYPEREDU_PROGRESS", "off")
        return {student: notebook_of(lesson, *answers) for student, answers in CLASS.items()}


@pytest.fixture
def folder(tmp_path, notebooks):
    for student, notebook in notebooks.items():
        hand_in(tmp_path / "handed" / f"{student}_{NAME}", notebook)
    return tmp_path / "handed"


def table(page, caption):
    """Row's heading → what stands in its cells, of the table whose caption begins so."""
    (found,) = re.findall(rf"<table><caption>{re.escape(html.escape(caption))}.*?</table>", page, re.DOTALL)
    rows = re.findall(r'<th scope="row">(.*?)</th>(.*?)</tr>', found, re.DOTALL)
    return {html.unescape(head): [*map(int, re.findall(r">(\d+)<", cells))] for head, cells in rows}


def test_a_page_has_the_counts_of_a_class_of_eight(folder):
    page = class_page.page_of(collected.collect(folder), named=False)
    assert "8 students, 1 lesson." in page
    assert 'class="few"' not in page
    exercises = table(page, "How many students")
    assert list(exercises.values()) == [[2, 5, 1, 0], [0, 0, 8, 0], [0, 0, 8, 0], [0, 0, 8, 0]]
    assert table(page, "What is not yet right in exercise 1") == {FIRST_ORDER: [3], HOW_MANY: [2]}
    predicted = table(page, CHOSEN.question)
    assert predicted == {OPTIONS[0]: [3], f"{OPTIONS[1]} (right)": [1], OPTIONS[2]: [1], "skipped": [1],
                         "not answered, or not kept": [2]}  # fmt: skip
    numbers = table(page, f"{NUMBER.question} It is 30 %.")
    assert {said: n for said, n in numbers.items() if n != [0]} == {
        "less than -2 %": [1], "22 to 30 % (right)": [1], "30 to 38 % (right)": [1], "54 to 62 %": [1], "62 % or more": [1],
        "skipped": [1], "not answered, or not kept": [2],
    }  # fmt: skip
    first = asking.questions(LESSON)[0]
    quiz = table(page, f"1. {first.question}")
    assert [n for (n,) in quiz.values()] == [2, 3, *[0] * (len(first.options) - 2), 3]
    assert page.count("<img alt=") == 2
    assert "3; " in re.search(r'<img alt="Histogram: (.*?)"', page).group(1)


def test_worth_the_next_session_is_what_most_met_with_its_notes(folder):
    page = class_page.page_of(collected.collect(folder), named=False)
    met = table(page, "What most students met")
    counts = [n for (n,) in met.values()]
    assert len(counts) == class_page.WORTH
    assert counts == sorted(counts, reverse=True)
    assert met[FIRST_ORDER] == [3]
    assert f"teaching/{NAME}, the note beside: The gradient through a step" in page


def test_of_the_tags_in_quizzes_nothing_is_left_and_of_all_else_everything():
    assert class_page.escaped("one <i>g</i> & a < b") == "one g &amp; a &lt; b"
    for lesson in editions.LESSONS:
        for question in asking.questions(lesson):
            for said in (question.question, *question.options, *question.options.values()):
                assert not re.search(r"&lt;/?\w", class_page.escaped(said)), said


@pytest.mark.parametrize("lesson", editions.LESSONS)
def test_every_exercise_and_question_has_a_note_and_a_title(lesson):
    asked = [*collected.exercises(lesson), *(f"quiz-{k}" for k in range(1, progress.QUESTIONS + 1))]
    for name in asked:
        assert re.search(r"note beside: \w", class_page.notes(lesson, name)), name
    assert all(class_page._exercise(lesson, name) for name in collected.exercises(lesson))


def test_nobody_is_named_unless_the_teacher_asks(folder, notebooks):
    hand_in(folder / "hieronymus" / NAME, notebook_of_one_who_signs(notebooks["aurelia"]))
    (folder / "kassandra.pdf").write_bytes(b"")
    collection = collected.collect(folder)
    names = [*CLASS, "hieronymus", "kassandra"]
    page = class_page.page_of(collection, named=False)
    figures = [base64.b64decode(figure).decode() for figure in re.findall(r"base64,([^\"]+)", page)]
    assert len(figures) == len(PREDICTIONS)
    told = "".join((page, *figures)).lower()
    assert not [name for name in (*names, "_" + NAME, str(folder)) if name.lower() in told]
    assert collected.UNKNOWN in page
    named = class_page.page_of(collection, named=True)
    assert not [name for name in names if name not in named]
    row = re.search(rf"{re.escape(html.escape(FIRST_ORDER))}</th>.*?</tr>", named).group()
    assert "4<small>aurelia, balthasar, Desdemona, hieronymus</small>" in row


def notebook_of_one_who_signs(notebook):
    signed = copy.deepcopy(notebook)
    (cell,) = [cell for cell in signed.cells if cell.id == "exercise-2-answer"]
    cell.outputs = [nbformat.v4.new_output("stream", name="stdout", text="✗ Not yet. I am hieronymus\n")]
    return signed


def test_rows_do_not_follow_the_names(tmp_path, notebooks):
    """Two classes with the same answers, whose names are in the opposite order: the same page."""
    for k, notebook in enumerate(notebooks.values()):
        hand_in(tmp_path / "one" / f"{k}_{NAME}", notebook)
        hand_in(tmp_path / "other" / f"{9 - k}_{NAME}", notebook)
    one, other = (class_page.page_of(collected.collect(tmp_path / name), named=False) for name in ("one", "other"))
    assert one == other


LAYOUTS = {
    "nbgrader": "submitted/{student}/maml/" + NAME,
    "only submitted": "{student}/maml/" + NAME,
    "a folder each": "{student}/homework.ipynb",
    "a folder each, with folders": "{student}/homework/" + NAME,
    "a folder each, and the students' own folders": "{student}/my-lessons/graded/" + NAME,
    "a folder each, in that of the week": "week 3/{student}/" + NAME,
    "a folder each, in that of the lesson": "06_maml/{student}/" + NAME,
    "flat": "{student}_" + NAME,
    "flat, by lesson": "{student}-maml.ipynb",
    "flat, the lesson first": "06_maml_{student}.ipynb",
    "flat, named by the student": "{student}.ipynb",
    "flat, named by the class": "{student}_home_work.ipynb",
    "a folder of the lesson": "06_maml/{student}.ipynb",
    "a folder of the week": "week 3/{student}.ipynb",
    "downloaded twice": "{student}_06_maml (1).ipynb",
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_students_are_known_in_the_usual_layouts(tmp_path, notebooks, layout):
    folder = tmp_path / ("submitted" if layout == "only submitted" else "class")
    for student, notebook in notebooks.items():
        hand_in(folder / LAYOUTS[layout].format(student=student), notebook)
    collection = collected.collect(folder)
    assert collection.students == set(CLASS)
    assert collection.unread == {}


@pytest.fixture(scope="module")
def whole(notebooks):
    """What a student has at the end of a week: two lessons, and what is no lesson's, as they are committed."""
    names = ("homework/06_maml_homework.ipynb", "homework/05_learning_to_learn_homework.ipynb",
             "homework/00_start_here_self_test.ipynb", "projects/11_your_own_data_project_countries.ipynb",
             "05_learning_to_learn.ipynb")  # fmt: skip
    return {name: nbformat.read(editions.NOTEBOOKS / name, 4) for name in names} | {NAME: notebooks["aurelia"]}


@pytest.mark.parametrize("nested", [False, True], ids=["side by side", "in folders of their own"])
def test_a_students_folder_holds_lessons_homework_and_more(tmp_path, whole, nested):
    for student in ("ada", "ben"):
        for name, notebook in whole.items():
            hand_in(tmp_path / student / (name if nested else name.rpartition("/")[2]), notebook)
    collection = collected.collect(tmp_path)
    assert {lesson: set(works) for lesson, works in collection.works.items()} == {
        "learning_to_learn": {"ada", "ben"}, LESSON: {"ada", "ben"}
    }  # fmt: skip
    assert {why: len(files) for why, files in collection.unread.items()} == {collected.BESIDE: 8}


@pytest.mark.parametrize("name", ["second try/" + NAME, "06_maml_again.ipynb", "old/06_maml (1).ipynb"])
def test_two_versions_in_a_students_folder_are_one_students(tmp_path, notebooks, name):
    for student in ("aurelia", "balthasar"):
        hand_in(tmp_path / student / NAME, notebooks[student])
        hand_in(tmp_path / student / name, notebooks["Zoroaster"], age=5)
    collection = collected.collect(tmp_path)
    assert collection.students == {"aurelia", "balthasar"}
    assert {why: len(files) for why, files in collection.unread.items()} == {
        "an older version of what the same student handed in": 2
    }


def test_what_stands_in_every_students_folder_is_no_students_name(tmp_path, notebooks):
    for student in ("aurelia", "balthasar"):
        for attempt in ("first try", "second try"):
            hand_in(tmp_path / student / attempt / NAME, notebooks[student])
    assert collected.collect(tmp_path).students == {"aurelia", "balthasar"}


def test_a_file_that_names_nobody_is_said(folder, notebooks):
    hand_in(folder / NAME, notebooks["aurelia"])
    collection = collected.collect(folder)
    assert collection.students == set(CLASS)
    assert collection.unread == {collected.NAMELESS: [NAME]}


@pytest.mark.parametrize("lost", ["nothing", "metadata", "metadata and ids"])  # as in other programs
@pytest.mark.parametrize("path", [*(editions.NOTEBOOKS / "homework").glob("*"), *(editions.NOTEBOOKS / "projects").glob("*")],
                         ids=lambda path: path.stem)  # fmt: skip
def test_homework_self_test_and_projects_are_no_lessons(path, lost):
    notebook = nbformat.read(path, 4)
    if "metadata" in lost:
        notebook.metadata.clear()
    if "ids" in lost:
        for cell in notebook.cells:
            cell.id = nbformat.v4.new_code_cell().id
    with pytest.raises(collected.Unread, match=collected.BESIDE if lost == "nothing" else "notebook"):
        collected.from_notebook(nbformat.writes(notebook))


@pytest.mark.parametrize("lesson", editions.LESSONS)
def test_a_lesson_is_known_by_its_cells_without_metadata_and_without_ids(lesson):
    notebook = nbformat.read(editions.NOTEBOOKS / editions.file_name(lesson), 4)
    notebook.metadata.clear()
    assert collected.lesson_of(notebook) == lesson
    for cell in notebook.cells:
        cell.id = nbformat.v4.new_code_cell().id
    assert collected.lesson_of(notebook) == lesson


def test_what_cannot_be_read_is_said_and_the_others_are_read(folder, notebooks, lesson):
    (folder / "broken_06_maml.ipynb").write_text(json.dumps(lesson)[:5000], encoding="utf-8")
    (folder / "bytes_06_maml.ipynb").write_bytes(b"\xff\xfe\x00")
    (folder / "list_06_maml.ipynb").write_text("[1]", encoding="utf-8")
    (folder / "old_06_maml.ipynb").write_text('{"worksheets": [], "metadata": {}}', encoding="utf-8")
    (folder / "grades.json").write_text('{"a": 1}', encoding="utf-8")
    (folder / "essay.docx").write_bytes(b"")
    other = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("import hyperedu")])
    hand_in(folder / "elsewhere.ipynb", other)
    hand_in(folder / "solved.ipynb", nbformat.read(editions.NOTEBOOKS / "solutions" / NAME, 4))
    hand_in(folder / ".ipynb_checkpoints" / NAME, notebooks["aurelia"])
    hand_in(folder / f"xanthippe_{NAME}", notebooks["aurelia"], age=-5)
    hand_in(folder / "xanthippe_06_maml (1).ipynb", notebooks["xanthippe"], age=5)
    collection = collected.collect(folder)
    assert collection.students == set(CLASS)
    assert {why: len(files) for why, files in collection.unread.items()} == {
        "could not be opened, or is no JSON: damaged, or of another kind than its name says": 2,
        "a notebook of a form that is not known, or broken": 2,
        "a JSON file that is no learner's progress": 1,
        "neither a notebook nor a progress file": 1,
        "a notebook of another course, or without any cell of a lesson": 1,
        "an edition with solutions": 1,
        "a copy that JupyterLab keeps for itself": 1,
        "an older version of what the same student handed in": 1,
    }
    assert collection.works[LESSON]["xanthippe"].exercises["exercise-1"] == (NOT_YET, FIRST_ORDER)
    page = class_page.page_of(collection, named=False)
    for why in collection.unread:
        assert html.escape(why) in page


def state(notebook, exercise="exercise-1"):
    return collected.from_notebook(nbformat.writes(notebook))[LESSON].exercises[exercise]


def test_cells_that_were_deleted_cleared_copied_or_stopped(notebooks):
    notebook = copy.deepcopy(notebooks["aurelia"])
    (cell,) = [cell for cell in notebook.cells if cell.id == "exercise-1-answer"]
    again = nbformat.v4.new_code_cell(cell.source, outputs=printed(checks.meta_gradient, 0.48))
    notebook.cells.append(again)
    assert state(notebook) == (RIGHT, "")
    notebook.cells.remove(cell)
    assert state(notebook) == (RIGHT, "")
    again.outputs = []
    assert state(notebook) == (NOTHING, "")
    again.outputs = [nbformat.v4.new_output("error", ename="NameError", evalue="aurelia", traceback=[])]
    assert state(notebook) == (NOT_YET, f"{collected.STOPPED} NameError")
    notebook.cells.remove(again)
    assert state(notebook) == (NOTHING, "")
    for cell in notebook.cells:  # as notebooks are after other programs have saved them
        cell.id = nbformat.v4.new_code_cell().id
    assert state(notebook, "exercise-2")[0] == UNANSWERED


def test_what_was_graded_counts_and_the_rest_is_from_what_was_handed_in(tmp_path, notebooks):
    hand_in(tmp_path / "submitted" / "aurelia" / LESSON / NAME, notebooks["aurelia"])
    graded = copy.deepcopy(notebooks["Zoroaster"])
    for cell in graded.cells:
        if not cell.id.startswith("exercise") and cell.cell_type == "code":
            cell.outputs = []
    hand_in(tmp_path / "autograded" / "aurelia" / LESSON / NAME, graded)
    hand_in(tmp_path / "source" / LESSON / NAME, notebooks["aurelia"])
    collection = collected.collect(tmp_path)
    work = collection.works[LESSON]["aurelia"]
    assert work.exercises["exercise-1"] == (RIGHT, "")
    assert work.predictions["step-by-step"] == OPTIONS[0]
    assert sum(map(len, collection.unread.values())) == 1
    assert 'class="few"' in class_page.page_of(collection, named=False)


def test_progress_files_say_what_they_know(tmp_path, notebooks):
    noted = {LESSON: {"exercises": {"meta_gradient": {"tries": 3, "right": False}, "head_only": {"tries": 1, "right": True}},
                      "predictions": {"step-by-step": OPTIONS[0], "unseen-waves": 29, "gone": 1},
                      "quiz": {"1": {"chosen": 1, "right": False}, "9": {"chosen": 0, "right": True}}}}  # fmt: skip
    (tmp_path / "aurelia.json").write_text(json.dumps(noted), encoding="utf-8")
    (tmp_path / "xanthippe.json").write_text(json.dumps(noted), encoding="utf-8")
    hand_in(tmp_path / f"xanthippe_{NAME}", notebooks["xanthippe"])
    works = collected.collect(tmp_path).works[LESSON]
    assert set(works) == {"aurelia", "xanthippe"}
    for work in works.values():
        assert work.exercises["exercise-1"] == (NOT_YET, collected.NOT_KEPT)
        assert work.exercises["exercise-2"] == (RIGHT, "")
        assert work.predictions == {"step-by-step": OPTIONS[0], "unseen-waves": 29}
        assert work.quiz == {1: 1}


def test_sketches_are_told_by_their_distance():
    sketch = asking.Sketch("Which year?", "month", "°C", ["J", "A", "J"], -10.0, 20.0, "Summers are warm.")
    drawn = {"a": [0, 0, 0], "b": [1, 1, 1], "c": [20, 20, 20], "d": SKIPPED}
    works = {name: collected.Work(predictions={"s": value}, so={"s": [0, 0, 0]}) for name, value in drawn.items()}
    rows = class_page.rows_of_prediction(sketch, works, "s")
    assert [len(row.who) for row in rows] == [2, 0, 0, 0, 1, 1, 0]
    for work in works.values():
        work.so = {}
    assert [len(row.who) for row in class_page.rows_of_prediction(sketch, works, "s")] == [3, 1, 0]


def test_two_sentences_that_follow_each_other_are_known_as_such():
    said = printed(checks.meta_gradient, 0.24)
    assert collected._found(LESSON, said)[1].startswith("That is half of what is asked. θ' = θ₀")


def test_sentences_of_another_language_are_counted_with_the_english_ones(tmp_path, monkeypatch):
    said = {"✗ Not yet. {misconception}": "✗ Noch nicht: {misconception}", HOW_MANY.replace("…", "{n}"): "Das sind {n} Zahlen."}
    catalogue = Catalog(locale="de")
    for english, german in said.items():
        catalogue.add(english, german)
    (tmp_path / "languages").mkdir()
    with (tmp_path / "languages" / "de.po").open("wb") as file:
        write_po(file, catalogue)
    monkeypatch.setattr(collected.catalogues.words, "HERE", tmp_path)
    caches = (collected._templates, collected._marks)
    for cache in caches:
        cache.cache_clear()
    output = [nbformat.v4.new_output("stream", name="stdout", text="✗ Noch nicht: Das sind 7 Zahlen.\n")]
    assert collected._found(LESSON, output) == (NOT_YET, HOW_MANY)
    assert collected._found(LESSON, printed(checks.meta_gradient, 1.2)) == (NOT_YET, FIRST_ORDER)
    for cache in caches:
        cache.cache_clear()


def test_by_the_command_line_the_page_lies_in_the_folder_and_is_not_read_again(folder, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["class_page.py", str(folder)])
    for _run in range(2):
        assert class_page.main() == 0
        assert "8 students; 0 files not read" in capsys.readouterr().out
    page = (folder / "class.html").read_text(encoding="utf-8")
    assert not re.search(r"<script|https?://|<link|@import", page)
    monkeypatch.setattr(sys, "argv", ["class_page.py", str(folder / "nowhere")])
    assert class_page.main() == 1
    assert "is no folder" in capsys.readouterr().out


@pytest.mark.browser
@pytest.mark.xdist_group("browser")
def test_the_page_is_accessible(folder, tmp_path):
    (folder / "essay.docx").write_bytes(b"")
    path = tmp_path / "page.html"
    path.write_text(class_page.page_of(collected.collect(folder), named=True), encoding="utf-8")
    with lab.browser() as browser:
        page = browser.new_page(viewport={"width": 1000, "height": 1400})
        page.goto(path.as_uri())
        found = Axe().run(page).response["violations"]
        wide = page.evaluate("document.documentElement.scrollWidth > innerWidth")
    assert [(v["id"], v["help"]) for v in found] == []
    assert not wide


def test_what_is_said_of_keys_is_known_and_the_key_is_not():
    said = variants._("The key {key} is another's: an answer counts with your own key and your own numbers.", key="z6ysmuuj")
    found = collected.misconception("maml", said)
    assert found.startswith("The key … is another's")
