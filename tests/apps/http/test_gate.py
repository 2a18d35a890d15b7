"""Who comes in, and who does not."""

import pytest
from fastapi.testclient import TestClient
from serving import HERE, KEY, Serves
from starlette.websockets import WebSocketDisconnect

from voicewright.apps.http.gate import Bucket
from voicewright.apps.http.keys import Keys
from voicewright.home import Home

WRITES = [
    ("post", "/api/v1/speech"),
    ("post", "/api/v1/uploads"),
    ("post", "/api/v1/voices"),
    ("delete", "/api/v1/voices/narrator"),
    ("put", "/api/v1/settings"),
    ("post", "/v1/audio/speech"),
]


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "192.168.0.7", ""]
)
def test_a_name_that_others_made_point_here_is_refused(client: TestClient, host: str) -> None:
    assert client.get("/api/v1/voices", headers={"Host": host}).status_code == 403


@pytest.mark.parametrize("host", ["localhost", "localhost:7860", "127.0.0.1:7860", "[::1]:7860"])
def test_names_of_this_machine_are_fine(client: TestClient, host: str) -> None:
    assert client.get("/api/v1/voices", headers={"Host": host}).status_code == 200


def test_a_name_can_be_added(serves: Serves) -> None:
    client = serves(names=("studio.example",))
    assert client.get("/api/v1/voices", headers={"Host": "studio.example:7860"}).status_code == 200


@pytest.mark.parametrize(("method", "path"), WRITES)
def test_pages_of_other_sites_change_nothing(client: TestClient, method: str, path: str) -> None:
    for headers in ({"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}):
        assert client.request(method, path, headers=headers).status_code == 403
    assert client.get("/api/v1/voices/narrator").status_code == 200


def test_our_own_page_may_change_things(client: TestClient) -> None:
    headers = {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"}
    assert client.put("/api/v1/settings", json={"default_voice": "narrator"}, headers=headers).status_code == 200


def test_a_page_of_another_site_opens_no_socket(client: TestClient) -> None:
    with (
        pytest.raises(WebSocketDisconnect) as refused,
        client.websocket_connect("ws://localhost/api/v1/live", headers={"Origin": "https://evil.example"}),
    ):
        pass
    assert refused.value.code == 1008


@pytest.mark.parametrize(("method", "path"), [*WRITES, ("get", "/api/v1/voices"), ("get", "/v1/models")])
def test_without_the_key_nothing_is_done(serves: Serves, method: str, path: str) -> None:
    client = serves(keys=(KEY,), host="0.0.0.0", name="10.0.0.1")
    for headers in ({}, {"Authorization": "Bearer wrong key, but long enough"}, {"Authorization": f"Basic {KEY}"}):
        answer = client.request(method, path, headers=headers)
        assert (answer.status_code, answer.headers["content-type"]) == (401, "application/problem+json")
    assert client.get("/api/v1/voices/narrator", headers=HERE).status_code == 200


def test_sockets_need_the_key_too(serves: Serves) -> None:
    client = serves(keys=(KEY,))
    with pytest.raises(WebSocketDisconnect), client.websocket_connect("ws://localhost/api/v1/speak-stream"):
        pass
    with client.websocket_connect("ws://localhost/api/v1/speak-stream", headers=HERE) as socket:
        socket.send_json({"voice": "narrator"})
        assert socket.receive_json() == {"type": "ready"}


def test_a_browser_signs_in_and_out(serves: Serves) -> None:
    client = serves(keys=(KEY,))
    assert client.get("/api/v1/session").json() == {"key_required": True, "signed_in": False}
    assert client.post("/api/v1/session", json={"key": "no"}).status_code == 401
    answer = client.post("/api/v1/session", json={"key": KEY})
    assert answer.status_code == 204
    cookie = answer.headers["set-cookie"].casefold()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert KEY not in cookie
    assert client.get("/api/v1/voices").status_code == 200
    stolen = dict(client.cookies)
    client.delete("/api/v1/session")
    client.cookies.update(stolen)
    assert client.get("/api/v1/voices").status_code == 401


def test_keys_are_not_guessed_at_length(serves: Serves) -> None:
    client = serves(keys=(KEY,))
    tries = [client.post("/api/v1/session", json={"key": f"wrong {n}"}) for n in range(40)]
    assert {answer.status_code for answer in tries} == {401, 429}
    assert int(tries[-1].headers["retry-after"]) >= 1


def test_only_the_hash_of_a_key_is_kept(home: Home) -> None:
    keys = Keys(home.keys_file)
    assert not keys.required
    made = keys.make()
    kept = home.keys_file.read_text("utf-8")
    assert made not in kept
    assert made.removeprefix("vw_") not in kept
    assert home.keys_file.stat().st_mode & 0o077 == 0
    assert Keys(home.keys_file).owner(made) is not None
    assert Keys(home.keys_file).owner(made[:-1]) is None


def test_every_answer_says_what_a_browser_may_do_with_it(client: TestClient) -> None:
    for path in ("/api/v1/about", "/api/v1/voices/nobody", "/nothing"):
        headers = client.get(path).headers
        assert (
            "default-src 'self'" in headers["content-security-policy"]
            or "default-src 'none'" in (headers["content-security-policy"])
        )
        assert headers["x-content-type-options"] == "nosniff"
        assert "access-control-allow-origin" not in headers


def test_what_is_too_large_is_refused_before_and_while_it_comes(serves: Serves) -> None:
    client = serves(upload_mb=0.5)
    data = b"0" * 1_000_000
    assert client.post("/api/v1/uploads", files={"file": ("a.wav", data)}).status_code == 413
    boundary = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'

    def parts():
        yield boundary
        for _ in range(10):
            yield data[:100_000]
        yield b"\r\n--x--\r\n"

    kind = {"Content-Type": "multipart/form-data; boundary=x"}
    assert client.post("/api/v1/uploads", content=parts(), headers=kind).status_code == 413
    assert client.post("/api/v1/speech", content=b'"' + b"a" * 9_000_000 + b'"').status_code == 413


def test_one_client_cannot_take_all_the_time(serves: Serves) -> None:
    client = serves(requests_per_minute=60)
    answers = [client.get("/api/v1/about") for _ in range(15)]
    assert answers[0].status_code == 200
    assert answers[-1].status_code == 429
    assert int(answers[-1].headers["retry-after"]) >= 1


def test_a_bucket_fills_again(monkeypatch: pytest.MonkeyPatch) -> None:
    now_s = 100.0
    monkeypatch.setattr("time.monotonic", lambda: now_s)
    bucket = Bucket(60)
    assert [bucket.wait_s("a") for _ in range(11)] == [0.0] * 10 + [1.0]
    assert bucket.wait_s("b") == 0
    now_s += 1
    assert bucket.wait_s("a") == 0
