"""The studio's server as users run it, on a free port, and a browser to look at it with."""

import importlib.util
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import driving
from servers import Server, running

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or ""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """`voicewright serve` in a process of its own, with a home of its own that the tests of a file share."""
    home = tmp_path_factory.mktemp("served")
    with running(Server(["-m", "voicewright", "--home", home, "--offline", "serve"], home)) as server:
        yield server


@pytest.fixture(scope="module")
def address(server: Server) -> str:
    """Where the server is; a file with a `server` of its own has the address of that one."""
    return server.address


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
def complaints() -> list[str]:
    """What the browser complained about; whatever is left at a test's end fails it."""
    return []


@pytest.fixture
def page(browser: "Browser", address: str, complaints: list[str]) -> "Iterator[Page]":
    """A page of the studio in English."""
    context = browser.new_context(base_url=address, locale="en-GB", permissions=["microphone"])
    context.set_default_timeout(30_000)

    def heard(message: Any) -> None:
        if message.type in ("error", "warning"):
            complaints.append(f"{message.type}: {message.text} ({message.location})")

    context.on("console", heard)
    context.on("weberror", lambda problem: complaints.append(str(problem.error)))
    yield context.new_page()
    context.close()
    assert not complaints


@pytest.fixture
def voice(page: "Page") -> str:
    """A voice to speak and convert with; made once for all tests of a file."""
    return driving.make_voice(page)
