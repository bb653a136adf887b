import math
import os
import signal
import subprocess
import sys
import textwrap

import pytest
import torch
from safetensors.torch import save_file

from hyperedu import (
    ColoradoClimate,
    Hypernetwork,
    MainNetwork,
    MLPGenerator,
    Report,
    SharedWeights,
    compare,
    load_checkpoint,
    meta_test,
    meta_train,
    save_checkpoint,
)


def make(seed=0):
    """A learner, its optimizer and its source of tasks."""
    main, random = MainNetwork.mlp([1, 8, 1]), torch.Generator().manual_seed(seed)
    learner = Hypernetwork(main, MLPGenerator(2, main, hidden=(8,), rng=random))
    return learner, torch.optim.Adam(learner.parameters(), lr=1e-3), torch.Generator().manual_seed(1)


def train(family, steps, parts=make, **kwargs):
    learner, optimizer, random = parts()
    settings = {"optimizer": optimizer, "generator": random, "progress": False} | kwargs
    return learner, meta_train(learner, family.train, steps, **settings)


def same(one, other):
    return all(torch.equal(a, b) for a, b in zip(one.state_dict().values(), other.state_dict().values(), strict=True))


class Stop(Exception):
    """What stands for a power cut."""


def after(tasks, n, action):
    """The task set, which calls `action` when batch number n is asked for."""

    class Counting(type(tasks)):
        def __init__(self):
            self.__dict__.update(tasks.__dict__)
            self.count = 0

        def sample(self, *args):
            self.count += 1
            if self.count == n:
                action()
            return super().sample(*args)

    return Counting()


def test_training_learns_and_its_history_says_so(family):
    _, history = train(family, 300)
    assert history.steps == len(history.loss) == 300
    assert sum(history.loss[-50:]) < 0.7 * sum(history.loss[:50])
    assert history.seconds > 0
    assert not history.interrupted
    assert "300 steps" in repr(history)


def test_sinusoids_are_learned_to_the_bound_of_the_course(family):
    """Query MSE at most 0.004 after 3,000 steps with 25 tasks a step, on each of two seeds."""
    for seed in (0, 1):
        main, random = MainNetwork.mlp([1, 40, 40, 1]), torch.Generator().manual_seed(seed)
        learner = Hypernetwork(main, MLPGenerator(2, main, rng=random))
        meta_train(learner, family.train, steps=3000, tasks_per_step=25, rng=random, progress=False)
        assert meta_test(learner, family.test).mean <= 0.004


def test_the_learning_rate_falls_along_half_a_cosine_and_is_given_back(family):
    learner, optimizer, random = make()
    rates, step = [], optimizer.step
    optimizer.step = lambda: (rates.append(optimizer.param_groups[0]["lr"]), step())
    meta_train(learner, family.train, 10, optimizer=optimizer, rng=random, progress=False)
    assert rates == pytest.approx([1e-3 * (1 + math.cos(math.pi * i / 10)) / 2 for i in range(10)])
    assert optimizer.param_groups[0]["lr"] == 1e-3
    rates.clear()
    meta_train(learner, family.train, 3, optimizer=optimizer, rng=random, anneal=False, progress=False)
    assert rates == [1e-3] * 3


def test_a_large_gradient_is_scaled_down_to_max_norm(family):
    learner, _, random = make()
    before = [p.detach().clone() for p in learner.parameters()]
    optimizer = torch.optim.SGD(learner.parameters(), lr=1.0)
    meta_train(learner, family.train, 1, optimizer=optimizer, rng=random, max_norm=1e-3, progress=False)
    moved = sum((a - b).square().sum().item() for a, b in zip(before, learner.parameters(), strict=True)) ** 0.5
    assert moved == pytest.approx(1e-3, rel=1e-3)


@pytest.mark.parametrize("kind", [torch.optim.Adam, torch.optim.AdamW, torch.optim.SGD])
def test_a_resumed_training_ends_bit_for_bit_where_an_uninterrupted_one_does(family, tmp_path, kind):
    def parts(seed=0):
        learner, _, random = make(seed)
        options = {"momentum": 0.9} if kind is torch.optim.SGD else {}
        return learner, kind(learner.parameters(), lr=1e-3, **options), random

    def cut():
        raise Stop

    whole, history = train(family, 40, parts)
    saving = {"checkpoint": tmp_path / "run.safetensors", "checkpoint_every": 10, "progress": False}
    learner, optimizer, random = parts()
    with pytest.raises(Stop):
        meta_train(learner, after(family.train, 26, cut), 40, optimizer=optimizer, rng=random, **saving)
    # Nothing of what is given now matters but its shape: everything is in the file of step 20.
    resumed, again = train(family, 40, lambda: parts(seed=5), **saving)
    assert same(resumed, whole)
    assert again.loss == history.loss
    assert again.seconds > 0


def test_a_killed_process_loses_nothing_but_the_steps_since_the_last_checkpoint(family, tmp_path):
    path = tmp_path / "run.safetensors"
    script = f"""
        import os, signal, sys
        sys.path.insert(0, {os.path.dirname(__file__)!r})
        from hyperedu import Sinusoids, meta_train
        from test_training import after, make
        learner, optimizer, random = make()
        kill = lambda: os.kill(os.getpid(), signal.SIGKILL)
        meta_train(learner, after(Sinusoids().train, 26, kill), 40, optimizer=optimizer, generator=random,
                   checkpoint={str(path)!r}, checkpoint_every=10, progress=False)
    """
    killed = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], timeout=120)
    assert killed.returncode == -signal.SIGKILL
    assert load_checkpoint(path, make()[0]).steps == 20
    whole, _ = train(family, 40)
    resumed, _ = train(family, 40, checkpoint=path)
    assert same(resumed, whole)
    assert list(tmp_path.iterdir()) == [path], "the file is written beside its place and moved: nothing may be left over"


def test_the_stop_button_ends_training_between_two_steps_and_keeps_what_was_learned(family, tmp_path):
    path = tmp_path / "run.safetensors"
    learner, optimizer, random = make()
    stop = after(family.train, 8, lambda: os.kill(os.getpid(), signal.SIGINT))
    handler = signal.getsignal(signal.SIGINT)
    history = meta_train(learner, stop, 40, optimizer=optimizer, rng=random, checkpoint=path, progress=False)
    assert history.interrupted
    assert history.steps == 8  # the step that had begun is ended
    assert "interrupted" in repr(history)
    assert signal.getsignal(signal.SIGINT) is handler
    whole, _ = train(family, 40)
    resumed, _ = train(family, 40, checkpoint=path)
    assert same(resumed, whole)


def test_a_checkpoint_gives_back_a_learner(tmp_path):
    learner, path = make()[0], tmp_path / "folder" / "learner.safetensors"
    save_checkpoint(path, learner)
    other = make(seed=3)[0]
    assert load_checkpoint(path, other).steps == 0
    assert same(learner, other)


def damaged(tmp_path, what):
    learner, optimizer, random = make()
    path = tmp_path / "run.safetensors"
    run = {"tasks_per_step": 25, "shots": 10, "queries": 10}
    save_checkpoint(path, learner, optimizer, random, run=run)
    if what == "truncated":
        path.write_bytes(path.read_bytes()[:-100])
    elif what == "empty":
        path.write_bytes(b"")
    elif what == "text":
        path.write_text("not a checkpoint")
    elif what == "foreign":
        save_file({"a": torch.zeros(3)}, path)
    elif what == "other learner":
        save_checkpoint(path, SharedWeights(learner.main), run=run)
    elif what == "other size":
        main = MainNetwork.mlp([1, 9, 1])
        save_checkpoint(path, Hypernetwork(main, MLPGenerator(2, main, hidden=(8,))), run=run)
    elif what == "other optimizer":
        save_checkpoint(path, learner, torch.optim.SGD(learner.parameters()), random, run=run)
    elif what == "learner only":
        save_checkpoint(path, learner, run=run)
    elif what == "other run":
        save_checkpoint(path, learner, optimizer, random, run=run | {"shots": 5})
    return path


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("truncated", ["truncated", "delete it"]),
        ("empty", ["truncated", "delete it"]),
        ("text", ["not a safetensors file"]),
        ("foreign", ["not written by hyperedu"]),
        ("other learner", ["SharedWeights", "Hypernetwork", "another path"]),
        ("other size", ["differ in", "head"]),
        ("other optimizer", ["SGD", "Adam"]),
        ("learner only", ["no optimizer"]),
        ("other run", ["shots", "5", "10"]),
    ],
)
def test_a_checkpoint_of_something_else_is_refused_and_changes_nothing(family, tmp_path, what, words):
    path = damaged(tmp_path, what)
    learner, optimizer, random = make(seed=2)
    before = make(seed=2)[0]
    with pytest.raises(ValueError) as error:  # noqa: PT011, the words are checked below
        meta_train(learner, family.train, 5, optimizer=optimizer, rng=random, checkpoint=path, progress=False)
    assert all(word in str(error.value) for word in [*words, path.name]), str(error.value)
    assert same(learner, before)


def test_a_missing_checkpoint_says_where_it_was_looked_for(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nothing\.safetensors"):
        load_checkpoint(tmp_path / "nothing.safetensors", make()[0])


def test_an_optimizer_without_some_parameter_is_refused(family):
    learner, _, random = make()
    optimizer = torch.optim.Adam(learner.generator.head.parameters())
    with pytest.raises(ValueError, match="trunk") as error:
        meta_train(learner, family.train, 5, optimizer=optimizer, rng=random, progress=False)
    assert "learner.parameters()" in str(error.value)


def test_a_loss_that_explodes_is_reported_and_the_learner_keeps_its_last_weights(family):
    learner, _, random = make()
    optimizer = torch.optim.SGD(learner.parameters(), lr=1e12)
    with pytest.raises(FloatingPointError, match=r"at step [2-9].*lower learning rate"):
        meta_train(learner, family.train, 50, optimizer=optimizer, rng=random, max_norm=None, progress=False)
    with pytest.raises(ValueError, match="at least 1"):
        meta_train(learner, family.train, 0)


def test_a_report_is_the_statistics_of_its_tasks():
    report = Report(torch.tensor([1.0, 4.0, 9.0, 16.0]), shots=5)
    assert (report.mean, report.median, report.n_tasks) == (7.5, 4.0, 4)
    assert report.rmse == 2.5
    half = 1.96 * report.per_task.std(correction=0).item() / 2
    assert report.interval == pytest.approx((7.5 - half, 7.5 + half))
    assert report.share_diverged == 0
    assert Report(torch.tensor([1.0, torch.inf, torch.nan, 1.0]), 5).share_diverged == 0.5
    assert Report(torch.tensor([1.0, 2.0, torch.nan]), 5).median == 2.0  # a NaN is infinitely bad, the median lives on


def test_lesson_00_equation_2():
    """RMSE of a station: the root of the mean squared error over its twelve months."""
    family = ColoradoClimate()
    main = MainNetwork.mlp([2, 8, 1], y_mean=family.y_mean, y_std=family.y_std)
    learner = SharedWeights(main, rng=torch.Generator().manual_seed(0))
    report = meta_test(learner, family.test, shots=0)
    assert report.n_tasks == 60
    for task, station in enumerate(family.test.index):
        errors = [
            main(learner.theta_0, family.x([month])).item() - family.mean_year[station, month].item() for month in range(12)
        ]
        rmse = (sum(e * e for e in errors) / 12) ** 0.5
        assert report.per_task[task].sqrt().item() == pytest.approx(rmse, rel=1e-4)


def test_every_learner_is_tested_on_the_same_tasks(family):
    one, other = make()[0], make()[0]
    assert torch.equal(meta_test(one, family.test).per_task, meta_test(other, family.test).per_task)
    assert meta_test(one, family.test).n_tasks == 600


def test_compare_gives_each_learner_the_same_budget_and_the_same_tasks(family):
    table = compare({"one": make()[0], "twin": make()[0], "shared": SharedWeights(make()[0].main)}, family, 20, progress=False)
    one, twin, shared = table.rows.values()
    assert one.history.loss == twin.history.loss  # the same tasks in the same order
    (report,) = one.reports
    assert torch.equal(report.per_task, twin.reports[0].per_task)
    assert shared.history.steps == 20
    assert one.parameters == sum(p.numel() for p in make()[0].parameters())
    assert shared.parameters == 25
    assert "twin" in repr(table)
    assert f"<td>{report.mean:.3g}</td>" in table._repr_html_()


def test_compare_without_training_tests_the_learners_as_they_are(family):
    learner = make()[0]
    row = compare({"as it is": learner}, family, 0).rows["as it is"]
    assert row.history is None
    assert torch.equal(row.reports[0].per_task, meta_test(learner, family.test).per_task)


def test_colorado_to_the_bound_of_the_course():
    """Mean RMSE on 60 unseen stations at most 1.0 °C and at least 15% below linear regression per month, five splits."""
    written, linear = [], []
    for split in range(5):
        family, random = ColoradoClimate(split=split), torch.Generator().manual_seed(split)
        main = MainNetwork.mlp([2, 32, 32, 1], activation="tanh", y_mean=family.y_mean, y_std=family.y_std)
        learner = Hypernetwork(main, MLPGenerator(3, main, rng=random))
        optimizer = torch.optim.AdamW(learner.parameters(), lr=2e-3, weight_decay=1.0)
        meta_train(learner, family.train, 1000, shots=0, queries=12, optimizer=optimizer, rng=random, progress=False)
        written.append(meta_test(learner, family.test, shots=0).rmse)
        tau = torch.nn.functional.pad(family.train.sample(None, 0, 12).descriptor, (0, 1), value=1.0)
        fit = torch.linalg.lstsq(tau, family.mean_year[family.train.index]).solution
        unseen = torch.nn.functional.pad(family.test.sample(None, 0, 12).descriptor, (0, 1), value=1.0)
        linear.append((unseen @ fit - family.mean_year[family.test.index]).square().mean(1).sqrt().mean().item())
    assert sum(written) / 5 <= 1.0
    assert sum(written) <= 0.85 * sum(linear)
