"""Praat's TextGrid, by praatio."""

import re
from bisect import bisect_left
from typing import Any

from voicewright.data.transcripts.line import Line
from voicewright.data.utterance import TimedWord
from voicewright.errors import BadDataset

_SOUNDS = re.compile(r"phon|phns|syll|segment|maus?\b|tone|pitch|points?\b", re.IGNORECASE)
_WORDS = re.compile(r"\b(?:words?|wrd|ort)\b", re.IGNORECASE)
_GENERIC = re.compile(r"^(?:utt\w*|sentences?|transcri\w*|text|orthography|speech|phrases?|intervals?)$", re.IGNORECASE)
PAUSE_S = 0.6
"""Words further apart than this belong to different lines, where a grid has words and no sentences."""


def read_grid(text: str, place: str) -> tuple[Line, ...]:
    """Lines from the interval tiers: one tier is one speaker's sentences; tiers of words give the times of words.

    Long or short format. Tiers of phones, syllables and points are passed over. The speaker is the tier's name (what
    stands before " - ", as forced aligners write it), unless it only says "sentences" or the like.

    Raises:
        BadDataset: not a TextGrid, or without an interval tier that has text.
    """
    from praatio.utilities import textgrid_io
    from praatio.utilities.errors import PraatioException

    try:
        tiers = textgrid_io.parseTextgridStr(text)["tiers"]
        spoken = [tier for tier in tiers if tier["class"] == "IntervalTier" and not _SOUNDS.search(tier["name"])]
        worded = {_speaker(tier["name"]): _words(tier) for tier in spoken if _WORDS.search(tier["name"])}
        lines = [line for tier in spoken if not _WORDS.search(tier["name"]) for line in _lines(tier, worded, place)]
    except (PraatioException, ValueError, KeyError, IndexError, TypeError, AttributeError) as problem:
        raise BadDataset(
            f"{place}: not a TextGrid that can be read ({type(problem).__name__}: {problem}); save it again from Praat"
        ) from None
    if not lines:
        lines = [line for speaker, words in worded.items() for line in _by_pauses(speaker, words, place)]
    if not lines:
        raise BadDataset(f"{place}: no interval tier with text; transcribe into a tier of sentences or words")
    return tuple(sorted(lines, key=lambda line: line.start_s or 0.0))


def _speaker(tier: str) -> str:
    name = tier.rsplit(" - ", 1)[0] if " - " in tier else _WORDS.sub("", tier)
    name = name.strip(" -_:")
    return "" if _GENERIC.match(name) else name


def _words(tier: dict[str, Any]) -> tuple[TimedWord, ...]:
    return tuple(
        TimedWord(text=str(label).strip(), start_s=float(start), end_s=float(end))
        for start, end, label in tier["entries"]
        if str(label).strip() and not re.fullmatch(r"<.*>|sp|sil", str(label).strip())
    )


def _lines(tier: dict[str, Any], worded: dict[str, tuple[TimedWord, ...]], place: str) -> list[Line]:
    speaker = _speaker(tier["name"])
    words = worded.get(speaker, worded.get("", ()) if len(worded) == 1 else ())
    starts = [word.start_s for word in words]
    lines = []
    for number, (start, end, label) in enumerate(tier["entries"], start=1):
        start_s, end_s = float(start), float(end)
        inside = words[bisect_left(starts, start_s - 0.005) : bisect_left(starts, end_s - 0.005)]
        where = f"{place}, tier {tier['name']!r}, interval {number}"
        text = " ".join(str(label).split())
        if text:
            lines.append(Line(text=text, speaker=speaker, start_s=start_s, end_s=end_s, place=where, words=inside))
    return lines


def _by_pauses(speaker: str, words: tuple[TimedWord, ...], place: str) -> list[Line]:
    groups: list[list[TimedWord]] = []
    for word in words:
        if groups and word.start_s - groups[-1][-1].end_s < PAUSE_S:
            groups[-1].append(word)
        else:
            groups.append([word])
    return [
        Line(
            text=" ".join(word.text for word in group),
            speaker=speaker,
            start_s=group[0].start_s,
            end_s=group[-1].end_s,
            place=f"{place}, {group[0].start_s:.2f} s",
            words=tuple(group),
        )
        for group in groups
    ]
