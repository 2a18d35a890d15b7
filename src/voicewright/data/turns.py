"""`Turn`: somebody speaks, from here to there; and what makes a list of turns presentable."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from voicewright.errors import BadSetting


@dataclass(frozen=True, slots=True, order=True)
class Turn:
    """A stretch of a recording in which `speaker` speaks, in seconds from its beginning.

    Raises:
        BadSetting: it ends before it begins, or begins before the recording.
    """

    start_s: float
    end_s: float
    speaker: str
    overlap: bool = False
    """Somebody else speaks during all of it."""

    def __post_init__(self) -> None:
        if not 0 <= self.start_s < self.end_s < float("inf"):
            raise BadSetting(f"a turn must begin at 0 s or later and end after that, got {self.start_s}–{self.end_s} s")

    @property
    def seconds(self) -> float:
        return self.end_s - self.start_s


def bridged(turns: Iterable[Turn], gap_s: float) -> list[Turn]:
    """Turns of one speaker that lie closer than `gap_s`, or overlap, made one; in order, overlap not marked."""
    by_speaker: dict[str, list[Turn]] = defaultdict(list)
    for turn in sorted(turns):
        own = by_speaker[turn.speaker]
        if own and turn.start_s - own[-1].end_s <= gap_s:
            own[-1] = replace(own[-1], end_s=max(own[-1].end_s, turn.end_s))
        else:
            own.append(replace(turn, overlap=False))
    return sorted(turn for own in by_speaker.values() for turn in own)


def tidy(turns: Iterable[Turn], *, shortest_s: float, gap_s: float) -> list[Turn]:
    """Pauses up to `gap_s` bridged, turns shorter than `shortest_s` left out, overlaps as turns of their own.

    A pause is not bridged across somebody else's words.

    Returns: in order; each moment of each speaker lies in one turn, whose `overlap` says whether it is shared.
    """
    kept = [turn for turn in _joined(bridged(turns, 0.0), gap_s) if turn.seconds >= shortest_s]
    return with_overlaps(kept)


def with_overlaps(turns: Iterable[Turn]) -> list[Turn]:
    """The same speech, cut where somebody else begins or ends; `overlap` marks what is shared."""
    whole = bridged(turns, 0.0)
    found: list[Turn] = []
    edges = sorted({edge for turn in whole for edge in (turn.start_s, turn.end_s)})
    at = 0
    active: list[Turn] = []
    for start_s, end_s in pairwise(edges):
        active = [turn for turn in active if turn.end_s > start_s]
        while at < len(whole) and whole[at].start_s <= start_s:
            active.append(whole[at])
            at += 1
        found += [Turn(start_s, end_s, turn.speaker, len(active) > 1) for turn in active]
    return _rejoined(found)


def alone(turns: Iterable[Turn], speaker: str) -> list[Turn]:
    """Where `speaker` speaks and nobody else does."""
    return [turn for turn in with_overlaps(turns) if turn.speaker == speaker and not turn.overlap]


def spoken_s(turns: Iterable[Turn]) -> dict[str, float]:
    """Seconds of speech by speaker, most first (equals by name)."""
    seconds: dict[str, float] = defaultdict(float)
    for turn in turns:
        seconds[turn.speaker] += turn.seconds
    return dict(sorted(seconds.items(), key=lambda item: (-item[1], item[0])))


def _joined(turns: Sequence[Turn], gap_s: float) -> list[Turn]:
    """Neighbours of one speaker with nobody else between them."""
    found: list[Turn] = []
    last: dict[str, int] = {}
    reached: dict[str, float] = {}  # until when each speaker has spoken
    for turn in turns:
        before = last.get(turn.speaker)
        if before is not None:
            end_s = found[before].end_s
            others = (until for who, until in reached.items() if who != turn.speaker)
            if turn.start_s - end_s <= gap_s and all(until <= end_s for until in others):
                found[before] = replace(found[before], end_s=turn.end_s)
                reached[turn.speaker] = turn.end_s
                continue
        last[turn.speaker] = len(found)
        reached[turn.speaker] = turn.end_s
        found.append(turn)
    return sorted(found)


def _rejoined(parts: Sequence[Turn]) -> list[Turn]:
    """Cuts taken back where nothing changes."""
    found: list[Turn] = []
    last: dict[str, int] = {}
    for part in parts:
        before = last.get(part.speaker)
        if before is not None and (found[before].end_s, found[before].overlap) == (part.start_s, part.overlap):
            found[before] = replace(found[before], end_s=part.end_s)
            continue
        last[part.speaker] = len(found)
        found.append(part)
    return sorted(found)
