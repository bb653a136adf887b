"""The checks of this lesson's exercises."""

import math
from collections.abc import Mapping, Sequence
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


# ---------------------------------------------------------------------------------------------- a rule of one's own, `rule`

EPISODES = 6  # of each kind
# The share of drawings that a rule must gain where features are loud, and may lose where they are alike, and where moreover
# classes have different numbers of examples; and that may be decided otherwise by chance, as by a random start.
MORE, LESS, LESS_IF_UNEVEN, BY_CHANCE = 0.1, 0.05, 0.1, 0.1
# ways, shots of each class, features, loud ones among them
ONE_SHOT, FIVE_SHOTS, UNEVEN = (5, [1] * 5, 16, 0), (5, [5] * 5, 16, 0), (4, [3, 6, 4, 5], 12, 0)
LOUD = ((5, [5] * 5, 16, 3), (3, [8] * 3, 10, 2))


def episode(seed: int, ways: int = 5, shots: Sequence[int] = (5,) * 5, width: int = 16, loud: int = 3, queries: int = 20):
    """Features of an episode whose spread is known: 1, and 5 of some features, which the seed chooses.

    Returns:
        Features (n, width) and classes (n,) of the examples, and the same of `queries` new drawings of each class.
    """
    random = torch.Generator().manual_seed(seed)
    means, spread = torch.randn(ways, width, generator=random), torch.ones(width)
    spread[torch.randperm(width, generator=random)[:loud]] = 5.0

    def drawn(y):
        y = y[torch.randperm(len(y), generator=random)]
        return means[y] + spread * torch.randn(len(y), width, generator=random), y

    classes = torch.arange(ways)
    return *drawn(classes.repeat_interleave(torch.tensor(shots))), *drawn(classes.repeat(queries))


def rule(answer) -> None:
    if not probes.is_function(answer):
        return
    measured: dict[str, float] = {}
    probes.made(
        answer,
        [
            _scores,
            partial(_largest_is_likeliest, measured),
            _order,
            _names,
            _alone,
            _one_example,
            partial(_alike, measured),
            _uneven,
            partial(_loud, measured),
        ],
        lambda _answer: _(
            "Where features are loud it names {own:.0%} of the drawings rightly, and the nearest prototype {nearest:.0%}; "
            "where all are alike, {own_if_alike:.0%} and {nearest_if_alike:.0%}.",
            **measured,
        ),
    )


def _nearest(features, y, ways, new):
    c = torch.stack([features[y == k].mean(0) for k in range(ways)])
    return -torch.cdist(new, c).square()


def _said(rule, features, y, ways, new):
    """The scores of a rule, whatever kind of numbers it gives."""
    return torch.as_tensor(rule(features.clone(), y.clone(), ways, new.clone())).detach()


def _right(rule, kind) -> float:
    """The share of new drawings that a rule names rightly, over some episodes."""
    ways, *others = kind
    episodes = [episode(seed, ways, *others) for seed in range(100, 100 + EPISODES)]
    shares = [(_said(rule, h, y, ways, new).argmax(1) == right).float().mean() for h, y, new, right in episodes]
    return torch.stack(shares).mean().item()


def _shares(rule, kind) -> dict[str, float]:
    return {"own": _right(rule, kind), "nearest": _right(_nearest, kind)}


def _scores(rule) -> str:
    for seed, (ways, *others) in enumerate((FIVE_SHOTS, UNEVEN, ONE_SHOT, *LOUD)):
        features, y, new, _classes = episode(seed, ways, *others)
        given = [features.clone(), y.clone(), new.clone()]
        found = rule(given[0], given[1], ways, given[2])
        if found is None:
            return _("It gives back nothing: is a `return` missing?")
        scores = torch.as_tensor(found)
        if scores.shape != (len(new), ways):
            return _(
                "For {m} new drawings and {ways} ways it must give a score for each drawing and class, ({m}, {ways}); it gives "
                "the shape {shape}.",
                m=len(new),
                ways=ways,
                shape=tuple(scores.shape),
            )
        if not scores.isfinite().all():
            return _(
                "With {n} examples of {ways} classes some scores are nan or inf. Which spread is 0, or cannot be known, and "
                "what is divided by it, or inverted?",
                n=len(y),
                ways=ways,
            )
        if not all(map(torch.equal, given, (features, y, new))):
            return _("It changes its arguments in place: whoever calls it has other features afterwards.")
    return ""


def _largest_is_likeliest(measured, rule) -> str:
    own = measured["own_if_alike"] = _right(rule, FIVE_SHOTS)
    if own < 0.1:
        return _(
            "It names {own:.0%} of the drawings rightly, less than chance, 20%: the largest score names the class. "
            "Are these distances?",
            own=own,
        )
    if own < 0.3:
        return _(
            "It names {own:.0%} of the drawings rightly, as good as chance, 20%: does it use the examples, and y?", own=own
        )
    return ""


def _otherwise(one, other) -> float:
    """The share of drawings that two tables of scores decide otherwise."""
    return (one.argmax(1) != other.argmax(1)).float().mean().item()


def _order(rule) -> str:
    features, y, new, _classes = episode(7)
    order = torch.randperm(len(y), generator=torch.Generator().manual_seed(7))
    other = _otherwise(_said(rule, features, y, 5, new), _said(rule, features[order], y[order], 5, new))
    if other <= BY_CHANCE:
        return ""
    return _("The same examples in another order, and {other:.0%} of the drawings are named otherwise.", other=other)


def _names(rule) -> str:
    features, y, new, _classes = episode(8)
    called = torch.tensor([2, 0, 4, 1, 3])  # what class 0, 1, … is called now
    other = _otherwise(_said(rule, features, y, 5, new), _said(rule, features, called[y], 5, new)[:, called])
    if other <= BY_CHANCE:
        return ""
    return _(
        "The classes change their numbers, and {other:.0%} of the drawings are taken for another class: a class is only its "
        "number in the episode.",
        other=other,
    )


def _alone(rule) -> str:
    features, y, new, _classes = episode(9)
    some = new[:8]
    one_by_one = torch.cat([_said(rule, features, y, 5, row) for row in some.split(1)])
    if not one_by_one.isfinite().all():
        return _(
            "Of a drawing that comes alone the scores are nan or inf: the spread of the new drawings is in them. Look at the "
            "examples alone."
        )
    other = _otherwise(_said(rule, features, y, 5, new)[:8], one_by_one)
    if other <= 2 * BY_CHANCE:
        return ""
    return _(
        "Of drawings that come one at a time {other:.0%} are named otherwise than when all come at once: what is said of one "
        "depends on the others, a leak. Look at the examples alone.",
        other=other,
    )


def _one_example(rule) -> str:
    shares = _shares(rule, ONE_SHOT)
    if shares["own"] >= shares["nearest"] - LESS:
        return ""
    return _(
        "With one example of each class it names {own:.0%} of the drawings rightly, the nearest prototype {nearest:.0%}. What "
        "does your rule need of a class that one example does not show (its spread, a second neighbour)? Or does it throw "
        "something away?",
        **shares,
    )


def _alike(measured, _rule) -> str:
    measured["nearest_if_alike"] = _right(_nearest, FIVE_SHOTS)
    if measured["own_if_alike"] >= measured["nearest_if_alike"] - LESS:
        return ""
    return _(
        "With five shots, where all features scatter alike, it names {own_if_alike:.0%} of the drawings rightly, the nearest "
        "prototype {nearest_if_alike:.0%}: does it estimate more than 25 examples can tell, or throw away what they tell?",
        **measured,
    )


def _uneven(rule) -> str:
    shares = _shares(rule, UNEVEN)
    if shares["own"] >= shares["nearest"] - LESS_IF_UNEVEN:
        return ""
    return _(
        "With 3, 6, 4 and 5 examples of four classes it names {own:.0%} of the drawings rightly, the nearest prototype "
        "{nearest:.0%}. New drawings come from all classes equally often: does yours take classes with more examples for "
        "likelier, or expect as many of all?",
        **shares,
    )


def _loud(measured, rule) -> str:
    for kind in reversed(LOUD):
        shares, (ways, shots, width, loud) = _shares(rule, kind), kind
        if shares["own"] < shares["nearest"] + MORE:
            return _(
                "Where {loud} of {width} features are loud ({ways} ways, {shots} shots) it names {own:.0%} of the drawings "
                "rightly, and the nearest prototype {nearest:.0%}; ten points more are asked. What do the examples of one "
                "class tell of a feature?",
                loud=loud,
                width=width,
                ways=ways,
                shots=shots[0],
                **shares,
            )
    measured |= shares
    return ""
