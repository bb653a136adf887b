"""Every edition of every lesson, as the table of editions says: fresh, runs, reads well without a kernel, within bounds."""

import ast
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import nbformat
import pytest

import build
import editions
from hyperedu import lessons
from hyperedu.lessons.progress import EXERCISES
from test_answers import MAKE

LINES, COLUMNS = 20, 100  # of a cell
PARTS = (
    "opening", "imports", "exercise-1", "exercise-2", "exercise-3", "exercise-4", "open-task", "readers", "readers-asked",
    "quiz", "quiz-answers", "in-one-breath", "references",
)  # fmt: skip
every_lesson = pytest.mark.parametrize("lesson", editions.LESSONS)
every_edition = pytest.mark.parametrize(
    "edition",
    [row for row in editions.KEPT if row.source == "lesson"],
    ids=lambda edition: f"{edition.language}-{edition.name}",
)
BUILT = [(edition, document) for edition in editions.KEPT for document in editions.documents(edition)]
every_document = pytest.mark.parametrize(
    ("edition", "document"), BUILT, ids=[f"{edition.language}-{edition.name}-{document}" for edition, document in BUILT]
)


def said(notebook):
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    return "".join(output.get("text", "") for output in outputs if output.output_type == "stream")


def code(document):
    return [cell for cell in editions.cells(document) if cell.cell_type == "code"]


def test_the_table_has_a_row_for_each_folder_of_a_lesson():
    folders = {path.parent.name for path in Path(lessons.__file__).parent.glob("*/lesson.py")}
    assert folders == set(editions.LESSONS)
    assert len(editions.LESSONS) == len(folders)


def test_what_is_committed_was_built_from_the_sources_as_they_are():
    assert build.stale() == [], "run `make notebooks` and commit what it writes"


def test_the_folders_of_the_editions_hold_lessons_and_nothing_else():
    wanted = {editions.path(edition, document) for edition, document in BUILT}
    there = {path for edition in editions.KEPT for path in (editions.ROOT / edition.folder).rglob("*") if path.is_file()}
    assert {path for path in there if ".ipynb_checkpoints" not in path.parts} == wanted


@pytest.fixture
def small_course(tmp_path, monkeypatch):
    """One lesson of two cells, and its editions, in a folder of their own."""
    source = tmp_path / "lessons" / "example" / "lesson.py"
    source.parent.mkdir(parents=True)
    source.write_text("# %% opening [markdown]\n# # Example\n\n# %% one\nprint(1)\n", encoding="utf-8")
    for module in (build, editions):
        monkeypatch.setattr(module, "FOLDERS", tmp_path / "lessons")
        monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(editions, "LESSONS", ("example",))
    return source


def test_only_what_changed_is_run_again(small_course, monkeypatch):
    # The slides have none of the prose that is changed below.
    english = [row for row in editions.KEPT if (row.language, row.source, row.slides) == ("en", "lesson", False)]
    monkeypatch.setattr(build, "KEPT", english)  # another language is run again where its prose is another
    ran = []

    def run_document(document, language="en"):
        ran.append((document, language))
        return {"one": [nbformat.v4.new_output("stream", text="1\n")]}, 0.0

    monkeypatch.setattr(build, "run_document", run_document)
    monkeypatch.setattr(build, "ProcessPoolExecutor", ThreadPoolExecutor)
    assert len(build.stale()) == len(english)
    assert build.build([], everything=False) == 0
    assert (build.stale(), ran) == ([], [("example", "en")])
    build.build([], everything=False)
    assert len(ran) == 1
    small_course.write_text(small_course.read_text(encoding="utf-8").replace("Example", "Prose"), encoding="utf-8")
    assert len(build.stale()) == len(english)
    build.build([], everything=False)
    assert (build.stale(), len(ran)) == ([], 1), "prose is written and nothing is run"
    notebook = nbformat.read(editions.path(english[0], "example"), as_version=4)
    assert (notebook.cells[0].source, said(notebook)) == ("# Prose", "1\n")
    small_course.write_text(small_course.read_text(encoding="utf-8").replace("print(1)", "print(2)"), encoding="utf-8")
    build.build([], everything=False)
    assert len(ran) == 2
    (small_course.parent / "figures.py").write_text("x = 1\n", encoding="utf-8")
    build.build([], everything=False)
    assert len(ran) == 3, "what the lesson's own modules draw is run again"
    build.build([], everything=True)
    assert len(ran) == 4


def test_what_lies_beside_a_lesson_is_built_where_its_editions_say(small_course, monkeypatch):
    """It has notebooks of its own, which nothing but its own cells and the lesson's modules make stale."""
    homework = small_course.parent / "homework.py"
    homework.write_text('# %% opening [markdown]\n# # Work\n\n# %% solved tags=["solution"]\nprint(2)\n', encoding="utf-8")
    monkeypatch.setattr(build, "run_document", lambda document, _language: ({}, 0.0))
    monkeypatch.setattr(build, "ProcessPoolExecutor", ThreadPoolExecutor)
    assert build.build(["00_example_homework"], everything=False) == 0
    made = sorted(str(path.relative_to(editions.ROOT)) for path in editions.ROOT.rglob("*.ipynb"))
    assert made == [f"{folder}/homework/00_example_homework.ipynb" for folder in ("notebooks", "teaching")]
    ids = [[cell.id for cell in nbformat.read(editions.ROOT / path, as_version=4).cells] for path in made]
    assert ids == [["opening"], ["opening", "solved"]]
    before = [build.ran_with(document, "en") for document in ("example", "example/homework")]
    homework.write_text(homework.read_text(encoding="utf-8").replace("print(2)", "print(3)"), encoding="utf-8")
    after = [build.ran_with(document, "en") for document in ("example", "example/homework")]
    assert (after[0] == before[0], after[1] == before[1]) == (True, False)


@pytest.mark.parametrize("text", ["# %% [markdown]\n# no name\n", "# %% a\n1\n\n# %% a\n2\n"])
def test_a_cell_without_a_name_of_its_own_is_an_error(small_course, text):
    small_course.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=r"has no name|two cells are called a"):
        editions.cells("example")


def test_an_edition_is_a_row_of_the_table(small_course):
    """Another edition, of other cells and in another folder, needs no code."""
    small_course.write_text(
        small_course.read_text(encoding="utf-8") + '\n# %% two tags=["teacher"]\nprint(2)\n', encoding="utf-8"
    )
    learner = editions.KEPT[0]
    assert [cell.id for cell in build.notebook_of(replace(learner, without=frozenset({"teacher"})), "example", {}).cells] == [
        "opening",
        "one",
    ]
    teacher = replace(learner, name="teacher", folder="teacher", ending="*Not for learners.*")
    teacher = replace(teacher, without=frozenset())
    notebook = build.notebook_of(teacher, "example", {})
    assert [cell.id for cell in notebook.cells] == ["opening", "one", "two"]
    assert notebook.cells[0].source.endswith("*Not for learners.*")
    assert editions.path(teacher, "example") == editions.ROOT / "teacher" / "00_example.ipynb"


@every_edition
@every_lesson
def test_what_an_edition_says_of_its_exercises(edition, lesson):
    """As it was built; that a lesson runs is tried in test_languages.py."""
    exercises = sum("exercise" in cell.metadata.get("tags", []) for cell in code(lesson))
    text = said(nbformat.read(editions.path(edition, lesson), as_version=4))
    assert text.count("○") == (0 if edition.answered else exercises)
    assert text.count("✓") == (exercises if edition.answered else 0)
    assert "✗" not in text


def test_a_slider_whose_callback_raises_fails_the_build():
    lines = "from hyperedu import figures, live\nfigure, (axes,) = figures.subplots()\n"
    cell = nbformat.v4.new_code_cell(lines + "live.interact(figure, lambda a: str(1 / (a - 3)), a=(1, 3))")
    with pytest.raises(Exception, match="ZeroDivisionError"):
        build.run(nbformat.v4.new_notebook(cells=[cell]))


def test_what_is_printed_in_pieces_is_kept_in_one_where_nothing_stands_between():
    pieces = ("stdout", "a"), ("stdout", "b"), ("stderr", "c"), ("stdout", "d")
    outputs = [nbformat.v4.new_output("stream", name=name, text=text) for name, text in pieces]
    outputs.insert(2, nbformat.v4.new_output("display_data", {"text/plain": "picture"}))
    kept = [output.get("text") for output in build._joined(outputs)]
    assert kept == ["ab", None, "c", "d"]


@every_document
def test_a_committed_notebook_reads_well_without_a_kernel(edition, document):
    notebook = nbformat.read(editions.path(edition, document), as_version=4)
    nbformat.validate(notebook)
    assert "widgets" not in notebook.metadata
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        for output in cell.outputs:
            assert output.output_type != "error"
            data = output.get("data", {})
            assert not any("widget" in kind for kind in data), "a page without a kernel shows 'model not found'"
            if "image/png" in data:
                assert len(output.metadata["image/png"]["alt"]) > 30
        if "live.interact" in cell.source:
            assert any("image/png" in output.get("data", {}) for output in cell.outputs), "the live figure left no picture"


@every_lesson
def test_a_lesson_has_the_parts_of_the_template(lesson):
    found = editions.cells(lesson)
    names = [cell.id for cell in found]
    assert [name for name in names if name in PARTS] == list(PARTS), "in this order"
    for n in range(1, EXERCISES + 1):
        assert {f"exercise-{n}-answer", f"exercise-{n}-solution"} <= set(names)
        (asked,) = [cell.source for cell in found if cell.id == f"exercise-{n}"]
        assert asked.count("<summary>") == (1 if n == MAKE else 2), "hints"
        assert re.search(rf"\*\*{n} · .*\.\*\* \(\d+ minutes; ", asked), "its minutes and its aim"
    predictions = sum(name.endswith("-predict") for name in names)
    assert predictions >= sum("live.interact" in cell.source for cell in code(lesson)) >= 1


@pytest.mark.parametrize("document", sorted({document for _edition, document in BUILT}))
def test_code_can_be_read(document):
    for cell in code(document):
        ast.parse(cell.source)
        lines = cell.source.splitlines()
        assert len(lines) <= LINES, cell.id
        assert max(map(len, lines)) <= COLUMNS, cell.id


@every_lesson
def test_every_displayed_equation_has_a_test(lesson):
    """The tests say in their docstrings or names which equation they are of."""
    equations = re.findall(r"\\tag\{(\d+)\}", editions.source(lesson).read_text(encoding="utf-8"))
    assert equations == [str(n + 1) for n in range(len(equations))], "numbered in order"
    files = [*Path(__file__).parent.glob("test_*.py"), *editions.FOLDERS.glob("*/test_*.py")]
    tests = "\n".join(path.read_text(encoding="utf-8") for path in files)
    number = editions.file_name(lesson)[:2]
    for equation in equations:
        assert re.search(rf"[Ll]esson[ _]{number},?[ _]equation[ _]{equation}\b", tests), f"{lesson}, equation {equation}"


@every_document
def test_links_between_lessons_lead_somewhere(edition, document):
    prose = [cell.source for cell in build.notebook_of(edition, document, {}).cells if cell.cell_type == "markdown"]
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", "\n".join(prose)):
        assert (editions.path(edition, document).parent / target).exists(), target
