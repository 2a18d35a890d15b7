"""A clip is one channel of real numbers with a rate, and never changes."""

import numpy as np
import pytest

from voicewright.audio.clip import Clip
from voicewright.errors import BadClip


def test_a_clip_does_not_change_with_what_it_was_made_from() -> None:
    source = np.zeros(4, np.float32)
    clip = Clip(source, 16_000)
    source[0] = 1
    assert not clip.samples.any()
    with pytest.raises(ValueError, match="read-only"):
        clip.samples[0] = 1


@pytest.mark.parametrize(
    ("samples", "rate", "words"),
    [
        (np.zeros((2, 4)), 16_000, r"\(2, 4\)"),
        ([0.0, float("nan")], 16_000, "not numbers"),
        ([0.0, float("inf")], 16_000, "not numbers"),
        ([0.0], 0, "positive"),
    ],
)
def test_what_is_no_sound_is_refused(samples: object, rate: int, words: str) -> None:
    with pytest.raises(BadClip, match=words):
        Clip(samples, rate)


def test_a_part_is_cut_to_the_clip() -> None:
    clip = Clip(np.arange(10) / 10, 10)
    assert clip.seconds == 1
    assert clip.between(0.2, 0.5).samples.tolist() == pytest.approx([0.2, 0.3, 0.4])
    assert len(clip.between(-1, 5)) == 10
    assert len(clip.between(3, 5)) == 0
    assert len(Clip.silence(0.5, 10)) == 5
