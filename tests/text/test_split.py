import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voicewright.errors import BadSetting, BadText
from voicewright.text.lexicon import Lexicon
from voicewright.text.phonemes import Phonemizer
from voicewright.text.split import iter_pieces, split
from voicewright.text.tokens import encode

BOOK = """CHAPTER I

It was the best of times, it was the worst of times. Mr. Smith paid $3.50 at 3 p.m. on Jan. 5.
He said: "Stop!" and then "Go." Nobody moved...

J. R. R. Tolkien wrote 3.5 books in the U.S. Army? No.

The end.
"""


def texts(pieces):
    return [piece.text.strip() for piece in pieces]


def test_pieces_joined_are_the_text_again():
    assert "".join(piece.text for piece in split(BOOK)) == BOOK


@settings(max_examples=400, deadline=None)
@given(st.text(max_size=120))
def test_no_character_is_lost_whatever_the_text(text):
    try:
        pieces = split("word " + text)
    except BadText:
        assert "[" in text
        return
    assert "".join(piece.text for piece in pieces) == "word " + text


@settings(max_examples=150, deadline=None)
@given(st.text("abW .,!?\n\"'()-1[]pause", max_size=200), st.integers(20, 80))
def test_marks_and_limits_lose_nothing(text, max_chars):
    try:
        pieces = split("Hello. " + text, max_chars=max_chars)
    except BadText:
        assert "[" in text
        return
    assert "".join(piece.text for piece in pieces) == "Hello. " + text
    assert all(len(piece.spoken) <= max_chars for piece in pieces)


def test_sentences_end_where_a_reader_ends_them():
    text = (
        "Dr. Smith of 5 Elm St. met J. R. R. Tolkien at 3 p.m. on Jan. 5 in the U.S. Army. "
        "He paid $3.50 for version 3.11.2 of the book by Acme Inc. That was fine, e.g. for him, i.e. for me. "
        '"Stop right there!" he shouted at all of them. Well... perhaps it was not so fine. '
        "See No. 5 and fig. 3 for the details of this. Vitamin C. Nothing else would help him now."
    )
    assert texts(split(text)) == [
        "Dr. Smith of 5 Elm St. met J. R. R. Tolkien at 3 p.m. on Jan. 5 in the U.S. Army.",
        "He paid $3.50 for version 3.11.2 of the book by Acme Inc.",
        "That was fine, e.g. for him, i.e. for me.",
        '"Stop right there!" he shouted at all of them.',
        "Well... perhaps it was not so fine.",
        "See No. 5 and fig. 3 for the details of this.",
        "Vitamin C. Nothing else would help him now.",
    ]


def test_short_sentences_share_a_breath_with_the_next():
    assert texts(split("Yes. No. I really do not know what to say about it.")) == [
        "Yes. No. I really do not know what to say about it."
    ]


def test_short_sentences_do_not_leave_their_paragraph():
    assert texts(split("Yes.\n\nNo.\n\nPerhaps.")) == ["Yes.", "No.", "Perhaps."]


def test_wrapped_lines_are_one_sentence_and_verses_are_not():
    prose = "This is a paragraph which an editor cut at its right margin\nand which goes on here."
    verse = "Roses are red as anything I know\nViolets are blue as anything too"
    assert len(split(prose)) == 1
    assert len(split(verse)) == 2


def test_pauses_grow_from_clause_to_sentence_to_paragraph():
    long_sentence = "one two three four five six seven eight, " * 12 + "and that was it."
    clause = split(long_sentence)[0].pause_s
    sentence = split("The first sentence is here. The second sentence is here.")[0].pause_s
    paragraph = split("The first paragraph is here.\n\nThe second paragraph is here.")[0].pause_s
    heading = split("Chapter One\n\nThe first paragraph is here.")[0].pause_s
    assert 0 < clause < sentence < paragraph < heading < 1


def test_the_last_piece_has_no_pause():
    assert split(BOOK)[-1].pause_s == 0


def test_long_sentences_are_cut_at_clauses():
    pieces = split("This part ends with a comma, " * 30 + "and so on.")
    assert len(pieces) > 3
    assert all(piece.text.rstrip().endswith((",", ".")) for piece in pieces)


def test_without_a_comma_cuts_fall_between_words():
    assert all(set(piece.spoken.split()) == {"word"} for piece in split("word " * 300))


def test_a_text_without_spaces_is_cut_anywhere():
    assert max(len(piece.spoken) for piece in split("bla" * 500)) <= 220


def test_the_limit_counts_what_is_spoken_not_what_is_written():
    assert all(len(piece.spoken) <= 100 for piece in split("777,777 " * 30, max_chars=100))


@pytest.mark.parametrize(
    "text", ["WWW " * 200, "W" * 900, "x" * 900, "the quick brown fox " * 90, "QRST-UVWX " * 60, "strengths " * 80]
)
def test_every_piece_fits_the_network(text):
    phonemizer = Phonemizer()
    for piece in split(text):
        assert encode(phonemizer(piece.spoken))


@pytest.mark.parametrize(
    ("marker", "seconds"),
    [("[pause]", 0.7), ("[pause 2s]", 2), ("[Pause 1500 ms]", 1.5), ("[pause 1.5]", 1.5), ("[pause: 1s]", 1)],
)
def test_pauses_are_silence_and_never_spoken(marker, seconds):
    first, second = split(f"Wait for it {marker} here it comes.")
    assert (first.spoken, second.spoken) == ("Wait for it", "here it comes.")
    assert first.pause_s == seconds


def test_a_pause_before_all_words_is_a_piece_of_its_own():
    silent, spoken = split("[pause 1s] Now.")
    assert (silent.spoken, silent.pause_s, spoken.spoken) == ("", 1, "Now.")


def test_pauses_in_a_row_add_up_and_one_at_the_end_counts():
    assert split("Hello there. [pause 1s] [pause 500ms]")[-1].pause_s == 1.5


def test_a_shorter_pause_than_the_sentence_makes_is_no_cut_in_silence():
    assert split("The first sentence is here. [pause 100ms] The second one.")[0].pause_s == 0.3


@pytest.mark.parametrize("marker", ["[pause 31s]", "[pause -1s]", "[pause long]", "[pause 5 minutes]", "[pause 1e9]"])
def test_nonsense_pauses_are_refused_with_their_line(marker):
    with pytest.raises(BadText, match=r"line 2.*at most 30 s"):
        split(f"Hello.\n{marker} there.")


@pytest.mark.parametrize("text", ["", "   \n", "…", "😀😀", "[pause 1s]", "* * *", "привет"])
def test_text_without_a_word_is_refused_with_advice(text):
    with pytest.raises(BadText, match="write at least one word"):
        split(text)


def test_signs_without_a_sound_stay_with_their_neighbours():
    text = "\n\n* * *\n\nThe first one.\n\n😀\n\nThe second one.\n* * *\n"
    pieces = split(text)
    assert [piece.spoken for piece in pieces] == ["The first one.", "The second one."]
    assert "".join(piece.text for piece in pieces) == text


def test_one_word_works():
    (piece,) = split("Hello")
    assert (piece.text, piece.spoken, piece.pause_s, piece.language, piece.phonemes) == (
        "Hello",
        "Hello",
        0,
        "en-us",
        None,
    )


def test_given_phonemes_are_kept_within_the_sentence():
    (piece,) = split("I like [Kokoro](/kˈOkəɹO/)'s voice, 5 times.")
    assert piece.spoken == "I like Kokoro's voice, five times."
    assert piece.phonemes == Phonemizer()("I like") + " kˈOkəɹOz " + Phonemizer()("voice, five times.")


def test_given_phonemes_that_do_not_exist_are_refused():
    with pytest.raises(BadText, match="%"):
        split("[Kokoro](/k%k/)")


def test_given_phonemes_are_never_cut():
    text = "very long words here " * 9 + "[Kokoro and more](/kˈOkəɹO/) " + "very long words here " * 9
    assert any("[Kokoro and more](/kˈOkəɹO/)" in piece.text for piece in split(text))


def test_the_lexicon_changes_what_is_said_not_what_is_shown():
    lexicon = Lexicon({"nguyen": "win", "gif": "/ʤˈɪf/"})
    (piece,) = split("Nguyen sent a GIF.", lexicon=lexicon)
    assert piece.text == "Nguyen sent a GIF."
    assert piece.spoken == "win sent a GIF."
    assert piece.phonemes is not None
    assert "ʤˈɪf" in piece.phonemes


def test_lines_give_the_same_pieces_as_the_whole_text():
    assert list(iter_pieces(BOOK.splitlines(keepends=True))) == split(BOOK)


def test_the_first_piece_comes_before_the_last_line_is_read():
    read = []

    def lines():
        for number in range(100):
            read.append(number)
            yield f"This is paragraph number {number} of the book.\n\n"

    next(iter_pieces(lines()))
    assert len(read) < 5


@pytest.mark.parametrize("language", ["fr", "zh", "ja"])
def test_other_languages_are_split_too(language):
    text = {
        "fr": "Bonjour à tous mes amis. Comment allez-vous ce matin ?",
        "zh": "你好世界我们来了。今天天气很好我们去公园。" * 9,
        "ja": "今日は東京へ行きました。明日は学校で会いましょう。" * 9,
    }[language]
    pieces = split(text, language=language)
    assert len(pieces) > 1
    assert "".join(piece.text for piece in pieces) == text
    assert {piece.language for piece in pieces} == {language}


@pytest.mark.parametrize("max_chars", [0, 19, 511])
def test_impossible_limits_are_refused(max_chars):
    with pytest.raises(BadSetting, match="max_chars"):
        split("hi", max_chars=max_chars)


def test_ten_thousand_words_are_split_in_no_time():
    text = "Mr. Smith, who was tired, paid $3.50 for his tea and went home. " * 770
    started = time.process_time()
    pieces = split(text)
    assert time.process_time() - started < 2  # 0.3 s on a free core
    assert len(pieces) == 770
