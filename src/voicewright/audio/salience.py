"""From salience to pitch: how networks with one output per 20 cents (CREPE, RMVPE) are read.

f frames · k bins
"""

import numpy as np
from numpy.typing import NDArray

Salience = NDArray[np.float32]

BINS = 360
CENTS_PER_BIN = 20.0
FIRST_CENTS = 1997.3794084376191
"""Of the lowest bin, above 10 Hz: both networks were trained with bins from 31.7 Hz to 2005.5 Hz."""
LOWEST_HZ, HIGHEST_HZ = 32.7, 1975.5

_AROUND = 4  # bins to each side that share in a peak, as in both networks' own readers
_STEP_COST = 0.15  # of moving by a bin from one frame to the next, in the logarithm of salience
_LEAP_COST = 2.4  # of moving anywhere: singers leap too, so a leap is dear and not forbidden
_NEAR = 12  # bins that a glide moves at most in a frame


def hz_of_bins(bins: NDArray[np.float64]) -> NDArray[np.float64]:
    """Bins, also fractions of them, in Hz."""
    hz: NDArray[np.float64] = 10.0 * 2.0 ** ((FIRST_CENTS + CENTS_PER_BIN * bins) / 1200)
    return hz


def bin_range(low_hz: float, high_hz: float) -> slice:
    """The bins within a range of pitch."""
    low, high = ((1200 * np.log2(hz / 10) - FIRST_CENTS) / CENTS_PER_BIN for hz in (low_hz, high_hz))
    return slice(max(0, int(np.floor(low))), min(BINS, int(np.ceil(high)) + 1))


def local_average(salience: Salience, peaks: NDArray[np.int64]) -> NDArray[np.float64]:
    """(f, k) and a bin for each frame -> (f,) Hz: the mean of the bins around the peak, weighted by their salience."""
    around = peaks[:, None] + np.arange(-_AROUND, _AROUND + 1)
    inside = (around >= 0) & (around < salience.shape[1])
    around = np.clip(around, 0, salience.shape[1] - 1)
    weight = np.take_along_axis(salience, around, axis=1).astype(np.float64) * inside
    total = weight.sum(axis=1)
    mean = (weight * around).sum(axis=1) / np.where(total > 0, total, 1)
    return hz_of_bins(np.where(total > 0, mean, peaks))


def likeliest_path(salience: Salience) -> NDArray[np.int64]:
    """(f, k) -> (f,) the path of bins that is salient and smooth (Viterbi): small steps are cheap, leaps cost alike.

    It keeps to one octave where two are nearly as salient, and leaps with a singer.
    """
    frames, bins = salience.shape
    if not frames:
        return np.zeros(0, np.int64)
    gains = np.log(np.maximum(salience, 1e-4))
    shifts = np.arange(-_NEAR, _NEAR + 1)
    costs = np.minimum(_STEP_COST * np.abs(shifts), _LEAP_COST)[:, None]
    sources = np.arange(bins) + shifts[:, None]
    came_from = np.zeros((frames, bins), np.int64)
    score = np.full(bins + 2 * _NEAR, -np.inf)
    inner = slice(_NEAR, _NEAR + bins)
    score[inner] = gains[0]
    windows = np.lib.stride_tricks.sliding_window_view(score, bins)  # of the score as it changes
    columns = np.arange(bins)
    for frame in range(1, frames):
        near = windows - costs
        step = near.argmax(axis=0)
        best = near[step, columns]
        anywhere = int(score[inner].argmax())
        leap = score[_NEAR + anywhere] - _LEAP_COST
        came_from[frame] = np.where(best >= leap, sources[step, columns], anywhere)
        score[inner] = np.maximum(best, leap) + gains[frame]
    path = np.zeros(frames, np.int64)
    path[-1] = int(score[inner].argmax())
    for frame in range(frames - 1, 0, -1):
        path[frame - 1] = came_from[frame, path[frame]]
    return path
