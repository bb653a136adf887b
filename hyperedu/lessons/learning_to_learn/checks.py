"""The checks of this lesson's exercises."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import torch

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
