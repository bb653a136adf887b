"""The checks of this lesson's exercises."""

import torch

from hyperedu.lessons import feedback
from hyperedu.words import _


def one_round(answer) -> None:
    feedback.number(
        answer,
        0.9,
        "The first client pulls φ up by 0.1, the second, whose θ moves twice as much with φ, down by 0.2.",
        {
            1.1: "That is away from what the clients ask for: Δθ already points downhill, so φ goes along it.",
            0.8: "The shares are ½ each: that is the sum over clients, not their mean.",
            1.0: "The two changes cancel only if ∂θ/∂φ is left out: it is τ, 1 and 2.",
            0.0: "The step of a client is α times the gradient, with α = 0.1.",
            -0.1: "That is the change of φ; asked is φ after it.",
        },
        "φ + ½ · 1 · Δθ₁ + ½ · 2 · Δθ₂, where Δθ = −α (dL/dθ).",
    )


def adapted(answer) -> None:
    if feedback.unanswered(answer):
        return
    rng = torch.Generator().manual_seed(0)
    x, W_0, b, B, A = (torch.randn(shape, generator=rng) for shape in ((7, 5), (4, 5), (4,), (4, 2), (2, 5)))
    B.requires_grad_()
    try:
        found = feedback.tensor(answer(x, W_0, b, B, A), (7, 4))
    except Exception as error:
        feedback.wrong(_("Calling it raises {name}: {error}.", name=type(error).__name__, error=error))
        return
    if found is None:
        return
    plain, change = x @ W_0.T, x @ (B @ A).T
    mistakes = {
        "The bias b is missing.": plain + change,
        "That is the frozen layer: B A x is missing.": plain + b,
        "That is the change alone: the frozen W₀ x is missing.": change + b,
        "The change is subtracted: W is W₀ + B A.": plain - change + b,
    }
    known = [said for said, wrong in mistakes.items() if torch.allclose(found, wrong, atol=1e-5)]
    if known:
        feedback.wrong(known[0])
    elif not torch.allclose(found, plain + change + b, atol=1e-5):
        feedback.wrong("It has the right shape and other values than (W₀ + B A) x + b.")
    elif not found.requires_grad:
        feedback.wrong("The values are right, but no gradient reaches B: the graph is cut.")
    elif _makes_a_large_matrix(answer):
        feedback.wrong("The values are right, but a matrix as large as W₀ is made on the way: apply A first, then B.")
    else:
        feedback.right("r (m + n) numbers instead of m n, and nothing larger on the way.")


def _makes_a_large_matrix(answer) -> bool:
    """Whether it makes a matrix of m × n or n × m beside W₀, which is none of a few inputs'."""
    m, n, r = 61, 53, 2

    class Watched(torch.Tensor):
        made = False

        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            result = super().__torch_function__(func, types, args, kwargs or {})
            products = (torch.matmul, torch.Tensor.matmul, torch.Tensor.__matmul__, torch.mm, torch.einsum, torch.Tensor.add)
            if func in (*products, torch.add, torch.Tensor.__add__) and isinstance(result, torch.Tensor):
                Watched.made |= set(result.shape) == {m, n}
            return result

    tensors = (torch.randn(shape).as_subclass(Watched) for shape in ((3, n), (m, n), (m,), (m, r), (r, n)))
    answer(*tensors)
    return Watched.made


def server(answer) -> None:
    if feedback.unanswered(answer):
        return
    torch.manual_seed(0)
    f, tau = torch.nn.Sequential(torch.nn.Linear(2, 5), torch.nn.Tanh(), torch.nn.Linear(5, 3)), torch.randn(4, 2)
    wanted, heard = torch.randn(4, 3), []

    def ask(theta):
        heard.append(theta)
        return (0.1 * (wanted - theta)).detach()

    try:
        answer(f, tau, ask)
    except Exception as error:
        feedback.wrong(_("Calling it raises {name}: {error}.", name=type(error).__name__, error=error))
        return
    found = [p.grad for p in f.parameters()]
    theta = f(tau)
    right = torch.autograd.grad(theta, list(f.parameters()), -0.1 * (wanted - theta).detach() / len(tau))

    def same(factor):
        return all(torch.allclose(own, factor * of, atol=1e-6) for own, of in zip(found, right, strict=True))

    if not heard:
        feedback.wrong("No client was asked.")
    elif any(own is None for own in found):
        feedback.wrong("A parameter of f has no gradient: call backward on θ, the one that f wrote.")
    elif same(-1):
        feedback.wrong("The sign: the optimizer steps against .grad, and φ must go along Δθ.")
    elif same(len(tau)):
        feedback.wrong("That is the sum over the clients: each counts 1/n.")
    elif same(1 / 3):
        feedback.wrong("A mean over the weights as well: only the clients are averaged.")
    elif not same(1):
        feedback.wrong("The gradient is not −(∂θ/∂φ)ᵀ Δθ / n. A loss of your own on Δθ gives another one.")
    elif heard[0].requires_grad:
        feedback.wrong("The gradient is right, but θ went out with its graph, and φ in it: send θ.detach().")
    else:
        feedback.right("What the server needs of a client is Δθ; the chain rule does the rest.")
