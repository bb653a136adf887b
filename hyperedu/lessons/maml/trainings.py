"""What the checkpoints of this lesson were trained by: 10,000 steps of 25 tasks with 10 support and 10 query examples each.

Reptile and the shared weights (joint training of all tasks), which know no query set, learn from as many examples, 20.
"""

from collections.abc import Callable

import torch

from hyperedu.learners import ANIL, MAML, FirstOrderMAML, Learner, Reptile, SharedWeights
from hyperedu.main_network import MainNetwork
from hyperedu.tasks import Sinusoids
from hyperedu.training import meta_train


def shown(make: Callable[[MainNetwork], Learner], seed: int, queries: int = 10) -> Learner:
    torch.manual_seed(seed)
    learner = make(MainNetwork.mlp([1, 40, 40, 1]))
    meta_train(learner, Sinusoids().train, 10_000, 25, 10, queries, rng=torch.Generator().manual_seed(seed))
    return learner


RECIPES: dict[str, Callable[[], Learner]] = {
    "maml": lambda: shown(MAML, 0),
    "maml_1": lambda: shown(MAML, 1),
    "maml_2": lambda: shown(MAML, 2),
    "first_order": lambda: shown(FirstOrderMAML, 0),
    "anil": lambda: shown(ANIL, 0),
    "reptile": lambda: shown(lambda main: Reptile(main, steps=5, lr=0.003), 0),
    "shared_weights": lambda: shown(SharedWeights, 0, queries=20),
}
