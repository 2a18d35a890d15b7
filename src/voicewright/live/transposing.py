"""By how much a live voice's pitch is moved: heard once, then fixed."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from voicewright.audio.pitch import Pitch
from voicewright.conversion.transpose import transposition

LISTENS_S = 3.0
"""Seconds of voice after which the transposition stays; a few words are enough for a median to settle."""


class Transposer:
    """Collects the pitch of the first seconds of voice.

    From the first voiced frame on there is an estimate, so that the first word is in the voice's range already.

    Args:
        home_hz: the voice's usual pitch; 0 where it is not known.
    """

    def __init__(self, home_hz: float) -> None:
        self._home_hz = home_hz
        self._f0_hz: NDArray[np.float32] = np.zeros(0, np.float32)
        self._voiced_s = 0.0
        self._automatic = transposition("auto", float("nan"), home_hz)

    @property
    def is_settled(self) -> bool:
        """Whether enough was heard."""
        return self._voiced_s >= LISTENS_S

    @property
    def note(self) -> str:
        """What is to be said about an automatic transposition; "" for nothing."""
        return self._automatic.note

    def semitones(self, wish: float | Literal["auto"]) -> float:
        """What was asked for; what fits what was heard so far, for "auto"."""
        return self._automatic.semitones if wish == "auto" else float(wish)

    def hear(self, pitch: Pitch, start_s: float, end_s: float) -> None:
        """Listen to a part of a pitch track, each moment of the sound only once. Nothing changes once it is settled."""
        if self.is_settled:
            return
        part = pitch.between(start_s, end_s)
        found = part.f0_hz[part.voiced]
        if not len(found):
            return
        self._f0_hz = np.concatenate([self._f0_hz, found])
        self._voiced_s += len(found) * pitch.hop_s
        self._automatic = transposition("auto", float(np.median(self._f0_hz)), self._home_hz)
