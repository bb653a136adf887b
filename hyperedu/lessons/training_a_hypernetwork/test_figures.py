"""What the live figure says in words, so that who cannot see it can answer its *Predict*; and how its curves differ."""

import re

import pytest
import torch

from hyperedu import Hypernetwork, MainNetwork, MLPGenerator, Sinusoids
from hyperedu.lessons.training_a_hypernetwork.figures import PathTriptych, learning_curves


def test_the_sentence_says_how_good_the_ends_and_the_middle_are_and_how_far_theta_moves():
    random = torch.Generator().manual_seed(0)
    family, main = Sinusoids(), MainNetwork.mlp([1, 8, 1])
    learner = Hypernetwork(main, MLPGenerator(2, main, rng=random))
    amplitude, phase = torch.meshgrid(torch.linspace(1, 4, 3), torch.linspace(0, 3, 3), indexing="ij")
    separate = main.initial_weights(9, rng=random).view(3, 3, -1)
    picture = PathTriptych(family, learner, amplitude, phase, separate)
    sentence = picture.update(pair=4, along=0.5)
    pair = picture.pairs[4]
    A, p = amplitude.flatten()[pair], phase.flatten()[pair]
    ends = separate.flatten(0, 1)[pair]
    tau = family.describe(A, p)
    with torch.no_grad():
        theta = learner.generator(tau)
    truth = family.function(A[:, None, None], p[:, None, None], picture.x_axis)
    errors = [(main(w, picture.x_axis) - truth).square().mean(dim=(1, 2)).tolist() for w in (theta, ends)]
    written, trained = (f"{first:.3f} and {last:.3f}" for first, last in errors)
    assert f"at the two ends {written} written, {trained} trained" in sentence
    moved, bent, straight = map(
        float, re.search(r"moves by (.*) if written, .* of (.*) along .* by (.*) if", sentence).groups()
    )
    assert moved == pytest.approx((theta[1] - theta[0]).norm().item(), abs=0.06)
    assert straight == pytest.approx((ends[1] - ends[0]).norm().item(), abs=0.06)
    assert bent >= moved


def test_curves_that_coincide_differ_by_dash_and_marker():
    (axes,) = learning_curves({name: [2.0] * 120 for name in "abcd"}).axes
    looks = {(line.get_linestyle(), line.get_marker(), line.get_markevery()) for line in axes.lines}
    assert len(looks) == 4
    assert len({where for _dash, _marker, where in looks}) == 4, "no marker lies on another"
