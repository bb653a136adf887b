"""Bad input ends in a sentence of our own that names what came, what is needed and what to do; never deep inside torch."""

import functools
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import hyperedu
from hyperedu import (
    ANIL,
    MAML,
    AttentionGenerator,
    Characters,
    ChunkedGenerator,
    ClassGenerator,
    ColoradoClimate,
    Conditioned,
    ConvGenerator,
    Described,
    DescriptorAdaptation,
    DescriptorEncoder,
    Examples,
    HyperMAML,
    Hypernetwork,
    JointEncoder,
    Learned,
    LowRankGenerator,
    MainNetwork,
    Metadata,
    MetaSGD,
    MLPGenerator,
    NoisyDescriptors,
    OneHot,
    OutputRegularizer,
    Reconstruction,
    Reptile,
    Sensitivity,
    SetEncoder,
    SharedWeights,
    Sinusoids,
    SpectralNorm,
    SupportSetHypernetwork,
    SupportStatistics,
    TaskBatch,
    TaskConditionedMAML,
    Text,
    TowardSharedWeights,
    WeightNorm,
    WordAttention,
    accuracy,
    adapt,
    compare,
    cross_entropy,
    meta_test,
    meta_train,
    squared_error,
)
from hyperedu.lessons.task_descriptors.phrases import WavesInWords
from hyperedu.losses import per_task

PACKAGE = Path(hyperedu.__file__).parent

zeros = torch.zeros


def labels(*shape, high=3):
    return torch.arange(torch.Size(shape).numel()).reshape(shape) % high


def main(**settings):
    return MainNetwork.mlp([1, 8, 8, 1], **settings)


def classifier():
    return MainNetwork.mlp([4, 8, 3], loss="cross_entropy")


def by_class():
    """A hypernetwork that shares all weights but those of the last layer."""
    network = MainNetwork.conv((1, 28, 28), channels=(4,))
    return Hypernetwork(network, ClassGenerator(5 * 2, network))


def first_codes(tasks):
    return zeros(len(tasks), 10)


def theta(network):
    return zeros(network.weight_dim)


def support(*lead, n=5, d_in=1, d_out=1):
    return Examples(zeros(*lead, n, d_in), zeros(*lead, n, d_out))


def batch(n=3, shots=5):
    return TaskBatch(zeros(n, 2), support(n, n=shots), support(n), {})


@functools.cache
def climate(examples="months"):
    return ColoradoClimate(examples=examples)


def trained(learner=None, **settings):
    learner = learner or SharedWeights(main())
    settings = {"tasks": Sinusoids().train, "steps": 1, "tasks_per_step": 2, "progress": False} | settings
    return meta_train(learner, **settings)


def try_out(learner=None, tasks=None, **settings):
    return meta_test(learner or MAML(main()), tasks or Sinusoids().test, **({"n_tasks": 2} | settings))


class Twin(nn.Module):
    """A module whose output is not one tensor."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(1, 1)

    def forward(self, x):
        return self.linear(x), x


class Counting(nn.Module):
    """A module that changes a buffer each time it is used."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(1, 1)
        self.register_buffer("calls", zeros(()))

    def forward(self, x):
        self.calls += 1
        return self.linear(x)


def keeping(others):
    module = nn.Linear(1, 1)
    module.others = others
    return module


class SaysSelf(nn.Linear):
    """A layer whose activation is a function made inside it."""

    def __init__(self, functions=None):
        super().__init__(1, 1)
        scaled = lambda h: h * self.weight  # noqa: E731
        self.scaled = scaled if functions is None else {"scaled": scaled}


def hooked():
    module = nn.Linear(1, 1)
    module.register_forward_hook(lambda *_: module.weight)
    return module


class SecondName(nn.Linear):
    """A layer that reads its weight from a list."""

    def __init__(self):
        super().__init__(1, 1)
        self.others = [self.weight]


def rows_lost():
    return nn.Sequential(nn.Linear(1, 1), nn.Flatten(0))


def with_parameter(value):
    module = nn.Linear(1, 1)
    module.extra = nn.Parameter(value, requires_grad=False)
    return module


@torch.no_grad()
def used(module):
    """A layer that has been called, so that it keeps what it computed from its weights."""
    module(zeros(1, 1))
    return module


def on_images(network, n):
    return network(network.initial_weights(2), zeros(2, n, *network.image))


def crossed(first=0):
    """Two layers that are alike, in one order or the other."""
    return nn.ModuleDict({name: nn.Linear(1, 1) for name in ("ab", "ba")[first]})


class Rolled(nn.Module):
    """A description read number by number."""

    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(1, 4, batch_first=True)

    def forward(self, tau):
        return self.lstm(tau.unsqueeze(-1))[0][:, -1]


class Block(nn.Module):
    """Attention, whose own complaint is no RuntimeError."""

    def __init__(self):
        super().__init__()
        self.attention = nn.MultiheadAttention(4, 2, batch_first=True)

    def forward(self, x):
        return self.attention(x, x, x)[0]


def at(network, x, **settings):
    return MainNetwork.from_module(network, **settings)(zeros(sum(p.numel() for p in network.parameters())), x)


# What was done → the call, and words that its sentence must have. Shapes and numbers are those of the call.
EXAMPLES = {
    "x is a list": (lambda: Examples([[1.0]], zeros(1, 1)), ["x is a list", "torch.as_tensor(x)"]),
    "y is an array": (lambda: Examples(zeros(1, 1), zeros(1, 1).numpy()), ["y is a ndarray", "torch.as_tensor(y)"]),
    "x is None": (lambda: Examples(None, zeros(1, 1)), ["x is a NoneType"]),
    "x in int32": (lambda: Examples(zeros(3, 1).int(), zeros(3, 1)), ["x of shape (3, 1)", "torch.int32", "x.float()"]),
    "y in int32": (lambda: Examples(zeros(3, 1), zeros(3).int()), ["y of shape (3,)", "torch.int32", "y.long()"]),
    "y in bool": (lambda: Examples(zeros(3, 1), zeros(3).bool()), ["y of shape (3,)", "torch.bool", "y.long()"]),
    "complex x": (lambda: Examples(zeros(3, 1) + 0j, zeros(3, 1)), ["x of shape (3, 1)", "complex64"]),
    "y without a last dimension": (
        lambda: Examples(zeros(7, 1), zeros(7)),
        ["(7, 1)", "(7,)", "two dimensions", "unsqueeze(-1)"],
    ),
    "y a single number": (lambda: Examples(zeros(7, 1), zeros(())), ["(7, 1)", "()", "two dimensions", "unsqueeze(-1)"]),
    "a single label": (
        lambda: Examples(zeros(1, 1), torch.tensor(0)),
        ["(1, 1)", "()", "one dimension (…, n) of class indices"],
    ),
    "x without a last dimension": (lambda: Examples(zeros(7), zeros(7, 1)), ["(7,)", "(7, 1)", "x.unsqueeze(-1)"]),
    "labels in a column": (lambda: Examples(zeros(7, 4), labels(7, 1)), ["(7, 4)", "(7, 1)", "y.squeeze(-1)"]),
    "seven labels beside ten images": (lambda: Examples(zeros(10, 1, 6, 6), labels(7)), ["(10, 1, 6, 6)", "(7,)", "(10,)"]),
    "seven labels beside ten images of five tasks": (
        lambda: Examples(zeros(5, 10, 1, 6, 6), labels(5, 7)),
        ["(5, 10, 1, 6, 6)", "(5, 7)", "(5, 10)", "leave out"],
    ),
    "labels of three tasks beside inputs of four": (lambda: Examples(zeros(4, 7, 2), labels(3, 7)), ["(4, 7)", "(3, 7)"]),
    "six y beside seven x": (lambda: Examples(zeros(7, 1), zeros(6, 1)), ["(7,)", "(6,)", "do not hold the same examples"]),
    "numbers of one task beside inputs of a batch": (lambda: Examples(zeros(4, 7, 2), zeros(7, 1)), ["(4, 7, 2)", "(7, 1)"]),
    "a negative label": (lambda: Examples(zeros(3, 1), torch.tensor([0, -100, 1])), ["negative labels", "begin at 0"]),
    "NaN in x": (lambda: Examples(zeros(3, 1) / 0, zeros(3, 1)), ["x contains NaN", "leave out"]),
    "infinity in y": (lambda: Examples(zeros(3, 1), torch.ones(3, 1) / 0), ["y contains NaN or infinite", "leave out"]),
    "task of a single task": (lambda: support().task(0), ["(5, 1)", "one task, not a batch"]),
    "task beyond the last": (lambda: support(3).task(3), ["3", "no task number"]),
    "task before the first": (lambda: support(3).task(-4), ["-4", "3", "no task number"]),
    "tasks of which one is not there": (lambda: support(3).task([0, 7]), ["7", "3", "no task number"]),
    "examples that are not there": (lambda: support(3).some([0, 5]), ["5", "no example number"]),
    "more first examples than there are": (lambda: support(3).first(6), ["first 6", "5"]),
    "minus one first example": (lambda: support(3).first(-1), ["first -1", "5"]),
    "half an example": (lambda: support(3).first(2.5), ["2.5", "whole number"]),
    "a split beyond the end": (lambda: support(3).split(6), ["first 6", "5"]),
    "joined with labels": (lambda: support().joined(Examples(zeros(5, 1), labels(5))), ["(5, 1)", "(5,)", "torch.int64"]),
    "joined with examples of other tasks": (lambda: support(3).joined(support(4)), ["(3, 5, 1)", "(4, 5, 1)", "same tasks"]),
    "joined with longer x": (lambda: support(3).joined(support(3, d_in=2)), ["(3, 5, 1)", "(3, 5, 2)", "x of shape"]),
    "joined with longer y": (lambda: support(3).joined(support(3, d_out=2)), ["(3, 5, 1)", "(3, 5, 2)", "y of shape"]),
    "moved to an integer dtype": (lambda: support(3).to(torch.int64), ["torch.int64", "floating"]),
}

BATCHES = {
    "fewer descriptors": (lambda: TaskBatch(zeros(2, 2), support(3), support(3), {}), ["descriptor (2,)", "support (3,)"]),
    "fewer queries": (lambda: TaskBatch(zeros(3, 2), support(3), support(2), {}), ["query (2,)", "support (3,)"]),
    "one task without a first dimension": (lambda: TaskBatch(zeros(1, 2), support(), support(), {}), ["descriptor (1,)", "()"]),
    "tasks in two dimensions": (
        lambda: TaskBatch(zeros(3, 2), support(3, 2), support(3, 2), {}),
        ["(3, 2)", "first dimension"],
    ),
    "support in two dimensions": (lambda: TaskBatch(zeros(3, 2), support(3, 2), support(3), {}), ["(3, 2)", "first dimension"]),
    "descriptors without a length": (lambda: TaskBatch(zeros(3), support(3), support(3), {}), ["(3,)", "(n_tasks, d_tau)"]),
    "descriptors in a list": (lambda: TaskBatch([[0.0]] * 3, support(3), support(3), {}), ["descriptor is a list", "tensor"]),
    "classes to test numbers": (
        lambda: TaskBatch(zeros(3, 2), support(3), Examples(zeros(3, 5, 1), labels(3, 5)), {}),
        ["torch.int64", "float32"],
    ),
    "a property of fewer tasks": (
        lambda: TaskBatch(zeros(3, 2), support(3), support(3), {"age": zeros(2)}),
        ["'age'", "2", "3"],
    ),
    "a task beyond the last": (lambda: batch().task(3), ["3"]),
    "a task before the first": (lambda: batch().task(-4), ["-4", "3"]),
    "more shots than there are": (lambda: batch().with_shots(6), ["first 6", "5"]),
    "minus one shot": (lambda: batch().with_shots(-1), ["first -1", "5"]),
}

NETWORKS = {
    "one width": (lambda: MainNetwork.mlp([3]), ["at least two", "[3]"]),
    "no width": (lambda: MainNetwork.mlp([]), ["at least two", "[]"]),
    "a number for widths": (lambda: MainNetwork.mlp(3), ["at least two", "3"]),
    "a width of zero": (lambda: MainNetwork.mlp([3, 0, 1]), ["positive", "[3, 0, 1]"]),
    "a negative width": (lambda: MainNetwork.mlp([3, -2, 1]), ["positive", "[3, -2, 1]"]),
    "half a unit": (lambda: MainNetwork.mlp([3, 2.5, 1]), ["whole", "[3, 2.5, 1]"]),
    "a width in letters": (lambda: MainNetwork.mlp([3, "eight", 1]), ["whole", "eight"]),
    "an activation that is not there": (lambda: main(activation="swoosh"), ["'swoosh'", "relu", "sin"]),
    "a module for an activation": (lambda: main(activation=nn.ReLU()), ["ReLU()", "relu"]),
    "a mean of the wrong length": (
        lambda: MainNetwork.mlp([1, 3], y_mean=zeros(2)),
        ["y_mean", "(2,)", "3 numbers", "one or 3"],
    ),
    "a spread of the wrong length": (lambda: MainNetwork.mlp([1, 3], y_std=torch.ones(1, 3)), ["y_std", "(1, 3)", "one or 3"]),
    "a mean in a list": (lambda: MainNetwork.mlp([1, 2], y_mean=[0.0, 1.0]), ["y_mean is a list", "torch.tensor"]),
    "a spread of zero": (lambda: main(y_std=0.0), ["y_std", "0.0", "above 0"]),
    "a negative spread among others": (
        lambda: MainNetwork.mlp([1, 2], y_std=torch.tensor([1.0, -1.0])),
        ["y_std", "-1.", "above 0"],
    ),
    "a mean that is NaN": (lambda: main(y_mean=float("nan")), ["y_mean", "nan", "finite"]),
    "a loss that is not there": (lambda: main(loss="mse"), ["'mse'", "squared_error", "cross_entropy"]),
    "no loss": (lambda: main(loss=None), ["None", "squared_error", "function (prediction, y)"]),
    "losses in a list": (lambda: main(loss=["squared_error"]), ["['squared_error']", "choose one of"]),
    "the class of a loss": (lambda: main(loss=nn.L1Loss), ["L1Loss", "L1Loss()"]),
    "a class for a module": (lambda: MainNetwork.from_module(nn.Linear), ["nn.Module", "type"]),
    "a function for a module": (lambda: MainNetwork.from_module(torch.relu), ["nn.Module", "builtin"]),
    "a module without weights": (lambda: MainNetwork.from_module(nn.ReLU()), ["ReLU", "no parameters"]),
    "running statistics": (
        lambda: MainNetwork.from_module(nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))),
        ["1 (BatchNorm1d)", "GroupNorm"],
    ),
    "time before examples": (lambda: MainNetwork.from_module(nn.LSTM(2, 3)), ["LSTM", "batch_first=True"]),
    "words before examples": (
        lambda: MainNetwork.from_module(nn.TransformerEncoderLayer(4, 2)),
        ["self_attn", "MultiheadAttention", "batch_first=True"],
    ),
    "layers in a list": (lambda: MainNetwork.from_module(keeping([nn.Linear(1, 2)])), ["(2, 1)", "(2,)", "nn.ModuleList"]),
    "layers in a dictionary": (
        lambda: MainNetwork.from_module(keeping({"first": (nn.Linear(1, 2),)})),
        ["Linear keeps", "(2, 1)", "nn.ModuleDict"],
    ),
    "weights in a list": (lambda: MainNetwork.from_module(keeping([nn.Parameter(zeros(3))])), ["Linear", "nn.ParameterList"]),
    "weights in an object": (
        lambda: MainNetwork.from_module(keeping(functools.partial(F.linear, weight=nn.Parameter(zeros(3, 1))))),
        ["(3, 1)", "an object"],
    ),
    "a function that says self": (lambda: MainNetwork.from_module(SaysSelf()), ["SaysSelf", "lambda", "method"]),
    "functions that say self": (lambda: MainNetwork.from_module(nn.Sequential(SaysSelf({}))), ["0 (SaysSelf)", "method"]),
    "a hook that says self": (lambda: MainNetwork.from_module(hooked()), ["Linear", "method"]),
    "weights that are also in a list": (lambda: MainNetwork.from_module(SecondName()), ["SecondName", "in a list"]),
    "weights in whole numbers": (lambda: MainNetwork.from_module(with_parameter(labels(3))), ["extra", "int64", "buffer"]),
    "complex weights": (lambda: MainNetwork.from_module(with_parameter(zeros(3) + 0j)), ["extra", "complex64", "buffer"]),
    "weights that are computed from others": (
        lambda: MainNetwork.from_module(nn.utils.weight_norm(nn.Linear(1, 1))),
        ["Linear", "torch.nn.utils.parametrizations"],
    ),
    "weights that were computed from others without a gradient": (
        lambda: MainNetwork.from_module(used(nn.utils.weight_norm(nn.Linear(1, 1)))),
        ["Linear", "second derivative", "torch.nn.utils.parametrizations.weight_norm"],
    ),
    "one image for a norm over one pixel of each": (
        lambda: on_images(MainNetwork.conv((1, 4, 4), (4, 4), 3, normalization="batch"), 1),
        ["(2, 1, 1, 4, 4)", "one pixel", "normalization='group'"],
    ),
    "units that would not be learned": (
        lambda: main(y_std=nn.Parameter(torch.ones(1))),
        ["y_std requires a gradient", "y_std.detach()"],
    ),
    "a loss whose parameters would not be learned": (
        lambda: main(loss=nn.Sequential(nn.Linear(1, 1))),
        ["Sequential has parameters", "loss.requires_grad_(False)"],
    ),
    "outputs without a last dimension": (
        lambda: MainNetwork.from_module(rows_lost()).loss(zeros(4, 2), support(4)),
        ["(4, 5)", "(4, 5, 1)", "(…, n, d_out)"],
    ),
    "outputs without a last dimension for a loss that would broadcast": (
        lambda: MainNetwork.from_module(rows_lost(), loss=F.l1_loss).loss(zeros(2), support()),
        ["(5,)", "(5, 1)", "(…, n, d_out)"],
    ),
    "a norm over one number": (
        lambda: MainNetwork.conv((1, 16, 16), (4, 4, 4, 4)),
        ["convolution 4", "one pixel", "becomes 0", "normalization=None"],
    ),
    "weights without a shape": (lambda: MainNetwork.from_module(nn.LazyLinear(3)), ["'weight'", "have no shape yet", "once"]),
    "an input of minus one dimension": (lambda: MainNetwork.from_module(nn.Linear(1, 1), input_dims=-1), ["input_dims", "-1"]),
    "an input of half a dimension": (lambda: MainNetwork.from_module(nn.Linear(1, 1), input_dims=1.5), ["input_dims", "1.5"]),
    "a module that gives two things": (lambda: at(Twin(), zeros(3, 1)), ["Twin", "tuple", "forward"]),
    "a module that gives its state too": (
        lambda: at(nn.GRU(1, 1, batch_first=True), zeros(3, 4, 1), input_dims=2),
        ["GRU", "tuple", "forward"],
    ),
    "a module that keeps count": (lambda: at(Counting(), zeros(3, 1)), ["Counting", "calls", "leak"]),
    "a module given other inputs": (lambda: at(nn.Linear(2, 1), zeros(3, 5)), ["Linear", "(3, 5)", "input_dims=1"]),
    "one example for a norm over examples": (
        lambda: at(nn.Sequential(nn.Linear(1, 2), nn.BatchNorm1d(2, track_running_stats=False)), zeros(1, 1)),
        ["Sequential", "(1, 1)", "more than 1 value"],
    ),
    "a module that is called with more": (lambda: at(nn.Bilinear(2, 2, 1), zeros(3, 2)), ["Bilinear", "(3, 2)", "input2"]),
    "heads given other inputs": (
        lambda: at(Block(), zeros(3, 6, 3), input_dims=2),
        ["Block", "(3, 6, 3)", "input_dims=2", "of 4, but got 3"],
    ),
    "a module given inputs of another dtype": (
        lambda: MainNetwork.from_module(nn.Linear(2, 1))(zeros(3), zeros(5, 2).double()),
        ["float32", "float64", ".to("],
    ),
    "too few weights": (lambda: main()(zeros(5), zeros(3, 1)), ["5", "97", "main.weight_dim"]),
    "weights without a dimension": (lambda: main()(zeros(()), zeros(3, 1)), ["no dimensions", "97"]),
    "weights in integers": (lambda: main()(zeros(97).long(), zeros(3, 1)), ["torch.int64", "theta.float()"]),
    "weights by name": (lambda: main()(main().unflatten(zeros(97)), zeros(3, 1)), ["θ is a dict", "flatten"]),
    "no weights": (lambda: main()(None, zeros(3, 1)), ["θ is a NoneType"]),
    "x in a list": (lambda: main()(zeros(97), [[1.0]]), ["x is a list", "tensor"]),
    "x with two numbers": (lambda: main()(zeros(97), zeros(3, 2)), ["2 inputs", "takes 1"]),
    "x without a last dimension in a network": (lambda: main()(zeros(97), zeros(3)), ["(3,)", "at least 2", "unsqueeze(0)"]),
    "x in integers": (lambda: main()(zeros(97), zeros(3, 1).long()), ["torch.int64", "x.float()"]),
    "x of another dtype": (lambda: main()(zeros(97), zeros(3, 1).double()), ["torch.float32", "torch.float64", "x.to("]),
    "x on another device": (lambda: main()(zeros(97), zeros(3, 1, device="meta")), ["cpu", "meta", "x.to("]),
    "weights for four tasks, x of three": (lambda: main()(zeros(4, 97), zeros(3, 5, 1)), ["(4,)", "(3,)", "broadcast"]),
    "to unflatten too many weights": (lambda: main().unflatten(zeros(98)), ["98", "97"]),
    "to flatten too few names": (lambda: main().flatten({"0.weight": zeros(8, 1)}), ["missing", "0.bias"]),
    "to flatten another name": (
        lambda: main().flatten(main().unflatten(zeros(97)) | {"6.bias": zeros(1)}),
        ["not known", "6.bias"],
    ),
    "to flatten another shape": (lambda: main().flatten(main().unflatten(zeros(97)) | {"0.bias": zeros(9)}), ["(9,)", "(8,)"]),
    "to flatten what has too few dimensions": (
        lambda: main().flatten(main().unflatten(zeros(97)) | {"0.weight": zeros(8)}),
        ["'0.weight'", "(8,)", "(8, 1)"],
    ),
    "to flatten other leading dimensions": (
        lambda: main().flatten(main().unflatten(zeros(2, 97)) | {"4.bias": zeros(3, 1)}),
        ["'4.bias'", "(3,)", "(2,)"],
    ),
    "to flatten a number": (
        lambda: main().flatten(main().unflatten(zeros(97)) | {"4.bias": 0.0}),
        ["'4.bias'", "float", "tensor"],
    ),
    "minus one network": (lambda: main().initial_weights(-1), ["n, how many", "at least 0", "-1"]),
    "half a network": (lambda: main().initial_weights(2.5), ["n, how many", "whole number", "2.5"]),
    "a seed for a source of randomness": (lambda: main().initial_weights(rng=0), ["rng", "int", "manual_seed(0)"]),
    "the loss of a pair": (lambda: main().loss(zeros(97), (zeros(3, 1), zeros(3, 1))), ["tuple", "Examples(x, y)"]),
    "the loss of no examples": (lambda: main().loss(zeros(97), support(n=0)), ["no examples", "(0, 1)"]),
    "images in a network of vectors": (
        lambda: main().loss(zeros(97), Examples(zeros(3, 5, 1, 6, 6), labels(3, 5))),
        ["(3, 5, 1, 6, 6)", "3 dimensions", "inputs of 1"],
    ),
    "labels in a column beside images of one channel": (
        lambda: MainNetwork.from_module(nn.Conv2d(1, 1, 6), 3, "cross_entropy").loss(
            zeros(37), Examples(zeros(5, 1, 1, 6, 6), labels(5, 1, 1))
        ),
        ["(5, 1, 1)", "class indices (…, n)"],
    ),
    "the class of numbers": (
        lambda: classifier().loss(theta(classifier()), support(n=5, d_in=4, d_out=3)),
        ["(5, 3)", "float32", "y.long()"],
    ),
    "the squared error of classes": (
        lambda: main().loss(zeros(97), Examples(zeros(5, 1), labels(5))),
        ["(5,)", "torch.int64", "loss='cross_entropy'"],
    ),
    "a class too many": (
        lambda: classifier().loss(theta(classifier()), Examples(zeros(5, 4), labels(5, high=4))),
        ["0 to 3", "3 apart", "0 to 2"],
    ),
    "two outputs for three": (lambda: main().loss(zeros(97), support(n=5, d_out=2)), ["(5, 1)", "(5, 2)", "must be equal"]),
}

LOSSES = {
    "squared error of other shapes": (lambda: squared_error(zeros(3, 1), zeros(3, 2)), ["(3, 1)", "(3, 2)"]),
    "squared error that would broadcast": (lambda: squared_error(zeros(4, 3, 1), zeros(3, 1)), ["(4, 3, 1)", "(3, 1)"]),
    "squared error without outputs": (lambda: squared_error(zeros(3), zeros(3)), ["(3,)", "(…, n, d_out)", "unsqueeze(-1)"]),
    "squared error of classes": (lambda: squared_error(zeros(3, 2), labels(3)), ["(3, 2)", "(3,)", "cross_entropy"]),
    "cross-entropy of numbers": (lambda: cross_entropy(zeros(3, 2), zeros(3)), ["(3,)", "float32", "y.long()"]),
    "cross-entropy of int32": (lambda: cross_entropy(zeros(3, 2), labels(3).int()), ["int32", "int64"]),
    "cross-entropy of a column": (lambda: cross_entropy(zeros(3, 2), labels(3, 1)), ["(3, 2)", "(3, 1)", "one class index"]),
    "cross-entropy of fewer labels": (lambda: cross_entropy(zeros(2, 7, 3), labels(2, 6)), ["(2, 7, 3)", "(2, 6)"]),
    "cross-entropy of one example": (lambda: cross_entropy(zeros(3), torch.tensor(0)), ["(3,)", "()", "(…, n, classes)"]),
    "cross-entropy of the fourth of three classes": (
        lambda: cross_entropy(zeros(4, 3), labels(4, high=4)),
        ["0 to 3", "0 to 2"],
    ),
    "cross-entropy of a negative class": (lambda: cross_entropy(zeros(3, 3), labels(3) - 1), ["-1 to 1", "from 0"]),
    "accuracy of numbers": (lambda: accuracy(zeros(3, 2), zeros(3)), ["(3,)", "float32", "y.long()"]),
    "accuracy of fewer labels": (lambda: accuracy(zeros(7, 3), labels(6)), ["(7, 3)", "(6,)"]),
    "accuracy of a class that is not there": (lambda: accuracy(zeros(4, 3), labels(4, high=4)), ["0 to 3", "0 to 2"]),
    "a loss with a number for each example": (
        lambda: per_task(lambda p, y: (p - y).abs())(zeros(4, 5, 1), zeros(4, 5, 1)),
        ["shape (5, 1)", "one number", ".mean()"],
    ),
    "a loss with a number for each example of one task": (
        lambda: per_task(lambda p, y: (p - y).abs().mean(0))(zeros(5, 1), zeros(5, 1)),
        ["shape (1,)", "(5, 1)", ".mean()"],
    ),
    "a loss that gives a float": (lambda: per_task(lambda p, y: 0.5)(zeros(4, 5, 1), zeros(4, 5, 1)), ["a float", "(5, 1)"]),
    "a loss that cannot take these shapes": (
        lambda: per_task(F.cross_entropy)(zeros(4, 5, 3), labels(4, 6)),
        ["(5, 3)", "(6,)", "loss"],
    ),
    "a loss that cannot take labels": (lambda: per_task(F.l1_loss)(zeros(4, 5, 3), labels(4, 5)), ["(5, 3)", "(5,)", "loss"]),
}

ADAPTATION = {
    "a module for a main network": (lambda: adapt(nn.Linear(1, 1), zeros(2), support()), ["Linear", "MainNetwork.from_module"]),
    "no support": (lambda: adapt(main(), zeros(97), None), ["5 steps", "support set", "shots"]),
    "an empty support set": (lambda: adapt(main(), zeros(97), support(4, n=0)), ["5 steps", "at least one example"]),
    "a pair for a support set": (lambda: adapt(main(), zeros(97), (zeros(5, 1), zeros(5, 1))), ["tuple", "Examples(x, y)"]),
    "minus one step": (lambda: adapt(main(), zeros(97), support(), -1), ["at least 0", "-1"]),
    "half a step": (lambda: adapt(main(), zeros(97), support(), 0.5), ["whole number", "0.5"]),
    "True for steps": (lambda: adapt(main(), zeros(97), support(), True), ["whole number", "True"]),
    "a negative rate": (lambda: adapt(main(), zeros(97), support(), lr=-0.1), ["at least 0", "-0.1"]),
    "an infinite rate": (lambda: adapt(main(), zeros(97), support(), lr=float("inf")), ["finite", "inf"]),
    "a rate that is NaN": (lambda: adapt(main(), zeros(97), support(), lr=float("nan")), ["finite", "nan"]),
    "a rate in letters": (lambda: adapt(main(), zeros(97), support(), lr="0.1"), ["'0.1'", "number"]),
    "rates in a list": (lambda: adapt(main(), zeros(97), support(), lr=[0.1] * 97), ["list", "tensor"]),
    "three rates": (lambda: adapt(main(), zeros(97), support(), lr=torch.ones(3)), ["3", "97"]),
    "rates of other tasks": (lambda: adapt(main(), zeros(97), support(4), lr=torch.ones(7, 97)), ["(7, 97)", "(4, 97)"]),
    "rates of tasks for one task": (lambda: adapt(main(), zeros(97), support(), lr=torch.ones(7, 97)), ["(7, 97)", "(97,)"]),
    "a rate for no layer": (lambda: adapt(main(), zeros(97), support(), lr={"9.weight": 0.1}), ["9.weight", "0.weight"]),
    "a negative rate for a layer": (
        lambda: adapt(main(), zeros(97), support(), lr={"0.bias": -0.1}),
        ["0.bias", "-0.1", "at least 0"],
    ),
    "rates of another shape for a layer": (
        lambda: adapt(main(), zeros(97), support(), lr={"0.weight": torch.ones(8)}),
        ["'0.weight'", "(8,)", "(8, 1)"],
    ),
    "rates by layer for a descriptor": (
        lambda: adapt(main(), zeros(2), support(), lr={"0.bias": 0.1}, through=MLPGenerator(2, main())),
        ["0.bias", "97", "2", "one rate"],
    ),
    "too few weights to adapt": (lambda: adapt(main(), zeros(96), support()), ["96", "97"]),
    "weights without a dimension to adapt": (lambda: adapt(main(), zeros(()), support()), ["no dimensions", "97"]),
    "weights in integers to adapt": (lambda: adapt(main(), zeros(97).long(), support()), ["torch.int64", "float()"]),
    "weights by name to adapt": (lambda: adapt(main(), main().unflatten(zeros(97)), support()), ["θ is a dict", "flatten"]),
    "weights of three tasks for four": (lambda: adapt(main(), zeros(3, 97), support(4)), ["(3,)", "(4,)", "one θ (P,)"]),
    "weights of another dtype": (lambda: adapt(main(), zeros(97).double(), support()), ["float64", "float32"]),
    "a loss that is cut": (
        lambda: adapt(main(loss=lambda p, y: (p - y).detach().square().mean()), zeros(97), support()),
        ["does not depend", "detach"],
    ),
    "a map that is cut": (
        lambda: adapt(main(), zeros(2), support(), through=lambda tau: MLPGenerator(2, main())(tau).detach()),
        ["does not depend", "through"],
    ),
    "a map to another network's weights": (
        lambda: adapt(main(), zeros(2), support(), through=MLPGenerator(2, classifier())),
        ["67", "97"],
    ),
    "images to adapt on": (
        lambda: adapt(main(), zeros(97), Examples(zeros(3, 5, 1, 6, 6), labels(3, 5))),
        ["(3, 5, 1, 6, 6)", "inputs of 1"],
    ),
    "classes to adapt on": (
        lambda: adapt(main(), zeros(97), Examples(zeros(4, 5, 1), labels(4, 5))),
        ["(4, 5)", "loss='cross_entropy'"],
    ),
    "more steps than memory": (
        lambda: adapt(main(), zeros(97), support(), 10**12),
        ["1000000000000 steps", "GB", "first_order=True"],
    ),
}

ENCODERS = {
    "x of another dtype for a set encoder": (
        lambda: SetEncoder(1, 1, 4)(None, support(3).to(torch.float64)),
        ["x of shape (3, 5, 1)", "float64", "float32"],
    ),
    "words in whole numbers for a set encoder": (
        lambda: SetEncoder(1, 1, 4)(None, Examples(labels(3, 5, 1), zeros(3, 5, 1))),
        ["x of shape (3, 5, 1)", "int64", "float32"],
    ),
    "no encoders to join": (lambda: JointEncoder(), ["JointEncoder", "at least one"]),
    "a function for an encoder": (
        lambda: Hypernetwork(main(), MLPGenerator(2, main()), lambda tau: tau),
        ["the encoder is a function", "nn.Module"],
    ),
    "words in an array": (lambda: WordAttention(8)(zeros(3, 8).numpy()), ["ndarray", "torch.as_tensor(τ)"]),
    "words without a width": (lambda: WordAttention(0), ["width", "at least 1"]),
    "a seed for a set encoder": (lambda: SetEncoder(1, 1, 4, rng=0), ["rng", "manual_seed(0)"]),
    "a seed for a table": (lambda: Learned(["a"], 4, rng=0), ["rng", "manual_seed(0)"]),
    "a seed for attention to words": (lambda: WordAttention(8, rng=0), ["rng", "manual_seed(0)"]),
    "a one-hot vector in whole numbers": (lambda: Learned(["a", "b"], 3)(torch.eye(2).long()), ["(2, 2)", "int64", "float32"]),
    "words of another dtype": (lambda: WordAttention(8)(torch.ones(3, 8).double()), ["(3, 8)", "float64", "float32"]),
    "a set encoder without a support set": (lambda: SetEncoder(1, 1, 4)(zeros(3, 2)), ["SetEncoder", "at least one example"]),
    "a set encoder without examples": (
        lambda: SetEncoder(1, 1, 4)(None, support(3, n=0)),
        ["SetEncoder", "at least one example"],
    ),
    "longer x for a set encoder": (lambda: SetEncoder(1, 1, 4)(None, support(3, d_in=2)), ["(3, 5, 2)", "1 and 1", "d_in"]),
    "longer y for a set encoder": (lambda: SetEncoder(1, 1, 4)(None, support(3, d_out=2)), ["(3, 5, 2)", "1 and 1", "d_out"]),
    "a fourth class for a set encoder": (
        lambda: SetEncoder(1, 3, 4)(None, Examples(zeros(4, 1), labels(4, high=4))),
        ["0 to 3", "3"],
    ),
    "a set encoder of nothing": (lambda: SetEncoder(1, 1, 0), ["at least 1", "dim", "0"]),
    "a code without a length": (lambda: Learned(["a", "b"], 0), ["at least 1", "0"]),
    "a table without rows": (lambda: Learned([], 3), ["at least one name"]),
    "a one-hot vector of fewer": (lambda: Learned(["a", "b"], 3)(zeros(5, 3)), ["2 rows", "3 numbers"]),
    "no descriptor for a table": (lambda: Learned(["a", "b"], 3)(None), ["Learned", "None"]),
    "no words": (lambda: WordAttention(8)(None), ["WordAttention", "None"]),
    "words of another width": (lambda: WordAttention(8)(zeros(3, 12)), ["(3, 12)", "8"]),
    "a sentence without a word": (lambda: WordAttention(8)(zeros(3, 16)), ["no word"]),
    "no descriptor for a module": (lambda: DescriptorEncoder(nn.Linear(2, 3))(None), ["DescriptorEncoder", "None"]),
    "codes of four tasks beside those of three": (
        lambda: JointEncoder(nn.Linear(2, 3), SetEncoder(1, 1, 4))(zeros(3, 2), support(4)),
        ["(3, 3)", "(4, 4)"],
    ),
    "one-hot of an unknown name": (lambda: OneHot(["a", "b"])(["c"]), ["2 training tasks", "'c'"]),
    "one-hot with a name twice": (lambda: OneHot(["a", "a"]), ["no name twice"]),
    "one-hot without names": (lambda: OneHot([]), ["at least one name"]),
    "properties without a name": (lambda: Metadata.fit(zeros(5, 2), ["a"], [""]), ["(5, 2)", "1 properties"]),
    "a property that never differs": (lambda: Metadata.fit(zeros(5, 1), ["age"], ["a"]), ["'age'", "same for every"]),
    "a property that is infinite for one": (
        lambda: Metadata.fit(torch.tensor([[1.0], [2.0], [torch.inf]]), ["age"], ["a"]),
        ["infinite", "NaN"],
    ),
    "a property that never differs, but whose mean is rounded": (
        lambda: Metadata.fit(torch.full((75, 1), 0.1), ["age"], ["a"]),
        ["'age'", "same for every"],
    ),
    "a property that is never known": (lambda: Metadata.fit(zeros(5, 1) / 0, ["age"], ["a"]), ["'age'", "no value for any"]),
    "a property too many": (lambda: Sinusoids().descriptors(zeros(4, 3)), ["(4, 3)", "2 properties", "amplitude"]),
    "a property that is infinite": (lambda: Sinusoids().descriptors(torch.ones(4, 2) / 0), ["infinite", "NaN"]),
    "statistics of classes": (
        lambda: SupportStatistics.fit(Examples(zeros(3, 5, 1), labels(3, 5))),
        ["(3, 5)", "class indices"],
    ),
    "statistics of nothing": (lambda: SupportStatistics.fit(support(3, n=0)), ["at least one", "shots"]),
}

GENERATORS = {
    "half a weight in each chunk": (lambda: ChunkedGenerator(2, main(), chunk_size=2.5), ["chunk_size", "2.5"]),
    "half a channel": (lambda: ConvGenerator(2, main(), channels=2.5), ["channels", "2.5"]),
    "half a rank": (lambda: LowRankGenerator(2, main(), rank=1.5), ["rank", "1.5"]),
    "no heads": (lambda: AttentionGenerator(2, main(), heads=0), ["heads", "at least 1", "0"]),
    "codes without a length": (lambda: AttentionGenerator(2, main(), rank=0), ["rank", "at least 1", "0"]),
    "a module for a generator to write next": (lambda: AttentionGenerator(2, main()).for_main(nn.Linear(1, 1)), ["Linear"]),
    "half a descriptor": (lambda: MLPGenerator(2.5, main()), ["descriptor_dim", "whole number", "2.5"]),
    "a module for a generator to write": (lambda: MLPGenerator(2, nn.Linear(1, 1)), ["Linear", "MainNetwork.from_module"]),
    "a number for the widths of a trunk": (lambda: MLPGenerator(2, main(), hidden=64), ["hidden", "int", "(64,)"]),
    "a trunk without width": (lambda: LowRankGenerator(2, main(), hidden=(8, 0)), ["width", "at least 1", "0"]),
    "a descriptor of another dtype": (
        lambda: MLPGenerator(2, main())(zeros(5, 2).double()),
        ["τ of shape (5, 2)", "float64", "float32"],
    ),
    "a descriptor in whole numbers": (lambda: ChunkedGenerator(2, main())(labels(5, 2)), ["(5, 2)", "int64", "float32"]),
    "no descriptors to begin from": (lambda: MLPGenerator(2, main(), descriptors=zeros(0, 2)), ["(0, 64)", "empty"]),
    "descriptors that say nothing to begin from": (
        lambda: MLPGenerator(2, main(), hidden=(), descriptors=zeros(3, 2)),
        ["(3, 2)", "is 0", "other descriptors"],
    ),
    "a descriptor without a length": (lambda: MLPGenerator(0, main()), ["at least 1", "0"]),
    "a descriptor of three for a generator of two": (
        lambda: MLPGenerator(2, main())(zeros(5, 3)),
        ["(5, 3)", "2", "descriptor_dim"],
    ),
    "a descriptor without a dimension": (lambda: MLPGenerator(2, main())(zeros(())), ["()", "2"]),
    "a descriptor with NaN": (lambda: MLPGenerator(2, main())(zeros(5, 2) / 0), ["NaN", "Metadata"]),
    "an initialisation that is not there": (lambda: MLPGenerator(2, main(), init="he"), ["'he'", "hyperfan", "default"]),
    "a trunk's activation that is not there": (lambda: MLPGenerator(2, main(), activation="swish"), ["'swish'", "gelu"]),
    "chunks of nothing": (lambda: ChunkedGenerator(2, main(), chunk_size=0), ["chunk_size", "0"]),
    "pictures without channels": (lambda: ConvGenerator(2, main(), channels=0), ["channels", "0"]),
    "a change without a rank": (lambda: LowRankGenerator(2, main(), rank=0), ["rank", "0"]),
    "a descriptor in a list": (lambda: MLPGenerator(2, main())([0.5, 1.0]), ["list", "torch.as_tensor(τ)"]),
    "embeddings of nothing": (lambda: ChunkedGenerator(2, main(), embedding_dim=0), ["embedding_dim", "0"]),
    **{
        f"a seed for {generator.__name__}": (functools.partial(generator, 2, main(), rng=0), ["rng", "manual_seed(0)"])
        for generator in (MLPGenerator, ChunkedGenerator, ConvGenerator, LowRankGenerator, AttentionGenerator)
    },
    "heads that do not divide": (lambda: AttentionGenerator(2, main(), dim=10, heads=4), ["10", "4", "multiple"]),
}

LEARNERS = {
    "a learner of which no weight adapts": (lambda: ANIL(main(), head=[]), ["no weight would adapt", "4.weight"]),
    "a rate for each weight to begin with": (lambda: MetaSGD(main(), lr=torch.ones(97)), ["Tensor", "one number"]),
    "rates by name to begin with": (lambda: MetaSGD(main(), lr={"4.bias": 0.1}), ["dict", "one number"]),
    "conditioned on NaN": (lambda: Conditioned(main(), 2)(zeros(5, 2) / 0), ["NaN", "Metadata"]),
    "conditioned on another dtype": (lambda: Conditioned(main(), 2)(zeros(5, 2).double()), ["float64", "float32"]),
    "a module in place of a main network": (lambda: MAML(nn.Linear(1, 1)), ["Linear", "MainNetwork.from_module"]),
    "a learner of minus one step": (lambda: MAML(main(), steps=-1), ["at least 0", "-1"]),
    "a learner of half a step": (lambda: MAML(main(), steps=0.5), ["whole number", "0.5"]),
    "a learner of True steps": (lambda: MAML(main(), steps=True), ["whole number", "True"]),
    "a learner with a negative rate": (lambda: MAML(main(), lr=-0.1), ["at least 0", "-0.1"]),
    "a learner given another negative rate": (lambda: setattr(MAML(main()), "lr", -0.1), ["at least 0", "-0.1"]),
    "a learner with a rate that is NaN": (lambda: Reptile(main(), lr=float("nan")), ["finite", "nan"]),
    "a learner with a rate in letters": (lambda: MAML(main(), lr="0.1"), ["'0.1'", "number"]),
    "a learner with rates in a list": (lambda: MAML(main(), lr=[0.1, 0.2]), ["list", "tensor"]),
    "learned rates that begin below zero": (lambda: MetaSGD(main(), lr=-1.0), ["at least 0", "-1.0"]),
    "a head that is not there": (lambda: ANIL(main(), head=["9.weight"]), ["9.weight", "4.weight"]),
    "a learner with a rate for no layer": (lambda: MAML(main(), lr={"9.weight": 0.1}), ["9.weight", "4.weight"]),
    "a network without a bias for a descriptor": (
        lambda: Conditioned(MainNetwork.from_module(nn.Linear(2, 1, bias=False)), 2),
        ["no bias", "weight"],
    ),
    "a first layer without a bias for a descriptor": (
        lambda: Conditioned(MainNetwork.from_module(nn.Sequential(nn.Linear(2, 1, bias=False), nn.Linear(1, 1))), 2),
        ["first layer", "no bias", "0.weight"],
    ),
    "conditioned on a list": (lambda: Conditioned(main(), 2)([0.5, 1.0]), ["list", "torch.as_tensor(τ)"]),
    "x and y in a tuple for shared weights": (
        lambda: SharedWeights(main())(None, (zeros(5, 1),) * 2),
        ["tuple", "Examples(x, y)"],
    ),
    "x and y in a tuple for an encoder": (
        lambda: SupportSetHypernetwork(main())(None, (zeros(5, 1),) * 2),
        ["tuple", "Examples(x, y)"],
    ),
    "descriptor adaptation of what reads no descriptor": (
        lambda: DescriptorAdaptation(main(), SharedWeights(main()), 2)(None, support(3)),
        ["does not depend on what adapts"],
    ),
    "a generator for the same weights in another order": (
        lambda: Hypernetwork(MainNetwork.from_module(crossed()), MLPGenerator(2, MainNetwork.from_module(crossed(1)))),
        ["another main network", "main=main"],
    ),
    "conditioned on nothing": (lambda: Conditioned(main(), 0), ["at least 1", "0"]),
    "conditioned on three numbers for two": (lambda: Conditioned(main(), 2)(zeros(5, 3)), ["(5, 3)", "2 numbers"]),
    "conditioned without a descriptor": (lambda: Conditioned(main(), 2)(None, support(5)), ["Conditioned", "None"]),
    "a layer for a generator": (lambda: Hypernetwork(main(), nn.Linear(2, 97)), ["Linear", "MLPGenerator"]),
    "a generator for another network": (lambda: Hypernetwork(main(), MLPGenerator(2, classifier())), ["67", "97", "main=main"]),
    "an encoder too wide for the generator": (
        lambda: Hypernetwork(main(), MLPGenerator(2, main()), nn.Linear(4, 3)),
        ["3 numbers", "takes 2"],
    ),
    "a hypernetwork without a descriptor": (
        lambda: Hypernetwork(main(), MLPGenerator(2, main()))(None),
        ["Hypernetwork", "None"],
    ),
    "a hypernetwork without examples": (
        lambda: SupportSetHypernetwork(main())(zeros(3, 2), None),
        ["SetEncoder", "at least one"],
    ),
    "an encoder for a network of images": (
        lambda: SupportSetHypernetwork(MainNetwork.from_module(nn.Conv2d(1, 1, 3), 3)),
        ["inputs of 3 dimensions", "SetEncoder(d_in"],
    ),
    "an update for a network of images": (
        lambda: HyperMAML(MainNetwork.from_module(nn.Conv2d(1, 1, 3), 3)),
        ["inputs of 3 dimensions", "SetEncoder(d_in"],
    ),
    "HyperMAML without examples": (
        lambda: HyperMAML(main())(zeros(3, 2), support(3, n=0)),
        ["HyperMAML", "at least one example"],
    ),
    "MAML without examples": (lambda: MAML(main())(zeros(3, 2), None), ["MAML", "1 inner steps", "shots"]),
    "ANIL with an empty support set": (lambda: ANIL(main(), 3)(None, support(3, n=0)), ["ANIL", "3 inner steps"]),
    "a start that needs a descriptor": (
        lambda: TaskConditionedMAML(main(), MLPGenerator(2, main()))(None, support(3)),
        ["TaskConditionedMAML", "None"],
    ),
    "descriptor adaptation of another length": (
        lambda: DescriptorAdaptation(main(), MLPGenerator(5, main()), 3)(None, support(3)),
        ["3", "5"],
    ),
    "descriptor adaptation of nothing": (lambda: DescriptorAdaptation(main(), MLPGenerator(5, main()), 0), ["0"]),
    "descriptors of five tasks beside examples of four": (
        lambda: TaskConditionedMAML(main(), MLPGenerator(2, main()))(zeros(5, 2), support(4)),
        ["(5,)", "(4,)"],
    ),
}

TRAINING = {
    "a learned rate that gets no gradient": (
        lambda: trained(Reptile(main(), lr=nn.Parameter(torch.tensor(0.1)))),
        ["Reptile", "cannot learn α"],
    ),
    "toward shared weights that are not all": (
        lambda: trained(by_class(), penalties={TowardSharedWeights(): 1.0}, tasks=Described(Characters().train, first_codes)),
        ["Hypernetwork", "no θ₀"],
    ),
    "a decoder of another dtype": (
        lambda: trained(Hypernetwork(main(), MLPGenerator(2, main())).double(), penalties={Reconstruction(main(), 2): 1.0}),
        ["θ of shape (2, 97)", "float64", "float32"],
    ),
    "a decoder of another descriptor": (
        lambda: trained(Hypernetwork(main(), MLPGenerator(2, main())), penalties={Reconstruction(main(), 1): 1.0}),
        ["(2, 2)", "(2, 1)", "descriptor_dim"],
    ),
    "a decoder of nothing": (lambda: Reconstruction(main(), 0), ["descriptor_dim", "at least 1"]),
    "a seed for a decoder": (lambda: Reconstruction(main(), 2, rng=0), ["rng", "manual_seed(0)"]),
    "the sensitivity of a layer without a forward derivative": (
        lambda: trained(Hypernetwork(main(), MLPGenerator(4, main()), Rolled()), penalties={Sensitivity(): 1.0}),
        ["Sensitivity", "forward", "rnn_layer"],
    ),
    "the sensitivity of a layer that counts": (
        lambda: trained(Hypernetwork(main(), MLPGenerator(2, main()), nn.BatchNorm1d(2)), penalties={Sensitivity(): 1.0}),
        ["Sensitivity", "in-place"],
    ),
    "a main network to compare": (lambda: compare({"main": main()}, Sinusoids(), 0), ["_MLP", "SharedWeights(main)"]),
    "one learner under two names": (
        lambda: compare(dict.fromkeys("ab", MAML(main())), Sinusoids(), 1, progress=False),
        ["'a' and 'b' share parameters", "deepcopy"],
    ),
    "a family for a set of tasks": (lambda: trained(tasks=Sinusoids()), ["Sinusoids", ".train"]),
    "no step": (lambda: trained(steps=0), ["steps", "at least 1", "0"]),
    "half a step of training": (lambda: trained(steps=1.5), ["whole number", "1.5"]),
    "no tasks": (lambda: trained(tasks_per_step=0), ["n_tasks", "at least 1", "0"]),
    "more tasks than there are": (lambda: trained(tasks=climate().test, tasks_per_step=61), ["61", "60", "fewer"]),
    "half a task": (lambda: trained(tasks_per_step=2.5), ["2.5", "whole number"]),
    "minus one shot to train with": (lambda: trained(shots=-1), ["shots", "-1"]),
    "no queries to train with": (lambda: trained(queries=0), ["queries", "at least 1", "0"]),
    "no shots for MAML": (lambda: trained(MAML(main()), shots=0), ["MAML", "at least one example"]),
    "thirteen months": (lambda: trained(tasks=climate().train, shots=7, queries=6), ["13 months", "12"]),
    "an optimizer of another learner": (
        lambda: trained(optimizer=torch.optim.Adam(nn.Linear(1, 1).parameters())),
        ["theta_0", "learner.parameters()"],
    ),
    "a gradient scaled to nothing": (lambda: trained(max_norm=0), ["max_norm", "above 0", "0"]),
    "a norm in letters": (lambda: trained(max_norm="high"), ["max_norm", "'high'"]),
    "a penalty by its old name": (lambda: trained(penalties={"weight_norm": 1e-3}), ["'weight_norm'", "WeightNorm()"]),
    "the class of a penalty": (lambda: trained(penalties={WeightNorm: 1e-3}), ["WeightNorm", "made"]),
    "a penalty that rewards": (lambda: trained(penalties={WeightNorm(): -1.0}), ["WeightNorm", "at least 0", "-1.0"]),
    "penalties in a list": (lambda: trained(penalties=[WeightNorm()]), ["list", "{WeightNorm(): "]),
    "a strength in letters": (lambda: trained(penalties={WeightNorm(): "high"}), ["WeightNorm", "'high'"]),
    "a penalty with a number for each task": (
        lambda: trained(penalties={lambda learner, tasks, theta: theta.sum(-1): 1.0}),
        ["(2,)", ".mean()"],
    ),
    "a penalty that gives a float": (lambda: trained(penalties={lambda learner, tasks, theta: 0.5: 1.0}), ["a float", "()"]),
    "toward shared weights that are not shared": (
        lambda: trained(Hypernetwork(main(), MLPGenerator(2, main())), penalties={TowardSharedWeights(): 1.0}),
        ["Hypernetwork", "no θ₀"],
    ),
    "the sensitivity of shared weights": (
        lambda: trained(penalties={Sensitivity(): 1.0}),
        ["SharedWeights", "do not depend on τ"],
    ),
    "the spectral norm of no generator": (lambda: trained(penalties={SpectralNorm(): 1.0}), ["SharedWeights", "generator"]),
    "nothing to hold on to": (
        lambda: OutputRegularizer(Hypernetwork(main(), MLPGenerator(2, main())), zeros(0, 2)),
        ["nothing", "at least one"],
    ),
    "no descriptors to hold on to": (lambda: OutputRegularizer(MAML(main()), None), ["NoneType", "τ (n, d_tau)"]),
    "a folder for a checkpoint": (lambda: trained(checkpoint=PACKAGE), ["hyperedu is a folder", ".safetensors"]),
    "a checkpoint every zero steps": (lambda: trained(checkpoint_every=0), ["checkpoint_every", "at least 1", "0"]),
    "a seed to train with": (lambda: trained(rng=0), ["rng", "int", "manual_seed(0)"]),
    "a main network to train": (lambda: trained(main()), ["_MLP", "SharedWeights(main)"]),
    "a loss that is cut in training": (
        lambda: trained(SharedWeights(main(loss=lambda p, y: (p - y).detach().square().mean()))),
        ["does not depend", "SharedWeights"],
    ),
    "a layer without a second derivative": (
        lambda: trained(MAML(MainNetwork.from_module(nn.Sequential(nn.Linear(1, 4), nn.Hardsigmoid(), nn.Linear(4, 1))))),
        ["hardsigmoid_backward is not implemented", "first_order=True"],
    ),
    "a loss without a second derivative": (
        lambda: trained(MAML(main(loss=lambda p, y: torch.cdist(p, y).mean()))),
        ["_cdist_backward", "first_order=True"],
    ),
    "a family to test on": (lambda: try_out(tasks=Sinusoids()), ["Sinusoids", ".test"]),
    "a main network to test": (lambda: try_out(main()), ["_MLP", "SharedWeights(main)"]),
    "minus one inner step": (lambda: try_out(inner_steps=-1), ["at least 0", "-1"]),
    "half an inner step": (lambda: try_out(inner_steps=0.5), ["whole number", "0.5"]),
    "no tasks to test on": (lambda: try_out(n_tasks=0), ["n_tasks", "at least 1", "0"]),
    "more tasks to test on than there are": (lambda: try_out(tasks=climate().test, n_tasks=61), ["61", "60"]),
    "minus one shot to test with": (lambda: try_out(shots=-1), ["shots", "-1"]),
    "no shots to adapt with": (lambda: try_out(shots=0), ["MAML", "at least one example"]),
    "no queries to test with": (lambda: try_out(queries=0), ["queries", "0"]),
    "a seed to test with": (lambda: try_out(rng=0), ["rng", "int", "manual_seed(0)"]),
    "inner steps for a learner of descriptors, without shots": (
        lambda: try_out(Hypernetwork(main(), MLPGenerator(2, main())), inner_steps=2, shots=0),
        ["Hypernetwork", "2 inner steps"],
    ),
    "a list of learners": (lambda: compare([MAML(main())], Sinusoids(), 1), ["list", "{"]),
    "no learners": (lambda: compare({}, Sinusoids(), 1), ["at least one learner"]),
    "a set of tasks for a family": (lambda: compare({"MAML": MAML(main())}, Sinusoids().train, 1), ["train", "test"]),
    "minus one step to compare": (lambda: compare({"MAML": MAML(main())}, Sinusoids(), -1), ["steps", "-1"]),
}

TASKS = {
    "no text": (lambda: Text()(None), ["NoneType", "give a sentence"]),
    "half a station held out": (lambda: ColoradoClimate(n_test=2.5), ["n_test", "2.5", "whole number"]),
    "a family to describe wrongly": (lambda: NoisyDescriptors(Sinusoids(), 1.0), ["Sinusoids", ".train"]),
    "a family to describe otherwise": (lambda: Described(Sinusoids(), lambda tasks: tasks.descriptor), ["Sinusoids", ".train"]),
    "an empty list of sentences": (lambda: Text()([]), ["no sentence", "at least one"]),
    "an endless set whole": (lambda: Sinusoids().train.sample(), ["endlessly many", "n_tasks"]),
    "no task": (lambda: Sinusoids().train.sample(0), ["n_tasks", "at least 1", "0"]),
    "half a task of a set": (lambda: Sinusoids().train.sample(2.5), ["2.5", "whole number"]),
    "minus one shot of a set": (lambda: Sinusoids().train.sample(2, -1), ["at least 0", "-1"]),
    "half a shot of a set": (lambda: Sinusoids().train.sample(2, 2.5), ["2.5", "whole number"]),
    "no queries of a set": (lambda: Sinusoids().train.sample(2, 5, 0), ["at least 1", "0"]),
    "a range that begins at its end": (lambda: Sinusoids(amplitude=(5.0, 5.0)), ["amplitude", "(5.0, 5.0)"]),
    "a range the wrong way round": (lambda: Sinusoids(x=(5.0, -5.0)), ["x", "(5.0, -5.0)", "below"]),
    "a variable that is not there": (lambda: ColoradoClimate("snow"), ["'snow'", "tmax"]),
    "examples that are no months": (lambda: ColoradoClimate(examples="days"), ["'days'", "'months'"]),
    "no station held out": (lambda: ColoradoClimate(n_test=0), ["n_test", "0"]),
    "one station to train on": (lambda: ColoradoClimate(n_train=1), ["n_train", "1"]),
    "more readings than a station has": (lambda: climate("years").train.sample(2, 10**6, 1), ["1000000 shots", "fewest"]),
    "a station that is not there": (lambda: climate().station("Denvr"), ["'Denvr'", "did you mean"]),
    "no sentences": (lambda: WavesInWords(n_test=0), ["n_test=0", "at least one"]),
    "a sentence that says nothing": (lambda: Text()(" "), ["' '", "type a sentence"]),
    "a description that errs less than nothing": (lambda: NoisyDescriptors(Sinusoids().train, -1.0), ["at least 0", "-1.0"]),
    "a range of errors the wrong way round": (lambda: NoisyDescriptors(Sinusoids().train, (2.0, 1.0)), ["(2.0, 1.0)"]),
    "a description of too few tasks": (
        lambda: Described(Sinusoids().train, lambda tasks: tasks.descriptor[:1]).sample(3),
        ["(1, 2)", "3 tasks"],
    ),
    "a description of one dimension": (
        lambda: Described(Sinusoids().train, lambda tasks: tasks.descriptor[:, 0]).sample(3),
        ["(3,)", "a row for each"],
    ),
}

BAD = EXAMPLES | BATCHES | NETWORKS | LOSSES | ADAPTATION | ENCODERS | GENERATORS | LEARNERS | TRAINING | TASKS


def where(error: BaseException) -> Path:
    """The file in which an error was raised."""
    trace = error.__traceback__
    while trace.tb_next is not None:
        trace = trace.tb_next
    return Path(trace.tb_frame.f_code.co_filename)


@pytest.mark.filterwarnings("ignore:Using a target size", "ignore:Lazy modules", "ignore:`torch.nn.utils.weight_norm`")
@pytest.mark.parametrize("name", BAD)
def test_bad_input_gets_a_sentence_of_our_own(name):
    call, words = BAD[name]
    with pytest.raises((ValueError, MemoryError)) as caught:
        call()
    said = str(caught.value)
    assert PACKAGE in where(caught.value).parents, f"raised in {where(caught.value)}: {said}"
    assert all(word in said for word in words), said


def test_at_least_a_hundred_kinds_are_tried():
    tables = [EXAMPLES, BATCHES, NETWORKS, LOSSES, ADAPTATION, ENCODERS, GENERATORS, LEARNERS, TRAINING, TASKS]
    assert sum(map(len, tables)) == len(BAD) >= 100, "no kind may have the name of another"
