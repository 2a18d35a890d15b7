"""A server whose engine speaks in chords, without a network between."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from voicewright.apps.http.app import create_app, create_queue
from voicewright.apps.http.keys import Keys
from voicewright.apps.http.options import ServeOptions
from voicewright.home import Home
from voicewright.studio import Studio

KEY = "a key that is long enough"
HERE = {"Authorization": f"Bearer {KEY}"}
SAMPLES = Path(__file__).parents[3] / "src" / "voicewright" / "samples" / "austen"

Serves = Callable[..., TestClient]


@pytest.fixture
def home_folder(_own_home: Path) -> Path:
    """The home of this test."""
    return _own_home


@pytest.fixture
def serves(home: Home) -> Iterator[Serves]:
    """Makes a client of a new server; options as `ServeOptions`, `keys` lets in only those who know one."""
    clients: list[TestClient] = []

    def serve(*, keys: tuple[str, ...] = (), name: str = "localhost", **options: Any) -> TestClient:
        studio, wanted = Studio(home, engine="tones", offline=True), ServeOptions(**options)
        app = create_app(studio, create_queue(studio, wanted), wanted, Keys(home.keys_file, keys))
        clients.append(TestClient(app, base_url=f"http://{name}", raise_server_exceptions=False))
        return clients[-1].__enter__()

    yield serve
    for client in clients:
        client.__exit__(None, None, None)


@pytest.fixture
def client(serves: Serves) -> TestClient:
    """A server of this machine alone, without keys."""
    return serves()


def ended(client: TestClient, answer: Any, within_s: float = 20.0) -> Mapping[str, Any]:
    """The job that an answer tells of, once it is over."""
    assert answer.status_code == 202, answer.text
    job: dict[str, Any] = answer.json()
    until_s = time.monotonic() + within_s
    while job["state"] in ("waiting", "running"):
        assert time.monotonic() < until_s, job
        time.sleep(0.03)
        job = client.get(f"/api/v1/jobs/{job['id']}").json()
    return job


def upload(client: TestClient, path: Path, name: str = "") -> str:
    """The id of a file that was sent."""
    answer = client.post("/api/v1/uploads", files={"file": (name or path.name, path.read_bytes())})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


class Slow:
    """An engine's `_take` that waits at a gate, so that work can be met in its middle."""

    def __init__(self) -> None:
        self.gate, self.begun = threading.Event(), threading.Semaphore(0)

    def __call__(self, take: Callable[..., Any]) -> Callable[..., Any]:
        def slow(*args: Any) -> Any:
            self.begun.release()
            assert self.gate.wait(20)
            return take(*args)

        return slow
