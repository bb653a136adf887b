"""hyperedu: hypernetworks and meta-learning, to be read in an evening. Everything is a mapping: (τ, D) → θ."""

import importlib

from hyperedu import penalties
from hyperedu.adaptation import Path, adapt
from hyperedu.descriptors import Metadata, OneHot, SupportStatistics
from hyperedu.encoders import Learned, SetEncoder, WordAttention
from hyperedu.files import data_file
from hyperedu.generators import (
    AttentionGenerator,
    ChunkedGenerator,
    ConvGenerator,
    Generator,
    LowRankGenerator,
    MLPGenerator,
    constant_norm,
)
from hyperedu.learners import (
    ANIL,
    MAML,
    Adapting,
    Conditioned,
    DescriptorAdaptation,
    FirstOrderMAML,
    HyperMAML,
    Hypernetwork,
    Learner,
    Reptile,
    SharedWeights,
    SupportSetHypernetwork,
    TaskConditionedMAML,
)
from hyperedu.main_network import MainNetwork, mean_squared_error
from hyperedu.tasks import (
    ColoradoClimate,
    Described,
    Examples,
    NoisyDescriptors,
    Quadratics,
    Sinusoids,
    TaskBatch,
    TaskSet,
    WavesInWords,
    tell_place,
    tell_places,
)
from hyperedu.text import Text
from hyperedu.training import (
    Comparison,
    History,
    Report,
    compare,
    load_checkpoint,
    meta_test,
    meta_train,
    outer_loss,
    save_checkpoint,
)

__version__ = "0.1.0"

__all__ = [
    "ANIL",
    "MAML",
    "Adapting",
    "AttentionGenerator",
    "ChunkedGenerator",
    "ColoradoClimate",
    "Comparison",
    "Conditioned",
    "ConvGenerator",
    "Described",
    "DescriptorAdaptation",
    "Examples",
    "FirstOrderMAML",
    "Generator",
    "History",
    "HyperMAML",
    "Hypernetwork",
    "Learned",
    "Learner",
    "LowRankGenerator",
    "MLPGenerator",
    "MainNetwork",
    "Metadata",
    "NoisyDescriptors",
    "OneHot",
    "Path",
    "Quadratics",
    "Report",
    "Reptile",
    "SetEncoder",
    "SharedWeights",
    "Sinusoids",
    "SupportSetHypernetwork",
    "SupportStatistics",
    "TaskBatch",
    "TaskConditionedMAML",
    "TaskSet",
    "Text",
    "WavesInWords",
    "WordAttention",
    "adapt",
    "compare",
    "constant_norm",
    "data_file",
    "exercises",
    "live",
    "load_checkpoint",
    "mean_squared_error",
    "meta_test",
    "meta_train",
    "outer_loss",
    "penalties",
    "pictures",
    "save_checkpoint",
    "tell_place",
    "tell_places",
]

_ON_FIRST_USE = {"exercises", "live", "pictures"}  # they import matplotlib and the widgets


def __getattr__(name: str):
    if name in _ON_FIRST_USE:
        return importlib.import_module(f"hyperedu.{name}")
    raise AttributeError(f"module 'hyperedu' has no attribute {name!r}")
