"""Between a sound card that never waits and a converter that takes its time.

t samples of what goes in · u samples of what comes out
"""

import threading
from dataclasses import dataclass

import numpy as np

from voicewright.audio.clip import Samples

MOST_BLOCKS = 4  # taken at once by a converter that is behind: one long window costs less than several
BACKLOG_S = 3.0  # about that much may wait, more is lost: a delay that only grows is worse than a gap
BACKLOG_BLOCKS = (2, 8)  # but at least and at most so many blocks
FADE_S = 0.005


class Ring:
    """A queue of samples of a fixed size; the oldest are lost when it is full."""

    def __init__(self, size: int) -> None:
        self._samples: Samples = np.zeros(size, np.float32)
        self._start = 0
        self.level = 0
        """Samples in it."""

    def write(self, samples: Samples) -> int:
        """Append; how many of the oldest samples were lost for it."""
        size = len(self._samples)
        kept = samples[-size:]
        lost = max(0, self.level + len(samples) - size)
        self.drop(min(lost, self.level))
        at = (self._start + self.level + np.arange(len(kept))) % size
        self._samples[at] = kept
        self.level += len(kept)
        return lost

    def read(self, count: int) -> Samples:
        """Take the oldest `count` samples, as many as there are."""
        count = min(count, self.level)
        taken: Samples = self._samples[(self._start + np.arange(count)) % len(self._samples)]
        self.drop(count)
        return taken

    def drop(self, count: int) -> None:
        """Forget the oldest."""
        self._start = (self._start + count) % len(self._samples)
        self.level -= count


@dataclass(frozen=True, slots=True)
class Counts:
    """What went wrong so far.

    Args:
        dropouts: times at which there was nothing to play.
        silent_s: how long that lasted in all.
        overruns: times at which sound from the microphone was lost because the converter was too far behind.
        skipped_s: silence that was left out to be as quick as before.
    """

    dropouts: int = 0
    silent_s: float = 0.0
    overruns: int = 0
    skipped_s: float = 0.0


class Pipeline:
    """Two queues and what passes through them. The card's threads call `capture` and `playback`, which only copy; the
    worker calls `take` and `give`.

    Playing begins `reserve_s` after the first block is complete, whatever the first block took, so that the delay is
    known beforehand. A block that comes later than that is heard as a gap (fade, silence, fade), and from then on
    everything is later by the gap; silence is left out later on to make up for more than a block of it.

    Args:
        input_rate, output_rate: samples per second of the microphone and of the loudspeaker.
        block: samples of a block, at `input_rate`.
        reserve_s: how long a block may take to convert.
        longest_s: the longest block that can be taken.
        muted: begin with the microphone muted.
    """

    def __init__(
        self,
        input_rate: int,
        output_rate: int,
        block: int,
        *,
        reserve_s: float,
        longest_s: float = 8.0,
        muted: bool = False,
    ) -> None:
        self.input_rate, self.output_rate = input_rate, output_rate
        self.block, self.reserve_s = block, reserve_s
        self.muted = muted
        """Whether the microphone is heard, from the next sample on."""
        self._longest_s = longest_s
        self._lock = threading.Condition()
        self._in, self._out = Ring(round(40 * input_rate)), Ring(round(40 * output_rate))
        self._captured = self._played = 0
        self._gap_s = self._late_s = 0.0
        self._playing = self._begun = self._closed = False
        self._fade_out = max(1, round(FADE_S * output_rate))
        self._fades_in = True
        self._mic = 0.0 if muted else 1.0
        self._busy = False
        self.counts = Counts()
        """What went wrong so far."""

    @property
    def block_s(self) -> float:
        return self.block / self.input_rate

    @property
    def held_s(self) -> float:
        """How long a sound is on its way through the queues: as it is now, or as it will be before the first one is."""
        return self._gap_s if self._begun else self.block_s + self.reserve_s

    def capture(self, samples: Samples) -> None:
        """(t,) what the microphone heard. Never waits for anything."""
        with self._lock:
            self._gap_s = self._captured / self.input_rate - self._played / self.output_rate
            self._captured += len(samples)
            lost = self._in.write(self._heard(samples))
            lost += self._limit_backlog()
            if lost:
                self._count(overruns=1)
                self._captured -= lost
            self._lock.notify_all()

    def playback(self, count: int) -> Samples:
        """(u,) what the loudspeaker plays. Never waits for anything."""
        out = np.zeros(count, np.float32)
        with self._lock:
            if not self._playing and not self._may_begin():
                if self._begun and not self._closed:
                    self._late_s += count / self.output_rate
                    self._count(silent_s=count / self.output_rate)
                return out
            self._playing = self._begun = True
            enough = self._out.level >= count + self._fade_out
            made = self._out.read(count)
            self._played += len(made)
            if self._fades_in:
                _ramp(made[: self._fade_out], up=True)
                self._fades_in = False
            if not enough and not self._closed:
                _ramp(made[-self._fade_out :], up=False)
                self._run_dry(count - len(made))
            out[: len(made)] = made
        return out

    def take(self, wait_s: float = 0.0) -> Samples | None:
        """(t,) the next block, or several if they are waiting; None if there is none within `wait_s`."""
        with self._lock:
            if self._in.level < self.block and wait_s:
                self._lock.wait_for(lambda: self._in.level >= self.block or self._closed, wait_s)
            most = max(1, min(MOST_BLOCKS, int(self._longest_s * self.input_rate) // self.block))
            blocks = min(self._in.level // self.block, most)
            self._busy = blocks > 0
            return self._in.read(blocks * self.block) if blocks else None

    def give(self, made: Samples) -> None:
        """(u,) what became of what was taken last."""
        with self._lock:
            self._busy = False
            too_late = self._late_s - self.block_s
            if too_late > 0 and not made.any():
                skipped = min(len(made), round(too_late * self.output_rate))
                made = made[skipped:]
                self._played += skipped
                self._late_s -= skipped / self.output_rate
                self._count(skipped_s=skipped / self.output_rate)
            self._out.write(made)
            self._lock.notify_all()

    def wait_idle(self) -> None:
        """Wait until no whole block is waiting or being converted, or nothing more will be."""
        with self._lock:
            self._lock.wait_for(lambda: self._closed or not (self._busy or self._in.level >= self.block))

    def close(self) -> None:
        """Nothing more is converted; what is left to play fades out."""
        with self._lock:
            self._closed = True
            rest = self._out.read(self._fade_out)
            _ramp(rest, up=False)
            self._out.drop(self._out.level)
            self._out.write(rest)
            self._lock.notify_all()

    def _may_begin(self) -> bool:
        if not self._out.level:
            return False
        return self._begun or self._captured / self.input_rate >= self.block_s + self.reserve_s

    def _run_dry(self, missing: int) -> None:
        self._playing, self._fades_in = False, True
        self._late_s += missing / self.output_rate
        self._count(dropouts=1, silent_s=missing / self.output_rate)

    def _limit_backlog(self) -> int:
        least, most = BACKLOG_BLOCKS
        lost = max(0, self._in.level - min(most, max(least, int(BACKLOG_S / self.block_s))) * self.block)
        lost -= lost % self.block
        self._in.drop(lost)
        return lost

    def _count(self, **more: float) -> None:
        was = self.counts
        self.counts = Counts(
            was.dropouts + int(more.get("dropouts", 0)),
            was.silent_s + more.get("silent_s", 0.0),
            was.overruns + int(more.get("overruns", 0)),
            was.skipped_s + more.get("skipped_s", 0.0),
        )

    def _heard(self, samples: Samples) -> Samples:
        """The microphone's sound, faded at the moments at which it is muted and unmuted."""
        target = 0.0 if self.muted else 1.0
        if self._mic == target:
            return samples if target else np.zeros(len(samples), np.float32)
        steps = np.arange(1, len(samples) + 1) / (FADE_S * self.input_rate)
        gains = np.clip(self._mic + np.sign(target - self._mic) * steps, 0.0, 1.0)
        self._mic = float(gains[-1])
        faded: Samples = (samples * gains).astype(np.float32)
        return faded


def _ramp(part: Samples, *, up: bool) -> None:
    """Fade a part of a sound, in its place."""
    weights = (np.arange(len(part)) + 0.5) / max(1, len(part))
    part *= (weights if up else weights[::-1]).astype(np.float32)
