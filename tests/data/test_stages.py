"""Sections and passes: all speech is in exactly one, none is too long, and cuts fall into pauses."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from voicewright.audio.activity import Span
from voicewright.data.stages.speech import SECTION_S, sections_of
from voicewright.data.stages.words import PASS_S, passes

Steps = list[tuple[float, float]]
steps = st.lists(st.tuples(st.floats(0.05, 40), st.floats(0.1, 60)), max_size=60)


def laid(gaps_and_lengths: Steps) -> list[Span]:
    """Spans of speech after gaps."""
    spans, at_s = [], 0.0
    for gap_s, length_s in gaps_and_lengths:
        spans.append(Span(at_s + gap_s, at_s + gap_s + length_s))
        at_s += gap_s + length_s
    return spans


@given(steps, st.floats(0.1, 30))
def test_sections_cover_the_recording(drawn: Steps, rest_s: float) -> None:
    spans = laid(drawn)
    seconds = (spans[-1].end_s if spans else 0.0) + rest_s
    sections = sections_of(spans, seconds)
    assert sections[0].start_s == 0
    assert sections[-1].end_s == seconds
    assert all(a.end_s == b.start_s for a, b in pairwise(sections))
    assert all(0 < section.seconds <= SECTION_S + 1e-6 for section in sections)


def test_a_section_ends_in_the_longest_pause_at_hand() -> None:
    spans = [Span(0, 130), Span(130.5, 150), Span(153, 170), Span(170.2, 400)]
    assert sections_of(spans, 400)[0].end_s == 151.5


def test_a_section_without_a_pause_is_cut_at_its_limit() -> None:
    assert sections_of([Span(0, 400)], 400)[0].end_s == SECTION_S


@given(steps)
def test_every_word_of_speech_is_heard_once(drawn: Steps) -> None:
    spans = laid(drawn)
    end_s = (spans[-1].end_s if spans else 0.0) + 1
    found = passes(spans, 0.0, end_s)
    assert all(stretch.seconds <= PASS_S + 1e-6 for stretch in found)
    for span in spans:
        covered = sum(max(0.0, min(s.end_s, span.end_s) - max(s.start_s, span.start_s)) for s in found)
        assert covered >= span.seconds - 1e-6
        assert covered <= span.seconds + 0.6  # the room around a neighbour's speech may reach into it


def test_speech_far_apart_is_heard_apart() -> None:
    assert len(passes([Span(1, 2), Span(10, 11)], 0, 12)) == 2
    assert len(passes([Span(1, 2), Span(2.5, 3)], 0, 12)) == 1
