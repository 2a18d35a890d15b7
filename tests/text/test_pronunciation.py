"""Every written word gets its own sounds back from the phonemes of the whole."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicewright.errors import BadSetting
from voicewright.text.normalize import normalize
from voicewright.text.phonemes import Phonemizer
from voicewright.text.pronunciation import Pronouncer


@pytest.fixture(scope="module")
def pronounce() -> Pronouncer:
    return Pronouncer("en-us")


def bare(phonemes: str) -> str:
    return "".join(symbol for symbol in phonemes if symbol.isalpha() and symbol not in "ˈˌː")


@pytest.mark.parametrize(
    "text",
    [
        "He was not an ill disposed young man,",
        "On 5 May 2024 Dr. Smith — of course — paid $3 million.",
        "“Well-known” e-mails (a.b@c.com) came at 10:30 am; the hour's up… 50% & more!",
    ],
)
def test_the_words_sound_together_as_the_whole_does(pronounce: Pronouncer, text: str) -> None:
    words = pronounce(text.split())
    assert len(words) == len(text.split())
    assert bare("".join(words)) == bare(Phonemizer("en-us")(normalize(text)))


def test_numbers_and_signs_go_with_their_token(pronounce: Pronouncer) -> None:
    room, number, dash, percent = pronounce(["Room", "12", "—", "50%"])
    assert bare(room) == "ɹum"
    assert bare(number) == "twɛlv"
    assert dash == ""
    assert bare(percent).endswith("pəɹsɛnt")


def test_small_words_hear_their_neighbours(pronounce: Pronouncer) -> None:
    assert pronounce(["the", "apple"])[0] != pronounce(["the", "pear"])[0]


def test_nothing_and_marks_alone() -> None:
    pronounce = Pronouncer("british")
    assert pronounce([]) == []
    assert pronounce(["—", "…"]) == ["", ""]


@given(st.lists(st.text(alphabet="abc 'é-—.,$%123日", max_size=6), max_size=8))
def test_any_tokens_get_as_many_answers(tokens: list[str]) -> None:
    assert len(Pronouncer("en-us")(tokens)) == len(tokens)


def test_other_languages_are_refused() -> None:
    with pytest.raises(BadSetting, match="only en-us and en-gb"):
        Pronouncer("fr")
