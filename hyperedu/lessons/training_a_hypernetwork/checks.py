"""The checks of this lesson's exercises."""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from hyperedu.generators import MLPGenerator
from hyperedu.learners import Hypernetwork
from hyperedu.lessons import probes, variants, writing
from hyperedu.lessons.variants import plain
from hyperedu.main_network import MainNetwork
from hyperedu.tasks import Sinusoids
from hyperedu.training import outer_loss
from hyperedu.words import _


@dataclass(frozen=True)
class TwoWeights(variants.Solved):
    """Two hidden units h, and ∂L/∂θ of the two weights that they write."""

    h: tuple[float, float] = (2.0, 3.0)
    slope: tuple[float, float] = (0.5, -1.0)

    choices = {
        "h": tuple((a, b) for a in (2.0, 3.0, 4.0, 5.0, 6.0) for b in (2.0, 3.0, 4.0, 5.0, 7.0) if a != b),
        "slope": tuple((a, -b) for a in (0.5, 1.0, 1.5, 2.0) for b in (0.5, 1.0, 1.5, 2.0, 3.0) if a != b),
    }

    def __str__(self) -> str:
        return "h = ({}, {}), ∂L/∂θ = ({}, {})".format(*map(plain, (*self.h, *self.slope)))

    @property
    def right(self) -> torch.Tensor:
        return torch.outer(torch.tensor(self.slope), torch.tensor(self.h))

    def mistakes(self) -> Mapping[str, torch.Tensor]:
        h, slope = torch.tensor(self.h), torch.tensor(self.slope)
        return {
            "This is the transpose. V has a row for each weight, and so has its gradient.": self.right.T,
            "The signs are lost: the second weight's gradient is negative, so its whole row is.": self.right.abs(),
            "That multiplies entry by entry, and a broadcast fills the rest: entry (k, j) takes its own k and its own j.": (
                (slope * h).expand(2, 2)
            ),
            "That multiplies entry by entry and fills the columns: entry (k, j) takes its own k and its own j.": (
                (slope * h).unsqueeze(-1).expand(2, 2)
            ),
            "That is ∂L/∂θ alone: what of h?": slope.unsqueeze(-1).expand(2, 2),
            "That is h alone: what of ∂L/∂θ?": h.expand(2, 2),
        }


@variants.keyed(TwoWeights)
def head_gradient(answer, two: TwoWeights) -> None:
    probes.value(
        answer,
        two.right,
        two.told(),
        "Each row is the gradient at one weight, spread over the hidden units that wrote it.",
        "Entry (k, j) is ∂L/∂θ_k · ∂θ_k/∂V_kj, and θ_k = Σ_j V_kj h_j.",
    )


def _after_backward(kind: str) -> tuple[nn.Module]:
    random = torch.Generator().manual_seed(0)
    generator = nn.Sequential(nn.Linear(2, 4), nn.ReLU() if kind == "dead unit" else nn.Tanh(), nn.Linear(4, 3))
    with torch.no_grad():
        for p in generator.parameters():
            p.copy_(torch.randn(p.shape, generator=random))
        if kind == "dead unit":
            generator[0].bias[1] = -100.0
    first = generator[1](generator[0](torch.randn(5, 2, generator=random)))
    theta = generator[2](first.detach() if kind == "trunk cut" else first)
    if kind == "nothing came":
        return (generator,)
    loss = theta.square().sum() * (0.0 if kind == "all zero" else 1.0)
    if kind == "cancelling":
        loss = (theta * torch.tensor([1.0, -1.0, 0.0])).sum()  # the gradient of the last bias: 5, −5, 0
    loss.backward()
    return (generator,)


def guard(answer) -> None:
    def named(keep):
        return lambda generator: [name for name, p in generator.named_parameters() if keep(p)]

    def none_only(p):
        return p.grad is None

    mistakes = {
        "It misses gradients that exist but are all zero: where the loss was multiplied by 0 it must name all.": named(
            none_only
        ),
        "It misses parameters whose .grad is None: no gradient ever came, and that is what a cut leaves behind.": named(
            lambda p: p.grad is not None and not p.grad.any()
        ),
        "It adds the gradient up: where its entries cancel, as 5, −5 and 0 do, the sum is 0 and the parameter is "
        "trained.": named(lambda p: p.grad is None or p.grad.sum() == 0),
        "It asks whether any entry is zero: of a unit that is silent some are, and the parameter is trained all the "
        "same.": named(lambda p: p.grad is None or (p.grad == 0).any()),
        "It reports parameters that are trained as they should be, and not the others: the test is turned round.": named(
            lambda p: p.grad is not None and p.grad.any()
        ),
        "It reports all parameters, whether trained or not.": named(lambda p: True),
        "Names of earlier calls are still in its list: it is made once, outside of the call (a default argument, a global).": (
            _remembering()
        ),
        "It reports nothing, whatever happened.": named(lambda p: False),
        "It looks at `requires_grad`, which says what may get a gradient, not what got one.": named(
            lambda p: not p.requires_grad
        ),
    }
    if not probes.is_function(answer):
        return
    kinds = {
        "trained": "a generator that is trained",
        "nothing came": "one that no gradient reached",
        "trunk cut": "one whose trunk is cut off",
        "all zero": "one whose gradients are all zero",
        "dead unit": "one with a silent unit",
        "cancelling": "one whose gradients cancel",
    }
    probes.function(
        partial(_times_named, answer),
        partial(_times_named, named(lambda p: p.grad is None or not p.grad.any())),
        [partial(_after_backward, kind) for kind in kinds],
        probes.through(_times_named, mistakes),
        "Call it after the first backward of every new training: it would have caught both mistakes.",
        "It must name exactly those parameters whose .grad is None or all zeros. Test for None before you look into .grad.",
        learns=False,
        words=[_(said) for said in kinds.values()],
    )


def _times_named(guard, generator):
    """How often each parameter is named, and how often something that is none."""
    names = list(guard(generator))
    every = [name for name, _p in generator.named_parameters()]
    return torch.tensor([float(names.count(name)) for name in every] + [float(sum(n not in every for n in names))])


def _remembering():
    """A guard that is right at its first call, and goes on with the same list at the next."""
    kept: list[str] = []

    def guard(generator):
        kept.extend(name for name, p in generator.named_parameters() if p.grad is None or not p.grad.any())
        return kept

    return guard


def fresh_weights(answer) -> None:
    def case(seed, hidden):
        # Without a trunk autograd cannot notice that φ changed under a graph that is used again.
        random = torch.Generator().manual_seed(seed)
        main = MainNetwork.mlp([1, 8, 1])
        learner = Hypernetwork(main, MLPGenerator(2, main, hidden=hidden, rng=random))
        return learner, Sinusoids().train.sample(7 + seed, 3, 9, random)

    def right(learner, tasks):
        return lambda: outer_loss(learner, tasks).mean()

    def stale(learner, tasks):
        theta = learner(tasks.descriptor, tasks.support)
        return lambda: learner.main.loss(theta, tasks.query).mean()

    def of_a_copy(learner, tasks):
        twin = copy.deepcopy(learner)
        return lambda: outer_loss(twin, tasks).mean()

    def cut(learner, tasks):
        def loss():
            theta = learner(tasks.descriptor, tasks.support).detach().requires_grad_()
            return learner.main.loss(theta, tasks.query).mean()

        return loss

    def on_support(learner, tasks):
        return lambda: learner.main.loss(learner(tasks.descriptor, tasks.support), tasks.support).mean()

    def summed(learner, tasks):
        return lambda: outer_loss(learner, tasks).sum()

    def head_alone(learner, tasks):
        h = learner.generator.hidden(tasks.descriptor)
        return lambda: learner.main.loss(learner.generator.head(h), tasks.query).mean()

    mistakes = {
        "The loss is the same at every step: φ changes, but θ was written once, before the loop. Every gradient is that "
        "of the first step.": stale,
        "θ is written anew, but by a copy of the learner that no optimizer changes: the loss stays the same.": of_a_copy,
        "The loss follows φ, but no gradient reaches it: is θ made a leaf of its own (nn.Parameter, .detach(), .data)?": cut,
        "It is judged on the support set; equation (1) has the query set.": on_support,
        "It is the sum over the tasks; equation (1) has their mean.": summed,
        "Only the head is run anew: what the trunk gave is kept from before the loop, though φ has changed there "
        "too.": head_alone,
    }
    if not probes.is_function(answer):
        return
    probes.function(
        partial(_trained, answer),
        partial(_trained, right),
        [partial(case, 0, ()), partial(case, 1, (5,))],
        probes.through(_trained, mistakes),
        "θ is a result, not a store: write it anew whenever φ has changed.",
        "The losses or their gradients differ from those of equation (1), at the first step or at a later one.",
        learns=False,
        mutates=True,
    )


def _trained(make_loss, learner, tasks):
    """What the losses are, and the gradients of φ, over four steps."""
    optimizer, seen = torch.optim.SGD(learner.parameters(), lr=1e-3), []
    loss = make_loss(learner, tasks)
    if not callable(loss):
        raise probes.Said(
            _("It must return a function of nothing, as `stale` does, and not a {kind}.", kind=type(loss).__name__)
        )
    for _step in range(4):
        value = loss()
        optimizer.zero_grad()
        value.backward(retain_graph=True)
        optimizer.step()
        seen.append(value.detach())
        seen += [torch.zeros_like(p) if p.grad is None else p.grad.clone() for p in learner.parameters()]
    with torch.no_grad():  # φ is moved from outside: does the next loss know of it?
        learner.generator.head.bias.add_(0.1)
    return [*seen, loss().detach()]


@dataclass(frozen=True)
class Start:
    """A generator that was started as `nn.Linear` starts, and the units of the descriptors that it will meet."""

    sizes: Sequence[int]
    activation: str
    hidden: Sequence[int]
    d_tau: int
    center: float
    spread: float

    def __str__(self) -> str:
        return _(
            "a main network {sizes} and τ of {d} numbers, with mean {center:g} and spread {spread:g}",
            sizes=list(self.sizes),
            d=self.d_tau,
            center=self.center,
            spread=self.spread,
        )

    def generator(self) -> MLPGenerator:
        random, main = torch.Generator().manual_seed(sum(self.sizes)), MainNetwork.mlp(self.sizes, self.activation)
        return MLPGenerator(self.d_tau, main, self.hidden, init="default", rng=random)

    def descriptors(self, seed: int, n: int = 400) -> Tensor:
        """(n, d_tau)"""
        return self.center + self.spread * torch.randn(n, self.d_tau, generator=torch.Generator().manual_seed(seed))


STARTS = (
    Start((1, 40, 40, 1), "relu", (64, 64), 2, 0.0, 1.0),
    Start((3, 20, 20, 20, 2), "tanh", (40, 40), 4, 60.0, 30.0),  # a percentage
    Start((2, 30, 30, 1), "relu", (32, 48), 3, 0.0, 0.3),
)
NARROW, WIDE, MOVED = 0.5, 2.0, 0.05


def own_start(answer) -> None:
    demands = [partial(_on_every_start, demand) for demand in (_is_a_generator, _is_sized, _learns, _leaves_the_seed)]
    probes.made(answer, demands, _why_it_is_good)


def _on_every_start(demand, answer) -> str:
    said = _("A function is asked for, this is {kind}: it will be called on other generators too.", kind=type(answer).__name__)
    return next(filter(None, (demand(answer, start) for start in STARTS)), "") if callable(answer) else said


def _started(answer, start: Start) -> nn.Module:
    try:
        return answer(start.generator(), start.descriptors(0))
    except RuntimeError as error:
        if "leaf Variable" not in str(error):
            raise
        raise probes.Said(_("It changes numbers of a parameter in place, which PyTorch allows only under no_grad.")) from error


def _is_a_generator(answer, start: Start) -> str:
    given, f = start.generator(), _started(answer, start)
    said = writing.faulty(f, start.descriptors(1), given.main, start)
    if said:
        return said
    found = [p.detach() for p in f.parameters()]
    kept = [
        p for name, p in given.trunk.named_parameters() if not name.startswith("0.")
    ]  # the first may turn units into others
    if not all(any(p.shape == q.shape and torch.equal(p, q) for q in found) for p in kept):
        return _(
            "The trunk that it was given is not among the `parameters()` of what it gives back, or has other numbers: keep it, "
            "and start what follows."
        )
    return ""


def _is_sized(answer, start: Start) -> str:
    sizes = writing.sizes(_started(answer, start)(start.descriptors(1)), start.generator().main)
    said = writing.missized(sizes, NARROW, WIDE, start)
    stiff = min((size for size in sizes if size.of_a_matrix), key=lambda s: s.moved)
    if said or stiff.moved >= MOVED:
        return said
    return _(
        "The sizes are right, but for {start} τ moves the weights of {name} by only {n:.1%} of the spread that is wanted: "
        "all tasks begin with nearly the same layer.",
        start=start,
        name=stiff.name,
        n=stiff.moved,
    )


def _learns(answer, start: Start) -> str:
    return writing.unlearned(_started(answer, start), start.descriptors(1))


def _leaves_the_seed(answer, start: Start) -> str:
    return writing.reseeds(lambda: _started(answer, start)(start.descriptors(1)))


def _why_it_is_good(answer) -> str:
    sizes, y = [], []
    for start in STARTS:
        main = start.generator().main
        theta = _started(answer, start)(start.descriptors(1))
        sizes += [size for size in writing.sizes(theta, main) if size.of_a_matrix]
        x = torch.randn(50, start.sizes[0], generator=torch.Generator().manual_seed(0))
        networks = theta, main.initial_weights(len(theta))
        y.append([main(t, x).square().mean((1, 2)).sqrt().median().item() for t in networks])
    return _(
        "In {n} generators every matrix begins {low:.2f} to {high:.2f} times as large as its layer wants, τ moves it by "
        "{moved:.0%} of that or more, and all learn. Size of y: {y}; of networks that are started directly: {wanted}.",
        n=len(STARTS),
        low=min(s.spread for s in sizes),
        high=max(s.spread for s in sizes),
        moved=min(s.moved for s in sizes),
        y=", ".join(f"{one:.1f}" for one, _wanted in y),
        wanted=", ".join(f"{wanted:.1f}" for _one, wanted in y),
    )
