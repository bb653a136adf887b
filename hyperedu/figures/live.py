"""A matplotlib figure driven by sliders and by hand, fast enough to feel attached to them.

The figure is drawn once; after that only what changed is drawn again (painter.py), and sent to a canvas (surface.py), which
shows it when it is decoded.
"""

from collections.abc import Callable, Mapping

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hyperedu.figures.controls import Hand
from hyperedu.figures.live_figure import LiveFigure

__all__ = ["LiveFigure", "interact"]


def interact(
    figure: Figure, update: Callable, *, play: str | None = None, drag: Mapping[Axes, Hand] | None = None, **controls
) -> LiveFigure:
    """Show `figure` with a control for each keyword; `update` changes its artists when a control moves.

    The calling convention of `ipywidgets.interact`, without drawing the figure anew::

        def update(amplitude, steps):
            line.set_ydata(...)                       # change artists rather than plot again
            return f"amplitude {amplitude:.1f}"       # the state in words, shown below the figure

        live.interact(figure, update, amplitude=(0.1, 5.0), steps=(0, 10))

    Args:
        figure: a matplotlib `Figure`, made with `Figure(...)` and not by pyplot, so that it is shown only once.
        update: called with the controls' values by name. A sentence that it returns is the figure's, and its alt text; else
            the values themselves are. It should end within 50 ms; where it takes longer, the figure says that it computes,
            and goes on with the newest values. Where it moves a control, it is called again. Where it raises, the message
            stands below the figure and the figure goes on living. What it changed is found by itself, but for what no
            attribute or variable holds, such as a random generator in a formatter: `axes.xaxis.stale = True` tells of it.
            A parameter named `history` needs no control: it is what `meta_train(watch=)` hands on.
        play: the name of a slider of whole numbers that gets a button which walks through its values.
        drag: panels in which things can be taken by hand: axes → the names of the two sliders that its x and y are, or a
            function (x, y, begins) → {name of a control: value}, or None where there is nothing to take. `begins` is True
            for the press that begins a drag. The figure is drawn after each call of the function.
        controls: as for `ipywidgets.interact`: (low, high) or (low, high, step) is a slider, True or False a checkbox,
            a list or dictionary a menu, and a widget is itself. A default of `update`'s parameter is the first value.

    Raises:
        ValueError: a control with a reversed range, or that is none; names that are not those of `update`.
    """
    return LiveFigure(figure, update, controls, play, drag)
