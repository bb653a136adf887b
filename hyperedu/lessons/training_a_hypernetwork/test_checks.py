"""The checks know the right answers, and name the misconception behind every wrong one that they know."""

import pytest
import torch

from hyperedu import Hypernetwork, MainNetwork, MLPGenerator, Sinusoids, outer_loss
from hyperedu.lessons.training_a_hypernetwork import checks
from saying import RIGHT, UNANSWERED


@pytest.mark.parametrize("check", [checks.head_gradient, checks.guard, checks.fresh_weights])
def test_an_exercise_not_yet_answered_is_no_error(says, check):
    assert says(check, ...).startswith(UNANSWERED)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (torch.outer(torch.tensor([1.0, -2.0]), torch.tensor([1.0, 1.5])), RIGHT),
        (torch.outer(torch.tensor([1.0, 1.5]), torch.tensor([1.0, -2.0])), "transpose"),
        (torch.outer(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 1.5])), "signs are lost"),
        (torch.zeros(2, 2), "It gives zeros."),
        (torch.zeros(2), "shape must be (2, 2)"),
    ],
)
def test_the_gradient_of_the_head(says, answer, words):
    assert words in says(checks.head_gradient, answer)


def named(keep):
    return lambda generator: [name for name, p in generator.named_parameters() if keep(p)]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (named(lambda p: p.grad is None or not p.grad.any()), RIGHT),
        (named(lambda p: p.grad is None), "all zero"),
        (named(lambda p: p.grad is not None and not p.grad.any()), "no gradient ever came"),
        (named(lambda p: True), "It reports all parameters, whether trained or not."),
        (lambda generator: [] if generator[2].weight.grad is not None and generator[2].weight.grad.any() else
            [name for name, _ in generator.named_parameters()], "It is right for a generator that is trained and not for one"),
        (named(lambda p: not p.grad.any()), "It looks into something that is None"),
    ],
)  # fmt: skip
def test_the_guard(says, answer, words):
    assert words in says(checks.guard, answer)


def once(learner, tasks):
    theta = learner(tasks.descriptor, tasks.support)
    return lambda: learner.main.loss(theta, tasks.query).mean()


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda learner, tasks: lambda: outer_loss(learner, tasks).mean(), RIGHT),
        (once, "same at every step"),
        (
            lambda learner, tasks: lambda: outer_loss(learner, tasks).sum(),
            "It is the sum over the tasks; equation (1) has their mean.",
        ),
        (lambda learner, tasks: outer_loss(learner, tasks).mean(), "must return a function of nothing"),
    ],
)
def test_fresh_weights(says, answer, words):
    assert words in says(checks.fresh_weights, answer)


@pytest.mark.parametrize("hidden", [(), (8,), (8, 8)])
def test_weights_written_once_are_a_silent_mistake_only_without_hidden_layers(hidden):
    """As exercise 3 tells: the same loss at every step, or an error at the second `backward`."""
    main = MainNetwork.mlp([1, 8, 1])
    learner, tasks = Hypernetwork(main, MLPGenerator(2, main, hidden=hidden)), Sinusoids().train.sample(5, shots=0)
    theta, optimizer = learner(tasks.descriptor), torch.optim.Adam(learner.parameters())

    def step():
        loss = main.loss(theta, tasks.query).mean()
        loss.backward(retain_graph=True)
        optimizer.step()
        return loss.item()

    first = step()
    if hidden:
        with pytest.raises(RuntimeError, match="modified by an inplace operation"):
            step()
    else:
        assert first == step() == step()
