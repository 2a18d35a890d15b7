"""`SoundCard`: what a live session hears with and speaks with; `FileCard`: one that is made of files."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import numpy as np

from voicewright.audio.clip import Clip, Samples
from voicewright.audio.files import SoundWriter, describe, read_blocks
from voicewright.errors import BadClip

PERIOD_S = 0.01
"""How often a card asks: short beside every block, long beside what a call costs."""

Capture = Callable[[Samples], None]
"""Takes what a microphone heard; returns at once."""
Playback = Callable[[int], Samples]
"""Gives as many samples as are to be played now; returns at once."""


class SoundCard(Protocol):
    """A microphone and a loudspeaker, each with a rate of its own."""

    @property
    def name(self) -> str:
        """What it is, in a few words."""

    @property
    def input_rate(self) -> int:
        """Samples per second of the microphone."""

    @property
    def output_rate(self) -> int:
        """Samples per second of the loudspeaker."""

    @property
    def period_s(self) -> float:
        """The longest time between two of its calls."""

    @property
    def latency_s(self) -> float:
        """What the hardware adds on both sides; known once it was started."""

    @property
    def waits(self) -> bool:
        """Whether it can wait: a file that is to be converted as fast as it goes, not a microphone."""

    @property
    def finished(self) -> bool:
        """Whether it has stopped by itself."""

    def start(self, capture: Capture, playback: Playback) -> None:
        """Begin to call both, from threads of its own. Raises BadDevice."""

    def stop(self) -> None:
        """Stop calling; whatever went wrong meanwhile is raised here."""


class FileCard:
    """A sound file as the microphone, another as the loudspeaker: the same way as live, to try it and to measure it.

    Args:
        source: what is heard, of any format.
        target: what is played, with the delay that it had; its ending chooses the format. It appears when it is whole.
        realtime: as a microphone does it; otherwise as fast as it can be converted.
        rate: samples per second of both; the file's own if None.
        repeat_s: play the source again and again for that long; 0 for once.
        after_s: silence after the source, so that its end is heard too.

    Raises:
        BadClip: the source is no sound, or the target cannot be written.
    """

    latency_s = 0.0
    period_s = PERIOD_S

    def __init__(
        self,
        source: Path,
        target: Path,
        *,
        realtime: bool = True,
        rate: int | None = None,
        repeat_s: float = 0.0,
        after_s: float = 1.0,
    ) -> None:
        info = describe(source)
        self.input_rate = self.output_rate = rate or info.rate
        self.waits, self._source, self._after_s = not realtime, source, after_s
        self._left_s = repeat_s or info.seconds
        self._writer = SoundWriter(target, self.output_rate)
        self.name = f"{source} → {target}"
        self._ends = threading.Event()
        self._thread: threading.Thread | None = None
        self._problem: Exception | None = None
        self.late_s = 0.0
        """The longest time by which this program itself was too late for a period: what the machine is good for."""

    @property
    def finished(self) -> bool:
        return self._thread is not None and not self._thread.is_alive()

    def start(self, capture: Capture, playback: Playback) -> None:
        self._thread = threading.Thread(target=self._run, args=(capture, playback), name="file card", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._ends.set()
        if self._thread is not None:
            self._thread.join()
        if self._problem is not None:
            raise self._problem

    def _run(self, capture: Capture, playback: Playback) -> None:
        try:
            with self._writer as writer:
                began_s, done = time.perf_counter(), 0
                for period in self._periods():
                    done += len(period)
                    ahead_s = 0.0 if self.waits else began_s + done / self.input_rate - time.perf_counter()
                    self.late_s = max(self.late_s, -ahead_s)
                    if self._ends.wait(ahead_s) if ahead_s > 0 else self._ends.is_set():
                        break
                    capture(period)
                    writer.write(Clip(playback(len(period)), self.output_rate))
        except (BadClip, OSError) as problem:
            self._problem = problem

    def _periods(self) -> Iterator[Samples]:
        """What the microphone hears, one period after the other, the last one filled up with silence."""
        size, held = round(self.period_s * self.input_rate), np.zeros(0, np.float32)
        for clip in self._sound():
            held = np.concatenate([held, clip.samples])
            while len(held) >= size:
                yield held[:size]
                held = held[size:]
        if len(held):
            yield np.pad(held, (0, size - len(held)))

    def _sound(self) -> Iterator[Clip]:
        while self._left_s > 0:
            for clip in read_blocks(self._source, rate=self.input_rate, block_s=1.0):
                part = clip.between(0.0, self._left_s)
                self._left_s -= part.seconds
                if len(part):
                    yield part
                if self._left_s <= 0.5 / self.input_rate:
                    self._left_s = 0.0
                    break
        yield Clip.silence(self._after_s, self.input_rate)
