"""What a figure shows, for the tests of painting."""

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg

SIZE = {"figsize": (2.6, 1.8), "dpi": 60}


def pixels(painter):
    return np.asarray(painter.canvas.buffer_rgba()).copy()


def fresh(figure):
    """The figure as a whole drawing shows it; the canvas it had before is its own again."""
    before = figure.canvas
    canvas = FigureCanvasAgg(figure)
    canvas._device_pixel_ratio = before.device_pixel_ratio
    canvas._is_saving = True
    canvas.draw()
    figure.set_canvas(before)
    return np.asarray(canvas.buffer_rgba())
