"""Rivals that lesson 10's tables lack: a federated network told τ, one reader for all five changes, adapters taught pairs.

    .venv/bin/python benchmarks/answers/lesson_10.py     one minute on one core; prints the numbers of docs/answers.md

Clients: five seeds, each its own split of the stations, the splits of data/beyond.json. Changes: three seeds, rank 8.
"""

import json

import torch

from hyperedu import ColoradoClimate, Conditioned, Digits, SharedWeights, Text, data_file, meta_train
from hyperedu.lessons.beyond import adapters, clients
from hyperedu.statistics import half_interval

TABLES = json.loads(data_file("beyond.json").read_text(encoding="utf-8"))


def told(seed: int, decay: float) -> dict[str, float]:
    """Group of clients → error of a network that is told τ beside x, trained as those of the lesson."""
    climate, rng = ColoradoClimate(examples="years", split=seed), torch.Generator().manual_seed(seed)
    stations, new = clients.Clients(climate, seed), clients.newcomers(climate)
    main = clients.learners(climate, rng)["written for each"][0].main
    learner = Conditioned(main, 3, rng=rng)
    clients.federated(learner, stations, decay, rng)
    every = stations.sample()
    return {k: v for part in (every, new) for k, v in clients.errors(main, learner.written(part.descriptor), part).items()}


def changes(seed: int, drawings: Digits, text: Text) -> dict[str, float]:
    """What is read of drawings held out: by one network told nothing, and by adapters that were taught pairs too."""
    train, _new = adapters.sentences(seed)
    frozen = adapters.reads_upright(drawings, seed)
    tasks, rng = adapters.ToldDigits(drawings.train, train, text), torch.Generator().manual_seed(seed)
    one = SharedWeights(frozen.main, rng=rng)
    optimizer = torch.optim.AdamW(one.parameters(), lr=5e-3)
    meta_train(one, tasks, 800, 16, 0, 5, optimizer=optimizer, anneal=True, rng=rng, progress=False)
    taught = adapters.adapter(frozen, 8, adapters.ToldDigits(drawings.train, train | adapters.pairs(), text), seed)
    return {
        "one network told nothing, known changes": adapters.told_right(one, drawings, train, text),
        "adapters taught pairs, single changes": adapters.told_right(taught, drawings, train, text),
        "adapters taught pairs, these pairs": adapters.told_right(taught, drawings, adapters.pairs(), text),
    }


def show(runs: list[dict[str, float]], name: str = "") -> None:
    for key in runs[0]:
        found = torch.tensor([run[key] for run in runs])
        print(f"| {name}{key} | {found.mean():.2f} ± {half_interval(found):.2f} |", flush=True)


if __name__ == "__main__":
    torch.set_num_threads(1)
    for decay in (0.01, 1.0):
        runs = [told(seed, decay) for seed in range(5)]
        show(runs, f"told τ, decay {decay}: ")
        pairs = [(run, own["written for each"]) for run, own in zip(runs, TABLES["clients"], strict=True)]
        show([{group: run[group] - own[group] for group in own} for run, own in pairs], "less that of written for each: ")
    drawings, text = Digits(), Text()
    show([changes(seed, drawings, text) for seed in range(3)])
