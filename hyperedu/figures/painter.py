"""Draws a figure again by drawing only what changed, and shows exactly what a drawing of the whole would show.

Matplotlib draws its artists one over another. Those that are known to move are drawn at each frame; the others were drawn once.
What stands still above something that moves is put there from memory where nothing has moved under it, pixel for pixel, and is
drawn anew where something has: a pixel that is drawn over depends on nothing but what is below it. Whatever cannot be told
apart so (other limits, ticks, titles, children, a position, a size) is drawn whole, as `Figure.savefig` would.
"""

import io
import itertools

import numpy as np
from matplotlib.artist import Artist
from matplotlib.backends.backend_agg import FigureCanvasAgg, RendererAgg
from matplotlib.figure import Figure
from matplotlib.path import Path
from matplotlib.text import Text
from matplotlib.transforms import IdentityTransform, TransformedPath
from PIL import Image

from hyperedu.figures.recording import Recording
from hyperedu.figures.seen import Seen, all_axes


class Painter:
    """Keeps the canvas of a figure up to date.

    Attributes:
        canvas: the figure's, which holds the picture.
        fast: whether the last `paint` drew less than the whole.
    """

    def __init__(self, figure: Figure):
        self.figure, self.canvas = figure, FigureCanvasAgg(figure)
        self.moving: list[Artist] = []
        self._calm = 2  # paints without a whole drawing; a plan is made for what will be used again
        self._plan: list[Artist | _Words | _Still] | None = None
        self._seen: Seen | None = None
        self._draw_whole()  # lays the figure out once
        figure.set_layout_engine("none")
        self._seen.look_again()

    def paint(self) -> None:
        """Bring the canvas up to date."""
        for axes in all_axes(self.figure):
            axes._unstale_viewLim()
            if locate := axes.get_axes_locator():
                axes.apply_aspect(locate(axes, self.canvas.get_renderer()))
        changed = self._seen.changes(self.moving) if self._seen else None
        seen, self._seen = self._seen, None  # nothing is sure until the drawing has ended well
        if changed is not None and (changed or self._plan is None):
            changed = seen.with_followers([*self.moving, *changed])
        if changed is None:
            self._calm = 0
            self._draw_whole()
            return
        self._calm += 1
        if changed or self._plan is None:
            self.moving = changed
            if self.moving:
                if self._calm < 2:
                    self._draw_whole()
                    return
                self._make_plan(seen)
        if self.moving:  # else nothing has ever moved, and the picture is right as it is
            self._draw_plan(seen)
        self._seen, self.fast = seen, True

    @property
    def pixels(self) -> np.ndarray:
        """The picture last painted (height, width), a number for each pixel: a view."""
        return _as_numbers(self.canvas.get_renderer())

    def _draw_whole(self) -> None:
        self.fast, self._plan = False, None
        with _saving(self.canvas):
            self.canvas.draw()
        self._seen = Seen(self.figure)

    def _make_plan(self, seen: Seen) -> None:
        """Draw what stands still, once, and remember of each what it paints and what that looks like."""
        renderer = self.canvas.get_renderer()
        renderer.clear()
        pixels, known = self.pixels, {id(leaf) for leaf in self.moving}
        order = [(leaf, id(leaf) in known) for leaf in seen.order]
        first = next(i for i, (_, moves) in enumerate(order) if moves)
        self._plan = []
        with _saving(self.canvas):
            for leaf, _ in order[:first]:
                leaf.draw(renderer)
            self._background = pixels.copy()
            for moves, run in itertools.groupby(order[first:], lambda pair: pair[1]):
                leaves = [leaf for leaf, _ in run]
                self._plan += [self._step(leaf, seen) for leaf in leaves] if moves else [_Still(leaves, renderer)]
        seen.look_again()

    def _step(self, leaf: Artist, seen: Seen) -> "Artist | _Words":
        """How an artist that moves is drawn."""
        alone = not seen.follows(leaf, {id(other) for other in self.moving if other is not leaf})
        return _Words(leaf, seen) if type(leaf) is Text and alone else leaf

    def _draw_plan(self, seen: Seen) -> None:
        renderer, pixels = self.canvas.get_renderer(), self.pixels
        pixels[...] = self._background
        for step in self._plan or ():
            if isinstance(step, _Words):
                step.look()
        with _saving(self.canvas):
            for step in self._plan or ():
                if not isinstance(step, _Still):
                    step.draw(renderer)
                    continue
                known = step.each is not None
                step.put_back(renderer)
                if not known and step.each is not None:  # each was drawn: ticks were set anew, which is no change
                    seen.look_again()


def encoded(pixels: np.ndarray, kind: str, **options) -> bytes:
    """Pixels (height, width), a number each, as a JPEG or PNG file."""
    # RGBX: Agg's own memory, without a copy; the fourth byte of each pixel is passed over.
    image = Image.frombuffer("RGBX", pixels.shape[::-1], pixels, "raw", "RGBX", 0, 1)
    file = io.BytesIO()
    (image if kind == "JPEG" else image.convert("RGB")).save(file, kind, **options)
    return file.getvalue()


def _as_numbers(renderer: RendererAgg) -> np.ndarray:
    """The pixels of a renderer, a number each (height, width): a view."""
    return np.asarray(renderer.buffer_rgba()).view(np.uint32)[..., 0]


class _Still:
    """Artists one after the other that stand still, and what they painted over what: together, and, once it matters, each."""

    def __init__(self, leaves: list[Artist], renderer: RendererAgg):
        self.leaves, self.renderer = leaves, renderer
        self.each: list[_Painted] | None = None
        self.together = _Painted(leaves, renderer)

    def put_back(self, renderer: RendererAgg) -> None:
        """Put them there, of which those under which something has changed are drawn."""
        pixels = _as_numbers(renderer)
        if self.together.paste(pixels):
            return
        if self.each is None:
            sheet = RendererAgg(self.renderer.width, self.renderer.height, self.renderer.dpi)
            self.together.uncover(_as_numbers(sheet))
            self.each = [_Painted([leaf], sheet) for leaf in self.leaves]
        for painted in self.each:
            if not painted.paste(pixels):
                painted.draw(renderer)


class _Words:
    """A text that has moved, as captions do now and then: put back where it can be, since each glyph takes long to draw."""

    def __init__(self, text: Text, seen: Seen):
        self.text, self.seen = text, seen
        self.painted: _Painted | None = None
        self.said, self.known = "", False  # what it said last; whether all that it is drawn from was looked at then
        self.stays = False

    def look(self) -> None:
        """Before a frame is drawn: whether the text is as it was in the last one."""
        self.stays = self.known and not self.seen.changed(self.text)

    def draw(self, renderer: RendererAgg) -> None:
        if self.stays:
            if self.painted is None:
                self.painted = _Painted([self.text], renderer)
            elif not self.painted.paste(_as_numbers(renderer)):
                self.painted.draw(renderer)
            return
        self.text.draw(renderer)
        self.painted, self.known = None, self.text.get_text() == self.said  # to look takes time, and words go on changing
        self.said = self.text.get_text()
        if self.known:
            self.seen.look_again_at(self.text)


class _Painted:
    """Artists, drawn one after the other, and what they painted over what: the pixels below, before, and above, afterwards."""

    def __init__(self, leaves: list[Artist], renderer: RendererAgg):
        pixels = _as_numbers(renderer)
        before = pixels.copy()
        self.recording = Recording(leaves, renderer)
        alone = RendererAgg(renderer.width, renderer.height, renderer.dpi)
        self.recording.draw(alone)
        self.where = np.flatnonzero(np.asarray(alone.buffer_rgba())[..., 3])  # where it is no longer transparent
        self.below, self.above = self.of(before), self.of(pixels)

    def draw(self, renderer: RendererAgg) -> None:
        """Draw them as they were, over what may be something else now."""
        pixels = _as_numbers(renderer)
        self.below = self.of(pixels)
        self.recording.draw(renderer)
        self.above = self.of(pixels)

    def of(self, pixels: np.ndarray) -> np.ndarray:
        return pixels.take(self.where)

    def uncover(self, pixels: np.ndarray) -> None:
        """Put there what was below."""
        pixels.put(self.where, self.below)

    def paste(self, pixels: np.ndarray) -> bool:
        """Whether it could be put there from memory: whether nothing has changed below."""
        same = np.array_equal(self.of(pixels), self.below)
        if same:
            pixels.put(self.where, self.above)
        return same


class _saving:
    """Draw as `savefig` does, which does not leave animated artists out."""

    def __init__(self, canvas: FigureCanvasAgg):
        self.canvas = canvas

    def __enter__(self) -> None:
        self.canvas._is_saving = True
        _forget_clip_path(self.canvas.get_renderer())

    def __exit__(self, *_) -> None:
        self.canvas._is_saving = False


# A window that nobody moves, with a curve, since a rectangle would not be drawn as a mask.
_WINDOW = TransformedPath(Path.unit_circle(), IdentityTransform())


def _forget_clip_path(renderer: RendererAgg) -> None:
    """Agg keeps the mask of the last clip path under the address of its vertices, where those of another may be by now."""
    context = renderer.new_gc()
    context.set_clip_path(_WINDOW)
    renderer.draw_path(context, Path([(0, 0)]), IdentityTransform())
