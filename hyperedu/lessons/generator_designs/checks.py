"""The checks of this lesson's exercises."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial

import torch
from torch import Tensor, nn

from hyperedu import generators
from hyperedu.lessons import feedback, probes, variants, writing
from hyperedu.main_network import MainNetwork
from hyperedu.tasks import Sinusoids
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


NETWORKS = (((1, 40, 40, 1), "relu"), ((2, 60, 60, 1), "relu"), ((1, 25, 25, 25, 2), "tanh"))  # that it must write
NARROW, WIDE, MOVED, RANK, LEAST = 1 / 3, 3.0, 0.03, 4, 100
OF_THE_PACKAGE = {
    getattr(generators, name).forward for name in generators.__all__ if name not in ("Generator", "constant_norm")
}


def own_design(answer) -> None:
    demands = (_is_a_generator, _is_small, _is_sized, _is_rich, _follows, _learns, _leaves_the_seed)
    probes.made(answer, [partial(_on_every_network, demand) for demand in demands], _why_it_is_good)


def _on_every_network(demand, answer) -> str:
    if not callable(answer):
        return _(
            "A class is asked for, this is {kind}: it will be called with several main networks.", kind=type(answer).__name__
        )
    networks = (MainNetwork.mlp(sizes, activation) for sizes, activation in NETWORKS)
    return next(filter(None, (demand(answer, main) for main in networks)), "")


@cache
def _tau() -> Tensor:
    return Sinusoids().train.sample(32, 0, 1, torch.Generator().manual_seed(0)).descriptor


def _descriptors() -> Tensor:
    """Of 32 waves, (32, 2): made anew, as an answer may change them."""
    return _tau().clone()


def _called(main: MainNetwork) -> str:
    return _("a main network of {P:,} weights", P=main.weight_dim)


def _is_a_generator(answer, main: MainNetwork) -> str:
    f = answer(main)
    if isinstance(f, nn.Module) and any(type(part).forward in OF_THE_PACKAGE for part in f.modules() if _writes(part, main)):
        return _("That is one of the package's generators: make another.")
    return writing.faulty(f, _descriptors(), main, _called(main))


def _writes(part: nn.Module, main: MainNetwork) -> bool:
    return getattr(getattr(part, "main", None), "weight_dim", None) == main.weight_dim


def _is_small(answer, main: MainNetwork) -> str:
    f, P = answer(main), main.weight_dim
    learned, hidden = sum(p.numel() for p in f.parameters()), writing.unlisted(f, _descriptors())
    if learned == 0 and hidden == 0:
        return _("`parameters()` is empty: nothing of it can be learned.")
    if hidden:
        return _(
            "{n:,} numbers that ask for a gradient are not in `parameters()`: no optimiser finds them. A plain tensor is no "
            "parameter, a plain list of modules no nn.ModuleList.",
            n=hidden,
        )
    if learned > P / 2:
        return _(
            "For {case} it learns {n:,} numbers, {most:,} are allowed. Which part grows with P, and must it?",
            case=_called(main),
            n=learned,
            most=P // 2,
        )
    if learned < LEAST:
        return _(
            "It learns {n} numbers, and all else of its weights stays as it is when it is made: give it {least} at least.",
            n=learned,
            least=LEAST,
        )
    return ""


def _is_sized(answer, main: MainNetwork) -> str:
    return writing.missized(writing.sizes(answer(main)(_descriptors()), main), NARROW, WIDE, _called(main))


@torch.no_grad()
def _ranks(theta: Tensor, main: MainNetwork) -> list[float]:
    """Of each matrix from hidden units to hidden units: the median over tasks of its singular values above a hundredth."""
    matrices = [value for value in main.unflatten(theta).values() if value.dim() == 3 and min(value.shape[1:]) > RANK]
    values = [torch.linalg.svdvals(matrix.double()) for matrix in matrices]
    return [(s > 0.01 * s[:, :1]).sum(1).double().median().item() for s in values]


def _is_rich(answer, main: MainNetwork) -> str:
    theta, P = answer(main)(_descriptors()).detach(), main.weight_dim
    u, rank = theta[0] / main.initial_std, min(_ranks(theta, main))
    piece = next((n for n in range(1, P // 2) if (u[n:] - u[:-n]).abs().max() < 1e-4), None)
    if piece:
        return _(
            "The same {n:,} numbers come again and again, in units of the spread that is wanted: what is written must be told "
            "where it stands.",
            n=piece,
        )
    if rank < RANK:
        return _(
            "For {case} a matrix between hidden layers has rank {n:g}: its units listen to no more mixtures of what comes "
            "before; {least} are asked for. Which sum of terms, or which pattern, has more?",
            case=_called(main),
            n=rank,
            least=RANK,
        )
    return ""


@torch.no_grad()
def _follows(answer, main: MainNetwork) -> str:
    f, tau, changes = answer(main), _descriptors(), []
    theta = f(tau)
    for k, name in enumerate((_("amplitude"), _("phase"))):
        other = tau.clone()
        other[:, k] = other[:, k].roll(1)
        changes.append(f(other) - theta)
        matrix, moved = min(_moved(changes[-1], main), key=lambda pair: pair[1])
        if moved < MOVED:
            return _(
                "Another {property} moves {matrix} by only {n:.1%} of the spread that is wanted: τ must reach every matrix.",
                property=name,
                matrix=matrix,
                n=moved,
            )
    s = torch.linalg.svdvals(torch.cat(changes).double())
    if s[1] < 1e-3 * s[0]:
        return _(
            "All networks lie on one line: whatever τ is, the weights change in the same direction. Two properties need two "
            "numbers at least."
        )
    return ""


def _moved(change: Tensor, main: MainNetwork) -> Sequence[tuple[str, float]]:
    """The name of each matrix, and by how much it changes in units of the spread that is wanted."""
    parts = main.unflatten(change / main.initial_std).items()
    return [(name, part.square().mean().sqrt().item()) for name, part in parts if name.endswith("weight")]


def _learns(answer, main: MainNetwork) -> str:
    return writing.unlearned(answer(main), _descriptors())


def _leaves_the_seed(answer, main: MainNetwork) -> str:
    return writing.reseeds(lambda: answer(main)(_descriptors()))


def _why_it_is_good(answer) -> str:
    said = []
    for sizes, activation in NETWORKS:
        main = MainNetwork.mlp(sizes, activation)
        f = answer(main)
        theta = f(_descriptors())
        spreads = [size.spread for size in writing.sizes(theta, main) if size.of_a_matrix]
        said.append(
            _(
                "{n:,} numbers write {P:,} weights, of rank {rank:g} at least and {low:.2f} to {high:.2f} times the spread "
                "that is wanted",
                n=sum(p.numel() for p in f.parameters()),
                P=main.weight_dim,
                rank=min(_ranks(theta, main)),
                low=min(spreads),
                high=max(spreads),
            )
        )
    return "; ".join(said) + ". " + _("Both properties move every matrix, and all of it learns.")
