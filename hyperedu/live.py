"""A matplotlib figure driven by sliders, fast enough to feel attached to them.

The figure is drawn once; after that only the artists that the callback changed are drawn again, over a copy of
everything else (blitting), and the frame is sent as a JPEG to a canvas that swaps it in when it is decoded.
"""

import base64
import contextlib
import inspect
import io
import threading
import weakref
from collections.abc import Callable
from pathlib import Path

import anywidget
import ipywidgets
import torch
import traitlets
from matplotlib.artist import Artist
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.spines import Spine
from PIL import Image

HERE = Path(__file__).parent
# With colour at half resolution, which is not seen in lines and dots, a frame is 40% smaller and 6 ms sooner on the screen.
JPEG = {"quality": 85, "subsampling": 2}


def interact(figure: Figure, update: Callable, *, play: str | None = None, **controls) -> "LiveFigure":
    """Show `figure` with a control for each keyword; `update` changes its artists when a control moves.

    The calling convention of `ipywidgets.interact`, without drawing the figure anew::

        def update(amplitude, steps):
            line.set_ydata(...)                       # change artists, do not plot again
            return f"amplitude {amplitude:.1f}"       # the state in words, shown below the figure

        live.interact(figure, update, amplitude=(0.1, 5.0), steps=(0, 10))

    Args:
        figure: a matplotlib `Figure`, made with `Figure(...)` and not by pyplot, so that it is shown only once.
        update: called with the controls' values by name. What it returns is the figure's sentence and alt text;
            None gives the values themselves. It should end within 50 ms. Where it raises, the message stands below
            the figure and the figure goes on living.
        play: the name of a slider of whole numbers that gets a button which walks through its values.
        controls: as for `ipywidgets.interact`: (low, high) or (low, high, step) is a slider, True or False a checkbox,
            a list or dictionary a menu, and a widget is itself. A default of `update`'s parameter is the first value.

    Raises:
        ValueError: a control with a reversed range, or that is none; names that are not those of `update`.
    """
    return LiveFigure(figure, update, controls, play)


class Surface(anywidget.AnyWidget):
    """The canvas in the browser: the newest frame, its alt text, the sentence, and what went wrong, if anything."""

    _esm = HERE / "live.js"
    _css = HERE / "live.css"
    frame = traitlets.Bytes(b"").tag(sync=True)
    alt = traitlets.Unicode("").tag(sync=True)
    sentence = traitlets.Unicode("").tag(sync=True)
    problem = traitlets.Unicode("").tag(sync=True)


class LiveFigure(ipywidgets.VBox):
    """What `interact` returns: the surface and its controls.

    Attributes:
        controls: name → ipywidgets widget; set a control's `value` to move it by program.
        sentence: the state in words.
        problem: what the last callback raised, in words; empty if it ended well.
    """

    shown = weakref.WeakSet()  # every live figure there is, for tools that try each slider

    def __init__(self, figure: Figure, update: Callable, controls: dict, play: str | None = None):
        parameters = inspect.signature(update).parameters
        free = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
        required = {n for n, p in parameters.items() if p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD}
        if not required <= controls.keys() or not (free or controls.keys() <= parameters.keys()):
            raise ValueError(
                f"the controls are {list(controls)}, but update takes {list(parameters)}: give each parameter its control"
            )
        self.controls = {
            name: _control(name, abbreviation, parameters[name].default if name in parameters else inspect.Parameter.empty)
            for name, abbreviation in controls.items()
        }
        self._update, self._painter, self._surface = update, _Painter(figure), Surface()
        self._titles = [t for t in (_plain(axes.get_title(loc)) for axes in figure.axes for loc in ("left", "center")) if t]
        # JupyterLab may run the callbacks of two sliders on two threads; matplotlib bears only one.
        self._lock = threading.RLock()
        self._drawn = None
        if play is not None and not isinstance(self.controls.get(play), ipywidgets.IntSlider):
            raise ValueError(f"play={play!r} must name a slider of whole numbers, one of {list(self.controls)}")
        rows = [_with_button(c) if name == play else c for name, c in self.controls.items()]
        super().__init__([self._surface, *rows])
        self.add_class("hyperedu-live")
        self._draw()
        for control in self.controls.values():
            control.observe(self._draw, "value")
        self.shown.add(self)

    @property
    def sentence(self) -> str:
        return self._surface.sentence

    @property
    def problem(self) -> str:
        return self._surface.problem

    @property
    def alt(self) -> str:
        """The picture in words: the titles of its panels and the state."""
        return self._surface.alt

    def png(self) -> bytes:
        """The picture as it now is, as a PNG file."""
        with self._lock:
            return self._painter.encode("PNG", optimize=True)

    def _draw(self, change=None) -> None:
        # Sliders report one by one, but each frame shows all of them as they are now: what is already drawn is skipped.
        with self._lock:
            values = {name: control.value for name, control in self.controls.items()}
            if values == self._drawn:
                return
            self._drawn = values
            state = ", ".join(f"{name} {_in_words(value)}" for name, value in values.items())
            try:
                with _one_thread():
                    sentence = self._update(**values) or state
                problem = ""
                self._painter.paint()
                frame = self._painter.encode("JPEG", **JPEG)
            except Exception as error:
                sentence, frame = self._surface.sentence, self._surface.frame
                problem = f"At {state} the figure could not be drawn: {type(error).__name__}: {error}"
            with self._surface.hold_sync():
                self._surface.set_trait("frame", frame)
                self._surface.sentence, self._surface.problem = sentence, problem
                self._surface.alt = ". ".join([*self._titles, sentence])

    def _repr_mimebundle_(self, **kwargs):
        """The widget, and beside it the picture for places without a kernel."""
        data = super()._repr_mimebundle_(**kwargs)
        if not isinstance(data, dict):
            return data
        picture = base64.b64encode(self.png()).decode()
        return data | {"image/png": picture}, {"image/png": {"alt": self.alt}}


@contextlib.contextmanager
def _one_thread():
    """Torch on one thread: its others spin for a while after each use, on cores that the browser needs to show the frame."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _control(name: str, abbreviation, default) -> ipywidgets.Widget:
    if isinstance(abbreviation, tuple) and len(abbreviation) in (2, 3):
        low, high = abbreviation[:2]
        if not low < high:
            raise ValueError(f"the range of {name!r} is {abbreviation}: its first number must be below its second")
        if default is not inspect.Parameter.empty and not low <= default <= high:
            raise ValueError(f"{name!r} starts at {default}, outside its range {abbreviation}")
    control = ipywidgets.interactive.widget_from_abbrev(abbreviation, default)
    if control is None:
        raise ValueError(f"{name}={abbreviation!r} is no control: give (low, high), a list, True or False, or a widget")
    if not control.description:
        control.description = name.replace("_", " ")
    control.style = {"description_width": "9em"}
    control.layout = {"width": "min(44em, 98%)"}
    return control


def _with_button(slider: ipywidgets.IntSlider) -> ipywidgets.HBox:
    button = ipywidgets.Play(min=slider.min, max=slider.max, step=slider.step, value=slider.value, interval=400)
    link = ipywidgets.jslink((button, "value"), (slider, "value"))  # in the browser: one round trip for each value
    box = ipywidgets.HBox([slider, button])
    box.link = link  # lives as long as its box
    return box


class _Painter:
    """Draws a figure by redrawing only what moves.

    Matplotlib marks every artist that changed since it was drawn as stale. Those are the moving artists: they are left
    out of the background and drawn over it. A change of limits, ticks or spines makes a new background.
    """

    def __init__(self, figure: Figure):
        self.figure, self.canvas = figure, FigureCanvasAgg(figure)
        self.canvas.draw()  # lays the figure out once; from here on, stale means moved
        figure.set_layout_engine("none")
        self.moving: list[Artist] = []
        self.background, self.limits = None, None

    def paint(self) -> None:
        stale = [artist for artist in self._artists() if artist.stale and artist not in self.moving]
        limits = [tuple(axes.viewLim.bounds) for axes in self.figure.axes]
        if self.background is None or stale or limits != self.limits:
            self._draw_background(stale)
            self.limits = limits
        self.canvas.restore_region(self.background)
        renderer = self.canvas.get_renderer()
        for artist in self.moving:
            artist.draw(renderer)

    def encode(self, kind: str, **options) -> bytes:
        """The picture last painted as a JPEG or PNG file."""
        width, height = self.canvas.get_width_height()
        # RGBX: Agg's own memory, without a copy; the fourth byte of each pixel is passed over.
        image = Image.frombuffer("RGBX", (width, height), self.canvas.buffer_rgba(), "raw", "RGBX", 0, 1)
        file = io.BytesIO()
        (image if kind == "JPEG" else image.convert("RGB")).save(file, kind, **options)
        return file.getvalue()

    def _artists(self):
        for parent in (self.figure, *self.figure.axes):
            for artist in parent.get_children():
                if artist is not parent.patch and artist not in self.figure.axes:
                    yield artist

    def _draw_background(self, stale: list[Artist]) -> None:
        found = [artist for artist in stale if not isinstance(artist, Axis | Spine)]
        frames = [spine for axes in {a.axes for a in found if a.axes} for spine in axes.spines.values()]
        found += [spine for spine in frames if spine.get_visible() and spine not in self.moving]  # they stand above images
        self.moving = sorted(self.moving + found, key=lambda a: (a.axes.zorder if a.axes else 0, a.zorder))
        for artist in found:
            artist.set_animated(True)  # drawing the figure now leaves it out
        self.canvas.draw()
        self.background = self.canvas.copy_from_bbox(self.figure.bbox)
        for artist in self._artists():
            artist.stale = False  # an axis that is switched off is never drawn and would stay stale for ever


def _plain(title: str) -> str:
    """A title without mathematical markup."""
    return title.translate(str.maketrans("", "", "${}\\")).strip()


def _in_words(value) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
