"""The course as one archive for a class, made of the files that git knows at a commit; the same commit gives the same bytes.

    python course/release.py write                        dist/hyperedu-<version>.zip
    python course/release.py write --without-solutions    dist/hyperedu-<version>-without-solutions.zip
    python course/release.py check dist/hyperedu-<version>.zip

The archive holds a manifest: the commit, the version of every package that the course is installed with, and the SHA-256 of
every file. `check` compares an archive with its own manifest.
"""

import argparse
import hashlib
import io
import json
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Mapping
from fnmatch import fnmatch
from pathlib import Path

from editions import EDITIONS, ROOT

MANIFEST = "MANIFEST.json"
# What a class has no use for.
NOT_FOR_A_CLASS = (".ci/*", ".pre-commit-config.yaml", "benchmarks/*")
# Besides the editions with answers: tests, which try right answers; what makes editions; the teacher's settings.
WITH_ANSWERS = ("tests/*", "hyperedu/lessons/*/test_*.py", "conftest.py", "course/*", "*.po", "hyperedu/lessons/*/projected.py")
CELL = re.compile(r"^(?=# %% )", re.MULTILINE)  # where a cell of a notebook's source begins
ANSWER = re.compile(r'# %% .*tags=\[.*"(?:solution|teacher)"')
MOMENT = (1980, 1, 1, 0, 0, 0)  # the same date for every file: the commit says when


def tracked(commit: str) -> dict[str, bytes]:
    """Every file of a commit: path → content.

    Raises:
        ValueError: there is no such commit, or no git repository.
    """
    packed = subprocess.run(["git", "archive", "--format=tar", commit], cwd=ROOT, capture_output=True)
    if packed.returncode:
        said = packed.stderr.decode("utf-8", "replace").strip()
        raise ValueError(f"a release is made from a commit of the course's git repository, and git says: {said}")
    with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as tar:
        return {member.name: tar.extractfile(member).read() for member in tar if member.isfile()}


def without_answers(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Neither the editions with answers nor what they are made from; of a notebook's source what a learner's edition has.

    The sources stay, since a notebook reads its quiz from them.
    """
    answered = tuple(f"{edition.folder}/" for edition in EDITIONS if edition.folder and edition.answered)
    kept = {}
    for path, content in files.items():
        if path.startswith(answered) or any(fnmatch(path, pattern) for pattern in WITH_ANSWERS):
            continue
        if fnmatch(path, "hyperedu/lessons/*/*.py"):
            parts = CELL.split(content.decode("utf-8"))
            content = "".join(part for part in parts if not ANSWER.match(part)).encode()
        kept[path] = content
    return kept


def chosen(files: Mapping[str, bytes], without_solutions: bool) -> dict[str, bytes]:
    """What of a commit's files goes into an archive."""
    kept = {path: files[path] for path in sorted(files) if not any(fnmatch(path, pattern) for pattern in NOT_FOR_A_CLASS)}
    return without_answers(kept) if without_solutions else kept


def packages(constraints: bytes) -> dict[str, str]:
    """name → version of every package in constraints.txt."""
    lines = (line.strip() for line in constraints.decode("utf-8").splitlines())
    return dict(line.split("==") for line in lines if "==" in line and not line.startswith("#"))


def manifest(files: Mapping[str, bytes], commit: str, without_solutions: bool) -> dict:
    return {
        "name": "hyperedu",
        "version": tomllib.loads(files["pyproject.toml"].decode("utf-8"))["project"]["version"],
        "commit": commit,
        "without_solutions": without_solutions,
        "packages": packages(files["constraints.txt"]),
        "files": {path: hashlib.sha256(content).hexdigest() for path, content in files.items()},
    }


def release(folder: Path, commit: str = "HEAD", without_solutions: bool = False) -> Path:
    """Write the archive of a commit and return where it is.

    Files are stored as they are and not compressed: a compressor may give other bytes in another version.

    Raises:
        ValueError: there is no such commit, or no git repository.
    """
    files = chosen(tracked(commit), without_solutions)
    exact = subprocess.run(["git", "rev-parse", f"{commit}^{{commit}}"], cwd=ROOT, capture_output=True, check=True).stdout
    said = manifest(files, exact.decode().strip(), without_solutions)
    name = f"hyperedu-{said['version']}"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / (name + "-without-solutions" * without_solutions + ".zip")
    part = path.with_suffix(".part")
    with zipfile.ZipFile(part, "w", zipfile.ZIP_STORED) as archive:
        for inside, content in [*files.items(), (MANIFEST, (json.dumps(said, indent=1) + "\n").encode())]:
            entry = zipfile.ZipInfo(f"{name}/{inside}", MOMENT)
            entry.create_system, entry.external_attr = 3, 0o644 << 16  # the same on every system
            archive.writestr(entry, content)
    part.replace(path)  # whole or not at all
    return path


def problems(path: Path) -> list[str]:
    """What in an archive is not as its manifest says; empty if it is whole."""
    try:
        with zipfile.ZipFile(path) as archive:
            files = {name.partition("/")[2]: archive.read(name) for name in archive.namelist()}
        said = json.loads(files.pop(MANIFEST))
        digests, pinned = said["files"], said["packages"]
    except (OSError, zipfile.BadZipFile, KeyError, ValueError) as error:
        return [f"{path} is no archive of the course, or damaged: {error}"]
    found = [f"{name} is missing" for name in digests if name not in files]
    found += [f"{name} is not in the manifest" for name in files if name not in digests]
    for name, content in files.items():
        if name in digests and hashlib.sha256(content).hexdigest() != digests[name]:
            found.append(f"{name} was changed")
    if packages(files.get("constraints.txt", b"")) != pinned:
        found.append("the manifest names other packages than constraints.txt")
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    write = commands.add_parser("write", help="make dist/hyperedu-<version>.zip of the last commit")
    write.add_argument("--without-solutions", action="store_true", help="leave out the answers and what holds them")
    check = commands.add_parser("check", help="compare an archive with its manifest")
    check.add_argument("archive", type=Path)
    arguments = parser.parse_args()
    if arguments.command == "check":
        found = problems(arguments.archive)
        print("\n".join(found) or f"{arguments.archive} is whole")
        return bool(found)
    try:
        path = release(ROOT / "dist", without_solutions=arguments.without_solutions)
    except ValueError as error:
        print(error)
        return 1
    changed = subprocess.run(["git", "status", "--porcelain"], cwd=ROOT, capture_output=True, check=True).stdout
    if changed:
        print("The archive is of the last commit; what git status shows since then is not in it.")
    print(f"{path}\nSHA-256 {hashlib.sha256(path.read_bytes()).hexdigest()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
