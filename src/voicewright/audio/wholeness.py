"""Is a sound file as long as its own header says?

Decoders read what is there and call it the end, so half a download would pass for a short recording.
Here the sizes that a container promises are compared with the file before anything is decoded.
A header that promises nothing, as every streamed file has, is taken at its word: the file ends where it ends.
"""

import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from voicewright.errors import BadClip

# What writers put for "not known yet": zero, all ones, and the signed or page-rounded limits of sox and arecord.
UNKNOWN_FROM = 0x7FFF0000
MP3_SLACK_BYTES = 4096  # encoders disagree by a frame or two on what the count of an MP3 covers
MP4_BOXES = {b"ftyp", b"styp", b"moov", b"mdat", b"moof", b"mfra", b"sidx", b"free", b"skip", b"wide", b"uuid", b"udta"}
OGG_PAGE_BYTES = 65_307  # the longest page that Ogg allows (RFC 3533)


def check_whole(path: Path) -> None:
    """Pass if the file holds all that its header promises, or promises nothing.

    Raises:
        BadClip: the file ends before its sound does.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(16)
        promise = next((reader for mark, reader in PROMISES if mark(head)), None)
        if promise is None:
            return
        try:
            promised = promise(file, size)
        except (struct.error, OSError, OverflowError):  # the header is cut short, or points beyond any disk
            promised = size + 1
    if promised > size:
        raise BadClip(
            f"{path} is cut off: its header promises {promised:,} bytes, the file holds {size:,}; "
            "copy or download it again, or cut it anew with an audio editor to use what is there"
        )


def _wav(file: BinaryIO, size: int) -> int:
    """RIFF, RIFX and RF64: the end of the data chunk."""
    file.seek(0)
    kind = file.read(12)[:4]
    layout = ">4sI" if kind == b"RIFX" else "<4sI"
    long_data: int | None = None
    while len(header := file.read(8)) == 8:
        name, length = struct.unpack(layout, header)
        if name == b"ds64":
            long_data = _number("<8xQ", file.read(16))
            file.seek(length - 16 + length % 2, os.SEEK_CUR)
        elif name == b"data":
            if kind == b"RF64" and long_data is not None and length == 0xFFFFFFFF:
                return file.tell() + long_data
            return _end(file.tell(), length, size)
        else:
            file.seek(length + length % 2, os.SEEK_CUR)
    return 0  # no data chunk: the decoder says so


def _avi(file: BinaryIO, size: int) -> int:
    """AVI: the end of the first list, which holds all of it up to 1 GB."""
    file.seek(4)
    return _end(8, _number("<I", file.read(4)), size)


def _aiff(file: BinaryIO, size: int) -> int:
    """AIFF and AIFF-C: the end of the sound chunk."""
    file.seek(12)
    while len(header := file.read(8)) == 8:
        name, length = struct.unpack(">4sI", header)
        if name == b"SSND":
            return _end(file.tell(), length, size)
        file.seek(length + length % 2, os.SEEK_CUR)
    return 0


def _caf(file: BinaryIO, size: int) -> int:
    """Core Audio: the end of the data chunk; -1 means to the end of the file."""
    file.seek(8)
    while len(header := file.read(12)) == 12:
        name, length = struct.unpack(">4sq", header)
        if name == b"data":
            return file.tell() + max(0, int(length))
        file.seek(max(0, length), os.SEEK_CUR)
    return 0


def _au(file: BinaryIO, size: int) -> int:
    file.seek(4)
    return _end(_number(">I", file.read(4)), _number(">I", file.read(4)), size)


def _w64(file: BinaryIO, size: int) -> int:
    file.seek(16)
    return _number("<Q", file.read(8))


def _number(layout: str, data: bytes) -> int:
    return int(struct.unpack(layout, data)[0])


def _end(start: int, length: int, size: int) -> int:
    """Where `length` bytes from `start` end; the file's size when the length says "unknown"."""
    return size if length == 0 or (length >= UNKNOWN_FROM and start + length > size) else start + length


def _mp3(file: BinaryIO, size: int) -> int:
    """The byte count of a Xing or Info frame, where the encoder wrote one."""
    start = 0
    file.seek(0)
    tag = file.read(10)
    if tag[:3] == b"ID3":
        size_bytes = struct.unpack("4B", tag[6:])  # seven bits in each
        start = 10 + sum(int(byte) << shift for byte, shift in zip(size_bytes, (21, 14, 7, 0), strict=True))
        if start > size:
            return start
    file.seek(start)
    frame = file.read(256)
    at = max(frame.find(b"Xing"), frame.find(b"Info"))
    if at < 0:
        return 0
    flags, frames_or_bytes, then = struct.unpack(">III", frame[at + 4 : at + 16])
    has_frames, has_bytes = flags & 1, flags & 2
    length = (then if has_frames else frames_or_bytes) if has_bytes else 0
    return start + max(0, int(length) - MP3_SLACK_BYTES)


def _ogg(file: BinaryIO, size: int) -> int:
    """The end of the last page that begins in the file."""
    start = max(0, size - OGG_PAGE_BYTES - 27)
    file.seek(start)
    tail = file.read()
    page = tail.rfind(b"OggS")
    if page < 0:
        return size + 1
    segments = _number("B", tail[page + 26 : page + 27])
    table = tail[page + 27 : page + 27 + segments]
    return start + page + 27 + segments + (sum(table) if len(table) == segments else 1)


def _mp4(file: BinaryIO, size: int) -> int:
    """MP4, M4A, MOV, 3GP: the end of the last box."""
    at = 0
    while at + 8 <= size:
        file.seek(at)
        length, name = struct.unpack(">I4s", file.read(8))
        if length == 1:
            length = _number(">Q", file.read(8))
        if length == 0 or name not in MP4_BOXES:  # to the end of the file, or something stuck on behind the last box
            return size
        at += max(8, length)
    return at


def _matroska(file: BinaryIO, size: int) -> int:
    """MKV and WebM: the end of the segment, which a recording browser leaves open."""
    file.seek(4)
    header = _element_bytes(file)
    if header is None:
        return 0
    file.seek(header, os.SEEK_CUR)
    if file.read(4) != b"\x18\x53\x80\x67":
        return 0
    length = _element_bytes(file)
    return 0 if length is None else file.tell() + length


def _element_bytes(file: BinaryIO) -> int | None:
    """The length of an EBML element (RFC 8794 §6); None for "unknown"."""
    first = _number("B", file.read(1))
    width = 9 - first.bit_length()
    value = int.from_bytes(bytes([first & (0xFF >> width)]) + file.read(width - 1), "big")
    return None if value == (1 << 7 * width) - 1 else value


Mark = Callable[[bytes], bool]
Promise = Callable[[BinaryIO, int], int]

# How a file begins, and who knows where it says that it ends.
PROMISES: tuple[tuple[Mark, Promise], ...] = (
    (lambda head: head[:4] in (b"RIFF", b"RIFX", b"RF64") and head[8:12] == b"WAVE", _wav),
    (lambda head: head[:4] == b"RIFF" and head[8:12] == b"AVI ", _avi),
    (lambda head: head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"), _aiff),
    (lambda head: head[:4] == b"caff", _caf),
    (lambda head: head[:4] == b".snd", _au),
    (lambda head: head[:4] == b"riff", _w64),
    (lambda head: head[:4] == b"OggS", _ogg),
    (lambda head: head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free"), _mp4),
    (lambda head: head[:4] == b"\x1a\x45\xdf\xa3", _matroska),
    (lambda head: head[:3] == b"ID3" or (head[:1] == b"\xff" and head[1:2] >= b"\xe0"), _mp3),
)
