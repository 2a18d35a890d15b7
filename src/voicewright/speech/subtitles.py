"""Subtitles from the real timings: SubRip and WebVTT."""

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from pathlib import Path

from voicewright.errors import BadSetting
from voicewright.speech.options import Subtitles
from voicewright.speech.speech import SpokenPiece

LINE_LETTERS, LINES = 42, 2
"""What fits on a screen and is read in time (BBC subtitle guidelines, Netflix timed text style guide)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cue:
    """A text on the screen from `start_ms` to `end_ms`."""

    start_ms: int
    end_ms: int
    text: str


def write_subtitles(parts: Sequence[SpokenPiece], path: Path, kind: Subtitles = "srt", *, words: bool = False) -> None:
    """Write the subtitles of `parts` to `path` (UTF-8).

    Args:
        words: a cue for each word instead of at most two lines of 42 letters.

    Raises:
        BadSetting: an unknown kind.
    """
    if kind not in ("srt", "vtt"):
        raise BadSetting(f"subtitles can be srt or vtt, not {kind!r}")
    path.write_text(subtitle_text(cues(parts, words=words), kind), "utf-8", newline="\n")


def cues(parts: Sequence[SpokenPiece], *, words: bool = False) -> Iterator[Cue]:
    """The cues of `parts`: in order, never overlapping, each lasting at least a millisecond.

    A piece too long for one cue is divided between words, and its time in proportion to the letters; the times of its
    words are used instead where the check measured them and heard as many words as were written.
    """
    free_ms = 0
    for part in parts:
        written = [word[i : i + LINE_LETTERS] for word in part.text.split() for i in range(0, len(word), LINE_LETTERS)]
        if not part.spoken or not written:
            continue
        times = _word_times(part, written)
        groups = [[index] for index in range(len(written))] if words else _groups(written)
        for group in groups:
            start_ms = max(free_ms, round(times[group[0]][0] * 1000))
            end_ms = max(start_ms + 1, round(times[group[-1]][1] * 1000))
            free_ms = end_ms
            yield Cue(start_ms=start_ms, end_ms=end_ms, text=lines(" ".join(written[i] for i in group)))


def subtitle_text(found: Iterator[Cue] | Sequence[Cue], kind: Subtitles) -> str:
    """The content of a subtitle file."""
    blocks = ["WEBVTT"] if kind == "vtt" else []
    for number, cue in enumerate(found, 1):
        times = f"{clock(cue.start_ms, kind)} --> {clock(cue.end_ms, kind)}"
        text = escape(cue.text, kind)
        blocks.append(f"{times}\n{text}" if kind == "vtt" else f"{number}\n{times}\n{text}")
    return "\n\n".join(blocks) + "\n"


def clock(ms: int, kind: Subtitles) -> str:
    """01:02:03,004 in SubRip, 01:02:03.004 in WebVTT."""
    seconds, rest = divmod(ms, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{seconds:02d}{',' if kind == 'srt' else '.'}{rest:03d}"


def escape(text: str, kind: Subtitles) -> str:
    """`text` so that a player shows it as it is.

    WebVTT has entities. SubRip has none: there an arrow that would look like a time line becomes →, and an angle
    bracket before a letter or a slash, which players take for a tag, becomes ‹.
    """
    if kind == "vtt":
        return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    text = text.replace("-->", "→")
    after = [*text[1:], ""]
    return "".join("‹" if c == "<" and (n.isalpha() or n == "/") else c for c, n in zip(text, after, strict=True))


def _word_times(part: SpokenPiece, written: Sequence[str]) -> list[tuple[float, float]]:
    """Start and end of each written word, seconds from the start of the whole."""
    heard = part.take.scores.word_times if part.take.scores else ()
    if len(heard) == len(written):
        return [(part.placed(word.start_s), part.placed(word.end_s)) for word in heard]
    letters = list(accumulate((len(word) + 1 for word in written), initial=0))
    per_letter = (part.end_s - part.start_s) / letters[-1]
    return [(part.start_s + a * per_letter, part.start_s + b * per_letter) for a, b in pairwise(letters)]


def _groups(written: Sequence[str]) -> Iterator[list[int]]:
    """Indices of the words of each cue: each cue takes as many words as its two lines hold."""
    group: list[int] = []
    for index, word in enumerate(written):
        text = " ".join([*(written[i] for i in group), word])
        if group and len(_wrapped(text, LINE_LETTERS)) > LINES:
            yield group
            group = []
        group.append(index)
    if group:
        yield group


def lines(text: str) -> str:
    """One line, or two of about the same length."""
    if len(text) <= LINE_LETTERS:
        return text
    widths = range(len(text) // LINES, LINE_LETTERS + 1)
    fitting = (found for width in widths if len(found := _wrapped(text, width)) <= LINES)
    return "\n".join(next(fitting, _wrapped(text, LINE_LETTERS)))


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, width, break_on_hyphens=False, break_long_words=False)
