"""Live figures of generator designs: what each writes, and one generator for main networks of several sizes."""

import torch
from matplotlib.figure import Figure
from torch import Tensor

from hyperedu.figures.style import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    MAGNITUDE,
    PURPLE,
    VERMILION,
    as_numpy,
    in_style,
    nothing_over,
    subplots,
    title,
    written,
)
from hyperedu.figures.triptych import Triptych
from hyperedu.figures.weights import labels, weight_heatmap, weight_limit
from hyperedu.words import _


def likeness(W: Tensor, step: int) -> float:
    """How weights correlate that stand `step` rows or `step` columns apart: the mean of both."""
    pairs = (W[step:], W[:-step]), (W[:, step:], W[:, :-step])
    return sum(torch.corrcoef(torch.stack([a.flatten(), b.flatten()]))[0, 1].item() for a, b in pairs) / 2


class _Waves(Triptych):
    """The signature picture, with the task drawn over the curve that would hide it; it keeps θ for what is said of it."""

    def __init__(self, family, learner):
        super().__init__(family, learner)
        self.truth.set_zorder(5)

    def move(self, position: tuple[float, float], theta: Tensor, y: Tensor) -> None:
        super().move(position, theta, y)
        self.theta = theta

    def W_2(self) -> Tensor:
        return self.learner.main.unflatten(self.theta)["2.weight"]


class TinyTriptych(_Waves):
    """The signature picture, which also says how W₂ looks and how many weights have moved since it was first shown."""

    first: Tensor | None = None

    def update(self, **properties: float) -> str:
        said = super().update(**properties)
        self.first = self.theta if self.first is None else self.first
        return _(
            "{said} In W₂, weights side by side correlate {near:.2f}. Since the first position {share:.0%} of all weights have "
            "changed by over 1%.",
            said=said,
            near=likeness(self.W_2(), 1),
            share=((self.theta - self.first).abs() > 0.01 * self.first.abs()).double().mean(),
        )


class DesignsTriptych(_Waves):
    """The signature picture of several hypernetworks of one main network: `update(design, amplitude, phase)`.

    Args:
        learners: name of the design → learner.
    """

    def __init__(self, family, learners):
        self.learners = learners
        super().__init__(family, next(iter(learners.values())))

    def update(self, design: str, **properties: float) -> str:
        self.learner = self.learners[design]
        n = sum(p.numel() for p in self.learner.parameters())
        said = _("{design}, {n:,} parameters. ", design=_(design).capitalize(), n=n)
        said += super().update(**properties)
        return _(
            "{said} In W₂, weights side by side correlate {near:.2f}, and weights four apart {far:.2f}.",
            said=said,
            near=likeness(self.W_2(), 1),
            far=likeness(self.W_2(), 4),
        )


class SizesPicture:
    """One generator, several main networks: `update(amplitude, phase)` writes and runs all of them.

    Args:
        family: `Sinusoids`.
        learners: name → hypernetwork, up to three; their generators share all parameters.
    """

    @in_style()
    def __init__(self, family, learners):
        self.family, self.learners = family, learners
        n = len(learners)
        self.figure, (self.where, *thetas, self.what) = subplots(n + 2, width=13, width_ratios=(0.9, *[0.8] * n, 1.3))
        title(self.where, "τ   where we are")
        train = family.train.sample(100, 0, 1, torch.Generator().manual_seed(0))
        self.where.scatter(*(as_numpy(train.properties[name]) for name in ("phase", "amplitude")), s=14, color=BLUE)
        self.where.set(xlabel="phase p (rad)", ylabel="amplitude A")
        self.drag = {self.where: ("phase", "amplitude")}
        (self.star,) = self.where.plot([], [], "*", color=VERMILION, markersize=20, mec="black", ls="none", label="τ now")
        self.where.legend(loc="lower center", bbox_to_anchor=(0.5, -0.45))
        title(self.what, "y = g(θ, x)   what they do")
        self.x_axis = torch.linspace(*family.x, 200).unsqueeze(-1)
        nothing = nothing_over(self.x_axis[:, 0])
        (self.truth,) = self.what.plot(*nothing, "--", color=BLACK, lw=2, zorder=5, label="A sin(x − p)")
        self.fill, self.curves = {}, {}
        limit = max(weight_limit(written(learner, train.descriptor)) for learner in learners.values())
        looks = (BLUE, "-"), (VERMILION, "-."), (GREEN, ":")
        for axes, (color, line), (name, learner) in zip(thetas, looks, learners.items(), strict=False):
            title(axes, name)
            axes.tick_params(labelsize=9)
            self.fill[name] = weight_heatmap(axes, learner.main, limit)
            (self.curves[name],) = self.what.plot(*nothing, line, color=color, lw=2.5, label=name)
        reach = family.amplitude[1]
        self.what.set(xlabel="x", ylabel="y", xlim=family.x, ylim=(-1.15 * reach, 2 * reach))
        self.what.legend(loc="upper left", ncols=2, handlelength=1.2, columnspacing=0.8)
        self.figure.get_layout_engine().set(w_pad=0.1)  # room between the last heatmap and y

    def update(self, amplitude: float, phase: float) -> str:
        tau = self.family.describe(amplitude, phase)
        truth = self.family.function(amplitude, phase, self.x_axis)
        self.star.set_data([phase], [amplitude])
        self.truth.set_ydata(as_numpy(truth[:, 0]))
        errors = []
        for name, learner in self.learners.items():
            theta = written(learner, tau)
            y = learner.main(theta, self.x_axis)
            self.fill[name](theta)
            self.curves[name].set_ydata(as_numpy(y[:, 0]))
            errors.append(f"{_(name)} {(y - truth).square().mean():.3f}")
        return _(
            "At amplitude {amplitude:.2f} and phase {phase:.2f} rad the mean squared errors are: {errors}; of the flat "
            "line y = 0 {flat:.3f}.",
            amplitude=amplitude,
            phase=phase,
            errors=", ".join(errors),
            flat=truth.square().mean(),
        )


def designs(learners, descriptor: Tensor) -> Figure:
    """What each of up to five hypernetworks of one main network writes for the same τ, each on its own scale of colours."""
    figure, panels = subplots(len(learners), width=2.7 * len(learners), height=3.4)
    for axes, (name, learner) in zip(panels, learners.items(), strict=True):
        theta = written(learner, descriptor)
        title(axes, name)
        weight_heatmap(axes, learner.main, theta.abs().quantile(0.9).item())(theta)
    return figure


def cost_lines(costs: dict[str, Tensor]) -> Figure:
    """Parameters and time of up to five designs against the size of the main network.

    Args:
        costs: name of the design → (3, sizes): P, parameters, milliseconds.
    """
    figure, panels = subplots(2, width=11, height=3.8)
    looks = (BLACK, "o"), (BLUE, "s"), (GREEN, "^"), (VERMILION, "D"), (PURPLE, "v")
    for (name, (P, *values)), (color, marker) in zip(costs.items(), looks, strict=False):
        for axes, value in zip(panels, values, strict=True):
            axes.plot(as_numpy(P), as_numpy(value), marker + "-", color=color, label=name)
    for axes, label in zip(panels, (_("parameters of the generator"), _("ms, forward and backward")), strict=True):
        axes.set(xscale="log", yscale="log", xlabel="P, weights of the main network", ylabel=label)
    panels[0].plot(as_numpy(P), as_numpy(P), ":", color=GREY)  # as many parameters as weights
    panels[1].legend(loc="upper left", frameon=False)
    return figure


def sensitivity(changes: dict[str, Tensor], layers, properties) -> Figure:
    """What moves which layer: one heatmap for each property of τ, designs down and weight tensors across.

    Args:
        changes: name of the design → (tensors, properties), how much each tensor changes.
        layers: the names of the tensors, as in `main.shapes`.
        properties: the names of the entries of τ.
    """
    figure, panels = subplots(len(properties), width=11, height=3.4, sharey=True)
    values = torch.stack(list(changes.values()))  # (designs, tensors, properties)
    for k, (axes, name) in enumerate(zip(panels, properties, strict=True)):
        title(axes, _("when the {name} moves", name=_(name)))
        image = axes.imshow(as_numpy(values[..., k]), cmap=MAGNITUDE, vmin=0, vmax=values.max().item(), aspect="auto")
        axes.set(xticks=range(len(layers)), xticklabels=labels(layers), yticks=range(len(changes)), yticklabels=list(changes))
        axes.tick_params(length=0)
        for i, row in enumerate(values[..., k].tolist()):
            for j, value in enumerate(row):
                color = "white" if value < values.max() / 2 else "black"
                axes.text(j, i, f"{value:.2f}", ha="center", va="center", color=color)
    figure.colorbar(image, ax=panels, label="relative change per unit of τ", aspect=14, pad=0.02)
    return figure
