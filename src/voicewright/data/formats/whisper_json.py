"""`whisper.json` as ai-voice-cloning keeps it: {file: {text, segments [{id, start, end, text}], language}}, and the
recordings beside it or in `audio/`.
"""

import json
import math
from collections.abc import Iterator, Mapping
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
    language_of,
    one_line,
    read_text,
)
from voicewright.data.paths import inside
from voicewright.data.problems import Problem
from voicewright.data.surgery import kept_words
from voicewright.data.utterance import TimedWord, Utterance
from voicewright.errors import BadDataset
from voicewright.progress import Progress

TITLE = "whisper.json and the recordings it speaks of"
LOOKS_FOR = "whisper.json"
NAME = "whisper.json"


def marks(folder: Path) -> bool:
    return (folder / NAME).is_file()


def export(dataset: Dataset, out: Path, options: ExportOptions, progress: Progress) -> Exported:
    shelf = Shelf(dataset=dataset, out=out, options=options, progress=progress)
    results: dict[str, Any] = {}
    for utterance in shelf.chosen():
        if path := shelf.add(utterance, "audio"):
            results[path.name] = as_result(utterance)
    write_results(out / NAME, results)
    return shelf.done()


def read(folder: Path, options: ImportOptions) -> Iterator[Found | Problem]:
    yield from read_results(folder / NAME, [folder / "audio", folder], options)


def as_result(utterance: Utterance) -> dict[str, Any]:
    """An utterance as Whisper tells of it, with word times."""
    words = [{"word": f" {w.text}", "start": w.start_s, "end": w.end_s} for w in utterance.words]
    for word, timed in zip(words, utterance.words, strict=True):
        if timed.score is not None:
            word["probability"] = timed.score
    segment = {"id": 0, "start": 0.0, "end": round(utterance.seconds, 4), "text": utterance.text}
    segments = [segment | ({"words": words} if words else {})] if utterance.text else []
    return {"text": utterance.text, "segments": segments, "language": utterance.language.split("-")[0]}


def write_results(path: Path, results: Mapping[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", "utf-8")


def load_results(path: Path) -> dict[str, Any]:
    """The results by file name. Raises BadDataset: not JSON, or not results."""
    try:
        given = json.loads(read_text(path))
    except ValueError as problem:
        raise BadDataset(f"{path}: not JSON ({problem})") from None
    if not isinstance(given, dict):
        raise BadDataset(f"{path}: expected results by file name, found {type(given).__name__}")
    return given


def read_results(path: Path, places: list[Path], options: ImportOptions) -> Iterator[Found | Problem]:
    """The segments of every file that the results name; files are looked for in `places`."""
    for name, result in load_results(path).items():
        where = f"{path.name}: {name}"
        try:
            audio = _recording(path.parent, places, name)
        except BadDataset as problem:
            yield Problem(where=where, what=str(problem))
            continue
        if not isinstance(result, dict) or not isinstance(result.get("segments", []), list):
            yield Problem(where=where, what="not a result of Whisper")
            continue
        yield from _segments(audio, result, where, options)


def words_of(result: object) -> tuple[TimedWord, ...]:
    """The words of a whole file, as far as Whisper gave their times."""
    segments = result.get("segments") if isinstance(result, dict) else None
    told = [each for each in segments if isinstance(each, dict)] if isinstance(segments, list) else []
    return tuple(word for segment in told for word in _words(segment, 0.0, math.inf))


def _segments(audio: Path, result: Mapping[str, Any], where: str, options: ImportOptions) -> Iterator[Found | Problem]:
    language = language_of(result.get("language"), options.language)
    segments = result.get("segments", [])
    if not segments:
        yield Found(audio=audio, name=audio.stem, text=one_line(str(result.get("text", ""))), language=language)
    for number, segment in enumerate(segments):
        found = (
            isinstance(segment, dict) and _time(segment.get("start")),
            isinstance(segment, dict) and _time(segment.get("end")),
        )
        start_s, end_s = found
        if not isinstance(start_s, float) or not isinstance(end_s, float) or end_s <= start_s:
            yield Problem(where=f"{where}, segment {number}", what="it has no start before an end")
            continue
        text = str(segment.get("text", "")).strip()
        yield Found(
            audio=audio,
            name=audio.stem if len(segments) == 1 else f"{audio.stem}_{number:05}",
            text=text,
            language=language,
            span_s=(start_s, end_s),
            words=kept_words(tuple(_words(segment, start_s, end_s)), text),
        )


def _words(segment: Mapping[str, Any], start_s: float, end_s: float) -> Iterator[TimedWord]:
    words = segment.get("words")
    for word in words if isinstance(words, list) else []:
        if not isinstance(word, dict):
            continue
        said, ended = _time(word.get("start")), _time(word.get("end"))
        if said is None or ended is None:
            continue
        score = _time(word.get("probability", word.get("score")))
        times = (min(max(0.0, time - start_s), end_s - start_s) for time in (said, ended))
        text = str(word.get("word", "")).strip()
        yield TimedWord(text=text, score=score, **dict(zip(("start_s", "end_s"), times, strict=True)))


def _time(value: object) -> float | None:
    plain = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if plain and math.isfinite(value) else None  # type: ignore[arg-type]


def _recording(folder: Path, places: list[Path], name: str) -> Path:
    inside(folder, name)
    for place in places:
        if found := audio_for(place, name) or audio_for(place, Path(name).stem):
            return found
    raise BadDataset(f"there is no recording {name!r}")
