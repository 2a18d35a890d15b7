"""Several datasets made into one."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from voicewright.data.dataset import Dataset
from voicewright.data.formats import voicewright
from voicewright.data.formats.base import Found, ImportOptions
from voicewright.data.formats.intake import Imported, take_in
from voicewright.data.paths import same_id_key
from voicewright.data.problems import Problem
from voicewright.progress import Progress, silent

UNNAMED = re.compile(r"speaker\d+")
"""Voices that nobody gave a name to."""
SAME_NAME = (
    "so is called somebody in {one} and somebody in {other}, who need not be one person; "
    "give them names before merging: prepare with --speaker NAME, or dataset edit … --speaker NAME"
)


def merge(
    datasets: Sequence[Dataset], out: Path, *, name: str = "", link: bool = False, progress: Progress = silent
) -> Imported:
    """A new dataset with the utterances of all, in their order, dropped ones too.

    Edits are in effect and no longer a log. Of clips with the same sound the first is taken, the others are told among
    the problems. Speakers, splits and scores stay; an id that is taken gets its dataset's name before it. The options
    are those of the first dataset.

    Args:
        link: hard links to the clips instead of copies.

    Raises:
        BadDataset: `out` is not empty, or there is nothing to merge.
    """
    options = ImportOptions(name=name or out.resolve().name, link=link)
    where = ", ".join(str(dataset.folder) for dataset in datasets) or "no datasets"
    prepared = datasets[0].info.options if datasets else None
    return take_in(_all(datasets, options), out, options, where=where, prepared=prepared, progress=progress)


def _all(datasets: Sequence[Dataset], options: ImportOptions) -> Iterator[Found | Problem]:
    sounds: dict[str, str] = {}
    taken: set[str] = set()
    unnamed: dict[str, list[str]] = defaultdict(list)
    for dataset in datasets:
        for found in voicewright.read(dataset.folder, options):
            if isinstance(found, Problem):
                yield replace(found, where=f"{dataset.info.name}: {found.where}")
                continue
            where = f"{dataset.info.name}: {found.name}"
            digest = found.known.sha256 if found.known else ""
            if digest in sounds:
                yield Problem(where=where, what=f"the same sound as {sounds[digest]}; taken once")
                continue
            sounds[digest] = where
            if UNNAMED.fullmatch(found.speaker) and dataset.info.name not in unnamed[found.speaker]:
                if unnamed[found.speaker]:
                    one = unnamed[found.speaker][0]
                    yield Problem(where=found.speaker, what=SAME_NAME.format(one=one, other=dataset.info.name))
                unnamed[found.speaker].append(dataset.info.name)
            taken_already = same_id_key(found.name) in taken
            name = f"{dataset.info.name}-{found.name}" if taken_already else found.name
            taken.add(same_id_key(name))
            yield replace(found, name=name)
