"""What a learner sees: JupyterLab in a real browser."""

import pytest
from lab import jupyterlab
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

LIVE = """
import matplotlib
import numpy as np
from hyperedu import live, pictures

def wave(**start):
    figure, (axes,) = pictures.subplots(width=7, height=3)
    x = np.linspace(0, 6, 200)
    (line,) = axes.plot(x, 0 * x)
    axes.set(ylim=(-5, 5), xlabel="x", ylabel="y", title="a wave")

    def update(amplitude, phase):
        if amplitude == 13:
            raise RuntimeError("an unlucky number")
        line.set_ydata(amplitude / 4 * np.sin(x - phase / 10))
        return f"amplitude {amplitude}, phase {phase}"

    sliders = {"amplitude": (0, 20), "phase": (0, 30)}
    view = live.interact(figure, update, **sliders)
    for name, value in start.items():
        view.controls[name].value = value
    return view

wave()
"""


@pytest.fixture(scope="module")
def lab():
    with jupyterlab() as lab:
        yield lab


@pytest.fixture(scope="module", params=["00_start_here", "01_everything_is_a_mapping"])
def lesson(lab, request):
    """A notebook that was run from top to bottom."""
    with lab.open(f"{request.param}.ipynb") as notebook:
        notebook.run_all()
        yield notebook


@pytest.fixture
def wave(lab):
    """A notebook with one small live figure."""
    with lab.scratch() as notebook:
        notebook.run(LIVE)
        yield notebook


def state(figure):
    """The picture, the sentence, and what a screen reader says of the picture."""
    return figure.look(), figure.sentence.inner_text(), figure.canvas.get_attribute("aria-label")


def test_a_lesson_runs_without_an_error(lesson):
    assert lesson.tracebacks() == []
    assert lesson.errors == []


def test_a_slider_moves_the_picture_by_mouse(lesson):
    figure = lesson.figure()
    before = state(figure)
    with figure.watch() as seen:
        figure.drag(figure.handles.first, 120)
    assert all(a != b for a, b in zip(before, state(figure), strict=True))
    assert len(seen.changes) > 5, "the picture follows the drag, not only its end"
    assert seen.blank == 0
    assert lesson.errors == []


def test_a_slider_moves_the_picture_by_keyboard(lesson):
    figure = lesson.figure()
    cell = lesson.selected_cell()
    for handle in figure.handles.all():
        before = state(figure)
        with figure.watch(settle=0.5):
            handle.press("ArrowRight")
        assert all(a != b for a, b in zip(before, state(figure), strict=True))
    assert lesson.selected_cell() == cell, "JupyterLab must not take the arrow keys for itself"
    assert lesson.errors == []


def test_every_slider_has_a_name(lesson):
    figure = lesson.figure()
    names = [handle.get_attribute("aria-label") for handle in figure.handles.all()]
    assert len(names) >= 2
    assert all(names)
    for name in names:
        expect(figure.handle(name)).to_have_count(1)


def test_a_lesson_can_be_run_twice(lesson):
    lesson.run_all()
    assert lesson.tracebacks() == []
    assert lesson.errors == []
    assert lesson.figure().look() is not None


@pytest.mark.parametrize("name", ["00_start_here", "01_everything_is_a_mapping", "02_training_a_hypernetwork"])
def test_a_notebook_that_was_not_run_shows_its_pictures(lab, name):
    with lab.open(f"{name}.ipynb") as notebook:
        picture = notebook.page.locator(".jp-OutputArea-output img").first
        picture.scroll_into_view_if_needed(timeout=20_000)
        expect(picture).to_be_visible()
        assert picture.evaluate("image => image.naturalWidth") > 400
        for words in ("model not found", "Error displaying widget"):
            expect(notebook.page.get_by_text(words)).to_have_count(0)


def test_the_last_picture_is_that_of_a_fresh_figure(wave):
    figure = wave.figure()
    figure.drag(figure.handle("amplitude"), -90)
    for key in ("ArrowRight", "ArrowRight", "ArrowLeft"):
        figure.handle("phase").press(key)
    wave.page.wait_for_timeout(500)
    amplitude, phase = (int(text) for text in figure.readouts.all_inner_texts())
    assert (amplitude, phase) != (10, 15)
    assert figure.sentence.inner_text() == f"amplitude {amplitude}, phase {phase}"
    wave.run(f"wave(amplitude={amplitude}, phase={phase})")
    assert figure.same_pixels(wave.figure(1))
    wave.run(f"wave(amplitude={amplitude}, phase={phase + 1})")
    assert not figure.same_pixels(wave.figure(2)), "the comparison must be able to fail"


def test_a_browser_without_a_fast_decoder_shows_the_same(lab):
    with lab.scratch() as notebook:
        notebook.page.evaluate("delete window.ImageDecoder")
        notebook.run(LIVE)
        figure = notebook.figure()
        before = state(figure)
        figure.handle("phase").press("ArrowRight")
        expect(figure.sentence).to_have_text("amplitude 10, phase 16")
        assert state(figure)[0] != before[0]
        assert notebook.errors == []


def test_an_error_in_the_callback_is_said_below_the_figure_which_lives_on(wave):
    figure = wave.figure()
    expect(figure.problem).to_be_hidden()
    for _ in range(2):
        figure.handle("amplitude").press("ArrowRight")
    expect(figure.sentence).to_have_text("amplitude 12, phase 15")
    before = figure.look()
    figure.handle("amplitude").press("ArrowRight")
    expect(figure.problem).to_contain_text("an unlucky number")
    expect(figure.problem).to_contain_text("amplitude 13")
    assert figure.problem.get_attribute("role") == "alert"
    assert figure.look() == before
    figure.handle("amplitude").press("ArrowRight")
    expect(figure.problem).to_be_hidden()
    expect(figure.sentence).to_have_text("amplitude 14, phase 15")
    assert wave.errors == []


def test_a_storm_of_events_leaves_the_last_state_on_the_screen(wave):
    figure = wave.figure()
    with figure.watch(settle=2) as seen:
        figure.storm(events=2000, seconds=20)
    amplitude, phase = (int(text) for text in figure.readouts.all_inner_texts())
    assert figure.sentence.inner_text() == f"amplitude {amplitude}, phase {phase}"
    wave.run(f"wave(amplitude={amplitude}, phase={phase})")
    assert figure.same_pixels(wave.figure(1))
    assert seen.blank == 0
    assert len(seen.keys) == 2000
    assert len(seen.changes) > 100
    assert seen.settled(seen.keys) < 1000, "a queue of old frames is played back"
    assert wave.errors == []


def test_a_figure_reads_well_in_the_dark_theme(wave):
    wave.page.evaluate("jupyterapp.commands.execute('apputils:change-theme', { theme: 'JupyterLab Dark' })")
    wave.page.wait_for_selector("body[data-jp-theme-light=false]", state="attached")
    figure = wave.figure()
    brightness = "getComputedStyle(element).color.match(/[0-9.]+/g).slice(0, 3).reduce((sum, c) => sum + c / 3, 0)"
    wave.page.wait_for_function(f"element => {brightness} > 150", arg=figure.sentence.element_handle(), timeout=10_000)
    assert figure.canvas.evaluate("element => getComputedStyle(element).backgroundColor") == "rgb(255, 255, 255)"
