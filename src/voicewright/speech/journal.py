"""`Journal`: finished pieces on disk, so that a crash or Ctrl-C loses the piece in hand and nothing else."""

import hashlib
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from voicewright.audio.clip import Clip
from voicewright.engines.base import Engine
from voicewright.errors import BadJob
from voicewright.settings import to_dict
from voicewright.speech.options import SpeechSettings
from voicewright.speech.takes import Take
from voicewright.text.piece import Piece
from voicewright.voice.voice import Voice


def job_id(pieces: Sequence[Piece], voice: Voice, engine: Engine, settings: SpeechSettings) -> str:
    """What decides the result, as one SHA-256 (hex): pieces, the voice's content, the engine's weights, all settings,
    and the version of voicewright.

    A voice's name is not part of it; a renamed voice speaks the same.
    """
    told = {
        "tool": version("voicewright"),
        "pieces": [asdict(piece) for piece in pieces],
        "engine": [engine.name, engine.weights, engine.rate],
        "settings": to_dict(settings),
    }
    digest = hashlib.sha256(json.dumps(told, sort_keys=True).encode())
    for name, tensor in sorted(voice.tensors.items()):
        digest.update(f"\n{name} {tensor.dtype.str} {tensor.shape} ".encode())
        digest.update(np.ascontiguousarray(tensor).tobytes())
    return digest.hexdigest()


class Journal:
    """The finished pieces of one job, in a folder of their own below `folder`.

    Samples are kept as they are (float32, 0.35 GB for an hour at 24 kHz), so a job that is taken up again gives the
    same samples as one that was never stopped. `pieces.jsonl` has a line for each piece, written after its samples are
    safely on disk; a last line cut short by a crash is dropped.

    Args:
        folder: where jobs are kept; made when the first piece is.
        job: from `job_id`.

    Raises:
        BadJob: the journal cannot be read, is damaged other than in its last line, or holds another job.
    """

    def __init__(self, folder: Path, job: str) -> None:
        from pydantic import TypeAdapter

        self.folder, self.job = folder / job[:32], job
        self._take = TypeAdapter(Take)
        try:
            self._entries = self._read()
        except OSError as problem:
            raise self._trouble("read", problem) from problem

    @property
    def finished(self) -> int:
        """How many pieces are finished."""
        return len(self._entries)

    @property
    def bytes_used(self) -> int:
        """Disk space of this journal."""
        return sum(file.stat().st_size for file in self.folder.iterdir()) if self.folder.is_dir() else 0

    def find(self, index: int) -> tuple[Clip, Take] | None:
        """Piece number `index`; None when it is not finished or its samples are damaged (then it is spoken again)."""
        entry = self._entries.get(index)
        if entry is None:
            return None
        try:
            samples = np.load(self._sound(index), allow_pickle=False)
        except (OSError, ValueError, EOFError):
            return None
        if _sha256(samples) != entry["sha256"]:
            return None
        return Clip(samples, entry["rate"]), self._take.validate_json(json.dumps(entry["take"]), strict=True)

    def keep(self, index: int, clip: Clip, take: Take) -> None:
        """Put a finished piece on disk; when this returns, a crash can no longer lose it.

        Raises:
            BadJob: the disk is full or cannot be written to.
        """
        entry = {
            "job": self.job,
            "piece": index,
            "rate": clip.rate,
            "sha256": _sha256(clip.samples),
            "take": to_dict(take),
        }
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            sound = self._sound(index)
            part = sound.with_suffix(f".{os.getpid()}.part")
            with part.open("wb") as file:
                np.save(file, clip.samples, allow_pickle=False)
                _flush(file)
            part.replace(sound)
            with self._lines.open("ab") as lines:
                lines.write(json.dumps(entry).encode() + b"\n")
                _flush(lines)
        except OSError as problem:
            raise self._trouble("written", problem) from problem
        self._entries[index] = entry

    def finish(self) -> None:
        """The job is done: remove the journal."""
        if self.folder.is_dir():
            shutil.rmtree(self.folder)
        self._entries = {}

    def _trouble(self, what: str, problem: OSError) -> BadJob:
        remedy = "make room or mend its permissions, or delete that folder to start this job afresh"
        return BadJob(f"{self.folder}: the journal cannot be {what} ({problem.strerror}); {remedy}")

    @property
    def _lines(self) -> Path:
        return self.folder / "pieces.jsonl"

    def _sound(self, index: int) -> Path:
        return self.folder / f"{index:06d}.npy"

    def _read(self) -> dict[int, Mapping[str, Any]]:
        if not self._lines.is_file():
            return {}
        data = self._lines.read_bytes()
        whole = data[: data.rfind(b"\n") + 1]
        if len(whole) < len(data):
            os.truncate(self._lines, len(whole))
        entries: dict[int, Mapping[str, Any]] = {}
        lines = whole.splitlines()
        for number, line in enumerate(lines, 1):
            entry = _parsed(line)
            if entry is None:
                if number == len(lines):
                    os.truncate(self._lines, len(whole) - len(line) - 1)
                    break
                raise BadJob(f"{self._lines}: line {number} is damaged; delete {self.folder} to start this job afresh")
            if entry["job"] != self.job:
                raise BadJob(f"{self._lines}: line {number} belongs to another job; delete {self.folder}")
            entries[entry["piece"]] = entry
        return entries


def _parsed(line: bytes) -> Mapping[str, Any] | None:
    """One line of the journal; None when it is damaged."""
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    types = {"job": str, "piece": int, "rate": int, "sha256": str, "take": dict}
    good = isinstance(entry, dict) and all(isinstance(entry.get(name), kind) for name, kind in types.items())
    return entry if good else None


def _sha256(samples: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(samples, "<f4").tobytes()).hexdigest()


def _flush(file: Any) -> None:
    file.flush()
    os.fsync(file.fileno())
