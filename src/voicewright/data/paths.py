"""Ids of utterances and paths inside a dataset: what every name passes before it becomes part of a path."""

import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from voicewright.errors import BadDataset

MAX_BYTES = 180
"""A file name has at most 255 bytes; endings and the numbers of cut parts must fit too."""
FORBIDDEN = '/\\:*?"<>|'
"""What Windows keeps for itself; "|" also separates the columns of an LJSpeech list."""


def utterance_id(text: str) -> str:
    """`text`, if it can be an utterance's id: one plain file name on every system, in composed form (NFC).

    Raises:
        BadDataset: it cannot; the message says why and gives the nearest that could.
    """
    reason = _objection(text)
    if reason:
        raise BadDataset(f"{text[:80]!a} cannot be the id of an utterance: {reason}; try {nearest_id(text)!r}")
    return text


def nearest_id(text: str, taken: Iterable[str] = ()) -> str:
    """The id closest to `text` that is none of `taken` (capitals make no difference).

    Spaces, emoji and letters of any script stay; line breaks, slashes and what has a meaning for file systems become
    dashes.
    """
    name = unicodedata.normalize("NFC", text)
    name = "".join("-" if c in FORBIDDEN or not _is_printable(c) else c for c in name)
    name = re.sub(r"\.{2,}", ".", re.sub(r"-{2,}", "-", name))
    name = _cut(name).strip(" .") or "clip"
    seen = {same_id_key(other) for other in taken}
    chosen, number = name, 1
    while same_id_key(chosen) in seen:
        number += 1
        chosen = f"{name}-{number}"
    return chosen


def same_id_key(name: str) -> str:
    """What two ids share when a file system may take them for one."""
    return unicodedata.normalize("NFC", name).casefold()


def inside(folder: Path, relative: str) -> Path:
    """The path of a file that a manifest names, after a check that it lies in `folder`.

    Raises:
        BadDataset: the path is empty or absolute, climbs out with "..", uses "\\", or leads out through a link.
    """
    path = PurePosixPath(relative)
    if not relative or "\x00" in relative or "\\" in relative or path.is_absolute() or re.match(r"[A-Za-z]:", relative):
        raise BadDataset(f'{relative[:200]!a} is not a relative path with "/"; audio lies in the dataset\'s own folder')
    if ".." in path.parts:
        raise BadDataset(f"{relative[:200]!a} leads out of the dataset's folder")
    whole = folder / path
    if not whole.resolve().is_relative_to(folder.resolve()):
        raise BadDataset(f"{relative[:200]!a} is a link that leads out of the dataset's folder; copy the file there")
    return whole


def _objection(name: str) -> str | None:
    if not name:
        return "it is empty"
    if len(name.encode("utf-8", "replace")) > MAX_BYTES:
        return f"it has more than {MAX_BYTES} bytes"
    if any(c in FORBIDDEN or not _is_printable(c) for c in name):
        return f"it holds a line break, another invisible character or one of {FORBIDDEN}"
    if name.strip(" .") != name or ".." in name:
        return "it begins or ends with a space or a dot, or holds '..'"
    if unicodedata.normalize("NFC", name) != name:
        return "it is not in composed form (NFC)"
    return None


def _is_printable(character: str) -> bool:
    """Not a control, line or paragraph separator, or half of a surrogate pair; joiners of emoji are."""
    kind = unicodedata.category(character)
    return kind not in {"Cc", "Cs", "Zl", "Zp"} and character not in "\u202a\u202b\u202c\u202d\u202e\ufeff"


def _cut(name: str) -> str:
    return name.encode("utf-8")[:MAX_BYTES].decode("utf-8", "ignore")
