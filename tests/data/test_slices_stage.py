"""Clips of a recording: their names, words and speakers, and the doubts about the text that go with them."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from voicewright.audio.clip import Clip
from voicewright.audio.files import read_clip, write_clip
from voicewright.data.options import PrepareOptions, SliceOptions
from voicewright.data.stages.slices import NOTHING_HEARD, cut_slices
from voicewright.data.tasks import Bench, Task
from voicewright.data.utterance import Utterance
from voicewright.data.work import Work

RATE = 16_000
SPANS = [[1.0, 3.0], [6.0, 8.0]]
HEARD = (("one", 1.0, 2.0), ("two", 2.0, 3.0), ("three", 6.0, 7.0), ("for", 7.0, 8.0))
WRITTEN = (*HEARD[:3], ("four", 7.0, 8.0))


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    (tmp_path / "clips").mkdir()
    tone = 0.1 * np.sin(np.arange(9 * RATE) / 8)
    write_clip(tmp_path / "sound.wav", Clip(tone.astype(np.float32), RATE))
    options = PrepareOptions(slices=SliceOptions(shortest_s=0.5))
    made = SimpleNamespace(folder=tmp_path, options=options, work=Work(tmp_path / "work"))
    made.work.keep("words", "r/0000", "k", {"words": timed(HEARD), "sure": [0.9] * 4})
    return cast(Bench, made)


def timed(words: Any) -> list[dict[str, Any]]:
    return [{"text": text, "start_s": start_s, "end_s": end_s, "score": 0.9} for text, start_s, end_s in words]


def doubt(start_s: float, end_s: float, *, sure: bool, what: str) -> dict[str, Any]:
    return {"start_s": start_s, "end_s": end_s, "sure": sure, "what": what}


def cut(bench: Bench, **more: Any) -> dict[str, Any]:
    given = {
        "sha256": "0" * 64,
        "sound": "sound.wav",
        "seconds": 9.0,
        "spans": SPANS,
        "lufs": None,
        "peak_db": -20.0,
        "turns": [],
        "words": [["r/0000", "k"]],
        "text": [],
        "doubts": [],
        "speaker": "anna",
    }
    return dict(cut_slices(bench, Task(stage="slices", name="r", key="k", given=given | more)))


def test_each_clip_has_its_words_its_place_and_a_name_that_says_where(bench: Bench) -> None:
    first, second = cut(bench)["utterances"]
    assert [first.text, second.text] == ["one two", "three for"]
    assert [first.heard, second.heard] == ["one two", "three for"]
    assert [each.id for each in (first, second)] == ["r-00000900", "r-00005900"]
    assert not first.gold
    assert first.speaker == "anna"
    for each in (first, second):
        clip = read_clip(bench.folder / each.audio)
        assert clip.seconds == pytest.approx(each.seconds)
        assert each.source.end_s - each.source.start_s == pytest.approx(each.seconds, abs=0.01)
        assert [word.start_s for word in each.words] == pytest.approx([0.1, 1.1], abs=0.01)


def test_a_recording_that_is_one_clip_keeps_its_name(bench: Bench) -> None:
    (only,) = cut(bench, spans=SPANS[:1], words=[])["utterances"]
    assert only.id == "r"
    assert only.audio == "clips/r.wav"


def test_a_human_text_is_the_clips_text_beside_what_was_heard(bench: Bench) -> None:
    bench.work.keep("text", "r", "t", {"words": timed(WRITTEN), "doubts": []})
    _, second = cut(bench, text=["r", "t"])["utterances"]
    assert (second.text, second.heard) == ("three four", "three for")
    assert second.gold


def test_doubts_flag_the_clips_they_touch_and_drop_them_only_if_they_are_sure(bench: Bench) -> None:
    doubts = [doubt(7.0, 8.0, sure=True, what="text and sound disagree (four)"),
              doubt(1.0, 1.5, sure=False, what="text and sound may differ (one)")]  # fmt: skip
    bench.work.keep("text", "r", "t", {"words": timed(WRITTEN), "doubts": doubts})
    voices = [doubt(6.0, 8.0, sure=False, what="the voice may not be the one that the text names (x)")]
    first, second = cut(bench, text=["r", "t"], doubts=voices)["utterances"]
    assert (first.flags, first.dropped) == (("text and sound may differ (one)",), "")
    assert second.dropped == "text and sound disagree (four)"
    assert second.flags == ("the voice may not be the one that the text names (x)",)


def test_the_one_who_speaks_is_the_clips_speaker(bench: Bench) -> None:
    turns = [{"start_s": 0.9, "end_s": 3.1, "speaker": "berta"}, {"start_s": 5.9, "end_s": 8.1, "speaker": "carl"}]
    found: list[Utterance] = cut(bench, turns=turns)["utterances"]
    assert [each.speaker for each in found] == ["berta", "carl"]


def test_a_recording_without_speech_is_a_problem(bench: Bench) -> None:
    assert cut(bench, spans=[], words=[]) == {"problem": NOTHING_HEARD}
