import pytest

from voicewright.errors import BadText
from voicewright.text.lexicon import Lexicon

ENTRIES = {"nguyen": "win", "San José": "san hozay", "gif": "/ʤˈɪf/"}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("words.yaml", "# mine\nnguyen: win\n'San José': san hozay  # a city\ngif: /ʤˈɪf/\n"),
        ("words.txt", "nguyen: win\n\nSan José: san hozay\ngif: '/ʤˈɪf/'\n"),
        ("words.tsv", "nguyen\twin\nSan José\tsan hozay\ngif\t/ʤˈɪf/\n"),
        ("words.json", '{"nguyen": "win", "San José": "san hozay", "gif": "/ʤˈɪf/"}'),
    ],
)
def test_four_kinds_of_file_say_the_same(tmp_path, name, content):
    (tmp_path / name).write_text(content, "utf-8")
    assert Lexicon.read(tmp_path / name).entries == ENTRIES


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("a.yaml", "one: two\nthree\n", "line 2: no colon"),
        ("a.tsv", "one: two\n", "line 1: no tab"),
        ("a.yaml", "one: two\n\none: three\n", "line 3: 'one' is given twice"),
        ("a.yaml", "one:\n", "line 1: nothing stands"),
        ("a.yaml", "one: /k%/\n", "line 1, 'one': no such phoneme symbols: %"),
        ("a.yaml", "one: //\n", "line 1, 'one': no phonemes"),
        ("a.yaml", "one: /kat\n", "line 1: phonemes of 'one' stand between two slashes"),
        ("a.json", '{"a": 1}', "must hold one object"),
        ("a.json", '{"a": "b", "a": "c"}', "'a' is given twice"),
        ("a.json", '{\n"a" "b"}', "line 2: not JSON"),
        ("a.csv", "a,b", "ending in .yaml"),
    ],
)
def test_mistakes_are_named_with_their_line(tmp_path, name, content, problem):
    (tmp_path / name).write_text(content, "utf-8")
    with pytest.raises(BadText, match=problem):
        Lexicon.read(tmp_path / name)


def test_a_missing_file_is_a_clear_error(tmp_path):
    with pytest.raises(BadText, match="cannot be read"):
        Lexicon.read(tmp_path / "none.yaml")


def test_whole_words_and_phrases_in_any_case():
    said = Lexicon(ENTRIES).respell("Nguyen, NGUYEN and nguyens flew to San  José.")
    assert said == "win, win and nguyens flew to san hozay."


def test_an_entry_with_a_capital_is_only_that_spelling():
    assert (
        Lexicon({"Polish": "Poe-lish"}).respell("Polish the Polish table, polish it")
        == "Poe-lish the Poe-lish table, polish it"
    )


def test_longer_phrases_win():
    assert Lexicon({"new york": "noo york", "york": "yawk"}).respell("New York, York") == "noo york, yawk"


def test_phonemes_are_marked_and_respellings_are_not():
    lexicon = Lexicon(ENTRIES)
    assert lexicon.mark_phonemes("A GIF by Nguyen") == "A [GIF](/ʤˈɪf/) by Nguyen"


def test_words_that_the_user_gave_phonemes_stay_as_they_are():
    assert Lexicon({"cat": "dog"}).respell("[cat](/kˈæt/) cat") == "[cat](/kˈæt/) dog"
