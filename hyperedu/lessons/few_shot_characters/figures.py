"""The live figures of few-shot classification: a classifier that is written from an episode, and one from what you draw."""

from collections.abc import Mapping
from functools import partial

import numpy as np
import torch
from torch import Tensor

from hyperedu.batches import Examples, TaskBatch
from hyperedu.figures.style import BLUE, DIVERGING, GREY, VERMILION, as_numpy, in_style, subplots, title
from hyperedu.learners import Learner
from hyperedu.losses import accuracy
from hyperedu.tasks.characters import SIDE, Episodes, draw_strokes
from hyperedu.words import _, n_

PAPER = {"cmap": "Greys", "vmin": 0, "vmax": 1}


def page(images: Tensor, columns: int) -> np.ndarray:
    """Images (n, 1, 28, 28) as one, `columns` beside each other, row after row; what is missing is paper."""
    rows = -(-len(images) // columns)
    blank = torch.zeros(rows * columns - len(images), 1, SIDE, SIDE)
    cells = torch.cat([images, blank])[:, 0].unflatten(0, (rows, columns))
    return as_numpy(cells.permute(0, 2, 1, 3).reshape(rows * SIDE, columns * SIDE))


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
        self.shown = self.support.imshow(np.zeros((side, SIDE * self.most)), **PAPER)
        self.asked = self.query.imshow(np.zeros((side, SIDE * self.queries)), **PAPER)
        self.rows = self.head.imshow(
            np.zeros((self.ways, 128)), cmap=DIVERGING, vmin=-1, vmax=1, aspect="auto", interpolation="none"
        )
        bar = self.figure.colorbar(self.rows, ax=self.head, location="bottom", aspect=30, pad=0.02)
        bar.set_label(_("weight, of the largest"))
        self.head.set(xlabel=_("feature"), yticks=range(self.ways), xticks=[0, 63, 127])
        self.head.set_yticklabels([str(k + 1) for k in range(self.ways)])
        for axes in (self.support, self.query):
            axes.set(xticks=[], yticks=[SIDE * (k + 0.5) for k in range(self.ways)])
            axes.set_yticklabels([str(k + 1) for k in range(self.ways)])
        self.support.set_ylabel(_("class"))
        self.wrong = []
        for k in range(self.ways):
            for q in range(self.queries):
                (frame,) = self.query.plot(*self._frame(k, q), color=VERMILION, lw=2.5, visible=False)
                text = self.query.text(
                    SIDE * (q + 0.78), SIDE * (k + 0.26), "", color=VERMILION, fontweight="bold", fontsize=11
                )
                self.wrong.append((frame, text))

    @staticmethod
    def _frame(row: int, column: int) -> tuple[list[float], list[float]]:
        left, top = SIDE * column + 0.5, SIDE * row + 0.5
        right, bottom = left + SIDE - 2, top + SIDE - 2
        return [left, right, right, left, left], [top, top, bottom, bottom, top]

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
        share = accuracy(logits, query.y).item()
        self.shown.set_data(page(self._with_room(support.x[0], shots), self.most))
        self.asked.set_data(page(query.x[0], self.queries))
        self.rows.set_data(as_numpy(weight / weight.abs().max()))
        said = logits[0].argmax(-1)
        for (frame, text), found, wanted in zip(self.wrong, said.tolist(), query.y[0].tolist(), strict=True):
            frame.set_visible(found != wanted)
            text.set_text(str(found + 1) if found != wanted else "")
        return _(
            "{learner} on {alphabet}, from {shots} of each of five letters{after}: {right} of {n} new drawings are taken for "
            "what they are, {share:.0%}; a frame has the number of the class that was taken instead. Chance is 20%.",
            learner=learner,
            alphabet=alphabet,
            shots=n_("{n:,} example", "{n:,} examples", shots),
            after=_(" and {steps}", steps=n_("{n:,} step", "{n:,} steps", steps)) if taken.inner_steps else "",
            right=round(share * len(query)),
            n=len(query),
            share=share,
        )

    def _with_room(self, images: Tensor, shots: int) -> Tensor:
        """Images (ways · shots, 1, 28, 28), with blank ones for the examples that are not given."""
        room = torch.zeros(self.ways, self.most, 1, SIDE, SIDE)
        room[:, :shots] = images.unflatten(0, (self.ways, shots))
        return room.flatten(0, 1)


class DrawingPicture:
    """Draw five characters and a sixth: `update(alphabet, episode, add_strokes)`. Press in a panel and draw.

    Each press begins a new drawing, or another stroke of the same where `add_strokes` says so. The classifier is written from
    the five, one example of each class, whenever one of them changes, and says which of them the sixth is.

    Attributes:
        drag: for `live.interact`: the panels that can be drawn in.
    """

    ways = 5

    @in_style()
    def __init__(self, learner: Learner, tasks: Episodes):
        self.learner, self.tasks = learner, tasks
        self.figure, panels = subplots(self.ways + 2, width=13, height=2.7, width_ratios=(1,) * 6 + (1.5,))
        *self.papers, self.sixth, self.decision = panels
        self.images = []
        for k, axes in enumerate((*self.papers, self.sixth)):
            blank = np.zeros((SIDE, SIDE))
            self.images.append(axes.imshow(blank, extent=(-1, 1, 1, -1), interpolation="nearest", **PAPER))
            axes.set(xticks=[], yticks=[])
            title(axes, str(k + 1) if k < self.ways else _("which?"))
        self.bars = self.decision.barh(range(self.ways), [0.0] * self.ways, color=GREY)
        self.decision.set(xlim=(0, 1), yticks=range(self.ways), xlabel=_("probability"))
        self.decision.set_yticklabels([str(k + 1) for k in range(self.ways)])
        self.decision.invert_yaxis()
        title(self.decision, _("it is"))
        self.x = torch.zeros(self.ways + 1, 1, SIDE, SIDE)
        self.strokes: list[list[Tensor]] = [[] for _paper in self.images]
        self.drag = {axes: partial(self.move_pen, k) for k, axes in enumerate((*self.papers, self.sixth))}
        self.last, self.adds = None, False

    def move_pen(self, paper: int, x: float, y: float, begins: bool) -> dict | None:
        """The hand is at (x, y) on one of the papers."""
        here = torch.tensor([[x, y]])
        if begins:
            self.strokes[paper] = [*self.strokes[paper], here] if self.adds else [here]
        elif self.strokes[paper]:
            self.strokes[paper][-1] = torch.cat([self.strokes[paper][-1], here])
        self.x[paper] = drawing(self.strokes[paper])
        return None

    def update(self, alphabet: str, episode: int, add_strokes: bool) -> str:
        self.adds = add_strokes
        if self.last != (alphabet, episode):
            rng = torch.Generator().manual_seed(episode)
            batch = self.tasks.sample(1, 1, 1, rng, ways=self.ways, alphabet=alphabet)
            self.x = torch.cat([batch.support.x[0], batch.query.x[0, [episode % self.ways]]])
            self.strokes = [[] for _paper in self.strokes]
            self.last = alphabet, episode
        for image, x in zip(self.images, self.x, strict=True):
            image.set_data(as_numpy(x[0]))
        with torch.no_grad():
            theta = self.learner(None, Examples(self.x[None, : self.ways], torch.arange(self.ways)[None]))
            p = self.learner.main(theta, self.x[None, self.ways :])[0, 0, : self.ways].softmax(-1)
        for k, (bar, value) in enumerate(zip(self.bars, p.tolist(), strict=True)):
            bar.set_width(value)
            bar.set_color(BLUE if k == p.argmax() else GREY)
        return _(
            "The sixth drawing is taken for character {k}, with a probability of {p:.2f}; the classifier was written from one "
            "drawing of each of the five.",
            k=int(p.argmax()) + 1,
            p=p.max(),
        )


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
