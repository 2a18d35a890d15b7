"""A server with a key: the page asks for it, and asks again when it no longer holds; nothing that was typed is lost."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from driving import LOUDNESS, until
from servers import Server, running, tones

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

KEY = "a key that is long enough"
REFUSED = "status of 401"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tones(tmp_path_factory.mktemp("tones"), "--api-key", KEY)) as server:
        yield server


@pytest.fixture
def asking(page: "Page") -> "Locator":
    """The page as it asks for the key."""
    page.goto("/#speak")
    asking = page.get_by_role("dialog", name="A key, please")
    asking.wait_for()
    return asking


def sign_in(page: "Page", asking: "Locator", key: str = KEY) -> None:
    asking.get_by_label("Key", exact=True).fill(key)
    asking.get_by_role("button", name="Sign in").click()


def statuses(page: "Page") -> set[int]:
    """What the API answers to a program in this browser."""
    answers = [page.request.get(f"/api/v1/{path}") for path in ("voices", "jobs", "events", "settings")]
    return {answer.status for answer in answers}


def excused(complaints: list[str], words: str = REFUSED) -> None:
    """Browsers log every refusal; those are meant."""
    assert complaints
    assert all(words in each for each in complaints), complaints
    complaints.clear()


def test_the_right_key_lets_in_until_signing_out(page: "Page", asking: "Locator", complaints: list[str]) -> None:
    assert page.locator("main h1").count() == 0
    assert page.request.get("/api/v1/voices").status == 401
    sign_in(page, asking, "not the key, though long")
    asking.get_by_text("That is not the key.").wait_for()
    assert page.evaluate("document.activeElement.type") == "password"
    page.keyboard.press("Escape")
    assert asking.is_visible()
    excused(complaints)
    sign_in(page, asking)
    text = page.get_by_label("Text", exact=True)
    text.fill("Nobody else can hear this.")
    asking.wait_for(state="detached")
    page.reload()
    text.wait_for()
    assert text.input_value() == "Nobody else can hear this."
    page.locator("button[type=submit]").click()  # told by server-sent events, heard by <audio>: both with the cookie
    whole = page.locator("audio[data-role=whole]")
    whole.wait_for(state="attached")
    assert whole.evaluate(LOUDNESS) > 0.05
    until(page, lambda: whole.evaluate("audio => audio.duration") > 1)
    page.get_by_role("tab", name="Settings").click()
    page.get_by_role("button", name="Sign out").click()
    asking.wait_for()
    assert page.request.get("/api/v1/voices").status == 401
    assert page.context.cookies() == []


def test_it_asks_again_after_the_server_began_anew_and_keeps_what_was_typed(
    page: "Page", asking: "Locator", server: Server, complaints: list[str]
) -> None:
    sign_in(page, asking)
    page.get_by_role("tab", name="Voices").click()
    maker = page.locator("[data-role=maker]")
    maker.get_by_label("Name", exact=True).fill("carla")
    maker.get_by_label("Consent", exact=True).fill("Carla agreed on Tuesday.")
    server.kill()
    page.get_by_role("alert").get_by_text("The server cannot be reached.").wait_for()
    server.start()
    asking.wait_for()  # of its own accord
    assert page.get_by_role("alert").count() == 0
    sign_in(page, asking)
    asking.wait_for(state="detached")
    assert maker.get_by_label("Name", exact=True).input_value() == "carla"
    assert maker.get_by_label("Consent", exact=True).input_value() == "Carla agreed on Tuesday."
    both = page.locator("details", has_text="Compare voices")
    both.locator("summary").click()
    for name in ("anna", "bert"):
        both.get_by_label(name, exact=True).check()
    both.get_by_role("button", name="Hear them side by side").click()
    until(page, lambda: both.locator("audio").count() == 2)
    complaints[:] = [each for each in complaints if "ERR_" not in each]  # while there was no server
    excused(complaints)


def test_work_that_was_refused_since_the_key_was_withdrawn_is_done_at_the_second_try(
    page: "Page", asking: "Locator", complaints: list[str]
) -> None:
    holder = {"Authorization": f"Bearer {KEY}"}
    guest = page.request.post("/api/v1/keys", data={"name": "a guest"}, headers=holder).json()
    page.context.clear_cookies()
    sign_in(page, asking, guest["key"])
    page.get_by_label("Text", exact=True).fill("These words are not lost.")
    assert page.request.delete(f"/api/v1/keys/{guest['id']}", headers=holder).ok
    page.locator("button[type=submit]").click()
    asking.wait_for()
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    page.wait_for_timeout(100)
    asking.wait_for()
    sign_in(page, asking)
    asking.wait_for(state="detached")
    page.get_by_text("A key is needed first.").wait_for()
    assert page.get_by_label("Text", exact=True).input_value() == "These words are not lost."
    page.locator("button[type=submit]").click()
    page.get_by_role("heading", name="Spoken by anna").wait_for()
    assert page.get_by_text("A key is needed first.").count() == 0
    excused(complaints)


def test_after_many_wrong_keys_it_says_when_to_try_again(
    page: "Page", asking: "Locator", complaints: list[str]
) -> None:
    refusal = {"status": 429, "headers": {"Retry-After": "42"}, "json": {"detail": "too many wrong keys; wait"}}
    page.route("**/api/v1/session", lambda route: route.fulfill(**refusal))
    sign_in(page, asking)
    asking.get_by_text("Try again in 42 seconds.").wait_for()
    page.unroute("**/api/v1/session")
    sign_in(page, asking)
    page.get_by_label("Text", exact=True).wait_for()
    excused(complaints, "status of 429")
