"""The live figures of few-shot classification: a classifier that is written from an episode, and one from what you draw."""

from collections.abc import Mapping
from functools import partial

import numpy as np
import torch
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from torch import Tensor, nn

from hyperedu.batches import Examples, TaskBatch
from hyperedu.figures.style import BLUE, DIVERGING, GREY, MAGNITUDE, VERMILION, as_numpy, in_style, subplots, title
from hyperedu.figures.weights import heatmap
from hyperedu.learners import Learner
from hyperedu.losses import accuracy
from hyperedu.main_network import MainNetwork
from hyperedu.tasks.characters import SIDE, Episodes, draw_strokes
from hyperedu.words import _, n_

PAPER = "Greys", Normalize(0, 1)


def page(images: Tensor, columns: int) -> np.ndarray:
    """Images (n, 1, 28, 28) as one, `columns` beside each other, row after row; what is missing is paper."""
    rows = -(-len(images) // columns)
    blank = torch.zeros(rows * columns - len(images), 1, SIDE, SIDE)
    cells = torch.cat([images, blank])[:, 0].unflatten(0, (rows, columns))
    return as_numpy(cells.permute(0, 2, 1, 3).reshape(rows * SIDE, columns * SIDE))


def alike(rows: Tensor) -> Tensor:
    """The cosine of each two rows (…, n, F), (…, n, n)."""
    rows = nn.functional.normalize(rows, dim=-1)
    return rows @ rows.mT


def rows_alike(main: MainNetwork, theta: Tensor, said: Tensor, y: Tensor) -> tuple[float, float]:
    """The mean cosine of two rows of a last layer if a query of one class was taken for the other, and of all pairs."""
    n = int(y.max()) + 1
    cosines = alike(main.unflatten(theta)[main.head[0]][:, :n])
    task, query = (said != y).nonzero(as_tuple=True)
    confused = cosines[task, y[task, query], said[task, query]]
    return confused.mean().item(), cosines[:, ~torch.eye(n, dtype=torch.bool)].mean().item()


class ClassifierPicture:
    """D → θ → decisions on a 5-way episode: `update(learner, alphabet, episode, shots, steps)`.

    Three panels: the examples, a row for each class; the last layer that was written from them, a row for each class; and new
    drawings, a row for each class, with a frame round each that is taken for another.

    Args:
        learners: name → learner; only those that take inner steps take any here.
        tasks: episodes.
    """

    ways, most, queries = 5, 5, 6

    @in_style()
    def __init__(self, learners: Mapping[str, Learner], tasks: Episodes):
        self.learners, self.tasks = learners, tasks
        self.figure, panels = subplots(3, width=12.5, height=3.9, width_ratios=(1, 1.25, 1.2))
        self.support, self.head, self.query = panels
        names = _("D   examples"), _("θ   rows of the last layer"), _("D'   taken for another?")
        for axes, name in zip(panels, names, strict=True):
            title(axes, name)
        side = SIDE * self.ways
        self.show_support = heatmap(self.support, side, SIDE * self.most, *PAPER)[1]
        self.show_query = heatmap(self.query, side, SIDE * self.queries, *PAPER)[1]
        self.rows, self.show_head = heatmap(self.head, self.ways, 128, DIVERGING, Normalize(-1, 1))
        bar = self.figure.colorbar(self.rows, ax=self.head, location="bottom", aspect=30, pad=0.02)
        bar.set_label(_("weight / largest weight"))
        self.head.set(xlabel=_("feature"), yticks=range(self.ways), xticks=[0, 63, 127])
        self.head.set_yticklabels([str(k + 1) for k in range(self.ways)])
        for axes in (self.support, self.query):
            axes.set_aspect("equal")
            axes.set(xticks=[], yticks=[SIDE * (k + 0.5) for k in range(self.ways)])
            axes.set_yticklabels([str(k + 1) for k in range(self.ways)])
        self.support.set_ylabel(_("class"))
        # One line for all frames, and the first of these numbers: the fewer artists move, the sooner all is drawn.
        (self.frames,) = self.query.plot([], [], color=VERMILION, lw=2.5)
        self.taken_for = [
            self.query.text(
                SIDE * (column + 1) - 3.5, SIDE * row + 2.5, "", ha="right", va="top", color="white", fontweight="bold",
                fontsize=10, bbox={"facecolor": VERMILION, "edgecolor": "none", "pad": 1.5},
            )
            for row in range(self.ways)
            for column in range(self.queries)
        ]  # fmt: skip

    @staticmethod
    def _frame(row: int, column: int) -> list[tuple[float, float]]:
        left, top = SIDE * column + 0.5, SIDE * row + 0.5
        right, bottom = left + SIDE - 2, top + SIDE - 2
        gap = (np.nan, np.nan)  # before the next frame
        return [(left, top), (right, top), (right, bottom), (left, bottom), (left, top), gap]

    def _mark(self, said: Tensor, y: Tensor) -> None:
        """A frame round each query (n,) that is taken for another class, with the number of that class."""
        wrong = (said != y).tolist()
        places = [self._frame(*divmod(k, self.queries)) for k, is_wrong in enumerate(wrong) if is_wrong]
        self.frames.set_data(*np.array(places).reshape(-1, 2).T)
        for text, another, is_wrong in zip(self.taken_for, said.tolist(), wrong, strict=True):
            text.set_text(str(another + 1) if is_wrong else "")

    def episode(self, alphabet: str, episode: int) -> TaskBatch:
        """The episode number `episode` of an alphabet, with as many examples as there may be."""
        rng = torch.Generator().manual_seed(episode)
        return self.tasks.sample(1, self.most, self.queries, rng, ways=self.ways, alphabet=alphabet)

    def update(self, learner: str, alphabet: str, episode: int, shots: int, steps: int) -> str:
        taken = self.learners[learner]
        batch = self.episode(alphabet, episode)
        first = torch.arange(self.ways * self.most).view(self.ways, self.most)[:, :shots].flatten()
        support, query, main = batch.support.some(first), batch.query, taken.main
        steps = steps if taken.inner_steps else 0
        with torch.no_grad():
            theta = taken.through(taken.path(None, support, steps, keep=False).final).expand(1, -1)
            logits = main(theta, query.x)[..., : self.ways]
            weight = main.unflatten(theta)[main.head[0]][0, : self.ways]
        share, cosines = accuracy(logits, query.y).item(), alike(weight)
        pairs = torch.combinations(torch.arange(self.ways))
        own = cosines[pairs[:, 0], pairs[:, 1]]
        one, other = (pairs[own.argmax()] + 1).tolist()
        self.show_support(page(self._with_room(support.x[0], shots), self.most))
        self.show_query(page(query.x[0], self.queries))
        self.show_head(as_numpy(weight / weight.abs().max()))
        self._mark(logits[0].argmax(-1), query.y[0])
        return _(
            "{learner} on {alphabet}, from {shots} of each of five letters{after}: {right} of {n} new drawings are taken for "
            "what they are, {share:.0%}; a frame has the number of the class that was taken instead. Chance is 20%. "
            "Rows {one} and {other} are most alike: their cosine is {most:.2f}, that of all pairs {mean:.2f} on average.",
            learner=learner,
            alphabet=alphabet,
            shots=n_("{n:,} example", "{n:,} examples", shots),
            after=_(" and {steps}", steps=n_("{n:,} step", "{n:,} steps", steps)) if taken.inner_steps else "",
            right=round(share * len(query)),
            n=len(query),
            share=share,
            one=one,
            other=other,
            most=own.max(),
            mean=own.mean(),
        )

    def _with_room(self, images: Tensor, shots: int) -> Tensor:
        """Images (ways · shots, 1, 28, 28), with blank ones for the examples that are not given."""
        room = torch.zeros(self.ways, self.most, 1, SIDE, SIDE)
        room[:, :shots] = images.unflatten(0, (self.ways, shots))
        return room.flatten(0, 1)


class DrawingPicture:
    """Draw five characters and a sixth: `update(learner, alphabet, episode, add_strokes, paper, pen_x, pen_y, pen_down)`.

    By hand: press on a paper and draw. By keyboard: the pen goes to (pen_x, pen_y) on `paper`, and draws while it is down. To
    press, or to put the pen down, begins a new drawing, or another stroke of the same where `add_strokes` says so. The
    classifier is written from the five, one example of each class, whenever one of them changes, and says which of them the
    sixth is. Papers show what the network is given.

    Args:
        learners: name → learner of at least 5 ways.
        tasks: episodes, of which one is drawn at the beginning.

    Attributes:
        papers: their names, the last one for the sixth.
        drag: for `live.interact`: the panels that can be drawn in.
    """

    ways = 5
    papers = ("1", "2", "3", "4", "5", "?")

    @in_style()
    def __init__(self, learners: Mapping[str, Learner], tasks: Episodes):
        self.learners, self.tasks = learners, tasks
        self.figure, (whole,) = subplots(width=11, height=5.2)
        whole.remove()
        panels = self.figure.subplot_mosaic("12345\n?WWPP")
        self.images, self.pens, rows, decision = [], [], panels["W"], panels["P"]
        for k, name in enumerate(self.papers):
            axes = panels[name]
            self.images.append(heatmap(axes, SIDE, SIDE, *PAPER, extent=(-1, 1, 1, -1)))
            self.pens.append(axes.plot([], [], "o", color=VERMILION, mec="black", markersize=8, ls="none")[0])
            axes.set(xticks=[], yticks=[], aspect="equal")
            axes.spines[:].set_visible(True)
            title(axes, name if k < self.ways else _("? which of the five"))
        self.images.append(heatmap(rows, self.ways, 128, DIVERGING, Normalize(-1, 1)))
        self.images[-1][0].set_zorder(1)
        rows.set(xlabel=_("feature"), xticks=[0, 63, 127])
        title(rows, _("θ   rows of the last layer"))
        self.bars = decision.barh(range(self.ways), [0.0] * self.ways, color=GREY)
        decision.set(xlim=(0, 1), ylim=(self.ways - 0.4, -0.6), xlabel=_("probability"))
        title(decision, _("it is"))
        for axes in (rows, decision):
            axes.set(yticks=range(self.ways), yticklabels=self.papers[: self.ways])
            axes.set_axisbelow(True)  # what moves lies above the ticks, which then need not be drawn again
        self.x = torch.zeros(self.ways + 1, 1, SIDE, SIDE)
        self.strokes: list[list[Tensor]] = [[] for _paper in self.papers]
        self.drag = {panels[name]: partial(self.move_pen, k) for k, name in enumerate(self.papers)}
        self.last, self.adds = None, False
        self.pen: tuple[int, float, float] | None = None  # where it is down

    def move_pen(self, paper: int, x: float, y: float, begins: bool) -> dict | None:
        """The hand is at (x, y), y downwards, on one of the papers."""
        here = torch.tensor([[x, y]])
        if begins or not self.strokes[paper]:  # another episode came while the pen was down
            self.strokes[paper] = [*self.strokes[paper], here] if self.adds else [here]
        else:
            self.strokes[paper][-1] = torch.cat([self.strokes[paper][-1], here])
        self.x[paper] = drawing(self.strokes[paper])
        return None

    def update(
        self,
        learner: str,
        alphabet: str,
        episode: int,
        add_strokes: bool,
        paper: str = "?",
        pen_x: float = 0.0,
        pen_y: float = 0.0,
        pen_down: bool = False,
    ) -> str:
        self.adds = add_strokes
        if self.last != (alphabet, episode):
            rng = torch.Generator().manual_seed(episode)
            batch = self.tasks.sample(1, 1, 1, rng, ways=self.ways, alphabet=alphabet)
            self.x = torch.cat([batch.support.x[0], batch.query.x[0, [episode % self.ways]]])
            self.strokes = [[] for _paper in self.papers]
            self.last = alphabet, episode
        self._by_keyboard((self.papers.index(paper), pen_x, -pen_y) if pen_down else None)
        p, weight = self._decide(self.learners[learner])
        # What stays as it is is not drawn again: a hand is on one paper at a time.
        for (image, fill), values in zip(self.images, (*self.x[:, 0], weight / weight.abs().max()), strict=True):
            if not np.array_equal(image.get_array(), as_numpy(values)):
                fill(as_numpy(values.clone()))
        for k, (bar, value) in enumerate(zip(self.bars, p.tolist(), strict=True)):
            bar.set_width(value)
            bar.set_color(BLUE if k == p.argmax() else GREY)
        return _(
            "The sixth drawing is taken for character {k}, with a probability of {p:.2f}; {learner} wrote the classifier from "
            "one drawing of each of the five.",
            k=int(p.argmax()) + 1,
            p=p.max(),
            learner=_(learner),
        )

    def _by_keyboard(self, pen: tuple[int, float, float] | None) -> None:
        """The pen was put down, moved while it is down, or lifted."""
        if pen is not None and pen != self.pen:
            self.move_pen(*pen, begins=self.pen is None or self.pen[0] != pen[0])
        self.pen = pen
        for k, mark in enumerate(self.pens):
            mark.set_data(*(([pen[1]], [pen[2]]) if pen is not None and pen[0] == k else ([], [])))

    @torch.no_grad()
    def _decide(self, learner: Learner) -> tuple[Tensor, Tensor]:
        """The probability that the sixth is each of the five, (5,), and the rows of the last layer (5, F)."""
        D = Examples(self.x[None, : self.ways], torch.arange(self.ways)[None])
        theta, main = learner(None, D), learner.main
        p = main(theta, self.x[None, self.ways :])[0, 0, : self.ways].softmax(-1)
        return p, main.unflatten(theta)[main.head[0]][0, : self.ways]


def anatomy(learner: Learner, task: TaskBatch, ways: int = 5) -> Figure:
    """A classifier of one task: its first filters, the rows of its last layer, its decisions on queries that come by class."""
    main = learner.main
    with torch.no_grad():
        theta = learner(None, task.support)
        p = main(theta, task.query.x)[0, :, :ways].softmax(-1)
    named = main.unflatten(theta[0])
    filters, rows = named["0.weight"][:, 0], named[main.head[0]][:ways]
    tiles = nn.functional.pad(filters, (0, 1, 0, 1), value=torch.nan).unflatten(0, (4, -1))
    tiles = tiles.transpose(1, 2).flatten(2).flatten(0, 1)[:-1, :-1]
    figure, panels = subplots(3, width=13, height=3.7, width_ratios=(1.4, 1.4, 1.2))
    names = _("W₁   filters of 3 × 3"), _("last layer   2c, a row for each class"), _("p(class | x)   decisions")
    label, weights, limits = _("value of a weight"), DIVERGING, [v.nan_to_num().abs().max().item() for v in (tiles, rows)]
    looks = (
        (tiles, weights, -limits[0], limits[0], "equal", label),
        (rows, weights, -limits[1], limits[1], "auto", label),
        (p.T, MAGNITUDE, 0, 1, "auto", _("probability")),
    )
    for axes, name, (values, colors, low, high, aspect, said) in zip(panels, names, looks, strict=True):
        image = axes.imshow(as_numpy(values), cmap=colors, vmin=low, vmax=high, aspect=aspect, interpolation="none")
        figure.colorbar(image, ax=axes, location="bottom", aspect=30, pad=0.04).set_label(said)
        title(axes, name)
        axes.set(yticks=range(ways), yticklabels=[str(k + 1) for k in range(ways)])
    panels[0].set(xticks=[], yticks=[])
    panels[0].spines[:].set_visible(False)
    panels[1].set(xlabel=_("feature"), xticks=(0, rows.shape[-1] - 1))
    n = len(p) // ways
    panels[2].set(xlabel=_("queries, by their class"), xticks=[n * k + (n - 1) / 2 for k in range(ways)], ylabel=_("taken for"))
    panels[2].set_xticklabels([str(k + 1) for k in range(ways)])
    return figure


def drawing(strokes: list[Tensor]) -> Tensor:
    """Strokes (n, 2) on a paper from −1 to 1, as an image (1, 28, 28) by a pen of middle width."""
    lines = [_denser(stroke) for stroke in strokes]
    points = torch.cat(lines).unsqueeze(0)
    there = torch.ones(points.shape[:2], dtype=torch.bool)
    return draw_strokes(points, there, torch.tensor([[0.5]]), torch.tensor([[1.3]]))[0]


def _denser(stroke: Tensor, spacing: float = 0.04) -> Tensor:
    """Points at equal distances along the way of a hand; a dot becomes a short line."""
    if len(stroke) == 1:
        stroke = torch.cat([stroke - torch.tensor([[0.03, 0.0]]), stroke + torch.tensor([[0.03, 0.0]])])
    way = torch.cat([torch.zeros(1), (stroke[1:] - stroke[:-1]).norm(dim=-1).cumsum(0)])
    at = np.arange(0, max(way[-1].item(), spacing), spacing)
    return torch.from_numpy(np.stack([np.interp(at, way, stroke[:, k]) for k in (0, 1)], axis=1)).float()
