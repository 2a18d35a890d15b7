"""What the browser tests do over and over: jobs and files over the page's own API, and waiting."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Page

SAMPLES = Path(__file__).parents[3] / "src" / "voicewright" / "samples" / "austen"
RECORDINGS = [SAMPLES / "austen-0870.flac", SAMPLES / "austen-0890.flac"]
LOUDNESS = """async (audio) => {
  const context = new OfflineAudioContext(1, 1, 24000);
  const sound = await context.decodeAudioData(await (await fetch(audio.src)).arrayBuffer());
  return sound.getChannelData(0).reduce((most, each) => Math.max(most, Math.abs(each)), 0);
}"""


def until(page: "Page", so: Callable[[], bool], seconds: float = 30) -> None:
    """Wait until something is so. (The page's policy forbids what playwright's own waiting for functions does.)"""
    for _ in range(int(seconds * 10)):
        if so():
            return
        page.wait_for_timeout(100)
    raise AssertionError("it did not come to pass")


def done(page: "Page", path: str, **body: object) -> dict[str, Any]:
    """A job, carried out to its end."""
    answer = page.request.post(f"/api/v1/{path}", data=body)
    assert answer.ok, answer.text()
    job = answer.json()
    while job["state"] in ("waiting", "running"):
        page.wait_for_timeout(200)
        job = page.request.get(f"/api/v1/jobs/{job['id']}").json()
    assert job["state"] == "done", job["message"]
    return dict(job)


def upload(page: "Page", path: Path) -> str:
    """The id of a file that was sent."""
    file = {"name": path.name, "mimeType": "audio/flac", "buffer": path.read_bytes()}
    return str(page.request.post("/api/v1/uploads", multipart={"file": file}).json()["id"])


def names(page: "Page", what: str) -> set[str]:
    """What the voices, datasets or runs of the home are called."""
    return {each["name"] for each in page.request.get(f"/api/v1/{what}").json()[what]}


def make_voice(page: "Page", name: str = "speaker") -> str:
    """A voice to speak and convert with, made unless it is there."""
    if name not in names(page, "voices"):
        uploads, options = [upload(page, path) for path in RECORDINGS], {"preset": "quick"}
        wish = {"uploads": uploads, "consent": "a test", "engine": "kokoro-tiny", "options": options}
        done(page, "voices", name=name, **wish)
    return name
