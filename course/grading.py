"""A course for nbgrader or otter-grader from the lessons: their exercises with points, whose hidden tests are the checks.

    python course/grading.py keys ../my-course students.csv   keys, what each student is asked, a paper: in my-course/private/
    python course/grading.py write ../my-course 06    the instructor's notebooks, in my-course/source/ and my-course/otter/
    python course/grading.py run ../my-course nbgrader generate_assignment maml    the students' copy, in my-course/release/
    python course/grading.py run ../my-course nbgrader zip_collect maml     what is in my-course/downloaded/maml/archive/
    python course/grading.py run ../my-course nbgrader autograde maml       what is in my-course/submitted/<student>/maml/
    python course/grading.py run ../my-course nbgrader generate_feedback maml   what the check said, beside each answer
    python course/grading.py run ../my-course nbgrader export                   my-course/grades.csv
    python course/grading.py run ../my-course otter assign otter/maml.ipynb otter/maml --no-pdfs

Without `keys` all students have the numbers of the text, whose answers are public. With them (before `write`) an exercise with
a number has each student's own; at grading they are those of the student whose folder the notebook is in.

`run` hands its words on to nbgrader (https://nbgrader.readthedocs.io) or otter (https://otter-grader.readthedocs.io), in an
environment of their own on top of this one, which it makes when it is first needed. `write` leaves alone what was released,
submitted and graded, and the configuration: after a lesson was changed it writes the sources anew, and the grades that nbgrader
has noted stay.
"""

import argparse
import ast
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import nbformat

import keys
from editions import LESSONS, ROOT, cells, file_name, lessons
from environments import environment
from hyperedu.lessons import variants

POINTS = {"exercise-1": 2, "exercise-2": 3, "exercise-3": 3, "exercise-4": 4}  # compute, change, mend, make
SECONDS = 180  # that one cell of a student's may take
MEMORY = 8  # gigabytes of addresses, of which torch alone takes three
ENVIRONMENT, PINS = ROOT / ".venv-grading", ROOT / "course" / "grading-requirements.txt"

CONFIG = """\
# Written by course/grading.py of hyperedu.
import sys

if sys.platform == "linux":  # the kernels that run students' notebooks inherit it; elsewhere there is no such limit
    import resource

    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    if hard == resource.RLIM_INFINITY or hard > {memory} * 2**30:
        resource.setrlimit(resource.RLIMIT_AS, ({memory} * 2**30, hard))

import csv
import os
from pathlib import Path

from nbgrader.converters import Autograde
from nbgrader.plugins import FileNameCollectorPlugin
from nbgrader.preprocessors import Execute

private = Path("private", "keys.csv")
keys = {{row["student"]: row["key"] for row in csv.DictReader(private.open(encoding="utf-8"))}} if private.exists() else {{}}


class OfItsStudent(Execute):  # runs a notebook with the key of the student whose it is, whatever key stands in it
    def preprocess(self, notebook, resources):
        os.environ[{graded!r}] = keys.get(resources["nbgrader"]["student"], {nobody!r}) if keys else ""
        return super().preprocess(notebook, resources)


class OfAnLMS(FileNameCollectorPlugin):  # what zip_collect takes: <student>_….ipynb, whatever an LMS put behind the name
    def collect(self, path):
        file, assignment = Path(path), self.parent.coursedir.assignment_id
        released = sorted(Path("release", assignment).glob("*.ipynb"))
        if not released:
            self.log.warning("release/%s has no notebook: generate_assignment comes first", assignment)
            return None
        # Moodle puts what a student hands in, named as they please, into <full name>_<number>_assignsubmission_file.
        name = next((part for part in file.parts if "_assignsubmission_" in part), file.name)
        begins = [student for student in keys or [name.split("_")[0]] if name.startswith(student + "_")]
        named = [student for student in begins if student.strip(".") and not name.startswith(released[0].stem)]
        if not named:
            known = " of the class (private/keys.csv)" if keys else ""
            self.log.warning("%s names no student%s: let it begin with <student>_ and collect again", name, known)
        elif file.suffix != ".ipynb" or b'"nbgrader"' not in file.read_bytes():
            self.log.warning("%s is not the notebook of release/%s, but another or none", file.name, assignment)
        else:
            return {{"student_id": max(named, key=len), "file_id": released[0].name}}
        return None


c = get_config()
c.ZipCollectApp.collector_plugin = OfAnLMS
c.Autograde.autograde_preprocessors = [
    OfItsStudent if part is Execute else part for part in Autograde.autograde_preprocessors.default()
]
c.CourseDirectory.course_id = {course!r}
c.ClearSolutions.code_stub = {{"python": "# your answer takes the place of the three dots"}}
c.ExecutePreprocessor.timeout = {seconds}
c.ExecutePreprocessor.interrupt_on_timeout = True
c.LimitOutput.max_lines = 200
"""
KEY = """\
**Your key.** Put the key that you were given in place of the three dots, between quotation marks. Some exercises then have
numbers of your own: run their cell first, and it prints those that take the place of the numbers in the text."""
OTTER = """\
# ASSIGNMENT CONFIG
name: {lesson}
init_cell: false
check_all_cell: false
export_cell: false
tests:
  ok_format: false
"""


@dataclass(frozen=True)
class Exercise:
    """An exercise as those who grade need it: its cell, what stands in it before it is answered, its answer, its check."""

    name: str
    cell: nbformat.NotebookNode
    before: str
    solution: str
    check: ast.Call

    @property
    def points(self) -> int:
        return POINTS[self.name]

    def answered(self, begin: str, end: str) -> str:
        """The code of the cell with its answer between two marks."""
        return "\n".join([self.before, begin, self.solution, end, ast.unparse(self.check)])

    @property
    def result(self) -> str:
        """The expression that gives what the check finds."""
        return f"feedback.result({', '.join(map(ast.unparse, [self.check.func, *self.check.args]))})"


def parts(lesson: str, with_keys: bool = False) -> Iterator[nbformat.NotebookNode | Exercise]:
    """A lesson as students of a class get it, cell by cell, the exercises taken apart; with keys those are answered for any."""
    by_name = {cell.id: cell for cell in cells(lesson)}
    for k, cell in enumerate(by_name.values()):
        if with_keys and k == 1:  # below the title
            yield nbformat.v4.new_markdown_cell(KEY, id="key-text")
            yield nbformat.v4.new_code_cell("from hyperedu.lessons import variants\nvariants.key = ...", id="key")
        tags, name = set(cell.metadata.get("tags", [])), cell.id.removesuffix("-answer")
        if "exercise" in tags and name in POINTS:
            (before, check), (solution, _check) = _parted(cell.source), _parted(by_name[f"{name}-solution"].source)
            if with_keys and (found := keys.keyed(lesson, check.func.attr)):
                right = found.instance.solution.format(numbers=f"{ast.unparse(check.func)}.numbers()")
                solution = f"{ast.unparse(check.args[0])} = {right}"
            yield Exercise(name, cell, before, solution, check)
        elif not tags & {"solution", "teacher", "slides"}:
            yield cell


def for_nbgrader(lesson: str, with_keys: bool = False) -> nbformat.NotebookNode:
    """The instructor's notebook of a lesson: each exercise answered between nbgrader's marks, and then its hidden test."""
    chosen = []
    for part in parts(lesson, with_keys):
        if not isinstance(part, Exercise):
            chosen.append(part)
            continue
        part.cell.source = part.answered("### BEGIN SOLUTION", "### END SOLUTION")
        part.cell.metadata.nbgrader = _marks(part.name, solution=True)
        test = f"from hyperedu.lessons import feedback\n{part.points} * bool({part.result}.right)"
        hidden = f"# Here the points of this exercise are counted.\n### BEGIN HIDDEN TESTS\n{test}\n### END HIDDEN TESTS"
        graded = nbformat.v4.new_code_cell(hidden, id=f"{part.name}-points")
        graded.metadata.nbgrader = _marks(f"{part.name}-points", points=part.points)
        chosen += [part.cell, graded]
    return _notebook(chosen)


def for_otter(lesson: str, teachers: str = "", students: Sequence[str] = ()) -> nbformat.NotebookNode:
    """The master notebook of a lesson for `otter assign`; with keys, the teacher's and the students', only these are taken.

    Otter does not say whose a notebook is: a student has the numbers of the key that was typed in, and the results name it.
    """
    chosen = [nbformat.v4.new_raw_cell(OTTER.format(lesson=lesson))]
    digests = [variants.digest(key) for key in (teachers, *students)]
    for part in parts(lesson, bool(students)):
        if not isinstance(part, Exercise):
            if part.id != "key":
                chosen.append(part)
                continue
            answer = f"{part.source.replace('...', repr(teachers))}  # SOLUTION"
            said = '"typed in: " + variants.typed() + ", whose it is stands in keys.csv"'
            test = f"    assert variants.digest(variants.typed()) == {digests[0]!r}, {said}"
            chosen += _question("key", 0, answer, f"def test_key():\n    from hyperedu.lessons import variants\n{test}")
            continue
        arguments = ", ".join(map(ast.unparse, part.check.args))
        test = (
            f"def test_answer({arguments}):\n"
            f"    from hyperedu.lessons import feedback, variants\n    from hyperedu.lessons.{lesson} import checks\n"
            + (f"    variants.grade_among({digests!r})\n" if students else "")
            + f"    found = {part.result}\n    assert found.right, found.said"
        )
        answer = part.answered("# BEGIN SOLUTION NO PROMPT", "# END SOLUTION")
        chosen += _question(part.name, part.points, answer, test)
    return _notebook(chosen)


def _question(name: str, points: int, answer: str, test: str) -> list[nbformat.NotebookNode]:
    """A question for otter: its cell with the answer, and its hidden test."""
    raw, code = nbformat.v4.new_raw_cell, nbformat.v4.new_code_cell
    config = f'""" # BEGIN TEST CONFIG\nhidden: true\npoints: {points}\n""" # END TEST CONFIG\n'
    return [
        raw(f"# BEGIN QUESTION\nname: {name}\npoints: {points}"),
        raw("# BEGIN SOLUTION"), code(answer), raw("# END SOLUTION"),
        raw("# BEGIN TESTS"), code(config + test), raw("# END TESTS"), raw("# END QUESTION"),
    ]  # fmt: skip


def _notebook(chosen: list[nbformat.NotebookNode]) -> nbformat.NotebookNode:
    notebook = nbformat.v4.new_notebook(cells=chosen)
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    return notebook


def _parted(cell: str) -> tuple[str, ast.Call]:
    """An exercise's cell: what stands before the check, and the call of the check."""
    last = ast.parse(cell).body[-1]
    if not (isinstance(last, ast.Expr) and isinstance(last.value, ast.Call)):
        raise ValueError(f"an exercise's cell must end with the call of its check:\n{cell}")
    return "\n".join(cell.splitlines()[: last.lineno - 1]).strip(), last.value


def _marks(grade_id: str, solution: bool = False, points: int | None = None) -> dict:
    marks = {"schema_version": 3, "grade_id": grade_id, "solution": solution, "grade": points is not None}
    marks |= {"locked": points is not None, "task": False}
    return marks if points is None else marks | {"points": points}


def write(folder: Path, chosen: Sequence[str]) -> None:
    secret, students = keys.make_private(folder), keys.known(folder)
    config = folder / "nbgrader_config.py"
    if not config.exists():  # from then on it is the teacher's
        told = {"memory": MEMORY, "seconds": SECONDS, "graded": variants.GRADED, "nobody": variants.NOBODY}
        config.write_text(CONFIG.format(course=folder.resolve().name, **told), encoding="utf-8")
    for lesson in chosen:
        path, master = folder / "source" / lesson / file_name(lesson), folder / "otter" / f"{lesson}.ipynb"
        of_teacher, of_students = keys.key_of(secret, keys.TEACHER), list(students.values())
        written = ((path, for_nbgrader(lesson, bool(students))), (master, for_otter(lesson, of_teacher, of_students)))
        for file, notebook in written:
            file.parent.mkdir(parents=True, exist_ok=True)
            nbformat.write(notebook, file)
        print(f"{path}, {master.relative_to(folder)}: {sum(POINTS.values())} points")


def run(folder: Path, tool: str, *arguments: str) -> int:
    """Run nbgrader or otter in the folder of a course."""
    config = folder / "nbgrader_config.py"
    if not config.exists():
        print(f"{folder} has no course yet: python course/grading.py write {folder}")
        return 1
    if keys.known(folder) and variants.GRADED not in config.read_text(encoding="utf-8"):
        print(f"{config} is older than the keys, and would grade without them: put it aside and write the course again")
        return 1
    python = environment(ENVIRONMENT, PINS, "nbgrader and otter")
    module = {"nbgrader": "nbgrader", "otter": "otter"}[tool]
    # nbgrader calls alembic, which lies beside its Python; and its templates build on those that lie in this environment.
    surroundings = os.environ | {
        "PATH": os.pathsep.join([str(python.parent), os.environ.get("PATH", "")]),
        "JUPYTER_PATH": os.pathsep.join([str(Path(sys.prefix, "share", "jupyter")), os.environ.get("JUPYTER_PATH", "")]),
        "PYTHONUTF8": "1",
        "HYPEREDU_PROGRESS": "off",  # what graders run is nobody's progress
        "OMP_NUM_THREADS": "1",  # as the lessons were built, and on shared machines the fastest
    }
    surroundings.pop(variants.KEY, None)  # a key of the teacher's own is no student's
    return subprocess.run([str(python), "-m", module, *arguments], cwd=folder, env=surroundings).returncode


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    does = parser.add_subparsers(dest="does", required=True)
    writes = does.add_parser("write", help="the instructor's notebooks of a course")
    runs = does.add_parser("run", help="nbgrader or otter itself, in the folder of a course")
    gives = does.add_parser("keys", help="students' keys, what each is asked, and a paper, into private/; again for latecomers")
    for part in (writes, runs, gives):
        part.add_argument("folder", type=Path, help="of the course")
    writes.add_argument("lessons", nargs="*", help="only those whose number or name starts so")
    gives.add_argument("students", nargs="+", help="names as of their folders, or a .csv file with them in its first column")
    runs.add_argument("tool", choices=("nbgrader", "otter"))
    runs.add_argument("arguments", nargs=argparse.REMAINDER, help="what it is to do")
    told = parser.parse_args()
    if told.does == "run":
        return run(told.folder, told.tool, *told.arguments)
    try:
        keys.make_private(told.folder)
    except keys.NotPrivateError as error:
        print(error)
        return 1
    if told.does == "keys":
        try:
            given = keys.write(told.folder, keys.students(told.students))
        except ValueError as error:
            print(error)
            return 1
        print(f"{told.folder / keys.PRIVATE}: the keys of {len(given)} students, and a sheet of answers for each lesson")
        print(f"Write the notebooks (again), which know of keys from now on: python course/grading.py write {told.folder}")
        return 0
    chosen = [lesson for lesson in LESSONS if any(lesson in lessons(prefix) for prefix in told.lessons or [""])]
    if not chosen:
        print(f"no lesson starts with {' or '.join(told.lessons)}")
        return 1
    write(told.folder, chosen)
    return 0


if __name__ == "__main__":
    sys.exit(main())
