"""Hashes, and a note of which files were hashed already, so that start-up does not read 92 MB each time."""

import hashlib
import json
import os
import tempfile
from contextlib import suppress
from pathlib import Path

from voicewright.progress import Progress, silent

CHUNK_BYTES = 1 << 20


def sha256_of(path: Path, progress: Progress = silent) -> str:
    """SHA-256 of a file's bytes, hex. Progress counts bytes."""
    digest = hashlib.sha256()
    total, done = path.stat().st_size, 0
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
            done += len(chunk)
            progress(f"checking {path.name}", done, total)
    return digest.hexdigest()


class Verified:
    """Remembers a file's hash as long as its path, length and time of change stay the same.

    The notes are a small JSON file. Where it cannot be written (a read-only store) files are hashed each time.
    """

    def __init__(self, notes: Path) -> None:
        self._notes = notes

    def sha256(self, path: Path, progress: Progress = silent) -> str:
        """The file's SHA-256, from the notes if the file has not changed since."""
        key, stamp = str(path.resolve()), _stamp(path)
        notes = self._read()
        known = notes.get(key)
        if isinstance(known, list) and len(known) == 3 and known[:2] == stamp and isinstance(known[2], str):
            return known[2]
        digest = sha256_of(path, progress)
        if _stamp(path) == stamp:  # otherwise it changed while it was read, and the hash is of neither state
            self._write(notes | {key: [*stamp, digest]})
        return digest

    def _read(self) -> dict[str, object]:
        try:
            notes = json.loads(self._notes.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return notes if isinstance(notes, dict) else {}

    def _write(self, notes: dict[str, object]) -> None:
        living = {key: note for key, note in notes.items() if Path(key).exists()}
        with suppress(OSError):
            self._notes.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=self._notes.parent, prefix=".verified-", suffix=".tmp")
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(living, file, indent=1)
            Path(name).replace(self._notes)


def _stamp(path: Path) -> list[int]:
    stat = path.stat()
    return [stat.st_size, stat.st_mtime_ns]
