"""Hugging Face `datasets`, audiofolder: `SPLIT/metadata.jsonl` with a `file_name`, and the clips beside it.

`load_dataset("audiofolder", data_dir=…)` reads it. Every column has one type in every split. The column `voicewright`
holds all that the manifest knows, as JSON: nothing is lost on the way back; what was changed in the other columns since
is taken from them. `metadata.csv` is read too.
"""

import csv
import json
from collections.abc import Iterator, Mapping
from io import StringIO
from pathlib import Path
from typing import Any

from voicewright.data.dataset import Dataset
from voicewright.data.formats.base import (
    SPLIT_NAMES,
    Exported,
    ExportOptions,
    Found,
    ImportOptions,
    Shelf,
    given_text,
    language_of,
    lines_of,
    read_text,
)
from voicewright.data.manifest import to_plain, write_lines
from voicewright.data.paths import inside
from voicewright.data.problems import Problem
from voicewright.data.surgery import kept_words
from voicewright.data.utterance import Split, Utterance
from voicewright.errors import BadDataset, BadSetting
from voicewright.progress import Progress
from voicewright.settings import from_dict

TITLE = "Hugging Face datasets (audiofolder): SPLIT/metadata.jsonl"
LOOKS_FOR = "metadata.jsonl, or metadata.csv with a column file_name, in it or in its split folders"
NAMES = ("metadata.jsonl", "metadata.csv")
TEXT = ("text", "transcription", "transcript", "sentence", "normalized_text")
SPEAKER = ("speaker", "speaker_id", "speaker_name", "client_id")
LANGUAGE = ("language", "lang", "locale")
FILE = ("file_name", "audio_file_name")


def marks(folder: Path) -> bool:
    return any(path.name.endswith(".jsonl") or _names_files(path) for path in _lists(folder))


def export(dataset: Dataset, out: Path, options: ExportOptions, progress: Progress) -> Exported:
    shelf = Shelf(dataset=dataset, out=out, options=options, progress=progress)
    rows: dict[Split, list[dict[str, Any]]] = {"train": [], "validation": [], "test": []}
    for utterance in shelf.chosen():
        if path := shelf.add(utterance, utterance.split):
            rows[utterance.split].append(
                {
                    "file_name": path.name,
                    "text": utterance.text,
                    "speaker": utterance.speaker,
                    "language": utterance.language,
                    "seconds": round(float(utterance.seconds), 4),
                    "gold": utterance.gold,
                    "voicewright": json.dumps(to_plain(utterance), ensure_ascii=False),
                }
            )
    for split, lines in rows.items():
        if lines:
            write_lines(out / split / "metadata.jsonl", lines)
    return shelf.done()


def read(folder: Path, options: ImportOptions) -> Iterator[Found | Problem]:
    for path in _lists(folder):
        where = path.relative_to(folder).as_posix()
        try:
            rows = list(_rows(path))
        except BadDataset as problem:
            yield Problem(where=where, what=str(problem))
            continue
        for number, row in enumerate(rows, start=1):
            if isinstance(row, str):
                yield Problem(where=f"{where}, line {number}", what=row)
                continue
            try:
                yield _found(row, path, folder, options)
            except BadDataset as problem:
                yield Problem(where=f"{where}, line {number}", what=str(problem))


def _found(row: Mapping[str, Any], path: Path, folder: Path, options: ImportOptions) -> Found:
    name = given_text(row, *FILE)
    if not name:
        raise BadDataset("it has no file_name")
    audio = inside(folder, (path.parent.relative_to(folder) / name).as_posix())
    if not audio.is_file():
        raise BadDataset(f"there is no clip {name!r}")
    known = _known(row)
    text = given_text(row, *TEXT).strip() if known is None else str(row.get("text", known.text))
    return Found(
        audio=audio,
        name=known.id if known else audio.stem,
        text=text,
        speaker=given_text(row, *SPEAKER),
        language=known.language if known else language_of(given_text(row, *LANGUAGE), options.language),
        gold=bool(known and known.gold),
        split=_split(audio.relative_to(folder)),
        words=kept_words(known.words, text) if known else (),
        known=known,
    )


def _known(row: Mapping[str, Any]) -> Utterance | None:
    told = row.get("voicewright")
    if not isinstance(told, str):
        return None
    try:
        given = json.loads(told)
        return from_dict(Utterance, given, where="voicewright") if isinstance(given, dict) else None
    except (ValueError, BadSetting) as problem:
        raise BadDataset(f"the column voicewright cannot be read: {problem}") from None


def _rows(path: Path) -> Iterator[dict[str, Any] | str]:
    """Rows, or what is wrong with them."""
    if path.suffix == ".csv":
        yield from csv.DictReader(StringIO(read_text(path), newline=""))
        return
    for _, line in lines_of(path):
        try:
            row = json.loads(line)
        except ValueError as problem:
            yield f"not JSON ({problem})"
            continue
        yield row if isinstance(row, dict) else "not an object"


def _lists(folder: Path) -> list[Path]:
    found = [
        path
        for name in NAMES
        for path in (folder / name, *sorted(folder.glob(f"*/{name}")), *sorted(folder.glob(f"data/*/{name}")))
    ]
    return [path for path in found if path.is_file()]


def _names_files(path: Path) -> bool:
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        return any(name in file.readline().replace('"', "").strip().split(",") for name in FILE)


def _split(path: Path) -> Split:
    return next((SPLIT_NAMES[part.lower()] for part in path.parts[:-1] if part.lower() in SPLIT_NAMES), "train")
