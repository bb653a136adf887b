"""Omniglot: characters of real alphabets, each drawn by 20 people. Lake, Salakhutdinov, Tenenbaum 2015, Science 350:1332."""

import hashlib
import io
import os
import shutil
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn.functional import interpolate
from tqdm.auto import tqdm

from hyperedu.tasks.characters import SIDE, Episodes
from hyperedu.words import _

__all__ = ["Omniglot"]

URL = "https://raw.githubusercontent.com/brendenlake/omniglot/master/python/"
# MD5, as torchvision's loader has them: no other sum of these files is published.
PUBLISHED = {
    "images_background.zip": "68d2efa1b9178cc56df9314c21c6e718",
    "images_evaluation.zip": "6b91aef0f799c5bb55b94e3f2daec811",
}
DRAWINGS = 20
PATIENCE = 30.0  # seconds without a byte
TRIES = 3
OFFLINE = "Without a network, Characters() has drawn characters, and Omniglot(path=…) reads a file that you have"


class Omniglot:
    """Real alphabets, N ways and K shots; x is an image (1, 28, 28), the mean ink of its 105 × 105 pixels, ink 1 on paper 0.

    Without arguments, the published split, downloaded once (14 MB, MIT licence) from its authors' public repository:
    30 background alphabets are `.train`, 20 evaluation alphabets `.test`. The files are read as they are, never unpacked.

    Args:
        path: an archive of the same layout (…/alphabet/character/drawing.png) instead, such as images_background_small1.zip.
        test: the alphabets of the archive that are held out; all of them for a set that is for tests alone.
        ways: how many classes a task has, where `sample` is not told.
        rotations: whether each training character, turned by 90, 180 and 270 degrees, counts as three more, as in the
            published protocol (Vinyals and others 2016, arXiv 1606.04080, section 4.1.1).
        folder: where downloads are kept; HYPEREDU_DATA, or hyperedu in the user's cache, if None.
        url: where they come from.

    Attributes:
        train, test: episodes of disjoint alphabets; `train` is None where all alphabets are held out.

    Raises:
        ValueError: an archive that is none of Omniglot's, or an alphabet that is not in it.
        OSError: a download that failed; what there is of it is kept, and the next attempt goes on from there.
    """

    train: "_Drawings | None"

    def __init__(
        self,
        path: str | Path | None = None,
        test: Sequence[str] = (),
        ways: int = 5,
        rotations: bool = False,
        folder: str | Path | None = None,
        url: str = URL,
    ):
        if path is None:
            if test:
                raise ValueError("the published split says which alphabets are held out: leave out test, or give a path")
            train, held_out = (_read(downloaded(name, folder, url)) for name in PUBLISHED)
        else:
            train, held_out = _split(_read(Path(path)), test)
        self.train = _Drawings(train, ways, rotations) if train else None
        self.test = _Drawings(held_out, ways, False)


class _Drawings(Episodes):
    """Episodes of stored drawings, of which none comes twice in an episode."""

    drawings_of_each = DRAWINGS

    def __init__(self, found: dict[str, Tensor], ways: int, rotations: bool):
        images, alphabets = torch.cat(list(found.values())), [name for name, x in found.items() for _ in x]
        if rotations:
            images = torch.cat([images.rot90(k, (-2, -1)) for k in range(4)])
            alphabets = [name if k == 0 else f"{name}, {90 * k}°" for k in range(4) for name in alphabets]
        super().__init__(alphabets, ways)
        self.images = images  # uint8 (n_characters, 20, 28, 28)

    def draw(self, characters: Tensor, n: int, rng: torch.Generator | None = None) -> Tensor:
        which = torch.rand(*characters.shape, DRAWINGS, generator=rng).argsort(-1)[..., :n]
        return self.images[characters.unsqueeze(-1), which].unsqueeze(-3).to(torch.get_default_dtype()) / 255


def _split(found: dict[str, Tensor], test: Sequence[str]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    if isinstance(test, str) or not test:
        raise ValueError(f"say which alphabets are held out, test=(…), among {', '.join(found)}")
    missing = [name for name in test if name not in found]
    if missing:
        raise ValueError(f"no alphabet is called {missing[0]!r} in this archive: choose among {', '.join(found)}")
    return {k: v for k, v in found.items() if k not in test}, {k: v for k, v in found.items() if k in test}


def _read(path: Path) -> dict[str, Tensor]:
    """alphabet → (n_characters, 20, 28, 28) uint8 of an archive."""
    if not path.is_file():
        raise ValueError(f"there is no file {path}: give an archive of Omniglot. {OFFLINE}")
    characters: dict[tuple[str, str], list[str]] = {}
    try:
        with zipfile.ZipFile(path) as archive:
            for name in sorted(archive.namelist()):
                parts = name.split("/")
                if name.endswith(".png") and len(parts) >= 3 and not parts[0].startswith("__MACOSX"):
                    characters.setdefault((parts[-3], parts[-2]), []).append(name)
            if not characters:
                raise ValueError(f"{path} has no drawings …/alphabet/character/drawing.png: it is no archive of Omniglot")
            found: dict[str, list[Tensor]] = {}
            bar = tqdm(characters.items(), desc=_("reading drawings"), disable=len(characters) < 300)
            for (alphabet, character), names in bar:
                if len(names) != DRAWINGS:
                    raise ValueError(
                        f"{path} has {len(names)} drawings of {alphabet}, {character}, and not {DRAWINGS}: it is damaged"
                    )
                found.setdefault(alphabet, []).append(_small([archive.read(name) for name in names]))
    except (zipfile.BadZipFile, EOFError, OSError) as error:
        raise ValueError(f"{path} is no whole zip file ({error}): get it again") from None
    return {alphabet: torch.stack(each) for alphabet, each in found.items()}


def _small(pngs: list[bytes]) -> Tensor:
    """Drawings as (20, 28, 28) uint8: the mean ink over areas."""
    pages = np.stack([np.asarray(Image.open(io.BytesIO(png)).convert("L"), dtype=np.float32) for png in pngs])
    ink = interpolate(torch.from_numpy(1 - pages / 255).unsqueeze(1), (SIDE, SIDE), mode="area")
    return (ink.squeeze(1) * 255).round().to(torch.uint8)


def downloaded(name: str, folder: str | Path | None = None, url: str = URL) -> Path:
    """The path of a published archive, which is downloaded where it is not there yet; never half-written, always checked."""
    base = Path(folder or os.environ.get("HYPEREDU_DATA") or Path.home() / ".cache" / "hyperedu")
    path, part = base / name, base / f"{name}.part"
    if path.exists():
        return path
    base.mkdir(parents=True, exist_ok=True)
    for attempt in range(TRIES):
        try:
            _fetch(url + name, part)
            break
        except OSError as error:  # a cut or silent connection; no network; the server's refusal
            gone = isinstance(error, urllib.error.HTTPError) and error.code < 500
            if gone or attempt == TRIES - 1:
                kept = f"; {part.stat().st_size:,} bytes are kept, call it again to go on" if part.exists() else ""
                raise OSError(f"{url}{name} could not be downloaded ({error}){kept}. {OFFLINE}") from None
            time.sleep(attempt)
    if hashlib.md5(part.read_bytes(), usedforsecurity=False).hexdigest() != PUBLISHED[name]:
        part.unlink()
        raise OSError(f"what came from {url}{name} is not the file that was published (its MD5 differs), and was thrown away")
    os.replace(part, path)
    return path


def _fetch(url: str, part: Path) -> None:
    """Download to `part`, going on from what is there where the server can."""
    have = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
    try:
        answer = urllib.request.urlopen(request, timeout=PATIENCE)
    except urllib.error.HTTPError as error:
        if error.code == 416 and have:  # nothing is left to fetch
            return
        raise
    with answer:
        have = have if answer.status == 206 else 0  # it goes on, or begins anew
        length = answer.headers.get("Content-Length")
        total = None if length is None else int(length) + have
        with part.open("ab" if have else "wb") as file:
            with tqdm.wrapattr(file, "write", total=total, initial=have, desc=part.stem) as counted:
                shutil.copyfileobj(answer, counted)
            file.flush()
            os.fsync(file.fileno())
    if total is not None and part.stat().st_size < total:
        raise ConnectionError(f"the connection ended after {part.stat().st_size:,} of {total:,} bytes")
