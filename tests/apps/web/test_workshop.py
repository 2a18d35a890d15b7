"""The page's rarer work, in a real browser: old sounds brought back, keys made, everything open on a phone."""

import base64
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from driving import SAMPLES, done
from servers import Server, running, tones

from voicewright.speech.card import read_card, write_card

if TYPE_CHECKING:
    from playwright.sync_api import Page


PHONE = {"width": 360, "height": 740}
STICKING_OUT = """badges => badges.filter((each) => each.getBoundingClientRect().right
  > each.closest(".card").getBoundingClientRect().right).map((each) => each.textContent)"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tones(tmp_path_factory.mktemp("tones"), "--run")) as server:
        yield server


def test_an_old_sound_gives_back_its_settings_and_its_voice(page: "Page", tmp_path: Path) -> None:
    voice = "anna"
    settings = {"speak": {"speed": 1.25}, "check": {"check": "off"}}
    job = done(page, "speech", text="Once more, please.", voice=voice, settings=settings, format="wav")
    old = tmp_path / "old.wav"
    old.write_bytes(page.request.get(job["files"][0]["url"]).body())
    card = read_card(old)
    assert card is not None
    inside = base64.b64encode(page.request.get(f"/api/v1/voices/{voice}/file").body()).decode()
    write_card(old, replace(card, voice_file=inside))

    strange = tmp_path / "strange.wav"
    strange.write_bytes(old.read_bytes())
    write_card(strange, replace(card, voice=replace(card.voice, name="nobody"), voice_file=""))

    page.goto("/#voices")
    page.get_by_label("Import voices or old sounds").set_input_files([strange, old, SAMPLES / "austen-0880.flac"])
    shown = page.locator("[data-role=old]")
    shown.get_by_text("This sound carries no card").wait_for()
    shown.get_by_text("Your library has no voice called nobody").wait_for()
    made = page.get_by_role("region", name="old.wav")
    made.get_by_label("Name", exact=True).fill("returned")
    made.get_by_role("button", name="Take its voice").click()
    page.locator("article[data-voice=returned]").wait_for()
    made.get_by_role("button", name="Use these settings").click()
    text = page.get_by_label("Text", exact=True)
    text.wait_for()
    assert text.input_value() == "Once more, please."
    assert page.get_by_label("Voice", exact=True).input_value() == voice
    page.get_by_text("More settings").click()
    assert float(page.get_by_label(re.compile("^Speed")).first.input_value()) == 1.25


def test_a_voice_that_is_gone_is_not_replaced_in_silence(page: "Page") -> None:
    page.goto("/#history")
    page.locator(".page h1").wait_for()
    page.evaluate("""sessionStorage.setItem("voicewright.speak.request", '{"text": "Hello.", "voice": "nobody"}')""")
    page.goto("/#speak")
    page.get_by_text("There is no voice called nobody here any more").wait_for()


def test_a_key_is_made_shown_once_and_deleted(page: "Page") -> None:
    page.goto("/#settings")
    page.locator("[data-role=room]").get_by_text("Free on the disk").wait_for()
    keys = page.locator("[data-role=keys]")
    keys.get_by_label("Who or what it is for").fill("my phone")
    keys.get_by_role("button", name="Make a key").click()
    page.get_by_role("dialog").get_by_role("button", name="Make a key").click()
    key = keys.locator("[data-role=key]").inner_text()
    keys.get_by_text("yours now").wait_for()
    page.reload()  # the browser stays signed in, and the key is told no more
    keys.get_by_text("my phone").wait_for()
    assert key not in page.content()
    keys.get_by_role("button", name="Delete the key my phone").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    keys.get_by_text("only this machine can reach the server").wait_for()


def test_an_open_dataset_and_an_open_run_fit_a_phone(page: "Page") -> None:
    reason = "the recogniser was unsure of a word, and somebody coughs all through it"
    for clip in ("u2", "u3"):
        assert page.request.post("/api/v1/datasets/book/edits", data={"clip": clip, "drop": reason}).ok
    page.set_viewport_size(PHONE)
    for tab, opened, shown in (("datasets", "Open book", "[data-clip]"), ("training", "Watch book-1", ".chart")):
        page.goto(f"/#{tab}")
        page.get_by_role("button", name=opened).click()
        page.locator(shown).first.wait_for()
        for folded in page.locator("main details").all():
            folded.evaluate("each => each.open = true")
        page.wait_for_timeout(200)
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], tab
        assert page.locator("main .card .badge:visible").evaluate_all(STICKING_OUT) == [], tab
