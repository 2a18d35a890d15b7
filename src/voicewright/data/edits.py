"""What humans decide about utterances, as lines of a log that only grows.

Every edit names its utterance by id, by the place in the recording that it was cut from, and by the sound itself, so
that it finds its utterance again after preparation ran anew and cut elsewhere. `replay.apply` does the finding.
"""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from voicewright.data.manifest import to_plain
from voicewright.data.utterance import Source, Split, Utterance
from voicewright.errors import BadDataset, BadSetting
from voicewright.settings import from_dict

NAME = "edits.jsonl"


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """The utterance that an edit is about, as it was when the edit was made."""

    id: str
    sha256: str = ""
    """Of its audio."""
    source: Source | None = None

    @classmethod
    def of(cls, utterance: Utterance) -> "Anchor":
        return cls(id=utterance.id, sha256=utterance.sha256, source=utterance.source)


@dataclass(frozen=True, slots=True, kw_only=True)
class SetText:
    """What is said, as a human writes it."""

    at: Anchor
    text: str
    kind: Literal["text"] = "text"


@dataclass(frozen=True, slots=True, kw_only=True)
class Keep:
    """Use it, whatever the rules say."""

    at: Anchor
    kind: Literal["keep"] = "keep"


@dataclass(frozen=True, slots=True, kw_only=True)
class Drop:
    """Do not use it, whatever the rules say."""

    at: Anchor
    reason: str = "dropped by hand"
    kind: Literal["drop"] = "drop"


@dataclass(frozen=True, slots=True, kw_only=True)
class SetSpeaker:
    """Who speaks."""

    at: Anchor
    speaker: str
    kind: Literal["speaker"] = "speaker"


@dataclass(frozen=True, slots=True, kw_only=True)
class SetLanguage:
    """Which language is spoken."""

    at: Anchor
    language: str
    kind: Literal["language"] = "language"


@dataclass(frozen=True, slots=True, kw_only=True)
class SetSplit:
    """Whether it is trained on, validated on, or kept for a test; sharing out leaves it there."""

    at: Anchor
    split: Split
    kind: Literal["split"] = "split"


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitAt:
    """Two utterances of one: `ID.1` before `at_s` and `ID.2` after it.

    Without `texts` the text is divided by the word times.
    """

    at: Anchor
    at_s: float
    """Seconds from the beginning of the clip."""
    texts: tuple[str, str] | None = None
    kind: Literal["split_at"] = "split_at"


@dataclass(frozen=True, slots=True, kw_only=True)
class Merge:
    """One utterance, `ID+NEXT`, of two that follow each other in one recording."""

    at: Anchor
    next: Anchor
    kind: Literal["merge"] = "merge"


@dataclass(frozen=True, slots=True, kw_only=True)
class Undo:
    """Takes an earlier line of the log back; taking an `Undo` back does it again."""

    number: int
    """Of the line, as `LoggedEdit.number`."""
    kind: Literal["undo"] = "undo"


Edit = SetText | Keep | Drop | SetSpeaker | SetLanguage | SetSplit | SplitAt | Merge
KINDS: dict[str, type] = {cls.__dataclass_fields__["kind"].default: cls for cls in (*get_args(Edit), Undo)}


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedEdit:
    """A line of the log. Numbers count from 1."""

    number: int
    edit: Edit | Undo


def split_before_word(utterance: Utterance, index: int, texts: tuple[str, str] | None = None) -> SplitAt:
    """The edit that divides `utterance` before its word number `index` (from 0), in the middle of the pause there.

    Raises:
        BadSetting: there is no such word, or nothing before it.
    """
    if not 0 < index < len(utterance.words):
        raise BadSetting(
            f"{utterance.id} has times for {len(utterance.words)} words; cannot divide before word {index}"
        )
    before, after = utterance.words[index - 1], utterance.words[index]
    return SplitAt(at=Anchor.of(utterance), at_s=round((before.end_s + after.start_s) / 2, 4), texts=texts)


def edit_from_plain(given: dict[str, Any], where: str) -> Edit | Undo:
    """An edit from plain data as a page or a log holds it.

    Raises:
        BadDataset: an unknown kind, a field that is missing, unknown, or of a wrong type.
    """
    kind = given.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        raise BadDataset(f"{where}: unknown kind of edit {kind!r}; known are {', '.join(sorted(KINDS))}")
    try:
        found: Edit | Undo = from_dict(KINDS[kind], given, where=where)
    except BadSetting as problem:
        raise BadDataset(str(problem)) from None
    return found


def edit_to_plain(edit: Edit | Undo) -> dict[str, Any]:
    """The edit as plain data for `edit_from_plain`."""
    return {"kind": edit.kind, **to_plain(edit)}


def read_log(path: Path) -> list[LoggedEdit]:
    """The lines of a log in order; none if there is no such file. A last line that a crash cut short was never
    acknowledged to anybody and is left out.

    Raises:
        BadDataset: a line that is not an edit.
    """
    if not path.is_file():
        return []
    *lines, _ = path.read_bytes().split(b"\n")
    found = []
    for number, line in enumerate(lines, start=1):
        where = f"{path}, line {number}"
        try:
            given = json.loads(line)
        except ValueError as problem:
            raise BadDataset(f"{where}: not JSON ({problem}); mend the line or restore the file from a copy") from None
        if not isinstance(given, dict):
            raise BadDataset(f"{where}: expected an object, found {type(given).__name__}")
        found.append(LoggedEdit(number=number, edit=edit_from_plain(given, where)))
    return found


def append_log(path: Path, edits: Sequence[Edit | Undo]) -> None:
    """Add lines to a log and wait until they are on the disk. Earlier lines stay as they are."""
    lines = "".join(json.dumps(edit_to_plain(edit), ensure_ascii=False) + "\n" for edit in edits).encode()
    path.touch()
    with path.open("r+b") as file:
        file.seek(_whole_bytes(path))  # over a line that a crash cut short
        file.truncate()
        file.write(lines)
        file.flush()
        os.fsync(file.fileno())


def in_force(log: Sequence[LoggedEdit]) -> tuple[list[LoggedEdit], list[LoggedEdit]]:
    """The edits that stand, and those that were taken back, both in the order they were made."""
    taken_back: set[int] = set()
    for line in reversed(log):
        if isinstance(line.edit, Undo) and line.number not in taken_back and line.edit.number < line.number:
            taken_back.add(line.edit.number)
    edits = [line for line in log if not isinstance(line.edit, Undo)]
    standing = [line for line in edits if line.number not in taken_back]
    return standing, [line for line in edits if line.number in taken_back]


def _whole_bytes(path: Path) -> int:
    content = path.read_bytes()
    return content.rfind(b"\n") + 1
