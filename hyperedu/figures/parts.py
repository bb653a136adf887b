"""What an artist is drawn from, to tell whether that has changed.

An artist of a class that is not matplotlib's may be drawn from anything, and is drawn at each frame. Of a function (of a
formatter, a scale, a norm) is followed what it reads: its variables, the globals it names, and what these hold. What neither
an attribute nor a variable tells, such as the state of a random generator, `artist.stale = True` tells, as in all matplotlib.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from functools import partial
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np
import torch
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.cbook import CallbackRegistry
from matplotlib.colors import Colormap
from matplotlib.figure import FigureBase
from matplotlib.path import Path
from matplotlib.transforms import Affine2D, Bbox, ScaledTranslation, TransformNode

from hyperedu.figures.style import as_numpy

# Of an artist, what drawing it computes anew; and ways to its surroundings.
_NOT_ITS_OWN = {
    "figure", "_parent_figure", "axes", "_axes", "parent", "_callbacks", "callbacks", "_remove_method", "stale_callback",
    "_stale", "_renderer", "_transformed_path", "_imcache", "_invertedx", "_cm_set",
    "_parents", "_invalid", "_inverted", "_mtx", "_points", "_transformed_points",
}  # fmt: skip


# What a dictionary or a list that holds it is compared by.
_PLAIN = {type(None), bool, int, float, complex, str, bytes, np.float64}


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


def _identity(now: dict | list | set | deque, then: dict | list | set | deque) -> tuple[int, ...]:
    """Of a container and of what was in it."""
    return (id(now), *map(id, then), *(map(id, then.values()) if isinstance(then, dict) else ()))


class Parts:
    """The numbers and settings that an artist is drawn from, and copies of them.

    Args:
        leaves: the identities of the artists that are drawn by themselves.
    """

    def __init__(self, leaves: set[int], leaf: Artist | None = None):
        self.leaves, self.leaf = leaves, leaf
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

    @classmethod
    def of_all(cls, parts: Sequence["Parts"]) -> "Parts":
        """What several artists are drawn from, each thing once: to see at one glance that nothing of it has changed."""
        every = cls(set())
        every.unknown = any(part.unknown for part in parts)
        values = {_identity(now, then): (now, then) for part in parts for now, then in zip(part.now, part.then, strict=True)}
        every.now, every.then = [now for now, _ in values.values()], [then for _, then in values.values()]
        arrays = {(id(a), b): a for part in parts for a, b in zip(part.arrays, part.bytes, strict=True)}
        every.arrays, every.bytes = list(arrays.values()), [b for _, b in arrays]
        moves = {(id(t), b): t for part in parts for t, b in zip(part.transforms, part.transforms_then, strict=True)}
        every.transforms, every.transforms_then = list(moves.values()), [b for _, b in moves]
        every.ticks = list({id(tick): tick for part in parts for tick in part.ticks}.values())
        every.functions = [function for part in parts for function in part.functions]
        every.read = [read for part in parts for read in part.read]
        return every

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
        if type(value) in _PLAIN or isinstance(value, str | int | float | complex | bytes) or id(value) in self.known:
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
            self._add_each(value.values() if isinstance(value, dict) else value)
        elif isinstance(value, tuple):
            self._add_each(value)
        elif isinstance(value, FunctionType):
            self._add_function(value)
        elif isinstance(value, MethodType):
            self.add((value.__self__, value.__func__))
        elif isinstance(value, partial):
            self.add((value.func, value.args, value.keywords))
        elif isinstance(value, Colormap) and _of_matplotlib(type(value)):
            self._remember(vars(value))  # without the hundreds of colours that its table is made of
            self.add(vars(value).get("_lut"))
        elif hasattr(value, "__dict__") and not isinstance(value, CallbackRegistry | ModuleType | type):
            self._add_object(value)

    def _add_each(self, values: Iterable) -> None:
        for value in values:
            if type(value) not in _PLAIN:  # most are, and a call takes time
                self.add(value)

    def _add_artist(self, artist: Artist, top: bool) -> None:
        if isinstance(artist, Axes | FigureBase) and not top:
            return
        if id(artist) in self.leaves and not top:
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
        self._add_each([item for name, item in own.items() if name not in _NOT_ITS_OWN])
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
        self._add_each([part for name, part in vars(transform).items() if name not in _NOT_ITS_OWN])
