"""The page's files: served with the right types, kept by browsers, nothing from elsewhere, no words missing."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from voicewright.apps.http.schema import groups, schema
from voicewright.apps.web import pages

STATIC = Path(pages.__file__).parent / "static"
ROOT = Path(__file__).parents[3]
SCRIPTS = sorted(STATIC.rglob("*.js"))
WORDS = {name: json.loads((STATIC / "strings" / f"{name}.json").read_text()) for name in ("en", "zh")}
TYPES = {
    "js": "text/javascript",
    "css": "text/css",
    "json": "application/json",
    "svg": "image/svg+xml",
    "html": "text/html",
}


@pytest.fixture
def client() -> Iterator[TestClient]:
    app = FastAPI()
    pages.mount(app)
    with TestClient(app) as client:
        yield client


def addresses(client: TestClient) -> list[str]:
    return re.findall(r'(?:src|href)="(/static/[^"]+)"', client.get("/").text)


def test_the_front_page_names_files_that_are_there_and_never_change(client: TestClient) -> None:
    found = addresses(client)
    assert any(each.endswith("main.js") for each in found)
    for address in found:
        answer = client.get(address)
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]
        assert answer.headers["content-type"].startswith(TYPES[address.rpartition(".")[2]])


def test_every_file_is_served_with_its_type(client: TestClient) -> None:
    base = addresses(client)[0].split("/")[2]
    for path in sorted(each for each in STATIC.rglob("*") if each.is_file() and each.name != "index.html"):
        answer = client.get(f"/static/{base}/{path.relative_to(STATIC).as_posix()}")
        assert answer.content == path.read_bytes()
        assert answer.headers["content-type"].startswith(TYPES[path.suffix[1:]])
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_an_old_address_is_not_kept_for_ever(client: TestClient) -> None:
    assert client.get("/static/of-another-version/app.css").headers["cache-control"] == "no-cache"


def test_the_policy_allows_no_code_from_elsewhere_and_none_in_the_page(client: TestClient) -> None:
    policy = client.get("/").headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "http" not in policy
    html = client.get("/").text
    assert not re.search(r"<script(?![^>]*\bsrc=)|\son\w+=|\sstyle=|<style", html)


def test_what_a_browser_has_is_not_sent_again(client: TestClient) -> None:
    tag = client.get("/").headers["etag"]
    assert client.get("/", headers={"If-None-Match": tag}).status_code == 304


@pytest.mark.parametrize(
    "path", ["/static/x/nothing.js", "/static/x/../pages.py", "/static/x/%2e%2e/pages.py", "/help/x.html"]
)
def test_what_is_no_file_of_the_page_is_not_there(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 404


def test_the_help_is_our_own_pages(client: TestClient) -> None:
    entries = client.get("/help/index.json").json()
    assert {each["name"] for each in entries} == {path.stem for path in (ROOT / "docs").glob("*.md")}
    for each in entries:
        html = client.get(f"/help/{each['name']}.html").text
        assert "<h1>" in html
        assert not re.search(r"<script|\sstyle=|\son\w+=", html)


def test_nothing_is_loaded_from_elsewhere() -> None:
    allowed = "http://www.w3.org/2000/svg"  # the name of SVG, which nobody loads
    for path in (each for each in STATIC.rglob("*") if each.is_file()):
        assert not re.search(r"https?://", path.read_text().replace(allowed, "")), path.name


def keys_used() -> set[str]:
    return {key for path in SCRIPTS for key in re.findall(r'\bt\(\s*"([^"]+)"', path.read_text())}


def test_no_words_are_asked_for_by_a_key_that_is_put_together() -> None:
    for path in SCRIPTS:
        assert not re.search(r"\bt\((?!\s*[\"'){]|key)", path.read_text()), path.name


@pytest.mark.parametrize("language", WORDS)
def test_every_key_that_is_used_has_words_and_no_words_are_left_over(language: str) -> None:
    there = {key for key in WORDS[language] if not key.endswith("_one")}
    assert there == keys_used()
    assert all(words.strip() for words in WORDS[language].values())


def test_translations_fill_in_the_same_values() -> None:
    for key, words in WORDS["zh"].items():
        assert set(re.findall(r"\{\w+\}", words)) == set(re.findall(r"\{\w+\}", WORDS["en"][key])), key


def test_chinese_is_chinese() -> None:
    same = {"speak.exampleText", "compare.example", "frame.tabs"}
    for key, words in WORDS["zh"].items():
        assert key in same or re.search(r"[一-鿿]", words), key


def options_of(properties: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, about in properties.items():
        yield name, about
        yield from options_of(about.get("properties", {}))


OPTIONS = {
    (group.removesuffix("-tiny"), name): about
    for group in groups()
    for name, about in options_of(schema(group)["properties"])
}
SHOWN_ELSEWHERE = {"dataset", "run", "recipe", "input", "output"}


def test_every_option_has_a_chinese_label_and_what_has_help_has_chinese_help() -> None:
    words = json.loads((STATIC / "strings" / "options.zh.json").read_text())
    for (group, name), about in OPTIONS.items():
        if name not in SHOWN_ELSEWHERE:
            label, *explained = words.get(f"{group}.{name}") or words.get(name) or ("",)
            assert label, f"{group}: {name}"
            if "properties" not in about and about.get("description"):
                assert explained, f"{group}: {name}"
                assert re.search(r"[一-鿿]", explained[0]), f"{group}: {name}"


def test_no_chinese_is_left_of_options_that_are_gone() -> None:
    words = json.loads((STATIC / "strings" / "options.zh.json").read_text())
    known = {name for _, name in OPTIONS} | {f"{group}.{name}" for group, name in OPTIONS}
    assert set(words) <= known


def colours(css: str) -> dict[str, str]:
    return dict(re.findall(r"--([\w-]+):\s*(#[0-9a-f]{3,6});", css))


def luminance(colour: str) -> float:
    full = colour[1:] if len(colour) == 7 else "".join(2 * each for each in colour[1:])
    parts = [int(full[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    red, green, blue = (each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


THEMES = [colours(block) for block in re.findall(r"\{[^{}]*--paper:[^}]*\}", (STATIC / "app.css").read_text())]
ON_PAPER = [(ink, paper) for ink in ("ink", "soft", "voice") for paper in ("paper", "card", "sunk")]
ON_WASH = [(name, f"{name}-wash") for name in ("voice", "bad", "good", "warn")]


@pytest.mark.parametrize(
    ("ink", "paper"), [*ON_PAPER, *ON_WASH, ("voice-ink", "voice"), ("bad", "card"), ("ink", "bad-wash")]
)
def test_words_can_be_read_on_every_ground(ink: str, paper: str) -> None:
    for theme in THEMES:
        low, high = sorted((luminance(theme[ink]), luminance(theme[paper])))
        assert (high + 0.05) / (low + 0.05) >= 4.5


def test_the_chosen_dark_is_the_dark_of_the_system() -> None:
    _, system, chosen = THEMES
    assert system == chosen
