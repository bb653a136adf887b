"""What keeps a generator honest: penalties (learner, tasks, θ) → one number, which `meta_train` adds to its loss by name.

θ (n_tasks, P) is what the learner writes for the tasks of a step, before any gradient steps on their support sets. All are
means over the tasks, and those that compare weights are means over the weights too, so that a strength means the same for
main networks of any size; `output` and `spectral_norm`, which have published equations, are the sums of these equations.
"""

import math
from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from hyperedu.learners import Adapting, Learner
from hyperedu.main_network import MainNetwork


def written(learner: Learner, descriptor: Tensor | None, support=None) -> Tensor:
    """θ as it is written from τ, before any gradient steps: f_φ(τ), and for a learner that adapts its start."""
    if not isinstance(learner, Adapting):
        return learner(descriptor, support)
    start = learner.start(descriptor)
    return start if learner.through is None else learner.through(start)


def weight_norm(learner: Learner, tasks, theta: Tensor, generator=None) -> Tensor:
    """‖θ‖² / P: small generated weights. Weight decay, which acts on φ, does not ask for them."""
    return theta.square().mean()


def toward_theta_0(learner: Learner, tasks, theta: Tensor, generator=None) -> Tensor:
    """‖θ − θ₀‖² / P: tasks keep close to the start θ₀ that they share, which is learned with them.

    Raises:
        ValueError: the learner shares no θ₀.
    """
    holders = [part for part in (getattr(learner, "generator", None), learner) if hasattr(part, "theta_0")]
    if not holders:
        raise ValueError(
            f"{type(learner).__name__} has no θ₀ that its tasks share: give it a generator that writes θ₀ + Δθ, such as "
            "MLPGenerator(..., magnitude_invariant=True) or LowRankGenerator"
        )
    return (theta - holders[0].theta_0).square().mean()


def sensitivity(learner: Learner, tasks, theta: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """‖∂θ/∂τ‖² / P: tasks that are described alike get weights that are alike.

    An unbiased estimate: E ‖(∂θ/∂τ) ε‖² = ‖∂θ/∂τ‖² for ε ~ N(0, I), one ε for each task. Hutchinson 1989 (Communications in
    Statistics 18), with the product taken forward (`torch.func.jvp`), at the price of one more pass through the generator.

    Raises:
        ValueError: the learner's weights do not depend on τ.
    """
    error = torch.randn(tasks.descriptor.shape, generator=generator).to(tasks.descriptor)
    _, change = torch.func.jvp(lambda tau: written(learner, tau, tasks.support), (tasks.descriptor,), (error,))
    if not change.any():
        raise ValueError(f"the weights that {type(learner).__name__} writes do not depend on τ: there is no ∂θ/∂τ")
    return change.square().mean()


class Decoder(nn.Module):
    """θ (…, P) → τ (…, d_tau): a small network for the penalty "reconstruction", learned together with the learner.

    Make it a part of the learner before the optimizer is made, `learner.decoder = Decoder(main, d_tau)`.

    Args:
        hidden: the width of its one hidden layer.
        generator: source of randomness.
    """

    def __init__(self, main: MainNetwork, descriptor_dim: int, hidden: int = 32, generator: torch.Generator | None = None):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(main.weight_dim, hidden), nn.Linear(hidden, descriptor_dim)])
        with torch.no_grad():
            # The weights of a main network are small: divided by their root mean square, θ has entries about 1.
            scale = main.initial_std.square().mean().sqrt()
            for layer, unit in zip(self.layers, (scale, 1.0), strict=True):
                layer.weight.normal_(generator=generator).div_(unit * math.sqrt(layer.in_features))
                layer.bias.zero_()

    def forward(self, theta: Tensor) -> Tensor:
        first, second = self.layers
        return second(nn.functional.gelu(first(theta)))


def reconstruction(learner: Learner, tasks, theta: Tensor, generator=None) -> Tensor:
    """‖decoder(θ) − τ‖² / d_tau: the weights must still say which task they are for.

    An auxiliary loss: what f_φ writes is read back by a network that is learned with it (`Decoder`).

    Raises:
        ValueError: the learner has no decoder.
    """
    if not hasattr(learner, "decoder"):
        raise ValueError(
            "the penalty 'reconstruction' needs a decoder among the learner's parameters: "
            "learner.decoder = penalties.Decoder(main, d_tau), before the optimizer is made"
        )
    return (learner.decoder(theta) - tasks.descriptor).square().mean()


@torch.no_grad()
def remember(learner: Learner, descriptors: Tensor) -> None:
    """Snapshot what the learner now writes for these τ (n, d_tau), for the penalty "output". Replaces an earlier snapshot."""
    descriptors = descriptors.detach().clone()
    learner.register_buffer("old_tau", descriptors)
    learner.register_buffer("old_theta", written(learner, descriptors).clone())


def output(learner: Learner, tasks, theta: Tensor, generator=None) -> Tensor:
    """Mean over the remembered tasks of ‖f_φ(τ_old) − θ*_old‖²: what was learned before is still written.

    von Oswald and others 2020 (arXiv 1906.00695), equation 2, without their look ahead. No old example is needed.

    Raises:
        ValueError: nothing is remembered.
    """
    if not hasattr(learner, "old_theta"):
        raise ValueError("the penalty 'output' has nothing to hold on to: penalties.remember(learner, descriptors) first")
    return (written(learner, learner.old_tau) - learner.old_theta).square().sum(-1).mean()


def spectral_norm(learner: Learner, tasks, theta: Tensor, generator=None) -> Tensor:
    """Σ σ(W)² over the generator's weight matrices W, σ the largest singular value: no layer may stretch any direction far.

    Yoshida, Miyato 2017 (arXiv 1705.10941), section 3, whose ½ is left to the strength. A convolution is a matrix with one
    row for each channel that it leads to. σ² is the largest eigenvalue of the smaller of W Wᵀ and Wᵀ W, exactly.

    Raises:
        ValueError: the learner has no generator.
    """
    modules = getattr(learner, "generator", nn.Module()).modules()
    matrices = [m.weight.flatten(1) for m in modules if isinstance(getattr(m, "weight", None), Tensor) and m.weight.ndim > 1]
    if not matrices:
        raise ValueError(f"the penalty 'spectral_norm' needs a generator, and {type(learner).__name__} has none")
    grams = [W @ W.mT if W.shape[0] < W.shape[1] else W.mT @ W for W in matrices]
    return torch.stack([torch.linalg.eigvalsh(gram)[-1] for gram in grams]).sum()


PENALTIES: dict[str, Callable[..., Tensor]] = {
    f.__name__: f for f in (weight_norm, toward_theta_0, sensitivity, reconstruction, output, spectral_norm)
}


def check(strengths: Mapping[str, float]) -> None:
    """A sentence for a name that is no penalty and for a strength that would reward."""
    unknown = strengths.keys() - PENALTIES.keys()
    if unknown:
        raise ValueError(f"there is no penalty called {sorted(unknown)}: the names are {list(PENALTIES)}")
    for name, strength in strengths.items():
        if not 0 <= strength < math.inf:
            raise ValueError(f"the strength of {name!r} must be at least 0 and finite, got {strength}")


def total(learner: Learner, tasks, strengths: Mapping[str, float], generator: torch.Generator | None = None) -> Tensor:
    """Σ strength · penalty on the tasks of one step.

    Args:
        strengths: name → strength, as `check` lets them pass.
        generator: source of the random directions of "sensitivity".
    """
    theta = written(learner, tasks.descriptor, tasks.support)
    return sum(strength * PENALTIES[name](learner, tasks, theta, generator) for name, strength in strengths.items())
