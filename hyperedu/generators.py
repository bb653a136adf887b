"""f_φ : τ → θ. Generators write the weights of a main network from a task descriptor."""

import copy
import math
from collections.abc import Iterable, Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from hyperedu.main_network import MainNetwork, activation_and_gain


class Generator(nn.Module):
    """f_φ : τ (…, d_tau) → θ (…, P). The base of every generator: it knows the two ends and checks τ."""

    def __init__(self, descriptor_dim: int, main: MainNetwork):
        super().__init__()
        if descriptor_dim < 1:
            raise ValueError(f"descriptor_dim must be at least 1, got {descriptor_dim}")
        self.descriptor_dim, self.main = descriptor_dim, main

    def check(self, descriptor: Tensor) -> None:
        if descriptor.ndim == 0 or descriptor.shape[-1] != self.descriptor_dim:
            raise ValueError(
                f"τ has shape {tuple(descriptor.shape)}, but this generator was made for a last dimension of "
                f"{self.descriptor_dim} (descriptor_dim)"
            )
        if not torch.isfinite(descriptor).all():
            raise ValueError("τ contains NaN or infinite values: fill missing metadata first (descriptors.Metadata does)")


def constant_norm(descriptor: Tensor) -> Tensor:
    """τ (…, d) → (…, 2d) of norm √d whatever τ is: each τ_i becomes (cos α, sin α) with α = arctan τ_i.

    Ortiz, Guttag, Dalca 2023 (arXiv 2304.07645), equation 9, with arctan in place of their scaling to a
    bounded interval, since standardised metadata have no bounds.
    """
    angle = torch.atan(descriptor)
    return torch.cat([angle.cos(), angle.sin()], dim=-1)


class _Trunk(nn.ModuleList):
    """Fully connected layers with an activation after each, (…, sizes[0]) → (…, sizes[-1])."""

    def __init__(self, sizes: Sequence[int], activation: str, generator: torch.Generator | None):
        super().__init__(nn.Linear(a, b) for a, b in pairwise(sizes))
        self.activation, gain = activation_and_gain(activation)
        with torch.no_grad():
            for layer in self:
                bound = 1 / math.sqrt(layer.in_features)
                layer.weight.normal_(0, gain * bound, generator=generator)
                layer.bias.uniform_(-bound, bound, generator=generator)

    def forward(self, h: Tensor) -> Tensor:
        for layer in self:
            h = self.activation(layer(h))
        return h


@torch.no_grad()
def _hyperfan(head: nn.Linear, h: Tensor, std: Tensor | float, generator: torch.Generator | None) -> None:
    """Draw V of head(h) = V h + c so that its outputs have standard deviation `std` ((out,) or one number) and mean 0.

    Var(V_pj) = σ_p² / E‖h‖², the mean over the rows of h (n, hidden). Chang, Flokas, Lipson 2020 (arXiv 2312.08399).
    """
    norm = h.square().sum(-1).mean().sqrt()
    head.weight.normal_(generator=generator).mul_(torch.as_tensor(std).unsqueeze(-1) / norm)
    head.bias.zero_()


class MLPGenerator(Generator):
    """The fully connected generator, the reference for every other: h = trunk(τ), θ = V h + c.

    Initialisation "hyperfan" (Chang, Flokas, Lipson 2020, arXiv 2312.08399): the rows of V are drawn with
    variance σ_p² / E‖h‖², so that each generated weight θ_p has the variance σ_p² that a directly
    initialised main network gives it, whatever the trunk. "default" leaves V as `nn.Linear` makes it.

    Args:
        descriptor_dim: d_tau.
        main: the main network whose weights are written.
        hidden: the widths of the trunk's layers.
        activation: of the trunk.
        init: "hyperfan" or "default".
        magnitude_invariant: θ = θ₀ + Δθ with Δθ written from the constant-norm encoding of τ
            (Ortiz, Guttag, Dalca 2023, arXiv 2304.07645, equations 9 and 10). θ₀ is learned; at the start it and Δθ
            carry half of the variance each.
        descriptors: (n, d_tau) examples of τ on which E‖h‖² is measured; standard normal if None, which
            suits standardised metadata.
        generator: source of randomness.
    """

    def __init__(
        self,
        descriptor_dim: int,
        main: MainNetwork,
        hidden: Sequence[int] = (64, 64),
        activation: str = "gelu",
        init: str = "hyperfan",
        magnitude_invariant: bool = False,
        descriptors: Tensor | None = None,
        generator: torch.Generator | None = None,
    ):
        super().__init__(descriptor_dim, main)
        if init not in ("hyperfan", "default"):
            raise ValueError(f"init must be 'hyperfan' or 'default', got {init!r}")
        self.magnitude_invariant = magnitude_invariant
        sizes = [2 * descriptor_dim if magnitude_invariant else descriptor_dim, *hidden]
        if magnitude_invariant:
            self.theta_0 = nn.Parameter(main.initial_weights(generator=generator))
        self.trunk = _Trunk(sizes, activation, generator)
        self.head = nn.Linear(sizes[-1], main.weight_dim)
        if init == "hyperfan":
            self._initialize_head(descriptors, generator)
        else:
            bound = 1 / math.sqrt(sizes[-1])
            nn.init.uniform_(self.head.weight, -bound, bound, generator=generator)
            nn.init.uniform_(self.head.bias, -bound, bound, generator=generator)

    @torch.no_grad()
    def _initialize_head(self, descriptors: Tensor | None, generator: torch.Generator | None) -> None:
        if descriptors is None:
            descriptors = torch.randn(4096, self.descriptor_dim, generator=generator)
        self.check(descriptors)
        share = math.sqrt(0.5) if self.magnitude_invariant else 1.0
        _hyperfan(self.head, self.hidden(descriptors), share * self.main.initial_std, generator)
        if self.magnitude_invariant:  # θ₀ carries the mean and the other half of the variance
            self.theta_0.sub_(self.main.initial_mean).mul_(share).add_(self.main.initial_mean)
        else:
            self.head.bias.copy_(self.main.initial_mean)

    def hidden(self, descriptor: Tensor) -> Tensor:
        """h: what the trunk makes of τ, (…, d_tau) → (…, hidden[-1])."""
        return self.trunk(constant_norm(descriptor) if self.magnitude_invariant else descriptor)

    def forward(self, descriptor: Tensor) -> Tensor:
        """τ (…, d_tau) → θ (…, P)."""
        self.check(descriptor)
        theta = self.head(self.hidden(descriptor))
        return self.theta_0 + theta if self.magnitude_invariant else theta


def _in_units(main: MainNetwork, u: Tensor, gain: Tensor) -> Tensor:
    """θ = μ + (σ + γ) ⊙ u: what was written with mean 0 and variance 1 gets the moments of a direct initialisation.

    μ and σ are constants of the main network; γ (…, number of tensors), a learned change of scale of each weight tensor,
    begins at 0. Without it, a tensor that a direct initialisation does not spread (biases at zero) could never change.
    """
    sizes = torch.tensor(main.sizes, device=u.device)
    gain = gain.repeat_interleave(sizes, dim=-1, output_size=main.weight_dim)
    return main.initial_mean.to(u) + (main.initial_std.to(u) + gain) * u


class ChunkedGenerator(Generator):
    """θ in pieces of equal length, all written by one small network that is told which piece: u_k = V trunk([τ, e_k]).

    Each piece k has a learned embedding e_k. von Oswald and others 2020 (arXiv 1906.00695), section 2.3. With pieces of √P
    weights, the default, the generator grows like √P.

    Args:
        descriptor_dim, main, hidden, activation, generator: as in `MLPGenerator`.
        chunk_size: weights per piece; about √P if None.
        embedding_dim: the length of e_k.
    """

    def __init__(
        self,
        descriptor_dim: int,
        main: MainNetwork,
        chunk_size: int | None = None,
        embedding_dim: int = 16,
        hidden: Sequence[int] = (64, 64),
        activation: str = "gelu",
        generator: torch.Generator | None = None,
    ):
        super().__init__(descriptor_dim, main)
        if chunk_size is None:
            chunk_size = math.isqrt(main.weight_dim - 1) + 1
        if chunk_size < 1:
            raise ValueError(f"chunk_size must be at least 1, got {chunk_size}")
        n_chunks = -(-main.weight_dim // chunk_size)
        self.embeddings = nn.Parameter(torch.randn(n_chunks, embedding_dim, generator=generator))
        self.trunk = _Trunk([descriptor_dim + embedding_dim, *hidden], activation, generator)
        self.head = nn.Linear(self.trunk[-1].out_features, chunk_size)
        self.gain = nn.Parameter(torch.zeros(len(main.shapes)))
        tau = torch.randn(64, descriptor_dim, generator=generator)
        some = self.embeddings[torch.randperm(n_chunks, generator=generator)[:64]]
        pairs = torch.cat([tau.repeat_interleave(len(some), 0), some.repeat(len(tau), 1)], dim=-1)
        _hyperfan(self.head, self.trunk(pairs), 1.0, generator)

    def forward(self, descriptor: Tensor) -> Tensor:
        """τ (…, d_tau) → θ (…, P)."""
        self.check(descriptor)
        lead, n_chunks = descriptor.shape[:-1], len(self.embeddings)
        tau = descriptor.unsqueeze(-2).expand(*lead, n_chunks, -1)
        h = self.trunk(torch.cat([tau, self.embeddings.expand(*lead, -1, -1)], dim=-1))
        u = self.head(h).flatten(-2)[..., : self.main.weight_dim]  # the last piece is longer than what is left
        return _in_units(self.main, u, self.gain)


def _matrix_shape(shape: tuple[int, ...]) -> tuple[int, int]:
    """A weight tensor as a matrix: one row for each unit that it leads to. A vector is one column."""
    return (shape[0], math.prod(shape[1:])) if shape else (1, 1)


class ConvGenerator(Generator):
    """Each weight tensor decoded like an image: a small picture, convolutions, a larger picture.

    The small picture has, at row i and column j of a grid `zoom` times coarser than the weight matrix, the learned codes
    r_i + c_j of `channels` numbers, which τ scales and shifts (FiLM: Perez and others 2018, arXiv 1709.07871). Two
    convolutions, shared by all tensors, let neighbours speak; the last makes zoom² weights of each place (sub-pixel
    convolution: Shi and others 2016, arXiv 1609.05158). The codes grow like √P, all else stays.

    Args:
        descriptor_dim, main, hidden, activation, generator: as in `MLPGenerator`.
        channels: of the small picture.
        zoom: how many times larger the weight matrix is, each way.
    """

    def __init__(
        self,
        descriptor_dim: int,
        main: MainNetwork,
        channels: int = 32,
        zoom: int = 4,
        hidden: Sequence[int] = (64,),
        activation: str = "gelu",
        generator: torch.Generator | None = None,
    ):
        super().__init__(descriptor_dim, main)
        if channels < 1 or zoom < 1:
            raise ValueError(f"channels and zoom must be at least 1, got {channels} and {zoom}")
        self.zoom, self.activation = zoom, activation_and_gain(activation)[0]
        self.matrices = [_matrix_shape(shape) for shape in main.shapes.values()]

        def codes(n):
            return nn.Parameter(torch.randn(channels, -(-n // zoom), generator=generator) * math.sqrt(0.5))

        self.rows = nn.ParameterList(codes(m) for m, _ in self.matrices)
        self.columns = nn.ParameterList(codes(n) for _, n in self.matrices)
        self.trunk = _Trunk([descriptor_dim, *hidden], activation, generator)
        self.film = nn.Linear(self.trunk[-1].out_features, 2 * channels * len(self.matrices))
        self.convolution = nn.Conv2d(channels, channels, 3, padding=1)
        self.enlarge = nn.Conv2d(channels, zoom**2, 3, padding=1)
        self.gain = nn.Parameter(torch.zeros(len(self.matrices)))
        self.register_buffer("rms", torch.ones(len(self.matrices)))
        self._initialize(generator)

    @torch.no_grad()
    def _initialize(self, generator: torch.Generator | None) -> None:
        for layer, gain in ((self.convolution, math.sqrt(2)), (self.enlarge, 1.0)):
            layer.weight.normal_(0, gain / math.sqrt(9 * layer.in_channels), generator=generator)
            layer.bias.zero_()
        _hyperfan(self.film, self.trunk(torch.randn(1024, self.descriptor_dim, generator=generator)), 1.0, generator)
        for t, (m, n) in enumerate(self.matrices):  # measured: at the edges of a picture convolutions see fewer neighbours
            tau = torch.randn(min(256, max(8, 1_000_000 // (m * n))), self.descriptor_dim, generator=generator)
            self.rms[t] = self._picture(self._film(tau)[:, t], t).square().mean().sqrt()

    def _film(self, tau: Tensor) -> Tensor:
        """τ (B, d_tau) → how the codes of each tensor are scaled and shifted, (B, tensors, 2 channels)."""
        return self.film(self.trunk(tau)).unflatten(-1, (len(self.matrices), -1))

    def _picture(self, film: Tensor, t: int) -> Tensor:
        """(B, 2 channels) → tensor number t, (B, rows · columns), of variance 1."""
        scale, shift = film[..., None, None].chunk(2, dim=1)
        small = (1 + scale) * (self.rows[t].unsqueeze(-1) + self.columns[t].unsqueeze(-2)) + shift
        large = self.enlarge(self.activation(self.convolution(small)))
        large = nn.functional.pixel_shuffle(large, self.zoom).squeeze(1)
        m, n = self.matrices[t]
        return large[:, :m, :n].flatten(1) / self.rms[t]

    def forward(self, descriptor: Tensor) -> Tensor:
        """τ (…, d_tau) → θ (…, P)."""
        self.check(descriptor)
        film = self._film(descriptor.reshape(-1, self.descriptor_dim))
        u = torch.cat([self._picture(film[:, t], t) for t in range(len(self.matrices))], dim=-1)
        return _in_units(self.main, u, self.gain).reshape(*descriptor.shape[:-1], -1)


class _Attention(nn.Module):
    """Tokens X (…, n, d) → X + softmax(Q Kᵀ / √d_head) V, then each token by itself through two layers.

    Vaswani and others 2017 (arXiv 1706.03762), with the normalisation first. Written out, since PyTorch's fused attention
    has no second derivative, which adaptation of descriptors takes.
    """

    def __init__(self, dim: int, heads: int):
        super().__init__()
        self.heads = heads
        self.norms = nn.ModuleList(nn.LayerNorm(dim) for _ in range(2))
        self.qkv, self.out = nn.Linear(dim, 3 * dim, bias=False), nn.Linear(dim, dim)
        self.each = nn.Sequential(nn.Linear(dim, 2 * dim), nn.GELU(), nn.Linear(2 * dim, dim))

    def weights_and_values(self, X: Tensor) -> tuple[Tensor, Tensor]:
        """How much each token attends to each other, (…, heads, n, n), rows summing to 1; and what each says, V."""
        qkv = self.qkv(self.norms[0](X)).unflatten(-1, (3, self.heads, -1)).movedim((-3, -2), (0, -3))
        Q, K, V = qkv.unbind(0)  # (…, heads, n, d_head)
        return torch.softmax(Q @ K.mT / math.sqrt(Q.shape[-1]), dim=-1), V

    def forward(self, X: Tensor) -> Tensor:
        A, V = self.weights_and_values(X)
        X = X + self.out((A @ V).movedim(-3, -2).flatten(-2))
        return X + self.each(self.norms[1](X))


class AttentionGenerator(Generator):
    """Weight tensors are tokens that attend to each other and to τ; a weight is the product of the codes of its two units.

    Token t says of weight tensor t how deep it lies, whether it is a matrix or a vector, and how large it is; τ is one more
    token. After attention, each unit gets a code of length `rank` from its tensor's token and its place in the layer:
    W_ij = ⟨a_i, b_j⟩ / √rank. Nothing of this has the size of the main network, so that one generator writes main networks of
    different widths and depths (`for_main`), and its number of parameters does not grow with P at all.

    Args:
        descriptor_dim, main, generator: as in `MLPGenerator`.
        dim, heads, layers: of the attention.
        rank: the length of the codes.
    """

    frequencies = 16  # of cosines that tell the units of a layer apart

    def __init__(
        self,
        descriptor_dim: int,
        main: MainNetwork,
        dim: int = 64,
        heads: int = 4,
        layers: int = 2,
        rank: int = 32,
        generator: torch.Generator | None = None,
    ):
        super().__init__(descriptor_dim, main)
        if dim % heads:
            raise ValueError(f"dim must be a multiple of heads, got {dim} and {heads}")
        self.features, self.matrices = _tensor_features(main)
        self.tau_token, self.tensor_token = nn.Linear(descriptor_dim, dim), nn.Linear(self.features.shape[1], dim)
        self.attention = nn.Sequential(*(_Attention(dim, heads) for _ in range(layers)))
        self.norm, self.gain = nn.LayerNorm(dim), nn.Linear(dim, 1)
        # Codes of the units that a tensor leads to (a) and comes from (b), each from the token and the place of the unit.
        self.of_token = nn.ModuleDict({side: nn.Linear(dim, dim) for side in "ab"})
        self.of_place = nn.ModuleDict({side: nn.Linear(self.frequencies, dim, bias=False) for side in "ab"})
        self.codes = nn.ModuleDict({side: nn.Linear(dim, rank) for side in "ab"})
        self.vector = nn.Linear(rank, 1)
        self._initialize(generator)

    @torch.no_grad()
    def _initialize(self, generator: torch.Generator | None) -> None:
        for module in self.modules():
            if isinstance(module, nn.Linear):
                module.weight.normal_(0, 1 / math.sqrt(module.in_features), generator=generator)
                if module.bias is not None:
                    module.bias.zero_()
        nn.init.zeros_(self.gain.weight)
        tokens = self.tokens(torch.randn(64, self.descriptor_dim, generator=generator))
        for side in "ab":  # codes with entries of variance 1, and so ⟨a, b⟩ / √rank and vectors of variance 1
            h = torch.cat([self._units(tokens[:, t], n, side).flatten(0, 1) for t, n in self._ends(side)])
            _hyperfan(self.codes[side], h, 1.0, generator)

    def _ends(self, side: str) -> Iterable[tuple[int, int]]:
        """(tensor, number of units) at one side."""
        return [(t, shape["ab".index(side)]) for t, shape in enumerate(self.matrices)]

    def for_main(self, main: MainNetwork) -> "AttentionGenerator":
        """The same generator, with the same parameters, for another main network."""
        other = copy.copy(self)
        other.main = main
        other.features, other.matrices = _tensor_features(main)
        return other

    def tokens(self, descriptor: Tensor) -> Tensor:
        """τ (B, d_tau) → what attention makes of the tokens, (B, tensors, dim)."""
        return self.norm(self.attention(self._first(descriptor)))[:, 1:]

    def _first(self, descriptor: Tensor) -> Tensor:
        tensors = self.tensor_token(self.features.to(descriptor))
        return torch.cat([self.tau_token(descriptor).unsqueeze(1), tensors.expand(len(descriptor), -1, -1)], dim=1)

    def attention_map(self, descriptor: Tensor) -> Tensor:
        """How much each token (τ, then the weight tensors) attends to each, (layers, 1 + tensors, 1 + tensors).

        Means over heads and over the given τ (B, d_tau).
        """
        X, maps = self._first(descriptor), []
        for layer in self.attention:
            maps.append(layer.weights_and_values(X)[0].mean(dim=(0, 1)))
            X = layer(X)
        return torch.stack(maps)

    def _units(self, token: Tensor, n: int, side: str) -> Tensor:
        """A token (B, dim) and n units side by side → (B, n, dim)."""
        place = (torch.arange(n, device=token.device) + 0.5).to(token) / n
        waves = torch.cos(math.pi * torch.arange(1, self.frequencies + 1, device=token.device) * place.unsqueeze(-1))
        return nn.functional.gelu(self.of_token[side](token)).unsqueeze(1) * self.of_place[side](waves)

    def unit_codes(self, token: Tensor, n: int, side: str) -> Tensor:
        """Token (B, dim) → codes (B, n, rank) of the n units that its tensor leads to (side "a") or comes from ("b")."""
        return self.codes[side](self._units(token, n, side))

    def _tensor(self, token: Tensor, t: int) -> Tensor:
        """A token (B, dim) → tensor number t, (B, rows · columns), of variance 1."""
        m, n = self.matrices[t]
        a = self.unit_codes(token, m, "a")
        if len(tuple(self.main.shapes.values())[t]) < 2:
            return self.vector(a).squeeze(-1)
        b = self.unit_codes(token, n, "b")
        return (a @ b.mT).flatten(1) / math.sqrt(a.shape[-1])

    def forward(self, descriptor: Tensor) -> Tensor:
        """τ (…, d_tau) → θ (…, P)."""
        self.check(descriptor)
        tokens = self.tokens(descriptor.reshape(-1, self.descriptor_dim))
        u = torch.cat([self._tensor(tokens[:, t], t) for t in range(len(self.matrices))], dim=-1)
        return _in_units(self.main, u, self.gain(tokens).squeeze(-1)).reshape(*descriptor.shape[:-1], -1)


def _tensor_features(main: MainNetwork) -> tuple[Tensor, list[tuple[int, int]]]:
    """What a token is told of its weight tensor (tensors, features), and each tensor's shape as a matrix."""
    matrices = [_matrix_shape(shape) for shape in main.shapes.values()]
    depth = torch.linspace(0, 1, len(matrices)) if len(matrices) > 1 else torch.zeros(1)
    waves = torch.cos(math.pi * torch.arange(1, 6) * depth.unsqueeze(-1))
    is_vector = torch.tensor([float(len(shape) < 2) for shape in main.shapes.values()])
    sizes = torch.tensor(matrices).log2()
    return torch.cat([waves, is_vector.unsqueeze(-1), 1 - is_vector.unsqueeze(-1), sizes / 4 - 1], dim=-1), matrices


class LowRankGenerator(Generator):
    """One shared θ₀, and of each weight matrix a change of rank r that is written from τ: W = W₀ + B A.

    Hu and others 2021 (arXiv 2106.09685) adapt language models so; Charakorn and others 2025 (arXiv 2506.06105) write A and
    B with a hypernetwork from a sentence. (To scale units, as FiLM does, is to multiply W by a matrix of rank one instead.)
    Vectors, and matrices too small for it to pay, are written whole. At the start W₀ and B A carry half of the variance each.

    Args:
        descriptor_dim, main, hidden, activation, generator: as in `MLPGenerator`.
        rank: r.
    """

    def __init__(
        self,
        descriptor_dim: int,
        main: MainNetwork,
        rank: int = 4,
        hidden: Sequence[int] = (64, 64),
        activation: str = "gelu",
        generator: torch.Generator | None = None,
    ):
        super().__init__(descriptor_dim, main)
        if rank < 1:
            raise ValueError(f"rank must be at least 1, got {rank}")
        self.rank, self.matrices = rank, [_matrix_shape(shape) for shape in main.shapes.values()]
        self.theta_0 = nn.Parameter(main.initial_weights(generator=generator))
        self.trunk = _Trunk([descriptor_dim, *hidden], activation, generator)
        sizes = [m * n if self._whole(m, n) else rank * (m + n) for m, n in self.matrices]
        self.sizes = sizes
        self.head = nn.Linear(self.trunk[-1].out_features, sum(sizes))
        self.gain = nn.Parameter(torch.zeros(len(sizes)))
        with torch.no_grad():
            h = self.trunk(torch.randn(1024, descriptor_dim, generator=generator))
            _hyperfan(self.head, h, 1.0, generator)
            self.theta_0.sub_(main.initial_mean).mul_(math.sqrt(0.5))
            # B and A are written from the same h: the variance of their product is E‖h‖⁴ / (E‖h‖²)², not 1.
            norms = h.square().sum(-1)
            self.register_buffer("product_std", norms.square().mean().sqrt() / norms.mean())

    def _whole(self, m: int, n: int) -> bool:
        return m * n <= self.rank * (m + n)

    def forward(self, descriptor: Tensor) -> Tensor:
        """τ (…, d_tau) → θ (…, P)."""
        self.check(descriptor)
        u = []
        for (m, n), written in zip(self.matrices, self.head(self.trunk(descriptor)).split(self.sizes, dim=-1), strict=True):
            if self._whole(m, n):
                u.append(written)
            else:
                B, A = written.split([m * self.rank, self.rank * n], dim=-1)
                BA = B.unflatten(-1, (m, self.rank)) @ A.unflatten(-1, (self.rank, n))
                u.append(BA.flatten(-2) / (math.sqrt(self.rank) * self.product_std))
        return self.theta_0 + _in_units(self.main, math.sqrt(0.5) * torch.cat(u, dim=-1), self.gain)
