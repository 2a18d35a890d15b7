"""A voice changes over a WebSocket as it does with a sound card."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from serving import SAMPLES
from test_restart import twin

from voicewright.apps.http.app import create_app, create_queue
from voicewright.apps.http.options import ServeOptions
from voicewright.apps.http.routes.live import bytes_of, samples_of
from voicewright.audio.files import read_clip
from voicewright.errors import BadSetting
from voicewright.home import Home
from voicewright.live.card import FileCard
from voicewright.live.options import LiveOptions
from voicewright.studio import Studio

RATE = 24_000
WISH = {"block_ms": 200.0, "context_ms": 200.0, "transpose": 2.0, "pitch": "yin"}


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Studio:
    """A home with a voice of the engine's twin."""
    home = Home(tmp_path_factory.mktemp("live"))
    twin(home)
    return Studio(home, engine="kokoro-tiny", offline=True)


def converse(client: TestClient, sound: np.ndarray, wish: dict[str, Any], piece: int) -> tuple[np.ndarray, list[Any]]:
    """What comes back, and what is told."""
    heard, told = [], []
    with client.websocket_connect("ws://localhost/api/v1/live") as socket:
        socket.send_json(wish)
        told.append(socket.receive_json())
        assert told[0]["type"] == "ready", told
        for at in range(0, len(sound), piece):
            socket.send_bytes(bytes_of(sound[at : at + piece], wish["format"]))
        socket.send_json({"type": "end"})
        while (message := socket.receive())["type"] != "websocket.close":
            if message.get("bytes"):
                heard.append(samples_of(message["bytes"], wish["format"], RATE))
            else:
                told.append(json.loads(message["text"]))
    return np.concatenate(heard), told


def test_it_sounds_as_from_file_to_file(studio: Studio, tmp_path: Path) -> None:
    sound = read_clip(sorted(SAMPLES.glob("*.flac"))[0], rate=RATE, limit_s=2.0).samples
    app = create_app(studio, create_queue(studio))
    with TestClient(app, base_url="http://localhost") as client:
        wish = {"voice": "twin", "rate": RATE, "format": "f32", "realtime": False, "period_ms": 10, "options": WISH}
        heard, told = converse(client, sound, wish, RATE // 100)
        assert client.app.state.house.live_sessions == 0
    from voicewright.audio.clip import Clip
    from voicewright.audio.files import write_clip

    write_clip(tmp_path / "in.wav", Clip(sound, RATE), bits=32)
    card = FileCard(tmp_path / "in.wav", tmp_path / "out.wav", realtime=False)
    studio.live(card, voice="twin", options=LiveOptions(**WISH)).run()
    ours = read_clip(tmp_path / "out.wav").samples
    length = min(len(heard), len(ours))
    assert length >= len(sound)
    assert np.abs(heard[:length]).max() > 0.01
    assert np.abs(heard[:length] - ours[:length]).max() < 1e-3  # 16 bits in the file
    assert told[0]["block_ms"] == 200
    assert told[-1]["type"] == "status"


def test_what_is_asked_for_while_it_runs_is_done_or_refused(studio: Studio) -> None:
    app = create_app(studio, create_queue(studio), ServeOptions(live=1))
    with TestClient(app, base_url="http://localhost") as client:
        wish = {"voice": "twin", "rate": RATE, "options": WISH}
        with client.websocket_connect("ws://localhost/api/v1/live") as socket:
            socket.send_json(wish)
            assert socket.receive_json()["type"] == "ready"
            socket.send_json({"type": "change", "muted": True})
            assert socket.receive_json() == {"type": "changed"}
            socket.send_json({"type": "change", "context_ms": 10})
            assert "cannot be changed" in socket.receive_json()["detail"]
            with client.websocket_connect("ws://localhost/api/v1/live") as second:
                second.send_json(wish)
                assert "all places" in second.receive_json()["detail"]
            socket.send_bytes(b"123")
            assert "whole samples" in socket.receive_json()["detail"]
        for wrong, words in (
            ({**wish, "voice": "nobody"}, "no voice"),
            ({**wish, "options": {"input": "0"}}, "of the server"),
            ({**wish, "rate": 1}, "rate"),
            ({**wish, "path": "/x"}, "path"),
        ):
            with client.websocket_connect("ws://localhost/api/v1/live") as socket:
                socket.send_json(wrong)
                assert words in socket.receive_json()["detail"]


@pytest.mark.parametrize("data", [b"123", np.array([np.nan], "<f4").tobytes(), b"\0" * 4 * (4 * RATE + 1)])
def test_only_samples_are_samples(data: bytes) -> None:
    with pytest.raises(BadSetting):
        samples_of(data, "f32", RATE)
