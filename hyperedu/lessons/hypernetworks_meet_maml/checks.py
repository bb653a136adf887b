"""The checks of this lesson's exercises."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor

from hyperedu.batches import Examples
from hyperedu.learners import Learner
from hyperedu.lessons import feedback, probes, variants
from hyperedu.lessons.variants import plain, spelled
from hyperedu.main_network import MainNetwork
from hyperedu.tasks import Sinusoids
from hyperedu.words import _


@dataclass(frozen=True)
class Sources(variants.Solved):
    """A description that errs with s, and n examples with σ: standard deviations."""

    s: float = 1.0
    n: int = 12
    sigma: float = 2.0

    choices = {
        "s": (0.5, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0),
        "n": (4, 5, 6, 8, 9, 10, 12, 15, 16, 18, 20, 24, 25, 30),
        "sigma": (1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0),
    }

    def __str__(self) -> str:
        return f"s = {plain(self.s)}, n = {self.n}, σ = {plain(self.sigma)}"

    @property
    def variance(self) -> float:
        """Of the mean of the examples."""
        return self.sigma**2 / self.n

    def share(self, variance: float) -> float:
        """Equation (3) with this variance of what the examples say."""
        return self.s**2 / (self.s**2 + variance)

    @property
    def right(self) -> float:
        return self.share(self.variance)

    @property
    def is_short(self) -> bool:
        times = self.s**2 / self.variance
        return 0.2 <= times <= 12 and any(round(2 * ratio, 9) % 1 == 0 for ratio in (times, 1 / times))

    def mistakes(self) -> Mapping[str, float]:
        s, n, sigma, variance = plain(self.s), self.n, plain(self.sigma), plain(self.sigma**2)
        return {
            "That is the share of the description that is kept, 1 − α.": 1 - self.right,
            _("The mean of {n} readings is surer than one reading: its variance is σ²/n.", n=spelled(n)): (
                self.share(self.sigma**2)
            ),
            "That is the variance of the mean; put it into (3).": self.variance,
            "That is how much surer the readings are; α is a share, between 0 and 1.": self.s**2 / self.variance,
            _("σ is {sigma}, and so σ² is {variance}; you took {sigma} for σ².", sigma=sigma, variance=variance): (
                self.share(self.sigma / n)
            ),
            "Variances add up, and standard deviations do not: s² against σ²/n.": self.s / (self.s + self.variance**0.5),
            "σ² is missing: the mean of n readings has the variance σ²/n.": self.share(1 / n),
            "The variance of the mean is σ²/n, not σ² n.": self.share(self.sigma**2 * n),
            _("s is {s}, and enters squared: both are standard deviations.", s=s): self.s / (self.s + self.variance),
        }


@variants.keyed(Sources)
def step_size(answer, two: Sources) -> None:
    feedback.number(
        answer,
        two.right,
        _(
            "{n} readings of variance {variance} have a mean of variance {mean:.3g}: {times:.3g} times as sure as the "
            "description.",
            n=spelled(two.n).capitalize(),
            variance=plain(two.sigma**2),
            mean=two.variance,
            times=two.s**2 / two.variance,
        ),
        two.told(),
        _("Equation (3), with σ² = {variance} and n = {n}.", variance=plain(two.sigma**2), n=two.n),
    )


def reader(answer) -> None:
    if not probes.is_function(answer):
        return
    main, random = MainNetwork.mlp([1, 8, 1]), torch.Generator().manual_seed(0)
    tasks = Sinusoids().train.sample(4, 5, 5, random)
    tau, D = tasks.descriptor, tasks.support
    try:
        learner = answer(main)
        theta = learner(tau, D)
        if isinstance(learner, Learner) and theta.requires_grad:
            learner.main.loss(theta, tasks.query).sum().backward()
        others = {
            "again": learner(tau, D),
            "τ": learner(tau + 1, D),
            "y": learner(tau, Examples(D.x, D.y + 1)),
            "x": learner(tau, Examples(D.x + 1, D.y)),
            "order": learner(tau, D.some(range(len(D))[::-1])),
            "fewer tasks": learner(tau[:2], D.task(slice(0, 2))),
        }
    except Exception as error:
        feedback.wrong(probes.raised(error, _("τ (4, 2) and five examples of four tasks")))
        return
    said = _of_a_reader(learner, theta, others)
    feedback.wrong(said) if said else feedback.right(
        "Everything that is known of a task goes in, and one network decides what to trust."
    )


def _of_a_reader(learner, theta, others) -> str:
    """What is wrong with a learner of τ and D; empty if nothing is."""
    if not isinstance(learner, Learner):
        return _("It is no `Learner`: write `class Reader(Learner)` and call `super().__init__(main)`.")
    if type(learner).start is Learner.start:
        return _("It has no `start` of its own: what training and testing ask for weights is `start`, not `forward`.")
    wanted = (4, learner.main.weight_dim)
    if tuple(theta.shape) != wanted:
        return _("θ must have the shape {wanted}, one row per task; it has {shape}.", wanted=wanted, shape=tuple(theta.shape))
    if not torch.allclose(others["again"], theta):
        return _("The same task gives other weights at each call: a module that is made in `start` is made anew each "
        "time, and never "
                 "trained. Make it in `__init__`.")  # fmt: skip
    if not list(learner.parameters()):
        return _("It has no parameters to train: modules in a plain list, or kept elsewhere, are not found. Give each a "
        "name, or use "
                 "nn.ModuleList.")  # fmt: skip
    if torch.allclose(others["τ"], theta):
        return _("Another description gives the same weights: τ is not used.")
    if torch.allclose(others["y"], theta) and torch.allclose(others["x"], theta):
        return _("Other examples give the same weights: D is not used. This is `Hypernetwork`.")
    if torch.allclose(others["y"], theta):
        return _("Other outputs y of the examples give the same weights: of D only x is read.")
    if torch.allclose(others["x"], theta):
        return _("Other inputs x of the examples give the same weights: of D only y is read.")
    if not torch.allclose(others["order"], theta, atol=1e-5):
        return _("The same examples in another order give other weights: put them through a `SetEncoder` first.")
    if not torch.allclose(others["fewer tasks"], theta[:2], atol=1e-5):
        return _(
            "A task's weights depend on which other tasks are in the batch: something is averaged over tasks, or "
            "normalised by them."
        )
    silent = [name for name, p in learner.named_parameters() if p.grad is None or not p.grad.any()]
    if silent:
        return _(
            "No gradient reaches {names}: is something cut by .data, .detach(), .item() or no_grad?",
            names=", ".join(silent[:3]),
        )
    return ""


def misdescribed(answer) -> None:
    if not probes.is_function(answer):
        return
    random = torch.Generator().manual_seed(0)
    tau, square = torch.randn(4000, 2, generator=random), torch.randn(3, 3, generator=random)
    true = tau.clone()
    try:
        torch.manual_seed(1)
        first, again = (feedback.tensor(answer(told, 0.5), (4000, 2)) for told in (tau, true.clone()))
        weak, none = answer(true.clone(), 0.1), answer(true.clone(), 0.0)
        answer(square, 0.5)
    except Exception as error:
        feedback.wrong(probes.raised(error, _("τ (4000, 2) or (3, 3)")))
        return
    if first is None or again is None:
        return
    said = _of_errors(*(torch.as_tensor(told) - true for told in (first, again, weak, none)))
    if not torch.equal(tau, true):
        said = _("It changes its argument in place: the true τ is corrupted too, and again with each call.")
    feedback.wrong(said) if said else feedback.right("One error for each number of each task, as large as s says.")


def _of_errors(error, again, weak, none) -> str:
    """What is wrong with errors (n_tasks, 2) of s = 0.5, 0.5 again, 0.1 and 0; empty if nothing is."""
    spread, alike = error.std(0), torch.corrcoef(error.T)[0, 1].abs()
    if (spread < 0.01).all():
        if error.abs().max() < 0.01:
            return _("Nothing errs: τ comes back as it was.")
        return _("All tasks are described with the same error: a learner could get used to it, and it hides nothing.")
    if alike > 0.5:
        return _("Both numbers of τ err by the same amount: the error lies on a line. Draw one for each number.")
    if torch.allclose(error, again, atol=1e-5):
        return _("Called again it makes the very same errors: a seed is set inside, and a learner could get used to them.")
    if none.abs().max() > 1e-5:
        return _("With s = 0 nothing should err.")
    both = torch.stack([spread.mean(), weak.std(0).mean()])
    if torch.allclose(both, torch.tensor([0.5, 0.1]).sqrt(), atol=0.03):
        return _("s is taken for a variance: with s = 0.5 the errors have the standard deviation {spread:.2f}.", spread=both[0])
    if torch.allclose(both, torch.tensor([0.25, 0.01]), atol=0.03):
        return _("s enters squared: with s = 0.5 the errors have the standard deviation {spread:.2f}.", spread=both[0])
    if error.min() > -0.01 or error.max() < 0.01:
        return _("All errors have the same sign: torch.rand is never negative, torch.randn is.")
    if error.abs().max() < 1.01 and not torch.allclose(spread, torch.full((2,), 0.5), atol=0.05):
        return _("The errors are spread evenly and end somewhere; a normal error, torch.randn, is asked for.")
    if not torch.allclose(both, torch.tensor([0.5, 0.1]), atol=0.03):
        return _("With s = 0.5 the error should have the standard deviation 0.5, it has {spread:.2f}.", spread=spread.mean())
    if error.mean().abs() > 0.05:
        return _("The errors have the mean {mean:.2f}, and should have 0: a learner could take it off.", mean=error.mean())
    return ""


# Of exercise 4: a guess of each c (T,) from τ (T,) and readings (T, n), and how much more than the best α it may err.
Combine = Callable[[Tensor, Tensor], Tensor]
TIMES = 1.3


def _alpha(description: float, examples: float) -> float:
    """Equation (3) for two variances."""
    return description / (description + examples)


@dataclass(frozen=True)
class Catalogue:
    """Tasks whose descriptions all err with one s: c (T,), τ (T,), readings (T, n) of standard deviation σ."""

    s: float
    sigma: float
    c: Tensor
    tau: Tensor
    readings: Tensor

    def __str__(self) -> str:
        return f"s = {self.s:.2g}, σ = {self.sigma:g}, n = {self.readings.shape[1]}"

    @property
    def variance(self) -> float:
        """Of the mean of a task's readings."""
        return self.sigma**2 / self.readings.shape[1]

    @property
    def apart(self) -> Tensor:
        """ȳ − τ (T,)."""
        return self.readings.mean(dim=1) - self.tau

    @property
    def best(self) -> float:
        """α of equation (3)."""
        return _alpha(self.s**2, self.variance)

    def error(self, guess: Tensor) -> float:
        return (guess - self.c).square().mean().item()


@dataclass(frozen=True)
class Combined:
    """What an answer did on a catalogue.

    Attributes:
        alpha: the share of ȳ − τ that it moves, over all tasks together.
        spread: how far single tasks are from that, as a share of how far ȳ is from τ.
        times: its error, by that of the best α.
    """

    of: Catalogue
    alpha: float
    spread: float
    times: float


@cache
def _catalogues() -> tuple[Catalogue, ...]:
    """Errors are orthogonal and as large as s and σ say, to the last digit: chance decides nothing."""
    random, found = torch.Generator().manual_seed(7), []
    for n, sigma in ((4, 1.0), (9, 6.0)):
        T = 1000 + 100 * n
        for times in (0.1, 0.4, 1.0, 3.0, 20.0):  # s² by σ²/n
            s, drawn = (times * sigma**2 / n) ** 0.5, torch.randn(T, n + 2, generator=random, dtype=torch.float64)
            (c, e), errors = torch.linalg.qr(drawn).Q.mul(T**0.5).float().T.split([2, n])
            c = 12 + 30 * c
            found.append(Catalogue(s, sigma, c, c + s * e, c[:, None] + sigma * errors.T))
    return tuple(found)


def _guess(combine: Combine, of: Catalogue) -> Tensor:
    tau, readings = of.tau.clone(), of.readings.clone()
    found = combine(tau, readings)
    if found is None:
        raise probes.Said(_("It gives back nothing: is a `return` missing?"))
    try:
        guess = torch.as_tensor(found).detach().double()
    except (TypeError, ValueError, RuntimeError):
        raise probes.Said(_("It gives back a {kind}: T numbers are asked for.", kind=type(found).__name__)) from None
    if guess.shape != tau.shape:
        raise probes.Said(
            _(
                "For τ {T} and readings {readings} it gives {shape}, and one guess for each task is asked for.",
                T=tuple(tau.shape),
                readings=tuple(readings.shape),
                shape=tuple(guess.shape),
            )
        )
    if not guess.isfinite().all():
        raise probes.Said(_("Some guesses are nan or inf, with {of}.", of=of))
    if not torch.equal(tau, of.tau) or not torch.equal(readings, of.readings):
        raise probes.Said(_("It changes τ or the readings in place: whoever calls it has other numbers afterwards."))
    return guess


def _combined(combine: Combine) -> list[Combined]:
    found = []
    for of in _catalogues():
        guess, apart = _guess(combine, of), of.apart.double()
        moved = guess - of.tau
        alpha = ((moved @ apart) / (apart @ apart)).item()
        spread = ((moved - alpha * apart).square().mean() / apart.square().mean()).sqrt().item()
        found.append(Combined(of, alpha, spread, of.error(guess) / of.error(of.tau + of.best * of.apart)))
    return found


def _is_a_rule(combine: Combine) -> str:
    if not callable(combine):
        return _(
            "A function is asked for, this is {kind}: it will be called with tasks that you do not know.",
            kind=type(combine).__name__,
        )
    first = _catalogues()[0]
    guess, again = (_guess(combine, first) for _time in range(2))
    if guess.std() < 1e-3:
        return _("It guesses the same for all tasks.")
    if not torch.allclose(guess, again, rtol=1e-4, atol=1e-4):
        return _("Called again with the same it guesses otherwise: it draws at random, or keeps something between calls.")
    return ""


def _ignores_s(found: list[Combined]) -> str:
    """What to say where α does not change with s; empty if it does."""
    alphas, half = [one.alpha for one in found], len(found) // 2
    if any(max(part) - min(part) > 0.02 for part in (alphas[:half], alphas[half:])):
        return ""
    worst = max(found, key=lambda one: one.times)
    if min(alphas) > 0.98:
        return _(
            "Those are the examples alone, or nearly: with {of} they err {times:.1f} times as much as the best α. (Is the "
            "spread of τ, which is how tasks differ, taken for s? Or is α judged by readings that are in ȳ too?)",
            of=worst.of,
            times=worst.times,
        )
    if max(alphas) < 0.02:
        return _(
            "Those are the descriptions alone, or nearly: with {of} they err {times:.1f} times as much as the best α.",
            of=worst.of,
            times=worst.times,
        )
    return _(
        "α is {alpha:.2f} with {of}, and hardly another with other s: {times:.1f} times the error of the best. How far do "
        "descriptions lie from what was read?",
        alpha=worst.alpha,
        of=worst.of,
        times=worst.times,
    )


def _by_a_mistake(found: list[Combined]) -> str:
    """What mistake gives the α that were found; empty if none does."""
    mistakes = {
        "It takes α for the share of the description that is kept, 1 − α: it trusts bad descriptions most.": lambda of: (
            1 - of.best
        ),
        "The mean of (τ − ȳ)² is taken for s²: the error of ȳ is in it too.": lambda of: _alpha(
            of.s**2 + of.variance, of.variance
        ),
        "The mean of (τ − y)² over single readings is taken for s²: their error is in it too.": lambda of: _alpha(
            of.s**2 + of.sigma**2, of.variance
        ),
        "The variance of one reading is taken for that of their mean.": lambda of: _alpha(of.s**2, of.sigma**2),
        "σ² comes out too small: of n readings of a task the squares about their mean are divided by n − 1.": lambda of: (
            (of.s**2 + of.variance / of.readings.shape[1]) / (of.s**2 + of.variance)
        ),
        "Standard deviations are put where (3) has variances.": lambda of: _alpha(of.s, of.variance**0.5),
    }
    for said, alpha in mistakes.items():
        if all(abs(one.alpha - alpha(one.of)) < 0.03 for one in found):
            return _(said)
    return ""


def _too_far(found: list[Combined]) -> str:
    worst = max(found, key=lambda one: one.times)
    if worst.times <= TIMES:
        return ""
    uneven = max(found, key=lambda one: one.spread)
    if uneven.spread > 0.05:
        return _(
            "With {of} tasks do not share one α: by {spread:.2f} they differ from {alpha:.2f}, the best is {best:.2f}. One "
            "difference of τ and ȳ says little of s; all tasks together say much.",
            of=uneven.of,
            spread=uneven.spread,
            alpha=uneven.alpha,
            best=uneven.of.best,
        )
    too = _("too much") if worst.alpha < worst.of.best else _("too little")
    return (
        _ignores_s(found)
        or _by_a_mistake(found)
        or _(
            "With {of} its α is {alpha:.2f}, the best is {best:.2f}: it trusts descriptions {too}, and errs {times:.2f} times "
            "as much; {most} is asked.",
            of=worst.of,
            alpha=worst.alpha,
            best=worst.of.best,
            too=too,
            times=worst.times,
            most=TIMES,
        )
    )


def own_trust(answer) -> None:
    found: list[Combined] = []

    def is_nearly_the_best(combine: Combine) -> str:
        found[:] = _combined(combine)
        return _too_far(found)

    def because(_combine: Combine) -> str:
        low, high = (choose(found, key=lambda one: one.of.best) for choose in (min, max))
        return _(
            "With {low} α is {low_alpha:.2f}, with {high} {high_alpha:.2f}, and nobody told it s. At worst it errs {times:.2f} "
            "times as much as the best α.",
            low=low.of,
            low_alpha=low.alpha,
            high=high.of,
            high_alpha=high.alpha,
            times=max(one.times for one in found),
        )

    probes.made(answer, [_is_a_rule, is_nearly_the_best], because)
