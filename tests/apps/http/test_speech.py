"""Texts become sound through the server as they do without it."""

import asyncio
import json
import threading
import wave
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from serving import Serves, Slow, ended
from tones import ToneEngine

from voicewright.apps.http.following import first_sound, over
from voicewright.audio.files import read_clip
from voicewright.errors import StaleVoice
from voicewright.home import Home
from voicewright.studio import Studio

TEXT = "The quick brown fox jumps over a lazy dog. Then the door opened slowly."
WISH = {"text": TEXT, "voice": "narrator"}


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Slow:
    """The engine waits in the middle of each take until the gate is opened."""
    slow = Slow()
    monkeypatch.setattr(ToneEngine, "_take", slow(ToneEngine._take))
    return slow


def test_a_text_is_spoken_as_the_studio_speaks_it(client: TestClient, home: Home, tmp_path: Path) -> None:
    job = ended(client, client.post("/api/v1/speech", json={**WISH, "subtitles": "srt"}))
    assert (job["state"], [file["name"] for file in job["files"]]) == ("done", ["speech.srt", "speech.wav"])
    (tmp_path / "got.wav").write_bytes(client.get(job["files"][1]["url"]).content)
    Studio(home, engine="tones").speak(TEXT, voice="narrator", out=tmp_path / "ours.wav")
    got, ours = read_clip(tmp_path / "got.wav"), read_clip(tmp_path / "ours.wav")
    assert np.array_equal(got.samples, ours.samples)
    assert "".join(piece["text"] for piece in job["result"]["pieces"]) == TEXT
    assert job["result"]["scores"]["words_wrong"] == 0


def test_a_piece_spoken_anew_leaves_the_others_as_they_were(client: TestClient) -> None:
    text = " ".join(f"Sentence number {name} comes here and takes some time to say aloud." for name in ("one", "two"))
    first = ended(client, client.post("/api/v1/speech", json={**WISH, "text": f"{text} {text}", "settings": OFF}))
    pieces = first["result"]["pieces"]
    assert len(pieces) > 2
    wish = {"pieces": [{"index": 1, "text": "Something else entirely."}]}
    again = ended(client, client.post(f"/api/v1/speech/{first['id']}/redo", json=wish))
    assert again["state"] == "done", again["message"]
    assert again["result"]["parent"] == first["id"]
    texts = [piece["text"].strip() for piece in again["result"]["pieces"]]
    assert texts == [p["text"].strip() if p["index"] != 1 else "Something else entirely." for p in pieces]
    for index in range(len(pieces)):
        old, new = (client.get(f"/api/v1/speech/{job['id']}/pieces/{index}/audio").content for job in (first, again))
        assert (old == new) == (index != 1)


OFF = {"check": {"check": "off"}}


def test_another_seed_is_another_take(client: TestClient) -> None:
    first = ended(client, client.post("/api/v1/speech", json={**WISH, "settings": OFF}))
    again = ended(client, client.post(f"/api/v1/speech/{first['id']}/redo", json={"pieces": [{"index": 0}]}))
    old, new = (client.get(f"/api/v1/speech/{job['id']}/pieces/0/audio").content for job in (first, again))
    assert old != new
    assert again["result"]["pieces"][0]["seed"] != first["result"]["pieces"][0]["seed"]


def test_sound_is_heard_before_all_of_it_is_made(
    client: TestClient, slow: Slow, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow.gate.set()
    made = threading.Event()
    take = ToneEngine._take
    left = [1]

    def once(*args: object) -> object:
        if not left:
            assert made.wait(20)
        left.clear()
        return take(*args)

    monkeypatch.setattr(ToneEngine, "_take", once)
    long = {**WISH, "text": f"{TEXT} {TEXT * 3}", "settings": OFF}
    job = client.post("/api/v1/speech", json=long).json()
    threading.Timer(0.5, made.set).start()
    with client.stream("GET", f"/api/v1/speech/{job['id']}/stream?format=pcm") as answer:
        sound = b"".join(answer.iter_bytes())
        rate = int(answer.headers["x-sample-rate"])
    done = ended(client, client.post("/api/v1/speech", json=long))
    assert abs(len(sound) / 2 / rate - done["result"]["seconds"]) < 0.01


@pytest.mark.parametrize(
    ("wish", "status", "words"),
    [
        ({"text": "Hello.", "voice": "nobody"}, 404, "no voice 'nobody'"),
        ({"text": "  ", "voice": "narrator"}, 422, "the text is empty"),
        ({"text": "Hello.", "voice": "../../etc/passwd"}, 422, "cannot be a voice's name"),
        ({"text": "Hello.", "voice": "/tmp/x.voice"}, 422, "cannot be a voice's name"),
        ({"text": "Hello.", "voice": "narrator", "settings": {"spek": {}}}, 422, "did you mean 'speak'"),
        ({"text": "Hello.", "voice": "narrator", "settings": {"speak": {"speed": 9}}}, 422, "between 0.5 and 2"),
        ({"text": "Hello.", "voice": "narrator", "out": "/tmp/x.wav"}, 422, "out"),
        ({"text": "Hello.", "voice": "narrator", "engine": "runs/../x"}, 422, "run"),
        ({"voice": "narrator"}, 422, "text"),
    ],
)
def test_what_cannot_be_spoken_is_said_at_once(client: TestClient, wish: object, status: int, words: str) -> None:
    answer = client.post("/api/v1/speech", json=wish)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert words in answer.json()["detail"]


def test_too_much_at_once_is_refused_with_a_time(serves: Serves, slow: Slow) -> None:
    client = serves(queue=2)
    answers = [client.post("/api/v1/speech", json=WISH)]
    assert slow.begun.acquire(timeout=5)
    answers += [client.post("/api/v1/speech", json=WISH) for _ in range(3)]
    slow.gate.set()
    assert [answer.status_code for answer in answers] == [202, 202, 202, 429]
    assert int(answers[-1].headers["retry-after"]) >= 1
    assert "queue is full" in answers[-1].json()["detail"]
    assert [ended(client, answer)["state"] for answer in answers[:3]] == ["done"] * 3


def test_a_failure_before_any_sound_is_an_answer_and_no_broken_sound(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*given: object) -> None:
        raise StaleVoice("the voice was made with other weights")

    monkeypatch.setattr(ToneEngine, "_take", fails)
    answer = client.post("/v1/audio/speech", json={"model": "tts-1", "voice": "narrator", "input": TEXT})
    assert (answer.status_code, answer.json()["error"]["message"]) == (422, "the voice was made with other weights")
    job = client.get("/api/v1/jobs").json()["jobs"][0]
    assert (job["state"], job["message"]) == ("failed", "the voice was made with other weights")
    assert client.get(f"/api/v1/speech/{job['id']}/stream").status_code == 409


def test_speaking_can_be_cancelled(client: TestClient, slow: Slow) -> None:
    long = {**WISH, "text": f"{TEXT} {TEXT * 3}", "settings": OFF}
    answer = client.post("/api/v1/speech", json=long)
    assert slow.begun.acquire(timeout=5)
    client.post(f"/api/v1/jobs/{answer.json()['id']}/cancel")
    slow.gate.set()
    assert ended(client, answer)["state"] == "cancelled"


def test_events_tell_of_a_job_from_its_beginning_to_its_end(client: TestClient) -> None:
    job = client.post("/api/v1/speech", json=WISH).json()
    with client.stream("GET", f"/api/v1/jobs/{job['id']}/events") as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        events = [block for block in "".join(answer.iter_text()).split("\n\n") if block]
    told = [json.loads(block.split("data: ", 1)[1]) for block in events]
    assert all(block.startswith("event: job\nid: ") for block in events)
    assert {each["id"] for each in told} == {job["id"]}
    assert told[-1]["state"] == "done"


def test_what_was_said_is_found_again_replayed_and_deleted(client: TestClient) -> None:
    first = ended(client, client.post("/api/v1/speech", json=WISH))
    ended(client, client.post("/api/v1/speech", json={**WISH, "text": "Then the door opened slowly."}))
    found = client.get("/api/v1/history", params={"search": "BROWN narrator"}).json()
    assert [entry["id"] for entry in found["entries"]] == [first["id"]]
    card = client.get(f"/api/v1/history/{first['id']}/card").json()["cards"]["speech.wav"]
    assert card["voice"]["name"] == "narrator"
    again = ended(client, client.post(f"/api/v1/history/{first['id']}/replay"))
    old, new = (client.get(f"/api/v1/speech/{job['id']}/stream").content for job in (first, again))
    assert old == new
    assert client.delete(f"/api/v1/history/{first['id']}").status_code == 204
    assert client.get(f"/api/v1/jobs/{first['id']}").status_code == 404
    assert client.get("/api/v1/history").json()["total"] == 2


@pytest.mark.parametrize(
    "name", ["..%2F..%2Fjobs.sqlite", "%2Fetc%2Fpasswd", "stream.pcm", "pieces.json", "nothing.wav"]
)
def test_only_the_results_of_a_job_are_given_away(client: TestClient, name: str) -> None:
    job = ended(client, client.post("/api/v1/speech", json=WISH))
    assert client.get(f"/api/v1/jobs/{job['id']}/files/{name}").status_code == 404


def test_text_bit_by_bit_is_spoken_sentence_by_sentence(client: TestClient) -> None:
    with client.websocket_connect("ws://localhost/api/v1/speak-stream") as socket:
        socket.send_json({"voice": "narrator", "settings": OFF})
        assert socket.receive_json() == {"type": "ready"}
        for word in ["The", "quick", "brown", "fox.", "Then", "the"]:
            socket.send_json({"text": f"{word} "})
        piece = socket.receive_json()
        assert (piece["type"], piece["text"].strip(), piece["start_s"]) == ("piece", "The quick brown fox.", 0.0)
        sound = socket.receive_bytes()
        assert np.abs(np.frombuffer(sound, "<i2")).max() > 1000
        socket.send_json({"text": "door opened slowly", "end": True})
        seconds, texts, sounds = 0.0, [], [sound]
        while True:
            message = socket.receive()
            if message.get("text"):
                told = json.loads(message["text"])
                if told["type"] == "done":
                    break
                texts.append(told["text"].strip())
                assert told["start_s"] == pytest.approx(len(b"".join(sounds)) / 2 / piece["rate"])
            else:
                sounds.append(message["bytes"])
                seconds += len(message["bytes"]) / 2 / piece["rate"]
        assert longest_silence_s(b"".join(sounds), piece["rate"]) == pytest.approx(0.3, abs=0.1)
        assert texts == ["Then the door opened slowly"]
        assert told["seconds"] > seconds > 0.5


@pytest.mark.parametrize("wait", [first_sound, over])
def test_who_hangs_up_while_waiting_ends_the_job(client: TestClient, slow: Slow, wait: Any) -> None:
    first = client.post("/api/v1/speech", json=WISH)
    assert slow.begun.acquire(timeout=5)
    waiting = client.post("/api/v1/speech", json=WISH).json()

    class Gone:
        async def is_disconnected(self) -> bool:
            return True

    house = client.app.state.house
    assert asyncio.run(asyncio.wait_for(wait(house, waiting["id"], Gone()), 10)).state == "cancelled"
    slow.gate.set()
    assert ended(client, first)["state"] == "done"


def test_a_speech_that_is_done_is_sent_with_its_length(client: TestClient) -> None:
    job = ended(client, client.post("/api/v1/speech", json={**WISH, "settings": OFF}))
    for kind, head in (("wav", 44), ("pcm", 0)):
        answer = client.get(f"/api/v1/speech/{job['id']}/stream?format={kind}")
        assert int(answer.headers["content-length"]) == len(answer.content)
        assert len(answer.content) - head == 2 * round(job["result"]["seconds"] * job["result"]["rate"])
    with wave.open(BytesIO(client.get(f"/api/v1/speech/{job['id']}/stream").content)) as sound:
        assert sound.getnframes() == round(job["result"]["seconds"] * job["result"]["rate"])


def longest_silence_s(sound: bytes, rate: int) -> float:
    loud = np.flatnonzero(np.abs(np.frombuffer(sound, "<i2")) > 100)
    return float(np.diff(loud).max() / rate)
