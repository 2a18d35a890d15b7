"""LJSpeech: `wavs/ID.wav` and `metadata.csv`, lines `ID|text|normalised text` without quotes.

The format knows one speaker, no splits and no language. A text cannot hold "|" or line breaks: they become spaces.
"""

from collections.abc import Iterator
from pathlib import Path

from voicewright.data.dataset import Dataset
from voicewright.data.formats.base import (
    Exported,
    ExportOptions,
    Found,
    ImportOptions,
    Shelf,
    audio_for,
    lines_of,
    one_line,
    spoken,
)
from voicewright.data.paths import inside
from voicewright.data.problems import Problem
from voicewright.errors import BadDataset
from voicewright.progress import Progress

TITLE = "LJSpeech: metadata.csv with 2 or 3 columns, wavs/"
LOOKS_FOR = "metadata.csv with lines ID|text"
LIST = "metadata.csv"
RATE = 22_050


def marks(folder: Path) -> bool:
    path = folder / LIST
    if not path.is_file():
        return False
    with path.open(encoding="utf-8", errors="replace") as file:
        return "|" in file.readline()


def export(dataset: Dataset, out: Path, options: ExportOptions, progress: Progress) -> Exported:
    shelf = Shelf(dataset=dataset, out=out, options=options, progress=progress, rate=RATE)
    lines, speakers = [], set()
    for utterance in shelf.chosen():
        text = column(utterance.text)
        if not text:
            shelf.note(utterance, "left out: it has no text")
            continue
        if "|" in utterance.text:
            shelf.note(utterance, 'the text holds "|", which separates columns here; written as a space')
        if path := shelf.add(utterance, "wavs"):
            lines.append(f"{path.stem}|{text}|{column(spoken(text, utterance.language))}\n")
            speakers.add(utterance.speaker)
    (out / LIST).write_text("".join(lines), "utf-8", newline="\n")
    if len(speakers) > 1:
        shelf.problems.append(
            Problem(where=LIST, what=f"the format has one speaker; these became one: {speakers_text(speakers)}")
        )
    return shelf.done()


def read(folder: Path, options: ImportOptions) -> Iterator[Found | Problem]:
    for where, line in lines_of(folder / LIST):
        name, *columns = line.split("|")
        if not columns:
            yield Problem(where=where, what='no "|" between id and text')
            continue
        try:
            audio = clip_called(folder, name)
        except BadDataset as problem:
            yield Problem(where=where, what=str(problem))
            continue
        yield Found(audio=audio, name=audio.stem, text=columns[0].strip())


def clip_called(folder: Path, name: str) -> Path:
    """The clip that a list calls so: in wavs/ or beside the list, with or without an ending.

    Raises:
        BadDataset: there is none, or the name leads out of the folder.
    """
    for place in (folder / "wavs", folder / "audio", folder):
        inside(folder, (place / name).relative_to(folder).as_posix() if not Path(name).is_absolute() else name)
        if place.is_dir() and (found := audio_for(place, name)):
            return found
    raise BadDataset(f"there is no clip {name!r} in wavs/ or beside the list")


def column(text: str) -> str:
    """The text as one column can hold it."""
    return one_line(text.replace("|", " "))


def speakers_text(speakers: set[str]) -> str:
    return ", ".join(sorted(speakers)[:5]) + (" …" if len(speakers) > 5 else "")
