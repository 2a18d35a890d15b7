"""24 kHz to 16 kHz inside the graph, so that a speaker encoder's gradient reaches the synthesiser."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F


class ToSixteen(nn.Module):
    """Windowed-sinc resampling by 2/3 (Kaiser window, stop band below -90 dB): (b, n) → (b, 2n/3)."""

    kernels: Tensor

    def __init__(self, zero_crossings: int = 24, beta: float = 9.0) -> None:
        super().__init__()
        reach = 3 * zero_crossings  # in samples at 48 kHz, the common multiple of both rates
        times = np.arange(-reach, reach + 1)
        sinc = 2 / 3 * np.sinc(times / 3) * np.kaiser(2 * reach + 1, beta)
        self.reach = reach // 2 + 2
        kernels = np.stack([_phase(sinc, reach, offset, self.reach) for offset in (0, 3)])
        self.register_buffer("kernels", torch.from_numpy(kernels).float().unsqueeze(1), persistent=False)

    def forward(self, wave: Tensor) -> Tensor:
        padded = F.pad(wave.unsqueeze(1), (self.reach, self.reach + 1))
        pairs = F.conv1d(padded, self.kernels, stride=3)  # (b, 2, n/3): outputs at 3m/2 input samples, m even and odd
        return pairs.transpose(1, 2).flatten(1)[:, : wave.shape[1] * 2 // 3]


def _phase(sinc: NDArray[np.float64], reach: int, offset: int, taps: int) -> NDArray[np.float64]:
    """Taps over input samples -taps … taps + 1 for an output that lies `offset` samples at 48 kHz behind the first."""
    places = offset - 2 * np.arange(-taps, taps + 2) + reach
    inside = (places >= 0) & (places < len(sinc))
    return np.where(inside, sinc[np.clip(places, 0, len(sinc) - 1)], 0.0)
