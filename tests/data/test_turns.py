"""Turns and RTTM: what is written is read, and what is wrong is named with its line."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicewright.data.rttm import read_rttm, write_rttm
from voicewright.data.turns import Turn, alone, spoken_s, tidy, with_overlaps
from voicewright.errors import BadDataset, BadSetting
from voicewright.measure.diarization import diarization_errors

TURNS = st.lists(
    st.builds(
        lambda start, length, who: Turn(start / 10, (start + length) / 10, who),
        st.integers(0, 300), st.integers(1, 90), st.sampled_from(["anna", "bert", "cleo"]),
    ),
    max_size=12,
)  # fmt: skip


@given(TURNS)
def test_overlaps_are_marked_and_nothing_is_lost(turns: list[Turn]) -> None:
    cut = with_overlaps(turns)
    assert diarization_errors(turns, cut).der == 0
    assert cut == sorted(cut)
    for turn in cut:
        shared = [o for o in cut if o.speaker != turn.speaker and o.start_s < turn.end_s and turn.start_s < o.end_s]
        assert bool(shared) == turn.overlap
    assert with_overlaps(cut) == cut


def test_pauses_are_bridged_but_not_across_somebody_else() -> None:
    turns = [Turn(0, 2, "a"), Turn(2.2, 4, "a"), Turn(6, 7, "a"), Turn(7.05, 7.15, "b"), Turn(7.2, 8, "a")]
    assert tidy(turns, shortest_s=0.1, gap_s=0.3) == [
        Turn(0, 4, "a"),
        Turn(6, 7, "a"),
        Turn(7.05, 7.15, "b"),
        Turn(7.2, 8, "a"),
    ]
    assert tidy(turns, shortest_s=0.5, gap_s=0.0) == [
        Turn(0, 2, "a"),
        Turn(2.2, 4, "a"),
        Turn(6, 7, "a"),
        Turn(7.2, 8, "a"),
    ]


def test_a_remark_into_a_turn_is_an_overlap_of_both() -> None:
    found = tidy([Turn(0, 10, "a"), Turn(4, 5, "b")], shortest_s=0.2, gap_s=0.3)
    assert found == [Turn(0, 4, "a"), Turn(4, 5, "a", True), Turn(4, 5, "b", True), Turn(5, 10, "a")]
    assert alone(found, "a") == [Turn(0, 4, "a"), Turn(5, 10, "a")]
    assert spoken_s(found) == {"a": 10, "b": 1}


def test_a_turn_has_a_length() -> None:
    with pytest.raises(BadSetting, match="end after that"):
        Turn(2, 2, "a")


@given(turns=TURNS.filter(bool))
def test_rttm_comes_back(tmp_path_factory: pytest.TempPathFactory, turns: list[Turn]) -> None:
    path = tmp_path_factory.mktemp("rttm") / "turns.rttm"
    write_rttm(path, {"episode one": with_overlaps(turns)})
    again = read_rttm(path)
    assert list(again) == ["episode_one"]
    assert diarization_errors(turns, again["episode_one"]).der < 0.005


def test_rttm_of_others_is_read(tmp_path: Path) -> None:
    path = tmp_path / "theirs.rttm"
    path.write_text(
        ";; a remark\n"
        "SPKR-INFO meeting 1 <NA> <NA> <NA> unknown anna <NA>\n"
        "SPEAKER meeting 1 0.50 2.00 <NA> <NA> anna <NA>\n"
        "\n"
        "SPEAKER meeting 1 2.00 1.00 <NA> <NA> bert 0.9 <NA>\n"
        "SPEAKER other 1 1.00 0.00 <NA> <NA> bert <NA> <NA>\n",
        "utf-8",
    )
    assert read_rttm(path) == {
        "meeting": [
            Turn(0.5, 2.0, "anna"),
            Turn(2.0, 2.5, "anna", True),
            Turn(2.0, 2.5, "bert", True),
            Turn(2.5, 3.0, "bert"),
        ],
        "other": [],
    }


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("SPEAKER f 1 x 2.0 <NA> <NA> anna <NA> <NA>", "the start must be seconds"),
        ("SPEAKER f 1 1.0 -2.0 <NA> <NA> anna <NA> <NA>", "the duration must be seconds"),
        ("SPEAKER f 1 1.0 nan <NA> <NA> anna <NA> <NA>", "the duration must be seconds"),
        ("SPEAKER f 1 1.0 2.0 anna", "9 or 10 fields, this has 6"),
        ("SPEAKER f 1 1.0 2.0 <NA> <NA> <NA> <NA> <NA>", "no speaker"),
        ("1 00:00:01,000 --> 00:00:02,000", "no line type of RTTM"),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, line: str, words: str) -> None:
    path = tmp_path / "bad.rttm"
    path.write_text(f"SPEAKER f 1 0.0 1.0 <NA> <NA> anna <NA> <NA>\n{line}\n", "utf-8")
    with pytest.raises(BadDataset, match=f"line 2.*{words}"):
        read_rttm(path)


def test_what_is_not_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "sound.rttm"
    path.write_bytes(b"\xff\xfe\x00\x81")
    with pytest.raises(BadDataset, match="an RTTM file is needed"):
        read_rttm(path)


def test_names_that_would_become_one_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadDataset, match="are one name in RTTM"):
        write_rttm(tmp_path / "x.rttm", {"f": [Turn(0, 1, "Anna B"), Turn(1, 2, "Anna_B")]})
