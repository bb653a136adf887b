"""The checks of this lesson's exercises."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache, partial

import torch
from torch import Tensor

from hyperedu.batches import Examples, TaskBatch
from hyperedu.lessons import feedback, probes, variants
from hyperedu.lessons.variants import plain
from hyperedu.tasks import Sinusoids
from hyperedu.words import _, n_


@dataclass(frozen=True)
class Spread(variants.Solved):
    """How far examples scatter about the mean of their task, and how far their mean may err: two standard deviations."""

    sigma: float = 2.0
    error: float = 0.25

    choices = {
        "sigma": (1.2, 1.5, 1.8, 2.0, 2.4, 2.5, 3.0, 3.5, 4.0, 5.0),
        "error": (0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6),
    }

    def __str__(self) -> str:
        return _("σ = {sigma}, and an error of {error}", sigma=plain(self.sigma), error=plain(self.error))

    @property
    def ratio(self) -> float:
        return self.sigma / self.error

    @property
    def right(self) -> float:
        return self.ratio**2

    @property
    def is_short(self) -> bool:
        return self.ratio > 2.5 and abs(self.ratio - round(self.ratio)) < 1e-6

    def mistakes(self) -> Mapping[str, float]:
        sigma, error = self.sigma, self.error
        told = {"sigma": plain(sigma), "error": plain(error), "variance": plain(sigma**2)}
        return {
            _(
                "That is σ divided by the error, {sigma} / {error}. Its square is how many examples it takes.", **told
            ): self.ratio,
            _("The variance of the mean is σ²/n with σ² = {variance}; you took σ = {sigma} for σ².", **told): sigma / error**2,
            _("That is σ² / {error}: the {error} is a standard deviation too, and enters squared.", **told): sigma**2 / error,
            "That is the variance that is asked of the mean; how many examples does it take?": error**2,
            _("The other way round: n = σ² / {error}².", **told): (error / sigma) ** 2,
            "Squared once too often.": self.right**2,
        }


@variants.keyed(Spread)
def examples_needed(answer, spread: Spread) -> None:
    feedback.number(
        answer,
        spread.right,
        "Half the error costs four times the examples: what a few readings say of a task, they say roughly.",
        spread.told(),
        "The mean of n examples errs with a standard deviation of σ / √n.",
        rel=1e-6,
    )


def describer(answer) -> None:
    def described(batch, D=lambda batch: batch.support, what="y", mean=(1, 2), spread="std", correction=1):
        v = getattr(D(batch), what)
        first, second = v.mean(mean), getattr(v, spread)(mean, correction=correction)
        return torch.stack([first.expand(len(v)), second.expand(len(v))], dim=-1)

    def standardised(batch):
        tau = described(batch)
        return (tau - tau.mean(0)) / tau.std(0)

    def mixed(batch):
        return described(batch).T.reshape(-1, 2)

    def case(seed, tasks, shots):
        return (Sinusoids().train.sample(tasks, shots, 6, torch.Generator().manual_seed(seed)),)

    mistakes = {
        "It is made from the query set: a descriptor must not see the test. Use batch.support.": partial(
            described, D=lambda batch: batch.query
        ),
        "It is made from support and query set together: a descriptor must not see the test.": partial(
            described, D=lambda batch: batch.support.joined(batch.query)
        ),
        "All tasks are described alike: the mean goes over the examples of each task, not over the batch.": partial(
            described, mean=(0, 1, 2)
        ),
        "The second number is the variance; the standard deviation is its root.": partial(described, spread="var"),
        "The second number is the variance (by n); the standard deviation is its root.": partial(
            described, spread="var", correction=0
        ),
        "The mean comes first, then the standard deviation.": lambda batch: described(batch).flip(-1),
        "These are statistics of x, which is drawn alike for all tasks and says nothing of them. Describe y.": partial(
            described, what="x"
        ),
        "That is the descriptor the batch came with; describe the task by its support set.": lambda batch: batch.descriptor,
        "Means and deviations have been mixed between the tasks: stack along the last dimension, and do not reshape.": mixed,
        "It is standardised over the batch: what is said of a task then depends on which others come with it.": standardised,
    }

    def leaks() -> str:
        (batch,) = case(3, 4, 7)
        D = batch.query
        same = torch.as_tensor(answer(batch)), torch.as_tensor(answer(replace(batch, query=replace(D, y=D.y + 1))))
        return "" if torch.allclose(*same) else _("It changes with the query set: a descriptor must not see the test.")

    probes.function(
        answer,
        described,
        [partial(case, 0, 5, 8), partial(case, 1, 3, 4), partial(case, 2, 2, 2)],
        mistakes,
        "Two numbers from examples, in any order and of any number.",
        "The first number should be the mean of batch.support.y of each task, the second its spread (std).",
        also=partial(described, correction=0),
        learns=False,
        more=leaks,
    )


def honest_split(answer) -> None:
    first = [
        "a tall wave", "a lofty wave", "Lofty and slow", "a slow wave", "a calm one, lofty", "calm", "a wave, tall and calm",
        "a fast wave", "fast and CALM.", "tall", "lofty, not fast",
    ]  # fmt: skip
    second = ["Deep water", "deep, and cold", "warm", "a warm lake", "Ice cold!", "shallow", "a lake"]
    told = [(first, ["lofty", "calm"]), (second, ["cold", "warm", "deep"]), (first, ["fast"])]

    def has_any(s, words):
        return any(word in s.lower() for word in words)

    def word_by_word(sentences, words):
        train, _test = _split_by(has_any)(sentences, words[-1:])
        return train, [s for word in words for s in sentences if word in s.lower()]

    mistakes = {
        "“Lofty and slow” is trained on: to Python it is another word than “lofty”. Compare in lower case.": _split_by(
            lambda s, words: any(word in s for word in words)
        ),
        "“lofty, not fast” is trained on: split() leaves the comma at the word. Look for the word in the whole sentence, "
        "or strip "
        "what is no letter.": _split_by(lambda s, words: any(word in s.lower().split() for word in words)),
        "Both at once: “Lofty” is another word to Python than “lofty”, and split() leaves commas at words.": _split_by(
            lambda s, words: any(word in s.split() for word in words)
        ),
        "A sentence is kept for the test only if all the words stand in it: one new word is enough.": _split_by(
            lambda s, words: all(word in s.lower() for word in words)
        ),
        "Only the first of the words is looked for.": _split_by(lambda s, words: words[0] in s.lower()),
        "Only the last of the words is looked for.": _split_by(lambda s, words: words[-1] in s.lower()),
        "Train and test have changed places.": lambda sentences, words: _split_by(has_any)(sentences, words)[::-1],
        "Word by word, a sentence with two of them is in the test twice; and training has what the last word alone leaves.": (
            word_by_word
        ),
        "Every word is new to it: the test has all sentences.": _split_by(lambda s, words: True),
        "The test is empty: every sentence is trained on.": _split_by(lambda s, words: False),
    }
    if not probes.is_function(answer):
        return
    probes.function(
        partial(_parted, answer),
        partial(_parted, _split_by(has_any)),
        [partial(lambda k: told[k], k) for k in range(len(told))],
        probes.through(_parted, mistakes),
        "What is tested now is what was claimed: words that were never trained on.",
        _which(answer, _split_by(has_any), told),
        learns=False,
        words=[", ".join(words) for _sentences, words in told],
    )


def _parted(split, sentences, words):
    """How often each sentence is in each part."""
    train, test = (list(part) for part in split(list(sentences), list(words)))
    unknown = sum(s not in sentences for s in [*train, *test])
    return torch.tensor([[float(train.count(s)), float(test.count(s))] for s in sentences] + [[float(unknown), 0.0]])


def _split_by(is_new):
    """A split that tests on the sentences that are new in some sense."""

    def split(sentences, words):
        new = [is_new(s, words) for s in sentences]
        return (
            [s for s, n in zip(sentences, new, strict=True) if not n],
            [s for s, n in zip(sentences, new, strict=True) if n],
        )

    return split


def _which(answer, right, told) -> str:
    """The first sentence that is on the wrong side, in words."""
    for sentences, words in told:
        try:
            train, test = (list(part) for part in answer(list(sentences), list(words)))
        except Exception:
            return ""
        right_train, right_test = right(sentences, words)
        for s in right_test:
            if s in train:
                return _("“{sentence}” is trained on, and has a word that should be new in the test.", sentence=s)
        for s in right_train:
            if s in test:
                return _("“{sentence}” is in the test without a new word: it would flatter it.", sentence=s)
        if any(train.count(s) + test.count(s) > 1 for s in sentences):
            return _("A sentence comes twice: every sentence is in exactly one of the two.")
    return _("Some sentences are in neither part.")


# ------------------------------------------------------------------------- exercise 4: what is said of a task by its examples

NUMBERS, EXPLAINED = 8, 0.7  # that are said of a task at most; of the variation of y, at least
GRID = torch.linspace(-3, 3, 31).unsqueeze(-1)  # x where a curve is asked for
ALIKE = 0.03  # of a number's scatter over tasks: less than what dividing by n − 1 changes, more than rounding


def telling(answer) -> None:
    probes.made(answer, [_form, _is_a_function_of_the_support_set, _is_of_a_set, _is_heard], _heard)


@cache
def _waves(n_tasks: int, shots: int, seed: int) -> tuple[TaskBatch, Tensor]:
    """Waves of which only the support set says something, and y on the grid (n_tasks, 31)."""
    random = torch.Generator().manual_seed(seed)
    u = torch.rand(3, n_tasks, 1, 1, generator=random)
    A, f, p = 1 + 2 * u[0], 0.6 + 1.4 * u[1], 2 * math.pi * u[2]
    x = 6 * torch.rand(n_tasks, shots + 6, 1, generator=random) - 3
    support, query = Examples(x, A * torch.sin(f * x - p)).split(shots)
    batch = TaskBatch(torch.randn(n_tasks, 3, generator=random), support, query, {})
    return batch, (A * torch.sin(f * GRID - p)).squeeze(-1).double()


def _fresh(batch: TaskBatch, support: Callable[[Examples], Examples] = lambda D: D) -> TaskBatch:
    """The batch with copies of all numbers, and its support set changed."""
    D, D_query = (Examples(D.x.clone(), D.y.clone()) for D in (batch.support, batch.query))
    return TaskBatch(batch.descriptor.clone(), support(D), D_query, {})


def _tau(answer: Callable, batch: TaskBatch) -> Tensor:
    """What is said of each task, (n_tasks, d) in float64."""
    n_tasks, shots = len(batch), len(batch.support)
    case = n_("{tasks} tasks of one example", "{tasks} tasks of {n} examples", shots, tasks=n_tasks)
    try:
        said = answer(batch)
        if said is None:
            raise probes.Said(_("It gives back nothing: is a `return` missing?"))
        rows = [torch.as_tensor(row) for row in said]
        tau = (torch.stack(rows) if rows else torch.zeros(0)).detach().double()
    except Exception as error:
        raise probes.Said(probes.raised(error, case)) from error
    if tau.ndim != 2 or len(tau) != n_tasks or not tau.numel():
        raise probes.Said(
            _(
                "For {case} it gives the shape {shape}, and ({tasks}, d) is asked for: a row for each task.",
                case=case,
                shape=tuple(tau.shape),
                tasks=n_tasks,
            )
        )
    if not tau.isfinite().all() and shots == 1:
        raise probes.Said(_("Of a single example it gives nan or inf: a spread by n − 1, a correlation, a division by zero?"))
    if not tau.isfinite().all():
        raise probes.Said(_("For {case} it gives nan or inf: does it divide by what may be zero?", case=case))
    return tau


def _form(answer) -> str:
    if not callable(answer):
        return _("A function is asked for, this is {kind}: it will be called on other tasks.", kind=type(answer).__name__)
    many, few, one = (_tau(answer, _fresh(_waves(12, shots, shots)[0])).shape[1] for shots in (30, 5, 1))
    if len({many, few, one}) > 1:
        return _(
            "It says {many} numbers where there are 30 examples, {few} where there are 5, and {one} of one: a generator takes "
            "a τ of one length.",
            many=many,
            few=few,
            one=one,
        )
    if many > NUMBERS:
        return _(
            "It says {d} numbers of each task, and at most {most} are asked for: which of them make tasks differ?",
            d=many,
            most=NUMBERS,
        )
    return ""


def _changed(one: Tensor, other: Tensor, scatter: Tensor) -> float:
    """By how much of its scatter over tasks a number changes at most; 0 where that is no more than rounding."""
    change = (one - other).abs().amax(0) / (scatter + 1e-4 * one.abs().amax(0) + 1e-6)
    return change.max().item() if change.max() > ALIKE else 0.0


def _is_a_function_of_the_support_set(answer) -> str:
    batch = _waves(12, 15, 3)[0]
    given = _fresh(batch)
    tau = _tau(answer, given)
    changed = partial(_changed, scatter=tau.std(0))
    if not torch.equal(given.support.x, batch.support.x) or not torch.equal(given.support.y, batch.support.y):
        return _("It changes the examples in place: whoever calls it has others afterwards.")
    if changed(tau, _tau(answer, _fresh(batch))):
        return _("Called again with the same batch it says something else: it draws at random, or keeps something.")
    query = Examples(batch.query.x.flip(1), -batch.query.y)
    if changed(tau, _tau(answer, replace(_fresh(batch), query=query))):
        return _("It changes with the query set: a descriptor must not see the test.")
    if changed(tau, _tau(answer, replace(_fresh(batch), descriptor=-batch.descriptor))):
        return _("It changes with the τ that the batch came with, which is noise here: describe by the support set.")
    if changed(tau[:3], torch.cat([_tau(answer, _fresh(batch.task(i))) for i in range(3)])):
        return _("Of a task alone it says something else than of the same task among others: each must be described by itself.")
    return ""


def _is_of_a_set(answer) -> str:
    return next(filter(None, (_is_of_a_set_of(answer, shots) for shots in (15, 11, 6))), "")


def _is_of_a_set_of(answer, shots: int) -> str:
    batch = _waves(12, shots, 4)[0]
    tau = _tau(answer, _fresh(batch))
    changed = partial(_changed, scatter=tau.std(0))
    order = torch.randperm(shots, generator=torch.Generator().manual_seed(4))
    by = changed(tau, _tau(answer, _fresh(batch, lambda D: D.some(order))))
    if by:
        return _(
            "The same examples in another order, and it says something else: a number changes by {by:.2g} of its scatter over "
            "tasks. What, in it, depends on a place in the row?",
            by=by,
        )
    by = changed(tau, _tau(answer, _fresh(batch, lambda D: D.joined(D))))
    if by:
        return _(
            "Every example shown twice, and it says something else: a number changes by {by:.2g} of its scatter over tasks. "
            "A sum where a mean is meant, a count, a rank, or a spread by n − 1 (correction=0 divides by n)?",
            by=by,
        )
    return ""


def _features(tau: Tensor, like: Tensor) -> Tensor:
    """Standardised as `like` is."""
    return (tau - like.mean(0)) / like.std(0).clamp_min(1e-9)


def _share(y_hat: Tensor, y: Tensor) -> float:
    """R² of the lesson's equation (3)."""
    return (1 - (y - y_hat).square().sum() / (y - y.mean()).square().sum()).item()


def _explained(answer: Callable, shots: int = 30, bent: bool = False) -> float:
    """R² on new waves of a layer that reads what is said: linear, or one that bends (kernel ridge regression).

    Args:
        shots: of the new waves; the layer is fitted to waves of 30.
    """
    (known, y), (new, y_new) = _waves(300, 30, 1), _waves(200, shots, 2)
    tau = _tau(answer, _fresh(known))
    T, T_new = _features(tau, tau), _features(_tau(answer, _fresh(new)), tau)
    if bent:
        K, K_new = (torch.exp(-torch.cdist(t, T).square() / (2 * T.shape[1])) for t in (T, T_new))
        return _share(K_new @ torch.linalg.solve(K + 1e-3 * torch.eye(len(K)), y), y_new)
    T, T_new = (torch.cat([torch.ones(len(t), 1), t], dim=1) for t in (T, T_new))
    W = torch.linalg.solve(T.mT @ T + 1e-6 * len(T) * torch.eye(T.shape[1]), T.mT @ y)
    return _share(T_new @ W, y_new)


def _mean_and_spread(batch: TaskBatch) -> Tensor:
    y = batch.support.y.squeeze(-1)
    return torch.stack([y.mean(1), y.std(1)], dim=-1)


def _is_heard(answer) -> str:
    batch = _waves(12, 30, 5)[0]
    tau = _tau(answer, _fresh(batch))
    changed = partial(_changed, scatter=tau.std(0))
    if not changed(tau, tau[:1]):
        return _("It says the same of all tasks.")
    explained = _explained(answer)
    if explained >= EXPLAINED:
        return ""
    if not changed(tau, _tau(answer, _fresh(batch, lambda D: Examples(D.x, D.y.roll(1, 0))))):
        return _("With the outputs of other tasks it says the same: y is what makes these tasks differ.")
    said = {"explained": explained, "d": tau.shape[1]}
    if not changed(tau, _tau(answer, _fresh(batch, lambda D: Examples(D.x.roll(1, 1), D.y)))):
        return _(
            "A linear layer that reads it explains {explained:.0%} of new waves. With the same outputs at other x it says the "
            "same: it has lost which y was at which x.",
            **said,
        )
    bent = _explained(answer, bent=True)
    if bent >= EXPLAINED:
        return _(
            "A linear layer that reads it explains {explained:.0%} of new waves, one that bends {bent:.0%}: what makes them "
            "differ is said, but not where a linear layer hears it. If every y doubles, what becomes of τ?",
            bent=bent,
            **said,
        )
    return _(
        "A linear layer that reads its {d} numbers explains {explained:.0%} of new waves. It hears x and y, and not enough: "
        "could you tell from these numbers where, from −3 to 3, the curve is high and where it is low?",
        **said,
    )


def _heard(answer) -> str:
    tau = _tau(answer, _fresh(_waves(12, 30, 5)[0]))
    return _(
        "A linear layer that reads these {d} numbers explains {explained:.0%} of new waves, and {few:.0%} if they show ten "
        "examples in place of thirty; of mean and spread it makes {spread:.0%}.",
        d=tau.shape[1],
        explained=_explained(answer),
        few=_explained(answer, shots=10),
        spread=_explained(_mean_and_spread),
    )
