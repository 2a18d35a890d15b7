"""Pitch trackers hear what was sung."""

import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicewright.audio.clip import Clip
from voicewright.audio.edit import join, resample
from voicewright.audio.pitch import Pitch, PitchTracker, find_tracker
from voicewright.audio.world import DioPitch, HarvestPitch
from voicewright.errors import BadSetting, BadWeights, MissingExtra


@pytest.fixture(scope="module", params=["swift", "yin"])
def tracker(request: pytest.FixtureRequest, swift_model: Path) -> PitchTracker:
    return find_tracker(request.param, swift_model if request.param == "swift" else None)


def voice(hz: np.ndarray, rate: int, noise: float = 0.003) -> Clip:
    """A buzz with five falling harmonics along a pitch curve (one value per sample), and a little breath."""
    phase = 2 * np.pi * np.cumsum(hz) / rate
    sound = sum(np.sin(k * phase) / k for k in range(1, 6) if k * hz.max() < rate / 2)
    return Clip(0.2 * sound + noise * np.random.default_rng(2).standard_normal(len(hz)), rate)


def cents(pitch: Pitch, truth_hz: np.ndarray, rate: int) -> np.ndarray:
    """Errors of the voiced frames away from the ends."""
    at = (np.arange(len(pitch.f0_hz)) * pitch.hop_s * rate).astype(int)
    inside = pitch.voiced & (at > 0.06 * rate) & (at < len(truth_hz) - 0.06 * rate)
    assert inside.sum() * pitch.hop_s > 0.9 * (len(truth_hz) / rate - 0.12), "most of it is voiced"
    return 1200 * np.log2(pitch.f0_hz[inside] / truth_hz[at[inside]])


@pytest.mark.parametrize("rate", [16_000, 44_100])
@pytest.mark.parametrize("hz", [60, 90, 140, 220, 440, 880, 1_500])
def test_a_held_note_is_right_to_a_tenth_of_a_semitone(tracker: PitchTracker, hz: float, rate: int) -> None:
    truth = np.full(rate, float(hz))
    assert np.percentile(np.abs(cents(tracker.track(voice(truth, rate)), truth, rate)), 95) < 10


def test_a_glide_and_a_vibrato_are_followed_in_time(tracker: PitchTracker) -> None:
    t = np.arange(32_000) / 16_000
    for truth in (110 * 4 ** (t / 2), 220 * 2 ** (0.5 / 12 * np.sin(2 * np.pi * 5.5 * t))):
        errors = cents(tracker.track(voice(truth, 16_000)), truth, 16_000)
        assert np.percentile(np.abs(errors), 90) < 20
        assert abs(np.median(errors)) < 8


def test_a_phrase_of_real_speech_has_the_pitch_of_its_reader(tracker: PitchTracker, speech: Clip) -> None:
    for clip in (speech, resample(speech, 44_100)):
        pitch = tracker.track(clip)
        assert 90 < pitch.median_hz < 112
        assert 5 < pitch.range_semitones < 13
        assert 0.35 < pitch.voiced.mean() < 0.85


def test_methods_agree_on_real_speech(swift_model: Path, speech: Clip) -> None:
    first, second = (
        find_tracker(name, model).track(speech).resampled(100)
        for name, model in (("swift", swift_model), ("yin", None))
    )
    size = min(len(first.f0_hz), len(second.f0_hz))
    both = first.voiced[:size] & second.voiced[:size]
    apart = 12 * np.abs(np.log2(first.f0_hz[:size][both] / second.f0_hz[:size][both]))
    assert both.mean() > 0.4
    assert np.mean(apart < 0.5) > 0.93


def test_silence_and_noise_have_no_pitch(tracker: PitchTracker) -> None:
    noise = Clip(0.1 * np.random.default_rng(1).standard_normal(32_000), 16_000)
    for clip in (Clip([], 16_000), Clip([0.1] * 5, 16_000), Clip.silence(1, 24_000), noise):
        pitch = tracker.track(clip)
        assert pitch.voiced.mean() < 0.03 if len(pitch.f0_hz) else True
        assert len(pitch.f0_hz) == len(pitch.confidence)
    assert np.isnan(tracker.track(Clip.silence(1, 16_000)).median_hz)
    assert tracker.track(Clip.silence(1, 16_000)).range_semitones == 0


def test_pauses_are_unvoiced_and_confidence_follows(tracker: PitchTracker) -> None:
    note = voice(np.full(16_000, 200.0), 16_000, noise=0)
    pitch = tracker.track(join([note, Clip.silence(1, 16_000), note]))
    at = np.arange(len(pitch.f0_hz)) * pitch.hop_s
    held, pause = ((at > 0.1) & (at < 0.9)), ((at > 1.1) & (at < 1.9))
    assert pitch.voiced[held].all()
    assert not pitch.voiced[pause].any()
    assert pitch.confidence[held].min() > 0.5 > pitch.confidence[pause].max()


def test_a_minute_and_more_has_no_seams(swift_model: Path) -> None:
    """The network is fed 30 s at a time with its context; YIN 10 s."""
    truth = 180 * 2 ** (np.sin(2 * np.pi * 0.5 * np.arange(16_000 * 65) / 16_000) / 4)
    for tracker in (find_tracker("swift", swift_model), find_tracker("yin")):
        errors = cents(tracker.track(voice(truth, 16_000)), truth, 16_000)
        assert np.abs(errors).max() < 30


def test_the_range_is_kept(swift_model: Path) -> None:
    clip = voice(np.full(16_000, 300.0), 16_000)
    for name, model in (("swift", swift_model), ("yin", None)):
        low = find_tracker(name, model, low_hz=60, high_hz=250).track(clip)
        assert (low.f0_hz <= 250).all()
        with pytest.raises(BadSetting, match="looks between"):
            find_tracker(name, model, low_hz=400, high_hz=300)
        with pytest.raises(BadSetting, match="looks between"):
            find_tracker(name, model, low_hz=10)


@given(
    f0_hz=st.lists(st.one_of(st.just(0.0), st.floats(60, 1_000)), max_size=60),
    frames_per_second=st.floats(5, 400),
)
def test_another_frame_rate_keeps_length_and_invents_no_pitch(f0_hz: list[float], frames_per_second: float) -> None:
    pitch = Pitch(np.array(f0_hz, np.float32), np.ones(len(f0_hz), np.float32), 0.016)
    other = pitch.resampled(frames_per_second)
    assert len(other.f0_hz) == len(other.confidence) == round(len(f0_hz) * 0.016 * frames_per_second)
    assert other.hop_s == pytest.approx(1 / frames_per_second)
    heard = other.f0_hz[other.voiced]
    if len(heard):
        assert heard.min() >= min(hz for hz in f0_hz if hz) * 0.9999
        assert heard.max() <= max(f0_hz) * 1.0001


def test_another_frame_rate_glides_between_notes_but_not_through_pauses() -> None:
    pitch = Pitch(np.array([100, 200, 0, 0, 400], np.float32), np.ones(5, np.float32), 0.02)
    assert pitch.resampled(100).f0_hz.tolist() == pytest.approx([100, 141.42, 200, 0, 0, 0, 0, 400, 400, 400], abs=0.01)
    assert pitch.resampled(50).f0_hz.tolist() == pytest.approx(pitch.f0_hz.tolist())
    with pytest.raises(BadSetting, match="positive"):
        pitch.resampled(0)


def test_a_tracker_that_does_not_exist_is_refused_with_the_nearest_name(swift_model: Path) -> None:
    with pytest.raises(BadSetting, match=r"'swft', did you mean 'swift'\?.*swift, yin, harvest, dio"):
        find_tracker("swft")
    with pytest.raises(BadSetting, match=r"'pm': Praat's method .* under the GPL.*harvest"):
        find_tracker("pm")
    with pytest.raises(BadSetting, match=r"torchfcpe.* needs torchaudio.*swift"):
        find_tracker("fcpe")
    with pytest.raises(BadSetting, match="needs its model"):
        find_tracker("swift")
    with pytest.raises(BadSetting, match="has no model"):
        find_tracker("yin", swift_model)


def test_a_file_that_is_not_the_model_is_refused(tmp_path: Path, silero_model: Path) -> None:
    (tmp_path / "junk.onnx").write_bytes(b"junk")
    for path in (tmp_path / "none.onnx", tmp_path / "junk.onnx", silero_model):
        with pytest.raises(BadWeights, match=r"[Ss]wift"):
            find_tracker("swift", path)


def test_a_missing_package_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyworld", None)
    with pytest.raises(MissingExtra, match=r"pyworld.*voicewright\[world\]"):
        find_tracker("harvest")


def test_world_is_asked_for_the_range_and_the_frame_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    """pyworld is optional and its wheel rare, so its place is taken by functions that note what they were asked."""
    asked = []

    def found(samples: np.ndarray, rate: int, **options: float) -> tuple[np.ndarray, np.ndarray]:
        asked.append({**options, "rate": rate, "dtype": samples.dtype})
        return np.array([0.0, 200.0]), np.array([0.0, 0.005])

    package = ModuleType("pyworld")
    package.harvest = package.dio = found
    package.stonemask = lambda samples, coarse, times, rate: coarse * 1.01
    monkeypatch.setitem(sys.modules, "pyworld", package)
    for method, hz in ((HarvestPitch, 200), (DioPitch, 202)):
        pitch = method(low_hz=70, high_hz=900).track(Clip.silence(0.01, 24_000))
        assert pitch.f0_hz.tolist() == [0, hz]
        assert pitch.confidence.tolist() == [0, 1]
        assert pitch.hop_s == 0.005
    assert asked == 2 * [{"f0_floor": 70, "f0_ceil": 900, "frame_period": 5.0, "rate": 24_000, "dtype": np.float64}]


def test_a_transposed_track_keeps_its_pauses() -> None:
    pitch = Pitch(np.array([100, 0, 400], np.float32), np.array([1, 0, 0.5], np.float32), 0.01)
    assert pitch.transposed(12).f0_hz.tolist() == [200, 0, 800]
    assert pitch.transposed(-7).transposed(7).f0_hz == pytest.approx(pitch.f0_hz)
    assert pitch.transposed(-7).confidence.tolist() == [1, 0, 0.5]
    with pytest.raises(BadSetting, match="semitones"):
        pitch.transposed(float("nan"))


def test_a_part_of_a_track_is_that_of_its_seconds() -> None:
    pitch = Pitch(np.arange(100, dtype=np.float32), np.ones(100, np.float32), 0.01)
    assert pitch.seconds == pytest.approx(1)
    assert pitch.between(0.2, 0.25).f0_hz.tolist() == [20, 21, 22, 23, 24]
    assert pitch.between(-1, 0.02).f0_hz.tolist() == [0, 1]
    assert len(pitch.between(0.99, 9).f0_hz) == 1
