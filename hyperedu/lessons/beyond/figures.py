"""The live figures of this lesson: forgetting, drawings between drawings, and an adapter that is written from a sentence."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from torch import Tensor

from hyperedu.batches import TaskSet
from hyperedu.figures.style import (
    BLUE,
    DIVERGING,
    GREEN,
    GREY,
    ORANGE,
    VERMILION,
    as_numpy,
    in_style,
    subplots,
    title,
)
from hyperedu.figures.weights import heatmap, weight_heatmap, weight_limit
from hyperedu.learners import Hypernetwork, Learner
from hyperedu.lessons.beyond.adapters import CHANGES, ToldDigits, changed
from hyperedu.lessons.beyond.clients import GROUPS
from hyperedu.lessons.beyond.drawings import Drawings, between, coordinates, likeness
from hyperedu.lessons.beyond.sequences import EVERY, Polynomial
from hyperedu.main_network import MainNetwork
from hyperedu.statistics import half_interval
from hyperedu.tasks.characters import SIDE
from hyperedu.tasks.digits import SIDE as DIGIT_SIDE
from hyperedu.words import _

COLORS, LINES = (BLUE, ORANGE, GREEN), ("-", "--", "-.")
CLIENT_COLORS = {
    "one network for all": GREY,
    "one network for all, then own steps": GREEN,
    "written for each": VERMILION,
    "written for each, then own steps": ORANGE,
    "each alone": BLUE,
}
PAPER = "Greys", Normalize(0, 1)


class ForgettingPicture:
    """Three tasks that were learned one after the other: `update(learner, step)`.

    Three panels: the error on each task so far; the weights for the first task; and what each task's network does.

    Args:
        main: the main network.
        tasks: the polynomials.
        paths: learner → θ of every task at every look, (looks, n_tasks, P), as `in_sequence` gives it.
    """

    @in_style()
    def __init__(self, main: MainNetwork, tasks: Sequence[Polynomial], paths: Mapping[str, Tensor]):
        self.main, self.tasks, self.paths = main, tasks, paths
        self.x = torch.stack([task.grid.x for task in tasks])
        y = torch.stack([task.grid.y for task in tasks])
        with torch.no_grad():
            self.y = {name: main(theta, self.x)[..., 0] for name, theta in paths.items()}  # (looks, n_tasks, 50)
        self.error = {name: (own - y[..., 0]).square().mean(-1) for name, own in self.y.items()}
        self.figure, (errors, weights, what) = subplots(3, width=12.5, height=4.2, width_ratios=(1.15, 0.9, 1.1))
        title(errors, _("error on each task"))
        title(weights, _("θ of the first task"))
        title(what, _("y = g(θ, x)"))
        looks = len(next(iter(paths.values())))
        self.steps = np.arange(looks) * EVERY
        own = self.steps[-1] / len(tasks)
        self.curves, self.lines = [], []
        for k, task in enumerate(tasks):
            color, style = COLORS[k], LINES[k]
            (curve,) = errors.plot(self.steps, np.full(looks, np.nan), style, color=color, lw=2.5, label=task.name)
            errors.axvspan(own * k, own * (k + 1), color=color, alpha=0.12, lw=0)
            what.plot(as_numpy(task.points.x[:, 0]), as_numpy(task.points.y[:, 0]), ".", color=color, alpha=0.35)
            (line,) = what.plot(as_numpy(task.grid.x[:, 0]), np.full(50, np.nan), style, color=color, lw=3, label=task.name)
            self.curves.append(curve)
            self.lines.append(line)
        (self.now,) = errors.plot([], [], color=GREY, lw=1.5)
        errors.set(yscale="log", ylim=(1e-4, 100), xlim=(0, self.steps[-1]), xlabel=_("steps; shaded: the task being learned"))
        errors.set_ylabel(_("mean squared error"))
        errors.legend(loc="upper left", fontsize=10, ncols=3, handlelength=1, columnspacing=0.8)
        what.set(xlabel="x", ylabel="y", ylim=(-2, 2), xlim=(-4.2, 4.2))
        what.legend(loc="lower right", fontsize=10)
        self.fill_weights = weight_heatmap(weights, main, max(weight_limit(theta[:, 0]) for theta in paths.values()))

    def update(self, learner: str, step: int) -> str:
        look = round(step / EVERY)
        error = self.error[learner]
        for k, (curve, line) in enumerate(zip(self.curves, self.lines, strict=True)):
            curve.set_ydata([*error[: look + 1, k].tolist(), *[np.nan] * (len(error) - look - 1)])
            line.set_ydata(as_numpy(self.y[learner][look, k]))
        self.now.set_data([step, step], [1e-4, 100])
        self.fill_weights(self.paths[learner][look, 0])
        n = min(int(step // (self.steps[-1] / len(self.tasks))), len(self.tasks) - 1)
        return _(
            "{learner} after {step:,} steps, learning {task}: mean squared error {errors}.",
            learner=_(learner),
            step=step,
            task=self.tasks[n].name,
            errors=", ".join(f"{value:.4f} ({task.name})" for value, task in zip(error[look], self.tasks, strict=True)),
        )


class DrawingsPicture:
    """Drawings and what lies between them. Three panels: the map of τ, the weights, and the drawing that they are.

    `update(tau_1, tau_2)` is a place on the map. `walk(first, second, share, through)` goes from one drawing to another: over
    the map, straight from weights to weights as they are written, or straight between two networks trained apart.

    Args:
        learner: as `painter` makes it, trained.
        tasks: the drawings.
        apart: (n_tasks, P) the weights of networks `apart`; needed for `walk` alone.

    Attributes:
        drag: for `live.interact`: the map, for `update`.
    """

    @in_style()
    def __init__(self, learner: Hypernetwork, tasks: Drawings, apart: Tensor | None = None):
        self.main, self.learner, self.images, self.apart = learner.main, learner, tasks.images, apart
        self.places = learner.encoder.table.detach()  # (n_tasks, 2)
        self.x = coordinates()
        self.figure, (where, weights, what) = subplots(3, width=11.5, height=4.4, width_ratios=(1, 1, 0.95))
        title(where, _("τ   a map of drawings"))
        title(weights, _("θ   {n:,} weights", n=self.main.weight_dim))
        title(what, _("y = g(θ, x)   the drawing"))
        self.limit = (self.places.abs().max() + 0.4).item()
        size = 0.09 * self.limit
        for (across, up), image in zip(self.places.tolist(), tasks.images, strict=True):
            where.imshow(
                as_numpy(image), extent=(across - size, across + size, up - size, up + size), cmap=PAPER[0], norm=PAPER[1],
                alpha=0.75, zorder=2,
            )  # fmt: skip
        where.set(xlim=(-self.limit, self.limit), ylim=(-self.limit, self.limit), xlabel="τ₁", ylabel="τ₂", aspect="equal")
        (self.path,) = where.plot([], [], color=VERMILION, lw=1.5, zorder=3)
        # Whole where the sliders end, which is where the map does; nothing makes room for it.
        (self.star,) = where.plot([], [], "*", color=VERMILION, markersize=20, mec="black", zorder=5, ls="none", clip_on=False)
        self.star.set_in_layout(False)
        self.fill_weights = weight_heatmap(weights, self.main, weight_limit(learner.generator(self.places)))
        self.image, self.show_drawing = heatmap(what, SIDE, SIDE, *PAPER)
        what.set(xticks=[], yticks=[], aspect="equal")
        what.spines[:].set_visible(True)
        self.drag = {where: ("tau_1", "tau_2")}

    def update(self, tau_1: float, tau_2: float) -> str:
        place = torch.tensor([tau_1, tau_2])
        with torch.no_grad():
            self._show(self.learner.generator(place), place)
        distance, nearest = (self.places - place).norm(dim=-1).min(0)
        return _(
            "The network written at ({tau_1:.2f}, {tau_2:.2f}) draws this; the nearest drawing is {k}, {distance:.2f} away.",
            tau_1=tau_1,
            tau_2=tau_2,
            k=int(nearest),
            distance=distance,
        )

    def walk(self, first: int, second: int, share: float, through: str) -> str:
        ends = self.places[[first, second]]
        with torch.no_grad():
            theta = between(through, self.learner, self.apart, torch.tensor(first), torch.tensor(second), share)
        ink = self._show(theta, torch.lerp(*ends, share))
        self.path.set_data(*as_numpy(ends.T))
        return _(
            "{share:.0%} of the way from drawing {first} to drawing {second}, through {through}: the correlation with the most "
            "similar of the drawings is {like:.2f}.",
            share=share,
            first=first,
            second=second,
            through=_(through),
            like=likeness(ink[None], self.images).item(),
        )

    def _show(self, theta: Tensor, place: Tensor) -> Tensor:
        """Put θ (P,) and its place (2,) into the picture; gives the drawing (784,)."""
        self.star.set_data([place[0].item()], [place[1].item()])
        self.fill_weights(theta)
        with torch.no_grad():
            ink = self.main(theta, self.x)[:, 0]
        self.show_drawing(as_numpy(ink).reshape(SIDE, SIDE))
        return ink


class AdapterPicture:
    """Say what was done to digits, and an adapter is written: `update(sentence, done)`.

    Three panels: ten digits with what they are taken for, blue where that is right; the change B A of the first matrix; and
    the share of test digits that are read rightly with and without it.

    Args:
        learner: writes adapters from the τ of a sentence.
        describe: a sentence → τ.
        tasks: those that it was trained on.
        frozen: without an adapter.
        digits: of which twenty drawings of each digit are read.
    """

    @in_style()
    def __init__(
        self, learner: Hypernetwork, describe: Callable[[str], Tensor], tasks: ToldDigits, frozen: Learner, digits: TaskSet
    ):
        self.learner, self.describe, self.frozen = learner, describe, frozen
        self.query = digits.sample(1, 1, 20, torch.Generator().manual_seed(0), angle=0).query
        self.figure, (paper, change, share) = subplots(3, width=12, height=4.2, width_ratios=(1.5, 1, 0.8))
        title(paper, _("what is read"))
        title(change, _("B A   the change of W₁"))
        title(share, _("digits read rightly"))
        self.shown = range(0, 200, 20)
        self.show_digits, self.labels = [], []
        for k in range(10):
            axes = paper.inset_axes((0.2 * (k % 5), 0.5 - 0.5 * (k // 5), 0.18, 0.36))
            self.show_digits.append(heatmap(axes, DIGIT_SIDE, DIGIT_SIDE, *PAPER)[1])
            axes.set(xticks=[], yticks=[], aspect="equal")
            axes.spines[:].set_visible(True)
            self.labels.append(axes.text(0.5, 1.04, "", transform=axes.transAxes, ha="center", fontweight="bold"))
        paper.axis("off")
        self.shape = next(iter(learner.main.shapes.values()))
        with torch.no_grad():
            largest = (learner.generator(tasks.tau) - learner.generator.theta_0).abs().quantile(0.99).item()
        self.heat, self.show_change = heatmap(change, *self.shape, DIVERGING, Normalize(-largest, largest))
        change.set(xlabel=_("pixel"), ylabel=_("hidden unit"))
        self.figure.colorbar(self.heat, ax=change, location="bottom", aspect=30, pad=0.04, label=_("value of a weight"))
        self.bars = share.bar((_("frozen"), _("adapted")), (0.0, 0.0), color=(GREY, VERMILION))
        share.axhline(0.1, color="black", lw=1, ls="--")
        share.text(1.45, 0.11, _("chance"), ha="right", va="bottom", fontsize=10)
        share.set(ylim=(0, 1), ylabel=_("share"))

    def update(self, sentence: str, done: str) -> str:
        x = changed(self.query.x, [done] if done in CHANGES else [])
        with torch.no_grad():
            theta = self.learner.generator(self.describe(sentence).unsqueeze(0))
            said = self.learner.main(theta, x)[0].argmax(-1)
            before = self.frozen.main(self.frozen.theta_0[None], x)[0].argmax(-1)
        of_the_first = (theta[0] - self.learner.generator.theta_0)[: self.shape[0] * self.shape[1]]
        self.show_change(as_numpy(of_the_first.view(self.shape)))
        right, rightly = (said == self.query.y[0]), [(v == self.query.y[0]).float().mean().item() for v in (before, said)]
        for k, show, label in zip(self.shown, self.show_digits, self.labels, strict=True):
            show(as_numpy(x[0, k].view(DIGIT_SIDE, DIGIT_SIDE)))
            label.set_text(str(said[k].item()))
            label.set_color(BLUE if right[k] else VERMILION)
        for bar, value in zip(self.bars, rightly, strict=True):
            bar.set_height(value)
        return _(
            "Digits: {done}. Told “{sentence}”, the adapted network reads {after:.0%} of 200 new drawings, the frozen one "
            "{before:.0%}.",
            done=_(done),
            sentence=sentence,
            after=rightly[1],
            before=rightly[0],
        )


def client_errors(runs: Sequence[Mapping[str, Mapping[str, float]]]) -> Figure:
    """Error by how many readings a client has: runs of way → group → °C, as means over runs with their 95% intervals."""
    figure, (axes,) = subplots(width=9.5, height=4)
    groups = list(GROUPS)
    for k, (way, marker) in enumerate(zip(runs[0], "os^Dv", strict=False)):
        own = [group for group in groups if group in runs[0][way]]
        seeds = torch.tensor([[run[way][group] for run in runs] for group in own])
        at = np.array([groups.index(group) for group in own]) + 0.06 * (k - 2)
        half = [half_interval(each) for each in seeds]
        axes.errorbar(at, as_numpy(seeds.mean(1)), half, fmt=marker, color=CLIENT_COLORS[way], capsize=4, label=_(way))
    axes.set(xticks=range(len(groups)), xticklabels=[_(group) for group in groups], ylabel=_("RMSE of the year (°C)"))
    axes.set(yscale="log", yticks=(1, 2, 4, 8), yticklabels=("1", "2", "4", "8"), xlabel=_("readings of the client"))
    axes.minorticks_off()
    axes.legend(loc="upper right")
    axes.grid(axis="y", alpha=0.3)
    return figure
