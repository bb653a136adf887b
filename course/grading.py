"""A course for nbgrader from the lessons: their exercises with points, whose hidden tests are the checks themselves.

    python course/grading.py write my-course 06       the instructor's notebooks, in my-course/source/
    python course/grading.py run my-course generate_assignment maml     the students' copy, in my-course/release/
    python course/grading.py run my-course autograde maml               what is in my-course/submitted/<student>/maml/
    python course/grading.py run my-course generate_feedback maml       what the check said, beside each answer
    python course/grading.py run my-course export                       my-course/grades.csv

`run` hands its words on to nbgrader (https://nbgrader.readthedocs.io), in an environment of its own on top of this one, which
it makes when it is first needed. `write` leaves alone what was released, submitted and graded, and the configuration: after a
lesson was changed it writes the sources anew, and the grades that nbgrader has noted stay.
"""

import argparse
import ast
import hashlib
import os
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Sequence
from pathlib import Path

import nbformat

from editions import LESSONS, ROOT, cells, file_name, lessons

POINTS = {"exercise-1": 2, "exercise-2": 3, "exercise-3": 3}  # compute, change, find what is wrong
SECONDS = 180  # that one cell of a student's may take
MEMORY = 8  # gigabytes of addresses, of which torch alone takes three
ENVIRONMENT, PINS = ROOT / ".venv-grading", ROOT / "course" / "grading-requirements.txt"

CONFIG = """\
# Written by course/grading.py of hyperedu.
import os

try:
    import resource  # not on Windows
except ImportError:
    pass
else:  # the kernels that run students' notebooks inherit it
    resource.setrlimit(resource.RLIMIT_AS, ({memory} * 2**30, resource.getrlimit(resource.RLIMIT_AS)[1]))
os.environ["HYPEREDU_PROGRESS"] = "off"  # what graders run is nobody's progress
os.environ["OMP_NUM_THREADS"] = "1"  # as the lessons were built, and on shared machines the fastest

c = get_config()
c.CourseDirectory.course_id = {course!r}
c.ClearSolutions.code_stub = {{"python": "# your answer takes the place of the three dots"}}
c.ExecutePreprocessor.timeout = {seconds}
c.ExecutePreprocessor.interrupt_on_timeout = True
c.LimitOutput.max_lines = 200
"""


def source(lesson: str) -> nbformat.NotebookNode:
    """The instructor's notebook of a lesson: each exercise answered between nbgrader's marks, and then its hidden test."""
    chosen = []
    by_name = {cell.id: cell for cell in cells(lesson)}
    for cell in by_name.values():
        tags, exercise = set(cell.metadata.get("tags", [])), cell.id.removesuffix("-answer")
        if "exercise" in tags and exercise in POINTS:
            chosen += _exercise(exercise, cell, by_name[f"{exercise}-solution"])
        elif not tags & {"solution", "teacher"}:
            chosen.append(cell)
    notebook = nbformat.v4.new_notebook(cells=chosen)
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    return notebook


def _exercise(name: str, answer: nbformat.NotebookNode, solution: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    (before, call), (solved, _call) = _parted(answer.source), _parted(solution.source)
    answer.source = f"{before}\n### BEGIN SOLUTION\n{solved}\n### END SOLUTION\n{ast.unparse(call)}"
    answer.metadata.nbgrader = _marks(name, solution=True)
    asked = ", ".join(map(ast.unparse, [call.func, *call.args]))
    test = f"from hyperedu.lessons import feedback\n{POINTS[name]} * bool(feedback.result({asked}).right)"
    hidden = f"# Here the points of this exercise are counted.\n### BEGIN HIDDEN TESTS\n{test}\n### END HIDDEN TESTS"
    graded = nbformat.v4.new_code_cell(hidden, id=f"{name}-points")
    graded.metadata.nbgrader = _marks(f"{name}-points", points=POINTS[name])
    return [answer, graded]


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
        path = folder / "source" / lesson / file_name(lesson)
        path.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(source(lesson), path)
        print(f"{path}: {sum(POINTS.values())} points")


def environment(folder: Path = ENVIRONMENT) -> Path:
    """The Python of an environment that has nbgrader, and all that this one has; it is made if it is not there as it should be.

    Of its own, because nbgrader adds to JupyterLab what learners should not meet.
    """
    windows = sys.platform == "win32"
    python = folder / ("Scripts/python.exe" if windows else "bin/python")
    below, stamp = sysconfig.get_path("purelib"), folder / ".ready"
    digest = hashlib.sha256(f"{below}\n{PINS.read_text(encoding='utf-8')}".encode()).hexdigest()
    if stamp.exists() and python.exists() and stamp.read_text(encoding="utf-8") == digest:
        return python
    print("Making the environment for nbgrader", flush=True)
    venv.create(folder, clear=True, symlinks=not windows)
    own = folder / ("Lib/site-packages" if windows else f"lib/python{sys.version_info[0]}.{sys.version_info[1]}/site-packages")
    (own / "below.pth").write_text(f"import site; site.addsitedir({below!r})\n", encoding="utf-8")
    pinned = ["-c", str(ROOT / "constraints.txt"), "-r", str(PINS)]
    install = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*install, *pinned], check=True)
    stamp.write_text(digest, encoding="utf-8")
    return python


def nbgrader(folder: Path, arguments: Sequence[str]) -> int:
    """Run nbgrader in the folder of a course."""
    if not (folder / "nbgrader_config.py").exists():
        print(f"{folder} has no course yet: python course/grading.py write {folder}")
        return 1
    python = environment()
    # nbgrader calls alembic, which lies beside its Python; and its templates build on those that lie in this environment.
    surroundings = os.environ | {
        "PATH": os.pathsep.join([str(python.parent), os.environ.get("PATH", "")]),
        "JUPYTER_PATH": os.pathsep.join([str(Path(sys.prefix, "share", "jupyter")), os.environ.get("JUPYTER_PATH", "")]),
        "PYTHONUTF8": "1",
    }
    return subprocess.run([str(python), "-m", "nbgrader", *arguments], cwd=folder, env=surroundings).returncode


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    does = parser.add_subparsers(dest="does", required=True)
    writes = does.add_parser("write", help="the instructor's notebooks of a course")
    runs = does.add_parser("run", help="nbgrader itself, in the folder of a course")
    for part in (writes, runs):
        part.add_argument("folder", type=Path, help="of the course")
    writes.add_argument("lessons", nargs="*", help="only those whose number or name starts so")
    runs.add_argument("arguments", nargs=argparse.REMAINDER, help="what nbgrader is to do")
    told = parser.parse_args()
    if told.does == "run":
        return nbgrader(told.folder, told.arguments)
    chosen = [lesson for lesson in LESSONS if any(lesson in lessons(prefix) for prefix in told.lessons or [""])]
    if not chosen:
        print(f"no lesson starts with {' or '.join(told.lessons)}")
        return 1
    write(told.folder, chosen)
    return 0


if __name__ == "__main__":
    sys.exit(main())
