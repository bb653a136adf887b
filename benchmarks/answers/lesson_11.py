"""Life expectancy, lesson 11: what its verdict would be with more steps, with the logarithm of the income, with weight decay.

    .venv/bin/python benchmarks/answers/lesson_11.py     two minutes on one core; prints the numbers of docs/answers.md

Ten splits, those of the lesson; what is judged, and how, is `rivals`'s.
"""

import statistics

import numpy
import pandas
import torch

from hyperedu import Hypernetwork, MainNetwork, MLPGenerator, Table, data_file, meta_train, rivals
from hyperedu.statistics import in_words

FRAME = pandas.read_csv(data_file("life_expectancy.csv"))
FRAME["log income"] = numpy.log10(FRAME["income in 1952 (dollars)"])
SPLITS, RICHEST = range(10), "Kuwait"


def lives(split: int, income: str = "income in 1952") -> Table:
    return Table(FRAME, "country", ["continent", income], ["year"], ["life expectancy"], split=split)


def of_countries(split: int, decay: float, steps: int = 300) -> dict[str, float]:
    """Country held out → the error of the hypernetwork of `rivals`, trained with weight decay, on one split."""
    table = lives(split)
    torch.manual_seed(split)
    main = MainNetwork.mlp([table.d_in, 16, 1], "tanh", table.y_mean, table.y_std)
    learner = Hypernetwork(main, MLPGenerator(table.descriptors.dim, main, hidden=(32, 32)))
    optimizer = torch.optim.AdamW(learner.parameters(), lr=learner.outer_lr, weight_decay=decay)
    meta_train(learner, table.train, steps, 20, 0, table.train.fewest, optimizer=optimizer, progress=False)
    tau, x, y, _number = table.rows_of(table.test)
    with torch.no_grad():
        miss = learner.main(learner(tau, None), x.unsqueeze(1)).flatten() - y[:, 0]
    names = [table.names[k] for k in table.test.index.tolist()]
    return dict(zip(names, miss.view(-1, 12).square().mean(1).sqrt().tolist(), strict=True))


def with_decay() -> None:
    found = {decay: [of_countries(split, decay) for split in SPLITS] for decay in (0.0, 1.0)}
    mean = {decay: torch.tensor([statistics.fmean(one.values()) for one in each]) for decay, each in found.items()}
    for decay, each in found.items():
        richest = {split: f"{one[RICHEST]:.1f}" for split, one in enumerate(each) if RICHEST in one}
        print(f"hypernetwork, decay {decay}: {in_words(mean[decay])} years; {RICHEST}, by split: {richest}")
        others = [statistics.fmean(v for name, v in one.items() if name != RICHEST) for one in each]
        print("without it, by split:", *(f"{error:.1f}" for error in others))
    print("less by", in_words(mean[0.0] - mean[1.0]))


if __name__ == "__main__":
    torch.set_num_threads(1)
    with_decay()
    for income, steps in (("income in 1952", 300), ("income in 1952", 800), ("log income", 300)):
        found = rivals(lambda split, income=income: lives(split, income), SPLITS, steps=steps, progress=False)
        print(f"\n{income}, {steps} steps", found, found.verdict, sep="\n")
        more = {name: (errors > found.errors[found.best]).sum().item() for name, errors in found.errors.items()}
        print("errs more than the best in how many splits:", more)
        for name in ("linear regression", "network told τ", "hypernetwork"):
            print(f"{name}, split by split:", *(f"{error:.2f}" for error in found.errors[name]), flush=True)
