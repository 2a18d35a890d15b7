"""A recording comes out in the voice as long as it went in, every sound at its time, without a click."""

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from mirrors import Clockwork, Mirror, talk

from voicewright.audio.clip import Clip
from voicewright.audio.files import read_clip, write_clip
from voicewright.audio.yin import YinPitch
from voicewright.conversion.conversion import Conversion
from voicewright.conversion.options import ConversionSettings, SliceOptions
from voicewright.errors import BadClip, BadSetting
from voicewright.samples import samples

AS_IT_IS = SliceOptions(between="source")


@pytest.mark.parametrize("rate", [16_000, 44_100])
@pytest.mark.parametrize("lengths_s", [(0.004,), (0.3,), (1.5, 0.2, 3.0), (47.3,)])
def test_what_says_the_same_gives_the_same(rate: int, lengths_s: tuple[float, ...]) -> None:
    """Slices, context, overlaps and silences leave no trace of themselves."""
    clip = talk(*lengths_s, rate=rate)
    voice = Mirror(rate=rate, longest_s=9.0)
    made, converted = Conversion(voice, Clockwork(), ConversionSettings(slices=AS_IT_IS)).convert_clip(clip)
    assert len(made) == len(clip)
    assert np.abs(made.samples - clip.samples).max() < 1e-6
    assert len(voice.heard) == len(converted.slices) >= len([s for s in lengths_s if s > 0.1])


def test_another_level_in_every_slice_is_faded_into() -> None:
    class Moody(Mirror):
        def convert(self, clip: Clip, pitch: object, *, seed: int = 0) -> Clip:
            self.gain = 1.5 - self.gain  # 0.5, 1, 0.5, …
            return super().convert(clip, pitch, seed=seed)

    settings = ConversionSettings(slices=SliceOptions(longest_s=2.0))
    made, _ = Conversion(Moody(), Clockwork(), settings).convert_clip(talk(12.0))
    step = 0.3 * 2 * np.pi * 220 / 16_000  # the steepest that the tone itself is
    assert np.abs(np.diff(made.samples)).max() < 1.1 * step


def test_a_slice_hears_what_lies_around_it_and_its_own_pitch() -> None:
    voice = Mirror(context_s=0.5, longest_s=6.0)
    rising = np.linspace(100, 400, 2000).astype(np.float32)

    class Ramp(Clockwork):
        def track(self, clip: Clip) -> object:
            found = super().track(clip)
            return type(found)(rising[: len(found.f0_hz)], found.confidence, found.hop_s)

    Conversion(voice, Ramp(), ConversionSettings(transpose=0)).convert_clip(talk(20.0))
    assert sum(clip.seconds for clip in voice.heard) > 20 + (len(voice.heard) - 1) * 0.99
    assert voice.wished[0].f0_hz[0] == rising[0]
    for before, after in zip(voice.heard, voice.wished, strict=True):
        assert after.seconds == pytest.approx(before.seconds, abs=0.02)
    start = np.searchsorted(rising, voice.wished[-1].f0_hz[0])
    assert start * 0.01 == pytest.approx(20.0 - voice.heard[-1].seconds, abs=0.011)


def test_an_hour_is_never_held_and_every_block_is_met_twice() -> None:
    """An hour at 16 kHz would be 230 MB; what is alive at once is less than two minutes of it."""
    rate, minutes = 8_000, 60
    reads: list[int] = []

    def hour(wanted: int) -> Iterator[Clip]:
        reads.append(wanted)
        tone = 0.2 * np.sin(2 * np.pi * 220 * np.arange(10 * wanted) / wanted)
        tone[: 2 * wanted] = 0
        for _ in range(6 * minutes):
            yield Clip(tone.astype(np.float32), wanted)

    voice, tracker = Mirror(rate=rate), Clockwork()
    voice.convert = lambda clip, pitch, *, seed=0: clip  # type: ignore[method-assign]
    conversion = Conversion(voice, tracker)
    heard = conversion.listen(hour)
    longest = count = 0
    for clip in conversion.stream(hour, heard):
        longest, count = max(longest, len(clip)), count + len(clip)
    assert count == heard.samples == 60 * minutes * rate
    assert reads == [rate, rate]
    assert longest <= 20.1 * rate
    assert max(tracker.seconds) < 60


def test_between_slices_there_is_silence_only_if_it_is_asked_for() -> None:
    clip = talk(1.0, 1.0, pause_s=3.0)
    levels = {}
    for between in ("silence", "faint", "source"):
        settings = ConversionSettings(slices=SliceOptions(between=between))
        made, _ = Conversion(Mirror(), Clockwork(), settings).convert_clip(clip)
        levels[between] = float(np.sqrt(np.mean(made.between(2.0, 3.0).samples ** 2)))
    assert levels["silence"] == 0
    assert levels["faint"] == pytest.approx(levels["source"] / 4, rel=0.02)  # 12 dB
    assert levels["source"] == pytest.approx(1e-4, rel=0.1)


def test_pitch_moves_home_and_the_result_says_so() -> None:
    voice = Mirror(home_hz=112.0)
    _, converted = Conversion(voice, Clockwork(hz=200.0)).convert_clip(talk(2.0))
    assert converted.semitones == -10
    assert converted.source_hz == pytest.approx(200, rel=1e-4)
    assert converted.target_hz == pytest.approx(112.25, rel=1e-3)
    assert voice.wished[0].median_hz == pytest.approx(112.25, rel=1e-3)
    assert converted.warnings == ()


def test_a_voice_without_a_home_says_that_nothing_moved() -> None:
    _, converted = Conversion(Mirror(home_hz=0), Clockwork()).convert_clip(talk(2.0))
    assert converted.semitones == 0
    assert "not transposed" in converted.warnings[0]


def test_notes_that_leave_the_range_are_counted() -> None:
    settings = ConversionSettings(transpose=30)
    _, converted = Conversion(Mirror(), Clockwork(hz=600), settings).convert_clip(talk(2.0))
    assert "100 % of the notes" in converted.warnings[0]


def test_silence_and_noise_are_not_taken_for_a_voice() -> None:
    nothing = Clip.silence(3, 16_000)
    made, converted = Conversion(Mirror(home_hz=100), Clockwork()).convert_clip(nothing)
    assert not made.samples.any()
    assert len(made) == len(nothing)
    assert math.isnan(converted.source_hz)
    assert "silent" in converted.warnings[0]
    noise = Clip(0.1 * np.random.default_rng(0).standard_normal(48_000), 16_000)
    _, converted = Conversion(Mirror(home_hz=100), Clockwork(hz=0)).convert_clip(noise)
    assert "hardly any voice" in converted.warnings[0]
    empty, _ = Conversion(Mirror(), Clockwork()).convert_clip(Clip.silence(0, 16_000))
    assert len(empty) == 0


def test_the_result_is_as_loud_over_time_as_was_asked() -> None:
    loud, soft = talk(4.0), talk(4.0, amplitude=0.05)
    clip = loud.with_samples(np.concatenate([loud.samples, soft.samples]))

    class Level(Mirror):
        def convert(self, clip: Clip, pitch: object, *, seed: int = 0) -> Clip:
            return clip.with_samples(clip.samples / (np.abs(clip.samples).max() + 1e-9) * 0.1)

    settings = ConversionSettings(envelope=1.0, slices=SliceOptions(longest_s=2.0))
    made, _ = Conversion(Level(), Clockwork(), settings).convert_clip(clip)
    assert len(made) == len(clip)
    for start_s in (1.0, 6.0):
        ours, theirs = (np.std(part.between(start_s, start_s + 1).samples) for part in (made, clip))
        assert ours == pytest.approx(theirs, rel=0.1)


def test_a_file_is_converted_whole_or_not_at_all(tmp_path: Path) -> None:
    source, target = tmp_path / "in.wav", tmp_path / "out.wav"
    write_clip(source, talk(2.0, 1.0, rate=44_100))
    steps: dict[str, float] = {}
    voice = Mirror(rate=24_000)
    converted = Conversion(voice, Clockwork()).convert(
        source, target, progress=lambda step, done, total: steps.update({step: done / total})
    )
    assert read_clip(target).rate == 24_000
    assert len(read_clip(target)) == round(4.0 * 24_000)
    assert steps == {"listening": 1.0, "converting": 1.0}
    assert converted.rtf > 0

    class Broken(Mirror):
        def convert(self, clip: Clip, pitch: object, *, seed: int = 0) -> Clip:
            raise KeyboardInterrupt

    before = target.read_bytes()
    with pytest.raises(KeyboardInterrupt):
        Conversion(Broken(), Clockwork()).convert(source, target)
    assert target.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.wav", "out.wav"]


def test_two_channels_are_heard_as_one_and_that_is_said(tmp_path: Path) -> None:
    import soundfile

    tone = 0.3 * np.sin(2 * np.pi * 220 * np.arange(32_000) / 16_000)
    soundfile.write(tmp_path / "two.wav", np.stack([tone, 0 * tone], axis=1), 16_000)
    converted = Conversion(Mirror(), Clockwork()).convert(tmp_path / "two.wav", tmp_path / "out.wav")
    assert "mean of its 2 channels" in converted.warnings[0]
    assert np.abs(read_clip(tmp_path / "out.wav").samples[8000:24000]).max() == pytest.approx(0.15, abs=0.01)


def test_what_cannot_work_is_refused_before_the_work(tmp_path: Path) -> None:
    write_clip(tmp_path / "a.wav", talk(1.0))
    with pytest.raises(BadClip, match="another name"):
        Conversion(Mirror(), Clockwork()).convert(tmp_path / "a.wav", tmp_path / "a.wav")
    with pytest.raises(BadClip, match="ending"):
        Conversion(Mirror(), Clockwork()).convert(tmp_path / "a.wav", tmp_path / "a.doc")
    with pytest.raises(BadSetting, match="separator"):
        Conversion(Mirror(), Clockwork(), ConversionSettings(separate=True))
    with pytest.raises(BadSetting, match="nothing is left"):
        Conversion(Mirror(context_s=2, longest_s=4), Clockwork())


def test_an_engine_that_does_not_keep_time_is_a_bug() -> None:
    class Slow(Mirror):
        def convert(self, clip: Clip, pitch: object, *, seed: int = 0) -> Clip:
            return clip.with_samples(np.resize(clip.samples, 2 * len(clip)))

    with pytest.raises(ValueError, match="samples at"):
        Conversion(Slow(), Clockwork()).convert_clip(talk(1.0))


def test_real_speech_keeps_its_words_and_its_pitch_moves_home() -> None:
    clip = read_clip(samples()[0].path, rate=24_000)
    voice = Mirror(rate=24_000, home_hz=120.0, longest_s=4.0)
    settings = ConversionSettings(pitch="yin", slices=AS_IT_IS)
    made, converted = Conversion(voice, YinPitch(), settings).convert_clip(clip)
    assert np.abs(made.samples - clip.samples).max() < 1e-6
    assert converted.warnings == ()
    assert 100 < converted.source_hz < 300
    assert converted.target_hz == pytest.approx(120, rel=0.03)
    assert sum(part.seconds for part in converted.slices) > 0.6 * clip.seconds
