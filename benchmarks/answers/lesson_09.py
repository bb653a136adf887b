"""What a small prototypical network reads with batch norm and with group norm, by how many drawings are classified at once.

    .venv/bin/python benchmarks/answers/lesson_09.py     one minute on one core; prints the numbers of docs/answers.md

Trained as lesson 09's checkpoint `batch_statistics`, on 5 ways and 1 shot, but for 300 steps, not 1,000: three seeds, which are
splits of the scripts too; tested on 200 episodes of scripts held out, with 5 queries of each class.
"""

import torch

from hyperedu import Characters, PrototypicalNetwork, accuracy
from hyperedu.lessons.few_shot_characters.trainings import network, shown
from hyperedu.statistics import half_interval

SEEDS, STEPS, EPISODES, WAYS, QUERIES = 3, 300, 200, 5, 5


def read(learner, batch) -> dict[str, float]:
    """The share of the queries that is read rightly, by how many are classified at once."""
    with torch.no_grad():
        theta, x = learner(None, batch.support).unsqueeze(1), batch.query.x
        at_once = {
            "all classes at once": x.unsqueeze(1),
            "one class at a time": x.unflatten(1, (WAYS, QUERIES)),
            "one drawing at a time": x.unsqueeze(2),
        }
        logits = {how: learner.main(theta, groups).flatten(1, 2) for how, groups in at_once.items()}
    return {how: accuracy(said, batch.query.y).mean().item() for how, said in logits.items()}


def main() -> None:
    found: dict[tuple[str, str], list[float]] = {}
    for seed in range(SEEDS):
        test = Characters(WAYS, split=seed).test
        batch = test.sample(EPISODES, 1, QUERIES, torch.Generator().manual_seed(100 + seed))
        for norm in ("batch", "group"):
            main = network(WAYS, norm, (16,) * 4)
            learner = shown(lambda main=main: PrototypicalNetwork(main), WAYS, 8, STEPS, 2e-3, seed)
            for how, share in read(learner, batch).items():
                found.setdefault((norm, how), []).append(share)
    print("| norm | classified | accuracy |\n|---|---|---|")
    for (norm, how), shares in found.items():
        share = torch.tensor(shares)
        print(f"| {norm} | {how} | {share.mean():.1%} ± {100 * half_interval(share):.1f} |")


if __name__ == "__main__":
    main()
