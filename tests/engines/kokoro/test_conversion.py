"""A recording keeps its words, its timing and its pitch, in the voice it is given; the twin runs the same machinery."""

import numpy as np
import pytest
import torch

from voicewright.audio.clip import Clip
from voicewright.audio.edit import resample
from voicewright.audio.files import read_clip
from voicewright.audio.pitch import Pitch
from voicewright.audio.yin import YinPitch
from voicewright.engines.base import Converts
from voicewright.engines.kokoro.content import ContentConfig, ContentPredictor, at_times, sounding_times
from voicewright.engines.kokoro.conversion import KokoroConverter
from voicewright.engines.kokoro.conversion_options import KokoroConvertOptions
from voicewright.engines.kokoro.engine import KokoroEngine
from voicewright.errors import BadClip, WrongVoice
from voicewright.samples import AUSTEN


@pytest.fixture(scope="module")
def sentence() -> Clip:
    return read_clip(sorted(AUSTEN.glob("*.flac"))[-1]).between(0, 2.5)


@pytest.fixture(scope="module")
def converter(twin: KokoroEngine) -> KokoroConverter:
    return twin.converter(twin.own_voice(), KokoroConvertOptions())


def steady(seconds: float, f0_hz: float = 150.0) -> Pitch:
    count = round(seconds * 100)
    return Pitch(np.full(count, f0_hz, np.float32), np.ones(count, np.float32), 0.01)


def tone(seconds: float, rate: int = 16_000) -> Clip:
    at = np.arange(round(seconds * rate)) / rate
    return Clip(0.1 * np.sin(2 * np.pi * 150 * at) * (1 + np.sin(2 * np.pi * 3 * at)), rate)


def test_the_engine_and_its_twin_convert(twin: KokoroEngine) -> None:
    assert isinstance(twin, Converts)


@pytest.mark.parametrize(("seconds", "rate"), [(1.0, 16_000), (0.3, 8000), (1.37, 44_100), (2.001, 22_050)])
def test_what_comes_out_lasts_as_long_as_what_goes_in(converter: KokoroConverter, seconds: float, rate: int) -> None:
    made = converter.convert(tone(seconds, rate), steady(seconds))
    assert (made.rate, len(made)) == (24_000, round(round(seconds * rate) / rate * 24_000))
    assert made.samples.any()


@pytest.mark.parametrize("clip", [Clip.silence(1.0, 16_000), Clip.silence(0.01, 16_000), Clip([], 16_000)])
def test_silence_stays_silence(converter: KokoroConverter, clip: Clip) -> None:
    made = converter.convert(clip, steady(clip.seconds))
    assert len(made) == round(clip.seconds * 24_000)
    assert not made.samples.any()


def test_a_seed_gives_the_same_samples_again(converter: KokoroConverter) -> None:
    first, again, other = (converter.convert(tone(0.5), steady(0.5), seed=seed).samples for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_clip_that_is_too_long_is_refused(converter: KokoroConverter) -> None:
    seconds = converter.longest_s + 1
    with pytest.raises(BadClip, match="cut it"):
        converter.convert(Clip.silence(seconds, 16_000), steady(seconds))


def test_the_result_is_as_loud_as_the_recording(converter: KokoroConverter) -> None:
    loud = tone(1.0)
    quiet = loud.with_samples(0.1 * loud.samples)
    levels = [float(np.std(converter.convert(clip, steady(1.0)).samples)) for clip in (loud, quiet)]
    assert levels[0] == pytest.approx(10 * levels[1], rel=0.2)


def test_a_voice_of_another_engine_is_refused(engine: KokoroEngine, twin: KokoroEngine) -> None:
    with pytest.raises(WrongVoice):
        twin.converter(engine.own_voice(), KokoroConvertOptions())


def test_content_is_taken_from_when_it_sounds() -> None:
    ramp = torch.arange(100.0)[None, :, None]
    like = torch.zeros(1)
    heard = at_times(ramp, sounding_times(40, 0, like))[0, :, 0]
    assert heard[20].item() == pytest.approx((20.5 * 0.025 - 0.055) * 50)
    assert heard[0].item() == 0
    later = at_times(ramp, sounding_times(20, 10, like))[0, :, 0]
    assert torch.equal(later, heard[10:30])


def test_a_frame_hears_no_further_than_the_blocks_reach() -> None:
    network = ContentPredictor(ContentConfig.tiny()).eval()
    heard = torch.randn(1, 200, network.config.heard, generator=torch.Generator().manual_seed(0))
    changed = heard.clone()
    changed[:, 100:] += 1
    with torch.inference_mode():
        guesses, energy = network(heard, 160)
        other, _ = network(changed, 160)
    assert guesses.shape == (1, 160, 178)
    assert energy.shape == (1, 320)
    same = (guesses == other).all(2)[0]
    assert same[:70].all()
    assert not same[90:].any()


def test_words_pitch_and_time_are_kept(engine: KokoroEngine, sentence: Clip) -> None:
    tracker = YinPitch()
    converter = engine.converter(engine.own_voice(), KokoroConvertOptions())
    assert 80 < converter.home_hz < 300
    pitch = tracker.track(sentence)
    made = converter.convert(sentence, pitch)
    assert len(made) == round(sentence.seconds * 24_000)
    found = tracker.track(made).resampled(50).f0_hz
    asked = pitch.resampled(50).f0_hz[: len(found)]
    both = (found[: len(asked)] > 0) & (asked > 0)
    assert both.sum() > 20
    assert np.median(np.abs(np.log2(found[: len(asked)][both] / asked[both]))) < 0.1
    envelope = [_levels(clip, 2.5) for clip in (sentence, made)]
    assert np.corrcoef(*envelope)[0, 1] > 0.5


def _levels(clip: Clip, seconds: float) -> np.ndarray:
    samples = resample(clip, 16_000).samples[: int(seconds * 16_000) // 800 * 800].reshape(-1, 800)
    return np.log(samples.std(1) + 1e-3)
