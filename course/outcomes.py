"""What a student can do after the whole course: docs/outcomes.md, made from the tables in the teacher's plans of the lessons.

python course/outcomes.py            write docs/outcomes.md
python course/outcomes.py --check    fail if it is not what the lessons say
"""

import argparse
import re
import sys

from editions import LESSONS, ROOT, cells, file_name, source

PAGE = ROOT / "docs" / "outcomes.md"
OPENING = """\
# What a student can do after the course

Written by `python course/outcomes.py` from the plans of the lessons: what somebody can do after each, where it is shown, and
which exercises and quiz questions ask for it.{homework}
"""
WITH_HOMEWORK = " A letter H links the homework of a lesson, which asks for more than one of its outcomes."


def outcomes(lesson: str) -> list[tuple[str, str, str]]:
    """(what a student can do, where it is shown, what asks for it) of a lesson, as its plan for the teacher has it.

    Raises:
        ValueError: the plan has no such table, or a row of it has not three columns.
    """
    plans = [cell.source for cell in cells(lesson) if cell.id == "plan-teacher"]
    if len(plans) != 1 or "**Outcomes**" not in plans[0]:
        raise ValueError(f"{lesson}: its cell plan-teacher has no table after **Outcomes**")
    lines = [line for line in plans[0].split("**Outcomes**")[1].splitlines() if line.startswith("> |")][2:]
    rows = [tuple(column.strip() for column in line[2:].strip().strip("|").split("|")) for line in lines]
    wrong = [row for row in rows if len(row) != 3]
    if wrong:
        raise ValueError(f"{lesson}: a row of the outcomes has not three columns: {wrong[0]}")
    return rows


def asked(said: str) -> tuple[str, str]:
    """The numbers of the exercises and of the quiz questions: "exercise 1, 2, quiz 4" → ("1, 2", "4")."""
    numbers = {kind: re.findall(rf"{kind} ([\d, ]*\d)", said) for kind in ("exercise", "quiz")}
    return ", ".join(numbers["exercise"]), ", ".join(numbers["quiz"])


def page() -> str:
    """The whole page, as markdown."""
    homework = [lesson for lesson in LESSONS if source(f"{lesson}/homework").exists()]
    parts = [OPENING.format(homework=WITH_HOMEWORK if homework else "")]
    for lesson in LESSONS:
        number, title = file_name(lesson)[:2], heading(lesson)
        more = f" · [H](../notebooks/homework/{file_name(f'{lesson}/homework')})" if lesson in homework else ""
        parts.append(f"## [{number} · {title}](../notebooks/{file_name(lesson)}){more}\n")
        parts.append("| after it a student can | shown in | exercises | quiz |\n|---|---|---|---|")
        parts[-1] += (
            "".join(f"\n| {can} | {shown} | {' | '.join(asked(asks))} |" for can, shown, asks in outcomes(lesson)) + "\n"
        )
    return "\n".join(parts)


def heading(lesson: str) -> str:
    """The title of a lesson without its number."""
    (opening,) = [cell.source for cell in cells(lesson) if cell.id == "opening"]
    return opening.splitlines()[0].partition("· ")[2]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; fail if the page is not fresh")
    if not parser.parse_args().check:
        PAGE.write_text(page(), encoding="utf-8", newline="\n")
        return 0
    fresh = PAGE.exists() and PAGE.read_text(encoding="utf-8") == page()
    print("docs/outcomes.md is fresh" if fresh else "docs/outcomes.md is stale: run python course/outcomes.py")
    return not fresh


if __name__ == "__main__":
    sys.exit(main())
