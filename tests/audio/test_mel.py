"""Mel spectrograms follow the conventions they name."""

from collections.abc import Callable

import numpy as np
import pytest

from voicewright.audio.clip import Clip
from voicewright.audio.edit import join
from voicewright.audio.mel import GE2E_MEL, MelSpec, filterbank, mel, to_hz, to_mel
from voicewright.errors import BadClip, BadSetting

MakeTone = Callable[..., Clip]
# Rows, columns, values.
SPOTS = (
    [0, 1, 7, 20, 33, 39],
    [2, 4, 15, 44, 118, 185],
    [0.0124045208, 0.0112165718, 0.0114790873, 0.00719191727, 0.00267613944, 0.00172494032],
)
SPEECH = (
    [0, 50, 123, 300, 455, 710],
    [3, 0, 10, 22, 31, 5],
    [1.865196e-05, 0.005805419, 0.00575858, 0.0003328309, 2.05977e-06, 8.848025e-07],
)


def test_the_two_scales_hit_their_published_points() -> None:
    hz = np.array([0.0, 200.0, 1_000.0, 6_400.0])
    np.testing.assert_allclose(to_mel(hz, "slaney"), [0, 3, 15, 42], atol=1e-9)
    np.testing.assert_allclose(to_mel(np.array([0.0, 700.0]), "htk"), [0, 781.17], atol=0.01)
    for scale in ("slaney", "htk"):
        many = np.linspace(0, 12_000, 999)
        np.testing.assert_allclose(to_hz(to_mel(many, scale), scale), many, atol=1e-6)
        assert (np.diff(to_mel(many, scale)) > 0).all()


@pytest.mark.parametrize("scale", ["slaney", "htk"])
def test_triangles_overlap_so_that_every_frequency_counts_once(scale: str) -> None:
    spec = MelSpec(rate=24_000, n_fft=4096, hop_samples=256, bins=80, low_hz=100, high_hz=8_000, scale=scale)
    flat = filterbank(MelSpec(**{**fields(spec), "equal_area": False}))
    hz = np.fft.rfftfreq(4096, 1 / 24_000)
    corners = to_hz(np.linspace(*to_mel(np.array([100.0, 8_000.0]), scale), 82), scale)
    inside = (hz >= corners[1]) & (hz <= corners[-2])
    np.testing.assert_allclose(flat[:, inside].sum(axis=0), 1, atol=1e-9)
    assert not flat[:, (hz <= 100) | (hz >= 8_000)].any()
    areas = filterbank(spec).sum(axis=1) * 24_000 / 4096
    np.testing.assert_allclose(areas, 1, atol=0.05)


def fields(spec: MelSpec) -> dict[str, object]:
    return {name: getattr(spec, name) for name in MelSpec.__dataclass_fields__}


def test_the_ge2e_front_end_has_the_weights_of_librosas_defaults() -> None:
    """Spot values of librosa 0.11 `filters.mel(sr=16000, n_fft=400, n_mels=40)`."""
    weights = filterbank(GE2E_MEL)
    assert weights.shape == (40, 201)
    np.testing.assert_allclose(weights[SPOTS[0], SPOTS[1]], SPOTS[2], rtol=1e-6)


def test_the_ge2e_front_end_hears_speech_as_librosa_does(speech: Clip) -> None:
    """Spot values of librosa 0.11 `feature.melspectrogram(sr=16000, n_fft=400, hop_length=160, n_mels=40)`."""
    frames = mel(speech, GE2E_MEL)
    assert frames.shape == (711, 40)
    np.testing.assert_allclose(frames[SPEECH[0], SPEECH[1]], SPEECH[2], rtol=1e-4)


@pytest.mark.parametrize("hz", [100, 440, 1_000, 3_000, 7_000])
def test_a_tone_is_loudest_in_its_own_bin(tone: MakeTone, hz: float) -> None:
    spec = MelSpec(rate=24_000, n_fft=2048, hop_samples=300, bins=80)
    loudest = mel(tone(hz, rate=24_000), spec)[20:60].mean(axis=0).argmax()
    corners = to_hz(np.linspace(0, to_mel(np.array([12_000.0]), "slaney")[0], 82), "slaney")
    assert corners[loudest] < hz < corners[loudest + 2]


def test_power_and_logarithms_are_those_asked_for(tone: MakeTone) -> None:
    clip = tone(440)
    base = {"rate": 16_000, "n_fft": 512, "hop_samples": 160, "bins": 40}
    power = mel(clip, MelSpec(**base))
    louder = mel(clip.with_samples(2 * clip.samples), MelSpec(**base))
    np.testing.assert_allclose(louder, 4 * power, rtol=1e-4)
    amplitude = MelSpec(**base, power=1.0)
    twice = mel(clip.with_samples(2 * clip.samples), amplitude)
    np.testing.assert_allclose(twice, 2 * mel(clip, amplitude), rtol=1e-4)
    np.testing.assert_allclose(
        mel(clip, MelSpec(**base, log="natural", floor=1e-4)), np.log(np.maximum(power, 1e-4)), atol=1e-4
    )
    np.testing.assert_allclose(mel(clip, MelSpec(**base, log="log10")), np.log10(np.maximum(power, 1e-5)), atol=1e-4)
    silent = mel(Clip.silence(0.1, 16_000), MelSpec(**base, log="log10", floor=1e-3))
    assert (silent == -3).all()


def test_a_click_lands_in_the_frame_of_its_time() -> None:
    clip = Clip([1.0 if i == 8_000 else 0.0 for i in range(16_000)], 16_000)
    centred = mel(clip, MelSpec(rate=16_000, n_fft=400, hop_samples=160, bins=20)).sum(axis=1)
    begun = mel(clip, MelSpec(rate=16_000, n_fft=400, hop_samples=160, bins=20, centred=False)).sum(axis=1)
    assert centred.argmax() == 50
    assert begun.argmax() == round((8_000 - 200) / 160)
    short = mel(clip, MelSpec(rate=16_000, n_fft=400, win_samples=160, hop_samples=80, bins=20)).sum(axis=1)
    assert np.flatnonzero(short > 1e-9).tolist() == [100], "a window of 10 ms in the middle of the transform"


@pytest.mark.parametrize("centred", [True, False])
@pytest.mark.parametrize("size", [0, 1, 300, 399, 400, 401, 559, 560, 16_000])
def test_the_number_of_frames_is_known_beforehand(size: int, centred: bool) -> None:
    spec = MelSpec(rate=16_000, n_fft=400, hop_samples=160, bins=20, centred=centred)
    assert mel(Clip(np.zeros(size), 16_000), spec).shape == (spec.frames_of(size), 20)


def test_long_clips_are_the_same_as_their_parts(tone: MakeTone) -> None:
    """Frames are computed in batches."""
    clip = join([tone(200 + i, seconds=1) for i in range(50)])
    whole = mel(clip, GE2E_MEL)
    part = mel(clip.between(40, 50), GE2E_MEL)
    np.testing.assert_allclose(whole[4_005:4_990], part[5:990], rtol=1e-4, atol=1e-7)
    assert GE2E_MEL.frames_per_second == 100
    assert GE2E_MEL.hop_s == 0.01


def test_mirrored_ends_need_something_to_mirror() -> None:
    spec = MelSpec(rate=16_000, n_fft=400, hop_samples=160, bins=20, edge="reflect")
    with pytest.raises(BadClip, match="too short"):
        mel(Clip(np.ones(200), 16_000), spec)
    steady = mel(Clip(np.cos(np.pi * np.arange(2_000) / 8), 16_000), spec)
    np.testing.assert_allclose(steady[0], steady[5], rtol=0.01, atol=1e-3)


@pytest.mark.parametrize(
    "wrong",
    [{"high_hz": 9_000.0}, {"low_hz": 500.0, "high_hz": 400.0}, {"win_samples": 401}, {"bins": 0}, {"hop_samples": 0}],
)
def test_impossible_spectrograms_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(BadSetting):
        MelSpec(**{"rate": 16_000, "n_fft": 400, "hop_samples": 160, "bins": 20, **wrong})


def test_a_clip_at_another_rate_is_refused(tone: MakeTone) -> None:
    with pytest.raises(BadClip, match="16000 Hz, got one at 24000 Hz"):
        mel(tone(rate=24_000), GE2E_MEL)
