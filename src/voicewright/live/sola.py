"""Blocks that were converted one by one, joined so that no seam is heard.

s search · x cross-fade · t samples
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from voicewright.audio.clip import Samples
from voicewright.errors import BadSetting

Wave = NDArray[np.float32] | NDArray[np.float64]
Fade = Literal["cosine", "linear"]
TINY = 1e-8  # keeps silence from dividing by nothing
MARGIN = 0.01  # of the best score: a wave that repeats itself fits nearly as well one period later
SILENT = 1e-10  # power: -100 dB of full scale
QUIET = 0.01  # of the power of what follows: the first trace of a fade says nothing about where a wave goes on


@dataclass(frozen=True, slots=True)
class Spans:
    """How much sound a block is converted with, all in samples.

    Args:
        context: heard before the block.
        look_ahead: heard after what is given out.
        crossfade: how long a block fades into the next, 1 or more.
        search: how far a block may be shifted to meet the one before.

    Raises:
        BadSetting: a negative length, or no cross-fade.
    """

    context: int
    look_ahead: int
    crossfade: int
    search: int

    def __post_init__(self) -> None:
        if min(self.context, self.look_ahead, self.search) < 0 or self.crossfade < 1:
            raise BadSetting(f"lengths cannot be negative and the cross-fade not nothing, got {self}")

    @property
    def history(self) -> int:
        """What is kept of the past: a window is this and the new block."""
        return self.context + self.search + self.crossfade + self.look_ahead

    @property
    def longest_delay(self) -> int:
        """From a sound's place in the blocks that go in to its place in those that come out, at most."""
        return self.search + self.crossfade + self.look_ahead


def fades(samples: int, shape: Fade = "cosine") -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(x,) falling and (x,) rising weights that add up to one.

    Args:
        shape: cosine: raised cosine, without corners. linear: both ends included, as so-vits-svc-fork has it.
    """
    if shape == "linear":
        return np.linspace(1.0, 0.0, samples), np.linspace(0.0, 1.0, samples)
    falling = 0.5 + 0.5 * np.cos(np.pi * (np.arange(samples) + 0.5) / max(1, samples))
    return falling, falling[::-1]


def seam_scores(tail: Wave, piece: Wave, search: int) -> Wave:
    """(s + 1,) how well `piece` from each of its first samples on goes on with what `tail` (x,) ends.

    SOLA (Roucos and Wilgus 1985): the correlation of both, over the root of the energy of the piece's part.
    """
    part = piece[: len(tail) + search]
    likeness = np.correlate(part, tail, mode="valid")
    energy = np.convolve(part**2, np.ones(len(tail)), mode="valid")
    scores: Wave = likeness / np.sqrt(energy + TINY)
    return scores


def best_shift(scores: Wave, preferred: int = 0, margin: float = 0.0) -> int:
    """Where the score is highest; the preferred place if no other is better by more than `margin` of the highest."""
    best = int(np.argmax(scores))
    return best if scores[best] * (1 - margin) > scores[preferred] else preferred


@dataclass(frozen=True, slots=True)
class Seam:
    """How two parts are joined.

    Args:
        fade: the shape of the cross-fade.
        centred: the second part is looked for on both sides of its place, and stays there unless another is clearly
            better, so that the delay does not wander. Otherwise it only comes earlier, as in so-vits-svc-fork.
    """

    fade: Fade = "cosine"
    centred: bool = True

    def place(self, search: int) -> int:
        """The shift at which a part is where it belongs."""
        return search // 2 if self.centred else 0

    def shift(self, tail: Wave, second: Wave, search: int) -> int:
        """By how much `second` is shifted to go on with `tail`."""
        place, scores = self.place(search), seam_scores(tail, second, search)
        if not self.centred:
            return best_shift(scores)
        part = second[: len(tail) + search]
        if np.mean(tail**2) < max(SILENT, QUIET * float(np.mean(part**2))):
            return place
        return best_shift(scores, place, MARGIN)

    def join(self, first: Wave, second: Wave, crossfade: int, search: int) -> Wave:
        """(a,), (b,) → (a + b - x - s,): `first`, whose last samples fade into the best place of `second`.

        What `second` was not shifted by is cut off its end, so that the length is always the same.

        Raises:
            BadSetting: there is nothing to fade over, or the parts are shorter than what they overlap by.
        """
        if crossfade < 1 or len(first) < crossfade or len(second) < crossfade + search:
            raise BadSetting(
                f"parts of {len(first)} and {len(second)} samples cannot be joined over {crossfade} samples with "
                f"{search} to search"
            )
        tail = first[len(first) - crossfade :]
        shift = self.shift(tail, second, search)
        second = second[shift : shift + len(second) - search]
        falling, rising = fades(crossfade, self.fade)
        seam = tail * falling + second[:crossfade] * rising
        return np.concatenate([first[: len(first) - crossfade], seam, second[crossfade:]])


class Crossfader:
    """Turns blocks into blocks: each is converted with sound around it, and joined to the one before.

    A block may be of another length than the one before. The first one rises from silence.

    Args:
        spans: the lengths in samples of what comes out.
        history: what is kept of the past, in samples of what goes in, when that has another rate.
        seam: how the blocks are joined.
    """

    def __init__(self, spans: Spans, *, history: int | None = None, seam: Seam | None = None) -> None:
        self.spans, self.seam = spans, seam or Seam()
        self.history: Samples = np.zeros(spans.history if history is None else history, np.float32)
        """The sound before the next block."""
        self.tail: Wave = np.zeros(spans.crossfade, np.float32)
        """What the next block fades out."""

    @property
    def delay(self) -> int:
        """Samples by which what comes out is later than what goes in, every block in its place."""
        return self.spans.longest_delay - self.seam.place(self.spans.search)

    def process(self, block: Samples, count: int, convert: Callable[[Samples], Wave]) -> Wave:
        """(t,) → (count,): the converted sound of `delay` samples ago.

        Args:
            count: the block's length in samples of what comes out.
            convert: (history + t,) → (spans.history + count,): a window of sound, every sound in its place.

        Raises:
            BadSetting: `convert` gave another length.
        """
        window: Samples = np.concatenate([self.history, block])
        converted, spans = convert(window), self.spans
        if len(converted) != spans.history + count:
            raise BadSetting(f"a window came back with {len(converted)} samples, not {spans.history + count}")
        self.history = window[len(window) - len(self.history) :]
        end = len(converted) - spans.look_ahead
        due = converted[end - spans.search - spans.crossfade - count : end]
        joined = self.seam.join(self.tail, due, spans.crossfade, spans.search)
        self.tail = joined[count:]
        return joined[:count]
