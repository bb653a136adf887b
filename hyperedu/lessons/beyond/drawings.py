"""Drawings as functions of the place on the paper: a coordinate network for each, all written from a map of two numbers."""

import math

import torch
from torch import Tensor
from tqdm.auto import tqdm

from hyperedu.batches import Examples, TaskBatch, TaskSet
from hyperedu.encoders import Learned
from hyperedu.generators import MLPGenerator
from hyperedu.learners import Hypernetwork
from hyperedu.main_network import MainNetwork
from hyperedu.tasks import Characters
from hyperedu.tasks.characters import SIDE
from hyperedu.words import _

LETTERS, HANDS, SEED = 4, 6, 3
# How far the corners of the paper are from its middle, in what the sines of the first layer are given.
REACH = 6.0
# From one drawing to another: over the map; straight between the two written θ; and between those of networks trained apart.
WAYS = ("τ", "θ written", "θ trained apart")


def coordinates(side: int = SIDE) -> Tensor:
    """(side², 2): right and down, row by row, from −REACH to REACH."""
    at = torch.linspace(-REACH, REACH, side)
    down, right = torch.meshgrid(at, at, indexing="ij")
    return torch.stack([right, down], dim=-1).flatten(0, 1)


class Drawings(TaskSet):
    """One task for each drawing of some Greek letters: x is a place on the paper (2,), y its ink from 0 to 1. τ is one-hot.

    Attributes:
        images: (n_tasks, 28, 28).
        letter: (n_tasks,) which letter each is.
    """

    def __init__(self):
        rng = torch.Generator().manual_seed(SEED)
        batch = Characters().test.sample(1, HANDS, 1, rng, ways=LETTERS, alphabet="Greek")
        self.images, self.letter = batch.support.x[0, :, 0], batch.support.y[0]
        self.n_tasks = len(self.images)

    def most_queries(self, shots: int) -> int:
        return SIDE * SIDE - shots

    def pixels(self) -> Examples:
        """Every drawing whole, (n_tasks, 784, …)."""
        return Examples(coordinates().expand(self.n_tasks, -1, -1), self.images.flatten(1).unsqueeze(-1))

    def sample(self, n_tasks=None, shots=0, queries=256, rng=None) -> TaskBatch:
        every = torch.arange(self.n_tasks)
        some = every if n_tasks is None else torch.randperm(self.n_tasks, generator=rng)[:n_tasks]
        at = torch.randperm(SIDE * SIDE, generator=rng)[: shots + queries]
        support, query = self.pixels().task(some).some(at).split(shots)
        return TaskBatch(torch.eye(self.n_tasks)[some], support, query, {"letter": self.letter[some]})


class Map(Learned):
    """A place on a map (2,) for each drawing, near those of its letter at the beginning; learned with the generator.

    In training a place is met with an error of `blot` on each of its two numbers, so that a drawing is learned for a blot of
    the map rather than for a point, and neighbours must be alike.
    """

    blot = 0.3

    def __init__(self, letter: Tensor, rng: torch.Generator | None = None):
        super().__init__([str(k) for k in range(len(letter))], 2, rng)
        angle = letter * 2 * math.pi / LETTERS
        with torch.no_grad():
            self.table.mul_(0.35).add_(1.5 * torch.stack([angle.cos(), angle.sin()], dim=-1))

    def forward(self, descriptor: Tensor | None, support: Examples | None = None) -> Tensor:
        place = super().forward(descriptor, support)
        return place + self.blot * torch.randn_like(place) if self.training else place


def painter(tasks: Drawings, rng: torch.Generator | None = None) -> Hypernetwork:
    """θ of a coordinate network from two numbers, which are learned for each drawing."""
    main = MainNetwork.mlp([2, 32, 32, 1], "sin")
    return Hypernetwork(main, MLPGenerator(2, main, hidden=(32, 32), rng=rng), Map(tasks.letter, rng))


def apart(main: MainNetwork, tasks: Drawings, steps: int = 500) -> Tensor:
    """θ (n_tasks, P) of networks that share nothing, each trained on one drawing from a start of its own."""
    rng = torch.Generator().manual_seed(0)
    theta = main.initial_weights(tasks.n_tasks, rng).requires_grad_()
    optimizer = torch.optim.Adam([theta], lr=0.01)
    for _step in tqdm(range(steps), desc=_("networks apart"), unit="step"):
        optimizer.zero_grad()
        main.loss(theta, tasks.sample(rng=rng).query).sum().backward()
        optimizer.step()
    return theta.detach()


def between(way: str, learner: Hypernetwork, apart: Tensor, first: Tensor, second: Tensor, share: float) -> Tensor:
    """θ (…, P) at a share of the way from drawings to others, by one of `WAYS`."""
    if way == "τ":
        return learner.generator(torch.lerp(*(learner.encoder.table[k] for k in (first, second)), share))
    theta = learner.generator(learner.encoder.table) if way == "θ written" else apart
    return torch.lerp(theta[first], theta[second], share)


def likeness(ink: Tensor, images: Tensor) -> Tensor:
    """How like the nearest of n drawings (n, 28, 28) each of these (m, 784) is: the largest correlation of their ink, (m,)."""
    centred = [v - v.mean(-1, keepdim=True) for v in (ink, images.flatten(1))]
    one, other = (v / v.norm(dim=-1, keepdim=True) for v in centred)
    return (one @ other.T).max(-1).values


@torch.no_grad()
def half_way(learner: Hypernetwork, apart: Tensor, tasks: Drawings) -> dict[str, tuple[float, float]]:
    """`WAYS` → the mean `likeness` half way between all pairs of drawings of one letter, and of two letters."""
    first, second = torch.combinations(torch.arange(tasks.n_tasks)).unbind(-1)
    same = tasks.letter[first] == tasks.letter[second]
    x = coordinates().expand(len(first), -1, -1)
    inks = {way: learner.main(between(way, learner, apart, first, second, 0.5), x)[..., 0] for way in WAYS}
    like = {way: likeness(ink, tasks.images) for way, ink in inks.items()}
    return {way: (found[same].mean().item(), found[~same].mean().item()) for way, found in like.items()}


@torch.no_grad()
def scale(learner: Hypernetwork, apart: Tensor, tasks: Drawings) -> tuple[float, float, float]:
    """The mean `likeness` of what is written at the drawings' own places, of networks trained apart, of a drawing to others."""
    x = coordinates().expand(tasks.n_tasks, -1, -1)
    own, alone = (
        likeness(learner.main(theta, x)[..., 0], tasks.images).mean().item()
        for theta in (learner.generator(learner.encoder.table), apart)
    )
    others = [
        likeness(image.flatten()[None], torch.cat([tasks.images[:k], tasks.images[k + 1 :]]))
        for k, image in enumerate(tasks.images)
    ]
    return own, alone, torch.cat(others).mean().item()
