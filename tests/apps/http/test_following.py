"""Who follows jobs misses nothing, also after the line was cut."""

import asyncio
import json
from typing import Any

from fastapi.testclient import TestClient
from serving import ended

from voicewright.apps.http.following import events

WISH = {"text": "Then the door opened slowly.", "voice": "narrator"}


def first(client: TestClient, after: int, count: int) -> list[tuple[int, dict[str, Any]]]:
    """The first events after a change."""

    async def take() -> list[str]:
        found: list[str] = []
        async for text in events(client.app.state.house, "127.0.0.1", after):
            found.append(text)
            if len(found) == count:
                break
        return found

    told = [text.split("\n") for text in asyncio.run(asyncio.wait_for(take(), 10))]
    assert all(lines[0] == "event: job" for lines in told)
    return [(int(lines[1].removeprefix("id: ")), json.loads(lines[2].removeprefix("data: "))) for lines in told]


def test_every_job_is_told_of_once_as_it_is_now(client: TestClient) -> None:
    jobs = [ended(client, client.post("/api/v1/speech", json=WISH)) for _ in range(3)]
    told = first(client, 0, 3)
    assert [job["id"] for _, job in told] == [job["id"] for job in jobs]
    assert all(job["state"] == "done" for _, job in told)


def test_who_comes_back_hears_what_was_missed(client: TestClient) -> None:
    ended(client, client.post("/api/v1/speech", json=WISH))
    ((seen, _),) = first(client, 0, 1)
    missed = ended(client, client.post("/api/v1/speech", json=WISH))
    ((_, job),) = first(client, seen, 1)
    assert job["id"] == missed["id"]
