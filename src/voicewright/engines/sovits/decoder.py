"""The decoder of the family: HiFi-GAN (Kong et al. 2020) led by a source (Wang et al. 2019).

b batch · c channels · t frames · n samples · g channels of the speaker's embedding
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from voicewright.engines.sovits.blockwise import LAST_SLOPE, Layer, Step, in_blocks
from voicewright.engines.sovits.config import SovitsConfig
from voicewright.engines.sovits.istft import build_istft_decoder
from voicewright.engines.sovits.noise import Noise
from voicewright.engines.sovits.normed import NormedConv1d, NormedConvTranspose1d
from voicewright.engines.sovits.resblocks import SLOPE, ResBlock
from voicewright.engines.sovits.snake import AntiAliasedSnake, SnakeResBlock
from voicewright.engines.sovits.source import Source


def build_decoder(config: SovitsConfig) -> nn.Module:
    """The decoder that a network was made with: latents (b, c, t), pitch (b, t), speaker, noise -> wave (b, 1, n)."""
    if config.decoder == "nsf-hifigan":
        return HifiGanDecoder(config)
    if config.decoder == "nsf-snake-hifigan":
        return SnakeDecoder(config)
    return build_istft_decoder(config)


class SourceDecoder(nn.Module, ABC):
    """What the two decoders with a source have in common: steps that lengthen a frame and let the source in."""

    conv_post: NormedConv1d
    cond: nn.Conv1d

    def __init__(self, c: SovitsConfig) -> None:
        super().__init__()
        self.widths = [c.upsample_initial_channel >> step for step in range(len(c.upsample_rates) + 1)]
        self.m_source: Source = Source(c.rate, math.prod(c.upsample_rates))
        self.noise_convs = nn.ModuleList(_noise_convs(c, self.widths))
        self.conv_pre = NormedConv1d(c.inter_channels, self.widths[0], 7, padding=3)
        self.ups = nn.ModuleList(_ups(c, self.widths))
        self.resblocks = nn.ModuleList(
            self.block(width, kernel, dilations)
            for width in self.widths[1:]
            for kernel, dilations in zip(c.resblock_kernel_sizes, c.resblock_dilation_sizes, strict=True)
        )
        self.blocks_a_step = len(c.resblock_kernel_sizes)

    @abstractmethod
    def block(self, width: int, kernel: int, dilations: tuple[int, ...]) -> nn.Module:
        """A residual block of this family."""

    @abstractmethod
    def before_step(self, x: Tensor, step: int) -> Tensor:
        """The activation in front of a step."""

    @abstractmethod
    def before_end(self, x: Tensor) -> Tensor:
        """The activation in front of the last convolution."""

    def forward(self, z: Tensor, f0_hz: Tensor, g: Tensor, noise: Noise) -> Tensor:
        source = self.m_source(f0_hz, noise).to(z.dtype)
        x = self.conv_pre(z) + self.cond(g)
        for step, (up, let_in) in enumerate(zip(self.ups, self.noise_convs, strict=True)):
            x = up(self.before_step(x, step)) + let_in(source)
            blocks = self.resblocks[step * self.blocks_a_step : (step + 1) * self.blocks_a_step]
            total = blocks[0](x)
            for block in blocks[1:]:
                total = total + block(x)
            x = total / self.blocks_a_step
        return torch.tanh(self.conv_post(self.before_end(x)))


class HifiGanDecoder(SourceDecoder):
    """Latents (b, c, t), pitch (b, t) in Hz and the speaker (b, g, 1 or t) -> the wave (b, 1, n)."""

    def __init__(self, c: SovitsConfig) -> None:
        super().__init__(c)
        self.conv_post = NormedConv1d(self.widths[-1], 1, 7, padding=3)
        self.cond = nn.Conv1d(c.gin_channels, self.widths[0], 1)

    def forward(self, z: Tensor, f0_hz: Tensor, g: Tensor, noise: Noise) -> Tensor:
        """On a processor, and where nothing is learnt of it, in blocks: see there."""
        folded = "weight" in self.conv_pre._parameters
        if torch.is_grad_enabled() or z.device.type != "cpu" or not folded:
            return super().forward(z, f0_hz, g, noise)
        rough = torch.is_autocast_enabled("cpu")
        own = self.conv_pre.weight.dtype
        with torch.autocast("cpu", enabled=False):
            source = self.m_source(f0_hz.float(), noise).to(own)
            x = self.conv_pre(z.to(own)) + self.cond(g.to(own))
            steps = self.steps(torch.get_autocast_dtype("cpu") if rough else own)
            return in_blocks(steps, x, source, Layer.of(self.conv_post, own))

    def steps(self, dtype: torch.dtype) -> list[Step]:
        """The layers by step, in a precision."""
        pairs = [
            [(Layer.of(wide, dtype), Layer.of(near, dtype)) for wide, near in cast("ResBlock", block).pairs]
            for block in self.resblocks
        ]
        return [
            Step(
                Layer.of(cast("nn.ConvTranspose1d", up), dtype),
                Layer.of(cast("nn.Conv1d", let_in), dtype),
                pairs[step * self.blocks_a_step : (step + 1) * self.blocks_a_step],
            )
            for step, (up, let_in) in enumerate(zip(self.ups, self.noise_convs, strict=True))
        ]

    def block(self, width: int, kernel: int, dilations: tuple[int, ...]) -> nn.Module:
        return ResBlock(width, kernel, dilations)

    def before_step(self, x: Tensor, step: int) -> Tensor:
        return F.leaky_relu(x, SLOPE)

    def before_end(self, x: Tensor) -> Tensor:
        return F.leaky_relu(x, LAST_SLOPE)


class SnakeDecoder(SourceDecoder):
    """The same with periodic activations (BigVGAN, Lee et al. 2023)."""

    def __init__(self, c: SovitsConfig) -> None:
        super().__init__(c)
        self.snakes = nn.ModuleList(AntiAliasedSnake(width) for width in self.widths[:-1])
        self.conv_post = NormedConv1d(self.widths[-1], 1, 7, padding=3)
        self.snake_post = AntiAliasedSnake(self.widths[-1])
        self.cond = nn.Conv1d(c.gin_channels, self.widths[0], 1)

    def block(self, width: int, kernel: int, dilations: tuple[int, ...]) -> nn.Module:
        return SnakeResBlock(width, kernel, dilations)

    def before_step(self, x: Tensor, step: int) -> Tensor:
        made: Tensor = self.snakes[step](x)
        return made

    def before_end(self, x: Tensor) -> Tensor:
        made: Tensor = self.snake_post(x)
        return made


def _ups(c: SovitsConfig, widths: list[int]) -> Iterator[nn.Module]:
    for step, (rate, kernel) in enumerate(zip(c.upsample_rates, c.upsample_kernel_sizes, strict=True)):
        padding = _half(kernel - rate, c)
        yield NormedConvTranspose1d(widths[step], widths[step + 1], kernel, rate, padding)


def _noise_convs(c: SovitsConfig, widths: list[int]) -> Iterator[nn.Module]:
    """From the source's rate to that of each step."""
    for step, width in enumerate(widths[1:], 1):
        stride = math.prod(c.upsample_rates[step:])
        if step == len(c.upsample_rates):
            yield nn.Conv1d(1, width, 1)
        else:
            yield nn.Conv1d(1, width, 2 * stride, stride, _half(stride, c))


def _half(samples: int, c: SovitsConfig) -> int:
    """What 4.1 rounds up and its predecessors round down."""
    return (samples + 1) // 2 if c.dialect == "upstream" else samples // 2
