"""The library finds what it holds, says what it lacks, and never leaves its folder."""

import dataclasses
import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from voicewright.errors import BadVoice, UnknownVoice
from voicewright.voice.consent import NOT_STATED, Consent
from voicewright.voice.file import read_voice, write_voice
from voicewright.voice.library import Library, stale
from voicewright.voice.voice import Source, Voice

MakeVoice = Callable[..., Voice]


@pytest.fixture
def library(tmp_path: Path, full_voice: MakeVoice) -> Library:
    library = Library(tmp_path / "voices")
    library.add(full_voice("narrator"))
    library.add(full_voice("Ada Lovelace"))
    return library


def names(library: Library) -> list[str]:
    return [summary.name for summary in library.list()]


def test_an_empty_library_is_no_error(tmp_path: Path) -> None:
    assert Library(tmp_path / "none").list() == []
    with pytest.raises(UnknownVoice, match="voicewright clone"):
        Library(tmp_path / "none").get("x")


def test_voices_are_found_whatever_the_case(library: Library) -> None:
    assert library.get("NARRATOR").name == "narrator"
    assert names(library) == ["Ada Lovelace", "narrator"]
    assert library.list()[1].seconds == pytest.approx(7.1)


def test_an_unknown_name_gets_the_nearest(library: Library) -> None:
    with pytest.raises(UnknownVoice, match="did you mean 'narrator'"):
        library.get("naratorr")
    with pytest.raises(UnknownVoice, match="there are: Ada Lovelace, narrator"):
        library.get("zzz")


def test_a_taken_name_is_not_overwritten_unasked(library: Library, full_voice: MakeVoice) -> None:
    with pytest.raises(BadVoice, match="already"):
        library.add(full_voice("NARRATOR"))
    library.add(dataclasses.replace(full_voice("Narrator"), licence="MIT"), replace=True)
    assert library.get("narrator").licence == "MIT"
    assert names(library) == ["Ada Lovelace", "Narrator"]


@pytest.mark.parametrize("name", ["../secret", "..", "/etc/passwd", "a/../../secret", "secret\0", ".", "narrator/../x"])
def test_no_name_reaches_outside(library: Library, name: str, full_voice: MakeVoice) -> None:
    write_voice(full_voice("secret"), library.folder.parent / "secret.voice")
    actions = (
        library.get,
        library.remove,
        lambda n: library.rename("narrator", n),
        lambda n: library.rename(n, "x"),
        lambda n: library.add(dataclasses.replace(full_voice(), name=n)),
        lambda n: library.import_(library.folder.parent / "secret.voice", n),
        lambda n: library.export(n, library.folder),
    )
    for action in actions:
        with pytest.raises(BadVoice):
            action(name)
    assert (library.folder.parent / "secret.voice").is_file()
    assert names(library) == ["Ada Lovelace", "narrator"]


def test_a_damaged_file_is_listed_and_does_not_hide_the_others(library: Library) -> None:
    (library.folder / "broken.voice").write_bytes(b"nothing")
    (library.folder / "notes.txt").write_text("not a voice")
    (library.folder / "..voice").write_bytes(b"x")
    summaries = {summary.name: summary for summary in library.list()}
    assert set(summaries) == {"narrator", "Ada Lovelace", "broken"}
    assert "not a voice file" in summaries["broken"].damaged
    assert summaries["narrator"].damaged == ""
    library.remove("broken")


def test_rename_and_remove(library: Library) -> None:
    library.rename("narrator", "reader")
    assert names(library) == ["Ada Lovelace", "reader"]
    assert read_voice(library.folder / "reader.voice").name == "reader"
    with pytest.raises(BadVoice, match="already"):
        library.rename("reader", "ada lovelace")
    library.rename("reader", "READER")
    assert names(library) == ["Ada Lovelace", "READER"]
    library.remove("reader")
    assert names(library) == ["Ada Lovelace"]
    with pytest.raises(UnknownVoice):
        library.remove("reader")


def test_a_voice_travels_between_machines(library: Library, tmp_path: Path) -> None:
    (tmp_path / "usb").mkdir()
    file = library.export("narrator", tmp_path / "usb")
    assert file == tmp_path / "usb" / "narrator.voice"
    with pytest.raises(BadVoice, match="there already"):
        library.export("narrator", tmp_path / "usb")
    other = Library(tmp_path / "other")
    assert other.import_(file).name == "narrator"
    assert other.import_(file, "guest").name == "guest"
    assert names(other) == ["guest", "narrator"]
    assert other.get("guest").consent == library.get("narrator").consent
    with pytest.raises(BadVoice, match="already"):
        other.import_(file)


def test_a_file_renamed_by_hand_goes_by_its_new_name(library: Library) -> None:
    shutil.move(library.folder / "narrator.voice", library.folder / "granny.voice")
    assert library.get("granny").name == "granny"
    assert library.list()[1].name == "granny"


def test_open_takes_a_name_or_a_file(library: Library, tmp_path: Path) -> None:
    file = library.export("narrator", tmp_path / "n.voice")
    assert library.open("narrator").name == library.open(file).name == library.open(str(file)).name == "narrator"


def test_consent_is_shown(library: Library, full_voice: MakeVoice) -> None:
    library.add(dataclasses.replace(full_voice("x"), consent=Consent()))
    shown = {summary.name: summary.consent for summary in library.list()}
    assert shown["x"] == NOT_STATED
    assert shown["narrator"].startswith("I am the speaker.")


def test_stale_says_what_changed(tmp_path: Path, full_voice: MakeVoice) -> None:
    recording = tmp_path / "rec.wav"
    recording.write_bytes(b"sound")
    source = Source(sha256=hashlib.sha256(b"sound").hexdigest(), seconds=1.0, name="rec.wav")
    voice = dataclasses.replace(full_voice(), sources=(source,))
    fresh = {"engine_weights": voice.weights, "sources": {"rec.wav": recording}}
    assert stale(voice, **fresh) == []
    assert "weights" in stale(voice, engine_weights="cd" * 32)[0]
    recording.write_bytes(b"another")
    assert "has changed" in stale(voice, **fresh)[0]
    recording.unlink()
    assert "not there" in stale(voice, **fresh)[0]
    assert len(stale(voice, engine_weights="0", sources={})) == 2
