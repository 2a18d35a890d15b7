"""The loudness of a recording, over time, given to what was made of it.

t samples · w windows
"""

import numpy as np
from numpy.typing import NDArray

from voicewright.audio.clip import Clip, Samples
from voicewright.errors import BadSetting

WINDOW_S = 1.0  # so-vits-svc 4.1: phrases, not syllables, whose shape the voice has of its own
WIDEST_DB = 24.0
"""The result is never made louder by more than this, so that its silences do not become noise."""
FLOOR = 1e-6


class EnvelopeFollower:
    """Makes a result as loud as its recording, over windows of a second that overlap by half.

    The method is that of so-vits-svc 4.1 (`change_rms`), with each window at its own time, and a limit.

    Args:
        rate: samples per second of both.
        share: of the way from the result's own envelope (0) to the recording's (1).
        window_s: how long a window is.

    Raises:
        BadSetting: a share outside 0 to 1, or a window that is no time at all.
    """

    def __init__(self, rate: int, share: float, *, window_s: float = WINDOW_S) -> None:
        if not 0 <= share <= 1 or not window_s * rate >= 2:
            raise BadSetting(f"an envelope is followed by 0 to 1, got {share:g}, over a window of {window_s:g} s")
        self._hop, self._share = round(window_s * rate / 2), share
        self._source, self._made = np.zeros(0, np.float32), np.zeros(0, np.float32)
        self._before = np.zeros(2)
        """Energy of the recording and of the result in the hop before what is held."""

    def feed(self, source: Samples, made: Samples, *, last: bool = False) -> Samples:
        """(t,) of the recording and (t',) of the result → the result at its new level, so far as it is certain.

        After the last feed as many samples came out as went in of the result.
        """
        self._source, self._made = np.concatenate([self._source, source]), np.concatenate([self._made, made])
        hops = min(len(self._source), len(self._made)) // self._hop - 1  # a window reaches half into the next hop
        if last:
            hops = -(-len(self._made) // self._hop)
        if hops <= 0:
            return np.zeros(0, np.float32)
        energies = np.stack(
            [_energies(part, self._hop, hops + 1) for part in (self._source, self._made)]
        )  # (2, hops+1)
        beside = np.concatenate([self._before[:, None], energies], axis=1)
        levels = np.maximum(np.sqrt((beside[:, 1:] + beside[:, :-1]) / (2 * self._hop)), FLOOR)  # at each hop's start
        gains = np.minimum((levels[0] / levels[1]) ** self._share, 10 ** (WIDEST_DB / 20))
        count = min(hops * self._hop, len(self._made))
        gain = np.interp(np.arange(count), np.arange(hops + 1) * self._hop, gains)
        ready: Samples = (self._made[:count] * gain).astype(np.float32)
        self._before = energies[:, hops - 1]
        self._source, self._made = self._source[hops * self._hop :], self._made[count:]
        return ready


def _energies(samples: Samples, hop: int, hops: int) -> NDArray[np.float64]:
    """(hops,) the sum of squares in each hop; beyond the end there is nothing."""
    squares = np.zeros(hops * hop)
    known = samples[: hops * hop].astype(np.float64)
    squares[: len(known)] = known**2
    energies: NDArray[np.float64] = squares.reshape(hops, hop).sum(axis=1)
    return energies


def follow_as_upstream(source: Clip, made: Clip, rate: float) -> Clip:
    """What so-vits-svc 4.1 does (`change_rms`): the windows' levels are stretched over the result, so that they lie up
    to half a hop beside their time, and nothing limits them.

    Args:
        rate: share of the result's own envelope that stays: 1 changes nothing.
    """
    levels = []
    for clip in (source, made):
        hop = clip.rate // 2
        windows = rms_windows(clip.samples, 2 * hop, hop)
        at = (np.arange(len(made)) + 0.5) * (len(windows) / len(made)) - 0.5
        levels.append(np.interp(at, np.arange(len(windows)), windows))
    gain = levels[0] ** (1 - rate) * np.maximum(levels[1], FLOOR) ** (rate - 1)
    return made.with_samples(made.samples * gain)


def rms_windows(samples: Samples, window: int, hop: int) -> NDArray[np.float32]:
    """(w,) the level of windows around each hop, zeros beyond the ends: as librosa's `feature.rms`, in float32."""
    padded = np.pad(samples, window // 2)
    views = np.lib.stride_tricks.sliding_window_view(padded, window)[::hop]
    levels = [np.sqrt(np.mean(np.square(views[i : i + 1024]), axis=1)) for i in range(0, len(views), 1024)]
    return np.concatenate(levels).astype(np.float32)
