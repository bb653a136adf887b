"""The checks of this lesson's exercises."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial

import torch
from torch import Tensor

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


# Of exercise 4: θ' from (∇L, θ₀), with so many gradients, where L has curvatures between these two.
Update = Callable[[Callable[[Tensor], Tensor], Tensor], Tensor]
GRADIENTS, FLAT, STEEP = 8, 1.0, 20.0


@dataclass(frozen=True)
class Quadratic:
    """L(θ) = ½ (θ − c)ᵀ H (θ − c) with H = Q diag(h) Qᵀ, and L'(θ) = ½ |θ − c|²; h, c, θ₀ (P,), Q (P, P)."""

    h: Tensor
    Q: Tensor
    c: Tensor
    theta_0: Tensor

    def along(self, theta: Tensor) -> Tensor:
        """How far θ is from c along each of Q's directions."""
        return self.Q.T @ (theta - self.c)

    def plain(self, rate: float | Tensor) -> Tensor:
        """What eight plain steps leave of a distance along each direction, and of a change of the start."""
        return (1 - rate * self.h) ** GRADIENTS


@cache
def _quadratics(P: int, n: int = 40) -> tuple[Quadratic, ...]:
    random = torch.Generator().manual_seed(P)

    def normal(*shape: int) -> Tensor:
        return torch.randn(shape, generator=random, dtype=torch.float64)

    def one() -> Quadratic:
        spread = torch.rand(P, generator=random, dtype=torch.float64)
        spread[0], spread[1] = 0, 1  # the flattest and the steepest are always there
        return Quadratic(FLAT * (STEEP / FLAT) ** spread, torch.linalg.qr(normal(P, P))[0], normal(P), normal(P))

    return tuple(one() for _ in range(n))


@cache
def _best_plain(P: int) -> tuple[float, float]:
    """The rate with which eight plain steps leave the least mean query loss, and that loss."""
    losses = {
        k / 1000: sum((one.plain(k / 1000) * one.along(one.theta_0)).square().sum().item() / 2 for one in _quadratics(P))
        / len(_quadratics(P))
        for k in range(60, 111)
    }
    best = min(losses, key=losses.get)
    return best, losses[best]


class _Gradient:
    """∇L, which counts how often it is called."""

    def __init__(self, one: Quadratic):
        self.one, self.calls = one, 0

    def __call__(self, theta: Tensor) -> Tensor:
        if not isinstance(theta, Tensor) or theta.shape != self.one.c.shape:
            said = f"{tuple(theta.shape)}" if isinstance(theta, Tensor) else type(theta).__name__
            raise probes.Said(_("gradient was called with {said}: it takes one tensor θ of the shape of θ₀.", said=said))
        self.calls += 1
        if self.calls > GRADIENTS:
            raise probes.Said(_("It calls gradient more than {most} times.", most=GRADIENTS))
        Q, h, c = (part.to(theta.dtype) for part in (self.one.Q, self.one.h, self.one.c))
        return Q @ (h * (Q.T @ (theta - c)))


def _end(update: Update, one: Quadratic, theta_0: Tensor | None = None) -> tuple[Tensor, Tensor, int]:
    """θ', the start that it came from, and how often the gradient was called."""
    gradient, theta_0 = _Gradient(one), (one.theta_0 if theta_0 is None else theta_0).clone().requires_grad_()
    before = theta_0.detach().clone()
    end = update(gradient, theta_0)
    if end is None:
        raise probes.Said(_("It gives back nothing: is a `return` missing?"))
    if not isinstance(end, Tensor):
        raise probes.Said(_("It gives back a {kind}; θ' is a tensor, so that a gradient can pass.", kind=type(end).__name__))
    if end.shape != one.c.shape:
        raise probes.Said(_("θ' has the shape {shape}, θ₀ has {wanted}.", shape=tuple(end.shape), wanted=tuple(one.c.shape)))
    if gradient.calls > GRADIENTS:
        raise probes.Said(_("It calls gradient more than {most} times.", most=GRADIENTS))
    if not torch.equal(before, theta_0):
        raise probes.Said(_("It changes θ₀ in place: the next task would begin elsewhere."))
    return end, theta_0, gradient.calls


def _asks(update: Update) -> str:
    if not callable(update):
        return _(
            "A function is asked for, this is {kind}: it will be called with tasks that you do not know.",
            kind=type(update).__name__,
        )
    one = _quadratics(9)[0]
    (end, theta_0, calls), (again, *_rest) = _end(update, one), _end(update, one)
    if not calls:
        return _("It never calls gradient, and so it learns nothing of the task.")
    if torch.equal(end, theta_0):
        return _("It gives θ₀ back as it was: no step is taken, or none is kept.")
    if not probes.close(end.nan_to_num(), again.nan_to_num()):
        return _("Called again from the same start it ends elsewhere: it draws at random, or keeps something between calls.")
    return ""


def _teaches_the_start(update: Update) -> str:
    """Whether the gradient with respect to θ₀ is that of what the update does, by finite differences."""
    for one in (_quadratics(9)[0], _quadratics(14)[0]):
        end, theta_0, _calls = _end(update, one)
        if not end.isfinite().all():
            return ""  # of which another demand speaks
        weights = torch.linspace(-1, 1, len(theta_0), dtype=torch.float64)  # of the entries of θ', in a sum
        found = torch.autograd.grad(weights.to(end.dtype) @ end, theta_0, allow_unused=True)[0] if end.requires_grad else None
        if found is None:
            return _(
                "No gradient reaches θ₀, so that no start could be trained: θ₀ is not used, or .detach(), .data, .item(), "
                "no_grad or a new tensor or parameter cuts the graph."
            )
        # Long moves are for answers in single precision, short ones for those that bend.
        right = [_by_differences(update, one, weights, length) for length in (1e-1, 1e-3, 1e-5)]
        if any((found - by).norm() <= 0.03 * max(by.norm().item(), 0.02 * weights.norm().item()) for by in right):
            continue
        if probes.close(found, weights):
            return _(
                "That is first order: autograd takes the way from θ₀ to θ' for a fixed shift, though the gradients change "
                "with θ₀. What detaches them?"
            )
        return _(
            "The gradient that reaches θ₀ is not that of what the update does: for a sum over θ' it is {found:.3g} long, by "
            "finite differences {right:.3g}. Is a rate or an earlier step cut off from the graph, or divided by nearly 0?",
            found=found.norm(),
            right=right[1].norm(),
        )
    return ""


def _by_differences(update: Update, one: Quadratic, weights: Tensor, length: float) -> Tensor:
    """The gradient of weights · θ' with respect to θ₀."""
    moves = length * torch.eye(len(weights), dtype=torch.float64)
    ends = [[_end(update, one, one.theta_0 + sign * move)[0].detach().double() for sign in (1, -1)] for move in moves]
    return torch.stack([weights @ (up - down) / (2 * length) for up, down in ends])


def _left(update: Update, P: int) -> Tensor:
    """What is left of the distance from c along each direction of each task (tasks, P)."""
    return torch.stack([one.along(_end(update, one)[0].detach().double()) for one in _quadratics(P)])


def _mean_loss(distances: Tensor) -> float:
    return distances.square().sum(dim=1).mean().item() / 2


def _share(update: Update) -> float:
    """Its mean query loss, by that of plain steps of the best rate; the larger one of two kinds of tasks."""
    shares = [_mean_loss(_left(update, P)) / _best_plain(P)[1] for P in (9, 14)]
    return max(shares) if all(map(math.isfinite, shares)) else math.nan


def _gets_further(update: Update) -> str:
    share = _share(update)
    if share <= 0.5:
        return ""
    if not math.isfinite(share):
        return _("On some tasks θ' is nan or inf: a division by zero, or a distance that grows at every step?")
    tasks, left, best = _quadratics(14), _left(update, 14), _best_plain(14)[0]
    begun = torch.stack([one.along(one.theta_0) for one in tasks])
    rate = (1 - (left[0, 0] / begun[0, 0]).abs() ** (1 / GRADIENTS)).item()  # of the flattest direction, where h = 1
    if probes.close(left[0], tasks[0].plain(rate) * begun[0]):
        return _(
            "These are {most} plain steps of rate {rate:.3g}, with {share:.2f} times the query loss of those of rate "
            "{best:.3g}. No single rate suits both steep and flat directions.",
            most=GRADIENTS,
            rate=rate,
            share=share,
            best=best,
        )
    if _mean_loss(left) > _mean_loss(begun):
        return _(
            "It diverges: the mean query loss is {left:.3g}, at the start it was {begun:.3g}. Along the steepest direction a "
            "plain step longer than 2/{steep:g} leads higher: are some steps too long, or remembered too long?",
            left=_mean_loss(left),
            begun=_mean_loss(begun),
            steep=STEEP,
        )
    return _where_it_is_left(update, share, tasks, left, begun)


def _where_it_is_left(update: Update, share: float, tasks: tuple[Quadratic, ...], left: Tensor, begun: Tensor) -> str:
    middle = math.sqrt(FLAT * STEEP)
    flat = torch.stack([one.h < middle for one in tasks])
    part = (left.square() * flat).sum() / left.square().sum()
    most = flat if part > 0.5 else ~flat
    return _(
        "Its query loss is {share:.2f} of that of plain steps, and 0.5 is asked; it calls gradient {calls} times. {part:.0%} "
        "of what is left lies along directions of curvature {side} {middle:.1f}, where it {does}, on the whole.",
        share=share,
        calls=_end(update, tasks[0])[2],
        part=max(part, 1 - part),
        side=_("below") if part > 0.5 else _("above"),
        middle=middle,
        does=_("stops short of c") if (left * begun * most).sum() > 0 else _("ends beyond c"),
    )


def own_update(answer) -> None:
    def because(update: Update) -> str:
        one = _quadratics(9)[0]
        changes = torch.autograd.functional.jacobian(partial(update, _Gradient(one)), one.theta_0.clone())
        kept, plain = ((part.norm() / math.sqrt(len(one.c))).item() for part in (changes, one.plain(_best_plain(9)[0])))
        said = _(
            "Its query loss is {share:.2f} of that of plain steps. Of a change of the start {kept:.1%} is left at the end, "
            "with plain steps {plain:.1%}.",
            share=_share(update),
            kept=kept,
            plain=plain,
        )
        less = _("It ends near c from nearly anywhere: the start matters less.")
        return f"{said} {less}" if kept < plain / 2 else said

    probes.made(answer, [_asks, _teaches_the_start, _gets_further], because)
