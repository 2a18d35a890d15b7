"""Slices put back to their places, neighbours faded into each other."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from voicewright.audio.clip import Clip, Samples
from voicewright.audio.edit import rising
from voicewright.errors import BadClip

SLACK_S = 0.02  # an engine may round its frames; more than one frame is not rounding


@dataclass(frozen=True, slots=True)
class Place:
    """Where a slice lies in the result, in samples, with what it shares with its neighbours."""

    first: int
    last: int
    """One beyond the last sample."""
    shared_before: int
    shared_after: int

    def __len__(self) -> int:
        return self.last - self.first


def places(edges: Sequence[int], crossfade: int) -> list[Place]:
    """The place of each slice between neighbouring edges, so that neighbours share `crossfade` samples.

    A slice too short for two such fades shares less, so that no sample belongs to more than two slices.

    Args:
        edges: where slices meet, in samples, rising; the first and the last are the ends of the whole.
        crossfade: samples, 0 or more.
    """
    lengths = [right - left for left, right in pairwise(edges)]
    halves = [min(crossfade, before, after) // 2 for before, after in pairwise(lengths)]
    halves = [0, *halves, 0]
    return [
        Place(left - before, right + after, 2 * before, 2 * after)
        for (left, right), (before, after) in zip(pairwise(edges), pairwise(halves), strict=True)
    ]


class Joiner:
    """Joins slices that come one after the other. Weights of an overlap are half cosines that add up to one, so slices
    that nothing was done to join to what they were cut from."""

    def __init__(self) -> None:
        self._tail = np.zeros(0, np.float32)

    def add(self, samples: Samples, place: Place) -> Samples:
        """(t,) a slice at its place → (t',) all that is finished by it: up to what it shares with the next.

        Raises:
            ValueError: not as long as its place, or its place is not beside the one before.
        """
        if len(samples) != len(place) or len(self._tail) != place.shared_before:
            raise ValueError(f"a slice of {len(samples)} samples does not fit its place {place}")
        faded = samples.astype(np.float32, copy=True)
        faded[: place.shared_before] *= rising(place.shared_before)
        faded[: place.shared_before] += self._tail
        end = len(faded) - place.shared_after
        self._tail = faded[end:] * rising(place.shared_after)[::-1]
        finished: Samples = faded[:end]
        return finished


class Passing:
    """A recording that streams by: any stretch of it, as long as stretches move on.

    Args:
        blocks: the recording.
        back: how far before the stretch before a stretch may begin, in samples.
    """

    def __init__(self, blocks: Iterator[Clip], back: int) -> None:
        self._blocks, self._back = blocks, back
        self._held = np.zeros(0, np.float32)
        self._first = 0

    def take(self, first: int, last: int) -> Samples:
        """(last - first,) samples.

        Raises:
            BadClip: the recording has become shorter since it was first read.
        """
        parts = [self._held]
        known = self._first + len(self._held)
        while known < last:
            block = next(self._blocks, None)
            if block is None:
                raise BadClip("the recording became shorter while it was converted; convert it again")
            parts.append(block.samples)
            known += len(block)
        whole = np.concatenate(parts)
        taken: Samples = whole[first - self._first : last - self._first]
        forget = max(0, first - self._back - self._first)
        self._held, self._first = whole[forget:], self._first + forget
        return taken


def fitted(made: Clip, length: int, rate: int) -> Samples:
    """(length,) what an engine made, whose frames it may have rounded.

    Raises:
        ValueError: it is not rounding: the engine does not keep the time, or the rate.
    """
    if made.rate != rate or abs(len(made) - length) > SLACK_S * rate:
        raise ValueError(f"an engine made {len(made)} samples at {made.rate} Hz of {length} at {rate} Hz")
    samples: Samples = np.pad(made.samples[:length], (0, max(0, length - len(made))))
    return samples
