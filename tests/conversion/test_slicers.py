"""The two original slicers: what they share with every slicer, and the habits that set them apart."""

import numpy as np
import pytest
from mirrors import talk

from voicewright.conversion.slicers import (
    Row,
    UpstreamParts,
    UpstreamSlicer,
    fork_convert,
    fork_slices,
    fork_window,
    upstream_convert,
)

RATE = 4000
TALK = talk(3.0, 2.0, 4.0, pause_s=1.5, rate=RATE).samples


def same(part: np.ndarray) -> np.ndarray:
    return part


def adds_up(rows: list[Row]) -> bool:
    """From the beginning to the end of the recording, without a gap."""
    ends = [0, *(last for _, _, last in rows)]
    return all(first == end for (_, first, _), end in zip(rows, ends, strict=False)) and ends[-1] == len(TALK)


def test_the_fork_finds_the_sounds_and_cuts_the_long_ones_hard() -> None:
    rows = list(fork_slices(TALK, top_db=40, window=400, hop=200, longest=RATE))
    assert adds_up(rows)
    assert [spoken for spoken, *_ in rows].count(True) == 4 + 3 + 4  # a window more at each end
    assert max(last - first for spoken, first, last in rows if spoken) == RATE


def test_the_forks_window_has_a_limit_that_its_users_do_not_see() -> None:
    assert fork_window(44_100, 0.5) == fork_window(44_100, 3.0) == 8820
    assert fork_window(44_100, 0.2) == 4410


def test_the_forks_way_leaves_zeros_between_slices() -> None:
    made = fork_convert(TALK, fork_slices(TALK, window=400, hop=200), 100, same)
    assert len(made) == len(TALK)
    assert not made[round(3.3 * RATE) : round(4.2 * RATE)].any()
    assert made[: 3 * RATE] == pytest.approx(TALK[: 3 * RATE])


def test_upstream_cuts_in_silences_that_are_long_enough() -> None:
    rows = UpstreamSlicer(RATE, min_length=1000, max_sil_kept=300).slices(TALK)
    assert adds_up(rows)
    assert [spoken for spoken, *_ in rows] == [True, False, True, False, True]
    assert UpstreamSlicer(RATE, min_length=60_000).slices(TALK) == [(True, 0, len(TALK))]


def test_upstreams_parts_overlap_and_are_faded_into_the_same_length() -> None:
    rows = UpstreamSlicer(RATE, min_length=1000, max_sil_kept=300).slices(TALK)
    parts = UpstreamParts(hop=64, pad_s=0.1, clip_s=1.0, overlap_s=0.2)
    made, frames = upstream_convert(TALK, rows, RATE, same, parts)
    spoken = np.concatenate([np.full(last - first, spoken) for spoken, first, last in rows])
    assert made == pytest.approx(np.where(spoken, TALK, 0), abs=1e-4)  # it has been a 16-bit file
    assert frames == sorted(frames)
