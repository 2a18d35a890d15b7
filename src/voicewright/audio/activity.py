"""Where somebody speaks.

f frames
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from voicewright.audio.clip import Clip
from voicewright.audio.edit import resample
from voicewright.errors import BadSetting, BadWeights

Probabilities = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a clip, in seconds from its beginning."""

    start_s: float
    end_s: float

    @property
    def seconds(self) -> float:
        return self.end_s - self.start_s


@dataclass(frozen=True, kw_only=True)
class ActivityOptions:
    """How probabilities become spans. The defaults are silero's own."""

    threshold: float = 0.5
    """Speech begins where the probability reaches this (0 to 1)."""
    release: float = 0.35
    """Speech goes on while the probability stays at or above this; at most the threshold."""
    min_speech_ms: float = 250.0
    """Shorter speech is not reported (clicks, coughs)."""
    min_silence_ms: float = 100.0
    """Shorter pauses do not end a span."""
    pad_ms: float = 30.0
    """Added on both sides of each span; neighbours share a pause that is too short for both."""

    def __post_init__(self) -> None:
        if not 0 <= self.release <= self.threshold <= 1:
            raise BadSetting(f"need 0 ≤ release ≤ threshold ≤ 1, got {self.release} and {self.threshold}")
        for name in ("min_speech_ms", "min_silence_ms", "pad_ms"):
            if getattr(self, name) < 0:
                raise BadSetting(f"{name} must not be negative, got {getattr(self, name)}")


class ActivityDetector(Protocol):
    """A method that finds speech in clips of any rate and length."""

    @property
    def hop_s(self) -> float:
        """Seconds from one probability to the next."""

    def probabilities(self, clip: Clip) -> Probabilities:
        """(f,) how likely speech is in each hop, 0 to 1; the last hop may reach past the clip."""

    def spans(self, clip: Clip) -> list[Span]:
        """The speech in the clip: in order, apart from each other, within the clip."""


class SileroActivity:
    """Speech by silero's recurrent network (Silero Team, silero-vad 6, MIT), in ONNX Runtime on one thread.

    Each step sees 32 ms at 16 kHz and the 4 ms before them. One object serves many clips and threads:
    the network's memory starts empty with every clip.

    Args:
        model: the file `silero_vad.onnx`.
        options: how probabilities become spans.

    Raises:
        BadWeights: the file is missing or not that network.
    """

    _RATE, _STEP, _CONTEXT = 16_000, 512, 64
    hop_s = _STEP / _RATE

    def __init__(self, model: Path, options: ActivityOptions | None = None) -> None:
        from onnxruntime import InferenceSession, SessionOptions
        from onnxruntime.capi.onnxruntime_pybind11_state import Fail, InvalidArgument, InvalidProtobuf, NoSuchFile

        self.options = options or ActivityOptions()
        quiet = SessionOptions()
        quiet.intra_op_num_threads = quiet.inter_op_num_threads = 1
        quiet.log_severity_level = 4
        try:
            self._session = InferenceSession(str(model), quiet, providers=["CPUExecutionProvider"])
        except (Fail, InvalidArgument, InvalidProtobuf, NoSuchFile) as problem:
            raise BadWeights(f"{model} is not silero's speech detector ({problem}); fetch it again") from problem
        names = {given.name for given in self._session.get_inputs()}
        if names != {"input", "state", "sr"}:
            raise BadWeights(f"{model} is another network (inputs {sorted(names)}); silero_vad.onnx is needed")

    def probabilities(self, clip: Clip) -> Probabilities:
        """(f,) one for every 32 ms."""
        return self.probabilities_of([clip])[0]

    def probabilities_of(self, clips: Sequence[Clip]) -> list[Probabilities]:
        """As `probabilities` for each clip; eight clips of one length at once take half the time."""
        sounds = [resample(clip, self._RATE).samples for clip in clips]
        counts = [-(-len(sound) // self._STEP) for sound in sounds]
        padded = np.zeros((len(clips), self._CONTEXT + max(counts, default=0) * self._STEP), np.float32)
        for row, sound in zip(padded, sounds, strict=True):
            row[self._CONTEXT : self._CONTEXT + len(sound)] = sound
        found = np.zeros((len(clips), max(counts, default=0)), np.float32)
        state, rate = np.zeros((2, len(clips), 128), np.float32), np.array(self._RATE, np.int64)
        for i in range(found.shape[1]):
            window = padded[:, i * self._STEP : (i + 1) * self._STEP + self._CONTEXT]
            answer, state = self._session.run(None, {"input": window, "state": state, "sr": rate})
            found[:, i] = answer[:, 0]
        return [row[:count] for row, count in zip(found, counts, strict=True)]

    def spans(self, clip: Clip) -> list[Span]:
        """The speech in the clip."""
        return spans_from(self.probabilities(clip), self.hop_s, clip.seconds, self.options)


class EnergyActivity:
    """Speech by level alone, for clean recordings and where no model is at hand.

    A frame counts as speech when it stands out from the recording's own noise floor (10th percentile of
    the levels) towards its loud parts (95th). A recording whose level hardly moves has no pauses: it is all
    speech, or none if it is quieter than `-60 dB` of full scale. Music and noise bursts count as speech.

    Args:
        options: how probabilities become spans; by default pauses up to 0.3 s are bridged, because level alone
            falls in every stop consonant.
    """

    _HOP_S = 0.01
    _WINDOW_HOPS = 3
    _QUIET_DB = -60.0  # below the room tone of a close microphone at a normal level
    _CONTRAST_DB = 10.0  # less between floor and loud parts than any speech with a pause in it
    _SLOPE_DB = 2.0  # logistic: 4 dB around the line go from probability 0.27 to 0.73
    _LINE = 0.35  # of the way from the floor to the loud parts: soft consonants above, breath below

    hop_s = _HOP_S

    def __init__(self, options: ActivityOptions | None = None) -> None:
        self.options = options or ActivityOptions(min_silence_ms=300.0, pad_ms=60.0)

    def probabilities(self, clip: Clip) -> Probabilities:
        """(f,) one for every 10 ms, from the level of the 30 ms around it."""
        if not len(clip):
            return np.zeros(0, np.float32)
        level = self._levels_db(clip)
        floor, loud = np.percentile(level, [10, 95])
        line = floor + self._LINE * (loud - floor) if loud - floor >= self._CONTRAST_DB else self._QUIET_DB
        height = (level - max(line, self._QUIET_DB)) / self._SLOPE_DB
        likely: Probabilities = (1 / (1 + np.exp(-np.clip(height, -30, 30)))).astype(np.float32)
        return likely

    def spans(self, clip: Clip) -> list[Span]:
        """The speech in the clip."""
        return spans_from(self.probabilities(clip), self.hop_s, clip.seconds, self.options)

    def _levels_db(self, clip: Clip) -> NDArray[np.float64]:
        """(f,) level in dB of full scale, with the recording's slow drift (below 50 Hz) not counted."""
        hop = max(1, round(self._HOP_S * clip.rate))
        frames = np.zeros((-(-len(clip) // hop), hop), np.float64)
        frames.reshape(-1)[: len(clip)] = clip.samples
        power = np.mean(frames**2, axis=1) - np.mean(frames, axis=1) ** 2
        smooth = np.convolve(power, np.ones(self._WINDOW_HOPS) / self._WINDOW_HOPS, "same")[: len(power)]
        return 10 * np.log10(np.maximum(smooth, 1e-12))


def spans_from(probabilities: Probabilities, hop_s: float, seconds: float, options: ActivityOptions) -> list[Span]:
    """Speech from probabilities: hysteresis, then pauses bridged, short speech dropped, spans padded.

    Args:
        probabilities: (f,) 0 to 1, one for every `hop_s` seconds.
        seconds: the clip's length; no span reaches beyond it.
    """
    stretches = _stretches(probabilities, options, options.min_silence_ms / 1000 / hop_s)
    raw = [Span(start * hop_s, min(end * hop_s, seconds)) for start, end in stretches]
    return _padded([s for s in raw if s.seconds > options.min_speech_ms / 1000], options.pad_ms / 1000, seconds)


def _stretches(probabilities: Probabilities, options: ActivityOptions, patience: float) -> list[tuple[int, int]]:
    """[start, end) of frames: from the threshold up to where it fell below `release` for `patience` frames.

    Only the threshold ends a pause: a murmur between the two lines neither begins speech nor breaks it off.
    """
    found: list[tuple[int, int]] = []
    start = quiet_from = None
    for frame, likely in enumerate(probabilities.tolist()):
        if likely >= options.threshold:
            start = frame if start is None else start
            quiet_from = None
        elif start is not None and likely < options.release:
            quiet_from = frame if quiet_from is None else quiet_from
            if frame - quiet_from >= patience:
                found.append((start, quiet_from))
                start = quiet_from = None
    return found if start is None else [*found, (start, len(probabilities))]


def _padded(spans: Sequence[Span], pad_s: float, seconds: float) -> list[Span]:
    """Each span wider by `pad_s` on both sides, or by half the pause to its neighbour."""
    if not spans:
        return []
    halves = [(after.start_s - before.end_s) / 2 for before, after in pairwise(spans)]
    before = [spans[0].start_s, *halves]
    after = [*halves, seconds - spans[-1].end_s]
    return [
        Span(span.start_s - min(pad_s, b), span.end_s + min(pad_s, a))
        for span, b, a in zip(spans, before, after, strict=True)
    ]
