"""Which clips are learned from at which step: a pure function of lengths, batch size, seed and epoch.

Every clip comes once an epoch, whatever the numbers: an epoch's batches differ by one clip at most, and so do the parts
that a batch falls into. Nothing is dropped to make it even, nothing is learned from twice.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BLUR = 0.1
"""Lengths are taken up to so much longer or shorter, so that a clip's neighbours change from epoch to epoch."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a run is in its data: before batch `position` of `epoch`, both from 0. This is all the sampler's state."""

    epoch: int
    position: int


def seed_of(*parts: object) -> int:
    """A seed (63 bits) that belongs to these words and numbers, on every machine."""
    text = "\x1f".join(str(part) for part in parts)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little") >> 1


def steps_per_epoch(clips: int, batch_size: int) -> int:
    """Batches of an epoch: as few as hold every clip."""
    return -(-clips // batch_size)


def place_at(step: int, steps: int) -> Place:
    """Where a run is after `step` steps, with `steps` in an epoch."""
    return Place(*divmod(step, steps))


def epoch_of(lengths: Sequence[int], batch_size: int, seed: int, epoch: int) -> list[NDArray[np.int64]]:
    """The batches of an epoch, each the indices of clips that are about equally long, the longest first."""
    count = len(lengths)
    if not count:
        return []
    random = np.random.default_rng(seed_of("order", seed, epoch))
    steps = steps_per_epoch(count, batch_size)
    blurred = np.asarray(lengths, float) * random.uniform(1 - BLUR, 1 + BLUR, count)
    order = np.lexsort((random.permutation(count), -blurred))
    sizes = np.full(steps, count // steps) + (random.permutation(steps) < count % steps)
    batches = np.split(order, np.cumsum(sizes)[:-1])
    return [batches[each] for each in random.permutation(steps)]


def parts_of(batch: Sequence[int] | NDArray[np.int64], parts: int, processes: int = 1) -> list[list[list[int]]]:
    """A batch dealt out: `[process][part]` is a list of indices, of sizes that differ by one at most, each with short
    and long ones.

    Where a batch is too small, there are fewer parts, the same number for every process; a process without a clip is
    left only where the batch has fewer clips than there are processes.
    """
    parts = max(1, min(parts, len(batch) // processes))
    shares = parts * processes
    dealt = [[int(index) for index in batch[share::shares]] for share in range(shares)]
    return [dealt[process::processes] for process in range(processes)]


def upcoming(
    lengths: Sequence[int], batch_size: int, seed: int, start: Place, epochs: int
) -> Iterator[tuple[Place, NDArray[np.int64]]]:
    """Every batch from `start` to the end of the last epoch, with its place."""
    for epoch in range(start.epoch, epochs):
        first = start.position if epoch == start.epoch else 0
        for position, batch in enumerate(epoch_of(lengths, batch_size, seed, epoch)[first:], first):
            yield Place(epoch, position), batch
