"""VALL-E: recordings in `voices/GROUP/SPEAKER/`, what Whisper heard in `training/metadata/GROUP/SPEAKER/whisper.json`,
and `metadata/GROUP/SPEAKER.json` with {id: {text, language, duration}}.
"""

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from voicewright.data.dataset import Dataset
from voicewright.data.formats.base import (
    Exported,
    ExportOptions,
    Found,
    ImportOptions,
    Shelf,
    audio_for,
    given_text,
    language_of,
)
from voicewright.data.formats.whisper_json import as_result, load_results, read_results, write_results
from voicewright.data.problems import Problem
from voicewright.errors import BadDataset
from voicewright.progress import Progress

TITLE = "VALL-E: voices/GROUP/SPEAKER/, training/metadata/GROUP/SPEAKER/whisper.json"
LOOKS_FOR = "training/metadata/GROUP/SPEAKER/whisper.json, or metadata/GROUP/SPEAKER.json with voices/"
RESULTS = "training/metadata/*/*/whisper.json"
DURATIONS = "metadata/*/*.json"


def marks(folder: Path) -> bool:
    if any(folder.glob(RESULTS)):
        return True
    return (folder / "voices").is_dir() and any(folder.glob(DURATIONS))


def export(dataset: Dataset, out: Path, options: ExportOptions, progress: Progress) -> Exported:
    shelf = Shelf(dataset=dataset, out=out, options=options, progress=progress)
    group = shelf.folder_of(dataset.info.name or "dataset")
    results: dict[str, dict[str, Any]] = defaultdict(dict)
    metadata: dict[str, dict[str, Any]] = defaultdict(dict)
    for utterance in shelf.chosen():
        speaker = shelf.folder_of(utterance.speaker)
        if path := shelf.add(utterance, f"voices/{group}/{speaker}"):
            result = as_result(utterance)
            results[speaker][path.name] = result
            about = {"text": utterance.text, "language": result["language"], "duration": round(utterance.seconds, 4)}
            metadata[speaker][path.stem] = about
    for speaker, told in results.items():
        write_results(out / "training" / "metadata" / group / speaker / "whisper.json", told)
        write_results(out / "metadata" / group / f"{speaker}.json", metadata[speaker])
    return shelf.done()


def read(folder: Path, options: ImportOptions) -> Iterator[Found | Problem]:
    seen: set[tuple[str, str]] = set()
    for path in sorted(folder.glob(RESULTS)):
        group, speaker = path.parts[-3:-1]
        seen.add((group, speaker))
        places = [folder / "voices" / group / speaker, path.parent / "audio", path.parent]
        try:
            for each in read_results(path, places, options):
                yield each if isinstance(each, Problem) else replace(each, speaker=speaker)
        except BadDataset as problem:
            yield Problem(where=str(path.relative_to(folder)), what=str(problem))
    for path in sorted(folder.glob(DURATIONS)):
        if (path.parent.name, path.stem) not in seen:
            yield from _listed(path, folder, options)


def _listed(path: Path, folder: Path, options: ImportOptions) -> Iterator[Found | Problem]:
    """The clips of a speaker without Whisper's results."""
    where = path.relative_to(folder).as_posix()
    try:
        told = load_results(path)
    except BadDataset as problem:
        yield Problem(where=where, what=str(problem))
        return
    place = folder / "voices" / path.parent.name / path.stem
    for name, about in told.items():
        plain = Path(name).name == name
        audio = audio_for(place, name) if plain else None
        if audio is None or not isinstance(about, dict):
            yield Problem(where=f"{where}: {json.dumps(name)}", what=f"there is no clip of that name in {place}")
            continue
        language = language_of(about.get("language"), options.language)
        yield Found(audio=audio, name=name, text=given_text(about, "text"), speaker=path.stem, language=language)
