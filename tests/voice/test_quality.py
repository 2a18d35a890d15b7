"""The doctor's measures come close to what was put into the sound."""

from pathlib import Path

import numpy as np
import pytest

from voicewright.audio.clip import Clip
from voicewright.audio.edit import join, resample
from voicewright.audio.files import read_clip
from voicewright.voice.quality import Quality, quality_of, scene_of, speech_power

AUSTEN = Path(__file__).parents[2] / "src/voicewright/samples/austen"


@pytest.fixture(scope="module")
def speech() -> Clip:
    """About 24 s of one reader at 16 kHz."""
    return join([read_clip(path) for path in sorted(AUSTEN.glob("*.flac"))])


def measured(clip: Clip) -> Quality:
    return quality_of(clip, scene_of(clip))


def noise(count: int, *, pink: bool) -> np.ndarray:
    white = np.random.default_rng(1).standard_normal(count)
    if not pink:
        return white
    spectrum = np.fft.rfft(white)
    return np.fft.irfft(spectrum / np.sqrt(np.maximum(np.arange(len(spectrum)), 60 * count / 16_000)), count)


@pytest.mark.parametrize("pink", [False, True])
@pytest.mark.parametrize("snr_db", [0, 5, 10, 15, 20])
def test_noise_is_measured_within_four_decibels(speech: Clip, snr_db: int, pink: bool) -> None:
    background = noise(len(speech), pink=pink)
    background *= np.sqrt(speech_power(speech) / speech_power(Clip(background, speech.rate))) * 10 ** (-snr_db / 20)
    assert measured(speech.with_samples(speech.samples + background)).snr_db == pytest.approx(snr_db, abs=4)


def test_offset_and_gain_change_no_ratio(speech: Clip) -> None:
    before = measured(speech)
    after = measured(speech.with_samples(speech.samples * 0.1 + 0.2))
    assert after.snr_db == pytest.approx(before.snr_db, abs=0.5)
    assert after.level_db == pytest.approx(before.level_db - 20, abs=0.5)


def in_room(clip: Clip, t60_s: float) -> Clip:
    """The clip in a room with as much reverberant as direct sound (exponentially decaying noise)."""
    time_s = np.arange(int(1.2 * t60_s * clip.rate)) / clip.rate
    response = np.random.default_rng(0).standard_normal(len(time_s)) * 10 ** (-3 * time_s / t60_s)
    response[:32] = 0
    response /= np.sqrt(np.square(response).sum())
    response[0] = 1
    size = len(clip) + len(response)
    wet = np.fft.irfft(np.fft.rfft(clip.samples, size) * np.fft.rfft(response, size), size)
    return clip.with_samples(wet[: len(clip)])


@pytest.mark.parametrize(("t60_s", "low", "high"), [(0.2, 0.1, 0.3), (0.4, 0.3, 0.6), (0.8, 0.6, 1.2)])
def test_reverberation_is_measured(speech: Clip, t60_s: float, low: float, high: float) -> None:
    assert low <= scene_of(in_room(speech, t60_s)).reverb_s <= high


def test_dry_speech_is_dry_and_without_music(speech: Clip) -> None:
    scene = scene_of(speech)
    assert scene.reverb_s < 0.15
    assert scene.tones < 2
    assert scene.liveliness_db > 7


def test_a_held_chord_is_heard_behind_speech(speech: Clip) -> None:
    time_s = np.arange(len(speech)) / speech.rate
    chord = sum(np.sin(2 * np.pi * hz * time_s) for hz in (220, 277, 330, 440, 554, 659))
    chord *= np.sqrt(speech_power(speech) / np.square(chord).mean()) * 10 ** (-15 / 20)
    assert scene_of(speech.with_samples(speech.samples + chord)).tones > 4


def test_bandwidth_finds_the_telephone(speech: Clip) -> None:
    assert measured(speech).bandwidth_hz > 7_000
    call = resample(speech, 8_000)
    assert measured(call).bandwidth_hz == pytest.approx(4_000, abs=200)
    assert measured(resample(call, 16_000)).bandwidth_hz == pytest.approx(4_000, abs=300)


@pytest.mark.parametrize("share", [0.002, 0.02])
def test_clipping_is_counted(speech: Clip, share: float) -> None:
    rail = np.quantile(np.abs(speech.samples), 1 - share)
    clipped = measured(speech.with_samples(np.clip(speech.samples, -rail, rail) * 0.9)).clipped
    assert 0.3 * share < clipped <= 1.1 * share
    assert measured(speech).clipped == 0


@pytest.mark.parametrize("samples", [np.zeros(0), np.zeros(16_000), np.ones(10), np.full(16_000, 0.3)])
def test_degenerate_sound_is_measured_without_a_warning(samples: np.ndarray) -> None:
    clip = Clip(samples, 16_000)
    assert np.isfinite(quality_of(clip, scene_of(clip)).snr_db)
