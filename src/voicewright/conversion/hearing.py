"""The pitch of a recording of any length, found block by block."""

import numpy as np
from numpy.typing import NDArray

from voicewright.audio.clip import Clip, Samples
from voicewright.audio.pitch import Pitch, PitchTracker

BLOCK_S = 30.0
MARGIN_S = 1.0
"""Sound around a block that the tracker gets to hear too, so that a block's ends are as in the whole."""


class PitchListener:
    """One pitch curve for sound that comes in pieces: memory for one block, and four bytes twice for each frame.

    Args:
        tracker: finds the pitch; every clip it is given has frames at the same hop.
        rate: samples per second of what is fed.
    """

    def __init__(self, tracker: PitchTracker, rate: int) -> None:
        self._tracker, self._rate = tracker, rate
        self._held = np.zeros(0, np.float32)
        self._first = 0
        """The frame at which `_held` begins."""
        self._done = 0
        """Frames found."""
        self._hop_s = 0.0
        self._f0_hz: list[NDArray[np.float32]] = []
        self._confidence: list[NDArray[np.float32]] = []

    def feed(self, samples: Samples, *, last: bool = False) -> None:
        """(t,) the next samples."""
        self._held = np.concatenate([self._held, samples])
        while len(self._held) >= round((BLOCK_S + 2 * MARGIN_S) * self._rate):
            self._track(len(self._held), last=False)
        if last:
            self._track(len(self._held), last=True)

    @property
    def pitch(self) -> Pitch:
        """All that was found; frame i lies at i hops."""
        none = np.zeros(0, np.float32)
        return Pitch(
            np.concatenate([none, *self._f0_hz]), np.concatenate([none, *self._confidence]), self._hop_s or 0.01
        )

    def _track(self, count: int, *, last: bool) -> None:
        """Keep the frames up to a margin before the end of what is held, or all of them."""
        found = self._tracker.track(Clip(self._held[:count], self._rate))
        self._hop_s = found.hop_s
        margin = round(MARGIN_S / found.hop_s)
        start = self._done - self._first
        end = len(found.f0_hz) if last else int((count / self._rate - MARGIN_S) / found.hop_s)
        self._f0_hz.append(found.f0_hz[start:end])
        self._confidence.append(found.confidence[start:end])
        self._done = self._first + end
        begin = max(self._first, self._done - margin)
        # Blocks begin on whole frames, so that the curve needs no resampling where they meet.
        self._held = self._held[self._sample(begin) - self._sample(self._first) :]
        self._first = begin

    def _sample(self, frame: int) -> int:
        return round(frame * self._hop_s * self._rate)
