"""Names in the text and voices in the sound."""

from voicewright.data.reconcile import Reconciliation, reconcile
from voicewright.data.transcripts.line import Line
from voicewright.data.turns import Turn
from voicewright.data.utterance import TimedWord

TEXT = [("Jane", 0, 10), ("Bob", 10, 16), ("Jane", 16, 20), ("Bob", 20, 26)]


def reconciled(turns: list[Turn], text: list[tuple[str, int, int]] = TEXT) -> Reconciliation:
    """A word a second."""
    lines = [Line(text="", speaker=name, place=f"t.txt, line {i}") for i, (name, *_) in enumerate(text, start=1)]
    words = [
        (line, TimedWord(text=f"w{second}", start_s=second + 0.1, end_s=second + 0.9))
        for line, (_, first, last) in enumerate(text)
        for second in range(first, last)
    ]
    return reconcile(lines, words, turns)


def test_voices_get_the_names_of_their_words_whoever_comes_first() -> None:
    """A short wrong turn at the beginning would mislead names given in order of appearance."""
    found = reconciled([Turn(0, 1, "B"), Turn(1, 10, "A"), Turn(10, 16, "B"), Turn(16, 20, "A"), Turn(20, 26, "B")])
    assert found.names == {"A": "Jane", "B": "Bob"}
    assert found.conflicts == ()


def test_a_line_of_somebody_else_is_a_conflict_with_its_time() -> None:
    found = reconciled([Turn(0, 10, "A"), Turn(10, 16, "B"), Turn(16, 17, "A"), Turn(17, 26, "B")])
    (conflict,) = found.conflicts
    assert (conflict.line, conflict.name, conflict.voice) == (2, "Jane", "B")
    assert (conflict.start_s, conflict.end_s) == (17.1, 19.9)
    assert "line 3" in conflict.message
    assert "Bob’s voice" in conflict.message


def test_talking_at_the_same_time_is_no_conflict() -> None:
    turns = [Turn(0, 10, "A"), Turn(10, 16, "B"), Turn(16, 20, "A"), Turn(15, 26, "B")]
    assert reconciled(turns).conflicts == ()


def test_a_voice_that_was_split_in_two_keeps_its_name() -> None:
    found = reconciled([Turn(0, 10, "A"), Turn(10, 16, "B"), Turn(16, 20, "A2"), Turn(20, 26, "B")])
    assert found.names == {"A": "Jane", "A2": "Jane", "B": "Bob"}
    assert found.conflicts == ()


def test_an_unknown_voice_is_told() -> None:
    found = reconciled([Turn(0, 6, "A"), Turn(6, 13, "X"), Turn(13, 16, "B"), Turn(16, 20, "A"), Turn(20, 26, "B")])
    assert "X" not in found.names
    assert [(conflict.line, conflict.voice) for conflict in found.conflicts] == [(0, "X"), (1, "X")]


def test_lines_without_a_name_get_their_voices() -> None:
    text = [*TEXT, ("", 26, 30)]
    turns = [Turn(0, 10, "A"), Turn(10, 16, "B"), Turn(16, 20, "A"), Turn(20, 26, "B"), Turn(26, 30, "A")]
    assert reconciled(turns, text).speakers == ("Jane", "Bob", "Jane", "Bob", "Jane")


def test_without_names_or_without_turns_nothing_is_claimed() -> None:
    assert reconciled([]).names == {}
    assert reconciled([]).speakers == ("Jane", "Bob", "Jane", "Bob")
    assert reconciled([Turn(0, 5, "A")], [("", 0, 5)]).names == {}
    assert reconciled([Turn(0, 5, "A")], [("", 0, 5)]).speakers == ("A",)
