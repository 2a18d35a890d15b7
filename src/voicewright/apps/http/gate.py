"""`Gate`: what a request passes before anything looks at it: host, origin, key, rate, size."""

import ipaddress
import json
import math
import time
from collections import OrderedDict
from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie
from urllib.parse import urlsplit

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from voicewright.apps.http.keys import Keys
from voicewright.apps.http.options import ServeOptions

COOKIE, KEY = "voicewright_session", "key "
READS = frozenset({"GET", "HEAD", "OPTIONS"})
OPEN = frozenset({"/api/v1/session", "/api/v1/about"})
"""What is answered without a key: how to sign in."""
LARGE = frozenset({"/api/v1/uploads", "/v1/audio/transcriptions"})
JSON_BYTES = 8 << 20
TRIES_PER_MINUTE = 20.0
"""How many wrong keys an address may try."""
REMEMBERED = 10_000
CONTENT_POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "media-src 'self' blob: data:; connect-src 'self'; worker-src 'self' blob:; frame-ancestors 'none'; "
    "base-uri 'none'; form-action 'self'; object-src 'none'"
)
HEADERS = {
    "content-security-policy": CONTENT_POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "microphone=(self), camera=(), geolocation=()",
}


class Bucket:
    """Lets so many through in a minute, more at once after a quiet time; by name."""

    def __init__(self, per_minute: float) -> None:
        self._rate, self._most = per_minute / 60, max(1.0, per_minute / 6)
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait_s(self, name: str) -> float:
        """0 if one more may pass, which is counted; else how long to wait."""
        now_s = time.monotonic()
        left, since_s = self._left.pop(name, (self._most, now_s))
        left = min(self._most, left + (now_s - since_s) * self._rate)
        passes = left >= 1
        self._left[name] = (left - 1 if passes else left, now_s)
        while len(self._left) > REMEMBERED:
            self._left.popitem(last=False)
        return 0.0 if passes else (1 - left) / self._rate


class Refused(Exception):
    """Why a request goes no further."""

    def __init__(self, status: int, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status, self.detail, self.headers = status, detail, dict(headers or {})


class Gate:
    """The outermost layer of the server.

    What it lets through has `scope["state"]["owner"]`: `KEY` and the id of the key, or the address. Without any key
    everything passes that comes to a name of this machine and not from another site's page.
    """

    def __init__(self, app: ASGIApp, options: ServeOptions, keys: Keys, tries: Bucket) -> None:
        self._app, self._options, self._keys, self._tries = app, options, keys, tries
        self._requests = Bucket(options.requests_per_minute)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        try:
            self._check_site(scope, headers)
            owner = self._owner(scope, headers)
            if wait_s := self._requests.wait_s(owner):
                raise Refused(429, "too many requests; slow down", {"retry-after": str(math.ceil(wait_s))})
            most = self._most_bytes(scope)
            if _number(headers.get("content-length", "0")) > most:
                raise Refused(413, f"the request is larger than the {most / 1e6:.0f} MB that are taken here")
        except Refused as refused:
            await _refuse(scope, receive, send, refused)
            return
        scope.setdefault("state", {})["owner"] = owner
        await self._app(scope, _counted(receive, most), _with_headers(send))

    def _check_site(self, scope: Scope, headers: Mapping[str, str]) -> None:
        """A page of another site must not reach this one, not even by a name that it made point here."""
        host = headers.get("host", "")
        name = _host_name(host)
        if not self._is_ours(name):
            raise Refused(403, f"this server is not called {name[:100]!r}; add it: voicewright serve --name NAME")
        origin = headers.get("origin")
        changes = scope["type"] == "websocket" or scope["method"] not in READS
        if origin is not None and changes and urlsplit(origin).netloc.casefold() != host.casefold():
            raise Refused(403, "pages of other sites may not use this server")
        if changes and origin is None and headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
            raise Refused(403, "pages of other sites may not use this server")

    def _is_ours(self, name: str) -> bool:
        known = {"localhost", "127.0.0.1", "::1", self._options.host, *self._options.names}
        if name.casefold() in {each.casefold() for each in known}:
            return True
        return not self._options.is_local and _is_address(name)

    def _owner(self, scope: Scope, headers: Mapping[str, str]) -> str:
        address = str((scope.get("client") or ("unknown", 0))[0])
        if not self._keys.required:
            return address
        given, _, key = headers.get("authorization", "").partition(" ")
        owner = self._keys.owner(key.strip()) if given.casefold() == "bearer" else None
        owner = owner or self._keys.session_owner(_cookie(headers.get("cookie", "")))
        if owner:
            return f"{KEY}{owner}"
        if key and (wait_s := self._tries.wait_s(address)):
            raise Refused(429, "too many wrong keys; wait", {"retry-after": str(math.ceil(wait_s))})
        path, method = scope["path"], scope.get("method", "")
        page = not path.startswith(("/api", "/v1")) and method in READS
        if page or path in OPEN:
            return address
        raise Refused(401, "this server needs a key: Authorization: Bearer KEY", {"www-authenticate": "Bearer"})

    def _most_bytes(self, scope: Scope) -> float:
        return self._options.upload_mb * 1e6 + 1e5 if scope["path"] in LARGE else JSON_BYTES


def _counted(receive: Receive, most: float) -> Receive:
    """The same, until more came than may."""
    got = 0

    async def counted() -> Message:
        nonlocal got
        message = await receive()
        if message["type"] == "http.request":
            got += len(message.get("body", b""))
            if got > most:
                raise HTTPException(413, f"the request is larger than the {most / 1e6:.0f} MB that are taken here")
        return message

    return counted


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            there = {name.lower() for name, _ in message["headers"]}
            extra = [(n.encode(), v.encode()) for n, v in HEADERS.items() if n.encode() not in there]
            message = {**message, "headers": [*message["headers"], *extra]}
        await send(message)

    return sending


async def _refuse(scope: Scope, receive: Receive, send: Send, refused: Refused) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1008, "reason": refused.detail[:120]})
        return
    told = {"type": "about:blank", "title": "Refused", "status": refused.status, "detail": refused.detail}
    told |= {"kind": "Refused", "error": {"message": refused.detail, "type": "invalid_request_error", "code": None}}
    headers = {"content-type": "application/problem+json", "connection": "close", **HEADERS, **refused.headers}
    rows = [(name.encode(), value.encode("latin-1", "replace")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": refused.status, "headers": rows})
    await send({"type": "http.response.body", "body": json.dumps(told).encode()})


def _host_name(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.rpartition(":")[0] if host.count(":") == 1 else host


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _number(text: str) -> float:
    return float(text) if text.isdecimal() else 0.0


def _cookie(header: str) -> str:
    try:
        found = SimpleCookie(header).get(COOKIE)
    except CookieError:
        return ""
    return found.value if found else ""
