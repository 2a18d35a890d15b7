"""Clip files from recordings: the parts that were chosen, at the wanted rate and level."""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from voicewright.audio.clip import Clip
from voicewright.audio.edit import fade, gain
from voicewright.audio.files import read_blocks, sha256_of
from voicewright.audio.loudness import true_peak_db
from voicewright.audio.parts import SoundParts, open_parts
from voicewright.audio.writer import write_clip
from voicewright.data.pauses import Levels

CEILING_DB = -1.0
"""True peak that no clip passes, in dB of full scale (EBU R 128)."""
SURE_DB = 6.0
"""A true peak lies at most this far above the highest sample of any sound that was recorded; below the ceiling by more,
it need not be looked for."""
FADE_MS = 5.0
SILENT_DB = -40.0
"""An edge this far below the clip's highest sample makes no click."""
LEVEL_HOP_S = 0.02


@dataclass(frozen=True, slots=True)
class Cut:
    """A clip file that was written."""

    sha256: str
    """Of its bytes."""
    seconds: float
    rate: int
    gain_db: float
    """What was applied: less than was asked for where the clip would have passed the ceiling."""


def cut(sound: Path | SoundParts, start_s: float, end_s: float, *, rate: int, gain_db: float, out: Path) -> Cut:
    """Write a part of a recording as 16-bit wav: the same bytes every time, the whole file or none.

    Args:
        sound: a file of which parts can be read, or one that is open already (`open_parts`): for many cuts.
        rate: samples per second of the clip.
        gain_db: as much of it is applied as keeps the true peak at or below `CEILING_DB`.
        out: ends in .wav; its folder is there.

    Raises:
        BadClip: the recording cannot be read there, or the clip cannot be written.
    """
    if isinstance(sound, Path):
        with open_parts(sound) as parts:
            return cut(parts, start_s, end_s, rate=rate, gain_db=gain_db, out=out)
    clip = sound.read(start_s, end_s, rate)
    gain_db = min(gain_db, CEILING_DB - _peak_db(clip, CEILING_DB - gain_db))
    clip = _soft_edges(gain(clip, gain_db))
    write_clip(out, clip)
    return Cut(sha256_of(out), clip.seconds, rate, gain_db)


def gain_for(lufs: float, wanted_lufs: float, peak_db: float) -> float:
    """The gain (dB) that brings speech of `lufs` to `wanted_lufs`, or as near as its peak allows; 0 for silence."""
    return min(wanted_lufs - lufs, CEILING_DB - peak_db) if math.isfinite(lufs) else 0.0


def level_profile(path: Path, *, hop_s: float = LEVEL_HOP_S) -> Levels:
    """How loud the recording is from moment to moment, for cuts where it is quietest; memory for the levels only.

    Raises:
        BadClip: the file cannot be read.
    """
    found = [_levels(block, hop_s) for block in read_blocks(path, rate=16_000, block_s=1500 * hop_s)]
    return Levels(hop_s, np.concatenate(found))


def _levels(clip: Clip, hop_s: float) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    size = round(hop_s * clip.rate)
    frames = np.zeros((-(-len(clip) // size), size), np.float32)
    frames.reshape(-1)[: len(clip)] = clip.samples
    power = np.mean(frames**2, axis=1)
    db: np.ndarray[tuple[int], np.dtype[np.float32]] = 10 * np.log10(np.maximum(power, 1e-12))
    return db


def _peak_db(clip: Clip, line_db: float) -> float:
    """The true peak; where the samples are far below `line_db`, so that it does not matter, the highest sample."""
    highest = float(np.abs(clip.samples).max(initial=0.0))
    peak_db = 20 * math.log10(highest) if highest else -math.inf
    return peak_db if peak_db + SURE_DB <= line_db else true_peak_db(clip)


def _soft_edges(clip: Clip) -> Clip:
    """No click at an edge that is not silent; the rest as it was."""
    size = round(FADE_MS / 1000 * clip.rate)
    line = np.abs(clip.samples).max(initial=0.0) * 10 ** (SILENT_DB / 20)
    loud = [bool(np.abs(edge).max(initial=0.0) > line) for edge in (clip.samples[:size], clip.samples[-size:])]
    return fade(clip, FADE_MS * loud[0], FADE_MS * loud[1]) if any(loud) else clip
