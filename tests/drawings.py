"""What a figure shows, for the tests of painting; and things in a figure that are not matplotlib's own."""

import numpy as np
from matplotlib.artist import Artist
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import Normalize
from matplotlib.path import Path
from matplotlib.transforms import Affine2D, Transform

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


class Dots(Artist):
    """Dots at points that a function tells: what they are drawn from is in no attribute."""

    def __init__(self, points):
        super().__init__()
        self.points = points

    def draw(self, renderer):
        context = renderer.new_gc()
        for point in sorted(self.points()):
            place = Affine2D().scale(4).translate(*self.axes.transData.transform(point))
            renderer.draw_path(context, Path.unit_circle(), place, (1, 0, 0))


class Bent(Normalize):
    """A norm with a number of its own."""

    power = 1.0

    def __call__(self, value, clip=None):
        return super().__call__(value, clip) ** self.power


class Shift(Transform):
    """A transform with a number of its own."""

    input_dims = output_dims = 2
    by = 0.0

    def transform_non_affine(self, values):
        return np.asarray(values) + self.by
