import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicewright.errors import BadText
from voicewright.text.tokens import MAX_TOKENS, VOCABULARY, decode, encode


@given(st.text(list(VOCABULARY), max_size=MAX_TOKENS))
def test_decoding_undoes_encoding(phonemes):
    assert decode(encode(phonemes)) == phonemes


def test_ids_are_the_networks():
    assert encode("həlˈO!") == [50, 83, 54, 156, 31, 5]
    assert len(VOCABULARY) == len(set(VOCABULARY.values())) == 114
    assert all(0 < id_ < 178 for id_ in VOCABULARY.values())


def test_unknown_symbols_are_named():
    with pytest.raises(BadText, match="g %"):
        encode("hg%l")


def test_too_many_phonemes_are_refused_with_advice():
    with pytest.raises(BadText, match=r"511 phonemes.*shorter sentences"):
        encode("a" * 511)


def test_unknown_ids_are_refused():
    with pytest.raises(BadText, match="177000"):
        decode([177_000])
