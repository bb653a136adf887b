"""g : (θ, x) → y. A main network is a function of its weights and owns none of them."""

import copy
import math
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

# Activation and its gain: the factor that keeps the variance of a layer's output at that of its input
# (He et al. 2015, arXiv 1502.01852, section 2.2, for ReLU; the others as in torch.nn.init.calculate_gain).
ACTIVATIONS: dict[str, tuple[Callable[[Tensor], Tensor], float]] = {
    "relu": (torch.relu, math.sqrt(2)),
    "tanh": (torch.tanh, 5 / 3),
    "sigmoid": (torch.sigmoid, 1.0),
    "gelu": (nn.functional.gelu, math.sqrt(2)),
    "sin": (torch.sin, 1.0),
}


def activation_and_gain(name: str) -> tuple[Callable[[Tensor], Tensor], float]:
    """The activation called `name` and its gain; a ValueError lists the names there are."""
    if name not in ACTIVATIONS:
        raise ValueError(f"no activation is called {name!r}: choose one of {', '.join(ACTIVATIONS)}")
    return ACTIVATIONS[name]


class MainNetwork:
    """g : (θ, x) → y, with θ one flat vector (…, P) of all weights.

    Made by `MainNetwork.mlp` or `MainNetwork.from_module`. It holds the names and shapes of its weights
    and the mean and standard deviation of their initialisation, never the weights themselves.

    Attributes:
        shapes: name → shape of each weight tensor, in the order in which they lie in θ.
        weight_dim: P, the length of θ.
        initial_mean, initial_std: (P,) each, the moments of a freshly initialised θ.
    """

    def __init__(self, shapes: Mapping[str, Sequence[int]], initial_mean: Tensor, initial_std: Tensor):
        self.shapes = {name: tuple(shape) for name, shape in shapes.items()}
        self.sizes = [math.prod(shape) for shape in self.shapes.values()]
        self.weight_dim = sum(self.sizes)
        self.initial_mean, self.initial_std = initial_mean, initial_std

    @staticmethod
    def mlp(sizes: Sequence[int], activation: str = "relu", y_mean=0.0, y_std=1.0) -> "MainNetwork":
        """A multilayer perceptron: `sizes` = [d_in, hidden …, d_out].

        The names are those of `nn.Sequential(nn.Linear, activation, nn.Linear, …)`: "0.weight", "0.bias",
        "2.weight", …, so that θ can be loaded into an ordinary module.

        Args:
            sizes: at least two positive widths.
            activation: one of `ACTIVATIONS`, between the layers.
            y_mean, y_std: the network's output is y_mean + y_std · (last layer). They are constants, not part
                of θ, and let y keep its units while the weights stay near one. Numbers or (d_out,) tensors.
        """
        return _MLP(sizes, activation, y_mean, y_std)

    @staticmethod
    def from_module(module: nn.Module, input_dims: int = 1) -> "MainNetwork":
        """Any `nn.Module` as a function of its weights, through `torch.func.functional_call` and `vmap`.

        Works on a weightless copy: the module given is not changed and lends only its names, shapes and
        the mean and standard deviation of each of its tensors, which become the initialisation.

        Args:
            module: called with x of shape (n, …).
            input_dims: how many dimensions one example has: 1 for a vector, 3 for an image (channels, h, w).
        """
        return _ModuleNetwork(module, input_dims)

    def unflatten(self, theta: Tensor) -> dict[str, Tensor]:
        """θ (…, P) → {name: view of shape (…, *shape)}."""
        self._check_theta(theta)
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
        flat = []
        for name, shape in self.shapes.items():
            value = named[name]
            n_lead = value.ndim - len(shape)
            if n_lead < 0 or tuple(value.shape[n_lead:]) != shape:
                raise ValueError(f"{name!r} has shape {tuple(value.shape)}, but its last dimensions must be {shape}")
            flat.append(value.reshape(*value.shape[:n_lead], math.prod(shape)))
        return torch.cat(flat, dim=-1)

    def initial_weights(self, n: int | None = None, generator: torch.Generator | None = None) -> Tensor:
        """Freshly initialised θ, (P,) or (n, P): each layer fan-in scaled, std gain / √fan_in.

        He et al. 2015 (arXiv 1502.01852), equation 10. Requires no gradient: wrap it yourself to train it.
        """
        shape = (self.weight_dim,) if n is None else (n, self.weight_dim)
        return self.initial_mean + self.initial_std * torch.randn(shape, generator=generator)

    def __call__(self, theta: Tensor, x: Tensor) -> Tensor:
        """y = g_θ(x): θ (…, P) and x (…, n, d_in) → y (…, n, d_out).

        Leading dimensions broadcast as in matmul: one θ serves many x, one x serves many θ.
        """
        self._check_theta(theta)
        self._check_x(x)
        n_example = self.input_dims + 1  # n and the dimensions of one example
        if theta.ndim == 2 and theta.shape[:-1] == x.shape[:-n_example]:
            return self._batched(theta, x)  # as below, without views that autograd would carry through every gradient
        try:
            lead = torch.broadcast_shapes(theta.shape[:-1], x.shape[:-n_example])
        except RuntimeError:
            raise ValueError(
                f"θ has leading dimensions {tuple(theta.shape[:-1])} and x {tuple(x.shape[:-n_example])}: "
                "they must be equal or broadcast (one of them 1 or absent)"
            ) from None
        examples = x.shape[-n_example:]
        theta = theta.expand(*lead, -1).reshape(-1, self.weight_dim)
        x = x.expand(*lead, *examples).reshape(-1, *examples)
        return self._batched(theta, x).unflatten(0, lead) if lead else self._batched(theta, x)[0]

    def _batched(self, theta: Tensor, x: Tensor) -> Tensor:
        """θ (B, P), x (B, n, …) → y (B, n, …)."""
        raise NotImplementedError

    def _check_theta(self, theta: Tensor) -> None:
        if theta.ndim == 0 or theta.shape[-1] != self.weight_dim:
            got = "no dimensions" if theta.ndim == 0 else f"a last dimension of {theta.shape[-1]}"
            raise ValueError(f"θ has {got}, but this main network has {self.weight_dim} weights (main.weight_dim)")

    def _check_x(self, x: Tensor) -> None:
        if x.ndim < self.input_dims + 1:
            raise ValueError(
                f"x has shape {tuple(x.shape)}, but needs at least {self.input_dims + 1} dimensions (…, n, d_in): "
                "for a single example use x.unsqueeze(0)"
            )


class _MLP(MainNetwork):
    input_dims = 1

    def __init__(self, sizes: Sequence[int], activation: str, y_mean, y_std):
        if len(sizes) < 2 or any(int(s) != s or s < 1 for s in sizes):
            raise ValueError(f"sizes must be at least two positive whole numbers [d_in, …, d_out], got {list(sizes)}")
        self.activation, gain = activation_and_gain(activation)
        self.layer_sizes, self.y_mean, self.y_std = list(sizes), y_mean, y_std
        self.in_units_of_one = not isinstance(y_mean, Tensor) and not isinstance(y_std, Tensor) and (y_mean, y_std) == (0, 1)
        shapes, std = {}, []
        for layer, (fan_in, fan_out) in enumerate(pairwise(sizes)):
            shapes[f"{2 * layer}.weight"], shapes[f"{2 * layer}.bias"] = (fan_out, fan_in), (fan_out,)
            last = layer == len(sizes) - 2
            std.append(torch.full((fan_out * fan_in,), (1.0 if last else gain) / math.sqrt(fan_in)))
            # Biases spread as in torch.nn.Linear, U(±1/√fan_in) has this std; at zero, every kink of a
            # ReLU network with one input would sit at x = 0.
            std.append(torch.full((fan_out,), 1 / math.sqrt(3 * fan_in)))
        std = torch.cat(std)
        super().__init__(shapes, torch.zeros_like(std), std)

    def _batched(self, theta: Tensor, x: Tensor) -> Tensor:
        y, parts = x, theta.split(self.sizes, dim=-1)
        for layer, (fan_in, fan_out) in enumerate(pairwise(self.layer_sizes)):
            weight, bias = parts[2 * layer].view(-1, fan_out, fan_in), parts[2 * layer + 1].view(-1, 1, fan_out)
            if layer > 0:
                y = self.activation(y)
            y = torch.baddbmm(bias, y, weight.mT)
        return y if self.in_units_of_one else self.y_mean + self.y_std * y

    def _check_x(self, x: Tensor) -> None:
        super()._check_x(x)
        if x.shape[-1] != self.layer_sizes[0]:
            raise ValueError(
                f"x has {x.shape[-1]} inputs in its last dimension, but the main network takes {self.layer_sizes[0]}"
            )


class _ModuleNetwork(MainNetwork):
    def __init__(self, module: nn.Module, input_dims: int):
        for name, child in module.named_modules():
            if getattr(child, "running_mean", None) is not None:
                raise ValueError(
                    f"{name or 'the module'} ({type(child).__name__}) keeps running statistics, which would leak from "
                    "task to task: use track_running_stats=False, or GroupNorm or LayerNorm instead"
                )
        self.input_dims = input_dims
        weights = {name: p.detach() for name, p in module.named_parameters()}
        if not weights:
            raise ValueError(f"{type(module).__name__} has no parameters: there are no weights to generate")
        self.module = copy.deepcopy(module)
        meta = {}  # one meta tensor per parameter, so that tied weights stay tied
        for child in self.module.modules():
            for name, p in child._parameters.items():
                if p is not None:
                    new = nn.Parameter(torch.empty_like(p, device="meta"), requires_grad=False)
                    child._parameters[name] = meta.setdefault(id(p), new)
        mean = [p.float().mean().expand(p.numel()) for p in weights.values()]
        std = [p.float().std(correction=0).expand(p.numel()) for p in weights.values()]
        shapes = {name: p.shape for name, p in weights.items()}
        super().__init__(shapes, torch.cat(mean).cpu(), torch.cat(std).cpu())

    def _batched(self, theta: Tensor, x: Tensor) -> Tensor:
        buffers = {
            name: b.to(theta) if b.is_floating_point() else b.to(theta.device) for name, b in self.module.named_buffers()
        }

        def one_task(weights, x):
            return functional_call(self.module, weights | buffers, (x,))

        return vmap(one_task, randomness="different")(self.unflatten(theta), x)


def mean_squared_error(prediction: Tensor, y: Tensor) -> Tensor:
    """The loss of each task: prediction and y (…, n, d_out) → (…,), mean over examples and outputs."""
    if prediction.shape != y.shape:
        raise ValueError(f"the prediction has shape {tuple(prediction.shape)} but y has {tuple(y.shape)}")
    return nn.functional.mse_loss(prediction, y, reduction="none").mean(dim=(-2, -1))
