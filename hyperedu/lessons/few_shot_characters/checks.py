"""The checks of this lesson's exercises."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import torch

from hyperedu.batches import TaskSet
from hyperedu.learners import PrototypicalNetwork
from hyperedu.lessons import feedback, probes, variants
from hyperedu.lessons.variants import plain
from hyperedu.losses import accuracy
from hyperedu.main_network import MainNetwork
from hyperedu.tasks import Characters
from hyperedu.words import _


@dataclass(frozen=True)
class TwoPrototypes(variants.Solved):
    """Two prototypes, and the features of a drawing, which is nearer to the first."""

    c_1: tuple[float, float] = (1.0, 0.0)
    c_2: tuple[float, float] = (0.0, 2.0)
    h: tuple[float, float] = (1.0, 1.0)

    choices = {
        "c_1": tuple((a, b) for a in (0.0, 0.5, 1.0, 1.5, 2.0) for b in (0.0, 0.5, 1.0, 2.0)),
        "c_2": tuple((a, b) for a in (0.0, 0.5, 1.0, 2.0) for b in (0.0, 0.5, 1.0, 1.5, 2.0)),
        "h": tuple((a, b) for a in (0.5, 1.0, 1.5, 2.0) for b in (0.5, 1.0, 1.5, 2.0)),
    }

    def __str__(self) -> str:
        return "c₁ = ({}, {}), c₂ = ({}, {}), h(x) = ({}, {})".format(*map(plain, (*self.c_1, *self.c_2, *self.h)))

    @property
    def away(self) -> tuple[float, float]:
        """The squared distances."""
        first, second = (sum((a - b) ** 2 for a, b in zip(c, self.h, strict=True)) for c in (self.c_1, self.c_2))
        return first, second

    def of_logits(self, products: float, biases: float) -> float:
        """The probability of the first class, if its logit is products c · h − biases ‖c‖²."""
        first, second = (products * _dot(c, self.h) - biases * _dot(c, c) for c in (self.c_1, self.c_2))
        return _sigmoid(first - second)

    @property
    def right(self) -> float:
        return self.of_logits(2, 1)

    @property
    def is_short(self) -> bool:
        near, far = self.away
        return 0 < near < far <= near + 3

    def mistakes(self) -> Mapping[str, Any]:
        near, far = self.away
        told = {"near": plain(near), "far": plain(far), "root_near": _root(near), "root_far": _root(far)}
        return {
            "The biases are missing: the long prototype wins by its length alone.": self.of_logits(2, 0),
            "The rows are 2 c, not c.": self.of_logits(1, 1),
            "That is the probability of the other class: the nearer prototype has the larger logit.": 1 - self.right,
            _("Distances are squared: −{near} and −{far}, not −{root_near} and −{root_far}.", **told): (
                _sigmoid(math.sqrt(far) - math.sqrt(near))
            ),
            _("That divides by distances; a softmax takes their exponentials, exp(−{near}) and exp(−{far}).", **told): (
                far / (near + far),
                near / (near + far),
            ),
            "The logit, or a softmax over one number alone: it goes over the classes.": (
                1.0,
                2 * _dot(self.c_1, self.h) - _dot(self.c_1, self.c_1),
            ),
            _("That is as if both were as far: the distances are {root_near} and {root_far}.", **told): 0.5,
            _("That is exp(−{near}); divide by the sum over both classes.", **told): math.exp(-near),
        }


def _dot(one: tuple[float, float], other: tuple[float, float]) -> float:
    return one[0] * other[0] + one[1] * other[1]


def _sigmoid(difference: float) -> float:
    """The softmax of two logits, at the first, by their difference."""
    return 1 / (1 + math.exp(-difference))


def _root(square: float) -> str:
    root = math.sqrt(square)
    return plain(root) if (2 * root).is_integer() else f"√{plain(square)}"


@variants.keyed(TwoPrototypes)
def probability(answer, two: TwoPrototypes) -> None:
    near, far = two.away
    feedback.number(
        answer,
        two.right,
        _(
            "The first prototype is nearer: −{near} against −{far}, and the softmax of these is that of {ahead} and 0.",
            near=plain(near),
            far=plain(far),
            ahead=plain(far - near),
        ),
        two.told(),
        "Logits 2 c · h − ‖c‖², one for each class, then a softmax.",
    )


def written_head(answer) -> None:
    def head(features, y, ways, of=torch.mean, rows=2.0, bias=lambda c: -c.square().sum(-1)):
        c = torch.stack([of(features[y == k], dim=0) for k in range(ways)])
        return rows * c, bias(c)

    def average_shots(features, y, ways):
        return head(features, y, ways, of=lambda some, dim: some.sum(dim) * ways / len(features))

    def norm_of_examples(features, y, ways):
        norms = features.square().sum(-1)
        return head(features, y, ways)[0], -torch.stack([norms[y == k].mean() for k in range(ways)])

    def in_blocks(features, y, ways):
        c = features[y.argsort(stable=True)].view(ways, -1, features.shape[-1]).mean(1)
        return 2 * c, -c.square().sum(-1)

    def in_order(features, y, ways):
        c = features.view(ways, -1, features.shape[-1]).mean(1)
        return 2 * c, -c.square().sum(-1)

    def last_one(features, y, ways):
        return head(features, y, ways, of=lambda some, dim: some[-1])

    def case(seed, y, ways, width):
        features = torch.randn(len(y), width, generator=torch.Generator().manual_seed(seed))
        return features.requires_grad_(), torch.tensor(y), ways

    mistakes = {
        "A prototype is the mean of its examples; by their sum, a class of more examples lies further out.": partial(
            head, of=torch.sum
        ),
        "Every class is divided by the average number of examples: its own number counts.": average_shots,
        "It takes blocks of as many examples for every class: classes may have different numbers of them.": in_blocks,
        "It takes the examples in the order in which they come: y says to which class each belongs.": in_order,
        "Only the last example of each class is used: take their mean.": last_one,
        "The sign of the bias: a long prototype must be held back.": partial(head, bias=lambda c: c.square().sum(-1)),
        "The rows are 2 c: multiply the square out.": partial(head, rows=1.0),
        "The sign of the rows: the nearer prototype has the larger logit.": partial(head, rows=-2.0),
        "The bias has the square of the length.": partial(head, bias=lambda c: -c.norm(dim=-1)),
        "The bias has the sum of the squared entries, not their mean.": partial(head, bias=lambda c: -c.square().mean(-1)),
        "The bias is −‖c‖², the squared length of the mean; you took the mean of the examples' squared "
        "lengths.": norm_of_examples,
        "There is no bias: it is −‖c‖².": partial(head, bias=lambda c: 0 * c[:, 0]),
        "The bias is −‖c‖² of the prototype; you took it of the row 2 c.": partial(
            head, bias=lambda c: -(2 * c).square().sum(-1)
        ),
    }
    probes.function(
        answer,
        head,
        [
            partial(case, 0, [0, 1, 1, 2, 2, 2, 0], 3, 3),
            partial(case, 1, [1, 0], 2, 5),
            partial(case, 2, [3, 1, 0, 2, 3, 1, 0, 2], 4, 2),
        ],
        mistakes,
        "These rows are weights that nobody trained: five drawings wrote them.",
        "Row k is 2 c_k and its bias −‖c_k‖², with c_k the mean of the features of class k.",
        names=("features", "y", "ways"),
    )


@cache
def _unseen() -> TaskSet:
    """Characters of scripts held out, read once: of each case they are sampled anew."""
    return Characters().test


def on_new_drawings(answer) -> None:
    def share(learner, batch, seen=lambda b: b.support, judged=lambda b: b.query, of=torch.mean, ready=lambda logits: logits):
        theta = learner(None, seen(batch))
        return of(accuracy(ready(learner.main(theta, judged(batch).x)), judged(batch).y))

    def both(batch):
        return batch.support.joined(batch.query)

    def averaged(learner, batch):
        return (share(learner, batch) + share(learner, batch, judged=lambda b: b.support)) / 2

    def case(seed, n, shots):
        learner = PrototypicalNetwork(MainNetwork.conv((1, 28, 28), ()))
        return learner, _unseen().sample(n, shots, 3, torch.Generator().manual_seed(seed))

    mistakes = {
        "What the classifier was written from is still among what it is judged on.": partial(share, judged=both),
        "Now the learner is shown the query set, which it is judged on.": (
            partial(share, seen=lambda b: b.query),
            partial(share, seen=both),
        ),
        "The learner is shown all drawings, and judged on all.": partial(share, seen=both, judged=both),
        "The two sets have changed places.": partial(share, seen=lambda b: b.query, judged=lambda b: b.support),
        "It is judged on its own examples alone.": partial(share, judged=lambda b: b.support),
        "Examples and new drawings count alike in this mean; what is remembered must not count at all.": averaged,
        "That is one episode's; the mean goes over all of the batch.": (
            partial(share, of=lambda a: a[0]),
            partial(share, of=lambda a: a[-1]),
        ),
        "Something of all queries together (their mean logit) goes into each decision: statistics of the test.": partial(
            share, ready=lambda logits: logits - logits.mean(1, keepdim=True)
        ),
        "That is the best episode's; the mean over all of the batch counts.": partial(share, of=torch.amax),
        "That is the share of mistakes; the share of right answers is asked for.": partial(share, of=lambda a: 1 - a.mean()),
        "It is in percent; a share lies between 0 and 1.": partial(share, of=lambda a: 100 * a.mean()),
    }
    probes.function(
        answer,
        share,
        [partial(case, 0, 20, 2), partial(case, 1, 7, 1)],
        mistakes,
        "Judged on drawings that it never saw: that is the whole difference between D and D'.",
        "It must be the mean accuracy on batch.query of what was written from batch.support.",
        names=("learner", "batch"),
        learns=False,
    )
