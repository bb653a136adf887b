"""Every live figure of every lesson in a real browser: sliders by keyboard and mouse to both ends, panels by mouse and touch.

Longer than the tests that always run, about ten minutes:

    python -m pytest tests/every_figure.py
"""

import re
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

import editions
from lab import jupyterlab

pytestmark = pytest.mark.browser

# In the kernel: what each figure shows, beside a whole drawing of it as it then is.
COMPARE = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
import numpy
from drawings import fresh, pixels
from hyperedu.figures.live import LiveFigure
for view in LiveFigure.shown:
    with view._lock, view._style():
        whole = fresh(view._painter.figure)
        assert numpy.array_equal(pixels(view._painter)[..., :3], whole[..., :3]), view.alt
    print(view.sentence)
"""


@pytest.fixture(scope="module")
def lab():
    with jupyterlab() as lab:
        yield lab


def to_both_ends(figure, handle):
    for key, end in (("Home", "aria-valuemin"), ("End", "aria-valuemax"), ("PageDown", None)):
        handle.press(key)
        if end:
            expect(handle).to_have_attribute("aria-valuenow", handle.get_attribute(end))
    for distance in (-60, 60, -30):
        figure.drag(handle, distance, seconds=0.2)


@pytest.mark.parametrize("lesson", editions.LESSONS)
def test_every_figure_of_a_lesson(lab, lesson):
    with lab.open(editions.file_name(lesson), has_touch=True) as notebook:
        notebook.run_all(500)
        assert notebook.tracebacks() == []
        n = notebook.page.locator(".hyperedu-live").count()
        assert n >= 1
        for k in range(n):
            figure = notebook.figure(k)
            for handle in figure.handles.all():
                to_both_ends(figure, handle)
                assert figure.problem.inner_text() == ""
            for box in figure.boxes.all():
                box.fill("a small fast wave")
                box.press("Enter")
            for panel in range(figure.grips.count()):
                figure.canvas.scroll_into_view_if_needed()
                figure.drag_in(panel, (0.5, 0.5), (0.02, 0.98))
                figure.drag_in(panel, (0.02, 0.98), (0.98, 0.02))
                figure.touch_in(panel, (0.5, 0.5), (0.3, 0.7), (0.6, 0.4))
                assert figure.problem.inner_text() == ""
            found = Axe().run(notebook.page, context=".hyperedu-live").response["violations"]
            assert [v["id"] for v in found if v["impact"] in ("serious", "critical")] == []
        drawn = set(notebook.run(COMPARE).splitlines())
        for k in range(n):  # JupyterLab takes what is scrolled away out of the page: one after the other is brought back
            figure = notebook.figure(k)
            figure.canvas.scroll_into_view_if_needed()
            expect(figure.sentence).to_have_text(re.compile("|".join(map(re.escape, drawn))))
            drawn.remove(figure.sentence.inner_text())
        assert not drawn, "the page shows what the kernel drew last"
        assert notebook.tracebacks() == []
        assert notebook.errors == []
