"""The converted voice back in its music: as loud as it was, at its time, and nothing above the ceiling."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from voicewright.audio.clip import Clip
from voicewright.audio.files import SoundWriter, read_blocks
from voicewright.audio.loudness import loudness_of, true_peak_of

CEILING_DB = -1.0  # what codecs add to a true peak stays below full scale


@dataclass(frozen=True, slots=True)
class Mixed:
    """What was done to mix."""

    seconds: float
    vocals_db: float
    """By how much the converted voice was made louder, to be as loud as the voice before it, and as was wished."""
    whole_db: float
    """By how much all of it was made softer, so that it peaks at the ceiling at most; 0 or below."""


def mix(before: Path, after: Path, rest: Path, writer: SoundWriter, *, vocals_db: float = 0.0) -> Mixed:
    """Write a converted voice and the music into one file, as long as the music; with memory for a block of each.

    Args:
        before: the voice before it was converted, whose loudness (EBU R 128) the other is given.
        after: the converted voice, at any level.
        rest: the music without the voice.
        writer: open; at the higher rate of the two neither the music nor the voice loses its top.
        vocals_db: by how much louder than before the voice is wanted.

    Raises:
        BadClip: a file cannot be read, or the mix cannot be written.
    """
    was, became = (loudness_of(read_blocks(path, block_s=10.0)) for path in (before, after))
    gain_db = was - became + vocals_db if math.isfinite(was) and math.isfinite(became) else 0.0
    peak_db = true_peak_of(_together(after, rest, writer.rate, gain_db))
    whole_db = min(0.0, CEILING_DB - peak_db)
    start = writer.seconds
    for block in _together(after, rest, writer.rate, gain_db):
        writer.write(block.with_samples(block.samples * np.float32(10 ** (whole_db / 20))))
    return Mixed(writer.seconds - start, gain_db, whole_db)


def _together(after: Path, rest: Path, rate: int, gain_db: float) -> Iterator[Clip]:
    """The two added up, as long as the second."""
    voice = read_blocks(after, rate=rate, block_s=10.0)
    for block in read_blocks(rest, rate=rate, block_s=10.0):
        beside = next(voice, None)
        samples = block.samples.copy()
        if beside is not None:
            count = min(len(beside), len(samples))
            samples[:count] += beside.samples[:count] * np.float32(10 ** (gain_db / 20))
        yield block.with_samples(samples)
