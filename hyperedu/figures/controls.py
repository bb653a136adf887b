"""What moves a live figure: its sliders, boxes and menus, and the panels in which things are taken by hand."""

import inspect
import math
from collections.abc import Callable, Mapping
from numbers import Real
from typing import Any

import ipywidgets
import torch
import traitlets
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hyperedu.words import _

Hand = tuple[str, str] | Callable[[float, float, bool], Mapping[str, Any] | None]


class Pair:
    """A panel whose axes are two of the sliders' quantities."""

    def __init__(self, names: tuple[str, str]):
        self.names = names

    def __call__(self, x: float, y: float, begins: bool) -> dict[str, float]:
        return dict(zip(self.names, (x, y), strict=True))


def hand_of(figure: Figure, axes: Axes, hand: Hand, controls: Mapping[str, ipywidgets.Widget]) -> Callable:
    if axes not in figure.axes:
        raise ValueError(_("drag names {axes!r}, which is no panel of this figure; it has {all}", axes=axes, all=figure.axes))
    if callable(hand):
        return hand
    sliders = [name for name in hand if isinstance(getattr(controls.get(name), "max", None), Real)]
    if len(hand) != 2 or len(sliders) != 2 or not all(isinstance(controls[name].value, Real) for name in sliders):
        raise ValueError(
            _(
                "drag names {hand!r}: two sliders are wanted, one for x and one for y, of {known}",
                hand=hand,
                known=list(controls),
            )
        )
    return Pair((hand[0], hand[1]))


def nearest_value(control: ipywidgets.Widget, value: Any) -> Any:
    """The value of a slider that is nearest; what is no number, and other controls, take it as it is."""
    low, high = getattr(control, "min", None), getattr(control, "max", None)
    if low is None or high is None or not isinstance(value, Real):
        return value
    base = getattr(control, "base", None)  # of a `FloatLogSlider`, whose bounds and steps are those of the exponent
    value = value if base is None else math.log(value, base) if value > 0 else low
    step = getattr(control, "step", None) or (high - low) / 1000
    digits = max(10, 4 - math.floor(math.log10(step)))
    kind = int if isinstance(control, ipywidgets.IntSlider) else float
    nearest = kind(min(max(low, round(low + round((value - low) / step) * step, digits)), high))
    return nearest if base is None else base**nearest


def check_figure_and_update(figure: object, update: object) -> None:
    if not isinstance(figure, Figure) or not callable(update):
        raise ValueError(
            _(
                "give a figure and then the function that changes it, not a {figure} and a {update}",
                figure=type(figure).__name__,
                update=type(update).__name__,
            )
        )


def check_names(parameters: Mapping[str, inspect.Parameter], controls: Mapping[str, object]) -> None:
    free = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    required = {n for n, p in parameters.items() if p.default is p.empty and p.kind in named} - {"history"}
    if not required <= controls.keys() or not (free or controls.keys() <= parameters.keys()):
        raise ValueError(
            _(
                "the controls are {controls}, but update takes {parameters}: give each parameter its control",
                controls=list(controls),
                parameters=list(parameters),
            )
        )


def control_of(name: str, abbreviation: object, default: object) -> ipywidgets.Widget:
    if isinstance(abbreviation, ipywidgets.fixed):  # not shown, as ipywidgets.interact has it
        return abbreviation
    given = abbreviation
    if isinstance(abbreviation, list | tuple) and all(isinstance(value, str) for value in abbreviation):
        abbreviation = [(_(value), value) for value in abbreviation]  # a menu, in the reader's language
    abbreviation = _range(name, abbreviation)
    try:
        control = ipywidgets.interactive.widget_from_abbrev(abbreviation, default)
    except (TypeError, ValueError, traitlets.TraitError):
        control = None
    if control is None:
        raise ValueError(
            _("{name}={given!r} is no control: give (low, high), a list, True or False, or a widget", name=name, given=given)
        )
    says_itself = isinstance(abbreviation, str | Real | type | ipywidgets.Widget)
    if not says_itself and default is not inspect.Parameter.empty and not same({name: control.value}, {name: default}):
        raise ValueError(
            _("{name!r} starts at {default!r}, outside of what it can be, {given!r}", name=name, default=default, given=given)
        )
    if isinstance(control, ipywidgets.FloatSlider) and isinstance(abbreviation, tuple) and len(abbreviation) == 2:
        span = control.max - control.min
        if 10 * control.step > span:  # ipywidgets takes 0.1 whatever the range is, and it could not be moved
            control.step, control.readout_format = span / 100, ".3g"
    if not control.description:
        control.description = _(name.replace("_", " "))
    # Not new ones in their place: ipywidgets would keep the old ones for ever.
    if hasattr(control, "style"):
        control.style.description_width = "9em"
    control.layout.width = "min(44em, 98%)"
    return control


def _range(name: str, given: object) -> object:
    """A control that is given as numbers: none of them a tensor, and the first below the second."""
    if isinstance(given, tuple):
        given = tuple(_range(name, value) for value in given)
    elif isinstance(given, torch.Tensor) and given.ndim == 0:
        return given.item()
    numbers = isinstance(given, tuple) and len(given) in (2, 3) and all(isinstance(value, Real) for value in given)
    if numbers and not -math.inf < given[0] < given[1] < math.inf:
        raise ValueError(
            _("the range of {name!r} is {range}: its first number must be below its second", name=name, range=given)
        )
    return given


def with_button(slider: ipywidgets.IntSlider) -> ipywidgets.HBox:
    button = ipywidgets.Play(min=slider.min, max=slider.max, step=slider.step, value=slider.value, interval=400)
    link = ipywidgets.jslink((button, "value"), (slider, "value"))  # in the browser: one round trip for each value
    box = ipywidgets.HBox([slider, button])
    box.link = link  # lives as long as its box
    return box


def same(values: dict, others: dict | None) -> bool:
    try:
        return values == others
    except Exception:  # an array in place of another has no truth value
        return False
