"""so-vits-svc: `dataset_raw/SPEAKER/NAME.wav`, and lists of them in `filelists/{train,val,test}.txt`.

No text, no language. `speakers.json` gives the speakers' numbers, in the order of their names. The clips of a speaker
may lie in folders of any depth and have any ending when they are read.
"""

import json
from collections.abc import Iterator
from pathlib import Path

from voicewright.data.dataset import Dataset
from voicewright.data.formats.base import (
    SPLIT_NAMES,
    Exported,
    ExportOptions,
    Found,
    ImportOptions,
    Shelf,
    lines_of,
    sounds_below,
)
from voicewright.data.paths import same_id_key
from voicewright.data.problems import Problem
from voicewright.data.utterance import Split
from voicewright.engines.clips import clip_limits
from voicewright.progress import Progress

TITLE = "so-vits-svc: dataset_raw/SPEAKER/, filelists/"
LOOKS_FOR = "dataset_raw/"
RAW = "dataset_raw"
LISTS: dict[Split, str] = {"train": "train.txt", "validation": "val.txt", "test": "test.txt"}


def marks(folder: Path) -> bool:
    return (folder / RAW).is_dir() or folder.name == RAW


def export(dataset: Dataset, out: Path, options: ExportOptions, progress: Progress) -> Exported:
    shelf = Shelf(dataset=dataset, out=out, options=options, progress=progress, rate=clip_limits("sovits").rate)
    lines: dict[Split, list[str]] = {"train": [], "validation": [], "test": []}
    folders = set()
    for utterance in shelf.chosen():
        folder = shelf.folder_of(utterance.speaker)
        if path := shelf.add(utterance, f"{RAW}/{folder}"):
            lines[utterance.split].append(path.relative_to(out).as_posix() + "\n")
            folders.add(folder)
    (out / "filelists").mkdir()
    for split, name in LISTS.items():
        (out / "filelists" / name).write_text("".join(lines[split]), "utf-8", newline="\n")
    numbers = {folder: number for number, folder in enumerate(sorted(folders))}
    (out / "speakers.json").write_text(json.dumps(numbers, indent=2, ensure_ascii=False) + "\n", "utf-8")
    return shelf.done()


def read(folder: Path, options: ImportOptions) -> Iterator[Found | Problem]:
    raw = folder / RAW if (folder / RAW).is_dir() else folder
    splits = _splits(folder)
    names: set[str] = set()
    for audio in sounds_below(raw):
        speaker, *rest = audio.relative_to(raw).parts
        inner = "-".join([*rest[:-1], audio.stem]) if rest else audio.stem
        name = inner if same_id_key(inner) not in names or not rest else f"{speaker}-{inner}"
        names.add(same_id_key(name))
        yield Found(
            audio=audio, name=name, speaker=speaker if rest else "", split=splits.get(_key(audio, raw), "train")
        )


def _splits(folder: Path) -> dict[str, Split]:
    """By speaker and file name without its ending: the lists name the clips where a later step will put them."""
    found: dict[str, Split] = {}
    for path in sorted(folder.glob("filelists/**/*.txt")):
        split = SPLIT_NAMES.get(path.stem)
        for _, line in lines_of(path) if split else ():
            parts = Path(line.strip()).parts
            if len(parts) >= 2 and split:
                below = parts[parts.index(RAW) + 1 :] if RAW in parts else parts[-2:]
                found["/".join((*below[:-1], Path(below[-1]).stem))] = split
    return found


def _key(audio: Path, raw: Path) -> str:
    below = audio.relative_to(raw)
    return (below.parent / below.stem).as_posix()
