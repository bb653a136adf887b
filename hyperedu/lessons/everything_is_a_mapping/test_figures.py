"""The figure of the lesson says in numbers what its question asks."""

import torch

from hyperedu import Hypernetwork, MainNetwork, MLPGenerator, Sinusoids
from hyperedu.lessons.everything_is_a_mapping.figures import LayersTriptych


def test_what_is_said_of_each_layer_is_how_much_it_changed():
    main, family = MainNetwork.mlp([1, 8, 8, 1]), Sinusoids()
    generator = MLPGenerator(2, main, rng=torch.Generator().manual_seed(0))
    picture = LayersTriptych(family, Hypernetwork(main, generator))
    middle, now = generator(torch.zeros(2)).detach(), generator(family.describe(4.0, 1.0)).detach()
    said = picture.update(amplitude=4.0, phase=1.0)
    for label, a, b in zip(("W₁", "b₁", "W₂"), main.unflatten(now).values(), main.unflatten(middle).values(), strict=False):
        assert f"{label} {(a - b).norm() / b.norm():.0%}" in said
    assert set(picture.changes().values()) != {0.0}
    assert picture.truth.get_zorder() > picture.curve.get_zorder(), "the true wave is not hidden"
    picture.update(amplitude=2.55, phase=torch.pi / 2)
    assert max(picture.changes().values()) < 1e-4
