"""Ears decide: voices side by side, checkpoints of a run, a blind test, and the voice that a run gives."""

import json
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from driving import LOUDNESS, until
from servers import Server, running, tones

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

AUDIBLE = 0.05
SENTENCE = "The sun was low, and the long shadows of the trees lay across the road."


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tones(tmp_path_factory.mktemp("tones"), "--run")) as server:
        yield server


@pytest.fixture
def run(page: "Page") -> "Locator":
    """The finished run, opened."""
    page.goto("/#training")
    page.get_by_role("button", name="Watch book-1").click()
    run = page.locator("[data-role=run]")
    run.wait_for()
    return run


def test_two_voices_say_the_same_side_by_side(page: "Page") -> None:
    page.goto("/#voices")
    both = page.locator("details", has_text="Compare voices")
    both.locator("summary").click()
    both.get_by_label("anna", exact=True).check()
    go = both.get_by_role("button", name="Hear them side by side")
    go.click()
    both.get_by_text("Choose two voices or more.").wait_for()
    both.get_by_label("bert", exact=True).check()
    go.click()
    sounds = both.locator("audio")
    until(page, lambda: sounds.count() == 2)
    assert [sound.evaluate(LOUDNESS) > AUDIBLE for sound in sounds.all()] == [True, True]
    assert len({sound.get_attribute("src") for sound in sounds.all()}) == 2
    assert both.get_by_label("What each of them says").input_value() == SENTENCE
    likeness = re.findall(r"Likeness (\d\.\d+)", both.inner_text())
    assert [float(each) > 0.9 for each in likeness] == [True, True]
    assert both.locator("h3").all_inner_texts() == ["anna", "bert"]
    sounds.first.evaluate("audio => audio.play()")
    until(page, lambda: sounds.first.evaluate("audio => audio.currentTime") > 0)


def test_every_checkpoint_is_heard_and_the_best_is_named(page: "Page", run: "Locator") -> None:
    run.get_by_text("Every checkpoint is heard when it is saved; there is none yet.").wait_for()
    run.get_by_role("button", name="Hear the newest checkpoint").click()
    heard = run.locator("details.more", has=page.locator("summary", has_text=re.compile("^(Step|Before)")))
    until(page, lambda: heard.count() == 3)
    assert heard.locator("summary").all_inner_texts() == ["Step 20", "Step 10", "Before training"]
    until(page, lambda: "Best step" in run.locator(".tile", has_text="20").last.inner_text())
    run.get_by_text("Take step 20 scores").wait_for()
    for each in heard.all():
        each.evaluate("each => each.open = true")
        assert each.locator("audio").count() == 2
        assert each.locator("audio").first.evaluate(LOUDNESS) > AUDIBLE
    scores = [float(re.findall(r"score (\d\.\d+)", each.inner_text())[0]) for each in heard.all()]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] > scores[-1]


def test_a_run_is_compared_with_its_start_and_blindly_listened_to(page: "Page", run: "Locator", server: Server) -> None:
    run.get_by_role("button", name="Compare with the start").click()
    run.get_by_text("step 20 against start: better.").wait_for()
    pairs = run.locator("li", has=page.get_by_role("group", name="Which is better"))
    assert pairs.count() == 24
    assert [sound.evaluate(LOUDNESS) > AUDIBLE for sound in pairs.first.locator("audio").all()] == [True, True]
    key = json.loads((server.home / "runs" / "book-1" / "blind.key.json").read_text("utf-8"))
    for pair, first in zip(pairs.all(), key["first"], strict=True):
        pair.get_by_role("button", name="A" if first == "b" else "B", exact=True).click()  # b is the checkpoint
    pairs.first.get_by_role("button", name="The same").click()  # a change of mind
    assert pairs.first.locator("[aria-pressed=true]").all_inner_texts() == ["The same"]
    run.get_by_role("button", name="Tell me").click()
    run.get_by_text("23 for step 20, 0 for start, 1 heard no difference: step 20 is preferred").wait_for()


def test_the_voice_of_a_run_is_exported_and_speaks(page: "Page", run: "Locator") -> None:
    run.get_by_text("Make a voice of it").click()
    run.get_by_label("Name", exact=True).fill("learned")
    run.get_by_role("button", name="Export").click()
    run.get_by_text("learned is in your library.").wait_for()
    run.get_by_role("link", name="Speak with it now").click()
    page.get_by_label("Voice", exact=True).select_option("learned")
    page.get_by_label("Text", exact=True).fill(SENTENCE)
    page.locator("button[type=submit]").click()
    page.get_by_role("heading", name="Spoken by learned").wait_for()
    assert page.locator("audio[data-role=whole]").evaluate(LOUDNESS) > AUDIBLE

    page.get_by_text("More settings").click()
    page.get_by_label("Engine").select_option("training run book-1")
    assert page.get_by_label("Voice", exact=True).is_disabled()  # a run has a voice of its own
    page.locator("button[type=submit]").click()
    page.get_by_role("heading", name="Spoken by carl").wait_for()
