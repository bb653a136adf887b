"""What all pictures share: colours, style, heatmaps of weights, and the signature picture."""

import base64
import contextlib
import html
import io
from collections.abc import Iterator

import matplotlib
import numpy as np
import torch
from IPython import get_ipython
from IPython.display import display
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import FixedLocator
from PIL import Image
from torch import Tensor

from hyperedu.batches import Examples
from hyperedu.learners import Learner
from hyperedu.words import _, language

# Okabe, Ito 2008: categories that differ for every kind of colour vision.
BLACK, ORANGE, SKY, GREEN, YELLOW, BLUE, VERMILION, PURPLE = (
    "#000000", "#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7"
)  # fmt: skip
GREY = "#767676"
MAGNITUDE, DIVERGING = "viridis", "RdBu_r"

# Large enough to be read at half width; white, so that it reads in a dark theme too. All else is as matplotlib has it, whatever
# the reader has set, but for what belongs to the reader's screen and session.
_THE_READERS = {"backend", "backend_fallback", "date.epoch", "figure.max_open_warning", "interactive", "timezone", "toolbar"}
STYLE = {name: value for name, value in matplotlib.rcParamsDefault.items() if name not in _THE_READERS} | {
    "font.size": 12, "axes.titlesize": 13, "axes.titleweight": "bold", "axes.titlelocation": "left",
    "axes.labelsize": 12, "xtick.labelsize": 11, "ytick.labelsize": 11, "legend.fontsize": 11,
    "axes.spines.top": False, "axes.spines.right": False, "figure.facecolor": "white", "legend.frameon": False,
}  # fmt: skip


@contextlib.contextmanager
def in_style() -> Iterator[None]:
    """The course's own style, whatever the reader's settings are; these are as they were afterwards."""
    before = {name: dict.__getitem__(matplotlib.rcParams, name) for name in STYLE}
    dict.update(matplotlib.rcParams, STYLE)  # valid as they are: checking each again takes longer than drawing a frame
    try:
        yield
    finally:
        dict.update(matplotlib.rcParams, before)


_styled_cell = contextlib.ExitStack()  # entered while a cell draws into a figure of the course


def _in_style_until_the_cell_ends() -> None:
    """What a cell draws into a figure of the course after it has made it is in its style too."""
    shell = get_ipython()
    if shell is not None and _end_the_styled_cell not in shell.events.callbacks["post_run_cell"]:
        _styled_cell.enter_context(in_style())
        shell.events.register("post_run_cell", _end_the_styled_cell)


def _end_the_styled_cell(*_) -> None:
    get_ipython().events.unregister("post_run_cell", _end_the_styled_cell)
    _styled_cell.close()


def as_numpy(value: Tensor) -> np.ndarray:
    """What matplotlib draws: a tensor's values, whatever device it is on and whether or not it takes a gradient."""
    value = value.detach().cpu()
    return (value.float() if value.dtype == torch.bfloat16 else value).numpy()  # numpy has no bfloat16


@torch.no_grad()
def written(learner: Learner, descriptor: Tensor, support: Examples | None = None) -> Tensor:
    """θ of τ and D: computed where the learner is, given back beside τ, where a family's inputs are."""
    own = next(learner.parameters())
    return learner(descriptor.to(own), None if support is None else support.to(own)).to(descriptor)


def speak(figure: Figure) -> None:
    """Put what stands in a figure, such as titles, labels and legends, into the reader's language."""
    if language() == "en":
        return
    for axis in (axis for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)):
        if isinstance(axis.get_major_locator(), FixedLocator):  # else the labels are numbers
            axis.set_ticklabels([_(label.get_text()) for label in axis.get_ticklabels()])
    for text in figure.findobj(Text):
        text.set_text(_(text.get_text()))


def subplots(n_columns: int = 1, width: float = 11.0, height: float = 3.9, **kwargs) -> tuple[Figure, list[Axes]]:
    """A figure in the course's style with `n_columns` panels beside each other; size in inches of 100 pixels."""
    _in_style_until_the_cell_ends()
    with in_style():
        figure = Figure((width, height), dpi=100, layout="constrained")
        axes = figure.subplots(1, n_columns, squeeze=False, **kwargs)[0]
    figure.in_style = in_style  # for `live`, which draws it later
    return figure, list(axes)


def nothing_over(x_axis: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """What a curve begins with that is still to come: positions (n,), and at none of them a value."""
    return as_numpy(x_axis), np.full(len(x_axis), np.nan)


def title(axes: Axes, text: str) -> None:
    """A panel's title, bold and flush left."""
    axes.set_title(_(text), loc="left", fontsize=13, fontweight="bold", wrap=True)


def show(figure: Figure, alt: str) -> None:
    """Display a figure with `alt`, a sentence that says what is to be seen in it."""
    file, canvas, alt = io.BytesIO(), FigureCanvasAgg(figure), _(alt)
    with in_style():
        speak(figure)
        canvas.draw()
    # A palette of 256 colours: a third of the size, and a picture stands in the notebook twice.
    Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB").quantize(256).save(file, "PNG", optimize=True)
    picture = base64.b64encode(file.getvalue()).decode()
    # JupyterLab gives a bare picture no alt text: it takes the page, other places the picture.
    page = f'<img alt="{html.escape(alt)}" style="background: white" src="data:image/png;base64,{picture}">'
    display({"text/html": page, "image/png": picture}, metadata={"image/png": {"alt": alt}}, raw=True)
