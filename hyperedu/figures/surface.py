"""The surface of a live figure in the browser, which live.js draws."""

from pathlib import Path

import anywidget
import traitlets

HERE = Path(__file__).parent


class Surface(anywidget.AnyWidget):
    """The canvas in the browser: the newest frame, its alt text, the sentence, and what went wrong, if anything.

    Attributes:
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
    frame = traitlets.Bytes(b"").tag(sync=True)
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
