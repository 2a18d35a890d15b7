"""The client that everybody has, against a real server on a real port."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import av
import httpx
import numpy as np
import openai
import pytest
import uvicorn
from serving import HERE, KEY, SAMPLES, Slow
from tones import ToneEngine

from voicewright.apps.http.app import create_app, create_queue
from voicewright.apps.http.keys import Keys
from voicewright.home import Home
from voicewright.speech.options import CheckOptions, SpeechSettings
from voicewright.studio import Studio

OFF = {"check": {"check": "off"}}


@pytest.fixture
def keys() -> tuple[str, ...]:
    """The keys that the server knows."""
    return (KEY,)


@pytest.fixture
def address(home: Home, keys: tuple[str, ...]) -> Iterator[str]:
    """Where the server is."""
    studio = Studio(home, engine="tones", offline=True)
    app = create_app(studio, create_queue(studio), keys=Keys(home.keys_file, keys))
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until_s = time.monotonic() + 20
    while not server.started:
        assert time.monotonic() < until_s
        time.sleep(0.02)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join(20)


@pytest.fixture
def client(address: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{address}/v1", api_key=KEY, max_retries=0) as client:
        yield client


@pytest.mark.parametrize(
    ("kind", "begins"),
    [("wav", b"RIFF"), ("mp3", b"ID3"), ("flac", b"fLaC"), ("opus", b"OggS"), ("aac", b"\xff\xf1"), ("pcm", b"")],
)
def test_every_format_is_sound(client: openai.OpenAI, home: Home, tmp_path: Path, kind: str, begins: bytes) -> None:
    with client.audio.speech.with_streaming_response.create(
        model="tts-1",
        voice="narrator",
        input="Then the door opened slowly.",
        response_format=kind,
        extra_body={"settings": OFF},
    ) as answer:
        answer.stream_to_file(tmp_path / f"out.{kind}")
    data = (tmp_path / f"out.{kind}").read_bytes()
    assert data.startswith(begins)
    ours = spoken(home.root, "Then the door opened slowly.")
    if kind == "pcm":
        assert np.array_equal(np.frombuffer(data, "<i2"), ours)
    else:
        with av.open(BytesIO(data)) as sound:
            samples = sum(frame.samples / frame.sample_rate for frame in sound.decode(audio=0))
        assert abs(samples - len(ours) / 16_000) < 0.2  # a codec's frames are whole


def spoken(home: Path, text: str) -> np.ndarray:
    """What the studio speaks, in 16 bits."""
    settings = SpeechSettings(check=CheckOptions(check="off"))
    clip = Studio(home, engine="tones").speak(text, voice="narrator", settings=settings).clip
    return np.rint(np.clip(clip.samples, -1, 1) * 32767).astype("<i2")


def test_eight_clients_at_once_each_hear_their_own_text(address: str, home: Home) -> None:
    words = ["one", "two", "three", "four", "five", "six", "seven", "eight"]
    texts = [f"The {word} fox jumps over {word} dogs. Then {word} doors opened." for word in words]

    def ask(text: str) -> bytes:
        with openai.OpenAI(base_url=f"{address}/v1", api_key=KEY, max_retries=0) as client:
            sounds = [
                client.audio.speech.create(
                    model="tts-1", voice="narrator", input=text, response_format="pcm", extra_body={"settings": OFF}
                ).content
                for _ in range(3)
            ]
        assert sounds[0] == sounds[1] == sounds[2]
        return sounds[0]

    with ThreadPoolExecutor(8) as clients:
        heard = list(clients.map(ask, texts))
    for text, sound in zip(texts, heard, strict=True):
        assert np.array_equal(np.frombuffer(sound, "<i2"), spoken(home.root, text))


def test_errors_are_the_errors_that_the_client_knows(client: openai.OpenAI) -> None:
    def speak(**changes: object) -> object:
        return client.audio.speech.create(**{"model": "tts-1", "voice": "narrator", "input": "Hello.", **changes})

    with pytest.raises(openai.NotFoundError, match="no voice 'nobody'"):
        speak(voice="nobody")
    with pytest.raises(openai.NotFoundError, match="no model 'gpt-9'"):
        speak(model="gpt-9")
    with pytest.raises(openai.UnprocessableEntityError, match="was made for 'tones'"):
        speak(model="kokoro")
    with pytest.raises(openai.UnprocessableEntityError, match="between"):
        speak(speed=3.5)
    with pytest.raises(openai.AuthenticationError):
        client.with_options(api_key="no key of this server").models.list()


def test_models_and_voices_are_listed(client: openai.OpenAI) -> None:
    assert {"kokoro", "whisper-1"} <= {model.id for model in client.models.list()}
    assert client.models.retrieve("kokoro").owned_by == "voicewright"
    voices = client.get("/audio/voices", cast_to=object)
    assert [voice["id"] for voice in voices["voices"]] == ["narrator"]


def test_speech_in_events(client: openai.OpenAI) -> None:
    with client.audio.speech.with_streaming_response.create(
        model="tts-1", voice="narrator", input="Hello there.", stream_format="sse", response_format="pcm"
    ) as answer:
        text = "".join(answer.iter_text())
    assert text.count("speech.audio.delta") >= 1
    assert text.rstrip().endswith("}")
    assert "speech.audio.done" in text.rsplit("data: ", 1)[1]


def test_a_recording_is_written_down(client: openai.OpenAI) -> None:
    found = {}
    for kind in ("json", "text", "srt", "vtt", "verbose_json"):
        with sorted(SAMPLES.glob("*.flac"))[0].open("rb") as file:
            found[kind] = client.audio.transcriptions.create(model="whisper-1", file=file, response_format=kind)
    for answer in found.values():
        assert "leisure to consider" in (answer if isinstance(answer, str) else answer.text).replace("\n", " ")
    assert found["srt"].startswith("1\n00:00:00,000 --> 00:00:05")
    assert found["srt"].count(" --> ") == 2  # no more on the screen than two lines
    assert found["vtt"].startswith("WEBVTT")
    assert 7 < found["verbose_json"].duration < 7.2
    assert found["verbose_json"].words[0].word == "And"


def test_who_hangs_up_before_the_first_sound_is_not_worked_for(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    slow = Slow()
    monkeypatch.setattr(ToneEngine, "_take", slow(ToneEngine._take))
    wish = {"model": "tts-1", "voice": "narrator", "input": "Hello there.", "settings": OFF}
    with httpx.Client(base_url=address, headers=HERE) as client, ThreadPoolExecutor(1) as stays:
        first = stays.submit(client.post, "/v1/audio/speech", json=wish, timeout=60)
        assert slow.begun.acquire(timeout=10)
        with pytest.raises(httpx.ReadTimeout):
            client.post("/v1/audio/speech", json=wish, timeout=1)
        until_s = time.monotonic() + 10
        while (states := [job["state"] for job in client.get("/api/v1/jobs").json()["jobs"]])[0] != "cancelled":
            assert time.monotonic() < until_s, states
            time.sleep(0.05)
        assert states == ["cancelled", "running"]
        slow.gate.set()
        assert first.result(20).status_code == 200
