"""`Piece` and `Pause`: a recording as what must stay together and the places where it may be cut."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise

import numpy as np
from numpy.typing import NDArray

from voicewright.audio.activity import Span
from voicewright.data.turns import Turn
from voicewright.data.utterance import TimedWord

SHORTEST_PAUSE_S = 0.06
"""Silence between spans of speech; the spans are padded, so that the pause itself lasts some 0.12 s: more than the
closure of a stop consonant."""
SLACK_S = 0.2
"""Recognisers are up to this wrong about where a word begins and ends."""
REACH_S = 0.5
"""Speech this near to a word belongs to it: an end drawn out, a breath."""
SHORTEST_STRETCH_S = 0.1
"""Speech without words shorter than this is part of what is beside it."""
QUIET_APART_S = 0.5
"""Distance between the quiet places that are offered where there are no pauses."""


@dataclass(frozen=True, slots=True)
class Levels:
    """(f,) how loud a recording is (dB), one value for every `hop_s` seconds."""

    hop_s: float
    db: NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Speech that cannot be cut: words with no pause between them, or speech in which nobody heard words."""

    start_s: float
    end_s: float
    words: tuple[TimedWord, ...]
    speaker: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """Silence between two pieces."""

    start_s: float
    end_s: float
    seconds: float
    """How long the silence is; longer than from start to end where the words' times reach into it."""
    must: bool = False
    """The recording is cut here in any case."""
    forced: float = 0.0
    """Above 0: no pause at all, only the quietest place around; the cost of cutting there."""


class Timeline:
    """Intervals in order of their beginning, to be asked which of them touch a stretch."""

    def __init__(self, turns: Sequence[Turn]) -> None:
        self._turns = sorted(turns, key=lambda turn: (turn.start_s, turn.end_s))
        self._starts = [turn.start_s for turn in self._turns]
        self._reach = list(accumulate((turn.end_s for turn in self._turns), max))

    def touching(self, start_s: float, end_s: float) -> Iterator[Turn]:
        """Those that share some time with the stretch."""
        first = bisect_right(self._reach, start_s)
        for turn in self._turns[first : bisect_left(self._starts, end_s)]:
            if turn.end_s > start_s:
                yield turn

    def nearest(self, at_s: float) -> Turn:
        """The one whose edge is nearest."""
        here = bisect_left(self._starts, at_s)
        before = bisect_left(self._reach, self._reach[here - 1]) if here else 0
        return min(
            (self._turns[i] for i in {before, min(here, len(self._turns) - 1)}),
            key=lambda turn: (max(turn.start_s - at_s, at_s - turn.end_s), turn.start_s),
        )

    def speaker(self, start_s: float, end_s: float) -> str:
        """Who speaks most of the stretch; the nearest if nobody does; "" if there are no turns."""
        if not self._turns:
            return ""
        shares: dict[str, float] = {}
        for turn in self.touching(start_s, end_s):
            shares[turn.speaker] = shares.get(turn.speaker, 0.0) + min(turn.end_s, end_s) - max(turn.start_s, start_s)
        if not shares:
            return self.nearest((start_s + end_s) / 2).speaker
        return max(shares, key=lambda name: shares[name])

    def others(self, start_s: float, end_s: float, speaker: str) -> float:
        """Share of the stretch in which somebody else speaks, 0 to 1."""
        inside = [
            Span(max(turn.start_s, start_s), min(turn.end_s, end_s))
            for turn in self.touching(start_s, end_s)
            if turn.speaker != speaker
        ]
        return sum(span.seconds for span in united(inside)) / (end_s - start_s) if end_s > start_s else 0.0


def united(spans: Sequence[Span]) -> list[Span]:
    """The same time without overlaps, in order; empty spans are left out."""
    found: list[Span] = []
    for span in sorted(spans, key=lambda each: (each.start_s, each.end_s)):
        if found and span.start_s <= found[-1].end_s:
            found[-1] = Span(found[-1].start_s, max(found[-1].end_s, span.end_s))
        elif span.seconds > 0:
            found.append(span)
    return found


def pieces_and_pauses(
    speech: Sequence[Span],
    words: Sequence[TimedWord],
    turns: Sequence[Turn],
    *,
    seconds: float,
    longest_pause_s: float,
    quiet: tuple[Levels, float] | None = None,
) -> tuple[list[Piece], list[Pause]]:
    """What must stay together, and what lies between.

    Args:
        speech: where the activity detector hears speech; () if nobody asked it: then the words alone decide.
        words: in any order; those that overlap are made to touch.
        seconds: the recording's length.
        longest_pause_s: a longer pause is a cut in any case; so is a change of speaker, pause or not.
        quiet: levels, and a length (s): speech without words that is longer may be cut where it is quietest.

    Returns:
        n pieces in order and n + 1 pauses: before the first, between each two, after the last.
    """
    speech, timeline = united(speech), Timeline(turns)
    atoms = _atoms(speech, words, timeline)
    if not atoms:
        return [], []
    silences = _silences(speech, seconds)
    pieces: list[Piece] = []
    first = max(0.0, min([atoms[0].start_s, *(span.start_s for span in speech[:1])]))
    last = min(seconds, max([atoms[-1].end_s, *(span.end_s for span in speech[-1:])]))
    # Half of a pause is the most that an edge takes. Before the first piece it may take all: the mirrored half is free.
    pauses = [Pause(start_s=-first, end_s=first, seconds=2 * first, must=True)]
    held = atoms[0]
    for after in atoms[1:]:
        pause = _pause(held, after, silences, longest_pause_s)
        if pause is None:
            held = replace(held, end_s=after.end_s, words=held.words + after.words)
            continue
        pieces.append(held)
        pauses.append(pause)
        held = after
    pieces.append(held)
    pauses.append(Pause(start_s=last, end_s=2 * seconds - last, seconds=2 * (seconds - last), must=True))
    return _quieter(pieces, pauses, *quiet) if quiet else (pieces, pauses)


def _atoms(speech: Sequence[Span], words: Sequence[TimedWord], timeline: Timeline) -> list[Piece]:
    """Every word, and every stretch of speech of one speaker without words, in order and apart from each other."""
    spoken = _apart(words)
    atoms = [
        Piece(start_s=start, end_s=end, words=(word,), speaker=timeline.speaker(start, end))
        for word, start, end in spoken
    ]
    taken = united([Span(start - REACH_S, end + REACH_S) for _, start, end in spoken])
    for span in speech:
        for free in _without(span, taken):
            if not words or free.seconds >= SHORTEST_STRETCH_S:
                atoms.extend(_by_speaker(free, timeline))
    return sorted(atoms, key=lambda atom: (atom.start_s, atom.end_s))


def _apart(words: Sequence[TimedWord]) -> list[tuple[TimedWord, float, float]]:
    """Words in order with times (start, end) that do not overlap: two that do meet in the middle."""
    found: list[tuple[TimedWord, float, float]] = []
    for word in sorted(words, key=lambda each: (each.start_s, each.end_s)):
        start, end = max(0.0, word.start_s), word.end_s
        if found and start < found[-1][2]:
            before, before_start, before_end = found[-1]
            start = (start + before_end) / 2
            found[-1] = (before, before_start, start)
        found.append((word, start, max(start, end)))
    return found


def _without(span: Span, taken: Sequence[Span]) -> list[Span]:
    """The parts of a span that none of the others (apart, in order) takes."""
    first = bisect_right(taken, span.start_s, key=lambda each: each.end_s)
    last = bisect_left(taken, span.end_s, key=lambda each: each.start_s)
    inside = taken[first:last]
    edges = [span.start_s, *(t for each in inside for t in (each.start_s, each.end_s)), span.end_s]
    return [Span(start, end) for start, end in zip(edges[::2], edges[1::2], strict=True) if end > start]


def _by_speaker(span: Span, timeline: Timeline) -> list[Piece]:
    """The stretch cut where the speaker changes. Where several speak at once, who began goes on."""
    turns = list(timeline.touching(span.start_s, span.end_s))
    inside = {t for turn in turns for t in (turn.start_s, turn.end_s) if span.start_s < t < span.end_s}
    pieces: list[Piece] = []
    for start, end in pairwise(sorted({span.start_s, span.end_s} | inside)):
        now = [turn.speaker for turn in turns if turn.start_s < end and turn.end_s > start]
        before = pieces[-1].speaker if pieces else None
        speaker = before if before is not None and (not now or before in now) else timeline.speaker(start, end)
        if pieces and speaker == before:
            pieces[-1] = replace(pieces[-1], end_s=end)
        else:
            pieces.append(Piece(start_s=start, end_s=end, words=(), speaker=speaker))
    return pieces


def _silences(speech: Sequence[Span], seconds: float) -> list[Span]:
    edges = [0.0, *(t for span in speech for t in (span.start_s, span.end_s)), seconds]
    return [Span(start, end) for start, end in zip(edges[::2], edges[1::2], strict=True) if end > start]


def _pause(left: Piece, right: Piece, silences: Sequence[Span], longest_pause_s: float) -> Pause | None:
    """The silence between two neighbours; None if they must stay together.

    Words and activity must both say so. A silence that lies a little inside a word (`SLACK_S`) counts, because the
    activity knows better than the recogniser where a word ends; the edges keep out of words where there is room.
    """
    start, end = left.end_s, right.start_s
    early, late = start - _slack(left, -1), end + _slack(right, 0)
    first = bisect_right(silences, early, key=lambda each: each.end_s)
    last = bisect_left(silences, late, key=lambda each: each.start_s)
    found = [Span(max(s.start_s, early), min(s.end_s, late)) for s in silences[first:last]]
    widest = max(found, key=lambda span: span.seconds, default=Span(0.0, 0.0))
    changes = left.speaker != right.speaker
    if widest.seconds < SHORTEST_PAUSE_S:
        middle = (start + end) / 2
        return Pause(start_s=middle, end_s=middle, seconds=0.0, must=True) if changes else None
    must = changes or widest.seconds > longest_pause_s
    inner = Span(max(widest.start_s, start), min(widest.end_s, end))
    kept = inner if inner.seconds >= SHORTEST_PAUSE_S else widest
    return Pause(start_s=kept.start_s, end_s=kept.end_s, seconds=widest.seconds, must=must)


def _slack(piece: Piece, which: int) -> float:
    """How far a silence may reach into the piece's last (-1) or first (0) word: never past its middle."""
    if not piece.words:
        return 0.0
    word = piece.words[which]
    return max(0.0, min(SLACK_S, (word.end_s - word.start_s) / 2, (piece.end_s - piece.start_s) / 2))


def _quieter(
    pieces: Sequence[Piece], pauses: Sequence[Pause], levels: Levels, longest_s: float
) -> tuple[list[Piece], list[Pause]]:
    """The same, with places offered for cuts in speech without words or pauses that is longer than `longest_s`."""
    parts: list[Piece] = []
    between = [pauses[0]]
    for piece, pause in zip(pieces, pauses[1:], strict=True):
        start = piece.start_s
        if not piece.words and piece.end_s - start > longest_s:
            for at_s, cost in _quiet_places(levels, start, piece.end_s):
                parts.append(replace(piece, start_s=start, end_s=at_s))
                between.append(Pause(start_s=at_s, end_s=at_s, seconds=0.0, forced=cost))
                start = at_s
        parts.append(replace(piece, start_s=start))
        between.append(pause)
    return parts, between


def _quiet_places(levels: Levels, start_s: float, end_s: float) -> list[tuple[float, float]]:
    """The quietest place of every `QUIET_APART_S` (s), and what a cut there costs: 2 and more, 1 for every 6 dB."""
    first, last = (round(t / levels.hop_s) for t in (start_s, end_s))
    step = max(1, round(QUIET_APART_S / levels.hop_s))
    lowest = float(levels.db[first:last].min(initial=0.0))
    found: list[tuple[float, float]] = []
    for at in range(first + step, last - step, step):
        window = levels.db[at : min(at + step, last - step)]
        if len(window):
            quietest = int(window.argmin())
            cost = 2.0 + (float(window[quietest]) - lowest) / 6.0
            found.append(((at + quietest + 0.5) * levels.hop_s, cost))
    return found
