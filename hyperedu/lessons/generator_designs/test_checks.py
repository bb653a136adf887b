"""The checks know the right answers, and name the misconception behind every wrong one that they know."""

import pytest
import torch

from hyperedu import Generator
from hyperedu.lessons.generator_designs import checks
from saying import RIGHT, UNANSWERED


@pytest.mark.parametrize("check", [checks.best_piece, checks.film, checks.embeddings])
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
