"""Weather stations as clients: each keeps a few readings of its own to itself, some one, some twelve."""

import torch
from torch import Tensor
from tqdm.auto import tqdm

from hyperedu.adaptation import adapt
from hyperedu.batches import Examples, TaskBatch, TaskSet
from hyperedu.generators import MLPGenerator
from hyperedu.learners import Hypernetwork, Learner, SharedWeights
from hyperedu.main_network import MainNetwork
from hyperedu.tasks import ColoradoClimate
from hyperedu.words import _

# What a client does in a round: steps on its own readings, in which errors are in °C.
LOCAL_STEPS, ALPHA = 3, 3e-4
SLOTS = 12
READINGS = (1, 2, 3, 4, 6, 12)  # divisors of SLOTS: a client of few repeats them, so that a batch has one shape


# Clients by how many readings they have, from so many to so many.
GROUPS = {"1 or 2 readings": (1, 2), "3 or 4": (3, 4), "6 or 12": (6, 12), "none: new": (0, 0)}


class Clients(TaskSet):
    """The training stations, each with its own few single readings: D are these, D' is its mean year.

    Args:
        climate: a `ColoradoClimate` of "years".
        seed: which readings each has, and how many.

    Attributes:
        count: (n_tasks,) how many readings each station has.
    """

    def __init__(self, climate: ColoradoClimate, seed: int = 0):
        rng = torch.Generator().manual_seed(seed)
        drawn = climate.train.sample(None, SLOTS, 1, rng)
        self.n_tasks, self.tau = len(drawn), drawn.descriptor
        self.count = torch.tensor(READINGS)[torch.randint(len(READINGS), (self.n_tasks,), generator=rng)]
        slot = (torch.arange(SLOTS) % self.count.unsqueeze(-1)).unsqueeze(-1)  # (n_tasks, 12, 1)
        self.own = Examples(*(v.take_along_dim(slot, 1) for v in (drawn.support.x, drawn.support.y)))
        self.year = _years(climate, climate.train.index)

    def most_queries(self, shots: int) -> int:
        return 12

    def sample(self, n_tasks=None, shots=SLOTS, queries=12, rng=None) -> TaskBatch:
        some = torch.arange(self.n_tasks) if n_tasks is None else torch.randperm(self.n_tasks, generator=rng)[:n_tasks]
        return TaskBatch(self.tau[some], self.own.task(some), self.year.task(some), {"count": self.count[some]})


def newcomers(climate: ColoradoClimate) -> TaskBatch:
    """The held-out stations, which have no reading yet: D is empty, D' the mean year."""
    new = climate.test.sample(None, 0, 1)
    years = _years(climate, climate.test.index)
    return TaskBatch(new.descriptor, years.first(0), years, {"count": torch.zeros(len(new), dtype=torch.int64)})


def _years(climate: ColoradoClimate, index: Tensor) -> Examples:
    x = climate.x(torch.arange(12)).expand(len(index), -1, -1)
    return Examples(x, climate.mean_year[index].unsqueeze(-1))


def federated_round(learner: Learner, clients: TaskBatch, optimizer: torch.optim.Optimizer) -> None:
    """One round: θ goes out, Δθ comes back, and φ steps along (∂θ/∂φ)ᵀ Δθ. Shamsian and others 2021 (arXiv 2103.04628).

    As in federated averaging (McMahan and others 2017, arXiv 1602.05629) clients count by how many readings they have.
    """
    theta = learner.written(clients.descriptor)
    moved = own_steps(learner.main, theta.detach(), clients.support, LOCAL_STEPS)
    share = clients.properties["count"] / clients.properties["count"].sum()
    optimizer.zero_grad()
    theta.backward(-share.unsqueeze(-1) * (moved - theta.detach()))
    optimizer.step()


def own_steps(main: MainNetwork, theta: Tensor, own: Examples, steps: int) -> Tensor:
    """θ' of what each client does with its own readings, (n_tasks, P), without a gradient to θ."""
    return adapt(main, theta, own, steps, ALPHA, first_order=True, keep=False).final.detach()


def federated(learner: Learner, clients: Clients, decay: float, rng: torch.Generator, rounds: int = 600) -> None:
    """Train a learner in rounds of 50 clients, with AdamW whose rate falls to zero."""
    optimizer = torch.optim.AdamW(learner.parameters(), lr=3e-3, weight_decay=decay)
    falling = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, rounds)
    for _round in tqdm(range(rounds), desc=_("rounds"), unit="round"):
        federated_round(learner, clients.sample(50, rng=rng), optimizer)
        falling.step()


def learners(climate: ColoradoClimate, rng: torch.Generator) -> dict[str, tuple[Learner, float]]:
    """Name → a learner, and its weight decay: lesson 08 has why the generator's is large."""
    main = MainNetwork.mlp([2, 16, 16, 1], "tanh", climate.y_mean, climate.y_std)
    written = Hypernetwork(main, MLPGenerator(3, main, hidden=(32, 32), rng=rng))
    return {"one network for all": (SharedWeights(main, rng=rng), 0.01), "written for each": (written, 1.0)}


def alone(main: MainNetwork, own: Examples, rng: torch.Generator, steps: int = 300) -> Tensor:
    """θ (n_tasks, P) of clients that share nothing: each trains a network of its own."""
    theta = main.initial_weights(len(own.y), rng=rng).requires_grad_()
    optimizer = torch.optim.Adam([theta], lr=0.01)
    for _step in range(steps):
        optimizer.zero_grad()
        main.loss(theta, own).sum().backward()
        optimizer.step()
    return theta.detach()


@torch.no_grad()
def errors(main: MainNetwork, theta: Tensor, clients: TaskBatch) -> dict[str, float]:
    """The mean over clients of the RMSE of their year, °C, by how many readings they have."""
    rmse, count = main.loss(theta, clients.query).sqrt(), clients.properties["count"]
    found = {name: rmse[(count >= low) & (count <= high)] for name, (low, high) in GROUPS.items()}
    return {name: some.mean().item() for name, some in found.items() if len(some)}


def measured(seed: int) -> dict[str, dict[str, float]]:
    """Way → group of clients → error, on a split and a training of their own."""
    climate, rng = ColoradoClimate(examples="years", split=seed), torch.Generator().manual_seed(seed)
    clients, new = Clients(climate, seed), newcomers(climate)
    every, found = clients.sample(), {}
    for name, (learner, decay) in learners(climate, rng).items():
        federated(learner, clients, decay, rng)
        main, theta = learner.main, learner.written(every.descriptor).detach()
        found[name] = errors(main, theta, every) | errors(main, learner.written(new.descriptor), new)
        found[f"{name}, then own steps"] = errors(main, own_steps(main, theta, every.support, LOCAL_STEPS), every)
    found["each alone"] = errors(main, alone(main, every.support, rng), every)
    return found
