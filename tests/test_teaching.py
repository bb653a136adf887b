"""The teacher's edition: a plan, a note on every section, and settings of figures that show what is said of them."""

import re

import pytest
from matplotlib.figure import Figure

import editions
from hyperedu import live
from hyperedu.lessons import projecting
from hyperedu.lessons.progress import EXERCISES, QUESTIONS
from hyperedu.lessons.projecting import Setting, project

every_lesson = pytest.mark.parametrize("lesson", editions.LESSONS)
# What needs no note: the quiz says its reasons, and the others are for the reader.
BY_ITSELF = ("Questions that readers asked", "Quiz", "In one breath", "References")
SAID = ("Purpose", "Students believe", "Ask", "On the board", "Short of time")


@every_lesson
def test_a_lesson_has_plans_of_fifty_and_ninety_minutes(lesson):
    (plan,) = [cell.source for cell in editions.cells(lesson) if cell.id == "plan-teacher"]
    for minutes in (50, 90):
        table = plan.split(f"**{minutes} minutes**")[1].split("**", 1)[0]
        assert sum(map(int, re.findall(r"^> \| (\d+) \|", table, re.MULTILINE))) == minutes


@every_lesson
def test_every_outcome_is_asked_for_and_every_question_serves_one(lesson):
    (plan,) = [cell.source for cell in editions.cells(lesson) if cell.id == "plan-teacher"]
    table = plan.split("**Outcomes**")[1]
    rows = [row for row in table.splitlines() if row.startswith("> |")][2:]
    assert len(rows) >= 3
    for row in rows:
        assert re.search(r"(exercise|quiz) \d", row), row
    for kind, most in (("exercise", EXERCISES), ("quiz", QUESTIONS)):
        named = {int(n) for numbers in re.findall(rf"{kind} ([\d, ]+)", table) for n in re.findall(r"\d+", numbers)}
        assert named == set(range(1, most + 1)), kind


@every_lesson
def test_every_section_has_a_note_for_the_teacher(lesson):
    section, noted = None, {}
    for cell in editions.cells(lesson):
        if cell.cell_type != "markdown" or "slides" in cell.metadata.get("tags", []):
            continue
        if "teacher" in cell.metadata.get("tags", []):
            if section and cell.id != "plan-teacher":
                noted[section] += cell.source
        else:
            for heading in re.findall(r"^## (.+)$", cell.source, re.MULTILINE):
                section = heading
                noted.setdefault(heading, "")
    for heading, note in noted.items():
        if heading not in BY_ITSELF:
            assert re.search(r"\*\*For the teacher\*\* · \d+ minutes", note), heading
            missing = [said for said in SAID if f"*{said}*" not in note]
            assert not missing, f"{lesson}, {heading}: {missing}"


@every_lesson
def test_every_live_figure_has_settings_worth_projecting(lesson):
    found = {cell.id: cell for cell in editions.cells(lesson) if cell.cell_type == "code"}
    figures = [name for name, cell in found.items() if "live.interact" in cell.source]
    known = __import__(f"hyperedu.lessons.{lesson}.projected", fromlist=["SETTINGS"]).SETTINGS
    assert list(known) == figures
    for name in figures:
        assert "teacher" in found[f"{name}-settings"].metadata["tags"]
        assert f'projected.project("{name}"' in found[f"{name}-settings"].source
        assert len(known[name]) >= 3, name


@every_lesson
def test_every_lesson_has_a_homework_with_model_answers_and_a_rubric(lesson):
    """Three parts of twenty points in all; for each a model answer, and below it what counts and what often fails."""
    part, found = "", {}
    for cell in editions.cells(f"{lesson}/homework"):
        tags = cell.metadata.get("tags", [])
        heading = re.search(r"^## (\w+)$", cell.source, re.MULTILINE) if cell.cell_type == "markdown" and not tags else None
        part = heading.group(1) if heading else part
        found.setdefault(part, {"asked": "", "solution": "", "teacher": ""})["".join(tags) or "asked"] += cell.source + "\n"
    assert [part for part in found if part] == ["Derive", "Experiment", "Explain"]
    total = 0
    for part in filter(None, found):
        said = found[part]
        assert len(said["solution"].split()) > 50, part
        (points,) = re.findall(r"\*\*Rubric\*\* · (\d+) points", said["teacher"])
        rows = re.findall(r"^> \| (\d+) \|", said["teacher"], re.MULTILINE)
        assert sum(map(int, rows)) == int(points), part
        assert re.search(rf"\b{points} points\b", said["asked"]), f"{part}: students read the points too"
        assert "**Common failures**" in said["teacher"]
        total += int(points)
    assert total == 20


def figure():
    drawn = Figure((2, 1))
    drawn.add_subplot()
    return live.interact(drawn, lambda a, b: f"a is {a}, b is {b}", a=(0, 9), b=(0, 9))


def test_a_setting_that_does_not_show_what_is_said_of_it_is_an_error(capsys):
    shown = figure()
    known = {"x": [Setting({"a": 5}, shows="a lies in the middle", says=r"a is (\d), b is (\d)", holds=lambda a, b: a > b)]}
    before = shown.sentence
    project(known, "x", shown)
    assert shown.sentence == before, "it is where it was"
    for wrong in (Setting({"a": 5}, "…", r"a is 6"), Setting({"a": 5}, "…", r"a is (\d)", lambda a: a > 5)):
        with pytest.raises(ValueError, match="does not show"):
            project({"x": [wrong]}, "x", shown)


def test_what_a_setting_shows_is_read_when_its_button_is_pressed_and_not_before(monkeypatch):
    shown, displayed = figure(), []
    monkeypatch.setattr(projecting, "display", lambda part, **_options: displayed.append(part))
    project({"x": [Setting({"a": 5}, shows="a lies in the middle", says="a is 5")]}, "x", shown)
    page, buttons = displayed
    assert page["text/html"].startswith("<details>"), "folded"
    (button,), said = buttons.children[0].children, buttons.children[1]
    assert said.value == ""
    button.click()
    assert shown.sentence.startswith("a is 5")
    assert "a lies in the middle" in said.value


def test_several_controls_move_in_one_frame():
    shown, calls = figure(), []
    shown._update = lambda a, b: calls.append((a, b)) or "moved"
    shown.move_to(a=2, b=3)
    assert calls == [(2, 3)]
    with pytest.raises(ValueError, match="no control"):
        shown.move_to(c=1)
    with pytest.raises(ValueError, match="a cannot be 99"):
        shown.move_to(a=99)
