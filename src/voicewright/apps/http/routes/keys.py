"""The keys of the server: listed, made, deleted, by whoever is let in."""

from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from voicewright.apps.http.gate import KEY
from voicewright.apps.http.house import TheHouse, Wish, owner_of
from voicewright.apps.http.routes.session import let_in
from voicewright.errors import BadJob
from voicewright.jobs.plain import plain

router = APIRouter(prefix="/api/v1/keys", tags=["session"])


class KeyWish(Wish):
    """A key to be made."""

    name: str = Field(default="", max_length=64, description="Who or what it is for.")


class KeyTold(BaseModel):
    """A new key; it is told this once."""

    key: str
    id: str


@router.get("")
def list_(house: TheHouse, request: Request) -> dict[str, Any]:
    """Every key, without the key: who it is for, how it begins, when it was made, and which one was used to ask."""
    mine = owner_of(request)
    return {"keys": [{**plain(each), "mine": mine == f"{KEY}{each.id}"} for each in house.keys.list()]}


@router.post("", status_code=201)
def make(house: TheHouse, request: Request, response: Response, wish: KeyWish) -> KeyTold:
    """Make a key. From the first one on nothing is answered without a key; whoever made it is let in at once."""
    first = not house.keys.required
    if first and not house.options.is_local:
        raise HTTPException(403, "the first key of a server that others can reach is made at its own command line")
    key = house.keys.make(wish.name.strip())
    owner = house.keys.owner(key) or ""
    if first:
        let_in(house, request, response, owner)
    response.headers["Cache-Control"] = "no-store"
    return KeyTold(key=key, id=owner)


@router.delete("/{key_id}", status_code=204)
def remove(house: TheHouse, key_id: str) -> Response:
    """Delete a key: it opens nothing any more, and browsers that signed in with it are signed out."""
    known = house.keys.list()
    if len(known) == 1 and known[0].id == key_id and not house.options.is_local:
        raise BadJob("this is the last key, and others can reach this server; make another one first")
    house.keys.remove(key_id)
    return Response(status_code=204)
