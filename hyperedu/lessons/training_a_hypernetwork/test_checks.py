"""The checks know the right answers, and name the misconception behind every wrong one that they know."""

import copy

import pytest
import torch
from torch import nn

from hyperedu import Hypernetwork, MainNetwork, MLPGenerator, Sinusoids, outer_loss
from hyperedu.lessons.training_a_hypernetwork import checks
from saying import RIGHT, UNANSWERED


@pytest.mark.parametrize("check", [checks.head_gradient, checks.guard, checks.fresh_weights, checks.own_start])
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


@torch.no_grad()
def drawn(generator, tau):  # equation (3), on the descriptors that there are
    norm = generator.hidden(tau).square().sum(1).mean().sqrt()
    generator.head.weight.normal_().mul_(generator.main.initial_std.unsqueeze(1) / norm)
    generator.head.bias.zero_()
    return generator


@torch.no_grad()
def measured(generator, tau, share=1.0):
    factor = share * generator.main.initial_std / generator(tau).square().mean(0).sqrt()
    generator.head.weight.mul_(factor.unsqueeze(1))
    generator.head.bias.mul_(factor)
    return generator


@torch.no_grad()
def around_a_drawn_bias(generator, tau, share=0.3):
    start = measured(generator, tau, share)
    start.head.bias.copy_(generator.main.initial_weights())
    return start


@torch.no_grad()
def with_units_folded_in(generator, tau):
    first = generator.trunk[0]
    first.weight.div_(tau.std(0))
    first.bias.sub_(first.weight @ tau.mean(0))
    return drawn(generator, tau)


class Wrapped(nn.Module):
    """What a generator writes, standardised by what it wrote at the start, or treated as `by` says."""

    def __init__(self, generator, tau, by=None):
        super().__init__()
        self.generator, self.by = generator, by
        with torch.no_grad():
            theta = generator(tau)
        self.mean, self.factor = theta.mean(0), generator.main.initial_std / theta.std(0)

    def forward(self, tau):
        return self.by(self, tau) if self.by else self.factor * (self.generator(tau) - self.mean)


def wrapped(by):
    return lambda generator, tau: Wrapped(generator, tau, by)


def of_each_layer(f, tau):
    """Every tensor of every network divided by its own root mean square."""
    main = f.generator.main
    parts = main.unflatten(f.generator(tau)).values()
    sized = [part.flatten(1) / part.flatten(1).square().mean(1, keepdim=True).sqrt() for part in parts]
    return main.initial_std * torch.cat(sized, dim=1)


@torch.no_grad()
def by_spread_over_tasks(generator, tau):
    generator.head.weight.mul_((generator.main.initial_std / generator(tau).std(0)).unsqueeze(1))
    return generator


def in_place(generator, tau):
    generator.head.weight *= 3
    return generator


def frozen(generator, tau):
    start = drawn(generator, tau)
    start.trunk.requires_grad_(False)
    return start


def seeded(generator, tau):
    torch.manual_seed(0)
    return drawn(generator, tau)


def all_alike(generator, tau):
    start = measured(generator, tau, 0.05)
    start.head.bias.data.copy_(start.main.initial_std)
    return start


@torch.no_grad()
def biases_left(generator, tau):
    main = generator.main
    kept = main.flatten({k: torch.full(shape, k.endswith("bias")) for k, shape in main.shapes.items()})
    factor = (main.initial_std / generator(tau).square().mean(0).sqrt()).masked_fill(kept, 1.0)
    generator.head.weight.mul_(factor.unsqueeze(1))
    generator.head.bias.mul_(factor)
    return generator


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (drawn, RIGHT),
        (measured, RIGHT),
        (around_a_drawn_bias, RIGHT),
        (Wrapped, RIGHT),
        (wrapped(of_each_layer), RIGHT),
        # What a check that compares the trunk, or its objects, would refuse.
        (with_units_folded_in, RIGHT),
        (lambda generator, tau: drawn(copy.deepcopy(generator), tau), RIGHT),
        # On either side of the bounds.
        (lambda generator, tau: measured(generator, tau, 0.6), RIGHT),
        (lambda generator, tau: measured(generator, tau, 1.8), RIGHT),
        (lambda generator, tau: measured(generator, tau, 0.4), "all matrices are 0.4 times as large as wanted"),
        (lambda generator, tau: measured(generator, tau, 2.2), "all matrices are 2.2 times as large as wanted"),
        (lambda generator, tau: around_a_drawn_bias(generator, tau, 0.15), RIGHT),
        (lambda generator, tau: around_a_drawn_bias(generator, tau, 0.02), "all tasks begin with nearly the same"),
        # What is wrong, in the order in which it is asked.
        (3, "A function is asked for, this is int"),
        (nn.Linear(2, 3), "raises TypeError"),
        (lambda generator, tau: None, "is a `return` missing?"),
        (lambda generator, tau: lambda tau: generator(tau), "It gives back a function; an `nn.Module` is asked for"),
        (wrapped(lambda f, tau: f.generator(tau)[:1]), "it must write (400, 1761), it writes (1, 1761)"),
        (wrapped(lambda f, tau: f.generator(tau).tolist()), "it writes list"),
        (wrapped(lambda f, tau: f.generator(tau).numpy()), "It takes numbers out of the graph"),
        (wrapped(lambda f, tau: f.generator(tau) / 0), "it writes nan or inf"),
        (wrapped(lambda f, tau: f.factor * torch.randn_like(f.generator(tau))), "other weights at the next call"),
        (wrapped(lambda f, tau: f.generator(tau) - f.generator(tau).mean(0)), "with the tasks that are asked for beside it"),
        (lambda g, tau: MLPGenerator(g.descriptor_dim, g.main, descriptors=tau), "keep it, and start what follows"),
        (lambda generator, tau: generator, "4.weight has 3.9 times the spread that is wanted, other layers"),
        (lambda generator, tau: drawn(generator, torch.randn_like(tau)), "all matrices are 82 times as large as wanted"),
        (lambda generator, tau: around_a_drawn_bias(generator, tau, 0.0), "τ moves the weights of 0.weight by only 0.0%"),
        (by_spread_over_tasks, "around a mean that is not zero"),
        (in_place, "which PyTorch allows only under no_grad"),
        (all_alike, "are nearly the same number"),
        (biases_left, "times as large as the weights beside it should be"),
        (wrapped(lambda f, tau: f.factor * (f.generator(tau) - f.mean).detach()), "no gradient reaches generator.trunk"),
        (frozen, "it is frozen"),
        (seeded, "It sets torch's seed"),
    ],
)  # fmt: skip
def test_a_start_of_ones_own(says, answer, words):
    assert words in says(checks.own_start, answer)
