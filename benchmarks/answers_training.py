"""What readers of lesson 02 asked: a longer start from both initialisations, rates beyond the grid, and ten further runs.

    .venv/bin/python benchmarks/answers_training.py starts     (or edges, or seeds; each some two minutes on one core)

docs/measurements.md has what it prints; each ± is half of a 95% interval over the runs.
"""

import sys

import torch
from rates import error, learners

from hyperedu import ColoradoClimate, Hypernetwork, MainNetwork, MLPGenerator, Sinusoids, meta_train
from hyperedu.statistics import half_interval


def starts() -> None:
    """Five hidden layers, two initialisations, three rates of Adam: mean loss of the last 50 steps for each of three seeds."""
    deep, family = MainNetwork.mlp([1, 40, 40, 40, 40, 40, 1]), Sinusoids()
    for steps, rate, init in ((s, r, i) for s in (100, 1000) for r in (3e-4, 1e-3, 3e-3) for i in ("hyperfan", "default")):
        losses = []
        for seed in range(3):
            torch.manual_seed(seed)
            learner = Hypernetwork(deep, MLPGenerator(2, deep, init=init))
            adam = torch.optim.Adam(learner.parameters(), lr=rate)
            history = meta_train(learner, family.train, steps, shots=0, optimizer=adam, progress=False)
            losses.append(history.recent()["loss"])
        print(steps, rate, init, *(f"{loss:.3f}" for loss in losses), flush=True)


def contest(on: str, name: str, rate: float, seeds: range) -> torch.Tensor:
    """Lesson 02's, with a choice of stations for each seed: the errors of one learner on unseen tasks."""
    errors = []
    for seed in seeds:
        family = Sinusoids() if on == "sinusoids" else ColoradoClimate("tmax", split=seed)
        if on == "sinusoids":
            nets = [MainNetwork.mlp([1, width, width, 1]) for width in (40, 340)]
        else:
            nets = [MainNetwork.mlp([2, width, width, 1], "tanh", family.y_mean, family.y_std) for width in (32, 280)]
        errors.append(error(family, learners(len(family.descriptors.names), *nets)[name], rate, seed))
    found = torch.tensor(errors)
    print(on, name, f"{rate:g}: {found.mean():.3f} ± {half_interval(found):.3f}", *(f"{e:.3f}" for e in errors), flush=True)
    return found


def edges() -> None:
    for on, name, rates in (
        ("sinusoids", "conditioned", (0.03, 0.06, 0.1)),
        ("sinusoids", "conditioned, wide", (0.03, 0.06)),
        ("Colorado", "shared weights", (3e-4, 1e-3)),
        ("Colorado", "conditioned", (0.03, 0.06, 0.1)),
    ):
        for rate in rates:
            contest(on, name, rate, range(3))


def seeds() -> None:
    for on, wide in (("sinusoids", 0.03), ("Colorado", 0.01)):
        ours = contest(on, "hypernetwork", 0.01, range(10, 20))
        for name, rate in (("conditioned", 0.03), ("conditioned, wide", wide)):
            more = contest(on, name, rate, range(10, 20)) - ours
            print(f"    minus the hypernetwork's: {more.mean():.3f} ± {half_interval(more):.3f}", flush=True)


if __name__ == "__main__":
    torch.set_num_threads(1)
    {"starts": starts, "edges": edges, "seeds": seeds}[sys.argv[1]]()
