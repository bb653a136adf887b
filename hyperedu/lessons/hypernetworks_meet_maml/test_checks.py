"""The checks know the right answers, and name the misconception behind every wrong one that they know."""

import pytest
import torch

from hyperedu import Examples, Hypernetwork, JointEncoder, Learner, MLPGenerator, SetEncoder
from hyperedu.lessons.hypernetworks_meet_maml import checks
from saying import NOT_YET, RIGHT, UNANSWERED


@pytest.mark.parametrize("check", [checks.step_size, checks.reader, checks.misdescribed, checks.own_trust])
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


def trust(variances):
    """Equation (3) with s² and the variance of ȳ from `variances`(τ, readings)."""

    def combine(tau, readings):
        of_tau, of_mean = variances(tau, readings)
        return tau + of_tau / (of_tau + of_mean) * (readings.mean(dim=1) - tau)

    return combine


def apart(tau, readings):
    return (tau - readings.mean(dim=1)).square()


def of_mean(readings, **options):
    return readings.var(dim=1, **options).mean() / readings.shape[1]


def moments(tau, readings):
    return (apart(tau, readings).mean() - of_mean(readings)).clamp(min=0), of_mean(readings)


def kept_back(tau, readings):
    """No (3): the share of the way to one half of the readings which predicts the other half."""
    half = readings.shape[1] // 2
    D, D_query = readings[:, :half].mean(dim=1), readings[:, half:].mean(dim=1)
    alpha = min((k / 20 for k in range(21)), key=lambda a: (tau + a * (D - tau) - D_query).square().mean())
    return tau + alpha * (readings.mean(dim=1) - tau)


def trained(tau, readings):
    """The same by gradient descent; its graph is still there."""
    half = readings.shape[1] // 2
    D, D_query = readings[:, :half].mean(dim=1), readings[:, half:].mean(dim=1)
    alpha = torch.tensor(0.5, requires_grad=True)
    for _ in range(5):
        loss = (tau + alpha * (D - tau) - D_query).square().mean() / (D - tau).square().mean() / 2
        alpha = alpha - torch.autograd.grad(loss, alpha, create_graph=True)[0]
    return tau + alpha * (readings.mean(dim=1) - tau)


def switch(*levels):
    """One of a few α, by s² / (σ²/n): pairs of an upper bound and an α."""

    def combine(tau, readings):
        s_squared, variance = moments(tau, readings)
        alpha = next(alpha for bound, alpha in levels if s_squared < bound * variance)
        return tau + alpha * (readings.mean(dim=1) - tau)

    return combine


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (trust(moments), RIGHT),
        (kept_back, RIGHT),
        (trained, RIGHT),
        (switch((0.2, 0.1), (0.7, 0.3), (2, 0.5), (6, 0.75), (99, 1)), RIGHT),
        (lambda tau, readings: trust(moments)(tau.double(), readings.double()).numpy(), RIGHT),
        (lambda tau, readings: tuple(trust(moments)(tau, readings).tolist()), RIGHT),
        (switch((0.3, 0), (3, 0.5), (99, 1)), "errs 1.33 times as much; 1.3 is asked"),
        (trust(lambda tau, readings: (apart(tau, readings).mean(), of_mean(readings))), "The mean of (τ − ȳ)² is taken"),
        (trust(lambda tau, readings: (tau.var(), of_mean(readings))), "Those are the examples alone, or nearly"),
        (trust(lambda tau, readings: (1.0, of_mean(readings))), "hardly another with other s"),
        (trust(lambda tau, readings: (moments(tau, readings)[0], readings.var(dim=1).mean())), "variance of one reading"),
        (trust(lambda tau, readings: moments(tau, readings)[::-1]), "the share of the description that is kept"),
        (trust(lambda tau, readings: [v.sqrt() for v in moments(tau, readings)]), "Standard deviations"),
        (
            trust(lambda tau, readings: ((tau[:, None] - readings).square().mean(), of_mean(readings))),
            "(τ − y)² over single readings",
        ),
        (
            trust(
                lambda tau, readings: (
                    apart(tau, readings).mean() - of_mean(readings, correction=0),
                    of_mean(readings, correction=0),
                )
            ),
            "divided by n − 1",
        ),
        (
            trust(lambda tau, readings: ((apart(tau, readings) - of_mean(readings)).clamp(min=0), of_mean(readings))),
            "do not share one α",
        ),
        (lambda tau, readings: 0.7 * readings.mean(dim=1) + 0.3 * tau, "hardly another with other s"),
        (lambda tau, readings: tau, "Those are the descriptions alone"),
        (lambda tau, readings: readings.mean(dim=1), "Those are the examples alone"),
        (lambda tau, readings: tau * 0, "guesses the same for all tasks"),
        (lambda tau, readings: tau + torch.rand(1) * (readings.mean(dim=1) - tau), "it draws at random"),
        (lambda tau, readings: tau[:, None] + readings, "one guess for each task is asked for"),
        (lambda tau, readings: tau / 0, "nan or inf"),
        (lambda tau, readings: tau.mul_(0.5), "in place"),
        (lambda tau, readings: "half", "It gives back a str"),
        (lambda tau, readings: print(end=""), "gives back nothing"),
        (lambda tau: tau, "raises TypeError"),
        (0.8, "A function is asked for, this is float"),
    ],
)
def test_a_trust_of_ones_own(says, answer, words):
    said = says(checks.own_trust, answer)
    assert words in said
    assert said.startswith(RIGHT if words == RIGHT else NOT_YET)


def one_after_the_other(tau, readings):
    n = readings.shape[1]
    rest = (readings.sum(dim=1, keepdim=True) - readings) / (n - 1) - tau[:, None]
    alpha = (rest * (readings - tau[:, None])).sum() / rest.square().sum()
    return tau + alpha * (readings.mean(dim=1) - tau)


def one_half(tau, readings):
    half = readings.shape[1] // 2
    D, D_query = (part.mean(dim=1) - tau for part in (readings[:, :half], readings[:, half:]))
    return tau + (D @ D_query) / (D @ D) * (readings.mean(dim=1) - tau)


@pytest.mark.parametrize(("answer", "times"), [(trust(moments), "1.00"), (one_after_the_other, "1.02"), (one_half, "1.17")])
def test_how_good_the_answers_are_that_teachers_read_of(says, answer, times):
    assert f"At worst it errs {times} times as much" in says(checks.own_trust, answer)


def test_errors_of_the_catalogues_are_as_large_as_they_say():
    for of in checks._catalogues():
        n = of.readings.shape[1]
        assert (of.tau - of.c).square().mean().sqrt().item() == pytest.approx(of.s, rel=1e-3)
        assert of.readings.var(dim=1).mean().sqrt().item() == pytest.approx(of.sigma, rel=1e-3)
        least = 1 / (1 / of.s**2 + n / of.sigma**2)  # lesson 07, equation 3
        assert of.error(of.tau + of.best * of.apart) == pytest.approx(least, rel=1e-3)
