"""What readers of lesson 04 asked and it does not try: rows of docs/answers.md, of the seeds and splits 0, 1, 2.

.venv/bin/python benchmarks/answers/lesson_04.py      a quarter of an hour on one core; needs hyperedu[text]
"""

import torch

import hyperedu as h
from hyperedu.lessons.task_descriptors.phrases import WavesInWords
from hyperedu.lessons.task_descriptors.trainings import trained
from hyperedu.statistics import in_words

SETS = "new_templates", "new_images", "new_adjectives", "rare_words"


def told(kind, statistics, text=None):  # kind → (d_tau, describe)
    ways = {"statistics": (statistics.dim, lambda b: statistics(b.support))}
    ways["sentence"] = 384, lambda b: text(b.properties["text"])
    return ways.get(kind, (3, lambda b: b.descriptor))  # who is encoded does not look at it


def wave(kind, steps, seed, text=None, sentences=1000):  # lesson 04: R² in per cent, one for each of SETS
    torch.manual_seed(seed)
    family, main = WavesInWords(seed, n_train=sentences, n_test=100), h.MainNetwork.mlp([1, 24, 24, 1], "tanh")
    dim, describe = told(kind, h.SupportStatistics.fit(family.train.sample(500, 10, 1).support), text)
    projection, dim = (torch.nn.Linear(dim, 32), 32) if text else (None, dim)
    one = h.Hypernetwork(main, h.MLPGenerator(dim, main, hidden=(64, 64)), projection)
    one = h.SupportSetHypernetwork(main, 32) if kind == "encoded" else one
    how = dict(noise=0.5 if text else 0.0, lr=2e-3, decay=0.01, steps=steps, tasks_per_step=64, queries=16, progress=False)
    trained(one, family.train, describe, **how)
    new = [h.Described(getattr(family, name), describe) for name in SETS]
    new = [some.sample(None, 10, 100, torch.Generator().manual_seed(0)).query.y.var(correction=0) for some in new], new
    return [100 * (1 - h.meta_test(one, some, 10, 100).mean / y.item()) for y, some in zip(*new, strict=True)]


def station(kind, steps, lr, split):  # lesson 04: °C
    torch.manual_seed(split)
    climate = h.ColoradoClimate(split=split)
    year = h.MainNetwork.mlp([2, 32, 32, 1], "tanh", climate.y_mean, climate.y_std)
    dim, describe = told(kind, h.SupportStatistics.fit(climate.train.sample(None, 6, 6).support))
    one = h.Hypernetwork(year, h.MLPGenerator(dim, year, hidden=(32, 32)))
    one = h.SupportSetHypernetwork(year, 32) if kind == "encoded" else one
    trained(one, climate.train, describe, lr=lr, decay=0.1, steps=steps, shots=6, queries=6, progress=False)
    return h.meta_test(one, h.Described(climate.test, describe), 6, 6).rmse


if __name__ == "__main__":
    torch.set_num_threads(1)
    for kind in ("numbers", "statistics", "encoded", "sentence"):
        for steps in (3200,) if kind == "sentence" else (800, 3200):
            text, sentences = (h.Text(), 8000) if kind == "sentence" else (None, 1000)
            R2 = torch.tensor([wave(kind, steps, seed, text, sentences) for seed in range(3)])
            print(f"| waves, {kind}, {steps:,} steps |", *(f"{in_words(each)} |" for each in R2.T), flush=True)
    for lr, steps in ((0.01, 300), (0.01, 1500), (0.002, 300), (0.002, 1500)):
        said = (
            in_words(torch.tensor([station(kind, steps, lr, k) for k in range(3)]))
            for kind in ("statistics", "numbers", "encoded")
        )
        print(f"| stations, rate {lr}, {steps:,} steps |", *(f"{each} |" for each in said), flush=True)
