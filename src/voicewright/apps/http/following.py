"""Following a job: its events as they happen, its sound while it is made."""

import asyncio
from collections.abc import AsyncIterator

import numpy as np
from numpy.typing import NDArray

from voicewright.apps.http.house import House
from voicewright.apps.http.shapes import JobTold
from voicewright.errors import BadJob
from voicewright.jobs.job import Job
from voicewright.jobs.soundstream import StreamReader

EVENTS_EVERY_S = 0.2
SOUND_EVERY_S = 0.03
ALIVE_EVERY_S = 15.0


async def over(house: House, name: str) -> Job:
    """The job, once it is over."""
    while not (job := house.queue.get(name)).over:
        await asyncio.sleep(SOUND_EVERY_S)
    return job


async def first_sound(house: House, name: str) -> Job:
    """The job, once it sounds or is over."""
    reader = StreamReader(house.queue.folder(name))
    while not (job := house.queue.get(name)).over and not reader.sounds:
        await asyncio.sleep(SOUND_EVERY_S)
    return job


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


async def events(house: House, after: int, name: str | None = None) -> AsyncIterator[str]:
    """Server-sent events: every change of jobs after change number `after`; of one job only, until it is over."""
    quiet_s = 0.0
    if name is not None:
        after = max(after, house.queue.last_change)
        job = house.queue.get(name)
        yield event(after, house.told(job))
        if job.over:
            return
    while True:
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
