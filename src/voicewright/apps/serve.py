"""`voicewright serve`: the page and the HTTP API."""

import os
import socket
from typing import TYPE_CHECKING, Annotated

import typer

from voicewright.apps.http.keys import Keys
from voicewright.apps.http.options import ServeOptions
from voicewright.apps.session import flag, given, note, say, session_of
from voicewright.errors import BadSetting, MissingExtra

if TYPE_CHECKING:
    from voicewright.studio import Studio

KEY_VARIABLE = "VOICEWRIGHT_API_KEY"
GRACE_S = 5
SERVE_HELP = """Serve the page and the HTTP API: for a browser, and for programs.

\b
  voicewright serve
  voicewright serve --new-key
  voicewright serve --host 0.0.0.0

Only this machine can reach it, unless --host says otherwise; then a key is needed: one made by --new-key, or one of
yours in VOICEWRIGHT_API_KEY or --api-key. Ctrl-C ends it; what was being made is taken up at the next start.
"""


def serve(
    context: typer.Context,
    host: Annotated[str | None, flag(ServeOptions, "host", "--host", metavar="ADDRESS")] = None,
    port: Annotated[int | None, flag(ServeOptions, "port", "--port")] = None,
    name: Annotated[list[str] | None, flag(ServeOptions, "names", "--name", metavar="NAME")] = None,
    api_key: Annotated[
        list[str] | None, typer.Option("--api-key", metavar="KEY", help="A key that lets in; others can see it in ps.")
    ] = None,
    new_key: Annotated[bool, typer.Option("--new-key", help="Make a key, print it once, and leave.")] = False,
    workers: Annotated[int | None, flag(ServeOptions, "workers", "--workers")] = None,
    queue: Annotated[int | None, flag(ServeOptions, "queue", "--queue")] = None,
    upload_mb: Annotated[float | None, flag(ServeOptions, "upload_mb", "--upload-mb")] = None,
    upload_minutes: Annotated[float | None, flag(ServeOptions, "upload_minutes", "--upload-minutes")] = None,
    live: Annotated[int | None, flag(ServeOptions, "live", "--live")] = None,
    keep_days: Annotated[float | None, flag(ServeOptions, "keep_days", "--keep-days")] = None,
    keep_mb: Annotated[float | None, flag(ServeOptions, "keep_mb", "--keep-mb")] = None,
) -> None:
    options = given(
        ServeOptions,
        host=host,
        port=port,
        names=tuple(name) if name else None,
        workers=workers,
        queue=queue,
        upload_mb=upload_mb,
        upload_minutes=upload_minutes,
        live=live,
        keep_days=keep_days,
        keep_mb=keep_mb,
    )
    studio = session_of(context).studio
    of_this_run = [key for key in (*(api_key or ()), os.environ.get(KEY_VARIABLE, "")) if key]
    keys = Keys(studio.home.keys_file, of_this_run)
    if new_key:
        say(keys.make())
        note(f"this key is not shown again; {studio.home.keys_file} holds only its hash")
        return
    require_key(options, keys.required)
    _run(studio, options, keys)


def _run(studio: "Studio", options: ServeOptions, keys: Keys) -> None:
    """Until Ctrl-C. Raises MissingExtra; BadJob: another server uses this home; BadSetting: no such address."""
    try:
        import fastapi  # noqa: F401 - asked here, so that what is missing is said in one sentence
        import uvicorn
    except ModuleNotFoundError as missing:
        raise MissingExtra(str(missing.name), needed_for="voicewright serve", extra="serve") from None
    from voicewright.apps.http.app import create_app, create_queue

    config = uvicorn.Config(
        create_app(studio, create_queue(studio, options), options, keys),
        log_level="warning",
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=GRACE_S,
        ws_per_message_deflate=False,  # sound gets no smaller by it
    )
    with listening(options) as door:
        place = f"[{options.host}]" if ":" in options.host else options.host
        note(f"voicewright is at http://{place}:{door.getsockname()[1]} (Ctrl-C ends it)")
        uvicorn.Server(config).run(sockets=[door])


def listening(options: ServeOptions) -> socket.socket:
    """A socket at the address. Raises BadSetting: the address is not this machine's, or the port is taken."""
    try:
        kind = socket.getaddrinfo(options.host, options.port, type=socket.SOCK_STREAM)[0][0]
        door = socket.create_server((options.host, options.port), family=kind, backlog=256)
    except OSError as problem:
        reason = problem.strerror or str(problem)
        raise BadSetting(f"cannot listen at {options.host}, port {options.port} ({reason}); try --port 0") from None
    # Whoever comes in inherits it; asyncio sets it only for sockets that it made itself. Without it a small message
    # waits for the acknowledgement of the last one: live conversion answered 20 ms late.
    door.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return door


def require_key(options: ServeOptions, has_key: bool) -> None:
    """Raises BadSetting: others could reach the server, and nothing would keep them out."""
    if not options.is_local and not has_key:
        raise BadSetting(
            f"at {options.host} others can reach this server, so it needs a key: make one with voicewright serve "
            f"--new-key, or set {KEY_VARIABLE}; without --host only this machine can reach it"
        )
