"""Clip files hold what was chosen, at the wanted level, without clicks, the same bytes every time."""

import math
from pathlib import Path

import numpy as np
import pytest
import soundfile

from voicewright.audio.activity import Span
from voicewright.audio.clip import Clip
from voicewright.audio.edit import gain, join
from voicewright.audio.files import read_clip, sha256_of, write_clip
from voicewright.audio.loudness import true_peak_db
from voicewright.audio.parts import open_parts
from voicewright.data.clips import CEILING_DB, cut, gain_for, level_profile
from voicewright.errors import BadClip
from voicewright.samples import samples


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two readings with 2 s of silence before, between and after."""
    quiet = Clip.silence(2.0, 16_000)
    path = tmp_path_factory.mktemp("recording") / "two readings.flac"
    write_clip(path, join([quiet, read_clip(samples()[0].path), quiet, read_clip(samples()[1].path), quiet]))
    return path


@pytest.fixture(scope="module")
def speech(recording: Path) -> list[Span]:
    first, second = (read_clip(sample.path).seconds for sample in samples()[:2])
    return [Span(2.0, 2.0 + first), Span(4.0 + first, 4.0 + first + second)]


def test_a_clip_is_that_part_at_the_wanted_rate_and_level(recording: Path, tmp_path: Path) -> None:
    made = cut(recording, 3.0, 5.5, rate=24_000, gain_db=-6.0, out=tmp_path / "a.wav")
    assert made.sha256 == sha256_of(tmp_path / "a.wav")
    assert (made.seconds, made.rate, made.gain_db) == (2.5, 24_000, -6.0)
    assert soundfile.info(tmp_path / "a.wav").subtype == "PCM_16"
    clip, wanted = read_clip(tmp_path / "a.wav"), gain(read_clip(recording, rate=24_000).between(3.0, 5.5), -6.0)
    inner = slice(120, -120)  # the faded edges
    assert np.abs(clip.samples[inner] - wanted.samples[inner]).max() < 1e-4


def test_the_same_cut_gives_the_same_bytes(recording: Path, tmp_path: Path) -> None:
    made = [cut(recording, 2.1, 4.4, rate=22_050, gain_db=3.0, out=tmp_path / f"{i}.wav").sha256 for i in range(2)]
    with open_parts(recording) as parts:
        cut(parts, 7.0, 8.0, rate=22_050, gain_db=3.0, out=tmp_path / "other.wav")
        made.append(cut(parts, 2.1, 4.4, rate=22_050, gain_db=3.0, out=tmp_path / "again.wav").sha256)
    assert len(set(made)) == 1


def test_no_clip_passes_the_ceiling(recording: Path, tmp_path: Path) -> None:
    made = cut(recording, 2.0, 6.0, rate=24_000, gain_db=40.0, out=tmp_path / "a.wav")
    assert made.gain_db < 40.0
    assert true_peak_db(read_clip(tmp_path / "a.wav")) == pytest.approx(CEILING_DB, abs=0.02)


def test_edges_in_the_middle_of_sound_are_softened_and_silent_ones_left_alone(tmp_path: Path) -> None:
    tone = Clip(0.5 * np.sin(2 * np.pi * 200 * np.arange(32_000) / 16_000 + 1), 16_000)
    write_clip(tmp_path / "tone.wav", join([Clip.silence(1.0, 16_000), tone]), bits=32)
    cut(tmp_path / "tone.wav", 0.5, 2.0, rate=16_000, gain_db=0.0, out=tmp_path / "a.wav")
    clip = read_clip(tmp_path / "a.wav")
    assert abs(clip.samples[-1]) < 0.01
    assert np.abs(clip.samples[-160:-80]).max() > 0.45  # 5 ms and no more
    assert np.abs(clip.samples[8000:8080]).max() > 0.4  # the attack is as it was: it is not at the edge


def test_a_failed_cut_leaves_the_old_file(recording: Path, tmp_path: Path) -> None:
    out = tmp_path / "a.wav"
    made = cut(recording, 2.0, 3.0, rate=24_000, gain_db=0.0, out=out)
    with pytest.raises(BadClip):
        cut(recording, 200.0, 201.0, rate=24_000, gain_db=0.0, out=out)
    assert sha256_of(out) == made.sha256
    assert [path.name for path in tmp_path.iterdir()] == ["a.wav"]


def test_the_peak_limits_the_gain() -> None:
    assert gain_for(-30.0, -23.0, -12.0) == 7.0
    assert gain_for(-30.0, -23.0, -4.0) == 3.0
    assert gain_for(-math.inf, -23.0, -math.inf) == 0.0


def test_levels_follow_the_sound_in_blocks(recording: Path, speech: list[Span]) -> None:
    levels = level_profile(recording)
    assert len(levels.db) == pytest.approx(read_clip(recording).seconds / levels.hop_s, abs=1)
    times = (np.arange(len(levels.db)) + 0.5) * levels.hop_s
    spoken = np.any([(times > span.start_s) & (times < span.end_s) for span in speech], axis=0)
    assert levels.db[~spoken].max() < np.median(levels.db[spoken])
