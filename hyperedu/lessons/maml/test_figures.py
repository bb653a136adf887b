"""The live figure follows a training, says what was asked, and shows what the lesson's text says that it shows."""

import pytest
import torch

from hyperedu import MAML, MainNetwork, Sinusoids, meta_train
from hyperedu.lessons.maml.figures import AdaptationPicture

pytestmark = pytest.mark.xdist_group("maml")  # one start is trained for all


@pytest.fixture(scope="module")
def trained():
    """The picture of a start that was trained as in the lesson."""
    torch.manual_seed(0)
    family, main = Sinusoids(), MainNetwork.mlp([1, 40, 40, 1])
    learner = MAML(main, steps=1, lr=0.01)
    picture = AdaptationPicture(family, main, learner.theta_0)
    before = picture.update(task=18, shots=10, alpha=0.01, steps=1)
    history = meta_train(learner, family.train, steps=2000, progress=False)
    return picture, before, history


def losses(picture, task, shots, alpha, steps=10):
    said = picture.update(task=task, shots=shots, alpha=alpha, steps=steps)
    return said, *picture.values


def test_it_follows_a_training(trained):
    picture, before, history = trained
    after = picture.update(task=18, shots=10, alpha=0.01, steps=1, history=history)
    assert after.startswith("After 2,000 batches of training. Task 18")
    assert after.split(". ", 1)[1] != before
    assert torch.equal(picture.theta_0, picture.given.detach())


def test_the_task_at_which_it_opens_falls_on_after_one_step(trained):
    said, _seen, unseen = losses(trained[0], 18, 10, 0.01)
    assert unseen[1] < unseen[0] / 4
    assert unseen[10] < unseen[1] / 2
    assert "W₁ has moved most for its size" in said
    assert "moved most" not in losses(trained[0], 18, 10, 0.01, steps=0)[0]


def test_with_too_large_a_rate_it_diverges(trained):
    said, seen, unseen = losses(trained[0], 18, 10, 0.03)
    assert (unseen[1:4] > unseen[:3]).all()
    assert not seen[10] < 100
    assert said.endswith("after 10 steps on 10 examples the loss has left the panel: with α = 0.030 this task diverges.")


def test_with_three_points_of_task_7_the_loss_on_unseen_ones_turns(trained):
    said, seen, unseen = losses(trained[0], 7, 3, 0.005)
    assert int(unseen.argmin()) == 1
    assert f"lowest, {unseen[1]:.3f}, after 1 step" in said
    assert unseen[10] > 1.4 * unseen[1]
    assert (seen.diff() < 0).all()


def test_the_curve_goes_about_half_the_way_after_a_single_wrong_point(trained):
    picture, *_ = trained
    support = picture.tasks.support.task(18)
    shares = []
    for x, y in torch.cat([support.x, support.y], -1)[:10].tolist():
        losses(picture, 18, 10, 0.01)
        there, off = torch.tensor([[x]]), -4.0 if y > 0 else 4.0
        before = picture.main(picture.thetas[10], there)
        picture.move_point(x, y, True)
        picture.move_point(x, y + off, False)
        losses(picture, 18, 10, 0.01)
        shares.append((picture.main(picture.thetas[10], there) - before).item() / off)
        picture.move_point(x, y, False)
    assert min(shares) > 0.2
    assert 0.35 < torch.tensor(shares).median() < 0.65
