"""Every word placed in time: by an acoustic aligner where there is one, else by the recogniser."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from voicewright.audio.clip import Clip
from voicewright.data.matching import Disagreement, Match, MatchedWord
from voicewright.data.utterance import TimedWord
from voicewright.data.windows import Window, windows
from voicewright.errors import VoicewrightError

EDGE_S = 0.1
Part = Callable[[float, float], Clip]
"""Reads a recording from one second to another."""


class PlacedWord(Protocol):
    """A word in a clip, seconds from its start; `score` 0 to 1."""

    @property
    def text(self) -> str: ...
    @property
    def start_s(self) -> float: ...
    @property
    def end_s(self) -> float: ...
    @property
    def score(self) -> float: ...


class Laid(Protocol):
    """Words laid along a clip."""

    @property
    def words(self) -> Sequence[PlacedWord]: ...


class Aligner(Protocol):
    """Hears a clip once and lays texts along what it heard (`measure.alignment.PhoneAligner`)."""

    def emissions(self, clip: Clip) -> Any: ...

    def lay(self, heard: Any, words: Sequence[str]) -> Laid: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """How well the sound of a disagreement fits what is written and what was heard, 0 to 1; None: nobody listened."""

    written: float | None = None
    heard: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """`words`: every human word once and in order, in recording time. One that is not in the sound has no length and
    score 0; without an aligner the scores are the recogniser's probabilities, None where it heard something else.

    `evidence`: for each passage of the match. `impossible`: what could not be placed, in a sentence each.
    """

    words: tuple[TimedWord, ...]
    evidence: tuple[Evidence, ...]
    impossible: tuple[str, ...] = ()


def align(match: Match, part: Part, aligner: Aligner | None) -> Placement:
    """Place the words of a match.

    Args:
        part: reads the sound; only the windows around the words are read, one at a time.
        aligner: None for languages without one: the recogniser's times, and words that it did not hear spread evenly
            over the time where they must lie.
    """
    if aligner is None:
        return Placement(words=_in_order(_by_recogniser(match)), evidence=tuple(Evidence() for _ in match.passages))
    words: list[TimedWord] = [_absent(word) for word in match.words]
    evidence = [Evidence() for _ in match.passages]
    impossible: list[str] = []
    placed: set[int] = set()
    for window in windows(match):
        try:
            heard = aligner.emissions(part(window.start_s, window.end_s))
            laid = aligner.lay(heard, [_bare(match.words[index].text) for index in window.words]).words
        except VoicewrightError as problem:
            impossible.append(f"{_place(match, window.words)}: {problem}")
            continue
        for index, word in zip(window.words, laid, strict=True):
            words[index] = TimedWord(
                text=match.words[index].text,
                start_s=window.start_s + word.start_s,
                end_s=window.start_s + word.end_s,
                score=word.score,
            )
        placed.update(window.words)
        for number, found in _weighed(match, window, laid, heard, aligner):
            evidence[number] = found
    lost = [index for index in range(len(words)) if index not in placed]
    impossible += [f"{_place(match, run)}: not in the sound" for run in _runs(lost)]
    return Placement(words=_in_order(words), evidence=tuple(evidence), impossible=tuple(impossible))


def _by_recogniser(match: Match) -> list[TimedWord]:
    result: list[TimedWord] = []
    for run in _runs_by(match.words):
        first, last = match.words[run[0]], match.words[run[-1]]
        if first.start_s is not None and first.end_s is not None:
            result.append(TimedWord(text=first.text, start_s=first.start_s, end_s=first.end_s, score=first.probability))
            continue
        heard = match.heard[first.heard[0] : last.heard[1]]
        start_s = heard[0].start_s if heard else first.after_s
        length_s = max(0.0, (heard[-1].end_s if heard else last.before_s) - start_s)
        letters, done = sum(len(match.words[index].text) for index in run), 0
        for index in run:
            text = match.words[index].text
            begin_s = start_s + length_s * done / letters
            done += len(text)
            result.append(TimedWord(text=text, start_s=begin_s, end_s=start_s + length_s * done / letters))
    return result


def _runs_by(words: Sequence[MatchedWord]) -> list[list[int]]:
    """Heard words one by one, the others in runs that share one place in the sound."""
    runs: list[list[int]] = []
    for index, word in enumerate(words):
        last = words[index - 1] if index else None
        same = last is not None and last.start_s is None and last.heard == word.heard and last.after_s == word.after_s
        if word.start_s is None and same:
            runs[-1].append(index)
        else:
            runs.append([index])
    return runs


def _weighed(
    match: Match, window: Window, laid: Sequence[PlacedWord], heard: Any, aligner: Aligner
) -> list[tuple[int, Evidence]]:
    """The disagreements inside a window, with the scores of what is written and of what the recogniser heard there."""
    first, last = window.words[0], window.words[-1] + 1
    inside = [
        (number, passage)
        for number, passage in enumerate(match.passages)
        if passage.kind in ("missing", "different", "extra")
        and first <= passage.words[0]
        and passage.words[1] <= last
        and set(range(*passage.words)) <= set(window.words)
        and window.start_s <= passage.start_s + EDGE_S
        and passage.end_s - EDGE_S <= window.end_s
    ]
    if not inside:
        return []
    rival, spans = _as_heard(match, window, inside)
    try:
        others = aligner.lay(heard, rival).words
    except VoicewrightError:  # what was heard does not fit into the window at all
        others = ()
    scores = {index: word.score for index, word in zip(window.words, laid, strict=True)}
    return [
        (
            number,
            Evidence(
                written=_mean([(scores[i], match.words[i].text) for i in range(*passage.words)]),
                heard=_mean([(others[i].score, rival[i]) for i in range(*spans[number])]) if others else None,
            ),
        )
        for number, passage in inside
    ]


def _as_heard(
    match: Match, window: Window, inside: Sequence[tuple[int, Disagreement]]
) -> tuple[list[str], dict[int, tuple[int, int]]]:
    """The words of a window with the recogniser's in place of the written ones, and where those of each passage are."""
    words: list[str] = []
    spans: dict[int, tuple[int, int]] = {}
    queue = sorted(inside, key=lambda each: each[1].words)
    covered = {index for _, passage in inside for index in range(*passage.words)}
    for index in [*window.words, window.words[-1] + 1]:
        while queue and queue[0][1].words[0] <= index:
            number, passage = queue.pop(0)
            heard = [word.text for word in match.heard[slice(*passage.heard_words)]]
            spans[number] = (len(words), len(words) + len(heard))
            words += heard
        if index in window.words and index not in covered:
            words.append(_bare(match.words[index].text))
    return words, spans


def _mean(scored: Sequence[tuple[float, str]]) -> float | None:
    weights = [sum(map(str.isalnum, text)) for _, text in scored]
    return (
        sum(score * w for (score, _), w in zip(scored, weights, strict=True)) / sum(weights) if any(weights) else None
    )


def _bare(text: str) -> str:
    """Without the marks before a word: "…to" has the sounds of "to"."""
    return text.lstrip(' …—–-“”"([') or text


def _absent(word: MatchedWord) -> TimedWord:
    at_s = word.start_s if word.start_s is not None else word.after_s
    return TimedWord(text=word.text, start_s=at_s, end_s=word.end_s if word.end_s is not None else at_s, score=0.0)


def _in_order(words: Sequence[TimedWord]) -> tuple[TimedWord, ...]:
    """No word begins before the one before it ended: windows may touch."""
    result: list[TimedWord] = []
    free_s = 0.0
    for word in words:
        start_s = max(free_s, word.start_s)
        free_s = max(start_s, word.end_s)
        result.append(TimedWord(text=word.text, start_s=start_s, end_s=free_s, score=word.score))
    return tuple(result)


def _runs(indices: Sequence[int]) -> list[list[int]]:
    runs: list[list[int]] = []
    for index in indices:
        if runs and runs[-1][-1] == index - 1:
            runs[-1].append(index)
        else:
            runs.append([index])
    return runs


def _place(match: Match, indices: Sequence[int]) -> str:
    first = match.words[indices[0]]
    words = " ".join(match.words[index].text for index in indices[:8]) + (" …" if len(indices) > 8 else "")
    where = match.lines[first.line].place if match.lines else f"{first.after_s:.1f} s"
    return f"{where}: “{words}”"
