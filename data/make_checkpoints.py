"""The small checkpoints of lessons 03, 04, 06 and 07: learners trained on sinusoids and on waves told in words.

    python data/make_checkpoints.py                 all of them, about half an hour on two cores
    python data/make_checkpoints.py reptile both_1  those that are named

Lessons 06 and 07: the main network is 1-40-40-1, and each of 10,000 steps has 25 tasks of 10 support and 10 query examples.
Reptile and the shared weights (joint training of all tasks), which know no query set, learn from as many examples, 20. The
learners of lesson 07 that are described a task are described it with an error of 0 to 1.5 standard deviations. They have three
seeds each, and so has MAML.

Lesson 03: five generators of about 30,000 parameters for the same main network, three seeds each, 3,000 steps; one of 3,022
parameters for a main network of 301,398 weights; and one that two main networks of different widths train together.

Lesson 04: three seeds of a reader that attends to words, on 8,000 sentences with noise on what stands for each word; each
seed with templates and words of its own held out (the split of the same number).
"""

import sys
from pathlib import Path

import torch
from torch import nn
from tqdm.auto import tqdm

from hyperedu import (
    ANIL,
    MAML,
    AttentionGenerator,
    ChunkedGenerator,
    ConvGenerator,
    Described,
    FirstOrderMAML,
    Hypernetwork,
    LowRankGenerator,
    MainNetwork,
    MLPGenerator,
    NoisyDescriptors,
    Reptile,
    SharedWeights,
    Sinusoids,
    TaskConditionedMAML,
    Text,
    WordAttention,
    meta_train,
    outer_loss,
    save_checkpoint,
)
from hyperedu.lessons.task_descriptors.phrases import WavesInWords

FOLDER = Path(__file__).parent / "checkpoints"
STEPS = 10_000


def described(main: MainNetwork) -> Hypernetwork:
    return Hypernetwork(main, MLPGenerator(2, main, hidden=(64, 32)))


def both(main: MainNetwork) -> TaskConditionedMAML:
    return TaskConditionedMAML(main, MLPGenerator(2, main, hidden=(64, 32)), steps=1, lr=0.01)


class Untold(TaskConditionedMAML):
    """The same, with a generator that is told nothing of the task: how much is gained by writing the start at all?"""

    def start(self, descriptor, support):
        return super().start(torch.ones_like(descriptor), support)


def untold(main: MainNetwork) -> Untold:
    return Untold(main, MLPGenerator(2, main, hidden=(64, 32)), steps=1, lr=0.01)


# file → (learner, seed): shown examples alone, and told a description that errs.
SHOWN = {
    "maml": (MAML, 0),
    "first_order": (FirstOrderMAML, 0),
    "anil": (ANIL, 0),
    "reptile": (lambda main: Reptile(main, steps=5, lr=0.003), 0),
    "shared_weights": (SharedWeights, 0),
    "maml_1": (MAML, 1),
    "maml_2": (MAML, 2),
}
TOLD = {f"{kind.__name__}_{seed}": (kind, seed) for kind in (described, both, untold) for seed in range(3)}
# Sizes within a budget of 30,000 parameters, as found by benchmarks/generators.py.
DESIGNS = {
    "connected": lambda main: MLPGenerator(2, main, hidden=(64, 15)),
    "chunked": lambda main: ChunkedGenerator(2, main, hidden=(143, 143)),
    "convolutional": lambda main: ConvGenerator(2, main, channels=25),
    "attention": lambda main: AttentionGenerator(2, main, dim=36),
    "low_rank": lambda main: LowRankGenerator(2, main, hidden=(64, 50)),
}
BIG, SEEN = MainNetwork.mlp([1, 547, 547, 1]), [MainNetwork.mlp([1, n, n, 1]) for n in (32, 48)]


def shown_or_told(main: MainNetwork, tasks, name: str):
    """The learners of lessons 06 and 07."""
    make, seed = (SHOWN | TOLD)[name]
    torch.manual_seed(seed)
    learner = make(main)
    tasks = NoisyDescriptors(tasks, (0, 1.5)) if name in TOLD else tasks
    queries = 20 if name == "shared_weights" else 10
    print(name, meta_train(learner, tasks, STEPS, 25, 10, queries, rng=torch.Generator().manual_seed(seed)))
    return learner


def design(main: MainNetwork, tasks, name: str):
    """One generator of lesson 03 and one seed."""
    kind, seed = name.removeprefix("design_").rsplit("_", 1)
    torch.manual_seed(int(seed))
    learner = Hypernetwork(main, DESIGNS[kind](main))
    optimizer = torch.optim.Adam(learner.parameters(), 4e-3)
    print(name, meta_train(learner, tasks, 3000, shots=0, optimizer=optimizer))
    return learner


def tiny(tasks):
    """3,022 parameters for 301,398 weights."""
    torch.manual_seed(0)
    learner = Hypernetwork(BIG, AttentionGenerator(2, BIG, dim=14, heads=2, layers=1, rank=8))
    optimizer = torch.optim.Adam(learner.parameters(), 5e-3)
    print("tiny", meta_train(learner, tasks, 3000, 8, shots=0, optimizer=optimizer))
    return learner


def two_widths(tasks):
    """One generator, trained by two main networks together."""
    torch.manual_seed(0)
    generator = AttentionGenerator(2, SEEN[0])
    learners = [Hypernetwork(main, generator.for_main(main)) for main in SEEN]
    optimizer, steps = torch.optim.Adam(generator.parameters(), 3e-3), 3000
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in tqdm(range(steps), "two_widths"):
        batch = tasks.sample(25, shots=0)
        optimizer.zero_grad()
        sum(outer_loss(learner, batch).mean() for learner in learners).backward()
        nn.utils.clip_grad_norm_(generator.parameters(), 1.0)
        optimizer.step()
        schedule.step()
    return learners[0]


def words(seed: int):
    """A reader that attends to the words of a sentence; each seed has templates and words of its own held out."""
    torch.manual_seed(seed)
    family, main, text = WavesInWords(seed, n_train=8000), MainNetwork.mlp([1, 24, 24, 1], "tanh"), Text()
    text.words(family.train.text)  # read once, kept

    def noisy(batch):
        tau = text.words(batch.properties["text"])
        return tau + 1.5 * torch.randn_like(tau) * (tau != 0)  # where there is no word there is no noise

    learner = Hypernetwork(main, MLPGenerator(48, main, hidden=(64,)), encoder=WordAttention())
    optimizer = torch.optim.AdamW(learner.parameters(), lr=2e-3, weight_decay=1.0)
    tasks = Described(family.train, noisy)
    print(f"words_{seed}", meta_train(learner, tasks, 4000, 32, 0, 16, optimizer=optimizer))
    return learner


if __name__ == "__main__":
    main, tasks = MainNetwork.mlp([1, 40, 40, 1]), Sinusoids().train
    recipes = {name: lambda name=name: shown_or_told(main, tasks, name) for name in SHOWN | TOLD}
    designs = [f"design_{kind}_{seed}" for kind in DESIGNS for seed in range(3)]
    recipes |= {name: lambda name=name: design(main, tasks, name) for name in designs}
    recipes |= {f"words_{seed}": lambda seed=seed: words(seed) for seed in range(3)}
    recipes |= {"tiny": lambda: tiny(tasks), "two_widths": lambda: two_widths(tasks)}
    unknown = set(sys.argv[1:]) - recipes.keys()
    if unknown:
        sys.exit(f"there is no recipe for {sorted(unknown)}; these there are: {', '.join(recipes)}")
    for name in sys.argv[1:] or recipes:
        save_checkpoint(FOLDER / f"{name}.safetensors", recipes[name]())
