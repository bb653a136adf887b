"""What is drawn by hand and by keyboard is the same, and the pictures show what the classifier is."""

import pytest
import torch

from hyperedu.batches import Examples
from hyperedu.learners import PrototypicalNetwork
from hyperedu.lessons.few_shot_characters.figures import ClassifierPicture, DrawingPicture, anatomy, drawing, rows_alike
from hyperedu.lessons.few_shot_characters.trainings import network
from hyperedu.tasks import Characters

CORNERS = (-0.5, 0.6), (0.5, 0.6), (0.5, -0.4)  # y upwards


@pytest.fixture(scope="module")
def tasks():
    return Characters().test


@pytest.fixture(scope="module")
def learner():
    torch.manual_seed(0)
    return PrototypicalNetwork(network(7))


@pytest.fixture
def picture(learner, tasks):
    picture = DrawingPicture({"prototypes": learner}, tasks)
    picture.update("prototypes", "Greek", 3, False)
    return picture


def by_hand(picture, paper, corners):
    for k, (x, y) in enumerate(corners):
        picture.move_pen(paper, x, -y, begins=k == 0)
    picture.update("prototypes", "Greek", 3, picture.adds)


def by_keyboard(picture, paper, corners):
    (x, y), *others = corners
    end_x, end_y = corners[-1]
    picture.update("prototypes", "Greek", 3, picture.adds, picture.papers[paper], x, y, False)
    picture.update("prototypes", "Greek", 3, picture.adds, picture.papers[paper], x, y, True)
    for to_x, to_y in others:
        picture.update("prototypes", "Greek", 3, picture.adds, picture.papers[paper], to_x, to_y, True)
    picture.update("prototypes", "Greek", 3, picture.adds, picture.papers[paper], end_x, end_y, False)


@pytest.mark.parametrize("paper", [0, 5])
def test_the_keyboard_draws_what_a_hand_draws(picture, learner, tasks, paper):
    other, before = DrawingPicture({"prototypes": learner}, tasks), picture.x.clone()
    other.update("prototypes", "Greek", 3, False)
    by_hand(picture, paper, CORNERS)
    by_keyboard(other, paper, CORNERS)
    torch.testing.assert_close(picture.x, other.x)
    changed = (picture.x != before).flatten(1).any(1)
    assert changed.nonzero().flatten().tolist() == [paper]
    ink = picture.x[paper, 0]
    assert ink[5, 14] > 0.3, "a line near the top: y goes upwards on the slider"
    assert ink[22, 14] < 1e-6


@pytest.mark.parametrize("draw", [by_hand, by_keyboard])
def test_a_press_begins_anew_unless_strokes_are_added(picture, draw):
    line, other = ((-0.5, 0.5), (0.5, 0.5)), ((-0.5, -0.5), (0.5, -0.5))
    draw(picture, 2, line)
    first = picture.x[2].clone()
    draw(picture, 2, other)
    second = picture.x[2].clone()
    assert first[0, 7].sum() > 3
    assert second[0, 7].sum() < 1e-6
    picture.adds = True
    draw(picture, 2, line)
    assert picture.x[2, 0, 7].sum() > 3
    assert picture.x[2, 0, 20].sum() > 3


def test_a_pen_that_is_not_down_leaves_no_line(picture):
    before = picture.x.clone()
    for x in (-0.5, 0.0, 0.5):
        picture.update("prototypes", "Greek", 3, False, "1", x, 0.0, False)
    assert torch.equal(picture.x, before)


def test_a_pen_that_goes_to_another_paper_begins_there(picture):
    picture.update("prototypes", "Greek", 3, False, "1", -0.5, 0.5, True)
    picture.update("prototypes", "Greek", 3, False, "2", 0.5, 0.5, True)
    assert picture.x[1, 0, :, :15].sum() < 1e-6


@pytest.mark.parametrize("adds", [False, True])
def test_a_pen_that_is_down_while_another_episode_comes_goes_on_there(picture, tasks, adds):
    picture.update("prototypes", "Greek", 3, adds, "2", -0.5, 0.5, True)
    picture.update("prototypes", "Greek", 4, adds, "2", -0.5, 0.5, True)
    new = tasks.sample(1, 1, 1, torch.Generator().manual_seed(4), ways=5, alphabet="Greek").support.x[0]
    assert torch.equal(picture.x[:5], new)
    picture.update("prototypes", "Greek", 4, adds, "2", 0.0, 0.5, True)
    picture.update("prototypes", "Greek", 4, adds, "2", 0.5, 0.5, True)
    torch.testing.assert_close(picture.x[1], drawing([torch.tensor([[0.0, -0.5], [0.5, -0.5]])]))
    picture.update("prototypes", "Greek", 5, adds)
    picture.move_pen(0, 0.2, 0.2, begins=False)  # a hand, too, may be down meanwhile
    assert picture.x[0].sum() > 0


def test_the_bars_are_what_the_written_classifier_says(picture, learner):
    by_hand(picture, 5, CORNERS)
    D = Examples(picture.x[None, :5], torch.arange(5)[None])
    with torch.no_grad():
        c = learner.encoder.codes(D)[0][0, :5]
        h = learner.main.features(learner(None, D), picture.x[None, 5:])[0, 0]
    p = (-(h - c).square().sum(-1)).softmax(0)
    torch.testing.assert_close(torch.tensor([bar.get_width() for bar in picture.bars]), p, atol=1e-4, rtol=1e-3)
    sentence = picture.update("prototypes", "Greek", 3, False)
    assert f"character {int(p.argmax()) + 1}," in sentence


def test_what_one_draws_twice_is_taken_for_itself(picture):
    by_hand(picture, 3, CORNERS)
    by_hand(picture, 5, CORNERS)
    assert max(range(5), key=lambda k: picture.bars[k].get_width()) == 3


def test_the_anatomy_shows_filters_rows_and_decisions(learner, tasks):
    batch = tasks.sample(1, 1, 4, torch.Generator().manual_seed(0), ways=5)
    figure = anatomy(learner, batch)
    filters, rows, decisions = (torch.as_tensor(axes.images[0].get_array().filled(torch.nan)) for axes in figure.axes[:3])
    theta = learner(None, batch.support).detach()
    named = learner.main.unflatten(theta[0])
    assert sorted(filters[~filters.isnan()].tolist()) == pytest.approx(sorted(named["0.weight"].flatten().tolist()))
    torch.testing.assert_close(filters[:3, :3].float(), named["0.weight"][0, 0])
    torch.testing.assert_close(rows.float(), named[learner.main.head[0]][:5])
    p = learner.main(theta, batch.query.x)[0].softmax(-1)[:, :5]
    torch.testing.assert_close(decisions.T.float(), p, atol=1e-5, rtol=1e-4)


def test_rows_are_compared_where_a_drawing_was_taken_for_another(learner, tasks):
    batch = tasks.sample(3, 1, 4, torch.Generator().manual_seed(0), ways=5)
    theta = learner(None, batch.support).detach()
    said, y = learner.main(theta, batch.query.x)[..., :5].argmax(-1), batch.query.y
    rows = learner.main.unflatten(theta)[learner.main.head[0]][:, :5]
    wrong, every = [], []
    for task in range(3):
        for k in range(5):
            for j in range(5):
                if j != k:
                    cosine = torch.cosine_similarity(rows[task, k], rows[task, j], dim=0)
                    every.append(cosine)
                    wrong += [cosine] * int(((y[task] == k) & (said[task] == j)).sum())
    expected = torch.stack(wrong).mean().item(), torch.stack(every).mean().item()
    assert rows_alike(learner.main, theta, said, y) == pytest.approx(expected, abs=1e-5)


def test_the_sentence_names_the_two_rows_most_alike(learner, tasks):
    picture = ClassifierPicture({"prototypes": learner}, tasks)
    sentence = picture.update("prototypes", "Greek", 2, 1, 0)
    rows = torch.as_tensor(picture.rows.get_array().filled())
    between = torch.cosine_similarity(rows[:, None], rows[None], dim=-1).triu(1)
    one, other = divmod(between.argmax().item(), 5)
    assert f"Rows {one + 1} and {other + 1} are most alike: their cosine is {between.max():.2f}" in sentence


def test_each_drawing_that_is_taken_for_another_has_a_frame_and_the_number_of_that_class(learner, tasks):
    picture = ClassifierPicture({"prototypes": learner}, tasks)
    y = torch.arange(5).repeat_interleave(6)
    for wrong in ({}, {0: 4, 13: 1, 29: 0}, {7: 3}, dict.fromkeys(range(30), 0)):  # many, then few: none is left over
        said = y.clone()
        for place, found in wrong.items():
            said[place] = found
        picture._mark(said, y)
        places = [place for place in range(30) if said[place] != y[place]]
        x = torch.tensor(picture.frames.get_xdata()).reshape(-1, 6)[:, :5]
        down = torch.tensor(picture.frames.get_ydata()).reshape(-1, 6)[:, :5]
        middles = [(d // 28 * 6 + a // 28) for a, d in zip(x.mean(1).tolist(), down.mean(1).tolist(), strict=True)]
        assert middles == places
        shown = [text for text in picture.taken_for if text.get_text()]
        assert [text.get_text() for text in shown] == [str(said[place].item() + 1) for place in places]
        corners = [(text.get_position()[1] // 28 * 6 + text.get_position()[0] // 28) for text in shown]
        assert corners == places
