"""Errors as clients see them: problem+json (RFC 9457) with the sentence of the error; OpenAI's shape below /v1."""

import logging
import math
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from voicewright.errors import (
    BadJob,
    BadUpload,
    NoConsent,
    QueueFull,
    TooLarge,
    UnknownJob,
    UnknownName,
    UnknownVoice,
    VoicewrightError,
)

STATUS: tuple[tuple[type[VoicewrightError], int], ...] = (
    (UnknownVoice, 404),
    (UnknownJob, 404),
    (UnknownName, 404),
    (QueueFull, 429),
    (BadJob, 409),
    (TooLarge, 413),
    (BadUpload, 415),
    (NoConsent, 403),
)
log = logging.getLogger(__name__)


def add_problems(app: FastAPI) -> None:
    """Answer errors in this house's way."""

    async def ours(request: Request, problem: Exception) -> JSONResponse:
        status = next((number for kind, number in STATUS if isinstance(problem, kind)), 422)
        headers = {}
        if isinstance(problem, QueueFull):
            headers["Retry-After"] = str(math.ceil(problem.retry_after_s))
        sentence = request.app.state.house.outside(str(problem))
        return told(request, status, sentence, type(problem).__name__, headers)

    async def http(request: Request, problem: Exception) -> JSONResponse:
        assert isinstance(problem, HTTPException)  # noqa: S101 - registered for this class
        return told(request, problem.status_code, str(problem.detail), "Refused", dict(problem.headers or {}))

    async def shape(request: Request, problem: Exception) -> JSONResponse:
        assert isinstance(problem, RequestValidationError)  # noqa: S101 - registered for this class
        first = problem.errors()[0]
        where = ".".join(str(part) for part in first["loc"] if part != "body")
        return told(request, 422, f"{where + ': ' if where else ''}{first['msg']}", "BadRequest", {})

    async def fault(request: Request, problem: Exception) -> JSONResponse:
        log.error("a request met a fault", exc_info=problem)
        return told(request, 500, "a fault in voicewright itself; the server's log says more", "Fault", {})

    app.add_exception_handler(VoicewrightError, ours)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(RequestValidationError, shape)
    app.add_exception_handler(Exception, fault)


def told(request: Request, status: int, detail: str, kind: str, headers: dict[str, str]) -> JSONResponse:
    """The answer to a request that came to nothing."""
    body: dict[str, Any] = {"type": "about:blank", "title": kind, "status": status, "detail": detail, "kind": kind}
    if request.url.path.startswith("/v1/"):
        family = "server_error" if status >= 500 else "invalid_request_error"
        body = {"error": {"message": detail, "type": family, "code": kind, "param": None}}
        return JSONResponse(body, status, headers)
    return JSONResponse(body, status, headers, media_type="application/problem+json")
