"""Sentences that say what was done to digits, and a low-rank adapter written from one for a network that stays as it is."""

import itertools
import random
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from hyperedu.batches import Examples, TaskBatch, TaskSet
from hyperedu.generators import Generator
from hyperedu.learners import Hypernetwork, Learner, SharedWeights
from hyperedu.losses import accuracy
from hyperedu.main_network import MainNetwork
from hyperedu.tasks import Digits
from hyperedu.tasks.digits import SIDE
from hyperedu.training import meta_train

# What can be done to an image (…, 8, 8), and how it is told. No two share a word that says what they do.
CHANGES: dict[str, tuple[Callable[[Tensor], Tensor], tuple[str, ...]]] = {
    "left": (
        lambda x: x.rot90(1, (-2, -1)),
        ("turned a quarter to the left", "rotated counter-clockwise by 90 degrees", "lying on their left side",
         "turned left by a right angle", "rotated anticlockwise a quarter turn", "tipped over to the left",
         "rotated 90 degrees against the clock", "fallen over onto their left side"),
    ),
    "upside down": (
        lambda x: x.rot90(2, (-2, -1)),
        ("upside down", "turned by half a circle", "rotated by 180 degrees", "standing on their heads", "held the wrong way up",
         "turned on their heads", "rotated half a turn", "with the top at the bottom, turned round"),
    ),
    "mirrored": (
        lambda x: x.flip(-1),
        ("mirrored", "seen in a mirror", "reflected from one side to the other", "with left and right swapped",
         "seen from behind, through the paper", "a mirror image", "reflected in a mirror", "written backwards, as reflections"),
    ),
    "negative": (
        lambda x: 1 - x,
        ("white on black", "inverted like a photographic negative", "with dark and bright exchanged", "with reversed colours",
         "light ink on dark paper", "white chalk on a blackboard", "bright on a dark background", "black and white inverted"),
    ),
    "shifted": (
        lambda x: nn.functional.pad(x, (0, 0, 0, 2))[..., 2:, :],
        ("moved upwards by two pixels", "shifted to the top", "too high on the page", "pushed up, cut off above",
         "sitting near the upper edge", "shifted upwards", "moved up a little", "placed too far up"),
    ),
}  # fmt: skip
TEMPLATES = (
    "The digits are {}.", "Each digit is {}.", "All of them are {}.", "These numbers are {}.", "{}", "The images come {}.",
    "I drew digits that are {}.", "Please read digits {}.",
)  # fmt: skip
PLAIN = ("The digits are as they should be.", "Ordinary digits.", "Nothing was done to them.", "Upright digits, dark on white.")


# Sentence → what was done, names of `CHANGES`; and sentences → τ (n, d_tau).
Told = dict[str, tuple[str, ...]]
Describe = Callable[[Sequence[str]], Tensor]


class ToldDigits(TaskSet):
    """Tasks of ten digits to which one thing was done, or two, as a sentence says; τ is the text's.

    Args:
        digits: `Digits().train` or `.test`: whose drawings.
        told: sentence → what was done, names of `CHANGES`.
        describe: sentences → τ (n, d_tau).
    """

    def __init__(self, digits: TaskSet, told: Told, describe: Describe):
        self.digits, self.told, self.sentences = digits, told, list(told)
        self.tau, self.n_tasks = describe(self.sentences), len(told)

    def most_queries(self, shots: int) -> int:
        return self.digits.most_queries(shots)

    def sample(self, n_tasks=None, shots=0, queries=5, rng=None) -> TaskBatch:
        every = torch.arange(self.n_tasks)
        some = every if n_tasks is None else torch.randperm(self.n_tasks, generator=rng)[:n_tasks]
        upright = self.digits.sample(len(some), max(shots, 1), queries, rng, angle=0)
        sentences = [self.sentences[k] for k in some.tolist()]
        done = [self.told[sentence] for sentence in sentences]
        D, D_query = (
            Examples(torch.stack([changed(x, names) for x, names in zip(part.x, done, strict=True)]), part.y)
            for part in (upright.support.first(shots), upright.query)
        )
        return TaskBatch(self.tau[some], D, D_query, {"sentence": sentences, "done": done})


def changed(x: Tensor, names: Sequence[str]) -> Tensor:
    """Digits (…, 64) after what `names` say was done to them, in this order."""
    image = x.unflatten(-1, (SIDE, SIDE))
    for name in names:
        image = CHANGES[name][0](image)
    return image.flatten(-2)


def sentences(split: int = 0) -> tuple[Told, Told]:
    """(training, new): of each change two ways to tell it, and two templates, are in new sentences only."""
    rng = random.Random(split)
    templates = rng.sample(TEMPLATES, len(TEMPLATES))
    train: Told = dict.fromkeys(PLAIN, ())
    new: Told = {}
    for name, (_change, ways) in CHANGES.items():
        shuffled = rng.sample(ways, len(ways))
        train |= {template.format(way): (name,) for template in templates[2:] for way in shuffled[2:]}
        new |= {template.format(way): (name,) for template in templates[:2] for way in shuffled[:2]}
    return train, new


def pairs() -> Told:
    """Two things done one after the other, as no training sentence says it."""
    return {
        f"The digits are {CHANGES[one][1][0]}, then {CHANGES[other][1][0]}.": (one, other)
        for one, other in itertools.permutations(CHANGES, 2)
    }


class AdapterGenerator(Generator):
    """θ = θ₀ with W₁ = W₁₀ + B A of rank r: A and B are written from τ, θ₀ is frozen and no part of φ.

    Hu and others 2021 (arXiv 2106.09685); Charakorn and others 2025 (arXiv 2506.06105). As there, B begins at zero, so that
    nothing is changed before anything is learned.

    Args:
        descriptor_dim: d_tau.
        main: a main network whose first weight tensor is a matrix.
        theta_0: (P,) its weights.
        rank: r.
        hidden: the width of the trunk.
    """

    theta_0: Tensor

    def __init__(self, descriptor_dim: int, main: MainNetwork, theta_0: Tensor, rank: int = 4, hidden: int = 32):
        super().__init__(descriptor_dim, main)
        self.register_buffer("theta_0", theta_0.detach().clone())
        self.rank, self.shape = rank, next(iter(main.shapes.values()))
        m, n = self.shape
        self.trunk = nn.Sequential(nn.Linear(descriptor_dim, hidden), nn.GELU())
        self.write_B, self.write_A = nn.Linear(hidden, m * rank), nn.Linear(hidden, rank * n)
        nn.init.zeros_(self.write_B.weight)
        nn.init.zeros_(self.write_B.bias)

    def forward(self, descriptor: Tensor) -> Tensor:
        """τ (…, d_tau) → θ (…, P)."""
        self.check(descriptor)
        h, (m, n) = self.trunk(descriptor), self.shape
        B, A = self.write_B(h).unflatten(-1, (m, self.rank)), self.write_A(h).unflatten(-1, (self.rank, n))
        BA = (B @ A).flatten(-2)
        return self.theta_0 + nn.functional.pad(BA, (0, self.main.weight_dim - m * n))


def reads_upright(digits: Digits, seed: int = 0) -> SharedWeights:
    """A small network that reads digits as they are; its θ₀ is what adapters change."""
    rng = torch.Generator().manual_seed(seed)
    main = MainNetwork.mlp([SIDE * SIDE, 48, 10], "relu", loss="cross_entropy")
    learner = SharedWeights(main, rng=rng)
    upright = ToldDigits(digits.train, {"": ()}, lambda sentences: torch.zeros(len(sentences), 1))
    meta_train(learner, upright, 400, 1, 0, 20, rng=rng, progress=False)
    return learner


def adapter(frozen: SharedWeights, rank: int, tasks: ToldDigits, seed: int = 0, progress: bool = False) -> Hypernetwork:
    """A hypernetwork that writes adapters for a frozen network from the τ of `tasks`, trained."""
    torch.manual_seed(seed)
    learner = Hypernetwork(frozen.main, AdapterGenerator(tasks.tau.shape[-1], frozen.main, frozen.theta_0, rank))
    optimizer = torch.optim.AdamW(learner.parameters(), lr=5e-3, weight_decay=0.1)
    rng = torch.Generator().manual_seed(seed)
    meta_train(learner, tasks, 800, 16, 0, 5, optimizer=optimizer, anneal=True, rng=rng, progress=progress)
    return learner


@torch.no_grad()
def told_right(learner: Learner, digits: Digits, told: Told, describe: Describe) -> float:
    """The share of test drawings that are read rightly after a sentence, 200 of them for each."""
    batch = ToldDigits(digits.test, told, describe).sample(None, 0, 20, torch.Generator().manual_seed(0))
    return accuracy(learner.main(learner.written(batch.descriptor), batch.query.x), batch.query.y).mean().item()
