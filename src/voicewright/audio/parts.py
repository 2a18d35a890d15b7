"""`SoundParts`: any part of a long recording at once, without reading what is before it."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from voicewright.audio.clip import Clip, Samples
from voicewright.audio.decode import libsndfile
from voicewright.audio.edit import resample
from voicewright.errors import BadClip

if TYPE_CHECKING:
    import soundfile

FORMATS = {"WAV", "WAVEX", "RF64", "W64", "AIFF", "AU", "CAF", "FLAC"}
"""Not mp3 and Opus, whose decoders begin anew after a jump, nor Vorbis, of which libsndfile finds the wrong place near
the end of a file."""
MARGIN_S = 0.1
"""Sound beyond each edge that a resampler gets to hear; its filter is shorter."""


class SoundParts:
    """An open recording of which parts can be read in any order; made by `open_parts`."""

    def __init__(self, path: Path, file: "soundfile.SoundFile") -> None:
        self._path, self._file = path, file

    @property
    def rate(self) -> int:
        """Samples per second of the file."""
        return int(self._file.samplerate)

    @property
    def seconds(self) -> float:
        return float(self._file.frames) / self.rate

    def read(self, start_s: float, end_s: float, rate: int | None = None) -> Clip:
        """The part from `start_s` to `end_s`, both cut to the recording: the mean of the channels.

        At another rate it is what `read_clip(path, rate=rate).between(start_s, end_s)` gives, to within rounding: the
        resampler hears what lies around the part too.

        Raises:
            BadClip: there is nothing between the two, or the file is damaged there.
        """
        own, wanted = self.rate, self.rate if rate is None else rate
        if wanted <= 0:
            raise BadClip(f"a rate must be positive, got {wanted}")
        shared = math.gcd(own, wanted)
        length = round(self._file.frames * wanted / own)
        start, end = (min(max(0, round(t * wanted)), length) for t in (start_s, end_s))
        if end <= start:
            raise BadClip(f"{self._path} lasts {self.seconds:.2f} s; there is no sound from {start_s} to {end_s} s")
        if wanted == own:
            return Clip(self._samples(start, end), own)
        # Both rates have a sample at every multiple of `step`, so that the resampler's grid is that of the whole file.
        step, margin = own // shared, math.ceil(MARGIN_S * own)
        first = max(0, start * own // wanted - margin) // step * step
        last = min(self._file.frames, -(-end * own // wanted) + margin)
        around = resample(Clip(self._samples(first, last), own), wanted)
        before = first // step * (wanted // shared)
        return Clip(around.samples[start - before : end - before], wanted)

    def _samples(self, first: int, last: int) -> Samples:
        import soundfile

        try:
            self._file.seek(first)
            block = self._file.read(last - first, dtype="float32", always_2d=True)
        except soundfile.LibsndfileError as problem:
            raise BadClip(
                f"{self._path} is damaged near {first / self.rate:.2f} s ({problem}); copy it again"
            ) from None
        if len(block) < last - first or not np.isfinite(block).all():
            raise BadClip(f"{self._path} is damaged or cut off near {first / self.rate:.2f} s; copy it again")
        mono: Samples = block[:, 0] if block.shape[1] == 1 else block.mean(axis=1, dtype=np.float32)
        return mono


@contextmanager
def open_parts(path: Path) -> Iterator[SoundParts]:
    """A recording opened for reading parts: wav, flac, aiff, au, caf.

    Raises:
        BadClip: no such file, it is cut off or damaged, or of a format in which no place can be reached exactly.
    """
    with libsndfile(path) as file:
        if file is None or file.format not in FORMATS or not file.seekable():
            raise BadClip(
                f"{path} can only be read from its beginning to its end; write it as .wav or .flac to read parts of it"
            )
        yield SoundParts(path, file)
