"""The page of the studio: files that ship with the package, served with the right types and kept by browsers.

Everything under /static/HASH/ never changes: HASH is of all the files together, so a new version has new addresses.
"""

import hashlib
import json
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final

from fastapi import FastAPI, Request
from fastapi.responses import Response

from voicewright.apps.web.guide import Guide

TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
}
POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "media-src 'self' blob:",
        "connect-src 'self'",
        "worker-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
"""Nothing from elsewhere, and no code or style but in files of our own."""
FOR_EVER: Final = "public, max-age=31536000, immutable"
ASK_AGAIN: Final = "no-cache"


@dataclass(frozen=True, slots=True)
class _File:
    """One file as it is sent."""

    data: bytes
    type: str
    tag: str


def mount(app: FastAPI) -> None:
    """Serve the page at / of `app`, its files under /static/, and the project's own pages under /help/."""
    static = _read(files("voicewright.apps.web") / "static", "")
    version = _digest("".join(f"{name}{file.tag}" for name, file in sorted(static.items())).encode())
    index = static.pop("index.html").data.replace(b"{base}", f"/static/{version}".encode())
    front = _file("index.html", index)
    guide = Guide.find()
    pictures = {name: _file(name, data) for name, data in guide.pictures()}

    @app.get("/", include_in_schema=False)
    def home(request: Request) -> Response:
        return _sent(request, front, ASK_AGAIN)

    @app.get("/favicon.ico", include_in_schema=False)
    def favicon(request: Request) -> Response:
        return _sent(request, static["icons/voicewright.svg"], ASK_AGAIN)

    @app.get("/static/{wanted}/{path:path}", include_in_schema=False)
    def file(request: Request, wanted: str, path: str) -> Response:
        if path not in static:
            return _missing()
        return _sent(request, static[path], FOR_EVER if wanted == version else ASK_AGAIN)

    @app.get("/help/index.json", include_in_schema=False)
    def help_index(request: Request) -> Response:
        entries = [{"name": page.name, "title": page.title} for page in guide.pages]
        return _sent(request, _file("index.json", json.dumps(entries).encode()), ASK_AGAIN)

    @app.get("/help/{name}.html", include_in_schema=False)
    def help_page(request: Request, name: str) -> Response:
        html = guide.html(name)
        return _missing() if html is None else _sent(request, _file("page.html", html.encode()), ASK_AGAIN)

    @app.get("/help/images/{name}", include_in_schema=False)
    def help_picture(request: Request, name: str) -> Response:
        return _sent(request, pictures[name], ASK_AGAIN) if name in pictures else _missing()


def _read(folder: Traversable, stem: str) -> dict[str, _File]:
    """Every file below `folder`, by its path: they are few and small, and a path from outside only looks one up."""
    found: dict[str, _File] = {}
    for each in folder.iterdir():
        name = f"{stem}{each.name}"
        if each.is_dir():
            found |= _read(each, f"{name}/")
        else:
            found[name] = _file(each.name, each.read_bytes())
    return found


def _file(name: str, data: bytes) -> _File:
    _, dot, ending = name.rpartition(".")
    return _File(data, TYPES.get(dot + ending, "application/octet-stream"), f'"{_digest(data)}"')


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]


def _sent(request: Request, file: _File, keep: str) -> Response:
    headers = {
        "ETag": file.tag,
        "Cache-Control": keep,
        "Content-Security-Policy": POLICY,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
    }
    if request.headers.get("If-None-Match") == file.tag:
        return Response(status_code=304, headers=headers)
    return Response(file.data, media_type=file.type, headers=headers)


def _missing() -> Response:
    return Response("not found", status_code=404, media_type="text/plain", headers={"Content-Security-Policy": POLICY})
