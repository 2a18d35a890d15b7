"""`Uploads`: files from clients, known by ids; what they are is decided by what is in them."""

import json
import re
import shutil
import time
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from voicewright.audio.files import describe
from voicewright.errors import BadClip, BadUpload, BadVoice, TooLarge, UnknownName
from voicewright.jobs.job import is_id, new_id, now
from voicewright.jobs.pruning import bytes_in
from voicewright.settings import from_dict
from voicewright.voice.file import read_header
from voicewright.voice.names import nearest_name

Kind = Literal["sound", "text", "voice", "checkpoint"]
KEPT = timedelta(hours=24)
TEXT_BYTES = 5 << 20
MOST_UPLOADS = 10
"""All files together may take as much room as so many of the largest."""
ABOUT = "about.json"
ARCHIVE, ARCHIVE_HEAD, PICKLE = b"PK\x03\x04", 30, b"data.pkl"
"""How a checkpoint of PyTorch begins: a zip archive whose first member is called so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A file from a client. `file` is what it is called in its folder, made of the client's `name`."""

    id: str
    name: str
    file: str
    kind: Kind
    bytes: int
    seconds: float | None = None
    rate: int | None = None
    channels: int | None = None
    created: str = ""


class Uploads:
    """The uploads of a home, for a day each.

    Args:
        folder: where they are; made when the first one comes.
        most_bytes, most_s: larger and longer ones are refused.
    """

    def __init__(self, folder: Path, *, most_bytes: float, most_s: float) -> None:
        self._folder, self._most_bytes, self._most_s = folder, most_bytes, most_s

    async def take(self, chunks: AsyncIterator[bytes], name: str) -> Upload:
        """Keep what a client sends. Raises TooLarge; BadUpload: it is of no kind that is used here."""
        from starlette.concurrency import run_in_threadpool

        self._prune()
        if bytes_in(self._folder) > MOST_UPLOADS * self._most_bytes:
            raise TooLarge("too many large files were sent today; delete some, or come back tomorrow")
        upload_id = new_id()
        place = self._folder / upload_id
        place.mkdir(parents=True)
        file = plain_name(name)
        try:
            got = 0
            with (place / file).open("wb") as out:
                async for chunk in chunks:
                    got += len(chunk)
                    if got > self._most_bytes:
                        raise TooLarge(f"{name[:80]!r} is larger than {self._most_bytes / 1e6:.0f} MB")
                    out.write(chunk)
            upload = await run_in_threadpool(self._examined, place / file, upload_id, name[:200])
            (place / ABOUT).write_text(json.dumps(asdict(upload)), "utf-8")
        except BaseException:
            shutil.rmtree(place, ignore_errors=True)
            raise
        return upload

    def get(self, name: str) -> Upload:
        """An upload by its id. Raises UnknownName."""
        about = self._folder / name / ABOUT
        if not is_id(name) or not about.is_file():
            raise UnknownName(
                f"there is no upload {name[:40]!r}; uploads are kept for {KEPT.total_seconds() / 3600:.0f} h"
            )
        return from_dict(Upload, json.loads(about.read_text("utf-8")), where="upload")

    def path(self, upload: Upload) -> Path:
        """Where an upload is."""
        return self._folder / upload.id / upload.file

    def folder(self, upload: Upload) -> Path:
        """The folder of an upload."""
        return self._folder / upload.id

    def remove(self, name: str) -> None:
        """Delete one. Raises UnknownName."""
        shutil.rmtree(self._folder / self.get(name).id, ignore_errors=True)

    def _examined(self, path: Path, upload_id: str, name: str) -> Upload:
        size = path.stat().st_size
        kind, seconds, rate, channels = self._kind(path, size, name)
        return Upload(
            id=upload_id,
            name=name,
            file=path.name,
            kind=kind,
            bytes=size,
            seconds=seconds,
            rate=rate,
            channels=channels,
            created=now(),
        )

    def _kind(self, path: Path, size: int, name: str) -> tuple[Kind, float | None, int | None, int | None]:
        if not size:
            raise BadUpload(f"{name!r} is empty")
        if _is_text(path, size):
            return "text", None, None, None
        if _is_checkpoint(path):
            return "checkpoint", None, None, None
        try:
            info = describe(path)
        except BadClip as problem:
            try:
                read_header(path)
            except BadVoice:
                told = str(problem).replace(str(path), name)
                raise BadUpload(f"{name!r} is neither sound nor text nor a voice: {told}") from None
            return "voice", None, None, None
        if info.seconds > self._most_s:
            raise TooLarge(f"{name!r} lasts {info.seconds / 60:.0f} minutes; {self._most_s / 60:.0f} may be taken")
        return "sound", info.seconds, info.rate, info.channels

    def _prune(self) -> None:
        if not self._folder.is_dir():
            return
        oldest_s = (datetime.now(UTC) - KEPT).timestamp()
        for place in self._folder.iterdir():
            if is_id(place.name) and place.stat().st_mtime < min(oldest_s, time.time()):
                shutil.rmtree(place, ignore_errors=True)


def plain_name(name: str) -> str:
    """A file name for what a client calls `name`: letters and digits, one ending."""
    stem, dot, ending = Path(name.replace("\\", "/")).name.rpartition(".")
    if not dot or not re.fullmatch(r"[A-Za-z0-9]{1,5}", ending):
        stem, ending = Path(name.replace("\\", "/")).name, "bin"
    return f"{nearest_name(stem)}.{ending.lower()}"


def _is_checkpoint(path: Path) -> bool:
    """Whether it looks like a checkpoint; what is in it is for the reader to refuse."""
    with path.open("rb") as file:
        head = file.read(ARCHIVE_HEAD)
        name = file.read(int.from_bytes(head[26:28], "little"))
    return head.startswith(ARCHIVE) and name.endswith(PICKLE)


def _is_text(path: Path, size: int) -> bool:
    if size > TEXT_BYTES:
        return False
    data = path.read_bytes()
    if b"\0" in data:
        return False
    try:
        data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return False
    return True
