"""The `.voice` file: tensors and a JSON header in one safetensors file.

    8 bytes            length of the table, little endian
    table (JSON)       `__metadata__["voicewright"]`: the voice's header (JSON text); and each tensor's place
    tensors            the engine's float32 arrays; `preview.flac`, FLAC bytes as uint8

The layout is the safetensors format (https://github.com/huggingface/safetensors), so other tools can open it.
The header's digest covers header and tensors: it finds damage. It is no signature and proves nothing about the maker.
"""

import hashlib
import io
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from voicewright.audio.clip import Clip
from voicewright.errors import BadVoice
from voicewright.voice.header import (
    IDENTIFIER,
    VOICE_FORMAT,
    header_of,
    header_text,
    parse_header,
    strict_json,
    voice_fields,
)
from voicewright.voice.voice import Voice

__all__ = ["VOICE_FORMAT", "parse_voice", "read_header", "read_voice", "voice_bytes", "write_voice"]

METADATA_KEY = "voicewright"
PREVIEW = "preview.flac"
# Most voices are a few kilobytes of style and some seconds of FLAC; one that brings its own network has up to 300 MB.
MAX_FILE_BYTES = 512 * 2**20
MAX_TABLE_BYTES = 2 * 2**20
MAX_PREVIEW_S = 120


def write_voice(voice: Voice, path: Path) -> None:
    """Write `voice` to `path`, whole or not at all: a crash leaves the earlier file.

    Raises:
        BadVoice: as `voice_bytes`.
    """
    data = voice_bytes(voice)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{secrets.token_hex(8)}.part")
    try:
        with temporary.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def voice_bytes(voice: Voice) -> bytes:
    """The content of a .voice file. The preview is kept with 16 bits; samples beyond [-1, 1] are clipped.

    Raises:
        BadVoice: the voice holds something that a file may not hold (not finite, a bad name, settings beyond JSON).
    """
    from safetensors.numpy import save

    header = header_of(voice)
    arrays = _checked_tensors(voice.tensors, f"voice {voice.name!r}")
    if voice.preview is not None:
        arrays[PREVIEW] = _flac_bytes(voice.preview)
    header["digest"] = _digest(header, arrays)
    data = save(arrays, metadata={METADATA_KEY: header_text(header)})
    if len(data) > MAX_FILE_BYTES:
        raise BadVoice(f"voice {voice.name!r} takes {len(data) >> 20} MB, at most {MAX_FILE_BYTES >> 20} are allowed")
    return data


def read_voice(path: Path) -> Voice:
    """The voice in the file at `path`. Nothing in the file is run, and nothing unknown is passed over.

    Raises:
        BadVoice: not there, not a voice file, another format, damaged, or holding what no voice holds.
    """
    return parse_voice(_read_bytes(path, MAX_FILE_BYTES), str(path))


def parse_voice(data: bytes, where: str) -> Voice:
    """The voice in the content of a .voice file; `where` begins the messages. Raises BadVoice: as `read_voice`."""
    if len(data) > MAX_FILE_BYTES:
        raise BadVoice(f"{where}: it has more than {MAX_FILE_BYTES >> 20} MB, which no voice has")
    header = parse_header(_metadata(_table(data, len(data), where), where), where)
    arrays = _arrays(data, where)
    if _digest(header, arrays) != header["digest"]:
        raise BadVoice(f"{where}: its contents do not match their checksum; the file is damaged, copy it again")
    flac = arrays.pop(PREVIEW, None)
    tensors = _checked_tensors(arrays, where)
    preview = _preview(flac, header["preview_rate"], where)
    return Voice(**voice_fields(header), tensors=tensors, preview=preview)


@dataclass(frozen=True, slots=True, kw_only=True)
class VoiceHeader:
    """What a voice file says of itself; its tensors were not looked at."""

    voice: Voice
    has_preview: bool


def read_header(path: Path) -> VoiceHeader:
    """The voice at `path` without tensors and preview: quick, and not checked for damage behind the header.

    Raises:
        BadVoice: as `read_voice`, as far as the header shows it.
    """
    where = str(path)
    start = _read_bytes(path, 8 + MAX_TABLE_BYTES, whole=False)
    table = _table(start, path.stat().st_size, where)
    header = parse_header(_metadata(table, where), where)
    return VoiceHeader(voice=Voice(**voice_fields(header), tensors={}), has_preview=PREVIEW in table)


def _read_bytes(path: Path, limit: int, *, whole: bool = True) -> bytes:
    if not path.is_file():
        raise BadVoice(f"{path}: there is no such file")
    if whole and path.stat().st_size > limit:
        raise BadVoice(f"{path}: it has more than {limit >> 20} MB, which no voice file has")
    try:
        with path.open("rb") as file:
            return file.read(limit)
    except OSError as problem:
        raise BadVoice(f"{path}: it cannot be read ({problem.strerror})") from problem


def _table(data: bytes, file_bytes: int, where: str) -> dict[str, Any]:
    """The table at the start of a safetensors file."""
    not_a_voice = f"{where}: it is not a voice file (.voice)"
    if len(data) < 8:
        raise BadVoice(f"{not_a_voice}, or it was cut off after {len(data)} bytes")
    length = int.from_bytes(data[:8], "little")
    if length > MAX_TABLE_BYTES or length < 2:
        raise BadVoice(not_a_voice)
    if 8 + length > min(len(data), file_bytes):
        raise BadVoice(f"{where}: it was cut off; copy it again")
    try:
        text = data[8 : 8 + length].decode("utf-8")
    except UnicodeDecodeError as problem:
        raise BadVoice(not_a_voice) from problem
    table = strict_json(text, where)
    if not isinstance(table, dict):
        raise BadVoice(not_a_voice)
    return table


def _metadata(table: Mapping[str, Any], where: str) -> str:
    metadata = table.get("__metadata__")
    text = metadata.get(METADATA_KEY) if isinstance(metadata, dict) else None
    if not isinstance(metadata, dict) or not isinstance(text, str) or len(metadata) != 1:
        raise BadVoice(f"{where}: it is a safetensors file, but not a voice")
    return text


def _arrays(data: bytes, where: str) -> dict[str, NDArray[Any]]:
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        arrays = load(data)
    # KeyError: an element type that numpy does not have.
    except (SafetensorError, KeyError, ValueError, TypeError) as problem:
        raise BadVoice(f"{where}: its tensors cannot be read ({str(problem)[:120]}); copy it again") from problem
    return dict(arrays)


def _checked_tensors(tensors: Mapping[str, NDArray[Any]], where: str) -> dict[str, NDArray[Any]]:
    checked = {}
    for name, array in tensors.items():
        if not IDENTIFIER.fullmatch(name) or name == PREVIEW:
            raise BadVoice(f"{where}: a tensor cannot be named {ascii(name)[:80]}")
        if array.dtype != np.float32:
            raise BadVoice(f"{where}: its tensor {name!r} is {array.dtype}, only float32 is allowed")
        if not np.isfinite(array).all():
            raise BadVoice(f"{where}: its tensor {name!r} holds values that are not numbers (NaN or infinity)")
        checked[name] = np.asarray(array, order="C")
    return checked


def _digest(header: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> str:
    """SHA-256 over the header (its own digest left out) and every array with its name, type and shape."""
    digest = hashlib.sha256(header_text({k: v for k, v in header.items() if k != "digest"}).encode())
    for name in sorted(arrays):
        array = arrays[name]
        digest.update(f"\n{name} {array.dtype.str} {array.shape}\n".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def _flac_bytes(clip: Clip) -> NDArray[np.uint8]:
    import soundfile

    if not 0 < clip.seconds <= MAX_PREVIEW_S:
        raise BadVoice(f"a preview has up to {MAX_PREVIEW_S} s, this one has {clip.seconds:.1f} s")
    buffer = io.BytesIO()
    soundfile.write(buffer, np.clip(clip.samples, -1.0, 1.0), clip.rate, format="FLAC", subtype="PCM_16")
    return np.frombuffer(buffer.getvalue(), np.uint8)


def _preview(flac: NDArray[Any] | None, rate: int, where: str) -> Clip | None:
    if (flac is None) != (rate == 0):
        raise BadVoice(f"{where}: its preview and its header do not agree; the file is damaged")
    if flac is None:
        return None
    import soundfile

    broken = f"{where}: its preview cannot be played; the file is damaged"
    if flac.dtype != np.uint8 or flac.ndim != 1:
        raise BadVoice(broken)
    try:
        with soundfile.SoundFile(io.BytesIO(flac.tobytes())) as sound:
            fits = (sound.format, sound.channels, sound.samplerate) == ("FLAC", 1, rate)
            if not fits or not 0 < sound.frames <= MAX_PREVIEW_S * rate:
                raise BadVoice(broken)
            samples = sound.read(sound.frames, dtype="float32")
    except (soundfile.SoundFileError, RuntimeError) as problem:
        raise BadVoice(broken) from problem
    return Clip(samples, rate)
