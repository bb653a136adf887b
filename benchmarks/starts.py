"""Where to begin: which start of θ₀, annealing, clipping and outer rate suit each learner that begins from θ₀.

    .venv/bin/python benchmarks/starts.py            runs what PLAN asks for (an hour on one core); writes docs/starts.md
    .venv/bin/python benchmarks/starts.py table      writes docs/starts.md alone

Sinusoids, main network 1-40-40-1 with ReLU; 8,000 steps of 25 tasks, 10 shots, 10 queries (shared weights: 20); one inner step
of 0.01 (Reptile: 5 of 0.003; CAVIA: one of 1.0); Adam. Tested on 600 unseen tasks, 10 shots, with the mean squared error on a
grid of 100 points over [-5, 5]: median over tasks after 1, 5 and 10 inner steps. Shared weights and Reptile adapt with the one
of RATES that has the least median after five steps on 600 training tasks. Seeds set both θ₀ and the training tasks.

One thread. Every finished run is a line of docs/starts.jsonl at once; a benchmark that was stopped goes on where it was.
"""

import json
import math
import statistics
import sys
import time
from collections.abc import Iterator
from itertools import pairwise, product
from pathlib import Path

import torch

from hyperedu import (
    ANIL,
    MAML,
    Conditioned,
    DescriptorAdaptation,
    Examples,
    FirstOrderMAML,
    HyperMAML,
    MainNetwork,
    Reptile,
    SharedWeights,
    Sinusoids,
    adapt,
    meta_train,
)

DOCS = Path(__file__).parents[1] / "docs"
RUNS, TABLE = DOCS / "starts.jsonl", DOCS / "starts.md"
SIZES, STEPS, TEST_STEPS = [1, 40, 40, 1], 8_000, (1, 5, 10)
RATES = (0.02, 0.01, 0.005, 0.002, 0.001)
LEARNERS = {
    "MAML": lambda main: MAML(main, steps=1, lr=0.01),
    "FirstOrderMAML": lambda main: FirstOrderMAML(main, steps=1, lr=0.01),
    "ANIL": lambda main: ANIL(main, steps=1, lr=0.01),
    "Reptile": lambda main: Reptile(main, steps=5, lr=0.003),
    "SharedWeights": SharedWeights,
    "HyperMAML": HyperMAML,
    "Conditioned": lambda main: Conditioned(main, 2),
    "CAVIA": lambda main: DescriptorAdaptation(main, Conditioned(main, 5), 5, lr=1.0),
}
KEYS = ("learner", "start", "anneal", "clip", "lr", "seed")


def layers(theta: torch.Tensor) -> Iterator[tuple[int, torch.Tensor, torch.Tensor]]:
    """(fan_in, weights, biases) of each layer, as views of θ."""
    at = 0
    for fan_in, fan_out in pairwise(SIZES):
        middle, end = at + fan_in * fan_out, at + fan_in * fan_out + fan_out
        yield fan_in, theta[at:middle], theta[middle:end]
        at = end


def start(name: str, theta: torch.Tensor) -> torch.Tensor:
    """A θ₀ of the same shape, as the start called `name` has it.

    he: as `initial_weights`: weights of standard deviation √2/√fan_in (last layer: 1/√fan_in), biases of 1/√(3 fan_in).
    he, zero biases: the same, biases at 0.
    linear: torch.nn.Linear's own, weights and biases U(±1/√fan_in), which have standard deviation 1/√(3 fan_in).
    normal G: weights and biases normal of standard deviation G/√fan_in; G = 1 is LeCun's, 0.577 the normal twin of linear.
    finn: that of the paper's code, weights of 0.01, biases at 0.
    """
    theta = theta.clone()
    for layer, (fan_in, weights, biases) in enumerate(layers(theta)):
        match name.split():
            case ["he", *zero] | ["he,", *zero]:
                weights.normal_(0, (1.0 if layer == len(SIZES) - 2 else math.sqrt(2)) / math.sqrt(fan_in))
                biases.normal_(0, 0.0 if zero else 1 / math.sqrt(3 * fan_in))
            case ["linear"]:
                bound = 1 / math.sqrt(fan_in)
                weights.uniform_(-bound, bound)
                biases.uniform_(-bound, bound)
            case ["normal", gain]:
                weights.normal_(0, float(gain) / math.sqrt(fan_in))
                biases.normal_(0, float(gain) / math.sqrt(fan_in))
            case ["finn"]:
                weights.normal_(0, 0.01)
                biases.zero_()
            case _:
                raise ValueError(f"no start is called {name!r}")
    return theta


def begin(learner: torch.nn.Module, name: str) -> None:
    """Give the learner this start. A of `Conditioned` is that of "he", or with "; A too" that of the first layer."""
    name, _, also = name.partition("; ")
    holder = learner if hasattr(learner, "theta_0") else learner.generator
    holder.theta_0.data = start(name, holder.theta_0.data)
    if hasattr(holder, "A") and also != "A too":
        holder.A.data *= learner.main.initial_std[0] / learner.main.start_std[0]


def run(job: dict) -> dict:
    """Train and test one learner."""
    seed, name = job["seed"], job["learner"]
    torch.manual_seed(seed)
    family, main = Sinusoids(), MainNetwork.mlp(SIZES)
    learner = LEARNERS[name](main)
    begin(learner, job["start"])
    began, found = time.perf_counter(), dict(job)
    loss: list[float] = []
    try:
        history = meta_train(
            learner, family.train, STEPS, 25, 10, 20 if name == "SharedWeights" else 10,
            optimizer=torch.optim.Adam(learner.parameters(), lr=job["lr"]), anneal=job["anneal"], max_norm=job["clip"],
            rng=torch.Generator().manual_seed(seed), progress=False,
        )  # fmt: skip
        loss = history.loss
    except FloatingPointError as error:
        found["blown up"] = str(error)
    found["train seconds"] = round(time.perf_counter() - began, 1)
    if loss:  # spikes: how far single steps stand out of the second half of training
        late = loss[len(loss) // 2 :]
        found |= {"last 500": statistics.mean(loss[-500:]), "late max / median": max(late) / statistics.median(late)}
    if name in ("SharedWeights", "Reptile"):
        learner.lr = found["alpha"] = best_rate(main, learner.theta_0.detach())
    return found | test(learner, family)


def best_rate(main: MainNetwork, theta_0: torch.Tensor) -> float:
    """The inner rate with the least median loss after five steps, on training tasks."""
    batch = Sinusoids().train.sample(600, 10, 100, torch.Generator().manual_seed(1))

    def loss(lr: float) -> float:
        with torch.no_grad():
            theta = adapt(main, theta_0, batch.support, 5, lr).final
            return main.loss(theta, batch.query).nan_to_num(1e9).median().item()

    return min(RATES, key=loss)


def test(learner: torch.nn.Module, family: Sinusoids) -> dict:
    """Medians, means and share of diverged tasks, after each of TEST_STEPS where the learner adapts."""
    tasks = family.test.sample(600, 10, 1, torch.Generator().manual_seed(0))
    x = torch.linspace(-5, 5, 100)
    wanted = family.function(tasks.properties["amplitude"][:, None], tasks.properties["phase"][:, None], x).unsqueeze(-1)
    grid_of_each = Examples(x.unsqueeze(-1).expand(600, -1, -1), wanted)
    found: dict = {"medians": [], "mean": [], "diverged": []}
    steps_of = TEST_STEPS if learner.inner_steps or type(learner) is SharedWeights else (0,)
    for steps in steps_of:
        with torch.no_grad():
            path = learner.path(tasks.descriptor, tasks.support, steps, keep=False)
            losses = learner.main.loss(learner.through(path.final), grid_of_each)
        bad = (path.diverged > 0) | ~torch.isfinite(losses)
        found["medians"].append(losses.nan_to_num(math.inf, math.inf).median().item())
        found["mean"].append(losses.mean().item())
        found["diverged"].append(bad.float().mean().item())
    return found


def grid(learner, starts, anneals, clips, rates, seeds) -> list[dict]:
    """Every combination."""
    return [dict(zip(KEYS, job, strict=True)) for job in product([learner], starts, anneals, clips, rates, seeds)]


OTHERS = list(LEARNERS)[1:]
PLAN: list[dict] = [
    # MAML, seed 0: the corners.
    *grid("MAML", ["linear"], [True, False], [1.0, None], [1e-3, 3e-3], [0]),
    *grid("MAML", ["he", "he, zero biases"], [True, False], [None], [1e-3, 3e-3], [0]),
    *grid("MAML", ["linear"], [True, False], [10.0], [3e-3], [0]),
    *grid("MAML", ["he"], [True], [1.0, 10.0], [3e-3], [0]),
    # Higher rates and other gains, still seed 0.
    *grid("MAML", ["linear"], [True, False], [None], [5e-3, 1e-2], [0]),
    *grid("MAML", ["he"], [True], [1.0], [1e-3], [0]),
    *grid("MAML", ["normal 1", "normal 0.577", "normal 0.3", "finn"], [False], [None], [3e-3], [0]),
    *grid("MAML", ["linear"], [False], [10.0], [3e-3, 5e-3], [0]),
    *grid("MAML", ["linear"], [True], [10.0], [5e-3], [0]),
    *grid("MAML", ["he, zero biases"], [False], [None], [5e-3], [0]),
    *grid("MAML", ["linear"], [True, False], [10.0, None], [2e-3], [0]),
    # MAML, three seeds: the contenders and what they are compared with.
    *grid("MAML", ["linear"], [False], [None], [3e-3, 5e-3, 1e-3], [1, 2]),
    *grid("MAML", ["linear"], [True], [None], [5e-3], [1, 2]),
    *grid("MAML", ["linear"], [False], [10.0], [3e-3, 5e-3], [1, 2]),
    *grid("MAML", ["he"], [True], [1.0], [1e-3], [1, 2]),
    *grid("MAML", ["linear"], [False], [1.0], [3e-3], [1, 2]),
    *grid("MAML", ["linear"], [True, False], [1.0], [5e-3], [0, 1, 2]),
    *grid("MAML", ["he"], [False], [None], [3e-3], [1, 2]),
    *grid("MAML", ["normal 0.577"], [False], [None], [3e-3], [1, 2]),
    # The other learners: today's defaults, the best of MAML, the same annealed and clipped, the same with the old rate.
    *[job for name in OTHERS for job in grid(name, ["he"], [True], [1.0], [1e-3], [0, 1, 2])],
    *[job for name in OTHERS if name != "Reptile" for job in grid(name, ["linear"], [False], [None], [3e-3], [0, 1, 2])],
    *[job for name in OTHERS if name != "Reptile" for job in grid(name, ["linear"], [True], [1.0], [3e-3], [0, 1, 2])],
    *grid("Reptile", ["linear"], [True], [1.0], [3e-3], [0]),
    *grid("Reptile", ["linear"], [False], [None], [3e-3], [0]),
    *grid("CAVIA", ["linear; A too"], [False], [None], [3e-3], [0, 1, 2]),
    # Edges, mostly seed 0.
    *grid("ANIL", ["linear"], [False], [None], [5e-3, 1e-2], [0]),
    *grid("FirstOrderMAML", ["linear"], [False], [None], [5e-3, 1e-3], [0]),
    *grid("SharedWeights", ["linear"], [False], [None], [5e-3, 1e-2], [0]),
    *grid("Conditioned", ["linear"], [True], [1.0], [1e-3], [0, 1, 2]),
    *grid("Conditioned", ["linear"], [True], [None], [1e-2], [0]),
    *grid("HyperMAML", ["linear"], [True], [1.0], [1e-3], [0, 1, 2]),
    *grid("Reptile", ["linear"], [False], [None], [3e-3], [1, 2]),
    *grid("MAML", ["he"], [False], [None], [5e-3, 1e-2], [0]),
    *grid("CAVIA", ["linear"], [False], [None], [5e-3], [0]),
]


def table(runs: list[dict]) -> str:
    """Mean over seeds of the medians, lowest and highest in brackets; then the means over tasks."""
    lines = [
        "# Where to begin: start, annealing, clipping and outer rate",
        "",
        "Written by `.venv/bin/python benchmarks/starts.py`, whose first lines say the protocol, and `start` there what",
        "each start is; each run is a line of [starts.jsonl](starts.jsonl). One seed is no conclusion: rows of three are what",
        "the defaults of the learners (`outer_lr`, `anneal`, `max_norm`, `MainNetwork.start_weights`) rest on. Seconds are of",
        "a busy machine.",
        "",
        "| learner | start | anneal | clip | lr | seeds | median 1 / 5 / 10 steps (min-max of seeds) | mean | diverged "
        "| late max/median | s |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    groups: dict[tuple, list[dict]] = {}
    for found in runs:
        groups.setdefault(tuple(found[key] for key in KEYS[:-1]), []).append(found)
    order = list(LEARNERS)
    for (name, *setting), same in sorted(
        groups.items(), key=lambda item: (order.index(item[0][0]), statistics.mean(r["medians"][-1] for r in item[1]))
    ):
        columns = list(zip(*(r["medians"] for r in same), strict=True))
        medians = " / ".join(f"{statistics.mean(c):.3f} ({min(c):.3f}-{max(c):.3f})" for c in columns)
        means = " / ".join(f"{statistics.mean(c):.2f}" for c in zip(*(r["mean"] for r in same), strict=True))
        away = " / ".join(f"{statistics.mean(c):.1%}" for c in zip(*(r["diverged"] for r in same), strict=True))
        spike = max(r.get("late max / median", math.inf) for r in same)
        seconds = statistics.mean(r["train seconds"] for r in same)
        said = [name, *setting, len(same), medians, means, away, f"{spike:.1f}", round(seconds)]
        if "alpha" in same[0]:
            said[1] += f" (α {', '.join(str(r['alpha']) for r in same)})"
        if any("blown up" in r for r in same):
            said[6] += " BLOWN UP"
        lines.append(f"| {' | '.join(map(str, said))} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    torch.set_num_threads(1)
    runs = [json.loads(line) for line in RUNS.read_text(encoding="utf-8").splitlines()] if RUNS.exists() else []
    if sys.argv[1:] != ["table"]:
        done = {tuple(found[key] for key in KEYS) for found in runs}
        for job in PLAN:
            if tuple(job.values()) in done:
                continue
            found = run(job)
            runs.append(found)
            with RUNS.open("a", encoding="utf-8") as file:
                file.write(json.dumps(found) + "\n")
            print(*job.values(), [round(value, 3) for value in found["medians"]], found["train seconds"], flush=True)
    TABLE.write_text(table(runs), encoding="utf-8")
    print(TABLE.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
