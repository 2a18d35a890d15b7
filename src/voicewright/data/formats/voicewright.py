"""A dataset of voicewright itself, for a copy without what is dropped, at another rate, or of another's folder."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from voicewright.audio.files import describe, sha256_of
from voicewright.data.dataset import CLIPS, INFO, Dataset
from voicewright.data.formats.base import Exported, ExportOptions, Found, ImportOptions, Shelf
from voicewright.data.manifest import NAME as MANIFEST
from voicewright.data.problems import Problem
from voicewright.errors import BadClip, BadDataset
from voicewright.progress import Progress

TITLE = "voicewright: manifest.jsonl, clips/"
LOOKS_FOR = "dataset.json and manifest.jsonl"


def marks(folder: Path) -> bool:
    return (folder / INFO).is_file() and (folder / MANIFEST).is_file()


def export(dataset: Dataset, out: Path, options: ExportOptions, progress: Progress) -> Exported:
    shelf = Shelf(dataset=dataset, out=out, options=options, progress=progress)
    copies = []
    for utterance in shelf.chosen():
        if path := shelf.add(utterance, CLIPS):
            about = describe(path)
            copies.append(
                replace(
                    utterance,
                    audio=path.relative_to(out).as_posix(),
                    sha256=sha256_of(path),
                    seconds=about.seconds,
                    rate=about.rate,
                )
            )
    Dataset.create(out, dataset.info.name, dataset.info.options).replace_base(copies)
    return shelf.done()


def read(folder: Path, options: ImportOptions) -> Iterator[Found | Problem]:
    dataset = Dataset.open(folder)
    for utterance in dataset.utterances():
        try:
            audio = dataset.audio(utterance)
            if sha256_of(audio) != utterance.sha256:
                yield Problem(
                    where=utterance.id, what=f"{utterance.audio} was changed since it was listed; taken as it is"
                )
        except (BadDataset, BadClip) as problem:
            yield Problem(where=utterance.id, what=str(problem))
            continue
        yield Found(
            audio=audio,
            name=utterance.id,
            text=utterance.text,
            speaker=utterance.speaker,
            language=utterance.language,
            gold=utterance.gold,
            split=utterance.split,
            words=utterance.words,
            known=utterance,
        )
