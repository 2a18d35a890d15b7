"""One text of ours in a sound file's own metadata, and tags that any player shows."""

import secrets
import shutil
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from voicewright.errors import BadClip

KEY = "voicewright"
FRAMES = {"title": "TIT2", "artist": "TPE1", "comment": "COMM"}


def write_tags(path: Path, text: str, shown: Mapping[str, str]) -> None:
    """Put `text` under our key (ID3 `TXXX` in wav and mp3, a Vorbis comment elsewhere), and what is `shown`.

    The sound stays as it is; other tags stay too. The file is replaced as a whole or not at all.

    Args:
        shown: texts for "title", "artist" and "comment".

    Raises:
        BadClip: the file is missing, damaged, cannot be written, or of another format.
    """
    copy = path.with_name(f".{secrets.token_hex(8)}{path.suffix}")
    try:
        shutil.copyfile(path, copy)
        file = _opened(copy, path)
        if file is None:
            raise BadClip(f"{path} cannot hold a card; write .wav, .flac, .ogg, .opus or .mp3")
        if file.tags is None:
            file.add_tags()
        if _is_id3(file.tags):
            _fill_id3(file.tags, text, shown)
        else:
            file.tags.update({KEY: [text]} | {name: [value] for name, value in shown.items()})
        file.save()
        copy.replace(path)
    except OSError as problem:
        raise BadClip(f"{path}: its card could not be written ({problem}); check the folder and the space") from problem
    finally:
        copy.unlink(missing_ok=True)


def read_tag(path: Path) -> str | None:
    """The text under our key; None when there is none.

    Raises:
        BadClip: no such file, or damaged.
    """
    file = _opened(path, path)
    if file is None or file.tags is None:
        return None
    if _is_id3(file.tags):
        frame = file.tags.get(f"TXXX:{KEY}")
        found = frame.text if frame is not None else ()
    else:
        found = file.tags.get(KEY, ()) if hasattr(file.tags, "get") else ()
    return str(found[0]) if found else None


def _fill_id3(tags: Any, text: str, shown: Mapping[str, str]) -> None:
    id3: Any = import_module("mutagen.id3")
    utf8 = id3.Encoding.UTF8
    tags.setall(f"TXXX:{KEY}", [id3.TXXX(encoding=utf8, desc=KEY, text=[text])])
    for name, value in shown.items():
        more = {"lang": "eng", "desc": ""} if name == "comment" else {}
        tags.setall(FRAMES[name], [getattr(id3, FRAMES[name])(encoding=utf8, text=[value], **more)])


def _is_id3(tags: object) -> bool:
    id3: Any = import_module("mutagen.id3")
    return isinstance(tags, id3.ID3)


def _opened(path: Path, shown: Path) -> Any:
    """mutagen's view of a file, None for formats that it does not know; `shown` is the name for messages."""
    from mutagen import File, MutagenError

    try:
        return File(path)
    except MutagenError as problem:
        raise BadClip(f"{shown} cannot be read: {problem}") from problem
