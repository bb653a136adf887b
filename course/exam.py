"""A written examination of ninety minutes, drawn from templates: questions, fresh numbers and model answers, all by one seed.

    python course/exam.py FOLDER --seed 2718    FOLDER/exam.md and FOLDER/answers.md, outside the repository
    python course/exam.py FOLDER --seed 2718 --lessons 00-07,10    only of these lessons
    python course/exam.py --sample              docs/exam.md, the public sample

The templates are public, and who knows the seed has the paper: take a long one and keep it to yourself.
"""

import argparse
import itertools
import random
import re
import sys
from collections.abc import Collection
from pathlib import Path

from editions import LESSONS, ROOT, file_name
from exam_questions import POINTS, TEMPLATES, Asked, Template

MINUTES = 90
DRAWN = {"wrong": 2, "explain": 2, "compute": 4}  # of each kind, in the order in which lessons are chosen
SAMPLE, SAMPLE_SEED = ROOT / "docs" / "exam.md", 0
TITLE = "# Hypernetworks and meta-learning: examination\n"
RULES = f"""\
{MINUTES} minutes, {{questions}} questions, {{points}} points. A sheet of your own notes and a pocket calculator are allowed.
Numbers to three digits are enough; a right way with a slip in a number has all points but one. The letters are those of the
course: τ a descriptor, θ the weights of one main network g, φ what is learned, $f_\\varphi$ the generator, D the support set,
α the rate of an inner step.
"""
ABOUT = """\
A sample paper with model answers and what each point is for, written by `python course/exam.py --sample`. A paper of your own,
with other questions and numbers and its answers in another file, is made by `python course/exam.py FOLDER --seed S`
outside this repository. The templates are public: read a paper before you give it. Half of the points are a fair line to pass;
a student who answers only what is to be computed has understood that, and not why.
"""


def lessons_named(text: str) -> list[str]:
    """The lessons of "00-07,10", numbers and ranges of them, in the order of the course.

    Raises:
        ValueError: it is not so written, or there is no such lesson.
    """
    numbers: set[int] = set()
    for part in text.split(","):
        found = re.fullmatch(r"\s*([0-9]{1,2})\s*(?:[-–]\s*([0-9]{1,2})\s*)?", part)
        first, last = (int(found[1]), int(found[2] or found[1])) if found else (0, -1)
        if not first <= last < len(LESSONS):
            raise ValueError(
                f"--lessons {text}: {part.strip()!r} is no lesson and no range of them; "
                f"write numbers from 00 to {len(LESSONS) - 1:02d}, as in 00-07,10"
            )
        numbers.update(range(first, last + 1))
    return [LESSONS[number] for number in sorted(numbers)]


def paper(seed: int, lessons: Collection[str] = LESSONS) -> list[tuple[Template, Asked]]:
    """Eight questions of eight of these lessons, in the order of the course, and how each is asked.

    Raises:
        ValueError: the templates of these lessons are too few.
    """
    rng = random.Random(seed)
    slots = [kind for kind, count in DRAWN.items() for _ in range(count)]
    chosen: list[Template] = []
    for place, kind in enumerate(slots):
        taken = {template.lesson for template in chosen}
        free = [t for t in TEMPLATES if t.kind == kind and t.lesson in lessons and t.lesson not in taken]
        # A lesson that the kinds still to come cannot do without is not spent on this one.
        free = [t for t in free if _can_fill(slots[place + 1 :], set(lessons) - taken - {t.lesson})]
        if not free:
            numbers = ", ".join(file_name(lesson)[:2] for lesson in lessons)
            wanted = ", ".join(f"{count} of kind {kind!r}" for kind, count in DRAWN.items())
            raise ValueError(
                f"the templates of the lessons {numbers} are too few for a paper, which has {len(slots)} questions "
                f"of {len(slots)} lessons ({wanted}): name more lessons, or write templates in course/exam_questions.py"
            )
        chosen.append(rng.choice(free))
    chosen.sort(key=lambda template: file_name(template.lesson))
    return [(template, template.make(rng)) for template in chosen]


def _can_fill(kinds: list[str], lessons: set[str]) -> bool:
    """Whether questions of these kinds can each have a lesson of their own (Hall's condition)."""
    wanted = {kind: kinds.count(kind) for kind in kinds}
    having = {kind: {t.lesson for t in TEMPLATES if t.kind == kind and t.lesson in lessons} for kind in wanted}
    groups = (group for size in range(1, len(wanted) + 1) for group in itertools.combinations(wanted, size))
    return all(len(set().union(*(having[k] for k in group))) >= sum(wanted[k] for k in group) for group in groups)


def questions(seed: int, lessons: Collection[str] = LESSONS) -> str:
    """The paper as students get it, in markdown."""
    drawn = paper(seed, lessons)
    rules = RULES.format(questions=len(drawn), points=sum(POINTS[template.kind] for template, _ in drawn))
    parts = [f"**{n}.** ({POINTS[template.kind]} points) {asked.text}\n" for n, (template, asked) in enumerate(drawn, 1)]
    return "\n".join([TITLE, rules, *parts])


def answers(seed: int, lessons: Collection[str] = LESSONS) -> str:
    """The model answers, with what the points are for."""
    parts = ["# Model answers\n"]
    for n, (template, asked) in enumerate(paper(seed, lessons), 1):
        lesson = template.lesson.replace("_", " ")
        parts.append(
            f"**{n}.** ({POINTS[template.kind]} points; lesson {file_name(template.lesson)[:2]}, {lesson}) {asked.answer}\n"
        )
        parts.append(f"*Points*: {asked.marking}\n")
    return "\n".join(parts)


def sample() -> str:
    """The public sample: a paper, and below it its answers."""
    asked = questions(SAMPLE_SEED).replace(TITLE, f"{TITLE.replace('examination', 'a sample examination')}\n{ABOUT}", 1)
    return f"{asked}\n#{answers(SAMPLE_SEED)}"


def texts(seed: int, lessons: Collection[str] = LESSONS) -> dict[str, str]:
    """The files of a paper, name → text.

    Raises:
        ValueError: the templates of the lessons are too few.
    """
    return {"exam.md": questions(seed, lessons), "answers.md": answers(seed, lessons)}


def write(folder: Path, seed: int, lessons: Collection[str] = LESSONS) -> None:
    """Write exam.md and answers.md.

    Raises:
        ValueError: the folder is in the repository, or holds a paper already; or the templates of the lessons are too few.
    """
    folder = folder.resolve()
    if folder == ROOT.resolve() or ROOT.resolve() in folder.parents:
        raise ValueError(f"{folder} is in the repository, where a paper might be published: name a folder elsewhere")
    there = [name for name in ("exam.md", "answers.md") if (folder / name).exists()]
    if there:
        raise ValueError(f"{folder} has {' and '.join(there)} already: name another folder, or move them away")
    files = texts(seed, lessons)
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8", newline="\n")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, help="where exam.md and answers.md go")
    parser.add_argument("--seed", type=int, help="a number that nobody guesses")
    parser.add_argument("--lessons", default=f"00-{len(LESSONS) - 1:02d}", help="ask only of these, as in 00-07,10")
    parser.add_argument("--sample", action="store_true", help="write docs/exam.md")
    arguments = parser.parse_args()
    if arguments.sample:
        SAMPLE.write_text(sample(), encoding="utf-8", newline="\n")
        return 0
    if arguments.folder is None or arguments.seed is None:
        parser.error("name a folder and a seed: python course/exam.py FOLDER --seed S")
    try:
        write(arguments.folder, arguments.seed, lessons_named(arguments.lessons))
    except ValueError as error:
        print(error)
        return 1
    print(f"{arguments.folder / 'exam.md'} and {arguments.folder / 'answers.md'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
