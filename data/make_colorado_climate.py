"""Make colorado_climate.npz, the Colorado weather stations, from the R package *fields*.

    python data/make_colorado_climate.py                         # on Debian or Ubuntu: fetches r-cran-fields itself
    python data/make_colorado_climate.py r-cran-fields_14.1-1_amd64.deb
    python data/make_colorado_climate.py COmonthlyMet.rda        # the data file alone, from any copy of *fields*

You need this only to check where the data come from, as the result comes with the project. It takes NumPy and one more
package to read R's files: `pip install rdata`. The data are described in README.md, next to this file.
"""

import argparse
import hashlib
import io
import re
import subprocess
import tarfile
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np
import rdata

MISSING = -32768
ABBREVIATIONS = {"AP", "FAA", "KRTN", "NM", "RS", "UNC", "WSF", "WSFO", "WSO"}  # stay in capitals


def main():
    parser = argparse.ArgumentParser(description="Make colorado_climate.npz from the R package fields.")
    parser.add_argument("source", nargs="?", type=Path, help="r-cran-fields_*.deb or COmonthlyMet.rda (default: fetch)")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("colorado_climate.npz"))
    args = parser.parse_args()

    arrays = convert(read_rda(args.source))
    np.savez_compressed(args.out, **arrays)  # neither pickles nor a date: the same arrays, the same bytes
    for name, a in arrays.items():
        print(f"{name:14}{a.dtype.str:>5} {a.shape}")
    print(f"{args.out}: {args.out.stat().st_size} bytes, sha256 {hashlib.sha256(args.out.read_bytes()).hexdigest()}")


def read_rda(source: Path | None) -> bytes:
    """The bytes of COmonthlyMet.rda, from that file, from a Debian package, or (None) from one fetched by apt-get."""
    if source is None:
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run(["apt-get", "download", "r-cran-fields"], cwd=folder, check=True)
            return read_rda(next(Path(folder).glob("*.deb")))
    if source.suffix == ".rda":
        return source.read_bytes()
    tar = subprocess.run(["dpkg-deb", "--fsys-tarfile", source], check=True, stdout=subprocess.PIPE).stdout
    with tarfile.open(fileobj=io.BytesIO(tar)) as package:
        found = next(m for m in package if m.name.endswith("/COmonthlyMet.rda"))
        return package.extractfile(found).read()


def convert(rda: bytes) -> dict[str, np.ndarray]:
    """R's objects → the arrays of the npz file, stations in the order of their ids."""
    r = rdata.conversion.convert(rdata.parser.parse_data(rda))
    ids = np.array(r["CO.id"])
    order = np.argsort(ids, kind="stable")
    return {
        "name": np.array(tidy(r["CO.names"], ids))[order],
        "id": ids[order],
        "elevation": r["CO.elev"].astype(np.float32)[order],
        "latitude": r["CO.loc"]["lat"].to_numpy(np.float32)[order],
        "longitude": r["CO.loc"]["lon"].to_numpy(np.float32)[order],
        "year": np.array(r["CO.years"], np.int16),
        "tmax": pack(r["CO.tmax"], 10)[order],
        "tmin": pack(r["CO.tmin"], 10)[order],
        # The help text says mm, but these are cm (README.md shows why): 1 cm = 100 tenths of a mm.
        "precipitation": pack(r["CO.ppt"], 100)[order],
    }


def pack(values: np.ndarray, scale: int) -> np.ndarray:
    """(year, month, station) floats, NaN where missing → (station, year, month) int16, `scale` times larger."""
    values = values.transpose(2, 0, 1) * scale
    whole = np.round(values)
    known = np.isfinite(values)
    assert np.allclose(values[known], whole[known], atol=1e-6), "the data have more digits than we keep"
    assert np.abs(whole[known]).max() < -MISSING, "int16 is too small"
    return np.where(known, whole, MISSING).astype(np.int16)


def tidy(names, ids) -> list[str]:
    """'AKRON 4 E   ' → 'Akron 4 E'; names that occur twice get their id: 'Limon (055017)'."""
    names = [" ".join(word(w) for w in n.split()).replace("Mc ", "Mc") for n in names]
    count = Counter(names)
    return [n if count[n] == 1 else f"{n} ({i})" for n, i in zip(names, ids, strict=True)]


def word(w: str) -> str:
    if w in ABBREVIATIONS or re.fullmatch(r"\d*[NSEW]{1,3}", w):  # 4 E, 3SW: so many miles that way from the town
        return w
    return w.capitalize()


if __name__ == "__main__":
    main()
