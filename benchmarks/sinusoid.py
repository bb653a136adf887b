"""Few-shot sinusoids under the published protocol: every learner of the course, three seeds, beside what papers report.

    .venv/bin/python benchmarks/sinusoid.py          about an hour and a half on two cores; writes docs/sinusoid.md

Finn, Abbeel, Levine 2017 (arXiv 1703.03400), section 5.1: main network 1-40-40-1 with ReLU, one inner step of α = 0.01 in
training, Adam with 1e-3, 25 tasks a step, 70,000 steps, as many queries as shots. Tested on 600 unseen tasks with 100
queries each. No annealing and no clipping, which the paper does not have; a row shows what they would change.

Every finished run is a line of docs/sinusoid.jsonl; a benchmark that was stopped goes on where it was.
"""

import json
import multiprocessing
import statistics
import time
from pathlib import Path

import torch

from hyperedu import (
    ANIL,
    MAML,
    Conditioned,
    DescriptorAdaptation,
    FirstOrderMAML,
    HyperMAML,
    Hypernetwork,
    MainNetwork,
    MLPGenerator,
    Reptile,
    SharedWeights,
    Sinusoids,
    SupportSetHypernetwork,
    TaskConditionedMAML,
    adapt,
    meta_test,
    meta_train,
)
from hyperedu.statistics import half_interval

DOCS = Path(__file__).parents[1] / "docs"
RUNS, TABLE = DOCS / "sinusoid.jsonl", DOCS / "sinusoid.md"
STEPS, CAVIA_STEPS, SEEDS = 70_000, 50_000, 3
TEST_STEPS = (0, 1, 5, 10)
LEARNERS = {
    "MAML": lambda main: MAML(main, steps=1, lr=0.01),
    "MAML, annealed and clipped": lambda main: MAML(main, steps=1, lr=0.01),
    "first-order MAML": lambda main: FirstOrderMAML(main, steps=1, lr=0.01),
    "shared weights": SharedWeights,
    "Reptile": lambda main: Reptile(main, steps=5, lr=0.003),
    "ANIL": lambda main: ANIL(main, steps=1, lr=0.01),
    "HyperMAML": HyperMAML,
    "support-set hypernetwork": SupportSetHypernetwork,
    "TaskConditionedMAML": lambda main: TaskConditionedMAML(main, MLPGenerator(2, main), steps=1, lr=0.01),
    "oracle hypernetwork": lambda main: Hypernetwork(main, MLPGenerator(2, main)),
    "CAVIA": lambda main: DescriptorAdaptation(main, Conditioned(main, 5), descriptor_dim=5, steps=1, lr=1.0),
}
# Started from with the rate that suits them, chosen on training tasks: their training knows no step, or other steps.
TUNED = ("shared weights", "Reptile")
# Mean squared errors after 1, 5 and 10 steps: Finn and others, table 2 (5 shots); Zintgraf and others 2019, table 1 (1 step).
PUBLISHED = {("MAML", 5): ".67 / .38 / .35", ("shared weights", 5): "2.41 / 2.23 / 2.19", ("CAVIA", 10): ".19 to .21"}


def jobs() -> list[tuple[str, int, int]]:
    """(learner, shots, seed); those that the bounds of the project speak of come first."""
    found = [("MAML", shots, seed) for shots in (5, 10) for seed in range(SEEDS)]
    found += [("CAVIA", 10, seed) for seed in range(SEEDS)]
    last = ["Reptile", "MAML, annealed and clipped"]  # the slowest, and the one that is not of the protocol
    for name in [n for n in LEARNERS if n not in ("MAML", "CAVIA", *last)] + last:
        found += [(name, s, seed) for s in ((0,) if name == "oracle hypernetwork" else (5, 10)) for seed in range(SEEDS)]
    return found


def run(job: tuple[str, int, int]) -> dict:
    """Train and test one learner."""
    name, shots, seed = job
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    family, main = Sinusoids(), MainNetwork.mlp([1, 40, 40, 1])
    learner = LEARNERS[name](main)
    random = torch.Generator().manual_seed(seed)
    # Shared weights (joint training, pre-training) and Reptile know no query set: they learn from all the examples of a task.
    queries = 2 * shots if name == "shared weights" else shots or 10
    steps, ours = CAVIA_STEPS if name == "CAVIA" else STEPS, name.endswith("annealed and clipped")
    history = meta_train(
        learner, family.train, steps, 25, shots, queries, optimizer=torch.optim.Adam(learner.parameters(), lr=1e-3),
        anneal=ours, max_norm=1.0 if ours else None, rng=random, progress=False,
    )  # fmt: skip
    found = {"learner": name, "shots": shots, "seed": seed, "seconds": history.seconds, "training_steps": steps}
    if name in TUNED:
        learner.lr = found["alpha"] = best_rate(main, learner.theta_0.detach(), shots)
    adapts = TEST_STEPS if learner.inner_steps or name in TUNED else (None,)
    if name == "CAVIA":
        adapts = (0, 1)
    reports = [meta_test(learner, family.test, shots, 100, inner_steps=k) for k in adapts]
    found["steps"] = list(adapts)
    for key in ("median", "mean", "share_diverged"):
        found[key] = [getattr(report, key) for report in reports]
    if name == "CAVIA":
        found["grid"] = on_a_grid(learner, family)
    return found


def best_rate(main, theta_0, shots: int) -> float:
    """The inner rate with the least median loss after five steps, on training tasks."""
    batch = Sinusoids().train.sample(600, shots, 100, torch.Generator().manual_seed(1))

    def loss(lr: float) -> float:
        with torch.no_grad():
            theta = adapt(main, theta_0, batch.support, 5, lr).final
            return main.loss(theta, batch.query).nan_to_num(1e9).median().item()

    return min((0.02, 0.01, 0.005, 0.002, 0.001), key=loss)


def on_a_grid(learner, family) -> tuple[float, float]:
    """CAVIA's own test: 100 tasks, 100 points on a grid; the mean and half its 95% confidence interval."""
    tasks, x = family.test.sample(100, 10, 1, torch.Generator().manual_seed(0)), torch.linspace(-5, 5, 100)
    wanted = family.function(tasks.properties["amplitude"][:, None], tasks.properties["phase"][:, None], x)
    with torch.no_grad():
        y = learner.main(learner(None, tasks.support), x.unsqueeze(-1).expand(100, -1, -1)).squeeze(-1)
    losses = (y - wanted).square().mean(-1)
    return losses.mean().item(), half_interval(losses)


def table(runs: list[dict]) -> str:
    """The runs as a page: the mean over seeds of each number, and the spread of the medians."""
    lines = [
        "# Few-shot sinusoids: published and measured", "",
        "Written by `.venv/bin/python benchmarks/sinusoid.py`, whose first lines say the protocol; each run is a line of",
        "[sinusoid.jsonl](sinusoid.jsonl). Query loss on 600 unseen tasks, after 1 / 5 / 10 steps of adaptation (one number",
        "where there is no step): median over tasks, mean over seeds; in brackets the lowest and highest median of a seed at",
        "the last number. The published ones are means over tasks. Seconds are on one thread, on a machine that did other",
        "work beside: see measurements.md for those of a quiet one.", "",
        "| learner | shots | seeds | published | median | mean | diverged | seconds |", "|---|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    for name in LEARNERS:
        for shots in (0, 5, 10):
            same = [r for r in runs if (r["learner"], r["shots"]) == (name, shots)]
            if not same:
                continue
            shown = [i for i, k in enumerate(same[0]["steps"]) if k != 0]

            def over_seeds(key, form, same=same, shown=shown):
                return " / ".join(form.format(statistics.mean(r[key][i] for r in same)) for i in shown)

            last = [r["median"][-1] for r in same]
            cells = [
                name, shots, len(same), PUBLISHED.get((name, shots), "–"),
                f"{over_seeds('median', '{:.3g}')} ({min(last):.3g} to {max(last):.3g})", over_seeds("mean", "{:.3g}"),
                over_seeds("share_diverged", "{:.1%}"), f"{statistics.mean(r['seconds'] for r in same):.0f}",
            ]  # fmt: skip
            lines.append(f"| {' | '.join(map(str, cells))} |")
    before = [statistics.mean(r["median"][0] for r in runs if r["learner"] == n) for n in ("MAML", "shared weights")]
    lines += ["", f"Before the first step the median is {before[0]:.2f} for MAML and {before[1]:.2f} for shared weights."]
    grids = [r["grid"] for r in runs if r["learner"] == "CAVIA"]
    said = ", ".join(f"{mean:.3f} ± {half:.3f}" for mean, half in grids)
    lines += ["", f"CAVIA in its own test (100 tasks on a grid of 100 points, mean ± 95% interval), one number a seed: {said}."]
    lines += [
        "", "The oracle is told amplitude and phase and sees no example: it is not the problem that the others solve. "
        "TaskConditionedMAML is told both and sees the examples too.",
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def main() -> None:
    runs = [json.loads(line) for line in RUNS.read_text(encoding="utf-8").splitlines()] if RUNS.exists() else []
    done = {(r["learner"], r["shots"], r["seed"]) for r in runs}
    left, start = [job for job in jobs() if job not in done], time.perf_counter()
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        for found in pool.imap_unordered(run, left):
            runs.append(found)
            with RUNS.open("a", encoding="utf-8") as file:
                file.write(json.dumps(found) + "\n")
            medians = ", ".join(f"{value:.3f}" for value in found["median"])
            print(f"{time.perf_counter() - start:6.0f} s  {found['learner']}, {found['shots']} shots: {medians}", flush=True)
    TABLE.write_text(table(runs), encoding="utf-8")
    print(TABLE.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
