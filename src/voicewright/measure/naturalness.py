"""DNSMOS: how a listener would probably mark the sound, 1 to 5.

Reddy et al., "DNSMOS P.835", 2022 and "DNSMOS", 2021 (Microsoft). The networks' files, the 9.01 s window, its step of
1 s and the calibration polynomials are those of the DNS challenge; clean studio speech reaches about 3.4 overall.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from voicewright.audio.clip import Clip
from voicewright.audio.edit import resample
from voicewright.audio.mel import MelSpec, mel
from voicewright.errors import BadClip
from voicewright.measure.similarity import onnx_session

RATE = 16_000
WINDOW = 144_160
"""Samples the P.835 network hears at once: 9.01 s."""
P808_MEL = MelSpec(rate=RATE, n_fft=321, hop_samples=160, bins=120)
CALIBRATION = {  # from raw answers to the scale of the listening tests: a·x² + b·x + c
    "signal": (-0.08397278, 1.22083953, 0.0052439),
    "background": (-0.13166888, 1.60915514, -0.39604546),
    "overall": (-0.06766283, 1.11546468, 0.04602535),
}


@dataclass(frozen=True, slots=True)
class Marks:
    """Predicted opinions, each 1 (bad) to 5 (excellent)."""

    overall: float
    signal: float
    """The speech itself: distortion, artefacts."""
    background: float
    """What is heard beside the speech."""
    p808: float | None = None
    """Overall quality by the older network; None without its weights."""


class Dnsmos:
    """The networks, loaded.

    Args:
        primary: `sig_bak_ovr.onnx`.
        p808: `model_v8.onnx`.

    Raises: MissingWeights, BadWeights.
    """

    def __init__(self, primary: Path, p808: Path | None = None) -> None:
        self._primary = onnx_session(primary)
        self._p808 = onnx_session(p808) if p808 else None

    def score(self, clip: Clip, *, most_windows: int | None = None) -> Marks:
        """Marks of the clip, any rate; the mean over windows. A clip shorter than 9.01 s is repeated to fill one.

        Args:
            most_windows: hear at most so many (1 or more), evenly spread; None: one a second, as in the challenge.

        Raises: BadClip when it is empty.
        """
        if not len(clip):
            raise BadClip("an empty clip has no naturalness")
        samples = np.clip(resample(clip, RATE).samples, -1, 1)
        while len(samples) < WINDOW:
            samples = np.concatenate([samples, samples])
        # the challenge counts whole seconds, so the last window may begin up to a second before the last possible one
        starts = np.arange(max(1, int(len(samples) // RATE - WINDOW / RATE) + 1)) * RATE
        if most_windows is not None and most_windows < len(starts):
            starts = starts[np.linspace(0, len(starts) - 1, most_windows).round().astype(int)]
        windows = [samples[start : start + WINDOW] for start in starts]
        raw = np.mean([self._marks(window) for window in windows], axis=0)
        signal, background, overall = (float(value) for value in raw)
        p808 = float(np.mean([self._p808_mark(window) for window in windows])) if self._p808 else None
        return Marks(overall, signal, background, p808)

    def _marks(self, window: NDArray[np.float32]) -> NDArray[np.float64]:
        """(3,) calibrated signal, background and overall."""
        raw = self._primary.run(None, {"input_1": window[None]})[0][0]
        return np.array([np.polyval(curve, value) for curve, value in zip(CALIBRATION.values(), raw, strict=True)])

    def _p808_mark(self, window: NDArray[np.float32]) -> float:
        power = mel(Clip(window[:-160], RATE), P808_MEL)
        db = 10 * np.log10(np.maximum(power, 1e-10) / max(float(power.max()), 1e-10))
        features = ((np.maximum(db, -80) + 40) / 40).astype(np.float32)
        return float(self._p808.run(None, {"input_1": features[None]})[0][0, 0])  # type: ignore[union-attr]
