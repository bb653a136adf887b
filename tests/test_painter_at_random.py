"""Figures made and changed at random: what is painted is what a drawing of the whole shows, pixel for pixel.

A longer run: HYPEREDU_FIGURES=20000 HYPEREDU_SEED=1 pytest -s tests/test_painter_at_random.py
"""

import os
import random
import warnings
from concurrent.futures import ProcessPoolExecutor

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Rectangle
from matplotlib.patheffects import withStroke
from matplotlib.ticker import FuncFormatter

from drawings import SIZE, Bent, Dots, Shift, fresh, pixels
from hyperedu.figures.painter import Painter
from hyperedu.figures.weights import heatmap

FIGURES, SEED = int(os.environ.get("HYPEREDU_FIGURES", "500")), int(os.environ.get("HYPEREDU_SEED", "0"))
CHANGES = 8


def z(rng):
    return {"zorder": rng.choice([0, 1, 2, 3, 5, 5.5]), "alpha": rng.choice([None, 0.4, 0.9])}


def numbers(rng, n=12, low=-1.0, high=1.0):
    return np.array([rng.uniform(low, high) for _ in range(n)])


def points(rng, n=12):
    return np.sort(numbers(rng, n, 0, 6)), numbers(rng, n)


def grid(rng):
    return numbers(rng, 20, 0, 9).reshape(4, 5)


# How each kind of artist is made, and how it is given other data.


def line(axes, rng):
    return axes.plot(*points(rng), rng.choice(["-", "--", "o-", "r*"]), label="line", **z(rng))[0]


def scatter(axes, rng):
    return axes.scatter(*points(rng), c=numbers(rng), s=rng.choice([5, 60]), **z(rng))


def fill(axes, rng):
    return axes.fill_between(*points(rng), **z(rng))


def cells(axes, rng):
    image, fill = heatmap(axes, 4, 5, "jet", Normalize(0, 9), extent=(0, 6, -1, 1))
    image.set(**z(rng))
    image.fill = fill
    return image


def words(axes, rng):
    return axes.text(rng.random(), rng.random(), "text", rotation=rng.choice([0, 30]), **z(rng))


def arrow(axes, rng):
    return axes.annotate("a", (1, 0), (rng.uniform(0, 5), 0.5), arrowprops={"arrowstyle": "->"}, **z(rng))


def disc(axes, rng):
    return axes.add_patch(Circle((rng.uniform(0, 5), 0), 1, hatch=rng.choice([None, "/"]), **z(rng)))


def box(axes, rng):
    return axes.add_patch(Rectangle((rng.uniform(0, 5), 0), 1, 0.5, clip_on=rng.random() < 0.5, **z(rng)))


def dots(axes, rng):
    points = {(1, 0)}
    own = axes.add_artist(Dots(lambda: points))
    own.set(**z(rng))
    own.more = points.add
    return own


def bent(axes, rng):
    return axes.imshow(grid(rng), extent=(0, 6, -1, 1), aspect="auto", norm=Bent(0, 9), **z(rng))


def shifted(axes, rng):
    return axes.add_patch(Circle((rng.uniform(0, 5), 0), 1, transform=Shift() + axes.transData, **z(rng)))


def other_shift(artist, rng):
    artist.get_data_transform()._a.by = rng.random()


def other_unit(axes, rng):
    formatter = axes.xaxis.get_major_formatter()
    if isinstance(formatter, FuncFormatter):
        formatter.func.__defaults__[0][0] = rng.choice([2, 3])
    else:
        axes.xaxis.set_major_formatter(lambda value, position, by=[1]: f"{value * by[0]:.0f}")


def legend(axes, rng):
    return axes.legend(["a"], loc=rng.choice(["best", "upper right"]), fontsize=5)


def other_ydata(artist, rng):
    artist.set_ydata(numbers(rng, len(artist.get_ydata())))


def other_scatter(artist, rng):
    rng.choice([artist.set_array, artist.set_sizes])(numbers(rng, 12, 2, 50))


KINDS = {
    "line": (line, other_ydata),
    "step": (lambda axes, rng: axes.step(*points(rng), **z(rng))[0], other_ydata),
    "scatter": (scatter, other_scatter),
    "image": (
        lambda axes, rng: axes.imshow(grid(rng), extent=(0, 6, -1, 1), aspect="auto", **z(rng)),
        lambda artist, rng: artist.set_data(grid(rng)),
    ),
    "cells": (cells, lambda artist, rng: artist.fill(grid(rng))),
    "mesh": (lambda axes, rng: axes.pcolormesh(grid(rng), **z(rng)), lambda artist, rng: artist.set_array(grid(rng))),
    "contour": (
        lambda axes, rng: axes.contourf(grid(rng), **z(rng)),
        lambda artist, rng: artist.set_cmap(rng.choice(["bone", "jet"])),
    ),
    "quiver": (
        lambda axes, rng: axes.quiver(*points(rng, 5), *points(rng, 5), **z(rng)),
        lambda artist, rng: artist.set_UVC(*points(rng, 5)),
    ),
    "fill": (fill, lambda artist, rng: artist.get_paths()[0].vertices.__imul__(0.9)),
    "bar": (lambda axes, rng: axes.bar(*points(rng, 4), **z(rng))[0], lambda artist, rng: artist.set_height(rng.random())),
    "words": (words, lambda artist, rng: artist.set_text(rng.choice(["x", "longer words"]))),
    "arrow": (arrow, lambda artist, rng: artist.set_position((rng.uniform(0, 5), 0.2))),
    "disc": (disc, lambda artist, rng: artist.set_center((rng.uniform(0, 5), 0))),
    "box": (box, lambda artist, rng: artist.set_x(rng.uniform(0, 5))),
    "span": (
        lambda axes, rng: axes.axvspan(1, rng.uniform(2, 4), **z(rng)),
        lambda artist, rng: artist.set_x(rng.uniform(0, 3)),
    ),
    "rule": (
        lambda axes, rng: axes.axhline(rng.uniform(-1, 1), **z(rng)),
        lambda artist, rng: artist.set_ydata([0, rng.random()]),
    ),
    "bars": (lambda axes, rng: axes.errorbar(*points(rng, 5), yerr=0.3, **z(rng))[0], other_ydata),
    "dots": (dots, lambda artist, rng: artist.more((rng.uniform(0, 6), 0))),
    "bent": (bent, lambda artist, rng: setattr(artist.norm, "power", rng.choice([0.5, 2]))),
    "shifted": (shifted, other_shift),
    "inset": (lambda axes, rng: axes.inset_axes((rng.random(), 0.5, 0.3, 0.4)).plot(numbers(rng, 5))[0], other_ydata),
    "legend": (legend, lambda artist, rng: artist.set_title(rng.choice(["x", "long"]))),
}


def some_style(artist, rng, axes):
    recolor = getattr(artist, "set_facecolor", getattr(artist, "set_color", lambda color: None))
    rng.choice([
        lambda: artist.set_visible(rng.random() < 0.5),
        lambda: setattr(artist, "zorder", rng.choice([0, 3, 6])),
        lambda: artist.set_zorder(rng.choice([0.5, 2.5, 9])),
        lambda: artist.set_alpha(rng.choice([0.3, 1.0])),
        lambda: artist.set_clip_on(rng.random() < 0.5),
        lambda: artist.set_animated(rng.random() < 0.5),
        lambda: artist.set_clip_path(Circle((3, 0), 2, transform=axes.transData)),
        lambda: recolor(rng.choice("rgb")),
        lambda: artist.set_path_effects([withStroke(linewidth=3, foreground="y")]),
    ])()  # fmt: skip


def something_in_place(artist, rng, axes):
    for path in getattr(artist, "get_paths", list)()[:1]:
        if path.vertices.flags.writeable:
            path.vertices[:] *= 0.9
    for name in ("_offsets", "_A"):
        value = getattr(artist, name, None)
        if isinstance(value, np.ndarray) and value.dtype.kind == "f":
            value *= 0.8


def of_the_axes(artist, rng, axes):
    rng.choice([
        lambda: axes.set_xlim(0, rng.uniform(3, 8)),
        lambda: axes.set_ylim(-1, rng.uniform(1, 3)),
        lambda: axes.set_facecolor(rng.choice("wyc")),
        lambda: axes.set_title(rng.choice(["t", "two\nlines"])),
        lambda: axes.grid(rng.random() < 0.5),
        lambda: axes.set_xlabel(rng.choice("xg")),
        lambda: axes.axis(rng.choice(["on", "off"])),
        lambda: axes.set_position([0.2, 0.2, rng.uniform(0.3, 0.6), 0.6]),
        lambda: axes.tick_params(length=rng.choice([0, 6])),
        lambda: axes.spines["top"].set_visible(rng.random() < 0.5),
        lambda: axes.invert_xaxis(),
        lambda: axes.set_xscale(rng.choice(["linear", "symlog"])),
        lambda: axes.relim() or axes.autoscale_view(),
        lambda: axes.set_zorder(rng.choice([0, 1])),
        lambda: axes.figure.suptitle(rng.choice("ab")),
        lambda: axes.figure.set_facecolor(rng.choice("wy")),
        lambda: axes.inset_axes((0.5, 0.5, 0.3, 0.3)).plot([0, 1]),
        lambda: axes.twinx().plot([0, 5], [1, 2]),
        lambda: axes.figure.set_dpi(rng.choice([60, 64])),
        axes.clear,
        lambda: axes.set_axisbelow(rng.random() < 0.5),
        lambda: other_unit(axes, rng),
    ])()  # fmt: skip


def remove(artist):
    try:
        artist.remove()
    except (NotImplementedError, ValueError):  # part of a container, or gone with its axes
        return


class AtRandom:
    """A figure; two that are made with the same seed are alike, and are changed alike."""

    def __init__(self, seed):
        self.rng = rng = random.Random(seed)
        self.figure = Figure(**SIZE, layout=rng.choice([None, None, "constrained"]))
        self.panels = list(np.atleast_1d(self.figure.subplots(1, rng.choice([1, 2]), sharex=rng.random() < 0.2)))
        for axes in self.panels:
            if rng.random() < 0.7:  # ticks are most of the time that a drawing takes
                axes.set(xticks=[], yticks=[])
        self.artists = []
        for axes in self.panels:
            for _ in range(rng.randint(2, 6)):
                self.add(axes)
        if rng.random() < 0.1:
            image = self.panels[0].imshow(grid(rng), extent=(0, 6, -1, 1), aspect="auto")
            self.artists.append(("image", image, self.panels[0]))
            self.figure.colorbar(image, ax=self.panels[0])

    def add(self, axes):
        kind = self.rng.choice(list(KINDS))
        self.artists.append((kind, KINDS[kind][0](axes, self.rng), axes))

    def change(self):
        """One to three changes; mostly of data, as live figures have it."""
        rng = self.rng
        for _ in range(rng.randint(1, 3)):
            name, artist, axes = rng.choice(self.artists)
            how = rng.choices(["data", "style", "place", "axes", "add", "remove"], [24, 4, 2, 2, 1, 1])[0]
            if how == "add":
                self.add(axes)
            elif how == "axes":
                of_the_axes(artist, rng, rng.choice([axes, artist.axes or axes]))
            elif artist.figure is None:
                continue
            elif how == "data":
                KINDS[name][1](artist, rng)
            elif how == "remove":
                remove(artist)
            else:
                {"style": some_style, "place": something_in_place}[how](artist, rng, axes)


def paint_at_random(seed):
    """How many of the paints were fast."""
    warnings.simplefilter("ignore")  # matplotlib's, on what chance puts together
    one, other = AtRandom(seed), AtRandom(seed)
    painter, fast = Painter(one.figure), 0
    FigureCanvasAgg(other.figure).draw()  # lays it out
    other.figure.set_layout_engine("none")
    for n in range(CHANGES):
        one.change(), other.change()
        painter.paint()
        fast += painter.fast
        assert np.array_equal(pixels(painter), fresh(other.figure)), f"figure {seed}, after change {n}"
    assert np.array_equal(pixels(painter), fresh(one.figure)), f"figure {seed}"
    return fast


def test_figures_drawn_and_changed_at_random():
    seeds = range(SEED * 1_000_000, SEED * 1_000_000 + FIGURES)
    fast = 0
    with ProcessPoolExecutor() as workers:
        for done, fast_of_it in enumerate(workers.map(paint_at_random, seeds, chunksize=10), 1):
            fast += fast_of_it
            if done % 1000 == 0:
                print(f"{done:,} figures without a difference", flush=True)
    assert fast > 2 * FIGURES, "the comparison is of painting, and not of drawing whole"
