"""Every recording in a folder, one after the other; one that cannot be converted does not stop the others."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from voicewright.audio.files import ENDINGS
from voicewright.errors import BadClip, NotWritten, VoicewrightError
from voicewright.progress import Progress, silent


@dataclass(frozen=True, slots=True)
class FolderReport:
    """What became of the files in a folder."""

    done: tuple[Path, ...]
    """The files that were made."""
    skipped: tuple[Path, ...]
    """Files that were there already, and were not made again."""
    failed: Mapping[Path, str]
    """Recordings that could not be converted, and why."""
    ignored: tuple[Path, ...]
    """Files that are not recordings, by their ending."""


def convert_folder(
    source: Path,
    target: Path,
    one: Callable[[Path, Path], object],
    *,
    ending: str = ".wav",
    again: bool = False,
    progress: Progress = silent,
) -> FolderReport:
    """Convert every recording below `source` into the same place below `target`.

    A stop loses the file in hand at most; called once more, it goes on with what is missing.

    Args:
        one: converts a recording into a file, which appears whole or not at all.
        ending: of the files that are made: .wav .flac .ogg .opus .mp3.
        again: make also what is there already.
        progress: called with a file's name, how many are through, and of how many.

    Raises:
        BadClip: there is no such folder, or no recording in it.
        NotWritten: nothing can be written any more; what is done stays.
    """
    pairs, ignored = targets(source, target, ending)
    done, skipped, failed = [], [], {}
    for i, (recording, made) in enumerate(pairs):
        progress(str(recording.relative_to(source)), i, len(pairs))
        if made.exists() and not again:
            skipped.append(made)
            continue
        try:
            made.parent.mkdir(parents=True, exist_ok=True)
        except OSError as problem:
            raise NotWritten(f"{made} cannot be written ({problem}); choose another folder") from problem
        try:
            one(recording, made)
            done.append(made)
        except NotWritten:
            raise
        except VoicewrightError as problem:
            failed[recording] = str(problem)
    progress("done", len(pairs), len(pairs))
    return FolderReport(tuple(done), tuple(skipped), failed, tuple(ignored))


def targets(source: Path, target: Path, ending: str) -> tuple[list[tuple[Path, Path]], list[Path]]:
    """Each recording with the file that will be made of it, in a fixed order; and the files that are no recordings.

    Two recordings that would become one file (a.mp3 and a.wav, or A.wav on a disk that sees no difference) keep their
    endings in their names: a.mp3.wav and a.wav.wav. What lies in `target` is a result, not a recording.

    Raises:
        BadClip: there is no such folder, or no recording in it.
    """
    if not source.is_dir():
        raise BadClip(f"there is no folder {source}; check the name")
    if target.resolve() == source.resolve():
        raise BadClip(f"{target} holds the recordings themselves; give another folder for the results")
    files = [path for path in sorted(source.rglob("*"), key=str) if _is_given(path, source, target.resolve())]
    recordings = [path for path in files if path.suffix.lower() in ENDINGS]
    if not recordings:
        raise BadClip(f"no recordings in {source}: looked for {' '.join(sorted(ENDINGS))}")
    short = {path: target / path.relative_to(source).with_suffix(ending) for path in recordings}
    count = Counter(_key(made) for made in short.values())
    taken = {key for key, claims in count.items() if claims == 1}
    pairs = []
    for path, made in short.items():
        if count[_key(made)] > 1:
            made = _unlike(made.with_name(path.name + ending), taken)
            taken.add(_key(made))
        pairs.append((path, made))
    return pairs, [path for path in files if path.suffix.lower() not in ENDINGS]


def _is_given(path: Path, source: Path, target: Path) -> bool:
    """Whether it is a file that a person put there: not hidden, and not a result in a folder below the recordings."""
    if not path.is_file() or any(part.startswith(".") for part in path.relative_to(source).parts):
        return False
    return not (target.is_relative_to(source.resolve()) and path.resolve().is_relative_to(target))


def _key(path: Path) -> str:
    """What a disk sees of a name that knows no difference between A and a."""
    return str(path).casefold()


def _unlike(path: Path, taken: set[str]) -> Path:
    """The path, with a number if there is one like it."""
    names = [path, *(path.with_stem(f"{path.stem}-{i}") for i in range(2, len(taken) + 3))]
    return next(name for name in names if _key(name) not in taken)
