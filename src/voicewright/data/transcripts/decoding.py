"""The characters of a text file, whoever saved it."""

import codecs
import gzip
import re
import zlib
from pathlib import Path

from voicewright.errors import BadDataset

LARGEST_BYTES = 50_000_000
"""A thousand hours of speech take less; what is larger is not a transcript."""
MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f\ufeff\ufffe]")


def read_text(path: Path) -> str:
    """The text of a file, unpacked if its name ends in .gz: lines end in "\\n", no control characters.

    UTF-8, or UTF-16 (with its mark, or recognised by its zeros).

    Raises:
        BadDataset: no such file, larger than `LARGEST_BYTES`, empty, a broken archive, or in another encoding.
    """
    data = _bytes(path)
    mark, encoding = next((each for each in MARKS if data.startswith(each[0])), (b"", ""))
    data, encoding = data[len(mark) :], encoding or _unmarked(data)
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as problem:
        raise BadDataset(_wrong_byte(path, data, encoding, problem)) from None
    if text.count("\x00") > len(text) // 100:
        raise BadDataset(f"{path}: this is not a text file (it holds zero bytes); give the transcript as plain text")
    text = _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    if not text.strip():
        raise BadDataset(f"{path}: the transcript is empty; leave it out, or write down what is said")
    return text


def _bytes(path: Path) -> bytes:
    try:
        if path.name.lower().endswith(".gz"):
            with gzip.open(path) as file:
                data = file.read(LARGEST_BYTES + 1)
        else:
            with path.open("rb") as plain:
                data = plain.read(LARGEST_BYTES + 1)
    except (EOFError, gzip.BadGzipFile, zlib.error) as problem:
        raise BadDataset(f"{path}: the archive cannot be unpacked ({problem}); get the file again") from None
    except OSError as problem:
        raise BadDataset(f"{path}: cannot be read ({problem.strerror or problem})") from None
    if len(data) > LARGEST_BYTES:
        raise BadDataset(
            f"{path}: more than {LARGEST_BYTES // 1_000_000} MB of text; is this a transcript? Divide it by recording"
        )
    return data


def _unmarked(data: bytes) -> str:
    """UTF-16 without a mark shows in the zeros of its Latin letters and spaces."""
    head = data[:4096]
    even, odd = head[0::2].count(0), head[1::2].count(0)
    if max(even, odd) > len(head) // 8 and min(even, odd) * 8 < max(even, odd):
        return "utf-16-le" if odd > even else "utf-16-be"
    return "utf-8"


def _wrong_byte(path: Path, data: bytes, encoding: str, problem: UnicodeDecodeError) -> str:
    number = data.count(b"\n", 0, problem.start) + 1
    where = f"{path}, line {number}: byte 0x{data[problem.start]:02X} is not {encoding.upper()}"
    if encoding != "utf-8":
        return f"{where}; save the file as UTF-8"
    around = data[max(0, problem.start - 12) : problem.start + 12].decode("cp1252", "replace").strip()
    return (
        f"{where}. As Windows-1252 or Latin-1 it would read {around!r}; if that is right, convert it: "
        f"iconv -f WINDOWS-1252 -t UTF-8 {path.name}"
    )
