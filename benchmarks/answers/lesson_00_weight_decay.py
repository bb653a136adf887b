"""What readers of lesson 00 asked: does strong weight decay still help if stations of a third kind choose it?

    .venv/bin/python benchmarks/answers/lesson_00_weight_decay.py      two minutes on one core

For each split and decay: the mean RMSE (°C) at 60 of the training stations, with the other 154 trained on, and at the 60 test
stations, with all 214 trained on. docs/answers.md has what it prints.
"""

import torch

from hyperedu import ColoradoClimate, Hypernetwork, MainNetwork, MLPGenerator, meta_test, meta_train
from hyperedu.batches import TaskSet
from hyperedu.statistics import half_interval

DECAYS = (0.01, 0.1, 1.0, 10.0)


def rmse(family: ColoradoClimate, test: TaskSet, decay: float) -> float:
    """The mean RMSE at the stations `test` of what lesson 00 trains on those of the family."""
    torch.manual_seed(0)
    main = MainNetwork.mlp([2, 32, 32, 1], "tanh", y_mean=family.y_mean, y_std=family.y_std)
    learner = Hypernetwork(main, MLPGenerator(3, main))
    optimizer = torch.optim.AdamW(learner.parameters(), lr=2e-3, weight_decay=decay)
    meta_train(learner, family.train, 1000, shots=0, queries=12, optimizer=optimizer, progress=False)
    return meta_test(learner, test, shots=0).per_task.sqrt().mean().item()


def linear(family: ColoradoClimate) -> float:
    """The mean RMSE at the test stations of lesson 00's linear regression, one for each month."""
    values = torch.stack([family.stations[name] for name in family.descriptors.names], dim=-1)
    X, y = torch.nn.functional.pad(family.descriptors(values), (0, 1), value=1.0), family.mean_year
    fit = torch.linalg.lstsq(X[family.train.index], y[family.train.index]).solution
    return (X @ fit - y)[family.test.index].square().mean(-1).sqrt().mean().item()


def main() -> None:
    torch.set_num_threads(1)
    errors = {"chosen": [], "usual": [], "linear": []}
    for split in range(5):
        family, fewer = ColoradoClimate("tmax", split=split), ColoradoClimate("tmax", split=split, n_test=120)
        third = sorted(set(fewer.test.index.tolist()) - set(family.test.index.tolist()))
        valid = [rmse(fewer, type(fewer.test)(fewer, torch.tensor(third)), decay) for decay in DECAYS]
        test = [rmse(family, family.test, decay) for decay in DECAYS]
        print(split, *(f"{d:g}: {v:.3f}, {t:.3f};" for d, v, t in zip(DECAYS, valid, test, strict=True)), flush=True)
        for name, value in zip(errors, (test[valid.index(min(valid))], test[0], linear(family)), strict=True):
            errors[name].append(value)
    for one, other in (("chosen", "usual"), ("chosen", "linear"), ("usual", "linear")):
        more = torch.tensor(errors[one]) - torch.tensor(errors[other])
        print(f"{one} minus {other}: {more.mean():.3f} ± {half_interval(more):.3f}")


if __name__ == "__main__":
    main()
