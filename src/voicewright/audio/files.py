"""Sound files in and out: any common format to mono clips, clips to wav, flac, ogg, opus or mp3."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from voicewright.audio.clip import Clip, Samples
from voicewright.audio.decode import SoundInfo, check_file, open_sound
from voicewright.audio.parts import open_parts
from voicewright.audio.streaming import StreamResampler
from voicewright.audio.writer import SoundWriter, write_clip
from voicewright.errors import BadClip

__all__ = [
    "ENDINGS",
    "SoundInfo",
    "SoundWriter",
    "describe",
    "read_blocks",
    "read_clip",
    "read_part",
    "sha256_of",
    "write_clip",
]

ENDINGS = frozenset((
    ".wav", ".flac", ".mp3", ".ogg", ".oga", ".opus", ".m4a", ".m4b", ".aac", ".mp4", ".mkv", ".webm", ".mov", ".avi",
    ".wma", ".aif", ".aiff", ".aifc", ".au", ".caf", ".w64", ".rf64", ".amr", ".ac3", ".g722", ".wv", ".tta", ".ape",
    ".3gp", ".ts", ".voc",
))  # fmt: skip
"""What counts as a recording in a folder. A file that is named itself may have any ending."""

AnyPath = str | os.PathLike[str]


def describe(path: AnyPath) -> SoundInfo:
    """Length, rate, channels and format of a sound file, from its header where that is enough.

    Raises:
        BadClip: no such file, empty, cut off, or not sound.
    """
    with open_sound(Path(path)) as sound:
        return sound.info


def read_clip(path: AnyPath, *, rate: int | None = None, limit_s: float | None = None) -> Clip:
    """A sound file as one clip, the mean of its channels.

    Reads wav (8 to 64 bit, float, μ-law, …), flac, mp3, ogg, opus, aiff, m4a, aac, the sound track of mp4, mkv
    and webm, and whatever else libsndfile and FFmpeg know. All of it is in memory: for hours, use `read_blocks`.

    Args:
        rate: samples per second wanted; the file's own when None.
        limit_s: read no more than this from the beginning.

    Raises:
        BadClip: no such file, empty, cut off, damaged, not sound, no sound track, or no samples.
    """
    with open_sound(Path(path)) as sound:
        wanted = sound.info.rate if rate is None else rate
        left = None if limit_s is None else round(limit_s * wanted)
        kept: list[Samples] = []
        for part in _resampled(Path(path), sound.parts, sound.info.rate, wanted):
            kept.append(part[:left])
            if left is not None and (left := left - len(kept[-1])) <= 0:
                break
    whole = np.concatenate(kept)
    kept.clear()  # an hour at 16 kHz is 230 MB, and the clip makes a copy of its own
    return Clip(whole, wanted)


def read_blocks(path: AnyPath, *, rate: int | None = None, block_s: float = 30.0) -> Iterator[Clip]:
    """A sound file as clips of `block_s` seconds (the last one shorter), with memory for one block only.

    Joined, the blocks are exactly what `read_clip` gives. The file is opened when the first block is taken.

    Args:
        rate: samples per second wanted; the file's own when None.
        block_s: length of a block in seconds, > 0.

    Raises:
        BadClip: as `read_clip`; damage and a missing end show when they are reached.
    """
    if block_s <= 0:
        raise BadClip(f"a block must last longer than nothing, got {block_s} s")
    with open_sound(Path(path)) as sound:
        wanted = sound.info.rate if rate is None else rate
        size = max(1, round(block_s * wanted))
        for block in _regrouped(_resampled(Path(path), sound.parts, sound.info.rate, wanted), size):
            yield Clip(block, wanted)


def read_part(path: AnyPath, start_s: float, end_s: float, *, rate: int | None = None) -> Clip:
    """A part of a sound file, without reading what is before it; for many parts of one file see `parts.open_parts`.

    Args:
        start_s: where the part begins; it and `end_s` are cut to the file.
        rate: samples per second wanted; the file's own when None.

    Raises:
        BadClip: as `read_clip`; nothing between the two; a format in which no place can be reached exactly (mp3, ogg,
            opus and what FFmpeg reads): write it as wav or flac first.
    """
    with open_parts(Path(path)) as parts:
        return parts.read(start_s, end_s, rate)


def sha256_of(path: AnyPath) -> str:
    """SHA-256 of a file's bytes (hex), read in blocks.

    Raises:
        BadClip: no such file, or it may not be read.
    """
    check_file(Path(path))
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _resampled(path: Path, parts: Iterator[Samples], from_rate: int, to_rate: int) -> Iterator[Samples]:
    """The same sound at another rate, in non-empty parts."""
    stream = StreamResampler(from_rate, to_rate)
    heard = False
    for part in parts:
        heard = heard or len(part) > 0
        if len(fed := stream.feed(part)):
            yield fed
    if not heard:
        raise BadClip(f"{path} has a header and no sound after it; record or copy it again")
    yield stream.feed(np.zeros(0, np.float32), last=True)


def _regrouped(parts: Iterator[Samples], size: int) -> Iterator[Samples]:
    """The same samples in blocks of `size`."""
    held: list[Samples] = []
    count = 0
    for part in parts:
        rest = part
        while len(rest):
            held.append(rest[: size - count])
            rest = rest[len(held[-1]) :]
            count += len(held[-1])
            if count == size:
                yield np.concatenate(held)
                held, count = [], 0
    if held:
        yield np.concatenate(held)
