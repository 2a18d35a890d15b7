"""Files from strangers are what is in them, and stay where they are put."""

from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient
from serving import SAMPLES, Serves, upload

from voicewright.apps.http.uploads import plain_name
from voicewright.audio.clip import Clip
from voicewright.audio.files import write_clip
from voicewright.home import Home
from voicewright.speech.options import Output
from voicewright.studio import Studio

SOUND = sorted(SAMPLES.glob("*.flac"))[0]


def test_a_sound_is_known_by_its_content(client: TestClient) -> None:
    told = client.get(f"/api/v1/uploads/{upload(client, SOUND, 'notes.txt')}").json()
    assert (told["kind"], told["name"], told["rate"]) == ("sound", "notes.txt", 16_000)
    drawn = client.get(f"/api/v1/uploads/{told['id']}/waveform?bins=50").json()
    assert len(drawn["peaks"]) == 50
    assert max(high for _, high in drawn["peaks"]) > 0.1
    assert client.get(f"/api/v1/uploads/{told['id']}/audio").content[:4] == b"RIFF"


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"", 415),
        (b"\0" * 5000, 415),
        (b"RIFF\0\0\0\0WAVE", 415),
        (b"\x7fELF\x02\x01\x01" + bytes(range(256)) * 10, 415),
        (b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n", 201),
    ],
)
def test_what_is_no_sound_does_not_become_one(client: TestClient, data: bytes, status: int) -> None:
    answer = client.post("/api/v1/uploads", files={"file": ("song.wav", data)})
    assert answer.status_code == status
    if status == 201:
        assert answer.json()["kind"] == "text"
        wish = {"name": "x", "uploads": [answer.json()["id"]]}
        assert client.post("/api/v1/voices", json=wish).status_code == 415


def test_nothing_is_left_of_what_was_refused(client: TestClient, home: Home) -> None:
    client.post("/api/v1/uploads", files={"file": ("song.wav", b"\0\1\2" * 99)})
    assert list(home.uploads.iterdir()) == []


def test_many_files_do_not_fill_the_disk(serves: Serves) -> None:
    client = serves(upload_mb=SOUND.stat().st_size / 1e6 + 0.001)
    files = {"file": ("a.flac", SOUND.read_bytes())}
    answers = [client.post("/api/v1/uploads", files=files).status_code for _ in range(12)]
    assert answers == [201] * 10 + [413] * 2 or answers == [201] * 11 + [413]


def test_a_recording_that_is_too_long_is_refused(serves: Serves, tmp_path: Path) -> None:
    client = serves(upload_minutes=0.05)
    write_clip(tmp_path / "long.wav", Clip(np.full(8000 * 4, 0.1, np.float32), 8000))
    answer = client.post("/api/v1/uploads", files={"file": ("long.wav", (tmp_path / "long.wav").read_bytes())})
    assert answer.status_code == 413
    assert "may be taken" in answer.json()["detail"]


@pytest.mark.parametrize(
    "name", ["../../x.wav", "..\\..\\x.wav", "/etc/passwd", "a/b/c.flac", "..", "\0.wav", "con.wav"]
)
def test_a_file_stays_in_its_folder_whatever_it_is_called(client: TestClient, home: Home, name: str) -> None:
    made = plain_name(name)
    assert "/" not in made
    assert "\\" not in made
    assert made not in (".", "..")
    upload(client, SOUND, name or "x")
    outside = [path for path in home.root.rglob("*") if path.is_file() and path.suffix == ".wav"]
    assert all(home.uploads in path.parents for path in outside)


@pytest.mark.parametrize("name", ["..", "%2e%2e%2f", "0" * 16, "about.json"])
def test_ids_are_looked_up_and_no_more(client: TestClient, name: str) -> None:
    assert client.get(f"/api/v1/uploads/{name}").status_code in (404, 405)
    wish = {"name": "x", "uploads": [name]}
    assert client.post("/api/v1/voices", json=wish).status_code == 404


def test_a_voice_is_moved_from_machine_to_machine(client: TestClient, tmp_path: Path) -> None:
    (tmp_path / "n.voice").write_bytes(client.get("/api/v1/voices/narrator/file").content)
    name = upload(client, tmp_path / "n.voice")
    answer = client.post("/api/v1/voices/import", json={"upload": name, "name": "guest"})
    assert (answer.status_code, answer.json()["name"]) == (201, "guest")
    assert client.patch("/api/v1/voices/guest", json={"name": "visitor"}).json()["name"] == "visitor"
    names = {voice["name"] for voice in client.get("/api/v1/voices").json()["voices"]}
    assert names == {"narrator", "visitor"}
    assert client.delete("/api/v1/voices/visitor").status_code == 204
    assert client.get("/api/v1/voices/visitor").status_code == 404


def test_a_voice_comes_out_of_a_sound_that_carries_it(client: TestClient, home: Home, tmp_path: Path) -> None:
    studio = Studio(home, engine="tones")
    for name, embed in (("with.wav", True), ("without.wav", False)):
        studio.speak("Hello.", voice="narrator", out=tmp_path / name, output=Output(embed_voice=embed))
    wish = {"upload": upload(client, tmp_path / "with.wav"), "name": "guest"}
    assert client.post("/api/v1/voices/import", json=wish).json()["name"] == "guest"
    refused = client.post(
        "/api/v1/voices/import", json={"upload": upload(client, tmp_path / "without.wav"), "name": "x"}
    )
    assert refused.status_code == 422


def test_a_sound_tells_what_it_was_made_of(client: TestClient, home: Home, tmp_path: Path) -> None:
    studio = Studio(home, engine="tones")
    for name, embed in (("with.wav", True), ("without.wav", False)):
        studio.speak("Hello there.", voice="narrator", out=tmp_path / name, output=Output(embed_voice=embed))
        told = client.get(f"/api/v1/uploads/{upload(client, tmp_path / name)}/card").json()
        assert told["has_voice"] == embed
        assert "".join(part["piece"]["text"] for part in told["card"]["pieces"]) == "Hello there."
        assert told["card"]["voice"]["name"] == "narrator"
        assert told["card"]["voice_file"] == ""
    nothing = client.get(f"/api/v1/uploads/{upload(client, SOUND)}/card")
    assert nothing.json() == {"card": None, "has_voice": False}


def test_nobody_learns_where_the_home_is(client: TestClient, home: Home) -> None:
    refused = client.post("/api/v1/voices/import", json={"upload": upload(client, SOUND), "name": "x"})
    assert refused.status_code == 422
    assert "no voice in its card" in refused.json()["detail"]
    assert str(home.root) not in refused.text


def test_files_keep_the_names_that_their_owner_knows(client: TestClient, tmp_path: Path) -> None:
    clip = Clip(np.full(8000, 0.1, np.float32), 8000)
    for name in ("a.wav", "b.flac"):
        write_clip(tmp_path / name, clip)
    sent = [upload(client, tmp_path / "a.wav"), upload(client, tmp_path / "b.flac")]
    sent += [upload(client, tmp_path / "b.flac", "a.flac"), upload(client, tmp_path / "a.wav", "A.wav")]
    job = client.post("/api/v1/voices/examine", json={"uploads": sent}).json()
    house = client.app.state.house  # type: ignore[attr-defined]
    assert house.queue.get(job["id"]).request["_files"] == ["a.wav", "b.flac", "a-2.flac", "A-3.wav"]
