"""The trainings of this lesson: its checkpoints', and those that its notebook repeats with many descriptors.

The checkpoints are three seeds of a reader that attends to words, on 8,000 sentences, with noise on what stands for each word;
each seed with templates and words of its own held out (the split of the same number).
"""

from collections.abc import Callable

import torch

from hyperedu.adaptation import adapt
from hyperedu.batches import TaskBatch, TaskSet
from hyperedu.descriptors import OneHot
from hyperedu.encoders import Learned, WordAttention
from hyperedu.generators import MLPGenerator
from hyperedu.learners import Hypernetwork, Learner
from hyperedu.lessons.task_descriptors.phrases import WavesInWords
from hyperedu.main_network import MainNetwork
from hyperedu.tasks import ColoradoClimate, Described, NoisyDescriptors
from hyperedu.text import Text
from hyperedu.training import meta_train


def trained(
    learner: Learner, tasks: TaskSet, describe: Callable, *, noise: float = 0.0, lr: float, decay: float, **sizes
) -> Learner:
    """The learner, trained by AdamW on tasks that are described by `describe` with an error of `noise` standard deviations."""
    optimizer = torch.optim.AdamW(learner.parameters(), lr=lr, weight_decay=decay)
    meta_train(learner, NoisyDescriptors(Described(tasks, describe), noise), optimizer=optimizer, **sizes)
    return learner


def rmse_of_codes(climate: ColoradoClimate, year: MainNetwork, names: OneHot, alpha: float = 0.003) -> float:
    """On unseen stations, whose codes are found from six months each, with the generator frozen: equation (4)."""

    def by_station(batch: TaskBatch) -> torch.Tensor:
        return names(batch.properties["name"])

    f, table = MLPGenerator(3, year, hidden=(32, 32)), Learned(names.names, 3)
    trained(Hypernetwork(year, f, table), climate.train, by_station, lr=0.01, decay=0.1, steps=300, shots=6, queries=6)
    new = climate.test.sample(None, 6, 6, torch.Generator().manual_seed(0))
    with torch.no_grad():
        e = adapt(year, table.table.mean(0), new.support, 100, alpha, through=f, keep=False).final
        return (year(f(e), new.query.x) - new.query.y).square().mean((1, 2)).sqrt().mean().item()


def rmse_of_the_mean_year(climate: ColoradoClimate) -> float:
    """Of the training stations' mean year as the answer to every unseen station, in the months that learners are judged on."""
    mean_year = climate.mean_year[climate.train.index].mean(0)
    query = climate.test.sample(None, 6, 6, torch.Generator().manual_seed(0)).query
    month = torch.cdist(query.x, climate.x(torch.arange(12))).argmin(-1)
    return (mean_year[month] - query.y[..., 0]).square().mean(1).sqrt().mean().item()


def words(seed: int) -> Learner:
    torch.manual_seed(seed)
    family, main, text = WavesInWords(seed, n_train=8000), MainNetwork.mlp([1, 24, 24, 1], "tanh"), Text()
    text.words(family.train.text)  # read once, kept

    def noisy(batch: TaskBatch) -> torch.Tensor:
        tau = text.words(batch.properties["text"])
        return tau + 1.5 * torch.randn_like(tau) * (tau != 0)  # where there is no word there is no noise

    learner = Hypernetwork(main, MLPGenerator(48, main, hidden=(64,)), encoder=WordAttention())
    optimizer = torch.optim.AdamW(learner.parameters(), lr=2e-3, weight_decay=1.0)
    meta_train(learner, Described(family.train, noisy), 4000, 32, 0, 16, optimizer=optimizer)
    return learner


RECIPES: dict[str, Callable[[], Learner]] = {f"words_{seed}": lambda seed=seed: words(seed) for seed in range(3)}
