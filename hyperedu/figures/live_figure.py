"""A live figure: its controls, its surface, and what happens when a control moves."""

import contextlib
import inspect
import threading
import uuid
import weakref
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import ipywidgets
import traitlets
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hyperedu.figures.busy import Busy
from hyperedu.figures.controls import (
    Hand,
    Pair,
    check_figure_and_update,
    check_names,
    control_of,
    hand_of,
    nearest_value,
    same,
    with_button,
)
from hyperedu.figures.kept import Kept, cell_that_runs
from hyperedu.figures.painter import Painter, encoded
from hyperedu.figures.style import speak
from hyperedu.figures.surface import Surface, share
from hyperedu.words import _

SETTLING = 9  # times at most that an update is called, again each time that it has moved a control


class LiveFigure(Kept, ipywidgets.VBox):
    """What `interact` returns: the surface and its controls.

    A cell that is run again closes the figures that it made before, and `close()` frees the figure and its widgets.

    Attributes:
        controls: name → ipywidgets widget; set a control's `value` to move it by program, or several with `move_to`.
        sentence: the state in words.
        problem: what the last callback raised, in words; empty if it ended well.
    """

    shown: "weakref.WeakSet[LiveFigure]" = weakref.WeakSet()  # every live figure there is, for tools that try each slider

    def __init__(
        self,
        figure: Figure,
        update: Callable,
        controls: dict,
        play: str | None = None,
        drag: Mapping[Axes, Hand] | None = None,
    ):
        check_figure_and_update(figure, update)
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
        self._cell = cell_that_runs()
        self._close_those_of_the_same_cell()
        self._surface = Surface(key=uuid.uuid4().hex, computing=_("computing …"))
        self._busy = Busy(self._surface)
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
            return encoded(self._painter.pixels, "PNG", optimize=True)

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
        self._busy.close()
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
            problem = ""
            try:
                with self._busy, self._style():
                    sentence = self._settle()
                    if self._painter is None:
                        return
                    self._painter.paint()
            except Exception as error:
                if self._painter is None:
                    return
                sentence, said = self._surface.sentence, f"{type(error).__name__}: {error}"
                problem = _("At {state} the figure could not be drawn: {said}", state=self._state(), said=said)
            self._show(sentence, problem)

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

    def _show(self, sentence: str, problem: str) -> None:
        figure, surface = self._painter.figure, self._surface
        panels = (axes.get_title(place) for axes in figure.axes for place in ("left", "center", "right"))
        titles = [title for title in map(_plain, (figure.get_suptitle(), *panels)) if title]
        with surface.hold_sync():
            if not problem or not surface.ground:  # else the last picture stays
                surface.show(self._painter.pixels)
            surface.sentence, surface.problem = sentence, problem
            surface.width = figure.bbox.width / self._painter.canvas.device_pixel_ratio
            surface.alt = ". ".join([*titles, sentence])
            surface.grips = [share(axes, figure) for axes, _ in self._hands]
        self._keep_soon()

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


def _tree(widget: ipywidgets.Widget) -> Iterator[ipywidgets.Widget]:
    for child in getattr(widget, "children", ()):
        yield from _tree(child)
    if isinstance(link := getattr(widget, "link", None), ipywidgets.Widget):
        yield link
    yield widget


def _plain(title: str) -> str:
    """A title without mathematical markup."""
    return title.translate(str.maketrans("", "", "${}\\")).strip()


def _in_words(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
