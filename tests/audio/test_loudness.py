"""Loudness as ears and standards have it."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voicewright.audio.clip import Clip
from voicewright.audio.edit import gain, join, resample
from voicewright.audio.loudness import (
    clipping,
    loudness_lufs,
    loudness_of,
    normalise,
    rms_db,
    true_peak_db,
    true_peak_of,
)
from voicewright.audio.streaming import blocks_of

MakeTone = Callable[..., Clip]


def test_a_full_scale_sine_measures_what_the_standard_says(tone: MakeTone) -> None:
    """ITU-R BS.1770-4: 0 dB at 997 Hz in one channel is -3.01 LUFS."""
    sine = tone(997, rate=48_000, seconds=5, amplitude=1.0)
    assert loudness_lufs(sine) == pytest.approx(-3.01, abs=0.05)
    assert rms_db(sine) == pytest.approx(-3.01, abs=0.01)
    assert true_peak_db(sine) == pytest.approx(0.0, abs=0.05)


@pytest.mark.parametrize("rate", [8_000, 16_000, 24_000, 44_100])
def test_loudness_does_not_depend_on_the_rate(tone: MakeTone, rate: int) -> None:
    assert loudness_lufs(tone(997, rate=rate, seconds=2)) == pytest.approx(-9.03, abs=0.2)


def test_pauses_do_not_make_speech_quieter(speech: Clip) -> None:
    paused = join([speech, Clip.silence(7, speech.rate), speech])
    assert loudness_lufs(paused) == pytest.approx(loudness_lufs(speech), abs=0.3)
    assert rms_db(paused) < rms_db(speech) - 1


@pytest.mark.parametrize("seconds", [0.02, 0.1, 0.399, 0.4, 0.41])
def test_a_short_clip_is_as_loud_as_the_sound_it_was_cut_from(tone: MakeTone, seconds: float) -> None:
    assert loudness_lufs(tone(500, seconds=seconds)) == pytest.approx(loudness_lufs(tone(500, seconds=4)), abs=0.2)


@pytest.mark.parametrize("clip", [Clip([], 16_000), Clip.silence(0.1, 16_000), Clip.silence(2, 16_000)])
def test_silence_is_infinitely_quiet_and_stays_so(clip: Clip) -> None:
    assert loudness_lufs(clip) == rms_db(clip) == true_peak_db(clip) == -math.inf
    assert np.array_equal(normalise(clip, -20).samples, clip.samples)
    assert clipping(clip).runs == 0


def test_a_faint_recording_is_brought_up_and_rounding_errors_are_not(speech: Clip) -> None:
    assert loudness_lufs(normalise(gain(speech, -80), -20)) == pytest.approx(-20, abs=0.1)
    dust = Clip(np.full(16_000, 1e-40), 16_000)
    assert np.array_equal(normalise(dust, -20).samples, dust.samples)


def test_the_true_peak_lies_between_the_samples() -> None:
    """A quarter of the rate, sampled halfway up its slopes: 3 dB between samples and wave (BS.1770-4 annex 2)."""
    t = np.arange(4_800) + 0.5
    hidden = Clip(np.sin(np.pi / 2 * t), 48_000)
    assert np.abs(hidden.samples).max() == pytest.approx(0.7071, abs=1e-3)
    assert true_peak_db(hidden.with_samples(hidden.samples * np.hanning(4_800))) == pytest.approx(0, abs=0.1)


def test_the_true_peak_of_a_long_clip_is_that_of_its_loudest_part(tone: MakeTone) -> None:
    loud, quiet = tone(300, seconds=1, amplitude=0.8), tone(300, seconds=14, amplitude=0.1)
    assert true_peak_db(join([quiet, loud, quiet])) == pytest.approx(true_peak_db(loud), abs=0.3)


@settings(max_examples=25, deadline=None)
@given(lufs=st.floats(-45, -5), level_db=st.floats(-40, 10), ceiling_db=st.floats(-6, 0))
def test_normalised_speech_is_as_loud_as_asked_or_touches_its_ceiling(
    speech: Clip, lufs: float, level_db: float, ceiling_db: float
) -> None:
    result = normalise(gain(speech.between(0, 2), level_db), lufs, ceiling_db=ceiling_db)
    peak = true_peak_db(result)
    assert peak <= ceiling_db + 0.01
    reached = loudness_lufs(result)
    assert reached <= lufs + 0.05
    assert reached == pytest.approx(lufs, abs=0.05) or peak == pytest.approx(ceiling_db, abs=0.01)


@pytest.mark.parametrize("level_db", [0.0, -20.0])
@pytest.mark.parametrize("bits", [None, 16])
def test_clipped_speech_is_found_at_any_level(speech: Clip, level_db: float, bits: int | None) -> None:
    rail = np.abs(speech.samples).max() / 4
    cut = gain(speech.with_samples(np.clip(speech.samples, -rail, rail) / rail), level_db)
    if bits:
        cut = cut.with_samples(np.rint(cut.samples * 2**15) / 2**15)
    true_share = float(np.mean(np.abs(speech.samples) >= rail))
    found = clipping(cut)
    assert true_share > 0.005
    assert 0.6 * true_share < found.share <= 1.02 * true_share
    assert found.runs > 20


def test_clipping_on_one_side_only_is_found(speech: Clip) -> None:
    rail = speech.samples.max() / 4
    assert clipping(speech.with_samples(np.minimum(speech.samples, rail))).runs > 10


@pytest.mark.parametrize("hz", [50, 110, 440, 997])
@pytest.mark.parametrize(
    ("bits", "amplitude"), [(8, 1.0), (8, 0.3), (16, 1.0), (16, 0.3), (16, 0.01), (None, 1.0), (None, 0.01)]
)
def test_the_round_top_of_a_wave_is_not_clipping(tone: MakeTone, hz: float, amplitude: float, bits: int | None) -> None:
    clip = tone(hz, amplitude=amplitude, rate=48_000)
    if bits:
        clip = clip.with_samples(np.rint(clip.samples * 2 ** (bits - 1)) / 2 ** (bits - 1))
    assert clipping(clip).runs == 0


def test_a_clean_recording_is_not_clipped(speech: Clip) -> None:
    assert clipping(speech).share < 1e-4
    assert clipping(resample(speech, 44_100)).share < 1e-4
    assert clipping(normalise(speech, -16)).share < 1e-4


@pytest.mark.parametrize("rate", [16_000, 22_050, 44_100])
def test_sound_in_blocks_measures_as_the_whole(rate: int) -> None:
    rng = np.random.default_rng(3)
    levels = np.repeat([0.2, 0.001, 0.05, 0.0, 0.1], 2 * rate)  # loud, far below the gate, soft, silent
    clip = Clip((levels * rng.standard_normal(len(levels))).astype(np.float32).clip(-1, 1), rate)
    blocks = list(blocks_of(clip, 0.37))
    assert loudness_of(blocks) == pytest.approx(loudness_lufs(clip), abs=0.05)
    assert true_peak_of(blocks) == pytest.approx(true_peak_db(clip), abs=1e-3)


def test_blocks_of_next_to_nothing_measure_as_the_whole(tone: MakeTone) -> None:
    short = tone(440, rate=16_000, seconds=0.2)
    assert loudness_of(blocks_of(short, 0.05)) == pytest.approx(loudness_lufs(short), abs=1e-6)
    assert loudness_of([]) == loudness_of([Clip.silence(3, 16_000)]) == true_peak_of([]) == -math.inf
