"""What every format has: a name, how to know it, how to read and how to write it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from voicewright.audio.files import ENDINGS, SoundWriter, describe, read_blocks
from voicewright.data.dataset import Dataset
from voicewright.data.paths import nearest_id, same_id_key
from voicewright.data.problems import Problem
from voicewright.data.utterance import Split, TimedWord, Utterance
from voicewright.errors import BadClip, BadDataset, BadSetting
from voicewright.progress import Progress, silent
from voicewright.text.languages import resolve_language

SPLIT_NAMES: Mapping[str, Split] = {
    "train": "train", "training": "train",
    "validation": "validation", "valid": "validation", "val": "validation", "dev": "validation", "eval": "validation",
    "test": "test", "testing": "test",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class ExportOptions:
    """How a dataset is written for another program."""

    rate: int = 0
    """Samples per second; 0: what the format wants, else what each clip has."""
    dropped: bool = False
    """Write the dropped utterances too."""
    link: bool = False
    """Hard links instead of copies, for clips that need no change."""

    def __post_init__(self) -> None:
        if self.rate and not 8_000 <= self.rate <= 192_000:
            raise BadSetting(f"rate must be between 8000 and 192000, got {self.rate}")


@dataclass(frozen=True, kw_only=True)
class ImportOptions:
    """How another program's dataset is taken over."""

    name: str = ""
    """The dataset's name; by default its folder's."""
    speaker: str = "speaker"
    """Who speaks, where the format does not say."""
    language: str = "en-us"
    """What is spoken, where the format does not say."""
    gold: bool = False
    """The texts were written by humans."""
    link: bool = False
    """Hard links instead of copies; the two datasets then share their clips."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """What was written, and what was not."""

    folder: Path
    utterances: int
    seconds: float
    problems: tuple[Problem, ...] = ()
    """What could not be written as it is, one for each clip left out or text changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """An utterance as another program's dataset has it: a file or a part of one, and what is known."""

    audio: Path
    name: str
    """What it should be called; made a proper id later."""
    text: str = ""
    speaker: str = ""
    language: str = ""
    gold: bool = False
    split: Split = "train"
    words: tuple[TimedWord, ...] = ()
    span_s: tuple[float, float] | None = None
    """The part of the file, in seconds; None: all of it."""
    known: Utterance | None = None
    """Whatever else is known, where the format holds all of it."""


class Format(Protocol):
    """A module of this package."""

    TITLE: str
    """What it is, for a list."""
    LOOKS_FOR: str
    """By what `marks` knows it."""

    def marks(self, folder: Path) -> bool:
        """Whether `folder` looks like this format."""

    def export(self, dataset: Dataset, out: Path, options: ExportOptions, progress: Progress) -> Exported:
        """Write the dataset to the empty folder `out`."""

    def read(self, folder: Path, options: ImportOptions) -> Iterator[Found | Problem]:
        """What is in `folder`, line by line; what cannot be used is a problem and stops nothing."""


@dataclass(slots=True, kw_only=True)
class Shelf:
    """Where an export goes: makes the folder, writes the clips, counts, and remembers the problems.

    Raises:
        BadDataset: `out` is a file, or holds something already.
    """

    dataset: Dataset
    out: Path
    options: ExportOptions
    progress: Progress = silent
    rate: int = 0
    """What the format wants; the options win."""
    spaces: bool = True
    """Whether names may hold spaces."""
    problems: list[Problem] = field(default_factory=list)
    utterances: int = 0
    seconds: float = 0.0
    _names: dict[str, set[str]] = field(default_factory=dict)
    _folders: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.out.exists() and (not self.out.is_dir() or any(self.out.iterdir())):
            raise BadDataset(f"{self.out} is there already and not empty; name another folder")
        self.out.mkdir(parents=True, exist_ok=True)

    def chosen(self) -> Iterator[Utterance]:
        """The utterances to write, with progress."""
        everything = [each for each in self.dataset.utterances() if each.kept or self.options.dropped]
        for number, utterance in enumerate(everything, start=1):
            yield utterance
            self.progress("export", number, len(everything))

    def folder_of(self, name: str) -> str:
        """A folder's name for a speaker or a recording; the same for the same, others for others."""
        if name not in self._folders:
            wanted = name if self.spaces else name.replace(" ", "_")
            self._folders[name] = nearest_id(wanted, self._folders.values())
        return self._folders[name]

    def add(self, utterance: Utterance, folder: str, *, ending: str = ".wav") -> Path | None:
        """Write the clip into `folder` (below the shelf's own); where it is, or None after noting the problem."""
        taken = self._names.setdefault(folder, set())
        wanted = utterance.id if self.spaces else utterance.id.replace(" ", "_")
        name = nearest_id(wanted, taken) if same_id_key(wanted) in taken else wanted
        target = self.out / folder / f"{name}{ending}"
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            self._place(utterance, target)
        except (BadClip, BadDataset) as problem:
            self.problems.append(Problem(where=utterance.id, what=str(problem)))
            return None
        taken.add(same_id_key(name))
        self.utterances += 1
        self.seconds += utterance.seconds
        return target

    def note(self, utterance: Utterance, what: str) -> None:
        """Remember that something could not be written as it is."""
        self.problems.append(Problem(where=utterance.id, what=what))

    def done(self) -> Exported:
        """The result."""
        return Exported(
            folder=self.out, utterances=self.utterances, seconds=self.seconds, problems=tuple(self.problems)
        )

    def _place(self, utterance: Utterance, target: Path) -> None:
        source = self.dataset.audio(utterance)
        about = describe(source)
        rate = self.options.rate or self.rate or about.rate
        same = about.rate == rate and about.channels == 1 and about.codec == "pcm_16"
        if same and about.container.lower() == "wav" and target.suffix == ".wav":
            copy_file(source, target, link=self.options.link)
            return
        with SoundWriter(target, rate) as file:
            for block in read_blocks(source, rate=rate):
                file.write(block)


def copy_file(source: Path, target: Path, *, link: bool) -> None:
    """The same bytes at another place; a hard link where that is wanted and possible."""
    import os
    import shutil

    if link:
        try:
            os.link(source.resolve(), target)
        except OSError:  # another disk, or a file system without links
            shutil.copyfile(source, target)
    else:
        shutil.copyfile(source, target)


def one_line(text: str) -> str:
    """The text without line breaks and double spaces, for formats with a line for each utterance."""
    return " ".join(text.split())


def audio_for(folder: Path, stem: str) -> Path | None:
    """The sound file in `folder` that `stem` names, with or without its ending; None if there is none."""
    exact = folder / stem
    if exact.is_file():
        return exact
    for ending in (".wav", ".flac", *sorted(ENDINGS)):
        if (path := folder / f"{stem}{ending}").is_file():
            return path
    return None


def sounds_below(folder: Path) -> list[Path]:
    """Every sound file below `folder` in a fixed order, without hidden ones."""
    found = (p for p in folder.rglob("*") if p.suffix.lower() in ENDINGS and p.is_file())
    return sorted(p for p in found if not any(part.startswith(".") for part in p.relative_to(folder).parts))


def read_text(path: Path) -> str:
    """A text file, with or without a byte order mark.

    Raises:
        BadDataset: it is not UTF-8, or cannot be read.
    """
    try:
        return path.read_text("utf-8-sig")
    except UnicodeDecodeError as problem:
        raise BadDataset(f"{path} is not UTF-8 text ({problem.reason} at byte {problem.start})") from None
    except OSError as problem:
        raise BadDataset(f"{path} cannot be read ({problem.strerror})") from None


def lines_of(path: Path) -> Iterator[tuple[str, str]]:
    """(where, line) of each line that is not empty. Only "\\n" ends a line. Raises: BadDataset."""
    for number, line in enumerate(read_text(path).split("\n"), start=1):
        if line.strip():
            yield f"{path.name}, line {number}", line.rstrip("\r")


def language_of(code: object, default: str) -> str:
    """A language's name from another program's code; `default` where that is the same or none is given."""
    if not isinstance(code, str) or not code or default.split("-")[0] == code.strip().lower():
        return default
    try:
        return resolve_language(code)
    except BadSetting:
        return code.strip().lower()


def spoken(text: str, language: str) -> str:
    """The text with its numbers and abbreviations in words, on one line; as it is in a language we cannot read."""
    from voicewright.text.normalize import normalize

    try:
        return one_line(normalize(text, language)) or text
    except BadSetting:
        return text


def given_text(row: Mapping[str, Any], *names: str) -> str:
    """The first of these fields that holds text; "" if none does."""
    return next((value for name in names if isinstance(value := row.get(name), str) and value.strip()), "")


def with_defaults(found: Found, options: ImportOptions) -> Found:
    """With the options' speaker and language where the format does not say."""
    return replace(
        found,
        speaker=found.speaker or options.speaker,
        language=found.language or options.language,
        gold=found.gold or (options.gold and bool(found.text)),
    )
