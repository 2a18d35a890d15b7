"""A human text laid along a recording by the recogniser's times: what is doubted, how surely, and what is told."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from voicewright.audio.clip import Clip
from voicewright.audio.files import write_clip
from voicewright.data.options import PrepareOptions
from voicewright.data.stages.text import align_text
from voicewright.data.tasks import Bench, Task
from voicewright.data.work import Work

RATE = 16_000
SECONDS = 60.0
STEP_S = 0.5
LONG = (
    "the old house stood alone upon a hill and nobody in the village had ever seen who lived there though many "
    "people said that they had heard music from its windows on winter nights when snow lay deep"
)
"""37 words: longer than a clip."""


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """Without an aligner: the recogniser's times count."""
    write_clip(tmp_path / "sound.wav", Clip(np.full(round(SECONDS * RATE), 0.1, np.float32), RATE))
    meters = SimpleNamespace(aligner=lambda language: None)
    return cast(
        Bench,
        SimpleNamespace(folder=tmp_path, options=PrepareOptions(), work=Work(tmp_path / "work"), meters=meters),
    )


def laid(
    bench: Bench, lines: Sequence[str], heard: str, *, sure: float = 0.9, pauses: Mapping[int, float] | None = None
) -> dict[str, Any]:
    """`heard` at two words a second, with longer pauses before some words; words in capitals are heard unsurely."""
    at_s, words, sureness = 0.0, [], []
    for number, word in enumerate(heard.split()):
        at_s += (pauses or {}).get(number, 0.0)
        words.append({"text": word.lower(), "start_s": at_s, "end_s": at_s + 0.4, "score": 0.9})
        sureness.append(sure if word.isupper() else 0.9)
        at_s += STEP_S
    bench.work.keep("words", "r/0000", "k", {"words": words, "sure": sureness})
    given = {
        "lines": [{"text": text, "place": f"text.txt, line {number}"} for number, text in enumerate(lines, start=1)],
        "words": [["r/0000", "k"]],
        "sound": "sound.wav",
        "label": "r.wav",
        "seconds": SECONDS,
    }
    return dict(align_text(bench, Task(stage="text", name="r", key="k", given=given)))


def test_a_text_that_was_said_is_in_no_doubt(bench: Bench) -> None:
    found = laid(bench, [LONG], LONG)
    assert [word.text for word in found["words"]] == LONG.split()
    assert found["lines"] == [0] * len(LONG.split())
    assert found["doubts"] == found["disagreements"] == []


def test_of_a_long_line_only_the_wrong_passage_is_doubted(bench: Bench) -> None:
    heard = LONG.replace("nobody in the village", "seventeen purple elephants danced")
    found = laid(bench, [LONG], heard)
    (doubt,) = found["doubts"]
    assert doubt["sure"]
    assert doubt["start_s"] >= 4.5
    assert doubt["end_s"] <= 8.5
    assert doubt["what"].startswith("text and sound disagree (")
    assert all(problem.where == "r.wav, text.txt, line 1" for problem in found["disagreements"])
    assert "nobody" in found["disagreements"][0].what


def test_small_doubts_add_up_in_a_short_line_and_not_in_a_long_one(bench: Bench) -> None:
    """A short line is one clip: if much of it is unsure, it is wrong. A long one is many clips, each with its own."""
    wrong = {"house": "BISCUIT", "village": "MOUNTAIN", "music": "FLOWERS", "snow": "THEM"}
    long_heard = " ".join(wrong.get(word, word) for word in LONG.split())
    in_long = laid(bench, [LONG], long_heard, sure=0.05)["doubts"]
    assert len(in_long) >= 3
    assert not any(doubt["sure"] for doubt in in_long)
    short = "the house by the village had music in the snow"
    short_heard = " ".join(wrong.get(word, word) for word in short.split())
    in_short = laid(bench, [short], short_heard, sure=0.05)["doubts"]
    assert len(in_short) >= 3
    assert all(doubt["sure"] for doubt in in_short)


def test_speech_between_lines_is_told_and_doubts_nothing(bench: Bench) -> None:
    lines = ["the old house stood alone upon a hill", "nobody had ever seen who lived there"]
    heard = f"{lines[0]} could you please stop recording here {lines[1]}"
    found = laid(bench, lines, heard, pauses={8: 1.0, 14: 1.0})
    assert found["doubts"] == []
    (told,) = found["disagreements"]
    assert "stop recording" in told.what
    assert told.where.startswith("r.wav")


def test_what_was_never_said_has_no_place_in_the_sound(bench: Bench) -> None:
    found = laid(bench, ["nobody said any of this"], "")
    assert all(word.end_s > word.start_s for word in found["words"])
    assert found["doubts"][0]["sure"]
    assert found["disagreements"]


def test_a_preface_that_nobody_read_does_not_cost_the_sound_after_it(bench: Bench) -> None:
    preface = "This edition was scanned from a copy in the library of the town and read by volunteers. " * 4
    found = laid(bench, [preface, LONG], LONG)
    assert [word.text for word in found["words"]] == LONG.split()
    assert found["disagreements"]
    assert not any(doubt["sure"] for doubt in found["doubts"])
    short = laid(bench, ["nobody said this here", LONG], LONG)
    assert any(doubt["sure"] for doubt in short["doubts"])
