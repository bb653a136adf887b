"""Checkpoints: safetensors files that are written whole or not at all, and refused unless they compute the same."""

import json
import os
import threading
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor, nn
from torch.optim.lr_scheduler import LRScheduler

from hyperedu.batches import expect
from hyperedu.facts import difference, facts
from hyperedu.history import History
from hyperedu.learners import Learner
from hyperedu.penalties import Penalties, name_of, parts
from hyperedu.snapshots import standing

__all__ = ["load_checkpoint", "save_checkpoint"]

VERSION = 2
FORMAT = "hyperedu-checkpoint-"
REMEMBERING = ("amsgrad", "centered", "momentum")  # settings on which it depends what torch's optimizers remember


def _path(path: str | Path) -> Path:
    """The path with ~ written out; a sentence for what is none, or a folder."""
    expect("path", path, (str, os.PathLike), "give the path of a file first, and then the learner")
    path = Path(path).expanduser()
    if path.is_dir():
        raise ValueError(f"{path} is a folder: a checkpoint is a file, such as {path / 'learner.safetensors'}")
    return path


def checked_path(path: str | Path) -> Path:
    """The path with ~ written out; a sentence if nothing can be written there."""
    path = _path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise ValueError(f"{path.parent} is not a folder that a file could be put into: give another path") from None
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
    modules = parts(learner, penalties)
    tensors = {f"{where}/{name}": value for where, part in modules.items() for name, value in part.state_dict().items()}
    about: dict[str, object] = {"learner": facts(learner), "run": dict(run or {})}
    if optimizer is not None:
        memory, numbers = _optimizer_state(optimizer)
        about |= _optimizer_facts(optimizer, modules) | {"optimizer_numbers": numbers}
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


def _optimizer_facts(optimizer: torch.optim.Optimizer, modules: Mapping[str, nn.Module]) -> dict[str, Any]:
    """For each group the names of its parameters, in the order in which the optimizer counts them, and what it remembers."""
    names = {p: f"{where}/{name}" for where, part in modules.items() for name, p in part.named_parameters()}
    groups = optimizer.param_groups
    return {
        "optimizer": type(optimizer).__name__,
        "groups": [len(group["params"]) for group in groups],
        "order": [[names.get(p, "another") for p in group["params"]] for group in groups],
        "remembering": [{key: bool(group[key]) for key in REMEMBERING if key in group} for group in groups],
    }


def _optimizer_state(optimizer: torch.optim.Optimizer) -> tuple[dict[str, Tensor], dict[str, object]]:
    """What an optimizer remembers of each parameter: its tensors, and its numbers and texts."""
    name, state = type(optimizer).__name__, optimizer.state_dict()["state"]
    held = {(index, key): value for index, values in state.items() for key, value in values.items()}
    for (_, key), value in held.items():
        if not isinstance(value, Tensor | bool | int | float | str | None):
            kind = type(value).__name__
            raise ValueError(f"{name} keeps a {kind} ({key}), which a checkpoint cannot hold: train without one")
    places = {f"optimizer/{index}/{key}": value for (index, key), value in held.items()}
    tensors = {place: value for place, value in places.items() if isinstance(value, Tensor)}
    return tensors, {place: value for place, value in places.items() if place not in tensors}


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
    modules = parts(learner, penalties)
    loads = [(part, _part(tensors, f"{where}/")) for where, part in modules.items()]
    (_, saved), *others = loads
    _check_learner(path, about, saved, learner)
    if run is not None:
        _check_run(path, about, saved, learner, run)
    for penalty, state in others:
        _check_shapes(path, state, penalty)
    memory = None if optimizer is None else _optimizer_memory(path, about, tensors, _optimizer_facts(optimizer, modules))
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
    return History(**{name: value.tolist() for name, value in _part(tensors, "history/").items()})


def _read(path: Path) -> tuple[dict, dict[str, Tensor]]:
    """The facts and the tensors of a file, in memory of our own: safetensors would map the file, and die with it."""
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


def _refusal(path: Path, said: str, advice: str) -> ValueError:
    return ValueError(f"{path} {said}: give another path, or {advice}")


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
    _check_shapes(path, saved, learner)


def _check_run(path: Path, about: Mapping, saved: Mapping[str, Tensor], learner: Learner, run: Mapping[str, object]) -> None:
    """A sentence where a training would not go on as it was."""
    if "run" not in about:
        raise ValueError(
            f"{path} was written by an older hyperedu: its learner can be loaded, but its training cannot go on. Give another "
            "path"
        )
    if found := difference(about["run"], json.loads(json.dumps(dict(run)))):
        raise _refusal(path, f"was trained differently ({found})", "train as then")
    here = learner.state_dict()
    for name, value in saved.items():
        if value.dtype != here[name].dtype:
            said = f"was trained in {value.dtype}, and {name} has {here[name].dtype} here"
            raise _refusal(path, said, "train in that dtype")


def _check_shapes(path: Path, saved: Mapping[str, Tensor], module: nn.Module) -> None:
    then, now = ({name: tuple(value.shape) for name, value in state.items()} for state in (saved, module.state_dict()))
    differ = sorted({name for name, _ in then.items() ^ now.items()})
    if differ:
        shapes = f"{then.get(differ[0], 'nothing')} in the file, {now.get(differ[0], 'nothing')} here"
        raise ValueError(
            f"{path} holds another {name_of(module)}: they differ in {differ[:3]} ({differ[0]}: {shapes}). Give another path, "
            "or make it as it was"
        )


def _optimizer_memory(path: Path, about: Mapping, tensors: Mapping[str, Tensor], here: Mapping[str, Any]) -> dict:
    """Parameter number → what the optimizer remembers of it."""
    own, said = here["optimizer"], ""
    if about.get("optimizer") != own:
        said = f"holds the state of {about.get('optimizer', 'no optimizer')}, not of {own}"
        raise _refusal(path, said, "train with the optimizer it was made with")
    if about["groups"] != here["groups"]:
        said = f"groups of {about['groups']} parameters, this {own} has {here['groups']}"
    elif found := difference(about.get("order", here["order"]), here["order"]):
        said = f"an optimizer that was given its parameters in another order ({found})"
    elif found := difference(about.get("remembering", here["remembering"]), here["remembering"]):
        said = f"an {own} that remembers something else ({found})"
    if said:
        raise _refusal(path, f"was trained with {said}", "make the optimizer as it was")
    memory: dict[int, dict[str, object]] = {}
    for name, value in _part({**tensors, **about["optimizer_numbers"]}, "optimizer/").items():
        index, key = name.split("/", 1)
        memory.setdefault(int(index), {})[key] = value
    return memory


def _advance(path: Path, about: Mapping, schedule: LRScheduler) -> None:
    """Step a schedule to where that of the file was. It and its rates must be as in the file then, or are put back."""
    if "schedule" not in about:
        raise _refusal(path, "was trained without a schedule", "leave out schedule")
    saved, put_back = about["schedule"], standing(schedule)
    with warnings.catch_warnings():
        # Where the optimizer was made anew, torch wants it to step first; it did, before the file was written.
        warnings.filterwarnings("ignore", message="Detected call of")
        for _ in range(saved["steps"] - _steps_of(schedule)):
            schedule.step()
    if found := difference(saved, _schedule_facts(schedule)):
        put_back()
        said = f"was trained with another schedule ({found})"
        raise _refusal(path, said, "make the schedule and the learning rates as they were")
