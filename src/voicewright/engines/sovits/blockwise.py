"""The decoder in blocks of frames, for conversion on a processor: the same numbers, sooner and in little memory.

b batch · c channels · t frames or samples

A block's tensors stay in the processor's cache from one layer to the next, where those of a whole sentence do not; and
channels lie beside each other, which suits the convolutions. Blocks overlap by what the layers reach, so that joined
they are what the decoder makes of the whole. The first step, with most channels and fewest samples, reaches furthest
and is made at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from voicewright.engines.sovits.resblocks import SLOPE

FRAMES = 64
"""At once: 2 MB in each of the wide steps."""
LAST_SLOPE = 0.01


@dataclass(frozen=True)
class Layer:
    """A convolution that lies flat: (b, c, 1, t) -> (b, c', 1, t')."""

    weight: Tensor
    bias: Tensor | None
    stride: int
    padding: int
    dilation: int
    lengthens: bool

    @classmethod
    def of(cls, layer: nn.Conv1d | nn.ConvTranspose1d, dtype: torch.dtype) -> "Layer":
        weight = layer.weight.detach().to(dtype)[:, :, None]
        bias = None if layer.bias is None else layer.bias.detach().to(dtype)
        padding = int(layer.padding[0])  # as a string it is for others
        lengthens = isinstance(layer, nn.ConvTranspose1d)
        return cls(weight, bias, layer.stride[0], padding, layer.dilation[0], lengthens)

    @property
    def kernel(self) -> int:
        return self.weight.shape[-1]

    @property
    def reach(self) -> int:
        """Samples to each side that it hears."""
        return self.dilation * (self.kernel - 1) // 2

    def __call__(self, x: Tensor) -> Tensor:
        if self.lengthens:
            return F.conv_transpose2d(x, self.weight, self.bias, (1, self.stride), (0, self.padding))
        return F.conv2d(x, self.weight, self.bias, (1, self.stride), (0, self.padding), (1, self.dilation))


Pairs = Sequence[tuple[Layer, Layer]]
"""The dilated convolutions of a residual block, and the one after each."""


@dataclass(frozen=True)
class Step:
    """The layers of one lengthening of the decoder."""

    up: Layer
    let_in: Layer
    blocks: Sequence[Pairs]

    @property
    def rate(self) -> int:
        """Samples that it makes of one."""
        return self.up.stride

    def before(self, reach: int) -> int:
        """How many samples to each side it must be given, so that `reach` of its own depend on no others."""
        heard = max(sum(wide.reach + near.reach for wide, near in pairs) for pairs in self.blocks)
        source = -(-self.let_in.kernel // self.let_in.stride)
        return -(-(reach + heard + source) // self.rate) - (-self.up.kernel // self.rate)

    def __call__(self, x: Tensor, source: Tensor) -> Tensor:
        """(b, c, 1, t), and the source of these samples (b, 1, 1, n) -> (b, c / 2, 1, t · rate)."""
        x = self.up(F.leaky_relu(x, SLOPE))
        x += self.let_in(source)
        active = F.leaky_relu(x, SLOPE)
        total = _resounded(self.blocks[0], x, active)
        for pairs in self.blocks[1:]:
            total += _resounded(pairs, x, active)
        return total.div_(len(self.blocks))


def in_blocks(steps: Sequence[Step], x: Tensor, source: Tensor, end: Layer, *, frames: int = FRAMES) -> Tensor:
    """The wave (b, 1, n) that all steps and the last convolution make of (b, c, t) and of the source (b, 1, n).

    The steps compute in the precision of their weights, the end in its own.
    """
    first, *others = steps
    dtype = first.up.weight.dtype
    source = source[:, :, None].to(dtype)
    x = first(x[:, :, None].to(dtype).contiguous(memory_format=torch.channels_last), source)
    below = prod(step.rate for step in others)
    margin = end.reach
    for step in reversed(others):
        margin = step.before(margin)
    made = []
    size = frames * first.rate
    for start in range(0, x.shape[-1], size):
        low, high = max(0, start - margin), min(start + size + margin, x.shape[-1])
        block, heard = x[..., low:high], source[..., low * below : high * below]
        for step in others:
            block = step(block, heard)
        wave = end(F.leaky_relu(block.to(end.weight.dtype), LAST_SLOPE)).tanh_()[:, :, 0]
        made.append(wave[..., (start - low) * below : (start + size - low) * below])
    return torch.cat(made, -1)


def _resounded(pairs: Pairs, x: Tensor, active: Tensor) -> Tensor:
    """What a residual block makes of x, whose activation is at hand."""
    for wide, near in pairs:
        beside = near(F.leaky_relu_(wide(active), SLOPE))
        x = beside.add_(x)
        active = F.leaky_relu(x, SLOPE)
    return x
