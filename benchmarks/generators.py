"""What each generator costs for main networks of 10³ to 10⁷ weights, how that grows, and how well it learns at equal budget.

    .venv/bin/python benchmarks/generators.py          about half an hour on two cores; writes docs/generators.md

Cost: main networks 1-n-n-1, one descriptor, forward and backward pass on one thread, each in a process of its own, whose peak
memory is read (Linux). Quality: every generator with about the same number of learned parameters, trained on the same tasks
with the better of two learning rates, chosen on training tasks; three seeds.
"""

import json
import math
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch

from hyperedu import (
    AttentionGenerator,
    ChunkedGenerator,
    ColoradoClimate,
    ConvGenerator,
    Generator,
    Hypernetwork,
    LowRankGenerator,
    MainNetwork,
    MLPGenerator,
    Sinusoids,
    meta_test,
    meta_train,
)

TABLE = Path(__file__).parents[1] / "docs" / "generators.md"
WIDTHS = (30, 100, 315, 1000, 3160)
KINDS = {
    "fully connected": MLPGenerator,
    "chunked": ChunkedGenerator,
    "convolutional": ConvGenerator,
    "attention": AttentionGenerator,
    "low rank": LowRankGenerator,
}
# Generators of a size k: what is searched for the budget.
SIZED: dict[str, Callable[[int, MainNetwork, int], Generator]] = {
    "fully connected": lambda d, main, k: MLPGenerator(d, main, hidden=(64, k)),
    "chunked": lambda d, main, k: ChunkedGenerator(d, main, hidden=(k, k)),
    "convolutional": lambda d, main, k: ConvGenerator(d, main, channels=k),
    "attention": lambda d, main, k: AttentionGenerator(d, main, dim=4 * k),
    "low rank": lambda d, main, k: LowRankGenerator(d, main, hidden=(64, k)),
}
BUDGET, STEPS, SEEDS, RATES = 30_000, 2000, 3, (1e-3, 4e-3)

HEAD = """# Generators: what they cost, how that grows, what they learn

Written by `.venv/bin/python benchmarks/generators.py`, whose first lines say how it is measured. P is the number of weights
of the main network; times and memory are of one descriptor, forward and backward, on one thread."""
LEARNS = f"""What it learns with about {BUDGET:,} parameters in {STEPS:,} steps of 25 tasks: mean squared error on 600 unseen
sinusoids (main network 1-40-40-1) and RMSE on 60 unseen stations of Colorado (tmax, main network 2-32-32-1). Means of {SEEDS}
seeds, for stations of {SEEDS} splits; in brackets the lowest and the highest."""


def cost(kind: str, width: int) -> dict[str, float]:
    """Parameters, milliseconds of the two passes (medians) and megabytes that they add to the peak of this process."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    main = MainNetwork.mlp([1, width, width, 1])
    generator = KINDS[kind](2, main)
    tau, repeats = torch.zeros(1, 2), 3 if width > 1000 else 9
    seconds = {"forward": [], "backward": []}
    Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")  # the peak so far is forgotten
    before = high_water()
    for _ in range(repeats):
        generator.zero_grad()
        start = time.perf_counter()
        theta = generator(tau)
        between = time.perf_counter()
        theta.sum().backward()
        seconds["forward"].append(between - start)
        seconds["backward"].append(time.perf_counter() - between)
    found = {"P": main.weight_dim, "parameters": sum(p.numel() for p in generator.parameters())}
    found |= {name: 1000 * statistics.median(values) for name, values in seconds.items()}
    return found | {"memory": high_water() - before}


def high_water() -> float:
    """The most memory that this process has held, in megabytes."""
    return int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text(encoding="utf-8"))[1]) / 1024


def exponent(P: list[float], values: list[float]) -> float:
    """The slope of log(value) over log(P), by least squares, from 10⁴ weights on: below, nothing but overhead is seen."""
    points = [(math.log(p), math.log(v)) for p, v in zip(P, values, strict=True) if p >= 1e4]
    x, y = zip(*points, strict=True)
    return statistics.linear_regression(x, y).slope


def within_budget(kind: str, d_tau: int, main: MainNetwork) -> int:
    """The size k whose number of parameters is nearest to the budget."""
    return min(range(2, 200), key=lambda k: abs(sum(p.numel() for p in SIZED[kind](d_tau, main, k).parameters()) - BUDGET))


def quality(kind: str, family: str, seed: int) -> dict[str, float]:
    """Train one generator within the budget on sinusoids or on stations; its error on unseen tasks."""
    torch.set_num_threads(1)
    if family == "sinusoids":
        tasks, main, d_tau = Sinusoids(), MainNetwork.mlp([1, 40, 40, 1]), 2
    else:
        tasks = ColoradoClimate("tmax", split=seed)
        main, d_tau = MainNetwork.mlp([2, 32, 32, 1], "tanh", tasks.y_mean, tasks.y_std), 3
    k, found = within_budget(kind, d_tau, main), []
    for rate in RATES:
        torch.manual_seed(seed)
        learner = Hypernetwork(main, SIZED[kind](d_tau, main, k))
        history = meta_train(
            learner, tasks.train, STEPS, shots=0, queries=10, progress=False,
            optimizer=torch.optim.AdamW(learner.parameters(), lr=rate), rng=torch.Generator().manual_seed(seed),
        )  # fmt: skip
        report = meta_test(learner, tasks.test, 0)
        error = report.mean if family == "sinusoids" else report.rmse
        parameters = sum(p.numel() for p in learner.parameters())
        found.append((sum(history.loss[-200:]), {"error": error, "seconds": history.seconds, "parameters": parameters}))
    return min(found, key=lambda pair: pair[0])[1]  # the rate with the smaller training loss


def in_own_process(*arguments) -> dict[str, float]:
    command = [sys.executable, __file__, *map(str, arguments)]
    said = subprocess.run(command, capture_output=True, encoding="utf-8", check=True).stdout
    print(f"{' '.join(map(str, arguments))}: {said.strip()}", flush=True)
    return json.loads(said)


def page() -> str:
    costs = {kind: [in_own_process("cost", kind, width) for width in WIDTHS] for kind in KINDS}
    lines = [*HEAD.splitlines(), "", "| generator | P | parameters | forward, ms | backward, ms | memory, MB |"]
    lines.append("|---|---|---|---|---|---|")
    for kind, rows in costs.items():
        for r in rows:
            cells = f"{r['forward']:.1f} | {r['backward']:.1f} | {r['memory']:.0f}"
            lines.append(f"| {kind} | {r['P']:,} | {r['parameters']:,} | {cells} |")
    lines += [
        "", "How it grows: the exponent a of a fit ~ Pᵃ from 10⁴ weights on (1: in proportion to P; 0: not at all).", "",
        "| generator | parameters | forward | backward | memory |", "|---|---|---|---|---|",
    ]  # fmt: skip
    for kind, rows in costs.items():
        P = [r["P"] for r in rows]
        slopes = [exponent(P, [max(r[key], 0.1) for r in rows]) for key in ("parameters", "forward", "backward", "memory")]
        lines.append(f"| {kind} | {' | '.join(f'{slope:.2f}' for slope in slopes)} |")
    lines += ["", *LEARNS.splitlines(), ""]
    lines.append("| generator | parameters | sinusoids | seconds | parameters | Colorado, °C | seconds |")
    lines.append("|---|---|---|---|---|---|---|")
    for kind in KINDS:
        cells = []
        for family, form in (("sinusoids", "{:.4f}"), ("Colorado", "{:.2f}")):
            runs = [in_own_process("quality", kind, family, seed) for seed in range(SEEDS)]
            errors = [r["error"] for r in runs]
            mean, low, high = (form.format(f(errors)) for f in (statistics.mean, min, max))
            seconds = statistics.mean(r["seconds"] for r in runs)
            cells += [f"{runs[0]['parameters']:,}", f"{mean} ({low} to {high})", f"{seconds:.0f}"]
        lines.append(f"| {kind} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["cost", kind, width]:
            print(json.dumps(cost(kind, int(width))))
        case ["quality", kind, family, seed]:
            print(json.dumps(quality(kind, family, int(seed))))
        case _:
            TABLE.write_text(page(), encoding="utf-8")
            print(TABLE.read_text(encoding="utf-8"))
