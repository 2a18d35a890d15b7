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
from voicewright.data.verdicts import LineVerdict, Thresholds, between_lines, verdicts
from voicewright.measure.intelligibility import Word
from voicewright.settings import from_dict

SHORT_LINE_S = 15.0
"""A line up to this long is about one clip: several small doubts in it are one large one."""
LIMITS = Thresholds()
FASTEST, AROUND_S = 10.0, 2.0
"""Nobody says more words a second, even if the recogniser's times are off by a second on both sides."""


def align_text(bench: Bench, task: Task) -> Mapping[str, Any]:
    """`words` of the text that are in the sound, with times and scores, `lines` with the line of each, `disagreements`
    for a human, and `doubts` about stretches of the recording."""
    language, given = bench.options.language, task.given
    lines = [from_dict(Line, line, where=task.name) for line in given["lines"]]
    heard = list(_heard(bench, given["words"]))
    found = match(lines, heard, language=language.split("-")[0], seconds=given["seconds"])
    with open_parts(bench.folder / given["sound"]) as parts:
        placed = align(found, lambda start_s, end_s: parts.read(start_s, end_s, 16_000), aligner_of(bench))
    judged = verdicts(found, placed, language=language, thresholds=LIMITS)
    said = [(own.line, laid) for own, laid in zip(found.words, placed.words, strict=True) if laid.end_s > laid.start_s]
    return {
        "words": [laid for _, laid in said],
        "lines": [line for line, _ in said],
        "disagreements": [
            *_disagreements(given["label"], judged),
            *(_problem(given["label"], each.message) for each in between_lines(found)),
            *(Problem(where=given["label"], what=sentence) for sentence in placed.impossible),
        ],
        "doubts": list(_doubts(found, placed, judged)),
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
        for reason in verdict.reasons:
            yield _problem(label, reason)
        if verdict.verdict != "agree" and not verdict.reasons:
            yield Problem(where=f"{label}, {verdict.place}", what="the sound does not speak for the text")


def _problem(label: str, sentence: str) -> Problem:
    """A sentence that begins with its place in the text, as a problem of the recording."""
    place, mark, rest = sentence.partition(": ")
    return Problem(where=f"{label}, {place}" if mark else label, what=rest or sentence)


def _doubts(found: Match, placed: Placement, judged: Sequence[LineVerdict]) -> Iterator[dict[str, Any]]:
    """The doubted stretches of the recording, and whether clips with them must not be used as they are.

    Of a long line only the passages are in doubt, not the minutes around them.
    """
    for verdict in judged:
        if verdict.verdict == "agree":
            continue
        own = _placed(found, placed, verdict.line)
        short = not own or own[-1].end_s - own[0].start_s <= SHORT_LINE_S
        for number, doubt in verdict.passages:
            passage = found.passages[number]
            sure = doubt >= LIMITS.disagree or (short and verdict.verdict == "disagree")
            # A preface that nobody read: what could not be said there in any haste leaves the sound around it as it is.
            sure = sure and len(passage.written.split()) <= FASTEST * (passage.end_s - passage.start_s + AROUND_S)
            kind = "text and sound disagree" if sure else "text and sound may differ"
            what = f"{kind} ({passage.message.partition(': ')[2] or passage.message})".replace("; ", ", ")
            yield {"start_s": passage.start_s, "end_s": passage.end_s, "sure": sure, "what": what}
