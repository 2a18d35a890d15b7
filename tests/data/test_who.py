"""What the people of all recordings are called: by a text, by a sample, by how much they speak."""

import numpy as np
import pytest

from voicewright.data.diarization import Vectors
from voicewright.data.transcripts.line import Line
from voicewright.data.utterance import TimedWord
from voicewright.data.voices import Piece, Voices
from voicewright.data.who import Section, Spoken, Who, who_speaks
from voicewright.errors import BadSetting

LOW, HIGH = np.eye(8, dtype=np.float32)[:2]
"""How two people sound."""


def section(recording: str, start_s: float, *sounds: Vectors, each_s: float = 10.0) -> Section:
    """They speak one after the other."""
    kinds = {id(LOW): 0, id(HIGH): 1}
    pieces = [Piece(i * each_s, (i + 1) * each_s, kinds[id(s)], i) for i, s in enumerate(sounds)]
    rows = np.stack(sounds).astype(np.float16)
    voices = Voices(seconds=each_s * len(sounds), encoder="campplus", pieces=tuple(pieces), embeddings=rows)
    return Section(recording=recording, start_s=start_s, voices=voices)


def spoken(*turns: tuple[str, float, float]) -> Spoken:
    lines = [Line(text="word", speaker=name, place=f"t.txt, line {n}") for n, (name, _, _) in enumerate(turns, 1)]
    words = [(n, TimedWord(text="word", start_s=start_s, end_s=end_s)) for n, (_, start_s, end_s) in enumerate(turns)]
    return Spoken(lines=lines, words=words)


def names(who: Who, recording: str) -> list[str]:
    return [turn.speaker for turn in who.turns[recording]]


def test_without_names_who_speaks_most_comes_first_in_every_recording() -> None:
    who = who_speaks([section("a", 0, HIGH, LOW, HIGH), section("b", 0, LOW, each_s=5)], {})
    assert names(who, "a") == ["speaker1", "speaker2", "speaker1"]
    assert names(who, "b") == ["speaker2"]


def test_turns_of_sections_are_in_the_recordings_time() -> None:
    who = who_speaks([section("a", 0, LOW), section("a", 180, HIGH)], {})
    assert [(turn.start_s, turn.end_s) for turn in who.turns["a"]] == [(0, 10), (180, 190)]


def test_a_text_names_voices_in_recordings_that_have_none() -> None:
    text = {"a": spoken(("Anna", 1, 9), ("Bob", 11, 19))}
    who = who_speaks([section("a", 0, LOW, HIGH), section("b", 0, HIGH, LOW)], text)
    assert names(who, "a") == ["Anna", "Bob"]
    assert names(who, "b") == ["Bob", "Anna"]
    assert who.conflicts == {}


def test_what_the_text_gives_to_the_wrong_voice_is_a_conflict() -> None:
    text = {"a": spoken(("Anna", 1, 9), ("Bob", 11, 19), ("Anna", 21, 29), ("Anna", 31, 34))}
    who = who_speaks([section("a", 0, LOW, HIGH, LOW, HIGH)], text)
    (conflict,) = who.conflicts["a"]
    assert (conflict.name, conflict.start_s, conflict.end_s) == ("Anna", 31, 34)


def test_the_wanted_one_is_the_one_like_the_sample() -> None:
    talk = [section("a", 0, LOW, HIGH, LOW)]
    assert names(who_speaks(talk, {}, wanted="me"), "a") == ["me", "speaker2", "me"]
    assert names(who_speaks(talk, {}, wanted="me", sample=HIGH), "a") == ["speaker1", "me", "speaker1"]
    with pytest.raises(BadSetting, match="sample"):
        who_speaks(talk, {}, wanted="me", sample=np.eye(8, dtype=np.float32)[5])


def test_a_voice_of_an_earlier_run_can_be_wanted_by_its_number() -> None:
    who = who_speaks([section("a", 0, LOW, HIGH, LOW)], {}, wanted="speaker2")
    assert names(who, "a") == ["speaker1", "speaker2", "speaker1"]
    assert not who.problems


def test_a_wanted_name_that_no_text_has_is_told_when_it_replaces_one() -> None:
    text = {"a": spoken(("Anna", 1, 9), ("Bob", 11, 19))}
    who = who_speaks([section("a", 0, LOW, HIGH, LOW)], text, wanted="Ann")
    assert names(who, "a") == ["Ann", "Bob", "Ann"]
    assert "'Anna'" in str(who.problems[0])


def test_where_nobody_speaks_there_is_nobody() -> None:
    empty = Voices(seconds=1, encoder="campplus", pieces=(), embeddings=np.zeros((0, 8), np.float16))
    assert who_speaks([Section(recording="a", start_s=0, voices=empty)], {}, wanted="me").turns == {"a": []}
    assert who_speaks([], {}).turns == {}
