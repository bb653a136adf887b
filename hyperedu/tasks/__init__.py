"""Families of tasks. Each has `.train` and `.test`, disjoint sets of tasks that are sampled as batches."""

from hyperedu.tasks.characters import Characters
from hyperedu.tasks.climate import ColoradoClimate
from hyperedu.tasks.digits import Digits
from hyperedu.tasks.omniglot import Omniglot
from hyperedu.tasks.quadratics import Quadratics
from hyperedu.tasks.redescribed import Described, NoisyDescriptors
from hyperedu.tasks.sinusoids import Sinusoids
from hyperedu.tasks.table import Table

__all__ = [
    "Characters",
    "ColoradoClimate",
    "Described",
    "Digits",
    "NoisyDescriptors",
    "Omniglot",
    "Quadratics",
    "Sinusoids",
    "Table",
]
