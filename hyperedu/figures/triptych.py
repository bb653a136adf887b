"""The signature picture: descriptor → weights → function."""

import torch
from matplotlib.axes import Axes
from torch import Tensor

from hyperedu.figures.style import BLACK, BLUE, VERMILION, as_numpy, in_style, nothing_over, subplots, title, written
from hyperedu.figures.weights import weight_heatmap, weight_limit
from hyperedu.main_network import MainNetwork


class Triptych:
    """The signature picture: τ, a point in descriptor space → θ, the generated weights → y = g_θ(x).

    Attributes:
        figure: for `live.interact`.
        where, weights, what: its three panels. Draw what stands still into `where` and `what`.
        drag: for `live.interact`: the sliders that are the axes of `where`, so that the star can be taken by hand.
    """

    @in_style()
    def __init__(self, main: MainNetwork, x_axis: Tensor, weight_limit: float):
        self.figure, (self.where, self.weights, self.what) = subplots(3, width_ratios=(1.05, 1, 1.15))
        title(self.where, "τ   where we are")
        title(self.weights, f"θ = f(τ)   {main.weight_dim:,} weights")
        title(self.what, "y = g(θ, x)   what it does")
        self.drag: dict[Axes, tuple[str, str]] = {}
        self.fill_weights = weight_heatmap(self.weights, main, weight_limit)
        self.x_axis = x_axis
        self.what.set_xlim(x_axis[0].item(), x_axis[-1].item())
        (self.star,) = self.where.plot(
            [], [], "*", color=VERMILION, markersize=20, mec="black", zorder=5, ls="none", label="τ now"
        )
        (self.curve,) = self.what.plot(*nothing_over(x_axis), color=VERMILION, lw=3, zorder=4)

    def move(self, position: tuple[float, float], theta: Tensor, y: Tensor) -> None:
        """Show τ at `position` in the first panel, θ (P,) in the second, y (n,) over `x_axis` in the third."""
        self.star.set_data([position[0]], [position[1]])
        self.fill_weights(theta)
        self.curve.set_ydata(as_numpy(y))


class SinusoidTriptych(Triptych):
    """The signature picture of a hypernetwork on `Sinusoids`: `update(amplitude, phase)` for two sliders."""

    @in_style()
    def __init__(self, family, learner, seed: int = 0):
        self.family, self.learner = family, learner
        random = torch.Generator().manual_seed(seed)
        train, test = family.train.sample(100, 0, 1, random), family.test.sample(25, 0, 1, random)
        x_axis = torch.linspace(*family.x, 200)
        super().__init__(learner.main, x_axis, weight_limit(written(learner, train.descriptor)))
        for batch, marker in ((train, {"s": 14, "color": BLUE, "label": "training"}),
                              (test, {"s": 30, "facecolor": "none", "edgecolor": BLACK, "label": "never seen"})):  # fmt: skip
            self.where.scatter(*(as_numpy(batch.properties[name]) for name in ("phase", "amplitude")), **marker)
        self.where.set(xlabel="phase p (rad)", ylabel="amplitude A")
        self.drag = {self.where: ("phase", "amplitude")}
        self.where.legend(loc="lower center", bbox_to_anchor=(0.5, -0.42), ncols=3, handletextpad=0.1, columnspacing=0.8)
        (self.truth,) = self.what.plot(*nothing_over(x_axis), "--", color=BLUE, lw=2, label="A sin(x − p)")
        self.curve.set_label("generated network")
        reach = family.amplitude[1]
        self.what.set(xlabel="x", ylabel="y", ylim=(-1.15 * reach, 1.6 * reach))
        self.what.legend(loc="upper left", ncols=2, handlelength=1.2, columnspacing=0.8)

    def update(self, amplitude: float, phase: float) -> str:
        theta = written(self.learner, self.family.describe(amplitude, phase))
        y = self.learner.main(theta, self.x_axis.unsqueeze(-1)).squeeze(-1)
        truth = self.family.function(amplitude, phase, self.x_axis)
        self.move((phase, amplitude), theta, y)
        self.truth.set_ydata(as_numpy(truth))
        error = (y - truth).square().mean().item()
        return (
            f"The descriptor says amplitude {amplitude:.2f} and phase {phase:.2f} rad; the network whose "
            f"{len(theta):,} weights were written from it misses that sine with a mean squared error of {error:.4f}."
        )
