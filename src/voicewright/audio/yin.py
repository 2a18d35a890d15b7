"""Pitch by YIN, without a model.

A. de Cheveigné and H. Kawahara, "YIN, a fundamental frequency estimator for speech and music",
J. Acoust. Soc. Am. 111 (2002): equations (5) difference, (8) cumulative mean normalisation,
and its steps 4 (absolute threshold) and 5 (parabolic interpolation).

f frames · w window · k lags
"""

import numpy as np
from numpy.typing import NDArray

from voicewright.audio.clip import Clip
from voicewright.audio.edit import resample
from voicewright.audio.pitch import HIGH_HZ, LOW_HZ, Pitch, check_range

Frames = NDArray[np.float64]


class YinPitch:
    """Pitch by YIN: exact on clean voices, no model; noise and rooms cost it frames sooner than a network.

    Args:
        low_hz, high_hz: the range in which to look, within 30 to 2500 Hz.
        threshold: a lag whose normalised difference falls below this is a period (the paper: 0.1 to 0.15).
        voiced_below: a frame counts as voiced when its best lag falls below this.

    Raises:
        BadSetting: the range reaches too far.
    """

    _RATE = 24_000  # at 16 kHz a parabola through three lags is off by 10 cents at 1600 Hz, here by 2
    _HOP_S = 0.01
    _WINDOW_S = 0.025  # the paper's integration window
    _USUAL_HZ = 180.0  # frames are centred for the period of a usual voice; another pitch is heard ≤ 7 ms off
    _BATCH = 1024  # frames at once: 32 MB of spectra
    _SILENT_DB = -60.0  # below the loudest frame: hum and codec noise, however periodic

    def __init__(
        self,
        *,
        low_hz: float = LOW_HZ,
        high_hz: float = HIGH_HZ,
        threshold: float = 0.12,
        voiced_below: float = 0.2,
    ) -> None:
        check_range(low_hz, high_hz, 30.0, 2500.0)
        self._shortest = max(2, int(self._RATE / high_hz))
        self._longest = int(np.ceil(self._RATE / low_hz)) + 1
        self._low_hz, self._high_hz = low_hz, high_hz
        self._threshold, self._voiced_below = threshold, voiced_below

    def track(self, clip: Clip) -> Pitch:
        """(f,) one frame for every 10 ms."""
        samples = resample(clip, self._RATE).samples
        hop, window = round(self._HOP_S * self._RATE), round(self._WINDOW_S * self._RATE)
        span = window + self._longest
        count = -(-len(samples) // hop)
        padded = np.pad(samples, ((window + round(self._RATE / self._USUAL_HZ)) // 2, span))
        starts = np.arange(count) * hop
        f0_hz, aperiodic, power = (np.zeros(count, np.float64) for _ in range(3))
        for first in range(0, count, self._BATCH):
            rows = slice(first, min(first + self._BATCH, count))
            frames = padded[starts[rows, None] + np.arange(span)].astype(np.float64)
            power[rows] = np.mean(frames**2, axis=1)
            f0_hz[rows], aperiodic[rows] = self._periods(normalised_difference(frames, window, self._longest))
        audible = power > max(power.max(initial=0.0) * 10 ** (self._SILENT_DB / 10), 1e-12)
        voiced = audible & (aperiodic < self._voiced_below) & (f0_hz >= self._low_hz) & (f0_hz <= self._high_hz)
        confidence = np.where(audible, np.clip(1 - aperiodic, 0, 1), 0)
        return Pitch(np.where(voiced, f0_hz, 0).astype(np.float32), confidence.astype(np.float32), self._HOP_S)

    def _periods(self, difference: Frames) -> tuple[Frames, Frames]:
        """(f, k) → (f,) pitch in Hz and (f,) the normalised difference at its period."""
        rows = np.arange(len(difference))
        inner = difference[:, self._shortest : self._longest]
        dips = (inner <= difference[:, self._shortest - 1 : self._longest - 1]) & (
            inner < difference[:, self._shortest + 1 : self._longest + 1]
        )
        good = dips & (inner < self._threshold)
        lag = self._shortest + np.where(good.any(axis=1), good.argmax(axis=1), inner.argmin(axis=1))
        left, middle, right = (difference[rows, lag + step] for step in (-1, 0, 1))
        bend = left - 2 * middle + right
        shift = np.where(bend > 0, (left - right) / (2 * np.where(bend > 0, bend, 1)), 0)
        shift = np.clip(shift, -0.5, 0.5)
        return self._RATE / (lag + shift), middle - (left - right) * shift / 4


def normalised_difference(frames: Frames, window: int, longest: int) -> Frames:
    """(f, window + longest) samples → (f, longest + 1): equation (8) for lags 0 to `longest`; 1 at lag 0.

    A window is compared with its copy `lag` samples later, by way of the FFT.
    """
    size = 1 << (frames.shape[1] + longest).bit_length()
    later = np.fft.rfft(frames, size)
    now = np.fft.rfft(frames[:, :window], size)
    product = np.fft.irfft(later * now.conj(), size)[:, : longest + 1]
    energy = np.cumsum(np.pad(frames**2, ((0, 0), (1, 0))), axis=1)
    moved = energy[:, window : window + longest + 1] - energy[:, : longest + 1]
    difference = np.maximum(moved[:, :1] + moved - 2 * product, 0)
    total = np.cumsum(difference[:, 1:], axis=1)
    lags = np.arange(1, longest + 1)
    normalised = np.ones_like(difference)
    np.divide(difference[:, 1:] * lags, total, out=normalised[:, 1:], where=total > 0)
    return normalised
