"""What a learner has done so far, in one file of their own: progress.json, in the folder where the notebooks are.

It holds for each lesson which exercises were answered rightly and after how many tries, what was predicted, and what was
chosen in the quiz. Nothing of it leaves the machine. It can be read with any editor; `show()` prints it as a table, `export`
copies it, `erase` removes it, or one lesson of it. HYPEREDU_PROGRESS names another file, or is "off": then nothing is kept.
"""

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

from IPython import get_ipython

from hyperedu.words import _

OFF = "off"
EXERCISES, QUESTIONS = 4, 5  # of each lesson
HEADINGS = ("lesson", "exercises", "predictions", "quiz")


def file() -> Path | None:
    """Where it is kept; None where nothing is, as outside of notebooks."""
    named = os.environ.get("HYPEREDU_PROGRESS")
    if named:
        return None if named == OFF else Path(named)
    return Path.cwd() / "progress.json" if get_ipython() is not None else None


def read() -> dict[str, dict[str, dict[str, Any]]]:
    """lesson → kind ("exercises", "predictions", "quiz") → name → what is known of it; empty if there is no file."""
    path = file()
    if path is None or not path.is_file():
        return {}
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        broken = path.with_suffix(".broken.json")
        path.replace(broken)
        print(_("{path} could not be read and was put aside as {other}.", path=path.name, other=broken.name), file=sys.stderr)
        return {}


def found(lesson: str, kind: str, name: str) -> Any:
    return read().get(lesson, {}).get(kind, {}).get(name)


def note(lesson: str, kind: str, name: str, value: Any) -> None:
    """Keep what a learner did; does nothing where nothing is kept."""
    path = file()
    if path is None:
        return
    every = read()
    every.setdefault(lesson, {}).setdefault(kind, {})[name] = value
    _write(path, every)


def _write(path: Path, every: dict) -> None:
    part = path.with_suffix(".part")
    part.write_text(json.dumps(every, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    part.replace(path)  # whole or not at all


def tried(lesson: str, exercise: str, right: bool) -> None:
    """An exercise was checked."""
    before = found(lesson, "exercises", exercise) or {"tries": 0, "right": False}
    note(lesson, "exercises", exercise, {"tries": before["tries"] + (not before["right"]), "right": before["right"] or right})


def show() -> None:
    """Print the progress as a table, and where it is kept."""
    path, every = file(), read()
    if not every:
        print(
            _(
                "Nothing yet: what you answer and predict in the lessons is noted in {path}.",
                path=path.name if path else "progress.json",
            )
        )
        return
    rows = [[_(heading) for heading in HEADINGS]]
    for lesson, kinds in every.items():
        exercises, quiz = (kinds.get(kind, {}).values() for kind in ("exercises", "quiz"))
        rows.append([
            lesson.replace("_", " "),
            _("{n} of {all}", n=sum(e["right"] for e in exercises), all=EXERCISES),
            str(len(kinds.get("predictions", {}))),
            _("{n} of {all}", n=sum(q["right"] for q in quiz), all=QUESTIONS),
        ])  # fmt: skip
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("   ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    print(
        _(
            "\nKept in {path}, and nowhere else. progress.export(…) copies it, progress.erase() removes it, "
            'progress.erase("maml") one lesson of it, to be asked again.',
            path=path,
        )
    )


def export(to: str | Path) -> Path:
    """Copy the file, for a backup or a teacher.

    Raises:
        ValueError: there is nothing to copy.
    """
    path = file()
    if path is None or not path.is_file():
        raise ValueError(_("there is no progress to copy yet"))
    return Path(shutil.copy(path, to))


def erase(lesson: str | None = None) -> None:
    """Remove the file; or what it says of one lesson, whose predictions are then asked again.

    Raises:
        ValueError: nothing is noted of this lesson.
    """
    path = file()
    if path is None:
        return
    if lesson is None:
        path.unlink(missing_ok=True)
        return
    every = read()
    key = lesson.replace(" ", "_")
    if key not in every:
        raise ValueError(
            _("nothing is noted of {lesson!r}, but of {known}", lesson=lesson, known=", ".join(every) or _("no lesson"))
        )
    del every[key]
    _write(path, every)
