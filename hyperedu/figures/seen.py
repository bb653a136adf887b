"""What a figure was like when it was drawn, to tell which of its artists have changed since.

An artist of a class that is not matplotlib's may be drawn from anything, and is drawn at each frame. Of a function (of a
formatter, a scale, a norm) is followed what it reads: its variables, the globals it names, and what these hold. What neither
an attribute nor a variable tells, such as the state of a random generator, `artist.stale = True` tells, as in all matplotlib.
"""

from collections import deque
from functools import partial
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import matplotlib
import numpy as np
import torch
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.cbook import CallbackRegistry
from matplotlib.figure import Figure, FigureBase
from matplotlib.legend import Legend
from matplotlib.path import Path
from matplotlib.spines import Spine
from matplotlib.transforms import Affine2D, Bbox, ScaledTranslation, TransformNode

from hyperedu.figures.style import as_numpy

# Of an artist, what drawing it computes anew; and ways to its surroundings.
_NOT_ITS_OWN = {
    "figure", "_parent_figure", "axes", "_axes", "parent", "_callbacks", "callbacks", "_remove_method", "stale_callback",
    "_stale", "_renderer", "_transformed_path", "_imcache", "_invertedx", "_cm_set",
    "_parents", "_invalid", "_inverted", "_mtx", "_points", "_transformed_points",
}  # fmt: skip


def drawing_order(figure: Figure) -> list[Artist]:
    """The artists of a figure as `Figure.draw` and `Axes.draw` of matplotlib 3.10 and 3.11 go through them.

    An inset, a subfigure, and axes that are drawn in a way of their own are one artist.
    """
    if not figure.get_visible():
        return []
    found: list[Artist] = [figure.patch]
    for artist in sorted((a for a in figure.get_children() if a is not figure.patch and not a.get_animated()), key=_zorder):
        if not isinstance(artist, Axes) or _drawn_in_its_own_way(artist):
            found.append(artist)
        elif artist.get_visible():
            found += _order_of_axes(artist)
    return found


def _drawn_in_its_own_way(axes: Axes) -> bool:
    if type(axes).draw is not Axes.draw or axes.get_agg_filter() or axes.get_rasterized():
        return True
    # Twins put each other where they stand themselves when they are drawn.
    twins = axes._twinned_axes.get_siblings(axes)
    apart = any(
        not np.array_equal(twin.get_position(True).get_points(), axes.get_position(True).get_points()) for twin in twins
    )
    return apart or axes._rasterization_zorder is not None


def _order_of_axes(axes: Axes) -> list[Artist]:
    framed = axes.axison and axes._frameon
    left_out = {id(axes.patch)} | set() if framed else {id(axes.patch), *map(id, axes.spines.values())}
    if not axes.axison:
        left_out |= {id(axis) for axis in axes._axis_map.values()}
    artists = sorted((a for a in axes.get_children() if id(a) not in left_out), key=_zorder)
    return [axes.patch, *artists] if framed else artists


def _zorder(artist: Artist) -> float:
    return artist.zorder


class Seen:
    """What a figure was like when it was drawn, to tell what has changed since.

    `Artist.stale` is not enough: an attribute that is set, an array, a path or a transform that is changed in place, and
    `set_array` leave it as it is.
    """

    def __init__(self, figure: Figure):
        self.figure, self.order = figure, drawing_order(figure)
        self.leaves = {id(leaf) for leaf in self.order}
        self.look_again()

    def look_again(self) -> None:
        """Take everything as it is now."""
        self.settings = dict(matplotlib.rcParams)
        self.whole = _Parts(self)
        self.whole.add_fields(self.figure)
        for axes in self.figure.axes:
            self.whole.add_fields(axes)
        self.parts = {id(leaf): _Parts(self, leaf) for leaf in self.order}

    def look_again_at(self, leaf: Artist) -> None:
        self.parts[id(leaf)] = _Parts(self, leaf)

    def changes(self, moving: list[Artist]) -> list[Artist] | None:
        """The artists that changed, without those that are known to move; None if more than artists did."""
        order = drawing_order(self.figure)
        if len(order) != len(self.order) or any(a is not b for a, b in zip(order, self.order, strict=True)):
            return None
        for holder in (self.figure, *self.figure.axes):
            vars(holder)["_stale"] = False  # it says no more than that something in it changed
        own = type(self.figure).draw is not Figure.draw
        if own or dict.__ne__(matplotlib.rcParams, self.settings) or self.whole.changed():
            return None
        known = {id(leaf) for leaf in moving}
        changed = [leaf for leaf in order if id(leaf) not in known and self.parts[id(leaf)].changed()]
        return None if any(map(_shapes_others, changed)) else changed

    def with_followers(self, moving: list[Artist]) -> list[Artist] | None:
        """Artists that move, and those that depend on them, in the order of drawing; None if others are laid out by one."""
        known = {id(leaf) for leaf in moving}
        while followers := {id(leaf) for leaf in self.order if id(leaf) not in known and self.follows(leaf, known)}:
            known |= followers
        found = [leaf for leaf in self.order if id(leaf) in known]
        return None if any(map(_shapes_others, found)) else found

    def follows(self, leaf: Artist, moving: set[int]) -> bool:
        """Whether what an artist shows depends on one that moves."""
        if isinstance(leaf, Legend) and leaf._loc == 0:  # the best place, beside what is drawn
            return any(leaf.axes is other.axes and id(other) in moving for other in self.order)
        if leaf.get_clip_path() is not None:  # Agg's mask of it depends on who drew with it first
            return bool(moving)
        return not self.parts[id(leaf)].needs.isdisjoint(moving)


def _shapes_others(artist: Artist) -> bool:
    """Whether others are laid out by this one: ticks and their labels by a spine, titles by ticks."""
    return isinstance(artist, Axis | Spine | FigureBase | Axes) or (artist.axes is not None and artist in _titles(artist.axes))


def _titles(axes: Axes) -> tuple[Artist, ...]:
    return axes.title, axes._left_title, axes._right_title


def _numbers(transform: Bbox | Affine2D) -> bytes:
    return (transform._points if isinstance(transform, Bbox) else transform._mtx).tobytes()


def _of_matplotlib(code: Any) -> bool:
    return str(code.__module__).startswith(("matplotlib.", "mpl_toolkits."))


def _reads(function: FunctionType) -> dict[str, Any]:
    """What a function reads that is neither its argument nor its own: name → value."""
    codes, found = [function.__code__], {}
    for code in codes:  # also of the functions in it
        codes += [constant for constant in code.co_consts if isinstance(constant, CodeType)]
        found |= {name: function.__globals__[name] for name in code.co_names if name in function.__globals__}
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            found[name] = cell.cell_contents
        except ValueError:  # not yet given
            continue
    return found


class _Parts:
    """The numbers and settings that an artist is drawn from, and copies of them."""

    def __init__(self, seen: Seen, leaf: Artist | None = None):
        self.seen, self.leaf = seen, leaf
        self.now: list[dict | list | set | deque] = []
        self.then: list[dict | list | set | deque] = []
        self.arrays: list[np.ndarray] = []
        self.bytes: list[bytes] = []
        self.transforms: list[Bbox | Affine2D] = []  # whose numbers are in an array that is put in place of another
        self.transforms_then: list[bytes] = []
        self.ticks: list[Artist] = []
        self.needs: set[int] = set()  # other artists of the figure
        self.functions: list[FunctionType] = []
        self.read: list[dict[str, Any]] = []  # by them
        self.unknown = False  # whether it is drawn from what cannot be told
        self.known: set[int] = set()
        if leaf is not None:
            try:
                self.add(leaf, True)
            except RecursionError:
                self.unknown = True

    def changed(self) -> bool:
        try:  # lists are compared as wholes, which Python does fast
            return (
                self.unknown
                or self.now != self.then
                or [array.tobytes() for array in self.arrays] != self.bytes
                or list(map(_numbers, self.transforms)) != self.transforms_then
                or any(tick._stale for tick in self.ticks)
                or list(map(_reads, self.functions)) != self.read
            )
        except Exception:  # an array in place of another, which has no truth value; a comparison of the reader's
            return True

    def add_fields(self, thing: Any) -> None:
        """A figure or axes: what they are like, without the artists in them."""
        own = vars(thing)
        own["_stale"] = False
        self._remember(own)
        for name, value in own.items():
            if isinstance(value, list | dict) and name not in _NOT_ITS_OWN:
                self._remember(value)
            elif isinstance(value, TransformNode):
                self.add(value)

    def _remember(self, value: dict | list | set | deque) -> None:
        self.now.append(value)
        self.then.append(value.copy())

    def add(self, value: Any, top: bool = False) -> None:
        """Whatever is reached from an artist's attributes."""
        if value is None or isinstance(value, str | int | float | complex | bytes) or id(value) in self.known:
            return
        if isinstance(value, Artist):
            self._add_artist(value, top)
            return
        if not isinstance(value, tuple):
            self.known.add(id(value))
        if isinstance(value, np.ndarray):
            self.arrays.append(value)
            self.bytes.append(value.tobytes())
            if isinstance(value, np.ma.MaskedArray):
                self.add(np.ma.getmaskarray(value) if value.mask is np.ma.nomask else value.mask)
        elif isinstance(value, Path):
            self.add(value._vertices)
            self.add(value._codes)
        elif isinstance(value, TransformNode):
            self._add_transform(value)
        elif isinstance(value, torch.Tensor):
            self.add(as_numpy(value))
        elif isinstance(value, list | dict | set | deque):
            self._remember(value)
            for item in value.values() if isinstance(value, dict) else value:
                self.add(item)
        elif isinstance(value, tuple):
            for item in value:
                self.add(item)
        elif isinstance(value, FunctionType):
            self._add_function(value)
        elif isinstance(value, MethodType):
            self.add((value.__self__, value.__func__))
        elif isinstance(value, partial):
            self.add((value.func, value.args, value.keywords))
        elif hasattr(value, "__dict__") and not isinstance(value, CallbackRegistry | ModuleType | type):
            self._add_object(value)

    def _add_artist(self, artist: Artist, top: bool) -> None:
        if isinstance(artist, Axes | FigureBase) and not top:
            return
        if id(artist) in self.seen.leaves and not top:
            self.needs.add(id(artist))
            return
        self.known.add(id(artist))
        artist._stale = False
        if not _of_matplotlib(type(artist)):
            self.unknown = True
            return
        if isinstance(self.leaf, Axis) and artist is not self.leaf:
            self.ticks.append(artist)  # of which there are many, and they are set through their axis
        else:
            self._add_object(artist)
        for child in artist.get_children():
            self.add(child)

    def _add_object(self, value: Any) -> None:
        own = vars(value)
        self._remember(own)
        for name, item in list(own.items()):
            if name not in _NOT_ITS_OWN:
                self.add(item)
        if not _of_matplotlib(type(value)):
            for kind in type(value).__mro__:
                self.add(tuple(getattr(member, "fget", member) for member in vars(kind).values()))

    def _add_function(self, function: FunctionType) -> None:
        if _of_matplotlib(function):
            return
        self.functions.append(function)
        self.read.append(_reads(function))
        self.add((function.__defaults__, function.__kwdefaults__))
        for value in self.read[-1].values():
            if not isinstance(value, FunctionType) or value.__globals__ is function.__globals__:  # else of a library
                self.add(value)

    def _add_transform(self, transform: TransformNode) -> None:
        if isinstance(transform, Affine2D | Bbox):
            self.transforms.append(transform)
            self.transforms_then.append(_numbers(transform))
        elif not _of_matplotlib(type(transform)) or isinstance(transform, ScaledTranslation):
            self._add_object(transform)
            return
        for name, part in list(vars(transform).items()):
            if name not in _NOT_ITS_OWN:
                self.add(part)
