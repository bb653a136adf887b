"""Digits that are turned: the turning against closed forms, what is held out, and that a description is enough."""

import math

import pytest
import torch

from hyperedu import Digits, Hypernetwork, MainNetwork, MLPGenerator, SharedWeights, meta_test, meta_train
from hyperedu.tasks.digits import TEST_ARCS, turned


@pytest.mark.parametrize("quarters", [0, 1, 2, 3, 4, -1])
@pytest.mark.parametrize("shape", [(5, 8, 8), (2, 3, 7, 7)])
def test_quarter_turns_are_exact(quarters, shape, random):
    images = torch.rand(shape, generator=random)
    found = turned(images, torch.tensor(90.0 * quarters))
    torch.testing.assert_close(found, torch.rot90(images, quarters, (-2, -1)), atol=1e-5, rtol=0)


def test_a_plane_is_turned_as_a_plane():
    """Bilinear interpolation is exact on a linear function, inside the circle that stays on the paper."""
    y, x = torch.meshgrid(torch.arange(9.0) - 4, torch.arange(9.0) - 4, indexing="ij")
    plane, angle = 0.3 * x - 0.2 * y + 5, 25.0
    a = math.radians(angle)
    inside = x.square() + y.square() <= 9
    back_x, back_y = math.cos(a) * x - math.sin(a) * y, math.sin(a) * x + math.cos(a) * y
    found = turned(plane, torch.tensor(angle))
    torch.testing.assert_close(found[inside], (0.3 * back_x - 0.2 * back_y + 5)[inside], atol=1e-4, rtol=0)


def test_each_task_is_turned_by_its_own_angle(random):
    images, angles = torch.rand(3, 4, 8, 8, generator=random), torch.tensor([10.0, 90.0, 200.0])
    found = turned(images, angles.unsqueeze(-1))
    for i in range(3):
        torch.testing.assert_close(found[i], torch.stack([turned(one, angles[i]) for one in images[i]]))


def test_neither_angles_nor_drawings_are_shared(random):
    family = Digits()
    train, test = family.train.sample(2000, 0, 1, random), family.test.sample(2000, 0, 1, random)

    def in_arcs(angle):
        return torch.stack([(low <= angle) & (angle <= high) for low, high in TEST_ARCS]).any(0)

    assert in_arcs(test.properties["angle"]).all()
    assert in_arcs(train.properties["angle"]).float().mean() < 0.002  # 0° and 180° are ends of arcs
    assert ((train.properties["angle"] >= 0) & (train.properties["angle"] < 360)).all()
    for arc in range(12):  # training angles are everywhere else
        low = 30.0 * arc
        share = ((train.properties["angle"] >= low) & (train.properties["angle"] < low + 30)).float().mean().item()
        held_out = any(start <= low < end for start, end in TEST_ARCS)
        assert share == pytest.approx(0 if held_out else 1 / 9, abs=0.03)
    drawings = {part: {tuple(image.flatten().tolist()) for image in getattr(family, part).images} for part in ("train", "test")}
    assert not drawings["train"] & drawings["test"]
    assert len(family.train.images) + len(family.test.images) == 1797


def test_a_task_is_what_it_says(random):
    batch = Digits().train.sample(4, 2, 3, random)
    assert batch.support.x.shape == (4, 20, 64)
    assert batch.query.y.tolist() == [[d for d in range(10) for _ in range(3)]] * 4
    angle = batch.properties["angle"]
    torch.testing.assert_close(batch.descriptor, torch.stack([torch.cos(angle.deg2rad()), torch.sin(angle.deg2rad())], -1))
    assert torch.equal(Digits().train.sample(2, 1, 1, random, angle=90.0).properties["angle"], torch.tensor([90.0, 90.0]))


@pytest.mark.parametrize(
    ("kwargs", "word"),
    [
        ({"n_tasks": None}, "n_tasks"),
        ({"shots": 500}, "drawings"),
        ({"queries": 0}, "queries"),
        ({"angle": [1, 2, 3]}, "one for each"),
        ({"angle": [1, math.nan]}, "number of degrees"),
        ({"angle": math.inf}, "number of degrees"),
    ],
)
def test_what_cannot_be_sampled_gets_a_sentence(kwargs, word):
    with pytest.raises(ValueError, match=word):
        Digits().test.sample(**{"n_tasks": 2, **kwargs})


def test_told_the_angle_a_hypernetwork_reads_what_shared_weights_cannot():
    family, accuracy = Digits(), {}
    for name in ("shared", "told"):
        torch.manual_seed(0)
        main = MainNetwork.mlp([64, 32, 10], loss="cross_entropy")
        learner = SharedWeights(main) if name == "shared" else Hypernetwork(main, MLPGenerator(2, main, (32, 32)))
        meta_train(
            learner, family.train, 500, 8, 0, 3, optimizer=torch.optim.Adam(learner.parameters(), lr=2e-3), progress=False,
            rng=torch.Generator().manual_seed(0),
        )  # fmt: skip
        accuracy[name] = meta_test(learner, family.test, 0, 10, 100).accuracy
    assert accuracy["told"] > accuracy["shared"] + 0.03
    assert accuracy["told"] > 0.7
