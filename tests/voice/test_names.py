"""Names stay names: nothing that is accepted leaves its folder or collides unseen."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicewright.errors import BadVoice
from voicewright.voice.names import MAX_BYTES, MAX_CHARACTERS, SUFFIX, nearest_name, same_file_key, voice_name

ATTACKS = [
    "", " ", ".", "..", "...", "../x", "..\\x", "a/b", "a\\b", "/etc/passwd", "C:\\x", "c:x",
    "~root", "-rf", "--help", ".hidden", "a..b", "a.", "a ", " a", "con", "CON", "nul.txt",
    "Aux .wav", "com1", "LPT9.a.b", "x\x00y", "x\ny", "x\x1b[31my", "a\u202eb", "a\u200bb",
    "a\u200db", "\ufeffa", "\uff0e\uff0e\uff0fx", "%2e%2e%2fx", "a\u2215b", "a\u2044b", "\u3164",
    "a\u034fb", "a\ufe0f", "x" * 65, "\u8a9e" * 65, "\U00020000" * 60, "bob.voice", "BOB.VOICE",
    "a*b", "a?b", "a\"b", "a|b", "a<b", "$(id)", "`id`", "a;b", "\ud800", "\udcff", "\ufb01le",
    "\uff41", "\u0301a", "x\xb2", "\U0001f600", "a\tb",
]  # fmt: skip
FINE = [
    "narrator", "Ada Lovelace", "a", "voice-2_b.c", "Ångström", "日本語", "नमस्ते", "Ελένη", "0",
    "console", "com", "a.con",
]  # fmt: skip


@pytest.mark.parametrize("text", ATTACKS)
def test_attacks_are_refused_with_a_name_that_works(text: str) -> None:
    with pytest.raises(BadVoice) as refusal:
        voice_name(text)
    near = nearest_name(text)
    assert voice_name(near) == near
    assert repr(near) in str(refusal.value)
    assert str(refusal.value).isprintable()


@pytest.mark.parametrize("text", FINE)
def test_ordinary_names_of_any_script_are_accepted(text: str) -> None:
    assert voice_name(text) == text


def test_both_spellings_of_an_accent_are_one_name() -> None:
    assert voice_name("Zoe\u0308") == voice_name("Zo\u00eb") == "Zo\u00eb"
    assert same_file_key("ZO\u00cb") == same_file_key("zo\u00eb")


def test_the_suggestion_keeps_what_it_can() -> None:
    assert nearest_name("Dr. Smith/2024") == "Dr. Smith-2024"
    assert nearest_name("con") == "voice-con"
    assert nearest_name("bob.voice") == "bob"
    assert len(nearest_name("x" * 100)) == MAX_CHARACTERS


texts = st.text(max_size=80) | st.text(st.sampled_from("ab.-_ /\\%:\u3164\uff0f\u0301ÅconNUL1"), max_size=12)


@given(texts)
def test_any_accepted_name_is_one_file_inside_its_folder(text: str) -> None:
    try:
        name = voice_name(text)
    except BadVoice:
        near = nearest_name(text)
        assert voice_name(near) == near
        return
    folder = Path("/voices")
    path = folder / f"{name}{SUFFIX}"
    assert path.resolve().parent == folder
    assert path.name == f"{name}{SUFFIX}"
    assert 0 < len(name) <= MAX_CHARACTERS
    assert len(name.encode()) <= MAX_BYTES
    assert voice_name(name) == name
    assert name.isprintable()
    assert same_file_key(same_file_key(name)) == same_file_key(name)
