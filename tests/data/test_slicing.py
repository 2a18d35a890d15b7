"""Clips are cut at real pauses, no word is lost, and no other way to cut is better."""

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise, product
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from voicewright.audio.activity import Span
from voicewright.data.options import SliceOptions
from voicewright.data.pauses import Levels, pieces_and_pauses
from voicewright.data.slicing import SPREAD, Slice, Table, Wanted, best_cuts, slices, table_of
from voicewright.data.turns import Turn
from voicewright.data.utterance import TimedWord
from voicewright.engines.clips import ClipLimits

LIMITS = ClipLimits(rate=24_000, shortest_s=1.0, longest_s=12.0, likely_s=6.0, longest_text=400)
SMALL = ClipLimits(rate=24_000, shortest_s=1.0, longest_s=4.0, likely_s=2.0, longest_text=60)
OPTIONS = SliceOptions()


def spoken(*parts: tuple[str, float, float]) -> list[TimedWord]:
    """Words from (text, how long it lasts, the pause after it)."""
    words, at = [], 0.5
    for text, lasts, pause in parts:
        words.append(TimedWord(text=text, start_s=at, end_s=at + lasts))
        at += lasts + pause
    return words


def heard(words: Sequence[TimedWord], wider_s: float = 0.03, bridge_s: float = 0.1) -> list[Span]:
    """What a speech detector says of such words."""
    found: list[Span] = []
    for word in sorted(words, key=lambda each: each.start_s):
        if found and word.start_s - found[-1].end_s < bridge_s:
            found[-1] = Span(found[-1].start_s, word.end_s)
        else:
            found.append(Span(word.start_s, word.end_s))
    return [Span(max(0.0, span.start_s - wider_s), span.end_s + wider_s) for span in found]


def cut(words: Sequence[TimedWord], turns: Sequence[Turn] = (), limits: ClipLimits = LIMITS) -> list[Slice]:
    seconds = max((word.end_s for word in words), default=0.0) + 0.5
    return slices(heard(words), words, turns, seconds=seconds, options=OPTIONS, limits=limits)


def talk(count: int, seed: int = 0) -> list[TimedWord]:
    """Words as people say them: sentences of some 14 words, a comma now and then, pauses after both."""
    rng = np.random.default_rng(seed)
    parts, left = [], int(rng.integers(4, 25))
    for _ in range(count):
        left -= 1
        end = "." if left == 0 else "," if rng.random() < 0.1 else ""
        pause = {".": rng.uniform(0.2, 0.9), ",": rng.uniform(0.08, 0.5), "": 0.0 if rng.random() < 0.9 else 0.15}[end]
        parts.append((f"word{end}", float(rng.uniform(0.1, 0.6)), float(pause)))
        left = left or int(rng.integers(4, 25))
    return spoken(*parts)


texts = st.sampled_from(["a", "word", "word,", "longer", "end.", "what?", "extraordinarily"])
lasting = st.floats(0.05, 1.5)
pausing = st.one_of(st.just(0.0), st.floats(0.0, 0.3), st.floats(0.2, 2.5))
speech = st.lists(st.tuples(texts, lasting, pausing), min_size=1, max_size=25).map(lambda parts: spoken(*parts))


@given(speech)
def test_every_word_is_whole_and_in_exactly_one_clip(words: list[TimedWord]) -> None:
    assert [word for each in cut(words, limits=SMALL) for word in each.words] == words


@given(speech)
def test_clips_are_in_order_and_apart_and_in_the_recording(words: list[TimedWord]) -> None:
    found = cut(words, limits=SMALL)
    assert all(before.end_s <= after.start_s for before, after in pairwise(found))
    assert found[0].start_s >= 0
    assert found[-1].end_s <= words[-1].end_s + 0.5
    for each in found:
        assert each.start_s <= each.words[0].start_s
        assert each.words[-1].end_s <= each.end_s


@given(speech)
def test_cuts_are_where_nobody_speaks(words: list[TimedWord]) -> None:
    sound = heard(words)
    for each in cut(words, limits=SMALL):
        for at in (each.start_s, each.end_s):
            assert not any(span.start_s + 1e-9 < at < span.end_s - 1e-9 for span in sound)


@given(speech)
def test_no_clip_goes_across_a_long_pause(words: list[TimedWord]) -> None:
    for each in cut(words, limits=SMALL):
        for before, after in pairwise(each.words):
            assert after.start_s - before.end_s <= OPTIONS.longest_pause_s + 2 * 0.03 + 1e-9


def score(table: Table, wanted: Wanted, way: Sequence[tuple[int, int]]) -> tuple[int, float]:
    parts = [table.scores(first, first + 1, end, wanted) for first, end in way]
    return int(sum(lost[0] for lost, _ in parts)), float(sum(cost[0] for _, cost in parts))


def every_way(table: Table, wanted: Wanted) -> list[list[tuple[int, int]]]:
    """All ways to cut in which only a single piece may be too much for one clip."""
    count = len(table.starts)
    ways = []
    for chosen in product([False, True], repeat=count - 1):
        edges = [0, *(i for i in range(1, count) if chosen[i - 1] or table.must[i]), count]
        way = list(pairwise(sorted(set(edges))))
        if all(
            end - first == 1
            or (
                table.ends[end - 1] - table.starts[first] <= wanted.longest_s
                and table.characters[end] - table.characters[first] - 1 <= wanted.longest_text
            )
            for first, end in way
        ):
            ways.append(way)
    return ways


@given(st.lists(st.tuples(texts, st.floats(0.1, 1.5), st.floats(0.15, 1.4)), min_size=1, max_size=9), st.data())
@settings(max_examples=60)
def test_no_other_way_to_cut_is_better(parts: list[tuple[str, float, float]], data: st.DataObject) -> None:
    words = spoken(*parts)
    muted = data.draw(st.sets(st.integers(0, len(words) - 1)))
    known = [word for i, word in enumerate(words) if i not in muted]
    pieces, pauses = pieces_and_pauses(heard(words), known, (), seconds=30.0, longest_pause_s=1.2)
    table = table_of(pieces, pauses, options=OPTIONS, texts=bool(known))
    wanted = Wanted(shortest_s=1.0, likely_s=2.0, longest_s=4.0, longest_text=60)
    found = score(table, wanted, best_cuts(table, wanted))
    best = min(score(table, wanted, way) for way in every_way(table, wanted))
    assert found[0] == best[0]
    assert found[1] == pytest.approx(best[1])


@given(st.lists(st.tuples(texts, st.floats(0.1, 0.6), st.floats(0.15, 0.6)), min_size=8, max_size=60))
def test_limits_are_kept_wherever_there_are_enough_pauses(parts: list[tuple[str, float, float]]) -> None:
    for each in cut(spoken(*parts)):
        assert LIMITS.shortest_s <= each.seconds <= LIMITS.longest_s
        assert len(" ".join(word.text for word in each.words)) <= LIMITS.longest_text


def test_a_long_text_is_cut_although_the_clip_is_short() -> None:
    words = spoken(*[("x" * 25, 0.5, 0.2)] * 6)
    assert [len(each.words) for each in cut(words, limits=SMALL)] == [2, 2, 2]


def greedy(words: Sequence[TimedWord], after_s: float) -> list[float]:
    """Lengths when the first pause after `after_s` is taken, or else the last before the longest."""
    pieces, pauses = pieces_and_pauses(heard(words), words, (), seconds=1e6, longest_pause_s=1.2)
    table = table_of(pieces, pauses, options=OPTIONS, texts=True)
    lengths, first = [], 0
    for end in range(1, len(pieces) + 1):
        seconds = float(table.ends[end - 1] - table.starts[first])
        last = end == len(pieces)
        follows = math.inf if last else float(table.ends[end] - table.starts[first])
        if last or table.must[end] or seconds >= after_s or follows > LIMITS.longest_s:
            lengths.append(seconds)
            first = end
    return lengths


def off_wanted(lengths: Sequence[float]) -> float:
    """Kolmogorov's distance to the wanted distribution, 0 to 1."""
    ordered = np.sort(lengths)
    wanted = norm.cdf(np.log(ordered / LIMITS.likely_s) / SPREAD)
    steps = np.arange(len(ordered) + 1) / len(ordered)
    return float(max(np.abs(wanted - steps[:-1]).max(), np.abs(wanted - steps[1:]).max()))


@pytest.mark.parametrize("seed", range(3))
def test_lengths_are_nearer_to_the_wanted_than_those_of_a_greedy_splitter(seed: int) -> None:
    words = talk(1500, seed)
    best = [each.seconds for each in cut(words)]
    assert off_wanted(best) < 0.6 * off_wanted(greedy(words, after_s=LIMITS.shortest_s))
    assert off_wanted(best) < 0.6 * off_wanted(greedy(words, after_s=LIMITS.likely_s))
    assert abs(np.median(best) - LIMITS.likely_s) < 1.0
    assert np.std(best) > 1.0  # and they are not all of one length


def test_cuts_come_after_sentences_rather_than_inside_them() -> None:
    found = cut(talk(1500, 7))
    ends = [each.words[-1].text for each in found]
    assert np.mean([text.endswith(".") for text in ends]) > 0.6
    assert np.mean([text.endswith((".", ",")) for text in ends]) > 0.9


def test_speech_without_a_pause_stays_whole_however_long() -> None:
    (found,) = cut(spoken(*[("word", 0.4, 0.0)] * 40))
    assert found.seconds > 16
    assert len(found.words) == 40


def test_a_lonely_word_is_returned_as_short_as_it_is() -> None:
    words = spoken(("word", 3.0, 4.0), ("no", 0.4, 4.0), ("word", 3.0, 0.0))
    assert [round(each.seconds, 2) for each in cut(words)] == [3.36, 0.76, 3.36]


def test_a_short_piece_joins_its_neighbour_where_that_fits() -> None:
    words = spoken(("sentence.", 5.0, 1.0), ("Yes.", 0.3, 0.0))
    assert [len(each.words) for each in cut(words)] == [2]


def test_ends_of_words_that_the_recogniser_missed_are_kept() -> None:
    words = [TimedWord(text="hello.", start_s=1.0, end_s=1.5), TimedWord(text="you", start_s=4.0, end_s=5.0)]
    sound = [Span(0.85, 1.8), Span(3.9, 5.1)]
    first, second = slices(sound, words, (), seconds=6.0, options=OPTIONS, limits=LIMITS)
    assert (first.start_s, first.end_s) == (pytest.approx(0.75), pytest.approx(2.0))
    assert (second.start_s, second.end_s) == (pytest.approx(3.8), pytest.approx(5.3))


def test_edges_take_half_of_a_short_pause_and_never_leave_the_recording() -> None:
    sound = [Span(0.04, 3.0), Span(3.1, 6.0)]
    limits = ClipLimits(rate=16_000, shortest_s=1.0, longest_s=4.0, likely_s=3.0)
    first, second = slices(sound, (), (), seconds=6.05, options=OPTIONS, limits=limits)
    assert (first.start_s, first.end_s) == (pytest.approx(0.0), pytest.approx(3.05))
    assert (second.start_s, second.end_s) == (pytest.approx(3.05), pytest.approx(6.05))


def test_the_activity_says_where_a_pause_is_when_word_times_leave_no_room() -> None:
    words = [TimedWord(text="one", start_s=0.5, end_s=3.0), TimedWord(text="two", start_s=3.0, end_s=6.0)]
    limits = ClipLimits(rate=16_000, shortest_s=1.0, longest_s=4.0, likely_s=3.0)
    first, second = slices([Span(0.5, 2.85), Span(3.1, 6.0)], words, (), seconds=7.0, options=OPTIONS, limits=limits)
    assert 2.85 <= first.end_s <= second.start_s <= 3.1
    assert first.words[0].end_s <= first.end_s
    assert second.start_s <= second.words[0].start_s


def test_speech_that_nobody_could_write_down_is_kept_apart_from_words() -> None:
    words = spoken(*[("word", 0.4, 0.1)] * 8, ("end.", 0.4, 5.0), *[("word", 0.4, 0.1)] * 9)
    laughter = Span(words[8].end_s + 0.8, words[8].end_s + 4.3)
    found = slices(
        [*heard(words[:9]), laughter, *heard(words[9:])], words, (), seconds=20, options=OPTIONS, limits=LIMITS
    )
    assert [len(each.words) for each in found] == [9, 0, 9]
    assert found[1].start_s < laughter.start_s < laughter.end_s < found[1].end_s


def test_a_change_of_speaker_is_always_a_cut() -> None:
    words = spoken(*[("word", 0.5, 0.0)] * 8)
    turns = [Turn(0.0, 2.6, "anna"), Turn(2.4, 9.0, "ben")]
    first, second = cut(words, turns)
    assert (first.speaker, len(first.words)) == ("anna", 4)
    assert (second.speaker, len(second.words)) == ("ben", 4)
    assert first.overlap == pytest.approx(0.1 / first.seconds, abs=1e-6)
    assert second.overlap == pytest.approx(0.1 / second.seconds, abs=1e-6)


def test_without_words_too_each_speaker_has_clips_of_their_own() -> None:
    turns = [Turn(0.0, 4.0, "anna"), Turn(4.0, 5.0, "ben"), Turn(5.5, 9.0, "anna")]
    found = slices([Span(0.2, 9.0)], (), turns, seconds=9.5, options=OPTIONS, limits=LIMITS)
    assert [each.speaker for each in found] == ["anna", "ben", "anna"]
    assert found[0].end_s == found[1].start_s == pytest.approx(4.0)


def test_singing_is_cut_where_it_is_quietest() -> None:
    db = np.full(3000, -20.0, np.float32)
    db[[690, 1410, 2150]] = -45.0
    levels = Levels(hop_s=0.01, db=db)
    limits = ClipLimits(rate=44_100, shortest_s=1.0, longest_s=10.0, likely_s=7.0, text=False)
    sound = [Span(0.0, 30.0)]
    found = slices(sound, (), (), seconds=30.0, options=OPTIONS, limits=limits, levels=levels)
    assert [each.end_s for each in found] == pytest.approx([6.905, 14.105, 21.505, 30.0])
    (whole,) = slices(sound, (), (), seconds=30.0, options=OPTIONS, limits=limits)
    assert whole.seconds == 30.0


def test_nothing_gives_nothing() -> None:
    assert slices((), (), (), seconds=5.0, options=OPTIONS, limits=LIMITS) == []


def test_the_same_input_in_any_order_gives_the_same_clips() -> None:
    words = talk(300)
    turns = [Turn(0.0, 20.0, "a"), Turn(20.0, 50.0, "b"), Turn(45.0, 1e4, "a")]
    assert cut(words, turns) == cut(words[::-1], turns[::-1])


def test_words_on_top_of_each_other_are_all_kept() -> None:
    words = [TimedWord(text=str(i), start_s=0.1 * i, end_s=0.1 * i + 1.0) for i in range(30)]
    turns = [Turn(0.0, 1.5, "a"), Turn(1.5, 4.0, "b")]
    found = slices((), words, turns, seconds=4.0, options=OPTIONS, limits=LIMITS)
    assert [word.text for each in found for word in each.words] == [str(i) for i in range(30)]
    assert all(before.end_s <= after.start_s for before, after in pairwise(found))


def test_work_grows_with_the_recording_not_with_its_square(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at = 0
    scores = Table.scores

    def counted(table: Table, first: int, last: int, *rest: Any) -> Any:
        nonlocal looked_at
        looked_at += last - first
        return scores(table, first, last, *rest)

    monkeypatch.setattr(Table, "scores", counted)
    words = spoken(*[("word", 0.2, 0.15)] * 10_000)
    turns = [Turn(i * 30.0, i * 30.0 + 30.1, "ab"[i % 2]) for i in range(120)]
    assert sum(len(each.words) for each in cut(words, turns)) == 10_000
    assert looked_at < 50 * len(words)


@given(speech, st.randoms(use_true_random=False))
def test_where_word_times_are_wrong_cuts_stay_where_the_activity_hears_nobody(
    words: list[TimedWord], chance: Random
) -> None:
    sound = heard(words)
    wrong = [
        replace(word, start_s=max(0.0, word.start_s + chance.uniform(-0.2, 0.2)), end_s=word.end_s + 0.2)
        for word in words
    ]
    wrong = [replace(word, end_s=max(word.start_s, word.end_s + chance.uniform(-0.4, 0.0))) for word in wrong]
    found = slices(sound, wrong, (), seconds=words[-1].end_s + 0.5, options=OPTIONS, limits=SMALL)
    assert sorted(w.text for each in found for w in each.words) == sorted(w.text for w in words)
    assert all(before.end_s <= after.start_s for before, after in pairwise(found))
    for each in found:
        for at in (each.start_s, each.end_s):
            assert not any(span.start_s + 1e-9 < at < span.end_s - 1e-9 for span in sound)
