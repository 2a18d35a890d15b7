from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicewright.audio.clip import Clip
from voicewright.audio.edit import join, resample
from voicewright.errors import BadSetting, MissingWeights
from voicewright.measure.intelligibility import WhisperRecogniser, word_errors

SAME = [
    (
        "It cost $1,250.50 in 1984.",
        "it cost one thousand two hundred and fifty dollars and fifty cents in nineteen eighty-four",
    ),
    ("at 5:30pm", "at five thirty p.m."),
    ("May 3rd, 2021", "May third, twenty twenty-one"),
    ("two thousand and ten", "2010"),
    ("a hundred and one", "101"),
    ("1 2 3", "one two three"),
    ("one, two, three", "1-2-3"),
    ("100%", "a hundred percent"),
    ("30 °C", "thirty degrees C"),
    ("-5 degrees", "minus five degrees"),
    ("the 1990s", "the nineteen-nineties"),
    ("the twentieth century", "the 20th century"),
    ("£25", "twenty-five pounds"),
    ("Phone 555-1234", "phone five five five one two three four"),
    ("Colour, realise; don’t", "color realize do not"),
    ("I'm sure he's going", "I am sure he is going"),
    ("every day", "everyday"),
    ("the well-known (old) web-site", "the well known old website"),
    ("Mr. Jones & Mrs. Lee", "Mister Jones and Missus Lee"),
    ("anyone else", "any one else"),
    ("Well, um, okay", "well OK"),
    ("café", "cafe"),
    ("Hello!", "  hello …"),
    ("", ""),
]


@pytest.mark.parametrize(("asked", "heard"), SAME)
def test_what_sounds_the_same_is_the_same(asked: str, heard: str) -> None:
    for errors in (word_errors(asked, heard), word_errors(heard, asked)):
        assert errors.wrong == 0
        assert errors.rate == 0
        assert errors.cer == 0


@pytest.mark.parametrize(
    ("asked", "heard", "substituted", "deleted", "inserted"),
    [
        ("the cat sat", "the dog sat down", 1, 0, 1),
        ("I go every day now", "I go everyday no", 1, 0, 0),
        ("he is fifteen", "he is fifty", 1, 0, 0),
        ("(quietly) come in", "come in", 0, 1, 0),
        ("say it", "say it say it", 0, 0, 2),
        ("one two", "", 0, 1, 0),
        ("", "thank you", 0, 0, 2),
    ],
)
def test_what_is_wrong_is_counted(asked: str, heard: str, substituted: int, deleted: int, inserted: int) -> None:
    errors = word_errors(asked, heard)
    assert (errors.substituted, errors.deleted, errors.inserted) == (substituted, deleted, inserted)
    assert errors.rate == errors.wrong / max(1, errors.words)
    assert errors.cer > 0


def test_other_languages_are_compared_too() -> None:
    assert word_errors("Él está aquí.", "el esta aqui", language="es").wrong == 0
    assert word_errors("Guten Morgen", "guten Abend", language="de").wrong == 1


@given(st.lists(st.sampled_from(["one", "two", "the", "cat", "every", "day", "everyday", "a", "7", "ok"]), max_size=12))
def test_a_text_is_like_itself_however_it_is_split(words: list[str]) -> None:
    assert word_errors(" ".join(words), ", ".join(words).upper()).wrong == 0


@pytest.fixture(scope="module")
def recogniser(whisper_folder: Path) -> WhisperRecogniser:
    return WhisperRecogniser(whisper_folder)


class TestWhisper:
    def test_a_clear_sentence_is_heard(
        self, recogniser: WhisperRecogniser, austen: dict[str, Clip], texts: dict[str, str]
    ) -> None:
        heard = recogniser.transcribe(resample(austen["0930"], 24_000))
        assert word_errors(texts["0930"], heard.text).wrong == 0
        assert heard.words == ()
        assert heard.language == "en"
        assert 0.7 < heard.probability <= 1

    def test_word_times_follow_the_sound(self, recogniser: WhisperRecogniser, austen: dict[str, Clip]) -> None:
        clip = austen["0930"]
        later = join([Clip.silence(1.0, clip.rate), clip])
        words = recogniser.transcribe(later, word_times=True).words
        assert [word.text.strip(".,").lower() for word in words][-2:] == ["amiable", "himself"]
        assert 0.8 < words[0].start_s < 1.6
        assert all(word.start_s <= word.end_s <= later.seconds + 0.1 for word in words)
        assert all(a.start_s <= b.start_s for a, b in pairwise(words))

    def test_words_with_a_hyphen_are_whole(self, recogniser: WhisperRecogniser, austen: dict[str, Clip]) -> None:
        for clip in austen.values():
            heard = recogniser.transcribe(clip, word_times=True)
            assert [word.text for word in heard.words] == heard.text.split()

    def test_the_same_clip_gives_the_same_words(self, recogniser: WhisperRecogniser, austen: dict[str, Clip]) -> None:
        assert recogniser.transcribe(austen["0880"]) == recogniser.transcribe(austen["0880"])

    def test_silence_says_nothing(self, recogniser: WhisperRecogniser) -> None:
        assert recogniser.transcribe(Clip.silence(2.0, 16_000)).text == ""
        assert recogniser.transcribe(Clip.silence(0.0, 16_000)).text == ""

    def test_what_cannot_work_is_said(
        self, recogniser: WhisperRecogniser, austen: dict[str, Clip], tmp_path: Path
    ) -> None:
        with pytest.raises(BadSetting, match="beam"):
            recogniser.transcribe(austen["0880"], beam=0)
        with pytest.raises(MissingWeights, match="no Whisper model"):
            WhisperRecogniser(tmp_path).transcribe(austen["0880"])
