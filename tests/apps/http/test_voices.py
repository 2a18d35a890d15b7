"""Voices of the library over the API."""

from fastapi.testclient import TestClient
from serving import Serves
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
