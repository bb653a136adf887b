"""The checks of this lesson's exercises."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import torch

from hyperedu.lessons import feedback, probes, variants
from hyperedu.lessons.variants import plain
from hyperedu.main_network import MainNetwork
from hyperedu.tasks import Sinusoids
from hyperedu.words import _


@dataclass(frozen=True)
class OneWeight(variants.Solved):
    """One weight: L(θ) = ½ h θ², L'(θ) = ½ (θ − c')², and one step of rate α from θ₀."""

    h: float = 2.0
    c: float = -0.4
    theta_0: float = 2.0
    alpha: float = 0.3

    choices = {
        "h": (0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0),
        "c": (-0.2, -0.4, -0.5, -0.6, -0.8),
        "theta_0": (1.0, 2.0, 3.0, 4.0, 5.0),
        "alpha": (0.1, 0.2, 0.3, 0.4, 0.5, 0.6),
    }

    def __str__(self) -> str:
        numbers = map(plain, (self.h, self.c, self.theta_0, self.alpha))
        return "h = {}, c' = {}, θ₀ = {}, α = {}".format(*numbers)

    @property
    def factor(self) -> float:
        return 1 - self.alpha * self.h

    @property
    def end(self) -> float:
        """θ', where the step ends."""
        return self.factor * self.theta_0

    @property
    def first_order(self) -> float:
        return self.end - self.c

    @property
    def right(self) -> float:
        return self.factor * self.first_order

    @property
    def is_short(self) -> bool:
        return 0.1 < self.factor < 0.9 and round(self.right, 3) == round(self.right, 9)

    def mistakes(self) -> Mapping[str, float]:
        c, end, minus_c = map(plain, (self.c, self.end, -self.c))
        return {
            "That is the first-order gradient, that of the query loss at θ', without the factor 1 − α h.": self.first_order,
            "That is the factor 1 − α h alone; multiply it with the gradient of the query loss at θ'.": self.factor,
            "Twice too much: is the gradient of the query loss taken at θ₀ instead of θ', or a 2 left in front of it?": (
                2 * self.right
            ),
            "The gradient of the query loss is taken at θ₀, and is needed at θ'.": self.factor * (self.theta_0 - self.c),
            "1 + α h: a step goes downhill, the sign is minus.": (1 + self.alpha * self.h) * self.first_order,
            _(
                "The query loss has its minimum at c' = {c}: θ' − c' is {end} + {minus_c}.", c=c, end=end, minus_c=minus_c
            ): self.factor * (self.end + self.c),
            "That is θ' itself, where the step ends.": self.end,
            "That is the query loss at θ', times the factor; its gradient is asked for: θ' − c'.": (
                self.factor * self.first_order**2 / 2
            ),
            "The factor 1 − α h enters once: θ' depends on θ₀ by it.": self.factor * self.right,
            "That is the gradient of the query loss at θ₀; the step comes first.": self.theta_0 - self.c,
        }


@variants.keyed(OneWeight)
def meta_gradient(answer, one: OneWeight) -> None:
    feedback.number(
        answer,
        one.right,
        _(
            "First order would say {first_order}: the curvature says that moving the start moves the end by only {factor} as "
            "much.",
            first_order=plain(one.first_order),
            factor=plain(one.factor),
        ),
        one.told(),
        "θ' = θ₀ − α h θ₀; then (1 − α h) · (θ' − c').",
    )


def head_only(answer) -> None:
    def told(rates, main, alpha):
        """The rate of every tensor, and how many names there are that the network does not have."""
        found = rates(main, alpha)
        if not isinstance(found, Mapping):
            raise probes.Said(_("It must return a dictionary from names to rates, not a {kind}.", kind=type(found).__name__))
        return [float(found.get(name, 0.0)) for name in main.shapes] + [float(len(set(found) - set(main.shapes)))]

    def of(choose, alpha_of=lambda alpha: alpha):
        return lambda main, alpha: dict.fromkeys(choose(list(main.shapes), main), alpha_of(alpha))

    def by_outputs(names, main):
        return [name for name in names if main.shapes[name][0] == 1]

    def network(k):
        sizes = ([1, 8, 8, 1], [2, 5, 3], [1, 4, 4, 4, 4, 4, 4, 2])
        return MainNetwork.mlp(sizes[k]) if k < len(sizes) else MainNetwork.conv((1, 28, 28), (4, 4), 5)

    last = of(lambda names, main: names[-2:])
    alphas = (0.1, 0.3, 0.02, 0.5)
    words = ("two hidden layers", "one hidden layer and three outputs", "six hidden layers and two outputs", "convolutions")
    mistakes = {
        "It names the layers of the network of this lesson; of another depth the last layer has another name. Ask "
        "main.shapes.": of(lambda names, main: ["4.weight", "4.bias"]),
        "It takes the last names in the order of text, where '10' stands before '8'. main.shapes has them in that of the "
        "layers.": of(lambda names, main: sorted(names)[-2:]),
        "It knows the last layer by its single output; other networks have more, or a hidden layer of one unit.": of(
            by_outputs
        ),
        "The head has a bias too.": of(lambda names, main: [names[-2]]),
        "That is the bias alone: the head has a matrix too.": of(lambda names, main: names[-1:]),
        "All layers adapt: only the last one should.": of(lambda names, main: names),
        "That is the first layer, next to the input; the head is the last.": of(lambda names, main: names[:2]),
        "That is the body: all but the last layer.": of(lambda names, main: names[:-2]),
        "The rate is always 0.01: use the alpha that it is called with.": of(
            lambda names, main: names[-2:], lambda alpha: 0.01
        ),
        "The rate is always 0.1: use the alpha that it is called with.": of(lambda names, main: names[-2:], lambda alpha: 0.1),
        "Nothing adapts: the rates are zero, or given to layers that do not exist.": of(lambda names, main: []),
    }
    if not probes.is_function(answer):
        return
    probes.function(
        partial(told, answer),
        partial(told, last),
        [partial(lambda k: (network(k), alphas[k]), k) for k in range(len(words))],
        probes.through(told, mistakes),
        "Layers that are not named stay as they are: this is ANIL's inner loop.",
        "It must be a dictionary with alpha for the last layer's matrix and bias, and for nothing else.",
        learns=False,
        words=words,
    )


def second_order(answer) -> None:
    def maml(
        main,
        theta_0,
        tasks,
        inner=torch.sum,
        direct=True,
        graph=True,
        rate=0.05,
        shown="support",
        judged="query",
        of=torch.mean,
    ):
        theta = theta_0.expand(len(tasks), -1)
        loss = inner(main.loss(theta, getattr(tasks, shown)))
        step = rate * torch.autograd.grad(loss, theta, create_graph=graph)[0]
        return of(main.loss((theta if direct else theta.detach()) - step, getattr(tasks, judged)))

    def together(main, theta_0, tasks, inner=torch.sum):
        loss = inner(main.loss(theta_0.expand(len(tasks), -1), tasks.support))
        theta = theta_0 - 0.05 * torch.autograd.grad(loss, theta_0, create_graph=True)[0]
        return main.loss(theta.expand(len(tasks), -1), tasks.query).mean()

    def joint(main, theta_0, tasks):
        return main.loss(theta_0.expand(len(tasks), -1), tasks.query).mean()

    def case(seed, n, hidden):
        random = torch.Generator().manual_seed(seed)
        main = MainNetwork.mlp([1, *hidden, 1], activation="tanh")
        return main, main.initial_weights(rng=random).requires_grad_(), Sinusoids().train.sample(n, 5, 5, random)

    mistakes = {
        "This is still the first-order gradient: the inner gradient is a constant to autograd.": partial(maml, graph=False),
        "The step is taken from a detached copy of θ₀: the direct way is cut, and of I − α H only − α H is left.": partial(
            maml, direct=False
        ),
        "The inner loss is a mean over the tasks, so that each task's step is divided by their number: a sum leaves each "
        "its own.": (partial(maml, inner=torch.mean)),
        "It takes one step for all tasks together, along the gradient that they have in common; each task has a θ' of "
        "its own.": (
            together,
            partial(together, inner=torch.mean),
        ),
        "The step goes uphill: minus the gradient.": partial(maml, rate=-0.05),
        "It adapts on the query set, which it is judged on.": partial(maml, shown="query"),
        "It is judged on the support set: what counts is the query loss after the step.": partial(maml, judged="support"),
        "The outer loss is a sum over the tasks; their mean is asked for.": partial(maml, of=torch.sum),
        "There is no step in it: this is the loss of shared weights.": joint,
    }
    probes.function(
        answer,
        maml,
        [partial(case, 0, 4, (6,)), partial(case, 1, 3, (4, 4))],
        mistakes,
        "With create_graph=True the inner gradient is itself a function of θ₀, Hessian included.",
        "Neither MAML's nor the first-order gradient: is it one step of rate 0.05 for each task, and then the mean query loss?",
        names=("main", "θ₀", "tasks"),
    )
