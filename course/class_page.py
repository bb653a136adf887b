"""What a class got wrong, as one page for its teacher, from the notebooks and progress files that were handed in.

    python course/class_page.py my-course                       writes my-course/class.html
    python course/class_page.py collected --named -o page.html  with the students' names

The folder may be a course of nbgrader, or hold a folder for each student, or files <student>_<any>.ipynb and <student>.json;
collected.py says how it is read. Notebooks are read and never run; nothing leaves the machine; and without --named no name of a
student or of a file is on the page.
"""

import argparse
import base64
import html
import io
import itertools
import re
import statistics
import sys
import textwrap
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.figure import Figure

import collected
from collected import NOT_YET, NOTHING, RIGHT, UNANSWERED, Collection, Work
from editions import cells, file_name
from hyperedu.figures import style
from hyperedu.lessons.asking import SKIPPED, Choice, Number, Prediction, Sketch

FEW = 5  # students; where there are less, a count may name one
WORTH = 3  # misconceptions for the next session
STATES = (RIGHT, NOT_YET, UNANSWERED, NOTHING)
FAR = (0, 0.05, 0.1, 0.2, 0.4)  # distances of a sketch, as parts of its axis

CSS = """
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem }
body { color: #222; background: #fff }
table { border-collapse: collapse; margin: 0.5rem 0 1.5rem; width: 100% }
caption { text-align: left; font-weight: 600; padding: 0.3rem 0 }
th, td { border-bottom: 1px solid #bbb; padding: 0.3rem 0.6rem; text-align: left; vertical-align: top }
th[scope="row"] { min-width: 14rem }
td.n { width: 6rem }
td.named { width: 14rem }
td small { color: #444; display: block }
figure { margin: 0 0 2rem }
tr.right { background: #e6f4ea }
.few { border-left: 0.4rem solid #b35900; padding: 0.3rem 0.8rem; background: #fff4e5 }
img { max-width: 100%; height: auto }
h2 { border-top: 2px solid #222; padding-top: 0.6rem; margin-top: 2.5rem }
@media print { h2 { break-after: avoid } tr, figure { break-inside: avoid } }
"""


@dataclass
class Row:
    """What students did, in words, and who they are."""

    said: str
    who: list[str] = field(default_factory=list)
    right: bool = False


@dataclass
class Met:
    """A misconception that students met, and where the teacher's notes speak of it."""

    said: str
    where: str
    notes: str
    who: list[str]


# ------------------------------------------------------------------------------------------------------------- counting


def rows_of_exercise(works: Mapping[str, Work], name: str) -> list[Row]:
    """The misconceptions of an exercise, the most frequent first."""
    found: dict[str, list[str]] = defaultdict(list)
    for student, work in works.items():
        state, said = work.exercises.get(name, (NOTHING, ""))
        if state == NOT_YET:
            found[said].append(student)
    return sorted((Row(said, who) for said, who in found.items()), key=lambda row: (-len(row.who), row.said))


def rows_of_prediction(asked: Prediction, works: Mapping[str, Work], name: str) -> list[Row]:
    """How often each option was chosen, or how often a prediction lay in each part of its range."""
    given = {student: work.predictions[name] for student, work in works.items() if name in work.predictions}
    answered = {student: value for student, value in given.items() if value != SKIPPED}
    true = [work.so[name] for work in works.values() if name in work.so]
    if isinstance(asked, Choice):
        rows = [Row(option, [s for s, v in answered.items() if v == option], option == asked.right) for option in asked.options]
    elif isinstance(asked, Number):
        rows = _around(asked, answered, statistics.median(so for (so,) in true) if true else None)
    else:
        rows = _apart(asked, answered, np.median(true, axis=0) if true else None)
    rows.append(Row("skipped", [student for student in given if student not in answered]))
    return [*rows, Row("not answered, or not kept", [student for student in works if student not in given])]


def _around(asked: Number, answered: Mapping[str, float], so: float | None) -> list[Row]:
    """Bins as wide as what is called close, around what is so; around the class's median where nobody's notebook says it."""
    if not answered:
        return []
    centre = statistics.median(answered.values()) if so is None else so
    inner = [centre + k * asked.close for k in range(-4, 5)]
    names = [f"{a:.3g} to {b:.3g} {asked.unit}" for a, b in itertools.pairwise(inner)]
    names = [f"less than {inner[0]:.3g} {asked.unit}", *names, f"{inner[-1]:.3g} {asked.unit} or more"]
    rows = [Row(name, right=so is not None and k in (4, 5)) for k, name in enumerate(names)]
    for student, value in answered.items():
        rows[int(np.searchsorted(inner, value, side="right"))].who.append(student)
    return rows


def _apart(asked: Sketch, answered: Mapping[str, Sequence[float]], so: np.ndarray | None) -> list[Row]:
    """Bins of the distance, root mean square, between a sketch and what is so."""
    if so is None:
        return [Row("drawn, at a distance that no notebook says", list(answered))] if answered else []
    edges = [(asked.high - asked.low) * part for part in FAR]
    rows = [Row(f"{a:.2g} to {b:.2g} away, root mean square") for a, b in itertools.pairwise(edges)]
    rows.append(Row(f"{edges[-1]:.2g} away or more"))
    for student, drawn in answered.items():
        away = float(np.sqrt(np.mean((np.array(drawn) - so) ** 2)))
        rows[int(np.searchsorted(edges, away, side="right")) - 1].who.append(student)
    return rows


def rows_of_question(asked: Choice, works: Mapping[str, Work], number: int) -> list[Row]:
    """How often each option of a question of the quiz was chosen."""
    rows = [Row(option, right=option == asked.right) for option in asked.options]
    rows.append(Row("not answered, or not kept"))
    for student, work in works.items():
        rows[work.quiz.get(number, -1)].who.append(student)
    return rows


def most_met(collection: Collection) -> list[Met]:
    """What most students met, of the misconceptions in exercises and of the wrong options in quizzes."""
    found = []
    for lesson, works in collection.works.items():
        for name in collected.exercises(lesson):
            for row in rows_of_exercise(works, name):
                if collected.names_one(row.said):
                    found.append(Met(row.said, f"{title(lesson)}, {_exercise(lesson, name)}", notes(lesson, name), row.who))
        for number, asked in enumerate(collected.quiz(lesson), 1):
            for row in rows_of_question(asked, works, number)[:-1]:
                if row.who and not row.right:
                    said = f"“{row.said}” {asked.options[row.said]}"
                    where = f"{title(lesson)}, quiz {number}: {asked.question}"
                    found.append(Met(said, where, notes(lesson, f"quiz-{number}"), row.who))
    return sorted(found, key=lambda met: (-len(met.who), met.where, met.said))[:WORTH]


# ---------------------------------------------------------------------------------------------------- words of a lesson


def title(lesson: str) -> str:
    return re.match(r"# (.+)", cells(lesson)[0].source).group(1)


def _exercise(lesson: str, name: str) -> str:
    (cell,) = [cell for cell in cells(lesson) if cell.id == name]
    kind, about = re.search(r"\*\*\d · (.+?)\.?\*\* \([^;)]*; (.+?)\.?\)", cell.source).groups()
    return f"exercise {name[-1]} · {kind}: {about}"


def notes(lesson: str, asked: str) -> str:
    """Where the teacher's edition speaks of what an exercise or a question of the quiz asks for: its table of outcomes."""
    kind, number = asked.split("-")
    (plan,) = [cell.source for cell in cells(lesson) if cell.id == "plan-teacher"]
    shown = []
    for row in re.findall(r"^> \|(.+)\|(.+)\|(.+)\|$", plan.split("**Outcomes**")[1], re.MULTILINE):
        numbers = re.search(rf"{kind} ([\d, ]+)", row[2])
        if numbers and number in re.findall(r"\d+", numbers.group(1)):
            shown.append(re.sub(r"[*`]", "", row[1]).strip())
    note = "; and its note beside the exercises" if kind == "exercise" else ""
    return f"teaching/{file_name(lesson)}, the note beside: {'; '.join(shown)}{note}"


# ------------------------------------------------------------------------------------------------------------- the page


class Page:
    """The parts of the page, as HTML, one after another."""

    def __init__(self, named: bool):
        self.named, self.parts = named, []

    def add(self, tag: str, text: str, attributes: str = "") -> None:
        self.parts.append(f"<{tag}{attributes}>{escaped(text)}</{tag}>")

    def count(self, who: Sequence[str]) -> str:
        """A cell with how many they are and, where that was asked for, who."""
        names = ", ".join(escaped(student or "(no name)") for student in sorted(who, key=str.casefold))
        small = f"<small>{names}</small>" if self.named and who else ""
        return f'<td class="{"named" if self.named else "n"}">{len(who)}{small}</td>'

    def cells(self, caption: str, heads: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """A table of rows in HTML."""
        head = "".join(f'<th scope="col">{escaped(head)}</th>' for head in heads)
        body = "\n".join("".join(row) for row in rows)
        caption = escaped(caption)
        self.parts.append(f"<table><caption>{caption}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>")

    def table(self, caption: str, heading: str, rows: Iterable[Row], counted: str = "students") -> None:
        opening = {True: '<tr class="right">', False: "<tr>"}
        lines = [
            (opening[row.right], row_head(row.said + " (right)" * row.right), self.count(row.who), "</tr>") for row in rows
        ]
        self.cells(caption, (heading, counted), lines)

    def figure(self, question: str, rows: Sequence[Row]) -> None:
        alt = f"Histogram: {question} " + "; ".join(f"{row.said}{' (right)' * row.right}: {len(row.who)}" for row in rows)
        self.parts.append(f'<figure><img alt="{escaped(alt)}" src="data:image/svg+xml;base64,{histogram(rows)}"></figure>')

    def whole(self) -> str:
        head = '<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>What the class answered</title>'
        body = "\n".join(self.parts)
        return f"""<!doctype html>
<html lang="en">
<head>{head}<style>{CSS}</style></head>
<body><main>
{body}
</main></body>
</html>
"""


def escaped(said: str) -> str:
    """A sentence of the course, or a name, for HTML; of the tags that quizzes have nothing is left."""
    return html.escape(re.sub(r"</?i>", "", said))


def row_head(said: str) -> str:
    return f'<th scope="row">{escaped(said)}</th>'


def histogram(rows: Sequence[Row]) -> str:
    """Bars for the rows, as an SVG in base64; what is right is of another colour and says so."""
    labels = ["\n".join(textwrap.wrap(row.said + (" ✓" if row.right else ""), 44)) for row in rows]
    height = 0.5 + sum(0.16 + 0.17 * (label.count("\n") + 1) for label in labels)
    with matplotlib.rc_context({**style.STYLE, "svg.hashsalt": "hyperedu"}):
        figure = Figure((8, height), layout="constrained")
        axes = figure.add_subplot()
        bars = axes.barh(range(len(rows)), [len(row.who) for row in rows], color=[
            style.GREEN if row.right else style.GREY for row in rows
        ])  # fmt: skip
        axes.bar_label(bars, padding=3)
        axes.set_yticks(range(len(rows)), labels)
        axes.invert_yaxis()
        axes.xaxis.set_major_locator(matplotlib.ticker.MaxNLocator(integer=True, min_n_ticks=1))
        axes.set_xlim(0, 1.1 * max(1, *(len(row.who) for row in rows)))
        axes.set_xlabel("students")
        drawn = io.BytesIO()
        figure.savefig(drawn, format="svg", metadata={"Date": None})
    return base64.b64encode(drawn.getvalue()).decode()


INTRODUCTION = (
    "A notebook holds what its checks said last: what was met on the way, and overcome, is not seen. How many minutes it took "
    "is not known: neither notebooks nor progress files say it."
)


def page_of(collection: Collection, named: bool) -> str:
    """The page, as HTML."""
    page, n = Page(named), len(collection.students)
    page.add("h1", "What the class answered")
    page.add("p", f"{_n(n, 'student')}, {_n(len(collection.works), 'lesson')}. {INTRODUCTION}")
    _few(page, n)
    page.add("h2", "Worth ten minutes of the next session")
    rows = [
        ("<tr>", row_head(met.said), f"<td>{escaped(met.where)}</td>", page.count(met.who),
         f"<td>{escaped(met.notes)}</td></tr>")
        for met in most_met(collection)
    ]  # fmt: skip
    if rows:
        heads = ("misconception", "where", "students", "in the teacher’s edition")
        page.cells("What most students met, of exercises and quizzes", heads, rows)
    else:
        page.add("p", "No misconception was named.")
    for lesson, works in collection.works.items():
        _lesson(page, lesson, works)
    page.add("h2", "What was not read")
    unread = [Row(why, files) for why, files in collection.unread.items()]
    if unread:
        page.table("By the reason", "why", sorted(unread, key=lambda row: (-len(row.who), row.said)), "files")
    else:
        page.add("p", "Every file was read.")
    return page.whole()


def _few(page: Page, n: int) -> None:
    if n < FEW:
        page.add("p", f"Fewer than {FEW} students: who knows the class may know whom a count of one means. Keep this page "
                 "to yourself.", ' class="few"')  # fmt: skip


def _lesson(page: Page, lesson: str, works: Mapping[str, Work]) -> None:
    page.add("h2", title(lesson))
    notebooks = [work for work in works.values() if work.notebook]
    said = f"{_n(len(notebooks), 'notebook')}; {_n(len(works) - len(notebooks), 'student')} with a progress file alone."
    empty = sum(all(state == NOTHING for state, _said in work.exercises.values()) for work in notebooks)
    if empty:
        said += f" In {_n(empty, 'notebook')} no exercise has an output: cleared, deleted, or never run."
    page.add("p", said)
    _few(page, len(works))
    page.add("h3", "Exercises")
    names, rows = collected.exercises(lesson), []
    for name in names:
        who = ([s for s, work in works.items() if work.exercises.get(name, (NOTHING,))[0] == state] for state in STATES)
        rows.append(("<tr>", row_head(_exercise(lesson, name)), *map(page.count, who), "</tr>"))
    page.cells("How many students", ("exercise", *STATES), rows)
    for name in names:
        if met := rows_of_exercise(works, name):
            page.table(f"What is not yet right in {_exercise(lesson, name)}", "what the check said", met)
    page.add("h3", "Predictions")
    for name, asked in collected.predictions(lesson).items():
        found = rows_of_prediction(asked, works, name)
        page.table(asked.question + _what_is_so(asked, works, name), "prediction", found)
        page.figure(asked.question, found)
    page.add("h3", "Quiz")
    for number, asked in enumerate(collected.quiz(lesson), 1):
        page.table(f"{number}. {asked.question}", "option", rows_of_question(asked, works, number))


def _what_is_so(asked: Prediction, works: Mapping[str, Work], name: str) -> str:
    true = [so for work in works.values() for so in work.so.get(name, [])]
    if not isinstance(asked, Number):
        return ""
    return f" It is {statistics.median(true):.3g} {asked.unit}." if true else " What is so, no notebook says."


def _n(n: int, what: str) -> str:
    return f"{n} {what}" + "s" * (n != 1)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="where the notebooks are that were handed in")
    parser.add_argument("--named", action="store_true", help="say in each row who")
    parser.add_argument("-o", dest="page", type=Path, help=f"the page; without it {collected.PAGE} in the folder")
    told = parser.parse_args()
    try:
        collection = collected.collect(told.folder)
    except ValueError as error:
        print(error)
        return 1
    page = told.page or told.folder / collected.PAGE
    page.write_text(page_of(collection, told.named), encoding="utf-8", newline="\n")
    unread = sum(map(len, collection.unread.values()))
    print(f"{page}: {_n(len(collection.students), 'student')}; {_n(unread, 'file')} not read, and the page says why")
    return 0


if __name__ == "__main__":
    sys.exit(main())
