"""How well it was heard who speaks when: the diarization error rate, and how pure one speaker's turns are."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import numpy as np


class SpeakerTurn(Protocol):
    """Somebody speaks."""

    @property
    def start_s(self) -> float: ...
    @property
    def end_s(self) -> float: ...
    @property
    def speaker(self) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class DiarizationErrors:
    """Seconds of speech, each speaker's counted by itself."""

    missed: float
    """Speech that nobody was heard in, or a second speaker who was not noticed."""
    false_alarm: float
    """Somebody heard where nobody speaks, or two where one does."""
    confused: float
    """Speech given to another speaker."""
    total: float
    """All speech of the reference."""

    @property
    def der(self) -> float:
        """Diarization error rate; 0 is perfect, it may pass 1. Without any speech in the reference: 0 or infinity."""
        wrong = self.missed + self.false_alarm + self.confused
        return wrong / self.total if self.total else float("inf") if wrong else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeakerPrecision:
    """How far turns of one speaker, and of nobody else, are that."""

    precision: float
    """Of the speech that was said to be this speaker alone, the share that is; 1 when nothing was said to be."""
    recall: float
    """Of what is this speaker alone, the share that was found; 1 when there is none."""
    claimed_s: float
    """What was said to be this speaker alone, pauses included."""
    real_s: float
    pause_s: float
    """Where nobody speaks within what was claimed: it belongs to the turns, and is nobody else's words."""


def diarization_errors(
    reference: Iterable[SpeakerTurn], hypothesis: Iterable[SpeakerTurn], *, collar_s: float = 0.0
) -> DiarizationErrors:
    """NIST's diarization errors, exact to the turns' own edges, overlapped speech counted.

    Speakers are matched one to one so that the shared time is greatest; their names mean nothing.

    Args:
        collar_s: left out of the count on each side of every edge of the reference (0.25 is customary).
    """
    reference, hypothesis = list(reference), list(hypothesis)
    parts = list(_scored(reference, hypothesis, collar_s))
    same = _matching(parts)
    missed = false_alarm = confused = total = 0.0
    for seconds, real, heard in parts:
        right = sum(same.get(name) in heard for name in real)
        total += seconds * len(real)
        missed += seconds * max(0, len(real) - len(heard))
        false_alarm += seconds * max(0, len(heard) - len(real))
        confused += seconds * (min(len(real), len(heard)) - right)
    return DiarizationErrors(missed=missed, false_alarm=false_alarm, confused=confused, total=total)


def speaker_precision(
    reference: Iterable[SpeakerTurn], hypothesis: Iterable[SpeakerTurn], speaker: str, *, heard_as: str | None = None
) -> SpeakerPrecision:
    """How far the turns in which only `speaker` was heard hold only that speaker's words, and all of them.

    Args:
        heard_as: the speaker's name in the hypothesis, if it is another one.
    """
    claimed = real = both = pause = 0.0
    for seconds, are, heard in _pieces(list(reference), list(hypothesis)):
        is_real, is_claimed = are == {speaker}, heard == {heard_as or speaker}
        claimed += seconds * is_claimed
        pause += seconds * (is_claimed and not are)
        real += seconds * is_real
        both += seconds * (is_real and is_claimed)
    return SpeakerPrecision(
        precision=both / (claimed - pause) if claimed > pause else 1.0,
        recall=both / real if real else 1.0,
        claimed_s=claimed,
        real_s=real,
        pause_s=pause,
    )


Piece = tuple[float, frozenset[str], frozenset[str]]


def _pieces(
    reference: Sequence[SpeakerTurn], hypothesis: Sequence[SpeakerTurn], cuts: Iterable[float] = ()
) -> Iterator[Piece]:
    """Seconds, who speaks, who was heard: for each stretch in which neither changes, in order."""
    for start, end, real, heard in _timed(reference, hypothesis, cuts):
        yield end - start, real, heard


def _timed(
    reference: Sequence[SpeakerTurn], hypothesis: Sequence[SpeakerTurn], cuts: Iterable[float]
) -> Iterator[tuple[float, float, frozenset[str], frozenset[str]]]:
    changes: list[tuple[float, int, int, str]] = []  # when, which list, +1 or -1, who
    for which, turns in enumerate((reference, hypothesis)):
        for turn in turns:
            changes += [(turn.start_s, which, 1, turn.speaker), (turn.end_s, which, -1, turn.speaker)]
    changes.sort(key=lambda change: change[0])
    counts: tuple[dict[str, int], dict[str, int]] = ({}, {})
    at = 0
    for start, end in pairwise(sorted({*cuts, *(change[0] for change in changes)})):
        while at < len(changes) and changes[at][0] <= start:
            _, which, step, who = changes[at]
            counts[which][who] = counts[which].get(who, 0) + step
            at += 1
        real, heard = (frozenset(who for who, count in each.items() if count > 0) for each in counts)
        yield start, end, real, heard


def _scored(reference: Sequence[SpeakerTurn], hypothesis: Sequence[SpeakerTurn], collar_s: float) -> Iterator[Piece]:
    """The pieces outside the collars."""
    if not collar_s:
        yield from _pieces(reference, hypothesis)
        return
    edges = np.unique([edge for turn in reference for edge in (turn.start_s, turn.end_s)])
    cuts = [*(edges - collar_s).tolist(), *(edges + collar_s).tolist()]
    for start, end, real, heard in _timed(reference, hypothesis, cuts):
        middle = (start + end) / 2
        near = np.searchsorted(edges, middle)
        if not any(abs(middle - edge) < collar_s for edge in edges[max(0, near - 1) : near + 1]):
            yield end - start, real, heard


def _matching(parts: Sequence[Piece]) -> dict[str, str]:
    """Reference names to hypothesis names, the shared time greatest."""
    from scipy.optimize import linear_sum_assignment

    rows = sorted({name for _, real, _ in parts for name in real})
    columns = sorted({name for _, _, heard in parts for name in heard})
    shared = np.zeros((len(rows), len(columns)))
    for seconds, real, heard in parts:
        for name in real:
            for other in heard:
                shared[rows.index(name), columns.index(other)] += seconds
    pairs = zip(*linear_sum_assignment(shared, maximize=True), strict=True)
    return {rows[i]: columns[j] for i, j in pairs}
