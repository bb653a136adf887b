"""The checks of this lesson's exercises."""

import torch

from hyperedu.batches import Examples
from hyperedu.learners import Learner
from hyperedu.lessons import feedback
from hyperedu.main_network import MainNetwork
from hyperedu.tasks import Sinusoids
from hyperedu.words import _


def step_size(answer) -> None:
    feedback.number(
        answer,
        0.75,
        "Twelve readings of variance 4 have a mean of variance 1/3: three times as sure as the description.",
        {
            0.25: "That is the share of the description that is kept, 1 − α.",
            0.2: "The mean of twelve readings is surer than one reading: its variance is σ²/n.",
            1 / 3: "That is the variance of the mean; put it into (3).",
            3.0: "That is how much surer the readings are; α is a share, between 0 and 1.",
            6 / 7: "σ is 2, and so σ² is 4; you took 2 for σ².",
        },
        "Equation (3), with σ² = 4 and n = 12.",
    )


def reader(answer) -> None:
    if feedback.unanswered(answer):
        return
    main, random = MainNetwork.mlp([1, 8, 1]), torch.Generator().manual_seed(0)
    tasks = Sinusoids().train.sample(4, 5, 5, random)
    tau, D = tasks.descriptor, tasks.support
    other = Examples(D.x, D.y + 1)
    turned = D.some(range(len(D))[::-1])
    try:
        learner = answer(main)
        theta = learner(tau, D)
        if isinstance(learner, Learner) and theta.requires_grad:
            learner.main.loss(theta, tasks.query).sum().backward()
        of_tau, of_D, of_order = (learner(tau + 1, D), learner(tau, other), learner(tau, turned))
    except Exception as error:
        feedback.wrong(
            _(
                "Making it, or calling it with τ (4, 2) and five examples, raises {name}: {error}.",
                name=type(error).__name__,
                error=error,
            )
        )
        return
    if not isinstance(learner, Learner):
        feedback.wrong("It is no `Learner`: write `class Reader(Learner)` and call `super().__init__(main)`.")
    elif type(learner).start is Learner.start:
        feedback.wrong("It has no `start` of its own: what training and testing ask for weights is `start`, not `forward`.")
    elif tuple(theta.shape) != (4, main.weight_dim):
        feedback.wrong(
            _(
                "θ must have the shape {wanted}, one row per task; it has {shape}.",
                wanted=(4, main.weight_dim),
                shape=tuple(theta.shape),
            )
        )
    elif torch.allclose(of_tau, theta):
        feedback.wrong("Another description gives the same weights: τ is not used.")
    elif torch.allclose(of_D, theta):
        feedback.wrong("Other examples give the same weights: D is not used. This is `Hypernetwork`.")
    elif not torch.allclose(of_order, theta, atol=1e-5):
        feedback.wrong("The same examples in another order give other weights: put them through a `SetEncoder` first.")
    elif any(p.grad is None or not p.grad.any() for p in learner.parameters()):
        feedback.wrong("Some of its parameters get no gradient: is something cut by .data, .detach() or .item()?")
    else:
        feedback.right("Everything that is known of a task goes in, and one network decides what to trust.")


def misdescribed(answer) -> None:
    if feedback.unanswered(answer):
        return
    tau = torch.randn(4000, 2, generator=torch.Generator().manual_seed(0))
    try:
        error = feedback.tensor(answer(tau, 0.5), (4000, 2))
    except Exception as raised:
        feedback.wrong(_("Calling it with τ (4000, 2) raises {name}: {raised}.", name=type(raised).__name__, raised=raised))
        return
    if error is None:
        return
    error = error - tau
    spread, alike = error.std(0), torch.corrcoef(error.T)[0, 1].abs()
    if (spread < 0.01).all():
        feedback.wrong("All tasks are described with the same error: a learner could get used to it, and it hides nothing.")
    elif alike > 0.5:
        feedback.wrong("Both numbers of τ err by the same amount: the error lies on a line. Draw one for each number.")
    elif not torch.allclose(spread, torch.full((2,), 0.5), atol=0.05):
        feedback.wrong(
            _("With s = 0.5 the error should have the standard deviation 0.5, it has {spread:.2f}.", spread=spread.mean())
        )
    else:
        feedback.right("One error for each number of each task, as large as s says.")
