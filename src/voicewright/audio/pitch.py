"""How high a voice is, over time. Several methods, one result.

f frames · t samples
"""

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from voicewright.audio.clip import Clip
from voicewright.audio.edit import resample
from voicewright.audio.onnx import open_network
from voicewright.errors import BadSetting, BadWeights

LOW_HZ, HIGH_HZ = 50.0, 1600.0  # from a deep speaking voice with creak to a soprano's high notes (G6)

# Name → method; a method that needs a model file takes it as its first argument.
TRACKERS: Mapping[str, str] = {
    "swift": "voicewright.audio.pitch:SwiftPitch",
    "yin": "voicewright.audio.yin:YinPitch",
    "harvest": "voicewright.audio.world:HarvestPitch",
    "dio": "voicewright.audio.world:DioPitch",
    "crepe": "voicewright.nn.crepe:CrepePitch",
    "crepe-tiny": "voicewright.nn.crepe:CrepePitch",
    "rmvpe": "voicewright.audio.rmvpe:RmvpePitch",
}
NEED_MODEL = frozenset({"swift", "crepe", "crepe-tiny", "rmvpe"})
_PRAAT = "Praat's method comes in a package under the GPL, and is not here; harvest or swift serve instead"
NOT_HERE: Mapping[str, str] = {
    "pm": _PRAAT,
    "parselmouth": _PRAAT,
    "fcpe": "its package (torchfcpe) needs torchaudio, and is not here; rmvpe:FILE or swift serve instead",
}
"""Trackers of so-vits-svc that we leave out, and why."""


@dataclass(frozen=True, eq=False, slots=True)
class Pitch:
    """A pitch track; frame i describes the sound around i · hop_s.

    Args:
        f0_hz: (f,) fundamental frequency, 0 where there is no voice.
        confidence: (f,) how sure the method is that there is a voice of that pitch, 0 to 1.
        hop_s: seconds from one frame to the next.
    """

    f0_hz: NDArray[np.float32]
    confidence: NDArray[np.float32]
    hop_s: float

    @property
    def voiced(self) -> NDArray[np.bool_]:
        """(f,) where there is a voice."""
        return self.f0_hz > 0

    @property
    def median_hz(self) -> float:
        """The usual pitch; NaN where nothing is voiced."""
        return float(np.median(self.f0_hz[self.voiced])) if self.voiced.any() else float("nan")

    @property
    def range_semitones(self) -> float:
        """Between the lowest and the highest twentieth of the voiced frames; 0 where nothing is voiced."""
        if not self.voiced.any():
            return 0.0
        low, high = np.percentile(self.f0_hz[self.voiced], [5, 95])
        return float(12 * np.log2(high / low))

    @property
    def seconds(self) -> float:
        """How long the sound is that the track describes, to the nearest frame."""
        return len(self.f0_hz) * self.hop_s

    def transposed(self, semitones: float) -> "Pitch":
        """The same track higher (> 0) or lower; what is unvoiced stays so.

        Raises:
            BadSetting: not a finite number.
        """
        if not np.isfinite(semitones):
            raise BadSetting(f"a transposition is a number of semitones, got {semitones}")
        return Pitch(self.f0_hz * np.float32(2 ** (semitones / 12)), self.confidence, self.hop_s)

    def between(self, start_s: float, end_s: float) -> "Pitch":
        """The track of the part of the sound from `start_s` to `end_s`, both cut to the track and to whole frames."""
        start, end = (max(0, round(at_s / self.hop_s)) for at_s in (start_s, end_s))
        return Pitch(self.f0_hz[start:end], self.confidence[start:end], self.hop_s)

    def resampled(self, frames_per_second: float) -> "Pitch":
        """The same track at another frame rate, as long in seconds to the nearest frame.

        Between two voiced frames pitch is interpolated in semitones; elsewhere the nearest frame decides,
        so no glide runs through a pause.

        Raises:
            BadSetting: a frame rate that is not positive.
        """
        if frames_per_second <= 0:
            raise BadSetting(f"frames per second must be positive, got {frames_per_second}")
        count = round(len(self.f0_hz) * self.hop_s * frames_per_second)
        if not len(self.f0_hz) or not count:
            return Pitch(np.zeros(count, np.float32), np.zeros(count, np.float32), 1 / frames_per_second)
        at = np.minimum(np.arange(count) / frames_per_second / self.hop_s, len(self.f0_hz) - 1)
        before = np.floor(at).astype(int)
        after = np.minimum(before + 1, len(self.f0_hz) - 1)
        between = self.voiced[before] & self.voiced[after]
        octaves = np.log2(np.where(self.voiced, self.f0_hz, 1.0))
        glide = 2 ** (octaves[before] + (at - before) * (octaves[after] - octaves[before]))
        nearest = self.f0_hz[np.floor(at + 0.5).astype(int)]
        confidence = np.interp(at, np.arange(len(self.f0_hz)), self.confidence)
        return Pitch(
            np.where(between, glide, nearest).astype(np.float32), confidence.astype(np.float32), 1 / frames_per_second
        )


class PitchTracker(Protocol):
    """A method that finds the pitch in clips of any rate and length."""

    def track(self, clip: Clip) -> Pitch: ...


def find_tracker(
    name: str, model: Path | None = None, *, low_hz: float = LOW_HZ, high_hz: float = HIGH_HZ
) -> PitchTracker:
    """A pitch tracker by name: swift is the usual choice; yin needs no model, harvest and dio need pyworld; crepe is
    slow and robust, crepe-tiny quicker; rmvpe hears a voice among instruments.

    Args:
        model: the network's file, for a method that has one (`NEED_MODEL`).
        low_hz, high_hz: the range in which to look.

    Raises:
        BadSetting: an unknown name, a model missing or given where there is none, or an impossible range.
        BadWeights: the model file is not that network.
        MissingExtra: the method's package is not installed.
    """
    if name in NOT_HERE:
        raise BadSetting(f"no pitch tracker {name!r}: {NOT_HERE[name]}")
    if name not in TRACKERS:
        near = get_close_matches(name, TRACKERS, n=1)
        hint = f", did you mean {near[0]!r}?" if near else ""
        raise BadSetting(f"no pitch tracker {name!r}{hint} There are: {', '.join(TRACKERS)}")
    if (name in NEED_MODEL) != (model is not None):
        raise BadSetting(f"the pitch tracker {name!r} {'needs its' if name in NEED_MODEL else 'has no'} model file")
    module, _, attribute = TRACKERS[name].partition(":")
    method = getattr(import_module(module), attribute)
    given = () if model is None else (model,)
    tracker: PitchTracker = method(*given, low_hz=low_hz, high_hz=high_hz)
    return tracker


def check_range(low_hz: float, high_hz: float, lowest_hz: float, highest_hz: float) -> None:
    """Pass if lowest ≤ low < high ≤ highest.

    Raises:
        BadSetting: otherwise.
    """
    if not lowest_hz <= low_hz < high_hz <= highest_hz:
        raise BadSetting(
            f"this pitch tracker looks between {lowest_hz:g} and {highest_hz:g} Hz, got {low_hz:g} to {high_hz:g}"
        )


class SwiftPitch:
    """Pitch by SwiftF0 (Nieradzik 2025, package swift-f0, MIT): a small network, 16 ms frames, one thread.

    Args:
        model: the file `model.onnx` of the package swift_f0.
        low_hz, high_hz: the range in which to look, within 46.875 to 2093.75 Hz.
        sure: confidence from which a frame counts as voiced; the network is calibrated to 0.5.

    Raises:
        BadWeights: the file is missing or not that network.
        BadSetting: the range reaches beyond the network's.
    """

    _RATE, _HOP = 16_000, 256
    # A frame depends on 2815 samples to each side: 11 frames before it, 10 after its own hop.
    _BEFORE, _AFTER = 11, 10
    _FRAMES = 1875  # at once: 30 s
    _SILENT = 1e-3  # digital near-silence is unknown to the network, and it answers with random pitches

    def __init__(self, model: Path, *, low_hz: float = LOW_HZ, high_hz: float = HIGH_HZ, sure: float = 0.5) -> None:
        check_range(low_hz, high_hz, 46.875, 2093.75)
        self._low_hz, self._high_hz, self._sure = low_hz, high_hz, sure
        self._session = open_network(model, "the SwiftF0 pitch network")
        names = {given.name for given in self._session.get_inputs()}
        if names != {"audio", "fmin", "fmax"}:
            raise BadWeights(f"{model} is another network (inputs {sorted(names)}); swift_f0's model.onnx is needed")

    def track(self, clip: Clip) -> Pitch:
        """(f,) one frame for every 16 ms."""
        samples = resample(clip, self._RATE).samples
        count = len(samples) // self._HOP or min(1, len(samples))
        f0_hz, confidence = np.zeros(count, np.float32), np.zeros(count, np.float32)
        for start in range(0, count, self._FRAMES):
            end = min(start + self._FRAMES, count)
            first = max(0, start - self._BEFORE)
            last = len(samples) if end == count else (end + self._AFTER) * self._HOP
            feed = {
                "audio": samples[None, first * self._HOP : last],
                "fmin": np.array(self._low_hz, np.float32),
                "fmax": np.array(self._high_hz, np.float32),
            }
            found_hz, found_sure = self._session.run(["pitch", "confidence"], feed)
            f0_hz[start:end] = found_hz[0, start - first : end - first]
            confidence[start:end] = found_sure[0, start - first : end - first]
        confidence[self._silent(samples, count)] = 0.0
        return Pitch(np.where(confidence >= self._sure, f0_hz, np.float32(0)), confidence, self._HOP / self._RATE)

    def _silent(self, samples: NDArray[np.float32], count: int) -> NDArray[np.bool_]:
        hops = samples[: count * self._HOP]
        peaks = np.abs(np.pad(hops, (0, count * self._HOP - len(hops)))).reshape(count, self._HOP)
        silent: NDArray[np.bool_] = peaks.max(axis=1, initial=0.0) < self._SILENT
        return silent
