"""What an answer does on inputs that differ in what matters, and the misconceptions that this shows.

A function is tried on several cases. Each is made anew for every call, so that nothing an answer does to its arguments
reaches the reference; what comes back is compared in its values, then in its gradients, then by calling again. A misconception
is known by what an answer that is built on it does: either by a function that makes the same mistake (those of one exercise),
or by a relation between what was found and what is right that holds in every case (`MISCONCEPTIONS`, which all checks share).
What a check says is therefore true of the answer: it names what was seen.
"""

import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from hyperedu.lessons import feedback
from hyperedu.words import _

# Makes the arguments of one call anew: the same numbers each time, and nothing shared.
Case = Callable[[], tuple]
# What is said → a function that makes this mistake, or several of them.
Mistakes = Mapping[str, Callable | Sequence[Callable]]
RTOL, ATOL = 1e-4, 1e-5


class Said(Exception):
    """What is wrong with an answer, where a check sees it while it calls it."""


@dataclass(frozen=True)
class Outcome:
    """What one call did.

    Attributes:
        values: what it gave, flat, in float64.
        gradients: of one fixed combination of the values, by the name of what it is taken of; None where none arrives.
        changed: arguments that are no longer what they were.
        error: what it raised instead.
    """

    values: tuple[Tensor, ...] = ()
    gradients: Mapping[str, Tensor | None] | None = None
    changed: tuple[str, ...] = ()
    error: Exception | None = None

    @property
    def linked(self) -> bool:
        return any(gradient is not None for gradient in (self.gradients or {}).values())

    def gives(self, other: "Outcome") -> bool:
        """Whether it has the other's values."""
        same = len(self.values) == len(other.values) and self.error is None and other.error is None
        return same and all(map(close, self.values, other.values))

    def teaches(self, other: "Outcome") -> bool:
        """Whether it has the other's gradients."""
        pairs = ((self._gradient(name), other._gradient(name)) for name in {*self._names, *other._names})
        return all(one is other or (one is not None and other is not None and close(one, other)) for one, other in pairs)

    @property
    def _names(self) -> set[str]:
        return set(self.gradients or ())

    def _gradient(self, name: str) -> Tensor | None:
        """None also where it is zero: of that nothing can be learned."""
        found = (self.gradients or {}).get(name)
        return found if found is not None and found.abs().max() > ATOL * 1e-2 else None


def close(one: Tensor, other: Tensor) -> bool:
    scale = max(other.abs().max().item(), 1e-3) if other.numel() else 1.0
    return one.shape == other.shape and torch.allclose(one, other, rtol=RTOL, atol=ATOL * scale, equal_nan=True)


def outcome(function: Callable, case: Case, names: Sequence[str] = (), learns: bool = True) -> Outcome:
    """Call a function on arguments made anew. Nothing that it raises gets out."""
    arguments = case()
    before = [_numbers(argument) for argument in arguments]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of mistakes, which are ours
            values = tuple(_flat(function(*arguments)))
            leaves = _leaves(arguments, names)
            gradients = _gradients(values, leaves) if leaves and learns else None
    except Exception as error:
        return Outcome(error=error)
    changed = [_name(names, k) for k, argument in enumerate(arguments) if not _alike(before[k], _numbers(argument))]
    return Outcome(tuple(v.detach() for v in values), gradients, tuple(changed))


def _flat(result: Any) -> list[Tensor]:
    """Tensors in float64 of whatever holds numbers: tensors, arrays, numbers, and lists, tuples and dictionaries of them."""
    if isinstance(result, Tensor):
        return [result.double()]
    if isinstance(result, np.ndarray | np.generic | float | int | bool):
        return [torch.as_tensor(np.asarray(result)).double()]
    if isinstance(result, Mapping):
        result = [result[key] for key in sorted(result)]
    if not isinstance(result, str) and hasattr(result, "__iter__"):
        parts = list(result)
        if parts and all(isinstance(part, float | int | bool | np.generic) for part in parts):
            return [torch.tensor(np.asarray(parts)).double()]
        return [tensor for part in parts for tensor in _flat(part)]
    if result is None:
        raise ValueError(_("it gives back nothing: is a `return` missing?"))
    raise ValueError(_("it gives back a {kind}, and numbers are asked for", kind=type(result).__name__))


def _name(names: Sequence[str], k: int) -> str:
    return names[k] if k < len(names) else str(k + 1)


def _leaves(arguments: Sequence, names: Sequence[str]) -> dict[str, Tensor]:
    """What a gradient may be taken of: tensors that ask for one, and parameters."""
    found: dict[str, Tensor] = {}
    for k, argument in enumerate(arguments):
        if isinstance(argument, Tensor) and argument.requires_grad:
            found[_name(names, k)] = argument
        elif isinstance(argument, nn.Module):
            found |= {name: p for name, p in argument.named_parameters() if p.requires_grad}
    return found


def _gradients(values: Sequence[Tensor], leaves: Mapping[str, Tensor]) -> dict[str, Tensor | None]:
    random, total = torch.Generator().manual_seed(0), torch.zeros((), dtype=torch.float64)
    for value in values:
        total = total + (torch.randn(value.shape, generator=random, dtype=torch.float64) * value).sum()
    if not total.requires_grad:
        return dict.fromkeys(leaves)
    found = torch.autograd.grad(total, list(leaves.values()), allow_unused=True)
    return {name: g if g is None else g.double() for name, g in zip(leaves, found, strict=True)}


def _numbers(argument: Any) -> Any:
    """A copy of all numbers in an argument, to see afterwards whether they are still the same."""
    if isinstance(argument, Tensor):
        return argument.detach().clone()
    if isinstance(argument, np.ndarray):
        return torch.as_tensor(argument.copy()) if argument.dtype.kind in "bif" else argument.tolist()
    if isinstance(argument, nn.Module):
        return [p.detach().clone() for p in argument.state_dict().values()]
    if is_dataclass(argument):
        return [_numbers(getattr(argument, field.name)) for field in fields(argument)]
    if isinstance(argument, list | tuple):
        return [_numbers(part) for part in argument]
    return argument if isinstance(argument, str | int | float) else None


def _alike(one: Any, other: Any) -> bool:
    if isinstance(one, Tensor):
        return one.shape == other.shape and torch.equal(one, other)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(_alike, one, other))
    return one == other


# ------------------------------------------------------------------------------------- what is the matter with an answer


@dataclass(frozen=True)
class Evidence:
    """What an answer did on every case, beside what is right; `again` is the first case once more, after all others.

    Attributes:
        cases: each case in words.
        sizes: of each case, the lengths of all its arguments' dimensions.
    """

    found: Sequence[Outcome]
    right: Sequence[Outcome]
    again: Outcome
    cases: Sequence[str]
    sizes: Sequence[set[int]]

    def values(self) -> "list[tuple[Tensor, Tensor]]":
        """(found, right) of every value of every case."""
        return [pair for f, r in zip(self.found, self.right, strict=True) for pair in zip(f.values, r.values, strict=True)]

    def always(self, relation: Callable[[Tensor, Tensor], bool]) -> bool:
        """Whether something holds between what was found and what is right in every case, and says more than 0 = 0."""
        pairs = self.values()
        return all(relation(f, r) for f, r in pairs) and any(r.abs().max() > ATOL for _f, r in pairs if r.numel())

    def factor(self) -> list[float] | None:
        """By how much each case is too large: a number for each, if it is one number for all of a case."""
        factors = []
        for f, r in zip(self.found, self.right, strict=True):
            one, other = (torch.cat([v.flatten() for v in o.values]) for o in (f, r))
            largest = other.abs().argmax()
            if not other[largest].abs() > ATOL or not close(one, one[largest] / other[largest] * other):
                return None
            factors.append((one[largest] / other[largest]).item())
        return factors


def misconception(evidence: Evidence) -> str:
    """What the values show, by the first of `MISCONCEPTIONS` that fits; empty if none does."""
    for shows in MISCONCEPTIONS:
        said = shows(evidence)
        if said:
            return said
    return ""


def not_a_number(e: Evidence) -> str:
    if any(not v.isfinite().all() for f in e.found for v in f.values) and all(
        v.isfinite().all() for r in e.right for v in r.values
    ):
        return _("It gives nan or inf: a division by zero, or the spread of a single number?")
    return ""


def constant(e: Evidence) -> str:
    first, *others = e.found
    same = [k + 1 for k, o in enumerate(others) if o.gives(first) and not e.right[k + 1].gives(e.right[0])]
    if same:
        return _(
            "It gives the same for {one} and for {other}: it does not use what it is called with, or keeps it from the "
            "first call.",
            one=e.cases[0],
            other=e.cases[same[0]],
        )
    return ""


def opposite(e: Evidence) -> str:
    return _("The sign is the other way round, everywhere.") if e.always(lambda f, r: close(f, -r)) else ""


def transposed(e: Evidence) -> str:
    matrices = [pair for pair in e.values() if pair[1].dim() == 2 and pair[1].shape[0] > 1 and pair[1].shape[1] > 1]
    others = all(close(f, r) for f, r in e.values() if not (r.dim() == 2 and r.shape[0] > 1 and r.shape[1] > 1))
    return _("That is the transpose.") if matrices and others and all(close(f, r.mT) for f, r in matrices) else ""


def too_large(e: Evidence) -> str:
    factors = e.factor()
    if factors is None or any(factor <= 0 for factor in factors):
        return ""
    case, factor = e.cases[0], factors[0]
    products = [{a * b for a in {1, *sizes} for b in {1, *sizes}} - {1} for sizes in e.sizes]
    for up in (True, False):
        whole = [factor if up else 1 / factor for factor in factors]
        if all(any(math.isclose(w, p, rel_tol=1e-3) for p in ps) for w, ps in zip(whole, products, strict=True)) and (
            len({round(w, 3) for w in whole}) > 1 or len(whole) == 1 or whole[0] > 2
        ):
            if up:
                return _("For {case} it is {n:g} times what it should be: a sum where a mean is meant?", case=case, n=factor)
            return _(
                "For {case} it is only 1/{n:g} of what it should be: a mean where a sum is meant, or one mean too many?",
                case=case,
                n=whole[0],
            )
    if all(math.isclose(f, factor, rel_tol=1e-3) for f in factors):
        return _("It is {n:.3g} times what it should be, whatever it is called with.", n=factor)
    return _("For {case} it is {n:.3g} times what it should be, in all its entries.", case=case, n=factor)


def squared(e: Evidence) -> str:
    return _("That is the square of what is asked.") if e.always(lambda f, r: close(f, r.square())) else ""


def root(e: Evidence) -> str:
    return _("That is the square root of what is asked.") if e.always(lambda f, r: close(f, r.abs().sqrt())) else ""


def only_sizes(e: Evidence) -> str:
    good = [f.gives(r) for f, r in zip(e.found, e.right, strict=True)]
    if any(good) and not all(good):
        right, not_right = e.cases[good.index(True)], e.cases[good.index(False)]
        if right == not_right:
            return _(
                "It is right for one {case} and not for another with other numbers: is it written for the first?", case=right
            )
        return _(
            "It is right for {right} and not for {other}: does something in it hold for the first by chance?",
            right=right,
            other=not_right,
        )
    return ""


def only_first(e: Evidence) -> str:
    def first(f, r):
        return (
            r.dim() > 0 and len(r) > 1 and close(f[0], r[0]) and not any(close(a, b) for a, b in zip(f[1:], r[1:], strict=True))
        )

    return _("Only the first entry is right: what stands for one was used for all.") if e.always(first) else ""


def all_alike(e: Evidence) -> str:
    def alike(f, r):
        return r.dim() > 0 and len(r) > 1 and close(f, f[:1].expand_as(f)) and not close(r, r[:1].expand_as(r))

    return (
        _("All entries along the first dimension are alike: was something averaged over it, or taken once for all?")
        if e.always(alike)
        else ""
    )


def reordered(e: Evidence) -> str:
    def sorted_alike(f, r):
        return r.numel() > 1 and close(f.flatten().sort().values, r.flatten().sort().values)

    return _("The numbers are right, and stand in another order.") if e.always(sorted_alike) else ""


def zero(e: Evidence) -> str:
    return _("It gives zeros.") if e.always(lambda f, r: not f.any()) else ""


# In the order in which they are tried: what says more comes first.
MISCONCEPTIONS: tuple[Callable[[Evidence], str], ...] = (
    not_a_number, zero, only_sizes, constant, opposite, transposed, too_large, squared, root, all_alike, reordered, only_first,
)  # fmt: skip


def graph(e: Evidence) -> str:
    """What is the matter with the gradients of an answer whose values are right; empty if nothing is."""
    for f, r, case in zip(e.found, e.right, e.cases, strict=True):
        if f.teaches(r):
            continue
        if not f.linked:
            return _(
                "The values are right, but no gradient reaches {names}: .data, .detach(), .item(), no_grad, numpy or "
                "nn.Parameter "
                "cut the graph.",
                names=_listed([name for name in r._names if r._gradient(name) is not None]),
            )
        missing = [name for name in r._names if r._gradient(name) is not None and f._gradient(name) is None]
        if missing:
            return _(
                "The values are right, but no gradient reaches {names}: the graph is cut on the way.", names=_listed(missing)
            )
        extra = [name for name in f._names if r._gradient(name) is None and f._gradient(name) is not None]
        if extra:
            return _(
                "The values are right, but a gradient reaches {names}, which should be constant here.", names=_listed(extra)
            )
        wrong = [name for name in r._names if not _same(f._gradient(name), r._gradient(name))]
        return _(
            "The values are right and the gradient is not: with respect to {names} it is {length:.3g} long instead of "
            "{wanted:.3g}, for "
            "{case}. A part of the graph is cut, or taken twice.",
            names=_listed(wrong),
            length=sum(f._gradient(name).square().sum() for name in wrong).sqrt(),
            wanted=sum(r._gradient(name).square().sum() for name in wrong).sqrt(),
            case=case,
        )
    return ""


def _same(one: Tensor | None, other: Tensor | None) -> bool:
    return one is other or (one is not None and other is not None and close(one, other))


def _listed(names: Sequence[str]) -> str:
    return ", ".join(sorted(names)[:4]) + (" …" if len(names) > 4 else "")


def in_place(e: Evidence) -> str:
    changed = sorted({name for f in e.found for name in f.changed})
    if not changed:
        return ""
    names = _listed(changed)
    return _(
        "The result is right, but it changes {names} in place: whoever calls it has other numbers afterwards.", names=names
    )


def forgetful(e: Evidence) -> str:
    if e.again.gives(e.found[0]) and e.again.teaches(e.found[0]):
        return ""
    return _(
        "Called again with the same arguments it gives something else: it keeps something between calls, or draws at random."
    )


def raised(error: Exception, case: str) -> str:
    """What an exception says, in the words of the lesson where they are known."""
    said = str(error)
    if isinstance(error, Said):
        return said
    known = {
        "leaf Variable that requires grad": _(
            "It changes its argument in place: whoever calls it has other numbers afterwards."
        ),
        "numpy() on Tensor": _(
            "It takes numbers out of the graph, as numpy does; a gradient must be able to pass: compute with torch."
        ),
        "does not require grad": _(
            "It asks for a gradient of something that has lost its graph (.data, .detach(), no_grad, .item())."
        ),
        "modified by an inplace operation": _(
            "A graph is used again after numbers in it have changed: what was computed is out of date."
        ),
        "backward through the graph a second time": _("A graph is used a second time: compute anew at every call."),
        "'NoneType' object has no": _(
            "It looks into something that is None: test for None before you look into .grad and the like."
        ),
        "ellipsis": _("There are still three dots inside."),
    }
    for key, sentence in known.items():
        if key in said:
            return sentence
    return _(
        "Called with {case} it raises {name}: {error}.", case=case, name=type(error).__name__, error=said.split("\n")[0][:200]
    )


def through(watch: Callable, mistakes: Mistakes) -> Mistakes:
    """Mistakes as a check sees them that does not call an answer itself, but watches what is done with it."""
    return {
        said: [partial(watch, mistake) for mistake in ([some] if callable(some) else some)] for said, some in mistakes.items()
    }


def is_function(answer: Any) -> bool:
    """Whether there is an answer that can be called; says so if not."""
    if feedback.unanswered(answer):
        return False
    if not callable(answer):
        kind = type(answer).__name__
        feedback.wrong(_("A function is asked for, this is {kind}: it will be called on other inputs too.", kind=kind))
    return callable(answer)


def function(
    answer: Any,
    right: Callable,
    cases: Sequence[Case],
    mistakes: Mistakes,
    because: str,
    otherwise: str,
    *,
    names: Sequence[str] = (),
    also: Callable | None = None,
    learns: bool = True,
    mutates: bool = False,
    words: Sequence[str] = (),
    more: Callable[[], str] | None = None,
) -> None:
    """Check an answer that is a function, and say what is the matter with it.

    Args:
        right: does what is asked.
        cases: what both are tried on; they should differ in their sizes.
        mistakes: what is said → a function that makes this mistake, called like the answer.
        because: said of a right answer.
        otherwise: said where no misconception fits.
        names: of the arguments.
        also: is as right as `right`.
        learns: whether gradients are asked for too.
        mutates: whether it may change its arguments.
        words: each case in words, where names and sizes do not tell them apart.
        more: says what else may be wrong with an answer that is right in all this, or nothing.
    """
    if not is_function(answer):
        return
    if also and all(outcome(answer, case).gives(outcome(also, case)) for case in cases):
        right = also
    said = _fault(answer, right, cases, mistakes, names, learns, mutates, words)
    if said is None:
        said = otherwise
    said = said or (more() if more else "")
    feedback.wrong(said) if said else feedback.right(because)


def _fault(
    answer: Callable,
    right: Callable,
    cases: Sequence[Case],
    mistakes: Mistakes,
    names: Sequence[str],
    learns: bool,
    mutates: bool,
    words: Sequence[str],
) -> str | None:
    """What is wrong, in a sentence; empty if nothing is, None if it is nothing that is known."""
    words = words or [in_words(case(), names) for case in cases]
    found, wanted = ([outcome(f, case, names, learns) for case in cases] for f in (answer, right))
    made = [
        (said, [outcome(mistake, case, names, learns) for case in cases])
        for said, some in mistakes.items()
        for mistake in ([some] if callable(some) else some)
    ]
    for f, r, case in zip(found, wanted, words, strict=True):
        assert r.error is None, r.error
        like = [said for said, own in made if all(map(_as_far_as_it_goes, found, own))]
        if f.error is not None:
            return like[0] if like else raised(f.error, case)
        shapes, right_shapes = ([tuple(v.shape) for v in o.values] for o in (f, r))
        one_number = len(shapes) == len(right_shapes) and all(v.numel() == 1 for o in (f, r) for v in o.values)
        if shapes != right_shapes and not one_number:
            return like[0] if like else _shape(shapes, right_shapes, case)
    found = [
        Outcome(tuple(v.reshape(w.shape) for v, w in zip(f.values, r.values, strict=True)), f.gradients, f.changed)
        for f, r in zip(found, wanted, strict=True)
    ]
    again = outcome(answer, cases[0], names, learns)
    evidence = Evidence(found, wanted, again, words, [_sizes(case()) for case in cases])
    right_values = all(map(Outcome.gives, found, wanted))
    for said, own in made:
        right_too = all(map(Outcome.gives, wanted, own)) and all(map(Outcome.teaches, wanted, own))
        if (
            all(map(Outcome.gives, found, own))
            and (not right_values or all(map(Outcome.teaches, found, own)))
            and not right_too
        ):
            return said
    if right_values:
        return ("" if mutates else in_place(evidence)) or graph(evidence) or forgetful(evidence)
    return misconception(evidence) or None


def _as_far_as_it_goes(one: Outcome, other: Outcome) -> bool:
    return one.gives(other) or (one.error is not None and type(one.error) is type(other.error))


def _shape(shapes: list, wanted: list, case: str) -> str:
    if len(shapes) != len(wanted):
        return _("It must give {n} tensors, it gives {m}.", n=len(wanted), m=len(shapes))
    one, other = next(pair for pair in zip(shapes, wanted, strict=True) if pair[0] != pair[1])
    return _("For {case} the shape must be {wanted}, it is {shape}.", case=case, wanted=other, shape=one)


# What is the matter with an answer, in a sentence; empty if nothing is.
Demand = Callable[[Any], str]


def made(answer: Any, demands: Sequence[Demand], because: Callable[[Any], str]) -> None:
    """Check what a learner made, where many answers are good: it must meet all demands, and is told the first that it does not.

    Args:
        demands: each is called with the answer, on inputs made anew, and says what is the matter with it, or nothing. What they
            or the answer draw is the same at each call; what they raise is said.
        because: says of a good answer what makes it one, from what it does.
    """
    if feedback.unanswered(answer):
        return
    for demand in demands:
        try:
            with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of mistakes, which are ours
                torch.manual_seed(0)
                said = demand(answer)
        except Exception as error:
            said = raised(error, _("what this check tries it on"))
        if said:
            feedback.wrong(said)
            return
    feedback.right(because(answer))


def value(answer: Any, right: Tensor, mistakes: Mapping[str, Tensor], because: str, otherwise: str) -> None:
    """Check an answer that is a tensor, or what can be one."""
    if feedback.unanswered(answer):
        return
    found = feedback.tensor(answer, tuple(right.shape))
    if found is None:
        return
    known = [said for said, wrong in mistakes.items() if close(found.double(), wrong.double())]
    outcomes = [Outcome((v.detach().double(),)) for v in (found, right)]
    evidence = Evidence(outcomes[:1], outcomes[1:], outcomes[0], [_("your answer")], [set()])
    if outcomes[0].gives(outcomes[1]):
        feedback.right(because)
    else:
        feedback.wrong(known[0] if known else misconception(evidence) or otherwise)


def in_words(arguments: Sequence, names: Sequence[str]) -> str:
    """The arguments of a call by their names and sizes."""
    said = []
    for k, argument in enumerate(arguments):
        name = _name(names, k)
        if isinstance(argument, Tensor | np.ndarray):
            said.append(f"{name} {tuple(argument.shape)}")
        elif isinstance(argument, int | float):
            said.append(f"{name} = {argument:g}")
        elif hasattr(argument, "support"):
            said.append(_("{n} tasks of {shots} examples", n=len(argument), shots=len(argument.support)))
        elif isinstance(argument, str | list):
            said.append(f"{name} {argument!r}" if len(str(argument)) < 40 else name)
    return ", ".join(said) or _("its arguments")


def _sizes(arguments: Sequence) -> set[int]:
    found: set[int] = set()
    for part in arguments:
        if isinstance(part, Tensor | np.ndarray):
            found |= set(part.shape)
        elif is_dataclass(part):
            found |= _sizes([getattr(part, field.name) for field in fields(part)])
        elif isinstance(part, nn.Module):
            found |= {n for p in part.parameters() for n in p.shape}
            found |= {part.weight_dim} if hasattr(part, "weight_dim") else set()
    return {n for n in found if n > 1}
