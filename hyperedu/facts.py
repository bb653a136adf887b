"""Facts: what of an object changes what it computes, as JSON; and where two objects differ in that."""

import contextlib
import dis
import functools
import hashlib
import inspect
import json
import math
import sys
from collections.abc import Iterator, Mapping
from enum import Enum
from numbers import Integral, Real
from types import CodeType, FunctionType
from typing import Any

import torch
from torch import Tensor, nn

# What changes from call to call; and the moments of an initialisation, which the shapes and the activation determine.
_NOT_FACTS = {"training", "known", "initial_mean", "initial_std", "start_std", "by_loop"}

METHODS = "methods"


def facts(value: object, within: tuple[int, ...] = (), saved: bool = True) -> object:
    """What of a learner, a set of tasks or one of their parts changes what is computed, as JSON.

    An object says its class and its plain attributes (numbers, texts, functions, other objects), and so do the layers of a
    module. So a layer, an activation, a rate or a unit that differs is found, in a reader's own class too, which says the
    text of its methods as well. Attributes whose names begin with _ are no facts: what changes while an object is used, such
    as what it counts or remembers, belongs there.

    Args:
        within: the objects that this one was reached through, by id.
        saved: whether the numbers of a module are written beside its facts, as those of a learner are, and need no telling;
            those of a module elsewhere, such as a loss with weights for classes, are told by their values.
    """
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, Real):
        return int(value) if isinstance(value, Integral) else float(value)
    if isinstance(value, Tensor):
        return _tensor_facts(value)
    if isinstance(value, Enum):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): facts(item, within, False) for key, item in value.items()}
    if isinstance(value, list | tuple):
        items = [facts(item, within, False) for item in value]
        return items if len(items) <= 64 else _digest(json.dumps(items))
    if isinstance(value, set | frozenset):
        return sorted(json.dumps(facts(item, within, False)) for item in value)
    if hasattr(value, "tolist"):  # an array of numpy
        return facts(value.tolist(), within)
    if id(value) in within or isinstance(value, torch.Generator | torch.optim.Optimizer):
        return type(value).__name__
    within = (*within, id(value))
    if isinstance(value, functools.partial):
        return [facts(part, within, False) for part in (value.func, value.args, value.keywords)]
    if inspect.isroutine(value) or isinstance(value, type):
        return _function_facts(value, within)
    if hasattr(value, "iloc"):  # a frame of pandas
        return facts({name: value[name] for name in value}, within)  # type: ignore[index, attr-defined]
    # What has no attributes says itself, such as a range, a date, a path or a dtype. The slice of Conditioned its shapes say.
    bare = not hasattr(value, "__dict__") or not (vars(value) or _methods(type(value)))  # a Timestamp has an empty one
    if bare and not isinstance(value, slice) and "0x" not in repr(value):
        return repr(value)
    return {"class": type(value).__name__, **_methods(type(value)), **_attributes(value, within, saved)}


def _methods(kind: type) -> dict[str, object]:
    """The text of the methods of a reader's own class, and of those that it inherits from."""
    own = [each for each in kind.__mro__ if not _is_known(each) and not _is_installed(each)]
    methods = [_text(item) for each in own for item in vars(each).values() if inspect.isfunction(item)]
    return {METHODS: _digest("\n".join(methods))} if methods else {}


def _is_installed(kind: type) -> bool:
    """Whether a class is of Python's library or of a package, whose versions are no concern of a checkpoint."""
    file = getattr(sys.modules.get(kind.__module__), "__file__", None) or ""
    return kind.__module__.partition(".")[0] in sys.stdlib_module_names or "site-packages" in file


def _is_known(value: Any) -> bool:
    """Whether a function or a class is of Python, torch or this package, and so told by its name."""
    return (getattr(value, "__module__", None) or "builtins").partition(".")[0] in ("builtins", "hyperedu", "torch")


def _attributes(value: object, within: tuple[int, ...], saved: bool) -> dict[str, object]:
    own = vars(value) if hasattr(value, "__dict__") else {}
    found = {name: facts(v, within, False) for name, v in own.items() if not name.startswith("_") and name not in _NOT_FACTS}
    if isinstance(value, nn.Module):
        found |= {name: facts(child, within, saved) for name, child in value.named_children()}
        numbers = () if saved else (*value.named_parameters(recurse=False), *value.named_buffers(recurse=False))
        found |= {name: _tensor_facts(tensor) for name, tensor in numbers}
    return found


def _tensor_facts(value: Tensor) -> object:
    if value.is_meta:
        return list(value.shape)
    value = value.detach().cpu()
    if value.numel() <= 16:
        return value.tolist()
    return _digest(value.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())


def _digest(data: str | bytes) -> str:
    return hashlib.sha256(data.encode() if isinstance(data, str) else data).hexdigest()[:16]


def _function_facts(value: Any, within: tuple[int, ...]) -> object:
    """A function or a class: its name; a reader's own by its text too, with the values it takes from where it was made."""
    if _is_known(value):
        return getattr(value, "__name__", type(value).__name__)
    name = f"{getattr(value, '__qualname__', type(value).__name__)} {_digest(_text(value))}"
    given = {"self": facts(value.__self__, within)} if inspect.ismethod(value) else {}
    function = inspect.unwrap(value.__func__ if inspect.ismethod(value) else value)
    if isinstance(function, FunctionType):
        given |= {key: facts(item, within, False) for key, item in _given(function) if _is_setting(item)}
    return [name, given] if given else name


def _text(function: Any) -> str:
    """The source of a function. Of a lambda, whose line says more than itself, and where there is no source: its code."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    if code is None or code.co_name != "<lambda>":
        with contextlib.suppress(OSError, TypeError):
            return inspect.getsource(function)
    return "" if code is None else _code(code)


def _code(code: CodeType) -> str:
    inner = [_code(part) if isinstance(part, CodeType) else str(facts(part)) for part in code.co_consts]
    return str((code.co_code, code.co_names, code.co_varnames, inner))


def _given(function: FunctionType) -> Iterator[tuple[str, object]]:
    """Name → value of what a function reads but is not handed over: defaults, and variables round it that it does not set."""
    signature = inspect.signature(function)
    yield from ((p.name, p.default) for p in signature.parameters.values() if p.default is not inspect.Parameter.empty)
    steps = list(dis.get_instructions(function))
    set_here = {step.argval for step in steps if step.opname in ("STORE_GLOBAL", "STORE_DEREF")}
    around = {step.argval for step in steps if step.opname == "LOAD_GLOBAL"} & function.__globals__.keys()
    yield from ((name, function.__globals__[name]) for name in sorted(around - set_here))
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        if name not in set_here and cell != type(cell)():  # an empty cell is filled later
            yield name, cell.cell_contents


def _is_setting(value: object) -> bool:
    """Whether a variable that a function reads is a number, a text or a function, rather than something that changes."""
    if isinstance(value, tuple):
        return all(map(_is_setting, value))
    return isinstance(value, Real | str) or inspect.isroutine(value) or (isinstance(value, Tensor) and not value.requires_grad)


def difference(one: object, other: object, where: str = "") -> str | None:
    """The first place in which the facts of a file and of something here differ, in words; None if they are equal."""
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        one, other = ({str(i): item for i, item in enumerate(items)} for items in (one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        for key in [*one, *(k for k in other if k not in one)]:
            if key == METHODS and not (key in one and key in other):
                continue  # an older file does not tell them
            inside = f"{where}.{key}" if where else key
            if key not in one or key not in other:
                return f"{inside} is only in {'the file' if key in one else 'this one'}"
            if found := difference(one[key], other[key], inside):
                return found
        return None
    return None if _equal(one, other) else f"{where}: {_short(one)} in the file, {_short(other)} here"


def _equal(one: object, other: object) -> bool:
    """Means of data may differ in their last digits from machine to machine."""
    if float in (type(one), type(other)) and isinstance(one, Real) and isinstance(other, Real):
        return math.isclose(one, other, rel_tol=1e-5) or (math.isnan(one) and math.isnan(other))
    return one == other


def _short(value: object) -> str:
    said = str(value)
    return said if len(said) <= 80 else said[:77] + "…"
