"""Jobs on datasets."""

import filecmp
import shutil
from collections.abc import Mapping
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from voicewright.data.options import PrepareOptions
from voicewright.jobs.cloning import recordings
from voicewright.jobs.places import Places, refuse_places
from voicewright.jobs.plain import plain
from voicewright.jobs.work import Work
from voicewright.settings import from_dict, to_dict

if TYPE_CHECKING:
    from voicewright.data.datasets import Outcome
    from voicewright.studio import Studio


def prepare(studio: "Studio", places: Places, work: Work) -> Mapping[str, Any]:
    """A dataset from recordings, or more recordings for one that is there. The recordings are kept beside it."""
    request = work.request
    folder = places.dataset(request["name"], new=True)
    options = options_for(studio, places, request)
    kept = places.recordings(request["name"])
    kept.mkdir(parents=True, exist_ok=True)
    sounds = [_kept(path, kept) for path in recordings(work)]
    beside = {key: work.files_in / request[f"_{key}"] for key in ("transcript", "like") if request.get(f"_{key}")}
    made = studio.datasets.prepare(
        sounds,
        folder,
        options=options,
        transcript=beside.get("transcript"),
        like=beside.get("like"),
        progress=work.progress,
    )
    return outcome_told(made)


def _kept(recording: Path, folder: Path) -> Path:
    """A copy of the recording in `folder`, under its own name unless another recording has that."""
    for number in count(1):
        name = recording.name if number == 1 else f"{recording.stem}-{number}{recording.suffix}"
        copy = folder / name
        if not copy.exists():
            shutil.copyfile(recording, copy)
        if filecmp.cmp(recording, copy, shallow=False):
            break
    return copy


def check(studio: "Studio", places: Places, work: Work) -> Mapping[str, Any]:
    """A dataset compared with its manifest, scored and judged anew."""
    return outcome_told(studio.datasets.check(places.dataset(work.request["name"]), progress=work.progress))


def options_for(studio: "Studio", places: Places, request: Mapping[str, Any]) -> PrepareOptions:
    """The dataset's own options under those that are given. Raises BadSetting; BadDataset: it is no name."""
    given = request.get("options") or {}
    refuse_places(given, "options")
    merged = to_dict(studio.datasets.options_of(places.dataset(request["name"], new=True)))
    for name, value in given.items():
        both = isinstance(value, Mapping) and isinstance(merged.get(name), Mapping)
        merged[name] = {**merged[name], **value} if both else value
    return from_dict(PrepareOptions, merged, where="options")


def outcome_told(made: "Outcome") -> dict[str, Any]:
    """What became of a dataset, as plain data."""
    return {
        "dataset": made.folder.name,
        "summary": plain(made.summary),
        "problems": [str(each) for each in made.findings.problems],
        "disagreements": [str(each) for each in made.findings.disagreements],
    }
