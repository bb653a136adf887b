"""The checks of this lesson's exercises."""

import torch

from hyperedu.lessons import feedback
from hyperedu.words import _


def weight_count(answer) -> None:
    feedback.number(
        answer,
        337,
        "MainNetwork.mlp([2, 16, 16, 1]).weight_dim says the same; the network above, with 32 in place of 16, has 1,185.",
        {
            304: "That counts the matrices but not the biases: each of the 16 + 16 + 1 units has one more number.",
            33: "Those are the biases alone: the matrices between the layers are missing.",
            35: "That is the number of units. The weights stand between the units: count the connections.",
            321: "One of the biases' vectors of length 16 is missing.",
            1185: "That is the network of the figure, with 32 units; here there are 16.",
        },
        "Add up, for each of the three layers, a · b weights and b biases.",
    )


def summit(answer, learner, family) -> None:
    def july(elevation, latitude, longitude, month=6):
        with torch.no_grad():
            theta = learner(family.describe(elevation, latitude, longitude), None)
            return learner.main(theta, family.x([month])).item()

    highest = family.stations["elevation"][family.train.index].max().item()
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
            july(4401.0, -106.4, 39.1): "Latitude and longitude have changed places.",
        },
        "The order of work is τ by family.describe, θ by learner.generator, x by family.x([6]), y by main.",
    )


def raw_descriptor(answer, family) -> None:
    if feedback.unanswered(answer):
        return
    place = feedback.tensor(answer, (3,))
    if place is None:
        return
    raw = torch.tensor([2000.0, 38.0, -107.5])
    if torch.allclose(place, family.descriptors(raw), atol=1e-4):
        feedback.right(
            "The generator was trained on standardised descriptors. Raw metres put it thousands of standard deviations "
            "away from everything it knows, and nothing raised an error: the shape was right."
        )
    elif torch.allclose(place, raw):
        feedback.wrong("These are still metres and degrees. The generator was trained on what family.describe returns.")
    elif torch.allclose(place, raw / raw.norm(), atol=1e-4):
        feedback.wrong(
            "Dividing by the norm is another scaling than the one in training: use the training stations' mean and "
            "standard deviation, as family.describe does."
        )
    else:
        feedback.wrong("Standardise each of the three numbers as in training: family.describe knows how.")
