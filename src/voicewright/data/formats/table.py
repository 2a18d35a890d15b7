"""The formats by name, how one is recognised, and the two verbs: export and import."""

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import cast

from voicewright.data.dataset import Dataset
from voicewright.data.formats.base import Exported, ExportOptions, Format, ImportOptions
from voicewright.data.formats.intake import Imported, take_in
from voicewright.errors import BadDataset, BadSetting
from voicewright.progress import Progress, silent

# In the order in which they are looked for: the surest marks first.
FORMATS: Mapping[str, str] = {
    "voicewright": "voicewright.data.formats.voicewright",
    "valle": "voicewright.data.formats.valle",
    "tortoise": "voicewright.data.formats.tortoise",
    "whisper-json": "voicewright.data.formats.whisper_json",
    "huggingface": "voicewright.data.formats.huggingface",
    "sovits": "voicewright.data.formats.sovits",
    "libritts": "voicewright.data.formats.libritts",
    "ljspeech": "voicewright.data.formats.ljspeech",
}


def find_format(name: str) -> Format:
    """The format called `name`. Raises BadSetting: there is none."""
    if name not in FORMATS:
        raise BadSetting(f"no format is called {name!r}; there are {', '.join(sorted(FORMATS))}")
    return cast(Format, import_module(FORMATS[name]))


def detect(folder: Path) -> str:
    """The name of the format that `folder` is in.

    Raises:
        BadDataset: it is no folder, or no format's marks are there; the message lists what was looked for.
    """
    if not folder.is_dir():
        raise BadDataset(f"{folder} is not a folder")
    for name in FORMATS:
        if find_format(name).marks(folder):
            return name
    looked = "; ".join(f"{name}: {find_format(name).LOOKS_FOR}" for name in FORMATS)
    raise BadDataset(
        f"{folder} is in no known format. Looked for {looked}. "
        f"If it holds recordings without lists, prepare them: voicewright prepare {folder} -o OUT"
    )


def export_dataset(
    dataset: Dataset, name: str, out: Path, options: ExportOptions | None = None, progress: Progress = silent
) -> Exported:
    """Write a dataset to the new or empty folder `out` in the format called `name`.

    A clip that cannot be read is told among the problems and left out.

    Raises:
        BadSetting: there is no such format.
        BadDataset: `out` is not empty.
    """
    return find_format(name).export(dataset, out, options or ExportOptions(), progress)


def import_dataset(
    folder: Path,
    out: Path,
    name: str = "",
    options: ImportOptions | None = None,
    progress: Progress = silent,
) -> Imported:
    """Make a dataset in the new or empty folder `out` from what another program keeps in `folder`.

    A line or a clip that cannot be used is told among the problems; the others are taken.

    Args:
        name: the format's; "" finds out.

    Raises:
        BadSetting: there is no such format.
        BadDataset: no format is recognised, nothing in it can be used, or `out` is not empty.
    """
    chosen = name or detect(folder)
    options = options or ImportOptions()
    return take_in(
        find_format(chosen).read(folder, options), out, options, where=f"{folder} ({chosen})", progress=progress
    )
