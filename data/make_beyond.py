"""The tables of lesson 10: forgetting, clients, and the rank of an adapter, each with several seeds.

python data/make_beyond.py      writes beyond.json, about four minutes on one core
"""

import json
from pathlib import Path

import torch
from tqdm.auto import tqdm

from hyperedu import Digits, Examples, MainNetwork, Text, accuracy
from hyperedu.lessons.beyond import adapters, clients, sequences


def polynomials(seed: int) -> dict[str, list[float]]:
    """The final mean squared error of each polynomial, without noise, after 1,500 steps each."""
    found, tasks = {}, sequences.polynomials(seed)
    grid = Examples(*(torch.stack([getattr(task.grid, v) for task in tasks]) for v in "xy"))
    for name, (kind, strength) in sequences.WAYS.items():
        rng = torch.Generator().manual_seed(seed)
        main = MainNetwork.mlp([1, 10, 10, 1], "tanh")
        learner = sequences.beginner(kind, main, len(tasks), (32, 32), rng)
        theta = sequences.in_sequence(learner, tasks, 1500, strength, rng=rng)[-1]
        found[name] = main.loss(theta, grid).tolist()
    return found


def digits(seed: int, drawings: Digits) -> dict[str, list[float]]:
    """The final accuracy at each angle on drawings held out, after 200 steps each."""
    found, tasks = {}, sequences.turned_digits("train", drawings)
    test = [task.sample(1, 1, 20, torch.Generator().manual_seed(0)).query for task in sequences.turned_digits("test", drawings)]
    query = Examples(torch.cat([own.x for own in test]), torch.cat([own.y for own in test]))
    for name, (kind, strength) in sequences.WAYS.items():
        rng = torch.Generator().manual_seed(seed)
        main = MainNetwork.mlp([64, 32, 10], "relu", loss="cross_entropy")
        learner = sequences.beginner(kind, main, len(tasks), (32,), rng)
        theta = sequences.in_sequence(learner, tasks, 200, 10 * strength, lr=3e-3, queries=5, rng=rng)[-1]
        found[name] = accuracy(main(theta, query.x), query.y).tolist()
    return found


def ranks(seed: int, drawings: Digits, text: Text) -> dict[int, dict[str, float]]:
    """The accuracy of adapters of each rank, on drawings held out and sentences known, new, or of two changes."""
    train, new = adapters.sentences(seed)
    frozen = adapters.reads_upright(drawings, seed)
    tasks = adapters.ToldDigits(drawings.train, train, text)
    tests = {"known sentences": train, "new sentences": new, "two changes": adapters.pairs()}
    found = {0: {name: adapters.told_right(frozen, drawings, told, text) for name, told in tests.items()}}
    for rank in (1, 2, 4, 8, 16):
        learner = adapters.adapter(frozen, rank, tasks, seed)
        found[rank] = {name: adapters.told_right(learner, drawings, told, text) for name, told in tests.items()}
    return found


if __name__ == "__main__":
    torch.set_num_threads(1)
    drawings, text = Digits(), Text()
    found = {
        "polynomials": [polynomials(seed) for seed in tqdm(range(5))],
        "digits": [digits(seed, drawings) for seed in tqdm(range(5))],
        "clients": [clients.measured(seed) for seed in tqdm(range(5))],
        "ranks": [ranks(seed, drawings, text) for seed in tqdm(range(3))],
    }
    (Path(__file__).parent / "beyond.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
