"""Blocks are joined without a seam."""

from itertools import pairwise

import numpy as np
import pytest

from voicewright.errors import BadSetting
from voicewright.live.sola import Crossfader, Seam, Spans, best_shift, fades, seam_scores


def tone(samples: int, hz: float = 220.0, rate: int = 48_000, phase: float = 0.0) -> np.ndarray:
    return np.sin(2 * np.pi * hz * np.arange(samples) / rate + phase).astype(np.float32)


@pytest.mark.parametrize("shape", ["cosine", "linear"])
def test_fades_add_up_to_one(shape: str) -> None:
    falling, rising = fades(480, shape)
    assert np.allclose(falling + rising, 1)
    assert (np.diff(falling) <= 0).all()


def test_a_part_is_shifted_to_where_it_goes_on() -> None:
    whole = tone(4000)
    scores = seam_scores(whole[1000:1400], whole[970:2000], 100)
    assert best_shift(scores) == 30


def test_silence_stays_in_its_place() -> None:
    scores = seam_scores(np.zeros(400, np.float32), tone(1000), 100)
    assert best_shift(scores, 50) == 50


def test_a_period_later_is_not_better() -> None:
    scores = seam_scores(tone(960, 400), tone(3000, 400), 480)
    assert best_shift(scores, 240, 0.01) == 240


@pytest.mark.parametrize("seam", [Seam(), Seam("linear", centred=False)])
def test_what_is_not_changed_comes_out_as_it_went_in(seam: Seam) -> None:
    spans = Spans(context=300, look_ahead=200, crossfade=96, search=64)
    crossfader = Crossfader(spans, seam=seam)
    noise = np.random.default_rng(0).standard_normal(8000).astype(np.float32)
    lengths = [480, 960, 480, 1440, 240, 2000, 2400]
    starts = np.cumsum([0, *lengths])
    out = [crossfader.process(noise[a:b], b - a, lambda x: x) for a, b in pairwise(starts)]
    joined = np.concatenate(out)
    delay = crossfader.delay
    first = delay + spans.crossfade
    assert np.allclose(joined[first:], noise[first - delay : len(joined) - delay], atol=1e-6)


def test_windows_with_other_phases_meet_without_a_click() -> None:
    """A converter whose wave begins anew in every window, as a source of harmonics does."""
    spans = Spans(context=2400, look_ahead=960, crossfade=960, search=480)
    crossfader = Crossfader(spans)
    phases = iter(np.random.default_rng(0).uniform(0, 6.28, 30))
    joined = np.concatenate(
        [crossfader.process(np.zeros(4800), 4800, lambda x: tone(len(x), phase=next(phases))) for _ in range(12)]
    )[4800:]
    steepest = np.abs(np.diff(tone(4800))).max()
    assert np.abs(np.diff(joined)).max() < 1.05 * steepest
    levels = joined[: len(joined) // 480 * 480].reshape(-1, 480)
    assert np.sqrt((levels**2).mean(1)).min() > 0.6 * np.sqrt(0.5)


def test_a_converter_that_changes_the_length_is_told() -> None:
    crossfader = Crossfader(Spans(100, 50, 20, 10))
    with pytest.raises(BadSetting, match="came back"):
        crossfader.process(np.zeros(400, np.float32), 400, lambda x: x[:-1])


@pytest.mark.parametrize("spans", [(-1, 0, 8, 0), (0, 0, 0, 0), (0, -1, 8, 0)])
def test_impossible_lengths_are_refused(spans: tuple[int, int, int, int]) -> None:
    with pytest.raises(BadSetting):
        Spans(*spans)


def test_nothing_to_look_ahead_and_nothing_to_search_work() -> None:
    """The slices of so-vits-svc-fork were empty for a zero."""
    crossfader = Crossfader(Spans(context=0, look_ahead=0, crossfade=1, search=0))
    noise = np.random.default_rng(0).standard_normal(900).astype(np.float32)
    joined = np.concatenate([crossfader.process(noise[i : i + 300], 300, lambda x: x) for i in (0, 300, 600)])
    assert np.allclose(joined[crossfader.delay + 1 :], noise[1 : 900 - crossfader.delay])
