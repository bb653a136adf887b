"""The surface of a live figure in the browser, which live.js draws, and what is sent to it of a picture."""

from pathlib import Path

import anywidget
import numpy as np
import traitlets
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hyperedu.figures.painter import encoded

HERE = Path(__file__).parent
JPEG = {"quality": 85, "subsampling": 0}  # with colour at full resolution, what is sent in tiles shows no seams
TILE = 32  # pixels: a multiple of the 8 by which a JPEG is cut up itself
ACROSS = 16  # tiles that lie side by side in what is sent


class Surface(anywidget.AnyWidget):
    """The canvas in the browser: the newest frame, its alt text, the sentence, and what went wrong, if anything.

    Attributes:
        ground: a picture that was sent whole, as a JPEG.
        frame: the tiles in which the newest picture differs from it, row by row, `ACROSS` in each, as a JPEG.
        tiles: which ones these are, counted in the picture row by row.
        width: of the picture on the page, in CSS pixels.
        ratio: how many pixels of the screen a CSS pixel has; the browser says it.
        grips: the panels that can be taken by hand, as [left, top, width, height] in shares of the picture.
        hand: [number of the panel, x, y, begins], in shares of the picture, while a hand drags; the browser says it.
        busy: whether an update takes long.
        key: of the picture that a saved notebook keeps, which is hidden while this one lives.
        computing: what stands on the picture while an update takes long.
    """

    _esm = HERE / "live.js"
    _css = HERE / "live.css"
    ground = traitlets.Bytes(b"").tag(sync=True)
    frame = traitlets.Bytes(b"").tag(sync=True)
    tiles = traitlets.List().tag(sync=True)
    alt = traitlets.Unicode("").tag(sync=True)
    sentence = traitlets.Unicode("").tag(sync=True)
    problem = traitlets.Unicode("").tag(sync=True)
    width = traitlets.Float(0.0).tag(sync=True)
    ratio = traitlets.Float(1.0, min=0.25, max=4.0).tag(sync=True)
    grips = traitlets.List().tag(sync=True)
    hand = traitlets.List().tag(sync=True)
    busy = traitlets.Bool(False).tag(sync=True)
    key = traitlets.Unicode("").tag(sync=True)
    computing = traitlets.Unicode("").tag(sync=True)

    _ground: np.ndarray | None = None  # its pixels

    def show(self, pixels: np.ndarray) -> None:
        """Send a picture (height, width), a number for each pixel: the tiles that differ, or, where these are many, all of it.

        Most of a figure stands still. What is not sent need not be encoded, carried and decoded.
        """
        if (where := self._changed(pixels)) is None:
            self._ground = pixels.copy()
            self.ground, self.frame, self.tiles = encoded(pixels, "JPEG", **JPEG), b"", []
            return
        across = -(-pixels.shape[1] // TILE)
        sheet = np.zeros((-(-len(where) // ACROSS) * ACROSS, TILE, TILE), pixels.dtype)
        for tile, number in zip(sheet, where, strict=False):
            top, left = TILE * (number // across), TILE * (number % across)
            part = pixels[top : top + TILE, left : left + TILE]
            if part.shape != tile.shape:  # at an edge, beyond which a JPEG goes on with the last pixels itself
                part = np.pad(part, [(0, TILE - length) for length in part.shape], mode="edge")
            tile[...] = part
        sheet = sheet.reshape(-1, ACROSS, TILE, TILE).swapaxes(1, 2).reshape(-1, ACROSS * TILE)
        self.frame, self.tiles = encoded(sheet, "JPEG", **JPEG) if where else b"", where

    def close(self) -> None:
        self._ground = None  # anywidget keeps each surface that there ever was
        super().close()

    def _changed(self, pixels: np.ndarray) -> list[int] | None:
        """The numbers of the tiles that differ from the ground; None where these are more than half of the picture."""
        if self._ground is None or self._ground.shape != pixels.shape:
            return None
        rows = np.logical_or.reduceat(pixels != self._ground, range(0, pixels.shape[0], TILE), axis=0)
        changed = np.logical_or.reduceat(rows, range(0, pixels.shape[1], TILE), axis=1)
        return None if 2 * changed.sum() > changed.size else np.flatnonzero(changed).tolist()


def share(axes: Axes, figure: Figure) -> list[float]:
    """Where a panel is in the picture: left, top, width and height, in shares of it."""
    (left, bottom, width, height), (across, up) = axes.bbox.bounds, figure.bbox.size
    return [left / across, 1 - (bottom + height) / up, width / across, height / up]
