"""Discriminators: one hears the wave at once, the others hear it folded at prime periods (HiFi-GAN, Kong et al. 2020).

b batch · n samples · k judgements · c channels

Layers, strides and names are those of the published `D_*.pth`, so that these load strictly.
"""

from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn import functional as F

from voicewright.engines.sovits.normed import NormedConv1d, NormedConv2d

Judged = tuple[list[Tensor], list[list[Tensor]]]
"""Of each discriminator its judgements (b, k), and what every layer of it made, the last being the judgements."""
SLOPE = 0.1
PERIOD_KERNEL, PERIOD_STRIDE, LAST_KERNEL = 5, 3, 3


@dataclass(frozen=True, slots=True)
class ScaleLayer:
    """One convolution over the wave; it is padded by half its kernel."""

    made: int
    """Channels that it makes."""
    kernel: int
    stride: int = 1
    groups: int = 1


@dataclass(frozen=True, kw_only=True)
class DiscriminatorConfig:
    """How wide the discriminators are; the published ones by default."""

    scale: tuple[ScaleLayer, ...] = (
        ScaleLayer(16, 15),
        ScaleLayer(64, 41, 4, 4),
        ScaleLayer(256, 41, 4, 16),
        ScaleLayer(1024, 41, 4, 64),
        ScaleLayer(1024, 41, 4, 256),
        ScaleLayer(1024, 5),
    )
    period_channels: tuple[int, ...] = (32, 128, 512, 1024, 1024)
    periods: tuple[int, ...] = (2, 3, 5, 7, 11)

    @classmethod
    def tiny(cls) -> "DiscriminatorConfig":
        """A twin in miniature."""
        return cls(scale=(ScaleLayer(4, 15), ScaleLayer(8, 41, 4, 4)), period_channels=(4, 8), periods=(2, 3))


class Discriminator(nn.Module):
    """All of them. `forward` gives what they say of one batch of waves."""

    def __init__(self, config: DiscriminatorConfig | None = None) -> None:
        super().__init__()
        config = config or DiscriminatorConfig()
        self.discriminators = nn.ModuleList([WaveDiscriminator(config.scale)])
        self.discriminators.extend(PeriodDiscriminator(period, config.period_channels) for period in config.periods)

    def forward(self, wave: Tensor) -> Judged:
        """(b, 1, n), as long as the longest period at least."""
        heard = [discriminator(wave) for discriminator in self.discriminators]
        return [logits for logits, _ in heard], [features for _, features in heard]


class ScaleDiscriminators(nn.Module):
    """MelGAN's three (Kumar et al. 2019), at the wave's rate, half and a quarter of it, the first of them under
    spectral norm. The original has them and never trained with them; here they are for files that hold them."""

    def __init__(self, config: DiscriminatorConfig | None = None) -> None:
        super().__init__()
        scale = (config or DiscriminatorConfig()).scale
        self.discriminators = nn.ModuleList(WaveDiscriminator(scale, spectral=not number) for number in range(3))

    def forward(self, wave: Tensor) -> Judged:
        """(b, 1, n)"""
        logits, features = [], []
        for number, discriminator in enumerate(self.discriminators):
            wave = F.avg_pool1d(wave, 4, 2, padding=2) if number else wave
            judged, layers = discriminator(wave)
            logits.append(judged)
            features.append(layers)
        return logits, features


class WaveDiscriminator(nn.Module):
    """Strided convolutions over the wave, under weight norm, or under spectral norm."""

    def __init__(self, layers: tuple[ScaleLayer, ...], *, spectral: bool = False) -> None:
        super().__init__()
        kind = _spectral if spectral else NormedConv1d
        taken = 1
        self.convs = nn.ModuleList()
        for each in layers:
            self.convs.append(
                kind(taken, each.made, each.kernel, stride=each.stride, padding=each.kernel // 2, groups=each.groups)
            )
            taken = each.made
        self.conv_post = kind(taken, 1, LAST_KERNEL, padding=LAST_KERNEL // 2)

    def forward(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        return _through(self.convs, self.conv_post, x)


class PeriodDiscriminator(nn.Module):
    """The wave in rows of `period` samples; convolutions run down the columns."""

    def __init__(self, period: int, channels: tuple[int, ...]) -> None:
        super().__init__()
        self.period = period
        kernel, half, last = (PERIOD_KERNEL, 1), (PERIOD_KERNEL // 2, 0), len(channels) - 1
        self.convs = nn.ModuleList(
            NormedConv2d(taken, made, kernel, (PERIOD_STRIDE if number < last else 1, 1), half)
            for number, (taken, made) in enumerate(zip((1, *channels), channels, strict=False))
        )
        self.conv_post = NormedConv2d(channels[-1], 1, (LAST_KERNEL, 1), padding=(LAST_KERNEL // 2, 0))

    def forward(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        missing = -x.shape[-1] % self.period
        x = F.pad(x, (0, missing), "reflect") if missing else x
        return _through(self.convs, self.conv_post, x.reshape(*x.shape[:-1], -1, self.period))


def _spectral(*args: int, **kwargs: int) -> nn.Module:
    return nn.utils.spectral_norm(nn.Conv1d(*args, **kwargs))  # type: ignore[arg-type]


def _through(convs: nn.ModuleList, last: nn.Module, x: Tensor) -> tuple[Tensor, list[Tensor]]:
    features = []
    for conv in convs:
        x = F.leaky_relu(conv(x), SLOPE)
        features.append(x)
    x = last(x)
    return x.flatten(1), [*features, x]
