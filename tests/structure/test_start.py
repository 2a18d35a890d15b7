"""Starting costs little: importing does nothing, and help needs no numbers."""

import os
import subprocess
import sys

import pytest

import voicewright

HEAVY = {
    "torch",
    "numpy",
    "scipy",
    "matplotlib",
    "onnxruntime",
    "av",
    "soundfile",
    "pydantic",
    "faster_whisper",
    "yaml",
}


def imported_by(code: str) -> set[str]:
    run = [sys.executable, "-X", "importtime", "-c", code]
    listing = subprocess.run(run, capture_output=True, text=True, check=True, timeout=60).stderr
    names = (line.rsplit("|", 1)[-1].strip() for line in listing.splitlines() if line.startswith("import time:"))
    return {name.split(".")[0] for name in names}


def quickest_s(command: list[str], tries: int = 5) -> float:
    """The least processor time of a few runs, less what a bare Python takes: other work on the machine only adds."""

    def run_s(what: list[str]) -> float:
        before = os.times()
        subprocess.run(what, capture_output=True, check=True, timeout=60)
        after = os.times()
        return sum(after[2:4]) - sum(before[2:4])

    bare = min(run_s([sys.executable, "-c", "pass"]) for _ in range(tries))
    return min(run_s(command) for _ in range(tries)) - bare


def test_import_is_light() -> None:
    assert imported_by("import voicewright") & HEAVY == set()


def test_the_command_line_imports_nothing_heavy() -> None:
    assert imported_by("import voicewright.apps.cli") & HEAVY == set()


def test_studio_is_light_until_used() -> None:
    assert imported_by("from voicewright import Studio; Studio()") & {"torch", "scipy", "matplotlib"} == set()


@pytest.mark.parametrize(
    ("command", "limit_s"), [(["-c", "import voicewright"], 0.3), (["-m", "voicewright", "--help"], 0.5)]
)
def test_starts_in_time(command: list[str], limit_s: float) -> None:
    assert quickest_s([sys.executable, *command]) < limit_s


def test_public_names_are_all_there_and_sorted() -> None:
    assert voicewright.__all__ == sorted(voicewright.__all__)
    for name in voicewright.__all__:
        assert getattr(voicewright, name) is not None
    assert dir(voicewright) == voicewright.__all__


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        voicewright.nonsense  # noqa: B018 - reading the name is the test
