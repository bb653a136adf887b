"""The checks know the right answers, and name the misconception behind every wrong one that they know."""

import pytest
import torch

from hyperedu import AttentionGenerator, ChunkedGenerator, Generator, Hypernetwork, MainNetwork
from hyperedu.lessons.generator_designs import checks
from saying import RIGHT, UNANSWERED


@pytest.mark.parametrize("check", [checks.best_piece, checks.film, checks.embeddings, checks.own_design])
def test_an_exercise_not_yet_answered_is_no_error(says, check):
    assert says(check, ...).startswith(UNANSWERED)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (496.14, RIGHT),
        (496, RIGHT),
        (500, "Nearly"),
        (torch.tensor(496.0, dtype=torch.float64), RIGHT),
        (1000, "weigh them"),
        (16e6 / 65, "take the root"),
        ((1e6 / 65) ** 0.5, "16 numbers, not of one"),
        (4000, "64 weights and a bias"),
        ((65e6 / 16) ** 0.5, "That is the number of pieces; their length is asked for."),
        (2015.6, "number of pieces"),
        (5, "derivative"),
    ],
)
def test_the_length_of_pieces(says, answer, words):
    assert words in says(checks.best_piece, answer)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda W, s: (1 + s).unsqueeze(-1) * W, RIGHT),
        (lambda W, s: W + torch.diag_embed(s) @ W, RIGHT),
        (lambda W, s: s.unsqueeze(-1) * W, "factor is 1 + s"),
        (lambda W, s: s.unsqueeze(-1) + W, "shifts"),
        (lambda W, s: -s.unsqueeze(-1) * W, "row i of W"),
        (lambda W, s: (1 + s) * W, "raises RuntimeError"),
        (lambda W, s: W, "shape must be"),
    ],
)
def test_film(says, answer, words):
    assert words in says(checks.film, answer)


class Chunks(Generator):
    """A chunked generator whose embeddings come from `self.embeddings()`."""

    def __init__(self, main):
        super().__init__(2, main)
        self.trunk, self.head, self.n = torch.nn.Linear(8, 32), torch.nn.Linear(32, 10), -(-main.weight_dim // 10)
        self.e = torch.nn.Parameter(torch.randn(self.n, 6))

    def embeddings(self):
        return self.e

    def forward(self, tau):
        e = self.embeddings()
        pairs = torch.cat([tau.unsqueeze(-2).expand(-1, len(e), -1), e.expand(len(tau), -1, -1)], dim=-1)
        return self.head(torch.relu(self.trunk(pairs))).flatten(-2)[..., : self.main.weight_dim]


@pytest.mark.parametrize(
    ("embeddings", "words"),
    [
        (lambda self: self.e, RIGHT),
        (lambda self: torch.randn(self.n, 6), "other weights at each call"),
        (lambda self: self.e[:1].expand(self.n, -1), "all pieces are the same"),
        (lambda self: self.e.detach(), "The embeddings are listed as parameters, but no gradient rea"),
        (lambda self: self.e[:2], "shape must be"),
        (lambda self: self.nothing, "raises AttributeError"),
    ],
)
def test_embeddings_of_pieces(says, monkeypatch, embeddings, words):
    monkeypatch.setattr(Chunks, "embeddings", embeddings)
    assert words in says(checks.embeddings, Chunks)


class Directions(Generator):
    """Fixed random directions, mixed by what a small network writes (Li and others 2018)."""

    k, scale = 30, 1.0

    def __init__(self, main, hidden=8):
        super().__init__(2, main)
        self.register_buffer("directions", torch.randn(self.k, main.weight_dim) / self.k**0.5)
        self.small = torch.nn.Sequential(torch.nn.Linear(2, hidden), torch.nn.Tanh(), torch.nn.Linear(hidden, self.k))
        torch.nn.init.normal_(self.small[0].weight)
        torch.nn.init.normal_(self.small[2].weight, std=0.5)

    def u(self, tau):
        return self.small(tau) @ self.directions

    def forward(self, tau):
        return self.scale * self.main.initial_std * self.u(tau)


def directions(u=None, forward=None, **settings):
    """A generator that differs from `Directions` in one thing."""
    changed = {name: method for name, method in (("u", u), ("forward", forward)) if method}
    return type("Own", (Directions,), changed | settings)


class Shared(Directions):
    """Every weight is one of 200 learned numbers, times one of two factors that τ writes (Chen and others 2015)."""

    def __init__(self, main):
        super().__init__(main)
        del self.small, self.directions
        self.numbers, self.factors = torch.nn.Parameter(torch.randn(200)), torch.nn.Linear(2, 2)
        self.register_buffer("which", torch.randint(200, (main.weight_dim,)))
        self.register_buffer("factor", torch.randint(2, (main.weight_dim,)))

    def u(self, tau):
        return self.numbers[self.which] * (1 + self.factors(tau))[:, self.factor]


class Listed(Directions):
    def __init__(self, main):
        super().__init__(main)
        self.listed = [torch.nn.Linear(2, self.k)]

    def u(self, tau):
        return (self.small(tau) + self.listed[0](tau)) @ self.directions


class Seeded(Directions):
    def __init__(self, main):
        torch.manual_seed(0)
        super().__init__(main)


class Holding(torch.nn.Module):
    """A generator of the package in other clothes."""

    def __init__(self, main):
        super().__init__()
        self.inside = Hypernetwork(main, AttentionGenerator(2, main, dim=4, heads=1, layers=1, rank=4))

    def forward(self, tau):
        return self.inside.generator(tau)


def seeded(self, tau):
    torch.manual_seed(1)
    return self.small(tau) @ self.directions + 0.01 * torch.randn(self.main.weight_dim)


def repeated(n):
    return lambda self, tau: self.small(tau).repeat(1, self.main.weight_dim // n + 1)[:, : self.main.weight_dim]


def of_rank(r):
    """W = Σ over r terms of a row times a column, in each matrix."""

    def u(self, tau):
        parts, random = [], torch.Generator().manual_seed(0)
        for shape in self.main.shapes.values():
            a, b = (torch.randn(n, r, generator=random).sign() for n in (*shape, 1)[:2])
            parts.append(torch.einsum("ir,tr,jr->tij", a, 1 + self.small(tau)[:, :r], b).flatten(1) / r**0.5)
        return torch.cat(parts, dim=1) + 0 * self.small(tau)[:, r:].sum(1, keepdim=True)

    return u


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Directions, RIGHT),
        (lambda main: Directions(main), RIGHT),
        (Shared, RIGHT),
        # On either side of the bounds.
        (directions(scale=0.6), RIGHT),
        (directions(scale=2.0), RIGHT),
        (directions(scale=0.2), "times as large as wanted"),
        (directions(scale=4.0), "times as large as wanted"),
        (lambda main: Directions(main, hidden=20), RIGHT),  # 690 numbers
        (lambda main: Directions(main, hidden=21), "it learns 723 numbers, 701 are allowed"),
        (directions(k=6), "It learns 78 numbers"),
        (directions(of_rank(4)), RIGHT),
        (directions(of_rank(3)), "has rank 3"),
        # What is wrong, in the order in which it is asked.
        (3, "A class is asked for, this is int"),
        (Directions(MainNetwork.mlp([1, 40, 40, 1])), "raises TypeError"),
        (lambda main: ChunkedGenerator(2, main, chunk_size=30, embedding_dim=4, hidden=(8,)), "one of the package's"),
        (Holding, "one of the package's generators"),
        (lambda main: None, "is a `return` missing?"),
        (lambda main: lambda tau: torch.zeros(len(tau), main.weight_dim), "an `nn.Module` is asked for"),
        (lambda main: Directions(MainNetwork.mlp([1, 40, 40, 1])), "it must write (32, 3901), it writes (32, 1761)"),
        (directions(lambda self, tau: torch.randn(len(tau), self.main.weight_dim)), "other weights at the next call"),
        (directions(lambda self, tau: self.small(tau - tau.mean(0)) @ self.directions), "with the tasks that are asked for"),
        (Listed, "90 numbers that ask for a gradient are not in `parameters()`"),
        (directions(lambda self, tau: self.small(tau)[:, :1].expand(-1, self.main.weight_dim)), "are nearly the same number"),
        (directions(forward=Directions.u), "each layer wants its own spread"),
        (directions(repeated(30), k=30), "The same 30 numbers come again and again"),
        (directions(lambda self, tau: self.small(0 * tau + 1) @ self.directions), "Another amplitude moves"),
        (directions(lambda self, tau: self.small(tau[:, [0, 0]]) @ self.directions), "Another phase moves"),
        (directions(lambda self, tau: 3 * self.directions[0] * (2 + self.small(tau)[:, :1])), "All networks lie on one line"),
        (directions(lambda self, tau: (self.small(tau) + self.small(tau).detach()) @ self.directions / 2), RIGHT),
        (directions(lambda self, tau: self.small(tau).detach() @ self.directions), "no gradient reaches small"),
        (Seeded, "It sets torch's seed"),
        (directions(seeded), "It sets torch's seed"),
        (directions(forward=torch.nn.Module.forward), 'missing the required "forward" function'),
    ],
)  # fmt: skip
def test_a_design_of_ones_own(says, answer, words):
    assert words in says(checks.own_design, answer)
