"""Who trains and who validates: by lot, evenly, and for good."""

import random
from dataclasses import replace

import pytest

from voicewright.data.options import SplitOptions
from voicewright.data.splits import assign
from voicewright.data.utterance import Source, Utterance
from voicewright.errors import BadSetting

SHARES = SplitOptions(validation=0.1, test=0.1)


def many(count: int, *, speakers: int = 1, recordings: int = 5, seed: int = 1) -> list[Utterance]:
    lot = random.Random(seed)
    return [
        Utterance(
            id=f"u{i:05}",
            audio=f"clips/u{i:05}.wav",
            sha256="",
            seconds=lot.uniform(1, 11),
            rate=24_000,
            text=f"word{i} and {lot.random()}",
            speaker=f"s{i % speakers}",
            source=Source(recording=f"r{i % recordings}", sha256="", start_s=i, end_s=i + 1),
        )
        for i in range(count)
    ]


def seconds(utterances: list[Utterance], split: str) -> float:
    return sum(each.seconds for each in utterances if each.split == split and each.kept)


@pytest.mark.parametrize("speakers", [1, 3])
def test_each_split_gets_its_share_of_the_seconds(speakers: int) -> None:
    found = assign(many(600, speakers=speakers), SHARES)
    total_s = sum(each.seconds for each in found)
    assert seconds(found, "validation") / total_s == pytest.approx(0.1, abs=0.01)
    assert seconds(found, "test") / total_s == pytest.approx(0.1, abs=0.01)


def test_validation_is_like_training_in_length_speaker_and_recording() -> None:
    found = assign(many(600, speakers=3), SHARES)
    chosen = [each for each in found if each.split == "validation"]
    assert sum(each.seconds for each in chosen) / len(chosen) == pytest.approx(6.0, abs=0.8)
    assert {each.speaker for each in chosen} == {"s0", "s1", "s2"}
    assert len({each.source.recording for each in chosen if each.source}) == 5


def test_of_many_speakers_with_little_the_right_number_gives() -> None:
    found = assign(many(900, speakers=300), SHARES)
    total_s = sum(each.seconds for each in found)
    assert seconds(found, "validation") / total_s == pytest.approx(0.1, abs=0.03)


def test_order_makes_no_difference_and_the_seed_does() -> None:
    utterances = many(200)
    found = assign(utterances, SHARES)
    backwards = assign(utterances[::-1], SHARES)
    assert backwards[::-1] == found
    assert assign(found, SHARES) == found
    assert assign(utterances, replace(SHARES, seed=1)) != found


def test_more_utterances_move_few_of_those_that_were_there() -> None:
    before = assign(many(400), SHARES)
    more = [replace(each, id=f"more-{each.id}") for each in many(40, seed=2)]
    after = assign([*before, *more], SHARES)
    moved = sum(one.split != two.split for one, two in zip(before, after, strict=False))
    assert moved <= 20


def test_the_same_words_are_never_on_two_sides() -> None:
    utterances = many(300)
    twins = [replace(each, id=f"{each.id}-again", text=each.text.upper() + "!", seconds=3) for each in utterances]
    found = assign([*utterances, *twins], SHARES)
    assert all(one.split == two.split for one, two in zip(found[:300], found[300:], strict=True))


def test_a_humans_choice_stays_takes_its_twins_along_and_counts() -> None:
    utterances = many(100)
    fixed = [replace(each, split="validation", split_fixed=True) for each in utterances[:30]]
    twin = replace(utterances[0], id="twin")
    found = assign([*fixed, *utterances[30:], twin], SplitOptions(validation=0.1))
    assert {each.split for each in [*found[:30], found[-1]]} == {"validation"}
    assert all(each.split == "train" for each in found[30:-1]), "more than the share was chosen by hand already"


def test_dropping_some_moves_few_and_dropped_ones_count_nothing() -> None:
    utterances = many(400)
    before = assign(utterances, SHARES)
    dropped = [replace(each, dropped="noise") if i % 10 == 0 else each for i, each in enumerate(utterances)]
    after = assign(dropped, SHARES)
    kept_s = sum(each.seconds for each in after if each.kept)
    assert seconds(after, "validation") / kept_s == pytest.approx(0.1, abs=0.01)
    assert sum(one.split != two.split for one, two in zip(before, after, strict=True)) <= 40


def test_a_small_dataset_validates_on_something() -> None:
    found = assign(many(8), SplitOptions(validation=0.02))
    assert sum(each.split == "validation" for each in found) == 1
    assert all(each.split == "train" for each in assign(many(8), SplitOptions(validation=0)))
    with pytest.raises(BadSetting):
        SplitOptions(validation=0.6, test=0.5)
