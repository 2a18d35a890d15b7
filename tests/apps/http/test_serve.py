"""`voicewright serve`: what it refuses before it listens."""

import json
import socket
from pathlib import Path

import pytest

from voicewright.apps.cli import main
from voicewright.apps.http.options import ServeOptions
from voicewright.apps.serve import KEY_VARIABLE, listening, require_key
from voicewright.errors import BadSetting
from voicewright.home import Home


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "studio.example"])
def test_others_are_not_let_in_without_a_key(
    host: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    assert main(["serve", "--host", host]) == 2
    assert "needs a key" in capsys.readouterr().err
    require_key(ServeOptions(host=host), has_key=True)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_this_machine_needs_none(host: str) -> None:
    require_key(ServeOptions(host=host), has_key=False)


def test_a_short_key_is_no_key(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "--host", "0.0.0.0", "--api-key", "secret"]) == 2
    assert "16 characters" in capsys.readouterr().err


def test_a_new_key_is_printed_once(home_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "--new-key"]) == 0
    key = capsys.readouterr().out.strip()
    assert key.startswith("vw_")
    assert len(key) > 40
    (row,) = json.loads(Home(home_folder).keys_file.read_text("utf-8"))
    assert key not in row.values()


@pytest.mark.parametrize("wrong", [{"workers": 0}, {"queue": 0}, {"upload_mb": 0.0}, {"requests_per_minute": -1.0}])
def test_options_have_their_ranges(wrong: dict[str, float]) -> None:
    with pytest.raises(BadSetting, match="must be"):
        ServeOptions(**wrong)


def test_small_messages_are_sent_at_once() -> None:
    with listening(ServeOptions(port=0)) as door, socket.create_connection(door.getsockname()):
        accepted, _ = door.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
