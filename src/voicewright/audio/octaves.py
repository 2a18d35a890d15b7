"""Octave errors of pitch trackers, put right.

f frames
"""

import numpy as np
from numpy.typing import NDArray

from voicewright.audio.pitch import Pitch

SHORT_S = 0.12
"""A stretch an octave off is an error up to this length, at the edge of a note up to half of it. Singers hold what they
leap to for longer: a sixteenth at 120 beats a minute lasts 0.125 s."""
GAP_S = 0.03
"""A pause up to this length does not end a note."""
TOLERANCE = 1.5
"""Semitones by which a jump may miss the octave."""

_SHIFTS = (0, 12, -12)  # semitones; the first is what was heard, and is kept when there is nothing to choose
_ROUGH = 0.25  # cost of a move that begins or ends where no octave's jump was: an error next to a change of note


def guarded(pitch: Pitch) -> Pitch:
    """The same track with short stretches that jumped an octave up or down moved back; all else stays as it is.

    Of all ways to move frames by an octave it takes the one with the least jumps of an octave and the least frames
    moved (dynamic programming over each note): a stretch is moved when it is shorter than `SHORT_S`, or half of that at
    a note's beginning or end. What a singer leaps to and holds, and jumps of other sizes, are never touched.
    """
    at = np.flatnonzero(pitch.voiced)
    if not len(at):
        return pitch
    semitones = 12 * np.log2(pitch.f0_hz[at].astype(np.float64))
    breaks = np.flatnonzero(np.diff(at) * pitch.hop_s > GAP_S + pitch.hop_s / 2) + 1
    per_frame = 2 * pitch.hop_s / SHORT_S
    moved = np.concatenate([_moves(note, per_frame) for note in np.split(semitones, breaks)])
    f0_hz = pitch.f0_hz.copy()
    f0_hz[at] *= (2.0 ** (moved / 12)).astype(np.float32)
    return Pitch(f0_hz, pitch.confidence, pitch.hop_s)


def _moves(note: NDArray[np.float64], per_frame: float) -> NDArray[np.float64]:
    """(f,) semitones -> (f,) 0, 12 or -12: the cheapest moves, where an octave's jump costs 1."""
    step = np.diff(note)
    octave = np.abs(np.abs(step) - 12) < TOLERANCE
    if not octave.any():
        return np.zeros(len(note))
    shifts = np.array(_SHIFTS, np.float64)
    between = shifts[None, :] - shifts[:, None]  # from, to
    toll = per_frame * (shifts != 0)
    cost = toll.copy()
    came_from = np.zeros((len(note), len(shifts)), np.int64)
    for frame, (size, is_octave) in enumerate(zip(step, octave, strict=True), start=1):
        smooth = np.abs(size + between) < TOLERANCE
        begun = _ROUGH if abs(size) > TOLERANCE else 1.0  # a move that begins or ends in a held note makes a jump
        total = cost[:, None] + np.where(between == 0, float(is_octave), np.where(smooth, 0.0, begun))
        came_from[frame] = total.argmin(axis=0)
        cost = total.min(axis=0) + toll
    chosen = np.zeros(len(note), np.int64)
    chosen[-1] = int(cost.argmin())
    for frame in range(len(note) - 1, 0, -1):
        chosen[frame - 1] = came_from[frame, chosen[frame]]
    return shifts[chosen]
