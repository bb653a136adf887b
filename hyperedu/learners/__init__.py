"""(τ, D) → θ. A learner is any way to get the weights of a main network for a task: through(U(start(τ, D), D))."""

from hyperedu.learners.base import Learner
from hyperedu.learners.base import expect_learner as expect_learner
from hyperedu.learners.base import in_mode as in_mode
from hyperedu.learners.gradient_based import ANIL, MAML, FirstOrderMAML, MetaSGD, Reptile, SharedWeights
from hyperedu.learners.hypernetworks import (
    Conditioned,
    DescriptorAdaptation,
    HyperMAML,
    Hypernetwork,
    PrototypicalNetwork,
    SupportSetHypernetwork,
    TaskConditionedMAML,
)

__all__ = [
    "ANIL",
    "MAML",
    "Conditioned",
    "DescriptorAdaptation",
    "FirstOrderMAML",
    "HyperMAML",
    "Hypernetwork",
    "Learner",
    "MetaSGD",
    "PrototypicalNetwork",
    "Reptile",
    "SharedWeights",
    "SupportSetHypernetwork",
    "TaskConditionedMAML",
]
