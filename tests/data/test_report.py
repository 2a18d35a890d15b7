"""The report: one file, nothing from the network, everything escaped, every row and every sound there."""

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pytest

from voicewright.audio.clip import Clip
from voicewright.audio.files import write_clip
from voicewright.data.report import ReportOptions, write_report
from voicewright.data.report.pictures import nice_edges
from voicewright.data.utterance import Scores, TimedWord, Utterance

EVIL = "</script><script>alert('x')</script> \"quoted\" & <b>bold</b> 🎉 {{js}}"
VOID = {"meta", "input", "br", "link", "img"}


class Page(HTMLParser):
    """What a browser finds: elements in order, that every one is closed, and the texts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.scripts: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        (self.scripts if self.open[-1:] == ["script"] else self.texts).append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.found if name == tag]

    @property
    def text(self) -> str:
        return " ".join(self.texts)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "my <set> & more"
    draw = np.random.default_rng(0)
    for name in ("one", "two #1 ä?", "it's: 100%"):
        write_clip(_made(folder / "clips" / f"{name}.wav"), Clip(0.1 * draw.standard_normal(8_000), 8_000))
    return folder


def _made(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def said(name: str, **given: object) -> Utterance:
    plain = Utterance(
        id=name, audio=f"clips/{name}.wav", sha256="", seconds=1.0, rate=8_000, text="The cat sat.", speaker="ada",
        gold=True, scores=Scores(snr_db=30.0, pitch_hz=200.0, alignment=0.9),
    )  # fmt: skip
    return replace(plain, **given)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def everyone() -> list[Utterance]:
    words = (
        TimedWord(text="<i>The</i>", start_s=0.1, end_s=0.6, score=0.2),
        TimedWord(text="cat", start_s=0.6, end_s=0.9),
    )
    return [
        said("one"),
        said("two #1 ä?", text=EVIL, heard=EVIL + "!", flags=(EVIL, "some words fit badly (score 0.10)"), words=words),
        said("it's: 100%", dropped="clipped (3.00% of the samples, at most 0.50% wanted); no text", speaker=EVIL),
        said("gone", flags=("look",)),
    ]


def rows(text: str) -> list[dict[str, object]]:
    found = re.search(r'<script type="application/json" id="rows">(.*?)</script>', text, re.DOTALL)
    assert found
    return list(json.loads(found[1])["rows"])


def test_it_is_one_whole_page_without_a_network(folder: Path, everyone: list[Utterance]) -> None:
    out = folder / "report.html"
    write_report(folder, everyone, out, findings=["tape 7: " + EVIL])
    text = out.read_text("utf-8")
    page = Page(text)
    assert not re.search(r"https?:|//\w+\.\w|@import|url\(", text)
    assert not page.all("link")
    assert not page.all("img")
    assert [each.get("src") for each in page.all("script")] == [None, None]
    assert not out.with_name("report.html.part").exists()
    names = {each["id"] for each in (attrs for _, attrs in page.found) if "id" in each}
    assert {"find", "show", "more", "rows", "count"} <= names


def test_many_findings_are_all_there(folder: Path, everyone: list[Utterance]) -> None:
    out = folder / "report.html"
    write_report(folder, everyone, out, findings=[f"take {number}: cut off" for number in range(50)])
    page = out.read_text("utf-8")
    assert all(f"<li>take {number}: cut off</li>" in page for number in range(50))
    assert "<details>" in page


def test_everything_is_escaped(folder: Path, everyone: list[Utterance]) -> None:
    out = folder / "report.html"
    write_report(folder, everyone, out, findings=[EVIL], options=ReportOptions(title=EVIL))
    text = out.read_text("utf-8")
    page = Page(text)
    assert len(page.all("script")) == 2
    assert not page.all("b") or all("style" in each or not each for each in page.all("b"))
    assert not page.all("i") or all("style" in each for each in page.all("i"))
    assert text.count("alert('x')</script>") == 0
    assert EVIL in page.text, "and it can still be read"
    assert "<i>The</i>" in page.text
    assert rows(text)[1]["t"] == EVIL


def test_every_row_is_there_and_every_link_leads_to_a_clip(folder: Path, everyone: list[Utterance]) -> None:
    for out in (folder / "report.html", folder.parent / "elsewhere" / "deep" / "report.html"):
        write_report(folder, everyone, out)
        text = out.read_text("utf-8")
        assert [row["i"] for row in rows(text)] == [each.id for each in everyone]
        links = [str(row["a"]) for row in rows(text)]
        assert all(link.startswith("./") and not {"#", "?", '"'} & set(link) for link in links)
        there = [(out.parent / unquote(link)).is_file() for link in links]
        assert there == [True, True, True, False]
        shown = [str(each["src"]) for each in Page(text).all("audio")]
        assert shown == links[1:]


def test_dropped_and_flagged_clips_are_drawn(folder: Path, everyone: list[Utterance]) -> None:
    out = folder / "report.html"
    write_report(folder, everyone, out)
    page = Page(out.read_text("utf-8"))
    assert len(page.all("article")) == 3
    assert [each["class"] for each in page.all("rect") if "word" in (each.get("class") or "")] == [
        "word s1",
        "word none",
    ]
    assert "The sound could not be read" in page.text
    assert "clipped (3.00% of the samples, at most 0.50% wanted)" in page.text
    write_report(folder, everyone, out, options=ReportOptions(pictures=2))
    few = Page(out.read_text("utf-8"))
    assert len(few.all("article")) == 2
    assert "2 of 3 are shown" in few.text


def test_the_summary_counts(folder: Path, everyone: list[Utterance]) -> None:
    out = folder / "report.html"
    write_report(folder, everyone, out)
    text = re.sub(r"\s+", " ", Page(out.read_text("utf-8")).text)
    assert "3 clips kept 1 clips dropped" in text
    assert "clipped 1 no text 1" in text
    assert "dropped (1)" in text


def test_flagged_clips_can_travel_in_the_file(folder: Path, everyone: list[Utterance]) -> None:
    out = folder / "report.html"
    write_report(folder, everyone, out, options=ReportOptions(embed_mb=0.03))
    sources = [str(each["src"])[:14] for each in Page(out.read_text("utf-8")).all("audio")]
    assert sources == ["data:audio/x-w", "./clips/it%27s", "./clips/gone.w"], "one fits, and then the limit is reached"
    assert "over the limit for embedding" in out.read_text("utf-8")


def test_the_same_dataset_gives_the_same_bytes(folder: Path, everyone: list[Utterance]) -> None:
    out = folder / "report.html"
    pages = set()
    for _ in range(2):
        write_report(folder, everyone, out)
        pages.add(out.read_bytes())
    assert len(pages) == 1


def test_an_empty_dataset_has_a_report_too(folder: Path) -> None:
    out = folder / "report.html"
    write_report(folder, [], out)
    page = Page(out.read_text("utf-8"))
    assert "No clip was dropped." in page.text
    assert "not measured" in page.text


def test_thousands_of_utterances_stay_handy(folder: Path) -> None:
    out = folder / "report.html"
    many = [said(f"{i:05}", text=f"The cat sat on mat number {i} and looked at the rain.") for i in range(6_000)]
    write_report(folder, many, out)
    assert out.stat().st_size < 3_000_000
    assert len(rows(out.read_text("utf-8"))) == 6_000
    assert not Page(out.read_text("utf-8")).all("article")


@pytest.mark.parametrize(
    "values", [[1.0], [0.0, 0.0], [1e-4, 2e-4, 9e3], list(np.linspace(-5, 60, 500)), [1e6, 1e6 + 1]]
)
def test_histograms_have_round_edges_around_the_values(values: list[float]) -> None:
    edges = nice_edges(np.array(values))
    steps = np.diff(edges)
    assert len(steps) % 2 == 0
    assert len(steps) <= 40
    assert np.allclose(steps, steps[0])
    assert edges[0] <= np.median(values) <= edges[-1]
