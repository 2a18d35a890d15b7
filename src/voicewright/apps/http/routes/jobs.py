"""Jobs: what waits, what runs, what came out."""

from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import FileResponse, StreamingResponse

from voicewright.apps.http.following import events
from voicewright.apps.http.house import House, TheHouse, media_type, owner_of
from voicewright.apps.http.shapes import Jobs, JobTold
from voicewright.errors import UnknownName
from voicewright.jobs.job import Job, State
from voicewright.jobs.kinds import KINDS

router = APIRouter(prefix="/api/v1", tags=["jobs"])
Limit = Annotated[int, Query(ge=1, le=500)]
LastEvent = Annotated[int | None, Header(alias="Last-Event-ID")]
SSE: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/event-stream": {}}, "description": "Server-sent events named job"}
}


def accepted(house: House, job: Job, response: Response) -> JobTold:
    """A job that was just asked for: 202, and where to look."""
    response.headers["Location"] = f"/api/v1/jobs/{job.id}"
    return house.told(job)


@router.get("/jobs")
def list_(house: TheHouse, state: State | None = None, kind: str = "", limit: Limit = 50) -> Jobs:
    """Jobs, the newest first."""
    if kind and kind not in KINDS:
        raise UnknownName(f"no kind of job is called {kind[:40]!r}; there are: {', '.join(KINDS)}")
    found = house.queue.store.find(states=(state,) if state else (), kinds=(kind,) if kind else (), limit=limit)
    return Jobs(jobs=[house.told(house.queue.get(job.id)) for job in found])


@router.get("/jobs/{job_id}")
def show(house: TheHouse, job_id: str) -> JobTold:
    """One job as it is now."""
    return house.told(house.queue.get(job_id))


@router.post("/jobs/{job_id}/cancel")
def cancel(house: TheHouse, job_id: str) -> JobTold:
    """End a job: at once if it waits, at its next step if it runs."""
    return house.told(house.queue.cancel(job_id))


@router.delete("/jobs/{job_id}", status_code=204)
def remove(house: TheHouse, job_id: str) -> Response:
    """Delete a job that is over, with its files."""
    house.queue.remove(job_id)
    return Response(status_code=204)


@router.get("/jobs/{job_id}/files/{name}", response_class=FileResponse)
def file(house: TheHouse, job_id: str, name: str, download: Literal["", "0", "1"] = "") -> FileResponse:
    """A file that came out of a job; a part of it with a Range header."""
    path = house.file(house.queue.get(job_id), name)
    if path is None:
        raise UnknownName(f"that job has no file {name[:80]!r}")
    how = "attachment" if download == "1" else "inline"
    return FileResponse(path, media_type=media_type(name), filename=name, content_disposition_type=how)


@router.get("/jobs/{job_id}/events", responses=SSE, response_class=StreamingResponse)
async def follow(house: TheHouse, request: Request, job_id: str) -> StreamingResponse:
    """The job now, every change of it, and its end."""
    house.queue.get(job_id)
    return StreamingResponse(events(house, owner_of(request), 0, job_id), media_type="text/event-stream", headers=LIVE)


@router.get("/events", responses=SSE, response_class=StreamingResponse)
async def follow_all(house: TheHouse, request: Request, last: LastEvent = None) -> StreamingResponse:
    """Every change of every job from now on, or since the last event that was seen."""
    after = house.queue.last_change if last is None or last > house.queue.last_change else last
    return StreamingResponse(
        _soon_again(events(house, owner_of(request), after)), media_type="text/event-stream", headers=LIVE
    )


async def _soon_again(told: AsyncIterator[str]) -> AsyncIterator[str]:
    """Who loses the line tries again after a second; browsers would take three."""
    yield "retry: 1000\n\n"
    async for each in told:
        yield each


LIVE = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
"""Proxies hold nothing back."""
