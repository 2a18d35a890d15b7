"""Signing in with a key, and what anybody may know."""

import math
from importlib.metadata import version
from typing import Any

from fastapi import APIRouter, Request, Response
from starlette.exceptions import HTTPException

from voicewright.apps.http.gate import COOKIE
from voicewright.apps.http.house import House, TheHouse, Wish
from voicewright.apps.http.keys import SESSION_S

router = APIRouter(prefix="/api/v1", tags=["session"])


class SignIn(Wish):
    """A key, to be stood for by a cookie."""

    key: str


@router.get("/session")
def session(house: TheHouse, request: Request) -> dict[str, bool]:
    """Whether a key is needed, and whether this browser has shown one."""
    signed_in = house.keys.session_owner(request.cookies.get(COOKIE, "")) is not None
    return {"key_required": house.keys.required, "signed_in": signed_in or not house.keys.required}


@router.post("/session", status_code=204)
def sign_in(house: TheHouse, request: Request, wish: SignIn) -> Response:
    """Give a key for a cookie that only this server and this browser can read."""
    owner = house.keys.owner(wish.key)
    if owner is None:
        address = request.client.host if request.client else "unknown"
        if wait_s := house.tries.wait_s(address):
            raise HTTPException(429, "too many wrong keys; wait", {"Retry-After": str(math.ceil(wait_s))})
        raise HTTPException(401, "this is not a key of this server")
    response = Response(status_code=204)
    let_in(house, request, response, owner)
    return response


def let_in(house: House, request: Request, response: Response, owner: str) -> None:
    """The cookie that stands for the key of `owner`, with the answer."""
    response.set_cookie(
        COOKIE,
        house.keys.open_session(owner),
        max_age=int(SESSION_S),
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )


@router.delete("/session", status_code=204)
def sign_out(house: TheHouse, request: Request) -> Response:
    """Forget the cookie."""
    house.keys.close_session(request.cookies.get(COOKIE, ""))
    response = Response(status_code=204)
    response.delete_cookie(COOKIE)
    return response


@router.get("/about")
def about(house: TheHouse) -> dict[str, Any]:
    """What this server is and what it takes."""
    options = house.options
    return {
        "version": version("voicewright"),
        "key_required": house.keys.required,
        "limits": {
            "upload_mb": options.upload_mb,
            "upload_s": options.upload_minutes * 60,
            "text": options.text_letters,
            "queue": options.queue,
        },
    }
