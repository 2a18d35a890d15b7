import sqlite3
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voicewright.errors import BadText, MissingExtra
from voicewright.text.japanese import kana_phonemes
from voicewright.text.phonemes import Phonemizer, phonemize
from voicewright.text.tokens import VOCABULARY

AMERICAN = Phonemizer("en-us")
BRITISH = Phonemizer("en-gb")


@pytest.mark.parametrize(
    ("said", "phonemes"),
    {
        # the symbols that Kokoro's English was trained with
        "Hello, world!": "həlˈO, wˈɜɹld!",
        "Rice is often served in round bowls.": "ɹˈIs ɪz ˈɔfᵊn sˈɜɹvd ɪn ɹˈWnd bˈOlz.",
        # small words bend to what follows
        "the egg, the box": "ði ˈɛɡ, ðə bˈɑks",
        "to eat, to go": "tʊ ˈit, tə ɡˌO",
        "a cat and an owl": "ɐ kˈæt ænd ɐn ˈWl",
        # endings
        "boxes, cats, dogs, John's": "bˈɑksᵻz, kˈæts, dˈɔɡz, ʤˈɑnz",
        "wanted, walked, played": "wˈɑntᵻd, wˈɔkt, plˈAd",
        # letters and names
        "the FBI, NASA and CEOs": "ði ˌɛfbˌiˈI, nˈæsə ænd sˌiˌiˈOz",
        "the IT department": "ði ˌItˈi dəpˈɑɹtmənt",
        "twenty-four": "twˈɛntifˌɔɹ",
        "café": "kæfˈA",
        "don't, it's": "dˈOnt, ɪts",
        "5 cats": "fˈIv kˈæts",
    }.items(),
)
def test_american_english(said, phonemes):
    assert AMERICAN(said) == phonemes


@pytest.mark.parametrize(
    ("sentence", "sound"),
    [
        ("I read the book yesterday.", "ɹˈɛd"),
        ("I will read the book.", "ɹˈid"),
        ("She has read it twice.", "ɹˈɛd"),
        ("He wants to lead the team.", "lˈid"),
        ("The pipe is made of lead.", "lˈɛd"),
        ("She took the lead.", "lˈid"),
        ("I live here.", "lˈɪv"),
        ("We saw a live show.", "lˈIv"),
        ("Please record it.", "ɹəkˈɔɹd"),
        ("He broke the record.", "ɹˈɛkəɹd"),
        ("Close the door.", "klˈOz"),
        ("We are close.", "klˈOs"),
        ("It is of no use.", "jˈus"),
        ("You can use it.", "jˈuz"),
        ("The wind was strong.", "wˈɪnd"),
        ("Wind the clock.", "wˈInd"),
        ("A tear ran down.", "tˈɪɹ"),
        ("Do not tear it.", "tˈɛɹ"),
        ("I object to that.", "əbʤˈɛkt"),
        ("It was a strange object.", "ˈɑbʤəkt"),
        ("I used to sing.", "jˈust tə"),
        ("I used a pen.", "jˈuzd ɐ"),
        ("Come in.", "ˈɪn"),
    ],
)
def test_words_with_two_sounds_follow_their_sentence(sentence, sound):
    assert sound in AMERICAN(sentence)


def test_british_english_has_its_own_vowels():
    assert BRITISH("The bath water is hot over there.") == "ðə bˈɑːθ wˈɔːtə ɪz hˈɒt ˈQvə ðˈɛː."


def test_capitals_are_words_before_they_are_letters():
    assert AMERICAN("STOP it") == AMERICAN("stop it")
    assert AMERICAN("XKCD") == "ˌɛkskˌAsˌidˈi"


@pytest.mark.parametrize("word", ["Zuckerberg", "Abernathy", "blorptastic", "voicewright", "Dvořák", "Kubernetes's"])
@pytest.mark.parametrize("phonemizer", [AMERICAN, BRITISH], ids=["us", "gb"])
def test_unknown_words_get_a_sound_with_one_main_stress(word, phonemizer):
    phonemes = phonemizer(word)
    assert phonemes.count("ˈ") == 1
    assert len(phonemes) >= len(word) // 2


def test_unknown_compounds_are_made_of_their_parts():
    assert AMERICAN("livestreams").startswith("lˈIvstɹˌim")


def test_given_phonemes_are_taken_as_written():
    assert AMERICAN("the [egg](/kˈæt/) and [x](/ˈɛɡ/)'s") == "ðə kˈæt ænd ˈɛɡz"


def test_given_phonemes_must_exist():
    with pytest.raises(BadText, match="'egg' in the text: no such phoneme symbols: g 9"):
        phonemize("[egg](/g9/)")


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60))
def test_only_symbols_of_the_network_come_out(text):
    try:
        assert set(AMERICAN(text)) <= set(VOCABULARY)
    except BadText:
        assert "](/" in text


def test_other_scripts_are_silent_in_english():
    assert AMERICAN("привет, 你好 ok").endswith("ˌOkˈA")


SPANISH = {"hola": "ˈo l a", "perro": "p ˈe ɾ ɾ o", "mucho": "m ˈu t ʃ o", "años": "ˈa ɲ o s"}


@pytest.fixture
def spanish_words(tmp_path, monkeypatch):
    """A package like gruut-lang-es, with four words."""
    folder = tmp_path / "gruut_lang_es" / "espeak"
    folder.mkdir(parents=True)
    (folder.parent / "__init__.py").touch()
    with sqlite3.connect(folder / "lexicon.db") as database:
        database.execute("CREATE TABLE word_phonemes (id, word TEXT, pron_order INTEGER, phonemes TEXT, role TEXT)")
        rows = [(number, word, 0, phonemes, "") for number, (word, phonemes) in enumerate(SPANISH.items())]
        database.executemany("INSERT INTO word_phonemes VALUES (?, ?, ?, ?, ?)", rows)
    database.close()
    monkeypatch.syspath_prepend(tmp_path)


@pytest.mark.usefixtures("spanish_words")
def test_languages_with_a_word_list():
    phonemizer = Phonemizer("es")
    assert phonemizer("Hola, perro! Mucho [años](/x/) años.") == "ˈola, pˈero! mˈuʧo x ˈaɲos."


@pytest.mark.parametrize(
    ("language", "modules", "extra"),
    [
        ("fr", [], "languages"),
        ("hi", ["espeakng_loader"], "espeak"),
        ("pt-br", ["espeakng_loader"], "espeak"),
        ("ja", ["pyopenjtalk"], "ja"),
        ("zh", ["misaki", "misaki.zh"], "zh"),
    ],
)
def test_a_language_without_its_package_names_the_extra(language, modules, extra, monkeypatch):
    for module in modules:
        monkeypatch.setitem(sys.modules, module, None)
    if not modules:
        monkeypatch.setattr("voicewright.text.crf.find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=rf"voicewright\[{extra}\]"):
        Phonemizer(language)


@pytest.mark.parametrize(
    ("kana", "phonemes"),
    {
        "トーキョー": "toːkʲoː", "ガッコー": "ɡaʔkoː", "シンブン": "ɕimbɯɴ", "コンニチワ": "koɲɲiʨiβa",
        "パーティー": "paːtʲiː",
        "ファイル": "ɸaiɾɯ", "ちゃ": "ʨa", "リョコー": "ɾʲokoː",
    }.items(),
)  # fmt: skip
def test_japanese_kana(kana, phonemes):
    assert kana_phonemes(kana) == phonemes
    assert set(phonemes) <= set(VOCABULARY)


def test_importing_the_room_loads_nothing_heavy():
    check = (
        "import pkgutil, sys, importlib, voicewright.text as room\n"
        "for module in pkgutil.iter_modules(room.__path__): importlib.import_module(f'{room.__name__}.{module.name}')\n"
        "heavy = {'numpy', 'torch', 'pycrfsuite', 'gruut', 'num2words', 'misaki', 'phonemizer'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", check], check=True)
