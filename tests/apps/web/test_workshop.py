"""The page's rarer work, in a real browser: old sounds brought back, runs averaged, keys made."""

import base64
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from driving import SAMPLES, done

from voicewright.speech.card import read_card, write_card

if TYPE_CHECKING:
    from playwright.sync_api import Page


@pytest.mark.slow
def test_an_old_sound_gives_back_its_settings_and_its_voice(page: "Page", voice: str, tmp_path: Path) -> None:
    settings = {"speak": {"speed": 1.25}, "check": {"check": "off"}}
    job = done(page, "speech", text="Once more, please.", voice=voice, settings=settings, format="wav")
    old = tmp_path / "old.wav"
    old.write_bytes(page.request.get(job["files"][0]["url"]).body())
    card = read_card(old)
    assert card is not None
    inside = base64.b64encode(page.request.get(f"/api/v1/voices/{voice}/file").body()).decode()
    write_card(old, replace(card, voice_file=inside))

    page.goto("/#voices")
    page.get_by_label("Import voices or old sounds").set_input_files([old, SAMPLES / "austen-0880.flac"])
    shown = page.locator("[data-role=old]")
    shown.get_by_text("This sound carries no card").wait_for()
    made = shown.filter(has_text="Once more, please.")
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


@pytest.mark.slow
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
