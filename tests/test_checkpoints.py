"""A checkpoint is whole or not there, goes on bit for bit, and is refused unless it computes the same."""

import copy
import json
import math
import os
import signal
import subprocess
import sys
import textwrap
import threading
from collections import UserDict, deque
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas
import pytest
import safetensors.torch
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.optim import lr_scheduler

from hyperedu import (
    ANIL,
    MAML,
    AttentionGenerator,
    ColoradoClimate,
    Described,
    FirstOrderMAML,
    Hypernetwork,
    Learned,
    MainNetwork,
    MLPGenerator,
    NoisyDescriptors,
    OutputRegularizer,
    Penalty,
    Sensitivity,
    SharedWeights,
    Sinusoids,
    WeightNorm,
    load_checkpoint,
    meta_train,
    save_checkpoint,
)
from hyperedu.facts import difference, facts
from hyperedu.lessons.task_descriptors.phrases import WavesInWords


def seeded(seed):
    return torch.Generator().manual_seed(seed)


def mlp(**options):
    return MainNetwork.mlp([1, 8, 1], **options)


def make(seed=0, main=None, kind=torch.optim.Adam, **options):
    """A learner, its optimizer and its source of tasks."""
    main = main or mlp()
    learner = Hypernetwork(main, MLPGenerator(2, main, hidden=(8,), rng=seeded(seed)))
    return learner, kind(learner.parameters(), **({"lr": 1e-3} | options)), seeded(seed + 1)


def train(family, steps, parts=make, **kwargs):
    learner, optimizer, rng = parts()
    settings = {"optimizer": optimizer, "rng": rng, "progress": False} | kwargs
    return learner, meta_train(learner, family.train, steps, **settings)


def same(one, other):
    return all(torch.equal(a, b) for a, b in zip(one.state_dict().values(), other.state_dict().values(), strict=True))


class Stop(Exception):
    """What stands for a power cut."""


def cut():
    raise Stop


def when_asked(patch, tasks, n, action):
    """`action` is called when batch number n is asked for."""
    asked, sample = [], type(tasks).sample

    def counting(self, *args, **kwargs):
        asked.append(None)
        if len(asked) == n:
            action()
        return sample(self, *args, **kwargs)

    patch.setattr(type(tasks), "sample", counting)


# --- going on ---------------------------------------------------------------------------------------------------------


class Running(Penalty):
    """A penalty with a number that is learned and one that it remembers, which is another tensor after each step."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))
        self.register_buffer("mean", torch.zeros(()))

    def forward(self, learner, tasks, theta, rng=None):
        self.mean = 0.9 * self.mean + 0.1 * theta.detach().square().mean()
        return (theta.square().mean() - self.scale * self.mean).square()


def dropped():
    return MainNetwork.from_module(nn.Sequential(nn.Linear(1, 8), nn.Tanh(), nn.Dropout(0.3), nn.Linear(8, 1)))


RESUMED = {
    "Adam": lambda seed: (*make(seed), {}),
    "AdamW": lambda seed: (*make(seed, kind=torch.optim.AdamW), {}),
    "SGD with momentum": lambda seed: (*make(seed, kind=torch.optim.SGD, momentum=0.9), {}),
    "a rate that is a tensor": lambda seed: (*make(seed, lr=torch.tensor(1e-3)), {}),
    "dropout in the main network": lambda seed: (*make(seed, dropped()), {}),
    "penalties": lambda seed: (*make(seed)[::2], {Running(): 0.1, Sensitivity(): 0.1, Running(): 0.3}),
}


@pytest.mark.parametrize("name", RESUMED)
def test_a_resumed_training_ends_bit_for_bit_where_an_uninterrupted_one_does(family, tmp_path, name, monkeypatch):
    def run(seed, **saving):
        torch.manual_seed(seed)  # of the module that a main network is made from, and of dropout
        *parts, penalties = RESUMED[name](seed)
        learner, rng = parts[0], parts[-1]
        optimizer = parts[1] if len(parts) == 3 else None
        history = meta_train(
            learner, family.train, 30, 8, optimizer=optimizer, rng=rng, penalties=penalties, progress=False, **saving
        )
        return [learner, *(p for p in penalties if isinstance(p, nn.Module))], history

    parts, history = run(0)
    saving = {"checkpoint": tmp_path / "run.safetensors", "checkpoint_every": 10}
    with monkeypatch.context() as patch:
        when_asked(patch, family.train, 26, cut)
        with pytest.raises(Stop):
            run(0, **saving)
    # Nothing of what is given now matters but its shape: everything is in the file of step 20.
    resumed, again = run(5, **saving)
    assert all(same(one, other) for one, other in zip(parts, resumed, strict=True))
    assert again.loss == history.loss
    assert again.seconds > 0


def test_a_killed_process_loses_nothing_but_the_steps_since_the_last_checkpoint(family, tmp_path):
    path = tmp_path / "run.safetensors"
    script = f"""
        import os, signal, sys
        sys.path.insert(0, {os.path.dirname(__file__)!r})
        from pytest import MonkeyPatch
        from hyperedu import Sinusoids, meta_train
        from test_checkpoints import make, when_asked
        learner, optimizer, rng = make()
        tasks = Sinusoids().train
        when_asked(MonkeyPatch(), tasks, 26, lambda: os.kill(os.getpid(), 9))
        meta_train(learner, tasks, 40, optimizer=optimizer, rng=rng,
                   checkpoint={str(path)!r}, checkpoint_every=10, progress=False)
    """
    killed = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], timeout=120)
    assert killed.returncode in (-9, 9)  # of SIGKILL, or of Windows, which has no signals
    assert load_checkpoint(path, make()[0]).steps == 20
    whole, _ = train(family, 40)
    resumed, _ = train(family, 40, checkpoint=path)
    assert same(resumed, whole)
    assert list(tmp_path.iterdir()) == [path], "the file is written beside its place and moved: nothing may be left over"


def test_a_training_that_was_stopped_goes_on_bit_for_bit(family, tmp_path, monkeypatch):
    path = tmp_path / "run.safetensors"
    with monkeypatch.context() as patch:
        when_asked(patch, family.train, 8, lambda: signal.raise_signal(signal.SIGINT))
        _, history = train(family, 40, checkpoint=path)
    assert history.interrupted
    assert history.steps == load_checkpoint(path, make()[0]).steps == 8  # the step that had begun is ended
    whole, expected = train(family, 40)
    resumed, history = train(family, 40, checkpoint=path)
    assert same(resumed, whole)
    assert history.loss == expected.loss
    assert not history.interrupted


def test_a_training_that_is_at_its_end_takes_no_step(family, tmp_path):
    path = tmp_path / "run.safetensors"
    whole, history = train(family, 5, checkpoint=path)
    again, found = train(family, 5, lambda: make(seed=4), checkpoint=path)
    assert same(again, whole)
    assert found.loss == history.loss


def test_what_cannot_be_written_is_said_after_the_first_step(family, tmp_path):
    """Not after the 500th, when much was learned that would be lost."""

    class Remembering(torch.optim.SGD):
        def step(self, closure=None):
            super().step()
            for p in self.param_groups[0]["params"]:
                self.state[p]["old"] = [p.detach().clone()]

    learner, optimizer, rng = make(kind=Remembering)
    losses = []
    counted = lambda learner, tasks, theta: (losses.append(None), theta.sum() * 0)[1]  # noqa: E731
    with pytest.raises(ValueError, match=r"Remembering keeps a list.*old.*without one"):
        meta_train(
            learner, family.train, 20, optimizer=optimizer, rng=rng, penalties={counted: 1.0}, progress=False,
            checkpoint=tmp_path / "run.safetensors",
        )  # fmt: skip
    assert len(losses) == 1
    assert list(tmp_path.iterdir()) == []


def test_an_optimizer_may_remember_numbers_and_texts(family, tmp_path):
    """An optimizer of a reader's own, that counts in Python and keeps a tensor that does not lie in a row."""

    class Counting(torch.optim.Optimizer):
        def __init__(self, params, lr):
            super().__init__(params, {"lr": lr})

        @torch.no_grad()
        def step(self, closure=None):
            for group in self.param_groups:
                for p in group["params"]:
                    state = self.state[p]
                    state["n/0"] = state.get("n/0", 0) + 1
                    state["mode"], state["last"], state["none"] = "odd" * (state["n/0"] % 2), p.grad.clone().mT, None
                    p.sub_(p.grad, alpha=group["lr"] / list(range(1, state["n/0"] + 1))[-1])

    path = tmp_path / "run.safetensors"
    main = MainNetwork.mlp([1, 8, 1])

    def parts(seed=0):
        learner = Hypernetwork(main, MLPGenerator(2, main, hidden=(8,), rng=seeded(seed)))
        for p in [p for p in learner.parameters() if p.ndim < 2]:
            p.requires_grad_(False)
        return learner, Counting([p for p in learner.parameters() if p.requires_grad], lr=0.1), seeded(1)

    whole, _ = train(family, 7, parts, anneal=False)
    train(family, 3, parts, anneal=False, checkpoint=path)
    learner, optimizer, rng = parts(2)
    meta_train(learner, family.train, 7, optimizer=optimizer, rng=rng, anneal=False, checkpoint=path, progress=False)
    assert same(learner, whole)
    state = optimizer.state[optimizer.param_groups[0]["params"][0]]
    assert type(state["n/0"]) is int
    assert (state["n/0"], state["mode"], state["none"]) == (7, "odd", None)


# --- what is in a file ------------------------------------------------------------------------------------------------


def test_a_checkpoint_gives_back_a_learner(tmp_path):
    learner, path = make()[0], tmp_path / "folder" / "learner.safetensors"
    save_checkpoint(path, learner)
    other = make(seed=3)[0]
    assert not same(learner, other)
    assert load_checkpoint(path, other).steps == 0
    assert same(learner, other)


def test_a_checkpoint_gives_back_the_history_of_the_training(tmp_path, family):
    path = tmp_path / "run.safetensors"
    _, history = train(family, 5, checkpoint=path)
    found = load_checkpoint(path, make()[0])
    assert (found.loss, found.accuracy, found.seconds) == (history.loss, [], history.seconds)


class Buffers(SharedWeights):
    """A learner with numbers of many kinds."""

    def __init__(self, main):
        super().__init__(main)
        one = nn.Linear(2, 2)
        self.one, self.other = one, one  # two names for one module
        self.tied = nn.Linear(2, 2)
        self.tied.weight = one.weight
        self.register_buffer("coarse", torch.arange(3.0).bfloat16())
        self.register_buffer("whole", torch.tensor([2**53 + 1]))
        self.register_buffer("turned", torch.arange(6.0).reshape(2, 3).mT)
        self.register_buffer("view", self.turned[1:])


def test_numbers_of_every_kind_and_under_two_names_are_given_back(tmp_path):
    path, learner = tmp_path / "learner.safetensors", Buffers(mlp())
    save_checkpoint(path, learner)
    other = Buffers(mlp())
    with torch.no_grad():
        other.coarse.zero_()
        other.whole.zero_()
        other.turned.zero_()
    load_checkpoint(path, other)
    assert same(learner, other)
    assert other.coarse.dtype == torch.bfloat16
    assert other.whole.item() == 2**53 + 1
    assert other.one is other.other
    assert other.tied.weight is other.one.weight


def damaged(tmp_path, what):
    learner, optimizer, rng = make()
    path = tmp_path / "run.safetensors"
    train(Sinusoids(), 5, checkpoint=path)
    about = json.loads(safetensors.safe_open(path, "pt").metadata()["facts"])
    run = about["run"]
    if what == "truncated":
        path.write_bytes(path.read_bytes()[:-100])
    elif what == "empty":
        path.write_bytes(b"")
    elif what == "text":
        path.write_text("not a checkpoint", encoding="utf-8")
    elif what == "foreign":
        save_file({"a": torch.zeros(3)}, path)
    elif what == "other learner":
        save_checkpoint(path, SharedWeights(learner.main), run=run)
    elif what == "other size":
        main = MainNetwork.mlp([1, 9, 1])
        save_checkpoint(path, Hypernetwork(main, MLPGenerator(2, main, hidden=(8,))), run=run)
    elif what == "other trunk":
        save_checkpoint(path, Hypernetwork(learner.main, MLPGenerator(2, learner.main, hidden=(9,))), run=run)
    elif what == "other optimizer":
        save_checkpoint(path, learner, torch.optim.SGD(learner.parameters()), rng, run=run)
    elif what == "other groups":
        groups = [{"params": [p]} for p in learner.parameters()]
        save_checkpoint(path, learner, torch.optim.Adam(groups), rng, run=run)
    elif what == "other order":
        save_checkpoint(path, learner, torch.optim.Adam(list(learner.parameters())[::-1]), rng, run=run)
    elif what == "other memory":
        save_checkpoint(path, learner, torch.optim.Adam(learner.parameters(), amsgrad=True), rng, run=run)
    elif what == "learner only":
        save_checkpoint(path, learner, run=run)
    elif what == "no source":
        save_checkpoint(path, learner, optimizer, run=run)
    elif what == "other run":
        save_checkpoint(path, learner, optimizer, rng, run=run | {"shots": 5})
    return path


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("truncated", ["truncated", "delete it"]),
        ("empty", ["truncated", "delete it"]),
        ("text", ["not a safetensors file"]),
        ("foreign", ["not written by hyperedu"]),
        ("other learner", ["SharedWeights", "Hypernetwork", "another path"]),
        ("other size", ["another learner", "8", "9"]),
        ("other trunk", ["generator.trunk", "9 in the file", "8 here"]),
        ("other optimizer", ["SGD", "Adam"]),
        ("other groups", ["groups of [1, 1, 1, 1]", "[4]"]),
        ("other order", ["another order", "learner/generator.head.bias in the file"]),
        ("other memory", ["0.amsgrad: True in the file, False here"]),
        ("learner only", ["no optimizer"]),
        ("no source", ["no state of a source of randomness"]),
        ("other run", ["shots: 5 in the file, 10 here"]),
    ],
)
def test_a_checkpoint_of_something_else_is_refused_and_changes_nothing(family, tmp_path, what, words):
    path = damaged(tmp_path, what)
    learner, optimizer, rng = make(seed=2)
    before, state = make(seed=2)[0], rng.get_state()
    with pytest.raises(ValueError) as error:  # noqa: PT011, the words are checked below
        meta_train(learner, family.train, 5, optimizer=optimizer, rng=rng, checkpoint=path, progress=False)
    assert all(word in str(error.value) for word in [*words, path.name]), str(error.value)
    assert same(learner, before)
    assert not optimizer.state
    assert torch.equal(rng.get_state(), state)


def test_the_optimizer_can_be_saved_without_a_source_of_randomness(tmp_path, family):
    path = tmp_path / "learner.safetensors"
    learner, optimizer, _ = make()
    learner(torch.zeros(1, 2)).sum().backward()
    optimizer.step()
    save_checkpoint(path, learner, optimizer)
    twin, other, rng = make(seed=1)
    load_checkpoint(path, twin, other)
    moments = [[o.state_dict()["state"][i]["exp_avg"] for i in range(4)] for o in (optimizer, other)]
    assert all(torch.equal(a, b) for a, b in zip(*moments, strict=True))
    with pytest.raises(ValueError, match="leave out rng"):
        load_checkpoint(path, learner, rng=rng)


def test_a_missing_checkpoint_says_where_it_was_looked_for(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nothing\.safetensors"):
        load_checkpoint(tmp_path / "nothing.safetensors", make()[0])


# --- C7: what changes the function computed is among the facts -------------------------------------------------------

DELTA = 1.0


def huber(prediction, y):
    return nn.functional.huber_loss(prediction, y, delta=DELTA)


def powered(p):
    return lambda prediction, y: (prediction - y).abs().pow(p).mean()


def power(prediction, y, p=1.0):
    return (prediction - y).abs().pow(p).mean()


class Power:
    """A loss of a reader's own that is an object; and its method, which is one too."""

    def __init__(self, p):
        self.p = p

    def __call__(self, prediction, y):
        return power(prediction, y, self.p)


def weighted(*weights):
    return nn.CrossEntropyLoss(weight=torch.tensor(weights))


def module(p=0.0, last=nn.Identity, shift=0.0):
    layers = nn.Sequential(nn.Linear(1, 8), nn.ReLU(), nn.Dropout(p), nn.Linear(8, 1), last())
    layers.register_buffer("shift", torch.full((30,), shift))
    return MainNetwork.from_module(layers)


def convolved(padding):
    layers = nn.Sequential(nn.Conv2d(1, 2, 3, padding=padding), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2, 2))
    return MainNetwork.from_module(layers, input_dims=3)


def written(main=None, **options):
    main = main or mlp()
    return Hypernetwork(main, MLPGenerator(2, main, hidden=(4,), **options))


def attending(heads):
    return Hypernetwork(main := mlp(), AttentionGenerator(2, main, dim=8, heads=heads, layers=1, rank=2))


def two(*losses):
    """The same learner with each of two losses."""
    return [lambda loss=loss: SharedWeights(mlp(loss=loss)) for loss in losses]


W = "0.weight"
OTHER_LEARNERS = {
    "activation": (lambda: SharedWeights(mlp()), lambda: SharedWeights(mlp(activation="tanh")), "main.activation: relu"),
    "loss by name": (*two("squared_error", "cross_entropy"), "main.loss_kind: squared_error"),
    "loss as a function": (*two("squared_error", nn.functional.l1_loss), "main.loss_kind"),
    "other function": (*two(nn.functional.smooth_l1_loss, nn.functional.l1_loss), "smooth_l1_loss in the file, l1_loss here"),
    "lambdas": (*two(lambda p, y: (p - y).abs().mean(), lambda p, y: (p - y).abs().max()), "main.loss_kind: <lambda>"),
    "a number in a closure": (*two(powered(1.0), powered(2.0)), "p: 1.0 in the file, 2.0 here"),
    "a default": (*two(power, lambda p, y: power(p, y)), "main.loss_kind"),
    "a loss that is an object": (*two(Power(1.0), Power(2.0)), "main.loss_kind.p: 1.0"),
    "a loss that is a method": (*two(Power(1.0).__call__, Power(2.0).__call__), "self.p: 1.0"),
    "a loss that is a module": (*two(nn.HuberLoss(delta=1.0), nn.HuberLoss(delta=2.0)), "main.loss_kind.delta"),
    "weights of classes": (*two(weighted(1.0, 2.0), weighted(2.0, 1.0)), "main.loss_kind.weight"),
    "y_mean": (lambda: SharedWeights(mlp(y_mean=1.0)), lambda: SharedWeights(mlp(y_mean=2.0)), "main.y_mean: 1.0"),
    "y_std": (lambda: SharedWeights(mlp(y_std=0.1)), lambda: SharedWeights(mlp(y_std=0.11)), "main.y_std"),
    "y_mean as a tensor": (
        lambda: SharedWeights(mlp(y_mean=torch.tensor([3.0]))), lambda: SharedWeights(mlp(y_mean=torch.tensor([4.0]))),
        "main.y_mean.0: 3.0 in the file, 4.0",
    ),
    "y_std of numpy": (
        lambda: SharedWeights(mlp(y_std=np.float32(2))), lambda: SharedWeights(mlp(y_std=np.float32(3))), "y_std: 2.0",
    ),
    "inner steps": (lambda: MAML(mlp(), 1), lambda: MAML(mlp(), 2), "inner_steps: 1 in the file, 2 here"),
    "rate": (lambda: MAML(mlp(), 1, 0.01), lambda: MAML(mlp(), 1, 0.02), "rates.fixed.0: 0.01"),
    "rates by name": (lambda: MAML(mlp(), 1, {W: 0.1}), lambda: MAML(mlp(), 1, {W: 0.2}), "rates.fixed.0: 0.1"),
    "names of rates": (lambda: MAML(mlp(), 1, {W: 0.1}), lambda: MAML(mlp(), 1, {"2.weight": 0.1}), "rates.names.0"),
    "the head that adapts": (lambda: ANIL(mlp()), lambda: ANIL(mlp(), head=["2.weight"]), "rates.names"),
    "the order": (lambda: MAML(mlp()), lambda: MAML(mlp(), first_order=True), "first_order: False in the file, True here"),
    "the kind": (lambda: MAML(mlp()), lambda: FirstOrderMAML(mlp()), "MAML in the file, FirstOrderMAML here"),
    "no inner steps": (lambda: SharedWeights(mlp()), lambda: SharedWeights(mlp(), steps=3), "inner_steps: 0"),
    "the trunk's activation": (written, lambda: written(activation="relu"), "generator.trunk.activation: gelu"),
    "magnitudes": (written, lambda: written(magnitude_invariant=True), "generator.magnitude_invariant"),
    "heads": (lambda: attending(2), lambda: attending(4), "heads: 2 in the file, 4 here"),
    "names in a table": (
        lambda: Hypernetwork(main := mlp(), MLPGenerator(3, main), Learned(["a", "b"], 3)),
        lambda: Hypernetwork(main := mlp(), MLPGenerator(3, main), Learned(["b", "a"], 3)), "encoder.names.0: a",
    ),
    "dropout": (lambda: written(module(0.1)), lambda: written(module(0.2)), "p: 0.1 in the file, 0.2 here"),
    "a layer without weights": (lambda: written(module()), lambda: written(module(last=nn.Tanh)), "Identity in the file, Tanh"),
    "buffers": (lambda: written(module()), lambda: written(module(shift=1.0)), "shift"),
    "padding": (lambda: SharedWeights(convolved(0)), lambda: SharedWeights(convolved(1)), "padding.0: 0"),
}  # fmt: skip


@pytest.mark.parametrize("name", OTHER_LEARNERS)
def test_a_checkpoint_is_refused_where_the_learner_computes_something_else(name, tmp_path):
    one, other, words = OTHER_LEARNERS[name]
    path = tmp_path / "learner.safetensors"
    save_checkpoint(path, one())
    learner = other()
    before = copy.deepcopy(learner.state_dict())
    with pytest.raises(ValueError, match="holds another learner") as error:
        load_checkpoint(path, learner)
    assert words in str(error.value)
    assert all(torch.equal(before[key], value) for key, value in learner.state_dict().items())
    save_checkpoint(path, other())
    with pytest.raises(ValueError, match="holds another learner"):
        load_checkpoint(path, one())


@pytest.mark.parametrize("name", OTHER_LEARNERS)
def test_a_learner_made_anew_takes_the_checkpoint_in_any_precision(name, tmp_path):
    path = tmp_path / "learner.safetensors"
    for make_one in OTHER_LEARNERS[name][:2]:
        learner = make_one()
        save_checkpoint(path, learner)
        for other in (make_one(), make_one().double(), make_one().eval()):
            load_checkpoint(path, other)
            assert all(torch.equal(a, b) for a, b in zip(learner.parameters(), other.float().parameters(), strict=True))
        assert facts(make_one().to("meta")) == facts(learner)
        save_checkpoint(path, learner.double())
        load_checkpoint(path, make_one())


def test_a_number_outside_a_function_belongs_to_it(tmp_path, monkeypatch):
    path = tmp_path / "learner.safetensors"
    save_checkpoint(path, SharedWeights(mlp(loss=huber)))
    load_checkpoint(path, SharedWeights(mlp(loss=huber)))
    monkeypatch.setattr(sys.modules[__name__], "DELTA", 2.0)
    with pytest.raises(ValueError, match=r"DELTA: 1\.0 in the file, 2\.0 here"):
        load_checkpoint(path, SharedWeights(mlp(loss=huber)))


COUNT = 0


def test_what_a_function_counts_is_no_fact_of_it():
    """A variable that the function itself sets changes from call to call, and so does a list."""
    seen, calls = [], 0

    def counting(learner, tasks, theta):
        global COUNT
        nonlocal calls
        COUNT, calls = COUNT + 1, calls + 1
        seen.append(calls)
        return theta.mean()

    before = facts(counting)
    counting(None, None, torch.zeros(2))
    assert (COUNT, calls, seen) == (1, 1, [1])
    assert facts(counting) == before


def test_a_lambda_is_told_by_itself_and_not_by_the_line_it_stands_in():
    one = eval("(lambda p, y: (p - y).abs().mean(), 100)[0]")
    other = eval("(lambda p, y: (p - y).abs().mean(),    200)[0]")
    assert facts(one) == facts(other) != facts(eval("(lambda p, y: (p + y).abs().mean(), 100)[0]"))


def test_facts_of_what_is_not_of_this_package():
    assert facts({"a": (np.arange(3), np.bool_(True), {2, 1})}) == {"a": [[0, 1, 2], True, ["1", "2"]]}
    assert facts(torch.arange(17.0)) != facts(torch.arange(17.0) + 1)
    assert isinstance(facts(torch.arange(17.0)), str)
    assert facts(list(range(65))) != facts(list(range(1, 66)))
    mutual = Power(1.0)
    mutual.other = mutual
    methods = facts(Power(2.0))["methods"]
    assert facts(mutual) == {"class": "Power", "methods": methods, "p": 1.0, "other": "Power"}
    assert facts(datetime(2024, 1, 1)) == "datetime.datetime(2024, 1, 1, 0, 0)"
    assert "methods" not in facts(UserDict(a=1))
    assert json.loads(json.dumps(facts(WavesInWords(n_train=70, n_test=70).train)))


def read_from_a_notebook(wave):
    """An encoder of the reader's own, made anew by a cell that was changed and run again."""

    class Wave(nn.Module):
        def forward(self, tau):
            return torch.sin(tau) if wave == "sin" else torch.cos(tau)

    class Changed(nn.Module):
        def forward(self, tau):
            return torch.cos(tau)

    Changed.__name__ = "Wave"
    kind = Wave if wave == "sin" else Changed
    return Hypernetwork(main := mlp(), MLPGenerator(2, main, hidden=(4,)), kind())


def test_a_class_of_ones_own_is_told_by_its_methods(tmp_path):
    path = tmp_path / "learner.safetensors"
    save_checkpoint(path, read_from_a_notebook("sin"))
    load_checkpoint(path, read_from_a_notebook("sin"))
    with pytest.raises(ValueError, match=r"encoder\.module\.methods"):
        load_checkpoint(path, read_from_a_notebook("cos"))
    about = {"class": "Wave"}
    assert difference(about, about | {"methods": "a"}) is None, "an older file does not tell them"
    assert difference(about | {"methods": "a"}, about) is None


@dataclass(slots=True)
class Slotted:
    a: int


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (range(3), range(5)),
        (b"a", b"b"),
        (1j, 2j),
        (Path("a"), Path("b")),
        (torch.float32, torch.float64),
        (Decimal(1), Decimal(2)),
        (date(2024, 1, 1), date(2024, 1, 2)),
        (deque([1]), deque([2])),
        (Slotted(1), Slotted(2)),
        (pandas.Timestamp("2024-01-01"), pandas.Timestamp("2024-01-02")),
        (pandas.DataFrame({"a": [1, 2]}), pandas.DataFrame({"a": [1, 3]})),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_keeps_no_attributes_says_itself(one, other):
    assert facts(one) == facts(copy.copy(one)) != facts(other)
    json.dumps(facts({"held": one}))


def test_an_object_that_can_only_say_where_it_is_says_its_class():
    assert facts(np.random.default_rng(0)) == facts(np.random.default_rng(1)) == {"class": "Generator"}


def test_the_difference_of_two_facts_in_words():
    assert difference({"a": [1, {"b": 2}]}, {"a": [1, {"b": 3}]}) == "a.1.b: 2 in the file, 3 here"
    assert difference({"a": 1}, {}) == "a is only in the file"
    assert difference({}, {"a": 1}) == "a is only in this one"
    assert difference({"a": [1]}, {"a": [1, 2]}) == "a: [1] in the file, [1, 2] here"
    assert difference({"a": math.nan, "b": 1.0000001, "c": 0}, {"a": math.nan, "b": 1.0, "c": 0.0}) is None
    assert difference({"a": 1.001}, {"a": 1.0})
    assert difference({"a": 100_000}, {"a": 100_001}), "whole numbers are never equal in part"
    assert difference({"a": math.nan}, {"a": 0.0})
    assert difference({"a": "x" * 200}, {"a": "y"}).count("x") == 77


def climate(**options):
    return lambda: ColoradoClimate(**options).train


def tau_twice(tasks):
    return tasks.descriptor


def tau_turned(tasks):
    return tasks.descriptor.flip(-1)


OTHER_RUNS = {
    "shots": ({}, {"shots": 5}, "shots: 10 in the file, 5 here"),
    "queries": ({}, {"queries": 5}, "queries: 10"),
    "tasks per step": ({}, {"tasks_per_step": 5}, "n_tasks: 4 in the file, 5"),
    "the largest norm": ({}, {"max_norm": None}, "max_norm: 10.0 in the file, None here"),
    "annealing": ({}, {"anneal": True}, "anneal: False in the file, True here"),
    "the end of annealing": ({"anneal": True}, {"anneal": True}, "steps: 2 in the file, 4 here"),
    "penalties": ({"penalties": {WeightNorm(): 0.1}}, {"penalties": {WeightNorm(): 0.2}}, "0.1 in the file, 0.2"),
    "amplitudes": ({}, {"tasks": lambda: Sinusoids(amplitude=(0.1, 4.0)).train}, "tasks.family.amplitude.1: 5.0"),
    "inputs": ({}, {"tasks": lambda: Sinusoids(x=(-4.0, 5.0)).train}, "tasks.family.x.0: -5.0"),
    "the test set": ({}, {"tasks": lambda: Sinusoids().test}, "tasks."),
    "noise": (
        {"tasks": lambda: NoisyDescriptors(Sinusoids().train, 0.1)},
        {"tasks": lambda: NoisyDescriptors(Sinusoids().train, 0.2)}, "tasks.low: 0.1",
    ),
    "a description": (
        {"tasks": lambda: Described(Sinusoids().train, tau_twice)},
        {"tasks": lambda: Described(Sinusoids().train, tau_turned)}, "tau_twice",
    ),
    "the split": ({"tasks": climate()}, {"tasks": climate(split=1)}, "tasks."),
    "the variable": ({"tasks": climate()}, {"tasks": climate(variable="tmin")}, "tasks.family.variable: tmax"),
    "the number of stations": ({"tasks": climate(n_train=20)}, {"tasks": climate(n_train=21)}, "tasks."),
    "months or years": ({"tasks": climate()}, {"tasks": climate(examples="years")}, "tasks.family.examples: months"),
}  # fmt: skip


def small_run(path, steps, tasks=lambda: Sinusoids().train, **options):
    tasks = tasks()
    n = 2 if hasattr(tasks, "index") else 1
    main = MainNetwork.mlp([n, 4, 1])
    sizes = {"tasks_per_step": 4, "shots": 10, "queries": 10} if n == 1 else {"tasks_per_step": 4, "shots": 2, "queries": 3}
    learner = SharedWeights(main)
    history = meta_train(learner, tasks, steps, **{**sizes, "anneal": False, "checkpoint": path, "progress": False, **options})
    return learner, history


@pytest.mark.parametrize("name", OTHER_RUNS)
def test_a_training_does_not_go_on_where_it_would_be_another(name, tmp_path):
    then, now, words = OTHER_RUNS[name]
    path = tmp_path / "run.safetensors"
    small_run(path, 2, **then)
    with pytest.raises(ValueError, match="was trained differently") as error:
        small_run(path, 4, **now)
    assert words in str(error.value)
    steps = 2 if then.get("anneal") else 4
    assert small_run(path, steps, **then)[1].steps == steps  # all that is given was made anew


# --- C8: what the user sets is used, or a sentence says why not ------------------------------------------------------


def sgd(seed=0, **options):
    return make(seed, kind=torch.optim.SGD, **({"lr": 0.1} | options))


def moved(one, other):
    return [b.detach() - a.detach() for a, b in zip(one.parameters(), other.parameters(), strict=True)]


def test_a_learning_rate_that_was_changed_is_used_when_a_training_goes_on(family, tmp_path):
    """From one file, one step of SGD with each of two rates: the second goes three times as far."""
    path = tmp_path / "run.safetensors"
    start, _ = train(family, 2, sgd, anneal=False, checkpoint=path)
    steps = []
    for lr in (0.1, 0.3):
        copied = tmp_path / f"{lr}.safetensors"
        copied.write_bytes(path.read_bytes())
        learner, _ = train(family, 3, lambda lr=lr: sgd(5, lr=lr), anneal=False, checkpoint=copied)
        steps.append(moved(start, learner))
    for one, three in zip(*steps, strict=True):
        torch.testing.assert_close(three, 3 * one, rtol=1e-3, atol=1e-6)
        assert one.any()


def test_a_weight_decay_that_was_changed_is_used_when_a_training_goes_on(family, tmp_path):
    """SGD: θ' = θ − lr (gradient + w θ), so that w = 0.5 goes lr · 0.5 · θ further than w = 0."""
    path = tmp_path / "run.safetensors"
    start, _ = train(family, 2, sgd, anneal=False, checkpoint=path)
    ends = []
    for decay in (0.0, 0.5):
        copied = tmp_path / f"{decay}.safetensors"
        copied.write_bytes(path.read_bytes())
        ends.append(train(family, 3, lambda decay=decay: sgd(5, weight_decay=decay), anneal=False, checkpoint=copied)[0])
    for p, further in zip(start.parameters(), moved(*ends), strict=True):
        torch.testing.assert_close(further, -0.1 * 0.5 * p, rtol=1e-3, atol=1e-6)


def test_a_rate_that_is_set_to_zero_between_two_calls_freezes_its_group(family, tmp_path):
    """Through a group that was taken in hand before: it is still the optimizer's when a file has been read."""
    learner, _, rng = make()
    head, trunk = list(learner.generator.head.parameters()), list(learner.generator.trunk.parameters())
    optimizer = torch.optim.Adam([{"params": trunk}, {"params": head}], lr=1e-2)
    group = optimizer.param_groups[0]
    options = {"optimizer": optimizer, "rng": rng, "anneal": False, "progress": False, "checkpoint": tmp_path / "run"}
    meta_train(learner, family.train, 2, **options)
    meta_train(learner, family.train, 4, **options)
    group["lr"] = 0.0
    before = [p.detach().clone() for p in (*trunk, *head)]
    assert meta_train(learner, family.train, 6, **options).steps == 6
    still = [torch.equal(old, p) for old, p in zip(before, (*trunk, *head), strict=True)]
    assert still == [True, True, False, False]
    assert [g["lr"] for g in optimizer.param_groups] == [0.0, 1e-2]


def rates_of(optimizer):
    """The rates of every step that the optimizer takes from now on."""
    rates = []
    optimizer.register_step_pre_hook(lambda own, *_: rates.append(float(own.param_groups[0]["lr"])))
    return rates


@pytest.mark.parametrize("anneal", [True, False])
def test_a_schedule_that_the_user_steps_between_two_calls_is_used(family, anneal):
    learner, optimizer, rng = sgd()
    schedule = lr_scheduler.StepLR(optimizer, 1, 0.1)
    rates = rates_of(optimizer)
    for _ in range(2):
        meta_train(learner, family.train, 2, optimizer=optimizer, rng=rng, anneal=anneal, progress=False)
        schedule.step()
    assert rates == pytest.approx([0.1, 0.05, 0.01, 0.005] if anneal else [0.1, 0.1, 0.01, 0.01])
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.001)


SCHEDULES = {
    "StepLR": lambda o: lr_scheduler.StepLR(o, 3, 0.5),
    "MultiStepLR": lambda o: lr_scheduler.MultiStepLR(o, [2, 6, 9], 0.5),
    "CosineAnnealingLR": lambda o: lr_scheduler.CosineAnnealingLR(o, 10),
    "CosineAnnealingWarmRestarts": lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 2, 2),
    "LambdaLR": lambda o: lr_scheduler.LambdaLR(o, lambda step: 0.9**step),
    "CyclicLR": lambda o: lr_scheduler.CyclicLR(o, 0.01, 0.1, 2, scale_fn=lambda x: 0.5**x),
    "OneCycleLR": lambda o: lr_scheduler.OneCycleLR(o, 0.2, total_steps=14),
    "SequentialLR": lambda o: lr_scheduler.SequentialLR(
        o, [lr_scheduler.LinearLR(o, 0.1, total_iters=3), lr_scheduler.ExponentialLR(o, 0.8)], [3]
    ),
    "ChainedScheduler": lambda o: lr_scheduler.ChainedScheduler(
        [lr_scheduler.ConstantLR(o, 0.1, 4), lr_scheduler.ExponentialLR(o, 0.9)]
    ),
}


# CyclicLR and OneCycleLR read the rate as a number.
@pytest.mark.parametrize(
    ("name", "rate"),
    [(name, 0.1) for name in SCHEDULES] + [(name, torch.tensor(0.1)) for name in SCHEDULES if "Cyc" not in name],
)
def test_a_training_with_a_schedule_goes_on_bit_for_bit(family, tmp_path, name, rate):
    def parts(seed=0):
        learner, optimizer, rng = sgd(seed, momentum=0.9, lr=copy.deepcopy(rate))
        return learner, optimizer, rng, SCHEDULES[name](optimizer)

    def run(steps, seed=0, **saving):
        learner, optimizer, rng, schedule = parts(seed)
        rates = rates_of(optimizer)
        meta_train(learner, family.train, steps, 4, optimizer=optimizer, schedule=schedule, rng=rng, progress=False, **saving)
        return learner, rates, optimizer

    path = tmp_path / "run.safetensors"
    whole, rates, optimizer = run(12)
    assert len(set(rates)) > 3
    _, first, _ = run(7, checkpoint=path)
    resumed, second, again = run(12, seed=5, checkpoint=path)
    assert first + second == rates
    assert same(resumed, whole)
    assert again.param_groups[0]["lr"] == optimizer.param_groups[0]["lr"]
    assert again.param_groups[0]["momentum"] == optimizer.param_groups[0]["momentum"]


@pytest.mark.parametrize(
    ("then", "now", "words"),
    [
        (lambda o: lr_scheduler.StepLR(o, 50), lambda o: lr_scheduler.StepLR(o, 60), "step_size: 50 in the file, 60 here"),
        (lambda o: lr_scheduler.StepLR(o, 50), lambda o: lr_scheduler.ExponentialLR(o, 1.0), "schedule: StepLR"),
        (lambda o: lr_scheduler.StepLR(o, 50), lambda o: None, "schedule: StepLR in the file, None here"),
        (lambda o: None, lambda o: lr_scheduler.StepLR(o, 50), "schedule: None in the file, StepLR here"),
        (
            lambda o: lr_scheduler.LambdaLR(o, lambda step: 0.9**step),
            lambda o: lr_scheduler.LambdaLR(o, lambda step: 0.8**step), "rates.0: 0.081",
        ),
        (
            lambda o: lr_scheduler.LambdaLR(o, lambda step: 1.0),
            lambda o: lr_scheduler.LambdaLR(o, lambda step: 1.0 if step < 9 else 0.0), "lr_lambdas",
        ),
        (
            lambda o: lr_scheduler.StepLR(o, 50),
            lambda o: (o.param_groups[0].update(lr=0.5), lr_scheduler.StepLR(o, 50))[1], "rates.0: 0.1 in the file, 0.5 here",
        ),
    ],
)  # fmt: skip
def test_another_schedule_is_refused_and_nothing_is_changed(family, tmp_path, then, now, words):
    path = tmp_path / "run.safetensors"

    def run(steps, choose, seed=0):
        learner, optimizer, rng = sgd(seed)
        schedule, before = choose(optimizer), copy.deepcopy(learner.state_dict())
        found = optimizer.param_groups[0]["lr"]
        try:
            meta_train(
                learner, family.train, steps, optimizer=optimizer, schedule=schedule, rng=rng, anneal=False, progress=False,
                checkpoint=path,
            )  # fmt: skip
        except ValueError:
            assert all(torch.equal(before[key], value) for key, value in learner.state_dict().items())
            assert schedule is None or schedule.last_epoch == 0
            assert optimizer.param_groups[0]["lr"] == found
            raise

    run(2, then)
    with pytest.raises(ValueError, match="was trained") as error:
        run(4, now, seed=1)
    assert words in str(error.value)
    run(4, then, seed=1)


def test_a_rate_of_a_schedule_that_was_set_by_hand_is_not_overlooked(family, tmp_path):
    learner, optimizer, rng = sgd()
    options = {
        "optimizer": optimizer, "schedule": lr_scheduler.StepLR(optimizer, 50), "rng": rng, "progress": False,
        "checkpoint": tmp_path / "run.safetensors",
    }  # fmt: skip
    meta_train(learner, family.train, 2, **options)
    optimizer.param_groups[0]["lr"] = 0.0
    with pytest.raises(ValueError, match=r"rates.0: 0.1 in the file, 0.0 here"):
        meta_train(learner, family.train, 4, **options)
    assert optimizer.param_groups[0]["lr"] == 0.0


# --- C10: loaded tensors are copies ----------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["rewritten", "truncated", "deleted"])
def test_what_was_loaded_does_not_change_with_the_file(family, tmp_path, what):
    path = tmp_path / "run.safetensors"
    train(family, 3, checkpoint=path)
    expected = []
    for place in (path, tmp_path / "copy.safetensors"):
        place.write_bytes(path.read_bytes())
        learner, optimizer, rng = make(2)
        load_checkpoint(place, learner, optimizer, rng)
        if place != path:
            if what == "rewritten":  # in place, as a client that keeps folders alike does it
                with open(place, "r+b") as file:
                    file.seek(300)
                    file.write(b"\xff" * (place.stat().st_size - 300))
            elif what == "truncated":
                os.truncate(place, 10)
            else:
                place.unlink()
        learner(torch.ones(2, 2)).square().sum().backward()
        optimizer.step()
        expected.append(learner)
    assert same(*expected)


def test_two_loads_of_one_file_are_independent(family, tmp_path):
    path = tmp_path / "run.safetensors"
    train(family, 3, checkpoint=path)
    (one, o, _), (other, p, _) = make(2), make(3)
    load_checkpoint(path, one, o)
    load_checkpoint(path, other, p)
    before = copy.deepcopy(p.state_dict()["state"]), copy.deepcopy(other.state_dict())
    one(torch.ones(2, 2)).square().sum().backward()
    o.step()
    assert not same(one, other)
    assert all(torch.equal(before[1][key], value) for key, value in other.state_dict().items())
    for i, state in p.state_dict()["state"].items():
        assert all(torch.equal(before[0][i][key], value) for key, value in state.items())


# --- C13: paths, and what cannot be written --------------------------------------------------------------------------


def test_a_tilde_is_the_home_folder(family, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    learner, _ = train(family, 2, checkpoint="~/runs/x")
    assert [p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*")] == ["runs", "runs/x"]
    other = make(1)[0]
    assert load_checkpoint("~/runs/x", other).steps == 2
    assert same(learner, other)
    save_checkpoint("~/y", learner)
    assert (tmp_path / "y").exists()


def test_a_path_may_have_spaces_and_other_alphabets(tmp_path):
    path = tmp_path / "mein Ordner" / "学习 θ₀ «été».safetensors"
    learner = make()[0]
    save_checkpoint(path, learner)
    load_checkpoint(str(path), other := make(1)[0])
    assert same(learner, other)


def test_a_folder_is_no_checkpoint(tmp_path, family):
    for call in (save_checkpoint, load_checkpoint):
        with pytest.raises(ValueError, match="is a folder: a checkpoint is a file, such as"):
            call(tmp_path, make()[0])
    with pytest.raises(ValueError, match="is a folder"):
        train(family, 2, checkpoint=tmp_path)
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(ValueError, match="is not a folder that a file could be put into"):
        save_checkpoint(tmp_path / "file" / "x", make()[0])
    with pytest.raises(ValueError, match="is not a folder"):
        save_checkpoint(tmp_path / "file" / "y" / "x", make()[0])


def test_a_folder_that_cannot_be_written_into_is_found_before_the_training(family, tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK)
    monkeypatch.setattr(type(family.train), "sample", None)
    with pytest.raises(PermissionError, match=r"nothing can be written into .*: give a path in a folder of your own"):
        train(family, 2, checkpoint=tmp_path / "run.safetensors")


@pytest.mark.parametrize("where", ["safetensors.torch.save_file", "os.replace"])
def test_an_error_in_writing_leaves_the_old_file_whole(family, tmp_path, monkeypatch, where):
    path = tmp_path / "run.safetensors"
    train(family, 2, checkpoint=path, anneal=False)
    before = path.read_bytes()

    def full(tensors, place, *args, **kwargs):
        if where == "safetensors.torch.save_file":
            place.write_bytes(b"half of it")
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(where, full)
        with pytest.raises(OSError, match="No space left"):
            train(family, 4, checkpoint=path, anneal=False)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


# --- C14: penalties --------------------------------------------------------------------------------------------------


def test_a_penalty_of_a_readers_own_is_no_part_of_the_learner_in_the_file(family, tmp_path):
    path = tmp_path / "run.safetensors"
    before = make(3)[0]
    held = {OutputRegularizer(before, torch.zeros(2, 2)): 0.1, Running(): 0.1, lambda learner, t, theta: theta.mean(): 0.1}
    learner, _ = train(family, 3, lambda: (make()[0], None, seeded(1)), penalties=held, checkpoint=path)
    other = make(5)[0]
    assert load_checkpoint(path, other).steps == 3
    assert same(learner, other)


def test_the_state_of_a_penalty_must_fit(family, tmp_path):
    path = tmp_path / "run.safetensors"
    train(family, 3, anneal=False, penalties={OutputRegularizer(make()[0], torch.zeros(2, 2)): 0.1}, checkpoint=path)
    learner = make(4)[0]
    with pytest.raises(ValueError, match=r"holds another OutputRegularizer.*2, 2.*in the file.*3, 2.*here"):
        train(
            family, 4, lambda: (learner, make_optimizer(learner), seeded(0)), anneal=False, checkpoint=path,
            penalties={OutputRegularizer(make()[0], torch.zeros(3, 2)): 0.1},
        )  # fmt: skip
    assert same(learner, make(4)[0])


def make_optimizer(learner):
    return torch.optim.Adam(learner.parameters(), lr=1e-3)


# --- versions --------------------------------------------------------------------------------------------------------


def written_by(version, path, learner, **facts):
    """A file as version 1 wrote it, or what says so of itself."""
    about = {"format": f"hyperedu-checkpoint-{version}", "learner": type(learner).__name__, "run": "{}"} | facts
    save_file({f"learner/{name}": value for name, value in learner.state_dict().items()}, path, metadata=about)


@pytest.mark.parametrize("make_one", [lambda: MAML(mlp(), 1), written, lambda: attending(2)])
def test_a_file_of_the_first_version_is_loaded(tmp_path, make_one):
    path, learner = tmp_path / "old.safetensors", make_one()
    written_by(1, path, learner)
    other = make_one()
    assert load_checkpoint(path, other).steps == 0
    assert same(learner, other)


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (lambda: SharedWeights(mlp()), "MAML in the file, SharedWeights here"),
        (lambda: MAML(MainNetwork.mlp([1, 9, 1])), r"theta_0: \(25,\) in the file, \(28,\) here"),
    ],
)
def test_a_file_of_the_first_version_is_refused_for_another_learner(tmp_path, other, words):
    path = tmp_path / "old.safetensors"
    written_by(1, path, MAML(mlp()))
    with pytest.raises(ValueError, match=words):
        load_checkpoint(path, other())


def test_a_training_of_the_first_version_cannot_go_on(family, tmp_path):
    path = tmp_path / "old.safetensors"
    written_by(1, path, make()[0])
    with pytest.raises(ValueError, match=r"older hyperedu.*can be loaded.*cannot go on"):
        train(family, 2, checkpoint=path)


def test_a_file_of_a_later_version_is_refused(tmp_path):
    path = tmp_path / "new.safetensors"
    written_by(3, path, MAML(mlp()), facts="{}")
    with pytest.raises(ValueError, match=r"newer hyperedu \(format 3, this one reads up to 2\): update it"):
        load_checkpoint(path, MAML(mlp()))
    save_checkpoint(path, MAML(mlp()))
    assert safetensors.safe_open(path, "pt").metadata()["format"] == "hyperedu-checkpoint-2"


def test_every_tensor_of_a_file_has_a_name_that_says_whose_it_is(family, tmp_path):
    path = tmp_path / "run.safetensors"
    train(family, 2, checkpoint=path)
    with safetensors.safe_open(path, "pt") as file:
        names = set(file.keys())
        assert all(isinstance(file.get_tensor(name), Tensor) for name in names)
    assert {name.partition("/")[0] for name in names} == {"learner", "optimizer", "rng", "history"}


def test_a_training_does_not_go_on_in_another_dtype(family, tmp_path):
    learner, path = SharedWeights(MainNetwork.mlp([1, 4, 1])), tmp_path / "s"
    meta_train(learner.double(), family.train, 2, anneal=False, checkpoint=path, progress=False)
    load_checkpoint(path, learner.float())  # to be used, it may be in any
    with pytest.raises(ValueError, match=r"trained in torch.float64, and theta_0 has torch.float32"):
        meta_train(learner, family.train, 4, anneal=False, checkpoint=path, progress=False)


def test_a_state_that_is_no_tensor_gets_a_sentence(tmp_path):
    class Counting(SharedWeights):
        def get_extra_state(self):
            return {"seen": 3}

    with pytest.raises(ValueError, match=r"_extra_state is a dict.*as a buffer"):
        save_checkpoint(tmp_path / "c", Counting(MainNetwork.mlp([1, 4, 1])))


def test_two_threads_write_beside_each_other(tmp_path, monkeypatch):
    """Else one moves to its place what the other has half written."""
    beside = []
    write = safetensors.torch.save_file
    monkeypatch.setattr(safetensors.torch, "save_file", lambda *given, **how: (beside.append(given[1]), write(*given, **how)))
    other = threading.Thread(target=save_checkpoint, args=(tmp_path / "s", make()[0]))
    other.start()
    save_checkpoint(tmp_path / "s", make()[0])
    other.join()
    assert len(set(beside)) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["s"]


def test_a_learner_in_place_of_its_path_is_said(tmp_path):
    for call in (save_checkpoint, load_checkpoint):
        with pytest.raises(ValueError, match="path of a file first, and then the learner"):
            call(make()[0], tmp_path / "s")
