"""Meta-training: the outer loop, its defaults, its ends, and that no step is taken with numbers that are not finite."""

import contextlib
import copy
import inspect
import math
import signal
import threading
from types import SimpleNamespace

import pytest
import torch
from torch import nn
from torch.optim import lr_scheduler

from hyperedu import (
    MAML,
    Examples,
    History,
    HyperMAML,
    Hypernetwork,
    Learner,
    MainNetwork,
    MLPGenerator,
    Reptile,
    SharedWeights,
    SupportSetHypernetwork,
    TaskBatch,
    TaskSet,
    WeightNorm,
    figures,
    live,
    load_checkpoint,
    meta_test,
    meta_train,
    outer_loss,
    training,
)


def seeded(seed):
    return torch.Generator().manual_seed(seed)


def make(seed=0, main=None, **options):
    """A learner, its optimizer and its source of tasks."""
    main = main or MainNetwork.mlp([1, 8, 1])
    learner = Hypernetwork(main, MLPGenerator(2, main, hidden=(8,), rng=seeded(seed)), **options)
    return learner, torch.optim.Adam(learner.parameters(), lr=1e-3), seeded(1)


def train(family, steps, parts=make, **kwargs):
    learner, optimizer, rng = parts()
    settings = {"optimizer": optimizer, "rng": rng, "progress": False} | kwargs
    return learner, meta_train(learner, family.train, steps, **settings)


def same(one, other):
    return all(torch.equal(a, b) for a, b in zip(one.state_dict().values(), other.state_dict().values(), strict=True))


def when_asked(patch, tasks, n, action):
    """`action` is called when batch number n is asked for."""
    asked, sample = [], type(tasks).sample

    def counting(self, *args, **kwargs):
        asked.append(None)
        if len(asked) == n:
            action()
        return sample(self, *args, **kwargs)

    patch.setattr(type(tasks), "sample", counting)


class Blobs(TaskSet):
    """Two classes in the plane, each round a centre of the task's own."""

    n_tasks = None

    def sample(self, n_tasks=None, shots=3, queries=4, rng=None):
        centre = torch.randn(n_tasks, 2, 2, generator=rng)
        y = torch.randint(2, (n_tasks, shots + queries), generator=rng)
        x = centre.gather(1, y.unsqueeze(-1).expand(-1, -1, 2)) + torch.randn(*y.shape, 2, generator=rng)
        return TaskBatch(centre.flatten(1), *Examples(x, y).split(shots), {})


class Zeros(TaskSet):
    """y = 0 everywhere: weights of zero are right, exactly."""

    n_tasks = None

    def sample(self, n_tasks=None, shots=10, queries=10, rng=None):
        x = torch.randn(n_tasks, shots + queries, 1, generator=rng)
        return TaskBatch(torch.randn(n_tasks, 2, generator=rng), *Examples(x, torch.zeros_like(x)).split(shots), {})


# --- the loop --------------------------------------------------------------------------------------------------------


def test_training_learns_and_its_history_says_so(family):
    _, history = train(family, 300)
    assert history.steps == len(history.loss) == 300
    assert sum(history.loss[-50:]) < 0.7 * sum(history.loss[:50])
    assert history.seconds > 0
    assert not history.interrupted
    assert "300 steps" in repr(history)


def test_sinusoids_are_learned_to_the_bound_of_the_course(family):
    """Query MSE at most 0.004 after 3,000 steps with 25 tasks a step."""
    main, rng = MainNetwork.mlp([1, 40, 40, 1]), seeded(0)
    learner = Hypernetwork(main, MLPGenerator(2, main, rng=rng))
    meta_train(learner, family.train, steps=3000, tasks_per_step=25, rng=rng, progress=False)
    assert meta_test(learner, family.test).mean <= 0.004


def by_hand(learner, tasks, steps, sizes, *, lr=1e-3, kind=torch.optim.Adam, anneal=True, max_norm=1.0, penalty=None, rng=None):
    """The outer loop as a page of a book has it: tasks one by one, plain torch."""
    main = learner.main
    parameters = [*learner.parameters(), *(penalty.parameters() if penalty else ())]
    optimizer, losses = kind(parameters, lr=lr), []
    for step in range(steps):
        if anneal:
            optimizer.param_groups[0]["lr"] = lr * 0.5 * (1 + math.cos(math.pi * step / steps))
        batch = tasks.sample(*sizes, rng)
        loss = 0
        for i in range(len(batch)):
            theta = learner(batch.descriptor[i : i + 1], batch.support.task([i]))[0]
            loss = loss + (main(theta, batch.query.x[i]) - batch.query.y[i]).square().mean() / len(batch)
        losses.append(loss.item())
        if penalty:
            loss = loss + 0.5 * penalty(learner, batch, learner.written(batch.descriptor, batch.support))
        optimizer.zero_grad()
        loss.backward()
        if max_norm is not None:
            norm = sum(p.grad.square().sum() for p in parameters).sqrt()
            for p in parameters:
                p.grad *= min(1.0, max_norm / norm.item())
        optimizer.step()
    return losses


class Scaled(nn.Module):
    """A penalty with a parameter of its own, of the same size as the others."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(3.0))

    def forward(self, learner, tasks, theta):
        return (self.scale * theta.square().mean() - 1).square()


@pytest.mark.parametrize(
    ("make_one", "settings"),
    [
        (lambda: make()[0], {"lr": 1e-3, "anneal": True, "max_norm": 1.0}),
        (lambda: MAML(MainNetwork.mlp([1, 8, 1]), 2, 0.05, rng=seeded(0)), {"lr": 3e-3, "anneal": False, "max_norm": 10.0}),
    ],
)
def test_a_training_of_which_nothing_is_said_is_the_published_loop_with_the_stated_settings(family, make_one, settings):
    """25 tasks of 10 and 10 examples; Adam, annealing and the longest gradient as the learner says."""
    learner, other = make_one().double(), make_one().double()
    with torch.no_grad():  # predictions far off, so that gradients are longer than they may be
        for p in (*learner.parameters(), *other.parameters()):
            p.mul_(3)
    history = meta_train(learner, family.train, 4, rng=seeded(1), progress=False)
    like = torch.zeros((), dtype=torch.float64)
    tasks = SimpleNamespace(sample=lambda *args: family.train.sample(*args).to(like))
    losses = by_hand(other, tasks, 4, (25, 10, 10), rng=seeded(1), **settings)
    assert history.loss == pytest.approx(losses, rel=1e-9)
    for a, b in zip(learner.parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("max_norm", [None, 0.1])
@pytest.mark.parametrize("penalised", [False, True])
def test_every_setting_reaches_the_step(family, max_norm, penalised):
    """SGD feels every factor: a sum in place of a mean, a gradient that is cut at another length or part by part."""
    learner, other = make()[0].double(), make()[0].double()
    one, two = Scaled().double() if penalised else None, Scaled().double() if penalised else None
    parameters = [*learner.parameters(), *(one.parameters() if one else ())]
    history = meta_train(
        learner, family.train, 3, 4, 3, 5, optimizer=torch.optim.SGD(parameters, lr=0.05), anneal=False, max_norm=max_norm,
        penalties={one: 0.5} if one else None, rng=seeded(2), progress=False,
    )  # fmt: skip
    tasks = SimpleNamespace(sample=lambda *args: family.train.sample(*args).to(torch.zeros((), dtype=torch.float64)))
    settings = {"lr": 0.05, "kind": torch.optim.SGD, "anneal": False, "max_norm": max_norm, "penalty": two, "rng": seeded(2)}
    losses = by_hand(other, tasks, 3, (4, 3, 5), **settings)
    assert history.loss == pytest.approx(losses, rel=1e-6), "without the penalty"
    for a, b in zip(parameters, [*other.parameters(), *(two.parameters() if two else ())], strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-6)
    if one:
        assert one.scale.item() != 3.0


def test_the_optimizer_that_is_made_holds_what_is_learned_in_penalties(family):
    penalty = Scaled()
    train(family, 2, lambda: (make()[0], None, seeded(0)), penalties={penalty: 1.0})
    assert penalty.scale.item() == pytest.approx(3.0 - 1.5e-3, abs=2e-4)  # Adam's first steps are as long as its rate


def test_there_is_one_loss_inside_and_outside(family):
    """No `loss=` to give: what adapts, what is trained and what is told are the main network's loss."""
    assert "loss" not in inspect.signature(meta_train).parameters
    for loss in (nn.functional.l1_loss, nn.functional.huber_loss, lambda p, y: (p - y).abs().amax()):
        main = MainNetwork.mlp([1, 8, 1], loss=loss)
        learner = MAML(main, 2, 0.05, rng=seeded(0))
        before = learner.theta_0.detach().clone()
        history = meta_train(learner, family.train, 1, 3, rng=seeded(1), progress=False)
        batch, expected = family.train.sample(3, 10, 10, seeded(1)), 0
        for i in range(3):
            theta = before
            for _ in range(2):
                theta = theta.detach().requires_grad_()
                inner = loss(main(theta, batch.support.x[i]), batch.support.y[i])
                theta = theta - 0.05 * torch.autograd.grad(inner, theta)[0]
            expected += loss(main(theta, batch.query.x[i]), batch.query.y[i]).item() / 3
        assert history.loss == pytest.approx([expected], rel=1e-4)


def test_what_is_asked_for_where_nothing_is_said(family, monkeypatch):
    asked, sample = [], type(family.train).sample
    monkeypatch.setattr(type(family.train), "sample", lambda self, **sizes: (asked.append(sizes), sample(self, **sizes))[1])
    rng = seeded(0)
    meta_train(make()[0], family.train, 1, rng=rng, progress=False)
    assert asked == [{"n_tasks": 25, "shots": 10, "queries": 10, "rng": rng}]
    torch.manual_seed(3)
    meta_train(make()[0], family.train, 1, progress=False)
    torch.manual_seed(3)
    meta_train(make()[0], family.train, 1, progress=False)
    meta_train(make()[0], family.train, 1, progress=False)
    seeds = [sizes["rng"].initial_seed() for sizes in asked[1:]]
    assert seeds[0] == seeds[1] != seeds[2], "seeded from torch's global source"


def test_the_learning_rate_falls_along_half_a_cosine_and_is_given_back(family):
    learner, optimizer, rng = make()
    rates = []
    optimizer.register_step_pre_hook(lambda own, *_: rates.append(own.param_groups[0]["lr"]))
    meta_train(learner, family.train, 10, optimizer=optimizer, rng=rng, progress=False)
    assert rates == pytest.approx([1e-3 * (1 + math.cos(math.pi * i / 10)) / 2 for i in range(10)])
    assert optimizer.param_groups[0]["lr"] == 1e-3
    rates.clear()
    meta_train(learner, family.train, 3, optimizer=optimizer, rng=rng, anneal=False, progress=False)
    assert rates == [1e-3] * 3


def test_each_group_falls_from_its_own_rate(family):
    learner, _, rng = make()
    groups = [{"params": [p], "lr": 1e-3 * (i + 1)} for i, p in enumerate(learner.parameters())]
    optimizer, rates = torch.optim.Adam(groups), []
    optimizer.register_step_pre_hook(lambda own, *_: rates.append([group["lr"] for group in own.param_groups]))
    meta_train(learner, family.train, 2, optimizer=optimizer, rng=rng, progress=False)
    assert rates[0] == pytest.approx([1e-3, 2e-3, 3e-3, 4e-3])
    assert rates[1] == pytest.approx([0.5e-3, 1e-3, 1.5e-3, 2e-3])
    assert [group["lr"] for group in optimizer.param_groups] == [1e-3 * (i + 1) for i in range(4)]


@pytest.mark.parametrize("end", ["an error", "the stop button", "numbers that are not finite"])
@pytest.mark.parametrize("rate", [1e-3, torch.tensor(1e-3)])
def test_the_rates_are_given_back_whatever_ends_the_training(family, monkeypatch, end, rate):
    learner, _, rng = make()
    optimizer = torch.optim.Adam(learner.parameters(), lr=rate)
    handler = signal.getsignal(signal.SIGINT)
    actions = {"an error": lambda: 1 / 0, "the stop button": lambda: signal.raise_signal(signal.SIGINT)}
    if end in actions:
        when_asked(monkeypatch, family.train, 3, actions[end])
    seen = []
    late = lambda learner, tasks, theta: (seen.append(None), theta.sum() * (math.nan if len(seen) == 3 else 0))[1]  # noqa: E731
    try:
        meta_train(
            learner, family.train, 9, optimizer=optimizer, rng=rng, progress=False,
            penalties={late: 1.0} if end == "numbers that are not finite" else None,
        )  # fmt: skip
    except (ZeroDivisionError, FloatingPointError):
        assert end != "the stop button"
    assert optimizer.param_groups[0]["lr"] is rate
    assert signal.getsignal(signal.SIGINT) is handler


def test_a_learner_says_how_it_is_trained_best_unless_it_is_told_otherwise(family):
    class Own(SharedWeights):
        anneal, max_norm = False, 1e-3

    for options, expected, length in (({}, [0.1, 0.1], 1e-3), ({"anneal": True, "max_norm": 0.01}, [0.1, 0.05], 0.01)):
        learner, rates = Own(MainNetwork.mlp([1, 8, 1]), rng=seeded(0)), []
        optimizer = torch.optim.SGD(learner.parameters(), lr=0.1)
        optimizer.register_step_pre_hook(lambda own, *_, rates=rates: rates.append(own.param_groups[0]["lr"]))
        meta_train(learner, family.train, 2, optimizer=optimizer, rng=seeded(0), progress=False, **options)
        assert rates == pytest.approx(expected)
        assert learner.theta_0.grad.norm().item() == pytest.approx(length, rel=1e-3)


def test_a_large_gradient_is_scaled_down_to_max_norm(family):
    learner, _, rng = make()
    before = [p.detach().clone() for p in learner.parameters()]
    optimizer = torch.optim.SGD(learner.parameters(), lr=1.0)
    meta_train(learner, family.train, 1, optimizer=optimizer, rng=rng, max_norm=1e-3, progress=False)
    moved = sum((a - b).square().sum().item() for a, b in zip(before, learner.parameters(), strict=True)) ** 0.5
    assert moved == pytest.approx(1e-3, rel=1e-3)


def test_a_learner_that_learns_from_all_is_handed_support_and_query_sets(family):
    """Reptile: its loss is that after adaptation on both."""
    main = MainNetwork.mlp([1, 8, 1])
    learner = Reptile(main, 2, 0.05, rng=seeded(0))
    tasks = family.train.sample(3, 4, 5, seeded(0))
    both = tasks.support.joined(tasks.query)
    expected = main.loss(learner(None, both), tasks.query)
    torch.testing.assert_close(outer_loss(learner, tasks), expected)


def test_modes_are_those_of_training_and_are_put_back_for_each_module(family, monkeypatch):
    main = MainNetwork.from_module(nn.Sequential(nn.Linear(1, 8), nn.Dropout(0.5), nn.Linear(8, 1)).eval())
    learner, _, rng = make(main=main, encoder=nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.5)))
    learner.encoder.eval()
    modules = [*learner.modules(), *main.modules()]
    found, main_found, seen = [m.training for m in modules], main.training, []
    assert {True, False} == set(found)
    look = lambda: seen.append({m.training for m in modules} | {main.training})  # noqa: E731
    when_asked(monkeypatch, family.train, 2, look)
    meta_train(learner, family.train, 3, rng=rng, progress=False)
    assert seen == [{True}]
    assert [m.training for m in modules] == found
    assert main.training is main_found
    when_asked(monkeypatch, family.train, 2, lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        meta_train(learner, family.train, 3, rng=rng, progress=False)
    assert [m.training for m in modules] == found


# --- what is told ----------------------------------------------------------------------------------------------------


class Bar:
    """What stands for the progress bar."""

    made = []

    def __init__(self, **settings):
        self.settings, self.updates, self.shown, self.closed = settings, 0, [], False
        Bar.made.append(self)

    def update(self):
        self.updates += 1

    def set_postfix(self, values, refresh):
        self.shown.append((self.updates, values))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.closed = True


def test_the_progress_bar_shows_the_means_of_the_last_fifty_steps(monkeypatch, tmp_path):
    monkeypatch.setattr(training, "tqdm", Bar)
    Bar.made.clear()
    learner = SharedWeights(MainNetwork.mlp([2, 4, 2], loss="cross_entropy"), rng=seeded(0))
    options = {"anneal": False, "checkpoint": tmp_path / "run.safetensors"}
    meta_train(learner, Blobs(), 60, 3, 2, 4, **options)
    history = meta_train(learner, Blobs(), 110, 3, 2, 4, **options)
    one, two = Bar.made
    assert one.settings == {"total": 60, "initial": 0, "disable": False, "desc": "meta-training", "unit": "step"}
    assert (two.settings["total"], two.settings["initial"]) == (110, 60)
    assert (one.updates, two.updates, one.closed) == (60, 50, True)
    means = [
        {name: f"{sum(values[k - 50 : k]) / 50:.4g}" for name, values in vars(history).items() if name in ("loss", "accuracy")}
        for k in (50, 100)
    ]
    assert one.shown == [(50, means[0])]
    assert two.shown == [(40, means[1])]
    meta_train(learner, Blobs(), 1, 3, 2, 4, progress=False)
    assert Bar.made[2].settings["disable"] is True


def test_the_accuracy_of_each_step_is_told_where_y_is_a_class():
    main = MainNetwork.mlp([2, 4, 2], loss="cross_entropy")
    learner, other = SharedWeights(main, rng=seeded(0)), SharedWeights(main, rng=seeded(0))
    history = meta_train(learner, Blobs(), 3, 5, 2, 4, rng=seeded(1), progress=False)
    tasks = Blobs().sample(5, 2, 4, seeded(1))
    right = (main(other.theta_0, tasks.query.x).argmax(-1) == tasks.query.y).float().mean().item()
    assert history.accuracy[0] == pytest.approx(right)
    assert len(history.accuracy) == len(history.loss) == 3
    loss = nn.functional.cross_entropy(main(other.theta_0, tasks.query.x).flatten(0, 1), tasks.query.y.flatten())
    assert history.loss[0] == pytest.approx(loss.item())


def test_a_history_is_told_in_words_and_by_its_last_steps():
    history = History([float(i) for i in range(1, 101)], [], 2.04)
    assert history.recent() == {"loss": 75.5}
    assert history.recent(3) == {"loss": 99.0}
    assert history.recent(1000) == {"loss": 50.5}
    assert repr(history) == "100 steps in 2.0 s; means of the last 50: loss 75.5"
    assert repr(History([2.0], [0.25], 1.0, interrupted=True)) == (
        "1 step in 1.0 s, interrupted; means of the last 1: loss 2, accuracy 0.25"
    )
    assert repr(History([1.0] * 2000, [], 1.0)).startswith("2,000 steps")
    assert (repr(History()), History().recent()) == ("0 steps in 0.0 s", {})


def test_the_time_of_all_parts_of_a_training_is_added(family, tmp_path, monkeypatch):
    """A clock on which each batch takes ten seconds, and everything else none."""
    now, sample = [5.0], type(family.train).sample

    def slow(self, *args, **kwargs):
        now[0] += 10
        return sample(self, *args, **kwargs)

    monkeypatch.setattr(training, "time", SimpleNamespace(perf_counter=lambda: now[0]))
    monkeypatch.setattr(type(family.train), "sample", slow)
    path = tmp_path / "run.safetensors"
    _, history = train(family, 3, anneal=False, checkpoint=path)
    assert history.seconds == pytest.approx(30)
    now[0] += 1000
    _, history = train(family, 5, anneal=False, checkpoint=path)
    assert history.seconds == pytest.approx(50)


def test_a_checkpoint_is_written_after_the_first_step_and_every_so_many(family, tmp_path, monkeypatch):
    saved = []
    monkeypatch.setattr(training, "save_checkpoint", lambda *args, history, **kwargs: saved.append(history.steps))
    train(family, 8, checkpoint=tmp_path / "run.safetensors", checkpoint_every=3)
    assert saved == [1, 3, 6, 8]
    saved.clear()
    train(family, 6, checkpoint=tmp_path / "run.safetensors", checkpoint_every=3)
    assert saved == [1, 3, 6], "the last once"
    saved.clear()
    train(family, 6)
    assert saved == []
    assert inspect.signature(meta_train).parameters["checkpoint_every"].default == 500


# --- the stop button -------------------------------------------------------------------------------------------------


def test_the_stop_button_ends_training_between_two_steps_and_keeps_what_was_learned(family, monkeypatch):
    handler = signal.getsignal(signal.SIGINT)
    with monkeypatch.context() as patch:
        when_asked(patch, family.train, 8, lambda: signal.raise_signal(signal.SIGINT))
        learner, history = train(family, 40, anneal=False)
    assert history.interrupted
    assert history.steps == 8  # the step that had begun is ended
    assert "interrupted" in repr(history)
    assert signal.getsignal(signal.SIGINT) is handler
    assert same(learner, train(family, 8, anneal=False)[0])
    with monkeypatch.context() as patch:
        when_asked(patch, family.train, 8, lambda: signal.raise_signal(signal.SIGINT))
        assert not train(family, 8)[1].interrupted, "it came in the last step"


def test_a_training_works_in_another_thread(family):
    """Where no signal arrives."""
    found = []
    thread = threading.Thread(target=lambda: found.append(train(family, 3)[1].steps))
    thread.start()
    thread.join()
    assert found == [3]


# --- C9: numbers that are not finite ---------------------------------------------------------------------------------


class Watched:
    """A penalty that keeps the weights it saw, and at its call number `at` does what makes numbers infinite."""

    def __init__(self, at, bad):
        self._at, self._bad, self._seen = at, bad, []

    def __call__(self, learner, tasks, theta):
        self._seen.append(copy.deepcopy(learner.state_dict()))
        return self._bad(theta) if len(self._seen) == self._at else theta.square().mean()


# Of weights θ: a loss that is not finite, and one that is while its gradient is not.
BAD_LOSSES = {
    "NaN": lambda theta: theta.sum() * math.nan,
    "infinite": lambda theta: theta.square().sum() / 0,
    "logarithm": lambda theta: (theta - theta).sum().log(),
}
BAD_GRADIENTS = {
    "root of an exact zero": lambda theta: (theta - theta).square().sum().sqrt(),
    "infinite": lambda theta: (theta[0, 0] - theta[0, 0].detach()).sqrt(),
    "norm of nothing": lambda theta: (theta - theta.detach()).abs().pow(0.5).sum(),
}


@pytest.mark.parametrize("max_norm", [None, 1.0])
@pytest.mark.parametrize(
    ("name", "kind"), [(name, "loss") for name in BAD_LOSSES] + [(name, "gradient") for name in BAD_GRADIENTS]
)
def test_no_step_is_taken_with_numbers_that_are_not_finite(family, tmp_path, name, kind, max_norm):
    """Learner, optimizer and file hold the last weights whose loss was finite, and the training goes on from there."""
    path, at = tmp_path / "run.safetensors", 6
    # A loss that is not finite says that the step before was bad; a gradient, that this one would be.
    last = at - 2 if kind == "loss" else at - 1
    penalty = Watched(at, (BAD_LOSSES if kind == "loss" else BAD_GRADIENTS)[name])
    learner, optimizer, rng = make()
    options = {"max_norm": max_norm, "anneal": False, "progress": False, "checkpoint": path, "checkpoint_every": 2}
    with pytest.raises(FloatingPointError, match=f"the {kind} became (nan|inf|-inf) at step {at}") as error:
        meta_train(learner, family.train, 20, optimizer=optimizer, rng=rng, penalties={penalty: 0.1}, **options)
    assert "Try a lower learning rate. The learner keeps its last good weights" in str(error.value)
    assert "adaptation" not in str(error.value), "there are no inner steps to speak of"
    assert all(torch.equal(value, penalty._seen[last][key]) for key, value in learner.state_dict().items())
    expected, expected_optimizer, rng = make()
    history = meta_train(
        expected, family.train, last, optimizer=expected_optimizer, rng=rng, penalties={Watched(99, None): 0.1},
        progress=False, anneal=False, max_norm=max_norm,
    )  # fmt: skip
    other, other_optimizer, _ = make(4)
    found = load_checkpoint(path, other, other_optimizer)
    assert found.loss == history.loss
    for trained, memory in ((learner, optimizer), (other, other_optimizer)):
        assert same(trained, expected)
        states = [o.state_dict()["state"] for o in (memory, expected_optimizer)]
        assert states[0].keys() == states[1].keys()
        assert all(torch.equal(states[0][i][key], states[1][i][key]) for i in states[0] for key in states[0][i])
    history = meta_train(other, family.train, 20, optimizer=other_optimizer, rng=seeded(7), penalties={penalty: 0.1}, **options)
    assert history.steps == 20
    assert all(torch.isfinite(p).all() for p in other.parameters())
    assert all(map(math.isfinite, history.loss))


@pytest.mark.parametrize("max_norm", [None, 1.0])
@pytest.mark.parametrize("loss", [lambda p, y: (p - y).square().mean().sqrt(), lambda p, y: (p - y).abs().mean().sqrt()])
def test_a_loss_of_exact_zero_whose_root_has_no_gradient(tmp_path, loss, max_norm):
    main = MainNetwork.mlp([1, 4, 1], loss=loss)
    learner = SharedWeights(main)
    with torch.no_grad():
        learner.theta_0.zero_()
    path = tmp_path / "run.safetensors"
    with pytest.raises(FloatingPointError, match=r"the gradient became nan at step 1, though the loss was 0\. Try"):
        meta_train(learner, Zeros(), 5, max_norm=max_norm, checkpoint=path, progress=False)
    assert not learner.theta_0.any()
    other = SharedWeights(main)
    assert load_checkpoint(path, other).steps == 0
    assert not other.theta_0.any()


def test_what_the_last_step_makes_infinite_is_not_kept(family, tmp_path):
    """No loss is computed with the weights of the last step, nor with those that are written in between."""
    path = tmp_path / "run.safetensors"
    for steps, every in ((1, 500), (5, 1)):
        learner, _, rng = make()
        optimizer = torch.optim.SGD(learner.parameters(), lr=3e38)
        with pytest.raises(FloatingPointError, match=r"the weights became (nan|inf) at step 1\. Try"):
            meta_train(
                learner, family.train, steps, optimizer=optimizer, rng=rng, checkpoint=path, checkpoint_every=every,
                progress=False, anneal=False,
            )  # fmt: skip
        assert same(learner, make()[0])
        assert load_checkpoint(path, make(1)[0]).steps == 0


def test_a_penalty_gets_back_what_it_remembered(family):
    class Remembering(nn.Module):
        """Its number is another tensor after each step."""

        def __init__(self):
            super().__init__()
            self.register_buffer("n", torch.zeros(()))

        def forward(self, learner, tasks, theta):
            self.n = self.n + (1 if self.n < 3 else math.nan)
            return theta.mean() * self.n

    penalty = Remembering()
    with pytest.raises(FloatingPointError, match="at step 4"):
        train(family, 9, lambda: (make()[0], None, seeded(0)), penalties={penalty: 1.0})
    assert penalty.n.item() == 3


def test_a_schedule_goes_back_with_the_weights(family):
    learner, _, rng = make()
    optimizer = torch.optim.SGD(learner.parameters(), lr=0.1)
    schedule = lr_scheduler.CosineAnnealingLR(optimizer, 10)
    with pytest.raises(FloatingPointError):
        meta_train(
            learner, family.train, 20, optimizer=optimizer, schedule=schedule, rng=rng, progress=False,
            penalties={Watched(6, BAD_LOSSES["NaN"]): 1.0},
        )  # fmt: skip
    assert schedule.last_epoch == 4
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.05 * (1 + math.cos(math.pi * 4 / 10)))


def test_a_loss_that_explodes_is_reported_and_the_learner_keeps_its_last_weights(family):
    learner, _, rng = make()
    optimizer = torch.optim.SGD(learner.parameters(), lr=1e12)
    with pytest.raises(FloatingPointError, match=r"at step [1-9].*lower learning rate"):
        meta_train(learner, family.train, 50, optimizer=optimizer, rng=rng, max_norm=None, progress=False)
    assert all(torch.isfinite(p).all() for p in learner.parameters())


def test_the_tasks_whose_adaptation_diverged_are_named(family):
    """All three do with a rate of 1e6; the message says so of a learner with inner steps, and only where some did."""
    learner = MAML(MainNetwork.mlp([1, 8, 1]), 12, 1e6, rng=seeded(0))
    with pytest.raises(FloatingPointError, match=r"the loss became (nan|inf) at step 1; 3 of 3 diverged: task 0 at step 1, "):
        meta_train(learner, family.train, 5, 3, progress=False)
    learner = Reptile(MainNetwork.mlp([1, 8, 1]), 12, 1e6, rng=seeded(0))
    with pytest.raises(FloatingPointError, match=r"3 of 3 diverged: .* of the adaptation\. Try"):
        meta_train(learner, family.train, 5, 3, shots=0, progress=False)
    learner = MAML(MainNetwork.mlp([1, 8, 1]), 1, 1e-3, rng=seeded(0))
    with pytest.raises(FloatingPointError, match=r"the loss became nan at step 2\. Try"):
        meta_train(learner, family.train, 5, 3, penalties={Watched(2, BAD_LOSSES["NaN"]): 1.0}, progress=False)


# --- what is refused -------------------------------------------------------------------------------------------------


def test_an_optimizer_without_some_parameter_is_refused(family):
    learner, _, rng = make()
    optimizer = torch.optim.Adam(learner.generator.head.parameters())
    with pytest.raises(ValueError, match="trunk") as error:
        meta_train(learner, family.train, 5, optimizer=optimizer, rng=rng, progress=False)
    assert "learner.parameters()" in str(error.value)


def test_a_learner_with_nothing_to_learn_is_refused(family):
    learner = make()[0].requires_grad_(False)
    with pytest.raises(ValueError, match="Hypernetwork has no parameter that takes a gradient"):
        meta_train(learner, family.train, 5, progress=False)


@pytest.mark.parametrize(
    "loss",
    [
        lambda p, y: (p.detach() - y).square().mean(),
        lambda p, y: (p.data - y).square().mean(),
        lambda p, y: y.square().mean(),
        lambda p, y: (y * torch.ones((), requires_grad=True)).mean(),  # a gradient, but of something else
    ],
)
def test_a_loss_that_does_not_depend_on_what_is_learned_is_refused(family, loss):
    learner = SharedWeights(MainNetwork.mlp([1, 8, 1], loss=loss))
    before = learner.theta_0.detach().clone()
    with pytest.raises(ValueError, match="the loss does not depend on what SharedWeights learns: its gradient is cut"):
        meta_train(learner, family.train, 5, progress=False)
    assert torch.equal(before, learner.theta_0)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"max_norm": 0.0}, "max_norm must be above 0"),
        ({"max_norm": "large"}, "max_norm must be above 0"),
        ({"schedule": "cosine"}, "the schedule is a str"),
        ({"steps": 0}, "steps must be a whole number of at least 1"),
        ({"checkpoint_every": 0}, "checkpoint_every must be a whole number of at least 1"),
    ],
)
def test_a_setting_that_cannot_be_gets_a_sentence(family, options, words):
    with pytest.raises(ValueError, match=words):
        meta_train(make()[0], family.train, **{"steps": 2, "progress": False} | options)


def test_a_schedule_belongs_to_the_optimizer_and_takes_the_place_of_annealing(family):
    learner, optimizer, _ = make()
    other = torch.optim.Adam(learner.parameters(), lr=1e-3)
    for options in (
        {"schedule": lr_scheduler.StepLR(other, 3)},
        {"schedule": lr_scheduler.StepLR(other, 3), "optimizer": optimizer},
        {"schedule": lr_scheduler.StepLR(optimizer, 3), "optimizer": optimizer, "anneal": True},
    ):
        with pytest.raises(ValueError, match="schedule must be one of the optimizer that is given too"):
            meta_train(learner, family.train, 5, progress=False, **options)


def test_what_is_stepped_with_more_than_step_is_refused_before_the_training(family):
    learner, optimizer, _ = make()
    lbfgs = torch.optim.LBFGS(learner.parameters())
    plateau = lr_scheduler.ReduceLROnPlateau(optimizer)
    for options, words in (
        ({"optimizer": lbfgs}, "the optimizer is a LBFGS"),
        ({"optimizer": optimizer, "schedule": plateau}, "the schedule is a ReduceLROnPlateau"),
    ):
        with pytest.raises(ValueError, match=words):
            meta_train(learner, family.train, 5, progress=False, **options)
    assert same(learner, make()[0])


class Onlooker:
    """Stands for a live figure: it takes random numbers and notes what it is shown; `seconds` on a clock that is not real."""

    def __init__(self, learner, seconds=0.0):
        self.learner, self.seconds, self.now, self.looks = learner, seconds, 0.0, []

    def redraw(self, history):
        torch.rand(3)
        self.now += self.seconds
        self.looks.append((history.steps, self.learner.training))


def test_a_training_that_is_watched_is_the_same_training(family, monkeypatch):
    monkeypatch.setattr(training.time, "perf_counter", lambda: 0.0)

    def parts():
        torch.manual_seed(0)
        main = MainNetwork.mlp([1, 8, 1])
        learner = SharedWeights(main)
        learner.noise = nn.Dropout(0.5)
        learner.register_forward_hook(lambda module, given, theta: module.noise(theta))
        return learner, torch.optim.Adam(learner.parameters(), lr=1e-3), seeded(1)

    alone, history = train(family, 20, parts)
    learner, optimizer, rng = parts()
    onlooker = Onlooker(learner)
    watched = meta_train(learner, family.train, 20, optimizer=optimizer, rng=rng, progress=False, watch=onlooker)
    assert same(alone, learner)
    assert watched.loss == history.loss
    assert onlooker.looks[0] == (1, False), "after the first step, as it is used"
    assert onlooker.looks[-1] == (20, False)
    assert len(onlooker.looks) == 21, "what takes no time is done after each step, and once more at the end"


def test_watching_takes_a_twentieth_of_the_time_at_most(family, monkeypatch):
    learner, optimizer, rng = make()
    onlooker = Onlooker(learner, seconds=1.0)
    monkeypatch.setattr(training.time, "perf_counter", lambda: onlooker.now)
    step = training._Run.meta_step

    def meta_step(self, good):
        onlooker.now += 0.5
        step(self, good)

    monkeypatch.setattr(training._Run, "meta_step", meta_step)
    meta_train(learner, family.train, 400, optimizer=optimizer, rng=rng, progress=False, watch=onlooker)
    looks = [steps for steps, _ in onlooker.looks]
    assert len(looks) > 5
    assert looks[-1] == 400
    assert len(looks) - 1 <= 0.05 * onlooker.now, "each takes a second"


@pytest.mark.parametrize("end", [signal.SIGINT, None])
def test_whatever_ends_a_training_its_last_state_is_shown(family, monkeypatch, end):
    learner, optimizer, rng = make()
    onlooker = Onlooker(learner, seconds=1.0)
    monkeypatch.setattr(training.time, "perf_counter", lambda: onlooker.now)

    def stop():
        if end is None:
            raise RuntimeError("no more tasks")
        signal.raise_signal(end)

    when_asked(monkeypatch, family.train, 7, stop)
    ends = contextlib.nullcontext() if end else pytest.raises(RuntimeError)
    with ends:
        meta_train(learner, family.train, 50, optimizer=optimizer, rng=rng, progress=False, watch=onlooker)
    assert [steps for steps, _ in onlooker.looks] == [1, 7 if end else 6]


def test_what_cannot_be_redrawn_is_refused(family):
    with pytest.raises(ValueError, match="a live figure"):
        train(family, 1, watch=object())


def test_a_live_figure_is_redrawn_with_the_history(family):
    learner, optimizer, rng = make()
    figure, (axes,) = figures.subplots(width=2, height=2)
    (curve,) = axes.plot([])
    view = live.interact(
        figure, lambda a, history: curve.set_data([0, a], [0, 0]) or f"{history.steps if history else 0} steps", a=(0, 9)
    )
    assert view.sentence == "0 steps"
    meta_train(learner, family.train, 3, optimizer=optimizer, rng=rng, progress=False, watch=view)
    assert view.sentence == "3 steps"
    view.controls["a"].value = 7
    assert view.sentence == "3 steps", "the sliders move what was learned"


class OfNothing(Learner):
    """θ = 0, or what a module says that takes no number."""

    def __init__(self, main, part=None):
        super().__init__(main)
        self.part = part

    def start(self, descriptor, support):
        zeros = torch.zeros(self.main.weight_dim)
        return zeros if self.part is None else self.part(zeros[:1].long().expand(len(descriptor)))


class Weight(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(()))

    def forward(self, learner, tasks, theta):
        return self.weight.square()


def test_a_penalty_may_be_all_that_is_trained(family):
    penalty = Weight()
    meta_train(OfNothing(MainNetwork.mlp([1, 1])), family.train, 3, penalties={penalty: 1.0}, progress=False)
    assert penalty.weight < 1


def test_complex_parameters_say_nothing_of_the_dtype_of_examples(family):
    class Complex(nn.Embedding):
        def forward(self, number):
            return self.weight.real[number]

    part = Complex(1, 2, dtype=torch.complex64)
    before = part.weight.detach().clone()
    meta_train(OfNothing(MainNetwork.mlp([1, 1]), part), family.train, 3, progress=False)
    assert (part.weight.real != before.real).all()


def test_a_sparse_gradient_gets_a_sentence(family):
    learner = OfNothing(MainNetwork.mlp([1, 1]), nn.Embedding(3, 2, sparse=True))
    optimizer = torch.optim.SparseAdam(learner.parameters())
    with pytest.raises(ValueError, match="sparse=False"):
        meta_train(learner, family.train, 1, optimizer=optimizer, progress=False)


@pytest.mark.parametrize("kind", [HyperMAML, SupportSetHypernetwork])
def test_what_a_learner_computes_of_good_tasks_is_its_own_where_it_is_not_finite(family, kind, tmp_path):
    """A code that overflowed was refused as metadata that are missing, and the learner kept the weights that led to it."""
    learner = kind(MainNetwork.mlp([1, 8, 1]), rng=seeded(0))
    optimizer, options = torch.optim.SGD(learner.parameters(), lr=1e14), {"max_norm": None, "anneal": False, "progress": False}
    before = copy.deepcopy(learner)
    with pytest.raises(FloatingPointError, match=r"became NaN or infinite \(τ\) at step 2.* keeps its last good weights"):
        meta_train(
            learner,
            family.train,
            9,
            optimizer=optimizer,
            rng=seeded(1),
            checkpoint=tmp_path / "run",
            checkpoint_every=1,
            **options,
        )
    assert same(learner, before)
    load_checkpoint(tmp_path / "run", before)
    assert same(learner, before)


@pytest.mark.parametrize("kind", [MAML, HyperMAML, SupportSetHypernetwork, lambda main: make(main=main)[0]])
def test_tasks_may_be_made_in_inference_mode(family, kind):
    """By a network, say, that turns what was measured into x and τ."""

    class Made(TaskSet):
        def sample(self, **sizes):
            with torch.inference_mode():
                return family.train.sample(**sizes)

    learner = kind(MainNetwork.mlp([1, 8, 1]))
    other, options = copy.deepcopy(learner), {"progress": False, "penalties": {WeightNorm(): 0.1}}
    meta_train(learner, Made(), 2, 3, rng=seeded(0), **options)
    meta_train(other, family.train, 2, 3, rng=seeded(0), **options)
    assert same(learner, other)
