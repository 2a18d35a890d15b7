"""Which finished jobs go when there are too many: the oldest, by age and by the room they take."""

import os
import stat
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from voicewright.errors import BadSetting
from voicewright.jobs.job import Job


@dataclass(frozen=True, kw_only=True)
class Policy:
    """How long results are kept."""

    days: float = 30.0
    """Results older than this are deleted; 0 keeps them whatever their age."""
    megabytes: float = 4000.0
    """The oldest results are deleted when all of them take more room than this; 0 knows no limit."""

    def __post_init__(self) -> None:
        if not (self.days >= 0 and self.megabytes >= 0):
            raise BadSetting(f"days and megabytes must not be negative, got {self.days:g} and {self.megabytes:g}")


def outdated(jobs: Iterable[Job], folder: Callable[[str], Path], policy: Policy) -> list[Job]:
    """The jobs to delete, of `jobs` that are over, the newest first. The newest is always kept."""
    oldest = (datetime.now(UTC) - timedelta(days=policy.days)).isoformat() if policy.days else ""
    left, gone = policy.megabytes * 1e6 or float("inf"), []
    for number, job in enumerate(jobs):
        left -= bytes_in(folder(job.id))
        if number and (left < 0 or job.ended < oldest):
            gone.append(job)
    return gone


def bytes_in(folder: Path) -> int:
    """The room that the files below a folder take; links are not followed."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):  # it may go meanwhile
                about = os.lstat(f"{place}{os.sep}{name}")
                total += about.st_size if stat.S_ISREG(about.st_mode) else 0
    return total
