"""The command line around the library: a home in a temporary folder, voices made by hand, no weights."""

import json
from pathlib import Path

import numpy as np
import pytest

from voicewright.apps.cli import main
from voicewright.home import Home, HomeSettings
from voicewright.samples import AUSTEN
from voicewright.settings import save
from voicewright.voice.consent import Consent
from voicewright.voice.library import Library
from voicewright.voice.voice import Source, Voice


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setenv("VOICEWRIGHT_HOME", str(tmp_path / "home"))
    home = Home.find()
    library = Library(home.voices)
    for name, consent in (("anna", "I am the speaker"), ("ben", "")):
        library.add(
            Voice(
                name=name,
                engine="kokoro",
                weights="a" * 64,
                tensors={"style": np.zeros(4, np.float32)},
                created="2026-11-21T10:00:00Z",
                sources=(Source(sha256="b" * 64, seconds=11.5, name="rec1.wav"),),
                consent=Consent(consent),
                scores={"ge2e": 0.875},
            )
        )
    return home


def test_list_shows_every_voice_and_its_consent(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["voices", "list"]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in shown] == ["NAME", "anna", "ben"]
    assert "I am the speaker" in shown[1]
    assert "consent not stated" in shown[2]


def test_json_is_one_object_and_nothing_else(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["voices", "list", "--json"]) == 0
    assert [voice["name"] for voice in json.loads(capsys.readouterr().out)["voices"]] == ["anna", "ben"]
    assert main(["voices", "show", "anna", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["scores"] == {"ge2e": 0.875}
    assert facts["sources"][0]["name"] == "rec1.wav"


def test_show_tells_what_it_was_made_from(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["voices", "show", "ben"]) == 0
    shown = capsys.readouterr().out
    assert "rec1.wav (11.5 s)" in shown
    assert "consent not stated" in shown


def test_a_voice_travels_to_another_home(home: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["voices", "export", "anna", "-o", str(tmp_path)]) == 0
    file = capsys.readouterr().out.strip()
    other = ["--home", str(tmp_path / "other")]
    assert main([*other, "voices", "import", file, "--name", "guest"]) == 0
    assert Library(tmp_path / "other" / "voices").get("guest").consent.statement == "I am the speaker"
    assert main([*other, "voices", "import", file, "--name", "guest"]) == 2
    assert main([*other, "voices", "import", file, "--name", "guest", "--replace"]) == 0


@pytest.fixture
def checkpoint(tmp_path: Path) -> str:
    """A published model in miniature."""
    from voicewright.engines.sovits.twin import tiny_network
    from voicewright.engines.sovits.upstream import write_upstream

    write_upstream(tiny_network(), tmp_path / "G_7.pth", speakers={"Alice": 0}, content="whisper-tiny")
    return str(tmp_path / "G_7.pth")


def test_a_checkpoint_comes_in_with_its_speakers_usual_pitch(
    home: Home, checkpoint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    recordings = sorted(AUSTEN.glob("*.flac"))[:2]
    like = [part for each in recordings for part in ("--like", str(each))]
    assert main(["voices", "import", checkpoint, *like]) == 0
    told = capsys.readouterr()
    assert told.out == "Alice\n"
    measured = Library(home.voices).get("Alice").settings["home_hz"]
    assert 80 < measured < 300
    assert f"{measured:.0f} Hz" in told.err
    assert main(["voices", "import", checkpoint, "--replace", "--home-hz", "190"]) == 0
    assert Library(home.voices).get("Alice").settings["home_hz"] == 190


def test_a_checkpoint_whose_speakers_pitch_is_unknown_says_what_to_do(
    home: Home, checkpoint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["voices", "import", checkpoint]) == 0
    assert "--like" in capsys.readouterr().err
    for wrong, word in (
        (["--home-hz", "9"], "from 40 to 1600 Hz"),
        (["--home-hz", "190", "--like", checkpoint], "one of them"),
        (["--like", checkpoint], "G_7.pth"),
    ):
        assert main(["voices", "import", checkpoint, "--name", "other", *wrong]) == 2
        assert word in capsys.readouterr().err
    assert "other" not in [voice.name for voice in Library(home.voices).list()]


def test_a_blend_is_kept_and_needs_everybodys_consent_where_clone_does(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["voices", "blend", "anna", "ben", "--weight", "0.7", "--weight", "0.3", "--name", "mix"]
    assert main(command) == 0
    assert capsys.readouterr().out == "mix\n"
    mix = Library(home.voices).get("mix")
    assert [(each["voice"], each["weight"]) for each in mix.settings["blend"]] == [("anna", 0.7), ("ben", 0.3)]
    assert main(command) == 2
    assert "--replace" in capsys.readouterr().err
    save(HomeSettings(require_consent=True), home.settings_file)
    assert main([*command, "--replace"]) == 2
    assert "'ben'" in capsys.readouterr().err


def test_rename_and_remove(home: Home) -> None:
    assert main(["voices", "rename", "anna", "narrator"]) == 0
    assert main(["voices", "remove", "ben"]) == 0  # no terminal, no question
    assert [voice.name for voice in Library(home.voices).list()] == ["narrator"]


def test_remove_asks_on_a_terminal(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("voicewright.apps.voices.on_terminal", lambda: True)
    monkeypatch.setattr("typer.confirm", lambda *_, **__: False)
    assert main(["voices", "remove", "anna"]) == 1
    assert main(["voices", "remove", "anna", "--yes"]) == 0
    assert [voice.name for voice in Library(home.voices).list()] == ["ben"]


def test_a_damaged_voice_is_listed_and_can_be_removed(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    (home.voices / "anna.voice").write_bytes(b"not a voice at all")
    assert main(["voices", "list"]) == 0
    assert "damaged" in capsys.readouterr().out
    assert main(["voices", "remove", "anna"]) == 0


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["voices", "show", "ana"], "did you mean 'anna'"),
        (["voices", "rename", "anna", "../../evil"], "cannot be a voice's name"),
        (["voices", "import", "nowhere.voice"], "there is no such file"),
        (["voices", "rename", "anna", "ben"], "--replace"),
        (["weights", "pull", "kokro"], "did you mean 'kokoro'"),
    ],
)
def test_a_mistake_is_one_line_without_a_traceback(
    home: Home, capsys: pytest.CaptureFixture[str], command: list[str], words: str
) -> None:
    assert main(command) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert words in told.err
    assert told.err.startswith("voicewright: ")
    assert "Traceback" not in told.err


def test_bad_home_settings_are_told(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    home.settings_file.write_text("ofline: true\n", "utf-8")
    assert main(["weights"]) == 2
    assert "did you mean 'offline'" in capsys.readouterr().err


def test_an_empty_library_says_how_to_begin(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--home", str(tmp_path), "voices", "list"]) == 0
    assert "voicewright clone" in capsys.readouterr().err


def test_weights_show_licences_and_what_to_do(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["weights"]) == 0
    shown = capsys.readouterr().out
    assert "Apache-2.0" in shown
    assert main(["weights", "list", "--json"]) == 0
    names = {status["name"] for status in json.loads(capsys.readouterr().out)["weights"]}
    assert {"kokoro", "ge2e", "campplus", "dvector"} <= names
    save(HomeSettings(offline=True), home.settings_file)
    assert main(["weights", "remove", "kokoro"]) == 0
