"""`Work`: a job in the hands of the one who does it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from voicewright.jobs.job import Job
from voicewright.progress import Progress


class Stopped(BaseException):
    """Raised in the middle of work by its `progress`: it was cancelled, or the program ends. No error of the work, so
    nothing that mends errors may hold it up."""


@dataclass(frozen=True, kw_only=True)
class Work:
    """A job in hand, as the one who does it sees it.

    Args:
        job: what is wished.
        folder: the job's own; `files_in` of it came with the request, what is put into `out` are its results.
        progress: tells how far it is; raises `Stopped` when the job is to end.
        wanted_off: whether it was cancelled; otherwise `Stopped` means that the program ends.
        of: the folder and the facts of another job. Raises UnknownJob.
    """

    job: Job
    folder: Path
    progress: Progress
    wanted_off: Callable[[], bool]
    of: Callable[[str], tuple[Job, Path]]

    @property
    def request(self) -> Mapping[str, Any]:
        return self.job.request

    @property
    def files_in(self) -> Path:
        """What came with the request."""
        return self.folder / "in"

    @property
    def out(self) -> Path:
        """Where results are put; made when it is asked for."""
        place = self.folder / "out"
        place.mkdir(exist_ok=True)
        return place


Does = Callable[[Work], Mapping[str, Any]]
