"""`House`: what every route works with."""

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, count
from pathlib import Path
from typing import Annotated, Any

from fastapi import Depends, Request
from pydantic import BaseModel, ConfigDict

from voicewright.apps.http.clips import Clips
from voicewright.apps.http.gate import KEY, TRIES_PER_MINUTE, Bucket
from voicewright.apps.http.keys import Keys
from voicewright.apps.http.options import ServeOptions
from voicewright.apps.http.shapes import FileTold, JobTold
from voicewright.apps.http.uploads import Uploads
from voicewright.errors import BadUpload
from voicewright.jobs.job import Job
from voicewright.jobs.places import Places
from voicewright.jobs.queue import JobQueue
from voicewright.studio import Studio
from voicewright.voice.names import same_file_key

JOBS = "/api/v1/jobs"
TYPES = {
    ".wav": "audio/wav",
    ".mp3": "audio/mpeg",
    ".flac": "audio/flac",
    ".ogg": "audio/ogg",
    ".opus": "audio/ogg",
    ".srt": "application/x-subrip",
    ".vtt": "text/vtt",
    ".json": "application/json",
    ".png": "image/png",
}


class Wish(BaseModel):
    """A request's body: nothing in it may be unknown."""

    model_config = ConfigDict(extra="forbid")


@dataclass(kw_only=True)
class House:
    """The studio, the queue before it, and who may come in."""

    studio: Studio
    queue: JobQueue
    options: ServeOptions
    places: Places
    uploads: Uploads
    keys: Keys
    clips: Clips = field(default_factory=Clips)
    """The clips of the datasets that are looked at."""
    tries: Bucket = field(default_factory=lambda: Bucket(TRIES_PER_MINUTE))
    """How often an address may still try a key."""
    live_sessions: int = 0
    """Live conversions that run now."""

    def submit(
        self,
        request: Request,
        kind: str,
        wish: Mapping[str, Any],
        *,
        sounds: Sequence[str] = (),
        beside: Mapping[str, str | None] | None = None,
    ) -> Job:
        """A job for whoever sent `request`.

        Args:
            sounds: ids of uploads that the job hears, in order.
            beside: ids of other uploads that it needs, by what they are for; None is left out.

        Raises: UnknownName: there is no such upload. BadUpload: one is no sound. QueueFull.
        """
        files: dict[str, Path] = {}
        names = []
        for name in sounds:
            upload = self.uploads.get(name)
            if upload.kind != "sound":
                raise BadUpload(f"{upload.name!r} is no sound")
            names.append(_unlike(upload.file, files))
            files[names[-1]] = self.uploads.path(upload)
        extra: dict[str, Any] = {"_files": names}
        for role, given in (beside or {}).items():
            if given is not None:
                upload = self.uploads.get(given)
                extra[f"_{role}"] = _unlike(f"{role}-{upload.file}", files)
                files[extra[f"_{role}"]] = self.uploads.path(upload)
        return self.queue.submit(kind, {**wish, **extra}, owner=owner_of(request), files=files)

    def told(self, job: Job) -> JobTold:
        """A job as clients see it."""
        return JobTold(
            id=job.id,
            kind=job.kind,
            state=job.state,
            stage=job.stage,
            done=job.done,
            total=job.total,
            message=self.outside(job.message),
            ahead=self.queue.ahead(job),
            request={name: value for name, value in job.request.items() if not name.startswith("_")},
            result=None if job.result is None else self._result(job.result),
            files=[self._file(job, name) for name in job.files],
            created=job.created,
            started=job.started or None,
            ended=job.ended or None,
        )

    def _result(self, result: Mapping[str, Any]) -> dict[str, Any]:
        """What came out; of the doctor's findings, strangers hear nothing of places."""
        if "findings" in result and not self.alone:
            return {**result, "findings": self.outside(result["findings"])}
        return dict(result)

    def still_in(self, owner: str) -> bool:
        """Whether who was let in as `owner` would be now: keys are withdrawn while somebody listens."""
        return not self.keys.required or (owner.startswith(KEY) and self.keys.lets_in(owner.removeprefix(KEY)))

    @property
    def alone(self) -> bool:
        """Whether whoever asks sits at this machine, and may be told where things are."""
        return self.options.is_local and not self.keys.required

    def outside(self, told: Any) -> Any:
        """Plain data as clients may read it: nobody outside learns where on this machine the home is."""
        if isinstance(told, str):
            root = str(self.studio.home.root)
            return told.replace(f"{root}{os.sep}", "").replace(root, "the home").replace(f" at {sys.executable}", "")
        if isinstance(told, Mapping):
            return {name: self.outside(each) for name, each in told.items()}
        return [self.outside(each) for each in told] if isinstance(told, list) else told

    def file(self, job: Job, name: str) -> Path | None:
        """One of the files that came out of a job; None when it has none of that name."""
        path = self.queue.folder(job.id) / "out" / name
        return path if name in job.files and path.is_file() else None

    def _file(self, job: Job, name: str) -> FileTold:
        path = self.queue.folder(job.id) / "out" / name
        size = path.stat().st_size if path.is_file() else 0
        return FileTold(name=name, type=media_type(name), bytes=size, url=f"{JOBS}/{job.id}/files/{name}")


def _unlike(name: str, others: Iterable[str]) -> str:
    """`name`, or with a number when one of `others` differs in no more than its ending: what is made of them has their
    names too."""
    taken = {same_file_key(Path(each).stem) for each in others}
    stem, ending = Path(name).stem, Path(name).suffix
    numbers = (f"{stem}-{number}" for number in count(2))
    free = next(each for each in chain([stem], numbers) if same_file_key(each) not in taken)
    return free + ending


def media_type(name: str) -> str:
    """What kind of content a file of that name holds."""
    return TYPES.get(Path(name).suffix.lower(), "application/octet-stream")


def owner_of(request: Request) -> str:
    """Who sent it."""
    return str(getattr(request.state, "owner", ""))


def house_of(request: Request) -> House:
    """The house of the app that answers."""
    house: House = request.app.state.house
    return house


TheHouse = Annotated[House, Depends(house_of)]
