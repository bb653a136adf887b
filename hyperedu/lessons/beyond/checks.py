"""The checks of this lesson's exercises."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from hyperedu.batches import Examples
from hyperedu.lessons import feedback, probes, variants
from hyperedu.lessons.variants import plain
from hyperedu.main_network import MainNetwork
from hyperedu.words import _


@dataclass(frozen=True)
class Round(variants.Solved):
    """Two clients with τ₁ and τ₂ and the losses ½ (θ₁ − a)² and ½ θ₂², equal shares, one step of rate α each; φ is 1."""

    tau_1: float = 1.0
    tau_2: float = 2.0
    a: float = 3.0
    alpha: float = 0.1

    choices = {
        "tau_1": (1.0, 2.0, 3.0),
        "tau_2": (2.0, 3.0, 4.0, 5.0, 6.0),
        "a": (2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0),
        "alpha": (0.02, 0.04, 0.05, 0.1, 0.2),
    }

    def __str__(self) -> str:
        tau_1, tau_2, a, alpha = map(plain, (self.tau_1, self.tau_2, self.a, self.alpha))
        return f"τ₁ = {tau_1}, τ₂ = {tau_2}, ½ (θ₁ − {a})², ½ θ₂², α = {alpha}"

    def pulls(self, phi: float = 1.0) -> tuple[float, float]:
        """By how much each client moves φ, by half of which it does."""
        return -self.alpha * self.tau_1 * (phi * self.tau_1 - self.a), -self.alpha * self.tau_2 * phi * self.tau_2

    @property
    def right(self) -> float:
        return 1 + sum(self.pulls()) / 2

    @property
    def is_short(self) -> bool:
        return self.a > self.tau_1 < self.tau_2 and self.right > 0.1 and round(self.right, 3) == round(self.right, 9)

    def mistakes(self) -> Mapping[str, Any]:
        change, (first, second) = self.right - 1, self.pulls()
        after_first, after_second = 1 + first / 2, 1 + second / 2
        without = 1 + (first / self.tau_1 + second / self.tau_2) / 2
        tau = {"tau_1": plain(self.tau_1), "tau_2": plain(self.tau_2)}
        left_out = (
            _("The two changes cancel only if ∂θ/∂φ is left out: it is τ, {tau_1} and {tau_2}.", **tau)
            if without == 1
            else _("∂θ/∂φ is left out: it is τ, {tau_1} and {tau_2}.", **tau)
        )
        return {
            "That is away from what the clients ask for: Δθ already points downhill, so φ goes along it.": 1 - change,
            "The shares are ½ each: that is the sum over clients, not their mean.": 1 + 2 * change,
            left_out: without,
            _("The step of a client is α times the gradient, with α = {alpha}.", alpha=plain(self.alpha)): (
                1 + change / self.alpha
            ),
            "That is the change of φ; asked is φ after it.": change,
            "One after the other: both clients are written by the same φ, which then moves once.": (
                after_first + self.pulls(after_first)[1] / 2,
                after_second + self.pulls(after_second)[0] / 2,
            ),
        }


@variants.keyed(Round)
def one_round(answer, one: Round) -> None:
    up, down = one.pulls()
    feedback.number(
        answer,
        one.right,
        _(
            "The first client pulls φ up by {up}, the second, whose θ moves {times:.3g} times as much with φ, down by {down}.",
            up=plain(up / 2),
            times=one.tau_2 / one.tau_1,
            down=plain(-down / 2),
        ),
        one.told(),
        _(
            "φ + ½ · {tau_1} · Δθ₁ + ½ · {tau_2} · Δθ₂, where Δθ = −α (dL/dθ).",
            tau_1=plain(one.tau_1),
            tau_2=plain(one.tau_2),
        ),
    )


def adapted(answer) -> None:
    def layer(x, W_0, b, B, A, frozen=1.0, change=lambda B: 1.0, bias=1.0, keep=lambda y: y):
        return frozen * keep(x @ W_0.T) + change(B) * ((x @ A.T) @ B.T) + bias * b

    def as_columns(x, W_0, b, B, A):
        return (W_0 @ x.T + B @ (A @ x.T)).T + b

    def case(seed, *lead, m=4, n=5, r=2):
        rng = torch.Generator().manual_seed(seed)
        shapes = ((*lead, n), (m, n), (m,), (m, r), (r, n))
        return tuple(torch.randn(shape, generator=rng).requires_grad_() for shape in shapes)

    def large() -> str:
        if _makes_a_large_matrix(answer):
            return _("The values are right, but a matrix as large as W₀ is made on the way: apply A first, then B.")
        return ""

    mistakes = {
        "The bias b is missing.": partial(layer, bias=0.0),
        "That is the frozen layer: B A x is missing.": partial(layer, change=lambda B: 0.0),
        "That is the change alone: the frozen W₀ x is missing.": partial(layer, frozen=0.0),
        "The change is subtracted: W is W₀ + B A.": partial(layer, change=lambda B: -1.0),
        "The change is divided by the rank, as some systems do; (3) does not.": partial(
            layer, change=lambda B: 1 / B.shape[-1]
        ),
        "The inputs are turned as a whole (.T), which is right for a matrix of inputs only: x may have more dimensions, "
        "or one.": (as_columns),
        "The values are right, but W₀ x is cut from the graph: frozen weights get no step, and still pass a gradient on "
        "to x.": (partial(layer, keep=torch.Tensor.detach)),
    }
    probes.function(
        answer,
        layer,
        [partial(case, 0, 7), partial(case, 1, 2, 3, m=3, n=6, r=1), partial(case, 2, m=5, n=5, r=3)],
        mistakes,
        "r (m + n) numbers instead of m n, and nothing larger on the way.",
        "It has the right shape and other values than (W₀ + B A) x + b.",
        names=("x", "W₀", "b", "B", "A"),
        more=large,
    )


def _makes_a_large_matrix(answer) -> bool:
    """Whether it makes a matrix of m × n or n × m beside W₀, which is none of a few inputs'."""
    m, n, r = 61, 53, 2

    class Watched(torch.Tensor):
        made = False

        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            result = super().__torch_function__(func, types, args, kwargs or {})
            products = (torch.matmul, torch.Tensor.matmul, torch.Tensor.__matmul__, torch.mm, torch.einsum, torch.Tensor.add)
            if func in (*products, torch.add, torch.Tensor.__add__) and isinstance(result, torch.Tensor):
                Watched.made |= set(result.shape) == {m, n}
            return result

    tensors = (torch.randn(shape).as_subclass(Watched) for shape in ((3, n), (m, n), (m,), (m, r), (r, n)))
    answer(*tensors)
    return Watched.made


def server(answer) -> None:
    def right(f, tau, ask, send=lambda theta: theta.detach(), by=lambda theta: -1 / len(theta)):
        theta = f(tau)
        delta = ask(send(theta)).detach()
        theta.backward(by(theta) * delta)

    def steps_itself(f, tau, ask):
        right(f, tau, ask)
        with torch.no_grad():
            for p in f.parameters():
                p -= p.grad

    def surrogate(f, tau, ask, send=lambda theta: theta):
        theta = f(tau)
        (-(theta * ask(send(theta))).sum() / len(tau)).backward()

    def of_the_size(f, tau, ask):
        theta = f(tau)
        (ask(theta).square().sum(-1).mean() / 2).backward()

    def case(seed, n, P):
        rng = torch.Generator().manual_seed(seed)
        f = torch.nn.Sequential(torch.nn.Linear(2, 5), torch.nn.Tanh(), torch.nn.Linear(5, P))
        with torch.no_grad():
            for p in f.parameters():
                p.copy_(torch.randn(p.shape, generator=rng))
        return f, torch.randn(n, 2, generator=rng), torch.randn(n, P, generator=rng)

    mistakes = {
        "The sign: the optimizer steps against .grad, and φ must go along Δθ.": partial(right, by=lambda theta: 1 / len(theta)),
        "That is the sum over the clients: each counts 1/n.": partial(right, by=lambda theta: -1.0),
        "A mean over the weights as well: only the clients are averaged.": (
            partial(right, by=lambda theta: -1 / theta.numel()),
            partial(right, by=lambda theta: -1 / theta.numel(), send=lambda theta: theta),
        ),
        "The gradient is right, but θ went out with its graph, and φ in it: send θ.detach().": partial(
            right, send=lambda theta: theta
        ),
        "What the clients answered is differentiated too, and θ went out with its graph: Δθ is a number that came from "
        "outside.": (surrogate),
        "It makes Δθ small, as a loss of your own; (1) moves φ so that θ goes along Δθ.": of_the_size,
        "It carries the step out itself: only the .grad is asked for, the optimizer does the step.": steps_itself,
    }
    if not probes.is_function(answer):
        return
    probes.function(
        partial(_graded, answer),
        partial(_graded, right),
        [partial(case, 0, 4, 3), partial(case, 1, 2, 6)],
        probes.through(_graded, mistakes),
        "What the server needs of a client is Δθ; the chain rule does the rest.",
        "The gradient is not −(∂θ/∂φ)ᵀ Δθ / n. A loss of your own on Δθ gives another one.",
        names=("f", "τ", "wanted"),
        learns=False,
        mutates=True,
    )


def _graded(server, f, tau, wanted):
    """What .grad the parameters have after a round, how the clients were asked, and whether f is still what it was."""
    heard, before = [], [p.detach().clone() for p in f.parameters()]

    def ask(theta):
        heard.append(theta)
        return 0.1 * (wanted - theta)  # with the graph of what was sent, if it was sent

    server(f, tau, ask)
    if not heard:
        raise probes.Said(_("No client was asked: call ask(θ)."))
    if any(p.grad is None for p in f.parameters()):
        raise probes.Said(
            _(
                "A parameter of f has no .grad afterwards: call backward on the θ that f wrote, and leave the step to "
                "the optimizer."
            )
        )
    moved = any(not torch.equal(p, old) for p, old in zip(f.parameters(), before, strict=True))
    private = [float(theta.requires_grad) for theta in heard[:1]]
    return [p.grad for p in f.parameters()] + [torch.tensor([*private, float(moved), float(len(heard))])]


ASKS, FEWER = 100, 5  # how often a client may be asked; by which factor its loss must fall below what the others' τ give
NEWCOMERS = ((61, 2, 4), (64, 2, 4), (5, 3, 6), (25, 3, 5), (63, 4, 6))  # seed, k, n
READINGS, RATE = 8, 0.1  # of a client that joins, and of its step


def newcomer(seed: int = 4, k: int = 2, n: int = 5) -> tuple[torch.nn.Module, Tensor, Callable]:
    """A client that joins, and nobody knows its descriptor.

    Returns:
        f: a generator, τ (…, k) → θ (…, P).
        tau: (n, k) descriptors of the clients that are there.
        ask: θ (P,) without a graph → the newcomer's loss at θ, a number, and its Δθ (P,) of one step.
    """
    rng, main = torch.Generator().manual_seed(seed), MainNetwork.mlp([1, 5, 1], "tanh")
    f = torch.nn.Sequential(torch.nn.Linear(k, 16), torch.nn.Tanh(), torch.nn.Linear(16, main.weight_dim))
    with torch.no_grad():
        for p in f.parameters():
            p.copy_(torch.randn(p.shape, generator=rng) / (p.shape[-1] if p.dim() > 1 else 1) ** 0.5)
        for p, factor in ((f[0].weight, 0.5), (f[0].bias, 0.5), (f[2].weight, 2.0)):  # so that f bends, and not too much
            p *= factor
        tau, own = torch.randn(n, k, generator=rng), torch.randn(k, generator=rng)
        x = 4 * torch.rand(READINGS, 1, generator=rng) - 2
        readings = Examples(x, main(f(own), x))

    @torch.inference_mode(False)
    @torch.enable_grad()
    def ask(theta: Any) -> tuple[float, Tensor]:
        if isinstance(theta, Tensor) and theta.requires_grad:
            raise probes.Said(_("A θ goes to the client with its graph, and φ in it: send plain numbers, θ.detach()."))
        numbers = theta.detach().tolist() if isinstance(theta, Tensor) else theta
        sent = torch.tensor(np.array(numbers, dtype=np.float32)).flatten()
        if len(sent) != main.weight_dim:
            P = main.weight_dim
            raise probes.Said(_("The client is sent {n} numbers: it takes one θ of {P}, which f writes.", n=len(sent), P=P))
        loss = main.loss(sent.requires_grad_(), readings)
        return loss.item(), -RATE * torch.autograd.grad(loss, sent)[0]

    return f, tau, ask


@dataclass(frozen=True)
class Placed:
    """What became of one client that joined.

    Attributes:
        tau: what it was given, flat.
        k, P: how many numbers τ and θ have.
        moved: whether φ or the others' descriptors are another now.
        heard: the losses that it told, one after the other.
        others: its loss with each of the others' descriptors, and with the mean of these.
        loss: with what it was given; None if that is no descriptor.
    """

    tau: np.ndarray
    k: int
    P: int
    moved: bool
    heard: list[float]
    others: list[float]
    loss: float | None

    @property
    def wanted(self) -> float:
        return min(self.others) / FEWER


def _placed(answer: Callable, seed: int, k: int, n: int) -> Placed:
    f, tau, ask = newcomer(seed, k, n)
    own = [*f.parameters(), tau]
    before, heard = [v.detach().clone() for v in own], []

    def counted(theta):
        if len(heard) == ASKS:
            raise probes.Said(_("It asks the client more than {n} times.", n=ASKS))
        told = ask(theta)
        heard.append(told[0])
        return told

    others = [ask(f(one).detach())[0] for one in (*tau, tau.mean(0))]
    found = _numbers(answer(f, tau, counted))
    moved = any(v.dtype != old.dtype or not torch.equal(v, old) for v, old in zip(own, before, strict=True))
    is_tau = found.size == k and np.isfinite(found).all() and not moved
    loss = ask(f(torch.tensor(found, dtype=torch.float32)).detach())[0] if is_tau else None
    return Placed(found, k, before[-2].numel(), moved, heard, others, loss)


def _numbers(found: Any) -> np.ndarray:
    """What an answer gave as one row of numbers; `Said` if it is none."""
    if found is None:
        raise probes.Said(_("It gives back nothing: is a `return` missing?"))

    def plain(v):
        return v.detach().cpu() if isinstance(v, Tensor) else v

    try:
        return np.array([plain(v) for v in found] if isinstance(found, list | tuple) else plain(found), np.float64).ravel()
    except (TypeError, ValueError):
        kind = type(found).__name__
        raise probes.Said(_("It gives back a {kind}; the k numbers of one τ are asked for.", kind=kind)) from None


def placed(answer) -> None:
    if not probes.is_function(answer):
        return
    tries: list[Placed] = []

    def tried(answer) -> str:
        tries[:] = [_placed(answer, *one) for one in NEWCOMERS]
        return ""

    def because(_answer) -> str:
        return _(
            "Of {n} clients each has at most {share:.2g} of the loss that the best of the others' descriptors gives, after "
            "{asks} asks at most: only k numbers are sought, and φ stays as it is for all.",
            n=len(tries),
            share=max(one.loss / min(one.others) for one in tries),
            asks=max(len(one.heard) for one in tries),
        )

    demands = (_a_descriptor, _nothing_else, _asked, _its_own, _downhill, _the_best, _low)
    probes.made(answer, [tried, *(lambda _answer, demand=demand: demand(tries) for demand in demands)], because)


def _a_descriptor(tries: Sequence[Placed]) -> str:
    for one in tries:
        if one.tau.size == one.P:
            return _("It gives back {P} numbers, which is a θ; asked is a τ, of {k}, from which f writes it.", P=one.P, k=one.k)
        if one.tau.size != one.k:
            return _("It gives back {n} numbers; a τ has {k} here.", n=one.tau.size, k=one.k)
        if not np.isfinite(one.tau).all():
            return _("It gives back what is no finite number: steps that are too large end there.")
    return ""


def _nothing_else(tries: Sequence[Placed]) -> str:
    if any(one.moved for one in tries):
        return _("`f` or `tau` is another afterwards: the clients that are there would get other weights. Move a copy of a τ.")
    return ""


def _asked(tries: Sequence[Placed]) -> str:
    if any(not one.heard for one in tries):
        return _("The client is not asked: what is known of the others does not say where it belongs.")
    return ""


def _its_own(tries: Sequence[Placed]) -> str:
    if all(one.loss in one.others for one in tries):
        return _("It gives one of the others' τ, or their mean: look for a place of its own, from there on.")
    return ""


def _downhill(tries: Sequence[Placed]) -> str:
    if all(one.loss > one.heard[0] and one.loss > 0.9 * max(one.heard) for one in tries):
        one = tries[0]
        return _(
            "The loss rises, from {first:.2g} at the first ask to {last:.2g} with what it gives. Δθ points downhill already: "
            "is a sign turned, or the step far too large?",
            first=one.heard[0],
            last=one.loss,
        )
    return ""


def _the_best(tries: Sequence[Placed]) -> str:
    for one in tries:
        if min(one.heard) <= one.wanted < one.loss:
            return _(
                "A client told a loss of {best:.2g} on the way, and is given a τ with {loss:.2g}: keep the best, or take "
                "smaller steps.",
                best=min(one.heard),
                loss=one.loss,
            )
    return ""


def _low(tries: Sequence[Placed]) -> str:
    short = [one for one in tries if one.loss > one.wanted]
    if not short:
        return ""
    one = max(short, key=lambda one: one.loss / one.wanted)
    asks = len(one.heard)
    more = (
        _("It asked {n} of {most} times: there is room to go on.", n=asks, most=ASKS)
        if asks < 0.8 * ASKS
        else _("It asked {n} times: are the steps too small or too large, or most places far from the best so far?", n=asks)
    )
    return _(
        "Of {all} clients {n} still lose too much, one {loss:.2g}: the best of the others' τ gives it {known:.2g}, and it must "
        "be below {wanted:.2g}. {more}",
        n=len(short),
        all=len(tries),
        loss=one.loss,
        known=min(one.others),
        wanted=one.wanted,
        more=more,
    )
