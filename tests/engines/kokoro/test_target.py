"""What is heard of a speaker: bounded level, pitch that octave errors do not move, and who it is."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch

from voicewright.audio.clip import Clip
from voicewright.audio.edit import gain, join
from voicewright.audio.files import read_clip
from voicewright.audio.loudness import rms_db
from voicewright.audio.pitch import Pitch, PitchTracker
from voicewright.engines.kokoro.target import Target, robust_spread
from voicewright.errors import BadClip
from voicewright.measure.similarity import heard
from voicewright.nn.campplus import CAMPlus, CAMPlusConfig
from voicewright.nn.ge2e import GE2E, GE2EConfig
from voicewright.samples import samples

CENTRE_HZ, SPREAD = 120.0, 0.15


@dataclass
class GivenPitch:
    """A tracker that says what it is told to."""

    f0_hz: np.ndarray

    def track(self, clip: Clip) -> Pitch:
        return Pitch(self.f0_hz.astype(np.float32), np.ones(len(self.f0_hz), np.float32), 0.016)


def melody(octave_errors: float = 0.0, count: int = 600) -> np.ndarray:
    """Pitch with a tenth of the frames unvoiced and some an octave too high."""
    random = np.random.default_rng(0)
    f0 = CENTRE_HZ * np.exp(random.normal(0, SPREAD, count))
    wrong = random.random(count) < octave_errors
    f0[wrong] *= 2
    f0[::10] = 0
    return f0


@pytest.fixture(scope="module")
def speech() -> Clip:
    return read_clip(samples()[0].path)


@pytest.fixture(scope="module")
def ears() -> dict[str, GE2E | CAMPlus]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        networks = {"ge2e": GE2E(GE2EConfig.tiny()).eval(), "campplus": CAMPlus(CAMPlusConfig.tiny()).eval()}
    return {name: network.requires_grad_(False) for name, network in networks.items()}


def hear(clips: list[Clip], ears: dict[str, GE2E | CAMPlus], tracker: PitchTracker | None = None) -> Target:
    return Target.hear(clips, tracker=tracker or GivenPitch(melody()), **ears)


@pytest.mark.parametrize(("level_db", "taken_db"), [(-60, -27), (-30, -27), (-24, -24), (-18, -18), (-9, -17)])
def test_the_level_is_the_recordings_within_bounds(
    speech: Clip, ears: dict[str, GE2E | CAMPlus], level_db: float, taken_db: float
) -> None:
    clip = gain(speech, level_db - rms_db(heard(speech)))
    assert hear([clip], ears).level_db == pytest.approx(taken_db, abs=0.1)


def test_pauses_do_not_make_a_speaker_quiet(speech: Clip, ears: dict[str, GE2E | CAMPlus]) -> None:
    speech = gain(speech, -22 - rms_db(heard(speech)))
    paused = join([speech, Clip.silence(6.0, speech.rate), speech])
    assert hear([paused], ears).level_db == pytest.approx(-22, abs=0.6)


def test_pitch_is_the_middle_of_the_voiced_frames(speech: Clip, ears: dict[str, GE2E | CAMPlus]) -> None:
    target = hear([speech], ears)
    assert target.log_f0 == pytest.approx(np.log(CENTRE_HZ), abs=0.02)
    assert target.log_f0_spread == pytest.approx(SPREAD, rel=0.1)


def test_octave_errors_of_the_tracker_hardly_count(speech: Clip, ears: dict[str, GE2E | CAMPlus]) -> None:
    wrong = hear([speech], ears, GivenPitch(melody(octave_errors=0.08)))
    voiced = melody(octave_errors=0.08)
    naive = float(np.log(voiced[voiced > 0]).std())
    assert wrong.log_f0 == pytest.approx(np.log(CENTRE_HZ), abs=0.03)
    assert wrong.log_f0_spread == pytest.approx(SPREAD, rel=0.3)
    assert naive > 1.4 * SPREAD  # what a plain deviation would have said


def test_the_robust_spread_of_a_normal_distribution_is_its_deviation() -> None:
    values = np.random.default_rng(1).normal(5.0, 0.2, 20_000)
    assert robust_spread(values) == pytest.approx(0.2, rel=0.03)


@pytest.mark.parametrize("voiced", [0, 29])
def test_hardly_any_voice_means_no_pitch(speech: Clip, ears: dict[str, GE2E | CAMPlus], voiced: int) -> None:
    f0 = np.zeros(400)
    f0[:voiced] = 100
    target = hear([speech], ears, GivenPitch(f0))
    assert target.log_f0 is None
    assert target.log_f0_spread is None


def test_thirty_voiced_frames_are_enough(speech: Clip, ears: dict[str, GE2E | CAMPlus]) -> None:
    assert hear([speech], ears, GivenPitch(np.full(30, 100.0))).log_f0 == pytest.approx(np.log(100))


def test_who_speaks_has_length_one_and_does_not_depend_on_order(speech: Clip, ears: dict[str, GE2E | CAMPlus]) -> None:
    other = read_clip(samples()[2].path)
    one, two = hear([speech, other], ears), hear([other, speech], ears)
    for name in ("ge2e", "campplus"):
        embedding = getattr(one, name)
        assert float(embedding.norm()) == pytest.approx(1, abs=1e-4)
        assert torch.allclose(embedding, getattr(two, name), atol=1e-5)
        assert not embedding.requires_grad
    assert not torch.allclose(one.ge2e, hear([speech], ears).ge2e, atol=1e-5)


def test_articulation_is_that_of_read_english(speech: Clip, ears: dict[str, GE2E | CAMPlus]) -> None:
    assert 2.5 < hear([speech], ears).articulation < 7


def test_silence_is_nobody(ears: dict[str, GE2E | CAMPlus]) -> None:
    with pytest.raises(BadClip, match="too little sound"):
        hear([Clip.silence(3.0, 16_000)], ears)
