"""When each word of a known text is said, and whether it is said at all.

f frames of 20 ms · s states, the phones of the text in order with a gap between words · c phone classes
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from voicewright.audio.activity import Span
from voicewright.audio.clip import Clip
from voicewright.audio.edit import resample
from voicewright.errors import BadClip, BadSetting
from voicewright.text.pronunciation import Pronouncer

if TYPE_CHECKING:
    from voicewright.nn.phones import PhoneNetwork

Scores: TypeAlias = NDArray[np.float32]

STRETCH_S, MARGIN_S = 60.0, 1.0
"""Longer clips are heard in stretches of this, with sound on both sides, so that memory stays bounded."""
FRAME_S = 0.02
WORST = -8.0
"""Log-probability below which a frame counts no less: one slurred sound must not bend the whole path."""
FILLER = 3.0
"""How much worse than its best phone a frame may be for a word before the path rather calls it no part of the text. A
long word that the text lacks is told in 92 % of real recordings, and something extra in 6 % of right ones; at 2.3, in
96 % and 12 %."""
VARIANT = 0.7
"""What a phone loses in log-probability when it sounds as in another accent: with it, 93 % of replaced or added words
scored below all but 2 % of the right ones in 140 real recordings; without, 90 %."""
TRUST = 0.5
"""Power of the network's probabilities in a score: it is surer of strangers' phones than it is right about them. With
it, the same 93 %; without, 89 %."""
EXPECTED, EXPECTED_PHONES, LEAST = 0.6, 2, 0.02
"""A word's score begins as if two of its phones had been heard so well: one bad phone of "a" says less than five of
"telephone". And no phone weighs more than one of `LEAST`."""
LEAST_EXTRA_S = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class AlignedWord:
    """A word of the text as it was written, when it is said (seconds from the start of the clip), and `score`.

    `score` is 0 to 1: the geometric mean over its phones of how likely each is against the likeliest sound in its
    place. In real recordings words that are there have 0.75 in the median and 0.4 or more in 19 of 20, words that are
    not 0.18; below 0.4 a word is in doubt.
    A token without sounds (a dash) has no length and scores 1.
    """

    text: str
    start_s: float
    end_s: float
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Alignment:
    """A text laid along a clip.

    `score` is the mean over the words, weighted by their phones. Of 290 real recordings the right text had 0.48 or more
    (19 of 20: 0.6), another text of the same length 0.49 or less (19 of 20: 0.4). `extra` are the stretches of speech
    that no word of the text accounts for.
    """

    words: tuple[AlignedWord, ...]
    score: float
    extra: tuple[Span, ...] = ()

    @property
    def extra_s(self) -> float:
        """Seconds of speech beside the text."""
        return sum(span.seconds for span in self.extra)


@dataclass(frozen=True, slots=True, eq=False)
class Emissions:
    """What the network hears in a clip: `log_probabilities` (f, c), row i centred at i · FRAME_S."""

    log_probabilities: Scores
    seconds: float


class PhoneAligner:
    """Lays texts along clips with the project's own phone network. Loaded on first use.

    Args:
        weights: `phones.safetensors`.
        language: "en-us" or "en-gb".

    Raises:
        BadSetting: another language; use a recogniser's word times there.
        MissingWeights, BadWeights: on first use.
    """

    def __init__(self, weights: Path, language: str = "en-us") -> None:
        self._weights = weights
        self._pronouncer = Pronouncer(language)

    def align(self, clip: Clip, words: Sequence[str], *, within: Span | None = None) -> Alignment:
        """When each of `words` is said: the tokens of a text as written, in order, with their punctuation.

        Clips of up to some minutes; `within` looks only there. Raises BadClip: too short for the phones of the text.
        """
        return self.lay(self.emissions(clip), words, within=within)

    def emissions(self, clip: Clip) -> Emissions:
        """What is heard in a clip of any rate, to lay several texts along it by `lay`."""
        import torch

        heard = resample(clip, self._network.config.rate)
        rate, rows = heard.rate, []
        frame = round(FRAME_S * rate)
        count = -(-(len(heard) + 1) // frame)
        stretch, margin = round(STRETCH_S / FRAME_S), round(MARGIN_S / FRAME_S)
        with torch.inference_mode():
            for start in range(0, count, stretch):
                first, last = max(0, start - margin), min(count, start + stretch + margin)
                wave = torch.from_numpy(np.array(heard.samples[first * frame : last * frame]))
                row = self._network.hear(torch.nn.functional.pad(wave, (0, (last - first) * frame - len(wave)))[None])
                rows.append(row[0, start - first : min(count, start + stretch) - first].numpy())
        return Emissions(np.concatenate(rows), clip.seconds)

    def lay(self, heard: Emissions, words: Sequence[str], *, within: Span | None = None) -> Alignment:
        """As `align`, from what `emissions` heard."""
        first, last = _frames_of(within, heard)
        log_probabilities = heard.log_probabilities[first:last]
        path = _Path.through(self._pronouncer(words))
        if len(log_probabilities) < path.phones:
            raise BadClip(
                f"{len(log_probabilities) * FRAME_S:.2f} s are too short for the {path.phones} phones of "
                f"{' '.join(words)[:60]!r}; check that the text belongs to the clip"
            )
        states = _best_states(path, log_probabilities)
        times = _Times(first, min(heard.seconds, last * FRAME_S))
        aligned = _aligned(words, path, states, _sureness(path, states, log_probabilities), times)
        weights = [max(1, count) for count in path.lengths] if any(path.lengths) else [1] * len(words)
        score = float(np.average([word.score for word in aligned], weights=weights)) if words else 1.0
        return Alignment(words=aligned, score=score, extra=_extra(path, states, log_probabilities, times))

    @cached_property
    def _network(self) -> "PhoneNetwork":
        from voicewright.nn.phones import load_phones

        return load_phones(self._weights)


@dataclass(frozen=True, slots=True, eq=False)
class _Path:
    """The states to pass: a gap, the phones of a word, a gap, …, a gap.

    `classes` (s,) with -1 for a gap, `owners` (s,) the word of each state; `lengths` the phones of each word.
    """

    classes: NDArray[np.int64]
    owners: NDArray[np.int64]
    lengths: tuple[int, ...]

    @property
    def phones(self) -> int:
        return sum(self.lengths)

    @classmethod
    def through(cls, phonemes: Sequence[str]) -> "_Path":
        from voicewright.nn.phones import phone_classes

        words = [phone_classes(word) for word in phonemes]
        classes, owners = [-1], [-1]
        for index, word in enumerate(words):
            if word:
                classes += [*word, -1]
                owners += [index] * len(word) + [-1]
        return cls(np.array(classes), np.array(owners), tuple(map(len, words)))


@dataclass(frozen=True, slots=True)
class _Times:
    """Frames of a stretch in seconds of the clip: frame i of the stretch lasts half a frame to either side."""

    first: int
    end_s: float

    def span(self, start: int, stop: int) -> tuple[float, float]:
        """Of the frames `start` up to `stop`."""
        start_s, end_s = ((self.first + edge - 0.5) * FRAME_S for edge in (start, stop))
        return max(0.0, min(start_s, self.end_s)), max(0.0, min(end_s, self.end_s))


def _frames_of(within: Span | None, heard: Emissions) -> tuple[int, int]:
    count = len(heard.log_probabilities)
    if within is None:
        return 0, count
    if not 0 <= within.start_s < min(within.end_s, heard.seconds):
        raise BadSetting(
            f"cannot look within {within.start_s:g} … {within.end_s:g} s of a clip of {heard.seconds:g} s; "
            "give a start before the end"
        )
    return min(count, round(within.start_s / FRAME_S)), min(count, round(within.end_s / FRAME_S) + 1)


def _likelihoods(log_probabilities: Scores) -> Scores:
    """(f, c + 1): of phones, and in the last column, which is class -1, of a gap: silence, or any sound at a price."""
    from voicewright.nn.phones import SILENCE

    gap = np.maximum(log_probabilities[:, SILENCE], log_probabilities.max(1) - FILLER)
    likelihoods: Scores = np.maximum(np.column_stack([_tolerant(log_probabilities), gap]), WORST)
    return likelihoods


def _tolerant(log_probabilities: Scores) -> Scores:
    """(f, c) in which a phone may sound as in another accent."""
    from voicewright.nn.phones import variants

    result = log_probabilities.copy()
    for phone, other in variants():
        np.maximum(result[:, phone], log_probabilities[:, other] - VARIANT, out=result[:, phone])
    return result


def _sureness(path: _Path, states: NDArray[np.int64], log_probabilities: Scores) -> Scores:
    """(f,) how likely the phone on the path is against the likeliest class, 0 to 1; of no meaning in gaps."""
    chosen = _tolerant(log_probabilities)[np.arange(len(states)), np.maximum(path.classes[states], 0)]
    sureness: Scores = np.exp(TRUST * (chosen - log_probabilities.max(1)))
    return sureness


def _best_states(path: _Path, log_probabilities: Scores) -> NDArray[np.int64]:
    """(f,) the likeliest way from the first gap or word to the last (Viterbi): stay, go on, or leave a gap out."""
    likelihoods = _likelihoods(log_probabilities)
    count, states = len(likelihoods), len(path.classes)
    no_gap_before = np.ones(states, bool)
    no_gap_before[2:] = path.classes[1:-1] >= 0
    steps = np.zeros((count, states), np.uint8)
    ways = np.full((3, states), -np.inf, np.float32)
    best = ways[0].copy()
    best[:2] = likelihoods[0, path.classes[:2]]
    for frame in range(1, count):
        ways[0], ways[1, 1:], ways[2, 2:] = best, best[:-1], best[:-2]
        ways[2, no_gap_before] = -np.inf
        steps[frame] = ways.argmax(0)
        best = ways.max(0) + likelihoods[frame, path.classes]
    state = states - 1 if states < 2 or best[-1] >= best[-2] else states - 2
    result = np.empty(count, np.int64)
    for frame in range(count - 1, -1, -1):
        result[frame] = state
        state -= int(steps[frame, state])
    return result


def _aligned(
    words: Sequence[str], path: _Path, states: NDArray[np.int64], sureness: Scores, times: _Times
) -> tuple[AlignedWord, ...]:
    """Each word from the first of its frames to its last."""
    owners = path.owners[states]
    result: list[AlignedWord] = []
    end_s = times.span(0, 0)[0]
    for index, word in enumerate(words):
        frames = np.flatnonzero(owners == index)
        start_s, score = end_s, 1.0
        if len(frames):
            start_s, end_s = times.span(int(frames[0]), int(frames[-1]) + 1)
            _, phone = np.unique(states[frames], return_inverse=True)
            score = _word_score(np.bincount(phone, sureness[frames]) / np.bincount(phone))
        result.append(AlignedWord(text=word, start_s=start_s, end_s=end_s, score=score))
    return tuple(result)


def _word_score(phones: NDArray[np.float64]) -> float:
    heard = np.log(np.clip(phones, LEAST, 1.0)).sum() + EXPECTED_PHONES * np.log(EXPECTED)
    return float(np.exp(heard / (len(phones) + EXPECTED_PHONES)))


def _extra(path: _Path, states: NDArray[np.int64], log_probabilities: Scores, times: _Times) -> tuple[Span, ...]:
    """Stretches of gaps in which the network hears phones."""
    from voicewright.nn.phones import SILENCE

    speech = (path.classes[states] < 0) & (log_probabilities[:, SILENCE] < np.log(0.5))
    edges = np.flatnonzero(np.diff(np.concatenate([[False], speech, [False]]).astype(np.int8)))
    spans = (Span(*times.span(int(start), int(stop))) for start, stop in edges.reshape(-1, 2))
    return tuple(span for span in spans if span.seconds >= LEAST_EXTRA_S)
