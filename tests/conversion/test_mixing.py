"""A song comes out as long as it was, its music untouched, the new voice as loud as the old one."""

from pathlib import Path

import numpy as np
import pytest
from mirrors import Clockwork, Mirror, talk

from voicewright.audio.clip import Clip
from voicewright.audio.files import SoundWriter, read_clip, write_clip
from voicewright.audio.loudness import loudness_lufs, true_peak_db
from voicewright.conversion.conversion import Conversion
from voicewright.conversion.mixing import mix
from voicewright.conversion.options import ConversionSettings, SliceOptions
from voicewright.errors import BadClip

RATE = 32_000
SING = ConversionSettings(separate=True, slices=SliceOptions(between="source"))


class Known:
    """A "separator" that knows the music of its one song, and takes everything else for the voice."""

    def __init__(self, music: Clip) -> None:
        self._music = music

    def separate(self, sound: Path, vocals: Path, rest: Path | None = None) -> None:
        song = read_clip(sound)
        write_clip(vocals, song.with_samples(song.samples - self._music.samples))
        if rest:
            write_clip(rest, self._music)


@pytest.fixture
def music() -> Clip:
    at = np.arange(round(5.0 * RATE)) / RATE
    return Clip(0.2 * np.sin(2 * np.pi * 3000 * at) * (1 + np.sin(2 * np.pi * at)) / 2, RATE)


@pytest.fixture
def song(music: Clip, tmp_path: Path) -> Path:
    voice = talk(2.0, 2.0, rate=RATE, amplitude=0.2)
    write_clip(tmp_path / "song.flac", music.with_samples(music.samples + voice.samples), bits=24)
    return tmp_path / "song.flac"


@pytest.mark.parametrize("rate", [16_000, 48_000])
@pytest.mark.parametrize("loud", [0.1, 4.0])
def test_the_new_voice_is_as_loud_as_the_old_one(song: Path, music: Clip, rate: int, loud: float) -> None:
    """Whatever the engine's level and rate: a voice that says the same gives the song again."""
    out, voice = song.with_name("out.flac"), Mirror(rate=rate, gain=loud)
    converted = Conversion(voice, Clockwork(), SING, separator=Known(music)).convert(song, out, bits=24)
    made, before = read_clip(out, rate=RATE), read_clip(song)
    assert read_clip(out).rate == converted.rate == max(rate, RATE)
    assert len(made) == len(before)
    middle = slice(RATE // 10, -RATE // 10)
    assert np.abs(made.samples - before.samples)[middle].max() < 0.02
    assert loudness_lufs(made) == pytest.approx(loudness_lufs(before), abs=0.1)


def test_the_voice_can_be_louder_and_nothing_clips(song: Path, music: Clip) -> None:
    settings = ConversionSettings(separate=True, vocals_db=20)
    out = song.with_name("out.wav")
    converted = Conversion(Mirror(RATE), Clockwork(), settings, separator=Known(music)).convert(song, out)
    assert true_peak_db(read_clip(out)) == pytest.approx(-1.0, abs=0.1)
    assert converted.clipped == 0
    assert any("softer" in warning for warning in converted.warnings)


def test_a_song_moves_by_octaves_only(song: Path, music: Clip) -> None:
    """The music keeps its key, and the voice must stay in it."""
    for home_hz, semitones in ((117.0, -12), (150.0, 0), (390.0, 12)):
        conversion = Conversion(Mirror(home_hz=home_hz), Clockwork(), SING, separator=Known(music))
        assert conversion.convert(song, song.with_name("out.wav")).semitones == semitones


def test_a_clip_in_memory_is_mixed_too(song: Path, music: Clip) -> None:
    before = read_clip(song)
    made, _ = Conversion(Mirror(RATE), Clockwork(), SING, separator=Known(music)).convert_clip(before)
    assert len(made) == len(before)
    assert np.abs(made.samples - before.samples).max() < 0.02


def test_a_failure_leaves_no_file(song: Path, music: Clip) -> None:
    class Broken(Known):
        def separate(self, sound: Path, vocals: Path, rest: Path | None = None) -> None:
            raise BadClip("out of order")

    with pytest.raises(BadClip, match="out of order"):
        Conversion(Mirror(), Clockwork(), SING, separator=Broken(music)).convert(song, song.with_name("out.wav"))
    assert [path.name for path in song.parent.iterdir()] == ["song.flac"]


def test_music_without_a_voice_stays_as_it_is(music: Clip, tmp_path: Path) -> None:
    files = [tmp_path / f"{name}.flac" for name in ("before", "after", "rest")]
    for path, clip in zip(files, (Clip.silence(5, RATE), Clip.silence(4.9, 16_000), music), strict=True):
        write_clip(path, clip, bits=24)
    with SoundWriter(tmp_path / "out.flac", RATE, bits=24) as writer:
        mixed = mix(*files, writer)
    assert (mixed.vocals_db, mixed.whole_db) == (0, 0)
    assert read_clip(tmp_path / "out.flac").samples == pytest.approx(music.samples, abs=1e-6)
