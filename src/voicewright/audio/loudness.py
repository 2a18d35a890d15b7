"""How loud a sound is, how high it peaks, and whether it was clipped."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from voicewright.audio.clip import Clip
from voicewright.audio.edit import gain
from voicewright.audio.streaming import StreamResampler, blocks_of

GATE_S = 0.4  # block of the gated measure, EBU R 128 / ITU-R BS.1770-4
OVERSAMPLING = 4  # ITU-R BS.1770-4 annex 2: enough for a true peak within 0.6 dB at any frequency
NOTHING_DB = -200.0  # far below the last bit of a 24-bit recording: rounding errors, not sound
MIN_RUN = 3  # consecutive samples at one level; two also happen at the top of an honest wave
FLAT = 1e-4  # samples this close (relative to the peak) are at one level
LOWEST_RAIL = 0.1  # one side that stays this far (relative to the peak) from the other's height has no rail of its own
STEEP = 5  # a run is cut off, not rounded, when the wave falls by this many tolerances in one sample beside it
LEVELS_SEEN = 200_000  # samples looked at to find the step between two quantisation levels


def rms_db(clip: Clip) -> float:
    """Root mean square in dB of full scale; -inf for silence or an empty clip."""
    power = float(np.mean(np.square(clip.samples, dtype=np.float64))) if len(clip) else 0.0
    return 10 * math.log10(power) if power > 0 else -math.inf


def loudness_lufs(clip: Clip) -> float:
    """Integrated loudness in LUFS (EBU R 128, gated, K-weighted, by pyloudnorm); -inf for silence.

    The measure needs 0.4 s. A shorter clip is repeated until it lasts that long, so a steady sound
    measures the same however short it is cut.
    """
    from pyloudnorm import Meter

    if not len(clip) or not clip.samples.any():
        return -math.inf
    shortest = math.ceil(GATE_S * clip.rate) + 1
    samples = clip.samples if len(clip) >= shortest else np.resize(clip.samples, shortest)
    return float(Meter(clip.rate).integrated_loudness(samples.astype(np.float64)))


def loudness_of(blocks: Iterable[Clip]) -> float:
    """`loudness_lufs` of sound that comes in blocks of one rate, with memory for one of them.

    Its windows begin on whole samples, every tenth of a second: hundredths of a dB beside a measure that rounds them.
    """
    kept = np.zeros(0, np.float32)  # of a sound that is shorter than a window, which is measured as it is
    rate, windows = 0, _Windows()
    for block in blocks:
        if not rate:
            rate, windows = block.rate, _Windows(block.rate)
        if len(kept) <= GATE_S * rate:
            kept = np.concatenate([kept, block.samples])
        windows.feed(block.samples)
    if not rate:
        return -math.inf
    return loudness_lufs(Clip(kept, rate)) if len(kept) <= GATE_S * rate else windows.lufs


class _Windows:
    """The weighted energy of tenths of a second, four of which are a window of the gated measure."""

    _FLOOR_LUFS, _RELATIVE_LU, _OFFSET_DB = -70.0, -10.0, -0.691  # ITU-R BS.1770-4

    def __init__(self, rate: int = 0) -> None:
        self._hop = max(1, round(GATE_S * rate / 4))
        self._held = np.zeros(0)
        self._energies: list[NDArray[np.float64]] = []
        self._filters: list[tuple[NDArray[np.float64], NDArray[np.float64]]] = []
        if rate:
            from pyloudnorm import IIRfilter

            shelf = IIRfilter(4.0, 1 / math.sqrt(2), 1500.0, rate, "high_shelf")
            low_cut = IIRfilter(0.0, 0.5, 38.0, rate, "high_pass")
            self._filters = [(stage.b, stage.a) for stage in (shelf, low_cut)]
        self._states = [np.zeros(2) for _ in self._filters]

    def feed(self, samples: NDArray[np.float32]) -> None:
        from scipy.signal import lfilter

        weighted = samples.astype(np.float64)
        for i, (b, a) in enumerate(self._filters):
            weighted, self._states[i] = lfilter(b, a, weighted, zi=self._states[i])
        held = np.concatenate([self._held, weighted])
        whole = len(held) // self._hop * self._hop
        self._energies.append(np.square(held[:whole].reshape(-1, self._hop)).mean(axis=1))
        self._held = held[whole:]

    @property
    def lufs(self) -> float:
        """-inf where nothing is loud enough to count."""
        tenths = np.concatenate([np.zeros(0), *self._energies])
        powers = np.convolve(tenths, np.full(4, 0.25), "valid") if len(tenths) >= 4 else np.zeros(0)
        powers = powers[powers > self._power(self._FLOOR_LUFS)]
        if not len(powers):
            return -math.inf
        return self._lufs(powers[powers > self._power(self._lufs(powers) + self._RELATIVE_LU)])

    def _lufs(self, powers: NDArray[np.float64]) -> float:
        return self._OFFSET_DB + 10 * math.log10(float(powers.mean()))

    def _power(self, lufs: float) -> float:
        return float(10 ** ((lufs - self._OFFSET_DB) / 10))


def true_peak_db(clip: Clip) -> float:
    """The highest point of the wave between and on its samples, in dB of full scale; -inf for silence.

    Method: four times oversampling (ITU-R BS.1770-4 annex 2), here with soxr's best filter.
    """
    return true_peak_of(blocks_of(clip, 10.0)) if len(clip) else -math.inf


def true_peak_of(blocks: Iterable[Clip]) -> float:
    """`true_peak_db` of sound that comes in blocks of one rate, with memory for one of them."""
    peak, stream = 0.0, None
    for block in blocks:
        stream = stream or StreamResampler(block.rate, OVERSAMPLING * block.rate)
        for samples in (block.samples, stream.feed(block.samples)):
            peak = max(peak, float(np.abs(samples).max(initial=0.0)))
    if stream:
        peak = max(peak, float(np.abs(stream.feed(np.zeros(0, np.float32), last=True)).max(initial=0.0)))
    return 20 * math.log10(peak) if peak > 0 else -math.inf


def normalise(clip: Clip, lufs: float, *, ceiling_db: float = -1.0) -> Clip:
    """The clip at a loudness of `lufs`, or as near below it as its peaks allow.

    One gain for the whole clip: nothing is compressed, and the true peak stays at or under `ceiling_db`.
    It is measured at full level, so that the measure's gate at -70 LUFS cannot hide parts of a faint recording.
    Silence, and what no recording can hold (below -200 dB), comes back unchanged.
    """
    peak_db = true_peak_db(clip)
    if peak_db < NOTHING_DB:
        return clip
    measured = loudness_lufs(gain(clip, -peak_db))
    if math.isinf(measured):  # all below what ears hear
        return clip
    return gain(clip, min(lufs - measured, ceiling_db) - peak_db)


@dataclass(frozen=True, slots=True)
class Clipping:
    """How much of a recording was cut off at its loudest."""

    share: float
    """Samples inside flat tops, 0 to 1."""
    runs: int
    """Number of flat tops."""


def clipping(clip: Clip) -> Clipping:
    """Flat tops: three samples or more at the recording's highest (or lowest) level with a steep wave beside them.

    It finds clipping after any change of gain, because it looks for the level at which the wave was cut,
    not for full scale. A rounded top, quantised or not, does not count. A lossy codec or a resampler
    that came after the clipping rounds the tops again, and then nothing is found.
    """
    samples = clip.samples
    if len(samples) < MIN_RUN or not samples.any():
        return Clipping(0.0, 0)
    peak = float(np.abs(samples).max())
    tolerance = max(FLAT * peak, 0.75 * _step(samples))
    sides = [side for side in (samples, -samples) if side.max() >= LOWEST_RAIL * peak]
    found = [_flat_tops(side, tolerance) for side in sides]
    return Clipping(sum(held for held, _ in found) / len(samples), sum(runs for _, runs in found))


def _step(samples: NDArray[np.float32]) -> float:
    """The smallest difference between two levels that occur, that is, one quantisation step."""
    levels = np.unique(samples[:LEVELS_SEEN].astype(np.float64))
    return float(np.diff(levels).min()) if len(levels) > 1 else 0.0


def _flat_tops(samples: NDArray[np.float32], tolerance: float) -> tuple[int, int]:
    """Samples in flat tops at the maximum, and how many tops."""
    top = float(samples.max())
    at_top = np.concatenate([[False], samples >= top - tolerance, [False]])
    edges = np.flatnonzero(np.diff(at_top))
    starts, ends = edges[::2], edges[1::2]  # [start, end) in samples
    long = ends - starts >= MIN_RUN
    starts, ends = starts[long], ends[long]
    drop_before = np.where(starts > 0, top - samples[np.maximum(starts - 1, 0)], 0.0)
    drop_after = np.where(ends < len(samples), top - samples[np.minimum(ends, len(samples) - 1)], 0.0)
    cut = np.maximum(drop_before, drop_after) > STEEP * tolerance
    return int((ends - starts)[cut].sum()), int(cut.sum())
