"""Any `nn.Module` as a main network: called without a state, as a function of its weights alone."""

import contextlib
import copy
import inspect
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.utils import parametrizations
from torch.nn.utils.weight_norm import WeightNorm

from hyperedu.batches import floats, whole
from hyperedu.main_network import MainNetwork


class _ModuleNetwork(MainNetwork):
    def __init__(self, module: nn.Module, input_dims: int, loss):
        _check_module(module)
        whole("input_dims", input_dims, 1)
        self.input_dims = input_dims
        # In vmap the gradient of an embedding leaves out the padding of the first task alone.
        self.by_loop = any(getattr(child, "padding_idx", None) is not None for child in module.modules())
        self.recurrent = any(isinstance(child, nn.RNNBase) for child in module.modules())
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
        weights = {name: p.detach().float() for name, p in module.named_parameters()}
        mean = floats(torch.cat([p.mean().expand(p.numel()) for p in weights.values()]))
        std = floats(torch.cat([p.std(correction=0).expand(p.numel()) for p in weights.values()]))
        super().__init__({name: p.shape for name, p in weights.items()}, mean, std, loss)
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
        if self.input_dims == 1 and len(first) == 2:
            with contextlib.suppress(Exception), torch.random.fork_rng(devices=[]):
                y = copy.deepcopy(self.module).to("meta").eval()(torch.empty(2, first[1], device="meta"))
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
        n_tasks = len(x)
        if n_tasks == 0:  # the shape of y only the module knows: one task more, which is left out of what is returned
            theta, x = (torch.cat([part, part.new_zeros(1, *part.shape[1:])]) for part in (theta, x))
        weights = self.unflatten(theta)
        tasks = ({name: w[i].clone() for name, w in weights.items()} for i in range(len(x)))
        try:
            found = [one_task(each, some) for each, some in zip(tasks, x.clone(), strict=True)]
        except _FAILURES as error:
            raise ValueError(
                f"{type(self.module).__name__} cannot take x of shape {tuple(x.shape[1:])} (one task) with weights of dtype "
                f"{theta.dtype} and input_dims={self.input_dims}: {error}"
            ) from error
        if not self.by_loop and "atching rule" in str(in_vmap):
            self.by_loop = True
        return torch.stack([self._one_tensor(y) for y in found])[:n_tasks]

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


# How layers say that they cannot take what they are given, and vmap that it cannot run them.
_FAILURES = (RuntimeError, ValueError, TypeError, IndexError, AssertionError)


def _check_module(module: nn.Module) -> None:
    """A sentence for modules that cannot be functions of their weights alone."""
    if not isinstance(module, nn.Module):
        raise ValueError(f"from_module takes an nn.Module, got {type(module).__name__}")
    weights = dict(module.named_parameters())
    if not weights:
        raise ValueError(f"{type(module).__name__} has no parameters: there are no weights to generate")
    own = {id(part) for part in (*module.modules(), *weights.values())}
    for name, child in module.named_modules():
        if fault := _fault(child, own):
            raise ValueError(f"{name or 'the module'} ({type(child).__name__}) {fault}")
    for name, p in weights.items():
        if not p.is_floating_point():
            raise ValueError(f"{name} is a parameter of dtype {p.dtype}, but weights are floating point: make it a buffer")
    frozen = [name for name, p in weights.items() if not p.requires_grad]
    if 0 < len(frozen) < len(weights):
        raise ValueError(
            f"{frozen} take no gradient, but all parameters become weights in θ, which begins anew: make constants buffers "
            "(register_buffer), or let all take a gradient, module.requires_grad_()"
        )
    lazy = [name for name, p in weights.items() if nn.parameter.is_lazy(p)]
    if lazy:
        raise ValueError(f"{lazy} have no shape yet: call the {type(module).__name__} once with an example x first")


def _fault(child: nn.Module, own: set[int]) -> str | None:
    """Why a layer is no function of its weights; None if it is. `own` are the layers and weights of its module, by id."""
    attributes = vars(child).values()
    listed = [item for value in attributes if isinstance(value, list | tuple) for item in value]
    named = [item for value in attributes if isinstance(value, dict) for item in value.values()]
    functions = [item for item in (*attributes, *listed, *named) if inspect.isfunction(item)]
    around = (item for function in functions for item in inspect.getclosurevars(function).nonlocals.values())
    if getattr(child, "running_mean", None) is not None:
        return (
            "keeps running statistics, which would leak from task to task: use track_running_stats=False, or GroupNorm or "
            "LayerNorm instead"
        )
    if any(isinstance(hook, WeightNorm) for hook in child._forward_pre_hooks.values()):
        return (
            "has torch.nn.utils.weight_norm, whose second derivative is wrong: take torch.nn.utils.parametrizations.weight_norm"
        )
    if any(isinstance(item, nn.Parameter) for item in listed) and not isinstance(child, nn.RNNBase):
        return "keeps weights in a list, where others are not found: make it an nn.ParameterList"
    if any(id(item) in own for item in around):
        return (
            "keeps a function that was made inside it, such as a lambda that says self, and that always has the weights of "
            "this module: make it a method"
        )
    if isinstance(child, nn.RNNBase | nn.MultiheadAttention) and not child.batch_first:
        return "takes time before examples, but examples come first here: make it with batch_first=True"
    return None


@contextlib.contextmanager
def _forgetting(module: nn.Module) -> Iterator[None]:
    """Layers are afterwards as they were: what they keep of a call, such as what follows from weights, is of one θ."""
    own = [vars(layer) for layer in module.modules()]
    containers = [value for attributes in own for value in attributes.values() if isinstance(value, dict | list | set)]
    found = [(value, value.copy()) for value in (*own, *containers)]
    try:
        yield
    finally:
        for value, before in found:
            value.clear()
            value.extend(before) if isinstance(value, list) else value.update(before)


@contextlib.contextmanager
def _twice_differentiable(recurrent: bool) -> Iterator[None]:
    """Without the fused kernels of attention and of recurrent layers, which have no second derivative."""
    with sdpa_kernel(SDPBackend.MATH), contextlib.ExitStack() as afterwards:
        afterwards.callback(torch.backends.mha.set_fastpath_enabled, torch.backends.mha.get_fastpath_enabled())
        torch.backends.mha.set_fastpath_enabled(False)
        if recurrent:  # convolutions need it. torch.backends.mkldnn.flags sets, and warns of, what else there is to set
            afterwards.callback(torch._C._set_mkldnn_enabled, torch._C._get_mkldnn_enabled())
            torch._C._set_mkldnn_enabled(False)
        yield
