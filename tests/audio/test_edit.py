"""Cutting and joining without clicks, gaps or drift."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicewright.audio.clip import Clip
from voicewright.audio.edit import fade, gain, join, pad, resample, trim
from voicewright.audio.loudness import rms_db
from voicewright.errors import BadClip

MakeTone = Callable[..., Clip]
RATES = st.sampled_from([8_000, 11_025, 16_000, 22_050, 24_000, 44_100, 48_000, 96_000])


def loudest_hz(clip: Clip) -> float:
    spectrum = np.abs(np.fft.rfft(clip.samples * np.hanning(len(clip)), 8 * len(clip)))
    return float(spectrum.argmax() * clip.rate / (8 * len(clip)))


@given(size=st.integers(0, 20_000), from_rate=RATES, to_rate=RATES)
def test_resampling_keeps_the_length_to_a_sample(size: int, from_rate: int, to_rate: int) -> None:
    result = resample(Clip(np.zeros(size), from_rate), to_rate)
    assert result.rate == to_rate
    assert abs(len(result) - size * to_rate / from_rate) <= 0.5


@given(hz=st.floats(100, 3_400), from_rate=RATES, to_rate=RATES)
def test_resampling_keeps_pitch_level_and_time(hz: float, from_rate: int, to_rate: int) -> None:
    t = np.arange(from_rate // 2) / from_rate
    sound = Clip(0.5 * np.sin(2 * np.pi * hz * t), from_rate)
    result = resample(sound, to_rate)
    assert loudest_hz(result) == pytest.approx(hz, rel=0.002)
    middle = slice(to_rate // 10, -to_rate // 10)
    expected = 0.5 * np.sin(2 * np.pi * hz * np.arange(len(result)) / to_rate)
    assert np.abs(result.samples[middle] - expected[middle]).max() < 0.002


def test_resampling_down_lets_nothing_fold_back(tone: MakeTone) -> None:
    above = resample(tone(9_000, rate=48_000, amplitude=0.9), 16_000).between(0.1, 0.9)
    assert rms_db(above) < -100


def test_gain_is_in_decibels(tone: MakeTone) -> None:
    assert rms_db(gain(tone(), -12.5)) == pytest.approx(rms_db(tone()) - 12.5, abs=1e-3)


def test_padding_is_silence_of_the_right_length(tone: MakeTone) -> None:
    padded = pad(tone(seconds=1), 0.25, 0.5)
    assert padded.seconds == 1.75
    assert not padded.between(0, 0.25).samples.any()
    assert not padded.between(1.25, 1.75).samples.any()
    assert np.array_equal(padded.between(0.25, 1.25).samples, tone(seconds=1).samples)
    with pytest.raises(BadClip, match="less than nothing"):
        pad(tone(), -1)


@pytest.mark.parametrize("level_db", [0.0, -30.0])
def test_trimming_takes_the_room_and_leaves_the_voice(tone: MakeTone, level_db: float) -> None:
    word = fade(tone(seconds=0.5), 20, 20)
    recording = join([Clip.silence(1, 16_000), word, Clip.silence(0.4, 16_000), word, Clip.silence(2, 16_000)])
    room = 1e-4 * np.random.default_rng(4).standard_normal(len(recording))
    trimmed = trim(gain(recording.with_samples(recording.samples + room), level_db), keep_ms=50)
    assert trimmed.seconds == pytest.approx(0.5 + 0.4 + 0.5 + 0.1, abs=0.05)
    assert rms_db(trimmed.between(0, 0.04)) < rms_db(trimmed) - 30


def test_trimming_silence_leaves_nothing_and_trimming_sound_leaves_all(tone: MakeTone) -> None:
    assert len(trim(Clip.silence(1, 16_000))) == 0
    assert len(trim(Clip([], 16_000))) == 0
    assert len(trim(tone())) == len(tone())


@given(size=st.integers(0, 2_000), in_ms=st.floats(0, 200), out_ms=st.floats(0, 200))
def test_a_fade_only_lowers_and_begins_and_ends_in_silence(size: int, in_ms: float, out_ms: float) -> None:
    faded = fade(Clip(np.ones(size), 16_000), in_ms, out_ms).samples
    assert len(faded) == size
    assert ((faded >= 0) & (faded <= 1)).all()
    if size >= 10 and in_ms >= 10:
        assert faded[0] < 0.01
    if size >= 10 and out_ms >= 10:
        assert faded[-1] < 0.01
    inside = faded[round(in_ms * 16) + 1 : max(0, size - round(out_ms * 16) - 1)]
    assert (inside == 1).all()


@given(
    sizes=st.lists(st.integers(0, 400), min_size=1, max_size=8),
    crossfade_ms=st.floats(0, 30),
    seed=st.integers(0, 99),
)
def test_joined_clips_last_as_long_as_they_should_and_never_grow_louder(
    sizes: list[int], crossfade_ms: float, seed: int
) -> None:
    source = np.random.default_rng(seed)
    clips = [Clip(source.uniform(-1, 1, size), 8_000) for size in sizes]
    whole = join(clips, crossfade_ms=crossfade_ms)
    overlap = round(crossfade_ms * 8)
    assert sum(sizes) - overlap * (len(sizes) - 1) <= len(whole) <= sum(sizes)
    if all(size >= overlap for size in sizes):
        assert len(whole) == sum(sizes) - overlap * (len(sizes) - 1)
    assert np.abs(whole.samples).max(initial=0) <= 1 + 1e-6
    if not overlap:
        assert np.array_equal(whole.samples, np.concatenate([clip.samples for clip in clips]))


@given(cuts=st.lists(st.integers(700, 15_000), unique=True, max_size=4))
def test_overlapping_cuts_of_one_recording_join_to_the_recording(cuts: list[int]) -> None:
    recording = Clip(np.random.default_rng(8).uniform(-1, 1, 16_000), 16_000)
    edges = [0, *sorted(cuts), len(recording)]
    if min(np.diff(edges)) < 640:
        return
    parts = [recording.samples[max(0, a - 320) : b] for a, b in pairwise(edges)]
    whole = join([recording.with_samples(part) for part in parts], crossfade_ms=20)
    np.testing.assert_allclose(whole.samples, recording.samples, atol=1e-6)


def test_a_cross_fade_has_no_click(tone: MakeTone) -> None:
    a, b = tone(200, seconds=0.5).between(0, 0.4987), tone(317, seconds=0.5)
    steps = [np.abs(np.diff(join([a, b], crossfade_ms=ms).samples)).max() for ms in (0, 10)]
    smooth = max(np.abs(np.diff(clip.samples)).max() for clip in (a, b))
    assert steps[1] < 1.05 * smooth < steps[0]


def test_what_cannot_be_joined_is_refused(tone: MakeTone) -> None:
    with pytest.raises(BadClip, match="8000, 16000 Hz"):
        join([tone(), tone(rate=8_000)])
    with pytest.raises(BadClip, match="nothing to join"):
        join([])
    with pytest.raises(BadClip, match="less than nothing"):
        join([tone()], crossfade_ms=-1)
    with pytest.raises(BadClip, match="less than nothing"):
        fade(tone(), -1, 0)
