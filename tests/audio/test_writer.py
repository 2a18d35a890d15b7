"""A file appears whole or not at all, and holds what was written."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from voicewright.audio.clip import Clip
from voicewright.audio.edit import resample
from voicewright.audio.files import SoundWriter, describe, read_clip, write_clip
from voicewright.errors import BadClip

MakeTone = Callable[..., Clip]


@pytest.mark.parametrize(
    ("name", "bits", "error"),
    [
        ("a.wav", 8, 2**-7),
        ("a.wav", 16, 2**-15),
        ("a.wav", 24, 2**-23),
        ("a.wav", 32, 0.0),
        ("a.flac", 8, 2**-7),
        ("a.flac", 16, 2**-15),
        ("a.FLAC", 24, 2**-23),
    ],
)
def test_each_depth_loses_at_most_one_step(tmp_path: Path, tone: MakeTone, name: str, bits: int, error: float) -> None:
    clip = tone(amplitude=1.0, rate=24_000)
    assert write_clip(tmp_path / name, clip, bits=bits) == 0
    heard = read_clip(tmp_path / name)
    assert heard.rate == 24_000
    assert np.abs(heard.samples - clip.samples).max() <= error


@pytest.mark.parametrize("bits", [8, 16, 24])
@pytest.mark.parametrize("ending", [".wav", ".flac"])
def test_reading_and_writing_again_changes_nothing(tmp_path: Path, speech: Clip, ending: str, bits: int) -> None:
    write_clip(tmp_path / f"a{ending}", speech, bits=bits)
    once = read_clip(tmp_path / f"a{ending}")
    write_clip(tmp_path / f"b{ending}", once, bits=bits)
    assert np.array_equal(read_clip(tmp_path / f"b{ending}").samples, once.samples)


@pytest.mark.parametrize(("ending", "snr_db"), [(".ogg", 8), (".opus", 3), (".mp3", 8)])
def test_small_formats_keep_time_level_and_wave(tmp_path: Path, speech: Clip, ending: str, snr_db: float) -> None:
    clip = resample(speech, 24_000)
    write_clip(tmp_path / f"a{ending}", clip)
    write_clip(tmp_path / "a.wav", clip)
    heard = read_clip(tmp_path / f"a{ending}")
    assert len(heard) == len(clip)
    lost = clip.samples - heard.samples
    assert 10 * np.log10(np.sum(clip.samples**2) / np.sum(lost**2)) > snr_db
    assert (tmp_path / f"a{ending}").stat().st_size < 0.35 * (tmp_path / "a.wav").stat().st_size


def test_minutes_in_one_piece_can_be_written_to_ogg(tmp_path: Path) -> None:
    clip = Clip(0.1 * np.random.default_rng(5).standard_normal(180 * 8_000), 8_000)
    write_clip(tmp_path / "a.ogg", clip)
    assert describe(tmp_path / "a.ogg").seconds == 180


def test_pieces_make_the_same_file_as_the_whole(tmp_path: Path, speech: Clip) -> None:
    write_clip(tmp_path / "a.flac", speech)
    with SoundWriter(tmp_path / "b.flac", speech.rate) as file:
        for start in range(8):
            file.write(speech.between(start, start + 1))
        assert file.seconds == pytest.approx(speech.seconds)
    assert (tmp_path / "a.flac").read_bytes() == (tmp_path / "b.flac").read_bytes()


def test_too_loud_samples_are_clipped_only_in_the_file_and_counted(tmp_path: Path) -> None:
    clip = Clip([0.0, 1.0, 1.5, -2.0, -1.0, 0.5], 16_000)
    for bits in (8, 16, 24, 32):
        assert write_clip(tmp_path / "a.wav", clip, bits=bits) == 2
        assert np.abs(read_clip(tmp_path / "a.wav").samples).max() <= 1
    assert clip.samples[2] == 1.5


def stop_after(write: Callable[[Clip], None], clip: Clip) -> None:
    write(clip)
    raise KeyboardInterrupt


def test_a_failure_leaves_the_older_file_and_nothing_else(tmp_path: Path, tone: MakeTone) -> None:
    path = tmp_path / "a.wav"
    write_clip(path, tone(200))
    before = path.read_bytes()
    with pytest.raises(KeyboardInterrupt), SoundWriter(path, 16_000) as file:
        stop_after(file.write, tone(300))
    with pytest.raises(BadClip, match="resample it first"), SoundWriter(path, 16_000) as file:
        file.write(tone(300, rate=8_000))
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_the_file_has_its_name_only_when_it_is_whole(tmp_path: Path, tone: MakeTone) -> None:
    path = tmp_path / "a.wav"
    with SoundWriter(path, 16_000) as file:
        file.write(tone())
        assert not path.exists()
    assert list(tmp_path.iterdir()) == [path]


def test_writing_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadClip, match="nothing was written"), SoundWriter(tmp_path / "a.wav", 16_000):
        pass
    with pytest.raises(BadClip, match="nothing was written"):
        write_clip(tmp_path / "a.wav", Clip([], 16_000))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "rate", "bits", "words"),
    [
        ("a.m4a", 16_000, 16, r"\.wav \.flac \.ogg \.opus \.mp3"),
        ("a", 16_000, 16, r"\.wav \.flac \.ogg \.opus \.mp3"),
        ("a.wav", 16_000, 12, "12 bits"),
        ("a.flac", 16_000, 32, "32 bits"),
        ("a.opus", 22_050, 16, "22050 Hz"),
        ("a.mp3", 96_000, 16, "96000 Hz"),
        ("a.wav", 0, 16, "0 Hz"),
        ("nowhere/a.wav", 16_000, 16, "no folder"),
    ],
)
def test_what_a_format_cannot_hold_is_said_before_anything_is_written(
    tmp_path: Path, name: str, rate: int, bits: int, words: str
) -> None:
    with pytest.raises(BadClip, match=words):
        SoundWriter(tmp_path / name, rate, bits=bits)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_not_overwritten(tmp_path: Path, tone: MakeTone) -> None:
    (tmp_path / "a.wav").mkdir()
    with pytest.raises(BadClip, match="is a folder"):
        write_clip(tmp_path / "a.wav", tone())


def test_writing_outside_the_block_is_refused(tmp_path: Path, tone: MakeTone) -> None:
    with pytest.raises(BadClip, match="not open"):
        SoundWriter(tmp_path / "a.wav", 16_000).write(tone())


def test_names_in_any_script_and_of_any_length(tmp_path: Path, tone: MakeTone) -> None:
    for name in ("Grüße 声音 🎙.flac", "x" * 250 + ".wav"):
        write_clip(tmp_path / name, tone())
        assert len(read_clip(tmp_path / name)) == 16_000
