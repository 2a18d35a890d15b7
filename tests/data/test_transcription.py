"""Who hears the words: the bundled recogniser, a folder, a plugin; and what is said of names nobody knows."""

import sys
from importlib.metadata import EntryPoint
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from voicewright.data import transcription
from voicewright.data.options import TranscribeOptions
from voicewright.data.transcription import load_transcriber, transcriber_id
from voicewright.errors import BadSetting, MissingWeights
from voicewright.measure.intelligibility import WhisperRecogniser
from voicewright.weights.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "weights", offline=True)


@pytest.fixture
def plugin(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A plugin "mine", and what it was asked for."""
    asked: dict[str, Any] = {}

    def load(model: str, **more: Any) -> str:
        asked.update(more, model=model)
        return "the plugin's recogniser"

    monkeypatch.setitem(sys.modules, "my_recogniser", SimpleNamespace(load=load))
    entries = [EntryPoint("mine", "my_recogniser:load", transcription.GROUP),
               EntryPoint("torn", "no_such_module:load", transcription.GROUP)]  # fmt: skip
    monkeypatch.setattr(transcription, "entry_points", lambda group: entries)
    return asked


def test_english_is_heard_by_the_small_recogniser(store: Store) -> None:
    assert isinstance(load_transcriber(TranscribeOptions(), "en-gb", store), WhisperRecogniser)
    assert transcriber_id(TranscribeOptions(), "en-gb", store) == store.content_id("whisper-tiny.en")


def test_a_plugin_hears_what_it_is_asked_for(store: Store, plugin: dict[str, Any]) -> None:
    found: object = load_transcriber(TranscribeOptions(model="mine:big", device="cuda"), "de", store)
    assert found == "the plugin's recogniser"
    assert plugin == {"model": "big", "language": "de", "device": "cuda"}
    assert transcriber_id(TranscribeOptions(model="mine:big"), "de", store) == ""


def test_a_plugin_that_cannot_be_loaded_is_named(store: Store, plugin: dict[str, Any]) -> None:
    with pytest.raises(BadSetting, match=r"'torn'.*no_such_module"):
        load_transcriber(TranscribeOptions(model="torn:x"), "en-us", store)


def test_a_folder_with_a_model_is_taken_as_it_is(store: Store, tmp_path: Path) -> None:
    (tmp_path / "large").mkdir()
    options = TranscribeOptions(model=str(tmp_path / "large"))
    with pytest.raises(BadSetting, match="no recogniser"):
        load_transcriber(options, "de", store)
    (tmp_path / "large" / "model.bin").write_bytes(b"weights")
    assert isinstance(load_transcriber(options, "de", store), WhisperRecogniser)
    first = transcriber_id(options, "de", store)
    (tmp_path / "large" / "model.bin").write_bytes(b"other weights")
    assert transcriber_id(options, "de", store) != first


def test_an_unknown_name_lists_what_there_is(store: Store, plugin: dict[str, Any]) -> None:
    with pytest.raises(BadSetting) as told:
        transcriber_id(TranscribeOptions(model="enormous"), "en-us", store)
    for word in ("'enormous'", "tiny.en", "base", "folder", "mine:MODEL"):
        assert word in str(told.value)


@pytest.mark.parametrize("ask", [load_transcriber, transcriber_id])
def test_an_english_recogniser_does_not_hear_german(store: Store, ask: Any) -> None:
    with pytest.raises(BadSetting, match="English only"):
        ask(TranscribeOptions(model="tiny.en"), "de", store)


def test_weights_that_are_missing_say_what_else_could_be_taken(store: Store) -> None:
    if any(status.ready for status in store.status() if status.name == "whisper-base"):
        pytest.skip("the larger recogniser is on this machine")
    with pytest.raises(MissingWeights, match="--model FOLDER"):
        transcriber_id(TranscribeOptions(), "de", store)
