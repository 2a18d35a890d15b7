"""An output says what it is, replays exactly, and notices when it was changed."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import av
import mutagen
import numpy as np
import pytest
import soundfile
from tones import RATE, ToneEngine, voice

from voicewright.audio.clip import Clip
from voicewright.audio.files import read_clip, write_clip
from voicewright.audio.writer import SoundWriter
from voicewright.errors import BadClip, BadVoice
from voicewright.speech.assemble import Narration, assemble
from voicewright.speech.card import (
    Card,
    card_of,
    extract_voice,
    read_card,
    settings_of,
    verify,
    write_card,
)
from voicewright.speech.converted import ConvertedCard
from voicewright.speech.options import CheckOptions, SpeakOptions, SpeechSettings
from voicewright.speech.speech import Speech, VoiceFacts
from voicewright.speech.tags import read_tag, write_tags
from voicewright.voice.consent import Consent

Narrate = Callable[..., Narration]
ENDINGS = (".wav", ".flac", ".ogg", ".opus", ".mp3")


@pytest.fixture
def made(narrate: Narrate, tmp_path: Path) -> Callable[[str], tuple[Path, Speech, Card]]:
    """A spoken file with its card."""

    def make(ending: str = ".wav", **more: bytes) -> tuple[Path, Speech, Card]:
        path = tmp_path / f"out{ending}"
        speech = assemble(narrate(), path)
        return path, speech, write_card(path, card_of(speech, **more))

    return make


def decoded(path: Path) -> list[np.ndarray]:
    """The samples as two common readers see them."""
    with av.open(str(path)) as container:
        frames = [frame.to_ndarray().reshape(-1) for frame in container.decode(audio=0)]
    return [soundfile.read(path, dtype="float32")[0], np.concatenate(frames)]


@pytest.mark.parametrize("ending", ENDINGS)
def test_every_format_carries_the_card_and_plays_as_before(narrate: Narrate, tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"out{ending}"
    speech = assemble(narrate(), path)
    before = decoded(path)
    written = write_card(path, card_of(speech))
    for old, new in zip(before, decoded(path), strict=True):
        np.testing.assert_array_equal(new, old)
    read = read_card(path)
    assert read == written
    assert read.text == speech.text
    assert read.audio is not None
    assert read.audio.of == ("samples" if ending in {".wav", ".flac"} else "packets")
    assert verify(path).unchanged
    assert sorted(p.name for p in tmp_path.iterdir()) == [path.name]


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_changed_sound_is_noticed(made: Callable[..., tuple[Path, Speech, Card]], ending: str) -> None:
    path, speech, _ = made(ending)
    text = read_tag(path)
    assert text is not None
    samples = np.array(speech.clip.samples)
    samples[4000:4400] *= -0.5
    write_clip(path, Clip(samples, speech.clip.rate))
    assert verify(path).told.startswith("it has no card")
    write_tags(path, text, {})
    check = verify(path)
    assert not check.unchanged
    assert "sound was changed" in check.told


def test_the_mark_survives_wav_to_flac(made: Callable[..., tuple[Path, Speech, Card]], tmp_path: Path) -> None:
    path, _, card = made(".wav")
    other = tmp_path / "other.flac"
    write_clip(other, read_clip(path))
    assert write_card(other, card).audio == card.audio


def test_a_changed_text_is_noticed(made: Callable[..., tuple[Path, Speech, Card]]) -> None:
    path, _, _ = made()
    given = json.loads(read_tag(path) or "")
    given["pieces"][0]["piece"]["text"] = "Something else."
    write_tags(path, json.dumps(given), {})
    assert "text in the card" in verify(path).told


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_player_shows_that_it_is_synthetic(made: Callable[..., tuple[Path, Speech, Card]], ending: str) -> None:
    path, _, _ = made(ending)
    tags = mutagen.File(path).tags
    shown = " ".join(
        str(tags[key]) for key in (("COMM::eng", "TIT2", "TPE1") if "TIT2" in tags else ("comment", "title", "artist"))
    )
    assert "synthetic speech made with voicewright" in shown
    assert "The quick brown fox" in shown
    assert "narrator" in shown


def test_the_card_replays_sample_for_sample(narrate: Narrate, tmp_path: Path) -> None:
    settings = SpeechSettings(speak=SpeakOptions(seed=5, speed=1.1), check=CheckOptions(retries=4))
    faults = {("Nobody answered him.", seed): "word" for seed in (5, 6)}
    path = tmp_path / "out.flac"
    speech = assemble(narrate(engine=ToneEngine(faults=faults), settings=settings), path)
    assert speech.scores.retries == 2
    write_card(path, card_of(speech))

    card = read_card(path)
    assert card is not None
    replay = settings_of(card)
    assert replay.settings == settings
    engine = ToneEngine()
    again = Narration(engine, voice(), replay.pieces, replay.settings, kept=replay.kept)
    assemble(again, tmp_path / "again.flac")
    assert len(engine.calls) == 5  # no takes that were not kept
    np.testing.assert_array_equal(read_clip(tmp_path / "again.flac").samples, read_clip(path).samples)


def test_consent_and_licences_are_told(narrate: Narrate, tmp_path: Path) -> None:
    path = tmp_path / "out.wav"
    narration = narrate()
    assert card_of(assemble(narration)).voice.consent == "consent not stated"
    stated = replace(narration.voice, consent=Consent("I am the speaker"), licence="CC-BY-4.0")
    speech = assemble(Narration(narration.engine, stated, narration.pieces, narration.settings), path)
    facts = write_card(path, card_of(speech)).voice
    assert facts.consent == Consent("I am the speaker").id
    assert (facts.licence, facts.weights_licence) == ("CC-BY-4.0", "CC0-1.0")
    assert "I am the speaker" not in (read_tag(path) or "")  # the statement itself stays private


@pytest.mark.parametrize("ending", ENDINGS)
def test_the_voice_travels_in_the_file(made: Callable[..., tuple[Path, Speech, Card]], ending: str) -> None:
    content = bytes(range(256)) * 2000
    path, _, _ = made(ending, voice_file=content)
    assert extract_voice(path) == content
    assert verify(path).unchanged
    assert extract_voice(made(ending)[0]) is None


def test_a_damaged_voice_is_said(made: Callable[..., tuple[Path, Speech, Card]]) -> None:
    path, _, card = made()
    write_card(path, replace(card, voice_file="not base64!"))
    with pytest.raises(BadVoice, match="damaged"):
        extract_voice(path)


def test_a_file_without_a_card(tmp_path: Path) -> None:
    path = tmp_path / "plain.wav"
    write_clip(path, Clip(np.zeros(1000), RATE))
    assert read_card(path) is None
    assert extract_voice(path) is None
    assert not verify(path).unchanged


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("not json", "damaged"),
        ("[1, 2]", "format None"),
        ('{"format": 99}', "format 99; this version of voicewright reads 1"),
        ('{"format": 1, "tool": 3}', "damaged"),
    ],
)
def test_a_strange_card_is_an_error(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "strange.flac"
    write_clip(path, Clip(np.zeros(1000), RATE))
    write_tags(path, text, {})
    with pytest.raises(BadClip, match=told):
        read_card(path)


def test_files_that_hold_no_card_are_refused(made: Callable[..., tuple[Path, Speech, Card]], tmp_path: Path) -> None:
    _, _, card = made()
    for name, content in (("a.wav", b"RIFF no sound at all"), ("b.txt", b"text")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(BadClip):
            write_card(tmp_path / name, card)
        assert (tmp_path / name).read_bytes() == content
    with pytest.raises(BadClip):
        read_card(tmp_path / "missing.wav")


def test_other_tags_are_kept(made: Callable[..., tuple[Path, Speech, Card]]) -> None:
    path, _, card = made(".flac")
    tags = mutagen.File(path)
    tags["album"] = "My book"
    tags.save()
    write_card(path, card)
    assert mutagen.File(path)["album"] == ["My book"]
    assert read_card(path) == card


def test_a_converted_recording_says_so(tmp_path: Path) -> None:
    sound = tmp_path / "song.wav"
    with SoundWriter(sound, 24000) as writer:
        writer.write(Clip(np.sin(np.arange(24000) / 20).astype(np.float32) / 4, 24000))
    voice = VoiceFacts(name="narrator", engine="kokoro", weights="0" * 64)
    card = ConvertedCard(source="take 1.wav", source_sha256="f" * 64, voice=voice, transposed=-3.0)
    write_card(sound, card)
    checked = verify(sound)
    assert isinstance(checked.card, ConvertedCard)
    assert checked.unchanged
    assert checked.card.transposed == -3.0
    assert checked.card.source == "take 1.wav"
    with SoundWriter(tmp_path / "other.wav", 24000) as writer:
        writer.write(Clip.silence(1, 24000))
    write_tags(tmp_path / "other.wav", read_tag(sound) or "", {})
    assert not verify(tmp_path / "other.wav").unchanged
