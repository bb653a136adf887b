"""What the live figure says in words, so that who cannot see it can answer its *Predict*; and how its curves differ."""

import torch

from hyperedu.lessons.learning_to_learn.figures import QuadraticPicture


def test_the_sentence_says_where_each_start_lies_and_how_far_from_both_optima():
    picture = QuadraticPicture()
    sentence = picture.update(x_1=-2.0, y_1=0.0, x_2=2.0, y_2=1.0, steps=3)
    c = torch.tensor([[-2.0, 0.0], [2.0, 1.0]])
    for key, words in (("meta", "meta-learned start lies"), ("shared", "shared weights"), ("own", "your start")):
        start = torch.tensor([values[0] for values in picture.paths[key][1].get_data()])
        first, second = (start - c).norm(dim=-1)
        assert f"{words} at ({start[0]:.1f}, {start[1]:.1f}), {first:.1f} from c₁ and {second:.1f} from c₂" in sentence


def test_starts_and_tasks_differ_by_more_than_their_colour():
    picture = QuadraticPicture()
    curves = [curve for _line, _start, curve in picture.paths.values()]
    assert len({curve.get_linestyle() for curve in curves}) == len({curve.get_marker() for curve in curves}) == len(curves)
    assert picture.rings[0].get_linestyle() != picture.rings[1].get_linestyle()
