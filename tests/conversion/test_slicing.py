"""Slices lie where sounds are, are never too long, and leave nothing out."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mirrors import talk

from voicewright.audio.clip import Clip
from voicewright.audio.edit import gain
from voicewright.conversion.options import SliceOptions
from voicewright.conversion.slicing import Levels, Slice, plan
from voicewright.errors import BadSetting


def sliced(clip: Clip, *, longest_s: float = 20.0, **options: float) -> list[Slice]:
    levels = Levels(clip.rate)
    for first in range(0, len(clip), 1000):
        levels.feed(clip.samples[first : first + 1000])
    levels.feed(np.zeros(0, np.float32), last=True)
    return plan(levels.levels_db, levels.frame_s, clip.seconds, SliceOptions(**options), longest_s=longest_s)


def sounds(slices: list[Slice]) -> list[tuple[float, float]]:
    return [(part.start_s, part.end_s) for part in slices if part.voiced]


def test_sounds_are_found_with_the_silence_that_belongs_to_them() -> None:
    found = sounds(sliced(talk(2.0, 1.5, pause_s=1.0)))
    assert np.array(found) == pytest.approx(np.array([(0, 2.1), (2.9, 4.5)]), abs=0.03)


def test_the_threshold_is_relative_so_that_the_level_of_a_recording_does_not_matter() -> None:
    clip = talk(2.0, 1.5)
    assert sounds(sliced(gain(clip, -30))) == sounds(sliced(clip))


def test_a_softer_threshold_finds_softer_sounds() -> None:
    loud, soft = talk(2.0), talk(1.0, amplitude=0.003)
    clip = loud.with_samples(np.concatenate([loud.samples, np.zeros(16_000), soft.samples, np.zeros(16_000)]))
    assert len(sounds(sliced(clip, threshold_db=-30))) == 1
    assert len(sounds(sliced(clip, threshold_db=-50))) == 2


def test_a_short_sound_is_widened_and_a_short_pause_is_no_end() -> None:
    padded = talk(0.001, 0.05, 0.001, pause_s=2.0)
    ((start_s, end_s),) = [part for part in sounds(sliced(padded)) if 2.0 < part[1] < 3.0]
    assert end_s - start_s == pytest.approx(0.5, abs=0.03)
    assert len(sounds(sliced(talk(1.0, 1.0, pause_s=0.2)))) == 1


def test_one_sentence_in_much_silence_and_a_click_are_no_other_measure() -> None:
    clip = talk(0.01, 2.0, 0.01, pause_s=60.0)
    samples = clip.samples.copy()
    samples[round(30 * clip.rate)] = 1.0
    found = sounds(sliced(clip.with_samples(samples)))
    assert any(part == pytest.approx((59.91, 62.11), abs=0.03) for part in found)
    assert sum(end_s - start_s for start_s, end_s in found) < 5


def test_long_sound_is_cut_where_it_is_quietest() -> None:
    clip = talk(12.0)
    samples = clip.samples.copy()
    dip = slice(round(7.3 * clip.rate), round(7.4 * clip.rate))  # too short to be a silence
    samples[dip] *= 0.01
    (_, first), (second, _), *_ = sounds(sliced(clip.with_samples(samples), longest_s=9.0))
    assert 7.3 < first == second < 7.4


def test_digital_silence_has_no_sounds_and_one_recording_of_nothing_no_slices() -> None:
    assert sounds(sliced(Clip.silence(30, 16_000))) == []
    assert sliced(Clip.silence(0, 16_000)) == []


@given(
    st.lists(st.tuples(st.floats(0.01, 5), st.sampled_from([0.0, 1e-4, 0.01, 0.3])), min_size=1, max_size=8),
    st.floats(0.3, 7),
)
def test_slices_follow_each_other_without_a_gap_and_are_never_too_long(
    parts: list[tuple[float, float]], longest_s: float
) -> None:
    clip = Clip(np.concatenate([np.full(round(length_s * 2000), level) for length_s, level in parts]), 2000)
    slices = sliced(clip, longest_s=longest_s)
    assert slices[0].start_s == 0
    assert slices[-1].end_s == pytest.approx(clip.seconds)
    assert all(before.end_s == after.start_s for before, after in pairwise(slices))
    assert all(0 < part.seconds <= longest_s + 1e-6 for part in slices)


def test_an_engine_that_takes_next_to_nothing_is_refused() -> None:
    with pytest.raises(BadSetting, match="too short"):
        sliced(talk(1.0), longest_s=0.05)
