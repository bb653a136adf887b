"""What students handed in, read and never run: their notebooks, and their progress files.

A notebook says of an exercise what its check printed last, and of predictions and quizzes what asking.py keeps in it; a
progress file has what progress.py notes. Of which lesson a notebook is, its cells say, whatever its name: their ids, what they
import, and that they ask something. Whose it is, its place says: submitted/<student>/… and autograded/<student>/… of nbgrader,
a folder for each student, with folders of their own, or a name <student>_<any>.
"""

import ast
import builtins
import html
import json
import math
import re
import string
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import catalogues
from editions import EDITIONS, LESSONS, cells, documents_of, file_name
from grading import Exercise, parts
from hyperedu.lessons.asking import SKIPPED, Choice, Number, Prediction, questions

RIGHT, NOT_YET, UNANSWERED, NOTHING = "right", "not yet", "not answered", "nothing to read"
# What is said of an answer, as feedback.py says it.
MARKS = {"✓ Right. {because}": RIGHT, "✗ Not yet. {misconception}": NOT_YET}
# In place of a misconception, where none is named.
UNKNOWN = "a sentence that the course does not have, or no longer"
NOT_KEPT = "not known: only the progress file was handed in, which does not keep it"
STOPPED = "the cell stopped with"
HANDED_IN, GRADED = "submitted", "autograded"
PAGE = "class.html"  # what class_page.py writes into the folder
ANSWERS = re.compile(r'data-hyperedu-answers="([^"]*)"')
COPY = re.compile(r"([ _-]*\(\d+\)|\.new(-\d+)?|[ _-]copy\d*|-checkpoint)+$", re.IGNORECASE)
BESIDE = "not a lesson's notebook: homework, self-test or project"
NAMELESS = "names no student: neither its own name does nor a folder"


@dataclass
class Work:
    """What one student did in one lesson.

    Attributes:
        exercises: cell's name → (RIGHT, NOT_YET, …; the misconception, or nothing).
        predictions: name → what was chosen, a number, numbers, or "skipped".
        so: name → what is so, as the student's own notebook found it.
        quiz: number of the question → place of what was chosen.
        notebook: whether it has been read from one.
    """

    exercises: dict[str, tuple[str, str]] = field(default_factory=dict)
    predictions: dict[str, Any] = field(default_factory=dict)
    so: dict[str, list[float]] = field(default_factory=dict)
    quiz: dict[int, int] = field(default_factory=dict)
    notebook: bool = False

    def beside(self, other: "Work") -> "Work":
        """This one, and what another file of the same student knows where this one knows nothing."""
        known = {name: found for name, found in self.exercises.items() if found[0] in (RIGHT, NOT_YET)}
        more = {name: found for name, found in other.exercises.items() if found[0] in (RIGHT, NOT_YET)}
        return Work(
            {**other.exercises, **self.exercises, **more, **known},
            {**other.predictions, **self.predictions},
            {**other.so, **self.so},
            {**other.quiz, **self.quiz},
            self.notebook or other.notebook,
        )


@dataclass
class Collection:
    """A class: lesson → student → what they did; and what was not read: why → files."""

    works: dict[str, dict[str, Work]]
    unread: dict[str, list[str]]

    @property
    def students(self) -> set[str]:
        return {student for works in self.works.values() for student in works}


class Unread(ValueError):
    """Why a file says nothing of this course."""


# ------------------------------------------------------------------------------------------------- what a lesson asks


@cache
def exercises(lesson: str) -> dict[str, Exercise]:
    return {part.name: part for part in parts(lesson) if isinstance(part, Exercise)}


@cache
def predictions(lesson: str) -> Mapping[str, Prediction]:
    return __import__(f"hyperedu.lessons.{lesson}.questions", fromlist=["PREDICTIONS"]).PREDICTIONS


@cache
def quiz(lesson: str) -> Sequence[Choice]:
    return questions(lesson)


@cache
def _own_cells() -> dict[str, str]:
    """The names of cells that only one document has, a lesson or what goes with one → that document."""
    found = [(cell.id, document) for lesson in LESSONS for document in documents_of(lesson) for cell in cells(document)]
    often = Counter(name for name, _document in found)
    return {name: document for name, document in found if often[name] == 1}


# --------------------------------------------------------------------------------------------------- what a check said


def _pattern(said: str) -> re.Pattern:
    try:
        pieces = [(text, name) for text, name, _spec, _conversion in string.Formatter().parse(said)]
    except ValueError:  # braces that are no places
        pieces = [(said, None)]
    return re.compile("".join(re.escape(text) + ("" if name is None else "(.+)") for text, name in pieces), re.DOTALL)


def _in_every_language(english: str, lesson: str | None) -> set[str]:
    folder = catalogues.words.HERE / (f"lessons/{lesson}" if lesson else "languages")
    read = (catalogues.read(path, path.stem) for path in folder.glob("*.po"))
    said = (message.string for catalogue in read if (message := catalogue.get(english)))
    return {english, *filter(catalogues.words.is_translated, said)}


@cache
def _templates(lesson: str) -> list[tuple[str, re.Pattern]]:
    """(English, pattern) of every sentence of a lesson's checks, in every language; what says more comes first."""
    places = {
        None: tuple(f"lessons/{name}.py" for name in ("feedback", "probes", "variants")),
        lesson: (f"lessons/{lesson}/checks.py",),
    }
    known = {
        (english, said)
        for part, ends in places.items()
        for english, where, place in catalogues.messages(part)
        if where is None and isinstance(english, str) and Path(place).as_posix().endswith(ends) and english not in MARKS
        for said in _in_every_language(english, part)
        if re.search(r"[^\W\d_]{3}", re.sub(r"\{.*?\}", "", said))
    }
    length = {said: len(re.sub(r"\{.*?\}", "", said)) for _english, said in known}
    return [(english, _pattern(said)) for english, said in sorted(known, key=lambda pair: (-length[pair[1]], pair))]


def misconception(lesson: str, said: str) -> str:
    """The sentence of the course, in English, that this is, with "…" for what was filled in; two may follow each other."""
    for english, pattern in _templates(lesson):
        if pattern.fullmatch(said):
            return re.sub(r"\{.*?\}", "…", english) if pattern.groups else english
    for english, pattern in _templates(lesson):
        begin = pattern.match(said) if not pattern.groups else None
        if begin and said[begin.end() :].startswith(" "):
            rest = misconception(lesson, said[begin.end() + 1 :])
            return UNKNOWN if rest == UNKNOWN else f"{english} {rest}"
    return UNKNOWN


def names_one(said: str) -> bool:
    """Whether a misconception is named."""
    return said not in (UNKNOWN, NOT_KEPT) and not said.startswith(STOPPED)


@cache
def _marks() -> list[tuple[str, re.Pattern]]:
    return [(found, _pattern(said)) for mark, found in MARKS.items() for said in _in_every_language(mark, None)]


def _found(lesson: str, outputs: Sequence[Mapping]) -> tuple[str, str]:
    """What is known of an exercise from the outputs of its cell: of several checks' lines, the last."""
    for output in reversed(outputs):
        if output.get("output_type") == "error":
            name = output.get("ename", "")
            return NOT_YET, f"{STOPPED} {name if hasattr(builtins, name) else 'an error'}"
        for line in reversed(_text(output.get("text", "")).splitlines()):
            for found, pattern in _marks():
                if said := pattern.fullmatch(line.strip()):
                    return found, misconception(lesson, said.group(1)) if found == NOT_YET else ""
    return (UNANSWERED if outputs else NOTHING), ""


# ------------------------------------------------------------------------------------------------------------ one file


def _text(lines: str | list[str]) -> str:
    return lines if isinstance(lines, str) else "".join(lines)


def lesson_of(notebook: Mapping) -> str:
    """The lesson whose cells these are, whose modules they import, and whose exercises or questions are among them.

    Raises:
        Unread: it is none of a lesson, or none that a learner answers.
    """
    (edition,) = [row for row in EDITIONS if row.name == notebook["metadata"].get("hyperedu", {}).get("edition")] or [None]
    if edition and edition.source != "lesson":
        raise Unread(BESIDE)
    if edition and edition.answered:
        raise Unread("an edition with solutions")
    votes: Counter[str] = Counter()
    for cell in notebook["cells"]:
        imported = re.findall(r"^from hyperedu\.lessons\.(\w+)", _text(cell["source"]), re.MULTILINE)
        votes.update({name for name in imported if name in LESSONS})
        votes.update({document for name, document in _own_cells().items() if name == cell.get("id")})
    if not votes:
        raise Unread("a notebook of another course, or without any cell of a lesson")
    document = votes.most_common(1)[0][0]
    if document not in LESSONS or not any(_asks(cell, document) for cell in notebook["cells"]):
        raise Unread(BESIDE)
    return document


def _asks(cell: Mapping, lesson: str) -> bool:
    """Whether a cell is one of a lesson's exercises or predictions, or its quiz; ids are lost in some programs."""
    asked = cell.get("id") == "quiz-answers" or re.search(r"\bquestions\.\w+\(", _text(cell["source"]))
    return bool(asked) or any(_answers(cell, exercise, lesson) for exercise in exercises(lesson).values())


def from_notebook(text: str) -> dict[str, Work]:
    """Lesson → work, of a notebook.

    Raises:
        Unread: it is none, or none of a learner.
    """
    try:
        notebook = json.loads(text)
        lesson, code = lesson_of(notebook), [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
        work = Work(notebook=True)
        for name, exercise in exercises(lesson).items():
            found = [_found(lesson, cell["outputs"]) for cell in code if _answers(cell, exercise, lesson)]
            # Who copied the cell to try once more has answered it if one of the copies is right.
            best = sorted(found, key=lambda state: (RIGHT, NOT_YET, UNANSWERED, NOTHING).index(state[0]))
            work.exercises[name] = best[0] if best else (NOTHING, "")
        for output in (output for cell in code for output in cell["outputs"]):
            for kept in ANSWERS.findall(_text(output.get("data", {}).get("text/html", ""))):
                answers = json.loads(html.unescape(kept))
                _take(work, lesson, answers.get(lesson, {}), answers.get("so", []))
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Unread("a notebook of a form that is not known, or broken") from error
    return {lesson: work}


def _answers(cell: Mapping, exercise: Exercise, lesson: str) -> bool:
    """Whether a cell is that of an exercise, or a copy of it: it calls this check, and no other."""
    checks = {ast.unparse(other.check.func) for other in exercises(lesson).values()}
    called = {name for name in checks if f"{name}(" in _text(cell["source"])}
    return cell.get("id") == f"{exercise.name}-answer" or called == {ast.unparse(exercise.check.func)}


def from_progress(text: str) -> dict[str, Work]:
    """Lesson → work, of a progress file.

    Raises:
        Unread: it is none.
    """
    found = {}
    try:
        for lesson, kinds in json.loads(text).items():
            if lesson not in LESSONS:
                continue
            work, tried = Work(), kinds.get("exercises", {})
            for name, exercise in exercises(lesson).items():
                known = tried.get(ast.unparse(exercise.check.func).rpartition(".")[2])
                state = UNANSWERED if known is None else RIGHT if known["right"] else NOT_YET
                work.exercises[name] = state, NOT_KEPT if state == NOT_YET else ""
            _take(work, lesson, kinds, [])
            found[lesson] = work
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Unread("a progress file of a form that is not known, or broken") from error
    if not found:
        raise Unread("a JSON file that is no learner's progress")
    return found


def _take(work: Work, lesson: str, kinds: Mapping, so: Sequence[float]) -> None:
    """Predictions and quiz answers that are answers to what the lesson asks."""
    for name, value in kinds.get("predictions", {}).items():
        asked = predictions(lesson).get(name)
        if asked is not None and (value == SKIPPED or _is_answer(asked, value)):
            work.predictions[name] = value
            if not isinstance(asked, Choice) and _is_answer(asked, so[0] if isinstance(asked, Number) and so else so):
                work.so[name] = list(so)
    for number, answer in kinds.get("quiz", {}).items():
        k, chosen = int(number) if str(number).isdecimal() else 0, answer["chosen"]
        if 1 <= k <= len(quiz(lesson)) and isinstance(chosen, int) and 0 <= chosen < len(quiz(lesson)[k - 1].options):
            work.quiz[k] = chosen


def _is_answer(asked: Prediction, value: Any) -> bool:
    if isinstance(asked, Choice):
        return isinstance(value, str) and value in asked.options
    if isinstance(asked, Number):
        return _is_number(value)
    return isinstance(value, list) and len(value) == len(asked.places) and all(map(_is_number, value))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


# ---------------------------------------------------------------------------------------------------------- the folder


@dataclass
class _File:
    path: Path
    place: tuple[str, ...]  # the folders in which it is, without those named like a lesson
    stem: str  # its name without its lesson, its ending, and what marks a copy: empty if it has no other
    lesson: str
    work: Work
    student: str = ""

    @property
    def graded(self) -> bool:
        return GRADED in self.place

    @property
    def age(self) -> tuple[float, str]:
        return self.path.stat().st_mtime, str(self.path)


def collect(folder: Path) -> Collection:
    """Read everything below a folder.

    Raises:
        ValueError: there is no such folder.
    """
    if not folder.is_dir():
        raise ValueError(f"{folder} is no folder: name the one in which the notebooks are that were handed in")
    unread: dict[str, list[str]] = defaultdict(list)
    files = list(_files(folder, unread))
    _name_students(folder, files)
    unread[NAMELESS] = [str(file.path.relative_to(folder)) for file in files if not file.student]
    by_student: dict[tuple[str, str], list[_File]] = defaultdict(list)
    for file in files:
        if file.student:
            by_student[file.lesson, file.student].append(file)
    works: dict[str, dict[str, Work]] = {lesson: {} for lesson in LESSONS}
    for (lesson, student), versions in sorted(by_student.items()):
        works[lesson][student] = _one_of(versions, folder, unread)
    return Collection(*({key: found for key, found in table.items() if found} for table in (works, unread)))


def _files(folder: Path, unread: dict[str, list[str]]) -> Iterator[_File]:
    """Every file that can be read, once for each lesson that it says something of; the others are noted."""
    course = (folder / HANDED_IN).is_dir()
    for path in sorted(path for path in folder.rglob("*") if path.is_file() and path != folder / PAGE):
        where = path.relative_to(folder)
        try:
            found = _read(path, where, course)
        except Unread as error:
            unread[str(error)].append(str(where))
            continue
        for lesson, work in found.items():
            whole = Path(file_name(lesson)).stem
            names = (whole, lesson, whole.removesuffix(f"_{lesson}"))
            place = tuple(part for part in where.parts[:-1] if part.lower() not in names)
            stem = COPY.sub("", path.stem)
            stem = re.sub(rf"(^|[ _-])({'|'.join(names)}|progress)$|^{whole}[ _-]", "", stem, flags=re.IGNORECASE)
            yield _File(path, place, stem, lesson, work)


def _read(path: Path, where: Path, course: bool) -> dict[str, Work]:
    reads = {".ipynb": from_notebook, ".json": from_progress}.get(path.suffix.lower())
    if ".ipynb_checkpoints" in where.parts:
        raise Unread("a copy that JupyterLab keeps for itself")
    if course and where.parts[0] not in (HANDED_IN, GRADED):
        raise Unread(f"of a course of nbgrader, and neither in {HANDED_IN}/ nor in {GRADED}/")
    if reads is None:
        raise Unread("neither a notebook nor a progress file")
    try:
        return reads(path.read_text(encoding="utf-8-sig"))
    except Unread:
        raise
    except (OSError, ValueError) as error:  # of a ValueError: no JSON, no UTF-8
        raise Unread("could not be opened, or is no JSON: damaged, or of another kind than its name says") from error


def _name_students(folder: Path, files: Sequence[_File]) -> None:
    """Whose each file is: the outermost folder's that is not a class's, or the file's own name's where all are.

    In a class's folder the ending that all files of a lesson share is no part of a name. Who has neither is left without.
    """
    inside: dict[tuple, set[str]] = defaultdict(set)  # a folder, a lesson, a kind of file → what lies in it
    for file in files:
        for k, name in enumerate((*file.place, file.stem)):
            inside[file.place[:k], file.lesson, file.path.suffix].add(name)
    classes = {place for place in {key[0] for key in inside} if _is_a_class(place, inside)}
    for file in files:
        handed = [file.place.index(name) + 1 for name in (HANDED_IN, GRADED) if name in file.place]
        below = file.place[handed[0] :] if handed else file.place if folder.name in (HANDED_IN, GRADED) else ()
        outermost = [file.place[:k] for k in range(1, len(file.place) + 1)]
        own = next((place for place in outermost if place not in classes), None)
        if below:
            file.student = below[0]
        elif own:
            file.student = own[-1]
        else:
            same = {other.stem for other in files if (other.place, other.lesson) == (file.place, file.lesson)
                    and other.path.suffix == file.path.suffix}  # fmt: skip
            endings = [file.stem[found.start() :] for found in re.finditer("[ _-]", file.stem)] if len(same) > 1 else []
            shared = next((ending for ending in endings if all(stem.endswith(ending) for stem in same)), "")
            file.student = file.stem.removesuffix(shared)


def _is_a_class(place: tuple[str, ...], inside: Mapping[tuple, set[str]]) -> bool:
    """Whether a folder holds work of several students in one lesson.

    Then two names in it differ, of files or folders, which no folder beside it has: what stands in every folder, as
    "homework" or "second try", names nobody. A file that is called as its lesson, without a name, is in a student's folder.
    """
    mine = {key: names for key, names in inside.items() if key[0] == place}
    if any("" in names for names in mine.values()):
        return False
    for (_place, *kind), names in mine.items():
        beside = [found for (other, *its), found in inside.items()
                  if its == kind and other != place and other[:-1] == place[:-1] and len(other) == len(place)]  # fmt: skip
        if len(names.difference(*beside)) > 1:
            return True
    return False


def _one_of(versions: Sequence[_File], folder: Path, unread: dict[str, list[str]]) -> Work:
    """What a student did in a lesson: by the newest file of each kind, what was graded before what was handed in."""
    graded = [file for file in versions if file.work.notebook and file.graded]
    handed_in = [file for file in versions if file.work.notebook and not file.graded]
    noted = [file for file in versions if not file.work.notebook]
    work = Work()
    for kind in (graded, handed_in, noted):
        *older, newest = sorted(kind, key=lambda file: file.age) or [None]
        unread["an older version of what the same student handed in"] += [str(f.path.relative_to(folder)) for f in older]
        work = work.beside(newest.work) if newest else work
    return work
