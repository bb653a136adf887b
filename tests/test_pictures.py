import copy
import inspect
from pathlib import Path

import matplotlib
import numpy as np
import pytest
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from hyperedu import (
    MAML,
    AttentionGenerator,
    ChunkedGenerator,
    ColoradoClimate,
    Examples,
    Hypernetwork,
    MainNetwork,
    Metadata,
    MLPGenerator,
    Sinusoids,
    TaskBatch,
    TaskSet,
    adapt,
    figures,
    learners,
    live,
)
from hyperedu.figures import triptych
from hyperedu.figures.weights import heatmap
from hyperedu.lessons.generator_designs.figures import DesignsTriptych, SizesPicture, designs, sensitivity
from hyperedu.lessons.hypernetworks_meet_maml.figures import DescribeOrShow, all_mappings
from hyperedu.lessons.maml.figures import AdaptationPicture
from hyperedu.lessons.regularization.figures import StrengthPicture
from hyperedu.lessons.training_a_hypernetwork.figures import PathTriptych, learning_curves


@pytest.fixture
def learner(main):
    return Hypernetwork(main, MLPGenerator(2, main, rng=torch.Generator().manual_seed(0)))


@pytest.fixture(scope="module")
def climate():
    family, random = ColoradoClimate(), torch.Generator().manual_seed(0)
    main = MainNetwork.mlp([2, 8, 1], y_mean=family.y_mean, y_std=family.y_std)
    return family, Hypernetwork(main, MLPGenerator(3, main, rng=random))


@pytest.mark.parametrize("most", [100, 60, 25])
def test_of_a_picture_with_more_cells_than_can_be_seen_every_few_are_shown(most):
    main = MainNetwork.mlp([30, 70, 20])
    whole, grid = figures.WeightGrid(main), figures.WeightGrid(main, most)
    every = -(-max(whole.index.shape) // most)
    assert max(grid.index.shape) <= most
    assert torch.equal(grid.index, whole.index[(len(whole.index) - 1) // 2 % every :: every, ::every])
    for center, layer in zip(grid.centers, grid.labels, strict=True):
        assert center == pytest.approx(whole.centers[whole.labels.index(layer)] / every)


@pytest.mark.parametrize("height", range(40, 48))
def test_a_single_number_is_seen_beside_large_matrices(height):
    main = MainNetwork.mlp([height, height, 1])
    assert (figures.WeightGrid(main, 40).index == main.weight_dim - 1).any(), "the last bias"


@pytest.mark.parametrize("sizes", [[1, 40, 40, 1], [2, 5, 3], [30, 4]])
def test_every_weight_stands_in_the_heatmap_under_its_layer(sizes):
    main = MainNetwork.mlp(sizes)
    grid = figures.WeightGrid(main)
    shown = grid.index[grid.index < main.weight_dim]
    assert set(shown.tolist()) == set(range(main.weight_dim))
    start = 0
    for center, size in zip(grid.centers, main.sizes, strict=True):
        columns = (grid.index == start).any(0).nonzero().flatten()
        block = (grid.index >= start) & (grid.index < start + size)
        inside = block.any(0).nonzero().flatten()
        assert inside.min() <= columns.min()
        assert inside.float().mean().item() == pytest.approx(center)
        # a weight is as large as its neighbours of the same layer
        assert len({(grid.index == k).sum().item() for k in range(start, start + size)}) == 1
        start += size
    assert len(grid.labels) == len(main.shapes)
    theta = torch.arange(main.weight_dim).float()
    assert torch.equal(grid(theta)[grid.index < main.weight_dim], shown.float())
    assert grid(theta)[grid.index == main.weight_dim].isnan().all()


@pytest.mark.parametrize("extent", [None, (-1, 1, 1, -1), (0, 3, -2, 2)])
def test_each_cell_of_a_heatmap_has_the_colour_of_its_value(extent):
    figure = Figure((0.6, 0.4), dpi=100)  # ten pixels for a cell
    canvas, axes, norm = FigureCanvasAgg(figure), figure.add_axes((0, 0, 1, 1)), Normalize(0, 24)
    _, fill = heatmap(axes, 4, 6, "viridis", norm, extent)
    axes.axis("off")
    for values in (np.arange(24.0).reshape(4, 6), 23 - np.arange(24.0).reshape(4, 6)):
        fill(values)
        canvas.draw()
        colours = matplotlib.colormaps["viridis"](norm(values), bytes=True)
        assert np.array_equal(np.asarray(canvas.buffer_rgba()), colours.repeat(10, 0).repeat(10, 1))
    if extent:
        assert (*axes.get_xlim(), *axes.get_ylim()) == extent


def test_the_colours_of_weights_are_centred_on_zero(main):
    _, (axes,) = figures.subplots()
    fill = figures.weight_heatmap(axes, main, limit=1.5)
    fill(torch.ones(main.weight_dim))
    (image,) = axes.images
    assert (image.norm.vmin, image.norm.vmax) == (-1.5, 1.5)


def test_the_sinusoid_picture_shows_what_the_written_network_does(family, learner):
    picture = figures.Triptych(family, learner)
    sentence = picture.update(amplitude=2.0, phase=0.5)
    theta = learner.generator(family.describe(2.0, 0.5))
    x = torch.linspace(-5, 5, 200)
    y = learner.main(theta, x.unsqueeze(-1)).squeeze(-1).detach()
    torch.testing.assert_close(torch.as_tensor(picture.curve.get_ydata()), y)
    torch.testing.assert_close(torch.as_tensor(picture.truth.get_ydata()), 2 * torch.sin(x - 0.5))
    assert f"{(y - 2 * torch.sin(x - 0.5)).square().mean():.4f}" in sentence
    assert (picture.star.get_xdata()[0], picture.star.get_ydata()[0]) == (0.5, 2.0)


def test_the_climate_picture_names_the_most_similar_unseen_station(climate):
    family, learner = climate
    picture = figures.Triptych(family, learner)
    sentence = picture.update(elevation=3000, latitude=39.0, longitude=-106.0)
    tau = family.describe(3000, 39.0, -106.0)
    unseen = family.test.sample(None, 0, 12)
    nearest = (unseen.descriptor - tau).square().sum(-1).argmin()
    name = unseen.properties["name"][nearest]
    assert name in sentence
    assert name in picture.name.get_text()
    torch.testing.assert_close(torch.as_tensor(picture.truth.get_ydata()), family.mean_year[family.station(name)])
    y = learner.main(learner.generator(tau), family.x(picture.x_axis)).squeeze(-1).detach()
    torch.testing.assert_close(torch.as_tensor(picture.curve.get_ydata()), y)
    assert f"{y[0]:.1f} °C in January" in sentence
    assert picture.x_axis[60] == 6  # July
    assert f"{y[60]:.1f} °C in July" in sentence


class Lines(TaskSet):
    """y = slope x + offset: a reader's own family, of 20 tasks for training and 5 for testing."""

    def __init__(self, first, n_tasks, names):
        self.n_tasks, self.names = n_tasks, names
        self.values = torch.stack([torch.linspace(-1, 1, n_tasks), torch.linspace(first, 1, n_tasks)], -1)[:, : len(names)]
        self.descriptors = Metadata(names, ["m", ""][: len(names)], torch.zeros(len(names)), torch.ones(len(names)))

    def sample(self, n_tasks=None, shots=10, queries=10, rng=None):
        x = torch.linspace(0, 1, shots + queries).expand(self.n_tasks, -1).unsqueeze(-1)
        support, query = Examples(x, self.y(self.values, x)).split(shots)
        return TaskBatch(self.descriptors(self.values), support, query, {})

    def y(self, values, x):
        return values[:, :1, None] * x + (values[:, 1:, None] if values.shape[1] > 1 else 0)


class OwnFamily:
    axis_labels = ("x", "y")

    def __init__(self, *names):
        self.train, self.test = Lines(0.0, 20, list(names)), Lines(0.5, 5, list(names))
        self.descriptors = self.train.descriptors

    def axis(self):
        x = torch.linspace(0, 1, 30)
        return x, x.unsqueeze(-1)

    def curve(self, tasks):
        x = torch.linspace(0, 1, 7)
        return x, x.unsqueeze(-1), self.train.y(self.descriptors.values(tasks.descriptor), x.unsqueeze(-1))


@pytest.mark.parametrize("names", [("slope",), ("slope", "offset")])
def test_a_family_of_the_readers_own_is_drawn_without_a_line_of_drawing(main, names):
    family = OwnFamily(*names)
    assert isinstance(family, figures.Drawable)
    learner = Hypernetwork(main, MLPGenerator(len(names), main, rng=torch.Generator().manual_seed(0)))
    picture = figures.Triptych(family, learner)
    assert picture.controls == {"slope": (-1.0, 1.0), "offset": (0.0, 1.0)} or names == ("slope",)
    view = live.interact(picture.figure, picture.update, drag=picture.drag, **picture.controls)
    view.controls["slope"].value = 0.5
    assert view.problem == ""
    tau = family.descriptors(torch.tensor([view.controls[name].value for name in names]))
    x = torch.linspace(0, 1, 30).unsqueeze(-1)
    y = learner.main(learner.generator(tau), x).squeeze(-1).detach()
    torch.testing.assert_close(torch.as_tensor(picture.curve.get_ydata()), y)
    nearest = (family.test.sample().descriptor - tau).norm(dim=-1).argmin()
    known = family.curve(family.test.sample().task(int(nearest)))[2][0, :, 0]
    torch.testing.assert_close(torch.as_tensor(picture.truth.get_ydata()), known)
    there = learner.main(learner.generator(tau), family.curve(family.test.sample())[1]).squeeze(-1)
    assert view.sentence.startswith("Told slope 0.5")
    assert f"by {(there - known).square().mean().sqrt():.3g} (root" in view.sentence
    assert picture.where.get_xlabel() == ("slope (m)" if len(names) == 1 else "offset")
    assert bool(picture.drag) == (len(names) == 2)


def test_a_family_that_cannot_be_drawn_says_what_it_lacks(family, learner):
    class Bare:
        train, test = family.train, family.test

    with pytest.raises(ValueError, match="Bare cannot be drawn: it has no descriptors, axis_labels, axis, curve"):
        figures.Triptych(Bare(), learner)


def test_a_property_that_can_have_no_slider_is_named(main):
    """Otherwise Python says of interact(…, drag=picture.drag, **picture.controls) that it got multiple values for 'drag'."""
    taken = {name for name, p in inspect.signature(live.interact).parameters.items() if p.kind is not p.VAR_KEYWORD}
    assert set(triptych.RESERVED) == taken
    learner = Hypernetwork(main, MLPGenerator(2, main))
    with pytest.raises(ValueError, match="called 'drag' can have no slider: give it, or its column, another name"):
        figures.Triptych(OwnFamily("slope", "drag"), learner)


@pytest.mark.parametrize("kind", [Sinusoids, ColoradoClimate])
def test_the_families_of_the_course_are_drawable(kind):
    family = kind()
    assert isinstance(family, figures.Drawable)
    positions, x = family.axis()
    assert len(positions) == len(x)
    assert (positions.diff() > 0).all()
    tasks = family.test.sample(3, 0, 1)
    positions, x, y = family.curve(tasks)
    assert y.shape == (3, len(positions), 1)


def test_the_path_between_two_networks_begins_at_one_and_ends_at_the_other(family, learner, random):
    amplitude, phase = torch.meshgrid(torch.linspace(1, 4, 3), torch.linspace(0, 3, 3), indexing="ij")
    separate = learner.main.initial_weights(9, rng=random).view(3, 3, -1)
    picture = PathTriptych(family, learner, amplitude, phase, separate)
    for along in (0.0, 1.0):
        picture.update(pair=4, along=along)
        task = picture.pairs[4][round(along)]
        theta = separate.flatten(0, 1)[task]
        y = learner.main(theta, picture.x_axis).squeeze(-1)
        torch.testing.assert_close(torch.as_tensor(picture.blended.get_ydata()), y)
        tau = family.describe(amplitude.flatten()[task], phase.flatten()[task])
        y = learner.main(learner.generator(tau), picture.x_axis).squeeze(-1).detach()
        torch.testing.assert_close(torch.as_tensor(picture.written.get_ydata()), y, rtol=1e-4, atol=1e-4)


def test_the_adaptation_picture_walks_along_the_path(family, main, random):
    theta_0 = main.initial_weights(rng=random)
    picture = AdaptationPicture(family, main, theta_0)
    sentence = picture.update(task=2, shots=5, alpha=0.01, steps=3)
    tasks = picture.tasks
    path = adapt(main, theta_0, tasks.support.task(2).first(5), 3, 0.01)
    unseen = main.loss(path.final, tasks.query.task(2))
    assert f"after 3 steps on 5 examples the loss is {path.loss[3]:.3f} on the support set and {unseen:.3f} on" in sentence
    y = main(path.final, picture.x_axis)[:, 0].detach()
    torch.testing.assert_close(torch.as_tensor(picture.curve.get_ydata()), y)
    shown = torch.as_tensor(picture.change.images[0].get_array().filled(0.0)).float()
    assert shown.abs().max().item() == pytest.approx((path.final - theta_0).abs().max().item(), rel=1e-4)
    # the loss that the colour under the star says is that of θ, as far as it lies on the plane
    assert torch.as_tensor(picture.points).abs().max() <= 1
    assert "after 1 step on 1 example the loss" in picture.update(task=2, shots=1, alpha=0.01, steps=1)


def test_learning_curves_draw_every_history():
    histories = {"one": [4.0, 2.0, 1.0] * 40, "two": [3.0] * 120}
    (axes,) = learning_curves(histories).axes
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["one", "two"]
    one, two = axes.lines
    assert set(two.get_ydata().tolist()) == {3.0}
    assert one.get_ydata()[0] == pytest.approx(sum(histories["one"][:50]) / 50)
    assert one.get_xdata()[-1] == 119


def test_a_picture_is_shown_with_its_alt_text(monkeypatch):
    shown = []
    monkeypatch.setattr(figures.style, "display", lambda data, metadata, raw: shown.append((data, metadata)))
    figure, _ = figures.subplots(width=2, height=2)
    figures.show(figure, "an empty picture")
    ((data, metadata),) = shown
    assert data["image/png"]
    assert metadata == {"image/png": {"alt": "an empty picture"}}


@pytest.fixture
def describe_or_show(family, main, random):
    learners = {
        "described": Hypernetwork(main, MLPGenerator(2, main, rng=random)),
        "shown": MAML(main, steps=2, rng=random),
    }
    errors = {
        "described": torch.tensor([[[1.0, 1.0], [4.0, 4.0]], [[1.0, 1.0], [4.0, 2.0]]]),  # (seeds, noises, shots)
        "shown": torch.tensor([[[3.0, 0.5], [3.0, 3.0]], [[3.0, 0.5], [3.0, 3.0]]]),
    }
    return DescribeOrShow(family, learners, errors, noises=(0.0, 1.0), shots=(2, 10))


def test_the_map_says_who_errs_least_and_whether_the_seeds_agree(describe_or_show):
    picture = describe_or_show
    assert picture.winner.tolist() == [[0, 1], [1, 0]]
    said = {tuple(map(int, text.get_position())): text.get_text() for text in picture.map.texts}
    assert said == {(0, 0): "1", (1, 0): ".5", (0, 1): "3", (1, 1): "3?"}  # (shots, noise)


@pytest.mark.parametrize("noise", [0.0, 0.6])
def test_describe_or_show_draws_what_each_learner_makes_of_a_wrong_description(describe_or_show, noise):
    picture, k, shots = describe_or_show, 3, 4
    sentence = picture.update(task=k, noise=noise, shots=shots)
    tau = picture.tasks.descriptor[k] + noise * picture.error[k]
    D = picture.tasks.task(k).with_shots(shots).support
    for name, learner in picture.learners.items():
        y = learner.main(learner(tau[None], D)[0], picture.x).detach()
        torch.testing.assert_close(torch.as_tensor(picture.curves[name].get_ydata()), y[:, 0])
        assert f"{name} {(y - picture.y[k]).square().mean():.2f}" in sentence
    assert len(picture.shown.get_xdata()) == shots
    phase, amplitude = picture.family.descriptors.values(tau)[[1, 0]].tolist()
    assert (picture.star.get_xdata()[0], picture.star.get_ydata()[0]) == pytest.approx((phase, amplitude))
    assert (picture.here.get_xdata()[0], picture.here.get_ydata()[0]) == pytest.approx(((shots - 2) / 8, noise))
    best = "described" if noise < 0.5 else "shown"
    assert sentence.endswith(f"the best here is: {best}.")
    assert f"With {shots} examples the" in sentence
    assert "With 1 example the" in picture.update(task=k, noise=noise, shots=1)


def every_picture(family, learner, climate, describe_or_show):
    """Each picture of a learner, and values for its controls."""
    (stations, reader), own = climate, next(learner.parameters())
    others = {"one": learner, "two": learner}
    amplitude = torch.linspace(1, 4, 4).view(2, 2)
    theta = learner(family.describe(amplitude, amplitude / 2).to(own))  # takes a gradient
    phi = torch.nn.utils.parameters_to_vector(reader.parameters()).expand(2, -1)
    wave = {"amplitude": 2.0, "phase": 0.5}
    yield figures.Triptych(family, learner), wave
    yield PathTriptych(family, learner, amplitude, amplitude / 2, theta), {"pair": 4, "along": 0.5}
    yield DesignsTriptych(family, others), {"design": "two", **wave}
    yield SizesPicture(family, others), wave
    steps = {"task": 2, "shots": 5, "alpha": 0.01, "steps": 3}
    yield AdaptationPicture(family, learner.main, theta[0, 0]), steps
    yield describe_or_show, {"task": 3, "noise": 0.5, "shots": 4}
    yield figures.Triptych(stations, reader), {"elevation": 3000, "latitude": 39.0, "longitude": -106.0}
    strengths = StrengthPicture(stations, reader, {"sensitivity": phi}, torch.tensor([0.0, 1.0]))
    yield strengths, {"penalty": "sensitivity", "strength": 0.5, "station": 4}


def test_a_learner_in_another_precision_is_drawn_beside_families_that_are_not(family, learner, climate, describe_or_show):
    """As one on another device is: what is asked of a learner goes to where it is, and what is drawn comes back."""
    stations, reader = climate
    said = [picture.update(**values) for picture, values in every_picture(family, learner, climate, describe_or_show)]
    other = stations, copy.deepcopy(reader).double()
    for name, one in describe_or_show.learners.items():
        describe_or_show.learners[name] = copy.deepcopy(one).double()
    again = every_picture(family, copy.deepcopy(learner).double(), other, describe_or_show)
    assert [picture.update(**values) for picture, values in again] == said


def test_tensors_become_numpys_in_one_place():
    sources = Path(figures.__file__).parent.glob("*.py")
    assert sum(source.read_text(encoding="utf-8").count(".numpy()") for source in sources) == 1
    value = torch.ones(3, requires_grad=True)
    assert figures.style.as_numpy(2 * value).tolist() == [2, 2, 2]


def test_every_learner_stands_in_the_picture_of_all_mappings():
    (axes,) = all_mappings().axes
    said = " ".join(text.get_text() for text in axes.texts)
    every = [kind for kind in vars(learners).values() if isinstance(kind, type) and issubclass(kind, learners.Learner)]
    missing = {kind.__name__ for kind in every} - {"Learner"}
    assert {name for name in missing if name not in said} == {
        "FirstOrderMAML",
        "PrototypicalNetwork",
    }  # it is MAML trained in another way


def test_the_picture_of_designs_draws_the_one_that_is_chosen(family, learner, main):
    other = Hypernetwork(main, ChunkedGenerator(2, main, rng=torch.Generator().manual_seed(3)))
    picture = DesignsTriptych(family, {"connected": learner, "chunked": other})
    for name, chosen in (("chunked", other), ("connected", learner)):
        sentence = picture.update(design=name, amplitude=2.0, phase=0.5)
        y = main(chosen.generator(family.describe(2.0, 0.5)), torch.linspace(-5, 5, 200).unsqueeze(-1)).squeeze(-1).detach()
        torch.testing.assert_close(torch.as_tensor(picture.curve.get_ydata()), y)
        assert sentence.startswith(f"{name.capitalize()}, {sum(p.numel() for p in chosen.parameters()):,} parameters")


def test_the_picture_of_sizes_runs_every_main_network(family, random):
    small, large = MainNetwork.mlp([1, 6, 1]), MainNetwork.mlp([1, 9, 9, 1])
    generator = AttentionGenerator(2, small, rng=random)
    learners = {"small": Hypernetwork(small, generator), "large": Hypernetwork(large, generator.for_main(large))}
    picture = SizesPicture(family, learners)
    sentence = picture.update(amplitude=3.0, phase=1.0)
    truth = 3.0 * torch.sin(picture.x_axis - 1.0)
    for name, learner in learners.items():
        y = learner.main(learner(family.describe(3.0, 1.0)), picture.x_axis).detach()
        torch.testing.assert_close(torch.as_tensor(picture.curves[name].get_ydata()), y[:, 0])
        assert f"{name} {(y - truth).square().mean():.3f}" in sentence


def test_the_sensitivity_of_layers_is_written_where_it_belongs(main):
    changes = {name: torch.rand(6, 2, generator=torch.Generator().manual_seed(k)) for k, name in enumerate(("one", "two"))}
    figure = sensitivity(changes, main.shapes, ["amplitude", "phase"])
    for k, axes in enumerate(figure.axes[:2]):
        said = {(t.get_position()[1], t.get_position()[0]): t.get_text() for t in axes.texts}
        assert said[1, 3] == f"{changes['two'][3, k]:.2f}"
        assert axes.get_xticklabels()[3].get_text() == "b₂"


def test_the_row_of_designs_shows_each(family, learner, main):
    other = Hypernetwork(main, ChunkedGenerator(2, main, rng=torch.Generator().manual_seed(3)))
    figure = designs({"connected": learner, "chunked": other}, family.describe(2.0, 1.0))
    panels = [axes for axes in figure.axes if axes.images]
    for axes, shown in zip(panels, (learner, other), strict=True):
        theta = shown.generator(family.describe(2.0, 1.0)).detach()
        image = torch.as_tensor(axes.images[0].get_array().filled(0.0)).float()
        assert image.abs().max().item() == pytest.approx(theta.abs().max().item(), rel=1e-5)


@pytest.mark.parametrize("shape", [(15,), (17,), (2, 16), (1, 16)])
def test_the_weights_of_another_network_are_refused(shape):
    grid = figures.WeightGrid(MainNetwork.mlp([1, 5, 1]))
    with pytest.raises(ValueError, match=r"must be \(16,\)"):
        grid(torch.zeros(shape))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_short_numbers_can_be_drawn(dtype):
    _, (axes,) = figures.subplots()
    theta = torch.linspace(-1, 1, 16, dtype=dtype)
    fill = figures.weight_heatmap(axes, MainNetwork.mlp([1, 5, 1]), figures.weight_limit(theta))
    fill(theta)
    assert axes.images[0].get_array().max() == 1
