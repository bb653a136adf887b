"""g : (θ, x) → y, and its loss L. A main network is a function of its weights and owns none of them."""

import contextlib
import copy
import inspect
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from numbers import Integral, Real
from types import FunctionType

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.utils import parametrizations
from torch.nn.utils.weight_norm import WeightNorm

from hyperedu.batches import Examples, expect, readable, source, whole
from hyperedu.losses import LOSSES, Loss, per_task

__all__ = ["MainNetwork"]

# Activation and its gain: the factor that keeps the variance of a layer's output at that of its input
# (He et al. 2015, arXiv 1502.01852, section 2.2, for ReLU; the others as in torch.nn.init.calculate_gain).
ACTIVATIONS: dict[str, tuple[Callable[[Tensor], Tensor], float]] = {
    "relu": (torch.relu, math.sqrt(2)),
    "tanh": (torch.tanh, 5 / 3),
    "sigmoid": (torch.sigmoid, 1.0),
    "gelu": (nn.functional.gelu, math.sqrt(2)),
    "sin": (torch.sin, 1.0),
}


# Group norm: how many groups, where that divides the channels.
GROUPS = 4
# How many numbers a task may have after the first convolution, for all tasks to go through one grouped convolution.
ALL_AT_ONCE = 400_000


def activation_and_gain(name: str) -> tuple[Callable[[Tensor], Tensor], float]:
    """The activation called `name` and its gain; a ValueError lists the names there are."""
    if not isinstance(name, str) or name not in ACTIVATIONS:
        raise ValueError(f"no activation is called {name!r}: choose one of {', '.join(ACTIVATIONS)}")
    return ACTIVATIONS[name]


class MainNetwork:
    """g : (θ, x) → y, with θ one flat vector (…, P) of all weights; and the loss L : (θ, D) → one number per task.

    Made by `MainNetwork.mlp`, `MainNetwork.conv` or `MainNetwork.from_module`. It holds the names and shapes of its weights
    and the mean and standard deviation of their initialisation, never the weights themselves.

    Attributes:
        shapes: name → shape of each weight tensor, in the order in which they lie in θ.
        weight_dim: P, the length of θ.
        input_dims: how many dimensions one input has: 1 for a vector, 3 for an image.
        d_in, d_out: the lengths of x and y, None where they are not known (images, or a module that does not say).
        head: the names of the last layer's weights.
        d_features: F, how many numbers the last layer is given; None where that is not known.
        initial_mean, initial_std: (P,) each, the moments of a freshly initialised θ.
        start_std: (P,) the standard deviation of a θ₀ that gradient steps begin from.
        training: whether layers such as dropout behave as in training.
    """

    input_dims: int
    d_in: int | None
    d_out: int | None
    _d_features: int | None = None  # no fact of its own: what it follows from is one
    examples_apart = False  # whether what a network makes of one example is known not to depend on the others

    def __init__(
        self,
        shapes: Mapping[str, Sequence[int]],
        initial_mean: Tensor,
        initial_std: Tensor,
        loss: str | Callable = "squared_error",
        start_std: Tensor | None = None,
    ):
        self.shapes = {name: tuple(shape) for name, shape in shapes.items()}
        self.sizes = [math.prod(shape) for shape in self.shapes.values()]
        self.weight_dim = sum(self.sizes)
        self._units = sum(shape[0] for shape in self.shapes.values() if len(shape) == 1)  # numbers made of one example
        layers = [layer_of(name) for name in self.shapes]
        self.head = [name for name, layer in zip(self.shapes, layers, strict=True) if layer == layers[-1]]
        self.initial_mean, self.initial_std = initial_mean, initial_std
        self.start_std = initial_std if start_std is None else start_std
        if isinstance(loss, type):
            raise ValueError(f"the loss is the class {loss.__name__}: give a loss of that kind, {loss.__name__}()")
        if not callable(loss) and not (isinstance(loss, str) and loss in LOSSES):
            raise ValueError(
                f"no loss is called {loss!r}: choose one of {', '.join(LOSSES)}, or give a function (prediction, y)"
            )
        if isinstance(loss, nn.Module) and any(p.requires_grad for p in loss.parameters()):
            raise ValueError(
                f"the loss {type(loss).__name__} has parameters, which no learner would learn: give loss.requires_grad_(False)"
            )
        self.loss_kind = loss
        self._loss: Loss = per_task(loss) if callable(loss) else LOSSES[loss]
        self.training = True

    @property
    def d_features(self) -> int | None:
        return self._d_features

    @staticmethod
    def mlp(
        sizes: Sequence[int], activation: str = "relu", y_mean=0.0, y_std=1.0, loss: str | Callable = "squared_error"
    ) -> "MainNetwork":
        """A multilayer perceptron: `sizes` = [d_in, hidden …, d_out].

        The names are those of `nn.Sequential(nn.Linear, activation, nn.Linear, …)`: "0.weight", "0.bias",
        "2.weight", …, so that θ can be loaded into an ordinary module.

        Args:
            sizes: at least two positive widths.
            activation: one of `ACTIVATIONS`, between the layers.
            y_mean, y_std: the network's output is y_mean + y_std · (last layer). They are constants, not part
                of θ, and let y keep its units while the weights stay near one. Numbers or (d_out,) tensors.
            loss: "squared_error", "cross_entropy" (y is a class, the output are logits), or a function
                (prediction (n, d_out), y) → one number, applied to each task by itself.
        """
        return _MLP(sizes, activation, y_mean, y_std, loss)

    @staticmethod
    def conv(
        image: Sequence[int],
        channels: Sequence[int] = (32, 32, 32, 32),
        d_out: int = 5,
        activation: str = "relu",
        normalization: str | None = "group",
        loss: str | Callable = "cross_entropy",
    ) -> "MainNetwork":
        """Convolutions of 3 × 3 with stride 2, each normalised and activated, and a linear layer on all that is left.

        The network of Finn, Abbeel, Levine 2017 (arXiv 1703.03400), section 5.2, for Omniglot. The names are those of
        `nn.Sequential(nn.Conv2d(…, 3, stride=2, padding=1), nn.GroupNorm, activation, …, nn.Flatten, nn.Linear)`: "0.weight",
        "0.bias", "1.weight", …; without normalisation there is one number less to each block.

        Args:
            image: (channels, height, width) of one x.
            channels: of each convolution; every one halves height and width, odd ones rounded up. () is a linear layer on
                the pixels.
            d_out: how many classes, or numbers in y.
            activation: one of `ACTIVATIONS`.
            normalization: "group" (Wu, He 2018, arXiv 1803.08494; 4 groups, or as many as divide the channels) looks at each
                image by itself. "batch" takes mean and variance over all examples of a task that are given at once: what is
                said of one query then depends on the others, which is *transductive*, and flatters. None leaves it out.
            loss: as in `mlp`.
        """
        return _Conv(image, channels, d_out, activation, normalization, loss)

    @staticmethod
    def from_module(module: nn.Module, input_dims: int = 1, loss: str | Callable = "squared_error") -> "MainNetwork":
        """Any `nn.Module` as a function of its weights, through `torch.func.functional_call` and `vmap`.

        Works on a weightless copy: the module given is not changed and lends only its names, shapes and
        the mean and standard deviation of each of its tensors, which become the initialisation. It begins in the mode,
        training or evaluation, that the module is in.

        Args:
            module: called with x of shape (n, …); gives y of shape (n, d_out). A recurrent layer needs batch_first=True.
            input_dims: how many dimensions one input has: 1 for a vector, 3 for an image (channels, h, w).
            loss: as in `mlp`.

        Raises:
            ValueError: a module without weights, or one that keeps a state of its own, which would leak from task to task.
        """
        return _ModuleNetwork(module, input_dims, loss)

    def unflatten(self, theta: Tensor) -> dict[str, Tensor]:
        """θ (…, P) → {name: view of shape (…, *shape)}."""
        self.check(theta)
        pieces = theta.split(self.sizes, dim=-1)
        lead = theta.shape[:-1]
        return {
            name: piece.unflatten(-1, shape) if shape else piece.reshape(lead)
            for piece, (name, shape) in zip(pieces, self.shapes.items(), strict=True)
        }

    def flatten(self, named: Mapping[str, Tensor]) -> Tensor:
        """The inverse of `unflatten`: {name: (…, *shape)} → θ (…, P)."""
        missing, extra = self.shapes.keys() - named.keys(), named.keys() - self.shapes.keys()
        if missing or extra:
            raise ValueError(
                f"the names of the weights differ from main.shapes: missing {sorted(missing)}, not known {sorted(extra)}"
            )
        flat, lead = [], None
        for name, shape in self.shapes.items():
            value = named[name]
            expect(repr(name), value, Tensor, f"it must be a tensor whose last dimensions are {shape}")
            n_lead = value.ndim - len(shape)
            if n_lead < 0 or tuple(value.shape[n_lead:]) != shape:
                raise ValueError(f"{name!r} has shape {tuple(value.shape)}, but its last dimensions must be {shape}")
            if lead not in (None, value.shape[:n_lead]):
                raise ValueError(
                    f"{name!r} has shape {tuple(value.shape)}, leading dimensions {tuple(value.shape[:n_lead])}, but the "
                    f"weights before it have {tuple(lead)}: all must have the same"
                )
            lead = value.shape[:n_lead]
            flat.append(value.reshape(*lead, math.prod(shape)))
        return torch.cat(flat, dim=-1)

    def initial_weights(self, n: int | None = None, rng: torch.Generator | None = None) -> Tensor:
        """Freshly initialised θ, (P,) or (n, P): each layer fan-in scaled, std gain / √fan_in.

        He et al. 2015 (arXiv 1502.01852), equation 10. Requires no gradient: wrap it yourself to train it.
        """
        if n is not None:
            whole("n, how many networks,", n, 0)
        return self._drawn(self.initial_std, (self.weight_dim,) if n is None else (n, self.weight_dim), rng)

    def start_weights(self, rng: torch.Generator | None = None) -> Tensor:
        """θ₀ (P,) for learners that descend from it, in training or inside: smaller than `initial_weights`.

        The scale of `torch.nn.Linear`'s own start, std 1 / √(3 fan_in) for weights and biases alike; a module's own moments.
        What is written by a generator wants activations that keep their variance; what descends learns about twice as fast from
        here (measured: docs/starts.md).
        """
        return self._drawn(self.start_std, (self.weight_dim,), rng)

    def _drawn(self, std: Tensor, shape: tuple[int, ...], rng: torch.Generator | None) -> Tensor:
        source(rng)
        device = std.device if rng is None else rng.device
        noise = torch.randn(shape, generator=rng, device=device, dtype=std.dtype)
        return self.initial_mean.to(device) + std.to(device) * noise

    def train(self, mode: bool = True) -> "MainNetwork":
        """Layers such as dropout behave as in training from now on, or as in use. A learner's `train` and `eval` call this."""
        self.training = mode
        return self

    def eval(self) -> "MainNetwork":
        return self.train(False)

    def modules(self) -> Iterator[nn.Module]:
        """The modules that a mode reaches; none where the network was not made from one."""
        yield from ()

    def loss(self, theta: Tensor, examples: Examples) -> Tensor:
        """L(θ, D): how far g_θ is from the examples, one number per task (…,)."""
        return self.loss_of(self.predict(theta, examples), examples)

    def predict(self, theta: Tensor, examples: Examples) -> Tensor:
        """g(θ, x) of examples, after a check that they are examples for this network: (…, n, d_out)."""
        expect("D", examples, Examples, "it must be Examples(x, y)")
        x, y = examples.x, examples.y
        if x.ndim - len(examples.lead) - 1 != self.input_dims:
            raise ValueError(
                f"x has shape {tuple(x.shape)} and y {tuple(y.shape)} ({y.dtype}), so that one input has "
                f"{x.ndim - len(examples.lead) - 1} dimensions, but this main network takes inputs of {self.input_dims}: "
                "y must be (…, n, d_out), or class indices (…, n)"
            )
        prediction = self(theta, x)
        if prediction.ndim != max(theta.ndim - 1, len(examples.lead)) + 2 or prediction.shape[-2] != len(examples):
            raise ValueError(
                f"the main network gives a prediction of shape {tuple(prediction.shape)} for y of shape {tuple(y.shape)}, but "
                "it must be (…, n, d_out): let a module give y of shape (n, d_out), y.unsqueeze(-1) for a single number, the "
                "last time alone of a sequence"
            )
        return prediction

    def loss_of(self, prediction: Tensor, examples: Examples) -> Tensor:
        """L of predictions (…, n, d_out) that `predict` made, (…,)."""
        y = examples.y
        if len(examples) == 0:
            raise ValueError(f"the loss on no examples: y has shape {tuple(y.shape)}, and needs at least one")
        if prediction.shape[:-2] != examples.lead:  # many θ on the same examples
            y = y.expand(*prediction.shape[:-2], *y.shape[len(examples.lead) :])
        return self._loss(prediction, y)

    def __call__(self, theta: Tensor, x: Tensor) -> Tensor:
        """y = g_θ(x): θ (…, P) and x (…, n, d_in) → y (…, n, d_out).

        Leading dimensions broadcast as in matmul: one θ serves many x, one x serves many θ.
        """
        return self._over_tasks_of(self._batched, theta, x)

    def features(self, theta: Tensor, x: Tensor) -> Tensor:
        """What the last layer is given, (…, n, F): θ (…, P) and x as in a call, of which the last layer's weights are not read.

        Raises:
            ValueError: a network made from a module, which does not say where its last layer begins.
        """
        return self._over_tasks_of(self._features, theta, x)

    def _features(self, theta: Tensor, x: Tensor) -> Tensor:
        """θ (B, P), x (B, n, …) → (B, n, F)."""
        raise ValueError(
            "the features of this main network are not known, since it does not say where its last layer begins: make it with "
            "MainNetwork.mlp or MainNetwork.conv"
        )

    def _over_tasks_of(self, function: Callable[[Tensor, Tensor], Tensor], theta: Tensor, x: Tensor) -> Tensor:
        """function (B, P), (B, n, …) → (B, n, …) over any leading dimensions."""
        self.check(theta)
        self._check_x(x)
        if x.device != theta.device:
            raise ValueError(f"θ is on {theta.device} and x on {x.device}: they must be on one device, such as x.to(theta)")
        if x.is_floating_point() and x.dtype != theta.dtype:
            raise ValueError(f"θ has dtype {theta.dtype} and x {x.dtype}: they must be equal, such as x.to(theta.dtype)")
        n_example = self.input_dims + 1  # n and the dimensions of one example
        if theta.ndim == 2 and theta.shape[:-1] == x.shape[:-n_example]:
            return function(theta, x)  # as below, without views that autograd would carry through every gradient
        try:
            lead = torch.broadcast_shapes(theta.shape[:-1], x.shape[:-n_example])
        except RuntimeError:
            raise ValueError(
                f"θ has leading dimensions {tuple(theta.shape[:-1])} and x {tuple(x.shape[:-n_example])}: "
                "they must be equal or broadcast (one of them 1 or absent)"
            ) from None
        examples = x.shape[-n_example:]
        if theta.ndim == 1 and self.examples_apart:  # one network for all: one task that has all examples
            y = function(theta.unsqueeze(0), x.reshape(1, math.prod(x.shape[:-n_example]) * examples[0], *examples[1:]))
            return y.view(*lead, examples[0], y.shape[-1])
        theta = theta.expand(*lead, -1).reshape(lead.numel(), self.weight_dim)
        x = x.expand(*lead, *examples).reshape(lead.numel(), *examples)
        return function(theta, x).unflatten(0, lead) if lead else function(theta, x)[0]

    def _batched(self, theta: Tensor, x: Tensor) -> Tensor:
        """θ (B, P), x (B, n, …) → y (B, n, …)."""
        raise NotImplementedError

    def check(self, theta: Tensor) -> None:
        """A sentence for what is no θ of this main network."""
        expect("θ", theta, Tensor, "it must be one tensor (…, P), which main.flatten makes of weights by name")
        if theta.ndim == 0 or theta.shape[-1] != self.weight_dim:
            got = "no dimensions" if theta.ndim == 0 else f"a last dimension of {theta.shape[-1]}"
            raise ValueError(f"θ has {got}, but this main network has {self.weight_dim} weights (main.weight_dim)")
        if not theta.is_floating_point():
            raise ValueError(f"θ has dtype {theta.dtype}, but weights are floating point: theta.float()")

    def _check_x(self, x: Tensor) -> None:
        expect("x", x, Tensor, "it must be a tensor, torch.as_tensor(x) makes one")
        if x.ndim < self.input_dims + 1:
            raise ValueError(
                f"x has shape {tuple(x.shape)}, but needs at least {self.input_dims + 1} dimensions (…, n, d_in): "
                "for a single example use x.unsqueeze(0)"
            )


class _MLP(MainNetwork):
    input_dims = 1
    examples_apart = True

    def __init__(self, sizes: Sequence[int], activation: str, y_mean, y_std, loss):
        if not isinstance(sizes, Sequence) or len(sizes) < 2 or not all(isinstance(s, Integral) and s > 0 for s in sizes):
            raise ValueError(f"sizes must be at least two positive whole numbers [d_in, …, d_out], got {sizes!r}")
        self.activation, gain = activation_and_gain(activation)
        self.layer_sizes, self.y_mean, self.y_std = list(sizes), y_mean, y_std
        self.d_in, self._d_features, self.d_out = self.layer_sizes[0], self.layer_sizes[-2], self.layer_sizes[-1]
        for name, value in (("y_mean", y_mean), ("y_std", y_std)):
            expect(name, value, (Tensor, Real), f"it must be one number, or a tensor of {self.d_out}, torch.tensor({value!r})")
            if isinstance(value, Tensor) and value.shape not in ((), (1,), (self.d_out,)):
                raise ValueError(
                    f"{name} has shape {tuple(value.shape)}, but y has {self.d_out} numbers: give one or {self.d_out}"
                )
            tensor = torch.as_tensor(value)
            if tensor.requires_grad:
                raise ValueError(f"{name} requires a gradient, but is a constant that no learner would learn: {name}.detach()")
            if readable(tensor) and not torch.isfinite(tensor).all():
                raise ValueError(f"{name} must be finite, got {value}")
            if name == "y_std" and readable(tensor) and not (tensor > 0).all():
                raise ValueError(f"y_std, the spread of y, must be above 0, got {value}")
        self.in_units_of_one = not isinstance(y_mean, Tensor) and not isinstance(y_std, Tensor) and (y_mean, y_std) == (0, 1)
        shapes: dict[str, tuple[int, ...]] = {}
        initial, start = [], []
        for layer, (fan_in, fan_out) in enumerate(pairwise(sizes)):
            shapes[f"{2 * layer}.weight"], shapes[f"{2 * layer}.bias"] = (fan_out, fan_in), (fan_out,)
            last = layer == len(sizes) - 2
            initial.append(torch.full((fan_out * fan_in,), (1.0 if last else gain) / math.sqrt(fan_in)))
            # torch.nn.Linear draws from U(±1/√fan_in), which has this std. Biases are spread too: at zero, every kink of a
            # ReLU network with one input would sit at x = 0.
            own = 1 / math.sqrt(3 * fan_in)
            initial.append(torch.full((fan_out,), own))
            start.append(torch.full((fan_out * fan_in + fan_out,), own))
        initial_std = torch.cat(initial)
        super().__init__(shapes, torch.zeros_like(initial_std), initial_std, loss, torch.cat(start))

    def _layers(self, theta: Tensor, x: Tensor, n_layers: int) -> Tensor:
        """What the first `n_layers` layers make of x, before the activation."""
        y, parts = x, theta.split(self.sizes, dim=-1)
        for layer, (fan_in, fan_out) in enumerate(pairwise(self.layer_sizes[: n_layers + 1])):
            weight, bias = parts[2 * layer].view(-1, fan_out, fan_in), parts[2 * layer + 1].view(-1, 1, fan_out)
            if layer > 0:
                y = self.activation(y)
            y = torch.baddbmm(bias, y, weight.mT)
        return y

    def _features(self, theta: Tensor, x: Tensor) -> Tensor:
        hidden = len(self.layer_sizes) - 2
        return self.activation(self._layers(theta, x, hidden)) if hidden else x

    def _batched(self, theta: Tensor, x: Tensor) -> Tensor:
        y = self._layers(theta, x, len(self.layer_sizes) - 1)
        if self.in_units_of_one:
            return y
        mean, std = (v.to(y) if isinstance(v, Tensor) else v for v in (self.y_mean, self.y_std))
        return mean + std * y

    def _check_x(self, x: Tensor) -> None:
        super()._check_x(x)
        if x.shape[-1] != self.layer_sizes[0]:
            raise ValueError(
                f"x has {x.shape[-1]} inputs in its last dimension, but the main network takes {self.layer_sizes[0]}"
            )
        if not x.is_floating_point():
            raise ValueError(f"x has dtype {x.dtype}, but a network of layers takes floating point: x.float()")


class _Conv(MainNetwork):
    input_dims = 3
    _d_features: int

    def __init__(self, image, channels, d_out, activation, normalization, loss):
        if normalization not in ("group", "batch", None):
            raise ValueError(f"normalization must be 'group', 'batch' or None, got {normalization!r}")
        for name, value, n in (("image", image, 3), ("channels", channels, None)):
            if not isinstance(value, Sequence) or len(value) != (n or len(value)):
                raise ValueError(
                    f"{name} must be {'(channels, height, width)' if n else 'a sequence of widths'}, got {value!r}"
                )
            for size in value:
                whole(f"each of {name}", size, 1)
        whole("d_out", d_out, 1)
        self.examples_apart = normalization != "batch"
        self.image, self.channels, self.normalization = tuple(image), tuple(channels), normalization
        self.activation, gain = activation_and_gain(activation)
        c, height, width = self.image
        self.d_in, self.d_out = c * height * width, d_out
        shapes: dict[str, tuple[int, ...]] = {}
        mean: list[Tensor] = []
        std: list[Tensor] = []
        start: list[Tensor] = []

        def add(name: str, shape: tuple[int, ...], at: float, spread: float, start_spread: float) -> None:
            shapes[name] = shape
            for moments, value in ((mean, at), (std, spread), (start, start_spread)):
                moments.append(torch.full((math.prod(shape),), value))

        def add_layer(name: str, weight: tuple[int, ...], gain: float) -> None:
            fan_in = math.prod(weight[1:])
            own = 1 / math.sqrt(3 * fan_in)  # as in `_MLP`
            add(f"{name}.weight", weight, 0.0, gain / math.sqrt(fan_in), own)
            add(f"{name}.bias", weight[:1], 0.0, own, own)

        per_block, units = 2 if normalization is None else 3, d_out
        for block, c_out in enumerate(self.channels):
            add_layer(str(per_block * block), (c_out, c, 3, 3), gain)
            if normalization is not None:
                add(f"{per_block * block + 1}.weight", (c_out,), 1.0, 0.0, 0.0)
                add(f"{per_block * block + 1}.bias", (c_out,), 0.0, 0.0, 0.0)
            c, height, width = c_out, (height + 1) // 2, (width + 1) // 2
            units += c * height * width
            if normalization == "group" and height * width * c_out == math.gcd(GROUPS, c_out):
                raise ValueError(
                    f"convolution {block + 1} of {self.channels} leaves one pixel of an image of {self.image}, so that each "
                    "group of its norm is one number, and becomes 0 whatever x is: give fewer convolutions, a larger image, or "
                    "normalization=None"
                )
        self._d_features = c * height * width
        self.widest = math.prod(self.image[1:]) / 4 * max(self.channels, default=0)
        add_layer(str(per_block * len(self.channels) + 1), (d_out, self._d_features), 1.0)
        super().__init__(shapes, torch.cat(mean), torch.cat(std), loss, torch.cat(start))
        self._units = units

    def _body(self, weights: Sequence[Tensor], x: Tensor) -> Tensor:
        """x (B, n, c, h, w) → (B, n, F): tasks lie side by side, as groups of channels of one convolution.

        `weights` are those of each tensor of the blocks, (B, *shape).
        """
        n_tasks, n = x.shape[:2]
        y = x.transpose(0, 1).flatten(1, 2)
        parts = iter(weights)
        for c_out in self.channels:
            kernel, bias = next(parts).flatten(0, 1), next(parts).flatten()
            y = nn.functional.conv2d(y, kernel, bias, stride=2, padding=1, groups=n_tasks)
            if self.normalization is not None:
                scale, shift = next(parts).flatten(), next(parts).flatten()
                if self.normalization == "group":
                    y = nn.functional.group_norm(y, n_tasks * math.gcd(GROUPS, c_out), scale, shift)
                else:
                    y = nn.functional.batch_norm(y, None, None, scale, shift, training=True)
            y = self.activation(y)
        return y.reshape(n, n_tasks, self._d_features).transpose(0, 1)  # no view: a convolution keeps the order of x in memory

    def _features(self, theta: Tensor, x: Tensor) -> Tensor:
        if len(x) == 0:
            return x.new_zeros(0, x.shape[1], self._d_features)
        weights = list(self.unflatten(theta).values())[:-2]
        size = x.shape[1] * self.widest  # numbers of a task after the first layer
        # Measured (benchmarks/convolutions.py): where a task is large, its arithmetic outweighs what one call for all saves.
        if size < (ALL_AT_ONCE if torch.is_grad_enabled() and (theta.requires_grad or x.requires_grad) else ALL_AT_ONCE / 4):
            return self._body(weights, x)
        return torch.cat([self._body([w[i : i + 1] for w in weights], x[i : i + 1]) for i in range(len(x))])

    def _batched(self, theta: Tensor, x: Tensor) -> Tensor:
        *_, weight, bias = self.unflatten(theta).values()
        return torch.baddbmm(bias.unsqueeze(-2), self._features(theta, x), weight.mT)

    def _check_x(self, x: Tensor) -> None:
        super()._check_x(x)
        if tuple(x.shape[-3:]) != self.image:
            raise ValueError(f"x has images of shape {tuple(x.shape[-3:])}, but the main network takes {self.image}")
        if self.normalization == "batch" and x.shape[-4] == 1 and (self._d_features,) == self.channels[-1:]:
            raise ValueError(
                f"x of shape {tuple(x.shape)} has one image of each task, of which one pixel is left, so that there is nothing "
                "to take a mean over: give more examples, larger images, or normalization='group'"
            )
        if not x.is_floating_point():
            raise ValueError(f"x has dtype {x.dtype}, but a network of layers takes floating point: x.float()")


class _ModuleNetwork(MainNetwork):
    def __init__(self, module: nn.Module, input_dims: int, loss):
        _check_module(module)
        whole("input_dims", input_dims, 1)
        self.input_dims = input_dims
        # In vmap the gradient of an embedding leaves out the padding of the first task alone.
        self.by_loop = any(getattr(child, "padding_idx", None) is not None for child in module.modules())
        self.recurrent = any(isinstance(child, nn.RNNBase) for child in module.modules())
        weights = {name: p.detach() for name, p in module.named_parameters()}
        # One meta tensor for each parameter, wherever the copy has it, so that tied weights stay tied.
        meta = {id(p): nn.Parameter(torch.empty_like(p, device="meta"), requires_grad=False) for p in module.parameters()}
        copies: dict[int, object] = dict(meta)
        try:
            self.module = copy.deepcopy(module, copies)
        except RuntimeError as error:
            raise ValueError(
                f"{type(module).__name__} cannot be copied, since it keeps a tensor that was computed from its weights: take "
                "torch.nn.utils.parametrizations in place of torch.nn.utils.weight_norm or spectral_norm"
            ) from error
        hidden = [tuple(p.shape) for key, p in copies.items() if isinstance(p, nn.Parameter) and key not in meta]
        if hidden:
            raise ValueError(
                f"{type(module).__name__} keeps weights of shapes {hidden} in a list, a dictionary or an object, where they "
                "are not found: make it an nn.ModuleList, nn.ModuleDict or nn.ParameterList"
            )
        for child in self.module.modules():
            if type(child) is parametrizations._WeightNorm:
                child.__class__ = _WeightNorm
        mean = [p.float().mean().expand(p.numel()) for p in weights.values()]
        std = [p.float().std(correction=0).expand(p.numel()) for p in weights.values()]
        shapes = {name: p.shape for name, p in weights.items()}
        dtype = torch.get_default_dtype()
        super().__init__(shapes, torch.cat(mean).to(dtype), torch.cat(std).to(dtype), loss)
        self.training = module.training
        self.constants = dict(self.module.named_buffers())
        self.d_in, self.d_out = self._widths()

    def train(self, mode: bool = True) -> MainNetwork:
        self.module.train(mode)
        return super().train(mode)

    def modules(self) -> Iterator[nn.Module]:
        return self.module.modules()

    def _widths(self) -> tuple[int | None, int | None]:
        """d_in and d_out of a module between vectors that begins with a linear layer, tried without a number."""
        first = next(iter(self.shapes.values()))
        if self.input_dims != 1 or len(first) != 2:
            return None, None
        with contextlib.suppress(Exception), torch.random.fork_rng(devices=[]):
            copied = copy.deepcopy(self.module).to("meta").eval()
            y = copied(torch.empty(2, first[1], device="meta"))
            if y.ndim == 2:
                return first[1], y.shape[1]
        return None, None

    def _batched(self, theta: Tensor, x: Tensor) -> Tensor:
        buffers = {name: b.to(theta) if b.is_floating_point() else b.to(theta.device) for name, b in self.constants.items()}
        versions = {name: b._version for name, b in buffers.items() if not b.is_inference()}

        def one_task(weights: dict[str, Tensor], x: Tensor) -> Tensor:
            with _forgetting(self.module):
                return functional_call(self.module, weights | buffers, (x,))

        with _twice_differentiable(self.recurrent):
            y = self._over_tasks(one_task, theta, x)
        changed = [name for name, version in versions.items() if buffers[name]._version != version]
        if changed:
            raise ValueError(
                f"{type(self.module).__name__} changes its buffers {changed} when it is used, which would leak from task to "
                "task: take a layer that keeps no state"
            )
        return y

    def _over_tasks(self, one_task: Callable, theta: Tensor, x: Tensor) -> Tensor:
        """All tasks at once through vmap; one after the other where a layer has no rule for that, as recurrent ones.

        Each try has copies of its own: layers may change x (`nn.ReLU(inplace=True)`) and weights (`nn.Embedding(max_norm=1)`).
        """
        if not self.by_loop:
            try:
                return self._one_tensor(vmap(one_task, randomness="different")(self.unflatten(theta.clone()), x.clone()))
            except _FAILURES as error:
                in_vmap = error
        weights = self.unflatten(theta)
        tasks = ({name: w[i].clone() for name, w in weights.items()} for i in range(len(x)))
        try:
            found = [one_task(each, some) for each, some in zip(tasks, x.clone(), strict=True)]
        except _FAILURES as error:
            raise ValueError(
                f"{type(self.module).__name__} cannot take x of shape {tuple(x.shape[1:])} (one task) with weights of dtype "
                f"{next(iter(weights.values())).dtype} and input_dims={self.input_dims}: {error}"
            ) from error
        if not self.by_loop and "atching rule" in str(in_vmap):
            self.by_loop = True
        return torch.stack([self._one_tensor(y) for y in found])

    def _one_tensor(self, y: object) -> Tensor:
        if not isinstance(y, Tensor):
            raise ValueError(
                f"{type(self.module).__name__} gives a {type(y).__name__}, but a main network gives one tensor: wrap it in a "
                "module whose forward returns the part that is y"
            )
        return y


class _WeightNorm(parametrizations._WeightNorm):
    """w = g v / ‖v‖ written out, since the second derivative of PyTorch's fused one takes ‖v‖ for a constant."""

    def forward(self, weight_g: Tensor, weight_v: Tensor) -> Tensor:
        dims = [k for k in range(weight_v.ndim) if k != self.dim]
        norm = weight_v.square().sum(dims, keepdim=True).sqrt() if dims else weight_v.abs()
        return weight_v * (weight_g / norm)


_OF_EVERY_MODULE = vars(nn.Module())

# How layers say that they cannot take what they are given, and vmap that it cannot run them.
_FAILURES = (RuntimeError, ValueError, TypeError, IndexError, AssertionError)


def layer_of(name: str) -> str:
    """The layer of a weight; that of one with a parametrization, such as weight_norm, has a part more to its name."""
    return name.split("parametrizations.")[0].rpartition(".")[0]


def _check_module(module: nn.Module) -> None:
    """A sentence for modules that cannot be functions of their weights alone."""
    if not isinstance(module, nn.Module):
        raise ValueError(f"from_module takes an nn.Module, got {type(module).__name__}")
    if next(module.parameters(), None) is None:
        raise ValueError(f"{type(module).__name__} has no parameters: there are no weights to generate")
    own = {*module.modules(), *module.parameters()}
    for name, child in module.named_modules():
        what = f"{name or 'the module'} ({type(child).__name__})"
        if getattr(child, "running_mean", None) is not None:
            raise ValueError(
                f"{what} keeps running statistics, which would leak from task to task: use track_running_stats=False, or "
                "GroupNorm or LayerNorm instead"
            )
        if any(isinstance(hook, WeightNorm) for hook in child._forward_pre_hooks.values()):
            raise ValueError(
                f"{what} has torch.nn.utils.weight_norm, whose second derivative is wrong: take "
                "torch.nn.utils.parametrizations.weight_norm"
            )
        kept = [item for value in vars(child).values() if isinstance(value, list | tuple) for item in value]
        if any(isinstance(item, nn.Parameter) for item in kept) and not isinstance(child, nn.RNNBase):
            raise ValueError(f"{what} keeps weights in a list, where others are not found: make it an nn.ParameterList")
        if any(inner in own for item in _held(child) if inspect.isfunction(item) for inner in _closed_over(item)):
            raise ValueError(
                f"{what} keeps a function that was made inside it, such as a lambda that says self, and that always has the "
                "weights of this module: make it a method"
            )
        if isinstance(child, nn.RNNBase | nn.MultiheadAttention) and not child.batch_first:
            raise ValueError(f"{what} takes time before examples, but examples come first here: make it with batch_first=True")
    for name, p in module.named_parameters():
        if not p.is_floating_point():
            raise ValueError(f"{name} is a parameter of dtype {p.dtype}, but weights are floating point: make it a buffer")
    frozen = [name for name, p in module.named_parameters() if not p.requires_grad]
    if 0 < len(frozen) < len(list(module.parameters())):
        raise ValueError(
            f"{frozen} take no gradient, but all parameters become weights in θ, which begins anew: make constants buffers "
            "(register_buffer), or let all take a gradient, module.requires_grad_()"
        )
    lazy = [name for name, p in module.named_parameters() if nn.parameter.is_lazy(p)]
    if lazy:
        raise ValueError(f"{lazy} have no shape yet: call the {type(module).__name__} once with an example x first")


def _held(child: nn.Module) -> Iterator[object]:
    """The attributes of a module, and what is in those that are containers."""
    for value in vars(child).values():
        yield from value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else (value,)


def _closed_over(function: FunctionType) -> list[object]:
    """Modules and tensors that a function takes from where it was made."""
    return [value for value in inspect.getclosurevars(function).nonlocals.values() if isinstance(value, nn.Module | Tensor)]


@contextlib.contextmanager
def _forgetting(module: nn.Module) -> Iterator[None]:
    """Layers are afterwards as they were: what they keep of a call, such as what follows from weights, is of one θ."""
    found = [(own, dict(own)) for own in map(vars, module.modules())]
    kept = [(value, value.copy()) for own, _ in found for key, value in own.items() if _may_be_filled(key, value)]
    try:
        yield
    finally:
        for own, before in found:
            for key in own.keys() - before.keys():
                del own[key]
            own.update(before)
        for value, before in kept:
            value.clear()
            value.extend(before) if isinstance(value, list) else value.update(before)


def _may_be_filled(key: str, value: object) -> bool:
    """Whether an attribute of a module is a container that it fills by itself."""
    return isinstance(value, dict | list | set) and key not in _OF_EVERY_MODULE


@contextlib.contextmanager
def _twice_differentiable(recurrent: bool) -> Iterator[None]:
    """Without the fused kernels of attention and of recurrent layers, which have no second derivative."""
    fastpath = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    fused = torch._C._get_mkldnn_enabled()  # torch.backends.mkldnn.flags sets, and warns of, what else there is to set
    torch._C._set_mkldnn_enabled(fused and not recurrent)  # convolutions need it
    try:
        with sdpa_kernel(SDPBackend.MATH):
            yield
    finally:
        torch._C._set_mkldnn_enabled(fused)
        torch.backends.mha.set_fastpath_enabled(fastpath)
