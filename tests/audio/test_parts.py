"""A part of a recording is the same sound as that part of the whole, and only it is read."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from voicewright.audio.clip import Clip
from voicewright.audio.edit import resample
from voicewright.audio.files import read_clip, read_part
from voicewright.audio.parts import open_parts
from voicewright.audio.writer import write_clip
from voicewright.errors import BadClip


@pytest.fixture(scope="module")
def recording(speech: Clip, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("parts") / "speech 44.1.flac"
    write_clip(path, resample(speech, 44_100))
    return path


@given(st.floats(0, 7), st.floats(0.01, 3), st.sampled_from([None, 8_000, 16_000, 22_050, 24_000, 48_000, 44_101]))
def test_a_part_is_that_part_of_the_whole(recording: Path, start_s: float, length_s: float, rate: int | None) -> None:
    whole = read_clip(recording, rate=rate)
    wanted = whole.between(start_s, start_s + length_s)
    if len(wanted):
        part = read_part(recording, start_s, start_s + length_s, rate=rate)
        assert part.rate == wanted.rate
        assert len(part) == len(wanted)
        assert np.abs(part.samples - wanted.samples).max() < 2e-5


@pytest.mark.parametrize("ending", [".wav", ".flac"])
def test_formats_that_are_read_in_parts(speech: Clip, tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"speech{ending}"
    write_clip(path, speech)
    whole = read_clip(path)
    with open_parts(path) as parts:
        for start_s in (5.0, 0.0, 3.3, 6.9):  # there and back
            assert np.array_equal(
                parts.read(start_s, start_s + 0.5).samples, whole.between(start_s, start_s + 0.5).samples
            )


@pytest.mark.parametrize("ending", [".mp3", ".ogg", ".opus"])
def test_formats_whose_places_cannot_be_reached_exactly_are_refused(speech: Clip, tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"speech{ending}"
    write_clip(path, speech)
    with pytest.raises(BadClip, match=r"write it as \.wav or \.flac"):
        read_part(path, 0.0, 1.0)


def test_channels_become_their_mean(tmp_path: Path) -> None:
    path = tmp_path / "two.wav"
    soundfile.write(path, np.tile(np.float32([0.5, 0.25]), (16_000, 1)), 16_000, subtype="FLOAT")
    assert read_part(path, 0.2, 0.3).samples == pytest.approx(0.375)


def test_a_part_is_cut_to_the_recording(recording: Path, speech: Clip) -> None:
    assert read_part(recording, -3.0, 100.0).seconds == pytest.approx(speech.seconds, abs=1e-4)


@pytest.mark.parametrize(("start_s", "end_s"), [(2.0, 2.0), (3.0, 2.0), (100.0, 101.0)])
def test_nothing_cannot_be_read(recording: Path, start_s: float, end_s: float) -> None:
    with pytest.raises(BadClip, match="there is no sound from"):
        read_part(recording, start_s, end_s)


def test_a_file_that_is_cut_off_is_refused(speech: Clip, tmp_path: Path) -> None:
    path = tmp_path / "speech.wav"
    write_clip(path, speech)
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(BadClip, match="cut off"):
        read_part(path, 0.0, 1.0)


def test_damage_inside_is_told_apart_from_the_good_parts(speech: Clip, tmp_path: Path) -> None:
    path = tmp_path / "speech.wav"
    write_clip(path, speech, bits=32)
    samples = np.array(speech.samples)
    samples[16_000 * 3] = np.nan
    soundfile.write(path, samples, 16_000, subtype="FLOAT")
    with open_parts(path) as parts:
        assert parts.read(0.0, 1.0).seconds == 1.0
        with pytest.raises(BadClip, match=r"near 2\.50 s"):
            parts.read(2.5, 3.5)


def test_a_part_of_an_hour_is_read_at_once(tmp_path: Path) -> None:
    """Only the part is read: of a file whose middle is a hole, 3 GB would take far longer and far more memory."""
    path = tmp_path / "hour.wav"
    head = np.zeros(16_000, np.int16)
    soundfile.write(path, head, 16_000)
    size = 2 * 16_000 * 3600 * 10
    data = bytearray(path.read_bytes()[:44])
    data[4:8], data[40:44] = (size + 36).to_bytes(4, "little"), size.to_bytes(4, "little")
    with path.open("wb") as file:
        file.write(data)
        file.truncate(size + 44)
    with open_parts(path) as parts:
        assert parts.seconds == 36_000
        assert len(parts.read(35_000, 35_001, 24_000)) == 24_000
