"""The checks of this lesson's exercises."""

import torch

from hyperedu.adaptation import adapt
from hyperedu.learners import MAML
from hyperedu.lessons import feedback
from hyperedu.main_network import MainNetwork
from hyperedu.tasks import Quadratics, Sinusoids
from hyperedu.words import _


def best_start(answer) -> None:
    feedback.number(
        answer,
        3.2,
        "The start lies near the task for which one step achieves less: it leaves half of the distance, the other a quarter.",
        {
            0.8: "The wrong way round: the task that adapts worse needs the start nearer to it.",
            1.6: "This weights the tasks by h, as shared weights do; it forgets the step that comes after the start.",
            2.0: "The middle is right where both tasks are alike; these differ in how much one step achieves.",
            8 / 3: "The distance that is left, 1 − α h, enters squared: the loss is quadratic in it.",
            1 / 0.34375: "Both query losses here are (θ' − c)²: no h in front of them.",
        },
        "After the step the distances left are 0.5 (θ₀ − 4) and 0.25 (θ₀ − 0). Minimise the sum of their squares.",
    )


def gap(answer) -> None:
    if feedback.unanswered(answer):
        return
    random = torch.Generator().manual_seed(0)
    learner = MAML(MainNetwork.mlp([1, 16, 1]), steps=3, lr=0.01, rng=random)
    tasks = Sinusoids().train.sample(20, 5, 10, random)
    theta = learner(tasks.descriptor, tasks.support).detach()
    seen, unseen = (learner.main.loss(theta, D).mean().item() for D in (tasks.support, tasks.query))
    before = learner.main.loss(learner.theta_0, tasks.query).mean().item()
    try:
        value = answer(learner, tasks)
    except Exception as error:
        feedback.wrong(_("Calling it with a learner and tasks raises {name}: {error}.", name=type(error).__name__, error=error))
        return
    feedback.number(
        value,
        unseen - seen,
        "The support loss after adaptation flatters: it is what the steps descended on.",
        {
            seen - unseen: "The sign is the other way round: query loss minus support loss.",
            unseen: "This is the query loss alone; subtract the loss on the examples that the steps have seen.",
            seen: "This is the support loss alone.",
            unseen - before: "This compares with the query loss before adaptation. Compare with the support loss after it.",
            before - unseen: "This compares with the query loss before adaptation. Compare with the support loss after it.",
        },
        "θ by learner(tasks.descriptor, tasks.support); then the mean loss on tasks.query minus that on tasks.support.",
    )


def honest(answer) -> None:
    if feedback.unanswered(answer):
        return
    random = torch.Generator().manual_seed(0)
    family = Quadratics()
    tasks, theta = family.train.sample(5, 3, 4, random), torch.randn(2, generator=random)

    def loss(inner):
        theta_i = adapt(family.main, theta, inner, steps=3, lr=0.1).final
        return family.main.loss(theta_i, tasks.query).mean().item()

    on_support = adapt(family.main, theta, tasks.support, steps=3, lr=0.1).final
    support_loss = family.main.loss(on_support, tasks.support).mean().item()
    try:
        value = answer(family.main, theta, tasks)
    except Exception as error:
        feedback.wrong(_("Calling it with main, θ₀ and tasks raises {name}: {error}.", name=type(error).__name__, error=error))
        return
    feedback.number(
        value,
        loss(tasks.support),
        "Adapt on D, judge on D'. In this package a learner never receives D', so it cannot go wrong by accident.",
        {
            loss(tasks.query): "Still adapted on the query set: the loss is judged on what it was fitted to.",
            loss(tasks.support.joined(tasks.query)): "The query examples are still among those adapted on.",
            support_loss: "Now it is judged on the support set, which it was fitted to: the same mistake the other way round.",
        },
        "Three steps with rate 0.1 on tasks.support, then the mean loss on tasks.query.",
    )
