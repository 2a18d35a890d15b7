"""The server is killed in the middle of its work; nothing is lost."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from voicewright.home import Home, HomeSettings
from voicewright.settings import save

TEXT = " ".join(
    f"Sentence number {number} is spoken after the one before it, and takes its time." for number in range(24)
)
WISH = {"text": TEXT, "voice": "twin", "settings": {"check": {"check": "off"}}}


@contextmanager
def server(home: Home, log: Path) -> Iterator[tuple[httpx.Client, subprocess.Popen[bytes]]]:
    """A server in a process of its own, as a user starts it."""
    command = [sys.executable, "-m", "voicewright", "--home", str(home.root), "serve", "--port", "0"]
    with log.open("wb") as file:
        process = subprocess.Popen(command, stderr=file, stdout=file, env=os.environ | {"OMP_NUM_THREADS": "1"})
    try:
        until_s = time.monotonic() + 60
        while " is at http" not in log.read_text("utf-8"):
            assert process.poll() is None, log.read_text("utf-8")
            assert time.monotonic() < until_s
            time.sleep(0.1)
        address = log.read_text("utf-8").split(" is at ")[1].split()[0]
        with httpx.Client(base_url=address, timeout=30) as client:
            while True:
                try:
                    client.get("/api/v1/about")
                    break
                except httpx.TransportError:
                    assert time.monotonic() < until_s
                    time.sleep(0.1)
            yield client, process
    finally:
        process.kill()
        process.wait(20)


def twin(home: Home) -> None:
    """A voice for the engine's twin in the home."""
    from voicewright.engines.kokoro.config import KokoroConfig
    from voicewright.engines.kokoro.style import Style
    from voicewright.engines.kokoro.twin import tiny_prior
    from voicewright.engines.registry import load
    from voicewright.studio import Studio
    from voicewright.voice.library import Library
    from voicewright.voice.voice import Voice

    engine = load("kokoro-tiny", Studio(home, offline=True).store)
    prior, stages = tiny_prior(), KokoroConfig.tiny().stages
    timbre, prosody = prior.voices[0].split(prior.width)
    style = Style(timbre=timbre.expand(stages, -1), prosody=prosody)
    made = Voice(name="twin", engine=engine.name, weights=engine.weights, tensors=style.to_tensors())
    Library(home.voices).add(made)


@pytest.mark.slow
def test_a_server_that_was_killed_goes_on_where_it_stopped(home_folder: Path, tmp_path: Path) -> None:
    home = Home(home_folder)
    twin(home)
    save(HomeSettings(offline=True), home.settings_file)
    with server(home, tmp_path / "first.log") as (client, process):
        job = client.post("/api/v1/speech", json=WISH).json()
        waiting = client.post("/api/v1/speech", json={**WISH, "text": "A short one."}).json()
        pieces = home.jobs / job["id"] / "pieces" / job["id"] / "pieces.jsonl"
        until_s = time.monotonic() + 60
        while not pieces.is_file() or pieces.read_bytes().count(b"\n") < 3:
            assert time.monotonic() < until_s
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.wait(20)
    finished = pieces.read_bytes().count(b"\n")
    assert 3 <= finished < 24
    written = {path.name: path.stat().st_mtime_ns for path in pieces.parent.glob("*.npy")}
    with server(home, tmp_path / "second.log") as (client, _):
        for name in (job["id"], waiting["id"]):
            while (told := client.get(f"/api/v1/jobs/{name}").json())["state"] in ("waiting", "running"):
                assert time.monotonic() < until_s + 120
                time.sleep(0.1)
            assert told["state"] == "done", told["message"]
        kept = {path.name: path.stat().st_mtime_ns for path in pieces.parent.glob("*.npy")}
        assert sum(kept[name] == written[name] for name in written) >= finished  # not spoken a second time
        sound = client.get(f"/api/v1/speech/{job['id']}/stream?format=pcm").content
        whole = client.post("/api/v1/speech", json=WISH).json()["id"]
        while client.get(f"/api/v1/jobs/{whole}").json()["state"] != "done":
            time.sleep(0.1)
        assert sound == client.get(f"/api/v1/speech/{whole}/stream?format=pcm").content
