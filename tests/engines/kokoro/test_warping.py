"""Two readings laid along each other, and boundaries on whole frames."""

import numpy as np
import pytest

from voicewright.engines.kokoro.warping import distances, laid_along, whole_boundaries


def test_a_reading_at_another_pace_is_followed() -> None:
    rng = np.random.default_rng(0)
    ours = rng.normal(size=(60, 16)).astype(np.float32)
    pace = np.repeat(np.arange(60), rng.integers(1, 4, 60))  # each moment lasts one to three of theirs
    theirs = ours[pace] + 0.1 * rng.normal(size=(len(pace), 16)).astype(np.float32)
    places, apart = laid_along(distances(ours, theirs))
    truth = np.array([np.flatnonzero(pace == moment).mean() for moment in range(60)])
    assert np.abs(places - truth).max() < 0.6
    assert apart < 0.05


def test_another_reading_is_further_away() -> None:
    rng = np.random.default_rng(1)
    ours, strangers = (rng.normal(size=(50, 16)).astype(np.float32) for _ in range(2))
    assert laid_along(distances(ours, strangers))[1] > 1.0


def test_boundaries_stay_where_they_are_when_there_is_room() -> None:
    assert whole_boundaries(np.array([3.0, 5.2, 9.4, 12.0])).tolist() == [3, 5, 9, 12]


@pytest.mark.parametrize("seed", range(20))
def test_every_token_gets_a_frame_and_the_ends_stay(seed: int) -> None:
    rng = np.random.default_rng(seed)
    count = int(rng.integers(3, 40))
    places = np.sort(rng.uniform(5, 6 + count * rng.uniform(1, 3), count)) + rng.normal(0, 0.3, count)
    places[0], places[-1] = 5, 6 + 3 * count
    whole = whole_boundaries(places)
    assert np.diff(whole).min() >= 1
    assert (whole[0], whole[-1]) == (5, 6 + 3 * count)
