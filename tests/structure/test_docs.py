"""What the documents print is run; what they say of the commands is what the commands say."""

import importlib.util
import os
import re
import shlex
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!https?://|#)([^)#]+)")


def blocks(page: Path) -> list[tuple[str, str]]:
    """The fenced blocks of a page with their language."""
    return [(match[1], textwrap.dedent(match[2])) for match in BLOCK.finditer(page.read_text("utf-8"))]


def steps(page: Path) -> list[tuple[str, str]]:
    """What can be run, in order: every `voicewright …` line of a shell block, and every Python block."""
    found: list[tuple[str, str]] = []
    for language, text in blocks(page):
        if language in {"sh", "bash", "console"}:
            lines = text.replace("\\\n", " ").splitlines()
            commands = [line.removeprefix("$ ") for line in lines]
            found += [("sh", command) for command in commands if command.startswith("voicewright ")]
        elif language == "python":
            found.append(("python", text))
    return found


def run(step: tuple[str, str], folder: Path) -> subprocess.CompletedProcess[str]:
    language, text = step
    environment = os.environ | {"VOICEWRIGHT_HOME": str(folder / "home"), "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, "-m", "voicewright", *shlex.split(text, comments=True)[1:]]
    if language == "python":
        command = [sys.executable, "-W", "error::DeprecationWarning:voicewright", "-c", text]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300, stdin=subprocess.DEVNULL
    )


def recordings(folder: Path) -> None:
    """The recordings that the pages speak of, under the names they use."""
    import soundfile

    samples = sorted((ROOT / "src" / "voicewright" / "samples" / "austen").glob("*.flac"))
    for name, sample in zip(("rec1.wav", "rec2.wav", "rec3.wav"), samples, strict=False):
        sound, rate = soundfile.read(sample, dtype="int16")
        soundfile.write(folder / name, sound, rate)
        (folder / "interviews").mkdir(exist_ok=True)
        soundfile.write(folder / "interviews" / name, sound, rate)
    both = [soundfile.read(sample, dtype="int16")[0] for sample in samples[3:5]]
    soundfile.write(folder / "episode.mp3", np.concatenate([both[0], np.zeros(16_000, np.int16), both[1]]), 16_000)
    (folder / "episode.txt").write_text(
        "Reader: Had he married a more amiable woman, he might have been made still more respectable than he was; "
        "he might even have been made amiable himself.\n",
        "utf-8",
    )
    (folder / "options.yaml").write_text(dict(blocks(ROOT / "docs" / "datasets.md"))["yaml"], "utf-8")
    (folder / "book.txt").write_text("It was late. Nobody spoke.\n\nThen the door opened.\n", "utf-8")


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_everything_printed_in_the_pages_runs(tmp_path: Path) -> None:
    recordings(tmp_path)
    failures = []
    for page in PAGES:
        for step in steps(page):
            done = run(step, tmp_path)
            if done.returncode:
                failures.append(f"{page.name}: {step[1]}\n{done.stderr[-600:]}")
    assert failures == []


def test_the_pages_have_something_to_run() -> None:
    assert {language for page in PAGES for language, _ in steps(page)} == {"sh", "python"}


@pytest.mark.parametrize("page", [*PAGES, ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"], ids=lambda p: p.name)
def test_links_lead_somewhere(page: Path) -> None:
    targets = LINK.findall(page.read_text("utf-8"))
    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_the_help_page_is_up_to_date() -> None:
    spec = importlib.util.spec_from_file_location("help_page", ROOT / "scripts" / "help_page.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    shown = (ROOT / "docs" / "cli.md").read_text("utf-8")
    assert shown == module.page(), "docs/cli.md is out of date: run `make docs`"
