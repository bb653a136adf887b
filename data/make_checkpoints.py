"""The small checkpoints of lessons 06 and 07: learners trained on sinusoids, all with the same budget.

    python data/make_checkpoints.py                 all of them, about ten minutes on two cores
    python data/make_checkpoints.py reptile both_1  those that are named

The main network is 1-40-40-1, and a step has 25 tasks of 10 support and 10 query examples. Reptile and pre-training, which
know no query set, learn from all 20. The learners of lesson 07 that are described a task are described it with an error of 0
to 1.5 standard deviations. They have three seeds each, and so has MAML.
"""

import sys
from pathlib import Path

import torch

from hyperedu import (
    ANIL,
    MAML,
    FirstOrderMAML,
    Hypernetwork,
    MainNetwork,
    MLPGenerator,
    NoisyDescriptors,
    Reptile,
    SharedWeights,
    Sinusoids,
    TaskConditionedMAML,
    meta_train,
    save_checkpoint,
)

FOLDER = Path(__file__).parent / "checkpoints"
STEPS = 10_000


def described(main: MainNetwork) -> Hypernetwork:
    return Hypernetwork(main, MLPGenerator(2, main, hidden=(64, 32)))


def both(main: MainNetwork) -> TaskConditionedMAML:
    return TaskConditionedMAML(main, MLPGenerator(2, main, hidden=(64, 32)), steps=1, lr=0.01)


class Untold(TaskConditionedMAML):
    """The same, with a generator that is told nothing of the task: how much is gained by writing the start at all?"""

    def start(self, descriptor):
        return super().start(torch.ones_like(descriptor))


def untold(main: MainNetwork) -> Untold:
    return Untold(main, MLPGenerator(2, main, hidden=(64, 32)), steps=1, lr=0.01)


# file → (learner, seed)
RECIPES = {
    "maml": (MAML, 0),
    "first_order": (FirstOrderMAML, 0),
    "anil": (ANIL, 0),
    "reptile": (lambda main: Reptile(main, steps=5, lr=0.003), 0),
    "pretraining": (SharedWeights, 0),
    "maml_1": (MAML, 1),
    "maml_2": (MAML, 2),
    **{f"described_{seed}": (described, seed) for seed in range(3)},
    **{f"both_{seed}": (both, seed) for seed in range(3)},
    **{f"untold_{seed}": (untold, seed) for seed in range(3)},
}


if __name__ == "__main__":
    main, tasks = MainNetwork.mlp([1, 40, 40, 1]), Sinusoids().train
    unknown = set(sys.argv[1:]) - RECIPES.keys()
    if unknown:
        sys.exit(f"there is no recipe for {sorted(unknown)}; these there are: {', '.join(RECIPES)}")
    for name in sys.argv[1:] or RECIPES:
        make, seed = RECIPES[name]
        torch.manual_seed(seed)
        learner = make(main)
        told = hasattr(learner, "generator")
        queries = 20 if name == "pretraining" else 10
        random = torch.Generator().manual_seed(seed)
        history = meta_train(
            learner, NoisyDescriptors(tasks, (0, 1.5)) if told else tasks, STEPS, 25, 10, queries, generator=random
        )
        print(name, history)
        if name == "pretraining":  # kept as a start to adapt from
            shared, learner = learner, MAML(main)
            learner.load_state_dict(shared.state_dict())
        save_checkpoint(FOLDER / f"{name}.safetensors", learner)
