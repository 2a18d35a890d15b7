"""A tracker's octave errors go, a singer's octaves stay."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicewright.audio.octaves import guarded
from voicewright.audio.pitch import Pitch


def track(notes: list[tuple[float, float]], hop_s: float = 0.01, vibrato: float = 0.4) -> Pitch:
    """Notes of (Hz, seconds), 0 Hz for a pause, one vibrato through all of them."""
    hz = np.concatenate([np.full(round(seconds / hop_s), hz) for hz, seconds in notes])
    wave = 2 ** (vibrato / 12 * np.sin(2 * np.pi * 5.5 * hop_s * np.arange(len(hz))))
    return Pitch((hz * wave).astype(np.float32), np.ones(len(hz), np.float32), hop_s)


SONG = [
    (262, 0.4),
    (330, 0.3),
    (523, 0.4),
    (262, 0.4),
    (659, 0.3),
    (0, 0.2),
    (392, 0.4),
    (196, 0.5),
    (0, 0.1),
    (440, 0.3),
]


@pytest.mark.parametrize("hop_s", [0.005, 0.01, 0.016])
@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_a_short_jump_is_moved_back(factor: float, hop_s: float) -> None:
    right = track(SONG, hop_s)
    wrong = right.f0_hz.copy()
    for start_s, seconds in ((0.1, 0.1), (0.5, 0.05), (0.85, 0.02), (2.1, 0.1)):  # each within a note
        wrong[round(start_s / hop_s) : round((start_s + seconds) / hop_s)] *= factor
    assert np.any(wrong != right.f0_hz)
    mended = guarded(Pitch(wrong, right.confidence, hop_s))
    assert mended.f0_hz == pytest.approx(right.f0_hz, rel=1e-6)
    assert mended.hop_s == hop_s
    assert np.array_equal(mended.confidence, right.confidence)


@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_a_note_that_begins_or_ends_an_octave_off_is_mended(factor: float) -> None:
    right = track([(0, 0.2), (300, 0.5), (0, 0.2)])
    for frames in (slice(20, 24), slice(66, 70)):
        wrong = right.f0_hz.copy()
        wrong[frames] *= factor
        assert guarded(Pitch(wrong, right.confidence, 0.01)).f0_hz == pytest.approx(right.f0_hz, rel=1e-6)


@pytest.mark.parametrize(
    "notes",
    [
        SONG,
        [(220, 0.15), (440, 0.15), (220, 0.15), (440, 0.15)],  # a yodel
        [(220, 0.5), (440, 0.13), (220, 0.5)],  # an ornament
        [(200, 0.3), (300, 0.05), (200, 0.3), (100, 0.2)],  # a fifth is never touched, however short
        [(200, 0.3), (620, 0.05), (200, 0.3)],  # nor is a twelfth
        [(200, 0.3), (800, 0.04), (200, 0.3)],  # nor two octaves
        [(100, 0.05), (0, 0.1), (200, 0.05), (0, 0.1), (400, 0.05)],  # words of their own
    ],
)
def test_what_was_sung_stays(notes: list[tuple[float, float]]) -> None:
    pitch = track(notes)
    assert np.array_equal(guarded(pitch).f0_hz, pitch.f0_hz)


@given(st.lists(st.one_of(st.just(0.0), st.floats(60, 1_500)), max_size=50))
def test_frames_move_by_an_octave_or_not_at_all(f0_hz: list[float]) -> None:
    pitch = Pitch(np.array(f0_hz, np.float32), np.ones(len(f0_hz), np.float32), 0.01)
    mended = guarded(pitch)
    assert np.array_equal(mended.voiced, pitch.voiced)
    ratios = mended.f0_hz[pitch.voiced] / pitch.f0_hz[pitch.voiced]
    assert np.isin(np.round(ratios, 5), [0.5, 1, 2]).all()
