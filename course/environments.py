"""Environments on top of this one, for what learners should not meet: graders, and what slides are made with."""

import hashlib
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import filelock

from editions import ROOT


def environment(folder: Path, pins: Path, purpose: str, *options: str) -> Path:
    """The Python of an environment that has what `pins` lists, and all that this one has; it is made where it is not there.

    Args:
        folder: where it is, or is to be.
        pins: a file of requirements, with every version.
        purpose: what it is for, as the reader is told.
        options: of pip's.
    """
    windows = sys.platform == "win32"
    python = folder / ("Scripts/python.exe" if windows else "bin/python")
    below, stamp = sysconfig.get_path("purelib"), folder / ".ready"
    digest = hashlib.sha256(f"{below}\n{pins.read_text(encoding='utf-8')}".encode()).hexdigest()
    with filelock.FileLock(folder.with_suffix(".lock")):  # who comes second waits, and finds it made
        if stamp.exists() and python.exists() and stamp.read_text(encoding="utf-8") == digest:
            return python
        print(f"Making the environment for {purpose}", flush=True)
        venv.create(folder, clear=True, symlinks=not windows)
        (packages(folder) / "below.pth").write_text(f"import site; site.addsitedir({below!r})\n", encoding="utf-8")
        pinned = ["-c", str(ROOT / "constraints.txt"), "-r", str(pins), *options]
        install = [sys.executable, "-m", "pip", "--python", str(python), "install", "--no-compile", "--quiet"]
        subprocess.run([*install, "--disable-pip-version-check", *pinned], check=True)
        stamp.write_text(digest, encoding="utf-8")
    return python


def packages(folder: Path) -> Path:
    """Where the packages of such an environment lie."""
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    return folder / ("Lib/site-packages" if sys.platform == "win32" else f"lib/{version}/site-packages")
