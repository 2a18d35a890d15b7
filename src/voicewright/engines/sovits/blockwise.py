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

from voicewright.engines.sovits.resblocks import SLOPE, ResBlock

FRAMES = 64
"""At once: 2 MB in each of the wide steps."""
LAST_SLOPE = 0.01


@dataclass(frozen=True)
class Step:
    """The layers of one lengthening of the decoder."""

    up: nn.ConvTranspose1d
    let_in: nn.Conv1d
    blocks: Sequence[ResBlock]

    @property
    def rate(self) -> int:
        """Samples that it makes of one."""
        return self.up.stride[0]

    @property
    def whole(self) -> bool:
        """Whether its layers are folded, and it makes exactly `rate` of each sample."""
        return "weight" in self.up._parameters and self.up.kernel_size[0] - self.rate == 2 * _padding(self.up)

    def before(self, reach: int) -> int:
        """How many samples to each side it must be given, so that `reach` of its own depend on no others."""
        heard = max(sum(_reach(wide) + _reach(near) for wide, near in block.pairs) for block in self.blocks)
        source = -(-self.let_in.kernel_size[0] // self.let_in.stride[0])
        return -(-(reach + heard + source) // self.rate) - (-self.up.kernel_size[0] // self.rate)

    def __call__(self, x: Tensor, source: Tensor) -> Tensor:
        """(b, c, 1, t), and the source of these samples (b, 1, 1, n) -> (b, c / 2, 1, t · rate)."""
        x = _lengthened(self.up, F.leaky_relu(x, SLOPE))
        x += _convolved(self.let_in, source)
        active = F.leaky_relu(x, SLOPE)
        total = _resounded(self.blocks[0], x, active)
        for block in self.blocks[1:]:
            total += _resounded(block, x, active)
        return total.div_(len(self.blocks))


def in_blocks(steps: Sequence[Step], x: Tensor, source: Tensor, end: nn.Conv1d, *, frames: int = FRAMES) -> Tensor:
    """The wave (b, 1, n) that all steps and the last convolution make of (b, c, t) and of the source (b, 1, n)."""
    first, *others = steps
    source = source[:, :, None]
    x = first(x[:, :, None].contiguous(memory_format=torch.channels_last), source)
    below = prod(step.rate for step in others)
    margin = _reach(end)
    for step in reversed(others):
        margin = step.before(margin)
    made = []
    size = frames * first.rate
    for start in range(0, x.shape[-1], size):
        low, high = max(0, start - margin), min(start + size + margin, x.shape[-1])
        block, heard = x[..., low:high], source[..., low * below : high * below]
        for step in others:
            block = step(block, heard)
        wave = _convolved(end, F.leaky_relu(block, LAST_SLOPE)).tanh_()[:, :, 0]
        made.append(wave[..., (start - low) * below : (start + size - low) * below])
    return torch.cat(made, -1)


def _resounded(block: ResBlock, x: Tensor, active: Tensor) -> Tensor:
    """What a block makes of x, whose activation is at hand."""
    for wide, near in block.pairs:
        beside = _convolved(near, F.leaky_relu_(_convolved(wide, active), SLOPE))
        x = beside.add_(x)
        active = F.leaky_relu(x, SLOPE)
    return x


def _convolved(layer: nn.Conv1d, x: Tensor) -> Tensor:
    stride, dilation = (1, layer.stride[0]), (1, layer.dilation[0])
    return F.conv2d(x, layer.weight[:, :, None], layer.bias, stride, (0, _padding(layer)), dilation)


def _lengthened(layer: nn.ConvTranspose1d, x: Tensor) -> Tensor:
    return F.conv_transpose2d(x, layer.weight[:, :, None], layer.bias, (1, layer.stride[0]), (0, _padding(layer)))


def _padding(layer: nn.Conv1d | nn.ConvTranspose1d) -> int:
    return int(layer.padding[0])  # as a string it is for others


def _reach(layer: nn.Conv1d) -> int:
    """Samples to each side that a convolution hears."""
    return layer.dilation[0] * (layer.kernel_size[0] - 1) // 2
