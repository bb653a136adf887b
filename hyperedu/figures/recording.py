"""What artists ask of Agg while they are drawn, to ask it again: the layout, the fonts and the paths took most of the time."""

import copy
from collections.abc import Callable
from typing import Any

from matplotlib.artist import Artist
from matplotlib.backend_bases import GraphicsContextBase
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.transforms import Transform


class Recording:
    """Artists that stand still, drawn one after the other, and what they asked of Agg.

    It says all that they look like, so that the same over again gives the same pixels, over whatever lies below by then.
    """

    def __init__(self, leaves: list[Artist], renderer: RendererAgg):
        self.leaves = leaves
        agg, before = renderer._renderer, bytes(renderer.buffer_rgba())
        listener = _Listener(agg)
        self.calls: list[tuple[str, list, dict]] | None = listener.calls
        _speak_to(renderer, listener)
        try:
            self._draw(renderer)
        except TypeError:  # a reader's effect looks at the pixels, which a listener has not
            self.calls = None
        finally:
            _speak_to(renderer, agg)
        if self.calls is None:
            renderer.buffer_rgba().cast("B")[:] = before
            self._draw(renderer)

    def draw(self, renderer: RendererAgg) -> None:
        if self.calls is None:
            self._draw(renderer)
            return
        for name, given, named in self.calls:
            getattr(renderer._renderer, name)(*given, **named)

    def _draw(self, renderer: RendererAgg) -> None:
        for leaf in self.leaves:
            leaf.draw(renderer)


class _Listener:
    """Stands before Agg and notes what it is asked."""

    def __init__(self, agg: Any):
        self.agg = agg
        self.calls: list[tuple[str, list, dict]] = []

    def __getattr__(self, name: str) -> Callable:
        method = getattr(self.agg, name)

        def ask(*given, **named) -> Any:
            self.calls.append((name, [_kept(value) for value in given], {key: _kept(value) for key, value in named.items()}))
            return method(*given, **named)

        return ask


def _kept(value: Any) -> Any:
    """As it is now: contexts and transforms are used again for what comes next."""
    if isinstance(value, Transform):
        return value.frozen()
    return copy.copy(value) if isinstance(value, GraphicsContextBase) else value


def _speak_to(renderer: RendererAgg, agg: Any) -> None:
    renderer._renderer = agg
    renderer._update_methods()
