"""Safetensors files: read, look at their header, add to their header. Errors are in the project's own words."""

import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from voicewright.errors import BadWeights

MAX_HEADER_BYTES = 100_000_000  # the format's own limit


def read_tensors(path: Path) -> dict[str, NDArray[np.generic]]:
    """Every array of a safetensors file by name, in the precision in which it was stored.

    The header is checked by the safetensors library: offsets inside the file, no overlap, lengths that fit the shapes.

    Raises: BadWeights when the file is missing, damaged, or not a safetensors file.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        return cast("dict[str, NDArray[np.generic]]", load_file(path))
    except (SafetensorError, OSError, ValueError, KeyError) as error:
        raise BadWeights(f"{path}: not a whole safetensors file ({error}); fetch or convert it again") from error


def read_metadata(path: Path) -> dict[str, str]:
    """The text notes in a safetensors header; reads no tensor.

    Raises: as `read_tensors`.
    """
    header, _ = _read_header(path)
    notes = header.get("__metadata__", {})
    if not isinstance(notes, dict) or not all(isinstance(value, str) for value in notes.values()):
        raise BadWeights(f"{path}: its notes are not text; fetch or convert it again")
    return notes


def stamp(source: Path, out: Path, notes: Mapping[str, str]) -> None:
    """Copy a safetensors file with `notes` added to its header; the tensors' bytes stay as they are.

    Raises: as `read_tensors`.
    """
    header, start = _read_header(source)
    header["__metadata__"] = read_metadata(source) | dict(notes)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with source.open("rb") as old, out.open("wb") as new:
        new.write(struct.pack("<Q", len(text)) + text)
        old.seek(start)
        while chunk := old.read(1 << 20):
            new.write(chunk)


def _read_header(path: Path) -> tuple[dict[str, Any], int]:
    """The header as JSON, and where the tensors' bytes begin."""
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            text = file.read(length) if 2 <= length <= MAX_HEADER_BYTES else b""
        header = json.loads(text)
    except (OSError, ValueError, RecursionError) as error:
        raise BadWeights(f"{path}: not a whole safetensors file ({error}); fetch or convert it again") from error
    if not isinstance(header, dict):
        raise BadWeights(f"{path}: not a safetensors file; fetch or convert it again")
    return header, 8 + length
