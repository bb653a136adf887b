"""The checks of this lesson's exercises."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from hyperedu.adaptation import adapt
from hyperedu.learners import MAML
from hyperedu.lessons import feedback, probes, variants
from hyperedu.lessons.variants import plain
from hyperedu.main_network import MainNetwork
from hyperedu.tasks import Quadratics, Sinusoids
from hyperedu.words import _


@dataclass(frozen=True)
class TwoTasks(variants.Solved):
    """Two tasks in one dimension, ½ h (θ − c)² with the second c = 0, and one step of rate α."""

    c: float = 4.0
    h_1: float = 1.0
    h_2: float = 1.5
    alpha: float = 0.5

    choices = {
        "c": (2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0),
        "h_1": (0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0),
        "h_2": (1.0, 1.5, 1.75, 2.0, 3.0, 3.5, 4.0, 6.0, 7.0, 8.0),
        "alpha": (0.1, 0.2, 0.25, 0.4, 0.5),
    }

    def __str__(self) -> str:
        return _(
            "c = {c} with h = {h_1}, and c = 0 with h = {h_2}; α = {alpha}",
            c=plain(self.c),
            h_1=plain(self.h_1),
            h_2=plain(self.h_2),
            alpha=plain(self.alpha),
        )

    @property
    def left(self) -> tuple[float, float]:
        """The shares of the distances that one step leaves."""
        return 1 - self.alpha * self.h_1, 1 - self.alpha * self.h_2

    def weighed(self, first: float, second: float) -> float:
        """The mean of the two c with these weights."""
        return first * self.c / (first + second)

    @property
    def right(self) -> float:
        m_1, m_2 = self.left
        return self.weighed(m_1**2, m_2**2)

    @property
    def is_short(self) -> bool:
        m_1, m_2 = self.left
        return m_1 > m_2 > 0.05 and any(math.isclose(m_1 / m_2, ratio) for ratio in (2, 3, 4 / 3))  # 0.8 c, 0.9 c, 0.64 c

    def mistakes(self) -> Mapping[str, float]:
        m_1, m_2 = self.left
        return {
            "The wrong way round: the task that adapts worse needs the start nearer to it.": self.weighed(m_2**2, m_1**2),
            "This weights the tasks by h, as shared weights do; it forgets the step that comes after the start.": (
                self.weighed(self.h_1, self.h_2)
            ),
            "The middle is right where both tasks are alike; these differ in how much one step achieves.": self.c / 2,
            "The distance that is left, 1 − α h, enters squared: the loss is quadratic in it.": self.weighed(m_1, m_2),
            "Both query losses here are (θ' − c)²: no h in front of them.": self.weighed(self.h_1 * m_1**2, self.h_2 * m_2**2),
            "These are the shares α h that the step covers; what counts is the share 1 − α h that is left.": (
                self.weighed((1 - m_1) ** 2, (1 - m_2) ** 2)
            ),
            "That start is best for the first task alone.": self.c,
        }


@variants.keyed(TwoTasks)
def best_start(answer, two: TwoTasks) -> None:
    m_1, m_2 = map(plain, two.left)
    feedback.number(
        answer,
        two.right,
        _(
            "The start lies near the task for which one step achieves less: it leaves {m_1} of the distance, the other {m_2}.",
            m_1=m_1,
            m_2=m_2,
        ),
        two.told(),
        _(
            "After the step the distances left are {m_1} (θ₀ − {c}) and {m_2} (θ₀ − 0). Minimise the sum of their squares.",
            m_1=m_1,
            m_2=m_2,
            c=plain(two.c),
        ),
    )


def gap(answer) -> None:
    def losses(learner, tasks, shown, judged, steps=None):
        theta = (
            learner.path(tasks.descriptor, shown, inner_steps=steps).final if steps == 0 else learner(tasks.descriptor, shown)
        )
        return learner.main.loss(theta, judged)

    def right(learner, tasks, sign=1.0, of=torch.mean):
        seen, unseen = (losses(learner, tasks, tasks.support, D) for D in (tasks.support, tasks.query))
        return sign * of(unseen - seen)

    def one(which):
        return lambda learner, tasks: losses(learner, tasks, tasks.support, getattr(tasks, which)).mean()

    def start(which, sign=1.0):
        """The query loss after adaptation against a loss at the start."""
        return lambda learner, tasks: sign * (
            losses(learner, tasks, tasks.support, tasks.query)
            - losses(learner, tasks, tasks.support, getattr(tasks, which), steps=0)
        ).mean()  # fmt: skip

    def each_on_its_own(learner, tasks):
        return (losses(learner, tasks, tasks.query, tasks.query) - losses(learner, tasks, tasks.support, tasks.support)).mean()

    def case(seed, tasks, shots):
        random = torch.Generator().manual_seed(seed)
        learner = MAML(MainNetwork.mlp([1, 16, 1]), steps=3, lr=0.01, rng=random)
        return learner, Sinusoids().train.sample(tasks, shots, 10, random)

    mistakes = {
        "The sign is the other way round: query loss minus support loss.": partial(right, sign=-1.0),
        "This is the query loss alone; subtract the loss on the examples that the steps have seen.": one("query"),
        "This is the support loss alone.": one("support"),
        "This compares with the loss before adaptation. Both losses are taken after it, at the same θ'.": (
            start("query"),
            start("query", -1.0),
            start("support"),
        ),
        "It adapts anew on the query set before it judges there: the same θ', adapted on the support set, is judged twice.": (
            each_on_its_own
        ),
        "It takes the size of each task's difference: where the query loss is the smaller one, the gap is negative.": partial(
            right, of=lambda d: d.abs().mean()
        ),
        "It is the sum over tasks; their mean is asked for.": partial(right, of=torch.sum),
        "It is the median over tasks; their mean is asked for.": partial(right, of=torch.median),
    }
    probes.function(
        answer,
        right,
        [partial(case, 0, 20, 5), partial(case, 1, 7, 2)],
        mistakes,
        "The support loss after adaptation flatters: it is what the steps descended on.",
        "θ by learner(tasks.descriptor, tasks.support); then the mean loss on tasks.query minus that on tasks.support.",
        names=("learner", "tasks"),
        learns=False,
    )


def honest(answer) -> None:
    def outer(
        main, theta_0, tasks, shown=lambda t: t.support, judged=lambda t: t.query, steps=3, lr=0.1, of=torch.mean, first=False
    ):
        theta = adapt(main, theta_0, shown(tasks), steps=steps, lr=lr, first_order=first).final
        return of(main.loss(theta, judged(tasks)))

    def of_the_mean(main, theta_0, tasks):
        theta = adapt(main, theta_0, tasks.support, steps=3, lr=0.1).final.mean(0)
        return main.loss(theta.expand(len(tasks), -1), tasks.query).mean()

    def shifted(main, theta_0, tasks):
        """The right value; what the steps added is a constant to autograd."""
        theta = adapt(main, theta_0, tasks.support, steps=3, lr=0.1).final
        return main.loss(theta_0 + (theta - theta_0).detach(), tasks.query).mean()

    def case(seed, n, shots):
        random = torch.Generator().manual_seed(seed)
        family = Quadratics()
        return family.main, torch.randn(2, generator=random).requires_grad_(), family.train.sample(n, shots, 4, random)

    mistakes = {
        "Still adapted on the query set: the loss is judged on what it was fitted to.": partial(outer, shown=lambda t: t.query),
        "The query examples are still among those adapted on.": partial(outer, shown=lambda t: t.support.joined(t.query)),
        "Now it is judged on the support set, which it was fitted to: the same mistake the other way round.": partial(
            outer, judged=lambda t: t.support
        ),
        "The two sets have changed places: adapt on the support set, judge on the query set.": partial(
            outer, shown=lambda t: t.query, judged=lambda t: t.support
        ),
        "That is one step, however often it is repeated from θ₀; three steps go on from where the one before ended.": partial(
            outer, steps=1
        ),
        "That is two steps; three are asked for.": partial(outer, steps=2),
        "That is no step at all.": partial(outer, steps=0),
        "The step goes uphill: minus the gradient.": partial(outer, lr=-0.1),
        "The sum over the tasks; the mean is asked for.": partial(outer, of=torch.sum),
        "It judges the mean of the adapted weights, one network for all tasks; (1) judges each task's own, and takes the "
        "mean of "
        "the losses.": of_the_mean,
        "The value is right. But the change by the steps is a constant to autograd, so that the gradient with respect to "
        "θ₀ is the "
        "first-order one: (1) is to be minimised over θ₀.": shifted,
        "The value is right, and the gradient with respect to θ₀ is the first-order one: the steps must stay in the "
        "graph.": partial(outer, first=True),
    }
    probes.function(
        answer,
        outer,
        [partial(case, 0, 5, 3), partial(case, 1, 3, 6)],
        mistakes,
        "Adapt on D, judge on D'. In this package a learner never receives D', so it cannot go wrong by accident.",
        "Three steps with rate 0.1 on tasks.support, then the mean loss on tasks.query.",
        names=("main", "θ₀", "tasks"),
    )


# ------------------------------------------------------------------ exercise 4: tasks for which a start is worth learning

SETTINGS = ((0.25, 3), (0.1, 1), (1.0, 10), (0.02, 6))  # α and the number of steps
LEAST, MOST = 0.01, 1.99  # eigenvalue of αH
KEPT, A_TENTH = 0.01, 0.1  # by the shared weights of their loss before the steps; by the best start of theirs after them


def worth_learning(answer) -> None:
    probes.made(answer, [_are_tasks, _leave_something, _are_worse_before, _are_better_after], _worth)


@dataclass(frozen=True)
class Starts:
    """Quadratic tasks, ½ (θ − c)ᵀ H (θ − c) on support and query set, in float64; and the two starts for them.

    Attributes:
        c: (n, d).
        H: (n, d, d).
    """

    c: Tensor
    H: Tensor
    alpha: float
    steps: int

    def __str__(self) -> str:
        if self.steps == 1:
            return _("α = {alpha} and one step", alpha=plain(self.alpha))
        return _("α = {alpha} and {steps} steps", alpha=plain(self.alpha), steps=self.steps)

    @property
    def M(self) -> Tensor:
        """What the steps leave of the distance: the lesson's equation (3)."""
        return torch.linalg.matrix_power(torch.eye(self.c.shape[1]) - self.alpha * self.H, self.steps)

    @property
    def shared(self) -> Tensor:
        """θ (d,) with the least mean loss."""
        return _least(self.H, self.c, self.c.mean(0))

    @property
    def best(self) -> Tensor:
        """θ₀ (d,) of equation (4); where several are as good, the one nearest to the shared weights."""
        return _least(self.M.mT @ self.H @ self.M, self.c, self.shared)

    def loss(self, start: Tensor, after: bool) -> Tensor:
        """(n,), before the steps or after them."""
        missing = (start - self.c).unsqueeze(-1)
        missing = self.M @ missing if after else missing
        return 0.5 * (missing.mT @ self.H @ missing).flatten()


def _least(weights: Tensor, c: Tensor, near: Tensor) -> Tensor:
    """The θ with the least Σ (θ − c)ᵀ W (θ − c), nearest to a point if there are several."""
    towards = (weights @ (c - near).unsqueeze(-1)).sum(0)
    return near + (torch.linalg.pinv(weights.sum(0), rtol=1e-12, hermitian=True) @ towards).squeeze(-1)


def _each(answer: Callable) -> Iterator[Starts]:
    """The tasks that an answer makes for each setting."""
    for alpha, steps in SETTINGS:
        c, H = _c_and_H(answer, alpha, steps)
        yield Starts(c, H, alpha, steps)


def _c_and_H(answer: Callable, alpha: float, steps: int) -> tuple[Tensor, Tensor]:
    """What an answer makes, in float64."""
    case = _("alpha = {alpha} and steps = {steps}", alpha=plain(alpha), steps=steps)
    try:
        made = answer(alpha, steps)
    except Exception as error:
        raise probes.Said(probes.raised(error, case)) from error
    if not isinstance(made, tuple | list) or len(made) != 2:
        raise probes.Said(_("Two things are asked for, c and then H: `return c, H`."))
    try:
        c, H = (_numbers(part) for part in made)
    except (TypeError, ValueError, RuntimeError) as error:
        raise probes.Said(_("c and H must hold numbers alone, a row for each task: {error}.", error=str(error))) from error
    if c.ndim != 2 or H.shape != (*c.shape, c.shape[1]) or not c.shape[1]:
        raise probes.Said(
            _("c must be (n, d) and H (n, d, d); they are {c} and {H}.", c=tuple(c.shape), H=tuple(H.shape)),
        )
    if not c.isfinite().all() or not H.isfinite().all():
        raise probes.Said(_("For {case} there is nan or inf in c or H.", case=case))
    if not torch.allclose(H, H.mT, rtol=1e-4, atol=1e-6 * H.abs().max().item()):
        raise probes.Said(_("H must be symmetric, as every Hessian is."))
    return c, (H + H.mT) / 2


def _numbers(part: object) -> Tensor:
    """A tensor in float64 of tensors, arrays, numbers, and lists of them."""
    if isinstance(part, list | tuple):
        return torch.stack([_numbers(each) for each in part])
    return torch.as_tensor(part).detach().double()


def _are_tasks(answer) -> str:
    if not callable(answer):
        return _(
            "A function of alpha and steps is asked for, this is {kind}: it is called with several.", kind=type(answer).__name__
        )
    made = list(_each(answer))
    if len(made[0].c) < 2:
        return _("That is one task: its own optimum is the best start, steps or not. Two or more are asked for.")
    if all(one.H.shape == made[0].H.shape and torch.allclose(one.H, made[0].H) for one in made):
        return _("H is the same for every alpha. What a step leaves, 1 − α h, depends on the product.")
    for one in made:
        h = one.alpha * torch.linalg.eigvalsh(one.H)
        for value in (h.min().item(), h.max().item()):
            said = {"value": value, "starts": one, "least": LEAST, "most": MOST}
            if value < LEAST - 1e-6:
                return _("For {starts} an eigenvalue of αH is {value:.3g}; between {least} and {most} is asked for.", **said)
            if value > MOST + 1e-6:
                return _(
                    "For {starts} an eigenvalue of αH is {value:.3g}; between {least} and {most} is asked for. From 2 on a "
                    "step leads away from the optimum.",
                    **said,
                )
    return ""


def _leave_something(answer) -> str:
    for one in _each(answer):
        apart = (one.c - one.c[0]).norm(dim=1).max()
        if apart < 1e-6 * one.c.norm(dim=1).max() + 1e-12:
            return _("All tasks have the same optimum: it is the best start and that of shared weights, with steps or without.")
        left = torch.linalg.matrix_norm(one.M, 2).max().square().item()
        if left < KEPT:
            return _(
                "For {starts} the steps solve every task from anywhere: in no direction they leave more than {left:.2g} of a "
                "loss. Where U forgets its start, none is worth learning.",
                starts=one,
                left=left,
            )
        if (one.best - one.shared).norm() < 1e-3 * apart:
            return _(
                "For {starts} the best start is that of shared weights. Do the steps achieve the same for all tasks in all "
                "directions, or does what they achieve cancel between tasks?",
                starts=one,
            )
        before, after = (one.loss(one.shared, after).mean().item() for after in (False, True))
        if after < KEPT * before:
            return _(
                "For {starts} shared weights keep only {share:.2g} of their loss: the steps are enough for them too. Where is "
                "their way to the optima, and how much of it do the steps leave?",
                starts=one,
                share=after / before,
            )
    return ""


def _are_worse_before(answer) -> str:
    for one in _each(answer):
        best, shared = (one.loss(start, after=False) for start in (one.best, one.shared))
        k = (best - shared).argmin().item()
        if best[k] > shared[k]:
            continue
        said = {"starts": one, "k": k + 1, "best": best[k], "shared": shared[k]}
        h = torch.linalg.eigvalsh(one.H)
        if (h[:, -1] - h[:, 0]).max() < 1e-6 * h.max():
            return _(
                "For {starts} the best start is no worse for task {k} before the steps: a loss of {best:.3g}, shared weights "
                "{shared:.3g}. Each H is a multiple of the identity, and then the best start is a mean of the optima, nearer "
                "to one of them: give a task directions that differ.",
                **said,
            )
        return _(
            "For {starts} the best start is no worse for task {k} before the steps: a loss of {best:.3g}, shared weights "
            "{shared:.3g}. It must be far from this task's optimum too, where its loss is steep. Which way could the steps go "
            "for it?",
            **said,
        )
    return ""


def _are_better_after(answer) -> str:
    for one in _each(answer):
        best, shared = (one.loss(start, after=True).mean() for start in (one.best, one.shared))
        if best > A_TENTH * shared:
            return _(
                "For {starts} the best start keeps a mean loss of {best:.3g}, shared weights {shared:.3g}: a tenth is asked "
                "for. From the best start, how much of the way to each optimum do the steps leave?",
                starts=one,
                best=best,
                shared=shared,
            )
    return ""


def _worth(answer) -> str:
    one = next(_each(answer))
    best, shared = ([one.loss(start, after).mean().item() for after in (False, True)] for start in (one.best, one.shared))
    return _(
        "For {starts}: from shared weights a mean loss of {shared:.3g} becomes {shared_after:.2g}, from the best start one of "
        "{best:.3g} becomes {best_after:.2g}. It is worse for each task, and becomes good.",
        starts=one,
        shared=shared[0],
        shared_after=shared[1],
        best=best[0],
        best_after=best[1] if best[1] > 1e-12 * best[0] else 0.0,
    )
