"""`SoundStream`: sound in a file that is read while it is still being written."""

import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from voicewright.audio.clip import Clip

NAME = "stream.pcm"
HEAD = struct.Struct("<4sI")
MAGIC = b"vwpc"
READ_BYTES = 1 << 16


class StreamWriter:
    """Appends clips as 16-bit samples. What is written can be read at once, from any process."""

    def __init__(self, folder: Path, rate: int) -> None:
        self._file = (folder / NAME).open("wb", buffering=0)
        self._file.write(HEAD.pack(MAGIC, rate))

    def write(self, clip: Clip) -> None:
        """Append a clip of the stream's rate."""
        levels = np.rint(np.clip(clip.samples, -1, 1) * 32767).astype("<i2")
        self._file.write(levels.tobytes())

    def close(self) -> None:
        """It is whole."""
        self._file.close()


class StreamReader:
    """Reads what is there; asked again, what came since."""

    def __init__(self, folder: Path) -> None:
        self._path, self._at = folder / NAME, HEAD.size

    @property
    def rate(self) -> int | None:
        """Samples per second; None before there is any sound."""
        try:
            with self._path.open("rb") as file:
                head = file.read(HEAD.size)
        except FileNotFoundError:
            return None
        return int(HEAD.unpack(head)[1]) if len(head) == HEAD.size else None

    @property
    def sounds(self) -> bool:
        """Whether there is any sound yet."""
        return self._path.is_file() and self._path.stat().st_size > HEAD.size

    @property
    def samples(self) -> int:
        """How many there are by now."""
        return (self._path.stat().st_size - HEAD.size) // 2 if self.sounds else 0

    def fresh(self) -> Iterator[NDArray[np.int16]]:
        """(t,) the samples that were not read yet, in parts."""
        if self.rate is None:
            return
        with self._path.open("rb") as file:
            file.seek(self._at)
            while data := file.read(READ_BYTES):
                whole = data[: len(data) // 2 * 2]
                self._at += len(whole)
                if not whole:
                    return
                yield np.frombuffer(whole, "<i2")
