"""f_φ : τ → θ. Generators write the weights of a main network from a task descriptor; one file per design."""

from hyperedu.generators.attention import AttentionGenerator
from hyperedu.generators.base import Generator, constant_norm
from hyperedu.generators.chunked import ChunkedGenerator
from hyperedu.generators.classes import ClassGenerator
from hyperedu.generators.convolutional import ConvGenerator
from hyperedu.generators.low_rank import LowRankGenerator
from hyperedu.generators.mlp import MLPGenerator

__all__ = [
    "AttentionGenerator",
    "ChunkedGenerator",
    "ClassGenerator",
    "ConvGenerator",
    "Generator",
    "LowRankGenerator",
    "MLPGenerator",
    "constant_norm",
]
