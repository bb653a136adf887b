"""What a link to a hub does to a student's copy: nbgitpuller's git steps, in its order, as its version 1.3 has them.

With nbgitpuller 1.3.0 itself the same was tried by hand, with the same files and the same outcome.
"""

import shutil
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LINES = [f"line {n}" for n in range(20)]
AUTHOR = ("-c", "user.name=somebody", "-c", "user.email=somebody@example.org")


def git(folder, *arguments, may_fail=False):
    said = subprocess.run(["git", *AUTHOR, *arguments], cwd=folder, capture_output=True, encoding="utf-8")
    assert may_fail or said.returncode == 0, said.stdout + said.stderr
    return said.stdout


def write(path, *lines):
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")


def read(path):
    return path.read_text(encoding="utf-8").splitlines()


def changed_upstream(mine, kind):
    said = git(mine, "diff", "..origin/autumn", "--name-status").splitlines()
    return [line.split("\t", 1)[1] for line in said if line.startswith(kind)]


def pull(mine):
    """Fetch; rename what would be overwritten; restore what was deleted; commit what was changed; merge, theirs first."""
    git(mine, "fetch")
    for name in changed_upstream(mine, "A"):
        path = mine / name
        if path.exists():
            path.rename(path.with_name(f"{path.stem}__{datetime.now():%Y%m%d%H%M%S}{path.suffix}"))
    gone = changed_upstream(mine, "D")
    for name in filter(None, git(mine, "ls-files", "--deleted", "-z").split("\0")):
        git(mine, "checkout", "HEAD" if name in gone else "origin/autumn", "--", name)
    git(mine, "reset", "--mixed")
    if git(mine, "diff-files"):
        git(mine, "commit", "-am", "automatic", "--allow-empty")
    if "CONFLICT (modify/delete)" in git(mine, "merge", "-Xours", "origin/autumn", may_fail=True):
        git(mine, "commit", "-am", "automatic", "--allow-empty")


def hand_out(mine):
    subprocess.run([sys.executable, "make.py", "lessons"], cwd=mine, check=True, capture_output=True)


@pytest.fixture
def course(tmp_path):
    """A course upstream with the project's own make.py and .gitignore, and a student's copy of it with their work."""
    upstream, mine = tmp_path / "course", tmp_path / "mine"
    upstream.mkdir()
    git(upstream, "init", "-q", "-b", "autumn")
    for name in ("make.py", ".gitignore"):
        shutil.copy(ROOT / name, upstream)
    for name in ("changed", "both", "gone", "deleted", "untouched"):
        write(upstream / "notebooks" / f"{name}.ipynb", *LINES)
    git(upstream, "add", "-A")
    git(upstream, "commit", "-qm", "first")
    git(tmp_path, "clone", "-q", "--branch", "autumn", str(upstream), str(mine))
    return upstream, mine


def test_a_pull_keeps_what_a_student_changed_and_never_meets_my_lessons(course):
    upstream, mine = course
    hand_out(mine)
    write(mine / "my-lessons" / "both.ipynb", "what I did")
    write(mine / "my-lessons" / "progress.json", "{}")
    for name in ("changed", "both", "gone"):
        write(mine / "notebooks" / f"{name}.ipynb", "my line", *LINES[1:])
    (mine / "notebooks" / "deleted.ipynb").unlink()
    write(mine / "notebooks" / "new.ipynb", "mine")
    before = {path: path.read_bytes() for path in (mine / "my-lessons").iterdir()}

    write(upstream / "notebooks" / "both.ipynb", "their line", *LINES[1:-1], "their last")
    (upstream / "notebooks" / "gone.ipynb").unlink()
    write(upstream / "notebooks" / "new.ipynb", "theirs")
    write(upstream / "notebooks" / "untouched.ipynb", "newer")
    git(upstream, "add", "-A")
    git(upstream, "commit", "-qm", "second")
    pull(mine)

    found = {path.stem: read(path) for path in (mine / "notebooks").iterdir()}
    (renamed,) = [name for name in found if name.startswith("new__")]
    assert (found["new"], found[renamed]) == (["theirs"], ["mine"])
    assert found["changed"] == found["gone"] == ["my line", *LINES[1:]]
    assert found["both"] == ["my line", *LINES[1:-1], "their last"], "a notebook that is half mine and half theirs"
    assert found["deleted"] == LINES
    assert found["untouched"] == ["newer"]
    assert {path: path.read_bytes() for path in (mine / "my-lessons").iterdir()} == before

    hand_out(mine)
    assert read(mine / "my-lessons" / "both.ipynb") == ["what I did"]
    assert read(mine / "my-lessons" / "both.new.ipynb") == found["both"]
    assert read(mine / "my-lessons" / "untouched.ipynb") == ["newer"]
