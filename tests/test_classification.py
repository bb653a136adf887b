"""Classes from end to end: every learner on three digits at a time, photographs of handwriting that come with scikit-learn.

A task is three of the ten digits in some order, which is what its labels 0, 1, 2 mean. τ says which digits (three times one of
ten), D shows some of each. The triples of `.test` are in no task of `.train`, and neither are its photographs.
"""

import copy
import functools
import itertools
import types

import pytest
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn
from torch.func import functional_call

from hyperedu import (
    ANIL,
    MAML,
    Conditioned,
    DescriptorAdaptation,
    Examples,
    FirstOrderMAML,
    HyperMAML,
    Hypernetwork,
    JointEncoder,
    MainNetwork,
    MetaSGD,
    MLPGenerator,
    Reptile,
    SetEncoder,
    SharedWeights,
    Sinusoids,
    SupportSetHypernetwork,
    TaskBatch,
    TaskConditionedMAML,
    TaskSet,
    compare,
    meta_test,
    meta_train,
    outer_loss,
)


@functools.cache
def photographs():
    """(10 digits, 170 of each, 64 numbers between 0 and 1)."""
    digits = load_digits()
    x, label = torch.tensor(digits.data / 16).float(), torch.tensor(digits.target)
    return torch.stack([x[label == digit][:170] for digit in range(10)])


class DigitTasks(TaskSet):
    """Three digits in any order; shots and queries are of each class. `shape` is that of one x."""

    n_tasks = None

    def __init__(self, test, shape=(64,), dtype=torch.float32):
        triples = torch.tensor(list(itertools.combinations(range(10), 3)))
        triples = triples[torch.randperm(120, generator=torch.Generator().manual_seed(0))]
        self.triples, self.x = (triples[90:], photographs()[:, 100:]) if test else (triples[:90], photographs()[:, :100])
        self.x, self.shape = self.x.to(dtype), shape

    def most_queries(self, shots):
        return 10

    def sample(self, n_tasks=None, shots=5, queries=10, rng=None):
        self.check(n_tasks, shots, queries)
        digits = self.triples[torch.randint(len(self.triples), (n_tasks,), generator=rng)]
        digits = digits.gather(1, torch.rand(digits.shape, generator=rng).argsort(1))
        which = torch.rand(n_tasks, 3, self.x.shape[1], generator=rng).argsort(-1)[..., : shots + queries]
        x = self.x[digits.unsqueeze(-1), which].unflatten(-1, self.shape)
        y = torch.arange(3)[:, None].expand(n_tasks, 3, shots + queries)
        parts = [Examples(v[0].flatten(1, 2), v[1].flatten(1, 2)) for v in ((x[:, :, s], y[:, :, s]) for s in
                 (slice(shots), slice(shots, None)))]  # fmt: skip
        tau = F.one_hot(digits, 10).flatten(1).to(self.x)
        return TaskBatch(tau, *parts, {"digits": digits})


def family(**settings):
    return types.SimpleNamespace(train=DigitTasks(False, **settings), test=DigitTasks(True, **settings))


def generator(main, dim):
    return MLPGenerator(dim, main, hidden=(32, 32))


def examples_encoder():
    return SetEncoder(64, 3, 16)


def both_encoder():
    return JointEncoder(nn.Linear(30, 16), examples_encoder())


# Every learner; the steps and the rate of its training; and the accuracy that it must have on tasks never seen. Chance is 1/3.
QUICK, SLOW = (80, 7e-3), (250, 2.5e-3)
LEARNERS = {
    "Conditioned": (lambda main: Conditioned(main, 30), (250, 1e-2), 0.6),  # τ enters by the first biases alone
    "Hypernetwork": (lambda main: Hypernetwork(main, generator(main, 30)), QUICK, 0.7),
    "SupportSetHypernetwork": (lambda main: SupportSetHypernetwork(main), SLOW, 0.6),
    "HyperMAML": (lambda main: HyperMAML(main), SLOW, 0.6),
    "MAML": (lambda main: MAML(main, 2, 0.5), QUICK, 0.75),
    "FirstOrderMAML": (lambda main: FirstOrderMAML(main, 2, 0.5), QUICK, 0.6),
    "ANIL": (lambda main: ANIL(main, 2, 0.5), QUICK, 0.7),
    "MetaSGD": (lambda main: MetaSGD(main, 2, 0.5), QUICK, 0.75),
    "Reptile": (lambda main: Reptile(main, 5, 0.3), QUICK, 0.65),
    "TaskConditionedMAML": (lambda main: TaskConditionedMAML(main, generator(main, 30), 2, 0.3), QUICK, 0.75),
    "TaskConditionedMAML, examples": (
        lambda main: TaskConditionedMAML(main, generator(main, 16), 2, 0.3, encoder=examples_encoder()), QUICK, 0.6,
    ),
    "TaskConditionedMAML, both": (
        lambda main: TaskConditionedMAML(main, generator(main, 32), 2, 0.3, encoder=both_encoder()), QUICK, 0.65,
    ),
    "DescriptorAdaptation": (lambda main: DescriptorAdaptation(main, generator(main, 8), 8, 3, 1.0), QUICK, 0.55),
    "CAVIA": (lambda main: DescriptorAdaptation(main, Conditioned(main, 8), 8, 3, 30.0), (200, 1e-2), 0.55),
}  # fmt: skip


def trained(make, schedule, main, tasks, seed):
    torch.manual_seed(seed)
    learner, (steps, rate) = make(main), schedule
    history = meta_train(
        learner, tasks.train, steps, 12, 5, 5, optimizer=torch.optim.Adam(learner.parameters(), lr=rate),
        rng=torch.Generator().manual_seed(seed), progress=False,
    )  # fmt: skip
    return learner, history


def classifier():
    return MainNetwork.mlp([64, 16, 3], "tanh", loss="cross_entropy")


def test_the_tasks_are_what_they_say(random):
    tasks = family()
    train, test = ({tuple(t.sort().values.tolist()) for t in part.triples} for part in (tasks.train, tasks.test))
    assert (len(train), len(test), len(train & test)) == (90, 30, 0)
    batch = tasks.train.sample(4, 5, 2, random)
    assert batch.support.x.shape == (4, 15, 64)
    assert batch.support.y.dtype == torch.int64
    assert batch.query.y.tolist() == [[0, 0, 1, 1, 2, 2]] * 4
    for x, y, digits in zip(batch.support.x, batch.support.y, batch.properties["digits"], strict=True):
        for one, label in zip(x, y, strict=True):
            assert (tasks.train.x[digits[label]] == one).all(-1).any()


@pytest.mark.parametrize("name", LEARNERS)
def test_a_learner_that_adapts_or_is_told_the_task_classifies_new_ones(name):
    make, schedule, bound = LEARNERS[name]
    for seed in (0, 1):
        learner, history = trained(make, schedule, classifier(), family(), seed)
        report = meta_test(learner, family().test, shots=5, n_tasks=100)
        assert report.accuracy > bound
        assert report.accuracy_interval[0] > bound - 0.05
        assert len(history.accuracy) == history.steps == schedule[0]
        assert history.recent()["accuracy"] > bound


def test_one_set_of_weights_for_all_tasks_stays_at_chance():
    """No step and no word of the task: it cannot know which digit is called 0. With steps in the test it finds out."""
    learner, history = trained(lambda main: SharedWeights(main, lr=0.5), QUICK, classifier(), family(), 0)
    assert meta_test(learner, family().test, shots=5, n_tasks=100).accuracy == pytest.approx(1 / 3, abs=0.05)
    assert history.recent()["accuracy"] == pytest.approx(1 / 3, abs=0.05)
    assert history.recent()["loss"] == pytest.approx(torch.tensor(3.0).log().item(), abs=0.05)
    assert meta_test(learner, family().test, shots=5, n_tasks=100, inner_steps=5).accuracy > 0.5


# --------------------------------------------------------------------------------------------------------------- by hand


def by_hand(net, weights, batch, alpha, steps):
    """MAML's query loss (mean over tasks) and accuracy with an ordinary module, one task after the other."""
    losses, right = [], []
    for x, y, new_x, new_y in zip(batch.support.x, batch.support.y, batch.query.x, batch.query.y, strict=True):
        fast = dict(weights)
        for _ in range(steps):
            loss = F.cross_entropy(functional_call(net, fast, (x,)), y)
            gradients = torch.autograd.grad(loss, list(fast.values()), create_graph=True)
            fast = {name: w - alpha * g for (name, w), g in zip(fast.items(), gradients, strict=True)}
        logits = functional_call(net, fast, (new_x,))
        losses.append(F.cross_entropy(logits, new_y))
        right += [(logits.argmax(-1) == new_y).double().mean()]
    return torch.stack(losses).mean(), torch.stack(right).mean().item()


def convolutions():
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, stride=2, padding=1), nn.Tanh(), nn.Conv2d(8, 8, 3, stride=2, padding=1), nn.Tanh(), nn.Flatten(),
        nn.Linear(32, 3),
    )  # fmt: skip


@pytest.mark.parametrize("kind", ["vectors", "images"])
def test_the_whole_trajectory_of_a_training_is_that_of_a_loop_by_hand(kind):
    """Loss and accuracy of every step, and φ at the end, to 1e-6 in float64."""
    shape = (64,) if kind == "vectors" else (1, 8, 8)
    net = nn.Sequential(nn.Linear(64, 16), nn.Tanh(), nn.Linear(16, 3)) if kind == "vectors" else convolutions()
    main = classifier() if kind == "vectors" else MainNetwork.from_module(net, 3, loss="cross_entropy")
    learner = MAML(main, 2, 0.3, rng=torch.Generator().manual_seed(0)).double()
    weights = {name: w.clone().requires_grad_() for name, w in main.unflatten(learner.theta_0.detach()).items()}
    tasks = DigitTasks(False, shape, torch.float64)
    history = meta_train(
        learner, tasks, 20, 4, 2, 3, optimizer=torch.optim.Adam(learner.parameters(), lr=0.01), max_norm=None, anneal=False,
        rng=torch.Generator().manual_seed(1), progress=False,
    )  # fmt: skip
    optimizer, random, found = torch.optim.Adam(weights.values(), lr=0.01), torch.Generator().manual_seed(1), []
    for _ in range(20):
        loss, share = by_hand(net, weights, tasks.sample(4, 2, 3, random), 0.3, 2)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        found.append((loss.item(), share))
    assert list(zip(history.loss, history.accuracy, strict=True)) == [pytest.approx(pair, rel=1e-6) for pair in found]
    torch.testing.assert_close(learner.theta_0, main.flatten(weights), rtol=1e-6, atol=1e-8)
    assert history.loss[-1] < history.loss[0]


def test_a_report_counts_what_is_right_on_the_query_set():
    learner = MAML(classifier(), 2, 0.3, rng=torch.Generator().manual_seed(0)).double()
    tasks = DigitTasks(True, dtype=torch.float64)
    report = meta_test(learner, tasks, 3, 4, 12, rng=torch.Generator().manual_seed(5))
    batch, net = tasks.sample(12, 3, 4, torch.Generator().manual_seed(5)), nn.Sequential(nn.Linear(64, 16), nn.Tanh())
    net.append(nn.Linear(16, 3))
    weights = {name: w.requires_grad_() for name, w in learner.main.unflatten(learner.theta_0.detach()).items()}
    for i in range(12):
        loss, share = by_hand(net, weights, batch.task(i), 0.3, 2)
        assert report.per_task[i].item() == pytest.approx(loss.item())
        assert report.accuracy_per_task[i].item() == pytest.approx(share)
    assert report.accuracy == pytest.approx(report.accuracy_per_task.mean().item())
    assert report.loss == "cross_entropy"


# ---------------------------------------------------------------------------------------------------------- what is shown


def test_accuracy_is_said_wherever_results_are(capsys):
    tasks = family()
    torch.manual_seed(0)
    learners = {"MAML": MAML(classifier(), 2, 0.5), "shared": SharedWeights(classifier())}
    table = compare(learners, tasks, 50, 8, 5, 5)
    shown = capsys.readouterr().err
    history, (report,) = table.rows["MAML"].history, table.rows["MAML"].reports
    assert f"accuracy={history.recent()['accuracy']:.4g}" in shown
    assert f"accuracy {history.recent()['accuracy']:.4g}" in repr(history)
    low, high = report.accuracy_interval
    assert f"accuracy {report.accuracy:.1%} ({low:.1%} to {high:.1%})" in repr(report)
    assert table.has_classes
    for text in (repr(table), table._repr_html_()):
        assert "accuracy" in text
        assert f"{report.accuracy:.1%}" in text
        assert f"{low:.1%} to {high:.1%}" in text
        assert f"{table.rows['shared'].reports[0].accuracy:.1%}" in text
    column = table.header.index("accuracy")
    assert [cells[column] for cells in table.cells()] == [f"{row.reports[0].accuracy:.1%}" for row in table.rows.values()]
    with pytest.raises(ValueError, match="cross_entropy"):
        _ = report.rmse


def test_where_nothing_is_a_class_no_accuracy_is_said(main):
    table = compare({"shared": SharedWeights(main)}, Sinusoids(), 2, progress=False)
    row = table.rows["shared"]
    assert row.reports[0].accuracy is row.reports[0].accuracy_interval is None
    assert row.history.accuracy == []
    for said in (repr(table), table._repr_html_(), repr(row.history), repr(row.reports[0])):
        assert "accuracy" not in said


def test_more_examples_and_more_steps_help_a_learner_that_adapts():
    learner, _ = trained(lambda main: MAML(main, 2, 0.5), QUICK, classifier(), family(), 0)
    test = family().test
    assert meta_test(learner, test, 10, n_tasks=100).accuracy > meta_test(learner, test, 1, n_tasks=100).accuracy + 0.05
    without = meta_test(learner, test, 5, n_tasks=100, inner_steps=0)
    assert without.accuracy == pytest.approx(1 / 3, abs=0.05), "before its steps it is at chance like any other"


# ----------------------------------------------------------------------------------------------------------------- images

IMAGES = {
    "MAML": (lambda main: MAML(main, 2, 0.5), (50, 1e-2), 0.55),
    "ANIL": (lambda main: ANIL(main, 2, 0.5), (50, 1e-2), 0.55),
    "MetaSGD": (lambda main: MetaSGD(main, 2, 0.5), (50, 1e-2), 0.55),
    "SupportSetHypernetwork": (lambda main: SupportSetHypernetwork(main, encoder=SetEncoder(64, 3, 64)), (400, 2e-3), 0.6),
    # Its encoder sees, beside each image, the class as three numbers and three logits.
    "HyperMAML": (lambda main: HyperMAML(main, encoder=SetEncoder(64, 2 * 3, 64)), SLOW, 0.55),
}


@pytest.mark.parametrize("name", IMAGES)
def test_images_go_through_any_module(name):
    make, schedule, bound = IMAGES[name]
    main = MainNetwork.from_module(convolutions(), input_dims=3, loss="cross_entropy")
    tasks = family(shape=(1, 8, 8))
    learner, _ = trained(make, schedule, main, tasks, 0)
    assert meta_test(learner, tasks.test, shots=5, n_tasks=100).accuracy > bound


def test_an_image_is_read_as_its_numbers_in_a_row(random):
    """What an encoder makes of images is what it makes of rows; and the update of HyperMAML is written from y and logits."""
    main = MainNetwork.from_module(convolutions(), input_dims=3, loss="cross_entropy")
    learner = HyperMAML(main, encoder=SetEncoder(64, 6, 5)).double()
    batch = DigitTasks(False, (1, 8, 8), torch.float64).sample(3, 2, 2, random)
    rows = []
    for x, y in zip(batch.support.x, batch.support.y, strict=True):
        logits = functional_call(convolutions(), main.unflatten(learner.theta_0), (x,))
        seen = torch.cat([F.one_hot(y, 3), logits], -1)
        rows.append(learner.theta_0 + learner.generator(learner.encoder(None, Examples(x.flatten(1), seen))))
    torch.testing.assert_close(learner(None, batch.support), torch.stack(rows))


def test_the_encoder_of_hypermaml_must_have_room_for_the_logits(random):
    main = MainNetwork.from_module(convolutions(), input_dims=3, loss="cross_entropy")
    batch = DigitTasks(False, (1, 8, 8)).sample(3, 2, 2, random)
    with pytest.raises(ValueError, match="6, but this encoder was made for 64 and 3"):
        HyperMAML(main, encoder=SetEncoder(64, 3, 5))(None, batch.support)


def test_labels_are_indices_and_not_numbers(random):
    """The same tasks with other names for the classes: the outer loss of a learner is the same once its logits are renamed."""
    learner, batch = (
        MAML(classifier(), 2, 0.5, rng=random).double(),
        DigitTasks(False, dtype=torch.float64).sample(3, 2, 2, random),
    )
    renamed, order = copy.deepcopy(learner), torch.tensor([2, 0, 1])
    layers = learner.main.unflatten(learner.theta_0.detach())
    back = order.argsort()
    layers |= {"2.weight": layers["2.weight"][back], "2.bias": layers["2.bias"][back]}
    renamed.theta_0.data = learner.main.flatten(layers)
    other = TaskBatch(
        batch.descriptor, Examples(batch.support.x, order[batch.support.y]), Examples(batch.query.x, order[batch.query.y]), {}
    )
    torch.testing.assert_close(outer_loss(renamed, other), outer_loss(learner, batch))
