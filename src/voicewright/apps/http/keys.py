"""`Keys`: who may use the server. Only hashes of keys are kept; a key is told once, when it is made."""

import hashlib
import hmac
import json
import os
import secrets
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from voicewright.errors import BadSetting
from voicewright.jobs.job import now

PREFIX = "vw_"
SHORTEST = 16
SESSION_S = 7 * 24 * 3600.0
MOST_SESSIONS = 1000


class Keys:
    """The keys of a home, in a file that only its owner can read, and those of this run.

    A key made here has 256 random bits, so its SHA-256 tells nothing about it and needs no salt.

    Args:
        path: the file; made when the first key is.
        given: keys of this run; they are not written down.

    Raises:
        BadSetting: a given key is shorter than 16 characters, or the file is damaged.
    """

    def __init__(self, path: Path, given: Sequence[str] = ()) -> None:
        self._path = path
        self._known: dict[str, str] = {}  # hash → owner
        for number, key in enumerate(given, 1):
            if len(key) < SHORTEST:
                raise BadSetting(f"a key needs {SHORTEST} characters or more; make one: voicewright serve --new-key")
            self._known[_hashed(key)] = f"given {number}"
        for row in self._rows():
            self._known[row["sha256"]] = row["id"]
        self._sessions: dict[str, tuple[str, float]] = {}
        self._lock = threading.Lock()

    @property
    def required(self) -> bool:
        """Whether there is any key: then nothing works without one."""
        return bool(self._known)

    def make(self) -> str:
        """A new key, kept as its hash. Nobody can be told it again."""
        key = PREFIX + secrets.token_urlsafe(32)
        row = {"id": secrets.token_hex(4), "sha256": _hashed(key), "made": now()}
        self._path.parent.mkdir(parents=True, exist_ok=True)
        part = self._path.with_suffix(".part")
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            json.dump([*self._rows(), row], file, indent=1)
        part.replace(self._path)
        self._known[row["sha256"]] = row["id"]
        return key

    def owner(self, key: str) -> str | None:
        """Whose key it is; None for no key of ours."""
        hashed = _hashed(key)
        found = [owner for known, owner in self._known.items() if hmac.compare_digest(known, hashed)]
        return found[0] if found else None

    def open_session(self, owner: str) -> str:
        """A word for a browser's cookie that stands for the key, for a week or until the server ends."""
        word = secrets.token_urlsafe(32)
        with self._lock:
            now_s = time.time()
            self._sessions = {each: kept for each, kept in self._sessions.items() if kept[1] > now_s}
            while len(self._sessions) >= MOST_SESSIONS:
                self._sessions.pop(next(iter(self._sessions)))
            self._sessions[_hashed(word)] = (owner, now_s + SESSION_S)
        return word

    def session_owner(self, word: str) -> str | None:
        """Whose session it is; None when there is none, or it is over."""
        with self._lock:
            found = self._sessions.get(_hashed(word))
        return found[0] if found and found[1] > time.time() else None

    def close_session(self, word: str) -> None:
        """Forget a session."""
        with self._lock:
            self._sessions.pop(_hashed(word), None)

    def _rows(self) -> list[dict[str, Any]]:
        if not self._path.is_file():
            return []
        try:
            rows = json.loads(self._path.read_text("utf-8"))
            if all(isinstance(row["sha256"], str) and isinstance(row["id"], str) for row in rows):
                return list(rows)
        except (ValueError, TypeError, KeyError):
            pass
        raise BadSetting(f"{self._path} is damaged; delete it and make new keys: voicewright serve --new-key")


def _hashed(word: str) -> str:
    return hashlib.sha256(word.encode("utf-8", "surrogatepass")).hexdigest()
