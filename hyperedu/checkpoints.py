"""Checkpoints: safetensors files that are written whole or not at all, and refused unless they compute the same."""

import functools
import hashlib
import inspect
import json
import os
from collections.abc import Mapping
from pathlib import Path

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from hyperedu.history import History
from hyperedu.learners import Learner
from hyperedu.penalties import Penalties, name_of

VERSION = 2
FORMAT = "hyperedu-checkpoint-"


def facts(value: object, seen: tuple[int, ...] = ()) -> object:
    """What of a learner, a set of tasks or one of their parts changes what is computed, as JSON; learned numbers left out.

    A module says its class and its plain attributes (numbers, texts, functions, other objects); tensors that are not part of
    its state are told by their values. So a layer, an activation, a rate or a unit that differs is found, in a reader's own
    class too.
    """
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Tensor):
        return _tensor_facts(value)
    if isinstance(value, Mapping):
        return {str(key): facts(item, seen) for key, item in value.items()}
    if isinstance(value, list | tuple | torch.Size):
        found_in = [facts(item, seen) for item in value]
        return found_in if len(found_in) <= 64 else _digest(json.dumps(found_in).encode())
    if isinstance(value, functools.partial):
        return [facts(part, seen) for part in (value.func, value.args, value.keywords)]
    if inspect.isroutine(value) or isinstance(value, type):
        return _function_facts(value)
    if id(value) in seen or isinstance(value, torch.Generator):
        return type(value).__name__
    seen = (*seen, id(value))
    found: dict[str, object] = {"class": type(value).__name__}
    own = vars(value) if hasattr(value, "__dict__") else {}
    found |= {name: facts(item, seen) for name, item in own.items() if not name.startswith("_") and name not in _NOT_FACTS}
    if isinstance(value, nn.Module):
        found |= {name: facts(child, seen) for name, child in value.named_children()}
    return found


# What changes from call to call; and the moments of an initialisation, which the shapes and the activation determine.
_NOT_FACTS = {"training", "known", "initial_mean", "initial_std", "by_loop"}


def _tensor_facts(value: Tensor) -> object:
    if value.is_meta:
        return list(value.shape)
    value = value.detach().cpu()
    if value.numel() <= 16:
        return value.tolist()
    return _digest(value.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]


def _function_facts(value: object) -> str:
    name = getattr(value, "__qualname__", repr(value))
    try:  # two lambdas have the same name
        source = inspect.getsource(value)  # type: ignore[arg-type]
    except (OSError, TypeError):
        return name
    own = not getattr(value, "__module__", "").startswith(("hyperedu", "torch"))
    return f"{name} {_digest(source.encode())}" if own else name


def difference(one: object, other: object, where: str = "") -> str | None:
    """The first place in which two facts differ, in words; None if they are equal."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in [*one, *(k for k in other if k not in one)]:
            inside = f"{where}.{key}" if where else key
            if key not in one or key not in other:
                return f"{inside} is only in {'the file' if key in one else 'this one'}"
            if found := difference(one[key], other[key], inside):
                return found
        return None
    return None if one == other else f"{where}: {_short(one)} in the file, {_short(other)} here"


def _short(value: object) -> str:
    said = str(value)
    return said if len(said) <= 80 else said[:77] + "…"


def checked_path(path: str | Path) -> Path:
    """The path with ~ written out; a sentence if nothing can be written there."""
    path = Path(path).expanduser()
    if path.is_dir():
        raise ValueError(f"{path} is a folder: a checkpoint is a file, such as {path / 'learner.safetensors'}")
    path.parent.mkdir(parents=True, exist_ok=True)
    if not os.access(path.parent, os.W_OK):
        raise PermissionError(f"nothing can be written into {path.parent}: give a path in a folder of your own")
    return path


def save_checkpoint(
    path: str | Path,
    learner: Learner,
    optimizer: torch.optim.Optimizer | None = None,
    rng: torch.Generator | None = None,
    history: History | None = None,
    run: Mapping[str, object] | None = None,
    penalties: Penalties | None = None,
    schedule: torch.optim.lr_scheduler.LRScheduler | None = None,
) -> None:
    """Write a learner, and if given the state of its training, as safetensors.

    The file appears whole or not at all: it is written beside its place and then moved there.

    Args:
        run: how it is trained, as JSON (shots, schedule, tasks, …): what must be the same where the training goes on.

    Raises:
        ValueError: the path is a folder; an optimizer or a schedule whose state cannot be written.
    """
    path = checked_path(path)
    tensors = {f"learner/{name}": value for name, value in learner.state_dict().items()}
    for i, penalty in enumerate(penalties or {}):
        if isinstance(penalty, nn.Module):
            tensors |= {f"penalties/{i}/{name}": value for name, value in penalty.state_dict().items()}
    about: dict[str, object] = {"learner": facts(learner), "run": dict(run or {})}
    if optimizer is not None:
        state = optimizer.state_dict()
        about |= {"optimizer": type(optimizer).__name__, "groups": [len(group["params"]) for group in state["param_groups"]]}
        tensors |= _optimizer_tensors(type(optimizer).__name__, state["state"])
    if schedule is not None:
        about["schedule"] = _schedule_state(schedule)
        about["rates"] = [float(group["lr"]) for group in schedule.optimizer.param_groups]
    if rng is not None:
        tensors |= {"rng": rng.get_state(), "rng/torch": torch.get_rng_state()}
    if history is not None:
        for name in ("loss", "accuracy", "seconds"):
            tensors[f"history/{name}"] = torch.tensor(getattr(history, name), dtype=torch.float64)
    # A copy of each: safetensors refuses tensors that share their memory, as two names of one module do.
    copies = {name: value.detach().cpu().clone().contiguous() for name, value in tensors.items()}
    beside = path.with_name(f"{path.name}.{os.getpid()}.part")
    metadata = {"format": f"{FORMAT}{VERSION}", "facts": json.dumps(about)}
    try:
        safetensors.torch.save_file(copies, beside, metadata=metadata)
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)


def _optimizer_tensors(name: str, state: Mapping[int, Mapping[str, object]]) -> dict[str, Tensor]:
    found = {}
    for index, values in state.items():
        for key, value in values.items():
            if not isinstance(value, Tensor | int | float):
                raise ValueError(
                    f"{name} keeps a {type(value).__name__} ({key}), which a checkpoint cannot hold: train without one"
                )
            found[f"optimizer/{index}/{key}"] = torch.as_tensor(value)
    return found


def _schedule_state(schedule: torch.optim.lr_scheduler.LRScheduler) -> dict[str, object]:
    try:
        return json.loads(json.dumps({"class": type(schedule).__name__, **schedule.state_dict()}))
    except TypeError as error:
        raise ValueError(
            f"the state of {type(schedule).__name__} cannot be written ({error}): train without a checkpoint"
        ) from None


def load_checkpoint(
    path: str | Path,
    learner: Learner,
    optimizer: torch.optim.Optimizer | None = None,
    rng: torch.Generator | None = None,
    run: Mapping[str, object] | None = None,
    penalties: Penalties | None = None,
    schedule: torch.optim.lr_scheduler.LRScheduler | None = None,
) -> History:
    """Read what `save_checkpoint` wrote into the learner and, where given, the rest of its training.

    Nothing is changed unless everything fits: a file that is truncated or foreign, or of another learner, optimizer or run, is
    refused with a ValueError that says what differs and what to do. What is loaded are copies: the file may be replaced while
    they are in use. The optimizer keeps the learning rate and other settings that it has; only its memory of past gradients is
    read.
    """
    path = Path(path).expanduser()
    about, tensors = _read(path)
    saved = _part(tensors, "learner/")
    _check_learner(path, about, saved, learner)
    if run is not None and (found := difference(about.get("run", {}), json.loads(json.dumps(dict(run))))):
        raise ValueError(f"{path} was trained differently ({found}): give another path, or train as then")
    loads: list[tuple[nn.Module, dict[str, Tensor]]] = [(learner, saved)]
    for i, penalty in enumerate(penalties or {}):
        if isinstance(penalty, nn.Module):
            loads.append((penalty, _part(tensors, f"penalties/{i}/")))
            _check_shapes(path, name_of(penalty), loads[-1][1], penalty)
    memory = None if optimizer is None else _optimizer_memory(path, about, tensors, optimizer)
    if schedule is not None:
        _check_schedule(path, about, schedule)
    # From here on nothing can fail.
    for module, state in loads:
        module.load_state_dict(state)
    if optimizer is not None:
        optimizer.load_state_dict({"state": memory, "param_groups": optimizer.state_dict()["param_groups"]})
    if schedule is not None:
        schedule.load_state_dict({key: value for key, value in about["schedule"].items() if key != "class"})
        for group, rate in zip(schedule.optimizer.param_groups, about["rates"], strict=True):
            group["lr"] = rate
    if rng is not None:
        rng.set_state(tensors["rng"])
        torch.set_rng_state(tensors["rng/torch"])
    if "history/loss" not in tensors:
        return History()
    accuracy = tensors.get("history/accuracy", torch.zeros(0)).tolist()
    return History(tensors["history/loss"].tolist(), accuracy, tensors["history/seconds"].item())


def _read(path: Path) -> tuple[dict, dict[str, Tensor]]:
    """The facts and the tensors of a file, in memory of our own: safetensors would map the file, and die with it."""
    if path.is_dir():
        raise ValueError(f"{path} is a folder: a checkpoint is a file, such as {path / 'learner.safetensors'}")
    if not path.exists():
        raise FileNotFoundError(f"there is no checkpoint at {path}")
    data = path.read_bytes()
    try:
        tensors = safetensors.torch.load(data)
    except SafetensorError as error:
        raise ValueError(f"{path} is truncated or not a safetensors file ({error}): delete it to start anew") from None
    metadata = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")]).get("__metadata__", {})
    version = str(metadata.get("format", "")).removeprefix(FORMAT)
    if not version.isdigit():
        raise ValueError(f"{path} was not written by hyperedu (no {FORMAT!r} in it): give another path")
    if int(version) > VERSION:
        raise ValueError(
            f"{path} was written by a newer hyperedu (format {version}, this one reads up to {VERSION}): update it"
        )
    if version == "1":  # before facts were written: only the class is known
        return {"class": metadata["learner"]}, tensors
    return json.loads(metadata["facts"]), tensors


def _part(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


def _check_learner(path: Path, about: Mapping, saved: Mapping[str, Tensor], learner: Learner) -> None:
    own = type(learner).__name__
    kind = about["class"] if "class" in about else about["learner"]["class"]
    found = None if kind == own else f"{kind} in the file, {own} here"
    if found is None and "learner" in about:
        found = difference(about["learner"], json.loads(json.dumps(facts(learner))))
    if found:
        raise ValueError(
            f"{path} holds another learner ({kind}) than this one ({own}): {found}. Give another path, or make the learner "
            "as it was"
        )
    _check_shapes(path, own, saved, learner)


def _check_shapes(path: Path, what: str, saved: Mapping[str, Tensor], module: nn.Module) -> None:
    own = {name: value.shape for name, value in module.state_dict().items()}
    differ = [
        name for name in own.keys() | saved.keys() if name not in own or name not in saved or own[name] != saved[name].shape
    ]
    if differ:
        name = min(differ)
        raise ValueError(
            f"{path} holds another {what}: they differ in {sorted(differ)[:3]} ({name}: "
            f"{tuple(saved[name].shape) if name in saved else 'nothing'} in the file, "
            f"{tuple(own[name]) if name in own else 'nothing'} here). Give another path, or make it as it was"
        )


def _optimizer_memory(path: Path, about: Mapping, tensors: Mapping[str, Tensor], optimizer: torch.optim.Optimizer) -> dict:
    """Parameter number → what the optimizer remembers of it."""
    own = type(optimizer).__name__
    if about.get("optimizer") != own or "rng" not in tensors:
        raise ValueError(
            f"{path} holds the state of {about.get('optimizer', 'no optimizer')}, not of {own}: give another path, or train "
            "with the optimizer it was made with"
        )
    groups = [len(group["params"]) for group in optimizer.param_groups]
    if groups != about["groups"]:
        raise ValueError(
            f"{path} was trained with groups of {about['groups']} parameters, this {own} has {groups}: give another path, or "
            "make the optimizer as it was"
        )
    memory: dict[int, dict[str, Tensor]] = {}
    for name, value in _part(tensors, "optimizer/").items():
        index, key = name.split("/")
        memory.setdefault(int(index), {})[key] = value
    return memory


def _check_schedule(path: Path, about: Mapping, schedule: torch.optim.lr_scheduler.LRScheduler) -> None:
    """The schedule of the file and this one must be of one kind; how far it has come stands in the file."""
    own, saved = _schedule_state(schedule), about.get("schedule") or {}
    moving = {"last_epoch", "_step_count", "_last_lr", "_get_lr_called_within_step", "_is_initial"}
    fixed = [{key: value for key, value in state.items() if key not in moving} for state in (saved, own)]
    if found := difference(*fixed):
        raise ValueError(
            f"{path} was trained with another schedule ({found}): give another path, or make the schedule as it was"
        )
