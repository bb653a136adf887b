"""Description or examples: all learners in one table, and who errs least where."""

from itertools import groupby

import torch
from matplotlib.colors import ListedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor

from hyperedu.figures.style import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    SKY,
    VERMILION,
    YELLOW,
    as_numpy,
    in_style,
    nothing_over,
    subplots,
    title,
    written,
)
from hyperedu.words import _, n_

MARKERS = "*sD^"  # of the learners, for whom colours do not tell apart: the first is the star of what is described


class DescribeOrShow:
    """Describe a task, or show examples of it? `update(task, noise, shots)`; the star and the circle on the map can be dragged.

    Three panels: the task as it is and as it is described, τ + noise · ε; what every learner makes of that and of the
    support set; and, over all tasks, which learner errs least at each noise and number of shots. Each learner has a colour
    and a marker, on its curve and on the map.

    Args:
        family: `Sinusoids` or `ColoradoClimate`.
        learners: name → learner, up to four.
        errors: name → (seeds, noises, shots), the errors that were measured on unseen tasks.
        noises, shots: where they were measured, ascending.
        seed: of the 20 tasks, which are unseen ones, and of ε.
    """

    @in_style()
    def __init__(self, family, learners, errors: dict[str, Tensor], noises, shots, seed: int = 0):
        self.family, self.learners, self.noises, self.shots = family, learners, torch.tensor(noises), torch.tensor(shots)
        random = torch.Generator().manual_seed(seed)
        self.tasks = family.test.sample(20, shots[-1], 1, random)
        self.error = torch.randn(self.tasks.descriptor.shape, generator=random)
        self.axis, self.x, self.y = family.curve(self.tasks)
        colors = dict(zip(learners, (VERMILION, BLUE, GREEN, ORANGE), strict=False))
        self.figure, (self.where, self.what, self.map) = subplots(3, width=12, height=4.2, width_ratios=(0.9, 1.25, 1.1))
        for axes, name in (
            (self.where, _("τ   true and described")),
            (self.what, "y = g(θ, x)"),
            (self.map, _("who errs least")),
        ):
            title(axes, name)
        self._draw_where(random)
        nothing = nothing_over(self.axis)
        (self.truth,) = self.what.plot(*nothing, "--", color=BLACK, lw=2, label="the task")
        every = max(1, len(self.axis) // 6)
        self.curves = {
            name: self.what.plot(
                *nothing, color=color, lw=2.5, marker=marker, markersize=14 if marker == "*" else 8, mec="white", mew=0.5,
                label=_(name), markevery=(k * every // len(colors), every),
            )[0]
            for k, ((name, color), marker) in enumerate(zip(colors.items(), MARKERS, strict=False))
        }  # fmt: skip
        (self.shown,) = self.what.plot([], [], "o", color=BLACK, ls="none", zorder=5, label="examples")
        low, high = self.y.min().item(), self.y.max().item()
        self.what.set(xlabel=family.axis_labels[0], ylabel=family.axis_labels[1])
        self.what.set(xlim=(self.axis[0].item() - 0.3, self.axis[-1].item() + 0.3))
        self.what.set(ylim=(low - 0.15 * (high - low), high + 0.65 * (high - low)))
        self.what.legend(loc="upper left", ncols=2, handlelength=1.2, columnspacing=0.8)
        self._draw_map(errors, colors)
        (self.here,) = self.map.plot([], [], "o", color="none", markersize=32, mec=BLACK, mew=2.5, ls="none")
        self.task, self.drag = 0, {self.where: self.describe, self.map: self.choose}

    reach = 3.0  # standard deviations of τ that the first panel shows; what is described farther away stands at its edge

    def _draw_where(self, random) -> None:
        names, units = self.family.descriptors.names, self.family.descriptors.units
        known = as_numpy(self.family.descriptors.values(self.family.train.sample(100, 0, 1, random).descriptor))
        self.where.scatter(known[:, -1], known[:, 0], s=14, color=GREY, label="training")
        (self.line,) = self.where.plot([], [], color=BLACK, lw=1)
        (self.ring,) = self.where.plot(
            [], [], "o", color="none", mec=BLACK, mew=2.5, markersize=13, ls="none", label="the task"
        )
        (self.star,) = self.where.plot([], [], "*", color=VERMILION, mec="black", markersize=20, ls="none", label="described")
        low, high = (self.family.descriptors.values(torch.full_like(self.error[0], k * 1.1 * self.reach)) for k in (-1, 1))
        self.where.set(xlim=(low[-1].item(), high[-1].item()), ylim=(low[0].item(), high[0].item()))
        x_label, y_label = (f"{_(names[k])} ({units[k]})".replace(" ()", "") for k in (-1, 0))
        self.where.set(xlabel=x_label, ylabel=y_label)
        self.where.legend(loc="lower center", bbox_to_anchor=(0.45, -0.38), ncols=3, handletextpad=0.1, columnspacing=0.8)

    def _draw_map(self, errors: dict[str, Tensor], colors: dict[str, str]) -> None:
        every = torch.stack([errors[name] for name in self.learners])  # (learners, seeds, noises, shots)
        self.mean = mean = every.mean(1)
        self.winner = mean.argmin(0)
        self.agree = agree = (every.argmin(0) == self.winner).all(0)
        self.map.imshow(
            as_numpy(self.winner), cmap=ListedColormap(list(colors.values())), norm=Normalize(-0.5, len(colors) - 0.5),
            alpha=0.45, origin="lower", aspect="auto",
        )  # fmt: skip
        for i, row in enumerate(mean.amin(0).tolist()):
            for j, value in enumerate(row):
                said = f"{value:.2g}".replace("0.", ".") + ("" if agree[i, j] else "?")
                self.map.text(j, i, said, ha="center", va="center", fontsize=10)
        for k, (color, marker) in enumerate(zip(colors.values(), MARKERS, strict=False)):
            y, x = (self.winner == k).nonzero().T
            size = 90 if marker == "*" else 34
            self.map.scatter(as_numpy(x - 0.34), as_numpy(y + 0.3), s=size, c=color, marker=marker, linewidths=0)
        self.map.set(xlabel="shots", ylabel="noise in τ (std)")
        self.map.set(xticks=range(len(self.shots)), xticklabels=self.shots.tolist())
        self.map.set(yticks=range(len(self.noises)), yticklabels=[f"{s:g}" for s in self.noises.tolist()])

    def describe(self, x: float, y: float, begins: bool) -> dict[str, float]:
        """The task is described as what stands at (x, y): an ε and how large it is."""
        tau = self.tasks.descriptor[self.task]
        values = self.family.descriptors.values(tau)
        values[-1], values[0] = x, y
        away = self.family.descriptors(values) - tau
        noise = away.square().mean().sqrt().item()
        if noise:
            self.error[self.task] = away / noise
        return {"noise": noise}

    def choose(self, x: float, y: float, begins: bool) -> dict[str, float]:
        """A place on the map: a number of shots and a noise."""
        return {"shots": round(_on(self.shots, x)), "noise": _on(self.noises, y)}

    def update(self, task: int, noise: float, shots: int) -> str:
        self.task = task
        one = self.tasks.task(task).with_shots(shots)
        (tau,), D = one.descriptor, one.support.task(0)
        said = tau + noise * self.error[task]
        is_, as_ = (self.family.descriptors.values(t.clamp(-self.reach, self.reach))[[-1, 0]].tolist() for t in (tau, said))
        self.ring.set_data(*[[v] for v in is_])
        self.star.set_data(*[[v] for v in as_])
        self.line.set_data(*zip(is_, as_, strict=True))
        self.truth.set_ydata(as_numpy(self.y[task, :, 0]))
        nearest = torch.cdist(D.x, self.x).argmin(1)
        self.shown.set_data(as_numpy(self.axis[nearest]), as_numpy(D.y[:, 0]))
        errors = []
        for name, learner in self.learners.items():
            y = learner.main(written(learner, said[None], one.support)[0], self.x)
            self.curves[name].set_ydata(as_numpy(y[:, 0]))
            errors.append(f"{_(name)} {(y - self.y[task]).square().mean():.2f}")
        column, row = (_between(grid, value) for grid, value in ((self.shots, shots), (self.noises, noise)))
        self.here.set_data([column], [row])
        row, column = round(row), round(column)  # the nearest that was measured
        names = [_(name) for name in self.learners]
        winners = self.winner[:, column].tolist()
        runs = [(names[k], list(rows)[-1]) for k, rows in groupby(range(len(winners)), winners.__getitem__)]
        is_, as_ = (self.family.descriptors.in_words(t) for t in (tau, said))
        return _(
            "It is {really}; it is described as {told}. With {shots} the mean squared error on it is: {errors}. Over all "
            "tasks, at noise {noise:g} and {n} shots, the errors are: {means}{doubt}. With as many shots the best is, as the "
            "noise grows: {along}. Over all tasks the best here is: {best}.",
            really=is_,
            told=as_,
            shots=n_("{n:,} example", "{n:,} examples", shots),
            errors=", ".join(errors),
            noise=self.noises[row].item(),
            n=self.shots[column].item(),
            means=", ".join(f"{name} {mean:.2g}" for name, mean in zip(names, self.mean[:, row, column], strict=True)),
            doubt="" if self.agree[row, column] else _(" (the seeds do not agree on the least)"),
            along=", ".join(_("{name} up to {noise:g}", name=name, noise=self.noises[k].item()) for name, k in runs),
            best=names[self.winner[row, column]],
        )


def _between(grid: Tensor, value: float) -> float:
    """The position of a value on an ascending grid, counted in its entries: halfway from the third to the fourth is 2.5."""
    above = int((grid[1:-1] <= value).sum())
    return above + ((value - grid[above]) / (grid[above + 1] - grid[above])).item()


def _on(grid: Tensor, position: float) -> float:
    """The inverse: from a position, counted in entries, to the value there."""
    below = min(max(int(position), 0), len(grid) - 2)
    return torch.lerp(grid[below].double(), grid[below + 1].double(), position - below).item()


def all_mappings() -> Figure:
    """Every learner of the course as (τ, D) → θ, by what it takes of the description and what of the examples."""
    figure, (axes,) = subplots(width=12, height=4.6)
    columns = _("no examples"), _("examples read by a network"), _("gradient steps on examples")
    rows = _("no description"), _("description τ given"), _("description sought")
    cells = {
        (0, 0): [("SharedWeights", r"$\theta_0$")],
        (1, 0): [
            ("SupportSetHypernetwork", r"$f_\varphi(h(D))$"),
            ("HyperMAML", r"$\theta_0 + H_\varphi(D, g_{\theta_0}(D))$"),
        ],
        (2, 0): [("MAML, MetaSGD, Reptile, ANIL", r"$U(\theta_0, D)$")],
        (0, 1): [
            ("Hypernetwork", r"$f_\varphi(\tau)$"),
            ("Conditioned", _("{theta} with {bias}", theta=r"$\theta_0$", bias=r"$b_1 + A\tau$")),
        ],
        (1, 1): [("?", "")],
        (2, 1): [("TaskConditionedMAML", r"$U(f_\varphi(\tau), D)$")],
        (0, 2): [("–", "")],
        (1, 2): [("–", "")],
        (2, 2): [("DescriptorAdaptation", r"$f_\varphi(U(\tau_0, D))$")],
    }
    for (column, row), learners in cells.items():
        color = {"?": YELLOW, "–": GREY}.get(learners[0][0], SKY)
        axes.add_patch(Rectangle((column - 0.48, row - 0.44), 0.96, 0.88, color=color, alpha=0.35))
        for k, (name, formula) in enumerate(learners):
            y = row + (k - (len(learners) - 1) / 2) * 0.4
            axes.text(column, y - 0.08, name, ha="center", va="center", fontweight="bold", fontsize=12)
            axes.text(column, y + 0.11, formula, ha="center", va="center", fontsize=13)
    axes.set(xlim=(-0.5, 2.5), ylim=(2.5, -0.5), xticks=range(3), xticklabels=columns, yticks=range(3), yticklabels=rows)
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    return figure
