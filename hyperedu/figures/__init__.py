"""Figures: live ones, their style, heatmaps of weights, and the signature picture. matplotlib and the widgets load with it."""

from hyperedu.figures.style import (
    BLACK,
    BLUE,
    DIVERGING,
    GREEN,
    GREY,
    MAGNITUDE,
    ORANGE,
    PURPLE,
    SKY,
    VERMILION,
    YELLOW,
    show,
    subplots,
    title,
)
from hyperedu.figures.triptych import Drawable, Panels, Triptych
from hyperedu.figures.weights import Plane, WeightGrid, heatmap, weight_heatmap, weight_limit

__all__ = [
    "BLACK",
    "BLUE",
    "DIVERGING",
    "GREEN",
    "GREY",
    "MAGNITUDE",
    "ORANGE",
    "PURPLE",
    "SKY",
    "VERMILION",
    "YELLOW",
    "Drawable",
    "Panels",
    "Plane",
    "Triptych",
    "WeightGrid",
    "heatmap",
    "show",
    "subplots",
    "title",
    "weight_heatmap",
    "weight_limit",
]
