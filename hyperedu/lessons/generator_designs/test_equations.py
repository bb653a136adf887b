"""What the lesson builds in front of the reader, number by number."""

import math

import pytest
import torch
from torch.nn.functional import gelu

from hyperedu import AttentionGenerator, ConvGenerator, MainNetwork, Sinusoids
from hyperedu.learners import Hypernetwork
from hyperedu.lessons.generator_designs.figures import DesignsTriptych, SizesPicture, TinyTriptych, cost_lines, likeness


@pytest.fixture
def main():
    return MainNetwork.mlp([1, 8, 8, 1])


def test_lesson_03_equation_2_the_codes(main):
    """Lesson 03, equation 2: a_i from its tensor's token and the cosines of the place (i − ½) / n, unit by unit."""
    generator = AttentionGenerator(2, main, dim=12, heads=1, layers=1, rank=4)
    t = torch.randn(12)
    for side in "ab":
        M, T, R = generator.codes[side], generator.of_token[side], generator.of_place[side]
        for i, code in enumerate(generator.unit_codes(t[None], 8, side)[0], 1):
            waves = torch.tensor([math.cos(math.pi * k * (i - 0.5) / 8) for k in range(1, 17)])
            torch.testing.assert_close(code, M(gelu(T(t)) * R(waves)), rtol=1e-4, atol=1e-5)


def test_lesson_03_equation_4(main):
    """Lesson 03, equation 4: convolutional, weight by weight, with the 3 x 3 kernels as sums over neighbours."""
    generator, tau = ConvGenerator(2, main, channels=3), torch.randn(2)
    s, shift = generator.film(generator.trunk(tau)).view(6, 2, 3)[2]
    r, c = generator.rows[2], generator.columns[2]  # (channels, 2): W₂ is 8 x 8
    small = torch.stack([torch.stack([(1 + s) * (r[:, i] + c[:, j]) + shift for j in range(2)]) for i in range(2)])

    def convolved(kernel, picture):  # (rows, columns, channels)
        out = kernel.bias.expand(2, 2, -1).clone()
        for i, j, di, dj in torch.cartesian_prod(*(torch.arange(n) for n in (2, 2, 3, 3))).tolist():
            if 0 <= i + di - 1 < 2 and 0 <= j + dj - 1 < 2:
                out[i, j] = out[i, j] + kernel.weight[:, :, di, dj] @ picture[i + di - 1, j + dj - 1]
        return out

    Z = convolved(generator.enlarge, gelu(convolved(generator.convolution, small)))
    W = torch.stack([torch.stack([Z[i // 4, j // 4, 4 * (i % 4) + j % 4] for j in range(8)]) for i in range(8)])
    std = main.unflatten(main.initial_std)["2.weight"]
    torch.testing.assert_close(main.unflatten(generator(tau))["2.weight"], std * W / generator.rms[2], rtol=1e-4, atol=1e-5)


def test_likeness_of_hills_tiles_and_noise():
    hills = torch.linspace(0, 6, 40).sin().outer(torch.linspace(0, 4, 40).cos())
    tiles = torch.randn(4, 4, generator=torch.Generator().manual_seed(0)).repeat(10, 10)
    assert likeness(hills, 1) > 0.9
    assert likeness(tiles, 4) == pytest.approx(1, abs=1e-5)
    assert abs(likeness(torch.randn(100, 100, generator=torch.Generator().manual_seed(0)), 1)) < 0.05


def test_what_is_said_below_the_figures_answers_what_was_asked(main):
    family, generator = Sinusoids(), AttentionGenerator(2, main, rng=torch.Generator().manual_seed(0))
    learner = Hypernetwork(main, generator)
    picture = TinyTriptych(family, learner)
    assert "Since the first position 0% of all" in picture.update(amplitude=2.0, phase=1.0)
    said = picture.update(amplitude=4.0, phase=1.0)
    theta, first = (learner.generator(family.describe(a, 1.0)) for a in (4.0, 2.0))
    assert f"{((theta - first).abs() > 0.01 * first.abs()).double().mean():.0%} of all weights" in said
    W = main.unflatten(theta.detach())["2.weight"]
    said = DesignsTriptych(family, {"attention": learner}).update(design="attention", amplitude=4.0, phase=1.0)
    assert said.endswith(f"side by side correlate {likeness(W, 1):.2f}, and weights four apart {likeness(W, 4):.2f}.")
    said = SizesPicture(family, {"8": learner}).update(amplitude=4.0, phase=1.0)
    flat = family.function(4.0, 1.0, torch.linspace(*family.x, 200)).square().mean()
    assert said.endswith(f"of the flat line y = 0 {flat:.3f}.")


def test_the_lines_of_costs_are_what_was_measured():
    costs = {name: torch.tensor([[10.0, 100.0], [3.0, k], [0.5, 0.7]]) for k, name in enumerate(("one", "two"), 4)}
    parameters, ms = cost_lines(costs).axes
    assert [line.get_ydata().tolist() for line in parameters.lines] == [[3, 4], [3, 5], [10, 100]]
    assert [line.get_ydata().tolist() for line in ms.lines] == [pytest.approx([0.5, 0.7])] * 2
