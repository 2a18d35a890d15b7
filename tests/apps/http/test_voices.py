"""Voices of the library over the API."""

import zipfile
from pathlib import Path

import pytest
import torch
from fastapi.testclient import TestClient
from serving import Serves, ended, upload
from tones import voice

from voicewright.home import Home, HomeSettings
from voicewright.settings import save
from voicewright.voice.library import Library


def test_two_voices_are_blended_and_the_third_carries_both_consents(client: TestClient, home: Home) -> None:
    Library(home.voices).add(voice("reader", value=2.0, statement="Ben agreed."))
    wish = {"name": "mix", "voices": ["narrator", "reader"], "weights": [0.75, 0.25]}
    made = client.post("/api/v1/voices/blend", json=wish)
    assert made.status_code == 201, made.text
    assert made.json() == client.get("/api/v1/voices/mix").json()
    assert made.json()["consent"] == "narrator: I am the speaker\nreader: Ben agreed."
    assert Library(home.voices).get("mix").tensors["style"].tolist() == [1.25] * 4
    refusals = (
        ({}, 422, "already"),
        ({"name": "other", "weights": [1, 1]}, 422, "add up to 1"),
        ({"name": "other", "voices": ["narrator", "nobody"]}, 404, "no voice 'nobody'"),
        ({"name": "other", "voices": ["narrator", "/etc/passwd.voice"]}, 422, "cannot be a voice's name"),
        ({"name": "other", "voices": ["narrator"]}, 422, "voices"),
    )
    for change, status, words in refusals:
        refused = client.post("/api/v1/voices/blend", json=wish | change)
        assert (refused.status_code, words in refused.json()["detail"]) == (status, True), refused.text
    assert client.post("/api/v1/voices/blend", json=wish | {"replace": True}).status_code == 201


def test_where_consent_is_required_every_parent_needs_it(serves: Serves, home: Home) -> None:
    Library(home.voices).add(voice("reader", value=2.0))
    save(HomeSettings(require_consent=True), home.settings_file)
    refused = serves().post("/api/v1/voices/blend", json={"name": "mix", "voices": ["narrator", "reader"]})
    assert (refused.status_code, refused.json()["kind"]) == (403, "NoConsent")
    assert "'reader'" in refused.json()["detail"]


@pytest.fixture
def published(tmp_path: Path) -> tuple[Path, Path]:
    """A published model in miniature: the checkpoint and its configuration."""
    from voicewright.engines.sovits.twin import tiny_network
    from voicewright.engines.sovits.upstream import write_upstream

    write_upstream(tiny_network(), tmp_path / "G_7.pth", speakers={"Alice": 0}, content="whisper-tiny")
    return tmp_path / "G_7.pth", tmp_path / "config.json"


def test_a_checkpoint_becomes_a_voice(client: TestClient, home: Home, published: tuple[Path, Path]) -> None:
    checkpoint, config = (upload(client, path) for path in published)
    kinds = [client.get(f"/api/v1/uploads/{name}").json()["kind"] for name in (checkpoint, config)]
    assert kinds == ["checkpoint", "text"]
    wish = {"upload": checkpoint, "config": config, "home_hz": 190, "consent": "Alice agreed."}
    done = ended(client, client.post("/api/v1/voices/checkpoint", json=wish))
    assert done["state"] == "done", done["message"]
    (made,) = done["result"]["voices"]
    assert made == client.get("/api/v1/voices/Alice").json()
    assert (made["engine"], made["settings"]["home_hz"], made["consent"]) == ("sovits", 190, "Alice agreed.")
    again = ended(client, client.post("/api/v1/voices/checkpoint", json=wish))
    assert (again["state"], "already" in again["message"]) == ("failed", True)
    swapped = client.post("/api/v1/voices/checkpoint", json={"upload": config, "config": checkpoint})
    assert (swapped.status_code, "no checkpoint" in swapped.json()["detail"]) == (415, True)


def test_a_program_in_a_checkpoint_is_refused_and_not_run(
    client: TestClient, published: tuple[Path, Path], tmp_path: Path
) -> None:
    class Program:
        def __reduce__(self) -> tuple[object, ...]:
            return Path.touch, (tmp_path / "it ran",)

    torch.save({"model": Program()}, tmp_path / "G_8.pth")
    checkpoint, config = upload(client, tmp_path / "G_8.pth"), upload(client, published[1])
    done = ended(client, client.post("/api/v1/voices/checkpoint", json={"upload": checkpoint, "config": config}))
    assert done["state"] == "failed"
    assert done["message"].startswith("checkpoint-G_8.pth: refused, it asks for")
    assert not (tmp_path / "it ran").exists()


def test_an_archive_of_something_else_is_no_checkpoint(client: TestClient, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "G_9.pth", "w") as archive:
        archive.writestr("word/document.xml", b"\0" * 100)
    answer = client.post("/api/v1/uploads", files={"file": ("G_9.pth", (tmp_path / "G_9.pth").read_bytes())})
    assert answer.status_code == 415


def test_only_engines_that_make_voices_are_asked_to(client: TestClient) -> None:
    told = {each["name"]: each for each in client.get("/api/v1/engines").json()["engines"]}
    flags = ("clones", "speaks", "converts", "learns")
    assert [told["kokoro"][flag] for flag in flags] == [True] * 4
    assert [told["sovits"][flag] for flag in flags] == [False, False, True, True]
    wish = {"name": "x", "uploads": ["0" * 16], "engine": "sovits"}
    refused = client.post("/api/v1/voices", json=wish)
    assert refused.status_code == 422
    assert "these do: kokoro" in refused.json()["detail"]
