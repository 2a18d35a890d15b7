"""One file over HTTP: resumed where it stopped, retried, checked, and only then put in place."""

import os
import shutil
import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import IO, cast

from voicewright.errors import BadSetting, BadWeights
from voicewright.progress import Progress, silent
from voicewright.weights.catalogue import Hub
from voicewright.weights.verified import CHUNK_BYTES, sha256_of

PUBLIC_HUB = "https://huggingface.co"
SPARE_BYTES = 64 << 20
_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})  # statuses that another try may cure


class DownloadFailed(BadWeights):
    """A server did not give the file; another source may."""


class _TryAgain(Exception):
    """This attempt failed in a way that the next may not."""


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long to insist."""

    attempts: int = 4
    """Tries in a row that bring nothing new before giving up."""
    backoff_s: float = 1.0
    """Pause after the first failure; it doubles with each further one."""
    timeout_s: float = 30.0
    """Longest silence of the server."""


def hub_url(source: Hub, mirror: str | None = None) -> str:
    """Address of a hub file, on `mirror`, else on the HF_ENDPOINT of the environment, else on the public hub.

    Raises: BadSetting when the mirror is not an http(s) address.
    """
    base = (mirror or os.environ.get("HF_ENDPOINT") or PUBLIC_HUB).rstrip("/")
    parsed = urllib.parse.urlsplit(base)
    if parsed.scheme not in ("http", "https") or not parsed.netloc:
        raise BadSetting(f"weights mirror {base!r} is not an address: give one such as {PUBLIC_HUB}")
    parts = (source.repo, "resolve", source.revision, source.file)
    return "/".join([base, *map(urllib.parse.quote, parts)])


def download(
    url: str, out: Path, *, sha256: str, size: int, progress: Progress = silent, patience: Patience | None = None
) -> None:
    """Fetch `url` into `out`. A `.part` file beside it keeps what has arrived, also over restarts of the program.

    Args:
        sha256: what the whole must hash to, hex.
        size: its length in bytes; never more than this is written.
        progress: counts bytes.

    Raises: DownloadFailed when the server does not give the right bytes; BadWeights when the disk is too full.
    """
    patience = patience or Patience()
    part = out.with_name(f"{out.name}.{sha256[:12]}.part")  # the hash keeps two revisions apart
    started_with = _length(part)
    fruitless = 0
    while _length(part) < size:
        before = _length(part)
        need_space(part.parent, size - before)
        try:
            _append(url, part, size, progress, f"downloading {out.name}", patience.timeout_s)
        except (_TryAgain, OSError, HTTPException) as error:
            fruitless = 0 if _length(part) > before else fruitless + 1
            if fruitless >= patience.attempts:
                raise DownloadFailed(f"{url}: {_reason(error)}, {fruitless} tries") from error
            time.sleep(patience.backoff_s * 2 ** max(0, fruitless - 1))
    if sha256_of(part, progress) != sha256:
        part.unlink()
        if started_with:  # the beginning may have come from elsewhere, so begin again once
            return download(url, out, sha256=sha256, size=size, progress=progress, patience=patience)
        raise DownloadFailed(f"{url}: the server sent other bytes than expected (wrong SHA-256)")
    settle(part, out)


def settle(temporary: Path, out: Path) -> None:
    """Put a finished file in its place so that a crash leaves either the old state or the new one."""
    with temporary.open("rb+") as file:
        os.fsync(file.fileno())
    temporary.replace(out)


def _web() -> urllib.request.OpenerDirector:
    """A client that speaks HTTP(S), proxies and redirects included, and nothing else (no file:, no ftp:)."""
    web = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler,
        urllib.request.HTTPHandler,
        urllib.request.HTTPSHandler,
        urllib.request.HTTPRedirectHandler,
        urllib.request.HTTPDefaultErrorHandler,
        urllib.request.HTTPErrorProcessor,
        urllib.request.UnknownHandler,
    ):
        web.add_handler(handler())
    return web


def _append(url: str, part: Path, size: int, progress: Progress, step: str, timeout_s: float) -> None:
    have = _length(part)
    headers = {"User-Agent": "voicewright", "Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    try:
        reply = _web().open(urllib.request.Request(url, headers=headers), timeout=timeout_s)  # noqa: S310 - see _web
    except urllib.error.HTTPError as error:
        with error:
            if error.code == 416:
                part.unlink()
                raise _TryAgain("the server cannot resume") from error
            if error.code in _PASSING:
                raise _TryAgain(f"HTTP {error.code} {error.reason}") from error
            raise DownloadFailed(f"{url}: HTTP {error.code} {error.reason}") from error
    with reply:
        resumed = reply.status == 206
        if resumed and not reply.headers.get("Content-Range", "").startswith(f"bytes {have}-"):
            raise DownloadFailed(f"{url}: the server answered with another part of the file than was asked for")
        with part.open("ab" if resumed else "wb") as file:
            _copy(cast("IO[bytes]", reply), file, have if resumed else 0, size, progress, step)
    if _length(part) > size:
        part.unlink()
        raise DownloadFailed(f"{url}: the server sent more than the {size:,} bytes expected")
    if _length(part) < size:
        raise _TryAgain(f"the connection ended after {_length(part):,} of {size:,} bytes")


def _copy(reply: IO[bytes], file: IO[bytes], done: int, size: int, progress: Progress, step: str) -> None:
    # One byte beyond the end is asked for, so that a file that is too long is noticed but never stored.
    while done <= size and (chunk := reply.read(min(CHUNK_BYTES, size - done + 1))):
        file.write(chunk)
        done += len(chunk)
        progress(step, done, size)


def need_space(folder: Path, needed_bytes: int) -> None:
    """Raises: BadWeights when the folder's disk cannot take so many bytes and a little more."""
    free = shutil.disk_usage(folder).free
    if free < needed_bytes + SPARE_BYTES:
        raise BadWeights(
            f"{folder}: {needed_bytes / 1e6:.0f} MB are still to be written and only {free / 1e6:.0f} MB are free; "
            "make room, or keep the weights in another folder"
        )


def _length(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _reason(error: Exception) -> str:
    return str(error.reason) if isinstance(error, urllib.error.URLError) else str(error) or type(error).__name__
