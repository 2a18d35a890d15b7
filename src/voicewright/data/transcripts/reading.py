"""Reading a transcript, whatever kind it is, and finding what belongs to a recording."""

import contextlib
import re
from collections.abc import Collection
from pathlib import Path

from voicewright.data.transcripts.cues import read_cues
from voicewright.data.transcripts.decoding import read_text
from voicewright.data.transcripts.grids import read_grid
from voicewright.data.transcripts.line import Line, Transcript
from voicewright.data.transcripts.names import key_of, match_key
from voicewright.data.transcripts.segments import read_segments
from voicewright.data.transcripts.tables import read_csv, read_table
from voicewright.data.transcripts.tagged import read_tagged
from voicewright.errors import BadDataset

BESIDE = (".TextGrid", ".textgrid", ".srt", ".vtt", ".normalized.txt", ".txt", ".lab")
"""Endings of a transcript beside its recording, the most telling first. JSON is not among them: a program wrote it."""
ENDINGS = (*BESIDE, ".json", ".csv", ".tsv", ".text", ".md")
_ARROW = re.compile(r"\d\d:\d\d[.,]\d{1,3}\s*-->\s*(?:\d+:)?\d\d:\d\d")


def read_transcript(path: Path, names: Collection[str] = ()) -> Transcript:
    """What a human wrote down, from speaker-tagged or plain text, SRT, VTT, TextGrid, Whisper's JSON, or a table.

    Tables are `name: text`, `name|text` (LJSpeech), tabs, or CSV with a header. The content decides more than the
    ending; .gz is unpacked.

    Args:
        names: the recordings' names or relative paths; they tell a table of recordings from speakers' names.

    Raises:
        BadDataset: it cannot be read, says nothing, or is of no known kind; the message says file, line and what to do.
    """
    text = read_text(path)
    place = path.name
    head = text.lstrip()[:2000]
    ending = Path(path.name.lower().removesuffix(".gz")).suffix
    lines: tuple[Line, ...] = ()
    table: dict[str, tuple[Line, ...]] = {}
    if "ooTextFile" in head[:200] or ending == ".textgrid":
        lines = read_grid(text, place)
    elif head.startswith("WEBVTT") or _ARROW.search(head):
        lines = read_cues(text, place)
    elif ending == ".json" or head[:1] == "{":
        lines, table = read_segments(text, place)
    elif ending in (".srt", ".vtt"):
        raise BadDataset(f"{path}: no cues (lines with times as in 00:01:02,500 --> 00:01:04,000)")
    elif found := read_csv(text, place):
        lines, table = found
    else:
        table = read_table(text, place, names) or {}
        lines = () if table else read_tagged(text, place)
    if not lines and not table:
        raise BadDataset(f"{path}: nothing is said in it; write down the words, or leave the transcript out")
    _check_times([*lines, *(line for own in table.values() for line in own)])
    return Transcript(path=path, lines=lines, table=table)


def _check_times(lines: Collection[Line]) -> None:
    """Raises BadDataset for a line that ends before it begins, or begins before the recording."""
    for line in lines:
        start_s, end_s = line.start_s, line.end_s
        times = [each for each in (start_s, end_s) if each is not None]
        backwards = start_s is not None and end_s is not None and end_s < start_s
        if backwards or any(not 0 <= each < float("inf") for each in times):
            raise BadDataset(
                f"{line.place}: from {start_s} to {end_s} s is no stretch of a recording; correct the times"
            )


def for_recording(transcript: Transcript, name: str, relative_path: str, only_one: bool) -> list[Line] | None:
    """The lines of one recording; None if the transcript says nothing about it.

    Args:
        name: the recording's name in the dataset.
        relative_path: its path below the folder of recordings, with "/".
        only_one: there is only one recording, so lines without names are its own.
    """
    if transcript.table:
        for wanted in (relative_path, name):
            if (key := match_key(transcript.table.keys(), wanted)) is not None:
                return list(transcript.table[key])
        return None
    own = key_of(_stem(transcript.path.name)) in {key_of(Path(relative_path).name), key_of(name)}
    return list(transcript.lines) if only_one or own else None


def beside(recording: Path) -> Path | None:
    """The transcript next to a recording: `clip.txt`, `clip.normalized.txt`, `clip.srt` … beside `clip.wav`."""
    for ending in BESIDE:
        for packed in ("", ".gz"):
            path = recording.with_name(f"{recording.stem}{ending}{packed}")
            with contextlib.suppress(OSError):  # a name that is as long as names may be has no room for the ending
                if path.is_file():
                    return path
    return None


def _stem(name: str) -> str:
    name = name.removesuffix(".gz")
    for ending in sorted(ENDINGS, key=len, reverse=True):
        if name.lower().endswith(ending.lower()):
            return name[: -len(ending)]
    return name
