"""What readers of lesson 02 asked: does the default initialisation catch up, with longer training or at another rate?

    .venv/bin/python benchmarks/answers_starts.py      three minutes on one core

For each number of steps and rate of Adam: the mean loss of the last 50 steps, hyperfan and default (least to greatest of the
seeds), and what the default has more, seed by seed, with half of its 95% interval. docs/measurements.md has what it prints.
"""

import torch

from hyperedu import Hypernetwork, MainNetwork, MLPGenerator, Sinusoids, meta_train
from hyperedu.statistics import half_interval


def main() -> None:
    """Five hidden layers, two initialisations: mean loss of the last 50 steps, at some rates of Adam, for some seeds."""
    deep, family = MainNetwork.mlp([1, 40, 40, 40, 40, 40, 1]), Sinusoids()
    for steps, rate, n in [(100, r, 8) for r in (3e-4, 1e-3, 3e-3, 1e-2)] + [(1000, r, 3) for r in (3e-4, 1e-3, 3e-3)]:
        losses = torch.zeros(2, n)
        for k, seed in ((k, seed) for k in range(2) for seed in range(n)):
            torch.manual_seed(seed)
            learner = Hypernetwork(deep, MLPGenerator(2, deep, init=("hyperfan", "default")[k]))
            adam = torch.optim.Adam(learner.parameters(), lr=rate)
            history = meta_train(learner, family.train, steps, shots=0, optimizer=adam, progress=False)
            losses[k, seed] = history.recent()["loss"]
        both = (f"{row.mean():.3f} ({row.min():.3f}–{row.max():.3f})" for row in losses)
        more = losses[1] - losses[0]
        print(steps, rate, *both, f"{more.mean():.3f} ± {half_interval(more):.3f}", flush=True)


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
