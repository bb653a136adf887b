"""The checks of this lesson's exercises."""

import torch

from hyperedu.lessons import feedback
from hyperedu.main_network import MainNetwork
from hyperedu.words import _


def weight_count(answer) -> None:
    feedback.number(
        answer,
        33,
        "MainNetwork.mlp([2, 5, 3]).weight_dim says the same.",
        {
            25: "That counts the matrices, 10 + 15, but not the biases.",
            30: "Multiplying all three sizes counts paths through the network; each layer has its own matrix, and they add up.",
            36: "The 2 inputs have no biases of their own: they are given, not computed.",
            28: "The 5 biases of the first layer are missing.",
            31: "Nearly: biases belong to units that compute something, 5 and 3 of them.",
        },
        "Each layer from a to b units has a · b weights and b biases; add up the two layers.",
    )


def relu_network(answer) -> None:
    if feedback.unanswered(answer):
        return
    main = MainNetwork.mlp([1, 4, 1], activation="relu")
    random = torch.Generator().manual_seed(0)
    theta, x = main.initial_weights(rng=random), torch.randn(6, 1, generator=random)
    theta.requires_grad_()
    try:
        y = answer(theta, x)
    except Exception as error:
        feedback.wrong(
            _(
                "Calling it with θ (13,) and x (6, 1) raises {name}: {error}. Check the slices.",
                name=type(error).__name__,
                error=error,
            )
        )
        return
    if feedback.tensor(y, (6, 1)) is None:
        return
    if torch.allclose(y, MainNetwork.mlp([1, 4, 1], activation="tanh")(theta, x), atol=1e-5):
        feedback.wrong("This is still tanh: replace it by torch.relu.")
    elif not torch.allclose(y, main(theta, x), atol=1e-5):
        feedback.wrong("The values differ from MainNetwork.mlp([1, 4, 1])'s: are W₁, b₁, W₂, b₂ cut from θ in this order?")
    elif not y.requires_grad or torch.autograd.grad(y.sum(), theta, allow_unused=True)[0] is None:
        feedback.wrong("The values are right, but no gradient reaches θ: .data, .detach() or nn.Parameter cut it off.")
    else:
        feedback.right("And since θ is only an argument, a gradient flows into it: the next lesson lives on that.")


def cut(answer) -> None:
    if feedback.unanswered(answer):
        return
    theta = torch.arange(13.0)
    try:
        W_1, b_1, W_2, b_2 = answer(theta)
    except Exception as error:
        feedback.wrong(
            _("It must return four tensors; calling it raises {name}: {error}.", name=type(error).__name__, error=error)
        )
        return
    wanted = list(MainNetwork.mlp([2, 3, 1]).unflatten(theta).values())
    if feedback.tensor(W_1, (3, 2)) is None:
        return
    if torch.equal(W_1, theta[0:6].view(2, 3).T):
        feedback.wrong(
            "The shape is right, the order is not: .view(2, 3).T puts the second number of θ into the second row, but it is "
            "the second weight of the first unit."
        )
    elif all(torch.equal(a, b) for a, b in zip((W_1, b_1, W_2, b_2), wanted, strict=True)):
        feedback.right(
            "A generator could even learn with the wrong order, since it writes whatever works; but weights taken from an "
            "ordinary network would be scrambled without an error."
        )
    else:
        feedback.wrong("θ is filled row by row, layer by layer: W₁ (3, 2), b₁ (3), W₂ (1, 3), b₂ (1).")
