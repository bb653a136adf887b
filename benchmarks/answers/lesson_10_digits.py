"""What answers to readers of lesson 10 need beside its tables: what the frozen network reads, and what few steps and decay do.

    .venv/bin/python benchmarks/answers/lesson_10_digits.py     two minutes on one core; prints the numbers of docs/answers.md

Adapters of rank 8: three seeds, the splits of data/beyond.json. Digits at 240° and clients: five seeds, those of the same file.
"""

import json

import torch

from hyperedu import ColoradoClimate, Digits, MainNetwork, Text, accuracy, data_file
from hyperedu.lessons.beyond import adapters, clients, sequences
from hyperedu.statistics import in_words


def row(name: str, runs: list[float]) -> None:
    print(f"| {name} | {in_words(torch.tensor(runs))} |", flush=True)


def last_angle(seed: int, alone: bool, steps: int, lr: float, digits: Digits) -> float:
    """What the plain network of the lesson reads at the last angle, learned alone or after the four others."""
    tasks, rng = sequences.turned_digits("train", digits), torch.Generator().manual_seed(seed)
    main = MainNetwork.mlp([64, 32, 10], "relu", loss="cross_entropy")
    learner = sequences.beginner("plain", main, len(tasks), (32,), rng)
    theta = sequences.in_sequence(learner, tasks[-1:] if alone else tasks, steps, lr=lr, queries=5, rng=rng)[-1]
    test = sequences.turned_digits("test", digits)[-1].sample(1, 1, 20, torch.Generator().manual_seed(0)).query
    return accuracy(main(theta[-1:], test.x), test.y).item()


def of_adapters(seed: int, digits: Digits, text: Text) -> dict[str, float]:
    """What is read by the frozen network, by adapters after a right sentence, and after a wrong one about upright digits."""
    frozen, (train, _new) = adapters.reads_upright(digits, seed), adapters.sentences(seed)
    learner = adapters.adapter(frozen, 8, adapters.ToldDigits(digits.train, train, text), seed)
    found = {"frozen, upright": adapters.told_right(frozen, digits, {"digits": ()}, text)}
    for change in adapters.CHANGES:
        says = [sentence for sentence, done in train.items() if done == (change,)]
        found[f"frozen, {change}"] = adapters.told_right(frozen, digits, {"digits": (change,)}, text)
        found[f"adapted, {change}"] = adapters.told_right(learner, digits, dict.fromkeys(says, (change,)), text)
        found[f"adapted, upright, told {change}"] = adapters.told_right(learner, digits, dict.fromkeys(says, ()), text)
    return found


def usual_decay(seed: int, kept: dict[str, float]) -> dict[str, float]:
    """By how much *written for each* errs more with AdamW's usual weight decay, by group of clients, °C."""
    climate, rng = ColoradoClimate(examples="years", split=seed), torch.Generator().manual_seed(seed)
    stations, new = clients.Clients(climate, seed), clients.newcomers(climate)
    learner, _decay = clients.learners(climate, rng)["written for each"]
    clients.federated(learner, stations, 0.01, rng)
    parts = (clients.errors(learner.main, learner.written(p.descriptor), p) for p in (stations.sample(), new))
    return {group: error - kept[group] for part in parts for group, error in part.items()}


if __name__ == "__main__":
    torch.set_num_threads(1)
    digits, text = Digits(), Text()
    each = [of_adapters(seed, digits, text) for seed in range(3)]
    for name in sorted(each[0]):
        row(name, [run[name] for run in each])
    kept = [run["written for each"] for run in json.loads(data_file("beyond.json").read_text(encoding="utf-8"))["clients"]]
    each = [usual_decay(seed, kept[seed]) for seed in range(5)]
    for group in each[0]:
        row(f"decay 0.01 less decay 1, {group}", [run[group] for run in each])
    for alone, steps, lr in ((True, 200, 0.003), (False, 200, 0.003), (True, 1000, 0.003), (True, 200, 0.03)):
        name = f"plain at 240°, {'alone' if alone else 'after four angles'}, {steps} steps, rate {lr}"
        row(name, [last_angle(seed, alone, steps, lr, digits) for seed in range(5)])
