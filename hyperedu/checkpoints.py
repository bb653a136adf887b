"""Checkpoints: safetensors files that are written whole or not at all, and refused unless they compute the same."""

import copy
import json
import os
import threading
import warnings
from collections.abc import Mapping
from pathlib import Path

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor, nn
from torch.optim.lr_scheduler import LRScheduler

from hyperedu.batches import expect
from hyperedu.facts import difference, facts
from hyperedu.history import History
from hyperedu.learners import Learner
from hyperedu.penalties import Penalties, name_of

__all__ = ["load_checkpoint", "save_checkpoint"]

VERSION = 2
FORMAT = "hyperedu-checkpoint-"
REMEMBERING = ("amsgrad", "centered", "momentum")  # settings on which it depends what torch's optimizers remember


def checked_path(path: str | Path) -> Path:
    """The path with ~ written out; a sentence if nothing can be written there."""
    path = _path(path)
    if path.is_dir():
        raise ValueError(f"{path} is a folder: a checkpoint is a file, such as {path / 'learner.safetensors'}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise ValueError(f"{path.parent} is not a folder that a file could be put into: give another path") from None
    if not os.access(path.parent, os.W_OK):
        raise PermissionError(f"nothing can be written into {path.parent}: give a path in a folder of your own")
    return path


def _path(path: str | Path) -> Path:
    expect("path", path, (str, os.PathLike), "give the path of a file first, and then the learner")
    return Path(path).expanduser()


def save_checkpoint(
    path: str | Path,
    learner: Learner,
    optimizer: torch.optim.Optimizer | None = None,
    rng: torch.Generator | None = None,
    history: History | None = None,
    run: Mapping[str, object] | None = None,
    penalties: Penalties | None = None,
    schedule: LRScheduler | None = None,
) -> None:
    """Write a learner, and if given the state of its training, as safetensors.

    The file appears whole or not at all: it is written beside its place and then moved there.

    Args:
        run: how it is trained, as JSON (shots, schedule, tasks, …): what must be the same where the training goes on.

    Raises:
        ValueError: the path is a folder; an optimizer whose state cannot be written.
    """
    path = checked_path(path)
    tensors = {f"learner/{name}": value for name, value in learner.state_dict().items()}
    for i, penalty in enumerate(penalties or {}):
        if isinstance(penalty, nn.Module):
            tensors |= {f"penalties/{i}/{name}": value for name, value in penalty.state_dict().items()}
    about: dict[str, object] = {"learner": facts(learner), "run": dict(run or {})}
    if optimizer is not None:
        name, order = type(optimizer).__name__, _order(optimizer, learner, penalties)
        memory, numbers = _optimizer_state(name, optimizer.state_dict()["state"])
        about |= {"optimizer": name, "groups": [len(group) for group in order], "order": order, "optimizer_numbers": numbers}
        about["remembering"] = _remembering(optimizer)
        tensors |= memory
    if schedule is not None:
        about["schedule"] = _schedule_facts(schedule)
    if rng is not None:
        tensors |= {"rng": rng.get_state(), "rng/torch": torch.get_rng_state()}
    if history is not None:
        for name in ("loss", "accuracy", "seconds"):
            tensors[f"history/{name}"] = torch.tensor(getattr(history, name), dtype=torch.float64)
    strange = [f"{name} is a {type(value).__name__}" for name, value in tensors.items() if not isinstance(value, Tensor)]
    if strange:
        raise ValueError(f"{strange[0]}, which a checkpoint cannot hold: keep it as a buffer, or outside of the state_dict")
    # A copy of each: safetensors refuses tensors that share their memory, as two names of one module do.
    copies = {name: value.detach().cpu().clone().contiguous() for name, value in tensors.items()}
    beside = path.with_name(f"{path.name}.{os.getpid()}-{threading.get_ident()}.part")
    metadata = {"format": f"{FORMAT}{VERSION}", "facts": json.dumps(about)}
    try:
        safetensors.torch.save_file(copies, beside, metadata=metadata)
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)


def _order(optimizer: torch.optim.Optimizer, learner: Learner, penalties: Penalties | None) -> list[list[str]]:
    """The names of the parameters of each group, in the order in which the optimizer counts them."""
    parts = {"learner": learner} | {f"penalties/{i}": part for i, part in enumerate(penalties or {})}
    modules = {where: part for where, part in parts.items() if isinstance(part, nn.Module)}
    names = {p: f"{where}/{name}" for where, part in modules.items() for name, p in part.named_parameters()}
    return [[names.get(p, "another") for p in group["params"]] for group in optimizer.param_groups]


def _remembering(optimizer: torch.optim.Optimizer) -> list[dict[str, bool]]:
    return [{key: bool(group[key]) for key in REMEMBERING if key in group} for group in optimizer.param_groups]


def _optimizer_state(name: str, state: Mapping) -> tuple[dict[str, Tensor], dict[str, object]]:
    """What an optimizer remembers of each parameter: its tensors, and its numbers and texts."""
    tensors: dict[str, Tensor] = {}
    numbers: dict[str, object] = {}
    for index, values in state.items():
        for key, value in values.items():
            place = f"optimizer/{index}/{key}"
            if isinstance(value, Tensor):
                tensors[place] = value
            elif value is None or isinstance(value, bool | int | float | str):
                numbers[place] = value
            else:
                raise ValueError(
                    f"{name} keeps a {type(value).__name__} ({key}), which a checkpoint cannot hold: train without one"
                )
    return tensors, numbers


def _schedule_facts(schedule: LRScheduler) -> dict[str, object]:
    rates = [float(group["lr"]) for group in schedule.optimizer.param_groups]
    own = facts(vars(schedule))
    return {"class": type(schedule).__name__, "steps": _steps_of(schedule), "rates": rates, "settings": own}


def _steps_of(schedule: LRScheduler) -> int:
    """How many steps a schedule has taken; one that chains others keeps no count of its own."""
    return schedule.last_epoch if "last_epoch" in vars(schedule) else _steps_of(schedule._schedulers[0])  # type: ignore[attr-defined]


def load_checkpoint(
    path: str | Path,
    learner: Learner,
    optimizer: torch.optim.Optimizer | None = None,
    rng: torch.Generator | None = None,
    run: Mapping[str, object] | None = None,
    penalties: Penalties | None = None,
    schedule: LRScheduler | None = None,
) -> History:
    """Read what `save_checkpoint` wrote into the learner and, where given, the rest of its training.

    Nothing is changed unless everything fits: a file that is truncated or foreign, or of another learner, optimizer or run, is
    refused with a ValueError that says what differs and what to do. What is loaded are copies: the file may be replaced while
    they are in use. The optimizer keeps the learning rate and other settings that it has; only its memory of past gradients is
    read.
    """
    path = _path(path)
    about, tensors = _read(path)
    saved = _part(tensors, "learner/")
    _check_learner(path, about, saved, learner)
    if run is not None and "run" not in about:
        raise ValueError(
            f"{path} was written by an older hyperedu: its learner can be loaded, but its training cannot go on. Give another "
            "path"
        )
    if run is not None and (found := difference(about.get("run", {}), json.loads(json.dumps(dict(run))))):
        raise ValueError(f"{path} was trained differently ({found}): give another path, or train as then")
    dtypes = {name: value.dtype for name, value in learner.state_dict().items()}
    if run is not None and (found := next((n for n, value in saved.items() if value.dtype != dtypes[n]), None)):
        raise ValueError(
            f"{path} was trained in {saved[found].dtype}, and {found} has {dtypes[found]} here: give another path, or train "
            "in that dtype"
        )
    loads: list[tuple[nn.Module, dict[str, Tensor]]] = [(learner, saved)]
    for i, penalty in enumerate(penalties or {}):
        if isinstance(penalty, nn.Module):
            loads.append((penalty, _part(tensors, f"penalties/{i}/")))
            _check_shapes(path, name_of(penalty), loads[-1][1], penalty)
    memory = (
        None if optimizer is None else _optimizer_memory(path, about, tensors, optimizer, _order(optimizer, learner, penalties))
    )
    if rng is not None and "rng" not in tensors:
        raise ValueError(f"{path} holds no state of a source of randomness: leave out rng, or give another path")
    if schedule is not None:
        _advance(path, about, schedule)
    # From here on nothing can fail.
    for module, state in loads:
        module.load_state_dict(state)
    if optimizer is not None:
        groups = optimizer.param_groups
        optimizer.load_state_dict({"state": memory, "param_groups": optimizer.state_dict()["param_groups"]})
        optimizer.param_groups = groups  # not copies of them: whoever holds one can go on setting its rate
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


def _part(tensors: Mapping, prefix: str) -> dict:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


def _check_learner(path: Path, about: Mapping, saved: Mapping[str, Tensor], learner: Learner) -> None:
    own = type(learner).__name__
    kind = about["class"] if "class" in about else about["learner"]["class"]
    found = None if kind == own else f"{kind} in the file, {own} here"
    if found is None and "learner" in about:
        found = difference(about["learner"], facts(learner))
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


def _optimizer_memory(
    path: Path, about: Mapping, tensors: Mapping[str, Tensor], optimizer: torch.optim.Optimizer, order: list[list[str]]
) -> dict:
    """Parameter number → what the optimizer remembers of it."""
    own = type(optimizer).__name__
    if about.get("optimizer") != own:
        raise ValueError(
            f"{path} holds the state of {about.get('optimizer', 'no optimizer')}, not of {own}: give another path, or train "
            "with the optimizer it was made with"
        )
    groups = [len(group) for group in order]
    if groups != about["groups"]:
        raise ValueError(
            f"{path} was trained with groups of {about['groups']} parameters, this {own} has {groups}: give another path, or "
            "make the optimizer as it was"
        )
    if found := difference(about.get("order", order), order):
        raise ValueError(
            f"{path} was trained with an optimizer that was given its parameters in another order ({found}): give another "
            "path, or make the optimizer as it was"
        )
    now = _remembering(optimizer)
    if found := difference(about.get("remembering", now), now):
        raise ValueError(
            f"{path} was trained with an {own} that remembers something else ({found}): give another path, or make the "
            "optimizer as it was"
        )
    memory: dict[int, dict[str, object]] = {}
    for name, value in _part({**tensors, **about["optimizer_numbers"]}, "optimizer/").items():
        index, key = name.split("/", 1)
        memory.setdefault(int(index), {})[key] = value
    return memory


def _advance(path: Path, about: Mapping, schedule: LRScheduler) -> None:
    """Step a schedule to where that of the file was. It and its rates must be as in the file then, or are put back."""
    if "schedule" not in about:
        raise ValueError(f"{path} was trained without a schedule: give another path, or leave out schedule")
    saved, groups = about["schedule"], schedule.optimizer.param_groups
    before = copy.deepcopy(schedule.state_dict())
    settings = [{key: copy.deepcopy(value) for key, value in group.items() if key != "params"} for group in groups]
    with warnings.catch_warnings():
        # Where the optimizer was made anew, torch wants it to step first; it did, before the file was written.
        warnings.filterwarnings("ignore", message="Detected call of")
        for _ in range(saved["steps"] - _steps_of(schedule)):
            schedule.step()
    if found := difference(saved, _schedule_facts(schedule)):
        schedule.load_state_dict(before)
        for group, setting in zip(groups, settings, strict=True):
            group.update(setting)
        raise ValueError(
            f"{path} was trained with another schedule ({found}): give another path, or make the schedule and the learning "
            "rates as they were"
        )
