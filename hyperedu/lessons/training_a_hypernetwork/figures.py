"""Live figures of hypernetworks on sinusoids."""

import torch
from matplotlib.figure import Figure
from torch import Tensor

from hyperedu.figures.style import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    MAGNITUDE,
    ORANGE,
    PURPLE,
    VERMILION,
    as_numpy,
    in_style,
    nothing_over,
    subplots,
    title,
    written,
)
from hyperedu.figures.weights import Plane, labels
from hyperedu.words import _


class PathTriptych:
    """From one sinusoid to another, through the weights a hypernetwork writes and through separately trained ones.

    `update(pair, along)` goes the share `along` of the way between the two networks of a pair of tasks: in the first panel
    along the straight line in τ, on the sheet f_φ(τ); in the second on the straight line between two trained θ.

    Args:
        family, learner: a `Sinusoids` and a trained `Hypernetwork`.
        amplitude, phase: (n, n) each, the tasks of a grid.
        separate: (n, n, P), one network trained for each of these tasks.
        seed: of the pairs.
    """

    @in_style()
    def __init__(self, family, learner, amplitude: Tensor, phase: Tensor, separate: Tensor, seed: int = 0):
        self.family, self.learner, separate = family, learner, separate.detach().to(amplitude)
        self.separate, self.tasks = separate.flatten(0, 1), torch.stack([amplitude, phase], dim=-1).flatten(0, 1)
        self.pairs = torch.stack([
            torch.randperm(len(self.tasks), generator=torch.Generator().manual_seed(seed + i))[:2] for i in range(20)
        ])  # fmt: skip
        on_the_sheet = written(learner, family.describe(amplitude, phase))
        self.figure, (self.sheet, self.scatter, self.what) = subplots(3)
        titles = (_("θ   written by one generator"), _("θ   trained one by one"))
        self.planes, self.paths, self.stars = [], [], []
        for axes, theta, name in zip((self.sheet, self.scatter), (on_the_sheet, separate), titles, strict=True):
            title(axes, name)
            plane = Plane(theta.flatten(0, 1))
            points = as_numpy(plane(theta).movedim(-1, 0))  # (2, n, n)
            for k in range(len(amplitude)):  # neighbouring tasks are joined
                axes.plot(*points[:, k], color=GREY, lw=0.8, zorder=1)
                axes.plot(*points[:, :, k], color=GREY, lw=0.8, zorder=1)
            dots = axes.scatter(*points, c=as_numpy(amplitude), cmap=MAGNITUDE, s=28, zorder=2)
            (path,) = axes.plot([], [], color=VERMILION, lw=2.5, zorder=3)
            (star,) = axes.plot([], [], "*", color=VERMILION, mec="black", markersize=18, ls="none", zorder=4)
            axes.set(xticks=[], yticks=[], xlabel=_("{share:.0%} of the variance shown", share=plane.share))
            self.planes.append(plane), self.paths.append(path), self.stars.append(star)
        self.figure.colorbar(dots, ax=self.scatter, label="amplitude A", aspect=14, pad=0.02)
        title(self.what, "y = g(θ, x)   on the way")
        self.x_axis = torch.linspace(*family.x, 200).unsqueeze(-1)
        nothing = nothing_over(self.x_axis[:, 0])
        (self.truth,) = self.what.plot(*nothing, "--", color=BLACK, lw=2, label="wanted")
        (self.blended,) = self.what.plot(*nothing, "-.", color=BLUE, lw=2, label="trained, blended")
        (self.written,) = self.what.plot(*nothing, color=VERMILION, lw=3, label="written")
        self.what.set(xlabel="x", ylabel="y", xlim=family.x, ylim=(-6.5, 10.5))
        self.what.legend(loc="upper left")

    def update(self, pair: int, along: float) -> str:
        i, j = self.pairs[pair]
        t = torch.linspace(0, 1, 50).unsqueeze(-1)
        t = torch.cat([torch.full((1, 1), along), t])  # here, then the whole path
        tasks = torch.lerp(self.tasks[i], self.tasks[j], t)
        on_the_sheet = written(self.learner, self.family.describe(*tasks.T))
        blended = torch.lerp(self.separate[i], self.separate[j], t)
        here = torch.tensor([0, 1, len(t) - 1])  # and the two ends
        y = self.learner.main(torch.stack([on_the_sheet[here], blended[here]]), self.x_axis)  # (2, 3, points, 1)
        truth = self.family.function(*tasks[here].T[:, :, None, None], self.x_axis)
        for plane, path, star, theta in zip(self.planes, self.paths, self.stars, (on_the_sheet, blended), strict=True):
            points = plane(theta)
            path.set_data(*as_numpy(points[1:].T))
            star.set_data(*as_numpy(points[:1].T))
        for line, values in ((self.truth, truth[0]), (self.written, y[0, 0]), (self.blended, y[1, 0])):
            line.set_ydata(as_numpy(values[:, 0]))
        (written_here, *written_ends), (blended_here, *blended_ends) = (y - truth).square().mean(dim=(2, 3)).tolist()
        lengths = [theta[1:].diff(dim=0).norm(dim=-1).sum().item() for theta in (on_the_sheet, blended)]
        straight = (on_the_sheet[-1] - on_the_sheet[1]).norm().item()
        return _(
            "{along:.0%} of the way from amplitude {amplitude:.1f}, phase {phase:.1f} to {other_amplitude:.1f}, "
            "{other_phase:.1f}: mean squared error {written:.3f} with written weights, {blended:.3f} between "
            "trained ones; at the two ends {written_first:.3f} and {written_last:.3f} written, {blended_first:.3f} and "
            "{blended_last:.3f} trained. From end to end θ moves by {straight:.1f} if written, on a bent way of {sheet:.1f} "
            "along the sheet, and by {line:.1f} if trained, straight on.",
            along=along,
            amplitude=self.tasks[i][0],
            phase=self.tasks[i][1],
            other_amplitude=self.tasks[j][0],
            other_phase=self.tasks[j][1],
            written=written_here,
            blended=blended_here,
            written_first=written_ends[0],
            written_last=written_ends[1],
            blended_first=blended_ends[0],
            blended_last=blended_ends[1],
            straight=straight,
            sheet=lengths[0],
            line=lengths[1],
        )


def learning_curves(histories: dict[str, list[float]], window: int = 50) -> Figure:
    """The loss of each training against its steps, on a logarithmic axis, as running means over `window` steps.

    Curves differ by colour, dash and marker, and their markers stand apart, so that those that coincide are seen too.
    """
    figure, (axes,) = subplots(width=7, height=3.2)
    looks = ((VERMILION, "-", "o"), (BLUE, "--", "s"), (GREEN, ":", "^"), (PURPLE, "-.", "D"), (ORANGE, "-", "v"))
    for k, ((color, dash, marker), (name, loss)) in enumerate(zip(looks, histories.items(), strict=False)):
        mean = as_numpy(torch.tensor(loss).unfold(0, min(window, len(loss)), 1).mean(-1))
        every = max(1, len(mean) // 8)
        axes.plot(
            range(len(loss) - len(mean), len(loss)), mean, dash, color=color, marker=marker, label=name,
            markevery=(k * every // len(histories), every),
        )  # fmt: skip
    axes.set(xlabel="step", ylabel=_("loss, mean of {window} steps", window=window), yscale="log")
    axes.legend(frameon=False)
    return figure


def weight_spread(spreads: dict[str, dict[str, Tensor]]) -> Figure:
    """Bars that compare how large the weights of each layer are: kind → {name of the layer: its weights}."""
    figure, (axes,) = subplots(width=9, height=3.2)
    width = 0.8 / len(spreads)
    looks = ((GREY, ""), (BLUE, "//"), (ORANGE, ".."))
    for k, ((color, hatch), (kind, weights)) in enumerate(zip(looks, spreads.items(), strict=False)):
        heights = [w.square().mean().sqrt().item() for w in weights.values()]
        places = [layer + k * width for layer in range(len(heights))]
        axes.bar(places, heights, width=width, color=color, hatch=hatch, edgecolor="white", label=kind)
    names = labels(spreads[kind])
    axes.set(xticks=[layer + 0.4 - width / 2 for layer in range(len(names))], xticklabels=names, ylabel="root mean square")
    axes.legend(frameon=False)
    return figure
