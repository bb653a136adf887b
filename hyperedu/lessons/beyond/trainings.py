"""What the checkpoint of this lesson was trained by: a generator of drawings, and the map on which they lie."""

from collections.abc import Callable

import torch

from hyperedu.learners import Hypernetwork, Learner
from hyperedu.lessons.beyond.drawings import Drawings, painter
from hyperedu.training import meta_train


def drawings() -> Hypernetwork:
    tasks, rng = Drawings(), torch.Generator().manual_seed(0)
    learner = painter(tasks, rng)
    torch.manual_seed(0)  # of the blots
    optimizer = torch.optim.AdamW(learner.parameters(), lr=3e-3)
    meta_train(learner, tasks, 5000, tasks.n_tasks, 0, 256, optimizer=optimizer, anneal=True, rng=rng)
    return learner


RECIPES: dict[str, Callable[[], Learner]] = {"drawings": drawings}
