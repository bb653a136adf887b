"""The checks of this lesson's exercises."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

from hyperedu.generators import MLPGenerator
from hyperedu.lessons import feedback, probes, variants
from hyperedu.lessons.variants import plain
from hyperedu.words import _

RATE = 6.5  # °C by which air is colder with each kilometre, in a standard atmosphere


@dataclass(frozen=True)
class TwoHeights(variants.Solved):
    """What a station measures, °C, and two heights, m."""

    celsius: float = 23.0
    low: float = 1500.0
    high: float = 3500.0

    choices = {
        "celsius": (18.0, 19.0, 20.0, 21.0, 22.0, 23.0, 24.0, 25.0, 26.0),
        "low": (1200.0, 1300.0, 1400.0, 1500.0, 1600.0, 1700.0, 1800.0),
        "high": (2600.0, 2800.0, 3000.0, 3200.0, 3400.0, 3600.0, 3800.0),
    }

    def __str__(self) -> str:
        return _(
            "the station stands at {low:,.0f} m and measures {celsius:.0f} °C; asked is what is predicted for {high:,.0f} m",
            low=self.low,
            celsius=self.celsius,
            high=self.high,
        )

    @property
    def higher(self) -> float:
        """In kilometres."""
        return (self.high - self.low) / 1000

    @property
    def right(self) -> float:
        return self.celsius - RATE * self.higher

    def mistakes(self) -> Mapping[str, Any]:
        return {
            "It gets colder with height: the sign.": self.celsius + RATE * self.higher,
            "That is by how much colder it is; how warm is it then?": (RATE * self.higher, -RATE * self.higher),
            _(
                "What counts is the difference in height, {high} km less {low} km.",
                high=plain(self.high / 1000),
                low=plain(self.low / 1000),
            ): self.celsius - RATE * self.high / 1000,
            _("That is one kilometre higher; it is {n} km.", n=plain(self.higher)): self.celsius - RATE,
            "The lapse rate is per kilometre, not per metre.": self.celsius - RATE * (self.high - self.low),
            "Multiply the rate with the kilometres.": self.celsius - RATE / self.higher,
        }


@variants.keyed(TwoHeights)
def lapse(answer, two: TwoHeights) -> None:
    feedback.number(
        answer,
        two.right,
        "So much physics knows without any data. From its stations alone the network has learned a little more.",
        two.told(),
        "The temperature below, less the lapse rate times the difference in height, in kilometres.",
    )


@dataclass(frozen=True)
class Place(variants.Instance):
    """A place: m, degrees north, degrees west."""

    elevation: float
    north: float
    west: float

    def __str__(self) -> str:
        return _(
            "the place lies at {elevation:,.0f} m, {north:.1f}° N, {west:.1f}° W",
            elevation=self.elevation,
            north=self.north,
            west=self.west,
        )

    @property
    def described(self) -> tuple[float, float, float]:
        """As the stations of the family are: elevation, latitude, longitude."""
        return self.elevation, self.north, -self.west


@dataclass(frozen=True)
class Summit(Place):
    """A place above all stations; without a key Mount Elbert."""

    solution = "main(learner.generator(family.describe(*{numbers}.described)), family.x([6])).item()"

    elevation: float = 4401.0
    north: float = 39.1
    west: float = 106.4

    choices = {
        "elevation": (4290.0, 4310.0, 4330.0, 4350.0, 4370.0, 4390.0, 4410.0, 4430.0),
        "north": (37.4, 37.7, 38.1, 38.4, 38.8, 39.3, 39.6, 40.2),
        "west": (105.2, 105.5, 105.8, 106.1, 106.6, 107.0, 107.4),
    }


@dataclass(frozen=True)
class Raw(Place):
    """A place whose descriptor is to be written."""

    solution = "family.describe(*{numbers}.described)"

    elevation: float = 2000.0
    north: float = 38.0
    west: float = 107.5

    choices = {
        "elevation": (1600.0, 1700.0, 1900.0, 2100.0, 2200.0, 2300.0, 2500.0, 2600.0),
        "north": (37.3, 37.6, 37.9, 38.3, 38.6, 39.0, 39.4, 39.9, 40.3),
        "west": (104.3, 104.8, 105.3, 105.9, 106.3, 106.8, 107.2, 108.1),
    }


@variants.keyed(Summit)
def summit(answer, learner, family, place: Summit) -> None:
    def july(elevation, latitude, longitude, month=6):
        with torch.no_grad():
            theta = learner(family.describe(elevation, latitude, longitude), None)
            return learner.main(theta, family.x([month])).item()

    elevation, latitude, longitude = place.described
    heights = family.stations["elevation"][family.train.index]
    highest, top = heights.max().item(), family.train.index[heights.argmax()]
    measured = family.mean_year[top, 6].item()
    of_all = family.mean_year[family.stations["elevation"].argmax(), 6].item()
    feedback.number(
        answer,
        july(*place.described),
        _(
            "But take care: the highest training station stands at {highest:,.0f} m. Above it the generator "
            "extrapolates, and nothing here tells you how well.",
            highest=highest,
        ),
        {
            "That is a place in China: west longitudes are negative.": july(elevation, latitude, -longitude),
            "That is August: months are counted from 0, so July is 6.": july(*place.described, 7),
            "That is June: months are counted from 0, so July is 6.": july(*place.described, 5),
            "That is January.": july(*place.described, 0),
            "Latitude and longitude have changed places.": july(elevation, longitude, latitude),
            "That is what the highest station measured; asked is what the network that is written for the summit says.": (
                of_all,
                measured,
            ),
            "That is what an untrained generator says; the trained `learner` is there already.": (
                _untrained(learner, family, place)
            ),
            **place.of_the_text(lambda text: july(*text.described)),
        },
        "The order of work is τ by family.describe, θ by learner.generator, x by family.x([6]), y by main.",
        rel=2e-4,
    )


def _untrained(learner, family, place: Summit) -> float:
    """What a generator says that was made as the lesson makes it, and not trained."""
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(0)
        theta = MLPGenerator(descriptor_dim=3, main=learner.main)(family.describe(*place.described))
        return learner.main(theta, family.x([6])).item()


@variants.keyed(Raw)
def raw_descriptor(answer, family, place: Raw) -> None:
    raw = torch.tensor(place.described)
    tau, stations = (
        family.descriptors(raw),
        torch.stack([family.stations[k] for k in ("elevation", "latitude", "longitude")], -1),
    )
    known = stations[family.train.index].float()
    low, high = known.min(0).values, known.max(0).values
    probes.value(
        answer,
        tau,
        {
            "These are still metres and degrees. The generator was trained on what family.describe returns.": raw,
            "Dividing by the norm is another scaling than the one in training: use the training stations' mean and "
            "standard deviation, as family.describe does.": raw / raw.norm(),
            "Only the metres are standardised; degrees are no standardised numbers either.": torch.cat([tau[:1], raw[1:]]),
            "Kilometres are still no standardised numbers: the mean must be taken off, and the degrees have theirs.": torch.cat(
                [raw[:1] / 1000, raw[1:]]
            ),
            "That is the place between the least and the greatest of the stations; training had their mean and standard "
            "deviation.": ((raw - low) / (high - low)),
            "It is divided by the variance; the standard deviation is its root.": (raw - known.mean(0)) / known.var(0),
            "The mean is taken off, and the standard deviation is missing.": raw - known.mean(0),
            "It is standardised over its own three numbers; training has a mean and a standard deviation of each over "
            "the stations.": ((raw - raw.mean()) / raw.std()),
            "It is east of Greenwich: west longitudes are negative.": family.descriptors(raw.abs()),
            **place.of_the_text(lambda text: family.descriptors(torch.tensor(text.described))),
        },
        "The generator was trained on standardised descriptors. Raw metres put it thousands of standard deviations "
        "away from everything it knows, and nothing raised an error: the shape was right.",
        "Standardise each of the three numbers as in training: family.describe knows how.",
    )
