"""A written examination of ninety minutes, drawn from templates: questions, fresh numbers and model answers, all by one seed.

    python course/exam.py FOLDER --seed 2718    FOLDER/exam.md and FOLDER/answers.md, outside the repository
    python course/exam.py --sample              docs/exam.md, the public sample

The templates are public, and who knows the seed has the paper: take a long one and keep it to yourself.
"""

import argparse
import random
import sys
from pathlib import Path

from editions import ROOT, file_name
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


def paper(seed: int) -> list[tuple[Template, Asked]]:
    """Eight questions of eight lessons, in the order of the course, and how each is asked."""
    rng = random.Random(seed)
    chosen: list[Template] = []
    for kind, count in DRAWN.items():
        for _ in range(count):
            taken = {template.lesson for template in chosen}
            chosen.append(rng.choice([t for t in TEMPLATES if t.kind == kind and t.lesson not in taken]))
    chosen.sort(key=lambda template: file_name(template.lesson))
    return [(template, template.make(rng)) for template in chosen]


def questions(seed: int) -> str:
    """The paper as students get it, in markdown."""
    drawn = paper(seed)
    rules = RULES.format(questions=len(drawn), points=sum(POINTS[template.kind] for template, _ in drawn))
    parts = [f"**{n}.** ({POINTS[template.kind]} points) {asked.text}\n" for n, (template, asked) in enumerate(drawn, 1)]
    return "\n".join([TITLE, rules, *parts])


def answers(seed: int) -> str:
    """The model answers, with what the points are for."""
    parts = ["# Model answers\n"]
    for n, (template, asked) in enumerate(paper(seed), 1):
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


def write(folder: Path, seed: int) -> None:
    """Write exam.md and answers.md.

    Raises:
        ValueError: the folder is in the repository, or holds a paper already.
    """
    folder = folder.resolve()
    if folder == ROOT.resolve() or ROOT.resolve() in folder.parents:
        raise ValueError(f"{folder} is in the repository, where a paper might be published: name a folder elsewhere")
    there = [name for name in ("exam.md", "answers.md") if (folder / name).exists()]
    if there:
        raise ValueError(f"{folder} has {' and '.join(there)} already: name another folder, or move them away")
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in (("exam.md", questions(seed)), ("answers.md", answers(seed))):
        (folder / name).write_text(text, encoding="utf-8", newline="\n")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, help="where exam.md and answers.md go")
    parser.add_argument("--seed", type=int, help="a number that nobody guesses")
    parser.add_argument("--sample", action="store_true", help="write docs/exam.md")
    arguments = parser.parse_args()
    if arguments.sample:
        SAMPLE.write_text(sample(), encoding="utf-8", newline="\n")
        return 0
    if arguments.folder is None or arguments.seed is None:
        parser.error("name a folder and a seed: python course/exam.py FOLDER --seed S")
    try:
        write(arguments.folder, arguments.seed)
    except ValueError as error:
        print(error)
        return 1
    print(f"{arguments.folder / 'exam.md'} and {arguments.folder / 'answers.md'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
