"""What readers asked of lesson 07: MAML that is told τ in the plainest way, means beside medians, and one step beside five.

    .venv/bin/python benchmarks/answers/lesson_07.py      two minutes on one core; prints two tables of docs/answers.md

*told* is MAML whose network has τ among its inputs, b₁ + Aτ, trained like *both* but for 3,000 steps instead of 10,000, and at
an outer rate of 0.003, which suits `Conditioned` better (docs/starts.md). Three seeds; 200 unseen waves, as in the lesson.
"""

import torch

from hyperedu import (
    MAML,
    Conditioned,
    Learner,
    MainNetwork,
    MLPGenerator,
    NoisyDescriptors,
    Sinusoids,
    TaskConditionedMAML,
    data_file,
    load_checkpoint,
    meta_test,
    meta_train,
)
from hyperedu.lessons.hypernetworks_meet_maml.trainings import KINDS

NOISES = (0.0, 0.25, 0.5, 1.0, 1.5, 3.0)


def told(main: MainNetwork, seed: int) -> Learner:
    torch.manual_seed(seed)
    learner, rng = TaskConditionedMAML(main, Conditioned(main, 2)), torch.Generator().manual_seed(seed)
    learner.outer_lr, tasks = 3e-3, NoisyDescriptors(Sinusoids().train, (0, 1.5))
    meta_train(learner, tasks, 3_000, 25, 10, 10, rng=rng, progress=False)
    return learner


def trained(main: MainNetwork, seed: int) -> dict[str, Learner]:
    found = {name: kind(main, MLPGenerator(2, main, hidden=(64, 32))) for name, kind in KINDS.items()} | {"shown": MAML(main)}
    for name, learner in found.items():
        file = {"shown_0": "maml", "shown_1": "maml_1", "shown_2": "maml_2"}.get(f"{name}_{seed}", f"{name}_{seed}")
        load_checkpoint(data_file(f"checkpoints/{file}.safetensors"), learner)
    return found | {"told": told(main, seed)}


def cell(learners: list[Learner], s: float, shots: int, K: int) -> str:
    found = [meta_test(one, NoisyDescriptors(Sinusoids().test, s), shots, 50, 200, inner_steps=K) for one in learners]
    medians, means, bad = (torch.tensor([getattr(one, what) for one in found]) for what in ("median", "mean", "share_diverged"))
    return f"{medians.mean():.3f} ({medians.min():.3f}–{medians.max():.3f}), {means.mean():.3g}, {bad.mean():.1%}"


if __name__ == "__main__":
    torch.set_num_threads(1)
    seeds = [trained(MainNetwork.mlp([1, 40, 40, 1]), seed) for seed in range(3)]
    for shots in (10, 1):
        print(f"\n{shots} shots: learner, steps, s in {NOISES}")
        for name in seeds[0]:
            for K in (0,) if name == "described" else (1, 5):
                row = (cell([of[name] for of in seeds], s, shots, K) for s in NOISES)
                print(f"| {name} | {K} | " + " | ".join(row) + " |")
