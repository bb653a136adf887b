"""What a figure was like when it was drawn, to tell which of its artists have changed since."""

import matplotlib
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure, FigureBase
from matplotlib.legend import Legend
from matplotlib.spines import Spine

from hyperedu.figures.parts import Parts


def drawing_order(figure: Figure) -> list[Artist]:
    """The artists of a figure as `Figure.draw` and `Axes.draw` of matplotlib 3.10 and 3.11 go through them.

    A subfigure, and axes that are drawn in a way of their own, are one artist.
    """
    if not figure.get_visible():
        return []
    found: list[Artist] = [figure.patch]
    children = (a for a in figure.get_children() if a is not figure.patch and not a.get_animated())
    return found + [leaf for artist in sorted(children, key=_zorder) for leaf in _in_order(artist)]


def all_axes(figure: Figure) -> list[Axes]:
    """Those of a figure, and their insets."""
    found = list(figure.axes)
    for axes in found:
        found += [child for child in axes.child_axes if isinstance(child, Axes)]
    return found


def _in_order(artist: Artist) -> list[Artist]:
    if not isinstance(artist, Axes) or _drawn_in_its_own_way(artist):
        return [artist]
    return _order_of_axes(artist) if artist.get_visible() else []


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
    children = sorted((a for a in axes.get_children() if id(a) not in left_out), key=_zorder)
    artists = [leaf for artist in children for leaf in _in_order(artist)]
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
        self.whole = Parts(self.leaves)
        self.whole.add_fields(self.figure)
        for axes in all_axes(self.figure):
            self.whole.add_fields(axes)
        self.parts = {id(leaf): Parts(self.leaves, leaf) for leaf in self.order}
        self.apart: set[int] = set()  # artists that were looked at again since
        self.together: Parts | None = None  # the parts of all others that stand still

    def look_again_at(self, leaf: Artist) -> None:
        self.parts[id(leaf)] = Parts(self.leaves, leaf)
        if id(leaf) not in self.apart:
            self.apart.add(id(leaf))
            self.together = None

    def changes(self, moving: list[Artist]) -> list[Artist] | None:
        """The artists that changed, without those that are known to move; None if more than artists did."""
        order = drawing_order(self.figure)
        if len(order) != len(self.order) or any(a is not b for a, b in zip(order, self.order, strict=True)):
            return None
        for holder in (self.figure, *all_axes(self.figure)):
            vars(holder)["_stale"] = False  # it says no more than that something in it changed
        own = type(self.figure).draw is not Figure.draw
        if own or dict.__ne__(matplotlib.rcParams, self.settings) or self.whole.changed():
            return None
        known = {id(leaf) for leaf in moving}
        still = [leaf for leaf in order if id(leaf) not in known]
        if self.together is None:
            self.together = Parts.of_all([self.parts[id(leaf)] for leaf in still if id(leaf) not in self.apart])
        if not self.together.changed():
            still = [leaf for leaf in still if id(leaf) in self.apart]
        changed = [leaf for leaf in still if self.changed(leaf)]
        return None if any(map(_shapes_others, changed)) else changed

    def changed(self, leaf: Artist) -> bool:
        return self.parts[id(leaf)].changed()

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
