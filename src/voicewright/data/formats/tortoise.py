"""The dataset of ai-voice-cloning (TorToiSe): `train.txt` and `validation.txt` with lines `audio/NAME.wav|text`, the
clips in `audio/` with 22,050 Hz and 16 bit, `whisper.json`.

Its trainer takes clips of 0.6 to 11.6 s and texts of up to 200 characters; others are left out and told. It knows one
speaker. A text cannot hold "|" or line breaks: they become spaces.
"""

from collections.abc import Iterator
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
    lines_of,
)
from voicewright.data.formats.ljspeech import column, speakers_text
from voicewright.data.formats.whisper_json import NAME as RESULTS
from voicewright.data.formats.whisper_json import as_result, load_results, words_of, write_results
from voicewright.data.paths import inside
from voicewright.data.problems import Problem
from voicewright.data.surgery import kept_words
from voicewright.data.utterance import Split, Utterance
from voicewright.engines.clips import clip_limits
from voicewright.errors import BadDataset
from voicewright.progress import Progress

TITLE = "TorToiSe (ai-voice-cloning): train.txt, validation.txt, audio/, whisper.json"
LOOKS_FOR = "train.txt with lines audio/NAME.wav|text"
LISTS: dict[str, Split] = {"train.txt": "train", "validation.txt": "validation", "test.txt": "test"}


def marks(folder: Path) -> bool:
    path = folder / "train.txt"
    if not path.is_file():
        return False
    with path.open(encoding="utf-8", errors="replace") as file:
        return "|" in file.readline()


def export(dataset: Dataset, out: Path, options: ExportOptions, progress: Progress) -> Exported:
    limits = clip_limits("tortoise")
    shelf = Shelf(dataset=dataset, out=out, options=options, progress=progress, rate=limits.rate)
    lines: dict[str, list[str]] = {"train": [], "validation": [], "test": []}
    results: dict[str, Any] = {}
    speakers = set()
    for utterance in shelf.chosen():
        text = column(utterance.text)
        if reason := _unfit(utterance, text):
            shelf.note(utterance, f"left out: {reason}")
            continue
        if "|" in utterance.text:
            shelf.note(utterance, 'the text holds "|", which separates columns here; written as a space')
        if path := shelf.add(utterance, "audio"):
            lines[utterance.split].append(f"audio/{path.name}|{text}")
            results[path.name] = as_result(utterance)
            speakers.add(utterance.speaker)
    for name, split in LISTS.items():
        if lines[split] or split != "test":
            (out / name).write_text("\n".join(lines[split]), "utf-8", newline="\n")
    write_results(out / RESULTS, results)
    if len(speakers) > 1:
        shelf.problems.append(
            Problem(where="train.txt", what=f"the format has one speaker; these became one: {speakers_text(speakers)}")
        )
    return shelf.done()


def read(folder: Path, options: ImportOptions) -> Iterator[Found | Problem]:
    results: dict[str, Any] = {}
    if (folder / RESULTS).is_file():
        try:
            results = load_results(folder / RESULTS)
        except BadDataset as problem:
            yield Problem(where=RESULTS, what=str(problem))
    # A slice of a recording is called by the recording's stem and five digits.
    languages = {Path(name).stem: each.get("language") for name, each in results.items() if isinstance(each, dict)}
    for name, split in LISTS.items():
        for where, line in lines_of(folder / name) if (folder / name).is_file() else ():
            path, bar, text = line.partition("|")
            try:
                inside(folder, path)
                audio = audio_for(folder, path) if bar else None
            except BadDataset as problem:
                yield Problem(where=where, what=str(problem))
                continue
            if audio is None:
                yield Problem(where=where, what=f"there is no clip {path!r}" if bar else 'no "|" between clip and text')
                continue
            text = text.split("|")[0].strip()
            code = languages.get(audio.stem) or languages.get(audio.stem.rpartition("_")[0])
            yield Found(
                audio=audio,
                name=audio.stem,
                text=text,
                split=split,
                words=kept_words(words_of(results.get(audio.name)), text),
                language=language_of(code, options.language),
            )


def _unfit(utterance: Utterance, text: str) -> str:
    limits = clip_limits("tortoise")
    if not text:
        return "it has no text"
    if not limits.shortest_s < utterance.seconds < limits.longest_s:
        return f"it lasts {utterance.seconds:.2f} s; the trainer takes {limits.shortest_s:g} to {limits.longest_s:g} s"
    if len(text) > limits.longest_text:
        return f"its text has {len(text)} characters; the trainer takes {limits.longest_text}"
    return ""
