"""The notebook around a live figure: the cell that made it, and the picture that stands there where there is no kernel."""

import asyncio
import base64
import contextlib
import html
import uuid
from collections.abc import Callable
from typing import Any

from IPython import get_ipython
from IPython.display import display

from hyperedu.figures.painter import Painter, encoded
from hyperedu.figures.surface import JPEG, Surface
from hyperedu.words import _

REST = 1.0  # seconds without a change after which the picture that a saved notebook keeps is brought up to date

# What a saved notebook shows in the figure's place.
KEPT = """<div data-hyperedu-kept="{key}">
<img alt="{alt}" width="{width}" style="max-width: 100%; background: white" src="data:image/jpeg;base64,{frame}">
<p>{sentence}</p>
<p><em>{how}</em></p>
</div>"""


class Kept:
    """What a live figure leaves in a saved notebook: a part of `LiveFigure`."""

    _painter: Painter | None = None  # until there is one, and once it is closed
    _surface: Surface
    _stored: Any = None  # the picture, once it is displayed
    _resting: asyncio.TimerHandle | None = None

    def kept_by(self, keep: Callable[[], None]) -> None:
        """Leave the picture for places without a kernel to another, such as the question before this figure."""
        self._stored = _Elsewhere(keep)

    def _keep_soon(self) -> None:
        """Bring the picture that the notebook keeps up to date once the hand rests."""
        if self._stored is None:
            return
        if self._resting:
            self._resting.cancel()
        with contextlib.suppress(RuntimeError):  # where no loop runs, nobody saves the notebook either
            self._resting = asyncio.get_running_loop().call_later(REST, self._keep)

    def _keep(self) -> None:
        if self._painter is not None:
            data, metadata = self._kept()
            self._stored.update(data, raw=True, metadata=metadata)

    def _kept(self) -> tuple[dict[str, str], dict[str, dict]]:
        """The picture for places without a kernel, and a line on how to make it live again."""
        picture = base64.b64encode(self.png()).decode()
        how = _("This is a picture of a live figure: run the cells above and this one, and its controls are here again.")
        page = KEPT.format(
            how=how,
            key=self._surface.key,
            alt=html.escape(self.alt),
            sentence=html.escape(self.sentence),
            width=round(self._surface.width),
            frame=base64.b64encode(encoded(self._painter.pixels, "JPEG", **JPEG)).decode(),  # a fraction of the PNG's size
        )
        return {"text/html": page, "image/png": picture, "text/plain": self.alt}, {"image/png": {"alt": self.alt}}

    def _ipython_display_(self, **kwargs) -> None:
        """The widget, and after it the picture that the notebook keeps, which is hidden while the widget lives."""
        picture, about = self._kept()
        data, metadata = self._repr_mimebundle_(**kwargs)
        display(data, metadata=metadata, raw=True)
        self._stored = display(picture, raw=True, metadata=about, display_id=f"hyperedu-{uuid.uuid4().hex}")

    def _repr_mimebundle_(self, **kwargs) -> tuple[dict, dict]:
        # Colab asks the widget that is displayed for this, and `Surface`, which has it, is only a part of it.
        found = self._surface._repr_mimebundle_(**kwargs)
        return super()._repr_mimebundle_(**kwargs), found[1] if isinstance(found, tuple) else {}


class _Elsewhere:
    """Stands for a displayed picture that another keeps."""

    def __init__(self, keep: Callable[[], None]):
        self.keep = keep

    def update(self, *_data, **_how) -> None:
        self.keep()


def cell_that_runs() -> tuple[str | None, str | None]:
    """The cell that is running, and this run of it; None where there is no notebook."""
    shell = get_ipython()
    parent = shell.get_parent() if hasattr(shell, "get_parent") else {}
    cell = parent.get("metadata", {}).get("cellId") or parent.get("content", {}).get("code")
    return cell, parent.get("header", {}).get("msg_id")
