"""The checks of this lesson's exercises."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch

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
