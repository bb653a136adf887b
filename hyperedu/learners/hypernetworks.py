"""Learners that write weights, from a description or from examples."""

import torch
from torch import Tensor, nn

from hyperedu.adaptation import LearningRate
from hyperedu.batches import Examples, whole
from hyperedu.encoders import ClassEncoder, SetEncoder, as_encoder, needed_descriptor, needed_examples, numbers_of
from hyperedu.generators import ClassGenerator, Generator, MLPGenerator
from hyperedu.generators.base import check_numbers
from hyperedu.learners.base import Learner
from hyperedu.main_network import MainNetwork, layer_of

# The bias of a class that has no example, in units of the largest ‖c‖²: it is not chosen, and numbers stay finite.
NEVER = -1e6
MAPS = "maps a descriptor to weights"


class Conditioned(Learner):
    """θ₀ with first bias b₁ + A τ: exactly what concatenating τ to x does, written as a hypernetwork.

    W [x; τ] + b = W_x x + (b + A τ) with A = W_τ: of all weights, τ writes only the first layer's biases.
    """

    outer_lr = 3e-3

    def __init__(self, main: MainNetwork, descriptor_dim: int, rng: torch.Generator | None = None):
        super().__init__(main)
        whole("descriptor_dim", descriptor_dim, 1)
        first = layer_of(next(iter(main.shapes)))
        biases = [k for k, name in enumerate(main.shapes) if layer_of(name) == first and "bias" in name.rpartition(".")[2]]
        if not biases:
            raise ValueError(
                f"the first layer of the main network has no bias for τ to enter by; its weights are {list(main.shapes)}"
            )
        start, size = sum(main.sizes[: biases[0]]), main.sizes[biases[0]]
        self.first_bias = slice(start, start + size)
        self.theta_0 = nn.Parameter(main.start_weights(rng))
        # As if the columns for τ stood beside those for x: the same standard deviation.
        self.A = nn.Parameter(main.start_std[0] * torch.randn(size, descriptor_dim, generator=rng))

    def start(self, descriptor: Tensor | None, support: Examples | None) -> Tensor:
        descriptor = needed_descriptor(self, descriptor, MAPS)
        check_numbers(descriptor, self.A)
        if descriptor.shape[-1:] != self.A.shape[1:]:
            raise ValueError(f"τ of shape {tuple(descriptor.shape)}, but this learner was made for {self.A.shape[1]} numbers")
        before, bias, after = self.theta_0.tensor_split([self.first_bias.start, self.first_bias.stop])
        lead = descriptor.shape[:-1]
        return torch.cat([before.expand(*lead, -1), bias + descriptor @ self.A.mT, after.expand(*lead, -1)], dim=-1)


class Hypernetwork(Learner):
    """θ = f_φ(h(τ, D)): the weights are written from the descriptor. Ha, Dai, Le 2016 (arXiv 1609.09106).

    Args:
        generator: f_φ, from a code to θ.
        encoder: h, what a description goes through first, examples too where the encoder reads them; it is learned together
            with the generator. A module that takes τ alone will do. None hands the generator τ itself.
        steps, lr, first_order: inner steps from the weights that are written; none by default.
    """

    def __init__(
        self,
        main: MainNetwork,
        generator: Generator,
        encoder: nn.Module | None = None,
        steps: int = 0,
        lr: LearningRate = 0.01,
        first_order: bool = False,
    ):
        super().__init__(main, steps, lr, first_order)
        self.generator, self.encoder = generator, None if encoder is None else as_encoder(encoder)
        _check_generator(main, generator, getattr(self.encoder, "dim", None), "the encoder gives codes")

    def start(self, descriptor: Tensor | None, support: Examples | None) -> Tensor:
        if self.encoder is None:
            return self.generator(needed_descriptor(self, descriptor, MAPS))
        return self.generator(self.encoder(descriptor, support))


class SupportSetHypernetwork(Hypernetwork):
    """θ = f_φ(h(D)): the weights are written from examples instead of a description.

    Args:
        dim: the length of h(D), the encoded support set, where no encoder is given and inputs are no images.
        encoder: h; a `SetEncoder` if None, or where inputs are images a `ClassEncoder` on a network like the main network.
        generator: f_φ; an `MLPGenerator` if None, or where inputs are images a `ClassGenerator`.
    """

    def __init__(
        self,
        main: MainNetwork,
        dim: int = 64,
        encoder: nn.Module | None = None,
        generator: Generator | None = None,
        rng: torch.Generator | None = None,
    ):
        if encoder is None and generator is None and main.input_dims == 3 and main.d_features is not None:
            encoder = ClassEncoder(main, rng)
            generator = ClassGenerator(encoder.dim, main, rng=rng)
        encoder = _set_encoder(main, 1, dim, rng) if encoder is None else as_encoder(encoder)
        super().__init__(main, generator or MLPGenerator(getattr(encoder, "dim", None) or dim, main, rng=rng), encoder)


class PrototypicalNetwork(Learner):
    """Shared features, and a last layer written from D: row k is 2 c_k, bias −‖c_k‖². Snell, Swersky, Zemel 2017, section 2.4.

    c_k, the prototype of class k, is the mean of the features of its examples. Softmax over −‖features(x) − c_k‖² is that over
    2 c_k · features(x) − ‖c_k‖², a linear layer: a hypernetwork that nobody calls one (arXiv 1703.05175). A main network of one
    layer has x itself for features: with one example of each class, this is the nearest neighbour, and nothing is learned.
    A class without an example is not chosen: trained on 20 classes it can be asked about 5, which teaches it more than 5 do.
    """

    outer_lr = 2e-3
    max_norm = 10.0

    def __init__(self, main: MainNetwork, rng: torch.Generator | None = None):
        super().__init__(main)
        self.encoder = ClassEncoder(main, rng)

    def start(self, descriptor: Tensor | None, support: Examples | None) -> Tensor:
        c, n = self.encoder.codes(support)
        norm = c.square().sum(-1)
        bias = torch.where(n > 0, -norm, NEVER * (1 + norm.detach().amax(-1, keepdim=True)))
        body = self.encoder.body.expand(*c.shape[:-2], -1)
        return torch.cat([body, (2 * c).flatten(-2), bias], dim=-1)


class HyperMAML(Learner):
    """θ = θ₀ + H_φ(D, g_θ₀(D)): the update is written from the examples and what θ₀ makes of them, not descended to.

    Przewięźlikowski and others 2022 (arXiv 2205.15745), section 3: the support set is encoded with, beside each x and y, the
    prediction of the shared network (a class as a vector with a single one, the prediction as logits).

    Args:
        dim: the length of the code, where no encoder is given.
        encoder: from (τ, D) to the code, where D holds y and g_θ₀(x) side by side; a `SetEncoder` if None.
        generator: from the code to the update; an `MLPGenerator` whose updates begin small if None.
    """

    def __init__(
        self,
        main: MainNetwork,
        dim: int = 64,
        encoder: nn.Module | None = None,
        generator: Generator | None = None,
        rng: torch.Generator | None = None,
    ):
        super().__init__(main)
        self.theta_0 = nn.Parameter(main.start_weights(rng))
        self.encoder = _set_encoder(main, 2, dim, rng) if encoder is None else as_encoder(encoder)
        if generator is None:
            generator = MLPGenerator(getattr(self.encoder, "dim", None) or dim, main, rng=rng)
            nn.init.zeros_(generator.head.bias)
            with torch.no_grad():
                generator.head.weight.mul_(0.1)
        self.generator = generator
        _check_generator(main, self.generator, getattr(self.encoder, "dim", None), "the encoder gives codes")

    def start(self, descriptor: Tensor | None, support: Examples | None) -> Tensor:
        support = needed_examples(self, support)
        prediction = self.main.predict(self.theta_0, support)
        seen = Examples(support.x, torch.cat([numbers_of(support, prediction.shape[-1]).to(prediction), prediction], dim=-1))
        return self.theta_0 + self.generator(self.encoder(descriptor, seen))


class TaskConditionedMAML(Hypernetwork):
    """U(f_φ(h(τ, D)), D): the description says where to start. The idea of Vuorio and others 2019 (arXiv 1910.13616).

    Args:
        generator, encoder: as in `Hypernetwork`. An encoder of the support set makes it Vuorio's own: the task is inferred.
    """

    def __init__(
        self,
        main: MainNetwork,
        generator: Generator,
        steps: int = 1,
        lr: LearningRate = 0.01,
        first_order: bool = False,
        encoder: nn.Module | None = None,
    ):
        super().__init__(main, generator, encoder, steps, lr, first_order)


class DescriptorAdaptation(Learner):
    """f_φ(U(τ₀, D)): the weights are written, and what adapts is the descriptor that they are written from.

    The idea of CAVIA (Zintgraf and others 2019, arXiv 1810.03642), which this is exactly where the generator is
    `Conditioned`, and of LEO (Rusu and others 2019, arXiv 1807.05960).

    Args:
        generator: τ → θ: a `Generator`, or `Conditioned`.
        descriptor_dim: of τ₀, which is learned and begins at 0.
    """

    outer_lr = 3e-3

    def __init__(
        self,
        main: MainNetwork,
        generator: nn.Module,
        descriptor_dim: int,
        steps: int = 1,
        lr: LearningRate = 1.0,
        first_order: bool = False,
    ):
        super().__init__(main, steps, lr, first_order)
        whole("descriptor_dim", descriptor_dim, 1)
        _check_generator(main, generator, descriptor_dim, "what adapts is a descriptor")
        self.generator = generator
        self.tau_0 = nn.Parameter(torch.zeros(descriptor_dim))

    def start(self, descriptor: Tensor | None, support: Examples | None) -> Tensor:
        return self.tau_0

    def through(self, adapted: Tensor) -> Tensor:
        # A τ that has diverged writes weights that say so; generators refuse it.
        finite = adapted.isfinite().all(-1, keepdim=True)
        return self.generator(adapted.where(finite, 0)).where(finite, torch.nan)


def _check_generator(main: MainNetwork, generator: nn.Module, dim: int | None, what: str) -> None:
    """A sentence for a generator of another main network, or for codes of another length."""
    own = getattr(generator, "main", None)
    if not isinstance(own, MainNetwork):
        raise ValueError(f"{type(generator).__name__} is no generator: one knows its main network, as MLPGenerator does")
    if list(own.shapes.items()) != list(main.shapes.items()):
        raise ValueError(
            f"the generator writes {own.weight_dim} weights for another main network; this one has "
            f"{main.weight_dim}: make the generator with main=main"
        )
    takes = getattr(generator, "descriptor_dim", None)
    if None not in (dim, takes) and dim != takes:
        raise ValueError(f"{what} of {dim} numbers, but the generator takes {takes} (descriptor_dim)")


def _set_encoder(main: MainNetwork, n_y: int, dim: int, rng: torch.Generator | None) -> SetEncoder:
    """For examples of a main network that says how many numbers they have, with `n_y` times those of y."""
    if main.d_in is None or main.d_out is None:
        raise ValueError(
            f"this main network (inputs of {main.input_dims} dimensions) does not say how many numbers its examples have: give "
            "encoder=SetEncoder(d_in, d_out, dim), with d_in the numbers of one input (those of an image in a row)"
        )
    return SetEncoder(main.d_in, n_y * main.d_out, dim, rng=rng)
