"""By how many semitones a recording moves to where a voice is at home."""

import math
from dataclasses import dataclass
from typing import Literal

from voicewright.audio.pitch import Pitch

OCTAVE = 12
WIDEST_AUTO = 24.0
"""Two octaves: from a deep man to a child. Whoever wants more says so."""
OUTSIDE_SHARE = 0.01
"""Fewer frames outside the pitch range are errors of the tracker, not notes."""


@dataclass(frozen=True, slots=True)
class Transposition:
    """By how much the pitch moves, and what is to be said about it ("" for nothing)."""

    semitones: float
    note: str = ""


def transposition(wish: float | Literal["auto"], heard_hz: float, home_hz: float, *, step: int = 1) -> Transposition:
    """What was asked for, or the distance from the recording's usual pitch to the voice's.

    An automatic transposition is a whole number of semitones, for speech as for singing: a song stays in tune with an
    instrument, the number can be said again by hand, and half a semitone beside home is heard by nobody. Where the
    music stays as it is, only whole octaves (`step` 12) fit it.

    Args:
        wish: semitones, or auto.
        heard_hz: the recording's median pitch; NaN where no voice was found.
        home_hz: the voice's usual pitch; 0 where it is not known.
        step: semitones that an automatic transposition is a multiple of.
    """
    if wish != "auto":
        return Transposition(float(wish))
    if not heard_hz > 0:
        return Transposition(0.0)
    if not home_hz > 0:
        return Transposition(
            0.0,
            "this voice's usual pitch is not known, so the pitch was not transposed; give transpose a number of "
            "semitones (12 from a man to a woman), or import the voice again with a recording of the speaker (--like)",
        )
    wanted = step * round(OCTAVE * math.log2(home_hz / heard_hz) / step)
    semitones = math.copysign(min(abs(wanted), WIDEST_AUTO), wanted) if wanted else 0.0
    if abs(wanted) > WIDEST_AUTO:
        note = f"transposed by {semitones:+.0f} semitones; the voice's usual pitch is {wanted:+d} away"
        return Transposition(semitones, note)
    return Transposition(semitones)


def share_outside(wished: Pitch, low_hz: float, high_hz: float) -> float:
    """The share of the voiced frames whose pitch lies outside the range; 0 where nothing is voiced."""
    voiced = wished.f0_hz[wished.voiced]
    return float(((voiced < low_hz) | (voiced > high_hz)).mean()) if len(voiced) else 0.0
