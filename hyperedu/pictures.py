"""Static matplotlib pictures, and the signature picture: descriptor → weights → function."""

import base64
import io

import matplotlib
import torch
from IPython.display import display
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import ListedColormap, LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor

from hyperedu.adaptation import adapt
from hyperedu.main_network import MainNetwork, mean_squared_error
from hyperedu.tasks import Examples, Quadratics, TaskBatch
from hyperedu.tasks.quadratics import best_start, hessian, rotation, shrinkage

# Okabe, Ito 2008: categories that differ for every kind of colour vision.
BLACK, ORANGE, SKY, GREEN, YELLOW, BLUE, VERMILION, PURPLE = (
    "#000000", "#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7"
)  # fmt: skip
GREY = "#767676"
MAGNITUDE, DIVERGING = "viridis", "RdBu_r"

# Large enough to be read at half width; white, so that it reads in a dark theme too.
STYLE = {
    "font.size": 12, "axes.titlesize": 13, "axes.titleweight": "bold", "axes.titlelocation": "left",
    "axes.labelsize": 12, "xtick.labelsize": 11, "ytick.labelsize": 11, "legend.fontsize": 11,
    "axes.spines.top": False, "axes.spines.right": False, "figure.facecolor": "white", "legend.frameon": False,
}  # fmt: skip


def subplots(n_columns: int = 1, width: float = 11.0, height: float = 3.9, **kwargs) -> tuple[Figure, list[Axes]]:
    """A figure in the course's style with `n_columns` panels beside each other; size in inches of 100 pixels."""
    with matplotlib.rc_context(STYLE):
        figure = Figure((width, height), dpi=100, layout="constrained")
        axes = figure.subplots(1, n_columns, squeeze=False, **kwargs)[0]
    return figure, list(axes)


def title(axes: Axes, text: str) -> None:
    """A panel's title, bold and flush left."""
    axes.set_title(text, loc="left", fontsize=13, fontweight="bold")


def show(figure: Figure, alt: str) -> None:
    """Display a figure with `alt`, a sentence that says what is to be seen in it."""
    file = io.BytesIO()
    FigureCanvasAgg(figure).print_png(file)
    display({"image/png": base64.b64encode(file.getvalue()).decode()}, metadata={"image/png": {"alt": alt}}, raw=True)


def learning_curves(histories: dict[str, list[float]], window: int = 50) -> Figure:
    """The loss of each training against its steps, on a logarithmic axis, as running means over `window` steps."""
    figure, (axes,) = subplots(width=7, height=3.2)
    for color, (name, loss) in zip((VERMILION, BLUE, GREEN, PURPLE, ORANGE), histories.items(), strict=False):
        mean = torch.tensor(loss).unfold(0, min(window, len(loss)), 1).mean(-1).numpy()
        axes.plot(range(len(loss) - len(mean), len(loss)), mean, color=color, label=name)
    axes.set(xlabel="step", ylabel="query loss", yscale="log")
    axes.legend(frameon=False)
    return figure


def weight_spread(spreads: dict[str, dict[str, Tensor]]) -> Figure:
    """Bars that compare how large the weights of each layer are: kind → {name of the layer: its weights}."""
    figure, (axes,) = subplots(width=9, height=3.2)
    width = 0.8 / len(spreads)
    for k, (color, (kind, weights)) in enumerate(zip((GREY, BLUE, ORANGE), spreads.items(), strict=False)):
        heights = [w.detach().square().mean().sqrt() for w in weights.values()]
        axes.bar([layer + k * width for layer in range(len(heights))], heights, width=width, color=color, label=kind)
    names = _labels(spreads[kind])
    axes.set(xticks=[layer + 0.4 - width / 2 for layer in range(len(names))], xticklabels=names, ylabel="spread of the weights")
    axes.legend(frameon=False)
    return figure


def _labels(names) -> list[str]:
    """The names of weight tensors as in the formulas: W₁, b₁, W₂, …"""
    labels, layer = [], 0
    for name in names:
        kind = name.rsplit(".", 1)[-1]
        layer += kind == "weight"
        subscript = str(layer).translate(str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉"))
        labels.append({"weight": f"W{subscript}", "bias": f"b{subscript}"}.get(kind, name))
    return labels


class WeightGrid:
    """Where each weight of θ stands in one picture of all layers, side by side: W₁ b₁ W₂ b₂ …

    Matrices stand upright, one row per unit of the wider side; vectors are drawn three cells wide.

    Attributes:
        index: (height, width) positions in θ; P, one past the end, where there is a gap.
        labels, centers: the layers' names and the columns at which they stand.
    """

    gap, least_width = 3, 3

    def __init__(self, main: MainNetwork):
        blocks, self.labels = [], _labels(main.shapes)
        for shape, part in zip(main.shapes.values(), torch.arange(main.weight_dim).split(main.sizes), strict=True):
            block = part.reshape(shape[0] if shape else 1, -1)
            block = block.T if block.shape[0] < block.shape[1] else block
            blocks.append(block.repeat_interleave(-(-self.least_width // block.shape[1]), dim=1))
        height = max(block.shape[0] for block in blocks)
        width = sum(block.shape[1] for block in blocks) + self.gap * (len(blocks) - 1)
        self.index, self.centers, left = torch.full((height, width), main.weight_dim), [], 0
        for block in blocks:
            rows, columns = block.shape
            top = (height - rows) // 2
            self.index[top : top + rows, left : left + columns] = block
            self.centers.append(left + (columns - 1) / 2)
            left += columns + self.gap

    def __call__(self, theta: Tensor) -> Tensor:
        """θ (P,) → (height, width), NaN in the gaps."""
        return torch.cat([theta, theta.new_full((1,), torch.nan)])[self.index]


def weight_heatmap(axes: Axes, main: MainNetwork, limit: float):
    """An empty heatmap of all weights; returns a function θ (P,) → None that fills it."""
    grid = WeightGrid(main)
    image = axes.imshow(
        torch.full(grid.index.shape, torch.nan).numpy(), cmap=DIVERGING, norm=Normalize(-limit, limit), aspect="auto",
        interpolation="nearest",
    )  # fmt: skip
    axes.set(xticks=grid.centers, xticklabels=grid.labels, yticks=[])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    bar = axes.figure.colorbar(image, ax=axes, location="bottom", aspect=40, pad=0.04)
    bar.set_label("value of a weight")
    bar.outline.set_visible(False)
    return lambda theta: image.set_data(grid(theta.detach()).numpy())


class Triptych:
    """The signature picture: τ, a point in descriptor space → θ, the generated weights → y = g_θ(x).

    Attributes:
        figure: for `live.interact`.
        where, weights, what: its three panels. Draw what stands still into `where` and `what`.
    """

    @matplotlib.rc_context(STYLE)
    def __init__(self, main: MainNetwork, x_axis: Tensor, weight_limit: float):
        self.figure, (self.where, self.weights, self.what) = subplots(3, width_ratios=(1.05, 1, 1.15))
        title(self.where, "τ   where we are")
        title(self.weights, f"θ = f(τ)   {main.weight_dim:,} weights")
        title(self.what, "y = g(θ, x)   what it does")
        self.fill_weights = weight_heatmap(self.weights, main, weight_limit)
        self.x_axis = x_axis
        self.what.set_xlim(x_axis[0].item(), x_axis[-1].item())
        (self.star,) = self.where.plot(
            [], [], "*", color=VERMILION, markersize=20, mec="black", zorder=5, ls="none", label="τ now"
        )
        (self.curve,) = self.what.plot(x_axis, torch.full_like(x_axis, torch.nan), color=VERMILION, lw=3, zorder=4)

    def move(self, position: tuple[float, float], theta: Tensor, y: Tensor) -> None:
        """Show τ at `position` in the first panel, θ (P,) in the second, y (n,) over `x_axis` in the third."""
        self.star.set_data([position[0]], [position[1]])
        self.fill_weights(theta)
        self.curve.set_ydata(y.detach().numpy())


def weight_limit(theta: Tensor) -> float:
    """A colour limit for many θ (…, P): it covers all but two of a hundred weights."""
    return theta.detach().abs().flatten()[:: max(1, theta.numel() // 100_000)].quantile(0.98).item()


class SinusoidTriptych(Triptych):
    """The signature picture of a hypernetwork on `Sinusoids`: `update(amplitude, phase)` for two sliders."""

    @matplotlib.rc_context(STYLE)
    def __init__(self, family, learner, seed: int = 0):
        self.family, self.learner = family, learner
        random = torch.Generator().manual_seed(seed)
        train, test = family.train.sample(100, 0, 1, random), family.test.sample(25, 0, 1, random)
        with torch.no_grad():
            limit = weight_limit(learner(train.descriptor, None))
        x_axis = torch.linspace(*family.x, 200)
        super().__init__(learner.main, x_axis, limit)
        for batch, marker in ((train, {"s": 14, "color": BLUE, "label": "training"}),
                              (test, {"s": 30, "facecolor": "none", "edgecolor": BLACK, "label": "never seen"})):  # fmt: skip
            self.where.scatter(batch.properties["phase"], batch.properties["amplitude"], **marker)
        self.where.set(xlabel="phase p (rad)", ylabel="amplitude A")
        self.where.legend(loc="lower center", bbox_to_anchor=(0.5, -0.42), ncols=3, handletextpad=0.1, columnspacing=0.8)
        (self.truth,) = self.what.plot(x_axis, torch.full_like(x_axis, torch.nan), "--", color=BLUE, lw=2, label="A sin(x − p)")
        self.curve.set_label("generated network")
        reach = family.amplitude[1]
        self.what.set(xlabel="x", ylabel="y", ylim=(-1.15 * reach, 1.6 * reach))
        self.what.legend(loc="upper left", ncols=2, handlelength=1.2, columnspacing=0.8)

    def update(self, amplitude: float, phase: float) -> str:
        with torch.no_grad():
            theta = self.learner(self.family.describe(amplitude, phase), None)
            y = self.learner.main(theta, self.x_axis.unsqueeze(-1)).squeeze(-1)
        truth = self.family.function(amplitude, phase, self.x_axis)
        self.move((phase, amplitude), theta, y)
        self.truth.set_ydata(truth.numpy())
        error = (y - truth).square().mean().item()
        return (
            f"The descriptor says amplitude {amplitude:.2f} and phase {phase:.2f} rad; the network whose "
            f"{len(theta):,} weights were written from it misses that sine with a mean squared error of {error:.4f}."
        )


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

    @matplotlib.rc_context(STYLE)
    def __init__(self, family, learner, amplitude: Tensor, phase: Tensor, separate: Tensor, seed: int = 0):
        self.family, self.learner, self.separate = family, learner, separate.flatten(0, 1)
        self.tasks = torch.stack([amplitude, phase], dim=-1).flatten(0, 1)
        self.pairs = torch.stack([
            torch.randperm(len(self.tasks), generator=torch.Generator().manual_seed(seed + i))[:2] for i in range(20)
        ])  # fmt: skip
        with torch.no_grad():
            written = learner(family.describe(amplitude, phase), None)
        self.figure, (self.sheet, self.scatter, self.what) = subplots(3)
        titles = ("written by one generator", "trained one by one")
        self.planes, self.paths, self.stars = [], [], []
        for axes, theta, name in zip((self.sheet, self.scatter), (written, separate), titles, strict=True):
            title(axes, f"θ   {name}")
            plane = _Plane(theta.flatten(0, 1))
            points = plane(theta)
            for line in (*points, *points.transpose(0, 1)):  # neighbouring tasks are joined
                axes.plot(*line.T, color=GREY, lw=0.8, zorder=1)
            dots = axes.scatter(*points.flatten(0, 1).T, c=amplitude.flatten(), cmap=MAGNITUDE, s=28, zorder=2)
            (path,) = axes.plot([], [], color=VERMILION, lw=2.5, zorder=3)
            (star,) = axes.plot([], [], "*", color=VERMILION, mec="black", markersize=18, ls="none", zorder=4)
            axes.set(xticks=[], yticks=[], xlabel=f"{plane.share:.0%} of the variance is in this plane")
            self.planes.append(plane), self.paths.append(path), self.stars.append(star)
        self.figure.colorbar(dots, ax=self.scatter, label="amplitude A", aspect=14, pad=0.02)
        title(self.what, "y = g(θ, x)   on the way")
        self.x_axis = torch.linspace(*family.x, 200).unsqueeze(-1)
        nothing = torch.full_like(self.x_axis, torch.nan)
        (self.truth,) = self.what.plot(self.x_axis, nothing, "--", color=BLACK, lw=2, label="wanted")
        (self.blended,) = self.what.plot(self.x_axis, nothing, color=BLUE, lw=2, label="trained, blended")
        (self.written,) = self.what.plot(self.x_axis, nothing, color=VERMILION, lw=3, label="written")
        self.what.set(xlabel="x", ylabel="y", xlim=family.x, ylim=(-6.5, 10.5))
        self.what.legend(loc="upper left")

    def update(self, pair: int, along: float) -> str:
        i, j = self.pairs[pair]
        t = torch.linspace(0, 1, 50).unsqueeze(-1)
        t = torch.cat([torch.full((1, 1), along), t])  # here, then the whole path
        tasks = torch.lerp(self.tasks[i], self.tasks[j], t)
        with torch.no_grad():
            written = self.learner(self.family.describe(*tasks.T), None)
            blended = torch.lerp(self.separate[i], self.separate[j], t)
            y = self.learner.main(torch.stack([written[0], blended[0]]), self.x_axis)
        truth = self.family.function(tasks[0, 0], tasks[0, 1], self.x_axis)
        for plane, path, star, theta in zip(self.planes, self.paths, self.stars, (written, blended), strict=True):
            points = plane(theta)
            path.set_data(*points[1:].T)
            star.set_data(*points[:1].T)
        for line, values in ((self.truth, truth), (self.written, y[0]), (self.blended, y[1])):
            line.set_ydata(values.numpy())
        errors = (y - truth).square().mean(dim=(1, 2)).tolist()
        return (
            f"{along:.0%} of the way from amplitude {self.tasks[i][0]:.1f}, phase {self.tasks[i][1]:.1f} to "
            f"{self.tasks[j][0]:.1f}, {self.tasks[j][1]:.1f}: mean squared error {errors[0]:.3f} with written weights, "
            f"{errors[1]:.3f} between trained ones."
        )


class QuadraticPicture:
    """Two quadratic tasks in the plane of θ: where to start so that `steps` gradient steps end well for both.

    `update(x_1, y_1, x_2, y_2, steps)` moves the optima c of the two tasks and the number of steps.

    Args:
        lr: α.
        most: the largest number of steps.
    """

    @matplotlib.rc_context(STYLE)
    def __init__(self, lr: float = 0.25, most: int = 10):
        self.family, self.lr, self.most = Quadratics(), lr, most
        angle = torch.tensor([0.3, 1.6])
        # Two examples along the axes of each task's ellipse; support and query share them, so that H' = H.
        self.x = (torch.diag(torch.tensor([1.4, 0.45])) @ rotation(angle).mT).contiguous()
        self.figure, (self.plane, self.after) = subplots(2, width=10, height=4.6, width_ratios=(1.2, 1))
        title(self.plane, "θ   starts and where they end")
        title(self.after, "L\u2032   mean loss after adaptation")
        circle = torch.linspace(0, 2 * torch.pi, 80)
        self.circle = torch.stack([circle.cos(), circle.sin()])
        # The ellipse on which L = ½: c + H^(-1/2) u for all directions u.
        values, vectors = torch.linalg.eigh(hessian(self.x))
        self.ellipses = vectors @ torch.diag_embed(values.rsqrt()) @ self.circle
        self.rings, self.optima, self.paths = [], [], {}
        for color, name in ((BLUE, "c₁"), (GREEN, "c₂")):
            self.rings.append([self.plane.plot([], [], color=color, lw=lw, alpha=0.6)[0] for lw in (2, 1.4, 1)])
            self.optima += self.plane.plot([], [], "o", color=color, markersize=11, label=f"{name}, best for one task")
        for key, color, marker, name in (
            ("meta", VERMILION, "*", "meta-learned start"),
            ("joint", ORANGE, "D", "joint training"),
        ):
            lines = [self.plane.plot([], [], color=color, marker=".", lw=1.5)[0] for _ in range(2)]
            (start,) = self.plane.plot(
                [], [], marker, color=color, mec="black", markersize=19 if marker == "*" else 10, ls="none", label=name
            )
            (curve,) = self.after.plot(range(most + 1), [torch.nan] * (most + 1), color=color, marker=".", lw=2, label=name)
            self.paths[key] = (lines, start, curve)
        self.plane.set(xlim=(-4, 4), ylim=(-3, 3), aspect="equal", xlabel="θ₁", ylabel="θ₂")
        self.plane.legend(loc="lower center", bbox_to_anchor=(0.5, -0.44), ncols=2, handletextpad=0.4)
        self.now = self.after.axvline(0, color=GREY, ls="--")
        self.after.set(xlabel="steps of adaptation", ylabel="mean loss of both tasks", yscale="log", ylim=(1e-4, 100))
        self.after.set(xlim=(-0.5, most + 0.5), xticks=range(0, most + 1, 2))
        self.after.legend(loc="upper right")

    def update(self, x_1: float, y_1: float, x_2: float, y_2: float, steps: int) -> str:
        c = torch.tensor([[x_1, y_1], [x_2, y_2]])
        examples = Examples(self.x, (self.x * c.unsqueeze(1)).sum(-1, keepdim=True))
        tasks = TaskBatch(c, examples, examples, {})
        for optimum, rings, center, ellipse in zip(self.optima, self.rings, c, self.ellipses, strict=True):
            optimum.set_data([center[0].item()], [center[1].item()])
            for ring, size in zip(rings, (0.5, 1.0, 1.5), strict=True):
                ring.set_data(*(center.unsqueeze(1) + size * ellipse).numpy())
        at = {}
        for key, n in (("meta", steps), ("joint", 0)):
            start = best_start(tasks, shrinkage(tasks, n, self.lr))
            with torch.no_grad():
                path = adapt(self.family.main, start, examples, self.most, self.lr)
            lines, point, curve = self.paths[key]
            for line, theta in zip(lines, path.theta[: steps + 1].unbind(1), strict=True):
                line.set_data(*theta.T.numpy())
            point.set_data([start[0].item()], [start[1].item()])
            curve.set_ydata(path.loss.mean(1).clamp(min=1e-9).numpy())
            at[key] = path.loss.mean(1)
        self.now.set_xdata([steps, steps])
        return (
            f"Before adaptation the meta-learned start has a mean loss of {at['meta'][0]:.3f}, joint training "
            f"{at['joint'][0]:.3f}; after {steps} steps {at['meta'][steps]:.4f} and {at['joint'][steps]:.4f}."
        )


class AdaptationPicture:
    """Step by step from a start θ₀ to a task's own weights: `update(task, shots, alpha, steps)`.

    Four panels: where θ is, on the plane through θ₀ in which this adaptation moves most, over the task's loss; the change Δθ
    of each weight; the function; the loss. The path is computed once for each task, number of shots and α; the steps walk
    along it.

    Args:
        family: `Sinusoids`.
        main: the main network.
        theta_0: (P,) the start.
        most: the largest number of steps.
        seed: of the 20 tasks, which are unseen ones.
    """

    @matplotlib.rc_context(STYLE)
    def __init__(self, family, main: MainNetwork, theta_0: Tensor, most: int = 10, seed: int = 0):
        self.family, self.main, self.theta_0, self.most = family, main, theta_0.detach(), most
        self.tasks = family.test.sample(20, 20, 100, torch.Generator().manual_seed(seed))
        self.figure, panels = subplots(4, width=13, height=3.7, width_ratios=(1, 1, 1.1, 0.9))
        self.plane, self.change, self.what, self.loss = panels
        names = "θ   on a plane of weights", "Δθ = θ − θ₀", "y = g(θ, x)   what it does", "L   loss at each step"
        for axes, name in zip(panels, names, strict=True):
            title(axes, name)
        self.surface = self.plane.imshow(
            torch.zeros(self.size, self.size).numpy(), cmap=MAGNITUDE + "_r", norm=LogNorm(0.02, 20), origin="lower",
            extent=(-1, 1, -1, 1), aspect="auto", interpolation="bilinear",
        )  # fmt: skip
        bar = self.figure.colorbar(self.surface, ax=self.plane, location="bottom", aspect=30, pad=0.04)
        bar.set_label("loss on unseen points")
        (self.path,) = self.plane.plot([], [], ".-", color="white", mec="black")
        (self.star,) = self.plane.plot([], [], "*", color=VERMILION, markersize=20, mec="black", ls="none")
        self.plane.set(xticks=[], yticks=[], xlim=(-1, 1), ylim=(-1, 1))
        self.fill_change = weight_heatmap(self.change, main, 0.1)
        self.x_axis = torch.linspace(*family.x, 200).unsqueeze(-1)
        nothing = torch.full((200,), torch.nan).numpy()
        (self.truth,) = self.what.plot(self.x_axis[:, 0].numpy(), nothing, "--", color=BLUE, lw=2, label="the task")
        (self.start,) = self.what.plot(self.x_axis[:, 0].numpy(), nothing, color=GREY, lw=2, label="θ₀")
        (self.curve,) = self.what.plot(self.x_axis[:, 0].numpy(), nothing, color=VERMILION, lw=3, label="θ now")
        (self.shown,) = self.what.plot([], [], "o", color=BLUE, mec="black", ls="none", zorder=5, label="support set")
        self.what.set(xlabel="x", ylabel="y", xlim=family.x, ylim=(-6, 10))
        self.what.legend(loc="upper left", ncols=2, handlelength=1.2, columnspacing=0.8)
        self.losses = []
        for color, name in ((BLUE, "support set"), (VERMILION, "unseen points")):
            (line,) = self.loss.plot(range(most + 1), [torch.nan] * (most + 1), color=color, label=name)
            (dot,) = self.loss.plot([0], [torch.nan], "o", color=color, mec="black", markersize=10)
            self.losses.append((line, dot))
        self.loss.set(xlabel="steps", ylabel="mean squared error", yscale="log", ylim=(1e-3, 100), xlim=(-0.5, most + 0.5))
        self.loss.set_xticks(range(0, most + 1, 2))
        self.loss.legend(loc="upper right")
        self.last = None

    size = 24  # of the grid on which the loss surface is computed

    def update(self, task: int, shots: int, alpha: float, steps: int) -> str:
        if self.last != (task, shots, alpha):
            self._adapt(task, shots, alpha)
            self.last = task, shots, alpha
        theta = self.thetas[steps]
        self.star.set_data(*self.points[steps, :, None].numpy())
        self.fill_change(theta - self.theta_0)
        self.curve.set_ydata(self.main(theta, self.x_axis)[:, 0].numpy())
        for (_, dot), values in zip(self.losses, self.values, strict=True):
            dot.set_data([steps], [values[steps].item()])
        properties = {name: self.tasks.properties[name][task] for name in ("amplitude", "phase")}
        seen, unseen = (values[steps].item() for values in self.values)
        return (
            f"Task {task}: amplitude {properties['amplitude']:.1f}, phase {properties['phase']:.1f}; after {steps} steps on "
            f"{shots} examples the loss is {seen:.3f} on them and {unseen:.3f} on unseen points (at the start "
            f"{self.values[1][0]:.2f})."
        )

    def _adapt(self, task: int, shots: int, alpha: float) -> None:
        tasks = self.tasks
        support = Examples(tasks.support.x[task, :shots], tasks.support.y[task, :shots])
        query = Examples(tasks.query.x[task], tasks.query.y[task])
        with torch.no_grad():
            path = adapt(self.main, self.theta_0, support, self.most, alpha)
        self.thetas = path.theta
        self.values = [self._loss(self.thetas, examples) for examples in (support, query)]
        # The two directions of the path: singular vectors of its displacements from θ₀. It is scaled to fill the panel, whose
        # limits stand still, so that moving a slider does not draw the whole figure anew.
        away = (self.thetas - self.theta_0).nan_to_num(0.0, 0.0, 0.0)
        directions = torch.linalg.svd(away, full_matrices=False).Vh[:2]
        points = away @ directions.T
        center, half = (points.amax(0) + points.amin(0)) / 2, (points.amax(0) - points.amin(0)).amax().clamp(min=1e-3) / 1.2
        self.points = (points - center) / half
        side = torch.linspace(-1, 1, self.size)
        grid = center + half * torch.stack(torch.meshgrid(side, side, indexing="xy"), -1)
        examples = Examples(query.x[::4], query.y[::4])
        self.surface.set_data(self._loss(self.theta_0 + grid @ directions, examples).numpy())
        self.path.set_data(*self.points.T.numpy())
        self.truth.set_ydata(
            self.family.function(tasks.properties["amplitude"][task], tasks.properties["phase"][task], self.x_axis)[
                :, 0
            ].numpy()
        )
        self.start.set_ydata(self.main(self.theta_0, self.x_axis)[:, 0].numpy())
        self.shown.set_data(support.x[:, 0].numpy(), support.y[:, 0].numpy())
        for (line, _), values in zip(self.losses, self.values, strict=True):
            line.set_ydata(values.numpy())

    def _loss(self, theta: Tensor, examples: Examples) -> Tensor:
        """Of many θ (…, P) on the same examples, (…,)."""
        return mean_squared_error(self.main(theta, examples.x), examples.y.expand(*theta.shape[:-1], -1, -1))


class DescribeOrShow:
    """Describe a task, or show examples of it? `update(task, noise, shots)`.

    Three panels: the task as it is and as it is described, τ + noise · ε; what every learner makes of that and of the
    support set; and, over all tasks, which learner errs least at each noise and number of shots.

    Args:
        family: `Sinusoids` or `ColoradoClimate`.
        learners: name → learner, up to four.
        errors: name → (seeds, noises, shots), the errors that were measured on unseen tasks.
        noises, shots: where they were measured, ascending.
        seed: of the 20 tasks, which are unseen ones, and of ε.
    """

    @matplotlib.rc_context(STYLE)
    def __init__(self, family, learners, errors: dict[str, Tensor], noises, shots, seed: int = 0):
        self.family, self.learners, self.noises, self.shots = family, learners, torch.tensor(noises), torch.tensor(shots)
        random = torch.Generator().manual_seed(seed)
        self.tasks = family.test.sample(20, shots[-1], 1, random)
        self.error = torch.randn(self.tasks.descriptor.shape, generator=random)
        self.axis, self.x, self.y = family.curve(self.tasks)
        colors = dict(zip(learners, (VERMILION, BLUE, GREEN, ORANGE), strict=False))
        self.figure, (self.where, self.what, self.map) = subplots(3, width=12, height=4.2, width_ratios=(0.9, 1.25, 1.1))
        for axes, name in ((self.where, "τ   as described"), (self.what, "y = g(θ, x)"), (self.map, "who errs least")):
            title(axes, name)
        self._draw_where(random)
        nothing = torch.full_like(self.axis, torch.nan).numpy()
        (self.truth,) = self.what.plot(self.axis, nothing, "--", color=BLACK, lw=2, label="the task")
        self.curves = {n: self.what.plot(self.axis, nothing, color=c, lw=2.5, label=n)[0] for n, c in colors.items()}
        (self.shown,) = self.what.plot([], [], "o", color=BLACK, ls="none", zorder=5, label="examples")
        low, high = self.y.min().item(), self.y.max().item()
        self.what.set(xlabel=family.axis_labels[0], ylabel=family.axis_labels[1])
        self.what.set(xlim=(self.axis[0].item() - 0.3, self.axis[-1].item() + 0.3))
        self.what.set(ylim=(low - 0.15 * (high - low), high + 0.65 * (high - low)))
        self.what.legend(loc="upper left", ncols=2, handlelength=1.2, columnspacing=0.8)
        self._draw_map(errors, colors)
        (self.here,) = self.map.plot([], [], "o", color="none", markersize=32, mec=BLACK, mew=2.5, ls="none")

    reach = 3.0  # standard deviations of τ that the first panel shows; what is described farther away stands at its edge

    def _draw_where(self, random) -> None:
        names, units = self.family.descriptors.names, self.family.descriptors.units
        known = self.family.descriptors.values(self.family.train.sample(100, 0, 1, random).descriptor)
        self.where.scatter(known[:, -1], known[:, 0], s=14, color=GREY, label="training")
        (self.line,) = self.where.plot([], [], color=BLACK, lw=1)
        (self.ring,) = self.where.plot(
            [], [], "o", color="none", mec=BLACK, mew=2.5, markersize=13, ls="none", label="the task"
        )
        (self.star,) = self.where.plot([], [], "*", color=VERMILION, mec="black", markersize=20, ls="none", label="described")
        low, high = (self.family.descriptors.values(torch.full_like(self.error[0], k * 1.1 * self.reach)) for k in (-1, 1))
        self.where.set(xlim=(low[-1].item(), high[-1].item()), ylim=(low[0].item(), high[0].item()))
        x_label, y_label = (f"{names[k]} ({units[k]})".replace(" ()", "") for k in (-1, 0))
        self.where.set(xlabel=x_label, ylabel=y_label)
        self.where.legend(loc="lower center", bbox_to_anchor=(0.45, -0.38), ncols=3, handletextpad=0.1, columnspacing=0.8)

    def _draw_map(self, errors: dict[str, Tensor], colors: dict[str, str]) -> None:
        every = torch.stack([errors[name] for name in self.learners])  # (learners, seeds, noises, shots)
        mean = every.mean(1)
        self.winner = mean.argmin(0)
        agree = (every.argmin(0) == self.winner).all(0)
        self.map.imshow(
            self.winner.numpy(), cmap=ListedColormap(list(colors.values())), norm=Normalize(-0.5, len(colors) - 0.5),
            alpha=0.45, origin="lower", aspect="auto",
        )  # fmt: skip
        for (i, j), value in zip(torch.cartesian_prod(*map(torch.arange, mean.shape[1:])), mean.amin(0).flatten(), strict=True):
            said = f"{value:.2g}".replace("0.", ".") + ("" if agree[i, j] else "?")
            self.map.text(j, i, said, ha="center", va="center", fontsize=10)
        self.map.set(xlabel="shots", ylabel="noise in τ (std)")
        self.map.set(xticks=range(len(self.shots)), xticklabels=self.shots.tolist())
        self.map.set(yticks=range(len(self.noises)), yticklabels=[f"{s:g}" for s in self.noises.tolist()])

    def update(self, task: int, noise: float, shots: int) -> str:
        tau, said = self.tasks.descriptor[task], self.tasks.descriptor[task] + noise * self.error[task]
        D = Examples(self.tasks.support.x[task, :shots], self.tasks.support.y[task, :shots])
        is_, as_ = (self.family.descriptors.values(t.clamp(-self.reach, self.reach))[[-1, 0]].tolist() for t in (tau, said))
        self.ring.set_data(*[[v] for v in is_])
        self.star.set_data(*[[v] for v in as_])
        self.line.set_data(*zip(is_, as_, strict=True))
        self.truth.set_ydata(self.y[task, :, 0].numpy())
        nearest = torch.cdist(D.x, self.x).argmin(1)
        self.shown.set_data(self.axis[nearest].numpy(), D.y[:, 0].numpy())
        errors = []
        for name, learner in self.learners.items():
            with torch.no_grad():
                y = learner.main(learner(said[None], Examples(D.x[None], D.y[None]))[0], self.x)
            self.curves[name].set_ydata(y[:, 0].numpy())
            errors.append(f"{name} {(y - self.y[task]).square().mean():.2f}")
        column, row = (_between(grid, value) for grid, value in ((self.shots, shots), (self.noises, noise)))
        self.here.set_data([column], [row])
        best = list(self.learners)[self.winner[round(row), round(column)]]
        return (
            f"It is {self.family.descriptors.in_words(tau)}; it is described as {self.family.descriptors.in_words(said)}. With "
            f"{shots} examples the mean squared error on it is: {', '.join(errors)}. Over all tasks the best here is: {best}."
        )


def _between(grid: Tensor, value: float) -> float:
    """The position of a value on an ascending grid, counted in its entries: halfway from the third to the fourth is 2.5."""
    above = int((grid[1:-1] <= value).sum())
    return above + ((value - grid[above]) / (grid[above + 1] - grid[above])).item()


def all_mappings() -> Figure:
    """Every learner of the course as (τ, D) → θ, by what it takes of the description and what of the examples."""
    figure, (axes,) = subplots(width=12, height=4.6)
    columns = "no examples", "examples read by a network", "gradient steps on examples"
    rows = "no description", "description τ given", "description sought"
    cells = {
        (0, 0): [("SharedWeights", r"$\theta_0$")],
        (1, 0): [
            ("SupportSetHypernetwork", r"$f_\varphi(h(D))$"),
            ("HyperMAML", r"$\theta_0 + H_\varphi(D, g_{\theta_0}(D))$"),
        ],
        (2, 0): [("MAML, Reptile, ANIL", r"$U(\theta_0, D)$")],
        (0, 1): [("Hypernetwork", r"$f_\varphi(\tau)$"), ("Conditioned", r"$\theta_0$ with $b_1 + A\tau$")],
        (1, 1): [("?", "")],
        (2, 1): [("TaskConditionedMAML", r"$U(f_\varphi(\tau), D)$")],
        (2, 2): [("DescriptorAdaptation", r"$f_\varphi(U(\tau_0, D))$")],
    }
    for (column, row), learners in cells.items():
        axes.add_patch(
            Rectangle((column - 0.48, row - 0.44), 0.96, 0.88, color=(SKY, YELLOW)[learners[0][0] == "?"], alpha=0.35)
        )
        for k, (name, formula) in enumerate(learners):
            y = row + (k - (len(learners) - 1) / 2) * 0.4
            axes.text(column, y - 0.08, name, ha="center", va="center", fontweight="bold", fontsize=12)
            axes.text(column, y + 0.11, formula, ha="center", va="center", fontsize=13)
    axes.set(xlim=(-0.5, 2.5), ylim=(2.5, -0.5), xticks=range(3), xticklabels=columns, yticks=range(3), yticklabels=rows)
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    return figure


class _Plane:
    """θ (…, P) → its coordinates (…, 2) in the two directions in which the given θ (n, P) vary most (PCA)."""

    def __init__(self, theta: Tensor):
        self.mean = theta.mean(0)
        _, s, directions = torch.linalg.svd(theta - self.mean, full_matrices=False)
        self.directions, self.share = directions[:2], (s[:2].square().sum() / s.square().sum()).item()

    def __call__(self, theta: Tensor) -> Tensor:
        return (theta - self.mean) @ self.directions.T


class ColoradoTriptych(Triptych):
    """The signature picture of a hypernetwork on `ColoradoClimate`: `update(elevation, latitude, longitude)`."""

    @matplotlib.rc_context(STYLE)
    def __init__(self, family, learner):
        self.family, self.learner = family, learner
        stations = family.stations
        with torch.no_grad():
            limit = weight_limit(learner(family.train.sample(None, 0, 1).descriptor, None))
        super().__init__(learner.main, torch.linspace(0, 11, 111), limit)
        low, high = stations["elevation"].min().item(), stations["elevation"].max().item()
        for tasks, name in ((family.train, "training"), (family.test, "never seen")):
            values = {k: stations[k][tasks.index] for k in ("longitude", "latitude", "elevation")}
            style = {"c": values["elevation"], "cmap": MAGNITUDE, "vmin": low, "vmax": high, "s": 18, "label": name}
            if name == "never seen":
                style |= {"s": 42, "edgecolor": BLACK, "linewidth": 1.3}
            dots = self.where.scatter(values["longitude"], values["latitude"], **style)
        (self.ring,) = self.where.plot(
            [], [], "o", color="none", mec=BLUE, mew=2.5, markersize=13, zorder=4, ls="none", label="nearest"
        )
        self.where.set(xlabel="longitude (°)", ylabel="latitude (°)")
        self.where.legend(loc="lower center", bbox_to_anchor=(0.5, -0.6), ncols=2, handletextpad=0.1, columnspacing=0.8)
        bar = self.figure.colorbar(dots, ax=self.where, aspect=14, pad=0.02)
        bar.set_label("elevation (m)")
        (self.level,) = bar.ax.plot([0.5], [low], "*", color=VERMILION, markersize=18, mec="black", clip_on=False)
        self.what.plot(range(12), family.mean_year[family.train.index].T, color=GREY, lw=0.6, alpha=0.12, zorder=1)
        (self.measured,) = self.what.plot(
            range(12), [torch.nan] * 12, "o", color="none", mec=BLUE, mew=2, markersize=7, zorder=5
        )
        self.name = self.what.text(0.02, 0.98, "", color=BLUE, transform=self.what.transAxes, va="top")
        low, high = family.mean_year.min().item(), family.mean_year.max().item()
        self.what.set(xticks=range(12), xticklabels="JFMAMJJASOND", ylim=(low, high + 0.25 * (high - low)))
        self.what.set(xlim=(-0.3, 11.3), xlabel=family.axis_labels[0], ylabel=family.axis_labels[1])

    def update(self, elevation: float, latitude: float, longitude: float) -> str:
        family, main = self.family, self.learner.main
        descriptor = family.describe(elevation, latitude, longitude)
        with torch.no_grad():
            theta = self.learner(descriptor, None)
            y = main(theta, family.x(self.x_axis)).squeeze(-1)
        held_out = family.test.index
        values = torch.stack([family.stations[k] for k in family.descriptors.names], -1)[held_out]
        nearest = held_out[(family.descriptors(values) - descriptor).norm(dim=-1).argmin()]
        place = {k: v[nearest] for k, v in family.stations.items() if k != "name"}
        name, year = family.stations["name"][nearest], family.mean_year[nearest]
        self.move((longitude, latitude), theta, y)
        self.level.set_ydata([elevation])
        self.ring.set_data([place["longitude"]], [place["latitude"]])
        self.measured.set_ydata(year.numpy())
        self.name.set_text(f"○ {name}, {place['elevation']:,.0f} m\n   measured, never seen")
        return (
            f"At {elevation:,.0f} m, {latitude:.1f}° N, {-longitude:.1f}° W the generated network draws "
            f"{y[0]:.1f} {family.unit} in January and {y[60]:.1f} {family.unit} in July; {name}, the most similar "
            f"station that it never saw ({place['elevation']:,.0f} m), measured {year[0]:.1f} and {year[6]:.1f}."
        )
