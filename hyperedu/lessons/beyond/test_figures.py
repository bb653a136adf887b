"""The pictures show what the networks do."""

import pytest
import torch

from hyperedu.lessons.beyond import adapters, clients, drawings, sequences
from hyperedu.lessons.beyond.figures import AdapterPicture, DrawingsPicture, ForgettingPicture, client_errors
from hyperedu.main_network import MainNetwork
from hyperedu.tasks import Digits


def test_forgetting_is_drawn_up_to_the_step():
    main, tasks = MainNetwork.mlp([1, 4, 1], "tanh"), sequences.polynomials()
    paths = {"one": torch.randn(7, 3, main.weight_dim), "other": torch.randn(7, 3, main.weight_dim)}
    picture = ForgettingPicture(main, tasks, paths)
    sentence = picture.update("other", 3 * sequences.EVERY)
    for k, (curve, line, task) in enumerate(zip(picture.curves, picture.lines, tasks, strict=True)):
        y = main(paths["other"][3, k], task.grid.x)
        torch.testing.assert_close(torch.tensor(line.get_ydata()), y[:, 0])
        shown = torch.tensor(curve.get_ydata())
        assert shown.isnan().tolist() == [False] * 4 + [True] * 3
        assert shown[3].item() == pytest.approx((y - task.grid.y).square().mean().item(), rel=1e-4)
    assert f"learning {tasks[1].name}" in sentence


@pytest.fixture(scope="module")
def walked():
    tasks = drawings.Drawings()
    learner = drawings.painter(tasks, torch.Generator().manual_seed(0)).eval()
    return tasks, learner, torch.randn(tasks.n_tasks, learner.main.weight_dim)


def test_a_place_on_the_map_is_drawn_by_the_network_that_is_written_there(walked):
    tasks, learner, _apart = walked
    picture = DrawingsPicture(learner, tasks)
    sentence = picture.update(*learner.encoder.table[5].tolist())
    ink = learner.main(learner.generator(learner.encoder.table[5]), drawings.coordinates()).view(28, 28)
    torch.testing.assert_close(torch.as_tensor(picture.image.get_array().data), ink.detach(), atol=1e-5, rtol=0)
    assert "nearest drawing is 5, 0.00 away" in sentence
    (names,) = picture.drag.values()
    assert names == ("tau_1", "tau_2")


@pytest.mark.parametrize("through", drawings.WAYS)
def test_a_walk_ends_at_its_drawing(walked, through):
    tasks, learner, apart = walked
    picture = DrawingsPicture(learner, tasks, apart)
    picture.walk(1, 9, 1.0, through)
    theta = apart[9] if "apart" in through else learner.generator(learner.encoder.table[9])
    ink = learner.main(theta, drawings.coordinates()).view(28, 28)
    torch.testing.assert_close(torch.as_tensor(picture.image.get_array().data), ink.detach(), atol=1e-5, rtol=0)
    assert (picture.star.get_xdata()[0], picture.star.get_ydata()[0]) == pytest.approx(tuple(learner.encoder.table[9].tolist()))


def test_what_is_said_and_what_is_done_are_chosen_apart():
    digits = Digits()
    frozen = adapters.reads_upright(digits)
    told = adapters.ToldDigits(digits.train, {"mirrored": ("mirrored",), "plain": ()}, lambda s: torch.eye(2)[: len(s)])
    learner = adapters.adapter(frozen, 4, told)
    tau = {"mirrored": torch.tensor([1.0, 0.0]), "plain": torch.tensor([0.0, 1.0])}
    picture = AdapterPicture(learner, tau.__getitem__, told, frozen, digits.test)
    shares = {}
    for said in tau:
        for done in ("nothing", "mirrored"):
            sentence = picture.update(said, done)
            shares[said, done] = [bar.get_height() for bar in picture.bars]
            assert f"reads {shares[said, done][1]:.0%}" in sentence
            named = learner.main.unflatten(learner.generator(tau[said])), learner.main.unflatten(frozen.theta_0)
            change = named[0]["0.weight"] - named[1]["0.weight"]
            torch.testing.assert_close(torch.as_tensor(picture.heat.get_array().data), change.detach())
            right = [label.get_text() == str(k) for k, label in enumerate(picture.labels)]
            assert right == [label.get_color() == "#0072B2" for label in picture.labels]
    assert shares["mirrored", "mirrored"][1] > 0.85
    assert shares["plain", "mirrored"][1] < 0.7 > shares["mirrored", "nothing"][1]
    assert shares["plain", "nothing"][1] > 0.85 < shares["plain", "nothing"][0]
    assert shares["plain", "mirrored"][0] == shares["mirrored", "mirrored"][0], "the frozen one hears nothing"


def test_each_way_stands_over_the_clients_that_it_is_for():
    runs = [{"written for each": dict.fromkeys(clients.GROUPS, 1.0 + k), "each alone": {"3 or 4": 2.0}} for k in range(3)]
    (axes,) = client_errors(runs).axes
    assert [label.get_text() for label in axes.get_xticklabels()] == list(clients.GROUPS)
    assert [t.get_text() for t in axes.get_legend().get_texts()] == ["written for each", "each alone"]
    alone = axes.containers[1].lines[0]
    assert alone.get_xdata().round().tolist() == [1]
    assert alone.get_ydata().tolist() == [2.0]
