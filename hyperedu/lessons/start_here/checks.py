"""The checks of this lesson's exercises."""

import torch

from hyperedu.generators import MLPGenerator
from hyperedu.lessons import feedback, probes
from hyperedu.words import _


def lapse(answer) -> None:
    denver, higher, rate = 23.0, 3.5 - 1.5, 6.5
    feedback.number(
        answer,
        denver - rate * higher,
        "So much physics knows without any data. From its stations alone the network has learned a little more.",
        {
            denver + rate * higher: "It gets colder with height: the sign.",
            rate * higher: "That is by how much colder it is; how warm is it then?",
            -rate * higher: "That is by how much colder it is; how warm is it then?",
            denver - rate * 3.5: "What counts is the difference in height, 3.5 km less 1.5 km.",
            denver - rate: "That is one kilometre higher; it is two.",
            denver - rate * 2000: "The lapse rate is per kilometre, not per metre.",
            denver - rate / higher: "Multiply the rate with the kilometres.",
        },
        "The temperature below, less the lapse rate times the difference in height, in kilometres.",
    )


def summit(answer, learner, family) -> None:
    def july(elevation, latitude, longitude, month=6):
        with torch.no_grad():
            theta = learner(family.describe(elevation, latitude, longitude), None)
            return learner.main(theta, family.x([month])).item()

    heights = family.stations["elevation"][family.train.index]
    highest, top = heights.max().item(), family.train.index[heights.argmax()]
    measured = family.mean_year[top, 6].item()
    of_all = family.mean_year[family.stations["elevation"].argmax(), 6].item()
    feedback.number(
        answer,
        july(4401.0, 39.1, -106.4),
        _(
            "But take care: the highest training station stands at {highest:,.0f} m. Above it the generator "
            "extrapolates, and nothing here tells you how well.",
            highest=highest,
        ),
        {
            july(4401.0, 39.1, 106.4): "That is a place in China: west longitudes are negative.",
            july(4401.0, 39.1, -106.4, 7): "That is August: months are counted from 0, so July is 6.",
            july(4401.0, 39.1, -106.4, 5): "That is June: months are counted from 0, so July is 6.",
            july(4401.0, 39.1, -106.4, 0): "That is January.",
            july(4401.0, -106.4, 39.1): "Latitude and longitude have changed places.",
            of_all: "That is what the highest station measured; asked is what the network that is written for the summit says.",
            measured: "That is what the highest station measured; asked is what the network that is written for the "
            "summit says.",
            _untrained(learner, family): "That is what an untrained generator says; the trained `learner` is there already.",
        },
        "The order of work is τ by family.describe, θ by learner.generator, x by family.x([6]), y by main.",
        rel=2e-4,
    )


def _untrained(learner, family) -> float:
    """What a generator says that was made as the lesson makes it, and not trained."""
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(0)
        theta = MLPGenerator(descriptor_dim=3, main=learner.main)(family.describe(4401.0, 39.1, -106.4))
        return learner.main(theta, family.x([6])).item()


def raw_descriptor(answer, family) -> None:
    raw = torch.tensor([2000.0, 38.0, -107.5])
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
        },
        "The generator was trained on standardised descriptors. Raw metres put it thousands of standard deviations "
        "away from everything it knows, and nothing raised an error: the shape was right.",
        "Standardise each of the three numbers as in training: family.describe knows how.",
    )
