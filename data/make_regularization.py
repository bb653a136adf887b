"""The grid of lesson 08: ways to keep a generator honest, on Colorado stations, by the number of training stations.

    python data/make_regularization.py       makes data/regularization.json; goes on where it was stopped

A seed is a split of the stations, a start of the generator and the order of the batches. 120 stations are held out: every
second one ("validation") is there to choose strengths, the others ("test") judge. A run's three errors are RMSE in °C, means
over stations. Where nothing else is said a training has 600 steps of AdamW (learning rate 2e-3, weight decay 0.01) on up to
25 stations with all twelve months. About forty minutes on one core.
"""

import copy
import json
from pathlib import Path

import torch
from torch import nn
from tqdm.auto import tqdm

from hyperedu import (
    ColoradoClimate,
    Hypernetwork,
    MainNetwork,
    MLPGenerator,
    Reconstruction,
    Sensitivity,
    SpectralNorm,
    TaskConditionedMAML,
    TowardSharedWeights,
    WeightNorm,
    constant_norm,
    meta_train,
    outer_loss,
)

FILE = Path(__file__).parent / "regularization.json"
STATIONS, SEEDS = (10, 20, 50, 154), range(5)
STEPS, LR, DECAY = 600, 2e-3, 0.01

# way → the strengths that are tried, and with which generators: "plain" is f_φ(τ), "encoded" reads τ with constant norm,
# "start" is θ₀ + Δθ(τ), "shared" does both (magnitude invariant).
PLAIN, BOTH, ALL = ("plain",), ("plain", "shared"), ("plain", "encoded", "start", "shared")
WAYS = {
    "none": ([0], ALL),
    "learning_rate": ([5e-4, 5e-3, 1e-2, 2e-2, 4e-2, 8e-2, 0.16], PLAIN),
    "early_stopping": ([0], PLAIN),  # of the steps 20, 40, … the one with the least validation error; constant learning rate
    "weight_decay": ([0.3, 1, 3, 10, 30], BOTH),  # of AdamW, on φ
    "weight_norm": ([0.1, 1, 10, 100, 1000], PLAIN),
    "toward_theta_0": ([1, 10, 100, 1000, 10000], ("shared",)),
    "sensitivity": ([1, 10, 100, 1000, 10000, 100000], BOTH),
    "reconstruction": ([0.1, 1, 10, 100], PLAIN),
    "spectral_norm": ([0.01, 0.1, 1, 10, 100, 1000, 10000], BOTH),
    "decay_and_sensitivity": ([10, 100, 1000, 10000], PLAIN),  # strength of sensitivity, with a weight decay of 3
    "maml": ([3e-4, 1e-3], BOTH),  # α of three inner steps on six months in training; tested without a step
    "reptile": ([0.3, 1], PLAIN),  # ε; five inner steps on five stations
    "one_task": ([2e-3], PLAIN),  # learning rate; one station per step, as many examples in all
    "five_tasks": ([2e-3], PLAIN),
}
# way → the penalty that it adds; that of "reconstruction" is made for its main network.
PENALTIES = {
    "weight_norm": WeightNorm,
    "toward_theta_0": TowardSharedWeights,
    "sensitivity": Sensitivity,
    "spectral_norm": SpectralNorm,
    "decay_and_sensitivity": Sensitivity,
}


class Encoded(MLPGenerator):
    """f_φ of τ encoded with constant norm: what `magnitude_invariant` does without its θ₀."""

    def __init__(self, d_tau: int, main: MainNetwork, hidden, rng: torch.Generator):
        examples = constant_norm(torch.randn(4096, d_tau, generator=rng))
        super().__init__(2 * d_tau, main, hidden, descriptors=examples, rng=rng)

    def forward(self, descriptor):
        return super().forward(constant_norm(descriptor))


class Start(MLPGenerator):
    """θ₀ + Δθ(τ) with τ as it is: what `magnitude_invariant` does without its encoding."""

    def __init__(self, d_tau: int, main: MainNetwork, hidden, rng: torch.Generator):
        super().__init__(d_tau, main, hidden, rng=rng)
        theta_0, mean, share = main.initial_weights(rng=rng), main.initial_mean, 0.5**0.5  # half of the variance each
        self.theta_0 = nn.Parameter(mean + share * (theta_0 - mean))
        with torch.no_grad():
            self.head.weight.mul_(share)
            self.head.bias.zero_()

    def forward(self, descriptor):
        return self.theta_0 + super().forward(descriptor)


def make(kind: str, n: int, seed: int):
    """The family, the learner and the source of batches of one run."""
    family = ColoradoClimate(split=seed, n_test=120, n_train=n)
    main, rng = MainNetwork.mlp([2, 16, 16, 1], "tanh", family.y_mean, family.y_std), torch.Generator().manual_seed(seed)
    of_kind = {"plain": MLPGenerator, "encoded": Encoded, "start": Start}
    of_kind["shared"] = lambda *settings, **more: MLPGenerator(*settings, magnitude_invariant=True, **more)
    f = of_kind[kind](3, main, hidden=(32, 32), rng=rng)
    return family, Hypernetwork(main, f), rng


def errors(learner, family) -> dict[str, float]:
    def rmse(tasks):
        batch = tasks.sample(None, 0, 12, torch.Generator().manual_seed(0))
        with torch.no_grad():
            return outer_loss(learner, batch).sqrt()

    held_out = rmse(family.test)
    means = {"training": rmse(family.train), "validation": held_out[::2], "test": held_out[1::2]}
    return {name: round(values.mean().item(), 4) for name, values in means.items()}


def run(kind: str, n: int, seed: int, way: str, strength: float) -> dict[str, float]:
    family, learner, rng = make(kind, n, seed)
    most, decay = min(25, n), {"weight_decay": strength, "decay_and_sensitivity": 3}.get(way, DECAY)
    steps, batch, lr = STEPS, most, LR
    penalties = {PENALTIES[way](): strength} if way in PENALTIES else {}
    if way == "reconstruction":
        penalties = {Reconstruction(learner.main, 3, rng=rng): strength}
    elif way == "learning_rate":
        lr = strength
    elif way in ("one_task", "five_tasks"):
        batch, lr = {"one_task": 1, "five_tasks": 5}[way], strength
        steps = STEPS * most // batch
    trained = TaskConditionedMAML(learner.main, learner.generator, 3, strength) if way == "maml" else learner
    shots = 6 if way == "maml" else 0
    parameters = [p for part in (learner, *penalties) for p in part.parameters()]
    optimizer = torch.optim.AdamW(parameters, lr=lr, weight_decay=decay)
    settings = {"optimizer": optimizer, "rng": rng, "progress": False}
    if way == "early_stopping":
        parts = []
        for _ in range(STEPS // 20):
            meta_train(learner, family.train, 20, most, 0, 12, anneal=False, **settings)
            parts.append(errors(learner, family))
        return min(parts, key=lambda part: part["validation"])
    if way == "reptile":
        reptile(learner, family.train, strength, STEPS * most // 25, rng)
    else:
        meta_train(trained, family.train, steps, batch, shots, 12 - shots, penalties=penalties, **settings)
    return errors(learner, family)


def reptile(learner, tasks, epsilon: float, rounds: int, rng: torch.Generator) -> None:
    """φ ← φ + ε (φ' − φ), φ' after five steps on five stations. Nichol and others 2018 (arXiv 1803.02999), algorithm 1.

    As in their code the inner optimizer is Adam with β₁ = 0, whose state lasts. ε falls to zero along the rounds.
    """
    fast = copy.deepcopy(learner)
    inner = torch.optim.Adam(fast.parameters(), lr=LR, betas=(0.0, 0.999))
    for k in range(rounds):
        fast.load_state_dict(learner.state_dict())
        batch = tasks.sample(5, 0, 12, rng)
        for _ in range(5):
            inner.zero_grad()
            outer_loss(fast, batch).mean().backward()
            torch.nn.utils.clip_grad_norm_(fast.parameters(), 1.0)
            inner.step()
        with torch.no_grad():
            for phi, phi_fast in zip(learner.parameters(), fast.parameters(), strict=True):
                phi.lerp_(phi_fast, epsilon * (1 - k / rounds))


def linear(n: int, seed: int) -> dict[str, float]:
    """The yardstick without a network: for each month a least-squares fit of its temperature on τ and a constant."""
    family = ColoradoClimate(split=seed, n_test=120, n_train=n)

    def parts(tasks):
        tau = family.describe(*(family.stations[name][tasks.index] for name in family.descriptors.names))
        return torch.cat([tau, torch.ones(len(tau), 1)], dim=-1), family.mean_year[tasks.index]

    (A, y), (A_held, y_held) = parts(family.train), parts(family.test)
    fit = torch.linalg.lstsq(A, y).solution
    held = (A_held @ fit - y_held).square().mean(-1).sqrt()
    values = {"training": (A @ fit - y).square().mean(-1).sqrt(), "validation": held[::2], "test": held[1::2]}
    return {name: round(value.mean().item(), 4) for name, value in values.items()}


if __name__ == "__main__":
    torch.set_num_threads(1)
    runs = json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else []
    done = {(r["generator"], r["stations"], r["seed"], r["way"], r["strength"]) for r in runs}
    wanted = [
        (kind, n, seed, way, strength)
        for seed in SEEDS
        for n in STATIONS
        for way, (strengths, kinds) in WAYS.items()
        for kind in kinds
        for strength in strengths
    ]
    wanted += [("linear", n, seed, "linear", 0) for seed in SEEDS for n in STATIONS]
    for key in tqdm([key for key in wanted if key not in done], unit="training"):
        found = linear(*key[1:3]) if key[0] == "linear" else run(*key)
        runs.append(dict(zip(("generator", "stations", "seed", "way", "strength"), key, strict=True)) | found)
        FILE.write_text("[\n" + ",\n".join(json.dumps(r) for r in runs) + "\n]\n", encoding="utf-8")
