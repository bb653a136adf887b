"""The live figure of how strongly to regularise, intervals over seeds, and errors by the number of stations."""

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
    ORANGE,
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
    that are written for one station never seen; and its year. Between the strengths that were trained, which are marked, φ is
    blended. The sentence says the errors of the other penalties at the same strength, and those at the weakest one.

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
        every = (len(grid) - 1) // (len(exponents) - 1)
        for (penalty, color), marker in zip(self.colors.items(), "os^", strict=False):
            errors = []
            for exponent in grid.tolist():
                self._blend(penalty, exponent)
                errors.append([self._rmse(held_out), self._rmse(known)])
                largest.append(weight_limit(written(self.learner, held_out.descriptor)))
            strengths = as_numpy(10**grid)
            for values, style, name in zip(
                zip(*errors, strict=True), ("-", ":"), (_("never seen"), _("training")), strict=True
            ):
                look = {"color": color, "lw": 2.5, "marker": marker, "markevery": every, "markersize": 6}
                self.errors.plot(strengths, values, style, **look, label=f"{_(penalty)}, {name}")
        self.held_out, self.known = held_out, known
        self.weakest = {penalty: self._errors(penalty, exponents[0].item()) for penalty in paths}
        (self.here,) = self.errors.plot([], [], "o", markersize=13, mec=BLACK, mew=2, zorder=5, ls="none")
        self.errors.set(xscale="log", xlabel="strength of the penalty", ylabel=_("RMSE ({unit})", unit=family.unit))
        self.errors.set(ylim=(0, 1.45 * self.errors.get_ylim()[1]))
        self.errors.legend(loc="upper left", fontsize=10, handlelength=2.4, labelspacing=0.2)
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

    def _errors(self, penalty: str, exponent: float) -> tuple[float, float]:
        """On stations never seen and on those that were trained on; φ stays in the learner."""
        self._blend(penalty, exponent)
        return self._rmse(self.held_out), self._rmse(self.known)

    def _rmse(self, tasks: TaskBatch) -> float:
        """The mean over stations of the root of each one's mean squared error."""
        return self.learner.main.loss(written(self.learner, tasks.descriptor), tasks.query).sqrt().mean().item()

    def update(self, penalty: str, strength: float, station: int) -> str:
        others = "".join(
            _(" With as much {penalty} they are {never:.2f} and {known:.2f}.", penalty=_(other), never=new, known=old)
            for other in self.paths if other != penalty
            for new, old in [self._errors(other, strength)]
        )  # fmt: skip
        never, known = self._errors(penalty, strength)
        color = self.colors[penalty]
        theta, name = written(self.learner, self.tasks.descriptor[station]), self.tasks.properties["name"][station]
        year = self.family.mean_year[self.family.station(name)]
        y, at_months = (self.learner.main(theta, self.family.x(m))[:, 0] for m in (self.months, torch.arange(12.0)))
        self.here.set_data([10**strength], [never])
        self.here.set_markerfacecolor(color)
        self.fill_weights(theta)
        self.curve.set_ydata(as_numpy(y))
        self.curve.set_color(color)
        self.measured.set_data(range(12), as_numpy(year))
        error = (at_months - year).square().mean().sqrt()
        return _(
            "{penalty} with strength {value:.2g}: RMSE {never:.2f} {unit} on stations never seen, {known:.2f} on "
            "those it was trained on; at the weakest strength {weak_never:.2f} and {weak_known:.2f}.{others} {name}, at "
            "{elevation:,.0f} m, was never seen; the network that is written for it errs by {error:.1f} {unit}.",
            penalty=_(penalty),
            value=10**strength,
            never=never,
            unit=self.family.unit,
            known=known,
            weak_never=self.weakest[penalty][0],
            weak_known=self.weakest[penalty][1],
            others=others,
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


def by_stations(errors: dict[str, list[Tensor]], stations: tuple[int, ...]) -> Figure:
    """One line for each name against the number of training stations: means over seeds with 95% intervals (Student's t).

    Lines differ by colour, marker and dash.

    Args:
        errors: name → (seeds,) for each number of stations.
        stations: these numbers.
    """
    figure, (axes,) = subplots(width=8, height=4)
    looks = zip((BLACK, VERMILION, GREEN, ORANGE, BLUE), ("o:", "s--", "^-.", "D-", "v--"), strict=True)
    for k, ((name, every), (color, fmt)) in enumerate(zip(errors.items(), looks, strict=False)):
        means, half = [seeds.mean().item() for seeds in every], [half_interval(seeds) for seeds in every]
        aside = [n * (1 + 0.02 * k) for n in stations]
        axes.errorbar(aside, means, half, fmt=fmt, color=color, lw=2, markersize=7, capsize=4, label=_(name))
    degrees = (0.8, 1, 1.5, 2, 3, 5)
    axes.set(xscale="log", yscale="log", xlabel="training stations", ylabel=_("RMSE at new ones ({unit})", unit="°C"))
    axes.set(xticks=stations, xticklabels=stations, yticks=degrees, yticklabels=degrees)
    axes.minorticks_off()
    axes.legend(handlelength=3.5)
    return figure
