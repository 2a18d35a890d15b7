"""From file to file the same way as live: everything arrives, as late as it says."""

import wave
from pathlib import Path

import numpy as np
import pytest
from simulated import Fake, FlatPitch, delay_samples, speech_like

from voicewright.audio.clip import Clip
from voicewright.audio.files import read_clip, write_clip
from voicewright.errors import BadClip, BadSetting
from voicewright.live.card import FileCard
from voicewright.live.options import LiveOptions
from voicewright.live.session import LiveSession


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "talk.wav"
    write_clip(path, Clip(speech_like(2.0, 16_000), 16_000))
    return path


def test_a_file_becomes_a_file_as_late_as_a_microphone_would(source: Path, tmp_path: Path) -> None:
    card = FileCard(source, tmp_path / "out.wav", realtime=False)
    status = LiveSession(Fake(), FlatPitch(), LiveOptions(block_ms=100), card).run(every_s=0.01)
    before, after = read_clip(source), read_clip(tmp_path / "out.wav")
    assert after.seconds == pytest.approx(3.0)
    padded = np.pad(before.samples, (0, 8000))
    found = delay_samples(padded, after.samples[: len(padded)], 6400)
    assert abs(1000 * found / 16_000 - status.delay_ms) < 1
    assert status.counts.dropouts == 0
    assert status.counts.overruns == 0


def test_twice_the_same_without_real_time(source: Path, tmp_path: Path) -> None:
    for name in ("a.wav", "b.wav"):
        card = FileCard(source, tmp_path / name, realtime=False, rate=48_000)
        LiveSession(Fake(), FlatPitch(), LiveOptions(block_ms=100), card).run(every_s=0.01)
    assert (tmp_path / "a.wav").read_bytes() == (tmp_path / "b.wav").read_bytes()


def test_in_real_time_it_lasts_as_long_as_it_sounds(source: Path, tmp_path: Path) -> None:
    card = FileCard(source, tmp_path / "out.wav", after_s=0.2, repeat_s=0.5)
    seen = []
    status = LiveSession(Fake(), FlatPitch(), LiveOptions(block_ms=100), card).run(meter=seen.append, every_s=0.05)
    with wave.open(str(tmp_path / "out.wav")) as file:
        assert file.getnframes() == 11_200
    assert seen
    assert status.seconds == pytest.approx(0.7, abs=0.11)


def test_a_source_can_be_repeated(source: Path, tmp_path: Path) -> None:
    card = FileCard(source, tmp_path / "out.wav", realtime=False, repeat_s=5.0, after_s=0.0)
    LiveSession(Fake(), FlatPitch(), LiveOptions(block_ms=100), card).run(every_s=0.01)
    assert read_clip(tmp_path / "out.wav").seconds == pytest.approx(5.0)


def test_stopping_early_keeps_what_was_played(source: Path, tmp_path: Path) -> None:
    card = FileCard(source, tmp_path / "out.wav", repeat_s=60.0)
    session = LiveSession(Fake(), FlatPitch(), LiveOptions(block_ms=100), card)
    session.run(meter=lambda status: session.stop() if status.seconds > 0.3 else None, every_s=0.02)
    assert 0.25 < read_clip(tmp_path / "out.wav").seconds < 10


def test_a_file_that_is_no_sound_is_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "talk.wav").write_text("words")
    with pytest.raises(BadClip, match="not a recording"):
        FileCard(tmp_path / "talk.wav", tmp_path / "out.wav")


def test_a_target_that_cannot_be_written_is_told_at_once(source: Path, tmp_path: Path) -> None:
    with pytest.raises(BadClip, match="no folder"):
        FileCard(source, tmp_path / "nowhere" / "out.wav")


def test_a_source_that_is_damaged_further_on_ends_the_session(source: Path, tmp_path: Path) -> None:
    card = FileCard(source, tmp_path / "out.wav", realtime=False)
    source.write_bytes(b"RIFF")
    with pytest.raises(BadClip):
        LiveSession(Fake(), FlatPitch(), LiveOptions(block_ms=100), card).run(every_s=0.01)
    assert not (tmp_path / "out.wav").exists()


def test_a_block_longer_than_the_voice_takes_is_refused_before_it_starts(source: Path, tmp_path: Path) -> None:
    card = FileCard(source, tmp_path / "out.wav", realtime=False)
    session = LiveSession(Fake(longest_s=2.0), FlatPitch(), LiveOptions(block_ms=3000), card)
    with pytest.raises(BadSetting, match="multiple of"):
        session.run()
