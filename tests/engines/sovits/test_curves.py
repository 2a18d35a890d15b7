"""Curves through pauses and at other frame rates: ours as they should be, the originals' as they are."""

import numpy as np
import pytest
import torch
from torch.nn.functional import interpolate

from voicewright.engines.sovits.curves import Dialect, expanded, interpolated, resized, stretched


def hz(*values: float) -> np.ndarray:
    return np.array(values, np.float64)


def test_pauses_are_bridged_and_ends_held() -> None:
    curve, voiced = interpolated(hz(0, 100, 0, 0, 0, 200, 0))
    assert curve.tolist() == [100, 100, 125, 150, 175, 200, 200]
    assert voiced.tolist() == [0, 1, 0, 0, 0, 1, 0]


@pytest.mark.parametrize("dialect", ["own", "fork", "upstream"])
def test_all_or_nothing_voiced(dialect: Dialect) -> None:
    for curve in (hz(0, 0, 0), hz(100, 110, 120), hz()):
        assert interpolated(curve, dialect)[0].tolist() == pytest.approx(curve.tolist())


def test_a_single_voiced_frame_is_held_and_upstream_loses_it() -> None:
    assert interpolated(hz(0, 150, 0))[0].tolist() == [150, 150, 150]
    assert interpolated(hz(0, 150, 0), "upstream")[0].tolist() == [0, 0, 0]
    assert interpolated(hz(150, 0, 0), "upstream")[0].tolist() == [150, 150, 150]


def test_the_fork_arrives_early_and_loses_a_last_frame() -> None:
    assert interpolated(hz(100, 0, 0, 200, 200), "fork")[0].tolist() == [100, 150, 200, 200, 200]
    assert interpolated(hz(100, 0, 0, 200), "fork")[0].tolist() == [100, 100, 100, 100]
    assert interpolated(hz(100, 0, 0, 200))[0].tolist() == pytest.approx([100, 133.33, 166.67, 200], abs=0.01)


@pytest.mark.parametrize("dialect", ["own", "fork", "upstream"])
def test_what_is_given_stays_as_it_was(dialect: Dialect) -> None:
    curve = hz(0, 100, 0, 200, 0)
    interpolated(curve, dialect)
    resized(curve, 9, dialect)
    assert curve.tolist() == [0, 100, 0, 200, 0]


def test_a_note_keeps_its_ends_at_another_frame_rate() -> None:
    curve = hz(0, 0, 100, 200, 0, 0)
    assert resized(curve, 12).tolist() == [0, 0, 0, 100, 100, 150, 200, 0, 0, 0, 0, 0]
    assert resized(curve, 12, "fork").tolist() == [0, 0, 0, 0, 100, 150, 200, 0, 0, 0, 0, 0]
    assert resized(curve, 6).tolist() == curve.tolist()
    assert resized(hz(), 3).tolist() == [0, 0, 0]
    assert len(resized(curve, 0)) == 0


def test_stretching_repeats_and_then_bridges() -> None:
    curve, voiced = stretched(hz(0, 100, 0, 200), 8)
    assert voiced.tolist() == [0, 0, 1, 1, 0, 0, 1, 1]
    assert curve.tolist() == pytest.approx([100, 100, 100, 100, 133.33, 166.67, 200, 200], abs=0.01)


@pytest.mark.parametrize(("size", "frames"), [(21, 41), (50, 86), (100, 172), (23, 19), (7, 7), (5, 1), (1, 9)])
def test_content_at_another_rate_is_as_torch_does_it(size: int, frames: int) -> None:
    content = np.random.default_rng(0).standard_normal((4, size)).astype(np.float32)
    for rule in ("nearest", "linear"):
        wanted = interpolate(torch.from_numpy(content)[None], size=frames, mode=rule)[0].numpy()
        assert expanded(content, frames, rule) == pytest.approx(wanted, abs=1e-5)


def test_the_other_rules() -> None:
    content = np.arange(4, dtype=np.float32)[None]
    assert expanded(content, 9, "left").tolist() == [[0, 0, 0, 1, 1, 2, 2, 3, 3]]
    assert expanded(content, 3, "left").tolist() == [[0, 1, 2]]
    assert expanded(content, 3, "cut").tolist() == [[0, 1, 2]]
    assert expanded(content, 8, "cut").tolist() == [[0, 0, 1, 1, 2, 2, 3, 3]]
    assert expanded(content, 2).tolist() == [[0, 2]]
