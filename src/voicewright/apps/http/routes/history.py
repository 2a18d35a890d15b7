"""What was made: found again, replayed, deleted."""

from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from voicewright.apps.http.house import House, TheHouse, owner_of
from voicewright.apps.http.routes.jobs import Limit, accepted
from voicewright.apps.http.shapes import Found, JobTold
from voicewright.errors import BadClip, UnknownJob
from voicewright.jobs.job import Job
from voicewright.jobs.kinds import OUTPUTS
from voicewright.settings import to_dict
from voicewright.speech.card import read_card

router = APIRouter(prefix="/api/v1/history", tags=["history"])
Offset = Annotated[int, Query(ge=0, le=1_000_000)]
Search = Annotated[str, Query(max_length=200)]


@router.get("")
def list_(house: TheHouse, search: Search = "", kind: str = "", offset: Offset = 0, limit: Limit = 50) -> Found:
    """What was spoken and converted, the newest first; `search` looks through texts and names."""
    kinds = (kind,) if kind in OUTPUTS else OUTPUTS
    store = house.queue.store
    found = store.find(states=("done",), kinds=kinds, search=search, offset=offset, limit=limit)
    total = store.count(states=("done",), kinds=kinds, search=search)
    return Found(total=total, entries=[house.told(job) for job in found])


@router.get("/{job_id}/card")
def cards(house: TheHouse, job_id: str) -> dict[str, Any]:
    """What the sound files of a job say of themselves."""
    job, found = _output(house, job_id), {}
    for name in job.files:
        path = house.file(job, name)
        try:
            card = read_card(path) if path else None
        except BadClip:
            continue
        if card is not None:
            found[name] = to_dict(replace(card, voice_file=""))
    return {"cards": found}


@router.post("/{job_id}/replay", status_code=202)
def replay(house: TheHouse, request: Request, response: Response, job_id: str) -> JobTold:
    """The same once more: a new job with the same request."""
    job = _output(house, job_id)
    came = house.queue.folder(job.id) / "in"
    files = {path.name: path for path in sorted(came.iterdir())} if came.is_dir() else {}
    again = house.queue.submit(job.kind, job.request, owner=owner_of(request), files=files)
    return accepted(house, again, response)


@router.delete("/{job_id}", status_code=204)
def remove(house: TheHouse, job_id: str) -> Response:
    """Delete what came out of a job, and the job."""
    house.queue.remove(_output(house, job_id).id)
    return Response(status_code=204)


def _output(house: House, job_id: str) -> Job:
    job = house.queue.get(job_id)
    if job.kind not in OUTPUTS:
        raise UnknownJob(f"job {job_id} made no sound")
    return job
