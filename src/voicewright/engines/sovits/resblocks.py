"""Residual blocks of HiFi-GAN (Kong et al. 2020): dilated convolutions, each beside a shortcut. b batch · c · t"""

from collections.abc import Iterator
from typing import cast

from torch import Tensor, nn
from torch.nn import functional as F

from voicewright.engines.sovits.normed import NormedConv1d

SLOPE = 0.1


class ResBlock(nn.Module):
    """(b, c, t) -> the same."""

    def __init__(self, channels: int, kernel: int, dilations: tuple[int, ...]) -> None:
        super().__init__()
        self.convs1 = nn.ModuleList(
            NormedConv1d(channels, channels, kernel, dilation=d, padding=(kernel - 1) * d // 2) for d in dilations
        )
        self.convs2 = nn.ModuleList(
            NormedConv1d(channels, channels, kernel, padding=(kernel - 1) // 2) for _ in dilations
        )

    @property
    def pairs(self) -> Iterator[tuple[nn.Conv1d, nn.Conv1d]]:
        """Each dilated convolution and the one after it."""
        for wide, near in zip(self.convs1, self.convs2, strict=True):
            yield cast("nn.Conv1d", wide), cast("nn.Conv1d", near)

    def forward(self, x: Tensor) -> Tensor:
        for wide, near in self.pairs:
            x = x + near(F.leaky_relu(wide(F.leaky_relu(x, SLOPE)), SLOPE))
        return x
