"""The page for everybody: no violation that axe-core can find, by keyboard alone, without motion, and enlarged."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal

import pytest
from driving import SAMPLES, done, until
from servers import Server, running, tones

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

LEVELS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
DESK, PHONE = {"width": 1280, "height": 900}, {"width": 360, "height": 740}
TEXT = "The sun was low, and the long shadows lay across the road.\n\nThen the old lamp went out all by itself."


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tones(tmp_path_factory.mktemp("tones"), "--run")) as server:
        yield server


@pytest.fixture(scope="module")
def lived_in(browser: "Browser", address: str) -> None:
    """A speech, an audition of the run, a comparison: whatever a tab can show is there."""
    page = browser.new_page(base_url=address)
    done(page, "speech", text=TEXT, voice="anna")
    done(page, "runs/book-1/auditions")
    page.close()


def speech(page: "Page") -> None:
    page.get_by_label("Text", exact=True).fill(TEXT)
    page.locator("button[type=submit]").click()
    page.locator("[data-role=sentences]").wait_for()
    page.locator("audio[data-role=whole]").wait_for(state="attached")


def board(page: "Page") -> None:
    page.get_by_role("button", name="Open book").click()
    page.locator("[data-clip]").first.wait_for()


def run(page: "Page") -> None:
    page.get_by_role("button", name="Watch book-1").click()
    page.locator("[data-role=run] .chart").first.wait_for()


def entries(page: "Page") -> None:
    page.locator("li[data-job]").first.wait_for()


def guide(page: "Page") -> None:
    page.locator(".doc h2").first.wait_for()


def conversion(page: "Page") -> None:
    page.locator("input[type=file]").first.set_input_files(SAMPLES / "austen-0880.flac")
    page.locator(".files audio").wait_for(state="attached")
    page.get_by_role("button", name="Convert", exact=True).click()
    page.locator("[data-role=converted] canvas.curves").wait_for()


TABS: dict[str, Any] = {
    "speak": speech,
    "voices": lambda page: page.locator("article[data-voice=anna]").wait_for(),
    "convert": conversion,
    "convert/live": lambda page: page.locator("[data-role=live]").wait_for(),
    "datasets": board,
    "training": run,
    "history": entries,
    "settings": lambda page: None,
    "help": guide,
}
EVERYTHING = "all => all.forEach((each) => { each.open = true; })"


AXE = "rules => axe.run({ runOnly: rules, resultTypes: ['violations'] })"


def violations(page: "Page", rules: list[str]) -> list[str]:
    """What axe-core says, a line for each element. The page stays the same one from tab to tab."""
    from axe_playwright_python.sync_playwright import Axe

    if not page.evaluate("'axe' in window"):
        page.evaluate(Axe().axe_script)
    return [
        f"{each['id']}: {node['target']} {node['failureSummary'].splitlines()[1].strip()}"
        for each in page.evaluate(AXE, rules)["violations"]
        for node in each["nodes"]
    ]


OF_VIEWS = ["color-contrast", "link-in-text-block", "scrollable-region-focusable", "target-size"]
"""Rules whose answer depends on colours and width."""
VARIED = {"speak", "voices", "datasets", "training", "settings"}
"""What other tabs are made of is in these too."""
CUT = """() => [...document.querySelectorAll("main *, nav *")].filter((each) => {
  const style = getComputedStyle(each);
  const cuts = ["hidden", "clip"].includes(style.overflowX) && each.scrollWidth > each.clientWidth + 1;
  return cuts && each.checkVisibility() && !each.closest(".unseen") && each.textContent.trim();
}).map((each) => each.outerHTML.slice(0, 200))"""
"""Elements whose words are cut off."""


@pytest.mark.slow
@pytest.mark.usefixtures("lived_in")
def test_every_tab_keeps_the_web_accessibility_guidelines_and_fits_when_its_text_is_doubled(page: "Page") -> None:
    letters = page.context.new_cdp_session(page)
    problems = []
    for tab, fill in TABS.items():
        page.goto(f"/#{tab}")
        page.locator(f".page[data-tab={tab.partition('/')[0]}] h1").first.wait_for()
        fill(page)
        page.locator("main details").evaluate_all(EVERYTHING)
        shown(page, DESK, "light")
        problems += [f"{tab}, in the light, on a desk: {each}" for each in violations(page, LEVELS)]
        if tab in VARIED:
            shown(page, PHONE, "dark")
            problems += [f"{tab}, in the dark, on a phone: {each}" for each in violations(page, OF_VIEWS)]
            shown(page, DESK, "light")
        letters.send("Page.setFontSizes", {"fontSizes": {"standard": 32, "fixed": 26}})
        assert page.evaluate("getComputedStyle(document.querySelector('.page-head p')).fontSize") == "32px"
        problems += [f"{tab}, enlarged, is cut off: {each}" for each in page.evaluate(CUT)]
        if page.evaluate("document.documentElement.scrollWidth") > DESK["width"]:
            problems.append(f"{tab}, enlarged, is too wide")
        letters.send("Page.setFontSizes", {"fontSizes": {"standard": 16, "fixed": 13}})
    assert not problems, "\n".join(problems)


def shown(page: "Page", size: dict[str, int], colours: Literal["light", "dark"]) -> None:
    page.set_viewport_size({"width": size["width"], "height": size["height"]})
    page.emulate_media(color_scheme=colours, reduced_motion="reduce")
    page.wait_for_timeout(50)


WAITING = "Whatever is said slowly takes a while."


def test_nothing_moves_for_those_who_do_not_want_it(page: "Page", server: Server) -> None:
    (server.home / "go").unlink(missing_ok=True)
    page.goto("/#speak")
    page.get_by_label("Text", exact=True).fill(WAITING)
    page.locator("button[type=submit]").click()
    page.get_by_text("1 job at work").wait_for()
    moving = "document.getAnimations().filter((each) => each.playState === 'running').length"
    until(page, lambda: page.evaluate(moving) > 0)
    page.emulate_media(reduced_motion="reduce")
    until(page, lambda: page.evaluate(moving) == 0)
    assert page.locator(".spinner").evaluate("each => getComputedStyle(each).animationName") == "none"
    (server.home / "go").touch()
    page.locator("audio[data-role=whole]").wait_for(state="attached")


CONTROLS = """() => {
  const all = document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex='0']");
  // one tab of the list is enough, arrows go on; a button stands for a hidden field, a number for its slider
  const others = "[role=tab][aria-selected=false], input[type=file].unseen, [aria-hidden=true]";
  const seen = [...all].filter((each) => each.checkVisibility() && !each.disabled && !each.matches(others));
  const radios = new Set();
  return seen.filter((each) => {
    if (each.type !== "radio") return true;
    const group = [...document.getElementsByName(each.name)];
    return each.checked || (!group.some((one) => one.checked) && !radios.has(each.name) && radios.add(each.name));
  }).map((each, i) => {
    each.dataset.test = i;
    return each.outerHTML.slice(0, 160);
  });
}"""
"""Everything that the tab key has to reach, numbered; of radio buttons, the one of each group that is chosen."""
FOCUSED = """() => {
  const now = document.activeElement;
  let marked = false;
  for (let each = now, i = 0; each && i < 3; each = each.parentElement, i += 1) {
    const style = getComputedStyle(each);
    const hidden = style.opacity === "0" || style.clipPath !== "none";
    if (!hidden && style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2) marked = true;
  }
  return [now.dataset.test ?? "", marked, now.outerHTML.slice(0, 160)];
}"""
"""Which one has the focus, and whether that can be seen."""


@pytest.mark.parametrize("tab", ["speak", "voices"])
@pytest.mark.usefixtures("lived_in")
def test_the_tab_key_reaches_everything_and_shows_where_it_is(page: "Page", tab: str) -> None:
    page.goto(f"/#{tab}")
    page.locator(".page h1").wait_for()
    if tab == "speak":
        speech(page)
    page.locator("main details").evaluate_all(EVERYTHING)
    page.wait_for_timeout(100)
    controls = page.evaluate(CONTROLS)
    assert len(controls) > 25
    page.get_by_role("tab", selected=True).focus()
    page.keyboard.press("Shift+Tab")  # to the first of all
    reached, unmarked = [], []
    for _ in range(len(controls) + 5):
        number, marked, what = page.evaluate(FOCUSED)
        if what.startswith("<body"):
            break
        reached.append(number)
        if not marked:
            unmarked.append(what)
        page.keyboard.press("Tab")
    missed = [what for number, what in enumerate(controls) if str(number) not in reached]
    assert not missed
    assert not unmarked
    assert [number for number in reached if number] == sorted(set(reached) - {""}, key=int)  # in the order of reading


def test_a_dialog_is_left_with_escape_and_the_focus_goes_back(page: "Page") -> None:
    page.goto("/#voices")
    for name in ("Rename anna", "Delete anna"):
        opener = page.get_by_role("button", name=name)
        opener.focus()
        page.keyboard.press("Enter")
        dialog = page.get_by_role("dialog")
        dialog.wait_for()
        assert dialog.evaluate("each => each.contains(document.activeElement)")
        page.keyboard.press("Escape")
        dialog.wait_for(state="detached")
        assert opener.evaluate("each => each === document.activeElement")
    assert page.locator("article[data-voice=anna]").is_visible()


def test_after_a_voice_was_renamed_by_keyboard_the_focus_is_still_at_it(page: "Page") -> None:
    page.goto("/#voices")
    for old, new in (("bert", "bertram"), ("bertram", "bert")):
        page.get_by_role("button", name=f"Rename {old}").focus()
        page.keyboard.press("Enter")
        page.get_by_role("dialog").wait_for()
        page.keyboard.press("Control+A")
        page.keyboard.type(new)
        page.keyboard.press("Enter")
        page.locator(f"article[data-voice={new}]").wait_for()
        until(page, lambda: page.evaluate("document.activeElement.ariaLabel") == f"Rename {new}")  # noqa: B023
