"""The course as a table: which lessons in which order, and of which cells each edition is made.

A lesson is a folder of hyperedu/lessons/ and its row here. An edition is a row: its language, where it goes, and which cells
are not in it. A language is a row for each of its editions, and its catalogues (catalogues.py).

What is built is a document: a lesson, "maml", or what lies beside it in its folder, "maml/homework".
"""

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import jupytext
import nbformat

ROOT = Path(__file__).parent.parent
FOLDERS = ROOT / "hyperedu" / "lessons"
NOTEBOOKS = ROOT / "notebooks"

# In the order in which they are read; the number of a notebook is its place.
LESSONS = (
    "start_here",
    "everything_is_a_mapping",
    "training_a_hypernetwork",
    "generator_designs",
    "task_descriptors",
    "learning_to_learn",
    "maml",
    "hypernetworks_meet_maml",
    "regularization",
    "few_shot_characters",
    "beyond",
    "your_own_data",
)


@dataclass(frozen=True)
class Edition:
    """A row of the table.

    Attributes:
        name: what the notebook says that it is.
        folder: where it is kept, from the project's root; None for one that tests build and look at, and that is kept nowhere.
        without: cells with one of these tags are left out.
        answered: whether its exercises are answered, so that each check must say that they are right.
        language: "en", or that of the catalogues from which its words are.
        ending: what is added to the opening, in English.
        source: of which documents it is: of the file with this name in each lesson's folder that has one; `*` stands for any.
        slides: whether it is made for showing: of the prose only slides and notes, arranged by slides.py.
    """

    name: str
    folder: str | None
    without: frozenset[str]
    answered: bool
    language: str = "en"
    ending: str = ""
    source: str = "lesson"
    slides: bool = False


EDITIONS = (
    Edition("learner", "notebooks", frozenset({"solution", "teacher", "slides"}), answered=False),
    Edition(
        "solutions",
        "notebooks/solutions",
        frozenset({"exercise", "teacher", "slides"}),
        answered=True,
        ending="*This is the edition with solutions.*",
    ),
    Edition(
        "teacher",
        "teaching",
        frozenset({"exercise", "slides"}),
        answered=True,
        ending="*This is the teacher's edition: with solutions, and with notes beside what they speak of.*",
    ),
    Edition("slides", "teaching/slides", frozenset({"exercise"}), answered=True, slides=True),
    Edition("homework", "notebooks/homework", frozenset({"solution", "teacher"}), answered=False, source="homework"),
    Edition(
        "homework with answers",
        "teaching/homework",
        frozenset({"exercise"}),
        answered=True,
        ending="*For the teacher: with model answers, rubrics and common failures.*",
        source="homework",
    ),
    Edition("self-test", "notebooks/homework", frozenset({"solution", "teacher"}), answered=False, source="self_test"),
    Edition("projects", "notebooks/projects", frozenset({"teacher"}), answered=False, source="project_*"),
    Edition(
        "projects with marks",
        "teaching/projects",
        frozenset(),
        answered=True,
        ending="*For the teacher: with what the rubric gives it, and why.*",
        source="project_*",
    ),
    # Every text marked and a third longer: shows what no catalogue has, and what is clipped.
    Edition("pseudo", None, frozenset({"exercise"}), answered=True, language="en-XA"),
)
KEPT = tuple(edition for edition in EDITIONS if edition.folder is not None)


def _beside(lesson: str, pattern: str) -> Iterator[str]:
    for file in sorted((FOLDERS / lesson).glob(f"{pattern}.py")):
        yield lesson if file.stem == "lesson" else f"{lesson}/{file.stem}"


def documents(edition: Edition, prefix: str = "") -> Iterator[str]:
    """What an edition is made of: the documents whose notebook's name, or whose own, starts with `prefix`."""
    for document in (document for lesson in LESSONS for document in _beside(lesson, edition.source)):
        if file_name(document).startswith(prefix) or document.startswith(prefix):
            yield document


def lessons(prefix: str = "") -> Iterator[str]:
    return documents(EDITIONS[0], prefix)


def documents_of(lesson: str) -> list[str]:
    """The documents in a lesson's folder: the lesson, and what goes with it."""
    return [document for pattern in dict.fromkeys(row.source for row in EDITIONS) for document in _beside(lesson, pattern)]


def file_name(document: str) -> str:
    lesson, _slash, name = document.partition("/")
    return "_".join([f"{LESSONS.index(lesson):02d}", lesson, *filter(None, [name])]) + ".ipynb"


def source(document: str) -> Path:
    lesson, _slash, name = document.partition("/")
    return FOLDERS / lesson / f"{name or 'lesson'}.py"


def path(edition: Edition, document: str) -> Path:
    return ROOT / (edition.folder or "") / file_name(document)


def cells(document: str) -> list[nbformat.NotebookNode]:
    """All cells of a document in English, each with its name as its id."""
    return copy.deepcopy(_cells(document, source(document).read_text(encoding="utf-8")))


@cache
def _cells(document: str, text: str) -> list[nbformat.NotebookNode]:
    found = jupytext.reads(text, "py:percent").cells
    for cell in found:
        name = cell.metadata.pop("title", None)
        if not name:
            raise ValueError(f"{source(document)}: a cell has no name; begin it with `# %% name`:\n{cell.source[:200]}")
        cell.id, cell.source = name, cell.source.strip()
    names = [cell.id for cell in found]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise ValueError(f"{source(document)}: two cells are called {', '.join(sorted(twice))}")
    return found


def included(edition: Edition, cell: nbformat.NotebookNode) -> bool:
    tags = set(cell.metadata.get("tags", []))
    if edition.slides and cell.cell_type == "markdown" and not tags & {"slides", "teacher"}:
        return False
    return not edition.without & tags
