"""The checks of this lesson's exercises."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import torch

from hyperedu.lessons import feedback, probes, variants
from hyperedu.lessons.variants import spelled
from hyperedu.main_network import MainNetwork
from hyperedu.words import _


@dataclass(frozen=True)
class Sizes(variants.Solved):
    """A network of two layers, from a to b to c units."""

    a: int = 2
    b: int = 5
    c: int = 3

    choices = {"a": (2, 3, 4, 5, 6, 7, 8), "b": (4, 5, 6, 7, 8, 9), "c": (2, 3, 4, 5, 6)}

    def __str__(self) -> str:
        return _("the sizes [{a}, {b}, {c}]", a=self.a, b=self.b, c=self.c)

    @property
    def matrices(self) -> int:
        return self.a * self.b + self.b * self.c

    @property
    def right(self) -> int:
        return self.matrices + self.b + self.c

    def mistakes(self) -> Mapping[str, int]:
        a, b, c, right = self.a, self.b, self.c, self.right
        A, B, C = (spelled(n).capitalize() for n in (a, b, c))
        numbers = {"a": a, "b": b, "c": c, "ab": a * b, "bc": b * c, "A": A, "B": B, "C": C}
        outputs = "{C} too few: the outputs have biases too, though no activation."
        if a * b * c == right - c:
            outputs = "{C} too few: the outputs have biases too, though no activation. (Or it is {a} · {b} · {c}: they add up.)"
        return {
            _("That counts the matrices, {ab} + {bc}, but not the biases.", **numbers): self.matrices,
            _("{C} too many: the {c} outputs have their biases once.", **numbers): right + c,
            _("{A} too many: the {a} inputs have no biases of their own, they are given, not computed.", **numbers): right + a,
            _("{B} too few: the biases of the first layer, one for each of its units.", **numbers): right - b,
            _(outputs, **numbers): right - c,
            _("That is {a} · {b} · {c}: layers add up.", **numbers): a * b * c,
            _("{A} too few: biases belong to units that compute something, {b} and {c} of them.", **numbers): right - a,
            _("That gives each layer a single bias: each of the {b} + {c} units has its own.", **numbers): self.matrices + 2,
            _("That has a layer from {b} to {b} more: three sizes are two layers.", **numbers): right + b * b + b,
        }


@variants.keyed(Sizes)
def weight_count(answer, sizes: Sizes) -> None:
    feedback.number(
        answer,
        sizes.right,
        _("MainNetwork.mlp([{a}, {b}, {c}]).weight_dim says the same.", a=sizes.a, b=sizes.b, c=sizes.c),
        sizes.told(),
        "Each layer from a to b units has a · b weights and b biases; add up the two layers.",
    )


def relu_network(answer) -> None:
    def network(theta, x, activation=torch.relu, last=lambda y: y, bias=1.0):
        W_1, b_1, W_2, b_2 = theta[:4].view(4, 1), theta[4:8], theta[8:12].view(1, 4), theta[12:]
        return last(activation(x @ W_1.T + bias * b_1) @ W_2.T + bias * b_2)

    def matrices_first(theta, x):
        return network(torch.cat([theta[:4], theta[8:12], theta[4:8], theta[12:]]), x)

    def case(seed, n):
        random = torch.Generator().manual_seed(seed)
        main = MainNetwork.mlp([1, 4, 1])
        theta = main.initial_weights(rng=random) + 0.3 * torch.randn(13, generator=random)
        return theta.requires_grad_(), torch.randn(n, 1, generator=random)

    mistakes = {
        "This is still tanh: replace it by torch.relu.": partial(network, activation=torch.tanh),
        "An activation after the last layer too: no output could be negative. Only the hidden layer has one.": partial(
            network, last=torch.relu
        ),
        "There is no activation in between: two linear layers are one linear map.": partial(network, activation=lambda h: h),
        "The biases are missing.": partial(network, bias=0.0),
        "θ holds layer after layer, W₁, b₁, W₂, b₂; you took both matrices first.": matrices_first,
    }
    probes.function(
        answer,
        network,
        [partial(case, 0, 6), partial(case, 1, 1), partial(case, 2, 4)],
        mistakes,
        "And since θ is only an argument, a gradient flows into it: the next lesson lives on that.",
        "The values differ from those of MainNetwork.mlp([1, 4, 1]): are W₁, b₁, W₂, b₂ cut from θ in this order?",
        names=("θ", "x"),
    )


def cut(answer) -> None:
    def right(theta, W_1=lambda w: w.view(3, 2)):
        return W_1(theta[0:6]), theta[6:9], theta[9:12].view(1, 3), theta[12:13]

    def case(seed):
        theta = torch.arange(13.0) if seed == 0 else torch.randn(13, generator=torch.Generator().manual_seed(seed))
        return (theta.requires_grad_(),)

    mistakes = {
        "The shape is right, the order is not: .view(2, 3).T puts the second number of θ into the second row, but it is "
        "the second weight of the first unit.": partial(right, W_1=lambda w: w.view(2, 3).T),
        "W₁ has a row for each of the 3 units that it leads to and a column for each of the 2 inputs: (3, 2).": partial(
            right, W_1=lambda w: w.view(2, 3)
        ),
        "θ holds layer after layer, W₁, b₁, W₂, b₂; you took both matrices first.": lambda theta: (
            theta[0:6].view(3, 2), theta[9:12], theta[6:9].view(1, 3), theta[12:13],
        ),
    }  # fmt: skip
    probes.function(
        answer,
        right,
        [partial(case, 0), partial(case, 1)],
        mistakes,
        "A generator could even learn with the wrong order, since it writes whatever works; but weights taken from an "
        "ordinary network would be scrambled without an error.",
        "θ is filled row by row, layer by layer: W₁ (3, 2), b₁ (3), W₂ (1, 3), b₂ (1).",
        names=("θ",),
    )
