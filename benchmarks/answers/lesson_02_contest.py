"""What readers of lesson 02 asked of its contest: what comes of rates beyond the grid, and of ten further runs?

    .venv/bin/python benchmarks/answers/lesson_02_contest.py edges     (or seeds; two minutes each, on one core)

docs/answers.md has what it prints; each ± is half of a 95% interval over the runs.
"""

import sys
from pathlib import Path

import torch

from hyperedu import ColoradoClimate, MainNetwork, Sinusoids
from hyperedu.statistics import in_words

sys.path.append(str(Path(__file__).parents[1]))
from rates import error, learners


def contest(on: str, name: str, rate: float, seeds: range) -> torch.Tensor:
    """Lesson 02's, with a choice of stations for each seed: the errors of one learner on unseen tasks."""
    errors = torch.zeros(len(seeds))
    for k, seed in enumerate(seeds):
        family = Sinusoids() if on == "sinusoids" else ColoradoClimate("tmax", split=seed)
        kind = ("relu",) if on == "sinusoids" else ("tanh", family.y_mean, family.y_std)
        sizes = ([1, n, n, 1] for n in (40, 340)) if on == "sinusoids" else ([2, n, n, 1] for n in (32, 280))
        made = learners(len(family.descriptors.names), *(MainNetwork.mlp(s, *kind) for s in sizes))
        errors[k] = error(family, made[name], rate, seed)
    print(on, name, rate, in_words(errors), *(f"{e:.3f}" for e in errors), flush=True)
    return errors


def edges() -> None:
    for rate in (0.03, 0.06, 0.1):
        contest("sinusoids", "conditioned", rate, range(3))
        contest("Colorado", "conditioned", rate, range(3))
    for rate in (0.03, 0.06):
        contest("sinusoids", "conditioned, wide", rate, range(3))
    for rate in (3e-4, 1e-3):
        contest("Colorado", "shared weights", rate, range(3))


def seeds() -> None:
    for on, wide in (("sinusoids", 0.03), ("Colorado", 0.01)):
        ours = contest(on, "hypernetwork", 0.01, range(10, 20))
        for name, rate in (("conditioned", 0.03), ("conditioned, wide", wide)):
            print("    minus the hypernetwork's:", in_words(contest(on, name, rate, range(10, 20)) - ours), flush=True)


if __name__ == "__main__":
    torch.set_num_threads(1)
    {"edges": edges, "seeds": seeds}[sys.argv[1]]()
