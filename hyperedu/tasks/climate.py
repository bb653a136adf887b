"""The year of weather stations in and around Colorado: real measurements, with a description of every station."""

import difflib
import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from hyperedu.batches import Examples, TaskBatch, TaskSet, floats, whole
from hyperedu.descriptors import Metadata
from hyperedu.files import arrays, data_file
from hyperedu.words import _

FILE = "colorado_climate.npz"
SHA256 = "766c05ba73e2dca2233e5445bb6ed5ae13d6b6cf86e98ce81bade0923ff00e87"
UNITS = {"tmax": "°C", "tmin": "°C", "precipitation": "mm"}
MISSING = -32768
FEWEST_READINGS = 15  # in each calendar month, for a station to be kept


class ColoradoClimate:
    """One task per station: x = (sin, cos) of the time of year, y = a monthly climate variable, τ = where it is.

    The readings are those of American federal agencies, 1895 to 1997; `data/README.md` says what they are. τ is
    (elevation, latitude, longitude), standardised on the training stations. Stations with at least 15 readings in every
    calendar month are kept.

    Args:
        variable: "tmax" or "tmin" (monthly mean of the daily maximum or minimum, °C) or "precipitation" (mm per month).
        examples: "months": y is the station's mean year, and support and query sets are different months of it;
            "years": y are single readings, and support and query sets come from different years.
        split: which random choice of `n_test` held-out stations; each is fixed.
        n_test: how many stations are held out.
        n_train: how many of the others are trained on; all if None.
        path: the data file; the one that comes with the project if None.

    Attributes:
        train, test: disjoint sets of stations.
        stations: every station's properties, name → (n_stations,).
        mean_year: (n_stations, 12) mean of each calendar month.
        descriptors: the `Metadata` that makes τ.
        y_mean, y_std: of the training stations' mean years, for `MainNetwork.mlp`.
    """

    def __init__(
        self,
        variable: str = "tmax",
        examples: str = "months",
        split: int = 0,
        n_test: int = 60,
        n_train: int | None = None,
        path: str | Path | None = None,
    ):
        if variable not in UNITS:
            raise ValueError(f"no variable is called {variable!r}: choose one of {', '.join(UNITS)}")
        if examples not in ("months", "years"):
            raise ValueError(f"examples must be 'months' or 'years', got {examples!r}")
        data = _load(path)
        self.variable, self.unit, self.examples = variable, UNITS[variable], examples
        tenths = data[variable].astype(np.float32)
        readings = floats(np.where(tenths == MISSING, np.nan, tenths / 10))
        kept = (torch.isfinite(readings).sum(1) >= FEWEST_READINGS).all(1)
        self.readings = readings[kept]  # (n_stations, n_years, 12)
        self.mean_year = self.readings.nanmean(1)
        properties = {k: floats(data[k])[kept] for k in ("elevation", "latitude", "longitude")}
        self.stations = {"name": data["name"][kept.numpy()].tolist(), **properties}
        n = len(self.mean_year)
        whole("n_test", n_test, 1)
        whole("split", split, 0)
        if n_test >= n:
            raise ValueError(f"n_test must be between 1 and {n - 1}, since {n} stations have data; got {n_test}")
        order = torch.randperm(n, generator=torch.Generator().manual_seed(split))
        n_train = n - n_test if n_train is None else n_train
        whole("n_train", n_train, 2)
        if n_train > n - n_test:
            raise ValueError(f"n_train must be between 2 and {n - n_test}, the stations that are not held out; got {n_train}")
        held_out, training = order[:n_test].sort().values, order[n_test : n_test + n_train].sort().values
        values = torch.stack(list(properties.values()), dim=-1)
        self.descriptors = Metadata.fit(values[training], list(properties), ["m", "°", "°"])
        self.y_mean, self.y_std = self.mean_year[training].mean().item(), self.mean_year[training].std().item()
        self.train, self.test = _StationSet(self, training), _StationSet(self, held_out)

    def describe(self, elevation, latitude, longitude) -> Tensor:
        """τ (…, 3) of a place: elevation in m, latitude and longitude in degrees (west is negative)."""
        values = torch.broadcast_tensors(*map(floats, (elevation, latitude, longitude)))
        return self.descriptors(torch.stack(values, dim=-1))

    @staticmethod
    def x(month) -> Tensor:
        """Time of year → x (…, 2) = (sin, cos); month 0 is the middle of January, 12 is January again."""
        angle = floats(month) * (2 * math.pi / 12)
        return torch.stack([angle.sin(), angle.cos()], dim=-1)

    @property
    def axis_labels(self) -> tuple[str, str]:
        measured = {
            "tmax": _("mean daily maximum"),
            "tmin": _("mean daily minimum"),
            "precipitation": _("precipitation per month"),
        }
        return _("month"), f"{measured[self.variable]} ({self.unit})"

    ticks = (range(12), list("JFMAMJJASOND"))

    def axis(self) -> tuple[Tensor, Tensor]:
        """Months (n,) at which a year is drawn, in steps of a tenth, and the inputs x (n, 2) there."""
        months = torch.linspace(0, 11, 111)
        return months, self.x(months)

    def sentence(self, properties: Mapping[str, float], y: Tensor, truth: Tensor, nearest: TaskBatch) -> str:
        """The state of a picture in words: `y` (111,) is what a generated network draws, `truth` (12,) the nearest station."""
        return _(
            "At {elevation:,.0f} m, {latitude:.1f}° N, {west:.1f}° W the generated network draws {january:.1f} {unit} in "
            "January and {july:.1f} {unit} in July; {name}, the most similar station that it never saw ({height:,.0f} m), "
            "measured {measured_january:.1f} and {measured_july:.1f}.",
            elevation=properties["elevation"],
            latitude=properties["latitude"],
            west=-properties["longitude"],
            unit=self.unit,
            january=y[0],
            july=y[60],
            name=nearest.properties["name"][0],
            height=nearest.properties["elevation"][0],
            measured_january=truth[0],
            measured_july=truth[6],
        )

    def curve(self, tasks: TaskBatch) -> tuple[Tensor, Tensor, Tensor]:
        """What to draw of tasks: the months (12,), the x there (12, 2), and the mean years (n_tasks, 12, 1)."""
        months = torch.arange(12.0)
        return months, self.x(months), floats(self.mean_year)[[self.station(n) for n in tasks.properties["name"]]].unsqueeze(-1)

    def station(self, name: str) -> int:
        """The index of the station called `name` in `stations` and `mean_year`."""
        names = self.stations["name"]
        if name not in names:
            close = difflib.get_close_matches(name, names, n=3, cutoff=0.4)
            hint = f"; did you mean {' or '.join(map(repr, close))}?" if close else ""
            raise ValueError(f"no station is called {name!r} among the {len(names)} with data{hint}")
        return names.index(name)


class _StationSet(TaskSet):
    """Some of the stations of a `ColoradoClimate`; `index` (n_tasks,) says which."""

    def __init__(self, family: ColoradoClimate, index: Tensor):
        self.family, self.index, self.n_tasks = family, index, len(index)
        counts = torch.isfinite(family.readings[index]).sum(-1)  # readings per station and year
        # However the years of a station are halved, each half has at least so many readings.
        self.fewest = min(int(c[c > 0].sort().values[: int((c > 0).sum()) // 2].sum()) for c in counts)

    def most_queries(self, shots: int) -> int:
        return 12 - shots if self.family.examples == "months" else self.fewest

    def sample(self, n_tasks=None, shots=10, queries=10, rng=None) -> TaskBatch:
        self.check(n_tasks, shots, queries, rng)
        family = self.family
        if family.examples == "months" and shots + queries > 12:
            raise ValueError(
                f"{shots} shots and {queries} queries are {shots + queries} months, but a year has 12: "
                "ask for fewer, or for single readings with ColoradoClimate(examples='years')"
            )
        if family.examples == "years" and max(shots, queries) > self.fewest:
            raise ValueError(
                f"{shots} shots and {queries} queries asked for, but the station with the fewest readings has only "
                f"{self.fewest} for each"
            )
        which = self.index if n_tasks is None else self.index[torch.randperm(len(self.index), generator=rng)[:n_tasks]]
        if family.examples == "months":
            y, chosen = family.mean_year[which], torch.rand(len(which), 12, generator=rng).argsort(1)[:, : shots + queries]
        else:
            readings = family.readings[which]
            y, chosen = readings.flatten(1), torch.cat(self._two_halves(readings, shots, queries, rng), dim=1)
        examples = Examples(family.x(chosen % 12), floats(y).gather(1, chosen).unsqueeze(-1))
        values = {k: v[which] for k, v in family.stations.items() if k != "name"}
        names = [family.stations["name"][i] for i in which.tolist()]
        return TaskBatch(family.describe(**values), *examples.split(shots), {"name": names, **values})

    @staticmethod
    def _two_halves(readings: Tensor, shots: int, queries: int, rng) -> tuple[Tensor, ...]:
        """Indices of readings (n_tasks, shots) and (n_tasks, queries) from disjoint random halves of the years."""
        known = torch.isfinite(readings)
        some = known.any(-1)
        rank = (torch.rand(some.shape, generator=rng) + ~some).argsort(1).argsort(1)
        first = (rank < some.sum(1, keepdim=True) // 2).unsqueeze(-1)
        chance = torch.rand(known.shape, generator=rng)
        halves = ((first & known, shots), (~first & known, queries))
        return tuple((chance + ~half).flatten(1).argsort(1)[:, :n] for half, n in halves)


def _load(path: str | Path | None) -> dict[str, np.ndarray]:
    """The arrays of the data file, after its hash was checked."""
    found = Path(path) if path else data_file(FILE)
    if not found.exists():
        raise FileNotFoundError(f"there is no data file at {found}: leave out path for the one that comes with the project")
    altered = "is not the file that was published (its SHA-256 differs): it is damaged or was changed. Get it back with "
    return arrays(found, SHA256, f"{altered}`git checkout data/{FILE}`")
