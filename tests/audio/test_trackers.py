"""Every tracker that is installed follows a voice of which all is known, through noise too."""

import warnings
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from voicewright.audio.clip import Clip
from voicewright.audio.octaves import guarded
from voicewright.audio.pitch import Pitch, PitchTracker
from voicewright.errors import MissingExtra, MissingWeights
from voicewright.measure.tracking import tracker_named
from voicewright.weights.store import Store

RATE, EDGE_S, SECONDS = 24_000, 0.2, 1.2
MOST_CENTS = {"swift": 15, "yin": 25, "harvest": 10, "dio": 20, "crepe-tiny": 25, "crepe": 25}
"""95 % of the frames are nearer than this in noise of -20 dB."""
MOST_FALSE = {"harvest": 0.5}
"""Share of a noisy pause that may be called voiced: Harvest is known for it."""


@pytest.fixture(scope="module", params=["swift", "yin", "harvest", "dio", "crepe-tiny"])
def named(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, PitchTracker]:
    return request.param, load(request.param, tmp_path_factory.mktemp("weights"))


def load(name: str, folder: Path) -> PitchTracker:
    try:
        return tracker_named(name, Store(folder, offline=True))
    except (MissingExtra, MissingWeights) as problem:
        pytest.skip(str(problem).splitlines()[0])


def sung(hz: np.ndarray, noise_db: float) -> tuple[Clip, np.ndarray]:
    """Harmonics with two resonances between two pauses, all in white noise; and the truth by sample, 0 in pauses."""
    phase = 2 * np.pi * np.cumsum(hz) / RATE
    sound = np.zeros(len(hz))
    for k in range(1, 21):
        at = k * hz
        weight = (0.3 + np.exp(-(((at - 600) / 300) ** 2)) + 0.7 * np.exp(-(((at - 1500) / 500) ** 2))) / k
        sound += np.where(at < 0.47 * RATE, weight, 0) * np.sin(k * phase)
    edge = round(EDGE_S * RATE)
    noise = np.random.default_rng(0).standard_normal(len(hz) + 2 * edge) * 0.1 * 10 ** (noise_db / 20)
    noise[edge : edge + len(hz)] += 0.1 * sound / np.sqrt(np.mean(sound**2))
    return Clip(noise, RATE), np.pad(hz, edge)


def melodies() -> dict[str, np.ndarray]:
    t = np.arange(round(SECONDS * RATE)) / RATE
    return {
        "a low glide": 60 * (250 / 60) ** (t / SECONDS),
        "a glide of two octaves": 200 * 4 ** (t / SECONDS),
        "a high glide": 1500 * 3 ** -(t / SECONDS),
        "a vibrato": 220 * 2 ** (0.7 / 12 * np.sin(2 * np.pi * 6 * t)),
    }


def compare(pitch: Pitch, truth: np.ndarray) -> tuple[np.ndarray, float, float]:
    """Cents in the voiced frames within the song; the share of them that is voiced; the same in the pauses."""
    at_s = np.arange(len(pitch.f0_hz)) * pitch.hop_s
    end_s = len(truth) / RATE - EDGE_S
    inside = (at_s > EDGE_S + 0.05) & (at_s < end_s - 0.05)
    outside = (at_s < EDGE_S - 0.05) | (at_s > end_s + 0.05)
    heard = pitch.voiced & inside
    right = truth[np.minimum(np.round(at_s * RATE).astype(int), len(truth) - 1)][heard]
    cents = 1200 * np.log2(pitch.f0_hz[heard] / right)
    return cents, float(pitch.voiced[inside].mean()), float(pitch.voiced[outside].mean())


@pytest.mark.parametrize("melody", melodies())
def test_a_melody_is_followed_to_some_cents(named: tuple[str, PitchTracker], melody: str) -> None:
    name, tracker = named
    clip, truth = sung(melodies()[melody], -20)
    cents, voiced, paused = compare(tracker.track(clip), truth)
    assert np.percentile(np.abs(cents), 95) < MOST_CENTS[name]
    assert abs(np.median(cents)) < 12
    assert voiced > 0.93
    assert paused < MOST_FALSE.get(name, 0.05)


def test_loud_noise_costs_little_in_the_middle_of_the_range(named: tuple[str, PitchTracker]) -> None:
    clip, truth = sung(melodies()["a vibrato"], -10)
    cents, voiced, _ = compare(named[1].track(clip), truth)
    assert np.percentile(np.abs(cents), 90) < 30
    assert voiced > 0.93


def test_silence_and_next_to_nothing_have_no_pitch(named: tuple[str, PitchTracker]) -> None:
    for clip in (Clip([], RATE), Clip([0.1] * 5, 44_100), Clip.silence(0.5, 16_000)):
        pitch = named[1].track(clip)
        assert not pitch.voiced.any()
        assert len(pitch.f0_hz) == len(pitch.confidence)
        assert abs(pitch.seconds - clip.seconds) <= 2 * pitch.hop_s


def test_the_full_network_hears_as_the_tiny_one_does(tmp_path: Path) -> None:
    """A second of it takes five: one short note."""
    clip, truth = sung(np.geomspace(300, 500, RATE // 3), -20)
    cents, voiced, paused = compare(load("crepe", tmp_path).track(clip), truth)
    assert np.percentile(np.abs(cents), 95) < MOST_CENTS["crepe"]
    assert voiced > 0.93
    assert paused < 0.1


def test_slips_of_an_octave_in_a_fast_fall_are_guarded(tmp_path: Path) -> None:
    clip, truth = sung(1500 * 3 ** -np.linspace(0, 1, round(0.8 * RATE)), -20)
    heard = load("swift", tmp_path).track(clip)
    assert np.abs(compare(heard, truth)[0]).max() > 1100, "there is something to guard"
    assert np.abs(compare(guarded(heard), truth)[0]).max() < 50


@pytest.mark.skipif(find_spec("pyworld") is None, reason="pyworld is not installed")
def test_loading_world_says_nothing(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load("dio", tmp_path)
