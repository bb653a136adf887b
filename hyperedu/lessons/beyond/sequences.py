"""Tasks that come one after the other, each seen only while it is learned: polynomials, and digits that are turned."""

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from hyperedu.batches import Examples, TaskBatch, TaskSet
from hyperedu.encoders import Learned
from hyperedu.generators import MLPGenerator
from hyperedu.learners import Hypernetwork, Learner, SharedWeights
from hyperedu.main_network import MainNetwork
from hyperedu.penalties import OutputRegularizer
from hyperedu.tasks import Digits
from hyperedu.training import meta_train

# von Oswald and others 2020 (arXiv 1906.00695), the toy of their public code: y = p(x), and the interval of x.
POLYNOMIALS: tuple[tuple[str, Callable[[Tensor], Tensor], float, float], ...] = (
    ("x + 3", lambda x: x + 3, -4, -2),
    ("2x² − 1", lambda x: 2 * x**2 - 1, -1, 1),
    ("(x − 3)³", lambda x: (x - 3) ** 3, 2, 4),
)
NOISE = 0.05
EVERY = 50  # steps between two looks at what is written
# Name → the kind of learner, and the strength of its output penalty.
WAYS = {
    "plain network": ("plain", 0.0),
    "hypernetwork": ("hypernetwork", 0.0),
    "with the output penalty": ("hypernetwork", 0.005),
}
ANGLES = (0, 60, 120, 180, 240)  # of the digits, in degrees


class OneTask(TaskSet):
    """A single task of a sequence, described by its place in it: τ (1, n) is one-hot."""

    n_tasks = 1

    def __init__(self, place: int, of: int):
        self.tau = torch.eye(of)[place : place + 1]


class Polynomial(OneTask):
    """A hundred noisy points of one polynomial.

    Attributes:
        grid: fifty points without noise to judge by.
    """

    def __init__(self, place: int, seed: int = 0):
        super().__init__(place, len(POLYNOMIALS))
        self.name, f, low, high = POLYNOMIALS[place]
        rng = torch.Generator().manual_seed(1000 * seed + place)
        x = low + (high - low) * torch.rand(100, 1, generator=rng)
        self.points = Examples(x, f(x) + NOISE * torch.randn(x.shape, generator=rng))
        x = torch.linspace(low, high, 50).unsqueeze(-1)
        self.grid = Examples(x, f(x))

    def most_queries(self, shots: int) -> int:
        return 100 - shots

    def sample(self, n_tasks=None, shots=0, queries=32, rng=None) -> TaskBatch:
        some = self.points.some(torch.randperm(100, generator=rng)[: shots + queries])
        support, query = Examples(some.x[None], some.y[None]).split(shots)
        return TaskBatch(self.tau, support, query, {})


class TurnedDigits(OneTask):
    """The ten digits at one of `ANGLES`; drawings are those that `digits.train` or `.test` has."""

    def __init__(self, place: int, digits: TaskSet):
        super().__init__(place, len(ANGLES))
        self.angle, self.digits = ANGLES[place], digits

    def most_queries(self, shots: int) -> int:
        return self.digits.most_queries(shots)

    def sample(self, n_tasks=None, shots=0, queries=5, rng=None) -> TaskBatch:
        task = self.digits.sample(1, shots, queries, rng, angle=self.angle)
        return TaskBatch(self.tau, task.support, task.query, task.properties)


def beginner(kind: str, main: MainNetwork, n: int, hidden: Sequence[int], rng: torch.Generator) -> Learner:
    """A learner for n tasks: "plain" has one θ for all, "hypernetwork" writes it from a learned code of each."""
    if kind == "plain":
        return SharedWeights(main, rng=rng)
    codes = Learned([str(k) for k in range(n)], 2, rng)
    return Hypernetwork(main, MLPGenerator(2, main, hidden, rng=rng), codes)


def in_sequence(
    learner: Learner,
    tasks: Sequence[OneTask],
    steps: int,
    strength: float = 0.0,
    lr: float = 0.01,
    queries: int = 32,
    rng: torch.Generator | None = None,
) -> Tensor:
    """Learn tasks one after the other, `steps` each; those before are held by the output penalty alone, times `strength`.

    Each has an optimizer of its own, whose learning rate falls along half a cosine.

    Returns:
        θ of every task at the beginning and after each `EVERY` steps, (looks, n_tasks, P).
    """
    path = [weights(learner, len(tasks))]
    for k, task in enumerate(tasks):
        before = torch.cat([old.tau for old in tasks[:k]]) if k else None
        penalties = {OutputRegularizer(learner, before): strength} if k and strength else None
        optimizer = torch.optim.Adam(learner.parameters(), lr=lr)
        (settings,) = optimizer.param_groups
        for done in range(0, steps, EVERY):
            settings["lr"] = lr * (1 + math.cos(math.pi * done / steps)) / 2
            meta_train(
                learner, task, EVERY, 1, 0, queries, optimizer=optimizer, anneal=False, penalties=penalties, rng=rng,
                progress=False,
            )  # fmt: skip
            path.append(weights(learner, len(tasks)))
    return torch.stack(path)


@torch.no_grad()
def weights(learner: Learner, n: int) -> Tensor:
    """θ of each of n tasks, (n, P)."""
    return learner.written(torch.eye(n)).clone()


def polynomials(seed: int = 0) -> list[Polynomial]:
    return [Polynomial(place, seed) for place in range(len(POLYNOMIALS))]


def turned_digits(part: str, digits: Digits) -> list[TurnedDigits]:
    """The tasks with the drawings of "train" or "test"."""
    return [TurnedDigits(place, getattr(digits, part)) for place in range(len(ANGLES))]
