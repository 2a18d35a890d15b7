"""The names in a transcript and the voices in the sound: which is whose, and where they contradict each other."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from voicewright.data.transcripts.line import Line
from voicewright.data.turns import Turn
from voicewright.data.utterance import TimedWord

LEFT_OVER = 0.8
"""A voice without a name of its own is somebody's second one if this share of what it says is theirs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """A stretch that the text gives to `name` and the sound to `voice`, which is somebody else or nobody known."""

    line: int
    place: str
    name: str
    voice: str
    start_s: float
    end_s: float
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciliation:
    """`names`: voice → name, for every voice that has one. `speakers`: whose each line is, by its tag or else by the
    voice; "" if neither says. `seconds`: (voice, name) → seconds in which they agree."""

    names: Mapping[str, str]
    speakers: tuple[str, ...]
    conflicts: tuple[Conflict, ...]
    seconds: Mapping[tuple[str, str], float]


def reconcile(
    lines: Sequence[Line],
    words: Sequence[tuple[int, TimedWord]],
    turns: Sequence[Turn],
    *,
    least_s: float = 1.0,
) -> Reconciliation:
    """Give each voice of the diarization the name under which most of its words are written.

    Method: the assignment of voices to names that covers the most seconds of words (Hungarian algorithm, by scipy), so
    neither who speaks first nor the numbers of the voices matter. Left-over voices join a name if `LEFT_OVER` of their
    words are its.

    Args:
        words: (line, word) in order, with times in the recording.
        turns: may overlap; whoever speaks at the same time as the right voice is no conflict.
        least_s: shorter contradictions are the diarization's blurred edges.
    """
    voices = _Voices(turns)
    shares = [(line, word, voices.within(word.start_s, word.end_s)) for line, word in words]
    seconds: dict[tuple[str, str], float] = defaultdict(float)
    for line, _, heard in shares:
        if name := lines[line].speaker:
            for voice, share_s in heard.items():
                seconds[voice, name] += share_s
    names = _assigned(seconds)
    return Reconciliation(
        names=names,
        speakers=tuple(_speakers(lines, shares, names)),
        conflicts=tuple(_conflicts(lines, shares, names, least_s)),
        seconds=dict(seconds),
    )


class _Voices:
    """Who speaks when, for many questions."""

    def __init__(self, turns: Sequence[Turn]) -> None:
        self._turns = sorted(turns, key=lambda turn: turn.start_s)
        self._starts = [turn.start_s for turn in self._turns]
        self._ends = list(accumulate((turn.end_s for turn in self._turns), max))

    def within(self, start_s: float, end_s: float) -> dict[str, float]:
        """Voice → seconds that it speaks from `start_s` to `end_s`."""
        found: dict[str, float] = defaultdict(float)
        first = bisect_right(self._ends, start_s)
        for turn in self._turns[first : bisect_right(self._starts, end_s)]:
            share_s = min(end_s, turn.end_s) - max(start_s, turn.start_s)
            if share_s > 0:
                found[turn.speaker] += share_s
        return dict(found)


def _assigned(seconds: Mapping[tuple[str, str], float]) -> dict[str, str]:
    import numpy as np
    from scipy.optimize import linear_sum_assignment

    voices = sorted({voice for voice, _ in seconds})
    names = sorted({name for _, name in seconds})
    if not voices:
        return {}
    table = np.array([[seconds.get((voice, name), 0.0) for name in names] for voice in voices])
    rows, columns = linear_sum_assignment(table, maximize=True)
    found = {voices[r]: names[c] for r, c in zip(rows, columns, strict=True) if table[r, c] > 0}
    for row, voice in enumerate(voices):
        best = int(table[row].argmax())
        if voice not in found and table[row, best] >= LEFT_OVER * table[row].sum() > 0:
            found[voice] = names[best]
    return found


Share = tuple[int, TimedWord, dict[str, float]]


def _speakers(lines: Sequence[Line], shares: Sequence[Share], names: Mapping[str, str]) -> list[str]:
    by_line: list[dict[str, float]] = [defaultdict(float) for _ in lines]
    for line, _, heard in shares:
        for voice, share_s in heard.items():
            by_line[line][names.get(voice, voice)] += share_s
    return [
        line.speaker or (max(sorted(found), key=lambda name: found[name]) if found else "")
        for line, found in zip(lines, by_line, strict=True)
    ]


def _conflicts(
    lines: Sequence[Line], shares: Sequence[Share], names: Mapping[str, str], least_s: float
) -> list[Conflict]:
    """Runs of words of one line in which one wrong voice speaks and the right one does not."""
    runs: list[tuple[int, str, list[TimedWord]]] = []
    before: tuple[int, str] | None = None
    for line, word, heard in shares:
        voice = _wrong_voice(lines[line].speaker, word, heard, names)
        if voice and before == (line, voice):
            runs[-1][2].append(word)
        elif voice:
            runs.append((line, voice, [word]))
        before = (line, voice)
    found = []
    for line, voice, words in runs:
        start_s, end_s = words[0].start_s, words[-1].end_s
        if end_s - start_s <= least_s:
            continue
        name, place = lines[line].speaker, lines[line].place
        whose = f"{names[voice]}’s voice" if voice in names else f"an unknown voice ({voice})"
        said = " ".join(word.text for word in words[:8]) + (" …" if len(words) > 8 else "")
        message = f"{place}: “{said}” is given to {name}, but {whose} says it ({start_s:.2f}–{end_s:.2f} s)"
        found.append(
            Conflict(line=line, place=place, name=name, voice=voice, start_s=start_s, end_s=end_s, message=message)
        )
    return found


def _wrong_voice(name: str, word: TimedWord, heard: Mapping[str, float], names: Mapping[str, str]) -> str:
    """The voice that says most of a word, unless it is the right one, or the right one speaks too; "" if so."""
    if not name or not heard:
        return ""
    length_s = max(word.end_s - word.start_s, 1e-6)
    own_s = sum(share_s for voice, share_s in heard.items() if names.get(voice) == name)
    voice = max(sorted(heard), key=lambda each: heard[each])
    return voice if own_s < 0.5 * length_s and names.get(voice) != name else ""
