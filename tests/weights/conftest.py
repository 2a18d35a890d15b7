"""A hub on this machine, with faults on demand, and weight sets small enough to send around."""

import hashlib
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from voicewright.weights.catalogue import Hub, Source, WeightFile, WeightSet
from voicewright.weights.download import Patience


@dataclass
class LocalHub:
    """A server in the hub's layout: /REPO/resolve/REVISION/FILE.

    Attributes:
        files: content by path.
        cuts: how many bytes to send of each of the next answers before hanging up.
        statuses: statuses to answer the next requests with.
        asked: the Range header of each request so far.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    cuts: list[int] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    ranges: bool = True
    redirect: bool = False
    address: str = ""

    def add(self, file: WeightFile, content: bytes) -> None:
        """Offer a weight file under its hub address."""
        source = next(source for source in file.sources if isinstance(source, Hub))
        self.files[f"/{source.repo}/resolve/{source.revision}/{source.file}"] = content


def _handler(hub: LocalHub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            asked = self.headers.get("Range", "")
            hub.asked.append(asked)
            if hub.statuses:
                return self.send_error(hub.statuses.pop(0))
            if hub.redirect and not self.path.startswith("/cdn"):
                self.send_response(302)
                self.send_header("Location", f"/cdn{self.path}")
                self.send_header("Content-Length", "0")
                return self.end_headers()
            content = hub.files.get(self.path.removeprefix("/cdn"))
            if content is None:
                return self.send_error(404)
            match = re.fullmatch(r"bytes=(\d+)-", asked) if hub.ranges else None
            start = int(match[1]) if match else 0
            if start >= len(content):
                return self.send_error(416)
            self.send_response(206 if match else 200)
            if match:
                self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
            self.send_header("Content-Length", str(len(content) - start))
            self.end_headers()
            self.wfile.write(content[start : start + hub.cuts.pop(0)] if hub.cuts else content[start:])
            self.close_connection = True
            return None

    return Handler


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalHub]:
    """A running local hub, and an environment that knows no other."""
    for name in ("HF_ENDPOINT", "HF_HUB_OFFLINE", "http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)
    local = LocalHub()
    with ThreadingHTTPServer(("127.0.0.1", 0), _handler(local)) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        local.address = f"http://127.0.0.1:{server.server_port}"
        yield local
        server.shutdown()
        thread.join()


class Toys:
    """What the tests make small weight sets of."""

    patience = Patience(attempts=3, backoff_s=0.01, timeout_s=5)

    @staticmethod
    def digest(content: bytes) -> str:
        return hashlib.sha256(content).hexdigest()

    @staticmethod
    def file(
        content: bytes, name: str = "model.bin", sources: tuple[Source, ...] = (), convert: str = ""
    ) -> WeightFile:
        """A file with these bytes, from the local hub unless said otherwise."""
        source = sources or (Hub("maker/model", "c0ffee", name),)
        return WeightFile(name, Toys.digest(content), len(content), source, convert)

    @staticmethod
    def sets(*files: WeightFile, makes: str = "") -> dict[str, WeightSet]:
        """A table with one set, "toy"."""
        return {"toy": WeightSet("toy", "a toy", "MIT", "the tests", files, makes)}


@pytest.fixture
def toys() -> type[Toys]:
    return Toys


@pytest.fixture
def content() -> bytes:
    """Three megabytes that do not repeat."""
    return b"".join(hashlib.sha256(n.to_bytes(4, "big")).digest() for n in range(98_304))


@pytest.fixture
def no_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Opening any socket fails the test."""
    import socket

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder where pretended packages can be put."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    return folder
