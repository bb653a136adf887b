"""A painted figure is what a drawing of the whole shows, whatever changes; test_painter_at_random.py draws other figures."""

import random
from functools import partial

import matplotlib
import numpy as np
import pytest
from matplotlib.colors import FuncNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Ellipse
from matplotlib.patheffects import AbstractPathEffect, withStroke
from matplotlib.text import Text
from matplotlib.ticker import Formatter, Locator
from matplotlib.transforms import Affine2D, Bbox, ScaledTranslation

from drawings import SIZE, Bent, Dots, Shift, fresh, pixels
from hyperedu.figures.painter import Painter


def follow(build, changes):
    """Two figures made and changed alike: one is painted after each change, the other drawn whole."""
    (figure, acts), (twin, twin_acts) = build(), build()
    painter = Painter(figure)
    Painter(twin)  # lays it out
    for n, change in enumerate(changes):
        change(acts), change(twin_acts)
        painter.paint()
        assert np.array_equal(pixels(painter), fresh(twin)), f"after change {n}"
    assert np.array_equal(pixels(painter), fresh(figure))
    return painter


class Acts:
    """A figure with one of many things, for the changes to act on."""

    def __init__(self):
        self.figure = figure = Figure(**SIZE, layout="constrained")
        self.axes, self.other = figure.subplots(1, 2)
        self.x = np.linspace(0, 6, 30)
        (self.line,) = self.axes.plot(self.x, np.sin(self.x), label="sine")
        (self.marker,) = self.axes.plot([3], [0], "r*", ms=12, zorder=5)
        self.image = self.other.imshow(np.arange(12.0).reshape(3, 4), norm=Normalize(0, 12))
        (self.dot,) = self.other.plot([1], [1], "wo", ms=6)
        self.fill = self.axes.fill_between(self.x, 0, np.cos(self.x), alpha=0.3)
        self.scatter = self.axes.scatter(self.x[::5], self.x[::5] / 6, c=np.arange(6.0))
        self.text = self.axes.text(0.1, 0.8, "text")
        self.legend = self.axes.legend(loc="upper right", fontsize=5)
        self.circle = Circle((2, 0), 1, fc="none", ec="k", hatch="//")
        self.axes.add_patch(self.circle)
        self.turn = Affine2D()
        self.ellipse = Ellipse((4, 0.5), 1, 0.3, transform=self.turn + self.axes.transData)
        self.axes.add_patch(self.ellipse)


def acts():
    made = Acts()
    return made.figure, made


def anew(a):
    a.axes.clear()
    a.axes.plot(a.x, a.x**2)


def refill(a):
    a.fill.remove()
    a.fill = a.axes.fill_between(a.x, 0, 0.5)


def colorbar(a):
    a.figure.colorbar(a.image, ax=a.other)


def best(a):
    a.legend = a.axes.legend(loc="best", fontsize=5)


def inset(a):
    a.inset = a.axes.inset_axes((0.5, 0.1, 0.4, 0.3))
    (a.inner,) = a.inset.plot([0, 1], [0, 1])


def inset_in_an_inset(a):
    inset(a)
    a.deep = a.inset.inset_axes((0, 0, 1, 1), transform=a.inset.transData)
    (a.inmost,) = a.deep.plot([0, 1], "r")
    a.axes.indicate_inset_zoom(a.inset)


def inner(*y):
    return lambda a: a.inner.set_ydata(y)


def twin(a):
    a.twin = a.axes.twinx()
    (a.upper,) = a.twin.plot(a.x, a.x, "g")


def clip(a):
    a.window = Circle((1, 1), 1, transform=a.other.transData)
    a.image.set_clip_path(a.window)


def tied(a):
    a.note = a.axes.annotate("note", (0.5, 1), xycoords=a.text, xytext=(10, -20), textcoords="offset points")


def arrow(a):
    a.note = a.axes.annotate("x", (1, 0), (3, -0.5), arrowprops={"arrowstyle": "->"})


def quiver(a):
    a.field = a.axes.quiver(a.x[::6], a.x[::6] * 0, np.ones(5), np.ones(5))
    a.key = a.axes.quiverkey(a.field, 0.5, 0.9, 1, "k")


# What is not matplotlib's own, or holds a function.


def own(a):
    a.points = {(1, 0)}
    a.axes.add_artist(Dots(lambda: a.points))


def beside(a):
    a.axes.add_artist(Dots(lambda: [(3, a.axes.lines[0].get_ydata()[15])]))


def own_norm(a):
    a.image = a.other.imshow(np.arange(9.0).reshape(3, 3), norm=Bent(0, 12))


def norm_of_functions(a):
    a.power = power = [1.0]
    norm = FuncNorm((lambda v: v ** power[0], lambda v: v ** (1 / power[0])), 0, 12)
    a.other.imshow(np.arange(9.0).reshape(3, 3), norm=norm)


def unit(name):
    """Ticks in a unit that is kept where a function, a class or a module may keep it."""

    def set_formatter(a):
        kept, number = {"unit": 1}, 1
        UNIT["unit"] = 1

        def keep(new):
            nonlocal number
            number = new

        class Own(Formatter):
            unit = 1

            def __call__(self, value, position=None):
                return f"{value * self.unit:.0f}"

        class Named(Own):
            @property
            def unit(self):
                return UNIT["unit"]

        own = Own()
        formatter, a.keep = {
            "a closure": (lambda value, position: f"{value * kept['unit']:.0f}", lambda new: kept.update(unit=new)),
            "a variable": (lambda value, position: f"{value * number:.0f}", keep),
            "a default": (lambda value, position, by=kept: f"{value * by['unit']:.0f}", lambda new: kept.update(unit=new)),
            "a global": (lambda value, position: f"{value * UNIT['unit']:.0f}", lambda new: UNIT.update(unit=new)),
            "a function in it": (lambda value, position: " ".join(f"{v * UNIT['unit']:.0f}" for v in [value]),
                                 lambda new: UNIT.update(unit=new)),
            "a method": (own.__call__, lambda new: setattr(own, "unit", new)),
            "an object": (own, lambda new: setattr(own, "unit", new)),
            "a property": (Named(), lambda new: UNIT.update(unit=new)),
        }[name]  # fmt: skip
        a.axes.xaxis.set_major_formatter(formatter)

    return set_formatter


UNIT = {"unit": 1}


def drawn_lots(a):
    a.lots = lots = random.Random(0)
    a.axes.xaxis.set_major_formatter(lambda value, position: str(lots.getstate()[1][-1]))


def cast(a):
    a.lots.random()
    a.axes.xaxis.stale = True


class Few(Locator):
    count = 2

    def __call__(self):
        return np.linspace(0, 6, self.count)


def own_locator(a):
    a.axes.xaxis.set_major_locator(Few())


def own_transform(a):
    a.shift = Shift()
    a.axes.add_patch(Circle((1, 0), 0.5, transform=a.shift + a.axes.transData))


def shifted(by):
    return lambda a: setattr(a.shift, "by", by)


def points_beside(a):
    a.step = ScaledTranslation(0.1, 0, a.figure.dpi_scale_trans)
    a.axes.plot([1, 2], [0, 0.5], transform=a.axes.transData + a.step)


def stepped(a):
    a.step._t = (1, 0)
    a.step.invalidate()


def second_axis(a):
    a.by = by = [2.0]
    a.axes.secondary_xaxis("top", functions=(lambda v: v * by[0], lambda v: v / by[0]))


def own_place(a):
    a.width = width = [0.3]
    a.axes.set_axes_locator(lambda axes, renderer: Bbox.from_bounds(0.1, 0.1, width[0], 0.8))


def round_axes(a):
    a.round = a.figure.add_axes([0.6, 0.3, 0.3, 0.4], projection="polar")


def ydata(phase):
    return lambda a: a.line.set_ydata(np.sin(a.x - phase))


def image(k):
    return lambda a: a.image.set_data(np.arange(12.0).reshape(3, 4) * k)


def place(width):
    return lambda a: a.axes.set_position([0.2, 0.3, width, 0.5])


def turned(degrees):
    return lambda a: a.turn.set_matrix(Affine2D().rotate_deg(degrees).get_matrix())


def clim(low, high):
    return lambda a: a.image.set_clim(low, high)


def over(color):
    return lambda a: a.image.set_cmap(a.image.cmap.with_extremes(over=color))


def table(color):
    return lambda a: a.image.cmap._lut.__setitem__(slice(100, 200), color)


def in_place(a):
    a.image.get_array()[:] = 3


CASES = {
    "a line": [ydata(1), ydata(2), ydata(3)],
    "a still marker over a moving image": [image(0.3), image(0.5), image(2)],
    "axes cleared": [anew, ydata(1), anew],
    "a fill made anew": [refill, refill, ydata(1)],
    "hidden and shown": [lambda a: a.line.set_visible(False), ydata(1), lambda a: a.line.set_visible(True), ydata(2)],
    "axis off": [ydata(1), lambda a: a.axes.axis("off"), ydata(2), lambda a: a.axes.axis("on")],
    "faces": [ydata(1), lambda a: a.axes.set_facecolor("y"), lambda a: a.figure.set_facecolor("c"), ydata(2)],
    "a position": [ydata(1), lambda a: a.axes.set_position([0.2, 0.3, 0.3, 0.5]), ydata(2), ydata(1)],
    "one position after another": [place(0.3), ydata(1), ydata(2), ydata(3), place(0.35), ydata(1), place(0.4), ydata(2)],
    "one matrix after another": [ydata(1), ydata(2), turned(20), ydata(3), turned(40), ydata(1), turned(60), ydata(2)],
    "limits": [ydata(1), lambda a: a.axes.set_xlim(-1, 3), ydata(2), lambda a: a.axes.invert_yaxis(), ydata(3)],
    "a scale": [ydata(1), lambda a: a.axes.set_yscale("symlog"), ydata(2), ydata(1)],
    "a legend anew": [ydata(1), lambda a: a.axes.legend(["other"]), ydata(2), ydata(3)],
    "a word in a legend": [ydata(1), lambda a: a.legend.get_texts()[0].set_text("cosine"), ydata(2)],
    "the best place": [best, ydata(1), ydata(2), lambda a: a.line.set_ydata(a.x * 0 + 0.9), ydata(3)],
    "set_array of a scatter": [ydata(1), ydata(2), lambda a: a.scatter.set_array(np.arange(6.0)[::-1]), ydata(1)],
    "an array in place": [ydata(1), ydata(2), in_place, ydata(1)],
    "a path in place": [ydata(1), ydata(2), lambda a: a.fill.get_paths()[0].vertices.__imul__(0.5), ydata(1)],
    "zorder": [ydata(1), lambda a: setattr(a.fill, "zorder", 9), ydata(2), lambda a: setattr(a.line, "zorder", 20), ydata(1)],
    "a transform in place": [ydata(1), ydata(2), lambda a: a.turn.rotate_deg(20), ydata(1), lambda a: a.turn.clear()],
    "a clip path that moves": [clip, image(2), lambda a: a.window.set_center((2, 1)), lambda a: a.window.set_radius(0.5)],
    "tied to a text": [tied, ydata(1), lambda a: a.text.set_text("much longer"), lambda a: a.text.set_position((2, 0.1))],
    "an arrow": [arrow, ydata(1), lambda a: a.note.set_position((4, 0.9)), lambda a: setattr(a.note, "xy", (2, 0.2))],
    "an inset": [inset, ydata(1), ydata(2), lambda a: a.inner.set_ydata([1, 0]), ydata(1), lambda a: a.inset.set_xlim(0, 3)],
    "what moves in an inset": [inset, inner(1, 0), inner(2, 0), lambda a: a.inset.set_title("t"), inner(1, 1), ydata(2)],
    "an inset in an inset": [
        inset_in_an_inset, ydata(1), inner(1, 0), lambda a: a.inmost.set_ydata([1, 0]), lambda a: a.inset.set_ylim(-1, 2),
        inner(2, 0), lambda a: a.inmost.set_ydata([2, 0]), lambda a: a.axes.set_position([0.2, 0.3, 0.3, 0.5]), inner(1, 1),
        lambda a: a.inset.set_visible(False), inner(0, 2), lambda a: a.inset.set_visible(True), lambda a: a.inset.set_zorder(0),
        lambda a: a.deep.remove(), inner(0, 1), ydata(2),
    ],
    "twins": [twin, ydata(1), lambda a: a.upper.set_ydata(a.x[::-1]), ydata(2), lambda a: a.twin.set_ylim(0, 9), ydata(3)],
    "arrows": [quiver, ydata(1), lambda a: a.field.set_UVC(np.ones(5), -np.ones(5)), ydata(2)],
    "a norm": [colorbar, image(2), clim(0, 5), lambda a: setattr(a.image.norm, "vmax", 9), image(3)],
    "a colormap": [image(2), lambda a: a.image.set_cmap("magma"), image(1), clim(0, 5), over("r"), image(2)],
    "a table of colours": [ydata(1), ydata(2), table(0.4), ydata(3), ydata(1)],
    "a title": [lambda a: a.axes.set_title("a"), ydata(1), lambda a: a.axes.set_title("b\nc"), ydata(2)],
    "a title of all": [lambda a: a.figure.suptitle("a"), ydata(1), lambda a: a.figure.suptitle("gy"), ydata(2)],
    "words on the figure": [lambda a: a.figure.text(0.5, 0.5, "w"), ydata(1), lambda a: a.figure.texts[-1].set_color("r")],
    "ticks": [ydata(1), lambda a: a.axes.set_xticks([0, 3]), ydata(2), lambda a: a.axes.tick_params(length=9), ydata(3)],
    "a tick label": [ydata(1), ydata(2), lambda a: a.axes.get_xticklabels()[0].set_color("r"), ydata(1)],
    "a label": [ydata(1), lambda a: a.axes.set_xlabel("xx"), ydata(2), lambda a: a.axes.xaxis.label.set_color("g"), ydata(1)],
    "a grid": [ydata(1), lambda a: a.axes.grid(True), ydata(2), lambda a: a.axes.set_axisbelow(True), ydata(3)],
    "a spine": [ydata(1), lambda a: a.axes.spines["left"].set_position(("data", 1)), ydata(2), ydata(3)],
    "size": [ydata(1), lambda a: a.figure.set_size_inches(3, 2), ydata(2), ydata(3)],
    "dots per inch": [ydata(1), lambda a: a.figure.set_dpi(70), ydata(2), ydata(3)],
    "animated": [ydata(1), lambda a: a.line.set_animated(True), ydata(2), ydata(3)],
    "effects": [ydata(1), lambda a: a.text.set_path_effects([withStroke(linewidth=3, foreground="r")]), ydata(2), ydata(3)],
    "a filter": [ydata(1), lambda a: a.line.set_agg_filter(lambda image, dpi: (image, 0, 0)), ydata(2), ydata(3)],
    "rasterized": [ydata(1), lambda a: a.axes.set_rasterization_zorder(0), ydata(2), lambda a: a.line.set_rasterized(True)],
    "hatch and sketch": [ydata(1), lambda a: a.circle.set_hatch("x"), ydata(2), lambda a: a.line.set_linestyle("--"), ydata(3)],
    "removed and added": [ydata(1), lambda a: a.marker.remove(), ydata(2), lambda a: a.axes.plot([0, 1], [1, 0]), ydata(3)],
    "autoscale": [ydata(1), lambda a: (a.line.set_ydata(a.x), a.axes.relim(), a.axes.autoscale_view()), ydata(2), ydata(3)],
    "axes added": [ydata(1), lambda a: a.figure.add_axes([0.4, 0.4, 0.2, 0.2]), ydata(2), lambda a: a.figure.delaxes(a.other)],
    "a table": [lambda a: a.axes.table([["1", "2"]]), ydata(1), lambda a: a.axes.tables[0][0, 0].set_facecolor("r")],
    "contours": [lambda a: setattr(a, "c", a.other.contour(np.eye(4))), image(2), lambda a: a.c.remove(), image(1)],
    "an extent": [image(2), lambda a: a.image.set_extent((0, 2, 0, 2)), image(1), image(3)],
    "interpolation": [image(2), lambda a: a.image.set_interpolation("bilinear"), image(1)],
    "many at once": [lambda a: (ydata(1)(a), image(2)(a), a.marker.set_data([1], [1]), a.text.set_text("y")), ydata(2)],
    "an offset": [ydata(1), lambda a: a.scatter.set_offsets(np.ones((6, 2))), lambda a: a.scatter.set_sizes([90]), ydata(2)],
    "an alpha and a color": [ydata(1), lambda a: a.line.set_alpha(0.4), lambda a: a.marker.set_color("g"), image(2), ydata(3)],
    "an artist of one's own": [own, ydata(1), ydata(2), lambda a: a.points.add((4, 0)), ydata(3), lambda a: a.points.clear()],
    "an artist of one's own that looks at another": [beside, ydata(1), ydata(2), ydata(3)],
    "a norm of one's own": [own_norm, ydata(1), ydata(2), lambda a: setattr(a.image.norm, "power", 3), ydata(3)],
    "a norm of functions": [norm_of_functions, ydata(1), ydata(2), lambda a: a.power.__setitem__(0, 3.0), ydata(3)],
    "a locator": [own_locator, ydata(1), ydata(2), lambda a: setattr(a.axes.xaxis.get_major_locator(), "count", 4), ydata(3)],
    "a transform of one's own": [own_transform, ydata(1), ydata(2), shifted(1), ydata(3), shifted(np.ones(2)), ydata(1)],
    "points beside": [points_beside, ydata(1), ydata(2), stepped, ydata(3)],
    "a second axis": [second_axis, ydata(1), ydata(2), lambda a: a.by.__setitem__(0, 3.0), ydata(3)],
    "a place of one's own": [own_place, ydata(1), ydata(2), lambda a: a.width.__setitem__(0, 0.5), ydata(3)],
    "the middle of round axes": [round_axes, ydata(1), ydata(2), lambda a: a.round.set_rorigin(-2), ydata(3)],
    "what stale alone tells": [drawn_lots, ydata(1), ydata(2), cast, ydata(3)],
    "a figure that is hidden": [ydata(1), lambda a: a.figure.set_visible(False), ydata(2), ydata(3), ydata(1)],
} | {
    f"ticks by {name}": [unit(name), ydata(1), ydata(2), lambda a: a.keep(7), ydata(3), lambda a: a.keep(3)]
    for name in ("a closure", "a variable", "a default", "a global", "a function in it", "a method", "an object", "a property")
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_what_is_painted_is_what_the_whole_figure_shows(name):
    follow(acts, CASES[name])


class Framed(Figure):
    """Draws more than its artists."""

    at = 0.2

    def draw(self, renderer):
        super().draw(renderer)
        words = self.text(self.at, 0.5, "over all")
        words.draw(renderer)
        words.remove()


def test_what_moves_in_an_inset_alone_costs_no_drawing_of_the_whole():
    assert follow(acts, [inset_in_an_inset, inner(1, 0), inner(0, 1), inner(0.5, 1)]).fast


def test_a_figure_that_is_drawn_in_its_own_way():
    def framed():
        figure = Framed(**SIZE)
        axes = figure.subplots()
        return figure, axes.plot([0, 1])[0]

    def up(y):
        return lambda line: line.set_ydata([0, y])

    follow(framed, [up(0.2), up(0.3), up(0.4), lambda line: setattr(line.figure, "at", 0.6), up(0.5)])


def test_a_formatter_without_a_state_costs_no_drawing_of_the_whole():
    def percent():
        figure, made = acts()
        made.axes.xaxis.set_major_formatter(lambda value, position: f"{np.round(value)} %")
        return figure, made

    assert follow(percent, [ydata(1), ydata(2), ydata(3)]).fast


def test_an_axis_that_follows_what_moves_is_drawn_with_what_it_shapes():
    def told():
        figure, made = acts()
        made.axes.xaxis.tick_top()
        made.axes.set_title("above the ticks")
        line = made.line
        made.axes.xaxis.set_major_formatter(lambda value, position: "\n" * round(line.get_ydata()[0]) + "x")
        return figure, made

    follow(told, [ydata(1), ydata(2), lambda a: a.line.set_ydata(a.x + 1), lambda a: a.line.set_ydata(a.x + 3), ydata(3)])


def test_settings_that_act_when_a_figure_is_drawn():
    figure, made = acts()
    painter = Painter(figure)
    for phase in (1, 2):
        ydata(phase)(made)
        painter.paint()
    with matplotlib.rc_context({"axes.unicode_minus": False, "path.simplify": False}):
        ydata(3)(made)
        painter.paint()
        assert np.array_equal(pixels(painter), fresh(figure))


def test_only_what_moves_is_drawn_where_nothing_else_changed(monkeypatch):
    figure, made = acts()
    painter = Painter(figure)
    ydata(1)(made), image(2)(made)
    painter.paint()
    assert painter.fast
    drawn = []
    for kind in {type(artist) for artist in (made.line, made.image, made.legend, made.axes.xaxis, made.axes.yaxis)}:
        monkeypatch.setattr(kind, "draw", lambda a, renderer, draw=kind.draw: (drawn.append(a), draw(a, renderer)))
    for phase in (2, 3):
        ydata(phase)(made), image(phase)(made)
        drawn.clear()
        painter.paint()
        assert painter.fast
        assert made.line in drawn
        assert made.image in drawn
        assert made.dot not in drawn, "it stands on the image, which moves, and is asked of Agg again"
        assert made.axes.xaxis not in drawn, "text is what takes time"
    assert np.array_equal(pixels(painter), fresh(figure))
    made.axes.set_xlim(0, 5)
    painter.paint()
    assert not painter.fast


def frames():
    figure = Figure(**SIZE)
    axes = figure.subplots()
    return figure, [axes.plot([0, 1], [n, 30 - n], visible=n == 0)[0] for n in range(30)]


def show(n):
    return lambda lines: [line.set_visible(i == n) for i, line in enumerate(lines)]


def test_a_figure_of_which_nearly_all_has_moved_is_still_painted_without_its_axes():
    assert follow(frames, [show(n % 30) for n in range(35)]).fast


def test_a_screen_with_two_pixels_per_point():
    figure, made = acts()
    painter = Painter(figure)
    ydata(1)(made)
    painter.paint()
    painter.canvas._set_device_pixel_ratio(2)
    for phase in (2, 3, 4):
        ydata(phase)(made)
        painter.paint()
    assert painter.fast
    assert pixels(painter).shape[:2] == (216, 312)
    assert np.array_equal(pixels(painter), fresh(figure))


def test_nothing_that_did_not_change_is_taken_for_changed():
    figure, made = acts()
    painter = Painter(figure)
    ydata(1)(made)
    painter.paint()
    for _ in range(3):
        assert painter._seen.changes(painter.moving) == []
        painter.paint()
        assert painter.fast


@pytest.mark.parametrize("before", [0, 3])
def test_a_drawing_that_failed_is_made_good_by_the_next(before):
    figure, made = acts()
    painter = Painter(figure)
    for phase in range(before):
        ydata(phase)(made)
        painter.paint()
    made.text.set_text("$\\frac$")
    ydata(5)(made)
    with pytest.raises(ValueError, match="frac"):
        painter.paint()
    made.text.set_text("text")
    painter.paint()
    assert np.array_equal(pixels(painter), fresh(figure))
    for phase in (6, 7, 8, 9):
        ydata(phase)(made)
        painter.paint()
    assert painter.fast
    assert np.array_equal(pixels(painter), fresh(figure))


def captioned(x=0.6, y=0.5):
    """A dot that comes under a ring, and above or beside both a caption that changes now and then."""
    figure = Figure(**SIZE)
    axes = figure.add_axes((0, 0, 1, 1))
    (dot,) = axes.plot([0.1], [0.5], "o", ms=10)
    axes.set(xlim=(0, 1), ylim=(0, 1))
    axes.add_patch(Circle((0.7, 0.5), 0.1, fc="none", ec="k", zorder=4))
    return figure, (dot, axes.text(x, y, "a", zorder=6))


def say(word, x):
    def change(acts):
        acts[0].set_xdata([x])
        acts[1].set_text(word)

    return change


@pytest.mark.parametrize("place", [(0.6, 0.5), (0.2, 0.8)])
def test_a_caption_that_changes_now_and_then_is_always_right(place):
    # It also changes in the frame in which the ring, which stands still, has something under it for the first time.
    words = [("b", 0.1), ("c", 0.1), ("c", 0.2), ("c", 0.2), ("d", 0.6), ("d", 0.6), ("d", 0.1), ("e", 0.1), ("d", 0.6)]
    assert follow(partial(captioned, *place), [say(*state) for state in words]).fast


def test_a_caption_that_stays_is_not_drawn_again(monkeypatch):
    drawn, draw = [], Text.draw
    monkeypatch.setattr(Text, "draw", lambda text, *args: drawn.append(text.get_text()) or draw(text, *args))
    figure, acts = captioned()
    painter = Painter(figure)
    for n, word in enumerate("bcddddde"):
        if n == 5:
            drawn.clear()
        say(word, n / 80)(acts)
        painter.paint()
    assert drawn == ["e"]


def test_a_caption_over_what_moves_is_asked_of_agg_again_and_not_laid_out(monkeypatch):
    drawn, draw = [], Text.draw
    monkeypatch.setattr(Text, "draw", lambda text, *args: drawn.append(text.get_text()) or draw(text, *args))
    figure, acts = captioned()
    painter = Painter(figure)
    for n in range(10):
        if n == 6:
            drawn.clear()
        say("ab"[n > 1], (0.6, 0.63)[n % 2])(acts)  # the dot is below the caption
        painter.paint()
    assert drawn == []
    assert np.array_equal(pixels(painter), fresh(figure))


class Looks(AbstractPathEffect):
    """An effect of a reader's own, which asks the picture how large it is."""

    def draw_path(self, renderer, gc, tpath, affine, rgbFace=None):
        height = len(np.asarray(renderer.buffer_rgba()))
        renderer.draw_path(gc, tpath, affine + Affine2D().translate(0, height // 20), rgbFace)


def test_an_effect_that_looks_at_the_picture_is_drawn_as_ever():
    def under(x):
        return lambda made: made[0].set_xdata([x])

    def build():
        figure, acts = captioned()
        acts[1].axes.patches[0].set_path_effects([Looks()])
        return figure, acts

    assert follow(build, [under(x) for x in (0.1, 0.2, 0.6, 0.61, 0.7, 0.1, 0.62)]).fast
