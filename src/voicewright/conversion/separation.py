"""The voice taken out of music."""

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

import numpy as np

from voicewright.audio.clip import Clip, Samples
from voicewright.audio.files import describe, read_blocks
from voicewright.audio.streaming import processed
from voicewright.audio.writer import SoundWriter
from voicewright.errors import MissingExtra

Unmix = Callable[[Samples], Samples]
"""(t,) a mixture → (t,) its voice, at the network's rate."""
BLOCK_S = 30.0
OVERLAP_S = 4.0
"""Neighbouring blocks share this much and are cross-faded there."""


class Separator(Protocol):
    """Takes voices out of music. What comes out has the same rate and length, and every sound at the same time."""

    def separate(self, sound: Path, vocals: Path, rest: Path | None = None) -> None:
        """Write the voice, and if wanted all that is not the voice: the two add up to the recording, in mono."""


class BlockSeparator:
    """Any network that takes a voice out of a mixture, on recordings of any length, with memory for two blocks.

    Args:
        unmix: the network.
        rate: samples per second that it works at.
        block_s: seconds that it is given at once.
        overlap_s: seconds that neighbouring blocks share, less than half of a block.
    """

    def __init__(self, unmix: Unmix, rate: int, *, block_s: float = BLOCK_S, overlap_s: float = OVERLAP_S) -> None:
        self._unmix, self._rate = unmix, rate
        self._block, self._overlap = (round(seconds * rate) for seconds in (block_s, overlap_s))

    def separate(self, sound: Path, vocals: Path, rest: Path | None = None) -> None:
        """Write the voice to `vocals` and what is left to `rest` (.wav or .flac, 16 bit).

        Raises:
            BadClip: the recording cannot be read, or the files cannot be written.
        """
        rate = describe(sound).rate
        mixture: deque[Samples] = deque()

        def heard() -> Iterator[Clip]:
            for block in read_blocks(sound, block_s=10.0):
                if rest is not None:
                    mixture.append(block.samples)
                yield block

        blocks = _Blocks(self._unmix, self._rate, self._block, self._overlap)
        with ExitStack() as stack:
            voice_writer = stack.enter_context(SoundWriter(vocals, rate))
            rest_writer = None if rest is None else stack.enter_context(SoundWriter(rest, rate))
            for voice in processed(heard(), blocks, rate):
                voice_writer.write(voice)
                if rest_writer is not None:
                    rest_writer.write(voice.with_samples(_taken(mixture, len(voice)) - voice.samples))


def _taken(parts: deque[Samples], count: int) -> Samples:
    """The next `count` samples, taken out of the parts."""
    found: list[Samples] = [np.zeros(0, np.float32)]
    while count:
        part = parts.popleft()
        found.append(part[:count])
        if len(part) > count:
            parts.appendleft(part[count:])
        count -= len(found[-1])
    return np.concatenate(found)


class _Blocks:
    """A recording on its way through a network that looks at blocks."""

    def __init__(self, unmix: Unmix, rate: int, block: int, overlap: int) -> None:
        self.rate = rate
        self._unmix, self._block, self._overlap = unmix, block, overlap
        self._held = np.zeros(0, np.float32)
        self._before = np.zeros(0, np.float32)
        """What the block before made of the first samples of `_held`."""
        self._ramp = (np.arange(overlap, dtype=np.float32) + 0.5) / max(1, overlap)

    def feed(self, samples: Samples, *, last: bool = False) -> Samples:
        """(t,) → the voice in all that lies before the overlap with a block to come."""
        self._held = np.concatenate([self._held, samples])
        done: list[Samples] = [np.zeros(0, np.float32)]
        while len(self._held) > self._block or (last and len(self._held)):
            made = self._unmix(self._held[: self._block]).copy()
            shared = len(self._before)
            made[:shared] = self._before * (1 - self._ramp[:shared]) + made[:shared] * self._ramp[:shared]
            end = len(made) if len(self._held) <= self._block else len(made) - self._overlap
            done.append(made[:end])
            self._held, self._before = self._held[end:], made[end:]
        return np.concatenate(done)


def load_separator(weights: Path, *, offline: bool = False, device: str = "cpu") -> Separator:
    """The separator of the extra "separate"; see `nn.demucs.Demucs`. Raises MissingExtra."""
    if find_spec("demucs_infer") is None:
        raise MissingExtra("demucs-infer", needed_for="taking the voice out of music", extra="separate")
    from voicewright.nn.demucs import Demucs

    return BlockSeparator(Demucs(weights, offline=offline, device=device), Demucs.RATE)
