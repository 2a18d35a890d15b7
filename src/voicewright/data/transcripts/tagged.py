"""Running text, with or without the names of who speaks and the times."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from voicewright.data.transcripts.line import Line

_TIME = r"(?:\d{1,3}:)?\d{1,2}:\d{2}(?:[.,]\d{1,3})?"
_STAMP = re.compile(rf"^\s*[\[(]?({_TIME})[\])]?(?:\s*(?:-->|[-–—])\s*[\[(]?({_TIME})[\])]?)?(?:\s*[-–—|:]\s*|\s+|$)")
_TAG = re.compile(rf"^\s*([^:|\t\n]{{1,60}}?)\s*(?:[\[(]({_TIME})[\])])?\s*([:|\t])(?!//)(?:\s+|(?<=[|\t])|$)(.*)$")
_SMALL = frozenset(
    ("a", "and", "da", "de", "del", "der", "di", "dos", "du", "la", "le", "of", "the", "van", "von", "zu")
)
_TITLE = re.compile(r"^(?:dr|mr|mrs|ms|prof|st|jr|sr|rev|(?:\w\.)*\w)\.$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Row:
    number: int
    text: str
    name: str = ""
    """Who may be speaking: what stands before the first separator, if it could be a name."""
    rest: str = ""
    start_s: float | None = None
    end_s: float | None = None
    bar: bool = False


def read_tagged(text: str, place: str) -> tuple[Line, ...]:
    """Lines of `Name: words`, `Name| words`, `[0:12:03] NAME: words` or plain words.

    A line without a name belongs to the speaker above. What stands before a colon counts as a name only if it is
    written like one and either comes again, opens the text, or is all capitals: prose has colons too.
    """
    rows = list(_rows(text))
    speakers = _speakers(rows)
    lines: list[Line] = []
    speaker, start_s, end_s = "", None, None
    for row in rows:
        words = row.text
        if row.name in speakers:
            speaker, words = row.name, row.rest
        start_s, end_s = (row.start_s, row.end_s) if row.start_s is not None else (start_s, end_s)
        if words.strip():
            where = f"{place}, line {row.number}"
            lines.append(Line(text=words.strip(), speaker=speaker, start_s=start_s, end_s=end_s, place=where))
            start_s = end_s = None
    return tuple(lines)


def seconds_of(stamp: str) -> float:
    """`1:02:03.5` or `02:03` in seconds."""
    total = 0.0
    for part in stamp.replace(",", ".").split(":"):
        total = total * 60 + float(part)
    return total


def split_voice(text: str) -> tuple[str, str]:
    """`NAME: words` as (name, words), for cues; ("", text) if nothing that looks like a name stands before."""
    match = _TAG.match(text)
    if match and match[3] == ":" and _is_name(match[1]) and match[4].strip():
        return match[1].strip(), match[4].strip()
    return "", text


def _rows(text: str) -> Iterator[_Row]:
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        start_s = end_s = None
        if stamp := _STAMP.match(line):
            start_s = seconds_of(stamp[1])
            end_s = seconds_of(stamp[2]) if stamp[2] else None
            line = line[stamp.end() :]
        tag = _TAG.match(line)
        if tag and _is_name(tag[1]):
            if tag[2]:
                start_s = seconds_of(tag[2])
            yield _Row(number, line, tag[1].strip(), tag[4], start_s, end_s, bar=tag[3] != ":")
        else:
            yield _Row(number, line, start_s=start_s, end_s=end_s)


def _is_name(text: str) -> bool:
    words = text.strip().split()
    if not 1 <= len(words) <= 6 or not text[:1].strip():
        return False
    if re.fullmatch(r"(?i)(?:speaker|spk|host|guest|interviewer|narrator|[qa])[ _-]?\w{0,3}", text.strip()):
        return True
    if any(word[-1] in '.,;!?…"”' and not _TITLE.match(word) for word in words):
        return False
    return all(word.lower() in _SMALL or word.lstrip("(\"“'")[:1].isupper() for word in words)


def _speakers(rows: list[_Row]) -> set[str]:
    """The candidates that are names; all of them if bars or most lines say so."""
    named = [row for row in rows if row.name]
    counts = Counter(row.name for row in named)
    return {
        row.name
        for row in named
        if row.bar
        or counts[row.name] > 1
        or row is rows[0]
        or row.start_s is not None
        or (row.name.isupper() and len(row.name) > 1)
        or (len(named) > 1 and rows[0].name and len(named) * 2 >= len(rows))
    }
