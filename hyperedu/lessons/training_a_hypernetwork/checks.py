"""The checks of this lesson's exercises."""

import torch
from torch import nn

from hyperedu.generators import MLPGenerator
from hyperedu.learners import Hypernetwork
from hyperedu.lessons import feedback
from hyperedu.main_network import MainNetwork
from hyperedu.tasks import Sinusoids
from hyperedu.training import outer_loss
from hyperedu.words import _


def head_gradient(answer) -> None:
    if feedback.unanswered(answer):
        return
    gradient = feedback.tensor(answer, (2, 2))
    if gradient is None:
        return
    right = torch.tensor([[1.0, 1.5], [-2.0, -3.0]])
    if torch.allclose(gradient.float(), right):
        feedback.right("Each row is the gradient at one weight, spread over the hidden units that wrote it.")
    elif torch.allclose(gradient.float(), right.T):
        feedback.wrong("This is the transpose. V has a row for each weight, and so has its gradient.")
    elif torch.allclose(gradient.float(), right.abs()):
        feedback.wrong("The signs are lost: the second weight's gradient is negative, so its whole row is.")
    else:
        feedback.wrong("Entry (k, j) is ∂L/∂θ_k · ∂θ_k/∂V_kj, and θ_k = Σ_j V_kj h_j.")


def guard(answer) -> None:
    if feedback.unanswered(answer):
        return

    def trained(cut: str | None) -> tuple[nn.Module, list[str]]:
        generator = nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 3))
        first = generator[1](generator[0](torch.ones(5, 2)))
        theta = generator[2](first.detach() if cut == "trunk" else first)
        if cut == "all":
            return generator, ["0.weight", "0.bias", "2.weight", "2.bias"]
        (theta.square().sum() * (0.0 if cut == "zero" else 1.0)).backward()
        trunk = ["0.weight", "0.bias"] if cut == "trunk" else []
        return generator, ["0.weight", "0.bias", "2.weight", "2.bias"] if cut == "zero" else trunk

    says = {
        None: "It reports parameters of a generator that is trained as it should be",
        "all": "It misses parameters whose .grad is None: no gradient ever came",
        "trunk": "Only the trunk is cut off here; it must name exactly the trunk's parameters",
        "zero": "It misses gradients that exist but are all zero: the loss was multiplied by 0",
    }
    for cut, misconception in says.items():
        generator, expected = trained(cut)
        try:
            names = list(answer(generator))
        except Exception as error:
            feedback.wrong(
                _(
                    "It raises {name}: {error}. Test for None before you look into .grad.",
                    name=type(error).__name__,
                    error=error,
                )
            )
            return
        if sorted(names) != sorted(expected):
            feedback.wrong(
                _(
                    "{misconception}. Expected {expected}, got {names}.",
                    misconception=misconception,
                    expected=expected,
                    names=names,
                )
            )
            return
    feedback.right("Call it after the first backward of every new training: it would have caught both mistakes.")


def fresh_weights(answer) -> None:
    if feedback.unanswered(answer):
        return
    main = MainNetwork.mlp([1, 8, 1])
    tasks = Sinusoids().train.sample(10, rng=torch.Generator().manual_seed(0))

    def losses(make_loss) -> list[float]:
        random = torch.Generator().manual_seed(0)
        # Without a trunk autograd cannot notice that φ changed under a graph that is used again.
        learner = Hypernetwork(main, MLPGenerator(2, main, hidden=(), rng=random))
        optimizer, values = torch.optim.SGD(learner.parameters(), lr=1e-3), []
        loss = make_loss(learner, tasks)
        for _step in range(5):
            value = loss()
            optimizer.zero_grad()
            value.backward(retain_graph=True)
            optimizer.step()
            values.append(value.item())
        return values

    expected = losses(lambda learner, tasks: lambda: outer_loss(learner, tasks).mean())
    try:
        found = losses(answer)
    except Exception as error:
        feedback.wrong(
            _(
                "It raises {name}: {error}. Like `stale`, it must return a function of nothing.",
                name=type(error).__name__,
                error=error,
            )
        )
        return
    if all(abs(a - b) < 1e-4 * abs(b) for a, b in zip(found, expected, strict=True)):
        feedback.right("θ is a result, not a store: write it anew whenever φ has changed.")
    elif len(set(found)) == 1:
        feedback.wrong(
            "The loss is the same at every step: φ changes, but θ was written once, before the loop. Every gradient is that "
            "of the first step."
        )
    else:
        feedback.wrong("The losses differ from those of equation (1): is it the mean over the tasks of the query loss?")
