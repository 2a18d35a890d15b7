"""`JobStore`: every job on disk, in one SQLite file that survives whatever happens to the program."""

import json
import sqlite3
import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from voicewright.errors import BadJob, UnknownJob
from voicewright.jobs.job import Job, is_id

FORMAT = 1
COLUMNS = (
    "id", "kind", "request", "owner", "state", "stage", "done", "total", "message", "result", "files", "attempts",
    "created", "started", "ended",
)  # fmt: skip
TABLE = """
CREATE TABLE IF NOT EXISTS jobs (
    number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE NOT NULL, kind TEXT NOT NULL, request TEXT NOT NULL,
    owner TEXT NOT NULL, state TEXT NOT NULL, stage TEXT NOT NULL, done REAL NOT NULL, total REAL NOT NULL,
    message TEXT NOT NULL, result TEXT, files TEXT NOT NULL, attempts INTEGER NOT NULL, created TEXT NOT NULL,
    started TEXT NOT NULL, ended TEXT NOT NULL, words TEXT NOT NULL DEFAULT ''
);
CREATE INDEX IF NOT EXISTS jobs_by_state ON jobs (state, number);
"""
_PLAIN = ("request", "result", "files")


class JobStore:
    """The jobs of one home. Any thread may call it.

    Args:
        path: the file; made with its folder when it is not there.

    Raises:
        BadJob: the file is damaged, of another version, or cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.RLock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._base = sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=30)
            self._base.execute("PRAGMA journal_mode=WAL")
            self._base.execute("PRAGMA synchronous=FULL")
            (version,) = self._base.execute("PRAGMA user_version").fetchone()
            if version not in (0, FORMAT):
                raise BadJob(f"{path}: its format is {version}, this version of voicewright reads {FORMAT}")
            self._base.executescript(TABLE)
            self._base.execute(f"PRAGMA user_version={FORMAT}")
        except (sqlite3.Error, OSError) as problem:
            raise BadJob(
                f"{path}: the jobs cannot be kept there ({problem}); move the file away to begin anew"
            ) from None

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._base.close()

    def add(self, job: Job) -> None:
        """Keep a new job."""
        row = _row(job) | {"words": _words(job)}
        names = ", ".join(row)
        marks = ", ".join("?" for _ in row)
        self._run(f"INSERT INTO jobs ({names}) VALUES ({marks})", tuple(row.values()))  # noqa: S608 - our own names

    def put(self, job: Job) -> None:
        """Keep what became of a job that is there."""
        row = _row(job) | {"words": _words(job)}
        names = ", ".join(f"{name} = ?" for name in row)
        self._run(f"UPDATE jobs SET {names} WHERE id = ?", (*row.values(), job.id))  # noqa: S608 - our own names

    def get(self, name: str) -> Job:
        """The job with that id. Raises UnknownJob."""
        found = self._all("WHERE id = ?", (name,)) if is_id(name) else []
        if not found:
            raise UnknownJob(f"there is no job {name[:40]!r}; it may have been deleted, or pruned because of its age")
        job: Job = found[0]
        return job

    def remove(self, name: str) -> None:
        """Forget a job; nothing if it is not there."""
        self._run("DELETE FROM jobs WHERE id = ?", (name,))

    def find(
        self,
        *,
        states: Sequence[str] = (),
        kinds: Sequence[str] = (),
        search: str = "",
        newest: bool = True,
        offset: int = 0,
        limit: int = -1,
    ) -> list[Job]:
        """Jobs of those states and kinds (all when none is named) whose texts and names hold every word of `search`."""
        clause, values = _clause(states, kinds, search)
        order = f"ORDER BY number {'DESC' if newest else 'ASC'} LIMIT ? OFFSET ?"
        return self._all(f"{clause} {order}", (*values, limit, offset))

    def count(self, *, states: Sequence[str] = (), kinds: Sequence[str] = (), search: str = "") -> int:
        """How many `find` would give."""
        clause, values = _clause(states, kinds, search)
        with self._lock:
            (found,) = self._base.execute(f"SELECT count(*) FROM jobs {clause}", values).fetchone()  # noqa: S608
        return int(found)

    def _all(self, clause: str, values: Sequence[Any]) -> list[Job]:
        with self._lock:
            rows = self._base.execute(f"SELECT {', '.join(COLUMNS)} FROM jobs {clause}", values).fetchall()  # noqa: S608
        return [_job(dict(zip(COLUMNS, row, strict=True))) for row in rows]

    def _run(self, command: str, values: Sequence[Any]) -> None:
        try:
            with self._lock:
                self._base.execute(command, values)
        except sqlite3.Error as problem:
            raise BadJob(f"{self.path} cannot be written ({problem}); check the folder and the free space") from None


def _clause(states: Sequence[str], kinds: Sequence[str], search: str) -> tuple[str, tuple[Any, ...]]:
    wanted: list[str] = []
    values: list[Any] = []
    for column, allowed in (("state", states), ("kind", kinds)):
        if allowed:
            wanted.append(f"{column} IN ({', '.join('?' for _ in allowed)})")
            values += allowed
    for word in search.casefold().split()[:16]:
        wanted.append("instr(words, ?) > 0")
        values.append(word)
    return (f"WHERE {' AND '.join(wanted)}" if wanted else ""), tuple(values)


def _row(job: Job) -> dict[str, Any]:
    row = asdict(job)
    return row | {name: None if row[name] is None else json.dumps(row[name], ensure_ascii=False) for name in _PLAIN}


def _job(row: Mapping[str, Any]) -> Job:
    plain = {name: None if row[name] is None else json.loads(row[name]) for name in _PLAIN}
    job = Job(**{**row, **plain})
    return replace(job, files=tuple(job.files))


def _words(job: Job) -> str:
    """What a search looks through: every text of the request and the names of what came out."""
    return "\n".join([*_texts(job.request), *job.files, job.kind]).casefold()


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, Mapping):
        return [text for each in value.values() for text in _texts(each)]
    if isinstance(value, list | tuple):
        return [text for each in value for text in _texts(each)]
    return []
