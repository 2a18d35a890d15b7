"""What goes wrong around the page: the server goes away, there is too much to do, files are not what they should be."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from driving import LOUDNESS
from servers import Server, running, tones

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

SLOW = "The door opened slowly, and nobody was there."
"""Not spoken before the test lets it."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tones(tmp_path_factory.mktemp("tones"), "--queue", "1", "--upload-mb", "1")) as server:
        yield server


@pytest.fixture
def go(server: Server) -> "Iterator[Go]":
    go = Go(server)
    yield go
    go.now()
    if not server.alive:
        server.start()


class Go:
    """Lets what is slow be spoken."""

    def __init__(self, server: Server) -> None:
        self._sign = server.home / "go"
        self._sign.unlink(missing_ok=True)

    def now(self) -> None:
        self._sign.touch()


def speak(page: "Page", text: str = SLOW) -> None:
    page.goto("/#speak")
    page.get_by_label("Text", exact=True).fill(text)
    page.locator("button[type=submit]").click()


def heard(page: "Page") -> "Locator":
    """The whole speech, which sounds."""
    whole = page.locator("audio[data-role=whole]")
    whole.wait_for(state="attached")
    assert whole.evaluate(LOUDNESS) > 0.05
    return whole


def excused(complaints: list[str], *words: str) -> None:
    """Browsers log every request that came to nothing; these are meant."""
    assert complaints
    others = [each for each in complaints if not any(word in each for word in words)]
    assert not others
    complaints.clear()


def test_a_job_outlives_its_server_and_the_page_finds_what_became_of_it(
    page: "Page", server: Server, go: Go, complaints: list[str]
) -> None:
    speak(page)
    page.get_by_text("1 job at work").wait_for()
    server.kill()
    gone = page.locator("#away").get_by_text("The server cannot be reached. Is it still running?")
    gone.wait_for()
    for tab in ("Voices", "Speak"):
        page.get_by_role("tab", name=tab).click()
        page.locator("#panel").get_by_text("The server cannot be reached.").wait_for()
        assert page.get_by_role("button", name="Try again").is_visible()
    server.start()
    go.now()
    heard(page)  # nobody touched the page
    assert gone.count() == 0
    page.get_by_text("1 job at work").wait_for(state="hidden")
    excused(complaints, "net::ERR_")  # while there was no server


def test_two_tabs_of_the_browser_see_the_same_job(page: "Page", go: Go) -> None:
    speak(page)
    page.get_by_text("1 job at work").wait_for()
    other = page.context.new_page()
    other.goto("/#speak")
    other.get_by_text("1 job at work").wait_for()
    other.get_by_role("heading", name="It is being spoken").wait_for()
    go.now()
    assert heard(other).get_attribute("src") == heard(page).get_attribute("src")
    for each in (page, other):
        each.get_by_text("1 job at work").wait_for(state="hidden")


def test_a_full_queue_says_when_to_try_again(page: "Page", go: Go, complaints: list[str]) -> None:
    page.goto("/#speak")
    for _ in range(2):  # one is at work, one waits
        page.request.post("/api/v1/speech", data={"text": SLOW, "voice": "anna"})
    page.get_by_text("2 jobs at work").wait_for()
    speak(page, "And one more.")
    page.get_by_text("the queue is full (1 waiting); ask again in").wait_for()
    assert page.get_by_label("Text", exact=True).input_value() == "And one more."
    go.now()
    page.get_by_text("jobs at work").wait_for(state="hidden")
    page.locator("button[type=submit]").click()
    heard(page)
    excused(complaints, "status of 429")


def test_a_lost_connection_is_said_beside_the_button(page: "Page", complaints: list[str]) -> None:
    page.goto("/#speak")
    page.route("**/api/v1/speech", lambda route: route.abort())
    speak(page, "Hello there.")
    page.locator("form").get_by_text("The server cannot be reached. Is it still running?").wait_for()
    assert page.locator("button[type=submit]").is_enabled()
    page.unroute("**/api/v1/speech")
    page.locator("button[type=submit]").click()
    heard(page)
    excused(complaints, "ERR_FAILED")


FILES = {
    "letter.wav": (b"Dear Anna, this is no sound.", "letter.wav is not the kind of file that is needed here."),
    "broken.wav": (b"RIFF\x24\x00\x00\x00WAVEfmt " + bytes(40), "its beginning is damaged or missing"),
    "long.wav": (bytes(3_000_000), "That file is too large: this server takes 1 MB at most."),
}


def test_a_file_that_cannot_be_taken_is_named_beside_the_field(page: "Page", complaints: list[str]) -> None:
    page.goto("/#voices")
    maker = page.locator("[data-role=maker]")
    field, told = maker.locator("input[type=file]").first, maker.get_by_role("alert")
    for name, (content, words) in FILES.items():
        field.set_input_files({"name": name, "mimeType": "audio/wav", "buffer": content})
        told.get_by_text(name, exact=True).wait_for()
        assert words in told.inner_text()
        assert maker.locator(".files li").count() == 0
    excused(complaints, "status of 415")
