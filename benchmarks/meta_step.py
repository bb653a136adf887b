"""One meta-step of MAML, second order, beside learn2learn, higher and torchopt: the same net, tasks and steps in one run.

    python3 -m venv /tmp/peers
    /tmp/peers/bin/pip install -c constraints.txt -e . -r benchmarks/requirements.txt
    /tmp/peers/bin/pip download --no-deps --no-build-isolation --no-binary :all: -d /tmp/peers learn2learn==0.2.0
    tar -xzf /tmp/peers/learn2learn-0.2.0.tar.gz -C /tmp/peers
    /tmp/peers/bin/python benchmarks/meta_step.py /tmp/peers/learn2learn-0.2.0

learn2learn does not build on this Python, but the two files of its MAML run by themselves; hence its folder is given. Peers
that are not there are left out. A meta-step is: adapt to the support sets, query loss, its gradient in θ₀. Milliseconds are
medians of runs by turns; memory is what the first step adds to the peak of a process of its own (Linux).
"""

import importlib
import importlib.util
import re
import statistics
import subprocess
import sys
import time
import types
from pathlib import Path

import torch
from torch import nn

from hyperedu import MAML, Examples, MainNetwork, Sinusoids, TaskBatch, outer_loss

LR = 0.01


def make_tasks(n_tasks: int, dtype) -> TaskBatch:
    return Sinusoids().train.sample(n_tasks, 10, 10, torch.Generator().manual_seed(0)).to(dtype)


def make_module(dtype) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(1, 40), nn.ReLU(), nn.Linear(40, 40), nn.ReLU(), nn.Linear(40, 1)).to(dtype)


def flat(gradients) -> torch.Tensor:
    return torch.cat([g.flatten() for g in gradients])


def each(tasks: TaskBatch) -> list[tuple[Examples, Examples]]:
    """(D, D') of one task after the other: the peers take them so."""
    return [(tasks.support.task(i), tasks.query.task(i)) for i in range(len(tasks))]


def loss(module, examples: Examples) -> torch.Tensor:
    return nn.functional.mse_loss(module(examples.x), examples.y)


def hyperedu_step(steps: int, tasks: TaskBatch):
    module = make_module(tasks.descriptor.dtype)
    main = MainNetwork.mlp([1, 40, 40, 1])
    learner = MAML(main, steps=steps, lr=LR)
    learner.theta_0.data = main.flatten(dict(module.named_parameters())).detach()
    return lambda: torch.autograd.grad(outer_loss(learner, tasks).mean(), learner.theta_0)[0]


def learn2learn_step(steps: int, tasks: TaskBatch):
    maml = importlib.import_module("learn2learn.algorithms.maml")
    module = make_module(tasks.descriptor.dtype)
    learner, one_by_one = maml.MAML(module, lr=LR, first_order=False), each(tasks)

    def step():
        total = 0.0
        for D, D_query in one_by_one:
            clone = learner.clone()
            for _ in range(steps):
                clone.adapt(loss(clone, D))
            total = total + loss(clone, D_query)
        return flat(torch.autograd.grad(total / len(tasks), module.parameters()))

    return step


def higher_step(steps: int, tasks: TaskBatch):
    import higher

    module, one_by_one = make_module(tasks.descriptor.dtype), each(tasks)

    def step():
        total = 0.0
        for D, D_query in one_by_one:
            optimizer = torch.optim.SGD(module.parameters(), lr=LR)
            with higher.innerloop_ctx(module, optimizer, copy_initial_weights=False) as (functional, inner):
                for _ in range(steps):
                    inner.step(loss(functional, D))
                total = total + loss(functional, D_query)
        return flat(torch.autograd.grad(total / len(tasks), module.parameters()))

    return step


def torchopt_step(steps: int, tasks: TaskBatch):
    import torchopt

    module = make_module(tasks.descriptor.dtype)
    inner, one_by_one = torchopt.MetaSGD(module, lr=LR), each(tasks)

    def step():
        parameters, total = list(module.parameters()), 0.0
        net_state, inner_state = torchopt.extract_state_dict(module), torchopt.extract_state_dict(inner)
        for D, D_query in one_by_one:
            for _ in range(steps):
                inner.step(loss(module, D))
            total = total + loss(module, D_query)
            torchopt.recover_state_dict(module, net_state)
            torchopt.recover_state_dict(inner, inner_state)
        return flat(torch.autograd.grad(total / len(tasks), parameters))

    return step


ALL = {"hyperedu": hyperedu_step, "learn2learn": learn2learn_step, "higher": higher_step, "torchopt": torchopt_step}


def load_learn2learn(folder: Path) -> None:
    """Its packages without their `__init__`, which import parts that do not build."""
    for name in ("learn2learn", "learn2learn.algorithms"):
        module = types.ModuleType(name)
        module.__path__ = [str(folder / name.replace(".", "/"))]
        sys.modules[name] = module


def measure(makers, steps: int, n_tasks: int) -> dict[str, tuple[float, float]]:
    """name → (median milliseconds, largest difference of the gradient in float64)."""
    runs = {name: make(steps, make_tasks(n_tasks, torch.float32)) for name, make in makers.items()}
    exact = {name: make(steps, make_tasks(n_tasks, torch.float64))() for name, make in makers.items()}
    seconds = {name: [] for name in runs}
    for run in runs.values():
        run()
    for _ in range(7):
        for name, run in runs.items():
            start = time.perf_counter()
            run()
            seconds[name].append(time.perf_counter() - start)
    return {
        name: (1000 * statistics.median(seconds[name]), (exact[name] - exact["hyperedu"]).abs().max().item()) for name in runs
    }


def peak(name: str, steps: int, n_tasks: int) -> float:
    """Megabytes by which the meta-step raises the peak of this process."""
    run = ALL[name](steps, make_tasks(n_tasks, torch.float32))
    Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")  # the peak so far, that of the imports, is forgotten
    before = high_water()
    run()
    return high_water() - before


def high_water() -> float:
    """The most memory that this process has held, in megabytes."""
    return int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text(encoding="utf-8"))[1]) / 1024


def main() -> None:
    folder, *rest = [*sys.argv[1:], ""]
    if folder:
        load_learn2learn(Path(folder))
    if rest and rest[0] == "peak":
        print(peak(rest[1], int(rest[2]), int(rest[3])))
        return
    there = {"learn2learn": bool(folder), **{n: importlib.util.find_spec(n) is not None for n in ("higher", "torchopt")}}
    makers = {name: make for name, make in ALL.items() if there.get(name, True)}
    missing = [name for name in ALL if name not in makers]
    if missing:
        print(f"left out, since they are not here: {', '.join(missing)}. The head of this file says how to get them.\n")
    print("| steps | tasks | | ms | times hyperedu | largest difference of the gradient | peak memory, MB |")
    print("|---|---|---|---|---|---|---|")
    for steps, n_tasks in ((1, 25), (5, 25), (10, 25), (5, 1), (5, 100), (5, 400)):
        for name, (milliseconds, difference) in (found := measure(makers, steps, n_tasks)).items():
            command = [sys.executable, __file__, folder, "peak", name, str(steps), str(n_tasks)]
            memory = float(subprocess.run(command, capture_output=True, encoding="utf-8", check=True).stdout)
            ratio = milliseconds / found["hyperedu"][0]
            row = f"{milliseconds:.1f} | {ratio:.1f} | {difference:.0e} | {memory:.0f}"
            print(f"| {steps} | {n_tasks} | {name} | {row} |", flush=True)


if __name__ == "__main__":
    main()
