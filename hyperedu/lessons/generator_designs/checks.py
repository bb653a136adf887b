"""The checks of this lesson's exercises."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import torch
from torch import nn

from hyperedu.lessons import feedback, probes, variants
from hyperedu.main_network import MainNetwork
from hyperedu.words import _


@dataclass(frozen=True)
class Pieces(variants.Solved):
    """P weights in pieces, embeddings of d numbers, and a head on H units."""

    P: int = 1_000_000
    d: int = 16
    H: int = 64

    choices = {
        "P": (200_000, 300_000, 500_000, 800_000, 1_000_000, 2_000_000, 3_000_000),
        "d": (6, 8, 10, 12, 16, 20, 24),
        "H": (32, 40, 48, 64, 80),
    }

    def __str__(self) -> str:
        return _("P = {P:,}, a trunk that ends in {H} units, embeddings of {d} numbers", P=self.P, H=self.H, d=self.d)

    @property
    def right(self) -> float:
        return math.sqrt(self.d * self.P / (self.H + 1))

    @property
    def is_short(self) -> bool:
        return self.right > 300  # so that the whole numbers beside it are as good

    def mistakes(self) -> Mapping[str, float]:
        P, d, H = self.P, self.d, self.H
        return {
            "√P is right only where an embedding has as many numbers as the head has inputs and bias: weigh them "
            "by d and H + 1.": math.sqrt(P),
            "That is C²: take the root.": self.right**2,
            _("Each piece has an embedding of {d} numbers, not of one.", d=d): math.sqrt(P / (H + 1)),
            _("Nearly: each output of the head has a bias beside its {H} weights, {all} numbers.", H=H, all=H + 1): (
                math.sqrt(d * P / H)
            ),
            _("Each of the C outputs of the head costs {H} weights and a bias.", H=H): math.sqrt(d * P),
            "That is how many parameters there are at the best C; the C itself is asked for.": 2 * (H + 1) * self.right,
            "That is the number of pieces; their length is asked for. (Or d and H + 1 have changed places, which gives the "
            "same: long pieces make the head large, short ones the embeddings.)": P / self.right,
        }


@variants.keyed(Pieces)
def best_piece(answer, pieces: Pieces) -> None:
    feedback.number(
        answer,
        pieces.right,
        _(
            "There embeddings and head have as many parameters, about {each:,.0f} each: less of the one costs more of the "
            "other.",
            each=round((pieces.H + 1) * pieces.right, -3),
        ),
        pieces.told(),
        _(
            "Parameters: {d} P / C for the embeddings and {outputs} C for the head. Where is the derivative with respect to C "
            "zero?",
            d=pieces.d,
            outputs=pieces.H + 1,
        ),
        rel=2e-3,
    )


def film(answer) -> None:
    def scaled(W, s, scale=lambda s: 1 + s):
        return scale(s).unsqueeze(-1) * W

    def case(seed, tasks, out, inputs):
        random = torch.Generator().manual_seed(seed)
        shapes = ((out, inputs), (tasks, out))
        return tuple(torch.randn(shape, generator=random).requires_grad_() for shape in shapes)

    mistakes = {
        "With s = 0 nothing should change; yours gives zeros. The factor is 1 + s.": partial(scaled, scale=lambda s: s),
        "This shifts the weights of a unit; they are to be scaled.": lambda W, s: s.unsqueeze(-1) + W,
        "It scales the columns of W, one for each input, which fits only where W is square. Unit i is row i.": (
            lambda W, s: (1 + s).unsqueeze(-2) * W
        ),
        "The factor is 1 + s, not its exponential.": partial(scaled, scale=torch.exp),
        "All tasks get the factors of their mean: each has its own.": lambda W, s: scaled(W, s.mean(0).expand_as(s)),
        "Only the first task's factors are used.": lambda W, s: scaled(W, s[:1].expand_as(s)),
    }
    probes.function(
        answer,
        scaled,
        [partial(case, 0, 4, 5, 3), partial(case, 1, 2, 3, 3), partial(case, 2, 1, 2, 6)],
        mistakes,
        "The change is diag(s) W: one number per unit and task moves all of a unit's weights together.",
        "Unit i is row i of W: all of row i is multiplied by 1 + s_i.",
        names=("W", "s"),
    )


def embeddings(answer) -> None:
    if feedback.unanswered(answer):
        return
    main, tau = MainNetwork.mlp([1, 8, 8, 1]), torch.zeros(2, 2)
    try:
        torch.manual_seed(0)
        generator = answer(main)
        state = torch.get_rng_state()
        first = generator(tau)
        draws = not torch.equal(state, torch.get_rng_state())
        again = generator(tau)
        other = generator(tau + 1)
    except Exception as error:
        feedback.wrong(probes.raised(error, _("τ (2, 2), after Mended(main),")))
        return
    if feedback.tensor(first, (2, main.weight_dim)) is not None:
        said = _of_embeddings(generator, first, again, other, draws)
        feedback.wrong(said) if said else feedback.right(
            "The embeddings are parameters: drawn once, learned with all the rest."
        )


def _of_embeddings(generator: nn.Module, first, again, other, draws: bool) -> str:
    """What is wrong with a chunked generator; empty if nothing is."""
    if not torch.equal(first, again):
        return _("The same τ still gives other weights at each call: what is drawn in forward is drawn anew each time.")
    if draws:
        return _(
            "It still draws in `forward`, with a seed that makes the numbers the same: they are constants that nobody learns."
        )
    if torch.allclose(first, other):
        return _("Another τ gives the same weights: the trunk does not see it.")
    if torch.allclose(first[:, :10], first[:, 10:20]):
        return _("Now all pieces are the same: every piece needs an embedding of its own.")
    if not first.requires_grad:
        return _("No gradient comes through it at all: the graph is cut.")
    listed = [p for _name, p in generator.named_parameters() if _name.split(".")[0] not in ("trunk", "head")]
    if not listed:
        hidden = [v for name, v in vars(generator).items() if name[0] != "_" and isinstance(v, list | tuple | dict)]
        if any(isinstance(part, torch.Tensor | nn.Module) for some in hidden for part in _parts(some)):
            return _("The embeddings are in a plain list, where `parameters()` does not look: use an nn.Parameter, "
            "nn.ParameterList "
                     "or nn.Embedding.")  # fmt: skip
        if any(isinstance(v, torch.Tensor) for v in vars(generator).values()):
            return _("The embeddings stay as they were drawn: a plain tensor is no parameter. Make them an `nn.Parameter`.")
        if list(generator.buffers()):
            return _("A buffer is stored with the module, but no optimizer changes it: the embeddings are to be learned.")
        return _("Nothing but trunk and head is in `parameters()`: the embeddings stay as they were drawn.")
    first.square().sum().backward()
    if not any(p.grad is not None and p.grad.any() for p in listed):
        return _(
            "The embeddings are listed as parameters, but no gradient reaches them: is .data or .detach() used in `forward`?"
        )
    if not all(p.grad is not None and p.grad.any() for p in listed):
        return _("Some of the embeddings get no gradient: not every piece uses its own.")
    return ""


def _parts(some):
    return some.values() if isinstance(some, dict) else some
