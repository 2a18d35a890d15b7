"""`Keys`: who may use the server. Only hashes of keys are kept; a key is told once, when it is made."""

import hashlib
import hmac
import json
import os
import secrets
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from voicewright.errors import BadSetting, UnknownName
from voicewright.jobs.job import now

PREFIX, GIVEN = "vw_", "given "
BEGINS = 7
"""So many letters of a key are kept to tell it from others; 39 secret ones are left."""
SHORTEST = 16
MOST_KEYS = 100
SESSION_S = 7 * 24 * 3600.0
MOST_SESSIONS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFacts:
    """What is known of a key: not the key. `given`: it came with the start of the server, and is written nowhere."""

    id: str
    name: str = ""
    begins: str = ""
    made: str = ""
    given: bool = False


Facts = list[KeyFacts]
Rows = list[dict[str, Any]]


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
            self._known[_hashed(key)] = f"{GIVEN}{number}"
        for row in self._rows():
            self._known[row["sha256"]] = row["id"]
        self._sessions: dict[str, tuple[str, float]] = {}
        self._lock = threading.Lock()

    @property
    def required(self) -> bool:
        """Whether there is any key: then nothing works without one."""
        return bool(self._known)

    def list(self) -> Facts:
        """Every key, as far as it is known."""
        given = [KeyFacts(id=owner, given=True) for owner in self._known.values() if owner.startswith(GIVEN)]
        kept = [
            KeyFacts(id=row["id"], name=row.get("name", ""), begins=row.get("begins", ""), made=row.get("made", ""))
            for row in self._rows()
        ]
        return [*given, *kept]

    def make(self, name: str = "") -> str:
        """A new key, kept as its hash. Nobody can be told it again. Raises BadSetting: there are too many."""
        key = PREFIX + secrets.token_urlsafe(32)
        row = {"id": secrets.token_hex(4), "name": name, "begins": key[:BEGINS], "sha256": _hashed(key), "made": now()}
        with self._lock:
            rows = self._rows()
            if len(rows) >= MOST_KEYS:
                raise BadSetting(f"there are {len(rows)} keys; delete those that nobody uses")
            self._write([*rows, row])
            self._known[row["sha256"]] = row["id"]
        return key

    def remove(self, name: str) -> None:
        """Forget the key with that id, and every session that it opened.

        Raises: UnknownName: there is none. BadSetting: it was given when the server was started.
        """
        with self._lock:
            if name.startswith(GIVEN) and name in self._known.values():
                raise BadSetting("this key was given when the server was started; start it without the key")
            rows = self._rows()
            if name not in {row["id"] for row in rows}:
                raise UnknownName(f"there is no key {name[:40]!r}")
            self._write([row for row in rows if row["id"] != name])
            self._known = {hashed: owner for hashed, owner in self._known.items() if owner != name}
            self._sessions = {word: kept for word, kept in self._sessions.items() if kept[0] != name}

    def owner(self, key: str) -> str | None:
        """Whose key it is; None for no key of ours."""
        hashed = _hashed(key)
        found = [owner for known, owner in self._known.items() if hmac.compare_digest(known, hashed)]
        return found[0] if found else None

    def lets_in(self, owner: str) -> bool:
        """Whether the key with this id, which was shown before, still opens anything."""
        return owner in self._known.values()

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

    def _write(self, rows: Sequence[Mapping[str, Any]]) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        part = self._path.with_suffix(".part")
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            json.dump(rows, file, indent=1)
        part.replace(self._path)

    def _rows(self) -> Rows:
        if not self._path.is_file():
            return []
        try:
            rows: Rows = json.loads(self._path.read_text("utf-8"))
            if all(isinstance(row["sha256"], str) and isinstance(row["id"], str) for row in rows):
                return rows
        except (ValueError, TypeError, KeyError):
            pass
        raise BadSetting(f"{self._path} is damaged; delete it and make new keys: voicewright serve --new-key")


def _hashed(word: str) -> str:
    return hashlib.sha256(word.encode("utf-8", "surrogatepass")).hexdigest()
