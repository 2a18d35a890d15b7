"""How the two so-vits-svc programs take recordings apart, for comparisons with them. Our own way is `slicing`.

Both work on one array in memory; places are in samples.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from voicewright.audio.clip import Samples
from voicewright.conversion.envelope import rms_windows

Infer = Callable[[NDArray[np.float64]], NDArray[np.float64]]
"""(t,) a padded part of a recording → what a network made of it, which may be some samples shorter."""
Row = tuple[bool, int, int]
"""Whether somebody speaks, and from where to where."""
SMALLEST = 1e-5  # librosa's amplitudes below this have no decibels of their own


def fork_slices(
    samples: Samples,
    *,
    top_db: float = 40.0,
    relative: bool = False,
    window: int = 2048,
    hop: int = 512,
    longest: int = 0,
) -> Iterator[Row]:
    """The fork's slices: sound is what `librosa.effects.split` calls so, cut hard where it is too long.

    Args:
        top_db: how far below the reference silence is, a positive number here.
        relative: the reference is the loudest window, not full scale.
        longest: samples of one slice at most; 0 for no limit.
    """
    levels = rms_windows(samples, window, hop)
    reference = float(levels.max()) if relative else 1.0
    heard = 20 * np.log10(np.maximum(levels, SMALLEST) / max(reference, SMALLEST)) > -top_db
    turns = np.flatnonzero(np.diff(np.concatenate([[False], heard, [False]]).astype(np.int8)))
    edges = np.minimum(turns * hop, len(samples)).reshape(-1, 2)
    end = 0
    for first, last in edges.tolist():
        if first != end:
            yield False, end, first
        step = longest or max(1, last - first)
        yield from ((True, start, min(start + step, last)) for start in range(first, last, step))
        end = last
    if end != len(samples):
        yield False, end, len(samples)


def fork_window(rate: int, chunk_s: float) -> int:
    """The hop of the fork's windows, which are twice as long; more than 0.4 s makes no difference to it."""
    return int(min(rate / 50 * 20 + 1, chunk_s * rate)) // 2


def fork_convert(samples: Samples, rows: Iterator[Row], pad: int, infer: Infer) -> NDArray[np.float64]:
    """The fork's way through a file: silences become zeros, slices are padded with zeros, and cut from their middle."""
    parts = [np.zeros(0)]
    for spoken, first, last in rows:
        part = np.zeros(last - first)
        if spoken:
            made = infer(np.pad(samples[first:last].astype(np.float64), pad))
            cut = (len(made) - len(part)) // 2
            part = made[cut : cut + len(part)]
        parts.append(part)
    return np.concatenate(parts)[: len(samples)]


@dataclass(frozen=True, slots=True)
class UpstreamSlicer:
    """The slicer of so-vits-svc 4.1 (OpenVPI's audio-slicer): long silences are taken out, at their quietest windows.

    Args:
        threshold: dB of full scale below which a window is silent.
        min_length, min_interval, hop_size, max_sil_kept: milliseconds, of a slice, of a silence that may cut, from
            window to window, and of silence that stays with a slice.
    """

    rate: int
    threshold: float = -40.0
    min_length: float = 5000.0
    min_interval: float = 300.0
    hop_size: float = 20.0
    max_sil_kept: float = 5000.0

    @property
    def hop(self) -> int:
        return round(self.rate * self.hop_size / 1000)

    @property
    def window(self) -> int:
        return min(round(self.rate * self.min_interval / 1000), 4 * self.hop)

    def levels(self, samples: Samples) -> NDArray[np.float32]:
        """The level of each window."""
        return rms_windows(samples, self.window, self.hop)

    def slices(self, samples: Samples) -> list[Row]:
        """All of the recording; a cut at one point is a silence of no length.

        As in the original, a recording of fewer samples than a slice has windows stays whole.
        """
        whole = [(True, 0, len(samples))]
        if len(samples) <= self._frames(self.min_length):
            return whole
        silences = [tuple(min(frame * self.hop, len(samples)) for frame in cut) for cut in self._cuts(samples)]
        if not silences:
            return whole
        rows: list[Row] = []
        end = 0
        for first, last in silences:
            if first or rows:
                rows.append((True, end, first))
            rows.append((False, first, last))
            end = last
        return rows + ([(True, end, len(samples))] if end < len(samples) else [])

    def _frames(self, milliseconds: float) -> int:
        return round(self.rate * milliseconds / 1000 / self.hop)

    def _cuts(self, samples: Samples) -> list[tuple[int, int]]:
        """What is taken out, in windows."""
        levels, cuts, begin = self.levels(samples), list[tuple[int, int]](), 0
        quiet = levels < 10 ** (self.threshold / 20)
        turns = np.flatnonzero(np.diff(np.concatenate([[False], quiet, [False]]).astype(np.int8))).reshape(-1, 2)
        shortest, kept = self._frames(self.min_interval), self._frames(self.max_sil_kept)
        for first, end in turns.tolist():
            if end == len(levels):
                if end - first >= shortest:
                    cuts.append((_quietest(levels, first, min(end, first + kept)), len(levels) + 1))
                break
            leading = first == 0 and end > kept
            middle = end - first >= shortest and end - begin >= self._frames(self.min_length)
            if leading or middle:
                left, begin = _inside(levels, first, end, kept)
                cuts.append((0 if first == 0 else left, begin))
        return cuts


def _quietest(levels: NDArray[np.float32], first: int, last: int) -> int:
    """The first of the quietest windows from `first` to `last`, both included."""
    return first + int(np.argmin(levels[first : last + 1]))


def _inside(levels: NDArray[np.float32], first: int, end: int, kept: int) -> tuple[int, int]:
    """The part of a silence that is taken out; a point if as much of it may stay as there is."""
    if end - first <= kept:
        point = _quietest(levels, first, end)
        return point, point
    left, right = _quietest(levels, first, first + kept), _quietest(levels, end - kept, end)
    if end - first > 2 * kept:
        return left, right
    shared = _quietest(levels, end - kept, first + kept)
    return (min(left, shared), right if first == 0 else max(right, shared))


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamParts:
    """How so-vits-svc 4.1 gives slices to its network.

    Args:
        hop: samples of a frame of the network.
        pad_s: zeros on both sides.
        clip_s: length of the parts that a slice is cut into; 0 for whole slices.
        overlap_s: every part but a slice's first begins this much early.
        faded: share of the overlap, in its middle, over which a part is faded in.
    """

    hop: int
    pad_s: float = 0.5
    clip_s: float = 0.0
    overlap_s: float = 0.0
    faded: float = 0.75


def upstream_convert(
    samples: Samples, rows: list[Row], rate: int, infer: Infer, parts: UpstreamParts
) -> tuple[NDArray[np.float64], list[int]]:
    """Upstream's way through a file, and the frame at which it takes each part to begin.

    Silences become zeros; what the network is given has been a 16-bit file.
    """
    hop, overlap, pad = parts.hop, int(parts.overlap_s * rate), int(parts.pad_s * rate)
    fade = int(overlap * parts.faded)
    before = (overlap - fade) // 2
    after = overlap - fade - before
    made, frame, frames = np.zeros(0), 0, []
    for spoken, first, last in rows:
        if first == last:
            continue
        if not spoken:
            silence = np.zeros(_rounded_up(last - first, rate))
            made, frame = np.concatenate([made, silence]), frame + len(silence) // hop
            continue
        step = int(parts.clip_s * rate) or last - first
        for start in range(first, last, step):
            begin = start - overlap if start - overlap >= first else start
            part = samples[begin : min(start + step, last)].astype(np.float64)
            out = infer(_as_16_bit(np.pad(part, pad)))
            frames.append(frame)
            frame += len(out) // hop
            out = _centred(out[pad : len(out) - pad], _rounded_up(len(part), rate))
            if overlap and start > first:
                weight = np.linspace(0, 1, fade)
                held = made[len(made) - fade - after : len(made) - after]
                mixed = held * (1 - weight) + out[before : before + fade] * weight
                made, out = np.concatenate([made[: len(made) - fade - after], mixed]), out[before + fade :]
            made = np.concatenate([made, out])
    return made, frames


def _rounded_up(count: int, rate: int) -> int:
    """Upstream's way from samples to seconds and back, in which a sample is won where a division was not exact."""
    return math.ceil(count / rate * rate)


def _as_16_bit(samples: NDArray[np.float64]) -> NDArray[np.float64]:
    """What is left of samples that libsndfile wrote as 16-bit numbers and read again."""
    written = np.clip(np.rint(samples * 32767), -32768, 32767)
    read: NDArray[np.float64] = written / 32768
    return read


def _centred(samples: NDArray[np.float64], length: int) -> NDArray[np.float64]:
    """(length,) zeros on both sides of what is too short."""
    missing = max(0, length - len(samples))
    padded: NDArray[np.float64] = np.pad(samples, (missing // 2, math.ceil(missing / 2)))
    return padded
