"""`LiveSession`: a microphone that speaks in another voice, from the first block to the last."""

import math
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass
from types import TracebackType
from typing import Any, Self

from voicewright.audio.clip import Samples
from voicewright.audio.pitch import PitchTracker
from voicewright.engines.base import Converter
from voicewright.errors import BadSetting
from voicewright.live.card import SoundCard
from voicewright.live.options import LiveOptions
from voicewright.live.pipeline import FADE_S, Counts, Pipeline
from voicewright.live.stream import Heard, LiveStream
from voicewright.live.tuning import FULL, Tuned, measured, next_longer_s, tuned, warmed

SPARE = 1.6
"""A block may take that much longer than the longest trial."""
WATCHED = 12
"""Blocks over which the load is told and lateness is judged."""
LATE_BLOCKS = 3
"""So many late ones among them, and longer blocks are taken."""


@dataclass(frozen=True, slots=True)
class LiveStatus:
    """How a session is going.

    Args:
        seconds: of sound converted so far.
        block_ms: what is converted at a time.
        algorithmic_ms: the delay of a machine that takes no time: a block, and what a block waits for.
        delay_ms: from microphone to loudspeaker: that, the wait in the queues as measured, and the device's own.
        load: the time that the last blocks took, as a share of their length.
        late_blocks: blocks that took longer than they last.
        counts: dropouts and the like.
        heard: what the last block was like.
        options: what holds now.
    """

    seconds: float
    block_ms: float
    algorithmic_ms: float
    delay_ms: float
    load: float
    late_blocks: int
    counts: Counts
    heard: Heard
    options: LiveOptions

    def as_dict(self) -> dict[str, Any]:
        """As plain data; a level of silence is None."""
        plain = asdict(self)
        for name, value in plain["heard"].items():
            if isinstance(value, float) and math.isinf(value):
                plain["heard"][name] = None
        return plain


def _nobody(line: str) -> None:
    """Tell nobody."""


class LiveSession:
    """Listens, converts off the sound card's threads, and speaks.

    A context manager: entering tunes the block to the machine, warms up and starts; leaving stops. `run` does all
    of it and waits for the end. Options can be changed and the status be read from any thread meanwhile.

    Args:
        converter: the voice, ready to convert.
        tracker: finds the pitch.
        options: see there.
        card: microphone and loudspeaker.
        tell: is told, in sentences, what was chosen and what changes by itself.
        clock: seconds from any beginning.

    Raises:
        BadSetting: options that this voice or this card cannot follow. BadDevice: the card cannot be used.
    """

    def __init__(
        self,
        converter: Converter,
        tracker: PitchTracker,
        options: LiveOptions,
        card: SoundCard,
        *,
        tell: Callable[[str], None] = _nobody,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._converter, self._tracker = converter, tracker
        self._card, self._options, self._tell, self._clock = card, options, tell, clock
        self._stream = self._make()
        self._pipeline: Pipeline | None = None
        self._loads: deque[float] = deque(maxlen=WATCHED)
        self._late_blocks, self._seconds = 0, 0.0
        self._said = ""
        self._stopping = threading.Event()
        self._problem: Exception | None = None
        self._worker: threading.Thread | None = None

    def run(self, *, meter: Callable[[LiveStatus], None] | None = None, every_s: float = 0.5) -> LiveStatus:
        """From start to end: until the card has finished, `stop` is called, or Ctrl-C.

        Args:
            meter: is given the status every `every_s` seconds.

        Returns: the status at the end.

        Raises: what ended it: BadDevice, BadClip, …; whatever the converter raised.
        """
        with self:
            try:
                while not (self._stopping.wait(every_s) or self._card.finished):
                    if meter is not None:
                        meter(self.status())
            except KeyboardInterrupt:
                self._tell("stopping")
        return self.status()

    def __enter__(self) -> Self:
        pipeline = self.prepare()
        self._worker = threading.Thread(target=self._work, name="live conversion", daemon=True)
        self._worker.start()
        try:
            self._card.start(self._capture if self._card.waits else pipeline.capture, pipeline.playback)
        except BaseException:
            self.stop()
            self._worker.join()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        try:
            self._card.stop()
        finally:
            if self._worker is not None:
                self._worker.join()
        if kind is None and self._problem is not None:
            raise self._problem

    def prepare(self) -> Pipeline:
        """Choose the block, warm up, and make the queues. For a program that calls `step` itself; entering does it."""
        wish = self._options.block_ms
        found = tuned(self._make, self._clock) if wish == "auto" else measured(self._make(), wish / 1000, self._clock)
        self._say_block(found, chosen=wish == "auto")
        warmed(self._make(), found.block)
        longest_s = 0.0 if self._card.waits else found.longest_s
        self._pipeline = Pipeline(
            self._card.input_rate,
            self._card.output_rate,
            found.block,
            reserve_s=self._reserve_s(longest_s, found.block_s),
            longest_s=self._stream.longest_block_s,
            muted=self._options.muted,
        )
        return self._pipeline

    def step(self, wait_s: float = 0.0) -> bool:
        """Convert a block if there is one within `wait_s`; whether there was."""
        pipeline = self._ready
        block = pipeline.take(wait_s)
        if block is None:
            return False
        began_s = self._clock()
        made = self._stream.process(block)
        took_s = self._clock() - began_s
        pipeline.give(made)
        self._watch(took_s, len(block) / self._card.input_rate)
        if self._stream.note != self._said:
            self._said = self._stream.note
            self._tell(self._said)
        return True

    def stop(self) -> None:
        """End it soon; returns at once."""
        self._stopping.set()
        if self._pipeline is not None:
            self._pipeline.close()

    def change(self, **changes: Any) -> None:
        """Change options while it runs: see `options.CHANGEABLE`. Muting holds from the next sample on, the others from
        the next block on.

        Raises:
            BadSetting: a value out of its range, or something that cannot be changed now.
        """
        self._stream.change(**changes)
        if self._pipeline is not None:
            self._pipeline.muted = self._stream.options.muted

    def status(self) -> LiveStatus:
        """How it is going."""
        pipeline, loads = self._ready, list(self._loads)
        waiting_s = self._stream.delay_s
        return LiveStatus(
            seconds=self._seconds,
            block_ms=1000 * pipeline.block_s,
            algorithmic_ms=1000 * (pipeline.block_s + waiting_s),
            delay_ms=1000 * (pipeline.held_s + waiting_s + self._card.latency_s),
            load=sum(loads) / len(loads) if loads else 0.0,
            late_blocks=self._late_blocks,
            counts=pipeline.counts,
            heard=self._stream.heard,
            options=self._stream.options,
        )

    def _make(self) -> LiveStream:
        return LiveStream(
            self._converter,
            self._tracker,
            self._options,
            input_rate=self._card.input_rate,
            output_rate=self._card.output_rate,
        )

    @property
    def _ready(self) -> Pipeline:
        if self._pipeline is None:
            raise BadSetting("the session was not started")
        return self._pipeline

    def _work(self) -> None:
        try:
            while not self._stopping.is_set():
                self.step(wait_s=0.1)
        except Exception as problem:  # kept, and raised where the session is waited for
            self._problem = problem
            self.stop()

    def _capture(self, samples: Samples) -> None:
        """For a card that can wait: nothing is ever late."""
        self._ready.capture(samples)
        self._ready.wait_idle()

    def _watch(self, took_s: float, block_s: float) -> None:
        """Keep count, and take longer blocks if these are late too often."""
        self._seconds += block_s
        self._loads.append(took_s / block_s)
        self._late_blocks += took_s > block_s
        late = sum(load > 1 for load in self._loads)
        if self._options.block_ms != "auto" or self._card.waits or late < LATE_BLOCKS:
            return
        pipeline = self._ready
        longer_s = next_longer_s(pipeline.block_s, self._stream.longest_block_s)
        self._loads = deque([self._loads[-1]], maxlen=WATCHED)
        if longer_s is None:
            self._tell("blocks are late, and there are no longer ones: this machine is too slow for this voice now")
            return
        pipeline.block = self._stream.block_samples(longer_s)
        pipeline.reserve_s = self._reserve_s(took_s, pipeline.block_s)
        self._tell(f"{late} of {WATCHED} blocks were late: from now on {1000 * pipeline.block_s:.0f} ms at a time")

    def _reserve_s(self, longest_s: float, block_s: float) -> float:
        """How long after a block is complete it is played; a block that takes longer than itself is late anyway."""
        return min(SPARE * longest_s, block_s) + self._card.period_s + FADE_S

    def _say_block(self, found: Tuned, *, chosen: bool) -> None:
        how = "chosen for this machine" if chosen else "as you wished"
        self._tell(
            f"{1000 * found.block_s:.0f} ms at a time, {how}: converting them takes {1000 * found.usual_s:.0f} ms "
            f"({found.load:.0%} of the time)"
        )
        if found.load > 1:
            self._tell("that is more time than there is: it will drop out. A shorter context_ms costs less")
        elif found.load > FULL:
            self._tell("that leaves little time to spare: it may drop out when other programs run")
