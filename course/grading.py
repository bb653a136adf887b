"""A course for nbgrader or otter-grader from the lessons: their exercises with points, whose hidden tests are the checks.

    python course/grading.py write my-course 06       the instructor's notebooks, in my-course/source/ and my-course/otter/
    python course/grading.py run my-course nbgrader generate_assignment maml    the students' copy, in my-course/release/
    python course/grading.py run my-course nbgrader autograde maml              what is in my-course/submitted/<student>/maml/
    python course/grading.py run my-course nbgrader generate_feedback maml      what the check said, beside each answer
    python course/grading.py run my-course nbgrader export                      my-course/grades.csv
    python course/grading.py run my-course otter assign otter/maml.ipynb otter/maml --no-pdfs

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

from editions import LESSONS, ROOT, cells, file_name, lessons
from environments import environment

POINTS = {"exercise-1": 2, "exercise-2": 3, "exercise-3": 3}  # compute, change, find what is wrong
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

c = get_config()
c.CourseDirectory.course_id = {course!r}
c.ClearSolutions.code_stub = {{"python": "# your answer takes the place of the three dots"}}
c.ExecutePreprocessor.timeout = {seconds}
c.ExecutePreprocessor.interrupt_on_timeout = True
c.LimitOutput.max_lines = 200
"""
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


def parts(lesson: str) -> Iterator[nbformat.NotebookNode | Exercise]:
    """A lesson as students of a class get it, cell by cell, the exercises taken apart."""
    by_name = {cell.id: cell for cell in cells(lesson)}
    for cell in by_name.values():
        tags, name = set(cell.metadata.get("tags", [])), cell.id.removesuffix("-answer")
        if "exercise" in tags and name in POINTS:
            (before, check), (solution, _check) = _parted(cell.source), _parted(by_name[f"{name}-solution"].source)
            yield Exercise(name, cell, before, solution, check)
        elif not tags & {"solution", "teacher", "slides"}:
            yield cell


def for_nbgrader(lesson: str) -> nbformat.NotebookNode:
    """The instructor's notebook of a lesson: each exercise answered between nbgrader's marks, and then its hidden test."""
    chosen = []
    for part in parts(lesson):
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


def for_otter(lesson: str) -> nbformat.NotebookNode:
    """The master notebook of a lesson for `otter assign`."""
    raw, code = nbformat.v4.new_raw_cell, nbformat.v4.new_code_cell
    chosen = [raw(OTTER.format(lesson=lesson))]
    for part in parts(lesson):
        if not isinstance(part, Exercise):
            chosen.append(part)
            continue
        arguments = ", ".join(map(ast.unparse, part.check.args))
        test = (
            f'""" # BEGIN TEST CONFIG\nhidden: true\npoints: {part.points}\n""" # END TEST CONFIG\n'
            f"def test_answer({arguments}):\n"
            f"    from hyperedu.lessons import feedback\n    from hyperedu.lessons.{lesson} import checks\n"
            f"    found = {part.result}\n    assert found.right, found.said"
        )
        chosen += [
            raw(f"# BEGIN QUESTION\nname: {part.name}\npoints: {part.points}"),
            raw("# BEGIN SOLUTION"), code(part.answered("# BEGIN SOLUTION NO PROMPT", "# END SOLUTION")), raw("# END SOLUTION"),
            raw("# BEGIN TESTS"), code(test), raw("# END TESTS"), raw("# END QUESTION"),
        ]  # fmt: skip
    return _notebook(chosen)


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
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "nbgrader_config.py"
    if not config.exists():  # from then on it is the teacher's
        config.write_text(CONFIG.format(memory=MEMORY, seconds=SECONDS, course=folder.resolve().name), encoding="utf-8")
    for lesson in chosen:
        path, master = folder / "source" / lesson / file_name(lesson), folder / "otter" / f"{lesson}.ipynb"
        for file, notebook in ((path, for_nbgrader(lesson)), (master, for_otter(lesson))):
            file.parent.mkdir(parents=True, exist_ok=True)
            nbformat.write(notebook, file)
        print(f"{path}, {master.relative_to(folder)}: {sum(POINTS.values())} points")


def run(folder: Path, tool: str, *arguments: str) -> int:
    """Run nbgrader or otter in the folder of a course."""
    if not (folder / "nbgrader_config.py").exists():
        print(f"{folder} has no course yet: python course/grading.py write {folder}")
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
    return subprocess.run([str(python), "-m", module, *arguments], cwd=folder, env=surroundings).returncode


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    does = parser.add_subparsers(dest="does", required=True)
    writes = does.add_parser("write", help="the instructor's notebooks of a course")
    runs = does.add_parser("run", help="nbgrader or otter itself, in the folder of a course")
    for part in (writes, runs):
        part.add_argument("folder", type=Path, help="of the course")
    writes.add_argument("lessons", nargs="*", help="only those whose number or name starts so")
    runs.add_argument("tool", choices=("nbgrader", "otter"))
    runs.add_argument("arguments", nargs=argparse.REMAINDER, help="what it is to do")
    told = parser.parse_args()
    if told.does == "run":
        return run(told.folder, told.tool, *told.arguments)
    chosen = [lesson for lesson in LESSONS if any(lesson in lessons(prefix) for prefix in told.lessons or [""])]
    if not chosen:
        print(f"no lesson starts with {' or '.join(told.lessons)}")
        return 1
    write(told.folder, chosen)
    return 0


if __name__ == "__main__":
    sys.exit(main())
