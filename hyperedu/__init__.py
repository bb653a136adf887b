"""hyperedu: hypernetworks and meta-learning, to be read in an evening. Everything is a mapping: (τ, D) → θ."""

import importlib

from hyperedu import penalties
from hyperedu.adaptation import Trajectory, adapt
from hyperedu.batches import Examples, Family, TaskBatch, TaskSet
from hyperedu.checkpoints import load_checkpoint, save_checkpoint
from hyperedu.descriptors import Metadata, OneHot, SupportStatistics
from hyperedu.encoders import DescriptorEncoder, Encoder, JointEncoder, Learned, SetEncoder, WordAttention
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
from hyperedu.history import History
from hyperedu.learners import (
    ANIL,
    MAML,
    Conditioned,
    DescriptorAdaptation,
    FirstOrderMAML,
    HyperMAML,
    Hypernetwork,
    Learner,
    MetaSGD,
    Reptile,
    SharedWeights,
    SupportSetHypernetwork,
    TaskConditionedMAML,
)
from hyperedu.losses import accuracy, cross_entropy, squared_error
from hyperedu.main_network import MainNetwork
from hyperedu.penalties import (
    OutputRegularizer,
    Penalty,
    Reconstruction,
    Sensitivity,
    SpectralNorm,
    TowardSharedWeights,
    WeightNorm,
)
from hyperedu.tasks import (
    ColoradoClimate,
    Described,
    NoisyDescriptors,
    Quadratics,
    Sinusoids,
)
from hyperedu.testing import Comparison, Report, compare, meta_test
from hyperedu.text import Text
from hyperedu.training import meta_train, outer_loss

__version__ = "0.1.0"

__all__ = [
    "ANIL",
    "MAML",
    "AttentionGenerator",
    "ChunkedGenerator",
    "ColoradoClimate",
    "Comparison",
    "Conditioned",
    "ConvGenerator",
    "Described",
    "DescriptorAdaptation",
    "DescriptorEncoder",
    "Encoder",
    "Examples",
    "Family",
    "FirstOrderMAML",
    "Generator",
    "History",
    "HyperMAML",
    "Hypernetwork",
    "JointEncoder",
    "Learned",
    "Learner",
    "LowRankGenerator",
    "MLPGenerator",
    "MainNetwork",
    "MetaSGD",
    "Metadata",
    "NoisyDescriptors",
    "OneHot",
    "OutputRegularizer",
    "Penalty",
    "Quadratics",
    "Reconstruction",
    "Report",
    "Reptile",
    "Sensitivity",
    "SetEncoder",
    "SharedWeights",
    "Sinusoids",
    "SpectralNorm",
    "SupportSetHypernetwork",
    "SupportStatistics",
    "TaskBatch",
    "TaskConditionedMAML",
    "TaskSet",
    "Text",
    "TowardSharedWeights",
    "Trajectory",
    "WeightNorm",
    "WordAttention",
    "accuracy",
    "adapt",
    "compare",
    "constant_norm",
    "cross_entropy",
    "data_file",
    "figures",
    "live",
    "load_checkpoint",
    "meta_test",
    "meta_train",
    "outer_loss",
    "penalties",
    "save_checkpoint",
    "squared_error",
]

# They import matplotlib and the widgets.
_ON_FIRST_USE = {"figures": "hyperedu.figures", "live": "hyperedu.figures.live"}


def __getattr__(name: str):
    if name in _ON_FIRST_USE:
        return importlib.import_module(_ON_FIRST_USE[name])
    raise AttributeError(f"module 'hyperedu' has no attribute {name!r}")
