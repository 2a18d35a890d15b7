"""Sound on its way to a client: encoded while it is made, and drawn."""

import struct
from collections.abc import AsyncIterator
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import numpy as np
from numpy.typing import NDArray

from voicewright.audio.clip import Clip
from voicewright.audio.files import describe, read_blocks
from voicewright.errors import BadSetting

FORMATS = {
    "wav": ("audio/wav", "", ""),
    "pcm": ("audio/pcm", "", ""),
    "mp3": ("audio/mpeg", "mp3", "libmp3lame"),
    "opus": ("audio/ogg", "ogg", "libopus"),
    "aac": ("audio/aac", "adts", "aac"),
    "flac": ("audio/flac", "flac", "flac"),
}
"""Format → media type, FFmpeg's container, its encoder."""
WHOLE = frozenset({"flac"})
"""Sent when it is whole: libsndfile, and whatever reads by it, reads no FLAC whose head does not tell its length."""
PAGE_US = "200000"
"""Ogg is sent in pages; FFmpeg's own last a second, which a first word would have to wait for."""
BITS_PER_SECOND = {"libmp3lame": 96_000, "libopus": 64_000, "aac": 72_000}
"""LAME's own choice for one channel of 24 kHz is 32,000, which leaves nothing above 8 kHz; this keeps it all."""
OPUS_RATE = 48_000
DRAWN_RATE = 8_000


def wav_header(rate: int, samples: int | None = None) -> bytes:
    """The head of a 16-bit mono WAV; without a number of samples, one that players take for a stream."""
    size = 0xFFFFFFFF - 36 if samples is None else 2 * samples
    head = struct.pack("<4sI4s4sIHHIIHH", b"RIFF", size + 36, b"WAVE", b"fmt ", 16, 1, 1, rate, 2 * rate, 2, 16)
    return head + struct.pack("<4sI", b"data", size)


class _Sink:
    """Where FFmpeg writes: forwards only, so it never goes back to a head that was sent already."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def write(self, data: bytes) -> int:
        """Take what comes."""
        self._parts.append(bytes(data))
        return len(data)

    def taken(self, *, over: bool = False) -> bytes:
        """What came since."""
        data = b"".join(self._parts)
        self._parts.clear()
        return data


class _Held(_Sink):
    """Where FFmpeg may go back to the head, because nothing was sent yet: all of it is taken when it is over."""

    def __init__(self) -> None:
        self._file = TemporaryFile()  # noqa: SIM115 - closed when it was taken
        self.tell, self.seek = self._file.tell, self._file.seek

    def write(self, data: bytes) -> int:
        """Take what comes."""
        return self._file.write(data)

    def taken(self, *, over: bool = False) -> bytes:
        """Everything, once it is over."""
        if not over:
            return b""
        with self._file:
            self._file.seek(0)
            return self._file.read()


class Encoder:
    """Samples in, bytes of a format out, as soon as there are any.

    Args:
        samples: how many there will be, where that is known: a WAV tells it in its head.

    Raises: BadSetting: no such format.
    """

    def __init__(self, format_name: str, rate: int, samples: int | None = None) -> None:
        if format_name not in FORMATS:
            raise BadSetting(f"no format {format_name!r}; there are: {', '.join(FORMATS)}")
        self.media_type, container, codec = FORMATS[format_name]
        self._raw = not container
        self._head = wav_header(rate, samples) if format_name == "wav" else b""
        if not self._raw:
            import av

            self._sink = _Held() if format_name in WHOLE else _Sink()
            pages = {"page_duration": PAGE_US} if container == "ogg" else {}
            out: Any = av.open(self._sink, "w", format=container, container_options=pages)
            self._out = out
            self._stream: Any = self._out.add_stream(codec, rate=OPUS_RATE if codec == "libopus" else rate)
            self._stream.layout = "mono"
            if codec in BITS_PER_SECOND:
                self._stream.bit_rate = BITS_PER_SECOND[codec]
            self._rate = rate

    def feed(self, samples: NDArray[np.int16]) -> bytes:
        """(t,) samples → what can be sent of them now."""
        if self._raw:
            head, self._head = self._head, b""
            return head + samples.astype("<i2").tobytes()
        import av

        frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate = self._rate
        for packet in self._stream.encode(frame):
            self._out.mux(packet)
        return self._sink.taken()

    def end(self) -> bytes:
        """The rest."""
        if self._raw:
            head, self._head = self._head, b""
            return head
        for packet in self._stream.encode(None):
            self._out.mux(packet)
        self._out.close()
        return self._sink.taken(over=True)


def wav_bytes(clip: Clip) -> bytes:
    """A clip as a WAV file of 16 bits."""
    levels = np.rint(np.clip(clip.samples, -1, 1) * 32767).astype("<i2")
    return wav_header(clip.rate, len(levels)) + levels.tobytes()


def waveform(path: Path, bins: int) -> dict[str, Any]:
    """The lowest and the highest sample of each of `bins` equal parts of a sound, and its length."""
    seconds = describe(path).seconds
    total = max(1, round(seconds * DRAWN_RATE))
    low, high = np.zeros(bins, np.float32), np.zeros(bins, np.float32)
    at = 0
    for clip in read_blocks(path, rate=DRAWN_RATE):
        place = np.minimum((at + np.arange(len(clip))) * bins // total, bins - 1)
        np.minimum.at(low, place, clip.samples)
        np.maximum.at(high, place, clip.samples)
        at += len(clip)
    peaks = [[round(float(a), 4), round(float(b), 4)] for a, b in zip(low, high, strict=True)]
    return {"seconds": seconds, "peaks": peaks}


async def encoded(parts: AsyncIterator[NDArray[np.int16]], encoder: Encoder) -> AsyncIterator[bytes]:
    """Parts of sound as bytes of a format."""
    async for part in parts:
        if data := encoder.feed(part):
            yield data
    if data := encoder.end():
        yield data
