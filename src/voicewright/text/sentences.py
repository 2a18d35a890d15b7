"""Where a text may be cut: paragraphs, sentences, clauses; and `[pause 0.5s]`.

Works on positions in the text as it was written, so that nothing is lost.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from voicewright.errors import BadText
from voicewright.text.abbreviations import ANYWHERE, BEFORE_NUMBERS, SENTENCE_OPENERS, TITLES

DEFAULT_PAUSE_S = 0.7
LONGEST_PAUSE_S = 30.0

_PAUSE = re.compile(r"\[\s*pause\b([^\[\]\n]*)\]", re.IGNORECASE)
_PAUSE_LENGTH = re.compile(r"(\d+(?:\.\d+)?|\.\d+)\s*(s|sec|secs|seconds?|ms)?", re.IGNORECASE)


class End(Enum):
    """What ends a stretch of text; the value is the silence to leave after it, in seconds."""

    SPACE = 0.02
    CLAUSE = 0.12
    SENTENCE = 0.3
    PARAGRAPH = 0.6
    HEADING = 0.7
    PAUSE = 0.0  # the user's own marker says how long


@dataclass(frozen=True, slots=True)
class Span:
    """text[start:stop], how it ends, and for a pause marker how long the pause is."""

    start: int
    stop: int
    end: End
    pause_s: float = 0.0


def pause_seconds(marker: re.Match[str], text: str) -> float:
    """The length of a `[pause …]` marker in seconds. Raises BadText with its line when it makes no sense."""
    wanted = marker[1].strip().lstrip("=:").strip()
    if not wanted:
        return DEFAULT_PAUSE_S
    length = _PAUSE_LENGTH.fullmatch(wanted)
    seconds = float(length[1]) * (0.001 if (length[2] or "").lower() == "ms" else 1.0) if length else -1.0
    if not 0 <= seconds <= LONGEST_PAUSE_S:
        line = text.count("\n", 0, marker.start()) + 1
        raise BadText(
            f"line {line}: {marker[0]} is no pause; "
            f"write [pause], [pause 0.5s] or [pause 500ms], at most {LONGEST_PAUSE_S:g} s"
        )
    return seconds


def spans(text: str) -> Iterator[Span]:
    """The sentences, headings and pause markers of `text`, one after the other, without a gap."""
    start = 0
    for marker in _PAUSE.finditer(text):
        yield from _paragraphs(text, start, marker.start())
        yield Span(marker.start(), marker.end(), End.PAUSE, pause_seconds(marker, text))
        start = marker.end()
    yield from _paragraphs(text, start, len(text))


_BREAK = re.compile(r"[ \t\r]*\n[ \t\r]*(?:\n[ \t\r\n]*)?")
_LIST_START = re.compile(r"(?:[-*+•–—]|\d{1,3}[.)]|#{1,6})\s")
_WRAPPED_FROM = 45


def _paragraphs(text: str, start: int, stop: int) -> Iterator[Span]:
    """Blocks between empty lines. A single line break ends a block too, unless the line was merely wrapped."""
    block = start
    for gap in _BREAK.finditer(text, start, stop):
        empty_line = gap[0].count("\n") > 1
        line = text[max(block, text.rfind("\n", 0, gap.start()) + 1) : gap.start()]
        if empty_line or _stands_alone(line, text[gap.end() : min(stop, gap.end() + 40)]):
            heading = _is_heading(text[block : gap.start()], empty_line=empty_line)
            end = End.HEADING if heading else End.PARAGRAPH if empty_line else End.SENTENCE
            yield from _sentences(text, block, gap.end(), end)
            block = gap.end()
    if block < stop:
        before_pause = End.SENTENCE if text[block:stop].rstrip()[-1:] in tuple(".!?…。！？") else End.CLAUSE
        yield from _sentences(text, block, stop, End.PARAGRAPH if stop == len(text) else before_pause)


def _stands_alone(line: str, following: str) -> bool:
    """Whether a line is one of its own (a heading, a verse, an item), not prose wrapped at a margin."""
    if _LIST_START.match(following) or _LIST_START.match(line.lstrip()):
        return True
    first = following.lstrip("\"“'‘([")[:1]
    return len(line.strip()) < _WRAPPED_FROM and not first.islower() and not line.rstrip().endswith((",", ";"))


def _is_heading(block: str, *, empty_line: bool) -> bool:
    block = block.strip()
    if block.startswith("#"):
        return True
    return (
        empty_line
        and "\n" not in block
        and 0 < len(block) <= 70
        and block[-1].isalnum()
        and not _LIST_START.match(block)
    )


_SENTENCE_END = re.compile(
    r"(?P<mark>[.!?…]+|[。！？｡]+)(?P<close>[\"”’'»)\]*_」』）]*)(?=\s|$)|(?P<wide>[。！？]+[」』）]*)(?=\S)|(?<=[a-z]{2})(?P<stuck>\.)(?=[A-Z][a-z]+\s)"
)
_NO_STOP = frozenset(
    [title.lower() for title in TITLES] + list(ANYWHERE)
    + [short for short in BEFORE_NUMBERS if short not in ("c", "p", "v")]
    + ["e.g", "i.e", "eg", "ie", "viz", "cf", "a.k.a"]
)  # fmt: skip
_MAY_STOP = frozenset(
    (
        "etc",
        "inc",
        "ltd",
        "co",
        "corp",
        "jr",
        "sr",
        "no",
        "st",
        "ave",
        "rd",
        "blvd",
        "al",
        "max",
        "min",
        "est",
        "sun",
        "sat",
    )
)
_LAST_WORD = re.compile(r"(?:^|[\s(\[“\"'‘—–-])([^\s(\[“\"'‘—–]*)$")
_DOTTED = re.compile(r"(?:[A-Za-z]\.)+[A-Za-z]")


def _sentences(text: str, start: int, stop: int, last: End) -> Iterator[Span]:
    begin = start
    for mark in _SENTENCE_END.finditer(text, start, stop):
        if not _ends_sentence(text, begin, mark, stop):
            continue
        after = mark.end()
        while after < stop and text[after].isspace():
            after += 1
        if after < stop:
            yield Span(begin, after, End.SENTENCE)
            begin = after
    yield Span(begin, stop, last)


def _ends_sentence(text: str, begin: int, mark: re.Match[str], stop: int) -> bool:
    """Whether the mark ends a sentence: not an abbreviation's dot, an initial's, a list number's, nor “Stop!” he
    said.
    """
    following = text[mark.end() : min(stop, mark.end() + 40)].lstrip()
    first = following.lstrip("\"“'‘([«_*")[:1]
    if mark["wide"] or mark["stuck"] or not first:
        return True
    if first.islower():
        return False
    if (mark["mark"] or "") != ".":
        return True
    found = _LAST_WORD.search(text, max(begin, mark.start() - 40), mark.start())
    word = found[1] if found else ""
    if len(word) == 1 and word.isalpha():
        return _ends_after_letter(text, begin, mark.start() - 1, word, following)
    if word.isdigit() and not text[begin : mark.start() - len(word)].strip():
        return False  # "1. First item"
    low = word.lower()
    if low in _MAY_STOP:
        return not first.isdigit() and (low != "st" or not first.isupper())
    if low in _NO_STOP:
        return first.isdigit() and low not in BEFORE_NUMBERS
    return not (_DOTTED.fullmatch(word) and not _starts_sentence(following)) or low in ("a.m", "p.m")


def _ends_after_letter(text: str, begin: int, place: int, letter: str, following: str) -> bool:
    """An initial ("J. Smith") goes on; a letter that ends a sentence ("vitamin C. Then") follows a small word."""
    before = text[max(begin, place - 30) : place].rstrip()
    if letter.islower():
        return not following[:1].isdigit()
    if re.match(r"[A-Z]\.", following):
        return False
    if letter == "I":
        return bool(before)
    last = before.rsplit(None, 1)[-1] if before else ""
    if last[:1].isupper():
        return _starts_sentence(following)
    return bool(last) and not last.endswith(".")


def _starts_sentence(following: str) -> bool:
    word = re.match(r"[\"“'‘(]*([A-Za-z']+)", following)
    return bool(word) and word[1].lower() in SENTENCE_OPENERS  # type: ignore[index]


_CLAUSE = re.compile(
    r"[,;:—–][\"”’')]*\s+|[)”]\s+(?=\w)|\s+(?=[—–(])|—(?=\w)|[、，；：]|\s+(?=(?:and|but|or|because|which|who|that|when|while|where|if|so)\s)"
)


def cut(text: str, start: int, stop: int, keep: list[tuple[int, int]]) -> tuple[int, End]:
    """The best place to cut text[start:stop] in two, never inside one of the `keep` ranges, and what kind of end it
    makes.

    A clause border near the middle; else the space nearest to it; else the middle itself, though not before a
    combining mark.
    """
    middle = (start + stop) / 2

    def free(place: int) -> bool:
        return start < place < stop and not any(first < place < last for first, last in keep)

    clauses = [match.end() for match in _CLAUSE.finditer(text, start, stop) if free(match.end())]
    quarter = (stop - start) / 6
    clauses = [place for place in clauses if start + quarter <= place <= stop - quarter]
    if clauses:
        marked = (
            [place for place in clauses if text[:place].rstrip()[-1:] in ",;:—–、，；：)”\"'"]
            if len(clauses) > 1
            else []
        )
        place = min(marked or clauses, key=lambda place: abs(place - middle))
        return place, End.CLAUSE if text[start:place].rstrip()[-1:] in ",;:—–、，；：)”" else End.SPACE
    spaces = [match.end() for match in re.finditer(r"\s+", text[start:stop]) if free(start + match.end())]
    if spaces:
        return start + min(spaces, key=lambda place: abs(start + place - middle)), End.SPACE
    place = int(middle)
    while place < stop and (not free(place) or re.match(r"[\u0300-\u036f\u200d\ufe0f]", text[place])):
        place += 1
    return (place, End.SPACE) if free(place) else (stop, End.SPACE)
