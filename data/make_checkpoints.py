"""The small checkpoints of lesson 06: five starts, trained on sinusoids with the same budget.

    python data/make_checkpoints.py                 all of them, about three minutes on two cores
    python data/make_checkpoints.py reptile         those that are named

Each start θ₀ is a main network 1-40-40-1, trained with 25 tasks a step of 10 support and 10 query examples. Reptile and
pre-training, which know no query set, learn from all 20.
"""

import sys
from pathlib import Path

import torch

from hyperedu import ANIL, MAML, FirstOrderMAML, MainNetwork, Reptile, SharedWeights, Sinusoids, meta_train, save_checkpoint

FOLDER = Path(__file__).parent / "checkpoints"
STEPS = 10_000


def starts(main: MainNetwork) -> dict[str, torch.nn.Module]:
    return {
        "maml": MAML(main, steps=1, lr=0.01),
        "first_order": FirstOrderMAML(main, steps=1, lr=0.01),
        "anil": ANIL(main, steps=1, lr=0.01),
        "reptile": Reptile(main, steps=5, lr=0.003),
        "pretraining": SharedWeights(main),
    }


if __name__ == "__main__":
    main = MainNetwork.mlp([1, 40, 40, 1])
    torch.manual_seed(0)
    for name, learner in starts(main).items():
        if sys.argv[1:] and name not in sys.argv[1:]:
            continue
        queries = 20 if name == "pretraining" else 10
        print(name, meta_train(learner, Sinusoids().train, STEPS, 25, 10, queries, generator=torch.Generator().manual_seed(0)))
        if name == "pretraining":  # kept as a start to adapt from
            shared, learner = learner, MAML(main)
            learner.load_state_dict(shared.state_dict())
        save_checkpoint(FOLDER / f"{name}.safetensors", learner)
