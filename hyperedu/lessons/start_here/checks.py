"""The checks of this lesson's exercises."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import permutations
from typing import Any

import torch
from torch import Tensor

from hyperedu.generators import MLPGenerator
from hyperedu.lessons import feedback, probes, variants
from hyperedu.lessons.variants import plain
from hyperedu.tasks.climate import ColoradoClimate
from hyperedu.words import _

RATE = 6.5  # °C by which air is colder with each kilometre, in a standard atmosphere
STEEPEST = 9  # °C per kilometre; linear regression finds less than 6 in the mean of the year
ENOUGH = 1.8  # °C, below which the error of a generator of one's own is good
SUSPECT = 1.4  # times as large is the error at training stations if those kept aside were fitted


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


@dataclass(frozen=True)
class Stations:
    """Some stations, and how well three weights, y = θ₁ sin + θ₂ cos + θ₃, draw their years.

    Attributes:
        tau: (n, 3).
        raw: (n, 3) elevation in m, latitude and longitude in degrees.
        years: (n, 12), °C.
        x: (12, 3) sin and cos of each month, and 1.
    """

    tau: Tensor
    raw: Tensor
    years: Tensor
    x: Tensor

    def rmse(self, theta: Tensor) -> float:
        """Equation (2), averaged over the stations, with θ (n, 3)."""
        return (theta @ self.x.T - self.years).square().mean(-1).sqrt().mean().item()

    @property
    def best(self) -> Tensor:
        """The θ of each station that draws its own year with the least squared error."""
        return torch.linalg.lstsq(self.x, self.years.T).solution.T


@cache
def _family() -> ColoradoClimate:
    return ColoradoClimate("tmax")


@cache
def _stations(which: str) -> Stations:
    """Those of a set of the lesson's family, "train" or "test"."""
    family, index = _family(), getattr(_family(), which).index
    raw = torch.stack([family.stations[name] for name in family.descriptors.names], -1)[index]
    x = torch.nn.functional.pad(family.x(torch.arange(12)), (0, 1), value=1.0)
    return Stations(family.descriptors(raw), raw, family.mean_year[index].double(), x.double())


def own_generator(answer) -> None:
    probes.made(answer, [_writes_weights, _place_by_place, _not_one_for_all, _near, _not_from_the_unseen], _how_near)


def _theta(f: Callable, tau: Tensor) -> Tensor:
    """What it writes for places (n, 3), as (n, 3).

    Raises:
        Said: this is no θ for each place.
    """
    found = probes.outcome(f, lambda: (tau.clone(),), ("τ",), learns=False)
    case = probes.in_words((tau,), ("τ",))
    if found.error is not None:
        raise probes.Said(probes.raised(found.error, case))
    if found.changed:
        raise probes.Said(_("It changes τ in place: whoever calls it has other numbers afterwards."))
    one, *more = found.values or (tau.new_zeros(0),)
    theta = torch.stack([one, *more]) if more and all(other.shape == one.shape for other in more) else one
    if len(tau) == 1 and theta.shape == (3,):  # a list of one place is flat
        theta = theta.unsqueeze(0)
    if theta.shape != tau.shape:
        raise probes.Said(_shape(tuple(theta.shape), case))
    if not theta.isfinite().all():
        raise probes.Said(_("For {case} it gives nan or inf: a division by zero, or the spread of a single place?", case=case))
    return theta


def _shape(shape: tuple[int, ...], case: str) -> str:
    n = len(_stations("test").tau)
    if 12 in shape:
        return _(
            "The shape is {shape}: are these temperatures? Asked for are weights, three for each place; `three` makes twelve "
            "temperatures of them.",
            shape=shape,
        )
    if shape in ((3,), (1, 3)):
        return _("For {case} it gives a single θ: a generator writes one for each τ.", case=case)
    if shape == (3, 3):
        return _(
            "For {case} it gives (3, 3): tau[0] is the first place with all its numbers, tau[:, 0] the first number of all "
            "places.",
            case=case,
        )
    if shape == (3, n):
        return _(
            "For {case} it gives (3, {n}): that is the transpose, a row for each weight, not for each place.", case=case, n=n
        )
    return _("For {case} a row of three weights for each place is asked for, it gives {shape}.", case=case, shape=shape)


def _writes_weights(f) -> str:
    if not callable(f):
        kind = type(f).__name__
        return _("A function is asked for, this is {kind}: it will be called on the stations kept aside.", kind=kind)
    _theta(f, _stations("test").tau)
    return ""


def _place_by_place(f) -> str:
    """What a place gets must follow from its own τ, in whatever company it comes."""
    tau = _stations("test").tau
    together, reverse = _theta(f, tau), _theta(f, tau.flip(0)).flip(0)
    alone = torch.cat([_theta(f, tau[k : k + 1]) for k in (0, 1, 2)])
    away = max((together - reverse).abs().max().item(), (together[:3] - alone).abs().max().item())
    if away < 1e-3:
        return ""
    return _(
        "The same place gets another θ in other company or order, by up to {away:.2g}. Does f take a mean over the places that "
        "it is called with, count them, or draw at random? θ must follow from the place's own τ.",
        away=away,
    )


def _not_one_for_all(f) -> str:
    test = _stations("test")
    theta = _theta(f, test.tau)
    if (theta - theta[0]).abs().max() > 1e-3:
        return ""
    return _(
        "All places get the same θ: f does not use τ. The same year for all has an RMSE of {error:.2f} °C.",
        error=test.rmse(theta),
    )


def _flat() -> float:
    """The error at the stations kept aside of one θ for all, the mean of the training stations'."""
    return _stations("test").rmse(_stations("train").best.mean(0))


def _near(f) -> str:
    test = _stations("test")
    theta = _theta(f, test.tau)
    error = test.rmse(theta)
    if error < ENOUGH:
        return ""
    for said, meant in _meant_otherwise(f, theta):
        if test.rmse(meant) < min(_flat(), error / 2):
            return _("The RMSE is {error:.2f} °C. {said}", error=error, said=_(said, would=test.rmse(meant)))
    return _where_it_errs(f, theta, error)


def _meant_otherwise(f: Callable, theta: Tensor) -> Iterator[tuple[str, Tensor]]:
    """What is said if the weights are good in another form → they in this form."""
    test, family = _stations("test"), _family()
    for order in permutations(range(3)):
        yield (
            "In another order your weights have {would:.2f}: `three` takes first what is multiplied with sin, then with cos, "
            "then the bias.",
            theta[:, order],
        )
    yield (
        "With the other sign of θ₂ it would be {would:.2f}: family.x([0]), January, is (0, 1), and January is cold.",
        theta * theta.new_tensor([1.0, -1.0, 1.0]),
    )
    yield (
        "With an output scaled as that of `main` it would be {would:.2f}; but `three` scales nothing, it draws °C.",
        family.y_std * theta + theta.new_tensor([0.0, 0.0, family.y_mean]),
    )
    yield (
        "Called with metres and degrees it has {would:.2f}; but it is called with τ, what family.describe makes of them.",
        _theta(f, test.raw),
    )


def _where_it_errs(f: Callable, theta: Tensor, error: float) -> str:
    test, metres = _stations("test"), _stations("train").raw[:, 0].std().item()
    low, high = _theta(f, torch.tensor([[-1.0, 0.0, 0.0], [1.0, 0.0, 0.0]]))[:, 2].tolist()
    if high > low + 1:
        return _(
            "The RMSE is {error:.2f} °C. From τ₁ = −1 to τ₁ = 1, upwards, its year gets warmer by {by:.1f} °C.",
            error=error,
            by=high - low,
        )
    if low - high > STEEPEST * 2 * metres / 1000:
        return _(
            "The RMSE is {error:.2f} °C. Its year gets colder by {by:.1f} °C with each kilometre: one unit of τ₁ is one "
            "standard deviation of the heights, {metres:.0f} m.",
            error=error,
            by=(low - high) / 2 / metres * 1000,
            metres=metres,
        )
    elevation = test.tau * test.tau.new_tensor([1.0, 0.0, 0.0])
    if (theta - _theta(f, elevation)).abs().max() < 1e-3:
        return _(
            "The RMSE is {error:.2f} °C, and must be below {enough}. It goes by elevation alone: what else does τ say of a "
            "place, and which weight should follow it?",
            error=error,
            enough=ENOUGH,
        )
    mean, swing = theta.clone(), theta.clone()
    mean[:, 2], swing[:, :2] = test.best[:, 2], test.best[:, :2]
    return _(
        "The RMSE is {error:.2f} °C, and must be below {enough}. Were θ₃, the mean of the year, the best for each station, "
        "it would be {mean:.2f}; were θ₁ and θ₂, its swing, {swing:.2f}. Begin with what gains more.",
        error=error,
        enough=ENOUGH,
        mean=test.rmse(mean),
        swing=test.rmse(swing),
    )


def _not_from_the_unseen(f) -> str:
    train, test = _stations("train"), _stations("test")
    seen, unseen, best = train.rmse(_theta(f, train.tau)), test.rmse(_theta(f, test.tau)), test.rmse(test.best)
    if seen > SUSPECT * unseen:
        return _(
            "At the training stations it errs by {seen:.2f} °C, at those kept aside by only {unseen:.2f}: were these in what "
            "it was made from? Take family.train.index.",
            seen=seen,
            unseen=unseen,
        )
    if unseen < best / 0.95:
        return _(
            "At the stations kept aside it errs by {unseen:.2f} °C, as little as weights that were fitted to their own years, "
            "{best:.2f}: were these in what it was made from? Take family.train.index.",
            unseen=unseen,
            best=best,
        )
    return ""


def _how_near(f) -> str:
    test = _stations("test")
    return _(
        "At the {n} stations kept aside it errs by {error:.2f} °C; one θ for all has {flat:.2f}, the best three weights of "
        "each station have {best:.2f}. Whatever makes θ of τ is a generator; training is one way to find one.",
        n=len(test.tau),
        error=test.rmse(_theta(f, test.tau)),
        flat=_flat(),
        best=test.rmse(test.best),
    )
