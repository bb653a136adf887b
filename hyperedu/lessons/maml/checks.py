"""The checks of this lesson's exercises."""

import torch

from hyperedu.adaptation import adapt
from hyperedu.lessons import feedback
from hyperedu.main_network import MainNetwork
from hyperedu.tasks import Sinusoids
from hyperedu.words import _


def meta_gradient(answer) -> None:
    feedback.number(
        answer,
        0.48,
        "First order would say 1.2: the curvature says that moving the start moves the end by only 0.4 as much.",
        {
            1.2: "That is the first-order gradient, L'' at θ' without the factor 1 − α h.",
            0.4: "That is the factor 1 − α h alone; multiply it with the gradient of the query loss at θ'.",
            0.96: "The query loss pulls at θ', not at θ₀, or you have a 2 too many: its gradient is θ' − c', without a 2.",
            1.92: "1 + α h: a step goes downhill, the sign is minus.",
        },
        "θ' = θ₀ − α h θ₀; then (1 − α h) · (θ' − c').",
    )


def head_only(answer) -> None:
    if feedback.unanswered(answer):
        return
    main = MainNetwork.mlp([1, 8, 8, 1])
    random = torch.Generator().manual_seed(0)
    theta, tasks = main.initial_weights(rng=random), Sinusoids().train.sample(4, 5, 5, random)
    try:
        rates = answer(main, 0.1)
        moved = (adapt(main, theta, tasks.support, 3, rates).final - theta).abs().amax(0)
    except Exception as error:
        feedback.wrong(_("`adapt` does not take it: {name}: {error}.", name=type(error).__name__, error=error))
        return
    changed = {name for name, change in main.unflatten(moved).items() if change.any()}
    if changed == {"4.weight", "4.bias"}:
        feedback.right("Layers that are not named stay as they are: this is ANIL's inner loop.")
    elif changed == {"4.weight"}:
        feedback.wrong("The head has a bias too.")
    elif not changed:
        feedback.wrong("Nothing adapts: are the rates zero, or are they given to layers that do not exist?")
    else:
        feedback.wrong(_("These adapt: {names}. Only the last layer, '4.weight' and '4.bias', should.", names=sorted(changed)))


def second_order(answer) -> None:
    if feedback.unanswered(answer):
        return
    main = MainNetwork.mlp([1, 6, 1], activation="tanh")
    random = torch.Generator().manual_seed(0)
    tasks = Sinusoids().train.sample(4, 5, 5, random)
    theta_0 = main.initial_weights(rng=random).requires_grad_()

    def gradient(loss):
        return torch.autograd.grad(loss, theta_0)[0]

    def outer(first_order):
        theta = adapt(main, theta_0, tasks.support, 1, 0.05, first_order).final
        return main.loss(theta, tasks.query).mean()

    try:
        found = gradient(answer(main, theta_0, tasks))
    except Exception as error:
        feedback.wrong(_("Calling it, or taking its gradient, raises {name}: {error}.", name=type(error).__name__, error=error))
        return
    if torch.allclose(found, gradient(outer(False)), rtol=1e-3, atol=1e-5):
        feedback.right("With create_graph=True the inner gradient is itself a function of θ₀, Hessian included.")
    elif torch.allclose(found, gradient(outer(True)), rtol=1e-3, atol=1e-5):
        feedback.wrong("This is still the first-order gradient: the inner gradient is a constant to autograd.")
    else:
        feedback.wrong("The gradient is neither MAML's nor the first-order one: one step of rate 0.05, then the query loss?")
