"""The live figure of how strongly to regularise, and intervals over seeds."""

import copy

import torch
from matplotlib.figure import Figure
from torch import Tensor
from torch.nn.utils import vector_to_parameters

from hyperedu.batches import TaskBatch
from hyperedu.figures.style import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    VERMILION,
    as_numpy,
    in_style,
    nothing_over,
    subplots,
    title,
    written,
)
from hyperedu.figures.weights import weight_heatmap, weight_limit
from hyperedu.learners import Learner
from hyperedu.statistics import half_interval
from hyperedu.words import _


class StrengthPicture:
    """How strongly to regularise, and with what? `update(penalty, strength, station)`, where 10^strength is the strength.

    Three panels: the error on training stations and on those never seen, against the strength of each penalty; the weights
    that are written for one station never seen; and its year. Between the strengths that were trained, φ is blended.

    Args:
        family: a `ColoradoClimate`.
        learner: of the kind that was trained; it is copied.
        paths: penalty → φ (strengths, number of parameters), trained one after the other so that neighbours are alike.
        exponents: (strengths,) the decimal logarithms of the strengths, ascending and equally spaced.
    """

    @in_style()
    def __init__(self, family, learner: Learner, paths: dict[str, Tensor], exponents: Tensor):
        self.family, self.learner, self.paths, self.exponents = family, copy.deepcopy(learner), paths, exponents
        held_out = family.test.sample(None, 0, 12, torch.Generator().manual_seed(0))
        known = family.train.sample(None, 0, 12, torch.Generator().manual_seed(0))
        self.tasks = family.test.sample(20, 0, 12, torch.Generator().manual_seed(0))
        self.months = torch.linspace(0, 11, 111)
        grid = torch.linspace(exponents[0].item(), exponents[-1].item(), 41)
        self.figure, (self.errors, self.weights, self.what) = subplots(3, width=12, height=4.2, width_ratios=(1.15, 1, 1.1))
        title(self.errors, "error by strength")
        title(self.weights, _("θ = f(τ)   {n:,} weights", n=learner.main.weight_dim))
        title(self.what, "y = g(θ, x)   never seen")
        self.colors, largest = dict(zip(paths, (VERMILION, BLUE, GREEN), strict=False)), []
        for penalty, color in self.colors.items():
            errors = []
            for exponent in grid.tolist():
                self._blend(penalty, exponent)
                errors.append([self._rmse(held_out), self._rmse(known)])
                largest.append(weight_limit(written(self.learner, held_out.descriptor)))
            strengths = as_numpy(10**grid)
            for values, style, name in zip(
                zip(*errors, strict=True), ("-", ":"), (_("never seen"), _("training")), strict=True
            ):
                self.errors.plot(strengths, values, style, color=color, lw=2.5, label=f"{_(penalty)}, {name}")
        self.held_out, self.known = held_out, known
        (self.here,) = self.errors.plot([], [], "o", markersize=12, mec=BLACK, zorder=5, ls="none")
        self.errors.set(xscale="log", xlabel="strength of the penalty", ylabel=_("RMSE ({unit})", unit=family.unit))
        self.errors.set(ylim=(0, 1.45 * self.errors.get_ylim()[1]))
        self.errors.legend(loc="upper left", fontsize=10, handlelength=1.4, labelspacing=0.2)
        self.fill_weights = weight_heatmap(self.weights, learner.main, max(largest))
        self.what.plot(range(12), as_numpy(family.mean_year[family.train.index].T), color=GREY, lw=0.8, alpha=0.5, zorder=1)
        (self.curve,) = self.what.plot(*nothing_over(self.months), color=VERMILION, lw=3, zorder=4, label="written")
        (self.measured,) = self.what.plot([], [], "o", color="none", mec=BLACK, mew=2, zorder=5, ls="none", label="measured")
        self.what.plot([], [], color=GREY, label="training")
        low, high = family.mean_year.min().item(), family.mean_year.max().item()
        self.what.set(ylim=(low - 6, high + 0.3 * (high - low)), xticks=range(12), xticklabels="JFMAMJJASOND")
        self.what.set(xlim=(-0.3, 11.3), xlabel=family.axis_labels[0], ylabel=family.axis_labels[1])
        self.what.legend(loc="upper left", ncols=2, handlelength=1.2, columnspacing=0.8)

    def _blend(self, penalty: str, exponent: float) -> None:
        """Put φ between those of the two neighbouring strengths into the learner."""
        first, step = self.exponents[0].item(), (self.exponents[1] - self.exponents[0]).item()
        place = (exponent - first) / step
        k = min(max(int(place), 0), len(self.exponents) - 2)
        with torch.no_grad():
            blended = torch.lerp(*self.paths[penalty][k : k + 2], place - k)
            vector_to_parameters(blended.to(next(self.learner.parameters())), self.learner.parameters())

    def _rmse(self, tasks: TaskBatch) -> float:
        """The mean over stations of the root of each one's mean squared error."""
        return self.learner.main.loss(written(self.learner, tasks.descriptor), tasks.query).sqrt().mean().item()

    def update(self, penalty: str, strength: float, station: int) -> str:
        self._blend(penalty, strength)
        color = self.colors[penalty]
        theta, name = written(self.learner, self.tasks.descriptor[station]), self.tasks.properties["name"][station]
        year = self.family.mean_year[self.family.station(name)]
        y, at_months = (self.learner.main(theta, self.family.x(m))[:, 0] for m in (self.months, torch.arange(12.0)))
        never, known = self._rmse(self.held_out), self._rmse(self.known)
        self.here.set_data([10**strength], [never])
        self.here.set_markerfacecolor(color)
        self.fill_weights(theta)
        self.curve.set_ydata(as_numpy(y))
        self.curve.set_color(color)
        self.measured.set_data(range(12), as_numpy(year))
        error = (at_months - year).square().mean().sqrt()
        return _(
            "{penalty} with strength {value:.2g}: RMSE {never:.2f} {unit} on stations never seen, {known:.2f} on "
            "those it was trained on. {name}, at {elevation:,.0f} m, was never seen; the network that is written "
            "for it errs by {error:.1f} {unit}.",
            penalty=_(penalty),
            value=10**strength,
            never=never,
            unit=self.family.unit,
            known=known,
            name=name,
            elevation=self.tasks.properties["elevation"][station],
            error=error,
        )


def intervals(values: dict[str, Tensor], label: str, line: tuple[float, str] | None = None) -> Figure:
    """One row for each name: every seed as a small dot, their mean and its 95% interval (Student's t) as a bar.

    Args:
        values: name → (seeds,).
        label: of the axis.
        line: a value to compare with, and what it is.
    """
    figure, (axes,) = subplots(width=9, height=1.2 + 0.34 * len(values))
    for row, seeds in enumerate(values.values()):
        axes.plot(as_numpy(seeds), [row] * len(seeds), "o", color=GREY, alpha=0.6, markersize=4)
        mean, half = seeds.mean().item(), half_interval(seeds)
        axes.errorbar(mean, row, xerr=half, fmt="o", color=VERMILION, markersize=8, lw=2.5, capsize=4)
    if line is not None:
        axes.axvline(line[0], color=BLUE, ls="--", label=line[1])
        axes.legend(loc="lower right")
    axes.set(yticks=range(len(values)), yticklabels=values, ylim=(len(values) - 0.4, -0.6), xlabel=label)
    axes.grid(axis="x", alpha=0.3)
    return figure
