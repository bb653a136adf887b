"""What readers of lessons 03 and 05 asked and these do not try: rows of docs/answers.md, of the seeds 0, 1, 2.

.venv/bin/python benchmarks/answers/lessons_03_and_05.py      two minutes on one core
"""

import torch

import hyperedu as h
from hyperedu.lessons.generator_designs.trainings import DESIGNS
from hyperedu.statistics import half_interval


def conditioned(seed):  # lesson 03: 3,017 numbers, trained as the 3,022 are; mean loss
    torch.manual_seed(seed)
    one, waves = h.Conditioned(h.MainNetwork.mlp([1, 52, 52, 1]), 2), h.Sinusoids()
    h.meta_train(one, waves.train, 3000, 8, shots=0, optimizer=torch.optim.Adam(one.parameters(), 5e-3), progress=False)
    return h.meta_test(one, waves.test, shots=0, n_tasks=200).mean


def tile(seed, trained):  # lesson 03: the share of the mean tile in the mean square of W₂, convolutional, one wave
    torch.manual_seed(seed)
    main = h.MainNetwork.mlp([1, 40, 40, 1])
    one = h.Hypernetwork(main, DESIGNS["convolutional"](main))
    if trained:
        h.load_checkpoint(h.data_file(f"checkpoints/design_convolutional_{seed}.safetensors"), one)
    with torch.no_grad():
        W_2 = main.unflatten(one.generator(h.Sinusoids().describe(amplitude=2.0, phase=1.0)))["2.weight"]
    tiles = W_2.view(10, 4, 10, 4).transpose(1, 2).reshape(100, 16)
    return (tiles.mean(0).square().mean() / tiles.square().mean()).item()


def without_decay(n, seed):  # lesson 05: the hypernetwork from n stations, °C
    climate = h.ColoradoClimate("tmax", n_train=n, split=seed)
    torch.manual_seed(seed)
    year = h.MainNetwork.mlp([2, 32, 32, 1], "tanh", climate.y_mean, climate.y_std)
    one = h.Hypernetwork(year, h.MLPGenerator(3, year))
    adamw = torch.optim.AdamW(one.parameters(), lr=2e-3, weight_decay=0.0)
    h.meta_train(one, climate.train, 300, min(n, 25), 0, 9, optimizer=adamw, progress=False)
    return h.meta_test(one, climate.test, 0, 9).rmse


def row(what, errors):  # (3,): the mean, half its 95% interval, and each
    errors = torch.tensor(errors)
    each = ", ".join(f"{e:.3g}" for e in errors)
    print(f"| {what} | {errors.mean():.3g} ± {half_interval(errors):.2g} | {each} |", flush=True)


if __name__ == "__main__":
    torch.set_num_threads(1)
    row("03: conditioned, 3,017 numbers: mean loss on 200 unseen waves", [conditioned(seed) for seed in range(3)])
    row("03: mean tile, untrained: share of the mean square of W₂", [tile(seed, False) for seed in range(3)])
    row("03: mean tile, trained: the same", [tile(seed, True) for seed in range(3)])
    errors = [without_decay(12, seed) for seed in range(3)]
    row("05: hypernetwork without weight decay, 12 stations: °C on unseen stations", errors)
