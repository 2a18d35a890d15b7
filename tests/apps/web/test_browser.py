"""What a person does with the page, in a real browser, with the small twin of the engine."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from driving import LOUDNESS, RECORDINGS, SAMPLES, done, names, until, upload

if TYPE_CHECKING:
    from playwright.sync_api import Page

TABS = ["speak", "voices", "convert", "datasets", "training", "history", "settings", "help"]
PHONE = {"width": 360, "height": 740}
SAMPLES_OF = """async (audio) => {
  const data = new Uint8Array(await (await fetch(audio.src)).arrayBuffer());
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", data.slice(44)));
  return [...hash].join();
}"""

UNNAMED = """controls => controls.filter((each) => each.getAttribute("aria-hidden") !== "true" && !(
  each.labels?.length || each.getAttribute("aria-label") || each.textContent.trim())).map((each) => each.outerHTML)"""


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


@pytest.mark.slow
def test_a_recording_is_converted_and_its_pitch_drawn(page: "Page", voice: str) -> None:
    page.goto("/#convert")
    page.locator("input[type=file]").first.set_input_files(SAMPLES / "austen-0880.flac")
    page.locator(".files audio").wait_for(state="attached")
    page.get_by_label("Pitch", exact=True).select_option("3")
    page.get_by_role("button", name="Convert", exact=True).click()
    result = page.locator("[data-role=converted]")
    result.locator("canvas.curves").wait_for(timeout=60_000)
    assert "3.0 semitones" in result.inner_text()
    assert result.locator("audio").last.evaluate(LOUDNESS) > 0.01
    inked = "c => c.getContext('2d').getImageData(0, 0, c.width, c.height).data.some((value) => value > 0)"
    until(page, lambda: bool(result.locator("canvas.curves").evaluate(inked)))


@pytest.mark.slow
def test_live_hears_the_microphone_and_answers(page: "Page", voice: str) -> None:
    page.goto("/#convert/live")
    meters = page.locator("[data-role=live]")
    page.locator("[data-do=live]").click()
    until(page, lambda: re.search(r"\d+ ms", meters.inner_text()) is not None, seconds=60)
    level = meters.get_by_role("meter", name="Microphone")
    until(page, lambda: int(level.get_attribute("aria-valuenow") or -60) > -50)
    page.get_by_role("button", name="Mute").click()
    page.get_by_role("button", name="Stop").click()
    page.get_by_role("button", name="Start").wait_for()


@pytest.mark.slow
def test_a_dataset_is_prepared_corrected_and_the_correction_undone(page: "Page") -> None:
    page.goto("/#datasets")
    page.locator("input[type=file]").first.set_input_files(SAMPLES / "austen-0880.flac")
    page.locator(".files audio").wait_for(state="attached")
    page.get_by_label("Name of the dataset").fill("book")
    page.get_by_role("button", name="Prepare", exact=True).click()
    clips = page.locator("[data-clip]")
    clips.first.wait_for(timeout=120_000)
    text = clips.first.get_by_label("What is said")
    before = text.input_value()
    text.fill("Entirely other words.")
    clips.first.get_by_role("button", name="Save").click()
    clips.first.get_by_text("changed", exact=True).wait_for()
    clips.first.get_by_role("button", name="Drop", exact=True).click()
    clips.first.get_by_role("button", name="Use it").wait_for()
    page.get_by_text("Kept", exact=True).click()
    page.get_by_text("No such clips").wait_for()
    page.get_by_text("All", exact=True).click()
    undo = page.get_by_role("button", name="Undo the last change")
    undo.click()
    clips.first.get_by_role("button", name="Drop", exact=True).wait_for()
    assert text.input_value() == "Entirely other words."
    undo.click()
    until(page, lambda: text.input_value() == before)


def test_every_tab_opens_without_a_complaint_and_fits_a_phone(page: "Page") -> None:
    page.set_viewport_size(PHONE)
    for tab in TABS:
        page.goto(f"/#{tab}")
        page.locator(f".page[data-tab={tab}] h1").first.wait_for()
        page.wait_for_load_state("networkidle") if tab == "help" else page.wait_for_timeout(150)
        for folded in page.locator("main details").all():
            folded.evaluate("each => each.open = true")
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], tab
        assert page.locator(".notice.bad").count() == 0, tab
        unnamed = page.locator("main :is(input, select, textarea, button):visible").evaluate_all(UNNAMED)
        assert not unnamed, f"{tab}: controls without a name: {unnamed}"


def test_tabs_are_walked_with_the_keyboard(page: "Page") -> None:
    page.goto("/#speak")
    page.locator(".page h1").wait_for()
    page.get_by_role("tab", name="Speak").focus()
    page.keyboard.press("ArrowDown")
    page.locator(".page[data-tab=voices]").wait_for()
    assert page.evaluate("document.activeElement.id") == "tab-voices"
    page.keyboard.press("End")
    page.locator(".page[data-tab=help]").wait_for()
    assert page.get_by_role("tab", selected=True).inner_text() == "Help"
    assert page.locator("[role=tab][tabindex='0']").count() == 1


def test_the_language_and_the_colours_are_chosen_and_remembered(page: "Page") -> None:
    page.goto("/#settings")
    page.get_by_label("Language").select_option("zh")
    page.get_by_role("tab", name="设置").wait_for()
    page.get_by_text("深色", exact=True).click()
    page.reload()
    page.get_by_role("tab", name="设置").wait_for()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    assert page.evaluate("document.documentElement.lang") == "zh-Hans"


def test_what_goes_wrong_is_said_beside_it(page: "Page", voice: str) -> None:
    page.goto("/#speak")
    page.get_by_label("Text", exact=True).fill("")
    page.locator("button[type=submit]").click()
    assert page.get_by_text("Write something to say first.").is_visible()
    assert page.get_by_label("Text", exact=True).get_attribute("aria-invalid") is not None


@pytest.mark.slow
def test_a_small_training_is_watched_to_its_end_and_heard(page: "Page") -> None:
    uploads = [upload(page, path) for path in sorted(SAMPLES.glob("*.flac"))]
    done(page, "datasets", name="austen", uploads=uploads, options={})
    page.goto("/#training/austen")
    page.get_by_label("Name of the run").fill("austen-1")
    page.get_by_label("Engine").select_option("kokoro-tiny")
    page.get_by_text("More settings").click()
    page.get_by_label("Start preset").select_option("quick")
    for label, value in (("Epochs", "2"), ("Save every", "1"), ("Sentences", "1")):
        page.get_by_label(label, exact=True).fill(value)
    page.get_by_role("button", name="Make a plan").click()
    plan = page.locator("[data-role=plan]")
    plan.locator(".findings li").first.wait_for()
    plan.get_by_role("button", name="Start training").click()
    run = page.locator("[data-role=run]")
    run.wait_for()
    page.reload()  # it goes on, and the page finds it again
    run.wait_for()
    run.get_by_text("finished", exact=True).wait_for(timeout=150_000)
    run.locator(".chart").first.wait_for()
    assert run.locator("details audio").first.evaluate(LOUDNESS) > 0.001
    run.get_by_text("Make a voice of it").click()
    run.get_by_label("Name", exact=True).fill("trained")
    run.get_by_role("button", name="Export").click()
    run.get_by_text("trained is in your library.").wait_for()
    assert run.get_by_text("Time left").count() == 0  # there is none

    mixer = page.locator("[data-role=merge]")
    mixer.get_by_text("Average runs or checkpoints").click()
    for number in (1, 2):
        mixer.get_by_role("group", name=f"Part {number}").get_by_label("Checkpoint").select_option(index=number)
    mixer.get_by_label("Name of the run").fill("mixed")
    mixer.get_by_role("button", name="Average them").click()
    page.locator("[data-role=run][data-run=mixed]").wait_for(timeout=60_000)
    assert not page.get_by_role("button", name="Go on").is_visible()


@pytest.mark.slow
def test_voices_are_blended(page: "Page", voice: str) -> None:
    if "other" not in names(page, "voices"):
        wish = {"uploads": [upload(page, RECORDINGS[1])], "engine": "kokoro-tiny", "options": {"preset": "quick"}}
        done(page, "voices", name="other", consent="a test", **wish)
    page.goto("/#voices")
    mixer = page.locator("[data-role=blend]")
    mixer.get_by_text("Blend voices").click()
    mixer.get_by_label(voice, exact=True).fill("30")
    mixer.get_by_label("other", exact=True).fill("70")
    mixer.get_by_label("Name", exact=True).fill("between")
    mixer.get_by_role("button", name="Blend them").click()
    page.locator("article[data-voice=between]").wait_for()


@pytest.mark.slow
def test_a_model_of_so_vits_svc_is_taken_over(page: "Page", tmp_path: Path) -> None:
    from voicewright.engines.sovits.twin import tiny_network
    from voicewright.engines.sovits.upstream import write_upstream

    write_upstream(tiny_network(), tmp_path / "G_7.pth", speakers={"Alice": 0}, content="whisper-tiny")
    page.goto("/#voices")
    taken = page.locator("[data-role=takeover]")
    taken.get_by_text("Take over a so-vits-svc model").click()
    for number, name in enumerate(("G_7.pth", "config.json")):
        taken.locator("input[type=file]").nth(number).set_input_files(tmp_path / name)
        taken.get_by_role("button", name=f"Remove {name}").wait_for()
    taken.get_by_label("Consent").fill("Alice agreed.")
    taken.get_by_role("button", name="Take it over").click()
    page.locator("article[data-voice=Alice]").wait_for(timeout=60_000)
