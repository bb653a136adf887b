import asyncio
import base64
import gc
import io
import re
import threading
import time
import weakref

import ipywidgets
import numpy as np
import pytest
import torch
from matplotlib import pyplot, style
from matplotlib.figure import Figure
from PIL import Image

from drawings import fresh
from hyperedu import figures, live
from hyperedu.figures import busy, kept, live_figure, surface
from hyperedu.figures.painter import encoded
from hyperedu.figures.style import in_style
from hyperedu.figures.surface import ACROSS, JPEG, TILE


def wave(update=None, start=None, **controls):
    """A live figure with a curve, a heatmap and a text that move; the curve's limits follow from amplitude 4 on."""
    figure, (axes, other) = figures.subplots(2, width=5, height=2)
    figures.title(axes, "a $wave$")
    x = np.linspace(0, 6, 50)
    (line,) = axes.plot(x, 0 * x)
    axes.set(ylim=(-5, 5))
    image = other.imshow(np.zeros((4, 4)), vmin=0, vmax=9)
    text = other.text(0, 0, "")

    def move(amplitude, phase):
        line.set_ydata(amplitude * np.sin(x - phase / 10))
        image.set_data(np.full((4, 4), amplitude))
        text.set_text(f"{phase}")
        if amplitude >= 4:
            axes.set_ylim(-2 * amplitude, 2 * amplitude)
        return f"amplitude {amplitude}, phase {phase}"

    view = live.interact(figure, update or move, **(controls or {"amplitude": (0, 9), "phase": (0, 30)}))
    for name, value in (start or {}).items():
        view.controls[name].value = value
    return view


def send(view, name, value):
    """Move a control as the browser does; ipywidgets swallows exceptions that arrive this way."""
    view.controls[name]._handle_msg({"content": {"data": {"method": "update", "state": {"value": value}}}})
    assert view.controls[name].value == value


def pixels(view):
    return np.asarray(Image.open(io.BytesIO(view.png())))


def opened(jpeg):
    return np.asarray(Image.open(io.BytesIO(jpeg)).convert("RGB")).astype(int)


def on_screen(view):
    """What live.js makes of what it is sent: the ground, and over it each tile in its place."""
    surface = view._surface
    picture = opened(surface.ground)
    sheet = opened(surface.frame) if surface.tiles else None
    height, width = picture.shape[:2]
    places = [(x, y) for y in range(0, height, TILE) for x in range(0, width, TILE)]
    for i, number in enumerate(surface.tiles):
        left, top = places[number]
        part = picture[top : top + TILE, left : left + TILE]
        down, across = TILE * (i // ACROSS), TILE * (i % ACROSS)
        part[...] = sheet[down : down + part.shape[0], across : across + part.shape[1]]
    return picture


def sent(view):
    return view._surface.ground, view._surface.frame, view._surface.tiles


@pytest.mark.parametrize("values", [(2, 7), (3, 30), (5, 7), (9, 0)])
def test_what_is_blitted_is_what_a_fresh_drawing_shows(values):
    view = wave()
    for amplitude, phase in ((1, 3), (8, 12), (3, 29), values):
        send(view, "amplitude", amplitude)
        send(view, "phase", phase)
    if values[0] < 4:  # limits that were moved stay moved: the other figure must have gone there too
        other = wave(start={"amplitude": 8})
        for name, value in zip(("phase", "amplitude"), values[::-1], strict=True):
            send(other, name, value)
    else:
        other = wave(start={"amplitude": values[0], "phase": values[1]})
    assert np.array_equal(pixels(view), pixels(other))


def test_what_is_shown_is_what_matplotlib_draws():
    view = wave()
    for amplitude in (1, 3, 7, 2):
        send(view, "amplitude", amplitude)
    with in_style():
        assert np.array_equal(pixels(view), fresh(view._painter.figure)[..., :3])


def test_what_is_sent_is_the_picture():
    view = wave()
    for amplitude, phase in ((3, 0), (3, 20), (9, 1), (2, 2), (2, 3)):  # 9 moves the limits
        send(view, "amplitude", amplitude)
        send(view, "phase", phase)
        assert np.abs(on_screen(view) - pixels(view)).mean() < 2
        assert np.array_equal(on_screen(view), opened(encoded(view._painter.pixels, "JPEG", **JPEG))), "no seams"


def test_only_the_tiles_that_changed_are_sent():
    figure, axes = figures.subplots(2, width=5, height=2)
    (dot,) = axes[0].plot([0.5], [0.5], "o")
    axes[0].set(xlim=(0, 1), ylim=(0, 1))
    view = live.interact(figure, lambda x: dot.set_xdata([x / 9]), x=(0, 9))
    ground, frame, _tiles = sent(view)
    assert frame == b""
    send(view, "x", 7)
    assert view._surface.ground is ground
    assert len(view._surface.frame) < len(ground) / 4
    assert 2 <= len(view._surface.tiles) <= 12
    off = np.abs(on_screen(view) - pixels(view)).max(-1)
    assert off.max() < 60


def test_a_picture_of_which_most_changed_is_sent_whole():
    figure, _axes = figures.subplots(width=3, height=2)
    view = live.interact(figure, lambda shade: figure.set_facecolor(str(shade / 9)), shade=(0, 9))
    first = view._surface.ground
    send(view, "shade", 2)
    assert view._surface.ground != first
    assert view._surface.tiles == []
    assert np.abs(on_screen(view) - pixels(view)).mean() < 2


@pytest.mark.parametrize("size", [(0.2, 0.2), (0.32, 3), (3, 0.33), (3.01, 2.03)])
def test_a_picture_of_any_size_is_sent(size):
    figure = Figure(figsize=size, dpi=100)
    (line,) = figure.add_axes((0, 0, 1, 1)).plot([0, 1], [0, 0])
    view = live.interact(figure, lambda y: line.set_ydata([y / 90, -y / 90]), y=(0, 9))
    for y in range(10):
        send(view, "y", y)
        assert np.array_equal(on_screen(view), opened(encoded(view._painter.pixels, "JPEG", **JPEG)))


def test_an_error_stands_below_the_figure_and_the_figure_lives_on():
    def update(amplitude, phase):
        return f"{1 / (amplitude - 3):.1f}"

    view = wave(update, start={"amplitude": 2})
    before, sentence = sent(view), view.sentence
    send(view, "amplitude", 3)
    assert "ZeroDivisionError" in view.problem
    assert "amplitude 3, phase 15" in view.problem
    assert sent(view) == before
    assert view.sentence == sentence
    send(view, "amplitude", 4)
    assert view.problem == ""
    assert view.sentence == "1.0"


def test_alt_text_and_sentence_change_with_the_state():
    view = wave()
    send(view, "amplitude", 2)
    assert view.sentence == "amplitude 2, phase 15"
    assert view.alt == "a wave. amplitude 2, phase 15"
    send(view, "phase", 16)
    assert view.alt.endswith("phase 16")


def test_without_a_sentence_the_values_are_said():
    view = wave(lambda amplitude, phase: None, amplitude=(0.0, 1.0), phase=["low", "high"])
    assert view.sentence == "amplitude 0.5, phase low"


@pytest.mark.parametrize("returned", [[1], 0.5, np.ones(3), Figure(), ""], ids=lambda returned: type(returned).__name__)
def test_what_is_no_sentence_is_none(returned):
    view = wave(lambda amplitude, phase: returned, start={"amplitude": 3})
    assert view.sentence == "amplitude 3, phase 15"
    assert view.problem == ""


def test_an_update_that_moves_a_control_is_called_again_and_ends_in_one_state():
    figure, (axes,) = figures.subplots(width=2, height=2)
    (line,) = axes.plot([0, 1], [0, 9])
    low, high = ipywidgets.IntSlider(3, 0, 9), ipywidgets.IntSlider(5, 0, 9)
    frames = []

    def update(low, high):
        if low > high:
            view.move_to(high=low)
        line.set_ydata([low, high])
        return f"{low} to {high}"

    view = live.interact(figure, update, low=low, high=high)
    view._surface.observe(lambda change: frames.append(change["new"]), "sentence")
    send(view, "low", 8)
    assert view.controls["high"].value == 8
    assert list(line.get_ydata()) == [8, 8]
    assert view.sentence == "8 to 8"
    assert frames == ["8 to 8"]


def test_an_update_that_never_lets_its_control_rest_ends():
    views = []

    def update(amplitude, phase):
        for view in views:
            view.controls["phase"].value = (phase + 1) % 30

    views.append(wave(update))
    send(views[0], "amplitude", 2)
    assert views[0].problem == ""


def test_a_figure_that_its_update_closes_is_closed():
    views = []

    def update(amplitude, phase):
        for view in views:
            view.close()

    views.append(wave(update))
    view = views[0]
    view.controls["amplitude"].value = 2
    assert view._painter is None
    assert view not in live.LiveFigure.shown


def test_a_figure_is_there_even_if_its_first_update_raises():
    view = wave(lambda amplitude, phase: 1 / 0)
    assert "ZeroDivisionError" in view.problem
    assert on_screen(view).shape == (200, 500, 3)


def test_values_that_cannot_be_compared():
    menu = ipywidgets.Dropdown(options=[("none", np.zeros(3)), ("all", np.ones(3))], equals=lambda a, b: a is b)
    seen = []
    figure, _ = figures.subplots(width=2, height=2)
    view = live.interact(figure, lambda weights: seen.append(weights.sum()), weights=menu)
    menu.index = 1
    assert seen == [0, 3]
    view._draw()
    assert seen == [0, 3], "what is already drawn is not drawn again"


def test_what_is_already_drawn_is_not_drawn_again():
    calls = []
    view = wave(lambda amplitude, phase: calls.append((amplitude, phase)))
    first = calls[0]
    view._draw()
    assert calls == [first]
    send(view, "amplitude", 9)
    assert calls == [first, (9, first[1])]


@pytest.mark.parametrize(
    ("control", "kind", "value"),
    [
        ((0, 9), ipywidgets.IntSlider, 4),
        ((0, 10, 5), ipywidgets.IntSlider, 5),
        ((0.0, 1.0), ipywidgets.FloatSlider, 0.5),
        (True, ipywidgets.Checkbox, True),
        (["a", "b"], ipywidgets.Dropdown, "a"),
        ({"one": 1, "two": 2}, ipywidgets.Dropdown, 1),
        (ipywidgets.IntText(7), ipywidgets.IntText, 7),
    ],
)
def test_controls_are_those_of_ipywidgets_interact(control, kind, value):
    seen = []
    figure, _ = figures.subplots(width=2, height=2)
    view = live.interact(figure, lambda my_control: seen.append(my_control), my_control=control)
    assert type(view.controls["my_control"]) is kind
    assert view.controls["my_control"].description == "my control"
    assert seen == [value]


def test_a_default_of_update_is_the_first_value():
    def update(amplitude=7, phase=3):
        return f"{amplitude} {phase}"

    assert wave(update).sentence == "7 3"


async def _waits(a):
    pass


def _yields(a):
    yield a


@pytest.mark.parametrize("update", [_waits, _yields, lambda a: _waits(a)])
@pytest.mark.filterwarnings("ignore:coroutine")
def test_an_update_that_would_never_run_is_said(update):
    figure, _ = figures.subplots(width=2, height=2)
    assert "so that nothing of it ran" in live.interact(figure, update, a=(0, 1)).problem


@pytest.mark.parametrize(
    ("update", "controls", "words"),
    [
        (lambda a: None, {"a": (5.0, 0.1)}, ["(5.0, 0.1)", "below"]),
        (lambda a: None, {"a": (3, 3)}, ["below"]),
        (lambda a: None, {"a": (0.0, float("inf"))}, ["below"]),
        (lambda a: None, {"a": (1, "b")}, ["no control"]),
        (lambda a: None, {"a": {"one": np.arange(3), "two": np.arange(3)}}, ["no control"]),
        (lambda a=9: None, {"a": (0, 5)}, ["9", "(0, 5)"]),
        (lambda a=None: None, {"a": (0, 5)}, ["None", "(0, 5)"]),
        (lambda a=2.5: None, {"a": (0, 5)}, ["2.5", "(0, 5)"]),
        (lambda a="c": None, {"a": ["a", "b"]}, ["'c'", "['a', 'b']"]),
        (lambda a="low": None, {"a": {"low": 1, "high": 2}}, ["'low'"]),
        (lambda a=7: None, {"a": range(3)}, ["7", "range(0, 3)"]),
        (lambda *, a, b: None, {"a": (0, 1)}, ["give each parameter its control"]),
        (lambda a: None, {"a": object()}, ["no control", "(low, high)"]),
        (lambda a: None, {"b": (0, 1)}, ["'b'", "'a'"]),
        (lambda a, b: None, {"a": (0, 1)}, ["give each parameter its control"]),
    ],
)
def test_a_control_that_cannot_be_is_refused(update, controls, words):
    figure, _ = figures.subplots(width=2, height=2)
    with pytest.raises(ValueError) as error:  # noqa: PT011, the words are checked below
        live.interact(figure, update, **controls)
    assert all(word in str(error.value) for word in words), str(error.value)


@pytest.mark.parametrize("given", ["axes", "tuple", "swapped"])
def test_what_is_no_figure_is_refused(given):
    figure, (axes,) = figures.subplots(width=2, height=2)
    wrong = {"axes": (axes, print), "tuple": ((figure, axes), print), "swapped": (print, figure)}[given]
    with pytest.raises(ValueError, match="give a figure and then the function"):
        live.interact(*wrong, a=(0, 1))


def test_ends_may_be_tensors_and_a_menu_a_tuple_of_words():
    figure, _ = figures.subplots(width=2, height=2)
    ends = torch.tensor([0.0, 4.0])
    view = live.interact(figure, lambda **values: None, a=(ends.min(), ends.max()), colour=("red", "blue"), c=ends[1])
    assert (view.controls["a"].max, view.controls["a"].value, view.controls["c"].value) == (4.0, 2.0, 4.0)
    assert view.controls["colour"].value == "red"


@pytest.mark.parametrize("range", [(0.0, 0.04), (0, 1e-12), (-0.3, 0.2)])
def test_a_slider_over_a_short_range_can_be_moved(range):
    view, states = panel(("east", "north"), east=range, north=(0, 10))
    view._hands[0][0].set_xlim(*range)
    low, high = range
    for share in (0.25, 0.6):
        press(view, share, 0.5)
        assert states[-1]["east"] == pytest.approx(low + share * (high - low), abs=0.01 * (high - low))


def test_a_hand_moves_a_slider_of_powers_by_its_exponent():
    view, states = panel(("east", "north"), east=ipywidgets.FloatLogSlider(min=-3, max=2, step=0.1), north=(0, 10))
    axes = view._hands[0][0]
    axes.set(xscale="log", xlim=(1e-3, 1e2))
    press(view, 0.9, 0.5)
    assert states[-1]["east"] == pytest.approx(10**1.5)
    axes.set(xscale="linear", xlim=(-1, 1))
    press(view, 0.1, 0.5)
    assert states[-1]["east"] == pytest.approx(1e-3), "no power is below zero"


def test_several_values_are_given_as_a_list_and_what_a_control_cannot_be_is_said():
    figure, _ = figures.subplots(width=2, height=2)
    between, some = ipywidgets.IntRangeSlider(min=0, max=9), ipywidgets.SelectMultiple(options=[1, 2, 3])
    view = live.interact(figure, lambda **values: None, a=between, b=some, c=["x", "y"])
    view.move_to(a=[2, 5], b=[2])
    assert (between.value, some.value) == ((2, 5), (2,))
    for wrong in ({"c": "z"}, {"a": "words"}):
        with pytest.raises(ValueError, match="cannot be"):
            view.move_to(**wrong)


def test_two_sliders_on_two_threads_leave_the_last_state():
    """As JupyterLab with ipykernel 7 does it."""
    inside, overlaps = threading.Lock(), []
    view = wave()
    update = view._update

    def watched(**values):
        overlaps.append(not inside.acquire(blocking=False))
        time.sleep(0.001)
        sentence = update(**values)
        inside.release()
        return sentence

    view._update = watched

    def move(name, values):
        for value in values:
            view.controls[name].value = value

    threads = [
        threading.Thread(target=move, args=("amplitude", [i % 10 for i in range(100)] + [8])),
        threading.Thread(target=move, args=("phase", [i % 31 for i in range(100)] + [11])),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not any(overlaps)
    assert view.sentence == "amplitude 8, phase 11"
    assert view.problem == ""
    other = wave(start={"amplitude": 9})
    for name, value in {"amplitude": 8, "phase": 11}.items():
        other.controls[name].value = value
    assert np.array_equal(pixels(view), pixels(other))


def test_torch_has_its_threads_back_after_a_frame():
    before, during = torch.get_num_threads(), []
    view = wave(lambda amplitude, phase: during.append(torch.get_num_threads()))
    send(view, "amplitude", 2)
    assert set(during) == {1}
    assert torch.get_num_threads() == before


def test_a_slider_can_have_a_play_button():
    figure, _ = figures.subplots(width=2, height=2)
    view = live.interact(figure, lambda a, b: None, play="b", a=(0.0, 1.0), b=(2, 8, 2))
    row = view.children[2]
    slider, button = row.children
    assert slider is view.controls["b"]
    assert (button.min, button.max, button.step, button.value) == (2, 8, 2, slider.value)
    assert {w for w, _ in (row.link.source, row.link.target)} == {slider, button}
    with pytest.raises(ValueError, match="whole numbers"):
        live.interact(figure, lambda a: None, play="a", a=(0.0, 1.0))


@pytest.fixture
def shown(monkeypatch):
    """What is displayed, as (data, metadata); a dictionary that is updated when the display is."""
    outputs = []

    class Handle:
        def update(self, data, metadata, **_):
            outputs[1] = data, metadata

    monkeypatch.setattr(kept, "display", lambda data, metadata, **_: outputs.append((data, metadata)) or Handle())
    return outputs


def test_a_notebook_keeps_the_picture_beside_the_widget(shown):
    view = wave()
    view._ipython_display_()
    (widget, _), (kept, metadata) = shown
    assert "application/vnd.jupyter.widget-view+json" in widget
    assert base64.b64decode(kept["image/png"]) == view.png()
    assert metadata["image/png"]["alt"] == view.alt
    (frame,) = re.findall(r'src="data:image/jpeg;base64,([^"]*)"', kept["text/html"])
    assert np.abs(opened(base64.b64decode(frame)) - pixels(view)).mean() < 2
    for words in (f'alt="{view.alt}"', f"<p>{view.sentence}</p>", "run the cells above and this one"):
        assert words in kept["text/html"]
    assert f'data-hyperedu-kept="{view._surface.key}"' in kept["text/html"]


def test_what_a_notebook_keeps_follows_once_the_hand_rests(shown, monkeypatch):
    monkeypatch.setattr(kept, "REST", 0.01)

    async def use():
        view = wave()
        view._ipython_display_()
        for amplitude in (1, 2, 3):
            send(view, "amplitude", amplitude)
        first = shown[1]
        await asyncio.sleep(0.1)
        return view, first

    view, (before, _) = asyncio.run(use())
    picture, metadata = shown[1]
    assert picture["image/png"] != before["image/png"]
    assert base64.b64decode(picture["image/png"]) == view.png()
    assert "amplitude 3" in picture["text/html"]
    assert "amplitude 3" in metadata["image/png"]["alt"]


def test_a_title_cannot_write_into_the_page(shown):
    view = wave(lambda amplitude, phase: '<script>"&')
    view._ipython_display_()
    assert "<script>" not in shown[1][0]["text/html"]


def test_colab_finds_its_widget_manager(monkeypatch):
    metadata = {"application/vnd.jupyter.widget-view+json": {"colab": {"custom_widget_manager": {"url": "somewhere"}}}}
    view = wave()
    monkeypatch.setattr(surface.Surface, "_repr_mimebundle_", lambda self, **_: ({}, metadata))
    assert view._repr_mimebundle_()[1] == metadata


def test_pyplot_knows_nothing_of_it():
    before = pyplot.get_fignums()
    send(wave(), "amplitude", 2)
    assert pyplot.get_fignums() == before


# By hand.


def panel(drag, update=None, **controls):
    """A live figure with one panel, −1 to 1 by 0 to 10, that can be taken by hand; and the states that it was updated to."""
    states = []

    def note(**values):
        states.append(values)

    figure = Figure((4, 3))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(-1, 1), ylim=(0, 10))
    controls = controls or {"east": (-1.0, 1.0, 0.25), "north": (0, 10)}
    return live.interact(figure, update or note, drag={axes: drag}, **controls), states


def press(view, across, down, begins=True):
    view._surface.hand = [0, across, down, int(begins)]


def test_a_hand_in_a_panel_moves_both_of_its_sliders_in_one_frame():
    view, states = panel(("east", "north"))
    press(view, 0.74, 0.22)
    assert states[1:] == [{"east": 0.5, "north": 8}], "at the nearest steps"
    assert {name: control.value for name, control in view.controls.items()} == states[-1]
    press(view, 3, -2, False)
    assert states[2:] == [{"east": 1.0, "north": 10}], "a hand that left the panel holds on to its edge"
    press(view, 3, -3, False)
    assert len(states) == 3, "nothing moved"


def test_where_a_panel_is_follows_its_axes():
    view, _ = panel(("east", "north"))
    assert view._surface.grips == [pytest.approx([0, 0, 1, 1])]
    view._hands[0][0].set_position((0.5, 0.25, 0.25, 0.5))
    view.redraw()
    assert view._surface.grips == [pytest.approx([0.5, 0.25, 0.25, 0.5])]
    press(view, 0.75, 0.75)
    assert (view.controls["east"].value, view.controls["north"].value) == (1.0, 0)


def test_a_function_says_what_a_hand_takes():
    taken = []

    def take(x, y, begins):
        taken.append((round(x, 3), round(y, 3), begins))
        return {"what": "b", "north": y} if y > 5 else None

    view, states = panel(take, what=["a", "b"], north=(0, 10))
    press(view, 0.5, 0.1)
    assert states[-1] == {"what": "b", "north": 9}
    press(view, 0.5, 0.9, False)
    assert taken == [(0, 9, True), (0, 1, False)]
    assert len(states) == 3, "it is drawn after each call, since the function may have moved something itself"


def test_what_a_hand_cannot_take_is_said_and_the_figure_lives_on():
    view, states = panel(lambda x, y, begins: {"nowhere": 1})
    press(view, 0.5, 0.5)
    assert "nothing could be taken" in view.problem
    assert "nowhere" in view.problem
    send(view, "north", 3)
    assert view.problem == ""
    assert states[-1]["north"] == 3


def test_what_a_hand_took_before_it_failed_is_drawn():
    view, states = panel(lambda x, y, begins: {"north": 3, "nowhere": 1})
    press(view, 0.5, 0.5)
    assert states[-1]["north"] == view.controls["north"].value == 3
    assert "nowhere" in view.problem


def test_a_figure_that_grows_is_shown_larger():
    figure = Figure((4, 3), dpi=100)
    view = live.interact(figure, lambda a: figure.set_size_inches(4 + a, 3), a=(0, 4))
    assert view._surface.width == 600
    view._surface.ratio = 2.0
    send(view, "a", 4)
    assert (view._surface.width, pixels(view).shape[1]) == (800, 1600)


def test_all_titles_are_in_the_alt_text():
    figure, (axes,) = figures.subplots(width=3, height=2)
    figure.suptitle("over all")
    axes.set_title("at the right", loc="right")
    assert live.interact(figure, lambda a: "now", a=(0, 1)).alt == "over all. at the right. now"


def test_an_update_that_is_interrupted_no_longer_computes(monkeypatch):
    monkeypatch.setattr(busy, "PATIENCE", 0.01)

    def update(a):
        if a == 3:
            time.sleep(0.1)
            raise KeyboardInterrupt

    view = wave(lambda a: update(a), a=(0, 9))
    with pytest.raises(KeyboardInterrupt):
        view.controls["a"].value = 3
    assert not view._surface.busy


def test_what_was_closed_cannot_be_displayed():
    view = wave()
    view.close()
    with pytest.raises(RuntimeError, match="run its cell again"):
        view._ipython_display_()


@pytest.mark.parametrize(
    ("drag", "words"),
    [
        (("east", "south"), ["south", "'north'"]),
        (("east",), ["two sliders"]),
        (("east", "what"), ["two sliders"]),
        (("east", "span"), ["two sliders"]),
    ],
)
def test_a_drag_that_cannot_be_is_refused(drag, words):
    with pytest.raises(ValueError) as error:  # noqa: PT011, the words are checked below
        panel(drag, east=(-1.0, 1.0), north=(0, 10), what=["a", "b"], span=ipywidgets.IntRangeSlider())
    assert all(word in str(error.value) for word in words), str(error.value)


def test_a_panel_of_another_figure_is_refused():
    figure, other = Figure(), Figure()
    with pytest.raises(ValueError, match="no panel of this figure"):
        live.interact(figure, lambda a, b: None, drag={other.subplots(): ("a", "b")}, a=(0, 1), b=(0, 1))


# The screen, the style, time and memory.


@pytest.mark.parametrize("ratio", [1.5, 2, 3])
def test_as_many_pixels_as_the_screen_has(ratio):
    view = wave()
    send(view, "amplitude", 3)
    width = view._surface.width
    view._surface.ratio = ratio
    for amplitude in (2, 1, 3):
        send(view, "amplitude", amplitude)
    assert pixels(view).shape == (int(200 * ratio), int(500 * ratio), 3)
    assert view._surface.width == width == 500, "as large on the page as before"
    with in_style():
        assert np.array_equal(pixels(view), fresh(view._painter.figure)[..., :3])


@pytest.mark.parametrize(
    "settings",
    [
        "dark_background",
        {"text.usetex": True, "font.size": 30},
        {"axes.spines.top": True, "savefig.dpi": 300, "image.cmap": "jet"},
    ],
)
def test_the_courses_figures_have_their_own_style(settings):
    def picture():
        with in_style():  # as in a cell that has made a figure of the course
            view = wave(start={"amplitude": 3})
        send(view, "amplitude", 9)
        return pixels(view)

    expected = picture()
    with style.context(settings):
        assert np.array_equal(picture(), expected)
        assert pyplot.rcParams["text.usetex"] == (isinstance(settings, dict) and "text.usetex" in settings), "the reader's stay"


def test_a_slow_update_says_that_it_computes(monkeypatch):
    monkeypatch.setattr(busy, "PATIENCE", 0.01)
    said, hold = [], threading.Event()

    def update(a):
        hold.wait(5)

    figure, _ = figures.subplots(width=2, height=2)
    hold.set()
    view = live.interact(figure, update, a=(0, 9))
    hold.clear()
    view._surface.observe(lambda change: (said.append(change["new"]), hold.set()), "busy")
    send(view, "a", 3)
    assert said == [True, False]
    send(view, "a", 4)  # fast again
    assert said[2:] == []


def test_a_fixed_value_is_no_slider():
    figure, _ = figures.subplots(width=2, height=2)
    view = live.interact(figure, lambda a, b: f"{a} and {b}", a=(0, 9), b=ipywidgets.fixed(3))
    assert view.sentence == "4 and 3"
    assert view.children == (view._surface, view.controls["a"])


def test_redraw_shows_what_no_control_tells_of():
    heard = []
    figure, _ = figures.subplots(width=2, height=2)
    view = live.interact(figure, lambda a, history: heard.append(history), a=(0, 9))
    view.redraw("of step 1")
    send(view, "a", 5)
    assert heard == [None, "of step 1", "of step 1"]


def widgets():
    return len(ipywidgets.widgets.widget._instances)


def test_close_frees_the_figure_its_widgets_and_its_observers():
    own = ipywidgets.IntSlider(3)
    before = widgets()

    def make():
        figure, (axes,) = figures.subplots(width=2, height=2)
        axes.plot([0, 1])
        return live.interact(figure, lambda a, b, c: None, play="b", drag={axes: ("a", "b")}, a=(0.0, 1.0), b=(0, 9), c=own)

    view = make()
    figure, update = weakref.ref(view._painter.figure), weakref.ref(view._update)
    assert widgets() > before
    view.close()
    gc.collect()
    assert figure() is None
    assert update() is None
    assert widgets() == before
    assert own.comm is not None, "the reader's own widget is the reader's"
    own.value = 5
    view.close()  # a second time is no error
    with pytest.raises(RuntimeError, match="closed"):
        view.png()


def test_a_cell_that_is_run_again_closes_what_it_showed_before(monkeypatch):
    runs = [("cell 1", "run 1"), ("cell 1", "run 1"), ("cell 2", "run 2"), ("cell 1", "run 3"), (None, None), (None, None)]
    monkeypatch.setattr(live_figure, "cell_that_runs", lambda: runs.pop(0))
    views = [wave() for _ in range(6)]
    assert [view._painter is None for view in views] == [True, True, False, False, False, False]


def test_nobody_looks_at_a_figure_that_was_closed():
    view = wave()
    send(view, "amplitude", 3)
    looks = view._busy
    assert looks.looked_at
    view.close()
    for _ in range(40):  # less than it would rest by itself
        if not looks.looked_at:
            break
        time.sleep(0.02)
    assert not looks.looked_at
