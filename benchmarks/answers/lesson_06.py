"""What readers asked of lesson 06: do other starts adapt by the first layer too, and is a direction the noise of its batch?

    .venv/bin/python benchmarks/answers/lesson_06.py      ten seconds on one core; prints two tables of docs/answers.md

The starts are the checkpoints of lessons 06 and 07, the 600 waves those of lesson 06; twenty batches of 1,000 other waves.
"""

import torch

from hyperedu import MAML, Learner, MainNetwork, SharedWeights, Sinusoids, adapt, data_file, load_checkpoint

RATES = (1, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001)


def of_file(learner: Learner, name: str) -> torch.Tensor:
    load_checkpoint(data_file(f"checkpoints/{name}.safetensors"), learner)
    return learner.theta_0


def left(main, theta_0, tasks, layer: str, rate: float) -> float:
    """The median query loss after five steps of the layers whose names begin so."""
    rates = {name: rate for name in main.shapes if name.startswith(layer)}
    final = adapt(main, theta_0.detach(), tasks.support, 5, rates).final.detach()
    return main.loss(final, tasks.query).nan_to_num(1e9).median().item()


def directions(main, theta_0, tasks, alpha: float = 0.01) -> tuple[torch.Tensor, torch.Tensor]:
    """Those of shared weights and of MAML, as in the lesson."""
    theta = adapt(main, theta_0, tasks.support, 1, alpha).final
    losses = main.loss(theta_0, tasks.support.joined(tasks.query)).mean(), main.loss(theta, tasks.query).mean()
    return tuple(torch.autograd.grad(loss, theta_0)[0] for loss in losses)


if __name__ == "__main__":
    torch.set_num_threads(1)
    family, main = Sinusoids(), MainNetwork.mlp([1, 40, 40, 1])
    train = family.train.sample(200, 10, 100, torch.Generator().manual_seed(9))
    test = family.test.sample(600, 10, 100, torch.Generator().manual_seed(0))
    print("| start | head, 0.01 | head, best rate | first layer, 0.01 | all layers, 0.01 |\n|---|---|---|---|---|")
    for name in ("maml", "maml_1", "maml_2"):
        theta_0 = of_file(MAML(main), name)
        best = min(RATES, key=lambda rate: left(main, theta_0, train, "4", rate))
        tries = (("4", 0.01), ("4", best), ("0", 0.01), ("", 0.01))
        values = (left(main, theta_0, test, *one) for one in tries)
        print(f"| {name} | " + " | ".join(f"{value:.3f}" for value in values) + " |")
    theta_0 = of_file(SharedWeights(main), "shared_weights")
    batches = [family.train.sample(1000, 10, 10, torch.Generator().manual_seed(seed)) for seed in range(20)]
    shared, maml = (torch.stack(d) for d in zip(*(directions(main, theta_0, one) for one in batches), strict=True))
    print("\n| direction | length of one batch's | of the mean of twenty | scatter of one about it |\n|---|---|---|---|")
    for name, d in (("shared weights", shared), ("MAML", maml)):
        scatter = (d - d.mean(0)).square().sum(1).mean().sqrt()
        print(f"| {name} | {d.norm(dim=1).mean():.2f} | {d.mean(0).norm():.2f} | {scatter:.2f} |")
    same = torch.cosine_similarity(shared, maml, dim=1)
    apart = torch.cosine_similarity(shared, maml.roll(1, 0), dim=1)
    whole = torch.cosine_similarity(shared.mean(0), maml.mean(0), dim=0)
    print(f"\nCosine: same batch {same.mean():.2f}, two batches {apart.mean():.2f}, means of twenty {whole:.2f}.")
