"""The recordings of a dataset: which files they are, and what each is called."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from voicewright.audio.files import ENDINGS
from voicewright.data.dataset import INFO
from voicewright.data.manifest import NAME as MANIFEST
from voicewright.data.manifest import read_lines, to_plain, write_lines
from voicewright.data.paths import nearest_id, same_id_key
from voicewright.data.problems import Problem
from voicewright.errors import BadClip, BadDataset, BadSetting
from voicewright.settings import from_dict

SOURCES = "recordings.jsonl"
"""The list of them, in the work folder."""
_OF_CLIP = re.compile(r"-\d{8}$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """A file that the dataset is made from."""

    name: str
    """What it is called in the dataset: a plain file name, unlike every other."""
    path: str
    """Where it lies, absolute."""
    label: str
    """Its path below the folder that was given: what transcripts and people call it."""
    transcript: str = ""
    """The file of its human text, absolute; "" if there is none."""
    alone: bool = False
    """It was the only recording that the transcript was given for: then the whole transcript is its own."""


def find_recordings(
    given: Sequence[Path], *, beside: Path | None = None
) -> tuple[list[tuple[Path, str]], list[Problem]]:
    """The sound files among files and folders (with all that is below them): path and label, in a fixed order.

    Args:
        beside: the dataset's folder; what lies in it, or in another dataset, was made from recordings and is none.

    Raises:
        BadClip: something given is not there, or there is no sound file at all; the message says where it looked.
    """
    found: dict[Path, str] = {}
    problems: list[Problem] = []
    for path in given:
        if path.is_dir():
            files, more = _below(path, beside.resolve() if beside else None)
            found |= {file.absolute(): file.relative_to(path).as_posix() for file in files}
            problems += more
        elif path.is_file():
            found[path.absolute()] = path.name
        elif path.exists():
            raise BadClip(f"{path} is not an ordinary file; save the sound to a file first")
        else:
            raise BadClip(f"there is no file or folder {path}; check the name")
    for path in [path for path in found if not _is_text(str(path))]:
        problems.append(Problem(where=ascii(found.pop(path)), what="its name is not valid UTF-8; give it another"))
    if not found:
        places = ", ".join(str(path) for path in given)
        raise BadClip(f"no recordings in {places or 'nothing'}: looked for {' '.join(sorted(ENDINGS))}")
    return sorted(found.items(), key=lambda pair: (pair[1], str(pair[0]))), problems


def _below(folder: Path, own: Path | None) -> tuple[list[Path], list[Problem]]:
    """The sound files below a folder, except those of datasets; `own` is the one they are for."""
    every = [path for path in sorted(folder.rglob("*"), key=str) if not _hidden(path, folder)]
    made = {path.parent for path in every if path.name == INFO and path.with_name(MANIFEST).is_file()}
    what = "left out: it is a dataset, and its clips were cut from recordings"
    problems = [Problem(where=str(path), what=what) for path in sorted(made) if path.resolve() != own]
    found = []
    for path in every:
        if not made.isdisjoint(path.parents) or (own and path.resolve().is_relative_to(own)):
            continue
        if path.is_symlink() and path.is_dir():
            problems.append(Problem(where=str(path), what="this link to a folder is not followed; name it itself"))
        elif path.suffix.lower() in ENDINGS:
            if path.is_file():
                found.append(path)
            else:
                problems.append(Problem(where=str(path), what="it is not an ordinary file"))
    return found, problems


def with_recordings(
    known: Iterable[Recording], found: Sequence[tuple[Path, str]], *, transcript: Path | None
) -> list[Recording]:
    """The recordings of a dataset after some more were given: those known keep their names."""
    recordings = {recording.path: recording for recording in known}
    taken = {same_id_key(recording.name) for recording in recordings.values()}
    cut_from = {_cut_from(name) for name in taken}
    for path, label in found:
        own = recordings.get(str(path))
        if own is None:
            name = recording_name(label)
            key = same_id_key(name)
            if key in taken or key in cut_from or _cut_from(key) in taken:
                name = nearest_id(name, [name, *taken])
            taken.add(same_id_key(name))
            cut_from.add(_cut_from(same_id_key(name)))
            own = Recording(name=name, path=str(path), label=label)
        text = str(transcript.absolute()) if transcript else own.transcript
        alone = len(found) == 1 if transcript else own.alone
        called = label if transcript else own.label  # a transcript that is there already knows the label before
        recordings[str(path)] = replace(own, label=called, transcript=text, alone=alone)
    return sorted(recordings.values(), key=lambda recording: same_id_key(recording.name))


def recording_name(label: str) -> str:
    """A name for a recording: its label without the ending, folders and words joined with dashes.

    It begins with none: on a command line it would be taken for an option.
    """
    return nearest_id(str(Path(label).with_suffix("")).replace("/", "-").replace(" ", "-").lstrip("-"))


def read_recordings(path: Path) -> list[Recording]:
    """The recordings that a dataset knows; none if it is new.

    Raises: BadDataset.
    """
    if not path.is_file():
        return []
    try:
        return [
            from_dict(Recording, line, where=f"{path}, line {number}")
            for number, line in enumerate(read_lines(path), start=1)
        ]
    except BadSetting as problem:
        raise BadDataset(str(problem)) from None


def write_recordings(path: Path, recordings: Iterable[Recording]) -> None:
    """Keep the list, as a whole or not at all."""
    write_lines(path, (to_plain(recording) for recording in recordings))


def _cut_from(name: str) -> str:
    """The recording whose clip might have this name: one of "a" may be called "a-00001200"; "" if there is none."""
    return _OF_CLIP.sub("", name) if _OF_CLIP.search(name) else ""


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _hidden(path: Path, folder: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(folder).parts)
