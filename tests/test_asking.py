"""Predictions are locked before a figure answers, quizzes say their reasons, and what was answered is kept."""

import json
import re

import nbformat
import pytest
from axe_playwright_python.sync_playwright import Axe
from matplotlib.figure import Figure
from playwright.sync_api import expect

import editions
from hyperedu import live
from hyperedu.lessons import asking, feedback, progress
from hyperedu.lessons.asking import SKIPPED, Choice, Number, Sketch
from hyperedu_server import keep_pictures
from lab import jupyterlab, until

KNOWN = {
    "choice": Choice("Which way?", {"up": "It rises.", "down": "It does not fall."}, "up"),
    "number": Number("How warm?", "°C", 2.0, "Mountains are cold."),
    "sketch": Sketch("Which year?", "month", "°C", ["J", "A", "J"], -10.0, 20.0, "Summers are warm."),
}


@pytest.fixture
def kept(tmp_path, monkeypatch):
    """A progress file of this test's own, and no question of an earlier one."""
    for asked in list(asking.Asked.shown):
        asked.close()
    monkeypatch.setenv("HYPEREDU_PROGRESS", str(tmp_path / "progress.json"))
    return tmp_path / "progress.json"


def ask(name, figure=None, so=None):
    return asking.predict("maml", KNOWN, name, figure, so)


def figure():
    drawn = Figure((2, 1))
    drawn.add_subplot()
    return live.interact(drawn, lambda a: f"a = {a:.1f}", a=(0.0, 1.0))


def test_a_figure_is_shown_only_after_the_prediction_or_the_skip(kept):
    for value in ("down", SKIPPED):
        progress.erase()
        shown = figure()
        asked = ask("choice", shown)
        assert shown not in asked.children
        asked.lock(value)
        assert asked.children[-1] is shown


@pytest.mark.parametrize(
    ("name", "so", "value", "said"),
    [
        ("choice", None, "up", "✓ It rises."),
        ("choice", None, "down", "✗ It does not fall. What is so: up"),
        ("number", 11.0, 12.5, "You said 12.5 °C, it is 11 °C: 1.5 away, close. Mountains are cold."),
        ("number", 11.0, 20, "You said 20 °C, it is 11 °C: 9 away, not close. Mountains are cold."),
        ("sketch", [-5, 15, -5], [-5, 15, 1], "3.5 away on average (root mean square), furthest at J, by 6. Summers are warm."),
        ("choice", None, SKIPPED, ""),
        ("number", 11.0, SKIPPED, "It is 11 °C. Mountains are cold."),
        ("sketch", [-5, 15, -5], SKIPPED, ""),
    ],
)  # fmt: skip
def test_both_are_shown_with_the_distance_and_a_sentence(kept, name, so, value, said):
    asked = ask(name, so=so)
    asked.lock(value)
    assert asked.question.said.endswith(said)
    assert bool(asked.question.said) == bool(said)


def test_what_was_predicted_is_there_again_with_a_new_kernel(kept):
    ask("choice").lock("down")
    again = ask("choice")
    assert again.answered
    assert again.question.said.startswith("✗")
    assert json.loads(kept.read_text(encoding="utf-8")) == {"maml": {"predictions": {"choice": "down"}}}


def test_a_cell_that_is_run_again_closes_the_question_that_it_asked_before(kept, monkeypatch):
    runs = iter([("cell", "1"), ("cell", "1"), ("cell", "2"), ("other", "3")])
    monkeypatch.setattr(asking, "cell_that_runs", lambda: next(runs))
    one, two, again, other = (ask("choice") for _run in range(4))
    assert [asked in asking.Asked.shown for asked in (one, two, again, other)] == [False, False, True, True]


def test_a_figure_in_another_cell_waits_for_the_answer_too(kept):
    shown = figure()
    assert asking.after("maml", "choice", shown) is shown, "nothing was asked"
    asked = ask("choice")
    waiting = asking.after("maml", "choice", shown)
    assert shown not in waiting.children
    page = waiting._kept()[0]
    assert "<details><summary>What is so</summary>" in page["text/html"]
    assert "image/png" in page
    asked.lock("down")
    assert shown in waiting.children
    assert "<details>" not in waiting._kept()[0]["text/html"]
    assert shown in asking.after("maml", "choice", shown).children, "it was answered before"


def test_a_figure_whose_cell_was_run_again_before_the_answer_is_shown_all_the_same(kept):
    asked = ask("choice")
    first = figure()
    before = asking.after("maml", "choice", first)
    before._ipython_display_()
    first.close()  # as the second run of its cell does
    again = figure()
    waiting = asking.after("maml", "choice", again)
    asked.lock("down")
    assert again in waiting.children
    assert first not in before.children


def test_a_number_needs_what_it_is_compared_with(kept):
    with pytest.raises(ValueError, match="say so="):
        ask("number")


def test_as_text_it_has_the_question_the_options_and_what_was_chosen(kept):
    asked = ask("choice", figure())
    page = asked._kept()[0]["text/html"]
    assert "Which way?" in page
    assert "<details><summary>What is so</summary>" in page
    asked.lock("down")
    page = asked._kept()[0]["text/html"]
    assert "down ← your choice" in page
    assert "It does not fall." in page
    assert "<details>" not in page
    assert "a = " in page


def test_in_another_language_the_choice_is_marked_too(kept, monkeypatch):
    monkeypatch.setattr(asking, "_", lambda message, **values: message.format(**values).upper())
    asked = ask("choice")
    asked.lock("down")
    assert "DOWN ← YOUR CHOICE" in asked._kept()[0]["text/html"]


@pytest.mark.parametrize("kind", ["figure", "question", "quiz"])
def test_a_saved_notebook_has_the_text_and_no_widget(kept, kind):
    """Of each as it is displayed: it is known by how it is written out."""
    made = {"figure": figure, "question": lambda: ask("choice", figure()), "quiz": lambda: asking.quiz("maml")}[kind]()
    shown = made._repr_mimebundle_()
    widget = shown[0] if isinstance(shown, tuple) else shown
    assert "application/vnd.jupyter.widget-view+json" in widget
    text = {"text/html": '<div data-hyperedu-kept="1">Which way?</div>', "text/plain": "Which way?"}
    outputs = [nbformat.v4.new_output("display_data", data) for data in (widget, text)]
    cell = nbformat.v4.new_code_cell("questions.predict()", outputs=outputs)
    model = {"type": "notebook", "content": nbformat.v4.new_notebook(cells=[cell])}
    keep_pictures(model)
    assert [output["data"] for output in model["content"]["cells"][0]["outputs"]] == [text]


@pytest.mark.parametrize("lesson", editions.LESSONS)
def test_every_lesson_asks_before_each_figure_and_has_a_quiz(lesson):
    source = "\n".join(cell.source for cell in editions.cells(lesson) if cell.cell_type == "code")
    module = __import__(f"hyperedu.lessons.{lesson}.questions", fromlist=["PREDICTIONS"])
    for name, prediction in module.PREDICTIONS.items():
        assert f'questions.predict("{name}"' in source
        if isinstance(prediction, Choice):
            assert prediction.right in prediction.options
            assert all(prediction.options.values())
    assert "questions.quiz()" in source
    quiz = asking.questions(lesson)
    assert len(quiz) == progress.QUESTIONS
    assert all(question.right in question.options for question in quiz)
    said = [text for question in quiz for text in (question.question, *question.options, *question.options.values())]
    assert not [text for text in said if re.search(r"[<>$`*_\\]|&\w+;", text)], "marks, which the quiz would show as they stand"


@pytest.mark.parametrize("lesson", editions.LESSONS)
def test_every_lesson_answers_what_its_readers_asked(lesson):
    readers = __import__(f"hyperedu.lessons.{lesson}.questions", fromlist=["READERS"]).READERS
    assert 2 <= len(readers) <= 20
    assert all(question.endswith("?") and answer.endswith(".") for question, answer in readers.items())
    assert not [text for text in (*readers, *readers.values()) if re.search(r"[<>$`*\\]|&\w+;", text)], "shown as they stand"


def test_what_readers_asked_is_folded_up_and_there_as_text(monkeypatch):
    shown = []
    monkeypatch.setattr(asking, "display", lambda data, raw: shown.append(data))
    asking.of_readers({"Is 3 < 4?": "Yes: {ours} is too.", "Why?": "Look."}, ours=3.5)
    (data,) = shown
    assert data["text/plain"] == "Is 3 < 4?\nYes: 3.5 is too.\n\nWhy?\nLook."
    first, second = data["text/html"].splitlines()
    assert first == "<details><summary>Is 3 &lt; 4?</summary><p>Yes: 3.5 is too.</p></details>"
    assert second == "<details><summary>Why?</summary><p>Look.</p></details>"


def test_a_quiz_counts_what_is_right_and_is_there_again(kept):
    quiz = asking.quiz("maml")
    places = {str(k + 1): list(c.options).index(c.right) for k, c in enumerate(quiz.choices)}
    quiz.given = places
    assert quiz.score == progress.QUESTIONS
    assert "5 of 5" in quiz._kept()["text/plain"]
    quiz.given = {**places, "1": 1 - places["1"]}
    assert asking.quiz("maml").score == progress.QUESTIONS - 1


def test_progress_counts_tries_until_an_exercise_is_right(kept, capsys):
    from hyperedu.lessons.maml import checks

    for answer in (..., 1.2, 0.4, 0.48, 7.0):
        checks.meta_gradient(answer)
    assert progress.found("maml", "exercises", "meta_gradient") == {"tries": 3, "right": True}
    capsys.readouterr()
    progress.show()
    said = capsys.readouterr().out
    assert "1 of 4" in said
    assert str(kept) in said


def test_progress_can_be_copied_and_erased_and_survives_a_broken_file(kept, tmp_path, capsys):
    with pytest.raises(ValueError, match="no progress"):
        progress.export(tmp_path / "copy.json")
    progress.note("maml", "predictions", "x", "up")
    assert progress.export(tmp_path / "copy.json").read_text(encoding="utf-8") == kept.read_text(encoding="utf-8")
    progress.erase()
    assert progress.read() == {}
    kept.write_text("{", encoding="utf-8")
    assert progress.read() == {}
    assert kept.with_suffix(".broken.json").exists()


def test_one_lesson_can_be_asked_again(kept):
    ask("choice").lock("down")
    progress.note("your_own_data", "predictions", "x", "up")
    progress.erase("maml")
    assert not ask("choice").answered
    assert list(progress.read()) == ["your_own_data"]
    progress.erase("your own data")  # as show() writes it
    assert progress.read() == {}
    with pytest.raises(ValueError, match="nothing is noted of 'maml'"):
        progress.erase("maml")


def test_nothing_is_kept_outside_of_notebooks(monkeypatch, tmp_path):
    monkeypatch.delenv("HYPEREDU_PROGRESS", raising=False)
    monkeypatch.chdir(tmp_path)
    feedback.right("It is.")
    progress.note("maml", "predictions", "x", "up")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.browser
def test_everything_by_keyboard_alone_and_after_a_reload():
    """Choose, lock, sketch, type and answer the quiz with keys; saved and opened again it is all there."""
    source = """
from matplotlib.figure import Figure
from hyperedu import live
from hyperedu.lessons import asking
from hyperedu.lessons.asking import Choice, Number, Sketch
drawn = Figure((3, 1)); drawn.add_subplot()
figure = live.interact(drawn, lambda a: f"a is {a:.1f}", a=(0.0, 1.0))
asking.predict("maml", {"c": Choice("Which way?", {"up": "It rises.", "down": "It does not."}, "up")}, "c", figure)
"""
    more = """
asking.predict("maml", {"s": Sketch("Which year?", "month", "°C", list("JAJ"), -10.0, 20.0, "So.")}, "s", so=[0, 20, 5])
"""
    number = 'asking.predict("maml", {"n": Number("How warm?", "°C", 2, "So.")}, "n", so=11)'
    with jupyterlab() as lab, lab.scratch() as notebook:
        for cell in (source, more, number, 'asking.quiz("maml")'):
            notebook.run(cell)
        page = notebook.page
        assert page.locator(".hyperedu-live").count() == 0
        keys = page.keyboard
        page.locator(".hyperedu-question input[type=radio]").first.focus()
        for key in ("ArrowDown", "Tab", "Enter"):
            keys.press(key)
        expect(page.locator(".hyperedu-said").first).to_have_text("✗ It does not. What is so: up")
        expect(page.locator(".hyperedu-live")).to_be_visible()
        page.locator(".hyperedu-sketch").focus()
        for key in ("ArrowUp", "ArrowRight", "ArrowUp", "ArrowUp", "Tab", "Enter"):
            keys.press(key)
        expect(page.locator(".hyperedu-said").nth(1)).to_contain_text("Your curve is")
        page.locator(".hyperedu-question input[type=number]").focus()
        keys.type("14")
        for key in ("Tab", "Enter"):
            keys.press(key)
        expect(page.locator(".hyperedu-said").nth(2)).to_contain_text("3 away, not close")
        page.locator(".hyperedu-question input[type=radio]").nth(2).focus()
        keys.press("Space")
        expect(page.locator(".hyperedu-said").nth(3)).to_contain_text("No")
        found = Axe().run(page, context=".hyperedu-question").response["violations"]
        assert [v["id"] for v in found if v["impact"] in ("serious", "critical")] == []
        (file,) = lab.folder.glob("scratch-*.ipynb")
        assert until(page, lambda: "0 of 5 answered rightly." in notebook.saved(file))
        saved = file.read_text(encoding="utf-8")
        assert "widget-view" not in saved
        assert "down ← your choice" in saved
        assert "1 of 5" not in saved  # one was answered, and not rightly
        kept = json.loads((lab.folder / "progress.json").read_text(encoding="utf-8"))["maml"]
        assert kept["predictions"]["c"] == "down"
        assert kept["quiz"]["1"]["right"] is False
        assert notebook.errors == []
