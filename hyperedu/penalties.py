"""What keeps a generator honest: penalties R(learner, tasks, θ) → one number, which `meta_train` adds to the outer loss.

A penalty is a small module with its own parameters and state, or a function; a reader's own is written like these, and used
like these: `meta_train(..., penalties={WeightNorm(): 1e-3, my_penalty: 0.1})`, each with its strength. It is called with

    learner, tasks: what is trained, and the tasks of the step;
    theta: (n_tasks, P), what the learner writes for them, before any inner steps on their support sets;
    rng: source of randomness; a penalty that needs none need not take it.

All are means over the tasks, and those that compare weights are means over the weights too, so that a strength means the same
for main networks of any size; `OutputRegularizer` and `SpectralNorm`, which have published equations, are their sums.
"""

import contextlib
import functools
import inspect
import math
import re
from collections.abc import Callable, Iterator, Mapping
from numbers import Real

import torch
from torch import Tensor, nn

from hyperedu.batches import TaskBatch, expect, same_dtype, source, whole
from hyperedu.learners import Learner, in_mode
from hyperedu.main_network import MainNetwork

__all__ = ["OutputRegularizer", "Penalty", "Reconstruction", "Sensitivity", "SpectralNorm", "TowardSharedWeights", "WeightNorm"]


# What torch calls the weights of layers that have more than one.
WEIGHT_OF_SEVERAL = re.compile("_weight$|^weight_(ih|hh|hr)_l")


class Penalty(nn.Module):
    """R : (learner, tasks, θ) → one number. The base of the penalties here."""

    def forward(self, learner: Learner, tasks: TaskBatch, theta: Tensor, rng: torch.Generator | None = None) -> Tensor:
        raise NotImplementedError


class WeightNorm(Penalty):
    """‖θ‖² / P: small generated weights. Weight decay, which acts on φ, does not ask for them."""

    def forward(self, learner: Learner, tasks: TaskBatch, theta: Tensor, rng: torch.Generator | None = None) -> Tensor:
        return theta.square().mean()


class TowardSharedWeights(Penalty):
    """‖θ − θ₀‖² / P: tasks keep close to the start θ₀ that they share, which is learned with them.

    Raises:
        ValueError: the learner shares no θ₀.
    """

    def forward(self, learner: Learner, tasks: TaskBatch, theta: Tensor, rng: torch.Generator | None = None) -> Tensor:
        shared = [
            p for name, p in learner.named_parameters() if name.rpartition(".")[2] == "theta_0" and p.shape == theta.shape[-1:]
        ]
        if not shared:
            raise ValueError(
                f"{type(learner).__name__} has no θ₀ that its tasks share: give it a generator that writes θ₀ + Δθ, such as "
                "MLPGenerator(..., magnitude_invariant=True) or LowRankGenerator"
            )
        return (theta - shared[0]).square().mean()


class Sensitivity(Penalty):
    """‖∂θ/∂τ‖² / P: tasks that are described alike get weights that are alike.

    An unbiased estimate: E ‖(∂θ/∂τ) ε‖² = ‖∂θ/∂τ‖² for ε ~ N(0, I), one ε for each task. Hutchinson 1989 (Communications in
    Statistics 18), with the product taken forward (`torch.func.jvp`), at the price of one more pass through the generator.

    Raises:
        ValueError: the learner's weights do not depend on τ.
    """

    def forward(self, learner: Learner, tasks: TaskBatch, theta: Tensor, rng: torch.Generator | None = None) -> Tensor:
        error = torch.randn(tasks.descriptor.shape, generator=rng).to(tasks.descriptor)
        try:
            write = functools.partial(learner.written, support=tasks.support)
            change = torch.func.jvp(write, (tasks.descriptor,), (error,), strict=True)[1]
        except RuntimeError as missing:  # a layer with no such derivative, or one that counts what it is given
            if "independent of the inputs" in str(missing):
                raise ValueError(
                    f"the weights that {type(learner).__name__} writes do not depend on τ: there is no ∂θ/∂τ"
                ) from None
            raise ValueError(
                f"Sensitivity takes ∂θ/∂τ forward, which a layer of {type(learner).__name__} cannot: {missing}"
            ) from missing
        return change.square().mean()


class Reconstruction(Penalty):
    """‖decoder(θ) − τ‖² / d_tau: the weights must still say which task they are for.

    An auxiliary loss: what f_φ writes is read back by a small network, which is learned with it. The decoder's parameters are
    this penalty's own: give the optimizer those too, or leave the optimizer to `meta_train`.

    Args:
        main: the main network whose weights are read.
        descriptor_dim: d_tau.
        hidden: the width of the decoder's one hidden layer.
        rng: source of randomness.
    """

    def __init__(self, main: MainNetwork, descriptor_dim: int, hidden: int = 32, rng: torch.Generator | None = None):
        super().__init__()
        source(rng)
        expect("the main network", main, MainNetwork, "MainNetwork.from_module makes one of any module")
        for name, value in {"descriptor_dim": descriptor_dim, "hidden": hidden}.items():
            whole(name, value, 1)
        layers = [nn.Linear(main.weight_dim, hidden), nn.Linear(hidden, descriptor_dim)]
        self.layers = nn.ModuleList(layers)
        with torch.no_grad():
            # The weights of a main network are small: divided by their root mean square, θ has entries about 1.
            scale = main.initial_std.square().mean().sqrt().item() or 1.0
            for layer, unit in zip(layers, (scale, 1.0), strict=True):
                layer.weight.normal_(generator=rng).div_(unit * math.sqrt(layer.in_features))
                layer.bias.zero_()

    def decoder(self, theta: Tensor) -> Tensor:
        """θ (…, P) → τ (…, d_tau), as it is read back."""
        first, second = self.layers
        same_dtype("θ", theta, first.weight)  # type: ignore[arg-type]
        return second(nn.functional.gelu(first(theta)))

    def forward(self, learner: Learner, tasks: TaskBatch, theta: Tensor, rng: torch.Generator | None = None) -> Tensor:
        read, tau = self.decoder(theta), tasks.descriptor
        if read.shape != tau.shape:
            raise ValueError(
                f"τ of shape {tuple(tau.shape)} is read back as {tuple(read.shape)}: give its length, descriptor_dim"
            )
        return (read - tau).square().mean()


class OutputRegularizer(Penalty):
    """Mean over remembered tasks of ‖f_φ(τ_old) − θ*_old‖²: what was learned before is still written.

    von Oswald and others 2020 (arXiv 1906.00695), equation 2, without their look ahead. No old example is needed: this keeps a
    snapshot of what the learner writes for the old descriptors, in evaluation mode, when the penalty is made.

    Args:
        learner: whose weights are remembered; it may learn on, the snapshot stays.
        descriptors: τ_old (n, d_tau).
    """

    old_tau: Tensor
    old_theta: Tensor

    def __init__(self, learner: Learner, descriptors: Tensor):
        super().__init__()
        expect("the descriptors", descriptors, Tensor, "give τ (n, d_tau) of the tasks to hold on to")
        if len(descriptors) == 0:
            raise ValueError("there is nothing to hold on to: give the descriptors of at least one task")
        with in_mode(learner, False), torch.no_grad():
            self.register_buffer("old_tau", descriptors.detach().clone())
            self.register_buffer("old_theta", learner.written(self.old_tau).detach().clone())

    def forward(self, learner: Learner, tasks: TaskBatch, theta: Tensor, rng: torch.Generator | None = None) -> Tensor:
        return (learner.written(self.old_tau) - self.old_theta).square().sum(-1).mean()


class SpectralNorm(Penalty):
    """Σ σ(W)² over the generator's weight matrices W, σ the largest singular value: no layer may stretch any direction far.

    Yoshida, Miyato 2017 (arXiv 1705.10941), section 3, whose ½ is left to the strength. A convolution is a matrix with one
    row for each channel that it leads to. σ² is the largest eigenvalue of the smaller of W Wᵀ and Wᵀ W, exactly.

    Raises:
        ValueError: the learner has no generator.
    """

    def forward(self, learner: Learner, tasks: TaskBatch, theta: Tensor, rng: torch.Generator | None = None) -> Tensor:
        modules = getattr(learner, "generator", nn.Module()).modules()
        weights = dict.fromkeys(weight for module in modules for weight in _weights(module))  # one that layers share, once
        # In float32 at least: there are no eigenvalues of less.
        matrices = [w.flatten(1).to(torch.promote_types(w.dtype, torch.float32)) for w in weights if w.ndim > 1]
        if not matrices:
            raise ValueError(f"the penalty SpectralNorm needs a generator, and {type(learner).__name__} has none")
        grams = [W @ W.mT if W.shape[0] < W.shape[1] else W.mT @ W for W in matrices]
        return torch.stack([torch.linalg.eigvalsh(gram)[-1] for gram in grams]).sum()


def _weights(module: nn.Module) -> Iterator[Tensor]:
    """The weights of a layer itself, one row for each unit or channel that it leads to: several of recurrence and attention."""
    for name in ["weight", *(n for n, _ in module.named_parameters(recurse=False) if WEIGHT_OF_SEVERAL.search(n))]:
        weight = getattr(module, name, None)  # parametrized, it is no parameter
        if isinstance(weight, Tensor) and isinstance(module, nn.modules.conv._ConvTransposeNd):
            weight = weight.unflatten(0, (module.groups, -1)).transpose(1, 2).flatten(0, 1)
        if isinstance(weight, Tensor):
            yield weight


Penalties = Mapping[Callable[..., Tensor], float]


def parts(learner: Learner, penalties: Penalties | None) -> dict[str, nn.Module]:
    """All that is trained, by where it stands in a checkpoint: the learner, and penalties that are modules."""
    numbered = {f"penalties/{i}": penalty for i, penalty in enumerate(penalties or {})}
    return {"learner": learner} | {where: part for where, part in numbered.items() if isinstance(part, nn.Module)}


def name_of(penalty: Callable[..., Tensor]) -> str:
    """What a penalty, or a loss that is a function, is called in messages."""
    return getattr(penalty, "__name__", type(penalty).__name__)


def check(penalties: Penalties) -> None:
    """A sentence for what is no penalty and for a strength that would reward."""
    if not isinstance(penalties, Mapping):
        raise ValueError(f"the penalties are a {type(penalties).__name__}: give each its strength, {{WeightNorm(): 1e-3}}")
    for penalty, strength in penalties.items():
        if not callable(penalty) or isinstance(penalty, type):
            raise ValueError(
                f"{penalty!r} is no penalty: give one such as WeightNorm(), made, or a function (learner, tasks, theta)"
            )
        if not isinstance(strength, Real) or not 0 <= strength < math.inf:
            raise ValueError(f"the strength of {name_of(penalty)} must be at least 0 and finite, got {strength!r}")


@contextlib.contextmanager
def _unseen(learner: Learner) -> Iterator[None]:
    """Layers that average or count what they are given, such as BatchNorm, are given each batch once: by the training."""
    buffers = [(module, name, value) for module in learner.modules() for name, value in module.named_buffers(recurse=False)]
    try:
        for module, name, value in buffers:
            setattr(module, name, value.clone())
        yield
    finally:
        for module, name, value in buffers:
            setattr(module, name, value)


def total(learner: Learner, tasks: TaskBatch, penalties: Penalties, rng: torch.Generator | None = None) -> Tensor:
    """Σ strength · R on the tasks of one step."""
    with _unseen(learner):
        theta = learner.written(tasks.descriptor, tasks.support)
        found = []
        for penalty, strength in penalties.items():
            value = _called(penalty, learner, tasks, theta.clone(), rng)  # one that writes into it writes for itself
            if not isinstance(value, Tensor) or value.ndim:
                got = f"a tensor of shape {tuple(value.shape)}" if isinstance(value, Tensor) else f"a {type(value).__name__}"
                raise ValueError(
                    f"the penalty {name_of(penalty)} gave {got}, but one number is needed, a tensor of shape (): .mean()"
                )
            found.append(strength * value)
    return torch.stack(found).sum()


def _called(penalty: Callable[..., Tensor], learner: Learner, tasks: TaskBatch, theta: Tensor, rng) -> Tensor:
    """R, with the source of randomness where the penalty has an argument `rng`, or a fourth that it cannot do without."""
    signature = inspect.signature(penalty.forward if isinstance(penalty, nn.Module) else penalty)
    three = (learner, tasks, theta)
    ways: list[tuple[tuple, dict]] = [(three, {}), ((*three, rng), {})]
    for given, named in [(three, {"rng": rng})] if "rng" in signature.parameters else ways:
        try:
            signature.bind(*given, **named)
        except TypeError:
            continue
        return penalty(*given, **named)
    raise ValueError(
        f"the penalty {name_of(penalty)} takes {signature}, but is called with (learner, tasks, theta), and with rng where it "
        "names that"
    )
