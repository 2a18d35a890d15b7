"""What is not said is taken out, and nothing else is touched."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicewright.data.cleaning import clean


@pytest.mark.parametrize(
    ("text", "kept", "remarks"),
    [
        ("[this is a simple beep tone]", "", ["[this is a simple beep tone]"]),
        ("dollar [$]", "dollar", ["[$]"]),
        ('IAX (note: does not say "2")', "IAX", ['(note: does not say "2")']),
        ("(10 seconds of silence)", "", ["(10 seconds of silence)"]),
        ("<beep ascending>", "", ["<beep ascending>"]),
        ("Well [laughs], yes (inaudible) no.", "Well, yes no.", ["[laughs]", "(inaudible)"]),
        ("He (as I said) left.", "He (as I said) left.", []),
        ("♪ la la la ♪ Hello.", "Hello.", ["♪ la la la ♪"]),
        ("*sighs* Fine.", "Fine.", ["*sighs*"]),
        ("It is 5 o'clock,\n  on 3/4 2024!", "It is 5 o'clock, on 3/4 2024!", []),
        ('"Go on" -- he said...', "“Go on” — he said…", []),
        ("— … !", "", []),
        ("(yes)", "", ["(yes)"]),
    ],
)
def test_remarks_are_taken_out_and_told(text: str, kept: str, remarks: list[str]) -> None:
    cleaned = clean(text)
    assert (cleaned.text, list(cleaned.remarks)) == (kept, remarks)


@given(st.text(max_size=200))
def test_cleaning_twice_changes_nothing_more(text: str) -> None:
    once = clean(text)
    assert clean(once.text).text == once.text or once.remarks


@given(st.lists(st.from_regex(r"[a-z0-9]{1,8}", fullmatch=True), max_size=20))
def test_plain_words_stay_as_they_are(words: list[str]) -> None:
    assert clean("  ".join(words)).text == " ".join(words)
