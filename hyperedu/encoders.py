"""h : (τ, D) → code. What a learner makes of a description, or of examples, before it writes weights."""

import inspect
import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from hyperedu.batches import Examples, expect, readable, refuse, same_dtype, source, whole
from hyperedu.main_network import MainNetwork

__all__ = ["ClassEncoder", "DescriptorEncoder", "Encoder", "JointEncoder", "Learned", "SetEncoder", "WordAttention"]


class Encoder(nn.Module):
    """h : (τ, D) → code (…, dim): what a learner makes of a description, of examples, or of both, before f_φ.

    `forward(descriptor, support)` receives τ (…, d_tau) or None, and D (`Examples`) or None.

    Attributes:
        dim: the length of the code; None where it is not known.
    """

    dim: int | None = None

    def forward(self, descriptor: Tensor | None, support: Examples | None = None) -> Tensor:
        raise NotImplementedError


class DescriptorEncoder(Encoder):
    """τ → module(τ): any module that reads a description alone, as an encoder."""

    def __init__(self, module: nn.Module):
        super().__init__()
        self.module = module
        self.dim = getattr(module, "dim", getattr(module, "out_features", None))

    def forward(self, descriptor: Tensor | None, support: Examples | None = None) -> Tensor:
        return self.module(needed_descriptor(self, descriptor))


class JointEncoder(Encoder):
    """(τ, D) → the codes of several encoders side by side: what is said of a task, and what its examples show."""

    def __init__(self, *encoders: nn.Module):
        super().__init__()
        if not encoders:
            raise ValueError("a JointEncoder without encoders has no code: give at least one")
        self.parts = nn.ModuleList(as_encoder(encoder) for encoder in encoders)
        dims = [getattr(part, "dim", None) for part in self.parts]
        self.dim = None if None in dims else sum(dim for dim in dims if dim is not None)

    def forward(self, descriptor: Tensor | None, support: Examples | None = None) -> Tensor:
        codes = [part(descriptor, support) for part in self.parts]
        if len({code.shape[:-1] for code in codes}) > 1:
            raise ValueError(
                f"the codes have shapes {', '.join(str(tuple(code.shape)) for code in codes)}: description and examples must "
                "be of the same tasks"
            )
        return torch.cat(codes, dim=-1)


def as_encoder(module: nn.Module) -> nn.Module:
    """The module, if it takes (τ, D); as a `DescriptorEncoder`, if it takes τ alone."""
    expect("the encoder", module, nn.Module, "wrap a function in an nn.Module whose forward takes τ")
    if isinstance(module, Encoder):
        return module
    given = inspect.signature(module.forward).parameters.values()
    second = [p for p in given if p.kind != p.KEYWORD_ONLY][1:2]
    # What has a default is a setting of a module that reads τ alone, such as the mask of a transformer's layer.
    takes_both = any(p.default is p.empty or p.name == "support" for p in second)
    return module if takes_both else DescriptorEncoder(module)


def needed_descriptor(reader: nn.Module, descriptor: Tensor | None, what: str = "reads a descriptor") -> Tensor:
    """τ, or a sentence if there is none."""
    if descriptor is None:
        raise ValueError(f"{type(reader).__name__} {what}, but the descriptor given is None")
    expect("τ", descriptor, Tensor, "it must be a tensor (…, d_tau), torch.as_tensor(τ) makes one")
    return descriptor


def needed_examples(reader: nn.Module, support: Examples | None) -> Examples:
    """D, or a sentence if it is none or has no example."""
    expect("the support set", support, (Examples, type(None)), "it must be Examples(x, y)")
    if support is None or len(support) == 0:
        raise ValueError(f"{type(reader).__name__} needs a support set with at least one example (shots), but got none")
    return support


def numbers_of(examples: Examples, n_classes: int) -> Tensor:
    """y as numbers (…, n, d_out): a class as a vector with a single one."""
    if not examples.has_classes:
        return examples.y
    y = examples.y
    if readable(y) and y.numel() and int(y.max()) >= n_classes:
        raise ValueError(
            f"y has classes from {int(y.min())} to {int(y.max())}, but there is room for {n_classes}, 0 to {n_classes - 1}"
        )
    return nn.functional.one_hot(examples.y, n_classes).to(torch.get_default_dtype())


class SetEncoder(Encoder):
    """D → h(D): a support set → a vector, in which the order of the examples leaves no trace.

    h(D) = ρ(mean over examples of ψ(x, y)). Zaheer and others 2017 (arXiv 1703.06114), theorem 2. With a mean in place of their
    sum, sets of different sizes look alike.

    Args:
        d_in: how many numbers one input has; those of an image are put in a row.
        d_out: how many numbers one y has, or how many classes there are.
        dim: the length of h(D).
        hidden: the width of ψ.
        rng: source of randomness.
    """

    def __init__(self, d_in: int, d_out: int, dim: int, hidden: int = 128, rng: torch.Generator | None = None):
        super().__init__()
        source(rng)
        for name, value in {"d_in": d_in, "d_out": d_out, "dim": dim, "hidden": hidden}.items():
            whole(name, value, 1)
        self.d_in, self.d_out, self.dim = d_in, d_out, dim
        self.each = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise([d_in + d_out, hidden, hidden]))
        self.whole = nn.Linear(hidden, dim)
        self.known: tuple[list[str], Examples] | None = None
        with torch.no_grad():
            for layer in (*self.each, self.whole):
                layer.weight.normal_(0, math.sqrt(2 / layer.in_features), generator=rng)
                layer.bias.zero_()

    def forward(self, descriptor: Tensor | None, support: Examples | None = None) -> Tensor:
        """D with x (…, n, *) and y (…, n, d_out) or classes (…, n) → (…, dim). τ is not read."""
        support = needed_examples(self, support)
        x, y = support.x.flatten(len(support.lead) + 1), numbers_of(support, self.d_out)
        if (x.shape[-1], y.shape[-1]) != (self.d_in, self.d_out):
            raise ValueError(
                f"x of shape {tuple(support.x.shape)} has {x.shape[-1]} numbers per example and y of shape "
                f"{tuple(support.y.shape)} {y.shape[-1]}, but this encoder was made for {self.d_in} and {self.d_out} (d_in, "
                "d_out)"
            )
        same_dtype("x", x, self.whole.weight)
        h = torch.cat([x, y.to(x)], dim=-1)
        for layer in self.each:
            h = nn.functional.gelu(layer(h))
        return self.whole(h.mean(dim=-2))

    def remember(self, names: Sequence[str], support: Examples) -> None:
        """Support sets (n_tasks, n, …) that have names, for `in_words`."""
        self.known = list(names), support

    @torch.no_grad()
    def in_words(self, descriptor: Tensor) -> str:
        """What h(D) (dim,) says: its numbers have no names, so that only likeness can be told."""
        if self.known is None:
            return "a set of examples, in numbers that have no names"
        names, support = self.known
        return f"examples most like those of {_nearest(descriptor, self(None, support), names)}"


class ClassEncoder(Encoder):
    """D → one code for each class, side by side: c_k = mean over the examples x of class k of features(x), (…, n_classes · F).

    Snell, Swersky, Zemel 2017 (arXiv 1703.05175), equation 1: their prototypes. The order of the examples leaves no trace, and
    classes that change their places change the places of their codes.

    Args:
        main: the network whose features are taken, all of it but the last layer; its weights are learned here, in one vector.
        rng: source of randomness.
    """

    def __init__(self, main: MainNetwork, rng: torch.Generator | None = None):
        super().__init__()
        if main.d_features is None or main.d_out is None:
            raise ValueError("a ClassEncoder needs a network that knows its features: MainNetwork.mlp or MainNetwork.conv")
        self.main, self.n_classes = main, main.d_out
        self.dim: int = main.d_out * main.d_features
        self.n_head = main.d_out * (main.d_features + 1)
        self.body = nn.Parameter(main.start_weights(rng)[: main.weight_dim - self.n_head])

    def codes(self, support: Examples | None) -> tuple[Tensor, Tensor]:
        """c (…, n_classes, F), 0 where a class has no example, and how many examples each class has, (…, n_classes)."""
        support = needed_examples(self, support)
        if not support.has_classes:
            raise ValueError(f"{type(self).__name__} needs classes, int64, but y has dtype {support.y.dtype}")
        theta = torch.cat([self.body, self.body.new_zeros(self.n_head)])
        features = self.main.features(theta, support.x)
        of_class = numbers_of(support, self.n_classes).to(features)  # (…, n, n_classes)
        n = of_class.sum(-2)
        return of_class.mT @ features / n.clamp(min=1).unsqueeze(-1), n

    def forward(self, descriptor: Tensor | None, support: Examples | None = None) -> Tensor:
        """D with classes (…, n) → (…, n_classes · F). τ is not read."""
        return self.codes(support)[0].flatten(-2)


class Learned(Encoder):
    """One-hot (…, n) → (…, dim): a table with one row for each training task, learned together with the generator.

    A task that is not in the table has no row. Its row is found by gradient descent on its examples, with the generator
    frozen: `adapt(main, row, support, steps, lr, through=generator)`.
    """

    def __init__(self, names: Sequence[str], dim: int, rng: torch.Generator | None = None):
        super().__init__()
        self.names, self.dim = list(names), dim
        if not self.names or len(set(self.names)) != len(self.names):
            raise ValueError("a table of codes needs at least one name, and no name twice")
        whole("dim", dim, 1)
        source(rng)
        self.table = nn.Parameter(torch.randn(len(self.names), dim, generator=rng))

    def forward(self, descriptor: Tensor | None, support: Examples | None = None) -> Tensor:
        one_hot = needed_descriptor(self, descriptor)
        if one_hot.shape[-1] != len(self.names):
            raise ValueError(f"the table has {len(self.names)} rows, but the one-hot vectors have {one_hot.shape[-1]} numbers")
        same_dtype("τ", one_hot, self.table)
        return one_hot @ self.table

    def in_words(self, descriptor: Tensor) -> str:
        """What a row (dim,) says: the training task whose row is nearest."""
        return f"most like the task called {_nearest(descriptor, self.table.detach(), self.names)}"


class WordAttention(Encoder):
    """τ of `Text.words` (…, n_words · width) → (…, heads · dim): each head takes a mean of the words, weighted by attention.

    h = Σ_w a_w V w with a = softmax over the words w of K w. Bahdanau, Cho, Bengio 2014 (arXiv 1409.0473), section 3.1, with
    K linear. Words that are all zeros are not there.
    """

    def __init__(self, width: int = 1152, heads: int = 6, dim: int = 8, rng: torch.Generator | None = None):
        super().__init__()
        source(rng)
        for name, value in {"width": width, "heads": heads, "dim": dim}.items():
            whole(name, value, 1)
        self.dim = heads * dim
        self.width, self.K, self.V = width, nn.Linear(width, heads, bias=False), nn.Linear(width, heads * dim)
        with torch.no_grad():
            for layer in (self.K, self.V):
                layer.weight.normal_(0, 1 / math.sqrt(width), generator=rng)
            self.V.bias.zero_()

    def _words(self, tau: Tensor) -> Tensor:
        """τ (…, n_words · width) → (…, n_words, width)."""
        if tau.shape[-1] % self.width:
            raise ValueError(f"τ has shape {tuple(tau.shape)}, but words of {self.width} numbers (width) do not fill its rows")
        return tau.unflatten(-1, (-1, self.width))

    def attention(self, tau: Tensor) -> Tensor:
        """How much each head looks at each word, (…, n_words, heads); sums to 1 over the words."""
        words = self._words(tau)
        there = words.any(-1, keepdim=True)
        refuse(~there.any(-2), "a description says no word: each needs one that is not all zeros")
        return self.K(words).masked_fill(~there, -math.inf).softmax(-2)

    def forward(self, descriptor: Tensor | None, support: Examples | None = None) -> Tensor:
        tau = needed_descriptor(self, descriptor)
        same_dtype("τ", tau, self.V.weight)
        values = self.V(self._words(tau))  # (…, n_words, heads · dim)
        a = self.attention(tau)
        return (a.unsqueeze(-1) * values.unflatten(-1, (a.shape[-1], -1))).sum(-3).flatten(-2)


def _nearest(vector: Tensor, table: Tensor, names: Sequence[str]) -> str:
    return names[int((table - vector).square().sum(-1).argmin())]
