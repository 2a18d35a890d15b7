"""Mel spectrograms in numpy, with every convention said.

f frames · k frequencies · m mel bins · t samples
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from voicewright.audio.clip import Clip
from voicewright.errors import BadClip, BadSetting

Spectrum = NDArray[np.float32]
BATCH_FRAMES = 4096  # at once, so that an hour of sound needs no hour of spectra in memory


@dataclass(frozen=True, kw_only=True)
class MelSpec:
    """Everything that tells one mel spectrogram from another."""

    rate: int
    """Samples per second of the clip."""
    n_fft: int
    """Samples of one Fourier transform."""
    hop_samples: int
    """Samples from one frame to the next."""
    bins: int
    """Mel bins."""
    win_samples: int | None = None
    """Length of the Hann window, centred in the transform; None: `n_fft`."""
    low_hz: float = 0.0
    """Lower edge of the lowest bin."""
    high_hz: float | None = None
    """Upper edge of the highest bin; None: half the rate."""
    scale: Literal["slaney", "htk"] = "slaney"
    """slaney: linear to 1 kHz, then logarithmic (Auditory Toolbox, 1998). htk: 2595 log10(1 + f/700)."""
    equal_area: bool = True
    """Each triangle is divided by its width, so that bins weigh the same (Slaney); else its top is 1 (HTK)."""
    power: float = 2.0
    """Exponent of the magnitude before the bins: 1 amplitude, 2 power."""
    log: Literal["none", "natural", "log10"] = "none"
    """Logarithm of the bins."""
    floor: float = 1e-5
    """Smallest value before the logarithm."""
    centred: bool = True
    """Frame i is centred at i · hop, with `edge` beyond the ends; else it begins there."""
    edge: Literal["reflect", "constant"] = "constant"
    """What lies beyond the ends: the sound mirrored, or zeros."""

    def __post_init__(self) -> None:
        if min(self.rate, self.n_fft, self.hop_samples, self.bins) <= 0:
            raise BadSetting("rate, n_fft, hop_samples and bins of a mel spectrogram must be positive")
        if not 0 < self.window_samples <= self.n_fft:
            raise BadSetting(f"win_samples must be within 1 and n_fft = {self.n_fft}, got {self.win_samples}")
        if not 0 <= self.low_hz < self.top_hz <= self.rate / 2:
            raise BadSetting(f"need 0 ≤ low_hz < high_hz ≤ {self.rate / 2:g}, got {self.low_hz:g} and {self.top_hz:g}")

    @property
    def window_samples(self) -> int:
        return self.n_fft if self.win_samples is None else self.win_samples

    @property
    def top_hz(self) -> float:
        return self.rate / 2 if self.high_hz is None else self.high_hz

    @property
    def frames_per_second(self) -> float:
        return self.rate / self.hop_samples

    @property
    def hop_s(self) -> float:
        return self.hop_samples / self.rate

    def frames_of(self, samples: int) -> int:
        """How many frames a clip of that many samples has."""
        whole = samples + 2 * (self.n_fft // 2) * self.centred
        return 0 if not samples or whole < self.n_fft else 1 + (whole - self.n_fft) // self.hop_samples


# The front end of the GE2E speaker encoder (Resemblyzer, Real-Time-Voice-Cloning: librosa's defaults at 25/10 ms).
GE2E_MEL = MelSpec(rate=16_000, n_fft=400, hop_samples=160, bins=40)


def to_mel(hz: NDArray[np.float64], scale: Literal["slaney", "htk"]) -> NDArray[np.float64]:
    """Frequencies in Hz on the mel scale."""
    if scale == "htk":
        return 2595.0 * np.log10(1.0 + hz / 700.0)
    octaves = np.log(np.maximum(hz, SLANEY_KNEE_HZ) / SLANEY_KNEE_HZ) / SLANEY_STEP
    return np.where(hz < SLANEY_KNEE_HZ, hz / SLANEY_HZ, SLANEY_KNEE_HZ / SLANEY_HZ + octaves)


def to_hz(mel: NDArray[np.float64], scale: Literal["slaney", "htk"]) -> NDArray[np.float64]:
    """The inverse of `to_mel`."""
    if scale == "htk":
        return 700.0 * (10.0 ** (mel / 2595.0) - 1.0)
    knee = SLANEY_KNEE_HZ / SLANEY_HZ
    above = SLANEY_KNEE_HZ * np.exp(SLANEY_STEP * (np.maximum(mel, knee) - knee))
    return np.where(mel < knee, mel * SLANEY_HZ, above)


# M. Slaney, Auditory Toolbox (1998): 3 mel per 200 Hz up to 1 kHz, then 27 steps for a factor of 6.4.
SLANEY_HZ, SLANEY_KNEE_HZ, SLANEY_STEP = 200.0 / 3.0, 1000.0, float(np.log(6.4)) / 27.0


def filterbank(spec: MelSpec) -> NDArray[np.float64]:
    """(m, k) weights of the k = n_fft // 2 + 1 frequencies in each mel bin: overlapping triangles."""
    ends = to_mel(np.array([spec.low_hz, spec.top_hz]), spec.scale)
    corners = to_hz(np.linspace(ends[0], ends[1], spec.bins + 2), spec.scale)
    hz = np.fft.rfftfreq(spec.n_fft, 1 / spec.rate)
    low, centre, high = (corners[i : i + spec.bins, None] for i in range(3))
    weights = np.maximum(0.0, np.minimum((hz - low) / (centre - low), (high - hz) / (high - centre)))
    return weights * (2.0 / (high - low)) if spec.equal_area else weights


def mel(clip: Clip, spec: MelSpec) -> Spectrum:
    """(f, m) mel spectrogram of a clip, computed in float64.

    Raises:
        BadClip: the clip has another rate than the spec, or is too short to be mirrored at its ends.
    """
    if clip.rate != spec.rate:
        raise BadClip(f"this mel spectrogram is of clips at {spec.rate} Hz, got one at {clip.rate} Hz; resample it")
    count = spec.frames_of(len(clip))
    if not count:
        return np.zeros((0, spec.bins), np.float32)
    samples = _with_edges(clip, spec)
    window, weights = _window(spec), filterbank(spec).T
    result = np.zeros((count, spec.bins), np.float32)
    frames = np.lib.stride_tricks.sliding_window_view(samples, spec.n_fft)[:: spec.hop_samples]
    for start in range(0, count, BATCH_FRAMES):
        magnitude = np.abs(np.fft.rfft(frames[start : start + BATCH_FRAMES].astype(np.float64) * window))
        result[start : start + BATCH_FRAMES] = _logarithm(magnitude**spec.power @ weights, spec)
    return result


def _with_edges(clip: Clip, spec: MelSpec) -> NDArray[np.float32]:
    beyond = spec.n_fft // 2 * spec.centred
    if spec.edge == "reflect" and beyond and len(clip) <= beyond:
        raise BadClip(f"a clip of {len(clip)} samples is too short for a frame of {spec.n_fft}; give a longer one")
    return np.pad(clip.samples, beyond, mode=spec.edge)


def _window(spec: MelSpec) -> NDArray[np.float64]:
    """(n_fft,) periodic Hann window in the middle of zeros."""
    size = spec.window_samples
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)
    before = (spec.n_fft - size) // 2
    return np.pad(hann, (before, spec.n_fft - size - before))


def _logarithm(bins: NDArray[np.float64], spec: MelSpec) -> NDArray[np.float64]:
    if spec.log == "none":
        return bins
    floored = np.maximum(bins, spec.floor)
    return np.log(floored) if spec.log == "natural" else np.log10(floored)
