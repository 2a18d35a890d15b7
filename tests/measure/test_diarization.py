"""Who speaks when: errors counted by hand."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicewright.measure.diarization import diarization_errors, speaker_precision


@dataclass(frozen=True)
class Said:
    start_s: float
    end_s: float
    speaker: str


TRUE = [Said(0, 10, "anna"), Said(10, 20, "bert"), Said(18, 24, "anna")]  # 26 s of speech, 2 s of it overlapped


@pytest.mark.parametrize(
    ("heard", "missed", "false_alarm", "confused"),
    [
        ([Said(0, 10, "x"), Said(10, 20, "y"), Said(18, 24, "x")], 0, 0, 0),
        ([], 26, 0, 0),
        ([Said(0, 10, "x"), Said(10, 24, "y")], 2, 0, 4),  # the overlap missed, the end given to the wrong one
        ([Said(0, 12, "x"), Said(10, 20, "y"), Said(18, 24, "x")], 0, 2, 0),  # an overlap that is none
        ([Said(0, 24, "x")], 2, 0, 8),  # one voice for everything: bert's time, less the overlap, which anna covers
        ([Said(0, 10, "x"), Said(10, 20, "y"), Said(18, 27, "z")], 0, 3, 6),  # three speakers where there are two
    ],
)
def test_errors_are_as_counted_by_hand(heard: list[Said], missed: float, false_alarm: float, confused: float) -> None:
    errors = diarization_errors(TRUE, heard)
    assert (errors.missed, errors.false_alarm, errors.confused) == pytest.approx((missed, false_alarm, confused))
    assert errors.total == 26
    assert errors.der == pytest.approx((missed + false_alarm + confused) / 26)


def test_a_collar_forgives_edges_and_nothing_else() -> None:
    heard = [Said(0.2, 10.2, "x"), Said(10.2, 20.2, "y"), Said(18, 24.2, "x"), Said(5, 6, "y")]
    errors = diarization_errors(TRUE, heard, collar_s=0.25)
    assert (errors.missed, errors.confused) == pytest.approx((0, 0))
    assert errors.false_alarm == pytest.approx(1)
    # what is left: anna 0.25–9.75, bert 10.25–17.75, both 18.25–19.75, anna 20.25–23.75
    assert errors.total == pytest.approx(9.5 + 7.5 + 2 * 1.5 + 3.5)
    assert diarization_errors(TRUE, heard).der > errors.der


def test_names_mean_nothing_and_matching_is_the_best_possible() -> None:
    # greedily, x would take anna (6 s) and leave bert with nothing; the best gives bert x and anna y: 5 + 5
    true = [Said(0, 11, "anna"), Said(20, 25, "bert")]
    heard = [Said(0, 6, "x"), Said(6, 11, "y"), Said(20, 25, "x")]
    assert diarization_errors(true, heard).confused == pytest.approx(6)
    swapped = [Said(t.start_s, t.end_s, {"x": "bert", "y": "anna"}[t.speaker]) for t in heard]
    assert diarization_errors(true, swapped) == diarization_errors(true, heard)


def test_nothing_said() -> None:
    assert diarization_errors([], []).der == 0
    assert diarization_errors([], [Said(0, 1, "x")]).der == float("inf")


TURNS = st.lists(
    st.builds(
        lambda start, length, who: Said(start, start + length, who), st.integers(0, 50), st.integers(1, 9),
        st.sampled_from("abc"),
    ),
    max_size=8,
)  # fmt: skip


@given(TURNS, TURNS)
def test_errors_agree_with_a_count_second_by_second(true: list[Said], heard: list[Said]) -> None:
    def at(turns: list[Said], second: int) -> set[str]:
        return {t.speaker for t in turns if t.start_s <= second < t.end_s}

    errors = diarization_errors(true, heard)
    pairs = [(at(true, s), at(heard, s)) for s in range(60)]
    assert errors.total == sum(len(a) for a, _ in pairs)
    assert errors.missed == sum(max(0, len(a) - len(b)) for a, b in pairs)
    assert errors.false_alarm == sum(max(0, len(b) - len(a)) for a, b in pairs)
    assert diarization_errors(true, true).der == 0


def test_precision_counts_only_where_one_speaker_is_alone() -> None:
    heard = [Said(0, 14, "x"), Said(14, 18, "y"), Said(22, 26, "x")]
    found = speaker_precision(TRUE, heard, "anna", heard_as="x")
    assert (found.claimed_s, found.real_s, found.pause_s) == (18, 14, 2)
    assert found.precision == pytest.approx(12 / 16)  # 10 to 14 s is bert; 24 to 26 s is nobody
    assert found.recall == pytest.approx(12 / 14)
    assert speaker_precision(TRUE, [], "anna").precision == 1
    overlapped = speaker_precision(TRUE, [Said(18, 20, "anna")], "anna")
    assert overlapped.precision == 0
