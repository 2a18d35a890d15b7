"""`Pqmf`: a signal in bands of equal width, each at its share of the rate, and back (pseudo-QMF, Nguyen 1994).

b batch · k bands · n samples
"""

from math import pi

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Pqmf(nn.Module):
    """Analysis into and synthesis out of `bands` bands. Nothing in it learns, and nothing of it is saved.

    Args:
        taps: length of the filters less one.
        cutoff: of the prototype low-pass, as a share of half the rate.
        beta: of its Kaiser window.
    """

    analysis_filter: Tensor
    synthesis_filter: Tensor

    def __init__(self, bands: int = 4, taps: int = 62, cutoff: float = 0.15, beta: float = 9.0) -> None:
        super().__init__()
        self.bands, self.padding = bands, taps // 2
        at = np.arange(taps + 1) - taps / 2
        prototype = cutoff * np.sinc(cutoff * at) * np.kaiser(taps + 1, beta)
        band = np.arange(bands)[:, None]
        # Half a sample beside the prototype's middle, as in the Parallel WaveGAN release that models were trained with.
        carrier = (2 * band + 1) * pi / (2 * bands) * (at + 0.5)
        turned = (-1.0) ** band * pi / 4
        analysis, synthesis = (2 * prototype * np.cos(carrier + sign * turned) for sign in (1, -1))
        self.register_buffer("analysis_filter", _tensor(analysis)[:, None], persistent=False)  # (k, 1, taps + 1)
        self.register_buffer("synthesis_filter", _tensor(synthesis)[None], persistent=False)  # (1, k, taps + 1)

    def analysis(self, x: Tensor) -> Tensor:
        """(b, 1, n) → (b, k, n / k)"""
        split: Tensor = F.conv1d(x, self.analysis_filter, stride=self.bands, padding=self.padding)
        return split

    def synthesis(self, bands: Tensor) -> Tensor:
        """(b, k, n / k) → (b, 1, n)"""
        return F.conv1d(spread_out(bands, self.bands) * self.bands, self.synthesis_filter, padding=self.padding)


def spread_out(x: Tensor, times: int) -> Tensor:
    """`times` as long, with zeros behind every number: (b, k, n) → (b, k, n · times)."""
    return F.pad(x[..., None], (0, times - 1)).flatten(-2)


def _tensor(values: "np.ndarray[tuple[int, ...], np.dtype[np.float64]]") -> Tensor:
    return torch.from_numpy(values.astype(np.float32))
