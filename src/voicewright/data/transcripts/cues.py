"""Subtitles: SubRip and WebVTT, by pysubs2."""

import html
import re

from voicewright.data.transcripts.line import Line
from voicewright.data.transcripts.tagged import split_voice
from voicewright.errors import BadDataset

_VOICE = re.compile(r"<v(?:\.[^\s>]*)?\s+([^>]+)>")
_DASHED = re.compile(r"^\s*[-–—]\s*(?=\S)")


def read_cues(text: str, place: str) -> tuple[Line, ...]:
    """A line for each cue, or for each voice in it (`<v Name>`, `NAME:`, `- ` at the start of its rows).

    A name holds for its cue only. Several voices in a cue share its time, which is then not given to either.

    Raises:
        BadDataset: no cue in it.
    """
    from pysubs2 import SSAFile
    from pysubs2.exceptions import Pysubs2Error

    kept, names = _VOICE.subn(r"\\v{\1}", text)
    try:
        events = SSAFile.from_string(kept, format_="vtt" if kept.lstrip().startswith("WEBVTT") else "srt").events
    except (Pysubs2Error, ValueError) as problem:
        raise BadDataset(f"{place}: not subtitles that can be read ({problem}); save them as .srt or .vtt") from None
    if not events:
        raise BadDataset(f"{place}: no cues (lines with times as in 00:01:02,500 --> 00:01:04,000)")
    lines: list[Line] = []
    for number, event in enumerate(events, start=1):
        where = f"{place}, cue {number}"
        voices = _voices(re.sub(r"\{\\[^}]*\}", "", event.text).replace(r"\N", "\n").replace(r"\h", " "), bool(names))
        times = (event.start / 1000, event.end / 1000) if len(voices) == 1 else (None, None)
        lines += [
            Line(text=words, speaker=speaker, start_s=times[0], end_s=times[1], place=where)
            for speaker, words in voices
        ]
    return tuple(lines)


def _voices(text: str, tagged: bool) -> list[tuple[str, str]]:
    """(speaker, words) of a cue."""
    if tagged:
        parts = re.split(r"\\v\{([^}]*)\}", text)
        found = [("", parts[0]), *zip(parts[1::2], parts[2::2], strict=True)]
    else:
        found = []
        for row in text.split("\n"):
            speaker, words = split_voice(_DASHED.sub("", row))
            if speaker or not found or (_DASHED.match(row) and text.lstrip()[:1] in "-–—"):
                found.append((speaker, words))
            else:
                found[-1] = (found[-1][0], f"{found[-1][1]} {words}")
    plain = [(html.unescape(name).strip(), " ".join(html.unescape(words).split())) for name, words in found]
    return [(name, words) for name, words in plain if words]
