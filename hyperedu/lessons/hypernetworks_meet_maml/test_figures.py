"""What can be seen in the pictures is said in words too, and nothing is told by colour alone."""

from pathlib import Path

import pytest
import torch

from hyperedu import MAML, Hypernetwork, MLPGenerator
from hyperedu.lessons.hypernetworks_meet_maml.figures import DescribeOrShow, all_mappings

NOISES, SHOTS = (0.0, 0.5, 3.0), (1, 10)


@pytest.fixture
def picture(family, main, random):
    learners = {
        "described": Hypernetwork(main, MLPGenerator(2, main, rng=random)),
        "shown": MAML(main, steps=2, rng=random),
    }
    errors = {
        "described": torch.tensor([[[0.1, 0.1], [0.5, 0.5], [4.0, 4.0]]] * 2),  # (seeds, noises, shots)
        "shown": torch.tensor([[[2.0, 0.2]] * 3, [[2.0, 0.7]] * 3]),
    }
    return DescribeOrShow(family, learners, errors, NOISES, SHOTS)


def test_the_sentence_answers_what_the_map_shows(picture):
    """Whether examples still help, and from which noise on they alone win, at the nearest that was measured."""
    said = picture.update(task=0, noise=0.1, shots=8)
    assert "at noise 0 and 10 shots, the errors are: described 0.1, shown 0.45. With" in said
    assert "as the noise grows: described up to 0, shown up to 3." in said
    assert "at noise 3 and 1 shots, the errors are: described 4, shown 2." in picture.update(task=0, noise=3.0, shots=1)


def test_the_sentence_says_where_the_seeds_do_not_agree(picture):
    assert "shown 0.45 (the seeds do not agree on the least)." in picture.update(task=0, noise=0.5, shots=10)
    assert "agree" not in picture.update(task=0, noise=0.0, shots=10)


def test_learners_differ_by_their_markers_on_the_curves_and_on_the_map(picture):
    markers = [curve.get_marker() for curve in picture.curves.values()]
    assert len(set(markers)) == len(picture.learners)
    on_the_map = [points.get_offsets() for points in picture.map.collections]
    assert [len(points) for points in on_the_map] == [(picture.winner == k).sum() for k in range(2)]


def test_the_table_stands_in_words_too():
    """Every learner of the picture of all mappings is named in the lesson's own table."""
    (axes,) = all_mappings().axes
    names = {name.split(",")[0] for name in (text.get_text() for text in axes.texts) if name[:1].isupper()}
    lesson = (Path(__file__).parent / "lesson.py").read_text(encoding="utf-8")
    assert len(names) >= 7
    for name in names:
        assert f"| *{name}*" in lesson or f"; *{name}*" in lesson, name
