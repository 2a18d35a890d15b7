"""A mark of the sound in a file: to see whether it is still the sound that its card was written for."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from voicewright.audio.files import describe, read_blocks

SAMPLE_FORMATS = frozenset({".wav", ".flac"})


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioMark:
    """A hash of the sound in a file.

    `of` "samples": SHA-256 of the decoded mono samples (little-endian float32), for formats that keep every sample, so
    the mark survives wav ⇄ flac. `of` "packets": SHA-256 of the compressed packets, for mp3, ogg and opus, where the
    decoded samples depend on the decoder; any new encoding changes it.
    """

    sha256: str
    of: Literal["samples", "packets"]
    rate: int
    seconds: float


def mark_of(path: Path) -> AudioMark:
    """The mark of the sound in the file at `path`. Raises BadClip: missing or damaged."""
    info = describe(path)
    samples = path.suffix.lower() in SAMPLE_FORMATS
    digest = hashlib.sha256()
    for part in _sample_bytes(path) if samples else _packets(path):
        digest.update(part)
    return AudioMark(
        sha256=digest.hexdigest(), of="samples" if samples else "packets", rate=info.rate, seconds=info.seconds
    )


def _sample_bytes(path: Path) -> Iterator[bytes]:
    return (block.samples.astype("<f4").tobytes() for block in read_blocks(path))


def _packets(path: Path) -> Iterator[bytes]:
    import av

    with av.open(str(path)) as container:
        yield from (bytes(packet) for packet in container.demux(audio=0) if packet.size)
