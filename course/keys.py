"""The keys of a course's students, by which exercises have numbers of their own, and what each student is asked.

A key follows from the student's name, as the graders call them, and from the course's secret. What is secret stays in the
folder of the course, in `secret` and `private/`: git does not see them, and nothing of them is released.
"""

import csv
import hashlib
import hmac
import importlib
import secrets
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import torch

from editions import LESSONS, ROOT, cells
from hyperedu.lessons import variants

SECRET, PRIVATE, KEYS = "secret", "private", "keys.csv"
HEADINGS = ("student", "key")
TEACHER = ""  # whose key the instructor's notebook for otter has: no student has an empty name


class NotPrivateError(ValueError):
    """The folder of a course lies where it would be committed."""


def make_private(folder: Path) -> bytes:
    """The secret of a course, made where there is none.

    Raises:
        NotPrivateError: the folder is in this repository, and git would commit it.
    """
    folder = folder.resolve()
    if folder.is_relative_to(ROOT) and not _ignored(folder):
        raise NotPrivateError(f"{folder} lies in the repository, where it would be committed: choose a folder outside of it")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ".gitignore").write_text(f"/{SECRET}\n/{PRIVATE}/\n", encoding="utf-8")  # if the course is a repository itself
    file = folder / SECRET
    if not file.exists():
        file.touch(mode=0o600)
        file.write_text(secrets.token_hex(32), encoding="utf-8")
    return bytes.fromhex(file.read_text(encoding="utf-8"))


def _ignored(folder: Path) -> bool:
    try:
        return subprocess.run(["git", "-C", str(ROOT), "check-ignore", "--quiet", str(folder)]).returncode == 0
    except FileNotFoundError:  # without git nothing says that it is
        return False


def key_of(secret: bytes, student: str) -> str:
    return variants.key_of(hmac.new(secret, student.encode(), hashlib.sha256).digest())


def known(folder: Path) -> dict[str, str]:
    """The students of a course and their keys; none where the course has no keys."""
    file = folder / PRIVATE / KEYS
    if not file.exists():
        return {}
    with file.open(encoding="utf-8", newline="") as rows:
        return {row[HEADINGS[0]]: row[HEADINGS[1]] for row in csv.DictReader(rows)}


def students(told: Sequence[str]) -> list[str]:
    """Their names: as they are, or the first column of a .csv file."""
    names = []
    for name in told:
        if not name.endswith(".csv"):
            names.append(name)
            continue
        with Path(name).open(encoding="utf-8-sig", newline="") as file:
            column = [row[0].strip() for row in csv.reader(file) if row and row[0].strip()]
        names += column[1:] if column and column[0].lower() in ("student", "student_id", "id", "name") else column
    return names


def write(folder: Path, names: Iterable[str]) -> dict[str, str]:
    """Write the keys of students, those who are there already among them, and a sheet of answers for each lesson."""
    secret = make_private(folder)
    keys = {name: key_of(secret, name) for name in [*known(folder), *names]}
    private = folder / PRIVATE
    private.mkdir(mode=0o700, exist_ok=True)
    with (private / KEYS).open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([HEADINGS, *keys.items()])
    for lesson in LESSONS:
        (private / f"{lesson}.md").write_text(sheet(lesson, keys), encoding="utf-8")
    return keys


def keyed(lesson: str, check: str) -> variants.Keyed | None:
    """The check of this name, if its exercise has numbers that a key decides."""
    found = getattr(importlib.import_module(f"hyperedu.lessons.{lesson}.checks"), check)
    return found if isinstance(found, variants.Keyed) else None


def sheet(lesson: str, keys: Mapping[str, str]) -> str:
    """What each student is asked in a lesson, and the right answers, as far as they do not depend on a training."""
    lines = [f"# {lesson.replace('_', ' ')}: numbers and answers", "", "Not for students."]
    for cell in cells(lesson):
        call = cell.source.splitlines()[-1] if cell.id.endswith("-answer") else ""
        found = keyed(lesson, call.removeprefix("checks.").split("(")[0]) if call else None
        if found is None:
            continue
        lines += [
            "",
            f"## {cell.id.removesuffix('-answer')}",
            "",
            "| student | key | numbers | right answer |",
            "|---|---|---|---|",
        ]
        for student, key in {"*the text*": "", **keys}.items():
            one = found.instance.of(key)
            right = _written(one.right) if isinstance(one, variants.Solved) else "what the check computes in their notebook"
            lines.append(f"| {student} | {key} | {one} | {right} |")
    return "\n".join(lines) + "\n"


def _written(answer) -> str:
    values = torch.as_tensor(answer, dtype=torch.float64)
    return f"{values.item():.6g}" if values.ndim == 0 else str([[round(v, 6) for v in row] for row in values.tolist()])
