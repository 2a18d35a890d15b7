"""Tables from recordings to their texts: `name: text`, `name|text`, tabs, and CSV with a header."""

import csv
import io
import re
from collections.abc import Collection, Mapping, Sequence

from voicewright.data.transcripts.line import Line
from voicewright.data.transcripts.names import known, looks_like_file
from voicewright.data.transcripts.tagged import seconds_of
from voicewright.errors import BadDataset

LARGEST_CELL = 1_000_000
NAMES = frozenset((
    "name", "file", "filename", "file_name", "path", "file_path", "audio", "audio_path", "audio_file", "wav",
    "wav_path", "id", "clip", "utterance", "recording",
))  # fmt: skip
TEXTS = frozenset(("text", "transcript", "transcription", "sentence", "words", "content"))
SPEAKERS = frozenset(("speaker", "speaker_id", "speaker_name", "client_id", "voice"))
STARTS, ENDS = frozenset(("start", "start_s", "start_time", "begin")), frozenset(("end", "end_s", "end_time", "stop"))
_ROW = re.compile(r"^(?P<name>[^|\t:]{1,300}?)\s*(?P<mark>\t|\||:(?=\s|$))\s*(?P<rest>.*)$")
_COMMENT = re.compile(r"^\s*(?:[;#]|//)")

Table = dict[str, tuple[Line, ...]]


def read_table(text: str, place: str, names: Collection[str]) -> Table | None:
    """A table without a header; None if the text does not look like one.

    It is one if most of its names are those of the recordings `names`, or, when none is, if they look like names of
    files and none comes twice. Lines that begin with `;`, `#` or `//` are comments. Of `name|text|text as it is read`
    (LJSpeech) the first text counts, of `name|speaker|text` the last.
    """
    rows = _rows(text)
    if not rows or not _is_table([name for _, name, _ in rows], names):
        return None
    speakers = _speaker_column([rest for _, _, rest in rows])
    table: dict[str, list[Line]] = {}
    for number, name, rest in rows:
        speaker, words = (rest[0], rest[1]) if speakers and len(rest) > 1 else ("", rest[0])
        line = Line(text=words.strip(), speaker=speaker.strip(), place=f"{place}, line {number}")
        table.setdefault(name, []).append(line)
    return {name: tuple(lines) for name, lines in table.items()}


def _rows(text: str) -> list[tuple[int, str, list[str]]]:
    """(line number, name, columns); a line that starts no row of its own goes on with the one above."""
    rows: list[tuple[int, str, list[str]]] = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip() or _COMMENT.match(line):
            continue
        if match := _ROW.match(line):
            mark = match["mark"]
            columns = match["rest"].split(mark) if mark in "|\t" else [match["rest"]]
            rows.append((number, match["name"].strip(), columns))
        elif rows:
            rows[-1][2][-1] += f" {line.strip()}"
        else:
            return []
    return rows


def _is_table(found: Sequence[str], names: Collection[str]) -> bool:
    distinct = set(found)
    if len(distinct) * 2 <= len(found) and len(found) > 2:  # the same few names again and again: people
        return False
    matching = known(distinct, names)
    if matching:
        return matching * 2 >= min(len(distinct), max(1, len(names)))
    return len(distinct) == len(found) and sum(map(looks_like_file, found)) * 2 > len(found)


def _speaker_column(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first of several columns is a speaker: no spaces, and few different ones."""
    firsts = [row[0].strip() for row in rows if len(row) > 1 and row[1].strip()]
    return 0 < len(set(firsts)) * 2 <= len(firsts) + 1 and not any(" " in first for first in firsts)


def read_csv(text: str, place: str) -> tuple[tuple[Line, ...], Table] | None:
    """A table with a header line (commas, semicolons, tabs or bars); None if the first line is none.

    With a column of names: a table; without: lines of one recording.

    Raises:
        BadDataset: a row without the columns that the header promises.
    """
    csv.field_size_limit(LARGEST_CELL)
    head = text.lstrip("\n").split("\n", 1)[0]
    mark = max(",;\t|", key=head.count)
    columns = [cell.strip().strip('"').lower() for cell in head.split(mark)]
    text_column = next((column for column in columns if column in TEXTS), "")
    if not text_column or (len(columns) == 1 and text_column not in ("transcript", "transcription", "text")):
        return None
    name_column = next((column for column in columns if column in NAMES), "")
    lines: list[Line] = []
    table: dict[str, list[Line]] = {}
    reader = csv.DictReader(io.StringIO(text.lstrip("\n")), fieldnames=columns, delimiter=mark, restkey="_more")
    for row in list(_filled(reader, place))[1:]:
        line = _line(row, text_column, place)
        if name_column:
            table.setdefault(str(row[name_column]).strip(), []).append(line)
        else:
            lines.append(line)
    return tuple(lines), {name: tuple(rows) for name, rows in table.items()}


def _filled(reader: "csv.DictReader[str]", place: str) -> list[Mapping[str, str]]:
    rows: list[Mapping[str, str]] = []
    try:
        for row in reader:
            where = f"{place}, line {reader.line_num}"
            missing = [column for column, cell in row.items() if cell is None]
            if missing:
                raise BadDataset(f"{where}: no {missing[0]!r}; the header names {len(row)} columns")
            if "_more" in row:
                raise BadDataset(f"{where}: more cells than the header has columns; put texts with commas in quotes")
            rows.append({**row, "_line": str(reader.line_num)})
    except csv.Error as problem:
        raise BadDataset(f"{place}, line {reader.line_num}: {problem}; check the quotes") from None
    return rows


def _line(row: Mapping[str, str], text_column: str, place: str) -> Line:
    where = f"{place}, line {row['_line']}"
    speaker = next((row[column] for column in row if column in SPEAKERS), "")
    return Line(
        text=row[text_column].strip(),
        speaker=speaker.strip(),
        start_s=_time(row, STARTS, where),
        end_s=_time(row, ENDS, where),
        place=where,
    )


def _time(row: Mapping[str, str], columns: Collection[str], where: str) -> float | None:
    cell = next((row[column].strip() for column in row if column in columns), "")
    try:
        return seconds_of(cell) if cell else None
    except ValueError:
        raise BadDataset(f"{where}: {cell!r} is no time; write seconds or h:mm:ss") from None
