"""Weight tensors as tokens that attend to each other and to τ."""

import copy
import math

import torch
from torch import Tensor, nn

from hyperedu.batches import expect, whole
from hyperedu.generators.base import Generator, hyperfan, in_units, matrix_shape
from hyperedu.main_network import MainNetwork


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
        descriptor_dim, main, rng: as in `MLPGenerator`.
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
        rng: torch.Generator | None = None,
    ):
        super().__init__(descriptor_dim, main, rng)
        self.moments = main.initial_mean, main.initial_std
        for name, value in {"dim": dim, "heads": heads, "layers": layers, "rank": rank}.items():
            whole(name, value, 1)
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
        self._initialize(rng)

    @torch.no_grad()
    def _initialize(self, rng: torch.Generator | None) -> None:
        for module in self.modules():
            if isinstance(module, nn.Linear):
                module.weight.normal_(0, 1 / math.sqrt(module.in_features), generator=rng)
                if module.bias is not None:
                    module.bias.zero_()
        nn.init.zeros_(self.gain.weight)
        tokens = self.tokens(torch.randn(64, self.descriptor_dim, generator=rng))
        for k, side in enumerate("ab"):  # codes with entries of variance 1, and so ⟨a, b⟩ / √rank and vectors of variance 1
            h = torch.cat([self._units(tokens[:, t], shape[k], side).flatten(0, 1) for t, shape in enumerate(self.matrices)])
            hyperfan(self.codes[side], h, 1.0, rng)  # type: ignore[arg-type]

    def for_main(self, main: MainNetwork) -> "AttentionGenerator":
        """The same generator, with the same parameters, for another main network."""
        expect("the main network", main, MainNetwork, "MainNetwork.from_module makes one of any module")
        other = copy.copy(self)
        other.main, other.moments = main, (main.initial_mean, main.initial_std)
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

        Means over heads and over the given τ (…, d_tau).
        """
        self.check(descriptor)
        X, maps = self._first(descriptor.reshape(-1, self.descriptor_dim)), []
        for layer in self.attention:
            maps.append(layer.weights_and_values(X)[0].mean(dim=(0, 1)))  # type: ignore[operator]
            X = layer(X)
        return torch.stack(maps)

    def _units(self, token: Tensor, n: int, side: str) -> Tensor:
        """A token (B, dim) and n units side by side → (B, n, dim)."""
        place = (torch.arange(n, device=token.device) + 0.5).to(token) / n
        waves = torch.cos(math.pi * torch.arange(1, self.frequencies + 1).to(place) * place.unsqueeze(-1))
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
        return in_units(self, u, self.gain(tokens).squeeze(-1)).reshape(*descriptor.shape[:-1], self.main.weight_dim)


def _tensor_features(main: MainNetwork) -> tuple[Tensor, list[tuple[int, int]]]:
    """What a token is told of its weight tensor (tensors, features), and each tensor's shape as a matrix."""
    matrices = [matrix_shape(shape) for shape in main.shapes.values()]
    waves = torch.cos(math.pi * torch.arange(1, 6) * torch.linspace(0, 1, len(matrices)).unsqueeze(-1))  # of its depth
    is_vector = torch.tensor([float(len(shape) < 2) for shape in main.shapes.values()])
    sizes = torch.tensor(matrices).log2()
    return torch.cat([waves, is_vector.unsqueeze(-1), 1 - is_vector.unsqueeze(-1), sizes / 4 - 1], dim=-1), matrices
