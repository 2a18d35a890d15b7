"""What the documents print is run; what they say of the commands is what the commands say."""

import importlib.util
import re
import shlex
import sys
import textwrap
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from voicewright.apps.cli import main
from voicewright.engines import registry

ROOT = Path(__file__).parents[2]
README, GUIDES = ROOT / "README.md", sorted((ROOT / "docs").glob("*.md"))
PAGES = [README, *GUIDES]
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


def run(step: tuple[str, str]) -> int:
    """Run a step here, where the networks' libraries are loaded already; the exit code.

    That the program starts as a process is tested where that is the point: `test_cli`, `test_start`, `test_train_tiny`.
    """
    language, text = step
    if language == "sh":
        return main(shlex.split(text, comments=True)[1:])
    exec(compile(text, "the page", "exec"), {"__name__": "__main__"})
    return 0


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


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder in which a page is followed, with the recordings that it speaks of."""
    recordings(tmp_path)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def small_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """The default engine in miniature, under its own name."""

    def load(store: Any, *, device: str, precision: str) -> Any:
        from voicewright.engines.kokoro.engine import KokoroEngine, tiny_parts

        return KokoroEngine(store, device=device, precision=precision, parts=replace(tiny_parts(), name="kokoro"))

    monkeypatch.setitem(sys.modules, "small_door", SimpleNamespace(load=load))
    monkeypatch.setitem(registry.BUILT_IN, "kokoro", "small_door:load")


def followed(taken: Iterable[tuple[Path, tuple[str, str]]], capsys: pytest.CaptureFixture[str]) -> list[str]:
    """Take steps of pages; those that failed, with what was said."""
    return [f"{page.name}: {step[1]}\n{capsys.readouterr().err[-600:]}" for page, step in taken if run(step)]


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.usefixtures("here")
def test_every_command_of_the_readme_runs_with_the_real_engine(capsys: pytest.CaptureFixture[str]) -> None:
    assert followed([(README, step) for step in steps(README) if step[0] == "sh"], capsys) == []


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.usefixtures("here", "small_engine")
def test_everything_in_the_guides_and_all_python_runs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["clone", "narrator", "rec1.wav", "rec2.wav", "--preset", "quick"]) == 0  # whom the guides know
    python = [(README, step) for step in steps(README) if step[0] == "python"]
    assert followed([*python, *((page, step) for page in GUIDES for step in steps(page))], capsys) == []


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
