"""Sound that comes in pieces: a resampler that never hears a seam, and a clip cut into blocks."""

from collections.abc import Iterable, Iterator
from typing import Protocol

import numpy as np

from voicewright.audio.clip import Clip, Samples
from voicewright.errors import BadClip


class StreamResampler:
    """Changes the rate of a stream of clips; joined, its output is that of one resampling of the whole.

    The resampler holds a few milliseconds back, so a push may return an empty clip; `flush` gives the rest.
    Method: soxr's "very high quality" recipe (libsoxr; pass band to 0.957 of the lower half rate).

    Args:
        from_rate: samples per second of what is pushed.
        to_rate: samples per second of what comes out.

    Raises:
        BadClip: a rate that is not positive.
    """

    def __init__(self, from_rate: int, to_rate: int) -> None:
        if from_rate <= 0 or to_rate <= 0:
            raise BadClip(f"a rate must be positive, got {from_rate} → {to_rate}")
        self.from_rate, self.to_rate = from_rate, to_rate
        self._stream = None
        if from_rate != to_rate:
            import soxr

            self._stream = soxr.ResampleStream(from_rate, to_rate, 1, dtype="float32", quality="VHQ")
        self._flushed = False

    def push(self, clip: Clip) -> Clip:
        """The next part of the sound at `to_rate`, possibly empty.

        Raises:
            BadClip: the clip has another rate than `from_rate`, or the stream was flushed.
        """
        if clip.rate != self.from_rate:
            raise BadClip(f"a clip at {clip.rate} Hz was pushed into a stream at {self.from_rate} Hz")
        return Clip(self.feed(clip.samples), self.to_rate)

    def flush(self) -> Clip:
        """What is left. The stream takes nothing more.

        Raises:
            BadClip: the stream was flushed before.
        """
        return Clip(self.feed(np.zeros(0, np.float32), last=True), self.to_rate)

    def feed(self, samples: Samples, *, last: bool = False) -> Samples:
        """(t,) → (t',): `push` and `flush` for bare float32 samples, without copies."""
        if self._flushed:
            raise BadClip("this stream was flushed; make a new StreamResampler for the next sound")
        self._flushed = last
        if self._stream is None:
            return samples
        resampled: Samples = self._stream.resample_chunk(samples, last=last)
        return resampled


def blocks_of(clip: Clip, seconds: float) -> Iterator[Clip]:
    """The clip in blocks of `seconds` (at least one sample); the last one may be shorter.

    Raises:
        BadClip: `seconds` is not positive.
    """
    if seconds <= 0:
        raise BadClip(f"a block must last longer than nothing, got {seconds} s")
    size = max(1, round(seconds * clip.rate))
    return (Clip(clip.samples[start : start + size], clip.rate) for start in range(0, len(clip), size))


class Processor(Protocol):
    """Something that changes sound as it streams by, at a rate of its own, and keeps its length and timing."""

    @property
    def rate(self) -> int:
        """Samples per second of what it takes and gives."""

    def feed(self, samples: Samples, *, last: bool = False) -> Samples:
        """(t,) → (t',): what is finished of all that was fed; after the last feed as much came out as went in."""


def processed(blocks: Iterable[Clip], processor: Processor, rate: int) -> Iterator[Clip]:
    """Clips at `rate` through a processor that works at another: as many samples, every sound at its time.

    Raises:
        BadClip: a block has another rate.
    """
    forth, back = StreamResampler(rate, processor.rate), StreamResampler(processor.rate, rate)
    count = done = 0
    for block in blocks:
        count += len(block)
        made = back.feed(processor.feed(forth.push(block).samples))
        done += len(made)
        yield Clip(made, rate)
    rest = forth.feed(np.zeros(0, np.float32), last=True)
    made = back.feed(processor.feed(rest, last=True), last=True)[: count - done]  # there and back may round up
    yield Clip(np.pad(made, (0, count - done - len(made))), rate)
