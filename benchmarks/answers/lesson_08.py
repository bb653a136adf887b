"""What readers asked of lesson 08: what weight decay does to θ, what 80 stations reach without it, and early stopping.

    .venv/bin/python benchmarks/answers/lesson_08.py      two minutes on one core, for docs/answers.md

Splits, networks and trainings are those of data/make_regularization.py, five seeds; ± is the half-width of a 95% interval.
"""

import sys
from pathlib import Path

import torch

from hyperedu import Sensitivity, WeightNorm, meta_train
from hyperedu.statistics import half_interval

sys.path.append(str(Path(__file__).parents[2] / "data"))
from make_regularization import errors, make

SEEDS = range(5)


def trained(n: int, seed: int, decay: float = 0.01, penalty=None, stop: int | None = None):
    """The learner, its family, and its errors; `stop` asks for validation errors every so many steps, as early stopping has."""
    family, learner, rng = make("plain", n, seed)
    settings = {"optimizer": torch.optim.AdamW(learner.parameters(), lr=2e-3, weight_decay=decay), "rng": rng}
    settings |= {"progress": False, "penalties": penalty, "anneal": False if stop else None}
    parts = []
    for _part in range(600 // stop if stop else 1):
        meta_train(learner, family.train, stop or 600, min(25, n), 0, 12, **settings)
        parts.append(errors(learner, family))
    return family, learner, parts


def said(values) -> str:
    values = torch.as_tensor(values, dtype=torch.float64)
    return f"{values.mean():.2f} ± {half_interval(values):.2f}"


if __name__ == "__main__":
    torch.set_num_threads(1)
    ways = {"none": {}, "weight decay 10": {"decay": 10}, "sensitivity 100": {"penalty": {Sensitivity(): 100}}}
    for name, way in (ways | {"weight norm 10": {"penalty": {WeightNorm(): 10}}}).items():
        runs = [trained(20, seed, **way) for seed in SEEDS]
        thetas = [learner(family.test.sample(None, 0, 12).descriptor).detach() for family, learner, _parts in runs]
        size, change = ([v.square().mean().sqrt() for v in parts] for parts in (thetas, [theta.std(0) for theta in thetas]))
        print(f"| {name} | {said([run[2][0]['test'] for run in runs])} | {said(size)} | {said(change)} |", flush=True)
    for n in (80, 100):
        print(f"none, {n} stations: {said([trained(n, seed)[2][0]['test'] for seed in SEEDS])}", flush=True)
    for seed in SEEDS:
        seen = [part["validation"] for part in trained(20, seed, stop=20)[2]]
        print(f"early stopping, 20 stations, seed {seed}: step {20 * (1 + seen.index(min(seen)))}", flush=True)
