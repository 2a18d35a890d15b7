"""What docs/server.md prints is run against a server."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from serving import SAMPLES
from test_openai import address  # noqa: F401 - fixture

from voicewright.home import Home
from voicewright.voice.library import Library

PAGE = Path(__file__).parents[3] / "docs" / "server.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
THERE = "http://127.0.0.1:7860"


@pytest.fixture
def place(home: Home, tmp_path: Path) -> Path:
    """A folder with what the page speaks of."""
    import soundfile

    sound, rate = soundfile.read(sorted(SAMPLES.glob("*.flac"))[0], dtype="int16")
    soundfile.write(tmp_path / "rec1.wav", sound, rate)
    Library(home.voices).rename("narrator", "reader")
    return tmp_path


@pytest.fixture
def keys() -> tuple[str, ...]:
    """None: the page shows a server of this machine."""
    return ()


def test_the_examples_work(place: Path, address: str) -> None:  # noqa: F811 - fixture
    for kind, text in BLOCK.findall(PAGE.read_text("utf-8")):
        text = text.replace(THERE, address)
        if kind == "py":
            done = subprocess.run([sys.executable, "-c", text], cwd=place, capture_output=True, text=True, timeout=100)
            assert done.returncode == 0, done.stderr
            assert "leisure to consider" in done.stdout
            assert (place / "out.mp3").read_bytes().startswith(b"ID3")
        for line in text.splitlines() if kind == "sh" else ():
            if line.startswith("curl "):
                done = subprocess.run(
                    [*shlex.split(line), "--fail-with-body"], cwd=place, capture_output=True, text=True, timeout=30
                )
                assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
