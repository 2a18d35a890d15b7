"""Pictures of the studio's page for docs/studio.md: a server with a home of its own, filled from the samples.

python scripts/screenshots.py                     the pictures of the documentation, into docs/images
python scripts/screenshots.py --all FOLDER        every tab, light and dark, on a desk and on a phone
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import APIRequestContext, Browser, Page, Playwright, sync_playwright

from voicewright.audio.files import read_clip, write_clip

ROOT = Path(__file__).parents[1]
SAMPLES = sorted((ROOT / "src" / "voicewright" / "samples" / "austen").glob("*.flac"))
CONSENT = "LibriVox volunteers gave their recordings to the public domain"
TEXT = """The lighthouse keeper climbed the stairs as he did every evening, one hand on the cold iron rail.

Far below, the sea was calm. He lit the lamp, sat down, and began to write.

“Dear Anna, nothing has happened today, and it was beautiful.”"""
TABS = ("speak", "voices", "convert", "convert/live", "datasets", "training", "history", "settings", "help")
SIZES = {"desk": {"width": 1180, "height": 980}, "phone": {"width": 360, "height": 740}}
COLOURS = 256


@contextmanager
def served(home: Path) -> Iterator[str]:
    """The address of a server of this checkout."""
    command = [sys.executable, "-m", "voicewright", "--home", str(home), "serve", "--port", "0"]
    log = home / "log.txt"
    with log.open("w") as out:
        server = subprocess.Popen(
            command, stdout=out, stderr=subprocess.STDOUT, env=os.environ | {"HF_HUB_OFFLINE": "1"}
        )
    try:
        while not (said := re.search(r"http://[\d.]+:\d+", log.read_text())):
            if server.poll() is not None:
                raise SystemExit(log.read_text())
            time.sleep(0.1)
        yield said[0]
    finally:
        server.terminate()
        server.wait(30)


class Api:
    """What a program would ask of the server."""

    def __init__(self, request: APIRequestContext) -> None:
        self._request = request

    def ask(self, path: str, **body: Any) -> Any:
        answer = self._request.post(f"/api/v1/{path}", data=body, timeout=600_000)
        if not answer.ok:
            raise SystemExit(f"{path}: {answer.text()}")
        return answer.json()

    def upload(self, path: Path) -> str:
        file = {"name": path.name, "mimeType": "audio/flac", "buffer": path.read_bytes()}
        return str(self._request.post("/api/v1/uploads", multipart={"file": file}).json()["id"])

    def done(self, path: str, **body: Any) -> dict[str, Any]:
        """A job, carried out to its end."""
        job = self.ask(path, **body)
        while job["state"] in ("waiting", "running"):
            time.sleep(0.5)
            job = self._request.get(f"/api/v1/jobs/{job['id']}").json()
        if job["state"] != "done":
            raise SystemExit(f"{path}: {job['message']}")
        print(f"{path}: {job['kind']} done")
        return dict(job)


def fill(api: Api, engine: str) -> dict[str, str]:
    """Voices, speech, a conversion, a dataset and a short training run. Gives the ids that the page remembers."""
    uploads = [api.upload(path) for path in SAMPLES]
    for name, part in (("narrator", uploads[:2]), ("anna", uploads[2:4])):
        options = {"preset": "quick"}
        api.done("voices", name=name, uploads=part, consent=CONSENT, engine=engine, options=options)
    spoken = api.done("speech", text=TEXT, voice="narrator", settings={}, format="wav", subtitles="srt")
    api.done(
        "speech", text="Good evening. This is the night train to the sea.", voice="anna", settings={}, format="wav"
    )
    converted = api.done(
        "conversions", uploads=uploads[4:5], voice="narrator", format="wav", settings={"transpose": 4}, options={}
    )
    api.done("datasets", name="austen", uploads=uploads, options={})
    values = {
        "engine": "kokoro-tiny",
        "start_preset": "quick",
        "epochs": 30,
        "save_every": 10,
        "validate_every": 5,
        "consent": CONSENT,
    }
    api.done("plans", name="austen-1", dataset="austen", values=values, trial=False)
    api.done("runs", plan="austen-1")
    return {"speak.job": spoken["id"], "convert.job": converted["id"], "voice": "narrator"}


def prepare(page: Page, tab: str) -> None:
    """What is done on a tab before it is pictured, so that it shows what it is for."""
    if tab == "voices":
        page.locator("[data-role=maker] input[type=file]").first.set_input_files(SAMPLES[:2])
        page.locator("[data-role=doctor]").wait_for(timeout=60_000)
    if tab == "datasets":
        page.get_by_role("button", name="Open austen").click()
        page.locator("[data-clip]").first.wait_for()
        page.evaluate("document.querySelector('[data-role=board]').scrollIntoView()")
    if tab == "training":
        page.get_by_role("button", name="Watch austen-1").click()
        page.locator(".chart").first.wait_for()
        page.evaluate("document.querySelector('[data-role=run]').scrollIntoView()")
    if tab == "convert/live":
        page.locator("[data-do=live]").click()
        page.locator("[data-role=live] b", has_text=" Hz").wait_for(timeout=60_000)
    if tab == "convert":
        page.locator("[data-role=converted] canvas.curves").wait_for()
        page.evaluate("document.querySelector('[data-role=converted]').scrollIntoView()")
    page.wait_for_timeout(900)


def picture(
    browser: Browser, address: str, out: Path, *, tab: str, size: str, theme: str, kept: dict[str, str]
) -> Path:
    """One tab, pictured. A page wider than the window, or a complaint of the browser, ends the script."""
    context = browser.new_context(
        base_url=address, viewport=SIZES[size], color_scheme=theme, locale="en-GB", permissions=["microphone"]
    )
    for name, value in kept.items():
        context.add_init_script(f"localStorage.setItem('voicewright.{name}', '{value}')")
    context.add_init_script(f"localStorage.setItem('voicewright.speak.text', {json.dumps(TEXT)})")
    page = context.new_page()
    page.on("console", lambda said: print(f"{tab}: {said.type}: {said.text}") if said.type != "log" else None)
    page.on("pageerror", lambda problem: print(f"{tab}: {problem}"))
    page.goto(f"/#{tab}")
    page.locator(".page h1").first.wait_for()
    prepare(page, tab)
    if page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
        print(f"{tab} on a {size}: wider than the window")
    path = out / f"{tab.replace('/', '-')}-{size}-{theme}.png"
    page.screenshot(path=path)
    context.close()
    small(path)
    return path


def small(path: Path) -> None:
    """The picture with few colours: a third of the bytes, and nobody sees it."""
    with Image.open(path) as image:
        reduced = image.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    reduced.save(path, optimize=True)


def beside(paths: list[Path], out: Path) -> None:
    """Pictures in a row."""
    images = [Image.open(path).convert("RGB") for path in paths]
    sheet = Image.new("RGB", (sum(i.width for i in images) + 16 * (len(images) - 1), images[0].height), "#8b949c")
    left = 0
    for image in images:
        sheet.paste(image, (left, 0))
        left += image.width + 16
    sheet.save(out)
    small(out)


def opened(playwright: Playwright, microphone: Path) -> Browser:
    """Chromium, whose microphone hears one of the samples again and again."""
    write_clip(microphone, read_clip(SAMPLES[0]))
    media = ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"]
    media.append(f"--use-file-for-fake-audio-capture={microphone}")
    return playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox", *media])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--all", type=Path, metavar="FOLDER", help="every tab in every way, into FOLDER")
    parser.add_argument("--engine", default="kokoro", help="the engine that speaks")
    given = parser.parse_args()
    out = given.all or ROOT / "docs" / "images"
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as home, served(Path(home)) as address, sync_playwright() as playwright:
        browser = opened(playwright, Path(home) / "microphone.wav")
        kept = fill(Api(playwright.request.new_context(base_url=address)), given.engine)
        if given.all:
            ways = [(tab, size, theme) for size in SIZES for theme in ("light", "dark") for tab in TABS]
        else:
            ways = [(tab, "desk", "light") for tab in TABS if tab != "convert/live"] + [
                ("convert/live", "desk", "dark")
            ]
            phones = [("speak", "light"), ("voices", "dark"), ("datasets", "light"), ("training", "dark")]
            ways += [(tab, "phone", theme) for tab, theme in phones]
        made = [picture(browser, address, out, tab=tab, size=size, theme=theme, kept=kept) for tab, size, theme in ways]
        if not given.all:
            beside([path for path in made if "-phone-" in path.name], out / "phones.png")
            for path in made:
                if "-phone-" in path.name:
                    path.unlink()
        browser.close()


if __name__ == "__main__":
    main()
