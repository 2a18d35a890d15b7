"""How two sounds are put side by side: trimmed to known silences, faded, and made equally loud."""

import math
from collections import deque
from statistics import median

import numpy as np

from voicewright.audio.clip import Clip
from voicewright.audio.edit import fade, gain
from voicewright.audio.loudness import loudness_lufs, true_peak_db
from voicewright.speech.options import JoinOptions
from voicewright.speech.signal import sound_span

LEAD_S, TAIL_S = 0.03, 0.07
"""Silence kept before and after each piece's sound: the weakest of its onset and decay, below hearing in the mix."""
FADE_IN_MS, FADE_OUT_MS = 5.0, 20.0
HALVES_PAUSE_S = 0.15
"""Between the two parts of a piece that was spoken in two: a comma's pause."""
REMEMBERED = 30
"""Pieces that the running level is taken over: about three minutes."""


def trimmed(clip: Clip) -> Clip:
    """`clip` with `LEAD_S` of its own before its speech and `TAIL_S` after it, faded at both ends; empty if silent.

    Where the clip has less than that around its speech, silence is added: the speech always starts at `LEAD_S`.
    """
    start, end = sound_span(clip)
    if end == start:
        return clip.with_samples(np.zeros(0, np.float32))
    lead, tail = round(LEAD_S * clip.rate), round(TAIL_S * clip.rate)
    kept = fade(clip.with_samples(clip.samples[max(0, start - lead) : end + tail]), FADE_IN_MS, FADE_OUT_MS)
    before, after = max(0, lead - start), max(0, tail - (len(clip) - end))
    return clip.with_samples(np.pad(kept.samples, (before, after)))


def join_halves(first: Clip, second: Clip) -> Clip:
    """Two parts of one sentence as one clip, a comma's pause between them."""
    gap = np.zeros(gap_samples(HALVES_PAUSE_S, first.rate), np.float32)
    return first.with_samples(np.concatenate([trimmed(first).samples, gap, trimmed(second).samples]))


def gap_samples(pause_s: float, rate: int) -> int:
    """Zeros between two trimmed clips so that the silence between their speech is `pause_s`, or what they hold."""
    return max(0, round(pause_s * rate) - round(LEAD_S * rate) - round(TAIL_S * rate))


class Leveller:
    """Makes each piece as loud as the pieces before it, within limits, without hearing those to come.

    The voice's running level is the median loudness of its last pieces. A piece is moved towards it by at most
    `even_db`, so a shout stays a little louder, then all are moved to `loudness_lufs`. Never above `peak_dbfs`.
    """

    def __init__(self, options: JoinOptions) -> None:
        self._options = options
        self._levels: deque[float] = deque(maxlen=REMEMBERED)

    def level(self, clip: Clip) -> Clip:
        """`clip` at its place in the whole; as it is when there is nothing to measure in it."""
        options = self._options
        own = loudness_lufs(clip)
        if math.isinf(own):
            return clip
        self._levels.append(own)
        usual = median(self._levels)
        gain_db = min(max(usual - own, -options.even_db), options.even_db)
        if options.loudness_lufs is not None:
            gain_db += options.loudness_lufs - usual
        return gain(clip, min(gain_db, options.peak_dbfs - true_peak_db(clip)))
