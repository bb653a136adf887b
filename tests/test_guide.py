"""The pages of the teacher's guide agree with the lessons."""

import re
import tomllib
from functools import cache
from pathlib import Path

import pytest

import editions
import grading
import outcomes
from hyperedu import learners
from hyperedu.lessons import progress

ROOT = Path(__file__).parent.parent
NUMBERS = {editions.file_name(lesson)[:2]: lesson for lesson in editions.LESSONS}
ENTRY = re.compile(r"^- \*\*(.+?)\*\*(?:, (.+?))? \(\[(\d\d)\]\(\.\./notebooks/(.+?)\)\): (.+)$", re.MULTILINE)


def page(name):
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


@cache
def shown(lesson):
    """What a learner reads in a lesson."""
    return "\n".join(cell.source for cell in editions.cells(lesson) if "teacher" not in cell.metadata.get("tags", []))


# What changed


def test_the_list_of_changes_begins_with_this_version():
    """So that two archives of one name ask the same."""
    said = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    assert re.search(r"^## (\S+)", said, re.MULTILINE)[1] == version
    assert re.search(r"^version: (\S+)", (ROOT / "CITATION.cff").read_text(encoding="utf-8"), re.MULTILINE)[1] == version
    points = re.search(r"\*Points\*: (.*?)\.", said, re.DOTALL)[1]  # the newest that are told
    assert list(map(int, re.findall(r"(\d) for \*", points))) == list(grading.POINTS.values())


# The glossary


def test_each_term_of_the_glossary_is_in_the_lesson_that_it_names():
    entries = ENTRY.findall(page("glossary.md"))
    assert len(entries) == page("glossary.md").count("\n- **"), "every entry has this form"
    assert len(entries) >= 50
    for term, _symbol, number, file, said in entries:
        lesson = NUMBERS[number]
        assert file == editions.file_name(lesson)
        assert term.casefold() in shown(lesson).casefold(), f"{term} is not in lesson {number}"
        assert 1 <= len(re.findall(r"[.?](?: |$)", said)) <= 3, term


def test_the_glossary_is_in_order_and_names_each_term_once():
    terms = [entry[0].casefold() for entry in ENTRY.findall(page("glossary.md"))]
    assert terms == sorted(set(terms))


def test_every_symbol_of_the_table_is_in_the_glossary():
    (cell,) = [cell.source for cell in editions.cells("start_here") if cell.id == "two-mappings-then"]
    symbols = re.findall(r"^\| \$(.+?)\$ \|", cell, re.MULTILINE)
    assert len(symbols) >= 7
    given = re.findall(r"^\| (.+?) \|", page("glossary.md"), re.MULTILINE)
    assert {f"${symbol}$" for symbol in symbols} <= {part for symbol in given for part in [symbol, *symbol.split(", ")]}


def test_every_word_that_lesson_00_introduces_and_every_learner_is_in_the_glossary():
    terms = {entry[0].casefold() for entry in ENTRY.findall(page("glossary.md"))}
    prose = "\n".join(
        cell.source
        for cell in editions.cells("start_here")
        if cell.cell_type == "markdown" and "teacher" not in cell.metadata.get("tags", [])
    )
    bold = {word.casefold() for word in re.findall(r"\*\*([A-Za-z][A-Za-z -]+)\*\*", prose)}
    assert bold - {"drive", "test", "name", "watch it learn"} <= terms  # verbs: what the reader does
    missing = [name for name in learners.__all__ if name.casefold() not in terms and f"`{name}`" not in page("glossary.md")]
    assert missing == []


# The outcomes


def test_the_page_of_outcomes_is_what_the_plans_say():
    assert page("outcomes.md") == outcomes.page(), "run python course/outcomes.py"


def test_every_exercise_and_quiz_question_stands_beside_an_outcome():
    for section in page("outcomes.md").split("\n## ")[1:]:
        rows = [[column.strip() for column in line.split("|")[1:-1]] for line in section.splitlines() if line.startswith("| ")]
        for column, most in ((2, progress.EXERCISES), (3, progress.QUESTIONS)):
            found = {int(number) for row in rows for number in re.findall(r"\d+", row[column])}
            assert found == set(range(1, most + 1)), section.splitlines()[0]


def test_a_plan_without_outcomes_is_an_error(monkeypatch):
    monkeypatch.setattr(outcomes, "cells", lambda lesson: [])
    with pytest.raises(ValueError, match="maml: its cell plan-teacher has no table"):
        outcomes.outcomes("maml")


# The readings


def test_every_lesson_has_readings_that_the_lessons_themselves_refer_to():
    references = "\n".join(
        cell.source for lesson in editions.LESSONS for cell in editions.cells(lesson) if cell.id == "references"
    )
    sections = page("readings.md").split("\n## ")[1:]
    assert [re.search(r"\(\.\./notebooks/(.+?)\)", section)[1] for section in sections] == [
        editions.file_name(lesson) for lesson in editions.LESSONS
    ]
    for section in sections:
        items = section.split("\n- ")[1:]
        assert 2 <= len(items) <= 4
        for item in items:
            first = item.splitlines()[0]
            assert re.search(r": .+\. \d+ minutes\.$", first), "a part and its minutes"
            assert item.count("*Question*: ") == 1
            assert item.rstrip().endswith("?")
            authors, title = re.match(r"(.+?), \*(.+?)\*", first).groups()
            links = set(re.findall(r"\]\((https?:[^)]+)\)", first))
            assert links or "Science" in first or "Annals" in first
            assert all(link in references for link in links), first
            assert title.split(":")[0].split("?")[0].rstrip() in references, title
            for word in re.findall(r"\w\w+", authors):
                assert word in references, word
