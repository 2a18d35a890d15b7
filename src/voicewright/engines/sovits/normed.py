"""Convolutions under weight norm (Salimans & Kingma 2016): a weight is a direction and a length, w = g · v / |v|.

The norm is over all axes but the first. Parameters have the names and the order of `torch.nn.utils.weight_norm`, the
one that the published checkpoints of this family were made with: bias, weight_g, weight_v.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class NormedConv1d(nn.Conv1d):
    """A convolution under weight norm; arguments as `torch.nn.Conv1d`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _split(self)

    def forward(self, x: Tensor) -> Tensor:
        made: Tensor = self._conv_forward(x, _whole(self), self.bias)
        return made


class NormedConv2d(nn.Conv2d):
    """A convolution under weight norm; arguments as `torch.nn.Conv2d`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _split(self)

    def forward(self, x: Tensor) -> Tensor:
        made: Tensor = self._conv_forward(x, _whole(self), self.bias)
        return made


class NormedConvTranspose1d(nn.ConvTranspose1d):
    """A transposed convolution under weight norm, one length for each channel that comes in; arguments as
    `torch.nn.ConvTranspose1d`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _split(self)

    def forward(self, x: Tensor, output_size: list[int] | None = None) -> Tensor:
        stride, more, groups, dilation = self.stride, self.output_padding, self.groups, self.dilation
        padding = tuple(map(int, self.padding))  # as a string it is for the other convolutions
        return F.conv_transpose1d(x, _whole(self), self.bias, stride, padding, more, groups, dilation)


def fold(module: nn.Module) -> None:
    """Give every normed layer of `module` its one whole weight, in place: to run it faster. It cannot be trained on."""
    for layer in module.modules():
        if isinstance(layer, NormedConv1d | NormedConv2d | NormedConvTranspose1d) and "weight" not in layer._parameters:
            weight = nn.Parameter(_whole(layer).detach(), requires_grad=False)
            del layer.weight_g, layer.weight_v
            layer.weight = weight


def _split(layer: nn.Module) -> None:
    """Take the weight apart; what the layer computes stays the same."""
    weight = layer.get_parameter("weight").detach()
    del layer.weight
    layer.weight_g = nn.Parameter(torch.norm_except_dim(weight, 2, 0))
    layer.weight_v = nn.Parameter(weight)


def _whole(layer: nn.Module) -> Tensor:
    folded = layer._parameters.get("weight")
    if folded is not None:
        return folded
    return torch._weight_norm(layer.get_parameter("weight_v"), layer.get_parameter("weight_g"), 0)
