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


# A weight tensor: its name and shape, the mean and standard deviation of its initialisation, and those of a θ₀ to descend from.
Weight = tuple[str, tuple[int, ...], float, float, float]


def layer(name: str, shape: tuple[int, ...], gain: float) -> list[Weight]:
    """The weight (fan_out, …) and the bias of a layer."""
    fan_in = math.prod(shape[1:])
    # torch.nn.Linear draws from U(±1/√fan_in), which has this std. Biases are spread too: at zero, every kink of a
    # ReLU network with one input would sit at x = 0.
    own = 1 / math.sqrt(3 * fan_in)
    return [(f"{name}.weight", shape, 0.0, gain / math.sqrt(fan_in), own), (f"{name}.bias", shape[:1], 0.0, own, own)]


def linear(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """x (B, n, fan_in) → (B, n, fan_out), with the parts of θ that are a linear layer: (B, fan_out · fan_in), (B, fan_out)."""
    return torch.baddbmm(bias.unsqueeze(-2), x, weight.view(-1, bias.shape[-1], x.shape[-1]).mT)


class _Feedforward(MainNetwork):
    """Layers of which the last is linear; what comes before it makes features of x."""

    def __init__(self, weights: Sequence[Weight], loss: str | Callable):
        names, shapes, *moments = zip(*weights, strict=True)
        mean, std, start = (
            torch.cat([torch.full((math.prod(shape),), value) for shape, value in zip(shapes, values, strict=True)])
            for values in moments
        )
        super().__init__(dict(zip(names, shapes, strict=True)), mean, std, loss, start)

    @property
    def d_features(self) -> int:
        return self.shapes[self.head[0]][1]

    def _body(self, parts: Sequence[Tensor], x: Tensor) -> Tensor:
        """x (B, n, …) → (B, n, F), with what θ has for each tensor before the last layer, (B, size) each."""
        raise NotImplementedError

    def _features(self, theta: Tensor, x: Tensor) -> Tensor:
        return self._body(theta.split(self.sizes, dim=-1)[:-2], x)

    def _batched(self, theta: Tensor, x: Tensor) -> Tensor:
        *parts, weight, bias = theta.split(self.sizes, dim=-1)
        return linear(self._body(parts, x), weight, bias)

    def _check_x(self, x: Tensor) -> None:
        if not x.is_floating_point():
            raise ValueError(f"x has dtype {x.dtype}, but a network of layers takes floating point: x.float()")


class _MLP(_Feedforward):
    input_dims = 1
    examples_apart = True

    def __init__(self, sizes: Sequence[int], activation: str, y_mean, y_std, loss):
        if not isinstance(sizes, Sequence) or len(sizes) < 2 or not all(isinstance(s, Integral) and s > 0 for s in sizes):
            raise ValueError(f"sizes must be at least two positive whole numbers [d_in, …, d_out], got {sizes!r}")
        self.activation, gain = activation_and_gain(activation)
        self.layer_sizes, self.y_mean, self.y_std = list(sizes), y_mean, y_std
        self.d_in, self.d_out = self.layer_sizes[0], self.layer_sizes[-1]
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
        weights: list[Weight] = []
        for i, (fan_in, fan_out) in enumerate(pairwise(sizes)):
            weights += layer(str(2 * i), (fan_out, fan_in), gain if i < len(sizes) - 2 else 1.0)
        super().__init__(weights, loss)

    def _body(self, parts: Sequence[Tensor], x: Tensor) -> Tensor:
        for weight, bias in zip(parts[::2], parts[1::2], strict=True):
            x = self.activation(linear(x, weight, bias))
        return x

    def _batched(self, theta: Tensor, x: Tensor) -> Tensor:
        y = super()._batched(theta, x)
        if self.in_units_of_one:
            return y
        mean, std = (v.to(y) if isinstance(v, Tensor) else v for v in (self.y_mean, self.y_std))
        return mean + std * y

    def _check_x(self, x: Tensor) -> None:
        if x.shape[-1] != self.d_in:
            raise ValueError(f"x has {x.shape[-1]} inputs in its last dimension, but the main network takes {self.d_in}")
        super()._check_x(x)


class _Conv(_Feedforward):
    input_dims = 3

    def __init__(self, image, channels, d_out, activation, normalization, loss):
        if normalization not in ("group", "batch", None):
            raise ValueError(f"normalization must be 'group', 'batch' or None, got {normalization!r}")
        if not isinstance(image, Sequence) or len(image) != 3:
            raise ValueError(f"image must be (channels, height, width), got {image!r}")
        if not isinstance(channels, Sequence):
            raise ValueError(f"channels must be a sequence of widths, got {channels!r}")
        for name, sizes in (("each of image", image), ("each of channels", channels), ("d_out", [d_out])):
            for size in sizes:
                whole(name, size, 1)
        self.examples_apart = normalization != "batch"
        self.image, self.channels, self.normalization = tuple(image), tuple(channels), normalization
        self.activation, gain = activation_and_gain(activation)
        c, height, width = self.image
        self.d_in, self.d_out = c * height * width, d_out
        self.widest = height * width / 4 * max(self.channels, default=0)
        weights: list[Weight] = []
        per_block, units = 2 if normalization is None else 3, d_out
        for block, c_out in enumerate(self.channels):
            weights += layer(str(per_block * block), (c_out, c, 3, 3), gain)
            if normalization is not None:
                norm = per_block * block + 1
                weights += [(f"{norm}.weight", (c_out,), 1.0, 0.0, 0.0), (f"{norm}.bias", (c_out,), 0.0, 0.0, 0.0)]
            c, height, width = c_out, (height + 1) // 2, (width + 1) // 2
            units += c * height * width
            if normalization == "group" and height * width * c_out == math.gcd(GROUPS, c_out):
                raise ValueError(
                    f"convolution {block + 1} of {self.channels} leaves one pixel of an image of {self.image}, so that each "
                    "group of its norm is one number, and becomes 0 whatever x is: give fewer convolutions, a larger image, or "
                    "normalization=None"
                )
        weights += layer(str(per_block * len(self.channels) + 1), (d_out, c * height * width), 1.0)
        super().__init__(weights, loss)
        self._units = units

    def _body(self, parts: Sequence[Tensor], x: Tensor) -> Tensor:
        if len(x) == 0:
            return x.new_zeros(0, x.shape[1], self.d_features)
        size = x.shape[1] * self.widest  # numbers of a task after the first layer
        learning = torch.is_grad_enabled() and any(part.requires_grad for part in (*parts, x))
        # Measured (benchmarks/convolutions.py): where a task is large, its arithmetic outweighs what one call for all saves.
        if size < (ALL_AT_ONCE if learning else ALL_AT_ONCE / 4):
            return self._blocks(parts, x)
        tasks = zip(*(part.split(1) for part in (*parts, x)), strict=True)
        return torch.cat([self._blocks(own, some) for *own, some in tasks])

    def _blocks(self, parts: Sequence[Tensor], x: Tensor) -> Tensor:
        """As `_body`: tasks lie side by side, as groups of channels of one convolution."""
        n_tasks, n, c = x.shape[:3]
        y = x.transpose(0, 1).flatten(1, 2)
        of_blocks = iter(parts)
        for c_out in self.channels:
            kernel, bias = next(of_blocks).reshape(-1, c, 3, 3), next(of_blocks).flatten()
            y = nn.functional.conv2d(y, kernel, bias, stride=2, padding=1, groups=n_tasks)
            if self.normalization is not None:
                scale, shift = next(of_blocks).flatten(), next(of_blocks).flatten()
                if self.normalization == "group":
                    y = nn.functional.group_norm(y, n_tasks * math.gcd(GROUPS, c_out), scale, shift)
                else:
                    y = nn.functional.batch_norm(y, None, None, scale, shift, training=True)
            y, c = self.activation(y), c_out
        return y.reshape(n, n_tasks, self.d_features).transpose(0, 1)  # no view: a convolution keeps the order of x in memory

    def _check_x(self, x: Tensor) -> None:
        if tuple(x.shape[-3:]) != self.image:
            raise ValueError(f"x has images of shape {tuple(x.shape[-3:])}, but the main network takes {self.image}")
        if self.normalization == "batch" and x.shape[-4] == 1 and (self.d_features,) == self.channels[-1:]:
            raise ValueError(
                f"x of shape {tuple(x.shape)} has one image of each task, of which one pixel is left, so that there is nothing "
                "to take a mean over: give more examples, larger images, or normalization='group'"
            )
        super()._check_x(x)
