"""What readers asked of lesson 08: lesson 00's Gaussian process, on the stations of its honest test.

    .venv/bin/python benchmarks/answers/lesson_08_process.py      ten seconds on one core, for docs/answers.md

It is fitted to the training stations of each of the five splits of data/regularization.json, and judged by the test stations.
Differences are taken seed by seed; ± is the half-width of a 95% interval.
"""

import json
import warnings

import torch
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, WhiteKernel

from hyperedu import ColoradoClimate, data_file
from hyperedu.statistics import half_interval

RUNS = json.loads(data_file("regularization.json").read_text(encoding="utf-8"))


def process(n: int, seed: int) -> float:
    family = ColoradoClimate(split=seed, n_test=120, n_train=n)
    values = {name: family.stations[name] for name in family.descriptors.names}
    tau, y = family.describe(**values).numpy(), family.mean_year.numpy()
    train, test = family.train.index, family.test.index[1::2]  # every other one judges
    fitted = GaussianProcessRegressor(RBF([1.0, 1.0, 1.0]) + WhiteKernel(), normalize_y=True, random_state=0)
    error = fitted.fit(tau[train], y[train]).predict(tau[test]) - y[test]
    return torch.from_numpy(error).square().mean(-1).sqrt().mean().item()


def decayed(n: int, seed: int) -> float:
    """The test error of the weight decay that the validation stations chose."""
    key = {"way": "weight_decay", "generator": "plain", "stations": n, "seed": seed}
    return min((run for run in RUNS if key.items() <= run.items()), key=lambda run: run["validation"])["test"]


def said(values: torch.Tensor) -> str:
    return f"{values.mean():.2f} ± {half_interval(values):.2f}"


if __name__ == "__main__":
    warnings.simplefilter("ignore")  # a length of the kernel at its bound, where stations are few
    print("| training stations | Gaussian process | less than the network with weight decay by |\n|---|---|---|")
    for n in (10, 20, 50, 154):
        ours, theirs = (torch.tensor([way(n, seed) for seed in range(5)]).double() for way in (process, decayed))
        print(f"| {n} | {said(ours)} | {said(theirs - ours)} |")
