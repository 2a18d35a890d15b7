"""Words placed in time, and lines judged, by an aligner that knows what is in the sound."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from itertools import pairwise

import numpy as np
import pytest

from voicewright.audio.clip import Clip
from voicewright.data.alignment import Placement, align
from voicewright.data.matching import Match, match
from voicewright.data.transcripts.line import Line
from voicewright.data.transcripts.reading import for_recording, read_transcript
from voicewright.data.verdicts import LineVerdict, Verdict, between_lines, verdicts
from voicewright.errors import BadClip
from voicewright.measure.intelligibility import Word

RATE = 1000


def worst(found: Sequence[LineVerdict]) -> Verdict:
    """The verdict on all lines of a recording together."""
    kinds = {each.verdict for each in found}
    return "disagree" if "disagree" in kinds else "look" if "look" in kinds else "agree"


@dataclass(frozen=True)
class Placed:
    text: str
    start_s: float
    end_s: float
    score: float


@dataclass(frozen=True)
class Laid:
    words: tuple[Placed, ...]


class KnowsTheSound:
    """Lays words along a clip whose samples are the time; `said` are the true words with their starts, 0.4 s long."""

    def __init__(self, said: Sequence[tuple[str, float]]) -> None:
        self._said = said

    def emissions(self, clip: Clip) -> Clip:
        return clip

    def lay(self, heard: Clip, words: Sequence[str]) -> Laid:
        if heard.seconds < 0.01 * len(words):
            raise BadClip("too short")
        begin_s = float(heard.samples[0]) * 100
        truth = [(text, s - begin_s) for text, s in self._said if begin_s <= s <= begin_s + heard.seconds]
        placed, at_s = [], 0.0
        for word in words:
            plain = word.strip(".,…").lower()
            found = next((s for text, s in truth if text == plain and s >= at_s - 0.05), None)
            start_s = at_s if found is None else found
            end_s = start_s + (0.01 if found is None else 0.4)
            placed.append(Placed(word, start_s, end_s, 0.05 if found is None else 0.9))
            at_s = end_s
        return Laid(tuple(placed))


def part(start_s: float, end_s: float) -> Clip:
    return Clip(np.arange(round(start_s * RATE), round(end_s * RATE)) / RATE / 100, RATE)


def recognised(text: str, late_s: float = 0.1, probability: float = 0.9) -> list[Word]:
    """What a recogniser heard, with its usual inexact times."""
    return [
        Word(text=word, start_s=0.5 * i + late_s, end_s=0.5 * i + 0.4 + late_s, probability=probability)
        for i, word in enumerate(text.split())
    ]


def sound(text: str) -> KnowsTheSound:
    return KnowsTheSound([(word, 0.5 * i) for i, word in enumerate(text.split())])


def judged(written: str, said: str, heard: str) -> tuple[Match, Placement, str]:
    found = match([Line(text=written, place="t.txt, line 1")], recognised(heard), seconds=0.5 * len(said.split()) + 0.5)
    placement = align(found, part, sound(said))
    return found, placement, worst(verdicts(found, placement))


def test_words_come_at_the_aligners_times_in_recording_time() -> None:
    text = "the quick brown fox jumps over the lazy dog"
    _, placement, _ = judged(text, text, text)
    assert [word.start_s for word in placement.words] == pytest.approx([0.5 * i for i in range(9)], abs=0.01)
    assert [word.score for word in placement.words] == [0.9] * 9
    assert placement.impossible == ()


@pytest.mark.parametrize(
    ("written", "said", "heard", "verdict"),
    [
        ("please hold the line now", "please hold the line now", "please hold the line now", "agree"),
        ("please hold the line now", "please hold the line now", "please hold the lion now", "agree"),
        ("please hold the line now", "please hold the door now", "please hold the door now", "disagree"),
        ("please hold the line now", "please hold now", "please hold now", "disagree"),
        ("please hold now", "please hold the line now", "please hold the line now", "disagree"),
        ("please hold the line now", "please hold the line now", "please hold now", "agree"),
        ("please hold now", "please hold now", "please hold it now", "look"),
        ("please hold", "mmmh", "", "disagree"),
        ("[a tone]", "mmmh", "", "agree"),
    ],
)
def test_the_sound_decides_between_text_and_recogniser(written: str, said: str, heard: str, verdict: str) -> None:
    assert judged(written, said, heard)[2] == verdict


def test_a_line_says_why_it_is_in_doubt() -> None:
    found, placement, _ = judged("please hold the line now", "please hold the door now", "please hold the door now")
    (line,) = verdicts(found, placement)
    assert line.place == "t.txt, line 1"
    assert "“line” was heard as “door”" in line.reasons[0]


def test_other_spellings_of_the_same_sounds_are_no_doubt() -> None:
    found = match([Line(text="the right way to go")], recognised("the write weigh two go"))
    assert worst(verdicts(found)) == "agree"
    other = match([Line(text="the right way to go")], recognised("the left way to go"))
    assert worst(verdicts(other)) != "agree"


@pytest.mark.parametrize(
    ("name", "heard"),
    [
        ("austen-0880", "He was not an old-sposed young man."),
        ("austen-0890", "unless to be rather cold -hearted and rather selfish is to be old -exposed."),
        ("austen-0930", "He might even have been made amiable himself."),
    ],
)
def test_what_a_small_recogniser_mistakes_in_read_books_is_no_disagreement(name: str, heard: str) -> None:
    """What Whisper's tiny.en hears in the sample recordings, whose text is right."""
    samples = resources.files("voicewright.samples") / "austen" / "transcripts.tsv"
    with resources.as_file(samples) as path:
        lines = for_recording(read_transcript(path, [f"{name}.flac"]), name, f"{name}.flac", False)
    assert lines is not None
    found = match(lines, recognised(heard), seconds=10)
    assert " ".join(word.text for word in found.words) == lines[0].text
    assert worst(verdicts(found)) != "disagree"


def test_unwritten_speech_between_lines_blames_neither_and_is_told() -> None:
    lines = [Line(text="please hold the line now"), Line(text="your call will be answered")]
    heard = recognised("please hold the line now nobody wrote any of this your call will be answered")
    found = match(lines, heard)
    assert [passage.heard for passage in between_lines(found)] == ["nobody wrote any of this"]
    assert {line.verdict for line in verdicts(found)} == {"agree"}


def test_without_an_aligner_unheard_words_are_spread_where_they_must_lie() -> None:
    found = match([Line(text="one fish two very red fish")], recognised("one fish fish"), seconds=3)
    words = align(found, part, None).words
    assert [word.text for word in words] == ["one", "fish", "two", "very", "red", "fish"]
    assert all(a.end_s <= b.start_s + 1e-9 for a, b in pairwise(words))
    assert [word.score is None for word in words] == [False, False, True, True, True, False]


def test_a_long_passage_that_is_not_in_the_sound_gets_no_length_and_is_reported() -> None:
    written = "please hold the line there are very many words here that nobody ever said aloud now goodbye"
    heard = "please hold the line now goodbye"
    found, placement, _ = judged(written, heard, heard)
    absent = [word for word in placement.words if word.start_s == word.end_s]
    assert " ".join(word.text for word in absent) == "there are very many words here that nobody ever said aloud"
    assert all(word.score == 0 for word in absent)
    assert any("not in the sound" in problem for problem in placement.impossible)
    assert len(placement.words) == len(found.words)


def test_an_aligner_that_gives_up_costs_only_its_window() -> None:
    class GivesUp(KnowsTheSound):
        def lay(self, heard: Clip, words: Sequence[str]) -> Laid:
            raise BadClip("3 s are too short")

    text = "please hold the line now"
    placement = align(match([Line(text=text)], recognised(text)), part, GivesUp([]))
    assert [word.text for word in placement.words] == text.split()
    assert "too short" in placement.impossible[0]
