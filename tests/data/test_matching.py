"""Human words and heard words: none lost, every difference told, no difference invented."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicewright.data.matching import Match, match
from voicewright.data.transcripts.line import Line
from voicewright.data.windows import windows
from voicewright.measure.intelligibility import Word

ALL = [a + b + c for a in "bdfgk" for b in "aeiou" for c in ("lm", "rt", "nd", "sk", "mp", "st")]
UNIQUE = st.lists(st.sampled_from(ALL), unique=True, min_size=12, max_size=60)
ANY = st.lists(st.sampled_from([*ALL[:8], "five", "5", "don't", "um", "1,000"]), max_size=30)


def heard(text: str | Sequence[str], *, start_s: float = 0.0) -> list[Word]:
    words = text.split() if isinstance(text, str) else text
    return [
        Word(text=word, start_s=start_s + 0.5 * i, end_s=start_s + 0.5 * i + 0.4, probability=0.9)
        for i, word in enumerate(words)
    ]


def lines(*texts: str) -> list[Line]:
    return [Line(text=text, place=f"t.txt, line {number}") for number, text in enumerate(texts, start=1)]


def found(result: Match) -> list[tuple[str, str, str]]:
    return [(passage.kind, passage.written, passage.heard) for passage in result.passages]


@given(ANY, ANY)
def test_every_word_is_there_once_in_order_and_in_bounds(written: list[str], said: list[str]) -> None:
    result = match(lines(" ".join(written)), heard(said), seconds=60)
    assert [word.text for word in result.words] == written
    times = [(word.start_s, word.end_s) for word in result.words if word.start_s is not None]
    assert times == sorted(times)
    assert all(0 <= word.after_s <= word.before_s <= 60 for word in result.words)
    unmatched = {i for i, word in enumerate(result.words) if word.start_s is None and word.text != "um"}
    told = {i for passage in result.passages for i in range(*passage.words)}
    assert unmatched <= told
    assert [index for window in windows(result) for index in window.words] == sorted(
        {index for window in windows(result) for index in window.words}
    )


@given(ANY)
def test_the_same_text_agrees(words: list[str]) -> None:
    result = match(lines(" ".join(words)), heard(words))
    assert result.passages == ()
    assert all(word.certain for word in result.words if word.text != "um")


@given(UNIQUE, st.data())
def test_what_was_not_heard_is_missing_and_nothing_else(words: list[str], data: st.DataObject) -> None:
    first = data.draw(st.integers(0, len(words) - 1))
    last = data.draw(st.integers(first + 1, min(len(words), first + 8)))
    result = match(lines(" ".join(words)), heard(words[:first] + words[last:]))
    assert [(p.kind, p.words) for p in result.passages] == [("missing", (first, last))]
    turned = match(lines(" ".join(words[:first] + words[last:])), heard(words))
    assert [(p.kind, p.heard_words) for p in turned.passages] == [("extra", (first, last))]
    assert turned.passages[0].start_s == 0.5 * first


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("Press 5 for e-mail.", "press five for email"),
        ("Dial 1234, then #don't wait.", "Dial 1234 then do not wait"),
        ("It cost $20 in nineteen ninety five.", "It cost twenty dollars in 1995."),
        ("Every day the colour of Mr. Smith's web site", "Everyday the color of Mister Smith's website"),
        ("Call one hundred and twenty one, um, now", "Call 121 now"),
        ("asterisk.org and 1-2-3", "asterisk.org and 1-2-3"),
        ("and so… to bed —", "and so to bed..."),
    ],
)
def test_spellings_are_no_disagreement(written: str, said: str) -> None:
    words = heard(said)
    touching = [Word(text=w.text, start_s=0.4 * i, end_s=0.4 * i + 0.4, probability=0.9) for i, w in enumerate(words)]
    assert found(match(lines(written), touching)) == []


def test_disagreements_tell_line_time_and_both_texts() -> None:
    text = ["Good evening and welcome to the show.", "Tonight we talk about fish."]
    result = match(lines(*text), heard("good evening and welcome to the zoo tonight we never talk about fish"))
    assert found(result) == [("different", "show.", "zoo"), ("extra", "", "never")]
    first = result.passages[0]
    assert first.message == "t.txt, line 1: “show.” was heard as “zoo” (3.00–3.40 s)"
    assert result.passages[1].line == 1


def test_a_passage_begins_with_its_sentence() -> None:
    """The word that both sentences begin with belongs to the one that was said."""
    text = ["The first one is here.", "The second one was cut.", "The third one is here."]
    said = heard("the first one is here the third one is here")
    result = match(lines(*text), said)
    assert [(p.kind, p.line, p.written) for p in result.passages] == [("missing", 1, "The second one was cut.")]
    turned = match(
        lines(text[0], text[2]), heard("The first one is here. The second one was cut. The third one is here.")
    )
    assert found(turned) == [("extra", "", "The second one was cut.")]


def test_a_slip_beside_a_missing_passage_stays_a_slip() -> None:
    text = ["Welcome to all our greetings.", "Nobody ever said this line aloud.", "Press one for more options now."]
    result = match(lines(*text), heard("welcome to all our greeting press one for more options now"))
    assert found(result) == [("different", "greetings.", "greeting"), ("missing", text[1], "")]


def test_a_moved_passage_is_found_where_it_was_said() -> None:
    a, b, c = (" ".join(ALL[i : i + 12]) for i in (0, 40, 80))
    result = match(lines(a, c, b), heard(f"{b} {a} {c}"))
    assert [(p.kind, p.line, p.start_s) for p in result.passages] == [("order", 2, 0.0)]


def test_remarks_are_told_and_not_looked_for() -> None:
    result = match(lines("[laughs] Good evening.", "[a tone]"), heard("good evening"))
    assert found(result) == [("remark", "[laughs]", ""), ("remark", "[a tone]", "")]
    assert [word.text for word in result.words] == ["Good", "evening."]


def test_chance_agreement_in_another_text_is_not_relied_upon() -> None:
    written = "we the people of a very large country want to have the right to vote for all of us now"
    said = "in the beginning there was a word and it seemed to nobody that the thing could be for long"
    assert not any(word.certain for word in match(lines(written), heard(said)).words)


def test_nothing_written_or_nothing_heard() -> None:
    assert found(match(lines("Hello there."), [])) == [("missing", "Hello there.", "")]
    assert found(match([], heard("hello there"))) == [("extra", "", "hello there")]


def test_hours_of_words_are_matched() -> None:
    """A square law would take longer than a test may."""
    words = [ALL[(i * i + i // 7) % len(ALL)] for i in range(10_000)]
    said = [word for i, word in enumerate(words) if i % 23 and not 4000 < i < 4300]
    result = match(lines(*(" ".join(words[i : i + 20]) for i in range(0, len(words), 20))), heard(said))
    assert len(result.words) == 10_000
    assert sum(word.start_s is not None for word in result.words) > 9_000


def test_windows_end_in_pauses_between_sure_words() -> None:
    words = [*heard(ALL[:40]), *heard(ALL[40:80], start_s=25.0), *heard(ALL[80:120], start_s=50.0)]
    result = match(lines(" ".join(ALL[:120])), words, seconds=75)
    cut = windows(result, longest_s=30)
    assert [window.words[0] for window in cut] == [0, 40, 80]
    assert all(window.seconds <= 30 for window in cut)
    assert all(20 <= window.start_s <= 25 or 45 <= window.start_s <= 50 for window in cut[1:])


def test_windows_leave_out_what_is_not_written() -> None:
    cut = windows(match(lines(" ".join(ALL[:20] + ALL[30:40])), heard(ALL[:40])))
    assert [window.words for window in cut] == [tuple(range(20)), tuple(range(20, 30))]
    assert cut[0].end_s <= 10.0
    assert cut[1].start_s >= 14.8


def test_a_text_of_something_else_has_no_windows_that_nobody_could_search() -> None:
    result = match(lines(" ".join(ALL[:40])), heard(ALL[60:100]), seconds=3600)
    assert windows(result) == []
