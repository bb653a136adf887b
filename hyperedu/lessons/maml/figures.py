"""The live figure of adaptation, step by step on a sinusoid; what a meta-gradient costs; which way each learner pulls."""

import time
from collections import Counter

import torch
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from torch import Tensor, nn

from hyperedu.adaptation import adapt
from hyperedu.batches import TaskBatch
from hyperedu.figures.style import (
    BLUE,
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
)
from hyperedu.figures.weights import heatmap, labels, weight_heatmap
from hyperedu.history import History
from hyperedu.learners import Learner
from hyperedu.main_network import MainNetwork
from hyperedu.training import outer_loss
from hyperedu.words import _, n_

BEYOND = 1000.0  # a loss that is far out of the panel, whose digits nobody wants to read


class AdaptationPicture:
    """Step by step from a start θ₀ to a task's own weights: `update(task, shots, alpha, steps)`.

    The points of the support set can be dragged. Four panels: where θ is, on the plane through θ₀ in which this adaptation
    moves most, over the task's loss; the change Δθ
    of each weight; the function; the loss. The path is computed once for each start, task, number of shots and α; the steps
    walk along it.

    Args:
        family: `Sinusoids`.
        main: the main network.
        theta_0: (P,) the start; while it is trained, the picture can be redrawn.
        most: the largest number of steps.
        seed: of the 20 tasks, which are unseen ones.
    """

    @in_style()
    def __init__(self, family, main: MainNetwork, theta_0: Tensor, most: int = 10, seed: int = 0):
        self.family, self.main, self.most = family, main, most
        self.tasks = family.test.sample(20, 20, 100, torch.Generator().manual_seed(seed))
        self.given = theta_0
        self.figure, panels = subplots(4, width=13, height=3.7, width_ratios=(1, 1, 1.1, 0.9))
        self.plane, self.change, self.what, self.loss = panels
        names = _("θ   on a plane of weights"), "Δθ = θ − θ₀", _("y = g(θ, x)   what it does"), _("L   mean squared error")
        for axes, name in zip(panels, names, strict=True):
            title(axes, name)
        cells, norm = 4 * self.size, LogNorm(0.02, 20)
        surface, self.fill_surface = heatmap(self.plane, cells, cells, MAGNITUDE + "_r", norm, extent=(-1, 1, 1, -1))
        bar = self.figure.colorbar(surface, ax=self.plane, location="bottom", aspect=30, pad=0.04)
        bar.set_label("loss on unseen points")
        (self.path,) = self.plane.plot([], [], ".-", color="white", mec="black")
        (self.star,) = self.plane.plot([], [], "*", color=VERMILION, markersize=20, mec="black", ls="none")
        self.plane.set(xticks=[], yticks=[], xlim=(-1, 1), ylim=(-1, 1))
        self.fill_change = weight_heatmap(self.change, main, 0.1, _("change of a weight"))
        self.x_axis = torch.linspace(*family.x, 200).unsqueeze(-1)
        nothing = nothing_over(self.x_axis[:, 0])
        (self.truth,) = self.what.plot(*nothing, "--", color=BLUE, lw=2, label="the task")
        (self.start,) = self.what.plot(*nothing, color=GREY, lw=2, label="θ₀")
        (self.curve,) = self.what.plot(*nothing, color=VERMILION, lw=3, label="θ now")
        (self.shown,) = self.what.plot([], [], "o", color=BLUE, mec="black", ls="none", zorder=5, label="support set")
        self.what.set(xlabel="x", ylabel="y", xlim=family.x, ylim=(-6, 10))
        self.what.legend(loc="upper left", ncols=2, handlelength=1.2, columnspacing=0.8)
        self.losses = []
        for color, style, name in ((BLUE, "--", _("support set")), (VERMILION, "-", _("unseen points"))):
            (line,) = self.loss.plot(range(most + 1), [torch.nan] * (most + 1), style, color=color, label=name)
            (dot,) = self.loss.plot([0], [torch.nan], "o", color=color, mec="black", markersize=10)
            self.losses.append((line, dot))
        self.loss.set(xlabel="steps", yscale="log", ylim=(1e-3, 100), xlim=(-0.5, most + 0.5))
        self.loss.set_xticks(range(0, most + 1, 2))
        self.loss.legend(loc="upper right")
        self.theta_0 = theta_0.detach().to(self.tasks.descriptor).clone()
        self.task = self.shots = 0
        self.taken: int | None = None
        self.drag = {self.what: self.move_point}
        self.last = None

    def move_point(self, x: float, y: float, begins: bool) -> dict | None:
        """Press near a point of the support set, and it goes where the hand goes."""
        support = self.tasks.support.task(self.task)
        here = torch.tensor([x, y])
        if begins:
            (left, right), (low, high) = self.what.get_xlim(), self.what.get_ylim()
            away = (torch.cat([support.x, support.y], -1)[: self.shots] - here) / torch.tensor([right - left, high - low])
            nearest = away.norm(dim=-1).argmin()
            self.taken = int(nearest) if away[nearest].norm() < 0.08 else None
        if self.taken is not None:
            support.x[self.taken, 0], support.y[self.taken, 0] = here  # views: the task itself has moved
            self.last = None
        return None

    size = 20  # of the grid on which the loss surface is computed

    def update(self, task: int, shots: int, alpha: float, steps: int, history: History | None = None) -> str:
        self.task, self.shots = task, shots
        now = self.given.detach().to(self.tasks.descriptor)
        if self.last != (task, shots, alpha) or not torch.equal(self.theta_0, now):
            self.theta_0 = now.clone()  # the training changes it in place
            self._adapt(task, shots, alpha)
            self.last = task, shots, alpha
        theta = self.thetas[steps]
        self.star.set_data(*as_numpy(self.points[steps, :, None]))
        self.fill_change(theta - self.theta_0)
        self.curve.set_ydata(as_numpy(self.main(theta, self.x_axis)[:, 0]))
        for (_line, dot), values in zip(self.losses, self.values, strict=True):
            dot.set_data([steps], [values[steps].item()])
        return self._trained(history) + self._sentence(task, shots, alpha, steps)

    @staticmethod
    def _trained(history: History | None) -> str:
        if history is None:
            return ""
        return n_("After {n:,} batch of training. ", "After {n:,} batches of training. ", history.steps)

    def _sentence(self, task: int, shots: int, alpha: float, steps: int) -> str:
        """What was asked before: how the loss on unseen points goes on, and which weights moved most."""
        seen, unseen = (values[steps].item() for values in self.values)
        said = dict(
            task=task,
            amplitude=self.tasks.properties["amplitude"][task],
            phase=self.tasks.properties["phase"][task],
            steps=n_("{n:,} step", "{n:,} steps", steps),
            shots=n_("{n:,} example", "{n:,} examples", shots),
        )
        if not max(seen, unseen) < BEYOND:
            return _(
                "Task {task}: amplitude {amplitude:.1f}, phase {phase:.1f}; after {steps} on {shots} the loss has left the "
                "panel: with α = {alpha:.3f} this task diverges.",
                alpha=alpha,
                **said,
            )
        state = _(
            "Task {task}: amplitude {amplitude:.1f}, phase {phase:.1f}; after {steps} on {shots} the loss is "
            "{seen:.3f} on the support set and {unseen:.3f} on unseen points (at the start {start:.2f}; lowest, {least:.3f}, "
            "after {best}).",
            seen=seen,
            unseen=unseen,
            start=self.values[1][0],
            least=self.values[1].nan_to_num(torch.inf).min(),
            best=n_("{n:,} step", "{n:,} steps", int(self.values[1].nan_to_num(torch.inf).argmin())),
            **said,
        )
        if not steps:
            return state
        before, change = (self.main.unflatten(theta) for theta in (self.theta_0, self.thetas[steps] - self.theta_0))
        shares = [(change[name].norm() / before[name].norm()).item() for name in before]
        most = max(range(len(shares)), key=shares.__getitem__)
        return state + _(
            " {layer} has moved most for its size, by {share:.0%}.", layer=labels(before)[most], share=shares[most]
        )

    def _adapt(self, task: int, shots: int, alpha: float) -> None:
        support, query = self.tasks.support.task(task).first(shots), self.tasks.query.task(task)
        with torch.no_grad():
            path = adapt(self.main, self.theta_0, support, self.most, alpha)
        self.thetas = path.theta
        self.values = [self.main.loss(self.thetas, examples) for examples in (support, query)]
        # The two directions of the path: singular vectors of its displacements from θ₀. It is scaled to fill the panel, whose
        # limits stand still, so that moving a slider does not draw the whole figure anew.
        away = (self.thetas - self.theta_0).nan_to_num(0.0, 0.0, 0.0)
        directions = torch.linalg.svd(away, full_matrices=False).Vh[:2]
        # Their signs are no one's choice: here the path ends to the right and above, and stays there while it is trained.
        directions = directions * torch.where(away[-1] @ directions.T < 0, -1.0, 1.0).to(away)[:, None]
        points = away @ directions.T
        center, half = (points.amax(0) + points.amin(0)) / 2, (points.amax(0) - points.amin(0)).amax().clamp(min=1e-3) / 1.2
        self.points = (points - center) / half
        side = torch.linspace(-1, 1, self.size)
        grid = center + half * torch.cartesian_prod(side, side).flip(-1)
        a_quarter = query.some(slice(None, None, 4))
        losses = self.main.loss(torch.addmm(self.theta_0, grid, directions), a_quarter)  # θ₀ + what of each direction
        losses = losses.clamp(max=BEYOND).view(1, 1, self.size, self.size)
        smooth = nn.functional.interpolate(losses, scale_factor=4, mode="bilinear", align_corners=True)
        self.fill_surface(as_numpy(smooth[0, 0]))
        self.path.set_data(*as_numpy(self.points.T))
        wave = (self.tasks.properties[name][task] for name in ("amplitude", "phase"))
        self.truth.set_ydata(as_numpy(self.family.function(*wave, self.x_axis)[:, 0]))
        self.start.set_ydata(as_numpy(self.main(self.theta_0, self.x_axis)[:, 0]))
        self.shown.set_data(as_numpy(support.x[:, 0]), as_numpy(support.y[:, 0]))
        for (line, _dot), values in zip(self.losses, self.values, strict=True):
            line.set_ydata(as_numpy(values))


class GraphMemory:
    """What the graphs that are recorded in `with GraphMemory() as memory:` keep for the backward pass.

    Attributes:
        most: the largest number of bytes that were kept at one time; a tensor that is kept twice counts once.
    """

    def __init__(self):
        self.most = self._now = 0
        self._holders: Counter[int] = Counter()  # how often a storage, by its address, is kept
        self._hooks = torch.autograd.graph.saved_tensors_hooks(lambda tensor: _Kept(tensor, self), lambda kept: kept.tensor)

    def __enter__(self) -> "GraphMemory":
        self._hooks.__enter__()
        return self

    def __exit__(self, *failure) -> None:
        self._hooks.__exit__(*failure)

    def count(self, tensor: Tensor, by: int) -> None:
        storage = tensor.untyped_storage()
        before = self._holders[storage.data_ptr()]
        self._holders[storage.data_ptr()] = before + by
        if 0 in (before, before + by):  # the first that keeps it, or the last that lets it go
            self._now += by * storage.nbytes()
            self.most = max(self.most, self._now)


class _Kept:
    """A tensor that a graph keeps; gone when the graph is."""

    def __init__(self, tensor: Tensor, memory: GraphMemory):
        self.tensor, self.memory = tensor, memory
        memory.count(tensor, 1)

    def __del__(self) -> None:
        self.memory.count(self.tensor, -1)


def cost(learner: Learner, tasks: TaskBatch) -> tuple[float, float]:
    """What one meta-gradient costs: (megabytes that its graph keeps, milliseconds, the least of five)."""
    parameters, times = list(learner.parameters()), []
    for _repeat in range(5):
        before = time.perf_counter()
        torch.autograd.grad(outer_loss(learner, tasks).mean(), parameters)
        times.append(time.perf_counter() - before)
    with GraphMemory() as memory:
        outer_loss(learner, tasks).mean()
    return memory.most / 2**20, 1000 * min(times)


LINES = {
    "MAML": (VERMILION, "-", "o"),
    "first order": (ORANGE, "--", "s"),
    "ANIL": (PURPLE, ":", "D"),
    "Reptile": (BLUE, "-.", "^"),
    "shared weights": (GREY, "-", "v"),
}


def draw_medians(losses: dict[str, Tensor]) -> Figure:
    """The median over tasks of losses (steps + 1, n_tasks) against the steps, a line for each learner of `LINES`."""
    figure, (axes,) = subplots(width=7, height=4)
    for name, values in losses.items():
        color, line, marker = LINES[name]
        axes.plot(range(len(values)), as_numpy(values.median(dim=1).values), line + marker, color=color, label=name)
    axes.set(xlabel="steps taken on ten points", ylabel="median loss, 600 unseen waves", yscale="log")
    axes.legend(loc="center", bbox_to_anchor=(0.65, 0.52), ncols=2)
    return figure


def draw_directions(found: dict[str, dict[str, Tensor]]) -> Figure:
    """Directions in weight space as arrows of length 1, in the plane of MAML's (to the right) and shared weights' (up).

    An arrow that does not lie in this plane is shorter by what sticks out of it.

    Args:
        found: title of a panel → name, of `LINES` → (P,) direction.
    """
    figure, panels = subplots(len(found), width=9, height=4.5)
    for axes, (where, ways) in zip(panels, found.items(), strict=True):
        units = {name: way / way.norm() for name, way in ways.items()}
        right = units["MAML"]
        up = units["shared weights"] - (units["shared weights"] @ right) * right
        plane = torch.stack([right, up / up.norm()])
        for name, unit in units.items():
            color, line, marker = LINES[name]
            (x, y) = as_numpy(plane @ unit)
            axes.plot([0, x], [0, y], line, color=color, lw=3)
            axes.plot([x], [y], marker, color=color, markersize=10, mec="black", label=name)
        axes.set(xlim=(-0.15, 1.15), ylim=(-0.3, 1.3), aspect="equal", title=where)
        axes.set(xlabel="along MAML's direction", ylabel="across it")
    panels[0].legend(loc="upper right")
    return figure
