"""What the checkpoints of this lesson were trained by: five designs of one size, a tiny one, and one that serves two widths.

The five have about 30,000 parameters each, for the same main network, and three seeds: 3,000 steps. The tiny one has 3,022
parameters for a main network of 301,398 weights.
"""

from collections.abc import Callable

import torch
from torch import nn
from tqdm.auto import tqdm

from hyperedu.generators import AttentionGenerator, ChunkedGenerator, ConvGenerator, Generator, LowRankGenerator, MLPGenerator
from hyperedu.learners import Hypernetwork, Learner
from hyperedu.main_network import MainNetwork
from hyperedu.tasks import Sinusoids
from hyperedu.training import meta_train, outer_loss

# Sizes within a budget of 30,000 parameters, as found by benchmarks/generators.py.
DESIGNS: dict[str, Callable[[MainNetwork], Generator]] = {
    "connected": lambda main: MLPGenerator(2, main, hidden=(64, 15)),
    "chunked": lambda main: ChunkedGenerator(2, main, hidden=(143, 143)),
    "convolutional": lambda main: ConvGenerator(2, main, channels=25),
    "attention": lambda main: AttentionGenerator(2, main, dim=36),
    "low rank": lambda main: LowRankGenerator(2, main, hidden=(64, 50)),
}


def design(name: str, seed: int) -> Learner:
    torch.manual_seed(seed)
    main = MainNetwork.mlp([1, 40, 40, 1])
    learner = Hypernetwork(main, DESIGNS[name](main))
    meta_train(learner, Sinusoids().train, 3000, shots=0, optimizer=torch.optim.Adam(learner.parameters(), 4e-3))
    return learner


def tiny() -> Learner:
    torch.manual_seed(0)
    big = MainNetwork.mlp([1, 547, 547, 1])
    learner = Hypernetwork(big, AttentionGenerator(2, big, dim=14, heads=2, layers=1, rank=8))
    meta_train(learner, Sinusoids().train, 3000, 8, shots=0, optimizer=torch.optim.Adam(learner.parameters(), 5e-3))
    return learner


def two_widths() -> Learner:
    """One generator, trained by two main networks together."""
    torch.manual_seed(0)
    mains, tasks, steps = [MainNetwork.mlp([1, n, n, 1]) for n in (32, 48)], Sinusoids().train, 3000
    generator = AttentionGenerator(2, mains[0])
    learners = [Hypernetwork(main, generator.for_main(main)) for main in mains]
    optimizer = torch.optim.Adam(generator.parameters(), 3e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in tqdm(range(steps), "two_widths"):
        batch = tasks.sample(25, shots=0)
        optimizer.zero_grad()
        sum(outer_loss(learner, batch).mean() for learner in learners).backward()
        nn.utils.clip_grad_norm_(generator.parameters(), 1.0)
        optimizer.step()
        schedule.step()
    return learners[0]


RECIPES: dict[str, Callable[[], Learner]] = {
    f"design_{name.replace(' ', '_')}_{seed}": lambda name=name, seed=seed: design(name, seed)
    for name in DESIGNS
    for seed in range(3)
}
RECIPES |= {"tiny": tiny, "two_widths": two_widths}
