"""The archive for a class: the same bytes from the same commit, whole or found to be damaged, and without answers if asked."""

import functools
import json
import os
import subprocess
import sys
import zipfile

import jupytext
import nbformat
import pytest

import editions
import release

pytestmark = pytest.mark.skipif(not (editions.ROOT / ".git").exists(), reason="an archive is made from a git repository")
# What an archive without solutions may say of them: the checks know what is right.
KNOW_THE_ANSWER = "checks.py"


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return release.release(tmp_path_factory.mktemp("whole"))


@pytest.fixture(scope="module")
def for_students(tmp_path_factory):
    return release.release(tmp_path_factory.mktemp("students"), without_solutions=True)


@pytest.fixture(scope="module")
def unpacked(for_students, tmp_path_factory):
    folder = tmp_path_factory.mktemp("unpacked with a space")
    with zipfile.ZipFile(for_students) as archive:
        archive.extractall(folder)
    (course,) = folder.iterdir()
    return course


@functools.cache
def texts(path):
    """path in the archive → text, of all that is text; of notebooks what their cells hold, without pictures."""
    found = {}
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if name.endswith(".ipynb"):
                cells = nbformat.reads(archive.read(name).decode("utf-8"), as_version=4).cells
                found[name] = "\n".join("\n".join([cell.source, *said(cell)]) for cell in cells)
            elif not name.endswith((".npz", ".safetensors", ".png")):
                found[name] = archive.read(name).decode("utf-8")
    return found


def said(cell):
    """What came out of a code cell, as text."""
    return [output.get("text", output.get("data", {}).get("text/plain", "")) for output in cell.get("outputs", [])]


@functools.cache
def cells_of(lesson):
    """The cells of all notebooks whose sources lie in a lesson's folder."""
    texts = [path.read_text(encoding="utf-8") for path in sorted((editions.FOLDERS / lesson).glob("*.py"))]
    return [cell for text in texts if text.startswith("# %% ") for cell in jupytext.reads(text, "py:percent").cells]


def has_tag(cell, *tags):
    return bool(set(tags) & set(cell.metadata.get("tags", [])))


def answers(lesson):
    """The lines of the solutions in a lesson's folder that no learner is shown, in any lesson or in the package under them."""
    lines = {line.strip() for cell in cells_of(lesson) if has_tag(cell, "solution") for line in cell.source.splitlines()}
    return {line for line in lines if line not in shown()}


@functools.cache
def shown():
    every = [cell for lesson in editions.LESSONS for cell in cells_of(lesson)]
    package = [path for path in (editions.ROOT / "hyperedu").rglob("*.py") if "lessons" not in path.parts]
    code = [path.read_text(encoding="utf-8") for path in package]
    return "\n".join(code + [cell.source for cell in every if not has_tag(cell, "solution", "teacher")])


def told(path, lesson):
    """The names of an archive's files that hold an answer of a lesson."""
    wanted = answers(lesson)
    return {name for name, text in texts(path).items() if any(line in text for line in wanted)}


def test_two_archives_of_a_commit_have_the_same_bytes(whole, for_students, tmp_path):
    assert release.release(tmp_path).read_bytes() == whole.read_bytes()
    assert release.release(tmp_path, without_solutions=True).read_bytes() == for_students.read_bytes()
    assert whole.read_bytes() != for_students.read_bytes()
    assert for_students.name == whole.name.replace(".zip", "-without-solutions.zip")


def test_the_manifest_has_the_commit_and_every_version(whole):
    with zipfile.ZipFile(whole) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(release.MANIFEST)]
        said = json.loads(archive.read(name))
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=editions.ROOT, capture_output=True, encoding="utf-8", check=True)
    assert said["commit"] == head.stdout.strip()
    pins = [line for line in (editions.ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines() if "==" in line]
    assert [f"{name}=={version}" for name, version in said["packages"].items()] == pins
    assert {"notebooks/00_start_here.ipynb", "data/colorado_climate.npz", "environment.yml", "make.py"} <= set(said["files"])


def changed(source, target, change):
    """A copy of an archive in which `change` gave each file another content, or None to leave it out."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            content = change(name.partition("/")[2], old.read(name))
            if content is not None:
                new.writestr(name, content)
    return target


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda name, content: content[:-1] + b"!" if name == "data/README.md" else content, "data/README.md was changed"),
        (lambda name, content: None if name == "LICENSE" else content, "LICENSE is missing"),
        (lambda name, content: None if name == release.MANIFEST else content, "no archive of the course"),
        (lambda name, content: content.replace(b'"torch": "', b'"torch": "9') if name == release.MANIFEST else content,
         "other packages than constraints.txt"),
    ],
)  # fmt: skip
def test_a_change_is_found(whole, tmp_path, change, said):
    assert release.problems(whole) == []
    (found,) = release.problems(changed(whole, tmp_path / "changed.zip", change))
    assert said in found


def test_a_flipped_byte_and_a_strange_file_are_found(whole, tmp_path):
    content = bytearray(whole.read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / "flipped.zip").write_bytes(content)
    assert release.problems(tmp_path / "flipped.zip")
    more = changed(whole, tmp_path / "more.zip", lambda _, content: content)
    with zipfile.ZipFile(more, "a") as archive:
        archive.writestr("hyperedu/more.py", b"")
    assert release.problems(more) == ["more.py is not in the manifest"]
    (tmp_path / "no.zip").write_text("no archive", encoding="utf-8")
    assert "no archive" in release.problems(tmp_path / "no.zip")[0]


@pytest.mark.parametrize("lesson", editions.LESSONS)
def test_without_solutions_there_is_no_answer(whole, for_students, lesson):
    assert [name for name in told(for_students, lesson) if not name.endswith(KNOW_THE_ANSWER)] == []
    assert any("notebooks/solutions/" in name for name in told(whole, lesson)), "this test would see one"


def run(unpacked, *command):
    """Run Python in the unpacked archive, with nothing of the project around it."""
    variables = os.environ | {"PYTHONPATH": str(unpacked), "HYPEREDU_PROGRESS": "off"}
    said = subprocess.run([sys.executable, *command], cwd=unpacked, env=variables, capture_output=True, encoding="utf-8")
    assert said.returncode == 0, said.stderr
    return said.stdout


def test_without_solutions_the_package_works_and_every_quiz_and_check_is_there(unpacked):
    lines = [
        "import hyperedu, importlib",
        "print(hyperedu.__file__)",
        "hyperedu.ColoradoClimate('tmax')",
        f"for lesson in {editions.LESSONS}:",
        "    importlib.import_module(f'hyperedu.lessons.{lesson}.checks')",
        "    questions = importlib.import_module(f'hyperedu.lessons.{lesson}.questions')",
        "    print(len(questions.quiz().choices))",
    ]
    first, *rest = run(unpacked, "-c", "\n".join(lines)).splitlines()
    assert first.startswith(str(unpacked))
    assert rest == ["5"] * len(editions.LESSONS)


def test_without_solutions_the_lessons_are_handed_out(unpacked):
    run(unpacked, "make.py", "lessons")
    mine = unpacked / "my-lessons"
    assert {path.name for path in mine.rglob("*.ipynb")} >= {editions.file_name(lesson) for lesson in editions.LESSONS}
    first = editions.file_name(editions.LESSONS[0])
    assert (mine / first).read_bytes() == (unpacked / "notebooks" / first).read_bytes()
    said = subprocess.run([sys.executable, "make.py", "lab", "--teacher"], cwd=unpacked, capture_output=True, encoding="utf-8")
    assert "no teacher's edition" in said.stderr
