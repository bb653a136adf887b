"""Linear regression in the plane: the loss of each task is a quadratic, so that everything about it has a closed form."""

import torch
from torch import Tensor

from hyperedu.batches import Examples, TaskBatch, TaskSet
from hyperedu.main_network import MainNetwork


class Quadratics:
    """y = c · x with a c ∈ R² for each task; the main network g_θ(x) = θ · x has the two weights θ.

    The loss is L(θ) = mean (θ · x − y)² = ½ (θ − c)ᵀ H (θ − c) with H = 2 XᵀX / n. τ is c ~ N(0, I), and
    x ~ N(0, diag(1, ¼)), turned by an angle of each task's own, so that each has its own H.
    """

    def __init__(self):
        self.main = _InnerProduct()
        self.train, self.test = _QuadraticSet(), _QuadraticSet()


class _InnerProduct(MainNetwork):
    """g_θ(x) = θ · x. A live figure adapts it at each frame, and through a module that took more than twice as long."""

    input_dims, d_in, d_out = 1, 2, 1
    examples_apart = True

    def __init__(self):
        std = torch.full((2,), 0.5).sqrt()  # as the last layer of a perceptron with two inputs
        super().__init__({"weight": (1, 2)}, torch.zeros(2), std, start_std=std / 3**0.5)

    def _batched(self, theta: Tensor, x: Tensor) -> Tensor:
        return x @ theta.unsqueeze(-1)

    def _check_x(self, x: Tensor) -> None:
        if x.shape[-1] != 2 or not x.is_floating_point():
            raise ValueError(
                f"x has shape {tuple(x.shape)} and dtype {x.dtype}, but must be of two floating point numbers each"
            )


class _QuadraticSet(TaskSet):
    def sample(self, n_tasks=None, shots=10, queries=10, rng=None) -> TaskBatch:
        self.check(n_tasks, shots, queries, rng)
        c = torch.randn(n_tasks, 2, generator=rng)
        angle = torch.pi * torch.rand(n_tasks, generator=rng)
        x = torch.randn(n_tasks, shots + queries, 2, generator=rng) * torch.tensor([1.0, 0.5])
        x = x @ rotation(angle).mT
        y = (x * c.unsqueeze(1)).sum(-1, keepdim=True)
        return TaskBatch(c, *Examples(x, y).split(shots), {"c": c, "angle": angle})


def rotation(angle: Tensor) -> Tensor:
    """(…,) → (…, 2, 2)."""
    c, s = angle.cos(), angle.sin()
    return torch.stack([torch.stack([c, -s], -1), torch.stack([s, c], -1)], -2)


def hessian(x: Tensor) -> Tensor:
    """H = 2 XᵀX / n of the loss of linear regression, (…, n, d) → (…, d, d)."""
    return 2 * x.mT @ x / x.shape[-2]


def shrinkage(tasks: TaskBatch, steps: int, lr: float) -> Tensor:
    """M = (I − α H)^steps (n_tasks, d, d): what adaptation leaves of the distance between θ and c."""
    H = hessian(tasks.support.x)
    return torch.linalg.matrix_power(torch.eye(H.shape[-1]).to(H) - lr * H, steps)


def pull(tasks: TaskBatch, lam: float) -> Tensor:
    """M = λ (H + λ I)⁻¹: what is left where the inner problem is argmin L(θ') + λ/2 ‖θ' − θ‖², solved exactly.

    Rajeswaran, Finn, Kakade, Levine 2019 (arXiv 1909.04630), equation 3.
    """
    H = hessian(tasks.support.x)
    return lam * torch.linalg.inv(H + lam * torch.eye(H.shape[-1]).to(H))


def best_start(tasks: TaskBatch, M: Tensor) -> Tensor:
    """The θ₀ (d,) with the least mean query loss after an adaptation that leaves θ' − c = M (θ₀ − c).

    θ₀ = (Σ Mᵀ H' M)⁻¹ Σ Mᵀ H' M c, with H' of the query sets.
    """
    weight = M.mT @ hessian(tasks.query.x) @ M
    return torch.linalg.solve(weight.sum(0), (weight @ tasks.descriptor.unsqueeze(-1)).sum(0)).squeeze(-1)
