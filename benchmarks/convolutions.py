"""The convolutional main network beside three other ways to run it: a grouped convolution, vmap, and a loop over tasks.

    python benchmarks/convolutions.py

5-way episodes on images, from small networks to large ones: a forward pass, its gradient, and a meta-step of MAML (one inner
step, second order). Milliseconds are medians of runs by turns. All ways have the same gradient, to the rounding of float32.
"""

import statistics
import time

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap
from torch.nn import functional as F

from hyperedu import MAML, Examples, MainNetwork, TaskBatch, feedforward, outer_loss

RUNS = 9
# side, channels, tasks, support examples of a task, query examples
SIZES = [
    (14, 8, 16, 5, 25), (14, 16, 16, 5, 25), (28, 16, 16, 5, 25), (28, 32, 4, 5, 25), (28, 32, 16, 5, 25), (28, 32, 16, 25, 75),
    (28, 64, 4, 5, 25), (28, 64, 16, 5, 25), (28, 32, 1, 5, 75),
]  # fmt: skip


def as_module(side: int, channels: int, blocks: int) -> nn.Module:
    layers, c = [], 1
    for _ in range(blocks):
        layers += [nn.Conv2d(c, channels, 3, stride=2, padding=1), nn.GroupNorm(feedforward.GROUPS, channels), nn.ReLU()]
        c = channels
    module = nn.Sequential(*layers, nn.Flatten(), nn.LazyLinear(5))
    module(torch.zeros(1, 1, side, side))  # tells the last layer its size
    return module.requires_grad_(False)


class _Other(MainNetwork):
    """The same function of θ, run in another way."""

    input_dims = 3

    def __init__(self, own: MainNetwork, module: nn.Module, over_tasks):
        super().__init__(own.shapes, own.initial_mean, own.initial_std, "cross_entropy", own.start_std)
        self.d_in, self.d_out, self.module, self.over_tasks = own.d_in, own.d_out, module, over_tasks

    def one(self, weights: dict[str, Tensor], x: Tensor) -> Tensor:
        return functional_call(self.module, weights, (x,))

    def _batched(self, theta: Tensor, x: Tensor) -> Tensor:
        return self.over_tasks(self.one, self.unflatten(theta), x)


def loop(one, weights, x):
    return torch.stack([one({name: w[i] for name, w in weights.items()}, x[i]) for i in range(len(x))])


def episodes(side: int, n_tasks: int, support: int, query: int) -> TaskBatch:
    random = torch.Generator().manual_seed(0)

    def some(n: int) -> Examples:
        return Examples(
            torch.rand(n_tasks, n, 1, side, side, generator=random), torch.arange(n).remainder(5).expand(n_tasks, n)
        )

    return TaskBatch(torch.zeros(n_tasks, 0), some(support), some(query), {})


def measured(jobs: dict, runs: int = RUNS) -> dict[str, float]:
    """Median milliseconds of each job, run by turns."""
    times = {name: [] for name in jobs}
    for n in range(runs + 1):
        for name, job in jobs.items():
            start = time.perf_counter()
            job()
            if n:
                times[name].append(1000 * (time.perf_counter() - start))
    return {name: statistics.median(each) for name, each in times.items()}


def forward(main: MainNetwork, theta_0: Tensor, tasks: TaskBatch):
    with torch.no_grad():
        return main(theta_0.expand(len(tasks), -1), tasks.query.x)


def gradient(main: MainNetwork, theta_0: Tensor, tasks: TaskBatch):
    theta = theta_0.expand(len(tasks), -1)
    return torch.autograd.grad(main.loss(theta, tasks.query).mean(), theta_0)[0]


def meta_step(main: MainNetwork, theta_0: Tensor, tasks: TaskBatch):
    learner = MAML(main, 1, 0.1)
    learner.theta_0 = nn.Parameter(theta_0.detach())
    return torch.autograd.grad(outer_loss(learner, tasks).mean(), learner.theta_0)[0]


def main() -> None:
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads\n")
    print("| image, channels, tasks, D, D' | what | own | grouped | vmap | loop | own, times the best other |")
    print("|---|---|---|---|---|---|---|")
    limit = feedforward.ALL_AT_ONCE
    for side, channels, n_tasks, support, query in SIZES:
        blocks = 4 if side == 28 else 3
        own = MainNetwork.conv((1, side, side), (channels,) * blocks, 5)
        module = as_module(side, channels, blocks)
        ways = {"own": own, "grouped": own, "vmap": _Other(own, module, vmap), "loop": _Other(own, module, loop)}
        ways["vmap"].over_tasks = lambda one, weights, x: vmap(one)(weights, x)
        tasks, theta_0 = episodes(side, n_tasks, support, query), own.initial_weights(rng=torch.Generator().manual_seed(0))
        theta_0.requires_grad_()

        def run(name: str, job, theta_0=theta_0, tasks=tasks, ways=ways):
            feedforward.ALL_AT_ONCE = float("inf") if name == "grouped" else limit
            return job(ways[name], theta_0, tasks)

        for job in (forward, gradient, meta_step):
            found = [run(name, job) for name in ways]
            assert all(F.cosine_similarity(one.flatten(), found[0].flatten(), dim=0) > 0.9999 for one in found), "not the same"
            times = measured({name: lambda name=name, job=job: run(name, job) for name in ways})
            ratio = times["own"] / min(times[name] for name in ("grouped", "vmap", "loop"))
            cells = " | ".join(f"{times[name]:.1f}" for name in ways)
            what = job.__name__.replace("_", "-")
            print(f"| {side}², {channels}, {n_tasks}, {support}, {query} | {what} | {cells} | {ratio:.2f} |", flush=True)
    feedforward.ALL_AT_ONCE = limit


if __name__ == "__main__":
    main()
