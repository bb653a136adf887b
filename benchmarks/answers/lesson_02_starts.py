"""What readers of lesson 02 asked: does the default initialisation catch up, with longer training or at another rate?

    .venv/bin/python benchmarks/answers/lesson_02_starts.py      three minutes on one core

For each number of steps, rate of Adam and initialisation: the mean loss of the last 50 steps, for three seeds.
docs/answers.md has what it prints.
"""

import torch

from hyperedu import Hypernetwork, MainNetwork, MLPGenerator, Sinusoids, meta_train


def main() -> None:
    """Lesson 02's training with five hidden layers, longer and at other rates."""
    torch.set_num_threads(1)
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


if __name__ == "__main__":
    main()
