"""The checks know the right answers, and name the misconception behind every wrong one that they know."""

import pytest
import torch

from hyperedu import Examples, Hypernetwork, JointEncoder, Learner, MLPGenerator, SetEncoder
from hyperedu.lessons.hypernetworks_meet_maml import checks
from saying import NOT_YET, RIGHT, UNANSWERED


@pytest.mark.parametrize("check", [checks.step_size, checks.reader, checks.misdescribed])
def test_an_exercise_not_yet_answered_is_no_error(says, check):
    assert says(check, ...).startswith(UNANSWERED)


@pytest.mark.parametrize(
    ("check", "answer", "words"),
    [
        (checks.step_size, 1**2 / (1**2 + 2**2 / 12), RIGHT),
        (checks.step_size, 1 - 0.75, "the share of the description"),
        (checks.step_size, 1**2 / (1**2 + 2**2), "surer than one reading"),
        (checks.step_size, 2**2 / 12, "variance of the mean"),
        (checks.step_size, 12 / 2**2 / 1, "how much surer"),
        (checks.step_size, 7, "σ² = 4 and n = 12"),
        (checks.step_size, 6 / 7, "you took 2 for σ²"),
    ],
)
def test_a_number(says, check, answer, words):
    said = says(check, answer)
    assert words in said
    assert said.startswith(RIGHT if words == RIGHT else NOT_YET)


class Reader(Learner):
    """The solution, in parts that a subclass can get wrong."""

    def __init__(self, main):
        super().__init__(main)
        self.encoder, self.generator = SetEncoder(1, 1, 8), MLPGenerator(10, main)

    def start(self, descriptor, support):
        return self.generator(torch.cat([self.tau(descriptor), self.h(support)], dim=-1))

    def tau(self, descriptor):
        return descriptor

    def h(self, support):
        return self.encoder(None, support)


class Deaf(Reader):
    def tau(self, descriptor):
        return torch.zeros_like(descriptor)


class Blind(Reader):
    def h(self, support):
        return self.encoder(None, Examples(torch.zeros_like(support.x), torch.zeros_like(support.y)))


class InOrder(Reader):
    def h(self, support):
        return torch.cat([support.x[:, :4, 0], support.y[:, :4, 0]], dim=-1)


class Cut(Reader):
    def h(self, support):
        return super().h(support).detach()


class OneRow(Reader):
    def forward(self, descriptor, support=None):
        return super().forward(descriptor, support)[0]


class Untestable(Learner):
    """Its weights are right, but `meta_test` and `path` never call `forward`."""

    def __init__(self, main):
        super().__init__(main)
        self.reader = Reader(main)

    def forward(self, descriptor, support=None):
        return self.reader(descriptor, support)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Reader, RIGHT),
        (Deaf, "τ is not used"),
        (Blind, "D is not used"),
        (InOrder, "another order"),
        (Cut, "No gradient reaches encoder.each.0.weight, encoder.each.0.bi"),
        (OneRow, "one row per task"),
        (Untestable, "no `start` of its own"),
        (
            lambda main: Hypernetwork(main, MLPGenerator(10, main), JointEncoder(torch.nn.Identity(), SetEncoder(1, 1, 8))),
            RIGHT,
        ),
        (lambda main: lambda descriptor, support: torch.zeros(4, main.weight_dim), "no `Learner`"),
        (lambda main: Reader(main)(None, None), "raises"),
    ],
)
def test_the_reader(says, answer, words):
    assert words in says(checks.reader, answer)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda tau, s: tau + s * torch.randn_like(tau), RIGHT),
        (lambda tau, s: tau + s * torch.randn(tau.shape[-1]), "same error"),
        (lambda tau, s: tau + s * torch.randn(len(tau), 1), "lies on a line"),
        (lambda tau, s: tau + s**2 * torch.randn_like(tau), "s enters squared"),
        (lambda tau, s: (tau + s * torch.randn_like(tau))[0], "shape must be"),
        (lambda tau, s: tau + s * torch.randn(3), "raises RuntimeError"),
    ],
)
def test_misdescribed(says, answer, words):
    torch.manual_seed(0)
    assert words in says(checks.misdescribed, answer)
