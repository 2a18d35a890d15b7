"""The shortest block that a machine converts in time, found by trying."""

import statistics
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from voicewright.audio.clip import Samples
from voicewright.live.pipeline import MOST_BLOCKS
from voicewright.live.stream import LiveStream

BLOCKS_MS = (60, 80, 100, 120, 150, 180, 220, 270, 330, 400, 500, 600, 750, 900, 1100, 1400, 1800, 2300, 3000, 4000)
"""What is tried: each a fifth to a third longer than the one before."""
FULL = 0.5
"""Load up to which a block is converted in time although other programs want the processor too."""
TRIALS = 4


@dataclass(frozen=True, slots=True)
class Tuned:
    """What was found.

    Args:
        block: samples of a block, of what goes in.
        block_s: the same in seconds.
        usual_s, longest_s: how long its conversion took, as a median and at most.
    """

    block: int
    block_s: float
    usual_s: float
    longest_s: float

    @property
    def load(self) -> float:
        """The share of its own length that a block takes to convert."""
        return self.usual_s / self.block_s


def measured(stream: LiveStream, seconds: float, clock: Callable[[], float], trials: int = TRIALS) -> Tuned:
    """How long blocks of that length take on a stream that is used for nothing else. The first one does not count."""
    block = stream.block_samples(seconds)
    sound = voice_like(block * (trials + 1), stream.input_rate)
    took_s = []
    for start in range(0, len(sound), block):
        began_s = clock()
        stream.process(sound[start : start + block])
        took_s.append(clock() - began_s)
    return Tuned(block, block / stream.input_rate, statistics.median(took_s[1:]), max(took_s[1:]))


def tuned(make: Callable[[], LiveStream], clock: Callable[[], float]) -> Tuned:
    """The shortest of `BLOCKS_MS` that is converted within `FULL` of its length; the longest if none is.

    Args:
        make: a stream that is used for nothing else.
        clock: seconds from any beginning.
    """
    longest_s = make().longest_block_s
    left = [ms / 1000 for ms in BLOCKS_MS if ms / 1000 <= longest_s] or [longest_s * 0.99]
    while True:
        found = measured(make(), left[0], clock)
        # A longer block takes no less time, so it must at least be as long as this one would need.
        left = [s for s in left[1:] if s * FULL >= found.usual_s]
        if found.load <= FULL or not left:
            return found


def warmed(stream: LiveStream, block: int) -> None:
    """Convert windows of several blocks once, as they are taken after a hiccup: a network is slow with the first sound
    of any length, and a second hiccup would follow the first.

    Args:
        stream: one that is used for nothing else.
    """
    for blocks in range(2, MOST_BLOCKS + 1):
        if blocks * block <= stream.longest_block_s * stream.input_rate:
            stream.process(voice_like(blocks * block, stream.input_rate))


def next_longer_s(block_s: float, longest_s: float) -> float | None:
    """The next longer block to try; None if there is none."""
    return next((ms / 1000 for ms in BLOCKS_MS if 1.15 * block_s < ms / 1000 <= longest_s), None)


def voice_like(samples: int, rate: int) -> Samples:
    """(t,) a sound that opens the gate and has a pitch: 140 Hz with its overtones and some breath, quiet."""
    at_s = np.arange(samples) / rate
    tone = sum(np.sin(2 * np.pi * 140 * k * at_s) / k for k in range(1, 12))
    breath = np.random.default_rng(0).standard_normal(samples)
    sound: Samples = (0.08 * tone + 0.005 * breath).astype(np.float32)
    return sound
