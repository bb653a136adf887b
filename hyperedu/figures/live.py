"""A matplotlib figure driven by sliders and by hand, fast enough to feel attached to them.

The figure is drawn once; after that only what changed is drawn again (painter.py), and the frame is sent as a JPEG to a
canvas that swaps it in when it is decoded.
"""

import asyncio
import base64
import contextlib
import html
import inspect
import threading
import uuid
import weakref
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import ipywidgets
import torch
import traitlets
from IPython import get_ipython
from IPython.display import display
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hyperedu.figures.controls import Hand, Pair, check_names, control_of, hand_of, nearest_value, same, with_button
from hyperedu.figures.painter import Painter
from hyperedu.figures.style import speak
from hyperedu.figures.surface import Surface
from hyperedu.words import _

# With colour at half resolution, which is not seen in lines and dots, a frame is 40% smaller and 6 ms sooner on the screen.
JPEG = {"quality": 85, "subsampling": 2}
PATIENCE = 0.15  # seconds that an update may take before the figure says that it computes
SETTLING = 9  # times at most that an update is called, again each time that it has moved a control
REST = 1.0  # seconds without a change after which the picture that a saved notebook keeps is brought up to date


def interact(
    figure: Figure, update: Callable, *, play: str | None = None, drag: Mapping[Axes, Hand] | None = None, **controls
) -> "LiveFigure":
    """Show `figure` with a control for each keyword; `update` changes its artists when a control moves.

    The calling convention of `ipywidgets.interact`, without drawing the figure anew::

        def update(amplitude, steps):
            line.set_ydata(...)                       # change artists rather than plot again
            return f"amplitude {amplitude:.1f}"       # the state in words, shown below the figure

        live.interact(figure, update, amplitude=(0.1, 5.0), steps=(0, 10))

    Args:
        figure: a matplotlib `Figure`, made with `Figure(...)` and not by pyplot, so that it is shown only once.
        update: called with the controls' values by name. A sentence that it returns is the figure's, and its alt text; else
            the values themselves are. It should end within 50 ms; where it takes longer, the figure says that it computes,
            and goes on with the newest values. Where it moves a control, it is called again. Where it raises, the message
            stands below the figure and the figure goes on living. What it changed is found by itself, but for what no
            attribute or variable holds, such as a random generator in a formatter: `axes.xaxis.stale = True` tells of it.
            A parameter named `history` needs no control: it is what `meta_train(watch=)` hands on.
        play: the name of a slider of whole numbers that gets a button which walks through its values.
        drag: panels in which things can be taken by hand: axes → the names of the two sliders that its x and y are, or a
            function (x, y, begins) → {name of a control: value}, or None where there is nothing to take. `begins` is True
            for the press that begins a drag. The figure is drawn after each call of the function.
        controls: as for `ipywidgets.interact`: (low, high) or (low, high, step) is a slider, True or False a checkbox,
            a list or dictionary a menu, and a widget is itself. A default of `update`'s parameter is the first value.

    Raises:
        ValueError: a control with a reversed range, or that is none; names that are not those of `update`.
    """
    return LiveFigure(figure, update, controls, play, drag)


class LiveFigure(ipywidgets.VBox):
    """What `interact` returns: the surface and its controls.

    A cell that is run again closes the figures that it made before, and `close()` frees the figure and its widgets.

    Attributes:
        controls: name → ipywidgets widget; set a control's `value` to move it by program, or several with `move_to`.
        sentence: the state in words.
        problem: what the last callback raised, in words; empty if it ended well.
    """

    _painter: Painter | None = None  # until there is one, and once it is closed
    shown: "weakref.WeakSet[LiveFigure]" = weakref.WeakSet()  # every live figure there is, for tools that try each slider

    def __init__(
        self,
        figure: Figure,
        update: Callable,
        controls: dict,
        play: str | None = None,
        drag: Mapping[Axes, Hand] | None = None,
    ):
        _check_figure_and_update(figure, update)
        parameters = inspect.signature(update).parameters
        check_names(parameters, controls)
        self.controls = {
            name: control_of(name, abbreviation, parameters[name].default if name in parameters else inspect.Parameter.empty)
            for name, abbreviation in controls.items()
        }
        self._given = {id(widget) for widget in controls.values() if isinstance(widget, ipywidgets.Widget)}
        self._hands = [(axes, hand_of(figure, axes, hand, self.controls)) for axes, hand in (drag or {}).items()]
        if play is not None and not isinstance(self.controls.get(play), ipywidgets.IntSlider):
            known = list(self.controls)
            raise ValueError(_("play={play!r} must name a slider of whole numbers, one of {known}", play=play, known=known))
        self._takes_history = "history" in parameters and "history" not in controls
        self._update: Callable | None = update
        self._style = getattr(figure, "in_style", contextlib.nullcontext)  # the course's figures have one of their own
        with self._style():
            speak(figure)
            self._painter = Painter(figure)
        self._history: object = None
        # JupyterLab may run the callbacks of two sliders on two threads; matplotlib bears only one.
        self._lock = threading.RLock()
        self._drawn: dict | None = None
        self._held = False
        self._updating = False
        self._resting: asyncio.TimerHandle | None = None
        self._stored: Any = None
        self._cell = cell_that_runs()
        self._close_those_of_the_same_cell()
        self._surface = Surface(key=uuid.uuid4().hex, computing=_("computing …"))
        rows = [
            with_button(c) if name == play else c for name, c in self.controls.items() if isinstance(c, ipywidgets.DOMWidget)
        ]
        super().__init__([self._surface, *rows])
        self.add_class("hyperedu-live")
        self._draw()
        for control in self.controls.values():
            control.observe(self._draw, "value")
        self._surface.observe(self._take, "hand")
        self._surface.observe(self._sharpen, "ratio")
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
            if self._painter is None:
                raise RuntimeError(_("this figure was closed; run its cell again"))
            return self._painter.encode("PNG", optimize=True)

    def move_to(self, /, **values) -> None:
        """Give several controls values at once, by program: one frame shows them all.

        Raises:
            ValueError: there is no such control, or it cannot have that value.
        """
        unknown = values.keys() - self.controls.keys()
        if unknown:
            raise ValueError(
                _("there is no control {unknown}, but {known}", unknown=sorted(unknown), known=list(self.controls))
            )
        with self._lock:
            self._held = True
            try:
                for name, value in values.items():
                    control = self.controls[name]
                    value = tuple(value) if isinstance(value, list) and isinstance(control.value, tuple) else value
                    with contextlib.suppress(traitlets.TraitError):  # what it does not take, it is not
                        control.value = value
                    if control.value != value:
                        raise ValueError(
                            _("{name} cannot be {value!r}; it is {now!r}", name=name, value=value, now=control.value)
                        )
            finally:
                self._held = False
                self._draw()

    def redraw(self, history: object = None) -> None:
        """Update and draw with the values as they are: what changed is no control, such as a learner in training.

        Args:
            history: what `update` gets as `history` from now on, if it has such a parameter.
        """
        with self._lock:
            self._history, self._drawn = history, None
            self._draw()

    def close(self) -> None:
        """Free the figure, its widgets and what observes them; the picture that the notebook keeps stays."""
        if self._painter is None:
            return
        with self._lock:
            self._painter = self._update = self._history = self._drawn = None
            self._hands = []
        if self._resting:
            self._resting.cancel()
        self.shown.discard(self)
        self._surface.unobserve_all()
        for control in self.controls.values():
            control.unobserve(self._draw, "value")
        for widget in _tree(self):
            if widget is not self and id(widget) not in self._given:
                for part in (getattr(widget, "layout", None), getattr(widget, "style", None), widget):
                    if isinstance(part, ipywidgets.Widget):
                        part.close()
        self.layout.close()
        super().close()
        self.controls = {}

    def _close_those_of_the_same_cell(self) -> None:
        cell, execution = self._cell
        for other in list(self.shown):
            if cell is not None and other._cell[0] == cell and other._cell[1] != execution:
                other.close()

    def _draw(self, change: object = None) -> None:
        # Sliders report one by one, but each frame shows all of them as they are now: what is already drawn is skipped.
        with self._lock:
            if self._held or self._updating or self._painter is None or same(self._values(), self._drawn):
                return
            try:
                with _one_thread(), self._said_to_be_busy(), self._style():
                    sentence = self._settle()
                    if self._painter is None:
                        return
                    self._painter.paint()
                    frame = self._painter.encode("JPEG", **JPEG)
                problem = ""
            except Exception as error:
                if self._painter is None:
                    return
                sentence, frame = self._surface.sentence, self._surface.frame or self._painter.encode("JPEG", **JPEG)
                said = f"{type(error).__name__}: {error}"
                problem = _("At {state} the figure could not be drawn: {said}", state=self._state(), said=said)
            self._show(frame, sentence, problem)

    def _settle(self) -> str:
        """Update until the controls are at rest, since an update may move them; the sentence."""
        handed = {"history": self._history} if self._takes_history else {}
        self._updating = True
        try:
            for _round in range(SETTLING):
                self._drawn = self._values()
                sentence = self._update(**self._drawn, **handed)
                if self._painter is None or same(self._values(), self._drawn):
                    break
        finally:
            self._updating = False
        if inspect.isawaitable(sentence) or inspect.isgenerator(sentence):
            raise TypeError(_("update is 'async' or has a 'yield', so that nothing of it ran: write it without"))
        return sentence if isinstance(sentence, str) and sentence else self._state()

    def _values(self) -> dict[str, Any]:
        return {name: control.value for name, control in self.controls.items()}

    def _state(self) -> str:
        return ", ".join(f"{_(name.replace('_', ' '))} {_in_words(value)}" for name, value in self._values().items())

    def _show(self, frame: bytes, sentence: str, problem: str) -> None:
        figure, surface = self._painter.figure, self._surface
        panels = (axes.get_title(place) for axes in figure.axes for place in ("left", "center", "right"))
        titles = [title for title in map(_plain, (figure.get_suptitle(), *panels)) if title]
        with surface.hold_sync():
            surface.set_trait("frame", frame)
            surface.sentence, surface.problem = sentence, problem
            surface.width = figure.bbox.width / self._painter.canvas.device_pixel_ratio
            surface.alt = ". ".join([*titles, sentence])
            surface.grips = [_share(axes, figure) for axes, _ in self._hands]
        self._keep_soon()

    @contextlib.contextmanager
    def _said_to_be_busy(self) -> Iterator[None]:
        """After a while the surface says that it computes: by another thread, since this one is at work."""
        over = threading.Lock()  # taken for good when the update has ended, so that nothing is said after it

        def say() -> None:
            if over.acquire(blocking=False):
                self._surface.busy = True
                over.release()

        timer = threading.Timer(PATIENCE, say)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            over.acquire()
            self._surface.busy = False

    def _take(self, change: dict) -> None:
        """A hand presses or drags in a panel: its controls go there, and one frame shows them all."""
        with self._lock:
            if self._painter is None or len(change["new"]) != 4:
                return
            number, across, down, begins = change["new"]
            axes, hand = self._hands[int(number)]
            width, height = axes.get_figure(root=True).bbox.size
            x, y = axes.transData.inverted().transform((across * width, (1 - down) * height))
            with contextlib.ExitStack() as frame_first:  # the sliders follow the frame, which the hand waits for
                problem = ""
                try:
                    for name, value in (hand(float(x), float(y), bool(begins)) or {}).items():
                        frame_first.enter_context(self.controls[name].hold_sync())
                        self._held = True
                        self.controls[name].value = nearest_value(self.controls[name], value)
                except Exception as error:
                    said = f"{type(error).__name__}: {error}"
                    problem = _("At x = {x:.4g}, y = {y:.4g} nothing could be taken: {said}", x=x, y=y, said=said)
                finally:
                    self._held = False
                if not problem and not isinstance(hand, Pair):
                    self._drawn = None
                self._draw()  # also what was taken before something could not be
                self._surface.problem = problem or self._surface.problem

    def _sharpen(self, change: dict) -> None:
        """As many pixels as the screen has."""
        with self._lock:
            if self._painter is not None and self._painter.canvas._set_device_pixel_ratio(change["new"]):
                self._drawn = None
                self._draw()

    def kept_by(self, keep: Callable[[], None]) -> None:
        """Leave the picture for places without a kernel to another, such as the question before this figure."""
        self._stored = _Elsewhere(keep)

    def _keep_soon(self) -> None:
        """Bring the picture that the notebook keeps up to date once the hand rests."""
        if self._stored is None:
            return
        if self._resting:
            self._resting.cancel()
        with contextlib.suppress(RuntimeError):  # where no loop runs, nobody saves the notebook either
            self._resting = asyncio.get_running_loop().call_later(REST, self._keep)

    def _keep(self) -> None:
        if self._painter is not None:
            data, metadata = self._kept()
            self._stored.update(data, raw=True, metadata=metadata)

    def _kept(self) -> tuple[dict[str, str], dict[str, dict]]:
        """The picture for places without a kernel, and a line on how to make it live again."""
        picture = base64.b64encode(self.png()).decode()
        how = _("This is a picture of a live figure: run the cells above and this one, and its controls are here again.")
        page = KEPT.format(
            how=how,
            key=self._surface.key,
            alt=html.escape(self.alt),
            sentence=html.escape(self.sentence),
            width=round(self._surface.width),
            frame=base64.b64encode(self._surface.frame).decode(),  # a fraction of the PNG's size
        )
        return {"text/html": page, "image/png": picture, "text/plain": self.alt}, {"image/png": {"alt": self.alt}}

    def _ipython_display_(self, **kwargs) -> None:
        """The widget, and after it the picture that the notebook keeps, which is hidden while the widget lives."""
        picture, about = self._kept()
        data, metadata = self._repr_mimebundle_(**kwargs)
        display(data, metadata=metadata, raw=True)
        self._stored = display(picture, raw=True, metadata=about, display_id=f"hyperedu-{uuid.uuid4().hex}")

    def _repr_mimebundle_(self, **kwargs) -> tuple[dict, dict]:
        # Colab asks the widget that is displayed for this, and `Surface`, which has it, is only a part of it.
        found = self._surface._repr_mimebundle_(**kwargs)
        return super()._repr_mimebundle_(**kwargs), found[1] if isinstance(found, tuple) else {}


# What a saved notebook shows in the figure's place.
KEPT = """<div data-hyperedu-kept="{key}">
<img alt="{alt}" width="{width}" style="max-width: 100%; background: white" src="data:image/jpeg;base64,{frame}">
<p>{sentence}</p>
<p><em>{how}</em></p>
</div>"""


class _Elsewhere:
    """Stands for a displayed picture that another keeps."""

    def __init__(self, keep: Callable[[], None]):
        self.keep = keep

    def update(self, *_data, **_how) -> None:
        self.keep()


def _share(axes: Axes, figure: Figure) -> list[float]:
    """Where a panel is in the picture: left, top, width and height, in shares of it."""
    (left, bottom, width, height), (across, up) = axes.bbox.bounds, figure.bbox.size
    return [left / across, 1 - (bottom + height) / up, width / across, height / up]


def cell_that_runs() -> tuple[str | None, str | None]:
    """The cell that is running, and this run of it; None where there is no notebook."""
    shell = get_ipython()
    parent = shell.get_parent() if hasattr(shell, "get_parent") else {}
    cell = parent.get("metadata", {}).get("cellId") or parent.get("content", {}).get("code")
    return cell, parent.get("header", {}).get("msg_id")


def _tree(widget: ipywidgets.Widget) -> Iterator[ipywidgets.Widget]:
    for child in getattr(widget, "children", ()):
        yield from _tree(child)
    if isinstance(link := getattr(widget, "link", None), ipywidgets.Widget):
        yield link
    yield widget


def _check_figure_and_update(figure: object, update: object) -> None:
    if not isinstance(figure, Figure) or not callable(update):
        raise ValueError(
            _(
                "give a figure and then the function that changes it, not a {figure} and a {update}",
                figure=type(figure).__name__,
                update=type(update).__name__,
            )
        )


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    """Torch on one thread: its others spin for a while after each use, on cores that the browser needs to show the frame."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _plain(title: str) -> str:
    """A title without mathematical markup."""
    return title.translate(str.maketrans("", "", "${}\\")).strip()


def _in_words(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
