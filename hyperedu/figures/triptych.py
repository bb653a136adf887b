"""The signature picture: descriptor → weights → function, of any family that says how its tasks are drawn."""

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from torch import Tensor

from hyperedu.batches import Family, TaskBatch, TaskSet
from hyperedu.descriptors import Metadata
from hyperedu.figures import style
from hyperedu.figures.style import BLACK, BLUE, GREY, MAGNITUDE, VERMILION, as_numpy, in_style, nothing_over, title, written
from hyperedu.figures.weights import weight_heatmap, weight_limit
from hyperedu.learners import Learner
from hyperedu.main_network import MainNetwork
from hyperedu.words import _

SHOWN = {"train": 100, "test": 25}  # tasks in the first panel, where there are endlessly many
RESERVED = ("figure", "update", "play", "drag")  # what `live.interact` calls something else: no slider can have the name


@runtime_checkable
class Drawable(Family, Protocol):
    """A family whose tasks can be drawn, by `Triptych` and by pictures that compare learners.

    It may also have `ticks`, the positions and the labels of the function's axis; `truth(axis, **properties)` → y (n,), where
    there is a task for any properties; and `sentence(properties, y, truth, nearest)`, the state in words.

    Attributes:
        descriptors: the `Metadata` that makes τ: its names are those of the sliders.
        axis_labels: of the function's two axes, with units.
    """

    descriptors: Metadata
    axis_labels: tuple[str, str]

    def axis(self) -> tuple[Tensor, Tensor]:
        """Positions (n,) at which a generated function is drawn, ascending, and the inputs x (n, d_in) there."""
        ...

    def curve(self, tasks: TaskBatch) -> tuple[Tensor, Tensor, Tensor]:
        """What is known of tasks: positions (m,), the inputs x there (m, d_in), and y (n_tasks, m, 1), NaN where it is not."""
        ...


class Panels:
    """Three panels: τ, a point in descriptor space → θ, the generated weights → y = g_θ(x).

    Attributes:
        figure: for `live.interact`.
        where, weights, what: the panels. Draw what stands still into `where` and `what`.
        drag: for `live.interact`: the sliders that are the axes of `where`, so that the star can be taken by hand.
    """

    @in_style()
    def __init__(self, main: MainNetwork, x_axis: Tensor, weight_limit: float):
        self.figure, (self.where, self.weights, self.what) = style.subplots(3, width_ratios=(1.05, 1, 1.15))
        title(self.where, _("τ   where we are"))
        title(self.weights, _("θ = f(τ)   {n:,} weights", n=main.weight_dim))
        title(self.what, _("y = g(θ, x)   what it does"))
        self.drag: dict[Axes, tuple[str, str]] = {}
        self.fill_weights = weight_heatmap(self.weights, main, weight_limit)
        self.x_axis = x_axis
        self.what.set_xlim(x_axis[0].item(), x_axis[-1].item())
        star = {"color": VERMILION, "markersize": 20, "mec": "black", "zorder": 5, "ls": "none", "label": _("τ now")}
        (self.star,) = self.where.plot([], [], "*", **star)
        (self.curve,) = self.what.plot(*nothing_over(x_axis), color=VERMILION, lw=3, zorder=4)

    def move(self, position: tuple[float, float], theta: Tensor, y: Tensor) -> None:
        """Show τ at `position` in the first panel, θ (P,) in the second, y (n,) over `x_axis` in the third."""
        self.star.set_data([position[0]], [position[1]])
        self.fill_weights(theta)
        self.curve.set_ydata(as_numpy(y))


class Triptych(Panels):
    """The signature picture of a learner on a family: `update(**properties)`, a value for each that the descriptor has.

    In the first panel the last property is the horizontal axis and the one before it the vertical one; a third is a colour.
    So a figure of any family is `live.interact(picture.figure, picture.update, drag=picture.drag, **picture.controls)`.

    Args:
        family: one that is `Drawable`; `Sinusoids` and `ColoradoClimate` are, and a reader's own can be.
        learner: told τ, with a main network for the family's x and y.
        seed: of the tasks that are shown, where there are endlessly many.

    Attributes:
        controls: for `live.interact`: each property with the range that it has in the training tasks.

    Raises:
        ValueError: the family does not say how it is drawn, or a property has a name that no slider can have.
    """

    @in_style()
    def __init__(self, family: Drawable, learner: Learner, seed: int = 0):
        missing = ", ".join(name for name in ("descriptors", "axis_labels", "axis", "curve") if not hasattr(family, name))
        if missing:
            said = _("{kind} cannot be drawn: it has no {missing} (see Drawable)", kind=type(family).__name__, missing=missing)
            raise ValueError(said)
        self.family, self.learner, self.names = family, learner, family.descriptors.names
        for name in set(self.names) & set(RESERVED):
            said = _("a property called {name!r} can have no slider: give it, or its column, another name", name=name)
            raise ValueError(said)
        rng = torch.Generator().manual_seed(seed)
        train, self.test = (_some(getattr(family, part), n, rng) for part, n in SHOWN.items())
        x_axis, self.x = family.axis()
        super().__init__(learner.main, x_axis, weight_limit(written(learner, train.descriptor)))
        self.across, self.up, self.shade = (self.names[-k] if k <= len(self.names) else None for k in (1, 2, 3))
        ranges = self._properties(train.descriptor).items()
        self.controls = {name: (float(values.min()), float(values.max())) for name, values in ranges}
        self._draw_tasks(train)
        self._draw_functions(train)

    def _draw_tasks(self, train: TaskBatch) -> None:
        """The descriptors of both sets, over two of their properties, coloured by a third."""
        looks = {"train": {"s": 14, "color": BLUE}, "test": {"s": 30, "facecolor": "none", "edgecolor": BLACK}}
        if self.shade:
            shades = self._properties(torch.cat([train.descriptor, self.test.descriptor]))[self.shade]
            shared = {"s": 18, "cmap": MAGNITUDE, "vmin": shades.min(), "vmax": shades.max()}
            looks = {"train": shared, "test": shared | {"s": 42, "edgecolor": BLACK, "linewidth": 1.3}}
        for batch, part, label in ((train, "train", _("training")), (self.test, "test", _("never seen"))):
            at = self._properties(batch.descriptor)
            colour = {"c": at[self.shade]} if self.shade else {}
            dots = self.where.scatter(at[self.across], self._height(at), label=label, **colour, **looks[part])
        labels = {
            n: _(n) + (f" ({unit})" if unit else "") for n, unit in zip(self.names, self.family.descriptors.units, strict=True)
        }
        self.where.set(xlabel=labels[self.across], ylabel=labels[self.up] if self.up else "")
        if self.up:
            self.drag = {self.where: (self.across, self.up)}
        else:
            self.where.set_yticks([])
        ring = {"color": "none", "mec": BLUE, "mew": 2.5, "markersize": 13, "zorder": 4, "ls": "none"}
        (self.ring,) = self.where.plot([], [], "o", **ring)
        if self.shade:
            bar = self.figure.colorbar(dots, ax=self.where, aspect=14, pad=0.02, label=labels[self.shade])
            star = {"color": VERMILION, "markersize": 18, "mec": "black", "clip_on": False}
            (self.level,) = bar.ax.plot([0.5], [shades.min()], "*", **star)
        self.where.legend(loc="lower center", bbox_to_anchor=(0.5, -0.5), ncols=3, handletextpad=0.1, columnspacing=0.8)

    def _draw_functions(self, train: TaskBatch) -> None:
        """The function of the task where the family knows it for any; else what is known of the training tasks, faintly."""
        positions, _x, y = self.family.curve(train)
        if hasattr(self.family, "truth"):
            (self.truth,) = self.what.plot(*nothing_over(self.x_axis), "--", color=BLUE, lw=2, label=_("the task"))
            self.curve.set_label(_("generated network"))
            self.what.legend(loc="upper left", ncols=2, handlelength=1.2, columnspacing=0.8)
        else:
            curves = [np.column_stack([positions, known]) for known in as_numpy(y[..., 0])]
            self.what.add_collection(LineCollection(curves, color=GREY, lw=0.6, alpha=0.12, zorder=1), autolim=False)
            dots = {"color": "none", "mec": BLUE, "mew": 2, "markersize": 7, "zorder": 5}
            (self.truth,) = self.what.plot(*nothing_over(positions), "o", **dots)
        self.name = self.what.text(0.02, 0.98, "", color=BLUE, transform=self.what.transAxes, va="top")
        known = y[~y.isnan()]
        low, high = known.min().item(), known.max().item()
        self.what.set(xlabel=_(self.family.axis_labels[0]), ylabel=_(self.family.axis_labels[1]))
        self.what.set_ylim(low - 0.05 * (high - low), high + 0.3 * (high - low))
        if hasattr(self.family, "ticks"):
            self.what.set_xticks(*self.family.ticks)

    def update(self, /, **properties: float) -> str:
        family, main = self.family, self.learner.main
        descriptor = family.descriptors(torch.tensor([properties[name] for name in self.names]))
        theta = written(self.learner, descriptor)
        y = main(theta, self.x)[..., 0]
        self.move((properties[self.across], self._height(properties)), theta, y)
        if self.shade:
            self.level.set_ydata([properties[self.shade]])
        if hasattr(family, "truth"):
            nearest, there, truth = None, y, family.truth(self.x_axis, **properties)
        else:
            nearest = self.test.task(int((self.test.descriptor - descriptor).norm(dim=-1).argmin()))
            _positions, x, known = family.curve(nearest)
            there, truth = main(theta, x)[..., 0], known[0, :, 0]
            self._show_nearest(nearest)
        self.truth.set_ydata(as_numpy(truth))
        if hasattr(family, "sentence"):
            return family.sentence(properties, y, truth, nearest)
        told, error = {"task": family.descriptors.in_words(descriptor), "n": len(theta)}, (there - truth).square().nanmean()
        if nearest is not None:
            return _(
                "Told {task}, {n:,} weights were written; {name}, never seen, they miss by {error:.3g} (root mean square).",
                **told,
                name=_name(nearest),
                error=error.sqrt(),
            )
        return _(
            "Told {task}, the network whose {n:,} weights were written from it has a mean squared error of {error:.4f}.",
            **told,
            error=error,
        )

    def _show_nearest(self, nearest: TaskBatch) -> None:
        at, name = self._properties(nearest.descriptor[0]), _name(nearest)
        self.ring.set_data([at[self.across]], [self._height(at)])
        if self.shade:
            name += f", {at[self.shade]:,.0f} {self.family.descriptors.units[-3]}".rstrip()
        self.name.set_text(_("○ {name}\n   measured, never seen", name=name))

    def _properties(self, descriptor: Tensor) -> Mapping[str, Any]:
        """τ (…, d_tau) → name → the property in its unit (…,)."""
        return dict(zip(self.names, as_numpy(self.family.descriptors.values(descriptor).movedim(-1, 0)), strict=True))

    def _height(self, properties: Mapping[str, Any]) -> Any:
        return properties[self.up] if self.up else 0 * properties[self.across]


def _name(nearest: TaskBatch) -> str:
    return nearest.properties["name"][0] if "name" in nearest.properties else _("the most similar task")


def _some(tasks: TaskSet, n: int, rng: torch.Generator) -> TaskBatch:
    """All tasks of a finite set, in order; n of an endless one."""
    return tasks.sample(n if tasks.n_tasks is None else None, 0, 1, rng)
