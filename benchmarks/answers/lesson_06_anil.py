"""What readers asked of lesson 06: is ANIL behind only since its inner rate, 0.01, is MAML's?

    .venv/bin/python benchmarks/answers/lesson_06_anil.py      two minutes on one core; prints a table of docs/answers.md

Trainings as lesson 06's, for 3,000 batches instead of 10,000, three seeds; the inner rate in training is that of the test, on
the 600 waves of lesson 06.
"""

import torch

from hyperedu import ANIL, MAML, Learner, MainNetwork, Sinusoids, meta_train
from hyperedu.statistics import half_interval

STEPS, SEEDS = 3000, range(3)


def losses(learner: Learner, family: Sinusoids, seed: int) -> torch.Tensor:
    """The median query losses after one, five and ten steps, and the share of waves that diverged."""
    meta_train(learner, family.train, STEPS, 25, 10, 10, rng=torch.Generator().manual_seed(seed), progress=False)
    tasks = family.test.sample(600, 10, 100, torch.Generator().manual_seed(0))
    with torch.no_grad():
        path = learner.path(None, tasks.support, inner_steps=10)
        medians = learner.main.loss(path.theta, tasks.query).nan_to_num(1e9).median(dim=1).values[[1, 5, 10]]
    return torch.cat([medians, (path.diverged > 0).float().mean()[None]])


if __name__ == "__main__":
    torch.set_num_threads(1)
    family = Sinusoids()
    print("| learner, inner rate | median after one step | five | ten | diverged |\n|---|---|---|---|---|")
    for kind, rate in ((MAML, 0.01), (ANIL, 0.01), (ANIL, 0.03), (ANIL, 0.1), (ANIL, 0.3)):
        found = []
        for seed in SEEDS:
            torch.manual_seed(seed)
            found.append(losses(kind(MainNetwork.mlp([1, 40, 40, 1]), lr=rate), family, seed))
        one = torch.stack(found)
        cells = (f"{v.mean():.3f} ± {half_interval(v):.3f}" for v in one[:, :3].T)
        print(f"| {kind.__name__}, {rate} | " + " | ".join(cells) + f" | {one[:, 3].mean():.1%} |", flush=True)
