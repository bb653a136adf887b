"""How much memory this process may still take: what the machine has free or its container leaves it, whichever is less."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import psutil

CGROUPS, MEMBERSHIP = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")


def free_memory() -> int:
    """Bytes that can be taken before the machine swaps or the kernel is killed."""
    return min([psutil.virtual_memory().available, *_left_by_containers()])


def _left_by_containers() -> Iterator[int]:
    """What each control group that holds this process leaves free (Linux, versions 1 and 2); nothing where there is none."""
    for folder, limit, usage, cache in _groups():
        with contextlib.suppress(OSError, ValueError):  # no such group here, or "max": no limit
            most = int((folder / limit).read_text(encoding="utf-8"))
            used = int((folder / usage).read_text(encoding="utf-8"))
            with contextlib.suppress(OSError, ValueError):  # files that were read and are kept make room when it is needed
                stat = dict(line.split() for line in (folder / "memory.stat").read_text(encoding="utf-8").splitlines())
                used -= int(stat.get(cache, 0))
            yield max(0, most - used)


def _groups() -> Iterator[tuple[Path, str, str, str]]:
    """(folder, file of the limit, file of what is used, name of the cache that can be given back), from the own group up."""
    with contextlib.suppress(OSError):
        for line in MEMBERSHIP.read_text(encoding="utf-8").splitlines():
            _, controllers, name = line.split(":", 2)
            if controllers == "":
                root, files = CGROUPS, ("memory.max", "memory.current", "inactive_file")
            elif "memory" in controllers.split(","):
                root, files = CGROUPS / "memory", ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
            else:
                continue
            own = Path(name.lstrip("/"))
            for folder in (own, *own.parents):  # a container may see its own group as the root, hence up to the root
                yield root / folder, *files
