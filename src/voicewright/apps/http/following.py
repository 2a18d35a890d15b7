"""Following a job: its events as they happen, its sound while it is made."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import numpy as np
from fastapi import Request
from numpy.typing import NDArray

from voicewright.apps.http.house import House
from voicewright.apps.http.shapes import JobTold
from voicewright.errors import BadJob
from voicewright.jobs.job import Job
from voicewright.jobs.soundstream import StreamReader

EVENTS_EVERY_S = 0.2
SOUND_EVERY_S = 0.03
ALIVE_EVERY_S = 15.0
GONE_EVERY_S = 0.25


async def over(house: House, name: str, request: Request) -> Job:
    """The job, once it is over; it ends when whoever asked for it hangs up before."""
    async with _while_there(house, name, request):
        while not (job := house.queue.get(name)).over:
            await asyncio.sleep(SOUND_EVERY_S)
        return job


async def first_sound(house: House, name: str, request: Request | None = None) -> Job:
    """The job, once it sounds or is over; with a `request`, it ends when whoever sent that hangs up before."""
    reader = StreamReader(house.queue.folder(name))
    async with _while_there(house, name, request):
        while not (job := house.queue.get(name)).over and not reader.sounds:
            await asyncio.sleep(SOUND_EVERY_S)
        return job


@asynccontextmanager
async def _while_there(house: House, name: str, request: Request | None) -> AsyncIterator[None]:
    """Cancels the job when the wait ends without it, and when nobody waits any more."""

    async def look() -> None:
        while request is not None and not await request.is_disconnected():
            await asyncio.sleep(GONE_EVERY_S)
        house.queue.cancel(name)

    looking = asyncio.create_task(look()) if request is not None else None
    try:
        yield
    except BaseException:
        if request is not None:
            house.queue.cancel(name)
        raise
    finally:
        if looking is not None:
            looking.cancel()


async def sound_of(house: House, name: str, *, cancels: bool = False) -> AsyncIterator[NDArray[np.int16]]:
    """(t,) the job's sound in parts, up to its end; when nobody listens any more and it `cancels`, the job ends."""
    reader = StreamReader(house.queue.folder(name))
    try:
        while True:
            job = house.queue.get(name)
            for part in reader.fresh():
                yield part
            if job.state == "failed":
                raise BadJob(job.message)  # too late for an answer: the connection breaks
            if job.over:
                return
            await asyncio.sleep(SOUND_EVERY_S)
    finally:
        if cancels:
            house.queue.cancel(name)


async def events(house: House, owner: str, after: int, name: str | None = None) -> AsyncIterator[str]:
    """Server-sent events: every change of jobs after change number `after`; of one job only, until it is over. They end
    when the key of their `owner` is withdrawn."""
    quiet_s = 0.0
    if name is not None:
        after = max(after, house.queue.last_change)
        job = house.queue.get(name)
        yield event(after, house.told(job))
        if job.over:
            return
    while house.still_in(owner):
        for number, job in house.queue.events(after):
            after = number
            if name is None or job.id == name:
                quiet_s = 0.0
                yield event(number, house.told(job))
                if name is not None and job.over:
                    return
        quiet_s += EVENTS_EVERY_S
        if quiet_s >= ALIVE_EVERY_S:
            quiet_s = 0.0
            yield ": still here\n\n"
        await asyncio.sleep(EVENTS_EVERY_S)


def event(number: int, job: JobTold) -> str:
    """One event as it is sent."""
    return f"event: job\nid: {number}\ndata: {job.model_dump_json()}\n\n"
