"""Quiet in, quiet out: what a microphone hears between words is not converted."""

import numpy as np
from numpy.typing import NDArray

from voicewright.audio.clip import Samples

FRAME_S = 0.005
CLOSES_BELOW_DB = 6.0  # an open gate stays open down to this much below its threshold: a voice's end is not chopped
FADE_FRAMES = 4  # 20 ms: longer than a period of the lowest voice, so that the fade itself is not heard


class Gate:
    """Decides frame by frame (5 ms) whether there is sound, and remembers it for as long as a window lasts.

    The gate opens before a sound begins by as much as it can look ahead, at most by its fade.

    Args:
        rate: samples per second of what it hears.
        keep_s: how long it remembers.
        look_ahead_s: how much later than it is heard a sound is given out.
    """

    def __init__(self, rate: int, keep_s: float, look_ahead_s: float) -> None:
        self._frame = max(1, round(FRAME_S * rate))
        self._rate = rate
        whole_frames = int(look_ahead_s * rate / self._frame) - 1  # the newest frame may not be complete
        self._early = max(0, min(FADE_FRAMES, whole_frames))
        frames = int(keep_s * rate / self._frame) + 2 * FADE_FRAMES + 2
        self._open: NDArray[np.bool_] = np.zeros(frames, bool)
        self._rest: Samples = np.zeros(0, np.float32)
        self._held = 0
        self._heard = False

    def feed(self, block: Samples, threshold_db: float, hold_s: float) -> None:
        """Hear (t,) more samples."""
        sound = np.concatenate([self._rest, block])
        count = len(sound) // self._frame
        self._rest = sound[count * self._frame :]
        frames = sound[: count * self._frame].reshape(count, self._frame).astype(np.float64)
        power = np.mean(frames**2, axis=1)
        opens, closes = (10 ** (db / 10) for db in (threshold_db, threshold_db - CLOSES_BELOW_DB))
        hold = round(hold_s * self._rate / self._frame)
        found = np.zeros(count, bool)
        for i, level in enumerate(power):
            self._heard = bool(level >= (closes if self._heard else opens))
            self._held = hold if self._heard else max(0, self._held - 1)
            found[i] = self._heard or self._held > 0
        self._open = np.concatenate([self._open, found])[len(found) :]

    @property
    def is_open(self) -> bool:
        """Whether there is sound now."""
        return bool(self._open[-1])

    def gains(self, heard: int, made: int) -> Samples:
        """(made,) from 0 (shut) to 1 for the last `heard` samples, told in `made` points."""
        wide = np.convolve(self._open, np.ones(self._early + 1), "full")[self._early :] > 0  # opens earlier
        weights = 0.5 - 0.5 * np.cos(2 * np.pi * (np.arange(FADE_FRAMES) + 0.5) / FADE_FRAMES)
        smooth = np.convolve(wide, weights / weights.sum(), "full")[: len(wide)]
        ends = (np.arange(len(smooth)) - len(smooth) + 1) * self._frame - len(self._rest)
        at = (np.arange(made) + 1) * (heard / made) - heard
        gains: Samples = np.interp(at, ends, smooth).astype(np.float32)
        return gains
