"""The checks of this lesson's exercises."""

from collections.abc import Mapping
from functools import partial

import torch

from hyperedu.lessons import feedback, probes
from hyperedu.main_network import MainNetwork
from hyperedu.tasks import Sinusoids
from hyperedu.words import _


def meta_gradient(answer) -> None:
    feedback.number(
        answer,
        0.48,
        "First order would say 1.2: the curvature says that moving the start moves the end by only 0.4 as much.",
        {
            1.2: "That is the first-order gradient, that of the query loss at θ', without the factor 1 − α h.",
            0.4: "That is the factor 1 − α h alone; multiply it with the gradient of the query loss at θ'.",
            0.96: "Twice too much: is the gradient of the query loss taken at θ₀ instead of θ', or a 2 left in front of it?",
            1.92: "1 + α h: a step goes downhill, the sign is minus.",
            0.16: "The query loss has its minimum at c' = −0.4: θ' − c' is 0.8 + 0.4.",
            0.8: "That is θ' itself, where the step ends.",
            0.288: "That is the query loss at θ', times the factor; its gradient is asked for: θ' − c'.",
            0.192: "The factor 1 − α h enters once: θ' depends on θ₀ by it.",
            2.4: "That is the gradient of the query loss at θ₀; the step comes first.",
        },
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
