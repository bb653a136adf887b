"""What readers of lesson 04 asked of its sentences and of its code: rows of docs/answers.md, of the seeds and splits 0, 1, 2.

.venv/bin/python benchmarks/answers/lesson_04_reading.py      three minutes on one core; needs hyperedu[text]
"""

import torch

import hyperedu as h
from hyperedu.lessons.task_descriptors.figures import SentenceTriptych
from hyperedu.lessons.task_descriptors.phrases import WavesInWords, told_heights
from hyperedu.lessons.task_descriptors.trainings import rmse_of_codes, trained
from hyperedu.statistics import in_words

SETS = "new_templates", "new_images", "new_adjectives", "rare_words"
MAIN, TEXT = h.MainNetwork.mlp([1, 24, 24, 1], "tanh"), h.Text()


def described(batch):
    return TEXT(batch.properties["text"])


def explained(noise, seed):  # the page's one vector for a sentence: R² in per cent, one for each of SETS
    family = WavesInWords(seed, n_train=1000, n_test=100)
    torch.manual_seed(seed)
    one = h.Hypernetwork(MAIN, h.MLPGenerator(32, MAIN, hidden=(64, 64)), torch.nn.Linear(384, 32))
    how = dict(noise=noise, lr=2e-3, decay=0.01, steps=800, tasks_per_step=64, queries=16, progress=False)
    trained(one, family.train, described, **how)
    tests = [h.Described(getattr(family, name), described) for name in SETS]
    y = [some.sample(None, 10, 100, torch.Generator().manual_seed(0)).query.y.var(correction=0).item() for some in tests]
    return [100 * (1 - h.meta_test(one, some, 10, 100).mean / v) for v, some in zip(y, tests, strict=True)]


def readings(seed):  # what the page's reader of this seed makes of its odd sentences
    reader = h.Hypernetwork(MAIN, h.MLPGenerator(48, MAIN, (64,)), h.WordAttention())
    h.load_checkpoint(h.data_file(f"checkpoints/words_{seed}.safetensors"), reader)
    picture = SentenceTriptych(WavesInWords(seed, n_train=1000, n_test=100), reader, TEXT, TEXT.words)
    for how in ("plainly", "negated", "in digits"):
        told = told_heights(how)
        small = [picture.wave(sentence)[0].startswith("small") for sentence, _ in told]
        right = sum(read == is_small for read, (_, is_small) in zip(small, told, strict=True))
        yield f"{right} of {len(told)}, {sum(small)} small"
    yield from (picture.wave(sentence)[0] for sentence in ("🌊 tall", "tall", "🌊"))


def code(alpha, split):  # °C on unseen stations, by codes of six months
    climate = h.ColoradoClimate(split=split)
    torch.manual_seed(split)
    year = h.MainNetwork.mlp([2, 32, 32, 1], "tanh", climate.y_mean, climate.y_std)
    return rmse_of_codes(climate, year, h.OneHot(climate.train.sample(None, 0, 1).properties["name"]), alpha)


if __name__ == "__main__":
    torch.set_num_threads(1)
    for noise in (0.5, 0.0):
        R2 = torch.tensor([explained(noise, seed) for seed in range(3)])
        print(f"| noise {noise} |", *(f"{in_words(r)} ({', '.join(f'{v:.0f}' for v in r)}) |" for r in R2.T), flush=True)
    for seed in range(3):
        print(f"| reader {seed} |", *(f"{said} |" for said in readings(seed)), flush=True)
    for alpha in (0.0003, 0.001, 0.003, 0.01, 0.03):
        print(f"| α = {alpha} | {in_words(torch.tensor([code(alpha, split) for split in range(3)]))} |", flush=True)
