"""The checks of this lesson's exercises."""

import torch

from hyperedu.lessons import feedback
from hyperedu.main_network import MainNetwork
from hyperedu.words import _


def chunk_parameters(answer) -> None:
    feedback.number(
        answer,
        81_000,
        "16,000 numbers for the embeddings, 65,000 for the head: both grow with √P if the pieces do.",
        {
            80_000: "The head has a bias for each of its 1,000 outputs too.",
            65_000: "That is the head alone: each of the 1,000 pieces has an embedding of 16 numbers.",
            16_000: "That is the embeddings alone: the head has 64 · 1,000 weights and 1,000 biases.",
            65_016_000: "The head writes one piece, not all of them: it has 1,000 outputs.",
            65_000_016: "Every piece has an embedding of its own, and the head writes one piece only.",
        },
        "Pieces times the length of an embedding; plus the head, 64 inputs to 1,000 outputs, with its biases.",
        rel=1e-6,
    )


def film(answer) -> None:
    if feedback.unanswered(answer):
        return
    random = torch.Generator().manual_seed(0)
    W, s = torch.randn(5, 3, generator=random), torch.randn(4, 5, generator=random)
    try:
        found = answer(W, s)
    except Exception as error:
        feedback.wrong(
            _("It raises {name}: {error}. W is (out, in), s is (tasks, out).", name=type(error).__name__, error=error)
        )
        return
    found = feedback.tensor(found, (4, 5, 3))
    if found is None:
        return
    right = (1 + s).unsqueeze(-1) * W
    if torch.allclose(found, right, atol=1e-5):
        feedback.right("The change is diag(s) W: 5 numbers per task move 15 weights, all of a unit together.")
    elif torch.allclose(found, s.unsqueeze(-1) * W, atol=1e-5):
        feedback.wrong("With s = 0 nothing should change; yours gives zeros. The factor is 1 + s.")
    elif torch.allclose(found, s.unsqueeze(-1) + W, atol=1e-5):
        feedback.wrong("This shifts the weights of a unit; they are to be scaled.")
    else:
        feedback.wrong("Unit i is row i of W: all of row i is multiplied by 1 + s_i.")


def embeddings(answer) -> None:
    if feedback.unanswered(answer):
        return
    main, tau = MainNetwork.mlp([1, 8, 8, 1]), torch.zeros(2, 2)
    try:
        torch.manual_seed(0)
        generator = answer(main)
        first, again = generator(tau), generator(tau)
    except Exception as error:
        feedback.wrong(_("It raises {name}: {error}.", name=type(error).__name__, error=error))
        return
    if feedback.tensor(first, (2, main.weight_dim)) is None:
        return
    if not torch.equal(first, again):
        feedback.wrong("The same τ still gives other weights at each call: what is drawn in forward is drawn anew each time.")
    elif torch.allclose(first[:, :10], first[:, 10:20]):
        feedback.wrong("Now all pieces are the same: every piece needs an embedding of its own.")
    else:
        first.square().sum().backward()
        names = [name for name, p in generator.named_parameters() if p.shape[-1] == 6 and p.grad is not None and p.grad.any()]
        if any(not name.startswith(("trunk", "head")) for name in names):
            feedback.right("The embeddings are parameters: drawn once, learned with all the rest.")
        else:
            feedback.wrong("The embeddings stay as they were drawn: make them an `nn.Parameter` of shape (pieces, 6).")
