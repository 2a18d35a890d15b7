"""What a person does with the page, in a real browser, with the small twin of the engine."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Page

SAMPLES = Path(__file__).parents[3] / "src" / "voicewright" / "samples" / "austen"
RECORDINGS = [SAMPLES / "austen-0870.flac", SAMPLES / "austen-0890.flac"]
TABS = ["speak", "voices", "convert", "datasets", "training", "history", "settings", "help"]
PHONE = {"width": 360, "height": 740}
LOUDNESS = """async (audio) => {
  const context = new OfflineAudioContext(1, 1, 24000);
  const sound = await context.decodeAudioData(await (await fetch(audio.src)).arrayBuffer());
  return sound.getChannelData(0).reduce((most, each) => Math.max(most, Math.abs(each)), 0);
}"""

SAMPLES_OF = """async (audio) => {
  const data = new Uint8Array(await (await fetch(audio.src)).arrayBuffer());
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", data.slice(44)));
  return [...hash].join();
}"""


def until(page: "Page", so: Callable[[], bool], seconds: float = 30) -> None:
    """Wait until something is so. (The page's policy forbids what playwright's own waiting for functions does.)"""
    for _ in range(int(seconds * 10)):
        if so():
            return
        page.wait_for_timeout(100)
    raise AssertionError("it did not come to pass")


def make_voice(page: "Page", name: str = "narrator") -> None:
    page.goto("/#voices")
    maker = page.locator("[data-role=maker]")
    maker.locator("input[type=file]").first.set_input_files(RECORDINGS)
    page.locator("[data-role=doctor]").wait_for()
    maker.get_by_label("Name", exact=True).fill(name)
    maker.get_by_role("button", name="It is my own voice").click()
    maker.get_by_text("Quick", exact=True).click()
    maker.get_by_text("More settings").click()
    maker.get_by_label("Engine").select_option("kokoro-tiny")
    maker.get_by_role("button", name="Make the voice").click()
    page.locator("[data-role=made]").wait_for(timeout=90_000)


def speak(page: "Page", text: str) -> None:
    page.goto("/#speak")
    page.get_by_label("Text", exact=True).fill(text)
    page.get_by_text("Quick", exact=True).click()
    page.locator("button[type=submit]").click()
    page.locator("[data-role=sentences]").wait_for(timeout=60_000)


@pytest.mark.slow
def test_a_voice_is_made_speaks_is_mended_and_remembered(page: "Page") -> None:
    make_voice(page)
    report = page.locator("[data-role=doctor]")
    assert "used" in report.inner_text()
    assert report.locator(".findings li").count() > 0
    assert page.locator("[data-role=made] audio").count() == len(RECORDINGS) + 1
    assert page.locator("article[data-voice=narrator]").is_visible()

    speak(page, "The door opened slowly, and nobody was there.\n\nThen the old lamp went out all by itself.")
    whole = page.locator("audio[data-role=whole]")
    assert whole.evaluate(LOUDNESS) > 0.01
    whole.evaluate("audio => audio.play()")
    until(page, lambda: whole.evaluate("audio => audio.currentTime") > 0.2)
    sentences = page.locator("[data-role=sentences] li")
    assert sentences.count() == 2

    first, second = (sentences.nth(i).locator("audio") for i in range(2))
    before = whole.get_attribute("src")
    kept, changed = (each.evaluate(SAMPLES_OF) for each in (first, second))
    sentences.nth(0).get_by_role("button", name=re.compile("^Lock")).click()
    sentences.nth(1).locator("[data-do=redo]").click()
    until(page, lambda: whole.get_attribute("src") != before)
    sentences = page.locator("[data-role=sentences] li")
    assert sentences.nth(0).locator("audio").evaluate(SAMPLES_OF) == kept
    assert sentences.nth(1).locator("audio").evaluate(SAMPLES_OF) != changed
    assert sentences.nth(0).locator("[data-do=redo]").is_disabled()

    page.goto("/#history")
    entries = page.locator("li[data-job]")
    entries.first.wait_for()
    assert entries.count() == 2
    page.get_by_label("Search texts, voices and names").fill("no such words")
    page.get_by_text("Nothing here").wait_for()
