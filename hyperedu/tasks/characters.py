"""Classes that were never seen: characters of many scripts, N ways and K shots, drawn by another hand each time.

Scripts are split, never characters: letters of one script have a style, and a learner that knows half of them knows that.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from hyperedu.batches import Examples, TaskBatch, TaskSet, floats, whole
from hyperedu.files import arrays, data_file
from hyperedu.tasks.quadratics import rotation

__all__ = ["Characters", "Episodes"]

FILE = "characters.npz"
SHA256 = "18eeb34124e8847b4ce91de764ee80d4acdcebf0cc2538bd086183e19e6f8b29"
SIDE = 28  # pixels
BETWEEN = 2  # pieces of a stroke for each between two stored points
# Scripts of the real alphabets that this course tests on, and the next of kin of one: never trained on. (The fifth, Hangul, is
# not in the fonts.)
ALWAYS_TEST = ("Balinese", "Greek", "Imperial Aramaic", "Latin", "Phoenician")


class Episodes(TaskSet):
    """Endlessly many tasks, each to tell `ways` characters apart from a few drawings of each.

    Labels are 0 to ways − 1, in an order that is new in each task, so that a label says nothing; x are images
    (1, 28, 28), ink 1 on paper 0. There is no description: τ has no numbers, (n_tasks, 0).

    Args:
        alphabets: the name of each character's script, (n_characters,).
        ways: how many classes a task has, where `sample` is not told.

    Attributes:
        names: the scripts, in the order of the alphabet.
    """

    n_tasks = None
    drawings_of_each: int | None = None  # how many drawings there are of each character; None if endlessly many

    def __init__(self, alphabets: Sequence[str], ways: int = 5):
        self.alphabets, self.ways = list(alphabets), ways
        self.names = sorted(set(self.alphabets))
        _enough(ways, len(self.alphabets), "there are")
        numbers = torch.tensor([self.names.index(name) for name in self.alphabets])
        self.members = [(numbers == k).nonzero().flatten() for k in range(len(self.names))]

    def draw(self, characters: Tensor, n: int, rng: torch.Generator | None = None) -> Tensor:
        """n different drawings of each character (…,), (…, n, 1, 28, 28)."""
        raise NotImplementedError

    def most_queries(self, shots: int) -> int:
        """Queries of each class to test with."""
        return 15 if self.drawings_of_each is None else min(15, self.drawings_of_each - shots)

    def sample(self, n_tasks=None, shots=1, queries=5, rng=None, *, ways=None, alphabet: str | None = None) -> TaskBatch:
        """`n_tasks` episodes; `shots` and `queries` are drawings of each class.

        Args:
            ways: how many classes; as the set says if None.
            alphabet: take all classes from this script; from any if None.

        Raises:
            ValueError: no such script, or not so many characters or drawings.
        """
        self.check(n_tasks, shots, queries, rng)
        ways = self.ways if ways is None else ways
        among = self._among(alphabet)
        _enough(ways, len(among), "this set has" if alphabet is None else f"{alphabet} has")
        if self.drawings_of_each is not None and shots + queries > self.drawings_of_each:
            raise ValueError(
                f"{shots} shots and {queries} queries asked for, but there are {self.drawings_of_each} drawings of each "
                "character: ask for fewer"
            )
        chosen = among[torch.rand(n_tasks, len(among), generator=rng).argsort(1)[:, :ways]]
        D, D_query = by_class(self.draw(chosen, shots + queries, rng), shots)
        scripts = [[self.alphabets[i] for i in task] for task in chosen.tolist()]
        return TaskBatch(torch.zeros(n_tasks, 0), D, D_query, {"character": chosen, "alphabet": scripts})

    def _among(self, alphabet: str | None) -> Tensor:
        """The characters of one script, or all."""
        if alphabet is None:
            return torch.arange(len(self.alphabets))
        if alphabet not in self.names:
            raise ValueError(f"no alphabet is called {alphabet!r} here: choose one of {', '.join(self.names)}")
        return self.members[self.names.index(alphabet)]


def _enough(ways: int, n: int, where: str) -> None:
    whole("ways", ways, 2)
    if ways > n:
        raise ValueError(f"{ways} ways asked for, but {where} {n} characters: ask for fewer")


def by_class(x: Tensor, shots: int) -> tuple[Examples, Examples]:
    """D and D' of x (n_tasks, ways, shots + queries, *shape of one): the label is the place among the ways."""
    y = torch.arange(x.shape[1])[:, None].expand(x.shape[:3])
    D, D_query = (Examples(part.x.flatten(1, 2), part.y.flatten(1, 2)) for part in Examples(x, y).split(shots))
    return D, D_query


class Characters:
    """Letters of living and ancient scripts, drawn from their skeletons by a pen: no two drawings are the same.

    The skeletons were taken from open fonts (`data/README.md`). A drawing is made when it is asked for: strokes slip and turn,
    the whole is slanted, stretched, warped, and drawn with a pen of some width (`draw_strokes`).

    Args:
        ways: how many classes a task has.
        split: which random choice of scripts is held out; each is fixed. Those of the real alphabets that this course
            tests on (Latin and Greek among them) are held out of every one.
        n_test: how many scripts are held out.

    Attributes:
        train, test: episodes of disjoint scripts.
    """

    def __init__(self, ways: int = 5, split: int = 0, n_test: int = 30):
        skeletons, script, names = _load()
        whole("n_test", n_test, 1)
        whole("split", split, 0)
        least, n = len(ALWAYS_TEST), len(names)
        if not least <= n_test < n:
            raise ValueError(f"n_test must be between {least} and {n - 1}, since there are {n} scripts")
        order = torch.randperm(n, generator=torch.Generator().manual_seed(split)).tolist()
        order.sort(key=lambda k: names[k] not in ALWAYS_TEST)  # these come first, the others stay in their order
        held_out = torch.isin(script, torch.tensor(order[:n_test]))
        self.train, self.test = (
            _Drawn(skeletons.of(part), [names[k] for k in script[part]], ways) for part in (~held_out, held_out)
        )


class _Drawn(Episodes):
    """Episodes of skeletons, drawn anew each time."""

    def __init__(self, skeletons: "Skeletons", alphabets: Sequence[str], ways: int):
        super().__init__(alphabets, ways)
        self.skeletons = skeletons

    def draw(self, characters: Tensor, n: int, rng: torch.Generator | None = None) -> Tensor:
        which = characters.unsqueeze(-1).expand(*characters.shape, n)
        images = by_hand(self.skeletons.of(which.flatten()), rng)
        return images.unflatten(0, which.shape)


class Skeletons(NamedTuple):
    """n characters as lines without width.

    Attributes:
        points: (n, M, 2) x to the right and y downwards, the longer side from −1 to 1, at equal distances along each stroke.
        there: (n, M) which points there are; the others fill the row.
        stroke: (n, M) the number of each point's stroke.
    """

    points: Tensor
    there: Tensor
    stroke: Tensor

    def of(self, index: Tensor) -> "Skeletons":
        """Some of them: indices or a mask."""
        return Skeletons(floats(self.points[index]), self.there[index], self.stroke[index])


# How much hands differ: standard deviations, in radians or in half sides of the paper.
TURN, SLANT, STRETCH, SHIFT = 0.12, 0.18, 0.13, 0.07
STROKE_TURN, STROKE_STRETCH, STROKE_SHIFT = 0.10, 0.10, 0.06
WARP = 0.08
SMALLEST, LARGEST = 0.5, 0.92  # the half side of a drawing, of the half side of the paper
PEN = (0.42, 0.58)  # pixels: σ of the ink across a line
INK = (1.0, 1.6)  # on the middle of a line; above 1 it is full


def by_hand(skeletons: Skeletons, rng: torch.Generator | None = None) -> Tensor:
    """One drawing of each skeleton, by a hand of its own, (n, 1, 28, 28)."""

    def normal(*shape: int) -> Tensor:
        return torch.randn(len(skeletons.points), *shape, generator=rng)

    def between(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(len(skeletons.points), 1, generator=rng)

    p = _strokes_slip(skeletons, normal)
    p = p @ _linear(TURN * normal(), SLANT * normal(), STRETCH * normal())
    # A smooth warp: each coordinate is moved by waves across the paper.
    for _ in range(2):
        direction, phase = 1.6 * normal(2, 1), 3.0 * normal(1)
        p = p + WARP * normal(1, 2) * torch.sin((p @ direction).squeeze(-1) + phase).unsqueeze(-1)
    far = torch.where(skeletons.there.unsqueeze(-1), p, 0).abs().amax((1, 2), keepdim=True).clamp(min=0.1)
    p = p / far * between(SMALLEST, LARGEST).unsqueeze(-1) + SHIFT * normal(1, 2)
    return draw_strokes(p, skeletons.there, between(*PEN), between(*INK))


def _strokes_slip(skeletons: Skeletons, normal) -> Tensor:
    """Each stroke turned and stretched about its middle, and shifted, by itself: (n, M, 2)."""
    points, there, stroke = skeletons
    n_strokes = int(stroke.max()) + 1
    turn = STROKE_TURN * normal(n_strokes)
    stretch = STROKE_STRETCH * normal(n_strokes)
    shift = STROKE_SHIFT * normal(n_strokes, 2)
    one = (nn.functional.one_hot(stroke, n_strokes) * there.unsqueeze(-1)).to(points)  # (n, M, strokes)
    middle = one.mT @ points / one.sum(1).clamp(min=1).unsqueeze(-1)
    a, s = turn.gather(1, stroke), stretch.gather(1, stroke).exp()
    m, d = (v.gather(1, stroke.unsqueeze(-1).expand(-1, -1, 2)) for v in (middle, shift))
    q = points - m
    turned = torch.stack([a.cos() * q[..., 0] - a.sin() * q[..., 1], a.sin() * q[..., 0] + a.cos() * q[..., 1]], dim=-1)
    return m + d + s.unsqueeze(-1) * turned


def _linear(turn: Tensor, slant: Tensor, stretch: Tensor) -> Tensor:
    """(n, 2, 2): a row vector times it is turned, slanted and made wider."""
    wide, zero = stretch.exp(), torch.zeros_like(turn)
    scaled = torch.stack([torch.stack([wide, zero], -1), torch.stack([slant, 1 / wide], -1)], -2)
    return scaled @ rotation(turn).mT


def draw_strokes(points: Tensor, there: Tensor, pen: Tensor, ink: Tensor) -> Tensor:
    """Lines as images: points (n, M, 2) close together along lines, on a paper from −1 to 1 → (n, 1, 28, 28).

    Each point leaves a drop of ink, which is parted among the four pixels round it, and spreads as a Gaussian.

    Args:
        there: (n, M) which points there are; neighbours in a row are taken for neighbours on a line.
        pen: (n, 1) pixels, the σ of the ink across a line.
        ink: (n, 1) of the middle of a line; what is over 1 becomes 1.
    """
    n = len(points)
    at = (points + 1) * (SIDE / 2) - 0.5
    corner, drops = at.floor(), points.new_zeros(n, SIDE * SIDE)
    part = at - corner
    for right, down in ((0, 0), (0, 1), (1, 0), (1, 1)):
        column, row = corner[..., 0] + right, corner[..., 1] + down
        share = (part[..., 0] if right else 1 - part[..., 0]) * (part[..., 1] if down else 1 - part[..., 1])
        on_paper = there & (column >= 0) & (column < SIDE) & (row >= 0) & (row < SIDE)
        pixel = (row * SIDE + column).clamp(0, SIDE * SIDE - 1).long()
        drops.scatter_add_(1, pixel, torch.where(on_paper, share, 0))
    distance = torch.arange(SIDE).sub(torch.arange(SIDE)[:, None]).to(points)
    spread = torch.exp(-0.5 * (distance / pen.unsqueeze(-1)).square())
    spread = spread / spread[:, SIDE // 2].sum(-1)[:, None, None]
    steps = (at[:, 1:] - at[:, :-1]).norm(dim=-1)
    near = there[:, 1:] & there[:, :-1] & (steps < 2)  # longer ones are from stroke to stroke
    spacing = torch.where(near, steps, 0).sum(1, keepdim=True) / near.sum(1, keepdim=True).clamp(min=1)
    middle = 1 / (spacing.clamp(min=0.05) * pen * math.sqrt(2 * math.pi))  # of a straight line, before it is scaled
    image = spread @ drops.view(n, SIDE, SIDE) @ spread.mT
    return (image * (ink / middle).unsqueeze(-1)).clamp(max=1).unsqueeze(1)


def _load() -> tuple[Skeletons, Tensor, list[str]]:
    """The skeletons of the data file, after its hash was checked; the number of each one's script (n,); and their names."""
    altered = "is not the file that comes with the project (its SHA-256 differs): get it back with "
    data = arrays(data_file(FILE), SHA256, f"{altered}`git checkout data/{FILE}`")
    stored = np.split(data["points"].astype(np.float32) / 127.5 - 1, np.cumsum(data["points_of_stroke"])[:-1])
    n_strokes, names = data["strokes_of_character"].tolist(), data["script"].tolist()
    script = torch.from_numpy(data["script_of_character"]).long()
    lines = [_denser(line) for line in stored]
    n_points = torch.tensor([len(line) for line in lines])
    of_character = [int(n.sum()) for n in n_points.split(n_strokes)]
    number = torch.cat([torch.arange(n) for n in n_strokes]).repeat_interleave(n_points)
    points, stroke = (
        nn.utils.rnn.pad_sequence(each.split(of_character), batch_first=True)
        for each in (torch.from_numpy(np.concatenate(lines)), number)
    )
    there = torch.arange(points.shape[1]) < torch.tensor(of_character)[:, None]
    return Skeletons(points, there, stroke), script, names


def _denser(line: np.ndarray) -> np.ndarray:
    """Points between the stored ones; a dot becomes a short line."""
    if len(line) == 1:
        line = line + np.array([[-0.03, 0], [0.03, 0]], np.float32)
    at = np.arange(0, len(line) - 1 + 1e-6, 1 / BETWEEN)
    return np.stack([np.interp(at, np.arange(len(line)), line[:, k]) for k in (0, 1)], axis=1).astype(np.float32)
