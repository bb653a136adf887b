"""Main networks made of layers in a row, written on flat θ: a multilayer perceptron, and convolutions."""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from numbers import Integral, Real

import torch
from torch import Tensor, nn

from hyperedu.batches import expect, readable, whole
from hyperedu.main_network import MainNetwork

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
