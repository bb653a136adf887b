"""g : (θ, x) → y, and its loss L. A main network is a function of its weights and owns none of them."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence

import torch
from torch import Tensor, nn

from hyperedu.batches import Examples, expect, source, whole
from hyperedu.losses import loss_of_kind

__all__ = ["MainNetwork"]


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
        self.loss_kind, self._loss = loss, loss_of_kind(loss)
        self.training = True

    @property
    def d_features(self) -> int | None:
        return None

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
        from hyperedu.feedforward import _MLP  # here, since it is a main network itself, as are the two below

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
        from hyperedu.feedforward import _Conv

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
        from hyperedu.stateless import _ModuleNetwork

        return _ModuleNetwork(module, input_dims, loss)

    def unflatten(self, theta: Tensor) -> dict[str, Tensor]:
        """θ (…, P) → {name: view of shape (…, *shape)}."""
        self.check(theta)
        parts = zip(self.shapes.items(), theta.split(self.sizes, dim=-1), strict=True)
        return {name: part.view(*theta.shape[:-1], *shape) for (name, shape), part in parts}

    def flatten(self, named: Mapping[str, Tensor]) -> Tensor:
        """The inverse of `unflatten`: {name: (…, *shape)} → θ (…, P)."""
        missing, extra = self.shapes.keys() - named.keys(), named.keys() - self.shapes.keys()
        if missing or extra:
            raise ValueError(
                f"the names of the weights differ from main.shapes: missing {sorted(missing)}, not known {sorted(extra)}"
            )
        flat: list[Tensor] = []
        for name, shape in self.shapes.items():
            value = named[name]
            expect(repr(name), value, Tensor, f"it must be a tensor whose last dimensions are {shape}")
            n_lead = value.ndim - len(shape)
            if n_lead < 0 or value.shape[n_lead:] != shape:
                raise ValueError(f"{name!r} has shape {tuple(value.shape)}, but its last dimensions must be {shape}")
            lead = value.shape[:n_lead]
            if flat and flat[-1].shape[:-1] != lead:
                raise ValueError(
                    f"{name!r} has shape {tuple(value.shape)}, leading dimensions {tuple(lead)}, but the weights before it "
                    f"have {tuple(flat[-1].shape[:-1])}: all must have the same"
                )
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
        return self._loss(prediction, y.expand(*prediction.shape[:-2], *y.shape[len(examples.lead) :]))  # many θ, the same D

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
        expect("x", x, Tensor, "it must be a tensor, torch.as_tensor(x) makes one")
        if x.ndim < self.input_dims + 1:
            raise ValueError(
                f"x has shape {tuple(x.shape)}, but needs at least {self.input_dims + 1} dimensions (…, n, d_in): "
                "for a single example use x.unsqueeze(0)"
            )
        self._check_x(x)
        if x.device != theta.device:
            raise ValueError(f"θ is on {theta.device} and x on {x.device}: they must be on one device, such as x.to(theta)")
        if x.is_floating_point() and x.dtype != theta.dtype:
            raise ValueError(f"θ has dtype {theta.dtype} and x {x.dtype}: they must be equal, such as x.to(theta.dtype)")
        of_theta, of_x = theta.shape[:-1], x.shape[: -self.input_dims - 1]
        if len(of_theta) == 1 and of_theta == of_x:
            return function(theta, x)  # as below, without views that autograd would carry through every gradient
        try:
            lead = torch.broadcast_shapes(of_theta, of_x)
        except RuntimeError:
            raise ValueError(
                f"θ has leading dimensions {tuple(of_theta)} and x {tuple(of_x)}: they must be equal or broadcast (one of them "
                "1 or absent)"
            ) from None
        n, *example = x.shape[len(of_x) :]
        if not of_theta and self.examples_apart:  # one network for all: one task that has all examples
            y = function(theta.unsqueeze(0), x.reshape(1, lead.numel() * n, *example))
            return y.view(*lead, n, y.shape[-1])
        theta = theta.expand(*lead, -1).reshape(lead.numel(), self.weight_dim)
        y = function(theta, x.expand(*lead, n, *example).reshape(lead.numel(), n, *example))
        return y.reshape(*lead, *y.shape[1:])

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
        """A sentence for examples that layers do not take; a module says so itself."""


def layer_of(name: str) -> str:
    """The layer of a weight; that of one with a parametrization, such as weight_norm, has a part more to its name."""
    return name.split("parametrizations.")[0].rpartition(".")[0]
