"""Text: what a human wrote down, laid along the recording; where the two are not the same, said."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from voicewright.audio.parts import open_parts
from voicewright.data.alignment import Placement, align
from voicewright.data.matching import Match, match
from voicewright.data.problems import Problem
from voicewright.data.stages.words import aligner_of
from voicewright.data.tasks import Bench, Task
from voicewright.data.transcripts.line import Line
from voicewright.data.utterance import TimedWord
from voicewright.data.verdicts import LineVerdict, verdicts
from voicewright.measure.intelligibility import Word
from voicewright.settings import from_dict


def align_text(bench: Bench, task: Task) -> Mapping[str, Any]:
    """`words` of the text that are in the sound, with times and scores, `lines` with the line of each, `disagreements`
    for a human, and `doubts` about stretches of the recording."""
    language, given = bench.options.language, task.given
    lines = [from_dict(Line, line, where=task.name) for line in given["lines"]]
    heard = list(_heard(bench, given["words"]))
    found = match(lines, heard, language=language.split("-")[0], seconds=given["seconds"])
    with open_parts(bench.folder / given["sound"]) as parts:
        placed = align(found, lambda start_s, end_s: parts.read(start_s, end_s, 16_000), aligner_of(bench))
    judged = verdicts(found, placed, language=language)
    said = [(own.line, laid) for own, laid in zip(found.words, placed.words, strict=True) if laid.end_s > laid.start_s]
    return {
        "words": [laid for _, laid in said],
        "lines": [line for line, _ in said],
        "disagreements": [*_disagreements(given["label"], judged), *_impossible(given["label"], placed)],
        "doubts": list(_doubts(found, placed, judged, given["seconds"])),
    }


def _heard(bench: Bench, words: Sequence[Sequence[str]]) -> Iterator[Word]:
    for name, key in words:
        held = bench.work.find("words", name, key) or {"words": [], "sure": []}
        for word, sure in zip(held["words"], held["sure"], strict=True):
            yield Word(text=word["text"], start_s=word["start_s"], end_s=word["end_s"], probability=sure)


def _placed(found: Match, placed: Placement, line: int) -> list[TimedWord]:
    """The words of a line that are in the sound."""
    both = zip(found.words, placed.words, strict=True)
    return [laid for word, laid in both if word.line == line and laid.end_s > laid.start_s]


def _disagreements(label: str, judged: Sequence[LineVerdict]) -> Iterator[Problem]:
    for verdict in judged:
        if verdict.verdict != "agree" or verdict.reasons:
            what = "; ".join(verdict.reasons) or "the sound does not speak for the text"
            yield Problem(where=f"{label}, {verdict.place}", what=what)


def _impossible(label: str, placed: Placement) -> Iterator[Problem]:
    return (Problem(where=label, what=sentence) for sentence in placed.impossible)


def _doubts(found: Match, placed: Placement, judged: Sequence[LineVerdict], seconds: float) -> Iterator[dict[str, Any]]:
    """Each doubted line's stretch of the recording, and whether its clips must not be used as they are."""
    for verdict in judged:
        if verdict.verdict == "agree":
            continue
        own = [
            p for w, p in zip(found.words, placed.words, strict=True) if w.line == verdict.line and p.end_s > p.start_s
        ]
        passages = [p for p in found.passages if p.line == verdict.line]
        starts = [word.start_s for word in own] + [passage.start_s for passage in passages]
        ends = [word.end_s for word in own] + [passage.end_s for passage in passages]
        yield {
            "start_s": min(starts, default=0.0),
            "end_s": max(ends, default=seconds),
            "sure": verdict.verdict == "disagree",
            "what": _what(verdict),
        }


def _what(verdict: LineVerdict) -> str:
    kind = "text and sound disagree" if verdict.verdict == "disagree" else "text and sound may differ"
    return f"{kind} ({'; '.join(verdict.reasons)})" if verdict.reasons else kind
