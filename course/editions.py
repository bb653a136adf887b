"""The course as a table: which lessons in which order, and of which cells each edition is made.

A lesson is a folder of hyperedu/lessons/ and its row here. An edition is a row: its language, where it goes, and which cells
are not in it. A language is a row for each of its editions, and its catalogues (catalogues.py).
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
        slides: whether it is made for showing: of the prose only slides and notes, arranged by slides.py.
    """

    name: str
    folder: str | None
    without: frozenset[str]
    answered: bool
    language: str = "en"
    ending: str = ""
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
    # Every text marked and a third longer: shows what no catalogue has, and what is clipped.
    Edition("pseudo", None, frozenset({"exercise"}), answered=True, language="en-XA"),
)
KEPT = tuple(edition for edition in EDITIONS if edition.folder is not None)


def lessons(prefix: str = "") -> Iterator[str]:
    """The lessons whose notebook's name, or whose own, starts with `prefix`."""
    return (lesson for lesson in LESSONS if file_name(lesson).startswith(prefix) or lesson.startswith(prefix))


def file_name(lesson: str) -> str:
    return f"{LESSONS.index(lesson):02d}_{lesson}.ipynb"


def source(lesson: str) -> Path:
    return FOLDERS / lesson / "lesson.py"


def path(edition: Edition, lesson: str) -> Path:
    return ROOT / (edition.folder or "") / file_name(lesson)


def cells(lesson: str) -> list[nbformat.NotebookNode]:
    """All cells of a lesson in English, each with its name as its id."""
    return copy.deepcopy(_cells(lesson, source(lesson).read_text(encoding="utf-8")))


@cache
def _cells(lesson: str, text: str) -> list[nbformat.NotebookNode]:
    found = jupytext.reads(text, "py:percent").cells
    for cell in found:
        name = cell.metadata.pop("title", None)
        if not name:
            raise ValueError(f"{source(lesson)}: a cell has no name; begin it with `# %% name`:\n{cell.source[:200]}")
        cell.id, cell.source = name, cell.source.strip()
    names = [cell.id for cell in found]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise ValueError(f"{source(lesson)}: two cells are called {', '.join(sorted(twice))}")
    return found


def included(edition: Edition, cell: nbformat.NotebookNode) -> bool:
    tags = set(cell.metadata.get("tags", []))
    if edition.slides and cell.cell_type == "markdown" and not tags & {"slides", "teacher"}:
        return False
    return not edition.without & tags
