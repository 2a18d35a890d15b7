"""Gated dilated convolutions (WaveNet, van den Oord et al. 2016) that know the speaker.

b batch · c channels · t frames · g channels of the speaker's embedding
"""

import torch
from torch import Tensor, nn

from voicewright.engines.sovits.normed import NormedConv1d
from voicewright.engines.sovits.transformer import masked


class DepthwiseConv(nn.Module):
    """(b, c, t) -> (b, out, t): a convolution along time for each channel, then one across channels; far smaller."""

    def __init__(self, channels: int, out: int, kernel: int) -> None:
        super().__init__()
        self.depth_conv = NormedConv1d(channels, channels, kernel, padding=kernel // 2, groups=channels)
        self.point_conv = NormedConv1d(channels, out, 1)

    def forward(self, x: Tensor) -> Tensor:
        made: Tensor = self.point_conv(self.depth_conv(x))
        return made


class WaveNet(nn.Module):
    """(b, c, t) and the speaker (b, g, 1 or t) -> (b, c, t)."""

    def __init__(self, channels: int, kernel: int, layers: int, gin_channels: int, *, depthwise: bool = False) -> None:
        super().__init__()
        self.channels = channels
        self.in_layers = nn.ModuleList(
            DepthwiseConv(channels, 2 * channels, kernel)
            if depthwise
            else NormedConv1d(channels, 2 * channels, kernel, padding=kernel // 2)
            for _ in range(layers)
        )
        self.res_skip_layers = nn.ModuleList(
            NormedConv1d(channels, 2 * channels if index < layers - 1 else channels, 1) for index in range(layers)
        )
        self.cond_layer = NormedConv1d(gin_channels, 2 * channels * layers, 1)

    def forward(self, x: Tensor, mask: Tensor | None, g: Tensor) -> Tensor:
        speaker = self.cond_layer(g).chunk(len(self.in_layers), 1)
        skipped = torch.zeros_like(x)
        *before, last = zip(self.in_layers, self.res_skip_layers, speaker, strict=True)
        for enter, leave, condition in before:
            residual, skip = leave(gate(enter(x) + condition)).split(self.channels, 1)
            x = masked(x + residual, mask)
            skipped = skipped + skip
        enter, leave, condition = last
        return masked(skipped + leave(gate(enter(x) + condition)), mask)


def gate(x: Tensor) -> Tensor:
    """(b, 2 c, t) -> (b, c, t): tanh of the first half, let through by the sigmoid of the second."""
    content, gates = x.chunk(2, 1)
    return content.tanh() * gates.sigmoid()
