"""Forms make themselves from the options; none of them asks for a place on the server."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from fastapi.testclient import TestClient

from voicewright.apps.http.schema import groups, schema
from voicewright.errors import BadSetting
from voicewright.jobs.places import refuse_places

PLACE = re.compile(r"\b(files?|folders?)\b|\.(pt|pth|safetensors|voice)\b")
NAMES_TOO = {"model", "start", "source"}
"""Fields that take a name as well as a place; places are refused when they come."""


def fields(found: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, facts in found["properties"].items():
        yield name, facts
        if "properties" in facts:
            yield from fields(facts)


@pytest.mark.parametrize("group", sorted(groups()))
def test_every_field_has_a_type_a_default_and_a_help_text(group: str) -> None:
    for name, facts in fields(schema(group)):
        assert facts["description"], name
        assert {"type", "anyOf", "enum", "const"} & set(facts), name
        assert "default" in facts, name
        assert "$ref" not in str(facts)


@pytest.mark.parametrize("group", sorted(groups()))
def test_no_form_asks_for_a_file_of_the_server(group: str) -> None:
    texts = {name for name, facts in fields(schema(group)) if facts.get("type") == "string"}
    asked = {name for name, facts in fields(schema(group)) if name in texts and PLACE.search(facts["description"])}
    assert asked - NAMES_TOO - {"pitch"} == set()


@pytest.mark.parametrize(
    "given",
    [
        {"diarizer": "rttm:/etc/passwd"},
        {"transcribe": {"model": "/models/x"}},
        {"transcribe": {"model": "../x"}},
        {"transcribe": {"model": "src"}},
        {"start": "/tmp/x.voice"},
        {"start": "x.voice"},
        {"pitch": "rmvpe:/x"},
        {"recipe": {"generator": "G_0.pth"}},
        {"clusters": "kmeans.pt"},
        {"input": "0"},
    ],
)
def test_places_are_refused(given: Mapping[str, Any]) -> None:
    with pytest.raises(BadSetting, match="of the server"):
        refuse_places(given, "options")


def test_names_and_texts_are_not() -> None:
    given = {
        "transcribe": {"model": "tiny.en"},
        "start": "narrator 2",
        "pitch": "crepe-tiny",
        "consent": "I / we, a.pt",
    }
    refuse_places(given, "options")


def test_the_api_describes_itself_without_help_from_afar(client: TestClient) -> None:
    page = client.get("/api/v1/docs").text
    assert "/v1/audio/speech" in page
    assert "<script" not in page
    assert "https://" not in page
