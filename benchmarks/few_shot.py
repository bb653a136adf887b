"""Few-shot characters: learners and baselines on scripts and hands that they never saw, 5-way 1-shot, nothing transductive.

    .venv/bin/python benchmarks/few_shot.py drawn [ARCHIVE]     trained on drawn characters; three seeds
    .venv/bin/python benchmarks/few_shot.py real ARCHIVE        five alphabets: trained on three, tested on two; ten splits
    .venv/bin/python benchmarks/few_shot.py published           Omniglot whole, its own split, 5 and 20 ways, 1 and 5 shots

ARCHIVE is a zip file of Omniglot with five alphabets, images_background_small1.zip. Every finished run is a line of
data/few_shot.jsonl, from which docs/few_shot.md is written; what is there is not run again. Each training takes two to five
minutes on one core. Tests are of 600 episodes with 5 queries of each class.
"""

import itertools
import json
import multiprocessing
import statistics
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from hyperedu import (
    ANIL,
    MAML,
    Characters,
    Examples,
    FirstOrderMAML,
    MainNetwork,
    MetaSGD,
    Omniglot,
    PrototypicalNetwork,
    Reptile,
    SharedWeights,
    SupportSetHypernetwork,
    TaskBatch,
    meta_test,
    meta_train,
)
from hyperedu.statistics import half_interval

DOCS = Path(__file__).parents[1] / "docs"
RUNS, TABLE = DOCS.parent / "data" / "few_shot.jsonl", DOCS / "few_shot.md"
EPISODES, SEEDS, QUERIES = 600, 3, 5
IMAGE, CHANNELS = (1, 28, 28), (32, 32, 32, 32)
ALPHABETS = ("Balinese", "Early_Aramaic", "Greek", "Korean", "Latin")
RATES = (0.1, 0.3, 1.0)  # of the baselines that descend, tried on training episodes
FITTED = 50  # steps of the baselines that descend


def network(ways: int) -> MainNetwork:
    return MainNetwork.conv(IMAGE, CHANNELS, ways)


@dataclass(frozen=True)
class Recipe:
    """How a learner is made and trained: steps of `tasks` episodes of `more` times the ways it is tested on, Adam with `lr`."""

    make: object
    steps: int
    tasks: int
    lr: float
    more: int = 1


RECIPES = {
    "prototypes": Recipe(PrototypicalNetwork, 1000, 3, 2e-3, more=4),
    "support-set hypernetwork": Recipe(SupportSetHypernetwork, 1400, 8, 2e-3),
    "MAML": Recipe(lambda main: MAML(main, 1, 0.4), 1400, 8, 3e-3),
    "first-order MAML": Recipe(lambda main: FirstOrderMAML(main, 1, 0.4), 2000, 8, 3e-3),
    "ANIL": Recipe(lambda main: ANIL(main, 1, 0.4), 1400, 8, 3e-3),
    "MetaSGD": Recipe(lambda main: MetaSGD(main, 1, 0.4), 1400, 8, 3e-3),
    "Reptile": Recipe(lambda main: Reptile(main, 5, 0.1), 700, 8, 3e-3),
}
BASELINES = ("nearest neighbour on pixels", "from scratch", "linear probe on shared features")


class EveryCharacter:
    """One task without a support set: to say which of all characters of a set of episodes a drawing shows."""

    n_tasks = None

    def __init__(self, tasks):
        self.tasks = tasks

    def sample(self, n_tasks=None, shots=0, queries=100, rng=None):
        which = torch.randint(len(self.tasks.alphabets), (1, queries), generator=rng)
        x = self.tasks.draw(which, 1, rng).squeeze(2)
        nothing = Examples(x[:, :0], which[:, :0])
        return TaskBatch(torch.zeros(1, 0), nothing, Examples(x, which), {})


def trained(name: str, tasks, ways: int, shots: int, seed: int, scale: float):
    recipe = RECIPES[name]
    torch.manual_seed(seed)
    tasks.ways = ways * recipe.more
    learner = recipe.make(network(tasks.ways))
    history = meta_train(
        learner, tasks, round(recipe.steps * scale), recipe.tasks, shots, QUERIES, anneal=True, max_norm=10.0, progress=False,
        optimizer=torch.optim.Adam(learner.parameters(), lr=recipe.lr), rng=torch.Generator().manual_seed(seed),
    )  # fmt: skip
    return learner, history.seconds


def baseline(name: str, tasks, ways: int, shots: int, seed: int, scale: float):
    """Learners that are not meta-trained; the rate of those that descend is the best on training episodes."""
    torch.manual_seed(seed)
    tasks.ways = ways
    if name == "nearest neighbour on pixels":
        return PrototypicalNetwork(MainNetwork.conv(IMAGE, (), ways)), 0.0
    main, seconds = network(ways), 0.0
    learner = SharedWeights(main, FITTED)
    learner.theta_0 = nn.Parameter(main.initial_weights())
    adapts = list(main.shapes)
    if name.startswith("linear probe"):
        wide = SharedWeights(network(len(tasks.alphabets)))
        history = meta_train(
            wide, EveryCharacter(tasks), round(1500 * scale), 1, 0, 200, anneal=True, max_norm=10.0, progress=False,
            optimizer=torch.optim.Adam(wide.parameters(), lr=2e-3), rng=torch.Generator().manual_seed(seed),
        )  # fmt: skip
        n_body, seconds, adapts = main.weight_dim - ways * (main.d_features + 1), history.seconds, main.head
        body = wide.theta_0.detach()[:n_body]
        learner.theta_0 = nn.Parameter(torch.cat([body, torch.zeros(main.weight_dim - n_body)]))

    def right(rate: float) -> float:
        learner.lr = dict.fromkeys(adapts, rate)
        return meta_test(learner, tasks, shots, QUERIES, 40, rng=torch.Generator().manual_seed(seed + 1)).accuracy

    learner.lr = dict.fromkeys(adapts, max(RATES, key=right))
    return learner, seconds


def run(job: dict) -> dict:
    """Train one learner and test it."""
    torch.set_num_threads(1)
    kind, name, seed, ways, shots = (job[key] for key in ("kind", "learner", "seed", "ways", "shots"))
    archive = job.pop("archive", None)
    if kind == "drawn":
        family = Characters(split=seed)
        train, tests, scale = family.train, {"scripts held out": family.test}, 1.0
        if archive:
            tests["real alphabets"] = Omniglot(archive, test=ALPHABETS).test
    elif kind == "real":
        family = Omniglot(archive, test=tuple(job["test"]), rotations=True)
        train, tests, scale = family.train, {"real alphabets": family.test}, 1.0
    else:
        family = Omniglot(rotations=True)
        train, tests, scale = family.train, {"real alphabets": family.test}, 4.0
    learner, seconds = (baseline if name in BASELINES else trained)(name, train, ways, shots, seed, scale)
    found = {**job, "seconds": round(seconds), "accuracy": {}, "half_interval": {}}
    for where, tasks in tests.items():
        tasks.ways = ways
        report = meta_test(learner, tasks, shots, QUERIES, EPISODES)
        found["accuracy"][where] = report.accuracy
        found["half_interval"][where] = half_interval(report.accuracy_per_task)
    return found


def jobs(kind: str, archive: str | None) -> list[dict]:
    names = ["nearest neighbour on pixels", "prototypes", "support-set hypernetwork", "MAML"]
    names += [name for name in (*BASELINES, *RECIPES) if name not in names]
    if kind == "real":
        return [
            {"kind": kind, "learner": name, "seed": 0, "ways": 5, "shots": 1, "test": list(test), "archive": archive}
            for name in names for test in itertools.combinations(ALPHABETS, 2)
        ]  # fmt: skip
    settings = [(5, 1)] if kind == "drawn" else [(5, 1), (5, 5), (20, 1), (20, 5)]
    more = {"archive": archive} if archive else {}
    return [
        {"kind": kind, "learner": name, "seed": seed, "ways": ways, "shots": shots, **more}
        for ways, shots in settings for seed in range(SEEDS) for name in names
    ]  # fmt: skip


def of(job: dict) -> tuple:
    return (*(job[key] for key in ("kind", "learner", "seed", "ways", "shots")), tuple(job.get("test", ())))


TITLES = {
    "drawn": "Trained on drawn characters, tested on drawn scripts that were held out and on five real alphabets",
    "real": "Trained on three real alphabets, tested on the two others; ten splits",
    "published": "Omniglot, its own split of 30 and 20 alphabets",
}


def table(runs: list[dict]) -> str:
    """The runs as a page: the mean over seeds or splits, with a 95% interval over them."""
    lines = [
        "# Few-shot characters", "",
        "Written by `benchmarks/few_shot.py`, whose first lines say the protocol; each run is a line of",
        "[few_shot.jsonl](../data/few_shot.jsonl). Accuracy on 600 episodes: mean over seeds or splits ± its interval (95%).",
        "Group norm everywhere; nothing is transductive. Seconds are of training on one core, beside other work.", "",
    ]  # fmt: skip
    for kind, title in TITLES.items():
        same = [r for r in runs if r["kind"] == kind]
        if not same:
            lines += [f"## {title}", "", "Not run here.", ""]
            continue
        places = list(dict.fromkeys(where for r in same for where in r["accuracy"]))
        lines += [
            f"## {title}",
            "",
            f"| learner | ways, shots | runs | {' | '.join(places)} | seconds |",
            f"|---|---|---|{'---|' * len(places)}---|",
        ]
        found = []
        for name, ways, shots in dict.fromkeys((r["learner"], r["ways"], r["shots"]) for r in same):
            rows = [r for r in same if (r["learner"], r["ways"], r["shots"]) == (name, ways, shots)]
            cells = []
            for where in places:
                values = torch.tensor([r["accuracy"][where] for r in rows if where in r["accuracy"]])
                cells.append(
                    f"{values.mean():.1%} ± {100 * half_interval(values):.1f}" if len(values) > 1 else f"{values.mean():.1%}"
                )
            seconds = statistics.mean(r["seconds"] for r in rows)
            found.append(
                (
                    ways,
                    shots,
                    -values.mean().item(),
                    f"| {name} | {ways}, {shots} | {len(rows)} | {' | '.join(cells)} | {seconds:.0f} |",
                )
            )
        lines += [line for *_, line in sorted(found)] + [""]
    return "\n".join(lines)


def main() -> None:
    kind, archive = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None
    runs = [json.loads(line) for line in RUNS.read_text(encoding="utf-8").splitlines()] if RUNS.exists() else []
    done = {of(r) for r in runs}
    left, start = [job for job in jobs(kind, archive) if of(job) not in done], time.perf_counter()
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        for found in pool.imap_unordered(run, left):
            runs.append(found)
            with RUNS.open("a", encoding="utf-8") as file:
                file.write(json.dumps(found) + "\n")
            said = ", ".join(f"{where} {share:.1%}" for where, share in found["accuracy"].items())
            print(f"{time.perf_counter() - start:6.0f} s  {found['learner']}, seed {found['seed']}: {said}", flush=True)
    TABLE.write_text(table(runs), encoding="utf-8")


if __name__ == "__main__":
    main()
