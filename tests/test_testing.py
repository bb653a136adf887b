"""Meta-testing: what a learner does on tasks that it was not trained on, and learners side by side."""

import inspect
import math
import signal

import pytest
import torch
from torch import nn

from hyperedu import (
    MAML,
    ColoradoClimate,
    Conditioned,
    DescriptorAdaptation,
    Examples,
    Hypernetwork,
    Learner,
    MainNetwork,
    MLPGenerator,
    Quadratics,
    Report,
    SharedWeights,
    Sinusoids,
    TaskBatch,
    TaskSet,
    WeightNorm,
    compare,
    losses,
    meta_test,
    meta_train,
    statistics,
)


def seeded(seed):
    return torch.Generator().manual_seed(seed)


def make(seed=0, main=None, **options):
    main = main or MainNetwork.mlp([1, 8, 1])
    return Hypernetwork(main, MLPGenerator(2, main, hidden=(8,), rng=seeded(seed)), **options)


class Blobs(TaskSet):
    """Two classes in the plane, each round a centre of the task's own. n_tasks may be finite."""

    def __init__(self, n_tasks=None):
        self.n_tasks = n_tasks

    def most_queries(self, shots):
        return 7 - shots

    def sample(self, n_tasks=None, shots=3, queries=4, rng=None):
        self.check(n_tasks, shots, queries)
        centre = torch.randn(n_tasks or self.n_tasks, 2, 2, generator=rng)
        y = torch.randint(2, (len(centre), shots + queries), generator=rng)
        x = centre.gather(1, y.unsqueeze(-1).expand(-1, -1, 2)) + torch.randn(*y.shape, 2, generator=rng)
        D, D_query = Examples(x, y).split(shots)
        return TaskBatch(centre.flatten(1), D, D_query, {})


class Family:
    def __init__(self):
        self.train, self.test = Blobs(), Blobs(20)


# --- reports ---------------------------------------------------------------------------------------------------------


def test_a_report_is_the_statistics_of_its_tasks():
    report = Report(torch.tensor([1.0, 4.0, 9.0, 16.0]), shots=5)
    assert (report.mean, report.median, report.n_tasks) == (7.5, 4.0, 4)
    assert report.rmse == 2.5
    half = 3.182 * math.sqrt((42.25 + 12.25 + 2.25 + 72.25) / 3) / 2  # Student's t with three degrees of freedom
    assert report.interval == pytest.approx((7.5 - half, 7.5 + half), rel=1e-3)
    assert report.share_diverged == 0
    assert Report(torch.tensor([1.0, torch.inf, torch.nan, 1.0]), 5).share_diverged == 0.5
    assert Report(torch.tensor([1.0, 2.0, torch.nan]), 5).median == 2.0  # a NaN is infinitely bad, the median lives on
    assert Report(torch.ones(4), 5, diverged=torch.tensor([0, 2, 0, 0])).share_diverged == 0.25
    assert Report(torch.tensor([1.0, torch.nan]), 5, diverged=torch.tensor([3, 0])).share_diverged == 1.0
    assert (report.accuracy, report.accuracy_interval) == (None, None)


def test_a_report_has_accuracies_where_y_is_a_class():
    shares = torch.tensor([0.5, 1.0, 0.75])
    report = Report(torch.ones(3), 5, accuracy_per_task=shares, loss="cross_entropy")
    assert report.accuracy == 0.75
    half = 4.303 * 0.25 / math.sqrt(3)
    assert report.accuracy_interval == pytest.approx((0.75 - half, 0.75 + half), rel=1e-3)
    with pytest.raises(ValueError, match=r"root of a mean squared error .* is cross_entropy"):
        _ = report.rmse


def test_a_report_says_what_it_holds():
    report = Report(torch.tensor([1.0, 3.0]), shots=5)
    low, high = report.interval
    assert repr(report) == f"mean 2 (95% interval {low:.4g} to {high:.4g}), median 1, 2 tasks, 5 shots"
    assert repr(Report(torch.tensor([1.0, 3.0]), 5, inner_steps=3)).endswith("5 shots, 3 steps")
    shares = Report(torch.tensor([1.0, 3.0]), 5, accuracy_per_task=torch.tensor([0.5, 1.0]))
    assert repr(shares).startswith("accuracy 75.0% (")
    lost = Report(torch.ones(6), 5, 1, diverged=torch.tensor([0, 2, 1, 0, 3, 1]))
    assert repr(lost).endswith("1 step; 4 of 6 diverged: task 1 at step 2, task 2 at step 1, task 4 at step 3, …")
    assert "1 task, 1 shot;" in repr(Report(torch.ones(1), 1, diverged=torch.ones(1, dtype=torch.long)))
    three = Report(torch.ones(3), 5, 1, diverged=torch.tensor([1, 2, 1]))
    assert repr(three).endswith("3 of 3 diverged: task 0 at step 1, task 1 at step 2, task 2 at step 1")
    assert "diverged" not in repr(Report(torch.ones(3), 5, 1, diverged=torch.zeros(3, dtype=torch.long)))


# --- meta_test -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make_one", [make, lambda: MAML(MainNetwork.mlp([1, 8, 1]), 2, 0.05), lambda: make(steps=1, lr=0.02)])
@pytest.mark.parametrize("inner_steps", [None, 0, 3])
def test_a_test_is_a_loop_over_tasks_of_plain_gradient_descent(family, make_one, inner_steps):
    """Of any learner, with any number of inner steps; its own where none is named."""
    learner = make_one()
    report = meta_test(learner, family.test, shots=5, queries=7, n_tasks=4, inner_steps=inner_steps, rng=seeded(3))
    tasks = family.test.sample(4, 5, 7, rng=seeded(3))
    steps = learner.inner_steps if inner_steps is None else inner_steps
    assert (report.n_tasks, report.shots, report.inner_steps) == (4, 5, steps)
    for i in range(4):
        theta = learner.written(tasks.descriptor[i : i + 1], tasks.support.task([i]))[0].detach()
        for _ in range(steps):
            theta.requires_grad_()
            loss = (learner.main(theta, tasks.support.x[i]) - tasks.support.y[i]).square().mean()
            theta = (theta - learner.lr * torch.autograd.grad(loss, theta)[0]).detach()
        expected = (learner.main(theta, tasks.query.x[i]) - tasks.query.y[i]).square().mean()
        assert report.per_task[i].item() == pytest.approx(expected.item(), rel=1e-4)
    assert not report.per_task.requires_grad
    assert report.loss == "squared_error"


def test_what_is_asked_for_where_nothing_is_said(family, monkeypatch):
    asked = []
    sample = type(family.test).sample
    monkeypatch.setattr(type(family.test), "sample", lambda self, **sizes: (asked.append(sizes), sample(self, **sizes))[1])
    monkeypatch.setattr(type(family.test), "most_queries", lambda self, shots: 3 * shots)
    report = meta_test(make(), family.test)
    assert {name: value for name, value in asked[0].items() if name != "rng"} == {"n_tasks": 600, "shots": 10, "queries": 30}
    assert asked[0]["rng"].initial_seed() == 0
    meta_test(make(), family.test, 4, n_tasks=2, rng=(rng := seeded(5)))
    assert asked[1] == {"n_tasks": 2, "shots": 4, "queries": 12, "rng": rng}
    same = meta_test(make(), family.test, rng=seeded(0))
    assert torch.equal(report.per_task, same.per_task)
    assert not torch.equal(report.per_task, meta_test(make(), family.test, rng=seeded(1)).per_task)


def test_every_task_of_a_finite_set_is_tested():
    main = MainNetwork.mlp([2, 4, 2], loss="cross_entropy")
    assert meta_test(SharedWeights(main), Blobs(13), shots=2).n_tasks == 13
    assert meta_test(SharedWeights(main), Blobs(13), shots=2, n_tasks=5).n_tasks == 5


def test_every_learner_is_tested_on_the_same_tasks(family):
    one, other = make(), make()
    assert torch.equal(meta_test(one, family.test).per_task, meta_test(other, family.test).per_task)


def test_no_shots_are_enough_for_a_learner_that_takes_no_inner_steps(family):
    report = meta_test(make(), family.test, shots=0, n_tasks=3)
    assert (report.shots, report.inner_steps, report.n_tasks) == (0, 0, 3)
    assert report.share_diverged == 0
    assert torch.isfinite(report.per_task).all()
    with pytest.raises(ValueError, match="takes 2 inner steps and needs a support set"):
        meta_test(MAML(MainNetwork.mlp([1, 8, 1]), 2), family.test, shots=0)
    report = meta_test(MAML(MainNetwork.mlp([1, 8, 1]), 2), family.test, shots=0, inner_steps=0, n_tasks=3)
    assert report.inner_steps == 0


def test_the_accuracy_of_each_task_is_the_share_of_its_queries_that_are_classified_rightly():
    main = MainNetwork.mlp([2, 4, 2], loss="cross_entropy")
    learner = MAML(main, 2, 0.1, rng=seeded(0))
    report = meta_test(learner, Blobs(9), shots=3)
    tasks = Blobs(9).sample(None, 3, 4, seeded(0))
    theta = learner(tasks.descriptor, tasks.support)
    logits = main(theta, tasks.query.x)
    right = [sum(int(logits[i, j].argmax() == tasks.query.y[i, j]) for j in range(4)) / 4 for i in range(9)]
    assert report.accuracy_per_task.tolist() == pytest.approx(right)
    assert 0 < report.accuracy < 1
    loss = [nn.functional.cross_entropy(logits[i], tasks.query.y[i]).item() for i in range(9)]
    assert report.per_task.tolist() == pytest.approx(loss, rel=1e-4)
    assert report.loss == "cross_entropy"


@pytest.mark.parametrize(
    ("loss", "name"),
    [
        (nn.functional.l1_loss, "l1_loss"), (nn.HuberLoss(), "HuberLoss"), ("squared_error", "squared_error"),
    ],
)  # fmt: skip
def test_a_report_names_the_loss_of_the_main_network(family, loss, name):
    main = MainNetwork.mlp([1, 8, 1], loss=loss)
    report = meta_test(SharedWeights(main), family.test, n_tasks=2)
    assert report.loss == name
    if name != "squared_error":
        with pytest.raises(ValueError, match=f"the loss of this main network is {name}"):
            _ = report.rmse


def dropping():
    layers = nn.Sequential(nn.Linear(1, 8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, 1))
    return MainNetwork.from_module(layers)


@pytest.mark.parametrize("training", [True, False])
def test_a_test_is_in_evaluation_mode_and_puts_back_what_it_found(family, training):
    """Three tests of a network with dropout are equal, in the main network and in an encoder."""
    main = dropping()
    learner = make(main=main, encoder=nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.5)))
    learner.train(training)
    learner.encoder.eval()  # a reader may have frozen a part
    modules = [*learner.modules(), *main.modules()]
    found = [m.training for m in modules], main.training
    reports = [meta_test(learner, family.test, n_tasks=5) for _ in range(3)]
    assert all(torch.equal(reports[0].per_task, other.per_task) for other in reports[1:])
    assert ([m.training for m in modules], main.training) == found
    assert True not in found[0] or training
    with pytest.raises(ValueError, match="shots"):
        meta_test(learner, family.test, shots=-1)
    with pytest.raises(ValueError, match="inner steps"):
        meta_test(learner, family.test, shots=0, inner_steps=1)
    assert ([m.training for m in modules], main.training) == found, "after an error too"


def test_without_dropout_a_test_is_that_of_the_module_without_it(family):
    main = dropping()
    plain = MainNetwork.from_module(nn.Sequential(nn.Linear(1, 8), nn.ReLU(), nn.Identity(), nn.Linear(8, 1)))
    one, other = SharedWeights(main), SharedWeights(plain)
    with torch.no_grad():
        other.theta_0.copy_(one.theta_0)
    reports = [meta_test(learner, family.test, n_tasks=5).per_task for learner in (one, other)]
    torch.testing.assert_close(*reports)


def test_a_test_does_not_change_a_learner_nor_hold_on_to_a_graph(family):
    learner = MAML(MainNetwork.mlp([1, 8, 1]), 2)
    before = learner.theta_0.detach().clone()
    meta_test(learner, family.test, n_tasks=3)
    assert torch.equal(learner.theta_0, before)
    assert learner.theta_0.grad is None


def test_a_learner_of_fixed_weights_can_be_tested():
    """The one that knows the answer: the loss is zero, and no parameter says on which device."""

    class Told(Learner):
        def start(self, descriptor, support):
            return descriptor

    family = Quadratics()
    report = meta_test(Told(family.main), family.test, n_tasks=4)
    assert report.per_task.tolist() == pytest.approx([0.0] * 4, abs=1e-9)


def test_a_test_is_in_the_precision_of_the_learner(family):
    report = meta_test(make().double(), family.test, n_tasks=4)
    assert report.per_task.dtype == torch.float64


# --- lessons ---------------------------------------------------------------------------------------------------------


def test_lesson_00_equation_2():
    """RMSE of a station: the root of the mean squared error over its twelve months."""
    family = ColoradoClimate()
    main = MainNetwork.mlp([2, 8, 1], y_mean=family.y_mean, y_std=family.y_std)
    learner = SharedWeights(main, rng=seeded(0))
    report = meta_test(learner, family.test, shots=0)
    assert report.n_tasks == 60
    for task, station in enumerate(family.test.index):
        errors = [
            main(learner.theta_0, family.x([month])).item() - family.mean_year[station, month].item() for month in range(12)
        ]
        rmse = (sum(e * e for e in errors) / 12) ** 0.5
        assert report.per_task[task].sqrt().item() == pytest.approx(rmse, rel=1e-4)
    assert report.rmse == pytest.approx(report.per_task.sqrt().mean().item())


def test_colorado_to_the_bound_of_the_course():
    """Mean RMSE on 60 unseen stations at most 1.0 °C and at least 15% below linear regression per month, five splits."""
    written, linear = [], []
    for split in range(5):
        family, rng = ColoradoClimate(split=split), seeded(split)
        main = MainNetwork.mlp([2, 32, 32, 1], activation="tanh", y_mean=family.y_mean, y_std=family.y_std)
        learner = Hypernetwork(main, MLPGenerator(3, main, rng=rng))
        optimizer = torch.optim.AdamW(learner.parameters(), lr=2e-3, weight_decay=1.0)
        meta_train(learner, family.train, 1000, shots=0, queries=12, optimizer=optimizer, rng=rng, progress=False)
        written.append(meta_test(learner, family.test, shots=0).rmse)
        tau = nn.functional.pad(family.train.sample(None, 0, 12).descriptor, (0, 1), value=1.0)
        fit = torch.linalg.lstsq(tau, family.mean_year[family.train.index]).solution
        unseen = nn.functional.pad(family.test.sample(None, 0, 12).descriptor, (0, 1), value=1.0)
        linear.append((unseen @ fit - family.mean_year[family.test.index]).square().mean(1).sqrt().mean().item())
    assert sum(written) / 5 <= 1.0
    assert sum(written) <= 0.85 * sum(linear)


# --- compare ---------------------------------------------------------------------------------------------------------


def test_compare_gives_each_learner_the_same_budget_and_the_same_tasks(family):
    table = compare({"one": make(), "twin": make(), "shared": SharedWeights(make().main)}, family, 20, progress=False)
    one, twin, shared = table.rows.values()
    assert one.history.loss == twin.history.loss  # the same tasks in the same order
    (report,) = one.reports
    assert torch.equal(report.per_task, twin.reports[0].per_task)
    assert shared.history.steps == 20
    assert one.parameters == sum(p.numel() for p in make().parameters())
    assert shared.parameters == 25
    assert "twin" in repr(table)
    assert f"<td>{report.mean:.3g}</td>" in table._repr_html_()


def test_compare_is_a_training_and_a_test_of_each(family):
    """With the defaults of both: Adam with 1e-3 on tasks of seed 0, 10 shots in both."""
    learner, other = make(), make()
    row = compare({"one": learner}, family, 4, progress=False).rows["one"]
    history = meta_train(other, family.train, 4, rng=seeded(0), progress=False)
    assert row.history.loss == history.loss
    assert torch.equal(row.reports[0].per_task, meta_test(other, family.test).per_task)
    assert inspect.signature(compare).parameters["seed"].default == 0
    seven = compare({"one": make()}, family, 4, 5, 6, 7, seed=7, progress=False).rows["one"]
    other = make()
    assert seven.history.loss == meta_train(other, family.train, 4, 5, 6, 7, rng=seeded(7), progress=False).loss
    assert seven.reports[0].shots == 6


def test_compare_without_training_tests_the_learners_as_they_are(family):
    learner = make()
    row = compare({"as it is": learner}, family, 0).rows["as it is"]
    assert row.history is None
    assert torch.equal(row.reports[0].per_task, meta_test(learner, family.test).per_task)


def test_the_optimizer_of_a_comparison_is_made_for_each_learner_with_its_copies_of_the_penalties(family):
    class Scaled(nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = nn.Parameter(torch.ones(()))

        def forward(self, learner, tasks, theta):
            return (self.scale * theta.square().mean() - 1).square()

    given, made = Scaled(), []

    def optimizer(parameters):
        made.append(parameters)
        return torch.optim.SGD(parameters, lr=0.01)

    learners = {"one": make(), "twin": make()}
    table = compare(learners, family, 3, penalties={given: 1.0, WeightNorm(): 0.1}, optimizer=optimizer, progress=False)
    assert table.rows["one"].history.loss == table.rows["twin"].history.loss
    assert given.scale.item() == 1.0
    scales = [parameters[-1] for parameters in made]
    assert scales[0].item() == scales[1].item() != 1.0
    assert [len(parameters) for parameters in made] == [5, 5]


def test_the_table_has_a_row_for_each_learner_and_test(family):
    main = MainNetwork.mlp([1, 8, 1])
    learners = {"MAML": MAML(main, 1), "Conditioned": Conditioned(main, 2)}
    table = compare(learners, family, 0, test_shots=[2, 5], test_inner_steps=[0, 3], test_queries=4)
    assert table.header == (
        "learner", "shots", "inner steps", "mean loss", "95% interval", "median", "diverged", "parameters", "seconds trained"
    )  # fmt: skip
    cells = table.cells()
    assert [row[:3] for row in cells] == [
        ("MAML", "2", "0"), ("MAML", "2", "3"), ("MAML", "5", "0"), ("MAML", "5", "3"),
        ("Conditioned", "2", "0"), ("Conditioned", "5", "0"),
    ]  # fmt: skip
    report = meta_test(learners["MAML"], family.test, 5, 4, inner_steps=3)
    low, high = statistics.interval(report.per_task)
    assert cells[3][3:] == (
        f"{report.per_task.mean().item():.3g}", f"{low:.3g} to {high:.3g}", f"{report.median:.3g}",
        f"{100 * report.share_diverged:.1f}%", "25", "–",
    )  # fmt: skip
    lines = repr(table).split("\n")
    assert len(lines) == 7
    starts = [line.index("  2") for line in lines if line.startswith(("MAML  ", "Cond")) and "  2  " in line]
    assert len(set(starts)) == 1, "the columns stand under each other"
    html = table._repr_html_()
    assert html.startswith("<table><tr><th>learner</th>")
    assert html.count("<tr>") == html.count("</tr>") == 7
    assert html.count("<th>") == 9
    assert html.count("<td>") == 6 * 9


def test_the_table_shows_accuracies_where_y_is_a_class():
    main = MainNetwork.mlp([2, 4, 2], loss="cross_entropy")
    table = compare({"shared": SharedWeights(main)}, Family(), 60, 5, 2, 3, test_shots=[3], progress=False)
    (report,) = table.rows["shared"].reports
    assert table.header[3:5] == ("accuracy", "95% interval")
    low, high = report.accuracy_interval
    (cells,) = table.cells()
    assert cells[3:5] == (f"{100 * report.accuracy:.1f}%", f"{100 * low:.1f}% to {100 * high:.1f}%")
    assert len(cells) == len(table.header) == 11
    assert cells[-1] == f"{table.rows['shared'].history.seconds:.1f}"
    assert len(table.rows["shared"].history.accuracy) == 60


def test_the_stop_button_ends_a_comparison_with_the_learner_that_it_reached(family, monkeypatch):
    asked, sample = [], type(family.train).sample

    def counting(self, *args, **kwargs):
        asked.append(None)
        if len(asked) == 8:  # five steps of the first learner, its test, then the second step of the second learner
            signal.raise_signal(signal.SIGINT)
        return sample(self, *args, **kwargs)

    monkeypatch.setattr(type(family.train), "sample", counting)
    table = compare({"one": make(), "two": make(), "three": make()}, family, 5, progress=False)
    assert list(table.rows) == ["one", "two"]
    assert (table.rows["two"].history.steps, table.rows["two"].history.interrupted) == (2, True)
    assert not table.rows["one"].history.interrupted
    assert len(table.rows["two"].reports) == 1


def test_a_family_is_what_has_two_sets(family):
    for wrong in (family.train, object()):
        with pytest.raises(ValueError, match="no family of tasks: one has two sets"):
            compare({"one": make()}, wrong, 1)
    assert isinstance(Sinusoids().train, TaskSet)


class Bare(TaskSet):
    """A set of a reader's own that says nothing but how it is sampled."""

    def sample(self, n_tasks=None, shots=10, queries=10, rng=None):
        return Sinusoids().test.sample(n_tasks, shots, queries, rng)


def test_a_set_of_ones_own_needs_no_more_than_a_way_to_sample(family):
    learner = make()
    assert torch.equal(meta_test(learner, Bare()).per_task, meta_test(learner, family.test).per_task)


def test_means_are_exact_where_the_learner_is_not(family):
    report = meta_test(make().bfloat16(), family.test, n_tasks=400)
    assert report.mean == pytest.approx(report.per_task.double().mean().item(), rel=1e-5)
    assert report.mean != torch.tensor(report.mean).bfloat16().item()


class Held(nn.Module):
    """A penalty on a learner that it holds, out of sight of torch."""

    def __init__(self, learner):
        super().__init__()
        self.held = [learner]

    def forward(self, learner, tasks, theta):
        return self.held[0].theta_0.square().mean()


def test_a_penalty_that_holds_a_learner_is_not_compared(family):
    learner = SharedWeights(MainNetwork.mlp([1, 4, 1]))
    with pytest.raises(ValueError, match="Held holds a learner"):
        compare({"one": learner}, family, 1, penalties={Held(learner): 1.0}, progress=False)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [({"test_shots": 5}, r"\[5\]"), ({"test_inner_steps": 5}, r"\[5\]"), ({"optimizer": 0.1}, "torch.optim.Adam")],
)
def test_what_comparisons_take_is_said(family, wrong, words):
    with pytest.raises(ValueError, match=words):
        compare({"one": make()}, family, 1, **wrong)


@pytest.mark.parametrize("name", ["test_shots", "test_inner_steps"])
def test_what_can_be_gone_through_once_serves_every_learner(family, name):
    learners = {one: MAML(MainNetwork.mlp([1, 4, 1]), 1) for one in ("first", "second")}
    rows = compare(learners, family, 0, **{name: iter([1, 3])}).rows
    assert [[(r.shots, r.inner_steps)[name == "test_inner_steps"] for r in row.reports] for row in rows.values()] == [
        [1, 3]
    ] * 2
    with pytest.raises(ValueError, match="without a test"):
        compare(learners, family, 0, **{name: []})


def test_numbers_that_are_not_learned_are_not_counted(family):
    main = MainNetwork.mlp([1, 4, 1])
    generator, encoder = MLPGenerator(3, main), nn.Linear(2, 3).requires_grad_(False)
    row = compare({"one": Hypernetwork(main, generator, encoder)}, family, 0).rows["one"]
    assert row.parameters == sum(p.numel() for p in generator.parameters())


def test_a_descriptor_that_diverges_is_reported_as_weights_that_do_are(family):
    main = MainNetwork.mlp([1, 4, 1])
    learner = DescriptorAdaptation(main, MLPGenerator(2, main, rng=seeded(0)), 2, steps=20, lr=1e4)
    report = meta_test(learner, family.test, n_tasks=5)
    assert report.share_diverged == 1
    assert "5 of 5 diverged" in str(report)


def test_weights_that_only_forward_gives_are_not_tested_in_silence(family):
    class Halved(Hypernetwork):
        def forward(self, descriptor, support=None):
            return super().forward(descriptor, support) / 2

    class Same(Hypernetwork):
        def forward(self, descriptor, support=None):
            return super().forward(descriptor, support)

    class Alone(Learner):
        def forward(self, descriptor, support=None):
            return torch.zeros(len(descriptor), self.main.weight_dim)

    main = MainNetwork.mlp([1, 8, 1])
    generator = MLPGenerator(2, main)
    with pytest.raises(ValueError, match=r"forward of Halved gives other weights .* fill in start"):
        meta_test(Halved(main, generator), family.test, n_tasks=3)
    report = meta_test(Hypernetwork(main, generator), family.test, n_tasks=3)
    assert torch.equal(meta_test(Same(main, generator), family.test, n_tasks=3).per_task, report.per_task)
    with pytest.raises(NotImplementedError, match=r"Alone does not say .* fill in start"):
        meta_test(Alone(main), family.test, n_tasks=3)


def test_a_sum_that_is_called_as_the_mean_is_has_no_root(family):
    def squared_error(prediction, y):
        return (prediction - y).square().sum()

    report = meta_test(SharedWeights(MainNetwork.mlp([1, 8, 1], loss=squared_error)), family.test, n_tasks=2)
    with pytest.raises(ValueError, match="is another squared_error"):
        _ = report.rmse
    same = meta_test(SharedWeights(MainNetwork.mlp([1, 8, 1], loss=losses.squared_error)), family.test, n_tasks=2)
    assert same.rmse == pytest.approx(same.per_task.sqrt().mean().item())


def test_any_name_stands_in_the_table_as_it_is(family):
    compared = compare({5: make(), "α < 0.1 & more": make()}, family, 0)
    assert [row[0] for row in compared.cells()] == ["5", "α < 0.1 & more"]
    assert "α < 0.1 & more" in repr(compared)
    assert "<td>α &lt; 0.1 &amp; more</td>" in compared._repr_html_()


def test_each_task_counts_once(family):
    """Four networks for each of three tasks were twelve losses in the interval, of four tasks in the report."""

    class Ensemble(SharedWeights):
        def start(self, descriptor, support):
            return self.theta_0.expand(4, 1, -1)

    learner = Ensemble(MainNetwork.mlp([1, 4, 1]))
    with pytest.raises(ValueError, match=r"Ensemble has losses of shape \(4, 3\) for 3 tasks"):
        meta_test(learner, family.test, n_tasks=3)
    with pytest.raises(ValueError, match=r"Ensemble has losses of shape \(4, 3\) for 3 tasks"):
        meta_train(learner, family.train, 1, 3, progress=False)
