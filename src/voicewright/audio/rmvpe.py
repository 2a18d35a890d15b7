"""Pitch by RMVPE, a network that finds the singing voice in music.

H. Wei, X. Cao, T. Dan and Y. Chen, "RMVPE: a robust model for vocal pitch estimation in polyphonic music",
Interspeech 2023.

f frames · k bins · m mel bins
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from voicewright.audio.clip import Clip
from voicewright.audio.edit import resample
from voicewright.audio.mel import MelSpec, mel
from voicewright.audio.onnx import open_network
from voicewright.audio.pitch import HIGH_HZ, LOW_HZ, Pitch, check_range
from voicewright.audio.salience import BINS, HIGHEST_HZ, LOWEST_HZ, bin_range, local_average
from voicewright.errors import BadWeights

WHERE = (
    "rmvpe.onnx is published in the Hugging Face repository lj1995/VoiceConversionWebUI; fetch it yourself and name "
    "it: --pitch rmvpe:FILE"
)


class RmvpePitch:
    """Pitch by RMVPE, from an ONNX file: 10 ms frames, also with instruments behind the voice; a third of a gigabyte.

    Args:
        model: a network that turns (1, 128, f) log mels into (1, f, 360) saliences, such as rmvpe.onnx.
        low_hz, high_hz: the range in which to look, within 32.7 to 1975.5 Hz.
        sure: salience from which a frame counts as voiced; so-vits-svc takes 0.05, RVC 0.03.

    Raises:
        BadWeights: the file is missing or not such a network.
        BadSetting: the range reaches beyond the network's.
    """

    _SPEC = MelSpec(
        rate=16_000, n_fft=1024, hop_samples=160, bins=128, low_hz=30.0, high_hz=8000.0, scale="htk", power=1.0,
        log="natural", floor=1e-5, edge="reflect",
    )  # fmt: skip
    _PART, _CONTEXT = 3200, 96  # frames at once, and those heard on each side of them
    _MULTIPLE = 32  # five halvings in the network

    def __init__(self, model: Path, *, low_hz: float = LOW_HZ, high_hz: float = HIGH_HZ, sure: float = 0.05) -> None:
        check_range(low_hz, high_hz, LOWEST_HZ, HIGHEST_HZ)
        self._bins, self._sure = bin_range(low_hz, high_hz), sure
        self._low_hz, self._high_hz = low_hz, high_hz
        self._network = open_network(model, f"the pitch network RMVPE; {WHERE}", threads=0)
        self._input, *more = self._network.get_inputs()
        if more or len(self._input.shape) != 3 or self._input.shape[1] not in (self._SPEC.bins, None):
            shapes = [(given.name, given.shape) for given in self._network.get_inputs()]
            raise BadWeights(f"{model} is another network (inputs {shapes}); {WHERE}")

    def track(self, clip: Clip) -> Pitch:
        """(f,) one frame for every 10 ms."""
        samples = resample(clip, self._SPEC.rate).samples
        count = -(-len(samples) // self._SPEC.hop_samples)
        if not count:
            return Pitch(np.zeros(0, np.float32), np.zeros(0, np.float32), self._SPEC.hop_s)
        longer = np.pad(samples, (0, max(0, self._SPEC.n_fft - len(samples))))
        mels = mel(Clip(longer, self._SPEC.rate), self._SPEC)[:count]
        parts = [self._salience(mels, start) for start in range(0, count, self._PART)]
        salience = np.zeros((count, BINS), np.float32)
        salience[:, self._bins] = np.concatenate(parts)[:, self._bins]
        peaks = salience.argmax(axis=1)
        confidence = np.clip(salience[np.arange(count), peaks], 0, 1)
        f0_hz = np.clip(local_average(salience, peaks), self._low_hz, self._high_hz)
        return Pitch(np.where(confidence > self._sure, f0_hz, 0).astype(np.float32), confidence, self._SPEC.hop_s)

    def _salience(self, mels: NDArray[np.float32], start: int) -> NDArray[np.float32]:
        """(f, m) -> (up to `_PART`, k) of the frames from `start`."""
        end = min(start + self._PART, len(mels))
        first, last = max(0, start - self._CONTEXT), min(len(mels), end + self._CONTEXT)
        missing = -(last - first) % self._MULTIPLE
        heard = np.pad(mels[first:last], ((0, missing), (0, 0)), mode="symmetric")
        found = self._network.run(None, {self._input.name: np.ascontiguousarray(heard.T[None])})[0]
        if found.shape != (1, len(heard), BINS):
            raise BadWeights(f"this is not RMVPE: it gives {found.shape} for {len(heard)} frames; {WHERE}")
        part: NDArray[np.float32] = found[0, start - first : end - first].astype(np.float32)
        return part
