"""Keys are made and deleted by whoever is let in."""

import asyncio
import sys

import pytest
from fastapi.testclient import TestClient
from serving import HERE, KEY, Serves

from voicewright.apps.http.following import events
from voicewright.home import Home

KEYS = "/api/v1/keys"


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def test_the_first_key_locks_the_door_and_lets_its_maker_in(client: TestClient, serves: Serves, home: Home) -> None:
    assert client.get(KEYS).json() == {"keys": []}
    made = client.post(KEYS, json={"name": "my phone"})
    assert made.status_code == 201
    assert made.headers["cache-control"] == "no-store"
    key = made.json()["key"]
    (told,) = client.get(KEYS).json()["keys"]  # the cookie came with the key
    assert (told["name"], told["mine"], key.startswith(told["begins"])) == ("my phone", True, True)
    assert key not in home.keys_file.read_text("utf-8") + client.get(KEYS).text

    client.cookies.clear()
    assert client.get("/api/v1/voices").status_code == 401
    assert client.post(KEYS, json={}).status_code == 401
    assert client.get("/api/v1/voices", headers=bearer(key)).status_code == 200


def test_a_deleted_key_opens_nothing_and_its_browsers_are_signed_out(client: TestClient) -> None:
    first = client.post(KEYS, json={}).json()
    second = client.post(KEYS, json={"name": "other"}).json()
    client.cookies.clear()
    assert client.post("/api/v1/session", json={"key": second["key"]}).status_code == 204
    assert client.delete(f"{KEYS}/{second['id']}").status_code == 204
    assert client.get("/api/v1/voices").status_code == 401
    assert client.get("/api/v1/voices", headers=bearer(second["key"])).status_code == 401
    assert client.delete(f"{KEYS}/{second['id']}", headers=bearer(first["key"])).status_code == 404
    assert client.delete(f"{KEYS}/{first['id']}", headers=bearer(first["key"])).status_code == 204
    assert client.get("/api/v1/voices").status_code == 200  # this machine alone again


def test_who_listens_hears_no_more_when_the_key_is_withdrawn(client: TestClient, serves: Serves) -> None:
    house = client.app.state.house
    kept, gone = (client.post(KEYS, json={}).json()["id"] for _ in range(2))
    client.delete(f"{KEYS}/{gone}")

    async def hears(owner: str) -> list[str]:
        return [each async for each in events(house, owner, house.queue.last_change)]

    assert asyncio.run(hears(f"key {gone}")) == asyncio.run(hears("127.0.0.1")) == []
    with pytest.raises(TimeoutError):
        asyncio.run(asyncio.wait_for(hears(f"key {kept}"), 0.5))


def test_a_server_that_others_reach_keeps_a_key(serves: Serves) -> None:
    client = serves(host="0.0.0.0", name="10.0.0.1")
    assert client.post(KEYS, json={}).status_code == 403


def test_the_last_key_stays_where_others_can_come(serves: Serves, home: Home) -> None:
    from voicewright.apps.http.keys import Keys

    key = Keys(home.keys_file).make()
    client = serves(host="0.0.0.0", name="10.0.0.1")
    (only,) = client.get(KEYS, headers=bearer(key)).json()["keys"]
    refused = client.delete(f"{KEYS}/{only['id']}", headers=bearer(key))
    assert (refused.status_code, "last key" in refused.json()["detail"]) == (409, True)
    made = client.post(KEYS, json={}, headers=bearer(key)).json()
    assert client.delete(f"{KEYS}/{only['id']}", headers=bearer(made["key"])).status_code == 204


def test_a_key_from_the_start_is_listed_and_stays(serves: Serves) -> None:
    client = serves(keys=(KEY,))
    (given,) = client.get(KEYS, headers=HERE).json()["keys"]
    assert (given["given"], given["mine"], given["begins"]) == (True, True, "")
    assert client.delete(f"{KEYS}/{given['id']}", headers=HERE).status_code == 422


def test_pages_of_other_sites_make_no_keys(client: TestClient) -> None:
    assert client.post(KEYS, json={}, headers={"Origin": "https://evil.example"}).status_code == 403
    assert client.get(KEYS).json() == {"keys": []}


def test_what_is_kept_here_tells_its_size_and_its_place_to_this_machine_alone(serves: Serves, home: Home) -> None:
    told = serves().get("/api/v1/room").json()
    assert told["bytes"]["voices"] == sum(path.stat().st_size for path in home.voices.iterdir())
    assert told["bytes"]["datasets"] == 0
    assert told["free_bytes"] > 0
    assert (told["folder"], told["device"], told["keep_days"]) == (str(home.root), "cpu", 30)


def test_strangers_are_not_told_where_things_are(serves: Serves, home: Home) -> None:
    client = serves(keys=(KEY,))
    for path in ("/api/v1/room", "/api/v1/doctor"):
        told = client.get(path, headers=HERE).text
        assert str(home.root) not in told
        assert sys.executable not in told
