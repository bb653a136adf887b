"""The checks of this lesson's exercises."""

import torch

from hyperedu.learners import PrototypicalNetwork
from hyperedu.lessons import feedback
from hyperedu.losses import accuracy
from hyperedu.main_network import MainNetwork
from hyperedu.tasks import Characters
from hyperedu.words import _


def probability(answer) -> None:
    feedback.number(
        answer,
        0.7311,
        "The first prototype is nearer: −1 against −2, and the softmax of these is that of 1 and 0.",
        {
            0.1192: "The biases are missing: the long prototype wins by its length alone.",
            0.8808: "The rows are 2 c, not c.",
            0.2689: "That is the probability of the other class: the nearer prototype has the larger logit.",
            0.6020: "Distances are squared: −1 and −2, not −1 and −√2.",
        },
        "Logits 2 c · h − ‖c‖², one for each class, then a softmax.",
    )


def written_head(answer) -> None:
    if feedback.unanswered(answer):
        return
    random = torch.Generator().manual_seed(0)
    features, y = torch.randn(7, 3, generator=random), torch.tensor([0, 1, 1, 2, 2, 2, 0])
    c = torch.stack([features[y == k].mean(0) for k in range(3)])
    total = torch.stack([features[y == k].sum(0) for k in range(3)])
    try:
        weight, bias = answer(features, y, 3)
        found = torch.cat([weight, bias.unsqueeze(-1)], dim=-1)
    except Exception as error:
        feedback.wrong(
            _("Calling it, or taking its result apart, raises {name}: {error}.", name=type(error).__name__, error=error)
        )
        return

    def is_head(weight, bias):
        wanted = torch.cat([weight, bias.unsqueeze(-1)], dim=-1)
        return found.shape == wanted.shape and torch.allclose(found, wanted, atol=1e-4)

    norm = c.square().sum(-1)
    if is_head(2 * c, -norm):
        feedback.right("These rows are weights that nobody trained: five drawings wrote them.")
    elif is_head(2 * total, -total.square().sum(-1)):
        feedback.wrong("A prototype is the mean of its examples; by their sum, a class of more examples lies further out.")
    elif is_head(2 * c, norm):
        feedback.wrong("The sign of the bias: a long prototype must be held back.")
    elif is_head(c, -norm):
        feedback.wrong("The rows are 2 c: multiply the square out.")
    elif is_head(2 * c, -norm.sqrt()):
        feedback.wrong("The bias has the square of the length.")
    else:
        feedback.wrong("Row k is 2 c_k and its bias −‖c_k‖², with c_k the mean of the features of class k.")


def on_new_drawings(answer) -> None:
    if feedback.unanswered(answer):
        return
    learner = PrototypicalNetwork(MainNetwork.conv((1, 28, 28), ()))
    batch = Characters().test.sample(20, 2, 3, torch.Generator().manual_seed(0))

    def share(seen, judged):
        return accuracy(learner.main(learner(None, seen), judged.x), judged.y).mean().item()

    try:
        found = float(answer(learner, batch))
    except Exception as error:
        feedback.wrong(_("Calling it raises {name}: {error}.", name=type(error).__name__, error=error))
        return
    everything = batch.support.joined(batch.query)
    known = {
        share(batch.support, everything): "What the classifier was written from is still among what it is judged on.",
        share(everything, batch.query): "Now the learner is shown the query set, which it is judged on.",
        share(everything, everything): "The learner is shown all drawings, and judged on all.",
        share(batch.query, batch.support): "The two sets have changed places.",
        share(batch.support, batch.support): "It is judged on its own examples alone.",
    }
    if abs(found - share(batch.support, batch.query)) < 1e-6:
        feedback.right("Judged on drawings that it never saw: that is the whole difference between D and D'.")
        return
    said = [text for value, text in known.items() if abs(found - value) < 1e-6]
    feedback.wrong(said[0] if said else "It must be the mean accuracy on batch.query of what was written from batch.support.")
