"""What the checkpoints of this lesson were trained by: episodes of drawn characters with one example of each class."""

from collections.abc import Callable

import torch

from hyperedu.encoders import ClassEncoder
from hyperedu.generators import ClassGenerator
from hyperedu.learners import MAML, Learner, PrototypicalNetwork, SupportSetHypernetwork
from hyperedu.main_network import MainNetwork
from hyperedu.tasks import Characters
from hyperedu.training import meta_train

CHANNELS = (32, 32, 32, 32)


def network(ways: int = 5, normalization: str = "group", channels: tuple[int, ...] = CHANNELS) -> MainNetwork:
    return MainNetwork.conv((1, 28, 28), channels, ways, normalization=normalization)


def written_by_a_generator() -> Learner:
    """A support-set hypernetwork small enough for a checkpoint."""
    main = network()
    encoder = ClassEncoder(main)
    return SupportSetHypernetwork(main, encoder=encoder, generator=ClassGenerator(encoder.dim, main, hidden=64, rank=4))


def shown(make: Callable[[], Learner], ways: int, n_tasks: int, steps: int, lr: float, seed: int = 0) -> Learner:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    learner = make()
    meta_train(
        learner, Characters(ways, split=seed).train, steps, n_tasks, 1, 5, anneal=True, max_norm=10.0,
        optimizer=torch.optim.Adam(learner.parameters(), lr=lr), rng=torch.Generator().manual_seed(seed),
    )  # fmt: skip
    torch.set_num_threads(threads)
    return learner


RECIPES: dict[str, Callable[[], Learner]] = {
    "prototypes": lambda: shown(lambda: PrototypicalNetwork(network(20)), 20, 3, 1200, 2e-3),
    "characters_maml": lambda: shown(lambda: MAML(network(), 1, 0.4), 5, 8, 1400, 3e-3),
    "written_classifier": lambda: shown(written_by_a_generator, 5, 8, 1400, 2e-3),
    "batch_statistics": lambda: shown(lambda: PrototypicalNetwork(network(5, "batch", (16,) * 4)), 5, 8, 1000, 2e-3),
}
