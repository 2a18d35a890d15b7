"""How high a voice is, how lively, and whether two tracks move together."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from voicewright.audio.files import read_blocks
from voicewright.audio.octaves import guarded
from voicewright.audio.pitch import Pitch, PitchTracker
from voicewright.errors import BadClip

FRAMES_PER_SECOND = 100.0
FEWEST = 20
"""Frames that must be voiced in both tracks (0.2 s) before a comparison says anything."""
LISTENING_RATE, BLOCK_S = 16_000, 30.0


@dataclass(frozen=True, slots=True)
class PitchFacts:
    """A voice's pitch in a clip.

    Args:
        median_hz: its usual height.
        low_hz, high_hz: the lowest and highest twentieth of the voiced frames lie beyond these.
        range_semitones: from `low_hz` to `high_hz`; 6 is flat, 8 to 14 usual in reading, 20 theatrical.
        voiced: share of the frames that have a pitch, 0 to 1.
    """

    median_hz: float
    low_hz: float
    high_hz: float
    range_semitones: float
    voiced: float


@dataclass(frozen=True, slots=True)
class PitchMatch:
    """How one track follows another, frame by frame, where both are voiced.

    Args:
        correlation: of the two in semitones, -1 to 1; it ignores how far apart they are.
        shift_semitones: median difference, positive when the first is higher.
        error_cents: median of the absolute difference after that shift.
        voicing: share of the frames in which both are voiced or neither is.
    """

    correlation: float
    shift_semitones: float
    error_cents: float
    voicing: float


def pitch_facts(pitch: Pitch) -> PitchFacts | None:
    """Height and range of a track; None when nothing in it is voiced."""
    if not pitch.voiced.any():
        return None
    low, high = (float(value) for value in np.percentile(pitch.f0_hz[pitch.voiced], [5, 95]))
    return PitchFacts(pitch.median_hz, low, high, pitch.range_semitones, float(pitch.voiced.mean()))


def usual_pitch_hz(files: Iterable[Path], tracker: PitchTracker) -> float:
    """How high somebody speaks or sings: the median of all voiced frames of their recordings, of any length.

    Raises:
        BadClip: a recording cannot be read, or there is no voice in any of them.
    """
    paths = list(files)
    blocks = (block for path in paths for block in read_blocks(path, rate=LISTENING_RATE, block_s=BLOCK_S))
    tracks = [guarded(tracker.track(block)) for block in blocks]
    voiced = np.concatenate([np.zeros(0, np.float32), *(track.f0_hz[track.voiced] for track in tracks)])
    if not len(voiced):
        raise BadClip(f"no voice was found in {', '.join(map(str, paths))}; give recordings of somebody speaking")
    return float(np.median(voiced))


def pitch_match(a: Pitch, b: Pitch) -> PitchMatch | None:
    """How `a` follows `b`: two tracks of one timing (a conversion and its source, a copy and its original).

    Nothing is aligned: tracks of two readings of a text say nothing here. The longer one is cut to the shorter.
    None when fewer than 0.2 s are voiced in both.
    """
    a, b = a.resampled(FRAMES_PER_SECOND), b.resampled(FRAMES_PER_SECOND)
    size = min(len(a.f0_hz), len(b.f0_hz))
    both = a.voiced[:size] & b.voiced[:size]
    if both.sum() < FEWEST:
        return None
    first, second = (12 * np.log2(track.f0_hz[:size][both].astype(np.float64)) for track in (a, b))
    shift = float(np.median(first - second))
    moves = first.std() > 0 and second.std() > 0
    return PitchMatch(
        correlation=float(np.corrcoef(first, second)[0, 1]) if moves else 0.0,
        shift_semitones=shift,
        error_cents=float(100 * np.median(np.abs(first - second - shift))),
        voicing=float(np.mean(a.voiced[:size] == b.voiced[:size])),
    )
