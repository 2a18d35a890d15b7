"""Where a recording is taken apart: at its silences, and where there are none, at its quietest places.

f frames
"""

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from voicewright.audio.activity import ActivityOptions, Span, spans_from
from voicewright.audio.clip import Samples
from voicewright.conversion.options import SliceOptions
from voicewright.errors import BadSetting

FRAME_S = 0.02  # one period of the lowest voice (50 Hz), short enough to find the gaps between syllables
FLOOR_PERCENTILE, LOUD_PERCENTILE = 10, 90
"""Of all that can be heard, how loud the background is; of what is nearer the loudest than the background, how loud the
loud parts are. So neither a click nor an hour of silence around one sentence changes what counts as loud."""
NOTHING_DB = -90.0  # below the last bit of a 16-bit recording: nothing to convert, however loud the rest is
RELEASE_DB = 6.0
"""A sound goes on until it is this far below the threshold, so that a level on the line does not chatter."""
CUT_SHARE = 0.5
"""A cut of long sound is looked for in this last share of what may be taken at once."""


@dataclass(frozen=True, slots=True)
class Slice:
    """A stretch of a recording, in seconds from its beginning: converted at once, or (not `voiced`) not converted."""

    start_s: float
    end_s: float
    voiced: bool = True

    @property
    def seconds(self) -> float:
        return self.end_s - self.start_s


class Levels:
    """How loud a recording is over time, gathered block by block: 50 numbers for a second of it.

    Args:
        rate: samples per second of what is fed.
    """

    def __init__(self, rate: int) -> None:
        self._size = max(1, round(FRAME_S * rate))
        self._held = np.zeros(0, np.float32)
        self._found: list[NDArray[np.float32]] = []
        self.frame_s = self._size / rate
        """Seconds from one level to the next."""

    def feed(self, samples: Samples, *, last: bool = False) -> None:
        """(t,) the next samples."""
        held = np.concatenate([self._held, samples])
        whole = len(held) // self._size * self._size
        frames = held[:whole].reshape(-1, self._size).astype(np.float64)
        powers = [np.mean(frames**2, axis=1)]
        self._held = held[whole:]
        if last and len(self._held):
            powers.append(np.array([np.mean(self._held.astype(np.float64) ** 2)]))
        self._found += [(10 * np.log10(np.maximum(power, 1e-20))).astype(np.float32) for power in powers]

    @property
    def levels_db(self) -> NDArray[np.float32]:
        """(f,) in dB of full scale."""
        return np.concatenate([np.zeros(0, np.float32), *self._found])


def plan(
    levels_db: NDArray[np.float32], frame_s: float, seconds: float, options: SliceOptions, *, longest_s: float
) -> list[Slice]:
    """All of a recording as slices, each beginning where the one before ended.

    Args:
        levels_db: (f,) how loud each frame is.
        frame_s: seconds from one level to the next.
        seconds: the recording's length.
        options: what counts as silence, and how long slices may be.
        longest_s: the longest slice of any kind, from the options or from the engine, whichever is shorter.

    Raises:
        BadSetting: the engine takes so little at once that nothing can be cut for it.
    """
    if longest_s < 4 * frame_s:
        raise BadSetting(f"slices of {longest_s:.2f} s are too short to convert; raise longest_s")
    slices: list[Slice] = []
    end_s = 0.0
    for span in _sounds(levels_db, frame_s, seconds, options):
        slices += _quiet(end_s, span.start_s, longest_s)
        slices += _cut(span, levels_db, frame_s, longest_s)
        end_s = span.end_s
    return slices + _quiet(end_s, seconds, longest_s)


def _sounds(levels_db: NDArray[np.float32], frame_s: float, seconds: float, options: SliceOptions) -> list[Span]:
    """What is not silence, with the silence around it that belongs to it; apart from each other."""
    if not len(levels_db) or levels_db.max() <= NOTHING_DB:
        return []
    above_db = levels_db - max(_loud_db(levels_db) + options.threshold_db, NOTHING_DB)
    # On the detector's scale the threshold lies at a half and the release 0.15 below it.
    height = np.clip(0.5 + 0.15 * above_db / RELEASE_DB, 0.0, 1.0).astype(np.float32)
    rules = ActivityOptions(
        threshold=0.5,
        release=0.35,
        min_speech_ms=0.0,
        min_silence_ms=1000 * options.min_silence_s,
        pad_ms=1000 * options.pad_s,
    )
    return _long_enough(spans_from(height, frame_s, seconds, rules), seconds, options.min_slice_s)


def _loud_db(levels_db: NDArray[np.float32]) -> float:
    """How loud the loud parts of a recording are, of which something can be heard."""
    audible = levels_db[levels_db > NOTHING_DB]
    middle = (np.percentile(audible, FLOOR_PERCENTILE) + audible.max()) / 2
    return float(np.percentile(audible[audible >= middle], LOUD_PERCENTILE))


def _long_enough(spans: list[Span], seconds: float, least_s: float) -> list[Span]:
    """The spans, the short ones widened to `least_s` as far as the recording goes; those that meet are one."""
    found: list[Span] = []
    for span in spans:
        room = max(0.0, least_s - span.seconds) / 2
        start_s, end_s = max(0.0, span.start_s - room), min(seconds, span.end_s + room)
        if found and found[-1].end_s > start_s:
            found[-1] = Span(found[-1].start_s, max(found[-1].end_s, end_s))
        else:
            found.append(Span(start_s, end_s))
    return found


def _cut(span: Span, levels_db: NDArray[np.float32], frame_s: float, longest_s: float) -> list[Slice]:
    """A sound in slices that are short enough, cut in the quietest frame of what may be taken at once."""
    slices = []
    start_s = span.start_s
    while span.end_s - start_s > longest_s:
        first = round((start_s + (1 - CUT_SHARE) * longest_s) / frame_s)
        last = max(first + 1, int((start_s + longest_s) / frame_s))
        quietest = first + int(np.argmin(levels_db[first:last]))
        cut_s = min((quietest + 0.5) * frame_s, start_s + longest_s)
        slices.append(Slice(start_s, cut_s))
        start_s = cut_s
    return [*slices, Slice(start_s, span.end_s)]


def _quiet(start_s: float, end_s: float, longest_s: float) -> list[Slice]:
    """A silence in equal slices that are short enough; none where there is no silence."""
    if end_s <= start_s:
        return []
    edges = np.linspace(start_s, end_s, math.ceil((end_s - start_s) / longest_s) + 1).tolist()
    return [Slice(left, right, voiced=False) for left, right in pairwise(edges)]
