"""The studio's server as users run it, on a free port, and a browser to look at it with."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import driving

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or ""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where `voicewright serve` is, in a process of its own with a home of its own that the tests share."""
    home = tmp_path_factory.mktemp("served")
    command = [sys.executable, "-m", "voicewright", "--home", str(home), "--offline", "serve", "--port", "0"]
    log = home / "log.txt"
    with log.open("w") as out:
        server = subprocess.Popen(
            command, stdout=out, stderr=subprocess.STDOUT, env=os.environ | {"HF_HUB_OFFLINE": "1"}
        )
    try:
        yield _told(log, server)
    finally:
        server.terminate()
        server.wait(20)


def _told(log: Path, server: "subprocess.Popen[bytes]") -> str:
    """The address that the server says it is at."""
    for _ in range(600):
        said = re.search(r"http://[\d.]+:\d+", log.read_text())
        if said:
            return said[0]
        assert server.poll() is None, log.read_text()
        time.sleep(0.1)
    raise AssertionError(f"the server did not start: {log.read_text()}")


@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    """Chromium without a window, with a microphone that beeps. Ended with its file: until then playwright's event loop
    runs in this thread, and no other test could have one."""
    if not CHROMIUM:
        pytest.skip("no chromium here: apt-get install chromium")
    if not importlib.util.find_spec("playwright"):
        pytest.skip("no playwright here: pip install playwright (its own browsers are not needed)")
    from playwright.sync_api import sync_playwright

    media = ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"]
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--autoplay-policy=no-user-gesture-required", *media]
        )


@pytest.fixture
def page(browser: "Browser", address: str) -> "Iterator[Page]":
    """A page of the studio in English. Whatever the browser complains about fails the test."""
    context = browser.new_context(base_url=address, locale="en-GB", permissions=["microphone"])
    page = context.new_page()
    page.set_default_timeout(30_000)
    complaints: list[str] = []

    def heard(message: Any) -> None:
        if message.type in ("error", "warning"):
            complaints.append(f"{message.type}: {message.text} ({message.location})")

    page.on("console", heard)
    page.on("pageerror", lambda problem: complaints.append(str(problem)))
    yield page
    context.close()
    assert not complaints


@pytest.fixture
def voice(page: "Page") -> str:
    """A voice to speak and convert with; made once for all tests of a file."""
    return driving.make_voice(page)
