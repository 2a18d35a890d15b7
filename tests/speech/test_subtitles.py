"""Subtitles say the text, at its time, and never two at once."""

import html
import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tones import ToneEngine, pieces_of, voice

from voicewright.errors import BadSetting
from voicewright.speech.assemble import Narration, assemble
from voicewright.speech.options import CheckOptions, SpeechSettings, Subtitles
from voicewright.speech.speech import SpokenPiece
from voicewright.speech.subtitles import clock, cues, escape, subtitle_text, write_subtitles
from voicewright.speech.takes import Attempt, Take, TakeSetting
from voicewright.text.piece import Piece

Narrate = Callable[..., Narration]
LONG = (
    "It is a truth universally acknowledged, that a single man in possession of a good fortune, must be in want of "
    "a wife, however little known the feelings or views of such a man may be on his first entering a neighbourhood."
)
UNCHECKED = Take(
    attempts=(
        Attempt(setting=TakeSetting(seed=0, speed=1.0), why="first take", scores=None, made_s=0.0, checked_s=0.0),
    ),
    kept=0,
)


def part(text: str, start_s: float, end_s: float) -> SpokenPiece:
    piece = Piece(text=text, spoken=text.strip())
    return SpokenPiece(piece=piece, start_s=start_s, end_s=end_s, take_start_s=start_s, take=UNCHECKED)


def parsed(text: str, kind: Subtitles) -> list[tuple[float, float, str]]:
    """What a player would read: start and end in seconds, text."""
    found = []
    for block in text.strip().split("\n\n"):
        lines = block.split("\n")
        if lines == ["WEBVTT"]:
            continue
        if kind == "srt":
            assert int(lines.pop(0)) == len(found) + 1
        match = re.fullmatch(r"(\d\d+):(\d\d):(\d\d)[,.](\d{3}) --> (\d\d+):(\d\d):(\d\d)[,.](\d{3})", lines[0])
        assert match
        a, b = (
            int(h) * 3600 + int(m) * 60 + int(s) + int(ms) / 1000
            for h, m, s, ms in (match.groups()[:4], match.groups()[4:])
        )
        shown = "\n".join(lines[1:])
        found.append((a, b, html.unescape(shown) if kind == "vtt" else shown))
    return found


@pytest.mark.parametrize("kind", ["srt", "vtt"])
@pytest.mark.parametrize("words", [False, True])
def test_read_back_they_say_the_text_in_time(narrate: Narrate, tmp_path: Path, kind: Subtitles, words: bool) -> None:
    speech = assemble(narrate())
    path = tmp_path / f"out.{kind}"
    write_subtitles(speech.parts, path, kind, words=words)
    found = parsed(path.read_text("utf-8"), kind)
    assert " ".join(text for _, _, text in found).split() == speech.text.replace("[pause].", "").split()
    assert all(a < b <= c for (a, b, _), (c, _, _) in pairwise(found))
    assert found[-1][1] <= speech.seconds + 0.001
    for cue_start, cue_end, _ in found:
        assert any(p.start_s - 0.001 <= cue_start < cue_end <= p.end_s + 0.001 for p in speech.parts if p.spoken)


def test_a_long_piece_is_divided_in_proportion() -> None:
    found = list(cues([part(LONG, 10.0, 30.0)]))
    assert all(len(cue.text.split("\n")) <= 2 and max(map(len, cue.text.split("\n"))) <= 42 for cue in found)
    assert len(found) == 3
    assert (found[0].start_ms, found[-1].end_ms) == (10_000, 30_000)
    for cue in found:
        share = (cue.end_ms - cue.start_ms) / 20_000
        assert share == pytest.approx(len(cue.text) / len(LONG), abs=0.02)


def test_words_are_shown_when_they_are_said(narrate: Narrate) -> None:
    text = "It was late. Nobody answered him."
    speech = assemble(narrate(text))
    silence_after_s = 0.06  # each word of the tone engine is followed by that
    for cue in cues(speech.parts, words=True):
        sound = speech.clip.between(cue.start_ms / 1000, cue.end_ms / 1000)
        assert abs(sound.samples).max() > 0.05
        after = speech.clip.between(cue.end_ms / 1000 + 0.015, cue.end_ms / 1000 + silence_after_s - 0.015)
        assert abs(after.samples).max(initial=0.0) < 0.01


def test_without_a_check_the_times_come_from_the_letters() -> None:
    settings = SpeechSettings(check=CheckOptions(check="off"))
    speech = assemble(Narration(ToneEngine(), voice(), pieces_of("One three."), settings))
    one, three = cues(speech.parts, words=True)
    assert one.end_ms == three.start_ms
    assert (three.end_ms - three.start_ms) / (one.end_ms - one.start_ms) == pytest.approx(7 / 4, rel=0.02)


TRICKY = 'if a < b & c > d --> <i>x</i> "so"\n\nand\tthen 😀'


@pytest.mark.parametrize("kind", ["srt", "vtt"])
def test_text_that_looks_like_a_subtitle_file_is_only_text(kind: Subtitles) -> None:
    ((_, _, shown),) = parsed(subtitle_text(cues([part(TRICKY, 0.0, 1.0)]), kind), kind)
    assert len(shown.split()) == len(TRICKY.split())
    if kind == "vtt":
        assert shown.split() == TRICKY.split()
    assert not re.search(r"</?[a-z]", escape(TRICKY, kind))


@given(
    st.lists(
        st.tuples(st.text(st.characters(codec="utf-8"), max_size=200), st.floats(0, 5), st.floats(0, 2)), max_size=8
    ),
    st.booleans(),
)
def test_whatever_the_text_and_times_they_are_in_order(plan: list[tuple[str, float, float]], words: bool) -> None:
    parts, now = [], 0.0
    for text, length_s, pause_s in plan:
        parts.append(part(text, now, now + length_s))
        now += length_s + pause_s
    found = list(cues(parts, words=words))
    assert all(cue.start_ms < cue.end_ms for cue in found)
    assert all(a.end_ms <= b.start_ms for a, b in pairwise(found))
    assert all(len(cue.text.split("\n")) <= 2 and max(map(len, cue.text.split("\n"))) <= 42 for cue in found)
    assert "".join("".join(cue.text.split()) for cue in found) == "".join("".join(text.split()) for text, _, _ in plan)


def test_the_clock() -> None:
    assert clock(3_723_004, "srt") == "01:02:03,004"
    assert clock(400_000_000, "vtt") == "111:06:40.000"


def test_another_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match="srt or vtt"):
        write_subtitles([], tmp_path / "a.ass", "ass")  # type: ignore[arg-type]
