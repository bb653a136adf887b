"""What a learner sees: JupyterLab in a real browser."""

import json

import nbformat
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

import editions
from lab import jupyterlab, until

# There is one browser, and what is timed by its frames bears no other beside it.
pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

LIVE = """
import matplotlib
import numpy as np
from hyperedu import figures, live

def wave(**start):
    figure, (axes,) = figures.subplots(width=7, height=3)
    x = np.linspace(0, 6, 200)
    (line,) = axes.plot(x, 0 * x)
    axes.set(xlim=(0, 30), ylim=(-5, 20), xlabel="phase, x", ylabel="amplitude, y", title="a wave")

    def update(amplitude, phase):
        if amplitude == 13:
            raise RuntimeError("an unlucky number")
        line.set_ydata(amplitude / 4 * np.sin(x - phase / 10))
        return f"amplitude {amplitude}, phase {phase}"

    sliders = {"amplitude": (0, 20), "phase": (0, 30)}
    view = live.interact(figure, update, drag={axes: ("phase", "amplitude")}, **sliders)
    for name, value in start.items():
        view.controls[name].value = value
    return view

wave()
"""


@pytest.fixture(scope="module")
def lab():
    with jupyterlab() as lab:
        yield lab


@pytest.fixture(scope="module", params=["03_generator_designs", "09_few_shot_characters"])  # which run fastest
def lesson(lab, request):
    """A notebook that was run from top to bottom; the others in tests/every_question.py and every_figure.py."""
    with lab.open(f"{request.param}.ipynb") as notebook:
        notebook.run_all()
        yield notebook


@pytest.fixture(scope="module")
def scratch(lab):
    with lab.scratch() as notebook:
        yield notebook


@pytest.fixture
def wave(scratch):
    """A notebook with one small live figure and nothing else, in a page and with a kernel that such tests share."""
    scratch.clear()
    scratch.run(LIVE)
    return scratch


def state(figure):
    """The picture, the sentence, and what a screen reader says of the picture."""
    return figure.look(), figure.sentence.inner_text(), figure.canvas.get_attribute("aria-label")


def becomes_another(figure, before):
    """Whether the picture, its sentence and what a screen reader says of it all change."""
    return until(figure.page, lambda: all(a != b for a, b in zip(before, state(figure), strict=True)))


def test_a_lesson_runs_without_an_error(lesson):
    assert lesson.tracebacks() == []
    assert lesson.errors == []


def test_a_slider_moves_the_picture_by_mouse(lesson):
    figure = lesson.figure()
    before = state(figure)
    with figure.watch() as seen:
        figure.drag(figure.handles.first, 120, seconds=4)
        assert becomes_another(figure, before)
    assert sum(change < seen.moves[-1] for change in seen.changes) > 5, "the picture follows the drag, not only its end"
    assert seen.blank == 0
    assert lesson.errors == []


def test_a_slider_moves_the_picture_by_keyboard(lesson):
    figure = lesson.figure()
    before = state(figure)
    figure.handles.first.press("ArrowRight")  # selects the figure's own cell
    assert becomes_another(figure, before)
    cell = lesson.selected_cell()
    for handle in figure.handles.all():
        before = state(figure)
        handle.press("ArrowRight")
        assert becomes_another(figure, before)
    assert lesson.selected_cell() == cell, "JupyterLab must not take the arrow keys for itself"
    assert lesson.errors == []


def test_every_slider_has_a_name(lesson):
    figure = lesson.figure()
    names = [handle.get_attribute("aria-label") for handle in figure.handles.all()]
    assert len(names) >= 2
    assert all(names)
    for name in names:
        expect(figure.handle(name)).to_have_count(1)


def test_axe_finds_nothing_serious(lesson):
    for root in (".hyperedu-live", "[data-hyperedu-kept]", ".jp-OutputArea-output img"):
        found = Axe().run(lesson.page, context=root).response["violations"]
        assert [f"{v['id']}: {v['nodes'][0]['html'][:200]}" for v in found if v["impact"] in ("serious", "critical")] == []


def test_a_lesson_can_be_run_twice(lesson):
    lesson.run_all()
    assert lesson.tracebacks() == []
    assert lesson.errors == []
    assert lesson.figure().look() is not None


@pytest.mark.parametrize("name", ["00_start_here", "01_everything_is_a_mapping", "02_training_a_hypernetwork"])
def test_a_notebook_that_was_not_run_shows_its_pictures(lab, name):
    with lab.open(f"{name}.ipynb") as notebook:
        picture = notebook.page.locator(".jp-OutputArea-output img").first
        picture.evaluate("image => image.closest('details')?.setAttribute('open', '')")  # a prediction stands before it
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
    amplitude, phase = (int(number) for number in figure.numbers())
    assert (amplitude, phase) != (10, 15)
    expect(figure.sentence).to_have_text(f"amplitude {amplitude}, phase {phase}")
    wave.run(f"wave(amplitude={amplitude}, phase={phase})")
    assert until(figure.page, lambda: figure.same_pixels(wave.figure(1)))
    wave.run(f"wave(amplitude={amplitude}, phase={phase + 1})")
    assert not figure.same_pixels(wave.figure(2)), "the comparison must be able to fail"


# A square that goes from tile to tile, so that what is sent looks the same and only its place is another.
SQUARE = """
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

def square(start):
    figure = Figure(figsize=(3, 1), dpi=100)
    patch = figure.add_artist(Rectangle((8, 8), 16, 16, transform=None))
    display(live.interact(figure, lambda k=start: patch.set_x(32 * k + 8), k=(0, 5)))

square(0), square(3)
"""


def test_what_only_moves_is_seen_to_move(wave):
    wave.run(SQUARE)
    moved, fresh = wave.figure(1), wave.figure(2)
    assert not moved.same_pixels(fresh)
    for _ in range(3):
        before = moved.look()
        moved.handles.first.press("ArrowRight")
        assert until(moved.page, lambda before=before: moved.look() != before)
    assert moved.same_pixels(fresh)


def test_a_browser_without_a_fast_decoder_shows_the_same(lab):
    with lab.scratch() as notebook:
        notebook.page.evaluate("delete window.ImageDecoder")
        notebook.run(LIVE)
        figure = notebook.figure()
        before = state(figure)
        figure.handle("phase").press("ArrowRight")
        expect(figure.sentence).to_have_text("amplitude 10, phase 16")
        assert becomes_another(figure, before)
        assert notebook.errors == []


def test_an_error_in_the_callback_is_said_below_the_figure_which_lives_on(wave):
    figure = wave.figure()
    expect(figure.problem).to_be_hidden()
    for _ in range(2):
        before = state(figure)
        figure.handle("amplitude").press("ArrowRight")
        assert becomes_another(figure, before)
    assert figure.sentence.inner_text() == "amplitude 12, phase 15"
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


def test_a_storm_from_two_hands_leaves_the_last_state_on_the_screen(wave):
    figure = wave.figure()
    with figure.watch(settle=1) as seen:
        figure.storm(events=2000, seconds=20)
        for _ in range(2):  # a cell waits for what was sent before it; the hand's last position is sent after the one before
            wave.run("pass")
    amplitude, phase = (int(number) for number in figure.numbers())
    assert figure.sentence.inner_text() == f"amplitude {amplitude}, phase {phase}"
    wave.run(f"wave(amplitude={amplitude}, phase={phase})")
    assert until(figure.page, lambda: figure.same_pixels(wave.figure(-1)))
    assert seen.blank == 0
    assert len(seen.keys) == len(seen.moves) == 1000
    assert len(seen.changes) > 50
    after = sum(change > max(*seen.keys, *seen.moves) for change in seen.changes)
    assert after <= 5, "a queue of old frames is played back"
    assert wave.errors == []


def test_a_panel_is_dragged_by_the_mouse(wave):
    figure = wave.figure()
    assert figure.grips.evaluate("element => getComputedStyle(element).cursor") == "grab"
    with figure.watch() as seen:
        figure.drag_in(0, (0.5, 0.5), (0.2, 0.4), seconds=4)
        expect(figure.sentence).to_have_text("amplitude 10, phase 6")
    assert figure.numbers() == [10, 6], "the sliders follow"
    assert sum(change < seen.moves[-1] for change in seen.changes) > 5, "the picture follows the drag, not only its end"
    assert seen.blank == 0
    figure.handle("phase").press("ArrowRight")
    expect(figure.sentence).to_have_text("amplitude 10, phase 7")
    figure.drag_in(0, (0.5, 0.5), (3, -3))
    ends = until(figure.page, lambda: figure.numbers() == [20, 30])
    assert ends, "a hand that leaves the panel takes its sliders to their ends"
    assert wave.page.evaluate("getSelection().toString()") == ""
    assert wave.errors == []


def test_a_panel_is_dragged_by_a_finger(lab):
    with lab.scratch(has_touch=True) as notebook:
        notebook.run(LIVE)
        figure = notebook.figure()
        before = notebook.page.evaluate("[scrollX, scrollY]")
        figure.touch_in(0, (0.5, 0.5), (0.4, 0.3), (0.1, 0.2))
        expect(figure.sentence).to_have_text("amplitude 15, phase 3")
        assert figure.numbers() == [15, 3]
        assert notebook.page.evaluate("[scrollX, scrollY]") == before
        assert notebook.errors == []


@pytest.mark.parametrize("ratio", [1, 2, 3])
def test_the_picture_is_as_sharp_as_the_screen(lab, ratio):
    with lab.scratch(device_scale_factor=ratio) as notebook:
        notebook.run(LIVE)
        figure = notebook.figure()
        width = "element => [element.width, element.getBoundingClientRect().width]"
        notebook.page.wait_for_function(f"element => element.width === {700 * ratio}", arg=figure.canvas.element_handle())
        assert figure.canvas.evaluate(width) == [700 * ratio, 700]
        figure.handle("phase").press("ArrowRight")
        expect(figure.sentence).to_have_text("amplitude 10, phase 16")
        assert figure.canvas.evaluate(width) == [700 * ratio, 700]


SLOW = """
import time

def slow(phase):
    time.sleep(0.6)
    calls.append(phase)
    return f"phase {phase}"

figure, calls = figures.subplots(width=4, height=2)[0], []
live.interact(figure, slow, phase=(0, 60))
"""


def test_a_slow_figure_says_that_it_computes_and_ends_with_the_newest_value(wave):
    wave.run(SLOW)
    figure = wave.figure(1)
    expect(figure.busy).to_be_hidden()
    figure.storm(events=20, seconds=0.6)
    expect(figure.busy).to_be_visible()
    expect(figure.sentence).to_have_text("phase 50")
    expect(figure.busy).to_be_hidden()
    calls = json.loads(wave.run("print(calls)"))
    assert calls[-1] == 50
    assert len(calls) <= 6, "what is no longer wanted is not computed"
    wave.figure(0).handle("phase").press("ArrowRight")
    expect(wave.figure(0).sentence).to_have_text("amplitude 10, phase 16")


WATCHED = """
from hyperedu import Hypernetwork, MainNetwork, MLPGenerator, Sinusoids, meta_train

family, main = Sinusoids(), MainNetwork.mlp([1, 40, 40, 1])
learner = Hypernetwork(main, MLPGenerator(2, main))
picture = figures.Triptych(family, learner)
view = live.interact(picture.figure, picture.update, amplitude=(0.1, 5.0), phase=(0.0, 3.14))
display(view)
meta_train(learner, family.train, 400, watch=view)
shown = view.png()
view.redraw()
print(view.png() == shown)
"""


def test_a_training_is_watched_while_it_runs(wave):
    wave.page.evaluate(
        """() => {
          const look = () => {
            const root = document.querySelectorAll(".hyperedu-live")[1];
            if (root?.querySelector("canvas")?.width > 300) probe.watch(root);
            else setTimeout(look, 20);
          };
          look();
        }"""
    )
    assert wave.run(WATCHED).strip().endswith("True"), "the last frame is what was learned"
    assert until(wave.page, lambda: wave.page.evaluate("probe.seen.changes.length") >= 3)
    wave.page.evaluate("probe.stop()")
    assert wave.errors == []


def test_a_notebook_that_was_saved_shows_its_pictures_the_next_day(lab):
    name = lab.new()
    with lab.open(name) as notebook:
        notebook.run(LIVE)
        figure = notebook.figure()
        expect(notebook.page.locator("[data-hyperedu-kept]")).to_be_hidden()
        figure.handle("phase").press("ArrowRight")
        expect(figure.sentence).to_have_text("amplitude 10, phase 16")
        assert until(figure.page, lambda: "phase 16" in notebook.saved(lab.folder / name))
        assert notebook.errors == []
    saved = nbformat.read(lab.folder / name, as_version=4)
    assert "widgets" not in saved.metadata
    (output,) = saved.cells[-1].outputs
    assert {"image/png", "text/html"} <= set(output.data)
    assert "phase 16" in output.metadata["image/png"]["alt"]
    with lab.open(name) as notebook:
        kept = notebook.page.locator("[data-hyperedu-kept]")
        expect(kept).to_contain_text("amplitude 10, phase 16")
        expect(kept).to_contain_text("run the cells above and this one")
        picture = kept.locator("img")
        assert picture.get_attribute("alt") == "a wave. amplitude 10, phase 16"
        assert picture.evaluate("image => image.naturalWidth") == 700
        for words in ("model not found", "Error displaying widget"):
            expect(notebook.page.get_by_text(words)).to_have_count(0)
        notebook.page.evaluate("jupyterapp.shell.currentWidget.content.activeCellIndex = 0")
        notebook.run_all()
        assert notebook.figure().look() is not None
        expect(notebook.page.locator("[data-hyperedu-kept]")).to_be_hidden()
        assert notebook.errors == []


# Megabytes that the kernel holds, told by a figure's cell after its figure was made.
HELD = """
import gc
import psutil

gc.collect()
print(psutil.Process().memory_info().rss / 2**20)
"""


def test_a_cell_that_is_run_again_and_again_frees_its_figures(lab):
    with lab.scratch() as notebook:
        notebook.run(LIVE.replace("\nwave()\n", "\ndisplay(wave())\n") + HELD)
        notebook.run_again(10)
        before = held(notebook)
        notebook.run_again(50)
        assert held(notebook) - before < 30
        assert notebook.run("print(len(live.LiveFigure.shown))").strip() == "1"
        assert notebook.page.locator(".hyperedu-live").count() == 1


def held(notebook):
    return float(notebook.outputs()[-1][-1]["text"])


def test_ten_thousand_moves_hold_no_memory(lab):
    with lab.scratch() as notebook:
        notebook.run(LIVE + "\nview = wave()\n")
        # In cells of 500: what a busy server has not yet taken from the kernel is memory, too, but not what a figure holds.
        notebook.run("for n in range(500):\n    view.controls['phase'].value = n % 31\n" + HELD)
        before = held(notebook)
        notebook.run_again(times=20)
        assert held(notebook) - before < 10


def test_a_figure_reads_well_in_the_dark_theme(wave):
    change = "theme => jupyterapp.commands.execute('apputils:change-theme', { theme })"
    wave.page.evaluate(change, "JupyterLab Dark")
    wave.page.wait_for_selector("body[data-jp-theme-light=false]", state="attached")
    figure = wave.figure()
    brightness = "getComputedStyle(element).color.match(/[0-9.]+/g).slice(0, 3).reduce((sum, c) => sum + c / 3, 0)"
    wave.page.wait_for_function(f"element => {brightness} > 150", arg=figure.sentence.element_handle(), timeout=10_000)
    assert figure.canvas.evaluate("element => getComputedStyle(element).backgroundColor") == "rgb(255, 255, 255)"
    wave.page.evaluate(change, "JupyterLab Light")


def test_in_the_slides_edition_figures_are_alive_and_no_code_is_seen(lab):
    (slides,) = (edition for edition in editions.KEPT if edition.slides and edition.language == "en")
    shown = nbformat.read(editions.path(slides, "generator_designs"), as_version=4)
    end = [cell.id for cell in shown.cells].index("tiny-triptych-settings") + 1
    shown.cells = shown.cells[:end]  # up to the first figure, for the sake of time
    nbformat.write(shown, lab.folder / "slides.ipynb")
    with lab.open("slides.ipynb") as notebook:
        notebook.run_all()
        assert notebook.tracebacks() == []
        figure = notebook.figure()
        before = state(figure)
        figure.handles.first.press("ArrowRight")
        assert becomes_another(figure, before)
        code = notebook.page.locator(".jp-CodeCell .jp-InputArea-editor:visible")
        expect(code).to_have_count(1)  # that which skips the predictions
        assert notebook.errors == []
