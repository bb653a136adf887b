"""What can be seen in the pictures is said in words too, and nothing is told by colour alone."""

import pytest
import torch
from torch.nn.utils import parameters_to_vector

from hyperedu import ColoradoClimate, Hypernetwork, MainNetwork, MLPGenerator, meta_test
from hyperedu.lessons.regularization.figures import StrengthPicture, by_stations


@pytest.fixture(scope="module")
def learners():
    """A family, and four learners: two strengths of two penalties."""
    family, random = ColoradoClimate(n_train=10), torch.Generator().manual_seed(0)
    main = MainNetwork.mlp([2, 8, 1], "tanh", family.y_mean, family.y_std)
    return family, [Hypernetwork(main, MLPGenerator(3, main, hidden=(8,), rng=random)) for _ in range(4)]


@pytest.fixture(scope="module")
def picture(learners):
    family, every = learners
    phi = torch.stack([parameters_to_vector(one.parameters()).detach() for one in every])
    return StrengthPicture(family, every[0], {"sensitivity": phi[:2], "weight norm": phi[2:]}, torch.tensor([0.0, 1.0]))


def test_the_sentence_compares_the_penalties_and_the_strengths(learners, picture):
    family, (weak, strong, _, other) = learners
    said = picture.update("sensitivity", 1.0, 0)
    for learner, words in (
        (strong, "RMSE {:.2f} °C on stations never seen, {:.2f} on those it was trained on;"),
        (weak, "at the weakest strength {:.2f} and {:.2f}."),
        (other, "With as much weight norm they are {:.2f} and {:.2f}."),
    ):
        assert words.format(*(meta_test(learner, tasks, 0).rmse for tasks in (family.test, family.train))) in said
    assert torch.equal(parameters_to_vector(picture.learner.parameters()), parameters_to_vector(strong.parameters()))


def test_penalties_differ_by_markers_which_stand_where_was_trained(picture):
    lines = [line for line in picture.errors.lines if line is not picture.here]
    assert [line.get_marker() for line in lines] == ["o", "o", "s", "s"]
    assert all(len(line.get_xdata()[:: line.get_markevery()]) == 2 for line in lines)


def test_errors_by_the_number_of_stations_differ_by_marker_and_dash():
    names = "none", "one", "other", "third", "linear"
    (axes,) = by_stations({name: [torch.tensor([1.0, 1.2])] * 2 for name in names}, (10, 20)).axes
    lines = [container.lines[0] for container in axes.containers]
    assert len({line.get_marker() for line in lines}) == len({line.get_color() for line in lines}) == len(names)
    assert len({line.get_linestyle() for line in lines}) >= 4
    assert [text.get_text() for text in axes.get_legend().get_texts()] == list(names)
