"""Matplotlib pictures, and the signature picture: descriptor → weights → function. One module per subject."""

from hyperedu.pictures.adaptation import AdaptationPicture, QuadraticPicture
from hyperedu.pictures.basics import (
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
    Plane,
    Triptych,
    WeightGrid,
    learning_curves,
    show,
    subplots,
    title,
    weight_heatmap,
    weight_limit,
    weight_spread,
)
from hyperedu.pictures.climate import ColoradoTriptych
from hyperedu.pictures.descriptors import SentenceTriptych, attention_to_words, error_bars
from hyperedu.pictures.generators import DesignsTriptych, SizesPicture, designs, sensitivity
from hyperedu.pictures.mappings import DescribeOrShow, all_mappings
from hyperedu.pictures.regularization import StrengthPicture, intervals
from hyperedu.pictures.sinusoids import PathTriptych, SinusoidTriptych

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
    "AdaptationPicture",
    "ColoradoTriptych",
    "DescribeOrShow",
    "DesignsTriptych",
    "PathTriptych",
    "Plane",
    "QuadraticPicture",
    "SentenceTriptych",
    "SinusoidTriptych",
    "SizesPicture",
    "StrengthPicture",
    "Triptych",
    "WeightGrid",
    "all_mappings",
    "attention_to_words",
    "designs",
    "error_bars",
    "intervals",
    "learning_curves",
    "sensitivity",
    "show",
    "subplots",
    "title",
    "weight_heatmap",
    "weight_limit",
    "weight_spread",
]
