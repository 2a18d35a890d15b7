"""Phrase after phrase, as so-vits-svc-fork does it ("divide by speech"), kept for comparisons with it.

`stream.LiveStream` is ours: its delay is always the same, and what is said is heard before the phrase has ended.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from voicewright.audio.clip import Samples
from voicewright.conversion.slicers import fork_slices, fork_window


@dataclass(slots=True)
class _Queued:
    is_speech: bool
    samples: Samples


class BySpeech:
    """Blocks to blocks: a phrase is converted when the pause after it has begun, and pauses are shortened to catch up.

    Args:
        rate: samples per second.
        threshold_db: what is quieter is a pause, in dB of full scale.
        window_s: the longest window in which levels are measured.
    """

    def __init__(self, rate: int, *, threshold_db: float = -40.0, window_s: float = 0.5) -> None:
        self._threshold_db = threshold_db
        self._hop = fork_window(rate, window_s)
        self.unfinished: Samples = np.zeros(0, np.float32)
        """A phrase whose end was not heard yet."""
        self._queue: deque[_Queued] = deque()

    def process(self, block: Samples, convert: Callable[[Samples], Samples]) -> Samples:
        """(t,) → (t,): what is next of the phrases that are finished, silence where there is nothing."""
        self._hear(np.concatenate([self.unfinished, block]), convert)
        speech, pauses = (sum(len(q.samples) for q in self._queue if q.is_speech == kind) for kind in (True, False))
        room = max(0, len(block) - speech)
        squeeze = pauses / room if room else np.inf
        out: Samples = np.zeros(len(block), np.float32)
        done = 0
        while self._queue:
            first = self._queue[0]
            rate = 1.0 if first.is_speech else squeeze
            used = int(min(len(first.samples), (len(block) - done) * rate if done < len(block) else 0.0))
            filled = int(min(len(first.samples) / rate, len(block) - done)) if rate else len(block) - done
            if first.is_speech:
                out[done : done + used] = first.samples[:used]
                filled = used
            done += filled
            if used < len(first.samples):
                first.samples = first.samples[used:]
                break
            self._queue.popleft()
        return out

    def _hear(self, heard: Samples, convert: Callable[[Samples], Samples]) -> None:
        slices = list(
            fork_slices(
                heard, top_db=-self._threshold_db, relative=False, window=2 * self._hop, hop=self._hop, longest=0
            )
        )
        self.unfinished = np.zeros(0, np.float32)
        if slices and slices[-1][0]:
            _, first, last = slices.pop()
            self.unfinished = heard[first:last]
        for is_speech, first, last in slices:
            part = heard[first:last]
            self._queue.append(_Queued(is_speech, convert(part) if is_speech else part))
