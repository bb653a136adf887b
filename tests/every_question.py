"""Every prediction and quiz of every lesson, by keyboard alone in a real browser; then saved, reopened, and read as a page.

Longer than the tests that always run, about ten minutes:

    python -m pytest tests/every_question.py
"""

import json

import nbformat
import pytest
from axe_playwright_python.sync_playwright import Axe
from nbconvert import HTMLExporter
from playwright.sync_api import Locator, expect

import editions
from hyperedu.lessons import asking, progress
from lab import Notebook, jupyterlab, until

pytestmark = pytest.mark.browser
FAR = 60  # presses of Tab, from a cell to what is asked in it: more than any cell has controls


@pytest.fixture(scope="module")
def lab():
    with jupyterlab() as lab:
        yield lab


def cell_with(notebook: Notebook, text: str) -> Locator:
    """The cell with this in its code, scrolled into view and selected."""
    index = notebook.page.evaluate(
        """async (text) => {
          const content = jupyterapp.shell.currentWidget.content;
          const index = content.widgets.findIndex(
            (cell) => cell.model.type === "code" && cell.model.sharedModel.getSource().includes(text));
          content.deselectAll();
          content.activeCellIndex = index;
          await content.scrollToItem(index, "start");
          content.widgets[index].node.focus();
          return index;
        }""",
        text,
    )
    return notebook.page.locator(f'.jp-Cell[data-windowed-list-index="{index}"]')


def tab_to(cell: Locator, wanted: str) -> None:
    """From where the focus is to the next control of this kind, as who has no mouse goes there."""
    for _press in range(FAR):
        cell.page.keyboard.press("Tab")
        if cell.page.evaluate(
            "(wanted) => document.activeElement.matches(wanted) && !document.activeElement.disabled", f".hyperedu-asks {wanted}"
        ):
            return
    raise AssertionError(f"{FAR} presses of Tab do not lead to {wanted}")


def answer(cell: Locator, prediction: asking.Prediction) -> None:
    keys = cell.page.keyboard
    if prediction.kind == "choice":
        tab_to(cell, "input[type=radio]")
        keys.press("Space")
    elif prediction.kind == "number":
        tab_to(cell, "input[type=number]")
        keys.type("1")
    else:
        tab_to(cell, ".hyperedu-sketch")
        for _place in prediction.places:
            keys.press("ArrowUp")
            keys.press("ArrowRight")
    tab_to(cell, "button")
    keys.press("Enter")
    expect(cell.locator(".hyperedu-said")).not_to_have_text("")


@pytest.mark.parametrize("lesson", editions.LESSONS)
def test_every_question_of_a_lesson(lab, lesson):
    name = editions.file_name(lesson)
    known = __import__(f"hyperedu.lessons.{lesson}.questions", fromlist=["PREDICTIONS"]).PREDICTIONS
    quiz = asking.questions(lesson)
    (lab.folder / "progress.json").unlink(missing_ok=True)
    with lab.open(name) as notebook:
        notebook.run_all(500, skip=False)
        assert notebook.tracebacks() == []
        assert notebook.page.locator(".hyperedu-live").count() == 0, "a figure is shown before its question is answered"
        said = []
        for asked, prediction in known.items():
            cell = cell_with(notebook, f'questions.predict("{asked}"')
            answer(cell, prediction)
            said.append(cell.locator(".hyperedu-said").inner_text())
        cell = cell_with(notebook, "questions.quiz()")
        for k in range(progress.QUESTIONS):
            tab_to(cell, "input[type=radio]")
            notebook.page.keyboard.press("Space")
            mark = "✓" if right(quiz[k]) == 0 else "✗"
            expect(cell.locator(".hyperedu-said").nth(k)).to_have_text(f"{mark} {reason(quiz[k], 0)}")
        found = Axe().run(notebook.page, context=".hyperedu-asks").response["violations"]
        assert [v["id"] for v in found if v["impact"] in ("serious", "critical")] == []
        score = sum(right(question) == 0 for question in quiz)
        total = f"{score} of {progress.QUESTIONS} answered rightly"
        assert until(notebook.page, lambda: total in notebook.saved(lab.folder / name))
        assert notebook.errors == []
    noted = json.loads((lab.folder / "progress.json").read_text(encoding="utf-8"))[lesson]
    assert noted["predictions"].keys() == known.keys()
    assert len(noted["quiz"]) == progress.QUESTIONS
    with lab.open(name) as notebook:  # a new kernel, which has run nothing
        for asked, sentence in zip(known, said, strict=True):
            expect(cell_with(notebook, f'questions.predict("{asked}"')).to_contain_text(sentence)
        expect(cell_with(notebook, "questions.quiz()")).to_contain_text(total)
        assert "model not found" not in notebook.page.content().lower()
        assert notebook.errors == []
    saved = nbformat.read(lab.folder / name, 4)
    page, _resources = HTMLExporter().from_notebook_node(saved)
    assert "widget-view" not in json.dumps(saved)
    with lab.browser.new_context(java_script_enabled=False) as context:
        read = context.new_page()
        read.set_content(page)
        for prediction, sentence in zip(known.values(), said, strict=True):
            expect(read.get_by_text(prediction.question).first).to_be_visible()
            expect(read.get_by_text(sentence).first).to_be_visible()


def right(question: asking.Choice) -> int:
    return list(question.options).index(question.right)


def reason(question: asking.Choice, place: int) -> str:
    return list(question.options.values())[place]
