"""Periodic activations that do not alias (BigVGAN, Lee et al. 2023): at twice the rate, between two low-pass filters.

b batch · c channels · t samples
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from voicewright.engines.sovits.normed import NormedConv1d

TAPS = 12


def low_pass() -> Tensor:
    """(1, 1, 12): a windowed sinc that keeps the lower half of what a doubled rate can hold; it sums to 1.

    Kaiser's window for a transition of 0.6 of the band, by his own formula for its shape.
    """
    attenuation_db = 2.285 * (TAPS // 2 - 1) * math.pi * 4 * 0.3 + 7.95
    shape = 0.1102 * (attenuation_db - 8.7)
    window = torch.kaiser_window(TAPS, beta=shape, periodic=False)
    taps = window * torch.sinc((torch.arange(TAPS) - TAPS / 2 + 0.5) / 2)
    return (taps / taps.sum())[None, None]


class LowPass(nn.Module):
    """Holds the filter, under the name that it has in published files."""

    filter: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("filter", low_pass())


class Doubled(LowPass):
    """(b, c, t) -> (b, c, 2 t), the first and last sample held beyond the ends."""

    def forward(self, x: Tensor) -> Tensor:
        b, c, t = x.shape
        odd, even = self.filter[0, :, 1::2].flip(1), self.filter[0, :, ::2].flip(1)
        phases = 2 * torch.stack([F.pad(odd, (0, 1)), F.pad(even, (1, 0))])  # (2, 1, 7)
        pairs = F.conv1d(F.pad(x.reshape(b * c, 1, t), (3, 3), mode="replicate"), phases.to(x.dtype))
        return pairs.transpose(1, 2).reshape(b, c, 2 * t)


class Halved(nn.Module):
    """(b, c, 2 t) -> (b, c, t), the first and last sample held beyond the ends."""

    def __init__(self) -> None:
        super().__init__()
        self.lowpass = LowPass()

    def forward(self, x: Tensor) -> Tensor:
        b, c, t = x.shape
        held = F.pad(x.reshape(b * c, 1, t), (TAPS // 2 - 1, TAPS // 2), mode="replicate")
        return F.conv1d(held, self.lowpass.filter.to(x.dtype), stride=2).view(b, c, t // 2)


class Snake(nn.Module):
    """(b, c, t) -> x + sin²(αx) / β, with α and β for each channel, learnt as logarithms."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.alpha = nn.Parameter(torch.zeros(channels))
        self.beta = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        turned = torch.sin(x * self.alpha.exp()[:, None])
        return torch.addcmul(x, turned.square(), 1 / (self.beta.exp()[:, None] + 1e-9))


class AntiAliasedSnake(nn.Module):
    """(b, c, t) -> the same."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.act = Snake(channels)
        self.upsample = Doubled()
        self.downsample = Halved()

    def forward(self, x: Tensor) -> Tensor:
        made: Tensor = self.downsample(self.act(self.upsample(x)))
        return made


class SnakeResBlock(nn.Module):
    """(b, c, t) -> the same: as `ResBlock`, with an activation of its own in front of every convolution."""

    def __init__(self, channels: int, kernel: int, dilations: tuple[int, ...]) -> None:
        super().__init__()
        self.convs1 = nn.ModuleList(
            NormedConv1d(channels, channels, kernel, dilation=d, padding=(kernel - 1) * d // 2) for d in dilations
        )
        self.convs2 = nn.ModuleList(
            NormedConv1d(channels, channels, kernel, padding=(kernel - 1) // 2) for _ in dilations
        )
        self.activations = nn.ModuleList(AntiAliasedSnake(channels) for _ in range(2 * len(dilations)))

    def forward(self, x: Tensor) -> Tensor:
        steps = zip(self.activations[::2], self.convs1, self.activations[1::2], self.convs2, strict=True)
        for first, wide, second, near in steps:
            x = x + near(second(wide(first(x))))
        return x
