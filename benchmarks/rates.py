"""The contest of lesson 02 at other rates of Adam: with as many learned numbers, who wins hangs on the rate.

    .venv/bin/python benchmarks/rates.py      ten minutes on one core; writes docs/rates.md

250 steps of 25 tasks without examples, tested on 600 unseen tasks; seeds 0, 1, 2 set the learners and the tasks; one thread.
"""

from collections.abc import Callable
from pathlib import Path

import torch

from hyperedu import (
    ColoradoClimate,
    Conditioned,
    Hypernetwork,
    Learner,
    MainNetwork,
    MLPGenerator,
    SharedWeights,
    Sinusoids,
    compare,
)
from hyperedu.batches import Family

TABLE = Path(__file__).parents[1] / "docs" / "rates.md"
RATES, SEEDS = (1e-3, 3e-3, 1e-2, 2e-2, 3e-2), range(3)


def learners(d_tau: int, main: MainNetwork, wide: MainNetwork) -> dict[str, Callable[[], Learner]]:
    return {
        "shared weights": lambda: SharedWeights(main),
        "conditioned": lambda: Conditioned(main, d_tau),
        "conditioned, wide": lambda: Conditioned(wide, d_tau),
        "hypernetwork": lambda: Hypernetwork(main, MLPGenerator(d_tau, main)),
    }


def error(family: Family, make: Callable[[], Learner], rate: float, seed: int) -> float:
    torch.manual_seed(seed)
    report = compare(
        {"it": make()}, family, 250, optimizer=lambda parameters: torch.optim.Adam(parameters, lr=rate), shots=0, seed=seed,
        progress=False,
    )  # fmt: skip
    return report.rows["it"].reports[0].mean


def main() -> None:
    torch.set_num_threads(1)
    climate = ColoradoClimate("tmax")
    years = (MainNetwork.mlp(sizes, "tanh", climate.y_mean, climate.y_std) for sizes in ([2, 32, 32, 1], [2, 280, 280, 1]))
    sines = MainNetwork.mlp([1, 40, 40, 1]), MainNetwork.mlp([1, 340, 340, 1])
    lines = [
        "# The contest of lesson 02 at other rates",
        "",
        "Made by `benchmarks/rates.py`. Mean loss on 600 unseen tasks at each rate: mean of three seeds (least to greatest).",
        "",
        "| tasks | learner | " + " | ".join(f"{rate:g}" for rate in RATES) + " |",
        "|---|---|" + "---|" * len(RATES),
    ]
    for name, family, made in (("sinusoids", Sinusoids(), learners(2, *sines)), ("Colorado", climate, learners(3, *years))):
        for learner, make in made.items():
            cells = []
            for rate in RATES:
                errors = [error(family, make, rate, seed) for seed in SEEDS]
                cells.append(f"{sum(errors) / len(errors):.3f} ({min(errors):.3f}–{max(errors):.3f})")
            lines.append(f"| {name} | {learner} | " + " | ".join(cells) + " |")
            print(lines[-1], flush=True)
    TABLE.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
