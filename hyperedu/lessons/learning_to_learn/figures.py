"""Live figures of adaptation: on two quadratics, and step by step on a sinusoid."""

import numpy as np
import torch
from torch import Tensor, nn

from hyperedu.adaptation import adapt
from hyperedu.batches import Examples, TaskBatch
from hyperedu.figures.style import BLUE, GREEN, GREY, ORANGE, PURPLE, VERMILION, as_numpy, in_style, subplots, title
from hyperedu.tasks import Quadratics
from hyperedu.tasks.quadratics import best_start, hessian, rotation, shrinkage
from hyperedu.words import _, n_


class QuadraticPicture:
    """Two quadratic tasks in the plane of θ: where to start so that `steps` gradient steps end well for both.

    `update(x_1, y_1, x_2, y_2, steps)` moves the optima c of the two tasks and the number of steps. The optima
    can be dragged, and so can a start of the reader's own.

    Args:
        lr: α.
        most: the largest number of steps.
    """

    @in_style()
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
        self.sizes = torch.tensor([0.5, 1.0, 1.5])[:, None, None]  # of three of them, L = ⅛, ½ and 9/8
        self.rings, self.optima, self.paths = [], [], {}
        for color, dash, fill, name in ((BLUE, "-", BLUE, "c₁"), (GREEN, "--", "white", "c₂")):
            self.rings += self.plane.plot([], [], dash, color=color, alpha=0.6)
            label = _("{name}, best for task {n}", name=name, n=len(self.optima) + 1)
            self.optima += self.plane.plot([], [], "o", color=color, mfc=fill, mew=3, markersize=10, label=label)
        for key, color, marker, dash, name in (
            ("meta", VERMILION, "*", "-", _("meta-learned start")),
            ("shared", ORANGE, "D", "--", _("shared weights")),
            ("own", PURPLE, "s", ":", _("your start: drag it")),
        ):
            (line,) = self.plane.plot([], [], dash, color=color, marker=".", lw=1.5)
            (start,) = self.plane.plot(
                [], [], marker, color=color, mec="black", markersize=19 if marker == "*" else 10, ls="none", label=name
            )
            (curve,) = self.after.plot(
                range(most + 1), [torch.nan] * (most + 1), dash, color=color, marker=marker,
                markersize=9 if marker == "*" else 5, lw=2, label=name,
            )  # fmt: skip
            self.paths[key] = (line, start, curve)
        self.own = torch.tensor([-1.0, -2.0])
        self.places, self.taken = torch.zeros(3, 2), 0  # of what can be taken by hand, and which of them is
        self.drag = {self.plane: self.take}
        self.plane.set(xlim=(-4, 4), ylim=(-3, 3), aspect="equal", xlabel="θ₁", ylabel="θ₂")
        self.plane.legend(loc="lower center", bbox_to_anchor=(0.5, -0.44), ncols=2, handletextpad=0.4)
        self.now = self.after.axvline(0, color=GREY, ls="--")
        self.after.set(xlabel="steps of adaptation", ylabel="mean loss of both tasks", yscale="log", ylim=(1e-4, 100))
        self.after.set(xlim=(-0.5, most + 0.5), xticks=range(0, most + 1, 2))
        self.after.legend(loc="upper right")

    def take(self, x: float, y: float, begins: bool) -> dict[str, float] | None:
        """The nearest of the two optima and the reader's own start goes where the hand goes."""
        if begins:
            self.taken = int((self.places - torch.tensor([x, y])).norm(dim=-1).argmin())
        if self.taken < 2:
            return {f"x_{self.taken + 1}": x, f"y_{self.taken + 1}": y}
        self.own = torch.tensor([x, y])
        return None

    @staticmethod
    def apart(curves: Tensor) -> np.ndarray:
        """Several curves (n, 2, points) as one line that is broken between them: (2, n · (points + 1))."""
        return as_numpy(nn.functional.pad(curves, (0, 1), value=torch.nan).transpose(0, 1).flatten(1))

    @staticmethod
    def says(start: Tensor, c: Tensor) -> str:
        """Where a start (2,) lies, and how far from the optima (2, 2) of the two tasks."""
        first, second = (start - c).norm(dim=-1).tolist()
        return _(
            "at ({x:.1f}, {y:.1f}), {first:.1f} from c₁ and {second:.1f} from c₂",
            x=start[0],
            y=start[1],
            first=first,
            second=second,
        )

    def update(self, x_1: float, y_1: float, x_2: float, y_2: float, steps: int) -> str:
        c = torch.tensor([[x_1, y_1], [x_2, y_2]])
        self.places = torch.cat([c, self.own[None]])
        examples = Examples(self.x, (self.x * c.unsqueeze(1)).sum(-1, keepdim=True))
        tasks = TaskBatch(c, examples, examples, {})
        for optimum, rings, center, ellipse in zip(self.optima, self.rings, c, self.ellipses, strict=True):
            optimum.set_data([center[0].item()], [center[1].item()])
            rings.set_data(*self.apart(center.unsqueeze(1) + self.sizes * ellipse))
        starts = {key: best_start(tasks, shrinkage(tasks, n, self.lr)) for key, n in (("meta", steps), ("shared", 0))}
        starts["own"] = self.own
        with torch.no_grad():  # from all starts at once: (3, 1, 2), for the examples of both tasks
            path = adapt(self.family.main, torch.stack(list(starts.values())).unsqueeze(1), examples, self.most, self.lr)
        at = dict(zip(starts, path.loss.mean(-1).unbind(1), strict=True))
        for (key, start), thetas in zip(starts.items(), path.theta[: steps + 1].unbind(1), strict=True):
            line, point, curve = self.paths[key]
            line.set_data(*self.apart(thetas.permute(1, 2, 0)))
            point.set_data([start[0].item()], [start[1].item()])
            curve.set_ydata(as_numpy(at[key].clamp(min=1e-9)))
        self.now.set_xdata([steps, steps])
        where = {key: self.says(start, c) for key, start in starts.items()}
        return _(
            "The meta-learned start lies {meta_at}, the shared weights {shared_at}, and your start {own_at}. "
            "Before adaptation the meta-learned start has a mean loss of {meta_0:.3f}, the shared weights "
            "{shared_0:.3f} and your start {own_0:.3f}; after {steps} {meta:.4f}, {shared:.4f} and {own:.4f}.",
            meta_at=where["meta"],
            shared_at=where["shared"],
            own_at=where["own"],
            meta_0=at["meta"][0],
            shared_0=at["shared"][0],
            own_0=at["own"][0],
            steps=n_("{n:,} step", "{n:,} steps", steps),
            meta=at["meta"][steps],
            shared=at["shared"][steps],
            own=at["own"][steps],
        )
