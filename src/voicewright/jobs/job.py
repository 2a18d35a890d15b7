"""`Job`: one piece of work for the studio, from the wish to the result."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

State = Literal["waiting", "running", "done", "failed", "cancelled"]
ENDED: frozenset[State] = frozenset({"done", "failed", "cancelled"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What is wished, by whom, how far it is, and what came out.

    Args:
        kind: what is to be done; see `kinds.KINDS`.
        request: plain data that the kind's handler understands.
        owner: whose job it is; owners take turns.
        stage, done, total: how far it is, as its `Progress` told; `total` 0 is not known.
        message: why it failed, in a sentence; or a note.
        result: plain data; None until it is done.
        files: names of the files that came out, in the job's folder.
        attempts: how often it was begun; more than once when the program died meanwhile.
        created, started, ended: times in UTC, ISO 8601; "" when it is not so far.
    """

    id: str
    kind: str
    request: Mapping[str, Any] = field(default_factory=dict)
    owner: str = ""
    state: State = "waiting"
    stage: str = ""
    done: float = 0.0
    total: float = 0.0
    message: str = ""
    result: Mapping[str, Any] | None = None
    files: tuple[str, ...] = ()
    attempts: int = 0
    created: str = ""
    started: str = ""
    ended: str = ""

    @property
    def over(self) -> bool:
        """Whether nothing will change any more."""
        return self.state in ENDED


def new_id() -> str:
    """A name that nobody can guess, and that is safe as a folder's."""
    return secrets.token_hex(8)


def is_id(text: str) -> bool:
    """Whether `text` can be an id at all."""
    return len(text) == 16 and set(text) <= set("0123456789abcdef")


def now() -> str:
    """This moment, as jobs write it down."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")
