"""Mel filter banks as plain numpy arrays. f FFT bins · m mel bins"""

import numpy as np
from numpy.typing import NDArray

Bank = NDArray[np.float32]


def slaney_filters(*, rate: int, n_fft: int, mels: int) -> Bank:
    """(m, n_fft // 2 + 1) triangles of equal area from 0 Hz to `rate` / 2, evenly spaced on Slaney's mel scale.

    The scale is linear below 1 kHz and logarithmic above (Slaney, Auditory Toolbox, 1998), the default of librosa.
    """
    bins_hz = np.linspace(0, rate / 2, n_fft // 2 + 1)
    edges_hz = _slaney_to_hz(np.linspace(0, _hz_to_slaney(rate / 2), mels + 2))
    rising = (bins_hz - edges_hz[:-2, None]) / np.diff(edges_hz)[:-1, None]
    falling = (edges_hz[2:, None] - bins_hz) / np.diff(edges_hz)[1:, None]
    triangles = np.maximum(0, np.minimum(rising, falling))
    bank: Bank = (triangles * (2 / (edges_hz[2:] - edges_hz[:-2]))[:, None]).astype(np.float32)
    return bank


def kaldi_filters(*, rate: int, n_fft: int, mels: int, low_hz: float, high_hz: float) -> Bank:
    """(m, n_fft // 2 + 1) triangles of equal height, straight-sided on the mel axis, as in Kaldi's feature extraction.

    Mel = 1127 · ln(1 + f / 700). The bin at `rate` / 2 belongs to no triangle.
    """
    bins = _hz_to_kaldi(np.linspace(0, rate / 2, n_fft // 2 + 1))
    edges = np.linspace(_hz_to_kaldi(np.array(low_hz)), _hz_to_kaldi(np.array(high_hz)), mels + 2)
    step = edges[1] - edges[0]
    bank: Bank = np.maximum(0, 1 - np.abs(bins - edges[1:-1, None]) / step).astype(np.float32)
    bank[:, -1] = 0
    return bank


def _hz_to_slaney(hz: float) -> float:
    return 15 + 27 * np.log(hz / 1000) / np.log(6.4) if hz >= 1000 else 3 * hz / 200


def _slaney_to_hz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(mel < 15, 200 * mel / 3, 1000 * 6.4 ** ((mel - 15) / 27))


def _hz_to_kaldi(hz: NDArray[np.float64]) -> NDArray[np.float64]:
    return 1127 * np.log1p(hz / 700)
