"""From recordings to a voice, to a dataset, to a trained voice: everything over the API, with the engine's twin."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from serving import SAMPLES, ended, upload

from voicewright.apps.http.app import create_app, create_queue
from voicewright.home import Home
from voicewright.studio import Studio

SOUNDS = sorted(SAMPLES.glob("*.flac"))[:2]


@pytest.fixture
def twin_client(home_folder: Path) -> Iterator[TestClient]:
    """A server whose voices are for the engine's twin."""
    studio = Studio(Home(home_folder), engine="kokoro-tiny", offline=True)
    with TestClient(create_app(studio, create_queue(studio)), base_url="http://localhost") as client:
        yield client


@pytest.mark.slow
def test_recordings_become_a_voice_that_speaks_and_converts(twin_client: TestClient) -> None:
    client, sounds = twin_client, [upload(twin_client, path) for path in SOUNDS]
    seen = ended(client, client.post("/api/v1/voices/examine", json={"uploads": sounds}), 60)
    assert seen["result"]["speakers"] == 1
    assert seen["result"]["seconds_used"] > 6
    wish = {"name": "reader", "uploads": sounds, "consent": "I am the speaker", "options": {"preset": "quick"}}
    made = ended(client, client.post("/api/v1/voices", json=wish), 120)
    assert made["state"] == "done", made["message"]
    shown = client.get("/api/v1/voices/reader").json()
    assert shown == made["result"]["voice"]
    assert [source["name"] for source in shown["sources"]] == [path.name for path in SOUNDS]
    assert "I am the speaker" in shown["consent"]
    taken = client.post("/api/v1/voices", json=wish)
    assert (taken.status_code, taken.json()["kind"]) == (422, "BadVoice")
    done = ended(client, client.post("/api/v1/conversions", json={"voice": "reader", "uploads": sounds[:1]}), 60)
    (item,) = done["result"]["items"]
    assert item["seconds"] == pytest.approx(7.1, abs=0.01)
    assert len(item["curves"]["source"]["hz"]) == len(item["curves"]["source"]["times_s"]) > 100
    assert client.get(done["files"][0]["url"]).content.startswith(b"RIFF")
    wish = {"upload": sounds[0], "like": sounds[1:]}
    measured = ended(client, client.post("/api/v1/measures", json=wish), 60)
    assert any("speaker" in line for line in measured["result"]["lines"])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("path", "wish"),
    [
        ("/api/v1/voices", {"name": "reader"}),
        ("/api/v1/datasets", {"name": "reader", "options": {"speaker": "reader"}}),
    ],
    ids=["clone", "prepare"],
)
def test_long_work_ends_when_it_is_told_to_and_can_be_begun_anew(
    twin_client: TestClient, path: str, wish: dict[str, object]
) -> None:
    client, sounds = twin_client, [upload(twin_client, sound) for sound in SOUNDS]
    job = client.post(path, json={**wish, "uploads": sounds}).json()
    while (told := client.get(f"/api/v1/jobs/{job['id']}").json())["state"] != "running" or not told["stage"]:
        assert told["state"] in ("waiting", "running"), told["message"]
        time.sleep(0.02)
    answer = client.post(f"/api/v1/jobs/{job['id']}/cancel")
    answer.status_code = 202
    assert ended(client, answer, 60)["state"] == "cancelled"
    assert client.get("/api/v1/voices").json() == {"voices": []}
    if path.endswith("voices"):
        wish = {**wish, "options": {"preset": "quick"}}
    again = ended(client, client.post(path, json={**wish, "uploads": sounds}), 120)
    assert again["state"] == "done", again["message"]


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_recordings_become_a_dataset_and_a_trained_voice(twin_client: TestClient) -> None:
    client, sounds = twin_client, [upload(twin_client, path) for path in SOUNDS]
    voice = {"name": "start", "uploads": sounds, "options": {"preset": "quick"}}
    assert ended(client, client.post("/api/v1/voices", json=voice), 120)["state"] == "done"
    wish = {"name": "reader", "uploads": sounds, "options": {"speaker": "reader"}}
    made = ended(client, client.post("/api/v1/datasets", json=wish), 120)
    assert made["state"] == "done", made["message"]
    clips = client.get("/api/v1/datasets/reader/clips").json()
    assert clips["total"] == made["result"]["summary"]["kept"]["utterances"] >= 2
    clip = clips["clips"][0]["id"]
    where = "/api/v1/datasets/reader"
    assert client.get(f"{where}/clips/{clip}/audio").content.startswith(b"RIFF")
    assert client.get(f"{where}/clips/..%2F..%2Fdataset.json/audio").status_code == 404
    (changed,) = client.post(f"{where}/edits", json={"clip": clip, "text": "What is said."}).json()["clips"]
    assert changed["text"] == "What is said."
    assert client.get(f"{where}/clips", params={"search": "what is said"}).json()["total"] == 1
    (back,) = client.post(f"{where}/undo", json={}).json()["clips"]
    assert back["text"] == clips["clips"][0]["text"]
    client.post(f"{where}/edits", json={"clip": clip, "drop": "a cough"})
    assert client.get(f"{where}/clips", params={"state": "dropped"}).json()["clips"][0]["dropped"] == "a cough"
    client.post(f"{where}/undo", json={})
    page = client.get(f"{where}/report")
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    assert client.get(f"{where}/report/{clips['clips'][0]['audio']}").status_code == 200
    assert client.get(f"{where}/report/../dataset.json").status_code == 404

    values = {"engine": "kokoro-tiny", "start": "start", "epochs": 1, "batch_size": 2, "audition": {"sentences": 0}}
    plan = {"name": "first", "dataset": "reader", "values": values}
    planned = ended(client, client.post("/api/v1/plans", json=plan), 60)
    assert planned["state"] == "done", planned["message"]
    told = client.get("/api/v1/plans/first").json()["plan"]
    assert (told["dataset"], told["run"], told["epochs"]) == ("reader", "first", 1)
    trained = ended(client, client.post("/api/v1/runs", json={"plan": "first"}), 120)
    assert trained["state"] == "done", trained["message"]
    assert trained["result"]["status"] == "finished"
    shown = client.get("/api/v1/runs/first").json()
    assert shown["checkpoints"][-1]["step"] == trained["result"]["steps"] == shown["state"]["step"]
    assert client.get("/api/v1/runs/first/curve").json()["losses"]["loss"]["values"]
    taken = ended(client, client.post("/api/v1/runs/first/export", json={"name": "trained"}), 60)
    assert taken["result"] == {"voice": "trained"}
    wish = {"text": "Hello there.", "engine": "runs/first", "settings": {"check": {"check": "off"}}}
    assert ended(client, client.post("/api/v1/speech", json=wish), 60)["state"] == "done"
    refused = client.post("/api/v1/plans", json={**plan, "values": {"start": "/tmp/x.voice"}})
    assert "of the server" in refused.json()["detail"]
