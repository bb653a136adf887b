"""Where the files are that come with the project, and whether they are what they were."""

import hashlib
from pathlib import Path

import numpy as np

__all__ = ["data_file"]

_HERE = Path(__file__).parent


def data_file(name: str) -> Path:
    """The path of a file of `data/`, in a checkout or in an installed package."""
    places = [_HERE / "data" / name, _HERE.parent / "data" / name]  # wheel, checkout
    found = next((place for place in places if place.exists()), None)
    if found is None:
        raise FileNotFoundError(
            f"{name} is not at {places[-1]}: get it back with `git checkout data/{name}`, or make it as data/README.md says"
        )
    return found


def arrays(path: Path, sha256: str, altered: str) -> dict[str, np.ndarray]:
    """The arrays of an .npz file, after its hash was checked; `altered` is said of another file."""
    if hashlib.sha256(path.read_bytes()).hexdigest() != sha256:
        raise ValueError(f"{path} {altered}")
    with np.load(path, allow_pickle=False) as file:
        return dict(file)
