"""Options, transposition, the loudness envelope, and the pitch of long recordings."""

import math
from dataclasses import asdict

import numpy as np
import pytest
from mirrors import Clockwork, talk

from voicewright.audio.clip import Clip
from voicewright.audio.pitch import HIGH_HZ, LOW_HZ, Pitch
from voicewright.audio.yin import YinPitch
from voicewright.conversion.envelope import EnvelopeFollower, follow_as_upstream
from voicewright.conversion.hearing import PitchListener
from voicewright.conversion.joining import Joiner, places
from voicewright.conversion.options import ConversionSettings, SliceOptions
from voicewright.conversion.transpose import share_outside, transposition
from voicewright.errors import BadSetting
from voicewright.settings import describe, from_dict

NAN = float("nan")


@pytest.mark.parametrize(
    "wrong",
    [
        {"transpose": 40},
        {"transpose": NAN},
        {"transpose": "high"},
        {"pitch_low_hz": 0},
        {"pitch_low_hz": 900, "pitch_high_hz": 300},
        {"envelope": 1.5},
        {"vocals_db": 100},
        {"slices": {"threshold_db": 0}},
        {"slices": {"threshold_db": 40}},
        {"slices": {"min_silence_s": 0}},
        {"slices": {"longest_s": 0}},
        {"slices": {"crossfade_ms": -1}},
        {"slices": {"pad_s": math.inf}},
        {"slices": {"between": "loud"}},
    ],
)
def test_zero_and_absurd_settings_are_errors(wrong: dict[str, object]) -> None:
    with pytest.raises(BadSetting, match=next(iter(wrong)).split("_")[0]):
        from_dict(ConversionSettings, wrong)


def test_settings_have_help_and_agree_with_the_trackers() -> None:
    settings = ConversionSettings()
    assert (settings.pitch_low_hz, settings.pitch_high_hz) == (LOW_HZ, HIGH_HZ)
    assert set(describe(ConversionSettings)) == set(asdict(settings))
    assert set(describe(SliceOptions)) == set(asdict(settings.slices))


@pytest.mark.parametrize(
    ("wish", "heard_hz", "home_hz", "step", "semitones"),
    [
        (-3.5, 200, 100, 1, -3.5),
        ("auto", 200, 100, 1, -12),
        ("auto", 200, 206, 1, 1),
        ("auto", 200, 205, 1, 0),
        ("auto", 220, 130, 12, -12),
        ("auto", 220, 165, 12, 0),
        ("auto", 60, 900, 1, 24),
        ("auto", NAN, 100, 1, 0),
        ("auto", 200, 0, 1, 0),
    ],
)
def test_pitch_moves_home_in_whole_steps(
    wish: object, heard_hz: float, home_hz: float, step: int, semitones: float
) -> None:
    assert transposition(wish, heard_hz, home_hz, step=step).semitones == semitones  # type: ignore[arg-type]


def test_what_could_not_be_done_is_said() -> None:
    assert "not known" in transposition("auto", 200, 0).note
    assert "+47 away" in transposition("auto", 60, 900).note
    assert transposition("auto", 200, 100).note == ""


def test_notes_outside_the_range_are_a_share_of_the_voiced_ones() -> None:
    pitch = Pitch(np.array([0, 0, 100, 200, 300, 2000], np.float32), np.ones(6, np.float32), 0.01)
    assert share_outside(pitch, 150, 1600) == 0.5
    assert share_outside(pitch.between(0, 0.02), 150, 1600) == 0


@pytest.mark.parametrize("block", [100, 777, 100_000])
def test_an_envelope_is_followed_alike_in_blocks_of_any_size(block: int) -> None:
    rate, source, made = 2000, talk(3.0, amplitude=0.5, rate=2000), talk(3.0, amplitude=0.05, rate=2000)
    follower = EnvelopeFollower(rate, 1.0)
    starts = range(0, len(made), block)
    parts = [
        follower.feed(
            source.samples[start : start + block], made.samples[start : start + block], last=start == starts[-1]
        )
        for start in starts
    ]
    assert np.concatenate(parts) == pytest.approx(source.samples, rel=1e-2, abs=5e-3)


def test_an_envelope_does_not_turn_silence_into_noise() -> None:
    hiss = Clip(1e-5 * np.random.default_rng(0).standard_normal(8000), 2000)
    made = EnvelopeFollower(2000, 1.0).feed(talk(4.0, rate=2000).samples, hiss.samples, last=True)
    assert np.abs(made).max() < 1e-3
    with pytest.raises(BadSetting, match="0 to 1"):
        EnvelopeFollower(2000, 1.5)


def test_upstreams_envelope_at_its_ends() -> None:
    source, made = talk(3.0, amplitude=0.5), talk(3.0, amplitude=0.1)
    assert follow_as_upstream(source, made, 1.0).samples == pytest.approx(made.samples)
    ratio = np.std(follow_as_upstream(source, made, 0.0).samples) / np.std(made.samples)
    assert ratio == pytest.approx(5, rel=1e-2)


def test_the_pitch_of_a_long_recording_has_no_seams() -> None:
    """A glide over two minutes: block by block it is what it is in the whole."""
    rate, seconds = 8000, 70
    hz = np.geomspace(110, 330, rate * seconds)
    clip = Clip(0.3 * np.sin(2 * np.pi * np.cumsum(hz) / rate), rate)
    listener = PitchListener(YinPitch(), rate)
    for first in range(0, len(clip), 10 * rate):
        listener.feed(clip.samples[first : first + 10 * rate])
    listener.feed(np.zeros(0, np.float32), last=True)
    pitch = listener.pitch
    assert pitch.seconds == pytest.approx(seconds, abs=0.1)
    at = np.minimum((np.arange(len(pitch.f0_hz)) * pitch.hop_s * rate).astype(int), len(hz) - 1)
    inside = slice(10, -10)
    assert pitch.f0_hz[inside] == pytest.approx(hz[at][inside], rel=0.01)


@pytest.mark.parametrize("hop_s", [0.005, 0.01, 0.016])
@pytest.mark.parametrize("rate", [16_000, 22_050])
def test_frames_of_any_hop_stay_at_their_time(hop_s: float, rate: int) -> None:
    listener = PitchListener(Clockwork(hop_s=hop_s), rate)
    clip = talk(40.0, 40.0, rate=rate)
    for first in range(0, len(clip), 3 * rate):
        listener.feed(clip.samples[first : first + 3 * rate])
    listener.feed(np.zeros(0, np.float32), last=True)
    pitch = listener.pitch
    assert pitch.seconds == pytest.approx(81, abs=2 * hop_s)
    silent = np.flatnonzero(~pitch.voiced[int(39 / hop_s) :]) + int(39 / hop_s)
    quiet = silent[(silent * hop_s > 40.01) & (silent * hop_s < 40.99)]
    assert len(quiet) == pytest.approx(0.98 / hop_s, abs=2)


def test_places_share_no_sample_between_three_slices_and_join_to_what_they_were() -> None:
    edges = [0, 100, 103, 104, 300, 1000]
    spots = places(edges, 50)
    whole = np.random.default_rng(0).standard_normal(1000).astype(np.float32)
    joiner = Joiner()
    made = [joiner.add(whole[place.first : place.last], place) for place in spots]
    assert np.concatenate(made) == pytest.approx(whole, abs=1e-6)
    with pytest.raises(ValueError, match="does not fit"):
        Joiner().add(whole[:10], spots[1])
