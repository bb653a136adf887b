import io
import threading
import time

import ipywidgets
import numpy as np
import pytest
import torch
from matplotlib import pyplot
from PIL import Image

from hyperedu import live, pictures


def wave(update=None, start=None, **controls):
    """A live figure with a curve, a heatmap and a text that move; the curve's limits follow from amplitude 4 on."""
    figure, (axes, other) = pictures.subplots(2, width=5, height=2)
    pictures.title(axes, "a $wave$")
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


@pytest.mark.parametrize("values", [(2, 7), (3, 30), (5, 7), (9, 0)])
def test_what_is_blitted_is_what_a_fresh_drawing_shows(values):
    view = wave()
    for amplitude, phase in ((1, 3), (8, 12), (3, 29), values):
        send(view, "amplitude", amplitude)
        send(view, "phase", phase)
    if values[0] < 4:  # limits that were moved stay moved: the fresh figure must have gone there too
        fresh = wave(start={"amplitude": 8})
        for name, value in zip(("phase", "amplitude"), values[::-1], strict=True):
            send(fresh, name, value)
    else:
        fresh = wave(start={"amplitude": values[0], "phase": values[1]})
    assert np.array_equal(pixels(view), pixels(fresh))


def test_blitting_agrees_with_matplotlib_drawing_everything():
    view = wave()
    for amplitude in (1, 3, 7):
        send(view, "amplitude", amplitude)
    blitted = pixels(view)
    for artist in view._painter.moving:
        artist.set_animated(False)
    view._painter.canvas.draw()
    assert np.array_equal(blitted, np.asarray(view._painter.canvas.buffer_rgba())[..., :3])


def test_the_frame_is_the_picture():
    view = wave()
    send(view, "amplitude", 3)
    frame = np.asarray(Image.open(io.BytesIO(view._surface.frame))).astype(int)
    assert np.abs(frame - pixels(view)).mean() < 2


def test_an_error_stands_below_the_figure_and_the_figure_lives_on():
    def update(amplitude, phase):
        return f"{1 / (amplitude - 3):.1f}"

    view = wave(update, start={"amplitude": 2})
    frame, sentence = view._surface.frame, view.sentence
    send(view, "amplitude", 3)
    assert "ZeroDivisionError" in view.problem
    assert "amplitude 3, phase 15" in view.problem
    assert view._surface.frame == frame
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
    figure, _ = pictures.subplots(width=2, height=2)
    view = live.interact(figure, lambda my_control: seen.append(my_control), my_control=control)
    assert type(view.controls["my_control"]) is kind
    assert view.controls["my_control"].description == "my control"
    assert seen == [value]


def test_a_default_of_update_is_the_first_value():
    def update(amplitude=7, phase=3):
        return f"{amplitude} {phase}"

    assert wave(update).sentence == "7 3"


@pytest.mark.parametrize(
    ("update", "controls", "words"),
    [
        (lambda a: None, {"a": (5.0, 0.1)}, ["(5.0, 0.1)", "below"]),
        (lambda a: None, {"a": (3, 3)}, ["below"]),
        (lambda a=9: None, {"a": (0, 5)}, ["9", "(0, 5)"]),
        (lambda a: None, {"a": object()}, ["no control", "(low, high)"]),
        (lambda a: None, {"b": (0, 1)}, ["'b'", "'a'"]),
        (lambda a, b: None, {"a": (0, 1)}, ["give each parameter its control"]),
    ],
)
def test_a_control_that_cannot_be_is_refused(update, controls, words):
    figure, _ = pictures.subplots(width=2, height=2)
    with pytest.raises(ValueError) as error:  # noqa: PT011, the words are checked below
        live.interact(figure, update, **controls)
    assert all(word in str(error.value) for word in words), str(error.value)


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
    fresh = wave(start={"amplitude": 9})
    move_to = {"amplitude": 8, "phase": 11}
    for name, value in move_to.items():
        fresh.controls[name].value = value
    assert np.array_equal(pixels(view), pixels(fresh))


def test_torch_has_its_threads_back_after_a_frame():
    before, during = torch.get_num_threads(), []
    view = wave(lambda amplitude, phase: during.append(torch.get_num_threads()))
    send(view, "amplitude", 2)
    assert set(during) == {1}
    assert torch.get_num_threads() == before


def test_a_slider_can_have_a_play_button():
    figure, _ = pictures.subplots(width=2, height=2)
    view = live.interact(figure, lambda a, b: None, play="b", a=(0.0, 1.0), b=(2, 8, 2))
    row = view.children[2]
    slider, button = row.children
    assert slider is view.controls["b"]
    assert (button.min, button.max, button.step, button.value) == (2, 8, 2, slider.value)
    assert {w for w, _ in (row.link.source, row.link.target)} == {slider, button}
    with pytest.raises(ValueError, match="whole numbers"):
        live.interact(figure, lambda a: None, play="a", a=(0.0, 1.0))


def test_a_notebook_keeps_the_picture_beside_the_widget():
    view = wave()
    data, metadata = view._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in data
    assert data["image/png"]
    assert metadata["image/png"]["alt"] == view.alt


def test_pyplot_knows_nothing_of_it():
    before = pyplot.get_fignums()
    send(wave(), "amplitude", 2)
    assert pyplot.get_fignums() == before
