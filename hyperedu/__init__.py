"""hyperedu: hypernetworks and meta-learning, to be read in an evening. Everything is a mapping: (τ, D) → θ.

What a module shows to the world stands in its `__all__`, and all of that is here.
"""

import importlib

from hyperedu.adaptation import *
from hyperedu.batches import *
from hyperedu.checkpoints import *
from hyperedu.descriptors import *
from hyperedu.encoders import *
from hyperedu.files import *
from hyperedu.generators import *
from hyperedu.history import *
from hyperedu.learners import *
from hyperedu.losses import *
from hyperedu.main_network import *
from hyperedu.objective import *
from hyperedu.penalties import *
from hyperedu.rivals import *
from hyperedu.tasks import *
from hyperedu.testing import *
from hyperedu.text import *
from hyperedu.training import *

__version__ = "0.3.1"

# These import matplotlib and the widgets.
_ON_FIRST_USE = {"figures": "hyperedu.figures", "live": "hyperedu.figures.live"}


def __getattr__(name: str):
    if name in _ON_FIRST_USE:
        return importlib.import_module(_ON_FIRST_USE[name])
    raise AttributeError(f"module 'hyperedu' has no attribute {name!r}")
