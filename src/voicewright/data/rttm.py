"""RTTM, the exchange format of speaker turns (NIST, Rich Transcription 2009, appendix A).

One turn a line: `SPEAKER file channel start seconds <NA> <NA> speaker <NA> <NA>`; the last field may be missing.
"""

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from voicewright.data.turns import Turn, with_overlaps
from voicewright.errors import BadDataset

KINDS = {"SPEAKER", "SPKR-INFO", "SEGMENT", "NOSCORE", "NO_RT_METADATA", "LEXEME", "NON-LEX", "NON-SPEECH", "FILLER",
         "EDIT", "SU", "IP", "CB", "A/P"}  # fmt: skip
"""Every line type of the format; turns are in the first, the others are passed over."""


def read_rttm(path: Path) -> dict[str, list[Turn]]:
    """The turns by recording, as the file names it; in order, overlaps found and marked.

    Lines that begin with ";;" and line types without turns are passed over. Turns of no length are left out.

    Raises:
        BadDataset: no such file, not text, or a line that is not RTTM; the message names the line.
    """
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as problem:
        raise BadDataset(f"{path}: cannot be read as text ({problem}); an RTTM file is needed") from None
    found: dict[str, list[Turn]] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.startswith(";;"):
            continue
        recording, turn = _parsed(line.split(), f"{path}, line {number}")
        turns = found.setdefault(recording, []) if recording else []
        if turn:
            turns.append(turn)
    return {recording: with_overlaps(turns) for recording, turns in found.items()}


def write_rttm(path: Path, recordings: Mapping[str, Sequence[Turn]]) -> None:
    """Write turns, to the millisecond. White space in names becomes "_", because it separates the fields.

    Raises:
        BadDataset: two names become one, or a name is empty.
    """
    files = _fields(recordings, str(path))
    speakers = _fields({turn.speaker for turns in recordings.values() for turn in turns}, str(path))
    lines = [
        f"SPEAKER {files[recording]} 1 {turn.start_s:.3f} {turn.seconds:.3f} <NA> <NA> {speakers[turn.speaker]} "
        "<NA> <NA>\n"
        for recording, turns in recordings.items()
        for turn in sorted(turns)
    ]
    path.write_text("".join(lines), "utf-8", newline="\n")


def _parsed(fields: Sequence[str], where: str) -> tuple[str, Turn | None]:
    """The recording's name ("" for a line without turns) and the turn."""
    if fields[0] not in KINDS:
        raise BadDataset(f"{where}: {fields[0][:40]!r} is no line type of RTTM; a turn begins with SPEAKER")
    if fields[0] != "SPEAKER":
        return "", None
    if not 8 <= len(fields) <= 10:
        raise BadDataset(f"{where}: a SPEAKER line has 9 or 10 fields, this has {len(fields)}")
    start_s, seconds = (_number(fields[i], what, where) for i, what in ((3, "start"), (4, "duration")))
    if fields[7] == "<NA>":
        raise BadDataset(f"{where}: the turn has no speaker (field 8 is <NA>)")
    return fields[1], Turn(start_s, start_s + seconds, fields[7]) if seconds else None


def _number(text: str, what: str, where: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value < 1e7:
        raise BadDataset(f"{where}: the {what} must be seconds, 0 or more, not {text[:40]!r}")
    return value


def _fields(names: Mapping[str, object] | set[str], where: str) -> dict[str, str]:
    made = {name: re.sub(r"\s+", "_", name.strip()) for name in sorted(names)}
    if "" in made.values():
        raise BadDataset(f"{where}: a recording or a speaker without a name cannot be written as RTTM")
    taken: dict[str, str] = {}
    for name, field in made.items():
        if field in taken:
            raise BadDataset(f"{where}: {taken[field]!r} and {name!r} are one name in RTTM; rename one")
        taken[field] = name
    return made
