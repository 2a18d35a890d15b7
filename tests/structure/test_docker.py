"""The container's files say what the project says. Building one takes a network; what can be read is checked here."""

import re
import tomllib
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")


def instructions() -> list[tuple[str, str]]:
    """Every instruction with its words; lines that are continued are joined."""
    lines = [line for line in DOCKERFILE.replace("\\\n", " ").splitlines() if line.strip() and not line.startswith("#")]
    return [(line.split()[0], line.split(maxsplit=1)[1]) for line in lines]


def test_it_has_the_versions_that_the_tests_ran_with() -> None:
    torch = re.search(r"torch==\S+", DOCKERFILE)
    assert torch
    assert torch[0] in (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    for name, words in instructions():
        if name == "RUN" and "pip install" in words:
            assert "-c constraints.txt" in words


def test_it_installs_extras_that_there_are() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    (asked,) = re.findall(r"'\.\[(.*?)\]'", DOCKERFILE)
    assert set(asked.split(",")) <= set(extras)
    assert "serve" in asked


def test_what_it_copies_is_there_and_let_through() -> None:
    ignored = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    for name, words in instructions():
        if name == "COPY" and "--from" not in words:
            for source in words.split()[:-1]:
                assert (ROOT / source).exists()
                assert f"!{source}" in ignored


def test_it_copies_whatever_the_package_is_made_of() -> None:
    copied = {source for name, words in instructions() if name == "COPY" for source in words.split()[:-1]}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    forced = project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    assert {*forced, project["project"]["readme"], "src", "LICENSE", "NOTICE"} <= copied


def test_it_is_not_run_by_root_and_not_without_a_key() -> None:
    assert ("USER", "10001") in instructions()
    assert not any("API_KEY=" in words for name, words in instructions() if name in ("ENV", "ARG"))
    service = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))["services"]["voicewright"]
    assert ":?" in service["environment"]["VOICEWRIGHT_API_KEY"]
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])
