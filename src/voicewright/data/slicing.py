"""`slices`: a recording cut into clips at real pauses, the best way there is."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from voicewright.audio.activity import Span
from voicewright.data.options import SliceOptions
from voicewright.data.pauses import Levels, Pause, Piece, Timeline, pieces_and_pauses
from voicewright.data.turns import Turn
from voicewright.data.utterance import TimedWord
from voicewright.engines.clips import ClipLimits

Number = TypeVar("Number", np.int64, np.float64)

SPREAD = 0.45
"""Of the wanted lengths: their logarithms are normal about the likely one; 5 in 8 lie within -36 % and +57 %."""
PAUSE_S = 0.25
"""The cost of cutting at a pause falls to 1/e over this much of it."""
SHORT_PAUSE_COST = 1.0
SENTENCE_COST, CLAUSE_COST, WORD_COST = -0.6, -0.2, 0.4
"""Of a cut after a word that ends a sentence, a clause, neither. With those of the pauses they come to about nothing in
fluent speech: if every cut had its price, clips would grow longer than wanted."""
UNHEARD_COST = 2.0
"""Of each second of speech without words in a clip with words: its text does not say all that is in it."""
SENTENCE_ENDS, CLAUSE_ENDS = (".", "?", "!", "…", "。", "？", "！"), (",", ";", ":", "–", "—", "-", "、", "，", "；")
CLOSING = "\"'”’»)]}」』"


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """A clip to be, in seconds of the recording."""

    start_s: float
    end_s: float
    words: tuple[TimedWord, ...]
    """Their times are the recording's; the first and last are clipped to the slice."""
    speaker: str
    overlap: float
    """Share of it in which somebody else has a turn, 0 to 1."""

    @property
    def seconds(self) -> float:
        return self.end_s - self.start_s


def slices(
    speech: Sequence[Span],
    words: Sequence[TimedWord],
    turns: Sequence[Turn],
    *,
    seconds: float,
    options: SliceOptions,
    limits: ClipLimits,
    levels: Levels | None = None,
) -> list[Slice]:
    """The clips of a recording: in order, apart from each other, every word in exactly one of them.

    A cut is made only in a pause that both the words and the speech activity show. A change of speaker and a pause
    longer than `options.longest_pause_s` are always cut. Among all other ways to cut, this is the one that loses the
    least speech to clips outside the limits, and then the one with the lowest sum of costs: for lengths far from the
    likely one, for short pauses, and for cuts inside sentences (dynamic programming). What cannot be made to fit is
    returned as it is: a rule tells why it is not used.

    Args:
        speech: where the activity detector hears speech; () leaves it to the words.
        words: what was said when; () when nobody knows: then pauses in the speech decide.
        turns: who speaks when; () if it is one speaker, who is then called "".
        seconds: the recording's length.
        levels: given, speech without words that is too long is cut where it is quietest: for singing, where there may
            be no pauses. For speech leave it None.

    Raises:
        BadSetting: the options contradict the engine's limits.
    """
    shortest_s, likely_s, longest_s = options.within(limits)
    pieces, pauses = pieces_and_pauses(
        speech,
        words,
        turns,
        seconds=seconds,
        longest_pause_s=options.longest_pause_s,
        quiet=None if levels is None else (levels, longest_s),
    )
    table = table_of(pieces, pauses, options=options, texts=bool(words) and limits.text)
    wanted = Wanted(shortest_s=shortest_s, likely_s=likely_s, longest_s=longest_s, longest_text=limits.longest_text)
    timeline = Timeline(turns)
    return [_slice(pieces[i:j], table, i, j, timeline) for i, j in best_cuts(table, wanted)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Lengths that clips may have (s, characters; 0: any number), and the one they should have."""

    shortest_s: float
    likely_s: float
    longest_s: float
    longest_text: int = 0

    def length_cost(self, seconds: NDArray[np.float64]) -> NDArray[np.float64]:
        """0 for the likely length; how much less likely others are wanted (negative logarithm)."""
        cost: NDArray[np.float64] = 0.5 * (np.log(np.maximum(seconds, 1e-3) / self.likely_s) / SPREAD) ** 2
        return cost


@dataclass(frozen=True, slots=True)
class Table:
    """What the search needs to know of n pieces, as arrays; sums have n + 1 entries and begin with 0."""

    starts: NDArray[np.float64]
    """Where a clip begins that begins with this piece."""
    ends: NDArray[np.float64]
    cut: NDArray[np.float64]
    """What a cut before this piece costs."""
    must: NDArray[np.bool_]
    """Whether a clip has to begin with this piece."""
    speech_ms: NDArray[np.int64]
    unheard_s: NDArray[np.float64]
    """Seconds without words; all 0 if there are no texts."""
    words: NDArray[np.int64]
    characters: NDArray[np.int64]
    texts: bool
    """Whether clips without words are of no use."""

    def scores(self, first: int, last: int, end: int, wanted: Wanted) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """For each first piece in [first, last): speech lost (ms) and cost of a clip from there up to piece `end`."""
        begin = slice(first, last)
        seconds = self.ends[end - 1] - self.starts[begin]
        speech = self.speech_ms[end] - self.speech_ms[begin]
        wrong = (seconds < wanted.shortest_s) | (seconds > wanted.longest_s)
        if wanted.longest_text:
            wrong |= self.characters[end] - self.characters[begin] - 1 > wanted.longest_text
        cost = wanted.length_cost(seconds) + UNHEARD_COST * (self.unheard_s[end] - self.unheard_s[begin])
        if self.texts:
            mute = self.words[end] == self.words[begin]
            wrong, cost = wrong & ~mute, np.where(mute, 0.0, cost)
        return np.where(wrong, speech, 0), cost + self.cut[begin]


def table_of(pieces: Sequence[Piece], pauses: Sequence[Pause], *, options: SliceOptions, texts: bool) -> Table:
    """Arrays for the search. Edges take `lead_s` and `tail_s`, at most half of the pause."""
    halves = [(pause.end_s - pause.start_s) / 2 for pause in pauses]
    lengths = [piece.end_s - piece.start_s for piece in pieces]
    unheard = [0.0 if piece.words or not texts else length for piece, length in zip(pieces, lengths, strict=True)]
    return Table(
        starts=np.array([p.end_s - min(options.lead_s, half) for p, half in zip(pauses[:-1], halves, strict=False)]),
        ends=np.array([p.start_s + min(options.tail_s, half) for p, half in zip(pauses[1:], halves[1:], strict=True)]),
        cut=np.array([0.0, *(cut_cost(b, p) for b, p in zip(pieces, pauses[1:-1], strict=False))][: len(pieces)]),
        must=np.array([pause.must for pause in pauses[:-1]], bool),
        speech_ms=_sums(np.array([round(1000 * length) for length in lengths], np.int64)),
        unheard_s=_sums(np.array(unheard, np.float64)),
        words=_sums(np.array([len(piece.words) for piece in pieces], np.int64)),
        characters=_sums(np.array([sum(len(w.text) + 1 for w in piece.words) for piece in pieces], np.int64)),
        texts=texts,
    )


def cut_cost(before: Piece, pause: Pause) -> float:
    """What it costs to cut at a pause after a piece; below 0 at a long pause after a sentence."""
    if pause.must:
        return 0.0
    if pause.forced:
        return pause.forced
    cost = SHORT_PAUSE_COST * float(np.exp(-pause.seconds / PAUSE_S))
    if not before.words:
        return cost + CLAUSE_COST
    ending = before.words[-1].text.rstrip(CLOSING)
    if ending.endswith(SENTENCE_ENDS):
        return cost + SENTENCE_COST
    return cost + (CLAUSE_COST if ending.endswith(CLAUSE_ENDS) else WORD_COST)


def best_cuts(table: Table, wanted: Wanted) -> list[tuple[int, int]]:
    """The clips as [first, last) of the pieces: least speech lost, then least cost."""
    count = len(table.starts)
    lost, cost = np.zeros(count + 1, np.int64), np.zeros(count + 1, np.float64)
    back = np.zeros(count + 1, np.int64)
    begin = 0
    for end in range(1, count + 1):
        if table.must[end - 1]:
            begin = end - 1
        # No clip of several pieces is too long: cut apart, the same speech is lost at most.
        fits = int(np.searchsorted(table.starts, table.ends[end - 1] - wanted.longest_s))
        if wanted.longest_text:
            fits = max(fits, int(np.searchsorted(table.characters, table.characters[end] - 1 - wanted.longest_text)))
        first = min(max(begin, fits), end - 1)
        clip_lost, clip_cost = table.scores(first, end, end, wanted)
        total = lost[first:end] + clip_lost
        costs = np.where(total == total.min(), cost[first:end] + clip_cost, np.inf)
        best = int(costs.argmin())
        lost[end], cost[end], back[end] = total[best], costs[best], first + best
    found: list[tuple[int, int]] = []
    end = count
    while end:
        found.append((int(back[end]), end))
        end = int(back[end])
    return found[::-1]


def _sums(values: NDArray[Number]) -> NDArray[Number]:
    """n values → the n + 1 sums of those before each place."""
    return np.concatenate([np.zeros(1, values.dtype), np.cumsum(values, dtype=values.dtype)])


def _slice(pieces: Sequence[Piece], table: Table, first: int, end: int, timeline: Timeline) -> Slice:
    start_s, end_s = float(table.starts[first]), float(table.ends[end - 1])
    speaker = pieces[0].speaker
    words = tuple(_clipped(word, start_s, end_s) for piece in pieces for word in piece.words)
    overlap = timeline.others(start_s, end_s, speaker)
    return Slice(start_s=start_s, end_s=end_s, words=words, speaker=speaker, overlap=overlap)


def _clipped(word: TimedWord, start_s: float, end_s: float) -> TimedWord:
    inside = [min(max(t, start_s), end_s) for t in (word.start_s, word.end_s)]
    return word if inside == [word.start_s, word.end_s] else replace(word, start_s=inside[0], end_s=inside[1])
