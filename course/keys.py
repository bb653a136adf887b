"""The keys of a course's students, by which exercises have numbers of their own, what each student is asked, and a paper.

A key follows from the student's name, as the graders call them, and from the course's secret. What is secret stays in the
folder of the course, in `secret` and `private/`: git does not see them, and nothing of them is released.
"""

import csv
import hashlib
import hmac
import importlib
import re
import secrets
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import torch

import exam
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
    """Their names: as they are, or the first column of a .csv file, separated by commas, semicolons or tabs.

    Raises:
        ValueError: a file cannot be read, or a name cannot be that of a student's folder; it says what to do.
    """
    names = [name for one in told for name in (_first_column(Path(one)) if one.endswith(".csv") else [one.strip()])]
    if not names:
        raise ValueError("nobody is in it: a row for each student, with their name in the first column")
    for name in names:
        if not name:
            raise ValueError("a student has no name: fill the first column of that row, or delete the row")
        if re.search(r"[/\\;\t]|^\.+$", name):
            raise ValueError(f"{name!r} cannot be the name of a student's folder: write it without / \\ ; and tabs")
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"two students are called {', '.join(twice)}: give each a name of their own, as their folders have")
    return names


def _first_column(path: Path) -> list[str]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise ValueError(f"there is no file {path}: name that with the students, or the students themselves") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not in UTF-8: save it anew, in Excel as *CSV UTF-8*") from error
    try:
        separator = csv.Sniffer().sniff(text, ",;\t").delimiter
    except csv.Error:  # a single column has none
        separator = ","
    column = [row[0].strip() for row in csv.reader(text.splitlines(), delimiter=separator) if any(cell.strip() for cell in row)]
    return column[1:] if column and column[0].lower() in ("student", "student_id", "id", "name") else column


def write(folder: Path, names: Iterable[str]) -> dict[str, str]:
    """Write the keys of students, those who are there already among them, a sheet of answers for each lesson, and a paper.

    Keys and sheets are written anew; the paper is not, so that a teacher can change it.
    """
    secret = make_private(folder)
    keys = {name: key_of(secret, name) for name in [*known(folder), *names]}
    private = folder / PRIVATE
    private.mkdir(mode=0o700, exist_ok=True)
    with (private / KEYS).open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([HEADINGS, *keys.items()])
    for lesson in LESSONS:
        (private / f"{lesson}.md").write_text(sheet(lesson, keys), encoding="utf-8")
    seed = int.from_bytes(hmac.new(secret, b"exam", hashlib.sha256).digest()[:6], "big")
    for name, text in exam.texts(seed).items():
        if not (private / name).exists():
            (private / name).write_text(text, encoding="utf-8")
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
