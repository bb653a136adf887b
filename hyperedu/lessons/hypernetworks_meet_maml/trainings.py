"""What the checkpoints of this lesson were trained by: 10,000 steps on tasks whose description errs by 0 to 1.5 deviations.

Three seeds each. The learners that are shown examples alone are those of lesson maml.
"""

from collections.abc import Callable

import torch

from hyperedu.generators import MLPGenerator
from hyperedu.learners import Hypernetwork, Learner, TaskConditionedMAML
from hyperedu.main_network import MainNetwork
from hyperedu.tasks import NoisyDescriptors, Sinusoids
from hyperedu.training import meta_train


class Untold(TaskConditionedMAML):
    """The same, with a generator that is told nothing of the task: how much is gained by writing the start at all?"""

    def start(self, descriptor, support):
        return super().start(torch.ones_like(descriptor), support)


def told(kind: Callable[[MainNetwork, MLPGenerator], Learner], seed: int) -> Learner:
    torch.manual_seed(seed)
    main = MainNetwork.mlp([1, 40, 40, 1])
    learner = kind(main, MLPGenerator(2, main, hidden=(64, 32)))
    tasks = NoisyDescriptors(Sinusoids().train, (0, 1.5))
    meta_train(learner, tasks, 10_000, 25, 10, 10, rng=torch.Generator().manual_seed(seed))
    return learner


KINDS: dict[str, Callable[[MainNetwork, MLPGenerator], Learner]] = {
    "described": Hypernetwork,
    "both": lambda main, generator: TaskConditionedMAML(main, generator, steps=1, lr=0.01),
    "untold": lambda main, generator: Untold(main, generator, steps=1, lr=0.01),
}
RECIPES: dict[str, Callable[[], Learner]] = {
    f"{name}_{seed}": lambda kind=kind, seed=seed: told(kind, seed) for name, kind in KINDS.items() for seed in range(3)
}
