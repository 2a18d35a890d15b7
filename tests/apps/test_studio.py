"""The studio and its commands from end to end, with an engine that speaks in chords."""

import json
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tones import ToneEngine

from voicewright import EnrollOptions, Studio
from voicewright.apps.cli import main
from voicewright.audio.files import read_clip
from voicewright.engines import registry
from voicewright.engines.sovits.twin import tiny_voice
from voicewright.errors import BadClip, BadReference, BadSetting, BadVoice, NoConsent, StaleVoice, UnknownVoice
from voicewright.home import Home, HomeSettings
from voicewright.samples import AUSTEN, samples
from voicewright.settings import save
from voicewright.speech.card import extract_voice, read_card
from voicewright.speech.output import MOST_EMBEDDED_BYTES
from voicewright.voice.file import parse_voice
from voicewright.voice.library import Library

TEXT = "The quick brown fox jumps over a lazy dog. Then the door opened slowly."
QUICK = EnrollOptions(preset="quick")


def test_a_voice_is_made_from_recordings_and_kept_with_what_was_stated(tones: ToneEngine, tmp_path: Path) -> None:
    studio = Studio(tmp_path, engine="tones")
    recordings = [sample.path for sample in samples()[:3]]
    cloned = studio.clone("narrator", recordings, options=QUICK, consent="I am the speaker", licence="CC-BY-4.0")
    kept = studio.library.get("narrator")
    assert kept.licence == "CC-BY-4.0"
    assert [source.name for source in kept.sources] == [path.name for path in recordings]
    assert cloned.path == tmp_path / "voices" / "narrator.voice"
    assert 10 < cloned.reference.seconds_used < 16
    assert set(cloned.taken_s) == {"engine", "recordings", "voice"}


def test_a_taken_name_is_refused_before_any_work(home: Home, tones: ToneEngine) -> None:
    studio = Studio(home, engine="tones")
    with pytest.raises(BadVoice, match="--replace"):
        studio.clone("narrator", ["nowhere.wav"], options=QUICK)
    with pytest.raises(BadReference, match="nowhere"):
        studio.clone("narrator", ["nowhere.wav"], options=QUICK, replace=True)


def test_a_home_can_require_consent(home: Home, tones: ToneEngine, capsys: pytest.CaptureFixture[str]) -> None:
    save(HomeSettings(require_consent=True), home.settings_file)
    for statement in ("", "  \n"):
        with pytest.raises(NoConsent):
            Studio(home, engine="tones").clone("other", [samples()[0].path], options=QUICK, consent=statement)
    assert main(["clone", "other", str(samples()[0].path), "--engine", "tones"]) == 2
    assert "consent" in capsys.readouterr().err


def test_speech_comes_the_same_as_a_file_a_stream_and_in_memory(home: Home, tmp_path: Path) -> None:
    studio = Studio(home)
    whole = studio.speak(TEXT, voice="narrator").clip
    parts = list(studio.stream(TEXT, voice="narrator"))
    studio.speak(TEXT, voice="narrator", out=tmp_path / "out.flac")
    filed = read_clip(tmp_path / "out.flac")
    assert len(parts) == 2
    assert np.array_equal(np.concatenate([part.samples for part in parts]), whole.samples)
    assert np.abs(filed.samples - whole.samples).max() < 1e-4


def test_the_command_speaks_with_subtitles_and_a_card(
    home: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.wav"
    assert main(["speak", TEXT, "--voice", "narrator", "-o", str(out), "--subtitles", "srt", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["scores"]["words_wrong"] == 0
    assert told["scores"]["words"] == 14
    assert "".join(piece["text"] for piece in told["pieces"]) == TEXT
    assert "lazy dog" in (tmp_path / "out.srt").read_text("utf-8")
    card = read_card(out)
    assert card
    assert card.text == TEXT
    assert main(["card", str(out)]) == 0
    shown = capsys.readouterr().out
    assert "synthetic speech" in shown
    assert "0 of 14 wrong" in shown
    assert list(home.jobs.iterdir()) == []


def test_without_a_card_the_file_says_nothing(home: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out.wav"
    assert main(["speak", TEXT, "-v", "narrator", "-o", str(out), "--no-card", "--check", "off"]) == 0
    assert "wrong" not in capsys.readouterr().out
    assert read_card(out) is None
    assert main(["card", str(out)]) == 0
    assert "no card" in capsys.readouterr().out
    with pytest.raises(BadClip, match="no card"):
        Studio(home).cards.replay(out, tmp_path / "again.wav")


def test_a_bad_piece_is_spoken_again_and_told(
    home: Home, tones: ToneEngine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tones.faults = {("Then the door opened slowly.", 0): "word"}
    assert main(["speak", TEXT, "-v", "narrator", "-o", str(tmp_path / "out.wav")]) == 0
    told = capsys.readouterr()
    assert "1 retries" in told.out
    assert "Then the door opened slowly." in told.err


def test_a_card_brings_the_voice_to_another_home_and_replays_exactly(home: Home, tmp_path: Path) -> None:
    out, again, other = tmp_path / "out.wav", tmp_path / "again.wav", str(tmp_path / "other")
    assert main(["speak", TEXT, "-v", "narrator", "-o", str(out), "--embed-voice"]) == 0
    assert main(["--home", other, "card", str(out), "--replay", "-o", str(again)]) == 0
    assert np.array_equal(read_clip(out).samples, read_clip(again).samples)
    assert main(["--home", other, "card", str(out), "--extract-voice", "guest"]) == 0
    assert Studio(other).library.get("guest").consent.statement == "I am the speaker"


def test_other_weights_are_told_and_nothing_is_replayed(home: Home, tones: ToneEngine, tmp_path: Path) -> None:
    studio, out = Studio(home), tmp_path / "out.wav"
    studio.speak(TEXT, voice="narrator", out=out)
    tones.weights = "1" * 64
    with pytest.raises(StaleVoice, match="weights 0000"):
        Studio(home).cards.replay(out, tmp_path / "again.wav")
    assert not (tmp_path / "again.wav").exists()


def test_text_comes_from_a_file_or_a_pipe(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "book.txt").write_bytes(b"\xef\xbb\xbf" + TEXT.encode())
    run = ["speak", "-v", "narrator", "-o", str(tmp_path / "out.wav"), "--json", "--file"]
    assert main([*run, str(tmp_path / "book.txt")]) == 0
    assert "".join(piece["text"] for piece in json.loads(capsys.readouterr().out)["pieces"]) == TEXT
    with (tmp_path / "book.txt").open() as pipe:
        monkeypatch.setattr("sys.stdin", pipe)
        assert main([*run, "-"]) == 0


def test_a_lexicon_changes_what_is_said(home: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "words.txt").write_text("fox: fokks\n", "utf-8")
    run = ["speak", TEXT, "-v", "narrator", "-o", str(tmp_path / "out.wav"), "--check", "off", "--json"]
    assert main([*run, "--lexicon", str(tmp_path / "words.txt")]) == 0
    first = json.loads(capsys.readouterr().out)["pieces"][0]
    assert "fokks" in first["spoken"]
    assert "fox" in first["text"]


def test_without_a_voice_the_default_one_speaks(home: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = ["speak", TEXT, "-o", str(tmp_path / "out.wav")]
    assert main(run) == 2
    assert "--voice NAME" in capsys.readouterr().err
    save(HomeSettings(default_voice="narrator"), home.settings_file)
    assert main(run) == 0


def test_a_voice_file_speaks_without_being_imported(home: Home, tmp_path: Path) -> None:
    file = home.voices / "narrator.voice"
    run = ["--home", str(tmp_path), "speak", TEXT, "-v", str(file), "-o", str(tmp_path / "out.wav")]
    assert main(run) == 0
    with pytest.raises(BadVoice):  # a name from elsewhere never becomes a path
        Studio(home).voice(str(file))


def test_an_interrupted_job_goes_on_where_it_stopped(home: Home, tones: ToneEngine, tmp_path: Path) -> None:
    def stop_after_one(step: str, done: float, total: float) -> None:
        raise KeyboardInterrupt

    studio, out = Studio(home), tmp_path / "out.wav"
    with pytest.raises(KeyboardInterrupt):
        studio.speak(TEXT, voice="narrator", out=out, progress=stop_after_one)
    assert not out.exists()
    spoken = len(tones.calls)
    speech = studio.speak(TEXT, voice="narrator", out=out)
    assert len(tones.calls) - spoken == len(speech.parts) - 1


def test_an_engine_is_loaded_once_whoever_asks(home: Home, tones: ToneEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    loads: list[str] = []
    load = registry.load

    def counted(name: str, *arguments: object, **more: object) -> object:
        loads.append(name)
        return load(name, *arguments, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(registry, "load", counted)
    studio = Studio(home, engine="tones")
    threads = [threading.Thread(target=studio.engine) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert loads == ["tones"]


def test_an_unknown_engine_names_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match="installed: kokoro"):
        Studio(tmp_path, engine="koko").engine()


def test_the_doctor_measures_speed_with_a_voice(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    main(["doctor", "--json"])
    findings = {finding["topic"]: finding for finding in json.loads(capsys.readouterr().out)["findings"]}
    assert findings["speed"]["figures"]["rtf"] > 0
    assert findings["speed"]["figures"]["first_audio_s"] > 0
    assert findings["processor"]["figures"]["bfloat16_gain"] > 0
    assert findings["home"]["state"] == "ok"


def test_the_doctor_says_what_to_do(tmp_path: Path, tones: ToneEngine, capsys: pytest.CaptureFixture[str]) -> None:
    home = Home(tmp_path / "home")
    home.root.mkdir()
    home.settings_file.write_text("offlin: true", "utf-8")
    (speed,) = [f for f in Studio(tmp_path, engine="tones").doctor() if f.topic == "speed"]
    assert "voicewright clone" in speed.says
    assert main(["--home", str(home.root), "doctor", "--quick"]) == 2
    assert "settings.yaml" in capsys.readouterr().err


def test_unknown_voices_are_told_with_the_nearest(home: Home) -> None:
    with pytest.raises(UnknownVoice, match="narrator"):
        Studio(home).speak(TEXT, voice="naratorr")


def test_a_voice_too_large_for_a_card_is_refused_before_any_work(
    home: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = Library(home.voices).get("narrator")
    heavy = np.zeros(MOST_EMBEDDED_BYTES // 4 + 1, np.float32)
    Library(home.voices).add(replace(own, name="heavy", tensors={**own.tensors, "network": heavy}))
    out = tmp_path / "out.wav"
    assert main(["speak", TEXT, "-v", "heavy", "-o", str(out), "--embed-voice"]) == 2
    told = capsys.readouterr().err
    assert "16 MB" in told
    assert "voices export heavy" in told
    assert not out.exists()
    Library(home.voices).add(tiny_voice("singer"))
    given = ["convert", str(next(AUSTEN.glob("*.flac"))), "-o", str(out), "--pitch", "yin", "--embed-voice"]
    Library(home.voices).add(replace(tiny_voice("large"), tensors={**tiny_voice().tensors, "network.x": heavy}))
    assert main([*given, "-v", "large"]) == 2
    assert "16 MB" in capsys.readouterr().err
    assert main([*given, "-v", "singer"]) == 0
    embedded = extract_voice(out)
    assert embedded is not None
    assert parse_voice(embedded, "here").name == "singer"
