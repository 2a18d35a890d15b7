"""Low-rank adapters: small changes of large weights, learned beside them, kept in a voice and merged when it speaks.

    W' = W + up · down      W (o, …) seen as a matrix (o, i) · up (o, r), times alpha / rank · down (r, i)

Hu et al., "LoRA: Low-Rank Adaptation of Large Language Models", 2021. The sum is made before the layer runs, in
learning as in speaking, so that both make the same sound; dilated and transposed convolutions and recurrent layers need
nothing of their own.
"""

from collections.abc import Iterable, Mapping
from copy import deepcopy
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from voicewright.engines.options import LoraOptions
from voicewright.errors import BadVoice

M = TypeVar("M", bound=nn.Module)

PREFIX = "adapter."
"""What the names of adapters begin with in a voice's tensors, then a weight's name, then ".down" or ".up"."""


class Adapters(nn.Module):
    """Adapters of some weights of one network. As made, they change nothing.

    Args:
        base: the network; its tensors are looked at, not kept.
        names: the weights to adapt, as `base.named_parameters()` calls them, each of two axes or more.
        lora: rank (at least 1), alpha and dropout. Dropped out are inputs of the adapters, for a whole batch.
        generator: what the thin matrices begin with is drawn from it.
    """

    def __init__(
        self, base: nn.Module, names: Iterable[str], lora: LoraOptions, generator: torch.Generator | None = None
    ) -> None:
        super().__init__()
        self.names = tuple(names)
        self.scale, self.dropout = lora.alpha / lora.rank, lora.dropout
        self.downs, self.ups = nn.ParameterList(), nn.ParameterList()
        for name in self.names:
            rows, inputs = base.get_parameter(name).flatten(1).shape
            # The bound of peft and of the paper's code: Kaiming's, as for a linear layer.
            self.downs.append(nn.Parameter((2 * torch.rand(lora.rank, inputs, generator=generator) - 1) / inputs**0.5))
            self.ups.append(nn.Parameter(torch.zeros(rows, lora.rank)))

    def merged(self, base: nn.Module) -> dict[str, Tensor]:
        """The adapted weights by name, with gradients to the adapters, for `torch.func.functional_call`."""
        merged = {}
        for name, down, up in zip(self.names, self.downs, self.ups, strict=True):
            if self.training and self.dropout:
                down = F.dropout(down.new_ones(1, down.shape[1]), self.dropout) * down
            merged[name] = changed(base.get_parameter(name), down, up * self.scale)
        return merged

    def to_tensors(self, prefix: str) -> dict[str, NDArray[np.float32]]:
        """As a voice keeps them; `prefix` is where the network lies in the whole ("decoder.")."""
        tensors = {}
        for name, down, up in zip(self.names, self.downs, self.ups, strict=True):
            tensors[f"{PREFIX}{prefix}{name}.down"] = _array(down)
            tensors[f"{PREFIX}{prefix}{name}.up"] = _array(up * self.scale)
        return tensors


def changed(weight: Tensor, down: Tensor, up: Tensor) -> Tensor:
    """`weight` and its change, summed in float32, in the precision that `weight` has."""
    return (weight.float() + (up @ down).view_as(weight)).to(weight.dtype)


def has_adapters(tensors: Mapping[str, NDArray[np.float32]]) -> bool:
    """Whether a voice's tensors hold any adapter."""
    return any(name.startswith(PREFIX) for name in tensors)


def merge(network: M, tensors: Mapping[str, NDArray[np.float32]]) -> M:
    """The network with a voice's adapters merged in. It shares every other tensor with `network`, which stays as it is.

    Raises:
        BadVoice: an adapter of a weight that is not there, of another shape, without its other half, or not finite.
    """
    tuned = twin(network)
    for name, (down, up) in _pairs(tensors).items():
        try:
            weight = network.get_parameter(name)
        except AttributeError as problem:
            raise BadVoice(f"the voice has an adapter for {name!r}, which this engine does not have") from problem
        rows, inputs = (*weight.flatten(1).shape,) if weight.dim() > 1 else (0, 0)
        if down.ndim != 2 or down.shape[1] != inputs or up.shape != (rows, len(down)):
            raise BadVoice(
                f"the voice's adapter of {name!r} has the shapes {up.shape} and {down.shape}, which do not fit a "
                f"weight of {tuple(weight.shape)}; tune the voice again"
            )
        with torch.no_grad():
            new = changed(weight, *(torch.from_numpy(np.array(half)).to(weight.device) for half in (down, up)))
        owner, _, last = name.rpartition(".")
        setattr(tuned.get_submodule(owner), last, nn.Parameter(new, requires_grad=False))
    return tuned


def twin(network: M) -> M:
    """Another network with the same tensors, not copies of them: to be changed or moved without the first knowing."""
    # New tensor objects over the same memory: moving a module changes its tensor objects in place.
    shared = {id(tensor): tensor.detach() for tensor in network.buffers()}
    shared |= {id(p): nn.Parameter(p.detach(), requires_grad=p.requires_grad) for p in network.parameters()}
    return deepcopy(network, shared)


def _pairs(tensors: Mapping[str, NDArray[np.float32]]) -> dict[str, tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """The adapters in a voice's tensors, (down, up) by the weight's name."""
    halves = {name.removeprefix(PREFIX): array for name, array in tensors.items() if name.startswith(PREFIX)}
    pairs = {}
    for half, array in halves.items():
        name, _, kind = half.rpartition(".")
        if kind not in ("down", "up") or f"{name}.down" not in halves or f"{name}.up" not in halves:
            raise BadVoice(f"the voice's tensor {PREFIX + half!r} is no half of an adapter; tune the voice again")
        if not np.isfinite(array).all():
            raise BadVoice(f"the voice's tensor {PREFIX + half!r} holds values that are not numbers; tune it again")
        pairs[name] = halves[f"{name}.down"], halves[f"{name}.up"]
    return pairs


def _array(tensor: Tensor) -> NDArray[np.float32]:
    return tensor.detach().float().cpu().numpy().copy()
