"""Clips to sound files, all or nothing."""

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from voicewright.audio.clip import Clip, Samples
from voicewright.errors import BadClip, NotWritten

if TYPE_CHECKING:
    import soundfile

BLOCK_SAMPLES = 65_536  # libsndfile's Vorbis encoder puts a whole write on the stack; minutes of it overflow
WAV_BYTES = 0xFFFF_0000  # a WAV counts its bytes in 32 bits


@dataclass(frozen=True, slots=True)
class _Format:
    """What libsndfile calls a kind of file; `rates` is empty where any rate will do."""

    container: str
    codecs: Mapping[int, str]
    rates: tuple[int, ...] = ()
    lossy: str = ""


FORMATS: Mapping[str, _Format] = {
    ".wav": _Format("WAV", {8: "PCM_U8", 16: "PCM_16", 24: "PCM_24", 32: "FLOAT"}),
    ".flac": _Format("FLAC", {8: "PCM_S8", 16: "PCM_16", 24: "PCM_24"}),
    ".ogg": _Format("OGG", {}, lossy="VORBIS"),
    ".opus": _Format("OGG", {}, (8000, 12000, 16000, 24000, 48000), lossy="OPUS"),
    ".mp3": _Format("MP3", {}, (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000), lossy="MPEG_LAYER_III"),
}


class SoundWriter:
    """Writes clips of one rate to a file that appears only when all of it is there.

    A context manager. The samples go to a hidden file in the same folder; leaving the block without an error
    renames it, an error removes it and leaves an older file of that name as it was. Samples outside [-1, 1]
    are clipped here and nowhere else, and counted.

    Args:
        path: where to; its ending chooses the format: .wav .flac .ogg .opus .mp3.
        rate: samples per second.
        bits: per sample, for wav (8, 16, 24; 32 is float) and flac (8, 16, 24); the other formats have none.

    Raises:
        BadClip: an unknown ending, a depth or rate the format does not have, no such folder,
            the disk is full, or nothing was written.
    """

    def __init__(self, path: str | os.PathLike[str], rate: int, *, bits: int = 16) -> None:
        self.path, self.rate, self.bits = Path(path), rate, bits
        self.samples = 0
        """Samples written so far."""
        self.clipped = 0
        """Samples among them that were outside [-1, 1]."""
        self._format = _format_of(self.path)
        if rate <= 0 or (self._format.rates and rate not in self._format.rates):
            known = ", ".join(map(str, self._format.rates)) or "any positive number"
            raise BadClip(f"{self.path.suffix} cannot hold {rate} Hz (it holds {known}); resample, or write .wav")
        if not self._format.lossy and bits not in self._format.codecs:
            known = ", ".join(map(str, self._format.codecs))
            raise BadClip(f"{self.path.suffix} cannot hold {bits} bits per sample; it holds {known}")
        if self.path.is_dir():
            raise BadClip(f"{self.path} is a folder; give a file name in it")
        if not self.path.parent.is_dir():
            raise BadClip(f"there is no folder {self.path.parent}; create it first")
        self._hidden = self.path.parent / f".{secrets.token_hex(8)}.part"
        self._file: soundfile.SoundFile | None = None

    @property
    def seconds(self) -> float:
        """Written so far."""
        return self.samples / self.rate

    def __enter__(self) -> Self:
        import soundfile

        codec = self._format.lossy or self._format.codecs[self.bits]
        try:
            self._hidden.open("xb").close()
            self._file = soundfile.SoundFile(
                self._hidden, "w", samplerate=self.rate, channels=1, format=self._format.container, subtype=codec
            )
        except (OSError, soundfile.LibsndfileError) as problem:
            self._hidden.unlink(missing_ok=True)
            raise self._failure(problem) from problem
        return self

    def write(self, clip: Clip) -> None:
        """Append a clip.

        Raises:
            BadClip: another rate than the file's, or the file is not open. NotWritten: the disk is full.
        """
        import soundfile

        if self._file is None:
            raise BadClip(f"{self.path} is not open: write inside `with SoundWriter(…) as file:`")
        if clip.rate != self.rate:
            raise BadClip(f"a clip at {clip.rate} Hz cannot go into {self.path} at {self.rate} Hz; resample it first")
        if self._format.container == "WAV" and (self.samples + len(clip)) * self.bits // 8 > WAV_BYTES:
            raise BadClip(f"{self.path} would pass the 4 GB that a WAV can hold; write .flac instead")
        self.clipped += int(np.count_nonzero(np.abs(clip.samples) > 1))
        try:
            for start in range(0, len(clip), BLOCK_SAMPLES):
                self._file.write(self._stored(clip.samples[start : start + BLOCK_SAMPLES]))
        except (OSError, soundfile.LibsndfileError) as problem:
            raise self._failure(problem) from problem
        self.samples += len(clip)

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        import soundfile

        try:
            if self._file is not None:
                self._file.close()
                self._file = None
            if kind is None and not self.samples:
                raise BadClip(f"nothing was written to {self.path}: there was no sound")
            if kind is None:
                self._publish()
        except (OSError, soundfile.LibsndfileError) as trouble:
            if kind is None:
                raise self._failure(trouble) from trouble
        finally:
            self._hidden.unlink(missing_ok=True)

    def _publish(self) -> None:
        """Onto the disk, then under its name: after a power cut there is the old file or the new one."""
        with self._hidden.open("rb+") as file:
            os.fsync(file.fileno())
        self._hidden.replace(self.path)

    def _stored(self, samples: Samples) -> Samples | NDArray[np.int32]:
        """Samples as libsndfile takes them without scaling them again, so that reading and writing 16 bit is exact."""
        limited: Samples = np.clip(samples, -1, 1)
        if self._format.lossy or self.bits == 32:
            return limited
        half = 2 ** (self.bits - 1)
        levels = np.clip(np.rint(limited.astype(np.float64) * half), -half, half - 1)
        shifted: NDArray[np.int32] = np.left_shift(levels.astype(np.int32), 32 - self.bits)
        return shifted

    def _failure(self, problem: Exception) -> NotWritten:
        return NotWritten(f"{self.path} could not be written ({problem}); check the folder and the free space")


def write_clip(path: str | os.PathLike[str], clip: Clip, *, bits: int = 16) -> int:
    """Write one clip to a file, all or nothing; see `SoundWriter` for formats and errors.

    Returns:
        How many samples were outside [-1, 1] and therefore clipped.
    """
    with SoundWriter(path, clip.rate, bits=bits) as file:
        file.write(clip)
    return file.clipped


def _format_of(path: Path) -> _Format:
    known = FORMATS.get(path.suffix.lower())
    if known is None:
        raise BadClip(f"{path} has an ending that cannot be written: choose one of {' '.join(FORMATS)}")
    return known
